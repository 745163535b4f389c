//! The navigation: which pages exist, in which order, under which names and keys.

use crate::ui::assets::icon;
use crate::ui::lang::key;
use crate::ui::links;

/// A page that has an entry in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Front page.
    Home,
    /// Dashboards.
    Boards,
    /// Explorer and catalogue.
    Metrics,
    /// Lines, streams.
    Logs,
    /// Alerts, rules, silences, routing.
    Alerts,
    /// Checks, incidents, maintenance, status pages.
    Uptime,
    /// How fast pages are for those who look at them.
    Vitals,
    /// KPIs.
    Business,
    /// How much has to go well, and what is left of it.
    Slos,
    /// Scrape targets.
    Targets,
    /// Pushed groups.
    Pushed,
    /// How programs send metrics.
    Send,
    /// Where series come from.
    Cardinality,
    /// The server.
    Status,
    /// Accounts, tokens, the audit log.
    Settings,
    /// How things work here.
    Docs,
    /// None of them, such as an error page.
    Elsewhere,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// The page.
    pub page: Page,
    /// Its name.
    pub text: &'static str,
    /// Its path.
    pub href: &'static str,
    /// The letter after `g`.
    pub key: &'static str,
    /// Its icon as SVG.
    pub icon: &'static str,
}

/// Entries under a heading; the first group has none.
#[derive(Debug)]
pub struct Group {
    /// The heading, or nothing.
    pub title: &'static str,
    /// Its entries.
    pub entries: &'static [Entry],
}

const fn entry(page: Page, text: &'static str, href: &'static str, letter: &'static str, icon: &'static str) -> Entry {
    Entry { page, text, href, key: letter, icon }
}

/// The side, from top to bottom.
pub const GROUPS: [Group; 5] = [
    Group { title: "", entries: &[entry(Page::Home, key("Home"), links::HOME, "h", icon::HOUSE)] },
    Group {
        title: key("Observe"),
        entries: &[
            entry(Page::Boards, key("Dashboards"), links::BOARDS, "d", icon::LAYOUT_DASHBOARD),
            entry(Page::Metrics, key("Metrics"), links::EXPLORE, "m", icon::CHART_LINE),
            entry(Page::Logs, key("Logs"), links::LOGS, "l", icon::SCROLL_TEXT),
        ],
    },
    Group {
        title: key("Respond"),
        entries: &[
            entry(Page::Alerts, key("Alerts"), links::ALERTS, "a", icon::BELL_RING),
            entry(Page::Uptime, key("Uptime"), links::UPTIME, "u", icon::HEART_PULSE),
            entry(Page::Slos, key("SLOs"), links::SLOS, "o", icon::GAUGE),
        ],
    },
    Group {
        title: key("Product"),
        entries: &[
            entry(Page::Business, key("Business"), links::BUSINESS, "b", icon::TRENDING_UP),
            entry(Page::Vitals, key("Web vitals"), links::VITALS, "w", icon::ZAP),
        ],
    },
    Group {
        title: key("Collect"),
        entries: &[
            entry(Page::Targets, key("Targets"), links::TARGETS, "t", icon::CROSSHAIR),
            entry(Page::Pushed, key("Pushed groups"), links::PUSHED, "p", icon::UPLOAD),
            entry(Page::Send, key("Send metrics"), links::SEND, "n", icon::SEND),
            entry(Page::Cardinality, key("Cardinality"), links::CARDINALITY, "c", icon::LAYERS),
        ],
    },
];

/// The foot of the side.
pub const FOOT: [Entry; 3] = [
    entry(Page::Status, key("Status"), links::STATUS, "s", icon::SERVER_COG),
    entry(Page::Settings, key("Settings"), links::PROFILE, ",", icon::SETTINGS),
    entry(Page::Docs, key("Documentation"), links::DOCS, "?", icon::BOOK_OPEN),
];

/// The bar at the bottom of phones: three pages beside Home, the rest under More.
pub const PHONE: [Page; 4] = [Page::Home, Page::Boards, Page::Metrics, Page::Alerts];

/// All entries in order.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.entries).chain(&FOOT)
}

/// Entries of the phone bar.
pub fn phone() -> impl Iterator<Item = &'static Entry> {
    entries().filter(|entry| PHONE.contains(&entry.page))
}

/// Entries behind More on phones.
pub fn more() -> impl Iterator<Item = &'static Entry> {
    entries().filter(|entry| !PHONE.contains(&entry.page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_paths_are_unique_and_nothing_is_lost_on_phones() {
        let mut keys: Vec<_> = entries().map(|entry| entry.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), entries().count());
        assert_eq!(phone().count() + more().count(), entries().count());
        assert_eq!(phone().count(), 4);
    }
}
