//! A dashboard for people without an account: it stands alone, leads nowhere, and offers what may be chosen.

use super::board::BoardInput;
use super::choose::Way;
use super::tile::Tile;
use crate::boards::model::SharedCursor;
use crate::ui::format::Moment;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PublicInput {
    /// The dashboard.
    pub board: BoardInput,
    /// Where the script asks for what panels show.
    pub panels: String,
    /// When a snapshot was taken; none where it is as it is now.
    pub taken: Option<Moment>,
    /// What was chosen on a snapshot: names and texts.
    pub chosen: Vec<(String, String)>,
}

#[derive(askama::Template)]
#[template(path = "boards/public.html")]
struct PublicPage<'a> {
    shell: &'a Shell,
    input: &'a PublicInput,
}

impl PublicPage<'_> {
    fn is_kiosk(&self) -> bool {
        self.shell.has_param("kiosk")
    }

    /// Panels that are shown: all, or the one that is viewed.
    fn tiles(&self) -> Vec<&Tile> {
        let board = &self.input.board;
        let is_shown = |tile: &&Tile| board.viewed.as_ref().is_none_or(|viewed| *viewed == tile.key);
        board.tiles.iter().filter(is_shown).collect()
    }

    /// What charts share, as the script knows it.
    const fn cursor(&self) -> &'static str {
        match self.input.board.cursor {
            SharedCursor::Off => "off",
            SharedCursor::Crosshair => "line",
            SharedCursor::Tooltip => "tip",
        }
    }

    /// The range in words, where it cannot be chosen.
    fn range(&self) -> Option<&str> {
        self.shell.range.as_ref().filter(|_| self.shell.is_range_fixed).map(|control| control.label.as_str())
    }

    /// The whole dashboard again; none where only one panel was asked for.
    fn whole(&self) -> Option<String> {
        let is_all = self.input.board.viewed.is_none() || self.shell.param("panel").is_some();
        (!is_all).then(|| self.shell.href("viewPanel", ""))
    }
}

/// Renders the page.
pub fn render(input: &PublicInput, shell: &Shell) -> String {
    page::html(&PublicPage { shell, input })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::pages::choose::Chooser;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn it_leads_nowhere() {
        let tile = Tile { key: "4".into(), kind: "timeseries".into(), title: "Up".into(), ..Tile::default() };
        let chooser = Chooser { name: "job".into(), choices: vec![("api".into(), "api".into())], ..Chooser::default() };
        let board = BoardInput { title: "Shared".into(), tiles: vec![tile], variables: vec![chooser], ..BoardInput::default() };
        let input = PublicInput { board, panels: "/p/abc/panels".into(), ..PublicInput::default() };
        let mut shell = shell(Page::Boards, "Shared", "/p/abc", "").with_range("now-1h").with_refresh("30s");
        shell.is_alone = true;
        let html = render(&input, &shell);
        let links: Vec<&str> = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let inside =
            |link: &&&str| !["/p/abc", "/assets/", "data:", "#", "?"].iter().any(|start| link.starts_with(start)) && !link.is_empty();
        assert_eq!(links.iter().filter(inside).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert!(html.contains("data-src=\"/p/abc/panels\"") && !html.contains("data-draft") && !html.contains("/logout"), "{html}");
    }
}
