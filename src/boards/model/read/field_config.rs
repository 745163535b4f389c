//! How values look: defaults, overrides, and from both the look of one field.

use serde_json::Value;

use super::json::{child, count, flag, number, number_of, object, objects, text, texts};
use super::link;
use super::older::put;
use crate::boards::model::board::Object;
use crate::boards::model::field_config::{ColourMode, FieldConfig, FieldMatcher, Fits, Look, Mapping, Override, Thresholds};
use crate::boards::model::report::{Level, Report};

/// Most digits after the point.
const DECIMALS_MAX: u32 = 20;

pub(super) fn read(json: &Object, panel: (i64, &str), path: &str, report: &mut Report) -> FieldConfig {
    let overrides = objects(json, "overrides").map(|(at, one)| {
        let matcher = matcher(&object(one, "matcher"));
        if let FieldMatcher::Unknown(id) = &matcher {
            let at = format!("{path}.fieldConfig.overrides[{at}].matcher");
            report.add(Some(panel), Level::Ignored, at, format!("fields are not matched by \"{id}\""));
        }
        let properties =
            objects(one, "properties").map(|(_, property)| (text(property, "id"), property.get("value").cloned().unwrap_or(Value::Null)));
        Override { matcher, properties: properties.collect() }
    });
    FieldConfig { overrides: overrides.collect(), defaults: object(json, "defaults") }
}

fn matcher(json: &Object) -> FieldMatcher {
    let options = || text(json, "options");
    match text(json, "id").as_str() {
        "byName" => FieldMatcher::Name(options()),
        "byRegexp" => FieldMatcher::Regex(options()),
        "byType" => FieldMatcher::Type(options()),
        "byFrameRefID" => FieldMatcher::RefId(options()),
        "byNames" => {
            let inner = object(json, "options");
            FieldMatcher::Names { names: texts(&inner, "names"), is_excluding: text(&inner, "mode") == "exclude" }
        }
        "byValue" => FieldMatcher::Value(object(json, "options")),
        "numeric" => FieldMatcher::Type("number".to_owned()),
        "time" => FieldMatcher::Type("time".to_owned()),
        other => FieldMatcher::Unknown(other.to_owned()),
    }
}

/// The look that defaults and the properties of fitting overrides give, the last wins.
pub fn look<'a>(defaults: &Object, properties: impl Iterator<Item = &'a (String, Value)>) -> Look {
    let mut json = defaults.clone();
    for (path, value) in properties {
        put(&mut json, path, value);
    }
    let mut custom = object(&json, "custom");
    // Grafana 7 said for all kinds of panels what it says for charts today.
    let nothing = text(&json, "nullValueMode");
    if nothing == "connected" {
        custom.entry("spanNulls".to_owned()).or_insert(Value::Bool(true));
    }
    Look {
        display_name: text(&json, "displayName"),
        description: text(&json, "description"),
        unit: text(&json, "unit"),
        decimals: count(&json, "decimals", DECIMALS_MAX),
        min: number(&json, "min"),
        max: number(&json, "max"),
        has_own_bounds: flag(&json, "fieldMinMax"),
        thresholds: child(&json, "thresholds").map(thresholds).unwrap_or_default(),
        mappings: mappings(&json),
        colour: child(&json, "color").map(colour).unwrap_or_default(),
        no_value: text(&json, "noValue"),
        is_zero_where_nothing: nothing == "null as zero",
        links: objects(&json, "links").map(|(_, one)| link(one)).collect(),
        is_filterable: flag(&custom, "filterable") || flag(&json, "filterable"),
        custom,
    }
}

fn thresholds(json: &Object) -> Thresholds {
    // The first step has no value, or `null`: it begins below everything.
    let mut steps: Vec<(f64, String)> =
        objects(json, "steps").map(|(_, step)| (number(step, "value").unwrap_or(f64::NEG_INFINITY), text(step, "color"))).collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    Thresholds { is_percent: text(json, "mode") == "percentage", steps }
}

fn colour(json: &Object) -> ColourMode {
    match text(json, "mode").as_str() {
        "fixed" => ColourMode::Fixed(text(json, "fixedColor")),
        "shades" => ColourMode::Shades(text(json, "fixedColor")),
        "thresholds" => ColourMode::Thresholds,
        "palette-classic-by-name" => ColourMode::PaletteByName,
        scale if scale.starts_with("continuous-") => ColourMode::Continuous(scale.to_owned()),
        _ => ColourMode::Palette,
    }
}

fn mappings(json: &Object) -> Vec<Mapping> {
    objects(json, "mappings").flat_map(|(_, one)| mapping(one)).collect()
}

fn mapping(json: &Object) -> Vec<Mapping> {
    let options = object(json, "options");
    let made = |fits: Fits, result: &Object| Mapping {
        fits,
        text: text(result, "text"),
        colour: text(result, "color"),
        index: number(result, "index").map_or(0, |index| index as i64),
    };
    let result = object(&options, "result");
    match json.get("type").and_then(Value::as_str) {
        Some("value") => {
            let mut all: Vec<Mapping> =
                options.iter().filter_map(|(value, result)| Some(made(Fits::Value(value.clone()), result.as_object()?))).collect();
            all.sort_by_key(|one| one.index);
            all
        }
        Some("range") => vec![made(Fits::Range(number(&options, "from"), number(&options, "to")), &result)],
        Some("regex") => vec![made(Fits::Regex(text(&options, "pattern")), &result)],
        Some("special") => {
            let fits = match text(&options, "match").as_str() {
                "null" => Fits::Null,
                "nan" => Fits::Nan,
                "null+nan" => Fits::NullOrNan,
                "true" => Fits::True,
                "false" => Fits::False,
                "empty" => Fits::Empty,
                _ => return Vec::new(),
            };
            vec![made(fits, &result)]
        }
        _ => old_mapping(json).into_iter().collect(),
    }
}

/// Mappings as Grafana 7 wrote them: `{"type":1,"value":"0","text":"down"}`, `{"type":2,"from":"0","to":"9","text":"few"}`.
fn old_mapping(json: &Object) -> Option<Mapping> {
    let fits = match json.get("type").and_then(number_of)? as i64 {
        1 if text(json, "value") == "null" => Fits::Null,
        1 => Fits::Value(text(json, "value")),
        2 => Fits::Range(number(json, "from"), number(json, "to")),
        _ => return None,
    };
    Some(Mapping { fits, text: text(json, "text"), colour: String::new(), index: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object_of(text: &str) -> Object {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn overrides_win_and_reach_into_what_is_nested() {
        let mut report = Report::default();
        let json = object_of(
            r#"{"defaults":{"unit":"s","custom":{"fillOpacity":10,"lineWidth":2}},"overrides":[
                {"matcher":{"id":"byName","options":"a"},"properties":[{"id":"unit","value":"bytes"},{"id":"custom.fillOpacity","value":0}]},
                {"matcher":{"id":"byMoon","options":"a"},"properties":[{"id":"unit","value":"x"}]}]}"#,
        );
        let config = read(&json, (3, "three"), "panels[0]", &mut report);
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].path, "panels[0].fieldConfig.overrides[1].matcher");
        let found = look(&config.defaults, config.overrides[0].properties.iter());
        assert_eq!(found.unit, "bytes");
        assert_eq!(found.custom, object_of(r#"{"fillOpacity":0,"lineWidth":2}"#));
    }

    #[test]
    fn thresholds_begin_below_everything() {
        let found = look(
            &object_of(
                r#"{"thresholds":{"mode":"absolute","steps":[{"color":"green"},{"color":"red","value":80},{"color":"orange","value":50}]}}"#,
            ),
            [].iter(),
        );
        let at = |value| found.thresholds.colour(value, 0.0, 100.0);
        assert_eq!((at(-1e9), at(50.0), at(79.9), at(80.0)), (Some("green"), Some("orange"), Some("orange"), Some("red")));
        let percent = Thresholds { is_percent: true, ..found.thresholds };
        assert_eq!(percent.colour(5.0, 0.0, 10.0), Some("orange"));
        assert_eq!(Thresholds::default().colour(1.0, 0.0, 1.0), None);
    }

    #[test]
    fn mappings_of_every_generation_are_read() {
        let found = look(
            &object_of(
                r#"{"mappings":[
                    {"type":"value","options":{"1":{"text":"up","color":"green","index":1},"0":{"text":"down","index":0}}},
                    {"type":"range","options":{"from":2,"to":null,"result":{"text":"many"}}},
                    {"type":"special","options":{"match":"null","result":{"text":"N/A"}}},
                    {"type":1,"value":"7","text":"seven"}]}"#,
            ),
            [].iter(),
        );
        let fits: Vec<&Fits> = found.mappings.iter().map(|one| &one.fits).collect();
        assert_eq!(
            fits,
            [&Fits::Value("0".into()), &Fits::Value("1".into()), &Fits::Range(Some(2.0), None), &Fits::Null, &Fits::Value("7".into())]
        );
    }
}
