//! Conditions on an answer in JSON: where to look, and how what is there compares.

use serde_json::Value;

use crate::uptime::config::JsonCondition;

/// Most characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 100;

/// What does not hold first; none where all holds.
pub(super) fn first_wrong(body: &[u8], conditions: &[JsonCondition]) -> Option<String> {
    if conditions.is_empty() {
        return None;
    }
    let json: Value = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) => return Some(format!("the answer is no JSON: {error}")),
    };
    conditions.iter().find_map(|condition| wrong(&json, condition))
}

fn wrong(json: &Value, condition: &JsonCondition) -> Option<String> {
    let JsonCondition { path, is, value } = condition;
    let Some(found) = find(json, path) else { return Some(format!("the answer has no {path:?}")) };
    let text = text(found);
    let number = || text.parse::<f64>().ok();
    let bound = || value.parse::<f64>().ok();
    let holds = match is.as_str() {
        "exists" => true,
        "differs" => text != *value,
        "contains" => text.contains(value.as_str()),
        "above" => number().zip(bound()).is_some_and(|(number, bound)| number > bound),
        "below" => number().zip(bound()).is_some_and(|(number, bound)| number < bound),
        _ => text == *value,
    };
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    (!holds).then(|| match is.as_str() {
        "differs" => format!("{path:?} is {shown:?}, which it must not be"),
        "contains" => format!("{path:?} is {shown:?} and does not contain {value:?}"),
        "above" | "below" => format!("{path:?} is {shown:?}, which is not {is} {value}"),
        _ => format!("{path:?} is {shown:?}, not {value:?}"),
    })
}

/// Texts as they are, everything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What stands at `a.b[0].c`; the whole for an empty path or `$`.
fn find<'v>(json: &'v Value, path: &str) -> Option<&'v Value> {
    let path = path.strip_prefix('$').unwrap_or(path);
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return Some(json);
    }
    path.split('.').try_fold(json, |at, step| {
        let (name, places) = step.split_at(step.find('[').unwrap_or(step.len()));
        let at = if name.is_empty() { at } else { at.get(name).or_else(|| at.get(name.parse::<usize>().ok()?))? };
        let places = places.split_terminator(']').map(|place| place.strip_prefix('[')?.parse::<usize>().ok());
        places.into_iter().try_fold(at, |at, place| at.get(place?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let body = br#"{"status": "ok", "n": 3, "list": [{"id": 7}, [1, 2]], "none": null, "yes": true}"#;
        for (path, is, value, expected) in [
            ("status", "equals", "ok", None),
            ("$.status", "equals", "down", Some("\"$.status\" is \"ok\", not \"down\"")),
            ("n", "above", "2", None),
            ("n", "below", "3", Some("\"n\" is \"3\", which is not below 3")),
            ("status", "above", "1", Some("\"status\" is \"ok\", which is not above 1")),
            ("list[0].id", "equals", "7", None),
            ("list.0.id", "equals", "7", None),
            ("list[1][1]", "equals", "2", None),
            ("list[9]", "exists", "", Some("the answer has no \"list[9]\"")),
            ("list[x]", "exists", "", Some("the answer has no \"list[x]\"")),
            ("none", "exists", "", None),
            ("yes", "equals", "true", None),
            ("status", "differs", "ok", Some("\"status\" is \"ok\", which it must not be")),
            ("", "contains", "\"n\":3", None),
            ("status", "contains", "x", Some("\"status\" is \"ok\" and does not contain \"x\"")),
        ] {
            let condition = JsonCondition { path: path.to_owned(), is: is.to_owned(), value: value.to_owned() };
            assert_eq!(first_wrong(body, &[condition]).as_deref(), expected, "{path} {is} {value}");
        }
        let any = JsonCondition::default();
        assert!(first_wrong(b"<html>", &[any]).unwrap().starts_with("the answer is no JSON"));
        assert_eq!(first_wrong(b"<html>", &[]), None);
    }
}
