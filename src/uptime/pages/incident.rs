//! One incident: since when, why, what it cost, and what happened around it.

use super::incidents::{kind_words, lasted, upkeep_words};
use crate::series::labels::quote;
use crate::series::ports::{Happening, IncidentThen, Missed};
use crate::ui::format::{self, Moment};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::model::incident::{Incident, Overlap};

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct IncidentInput {
    /// The number of the check.
    pub check: i64,
    /// Its name.
    pub name: String,
    /// The incident.
    pub incident: Incident,
    /// How much of it was in maintenance.
    pub overlap: Overlap,
    /// What it cost; or why that is not known.
    pub costs: Result<Vec<Missed>, String>,
    /// What else was down in that time.
    pub others: Vec<IncidentThen>,
    /// What was marked around it.
    pub marks: Vec<Happening>,
}

/// Something around the incident.
struct Around {
    at: Moment,
    words: String,
    href: String,
    tags: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/incident.html")]
struct IncidentPage<'a> {
    shell: &'a Shell,
    input: &'a IncidentInput,
    kind: &'static str,
    upkeep: &'static str,
    from: Moment,
    confirmed: Moment,
    until: Option<Moment>,
    lasted: String,
    check: String,
    metrics: String,
    logs: String,
    others: Vec<Around>,
    marks: Vec<Around>,
}

/// Where the time of an incident, and a little before it, is looked at.
fn in_its_time(href: &str, input: &IncidentInput, now: i64) -> String {
    let (from, until) = (input.incident.from - LEAD_MS, input.incident.until.unwrap_or(now));
    links::with(href, &[("from", &(from / 1000).to_string()), ("to", &(until / 1000).to_string())])
}

/// So much before an incident is looked at as well: what broke it came before it.
pub const LEAD_MS: i64 = 30 * 60_000;

/// Renders the page.
pub fn render(input: &IncidentInput, shell: &Shell) -> String {
    let (incident, lang, now) = (&input.incident, shell.lang(), shell.now_ms);
    let others = input.others.iter().map(|one| Around {
        at: format::exactly(one.from, lang),
        words: format!("{}: {}", one.of, one.cause),
        href: one.path.clone(),
        tags: Vec::new(),
    });
    let marks = input.marks.iter().map(|one| Around {
        at: format::exactly(one.at, lang),
        words: one.text.clone(),
        href: one.path.clone(),
        tags: one.tags.clone(),
    });
    let query = format!("pharos_check_up{{check={}}}", quote(&input.name));
    page::html(&IncidentPage {
        kind: kind_words(incident.kind),
        upkeep: upkeep_words(input.overlap),
        from: format::exactly(incident.from, lang),
        confirmed: format::exactly(incident.confirmed_at, lang),
        until: incident.until.map(|until| format::exactly(until, lang)),
        lasted: lasted(incident, now),
        check: in_its_time(&links::check(input.check), input, now),
        metrics: in_its_time(&links::explore(&query), input, now),
        logs: in_its_time(links::LOGS, input, now),
        others: others.collect(),
        marks: marks.collect(),
        shell,
        input,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::model::outcome::Outcome;

    fn input() -> IncidentInput {
        let from = 1_763_710_000_000;
        IncidentInput {
            check: 7,
            name: "Shop".into(),
            incident: Incident {
                until: Some(from + 600_000),
                excerpt: "<b>no</b>".into(),
                ..Incident::begun(from, from, &Outcome::default())
            },
            overlap: Overlap::None,
            costs: Ok(vec![
                Missed {
                    name: "Orders".into(),
                    lost: "43".into(),
                    expected: "120".into(),
                    actual: "77".into(),
                    path: "/business/3".into(),
                    ..Missed::default()
                },
                Missed { name: "Leads".into(), expected: "12".into(), actual: "12".into(), ..Missed::default() },
            ]),
            others: vec![IncidentThen {
                of: "API".into(),
                from,
                cause: "connection refused".into(),
                path: "/x".into(),
                ..IncidentThen::default()
            }],
            marks: vec![Happening {
                at: from - 60_000,
                until: from - 60_000,
                text: "v2 deployed".into(),
                tags: vec!["deploy".into()],
                by: "ci".into(),
                path: String::new(),
            }],
        }
    }

    fn html(input: &IncidentInput) -> String {
        render(input, &shell(Page::Uptime, "Shop", &links::incident(7, input.incident.from), ""))
    }

    #[test]
    fn it_says_why_what_it_cost_and_what_was_around_it() {
        let page = html(&input());
        for expected in [
            "Shop",
            "10 min",
            "Orders",
            "−43",
            "of 120",
            "/business/3",
            "API: connection refused",
            "v2 deployed",
            "deploy",
            "&#60;b&#62;no",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn where_nothing_is_counted_it_says_how_to() {
        let page = html(&IncidentInput { costs: Ok(Vec::new()), ..input() });
        assert!(page.contains("Nobody counts by the hour"), "{page}");
        let page = html(&IncidentInput { costs: Err("the database is locked".into()), ..input() });
        assert!(page.contains("the database is locked"), "{page}");
    }
}
