//! One test at work: its data, the groups of its rules, and time that goes on in steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::file::{ExpectedAlert, Test, Tests};
use super::told;
use crate::alerts::{Group, Ports, Prepared, Running, Setting};
use crate::app::ruling::read_query;
use crate::base::cancel::Cancel;
use crate::base::clock::{ManualClock, SharedClock};
use crate::base::float;
use crate::base::time::{Duration, TimeRange};
use crate::logs::query::engine as logs;
use crate::logs::query::script::memory::{Layout, MemoryLines};
use crate::metrics::engine::{Engine, Options};
use crate::metrics::script::compare::histogram;
use crate::metrics::script::memory::MemorySelect;
use crate::metrics::script::series::Item;
use crate::series::batch::WriteBatch;
use crate::series::labels::{Labels, quote};
use crate::series::ports::{Append, AppendOptions, EvaluateError, Question, Select, Selection, When};
use crate::series::sample::{SampleBuf, is_stale};
use crate::series::value::{Point, Value};

/// Most evaluations of a test.
const STEPS_MAX: i64 = 10_000_000;

/// A test, ready to be played.
pub(super) struct Bench<'t> {
    tests: &'t Tests,
    test: &'t Test,
    groups: Vec<Running>,
    store: Arc<MemorySelect>,
    ports: Ports,
    setting: Setting,
}

impl<'t> Bench<'t> {
    /// Nothing has happened yet.
    pub(super) fn new(tests: &'t Tests, test: &'t Test, groups: &[Group]) -> Result<Self, String> {
        let setting = Setting {
            interval: test.interval,
            query_offset: Duration::default(),
            resend: Duration::from_secs(60),
            external_labels: test.external_labels.clone(),
            external_url: test.external_url.clone(),
        };
        let mut running = groups.iter().map(|group| running(group, &setting)).collect::<Result<Vec<_>, _>>()?;
        running.sort_by_key(|group| tests.order.get(&group.group.name).copied().unwrap_or(0));
        let store = Arc::new(MemorySelect::new());
        let clock: SharedClock = ManualClock::at(test.start);
        let options = Options { threads: 1, subquery_interval_ms: tests.interval.ms(), ..Options::default() };
        let metrics = Engine::new(Arc::clone(&store) as _, options);
        let options = logs::Options { threads: 1, ..logs::Options::default() };
        let logs = logs::Engine::new(lines(test), Arc::clone(&clock), options);
        let ports = Ports {
            metrics: Arc::new(metrics),
            logs: Arc::new(logs),
            append: Arc::clone(&store) as _,
            select: Arc::clone(&store) as _,
            clock,
        };
        Ok(Self { tests, test, groups: running, store, ports, setting })
    }

    /// Plays the test to its end; gives what differs.
    pub(super) fn play(&self, with_diff: bool) -> Vec<String> {
        let interval = self.tests.interval.ms();
        let end = self.end();
        if end / interval > STEPS_MAX {
            return vec![format!("{}    the test has {} evaluations, more than {STEPS_MAX}", self.name(), end / interval)];
        }
        let times: BTreeSet<i64> = self.test.alerts.iter().map(|test| test.at.ms()).collect();
        let mut due = times.into_iter().peekable();
        let mut errors = Vec::new();
        let mut loaded = vec![0; self.test.series.len()];
        let mut now = 0;
        while now <= end {
            errors.extend(self.load_until(now, &mut loaded));
            let failed = self.evaluate(now);
            if !failed.is_empty() {
                errors.extend(failed);
                return errors;
            }
            // Alerts are asked for at any time; what counts is the last evaluation before.
            while let Some(at) = due.next_if(|at| *at < now + interval) {
                errors.extend(self.check_alerts(at, with_diff));
            }
            now += interval;
        }
        errors.extend(self.check_queries(with_diff));
        errors
    }

    /// The latest time that is asked for.
    fn end(&self) -> i64 {
        let alerts = self.test.alerts.iter().map(|test| test.at.ms());
        alerts.chain(self.test.queries.iter().map(|test| test.at.ms())).max().unwrap_or(0)
    }

    fn name(&self) -> String {
        if self.test.name.is_empty() { String::new() } else { format!("    name: {},\n", self.test.name) }
    }

    /// Stores the values of series that have come by now.
    fn load_until(&self, now: i64, loaded: &mut [usize]) -> Vec<String> {
        let mut batch = WriteBatch::new();
        let mut named = Vec::new();
        for ((labels, items), next) in self.test.series.iter().zip(loaded) {
            let has_come = |at: usize| i64::try_from(at).is_ok_and(|at| at.saturating_mul(self.test.interval.ms()) <= now);
            if *next >= items.len() || !has_come(*next) {
                continue;
            }
            batch.open_series(labels);
            named.push(labels);
            while let Some(item) = items.get(*next).filter(|_| has_come(*next)) {
                let at = self.test.start + i64::try_from(*next).unwrap_or(0) * self.test.interval.ms();
                match item {
                    Item::Omitted => {}
                    Item::Float(value) => batch.push_float(at, *value),
                    Item::Histogram(histogram, _) => batch.push_histogram(at, Arc::clone(histogram)),
                }
                *next += 1;
            }
        }
        match self.store.append(&batch, &AppendOptions::default()) {
            Ok(report) => {
                let told = report.refused.iter().filter_map(|refused| Some((named.get(refused.series_index)?, refused.reason)));
                told.map(|(labels, reason)| format!("{}    input_series {labels}: {reason}", self.name())).collect()
            }
            Err(error) => vec![format!("{}    input_series: {error}", self.name())],
        }
    }

    /// Evaluates every group; gives what failed.
    fn evaluate(&self, now: i64) -> Vec<String> {
        let mut failed = Vec::new();
        for group in &self.groups {
            for (rule, error) in group.rehearse(self.test.start + now, &self.ports, &self.setting) {
                failed.push(format!("    rule: {rule}, time: {}, err: {error}", told::go_duration(now)));
            }
        }
        failed
    }

    fn check_alerts(&self, at: i64, with_diff: bool) -> Vec<String> {
        let mut errors = Vec::new();
        for test in self.test.alerts.iter().filter(|test| test.at.ms() == at) {
            let mut got = Vec::new();
            for rule in self.groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.prepared.rule.name == test.name) {
                let alerts = rule.alerts.lock();
                let firing = alerts.iter().filter(|alert| alert.state.as_str() == "firing");
                got.extend(firing.map(|alert| ExpectedAlert { labels: alert.labels.clone(), annotations: alert.annotations.clone() }));
            }
            let mut expected = test.expected.clone();
            expected.sort();
            got.sort();
            if expected != got {
                let what = format!("{}    alertname: {}, time: {}, ", self.name(), test.name, test.at);
                errors.push(told::alerts(&what, &expected, &got, with_diff));
            }
        }
        errors
    }

    fn check_queries(&self, with_diff: bool) -> Vec<String> {
        let mut errors = Vec::new();
        for test in &self.test.queries {
            let what = format!("{}    expr: {}, time: {},", self.name(), quote(&test.query), test.at);
            let mut got = match self.ask(&test.query, self.test.start + test.at.ms()) {
                Ok(got) => got,
                Err(error) => {
                    errors.push(format!("{what} err: {error}"));
                    continue;
                }
            };
            let mut expected = test.expected.clone();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            got.sort_by(|a, b| a.0.cmp(&b.0));
            if !told::fits(&expected, &got, self.tests.is_fuzzy) {
                errors.push(told::samples(&what, &expected, &got, with_diff));
            }
        }
        errors
    }

    fn ask(&self, query: &str, at: i64) -> Result<Vec<(Labels, Point)>, EvaluateError> {
        let question = Question { query, when: When::Instant(at), cancel: Cancel::new() };
        match self.ports.metrics.evaluate(&question)?.value {
            Value::Vector(samples) => Ok(samples.into_iter().map(|sample| (sample.labels, sample.value)).collect()),
            Value::Scalar(_, value) => Ok(vec![(Labels::empty(), Point::Float(value))]),
            _ => Err(EvaluateError::Execution("rule result is not a vector or scalar".to_owned())),
        }
    }

    /// Every series with its samples, as promtool shows them.
    pub(super) fn dump(&self) -> String {
        let mut text = format!("DEBUG: Dump of all data (input_series and rules) at {}:", told::go_duration(self.end()));
        let range = TimeRange::new(i64::MIN, i64::MAX);
        let selection = Selection { matchers: &[], range, series_max: usize::MAX };
        for series in self.store.select(&selection, &Cancel::new()).unwrap_or_default() {
            let mut samples = SampleBuf::default();
            if series.read(range, &mut samples).is_err() {
                continue;
            }
            let mut by_time = BTreeMap::new();
            for (ts, value) in samples.float_ts.iter().zip(&samples.floats) {
                by_time.insert(*ts, if is_stale(*value) { "stale".to_owned() } else { float::sample(*value) });
            }
            for (ts, value) in samples.histogram_ts.iter().zip(&samples.histograms) {
                by_time.insert(*ts, histogram(value));
            }
            text.push_str(&format!("\n{} =>", series.labels()));
            by_time.into_iter().for_each(|(ts, value)| text.push_str(&format!("\n{value} @[{ts}]")));
        }
        text
    }
}

/// A group as it is to run; its rules were found right when they were read.
fn running(group: &Group, setting: &Setting) -> Result<Running, String> {
    let prepare = |rule: &crate::alerts::model::Rule| {
        let shape = read_query(group.language, &rule.expr).map_err(|error| error.to_string())?;
        Prepared::new(rule.clone(), shape.text)
    };
    let rules = group.rules.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    Ok(Running::new(group.clone(), rules, setting))
}

/// The lines of a test. Queries see only those before them.
fn lines(test: &Test) -> Arc<MemoryLines> {
    let memory = MemoryLines::new(Layout::Together);
    for lines in &test.lines {
        for number in 0..lines.times {
            let passed = lines.at.ms().saturating_add(lines.every.ms().saturating_mul(i64::try_from(number).unwrap_or(i64::MAX)));
            let at = test.start.saturating_add(passed).saturating_mul(1_000_000);
            memory.push(&lines.stream, at, lines.text.as_bytes(), &lines.metadata);
        }
    }
    Arc::new(memory)
}
