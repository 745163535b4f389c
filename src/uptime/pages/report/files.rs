//! The report as files: a table for spreadsheets, and a sheet to print.

use std::time::Duration;

use super::{ReportInput, RowWords, figures, goal_of, has_goals, incidents, lines, row_words, title};
use crate::base::csv;
use crate::base::time::format_rfc3339;
use crate::platform::pdf::{Column, Sheet, Table};
use crate::ui::lang::{Lang, key};
use crate::uptime::report::Row;

/// The report as a file: a row a check. Times are seconds, shares 0 to 1; what is not known is empty.
pub fn table(input: &ReportInput) -> String {
    let head = [
        "check",
        "from",
        "until",
        "availability",
        "up_seconds",
        "down_seconds",
        "unknown_seconds",
        "paused_seconds",
        "maintenance_seconds",
        "outages",
        "longest_outage_seconds",
        "mean_time_to_recovery_seconds",
        "mean_time_between_failures_seconds",
        "response_mean_seconds",
        "response_p50_seconds",
        "response_p95_seconds",
        "results",
        "failed",
        "goal_percent",
        "goal_missed",
    ];
    let secs = |ms: i64| format!("{}", ms as f64 / 1000.0);
    let maybe = |ms: Option<i64>| ms.map(secs).unwrap_or_default();
    let time = |took: Option<Duration>| took.map(|took| took.as_secs_f64().to_string()).unwrap_or_default();
    let (from, until) = (format_rfc3339(input.within.from), format_rfc3339(input.within.until));
    let row = |row: &Row| {
        let Row { tally, results, .. } = row;
        let goal = goal_of(row, &input.asked);
        let is_missed = tally.availability().filter(|_| goal.percent().is_some()).map(|share| goal.is_missed_by(share));
        vec![
            row.name.clone(),
            from.clone(),
            until.clone(),
            tally.availability().map(|share| share.to_string()).unwrap_or_default(),
            secs(tally.up),
            secs(tally.down),
            secs(tally.unknown),
            secs(tally.paused),
            secs(tally.maintenance),
            tally.outages.to_string(),
            secs(row.longest),
            maybe(tally.mean_time_to_recovery()),
            maybe(tally.mean_time_between_failures()),
            time(results.latencies.mean()),
            time(results.latencies.quantile(0.5)),
            time(results.latencies.quantile(0.95)),
            results.count().to_string(),
            results.failed.to_string(),
            goal.percent().map(|percent| percent.to_string()).unwrap_or_default(),
            is_missed.map(|is_missed| is_missed.to_string()).unwrap_or_default(),
        ]
    };
    csv::table(std::iter::once(head.map(str::to_owned).to_vec()).chain(input.report.rows.iter().map(row)))
}

/// The report to print.
pub fn sheet(input: &ReportInput, lang: Lang) -> Sheet {
    let column = |title: &'static str, share: f32, is_number: bool| Column { title: lang.t(title).to_owned(), share, is_number };
    let report = &input.report;
    let mut columns = vec![
        column(key("Check"), 3.0, false),
        column(key("Available"), 1.2, true),
        column(key("Down"), 1.3, true),
        column(key("Outages"), 0.9, true),
        column(key("Longest"), 1.3, true),
        column(key("To recovery"), 1.3, true),
        column(key("95 % within"), 1.0, true),
        column(key("Unknown"), 1.3, true),
        column(key("Maintenance"), 1.3, true),
    ];
    let has_goals = has_goals(input);
    if has_goals {
        columns.insert(2, column(key("Goal"), 1.3, true));
    }
    let checks = Table {
        title: lang.t("Checks").to_owned(),
        columns,
        rows: report.rows.iter().map(|row| cells(row_words(row, &input.asked, lang), has_goals, lang)).collect(),
        note: if report.rows.is_empty() { lang.t("No check matches.").to_owned() } else { String::new() },
    };
    let told = incidents(report, crate::uptime::report::INCIDENTS_MAX, lang);
    let more = report.incidents_len.saturating_sub(told.len());
    let happened = Table {
        title: lang.t("Incidents").to_owned(),
        columns: vec![
            column(key("Began"), 1.6, false),
            column(key("Lasted"), 1.0, false),
            column(key("Check"), 2.0, false),
            column(key("Cause"), 4.0, false),
        ],
        note: match (told.is_empty(), more) {
            (true, _) => lang.t("Nothing was down.").to_owned(),
            (false, 0) => String::new(),
            (false, more) => lang.fill("And {} more.", &[&more]),
        },
        rows: told.into_iter().map(|of| vec![of.from.words, of.lasted, of.name, with_upkeep(of.cause, of.upkeep, lang)]).collect(),
    };
    Sheet {
        lang: lang.as_str(),
        is_rtl: lang.dir() == "rtl",
        title: title(input, lang),
        lines: lines(input, lang),
        figures: figures(report, lang).into_iter().map(|(name, value)| (lang.t(name).to_owned(), value)).collect(),
        tables: vec![checks, happened],
        foot: "pharos".to_owned(),
    }
}

fn cells(row: RowWords, has_goals: bool, lang: Lang) -> Vec<String> {
    let outages = row.outages.to_string();
    let mut cells = vec![row.name, row.availability, row.down, outages, row.longest, row.recovery, row.p95, row.unknown, row.maintenance];
    if has_goals {
        cells.insert(2, if row.is_low { lang.fill("{}, missed", &[&row.goal]) } else { row.goal });
    }
    cells
}

/// A cause, and whether that was in maintenance.
fn with_upkeep(cause: String, upkeep: &'static str, lang: Lang) -> String {
    if upkeep.is_empty() { cause } else { format!("{cause} ({})", lang.t(upkeep)) }
}
