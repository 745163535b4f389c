//! URLs of uptime: checks, incidents, maintenance, reports.

use super::status_pages::UPTIME_STATUS;
use crate::ui::lang::key;

/// Checks, grouped, worst first; POST acts on those that are chosen.
pub const UPTIME: &str = "/uptime";
/// A check to be made; `from` is the id of one that is copied.
pub const UPTIME_NEW: &str = "/uptime/new";
/// POST: makes or changes a check.
pub const UPTIME_SAVE: &str = "/uptime/save";
/// POST: what a check would find, tried once and not kept.
pub const UPTIME_TRY: &str = "/ui/uptime/try";
/// Bringing checks in from elsewhere; POST looks at a file or keeps what it holds.
pub const UPTIME_IMPORT: &str = "/uptime/import";
/// A check, by its id.
pub const UPTIME_CHECK: &str = "/uptime/{id}";
/// A check that is being changed.
pub const UPTIME_EDIT: &str = "/uptime/{id}/edit";
/// POST: keeps the note of a check.
pub const UPTIME_NOTE: &str = "/uptime/{id}/note";
/// What was down, when and why.
pub const UPTIME_INCIDENTS: &str = "/uptime/incidents";
/// What was down once: the check, and when that began, in milliseconds.
pub const UPTIME_INCIDENT: &str = "/uptime/incidents/{check}/{from}";
/// Maintenance that is, will be and was.
pub const UPTIME_MAINTENANCE: &str = "/uptime/maintenance";
/// Maintenance to be planned or changed: `id`.
pub const UPTIME_MAINTENANCE_EDIT: &str = "/uptime/maintenance/edit";
/// POST: keeps maintenance.
pub const UPTIME_MAINTENANCE_SAVE: &str = "/uptime/maintenance/save";
/// POST: ends maintenance, or takes back what is planned.
pub const UPTIME_MAINTENANCE_END: &str = "/uptime/maintenance/end";
/// How available everything was in a month: `month`, `check`.
pub const UPTIME_REPORT: &str = "/uptime/report";
/// GET: the same as a file.
pub const UPTIME_REPORT_CSV: &str = "/uptime/report.csv";
/// GET: the same to print.
pub const UPTIME_REPORT_PDF: &str = "/uptime/report.pdf";
/// POST: whom reports are sent to each month.
pub const UPTIME_REPORT_READERS: &str = "/uptime/report/readers";
/// Pages of uptime: path and name.
pub const UPTIME_PAGES: [(&str, &str); 5] = [
    (UPTIME, key("Checks")),
    (UPTIME_INCIDENTS, key("Incidents")),
    (UPTIME_MAINTENANCE, key("Maintenance")),
    (UPTIME_STATUS, key("Status pages")),
    (UPTIME_REPORT, key("Report")),
];
/// How a check on a status page does, as a small picture: `what` is `status.svg`, `uptime.svg` or `latency.svg`.
pub const CHECK_BADGE: &str = "/api/v1/checks/{name}/badge/{what}";

/// A check, by its id.
pub fn check(id: i64) -> String {
    UPTIME_CHECK.replace("{id}", &id.to_string())
}

/// An incident of a check, by when it began in milliseconds.
pub fn incident(check: i64, from: i64) -> String {
    UPTIME_INCIDENT.replace("{check}", &check.to_string()).replace("{from}", &from.to_string())
}

/// A check that is being changed.
pub fn check_edit(id: i64) -> String {
    UPTIME_EDIT.replace("{id}", &id.to_string())
}

/// A check as a file that can be brought in again.
pub fn check_yaml(id: i64) -> String {
    format!("/api/v1/checks/{id}.yaml")
}
