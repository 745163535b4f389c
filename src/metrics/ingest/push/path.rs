//! The grouping key in a push's path: `/job/<job>{/<label>/<value>}`, any part with `@base64` behind its name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;

use crate::base::limits::LABELS_PER_SERIES_MAX;
use crate::series::labels::{Labels, is_legacy_label_name};

const BASE64: &str = "@base64";

/// Reads what follows `/metrics` in the path, still percent-encoded. The error is for the client.
pub fn parse(path: &str) -> Result<Labels, String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() > 2 && parts.len() % 2 == 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    if parts.len() > 2 * LABELS_PER_SERIES_MAX {
        return Err("too many labels in the path".to_owned());
    }
    let (pairs, rest) = parts.as_chunks::<2>();
    let [job, labels @ ..] = pairs else { return Err("job name is required".to_owned()) };
    if !rest.is_empty() {
        return Err(format!("odd number of components in label string {:?}", parts[2..].join("/")));
    }
    let (name, value) = decode_pair(job)?;
    if name != "job" {
        return Err(format!("expected /metrics/job/<job>, got {name:?} in place of job"));
    }
    if value.is_empty() {
        return Err("job name is required".to_owned());
    }
    let mut found = vec![(name, value)];
    for pair in labels {
        let (name, value) = decode_pair(pair)?;
        if !is_legacy_label_name(&name) || name.starts_with("__") {
            return Err(format!("improper label name {name:?}"));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(format!("duplicate label name {name:?} in the path"));
        }
        found.push((name, value));
    }
    Ok(Labels::from_pairs(found))
}

fn decode_pair([name, value]: &[&str; 2]) -> Result<(String, String), String> {
    let name = percent(name)?;
    let value = percent(value)?;
    let Some(plain) = name.strip_suffix(BASE64) else { return Ok((name, value)) };
    // A lone padding character stands for the empty value, which a path cannot hold.
    let bytes = URL_SAFE_NO_PAD
        .decode(value.trim_end_matches('='))
        .map_err(|error| format!("invalid base64 encoding for label {plain}={value:?}: {error}"))?;
    let decoded = String::from_utf8(bytes).map_err(|_| format!("label {plain} is not valid UTF-8 after base64 decoding"))?;
    Ok((plain.to_owned(), decoded))
}

fn percent(text: &str) -> Result<String, String> {
    percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| format!("path is not valid UTF-8: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_real_clients() {
        for (path, labels) in [
            ("/job/backup", vec![("job", "backup")]),
            ("/job/backup/", vec![("job", "backup")]),
            ("/job/a%20b/instance/db-1", vec![("job", "a b"), ("instance", "db-1")]),
            ("/job@base64/YS9i/path@base64/L3Zhci90bXA=", vec![("job", "a/b"), ("path", "/var/tmp")]),
            ("/job/x/empty@base64/=", vec![("job", "x")]),
            ("/job/x/name@base64/w7w", vec![("job", "x"), ("name", "ü")]),
        ] {
            assert_eq!(parse(path), Ok(Labels::from_pairs(labels)), "{path}");
        }
        for (path, reason) in [
            ("/job", "job name is required"),
            ("", "job name is required"),
            ("/job/", "job name is required"),
            ("/job//", "job name is required"),
            ("/job/a/b", "odd number of components in label string \"b\""),
            ("/job/a/0b/c", "improper label name \"0b\""),
            ("/job/a/__b/c", "improper label name \"__b\""),
            ("/job/a/b/1/b/2", "duplicate label name \"b\" in the path"),
            ("/job/a/b/%ff", "path is not valid UTF-8: \"%ff\""),
        ] {
            assert_eq!(parse(path), Err(reason.to_owned()), "{path}");
        }
        assert!(parse("/job@base64/***").is_err());
        assert!(parse("/instance/a").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(path in ".{0,80}") {
            let _labels = parse(&path);
        }
    }
}
