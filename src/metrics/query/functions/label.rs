//! `label_replace` and `label_join`: they look at labels only.

use regex::RegexBuilder;

use crate::base::limits::REGEX_BYTES_MAX;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::merge_same_labels;
use crate::metrics::query::eval::context::{Outcome, failed};
use crate::metrics::query::eval::matrix::Matrix;
use crate::metrics::query::eval::plan::{Kind, Node};
use crate::metrics::query::parse::text::{holds_raw_bytes, without_raw_bytes};
use crate::series::labels::METRIC_NAME;

/// The text of a string argument.
pub(crate) fn text(args: &[Node], at: usize) -> Outcome<&str> {
    match args.get(at).map(|arg| &arg.kind) {
        Some(Kind::Text(text)) => Ok(text),
        _ => failed("expected a string argument"),
    }
}

/// `label_replace(v, dst, replacement, src, regex)`.
pub(crate) fn replace(evaluator: &Evaluator<'_, '_>, args: &[Node]) -> Outcome<Matrix> {
    let (dst, replacement, src, pattern) = (text(args, 1)?, text(args, 2)?, text(args, 3)?, text(args, 4)?);
    let regex = RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(REGEX_BYTES_MAX).build();
    let Ok(regex) = regex else {
        return failed(format!("invalid regular expression in label_replace(): {pattern}"));
    };
    check_name(dst, "destination", "label_replace")?;
    let mut matrix = evaluator.vector(&args[0])?;
    let mut expanded = String::new();
    for series in &mut matrix.series {
        let value = series.labels.get(src).unwrap_or("");
        let Some(captures) = regex.captures(value) else { continue };
        expanded.clear();
        captures.expand(replacement, &mut expanded);
        series.labels = series.labels.to_builder().set(dst, &expanded).build();
        series.drop_name &= dst != METRIC_NAME;
    }
    merge_same_labels(matrix, evaluator.steps.count)
}

/// `label_join(v, dst, separator, src…)`.
pub(crate) fn join(evaluator: &Evaluator<'_, '_>, args: &[Node]) -> Outcome<Matrix> {
    let (dst, separator) = (text(args, 1)?, text(args, 2)?);
    let sources = (3..args.len()).map(|at| text(args, at)).collect::<Outcome<Vec<&str>>>()?;
    for source in &sources {
        check_name(source, "source", "label_join")?;
    }
    check_name(dst, "destination", "label_join")?;
    let mut matrix = evaluator.vector(&args[0])?;
    for series in &mut matrix.series {
        let values: Vec<&str> = sources.iter().map(|source| series.labels.get(source).unwrap_or("")).collect();
        let joined = values.join(separator);
        series.labels = series.labels.to_builder().set(dst, &joined).build();
        series.drop_name &= dst != METRIC_NAME;
    }
    merge_same_labels(matrix, evaluator.steps.count)
}

fn check_name(name: &str, role: &str, function: &str) -> Outcome<()> {
    if name.is_empty() || holds_raw_bytes(name) {
        return failed(format!("invalid {role} label name in {function}(): {}", without_raw_bytes(name)));
    }
    Ok(())
}
