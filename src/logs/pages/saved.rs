//! Searches saved under a name: what they find, whose they are, opening, renaming and deleting them.

use super::asked::Asked;
use super::facets;
use crate::ui::format::Moment;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 100;

/// A search that was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedSearch {
    /// Key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The query string of the search page, without a range.
    pub query: String,
    /// Whether everybody sees it.
    pub is_shared: bool,
    /// Who saved it.
    pub made_by: String,
    /// When it was saved or changed last, in milliseconds.
    pub changed_ms: i64,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

impl SavedSearch {
    /// The search page with it, and with more parameters.
    pub(super) fn href(&self, more: &[(&str, &str)]) -> String {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(self.query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let mut params: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        params.extend(more);
        links::with(links::LOGS, &params)
    }
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct SavedInput {
    /// Those that whoever looks sees, by name.
    pub searches: Vec<SavedSearch>,
    /// What went wrong.
    pub problem: Option<String>,
    /// What was done: `saved`, `changed` or `deleted`.
    pub done: String,
    /// Whether there are own ones besides everybody's.
    pub has_own: bool,
    /// Whether whoever looks may change what everybody sees.
    pub may_share: bool,
}

struct Row<'a> {
    search: &'a SavedSearch,
    href: String,
    text: String,
    filters: Vec<String>,
    changed: Moment,
}

#[derive(askama::Template)]
#[template(path = "logs/saved.html")]
struct SavedPage<'a> {
    shell: &'a Shell,
    input: &'a SavedInput,
    said: &'static str,
    rows: Vec<Row<'a>>,
}

/// Renders the page.
pub fn render(input: &SavedInput, shell: &Shell) -> String {
    use crate::ui::lang::key;
    let said = match input.done.as_str() {
        "saved" => key("The search is saved."),
        "changed" => key("The saved search is changed."),
        "deleted" => key("The saved search is deleted."),
        _ => "",
    };
    page::html(&SavedPage { said, rows: input.searches.iter().map(|search| row(search, shell)).collect(), shell, input })
}

fn row<'a>(search: &'a SavedSearch, shell: &Shell) -> Row<'a> {
    let asked = Asked::from_query(&search.query);
    let filter = |filter: &super::asked::Filter| {
        format!("{}{}:{}", if filter.is_excluded { "-" } else { "" }, facets::name_of(&filter.label), filter.value)
    };
    Row {
        href: search.href(&[]),
        filters: asked.filters.iter().map(filter).collect(),
        text: asked.text,
        changed: shell.moment(search.changed_ms),
        search,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &SavedInput) -> String {
        render(input, &shell(Page::Logs, "Saved searches", links::LOGS_SAVED, ""))
    }

    #[test]
    fn what_they_find_is_said_and_opened() {
        let one = |id, name: &str, query: &str, may_change| SavedSearch {
            id,
            name: name.into(),
            query: query.into(),
            may_change,
            is_shared: !may_change,
            made_by: "ann".into(),
            ..SavedSearch::default()
        };
        let page = html(&SavedInput {
            searches: vec![one(1, "Slow orders", "q=took%3E1s&f=env%3Aprod&f=-host%3Aa", true), one(2, "All", "", false)],
            has_own: true,
            done: "saved".into(),
            ..SavedInput::default()
        });
        sample::check(&page);
        for part in
            ["Slow orders", "took&#62;1s", "env:prod", "-host:a", "/logs?q=took%3E1s&#38;f=env%3Aprod", "The search is saved", "Every line"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(page.matches(links::LOGS_SAVED_DELETE).count(), 1, "only what may be changed has a form");
    }

    #[test]
    fn empty_and_foreign() {
        assert!(html(&SavedInput::default()).contains("No saved searches yet"));
        let hostile = SavedSearch {
            name: HOSTILE.into(),
            query: format!("q={HOSTILE}"),
            made_by: HOSTILE.into(),
            may_change: true,
            ..SavedSearch::default()
        };
        sample::check(&html(&SavedInput {
            searches: vec![hostile],
            problem: Some(HOSTILE.into()),
            may_share: true,
            ..SavedInput::default()
        }));
    }
}
