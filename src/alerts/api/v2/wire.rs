//! Shapes of answers, fields in upstream's order, and times as it prints them.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::alerts::dispatch::AlertView;
use crate::alerts::model::matcher::Matcher;
use crate::alerts::model::silence::{Silence, SilenceState};
use crate::base::time::{format_rfc3339, parse_rfc3339};
use crate::series::labels::Labels;

/// The first instant of the calendar: what clients send for a time that they do not know.
const YEAR_ONE: i64 = -62_135_596_800_000;

/// An instant in milliseconds since the Unix epoch, printed with all three digits: `2026-11-21T07:00:00.500Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub i64);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = format_rfc3339(self.0.div_euclid(1000) * 1000);
        let whole = whole.strip_suffix('Z').unwrap_or(&whole);
        serializer.collect_str(&format_args!("{whole}.{:03}Z", self.0.rem_euclid(1000)))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match parse_instant(&text) {
            Some(ms) => Ok(Self(ms)),
            None => {
                let shown: String = text.chars().take(64).collect();
                Err(serde::de::Error::custom(format_args!("{shown:?} is no time such as 2026-11-21T07:00:00Z")))
            }
        }
    }
}

impl Instant {
    /// The time, unless the client did not know any.
    pub fn known(self) -> Option<i64> {
        (self.0 != YEAR_ONE).then_some(self.0)
    }
}

/// The forms that upstream's server reads: RFC 3339, its zone also without a colon or missing (UTC), seconds missing, a
/// space instead of `T`. No text at all is the Unix epoch.
fn parse_instant(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    if let Some(ms) = parse_rfc3339(text) {
        return Some(ms);
    }
    let text = text.replacen(' ', "T", 1);
    let (date, time) = text.split_once('T')?;
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let zone = match zone {
        "" => "Z".to_owned(),
        zone if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        zone => zone.to_owned(),
    };
    parse_rfc3339(&format!("{date}T{clock}{seconds}{zone}"))
}

/// A label set as a map.
pub struct LabelMap<'a>(pub &'a Labels);

impl Serialize for LabelMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Names and values as a map.
pub struct Pairs<'a>(pub &'a [(String, String)]);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A receiver.
#[derive(Serialize)]
pub struct ReceiverJson<'a> {
    pub name: &'a str,
}

/// An alert.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertJson<'a> {
    annotations: Pairs<'a>,
    ends_at: Instant,
    fingerprint: String,
    receivers: Vec<ReceiverJson<'a>>,
    starts_at: Instant,
    status: AlertStatusJson<'a>,
    updated_at: Instant,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: LabelMap<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertStatusJson<'a> {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: &'a [String],
    state: &'static str,
}

impl<'a> AlertJson<'a> {
    /// An alert that goes to `receivers`, in a group kept back by the times `muted_by`. Why its sender wants nobody told
    /// stands beside those.
    pub fn new(view: &'a AlertView, receivers: Vec<&'a str>, muted_by: &'a [String]) -> Self {
        let (alert, marks) = (&view.alert, &view.marks);
        let muted_by: Vec<String> = muted_by.iter().cloned().chain(marks.hush.as_ref().map(ToString::to_string)).collect();
        let is_told = marks.inhibited_by.is_empty() && marks.silenced_by.is_empty() && muted_by.is_empty();
        Self {
            annotations: Pairs(&alert.annotations),
            ends_at: Instant(alert.ends_at.unwrap_or(YEAR_ONE)),
            fingerprint: hex(alert.fingerprint()),
            receivers: receivers.into_iter().map(|name| ReceiverJson { name }).collect(),
            starts_at: Instant(alert.starts_at),
            status: AlertStatusJson {
                inhibited_by: marks.inhibited_by.iter().copied().map(hex).collect(),
                muted_by,
                silenced_by: &marks.silenced_by,
                state: if is_told { "active" } else { "suppressed" },
            },
            updated_at: Instant(alert.updated_at),
            generator_url: &alert.generator_url,
            labels: LabelMap(&alert.labels),
        }
    }
}

fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// A group.
#[derive(Serialize)]
pub struct GroupJson<'a> {
    pub alerts: Vec<AlertJson<'a>>,
    pub labels: LabelMap<'a>,
    pub receiver: ReceiverJson<'a>,
}

/// A silence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilenceJson<'a> {
    id: &'a str,
    status: SilenceStatusJson,
    updated_at: Instant,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    annotations: Pairs<'a>,
    comment: &'a str,
    created_by: &'a str,
    ends_at: Instant,
    matchers: Vec<MatcherJson<'a>>,
    starts_at: Instant,
}

#[derive(Serialize)]
struct SilenceStatusJson {
    state: &'static str,
}

/// A condition of a silence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatcherJson<'a> {
    is_equal: bool,
    is_regex: bool,
    name: &'a str,
    value: &'a str,
}

impl<'a> SilenceJson<'a> {
    /// A silence as it stands at an instant.
    pub fn new(silence: &'a Silence, now: i64) -> Self {
        let matcher = |matcher: &'a Matcher| MatcherJson {
            is_equal: matcher.is_equal(),
            is_regex: matcher.is_regex(),
            name: &matcher.name,
            value: &matcher.value,
        };
        Self {
            id: &silence.id,
            status: SilenceStatusJson { state: silence.state(now).as_str() },
            updated_at: Instant(silence.updated_at),
            annotations: Pairs(&silence.annotations),
            comment: &silence.comment,
            created_by: &silence.created_by,
            ends_at: Instant(silence.ends_at),
            matchers: silence.matchers.iter().map(matcher).collect(),
            starts_at: Instant(silence.starts_at),
        }
    }
}

/// The order of silences: active ones that end first, then those that begin first, then those that ended last.
pub fn silence_order(silence: &Silence, now: i64) -> (SilenceState, i64) {
    let state = silence.state(now);
    let at = match state {
        SilenceState::Active => silence.ends_at,
        SilenceState::Pending => silence.starts_at,
        SilenceState::Expired => silence.ends_at.saturating_neg(),
    };
    (state, at)
}

/// An alert as it is sent. What is null is missing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedAlert {
    pub labels: Option<BTreeMap<String, Option<String>>>,
    pub annotations: Option<BTreeMap<String, Option<String>>>,
    pub starts_at: Option<Instant>,
    pub ends_at: Option<Instant>,
    #[serde(rename = "generatorURL")]
    pub generator_url: Option<String>,
}

/// A silence as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedSilence {
    pub id: Option<String>,
    pub matchers: Option<Vec<PostedMatcher>>,
    pub starts_at: Option<Instant>,
    pub ends_at: Option<Instant>,
    pub created_by: Option<String>,
    pub comment: Option<String>,
    pub annotations: Option<BTreeMap<String, Option<String>>>,
}

/// A condition as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedMatcher {
    pub name: Option<String>,
    pub value: Option<String>,
    pub is_regex: Option<bool>,
    pub is_equal: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_upstreams_forms_and_printed_in_one() {
        for (text, printed) in [
            ("2026-01-01T00:00:00.5+02:00", Some("2025-12-31T22:00:00.500Z")),
            ("2026-01-01T00:00:00Z", Some("2026-01-01T00:00:00.000Z")),
            ("2026-01-01T00:00:00.1234+0200", Some("2025-12-31T22:00:00.123Z")),
            ("2026-01-01T00:00:00", Some("2026-01-01T00:00:00.000Z")),
            ("2026-01-01T00:00", Some("2026-01-01T00:00:00.000Z")),
            ("2026-01-01T00:00Z", Some("2026-01-01T00:00:00.000Z")),
            ("2026-01-01 00:00:01", Some("2026-01-01T00:00:01.000Z")),
            ("0001-01-01T00:00:00.000Z", Some("0001-01-01T00:00:00.000Z")),
            ("", Some("1970-01-01T00:00:00.000Z")),
            ("2026-01-01", None),
            ("x", None),
            ("T", None),
            ("2026-01-01T00:00:00+\u{e9}00", None),
        ] {
            let read = serde_json::from_value::<Instant>(serde_json::json!(text)).ok();
            let shown = read.map(|at| serde_json::to_value(at).unwrap());
            assert_eq!(shown, printed.map(Into::into), "{text}");
        }
        assert_eq!(parse_instant("0001-01-01T00:00:00Z").map(|ms| Instant(ms).known()), Some(None));
    }
}
