//! Maintenance: what is now, will be and was; of what, and when next.
//!
//! [`when`] says and reads the times that a form can make, [`edit`] is the form.

pub mod edit;
pub mod when;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::Check;
use crate::uptime::config::maintenance::Described;
use crate::uptime::model::maintenance::When;
use crate::uptime::model::planned::{Covers, Planned};
use crate::uptime::watch::planner::over_at;

/// Rows on one page.
const PAGE_ROWS: usize = 50;
/// Names that a row says.
const NAMES_MAX: usize = 4;

/// Checks by number.
pub type Checks = BTreeMap<i64, Arc<Check>>;

/// A maintenance with what is known around it.
#[derive(Debug, Clone)]
pub struct KnownPlan {
    /// What is planned.
    pub planned: Planned,
    /// As it is written, with the names of today.
    pub described: Described,
    /// The file it stands in; empty for none.
    pub file: String,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct MaintenanceInput {
    /// Everything that is planned, and was.
    pub plans: Vec<KnownPlan>,
    /// Checks of now.
    pub checks: Checks,
    /// What was done: `saved`, `ended` or `taken-back`.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change it.
    pub may_change: bool,
}

struct Row {
    id: i64,
    title: String,
    note: String,
    of: String,
    covers: String,
    times: Option<(Moment, Moment)>,
    again: String,
    zone: String,
    is_now: bool,
    next: Option<(Moment, Moment)>,
    by: String,
    file: String,
    href: String,
    copy: String,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/maintenance.html")]
struct MaintenancePage<'a> {
    shell: &'a Shell,
    input: &'a MaintenanceInput,
    said: &'static str,
    is_past: bool,
    counts: [usize; 2],
    rows: Vec<Row>,
    page: usize,
    pages: usize,
    found_words: String,
}

/// Renders the page. `state` (`past`) and `page` of the URL choose. The shell refreshes by itself.
pub fn render(input: &MaintenanceInput, shell: &Shell) -> String {
    let now = shell.now_ms;
    let is_past = shell.param("state") == Some("past");
    let is_over = |plan: &&KnownPlan| over_at(&plan.planned.maintenance).is_some_and(|over| over <= now);
    let (past, coming): (Vec<&KnownPlan>, Vec<&KnownPlan>) = input.plans.iter().partition(is_over);
    let counts = [coming.len(), past.len()];
    let mut found = if is_past { past } else { coming };
    if is_past {
        found.sort_by_key(|plan| std::cmp::Reverse(over_at(&plan.planned.maintenance)));
    } else {
        // What is now is first, then what comes first.
        let order = |plan: &&KnownPlan| {
            let maintenance = &plan.planned.maintenance;
            maintenance.at(now).map(|at| (0, at.until)).or_else(|| maintenance.next_after(now).map(|next| (1, next.from))).unwrap_or((2, 0))
        };
        found.sort_by_key(order);
    }
    let pages = found.len().div_ceil(PAGE_ROWS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    page::html(&MaintenancePage {
        said: match input.done.as_str() {
            "saved" => key("The maintenance is saved."),
            "ended" => key("The maintenance has ended."),
            "taken-back" => key("The maintenance is taken back."),
            _ => "",
        },
        rows: found.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(|plan| row(plan, &input.checks, shell)).collect(),
        found_words: shell.lang().n(found.len() as u64, "{} maintenance", "{} maintenances"),
        shell,
        input,
        is_past,
        counts,
        page,
        pages,
    })
}

/// Names of the checks of now that are covered.
pub(super) fn covered<'c>(covers: &Covers, checks: &'c Checks) -> Vec<&'c str> {
    let of = checks.iter().filter(|(id, check)| covers.holds(**id, &check.labels));
    let mut names: Vec<&str> = of.map(|(_, check)| check.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// What it is of, in words.
fn of_words(planned: &Planned, described: &Described, lang: Lang) -> String {
    if planned.covers.checks.is_empty() && planned.covers.labels.is_empty() {
        return lang.t("Every check").to_owned();
    }
    let mut parts: Vec<String> = described.checks.iter().take(NAMES_MAX).cloned().collect();
    let more = described.checks.len().saturating_sub(NAMES_MAX);
    if more > 0 {
        parts.push(lang.n(more as u64, "{} more", "{} more"));
    }
    let gone = planned.covers.checks.len().saturating_sub(described.checks.len());
    if gone > 0 {
        parts.push(lang.n(gone as u64, "{} that was deleted", "{} that were deleted"));
    }
    if !planned.covers.labels.is_empty() {
        let labels: Vec<String> = planned.covers.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.push(lang.fill("all with {}", &[&labels.join(lang.comma())]));
    }
    parts.join(lang.comma())
}

fn row(plan: &KnownPlan, checks: &Checks, shell: &Shell) -> Row {
    let (lang, now) = (shell.lang(), shell.now_ms);
    let KnownPlan { planned, described, file } = plan;
    let exactly = |window: crate::uptime::model::window::Window| (format::exactly(window.from, lang), format::exactly(window.until, lang));
    let at = planned.maintenance.at(now);
    let count = covered(&planned.covers, checks).len();
    let id = planned.id.to_string();
    Row {
        id: planned.id,
        title: planned.title.clone(),
        note: planned.note.clone(),
        of: of_words(planned, described, lang),
        covers: lang.n(count as u64, "{} check", "{} checks"),
        times: match &planned.maintenance.when {
            When::Once(window) => Some(exactly(window.common(planned.maintenance.in_force))),
            When::Again { .. } => None,
        },
        again: match &planned.maintenance.when {
            When::Once(_) => String::new(),
            When::Again { starts, lasts } => when::words(starts.text(), *lasts, lang),
        },
        zone: if described.time_zone.is_empty() { "UTC".to_owned() } else { described.time_zone.clone() },
        is_now: at.is_some(),
        next: at.or_else(|| planned.maintenance.next_after(now)).map(exactly),
        by: planned.made_by.clone(),
        file: file.clone(),
        href: links::with(links::UPTIME_MAINTENANCE_EDIT, &[("id", &id)]),
        copy: links::with(links::UPTIME_MAINTENANCE_EDIT, &[("from_id", &id)]),
    }
}

#[cfg(test)]
mod tests;
