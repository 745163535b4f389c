//! Names of attributes as label names, by the rules of OpenTelemetry's compatibility with Prometheus.

/// How names are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LabelRules {
    /// Whether `key` goes before names that begin with one underscore.
    pub guards_underscore: bool,
    /// Whether runs of underscores stay as they are.
    pub keeps_runs: bool,
}

/// A name of which nothing is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There was nothing.
    #[error("an attribute has an empty name")]
    Empty,
    /// Only underscores are left.
    #[error("of the attribute name {0:?} only underscores are left as a label name")]
    OnlyUnderscores(String),
}

/// The label name of an attribute name: letters, digits and underscores, no digit first.
///
/// # Errors
/// When nothing of it is left.
pub fn label_name(name: &str, rules: LabelRules) -> Result<String, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let mut label = if rules.keeps_runs { escaped(name) } else { without_runs(name) };
    if label.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        label.insert_str(0, "key_");
    } else if rules.guards_underscore && label.starts_with('_') && !label.starts_with("__") {
        label.insert_str(0, "key");
    }
    if label.bytes().all(|byte| byte == b'_') { Err(NameError::OnlyUnderscores(name.to_owned())) } else { Ok(label) }
}

fn escaped(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Names such as `__address__` keep their ends.
fn without_runs(name: &str) -> String {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let mut label = String::with_capacity(name.len());
    if inner.is_some() {
        label.push_str("__");
    }
    let mut was_underscore = false;
    for c in inner.unwrap_or(name).chars() {
        let is_kept = c.is_ascii_alphanumeric();
        if is_kept || !was_underscore {
            label.push(if is_kept { c } else { '_' });
        }
        was_underscore = !is_kept;
    }
    if inner.is_some() {
        label.push_str("__");
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_upstream() {
        let metrics = LabelRules { guards_underscore: true, keeps_runs: true };
        for (name, of_metrics, of_logs) in [
            ("http.method", "http_method", "http_method"),
            ("http.status-code", "http_status_code", "http_status_code"),
            ("already_fine", "already_fine", "already_fine"),
            ("label:with:colons", "label_with_colons", "label_with_colons"),
            ("LabelWithCapitals", "LabelWithCapitals", "LabelWithCapitals"),
            ("1st", "key_1st", "key_1st"),
            ("_private", "key_private", "_private"),
            ("__reserved__", "__reserved__", "__reserved__"),
            ("a..b", "a__b", "a_b"),
            ("a___b", "a___b", "a_b"),
            ("größe", "gr__e", "gr_e"),
            ("__a..b__", "__a__b__", "__a_b__"),
            (".dot", "key_dot", "_dot"),
        ] {
            assert_eq!(label_name(name, metrics).unwrap(), of_metrics, "{name}");
            assert_eq!(label_name(name, LabelRules::default()).unwrap(), of_logs, "{name}");
        }
        assert_eq!(label_name("", metrics), Err(NameError::Empty));
        for name in ["__", "ö", "...", "____"] {
            assert!(matches!(label_name(name, LabelRules::default()), Err(NameError::OnlyUnderscores(_))), "{name}");
        }
    }
}
