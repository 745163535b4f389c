//! Evaluation of PromQL, a whole range at once.
//!
//! Read in this order: [`plan`] (what is evaluated), [`matrix`] (what comes out), [`scan`] (series by series, in
//! parallel), [`leaf`] and [`kernel`] (samples to rows), [`row_op`] (rows to rows), and this file, which walks
//! the plan. Aggregations take rows as they are made, without a matrix between.

pub(crate) mod collect;
pub(crate) mod context;
pub(crate) mod crew;
pub(crate) mod kernel;
pub(crate) mod leaf;
pub(crate) mod matrix;
pub(crate) mod plan;
pub(crate) mod raw;
pub(crate) mod row_op;
pub(crate) mod scan;

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use crate::base::time::TimeRange;
use crate::metrics::query::annotations::Note;
use crate::metrics::query::ast::{Extension, ValueType};
use crate::metrics::query::binary;
use crate::metrics::query::functions::{self, Function};
use crate::metrics::query::{aggregate, binary::element};
use crate::series::labels::Labels;
use crate::series::ports::{SelectedSeries, Selection};

use collect::collect;
use context::{Context, Outcome, Weight, failed, select_failed};
use kernel::Times;
use matrix::{Matrix, Row, Scalar, Series, Steps};
use plan::{Binary, Call, Kind, Node, Selector, Subquery};
use row_op::RowOp;
use scan::{Leaf, Program, Source, Tell, Windows};

/// Evaluates nodes at some steps.
#[derive(Clone, Copy)]
pub(crate) struct Evaluator<'a, 'q> {
    /// Shared by the evaluation.
    pub(crate) ctx: &'a Context<'q>,
    /// When to evaluate.
    pub(crate) steps: Steps,
    /// How samples count.
    pub(crate) weight: Weight,
}

impl<'q> Evaluator<'_, 'q> {
    /// Whether this could be an instant query, whose order is kept.
    pub(crate) const fn is_instant(&self) -> bool {
        self.steps.count == 1
    }

    /// Evaluates a vector expression.
    pub(crate) fn vector(&self, node: &Node) -> Outcome<Matrix> {
        self.ctx.check()?;
        if self.steps.count == 0 {
            return Ok(Matrix::default());
        }
        match &node.kind {
            Kind::Once(inner) => self.repeated(inner),
            Kind::Aggregate(aggregate) => aggregate::evaluate(self, aggregate),
            Kind::Call(call) => self.call(node, call),
            _ => collect(self.ctx, self.program(node)?),
        }
    }

    /// Evaluates a scalar expression.
    pub(crate) fn scalar(&self, node: &Node) -> Outcome<Scalar> {
        self.ctx.check()?;
        Ok(match &node.kind {
            Kind::Number(value) => Scalar::Constant(*value),
            Kind::Negate(inner) => match self.scalar(inner)? {
                Scalar::Constant(value) => Scalar::Constant(-value),
                Scalar::Steps(values) => Scalar::Steps(values.into_iter().map(|value| -value).collect()),
            },
            Kind::Once(inner) => Scalar::Constant(Evaluator { steps: self.steps.first_only(), ..*self }.scalar(inner)?.at(0)),
            Kind::Binary(_) => {
                let (first, links) = node.chain(ValueType::Scalar);
                links.into_iter().try_fold(self.scalar(first)?, |left, (_, link)| -> Outcome<Scalar> {
                    self.ctx.check()?;
                    Ok(self.zip(&left, &self.scalar(&link.right)?, |a, b| element::scalars(link.op, a, b)))
                })?
            }
            Kind::Call(call) => self.scalar_call(call)?,
            _ => return failed("expected a scalar"),
        })
    }

    fn zip(&self, left: &Scalar, right: &Scalar, combine: impl Fn(f64, f64) -> f64) -> Scalar {
        if let (Scalar::Constant(a), Scalar::Constant(b)) = (left, right) {
            return Scalar::Constant(combine(*a, *b));
        }
        Scalar::Steps((0..self.steps.count).map(|step| combine(left.at(step), right.at(step))).collect())
    }

    fn scalar_call(&self, call: &Call) -> Outcome<Scalar> {
        Ok(match (call.function, call.args.as_slice()) {
            (Function::Time, _) => Scalar::Steps((0..self.steps.count).map(|step| self.steps.at(step) as f64 / 1000.0).collect()),
            (Function::Pi, _) => Scalar::Constant(std::f64::consts::PI),
            (Function::MaxOf, [a, b]) => self.zip(&self.scalar(a)?, &self.scalar(b)?, plan::go_max),
            (Function::MinOf, [a, b]) => self.zip(&self.scalar(a)?, &self.scalar(b)?, plan::go_min),
            (Function::Scalar, [vector]) => {
                let matrix = self.vector(vector)?;
                let mut values = vec![f64::NAN; self.steps.count];
                let mut found = vec![false; self.steps.count];
                for (step, value) in matrix.series.iter().flat_map(|series| series.row.floats()) {
                    values[step] = if found[step] { f64::NAN } else { value };
                    found[step] = true;
                }
                Scalar::Steps(values)
            }
            _ => return failed("expected a scalar"),
        })
    }

    /// A value that is the same at every step.
    fn repeated(&self, inner: &Node) -> Outcome<Matrix> {
        let weight = if self.weight == Weight::Never { Weight::Never } else { Weight::Repeated(self.steps.count) };
        let once = Evaluator { ctx: self.ctx, steps: self.steps.first_only(), weight };
        let matrix = once.vector(inner)?;
        if self.is_instant() {
            return Ok(matrix);
        }
        let size: usize = matrix.series.iter().map(|series| series.row.size()).sum();
        let charge = self.ctx.live.charge(size.saturating_mul(self.steps.count))?;
        let repeat = |series: Series| Series { row: series.row.repeat(self.steps.count), ..series };
        Ok(Matrix { series: matrix.series.into_iter().map(repeat).collect(), charge })
    }

    /// The rows of a vector expression, before they are collected or aggregated.
    pub(crate) fn program(&self, node: &Node) -> Outcome<Program> {
        match &node.kind {
            Kind::Selector(selector) => self.selector(node, selector, Tell::Value),
            Kind::Negate(inner) => {
                let mut program = self.program(inner)?;
                program.push(RowOp::Negate);
                Ok(program)
            }
            Kind::Binary(_) => self.chain(node),
            Kind::Call(call) => {
                if let Some(at) = call.args.iter().position(|arg| arg.returns == ValueType::Matrix) {
                    if call.function != Function::AbsentOverTime {
                        return self.windows(call, at);
                    }
                } else if let Some(program) = self.elementwise(call)? {
                    return Ok(program);
                }
                self.computed(node)
            }
            _ => self.computed(node),
        }
    }

    fn computed(&self, node: &Node) -> Outcome<Program> {
        let matrix = self.vector(node)?;
        Ok(self.over(matrix))
    }

    /// Rows that are there already.
    pub(crate) fn over(&self, matrix: Matrix) -> Program {
        Program {
            source: Source::Computed(matrix, self.steps),
            leaf: Leaf::Row,
            ops: Vec::new(),
            steps: self.steps,
            drops_name: false,
            one_name: false,
            weight: Weight::Never,
            strict_names: false,
        }
    }

    /// The times a selector looks at.
    pub(crate) fn times(&self, offset: i64, at: Option<i64>) -> Times {
        let (start, interval) = at.map_or((self.steps.start, self.steps.interval), |at| (at, 0));
        Times { start: start.saturating_sub(offset), interval, count: self.steps.count }
    }

    /// Selects series with samples in a range.
    pub(crate) fn select(&self, selector: &Selector, range: TimeRange) -> Outcome<Vec<Box<dyn SelectedSeries>>> {
        self.ctx.newest_read.fetch_max(range.end, Ordering::Relaxed);
        let selection = Selection { matchers: &selector.matchers, range, series_max: self.ctx.options.max_samples };
        let series = self.ctx.select.select(&selection, self.ctx.cancel).map_err(select_failed)?;
        self.ctx.series.fetch_add(series.len() as u64, Ordering::Relaxed);
        Ok(series)
    }

    fn selector(&self, node: &Node, selector: &Selector, tell: Tell) -> Outcome<Program> {
        let times = self.times(selector.offset, selector.at);
        let lookback = self.ctx.options.lookback_ms;
        let smoothed = selector.extension == Extension::Smoothed;
        let start = times.start.saturating_sub(lookback).saturating_add(1);
        let end = times.end().saturating_add(if smoothed { lookback } else { 0 });
        let range = TimeRange::new(start, end);
        let leaf = if smoothed {
            Leaf::Smoothed { times, span: node.span }
        } else {
            Leaf::Newest { times, tell, statistics_only: selector.statistics_only }
        };
        let series = self.select(selector, range)?;
        Ok(Program {
            source: Source::Stored { series, range },
            leaf,
            ops: Vec::new(),
            steps: self.steps,
            drops_name: false,
            one_name: selector.one_name,
            weight: self.weight,
            strict_names: false,
        })
    }

    /// Operators of which at least one side is a vector, along the left sides: however many there are, the stack stays low.
    fn chain(&self, node: &Node) -> Outcome<Program> {
        let (first, links) = node.chain(ValueType::Vector);
        let Some(((node, link), links)) = links.split_first() else { return failed("expected an operator") };
        let mut program = if is_vector(first) {
            self.link(node, link, self.program(first)?)?
        } else {
            let mut program = self.program(&link.right)?;
            program.push(with_scalar(node, link, self.scalar(first)?, true));
            program
        };
        for (node, link) in links {
            self.ctx.check()?;
            program = self.link(node, link, program)?;
        }
        Ok(program)
    }

    /// An operator whose left side is a vector.
    fn link(&self, node: &Node, binary: &Binary, mut left: Program) -> Outcome<Program> {
        if is_vector(&binary.right) {
            let left = collect(self.ctx, left)?;
            let right = self.vector(&binary.right)?;
            return Ok(self.over(binary::combine(self, node, binary, left, right)?));
        }
        left.push(with_scalar(node, binary, self.scalar(&binary.right)?, false));
        Ok(left)
    }

    fn windows(&self, call: &Call, at: usize) -> Outcome<Program> {
        let function = call.function;
        let mut source = &call.args[at];
        // A range never needs to be marked as the same at every step, but may be.
        while let Kind::Once(inner) = &source.kind {
            source = inner;
        }
        let params = call.args.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, arg)| self.scalar(arg));
        let params = params.collect::<Outcome<Vec<Scalar>>>()?;
        let mut windows = Windows {
            function,
            times: self.times(0, None),
            range: 0,
            extension: Extension::None,
            params,
            span: call.args[0].span,
            use_starts: self.ctx.options.use_start_timestamps
                && matches!(function, Function::Rate | Function::Irate | Function::Increase | Function::Resets),
            statistics_only: false,
        };
        let (source, one_name) = match &source.kind {
            Kind::Range(selector, range) => {
                check_extension(function, selector.extension)?;
                windows.times = self.times(selector.offset, selector.at);
                (windows.range, windows.extension, windows.statistics_only) = (*range, selector.extension, selector.statistics_only);
                let (before, after) = leaf::margins(selector.extension, self.ctx.options.lookback_ms);
                let start = windows.times.start.saturating_sub(*range).saturating_sub(before).saturating_add(1);
                let range = TimeRange::new(start, windows.times.end().saturating_add(after));
                (Source::Stored { series: self.select(selector, range)?, range }, selector.one_name)
            }
            Kind::Subquery(subquery) => {
                windows.times = self.times(subquery.offset, subquery.at);
                windows.range = subquery.range;
                let (matrix, steps) = self.subquery(subquery)?;
                (Source::Computed(matrix, steps), false)
            }
            _ => return failed("expected a range vector"),
        };
        Ok(Program {
            source,
            leaf: Leaf::Windows(windows),
            ops: Vec::new(),
            steps: self.steps,
            drops_name: !function.keeps_name(),
            one_name,
            weight: self.weight,
            strict_names: true,
        })
    }

    /// Evaluates what stands in a subquery, at its steps.
    pub(crate) fn subquery(&self, subquery: &Subquery) -> Outcome<(Matrix, Steps)> {
        let times = self.times(subquery.offset, subquery.at);
        let interval = subquery.interval;
        let begin = times.start.saturating_sub(subquery.range);
        // The first multiple of the interval inside of the range, whose start is excluded.
        let mut start = (begin / interval).saturating_mul(interval);
        if start <= begin {
            start = start.saturating_add(interval);
        }
        let steps = Steps::new(start, times.end(), interval);
        if steps.count > self.ctx.options.max_samples {
            self.ctx.live.admit(steps.count)?;
        }
        let inner = Evaluator { ctx: self.ctx, steps, weight: Weight::Never };
        let matrix = match subquery.expr.returns {
            ValueType::Scalar => inner.scalar_matrix(&subquery.expr)?,
            _ => inner.vector(&subquery.expr)?,
        };
        Ok((matrix, steps))
    }

    /// A scalar as one series without labels.
    fn scalar_matrix(&self, node: &Node) -> Outcome<Matrix> {
        if self.steps.count == 0 {
            return Ok(Matrix::default());
        }
        let charge = self.ctx.live.charge(self.steps.count)?;
        let row = match self.scalar(node)? {
            Scalar::Constant(value) => Row::single(matrix::present(value)).repeat(self.steps.count),
            Scalar::Steps(values) => {
                let values = values.into_iter().map(matrix::present).collect();
                matrix::RowBuf { values, histograms: Vec::new() }.to_row()
            }
        };
        Ok(Matrix { series: vec![Series { labels: Labels::empty(), drop_name: false, row }], charge })
    }

    /// A function of one vector (and scalars) that works value by value.
    fn elementwise(&self, call: &Call) -> Outcome<Option<Program>> {
        let Some((vector, scalars)) = call.args.split_first() else { return Ok(None) };
        if vector.returns != ValueType::Vector {
            return Ok(None);
        }
        if matches!(call.function, Function::Timestamp | Function::StartTimestamp) {
            return self.timestamps(call.function, vector).map(Some);
        }
        if RowOp::of_function(call.function, &mut std::iter::empty()).is_none() {
            return Ok(None);
        }
        let mut program = self.program(vector)?;
        let params = scalars.iter().map(|scalar| self.scalar(scalar)).collect::<Outcome<Vec<Scalar>>>()?;
        if let Some(op) = RowOp::of_function(call.function, &mut params.into_iter()) {
            program.push(op);
        }
        Ok(Some(program))
    }

    /// `timestamp` and `start_timestamp`: of the sample when given a selector, else of the evaluation (none).
    fn timestamps(&self, function: Function, vector: &Node) -> Outcome<Program> {
        let mut inner = vector;
        while let Kind::Once(node) = &inner.kind {
            inner = node;
        }
        let is_start = function == Function::StartTimestamp;
        let mut program = if let Kind::Selector(selector) = &inner.kind {
            let tell = if is_start { Tell::StartTimestamp } else { Tell::Timestamp };
            // As upstream, `@` makes `offset` ineffective here.
            let selector = Selector { offset: if selector.at.is_some() { 0 } else { selector.offset }, ..selector.clone() };
            let selector = Selector { extension: Extension::None, ..selector };
            self.selector(vector, &selector, tell)?
        } else {
            let mut matrix = self.vector(vector)?;
            for series in &mut matrix.series {
                let mut row = matrix::RowBuf::default();
                row.reset(self.steps.count);
                for step in (0..self.steps.count).filter(|&step| series.row.has(step)) {
                    row.values[step] = self.steps.at(step) as f64 / 1000.0;
                }
                series.row = row.to_row();
            }
            self.over(matrix)
        };
        if is_start && !(self.ctx.options.use_start_timestamps && matches!(inner.kind, Kind::Selector(_))) {
            program.source = Source::Computed(Matrix::default(), self.steps);
        }
        program.drops_name = true;
        Ok(program)
    }

    /// Functions of whole vectors.
    fn call(&self, node: &Node, call: &Call) -> Outcome<Matrix> {
        use Function as F;
        let args = call.args.as_slice();
        match (call.function, args) {
            (F::Vector, [scalar]) => self.scalar_matrix(scalar),
            (F::Absent, [vector]) => functions::absent::absent(self, vector),
            (F::AbsentOverTime, [range]) => {
                let program = self.windows(call, 0)?;
                functions::absent::absent_over_time(self, range, program)
            }
            (F::Sort | F::SortDesc | F::SortByLabel | F::SortByLabelDesc, [vector, labels @ ..]) => {
                if !self.is_instant() {
                    self.ctx.note(node.span, &Note::SortInRange);
                }
                functions::sort::sort(self, call.function, vector, labels)
            }
            (F::LabelReplace, _) => functions::label::replace(self, args),
            (F::LabelJoin, _) => functions::label::join(self, args),
            (F::Info, _) => functions::info::info(self, args),
            (F::HistogramQuantile | F::HistogramQuantiles | F::HistogramFraction, _) => {
                functions::buckets::evaluate(self, call.function, args)
            }
            (function, []) if functions::time::date_function(function).is_some() => {
                let part = functions::time::date_function(function).unwrap_or(|secs| secs);
                let mut matrix = Matrix { series: Vec::new(), charge: self.ctx.live.charge(self.steps.count)? };
                let values = (0..self.steps.count).map(|step| part(self.steps.at(step).div_euclid(1000) as f64)).collect();
                let row = matrix::RowBuf { values, histograms: Vec::new() }.to_row();
                matrix.series.push(Series { labels: Labels::empty(), drop_name: false, row });
                Ok(matrix)
            }
            _ if args.iter().any(|arg| arg.returns == ValueType::Matrix) || args.first().is_some_and(is_vector) => {
                match self.elementwise_or_windows(call)? {
                    Some(program) => collect(self.ctx, program),
                    None => failed(format!("function {} cannot be evaluated", call.function.as_str())),
                }
            }
            _ => failed(format!("function {} cannot be evaluated", call.function.as_str())),
        }
    }

    fn elementwise_or_windows(&self, call: &Call) -> Outcome<Option<Program>> {
        match call.args.iter().position(|arg| arg.returns == ValueType::Matrix) {
            Some(at) => self.windows(call, at).map(Some),
            None => self.elementwise(call),
        }
    }
}

impl Program {
    /// Adds an operation.
    fn push(&mut self, op: RowOp) {
        self.drops_name |= op.drops_name();
        self.ops.push(op);
    }
}

/// An operator between series and a number.
fn with_scalar(node: &Node, binary: &Binary, scalar: Scalar, scalar_left: bool) -> RowOp {
    RowOp::WithScalar { op: binary.op, scalar, scalar_left, return_bool: binary.return_bool, span: node.span }
}

/// Whether a node gives series.
pub(crate) fn is_vector(node: &Node) -> bool {
    node.returns == ValueType::Vector
}

fn check_extension(function: Function, extension: Extension) -> Outcome<()> {
    use Function as F;
    let is_rate = matches!(function, F::Rate | F::Increase | F::Delta);
    let (word, allowed) = match extension {
        Extension::None => return Ok(()),
        Extension::Anchored if is_rate || matches!(function, F::Resets | F::Changes) => return Ok(()),
        Extension::Smoothed if is_rate => return Ok(()),
        Extension::Anchored => ("anchored", "changes, delta, increase, rate, resets"),
        Extension::Smoothed => ("smoothed", "delta, increase, rate"),
    };
    failed(format!("{word} modifier can only be used with: {allowed} - not with {}", function.as_str()))
}
