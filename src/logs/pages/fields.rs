//! The fields that a line's own text has: JSON objects and `key=value` pairs.
//!
//! For columns and facets of what is shown; queries have parsers of their own.

/// Fields of one line; more are left out.
const FIELDS_MAX: usize = 64;
/// Bytes of a line that are looked at.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The fields of a line under the names that parsers give them: pairs in the order they stand there, members of JSON by
/// name, inner ones joined by `_`.
pub fn of_line(text: &str) -> Vec<(String, String)> {
    let mut fields = found(text);
    for (name, _) in &mut fields {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            *name = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        }
    }
    fields
}

fn found(text: &str) -> Vec<(String, String)> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Vec::new();
    }
    if text.starts_with('{')
        && let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text)
    {
        let mut fields = Vec::new();
        flatten("", &object, &mut fields, 0);
        return fields;
    }
    pairs(text)
}

fn flatten(prefix: &str, object: &serde_json::Map<String, serde_json::Value>, into: &mut Vec<(String, String)>, depth: usize) {
    for (name, value) in object {
        if into.len() >= FIELDS_MAX {
            return;
        }
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}_{name}") };
        match value {
            serde_json::Value::Object(inner) if depth < 4 => flatten(&name, inner, into, depth + 1),
            serde_json::Value::String(text) => into.push((name, text.clone())),
            serde_json::Value::Null => {}
            other => into.push((name, other.to_string())),
        }
    }
}

/// `key=value` and `key="a value"`, anywhere in a text.
fn pairs(text: &str) -> Vec<(String, String)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at(at);
        let after = after.get(1..).unwrap_or("");
        let start = before.rfind(|c: char| !is_name(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        let (value, next) = value_of(after);
        let begins_like_a_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if begins_like_a_name && before[..start].ends_with([' ', '\t', '[', '(', ',']) | (start == 0) {
            fields.push((name.to_owned(), value));
            if fields.len() >= FIELDS_MAX {
                break;
            }
        }
        rest = next;
    }
    fields
}

/// A value, in quotes or up to the next space, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let (mut value, mut is_escaped) = (String::new(), false);
        for (at, c) in quoted.char_indices() {
            match c {
                '\\' if !is_escaped => is_escaped = true,
                '"' if !is_escaped => return (value, &quoted[at + 1..]),
                c => {
                    value.extend(unescaped(c, is_escaped));
                    is_escaped = false;
                }
            }
        }
        return (value, "");
    }
    let end = text.find([' ', '\t', '\n']).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

/// What a character behind a backslash stands for; what stands for nothing keeps its backslash.
fn unescaped(c: char, is_escaped: bool) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        c if !is_escaped => (c, None),
        'n' => ('\n', None),
        't' => ('\t', None),
        'r' => ('\r', None),
        '"' | '\\' | '/' => (c, None),
        c => ('\\', Some(c)),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_pairs_are_found() {
        for (text, wanted) in [
            (r#"{"a":"b","n":{"c":1.5,"d":null},"e":[1]}"#, "a=b e=[1] n_c=1.5"),
            ("GET /x 200 11.7ms bytes=34178 user=u_8129", "bytes=34178 user=u_8129"),
            (r#"level=info msg="a \"b\" c" took=5ms"#, r#"level=info msg=a "b" c took=5ms"#),
            ("no fields at all", ""),
            ("a==b 3=4 =5 x=", "a==b x="),
            ("héé=1 é x=ü", "x=ü"),
            ("url=/a?b=c&d=e", "url=/a?b=c&d=e"),
            (r#"p="a\\b\d" http.status-code=404 {"x-y":1}"#, r#"p=a\b\d http_status_code=404"#),
            (r#"{"http":{"user-agent":"x"}}"#, "http_user_agent=x"),
            (r#"open="never closed"#, "open=never closed"),
            ("{not json} k=v", "k=v"),
        ] {
            let found: Vec<String> = of_line(text).iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(found.join(" "), wanted, "{text}");
        }
        assert_eq!(of_line(&"a=b ".repeat(1000)).len(), FIELDS_MAX);
    }
}
