//! `rules`, `alerts` and `alertmanagers`, to the byte as Prometheus answers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::response::Response;
use http::Request;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::json;

use super::ApiState;
use crate::alerts::evaluate::{Running, RunningRule};
use crate::alerts::model::{Alert, Alerting, Kind, Language, State};
use crate::base::float;
use crate::base::time::format_rfc3339;
use crate::platform::http::envelope::{ApiError, success};
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// What upstream shows for an instant that was not.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Which rules are wanted.
struct Wanted {
    /// Of both languages without one.
    language: Option<Language>,
    kind: Option<bool>,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    matchers: Vec<Vec<Matcher>>,
    without_alerts: bool,
    page: Option<(usize, Option<String>)>,
}

impl Wanted {
    fn from_params(params: &Params, state: &ApiState, language: Option<Language>) -> Result<Self, ApiError> {
        let kind = params.get("type").unwrap_or("").to_lowercase();
        let kind = match kind.as_str() {
            "" => None,
            "alert" => Some(true),
            "record" => Some(false),
            _ => return Err(ApiError::parameter("type", format_args!("not supported value {kind:?}"))),
        };
        let texts = |name: &str| params.all(name).map(str::to_owned).collect::<Vec<_>>();
        let mut matchers = Vec::new();
        for selector in params.all("match[]") {
            let shape = (state.read_query)(Language::PromQl, selector)
                .map_err(|error| ApiError::bad(format!("invalid parameter \"match[]\": {error}")))?;
            matchers.extend(shape.selectors);
        }
        Ok(Self {
            language,
            kind,
            names: texts("rule_name[]"),
            groups: texts("rule_group[]"),
            files: texts("file[]"),
            matchers,
            without_alerts: truth(params)?,
            page: page(params)?,
        })
    }

    fn wants_group(&self, group: &Running) -> bool {
        let named = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
        self.language.is_none_or(|language| language == group.group.language)
            && named(&self.files, &group.group.file)
            && named(&self.groups, &group.group.name)
    }

    fn wants(&self, rule: &RunningRule) -> bool {
        let declared = &rule.prepared.rule;
        let is_alerting = matches!(declared.kind, Kind::Alerting(_));
        let labels = Labels::from_pairs(declared.labels.iter().map(|(name, value)| (name, value)));
        self.kind.is_none_or(|wanted| wanted == is_alerting)
            && (self.names.is_empty() || self.names.contains(&declared.name))
            && (self.matchers.is_empty() || self.matchers.iter().any(|all| all.iter().all(|matcher| matcher.matches_labels(&labels))))
    }
}

fn truth(params: &Params) -> Result<bool, ApiError> {
    let text = params.get("exclude_alerts").unwrap_or("").to_lowercase();
    match text.as_str() {
        "" | "0" | "f" | "false" => Ok(false),
        "1" | "t" | "true" => Ok(true),
        _ => {
            let why = format!("error converting exclude_alerts: strconv.ParseBool: parsing {text:?}: invalid syntax");
            Err(ApiError::parameter("exclude_alerts", why))
        }
    }
}

/// The page of groups that is asked for: how many, and the token of the first.
fn page(params: &Params) -> Result<Option<(usize, Option<String>)>, ApiError> {
    let (limit, next) = (params.get("group_limit"), params.get("group_next_token"));
    let Some(limit) = limit else {
        return match next {
            None => Ok(None),
            Some(_) => {
                let why = "group_limit needs to be present in order to paginate over the groups";
                Err(ApiError::parameter("group_next_token", why))
            }
        };
    };
    match limit.parse::<i32>() {
        Err(_) => {
            let why = format!("group_limit needs to be a valid number: strconv.ParseInt: parsing {limit:?}: invalid syntax");
            Err(ApiError::parameter("group_limit", why))
        }
        Ok(..=0) => Err(ApiError::parameter("group_limit", "group_limit needs to be greater than 0")),
        Ok(limit) => Ok(Some((usize::try_from(limit).unwrap_or(usize::MAX), next.map(str::to_owned)))),
    }
}

/// Names a group in pages: upstream takes a hash of file and name, too.
fn token(group: &Running) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(format!("{};{}", group.group.file, group.group.name).as_bytes());
    format!("{hash:032x}")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discovery<'a> {
    groups: Vec<GroupJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupJson<'a> {
    name: &'a str,
    file: &'a str,
    rules: Vec<RuleJson<'a>>,
    interval: Seconds,
    limit: u64,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RuleJson<'a> {
    Alerting(AlertingJson<'a>),
    Recording(RecordingJson<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertingJson<'a> {
    state: &'static str,
    name: &'a str,
    query: &'a str,
    duration: Seconds,
    keep_firing_for: Seconds,
    labels: Pairs<'a>,
    annotations: Pairs<'a>,
    alerts: Vec<AlertJson>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordingJson<'a> {
    name: &'a str,
    query: &'a str,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    labels: Pairs<'a>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct AlertsJson {
    alerts: Vec<AlertJson>,
}

/// An alert as both endpoints show it.
struct AlertJson(Alert);

impl Serialize for AlertJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let alert = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("labels", &LabelPairs(&alert.labels))?;
        map.serialize_entry("annotations", &Pairs(&alert.annotations))?;
        map.serialize_entry("state", alert.state.as_str())?;
        map.serialize_entry("activeAt", &format_rfc3339(alert.active_at))?;
        if let Some(since) = alert.keep_firing_since {
            map.serialize_entry("keepFiringSince", &format_rfc3339(since))?;
        }
        map.serialize_entry("value", &float::exponent(alert.value))?;
        map.end()
    }
}

/// Seconds, as a whole number where they are one.
struct Seconds(f64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 { serializer.serialize_i64(self.0 as i64) } else { serializer.serialize_f64(self.0) }
    }
}

/// Names and values as a map.
struct Pairs<'a>(&'a [(String, String)]);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Labels as an object.
pub(super) struct LabelPairs<'a>(pub(super) &'a Labels);

impl Serialize for LabelPairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

/// `GET /api/v1/rules`.
pub async fn rules(AxumState(state): AxumState<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    answer_rules(&state, request, None).await
}

/// Rules of one language, or of both.
pub(super) async fn answer_rules(state: &ApiState, request: Request<Body>, language: Option<Language>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let wanted = Wanted::from_params(&params, state, language)?;
    let all = state.groups.groups();
    let mut groups: Vec<&Running> = all.iter().map(AsRef::as_ref).filter(|group| wanted.wants_group(group)).collect();
    groups.sort_by(|one, other| (&one.group.file, &one.group.name).cmp(&(&other.group.file, &other.group.name)));
    let mut group_next_token = None;
    if let Some((limit, first)) = &wanted.page {
        if let Some(first) = first {
            let at = groups.iter().position(|group| token(group) == *first);
            let Some(at) = at else {
                let why = format_args!("invalid group_next_token '{first}'. were rule groups changed?");
                return Err(ApiError::parameter("group_next_token", why));
            };
            groups.drain(..at);
        }
        group_next_token = groups.get(*limit).map(|group| token(group));
        groups.truncate(*limit);
    }
    let is_filtered = wanted.kind.is_some() || !wanted.names.is_empty() || !wanted.matchers.is_empty();
    let groups = groups.into_iter().map(|group| group_json(group, &wanted)).filter(|group| !is_filtered || !group.rules.is_empty());
    Ok(success(&Discovery { groups: groups.collect(), group_next_token }))
}

fn group_json<'a>(group: &'a Running, wanted: &Wanted) -> GroupJson<'a> {
    let last = group.last();
    GroupJson {
        name: &group.group.name,
        file: &group.group.file,
        rules: group.rules.iter().filter(|rule| wanted.wants(rule)).map(|rule| rule_json(rule, wanted.without_alerts)).collect(),
        interval: Seconds(group.interval().secs_f64()),
        limit: group.group.limit,
        evaluation_time: last.map_or(0.0, |last| last.took.as_secs_f64()),
        last_evaluation: last.map_or_else(|| NEVER.to_owned(), |last| format_rfc3339(last.at)),
    }
}

fn rule_json(rule: &RunningRule, without_alerts: bool) -> RuleJson<'_> {
    let health = rule.health.lock().clone();
    let declared = &rule.prepared.rule;
    let last_evaluation = health.at.map_or_else(|| NEVER.to_owned(), format_rfc3339);
    let evaluation_time = health.took.as_secs_f64();
    match &declared.kind {
        Kind::Recording => RuleJson::Recording(RecordingJson {
            name: &declared.name,
            query: &rule.prepared.text,
            labels: Pairs(&declared.labels),
            health: health.state.as_str(),
            last_error: health.error,
            evaluation_time,
            last_evaluation,
            kind: "recording",
        }),
        Kind::Alerting(Alerting { hold, keep_firing, annotations }) => {
            let alerts = rule.alerts.lock();
            RuleJson::Alerting(AlertingJson {
                state: alerts.state().as_str(),
                name: &declared.name,
                query: &rule.prepared.text,
                duration: Seconds(hold.secs_f64()),
                keep_firing_for: Seconds(keep_firing.secs_f64()),
                labels: Pairs(&declared.labels),
                annotations: Pairs(annotations),
                alerts: if without_alerts { Vec::new() } else { shown(alerts.iter()) },
                health: health.state.as_str(),
                last_error: health.error,
                evaluation_time,
                last_evaluation,
                kind: "alerting",
            })
        }
    }
}

/// Alerts that are on: upstream does not show those that are over.
fn shown<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<AlertJson> {
    alerts.filter(|alert| alert.state != State::Inactive).cloned().map(AlertJson).collect()
}

/// `GET /api/v1/alerts`.
pub async fn alerts(AxumState(state): AxumState<Arc<ApiState>>) -> Response {
    answer_alerts(&state, None)
}

/// Alerts of one language, or of both.
pub(super) fn answer_alerts(state: &ApiState, language: Option<Language>) -> Response {
    let groups = state.groups.groups();
    let groups = groups.iter().filter(|group| language.is_none_or(|language| language == group.group.language));
    let alerts: Vec<AlertJson> = groups.flat_map(|group| &group.rules).flat_map(|rule| shown(rule.alerts.lock().iter())).collect();
    success(&AlertsJson { alerts })
}

/// `GET /api/v1/alertmanagers`.
pub async fn alertmanagers(AxumState(state): AxumState<Arc<ApiState>>) -> Response {
    let (active, dropped) = state.outside.alertmanagers();
    let listed = |urls: Vec<String>| urls.into_iter().map(|url| json!({ "url": url })).collect::<Vec<_>>();
    success(&json!({ "activeAlertmanagers": listed(active), "droppedAlertmanagers": listed(dropped) }))
}
