//! A shop whose truth is known, through the real store of metrics and the real engine: every formula of the documents gives
//! its number, over the end of months, a change of clocks and counters that begin again.

use std::sync::Arc;
use std::time::Duration;

use super::configuration::Configuration;
use super::wiring::{Opened, Outset, ground, open};
use crate::base::cancel::Cancel;
use crate::base::clock::{ManualClock, SharedClock};
use crate::base::location::Location;
use crate::base::period::{Calendar, Grain, Period};
use crate::base::time::parse_rfc3339;
use crate::business::ask::Asker;
use crate::business::collect::Collector;
use crate::business::collect::backfill::Ended;
use crate::business::collect::desk::Desk;
use crate::business::model::value::{Segment, Standing};
use crate::business::store::Store;
use crate::platform::config::flags::ServeFlags;
use crate::platform::http::server::listen;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::ports::{Append, AppendOptions, Evaluate, Question, When};

/// How often the shop is scraped.
const STEP: i64 = 120_000;
const DAY: i64 = 86_400_000;
/// Requests of a step, of which one fails.
const REQUESTS: f64 = 2_000.0;

/// Name and labels of a series, and by how much it grows in a step.
type Growing = (&'static [(&'static str, &'static str)], f64);

const GROWING: &[Growing] = &[
    (&[("__name__", "http_requests_total"), ("endpoint", "/buy"), ("status", "200")], REQUESTS - 1.0),
    (&[("__name__", "http_requests_total"), ("endpoint", "/buy"), ("status", "503")], 1.0),
    (&[("__name__", "http_request_duration_seconds_bucket"), ("endpoint", "/buy"), ("le", "0.1")], 1_800.0),
    (&[("__name__", "http_request_duration_seconds_bucket"), ("endpoint", "/buy"), ("le", "0.5")], REQUESTS),
    (&[("__name__", "http_request_duration_seconds_bucket"), ("endpoint", "/buy"), ("le", "+Inf")], REQUESTS),
    (&[("__name__", "cache_hits_total")], 9.0),
    (&[("__name__", "cache_misses_total")], 1.0),
    (&[("__name__", "tasks_created_total")], 10.0),
    (&[("__name__", "tasks_completed_total")], 8.0),
    (&[("__name__", "task_completion_duration_hours_sum")], 16.0),
    (&[("__name__", "task_completion_duration_hours_count")], 8.0),
];

fn at(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

/// Orders of a step: the shop is open from 9 to 17 by the clock of Berlin.
fn sold(when: i64, plan: &str) -> f64 {
    let local = when + Location::parse("Europe/Berlin").unwrap().ahead(when).unwrap();
    let is_open = (9..17).contains(&local.rem_euclid(DAY).div_euclid(3_600_000));
    if is_open { if plan == "a" { 1.0 } else { 2.0 } } else { 0.0 }
}

/// Two months of the shop; its counters begin again now and then.
fn fill(append: &dyn Append, from: i64, until: i64) {
    let plain: Vec<Labels> = GROWING.iter().map(|(labels, _)| Labels::from_pairs(labels.iter().copied())).collect();
    let orders = ["a", "b"].map(|plan| Labels::from_pairs([("__name__", "orders_total"), ("plan", plan)]));
    let sessions = ["1", "2"].map(|node| Labels::from_pairs([("__name__", "sessions_active"), ("node", node)]));
    let mut counts = vec![0.0; plain.len()];
    let mut sales = [0.0, 0.0];
    for day in (from..until).step_by(usize::try_from(DAY).unwrap()) {
        let times: Vec<i64> = (day..(day + DAY).min(until)).step_by(usize::try_from(STEP).unwrap()).collect();
        let mut columns = vec![Vec::with_capacity(times.len()); plain.len() + 4];
        for when in &times {
            // The shop is started anew every five days, at noon of UTC.
            if (*when - from).rem_euclid(5 * DAY) == DAY / 2 {
                counts.fill(0.0);
                sales = [0.0, 0.0];
            }
            for (place, (_, by)) in GROWING.iter().enumerate() {
                counts[place] += by;
                columns[place].push(counts[place]);
            }
            for (place, plan) in ["a", "b"].into_iter().enumerate() {
                sales[place] += sold(*when, plan);
                columns[plain.len() + place].push(sales[place]);
                columns[plain.len() + 2 + place].push(if place == 0 { 42.0 } else { 8.0 });
            }
        }
        let mut batch = WriteBatch::new();
        for (labels, column) in plain.iter().chain(&orders).chain(&sessions).zip(&columns) {
            batch.open_series(labels);
            for (when, value) in times.iter().zip(column) {
                batch.push_float(*when, *value);
            }
        }
        let report = append.append(&batch, &AppendOptions { no_sync: true, ..AppendOptions::default() }).unwrap();
        assert!(report.refused.is_empty(), "{:?}", report.refused);
    }
}

/// What a query of a fixture gives at an instant, added up over its series.
fn asked(engine: &dyn Evaluate, query: &str, when: i64) -> f64 {
    let question = Question { query, when: When::Instant(when), cancel: Cancel::new() };
    let answer = engine.evaluate(&question).unwrap_or_else(|why| panic!("{query}: {why}"));
    answer.value.into_numbers().into_iter().map(|(_, value)| value).sum()
}

/// The queries of a file, each below a remark that names it.
fn queries(text: &str) -> Vec<(String, String)> {
    let paragraphs = text.split("\n\n").filter_map(|paragraph| paragraph.trim().split_once('\n'));
    paragraphs.map(|(name, query)| (name.trim_start_matches("# ").to_owned(), query.trim().to_owned())).collect()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= expected.abs() * 0.003 + 1e-9, "{what}: {found}, expected {expected}");
}

#[tokio::test]
async fn the_formulas_of_the_documents_give_the_truth_of_a_shop() {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2026-12-01T12:00:00Z");
    let clock: SharedClock = ManualClock::at(now);
    let flags = ServeFlags::default()
        .with("storage.path", folder.path().to_str().unwrap())
        .with("host.enabled", "false")
        .with("server.own_metrics", "false");
    let configuration = Configuration::open(flags, Arc::clone(&clock)).unwrap();
    let settings = configuration.resolved().settings;
    let address = listen("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
    let ground = ground(&settings, address, &clock).unwrap();
    let outset =
        Outset { configuration: &configuration, settings: &settings, address, clock: &clock, progress: Arc::default(), release: || {} };
    let Opened { metrics, logs, db, watch, .. } = open(outset, &ground).await.unwrap();
    drop(watch);
    let from = at("2026-09-30T00:00:00Z");
    fill(metrics.append().as_ref(), from, now);
    formulas(metrics.evaluate().as_ref(), now - STEP);
    let store = Store::new(Arc::clone(&db));
    let desk = Desk::open(store.clone(), Arc::clone(&clock)).unwrap();
    let asker = Asker::new(metrics.evaluate(), Arc::new(logs.engine().clone()));
    let collector = Collector::new(Arc::clone(&desk), store.clone(), Arc::new(asker), metrics.append(), Arc::clone(&clock));
    kpis(&desk, &collector, &store, now).await;
    said(metrics.evaluate().as_ref(), &collector).await;
}

/// The documents' own queries, word for word.
fn formulas(engine: &dyn Evaluate, when: i64) {
    let texts = [
        include_str!("../../tests/data/queries/business-metrics.promql"),
        include_str!("../../tests/data/queries/api-dashboard.promql"),
        include_str!("../../tests/data/queries/error-budget.promql"),
    ];
    let all: Vec<(String, String)> = texts.into_iter().flat_map(queries).collect();
    let truth = [7_200.0, 80.0, 2.0, REQUESTS / 120.0, 1.0 / REQUESTS, 0.3, 50.0, 0.5];
    assert_eq!(all.len(), truth.len());
    for ((name, query), expected) in all.iter().zip(truth) {
        close(asked(engine, query, when), expected, name);
    }
    let overview = queries(include_str!("../../tests/data/queries/application-overview.promql"));
    let truth = [REQUESTS / 120.0, 0.3, 1.0 / 120.0, 0.9];
    for ((name, query), expected) in overview.iter().zip(truth) {
        close(asked(engine, query, when), expected, name);
    }
}

/// Days, months and segments by the calendar of Berlin.
async fn kpis(desk: &Arc<Desk>, collector: &Arc<Collector>, store: &Store, now: i64) {
    let text = "{name: Orders, time_zone: Europe/Berlin, segments: [plan], \
                promql: {query: 'sum by ($segment) (increase(orders_total[$period]))'}}";
    let orders = desk.put(None, text).await.unwrap();
    let tasks = desk.put(None, "{name: Tasks, longer: ask, promql: {query: 'increase(tasks_created_total[$period])'}}").await.unwrap();
    desk.put(None, "{name: Done, longer: ask, promql: {query: 'increase(tasks_completed_total[$period])'}}").await.unwrap();
    let rate = desk.put(None, "{name: Rate, unit: percent, ratio: {of: Done, to: Tasks}}").await.unwrap();
    for name in ["Orders", "Tasks", "Done", "Rate"] {
        let known = desk.find(name).unwrap();
        collector.backfill(&known, at("2026-10-01T12:00:00Z"), now, false).await.unwrap();
        while collector.backfilled(known.id).unwrap().ended.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(collector.backfilled(known.id).unwrap().ended, Some(Ended::Whole), "{name}");
    }
    let berlin = Calendar::of(Location::parse("Europe/Berlin").unwrap());
    let truth = |period: Period, plan: &str| {
        let window = berlin.window(period).unwrap();
        let steps = (window.start..window.end.min(now)).step_by(usize::try_from(STEP).unwrap());
        steps.map(|when| sold(when, plan)).sum::<f64>()
    };
    for text in ["2026-10-01", "2026-10-24", "2026-10-25", "2026-10-26", "2026-10-31", "2026-11-01", "2026-11-30", "2026-10", "2026-11"] {
        let period = Period::parse(text).unwrap();
        let found = store.by_segment(orders, period).unwrap();
        close(found[&Segment::all()], truth(period, "a") + truth(period, "b"), text);
        for plan in ["a", "b"] {
            close(found[&Segment { label: "plan".to_owned(), value: plan.to_owned() }], truth(period, plan), &format!("{text} {plan}"));
        }
    }
    let october = Period::parse("2026-10").unwrap();
    let value = store.values(orders, october, october).unwrap().pop().unwrap();
    assert_eq!((value.standing, value.complete), (Standing::Settled, 1.0));
    assert_eq!(berlin.parts(october, Grain::Hour).len(), 31 * 24 + 1, "the month has an hour more");
    close(store.by_segment(tasks, october).unwrap()[&Segment::all()], 31.0 * 7_200.0, "tasks of a month, asked as a whole");
    close(store.by_segment(rate, october).unwrap()[&Segment::all()], 80.0, "rate of a month");
}

/// What is collected is a series, which rules can ask.
async fn said(engine: &dyn Evaluate, collector: &Collector) {
    collector.tick().await.unwrap();
    let query = "pharos_kpi_value{kpi=\"Rate\", period=\"day\", standing=\"ended\"}";
    close(asked(engine, query, at("2026-12-01T12:00:30Z")), 80.0, "the series of a KPI");
}
