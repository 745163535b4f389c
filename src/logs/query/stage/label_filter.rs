//! `| level="error" and status >= 500`: which lines pass, told from their labels.

use super::ip::has_address;
use super::row::{self, Row};
use crate::logs::query::ast::{CompareOp, LabelFilter, LabelFilterKind};
use crate::logs::query::convert::{parse_bytes, parse_duration, parse_float};

/// What is set when a label is no number, duration or size where one is compared. Such a line passes.
pub(crate) const ERROR: &str = "LabelFilterErr";

/// Whether a line passes.
pub(crate) fn passes(filter: &LabelFilter, row: &mut Row) -> bool {
    // Nobody knows what a missing label would have said: the line passes with its error, as one that cannot be compared.
    if row.is_cut() && !looks_at_error(filter) {
        return true;
    }
    match &filter.kind {
        LabelFilterKind::Text(matcher) => matcher.matches(row.text_of(&matcher.name)),
        LabelFilterKind::Number { label, op, value } => compare(label, *op, *value, parse_float, row),
        LabelFilterKind::Duration { label, op, nanos } => compare(label, *op, *nanos, parse_duration, row),
        LabelFilterKind::Bytes { label, op, bytes } => compare(label, *op, *bytes, parse_bytes, row),
        LabelFilterKind::Ip { label, negative, pattern } => {
            // With an error only text filters can tell lines apart.
            if !row.error().is_empty() {
                return true;
            }
            row.get(label).is_some_and(|value| has_address(value.as_bytes(), pattern) != *negative)
        }
        LabelFilterKind::All(filters) => all_pass(filters, row),
        LabelFilterKind::Any(filters) => filters.iter().any(|filter| passes(filter, row)),
    }
}

fn looks_at_error(filter: &LabelFilter) -> bool {
    match &filter.kind {
        LabelFilterKind::Text(matcher) => matches!(&*matcher.name, row::ERROR | row::ERROR_DETAILS),
        LabelFilterKind::All(filters) | LabelFilterKind::Any(filters) => filters.iter().any(looks_at_error),
        _ => false,
    }
}

/// Whether a line passes all filters. Each is looked at, since each may set an error.
pub(crate) fn all_pass(filters: &[LabelFilter], row: &mut Row) -> bool {
    let mut all = true;
    for filter in filters {
        all &= passes(filter, row);
    }
    all
}

fn compare<T: PartialOrd>(label: &str, op: CompareOp, with: T, read: fn(&str) -> Result<T, String>, row: &mut Row) -> bool {
    let Some(text) = row.get(label) else { return false };
    match read(text) {
        Ok(value) => op.holds(value, with),
        Err(details) => {
            // An earlier error says more.
            if row.error().is_empty() {
                row.set_error(ERROR, &details);
            }
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::query::ast::{IpPattern, Span};
    use crate::series::labels::Labels;
    use crate::series::matcher::{MatchOp, Matcher};

    fn filter(kind: LabelFilterKind) -> LabelFilter {
        LabelFilter { kind, span: Span::default() }
    }

    fn row() -> Row {
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("n", "5"), ("took", "1.5s"), ("size", "2KB"), ("bad", "x"), ("addr", "10.0.0.9")]));
        row.begin(b"");
        row
    }

    fn number(label: &str, op: CompareOp, value: f64) -> LabelFilter {
        filter(LabelFilterKind::Number { label: label.into(), op, value })
    }

    #[test]
    fn kinds_compare() {
        let net = IpPattern { text: "".into(), first: "10.0.0.0".parse().unwrap(), last: "10.0.0.255".parse().unwrap() };
        for (kind, expected) in [
            (number("n", CompareOp::Ge, 5.0).kind, true),
            (number("n", CompareOp::Ne, 5.0).kind, false),
            (number("none", CompareOp::Ne, 5.0).kind, false),
            (LabelFilterKind::Duration { label: "took".into(), op: CompareOp::Gt, nanos: 1_000_000_000 }, true),
            (LabelFilterKind::Bytes { label: "size".into(), op: CompareOp::Lt, bytes: 2000 }, false),
            (LabelFilterKind::Ip { label: "addr".into(), negative: false, pattern: net.clone() }, true),
            (LabelFilterKind::Ip { label: "addr".into(), negative: true, pattern: net.clone() }, false),
            (LabelFilterKind::Ip { label: "none".into(), negative: true, pattern: net }, false),
            (LabelFilterKind::Text(Matcher::new("none", MatchOp::NotEqual, "x").unwrap()), true),
            (LabelFilterKind::Text(Matcher::new("n", MatchOp::Regex, "[4-6]").unwrap()), true),
            (LabelFilterKind::All(vec![number("n", CompareOp::Gt, 4.0), number("n", CompareOp::Lt, 5.0)]), false),
            (LabelFilterKind::Any(vec![number("n", CompareOp::Gt, 5.0), number("n", CompareOp::Eq, 5.0)]), true),
        ] {
            let shown = format!("{kind:?}");
            let mut row = row();
            assert_eq!(passes(&filter(kind), &mut row), expected, "{shown}");
            assert_eq!(row.error(), "", "{shown}");
        }
    }

    #[test]
    fn what_cannot_be_read_passes_with_an_error() {
        let mut row = row();
        assert!(passes(&number("bad", CompareOp::Gt, 1.0), &mut row));
        assert_eq!((row.error(), row.details()), (ERROR, "strconv.ParseFloat: parsing \"x\": invalid syntax"));
        assert!(passes(&filter(LabelFilterKind::Text(Matcher::equal("__error__", ERROR))), &mut row));
        assert!(passes(&filter(LabelFilterKind::Text(Matcher::equal("__error_details__", ""))), &mut row));
        row.set_error("JSONParserErr", "first");
        let nanos = LabelFilterKind::Duration { label: "n".into(), op: CompareOp::Gt, nanos: 1 };
        assert!(passes(&filter(nanos), &mut row));
        assert_eq!((row.error(), row.details()), ("JSONParserErr", "first"));
    }
}
