//! An alert as routing sees it: it began, it ends some time, whoever sent it.

use crate::series::labels::{Labels, is_legacy_label_name, quote};
use crate::series::ports::Hush;

/// An alert handed to routing. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedAlert {
    /// Names it, `alertname` included.
    pub labels: Labels,
    /// Texts for people, sorted by name.
    pub annotations: Vec<(String, String)>,
    /// When it began.
    pub starts_at: i64,
    /// When it ends unless it is heard of again; none while it fires without end in sight.
    pub ends_at: Option<i64>,
    /// When it was heard of last.
    pub updated_at: i64,
    /// Whether the end was not told by the sender, but is `resolve_timeout` after it was heard of.
    pub is_timeout: bool,
    /// Where to look at what caused it.
    pub generator_url: String,
    /// Why its sender wants nobody told of it now, though it goes on. An end that comes with it is told to those who were
    /// told of the beginning.
    pub hush: Option<Hush>,
}

impl RoutedAlert {
    /// Whether it is over at an instant.
    pub fn is_resolved_at(&self, now: i64) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// Its name among all alerts.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.labels)
    }

    /// Its name, or nothing.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").unwrap_or("")
    }

    /// What is known after `newer` came in for the same labels: one alert if the times overlap, otherwise the newer.
    #[must_use]
    pub fn updated_by(&self, newer: Self, now: i64) -> Self {
        let end = |alert: &Self| alert.ends_at.unwrap_or(i64::MAX);
        let ends_inside = end(&newer) > self.starts_at && end(&newer) < end(self);
        let starts_inside = newer.starts_at > self.starts_at && newer.starts_at < end(self);
        if !ends_inside && !starts_inside {
            return newer;
        }
        if newer.updated_at < self.updated_at { merge(&newer, self.clone(), now) } else { merge(self, newer, now) }
    }
}

/// `newer` with what `older` knows better. An explicit end counts over one made up by a timeout.
fn merge(older: &RoutedAlert, mut newer: RoutedAlert, now: i64) -> RoutedAlert {
    newer.starts_at = newer.starts_at.min(older.starts_at);
    let is_later = older.ends_at.unwrap_or(i64::MAX) > newer.ends_at.unwrap_or(i64::MAX);
    let takes_older = if newer.is_resolved_at(now) { older.is_resolved_at(now) && is_later } else { is_later && !older.is_timeout };
    if takes_older {
        newer.ends_at = older.ends_at;
    }
    newer
}

/// The name of a label set as Prometheus and Alertmanager make it: FNV-1a over names and values in order of names.
pub fn fingerprint(labels: &Labels) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = OFFSET;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for (name, value) in labels.iter() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    hash
}

/// A label set as it stands in the keys of groups: `{alertname="Down", job="api"}`.
pub fn label_text(labels: &Labels) -> String {
    let pair = |(name, value): (&str, &str)| {
        let name = if is_legacy_label_name(name) { name.to_owned() } else { quote(name) };
        format!("{name}={}", quote(value))
    };
    format!("{{{}}}", labels.iter().map(pair).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(starts_at: i64, ends_at: Option<i64>, updated_at: i64, is_timeout: bool) -> RoutedAlert {
        let (labels, annotations, generator_url) = (Labels::empty(), Vec::new(), String::new());
        RoutedAlert { labels, annotations, starts_at, ends_at, updated_at, is_timeout, generator_url, hush: None }
    }

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        for (pairs, expected) in
            [(&[][..], 0xcbf2_9ce4_8422_2325), (&[("name", "garland, briggs"), ("fear", "love is not enough")], 5_799_056_148_416_392_346)]
        {
            assert_eq!(fingerprint(&Labels::from_pairs(pairs.iter().copied())), expected, "{pairs:?}");
        }
        let labels = Labels::from_pairs([("b", "x\"y"), ("a.b", "1")]);
        assert_eq!(label_text(&labels), r#"{"a.b"="1", b="x\"y"}"#);
        assert_eq!(label_text(&Labels::empty()), "{}");
    }

    #[test]
    fn overlapping_reports_of_an_alert_become_one() {
        let now = 100;
        for (what, old, new, starts_at, ends_at) in [
            ("after it", alert(0, Some(10), 1, false), alert(20, Some(300), 2, true), 20, Some(300)),
            ("a later timeout counts", alert(0, Some(200), 1, true), alert(50, Some(300), 2, true), 0, Some(300)),
            ("the resolution counts over a timeout", alert(0, Some(200), 1, true), alert(0, Some(90), 2, false), 0, Some(90)),
            ("an explicit later end stays", alert(0, Some(400), 1, false), alert(50, Some(300), 2, true), 0, Some(400)),
            ("an old report changes little", alert(10, Some(300), 5, true), alert(5, Some(200), 2, true), 5, Some(300)),
        ] {
            let merged = old.updated_by(new, now);
            assert_eq!((merged.starts_at, merged.ends_at), (starts_at, ends_at), "{what}");
        }
    }
}
