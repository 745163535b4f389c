//! Expressions in colours, and what an expression compares: the value and its threshold.

/// Longest expression that is coloured, in bytes; a longer one is shown as it is.
const BYTES_MAX: usize = 20_000;
/// Words of both languages.
const KEYWORDS: [&str; 14] =
    ["by", "without", "on", "ignoring", "group_left", "group_right", "offset", "and", "or", "unless", "bool", "json", "logfmt", "unwrap"];
/// Comparisons, longer ones first.
const COMPARISONS: [&str; 6] = [" >= ", " <= ", " == ", " != ", " > ", " < "];

/// Cuts an expression: class (empty for what has no colour) and text; together the texts are the expression.
pub fn coloured(text: &str) -> Vec<(&'static str, &str)> {
    if text.len() > BYTES_MAX {
        return vec![("", text)];
    }
    let mut parts: Vec<(&'static str, &str)> = Vec::new();
    let mut rest = text;
    let mut depth = 0usize;
    while let Some(first) = rest.chars().next() {
        let (class, length) = match first {
            '"' | '\'' | '`' => ("str", quoted(rest, first)),
            '#' => ("c", rest.find('\n').unwrap_or(rest.len())),
            c if c.is_ascii_digit() => ("num", run(rest, |c| c.is_ascii_alphanumeric() || c == '.')),
            c if c.is_alphabetic() || c == '_' => {
                let length = run(rest, |c| c.is_alphanumeric() || c == '_' || c == ':');
                (word(&rest[..length], &rest[length..], depth), length)
            }
            c => {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                ("", c.len_utf8())
            }
        };
        let (part, behind) = rest.split_at(length.max(first.len_utf8()).min(rest.len()));
        parts.push((class, part));
        rest = behind;
    }
    parts
}

fn word(word: &str, behind: &str, depth: usize) -> &'static str {
    if depth > 0 {
        return "lbl";
    }
    let is_called = behind.trim_start().starts_with('(');
    match (KEYWORDS.contains(&word), is_called) {
        (true, _) => "kw",
        (false, true) => "fn",
        (false, false) => "",
    }
}

fn run(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// The length of a quoted text, both quotes included; up to the end if it is never closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if quote != '`' => is_escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// What an expression of the form `value > number` compares, so that the value can be shown while the comparison does
/// not hold: the text of the value, and the threshold. The text must be as the language itself writes it.
pub fn compared(text: &str) -> Option<(&str, f64)> {
    let mut found = None;
    let (mut depth, mut at) = (0usize, 0);
    while let Some(first) = text.get(at..)?.chars().next() {
        match first {
            '"' | '\'' | '`' => {
                at += quoted(&text[at..], first);
                continue;
            }
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => {
                let rest = &text[at..];
                // Set operators bind less, so that a comparison beside one is only a part of the whole.
                if [" and ", " or ", " unless "].iter().any(|word| rest.starts_with(word)) {
                    return None;
                }
                if let Some(comparison) = COMPARISONS.iter().find(|comparison| rest.starts_with(*comparison)) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some((at, at + comparison.len()));
                }
            }
            _ => {}
        }
        at += first.len_utf8();
    }
    let (end, start) = found?;
    let threshold: f64 = text.get(start..)?.trim().parse().ok()?;
    threshold.is_finite().then(|| (text[..end].trim(), threshold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_keeps_its_text() {
        for text in [
            "sum by (job) (rate(http_requests_total{code=~\"5..\", a='é'}[5m])) > 0.5 # why",
            "{a=\"never closed \\",
            "é § {`",
            "",
            "count_over_time({job=\"x\"} | json | level = `error` [5m])",
        ] {
            assert_eq!(coloured(text).iter().map(|(_, part)| *part).collect::<String>(), text);
        }
        let parts = coloured("sum by (job) (rate(x{code=\"5\"}[5m]))");
        for part in [("fn", "sum"), ("kw", "by"), ("fn", "rate"), ("lbl", "code"), ("str", "\"5\""), ("num", "5m"), ("", "x")] {
            assert!(parts.contains(&part), "{part:?}: {parts:?}");
        }
    }

    #[test]
    fn only_one_comparison_with_a_number_is_taken_apart() {
        for (text, expected) in [
            ("up == 0", Some(("up", 0.0))),
            ("a / b > 0.9", Some(("a / b", 0.9))),
            ("rate(x{a=\" > 5 \"}[5m]) < 1e3", Some(("rate(x{a=\" > 5 \"}[5m])", 1000.0))),
            ("a > b", None),
            ("a > 1 and b", None),
            ("(a > 1) > 2", Some(("(a > 1)", 2.0))),
            ("a > 1 > 2", None),
            ("a > bool 1", None),
            ("absent(up)", None),
            ("a > Inf", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(compared(text), expected, "{text}");
        }
    }
}
