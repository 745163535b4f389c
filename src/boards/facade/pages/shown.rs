//! From a dashboard with its variables to what its page shows.

use crate::boards::draw::{colour, css};
use crate::boards::model::{Board, Link, Panel, Placed, Shown, Target, VariableKind};
use crate::boards::pages::board::{BoardInput, MarkSwitch};
use crate::boards::pages::choose::{Chooser, Way};
use crate::boards::pages::tile::{Linked, RowState, Tile, said_open};
use crate::boards::query::{AdHoc, Choice, Lead, Offered, Resolved, Switches, Usage, lead};
use crate::ui::links;
use crate::ui::shell::Shell;

/// Most switches of annotations in the bar.
const SWITCHES_MAX: usize = 20;

/// Scoped variables of a copy.
type Scoped<'a> = &'a [(String, String, String)];

/// Everything but the star and what needs other dashboards. `is_edited`: each panel once, rows as the JSON has them.
pub(super) fn input(board: &Board, resolved: &Resolved, shell: &Shell, is_edited: bool) -> BoardInput {
    let viewed = shell.param("viewPanel").map(|key| key.trim_start_matches("panel-").to_owned());
    BoardInput {
        uid: board.uid.clone(),
        title: board.title.clone(),
        description: board.description.clone(),
        variables: resolved.variables.iter().filter_map(chooser).collect(),
        tiles: tiles(board, resolved, shell, viewed.as_deref(), is_edited),
        cursor: board.cursor,
        follows_range: resolved.variables.iter().any(|one| one.variable.refresh == crate::boards::model::Refresh::OnRange),
        viewed,
        ..BoardInput::default()
    }
}

/// Annotations that have a switch in the bar.
pub(super) fn switches(board: &Board, query: &str) -> Vec<MarkSwitch> {
    let turned = Switches::from_query(query);
    let shown = board.annotations.iter().filter(|one| !one.is_hidden && !one.name.is_empty()).take(SWITCHES_MAX);
    shown
        .map(|one| MarkSwitch {
            name: one.name.clone(),
            colour: css(&colour(if one.colour.is_empty() { "c1" } else { &one.colour })),
            is_on: turned.is_on(one),
            is_on_at_first: one.is_enabled,
        })
        .collect()
}

/// A variable as the bar shows it; none where readers choose nothing.
fn chooser(one: &Offered) -> Option<Chooser> {
    let variable = &one.variable;
    let way = match variable.kind {
        VariableKind::Constant | VariableKind::Other => return None,
        VariableKind::Text => Way::Text,
        VariableKind::Switch => Way::Switch,
        VariableKind::AdHoc => Way::Conditions,
        VariableKind::Query | VariableKind::Custom | VariableKind::Interval | VariableKind::Source | VariableKind::GroupBy => {
            if variable.is_multi || variable.kind == VariableKind::GroupBy { Way::Many } else { Way::One }
        }
    };
    let label = match variable.shown {
        Shown::Nothing => return None,
        Shown::Value => String::new(),
        Shown::Whole if variable.label.is_empty() => variable.name.clone(),
        Shown::Whole => variable.label.clone(),
    };
    let pair = |choice: &Choice| (choice.text.clone(), choice.value.clone());
    let condition = |choice: &Choice| {
        let read = AdHoc::read(&choice.value)?;
        Some((format!("{} {} {}", read.key, read.op, read.value), read.text()))
    };
    let chosen = match way {
        Way::Conditions => one.chosen.iter().filter_map(condition).collect(),
        _ => one.chosen.iter().map(pair).collect(),
    };
    Some(Chooser {
        name: variable.name.clone(),
        label,
        description: variable.description.clone(),
        way,
        choices: one.choices.iter().map(pair).collect(),
        chosen,
        is_all: one.is_all,
        has_all: variable.has_all,
        error: one.error.clone(),
    })
}

/// Panels and rows that are shown; one that is viewed is there though its row is closed.
fn tiles(board: &Board, resolved: &Resolved, shell: &Shell, viewed: Option<&str>, is_edited: bool) -> Vec<Tile> {
    let values_of = |name: &str| {
        let mut values = resolved.values_of(name);
        values.truncate(if is_edited { 1 } else { usize::MAX });
        values
    };
    let said = |id: i64| if is_edited { None } else { said_open(shell, &id.to_string()) };
    let placed = board.layout(&values_of, &said);
    let is_shown = |one: &&Placed| !one.is_hidden || viewed == Some(one.key.as_str());
    let mut tiles: Vec<Tile> = placed.iter().filter(is_shown).map(|one| tile(one, &placed, resolved, shell)).collect();
    tiles.sort_by_key(|tile| (tile.place.y, tile.place.x));
    tiles
}

/// Every panel and row, those of closed rows included.
pub(super) fn every_tile(board: &Board, resolved: &Resolved, shell: &Shell) -> Vec<Tile> {
    let placed = board.layout(&|name| resolved.values_of(name), &|_| Some(true));
    let mut tiles: Vec<Tile> = placed.iter().map(|one| tile(one, &placed, resolved, shell)).collect();
    tiles.sort_by_key(|tile| (tile.place.y, tile.place.x));
    tiles
}

fn tile(one: &Placed, all: &[Placed], resolved: &Resolved, shell: &Shell) -> Tile {
    let panel = &one.panel;
    let fill = |text: &str| resolved.fill(text, &one.scoped, &[]);
    let row = panel.row.as_ref().map(|row| {
        let held: Vec<&Placed> = all.iter().filter(|other| other.row.as_deref() == Some(one.key.as_str())).collect();
        let said = said_open(shell, &panel.id.to_string());
        let is_open = held.first().map_or_else(|| said.unwrap_or(!row.is_collapsed), |first| !first.is_hidden);
        RowState { is_open, count: held.len() }
    });
    Tile {
        key: one.key.clone(),
        kind: if panel.kind.name().is_empty() { panel.given_kind.clone() } else { panel.kind.name().to_owned() },
        title: fill(&panel.title),
        description: fill(&panel.description),
        place: one.place,
        is_transparent: panel.is_transparent,
        row,
        explore: explore(panel, resolved, &one.scoped),
        links: panel.links.iter().filter(|link| !link.url.is_empty()).map(|link| linked(link, resolved, &one.scoped, shell)).collect(),
    }
}

/// The first query of a panel in the explorer of metrics, or in the search of logs; empty if it has neither.
fn explore(panel: &Panel, resolved: &Resolved, scoped: Scoped<'_>) -> String {
    if !panel.kind.asks() {
        return String::new();
    }
    let in_explorer = |target: &Target| {
        let filled = |usage: Usage| resolved.filling(scoped, &[], usage).fill(&target.expr);
        match lead(&target.source, &panel.source, &resolved.filling(scoped, &[], Usage::Plain)) {
            Ok(Lead::Metrics) => Some(links::explore(&filled(Usage::PromQl))),
            Ok(Lead::Logs) => Some(links::with(links::LOGS, &[("lang", "logql"), ("q", &filled(Usage::LogQl))])),
            _ => None,
        }
    };
    let mut asked = panel.targets.iter().filter(|target| !target.is_hidden && !target.expr.trim().is_empty());
    asked.find_map(in_explorer).unwrap_or_default()
}

/// A link with variables filled in, and with range and variables where it takes them along.
pub(super) fn linked(link: &Link, resolved: &Resolved, scoped: Scoped<'_>, shell: &Shell) -> Linked {
    let mut href = resolved.fill_link(&link.url, scoped, &[]);
    let mut also = String::new();
    if link.keeps_time
        && let Some(control) = &shell.range
    {
        also = links::with("", &[("from", &control.range.from), ("to", &control.range.to)]).trim_start_matches('?').to_owned();
    }
    if link.keeps_variables {
        let variables = resolved.url();
        also = [also, variables].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    }
    if !also.is_empty() {
        href.push(if href.contains('?') { '&' } else { '?' });
        href.push_str(&also);
    }
    let text = resolved.fill(&link.title, scoped, &[]);
    Linked {
        text: if text.is_empty() { href.clone() } else { text },
        href,
        tooltip: resolved.fill(&link.tooltip, scoped, &[]),
        opens_window: link.opens_window,
    }
}
