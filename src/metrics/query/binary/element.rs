//! Binary operators on one value each.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note, Operation};
use crate::metrics::query::ast::{BinaryOp, Span};
use crate::metrics::query::histogram::trim::Keep;
use crate::metrics::query::histogram::{Combined, Incompatible};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::value::Point;

/// One side of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand<'a> {
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(&'a Arc<Histogram>),
}

/// What came out.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// The value; the left one for comparisons.
    pub(crate) value: Point,
    /// Whether a comparison holds; `true` for everything else.
    pub(crate) keep: bool,
}

/// `+ - * / % ^ atan2` on numbers.
#[inline]
pub(crate) fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => power(left, right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::NAN,
    }
}

fn power(left: f64, right: f64) -> f64 {
    // C and Go agree but for this: Go says NaN where C says 1.
    left.powf(right)
}

/// `== != < <= > >=` on numbers.
#[inline]
pub(crate) fn compare(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::Ne => left != right,
        BinaryOp::Lt => left < right,
        BinaryOp::Le => left <= right,
        BinaryOp::Gt => left > right,
        BinaryOp::Ge => left >= right,
        _ => false,
    }
}

/// An operation on two scalars; comparisons give 0 or 1.
pub(crate) fn scalars(op: BinaryOp, left: f64, right: f64) -> f64 {
    if op.is_comparison() { f64::from(u8::from(compare(op, left, right))) } else { arithmetic(op, left, right) }
}

/// Whether the result is another metric than the left side.
pub(crate) const fn changes_metric(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow | BinaryOp::Atan2)
}

/// Notes that the operator does not know these types.
pub(crate) fn note_types(op: BinaryOp, left: &'static str, right: &'static str, span: Span, notes: &mut Annotations) {
    notes.add(span, &Note::IncompatibleTypes { left, op: op.as_str(), right });
}

/// Any operator but the set operators. `None` (with a note) when the operands do not fit.
pub(crate) fn combine(op: BinaryOp, left: Operand<'_>, right: Operand<'_>, span: Span, notes: &mut Annotations) -> Option<Verdict> {
    let keep = |value: Point| Some(Verdict { value, keep: true });
    let changed = |from: &Histogram, change: &dyn Fn(&mut Histogram)| {
        let mut copy = from.clone();
        change(&mut copy);
        keep(Point::Histogram(Arc::new(copy)))
    };
    match (left, right) {
        (Operand::Float(a), Operand::Float(b)) => {
            if op.is_comparison() {
                return Some(Verdict { value: Point::Float(a), keep: compare(op, a, b) });
            }
            if changes_metric(op) {
                return keep(Point::Float(arithmetic(op, a, b)));
            }
            note_types(op, "float", "float", span, notes);
            None
        }
        (Operand::Float(a), Operand::Histogram(b)) => {
            if op == BinaryOp::Mul {
                return changed(b, &|histogram| {
                    histogram.scale(a);
                    histogram.compact();
                });
            }
            note_types(op, "float", "histogram", span, notes);
            None
        }
        (Operand::Histogram(a), Operand::Float(b)) => match op {
            BinaryOp::Mul | BinaryOp::Div => changed(a, &|histogram| {
                if op == BinaryOp::Mul {
                    histogram.scale(b)
                } else {
                    histogram.divide(b)
                }
                histogram.compact();
            }),
            BinaryOp::TrimUpper => changed(a, &|histogram| histogram.trim(b, Keep::Below)),
            BinaryOp::TrimLower => changed(a, &|histogram| histogram.trim(b, Keep::Above)),
            _ => {
                note_types(op, "histogram", "float", span, notes);
                None
            }
        },
        (Operand::Histogram(a), Operand::Histogram(b)) => two_histograms(op, a, b, span, notes),
    }
}

fn two_histograms(op: BinaryOp, a: &Arc<Histogram>, b: &Histogram, span: Span, notes: &mut Annotations) -> Option<Verdict> {
    let (result, operation) = match op {
        BinaryOp::Add => {
            let mut sum = Histogram::clone(a);
            (sum.add(b).map(|combined| (sum, combined)), Operation::Add)
        }
        BinaryOp::Sub => {
            let mut difference = Histogram::clone(a);
            let combined = difference.subtract(b);
            difference.reset_hint = ResetHint::Gauge;
            (combined.map(|combined| (difference, combined)), Operation::Subtract)
        }
        BinaryOp::Eq => return Some(Verdict { value: Point::Histogram(Arc::clone(a)), keep: a.same_data(b) }),
        BinaryOp::Ne => return Some(Verdict { value: Point::Histogram(Arc::clone(a)), keep: !a.same_data(b) }),
        _ => {
            note_types(op, "histogram", "histogram", span, notes);
            return None;
        }
    };
    match result {
        Err(Incompatible) => {
            notes.add(span, &Note::IncompatibleLayout(op.as_str()));
            None
        }
        Ok((mut histogram, Combined { reset_collision, bounds_reconciled })) => {
            // As upstream between two vectors: a collision drops the sample, whatever else happened.
            if reset_collision {
                notes.add(span, &Note::ResetCollision(operation));
                return None;
            }
            if bounds_reconciled {
                notes.add(span, &Note::BoundsReconciled(operation));
            }
            histogram.compact();
            Some(Verdict { value: Point::Histogram(Arc::new(histogram)), keep: true })
        }
    }
}
