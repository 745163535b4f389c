//! Months in figures: how available everything was, as rows, as CSV and as PDF.
//!
//! A report is of a period of the calendar by the clock of a place ([`period`]). What is still to come is left out, and so
//! is the time before a check was made; what nobody saw is unknown, and in no share.

pub mod period;
pub mod readers;

use std::collections::BTreeMap;

use crate::base::cancel::Cancel;
use crate::platform::db::DbError;
use crate::uptime::config::Check;
use crate::uptime::config::goal::Goal;
use crate::uptime::model::beat::Hour;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::incident::{Incident, Overlap};
use crate::uptime::model::window::Window;
use crate::uptime::watch::desk::{Desk, Figures};

/// Incidents that are read for a report.
const INCIDENTS_READ_MAX: i64 = 50_000;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Nobody waits for it any more.
    #[error("the report takes too long: choose fewer checks")]
    Stopped,
}

/// A report of the checks that are wanted within a range, which ends no later than now. Blocking.
///
/// # Errors
/// The database's, or that nobody waits for it any more.
pub fn made(desk: &Desk, range: Window, wanted: impl Fn(&Check) -> bool, cancel: &Cancel) -> Result<Report, ReportError> {
    let mut incidents: BTreeMap<i64, Vec<Incident>> = BTreeMap::new();
    for of in desk.incidents(None, range, INCIDENTS_READ_MAX)? {
        incidents.entry(of.check).or_default().push(of.incident);
    }
    let mut all = Vec::new();
    for (id, view) in desk.views().into_iter().filter(|(_, view)| wanted(&view.check)) {
        cancel.check().map_err(|_| ReportError::Stopped)?;
        let made_at = desk.made_at(id).unwrap_or(range.from);
        // What was before anybody wanted to know is not unknown.
        let within = Window::new(range.from.max(made_at).min(range.until), range.until);
        let Figures { tally, results } = desk.figures(id, within)?;
        let maintenance = desk.maintenance(id, within);
        let incidents = incidents.remove(&id).unwrap_or_default();
        let (name, goal) = (view.check.name.clone(), view.check.goal);
        all.push(Given { id, name, goal, tally, results, incidents, maintenance });
    }
    Ok(build(all, range))
}

/// What a report is made of, of one check.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Names the check.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it promises.
    pub goal: Goal,
    /// What it was within the period, from when it was made.
    pub tally: Tally,
    /// Its results within the period.
    pub results: Hour,
    /// Its incidents that touch the period, the newest first.
    pub incidents: Vec<Incident>,
    /// The maintenance of it that touches the period.
    pub maintenance: Vec<Window>,
}

/// One check in a period.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Names the check.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it promises.
    pub goal: Goal,
    /// What it was.
    pub tally: Tally,
    /// Its results.
    pub results: Hour,
    /// The longest time in which it was down, outside of maintenance and within the period; 0 for none.
    pub longest: i64,
}

/// An incident in a report.
#[derive(Debug, Clone)]
pub struct ReportedIncident {
    /// The check's number.
    pub check: i64,
    /// What people call it.
    pub name: String,
    /// The incident.
    pub incident: Incident,
    /// How much of it lies in maintenance.
    pub overlap: Overlap,
}

/// A period in figures.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Checks, the least available first.
    pub rows: Vec<Row>,
    /// All of them together.
    pub total: Tally,
    /// Results of all of them together.
    pub results: Hour,
    /// What was down, in order of time; as many as are shown.
    pub incidents: Vec<ReportedIncident>,
    /// How many there were.
    pub incidents_len: usize,
}

/// Incidents that a report lists.
pub const INCIDENTS_MAX: usize = 500;

/// The longest time of incidents within a window that is outside of maintenance.
fn longest(incidents: &[Incident], maintenance: &[Window], range: Window) -> i64 {
    let length = |incident: &Incident| {
        let down = range.common(Window::new(incident.from, incident.until.unwrap_or(range.until)));
        down.length() - maintenance.iter().map(|window| down.common(*window).length()).sum::<i64>()
    };
    incidents.iter().map(length).max().unwrap_or(0).max(0)
}

/// Makes a report of what is known of checks within a range.
pub fn build(all: Vec<Given>, range: Window) -> Report {
    let mut report = Report::default();
    for given in all {
        let Given { id, name, goal, tally, results, incidents, maintenance } = given;
        report.total.add_times(&tally);
        report.total.outages = report.total.outages.saturating_add(tally.outages);
        report.results.merge(&results);
        report.rows.push(Row { id, name: name.clone(), goal, tally, results, longest: longest(&incidents, &maintenance, range) });
        let told = incidents.into_iter().map(|incident| {
            // Of its part within the period: maintenance of other times is not known here.
            let within = Incident {
                from: incident.from.max(range.from),
                until: Some(incident.window(range.until).until.min(range.until)),
                ..incident.clone()
            };
            ReportedIncident { check: id, name: name.clone(), overlap: within.overlap(&maintenance, range.until), incident }
        });
        report.incidents.extend(told);
    }
    // Unknown ones last, by name.
    let order = |row: &Row| row.tally.availability().unwrap_or(2.0);
    report
        .rows
        .sort_by(|a, b| order(a).total_cmp(&order(b)).then_with(|| b.tally.down.cmp(&a.tally.down)).then_with(|| a.name.cmp(&b.name)));
    report.incidents.sort_by(|a, b| b.incident.from.cmp(&a.incident.from).then_with(|| a.name.cmp(&b.name)));
    report.incidents_len = report.incidents.len();
    report.incidents.truncate(INCIDENTS_MAX);
    report
}

/// A share (0 to 1) in percent with up to three places, never rounded up: 100 % is said of what was never down.
pub fn percent(share: f64) -> String {
    let thousandths = (share.clamp(0.0, 1.0) * 100_000.0 + 1e-6).floor();
    // Of 0.9999999 the little that is missing must stay missing.
    let thousandths = if share < 1.0 { thousandths.min(99_999.0) } else { thousandths };
    let text = format!("{:.3}", thousandths / 1000.0);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}

#[cfg(test)]
mod tests;
