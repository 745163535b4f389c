//! Range vectors as the answer of an instant query: samples as they are stored, or the steps of a subquery.

use crate::base::time::TimeRange;
use crate::metrics::query::ast::Extension;
use crate::metrics::query::functions::extended::with_ends;
use crate::series::ports::SelectedSeries;
use crate::series::sample::{SampleBuf, is_stale};
use crate::series::value::RangeSeries;

use super::Evaluator;
use super::context::{Outcome, failed};
use super::leaf::margins;
use super::matrix::{Matrix, Steps, without_metadata};
use super::plan::{Kind, Node, Selector};
use super::scan::read;

/// Evaluates a range vector at the first step.
pub(crate) fn evaluate(evaluator: &Evaluator<'_, '_>, node: &Node) -> Outcome<Vec<RangeSeries>> {
    match &node.kind {
        Kind::Once(inner) => evaluate(evaluator, inner),
        Kind::Range(selector, range) => selected(evaluator, selector, *range),
        Kind::Subquery(subquery) => {
            let (matrix, steps) = evaluator.subquery(subquery)?;
            let samples = matrix.series.iter().map(|series| series.row.present_count() as u64).sum();
            evaluator.ctx.statistics.add(super::context::Weight::Each, samples, &[]);
            Ok(to_range_series(&matrix, &steps))
        }
        _ => failed("expected a range vector"),
    }
}

/// Rows with the times of their steps; names are gone where they were to go.
pub(crate) fn to_range_series(matrix: &Matrix, steps: &Steps) -> Vec<RangeSeries> {
    let convert = |series: &super::matrix::Series| RangeSeries {
        labels: if series.drop_name { without_metadata(&series.labels) } else { series.labels.clone() },
        floats: series.row.floats().map(|(step, value)| (steps.at(step), value)).collect(),
        histograms: series.row.histograms().iter().map(|(step, histogram)| (steps.at(*step as usize), histogram.clone())).collect(),
    };
    matrix.series.iter().map(convert).collect()
}

fn selected(evaluator: &Evaluator<'_, '_>, selector: &Selector, range: i64) -> Outcome<Vec<RangeSeries>> {
    let times = evaluator.times(selector.offset, selector.at);
    let (end, start) = (times.start, times.start.saturating_sub(range));
    let (before, after) = margins(selector.extension, evaluator.ctx.options.lookback_ms);
    let wide = TimeRange::new(start.saturating_sub(before).saturating_add(1), end.saturating_add(after));
    let mut found = Vec::new();
    let mut samples = SampleBuf::default();
    let mut charge = super::context::Charge::default();
    let list: Vec<Box<dyn SelectedSeries>> = evaluator.select(selector, wide)?;
    for series in &list {
        evaluator.ctx.check()?;
        read(&**series, wide, &mut samples)?;
        let mut floats: Vec<(i64, f64)> =
            samples.float_ts.iter().copied().zip(samples.floats.iter().copied()).filter(|(_, value)| !is_stale(*value)).collect();
        let histograms = samples.histogram_ts.iter().copied().zip(samples.histograms.iter().cloned());
        let histograms: Vec<_> = histograms.filter(|(_, histogram)| !histogram.is_stale()).collect();
        if selector.extension != Extension::None {
            let smoothed = selector.extension == Extension::Smoothed;
            if !histograms.is_empty() {
                let word = if smoothed { "smoothed" } else { "anchored" };
                return failed(format!("{word} modifier is not supported with histograms"));
            }
            let (ts, values): (Vec<i64>, Vec<f64>) = floats.iter().copied().unzip();
            floats = with_ends(&ts, &values, start, end, smoothed);
        }
        if floats.is_empty() && histograms.is_empty() {
            continue;
        }
        let size = floats.len() + histograms.iter().map(|(_, histogram)| histogram.size_in_samples()).sum::<usize>();
        charge.absorb(evaluator.ctx.live.charge(size)?);
        evaluator.ctx.statistics.add(super::context::Weight::Each, size as u64, &[]);
        found.push(RangeSeries { labels: series.labels().clone(), floats, histograms });
    }
    Ok(found)
}
