//! How much of what: the volume of streams, grouped.

use std::collections::BTreeMap;

use crate::logs::model::read::StreamVolume;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// How volumes are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VolumeBy {
    /// By the values of some labels.
    #[default]
    Series,
    /// By the names of labels; their value is empty.
    Labels,
}

/// Adds up streams by group.
#[derive(Debug)]
pub struct Groups {
    by: VolumeBy,
    targets: Vec<String>,
    matchers: Vec<Matcher>,
    bytes: BTreeMap<Labels, u64>,
}

impl Groups {
    /// None yet. `targets` are the labels to group by; if there are none, those that the query's matchers name.
    pub fn new(by: VolumeBy, targets: Vec<String>, matchers: Vec<Matcher>) -> Self {
        Self { by, targets, matchers, bytes: BTreeMap::new() }
    }

    fn is_named(&self, name: &str) -> bool {
        if self.targets.is_empty() {
            self.matchers.iter().any(|matcher| *matcher.name == *name)
        } else {
            self.targets.iter().any(|target| target == name)
        }
    }

    /// Adds a stream.
    pub fn add(&mut self, volume: &StreamVolume) {
        match self.by {
            VolumeBy::Series => {
                let all = self.targets.is_empty() && self.matchers.is_empty();
                let labels = volume.labels.without(|name| !all && !self.is_named(name));
                // A stream without any of the labels is in no group.
                if !labels.is_empty() {
                    *self.bytes.entry(labels).or_default() += volume.bytes;
                }
            }
            VolumeBy::Labels => {
                for (name, _) in &volume.labels {
                    if self.targets.is_empty() || self.is_named(name) {
                        *self.bytes.entry(Labels::from_ordered([(name, "")])).or_default() += volume.bytes;
                    }
                }
            }
        }
    }

    /// The bytes of each group, the largest first, `limit` of them at most (0 for all).
    pub fn largest(self, limit: usize) -> Vec<(Labels, u64)> {
        let mut sorted: Vec<(Labels, u64)> = self.bytes.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if limit > 0 {
            sorted.truncate(limit);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_grouped() {
        let volume = |job: &str, pod: &str, bytes: u64| StreamVolume {
            labels: Labels::from_pairs([("job", job), ("pod", pod)]),
            chunks: 1,
            lines: 1,
            bytes,
        };
        let volumes = [volume("a", "1", 10), volume("a", "2", 20), volume("b", "1", 25)];
        let shown = |by, targets: &[&str], matchers: &[Matcher], limit| {
            let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
            let mut groups = Groups::new(by, targets, matchers.to_vec());
            volumes.iter().for_each(|volume| groups.add(volume));
            groups.largest(limit).iter().map(|(labels, bytes)| format!("{labels} {bytes}")).collect::<Vec<_>>()
        };
        assert_eq!(shown(VolumeBy::Series, &["job"], &[], 0), [r#"{job="a"} 30"#, r#"{job="b"} 25"#]);
        assert_eq!(shown(VolumeBy::Series, &[], &[Matcher::equal("pod", "1")], 1), [r#"{pod="1"} 35"#]);
        assert_eq!(shown(VolumeBy::Series, &[], &[], 0).len(), 3);
        assert_eq!(shown(VolumeBy::Labels, &[], &[], 0), [r#"{job=""} 55"#, r#"{pod=""} 55"#]);
    }
}
