//! What a query's result measures, guessed from names and functions: metrics carry their unit in their name.

use crate::ui::format::Unit;

/// Functions that make a rate by the second out of a counter.
const RATES: [&str; 3] = ["rate", "irate", "deriv"];
/// Functions whose result has nothing to do with the unit of what goes in.
const UNITLESS: [&str; 8] = ["count", "absent", "absent_over_time", "count_over_time", "changes", "resets", "count_values", "group"];

/// The unit of a query's result, or the plain one when nothing is clear.
pub fn guess(query: &str) -> Unit {
    let words = words(query);
    let function = |list: &[&str]| words.iter().any(|(word, called)| *called && list.contains(word));
    let Some((outermost, called)) = words.first() else { return Unit::Short };
    if *called && UNITLESS.contains(outermost) {
        return Unit::Short;
    }
    let outside = outside_brackets(query);
    let mut units = words.iter().filter(|(word, called)| !called && !is_keyword(word)).map(|(word, _)| of_name(word));
    let Some(first) = units.next() else { return Unit::Short };
    let alike = units.all(|unit| unit == first);
    if outside.contains(" bool ") || outside.contains("==") {
        return Unit::Short;
    }
    if outside.contains('/') {
        return match (first, function(&RATES)) {
            // The mean of a histogram: seconds a second over observations a second.
            (Unit::Seconds | Unit::Bytes, _) if query.contains("_sum") && query.contains("_count") => first,
            (unit, _) if alike && unit != Unit::Short => Unit::Ratio,
            _ => Unit::Short,
        };
    }
    if !alike {
        return Unit::Short;
    }
    if function(&["histogram_quantile", "histogram_avg", "histogram_stddev"]) {
        return first;
    }
    match (first, function(&RATES)) {
        (Unit::Bytes, true) => Unit::BytesPerSecond,
        // Seconds spent a second is a share of time.
        (Unit::Seconds, true) if !query.contains("_bucket") => Unit::Ratio,
        (_, true) => Unit::PerSecond,
        (unit, false) => unit,
    }
}

/// The unit of what all of some queries give; none where they differ or nothing is clear.
pub fn shared<Q: AsRef<str>>(queries: &[Q]) -> Option<Unit> {
    let mut guesses = queries.iter().map(|query| guess(query.as_ref()));
    let first = guesses.next().unwrap_or_default();
    (first != Unit::Short && guesses.all(|unit| unit == first)).then_some(first)
}

/// The unit that a metric's name ends in.
pub fn of_name(name: &str) -> Unit {
    let stem = ["_total", "_sum", "_bucket", "_count", "_created"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if name.ends_with("_count") || name.ends_with("_info") {
        return Unit::Short;
    }
    match stem.rsplit('_').next().unwrap_or("") {
        "seconds" => Unit::Seconds,
        "milliseconds" | "ms" => Unit::Millis,
        "bytes" => Unit::Bytes,
        "ratio" => Unit::Ratio,
        "percent" => Unit::Percent,
        "celsius" => Unit::Celsius,
        "hertz" => Unit::Hertz,
        _ => Unit::Short,
    }
}

/// Identifiers outside of quotes and braces, with whether a parenthesis follows.
fn words(query: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut depth = 0usize;
    let mut quote: Option<char> = None;
    for (at, c) in query.char_indices().chain([(query.len(), ' ')]) {
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        let part = c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if part && start.is_none() && !c.is_ascii_digit() && depth == 0 && !query[..at].ends_with(|c: char| c.is_ascii_digit()) {
            start = Some(at);
        }
        if !part && let Some(from) = start.take() {
            found.push((&query[from..at], query[at..].trim_start().starts_with('(')));
        }
        match c {
            '"' | '\'' | '`' => quote = Some(c),
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// The text without what stands in quotes, braces and brackets.
fn outside_brackets(query: &str) -> String {
    let mut depth = 0usize;
    query
        .chars()
        .filter(|c| {
            match c {
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

/// Words of the language, and label names after `by` and friends, which carry no unit. They are seen as called
/// only when a parenthesis follows, so they are left out by name.
fn is_keyword(word: &str) -> bool {
    const WORDS: [&str; 14] =
        ["by", "without", "on", "ignoring", "group_left", "group_right", "offset", "and", "or", "unless", "bool", "inf", "nan", "atan2"];
    WORDS.contains(&word) || !word.contains(['_', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_names_and_functions() {
        for (query, unit) in [
            ("node_memory_MemAvailable_bytes", Unit::Bytes),
            ("rate(node_network_receive_bytes_total{device!=\"lo\"}[5m])", Unit::BytesPerSecond),
            ("sum by (mode) (rate(node_cpu_seconds_total[5m]))", Unit::Ratio),
            ("rate(http_requests_total[5m])", Unit::PerSecond),
            ("histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", Unit::Seconds),
            ("rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])", Unit::Seconds),
            ("node_memory_MemFree_bytes / node_memory_MemTotal_bytes", Unit::Ratio),
            ("count(node_memory_MemFree_bytes)", Unit::Short),
            ("up", Unit::Short),
            ("up == 0", Unit::Short),
            ("", Unit::Short),
            ("1 + 1", Unit::Short),
            ("scrape_duration_seconds", Unit::Seconds),
            ("{\"é\"", Unit::Short),
            ("avg_over_time(node_hwmon_temp_celsius[1h])", Unit::Celsius),
        ] {
            assert_eq!(guess(query), unit, "{query}");
        }
    }
}
