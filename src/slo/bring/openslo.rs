//! OpenSLO v1 (and the v1alpha that Sloth reads): an SLO for each of its objectives, with indicators, sources and alert
//! conditions that stand beside it in the file.

use std::collections::BTreeMap;

use super::{Brought, at, either, items, labels, map, named, pairs, text_at, text_of};
use crate::platform::config::yaml::{Kind, MapWriter, Node};
use crate::slo::config::query;

/// What SLOs of a file refer to.
#[derive(Default)]
pub struct Known<'n> {
    indicators: BTreeMap<String, &'n Node>,
    sources: BTreeMap<String, String>,
    policies: BTreeMap<String, &'n Node>,
    conditions: BTreeMap<String, &'n Node>,
}

impl<'n> Known<'n> {
    /// What stands in the documents of a file.
    pub fn of(documents: &'n [Node]) -> Self {
        let mut known = Self::default();
        for root in documents.iter().filter(|root| text_at(root, &["apiVersion"]).starts_with("openslo")) {
            let (name, spec) = (text_at(root, &["metadata", "name"]), at(root, &["spec"]));
            let Some(spec) = spec else { continue };
            match text_at(root, &["kind"]).as_str() {
                "SLI" => drop(known.indicators.insert(name, spec)),
                "DataSource" => drop(known.sources.insert(name, text_at(spec, &["type"]))),
                "AlertPolicy" => drop(known.policies.insert(name, spec)),
                "AlertCondition" => drop(known.conditions.insert(name, spec)),
                _ => {}
            }
        }
        known
    }
}

/// Reads a document.
pub fn read(root: &Node, known: &Known<'_>, brought: &mut Brought) {
    if text_at(root, &["kind"]) != "SLO" {
        return;
    }
    let name = named(&text_at(root, &["metadata", "name"]));
    let Some(spec) = at(root, &["spec"]) else { return brought.note(&name, "it is left out: it has no spec") };
    match text_at(spec, &["budgetingMethod"]).as_str() {
        "" | "Occurrences" => {}
        other => brought.note(&name, &format!("it counts by {other}, and here it counts by events")),
    }
    let objectives = items(at(spec, &["objectives"]));
    for (index, objective) in objectives.iter().enumerate() {
        let own = if objectives.len() > 1 { format!("{name}-{index}") } else { name.clone() };
        one(&own, root, spec, objective, known, brought);
    }
}

fn one(name: &str, root: &Node, spec: &Node, objective: &Node, known: &Known<'_>, brought: &mut Brought) {
    let mut draft = MapWriter::default();
    let titles = [text_at(spec, &["description"]), text_at(objective, &["displayName"])];
    let description: Vec<&str> = titles.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    draft.text("name", name).text_if("description", &description.join(" · "));
    let service = text_at(spec, &["service"]);
    let service = if service.is_empty() { Vec::new() } else { vec![("service".to_owned(), service)] };
    let own = pairs(at(root, &["metadata", "labels"]));
    draft.map_if("labels", map(&labels(brought, name, &[service, own])));
    let target = text_at(objective, &["target"]).parse::<f64>().map(|part| (part * 1e12).round() / 1e10);
    draft.text("objective", &target.map_or_else(|_| text_at(objective, &["targetPercent"]), |percent| percent.to_string()));
    if !period(name, spec, &mut draft, brought) {
        return;
    }
    let reference = |node: &Node| known.indicators.get(&text_at(node, &["indicatorRef"])).copied();
    let inline = |node: &'_ Node| at(node, &["indicator", "spec"]).is_some();
    let indicator = if inline(objective) { at(objective, &["indicator", "spec"]) } else { reference(objective) };
    let indicator = indicator.or_else(|| at(spec, &["indicator", "spec"])).or_else(|| reference(spec));
    let ratio = indicator.and_then(|spec| at(spec, &["ratioMetric"])).or_else(|| at(objective, &["ratioMetrics"]));
    let Some(ratio) = ratio else {
        return brought.note(name, "it is left out: only ratios of events can be taken over (ratioMetric), no thresholds");
    };
    match events(ratio, known) {
        Ok(events) => draft.map_if("ratio", events),
        Err(why) => return brought.note(name, &format!("it is left out: {why}")),
    };
    draft.map_if("alerts", alerts(name, spec, known, brought));
    brought.take(name, draft);
}

/// Writes over which time it counts; says so where that cannot be.
fn period(name: &str, spec: &Node, draft: &mut MapWriter, brought: &mut Brought) -> bool {
    let window = items(either(spec, &["timeWindow", "timeWindows"])).first();
    let Some(window) = window else {
        brought.note(name, "it has no time window, so 30 days are taken");
        draft.bare("window", "30d");
        return true;
    };
    let mut duration = text_at(window, &["duration"]);
    if duration.is_empty() {
        // v1alpha counts units.
        let unit = text_at(window, &["unit"]);
        let letter =
            [("Day", "d"), ("Week", "w"), ("Month", "M"), ("Quarter", "Q"), ("Hour", "h")].into_iter().find(|(word, _)| *word == unit);
        duration = format!("{}{}", text_at(window, &["count"]), letter.map_or("", |(_, letter)| letter));
    }
    let is_calendar = at(window, &["calendar"]).is_some() || text_at(window, &["isRolling"]) == "false";
    match (is_calendar, duration.as_str()) {
        (true, "1w" | "7d" | "1M" | "1m" | "1Q" | "3M") => {
            let unit = if duration.ends_with(['w', 'd']) {
                "week"
            } else if duration == "1Q" || duration == "3M" {
                "quarter"
            } else {
                "month"
            };
            draft.text("calendar", unit).text_if("time_zone", &text_at(window, &["calendar", "timeZone"]));
            if at(window, &["calendar", "startTime"]).is_some_and(|node| !text_of(node).ends_with("00:00:00")) {
                brought.note(name, "parts of the calendar begin at midnight of their first day here, whatever its start time says");
            }
        }
        (false, "1M") => drop(draft.bare("window", "30d")),
        (false, "1Q") => drop(draft.bare("window", "90d")),
        (false, _) => drop(draft.bare("window", &duration)),
        (true, _) => {
            brought.note(name, &format!("it is left out: the calendar has no {duration:?} here, only weeks, months and quarters"));
            return false;
        }
    }
    true
}

fn events(ratio: &Node, known: &Known<'_>) -> Result<MapWriter, String> {
    if at(ratio, &["raw"]).is_some() {
        return Err("it gives a ratio and no events (raw)".to_owned());
    }
    let is_counter = text_at(ratio, &["counter"]) != "false";
    let mut out = MapWriter::default();
    for side in ["bad", "good", "total"] {
        if let Some(below) = at(ratio, &[side]) {
            out.text(side, &query_of(below, is_counter, known).map_err(|why| format!("{side}: {why}"))?);
        }
    }
    Ok(out)
}

fn query_of(side: &Node, is_counter: bool, known: &Known<'_>) -> Result<String, String> {
    // v1alpha says everything at once.
    let source = at(side, &["metricSource"]).unwrap_or(side);
    let named = known.sources.get(&text_at(source, &["metricSourceRef"])).cloned();
    let kind = [text_at(source, &["type"]), text_at(source, &["source"])].into_iter().find(|kind| !kind.is_empty()).or(named);
    if let Some(kind) =
        kind.filter(|kind| !matches!(kind.to_lowercase().as_str(), "prometheus" | "promql" | "thanos" | "mimir" | "cortex" | "any"))
    {
        return Err(format!("it asks {kind}, and only PromQL is asked here"));
    }
    let spec = at(source, &["spec"]).unwrap_or(source);
    let text = either(spec, &["query", "promql", "expr"]).map(text_of).unwrap_or_default();
    if text.is_empty() {
        return Err("it has no query in PromQL (spec.query)".to_owned());
    }
    ranged(&text, is_counter)
}

/// A query whose range we know: OpenSLO does not say where it stands.
fn ranged(text: &str, is_counter: bool) -> Result<String, String> {
    if query::is_template(text) || (is_counter && query::selector(text).is_some()) {
        return Ok(text.to_owned());
    }
    // `sum(counter{…})` is the sum of what the counters show; what they grew by is asked for.
    if let Some(inner) = text.strip_prefix("sum").map(str::trim).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'))
        && is_counter
        && query::selector(inner).is_some()
    {
        return Ok(inner.trim().to_owned());
    }
    with_place(text).ok_or_else(|| format!("nobody can tell over which range {text:?} counts; write {} there", query::PLACE))
}

/// A query in which all ranges are one: that is the place of the window.
fn with_place(text: &str) -> Option<String> {
    let mut ranges = Vec::new();
    for (from, _) in text.match_indices('[') {
        let inner = &text[from + 1..from + text[from..].find(']')?];
        ranges.push(inner);
    }
    let first = *ranges.first()?;
    let is_length = crate::base::time::Duration::parse(first).is_ok() || first.starts_with('$');
    (is_length && ranges.iter().all(|range| *range == first)).then(|| text.replace(&format!("[{first}]"), "[{{window}}]"))
}

fn alerts(name: &str, spec: &Node, known: &Known<'_>, brought: &mut Brought) -> MapWriter {
    let mut out = MapWriter::default();
    let mut burns = Vec::new();
    for policy in items(at(spec, &["alertPolicies"])) {
        let reference = [text_at(policy, &["alertPolicyRef"]), text_of(policy)].into_iter().find(|text| !text.is_empty());
        let Some(policy) = at(policy, &["spec"]).or_else(|| known.policies.get(&reference.clone()?).copied()) else {
            brought.note(name, &format!("its alert policy {:?} does not stand in the file", reference.unwrap_or_default()));
            continue;
        };
        if at(policy, &["notificationTargets"]).is_some() {
            brought.note(name, "who is notified is not taken over: alerts go where their labels are routed");
        }
        for condition in items(at(policy, &["conditions"])) {
            let named = known.conditions.get(&text_at(condition, &["conditionRef"])).copied();
            match at(condition, &["spec"]).or(named).and_then(burn) {
                Some(node) => burns.push(node),
                None => brought.note(name, "one of its alert conditions is no burn rate, or does not stand in the file"),
            }
        }
    }
    out.list_if("burns", burns);
    out
}

/// A condition has one window, so that is both the long and the short one.
fn burn(spec: &Node) -> Option<Node> {
    let condition = at(spec, &["condition"])?;
    let kind = text_at(condition, &["kind"]);
    let rate = text_at(condition, &["threshold"]);
    let window = text_at(condition, &["lookbackWindow"]);
    if !matches!(kind.to_lowercase().as_str(), "" | "burnrate") || rate.is_empty() || window.is_empty() {
        return None;
    }
    let severity = text_at(spec, &["severity"]);
    let urgency = if severity.eq_ignore_ascii_case("page") || severity.eq_ignore_ascii_case("critical") { "page" } else { "ticket" };
    let mut out = MapWriter::default();
    out.text("urgency", urgency).bare("rate", rate).bare("long", &window).bare("short", &window);
    let after = text_at(condition, &["alertAfter"]);
    if !after.is_empty() {
        out.bare("for", after);
    }
    out.text_if("severity", &severity);
    let node = out.finish();
    matches!(node.kind, Kind::Map(_)).then_some(node)
}
