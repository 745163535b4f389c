//! Pyrra's `ServiceLevelObjective`: its windows are scaled to its period, unlike ours, so they are written out.

use super::{Brought, at, is_true, items, labels, map, named, pairs, text_at, text_of};
use crate::base::time::Duration;
use crate::platform::config::yaml::{Kind, MapWriter, Node};
use crate::slo::config::query::{select, selector};
use crate::slo::model::period::window as name_of;

/// In front of labels that alerts get.
const PROPAGATED: &str = "pyrra.dev/";
const MINUTE: i64 = 60_000;
const WEEK4: i64 = 28 * 86_400_000;

/// Windows at a period of 4 weeks: urgency, key of its severity, rate, long, short and how long both must burn, in minutes.
const WINDOWS: [(&str, &str, &str, i64, i64, i64, i64); 4] = [
    ("page", "fastBurn", "critical", 14, 60, 5, 2),
    ("page", "mediumBurn", "critical", 7, 360, 30, 15),
    ("ticket", "slowBurn", "warning", 2, 1_440, 120, 60),
    ("ticket", "longTermBurn", "warning", 1, 5_760, 360, 180),
];

/// Reads a document.
pub fn read(root: &Node, brought: &mut Brought) {
    let name = named(&text_at(root, &["metadata", "name"]));
    let Some(spec) = at(root, &["spec"]) else { return brought.note(&name, "it is left out: it has no spec") };
    let mut draft = MapWriter::default();
    draft.text("name", &name).text_if("description", &text_at(spec, &["description"]));
    let metadata = pairs(at(root, &["metadata", "labels"]));
    let own = metadata.into_iter().filter_map(|(label, value)| Some((label.strip_prefix(PROPAGATED)?.to_owned(), value)));
    let mut lists = vec![own.collect::<Vec<_>>()];
    let namespace = text_at(root, &["metadata", "namespace"]);
    if !namespace.is_empty() {
        lists.insert(0, vec![("namespace".to_owned(), namespace)]);
    }
    draft.map_if("labels", map(&labels(brought, &name, &lists)));
    let window = text_at(spec, &["window"]);
    draft.text("objective", &text_at(spec, &["target"])).bare("window", &window);
    let Some(indicator) = at(spec, &["indicator"]) else { return brought.note(&name, "it is left out: it has no indicator") };
    if !draw(&name, indicator, &mut draft, brought) {
        return;
    }
    draft.map_if("alerts", alerts(spec, Duration::parse(&window).unwrap_or_default()));
    brought.take(&name, draft);
}

/// Writes what is counted; says so where that cannot be.
fn draw(name: &str, indicator: &Node, draft: &mut MapWriter, brought: &mut Brought) -> bool {
    let mut out = MapWriter::default();
    let metric = |below: &Node, key: &str| text_at(below, &[key, "metric"]);
    let grouping = |below: &Node| items(at(below, &["grouping"])).iter().map(text_of).collect::<Vec<_>>();
    let groups;
    if let Some(ratio) = at(indicator, &["ratio"]) {
        out.text("bad", &metric(ratio, "errors")).text("total", &metric(ratio, "total"));
        groups = grouping(ratio);
        draft.map_if("ratio", out);
    } else if let Some(latency) = at(indicator, &["latency"]) {
        out.text("good", &metric(latency, "success")).text("total", &metric(latency, "total"));
        groups = grouping(latency);
        draft.map_if("ratio", out);
    } else if let Some(latency) = at(indicator, &["latencyNative"]) {
        let under = text_at(latency, &["latency"]);
        let Ok(under) = Duration::parse(&under) else {
            brought.note(name, &format!("it is left out: its latency {under:?} is no length of time"));
            return false;
        };
        out.text("histogram", &metric(latency, "total")).bare("under", under.secs_f64()).bare("native", true);
        groups = grouping(latency);
        draft.map_if("latency", out);
    } else if let Some(gauge) = at(indicator, &["bool_gauge"]) {
        let metric = text_at(gauge, &["metric"]);
        let (metric, inner) = selector(&metric).unwrap_or((&metric, ""));
        let over = |function: &str| format!("{function}({}[{{{{window}}}}])", select(metric, inner, ""));
        out.text("good", &over("sum_over_time")).text("total", &over("count_over_time"));
        groups = grouping(gauge);
        draft.map_if("ratio", out);
    } else {
        let Kind::Map(known) = &indicator.kind else { return false };
        let kinds: Vec<&str> = known.iter().map(|(key, _)| &*key.text).collect();
        brought.note(name, &format!("it is left out: nobody here knows its indicator {}", kinds.join(", ")));
        return false;
    }
    draft.texts_if("group_by", &groups);
    true
}

fn alerts(spec: &Node, period: Duration) -> MapWriter {
    let mut out = MapWriter::default();
    let alerting = at(spec, &["alerting"]);
    let says = |key: &str| alerting.and_then(|alerting| at(alerting, &[key]));
    // Pyrra has no such alert.
    out.bare("budget_low", 0);
    if is_true(says("disabled")) {
        out.bare("off", true);
        return out;
    }
    let is_off = |key: &str| says(key).is_some_and(|node| text_of(node) == "false");
    let severity = |key: &str| says("severities").map(|node| text_at(node, &[key])).filter(|text| !text.is_empty());
    out.map_if("absent", absent(spec, period, is_off("absent"), severity("absent"), says("absentName").map(text_of)));
    if is_off("burnrates") {
        let off = || {
            let mut below = MapWriter::default();
            below.bare("off", true);
            below
        };
        out.map_if("page", off());
        out.map_if("ticket", off());
        return out;
    }
    out.text_if("name", &says("name").map(text_of).unwrap_or_default());
    let burns = WINDOWS.map(|(urgency, key, usual, rate, long, short, hold)| {
        let scaled = |minutes: i64| name_of(scaled(minutes, period));
        let severity = severity(key);
        let mut below = MapWriter::default();
        below.text("urgency", urgency).bare("rate", rate).bare("long", scaled(long)).bare("short", scaled(short));
        below.bare("for", scaled(hold)).text("severity", severity.as_deref().unwrap_or(usual));
        below.finish()
    });
    out.list_if("burns", burns.into());
    out
}

/// The alert of counters that are missing: after as long as it takes until all that fails would be told.
fn absent(spec: &Node, period: Duration, is_off: bool, severity: Option<String>, name: Option<String>) -> MapWriter {
    let mut out = MapWriter::default();
    if is_off {
        out.bare("off", true);
        return out;
    }
    let missing = 1.0 - text_at(spec, &["target"]).trim_end_matches('%').parse::<f64>().unwrap_or(100.0) / 100.0;
    let (.., rate, long, _, hold) = WINDOWS[0];
    let until = scaled(long, period).ms() as f64 * rate as f64 * missing + scaled(hold, period).ms() as f64;
    let until = Duration::from_ms(((until / MINUTE as f64).round() as i64).max(1) * MINUTE);
    let mut labels = MapWriter::default();
    labels.text("severity", severity.as_deref().unwrap_or("critical"));
    out.text("name", name.as_deref().unwrap_or("SLOMetricAbsent")).bare("for", name_of(until)).map_if("labels", labels);
    out
}

/// As long a part of the period as so many minutes are of 4 weeks, to the minute.
fn scaled(minutes: i64, period: Duration) -> Duration {
    let exact = minutes as f64 * period.ms() as f64 / WEEK4 as f64;
    Duration::from_ms(exact.round() as i64 * MINUTE)
}
