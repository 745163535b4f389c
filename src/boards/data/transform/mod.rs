//! Transformations: steps that change the answers of a panel, in order. The ids and their meaning are Grafana's.

mod append;
mod calculate;
mod convert;
mod filter;
mod group;
mod heat;
mod join;
mod labels;
mod merge;
mod organize;
mod reduce;
mod rename;
mod sort;
mod transpose;
mod turn;

use std::sync::Arc;

use super::frame::{Field, Frame};
use super::options::Options;
use super::pattern::pattern;
use super::title::title;
use crate::boards::model::Transformation;

/// Most rows of a frame that a step makes.
const ROWS_MAX: usize = 100_000;

/// What a step does with frames.
type Step = fn(Options<'_>, Vec<Frame>) -> Result<Vec<Frame>, String>;

/// Every step by its ids.
const STEPS: &[(&str, Step)] = &[
    ("joinByField", join::by_field),
    ("seriesToColumns", join::by_field),
    ("organize", organize::organize),
    ("merge", merge::merge),
    ("sortBy", sort::sort_by),
    ("limit", sort::limit),
    ("filterFieldsByName", filter::fields_by_name),
    ("filterByRefId", filter::by_ref_id),
    ("filterByValue", filter::by_value),
    ("renameByRegex", rename::by_regex),
    ("reduce", reduce::reduce),
    ("calculateField", calculate::calculate),
    ("groupBy", group::group_by),
    ("groupingToMatrix", group::to_matrix),
    ("partitionByValues", group::partition),
    ("labelsToFields", labels::to_fields),
    ("joinByLabels", labels::join),
    ("convertFieldType", convert::field_type),
    ("formatTime", convert::format_time),
    ("rowsToFields", turn::rows_to_fields),
    ("seriesToRows", turn::series_to_rows),
    ("prepareTimeSeries", turn::prepare_series),
    ("concatenate", turn::concatenate),
    ("extractFields", turn::extract),
    ("timeSeriesTable", turn::series_table),
    ("histogram", turn::histogram),
    ("configFromData", turn::config_from_data),
    ("append", append::append),
    ("transpose", transpose::transpose),
    ("heatmap", heat::heatmap),
];

/// Series beside each other in one frame, by their times.
///
/// # Errors
/// Words for the reader, where there are too many rows.
pub fn joined(frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    join::join(frames, "", join::Mode::Outer)
}

/// Frames after all steps; what is left out is told in `notes`.
///
/// # Errors
/// Words for the reader, where a step cannot be done at all.
pub(super) fn all(steps: &[Transformation], mut frames: Vec<Frame>, notes: &mut Vec<String>) -> Result<Vec<Frame>, String> {
    for step in steps.iter().filter(|step| !step.is_disabled) {
        let Some((_, apply)) = STEPS.iter().find(|(id, _)| *id == step.id) else {
            notes.push(format!("The transformation \"{}\" is not known and was left out.", step.id));
            continue;
        };
        let (mut seen, beside) = seen_by(step, frames);
        seen = apply(Options::new(&step.options), seen).map_err(|error| format!("The transformation \"{}\": {error}", step.id))?;
        seen.extend(beside);
        frames = seen;
    }
    Ok(frames)
}

/// Frames that a step sees, and those that pass by it.
fn seen_by(step: &Transformation, frames: Vec<Frame>) -> (Vec<Frame>, Vec<Frame>) {
    let wanted =
        step.filter.as_ref().map(Options::new).filter(|filter| filter.word("id") == "byRefId").map(|filter| filter.word("options"));
    match wanted {
        Some(wanted) if !wanted.is_empty() => frames.into_iter().partition(|frame| is_ref(wanted, &frame.ref_id)),
        _ => (frames, Vec::new()),
    }
}

/// Whether a letter is among `A|B`, or fits `/…/`.
fn is_ref(wanted: &str, ref_id: &str) -> bool {
    if wanted.starts_with('/') {
        return pattern(wanted).is_ok_and(|regex| regex.is_match(ref_id));
    }
    wanted.split('|').any(|one| one.trim() == ref_id)
}

/// Whether a field with a name is meant.
type Picks = Box<dyn Fn(&Field, &str) -> bool>;

/// Which fields a matcher in options means; none where there is no matcher.
fn picks(matcher: Options<'_>) -> Result<Option<Picks>, String> {
    let wanted = matcher.word("options").to_owned();
    Ok(match matcher.word("id") {
        "byName" => Some(Box::new(move |field, name| name == wanted || field.name == wanted)),
        "byRegexp" => {
            let regex = pattern(&wanted)?;
            Some(Box::new(move |_, name| regex.is_match(name)))
        }
        "byType" => Some(Box::new(move |field, _| field.values.type_name() == wanted)),
        "numeric" => Some(Box::new(|field, _| field.values.type_name() == "number")),
        "byNames" => {
            let names: Vec<String> = matcher.child("options").words("names").into_iter().map(str::to_owned).collect();
            Some(Box::new(move |field, name| names.iter().any(|wanted| wanted == name || *wanted == field.name)))
        }
        _ => None,
    })
}

/// The names of a frame's fields, as people see them.
fn names(frames: &[Frame], frame: &Frame) -> Vec<String> {
    frame.fields.iter().map(|field| title(frames, frame, field)).collect()
}

/// The names of every frame's fields.
fn all_names(frames: &[Frame]) -> Vec<Vec<String>> {
    frames.iter().map(|frame| names(frames, frame)).collect()
}

/// The place of a field by its name for people, or by its own.
fn place_of(frame: &Frame, names: &[String], wanted: &str) -> Option<usize> {
    names.iter().position(|name| name == wanted).or_else(|| frame.fields.iter().position(|field| field.name == wanted))
}

/// Gives a field another name for people.
fn rename(field: &mut Field, name: &str) {
    Arc::make_mut(&mut field.look).display_name = name.to_owned();
}

/// A frame with some rows of another, in the order given.
fn with_rows(frame: &Frame, rows: &[usize]) -> Frame {
    let places: Vec<Option<usize>> = rows.iter().copied().map(Some).collect();
    let fields = frame.fields.iter().map(|field| Field { values: field.values.picked(&places), ..field.clone() }).collect();
    Frame { fields, ..frame.clone() }
}

#[cfg(test)]
mod tests;
