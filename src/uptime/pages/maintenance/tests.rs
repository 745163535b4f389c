//! What the list and the form show, and what the form makes of what is written.

use super::edit::{Draft, EditInput};
use super::*;
use crate::base::time::format_rfc3339;
use crate::ui::lang::Lang;
use crate::ui::nav::Page;
use crate::ui::shell::tests::{one_line, shell};
use crate::uptime::config::file::read_one;
use crate::uptime::config::maintenance;
use crate::uptime::model::maintenance::Maintenance;
use crate::uptime::model::window::Window;
use crate::uptime::pages::sample::{self, HOSTILE, NOW};

const HOUR: i64 = 3_600_000;

fn checks(names: &[&str]) -> Checks {
    let check = |(place, name): (usize, &&str)| {
        let yaml = serde_json::json!({ "name": name, "labels": { "team": "web" }, "ping": { "host": "a" } }).to_string();
        (place as i64 + 1, Arc::new(read_one(&yaml, None).unwrap().check))
    };
    names.iter().enumerate().map(check).collect()
}

fn plan(id: i64, yaml: &str, in_force: Window) -> KnownPlan {
    let described = maintenance::read_one(yaml).unwrap();
    let covers = Covers { checks: (1..=described.checks.len() as i64).collect(), labels: described.labels.clone() };
    let planned = Planned {
        id,
        title: described.title.clone(),
        note: described.note.clone(),
        covers,
        maintenance: Maintenance { when: described.when().unwrap(), in_force },
        made_by: "ann".to_owned(),
    };
    KnownPlan { planned, described, file: String::new() }
}

fn once(id: i64, title: &str, from: i64, until: i64) -> KnownPlan {
    let yaml = serde_json::json!({ "title": title, "checks": [title], "from": format_rfc3339(from), "until": format_rfc3339(until) });
    plan(id, &yaml.to_string(), Window::new(0, i64::MAX))
}

fn html(input: &MaintenanceInput, query: &str) -> String {
    let html = render(input, &shell(Page::Uptime, "Maintenance", links::UPTIME_MAINTENANCE, query).with_refresh("30s"));
    sample::check(&html);
    one_line(&html)
}

#[test]
fn each_state_has_its_list() {
    assert!(html(&MaintenanceInput::default(), "").contains("No maintenance is planned"));
    let mut of_file = once(4, "Filed", NOW + 2 * HOUR, NOW + 3 * HOUR);
    of_file.file = "checks.yml".to_owned();
    let weekly =
        plan(5, "{title: Weekly, labels: {team: web}, starts: 0 22 * * 6, lasts: 2h, time_zone: Europe/Berlin}", Window::new(0, i64::MAX));
    let plans = vec![
        once(1, "Later", NOW + HOUR, NOW + 2 * HOUR),
        once(2, "Running", NOW - HOUR, NOW + HOUR),
        once(3, "Gone", NOW - 3 * HOUR, NOW - 2 * HOUR),
        of_file,
        weekly,
    ];
    let input = MaintenanceInput { plans, checks: checks(&["Shop", "Api"]), may_change: true, ..MaintenanceInput::default() };
    let coming = html(&input, "");
    assert!(coming.find("Running").unwrap() < coming.find("Later").unwrap() && !coming.contains("Gone"), "{coming}");
    assert!(coming.contains("Saturdays, 22:00 for 2 h") && coming.contains("all with team=web") && coming.contains("2 checks"), "{coming}");
    assert_eq!(coming.matches(links::UPTIME_MAINTENANCE_END).count(), 3, "what stands in a file is ended there: {coming}");
    let past = html(&input, "state=past");
    assert!(past.contains("Gone") && past.contains("Plan again") && !past.contains(links::UPTIME_MAINTENANCE_END), "{past}");
    assert!(!html(&MaintenanceInput { may_change: false, ..input }, "").contains(links::UPTIME_MAINTENANCE_END));
}

#[test]
fn many_have_pages_and_hostile_values_are_text() {
    let many = (0..120).map(|id| once(id, &format!("m{id}"), NOW + HOUR, NOW + 2 * HOUR)).collect();
    let text = html(&MaintenanceInput { plans: many, ..MaintenanceInput::default() }, "page=2");
    assert!(text.contains("Page 3 of 3") && text.matches("<li><div class=\"w\">").count() == 20, "{text}");
    let mut hostile = once(1, HOSTILE, NOW, NOW + HOUR);
    (hostile.planned.note, hostile.planned.made_by) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    let input = MaintenanceInput {
        plans: vec![hostile.clone()],
        checks: checks(&[HOSTILE]),
        problem: HOSTILE.to_owned(),
        may_change: true,
        ..MaintenanceInput::default()
    };
    html(&input, "");
    let mut draft = Draft::of(&hostile.described, &hostile.planned.covers);
    for field in ["note", "zone", "from", "cron", "days", "labels", "draft"] {
        draft.set(field, HOSTILE);
    }
    form(&EditInput { draft, existing: Some(hostile), checks: checks(&[HOSTILE]), problem: HOSTILE.to_owned(), may_change: true });
}

fn form(input: &EditInput) -> String {
    let html = edit::render(input, &shell(Page::Uptime, "Maintenance", links::UPTIME_MAINTENANCE_EDIT, ""));
    sample::check(&html);
    one_line(&html)
}

fn read(query: &str) -> Result<String, String> {
    let draft = Draft::from_form(query.as_bytes());
    draft
        .read()
        .map(|described| described.text().trim().replace('\n', "; "))
        .map_err(|wrong| wrong.iter().map(|(field, words)| format!("{field}: {}", words.text(Lang::En))).collect::<Vec<_>>().join(" | "))
}

#[test]
fn the_form_reads_back_what_it_makes() {
    for query in [
        "title=a&way=once&from=2026-03-29T02:30&until=2026-03-29T04:00&zone=Europe/Berlin&scope=all",
        "title=a&way=daily&at=02:30&lasts=2h&zone=UTC&scope=some&check=Shop&check=Api&labels=team%3Dweb%0Azone%3Da",
        "title=a&note=b&way=weekly&weekday=6&weekday=0&at=22:00&lasts=90m&zone=Asia/Tokyo&scope=some&names=Shop",
        "title=a&way=monthly&days=1,15,l&at=00:00&lasts=1d&zone=UTC",
        "title=a&way=cron&cron=0+3+*+1-6+SUN%231&lasts=1h&zone=UTC",
    ] {
        let described = Draft::from_form(query.as_bytes()).read().expect(query);
        let covers = Covers { checks: (1..=described.checks.len() as i64).collect(), labels: described.labels.clone() };
        assert_eq!(Draft::of(&described, &covers).read().expect(query), described, "{query}");
    }
    // What the clock leaves out in spring is when it goes on.
    let text = read("title=a&way=once&from=2026-03-29T02:30&until=2026-03-29+04:00&zone=Europe/Berlin").unwrap();
    assert!(text.contains("2026-03-29T01:00:00") && text.contains("2026-03-29T02:00:00"), "{text}");
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    for (query, part) in [
        ("way=daily&at=02:00&lasts=1h", "title: Give it a name"),
        ("title=a&way=once", "from: Fill this in."),
        ("title=a&way=once&from=2026-02-30T00:00&until=x", "from: “2026-02-30T00:00” is not a time"),
        ("title=a&way=once&from=2026-02-03T00:00&until=2026-02-02T00:00", "until: It ends between"),
        ("title=a&way=weekly&at=02:00&lasts=1h", "weekday: Choose"),
        ("title=a&way=monthly&at=02:00&lasts=1h&days=32", "days: Write days"),
        ("title=a&way=daily&at=25:00&lasts=soon", "at: “25:00”"),
        ("title=a&way=daily&at=02:00&lasts=1s", "lasts: It lasts between"),
        ("title=a&way=cron&cron=x&lasts=1h", "cron: "),
        ("title=a&way=cron&cron=*+*+*+*+*&lasts=1h", "lasts: maintenance comes once an hour at most"),
        ("title=a&way=daily&at=02:00&lasts=1h&zone=Mars", "zone: "),
        ("title=a&way=daily&at=02:00&lasts=1h&scope=some", "scope: Choose at least one check"),
        ("title=a&way=daily&at=02:00&lasts=1h&scope=some&labels=web", "labels: “web” is not a label"),
    ] {
        let error = read(query).expect_err(query);
        assert!(error.contains(part), "{query}: {error}");
    }
}

#[test]
fn the_form_says_what_it_covers_and_when() {
    let draft = |query: &str| Draft::from_form(format!("draft=1&title=a&way=daily&at=02:00&lasts=1h&zone=UTC&{query}").as_bytes());
    let input = |query: &str| EditInput { draft: draft(query), checks: checks(&["Shop", "Api"]), may_change: true, ..EditInput::default() };
    let all = form(&input("scope=all"));
    assert!(all.contains("2 of 2") && all.contains("Every day, 02:00 for 1 h"), "{all}");
    let one = form(&input("scope=some&check=Api"));
    assert!(one.contains("1 of 2") && one.contains("value=\"Api\" checked"), "{one}");
    assert!(form(&input("scope=some&names=Nobody")).contains("0 of 2"), "of nobody is not of all");
    let fresh = form(&EditInput { draft: Draft::fresh("Api"), checks: checks(&["Shop", "Api"]), ..EditInput::default() });
    assert!(fresh.contains("value=\"Api\" checked") && !fresh.contains("Fill this in.") && !fresh.contains("formaction"), "{fresh}");
}
