//! The form of an objective, and what it would have been over its last period.

use std::collections::BTreeMap;

use super::words;
use crate::base::human;
use crate::platform::config::keys::to_node;
use crate::platform::config::yaml::{self, Key, Kind, MapWriter, Node, Position};
use crate::slo::config::{Absent, Slo};
use crate::slo::watch::desk::{Foretold, named};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Kinds of indicators, and their names.
pub const KINDS: [(&str, &str); 4] =
    [("ratio", key("Counters")), ("latency", key("How long it takes")), ("check", key("A check")), ("logs", key("Lines of logs"))];
/// Periods on offer.
const PERIODS: [(&str, &str); 7] = [
    ("30d", key("30 days")),
    ("28d", key("28 days")),
    ("7d", key("7 days")),
    ("90d", key("90 days")),
    ("week", key("a week of the calendar")),
    ("month", key("a month of the calendar")),
    ("quarter", key("a quarter of the calendar")),
];
/// After how long it is told that nothing is counted, on offer.
const ABSENT: [(&str, &str); 4] =
    [("", key("as usual")), (NEVER, key("tell nobody")), ("15m", key("after 15 minutes")), ("1h", key("after an hour"))];
const NEVER: &str = "never";
const TRUTH: [(&str, &str); 2] = [("", key("no")), ("true", key("yes"))];

/// What the page is made of.
#[derive(Debug, Default)]
pub struct EditInput {
    /// The kind of its indicator.
    pub kind: String,
    /// The name of the objective that is changed; empty for a new one.
    pub before: String,
    /// Fields as they are filled in.
    pub fields: BTreeMap<String, String>,
    /// What it would have been.
    pub foretold: Option<Foretold>,
    /// The objective, where it can be read.
    pub slo: Option<Slo>,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change objectives.
    pub may_change: bool,
}

struct Field {
    name: &'static str,
    label: &'static str,
    help: &'static str,
    example: &'static str,
    value: String,
    is_area: bool,
    choices: Vec<(&'static str, &'static str)>,
}

struct GroupRow {
    labels: String,
    events: String,
    bad: String,
    reached: String,
    left: String,
    class: &'static str,
}

#[derive(askama::Template)]
#[template(path = "slo/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    first: Vec<Field>,
    more: Vec<Field>,
    /// What the form has no field for.
    kept: Vec<(&'static str, &'a str)>,
    is_more_open: bool,
    over: Option<String>,
    groups: Vec<GroupRow>,
    deaf: Vec<String>,
    cancel: String,
}

impl EditPage<'_> {
    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        &KINDS
    }
}

/// Name, label, help, example of fields: first those of the kind, then those that are folded away.
type Line = (&'static str, &'static str, &'static str, &'static str);

const EVENTS: [Line; 3] = [
    (
        "bad",
        key("Bad events"),
        key("A selector of counters, or an expression with {{window}} as its range."),
        "http_requests_total{job=\"shop\",code=~\"5..\"}",
    ),
    ("good", key("Or good events"), key("In place of the bad ones."), ""),
    ("total", key("All events"), "", "http_requests_total{job=\"shop\"}"),
];
const LINES: [Line; 3] = [
    ("bad", key("Bad lines"), key("A query of lines, as in the search."), "{app=\"shop\"} |= \"failed\""),
    ("good", key("Or good lines"), key("In place of the bad ones."), ""),
    ("total", key("All lines"), "", "{app=\"shop\"} |= \"done\""),
];
const LATENCY: [Line; 3] = [
    ("histogram", key("Histogram"), "", "http_request_duration_seconds{job=\"shop\"}"),
    ("under", key("Good up to so many seconds"), key("Of a classic histogram this is the bound of a bucket."), "0.3"),
    ("native", key("Native histogram"), "", ""),
];
const CHECK: [Line; 1] = [("check", key("Name of the check"), key("Its maintenance does not count."), "Shop")];
const MORE: [Line; 8] = [
    ("description", key("Description"), "", ""),
    ("labels", key("Labels"), key("name: value, one a line."), "team: shop"),
    ("group_by", key("A budget for each set of these labels"), key("Names of labels, with commas."), "region"),
    (
        "min_events",
        key("Fewest events"),
        key("With fewer in its long window no alert fires: one failure of two requests wakes up nobody."),
        "100",
    ),
    ("exclude", key("Not counted while this query finds anything"), "", "planned_outage == 1"),
    ("time_zone", key("Time zone"), key("By whose clock parts of the calendar begin."), "Europe/Berlin"),
    (
        "absent",
        key("Tell when nothing is counted"),
        key("Because it is sent no more, or is not found. Usual are 15 minutes; nobody is told of logs, or where fewest events are given."),
        "15m",
    ),
    ("alerts", key("Alerts"), key("As in YAML; empty for the usual ones."), "page: {labels: {severity: critical}}"),
];

fn lines_of(kind: &str) -> &'static [Line] {
    match kind {
        "latency" => &LATENCY,
        "check" => &CHECK,
        "logs" => &LINES,
        _ => &EVENTS,
    }
}

/// The fields of an objective as its form shows them.
pub fn fields_of(slo: &Slo) -> BTreeMap<String, String> {
    let node = to_node(slo);
    let kind = slo.indicator().map(|indicator| indicator.kind()).unwrap_or_default();
    let mut fields = BTreeMap::new();
    let mut put = |name: &str, value: String| drop(fields.insert(name.to_owned(), value));
    put("name", slo.name.clone());
    put("objective", slo.objective.to_string());
    put("period", slo.period().to_string());
    for key in ["description", "exclude", "time_zone", "check"] {
        put(key, node.get(key).map(scalar).unwrap_or_default());
    }
    for (name, ..) in lines_of(kind) {
        if let Some(value) = node.get(kind).and_then(|below| below.get(name)) {
            put(name, scalar(value));
        }
    }
    put("labels", slo.labels.iter().map(|(name, value)| format!("{name}: {}\n", yaml::quoted(value))).collect());
    put("group_by", slo.group_by.join(", "));
    if slo.min_events > 0 {
        put("min_events", slo.min_events.to_string());
    }
    let (absent, alerts) = node.get("alerts").map(apart).unwrap_or_default();
    put("absent", absent);
    put("alerts", alerts);
    // What the form has no field for goes through it all the same.
    if let Some(latency) = slo.latency.as_ref().filter(|latency| !latency.total.is_empty()) {
        put("latency_total", latency.total.clone());
    }
    if !slo.exclude_maintenance {
        put("exclude_maintenance", "false".to_owned());
    }
    fields
}

fn scalar(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, .. } => text.to_string(),
        _ => String::new(),
    }
}

/// After how long it is told that nothing is counted, where no more is said of it; and the other alerts.
fn apart(alerts: &Node) -> (String, String) {
    let whole = || (String::new(), yaml::print(alerts));
    let (Kind::Map(pairs), Some(absent)) = (&alerts.kind, alerts.get("absent")) else { return whole() };
    let told = match &absent.kind {
        Kind::Map(said) => match said.as_slice() {
            [] => Absent::default().hold.to_string(),
            [(key, _)] if &*key.text == "off" => NEVER.to_owned(),
            [(key, hold)] if &*key.text == "for" => scalar(hold),
            _ => return whole(),
        },
        _ => return whole(),
    };
    let mut others = MapWriter::default();
    for (key, node) in pairs.iter().filter(|(key, _)| &*key.text != "absent") {
        others.put(&key.text, node.clone());
    }
    let others = others.finish();
    let is_empty = matches!(&others.kind, Kind::Map(pairs) if pairs.is_empty());
    (told, if is_empty { String::new() } else { yaml::print(&others) })
}

/// The alerts with what [`apart`] took out of them.
fn together(alerts: Option<Node>, told: &str) -> Result<Node, String> {
    let (mut all, mut absent) = (MapWriter::default(), MapWriter::default());
    match alerts.map(|node| node.kind) {
        None => {}
        Some(Kind::Map(pairs)) if pairs.iter().all(|(key, _)| &*key.text != "absent") => {
            for (key, node) in pairs {
                all.put(&key.text, node);
            }
        }
        Some(Kind::Map(_)) => return Err("alerts: absent has a field of its own, which is to be as usual here".to_owned()),
        Some(_) => return Err("alerts: expected keys and values".to_owned()),
    }
    if told == NEVER {
        absent.bare("off", true)
    } else {
        absent.bare("for", told)
    };
    all.map_if("absent", absent);
    Ok(all.finish())
}

/// An objective as a text, from the fields of its form.
///
/// # Errors
/// Which field is no YAML.
pub fn text_of(kind: &str, fields: &BTreeMap<String, String>) -> Result<String, String> {
    let field = |name: &str| fields.get(name).map(|value| value.trim()).unwrap_or_default();
    let mut out = MapWriter::default();
    out.text("name", field("name")).text_if("description", field("description"));
    if let Some(node) = parsed("labels", field("labels"))? {
        out.put("labels", node);
    }
    out.text_if("objective", field("objective"));
    match field("period") {
        period @ ("week" | "month" | "quarter") => out.text("calendar", period),
        "" => &mut out,
        period => out.bare("window", period),
    };
    out.text_if("time_zone", field("time_zone"));
    let mut below = MapWriter::default();
    for (name, ..) in lines_of(kind) {
        below.text_if(name, field(name));
    }
    if kind == "latency" {
        below.text_if("total", field("latency_total"));
    }
    if kind == "check" {
        out.text_if("check", field("check"));
    } else {
        out.map_if(kind, unquoted(below));
    }
    let labels: Vec<Node> = field("group_by").split(',').map(str::trim).filter(|label| !label.is_empty()).map(Node::text).collect();
    out.list_if("group_by", labels);
    if !field("min_events").is_empty() {
        out.bare("min_events", field("min_events"));
    }
    out.text_if("exclude", field("exclude"));
    if field("exclude_maintenance") == "false" {
        out.bare("exclude_maintenance", false);
    }
    let alerts = parsed("alerts", field("alerts"))?;
    let alerts = if field("absent").is_empty() { alerts } else { Some(together(alerts, field("absent"))?) };
    if let Some(node) = alerts {
        out.put("alerts", node);
    }
    Ok(yaml::print(&out.finish()))
}

/// Numbers and truth values of a kind's keys stand without quotes.
fn unquoted(below: MapWriter) -> MapWriter {
    let mut out = MapWriter::default();
    if let Kind::Map(pairs) = below.finish().kind {
        for (Key { text, .. }, node) in pairs {
            let is_bare = matches!(&*text, "under" | "native");
            out.put(&text, if is_bare { Node::bare(scalar(&node)) } else { node });
        }
    }
    out
}

fn parsed(field: &str, text: &str) -> Result<Option<Node>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match yaml::parse(text) {
        Ok(document) if document.root.kind != Kind::Null => Ok(Some(Node { at: Position::default(), ..document.root })),
        Ok(_) => Ok(None),
        Err(error) => Err(format!("{field}: {error}")),
    }
}

/// Renders the page.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let one = |(name, label, help, example): Line| {
        let value = input.fields.get(name).cloned().unwrap_or_default();
        let choices = match name {
            "period" => offered(&PERIODS, &value),
            "absent" => offered(&ABSENT, &value),
            "native" => TRUTH.to_vec(),
            _ => Vec::new(),
        };
        let is_area = matches!(name, "bad" | "good" | "total" | "labels" | "alerts" | "exclude" | "histogram");
        Field { name, label, help, example, value, is_area, choices }
    };
    let head = [
        ("name", key("Name"), "", "Checkout"),
        ("objective", key("Objective in percent"), key("How much of all events must be good."), "99.9"),
        ("period", key("Over"), "", ""),
    ];
    let first = head.into_iter().chain(lines_of(&input.kind).iter().copied()).map(one).collect();
    let more: Vec<Field> = MORE.into_iter().map(one).collect();
    let is_more_open = more.iter().any(|field| !field.value.is_empty());
    let over = input.foretold.as_ref().map(|foretold| {
        shell.f1("Counted over the last {}, maintenance and what is excluded included.", human::span(foretold.over.ms().unsigned_abs()))
    });
    let groups = input.foretold.iter().flat_map(|foretold| &foretold.groups).take(50).map(|(labels, budget)| GroupRow {
        labels: named(labels),
        events: words::events(budget.counted.events),
        bad: words::events(budget.counted.bad),
        reached: budget.counted.good_ratio().map_or_else(|| "–".to_owned(), words::percent),
        left: words::left(Some(budget)),
        class: if budget.left().is_some_and(|left| left <= 0.0) { "crit" } else { "" },
    });
    let kept = ["latency_total", "exclude_maintenance"].into_iter().filter_map(|name| Some((name, input.fields.get(name)?.as_str())));
    let cancel = if input.before.is_empty() { links::SLOS.to_owned() } else { links::slo(&input.before) };
    let deaf = input.slo.as_ref().map(|slo| words::deaf(slo, shell)).unwrap_or_default();
    page::html(&EditPage { first, more, kept: kept.collect(), is_more_open, over, groups: groups.collect(), deaf, cancel, shell, input })
}

/// What is on offer; nothing where something else is there already, which is to be typed.
fn offered(all: &[(&'static str, &'static str)], value: &str) -> Vec<(&'static str, &'static str)> {
    let known = all.iter().any(|(id, _)| *id == value) || value.is_empty();
    if known { all.to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::config::read_one;

    #[test]
    fn an_objective_goes_through_its_form_unchanged() {
        for text in [
            "{name: a, objective: 99.95, window: 28d, labels: {team: 'x: y'}, group_by: [b, c], min_events: 5, exclude: 'n == 1', ratio: {bad: 'b{c=\"d\"}', total: t}}",
            "{name: a, objective: 99, calendar: month, time_zone: Europe/Berlin, latency: {histogram: h, under: 0.3, native: true, total: t}}",
            "{name: a, objective: 99, window: 14d, check: Shop, exclude_maintenance: false}",
            "{name: a, objective: 99, window: 30d, logs: {good: '{a=\"b\"}', total: '{a=\"b\"}'}, alerts: {page: {off: true}, burns: [{rate: 2, long: 1h, short: 5m}]}}",
        ] {
            let slo = read_one(text).unwrap();
            let kind = slo.indicator().unwrap().kind();
            let again = text_of(kind, &fields_of(&slo)).unwrap();
            assert_eq!(read_one(&again).unwrap(), slo, "{again}");
        }
        let absent = |alerts: &str| {
            let slo = read_one(&format!("{{name: a, objective: 99, window: 30d, check: Shop, alerts: {alerts}}}")).unwrap();
            let fields = fields_of(&slo);
            assert_eq!(read_one(&text_of("check", &fields).unwrap()).unwrap(), slo, "{fields:?}");
            (fields["absent"].clone(), fields["alerts"].contains("absent"), fields["alerts"].contains("page"))
        };
        for (alerts, expected) in [
            ("{absent: {off: true}, page: {off: true}}", (NEVER, false, true)),
            ("{absent: {for: 1h}}", ("1h", false, false)),
            ("{absent: {}}", ("15m", false, false)),
            ("{absent: {for: 1h, labels: {severity: sms}}}", ("", true, false)),
        ] {
            assert_eq!(absent(alerts), (expected.0.to_owned(), expected.1, expected.2), "{alerts}");
        }
        let both = [("absent", "1h"), ("alerts", "absent: {off: true}")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(text_of("ratio", &BTreeMap::from(both)).unwrap_err().starts_with("alerts: absent has a field of its own"));
        let fields = BTreeMap::from([("alerts".to_owned(), "{".to_owned())]);
        assert!(text_of("ratio", &fields).unwrap_err().starts_with("alerts: line 1"));
    }
}
