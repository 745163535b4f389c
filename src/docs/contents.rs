//! The pages in the order in which they are read.

use crate::ui::links;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    /// Its name in the address.
    pub(super) name: &'static str,
    /// The heading above it at the side.
    pub(super) group: &'static str,
    /// Its text; the first line is `# Title`.
    pub(super) text: &'static str,
}

impl Page {
    /// Its title.
    pub(super) fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim_start_matches("# ")
    }

    /// Its address.
    pub(super) fn href(&self) -> String {
        links::docs(self.name)
    }
}

macro_rules! pages {
    ($($group:literal: $($name:literal),+;)+) => {
        /// All of them.
        pub(super) const PAGES: &[Page] = &[$($(Page {
            name: $name,
            group: $group,
            text: include_str!(concat!("../../templates/docs/", $name, ".md")),
        },)+)+];
    };
}

pages! {
    "Begin": "quick-start", "internet", "prometheus";
    "Use": "send", "logs", "collect-logs", "query", "catalogue", "search-logs", "uptime", "probes", "business", "dashboards", "rules", "slos", "channels", "calm", "phone", "http-api";
    "Run": "configuration", "access", "operations", "own-metrics", "troubleshooting";
}
