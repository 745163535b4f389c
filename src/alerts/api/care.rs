//! What people do about an alert that fires: acknowledge, assign, comment, snooze. These endpoints are ours; the envelope
//! is Prometheus'.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::calm::text_of;
use crate::access::{Caller, Change};
use crate::alerts::calm::{Deed, Handling, Note};
use crate::alerts::dispatch::{AlertView, DispatchError};
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers};
use crate::alerts::model::silence::Silence;
use crate::base::time::{Duration, format_rfc3339, parse_rfc3339, parse_timestamp};
use crate::platform::http::envelope::{ApiError, success};
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;

/// Bytes of a body at most.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Characters of a comment at most.
pub const COMMENT_MAX: usize = 4_000;
/// Characters of a person's name at most.
pub const PERSON_MAX: usize = 200;
/// Longest snooze.
const SNOOZE_MAX: Duration = Duration::from_secs(30 * 86_400);

/// The alert of an address.
#[derive(Debug, Clone, Copy)]
struct Name(u64);

impl Name {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let read = (text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| u64::from_str_radix(text, 16).ok());
        read.flatten().map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            ApiError::bad(format!("{shown:?} is no fingerprint of an alert: that is 16 hexadecimal digits, as /api/v2/alerts shows it"))
        })
    }

    fn text(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignee {
    person: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Snooze {
    r#for: Option<String>,
    until: Option<String>,
}

async fn body<T: DeserializeOwned>(request: Request<Body>, allowed: &str) -> Result<(T, String), ApiError> {
    let (text, by) = text_of(request, BODY_BYTES_MAX).await?;
    let read = serde_json::from_str(&text).map_err(|error| ApiError::bad(format!("the body must be {allowed}: {error}")))?;
    Ok((read, by))
}

/// The name of a person, or why it is none.
pub fn person(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_good = !name.is_empty() && name.chars().count() <= PERSON_MAX && !name.chars().any(char::is_control);
    if is_good { Ok(name.to_owned()) } else { Err(format!("person: must be a name of 1 to {PERSON_MAX} characters in one line")) }
}

/// A comment, or why it is none.
pub fn comment(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    let is_good = !text.is_empty() && text.chars().count() <= COMMENT_MAX && !text.chars().any(is_odd);
    if is_good { Ok(text) } else { Err(format!("text: must be 1 to {COMMENT_MAX} characters without control characters but line breaks")) }
}

/// The silence of a snooze: exactly the alert's labels, from now on until an instant (milliseconds since the Unix epoch).
///
/// # Errors
/// When the instant is past, or more than thirty days away.
pub fn snooze_silence(labels: &Labels, by: &str, now: i64, until: i64) -> Result<Silence, String> {
    if until <= now || until - now > SNOOZE_MAX.ms() {
        return Err(format!("{} is not within the next {SNOOZE_MAX}, which is the longest snooze", format_rfc3339(until)));
    }
    let matcher = |(name, value): (&str, &str)| Matcher::new(name, MatchOp::Equal, value).map_err(|error| error.to_string());
    Ok(Silence {
        id: String::new(),
        matchers: labels.iter().map(matcher).collect::<Result<Matchers, _>>()?,
        starts_at: now,
        ends_at: until,
        updated_at: now,
        created_by: by.to_owned(),
        comment: format!("Snoozed by {by}"),
        annotations: Vec::new(),
    })
}

fn handling_json(handling: &Handling) -> Json {
    let acknowledged = handling.acknowledged.as_ref().map(|ack| json!({ "by": ack.by, "at": format_rfc3339(ack.at) }));
    json!({ "acknowledged": acknowledged, "assignee": handling.assignee })
}

fn labels_json(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// What the audit log has of a deed.
pub fn done_change(fingerprint: u64, deed: &Deed, labels: Option<&Labels>) -> Change {
    let (action, said) = match deed {
        Deed::Acknowledge => ("alert.acknowledge", json!({})),
        Deed::Release => ("alert.release", json!({})),
        Deed::Assign(person) => ("alert.assign", json!({ "person": person })),
        Deed::Comment(text) => ("alert.comment", json!({ "text": text })),
    };
    let mut after = said;
    after["alert"] = labels.map(labels_json).unwrap_or_default();
    Change::new(action, Name(fingerprint).text()).after(after)
}

async fn act(state: &ApiState, name: Name, deed: Deed, by: &str) -> Result<Response, ApiError> {
    let view = state.routing.alert(name.0);
    let handling = state.routing.handle(name.0, deed.clone(), by).await?;
    let change = done_change(name.0, &deed, view.as_ref().map(|view| &view.alert.labels));
    Ok(change.in_answer(success(&handling_json(&handling))))
}

fn actor(request: &Request<Body>) -> String {
    request.extensions().get::<Caller>().map_or_else(String::new, Caller::actor)
}

/// `POST /api/v1/alerts/{fingerprint}/acknowledgement`: who asks takes care of the alert.
pub async fn acknowledge(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    act(&state, Name::parse(&name)?, Deed::Acknowledge, &actor(&request)).await
}

/// `DELETE /api/v1/alerts/{fingerprint}/acknowledgement`: nobody takes care of it any more.
pub async fn release(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    act(&state, Name::parse(&name)?, Deed::Release, &actor(&request)).await
}

/// `PUT /api/v1/alerts/{fingerprint}/assignee`: `{"person": "Eve"}`, whose it is.
pub async fn assign(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let name = Name::parse(&name)?;
    let (wanted, by): (Assignee, _) = body(request, "{\"person\": \"…\"}").await?;
    let person = person(&wanted.person).map_err(ApiError::bad)?;
    act(&state, name, Deed::Assign(Some(person)), &by).await
}

/// `DELETE /api/v1/alerts/{fingerprint}/assignee`: it is nobody's.
pub async fn unassign(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    act(&state, Name::parse(&name)?, Deed::Assign(None), &actor(&request)).await
}

/// `POST /api/v1/alerts/{fingerprint}/comments`: `{"text": "…"}`.
pub async fn say(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let name = Name::parse(&name)?;
    let (said, by): (Comment, _) = body(request, "{\"text\": \"…\"}").await?;
    let text = comment(&said.text).map_err(ApiError::bad)?;
    act(&state, name, Deed::Comment(text), &by).await
}

/// `GET /api/v1/alerts/{fingerprint}/notes`: how the alert is taken care of, and what people did about it from `start`
/// (everything unless given) on, newest first. Of an alert that is over the notes are still there.
pub async fn notes(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let name = Name::parse(&name)?;
    let params = Params::from_request(request).await?;
    let from = match params.get("start") {
        None => i64::MIN,
        Some(text) => {
            parse_timestamp(text).ok_or_else(|| ApiError::parameter("start", format_args!("cannot parse {text:?} to a valid timestamp")))?
        }
    };
    let notes = state.routing.notes(vec![name.0], from).await?;
    let handling = state.routing.alert(name.0).map(|view| handling_json(&view.handling));
    Ok(success(&json!({ "handling": handling, "notes": notes.iter().map(note_json).collect::<Vec<_>>() })))
}

fn note_json(note: &Note) -> Json {
    let mut shown = json!({ "at": format_rfc3339(note.at), "by": note.by });
    let deed = match &note.deed {
        Deed::Acknowledge => "acknowledge",
        Deed::Release => "release",
        Deed::Assign(person) => {
            shown["person"] = json!(person);
            "assign"
        }
        Deed::Comment(text) => {
            shown["text"] = json!(text);
            "comment"
        }
    };
    shown["deed"] = json!(deed);
    shown
}

/// `POST /api/v1/alerts/{fingerprint}/snooze`: `{"for": "4h"}` or `{"until": "2026-11-23T09:00:00Z"}`, at most thirty days.
/// Makes an ordinary silence with exactly the alert's labels.
pub async fn snooze(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let name = Name::parse(&name)?;
    let (wanted, by): (Snooze, _) = body(request, "{\"for\": \"4h\"} or {\"until\": \"2026-11-23T09:00:00Z\"}").await?;
    let AlertView { alert, .. } = state.routing.alert(name.0).ok_or(DispatchError::NoAlert(name.0))?;
    let now = state.clock.now_ms();
    let until = until(&wanted, now).map_err(ApiError::bad)?;
    let silence = snooze_silence(&alert.labels, &by, now, until).map_err(ApiError::bad)?;
    let id = state.routing.put_silence(silence).await?;
    let change = snoozed_change(name.0, &id, until, &alert.labels);
    Ok(change.in_answer(success(&json!({ "silenceID": id, "endsAt": format_rfc3339(until) }))))
}

/// What the audit log has of a snooze.
pub fn snoozed_change(fingerprint: u64, silence: &str, until: i64, labels: &Labels) -> Change {
    let after = json!({ "silenceID": silence, "endsAt": format_rfc3339(until), "alert": labels_json(labels) });
    Change::new("alert.snooze", Name(fingerprint).text()).after(after)
}

fn until(wanted: &Snooze, now: i64) -> Result<i64, String> {
    match (&wanted.r#for, &wanted.until) {
        (Some(length), None) => match Duration::parse(length) {
            Ok(length) => Ok(now.saturating_add(length.ms())),
            Err(error) => Err(format!("for: {error}; write a duration such as \"4h\"")),
        },
        (None, Some(until)) => parse_rfc3339(until).ok_or_else(|| "until: is not a time such as \"2026-11-23T09:00:00Z\"".to_owned()),
        _ => Err("either \"for\" or \"until\" must be given".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snoozes_are_bounded() {
        let now = parse_rfc3339("2026-11-22T00:00:00Z").unwrap();
        let labels = Labels::from_pairs([("alertname", "Disk"), ("path", "/a\"b")]);
        let made = |length: Option<&str>, at: Option<&str>| {
            let wanted = Snooze { r#for: length.map(str::to_owned), until: at.map(str::to_owned) };
            let made = until(&wanted, now).and_then(|until| snooze_silence(&labels, "eve", now, until));
            made.map(|silence| (silence.matchers.to_string(), format_rfc3339(silence.ends_at), silence.comment))
        };
        let good = |end: &str| Ok(("{alertname=\"Disk\",path=\"/a\\\"b\"}".to_owned(), end.to_owned(), "Snoozed by eve".to_owned()));
        assert_eq!(made(Some("4h"), None), good("2026-11-22T04:00:00Z"));
        assert_eq!(made(None, Some("2026-11-22T09:00:00+01:00")), good("2026-11-22T08:00:00Z"));
        for (length, at, why) in [
            (Some("31d"), None, "is not within the next 30d"),
            (Some("0s"), None, "is not within"),
            (Some("soon"), None, "for: not a valid duration"),
            (None, Some("2026-11-21T09:00:00Z"), "is not within"),
            (None, Some("9999-12-31T23:59:59Z"), "is not within"),
            (None, Some("soon"), "until: is not a time"),
            (Some("1h"), Some("2026-11-23T09:00:00Z"), "either"),
            (None, None, "either"),
        ] {
            let said = made(length, at).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn texts_of_people_are_bounded() {
        assert_eq!((person(" Eve "), comment(" a\r\nb ")), (Ok("Eve".to_owned()), Ok("a\nb".to_owned())));
        for text in [String::new(), " ".to_owned(), "a\nb".to_owned(), "x".repeat(201)] {
            assert!(person(&text).is_err(), "{text}");
        }
        for text in [" ".to_owned(), "a\u{0}b".to_owned(), "x".repeat(4_001)] {
            assert!(comment(&text).is_err(), "{text}");
        }
        assert!(comment(&"ü".repeat(4_000)).is_ok());
        for (text, good) in [("00ff00ff00ff00ff", true), ("ff", false), ("00ff00ff00ff00fg", false), ("+0ff00ff00ff00ff", false)] {
            assert_eq!(Name::parse(text).is_ok(), good, "{text}");
        }
    }
}
