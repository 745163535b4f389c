//! A sample of the lines that match, from all of the time, for what need not look at every line.

use super::extract::within;
use super::search::Searches;
use super::{Context, select_error, stage_error, stopped};
use crate::logs::model::read::{LineBuf, LineSelection, Span, Want};
use crate::logs::query::ast::LogExpr;
use crate::logs::query::detect::patterns::{FoundPattern, Patterns};
use crate::logs::query::needs::needs;
use crate::logs::query::stage::pipeline::Pipeline;
use crate::series::ports::EvaluateError;

/// The patterns of about `lines_max` of the lines that match, weighted so that counts are about those of all lines.
pub(crate) fn patterns(
    ctx: &Context<'_>,
    log: &LogExpr,
    span: Span,
    lines_max: usize,
    step: i64,
    patterns_max: usize,
) -> Result<Vec<FoundPattern>, EvaluateError> {
    let mut pipeline = Pipeline::new(&log.stages, ctx.now).map_err(stage_error)?.stopped_by(ctx.cancel);
    let needs = needs(log, &|_| true);
    let selection = LineSelection { matchers: &log.selector.matchers, span, needs: &needs };
    let mut chunks = ctx.select.select(&selection, ctx.cancel).map_err(select_error)?;
    chunks.sort_by_key(|chunk| chunk.bounds());
    let all: usize = chunks.iter().map(|chunk| chunk.lines()).sum();
    // Every n-th chunk is read, so that at most ten times as many lines are read as are looked at.
    let lines_max = lines_max.max(1);
    let each_chunk = (all / lines_max.saturating_mul(10)).clamp(1, chunks.len().max(1));
    let each_line = (all / each_chunk / lines_max).max(1);
    let searches = Searches::new(log);
    let (mut buf, mut found, mut patterns) = (LineBuf::default(), Vec::new(), Patterns::new(step));
    for chunk in chunks.iter().step_by(each_chunk) {
        ctx.cancel.check().map_err(stopped)?;
        chunk.read(Want::Text, &mut buf).map_err(select_error)?;
        let by_fields = searches.looks_at_fields(&buf);
        let runs = std::mem::take(&mut buf.runs);
        for (stream, lines) in &runs {
            pipeline.set_stream(&stream.labels);
            searches.run(&stream.labels, by_fields, &buf, within(&buf, lines, span), &mut found);
            for line in found.iter().map(|line| *line as usize) {
                let ts = buf.times.get(line).copied().unwrap_or_default();
                if !is_chosen(ts, line, each_line) {
                    continue;
                }
                if let Some(passed) = pipeline.process(ts, buf.line(line), buf.fields_of(line)) {
                    patterns.add(ts, passed.line, (each_chunk * each_line) as u64);
                }
                ctx.cancel.check().map_err(stopped)?;
            }
        }
        buf.runs = runs;
    }
    Ok(patterns.finish(patterns_max))
}

/// One of so many, whatever rhythm the lines have.
fn is_chosen(ts: i64, line: usize, each: usize) -> bool {
    let mixed = (ts as u64 ^ (line as u64).rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32).is_multiple_of(each as u64)
}
