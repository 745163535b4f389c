//! What is told on status pages over the real server: drafts that nobody sees before they are told, updates in other words
//! of which nobody hears twice, texts to choose from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, page, send_form};

const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing comes where nothing is to come: a sender looks every two seconds.
const QUIET: Duration = Duration::from_secs(5);
const POSTS: &str = "/uptime/status-pages/posts";

/// A webhook, and what it gets.
fn hook() -> (u16, Receiver<Json>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (to, got) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut line) = (0, String::new());
            while lines.read_line(&mut line).unwrap() > 2 {
                length = line.to_lowercase().strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                line.clear();
            }
            let mut body = vec![0; length];
            lines.read_exact(&mut body).unwrap();
            let _sent = stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if to.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (port, got)
}

/// A page that a webhook follows.
fn followed(server: &Server) -> Receiver<Json> {
    let (port, got) = hook();
    assert_eq!(ask(server, "POST", "/api/v1/status-pages", Some(&json!({ "title": "Example", "slug": "shop" }))).0, 200);
    let webhook = json!({ "webhook": format!("http://127.0.0.1:{port}/hook") });
    assert_eq!(ask(server, "POST", "/api/v1/status-pages/shop/followers", Some(&webhook)).0, 200);
    got
}

/// Everything that everybody may read.
fn public(server: &Server) -> String {
    ["", "/feed.xml", "/rss", "/status.json", "/history"].map(|path| page(server, &format!("/status/shop{path}"))).concat()
}

fn posts(server: &Server, fields: &[(&str, &str)]) -> (u16, String) {
    send_form(server, POSTS, &[fields, &[("slug", "shop")]].concat())
}

#[test]
fn a_draft_is_seen_by_nobody_until_it_is_told_and_then_once() {
    let mut server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--server.fetch-allow=loopback"]);
    let got = followed(&server);
    let fields = [("do", "keep"), ("title", "Secret plan"), ("severity", "notice"), ("stage", "identified"), ("text", "We move house.")];
    let (code, kept) = posts(&server, &fields);
    assert!(code == 200 && kept.contains("The draft is kept.") && kept.contains("Secret plan"), "{kept}");
    server.kill_and_restart();
    assert!(!public(&server).contains("Secret plan"));
    assert_eq!(server.api("/api/v1/status-pages/shop/posts"), json!([]));
    assert!(got.recv_timeout(QUIET).is_err(), "a draft was told");
    let id = server.api("/api/v1/status-pages/shop/drafts")[0]["id"].to_string();
    let form = page(&server, &format!("{POSTS}?slug=shop&draft={id}"));
    assert!(form.contains("Edit draft") && form.contains("We move house.</textarea>"), "{form}");
    let draft = [("draft", id.as_str())];
    let mut again = fields;
    again[4].1 = "We move house on Monday.";
    assert_eq!(posts(&server, &[&again[..], &draft].concat()).0, 200);
    assert_eq!(server.api("/api/v1/status-pages/shop/drafts").as_array().map(Vec::len), Some(1), "it is the same draft");

    assert_eq!(posts(&server, &[&[("do", "publish")][..], &draft].concat()).0, 200);
    let told = got.recv_timeout(PATIENCE).unwrap();
    assert!(told["text"].as_str().unwrap().contains("Secret plan") && told["update"]["stage"] == "identified", "{told}");
    assert!(public(&server).contains("We move house on Monday."));
    assert_eq!(posts(&server, &[&[("do", "publish")][..], &draft].concat()).0, 404, "a draft is told once");
    assert_eq!(server.api("/api/v1/status-pages/shop/drafts"), json!([]));
    assert!(got.recv_timeout(QUIET).is_err(), "it was told twice");
}

#[test]
fn drafts_need_not_be_whole_until_they_are_told() {
    let server = Server::quiet();
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages", Some(&json!({ "title": "Example", "slug": "shop" }))).0, 200);
    assert_eq!(posts(&server, &[("do", "keep"), ("severity", "outage"), ("stage", "investigating")]).0, 200);
    let id = server.api("/api/v1/status-pages/shop/drafts")[0]["id"].to_string();
    let (code, said) = posts(&server, &[("do", "publish"), ("draft", &id)]);
    assert!(code == 400 && said.contains("a post has a title") && said.contains("Edit draft"), "{said}");
    let whole = [("do", "tell"), ("draft", id.as_str()), ("title", "Now"), ("severity", "outage"), ("stage", "investigating")];
    assert_eq!(posts(&server, &whole).0, 200);
    assert!(public(&server).contains("We know of the trouble"), "the usual words stand for none");
    let address = "/api/v1/status-pages/shop/drafts";
    let (code, made) = ask(&server, "POST", address, Some(&json!({ "title": "Later" })));
    assert_eq!((code, &made["data"]["severity"]), (200, &json!("notice")), "{made}");
    let address = format!("{address}/{}", made["data"]["id"]);
    assert_eq!(ask(&server, "POST", &format!("{address}/publish"), None).0, 400, "it says nothing yet");
    assert_eq!(ask(&server, "PUT", &address, Some(&json!({ "title": "Later", "text": "Soon", "checks": ["Nobody"] }))).0, 400);
    assert_eq!(ask(&server, "PUT", &address, Some(&json!({ "title": "Later", "text": "Soon" }))).0, 200);
    assert_eq!(ask(&server, "POST", &format!("{address}/publish"), None).0, 200);
    assert_eq!(ask(&server, "DELETE", &address, None).0, 404);
    assert_eq!(server.api("/api/v1/status-pages/shop/posts").as_array().map(Vec::len), Some(2));
}

#[test]
fn an_update_in_other_words_is_told_to_nobody_again() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--server.fetch-allow=loopback"]);
    let got = followed(&server);
    let tell = [("do", "tell"), ("title", "Slow"), ("severity", "degraded"), ("stage", "investigating"), ("text", "Teh disk is full.")];
    assert_eq!(posts(&server, &tell).0, 200);
    assert!(got.recv_timeout(PATIENCE).unwrap()["text"].as_str().unwrap().contains("Teh disk"));
    let told = server.api("/api/v1/status-pages/shop/posts")[0].clone();
    let (post, update) = (told["id"].to_string(), told["updates"][0]["id"].to_string());
    let form = page(&server, &format!("{POSTS}?slug=shop&post={post}&update={update}"));
    assert!(form.contains("Edit an update of") && form.contains("Teh disk is full.</textarea>"), "{form}");
    let of = [("post", post.as_str()), ("update", update.as_str())];
    let edit = |text: &str| posts(&server, &[&of[..], &[("do", "edit"), ("stage", "identified"), ("text", text)]].concat());
    assert_eq!((edit("The disk is full.").0, edit("").0), (200, 400));
    let all = public(&server);
    assert!(all.contains("The disk is full.") && !all.contains("Teh disk"), "{all}");
    let json: Json = serde_json::from_str(&page(&server, "/status/shop/status.json")).unwrap();
    let said = &json["incidents"][0]["updates"][0];
    assert!(said["editedAt"].is_string() && said["stage"] == "identified" && said["at"] == told["updates"][0]["at"], "{json}");
    assert!(page(&server, "/status/shop/feed.xml").contains(&format!("<updated>{}</updated>", said["editedAt"].as_str().unwrap())));

    let (code, said) = posts(&server, &[&of[..], &[("do", "unsay")]].concat());
    assert!(code == 400 && said.contains("delete the post instead"), "{said}");
    assert_eq!(posts(&server, &[("do", "more"), ("post", &post), ("stage", "resolved"), ("text", "Over.")]).0, 200);
    assert!(got.recv_timeout(PATIENCE).unwrap()["text"].as_str().unwrap().contains("Over."), "only the new update is told");
    let address = format!("/api/v1/status-pages/shop/posts/{post}/updates/{update}");
    assert_eq!(ask(&server, "PUT", &address, Some(&json!({ "stage": "monitoring", "text": "By programs." }))).0, 200);
    assert!(public(&server).contains("By programs."));
    assert_eq!((ask(&server, "DELETE", &address, None).0, ask(&server, "DELETE", &address, None).0), (200, 404));
    assert!(!public(&server).contains("By programs."));
    assert!(got.recv_timeout(QUIET).is_err(), "somebody was told again");
    let log = page(&server, "/settings/audit");
    assert!(log.contains("status_pages.edit") && log.contains("status_pages.unsay"), "{log}");
}

#[test]
fn texts_are_chosen_changed_and_put_back() {
    let server = Server::quiet();
    for (slug, language) in [("shop", "en"), ("arabic", "ar")] {
        let page = json!({ "title": "Example", "slug": slug, "language": language });
        assert_eq!(ask(&server, "POST", "/api/v1/status-pages", Some(&page)).0, 200);
    }
    let templates = "/uptime/status-pages/templates";
    let save = |fields: &[(&str, &str)]| send_form(&server, templates, &[fields, &[("do", "save"), ("language", "en")]].concat());
    let form = page(&server, &format!("{templates}?key=slow"));
    assert!(form.contains("Edit template") && form.contains("It is slower than usual. We are looking into it.</textarea>"), "{form}");
    let (code, said) = save(&[("ready", "slow"), ("name", "Slow <b>"), ("stage", "monitoring"), ("text", "Slow, but it works.")]);
    assert!(code == 200 && said.contains("The template is saved.") && said.contains("Slow &#60;b&#62;"), "{said}");
    assert_eq!(save(&[("name", "Cards"), ("text", "Cards are declined.")]).0, 200);
    let (code, said) = save(&[("name", "Cards"), ("text", "Other.")]);
    assert!(code == 400 && said.contains("there is a text") && said.contains("Other.</textarea>"), "{said}");

    // Without script a button puts it into the form, with what is there already.
    let fill = [("do", "fill"), ("title", "Half <i>"), ("severity", "outage"), ("stage", "investigating"), ("words", "slow")];
    let (code, filled) = posts(&server, &fill);
    assert!(code == 200 && filled.contains("Slow, but it works.</textarea>") && filled.contains("Half &#60;i&#62;"), "{filled}");
    assert!(filled.contains("value=\"monitoring\" selected"), "{filled}");
    assert_eq!(server.api("/api/v1/status-pages/shop/posts"), json!([]));
    let own = server.api("/api/v1/status-templates")[1]["id"].to_string();
    let tell = [("do", "tell"), ("title", "Cards"), ("severity", "outage"), ("stage", "investigating"), ("words", own.as_str())];
    assert_eq!(posts(&server, &tell).0, 200);
    assert!(public(&server).contains("Cards are declined."));
    let arabic = page(&server, &format!("{POSTS}?slug=arabic"));
    assert!(arabic.contains("أبطأ من المعتاد") && !arabic.contains("Slow &#60;b&#62;"), "texts are those of the page's language");

    let first = server.api("/api/v1/status-templates")[0]["id"].to_string();
    let (code, back) = send_form(&server, templates, &[("do", "delete"), ("language", "en"), ("id", &first)]);
    assert!(code == 200 && back.contains("The text is as it was built in.") && back.contains("Slower than usual"), "{back}");
    let address = format!("/api/v1/status-templates/{own}");
    assert_eq!(ask(&server, "PUT", &address, Some(&json!({ "name": "Cards", "stage": "resolved", "text": "Cards work." }))).0, 200);
    assert_eq!(ask(&server, "POST", "/api/v1/status-templates", Some(&json!({ "name": "x", "ready": "other", "text": "x" }))).0, 400);
    assert_eq!((ask(&server, "DELETE", &address, None).0, server.api("/api/v1/status-templates")), (200, json!([])));
}
