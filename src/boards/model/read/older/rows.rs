//! Layout before Grafana 5: rows of panels with twelfths of a width, and heights in pixels.

use serde_json::{Value, json};

use crate::boards::model::board::{GRID_COLUMNS, Object, PANELS_MAX};
use crate::boards::model::read::json::{flag, list, number, text};

/// Height of rows that do not say.
const ROW_PIXELS: f64 = 250.0;
/// Least height.
const PIXELS_MIN: f64 = 90.0;
/// Height of a row of the grid with the gap below.
const CELL_PIXELS: f64 = 38.0;
/// Greatest height, in rows of the grid.
const HEIGHT_MAX: f64 = 200.0;
/// Width of panels that do not say, in twelfths.
const SPAN: f64 = 4.0;

/// Makes `panels` of `rows`; gives the path of each panel in the JSON as it came.
pub(super) fn flatten(board: &mut Object) -> Vec<String> {
    let Some(Value::Array(rows)) = board.remove("rows") else { return Vec::new() };
    let rows: Vec<(usize, Object)> = rows
        .into_iter()
        .enumerate()
        .filter_map(|(at, row)| match row {
            Value::Object(row) if !row.contains_key("repeatIteration") => Some((at, row)),
            _ => None,
        })
        .collect();
    let has_headings = rows.iter().any(|(_, row)| flag(row, "collapse") || flag(row, "showTitle") || !text(row, "repeat").is_empty());
    let (mut panels, mut paths, mut y) = (Vec::new(), Vec::new(), 0);
    for (at, row) in rows {
        if panels.len() > PANELS_MAX {
            break;
        }
        let height = grid_height(row.get("height"), ROW_PIXELS);
        let is_collapsed = flag(&row, "collapse");
        let mut heading = has_headings.then(|| {
            let place = json!({"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1});
            json!({"type": "row", "title": text(&row, "title"), "collapsed": is_collapsed, "repeat": text(&row, "repeat"), "gridPos": place, "panels": []})
        });
        y += u32::from(has_headings);
        let mut area = Area { height, filled: [0; GRID_COLUMNS as usize], top: y };
        let mut inside = Vec::new();
        for (inner, panel) in list(&row, "panels").iter().enumerate().take(PANELS_MAX) {
            let Value::Object(panel) = panel else { continue };
            let mut panel = panel.clone();
            place(&mut panel, &mut area);
            inside.push((Value::Object(panel), format!("rows[{at}].panels[{inner}]")));
        }
        y = if is_collapsed { y } else { area.top + height };
        let own = format!("rows[{at}]");
        match &mut heading {
            Some(heading) if is_collapsed => {
                heading["panels"] = inside.into_iter().map(|(panel, _)| panel).collect();
                panels.push(heading.take());
                paths.push(own);
            }
            _ => {
                if let Some(heading) = heading {
                    panels.push(heading);
                    paths.push(own);
                }
                for (panel, path) in inside {
                    panels.push(panel);
                    paths.push(path);
                }
            }
        }
    }
    board.insert("panels".to_owned(), panels.into());
    paths
}

fn place(panel: &mut Object, area: &mut Area) {
    let span = number(panel, "span").filter(|span| *span >= 1.0).unwrap_or(SPAN).min(12.0);
    let w = (span.floor() as u32 * 2).clamp(1, GRID_COLUMNS);
    let h = match panel.get("height") {
        Some(own) if !own.is_null() && own != "" => grid_height(Some(own), ROW_PIXELS),
        _ => area.height,
    };
    let (x, y) = area.take(w, h);
    panel.insert("gridPos".to_owned(), json!({"x": x, "y": y, "w": w, "h": h}));
    if let Some(least) = number(panel, "minSpan") {
        panel.insert("minSpan".to_owned(), json!((least * 2.0).min(24.0)));
    }
}

/// A height such as `250px`, `250` or 250, in rows of the grid.
fn grid_height(given: Option<&Value>, absent: f64) -> u32 {
    let pixels = match given {
        Some(Value::String(text)) => text.trim().trim_end_matches("px").trim().parse().ok(),
        Some(Value::Number(number)) => number.as_f64(),
        _ => None,
    };
    let pixels = pixels.filter(|pixels: &f64| pixels.is_finite() && *pixels > 0.0).unwrap_or(absent);
    (pixels.max(PIXELS_MIN) / CELL_PIXELS).ceil().min(HEIGHT_MAX) as u32
}

/// The area of a row: panels stand beside each other, lower ones below each other, and what does not fit begins a line.
struct Area {
    height: u32,
    /// How far each column is filled, from the top of the line.
    filled: [u32; GRID_COLUMNS as usize],
    /// Where the line begins on the grid.
    top: u32,
}

impl Area {
    fn take(&mut self, w: u32, h: u32) -> (u32, u32) {
        let at = self.free(w).unwrap_or_else(|| {
            self.top += self.height;
            self.filled.fill(0);
            (0, 0)
        });
        let (x, y) = at;
        self.filled[x as usize..(x + w).min(GRID_COLUMNS) as usize].fill(y + h);
        (x, self.top + y)
    }

    /// The place furthest to the right where columns are not full, none if it is too narrow.
    fn free(&self, w: u32) -> Option<(u32, u32)> {
        let mut run: Option<(usize, usize)> = None;
        for at in (0..self.filled.len()).rev() {
            match run {
                None if self.filled[at] < self.height => run = Some((at, at)),
                Some((start, end)) if start == at + 1 && self.filled[at] <= self.filled[start] => run = Some((at, end)),
                Some(_) => break,
                None => {}
            }
        }
        let (start, end) = run.filter(|(start, end)| end - start + 1 >= w as usize)?;
        let y = self.filled[start..=end].iter().copied().max().unwrap_or(0);
        Some((start as u32, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_places_on_the_grid() {
        let mut board = json!({"rows": [
            {"height": "250px", "panels": [{"id": 1, "span": 8}, {"id": 2, "span": 4, "height": "100px"}, {"id": 3, "span": 4, "height": 100}, {"id": 4, "span": 12}]},
            {"height": 10, "title": "closed", "collapse": true, "panels": [{"id": 5}]},
            {"repeatIteration": 3, "panels": [{"id": 9}]},
            {"title": "each", "repeat": "host", "panels": [{"id": 6, "minSpan": 6}]},
        ]});
        let paths = flatten(board.as_object_mut().unwrap());
        let place = |panel: &Value| {
            let grid = &panel["gridPos"];
            format!("{} {},{} {}x{}", panel["id"], grid["x"], grid["y"], grid["w"], grid["h"])
        };
        let all: Vec<String> = board["panels"].as_array().unwrap().iter().map(place).collect();
        assert_eq!(
            all,
            ["null 0,0 24x1", "1 0,1 16x7", "2 16,1 8x3", "3 16,4 8x3", "4 0,8 24x7", "null 0,15 24x1", "null 0,16 24x1", "6 0,17 8x7",]
        );
        assert_eq!(board["panels"][5]["panels"][0]["gridPos"], json!({"x": 0, "y": 16, "w": 8, "h": 3}));
        assert_eq!(paths[5..], ["rows[1]", "rows[3]", "rows[3].panels[0]"]);
        assert_eq!(board["panels"][7]["minSpan"], 12.0);
    }
}
