//! Variables as controls: what is on offer, what is chosen, and the URLs that choose something else.

use crate::ui::links;
use crate::ui::shell::Shell;

/// Most choices in a menu; the rest is found by typing.
pub const CHOICES_SHOWN_MAX: usize = 500;
/// From so many choices on, a menu has a field to search them.
const SEARCH_FROM: usize = 8;
/// What stands for all choices in URLs, as Grafana writes it.
pub const ALL: &str = "$__all";
/// Most chosen texts on a button.
const TEXTS_SHOWN_MAX: usize = 3;

/// How a variable is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// One of a list.
    #[default]
    One,
    /// Some of a list.
    Many,
    /// Whatever is typed.
    Text,
    /// On or off.
    Switch,
    /// Conditions on labels: key, operator, value.
    Conditions,
}

/// A variable as the bar shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chooser {
    /// Its name, as in `$name`.
    pub name: String,
    /// Its name for people; empty where only the value is shown.
    pub label: String,
    /// What it is for.
    pub description: String,
    /// How it is chosen.
    pub way: Way,
    /// Text and value of every choice.
    pub choices: Vec<(String, String)>,
    /// Text and value of what is chosen; of a condition, `key|op|value` is the value.
    pub chosen: Vec<(String, String)>,
    /// Whether all of them are.
    pub is_all: bool,
    /// Whether "All" is a choice.
    pub has_all: bool,
    /// Why there are no choices, in words.
    pub error: Option<String>,
}

/// A choice in a menu.
pub(super) struct Choice<'a> {
    pub(super) text: &'a str,
    pub(super) value: &'a str,
    pub(super) is_on: bool,
}

impl Chooser {
    /// Its name for screen readers and titles.
    pub(super) fn called(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    /// Names its menu.
    pub(super) fn menu_id(&self) -> String {
        format!("v-{}", self.name)
    }

    /// Its parameter in URLs.
    pub(super) fn param(&self) -> String {
        format!("var-{}", self.name)
    }

    /// What stands on its button.
    pub(super) fn shown(&self, shell: &Shell) -> String {
        if self.is_all {
            return shell.t("All").to_owned();
        }
        let texts: Vec<&str> = self.chosen.iter().take(TEXTS_SHOWN_MAX).map(|(text, _)| text.as_str()).collect();
        match self.chosen.len().saturating_sub(TEXTS_SHOWN_MAX) {
            0 if texts.is_empty() => shell.t("none").to_owned(),
            0 => texts.join(shell.lang().comma()),
            more => format!("{} +{more}", texts.join(shell.lang().comma())),
        }
    }

    /// What its menu lists: what is chosen though it is not on offer first, then the first of the choices.
    pub(super) fn listed<'a>(&'a self, shell: &'a Shell) -> Vec<Choice<'a>> {
        let is_on = |value: &str| !self.is_all && self.chosen.iter().any(|(_, chosen)| chosen == value);
        let all = self.has_all.then(|| Choice { text: shell.t("All"), value: ALL, is_on: self.is_all });
        let foreign = self.chosen.iter().filter(|(_, value)| !self.is_all && !self.choices.iter().any(|(_, known)| known == value));
        let offered = self.choices.iter().take(CHOICES_SHOWN_MAX);
        let one = |(text, value): &'a (String, String)| Choice { text, value, is_on: is_on(value) };
        all.into_iter().chain(foreign.map(one)).chain(offered.map(one)).collect()
    }

    /// How many choices are not listed.
    pub(super) fn unlisted(&self) -> usize {
        self.choices.len().saturating_sub(CHOICES_SHOWN_MAX)
    }

    /// Whether its menu can be searched.
    pub(super) fn has_search(&self) -> bool {
        self.choices.len() >= SEARCH_FROM
    }

    /// The text that is typed.
    pub(super) fn text(&self) -> &str {
        self.chosen.first().map_or("", |(_, value)| value.as_str())
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self) -> bool {
        self.text() == "true"
    }

    /// The page with a switch turned.
    pub(super) fn turned(&self, shell: &Shell) -> String {
        shell.href(&self.param(), if self.is_on() { "false" } else { "true" })
    }

    /// Conditions in words, and the page without each.
    pub(super) fn conditions(&self, shell: &Shell) -> Vec<(String, String)> {
        let param = self.param();
        let without = |gone: usize| {
            let kept = shell.params_but(&[&param]);
            let mut params: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let others = self.chosen.iter().enumerate().filter(|(at, _)| *at != gone);
            params.extend(others.map(|(_, (_, value))| (param.as_str(), value.as_str())));
            links::with(shell.path(), &params)
        };
        self.chosen.iter().enumerate().map(|(at, (text, _))| (text.clone(), without(at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn pair(text: &str) -> (String, String) {
        (text.to_owned(), text.to_owned())
    }

    #[test]
    fn buttons_say_what_is_chosen() {
        let shell = shell(Page::Boards, "x", "/d/a", "");
        let many = |chosen: &[&str], is_all| {
            Chooser { chosen: chosen.iter().map(|text| pair(text)).collect(), is_all, ..Chooser::default() }.shown(&shell)
        };
        assert_eq!(many(&[], false), "none");
        assert_eq!(many(&["a", "b"], false), "a, b");
        assert_eq!(many(&["a", "b", "c", "d", "e"], false), "a, b, c +2");
        assert_eq!(many(&["a"], true), "All");
    }

    #[test]
    fn menus_list_what_is_chosen_and_are_bounded() {
        let shell = shell(Page::Boards, "x", "/d/a", "");
        let choices = (0..2_000).map(|at| pair(&format!("c{at}"))).collect();
        let one = Chooser { choices, chosen: vec![pair("gone")], has_all: true, ..Chooser::default() };
        let listed = one.listed(&shell);
        assert_eq!(listed.len(), CHOICES_SHOWN_MAX + 2);
        assert_eq!((listed[0].value, listed[0].is_on), (ALL, false));
        assert_eq!((listed[1].value, listed[1].is_on), ("gone", true));
        assert_eq!((one.unlisted(), one.has_search()), (1_500, true));
    }

    #[test]
    fn conditions_are_taken_away_one_by_one() {
        let shell = shell(Page::Boards, "x", "/d/a", "from=now-6h&var-f=a%7C%3D%7C1&var-f=b%7C%3D%7C2");
        let conditions = vec![("a = 1".to_owned(), "a|=|1".to_owned()), ("b = 2".to_owned(), "b|=|2".to_owned())];
        let filters = Chooser { name: "f".into(), way: Way::Conditions, chosen: conditions, ..Chooser::default() };
        let shown = filters.conditions(&shell);
        assert_eq!(shown[0], ("a = 1".to_owned(), "/d/a?from=now-6h&var-f=b%7C%3D%7C2".to_owned()));
    }
}
