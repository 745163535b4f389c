//! Groups of targets, and their JSON and YAML form (`[{"targets": [...], "labels": {...}}]`).

use std::collections::BTreeMap;

use crate::series::labels::{Labels, LabelsBuilder};

/// Largest payload of one file or answer.
pub const GROUP_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most targets of one payload.
pub const TARGETS_MAX: usize = 500_000;

/// Label that holds a target's address.
pub const ADDRESS: &str = "__address__";

/// Targets with labels in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// What it came from, such as `/etc/sd/node.yml:0`.
    pub source: String,
    /// Labels of each target; at least `__address__`.
    pub targets: Vec<Labels>,
    /// Labels of all of them; a target's own win.
    pub labels: Labels,
}

/// A group as written.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WireGroup {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads a JSON payload.
pub fn parse_json(bytes: &[u8]) -> Result<Vec<WireTargets>, String> {
    let groups: Option<Vec<Option<WireGroup>>> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    convert(groups.unwrap_or_default())
}

/// Reads a YAML payload.
pub fn parse_yaml(bytes: &[u8]) -> Result<Vec<WireTargets>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let groups: Option<Vec<Option<WireGroup>>> = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    convert(groups.unwrap_or_default())
}

/// Targets and labels of one group that has no source yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireTargets {
    targets: Vec<Labels>,
    labels: LabelsWithMeta,
}

type LabelsWithMeta = BTreeMap<String, String>;

impl WireTargets {
    /// Names the group and adds the meta label that tells where it is from.
    pub fn into_group(mut self, source: String, meta_name: &str, meta_value: &str) -> TargetGroup {
        self.labels.insert(meta_name.to_owned(), meta_value.to_owned());
        TargetGroup { source, targets: self.targets, labels: Labels::from_pairs(&self.labels) }
    }
}

fn convert(groups: Vec<Option<WireGroup>>) -> Result<Vec<WireTargets>, String> {
    let mut total = 0;
    let mut converted = Vec::with_capacity(groups.len());
    for group in groups {
        let group = group.ok_or("nil target group item found")?;
        let targets = group.targets.unwrap_or_default();
        total += targets.len();
        if total > TARGETS_MAX {
            return Err(format!("more than {TARGETS_MAX} targets"));
        }
        let labels = group.labels.unwrap_or_default();
        if labels.keys().any(String::is_empty) {
            return Err("\"\" is not a valid label name".to_owned());
        }
        converted.push(WireTargets { targets: targets.iter().map(|address| address_only(address)).collect(), labels });
    }
    Ok(converted)
}

/// The labels of a target of which only the address is known.
pub fn address_only(address: &str) -> Labels {
    LabelsBuilder::new().set(ADDRESS, address).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_read_as_upstream() {
        let json = br#"[{"targets":["a:1","b:2"],"labels":{"env":"prod","empty":""}},{"targets":null},{}]"#;
        let yaml = b"- targets: ['a:1', \"b:2\"]\n  labels:\n    env: prod\n    empty: ''\n- targets:\n- targets: []\n";
        for groups in [parse_json(json).unwrap(), parse_yaml(yaml).unwrap()] {
            assert_eq!(groups.len(), 3);
            let group = groups[0].clone().into_group("s:0".into(), "__meta_url", "http://x");
            assert_eq!(group.targets, [address_only("a:1"), address_only("b:2")]);
            assert_eq!(group.labels, Labels::from_pairs([("env", "prod"), ("__meta_url", "http://x")]));
        }
        for empty in [&b"null"[..], b"[]"] {
            assert_eq!(parse_json(empty).unwrap(), []);
        }
        assert_eq!(parse_yaml(b"").unwrap(), []);
    }

    #[test]
    fn yaml_scalars_are_texts() {
        let groups = parse_yaml(b"- targets: [localhost]\n  labels: {port: 9100, on: true, ratio: 1.50, none: ~x}\n").unwrap();
        let group = groups[0].clone().into_group(String::new(), "m", "");
        assert_eq!(group.labels, Labels::from_pairs([("port", "9100"), ("on", "true"), ("ratio", "1.50"), ("none", "~x")]));
    }

    #[test]
    fn wrong_payloads_are_refused() {
        for bad in [&b"[null]"[..], b"{}", b"[{\"targets\":[1]}]", b"[{\"target\":[]}]", b"[", b"[{\"labels\":{\"\":\"x\"}}]"] {
            assert!(parse_json(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        for bad in [&b"- null"[..], b"a: b", b"- targets: {a: b}", b"- target: []", b"\xff", b"- targets: [a"] {
            assert!(parse_yaml(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
