//! Bringing a dashboard in: its JSON is pasted or chosen as a file, looked at panel by panel, then kept.

use crate::boards::model::{Finding, LOGS_UID, Level, METRICS_UID, Report};
use crate::ui::lang::key;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Most findings on the page.
const FINDINGS_MAX: usize = 300;

/// A dashboard that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Its title.
    pub title: String,
    /// Its uid; empty where one will be made up.
    pub uid: String,
    /// What became of it.
    pub report: Report,
    /// The title of the dashboard that has its uid already.
    pub replaces: Option<String>,
}

/// A source or a constant that the dashboard wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Its name in the JSON.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The kind of source in the words of Grafana; empty for a constant.
    pub plugin: String,
    /// What is chosen: the uid of a source, or the constant.
    pub value: String,
}

impl Wanted {
    /// The field of a form for it.
    pub fn field(&self) -> String {
        format!("input-{}", self.name)
    }

    fn called(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    /// Uid and name of the sources that there are.
    const fn sources() -> [(&'static str, &'static str); 2] {
        [(METRICS_UID, key("Metrics")), (LOGS_UID, key("Logs"))]
    }
}

/// What the page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportInput {
    /// The JSON as it was pasted.
    pub json: String,
    /// The folder that was chosen.
    pub folder: String,
    /// Uid and title of every folder.
    pub folders: Vec<(String, String)>,
    /// What it wants to be told.
    pub wanted: Vec<Wanted>,
    /// What was seen in it.
    pub looked: Option<Looked>,
    /// Why it cannot be imported, in words.
    pub problem: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "boards/import.html")]
struct ImportPage<'a> {
    shell: &'a Shell,
    input: &'a ImportInput,
}

impl ImportPage<'_> {
    /// In a sentence: how much of it works.
    fn outcome(&self, looked: &Looked) -> String {
        let (whole, all) = (looked.report.whole, looked.report.panels);
        if whole == all {
            return self.shell.lang().n(all as u64, "The only panel works as it was meant.", "All {} panels work as they were meant.");
        }
        self.shell.f2("{} of {} panels work as they were meant; of the others this is to say:", whole, all)
    }

    fn findings<'a>(&self, looked: &'a Looked) -> Vec<&'a Finding> {
        let mut findings: Vec<&Finding> = looked.report.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        findings.truncate(FINDINGS_MAX);
        findings
    }

    /// How many findings are not listed.
    fn unlisted(&self, looked: &Looked) -> usize {
        looked.report.findings.len().saturating_sub(FINDINGS_MAX)
    }

    /// Class and word of a level.
    const fn level(&self, level: &Level) -> (&'static str, &'static str) {
        match level {
            Level::Adapted => ("info", key("adapted")),
            Level::Ignored => ("warn", key("left out")),
            Level::Broken => ("crit", key("does not work")),
        }
    }
}

/// Renders the page.
pub fn render(input: &ImportInput, shell: &Shell) -> String {
    page::html(&ImportPage { shell, input })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::{one_line, shell};

    const HOSTILE: &str = "</textarea><img src=x onerror=alert(1)>{{ 1 }}";

    fn html(input: &ImportInput) -> String {
        one_line(&render(input, &shell(Page::Boards, "Import a dashboard", links::BOARDS_IMPORT, "")))
    }

    #[test]
    fn what_was_seen_is_said_before_it_is_kept() {
        let fresh = html(&ImportInput::default());
        assert!(fresh.contains("name=\"json\"") && fresh.contains("value=\"look\"") && !fresh.contains("value=\"save\""));
        let mut report = Report { panels: 3, whole: 1, findings: Vec::new() };
        report.add(Some((4, "CPU")), Level::Adapted, "panels[0]", "the smooth line is drawn straight");
        report.add(None, Level::Broken, "panels[1]", "the type geomap is not drawn");
        let looked = Looked { title: "Hosts".into(), uid: "h".into(), report, replaces: Some("Old hosts".into()) };
        let seen = html(&ImportInput { json: "{}".into(), looked: Some(looked), ..ImportInput::default() });
        let at = |text: &str| seen.find(text).unwrap_or_else(|| panic!("{text}: {seen}"));
        assert!(at("does not work") < at("adapted"), "the worst comes first");
        assert!(
            seen.contains("1 of 3 panels") && seen.contains("value=\"save\"") && seen.contains("Old hosts") && seen.contains("panels[1]")
        );
        let whole = Looked { report: Report { panels: 2, whole: 2, findings: Vec::new() }, ..Looked::default() };
        assert!(html(&ImportInput { looked: Some(whole), ..ImportInput::default() }).contains("All 2 panels work as they were meant."));
    }

    #[test]
    fn what_a_dashboard_wants_to_be_told_is_asked() {
        let source = Wanted { name: "DS_LOKI".into(), label: "Loki".into(), plugin: "loki".into(), value: LOGS_UID.into() };
        let constant = Wanted { name: "VAR_PREFIX".into(), value: "node_".into(), ..Wanted::default() };
        let page = html(&ImportInput { wanted: vec![source, constant], looked: Some(Looked::default()), ..ImportInput::default() });
        for part in ["name=\"input-DS_LOKI\"", "<option value=\"logs\" selected>Logs</option>", "name=\"input-VAR_PREFIX\" value=\"node_\""]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn foreign_text_stays_text() {
        let mut report = Report { panels: 2, whole: 1, findings: Vec::new() };
        report.add(Some((1, HOSTILE)), Level::Ignored, HOSTILE, HOSTILE);
        let looked = Looked { title: HOSTILE.into(), uid: HOSTILE.into(), report, replaces: Some(HOSTILE.into()) };
        let page = html(&ImportInput {
            json: HOSTILE.into(),
            folder: HOSTILE.into(),
            folders: vec![(HOSTILE.into(), HOSTILE.into())],
            wanted: vec![Wanted { name: HOSTILE.into(), label: HOSTILE.into(), plugin: HOSTILE.into(), value: HOSTILE.into() }],
            looked: Some(looked),
            problem: Some(HOSTILE.into()),
        });
        assert!(!page.contains("<img src=x"), "{page}");
    }
}
