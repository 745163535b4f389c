//! What is done with answers before they are drawn: transformations, then for every field its look and its title.

use std::sync::Arc;

use serde_json::Value;

use super::frame::{Column, Field, Frame, FrameKind};
use super::options::Options;
use super::pattern::pattern;
use super::reduce::reduce;
use super::title::title;
use super::transform;
use crate::boards::model::{ColourMode, FieldMatcher, Look, Object, Override, Panel, PanelKind, look};
use crate::series::labels::Labels;

/// Most fields of all frames that a panel takes; what comes after is left out, and a note says so.
const FIELDS_MAX: usize = 5_000;

/// Frames that are ready to be drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prepared {
    /// Every field with its look and title.
    pub frames: Vec<Frame>,
    /// What the reader should know, in words.
    pub notes: Vec<String>,
}

/// Puts variables into a text; the second argument are further ones with their values.
pub type Fill<'a> = &'a dyn Fn(&str, &[(&str, &str)]) -> String;

/// Prepares the answers of a panel.
///
/// # Errors
/// Words for the reader, where a transformation cannot be done at all.
pub fn prepare(panel: &Panel, frames: Vec<Frame>, fill: Fill<'_>) -> Result<Prepared, String> {
    let mut notes = Vec::new();
    let mut frames = bounded(frames, &mut notes);
    name_series(&mut frames);
    let mut frames = bounded(transform::all(&panel.transformations, frames, &mut notes)?, &mut notes);
    let matchers = Matchers::new(&panel.fields.overrides, &mut notes);
    let looks: Vec<Vec<(Look, String)>> = frames
        .iter()
        .map(|frame| frame.fields.iter().map(|field| dressed(panel, &frames, frame, field, &matchers, fill)).collect())
        .collect();
    for (frame, looks) in frames.iter_mut().zip(looks) {
        for (field, (look, title)) in frame.fields.iter_mut().zip(looks) {
            if look.is_zero_where_nothing
                && let Column::Number(values) = &mut field.values
            {
                values.iter_mut().for_each(|value| *value = value.or(Some(0.0)));
            }
            field.look = Arc::new(look);
            field.title = title;
        }
    }
    Ok(Prepared { frames, notes })
}

/// The panel with variables put into the texts of its options that the reader sees (the content of a text panel).
pub fn fill_options(panel: &Panel, fill: Fill<'_>) -> Panel {
    let mut panel = panel.clone();
    if panel.kind == PanelKind::Text
        && let Some(Value::String(content)) = panel.options.get_mut("content")
    {
        *content = fill(content, &[]);
    }
    panel
}

fn bounded(mut frames: Vec<Frame>, notes: &mut Vec<String>) -> Vec<Frame> {
    let mut left = FIELDS_MAX;
    let whole = frames.len();
    for (at, frame) in frames.iter_mut().enumerate() {
        if frame.fields.len() > left {
            frame.fields.truncate(left);
            let kept = if left == 0 { at } else { at + 1 };
            notes.push(format!("Only the first {FIELDS_MAX} columns of {whole} results are shown."));
            frames.truncate(kept);
            break;
        }
        left -= frame.fields.len();
    }
    frames
}

/// The legend of a series stays its name through every step.
fn name_series(frames: &mut [Frame]) {
    for frame in frames.iter_mut().filter(|frame| frame.kind == FrameKind::Series && !frame.name.is_empty()) {
        let name = frame.name.clone();
        let mut values = frame.fields.iter_mut().filter(|field| !matches!(field.values, Column::Time(_)));
        if let (Some(value), None) = (values.next(), values.next())
            && value.title.is_empty()
        {
            value.title = name;
        }
    }
    // The values of several tables are told apart by their query.
    let tables = frames.iter().filter(|frame| frame.kind == FrameKind::Table).count();
    for frame in frames.iter_mut().filter(|frame| tables > 1 && frame.kind == FrameKind::Table && !frame.ref_id.is_empty()) {
        for field in frame.fields.iter_mut().filter(|field| field.name == "Value") {
            field.name = format!("Value #{}", frame.ref_id);
        }
    }
}

/// The look and the title of a field.
fn dressed(panel: &Panel, frames: &[Frame], frame: &Frame, field: &Field, matchers: &Matchers<'_>, fill: Fill<'_>) -> (Look, String) {
    let found = title(frames, frame, field);
    let properties: Vec<&(String, Value)> =
        matchers.fitting(frame, field, &found).flat_map(|over| over.properties.iter().filter(|(name, _)| !name.is_empty())).collect();
    let mut look = look(&panel.fields.defaults, properties.iter().copied());
    if !panel.fields.defaults.contains_key("color") && !properties.iter().any(|(name, _)| name.starts_with("color")) {
        look.colour = usual_colour(panel.kind);
    }
    let overridden = properties.iter().any(|(name, _)| name == "displayName");
    // What a transformation set holds against defaults, not against overrides.
    merge(&mut look, &field.look, &panel.fields.defaults, &properties);
    if !overridden && !field.look.display_name.is_empty() {
        look.display_name.clone_from(&field.look.display_name);
    }
    let extras = extras(frame, field, &found);
    let extras: Vec<(&str, &str)> = extras.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let title = if look.display_name.is_empty() { found } else { fill(&look.display_name, &extras) };
    look.display_name.clone_from(&title);
    look.description = fill(&look.description, &extras);
    for link in &mut look.links {
        link.title = fill_but_values(&link.title, fill, &extras);
        link.url = fill_but_values(&link.url, fill, &extras);
    }
    (look, title)
}

/// How fields are coloured where the panel does not say.
const fn usual_colour(kind: PanelKind) -> ColourMode {
    match kind {
        PanelKind::TimeSeries | PanelKind::BarChart | PanelKind::Pie | PanelKind::Histogram | PanelKind::StateTimeline => {
            ColourMode::Palette
        }
        _ => ColourMode::Thresholds,
    }
}

/// Takes over what a transformation put into the look of a field and the panel does not say.
fn merge(look: &mut Look, own: &Look, defaults: &Object, properties: &[&(String, Value)]) {
    let says = |name: &str| defaults.contains_key(name) || properties.iter().any(|(path, _)| path == name);
    if look.unit.is_empty() {
        look.unit.clone_from(&own.unit);
    }
    look.min = look.min.or(own.min);
    look.max = look.max.or(own.max);
    look.decimals = look.decimals.or(own.decimals);
    if own.colour != ColourMode::default() && !says("color") {
        look.colour.clone_from(&own.colour);
    }
    if !own.thresholds.steps.is_empty() && !properties.iter().any(|(path, _)| path == "thresholds") {
        look.thresholds.clone_from(&own.thresholds);
    }
    if look.mappings.is_empty() {
        look.mappings.clone_from(&own.mappings);
    }
}

/// Variables that only a field knows.
fn extras(frame: &Frame, field: &Field, title: &str) -> Vec<(String, String)> {
    let labels = if field.labels.is_empty() { labels_beside(frame) } else { field.labels.clone() };
    let mut found: Vec<(String, String)> =
        labels.iter().map(|(name, value)| (format!("__field.labels.{name}"), value.to_owned())).collect();
    let texts: Vec<&str> = labels.iter().map(|(_, value)| value).collect();
    found.push(("__field.labels".into(), texts.join(", ")));
    found.push(("__field.name".into(), title.to_owned()));
    found.push(("__field.displayName".into(), title.to_owned()));
    found.push(("__series.name".into(), if frame.name.is_empty() { title.to_owned() } else { frame.name.clone() }));
    found.push(("__frame.name".into(), frame.name.clone()));
    found.push(("__data.refId".into(), frame.ref_id.clone()));
    found
}

/// The labels of a series, for its column of times.
fn labels_beside(frame: &Frame) -> Labels {
    frame.fields.iter().map(|field| &field.labels).find(|labels| !labels.is_empty()).cloned().unwrap_or_default()
}

/// Puts variables into a link, but those of a value: they are known when it is drawn.
fn fill_but_values(text: &str, fill: Fill<'_>, extras: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["${__value", "${__data.fields"].iter().filter_map(|mark| rest.find(mark)).min() {
        let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
        out.push_str(&fill(&rest[..at], extras));
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(&fill(rest, extras));
    out
}

/// Whether a reduced value of a field compares as an override wants.
fn has_value(options: Options<'_>, field: &Field) -> bool {
    let wanted = options.number("value").unwrap_or(0.0);
    let found = reduce(&field.values, options.text("reducer").unwrap_or("lastNotNull"));
    let Some(found) = found.number() else { return false };
    match options.word("op") {
        "gte" | ">=" => found >= wanted,
        "gt" | ">" => found > wanted,
        "lte" | "<=" => found <= wanted,
        "lt" | "<" => found < wanted,
        "eq" | "=" | "==" => found == wanted,
        "neq" | "!=" => found != wanted,
        _ => false,
    }
}

/// Overrides with their regular expressions compiled.
struct Matchers<'a>(Vec<(&'a Override, Option<regex::Regex>)>);

impl<'a> Matchers<'a> {
    fn new(overrides: &'a [Override], notes: &mut Vec<String>) -> Self {
        let compiled = overrides.iter().map(|over| {
            let regex = match &over.matcher {
                FieldMatcher::Regex(text) => match pattern(text) {
                    Ok(regex) => Some(regex),
                    Err(error) => {
                        notes.push(format!("An override fits nothing: {error}"));
                        None
                    }
                },
                _ => None,
            };
            (over, regex)
        });
        Self(compiled.collect())
    }

    fn fitting<'s>(&'s self, frame: &'s Frame, field: &'s Field, title: &'s str) -> impl Iterator<Item = &'a Override> + 's {
        let fits = move |(over, regex): &&(&'a Override, Option<regex::Regex>)| match &over.matcher {
            FieldMatcher::Name(name) => name == title || *name == field.name,
            FieldMatcher::Names { names, is_excluding } => names.iter().any(|name| name == title || *name == field.name) != *is_excluding,
            FieldMatcher::Regex(_) => regex.as_ref().is_some_and(|regex| regex.is_match(title)),
            FieldMatcher::Type(kind) => *kind == field.values.type_name(),
            FieldMatcher::RefId(letter) => *letter == frame.ref_id,
            FieldMatcher::Value(options) => has_value(Options::new(options), field),
            FieldMatcher::Unknown(_) => false,
        };
        self.0.iter().filter(fits).map(|(over, _)| *over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::model::FieldConfig;

    fn series(name: &str, ref_id: &str, labels: &[(&str, &str)]) -> Frame {
        let time = Field { name: "Time".into(), values: Column::Time([1].into()), ..Field::default() };
        let labels = Labels::from_pairs(labels.iter().copied());
        let value = Field { name: "Value".into(), labels, values: Column::Number(vec![Some(1.0)]), ..Field::default() };
        Frame { name: name.into(), ref_id: ref_id.into(), kind: FrameKind::Series, fields: vec![time, value] }
    }

    fn over(matcher: FieldMatcher, name: &str, value: Value) -> Override {
        Override { matcher, properties: vec![(name.to_owned(), value)] }
    }

    fn fill(text: &str, extras: &[(&str, &str)]) -> String {
        extras.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    }

    #[test]
    fn overrides_by_name_expression_type_and_query_apply_in_order() {
        let defaults = serde_json::json!({"unit":"s","displayName":""}).as_object().unwrap().clone();
        let overrides = vec![
            over(FieldMatcher::Name("user".into()), "unit", "bytes".into()),
            over(FieldMatcher::Regex("/^sys.*/".into()), "unit", "ms".into()),
            over(FieldMatcher::Regex("/(/".into()), "unit", "ms".into()),
            over(FieldMatcher::RefId("C".into()), "unit", "bps".into()),
            over(FieldMatcher::Type("time".into()), "unit", "dateTimeAsIso".into()),
            over(FieldMatcher::Names { names: vec!["user".into(), "system".into()], is_excluding: true }, "decimals", 3.into()),
            over(
                FieldMatcher::Value(serde_json::json!({"reducer":"max","op":"gte","value":2}).as_object().unwrap().clone()),
                "unit",
                "never".into(),
            ),
            over(FieldMatcher::Name("rest".into()), "displayName", "${__field.labels.mode}!".into()),
        ];
        let panel = Panel { fields: FieldConfig { defaults, overrides }, ..Panel::default() };
        let frames =
            vec![series("user", "A", &[]), series("system", "A", &[]), series("x", "C", &[]), series("rest", "D", &[("mode", "idle")])];
        let found = prepare(&panel, frames, &fill).unwrap();
        let values: Vec<&Field> = found.frames.iter().map(|frame| &frame.fields[1]).collect();
        assert_eq!(values.iter().map(|field| field.look.unit.as_str()).collect::<Vec<_>>(), ["bytes", "ms", "bps", "s"]);
        assert_eq!(values.iter().map(|field| field.title.as_str()).collect::<Vec<_>>(), ["user", "system", "x", "idle!"]);
        assert_eq!(values.iter().map(|field| field.look.decimals).collect::<Vec<_>>(), [None, None, Some(3), Some(3)]);
        assert_eq!(found.frames[0].fields[0].look.unit, "dateTimeAsIso");
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        assert!(found.notes[0].contains("/(/"), "{:?}", found.notes);
    }

    #[test]
    fn values_in_links_wait_for_the_value() {
        let defaults = serde_json::json!({"links":[{"title":"t","url":"/d/x?a=${__field.name}&b=${__value.raw}&c=${__field.name}"}]});
        let fields = FieldConfig { defaults: defaults.as_object().unwrap().clone(), overrides: vec![] };
        let panel = Panel { fields, ..Panel::default() };
        let blank = |text: &str, extras: &[(&str, &str)]| fill(text, extras).replace("${__value.raw}", "gone");
        let found = prepare(&panel, vec![series("n", "A", &[])], &blank).unwrap();
        assert_eq!(found.frames[0].fields[1].look.links[0].url, "/d/x?a=n&b=${__value.raw}&c=n");
    }

    #[test]
    fn too_many_columns_are_cut_with_words() {
        let many = (0..FIELDS_MAX).map(|at| series(&at.to_string(), "A", &[])).collect();
        let found = prepare(&Panel::default(), many, &fill).unwrap();
        assert_eq!(found.frames.iter().map(|frame| frame.fields.len()).sum::<usize>(), FIELDS_MAX);
        assert!(found.notes[0].starts_with("Only the first"));
    }
}
