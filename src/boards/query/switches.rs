//! What a reader turned on or off of a dashboard's annotations: `mark-Deploys=off` of the URL. What is not named there is
//! as the dashboard has it.

use std::collections::BTreeMap;

use crate::boards::model::AnnotationQuery;

/// Most annotations that a URL turns.
const SWITCHES_MAX: usize = 100;
/// Longest name that is taken from a URL, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// Annotations that are turned, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Switches(BTreeMap<String, bool>);

impl Switches {
    /// The parameter of a URL for annotations of a name.
    pub fn param(name: &str) -> String {
        format!("mark-{name}")
    }

    /// From a query string; what is no switch in it is left alone.
    pub fn from_query(query: &str) -> Self {
        let one = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            let name = name.strip_prefix("mark-").filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX)?.to_owned();
            match &*value {
                "on" => Some((name, true)),
                "off" => Some((name, false)),
                _ => None,
            }
        };
        Self(form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).filter_map(one).take(SWITCHES_MAX).collect())
    }

    /// Whether annotations are shown.
    pub fn is_on(&self, one: &AnnotationQuery) -> bool {
        self.0.get(&one.name).copied().unwrap_or(one.is_enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_turns_counts_over_the_dashboard() {
        let of = |name: &str, is_enabled| AnnotationQuery { name: name.to_owned(), is_enabled, ..AnnotationQuery::default() };
        let switches = Switches::from_query("?from=now-1h&mark-a+b=off&mark-c=on&mark-d=maybe&mark-=off");
        for (name, is_enabled, expected) in
            [("a b", true, false), ("c", false, true), ("d", true, true), ("e", false, false), ("", true, true)]
        {
            assert_eq!(switches.is_on(&of(name, is_enabled)), expected, "{name}");
        }
        let many: String = (0..200).map(|n| format!("mark-{n}=off&")).collect();
        assert_eq!(Switches::from_query(&many).0.len(), SWITCHES_MAX);
        assert_eq!(Switches::param("a b"), "mark-a b");
    }
}
