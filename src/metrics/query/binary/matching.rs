//! Arithmetic and comparison between vectors: one-to-one, many-to-one, and what is filled in for missing series.

use std::collections::HashMap;

use crate::metrics::query::annotations::Annotations;
use crate::metrics::query::ast::{Cardinality, Span, VectorMatching};
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::{Outcome, failed, same_labelset};
use crate::metrics::query::eval::matrix::{Cell, Matrix, Row, RowBuf, Series, absent, is_absent, is_metadata_label, present};
use crate::metrics::query::eval::plan::Binary;
use crate::series::labels::{Labels, METRIC_NAME, put_label};
use crate::series::value::Point;

use super::element::{self, Operand, Verdict};

/// The labels that must agree, hashed to 128 bits.
pub(crate) struct Signature<'a> {
    labels: Vec<&'a str>,
    on: bool,
}

impl<'a> Signature<'a> {
    /// Of a matching.
    pub(crate) fn new(matching: &'a VectorMatching) -> Self {
        Self { labels: matching.labels.iter().map(|label| &**label).collect(), on: matching.on }
    }

    /// Whether a label counts.
    fn counts(&self, name: &str) -> bool {
        if self.on { self.labels.contains(&name) } else { name != METRIC_NAME && !self.labels.contains(&name) }
    }

    /// The hash of the labels that count.
    pub(crate) fn of(&self, labels: &Labels) -> u128 {
        let mut packed = Vec::with_capacity(256);
        for (name, value) in labels.iter().filter(|(name, _)| self.counts(name)) {
            put_label(&mut packed, name, value);
        }
        xxhash_rust::xxh3::xxh3_128(&packed)
    }

    /// The labels that count.
    fn matched(&self, labels: &Labels) -> Labels {
        labels.without(|name| !self.counts(name))
    }
}

/// Series that share a signature.
#[derive(Default)]
struct Group {
    many: Vec<usize>,
    one: Vec<usize>,
}

/// One operation between two vectors.
pub(crate) struct Join<'a, 'q> {
    evaluator: &'a Evaluator<'a, 'q>,
    span: Span,
    binary: &'a Binary,
    /// Whether the left side is the "one" side of one-to-many.
    swapped: bool,
    many: &'a Matrix,
    one: &'a Matrix,
    signature: Signature<'a>,
    /// What stands in for a missing series of the "one" side, of the "many" side.
    fill_one: Option<f64>,
    fill_many: Option<f64>,
    notes: Annotations,
    output: Output,
}

/// The operands at a step, as (many, one).
type Pair<'a> = (Operand<'a>, Operand<'a>);

impl<'a, 'q> Join<'a, 'q> {
    /// Prepares the operation. `many` is the left side unless `swapped`.
    pub(crate) fn new(
        evaluator: &'a Evaluator<'a, 'q>,
        span: Span,
        binary: &'a Binary,
        swapped: bool,
        many: &'a Matrix,
        one: &'a Matrix,
    ) -> Self {
        let matching = &binary.matching;
        Self {
            evaluator,
            span,
            binary,
            swapped,
            many,
            one,
            signature: Signature::new(matching),
            // Fill values are taken by side of the "one", as upstream does after it swapped the sides.
            fill_one: matching.fill_right,
            fill_many: matching.fill_left,
            notes: Annotations::default(),
            output: Output { steps: evaluator.steps.count, ..Output::default() },
        }
    }

    /// Combines all series.
    pub(crate) fn run(mut self) -> Outcome<Matrix> {
        let nothing = |matrix: &Matrix| matrix.series.is_empty();
        let filled = self.fill_one.is_some() || self.fill_many.is_some();
        if (nothing(self.many) && nothing(self.one)) || ((nothing(self.many) || nothing(self.one)) && !filled) {
            return Ok(Matrix::default());
        }
        let groups = self.groups();
        self.refuse_duplicates(&groups)?;
        for group in &groups {
            self.evaluator.ctx.check()?;
            match (group.many.as_slice(), group.one.as_slice()) {
                ([], _) | (_, []) if !filled => {}
                (many, [one]) if !filled => match self.distinct_results(many, *one) {
                    Some(labels) => many.iter().zip(labels).try_for_each(|(many, labels)| self.pair(*many, *one, labels))?,
                    None => self.group(group)?,
                },
                _ => self.group(group)?,
            }
        }
        self.evaluator.ctx.merge_notes(self.notes);
        let steps = self.evaluator.steps.count;
        let series = self.output.finish();
        let charge = self.evaluator.ctx.live.charge(series.iter().map(|series| series.row.size()).sum())?;
        debug_assert!(series.iter().all(|series| series.row.span().1.len() <= steps));
        Ok(Matrix { series, charge })
    }

    /// Groups in the order in which their first series appear.
    fn groups(&self) -> Vec<Group> {
        let mut at: HashMap<u128, usize> = HashMap::with_capacity(self.one.series.len());
        let mut groups: Vec<Group> = Vec::new();
        for (is_one, matrix) in [(false, self.many), (true, self.one)] {
            for (index, series) in matrix.series.iter().enumerate() {
                let slot = *at.entry(self.signature.of(&series.labels)).or_insert(groups.len());
                if slot == groups.len() {
                    groups.push(Group::default());
                }
                if is_one { groups[slot].one.push(index) } else { groups[slot].many.push(index) }
            }
        }
        groups
    }

    /// Two series of the "one" side with the same signature at the same step are an error, unless the other
    /// side is empty at that step.
    fn refuse_duplicates(&self, groups: &[Group]) -> Outcome<()> {
        let mut found: Option<(usize, usize, usize)> = None;
        let mut any_many: Option<Vec<bool>> = None;
        for group in groups.iter().filter(|group| group.one.len() > 1) {
            let steps = self.evaluator.steps.count;
            let other = any_many.get_or_insert_with(|| {
                let filled = self.fill_one.is_some() || self.fill_many.is_some();
                (0..steps).map(|step| filled || self.many.series.iter().any(|series| series.row.has(step))).collect()
            });
            for (step, &counts) in other.iter().enumerate() {
                let mut there = group.one.iter().copied().filter(|&index| self.one.series[index].row.has(step));
                if let (true, Some(first), Some(second)) = (counts, there.next(), there.next()) {
                    if found.is_none_or(|(at, _, index)| (step, second) < (at, index)) {
                        found = Some((step, first, second));
                    }
                    break;
                }
            }
        }
        let Some((_, first, second)) = found else { return Ok(()) };
        let side = if self.swapped { "left" } else { "right" };
        let mut pair = [self.one.series[first].labels.to_string(), self.one.series[second].labels.to_string()];
        pair.sort();
        let matched = self.signature.matched(&self.one.series[second].labels);
        failed(format!(
            "found duplicate series for the match group {matched} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            pair[0], pair[1]
        ))
    }

    /// The operands in the order in which they were written.
    fn written<'v>(&self, (many, one): Pair<'v>) -> (Operand<'v>, Operand<'v>) {
        if self.swapped { (one, many) } else { (many, one) }
    }

    /// The labels of all results of a group, when no two can clash.
    fn distinct_results(&self, many: &[usize], one: usize) -> Option<Vec<Labels>> {
        let one = &self.one.series[one].labels;
        let labels: Vec<Labels> = many.iter().map(|&many| self.result_labels(&self.many.series[many].labels, one)).collect();
        if labels.len() == 1 {
            return Some(labels);
        }
        let one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        let distinct = labels.iter().map(Labels::packed).collect::<std::collections::HashSet<_>>().len() == labels.len();
        (distinct && !one_to_one).then_some(labels)
    }

    /// One series of each side: whole rows at once.
    fn pair(&mut self, many: usize, one: usize, labels: Labels) -> Outcome<()> {
        let (a, b) = (&self.many.series[many], &self.one.series[one]);
        let mut row = RowBuf::default();
        row.reset(self.evaluator.steps.count);
        let has_histograms = !(a.row.histograms().is_empty() && b.row.histograms().is_empty());
        let op = self.binary.op;
        let mut matched = false;
        if has_histograms || !(op.is_comparison() || element::changes_metric(op)) {
            for step in 0..self.evaluator.steps.count {
                let (Some(x), Some(y)) = (a.row.cell(step), b.row.cell(step)) else { continue };
                matched = true;
                let (left, right) = self.written((operand(x), operand(y)));
                let value = self.value(left, right);
                self.store(&mut row, step, value.flatten());
            }
        } else {
            let (first_a, values_a) = a.row.span();
            let (first_b, values_b) = b.row.span();
            let (from, to) = (first_a.max(first_b), (first_a + values_a.len()).min(first_b + values_b.len()));
            let (return_bool, swapped) = (self.binary.return_bool, self.swapped);
            for step in from..to {
                let (x, y) = (values_a[step - first_a], values_b[step - first_b]);
                if is_absent(x) || is_absent(y) {
                    continue;
                }
                matched = true;
                let (x, y) = if swapped { (y, x) } else { (x, y) };
                row.values[step] = if !op.is_comparison() {
                    present(element::arithmetic(op, x, y))
                } else {
                    let holds = element::compare(op, x, y);
                    if return_bool {
                        f64::from(u8::from(holds))
                    } else if holds {
                        x
                    } else {
                        absent()
                    }
                };
            }
        }
        if !matched || row.is_empty() {
            return Ok(());
        }
        self.output.add_row(labels, self.binary.return_bool, row)
    }

    /// `None` when the operands do not fit, `Some(None)` when a comparison does not hold.
    fn value(&mut self, left: Operand<'_>, right: Operand<'_>) -> Option<Option<Point>> {
        let Verdict { value, keep } = element::combine(self.binary.op, left, right, self.span, &mut self.notes)?;
        Some(if self.binary.return_bool { Some(Point::Float(f64::from(u8::from(keep)))) } else { keep.then_some(value) })
    }

    fn store(&self, row: &mut RowBuf, step: usize, value: Option<Point>) {
        match value {
            Some(Point::Float(value)) => row.values[step] = present(value),
            Some(Point::Histogram(histogram)) => row.histograms.push((step as u32, histogram)),
            None => {}
        }
    }

    /// Several series, or values to fill in: step by step.
    fn group(&mut self, group: &Group) -> Outcome<()> {
        let one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        let filled = self.fill_one.is_some() || self.fill_many.is_some();
        let mut labels: HashMap<(Option<usize>, Option<usize>), Labels> = HashMap::new();
        for step in 0..self.evaluator.steps.count {
            let one = group.one.iter().copied().find(|&index| self.one.series[index].row.has(step));
            let mut results: Vec<Labels> = Vec::new();
            let mut pairs: Vec<(Option<usize>, Option<usize>)> = Vec::new();
            let many = group.many.iter().copied().filter(|&index| self.many.series[index].row.has(step));
            pairs.extend(many.map(|many| (Some(many), one)));
            if filled && pairs.is_empty() && one.is_some() {
                pairs.push((None, one));
            }
            for key in pairs {
                let Some((a, b)) = self.operands(key, step) else { continue };
                let (left, right) = self.written((a, b));
                let Some(value) = self.value(left, right) else { continue };
                let result = match labels.get(&key) {
                    Some(labels) => labels.clone(),
                    None => {
                        let result = self.labels_of(key);
                        labels.insert(key, result.clone());
                        result
                    }
                };
                if one_to_one && !results.is_empty() {
                    return failed("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
                }
                if results.contains(&result) {
                    return failed("multiple matches for labels: grouping labels must ensure unique matches");
                }
                results.push(result.clone());
                if let Some(value) = value {
                    self.output.add_value(result, self.binary.return_bool, step, value)?;
                }
            }
        }
        Ok(())
    }

    fn operands(&self, (many, one): (Option<usize>, Option<usize>), step: usize) -> Option<Pair<'a>> {
        let side = |matrix: &'a Matrix, index: Option<usize>, fill: Option<f64>| match index {
            Some(index) => matrix.series[index].row.cell(step).map(operand),
            None => fill.map(Operand::Float),
        };
        Some((side(self.many, many, self.fill_many)?, side(self.one, one, self.fill_one)?))
    }

    fn labels_of(&self, (many, one): (Option<usize>, Option<usize>)) -> Labels {
        let many = many.map(|index| &self.many.series[index].labels);
        let one = one.map(|index| &self.one.series[index].labels);
        match (many, one) {
            (Some(many), Some(one)) => self.result_labels(many, one),
            (Some(many), None) => self.result_labels(many, &self.signature.matched(many)),
            (None, Some(one)) => self.result_labels(&self.signature.matched(one), one),
            (None, None) => Labels::empty(),
        }
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let drop_name =
            element::changes_metric(self.binary.op) || (self.binary.return_bool && !self.evaluator.ctx.options.delayed_name_removal);
        let one_to_one = matching.cardinality == Cardinality::OneToOne;
        let keep = |name: &str| {
            let listed = || matching.labels.iter().any(|label| &**label == name);
            !(drop_name && is_metadata_label(name)) && (!one_to_one || listed() == matching.on)
        };
        if matching.include.is_empty() {
            return many.without(|name| !keep(name));
        }
        let included = |name: &str| matching.include.iter().any(|label| &**label == name);
        let mut pairs: Vec<(&str, &str)> = many.iter().filter(|(name, _)| keep(name) && !included(name)).collect();
        pairs.extend(one.iter().filter(|(name, _)| included(name)));
        pairs.sort_unstable();
        let mut packed = Vec::with_capacity(many.packed().len() + 64);
        pairs.into_iter().for_each(|(name, value)| put_label(&mut packed, name, value));
        // Sorted, unique and not empty, so this cannot fail.
        Labels::from_packed(&packed).unwrap_or_default()
    }
}

fn operand(cell: Cell<'_>) -> Operand<'_> {
    match cell {
        Cell::Float(value) => Operand::Float(value),
        Cell::Histogram(histogram) => Operand::Histogram(histogram),
    }
}

/// Result rows by labels.
#[derive(Default)]
struct Output {
    steps: usize,
    at: HashMap<Labels, usize>,
    rows: Vec<(Labels, bool, Rows)>,
}

/// A row being filled, or filled at once.
enum Rows {
    Whole(Row),
    Open(RowBuf),
}

impl Output {
    fn add_row(&mut self, labels: Labels, drop_name: bool, row: RowBuf) -> Outcome<()> {
        if let Some(&at) = self.at.get(&labels) {
            let open = self.open(at);
            for step in 0..row.values.len() {
                let clash = !is_absent(open.values[step]) || open.histograms.iter().any(|(there, _)| *there as usize == step);
                if !is_absent(row.values[step]) {
                    if clash {
                        return same_labelset();
                    }
                    open.values[step] = row.values[step];
                }
            }
            for (step, histogram) in row.histograms {
                let at = step as usize;
                if !is_absent(open.values[at]) || open.histograms.iter().any(|(there, _)| *there == step) {
                    return same_labelset();
                }
                open.histograms.push((step, histogram));
            }
            open.histograms.sort_by_key(|(step, _)| *step);
            return Ok(());
        }
        self.at.insert(labels.clone(), self.rows.len());
        self.rows.push((labels, drop_name, Rows::Whole(row.to_row())));
        Ok(())
    }

    fn add_value(&mut self, labels: Labels, drop_name: bool, step: usize, value: Point) -> Outcome<()> {
        let at = match self.at.get(&labels) {
            Some(&at) => at,
            None => {
                let mut row = RowBuf::default();
                row.reset(self.steps);
                self.at.insert(labels.clone(), self.rows.len());
                self.rows.push((labels, drop_name, Rows::Open(row)));
                self.rows.len() - 1
            }
        };
        let row = self.open(at);
        let there = row.histograms.binary_search_by_key(&(step as u32), |(step, _)| *step);
        match (is_absent(row.values[step]), there) {
            (true, Err(slot)) => match value {
                Point::Float(value) => row.values[step] = present(value),
                Point::Histogram(histogram) => row.histograms.insert(slot, (step as u32, histogram)),
            },
            _ => return same_labelset(),
        }
        Ok(())
    }

    fn open(&mut self, at: usize) -> &mut RowBuf {
        let slot = &mut self.rows[at].2;
        if let Rows::Whole(row) = slot {
            let mut open = RowBuf::default();
            open.load(row, self.steps);
            *slot = Rows::Open(open);
        }
        let Rows::Open(row) = slot else { unreachable!("opened just before") };
        row
    }

    fn finish(self) -> Vec<Series> {
        let close = |rows: Rows| match rows {
            Rows::Whole(row) => row,
            Rows::Open(row) => row.to_row(),
        };
        self.rows.into_iter().map(|(labels, drop_name, rows)| Series { labels, drop_name, row: close(rows) }).collect()
    }
}
