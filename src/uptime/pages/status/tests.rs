//! Tests of status pages as HTML.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{edit, public, words};
use crate::ui::lang::Lang;
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

#[test]
fn whatever_is_written_stays_text() {
    let text = "{title: '<script>alert(1)</script>', slug: a, description: '\"><img src=x>', accent: '#ff0', sections: [{title: '<b>', checks: ['1']}]}";
    let html = public::render(&picture(text, &["</div><script>"], &[(Severity::Outage, &[1])]));
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>x"), "{html}");
    assert!(html.contains("--al:#") && html.contains("noindex"), "{html}");
}

#[test]
fn a_page_is_small_and_says_it_in_its_language() {
    let names: Vec<String> = (0..30).map(|at| format!("Service {at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let html = public::render(&picture("{title: T, language: ar, theme: dark, sections: [{labels: {team: web}}]}", &names, &[]));
    assert!(html.len() < 60_000, "{}", html.len());
    assert!(html.contains(r#"lang="ar" dir="rtl" data-theme="dark""#) && html.contains("كل شيء يعمل"), "{html}");
    let few = public::render(&picture("{title: T, sections: [{labels: {team: web}}]}", &names[..6], &[]));
    assert!(few.len() < 30_000 && few.contains("Everything works"), "{}", few.len());
    assert!(public::render(&picture("{title: T}", &[], &[])).contains("Nothing is shown here yet"));
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
    let text = "{title: T, slug: t, published: true, auto_after: 5m, sections: [{title: Web, checks: [a, 'b = c'], labels: {team: web}, components: [{check: a, name: Shop, description: Buy}]}]}";
    let page = read_one(text).unwrap();
    let again = edit::read(&edit::draft_of(&page), |name| name == "b = c").unwrap();
    assert_eq!(again, page);
    let empty = edit::read(&edit::fresh(&[]), |_| false).unwrap();
    assert_eq!(empty, StatusPage::default());
}
