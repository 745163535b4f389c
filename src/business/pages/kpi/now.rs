//! How a KPI stands: its newest value, against what was before and against its target.

use super::KpiInput;
use crate::business::model::value::{Standing, Value};
use crate::business::outlook::Shown;
use crate::business::pages::figure::Figures;
use crate::business::pages::words::{self, ChangeView, TargetView};
use crate::ui::format;
use crate::ui::lang::key;
use crate::ui::shell::Shell;

/// How it stands, in words.
pub(super) struct Now {
    /// The period of its newest value; empty without one.
    pub period: String,
    /// That value, or a dash.
    pub value: String,
    /// Colours and words of what is to be known of that value.
    pub tags: Vec<(&'static str, &'static str)>,
    /// The last period that is over, where the newest is not.
    pub last: String,
    pub changes: Vec<ChangeView>,
    pub target: Option<TargetView>,
}

impl Now {
    /// `tags`: what is said of the newest value.
    pub(super) fn of(input: &KpiInput, tags: impl Fn(&Value) -> Vec<(&'static str, &'static str)>, shell: &Shell) -> Self {
        let figures = &Figures::of(&input.known.kpi);
        let shown = input.shown.as_ref();
        let value = shown.and_then(|shown| shown.value.as_ref());
        Self {
            period: value.map_or_else(String::new, |value| format::period(value.period, shell.lang())),
            value: value.map_or_else(|| "–".to_owned(), |value| figures.show(value.value)),
            tags: value.map(tags).unwrap_or_default(),
            last: last(shown, figures, shell),
            changes: shown.map_or_else(Vec::new, |shown| changes(shown, figures)),
            target: shown.and_then(|shown| target(shown, figures, shell)),
        }
    }
}

fn last(shown: Option<&Shown>, figures: &Figures, shell: &Shell) -> String {
    let ended = shown.and_then(|shown| shown.line.iter().rev().find(|value| value.standing != Standing::Running));
    let is_shown = |value: &&Value| shown.and_then(|shown| shown.value.as_ref()).is_some_and(|newest| newest.period == value.period);
    ended.filter(|value| !is_shown(value)).map_or_else(String::new, |value| {
        format!("{}: {}", format::period(value.period, shell.lang()), shell.lang().ltr(figures.show(value.value)))
    })
}

fn changes(shown: &Shown, figures: &Figures) -> Vec<ChangeView> {
    let all = [(shown.before, key("than before")), (shown.year_before, key("than a year ago"))];
    all.into_iter().filter_map(|(found, words)| Some(words::change(found?, words, figures))).collect()
}

fn target(shown: &Shown, figures: &Figures, shell: &Shell) -> Option<TargetView> {
    let is_running = shown.value.as_ref().is_some_and(|value| value.standing == Standing::Running);
    shown.progress.map(|progress| words::target(&progress, shown.known.kpi.better, is_running, figures, shell))
}
