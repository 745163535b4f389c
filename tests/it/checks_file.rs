//! Checks of a file: watched as the file says, changed there and not in the browser, released when it names them no longer.

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, until};

fn listed(server: &Server) -> Vec<(String, String, Option<String>)> {
    let all = ask(server, "GET", "/api/v1/checks", None).1;
    let text = |value: &Json| value.as_str().map(str::to_owned);
    all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (text(&check["name"]).unwrap(), text(&check["interval"]).unwrap(), text(&check["file"])))
        .collect()
}

fn reload(server: &Server) -> (u16, String) {
    server.post("/-/reload", "text/plain", "")
}

#[test]
fn a_file_of_checks_is_followed() {
    let server = Server::with_config("", &["--host-metrics=false", "--enable-lifecycle"]);
    let own = json!({ "name": "Shop", "interval": "10s", "ping": { "host": "127.0.0.1" } });
    let (status, made) = ask(&server, "POST", "/api/v1/checks", Some(&own));
    assert_eq!(status, 200, "{made}");
    let id = made["data"]["id"].clone();

    // Beside the configuration, under its usual name; the check that was made by hand goes on as the file's.
    let path = server.folder().join("checks.yml");
    let file = "checks:\n- {name: Shop, interval: 20s, ping: {host: 127.0.0.1}}\n- {name: Backup, heartbeat: {every: 1d}}\n\
                maintenance:\n- {title: Move, checks: [Shop], starts: '0 3 * * 6', lasts: 2h}\n";
    std::fs::write(&path, file).unwrap();
    assert_eq!(reload(&server).0, 200);
    let all = until(|| Some(listed(&server)).filter(|all| all.len() == 2));
    let stands = Some(path.display().to_string());
    assert_eq!(all[0], ("Shop".to_owned(), "20s".to_owned(), stands.clone()));
    assert_eq!((&*all[1].0, &all[1].2), ("Backup", &stands));
    assert_eq!(ask(&server, "GET", "/api/v1/checks/Shop", None).1["data"]["check"]["id"], id);

    let planned = || ask(&server, "GET", "/api/v1/maintenance", None).1["data"].as_array().map_or(0, Vec::len);
    assert_eq!(until(|| Some(planned()).filter(|count| *count > 0)), 1);

    let (status, refused) = ask(&server, "PUT", "/api/v1/checks/Shop", Some(&own));
    let expected = format!("this check stands in the file {}, and is changed there", path.display());
    assert_eq!((status, refused["error"].as_str()), (400, Some(&*expected)), "{refused}");
    assert_eq!(ask(&server, "DELETE", "/api/v1/checks/Shop", None).0, 400);

    // What is wrong is said with its place, and changes nothing.
    std::fs::write(&path, "checks:\n- {name: Shop, ping: {hots: a}}\n").unwrap();
    let (status, said) = reload(&server);
    assert!(status == 500 && said.contains(&format!("{}:2:23: hots: unknown key, did you mean host?", path.display())), "{said}");
    assert_eq!(listed(&server).len(), 2);

    // One that the file names no longer is paused, keeps its past, and may be deleted.
    std::fs::write(&path, "checks:\n- {name: Backup, heartbeat: {every: 2d}}\n").unwrap();
    assert_eq!(reload(&server).0, 200);
    let released = until(|| Some(listed(&server)).filter(|all| all.iter().any(|(name, _, file)| name == "Shop" && file.is_none())));
    assert_eq!(released.len(), 2);
    assert_eq!(ask(&server, "GET", "/api/v1/checks/Shop", None).1["data"]["check"]["state"], "paused");
    assert_eq!(ask(&server, "DELETE", "/api/v1/checks/Shop", None).0, 200);
    assert_eq!(listed(&server).len(), 1);
    until(|| Some(()).filter(|()| planned() == 0));
}

#[test]
fn a_file_with_mistakes_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yml");
    std::fs::write(&path, "checks: [{name: a}]").unwrap();
    let binary = env!("CARGO_BIN_EXE_pharos");
    let data = folder.path().join("data");
    let said = std::process::Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", &data.display().to_string()])
        .env("PHAROS_UPTIME_CHECKS_FILE", &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(!said.status.success() && text.contains("mine.yml:1:10: a check says what it probes"), "{text}");
}
