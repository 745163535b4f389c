//! KPIs: made by the API and in the browser, sent numbers, corrected, noted, filled in, taken from the ready ones; who may.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::access::House;
use crate::support::{Server, ask, client, page, send_form, until};
use crate::wire;

const DAY_MS: i64 = 86_400_000;

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Waits until midnight is not near: what is sent for today and yesterday must be read on the same day.
fn away_from_midnight() {
    const NEAR_MS: i64 = 5 * 60_000;
    while DAY_MS - now().rem_euclid(DAY_MS) < NEAR_MS {
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

/// The day that was so many days ago, in UTC.
fn day(back: i64) -> String {
    let days = now().div_euclid(DAY_MS) - back;
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let place = (5 * of_year + 2) / 153;
    let (date, month) = (of_year - (153 * place + 2) / 5 + 1, if place < 10 { place + 3 } else { place - 9 });
    format!("{:04}-{month:02}-{date:02}", year + era * 400 + i64::from(month <= 2))
}

fn make(server: &Server, text: &str) -> i64 {
    let (status, answer) = server.send("POST", "/api/v1/kpis", "application/yaml", text);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<Json>(&answer).unwrap()["data"]["id"].as_i64().unwrap()
}

/// Sixty days of orders by plan: 100 a day, 110 yesterday, all of the rise with `pro`.
pub(crate) fn orders(server: &Server) -> i64 {
    away_from_midnight();
    let id = make(
        server,
        "name: Orders\ngroup: Sales\nowner: Ada\ndescription: Orders that were paid.\nsegments: [plan]\ntargets:\n- {by: day, value: 105}\n- {by: month, value: 3000}\npushed: {}\n",
    );
    let values: Vec<Json> = (0..60)
        .flat_map(|back| {
            let rise = if back == 1 { 10 } else { 0 };
            let one = |value: i64, segment: Option<&str>| match segment {
                None => json!({ "value": value, "period": day(back) }),
                Some(plan) => json!({ "value": value, "period": day(back), "segment": { "plan": plan } }),
            };
            [one(100 + rise, None), one(60 + rise, Some("pro")), one(40, Some("free"))]
        })
        .collect();
    let (status, answer) = ask(server, "POST", "/api/v1/kpis/Orders/values", Some(&json!(values)));
    assert_eq!((status, &answer["data"]["taken"]), (200, &json!(180)), "{answer}");
    id
}

#[test]
fn a_kpi_is_made_sent_numbers_read_and_forgotten() {
    let mut server = Server::quiet();
    let id = orders(&server);
    let kpi = server.api("/api/v1/kpis/Orders");
    assert_eq!((&kpi["id"], &kpi["before"]["to"], &kpi["why"]["segment"]), (&json!(id), &json!(110.0), &json!("pro")), "{kpi}");
    // What was yesterday, and why, stands on both pages.
    let home = page(&server, "/business");
    for expected in ["Orders", "Sales", ">100<", ": 110", "+10 %", "Mostly plan = pro: +10"] {
        assert!(home.contains(expected), "{expected}: {home}");
    }
    let path = format!("/business/{id}");
    let html = page(&server, &format!("{path}?label=plan&count=60"));
    for expected in ["Orders that were paid.", "<svg class=\"bz-trend", "of 105", "plan = pro: +10", "100 % of the change", "Ada", ">free<"]
    {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(page(&server, &format!("{path}?grain=month")).contains("class=\"t\""), "the target of a month");
    let wall = page(&server, "/business/tv");
    assert!(wall.contains("data-theme=\"dark\"") && wall.contains("Orders") && !wall.contains("class=\"side\""), "{wall}");
    assert_eq!(server.get("/business/0").0, 404);
    assert_eq!(server.get("/business/x").0, 404);
    // What is not a choice is what is usual.
    page(&server, &format!("{path}?grain=hour&count=7&until=2099-01-01&label=x&segment=y"));
    let (status, csv) = server.get("/api/v1/kpis/Orders/values?format=csv&grain=day");
    assert!(status == 200 && csv.contains("110,"), "{csv}");
    server.kill_and_restart();
    assert_eq!(server.api("/api/v1/kpis/Orders")["before"]["to"], 110.0);
    // A value that was wrong.
    let (status, html) = send_form(&server, &format!("{path}/correct"), &[("period", &day(3)), ("value", "1,234"), ("segment", "")]);
    assert!(status == 200 && html.contains("The value is corrected."), "{status} {html}");
    assert!(html.contains("re-stated") && html.contains("was 100"), "{html}");
    let (status, html) = send_form(&server, &format!("{path}/correct"), &[("period", "soon"), ("value", "1")]);
    assert!(status == 400 && html.contains("expected one such as 2026-11-22"), "{status} {html}");
    // Paused, and deleted.
    assert_eq!(send_form(&server, &format!("{path}/pause"), &[("paused", "true")]).0, 200);
    assert_eq!(server.api("/api/v1/kpis/Orders")["paused"], true);
    let (_, export) = server.get("/api/v1/kpis/export");
    let (status, html) = send_form(&server, &format!("{path}/delete"), &[]);
    assert!(status == 200 && html.contains("The KPI is deleted."), "{status} {html}");
    assert_eq!(server.get(&path).0, 404);
    let (status, answer) = server.post("/api/v1/kpis/import", "application/yaml", export);
    assert!(status == 200 && answer.contains("\"made\":[\"Orders\"]"), "{answer}");
    let audit = server.api("/api/v1/audit").to_string();
    for line in ["kpis.save", "kpis.correct", "kpis.delete", "kpis.import"] {
        assert!(audit.contains(line), "{line}: {audit}");
    }
}

#[test]
fn what_is_imported_and_made_of_others_has_their_past() {
    let server = Server::quiet();
    orders(&server);
    let file = "kpis: [{name: Orders, pushed: {}}, {name: Twice, sum: {of: [Orders, Orders]}}]";
    let (status, answer) = server.send("POST", "/api/v1/kpis/import", "application/yaml", file);
    assert!(status == 200 && answer.contains("\"made\":[\"Twice\"]"), "{answer}");
    until(|| (server.api("/api/v1/kpis/Twice/backfill")["ended"] == "whole").then_some(()));
    let (_, csv) = server.get("/api/v1/kpis/Twice/values?format=csv&grain=day");
    assert!(csv.contains("220,"), "{csv}");
}

/// Sends numbers under a key; gives the status, the answer and whether it was said that they came before.
fn send_once(url: &str, key: &str, body: &Json) -> (u16, Json, bool) {
    let answer = client().post(url).header("Idempotency-Key", key).body(body.to_string()).send().unwrap();
    let is_repeated = answer.headers().get("Idempotency-Replayed").is_some_and(|said| said == "true");
    let (status, text) = (answer.status().as_u16(), answer.text().unwrap());
    (status, serde_json::from_str(&text).unwrap(), is_repeated)
}

#[test]
fn a_request_that_is_repeated_counts_once() {
    away_from_midnight();
    let mut server = Server::quiet();
    make(&server, "{name: Sales, segments: [plan], pushed: {adds: true}}");
    make(&server, "{name: Other, pushed: {adds: true}}");
    let url = |server: &Server| server.url("/api/v1/kpis/Sales/values");
    let of = |server: &Server, name: &str| server.api(&format!("/api/v1/kpis/{name}/values?grain=day"))["values"][0]["value"].clone();
    let one = json!({ "value": 2.5, "period": day(0) });
    let list = json!([{ "value": 4, "period": day(0), "segment": { "plan": "pro" } }, { "value": 3, "period": day(1) }]);
    for (is_repeated, round) in [(false, "first"), (true, "again")] {
        for (key, body, taken) in [("order-1", &one, 1), ("\"order 2\"", &list, 2)] {
            let (status, answer, said) = send_once(&url(&server), key, body);
            assert_eq!((status, &answer["data"]["taken"], said), (200, &json!(taken), is_repeated), "{round} {key}: {answer}");
        }
    }
    // Killed and started again; then many at once, with a key that is known and with one that is not.
    server.kill_and_restart();
    assert!(send_once(&url(&server), "\"order-1\"", &one).2, "in quotes or not, it is the same key");
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (url, one) = (url(&server), one.clone());
            std::thread::spawn(move || send_once(&url, "order-3", &one))
        })
        .collect();
    let told: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(told.iter().filter(|(status, _, is_repeated)| *status == 200 && !is_repeated).count(), 1, "{told:?}");
    assert!(told.iter().all(|(status, answer, _)| *status == 200 && answer["data"]["taken"] == 1), "{told:?}");
    let values = server.api(&format!("/api/v1/kpis/Sales/values?grain=day&from={}&segment=plan", day(1)));
    assert_eq!((&values["values"][0]["value"], &values["values"][1]["value"]), (&json!(3.0), &json!(5.0)), "{values}");
    assert_eq!(values["segments"][0]["values"][0]["value"], 4.0, "{values}");
    // Another body, another KPI, no key that can be read.
    let (status, answer, _) = send_once(&url(&server), "order-1", &list);
    assert!(status == 422 && answer["error"].as_str().unwrap().contains("\"order-1\" came before with another body"), "{answer}");
    let (status, answer, is_repeated) = send_once(&server.url("/api/v1/kpis/Other/values"), "order-1", &one);
    assert_eq!((status, is_repeated, of(&server, "Other")), (200, false, json!(2.5)), "{answer}");
    let (status, answer, _) = send_once(&url(&server), &"k".repeat(256), &one);
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("1 to 255 characters"), "{answer}");
    let described = server.get("/api/v1/openapi.json").1;
    assert!(described.contains("\"Idempotency-Key\""), "{described}");
}

#[test]
fn notes_stand_on_pages_and_dashboards() {
    let server = Server::quiet();
    let (id, other) = (orders(&server), make(&server, "{name: Other, pushed: {}}"));
    let path = format!("/business/{id}");
    let (status, html) = send_form(&server, &format!("{path}/note"), &[("day", &day(5)), ("text", "Price <b> raised")]);
    assert!(status == 200 && html.contains("Price &#60;b&#62; raised") && html.contains("class=\"mf\""), "{status} {html}");
    let marked = ask(&server, "GET", "/api/annotations?tags=kpi", None).1;
    assert_eq!(marked[0]["text"], "Price <b> raised", "{marked}");
    assert!(!page(&server, &format!("/business/{other}")).contains("Price &#60;b"), "notes of one KPI are not those of another");
    let (status, _) = ask(&server, "POST", "/api/annotations", Some(&json!({ "text": "v2 deployed", "tags": ["deploy"] })));
    assert_eq!(status, 200);
    assert!(page(&server, &format!("/business/{other}")).contains("v2 deployed"), "deploys are for all");
    let (status, html) = send_form(&server, &format!("{path}/note"), &[("day", "2999-01-01"), ("text", "later")]);
    assert!(status == 400 && html.contains("expected one that has begun"), "{status} {html}");
    let at = marked[0]["time"].to_string();
    let (_, html) = send_form(&server, &format!("{path}/note"), &[("drop", &at), ("text", "Price <b> raised")]);
    assert!(html.contains("The note is deleted.") && !html.contains("Price &#60;b&#62;"), "{html}");
    assert_eq!(ask(&server, "GET", "/api/annotations?tags=kpi", None).1, json!([]));
}

#[test]
fn the_form_tries_a_kpi_and_keeps_it() {
    away_from_midnight();
    let server = Server::quiet();
    let end = now();
    let samples: Vec<(i64, f64)> = (0..240).map(|at| (end - (240 - at) * 15_000, at as f64)).collect();
    assert_eq!(
        wire::send(
            &server.url("/api/v1/write"),
            wire::body(vec![wire::series(&[("__name__", "orders_total"), ("plan", "pro")], &samples)])
        )
        .0,
        204
    );
    let fields = [
        ("id", "0"),
        ("kind", "promql"),
        ("name", "Paid orders"),
        ("unit", "count"),
        ("better", "up"),
        ("collected", "daily"),
        ("longer", "sum"),
        ("segments", "plan"),
        ("promql.query", "sum by ($segment) (last_over_time(orders_total[$period]))"),
        ("target_by0", "month"),
        ("target_value0", "10,000"),
        ("target_from0", ""),
    ];
    let (status, html) = send_form(&server, "/business/look", &fields);
    assert!(status == 200 && html.contains("239") && html.contains("plan = pro"), "{status} {html}");
    assert_eq!(server.api("/api/v1/kpis"), json!([]), "looking keeps nothing");
    let (status, html) = send_form(&server, "/business/save", &fields);
    assert!(status == 200 && html.contains("It counts from now on."), "{status} {html}");
    let kpi = server.api("/api/v1/kpis/Paid%20orders");
    assert_eq!((&kpi["source"], &kpi["targets"][0]["value"]), (&json!("promql"), &json!(10_000.0)));
    // Wrong fields say so, each where it is.
    let wrong = [("id", "0"), ("kind", "sql"), ("name", "Paid orders"), ("sql.database", "mysql://x"), ("sql.query", "select 1 as value")];
    let (status, html) = send_form(&server, "/business/save", &wrong);
    assert!(status == 400 && html.contains("expected a database such as postgres://") && html.contains("aria-invalid"), "{status} {html}");
    let (status, html) = send_form(&server, "/business/save", &[("id", "0"), ("kind", "pushed"), ("name", "paid ORDERS")]);
    assert!(status == 400 && html.contains("aria-invalid"), "{status} {html}");
    // A password stays where the form shows that there is one, and is never shown.
    let sql = [
        ("id", "0"),
        ("kind", "sql"),
        ("name", "Shop"),
        ("sql.database", "postgres://reader@127.0.0.1:1/shop"),
        ("sql.password", "hunter2"),
        ("sql.query", "select 1 as value"),
    ];
    let (status, html) = send_form(&server, "/business/save", &sql);
    assert!(status == 200 && !html.contains("hunter2"), "{status} {html}");
    let id = server.api("/api/v1/kpis/Shop")["id"].to_string();
    let form = page(&server, &format!("/business/edit?id={id}"));
    assert!(form.contains("value=\"&#60;secret&#62;\"") && !form.contains("hunter2"), "{form}");
    // What cannot be asked for says so before it is kept.
    let (status, html) = send_form(
        &server,
        "/business/look",
        &[("id", &id), ("kind", "sql"), ("name", "Shop"), sql[3], ("sql.password", "<secret>"), sql[5]],
    );
    assert!(status == 200 && html.contains("class=\"crit-t\""), "{status} {html}");
}

#[test]
fn ready_ones_say_what_they_need_and_are_taken_with_their_parts() {
    let server = Server::quiet();
    let end = now();
    let samples: Vec<(i64, f64)> = (0..20).map(|at| (end - (20 - at) * 15_000, at as f64)).collect();
    assert_eq!(
        wire::send(&server.url("/api/v1/write"), wire::body(vec![wire::series(&[("__name__", "user_logins_total")], &samples)])).0,
        204
    );
    let html = page(&server, "/business/ready");
    assert!(html.contains("its data is here") && html.contains("its data is not sent yet") && html.contains("What it needs"));
    let (status, html) = send_form(&server, "/business/ready", &[("name", "Task completion rate")]);
    assert!(status == 200 && html.contains("Tasks completed ÷ Tasks created"), "{status} {html}");
    let names: Vec<String> = server.api("/api/v1/kpis").as_array().unwrap().iter().map(|kpi| kpi["name"].to_string()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(send_form(&server, "/business/ready", &[("name", "nothing")]).0, 400);
    assert!(page(&server, "/business/edit?ready=MRR").contains("value=\"MRR\""));
}

#[test]
fn filling_in_goes_on_after_a_crash() {
    let mut server = Server::quiet();
    // A query that is slow to be asked for many hours: every hour of forty days.
    let id =
        make(&server, "{name: Slow, collected: hourly, empty_is_zero: true, promql: {query: 'sum(increase(nothing_total[$period]))'}}");
    let (status, html) =
        send_form(&server, &format!("/business/{id}/backfill"), &[("step", "fill"), ("from", &day(40)), ("again", "true")]);
    assert!(status == 200 && html.contains("Its past is being filled in."), "{status} {html}");
    // It is remembered before its first period is done.
    let before = until(|| Some(server.api("/api/v1/kpis/Slow/backfill")).filter(|run| run["done"].as_i64() > Some(0)));
    server.kill_and_restart();
    if before["ended"].is_null() {
        let again = server.api("/api/v1/kpis/Slow/backfill");
        assert_eq!(again["periods"].as_i64().map(|count| count > 900), Some(true), "{before} {again}");
        until(|| (server.api("/api/v1/kpis/Slow/backfill")["ended"] == "whole").then_some(()));
    }
    server.kill_and_restart();
    assert!(server.api("/api/v1/kpis/Slow/backfill").is_null(), "what is over is not begun again");
    let (status, html) = send_form(&server, &format!("/business/{id}/backfill"), &[("step", "fill"), ("from", "soon")]);
    assert!(status == 400 && html.contains("expected a day such as"), "{status} {html}");
}

#[test]
fn a_kpi_of_a_file_is_changed_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("business.yml");
    std::fs::write(&file, "kpis:\n- {name: Filed, pushed: {}}\n").unwrap();
    let server = Server::start(&[&format!("--business.file={}", file.display()), "--host-metrics=false", "--own-metrics=false"]);
    let id = until(|| server.api("/api/v1/kpis")[0]["id"].as_i64());
    let html = page(&server, &format!("/business/edit?id={id}"));
    assert!(html.contains("business.yml") && !html.contains("formaction"), "{html}");
    let (status, html) = send_form(&server, &format!("/business/{id}/delete"), &[]);
    assert!(status == 400 && html.contains("is changed there"), "{status} {html}");
}

#[test]
fn viewers_read_and_change_nothing() {
    let house = House::start();
    let admin = house.set_up();
    let fields = [("name", "vic"), ("email", ""), ("role", "viewer"), ("password", "another long password")];
    assert!(house.submit("/settings/people", &fields, &admin).status().as_u16() < 400);
    let signed_in = house.submit("/login", &[("name", "vic"), ("password", "another long password")], "");
    let viewer = signed_in.headers().get("set-cookie").unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
    let made = house.submit("/business/save", &[("id", "0"), ("kind", "pushed"), ("name", "Orders")], &admin);
    let path = made.headers().get("location").unwrap().to_str().unwrap().split('?').next().unwrap().to_owned();
    for (path, fields) in [
        ("/business/save".to_owned(), [("kind", "pushed"), ("name", "x")]),
        ("/business/look".to_owned(), [("kind", "pushed"), ("name", "x")]),
        ("/business/ready".to_owned(), [("name", "MRR"), ("x", "y")]),
        (format!("{path}/pause"), [("paused", "true"), ("x", "y")]),
        (format!("{path}/delete"), [("a", "b"), ("x", "y")]),
        (format!("{path}/backfill"), [("step", "stop"), ("x", "y")]),
        (format!("{path}/correct"), [("period", "2026-11-01"), ("value", "1")]),
        (format!("{path}/note"), [("day", "2026-11-01"), ("text", "x")]),
        (format!("{path}/share"), [("step", "make"), ("days", "7")]),
    ] {
        assert_eq!(house.submit(&path, &fields, &viewer).status().as_u16(), 403, "{path}");
    }
    for (path, hidden) in [("/business", "/business/edit"), (path.as_str(), "/delete\""), ("/business/ready", "action=\"/business/ready\"")]
    {
        let seen = house.look(path, ("cookie", &viewer));
        assert_eq!(seen.status().as_u16(), 200, "{path}");
        assert!(!seen.text().unwrap().contains(hidden), "{path}: viewers are shown what they may not do");
    }
    assert!(house.look("/business", ("cookie", &admin)).text().unwrap().contains("/business/edit"));
}

/// What stands between the last `before` and the quote that follows.
fn quoted<'a>(html: &'a str, before: &str) -> &'a str {
    html.split(before).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no {before} in {html}"))
}

#[test]
fn a_kpi_is_shared_with_people_without_an_account_until_it_is_switched_off() {
    away_from_midnight();
    let house = House::start();
    let admin = house.set_up();
    let fields = [
        ("id", "0"),
        ("kind", "pushed"),
        ("name", "Orders"),
        ("owner", "Ada"),
        ("description", "Orders that were paid."),
        ("segments", "plan"),
    ];
    let made = house.submit("/business/save", &fields, &admin);
    let path = made.headers().get("location").unwrap().to_str().unwrap().split('?').next().unwrap().to_owned();
    assert!(house.submit(&format!("{path}/correct"), &[("period", &day(0)), ("value", "4321")], &admin).status().as_u16() < 400);
    for (days, grain, label) in [("8", "day", ""), ("7", "hour", ""), ("7", "day", "country")] {
        let fields = [("step", "make"), ("days", days), ("grain", grain), ("label", label)];
        assert_eq!(house.submit(&format!("{path}/share"), &fields, &admin).status().as_u16(), 400, "{days} {grain} {label}");
    }
    let fields = [("step", "make"), ("title", "For <the> board"), ("days", "7"), ("grain", "day"), ("label", "plan")];
    assert!(house.submit(&format!("{path}/share"), &fields, &admin).status().as_u16() < 400);

    let page = house.look(&path, ("cookie", &admin)).text().unwrap();
    let token = quoted(&page, "/k/").to_owned();
    let share = page.split("name=\"share\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let seen = house.look(&format!("/k/{token}"), ("cookie", ""));
    assert_eq!(seen.status().as_u16(), 200);
    let header = |name: &str| seen.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let headers = ["x-robots-tag", "cache-control", "referrer-policy"].map(header);
    assert_eq!(headers, ["noindex, nofollow", "no-store", "no-referrer"].map(str::to_owned));
    let html = seen.text().unwrap();
    for expected in ["For &#60;the&#62; board", "4,321", "Orders that were paid."] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    for inside in ["Ada", "/api/v1", "href=\"/business", "data-act=\"palette\"", "Correct it"] {
        assert!(!html.contains(inside), "strangers do not see {inside}: {html}");
    }
    assert_ne!(house.look(&path, ("cookie", "")).status().as_u16(), 200, "the link opens nothing else");

    let step = |step: &str| house.submit(&format!("{path}/share"), &[("step", step), ("share", &share)], &admin).status().as_u16();
    let nothing = house.look("/k/never-was", ("cookie", ""));
    assert_eq!(nothing.status().as_u16(), 404);
    let visible = || house.look(&format!("/k/{token}"), ("cookie", "")).status().as_u16();
    assert!(step("off") < 400 && visible() == 404);
    assert!(step("on") < 400 && visible() == 200);
    assert!(step("delete") < 400 && visible() == 404 && step("on") == 404);
    let audit = house.look("/api/v1/audit", ("cookie", &admin)).text().unwrap();
    assert!(audit.contains("kpis.share") && audit.contains("kpis.share.off") && !audit.contains(&token), "{audit}");
}
