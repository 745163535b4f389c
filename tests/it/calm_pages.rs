//! Pages of what keeps alerts calm over the real server: who is on call, escalations, dependencies, damping, caps and
//! silences that come again are made, changed and deleted by forms.

use crate::support::{Server, client, page, send_form};

const ROUTING: &str = "route:\n  receiver: all\nreceivers:\n- name: all\n- name: ann\n  webhook_configs: [{ url: 'http://127.0.0.1:1/ann' }]\n\
                       - name: bob\n  webhook_configs: [{ url: 'http://127.0.0.1:1/bob' }]\n";

fn with_receivers() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routing.yml");
    std::fs::write(&path, ROUTING).unwrap();
    let routing = format!("--alertmanager.config.file={}", path.display());
    let server = Server::on(&folder.path().join("data"), &[routing.as_str(), "--host-metrics=false", "--own-metrics=false"]);
    (folder, server)
}

/// The id behind the first form of a kind on a page.
fn id(text: &str, kind: &str) -> String {
    let begin = format!("kind={kind}&#38;id=");
    let from = text.find(&begin).unwrap_or_else(|| panic!("no {begin} in {text}")) + begin.len();
    text[from..].split('"').next().unwrap().to_owned()
}

const ROTA: [(&str, &str); 10] = [
    ("kind", "rotas"),
    ("title", "<b>first line</b>"),
    ("receiver", "all"),
    ("person0", "Ann"),
    ("via0", "ann"),
    ("person1", "Bob"),
    ("via1", "bob"),
    ("first", "2024-01-01"),
    ("handover", "09:00"),
    ("zone", "Europe/Berlin"),
];

#[test]
fn a_rota_is_made_taken_over_changed_and_deleted() {
    let (_folder, server) = with_receivers();
    let empty = page(&server, "/alerts/oncall");
    assert!(empty.contains("Nobody is on call yet") && empty.contains("alertmanager.yml"), "{empty}");
    // Without the days of a turn it is refused, beside what was typed.
    let (status, refused) = send_form(&server, "/alerts/calm/save", &ROTA);
    assert!(status == 400 && refused.contains("Fill this in") && refused.contains("value=\"Bob\""), "{status} {refused}");
    let whole: Vec<_> = ROTA.into_iter().chain([("days", "7")]).collect();
    let (status, list) = send_form(&server, "/alerts/calm/save", &whole);
    assert!(status == 200 && list.contains("&#60;b&#62;first line") && !list.contains("<b>first line</b>"), "{status} {list}");
    let rota = id(&list, "rotas");
    // Whoever it is, now it is the other.
    for name in ["Ann", "Bob"] {
        let (status, taken) = send_form(&server, "/alerts/oncall/take-over", &[("rota", &rota), ("person", name), ("hours", "2")]);
        assert!(status == 200 && taken.contains(&format!("<b>{name}</b> <span class=\"tag info\">")), "{status} {taken}");
    }
    let (status, refused) = send_form(
        &server,
        "/alerts/oncall/take-over",
        &[("rota", &rota), ("person", "Joe"), ("starts", "2024-01-01T09:00"), ("ends", "soon")],
    );
    assert!(
        status == 400 && refused.contains("Choose a receiver") && refused.contains("value=\"Joe\"") && refused.contains("soon"),
        "{refused}"
    );
    let value = |name: &str, text: &str| {
        let field = text.split_once(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no {name} in {text}")).1;
        field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let shown = page(&server, "/alerts/oncall");
    let listed = shown.split("cm-over").nth(1).unwrap();
    let (person, starts, ends) = (value("person", listed), value("starts", listed), value("ends", listed));
    let form = [("rota", rota.as_str()), ("person", &person), ("starts", &starts), ("ends", &ends)];
    let (status, back) = send_form(&server, "/alerts/oncall/give-back", &form);
    assert!(status == 200 && back.matches("/alerts/oncall/give-back").count() == 1, "one of two is left: {back}");
    // A change of the rota keeps who stands in.
    let changed: Vec<_> =
        whole.iter().copied().map(|(name, value)| if name == "title" { (name, "Night") } else { (name, value) }).collect();
    let changed: Vec<_> = changed.into_iter().chain([("id", rota.as_str())]).collect();
    let (status, list) = send_form(&server, "/alerts/calm/save", &changed);
    assert!(status == 200 && list.contains("Night") && list.contains("/alerts/oncall/give-back"), "{status} {list}");
    // Who saves a form that was opened before somebody else saved is told so, once.
    let opened = value("changed", &page(&server, &format!("/alerts/calm/edit?id={rota}")));
    let stale: Vec<_> = changed.iter().copied().chain([("changed", "1")]).collect();
    let (status, told) = send_form(&server, "/alerts/calm/save", &stale);
    assert!(status == 409 && told.contains("changed this while you did") && value("changed", &told) == opened, "{status} {told}");
    let fresh: Vec<_> = changed.iter().copied().chain([("changed", opened.as_str())]).collect();
    assert_eq!(send_form(&server, "/alerts/calm/save", &fresh).0, 200);
    let (status, gone) = send_form(&server, "/alerts/calm/delete", &[("id", &rota)]);
    assert!(status == 200 && gone.contains("Nobody is on call yet"), "{status} {gone}");
    assert_eq!(send_form(&server, "/alerts/calm/delete", &[("id", &rota)]).0, 404);
    for path in ["/alerts/oncall/take-over", "/alerts/oncall/give-back"] {
        assert_eq!(send_form(&server, path, &[("rota", &rota), ("person", "Ann"), ("hours", "2")]).0, 404, "{path}");
    }
    assert_eq!(server.get(&format!("/alerts/oncall/stand-in?rota={rota}")).0, 404);
}

#[test]
fn every_other_rule_is_made_changed_and_deleted() {
    let (_folder, server) = with_receivers();
    for (kind, home, wrong, said, form) in [
        (
            "escalations",
            "/alerts/oncall",
            ("after0", "soon"),
            "“soon” is not a duration",
            vec![("title", "Critical"), ("after0", "15m"), ("to0", "bob")],
        ),
        (
            "dependencies",
            "/alerts/calm",
            ("source", "(("),
            "Line 1 of the matchers",
            vec![("title", "Hosts"), ("source", "alertname=HostDown"), ("target", "severity=warning"), ("equal", "instance")],
        ),
        (
            "flapping",
            "/alerts/calm",
            ("changes", "1"),
            "“1” is not a number from 2",
            vec![("title", "All"), ("changes", "4"), ("within", "30m"), ("quiet", "15m")],
        ),
        (
            "caps",
            "/alerts/calm",
            ("receiver", "nobody"),
            "There is no receiver “nobody”",
            vec![("receiver", "ann"), ("messages", "20"), ("within", "1h")],
        ),
        (
            "recurring-silences",
            "/alerts/silences",
            ("zone", "Mars/Olympus"),
            "“Mars/Olympus” is not a time zone",
            vec![("title", "Backups"), ("matchers", "job=backup"), ("weekday", "6"), ("from", "22:00"), ("to", "04:00"), ("zone", "UTC")],
        ),
    ] {
        let form: Vec<_> = [("kind", kind)].into_iter().chain(form).collect();
        let bad: Vec<_> = form.iter().copied().map(|(name, value)| if name == wrong.0 { wrong } else { (name, value) }).collect();
        let (status, refused) = send_form(&server, "/alerts/calm/save", &bad);
        assert!(status == 400 && refused.contains(said) && refused.contains(wrong.1), "{kind}: {status} {refused}");
        let (status, list) = send_form(&server, "/alerts/calm/save", &form);
        assert!(status == 200 && list.contains("Saved."), "{kind}: {status} {list}");
        let id = id(&list, kind);
        let opened = page(&server, &format!("/alerts/calm/edit?kind={kind}&id={id}"));
        for (name, value) in
            form.iter().filter(|(name, _)| !["kind", "to0", "receiver", "weekday", "matchers", "source", "target"].contains(name))
        {
            assert!(opened.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{kind} {name}: {opened}");
        }
        let again: Vec<_> = form.into_iter().chain([("id", id.as_str())]).collect();
        assert_eq!(send_form(&server, "/alerts/calm/save", &again).0, 200, "{kind}");
        let list = page(&server, home);
        assert_eq!(list.matches(&format!("id={id}")).count(), 1, "{kind}: {list}");
        assert_eq!(send_form(&server, "/alerts/calm/delete", &[("id", &id)]).0, 200, "{kind}");
        assert!(!page(&server, home).contains(&id), "{kind}");
    }
    assert_eq!(page(&server, "/alerts/silences").matches("/alerts/calm/delete").count(), 0);
}

#[test]
fn forms_follow_what_is_typed_and_odd_addresses_do_no_harm() {
    let (_folder, server) = with_receivers();
    let moved = page(&server, "/alerts/calm/edit?kind=rotas&draft=1&person0=Ann&via0=ann&person1=Bob&via1=bob&do=up1");
    assert!(moved.contains("name=\"person0\" value=\"Bob\"") && moved.contains("name=\"person1\" value=\"Ann\""), "{moved}");
    let said = page(&server, "/alerts/calm/edit?kind=caps&draft=1&receiver=ann&messages=20&within=1h");
    assert!(said.contains("ann is told at most 20 messages within 1h"), "{said}");
    for path in [
        "/alerts/calm/edit",
        "/alerts/calm/edit?kind=x&id=y&draft=1",
        "/alerts/calm/edit?kind=rotas&rows=99999999999&do=drop7",
        "/alerts/calm?done=x",
    ] {
        page(&server, path);
    }
    let looked = client().get(server.url("/alerts/calm")).header("accept-language", "ar").send().unwrap().text().unwrap();
    assert!(looked.contains("dir=\"rtl\"") && looked.contains("التبعيات"), "{looked}");
}
