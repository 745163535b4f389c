//! `pipeline_stages` of a configuration file.

mod metrics;

use std::sync::Arc;

use chrono_tz::Tz;

use super::docker::{Unwrap, Wrapping};
use super::drop::Drop;
use super::eventlog::EventLog;
use super::golayout::Layout;
use super::json::Json;
use super::jsonpath::JsonPath;
use super::labels::{Named, Place, Sieve, Static};
use super::level::Level;
use super::limit::{self, Limit};
use super::logfmt::Logfmt;
use super::mask::{DEFAULT_KINDS, KINDS, MASK, Mask};
use super::matching::Match;
use super::metrics::Dropped;
use super::multiline::Multiline;
use super::output::Output;
use super::pack::Pack;
use super::regex::Groups;
use super::replace::Replace;
use super::sampling::Sampling;
use super::selector::{Selector, regex};
use super::template::Make;
use super::timestamp::{Format, OnFailure, Timestamp};
use super::{Pipeline, Stage};
use crate::base::go_duration;
use crate::base::time::Duration;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::{self, Section, alternatives, nearest};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::is_legacy_label_name;

/// Most stages of one pipeline, those within others included.
const STAGES_MAX: usize = 200;
/// How deep pipelines may lie in one another.
const DEPTH_MAX: usize = 8;
/// Colours and the like of terminals.
const ANSI: &str = r"\x1b\[[0-9;]*[A-Za-z]";
/// Every stage that is understood.
const NAMES: [&str; 27] = [
    "json",
    "logfmt",
    "regex",
    "timestamp",
    "labels",
    "structured_metadata",
    "labeldrop",
    "labelallow",
    "static_labels",
    "level",
    "output",
    "template",
    "match",
    "drop",
    "multiline",
    "docker",
    "cri",
    "replace",
    "pack",
    "limit",
    "sampling",
    "mask",
    "metrics",
    "tenant",
    "decolorize",
    "eventlogmessage",
    "geoip",
];

/// Reads a list of stages; what is wrong with it goes to the report.
pub fn read_pipeline(stages: &[Node], report: &mut Report) -> Pipeline {
    let mut budget = STAGES_MAX;
    pipeline(stages, 0, &mut budget, report)
}

fn pipeline(nodes: &[Node], depth: usize, budget: &mut usize, report: &mut Report) -> Pipeline {
    let mut stages: Vec<Box<dyn Stage>> = Vec::new();
    for node in nodes {
        if *budget == 0 {
            report.error(node.at, format!("pipeline_stages: more than {STAGES_MAX} stages"));
            break;
        }
        *budget -= 1;
        stages.extend(stage(node, depth, budget, report));
    }
    Pipeline::new(stages)
}

fn stage(node: &Node, depth: usize, budget: &mut usize, report: &mut Report) -> Option<Box<dyn Stage>> {
    let (name, value) = match &node.kind {
        Kind::Map(pairs) => match pairs.as_slice() {
            [(key, value)] => (&*key.text, value),
            _ => {
                report.error(node.at, "pipeline_stages: each stage stands in an item of its own, as `- json: ...`");
                return None;
            }
        },
        // `- docker` is short for `- docker: {}`.
        Kind::Scalar { text, .. } => (&**text, &Node { at: node.at, kind: Kind::Null }),
        _ => {
            report.error(node.at, format!("pipeline_stages: read {}, expected a stage", node.describe()));
            return None;
        }
    };
    match name {
        "labels" => return named(value, name, Place::Labels, report),
        "structured_metadata" => return named(value, name, Place::Fields, report),
        "static_labels" => return static_labels(value, report),
        "metrics" => return metrics::stage(value, report),
        "labeldrop" | "labelallow" => {
            let items = section::list(value, name, report);
            let names = items.iter().filter_map(|item| section::text(item, name, report)).collect();
            return Some(Box::new(Sieve { names, keeps: name == "labelallow" }));
        }
        _ => {}
    }
    let mut section = Section::open(value, name, report)?;
    let errors = section.report.errors_len();
    let stage: Option<Box<dyn Stage>> = match name {
        "json" => json(&mut section),
        "logfmt" => logfmt(&mut section),
        "regex" => groups(&mut section),
        "timestamp" => timestamp(&mut section),
        "level" => {
            Some(Box::new(Level { label: section.text("label").unwrap_or_else(|| "level".to_owned()), source: section.text("source") }))
        }
        "output" => required(&mut section, "source").map(|source| Box::new(Output { source }) as _),
        "template" => template(&mut section),
        "match" => matching(&mut section, depth, budget),
        "drop" => drop_stage(&mut section),
        "multiline" => multiline(&mut section),
        "docker" => Some(Box::new(Unwrap::new(Wrapping::Docker))),
        "cri" => {
            section.knows(&["max_partial_lines", "max_partial_line_size", "max_partial_line_size_truncate"]);
            Some(Box::new(Unwrap::new(Wrapping::Cri)))
        }
        "replace" => replace(&mut section),
        "pack" => {
            let labels = section.texts("labels");
            let ingest_timestamp = section.truth_or("ingest_timestamp", true);
            Some(Box::new(Pack { labels, ingest_timestamp }))
        }
        "limit" => limit_stage(&mut section),
        "sampling" => sampling(&mut section),
        "mask" => mask(&mut section),
        "decolorize" => regex(ANSI).and_then(|ansi| Replace::new(ansi, None, "")).ok().map(|stage| Box::new(stage) as _),
        "eventlogmessage" => Some(Box::new(EventLog {
            source: section.text("source").filter(|source| !source.is_empty()).unwrap_or_else(|| "message".to_owned()),
            drops_odd: section.truth_or("drop_invalid_labels", false),
            overwrites: section.truth_or("overwrite_existing", false),
        })),
        "geoip" => {
            let message = "geoip: there is no database of places here; the stage is left out, lines come without the labels it would add";
            section.report.warn(node.at, message);
            return None;
        }
        "tenant" => {
            section.report.warn(node.at, "tenant: there is one tenant only; the stage is left out");
            return None;
        }
        _ => {
            let hint =
                nearest(name, &NAMES).map_or_else(|| format!("expected {}", alternatives(&NAMES)), |near| format!("did you mean {near}?"));
            section.report.error(node.at, format!("pipeline_stages: there is no stage {name:?}, {hint}"));
            return None;
        }
    };
    let is_sound = section.report.errors_len() == errors;
    section.finish();
    stage.filter(|_| is_sound)
}

fn required(section: &mut Section<'_, '_>, key: &'static str) -> Option<String> {
    let found = section.text(key).filter(|text| !text.is_empty());
    if found.is_none() {
        let at = section.place(key);
        section.report.error(at, format!("{key}: required"));
    }
    found
}

fn expression(section: &mut Section<'_, '_>, key: &'static str) -> Option<Arc<::regex::Regex>> {
    let text = section.text(key)?;
    match regex(&text) {
        Ok(regex) => Some(regex),
        Err(why) => {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: {text:?} is no regular expression: {why}"));
            None
        }
    }
}

/// `name: source`, where an empty source is the name itself.
fn pairs(node: &Node, key: &str, report: &mut Report) -> Vec<(String, String)> {
    let Kind::Map(pairs) = &node.kind else {
        if node.kind != Kind::Null {
            report.error(node.at, format!("{key}: read {}, expected names and where their values come from", node.describe()));
        }
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in pairs {
        let source = if value.kind == Kind::Null { Some(String::new()) } else { section::text(value, &name.text, report) };
        if let Some(source) = source {
            let source = if source.is_empty() { name.text.to_string() } else { source };
            read.push((name.text.to_string(), source));
        }
    }
    read
}

fn named(node: &Node, key: &str, place: Place, report: &mut Report) -> Option<Box<dyn Stage>> {
    let names = pairs(node, key, report);
    if names.is_empty() {
        report.error(node.at, format!("{key}: expected at least one name"));
        return None;
    }
    if let Some((bad, _)) = names.iter().find(|(name, _)| !is_legacy_label_name(name)) {
        report.error(node.at, format!("{key}: {bad:?} is no name of a label, expected letters, digits and _, not beginning with a digit"));
        return None;
    }
    Some(Box::new(Named { names, place }))
}

fn static_labels(node: &Node, report: &mut Report) -> Option<Box<dyn Stage>> {
    let Kind::Map(pairs) = &node.kind else {
        report.error(node.at, format!("static_labels: read {}, expected labels", node.describe()));
        return None;
    };
    let labels = pairs
        .iter()
        .filter(|(_, value)| value.kind != Kind::Null)
        .filter_map(|(name, value)| Some((name.text.to_string(), section::text(value, &name.text, report)?)))
        // As upstream: a label without value is none.
        .filter(|(_, value)| !value.is_empty())
        .collect();
    Some(Box::new(Static { labels, yields: false }))
}

fn json(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let node = section.raw("expressions")?;
    let mut expressions = Vec::new();
    for (name, source) in pairs(node, "expressions", section.report) {
        let path = if name == source { Ok(JsonPath::key(&name)) } else { JsonPath::parse(&source) };
        match path {
            Ok(path) => expressions.push((name, path)),
            Err(why) => section.report.error(node.at, format!("expressions: {name}: {why}")),
        }
    }
    Some(Box::new(Json { expressions, source: section.text("source"), drop_malformed: section.truth_or("drop_malformed", false) }))
}

fn logfmt(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let node = section.raw("mapping")?;
    let mapping = pairs(node, "mapping", section.report);
    Some(Box::new(Logfmt { mapping, source: section.text("source") }))
}

fn groups(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    required(section, "expression")?;
    let expression = expression(section, "expression")?;
    if expression.capture_names().flatten().next().is_none() {
        let at = section.value_place("expression");
        section.report.error(at, "expression: at least one named group is needed, as in (?P<name>...)");
        return None;
    }
    let labels_from_groups = section.truth_or("labels_from_groups", false);
    Some(Box::new(Groups { expression, source: section.text("source"), labels_from_groups }))
}

fn timestamp(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let source = required(section, "source")?;
    let format = required(section, "format")?;
    let mut layouts = vec![format.clone()];
    layouts.extend(section.texts("fallback_formats"));
    let unix = |name: &str| match name {
        "Unix" => Some(1_000_000_000),
        "UnixMs" => Some(1_000_000),
        "UnixUs" => Some(1_000),
        "UnixNs" => Some(1),
        _ => None,
    };
    let format = match unix(&format) {
        Some(unit) => Format::Unix(unit),
        None => Format::Layouts(layouts.iter().map(|layout| Layout::new(layout)).collect()),
    };
    if let Format::Layouts(layouts) = &format
        && let Some(at) = layouts.iter().position(|layout| !layout.says_something())
    {
        let place = section.value_place(if at == 0 { "format" } else { "fallback_formats" });
        section.report.error(
            place,
            "format: a layout shows how 2006-01-02 15:04:05 is written, as in Go; or one of RFC3339, RFC3339Nano, ANSIC, Unix, UnixMs, UnixUs, UnixNs",
        );
    }
    let mut zone = Tz::UTC;
    if let Some(name) = section.text("location") {
        match name.parse() {
            Ok(found) => zone = found,
            Err(_) => {
                let at = section.value_place("location");
                section.report.error(at, format!("location: there is no time zone {name:?}, expected one such as Europe/Berlin"));
            }
        }
    }
    let choices = [("fudge", OnFailure::Fudge), ("skip", OnFailure::Skip)];
    let on_failure = section.choice("action_on_failure", &choices).unwrap_or(OnFailure::Fudge);
    Some(Box::new(Timestamp { source, format, zone, on_failure, last: None }))
}

fn template(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let source = required(section, "source")?;
    let template = required(section, "template")?;
    match Make::new(source, &template) {
        Ok(stage) => Some(Box::new(stage)),
        Err(why) => {
            let at = section.value_place("template");
            section.report.error(at, format!("template: {why}"));
            None
        }
    }
}

fn matching(section: &mut Section<'_, '_>, depth: usize, budget: &mut usize) -> Option<Box<dyn Stage>> {
    let text = required(section, "selector")?;
    section.knows(&["pipeline_name"]);
    let dropped = dropped(section, "match_stage");
    let at = section.value_place("selector");
    let selector = match Selector::parse(&text) {
        Ok(selector) => selector,
        Err(why) => {
            section.report.error(at, format!("selector: {why}"));
            return None;
        }
    };
    let drops = section.choice("action", &[("keep", false), ("drop", true)]).unwrap_or(false);
    let nodes = section.list("stages");
    if drops && !nodes.is_empty() {
        let at = section.place("stages");
        section.report.error(at, "stages: cannot stand beside action: drop, since nothing is left for them");
        return None;
    }
    if !drops && nodes.is_empty() {
        section.report.error(at, "match: stages are needed, or action: drop");
        return None;
    }
    if depth >= DEPTH_MAX {
        section.report.error(at, format!("match: more than {DEPTH_MAX} pipelines within one another"));
        return None;
    }
    let inner = pipeline(nodes, depth + 1, budget, section.report);
    Some(Box::new(Match { selector, drops, inner, dropped }))
}

fn drop_stage(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let dropped = dropped(section, "drop_stage");
    let errors = section.report.errors_len();
    let source = match section.node("source") {
        Some(Node { kind: Kind::List(_), .. }) => section.texts("source"),
        Some(_) => section.text("source").into_iter().collect(),
        None => Vec::new(),
    };
    let stage = Drop {
        source,
        separator: section.text_or_nothing("separator").unwrap_or_else(|| ";".to_owned()),
        value: section.text("value"),
        expression: expression(section, "expression"),
        older_than_ns: nanos(section, "older_than"),
        longer_than: section.size("longer_than").map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        dropped,
    };
    if stage.value.is_some() && stage.expression.is_some() {
        let at = section.place("expression");
        section.report.error(at, "expression: cannot stand beside value");
        return None;
    }
    if section.report.errors_len() > errors {
        return None;
    }
    let has_condition = !stage.source.is_empty()
        || stage.value.is_some()
        || stage.expression.is_some()
        || stage.older_than_ns.is_some()
        || stage.longer_than.is_some();
    if !has_condition {
        let at = section.at;
        section.report.error(at, "drop: one of source, value, expression, older_than and longer_than is needed");
        return None;
    }
    Some(Box::new(stage))
}

/// A duration as Go or Prometheus writes it, in nanoseconds.
fn nanos(section: &mut Section<'_, '_>, key: &'static str) -> Option<i64> {
    let text = section.text(key)?;
    let of_go = go_duration::parse(&text, &|text| text.to_owned()).ok();
    let read = of_go.or_else(|| Some(Duration::parse(&text).ok()?.ms().saturating_mul(1_000_000))).filter(|ns| *ns >= 0);
    if read.is_none() {
        let at = section.value_place(key);
        section.report.error(at, format!("{key}: read {text:?}, expected a duration such as 500ms, 1.5h or 24h"));
    }
    read
}

/// Counts lines that a stage drops, under the reason that the user gave.
fn dropped(section: &mut Section<'_, '_>, otherwise: &str) -> Dropped {
    let reason = section.text("drop_counter_reason").filter(|reason| !reason.is_empty());
    Dropped::new(&reason.unwrap_or_else(|| otherwise.to_owned()))
}

fn multiline(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    required(section, "firstline")?;
    let first_line = expression(section, "firstline")?;
    let max_wait_ns = nanos(section, "max_wait_time").unwrap_or(3_000_000_000);
    let max_lines = section.count("max_lines").map_or(128, |lines| usize::try_from(lines).unwrap_or(usize::MAX)).clamp(1, 100_000);
    Some(Box::new(Multiline { first_line, max_wait_ns, max_lines, open: Vec::new() }))
}

fn replace(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    required(section, "expression")?;
    let expression = expression(section, "expression")?;
    let replace = section.text_or_empty("replace");
    match Replace::new(expression, section.text("source"), &replace) {
        Ok(stage) => Some(Box::new(stage)),
        Err(why) => {
            let at = section.value_place("replace");
            section.report.error(at, format!("replace: {why}"));
            None
        }
    }
}

fn limit_stage(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let dropped = dropped(section, "ratelimit_drop_stage");
    let rate = section.float("rate").filter(|rate| *rate > 0.0);
    let burst = section.count("burst").filter(|burst| *burst > 0);
    let (Some(rate), Some(burst)) = (rate, burst) else {
        let at = section.at;
        section.report.error(at, "limit: rate (lines a second) and burst (lines at once) are needed, both more than 0");
        return None;
    };
    let values_max = section.count("max_distinct_labels").map_or(limit::VALUES_MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
    Some(Box::new(Limit {
        rate,
        burst: burst as f64,
        drops: section.truth_or("drop", false),
        by_label: section.text("by_label_name").filter(|name| !name.is_empty()),
        values_max: values_max.clamp(1, limit::VALUES_MAX),
        buckets: Arc::default(),
        dropped,
    }))
}

fn sampling(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let dropped = dropped(section, "sampling_stage");
    let rate = section.float("rate").filter(|rate| (0.0..=1.0).contains(rate));
    if rate.is_none() {
        let at = section.value_place("rate");
        section.report.error(at, "rate: expected the share of lines that is kept, from 0.0 to 1.0");
    }
    rate.map(|rate| Box::new(Sampling { rate, dropped }) as _)
}

fn mask(section: &mut Section<'_, '_>) -> Option<Box<dyn Stage>> {
    let mut kinds = Vec::new();
    if section.node("kinds").is_some() {
        for node in section.list("kinds") {
            kinds.extend(section::choice(node, "kinds", &KINDS, section.report));
        }
    } else {
        kinds.extend(DEFAULT_KINDS);
    }
    let mut expressions = Vec::new();
    for node in section.list("expressions") {
        let Some(text) = section::text(node, "expressions", section.report) else { continue };
        match regex(&text) {
            Ok(regex) => expressions.push(regex),
            Err(why) => section.report.error(node.at, format!("expressions: {text:?} is no regular expression: {why}")),
        }
    }
    let replacement = section.text_or_nothing("replacement").unwrap_or_else(|| MASK.to_owned());
    Some(Box::new(Mask { kinds, expressions, replacement }))
}
