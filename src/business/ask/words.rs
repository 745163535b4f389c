//! Words of a query that stand for the period and the segment.

use std::ops::Range;

/// A length of time as PromQL and LogQL write it.
fn length(within: &Range<i64>) -> String {
    let ms = (within.end - within.start).max(1);
    if ms % 1_000 == 0 { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

/// A query of PromQL or LogQL for a length of time, split by a label or not: `$period` (and `$__range`) is how long that
/// is, `$segment` the label or nothing, so that `sum by ($segment) (…)` is valid either way.
pub(super) fn query(text: &str, within: &Range<i64>, label: Option<&str>) -> String {
    let length = length(within);
    let text = text.replace("$period", &length).replace("$__range", &length);
    match label {
        Some(label) => text.replace("$segment", label),
        None => without_segment(&text),
    }
}

/// The label and the comma beside it, if there is one, are left out.
fn without_segment(text: &str) -> String {
    const WORD: &str = "$segment";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(WORD) {
        out.push_str(&rest[..at]);
        rest = &rest[at + WORD.len()..];
        let after = rest.trim_start();
        if let Some(next) = after.strip_prefix(',') {
            rest = next.trim_start();
        } else if out.trim_end().ends_with(',') {
            out.truncate(out.trim_end().len() - 1);
        }
    }
    out.push_str(rest);
    out
}

/// A query of SQL whose ends of the period are its first two parameters, split by a column or not.
pub(super) fn sql(text: &str, label: Option<&str>) -> String {
    let column = label.map_or_else(|| "(NULL::text)".to_owned(), |label| format!("\"{label}\""));
    let text = text.trim().trim_end_matches(';');
    text.replace("$from", "($1::timestamptz)").replace("$until", "($2::timestamptz)").replace("$segment", &column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_the_period_and_the_segment() {
        let day = 0..82_800_000;
        let of = |text: &str, label| query(text, &day, label);
        assert_eq!(of("sum by ($segment) (increase(a[$period]))", Some("plan")), "sum by (plan) (increase(a[82800s]))");
        assert_eq!(of("sum by ($segment) (increase(a[$__range]))", None), "sum by () (increase(a[82800s]))");
        assert_eq!(of("sum by (le, $segment) (a)", None), "sum by (le) (a)");
        assert_eq!(of("sum by ($segment, le) (a) / sum by ( le ,$segment, x) (b)", None), "sum by (le) (a) / sum by ( le ,x) (b)");
        assert_eq!(query("a[$period]", &(0..1_500), None), "a[1500ms]");
    }

    #[test]
    fn ends_of_the_period_are_parameters() {
        let text = "select $segment as segment, count(*) as value from orders where at >= $from and at < $until group by 1;";
        let told = sql(text, Some("plan"));
        assert_eq!(
            told,
            "select \"plan\" as segment, count(*) as value from orders where at >= ($1::timestamptz) and at < ($2::timestamptz) group by 1"
        );
        assert!(sql(text, None).starts_with("select (NULL::text) as segment"));
    }
}
