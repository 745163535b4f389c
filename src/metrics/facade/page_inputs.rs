//! From live data to what the pages take.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Metrics;
use super::look::Look;
use crate::base::limits;
use crate::base::pressure::Level;
use crate::base::time::{Duration, TimeRange};
use crate::metrics::ingest::scrape::target::Health;
use crate::metrics::model::catalogue::{Catalogue, Filter};
use crate::metrics::model::config::{RelabelConfig, ScrapeConfig};
use crate::metrics::model::vital::Vital;
use crate::metrics::pages::cardinality::{CardinalityInput, Growth, Limit};
use crate::metrics::pages::catalogue::CatalogueInput;
use crate::metrics::pages::pushed::{Group, PushedInput};
use crate::metrics::pages::status::{Block, Config, Quarantined, Remark, Setting, StatusInput, Storage as StoragePart};
use crate::metrics::pages::targets::{self, Dropped, Step, Target, TargetsInput};
use crate::metrics::pages::vitals::{self, OfPage, VitalsInput};
use crate::platform::config::settings::SPECS;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME};
use crate::series::ports::{IndexQuery, Select};
use crate::series::relabel;
use crate::ui::lang::{Lang, Words, key};

/// Entries of each list on the Cardinality page.
const TOP: usize = 20;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Targets that failed their last scrape.
pub(super) fn targets_down(metrics: &Metrics) -> usize {
    metrics.scrape.targets().active.iter().filter(|target| target.state.health == Health::Down).count()
}

/// The Targets page.
pub(super) fn targets(metrics: &Metrics, query: &str) -> TargetsInput {
    let found = metrics.scrape.targets();
    let config = metrics.config.load();
    let rules: BTreeMap<&str, &ScrapeConfig> = config.scrape_configs.iter().map(|job| (job.job_name.as_str(), job)).collect();
    let steps = |job: &str, labels: &Labels| rules.get(job).map_or_else(Vec::new, |job| relabel_steps(labels, &job.relabel_configs));
    let look = Look::new(Arc::clone(&metrics.evaluate), metrics.clock.now_ms());
    let scraped = look.vector("scrape_samples_scraped");
    let samples: BTreeMap<(&str, &str), u64> = scraped
        .iter()
        .map(|(labels, count)| ((labels.get("job").unwrap_or(""), labels.get("instance").unwrap_or("")), *count as u64))
        .collect();
    let active = found.active.iter().map(|target| Target {
        job: target.scrape_pool.clone(),
        url: target.scrape_url.clone(),
        health: match target.state.health {
            Health::Up => targets::Health::Up,
            Health::Down => targets::Health::Down,
            Health::Unknown => targets::Health::Unknown,
        },
        error: target.state.last_error.clone(),
        last_scrape_ms: target.state.last_scrape,
        duration_s: target.state.last_scrape.map(|_| target.state.last_duration),
        interval_ms: target.scrape_interval.ms(),
        timeout_ms: target.scrape_timeout.ms(),
        samples: samples.get(&(target.scrape_pool.as_str(), target.labels.get("instance").unwrap_or(""))).copied(),
        labels: target.labels.clone(),
        discovered: target.discovered_labels.clone(),
        steps: steps(&target.scrape_pool, &target.discovered_labels),
    });
    let dropped = found.dropped.iter().map(|target| Dropped {
        job: target.scrape_pool.clone(),
        discovered: target.discovered_labels.clone(),
        steps: steps(&target.scrape_pool, &target.discovered_labels),
    });
    TargetsInput {
        targets: active.collect(),
        dropped: dropped.collect(),
        dropped_total: found.dropped_counts.values().sum(),
        filter: targets::Filter::from_query(query),
    }
}

fn relabel_steps(labels: &Labels, rules: &[RelabelConfig]) -> Vec<Step> {
    relabel::explain(labels, rules)
        .into_iter()
        .zip(rules)
        .map(|(step, rule)| Step { rule: rule_words(rule), after: step.keep.then_some(step.labels) })
        .collect()
}

/// `replace job, instance → target`: a rule in one line.
fn rule_words(rule: &RelabelConfig) -> String {
    let mut words = rule.action.as_str().to_owned();
    if !rule.source_labels.is_empty() {
        words.push_str(&format!(" {}", rule.source_labels.join(&rule.separator)));
    }
    if !rule.regex.is_default() {
        words.push_str(&format!(" matching {}", rule.regex.as_str()));
    }
    if !rule.target_label.is_empty() {
        words.push_str(&format!(" → {}", rule.target_label));
    }
    words
}

/// The metric catalogue: every name in storage, with what is said of it.
pub(super) fn catalogue(metrics: &Metrics, query: &str) -> CatalogueInput {
    CatalogueInput { metrics: metrics.all(), filter: Filter::from_query(query), unread: metrics.unread() }
}

/// The Web vitals page.
pub(super) fn vitals(metrics: &Metrics, query: &str) -> VitalsInput {
    let filter = vitals::Filter::from_query(query);
    let look = Look::new(Arc::clone(&metrics.evaluate), metrics.clock.now_ms());
    let (selector, days) = (vitals::selector(&filter), filter.days);
    // Totals that never fall: what they are now less what they were is exact, the first measurement of a page included.
    let grown = |by: &str, vital: Vital, part: &str| {
        let sum = |when: &str| format!("sum by ({by}) ({}_{part}{selector}{when})", vital.histogram());
        format!("({} - ({} or {} * 0))", sum(""), sum(&format!(" offset {days}d")), sum(""))
    };
    let measured = |vital: Vital| {
        let buckets = look.vector(&grown("le", vital, "bucket"));
        let over = |bound: f64| {
            let is_bound = |labels: &Labels| labels.get(BUCKET).and_then(|le| le.parse::<f64>().ok()) == Some(bound);
            buckets.iter().find(|(labels, _)| is_bound(labels)).map(|(_, below)| *below)
        };
        let count = over(f64::INFINITY).filter(|count| *count > 0.0)?;
        let p75 = look.number(&format!("histogram_quantile(0.75, {})", grown("le", vital, "bucket")))?;
        let (good, poor) = vital.bounds_of_rating();
        let share = |bound: f64| over(bound).map_or(0.0, |below| (below / count).clamp(0.0, 1.0));
        Some(vitals::Measured { vital, p75, shares: (share(good), 1.0 - share(poor)), count })
    };
    let of_page = |labels: &Labels| labels.get("page").unwrap_or("").to_owned();
    // A page that nobody waited for has no main part, but something of it was there.
    let visits = [Vital::Lcp, Vital::Fcp, Vital::Ttfb, Vital::Cls].map(|vital| grown("page", vital, "count"));
    let visits = look.vector(&format!("topk({}, {})", vitals::PAGES_MAX, visits.join(" or ")));
    let mut pages: Vec<OfPage> = visits
        .iter()
        .filter(|(_, visits)| *visits > 0.0)
        .map(|(labels, visits)| OfPage { page: of_page(labels), visits: *visits, p75: [None; 3] })
        .collect();
    for (place, vital) in vitals::BY_PAGE.into_iter().enumerate() {
        let found = look.vector(&format!("histogram_quantile(0.75, {})", grown("le, page", vital, "bucket")));
        let by_page: BTreeMap<String, f64> = found.iter().map(|(labels, p75)| (of_page(labels), *p75)).collect();
        for page in &mut pages {
            page.p75[place] = by_page.get(&page.page).copied().filter(|p75| p75.is_finite());
        }
    }
    pages.sort_by(|a, b| b.visits.total_cmp(&a.visits).then_with(|| a.page.cmp(&b.page)));
    VitalsInput {
        is_on: metrics.api.vitals.is_some(),
        url: metrics.api.external.as_str().trim_end_matches('/').to_owned(),
        sites: metrics.api.vitals.as_ref().map(|taker| taker.vitals.sites()).unwrap_or_default(),
        measured: Vital::ALL.into_iter().filter_map(measured).collect(),
        pages,
        filter,
    }
}

/// The Cardinality page.
pub(super) fn cardinality(metrics: &Metrics, lang: Lang) -> CardinalityInput {
    let found = metrics.api.storage.cardinality(TOP);
    let (status, growth) = (metrics.api.storage.status(), metrics.api.storage.growth(TOP));
    let grown = |one: crate::metrics::model::storage::Grown, over_ms: i64| {
        let is_hour = over_ms <= HOUR_MS;
        let (hour_ago, day_ago) = if is_hour { (Some(one.before), None) } else { (None, Some(one.before)) };
        Growth { metric: one.metric, hour_ago, day_ago, now: one.now }
    };
    let pairs = |list: &[crate::metrics::model::storage::Counted]| list.iter().map(|one| (one.name.clone(), one.count)).collect::<Vec<_>>();
    let everything = IndexQuery { any_of: &[], range: TimeRange::ALL, limit: 0 };
    let cancel = crate::base::cancel::Cancel::new();
    let count = |found: Result<Vec<String>, _>| found.map_or(0, |list: Vec<String>| list.len() as u64);
    let limit = |name: &str, value: Option<u64>, scope: &str, used: Option<u64>| Limit {
        name: name.to_owned(),
        value: value.map_or_else(|| lang.t("no limit").to_owned(), |value| value.to_string()),
        scope: lang.t(scope).to_owned(),
        used: used.zip(value).map(|(used, value)| used as f64 / value as f64),
        refused: 0,
    };
    let mut limits = vec![
        limit("limits.series_max", status.series_max, key("all series in memory"), Some(found.series)),
        limit("limits.series_per_job_max", status.series_per_job_max, key("series of one job"), None),
        limit("labels", Some(limits::LABELS_PER_SERIES_MAX as u64), key("labels of one series"), None),
    ];
    limits[0].refused = status.refused_series_limit;
    CardinalityInput {
        series: found.series,
        pairs: found.label_pairs,
        names: count(metrics.store.label_names(&everything, &cancel).map_err(|_| ())),
        metrics: count(metrics.store.label_values(METRIC_NAME, &everything, &cancel).map_err(|_| ())),
        top_metrics: pairs(&found.series_by_metric),
        top_labels: pairs(&found.values_by_label),
        top_label_bytes: pairs(&found.bytes_by_label),
        top_pairs: found
            .series_by_pair
            .iter()
            .map(|one| {
                let (name, value) = one.name.split_once('=').unwrap_or((&one.name, ""));
                (name.to_owned(), value.to_owned(), one.count)
            })
            .collect(),
        growth: growth.map(|growth| growth.metrics.into_iter().map(|one| grown(one, growth.over_ms)).collect()),
        limits,
    }
}

/// The page of pushed groups.
pub(super) fn pushed(metrics: &Metrics, filter: String) -> PushedInput {
    let groups = metrics.push.groups().into_iter().map(|group| Group {
        id: group.labels.to_string(),
        metrics: group.families.len() as u64,
        series: group.families.iter().map(|(_, family)| family.series.len() as u64).sum(),
        pushed_ms: (group.push_time_ms > 0).then_some(group.push_time_ms),
        failed: (group.push_failure_ms > group.push_time_ms)
            .then(|| (group.push_failure_ms, key("the pushed metrics were inconsistent or could not be read").into())),
        labels: group.labels,
    });
    let push_url = format!("{}/metrics/job/my_job", metrics.api.external.as_str().trim_end_matches('/'));
    PushedInput { groups: groups.collect(), filter, push_url }
}

/// Deletes the group that the page named, and says how many series it had.
pub(super) fn delete_group(metrics: &Metrics, id: &str) -> Result<usize, String> {
    match metrics.push.groups().into_iter().find(|group| group.labels.to_string() == id) {
        Some(group) => {
            let series = group.families.iter().map(|(_, family)| family.series.len()).sum();
            let deleted = metrics.push.delete(&group.labels);
            if deleted.status < 300 { Ok(series) } else { Err(deleted.body) }
        }
        None => Err("there is no such group; somebody may have deleted it already".to_owned()),
    }
}

/// Whether samples are taken, or what is refused.
fn takes_samples(memory: Level, write_refusal: Option<String>) -> Words {
    match write_refusal {
        Some(why) => Words::plain(why),
        None if memory >= Level::Scarce => key("only of known series, memory is nearly used up").into(),
        None => key("yes").into(),
    }
}

/// The Status page.
pub(super) fn status(metrics: &Metrics) -> StatusInput {
    let (server, storage) = (&metrics.server, metrics.api.storage.status());
    let (runtime, head) = (server.runtime(), metrics.api.storage.cardinality(0));
    let values = server.settings();
    let setting = |name: &str| values.iter().find(|value| value.0 == name).map_or("", |value| value.1.as_str());
    let facts = vec![
        (key("Host"), Words::plain(runtime.hostname.clone())),
        (key("Listens on"), Words::plain(metrics.own_instance.clone())),
        (key("Data folder"), Words::plain(setting("storage.path"))),
        (key("Working folder"), Words::plain(runtime.working_dir.clone())),
        (key("Out-of-order window"), Words::plain(Duration::from_ms(storage.out_of_order_ms).to_string())),
        (key("Takes samples"), takes_samples(metrics.pressure.memory(), storage.write_refusal.clone())),
    ];
    StatusInput {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        facts,
        started_ms: runtime.started_ms,
        storage: StoragePart {
            head_series: head.series,
            head_chunks: head.chunks,
            head_range: head.range.map(|range| (range.start, range.end)),
            wal_bytes: storage.wal_bytes,
            wal_segments: storage.wal_segments.1.saturating_sub(storage.wal_segments.0) + 1,
            blocks: storage.blocks.iter().map(block).collect(),
            quarantined: storage
                .quarantined
                .iter()
                .map(|(name, reason)| Quarantined { name: name.clone(), reason: reason.clone() })
                .collect(),
            disk: storage.disk_free_bytes.zip(storage.disk_bytes),
            retention_time: storage.retention_ms.map(|ms| Duration::from_ms(ms).to_string()),
            retention_bytes: storage.retention_bytes.unwrap_or(0),
        },
        config: Config {
            path: match server.flags().into_iter().find(|(name, path)| name == "config.file" && !path.is_empty()) {
                Some((_, path)) => Words::plain(path),
                None => key("no file, the defaults").into(),
            },
            yaml: server.config_yaml(),
            loaded_ms: Some(runtime.reload.loaded_ms),
            error: runtime.reload.error.as_deref().map(remark),
            warnings: runtime.reload.warnings.iter().map(|text| remark(text)).collect(),
        },
        settings: values
            .into_iter()
            .map(|(name, value, source)| {
                let help = SPECS.iter().find(|spec| spec.name == name).map_or("", |spec| spec.help).to_owned();
                Setting { name, value, source, help }
            })
            .collect(),
    }
}

fn block(block: &crate::metrics::model::storage::BlockStatus) -> Block {
    Block {
        ulid: block.id.clone(),
        min_ms: block.range.start,
        max_ms: block.range.end,
        series: block.series,
        samples: block.samples,
        bytes: block.bytes,
        level: block.level,
    }
}

/// The line stands in the text already, as `file:line:column`.
fn remark(text: &str) -> Remark {
    Remark { line: None, message: text.to_owned() }
}

/// Queries to start from: whatever of these has data.
pub(super) fn suggestions(metrics: &Metrics) -> Vec<(String, String)> {
    const FIRST: [(&str, &str, &str); 5] = [
        (key("CPU by mode"), "node_cpu_seconds_total", "sum by (mode) (rate(node_cpu_seconds_total[1m]))"),
        (key("Memory available"), "node_memory_MemAvailable_bytes", "node_memory_MemAvailable_bytes"),
        (key("Network received"), "node_network_receive_bytes_total", "rate(node_network_receive_bytes_total[1m])"),
        (key("Targets up"), "up", "up"),
        (key("Scrape durations"), "scrape_duration_seconds", "scrape_duration_seconds"),
    ];
    FIRST
        .iter()
        .filter(|(_, metric, _)| metrics.api.storage.series_of_metric(metric) > 0)
        .map(|(name, _, query)| ((*name).to_owned(), (*query).to_owned()))
        .collect()
}
