//! Letters about KPIs: made by form and API, received by a real mail server, read as mail programs read them, their charts
//! looked at; once over restarts.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::support::{Server, mail_server, page, send_form, until};

/// A part of a letter: its headers, and what is in it.
struct Part {
    head: String,
    bytes: Vec<u8>,
}

/// The value of a header, unfolded.
fn header(head: &str, name: &str) -> String {
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    let found = unfolded.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_default()
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let (joined, mut out) = (text.replace("=\n", ""), Vec::new());
    let mut bytes = joined.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let code = [bytes.next().unwrap(), bytes.next().unwrap()];
        out.push(u8::from_str_radix(std::str::from_utf8(&code).unwrap(), 16).unwrap());
    }
    out
}

/// Every leaf of a letter.
fn parts(text: &str, found: &mut Vec<Part>) {
    let (head, body) = text.split_once("\n\n").unwrap();
    let kind = header(head, "Content-Type");
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        let boundary = boundary.trim_start_matches('"').split(['"', ';']).next().unwrap();
        let body = body.split(&format!("--{boundary}--")).next().unwrap();
        for part in body.split(&format!("--{boundary}\n")).skip(1) {
            parts(part, found);
        }
        return;
    }
    let bytes = match header(head, "Content-Transfer-Encoding").to_ascii_lowercase().as_str() {
        "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap(),
        "quoted-printable" => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    found.push(Part { head: head.to_owned(), bytes });
}

fn leaves(letter: &str) -> Vec<Part> {
    let mut found = Vec::new();
    parts(&letter.replace('\r', ""), &mut found);
    found
}

fn text_of<'p>(parts: &'p [Part], kind: &str) -> &'p str {
    let part = parts.iter().find(|part| header(&part.head, "Content-Type").starts_with(kind)).unwrap();
    std::str::from_utf8(&part.bytes).unwrap()
}

/// A server whose letters go to a port.
fn server(folder: &Path, port: u16) -> Server {
    let path = folder.join("routing.yml");
    let routing = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: pharos@x.example, smtp_require_tls: false}}\nroute: {{receiver: all}}\nreceivers: [{{name: all}}]\n"
    );
    std::fs::write(&path, routing).unwrap();
    let flag = format!("--alertmanager.config.file={}", path.display());
    let flags = [flag.as_str(), "--host-metrics=false", "--own-metrics=false", "--auth=off", "--web.external-url=https://pharos.example"];
    Server::on(&folder.join("data"), &flags)
}

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn made(server: &Server, path: &str, body: &Json) {
    let (code, answer) = server.post(path, "application/json", body.to_string());
    assert_eq!(code, 200, "{path}: {answer}");
}

/// Two KPIs of days, with two years of numbers.
fn shop(server: &Server) {
    let targets = json!([{ "by": "week", "value": 700 }]);
    made(
        server,
        "/api/v1/kpis",
        &json!({ "name": "Orders & <more>", "group": "Sales", "owner": "Ada", "segments": ["plan"], "targets": targets, "pushed": {} }),
    );
    made(server, "/api/v1/kpis", &json!({ "name": "Revenue", "group": "Money", "unit": "currency", "currency": "EUR", "pushed": {} }));
    let today = now().div_euclid(86_400_000);
    let mut all = (Vec::new(), Vec::new());
    for back in 0..400_i64 {
        let at = (today - back) * 86_400 + 43_200;
        let pro = 60.0 + ((400 - back) as f64) / 10.0;
        all.0.push(json!({ "at": at.to_string(), "value": pro + 40.0 }));
        all.0.push(json!({ "at": at.to_string(), "value": pro, "segment": { "plan": "pro" } }));
        all.0.push(json!({ "at": at.to_string(), "value": 40.0, "segment": { "plan": "free" } }));
        all.1.push(json!({ "at": at.to_string(), "value": 1_000.0 + (back % 7) as f64 * 20.0 }));
    }
    made(server, "/api/v1/kpis/Orders%20&%20%3Cmore%3E/values", &json!(all.0));
    made(server, "/api/v1/kpis/Revenue/values", &json!(all.1));
}

#[test]
fn a_digest_is_received_with_its_charts() {
    let (port, letters) = mail_server();
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), port);
    shop(&server);
    assert!(page(&server, "/business/digests").contains("Who should know each week how it goes?"));
    let form = [
        ("name", "The week"),
        ("to", "ann@x.example, bob@x.example"),
        ("every", "week"),
        ("weekday", "monday"),
        ("day", "1"),
        ("hour", "8"),
        ("language", "en"),
    ];
    let (code, refused) =
        send_form(&server, "/business/digests/save", &form.map(|(name, value)| (name, if name == "to" { "nobody" } else { value })));
    assert!(code == 400 && refused.contains("expected an address") && refused.contains("nobody</textarea>"), "{refused}");
    let (code, list) = send_form(&server, "/business/digests/save", &form);
    assert!(code == 200 && list.contains("The letter is saved.") && list.contains("Each Monday at 08:00"), "{list}");
    let preview = page(&server, "/business/digests/letter?name=The+week");
    let pictures = preview.split("data:image/png;base64,").skip(1).map(|rest| rest.find('"').unwrap());
    assert!(pictures.clone().all(|length| length < 16_000), "{:?}", pictures.collect::<Vec<_>>());
    assert!(preview.contains("data:image/png;base64,") && preview.contains("Orders &#38; &#60;more&#62;"), "{preview}");
    let (code, sent) = send_form(&server, "/business/digests/send", &[("name", "The week"), ("to", "me@x.example")]);
    assert!(code == 200 && sent.contains("The letter is on its way."), "{sent}");
    let letter = letters.recv_timeout(Duration::from_secs(120)).unwrap();
    assert!(letter.contains("me@x.example") && letter.contains("Subject: "), "{letter}");
    let parts = leaves(&letter);
    let (html, text) = (text_of(&parts, "text/html"), text_of(&parts, "text/plain"));
    for expected in [
        "Orders &#38; &#60;more&#62;",
        "of 700",
        "target met",
        "than before",
        "Mostly plan = pro",
        "https://pharos.example/business/",
        "Sales",
        "Money",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    for expected in
        ["The week", "Orders & <more>: ", "✓ target met", "Revenue: €7,", "Mostly plan = pro: +", "https://pharos.example/business/1"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!html.contains("<script") && !html.contains("src=\"http") && !html.contains("data:image"), "{html}");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digest");
    std::fs::create_dir_all(&out).unwrap();
    let mut shown = html.to_owned();
    let pictures: Vec<&Part> = parts.iter().filter(|part| header(&part.head, "Content-Type").starts_with("image/png")).collect();
    assert_eq!((pictures.len(), html.matches("src=\"cid:").count()), (2, 2));
    for picture in pictures {
        let id = header(&picture.head, "Content-ID").trim_matches(['<', '>']).to_owned();
        assert!(html.contains(&format!("src=\"cid:{id}\"")), "{id}: {html}");
        assert!(header(&picture.head, "Content-Disposition").starts_with("inline"), "{}", picture.head);
        let drawn = resvg::tiny_skia::Pixmap::decode_png(&picture.bytes).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (1440, 440));
        let is_blue = |dot: &&resvg::tiny_skia::PremultipliedColorU8| dot.blue() > dot.red().saturating_add(60);
        assert!(drawn.pixels().iter().filter(is_blue).count() > 20_000, "there are no bars in {id}");
        assert!(picture.bytes.len() < 12_000, "{}", picture.bytes.len());
        let name = format!("{}.png", id.split('@').next().unwrap());
        std::fs::write(out.join(&name), &picture.bytes).unwrap();
        shown = shown.replace(&format!("cid:{id}"), &name);
    }
    std::fs::write(out.join("letter.html"), shown).unwrap();
    std::fs::write(out.join("letter.txt"), text).unwrap();
    let (code, gone) = send_form(&server, "/business/digests/delete", &[("name", "The week")]);
    assert!(code == 200 && gone.contains("The letter is deleted."), "{gone}");
}

#[test]
fn what_is_due_goes_out_once_over_restarts() {
    let (port, letters) = mail_server();
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), port);
    made(&server, "/api/v1/kpis", &json!({ "name": "Orders", "pushed": {} }));
    // Due in the last hour, by a clock that nobody changes.
    let hour = now().div_euclid(3_600_000);
    let weekday = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        [usize::try_from((hour.div_euclid(24) + 3).rem_euclid(7)).unwrap()];
    let digest = json!({ "name": "Weekly", "to": ["ann@x.example"], "weekday": weekday, "hour": hour.rem_euclid(24), "language": "ar" });
    made(&server, "/api/v1/digests", &digest);
    let (code, twice) = server.post("/api/v1/digests", "application/json", digest.to_string());
    assert!(code == 400 && twice.contains("Weekly"), "{twice}");
    let (code, odd) = server.post("/api/v1/digests/Weekly/send", "application/json", json!({ "to": ["nobody"] }).to_string());
    assert!(code == 400 && odd.contains("expected 1 to 50 addresses"), "{odd}");
    assert_eq!(server.api("/api/v1/digests/Weekly")["sent"], Json::Null, "what was due before somebody wanted it is not sent");
    drop(server);
    // As if it had been made a day before.
    let database = rusqlite::Connection::open(folder.path().join("data/pharos.db")).unwrap();
    assert_eq!(database.execute("UPDATE business_digests SET since_ms = since_ms - 86400000", []).unwrap(), 1);
    drop(database);
    let mut server = self::server(folder.path(), port);
    let letter = letters.recv_timeout(Duration::from_secs(120)).unwrap();
    let parts = leaves(&letter);
    assert!(text_of(&parts, "text/html").contains("dir=\"rtl\"") && letter.contains("pharos-digest."), "{letter}");
    until(|| server.api("/api/v1/digests/Weekly")["sent"].as_str().map(str::to_owned));
    server.kill_and_restart();
    assert!(letters.recv_timeout(Duration::from_secs(5)).is_err(), "it went out twice");
    let answer = server.api("/api/v1/digests");
    assert_eq!((&answer[0]["to"], &answer[0]["problem"]), (&json!(["ann@x.example"]), &Json::Null));
}
