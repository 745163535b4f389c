//! Over several lines: whatever is longer than a line is split, and its parts stand below each other, indented.

use std::fmt::{Display, Write};

use super::{constant, literal, names, operator, quantity, range_length, unwrap_head};
use crate::base::float::plain;
use crate::logs::query::ast::{
    Binary, BinaryOp, Grouping, LogExpr, LogRange, MetricExpr, MetricKind, Query, RangeAggregate, Stage, StageKind, VectorAggregate,
};
use crate::series::labels::quote;

/// Longer parts are split.
const LINE_MAX: usize = 100;

/// Over several lines where one would be longer than 100 bytes, indented by two blanks a level.
pub fn pretty(query: &Query) -> String {
    pretty_within(query, LINE_MAX)
}

/// [`pretty`] with another longest line.
pub(in crate::logs::query) fn pretty_within(query: &Query, line_max: usize) -> String {
    let mut page = Page { line_max, out: String::new() };
    match query {
        Query::Log(log) => page.log(log, 0),
        Query::Metric(metric) => page.metric(metric, 0),
    }
    page.out
}

struct Page {
    line_max: usize,
    out: String,
}

impl Page {
    fn indent(&mut self, level: usize) {
        (0..level).for_each(|_| self.out.push_str("  "));
    }

    /// On a line of its own, which it does not end.
    fn put(&mut self, level: usize, what: impl Display) {
        self.indent(level);
        self.add(what);
    }

    fn add(&mut self, what: impl Display) {
        let written = write!(self.out, "{what}");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }

    /// Writes what fits a line as it is; whether it did.
    fn fits(&mut self, level: usize, what: &impl Display) -> bool {
        let line = what.to_string();
        let fits = line.len() <= self.line_max;
        if fits {
            self.put(level, line);
        }
        fits
    }

    fn log(&mut self, log: &LogExpr, level: usize) {
        if self.fits(level, log) {
            return;
        }
        self.put(level, &log.selector);
        let is_filter = |stage: &Stage| matches!(stage.kind, StageKind::LineFilter(_));
        // Line filters beside each other count as one stage.
        for group in log.stages.chunk_by(|left, right| is_filter(left) && is_filter(right)) {
            self.stages(group, level + 1);
        }
    }

    /// Stages that share a line if they fit; else the first ones do that fit.
    fn stages(&mut self, stages: &[Stage], level: usize) {
        let mut line = 0;
        let mut first = 0;
        for (index, stage) in stages.iter().enumerate() {
            line += stage.to_string().len() + usize::from(index > 0);
            if line <= self.line_max {
                first = index + 1;
            }
        }
        let (together, alone) = stages.split_at(first.min(stages.len()));
        if !together.is_empty() {
            let together: Vec<String> = together.iter().map(ToString::to_string).collect();
            self.out.push('\n');
            self.put(level, together.join(" "));
        }
        for stage in alone {
            self.out.push('\n');
            self.put(level, stage);
        }
    }

    fn range(&mut self, range: &LogRange, level: usize) {
        self.log(&range.log, level);
        if let Some(unwrap) = &range.unwrap {
            self.out.push('\n');
            self.indent(level + 1);
            let written = unwrap_head(&mut self.out, unwrap);
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            for filter in &unwrap.filters {
                self.out.push('\n');
                self.put(level + 1, format_args!("| {filter}"));
            }
        }
        self.add(format_args!(" [{}]", range_length(range.interval_ns)));
        match range.offset_ns {
            0 => {}
            offset if offset % 1_000_000 == 0 => self.add(format_args!(" offset {}", range_length(offset))),
            offset => self.add(format_args!(" offset {}", quantity::go_duration(offset))),
        }
    }

    fn grouping(&mut self, grouping: Option<&Grouping>) {
        if let Some(grouping) = grouping {
            let word = if grouping.without { "without" } else { "by" };
            self.add(format_args!(" {word} ({})", names(&grouping.labels, ", ")));
        }
    }

    fn metric(&mut self, metric: &MetricExpr, level: usize) {
        if self.fits(level, metric) {
            return;
        }
        match &metric.kind {
            MetricKind::Range(aggregate) => self.range_aggregate(aggregate, level),
            MetricKind::Vector(aggregate) => self.vector_aggregate(aggregate, level),
            MetricKind::Binary(binary) => self.binary(binary, level),
            MetricKind::LabelReplace(replace) => {
                self.put(level, "label_replace(\n");
                self.metric(&replace.expr, level + 1);
                for text in [&replace.to, &replace.replacement, &replace.from, &replace.regex] {
                    self.out.push_str(",\n");
                    self.put(level + 1, quote(text));
                }
                self.close(level);
            }
            MetricKind::Literal(value) => self.put(level, literal(*value)),
            MetricKind::Constant(value) => self.put(level, format_args!("vector({})", constant(*value))),
        }
    }

    fn close(&mut self, level: usize) {
        self.out.push('\n');
        self.put(level, ")");
    }

    fn range_aggregate(&mut self, aggregate: &RangeAggregate, level: usize) {
        self.put(level, format_args!("{}(\n", aggregate.op.as_str()));
        if let Some(param) = aggregate.param {
            self.put(level + 1, format_args!("{},\n", plain(param)));
        }
        self.range(&aggregate.range, level + 1);
        self.close(level);
        self.grouping(aggregate.grouping.as_ref());
    }

    fn vector_aggregate(&mut self, aggregate: &VectorAggregate, level: usize) {
        self.put(level, aggregate.op.as_str());
        self.grouping(aggregate.grouping.as_ref());
        self.out.push_str("(\n");
        if let Some(count) = aggregate.count {
            self.put(level + 1, format_args!("{count},\n"));
        }
        self.metric(&aggregate.expr, level + 1);
        self.close(level);
    }

    fn binary(&mut self, binary: &Binary, level: usize) {
        let op = binary.op;
        let right_assoc = op == BinaryOp::Pow;
        self.side(&binary.left, level + 1, |inner| inner < op.precedence() || (right_assoc && inner == op.precedence()));
        self.out.push('\n');
        self.put(level, operator(binary, ", ").trim_end());
        self.out.push('\n');
        self.side(&binary.right, level + 1, |inner| inner < op.precedence() || (!right_assoc && inner == op.precedence()));
    }

    /// A side of an operator, in parentheses if it is split itself and `binds_weakly`.
    fn side(&mut self, side: &MetricExpr, level: usize, binds_weakly: impl Fn(u8) -> bool) {
        let is_weak = matches!(&side.kind, MetricKind::Binary(inner) if binds_weakly(inner.op.precedence()));
        if is_weak && side.to_string().len() > self.line_max {
            self.put(level, "(\n");
            self.metric(side, level + 1);
            self.close(level);
        } else {
            self.metric(side, level);
        }
    }
}
