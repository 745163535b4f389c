//! Collecting over a generated time: days end, clocks change, data come late, the server sleeps.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use super::backfill::{BackfillError, Ended, RUNS_MAX};
use super::desk::{Desk, PutError};
use super::push::{At, PushError, Sent, Taken};
use super::*;
use crate::base::clock::ManualClock;
use crate::base::period::Period;
use crate::base::time::parse_rfc3339;
use crate::business::ask::{Ask, AskError, Asked, CohortRows, Cohorts, Numbers};
use crate::business::config::file::{KeptBusiness, read};
use crate::business::model::kind::Longer;
use crate::business::model::value::{Origin, Standing, Value};
use crate::business::store::{KpiId, Once, Store};
use crate::platform::db::Db;
use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport};

const HOUR: i64 = 3_600_000;

/// A shop that sells one thing every hour on plan a, and two on plan b; it can be made to sell more, or to fail.
#[derive(Default)]
struct Shop {
    more: Mutex<BTreeMap<i64, f64>>,
    fails: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

impl Ask for Shop {
    fn ask<'a>(&'a self, asked: Asked<'a>) -> Pin<Box<dyn Future<Output = Result<Numbers, AskError>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(why) = self.fails.lock().clone() {
                return Err(AskError::Failed(why));
            }
            let hours = (asked.within.end - asked.within.start) as f64 / HOUR as f64;
            let more: f64 = self.more.lock().range(asked.within.clone()).map(|(_, value)| value).sum();
            let label = asked.label.unwrap_or_default();
            self.asked.lock().push(format!("{} {label}", asked.kpi.name));
            Ok(match label {
                "" => vec![(String::new(), hours * 3.0 + more)],
                _ => vec![("a".to_owned(), hours + more), ("b".to_owned(), hours * 2.0)],
            })
        })
    }

    fn cohorts<'a>(&'a self, _: Cohorts<'a>, _: i64) -> Pin<Box<dyn Future<Output = Result<CohortRows, AskError>> + Send + 'a>> {
        Box::pin(async { Ok(CohortRows::new()) })
    }
}

/// Keeps the newest series.
#[derive(Default)]
struct Series(Mutex<BTreeMap<String, f64>>);

impl Append for Series {
    fn append(&self, batch: &WriteBatch, _: &AppendOptions) -> Result<AppendReport, AppendError> {
        let mut kept = self.0.lock();
        kept.clear();
        for series in &batch.series {
            let labels = crate::series::labels::Labels::from_packed(batch.labels_of(series)).unwrap();
            let name = labels.iter().filter(|(name, _)| *name != "job").map(|(_, value)| value).collect::<Vec<_>>().join(" ");
            kept.insert(name, batch.floats[usize::try_from(series.floats.start).unwrap()].value);
        }
        Ok(AppendReport::default())
    }
}

struct Ground {
    _folder: tempfile::TempDir,
    db: Arc<Db>,
    clock: Arc<ManualClock>,
    shop: Arc<Shop>,
    series: Arc<Series>,
    collector: Arc<Collector>,
}

impl Ground {
    fn at(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Arc::new(Db::open(&folder.path().join("test.db")).unwrap());
        let (clock, shop, series) = (ManualClock::at(parse_rfc3339(text).unwrap()), Arc::<Shop>::default(), Arc::<Series>::default());
        let collector = Self::open(&db, &clock, &shop, &series);
        Self { _folder: folder, db, clock, shop, series, collector }
    }

    fn open(db: &Arc<Db>, clock: &Arc<ManualClock>, shop: &Arc<Shop>, series: &Arc<Series>) -> Arc<Collector> {
        let store = Store::new(Arc::clone(db));
        let desk = Desk::open(store.clone(), Arc::clone(clock) as _).unwrap();
        Collector::new(desk, store, Arc::clone(shop) as _, Arc::clone(series) as _, Arc::clone(clock) as _)
    }

    fn restart(&mut self) {
        self.collector = Self::open(&self.db, &self.clock, &self.shop, &self.series);
    }

    async fn make(&self, text: &str) -> i64 {
        self.collector.desk.put(None, text).await.unwrap()
    }

    async fn at_time(&self, text: &str) {
        self.clock.jump_to(parse_rfc3339(text).unwrap());
        self.collector.tick().await.unwrap();
    }

    fn value(&self, id: i64, period: &str) -> Option<Value> {
        let period = Period::parse(period).unwrap();
        self.collector.store.values(id, period, period).unwrap().pop()
    }

    fn number(&self, id: i64, period: &str) -> f64 {
        self.value(id, period).map_or(f64::NAN, |value| value.value)
    }
}

const ORDERS: &str = "{name: Orders, time_zone: Europe/Berlin, segments: [plan], \
    promql: {query: 'sum by ($segment) (increase(orders_total[$period]))'}, targets: [{value: 2000}]}";

#[tokio::test]
async fn days_of_any_length_are_counted_and_months_made_of_them() {
    let ground = Ground::at("2026-03-27T10:00:00Z");
    let id = ground.make(ORDERS).await;
    ground.at_time("2026-03-27T11:00:00Z").await;
    let today = ground.value(id, "2026-03-27").unwrap();
    // Midnight in Berlin is 23:00 UTC the day before, in winter.
    assert_eq!((today.value, today.standing), (36.0, Standing::Running));
    // The server sleeps over the change of clocks: no day is skipped.
    ground.at_time("2026-03-31T12:00:00Z").await;
    let days = ["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30"].map(|day| ground.number(id, day));
    assert_eq!(days, [72.0, 72.0, 69.0, 72.0], "the day on which clocks go forward has 23 hours");
    let month = ground.value(id, "2026-03").unwrap();
    assert_eq!((month.value, month.origin, month.standing), (72.0 * 3.0 + 69.0 + 42.0, Origin::Combined, Standing::Running));
    assert_eq!(month.complete, 5.0 / 31.0, "the days before the KPI was made are not known");
    let split = ground.collector.store.by_segment(id, Period::parse("2026-03").unwrap()).unwrap();
    let b = split.iter().find(|(segment, _)| segment.value == "b").unwrap();
    assert_eq!(*b.1, month.value / 3.0 * 2.0);
    let said = ground.series.0.lock().clone();
    assert_eq!(said["pharos_kpi_value Orders month running"], month.value);
    assert_eq!(said["pharos_kpi_value Orders day ended"], 72.0);
    assert_eq!(said["pharos_kpi_target Orders month"], 2000.0);
    // The month ends, and its days settle; then nothing of it is asked for any more.
    ground.at_time("2026-04-03T12:00:00Z").await;
    ground.at_time("2026-04-09T12:00:00Z").await;
    ground.at_time("2026-04-09T12:01:00Z").await;
    assert_eq!(ground.value(id, "2026-03").unwrap().standing, Standing::Settled);
    assert_eq!(ground.value(id, "2026-03-29").unwrap().standing, Standing::Settled);
    let store = ground.collector.store.clone();
    assert_eq!(store.progress().unwrap()[&(id, crate::base::period::Grain::Day)].to_string(), "2026-04-07");
}

#[tokio::test]
async fn late_data_restate_what_was_and_restarts_forget_nothing() {
    let mut ground = Ground::at("2026-11-01T10:00:00Z");
    let id = ground.make(ORDERS).await;
    let of_plan = "{name: Twice, sum: {of: [Orders, Orders]}, time_zone: Europe/Berlin}";
    let twice = ground.make(of_plan).await;
    let share = ground.make("{name: Share, unit: percent, ratio: {of: Orders, to: Twice}, time_zone: Europe/Berlin}").await;
    ground.at_time("2026-11-02T00:10:00Z").await;
    assert_eq!(ground.number(id, "2026-11-01"), 72.0);
    assert_eq!((ground.number(twice, "2026-11-01"), ground.number(share, "2026-11-01")), (144.0, 50.0));
    let longer = |id| ground.collector.desk.longer_of(&ground.collector.desk.get(id).unwrap().kpi);
    assert_eq!((longer(twice), longer(share)), (Longer::Sum, Longer::Average), "a share of a month does not grow with it");
    // Ten more sales of yesterday come in.
    ground.shop.more.lock().insert(parse_rfc3339("2026-11-01T20:00:00Z").unwrap(), 10.0);
    ground.restart();
    ground.at_time("2026-11-02T00:20:00Z").await;
    assert_eq!(ground.number(id, "2026-11-01"), 72.0, "not yet asked for again");
    ground.at_time("2026-11-02T09:00:00Z").await;
    let restated = ground.value(id, "2026-11-01").unwrap();
    assert_eq!((restated.value, restated.first, restated.standing), (82.0, Some(72.0), Standing::Ended));
    assert_eq!(ground.number(twice, "2026-11-01"), 164.0, "and what is made of it goes along");
    assert_eq!(ground.number(twice, "2026-11"), 2.0 * ground.number(id, "2026-11"));
    ground.at_time("2026-11-04T12:00:00Z").await;
    assert_eq!(ground.value(id, "2026-11-01").unwrap().standing, Standing::Settled);
    ground.shop.more.lock().insert(parse_rfc3339("2026-11-01T21:00:00Z").unwrap(), 10.0);
    ground.at_time("2026-11-05T12:00:00Z").await;
    assert_eq!(ground.number(id, "2026-11-01"), 82.0, "settled is settled");
}

#[tokio::test]
async fn what_fails_is_asked_again_and_said() {
    let ground = Ground::at("2026-11-01T10:00:00Z");
    let id = ground.make(ORDERS).await;
    *ground.shop.fails.lock() = Some("no connection".to_owned());
    ground.at_time("2026-11-01T11:00:00Z").await;
    let trouble = ground.collector.trouble(id).unwrap();
    assert_eq!((trouble.why.as_str(), trouble.tries), ("no connection", 1));
    *ground.shop.fails.lock() = None;
    ground.at_time("2026-11-01T11:01:00Z").await;
    assert!(ground.value(id, "2026-11-01").is_none(), "not every minute");
    ground.at_time("2026-11-02T11:00:00Z").await;
    assert_eq!((ground.collector.trouble(id), ground.number(id, "2026-11-01")), (None, 72.0), "and nothing is lost");
}

#[tokio::test]
async fn programs_send_numbers_and_know_that_they_are_kept() {
    let mut ground = Ground::at("2026-11-15T10:00:00Z");
    let text = "{name: Sales, unit: currency, currency: EUR, segments: [plan], pushed: {adds: true}}";
    let id = ground.make(text).await;
    let known = ground.collector.desk.get(id).unwrap();
    let plan = |value: &str| Some(("plan".to_owned(), value.to_owned()));
    let sent = [
        Sent { value: 10.0, at: At::Now, segment: plan("a") },
        Sent { value: 5.0, at: At::Now, segment: plan("b") },
        Sent { value: 7.0, at: At::In(Period::parse("2026-11-14").unwrap()), segment: plan("a") },
    ];
    assert_eq!(ground.collector.push(&known, &sent, None).await.unwrap(), Taken { count: 3, is_repeated: false });
    ground.restart();
    assert_eq!((ground.number(id, "2026-11-15"), ground.number(id, "2026-11-14"), ground.number(id, "2026-11")), (15.0, 7.0, 22.0));
    let wrong = |value, at, segment| [Sent { value, at, segment }];
    for (sent, expected) in [
        (wrong(f64::NAN, At::Now, None), "number 1: value: expected a number"),
        (wrong(1.0, At::In(Period::parse("2026-11").unwrap()), None), "read 2026-11, expected a day"),
        (wrong(1.0, At::In(Period::parse("2027-01-01").unwrap()), None), "2027-01-01 is to come"),
        (wrong(1.0, At::Now, Some(("country".to_owned(), "DE".to_owned()))), "not split by \"country\""),
    ] {
        let told = ground.collector.push(&known, &sent, None).await.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    }
    let asked = ground.make(ORDERS).await;
    let asked = ground.collector.desk.get(asked).unwrap();
    assert!(ground.collector.push(&asked, &sent, None).await.unwrap_err().to_string().contains("only a KPI with the source pushed"));
    assert!(matches!(ground.collector.begin(&known, 0, 1, false), Err(BackfillError::Pushed)));
}

#[tokio::test]
async fn what_a_program_sends_again_counts_once() {
    let mut ground = Ground::at("2026-11-15T23:59:00Z");
    let id = ground.make("{name: Sales, segments: [plan], pushed: {adds: true}}").await;
    let known = ground.collector.desk.get(id).unwrap();
    let once = |digest| Some(Once { key: "order-1".to_owned(), digest: [digest; 32] });
    let sent = ["a", "b"].map(|plan| Sent { value: 5.0, at: At::Now, segment: Some(("plan".to_owned(), plan.to_owned())) });
    let taken = |is_repeated| Taken { count: 2, is_repeated };
    assert_eq!(ground.collector.push(&known, &sent, once(1)).await.unwrap(), taken(false));
    // The server ended before the month was made of it.
    ground.db.write(|tx| tx.execute("DELETE FROM business_values WHERE grain = 3", [])).await.unwrap();
    ground.restart();
    ground.clock.jump_to(parse_rfc3339("2026-12-01T00:01:00Z").unwrap());
    let known = ground.collector.desk.get(id).unwrap();
    let both =
        futures_util::future::join(ground.collector.push(&known, &sent, once(1)), ground.collector.push(&known, &sent, once(1))).await;
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (taken(true), taken(true)));
    assert_eq!((ground.number(id, "2026-11-15"), ground.number(id, "2026-11")), (10.0, 10.0), "in the day in which it came first");
    assert!(ground.value(id, "2026-12-01").is_none());
    let told = ground.collector.push(&known, &sent[..1], once(2)).await.unwrap_err();
    assert!(matches!(&told, PushError::OtherBody(_)) && told.to_string().contains("\"order-1\" came before with another body"), "{told}");
    // What was wrong is not remembered: it may be sent again as it should be.
    let wrong = [Sent { value: f64::NAN, at: At::Now, segment: None }];
    let other = |digest| Some(Once { key: "order-2".to_owned(), digest: [digest; 32] });
    assert!(matches!(ground.collector.push(&known, &wrong, other(1)).await, Err(PushError::Wrong(_))));
    assert_eq!(ground.collector.push(&known, &sent, other(2)).await.unwrap(), taken(false));
    // What was taken stays taken when the KPI changes.
    ground.collector.desk.put(Some(id), "{name: Sales, promql: {query: a}}").await.unwrap();
    let known = ground.collector.desk.get(id).unwrap();
    assert_eq!(ground.collector.push(&known, &sent, other(2)).await.unwrap(), taken(true));
}

async fn ended(ground: &Ground, id: i64) -> backfill::Progress {
    loop {
        let progress = ground.collector.backfilled(id).unwrap();
        if progress.ended.is_some() {
            return progress;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_past_is_filled_in() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let id = ground.make(ORDERS).await;
    let known = ground.collector.desk.get(id).unwrap();
    let (from, now) = (parse_rfc3339("2026-10-01T00:00:00Z").unwrap(), parse_rfc3339("2026-11-15T10:00:00Z").unwrap());
    ground.collector.begin(&known, from, now, false).unwrap();
    assert!(matches!(ground.collector.begin(&known, from, now, false), Err(BackfillError::Runs)));
    let done = ended(&ground, id).await;
    assert_eq!((done.all, done.done, done.written, done.ended), (46, 46, 46, Some(Ended::Whole)));
    let october = ground.value(id, "2026-10").unwrap();
    assert_eq!((october.value, october.complete), (31.0 * 72.0 + 3.0, 1.0), "with an hour more at its end");
    assert_eq!((ground.value(id, "2026-10-05").unwrap().origin, october.standing), (Origin::Backfilled, Standing::Settled));
    // What is settled stays, unless it is asked for again.
    ground.shop.asked.lock().clear();
    ground.collector.begin(&known, from, now, false).unwrap();
    assert_eq!(ended(&ground, id).await.written, 3, "two days that may still change, and today");
    // KPIs that are made of others are made of their past.
    let twice = ground.make("{name: Twice, sum: {of: [Orders, Orders]}, time_zone: Europe/Berlin}").await;
    let known = ground.collector.desk.get(twice).unwrap();
    ground.collector.begin(&known, from, now, false).unwrap();
    assert_eq!(ended(&ground, twice).await.ended, Some(Ended::Whole));
    assert_eq!(ground.number(twice, "2026-10"), 2.0 * (31.0 * 72.0 + 3.0));
    assert!(matches!(ground.collector.begin(&known, now, from, false), Err(BackfillError::Nothing)));
    assert!(matches!(ground.collector.begin(&known, 0, i64::MAX, false), Err(BackfillError::TooMany(_))));
}

#[tokio::test]
async fn a_run_that_was_answered_is_stored() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let orders = ground.make("{name: Orders, promql: {query: a}}").await;
    let known = ground.collector.desk.get(orders).unwrap();
    let (from, now) = (parse_rfc3339("2026-11-10T00:00:00Z").unwrap(), parse_rfc3339("2026-11-15T10:00:00Z").unwrap());
    let room = Arc::clone(&ground.collector.jobs.room).acquire_many_owned(RUNS_MAX as u32).await.unwrap();
    assert!(ground.collector.backfill(&known, from, now, false).await.unwrap().is_waiting);
    let stored: Vec<KpiId> = ground.collector.store.unfinished().unwrap().iter().map(|run| run.kpi).collect();
    assert_eq!(stored, [orders]);
    drop(room);
    assert_eq!(ended(&ground, orders).await.ended, Some(Ended::Whole));
}

#[tokio::test]
async fn more_than_there_is_room_for_wait_their_turn() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let (from, now) = (parse_rfc3339("2026-11-10T00:00:00Z").unwrap(), parse_rfc3339("2026-11-15T10:00:00Z").unwrap());
    let mut ids = Vec::new();
    for number in 0..RUNS_MAX + 3 {
        ids.push(ground.make(&format!("{{name: K{number}, promql: {{query: a}}}}")).await);
    }
    let begun = ids.iter().map(|id| ground.collector.begin(&ground.collector.desk.get(*id).unwrap(), from, now, false).unwrap());
    let waiting: Vec<bool> = begun.map(|(progress, _)| progress.is_waiting).collect();
    assert_eq!(waiting.iter().filter(|is_waiting| **is_waiting).count(), 3, "{waiting:?}");
    // Who waits can be called off.
    assert!(ground.collector.cancel_backfill(ids[RUNS_MAX]));
    for (number, id) in ids.iter().enumerate() {
        let wanted = if number == RUNS_MAX { Ended::Cancelled } else { Ended::Whole };
        assert_eq!(ended(&ground, *id).await.ended, Some(wanted), "{number}");
    }
    assert_eq!(ground.number(ids[RUNS_MAX + 2], "2026-11-10"), 72.0);
}

#[tokio::test]
async fn what_a_file_makes_of_others_has_their_past() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let orders = ground.make("{name: Orders, promql: {query: a}}").await;
    let known = ground.collector.desk.get(orders).unwrap();
    let (from, now) = (parse_rfc3339("2026-11-10T00:00:00Z").unwrap(), parse_rfc3339("2026-11-15T10:00:00Z").unwrap());
    ground.collector.begin(&known, from, now, false).unwrap();
    ended(&ground, orders).await;
    let text = "kpis: [{name: Orders, promql: {query: a}}, {name: Twice, sum: {of: [Orders, Orders]}}]";
    let kept = KeptBusiness { path: "b.yml".to_owned(), file: read(text, std::path::Path::new("b.yml")).unwrap().0 };
    ground.collector.follow(Some(&kept)).await.unwrap();
    let twice = ground.collector.desk.find("Twice").unwrap().id;
    assert_eq!(ended(&ground, twice).await.ended, Some(Ended::Whole));
    assert_eq!(ground.number(twice, "2026-11-11"), 144.0);
}

#[tokio::test]
async fn a_file_is_followed_and_what_leaves_it_is_paused() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let desk = &ground.collector.desk;
    let by_hand = ground.make("{name: orders, pushed: {}}").await;
    let kept = |text: &str| KeptBusiness { path: "b.yml".to_owned(), file: read(text, std::path::Path::new("b.yml")).unwrap().0 };
    let both = kept(
        "time_zone: Europe/Berlin\nkpis:\n- {name: Orders, promql: {query: a}}\n- {name: Rate, ratio: {of: Orders, to: Orders}}\n\
         funnels: [{name: Shop, steps: [Orders, Orders]}]\n",
    );
    let done = desk.follow(Some(&both)).await.unwrap();
    assert_eq!((done.changed.len(), done.released, desk.all().len()), (2, 0, 2));
    assert_eq!((desk.find("Orders").unwrap().id, desk.calendar().location.as_str()), (by_hand, "Europe/Berlin"), "its values stay");
    assert!(desk.follow(Some(&both)).await.unwrap().changed.is_empty());
    assert!(matches!(desk.put(Some(by_hand), "{name: Orders, pushed: {}}").await, Err(PutError::InFile(_))));
    assert!(matches!(desk.delete(by_hand).await, Err(PutError::InFile(_))));
    assert_eq!(desk.funnels().unwrap()[0].0.name, "Shop");
    assert!(desk.export().unwrap().contains("time_zone: Europe/Berlin"));
    let left = desk.follow(None).await.unwrap();
    assert_eq!((left.changed.len(), left.released, desk.calendar().location.as_str()), (0, 2, "UTC"));
    assert!(desk.find("orders").unwrap().kpi.paused && desk.funnels().unwrap().is_empty());
    let told = desk.delete(by_hand).await.unwrap_err().to_string();
    assert!(told.contains("\"Rate\" is made of \"Orders\""), "{told}");
}

#[tokio::test]
async fn passwords_are_kept_and_never_shown() {
    let ground = Ground::at("2026-11-15T10:00:00Z");
    let text = |password: &str| {
        format!("{{name: MRR, sql: {{database: 'postgres://r@db/x', password: '{password}', query: 'select 1 as value'}}}}")
    };
    let id = ground.make(&text("geheim")).await;
    let desk = &ground.collector.desk;
    let shown = desk.get(id).unwrap().kpi.text();
    assert!(shown.contains("<secret>") && !shown.contains("geheim") && !desk.export().unwrap().contains("geheim"), "{shown}");
    desk.put(Some(id), &text("<secret>")).await.unwrap();
    let again = Desk::open(ground.collector.store.clone(), Arc::clone(&ground.clock) as _).unwrap();
    assert_eq!(again.get(id).unwrap().kpi.sql.as_ref().unwrap().password.expose(), "geheim");
}
