//! What is odd about the name of a metric, in the words of those who have to find it: `namespace_subsystem_name_unit`,
//! after <https://prometheus.io/docs/practices/naming/> and what `promtool check metrics` says.

use crate::series::labels::is_legacy_metric_name;
use crate::series::sample::MetricType;
use crate::ui::lang::key;

/// Something odd about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// Letters that older programs do not read.
    Letters,
    /// Capitals; words are parted by underscores.
    Capitals,
    /// Nothing says of which program it is.
    NoNamespace,
    /// A counter that does not end in `_total`.
    CounterWithoutTotal,
    /// Something else that does.
    TotalWithoutCounter,
    /// An ending that belongs to the series of a histogram or summary.
    ReservedEnding,
    /// Its type stands in its name.
    TypeInName,
    /// A unit that is not the base unit, such as milliseconds.
    NotBaseUnit(&'static str, &'static str),
    /// A unit that is shortened, such as `sec`.
    ShortUnit(&'static str, &'static str),
    /// Its unit, which is told, does not stand at its end.
    UnitMissing,
    /// Nobody says what it means.
    NoDescription,
}

impl std::fmt::Display for Oddity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotBaseUnit(found, base) | Self::ShortUnit(found, base) => write!(f, "{found} where {base} is usual"),
            other => f.write_str(other.words()),
        }
    }
}

impl Oddity {
    /// In plain words; those of units need the units too.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotBaseUnit(..) | Self::ShortUnit(..) => key("{} where {} is usual"),
            Self::Letters => key("letters that older programs do not read"),
            Self::Capitals => key("capitals in its name"),
            Self::NoNamespace => key("its name does not say of what it is"),
            Self::CounterWithoutTotal => key("a counter ends in _total"),
            Self::TotalWithoutCounter => key("only counters end in _total"),
            Self::ReservedEnding => key("its ending is for histograms"),
            Self::TypeInName => key("its type stands in its name"),
            Self::UnitMissing => key("its name does not end in its unit"),
            Self::NoDescription => key("nobody says what it means"),
        }
    }
}

/// Units and their base unit.
const UNITS: [(&str, &str); 18] = [
    ("milliseconds", "seconds"),
    ("microseconds", "seconds"),
    ("nanoseconds", "seconds"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kibibytes", "bytes"),
    ("mebibytes", "bytes"),
    ("gibibytes", "bytes"),
    ("bits", "bytes"),
    ("percent", "ratio"),
    ("percentage", "ratio"),
    ("fahrenheit", "celsius"),
    ("millivolts", "volts"),
    ("milliamperes", "amperes"),
];

/// Units that are shortened, and what they are whole.
const SHORT: [(&str, &str); 12] = [
    ("ms", "seconds"),
    ("us", "seconds"),
    ("ns", "seconds"),
    ("s", "seconds"),
    ("sec", "seconds"),
    ("secs", "seconds"),
    ("msec", "seconds"),
    ("b", "bytes"),
    ("kb", "bytes"),
    ("mb", "bytes"),
    ("gb", "bytes"),
    ("pct", "ratio"),
];

/// What is odd about a family: its name without the endings of a histogram's series.
pub fn oddities(name: &str, kind: MetricType, unit: &str, help: &str) -> Vec<Oddity> {
    let mut odd = Vec::new();
    if !is_legacy_metric_name(name) {
        odd.push(Oddity::Letters);
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        odd.push(Oddity::Capitals);
    }
    // What was recorded by rules is named `level:metric:operations` on purpose.
    if name.contains(':') {
        return odd;
    }
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    if words.len() < 2 && name != "up" {
        odd.push(Oddity::NoNamespace);
    }
    match (kind, name.ends_with("_total")) {
        (MetricType::Counter, false) => odd.push(Oddity::CounterWithoutTotal),
        (MetricType::Gauge | MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary, true) => {
            odd.push(Oddity::TotalWithoutCounter)
        }
        _ => {}
    }
    let has_parts = matches!(kind, MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary | MetricType::Unknown);
    if !has_parts && ["_bucket", "_count", "_sum"].iter().any(|ending| name.ends_with(ending)) {
        odd.push(Oddity::ReservedEnding);
    }
    if words.iter().any(|word| ["gauge", "counter", "histogram", "summary"].contains(word)) {
        odd.push(Oddity::TypeInName);
    }
    let unit_word = words.iter().rev().find(|word| **word != "total").copied().unwrap_or("");
    if let Some((short, whole)) = SHORT.iter().find(|(short, _)| *short == unit_word) {
        odd.push(Oddity::ShortUnit(short, whole));
    } else if let Some((found, base)) = words.iter().find_map(|word| UNITS.iter().find(|(found, _)| found == word)) {
        odd.push(Oddity::NotBaseUnit(found, base));
    } else if !unit.is_empty() && unit_word != unit {
        odd.push(Oddity::UnitMissing);
    }
    if help.trim().is_empty() {
        odd.push(Oddity::NoDescription);
    }
    odd
}

/// A name without what is odd about it, as far as that can be told from it; none if that is the same name. Of which
/// program it is nobody can tell.
pub fn better(name: &str, kind: MetricType, unit: &str) -> Option<String> {
    if name.contains(':') && is_legacy_metric_name(name) {
        return None;
    }
    let mut parted = String::with_capacity(name.len() + 8);
    let mut before = '_';
    for c in name.chars() {
        // A capital begins a word, unless it goes on with one that is all capitals.
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            parted.push('_');
        }
        parted.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    let mut words: Vec<&str> = parted.split('_').filter(|word| !word.is_empty()).collect();
    words.retain(|word| !["gauge", "counter", "histogram", "summary", "total"].contains(word));
    if kind != MetricType::Unknown && words.len() > 1 && words.last().is_some_and(|last| ["bucket", "count", "sum"].contains(last)) {
        words.pop();
    }
    let last = words.last().copied().unwrap_or("");
    if let Some((_, whole)) = SHORT.iter().find(|(short, _)| *short == last) {
        words.pop();
        words.push(whole);
    }
    for word in &mut words {
        if let Some((_, base)) = UNITS.iter().find(|(found, _)| found == word) {
            *word = base;
        }
    }
    if !unit.is_empty() && UNITS.iter().chain(&SHORT).all(|(found, _)| *found != unit) && words.last() != Some(&unit) {
        words.retain(|word| *word != unit);
        words.push(unit);
    }
    if kind == MetricType::Counter || (kind == MetricType::Unknown && name.ends_with("_total")) {
        words.push("total");
    }
    let better = words.join("_");
    (is_legacy_metric_name(&better) && better != name).then_some(better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_find_have_nothing_odd() {
        for (name, kind, unit) in [
            ("http_requests_total", MetricType::Counter, ""),
            ("node_memory_free_bytes", MetricType::Gauge, "bytes"),
            ("http_request_duration_seconds", MetricType::Histogram, "seconds"),
            ("process_cpu_seconds_total", MetricType::Counter, "seconds"),
            ("up", MetricType::Gauge, ""),
            ("job:requests:rate5m", MetricType::Unknown, ""),
            ("cache_hit_ratio", MetricType::Gauge, "ratio"),
        ] {
            assert!(oddities(name, kind, unit, "Help.").is_empty(), "{name}: {:?}", oddities(name, kind, unit, "Help."));
        }
    }

    #[test]
    fn better_names_have_nothing_odd_but_their_program() {
        for (name, kind, unit, expected) in [
            ("http_requests_total", MetricType::Counter, "", None),
            ("http_request_duration_seconds", MetricType::Histogram, "seconds", None),
            ("job:requests:rate5m", MetricType::Unknown, "", None),
            ("http.requests", MetricType::Unknown, "", Some("http_requests")),
            ("httpRequests_total", MetricType::Counter, "", Some("http_requests_total")),
            ("node_memory_MemAvailable_bytes", MetricType::Gauge, "", Some("node_memory_mem_available_bytes")),
            ("app_requests", MetricType::Counter, "", Some("app_requests_total")),
            ("app_users_total", MetricType::Gauge, "", Some("app_users")),
            ("app_users_gauge", MetricType::Gauge, "", Some("app_users")),
            ("app_users_count", MetricType::Gauge, "", Some("app_users")),
            ("app_request_duration_milliseconds", MetricType::Histogram, "", Some("app_request_duration_seconds")),
            ("app_latency_ms", MetricType::Gauge, "", Some("app_latency_seconds")),
            ("app_cpu_sec_total", MetricType::Counter, "", Some("app_cpu_seconds_total")),
            ("app_size", MetricType::Gauge, "bytes", Some("app_size_bytes")),
        ] {
            let found = better(name, kind, unit);
            assert_eq!(found.as_deref(), expected, "{name}");
            if let Some(found) = found {
                assert_eq!(oddities(&found, kind, unit, "Help."), [], "{found}");
            }
        }
        assert_eq!(better("42", MetricType::Gauge, ""), None, "a name does not begin with a digit");
    }

    #[test]
    fn each_oddity_is_found() {
        for (name, kind, unit, expected) in [
            ("http.requests", MetricType::Unknown, "", Oddity::Letters),
            ("httpRequests_total", MetricType::Counter, "", Oddity::Capitals),
            ("requests", MetricType::Unknown, "", Oddity::NoNamespace),
            ("app_requests", MetricType::Counter, "", Oddity::CounterWithoutTotal),
            ("app_users_total", MetricType::Gauge, "", Oddity::TotalWithoutCounter),
            ("app_users_count", MetricType::Gauge, "", Oddity::ReservedEnding),
            ("app_users_gauge", MetricType::Gauge, "", Oddity::TypeInName),
            ("app_request_duration_milliseconds", MetricType::Histogram, "", Oddity::NotBaseUnit("milliseconds", "seconds")),
            ("task_completion_duration_hours", MetricType::Histogram, "", Oddity::NotBaseUnit("hours", "seconds")),
            ("app_latency_ms", MetricType::Gauge, "", Oddity::ShortUnit("ms", "seconds")),
            ("app_cpu_sec_total", MetricType::Counter, "", Oddity::ShortUnit("sec", "seconds")),
            ("app_cpu_percent", MetricType::Gauge, "", Oddity::NotBaseUnit("percent", "ratio")),
            ("app_size", MetricType::Gauge, "bytes", Oddity::UnitMissing),
        ] {
            let found = oddities(name, kind, unit, "Help.");
            assert!(found.contains(&expected), "{name}: {found:?}");
        }
        assert_eq!(oddities("app_users", MetricType::Gauge, "", " "), [Oddity::NoDescription]);
    }
}
