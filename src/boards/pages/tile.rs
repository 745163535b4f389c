//! Panels and rows as places on the page: what is known of them before their data are there.

use crate::boards::model::Place;
use crate::ui::shell::Shell;

/// A link with its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Linked {
    /// Its words.
    pub text: String,
    /// Where it leads.
    pub href: String,
    /// What it is for.
    pub tooltip: String,
    /// Whether it opens a window of its own.
    pub opens_window: bool,
}

impl Linked {
    /// Whether it leads where a link may lead: pages of this server, the web, mail. Never to a script.
    pub fn is_safe(&self) -> bool {
        let href = self.href.trim_start().to_ascii_lowercase();
        let scheme = href.split(['/', '?', '#']).next().filter(|start| start.contains(':')).and_then(|start| start.split(':').next());
        scheme.is_none_or(|scheme| matches!(scheme, "http" | "https" | "mailto"))
    }
}

/// A row of panels: a heading that opens and closes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowState {
    /// Whether its panels are shown.
    pub is_open: bool,
    /// How many panels it has.
    pub count: usize,
}

impl RowState {
    /// How many panels it has, in words.
    pub(super) fn counted(&self, shell: &Shell) -> String {
        shell.lang().n(self.count as u64, "{} panel", "{} panels")
    }
}

/// A panel or a row on the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tile {
    /// Names it on the page: its number, and for copies what tells them apart.
    pub key: String,
    /// Grafana's name of its type.
    pub kind: String,
    /// Its title, with variables filled in.
    pub title: String,
    /// What it says of itself, with variables filled in.
    pub description: String,
    /// Where it stands.
    pub place: Place,
    /// Whether it stands without a surface of its own.
    pub is_transparent: bool,
    /// Of a row, how it is.
    pub row: Option<RowState>,
    /// Its query in the explorer of metrics or of logs; empty if it has none.
    pub explore: String,
    /// Links on its title.
    pub links: Vec<Linked>,
}

/// The parameters of a URL that say which rows are open that would be closed, and the other way round.
pub const OPENED: &str = "open";
/// See [`OPENED`].
pub const CLOSED: &str = "closed";

impl Tile {
    /// Its id in the document; keys may have dots.
    pub(super) fn dom_id(&self) -> String {
        self.key.replace('.', "_")
    }

    /// The page with only this panel.
    pub(super) fn href(&self, shell: &Shell) -> String {
        shell.href("viewPanel", &self.key)
    }

    /// The page with this row opened or closed.
    pub(super) fn turned(&self, shell: &Shell) -> String {
        let mut opened = listed(shell.param(OPENED));
        let mut closed = listed(shell.param(CLOSED));
        // Copies of a row open and close together: they have one number.
        let number = self.key.split('.').next().unwrap_or_default();
        opened.retain(|key| *key != number);
        closed.retain(|key| *key != number);
        if self.row.as_ref().is_some_and(|row| row.is_open) {
            closed.push(number)
        } else {
            opened.push(number)
        }
        shell.href_with(&[(OPENED, &opened.join(",")), (CLOSED, &closed.join(","))])
    }

    /// Links of its title that may be shown.
    pub(super) fn safe_links(&self) -> impl Iterator<Item = &Linked> {
        self.links.iter().filter(|link| link.is_safe())
    }
}

/// The keys in a parameter.
fn listed(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or("").split(',').filter(|key| !key.is_empty()).collect()
}

/// Whether a URL says that a row is open or closed; none if it says nothing.
pub fn said_open(shell: &Shell, key: &str) -> Option<bool> {
    let says = |name| listed(shell.param(name)).contains(&key);
    if says(OPENED) { Some(true) } else { says(CLOSED).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn rows_open_and_close_by_url() {
        let row = |key: &str, is_open| Tile { key: key.into(), row: Some(RowState { is_open, count: 1 }), ..Tile::default() };
        let plain = shell(Page::Boards, "x", "/d/a", "var-job=b");
        assert_eq!(row("5", true).turned(&plain), "/d/a?var-job=b&closed=5");
        assert_eq!(row("5", false).turned(&plain), "/d/a?var-job=b&open=5");
        let turned = shell(Page::Boards, "x", "/d/a", "open=5,6&closed=7");
        assert_eq!(row("5", true).turned(&turned), "/d/a?open=6&closed=7%2C5");
        assert_eq!([said_open(&turned, "5"), said_open(&turned, "7"), said_open(&turned, "8")], [Some(true), Some(false), None]);
    }

    #[test]
    fn links_never_run_scripts() {
        for (href, safe) in [
            ("/d/x?a=b:c", true),
            ("d/x", true),
            ("https://example.com", true),
            ("mailto:a@example.com", true),
            ("?x=a:b", true),
            ("javascript:alert(1)", false),
            (" JavaScript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
        ] {
            assert_eq!(Linked { href: href.into(), ..Linked::default() }.is_safe(), safe, "{href}");
        }
    }
}
