//! `math`: `$A / $B * 100`, over numbers and series whose labels fit together.
//!
//! Meaning: <https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/expression-queries/#math>.

mod read;

use std::collections::HashMap;
use std::sync::Arc;

use self::read::{Binary, Call, Term};
use super::{Numbers, POINTS_MAX};
use crate::series::labels::{Labels, METRIC_NAME};

/// The letters that a text names; what is wrong with the text shows when it is reckoned.
pub(super) fn letters(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(term) = read::read(text) {
        term.letters(&mut found);
    }
    found
}

/// Reckons a text.
///
/// # Errors
/// In words, where it is no reckoning, or gives too much.
pub(super) fn reckon(text: &str, now: i64, of: &dyn Fn(&str) -> Vec<Numbers>) -> Result<Vec<Numbers>, String> {
    let term = read::read(text)?;
    Ok(match value(&term, of)? {
        Of::Constant(value) => vec![Numbers { times: [now].into(), values: vec![value], ..Numbers::default() }],
        Of::Set(set) => set,
    })
}

/// What a part of a reckoning is.
enum Of {
    /// A number for itself; none is one that is not there.
    Constant(Option<f64>),
    /// Numbers with labels.
    Set(Vec<Numbers>),
}

fn value(term: &Term, of: &dyn Fn(&str) -> Vec<Numbers>) -> Result<Of, String> {
    Ok(match term {
        Term::Number(value) => Of::Constant(*value),
        Term::Letter(letter) => Of::Set(of(letter)),
        Term::Call(call, inner) => each(value(inner, of)?, &|value| called(*call, value)),
        Term::Binary(binary, left, right) => {
            let (left, right) = (value(left, of)?, value(right, of)?);
            let both = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| joined(*binary, a, b));
            match (left, right) {
                (Of::Constant(a), Of::Constant(b)) => Of::Constant(both(a, b)),
                (Of::Constant(a), right) => each(right, &|b| both(a, b)),
                (left, Of::Constant(b)) => each(left, &|a| both(a, b)),
                (Of::Set(left), Of::Set(right)) => Of::Set(pairs(&left, &right, &both)?),
            }
        }
    })
}

fn each(of: Of, change: &dyn Fn(Option<f64>) -> Option<f64>) -> Of {
    match of {
        Of::Constant(value) => Of::Constant(change(value)),
        Of::Set(set) => {
            Of::Set(set.into_iter().map(|one| Numbers { values: one.values.iter().map(|value| change(*value)).collect(), ..one }).collect())
        }
    }
}

fn called(call: Call, value: Option<f64>) -> Option<f64> {
    let yes = |is: bool| Some(f64::from(u8::from(is)));
    match call {
        Call::IsNull => yes(value.is_none()),
        Call::IsNan => yes(value.is_some_and(f64::is_nan)),
        Call::IsInf => yes(value.is_some_and(f64::is_infinite)),
        Call::IsNumber => yes(value.is_some_and(f64::is_finite)),
        Call::Abs => value.map(f64::abs),
        Call::Log => value.map(f64::ln),
        Call::Round => value.map(f64::round),
        Call::Ceil => value.map(f64::ceil),
        Call::Floor => value.map(f64::floor),
        Call::Minus => value.map(|value| -value),
        Call::Not => value.map(|value| f64::from(u8::from(value == 0.0))),
    }
}

#[expect(clippy::float_cmp, reason = "who writes == asks for exactly that value")]
fn joined(binary: Binary, a: f64, b: f64) -> f64 {
    let yes = |is: bool| f64::from(u8::from(is));
    match binary {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Rest => a % b,
        Binary::Power => a.powf(b),
        Binary::Equal => yes(a == b),
        Binary::NotEqual => yes(a != b),
        Binary::Greater => yes(a > b),
        Binary::Less => yes(a < b),
        Binary::GreaterEqual => yes(a >= b),
        Binary::LessEqual => yes(a <= b),
        Binary::And => yes(a != 0.0 && b != 0.0),
        Binary::Or => yes(a != 0.0 || b != 0.0),
    }
}

/// What is reckoned of two numbers; none is one that is not there.
type Both<'a> = dyn Fn(Option<f64>, Option<f64>) -> Option<f64> + 'a;

/// Every pair whose labels fit together: equal, one holding the other, or none. A single one fits a single one.
fn pairs(left: &[Numbers], right: &[Numbers], both: &Both<'_>) -> Result<Vec<Numbers>, String> {
    let own = |all: &[Numbers]| all.iter().map(|one| without_name(&one.labels)).collect::<Vec<_>>();
    let (left_labels, right_labels) = (own(left), own(right));
    let is_single = left.len() == 1 && right.len() == 1;
    let (mut found, mut points) = (Vec::new(), 0_usize);
    for (a, a_labels) in left.iter().zip(&left_labels) {
        for (b, b_labels) in right.iter().zip(&right_labels) {
            let (labels, name) = if holds(a_labels, b_labels) {
                (a_labels, &a.name)
            } else if holds(b_labels, a_labels) || is_single {
                (b_labels, &b.name)
            } else {
                continue;
            };
            let labels = if is_single && !holds(labels, a_labels) { Labels::empty() } else { labels.clone() };
            let one = Numbers { labels, name: name.clone(), ..beside(a, b, both) };
            points = points.saturating_add(one.values.len());
            if points > POINTS_MAX {
                return Err("the expression gives too many points; reduce or sum series first".to_owned());
            }
            found.push(one);
        }
    }
    Ok(found)
}

fn without_name(labels: &Labels) -> Labels {
    Labels::from_pairs(labels.iter().filter(|(name, _)| *name != METRIC_NAME))
}

fn holds(all: &Labels, some: &Labels) -> bool {
    some.iter().all(|(name, value)| all.get(name) == Some(value))
}

/// Two series at the times that both have; a single number goes with every time.
fn beside(a: &Numbers, b: &Numbers, both: &Both<'_>) -> Numbers {
    let first = |one: &Numbers| one.values.first().copied().flatten();
    let numbers = |times: &Arc<[i64]>, values: Vec<Option<f64>>| Numbers { times: Arc::clone(times), values, ..Numbers::default() };
    if b.times.len() == 1 {
        return numbers(&a.times, a.values.iter().map(|value| both(*value, first(b))).collect());
    }
    if a.times.len() == 1 {
        return numbers(&b.times, b.values.iter().map(|value| both(first(a), *value)).collect());
    }
    if a.times == b.times {
        return numbers(&a.times, a.values.iter().zip(&b.values).map(|(a, b)| both(*a, *b)).collect());
    }
    let known: HashMap<i64, Option<f64>> = b.times.iter().copied().zip(b.values.iter().copied()).collect();
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for (time, value) in a.times.iter().zip(&a.values) {
        if let Some(other) = known.get(time) {
            times.push(*time);
            values.push(both(*value, *other));
        }
    }
    Numbers { times: times.into(), values, ..Numbers::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], values: &[f64]) -> Numbers {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let times = (0..values.len() as i64).collect();
        Numbers { name: "n".to_owned(), labels: Labels::from_pairs(labels.iter().copied()), times, values }
    }

    fn of(letter: &str) -> Vec<Numbers> {
        match letter {
            "A" => vec![series(&[("__name__", "a"), ("job", "x")], &[2.0, 4.0]), series(&[("job", "y")], &[6.0, 8.0])],
            "B" => vec![series(&[("__name__", "b"), ("job", "x"), ("i", "1")], &[1.0, 2.0]), series(&[("job", "z")], &[0.0, 0.0])],
            "total" => vec![series(&[], &[10.0])],
            "late" => vec![Numbers { times: [1, 2].into(), ..series(&[("i", "1")], &[5.0, 7.0]) }],
            "one" => vec![series(&[("dc", "x")], &[1.0, 2.0])],
            _ => Vec::new(),
        }
    }

    fn values(text: &str) -> Vec<Vec<Option<f64>>> {
        reckon(text, 9, &of).unwrap_or_else(|error| panic!("{text}: {error}")).into_iter().map(|one| one.values).collect()
    }

    #[test]
    fn constants_are_reckoned() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3 - -4", 13.0),
            ("2 ** 3 ** 2", 512.0),
            ("-2 ** 2", -4.0),
            ("7 % 4 == 3 && !(1 > 2) || 0", 1.0),
            ("1 < 2 != 0", 1.0),
            ("abs(-1.5e1) + round(2.5) + ceil(.2) + floor(1.9) + 0x10", 36.0),
            ("log(1) + is_inf(inf()) + is_nan(nan()) + is_null(null()) + is_number(4)", 4.0),
            ("is_number(infn())", 0.0),
        ] {
            assert_eq!(values(text), [[Some(expected)]], "{text}");
        }
        assert_eq!(values("null() + 1"), [[None]]);
    }

    #[test]
    fn series_meet_by_their_labels() {
        assert_eq!(values("$A / ${total} * 100"), [[Some(20.0), Some(40.0)], [Some(60.0), Some(80.0)]]);
        let found = reckon("$A - $B", 0, &of).unwrap();
        assert_eq!(found.len(), 1, "only those of x fit: {found:?}");
        assert_eq!((found[0].labels.get("i"), found[0].labels.get("__name__")), (Some("1"), None));
        assert_eq!(found[0].values, [Some(1.0), Some(2.0)]);
        assert_eq!(values("$late + $one"), [[Some(7.0)]], "at the time that both have");
        assert!(values("$A + $nobody").is_empty());
        assert_eq!(letters("$A + ${B} * abs($A)"), ["A", "B"]);
    }
}
