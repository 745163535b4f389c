//! `label_replace` and `label_join`: they look at labels only.

use crate::metrics::model::config::RelabelRegex;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::merge_same_labels;
use crate::metrics::query::eval::context::{Charge, Outcome, failed};
use crate::metrics::query::eval::matrix::Matrix;
use crate::metrics::query::eval::plan::{Kind, Node};
use crate::metrics::query::parse::text::{holds_raw_bytes, without_raw_bytes};
use crate::series::labels::METRIC_NAME;

/// Most bytes of a label value made here. Nested calls double a value, so without an end thirty of them fill a machine.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a made value that are not charged to the query.
const VALUE_BYTES_FREE: usize = 1024;
/// Beyond those, so many bytes count as one sample.
const BYTES_PER_SAMPLE: usize = 4;

/// The text of a string argument.
pub(crate) fn text(args: &[Node], at: usize) -> Outcome<&str> {
    match args.get(at).map(|arg| &arg.kind) {
        Some(Kind::Text(text)) => Ok(text),
        _ => failed("expected a string argument"),
    }
}

/// `label_replace(v, dst, replacement, src, regex)`; matches and expands as relabelling does.
pub(crate) fn replace(evaluator: &Evaluator<'_, '_>, args: &[Node]) -> Outcome<Matrix> {
    let (dst, replacement, src, pattern) = (text(args, 1)?, text(args, 2)?, text(args, 3)?, text(args, 4)?);
    let Ok(regex) = RelabelRegex::new(pattern) else {
        return failed(format!("invalid regular expression in label_replace(): {pattern}"));
    };
    check_name(dst, "destination", "label_replace")?;
    // Values of labels are text.
    let replacement = &*without_raw_bytes(replacement);
    let mut matrix = evaluator.vector(&args[0])?;
    for series in &mut matrix.series {
        let value = series.labels.get(src).unwrap_or("");
        let Some(captures) = regex.captures(value) else { continue };
        // No reference stands for more than the whole value.
        let references = replacement.bytes().filter(|byte| *byte == b'$').count();
        let len_max = references.saturating_mul(value.len()).saturating_add(replacement.len());
        matrix.charge.absorb(charge_value(evaluator, len_max, "label_replace")?);
        let expanded = captures.template(replacement).into_owned();
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
    let separator = &*without_raw_bytes(separator);
    let mut matrix = evaluator.vector(&args[0])?;
    for series in &mut matrix.series {
        let values: Vec<&str> = sources.iter().map(|source| series.labels.get(source).unwrap_or("")).collect();
        let len = values.iter().map(|value| value.len() + separator.len()).sum();
        matrix.charge.absorb(charge_value(evaluator, len, "label_join")?);
        let joined = values.join(separator);
        series.labels = series.labels.to_builder().set(dst, &joined).build();
        series.drop_name &= dst != METRIC_NAME;
    }
    merge_same_labels(matrix, evaluator.steps.count)
}

/// Counts the memory of a value of this many bytes; short ones are free.
fn charge_value(evaluator: &Evaluator<'_, '_>, len: usize, function: &str) -> Outcome<Charge> {
    if len > VALUE_BYTES_MAX {
        return failed(format!("{function}() would make a label value of up to {len} bytes; at most {VALUE_BYTES_MAX} are allowed"));
    }
    match len.saturating_sub(VALUE_BYTES_FREE) / BYTES_PER_SAMPLE {
        0 => Ok(Charge::default()),
        samples => evaluator.ctx.live.charge(samples),
    }
}

fn check_name(name: &str, role: &str, function: &str) -> Outcome<()> {
    if name.is_empty() || holds_raw_bytes(name) {
        return failed(format!("invalid {role} label name in {function}(): {}", without_raw_bytes(name)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::base::cancel::Cancel;
    use crate::metrics::query::engine::{Engine, Options};
    use crate::metrics::query::script::memory::MemorySelect;
    use crate::series::labels::quote;
    use crate::series::ports::{Evaluate, Question, When};
    use crate::series::value::Value;

    /// What `label_replace` makes of a value; none if the pattern does not match, an error if it does not compile.
    fn replaced(value: &str, pattern: &str, replacement: &str) -> Result<Option<String>, String> {
        let query = format!(
            "label_replace(label_replace(vector(1), \"src\", {}, \"\", \"\"), \"dst\", {}, \"src\", {})",
            quote(&value.replace('$', "$$")),
            quote(replacement),
            quote(pattern)
        );
        let engine = Engine::new(Arc::new(MemorySelect::new()), Options::default());
        let asked = engine.evaluate(&Question { query: &query, when: When::Instant(0), cancel: Cancel::new() });
        let Value::Vector(samples) = asked.map_err(|error| error.to_string())?.value else { panic!("no vector: {query}") };
        assert_eq!((samples.len(), samples[0].labels.get("src")), (1, Some(value)), "{query}");
        Ok(samples[0].labels.get("dst").map(str::to_owned))
    }

    #[test]
    fn values_that_grow_without_end_are_refused() {
        let engine = Engine::new(Arc::new(MemorySelect::new()), Options::default());
        let error = |query: &str| {
            let asked = engine.evaluate(&Question { query, when: When::Instant(0), cancel: Cancel::new() });
            asked.expect_err("too much").to_string()
        };
        let start = "label_replace(vector(1), \"x\", \"0123456789\", \"\", \"\")".to_owned();
        let joined = (0..30).fold(start.clone(), |query, _| format!("label_join({query}, \"x\", \"\", \"x\", \"x\")"));
        assert!(error(&joined).contains("at most 1048576 are allowed"), "{}", error(&joined));
        let replaced = (0..30).fold(start, |query, _| format!("label_replace({query}, \"x\", \"${{1}}${{1}}\", \"x\", \"(.*)\")"));
        assert!(error(&replaced).contains("at most 1048576 are allowed"), "{}", error(&replaced));
    }

    #[test]
    fn values_of_labels_are_text() {
        let engine = Engine::new(Arc::new(MemorySelect::new()), Options::default());
        for query in [
            r#"label_replace(vector(1), "dst", "a\xffb", "", "")"#,
            r#"label_join(label_replace(vector(1), "s", "a", "", ""), "dst", "\xff", "s", "t")"#,
        ] {
            let asked = engine.evaluate(&Question { query, when: When::Instant(0), cancel: Cancel::new() });
            let Ok(Value::Vector(samples)) = asked.map(|answer| answer.value) else { panic!("no vector: {query}") };
            assert!(matches!(samples[0].labels.get("dst"), Some("a\u{fffd}b" | "a\u{fffd}")), "{:?}", samples[0].labels);
        }
    }

    #[test]
    fn patterns_and_replacements_mean_what_go_says() {
        for (value, pattern, replacement, dst) in [
            ("a.b", "(a.b)", "$1-x", Some("a.b-x")),
            ("a\nb", "a(.)b", "[$1]", Some("[\n]")),
            ("xa.b", "(a.b)", "$1", None),
            ("a.b", r"\Qa.b\E", "quoted", Some("quoted")),
            ("aXb", r"\Qa.b\E", "quoted", None),
            ("a{b", "a{b", "brace", Some("brace")),
            ("7", r"(\d)", "$1", Some("7")),
            ("٣", r"(\d)", "$1", None),
            ("ä", r"\w", "word", None),
            ("x[", "x[[]", "bracket", Some("bracket")),
            ("v", "(?P<name>.*)", "${name}-$name-$$-$other-$ ${a-b}", Some("v-v-$--$ ${a-b}")),
        ] {
            assert_eq!(replaced(value, pattern, replacement), Ok(dst.map(str::to_owned)), "{pattern} on {value}");
        }
        for bad in ["(", "a**", "a{2}{3}", r"\p{Nowhere}", "x{1001}"] {
            let error = replaced("v", bad, "").expect_err(bad);
            assert!(error.contains(&format!("invalid regular expression in label_replace(): {bad}")), "{error}");
        }
    }
}
