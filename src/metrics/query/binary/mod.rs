//! Binary operators between two vectors.
//!
//! Which series belong together is found once for all steps, by the labels that must agree; then rows are
//! combined. Only where several series share such labels does it matter which of them are there at a step.

pub(crate) mod element;
mod matching;
mod set;

use crate::metrics::query::ast::Cardinality;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::Matrix;
use crate::metrics::query::eval::plan::{Binary, Node};

/// Evaluates an operator whose sides are both vectors, given their values.
pub(crate) fn combine(evaluator: &Evaluator<'_, '_>, node: &Node, binary: &Binary, left: Matrix, right: Matrix) -> Outcome<Matrix> {
    if binary.op.is_set() {
        return set::evaluate(evaluator, binary, left, right);
    }
    let swapped = binary.matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (&right, &left) } else { (&left, &right) };
    matching::Join::new(evaluator, node.span, binary, swapped, many, one).run()
}
