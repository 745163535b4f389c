//! How a KPI went: the chart of its periods.

use std::collections::BTreeMap;

use super::KpiInput;
use crate::base::period::Period;
use crate::business::model::value::{Standing, Value};
use crate::business::pages::figure::Figures;
use crate::business::pages::trend::{self, Bar, Room};
use crate::ui::format;
use crate::ui::shell::Shell;

/// Bars at least, where what was before the first value is left out.
const BARS_MIN: usize = 12;

/// The chart, and what its legend names.
pub(super) struct Chart {
    /// As SVG, for wide screens; empty without values.
    pub wide: String,
    /// As SVG, for narrow screens.
    pub narrow: String,
    pub has_target: bool,
    pub has_year_before: bool,
    pub has_forecast: bool,
    pub has_marks: bool,
}

impl Chart {
    /// `name`: what it is called to those who cannot see it.
    pub(super) fn of(input: &KpiInput, name: &str, shell: &Shell) -> Self {
        let figures = Figures::of(&input.known.kpi);
        let about = shell.f2("{} from {} on", name, format::period(input.view.from, shell.lang()));
        // Targets alone are no history.
        let has_values = charted(input).iter().any(|value| value.period >= input.view.from) || !input.year_before.is_empty();
        let bars = if has_values { bars(input, shell) } else { Vec::new() };
        Self {
            wide: trend::svg(&bars, &figures, &about, Room::Wide),
            narrow: trend::svg(&bars, &figures, &about, Room::Narrow),
            has_target: bars.iter().any(|bar| bar.target.is_some()),
            has_year_before: bars.iter().any(|bar| bar.year_before.is_some()),
            has_forecast: bars.iter().any(|bar| bar.band.is_some()),
            has_marks: bars.iter().any(|bar| !bar.marked.is_empty()),
        }
    }
}

/// The values that the chart shows: those of all of it, or those of a segment.
pub(super) fn charted(input: &KpiInput) -> &[Value] {
    let chosen = input.history.segments.iter().find(|(segment, _)| segment.value == input.view.segment);
    match chosen {
        Some((_, values)) if !input.view.segment.is_empty() => values,
        _ => &input.history.values,
    }
}

fn bars(input: &KpiInput, shell: &Shell) -> Vec<Bar> {
    let view = &input.view;
    let of: BTreeMap<Period, &Value> = charted(input).iter().map(|value| (value.period, value)).collect();
    let is_whole = view.segment.is_empty();
    let told: BTreeMap<Period, (f64, f64)> =
        input.history.foretold.iter().filter(|_| is_whole).map(|(period, told)| (*period, (told.low, told.high))).collect();
    let ahead = told.keys().last().copied().filter(|_| view.until == view.current);
    let all = view.until.max(ahead.unwrap_or(view.until)).number() - view.from.number();
    let marked = |period: Period| {
        let texts: Vec<&str> = input.marks.iter().filter(|mark| mark.period == Some(period)).map(|mark| mark.text.as_str()).collect();
        match texts.as_slice() {
            [] => String::new(),
            [one, more @ ..] if more.len() > 2 => shell.f2("{} and {} more", one, more.len()),
            some => some.join(", "),
        }
    };
    let one = |period: Period| {
        let value = of.get(&period);
        Bar {
            words: format::period(period, shell.lang()),
            value: value.map(|value| value.value),
            target: input.known.kpi.target(period).filter(|_| is_whole),
            year_before: input.year_before.get(&period).copied().filter(|_| is_whole),
            is_running: value.is_some_and(|value| value.standing == Standing::Running),
            band: told.get(&period).copied().filter(|_| period >= view.current),
            marked: marked(period),
        }
    };
    let mut bars: Vec<Bar> = (0..=all).map(|step| one(view.from.shifted(step))).collect();
    // What was before anybody counted is no room for what is known.
    let first = bars.iter().position(|bar| bar.value.or(bar.year_before).is_some() || !bar.marked.is_empty());
    bars.drain(..first.unwrap_or(0).min(bars.len().saturating_sub(BARS_MIN)));
    bars
}
