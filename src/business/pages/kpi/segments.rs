//! The parts of a KPI: how each stands, and which explain a change.

use super::{KpiInput, at, percent};
use crate::base::period::Period;
use crate::business::model::comparison;
use crate::business::model::contribution::Contribution;
use crate::business::model::value::{Standing, Value};
use crate::business::pages::figure::Figures;
use crate::business::pages::words::{self, ChangeView};
use crate::ui::shell::Shell;
use crate::ui::{format, spark};

/// Segments in the table at most.
pub(super) const SEGMENTS_MAX: usize = 30;
/// Contributions that are told.
const TOLD_MAX: usize = 4;

/// A segment in the table.
pub(super) struct SegmentRow<'a> {
    pub name: &'a str,
    pub href: String,
    pub is_on: bool,
    pub value: String,
    pub share: String,
    pub change: Option<ChangeView>,
    pub spark: String,
}

/// The newest period that is over, if there is one, else the newest: segments are compared there.
fn compared(values: &[Value]) -> Option<Period> {
    let ended = values.iter().rev().find(|value| value.standing != Standing::Running);
    ended.or(values.last()).map(|value| value.period)
}

pub(super) fn segments<'a>(input: &'a KpiInput, figures: &Figures) -> Vec<SegmentRow<'a>> {
    let Some(period) = compared(&input.history.values) else { return Vec::new() };
    let of = |values: &[Value], wanted: Period| values.iter().find(|value| value.period == wanted).map(|value| value.value);
    let whole = of(&input.history.values, period);
    let mut all: Vec<_> = input
        .history
        .segments
        .iter()
        .map(|(segment, values)| (segment.value.as_str(), of(values, period), of(values, period.before()), values))
        .collect();
    all.sort_by(|one, other| other.1.unwrap_or(f64::MIN).total_cmp(&one.1.unwrap_or(f64::MIN)));
    let adds = input.history.segments.values().filter_map(|values| of(values, period)).sum::<f64>();
    // A share of a mean would say nothing.
    let shares = whole.filter(|whole| *whole > 0.0 && (adds - whole).abs() <= whole * 0.02);
    let row = |(name, now, before, values): (&'a str, Option<f64>, Option<f64>, &Vec<Value>)| SegmentRow {
        name,
        href: at(input, &[("segment", if name == input.view.segment { "" } else { name })]),
        is_on: name == input.view.segment,
        value: now.map_or_else(|| "–".to_owned(), |now| figures.show(now)),
        share: now.zip(shares).map_or_else(String::new, |(now, whole)| format!("{:.0}", (now / whole * 100.0).clamp(0.0, 100.0))),
        change: before.zip(now).map(|(from, to)| words::change(comparison::change(from, to, input.known.kpi.better), "", figures)),
        spark: spark::svg(&values.iter().map(|value| value.value).collect::<Vec<_>>()),
    };
    all.into_iter().take(SEGMENTS_MAX).map(row).collect()
}

/// What explains the change of the last period, in sentences.
pub(super) fn told(input: &KpiInput, figures: &Figures, shell: &Shell) -> Vec<String> {
    let of_label = |wanted: &str| wanted.is_empty() || wanted == input.view.label || input.view.label.is_empty();
    let found = input.history.contributions.iter().filter(|found| of_label(&found.segment.label));
    let one = |found: &Contribution| {
        let name = format!("{} = {}", found.segment.label, found.segment.value);
        let by = shell.lang().ltr(figures.show_change(found.by));
        match found.share.filter(|share| *share > 0.0) {
            Some(part) if part <= 1.0 => {
                format!("{name}: {by} ({})", shell.f1("{} of the change", percent(part)))
            }
            Some(_) => format!("{name}: {by}"),
            None => format!("{name}: {by} ({})", shell.t("against it")),
        }
    };
    found.take(TOLD_MAX).map(one).collect()
}

/// Which periods are compared.
pub(super) fn against(input: &KpiInput, shell: &Shell) -> String {
    let words = |period: Period| format::period(period, shell.lang());
    let last = compared(&input.history.values).filter(|_| !input.history.contributions.is_empty());
    last.map_or_else(String::new, |last| shell.f2("{} against {}", words(last), words(last.before())))
}
