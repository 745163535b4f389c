//! Names of series for people: a template such as `{{route}} {{code}}`, or what tells the series apart.

use crate::series::labels::{Labels, METRIC_NAME};

/// Longest name in characters; a legend is read, not searched.
const NAME_CHARS_MAX: usize = 240;

/// Fills `{{label}}` with values; unknown labels leave nothing.
pub fn fill(template: &str, labels: &Labels) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}") else { break };
        out.push_str(&rest[..open]);
        out.push_str(labels.get(rest[open + 2..open + close].trim()).unwrap_or(""));
        rest = &rest[open + close + 2..];
    }
    out.push_str(rest);
    cut(&out)
}

/// A name for each label set: one differing label gives its value alone, several give `{a="x", b="y"}`,
/// and a lone series its full text. Sets without labels are named by `otherwise`, those without the one label that
/// differs by `missing`.
pub fn names(sets: &[&Labels], otherwise: &str, missing: &str) -> Vec<String> {
    let Some((first, others)) = sets.split_first() else { return Vec::new() };
    if others.is_empty() {
        return vec![if first.is_empty() { cut(otherwise) } else { cut(&full(first)) }];
    }
    let differs = |name: &str| {
        let value = first.get(name);
        others.iter().any(|set| set.get(name) != value)
    };
    let mut keys: Vec<&str> = sets.iter().flat_map(|set| set.iter().map(|(name, _)| name)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|name| differs(name));
    sets.iter()
        .map(|set| match keys.as_slice() {
            [only] => cut(set.get(only).unwrap_or(missing)),
            _ => {
                let kept = set.without(|name| !keys.contains(&name));
                cut(&if kept.is_empty() { otherwise.to_owned() } else { full(&kept) })
            }
        })
        .collect()
}

/// `name{a="x"}` as a person writes it.
pub fn full(labels: &Labels) -> String {
    let name = labels.metric_name();
    let rest: Vec<String> = labels.iter().filter(|(key, _)| *key != METRIC_NAME).map(|(key, value)| format!("{key}={value:?}")).collect();
    match (name.is_empty(), rest.is_empty()) {
        (false, true) => name.to_owned(),
        (true, true) => "{}".to_owned(),
        _ => format!("{name}{{{}}}", rest.join(", ")),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(NAME_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn templates_fill() {
        let labels = set(&[("route", "/a"), ("code", "200")]);
        for (template, text) in [("{{route}} {{ code }}", "/a 200"), ("{{gone}}!", "!"), ("{{route", "{{route"), ("plain", "plain")] {
            assert_eq!(fill(template, &labels), text);
        }
        assert_eq!(fill("{{x}}", &set(&[("x", &"é".repeat(500))])).chars().count(), NAME_CHARS_MAX + 1);
    }

    #[test]
    fn names_show_what_differs() {
        let (a, b) = (set(&[("__name__", "up"), ("job", "x"), ("i", "1")]), set(&[("__name__", "up"), ("job", "x"), ("i", "2")]));
        assert_eq!(names(&[&a, &b], "q", "(none)"), ["1", "2"]);
        assert_eq!(names(&[&a], "q", "(none)"), ["up{i=\"1\", job=\"x\"}"]);
        let c = set(&[("__name__", "up"), ("job", "y"), ("i", "2")]);
        assert_eq!(names(&[&a, &c], "q", "(none)"), ["{i=\"1\", job=\"x\"}", "{i=\"2\", job=\"y\"}"]);
        assert_eq!(names(&[&Labels::empty()], "1 + 1", "(none)"), ["1 + 1"]);
        assert_eq!(names(&[&a, &Labels::empty()], "q", "(none)")[1], "q");
        assert_eq!(names(&[&set(&[("i", "1")]), &Labels::empty()], "q", "(none)"), ["1", "(none)"]);
        assert!(names(&[], "q", "(none)").is_empty());
    }
}
