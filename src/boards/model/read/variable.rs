//! Variables.

use serde_json::Value;

use super::json::{flag, list, object, text};
use super::{one_or_more, source};
use crate::boards::model::board::Object;
use crate::boards::model::report::{Level, Report};
use crate::boards::model::variable::{Refresh, Shown, Sort, Variable, VariableKind};

/// Stands for all choices in what is chosen.
const ALL: &str = "$__all";

pub(super) fn read(json: &Object, path: &str, report: &mut Report) -> Variable {
    let given = text(json, "type");
    let kind = kind(&given);
    let name = text(json, "name");
    if kind == VariableKind::Other && given != "system" {
        report.add(
            None,
            Level::Ignored,
            format!("{path}.type"),
            format!("the variable {name} is of the type \"{given}\", which is not known"),
        );
    }
    let current = object(json, "current");
    Variable {
        label: text(json, "label"),
        description: text(json, "description"),
        kind,
        query: query(json, kind),
        regex: text(json, "regex"),
        sort: sort(json),
        refresh: match json.get("refresh") {
            Some(Value::Number(n)) if n.as_i64() == Some(0) => Refresh::Never,
            Some(Value::Bool(false)) => Refresh::Never,
            Some(Value::Number(n)) if n.as_i64() == Some(2) => Refresh::OnRange,
            _ => Refresh::OnLoad,
        },
        is_multi: flag(json, "multi"),
        has_all: flag(json, "includeAll"),
        all_value: text(json, "allValue"),
        current: one_or_more(current.get("value")).into_iter().map(all).collect(),
        shown: match json.get("hide").and_then(Value::as_i64) {
            Some(1) => Shown::Value,
            Some(2) => Shown::Nothing,
            _ => Shown::Whole,
        },
        skips_url: flag(json, "skipUrlSync"),
        source: source(json.get("datasource")),
        json: json.clone(),
        name,
    }
}

/// Old dashboards write the word for all.
fn all(value: String) -> String {
    if value == "All" { ALL.to_owned() } else { value }
}

fn kind(name: &str) -> VariableKind {
    match name {
        "query" => VariableKind::Query,
        "custom" => VariableKind::Custom,
        "textbox" => VariableKind::Text,
        "constant" => VariableKind::Constant,
        "interval" => VariableKind::Interval,
        "datasource" => VariableKind::Source,
        "adhoc" => VariableKind::AdHoc,
        "switch" => VariableKind::Switch,
        "groupby" => VariableKind::GroupBy,
        _ => VariableKind::Other,
    }
}

/// A query is a text, or an object with one.
fn query(json: &Object, kind: VariableKind) -> String {
    let given = text(json, "query");
    if !given.is_empty() || kind != VariableKind::Query {
        return given;
    }
    let inner = object(json, "query");
    let asked = ["query", "expr"].iter().map(|name| text(&inner, name)).find(|text| !text.is_empty());
    asked.or_else(|| loki_query(&inner)).unwrap_or_else(|| text(json, "definition"))
}

/// Loki's variables: `{"type":1,"label":"job","stream":"{…}"}`.
fn loki_query(json: &Object) -> Option<String> {
    match json.get("type").and_then(Value::as_i64)? {
        0 => Some("label_names()".to_owned()),
        1 => {
            let (label, stream) = (text(json, "label"), text(json, "stream"));
            Some(if stream.is_empty() { format!("label_values({label})") } else { format!("label_values({stream}, {label})") })
        }
        _ => None,
    }
}

fn sort(json: &Object) -> Sort {
    match json.get("sort").and_then(Value::as_i64).unwrap_or(0) {
        1 => Sort::TextUp,
        2 => Sort::TextDown,
        3 => Sort::NumberUp,
        4 => Sort::NumberDown,
        5 => Sort::TextUpAnyCase,
        6 => Sort::TextDownAnyCase,
        7 => Sort::NaturalUp,
        8 => Sort::NaturalDown,
        _ => Sort::AsGiven,
    }
}

/// The choices that the JSON itself has, as text and value.
pub fn options(variable: &Variable) -> Vec<(String, String)> {
    let one = |value: &Value| {
        let json = value.as_object()?;
        let value = one_or_more(json.get("value")).into_iter().next()?;
        Some((one_or_more(json.get("text")).into_iter().next().unwrap_or_else(|| value.clone()), value))
    };
    list(&variable.json, "options").iter().filter_map(one).collect()
}
