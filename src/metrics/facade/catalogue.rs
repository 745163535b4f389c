//! The catalogue: every name in storage with what its target and people here say of it, and who asks for it.

use std::collections::{BTreeMap, HashMap};

use super::Metrics;
use super::described::Words;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::metrics::model::catalogue::{Catalogue, Describing, Detail, Giver, LabelOf, Metric, Own, Way};
use crate::metrics::model::users::Users;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::Matcher;
use crate::series::ports::{IndexQuery, Select, Selection};
use crate::series::sample::{Metadata, MetricType, SampleBuf};

/// The label that names who gives a series.
const JOB: &str = "job";
/// The label that names which of those.
const INSTANCE: &str = "instance";
/// Names of labels of a metric at most.
const LABELS_MAX: usize = 100;
/// Values of a label that are named.
const VALUES_SHOWN: usize = 8;
/// Series of a metric that are looked at.
const SERIES_MAX: usize = 20_000;
/// How far back givers and values of labels are looked for.
const RECENT_MS: i64 = 3_600_000;
/// How far ahead of the clock samples may be.
const AHEAD_MS: i64 = 600_000;

/// Families by their name, with what they say of themselves.
type Families = BTreeMap<String, Metadata>;

impl Metrics {
    fn families(&self) -> Families {
        self.api.storage.metadata(None, 0).into_iter().filter_map(|(name, mut all)| Some((name, all.pop()?))).collect()
    }

    /// A metric with what is said of it, by its target and by people here.
    fn metric(&self, name: String, said: Option<&Metadata>, words: &Words, users: &Users) -> Metric {
        let mut metric = Metric {
            kind: said.map_or(MetricType::Unknown, |said| said.kind),
            unit: said.map_or_else(String::new, |said| said.unit.clone()),
            help: said.map_or_else(String::new, |said| said.help.clone()),
            series: self.api.storage.series_of_metric(&name),
            users: users.of(&name),
            name,
            ..Metric::default()
        };
        metric.own = words.get(&metric.name).or_else(|| words.get(metric.family())).cloned();
        if let Some(own) = metric.own.clone() {
            let pick = |own: &str, theirs: &mut String| {
                if !own.is_empty() {
                    own.clone_into(theirs);
                }
            };
            pick(&own.description, &mut metric.help);
            pick(&own.unit, &mut metric.unit);
        }
        metric
    }

    /// The series of a metric: those of the last hour, or where there are none those of any time.
    fn series_of(&self, name: &str) -> Vec<Labels> {
        let lists = [vec![Matcher::equal(METRIC_NAME, name)]];
        let now = self.clock.now_ms();
        let find = |range| self.store.series(&IndexQuery { any_of: &lists, range, limit: SERIES_MAX }, &Cancel::new()).unwrap_or_default();
        let recent = find(TimeRange { start: now - RECENT_MS, end: now + AHEAD_MS });
        if recent.is_empty() { find(TimeRange::ALL) } else { recent }
    }

    /// The newest samples of one series.
    fn newest_of(&self, labels: &Labels) -> SampleBuf {
        let matchers: Vec<Matcher> = labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let now = self.clock.now_ms();
        let range = TimeRange { start: now - RECENT_MS, end: now + AHEAD_MS };
        let mut samples = SampleBuf::default();
        // Others with more labels match too.
        let found = self.store.select(&Selection { matchers: &matchers, range, series_max: SERIES_MAX }, &Cancel::new());
        if let Some(series) = found.unwrap_or_default().iter().find(|series| series.labels() == labels)
            && let Err(error) = series.read(range, &mut samples)
        {
            tracing::debug!(%error, "the newest samples of a metric cannot be read");
        }
        samples
    }

    /// What gives a metric: jobs, and how often.
    fn givers(&self, series: &[Labels], is_recorded: bool) -> Vec<Giver> {
        let mut by_job: BTreeMap<&str, (u64, &Labels)> = BTreeMap::new();
        for labels in series {
            by_job.entry(labels.get(JOB).unwrap_or("")).or_insert((0, labels)).0 += 1;
        }
        let (targets, config) = (self.scrape.targets(), self.config.load());
        let giver = |(job, (series, example)): (&str, (u64, &Labels))| {
            let is_its = |labels: &Labels| labels.get(JOB) == Some(job) && labels.get(INSTANCE) == example.get(INSTANCE);
            let target = targets.active.iter().find(|target| !is_recorded && is_its(&target.labels));
            match target {
                Some(target) => {
                    let is_configured = config.scrape_configs.iter().any(|known| known.job_name == target.scrape_pool);
                    let way = if is_configured { Way::Scraped } else { Way::Itself };
                    Giver { job: target.scrape_pool.clone(), way, every_ms: Some(target.scrape_interval.ms()), series }
                }
                None => Giver { job: job.to_owned(), way: Way::Sent, every_ms: spacing(&self.newest_of(example)), series },
            }
        };
        let mut givers: Vec<Giver> = by_job.into_iter().map(giver).collect();
        givers.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.job.cmp(&b.job)));
        givers
    }
}

/// How far samples are apart usually; none of fewer than three.
fn spacing(samples: &SampleBuf) -> Option<i64> {
    let mut times: Vec<i64> = samples.float_ts.iter().chain(&samples.histogram_ts).copied().collect();
    times.sort_unstable();
    let mut apart: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|apart| *apart > 0).collect();
    apart.sort_unstable();
    (apart.len() >= 2).then(|| apart[apart.len() / 2])
}

/// The family of a series name: its own, or that of `_bucket`, `_sum`, `_count`.
fn family_of<'f>(name: &str, families: &'f Families) -> Option<&'f Metadata> {
    let stems = ["_bucket", "_sum", "_count", "_total", "_info"].iter().filter_map(|suffix| name.strip_suffix(suffix));
    std::iter::once(name).chain(stems).find_map(|name| families.get(name))
}

/// Labels of series with how many values each has, those with the most first.
fn labels_of(series: &[Labels]) -> Vec<LabelOf> {
    let mut found: BTreeMap<&str, HashMap<&str, usize>> = BTreeMap::new();
    for (name, value) in series.iter().flat_map(|labels| labels.iter()).filter(|(name, _)| *name != METRIC_NAME) {
        *found.entry(name).or_default().entry(value).or_default() += 1;
    }
    let mut labels: Vec<LabelOf> = found
        .into_iter()
        .map(|(name, values)| {
            let mut some: Vec<(&str, usize)> = values.iter().map(|(value, count)| (*value, *count)).collect();
            some.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let some = some.iter().take(VALUES_SHOWN).map(|(value, _)| (*value).to_owned()).collect();
            LabelOf { name: name.to_owned(), values: values.len(), some }
        })
        .collect();
    labels.sort_by(|a, b| b.values.cmp(&a.values).then_with(|| a.name.cmp(&b.name)));
    labels
}

impl Catalogue for Metrics {
    fn all(&self) -> Vec<Metric> {
        let everything = IndexQuery { any_of: &[], range: TimeRange::ALL, limit: 0 };
        let names = self.store.label_values(METRIC_NAME, &everything, &Cancel::new()).unwrap_or_default();
        let (families, words, users) = (self.families(), self.described.all(), self.asked_for.users());
        names
            .into_iter()
            .map(|name| {
                let said = family_of(&name, &families);
                self.metric(name, said, &words, &users)
            })
            .collect()
    }

    fn labels(&self, name: &str) -> Vec<String> {
        let lists = [vec![Matcher::equal(METRIC_NAME, name)]];
        let query = IndexQuery { any_of: &lists, range: TimeRange::ALL, limit: LABELS_MAX };
        let mut labels = self.store.label_names(&query, &Cancel::new()).unwrap_or_default();
        labels.retain(|label| label != METRIC_NAME);
        labels
    }

    fn detail(&self, name: &str) -> Option<Detail> {
        let (families, words, users) = (self.families(), self.described.all(), self.asked_for.users());
        let series = self.series_of(name);
        let recorders = users.recorders(name);
        let is_known = !series.is_empty() || words.contains_key(name) || !recorders.is_empty();
        is_known.then(|| {
            let mut metric = self.metric(name.to_owned(), family_of(name, &families), &words, &users);
            metric.native = series.first().is_some_and(|labels| !self.newest_of(labels).histograms.is_empty());
            let labels = labels_of(&series);
            metric.labels = labels.iter().map(|label| label.name.clone()).collect();
            Detail {
                givers: self.givers(&series, !recorders.is_empty()),
                has_more: series.len() >= SERIES_MAX,
                labels,
                recorders,
                series_in_all: self.api.storage.cardinality(0).series,
                metric,
            }
        })
    }

    fn unread(&self) -> usize {
        self.asked_for.users().unread()
    }

    fn describe(&self, name: String, own: Own) -> Describing<'_> {
        Box::pin(self.described.put(name, own))
    }

    fn forget(&self, name: String) -> Describing<'_> {
        Box::pin(self.described.forget(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_is_that_of_most_samples() {
        let mut samples = SampleBuf::default();
        [0, 15_000, 30_000, 90_000, 105_000].into_iter().for_each(|ts| samples.push_float(ts, 1.0));
        assert_eq!(spacing(&samples), Some(15_000));
        let mut two = SampleBuf::default();
        [0, 15_000].into_iter().for_each(|ts| two.push_float(ts, 1.0));
        assert_eq!(spacing(&two), None);
    }

    #[test]
    fn labels_are_counted_and_their_commonest_values_named() {
        let one = |n: usize| Labels::from_pairs([("__name__", "x"), ("job", "a"), ("path", format!("/{}", n % 12).as_str())]);
        let series: Vec<Labels> = (0..30).map(one).collect();
        let labels = labels_of(&series);
        assert_eq!(labels.iter().map(|label| (label.name.as_str(), label.values)).collect::<Vec<_>>(), [("path", 12), ("job", 1)]);
        assert_eq!((labels[0].some.len(), labels[0].some[0].as_str()), (VALUES_SHOWN, "/0"));
    }
}
