//! From labels as exposed to labels as stored: the target's labels, `honor_labels`, metric relabelling.

use super::job::JobSettings;
use crate::series::labels::{Labels, LabelsBuilder, LabelsIter, METRIC_NAME, put_label};
use crate::series::relabel;

/// Prefix of an exposed label that a target label displaced.
const EXPORTED_PREFIX: &str = "exported_";

/// What became of a label set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mutated {
    /// To be stored; the packed labels are in `out`.
    Keep,
    /// Relabelling dropped it.
    Drop,
}

/// Writes the labels to store into `out` (cleared first). Errors fail the whole scrape, as upstream.
pub(super) fn mutate(exposed: &[u8], target: &Labels, job: &JobSettings, out: &mut Vec<u8>) -> Result<Mutated, String> {
    out.clear();
    if !(job.metric_relabel.is_empty() && merge(exposed, target.packed(), out)) {
        let mut labels = combine(exposed, target, job.honor_labels);
        if !relabel::process(&mut labels, &job.metric_relabel) {
            return Ok(Mutated::Drop);
        }
        out.clear();
        for (name, value) in labels.iter() {
            put_label(out, name, value);
        }
    }
    // Relabelling that removes every label drops the sample.
    if out.is_empty() {
        return Ok(Mutated::Drop);
    }
    check(out, job)?;
    job.limits.check_labels(out)?;
    Ok(Mutated::Keep)
}

fn check(packed: &[u8], job: &JobSettings) -> Result<(), String> {
    let mut named = false;
    let mut valid = true;
    for (name, value) in LabelsIter::over_checked(packed) {
        if name == METRIC_NAME {
            named = true;
            valid &= job.validation.is_valid_metric_name(value);
        } else {
            valid &= job.validation.is_valid_label_name(name);
        }
    }
    if !named {
        return Err(format!("missing metric name ({METRIC_NAME} label)"));
    }
    if !valid {
        let labels = Labels::from_packed(packed).map_err(|error| error.to_string())?;
        return Err(format!("invalid metric name or label names: {labels}"));
    }
    Ok(())
}

/// Merges two sorted sets that share no name: the usual case, without allocation. `false`: they share one.
fn merge(exposed: &[u8], target: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut left, mut right) = (LabelsIter::over_checked(exposed).peekable(), LabelsIter::over_checked(target).peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.0 == b.0 => return false,
            (Some(a), Some(b)) if a.0 < b.0 => left.next(),
            (Some(_), None) => left.next(),
            _ => right.next(),
        };
        if let Some((name, value)) = next {
            put_label(out, name, value);
        }
    }
}

/// The general case: one of the sets wins where both have a label.
fn combine(exposed: &[u8], target: &Labels, honor: bool) -> LabelsBuilder {
    let mut labels = LabelsBuilder::new();
    for (name, value) in LabelsIter::over_checked(exposed) {
        labels.set(name, value);
    }
    if honor {
        for (name, value) in target {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        return labels;
    }
    let mut displaced: Vec<(String, String)> = Vec::new();
    for (name, value) in target {
        if let Some(old) = labels.get(name) {
            displaced.push((name.to_owned(), old.to_owned()));
        }
        labels.set(name, value);
    }
    // Shorter names first: `job` becomes `exported_job` before an exposed `exported_job` that was displaced moves on.
    displaced.sort_by_key(|(name, _)| name.len());
    for (name, value) in displaced {
        let mut new_name = format!("{EXPORTED_PREFIX}{name}");
        while labels.get(&new_name).is_some() {
            new_name.insert_str(0, EXPORTED_PREFIX);
        }
        labels.set(&new_name, &value);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::model::config::{NameValidation, RelabelAction, RelabelConfig, RelabelRegex, ScrapeConfig};

    fn run(exposed: &[(&str, &str)], target: &[(&str, &str)], config: &ScrapeConfig) -> Result<Option<String>, String> {
        let mut out = vec![1, 2, 3];
        let (exposed, target) = (Labels::from_pairs(exposed.iter().copied()), Labels::from_pairs(target.iter().copied()));
        Ok(match mutate(exposed.packed(), &target, &JobSettings::of(config, false), &mut out)? {
            Mutated::Keep => Some(Labels::from_packed(&out).unwrap().to_string()),
            Mutated::Drop => None,
        })
    }

    #[test]
    fn target_labels_win_unless_honoured() {
        let target = [("instance", "i"), ("job", "j")];
        for (exposed, honor, stored) in [
            (vec![("__name__", "m"), ("a", "b")], false, r#"{__name__="m", a="b", instance="i", job="j"}"#),
            (vec![("__name__", "m"), ("job", "x")], false, r#"{__name__="m", exported_job="x", instance="i", job="j"}"#),
            (vec![("__name__", "m"), ("job", "x")], true, r#"{__name__="m", instance="i", job="x"}"#),
            (
                vec![("__name__", "m"), ("job", "x"), ("exported_job", "y")],
                false,
                r#"{__name__="m", exported_exported_job="x", exported_job="y", instance="i", job="j"}"#,
            ),
        ] {
            let config = ScrapeConfig { honor_labels: honor, ..ScrapeConfig::default() };
            assert_eq!(run(&exposed, &target, &config), Ok(Some(stored.to_owned())));
        }
    }

    #[test]
    fn chains_of_displaced_labels_resolve_as_upstream() {
        let target = [("foo", "1"), ("exported_foo", "2")];
        let exposed = [("__name__", "m"), ("foo", "3"), ("exported_foo", "4")];
        let stored = r#"{__name__="m", exported_exported_exported_foo="4", exported_exported_foo="3", exported_foo="2", foo="1"}"#;
        assert_eq!(run(&exposed, &target, &ScrapeConfig::default()), Ok(Some(stored.to_owned())));
    }

    #[test]
    fn relabelling_drops_and_must_leave_a_name() {
        let rule = |source: &str, regex: &str, action| RelabelConfig {
            source_labels: vec![source.into()],
            regex: RelabelRegex::new(regex).unwrap(),
            action,
            ..RelabelConfig::default()
        };
        let with = |rule| ScrapeConfig { metric_relabel_configs: vec![rule], ..ScrapeConfig::default() };
        let exposed = [("__name__", "m"), ("a", "b")];
        assert_eq!(run(&exposed, &[], &with(rule("__name__", "m", RelabelAction::Drop))), Ok(None));
        assert_eq!(run(&exposed, &[], &with(rule("", "a|__name__", RelabelAction::LabelDrop))), Ok(None));
        let unnamed = run(&exposed, &[], &with(rule("", "__name__", RelabelAction::LabelDrop)));
        assert_eq!(unnamed, Err("missing metric name (__name__ label)".to_owned()));
        let legacy = ScrapeConfig { metric_name_validation_scheme: NameValidation::Legacy, ..ScrapeConfig::default() };
        let error = run(&[("__name__", "a.b")], &[], &legacy).unwrap_err();
        assert_eq!(error, "invalid metric name or label names: {__name__=\"a.b\"}");
    }
}
