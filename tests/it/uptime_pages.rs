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
    for _ in 0..1200 {
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
    // Many within a minute, or many at once where this machine does not get so far in a minute.
    let is_stopped = || (0..80).any(|_| try_it(&[("kind", "http"), ("http.url", &url)]).1.contains("Too much is tested"));
    let is_bounded = std::thread::scope(|scope| {
        let several: Vec<_> = (0..8).map(|_| scope.spawn(is_stopped)).collect();
        several.into_iter().any(|one| one.join().unwrap())
    });
    assert!(is_bounded, "tries are bounded");
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
    // Whoever may change a check need not know its secrets: they are not sent elsewhere, neither saved, copied nor tried.
    for (path, status) in [("/uptime/save", 400), ("/ui/uptime/try", 200)] {
        for place in ["id", "from"] {
            let elsewhere = [("kind", "http"), ("whole", "1"), ("name", "Else"), ("http.url", "http://localhost:1/"), (place, id.as_str())];
            let pairs: Vec<(&str, &str)> = elsewhere.into_iter().chain([("http.username", "ann"), ("http.password", "<secret>")]).collect();
            let (answered, text) = send_form(&server, path, &pairs);
            let is_said = text.contains("Type the password again: the address changed");
            assert!(answered == status && is_said, "{path} {place}: {answered} {text}");
        }
    }
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
fn all_that_match_are_changed_whatever_page_they_are_on() {
    let server = Server::quiet();
    let line = |n: usize| format!("- {{name: P{n:02}, interval: 1h, labels: {{row: r{}}}, tcp: {{address: '127.0.0.1:1'}}}}\n", n % 2);
    let file = format!("checks:\n{}", (0..120).map(line).collect::<String>());
    assert_eq!(send_form(&server, "/uptime/import", &[("text", &file), ("step", "save")]).0, 200);
    let back = "/uptime?label=row%3Dr1";
    let list = server.get(back).1;
    assert!(list.contains("name=\"every\" value=\"60\"") && list.contains("All 60 that match"), "{list}");
    let act = |wish: &str, more: &[(&str, &str)]| {
        send_form(&server, "/uptime", &[&[("do", wish), ("every", "60"), ("back", back)], more].concat())
    };
    let of = |key: &str, value: &str| {
        let texts: Vec<String> = ids(&server).iter().map(|(_, id)| server.get(&format!("/api/v1/checks/{id}.yaml")).1).collect();
        texts.iter().filter(|text| text.contains(&format!("{key}: {value}\n"))).count()
    };
    assert!(act("pause", &[]).1.contains("60 checks are paused."));
    assert_eq!(server.api("/api/v1/checks").as_array().unwrap().iter().filter(|one| one["state"] == "paused").count(), 60);
    assert!(act("retries", &[("retries", "7")]).1.contains("60 checks are changed."));
    assert!(act("severity", &[("severity", "warning")]).1.contains("60 checks are changed."));
    assert_eq!((of("retries", "7"), of("severity", "warning")), (60, 60));
    assert_eq!((act("retries", &[("retries", "many")]).0, act("retries", &[]).0, act("severity", &[]).0), (400, 400, 400));
    let (code, plan) = act("maintain", &[]);
    assert!(code == 200 && plan.contains("Plan maintenance") && plan.contains("value=\"P01\" checked"), "{plan}");
    assert!(!plan.contains("value=\"P00\" checked"));
    assert_eq!(server.api("/api/v1/maintenance"), serde_json::json!([]), "a form keeps nothing");

    let (_, asked) = act("delete", &[]);
    assert!(asked.contains("Delete 60 checks for good?") && asked.contains("and 40 more"), "{asked}");
    // One more matches by now: it was not asked about.
    let more = "{name: Late, labels: {row: r1}, tcp: {address: '127.0.0.1:1'}}";
    assert_eq!(server.send("POST", "/api/v1/checks", "application/yaml", more).0, 200);
    let (_, asked) = act("delete", &[("sure", "1")]);
    assert!(asked.contains("Delete 61 checks for good?") && ids(&server).len() == 121, "{asked}");
    let sure = [("do", "delete"), ("every", "61"), ("sure", "1"), ("back", back)];
    assert!(send_form(&server, "/uptime", &sure).1.contains("61 checks are deleted."));
    assert_eq!(ids(&server).len(), 60);
    let log = server.get("/settings/audit").1;
    assert!(log.contains("checks.retries") && log.contains("checks.severity"), "{log}");
}

#[test]
fn a_check_is_a_file_that_is_brought_in_again_unchanged() {
    let server = Server::quiet();
    let checks = [
        "{name: 'Shop: /a', labels: {team: web}, parent: Host, interval: 5m, retries: 4, severity: warning, note: \"Call Ann.\\nThen Bob.\", http: {url: 'https://a.example/?q=1', status: [200, 3xx], contains: [Welcome]}}",
        "{name: Names, dns: {name: a.example, server: '127.0.0.1:53', type: A}}",
        "{name: All, group: {checks: [Host]}}",
        "{name: Signed, http: {url: 'https://ann:pw@a.example/', bearer_token: hunter2hunter2}}",
    ];
    assert_eq!(
        server.send("POST", "/api/v1/checks", "application/yaml", "{name: Host, interval: 1h, tcp: {address: 'a.example:1'}}").0,
        200
    );
    for check in checks {
        let (code, made) = server.send("POST", "/api/v1/checks", "application/yaml", check);
        assert_eq!(code, 200, "{made}");
        let id = serde_json::from_str::<serde_json::Value>(&made).unwrap()["data"]["id"].to_string();
        let page = server.get(&format!("/uptime/{id}")).1;
        assert!(page.contains(&format!("href=\"/api/v1/checks/{id}.yaml\" download")), "{page}");
        let answer = client().get(server.url(&format!("/api/v1/checks/{id}.yaml"))).send().unwrap();
        let named = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(named.starts_with("attachment; filename=\"") && named.ends_with(".yaml\"") && !named.contains('/'), "{named}");
        let file = answer.text().unwrap();
        assert!(file.starts_with("checks:") && !file.contains("hunter2") && !file.contains("pw@"), "{file}");
        assert_eq!(server.get(&format!("/api/v1/checks/{id}?format=yaml")).1, file);
        assert_eq!(ask(&server, "DELETE", &format!("/api/v1/checks/{id}"), None).0, 200);
        let (code, said) = server.send("POST", "/api/v1/checks/import", "application/yaml", &file);
        assert_eq!(code, 200, "{said}");
        if check.contains("hunter2") {
            assert!(said.contains("bearer_token was hidden") && said.contains("a part of an address was hidden"), "{said}");
            continue;
        }
        let again = ids(&server).into_iter().map(|(_, id)| id).max().unwrap();
        assert_eq!(server.get(&format!("/api/v1/checks/{again}.yaml")).1, file, "{said}");
    }
    assert_eq!((server.get("/api/v1/checks/99.yaml").0, server.get("/api/v1/checks/Host?format=xml").0), (404, 400));
}

#[test]
fn a_file_is_uploaded_by_a_form_without_script() {
    let server = Server::quiet();
    assert!(server.get("/uptime/import").1.contains("enctype=\"multipart/form-data\""));
    let send = |file: &[u8], text: &str, step: &str| {
        let mut body = Vec::new();
        for (name, value) in [("text", text), ("step", step)] {
            body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.yml\"\r\n\r\n");
        body.extend(file);
        body.extend(b"\r\n--x--\r\n");
        let request = client().post(server.url("/uptime/import")).header("content-type", "multipart/form-data; boundary=x");
        let answer = request.body(body).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let file = "checks:\n- {name: Uploaded, interval: 1h, tcp: {address: '127.0.0.1:1'}}\n";
    let (code, looked) = send(file.as_bytes(), "", "look");
    assert!(code == 200 && looked.contains("Bring in 1 check") && looked.contains("name: Uploaded"), "{code} {looked}");
    assert_eq!(ids(&server), [], "it is looked at first");
    let (code, kept) = send(b"", file, "save");
    assert!(code == 200 && kept.contains("1 check is brought in."), "{code} {kept}");
    assert_eq!(ids(&server)[0].0, "Uploaded");
    let (code, said) = send(&[0xff; 64], "", "look");
    assert!(code == 400 && said.contains("neither text nor a database"), "{code} {said}");
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
