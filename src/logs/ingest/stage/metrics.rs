//! `metrics`: counters, gauges and histograms of what lines say, shown on the server's own page of metrics; and how many lines
//! stages drop, by reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Entry, Moment, Stage};
use crate::base::go_duration;
use crate::platform::telemetry::metrics::{Counter, Page};
use crate::series::labels::Labels;

/// Most series of one metric; lines with further labels are not counted.
const SERIES_MAX: usize = 10_000;
/// Lines that stages drop.
const DROPPED: &str = "logentry_dropped_lines_total";

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    pub(super) steps: Vec<Step>,
}

/// What is done for one metric.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The value that is looked at.
    pub(super) source: String,
    /// What it must be.
    pub(super) value: Option<String>,
    pub(super) shape: Shape,
    pub(super) family: Arc<Family>,
}

/// What a line does to a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// Counts every line.
    Lines,
    /// Counts the bytes of every line.
    Bytes,
    /// Adds so much where there is a value.
    Move(f64),
    /// Adds the value, so many times.
    AddValue(f64),
    /// Becomes the value.
    Set,
    /// Observes the value.
    Observe,
}

impl Metrics {
    fn count(&self, entry: &Entry, moment: &Moment) {
        for step in &self.steps {
            match step.shape {
                Shape::Lines => step.family.add(entry, 1.0, moment),
                Shape::Bytes => step.family.add(entry, entry.text.len() as f64, moment),
                shape => {
                    let Some(found) = entry.value(&step.source) else { continue };
                    if step.value.as_deref().is_some_and(|wanted| wanted != found) {
                        continue;
                    }
                    match (shape, number(found)) {
                        (Shape::Move(by), _) => step.family.add(entry, by, moment),
                        (Shape::AddValue(times), Some(number)) => step.family.add(entry, times * number, moment),
                        (Shape::Set, Some(number)) => step.family.set(entry, number, moment),
                        (Shape::Observe, Some(number)) => step.family.observe(entry, number, moment),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl Stage for Metrics {
    fn run(&mut self, entry: Entry, moment: &Moment) -> Option<Entry> {
        self.count(&entry, moment);
        Some(entry)
    }

    fn families(&self, out: &mut Vec<Arc<Family>>) {
        out.extend(self.steps.iter().map(|step| Arc::clone(&step.family)));
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

/// A number, a duration of Go in seconds, or a truth value as 1 and 0.
fn number(text: &str) -> Option<f64> {
    match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        text => text.parse().ok().or_else(|| Some(go_duration::parse(text, &|text| text.to_owned()).ok()? as f64 / 1e9)),
    }
}

/// One metric with its series, shared by all sources of a job.
#[derive(Debug)]
pub struct Family {
    name: String,
    kind: &'static str,
    help: String,
    bounds: Vec<f64>,
    /// A series without lines for so long ends, in nanoseconds; zero for never.
    idle_ns: i64,
    series: Mutex<BTreeMap<Labels, Series>>,
    /// Lines dropped, where that is what it counts.
    plain: Option<(String, Counter)>,
}

#[derive(Debug)]
struct Series {
    /// Value, or sum of a histogram.
    value: f64,
    /// Observations at or below each bound, above the one before; all of them at the end.
    buckets: Vec<u64>,
    touched_ns: i64,
}

impl Family {
    pub(super) fn new(name: &str, kind: &'static str, help: &str, bounds: Vec<f64>, idle_ns: i64) -> Self {
        let help = help.replace('\r', " ");
        Self { name: name.to_owned(), kind, help, bounds, idle_ns, series: Mutex::default(), plain: None }
    }

    fn add(&self, entry: &Entry, by: f64, moment: &Moment) {
        // A counter never goes down.
        if self.kind != "counter" || by >= 0.0 {
            self.touch(entry, moment, |series| series.value += by);
        }
    }

    fn set(&self, entry: &Entry, to: f64, moment: &Moment) {
        self.touch(entry, moment, |series| series.value = to);
    }

    fn observe(&self, entry: &Entry, value: f64, moment: &Moment) {
        self.touch(entry, moment, |series| {
            series.value += value;
            let at = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
            series.buckets[at] += 1;
        });
    }

    fn touch(&self, entry: &Entry, moment: &Moment, change: impl FnOnce(&mut Series)) {
        let labels = entry.labels.build();
        let mut all = self.series.lock();
        if all.len() >= SERIES_MAX && !all.contains_key(&labels) {
            all.retain(|_, series| !self.is_idle(series, moment.now_ns));
            if all.len() >= SERIES_MAX {
                return;
            }
        }
        let buckets = if self.kind == "histogram" { self.bounds.len() + 1 } else { 0 };
        let series = all.entry(labels).or_insert_with(|| Series { value: 0.0, buckets: vec![0; buckets], touched_ns: moment.now_ns });
        series.touched_ns = moment.now_ns;
        change(series);
    }

    const fn is_idle(&self, series: &Series, now_ns: i64) -> bool {
        self.idle_ns > 0 && now_ns.saturating_sub(series.touched_ns) > self.idle_ns
    }

    fn write(&self, page: &mut Page, now_ns: i64, seen: &mut BTreeSet<(String, Labels)>) {
        let mut all = self.series.lock();
        all.retain(|_, series| !self.is_idle(series, now_ns));
        for (labels, series) in all.iter() {
            // Two jobs may count the same under the same name; a page shows a series once.
            if !seen.insert((self.name.clone(), labels.clone())) {
                continue;
            }
            let mut own: Vec<(&str, &str)> = labels.iter().collect();
            if series.buckets.is_empty() {
                page.sample(&self.name, &own, series.value);
                continue;
            }
            let mut below = 0;
            let bucket = format!("{}_bucket", self.name);
            own.retain(|(name, _)| *name != "le");
            for (at, count) in series.buckets.iter().enumerate() {
                below += count;
                let bound = self.bounds.get(at).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
                let labels: Vec<(&str, &str)> = own.iter().copied().chain([("le", bound.as_str())]).collect();
                page.sample(&bucket, &labels, below as f64);
            }
            page.sample(&format!("{}_sum", self.name), &own, series.value);
            page.sample(&format!("{}_count", self.name), &own, below as f64);
        }
    }
}

/// Counts lines that a stage drops.
#[derive(Debug, Clone)]
pub(super) struct Dropped {
    pub(super) family: Arc<Family>,
}

impl Dropped {
    /// Under a reason.
    pub(super) fn new(reason: &str) -> Self {
        let mut family = Family::new(DROPPED, "counter", "Lines that stages of pipelines dropped, by reason.", Vec::new(), 0);
        family.plain = Some((reason.to_owned(), Counter::default()));
        Self { family: Arc::new(family) }
    }

    pub(super) fn inc(&self) {
        if let Some((_, counter)) = &self.family.plain {
            counter.inc();
        }
    }
}

/// Writes what pipelines count; of metrics of one name the first says what kind all are.
pub fn report(families: &[Arc<Family>], page: &mut Page, now_ns: i64) {
    let mut dropped: BTreeMap<&str, u64> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<&Family>> = BTreeMap::new();
    for family in families {
        match &family.plain {
            Some((reason, counter)) => *dropped.entry(reason).or_default() += counter.get(),
            None => by_name.entry(&family.name).or_default().push(family),
        }
    }
    if !dropped.is_empty() {
        page.family(DROPPED, "counter", "Lines that stages of pipelines dropped, by reason.");
        for (reason, count) in dropped {
            page.sample(DROPPED, &[("reason", reason)], count as f64);
        }
    }
    let mut seen = BTreeSet::new();
    for (name, all) in by_name {
        let Some(first) = all.first() else { continue };
        page.family(name, first.kind, &first.help);
        for family in all.iter().filter(|family| family.kind == first.kind) {
            family.write(page, now_ns, &mut seen);
        }
    }
}
