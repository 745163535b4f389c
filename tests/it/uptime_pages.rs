//! Pages of checks over the real server: made by an address, tried before they are kept, changed many at once, copied
//! with their secrets, brought in.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{Server, ask, client, send_form};

/// Addresses of checks that answer whatever is asked.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _asked = stream.read(&mut [0; 4096]);
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nWelcome");
        }
    });
    url
}

/// The page when it says something.
fn until(server: &Server, path: &str, part: &str) -> String {
    for _ in 0..300 {
        let (status, text) = server.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        if text.contains(part) {
            return text;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{path} never says {part}");
}

fn ids(server: &Server) -> Vec<(String, i64)> {
    let all = server.api("/api/v1/checks");
    all.as_array().unwrap().iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["id"].as_i64().unwrap())).collect()
}

#[test]
fn an_address_is_watched_at_once_and_has_its_page() {
    let (server, url) = (Server::quiet(), page());
    assert!(server.get("/uptime").1.contains("What is to be watched?"));
    let (status, wrong) = send_form(&server, "/uptime/save", &[("kind", "http"), ("quick", "1"), ("http.url", "ftp://x y")]);
    assert!(status == 400 && wrong.contains("expected an address such as") && wrong.contains("ftp://x y"), "{status} {wrong}");
    let (status, made) = send_form(&server, "/uptime/save", &[("kind", "http"), ("quick", "1"), ("http.url", &url)]);
    assert!(status == 200 && made.contains("It is watched from now on."), "{status} {made}");
    let (name, id) = ids(&server)[0].clone();
    assert_eq!(format!("http://{name}/"), url);
    let shown = until(&server, &format!("/uptime/{id}"), "Up for");
    for part in ["Waiting for the answer", "/ui/chart?q=max", "24 hours", &format!("/uptime/new?from={id}"), "checks:"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let list = until(&server, "/uptime?range=4h", "The one check is up.");
    assert!(list.contains("uc-bars") && list.contains(&format!("href=\"/uptime/{id}\"")), "{list}");
    // The same address again gets another name.
    assert_eq!(send_form(&server, "/uptime/save", &[("kind", "http"), ("quick", "1"), ("http.url", &url)]).0, 200);
    assert!(ids(&server).iter().any(|(other, _)| *other == format!("{name} 2")), "{:?}", ids(&server));
    for missing in ["/uptime/99999", "/uptime/99999/edit", "/uptime/x"] {
        let (status, text) = server.get(missing);
        assert!(status == 404 && text.contains("There is no such check"), "{missing}: {status}");
    }
}

#[test]
fn drafts_are_tried_and_not_kept() {
    let (server, url) = (Server::quiet(), page());
    let try_it = |form: &[(&str, &str)]| send_form(&server, "/ui/uptime/try", form);
    let (status, good) = try_it(&[("kind", "http"), ("whole", "1"), ("http.url", &url), ("http.contains", "Welcome")]);
    assert!(status == 200 && good.contains("<span class=\"tag ok\">up</span>") && good.contains("127.0.0.1"), "{status} {good}");
    let (_, bad) = try_it(&[("kind", "http"), ("http.url", &url), ("http.contains", "Farewell")]);
    assert!(bad.contains("<span class=\"tag crit\">down</span>") && bad.contains("Welcome"), "{bad}");
    let (_, wrong) = try_it(&[("kind", "http"), ("http.url", &url), ("http.status", "20"), ("interval", "1ms")]);
    assert!(wrong.contains("data-err=\"http.status\">Read") && wrong.contains("data-err=\"interval\">Read"), "{wrong}");
    let (_, waits) = try_it(&[("kind", "heartbeat"), ("heartbeat.every", "1h")]);
    assert!(waits.contains("this check waits"), "{waits}");
    assert_eq!(ids(&server), []);
    let busy = (0..80).any(|_| try_it(&[("kind", "http"), ("http.url", &url)]).1.contains("Too much is tested"));
    assert!(busy, "tries are bounded");
}

#[test]
fn forms_keep_secrets_and_copies_take_them_along() {
    let (server, url) = (Server::quiet(), page());
    let form = [("kind", "http"), ("whole", "1"), ("name", "Api"), ("http.url", url.as_str()), ("http.username", "ann")];
    let with = |more: &[(&'static str, &str)]| {
        let pairs: Vec<(&str, &str)> = form.iter().chain(more).map(|(name, value)| (*name, *value)).collect();
        send_form(&server, "/uptime/save", &pairs)
    };
    assert_eq!(with(&[("http.password", "hunter2hunter2"), ("labels", "team: web")]).0, 200);
    let id = ids(&server)[0].1.to_string();
    let (_, edit) = server.get(&format!("/uptime/{id}/edit"));
    assert!(edit.contains("team: web") && edit.contains("&#60;secret&#62;") && !edit.contains("hunter2"), "{edit}");
    let (status, saved) = with(&[("id", &id), ("http.password", "<secret>"), ("interval", "1m"), ("note", "Call Ann.")]);
    assert!(status == 200 && saved.contains("The check is saved.") && saved.contains("Call Ann."), "{status} {saved}");
    let (status, copy) = server.get(&format!("/uptime/new?from={id}"));
    assert!(status == 200 && copy.contains("Api (copy)"), "{copy}");
    let (status, taken) = with(&[("from", &id), ("http.password", "<secret>")]);
    assert!(status == 400 && taken.contains("there is a check named"), "{status} {taken}");
    let copied = send_form(
        &server,
        "/uptime/save",
        &[
            ("kind", "http"),
            ("whole", "1"),
            ("from", &id),
            ("name", "Copy"),
            ("http.url", &url),
            ("http.username", "ann"),
            ("http.password", "<secret>"),
        ],
    );
    assert_eq!(copied.0, 200, "{}", copied.1);
    let (_, tried) = send_form(
        &server,
        "/ui/uptime/try",
        &[("kind", "http"), ("id", &id), ("http.url", &url), ("http.username", "ann"), ("http.password", "<secret>")],
    );
    assert!(tried.contains("tag ok"), "{tried}");
    let (status, noted) = send_form(&server, &format!("/uptime/{id}/note"), &[("note", "<b>Call Bob.</b>")]);
    assert!(status == 200 && noted.contains("&#60;b&#62;Call Bob."), "{status} {noted}");
    let (_, log) = server.get("/settings/audit");
    assert!(!log.contains("hunter2") && log.contains("checks.note"), "{log}");
}

#[test]
fn many_are_changed_at_once_and_deleted_after_a_question() {
    let server = Server::quiet();
    let file = "checks:\n- {name: A, interval: 1h, tcp: {address: '127.0.0.1:1'}}\n- {name: B, interval: 1h, parent: C, tcp: {address: '127.0.0.1:1'}}\n- {name: C, interval: 1h, http: {url: 'http://127.0.0.1:1/', bearer_token: <secret>}}\n";
    let (status, looked) = send_form(&server, "/uptime/import", &[("text", file), ("step", "look")]);
    assert!(
        status == 200 && looked.contains("Bring in 3 checks") && looked.contains("was hidden when the file was exported"),
        "{status} {looked}"
    );
    assert_eq!(ids(&server), []);
    let (status, brought) = send_form(&server, "/uptime/import", &[("text", file), ("step", "save")]);
    assert!(status == 200 && brought.contains("3 checks are brought in."), "{status} {brought}");
    assert!(send_form(&server, "/uptime/import", &[("text", file), ("step", "look")]).1.contains("there already"));
    assert_eq!(send_form(&server, "/uptime/import", &[("text", "{"), ("step", "look")]).0, 400);
    let known: Vec<String> = ids(&server).into_iter().map(|(_, id)| id.to_string()).collect();
    let act = |wish: &str, more: &[(&str, &str)]| {
        let mut form = vec![("do", wish), ("check", known[0].as_str()), ("check", known[1].as_str())];
        form.extend_from_slice(more);
        send_form(&server, "/uptime", &form)
    };
    assert!(act("pause", &[]).1.contains("2 checks are paused."));
    assert_eq!(server.api("/api/v1/checks").as_array().unwrap().iter().filter(|one| one["state"] == "paused").count(), 2);
    assert!(act("resume", &[("back", "/uptime?kind=tcp")]).1.contains("2 checks are watched again."));
    assert!(act("label", &[("label", "team=web")]).1.contains("2 checks are changed."));
    assert_eq!(act("label", &[("label", "check=x")]).0, 400);
    assert_eq!(act("interval", &[("interval", "5m")]).0, 200);
    assert_eq!(act("interval", &[("interval", "5 parsecs")]).0, 400);
    let found = ask(&server, "GET", &format!("/api/v1/checks/{}", known[0]), None).1;
    assert_eq!((&found["data"]["check"]["interval"], &found["data"]["check"]["labels"]["team"]), (&"5m".into(), &"web".into()));
    assert!(act("unlabel", &[("label", "team")]).1.contains("2 checks are changed."));
    assert!(act("probe", &[]).1.contains("2 checks are probed now."));
    let (status, asked) = act("delete", &[]);
    assert!(status == 200 && asked.contains("Delete 2 checks for good?") && ids(&server).len() == 3, "{status} {asked}");
    assert!(act("delete", &[("sure", "1")]).1.contains("2 checks are deleted."));
    assert_eq!((ids(&server).len(), act("pause", &[]).0, send_form(&server, "/uptime", &[("do", "pause")]).0), (1, 404, 400));
}

#[test]
fn jobs_get_their_address_from_the_page() {
    let server = Server::quiet();
    assert_eq!(send_form(&server, "/uptime/save", &[("kind", "heartbeat"), ("name", "Backup"), ("heartbeat.every", "1d")]).0, 200);
    let id = ids(&server)[0].1;
    let shown = until(&server, &format!("/uptime/{id}"), "Nothing was heard of it yet.");
    let address = shown.split("--retry 3 ").nth(1).unwrap().split(['<', ' ']).next().unwrap().to_owned();
    assert!(address.starts_with(&server.url("/api/v1/heartbeats/")), "{address}");
    assert!(client().post(&address).send().unwrap().status().is_success());
    until(&server, &format!("/uptime/{id}"), "Up for");
}
