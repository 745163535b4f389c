//! Alerts: asked for, alone or in groups, and handed over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::V2State;
use super::answer::{FORMAT, REQUIRED, Refusal, done, good};
use super::read::{Wanted, body, takes_json};
use super::wire::{AlertJson, GroupJson, LabelMap, PostedAlert, ReceiverJson};
use crate::alerts::dispatch::AlertView;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::route::groups::alert_order;
use crate::base::limits::{BODY_BYTES_MAX, LABEL_SET_BYTES_MAX, LABELS_PER_SERIES_MAX};
use crate::platform::http::extract::Params;
use crate::series::labels::{Labels, quote};

/// Most alerts in one request.
const ALERTS_MAX: usize = 10_000;
/// Most mistakes that one answer tells.
const MISTAKES_MAX: usize = 20;

/// `GET /api/v2/alerts`.
pub async fn alerts(State(state): State<Arc<V2State>>, request: Request<Body>) -> Result<Response, Refusal> {
    takes_json(request.headers())?;
    let wanted = Wanted::from_params(&Params::from_request(request).await?)?;
    let now = state.clock.now_ms();
    let views = state.routing.alerts();
    let mut found: Vec<&AlertView> = views.iter().filter(|view| is_wanted(view, &wanted, now)).collect();
    if let Some(receiver) = &wanted.receiver {
        found.retain(|view| view.receivers.iter().any(|name| receiver.is_match(name)));
    }
    found.sort_by_key(|view| view.alert.fingerprint());
    let shown: Vec<AlertJson<'_>> = found.into_iter().map(|view| AlertJson::new(view, names(view), &[])).collect();
    Ok(good(&shown))
}

/// `GET /api/v2/alerts/groups`.
pub async fn groups(State(state): State<Arc<V2State>>, request: Request<Body>) -> Result<Response, Refusal> {
    takes_json(request.headers())?;
    let wanted = Wanted::from_params(&Params::from_request(request).await?)?;
    let now = state.clock.now_ms();
    let mut shown = Vec::new();
    let groups = state.routing.groups();
    for group in &groups {
        let is_other = wanted.receiver.as_ref().is_some_and(|receiver| !receiver.is_match(&group.receiver));
        if is_other || (!wanted.muted && !group.muted_by.is_empty()) {
            continue;
        }
        let mut alerts: Vec<&AlertView> = group.alerts.iter().filter(|view| is_wanted(view, &wanted, now)).collect();
        if alerts.is_empty() {
            continue;
        }
        alerts.sort_by(|a, b| alert_order(&a.alert, &b.alert));
        let json = |view| {
            let mut names = names(view);
            names.sort_unstable();
            names.dedup();
            AlertJson::new(view, names, &group.muted_by)
        };
        shown.push(GroupJson {
            alerts: alerts.into_iter().map(json).collect(),
            labels: LabelMap(&group.labels),
            receiver: ReceiverJson { name: &group.receiver },
        });
    }
    Ok(good(&shown))
}

fn names(view: &AlertView) -> Vec<&str> {
    view.receivers.iter().map(|name| &**name).collect()
}

fn is_wanted(view: &AlertView, wanted: &Wanted, now: i64) -> bool {
    let (alert, marks) = (&view.alert, &view.marks);
    let is_over = alert.ends_at.is_some_and(|end| end < now);
    let is_silenced = !marks.silenced_by.is_empty();
    let is_inhibited = !marks.inhibited_by.is_empty();
    let is_hushed = marks.hush.is_some();
    let is_active = !is_silenced && !is_inhibited && !is_hushed;
    !is_over
        && (wanted.active || !is_active)
        && (wanted.silenced || !is_silenced)
        && (wanted.inhibited || !is_inhibited)
        && (wanted.muted || !is_hushed)
        && wanted.matchers.iter().all(|matcher| matcher.matches(alert.labels.get(&matcher.name).unwrap_or("")))
}

/// `POST /api/v2/alerts`. Those that are right are taken even if others are not.
pub async fn post(State(state): State<Arc<V2State>>, request: Request<Body>) -> Result<Response, Refusal> {
    let posted: Option<Option<Vec<PostedAlert>>> = body(request, BODY_BYTES_MAX, "alerts").await?;
    let Some(posted) = posted else { return Err(Refusal::invalid(REQUIRED, "alerts in body is required")) };
    let posted = posted.unwrap_or_default();
    if posted.len() > ALERTS_MAX {
        return Err(Refusal::bad(format!("{} alerts in one request, more than {ALERTS_MAX}", posted.len())));
    }
    for (index, alert) in posted.iter().enumerate() {
        check(index, alert)?;
    }
    let now = state.clock.now_ms();
    let resolve_timeout = state.routing.in_force().config.global.resolve_timeout.ms();
    let mut good = Vec::with_capacity(posted.len());
    let mut mistakes = Vec::new();
    for alert in posted {
        match routed(alert, now, resolve_timeout) {
            Ok(alert) => good.push(alert),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if !good.is_empty() {
        state.routing.post(good).await?;
    }
    if mistakes.is_empty() { Ok(done()) } else { Err(Refusal::bad(told(mistakes))) }
}

fn told(mut mistakes: Vec<String>) -> String {
    let more = mistakes.len().saturating_sub(MISTAKES_MAX);
    mistakes.truncate(MISTAKES_MAX);
    let mut text = mistakes.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// What the interface asks of an alert, whatever it says.
fn check(index: usize, alert: &PostedAlert) -> Result<(), Refusal> {
    if let Some(url) = alert.generator_url.as_deref().filter(|url| !url.is_empty() && !is_uri(url)) {
        let shown: String = url.chars().take(200).collect();
        return Err(Refusal::invalid(FORMAT, format!("{index}.generatorURL in body must be of type uri: {}", quote(&shown))));
    }
    if alert.labels.is_none() {
        return Err(Refusal::invalid(REQUIRED, format!("{index}.labels in body is required")));
    }
    Ok(())
}

/// A path from the root, or anything with a scheme.
fn is_uri(text: &str) -> bool {
    if text.chars().any(char::is_control) {
        return false;
    }
    let scheme_is_good = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match text.split_once(':') {
        _ if text.starts_with('/') => true,
        // Hosts hold no blanks.
        Some((scheme, rest)) if scheme_is_good(scheme) => {
            rest.strip_prefix("//").is_none_or(|rest| !rest.split(['/', '?', '#']).next().unwrap_or("").contains(' '))
        }
        _ => false,
    }
}

/// The alert as routing takes it, its times filled in as upstream does.
fn routed(posted: PostedAlert, now: i64, resolve_timeout: i64) -> Result<RoutedAlert, String> {
    let (starts_at, ends_at) = (posted.starts_at.and_then(|at| at.known()), posted.ends_at.and_then(|at| at.known()));
    let alert = RoutedAlert {
        labels: labels(posted.labels.unwrap_or_default())?,
        annotations: posted.annotations.unwrap_or_default().into_iter().map(|(name, text)| (name, text.unwrap_or_default())).collect(),
        starts_at: starts_at.or(ends_at).unwrap_or(now),
        ends_at: Some(ends_at.unwrap_or_else(|| now.saturating_add(resolve_timeout))),
        updated_at: now,
        is_timeout: ends_at.is_none(),
        generator_url: posted.generator_url.unwrap_or_default(),
        hush: None,
    };
    if alert.ends_at.is_some_and(|end| end < alert.starts_at) {
        return Err("start time must be before end time".to_owned());
    }
    if alert.labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    if let Some((name, _)) = alert.annotations.iter().find(|(name, _)| name.is_empty()) {
        return Err(format!("invalid annotations: invalid name {}", quote(name)));
    }
    Ok(alert)
}

/// Labels without those that say nothing.
fn labels(posted: BTreeMap<String, Option<String>>) -> Result<Labels, String> {
    let given: HashMap<&str, &str> =
        posted.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?))).filter(|(_, value)| !value.is_empty()).collect();
    if given.contains_key("") {
        return Err("invalid label set: invalid name \"\"".to_owned());
    }
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > LABELS_PER_SERIES_MAX || bytes > LABEL_SET_BYTES_MAX {
        let most = format!("more than {LABELS_PER_SERIES_MAX} labels or {LABEL_SET_BYTES_MAX} bytes");
        return Err(format!("invalid label set: {} labels with {bytes} bytes, {most}", given.len()));
    }
    Ok(Labels::from_pairs(given))
}
