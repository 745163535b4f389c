//! Names of fields for people: the name that was given, the legend, what tells fields apart, or `Value`.

use super::frame::{Column, Field, Frame, FrameKind};
use crate::series::labels::{Labels, METRIC_NAME};

/// The name of the field of a frame among all frames.
///
/// A name given by a transformation or an option wins; then the legend of a series; then what tells the field from
/// others: the frame's name where frames have several, its own name unless that is `Value`, and its labels.
pub fn title(frames: &[Frame], frame: &Frame, field: &Field) -> String {
    if !field.look.display_name.is_empty() {
        return field.look.display_name.clone();
    }
    if !field.title.is_empty() {
        return field.title.clone();
    }
    if matches!(field.values, Column::Time(_)) && field.labels.is_empty() {
        return if field.name.is_empty() { "Time".to_owned() } else { alone(frame, field) };
    }
    if frame.kind == FrameKind::Series && !frame.name.is_empty() && numbers(frame) == 1 {
        return frame.name.clone();
    }
    told_apart(frames, frame, field)
}

fn numbers(frame: &Frame) -> usize {
    frame.fields.iter().filter(|field| !matches!(field.values, Column::Time(_))).count()
}

fn told_apart(frames: &[Frame], frame: &Frame, field: &Field) -> String {
    let mut parts: Vec<String> = Vec::new();
    let names_differ = frames.iter().any(|other| other.name != frame.name);
    if !frame.name.is_empty() && names_differ {
        parts.push(frame.name.clone());
    }
    if !field.name.is_empty() && field.name != "Value" {
        parts.push(field.name.clone());
    }
    match only_label(frames) {
        Some(label) => parts.extend(field.labels.get(&label).map(str::to_owned)),
        None if !field.labels.is_empty() => parts.push(of_labels(&field.labels)),
        None => {}
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() && !frame.name.is_empty() {
        parts.push(frame.name.clone());
    }
    let name = if parts.is_empty() { "Value".to_owned() } else { parts.join(" ") };
    if name == field.name { alone(frame, field) } else { name }
}

/// Columns with one name are numbered: `Time 1`, `Time 2`.
fn alone(frame: &Frame, field: &Field) -> String {
    let same = |other: &&Field| other.name == field.name && other.title.is_empty() && other.look.display_name.is_empty();
    if frame.fields.iter().filter(same).nth(1).is_none() {
        return field.name.clone();
    }
    let before = frame.fields.iter().take_while(|other| !std::ptr::eq(*other, field)).filter(same).count();
    format!("{} {}", field.name, before + 1)
}

/// The label, if there is one name of a label in all frames.
fn only_label(frames: &[Frame]) -> Option<String> {
    let mut found: Option<&str> = None;
    for (name, _) in frames.iter().flat_map(|frame| &frame.fields).flat_map(|field| field.labels.iter()) {
        match found {
            None => found = Some(name),
            Some(one) if one == name => {}
            Some(_) => return None,
        }
    }
    found.map(str::to_owned)
}

/// `{job="api", code="200"}`, the metric's name before.
fn of_labels(labels: &Labels) -> String {
    let rest = labels.without_name();
    let name = labels.get(METRIC_NAME).unwrap_or("");
    if rest.is_empty() { name.to_owned() } else { format!("{name}{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, pairs: &[(&str, &str)]) -> Frame {
        let time = Field { name: "Time".into(), values: Column::Time([1].into()), ..Field::default() };
        let labels = Labels::from_pairs(pairs.iter().copied());
        let value = Field { name: "Value".into(), labels, values: Column::Number(vec![Some(1.0)]), ..Field::default() };
        Frame { name: name.into(), fields: vec![time, value], ..Frame::default() }
    }

    fn titles(frames: &[Frame]) -> Vec<String> {
        frames.iter().map(|frame| title(frames, frame, &frame.fields[1])).collect()
    }

    #[test]
    fn what_tells_fields_apart_is_their_name() {
        assert_eq!(titles(&[series("a", &[("x", "1")]), series("b", &[("x", "2")])]), ["a", "b"]);
        assert_eq!(titles(&[series("", &[("x", "1")]), series("", &[("x", "2")])]), ["1", "2"]);
        assert_eq!(titles(&[series("", &[("x", "1"), ("y", "2")])]), ["{x=\"1\", y=\"2\"}"]);
        assert_eq!(titles(&[series("", &[("__name__", "up"), ("y", "2")])]), ["up{y=\"2\"}"]);
        assert_eq!(titles(&[series("", &[])]), ["Value"]);
        let frames = [series("a", &[])];
        assert_eq!(title(&frames, &frames[0], &frames[0].fields[0]), "Time");
    }

    #[test]
    fn columns_of_a_table_have_their_own_names() {
        let mut table = series("", &[]);
        table.kind = FrameKind::Table;
        table.fields[1].name = "instance".into();
        assert_eq!(titles(&[table.clone()]), ["instance"]);
        table.fields[1].title = "Host".into();
        assert_eq!(titles(&[table]), ["Host"]);
    }
}
