//! `info`: labels of info metrics (such as `target_info`) added to the series they describe.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::base::time::TimeRange;
use crate::metrics::query::ast::Extension;
use crate::metrics::query::eval::collect::collect;
use crate::metrics::query::eval::context::{Outcome, failed, same_labelset};
use crate::metrics::query::eval::matrix::{Matrix, RowBuf, Series, is_absent};
use crate::metrics::query::eval::plan::{Kind, Node, Selector};
use crate::metrics::query::eval::scan::{Leaf, Program, Source, Tell};
use crate::metrics::query::eval::{Evaluator, kernel};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::EvaluateError;

/// The info metric taken when none is named.
const TARGET_INFO: &str = "target_info";
/// The labels that tie a series to its info metrics.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// `info(v, {selector})`.
pub(crate) fn info(evaluator: &Evaluator<'_, '_>, args: &[Node]) -> Outcome<Matrix> {
    let Some(vector) = args.first() else { return failed("expected a vector") };
    let (at, offset) = reference_time(vector, &mut Vec::new()).unwrap_or((None, 0));
    let base = evaluator.vector(vector)?;
    let (names, data): (Vec<Matcher>, Vec<Matcher>) = match args.get(1).map(unwrap_once) {
        Some(Node { kind: Kind::Selector(selector), .. }) => {
            selector.matchers.iter().cloned().partition(|matcher| &*matcher.name == METRIC_NAME)
        }
        _ => (Vec::new(), Vec::new()),
    };
    let names = effective_names(names)?;
    let is_info = |labels: &Labels| names.iter().all(|matcher| matcher.matches(labels.metric_name()));
    let infos = fetch(evaluator, &base, &names, &data, &is_info, (at, offset))?;
    combine(evaluator, base, &infos, &data, &is_info)
}

fn unwrap_once(mut node: &Node) -> &Node {
    while let Kind::Once(inner) = &node.kind {
        node = inner;
    }
    node
}

/// `@` and offset of the first selector, with those of the subqueries around it.
fn reference_time(node: &Node, around: &mut Vec<(Option<i64>, i64)>) -> Option<(Option<i64>, i64)> {
    match &node.kind {
        Kind::Selector(selector) | Kind::Range(selector, _) => {
            let (mut at, mut offset) = (selector.at, selector.offset);
            for (outer_at, outer_offset) in around.iter().rev() {
                if at.is_some() {
                    break;
                }
                offset = i64::saturating_add(offset, *outer_offset);
                at = *outer_at;
            }
            Some((at, offset))
        }
        Kind::Subquery(subquery) => {
            around.push((subquery.at, subquery.offset));
            let found = reference_time(&subquery.expr, around);
            around.pop();
            found
        }
        Kind::Negate(inner) | Kind::Once(inner) => reference_time(inner, around),
        Kind::Binary(_) => {
            let (first, links) = node.chain(node.returns);
            reference_time(first, around).or_else(|| links.iter().find_map(|(_, link)| reference_time(&link.right, around)))
        }
        Kind::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().and_then(|param| reference_time(param, around));
            reference_time(&aggregate.expr, around).or(param)
        }
        Kind::Call(call) => call.args.iter().find_map(|arg| reference_time(arg, around)),
        Kind::Number(_) | Kind::Text(_) => None,
    }
}

fn new_matcher(name: &str, op: MatchOp, value: &str) -> Outcome<Matcher> {
    Matcher::new(name, op, value).map_err(|error| EvaluateError::Execution(error.to_string()))
}

fn effective_names(mut names: Vec<Matcher>) -> Outcome<Vec<Matcher>> {
    if names.is_empty() {
        return Ok(vec![Matcher::equal(METRIC_NAME, TARGET_INFO)]);
    }
    if names.iter().all(|matcher| matcher.op.is_negative()) {
        names.insert(0, new_matcher(METRIC_NAME, MatchOp::Regex, ".+_info")?);
    }
    Ok(names)
}

/// The info series that could describe any of the base series; values are the times of their samples (ms).
fn fetch(
    evaluator: &Evaluator<'_, '_>,
    base: &Matrix,
    names: &[Matcher],
    data: &[Matcher],
    is_info: &impl Fn(&Labels) -> bool,
    (at, offset): (Option<i64>, i64),
) -> Outcome<Matrix> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for series in base.series.iter().filter(|series| !is_info(&series.labels)) {
        for name in IDENTIFYING {
            if let Some(value) = series.labels.get(name) {
                values.entry(name).or_default().insert(value);
            }
        }
    }
    if values.is_empty() {
        return Ok(Matrix::default());
    }
    let mut matchers = Vec::new();
    for (name, values) in &values {
        let quoted: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
        matchers.push(new_matcher(name, MatchOp::Regex, &quoted.join("|"))?);
    }
    matchers.extend(data.iter().chain(names).cloned());
    let times: kernel::Times = evaluator.times(offset, at);
    let range = TimeRange::new(times.start.saturating_sub(evaluator.ctx.options.lookback_ms).saturating_add(1), times.end());
    let selector = Selector { matchers, offset, at, extension: Extension::None, statistics_only: false, one_name: false };
    let series = evaluator.select(&selector, range)?;
    collect(
        evaluator.ctx,
        Program {
            source: Source::Stored { series, range },
            leaf: Leaf::Newest { times, tell: Tell::TimestampMs, statistics_only: false },
            ..evaluator.over(Matrix::default())
        },
    )
}

fn identity(labels: &Labels) -> Labels {
    labels.without(|name| !IDENTIFYING.contains(&name))
}

fn combine(
    evaluator: &Evaluator<'_, '_>,
    base: Matrix,
    infos: &Matrix,
    data: &[Matcher],
    is_info: &impl Fn(&Labels) -> bool,
) -> Outcome<Matrix> {
    let steps = evaluator.steps.count;
    // Info series by name and identity; at every step the one with the newest sample counts.
    let mut by_identity: HashMap<Labels, BTreeMap<&str, Vec<&Series>>> = HashMap::new();
    for series in &infos.series {
        by_identity.entry(identity(&series.labels)).or_default().entry(series.name()).or_default().push(series);
    }
    for group in by_identity.values().flat_map(BTreeMap::values) {
        refuse_ties(group, steps)?;
    }
    let wanted: HashSet<&str> = data.iter().map(|matcher| &*matcher.name).collect();
    let may_miss = data.iter().all(Matcher::matches_empty);
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut rows: Vec<(Labels, bool, RowBuf)> = Vec::new();
    for series in &base.series {
        evaluator.ctx.check()?;
        let groups = if is_info(&series.labels) { None } else { by_identity.get(&identity(&series.labels)) };
        let mut cached: Option<(Vec<*const Series>, Option<Labels>)> = None;
        for step in 0..steps {
            let Some(cell) = series.row.cell(step) else { continue };
            let labels = if is_info(&series.labels) {
                series.labels.clone()
            } else {
                let found: Vec<&Series> = groups.into_iter().flat_map(BTreeMap::values).filter_map(|group| newest(group, step)).collect();
                let key: Vec<*const Series> = found.iter().map(|series| std::ptr::from_ref(*series)).collect();
                let enriched = match &cached {
                    Some((before, labels)) if *before == key => labels.clone(),
                    _ => {
                        let labels = if found.is_empty() && !may_miss { None } else { Some(enrich(&series.labels, &found, &wanted)?) };
                        cached = Some((key, labels.clone()));
                        labels
                    }
                };
                let Some(labels) = enriched else { continue };
                labels
            };
            let slot = match at.get(&labels) {
                Some(&slot) => slot,
                None => {
                    let mut row = RowBuf::default();
                    row.reset(steps);
                    at.insert(labels.clone(), rows.len());
                    rows.push((labels, series.drop_name, row));
                    rows.len() - 1
                }
            };
            let row = &mut rows[slot].2;
            if !is_absent(row.values[step]) || row.histograms.binary_search_by_key(&(step as u32), |(at, _)| *at).is_ok() {
                return same_labelset();
            }
            row.set(step, Some(cell));
            row.histograms.sort_by_key(|(at, _)| *at);
        }
    }
    let series: Vec<Series> = rows.into_iter().map(|(labels, drop_name, row)| Series { labels, drop_name, row: row.to_row() }).collect();
    let charge = evaluator.ctx.live.charge(series.iter().map(|series| series.row.size()).sum())?;
    Ok(Matrix { series, charge })
}

/// The series whose sample is newest at a step.
fn newest<'a>(group: &[&'a Series], step: usize) -> Option<&'a Series> {
    let there = group.iter().copied().filter(|series| !is_absent(series.row.float(step)));
    there.max_by(|a, b| a.row.float(step).total_cmp(&b.row.float(step)))
}

fn refuse_ties(group: &[&Series], steps: usize) -> Outcome<()> {
    if group.len() < 2 {
        return Ok(());
    }
    for step in 0..steps {
        let Some(best) = newest(group, step) else { continue };
        let time = best.row.float(step);
        let mut tied = group.iter().filter(|series| series.row.float(step) == time);
        if let (Some(first), Some(second)) = (tied.next(), tied.next()) {
            let (first, second) = (&first.labels, &second.labels);
            return failed(format!("found duplicate series for info metric: existing {first} @ {time}, new {second} @ {time}"));
        }
    }
    Ok(())
}

fn enrich(base: &Labels, infos: &[&Series], wanted: &HashSet<&str>) -> Outcome<Labels> {
    let mut added = crate::series::labels::LabelsBuilder::new();
    for (name, value) in infos.iter().flat_map(|info| info.labels.iter()) {
        if name == METRIC_NAME || (!wanted.is_empty() && !wanted.contains(name)) {
            continue;
        }
        if added.get(name).is_some_and(|before| before != value) {
            return failed(format!("conflicting label: {name}"));
        }
        if !base.contains(name) {
            added.set(name, value);
        }
    }
    let mut labels = base.to_builder();
    for (name, value) in added.iter() {
        labels.set(name, value);
    }
    Ok(labels.build())
}
