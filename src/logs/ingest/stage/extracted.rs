//! How values of JSON stand in the extracted map: as texts, numbers without exponent.

use serde_json::Value;

/// A value as text; `None` for null.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => whole.to_string(),
            (_, Some(whole), _) => whole.to_string(),
            (_, _, Some(float)) => format!("{float}"),
            _ => number.to_string(),
        }),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_texts() {
        for (json, text) in [
            ("null", None),
            ("true", Some("true")),
            ("12", Some("12")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("1.5", Some("1.5")),
            ("1e3", Some("1000")),
            ("\"a\\nb\"", Some("a\nb")),
            ("[1, {\"a\": 2}]", Some("[1,{\"a\":2}]")),
        ] {
            assert_eq!(text_of(&serde_json::from_str(json).unwrap()).as_deref(), text, "{json}");
        }
    }
}
