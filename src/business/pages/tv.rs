//! Every KPI, large, for a wall: read from afar, without anything to press.

use super::home::{GroupView, Tile, groups, said};
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct TvInput {
    /// KPIs, in the order in which they are shown.
    pub kpis: Vec<Tile>,
}

#[derive(askama::Template)]
#[template(path = "business/tv.html")]
struct TvPage<'a> {
    shell: &'a Shell,
    said: String,
    groups: Vec<GroupView<'a>>,
    /// How many columns the wall has, so that all of them are on it.
    columns: usize,
    rows: usize,
}

/// Columns for so many tiles: as few as can be, so that they are large.
const fn columns(tiles: usize) -> usize {
    match tiles {
        0..=1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        10..=16 => 4,
        17..=30 => 5,
        _ => 6,
    }
}

/// Renders the page. The shell stands alone and refreshes by itself.
pub fn render(input: &TvInput, shell: &Shell) -> String {
    let (said, columns) = (said(&input.kpis, shell.lang()), columns(input.kpis.len()));
    let rows = input.kpis.len().div_ceil(columns).max(1);
    page::html(&TvPage { shell, said, groups: groups(&input.kpis, shell), columns, rows })
}
