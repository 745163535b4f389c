//! What was down, when and why: lanes over the range, and every incident with its cause.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::human;
use crate::base::time::{TimeRange, format_rfc3339};
use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::lanes::{Lane, Tick, bar, ticks};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::Check;
use crate::uptime::model::incident::{Incident, IncidentOf};
use crate::uptime::model::outcome::FailureKind;
use crate::uptime::report::csv;

/// Incidents asked for.
pub const INCIDENTS_MAX: i64 = 5_000;
/// Incidents on one page.
const PAGE_ROWS: usize = 50;
/// Checks drawn.
const LANES_MAX: usize = 30;

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct IncidentsInput {
    /// What is shown.
    pub range: TimeRange,
    /// Incidents that touch it, the newest first.
    pub incidents: Vec<IncidentOf>,
    /// Checks of now.
    pub checks: BTreeMap<i64, Arc<Check>>,
    /// Why incidents are not known, or the range not readable.
    pub problem: String,
}

struct Row {
    from: Moment,
    lasted: String,
    is_open: bool,
    check: String,
    href: String,
    kind: &'static str,
    cause: String,
    excerpt: String,
}

#[derive(askama::Template)]
#[template(path = "uptime/upkeep/incidents.html")]
struct IncidentsPage<'a> {
    shell: &'a Shell,
    input: &'a IncidentsInput,
    check: &'a str,
    label: &'a str,
    kind: &'a str,
    state: &'a str,
    kinds: Vec<(&'static str, &'static str)>,
    names: Vec<&'a str>,
    lanes: Vec<Lane>,
    more: usize,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
    csv: String,
    page: usize,
    pages: usize,
    found_words: String,
    is_filtered: bool,
}

impl IncidentsPage<'_> {
    fn kind_is(&self, word: &str) -> bool {
        self.kind == word
    }

    fn state_is(&self, word: &str) -> bool {
        self.state == word
    }
}

/// Which part of a probe failed, in words.
pub const fn kind_words(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Target => key("Makes no sense"),
        FailureKind::Resolve => key("Name not found"),
        FailureKind::Connect => key("No connection"),
        FailureKind::Tls => key("TLS"),
        FailureKind::Timeout => key("Time over"),
        FailureKind::Protocol => key("Protocol"),
        FailureKind::Status => key("Wrong status"),
        FailureKind::Content => key("Wrong content"),
        FailureKind::Slow => key("Too slow"),
        FailureKind::Expiry => key("Certificate ends"),
        FailureKind::Silence => key("Not heard of"),
    }
}

/// Which incidents are wanted, as the URL says.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    check: String,
    labels: Vec<(String, String)>,
    kind: String,
    state: String,
}

impl Filter {
    /// From the parameters of the page.
    pub fn of(shell: &Shell) -> Self {
        let text = |name| shell.param(name).unwrap_or("").to_owned();
        let labels = text("label");
        let labels = labels.split([',', ' ']).filter_map(|label| label.split_once('='));
        let labels = labels.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned())).collect();
        Self { check: text("check"), labels, kind: text("kind"), state: text("state") }
    }

    fn takes(&self, of: &IncidentOf, checks: &BTreeMap<i64, Arc<Check>>) -> bool {
        let check = checks.get(&of.check);
        let is_named = self.check.is_empty() || check.is_some_and(|check| check.name == self.check);
        let has = |(name, value): &(String, String)| check.is_some_and(|check| check.labels.get(name) == Some(value));
        let is_kind = self.kind.is_empty() || of.incident.kind.as_str() == self.kind;
        let is_state = match self.state.as_str() {
            "open" => of.incident.until.is_none(),
            "over" => of.incident.until.is_some(),
            _ => true,
        };
        is_named && is_kind && is_state && self.labels.iter().all(has)
    }

    /// Those that are wanted.
    pub fn found<'i>(&self, input: &'i IncidentsInput) -> Vec<&'i IncidentOf> {
        input.incidents.iter().filter(|of| self.takes(of, &input.checks)).collect()
    }
}

fn name_of(id: i64, checks: &BTreeMap<i64, Arc<Check>>) -> String {
    checks.get(&id).map_or_else(|| format!("#{id}"), |check| check.name.clone())
}

/// How long one lasts or lasted.
pub fn lasted(incident: &Incident, now: i64) -> String {
    human::length(u64::try_from(incident.length(now)).unwrap_or(0))
}

/// Renders the page. The shell has a range and refreshes by itself.
pub fn render(input: &IncidentsInput, shell: &Shell) -> String {
    let filter = Filter::of(shell);
    let found = filter.found(input);
    let pages = found.len().div_ceil(PAGE_ROWS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let (lanes, more) = lanes(&found, input, shell);
    let mut names: Vec<&str> = input.checks.values().map(|check| check.name.as_str()).collect();
    names.sort_unstable();
    let param = |name| shell.param(name).unwrap_or("");
    page::html(&IncidentsPage {
        check: param("check"),
        label: param("label"),
        kind: param("kind"),
        state: param("state"),
        kinds: FailureKind::ALL.into_iter().map(|kind| (kind.as_str(), kind_words(kind))).collect(),
        names,
        lanes,
        more,
        ticks: ticks(input.range, shell.lang()),
        rows: found.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(|of| row(of, input, shell)).collect(),
        csv: shell.href_with(&[("format", "csv"), ("page", "")]),
        found_words: shell.lang().n(found.len() as u64, "{} incident", "{} incidents"),
        is_filtered: ["check", "label", "kind", "state"].iter().any(|name| shell.param(name).is_some()),
        shell,
        input,
        page,
        pages,
    })
}

fn row(of: &IncidentOf, input: &IncidentsInput, shell: &Shell) -> Row {
    let incident = &of.incident;
    Row {
        from: format::exactly(incident.from, shell.lang()),
        lasted: lasted(incident, shell.now_ms),
        is_open: incident.until.is_none(),
        check: name_of(of.check, &input.checks),
        href: links::check(of.check),
        kind: kind_words(incident.kind),
        cause: incident.cause.clone(),
        excerpt: incident.excerpt.clone(),
    }
}

/// A lane for each check, those that were down last first; and how many more there are.
fn lanes(found: &[&IncidentOf], input: &IncidentsInput, shell: &Shell) -> (Vec<Lane>, usize) {
    let mut by_check: BTreeMap<i64, Vec<&Incident>> = BTreeMap::new();
    for of in found {
        by_check.entry(of.check).or_default().push(&of.incident);
    }
    let mut order: Vec<(i64, Vec<&Incident>)> = by_check.into_iter().collect();
    order.sort_by_key(|(_, all)| std::cmp::Reverse(all.iter().map(|incident| incident.until.unwrap_or(i64::MAX)).max()));
    let more = order.len().saturating_sub(LANES_MAX);
    let lane = |(id, all): (i64, Vec<&Incident>)| {
        let name = name_of(id, &input.checks);
        let of = |incident: &&Incident| {
            let until = incident.until.unwrap_or(shell.now_ms).min(input.range.end);
            bar("f", &incident.cause, incident.from.max(input.range.start), until, input.range, shell.lang())
        };
        let said = format!("{name}: {}", shell.lang().n(all.len() as u64, "down {} time", "down {} times"));
        Lane { href: links::check(id), said, bars: all.iter().map(of).collect(), name }
    };
    (order.into_iter().take(LANES_MAX).map(lane).collect(), more)
}

/// The same as a file.
pub fn table(input: &IncidentsInput, filter: &Filter) -> String {
    let head = ["check", "from", "until", "seconds", "kind", "cause", "excerpt"].map(str::to_owned).to_vec();
    let rows = filter.found(input).into_iter().map(|IncidentOf { check, incident }| {
        vec![
            name_of(*check, &input.checks),
            format_rfc3339(incident.from),
            incident.until.map(format_rfc3339).unwrap_or_default(),
            incident.until.map(|until| ((until - incident.from) / 1000).to_string()).unwrap_or_default(),
            incident.kind.as_str().to_owned(),
            incident.cause.clone(),
            incident.excerpt.clone(),
        ]
    });
    csv::table(std::iter::once(head).chain(rows))
}
