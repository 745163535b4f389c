//! Bringing objectives in from elsewhere: a file is looked at, then kept.

use crate::ui::bringing::Fate;
use crate::ui::page;
use crate::ui::shell::Shell;

/// An objective of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its name.
    pub name: String,
    /// How much must be good, in percent.
    pub objective: String,
    /// Over which time.
    pub window: String,
    /// What is to become of it.
    pub fate: Fate,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ImportInput {
    /// The file, as it was given.
    pub text: String,
    /// What programs it is of; empty where nothing was looked at.
    pub source: String,
    /// Its objectives.
    pub slos: Vec<Looked>,
    /// What is left out, and what else there is to say.
    pub notes: Vec<String>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change objectives.
    pub may_change: bool,
}

#[derive(askama::Template)]
#[template(path = "slo/import.html")]
struct ImportPage<'a> {
    shell: &'a Shell,
    input: &'a ImportInput,
    news: usize,
    words: String,
}

/// Renders the page.
pub fn render(input: &ImportInput, shell: &Shell) -> String {
    let news = input.slos.iter().filter(|slo| slo.fate == Fate::New).count();
    page::html(&ImportPage { words: shell.lang().n(news as u64, "Bring in {} SLO", "Bring in {} SLOs"), shell, input, news })
}
