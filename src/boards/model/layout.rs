//! Where panels stand: rows opened and closed, copies for each value of a variable, and nothing above another.
//!
//! As in Grafana's grid, everything moves up as far as it can; a row goes from edge to edge, so nothing passes it.

use std::sync::Arc;

use super::board::{Board, GRID_COLUMNS, Panel, PanelKind, Place, Repeat};

/// Most panels that are placed, copies included.
const PLACED_MAX: usize = 2_000;
/// Most copies of one panel or row.
const COPIES_MAX: usize = 200;

/// A panel or row where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Names it on the page: its number. Of copies, `number.copy`; of those in the copy of a row, `number.row.copy`.
    /// The first of several copies is the panel itself.
    pub key: String,
    /// The panel or row.
    pub panel: Arc<Panel>,
    /// Where it stands. Places do not overlap, but for those of hidden panels, which count once their row is opened.
    pub place: Place,
    /// What variables are for this copy: name, text, value.
    pub scoped: Vec<(String, String, String)>,
    /// The key of the row it belongs to.
    pub row: Option<String>,
    /// Whether its row is closed.
    pub is_hidden: bool,
}

/// Texts and values of a variable by its name.
pub type ValuesOf<'a> = &'a dyn Fn(&str) -> Vec<(String, String)>;

/// A row with what stands under it; the first of a dashboard may have no row.
struct Section<'a> {
    row: Option<&'a Panel>,
    panels: Vec<&'a Panel>,
}

impl Board {
    /// Places everything. `values_of` gives what is chosen of a variable, as text and value; `opened` says whether the
    /// reader opened or closed the row with a number, none where it is as in the JSON.
    pub fn layout(&self, values_of: ValuesOf<'_>, opened: &dyn Fn(i64) -> Option<bool>) -> Vec<Placed> {
        let mut grid = Grid { values_of, placed: Vec::new(), skyline: [0; GRID_COLUMNS as usize] };
        for section in sections(&self.panels) {
            let Some(row) = section.row else {
                grid.panels(&section.panels, &Under::default());
                continue;
            };
            let is_hidden = match opened(row.id) {
                Some(is_open) => !is_open,
                None => row.row.as_ref().is_some_and(|row| row.is_collapsed),
            };
            grid.row(row, &section.panels, is_hidden);
        }
        grid.placed
    }
}

/// Takes panels apart into rows. Those of an open row stand after it, up to the next row.
fn sections(panels: &[Panel]) -> Vec<Section<'_>> {
    let mut sections = vec![Section { row: None, panels: Vec::new() }];
    for panel in in_reading_order(panels.iter()) {
        match &panel.row {
            Some(row) if row.panels.is_empty() && !row.is_collapsed => sections.push(Section { row: Some(panel), panels: Vec::new() }),
            Some(row) => {
                sections.push(Section { row: Some(panel), panels: in_reading_order(row.panels.iter()) });
                // What stands after a collapsed row is not of it.
                if row.is_collapsed {
                    sections.push(Section { row: None, panels: Vec::new() });
                }
            }
            None => {
                if let Some(last) = sections.last_mut() {
                    last.panels.push(panel);
                }
            }
        }
    }
    sections
}

fn in_reading_order<'a>(panels: impl Iterator<Item = &'a Panel>) -> Vec<&'a Panel> {
    let mut panels: Vec<&Panel> = panels.collect();
    panels.sort_by_key(|panel| (panel.place.y, panel.place.x));
    panels
}

/// The row under which panels are placed.
#[derive(Default)]
struct Under {
    /// Its key.
    key: Option<String>,
    /// Which copy of the row; 0 for the row itself.
    copy: usize,
    /// Variables of the copy.
    scoped: Vec<(String, String, String)>,
    /// Whether it is closed.
    is_hidden: bool,
}

struct Grid<'a> {
    values_of: ValuesOf<'a>,
    placed: Vec<Placed>,
    /// The first free row of the grid in each column.
    skyline: [u32; GRID_COLUMNS as usize],
}

impl Grid<'_> {
    /// A row with its panels, once for each value if it repeats.
    fn row(&mut self, row: &Panel, panels: &[&Panel], is_hidden: bool) {
        let shared = Arc::new(row.clone());
        for (copy, scoped) in self.copies(row.repeat.as_ref(), &[]).into_iter().enumerate() {
            let key = if copy == 0 { row.id.to_string() } else { format!("{}.{copy}", row.id) };
            let place = self.settle(Place { x: 0, y: 0, w: GRID_COLUMNS, h: 1 });
            self.put(Placed { key: key.clone(), panel: Arc::clone(&shared), place, scoped: scoped.clone(), row: None, is_hidden: false });
            let below = self.skyline;
            self.panels(panels, &Under { key: Some(key), copy, scoped, is_hidden });
            if is_hidden {
                self.skyline = below;
            }
        }
    }

    /// Panels of a section, each once for each value if it repeats.
    fn panels(&mut self, panels: &[&Panel], under: &Under) {
        for panel in panels.iter().filter(|panel| panel.kind != PanelKind::Row) {
            let copies = self.copies(panel.repeat.as_ref(), &under.scoped);
            let shared = Arc::new((*panel).clone());
            let count = copies.len();
            for (copy, scoped) in copies.into_iter().enumerate() {
                let place = self.settle(wanted_place(panel, copy, count));
                let key = match (under.copy, copy) {
                    (0, 0) => panel.id.to_string(),
                    (0, copy) => format!("{}.{copy}", panel.id),
                    (row, copy) => format!("{}.{row}.{copy}", panel.id),
                };
                let (row, is_hidden) = (under.key.clone(), under.is_hidden);
                self.put(Placed { key, panel: Arc::clone(&shared), place, scoped, row, is_hidden });
            }
        }
    }

    fn put(&mut self, placed: Placed) {
        if self.placed.len() < PLACED_MAX {
            self.placed.push(placed);
        }
    }

    /// What variables are for each copy; one without more where nothing repeats or the variable has no values.
    fn copies(&self, repeat: Option<&Repeat>, scoped: &[(String, String, String)]) -> Vec<Vec<(String, String, String)>> {
        let once = || vec![scoped.to_vec()];
        let Some(repeat) = repeat else { return once() };
        // In a row that repeats by the same variable there is one value.
        if scoped.iter().any(|(name, _, _)| *name == repeat.variable) {
            return once();
        }
        let with = |(text, value)| {
            let mut scoped = scoped.to_vec();
            scoped.push((repeat.variable.clone(), text, value));
            scoped
        };
        let free = PLACED_MAX.saturating_sub(self.placed.len()).clamp(1, COPIES_MAX);
        let copies: Vec<_> = (self.values_of)(&repeat.variable).into_iter().take(free).map(with).collect();
        if copies.is_empty() { once() } else { copies }
    }

    /// Takes room for a panel: as high as it can stand in its columns.
    fn settle(&mut self, wanted: Place) -> Place {
        let w = wanted.w.clamp(1, GRID_COLUMNS);
        let x = wanted.x.min(GRID_COLUMNS - w);
        let columns = &mut self.skyline[x as usize..(x + w) as usize];
        let y = columns.iter().copied().max().unwrap_or(0);
        let h = wanted.h.max(1);
        columns.fill(y.saturating_add(h));
        Place { x, y, w, h }
    }
}

/// The columns of a copy. Copies beside each other share the whole width, whatever the panel has.
fn wanted_place(panel: &Panel, copy: usize, count: usize) -> Place {
    match &panel.repeat {
        Some(repeat) if !repeat.is_vertical && count > 1 => {
            let per_line = (count as u32).min(repeat.per_line_max.clamp(1, GRID_COLUMNS));
            let at = copy as u32 % per_line;
            // Where the columns do not come out even, some copies are one wider.
            let x = at * GRID_COLUMNS / per_line;
            Place { x, w: (at + 1) * GRID_COLUMNS / per_line - x, ..panel.place }
        }
        _ => panel.place,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn board(panels: &Value) -> Board {
        Board::read(&json!({"schemaVersion": 39, "title": "t", "panels": panels})).unwrap().0
    }

    fn values(name: &str) -> Vec<(String, String)> {
        let pair = |text: &str| (text.to_uppercase(), text.to_owned());
        match name {
            "one" => vec![pair("a")],
            "three" => ["a", "b", "c"].map(pair).to_vec(),
            "five" => ["a", "b", "c", "d", "e"].map(pair).to_vec(),
            _ => Vec::new(),
        }
    }

    /// `key x,y wxh` of each, `-` before what is hidden, values in brackets, the row behind.
    fn drawn(placed: &[Placed]) -> Vec<String> {
        let one = |placed: &Placed| {
            let Place { x, y, w, h } = placed.place;
            let values: Vec<&str> = placed.scoped.iter().map(|(_, _, value)| value.as_str()).collect();
            let values = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(",")) };
            let row = placed.row.as_ref().map(|row| format!(" in {row}")).unwrap_or_default();
            format!("{}{} {x},{y} {w}x{h}{values}{row}", if placed.is_hidden { "-" } else { "" }, placed.key)
        };
        placed.iter().map(one).collect()
    }

    fn panel(id: i64, x: u32, y: u32, w: u32, h: u32) -> Value {
        json!({"id": id, "type": "stat", "title": "p", "gridPos": {"x": x, "y": y, "w": w, "h": h}})
    }

    fn with(mut panel: Value, more: &Value) -> Value {
        for (name, value) in more.as_object().unwrap() {
            panel[name] = value.clone();
        }
        panel
    }

    fn row(id: i64, y: u32, more: &Value) -> Value {
        with(json!({"id": id, "type": "row", "title": "r", "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}, "panels": []}), more)
    }

    #[test]
    fn places_and_copies_are_as_in_grafana() {
        let repeat = |name: &str, most: u32| json!({"repeat": name, "repeatDirection": "h", "maxPerRow": most});
        let down = |name: &str| json!({"repeat": name, "repeatDirection": "v"});
        for (what, panels, expected) in [
            (
                "gaps close",
                json!([panel(1, 0, 5, 12, 4), panel(2, 12, 5, 12, 8), panel(3, 0, 20, 12, 4)]),
                vec!["1 0,0 12x4", "2 12,0 12x8", "3 0,4 12x4"],
            ),
            ("overlaps are undone", json!([panel(1, 0, 0, 12, 4), panel(2, 6, 0, 12, 4)]), vec!["1 0,0 12x4", "2 6,4 12x4"]),
            ("order is by place", json!([panel(1, 0, 8, 12, 4), panel(2, 0, 0, 12, 4)]), vec!["2 0,0 12x4", "1 0,4 12x4"]),
            (
                "beside",
                json!([with(panel(1, 0, 0, 6, 4), &repeat("three", 2)), panel(2, 0, 4, 24, 3)]),
                vec!["1 0,0 12x4 [a]", "1.1 12,0 12x4 [b]", "1.2 0,4 12x4 [c]", "2 0,8 24x3"],
            ),
            (
                "uneven",
                json!([with(panel(1, 0, 0, 6, 4), &repeat("five", 5))]),
                vec!["1 0,0 4x4 [a]", "1.1 4,0 5x4 [b]", "1.2 9,0 5x4 [c]", "1.3 14,0 5x4 [d]", "1.4 19,0 5x4 [e]"],
            ),
            (
                "below",
                json!([with(panel(1, 0, 0, 6, 4), &down("three")), panel(2, 6, 0, 6, 4), panel(3, 0, 4, 12, 3)]),
                vec!["1 0,0 6x4 [a]", "1.1 0,4 6x4 [b]", "1.2 0,8 6x4 [c]", "2 6,0 6x4", "3 0,12 12x3"],
            ),
            ("a single value keeps the width", json!([with(panel(1, 6, 0, 6, 4), &repeat("one", 4))]), vec!["1 6,0 6x4 [a]"]),
            ("no values", json!([with(panel(1, 0, 0, 6, 4), &repeat("none", 4))]), vec!["1 0,0 6x4"]),
        ] {
            assert_eq!(drawn(&board(&panels).layout(&values, &|_| None)), expected, "{what}");
        }
    }

    #[test]
    fn rows_open_close_and_repeat() {
        let folded = json!([
            row(10, 0, &json!({"collapsed": true, "panels": [panel(1, 0, 1, 12, 4)]})),
            row(11, 1, &json!({})),
            panel(2, 0, 2, 12, 4),
            row(12, 6, &json!({"repeat": "three"})),
            with(panel(3, 0, 7, 12, 4), &json!({"repeat": "three"})),
        ]);
        let board = board(&folded);
        assert_eq!(
            drawn(&board.layout(&values, &|_| None)),
            [
                "10 0,0 24x1",
                "-1 0,1 12x4 in 10",
                "11 0,1 24x1",
                "2 0,2 12x4 in 11",
                "12 0,6 24x1 [a]",
                "3 0,7 12x4 [a] in 12",
                "12.1 0,11 24x1 [b]",
                "3.1.0 0,12 12x4 [b] in 12.1",
                "12.2 0,16 24x1 [c]",
                "3.2.0 0,17 12x4 [c] in 12.2",
            ]
        );
        let other = board.layout(&values, &|id| Some(id == 10));
        assert_eq!(drawn(&other)[..5], ["10 0,0 24x1", "1 0,1 12x4 in 10", "11 0,5 24x1", "-2 0,6 12x4 in 11", "12 0,6 24x1 [a]"]);
    }

    #[test]
    fn a_panel_in_a_repeated_row_repeats_by_another_variable() {
        let panels = json!([row(9, 0, &json!({"repeat": "three"})), with(panel(1, 0, 1, 12, 4), &json!({"repeat": "five"}))]);
        let placed = board(&panels).layout(&values, &|_| None);
        assert_eq!(placed.len(), 3 + 15);
        let last = placed.last().unwrap();
        assert_eq!((last.key.as_str(), last.row.as_deref()), ("1.2.4", Some("9.2")));
        assert_eq!(last.scoped, [("three".into(), "C".into(), "c".into()), ("five".into(), "E".into(), "e".into())]);
    }

    fn overlap(a: Place, b: Place) -> bool {
        a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
    }

    fn any_panel() -> impl Strategy<Value = Value> {
        let number = prop_oneof![Just(json!(null)), Just(json!("7")), (-5..40i64).prop_map(|n| json!(n)), Just(json!(4e18))];
        let name = prop_oneof![Just("three"), Just("five"), Just("")];
        (-1..6i64, [number.clone(), number.clone(), number.clone(), number], name, any::<(bool, bool)>()).prop_map(
            |(id, [x, y, w, h], name, (is_row, is_collapsed))| {
                json!({"id": id, "type": if is_row { "row" } else { "stat" }, "gridPos": {"x": x, "y": y, "w": w, "h": h},
                    "repeat": name, "repeatDirection": if is_collapsed { "v" } else { "h" }, "maxPerRow": id,
                    "collapsed": is_collapsed, "panels": [{"id": 3, "type": "stat", "repeat": name}]})
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_the_places_nothing_overlaps_and_keys_are_unique(panels in proptest::collection::vec(any_panel(), 0..12)) {
            let placed = board(&json!(panels)).layout(&values, &|id| (id % 2 == 0).then_some(id % 4 == 0));
            let seen: Vec<&Placed> = placed.iter().filter(|one| !one.is_hidden).collect();
            for (at, one) in seen.iter().enumerate() {
                prop_assert!(one.place.x + one.place.w <= GRID_COLUMNS && one.place.w > 0 && one.place.h > 0);
                for other in &seen[..at] {
                    prop_assert!(!overlap(one.place, other.place), "{:?} {:?}", one.place, other.place);
                }
            }
            let keys: std::collections::BTreeSet<&str> = placed.iter().map(|one| one.key.as_str()).collect();
            prop_assert_eq!(keys.len(), placed.len());
        }
    }
}
