//! From settings to what the rooms take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::SharedClock;
use crate::base::limits::WRITE_BODY_BYTES_MAX;
use crate::base::pressure::Pressure;
use crate::logs::api::QueryLimits;
use crate::logs::ingest::limits::{LineLimits, REMEMBERED_BYTES_MAX, REQUEST_BYTES_MAX, REQUEST_MEMORY_MAX};
use crate::logs::query::engine;
use crate::logs::query::parse::{Dialect, parse_selector};
use crate::logs::store::{self, Retention, StoreSettings, StreamRetention};
use crate::platform::config::settings::{LogsSettings, Settings};
use crate::platform::disk::log::SyncPolicy;

/// The part of the memory budget that lines may take before they become parts; while they do, as much again is filled.
const MEMORY_PART: u64 = 16;
/// Least and most of it.
const MEMORY_BYTES: [u64; 2] = [8 << 20, 16 << 20];

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Of a length of time; none means no limit.
fn some(duration: crate::base::time::Duration) -> Option<Duration> {
    (duration.ms() > 0).then(|| duration.to_std())
}

/// How storage works.
pub(super) fn store(dir: PathBuf, settings: &Settings, clock: &SharedClock, pressure: &Pressure) -> Result<StoreSettings, String> {
    let own = &settings.logs;
    let fsync_ms = settings.storage.wal_fsync_interval.ms();
    Ok(StoreSettings {
        memory_bytes: size(memory(settings)),
        limits: limits(own),
        retention: Retention {
            period_ms: own.retention_time.ms(),
            streams: stream_retention(&own.retention_stream)?,
            bytes: own.retention_size.0,
        },
        sync: if fsync_ms <= 0 { SyncPolicy::EveryCommit } else { SyncPolicy::Interval(Duration::from_millis(fsync_ms.unsigned_abs())) },
        pressure: pressure.clone(),
        filters: Some(Arc::new(super::deletions::Filters(Arc::clone(clock)))),
        ..StoreSettings::new(dir)
    })
}

/// Reads `{env="dev"} 24h; {team="audit"} 1y`.
fn stream_retention(text: &str) -> Result<Vec<StreamRetention>, String> {
    let rules: Vec<&str> = split_outside_quotes(text).into_iter().map(str::trim).filter(|rule| !rule.is_empty()).collect();
    let count = i32::try_from(rules.len()).unwrap_or(i32::MAX);
    let read = |(at, rule): (i32, &&str)| {
        let wrong = |why: &str| format!("logs.retention_stream: {rule:?}: {why}; {{env=\"dev\"}} 24h is expected");
        let (selector, period) = rule.rsplit_once('}').ok_or_else(|| wrong("a selector is missing"))?;
        let matchers = parse_selector(&format!("{selector}}}")).map_err(|error| wrong(&error.to_string()))?;
        let period = crate::base::time::Duration::parse(period.trim()).map_err(|error| wrong(&error.to_string()))?;
        Ok(StreamRetention { matchers, priority: count - at, period_ms: period.ms() })
    };
    (0..).zip(&rules).map(read).collect()
}

/// The parts between semicolons that stand in no string.
fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut quote, mut is_escaped) = (Vec::new(), 0, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !is_escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, ';') => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        is_escaped = false;
    }
    parts.push(&text[from..]);
    parts
}

fn memory(settings: &Settings) -> u64 {
    match (settings.logs.memory.0, settings.limits.memory_budget.0) {
        (0, 0) => MEMORY_BYTES[1],
        (0, budget) => (budget / MEMORY_PART).clamp(MEMORY_BYTES[0], MEMORY_BYTES[1]),
        (set, _) => set.max(1 << 20),
    }
}

/// What storage checks itself. Doors have checked the rest, with names in their words; what they add must pass.
fn limits(own: &LogsSettings) -> store::LineLimits {
    let burst = own.per_stream_rate_limit_burst.0.max(own.per_stream_rate_limit.0);
    let one_more = |number: u64| if number == 0 { 0 } else { size(number).saturating_add(1) };
    store::LineLimits {
        too_old: some(own.reject_old_samples_max_age).filter(|_| own.reject_old_samples),
        too_new: some(own.creation_grace_period),
        too_far_behind: some(own.out_of_order_window),
        line_bytes: size(own.max_line_size.0),
        truncate: own.max_line_size_truncate,
        labels: one_more(own.max_label_names_per_series),
        label_name_bytes: size(own.max_label_name_length),
        label_value_bytes: size(own.max_label_value_length),
        fields: one_more(own.max_structured_metadata_entries_count),
        // Packed fields have lengths in them, and a level besides.
        fields_bytes: if own.max_structured_metadata_size.0 == 0 { 0 } else { size(own.max_structured_metadata_size.0 * 2 + 4096) },
        stream_bytes_per_s: own.per_stream_rate_limit.0,
        stream_burst_bytes: burst,
    }
}

/// How queries are evaluated. Each may hold an eighth of the memory budget.
pub(super) fn engine(settings: &Settings, pressure: &Pressure) -> engine::Options {
    let defaults = engine::Options::default();
    let memory_bytes_max = match settings.limits.memory_budget.0 {
        0 => defaults.memory_bytes_max,
        budget => (budget / 8).clamp(16 << 20, defaults.memory_bytes_max),
    };
    engine::Options { memory_bytes_max, dialect: Dialect::Pharos, pressure: pressure.clone(), ..defaults }
}

/// What doors check.
pub(super) fn lines(settings: &Settings) -> LineLimits {
    let own = &settings.logs;
    LineLimits {
        label_names_max: size(own.max_label_names_per_series),
        label_name_bytes_max: size(own.max_label_name_length),
        label_value_bytes_max: size(own.max_label_value_length),
        line_bytes_max: size(own.max_line_size.0),
        truncates: own.max_line_size_truncate,
        takes_fields: own.allow_structured_metadata,
        fields_max: size(own.max_structured_metadata_entries_count),
        field_bytes_max: size(own.max_structured_metadata_size.0),
        service_labels: own.discover_service_name.clone(),
        finds_levels: own.discover_log_levels,
        request_bytes_max: part_of(settings, 16, 4 << 20, REQUEST_BYTES_MAX),
        request_memory_max: part_of(settings, 8, 8 << 20, REQUEST_MEMORY_MAX),
        remembered_bytes_max: part_of(settings, 64, 1 << 20, REMEMBERED_BYTES_MAX),
        bytes_per_s: own.ingestion_rate.0,
        burst_bytes: own.ingestion_burst_size.0,
    }
}

/// What queries may ask for.
pub(super) fn queries(settings: &Settings) -> QueryLimits {
    let own = &settings.logs;
    QueryLimits {
        lines_max: size(own.max_entries_limit_per_query),
        length_max: some(own.max_query_length),
        bytes_max: own.max_query_bytes_read.0,
        timeout: own.query_timeout.to_std().min(settings.limits.query_timeout.to_std()),
        tails_max: size(own.max_concurrent_tail_requests),
    }
}

/// Several writes are unpacked at once, each to several times its length.
pub(super) fn write_bytes(settings: &Settings) -> usize {
    part_of(settings, 32, 1 << 20, WRITE_BODY_BYTES_MAX)
}

/// A part of the memory budget, but so many bytes at least and at most; without a budget, the most.
fn part_of(settings: &Settings, part: u64, least: usize, most: usize) -> usize {
    match settings.limits.memory_budget.0 {
        0 => most,
        budget => size(budget / part).clamp(least, most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_their_own_retention() {
        let rules = stream_retention("{env=\"dev\"} 24h; {team=~\"a;\\\";b\", x=\"y\"} 1y ;").unwrap();
        let shown: Vec<_> = rules.iter().map(|rule| (rule.matchers.len(), rule.priority, rule.period_ms / 3_600_000)).collect();
        assert_eq!(shown, [(1, 2, 24), (2, 1, 8760)]);
        assert!(stream_retention("").unwrap().is_empty());
        for wrong in ["24h", "{env=} 24h", "{env=\"dev\"} soon", "{env=\"dev\"}"] {
            let said = stream_retention(wrong).unwrap_err();
            assert!(said.starts_with("logs.retention_stream: ") && said.ends_with("24h is expected"), "{said}");
        }
    }

    #[test]
    fn settings_come_through() {
        let mut settings = Settings::default();
        for (name, text) in [
            ("logs.retention_time", "7d"),
            ("logs.reject_old_samples", "false"),
            ("logs.max_line_size", "1KB"),
            ("logs.max_line_size_truncate", "true"),
            ("logs.max_label_names_per_series", "5"),
            ("logs.max_query_length", "1d"),
            ("limits.memory_budget", "256MB"),
        ] {
            assert_eq!(settings.set(name, text), Ok(true), "{name}");
        }
        let clock: SharedClock = crate::base::clock::ManualClock::at(0);
        let store = store("x".into(), &settings, &clock, &Pressure::new()).unwrap();
        assert_eq!((store.retention.period_ms, store.memory_bytes), (7 * 86_400_000, 16 << 20));
        assert_eq!((store.limits.too_old, store.limits.labels, store.limits.line_bytes), (None, 6, 1024));
        assert!(lines(&settings).truncates && queries(&settings).length_max == Some(Duration::from_secs(86_400)));
        assert_eq!(write_bytes(&settings), 8 << 20);
    }

    #[test]
    fn a_budget_bounds_what_one_request_may_take() {
        let with = |budget: u64| {
            let mut settings = Settings::default();
            settings.limits.memory_budget.0 = budget;
            let lines = lines(&settings);
            [lines.request_bytes_max, lines.request_memory_max, lines.remembered_bytes_max].map(|bytes| bytes >> 10)
        };
        assert_eq!(with(0), [100 << 10, 128 << 10, 16 << 10]);
        assert_eq!(with(150 << 20), [9600, 19_200, 2400]);
        assert_eq!(with(1 << 20), [4 << 10, 8 << 10, 1 << 10]);
        assert_eq!(with(64 << 30), with(0));
    }
}
