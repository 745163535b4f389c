//! Where a value lies in a JSON document: the part of JMESPath that logs need, `a.b`, `"quoted key".c`, `list[0]`, `list[-1]`.

use serde_json::Value;

/// Most steps of a path.
const STEPS_MAX: usize = 64;

/// A way into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(i64),
}

impl JsonPath {
    /// The value of one key of the document itself.
    pub(super) fn key(name: &str) -> Self {
        Self(vec![Step::Key(name.to_owned())])
    }

    /// Reads a path.
    ///
    /// # Errors
    /// What is not understood, and what is.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        let refused = |rest: &str| {
            format!(
                "cannot read the path at {rest:?}; a path is made of keys with dots between them, \"keys in quotes\" and [0] for an item of a list"
            )
        };
        loop {
            if steps.len() >= STEPS_MAX {
                return Err(format!("a path has at most {STEPS_MAX} steps"));
            }
            let begins_with_index = rest.starts_with('[') && (steps.is_empty() || !rest.is_empty());
            if !begins_with_index {
                let (key, after) = key(rest).ok_or_else(|| refused(rest))?;
                steps.push(Step::Key(key));
                rest = after;
            }
            while let Some(inside) = rest.strip_prefix('[') {
                let (number, after) = inside.split_once(']').ok_or_else(|| refused(rest))?;
                steps.push(Step::Index(number.trim().parse().map_err(|_| refused(rest))?));
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(Self(steps)),
                None => return Err(refused(rest)),
            }
        }
    }

    /// The key of the document with which it begins, if it begins with one.
    pub(super) fn first_key(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The value there, if there is one.
    pub(super) fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, step| match step {
            Step::Key(key) => value.as_object()?.get(key),
            Step::Index(index) => {
                let list = value.as_array()?;
                let at = if *index < 0 { usize::try_from(*index + i64::try_from(list.len()).ok()?) } else { usize::try_from(*index) };
                list.get(at.ok()?)
            }
        })
    }
}

/// A key, bare or in quotes, and what follows it.
fn key(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let mut items = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = items.next()?.ok()?;
        let used = items.byte_offset();
        return Some((key, text.get(used..)?));
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let document: Value = serde_json::from_str(r#"{"a":{"b":[1,{"c d":"x"}],"e":null},"t.u":7}"#).unwrap();
        for (path, found) in [
            ("a.b[0]", Some("1")),
            ("a.b[-1].\"c d\"", Some("\"x\"")),
            ("a.b[2]", None),
            ("a.b[-3]", None),
            ("a.e", Some("null")),
            ("a.e.f", None),
            ("\"t.u\"", Some("7")),
            (" a . b", None),
        ] {
            let parsed = JsonPath::parse(path);
            match parsed {
                Ok(path) => assert_eq!(path.find(&document).map(ToString::to_string).as_deref(), found, "{path:?}"),
                Err(_) => assert_eq!(path, " a . b"),
            }
        }
        for bad in ["", ".", "a.", "a[", "a[x]", "a b", "length(a)", "a | b", "\"a", "*"] {
            assert!(JsonPath::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(JsonPath::parse("[0].a").unwrap().find(&serde_json::json!([{"a": 1}])), Some(&serde_json::json!(1)));
    }
}
