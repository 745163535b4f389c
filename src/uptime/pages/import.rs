//! Bringing checks in from elsewhere: a file is looked at, then kept.

use super::kinds;
use crate::ui::bringing::Fate;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// A check of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its name.
    pub name: String,
    /// Its kind; empty where it cannot be read.
    pub kind: &'static str,
    /// What it probes.
    pub target: String,
    /// What is to become of it.
    pub fate: Fate,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ImportInput {
    /// The file, as it was given.
    pub text: String,
    /// What program it is of; empty where nothing was looked at.
    pub source: &'static str,
    /// Its checks.
    pub checks: Vec<Looked>,
    /// What is left out, and what else there is to say.
    pub notes: Vec<String>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change checks.
    pub may_change: bool,
}

#[derive(askama::Template)]
#[template(path = "uptime/import.html")]
struct ImportPage<'a> {
    shell: &'a Shell,
    input: &'a ImportInput,
    news: usize,
    words: String,
}

impl ImportPage<'_> {
    const fn is_looked_at(&self) -> bool {
        !self.input.source.is_empty()
    }

    fn kind(&self, kind: &'static str) -> &'static str {
        kinds::name_of(kind)
    }
}

/// Renders the page.
pub fn render(input: &ImportInput, shell: &Shell) -> String {
    let news = input.checks.iter().filter(|check| check.fate == Fate::New).count();
    page::html(&ImportPage { words: shell.lang().n(news as u64, "Bring in {} check", "Bring in {} checks"), shell, input, news })
}

/// The list of checks after so many were brought in.
pub fn done(count: usize) -> String {
    links::with(links::UPTIME, &[("done", &format!("brought-{count}"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::pages::sample::{self, HOSTILE};

    #[test]
    fn what_is_to_become_of_each_is_said_and_hostile_values_are_text() {
        let html = |input: &ImportInput| render(input, &shell(Page::Uptime, "Import checks", links::UPTIME_IMPORT, ""));
        let empty = html(&ImportInput { may_change: true, ..ImportInput::default() });
        sample::check(&empty);
        assert!(!empty.contains("value=\"save\""), "{empty}");
        let looked = |fate| Looked { name: HOSTILE.into(), kind: "http", target: HOSTILE.into(), fate };
        let checks = vec![looked(Fate::New), looked(Fate::There), looked(Fate::Wrong(HOSTILE.into()))];
        let (text, notes, problem) = (HOSTILE.to_owned(), vec![HOSTILE.to_owned()], HOSTILE.to_owned());
        let text = html(&ImportInput { text, source: "Gatus", checks, notes, problem, may_change: true });
        sample::check(&text);
        assert!(text.contains("Bring in 1 check<") && text.contains("there already") && text.contains("not taken"), "{text}");
    }
}
