//! Pages hold what they are to say, and hostile values as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::edit::{self, EditInput};
use super::import::{self, ImportInput, Looked};
use super::list::{self, ListInput};
use super::one::{self, OneInput};
use crate::base::time::Duration;
use crate::series::labels::Labels;
use crate::slo::config::read_one;
use crate::slo::model::burn::{State, WINDOWS};
use crate::slo::model::figures::{Budget, Counted};
use crate::slo::model::period::DAY;
use crate::slo::watch::desk::{Day, Foretold, Kept, Stored, named};
use crate::slo::watch::past::Stretch;
use crate::slo::watch::standing::Standing;
use crate::ui::bringing::Fate;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::shell::tests::shell;

/// A value that would run if it were taken for HTML.
const HOSTILE: &str = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{7*7}}&amp;";

fn check(html: &str) {
    assert!(html.contains("</html>") && !html.contains("could not be made"), "the page is not whole");
    for part in ["<img src=x", "<script>alert"] {
        assert!(!html.contains(part), "{part}: {html}");
    }
    for tag in ["section", "table", "ul", "details", "form", "div", "nav", "label", "span", "p"] {
        let open = html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "<{tag}>: {html}");
    }
}

fn kept() -> Arc<Kept> {
    let mut slo = read_one("{name: Shop, objective: 99.9, group_by: [zone], ratio: {bad: b, total: t}}").unwrap();
    slo.description = HOSTILE.to_owned();
    let stored = Stored {
        name: "Shop".into(),
        definition: String::new(),
        made_at: 0,
        changed_at: 0,
        changed_by: String::new(),
        file: String::new(),
    };
    Arc::new(Kept { slo, stored })
}

fn standing(zone: &str, bad: f64, rate: f64) -> Standing {
    let budget = Budget { part: 0.001, period: 30 * DAY, elapsed: 1.0, counted: Counted { events: 1_000_000.0, bad } };
    let rates: Vec<(Duration, f64)> = WINDOWS.iter().map(|window| (*window, rate)).collect();
    let state = if rate > 14.4 { State::Critical } else { State::Fine };
    Standing { labels: Labels::from_pairs([("zone", zone)]), budget, events: rates.clone(), rates, state }
}

#[test]
fn an_objective_is_told_in_words_first() {
    let standings = vec![standing(HOSTILE, 590.0, 20.0), standing("b", 0.0, 0.0)];
    let stretch = Stretch {
        labels: standings[0].labels.clone(),
        from: 0,
        until: 7_200_000,
        counted: Counted { events: 1_000.0, bad: 500.0 },
        spent: 0.5,
        worst: 20.0,
    };
    let day = |left| Day { labels: named(&standings[0].labels), day: 1, left, events: 1.0, bad: 0.0 };
    let mut input = OneInput {
        kept: kept(),
        spent: vec![(stretch, Vec::new())],
        days: vec![day(0.9), day(0.41)],
        rules: HOSTILE.to_owned(),
        group: String::new(),
        done: "made".to_owned(),
        problem: HOSTILE.to_owned(),
        may_change: true,
        standings,
    };
    let html = |input: &OneInput| one::render(input, &shell(Page::Slos, "Shop", "/slos/Shop", "").with_range("now-7d").with_refresh("30s"));
    let text = html(&input);
    check(&text);
    for part in [
        "99.9 % of events are to be good over 30 days.",
        "41 % of the budget is left; at this pace it is gone in 14 h.",
        "50 % of the budget",
        "500 bad events, at worst 20.00 times too fast",
        "99.941 %",
        "/slos/Shop/edit",
        ">critical<",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    (input.standings, input.may_change) = (vec![standing("b", 2_500.0, 0.0)], false);
    let text = html(&input);
    check(&text);
    assert!(text.contains("The budget is spent, 150 % more than there was.") && !text.contains("/slos/Shop/edit"), "{text}");
}

#[test]
fn the_worst_stands_first_and_nothing_yet_says_what_it_is_for() {
    let html = |input: &ListInput| list::render(input, &shell(Page::Slos, "SLOs", links::SLOS, ""));
    let empty = html(&ListInput { may_change: true, ..ListInput::default() });
    check(&empty);
    assert!(empty.contains("How much has to go well?") && empty.contains("/slos/import"), "{empty}");
    let all = vec![(kept(), vec![standing("a", 0.0, 0.0)]), (kept(), vec![standing("a", 900.0, 20.0)])];
    let text = html(&ListInput { all, may_change: true, ..ListInput::default() });
    check(&text);
    assert!(text.find("10 % of the budget").unwrap() < text.find("100 % of the budget").unwrap(), "{text}");
    assert!(text.contains("2 SLOs, of which 1 burn too fast."), "{text}");
}

#[test]
fn forms_and_files_hold_what_they_were_given_as_text() {
    let fields = ["name", "bad", "total", "labels", "alerts", "period", "latency_total"].map(|name| (name.to_owned(), HOSTILE.to_owned()));
    let budget = standing("a", 2_000.0, 0.0).budget;
    let groups = vec![(Labels::from_pairs([("zone", HOSTILE)]), budget)];
    let input = EditInput {
        kind: "ratio".into(),
        fields: BTreeMap::from(fields),
        foretold: Some(Foretold { over: Duration::from_ms(30 * DAY), groups }),
        slo: read_one("{name: a, objective: 90, ratio: {bad: b, total: t}}").ok(),
        problem: HOSTILE.into(),
        may_change: true,
        ..EditInput::default()
    };
    let html = edit::render(&input, &shell(Page::Slos, "New SLO", links::SLOS_NEW, ""));
    check(&html);
    assert!(html.contains("-100 %") && html.contains("The alert of 1h can never fire"), "{html}");
    let looked = |fate| Looked { name: HOSTILE.into(), objective: "99".into(), window: "30d".into(), fate };
    let slos = vec![looked(Fate::New), looked(Fate::There), looked(Fate::Wrong(HOSTILE.into()))];
    let (text, problem, notes) = (HOSTILE.to_owned(), HOSTILE.to_owned(), vec![HOSTILE.to_owned()]);
    let input = ImportInput { text, source: "Sloth".into(), slos, notes, problem, may_change: true };
    let html = import::render(&input, &shell(Page::Slos, "Import SLOs", links::SLOS_IMPORT, ""));
    check(&html);
    assert!(html.contains("Bring in 1 SLO<") && html.contains("not taken"), "{html}");
}
