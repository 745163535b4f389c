//! A KPI for people without an account: how it stands and goes, and nothing that leads further.

use super::KpiInput;
use super::chart::Chart;
use super::now::Now;
use super::segments::{SEGMENTS_MAX, SegmentRow, segments};
use crate::business::model::value::{Standing, Value};
use crate::business::pages::figure::Figures;
use crate::business::pages::words;
use crate::ui::page;
use crate::ui::shell::Shell;

#[derive(askama::Template)]
#[template(path = "business/shared.html")]
struct SharedPage<'a> {
    shell: &'a Shell,
    input: &'a KpiInput,
    now: Now,
    chart: Chart,
    segments: Vec<SegmentRow<'a>>,
    segments_more: usize,
}

/// Renders the page for people without an account: it says how the KPI stands and goes, and leads nowhere.
pub fn render_shared(input: &KpiInput, shell: &Shell) -> String {
    page::html(&SharedPage {
        now: Now::of(input, tags, shell),
        chart: Chart::of(input, &shell.title, shell),
        segments: segments(input, &Figures::of(&input.known.kpi)),
        segments_more: input.history.segments.len().saturating_sub(SEGMENTS_MAX),
        shell,
        input,
    })
}

/// Whether the newest period goes on; what was done to a value is not for them.
fn tags(value: &Value) -> Vec<(&'static str, &'static str)> {
    if value.standing == Standing::Running { vec![words::standing(value.standing)] } else { Vec::new() }
}
