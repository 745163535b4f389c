//! What a reader has chosen: `var-job=a&var-job=b` of the URL, as Grafana writes it.

use std::collections::BTreeMap;

use crate::boards::model::VARIABLES_MAX;

/// Most values of one variable that a URL may carry.
const VALUES_MAX: usize = 1_000;
/// Longest value that is taken from a URL, in bytes; longer ones count as not given.
const VALUE_BYTES_MAX: usize = 4 * 1024;

/// Something that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// As people see it.
    pub text: String,
    /// As queries see it.
    pub value: String,
}

impl Choice {
    /// One that queries see as people do.
    pub fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { text: value.clone(), value }
    }
}

/// What was chosen, by the name of the variable. A variable that is not named keeps what the dashboard says; one that
/// is named without a value has the empty one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices {
    chosen: BTreeMap<String, Vec<String>>,
    /// Variables of which only what is offered may be chosen.
    bounded: Vec<String>,
}

impl Choices {
    /// From a query string; what is no variable in it is left alone.
    pub fn from_query(query: &str) -> Self {
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            let Some(name) = name.strip_prefix("var-").filter(|name| !name.is_empty() && name.len() <= VALUE_BYTES_MAX) else { continue };
            if value.len() > VALUE_BYTES_MAX || (found.len() >= VARIABLES_MAX && !found.contains_key(name)) {
                continue;
            }
            let values = found.entry(name.to_owned()).or_default();
            if values.len() < VALUES_MAX {
                values.push(value.into_owned());
            }
        }
        Self { chosen: found, bounded: Vec::new() }
    }

    /// The same, for somebody who must not write into queries: of these variables only what is offered counts, neither
    /// patterns nor texts.
    #[must_use]
    pub fn bounded(mut self, names: &[String]) -> Self {
        self.bounded = names.to_vec();
        self
    }

    /// Whether only what is offered may be chosen of a variable.
    pub fn is_bounded(&self, name: &str) -> bool {
        self.bounded.iter().any(|bounded| bounded == name)
    }

    /// The values of a variable, as they were given; none if it is not named.
    pub fn of(&self, name: &str) -> Option<&[String]> {
        self.chosen.get(name).map(Vec::as_slice)
    }
}

/// A condition on a label that goes into every query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdHoc {
    /// The label.
    pub key: String,
    /// `=`, `!=`, `=~`, `!~`; `<` and `>` as Grafana offers them for other sources are not taken.
    pub op: &'static str,
    /// What it is compared with.
    pub value: String,
}

impl AdHoc {
    /// From `key|op|value`, in which `__gfp__` stands for a bar, `__gfc__` for a comma and `__gfh__` for a hash.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '|').map(|part| part.replace("__gfp__", "|").replace("__gfc__", ",").replace("__gfh__", "#"));
        let (key, op, value) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
        // Behind a comma Grafana writes the text of a value.
        let value = value.split(',').next().unwrap_or_default().to_owned();
        Self::new(&key, &op, value)
    }

    /// From its parts; none if the label is empty or the comparison is not known.
    pub fn new(key: &str, op: &str, value: String) -> Option<Self> {
        let op = ["=", "!=", "=~", "!~"].into_iter().find(|known| *known == op)?;
        (!key.trim().is_empty()).then(|| Self { key: key.trim().to_owned(), op, value })
    }

    /// As the URL writes it.
    pub fn text(&self) -> String {
        let escaped = |text: &str| text.replace('|', "__gfp__").replace(',', "__gfc__").replace('#', "__gfh__");
        format!("{}|{}|{}", escaped(&self.key), self.op, escaped(&self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_from_the_url() {
        let chosen = Choices::from_query("?from=now-1h&var-job=a%26b&var-job=c&var-empty=&var-=x&var-all=$__all&x=var-y");
        assert_eq!(chosen.of("job"), Some(["a&b".to_owned(), "c".to_owned()].as_slice()));
        assert_eq!(chosen.of("empty"), Some([String::new()].as_slice()));
        assert_eq!(chosen.of("all"), Some(["$__all".to_owned()].as_slice()));
        assert_eq!((chosen.of("y"), chosen.of("from")), (None, None));
        let many = (0..5_000).map(|n| format!("var-a={n}&")).collect::<String>();
        assert_eq!(Choices::from_query(&many).of("a").map(<[String]>::len), Some(VALUES_MAX));
        assert_eq!(Choices::from_query(&format!("var-a={}", "x".repeat(5_000))).of("a"), None);
    }

    #[test]
    fn conditions_come_from_the_url_and_go_back() {
        for (text, expected) in [
            ("job|=|a", Some(("job", "=", "a"))),
            ("job|!~|a__gfp__b", Some(("job", "!~", "a|b"))),
            ("job|=|", Some(("job", "=", ""))),
            ("job|<|1", None),
            ("job", None),
            ("|=|x", None),
        ] {
            let read = AdHoc::read(text);
            assert_eq!(read.as_ref().map(|one| (one.key.as_str(), one.op, one.value.as_str())), expected, "{text}");
            if let Some(read) = read {
                assert_eq!(read.text(), text);
            }
        }
    }
}
