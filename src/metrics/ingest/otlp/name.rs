//! Names and units of OpenTelemetry as names of Prometheus: the four strategies of `otlp.translation_strategy`.

use crate::metrics::model::config::OtlpTranslation;

/// Words of units, by their UCUM code. 1 has none.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// The same for what stands behind "per".
const PER_UNITS: [(&str, &str); 7] =
    [("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// What kind of metric it is, as far as its name depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sum that only grows.
    Counter,
    /// A gauge.
    Gauge,
    /// Anything else.
    Other,
}

/// The name of a metric, or why there is none.
pub(super) fn metric_name(name: &str, unit: &str, kind: Kind, strategy: OtlpTranslation) -> Result<String, String> {
    let built = match strategy {
        OtlpTranslation::UnderscoreEscapingWithSuffixes => with_suffixes(name, unit, kind),
        OtlpTranslation::UnderscoreEscapingWithoutSuffixes => escaped(name),
        OtlpTranslation::NoUtf8EscapingWithSuffixes => unescaped_with_suffixes(name, unit, kind),
        OtlpTranslation::NoTranslation => name.to_owned(),
    };
    if built.is_empty() {
        return Err(format!("of the metric name {name:?} nothing is left as a name of Prometheus"));
    }
    if built != name && built.bytes().all(|byte| byte == b'_') {
        return Err(format!("of the metric name {name:?} only underscores are left as a name of Prometheus"));
    }
    Ok(built)
}

/// The unit in words, such as `bytes_per_second`.
pub(super) fn unit_name(unit: &str) -> String {
    let (main, per) = suffixes(unit);
    let (main, per) = (clean(&main), clean(&per));
    let whole = match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{main}_{per}"),
        (false, true) => main,
        (true, _) => per,
    };
    let whole = whole.strip_prefix('_').unwrap_or(&whole);
    whole.strip_suffix('_').unwrap_or(whole).to_owned()
}

const fn is_kept(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// The words of a name between characters that no name has, with the unit, `total` and `ratio` where they belong.
fn with_suffixes(name: &str, unit: &str, kind: Kind) -> String {
    let (main, per) = suffixes(unit);
    let (mut main, mut per) = (clean(&main), clean(&per));
    let mut words: Vec<&str> = name.split(|c| !is_kept(c)).filter(|word| !word.is_empty()).collect();
    if words.contains(&main.as_str()) {
        main.clear();
    }
    if per == "per_" {
        per.clear();
    } else if per.ends_with('_') {
        per.pop();
    }
    if words.contains(&per.as_str()) {
        per.clear();
    }
    if !per.is_empty() && main.ends_with('_') {
        main.pop();
    }
    words.extend([main.as_str(), per.as_str()].into_iter().filter(|word| !word.is_empty()));
    let last = match kind {
        Kind::Counter => Some("total"),
        // Only gauges: many count things in the unit 1.
        Kind::Gauge if unit == "1" => Some("ratio"),
        Kind::Gauge | Kind::Other => None,
    };
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    guarded(words.join("_"))
}

/// The name with what no name has replaced.
fn escaped(name: &str) -> String {
    let parts: Vec<&str> = name.split(|c| !is_kept(c) && c != '_').filter(|part| !part.is_empty()).collect();
    guarded(parts.join("_"))
}

/// No digit comes first.
fn guarded(mut name: String) -> String {
    if name.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        name.insert(0, '_');
    }
    name
}

/// The name as it is, with unit and kind at its end unless they are there already.
fn unescaped_with_suffixes(name: &str, unit: &str, kind: Kind) -> String {
    // What goes is the suffix with the character before it.
    let without = |name: &mut String, suffix: &str| {
        let kept = name.len().saturating_sub(suffix.len() + 1);
        if kept > 0 && name.ends_with(suffix) && name.is_char_boundary(kept) {
            name.truncate(kept);
        }
    };
    let (main, per) = suffixes(unit);
    let is_ratio = unit == "1" && kind == Kind::Gauge;
    let is_total = kind == Kind::Counter;
    let mut name = name.to_owned();
    for (applies, suffix) in [(is_ratio, "ratio"), (is_total, "total"), (!per.is_empty(), per.as_str())] {
        if applies {
            without(&mut name, suffix);
        }
    }
    if !main.is_empty() && !name.ends_with(&main) {
        name = format!("{name}_{main}");
    }
    for (applies, suffix) in [(!per.is_empty(), per.as_str()), (is_total, "total"), (is_ratio, "ratio")] {
        if applies {
            name.push('_');
            name.push_str(suffix);
        }
    }
    name
}

/// What a unit such as `By/s` adds to a name: `bytes`, `per_second`. Annotations in braces add nothing.
fn suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |unit: &str, known: &[(&str, &str)]| {
        let unit = unit.trim();
        if unit.contains(['{', '}']) {
            return String::new();
        }
        known.iter().find(|(code, _)| *code == unit).map_or(unit, |(_, word)| word).to_owned()
    };
    let (main, per) = (word(main, &UNITS), word(per, &PER_UNITS));
    let per = if per.is_empty() { per } else { format!("per_{per}") };
    (main, per)
}

/// A unit in characters of names, without runs of underscores and without one at the front.
fn clean(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for c in unit.chars() {
        let c = if is_kept(c) { c } else { '_' };
        if c != '_' || !(out.is_empty() || out.ends_with('_')) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use Kind::{Counter, Gauge, Other};
    use OtlpTranslation::{NoTranslation, NoUtf8EscapingWithSuffixes, UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes};

    use super::*;

    /// Names as upstream's translator makes them.
    #[test]
    fn names_are_those_of_upstream() {
        for (name, unit, kind, expected) in [
            ("requests", "", Counter, "requests_total"),
            ("cpu_usage", "1", Gauge, "cpu_usage_ratio"),
            ("items", "1", Counter, "items_total"),
            ("response_time", "ms", Gauge, "response_time_milliseconds"),
            ("memory_usage", "By", Gauge, "memory_usage_bytes"),
            ("requests", "1/s", Gauge, "requests_per_second"),
            ("throughput", "By/s", Gauge, "throughput_bytes_per_second"),
            ("custom_metric", "custom_unit", Gauge, "custom_metric_custom_unit"),
            ("custom_metric", "{custom}", Gauge, "custom_metric"),
            ("custom_metric", "By/{custom}", Gauge, "custom_metric_bytes"),
            ("requests_total", "", Counter, "requests_total"),
            ("cpu_usage_ratio", "1", Gauge, "cpu_usage_ratio"),
            ("response_time_seconds", "s", Gauge, "response_time_seconds"),
            ("system.io", "foo/bar", Counter, "system_io_foo_per_bar_total"),
            ("system.network.io", "By", Counter, "system_network_io_bytes_total"),
            ("http.server.request.duration", "s", Other, "http_server_request_duration_seconds"),
            ("a.b..c___d", "", Other, "a_b_c_d"),
            ("3.14 digits", "", Gauge, "_3_14_digits"),
            ("envoy:upstream.rq", "", Counter, "envoy:upstream_rq_total"),
            ("total.count.total", "", Counter, "count_total"),
            ("disk", "KiBy/m", Other, "disk_kibibytes_per_minute"),
            ("speed", "m/s", Other, "speed_meters_per_second"),
            ("temperature", "°C", Gauge, "temperature_C"),
            ("usage", "%", Gauge, "usage_percent"),
            ("broken", "By/", Gauge, "broken_bytes"),
            ("broken", "/s", Gauge, "broken_per_second"),
            ("unsupported", "_", Gauge, "unsupported"),
            ("per.day", "1/d", Gauge, "per_day_per_day"),
        ] {
            assert_eq!(metric_name(name, unit, kind, UnderscoreEscapingWithSuffixes).as_deref(), Ok(expected), "{name} {unit}");
        }
        for (name, expected) in [
            ("simple_metric", "simple_metric"),
            ("metric@with#special$chars", "metric_with_special_chars"),
            ("metric@@##$$name", "metric_name"),
            ("123metric", "_123metric"),
            ("___", "___"),
        ] {
            assert_eq!(metric_name(name, "s", Counter, UnderscoreEscapingWithoutSuffixes).as_deref(), Ok(expected), "{name}");
        }
        for (name, unit, kind, expected) in [
            ("requests_total", "", Counter, "requests_total"),
            ("cpu.usage", "1", Gauge, "cpu.usage_ratio"),
            ("cpu_usage_ratio", "1", Gauge, "cpu_usage_ratio"),
            ("cpu_seconds_total", "s", Counter, "cpu_seconds_total"),
            ("otelcol_process_cpu_seconds", "s", Counter, "otelcol_process_cpu_seconds_total"),
            ("http.größe", "By/s", Counter, "http.größe_bytes_per_second_total"),
            ("total", "", Counter, "total_total"),
        ] {
            assert_eq!(metric_name(name, unit, kind, NoUtf8EscapingWithSuffixes).as_deref(), Ok(expected), "{name} {unit}");
        }
        assert_eq!(metric_name("http.größe", "By", Counter, NoTranslation).as_deref(), Ok("http.größe"));
    }

    #[test]
    fn names_of_which_nothing_is_left_are_refused() {
        assert!(metric_name("", "", Other, NoTranslation).is_err());
        assert!(metric_name("@#$%", "", Gauge, UnderscoreEscapingWithoutSuffixes).unwrap_err().contains("nothing is left"));
        assert!(metric_name("@_#_$_%", "", Gauge, UnderscoreEscapingWithoutSuffixes).unwrap_err().contains("only underscores"));
    }

    #[test]
    fn units_are_words() {
        for (unit, expected) in
            [("s", "seconds"), ("By/s", "bytes_per_second"), ("1/s", "per_second"), ("1", ""), ("{x}", ""), ("a b", "a_b"), ("__x__", "x")]
        {
            assert_eq!(unit_name(unit), expected, "{unit}");
        }
    }
}
