//! Files of objectives: a list below `slos`, read as a whole or refused as a whole; and single ones, as they are stored.

use std::collections::HashSet;
use std::path::Path;

use super::declaration::Slo;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::keys::{Keys, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};

/// Objectives of one file at most.
pub const SLOS_MAX: usize = 2_000;

impl Slo {
    /// In YAML.
    pub fn definition(&self) -> String {
        yaml::print(&to_node(self))
    }
}

/// Reads a file of objectives.
///
/// # Errors
/// Everything that is wrong with it, with its place. Otherwise warnings stand beside the objectives.
pub fn read(text: &str, path: &Path) -> Result<(Vec<Slo>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let mut all = Vec::new();
    match yaml::parse(text) {
        Ok(document) => all = list(&document.root, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish().map(|warnings| (all, warnings))
}

fn list(root: &Node, report: &mut Report) -> Vec<Slo> {
    let Some(mut section) = Section::open(root, "slos", report) else { return Vec::new() };
    let nodes = section.list("slos");
    if nodes.len() > SLOS_MAX {
        section.report.error(section.at, format!("{} SLOs are too many, {SLOS_MAX} may be", nodes.len()));
    }
    let (mut all, mut names) = (Vec::new(), HashSet::new());
    for node in nodes.iter().take(SLOS_MAX) {
        let Some(slo) = one(node, section.report) else { continue };
        if !names.insert(slo.name.clone()) {
            section.report.error(node.at, format!("there are two SLOs named {:?}", slo.name));
        }
        all.push(slo);
    }
    section.finish_exactly();
    all
}

/// Reads a single objective, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_one(text: &str) -> Result<Slo, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new("slo"));
    let mut found = None;
    match yaml::parse(text) {
        Ok(document) => found = one(&document.root, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()?;
    found.ok_or_else(Vec::new)
}

fn one(node: &Node, report: &mut Report) -> Option<Slo> {
    let mut section = Section::open(node, Slo::NAME, report)?;
    let mut slo = Slo::read_keys(&mut section);
    slo.check(&mut section);
    section.finish_exactly();
    Some(slo)
}

/// Objectives as a file that reads back as the same.
pub fn print<'s>(slos: impl IntoIterator<Item = &'s Slo>) -> String {
    let key = Key { at: Position::default(), text: "slos".into() };
    yaml::print(&Node::new(Kind::Map(vec![(key, Node::new(Kind::List(slos.into_iter().map(to_node).collect())))])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
slos:
  - name: Checkout
    description: Orders go through
    labels: {team: shop}
    objective: 99.9%
    window: 28d
    ratio:
      bad: http_requests_total{job=\"shop\",code=~\"5..\"}
      total: http_requests_total{job=\"shop\"}
    group_by: [region]
    min_events: 100
  - name: Search is fast
    objective: 99
    calendar: month
    time_zone: Europe/Berlin
    latency: {histogram: 'search_seconds', under: 0.3}
    alerts:
      name: SearchSlow
      page: {labels: {severity: sms}}
      ticket: {off: true}
      budget_low: 0
      absent: {for: 1h, labels: {severity: sms}}
      burns:
        - {rate: 10, long: 1h, short: 5m, for: 2m}
  - name: Shop is up
    objective: 99.5
    check: Shop
    alerts: {absent: {off: true}}
  - name: Jobs
    objective: 95
    alerts: {absent: {}}
    logs: {bad: '{app=\"jobs\"} |= \"failed\"', total: '{app=\"jobs\"} |= \"done\"'}
";

    #[test]
    fn a_file_reads_back_as_it_was_printed() {
        let (all, warnings) = read(FILE, Path::new("slos.yml")).unwrap();
        assert_eq!(warnings, []);
        let kinds: Vec<&str> = all.iter().map(|slo| slo.indicator().unwrap().kind()).collect();
        assert_eq!(kinds, ["ratio", "latency", "check", "logs"]);
        assert_eq!((all[0].objective.0, all[0].budget(), all[0].objective.part()), (99.9, 0.001, 0.999));
        let periods: Vec<String> = all.iter().map(|slo| slo.period().to_string()).collect();
        assert_eq!(periods, ["28d", "month", "30d", "30d"]);
        assert_eq!((all[1].pairs().len(), all[1].pairs()[0].hold.to_string()), (1, "2m".to_owned()));
        let printed = print(&all);
        assert_eq!(read(&printed, Path::new("x")).unwrap().0, all, "{printed}");
        for slo in &all {
            assert_eq!(read_one(&slo.definition()).unwrap(), *slo);
        }
        let json = r#"{"name": "A", "objective": 99, "check": "Shop"}"#;
        assert_eq!(read_one(json).unwrap().check, "Shop");
    }

    #[test]
    fn what_is_not_counted_is_a_query() {
        let of = |text: &str| read_one(text).unwrap();
        let check = of("{name: a, objective: 99, check: Shop}");
        assert_eq!(check.excluded().unwrap(), "pharos_check_maintenance{check=\"Shop\"} == 1");
        assert!(!check.is_direct());
        assert!(of("{name: a, objective: 99, check: Shop, exclude_maintenance: false}").is_direct());
        let both = of("{name: a, objective: 99, check: Shop, exclude: closed == 1}");
        assert_eq!(both.excluded().unwrap(), "(closed == 1) or (pharos_check_maintenance{check=\"Shop\"} == 1)");
        let deaf = of("{name: a, objective: 90, ratio: {bad: b, total: t}}").deaf();
        assert_eq!(deaf.len(), 1, "nothing burns a tenth 14.4 times too fast");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let told = |text: &str| -> Vec<String> { read(text, Path::new("slos.yml")).unwrap_err().iter().map(ToString::to_string).collect() };
        for (text, expected) in [
            ("slos: [{objective: 99, check: a}]", "slos.yml:1:8: an SLO has a name"),
            ("slos: [{name: a/b, objective: 99, check: a}]", "slos.yml:1:15: name: letters, digits"),
            ("slos: [{name: new, objective: 99, check: a}]", "slos.yml:1:15: name: an SLO cannot be named \"new\""),
            ("slos: [{name: a, check: a}]", "slos.yml:1:8: objective: read nothing, expected a percentage"),
            ("slos: [{name: a, objective: 100, check: a}]", "slos.yml:1:29: objective: read 100, expected"),
            ("slos: [{name: a, objective: x, check: a}]", "slos.yml:1:29: objective: read \"x\", expected a percentage"),
            ("slos: [{name: a, objective: 99}]", "slos.yml:1:8: an SLO says what it counts"),
            (
                "slos: [{name: a, objective: 99, check: a, logs: {bad: x, total: x}}]",
                "slos.yml:1:49: an SLO counts one thing, this one has check and logs",
            ),
            ("slos: [{name: a, objective: 99, ratio: {bad: a, good: b, total: c}}]", "slos.yml:1:55: either the bad events"),
            ("slos: [{name: a, objective: 99, ratio: {bad: a}}]", "slos.yml:1:40: total: all events are counted too"),
            ("slos: [{name: a, objective: 99, ratio: {bad: 'sum(a)', total: c}}]", "slos.yml:1:46: bad: expected a selector of counters"),
            ("slos: [{name: a, objective: 99, window: 1h, check: a}]", "slos.yml:1:41: window: read 1h, expected 1d to 400d"),
            ("slos: [{name: a, objective: 99, window: 7d, calendar: week, check: a}]", "slos.yml:1:55: calendar: an SLO has either"),
            (
                "slos: [{name: a, objective: 99, calendar: year, check: a}]",
                "slos.yml:1:43: calendar: read \"year\", expected week, month or quarter",
            ),
            ("slos: [{name: a, objective: 99, time_zone: Mars, check: a}]", "slos.yml:1:44: time_zone: there is no place \"Mars\""),
            ("slos: [{name: a, objective: 99, check: a, labels: {slo: x}}]", "slos.yml:1:51: labels: slo is a label"),
            ("slos: [{name: a, objective: 99, check: a, group_by: [le]}]", "slos.yml:1:53: group_by: \"le\" cannot group"),
            ("slos: [{name: a, objective: 99, latency: {histogram: 'sum(a)', under: 1}}]", "slos.yml:1:54: histogram: read"),
            (
                "slos: [{name: a, objective: 99, check: a, alerts: {burns: [{rate: 0, long: 1h, short: 5m}]}}]",
                "slos.yml:1:67: rate: expected",
            ),
            (
                "slos: [{name: a, objective: 99, check: a, alerts: {burns: [{rate: 1, long: 15m, short: 1m}]}}]",
                "slos.yml:1:51: alerts: the short window 1m",
            ),
            (
                "slos: [{name: a, objective: 99, check: a}, {name: a, objective: 99, check: a}]",
                "slos.yml:1:44: there are two SLOs named \"a\"",
            ),
            ("slos: [{name: a, objective: 99, chekc: a}]", "slos.yml:1:33: chekc: unknown key, did you mean check?"),
            ("slos: {", "slos.yml:"),
        ] {
            let told = told(text);
            assert!(told.iter().any(|line| line.starts_with(expected)), "{text}: {told:#?}");
        }
    }
}
