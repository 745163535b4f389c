//! How available everything was in a month, a quarter or a year: as a page, as a file, to print, as a letter.

mod files;

use std::time::Duration;

use super::incidents::upkeep_words;
use crate::base::human;
use crate::base::location::Location;
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::goal::Goal;
use crate::uptime::model::figures::Tally;
use crate::uptime::model::readers::Readers;
use crate::uptime::model::window::Window;
use crate::uptime::report::period::{self, Grain, Period};
use crate::uptime::report::{Report, Row, percent};
pub use files::{sheet, table};

/// Checks on one page.
const PAGE_ROWS: usize = 200;
/// Incidents on the page and in the letter.
const PAGE_INCIDENTS: usize = 50;
const LETTER_ROWS: usize = 50;

/// What a report is of.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The period.
    pub period: Period,
    /// By whose clock.
    pub location: Location,
    /// Only the check of this name; empty for all.
    pub check: String,
    /// Only checks with these labels, `name=value`, commas or lines between; empty for all.
    pub labels: String,
    /// With what every check is compared; that of each where there is none.
    pub goal: Goal,
}

impl Asked {
    /// The whole period.
    pub fn window(&self) -> Option<Window> {
        period::window(self.period, self.location)
    }

    /// The labels, read; what is none is left out.
    pub fn labels(&self) -> Vec<(&str, &str)> {
        let labels = self.labels.split([',', '\n', ' ']).filter_map(|label| label.split_once('='));
        labels.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).filter(|(name, _)| !name.is_empty()).collect()
    }
}

/// What pages, files and letters are made of.
#[derive(Debug, Clone)]
pub struct ReportInput {
    /// What was asked for.
    pub asked: Asked,
    /// What is known of it.
    pub report: Report,
    /// The part of the period that is not to come.
    pub within: Window,
    /// Whether it goes on.
    pub is_running: bool,
}

/// What only the page shows.
#[derive(Debug, Clone, Default)]
pub struct PageInput {
    /// Who gets reports.
    pub readers: Vec<Readers>,
    /// Whether there is a mail server.
    pub has_mail: bool,
    /// Whether it can be printed: the fonts are built in.
    pub has_pdf: bool,
    /// What was done: `added`, `removed`, `sent`.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Addresses that were refused.
    pub to: String,
    /// Whether whoever looks may change who gets reports.
    pub may_change: bool,
}

/// A check in words.
struct RowWords {
    name: String,
    href: String,
    availability: String,
    goal: String,
    is_low: bool,
    down: String,
    outages: u32,
    longest: String,
    recovery: String,
    between: String,
    mean: String,
    p50: String,
    p95: String,
    unknown: String,
    maintenance: String,
}

struct IncidentWords {
    from: Moment,
    lasted: String,
    name: String,
    href: String,
    cause: String,
    upkeep: &'static str,
}

struct ReadersWords {
    id: i64,
    to: String,
    labels: String,
    zone: String,
    sent: String,
    problem: String,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/report.html")]
struct ReportPage<'a> {
    shell: &'a Shell,
    input: &'a ReportInput,
    more: &'a PageInput,
    said: &'static str,
    title: String,
    span: (Moment, Moment),
    zone: &'static str,
    zones: Vec<&'static str>,
    kinds: [(String, &'static str, bool); 3],
    before: String,
    next: Option<String>,
    goal: &'a str,
    has_goals: bool,
    figures: Vec<(&'static str, String)>,
    rows: Vec<RowWords>,
    hidden: usize,
    incidents: Vec<IncidentWords>,
    hidden_incidents: usize,
    csv: String,
    pdf: String,
    readers: Vec<ReadersWords>,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/letter.html")]
struct Letter<'a> {
    lang: Lang,
    title: &'a str,
    lines: Vec<String>,
    figures: Vec<(&'static str, String)>,
    rows: Vec<RowWords>,
    hidden: usize,
    href: &'a str,
}

fn span(ms: i64) -> String {
    if ms <= 0 { "–".to_owned() } else { human::length(u64::try_from(ms).unwrap_or(0)) }
}

fn took(took: Option<Duration>) -> String {
    took.map_or_else(|| "–".to_owned(), human::took)
}

fn availability(tally: &Tally) -> Option<String> {
    tally.availability().map(percent)
}

/// With what a check is compared.
fn goal_of(row: &Row, asked: &Asked) -> Goal {
    if asked.goal.percent().is_some() { asked.goal } else { row.goal }
}

fn has_goals(input: &ReportInput) -> bool {
    input.report.rows.iter().any(|row| goal_of(row, &input.asked).percent().is_some())
}

fn row_words(row: &Row, asked: &Asked, lang: Lang) -> RowWords {
    let Row { tally, results, .. } = row;
    let goal = goal_of(row, asked);
    RowWords {
        name: row.name.clone(),
        href: links::check(row.id),
        availability: availability(tally).unwrap_or_else(|| lang.t("unknown").to_owned()),
        goal: goal.to_string(),
        is_low: tally.availability().is_some_and(|share| goal.is_missed_by(share)),
        down: span(tally.down),
        outages: tally.outages,
        longest: span(row.longest),
        recovery: tally.mean_time_to_recovery().map_or_else(|| "–".to_owned(), span),
        between: tally.mean_time_between_failures().map_or_else(|| "–".to_owned(), span),
        mean: took(results.latencies.mean()),
        p50: took(results.latencies.quantile(0.5)),
        p95: took(results.latencies.quantile(0.95)),
        unknown: span(tally.unknown),
        maintenance: span(tally.maintenance),
    }
}

/// The figures of all checks together, with their names.
fn figures(report: &Report, lang: Lang) -> Vec<(&'static str, String)> {
    let Report { total, results, .. } = report;
    vec![
        (key("Available"), availability(total).unwrap_or_else(|| lang.t("unknown").to_owned())),
        (key("Down"), span(total.down)),
        (key("Outages"), format::count(u64::from(total.outages))),
        (key("Mean time to recovery"), total.mean_time_to_recovery().map_or_else(|| "–".to_owned(), span)),
        (key("Mean time between failures"), total.mean_time_between_failures().map_or_else(|| "–".to_owned(), span)),
        (key("Response, 95 % within"), took(results.latencies.quantile(0.95))),
        (key("Unknown"), span(total.unknown)),
        (key("Maintenance"), span(total.maintenance)),
    ]
}

/// What it is, in one line.
pub fn title(input: &ReportInput, lang: Lang) -> String {
    lang.fill("Availability, {}", &[&format::period(input.asked.period, lang)])
}

/// Of what, when and by whose clock, and what figures mean; a line each.
fn lines(input: &ReportInput, lang: Lang) -> Vec<String> {
    let Asked { location, check, labels, .. } = &input.asked;
    let local = |at: i64| format::date_time(at.saturating_add(location.ahead(at).unwrap_or(0)), lang);
    let Window { from, until } = input.within;
    let mut lines = vec![lang.fill("From {} to {}, by the clock of {}.", &[&local(from), &local(until), &location.as_str()])];
    if !check.is_empty() {
        lines.push(lang.fill("Only the check {}.", &[check]));
    }
    if !labels.trim().is_empty() {
        lines.push(lang.fill("Only checks with {}.", &[&labels.split_whitespace().collect::<Vec<_>>().join(lang.comma())]));
    }
    if input.is_running {
        lines.push(lang.t("It goes on: these are the figures so far.").to_owned());
    }
    lines.push(
        lang.t("Available is the share of up in up and down. Maintenance and what nobody saw are in neither, and stand beside it.")
            .to_owned(),
    );
    lines
}

/// Renders the page. `month`, `zone`, `check`, `label` and `goal` of the URL choose.
pub fn render(input: &ReportInput, more: &PageInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let Asked { period, location, .. } = input.asked;
    let goal = shell.param("goal").unwrap_or("");
    let month = |period: Period| shell.href("month", &period.to_string());
    let kinds = [(Grain::Month, key("Month")), (Grain::Quarter, key("Quarter")), (Grain::Year, key("Year"))];
    let query: Vec<(&str, String)> = [("month", period.to_string()), ("zone", location.as_str().to_owned())]
        .into_iter()
        .chain(
            [("check", input.asked.check.clone()), ("label", input.asked.labels.clone()), ("goal", goal.to_owned())]
                .into_iter()
                .filter(|(_, value)| !value.is_empty()),
        )
        .collect();
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let report = &input.report;
    page::html(&ReportPage {
        said: match more.done.as_str() {
            "added" => key("Reports go there each month from now on."),
            "removed" => key("Nobody gets that report any more."),
            "sent" => key("The report is on its way."),
            _ => "",
        },
        title: format::period(period, lang),
        span: (format::exactly(input.within.from, lang), format::exactly(input.within.until, lang)),
        zone: location.as_str(),
        zones: Location::names(),
        kinds: kinds.map(|(kind, words)| (month(period.as_grain(kind)), words, period.grain() == kind)),
        before: month(period.before()),
        next: (!input.is_running).then(|| month(period.next())),
        goal,
        has_goals: has_goals(input),
        figures: figures(report, lang),
        rows: report.rows.iter().take(PAGE_ROWS).map(|row| row_words(row, &input.asked, lang)).collect(),
        hidden: report.rows.len().saturating_sub(PAGE_ROWS),
        incidents: incidents(report, PAGE_INCIDENTS, lang),
        hidden_incidents: report.incidents_len.saturating_sub(PAGE_INCIDENTS),
        csv: links::with(links::UPTIME_REPORT_CSV, &query),
        pdf: links::with(links::UPTIME_REPORT_PDF, &query),
        readers: more.readers.iter().map(readers_words).collect(),
        shell,
        input,
        more,
    })
}

fn readers_words(readers: &Readers) -> ReadersWords {
    ReadersWords {
        id: readers.id,
        to: readers.to.lines().collect::<Vec<_>>().join(", "),
        labels: readers.labels.split_whitespace().collect::<Vec<_>>().join(", "),
        zone: readers.zone.clone(),
        sent: readers.sent.clone(),
        problem: readers.problem.clone(),
    }
}

fn incidents(report: &Report, most: usize, lang: Lang) -> Vec<IncidentWords> {
    let words = |of: &crate::uptime::report::ReportedIncident| IncidentWords {
        from: format::exactly(of.incident.from, lang),
        lasted: of.incident.until.map_or_else(|| lang.t("goes on").to_owned(), |until| span(until - of.incident.from)),
        name: of.name.clone(),
        href: links::check(of.check),
        cause: of.incident.cause.clone(),
        upkeep: upkeep_words(of.overlap),
    };
    report.incidents.iter().take(most).map(words).collect()
}

/// The letter that goes out each month, as HTML and as text. `href` is where the whole is; empty for nowhere.
pub fn letter(input: &ReportInput, lang: Lang, href: &str) -> (String, String) {
    let title = title(input, lang);
    let rows: Vec<RowWords> = input.report.rows.iter().take(LETTER_ROWS).map(|row| row_words(row, &input.asked, lang)).collect();
    let hidden = input.report.rows.len().saturating_sub(LETTER_ROWS);
    let mut text = vec![title.clone(), String::new()];
    text.extend(lines(input, lang));
    text.push(String::new());
    text.extend(figures(&input.report, lang).iter().map(|(name, value)| format!("{}: {value}", lang.t(name))));
    text.push(String::new());
    text.extend(rows.iter().map(|row| {
        let goal = if row.is_low { format!(" ({} {})", lang.t("below the goal"), row.goal) } else { String::new() };
        format!("{}: {}{goal} · {} {}", row.name, row.availability, lang.t("Down"), row.down)
    }));
    if hidden > 0 {
        text.push(lang.fill("And {} more.", &[&hidden]));
    }
    if !href.is_empty() {
        text.extend([String::new(), href.to_owned()]);
    }
    let lines = lines(input, lang);
    let html = page::html(&Letter { lang, title: &title, lines, figures: figures(&input.report, lang), rows, hidden, href });
    (html, text.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::model::beat::{Beats, HOUR};
    use crate::uptime::model::incident::Incident;
    use crate::uptime::model::outcome::Outcome;
    use crate::uptime::pages::sample::{self, HOSTILE};
    use crate::uptime::report::{Given, build};

    fn input(rows: usize, name: &str) -> ReportInput {
        let asked = Asked {
            period: period::parse("2026-10").unwrap(),
            location: Location::parse("Europe/Berlin").unwrap(),
            check: String::new(),
            labels: String::new(),
            goal: Goal::default(),
        };
        let within = asked.window().unwrap();
        let mut beats = Beats::default();
        beats.add(within.from, true, &Outcome { took: Duration::from_millis(120), ..Outcome::default() });
        let results = beats.take_hours().pop().unwrap();
        let given = |row: usize| Given {
            id: row as i64,
            name: format!("{name} {row}"),
            goal: Goal::default(),
            tally: Tally { up: 999 * HOUR, down: HOUR, unknown: 2 * HOUR, maintenance: 3 * HOUR, outages: 2, ..Tally::default() },
            results: results.clone(),
            incidents: vec![Incident { until: Some(within.from + HOUR), ..Incident::begun(within.from, within.from, &Outcome::default()) }],
            maintenance: Vec::new(),
        };
        ReportInput { report: build((0..rows).map(given).collect(), within), within, is_running: false, asked }
    }

    fn html(input: &ReportInput, more: &PageInput, query: &str) -> String {
        let html = render(input, more, &shell(Page::Uptime, "Report", links::UPTIME_REPORT, query));
        sample::check(&html);
        html
    }

    #[test]
    fn a_month_in_figures() {
        let more = PageInput { has_pdf: true, may_change: true, ..PageInput::default() };
        assert!(html(&input(0, ""), &more, "").contains("No check matches"));
        let asked = |goal: &str| {
            let mut given = input(1, "Shop");
            given.asked.goal = Goal::parse(goal).unwrap();
            given
        };
        let text = html(&asked("99.95"), &more, "month=2026-10&goal=99.95");
        for part in [
            "99.9 %",
            "below the goal",
            "30 min",
            "120 ms",
            "month=2026-09",
            "month=2026-Q4",
            "No mail server is set",
            "it answers, and should not",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            text.contains("month=2026-11")
                && !html(&ReportInput { is_running: true, ..input(1, "x") }, &more, "").contains("month=2026-11")
        );
        assert!(!html(&asked("99.9"), &more, "goal=99.9").contains("below the goal"));
        let mut own = input(1, "Shop");
        assert!(!html(&own, &more, "").contains("Goal</th>"));
        own.report.rows[0].goal = Goal::parse("99.99").unwrap();
        let text = html(&own, &more, "");
        assert!(text.contains("below the goal") && text.contains("99.99 %") && text.contains("Goal</th>"), "{text}");
        assert!(letter(&own, Lang::En, "").1.contains("Shop 0: 99.9 % (below the goal 99.99 %)"), "{}", letter(&own, Lang::En, "").1);
        assert!(table(&own).trim_end().ends_with(",99.99,true"), "{}", table(&own));
        assert_eq!(sheet(&own, Lang::En).tables[0].rows[0][2], "99.99 %, missed");
        assert!(html(&input(300, "Shop"), &more, "").contains("And 100 more, in the files."));
    }

    #[test]
    fn hostile_values_are_text_everywhere() {
        let mut given = input(3, HOSTILE);
        (given.asked.check, given.asked.labels) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        let hostile = Readers {
            to: HOSTILE.to_owned(),
            labels: HOSTILE.to_owned(),
            zone: HOSTILE.to_owned(),
            sent: HOSTILE.to_owned(),
            problem: HOSTILE.to_owned(),
            ..Readers::default()
        };
        let more = PageInput {
            readers: vec![hostile],
            problem: HOSTILE.to_owned(),
            to: HOSTILE.to_owned(),
            may_change: true,
            has_mail: true,
            ..PageInput::default()
        };
        html(&given, &more, &format!("goal={HOSTILE}"));
        let (letter, text) = letter(&given, Lang::Ar, "https://p/?a=1&b=2");
        sample::check(&letter);
        assert!(text.contains("https://p/?a=1&b=2") && letter.contains("dir=\"rtl\""), "{letter}");
    }

    #[test]
    fn files_have_every_row() {
        let table = table(&input(3, "=Shop"));
        assert_eq!(table.lines().count(), 4);
        let row: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
        assert_eq!((row[0], row[3], row[5], row[9], row[10]), ("'=Shop 0", "0.999", "3600", "2", "3600"), "{row:?}");
        for lang in [Lang::En, Lang::Ar] {
            let sheet = sheet(&input(3, "Shop"), lang);
            assert!(sheet.tables.iter().all(|table| table.rows.iter().all(|row| row.len() == table.columns.len())));
            assert_eq!((sheet.tables[0].rows.len(), sheet.tables[1].rows.len()), (3, 3));
        }
        assert_eq!(
            ["2026-10", "2026-Q4", "2026"].map(|text| format::period(period::parse(text).unwrap(), Lang::En)),
            ["Oct 2026", "Q4 2026", "2026"]
        );
    }
}
