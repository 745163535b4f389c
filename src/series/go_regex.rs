//! What is wrong with a regular expression, in the words of Go's `regexp`, which clients and people know.

/// The sentence for an expression that does not compile: `pattern` as it was written, `reason` as
/// [`super::re2::translate`] or the `regex` crate says it.
pub fn message(pattern: &str, reason: &str) -> String {
    let reason = reason.trim_start_matches("error: ");
    let (reason, place) = match reason {
        // Says where already.
        reason if reason.ends_with('`') => return format!("error parsing regexp: {reason}"),
        "unclosed group" => ("missing closing )", pattern),
        "unopened group" => ("unexpected )", pattern),
        "unclosed character class" | "missing closing ]" => ("missing closing ]", unclosed_class(pattern)),
        "repetition operator missing expression" => ("missing argument to repetition operator", repetition_without_argument(pattern)),
        "empty capture group name" | "invalid capture group character" | "unclosed capture group name" => {
            ("invalid named capture", named_capture(pattern))
        }
        "Unicode property not found" => ("invalid character class range", property(pattern)),
        reason if reason.starts_with("exceeded the maximum number of nested") => ("expression nests too deeply", pattern),
        reason if reason.starts_with("Compiled regex exceeds size limit") => ("expression too large", pattern),
        reason => (reason, pattern),
    };
    format!("error parsing regexp: {reason}: `{place}`")
}

/// From the bracket that is not closed to the end.
fn unclosed_class(pattern: &str) -> &str {
    let (mut open, mut is_escaped) = (None, false);
    for (at, byte) in pattern.bytes().enumerate() {
        match (byte, open) {
            _ if is_escaped => is_escaped = false,
            (b'\\', _) => is_escaped = true,
            (b'[', None) => open = Some(at),
            // As the first of a class, a bracket is itself.
            (b']', Some(start)) if !matches!(&pattern[start..at], "[" | "[^") => open = None,
            _ => {}
        }
    }
    open.map_or(pattern, |at| &pattern[at..])
}

/// The operator with nothing in front that it could repeat; all of the expression if it is hard to tell.
fn repetition_without_argument(pattern: &str) -> &str {
    let bytes = pattern.as_bytes();
    let is_first = |at: usize| match at.checked_sub(1).map(|before| bytes[before]) {
        None | Some(b'|') => true,
        // Behind a parenthesis, a question mark begins the group's flags.
        Some(b'(') => bytes[at] != b'?',
        Some(_) => false,
    };
    match (0..bytes.len()).find(|&at| matches!(bytes[at], b'*' | b'+' | b'?') && is_first(at)) {
        Some(at) if bytes.get(at + 1) == Some(&b'?') => &pattern[at..at + 2],
        Some(at) => &pattern[at..=at],
        None => pattern,
    }
}

/// The first group whose name is none, to the end of the name, or of the expression if it has none.
fn named_capture(pattern: &str) -> &str {
    let mut from = 0;
    while let Some(at) = pattern[from..].find("(?").map(|at| from + at) {
        let rest = &pattern[at..];
        if let Some(name) = rest.strip_prefix("(?P<").or_else(|| rest.strip_prefix("(?<")) {
            let Some(end) = name.find('>') else { return rest };
            let is_name = end > 0 && name[..end].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name || name.as_bytes()[0].is_ascii_digit() {
                return &rest[..rest.len() - name.len() + end + 1];
            }
        }
        from = at + 2;
    }
    pattern
}

/// The property, `\pX` or `\p{Name}`, if there is one only.
fn property(pattern: &str) -> &str {
    let is_start = |at: &usize| matches!(pattern.get(*at..*at + 2), Some("\\p" | "\\P"));
    let mut starts = (0..pattern.len()).filter(is_start);
    match (starts.next(), starts.next()) {
        (Some(at), None) => {
            let rest = &pattern[at..];
            let end = if rest.as_bytes().get(2) == Some(&b'{') { rest.find('}').map(|end| end + 1) } else { None };
            end.and_then(|end| rest.get(..end)).or_else(|| rest.get(..3)).unwrap_or(rest)
        }
        _ => pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::re2;

    #[test]
    fn reasons_are_those_of_go() {
        for (pattern, said) in [
            ("(", "missing closing ): `(`"),
            ("a(b", "missing closing ): `a(b`"),
            (")", "unexpected ): `)`"),
            ("x[ab", "missing closing ]: `[ab`"),
            ("[a]x[^]", "missing closing ]: `[^]`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a|+?", "missing argument to repetition operator: `+?`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("\\8", "invalid escape sequence: `\\8`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?P<x", "invalid named capture: `(?P<x`"),
            ("(?P<ok>a)(?P<a-b>x)", "invalid named capture: `(?P<a-b>`"),
            ("(?P<>x)", "invalid named capture: `(?P<>`"),
            ("a\\p{Foo}b", "invalid character class range: `\\p{Foo}`"),
        ] {
            let reason = match re2::translate(pattern) {
                Err(reason) => reason,
                Ok(text) => match regex_syntax::Parser::new().parse(&text) {
                    Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
                    Err(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
                    other => panic!("{pattern}: {other:?}"),
                },
            };
            assert_eq!(message(pattern, &reason), format!("error parsing regexp: {said}"), "{reason}");
        }
    }
}
