//! Drawing: what a panel shows, made of frames. What stands still is HTML and SVG; what is drawn over time goes to the
//! browser as columns.

mod bar_gauge;
mod bars;
mod colour;
mod exemplars;
mod gauge;
mod grid;
mod heat;
mod histogram;
mod legend;
pub mod lists;
mod logs;
mod markup;
mod pie;
mod scale;
mod shown;
mod stat;
mod states;
mod table;
mod text;
mod time;
mod values;

use serde::Serialize;

pub use colour::{colour, css, of_look};
pub use exemplars::exemplars;

use crate::base::time::TimeRange;
use crate::boards::data::Frame;
use crate::boards::model::{Panel, PanelKind};
use crate::ui::lang::Lang;

/// On what a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Width of its body, in CSS pixels.
    pub width: u32,
    /// Height of its body, in CSS pixels.
    pub height: u32,
    /// The reader's language.
    pub lang: Lang,
    /// What the panel shows, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// Distance of points, in milliseconds.
    pub step: i64,
    /// Now, in milliseconds since the Unix epoch.
    pub now: i64,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Drawn {
    /// Safe HTML, everything in it escaped.
    Html {
        /// The HTML.
        html: String,
    },
    /// Columns for a chart over time.
    Time {
        /// See `web/lib/board/time.ts`.
        data: serde_json::Value,
    },
    /// Rows of buckets over time.
    Heat {
        /// See `web/lib/board/heat.ts`.
        data: serde_json::Value,
    },
    /// Nothing to show, and why, in words.
    Empty {
        /// In words.
        text: String,
    },
}

/// Draws a panel.
///
/// # Errors
/// Words for the reader: what of the options or frames cannot be drawn.
pub fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    match panel.kind {
        PanelKind::Text => return Ok(text::draw(panel, canvas)),
        PanelKind::Row => return Ok(Drawn::Empty { text: String::new() }),
        kind if kind.asks() && frames.iter().all(Frame::is_empty) => return Ok(empty(canvas)),
        _ => {}
    }
    match panel.kind {
        PanelKind::TimeSeries => time::draw(panel, frames, canvas),
        PanelKind::Heatmap => heat::draw(panel, frames, canvas),
        PanelKind::Logs => logs::draw(panel, frames, canvas),
        PanelKind::Stat => stat::draw(panel, frames, canvas),
        PanelKind::Gauge => gauge::draw(panel, frames, canvas),
        PanelKind::BarGauge => bar_gauge::draw(panel, frames, canvas),
        PanelKind::Pie => pie::draw(panel, frames, canvas),
        PanelKind::BarChart => bars::draw(panel, frames, canvas),
        PanelKind::Histogram => Ok(histogram::draw(panel, frames, canvas)),
        PanelKind::StateTimeline => Ok(states::draw(panel, frames, false, canvas)),
        PanelKind::StatusHistory => Ok(states::draw(panel, frames, true, canvas)),
        PanelKind::Table => Ok(table::draw(panel, frames, canvas)),
        _ => Err(format!("Panels of the type \"{}\" are not drawn.", panel.given_kind)),
    }
}

/// Nothing to show, in words: the panel's own where it has some.
fn empty(canvas: &Canvas) -> Drawn {
    Drawn::Empty { text: canvas.lang.t("No data").to_owned() }
}

#[cfg(test)]
mod tests;
