//! What the pages of metrics and logs hand over to become a panel: queries, and how they are shown.
//!
//! `/d/add?q=…&q=…&view=graph|stacked|stat|table|logs&lang=logql&legend=…&step=…&unit=…&from=…&to=…` lists dashboards to
//! choose from. The chosen one is opened in its editor, which reads the same behind the `#` of its address: no server sees
//! it there, and no link of the dashboard takes it along.

use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::shell::Shell;

/// Queries of one panel.
const QUERIES_MAX: usize = 10;
/// Bytes of them together; addresses hold a few times as much.
const BYTES_MAX: usize = 12_000;
/// Bytes of anything else.
const WORD_BYTES_MAX: usize = 500;

/// How it is shown, as the address says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Lines over time.
    #[default]
    Lines,
    /// Stacked areas over time.
    Stacked,
    /// A large number.
    Stat,
    /// Values now.
    Table,
    /// Lines of a log.
    Logs,
}

/// Those that numbers can be shown as.
const OF_NUMBERS: [(View, &str); 4] =
    [(View::Lines, key("Lines")), (View::Stacked, key("Stacked")), (View::Stat, key("Stat")), (View::Table, key("Table"))];

impl View {
    const fn word(self) -> &'static str {
        match self {
            Self::Lines => "graph",
            Self::Stacked => "stacked",
            Self::Stat => "stat",
            Self::Table => "table",
            Self::Logs => "logs",
        }
    }

    fn from_word(word: &str) -> Self {
        [Self::Stacked, Self::Stat, Self::Table, Self::Logs].into_iter().find(|view| view.word() == word).unwrap_or_default()
    }
}

/// A panel that is to be put on a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// What it asks.
    pub queries: Vec<String>,
    /// How it is shown.
    pub view: View,
    /// Whether the queries are LogQL.
    pub is_logql: bool,
    /// How series are named; empty for what tells them apart.
    pub legend: String,
    /// Distance of points as written; empty for what suits.
    pub step: String,
    /// What values measure; empty where that is not known.
    pub unit: String,
}

impl Added {
    /// From a query string.
    ///
    /// # Errors
    /// There is no query in it, or too much, in words.
    pub fn from_query(query: &str) -> Result<Self, String> {
        let mut added = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = value.trim();
            match &*name {
                "q" if !text.is_empty() => added.queries.push(text.to_owned()),
                "view" => added.view = View::from_word(text),
                "lang" => added.is_logql = text == "logql",
                "legend" | "step" | "unit" if text.len() > WORD_BYTES_MAX => {
                    return Err(format!("{name:?} is longer than {WORD_BYTES_MAX} bytes"));
                }
                "legend" => text.clone_into(&mut added.legend),
                "step" => text.clone_into(&mut added.step),
                "unit" => text.clone_into(&mut added.unit),
                _ => {}
            }
        }
        let bytes: usize = added.queries.iter().map(String::len).sum();
        if added.queries.is_empty() {
            Err("there is no query to make a panel of".to_owned())
        } else if added.queries.len() > QUERIES_MAX {
            Err(format!("these are {} queries, a panel is made of {QUERIES_MAX} at most", added.queries.len()))
        } else if bytes > BYTES_MAX {
            Err(format!("the queries have {bytes} bytes together, a panel is made of {BYTES_MAX} at most"))
        } else {
            Ok(added)
        }
    }

    /// What it can be shown as: address, name, whether it is so now.
    pub(super) fn views(&self, shell: &Shell) -> Vec<(String, &'static str, bool)> {
        if self.view == View::Logs {
            return Vec::new();
        }
        OF_NUMBERS.iter().map(|(view, words)| (shell.href("view", view.word()), *words, *view == self.view)).collect()
    }

    /// The editor of a dashboard, with the panel on it, in the range that is looked at.
    pub(super) fn href(&self, board: &str, shell: &Shell) -> String {
        let range = ["from", "to"].map(|name| (name, shell.param(name).unwrap_or("")));
        let mut fields = vec![("add", self.view.word())];
        fields.extend(self.queries.iter().map(|query| ("q", query.as_str())));
        let lang = if self.is_logql { "logql" } else { "" };
        fields.extend([("lang", lang), ("legend", self.legend.as_str()), ("step", self.step.as_str()), ("unit", self.unit.as_str())]);
        let panel = links::with("", &fields);
        format!("{}#{}", links::with(board, &[("edit", "1"), range[0], range[1]]), panel.trim_start_matches('?'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn a_panel_is_handed_on_behind_the_address() {
        let query = "q=up&q=&q=rate(x%5B5m%5D)&view=stacked&legend=%7B%7Bjob%7D%7D&step=30s&unit=ops&from=now-3h&to=now&refresh=5s";
        let added = Added::from_query(query).unwrap();
        assert_eq!((added.queries.len(), added.view, added.is_logql), (2, View::Stacked, false));
        let shell = shell(Page::Boards, "Add", links::BOARDS_ADD, query);
        assert_eq!(
            added.href("/d/u/s", &shell),
            "/d/u/s?edit=1&from=now-3h&to=now#add=stacked&q=up&q=rate%28x%5B5m%5D%29&legend=%7B%7Bjob%7D%7D&step=30s&unit=ops"
        );
        let views = added.views(&shell);
        assert!(views[1].2 && views[2].0.contains("view=stat") && views[2].0.contains("q=up&q=rate") && !views[0].2, "{views:?}");
    }

    #[test]
    fn lines_of_a_log_stay_lines() {
        let added = Added::from_query("q=%7Ba%3D%22b%22%7D&lang=logql&view=logs").unwrap();
        let shell = shell(Page::Boards, "Add", links::BOARDS_ADD, "");
        assert!(added.views(&shell).is_empty());
        assert_eq!(added.href("/d/new", &shell), "/d/new?edit=1#add=logs&q=%7Ba%3D%22b%22%7D&lang=logql");
        assert_eq!(Added::from_query("q=a&view=odd").unwrap().view, View::Lines);
    }

    #[test]
    fn what_no_panel_can_be_made_of_is_refused() {
        for (query, said) in [
            (String::new(), "no query"),
            ("q=+".to_owned(), "no query"),
            ("q=a&".repeat(11), "11 queries"),
            (format!("q={}", "a".repeat(12_001)), "12001 bytes"),
            (format!("q=a&legend={}", "a".repeat(501)), "\"legend\" is longer"),
        ] {
            let error = Added::from_query(&query).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
