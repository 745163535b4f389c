//! Which labels a pipeline needs its parsers to extract, told from what comes after them.

use std::sync::Arc;

use super::format::{LabelFormats, LineFormat};
use super::row::{DUPLICATE, ERROR, ERROR_DETAILS, Wanted};
use crate::logs::query::ast::{LabelFilter, LabelFilterKind, Stage, StageKind, Unwrap};

/// Names of the labels that a filter looks at.
pub(crate) fn filter_labels<'a>(filter: &'a LabelFilter, names: &mut Vec<&'a str>) {
    match &filter.kind {
        LabelFilterKind::Text(matcher) => names.push(&matcher.name),
        LabelFilterKind::Number { label, .. }
        | LabelFilterKind::Duration { label, .. }
        | LabelFilterKind::Bytes { label, .. }
        | LabelFilterKind::Ip { label, .. } => names.push(label),
        LabelFilterKind::All(filters) | LabelFilterKind::Any(filters) => filters.iter().for_each(|filter| filter_labels(filter, names)),
    }
}

/// Whether a filter's verdict may hang on an error.
fn looks_at_errors(filter: &LabelFilter) -> bool {
    match &filter.kind {
        LabelFilterKind::Text(matcher) => matches!(&*matcher.name, ERROR | ERROR_DETAILS),
        LabelFilterKind::Ip { .. } => true,
        LabelFilterKind::All(filters) | LabelFilterKind::Any(filters) => filters.iter().any(looks_at_errors),
        _ => false,
    }
}

/// For numbers that keep the labels `kept` only (none: all, or all but some): what the stages, the grouping and `unwrap`
/// look at, as upstream, since what is not looked at cannot fail.
pub(crate) fn of_metric(stages: &[Stage], unwrap: Option<&Unwrap>, kept: Option<&[Arc<str>]>) -> Wanted {
    let Some(kept) = kept else { return Wanted::default() };
    let mut names: Vec<String> = kept.iter().map(|label| label.to_string()).collect();
    names.extend(unwrap.map(|unwrap| unwrap.label.to_string()));
    let mut filters: Vec<&str> = Vec::new();
    for stage in stages {
        match &stage.kind {
            StageKind::LabelFilter(filter) => filter_labels(filter, &mut filters),
            StageKind::LineFormat(template) => match LineFormat::new(template).ok().and_then(|format| format.labels()) {
                Some(labels) => names.extend(labels),
                None => return Wanted::default(),
            },
            StageKind::LabelFormat(formats) => match LabelFormats::new(formats).ok().and_then(|formats| formats.labels()) {
                Some(labels) => names.extend(labels),
                None => return Wanted::default(),
            },
            _ => {}
        }
    }
    for filter in unwrap.iter().flat_map(|unwrap| &unwrap.filters) {
        filter_labels(filter, &mut filters);
    }
    names.extend(filters.into_iter().map(str::to_owned));
    let stripped: Vec<String> = names.iter().filter_map(|name| name.strip_suffix(DUPLICATE)).map(str::to_owned).collect();
    names.extend(stripped);
    names.sort_unstable();
    names.dedup();
    let keeps_errors = names.iter().any(|name| name == ERROR);
    Wanted { names: Some(names), stops_early: true, keeps_errors }
}

/// The stages that can tell, from a few labels, that a line does not pass: how many of the first, and which labels.
pub(crate) fn probe(stages: &[Stage]) -> Option<(usize, Wanted)> {
    let mut names: Vec<&str> = Vec::new();
    let (mut length, mut parses) = (0, false);
    for (index, stage) in stages.iter().enumerate() {
        match &stage.kind {
            StageKind::Json { expressions } | StageKind::Logfmt { expressions, .. } if expressions.is_empty() => parses = true,
            StageKind::LineFilter(_) | StageKind::Regexp(_) | StageKind::Pattern(_) => {}
            StageKind::LabelFilter(filter) if !looks_at_errors(filter) => {
                filter_labels(filter, &mut names);
                if parses {
                    length = index + 1;
                }
            }
            _ => break,
        }
    }
    if length == 0 {
        return None;
    }
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    Some((length, Wanted { names: Some(names), stops_early: true, keeps_errors: false }))
}
