//! The page of one KPI and the wall, from what is known of a KPI.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figure::Figures;
use super::home::Tile;
use super::kpi::{self, COUNTS, CohortsOf, KpiInput, Marked, View};
use super::tv::{self, TvInput};
use crate::base::period::{Grain, Period};
use crate::business::collect::backfill::{Ended, Progress};
use crate::business::collect::desk::Known;
use crate::business::config::kpi::read_one;
use crate::business::model::cohort;
use crate::business::model::contribution::Contribution;
use crate::business::model::forecast::Foretold;
use crate::business::model::value::{Origin, Segment, Standing, Value};
use crate::business::outlook::Page as History;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;
use crate::ui::shell::tests::{one_line, shell};

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn value(at: &str, number: f64) -> Value {
    let standing = if at == "2026-11-22" { Standing::Running } else { Standing::Settled };
    Value { period: period(at), value: number, standing, origin: Origin::Pushed, at: 0, complete: 1.0, first: None }
}

fn segment(plan: &str) -> Segment {
    Segment { label: "plan".into(), value: plan.into() }
}

fn input(text: &str) -> KpiInput {
    let kpi = read_one(text).unwrap();
    let current = period("2026-11-22");
    let days = [("2026-11-20", 100.0), ("2026-11-21", 110.0), ("2026-11-22", 40.0)];
    let restated = Value { first: Some(90.0), ..value("2026-11-20", 100.0) };
    let part = |plan: &str, share: f64| (segment(plan), days.iter().map(|(at, number)| value(at, number * share)).collect());
    let foretold = (0..3).map(|step| (current.shifted(step), Foretold { value: 105.0, low: 95.0, high: 115.0 })).collect();
    let contribution = Contribution { segment: segment("pro"), from: 60.0, to: 70.0, by: 10.0, share: Some(1.0) };
    KpiInput {
        known: Arc::new(Known { id: 7, kpi, file: String::new(), made_at: 0, changed_at: 0 }),
        shown: None,
        view: View { from: current.shifted(-29), until: current, current, count: COUNTS[1], label: "plan".into(), segment: String::new() },
        grains: vec![Grain::Day, Grain::Month],
        history: History {
            values: std::iter::once(restated).chain(days[1..].iter().map(|(at, number)| value(at, *number))).collect(),
            segments: BTreeMap::from([part("pro", 0.75), part("free", 0.25)]),
            foretold,
            pace: None,
            contributions: vec![contribution],
        },
        year_before: BTreeMap::from([(period("2026-11-21"), 80.0)]),
        marks: vec![Marked { period: Some(period("2026-11-21")), text: "Price <raised>".into(), is_note: true, ..Marked::default() }],
        trouble: None,
        backfill: None,
        zone: "Europe/Berlin".into(),
        today: "2026-11-22".into(),
        example: "2026-11-22".into(),
        cohorts: Vec::new(),
        shares: Vec::new(),
        base_url: "https://pharos.lan".into(),
        done: String::new(),
        problem: String::new(),
        may_change: true,
    }
}

fn at() -> Shell {
    shell(Page::Business, "Orders", "/business/7", "")
}

const ORDERS: &str = "{name: Orders, description: Paid ones., owner: Ada, segments: [plan], targets: [{by: day, value: 105}], pushed: {}}";

#[test]
fn a_kpi_shows_how_it_went_and_why() {
    let html = one_line(&kpi::render(&input(ORDERS), &at()));
    for expected in [
        "Paid ones.",
        "plan = pro: +10 (100 % of the change)",
        "Price &lt;raised&gt;",
        "class=\"mf\"",
        "class=\"f\"",
        "class=\"y\"",
        "21 Nov 2026: 110",
        ">75 %<",
        "was 90",
        "Europe/Berlin",
        "https://pharos.lan/business/7?grain=day&#38;count=30&#38;label=plan",
        "/api/v1/kpis/Orders/values?format=csv",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(!html.contains("Price <raised>"), "{html}");
}

#[test]
fn programs_are_shown_how_to_send_numbers_once() {
    let html = |pushed: &str| kpi::render(&input(&ORDERS.replace("pushed: {}", pushed)), &at());
    assert!(html("pushed: {adds: true}").contains("-H &#39;Idempotency-Key: order-1234&#39;"), "{}", html("pushed: {adds: true}"));
    assert!(!html("pushed: {}").contains("Idempotency-Key"), "what replaces may come twice anyway");
}

#[test]
fn what_was_before_anybody_counted_takes_no_room() {
    let mut input = input(ORDERS);
    let html = kpi::render(&input, &at());
    assert!(html.contains("<title>13 Nov 2026") && !html.contains("<title>12 Nov 2026"), "twelve bars at least: {html}");
    input.year_before = BTreeMap::from([(period("2026-10-25"), 80.0)]);
    let html = kpi::render(&input, &at());
    assert!(html.contains("<title>25 Oct 2026") && !html.contains("<title>24 Oct 2026"), "{html}");
}

#[test]
fn those_who_come_back_are_beside_the_number() {
    let table = (2..=11).map(|month| (period(&format!("2026-{month:02}")), 0, 100.0));
    let table = Arc::new(cohort::table(table.chain([(period("2026-10"), 1, 40.0)])));
    let of = |table| CohortsOf { name: "<Stay>".into(), table };
    let mut input = input(ORDERS);
    assert!(!kpi::render(&input, &at()).contains("Cohorts"));
    input.cohorts = vec![of(Some(Ok(table))), of(None), of(Some(Err("it is away".into())))];
    let html = kpi::render(&input, &at());
    for expected in ["&lt;Stay&gt;", "40 %", "Apr 2026", "/business/retentions/%3CStay%3E", "in a moment", "it is away"] {
        assert!(
            html.contains(expected) || html.contains(&expected.replace("&lt;", "&#60;").replace("&gt;", "&#62;")),
            "{expected}: {html}"
        );
    }
    assert!(!html.contains("Mar 2026"), "the newest eight");
}

#[test]
fn what_cannot_be_done_is_not_offered() {
    let seen = |change: &dyn Fn(&mut KpiInput)| {
        let mut input = input(ORDERS);
        change(&mut input);
        kpi::render(&input, &at())
    };
    let buttons = ["/business/7/delete", "/business/7/correct", "/business/7/note", "/business/edit?id=7"];
    let all = seen(&|_| {});
    assert!(buttons.iter().all(|button| all.contains(button)) && !all.contains("/business/7/backfill"), "{all}");
    let viewer = seen(&|input| input.may_change = false);
    assert!(buttons.iter().all(|button| !viewer.contains(button)), "{viewer}");
    let filed = seen(&|input| input.known = Arc::new(Known { file: "business.yml".into(), ..input.known.as_ref().clone() }));
    assert!(filed.contains("business.yml") && !filed.contains("/business/7/delete"), "{filed}");
}

#[test]
fn filling_in_says_how_far_it_is() {
    let shown = |progress| {
        let mut input = input("{name: Up, promql: {query: 'avg_over_time(up[$period])'}}");
        input.backfill = Some(progress);
        kpi::render(&input, &at())
    };
    let of = |ended| shown(Progress { all: 200, done: 50, written: 50, began: 0, is_waiting: false, ended });
    let running = of(None);
    assert!(
        running.contains("Filling in: 50 of 200 periods") && running.contains("--p:25%") && running.contains("value=\"stop\""),
        "{running}"
    );
    assert!(of(Some(Ended::Failed("2026-11-01: too much".into()))).contains("2026-11-01: too much"));
    let waiting = shown(Progress { all: 200, done: 0, written: 0, began: 0, is_waiting: true, ended: None });
    assert!(waiting.contains("Waits until others are filled in") && waiting.contains("value=\"stop\""), "{waiting}");
    assert!(running.contains("avg_over_time(up[$period])") && running.contains("/explore?q=avg_over_time%28up%5B1d%5D%29"), "{running}");
}

#[test]
fn a_segment_is_charted_by_itself() {
    let mut input = input(ORDERS);
    input.view.segment = "free".into();
    let html = kpi::render(&input, &at());
    assert!(html.contains("21 Nov 2026: 28") && !html.contains("class=\"f\""), "{html}");
}

#[test]
fn a_page_without_values_says_what_to_do() {
    let mut input = input("{name: New, pushed: {}}");
    input.history = History::default();
    input.year_before.clear();
    let html = kpi::render(&input, &at());
    assert!(html.contains("Send a number, and it is here at once.") && !html.contains("<svg class=\"bz-trend"), "{html}");
}

#[test]
fn the_wall_has_tiles_and_nothing_to_press() {
    let tile = Tile { name: "Orders".into(), figures: Figures::default(), value: Some(8_412.0), ..Tile::default() };
    let mut alone = shell(Page::Business, "Business", links::BUSINESS_TV, "");
    alone.is_alone = true;
    let html = tv::render(&TvInput { kpis: vec![tile; 5] }, &alone);
    assert!(html.contains("8,412") && html.contains("--k:3") && !html.contains("<nav class=\"nav"), "{html}");
}
