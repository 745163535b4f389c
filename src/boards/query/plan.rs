//! What a panel asks: its queries with variables filled in, where each goes, and at which times. Pure.

use std::hash::{Hash, Hasher};

use super::interpolate::{Filling, Usage};
use super::narrow::narrowed;
use super::source::{Lead, lead};
use super::times::{Pace, interval, length};
use super::variables::Resolved;
use crate::base::limits::QUERY_BYTES_MAX;
use crate::base::time::{Duration, TimeRange};
use crate::boards::model::{Board, Object, Panel, Target, TargetFormat};

/// Lines of a log unless told.
const LINES_DEFAULT: u32 = 500;
/// Most lines of a log.
const LINES_MAX: u32 = 2_000;
/// Most points of a series: no screen shows more.
const POINTS_MAX: u32 = 4_000;
/// Ends of ranges nearer to now than this move on; what is asked at them is asked at round times, so that viewers share it.
const NEAR_NOW_MS: i64 = 60_000;
/// Times at an end that moves on are multiples of this.
const ROUND_MS: i64 = 5_000;

/// For whom and when a panel asks.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The dashboard.
    pub board: &'a Board,
    /// Its variables.
    pub resolved: &'a Resolved,
    /// Variables that have one value here (name, text, value).
    pub scoped: &'a [(String, String, String)],
    /// What the page shows.
    pub range: TimeRange,
    /// How many points there is room for.
    pub points: u32,
    /// Now, in milliseconds since the Unix epoch.
    pub now: i64,
    /// How often targets are scraped, in milliseconds.
    pub scrape: i64,
}

/// What a panel asks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// What it shows, in milliseconds since the Unix epoch.
    pub range: Option<TimeRange>,
    /// The shortest distance of points, in milliseconds.
    pub step: i64,
    /// In which way the range is not the page's, in words (`last 1 h`).
    pub note: Option<String>,
    /// Its queries, in order.
    pub queries: Vec<Query>,
    /// Queries that cannot be asked.
    pub failures: Vec<Failure>,
}

/// A query, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its letter.
    pub ref_id: String,
    /// Where it goes.
    pub lead: Lead,
    /// The query, variables filled in.
    pub expr: String,
    /// Whether that is what the dashboard says, to the letter.
    pub is_as_given: bool,
    /// First and last time of a range, in milliseconds; multiples of the step.
    pub times: TimeRange,
    /// Distance of points, in milliseconds.
    pub step: i64,
    /// When the value now is asked for.
    pub at: i64,
    /// Whether what it shows reaches until now, so that the step behind the last whole one is not over yet.
    pub is_open: bool,
    /// Whether values over time are asked for.
    pub is_range: bool,
    /// Whether the value now is asked for.
    pub is_instant: bool,
    /// The form of its answer.
    pub format: TargetFormat,
    /// How series are named, variables filled in; empty for what tells them apart.
    pub legend: String,
    /// Most lines of a log.
    pub lines_max: u32,
    /// Whether exemplars are wanted as well.
    pub is_exemplar: bool,
    /// Whether only reckonings see its answer.
    pub is_hidden: bool,
    /// How a reckoning is done; empty for others.
    pub json: Object,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Its letter; empty for the panel.
    pub ref_id: String,
    /// In words.
    pub text: String,
    /// Where in the query as the dashboard has it, in bytes.
    pub span: Option<(usize, usize)>,
}

impl Plan {
    /// Tells plans apart that give different answers.
    pub fn key(&self) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        // What only asks for values at round times is the same until the next of them.
        let round =
            if self.queries.iter().all(|query| query.lead == Lead::Metrics && !query.is_instant) { self.step.max(1) } else { ROUND_MS };
        self.range.map(|range| (range.start.div_euclid(round), range.end.div_euclid(round))).hash(&mut hasher);
        (self.step, &self.note, self.failures.len()).hash(&mut hasher);
        for query in &self.queries {
            (&query.ref_id, query.lead, &query.expr, query.step, query.lines_max, query.is_hidden).hash(&mut hasher);
            (query.is_range, query.is_instant, query.is_open, query.format as u8, &query.legend).hash(&mut hasher);
            if query.is_range {
                (query.times.start, query.times.end).hash(&mut hasher);
            }
            if query.is_instant || query.lead == Lead::Logs {
                query.at.hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// What a panel asks, or in words why it asks nothing at all.
///
/// # Errors
/// A sentence.
pub fn plan(panel: &Panel, scene: &Scene<'_>) -> Result<Plan, String> {
    let words = scene.resolved.filling(scene.scoped, &[], Usage::Plain);
    let (range, note) = shown_range(panel, scene, &words)?;
    let asking = &panel.asking;
    let least = length(&words.fill(&asking.interval_min));
    let points = if asking.points_max > 0 { asking.points_max.min(POINTS_MAX) } else { scene.points.clamp(10, POINTS_MAX) };
    let mut plan = Plan { range: Some(range), note, ..Plan::default() };
    let asked = asked_panel(panel, scene.board)?;
    for target in &asked.targets {
        match query(target, asked, scene, (range, points, least)) {
            Ok(Some(query)) => plan.queries.push(query),
            Ok(None) => {}
            Err(text) => plan.failures.push(Failure { ref_id: target.ref_id.clone(), text, span: None }),
        }
    }
    let is_needed = plan.queries.iter().any(|query| query.lead == Lead::Expression);
    plan.queries.retain(|query| is_needed || !query.is_hidden);
    plan.step = plan
        .queries
        .iter()
        .filter(|query| query.is_range)
        .map(|query| query.step)
        .min()
        .unwrap_or_else(|| interval(range, points, least.unwrap_or(scene.scrape)));
    Ok(plan)
}

/// Itself, or the panel whose answers it shows.
fn asked_panel<'a>(panel: &'a Panel, board: &'a Board) -> Result<&'a Panel, String> {
    let is_other = |name: &str| name == "-- Dashboard --";
    let other = panel.targets.iter().find(|target| {
        is_other(&target.source.name) || (is_other(&panel.source.name) && matches!(target.source.name.as_str(), "" | "-- Dashboard --"))
    });
    let Some(other) = other else { return Ok(panel) };
    let id = other
        .json
        .get("panelId")
        .and_then(serde_json::Value::as_i64)
        .ok_or("it shows the answers of another panel, but does not say of which")?;
    let found = board.panel(id).filter(|found| found.id != panel.id);
    found.ok_or_else(|| format!("it shows the answers of panel {id}, which is not in this dashboard"))
}

/// What a panel shows, with a length and a shift of its own.
fn shown_range(panel: &Panel, scene: &Scene<'_>, words: &Filling<'_>) -> Result<(TimeRange, Option<String>), String> {
    let mut range = scene.range;
    let mut said = Vec::new();
    let of = |text: &str, what: &str| {
        let text = words.fill(text);
        let text = text.trim().trim_start_matches("now-").trim_start_matches('-').to_owned();
        if text.is_empty() {
            return Ok(None);
        }
        let ms = length(text.split('/').next().unwrap_or_default());
        ms.map(Some).ok_or_else(|| format!("the panel's {what} \"{text}\" is no length of time such as 1h"))
    };
    if let Some(ms) = of(&panel.asking.time_from, "relative time")? {
        range = TimeRange::new(range.end.saturating_sub(ms), range.end);
        said.push(format!("last {}", spaced(ms)));
    }
    if let Some(ms) = of(&panel.asking.time_shift, "time shift")? {
        range = TimeRange::new(range.start.saturating_sub(ms), range.end.saturating_sub(ms));
        said.push(format!("{} earlier", spaced(ms)));
    }
    let note = (!said.is_empty() && !panel.asking.hides_time).then(|| said.join(", "));
    Ok((range, note))
}

/// `1 h`, `1 d 12 h`.
fn spaced(ms: i64) -> String {
    let mut out = String::new();
    let mut was_digit = None;
    for c in Duration::from_ms(ms).to_string().chars() {
        if was_digit.is_some_and(|was| was != c.is_ascii_digit()) {
            out.push(' ');
        }
        was_digit = Some(c.is_ascii_digit());
        out.push(c);
    }
    out
}

type Room = (TimeRange, u32, Option<i64>);

fn query(target: &Target, panel: &Panel, scene: &Scene<'_>, (range, points, least): Room) -> Result<Option<Query>, String> {
    let words = scene.resolved.filling(scene.scoped, &[], Usage::Plain);
    let lead = lead(&target.source, &panel.source, &words)?;
    match lead {
        Lead::Metrics | Lead::Logs if target.expr.trim().is_empty() => return Ok(None),
        Lead::Metrics | Lead::Logs | Lead::Expression => {}
        Lead::Alerts => return Err("alerts are shown by panels of the type \"alertlist\", not by queries".to_owned()),
        Lead::Own => return Err("a query for \"-- Grafana --\" gives random or stored values there; here it has none".to_owned()),
        Lead::Panel => return Err("the answers of another panel cannot be mixed with others".to_owned()),
        Lead::Nowhere => return Err("a query for test data has no data here".to_owned()),
    }
    let own = length(&words.fill(&target.interval));
    let scrape = own.or(least).unwrap_or(scene.scrape);
    // A longer distance is asked for by some that want fewer points.
    let factor = i64::from(target.interval_factor.max(1));
    let step = interval(range, points, scrape).saturating_mul(factor).min(i64::MAX / 4);
    let pace = Pace { range, interval: step, scrape };
    let usage = if lead == Lead::Logs { Usage::LogQl } else { Usage::PromQl };
    let mut expr = Filling { resolved: scene.resolved, scoped: scene.scoped, extra: &[], pace, usage }.fill(&target.expr);
    if lead != Lead::Expression {
        for (variable, conditions) in scene.resolved.conditions() {
            if super::source::lead(&variable.source, &Default::default(), &words) == Ok(lead) {
                expr = narrowed(&expr, &conditions, lead == Lead::Logs);
            }
        }
    }
    if expr.len() > QUERY_BYTES_MAX {
        return Err(format!("the query has {} bytes, at most {QUERY_BYTES_MAX} are allowed", expr.len()));
    }
    let legend = match target.legend.as_str() {
        "__auto" => String::new(),
        given => Filling { resolved: scene.resolved, scoped: scene.scoped, extra: &[], pace, usage: Usage::Words }.fill(given),
    };
    let end = rounded(range.end, scene.now);
    Ok(Some(Query {
        ref_id: target.ref_id.clone(),
        lead,
        is_as_given: expr == target.expr,
        expr,
        times: TimeRange::new(range.start - range.start.rem_euclid(step), range.end - range.end.rem_euclid(step)),
        step,
        at: end,
        is_open: is_near(range.end, scene.now),
        is_range: target.is_range || !target.is_instant,
        is_instant: target.is_instant,
        format: target.format,
        legend,
        lines_max: if target.lines_max == 0 { LINES_DEFAULT } else { target.lines_max.min(LINES_MAX) },
        is_exemplar: target.is_exemplar,
        is_hidden: target.is_hidden,
        json: if lead == Lead::Expression { reckoning(target, &Filling { pace, ..words }) } else { Object::new() },
    }))
}

/// How a reckoning is done, variables filled in where it has a length of time.
fn reckoning(target: &Target, words: &Filling<'_>) -> Object {
    let mut json = target.json.clone();
    if let Some(serde_json::Value::String(window)) = json.get_mut("window") {
        *window = words.fill(window);
    }
    json
}

/// Whether an end moves on with the clock.
const fn is_near(end: i64, now: i64) -> bool {
    end >= now.saturating_sub(NEAR_NOW_MS)
}

/// An end that moves on, at a round time.
const fn rounded(end: i64, now: i64) -> i64 {
    if is_near(end, now) { end - end.rem_euclid(ROUND_MS) } else { end }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn planned(panel: serde_json::Value, range: TimeRange) -> Result<Plan, String> {
        let other = json!({"id": 9, "type": "stat", "title": "Other", "targets": [{"refId": "Z", "expr": "up"}]});
        let board = json!({"title": "t", "panels": [panel, other], "templating": {"list": [
            {"type": "custom", "name": "job", "query": "a.b,c", "multi": true, "current": {"value": ["a.b", "c"]}},
            {"type": "adhoc", "name": "f", "filters": [{"key": "dc", "operator": "=", "value": "x"}]}]}});
        let (board, _) = Board::read(&board).unwrap();
        let world = crate::boards::query::fakes::World::of(&["up job=a"]);
        let cancel = crate::base::cancel::Cancel::new();
        let ports = super::super::Ports {
            select: &world,
            evaluate: &world,
            logs: &world,
            read: &super::super::fakes::read_selector,
            scrape: 15_000,
            user: "",
            zone: "",
            cancel: &cancel,
        };
        let resolved = super::super::resolve(&board, &super::super::Choices::default(), range, &ports);
        let scene = Scene { board: &board, resolved: &resolved, scoped: &[], range, points: 800, now: range.end, scrape: 15_000 };
        plan(&board.panels[0], &scene)
    }

    const HOUR: TimeRange = TimeRange::new(1_763_710_403_000, 1_763_714_003_000);

    #[test]
    fn queries_are_filled_and_their_times_are_round() {
        let panel = json!({"id": 1, "type": "timeseries", "targets": [
            {"refId": "A", "expr": "rate(x{job=~\"$job\"}[$__rate_interval])", "legendFormat": "{{mode}} $job"},
            {"refId": "B", "expr": "y", "instant": true, "hide": true},
            {"refId": "C", "expr": "z", "instant": true, "interval": "1m", "intervalFactor": 2},
            {"refId": "D", "expr": " "},
            {"refId": "E", "expr": "q", "datasource": {"type": "influxdb"}},
        ]});
        let plan = planned(panel.clone(), HOUR).unwrap();
        let [a, c] = plan.queries.as_slice() else { panic!("{:?}", plan.queries) };
        assert_eq!((a.expr.as_str(), a.legend.as_str()), ("rate(x{job=~\"(a\\\\.b|c)\",dc=\"x\"}[1m])", "{{mode}} a.b + c"));
        assert_eq!((a.step, a.times.start % 15_000, a.times.end), (15_000, 0, 1_763_713_995_000 + 5_000 - 5_000));
        assert_eq!((a.is_range, a.is_instant, c.is_range, c.is_instant), (true, false, false, true));
        assert_eq!((c.step, c.at), (120_000, 1_763_714_000_000), "{c:?}");
        assert_eq!(plan.failures.len(), 1);
        assert!(plan.failures[0].ref_id == "E" && plan.failures[0].text.contains("influxdb"));
        let later = planned(panel.clone(), TimeRange::new(HOUR.start + 1_000, HOUR.end + 1_000)).unwrap();
        assert_eq!(plan.key(), later.key(), "a second later it is the same");
        assert_ne!(plan.key(), planned(panel, TimeRange::new(HOUR.start + 60_000, HOUR.end + 60_000)).unwrap().key());
    }

    #[test]
    fn panels_have_ranges_of_their_own() {
        let panel = |from: &str, shift: &str| json!({"id": 1, "type": "stat", "timeFrom": from, "timeShift": shift, "targets": [{"refId": "A", "expr": "x"}]});
        for (from, shift, start, end, note) in [
            ("", "", HOUR.start, HOUR.end, None),
            ("30m", "", HOUR.end - 1_800_000, HOUR.end, Some("last 30 m")),
            ("now-36h", "1d", HOUR.end - 129_600_000 - 86_400_000, HOUR.end - 86_400_000, Some("last 36 h, 1 d earlier")),
        ] {
            let plan = planned(panel(from, shift), HOUR).unwrap();
            assert_eq!((plan.range, plan.note.as_deref()), (Some(TimeRange::new(start, end)), note));
        }
        assert_eq!(planned(panel("soon", ""), HOUR).unwrap_err(), "the panel's relative time \"soon\" is no length of time such as 1h");
    }

    #[test]
    fn panels_show_the_answers_of_others() {
        let panel = |id: i64| {
            json!({"id": 1, "type": "stat", "datasource": {"type": "datasource", "uid": "-- Dashboard --"},
                "targets": [{"refId": "A", "panelId": id, "datasource": {"type": "datasource", "uid": "-- Dashboard --"}}]})
        };
        assert_eq!(planned(panel(9), HOUR).unwrap().queries[0].ref_id, "Z");
        assert!(planned(panel(1), HOUR).unwrap_err().contains("panel 1"));
        assert!(planned(panel(77), HOUR).unwrap_err().contains("not in this dashboard"));
    }
}
