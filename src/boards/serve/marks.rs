//! What is marked on the charts of a dashboard: answers of its annotation queries, and what people and programs marked.

use serde_json::{Value, json};

use super::Server;
use super::scene::Stage;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::boards::draw::colour;
use crate::boards::model::{AnnotationQuery, Board, Source};
use crate::boards::query::{Lead, Usage, interval, lead};
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, Question, SearchWanted, When};
use crate::series::value::{RangeSeries, Value as Answer};

/// Most marks of a dashboard.
const MARKS_MAX: usize = 500;
/// Most queries for marks.
const QUERIES_MAX: usize = 20;
/// Points of a query for marks.
const POINTS: u32 = 500;
/// Longest text of a line, in bytes; the rest is cut off.
const LINE_BYTES_MAX: usize = 2 * 1024;
/// Longest text, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// Marks in time, as the browser gets them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Marks {
    pub(super) list: Vec<Mark>,
}

/// One of them, and which annotations of the dashboard it is of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) json: Value,
    of: usize,
}

impl Marks {
    /// Those on a panel.
    pub(super) fn on(&self, board: &Board, panel: i64) -> Vec<Value> {
        let is_on = |mark: &&Mark| board.annotations.get(mark.of).is_some_and(|one| one.panels.has(panel));
        self.list.iter().filter(is_on).map(|mark| mark.json.clone()).collect()
    }
}

impl Server {
    /// Every mark in a range. A query that fails marks nothing. Blocking.
    pub(super) fn find_marks(&self, stage: &Stage, cancel: &Cancel) -> Marks {
        let mut list: Vec<Mark> = Vec::new();
        let all = stage.board.annotations.iter().enumerate();
        for (of, query) in all.filter(|(_, one)| stage.switches.is_on(one)).take(QUERIES_MAX) {
            if cancel.check().is_err() || list.len() >= MARKS_MAX {
                break;
            }
            let mut found = Vec::new();
            let words = stage.resolved.filling(&[], &[], Usage::Plain);
            match lead(&query.source, &Source::default(), &words) {
                Ok(Lead::Own) => self.own(query, stage, &mut found),
                // What Grafana writes for its own into every dashboard.
                Ok(_) if query.json.get("builtIn").is_some_and(|built_in| *built_in == 1) => self.own(query, stage, &mut found),
                Ok(Lead::Metrics) => self.asked(query, &*self.ports.engines.metrics, Usage::PromQl, stage, cancel, &mut found),
                Ok(Lead::Logs) => self.in_logs(query, stage, cancel, &mut found),
                _ => {}
            }
            list.extend(found.into_iter().map(|json| Mark { json, of }));
        }
        list.truncate(MARKS_MAX);
        Marks { list }
    }

    /// What people and programs marked, by tags where the query names some.
    fn own(&self, query: &AnnotationQuery, stage: &Stage, found: &mut Vec<Value>) {
        let target = query.json.get("target").and_then(Value::as_object).unwrap_or(&query.json);
        let words = |value: &Value| value.as_str().map(|tag| stage.resolved.fill(tag, &[], &[]));
        let tags: Vec<String> =
            target.get("tags").and_then(Value::as_array).map_or_else(Vec::new, |tags| tags.iter().filter_map(words).collect());
        let is_any = target.get("matchAny").is_some_and(|any| *any == true);
        let by_tags = target.get("type").is_none_or(|kind| *kind == "tags");
        let fits = |own: &[String]| {
            let has = |tag: &String| own.contains(tag);
            if !by_tags || tags.is_empty() {
                true
            } else if is_any {
                tags.iter().any(has)
            } else {
                tags.iter().all(has)
            }
        };
        for one in self.ports.happenings.within(stage.range, MARKS_MAX).unwrap_or_default() {
            if fits(&one.tags) {
                found.push(mark(query, (one.at, one.until), &one.text, &one.tags));
            }
        }
    }

    /// Where a query gives something above zero.
    fn asked(&self, query: &AnnotationQuery, engine: &dyn Evaluate, usage: Usage, stage: &Stage, cancel: &Cancel, found: &mut Vec<Value>) {
        let range = stage.range;
        let step = step_of(query).and_then(crate::boards::query::length).unwrap_or(stage.scrape);
        let step = interval(range, POINTS, step);
        let expr = stage.resolved.filling(&[], &[], usage).fill(&query.expr);
        let when = When::Range { start: range.start - range.start.rem_euclid(step), end: range.end - range.end.rem_euclid(step), step };
        let Ok(answer) = engine.evaluate(&Question { query: &expr, when, cancel: cancel.clone() }) else { return };
        let Answer::Matrix(series) = answer.value else { return };
        let is_time = query.json.get("useValueForTime").is_some_and(|flag| *flag == true || *flag == "on");
        for one in &series {
            let (words, tags) = said(query, &one.labels, "");
            for (at, until) in spans(one, step, is_time, range) {
                if found.len() < MARKS_MAX {
                    found.push(mark(query, (at, until), &words, &tags));
                }
            }
        }
    }

    /// The lines that a query of logs finds, or where one that counts gives something above zero.
    fn in_logs(&self, query: &AnnotationQuery, stage: &Stage, cancel: &Cancel, found: &mut Vec<Value>) {
        let engines = &self.ports.engines;
        let expr = stage.resolved.filling(&[], &[], Usage::LogQl).fill(&query.expr);
        if engines.search.is_metric(&expr) {
            return self.asked(query, &*engines.logs, Usage::LogQl, stage, cancel, found);
        }
        let wanted = SearchWanted {
            query: &expr,
            range: stage.range,
            limit: MARKS_MAX,
            is_forward: false,
            text_bytes_max: LINE_BYTES_MAX,
            cancel: cancel.clone(),
        };
        for line in engines.search.search(&wanted).unwrap_or_default() {
            let at = line.at_ns.div_euclid(1_000_000);
            let (words, tags) = said(query, &line.labels, &line.text);
            found.push(mark(query, (at, at), &words, &tags));
        }
    }
}

/// How often a query is asked; newer dashboards say it in its target.
fn step_of(query: &AnnotationQuery) -> Option<&str> {
    let target = query.json.get("target").and_then(|target| target.get("interval"));
    [target, query.json.get("step")].into_iter().flatten().filter_map(Value::as_str).find(|step| !step.is_empty())
}

/// The words and tags of a mark; `line` is what it says where nothing else is wanted.
fn said(query: &AnnotationQuery, labels: &Labels, line: &str) -> (String, Vec<String>) {
    let text = |name: &str| query.json.get(name).and_then(Value::as_str).unwrap_or_default();
    let title = if text("titleFormat").is_empty() { query.name.as_str() } else { text("titleFormat") };
    let more = if text("textFormat").is_empty() { line.trim_end().to_owned() } else { filled(text("textFormat"), labels) };
    let words: Vec<String> = [filled(title, labels), more].into_iter().filter(|text| !text.is_empty()).collect();
    let tags = text("tagKeys").split(',').filter_map(|key| labels.get(key.trim())).map(str::to_owned).collect();
    (words.join(": "), tags)
}

/// From when to when a series has values above zero; or the times that its values are, in milliseconds.
fn spans(series: &RangeSeries, step: i64, is_time: bool, range: TimeRange) -> Vec<(i64, i64)> {
    if is_time {
        let mut times: Vec<i64> = series.floats.iter().map(|(_, value)| *value as i64).filter(|at| range.contains(*at)).collect();
        times.dedup();
        return times.into_iter().map(|at| (at, at)).collect();
    }
    let mut found: Vec<(i64, i64)> = Vec::new();
    for (at, _) in series.floats.iter().filter(|(_, value)| *value > 0.0) {
        match found.last_mut() {
            Some((_, until)) if *until + step >= *at => *until = *at,
            _ => found.push((*at, *at)),
        }
    }
    found
}

fn filled(template: &str, labels: &Labels) -> String {
    let mut out = template.to_owned();
    for (name, value) in labels.iter() {
        for form in [format!("{{{{{name}}}}}"), format!("{{{{ {name} }}}}")] {
            out = out.replace(&form, value);
        }
    }
    out
}

fn mark(query: &AnnotationQuery, (at, until): (i64, i64), text: &str, tags: &[String]) -> Value {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    json!({
        "at": at as f64 / 1_000.0, "until": until as f64 / 1_000.0, "text": text, "tags": tags,
        "colour": if query.colour.is_empty() { "c1".to_owned() } else { colour(&query.colour) }, "name": query.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_above_zero_in_a_row_are_one_mark() {
        let series = RangeSeries { floats: vec![(0, 1.0), (10, 1.0), (20, 0.0), (40, 2.0), (60, 1.0)], ..RangeSeries::default() };
        assert_eq!(spans(&series, 10, false, TimeRange::ALL), [(0, 10), (40, 40), (60, 60)]);
        let times = RangeSeries { floats: vec![(0, 500.0), (10, 500.0), (20, 9e9)], ..RangeSeries::default() };
        assert_eq!(spans(&times, 10, true, TimeRange::new(0, 1_000)), [(500, 500)]);
        assert_eq!(filled("{{job}} {{ job }} {{x}}", &Labels::from_pairs([("job", "a")])), "a a {{x}}");
    }
}
