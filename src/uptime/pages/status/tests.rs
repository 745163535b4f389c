//! Tests of status pages as HTML.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::Place;
use super::{edit, public, words};
use crate::ui::lang::Lang;
use crate::ui::shell::tests::one_line;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::track::State;
use crate::uptime::status::page::{StatusPage, read_one};
use crate::uptime::status::picture::tests::{post, seen};
use crate::uptime::status::picture::{Day, Picture};
use crate::uptime::status::post::Severity;

const DAY: i64 = 86_400_000;
const NOW: i64 = 20_000 * DAY + DAY / 2;

fn picture(text: &str, names: &[&str], posts: &[(Severity, &[i64])]) -> Picture {
    let page = Arc::new(read_one(text).unwrap());
    let all: BTreeMap<_, _> = names.iter().zip(1..).map(|(name, id)| (id, seen(name, State::Up, NOW))).collect();
    let posts: Vec<_> = posts.iter().zip(1..).map(|((severity, checks), id)| post(id, *severity, checks, NOW - DAY / 8, None)).collect();
    Picture::new(&page, &all, &posts, &[], NOW)
}

fn rendered(picture: &Picture) -> String {
    public::render(picture, &Place::seen(&picture.page, ""))
}

#[test]
fn whatever_is_written_stays_text() {
    let text = "{title: '<script>alert(1)</script>', slug: a, description: '\"><img src=x>', accent: '#ff0', sections: [{title: '<b>', checks: ['1']}]}";
    let html = rendered(&picture(text, &["</div><script>"], &[(Severity::Outage, &[1])]));
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>x"), "{html}");
    assert!(html.contains("--al:#") && html.contains("noindex"), "{html}");
}

#[test]
fn a_page_is_small_and_says_it_in_its_language() {
    let names: Vec<String> = (0..30).map(|at| format!("Service {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let html = rendered(&picture("{title: T, language: ar, theme: dark, sections: [{labels: {team: web}}]}", &names, &[]));
    assert!(html.len() < 30_000, "{}", html.len());
    let one = one_line(&html);
    assert!(one.contains(r#"lang="ar" dir="rtl" data-theme="dark""#) && one.contains("كل شيء يعمل"), "{one}");
    let few = rendered(&picture("{title: T, sections: [{labels: {team: web}}]}", &names[..6], &[]));
    assert!(few.len() < 30_000 && few.contains("Everything works"), "{}", few.len());
    assert!(rendered(&picture("{title: T}", &[], &[])).contains("Nothing is shown here yet"));
}

#[test]
fn days_say_exactly_what_was() {
    let day = |tally, troubled| Day { day: 20_000, tally, troubled };
    for (one, class, said) in [
        (day(Tally { up: DAY, ..Tally::default() }, 0), "", "4 Oct 2024"),
        (day(Tally { up: 1, down: 61_000, outages: 1, ..Tally::default() }, 0), "s", "4 Oct 2024: down for 2 minutes"),
        (day(Tally { up: 1, down: 90 * 60_000, ..Tally::default() }, 0), "d", "4 Oct 2024: down for 1 hour 30 minutes"),
        (day(Tally { up: 1, ..Tally::default() }, 60_000), "w", "4 Oct 2024: trouble for 1 minute"),
        (day(Tally { up: 1, maintenance: 7_200_000, ..Tally::default() }, 0), "m", "4 Oct 2024: maintenance for 2 hours"),
        (day(Tally { unknown: DAY, ..Tally::default() }, 0), "u", "4 Oct 2024: no data"),
    ] {
        assert_eq!((words::day_class(&one), words::day(&one, Lang::En).as_str()), (class, said));
    }
}

#[test]
fn forms_give_back_what_was_read_from_them() {
    let text = "{title: T, slug: t, published: true, auto_after: 5m, hosts: [status.example.com, b.example], footer: Ours, links: [{name: Imprint, url: 'https://example.com/?a = b'}], sections: [{title: Web, checks: [a, 'b = c'], labels: {team: web}, components: [{check: a, name: Shop, description: Buy}]}]}";
    let page = read_one(text).unwrap();
    let again = edit::read(&edit::draft_of(&page), |name| name == "b = c").unwrap();
    assert_eq!(again, page);
    let empty = edit::read(&edit::fresh(&[]), |_| false).unwrap();
    assert_eq!(empty, StatusPage::default());
}

#[test]
fn what_a_page_keeps_to_itself_is_not_on_it() {
    let html = |more: &str| rendered(&picture(&format!("{{title: T, sections: [{{checks: ['1']}}]{more}}}"), &["Web"], &[]));
    let (shown, hidden) = (html(""), html(", show_values: false"));
    assert!(shown.contains("<bdi>100") && shown.contains("available, never down"), "{shown}");
    assert!(!hidden.contains("<bdi>100") && !hidden.contains("available") && hidden.contains("90 days: never down"), "{hidden}");
    assert_eq!(hidden.matches("<i").count(), shown.matches("<i").count(), "the bars stay");
    let (quiet, said) = (html(""), html(", show_latency: true"));
    assert!(!quiet.contains("class=sp ") && said.contains("class=sp ") && said.contains("120 ms"), "{said}");
}

#[test]
fn the_foot_has_what_is_written_for_it() {
    let text = "{title: T, footer: '<b>Ours</b>', links: [{name: '<i>Imprint', url: 'https://x.example/?a=\"&b'}, {name: Mail, url: 'mailto:a@x.example'}]}";
    let html = rendered(&picture(text, &[], &[]));
    assert!(
        html.contains("&#60;b&#62;Ours") && html.contains("&#60;i&#62;Imprint") && html.contains("href=\"mailto:a@x.example\""),
        "{html}"
    );
    assert!(html.contains("href=\"https://x.example/?a=%22&#38;b\""), "{html}");
    assert!(!rendered(&picture("{title: T}", &[], &[])).contains("<footer><p"));
}

#[test]
fn links_lead_to_the_host_of_the_page() {
    let own = picture("{title: T, slug: t, hosts: [s.example], sections: [{checks: ['1']}]}", &["Web"], &[]);
    let html = public::render(&own, &Place::seen(&own.page, "https://m.example"));
    for part in [
        "<link rel=\"canonical\" href=\"https://s.example/\">",
        "href=\"https://s.example/feed.xml\"",
        "href=\"https://s.example/subscribe\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("m.example") && !html.contains("\"/status/t"), "{html}");
    let json: serde_json::Value = serde_json::from_str(&super::json::json(&own, &Place::of(&own.page, "https://m.example"))).unwrap();
    assert_eq!(json["page"]["url"], "https://s.example/");
}

#[test]
fn fifty_parts_with_their_lines_are_a_small_page() {
    let names: Vec<String> = (0..50).map(|at| format!("Service {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut picture = picture("{title: T, show_latency: true, sections: [{labels: {team: web}}]}", &names, &[]);
    // Times that repeat nowhere, so that nothing of this is only small since it is alike.
    let mut seed = 7_u64;
    for component in &mut picture.sections[0].components {
        component.pace.clear();
        for _ in 0..24 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            component.pace.push(Some(std::time::Duration::from_millis(50 + (seed >> 33) % 300)));
        }
    }
    let html = rendered(&picture);
    let (plain, (packed, _)) = (html.len(), crate::uptime::status::copies::Copies::new(html).best(|name| name == "gzip"));
    assert!(plain < 30_000 && packed.len() < 6_000, "{plain} bytes, {} packed", packed.len());
}

#[test]
fn a_calendar_is_the_same_until_its_events_are_others() {
    use crate::uptime::model::maintenance::{Maintenance, When};
    use crate::uptime::model::planned::{Covers, Planned};
    use crate::uptime::model::window::Window;

    let page = Arc::new(read_one("{title: T, slug: t, sections: [{checks: ['1']}]}").unwrap());
    let seen = BTreeMap::from([(1, seen("Web", State::Up, NOW))]);
    let plan = |title: &str| Planned {
        id: 7,
        title: title.to_owned(),
        note: String::new(),
        covers: Covers::default(),
        maintenance: Maintenance { when: When::Once(Window::new(NOW + DAY, NOW + 2 * DAY)), in_force: Window::new(NOW - DAY, i64::MAX) },
        made_by: String::new(),
    };
    let drawn = |title: &str, at: i64, before: Option<&Picture>| {
        let picture = Picture::new(&page, &seen, &[], &[plan(title)], at).after(before, NOW - 2 * DAY);
        let calendar = super::calendar::ics("T", "t", "s.example", &picture.coming, picture.announced_at);
        (picture, calendar)
    };
    let (first, at_first) = drawn("Disks", NOW, None);
    assert!(at_first.contains("DTSTAMP:20241003T"), "since it was announced: {at_first}");
    let (second, later) = drawn("Disks", NOW + 60_000, Some(&first));
    assert_eq!(later, at_first, "drawn again, and the same");
    let (_, other) = drawn("New disks", NOW + 120_000, Some(&second));
    assert!(other.contains("DTSTAMP:20241004T120200Z"), "{other}");
}
