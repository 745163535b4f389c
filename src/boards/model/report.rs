//! What became of a dashboard when it was read: what works, what was adapted, what is left out; panel by panel.

/// The report of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// In the order in which things stand in the JSON.
    pub findings: Vec<Finding>,
    /// Panels, rows not counted.
    pub panels: usize,
    /// Panels that are drawn as they were meant.
    pub whole: usize,
}

/// Something about a dashboard or one of its panels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which panel, by number and title; none for the dashboard itself.
    pub panel: Option<(i64, String)>,
    /// How bad.
    pub level: Level,
    /// Where in the JSON, as a path (`panels[3].targets[0].expr`).
    pub path: String,
    /// In words.
    pub text: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Works, in another way than there.
    Adapted,
    /// Left out; the rest of the panel works.
    Ignored,
    /// The panel does not work.
    Broken,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, panel: Option<(i64, &str)>, level: Level, path: impl Into<String>, text: impl Into<String>) {
        let panel = panel.map(|(id, title)| (id, title.to_owned()));
        self.findings.push(Finding { panel, level, path: path.into(), text: text.into() });
    }
}
