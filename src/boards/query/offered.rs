//! From what a query or a list gives to the choices of a variable: regular expression, order, and what is chosen of them.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::choices::Choice;
use super::variables::{ALL, CHOICES_MAX};
use crate::boards::model::{Sort, Variable};

/// Largest program of a regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// `/…/flags`, or an expression alone.
///
/// # Errors
/// In words.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    let (pattern, flags) = match text.strip_prefix('/').and_then(|inner| inner.rsplit_once('/')) {
        Some((pattern, flags)) if flags.chars().all(|flag| flag.is_ascii_lowercase()) => (pattern, flags),
        _ => (text, ""),
    };
    // What is escaped because it stood between slashes.
    let pattern = pattern.replace("\\/", "/");
    RegexBuilder::new(&pattern)
        .case_insensitive(flags.contains('i'))
        .dot_matches_new_line(flags.contains('s'))
        .multi_line(flags.contains('m'))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("the regular expression {pattern} cannot be used: {reason}")
        })
}

/// What a regular expression makes of choices: named groups `text` and `value` are taken, else the first group, else
/// those that match stay.
pub(super) fn picked(choices: Vec<Choice>, regex: &Regex) -> Vec<Choice> {
    let mut out = Vec::new();
    for choice in choices {
        let matches: Vec<regex::Captures<'_>> = regex.captures_iter(&choice.text).take(CHOICES_MAX).collect();
        let named = |name: &str| matches.iter().find_map(|one| one.name(name)).map(|found| found.as_str().to_owned());
        let (value, text) = (named("value"), named("text"));
        if value.is_some() || text.is_some() {
            let value = value.or_else(|| text.clone()).unwrap_or_default();
            out.push(Choice { text: text.unwrap_or_else(|| value.clone()), value });
        } else if matches.first().is_some_and(|first| first.len() > 1) {
            out.extend(matches.iter().filter_map(|one| one.get(1)).map(|group| Choice::plain(group.as_str())));
        } else if !matches.is_empty() {
            out.push(choice);
        }
        if out.len() > CHOICES_MAX {
            break;
        }
    }
    out
}

/// Each value once, in the order that is asked for, at most [`CHOICES_MAX`].
pub(super) fn ordered(mut choices: Vec<Choice>, sort: Sort) -> Vec<Choice> {
    let mut seen = std::collections::HashSet::new();
    choices.retain(|choice| seen.insert(choice.value.clone()));
    match sort {
        Sort::AsGiven => {}
        Sort::TextUp | Sort::TextDown => choices.sort_by(|a, b| a.text.cmp(&b.text)),
        Sort::NumberUp | Sort::NumberDown => choices.sort_by(|a, b| first_number(&a.text).total_cmp(&first_number(&b.text))),
        Sort::TextUpAnyCase | Sort::TextDownAnyCase => choices.sort_by_cached_key(|one| one.text.to_lowercase()),
        Sort::NaturalUp | Sort::NaturalDown => choices.sort_by(|a, b| natural(&a.text, &b.text)),
    }
    if matches!(sort, Sort::TextDown | Sort::NumberDown | Sort::TextDownAnyCase | Sort::NaturalDown) {
        choices.reverse();
    }
    choices.truncate(CHOICES_MAX);
    choices
}

/// The first number in a text; texts without one come first.
fn first_number(text: &str) -> f64 {
    let digits = text.find(|c: char| c.is_ascii_digit()).map(|at| &text[at..]);
    let digits = digits.map(|rest| &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())]);
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(-1.0)
}

/// Numbers in texts compare as numbers, letters without regard to case.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let run = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (m, n) = (run(a), run(b));
            let (p, q) = (a[..m].trim_start_matches('0'), b[..n].trim_start_matches('0'));
            match p.len().cmp(&q.len()).then_with(|| p.cmp(q)) {
                Ordering::Equal => (a, b) = (&a[m..], &b[n..]),
                other => return other,
            }
        } else {
            match x.to_lowercase().cmp(y.to_lowercase()) {
                Ordering::Equal => (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]),
                other => return other,
            }
        }
    }
}

/// `a, b, key : value` with `\,` for a comma in a value.
pub(super) fn list(query: &str) -> Vec<Choice> {
    let mut parts = vec![String::new()];
    let mut chars = query.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&',') => parts.last_mut().into_iter().for_each(|part| part.extend(chars.next())),
            ',' => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    let one = |part: &String| match part.split_once(" : ") {
        Some((text, value)) if !text.trim().is_empty() => Choice { text: text.trim().to_owned(), value: value.trim().to_owned() },
        _ => Choice::plain(part.trim()),
    };
    parts.iter().map(one).filter(|choice| !choice.text.is_empty()).take(CHOICES_MAX).collect()
}

/// What of the choices is chosen, and whether that is all of them.
///
/// `given` is what the URL says, `None` where it says nothing; then what the dashboard says holds. What is not offered
/// (any more) falls away; a pattern written by hand (`web.*`, `a|b`) stays. Where nothing is left, it is all or the first.
pub(super) fn chosen(variable: &Variable, choices: &[Choice], given: Option<&[String]>) -> (Vec<Choice>, bool) {
    let wanted = given.unwrap_or(&variable.current);
    if variable.has_all && wanted.iter().any(|one| one == ALL || one == "All") {
        return (choices.to_vec(), true);
    }
    let find = |wanted: &String| {
        let found = choices.iter().find(|one| one.value == *wanted).or_else(|| choices.iter().find(|one| one.text == *wanted));
        let is_pattern = given.is_some() && (wanted.contains(".*") || wanted.contains(".+") || wanted.contains('|'));
        let is_kept = is_pattern || (given.is_some() && choices.is_empty());
        found.cloned().or_else(|| is_kept.then(|| Choice::plain(wanted)))
    };
    let mut kept: Vec<Choice> = Vec::new();
    for choice in wanted.iter().filter_map(find) {
        if !kept.contains(&choice) {
            kept.push(choice);
        }
    }
    if !variable.is_multi {
        kept.truncate(1);
    }
    match (kept.is_empty(), variable.has_all) {
        (false, _) => (kept, false),
        (true, true) if given.is_none_or(|given| given.iter().any(|one| !one.is_empty())) => (choices.to_vec(), true),
        (true, true) => (Vec::new(), false),
        (true, false) => (choices.first().cloned().into_iter().collect(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(texts: &[&str]) -> Vec<Choice> {
        texts.iter().map(|text| Choice::plain(*text)).collect()
    }

    fn values(choices: &[Choice]) -> Vec<&str> {
        choices.iter().map(|one| one.value.as_str()).collect()
    }

    #[test]
    fn regular_expressions_pick_and_cut() {
        for (pattern, given, expected) in [
            ("/web/", vec!["web1", "db"], vec![("web1", "web1")]),
            ("^WEB/", vec!["web1"], vec![]),
            ("/WEB(\\d)/i", vec!["web1", "db"], vec![("1", "1")]),
            ("/(?<text>\\w+):(?<value>\\d+)/", vec!["a:1", "b"], vec![("a", "1")]),
            ("/(?<value>\\d+)/", vec!["a1"], vec![("1", "1")]),
            ("/(\\w)\\//", vec!["a/b/c"], vec![("a", "a"), ("b", "b")]),
        ] {
            let found = picked(plain(&given), &regex(pattern).unwrap());
            let found: Vec<(&str, &str)> = found.iter().map(|one| (one.text.as_str(), one.value.as_str())).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        assert!(regex("/(?=x)/").unwrap_err().contains("cannot be used: look-around"));
        assert!(regex("(").unwrap_err().contains("unclosed group"));
    }

    #[test]
    fn choices_stand_in_order_each_once() {
        for (sort, expected) in [
            (Sort::AsGiven, vec!["b10", "B2", "a", "b9"]),
            (Sort::TextUp, vec!["B2", "a", "b10", "b9"]),
            (Sort::TextDown, vec!["b9", "b10", "a", "B2"]),
            (Sort::NumberUp, vec!["a", "B2", "b9", "b10"]),
            (Sort::NumberDown, vec!["b10", "b9", "B2", "a"]),
            (Sort::TextUpAnyCase, vec!["a", "b10", "B2", "b9"]),
            (Sort::NaturalUp, vec!["a", "B2", "b9", "b10"]),
            (Sort::NaturalDown, vec!["b10", "b9", "B2", "a"]),
        ] {
            assert_eq!(values(&ordered(plain(&["b10", "B2", "a", "b9", "b10"]), sort)), expected, "{sort:?}");
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let found = list(" a, b\\,c ,Text : value, 1m,, x:y");
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.text.as_str(), one.value.as_str())).collect();
        assert_eq!(found, [("a", "a"), ("b,c", "b,c"), ("Text", "value"), ("1m", "1m"), ("x:y", "x:y")]);
    }

    #[test]
    fn what_is_chosen_is_what_is_still_offered() {
        let variable = |is_multi, has_all, current: &[&str]| Variable {
            is_multi,
            has_all,
            current: current.iter().map(|one| (*one).to_owned()).collect(),
            ..Variable::default()
        };
        let offered = plain(&["a", "b", "c"]);
        for (is_multi, has_all, current, given, expected, is_all) in [
            (false, false, vec!["b"], None, vec!["b"], false),
            (false, false, vec!["gone"], None, vec!["a"], false),
            (false, true, vec!["gone"], None, vec!["a", "b", "c"], true),
            (false, true, vec![ALL], None, vec!["a", "b", "c"], true),
            (false, false, vec![ALL], None, vec!["a"], false),
            (true, false, vec!["a", "b", "gone"], None, vec!["a", "b"], false),
            (false, false, vec!["a"], Some(vec!["c"]), vec!["c"], false),
            (false, false, vec!["a"], Some(vec!["b", "c"]), vec!["b"], false),
            (true, true, vec!["a"], Some(vec!["All"]), vec!["a", "b", "c"], true),
            (true, true, vec!["a"], Some(vec!["web.*"]), vec!["web.*"], false),
            (true, true, vec!["a"], Some(vec!["old"]), vec!["a", "b", "c"], true),
            (true, true, vec!["a"], Some(vec![""]), vec![], false),
        ] {
            let given: Option<Vec<String>> = given.map(|given| given.iter().map(|one| (*one).to_owned()).collect());
            let (found, all) = chosen(&variable(is_multi, has_all, &current), &offered, given.as_deref());
            assert_eq!((values(&found), all), (expected.clone(), is_all), "{current:?} {given:?}");
        }
        let kept = chosen(&variable(false, false, &[]), &[], Some(&["x".to_owned()])).0;
        assert_eq!(values(&kept), ["x"], "what nobody can check stays");
    }
}
