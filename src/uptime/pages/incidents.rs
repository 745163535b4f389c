//! What was down, when and why: lanes over the range, and every incident with its cause.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::csv;
use crate::base::human;
use crate::base::time::{TimeRange, format_rfc3339};
use crate::ui::format::{self, Moment};
use crate::ui::lanes::{Lane, Tick, bar, ticks};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::config::Check;
use crate::uptime::model::incident::{Incident, IncidentOf, Overlap};
use crate::uptime::model::outcome::FailureKind;

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
    check_href: String,
    kind: &'static str,
    cause: String,
    excerpt: String,
    upkeep: &'static str,
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

/// Whether it was in maintenance, in words; empty where it was not.
pub const fn upkeep_words(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::None => "",
        Overlap::Part => key("partly in maintenance"),
        Overlap::Whole => key("in maintenance"),
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

/// Renders the page. The shell has a range and refreshes by itself. `overlap` says how much of one was in maintenance.
pub fn render(input: &IncidentsInput, overlap: &dyn Fn(&IncidentOf) -> Overlap, shell: &Shell) -> String {
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
        rows: found.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(|of| row(of, overlap(of), input, shell)).collect(),
        csv: shell.href_with(&[("format", "csv"), ("page", "")]),
        found_words: shell.lang().n(found.len() as u64, "{} incident", "{} incidents"),
        is_filtered: ["check", "label", "kind", "state"].iter().any(|name| shell.param(name).is_some()),
        shell,
        input,
        page,
        pages,
    })
}

fn row(of: &IncidentOf, overlap: Overlap, input: &IncidentsInput, shell: &Shell) -> Row {
    let incident = &of.incident;
    Row {
        from: format::exactly(incident.from, shell.lang()),
        lasted: lasted(incident, shell.now_ms),
        is_open: incident.until.is_none(),
        check: name_of(of.check, &input.checks),
        href: links::incident(of.check, incident.from),
        check_href: links::check(of.check),
        kind: kind_words(incident.kind),
        cause: incident.cause.clone(),
        excerpt: incident.excerpt.clone(),
        upkeep: upkeep_words(overlap),
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
pub fn table(input: &IncidentsInput, overlap: &dyn Fn(&IncidentOf) -> Overlap, filter: &Filter) -> String {
    let head = ["check", "from", "until", "seconds", "kind", "cause", "excerpt", "maintenance"].map(str::to_owned).to_vec();
    let rows = filter.found(input).into_iter().map(|of| {
        let IncidentOf { check, incident } = of;
        vec![
            name_of(*check, &input.checks),
            format_rfc3339(incident.from),
            incident.until.map(format_rfc3339).unwrap_or_default(),
            incident.until.map(|until| ((until - incident.from) / 1000).to_string()).unwrap_or_default(),
            incident.kind.as_str().to_owned(),
            incident.cause.clone(),
            incident.excerpt.clone(),
            overlap(of).as_str().to_owned(),
        ]
    });
    csv::table(std::iter::once(head).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::config::file::read_one;
    use crate::uptime::model::outcome::{Failure, Outcome};
    use crate::uptime::pages::sample::{self, HOSTILE, NOW};

    const HOUR: i64 = 3_600_000;

    fn incident(check: i64, from: i64, until: Option<i64>, kind: FailureKind, text: &str) -> IncidentOf {
        let failure = Some(Failure { kind, text: text.to_owned() });
        let first = Outcome { failure, excerpt: text.to_owned(), ..Outcome::default() };
        IncidentOf { check, incident: Incident { until, ..Incident::begun(from, from, &first) } }
    }

    fn input(incidents: Vec<IncidentOf>, names: &[&str]) -> IncidentsInput {
        let check = |(place, name): (usize, &&str)| {
            let yaml = serde_json::json!({ "name": name, "labels": { "team": name.to_lowercase() }, "ping": { "host": "a" } }).to_string();
            (place as i64 + 1, Arc::new(read_one(&yaml, None).unwrap().check))
        };
        let range = TimeRange::new(NOW - 24 * HOUR, NOW);
        IncidentsInput { range, incidents, checks: names.iter().enumerate().map(check).collect(), problem: String::new() }
    }

    fn html(input: &IncidentsInput, query: &str) -> String {
        let shell = shell(Page::Uptime, "Incidents", links::UPTIME_INCIDENTS, query).with_range("now-30d").with_refresh("30s");
        let html = render(input, &|_| Overlap::Part, &shell);
        sample::check(&html);
        html
    }

    #[test]
    fn filters_of_the_address_choose() {
        assert!(html(&input(Vec::new(), &[]), "").contains("Nothing was down in this range"));
        let all = vec![
            incident(2, NOW - HOUR, None, FailureKind::Status, "answered 503"),
            incident(1, NOW - 3 * HOUR, Some(NOW - 2 * HOUR), FailureKind::Resolve, "no such host"),
            incident(9, NOW - 5 * HOUR, Some(NOW - 4 * HOUR), FailureKind::Tls, "expired"),
        ];
        let input = input(all, &["Shop", "Api"]);
        let found = |query: &str| {
            let text = html(&input, query);
            ["answered 503", "no such host", "expired"].map(|cause| text.contains(&format!("<bdi>{cause}</bdi>")))
        };
        assert_eq!(found(""), [true, true, true]);
        assert_eq!(found("check=Shop"), [false, true, false]);
        assert_eq!(found("label=team%3Dapi"), [true, false, false]);
        assert_eq!(found("kind=tls"), [false, false, true]);
        assert_eq!((found("state=open"), found("state=over")), ([true, false, false], [false, true, true]));
        assert!(html(&input, "check=Nobody").contains("No incident matches"));
        let text = html(&input, "");
        assert!(text.contains("goes on") && text.contains("Api: down 1 time") && text.contains("3 incidents"), "{text}");
        assert!(text.contains("partly in maintenance"), "{text}");
    }

    #[test]
    fn many_have_pages_and_hostile_values_are_text() {
        let many = (0..120).map(|at| incident(1, NOW - at * 60_000 - 60_000, Some(NOW - at * 60_000), FailureKind::Slow, "slow")).collect();
        assert!(html(&input(many, &["Shop"]), "page=2").contains("Page 3 of 3"));
        let mut hostile = input(vec![incident(1, NOW - HOUR, None, FailureKind::Content, HOSTILE)], &[HOSTILE]);
        hostile.problem = HOSTILE.to_owned();
        html(&hostile, "");
        html(&hostile, &format!("check={HOSTILE}&label={HOSTILE}&kind={HOSTILE}"));
    }

    #[test]
    fn the_file_has_what_the_page_has() {
        let all = vec![incident(1, 0, Some(60_000), FailureKind::Status, "=1+1")];
        let table = table(&input(all, &["Shop, front"]), &|_| Overlap::Whole, &Filter::default());
        let expected = "\"Shop, front\",1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,60,status,'=1+1,'=1+1,whole\r\n";
        assert_eq!(table.split_once("\r\n").unwrap().1, expected);
    }
}
