//! One dashboard: its variables, links, rows and panels. What panels show is asked for by the page's script.

use super::choose::{Chooser, Way};
use super::tile::{Linked, Tile};
use crate::boards::model::{SharedCursor, slug};
use crate::boards::query::Switches;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Stands for the uid of a dashboard that has none yet.
pub const NEW: &str = "new";

/// What the page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardInput {
    /// Names it in URLs.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What it says of itself.
    pub description: String,
    /// Whether whoever looks gave it a star; none where nobody is signed in.
    pub is_starred: Option<bool>,
    /// Variables that are shown, in order.
    pub variables: Vec<Chooser>,
    /// Annotations that readers turn on and off.
    pub switches: Vec<MarkSwitch>,
    /// Links beside the variables.
    pub links: Vec<Linked>,
    /// Menus of links beside the variables.
    pub menus: Vec<(String, Vec<Linked>)>,
    /// Panels and rows that are shown, in reading order.
    pub tiles: Vec<Tile>,
    /// What charts share when the pointer is on one.
    pub cursor: SharedCursor,
    /// Whether variables offer something else when the range changes.
    pub follows_range: bool,
    /// The only panel that is shown.
    pub viewed: Option<String>,
    /// Whether whoever looks may change it.
    pub may_edit: bool,
    /// Whether they are changing it.
    pub is_edited: bool,
    /// Whether it is not as its file has it any more.
    pub is_changed_here: bool,
    /// What is wrong with the whole of it, in words.
    pub problem: Option<String>,
}

/// Annotations that readers turn on and off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarkSwitch {
    /// Their name.
    pub name: String,
    /// How they are marked, as CSS.
    pub colour: String,
    /// Whether they are shown.
    pub is_on: bool,
    /// Whether they are where nobody turned them.
    pub is_on_at_first: bool,
}

impl MarkSwitch {
    /// The page with them turned.
    fn turned(&self, shell: &Shell) -> String {
        let value = if self.is_on == self.is_on_at_first { if self.is_on { "off" } else { "on" } } else { "" };
        shell.href(&Switches::param(&self.name), value)
    }
}

#[derive(askama::Template)]
#[template(path = "boards/board.html")]
struct BoardPage<'a> {
    shell: &'a Shell,
    input: &'a BoardInput,
}

impl BoardPage<'_> {
    /// Its uid in addresses of the script.
    fn named(&self) -> &str {
        if self.input.uid.is_empty() { NEW } else { &self.input.uid }
    }

    /// Where the script asks for what panels show.
    fn panels_url(&self) -> String {
        links::board_panels(self.named())
    }

    /// Where the script has drafts shown.
    fn draft_url(&self) -> String {
        links::board_draft(self.named())
    }

    /// The page with tools to change it.
    fn edit_url(&self) -> String {
        self.shell.href_with(&[("edit", "1"), ("viewPanel", "")])
    }

    /// The dashboard as it was given.
    fn json_url(&self) -> String {
        links::BOARD_JSON.replace("{uid}", &links::encode(&self.input.uid)).replace("{slug}", "-")
    }

    /// What it was.
    fn history_url(&self) -> String {
        links::board_versions(&self.input.uid, &slug(&self.input.title))
    }

    /// The page to share it, as it is shown.
    fn share_url(&self) -> String {
        let own = self.shell.params_but(&["viewPanel", "kiosk", "edit", "refresh", "open", "closed", "from", "to"]);
        let pairs: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        links::with(&links::board_share(&self.input.uid, &slug(&self.input.title)), &pairs)
    }

    /// What charts share, as the script knows it.
    const fn cursor(&self) -> &'static str {
        match self.input.cursor {
            SharedCursor::Off => "off",
            SharedCursor::Crosshair => "line",
            SharedCursor::Tooltip => "tip",
        }
    }

    /// Without bars around.
    fn is_kiosk(&self) -> bool {
        self.shell.has_param("kiosk")
    }

    /// Panels that are shown: all, or the one that is viewed.
    fn tiles(&self) -> Vec<&Tile> {
        let is_shown = |tile: &&Tile| self.input.viewed.as_ref().is_none_or(|viewed| *viewed == tile.key);
        self.input.tiles.iter().filter(is_shown).collect()
    }

    /// Whether a panel is viewed that there is not.
    fn is_lost(&self) -> bool {
        self.input.viewed.is_some() && self.tiles().is_empty()
    }

    /// The whole dashboard again.
    fn whole(&self) -> String {
        self.shell.href("viewPanel", "")
    }

    fn links(&self) -> impl Iterator<Item = &Linked> {
        self.input.links.iter().filter(|link| link.is_safe())
    }
}

/// Renders the page.
pub fn render(input: &BoardInput, shell: &Shell) -> String {
    page::html(&BoardPage { shell, input })
}

#[cfg(test)]
mod tests;
