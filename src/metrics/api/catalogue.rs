//! The catalogue for programs: every metric with what is known of it, as JSON and as a table; descriptions are read and
//! written here. Times are RFC 3339.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Request, header};
use serde_json::{Value as Json, json};

use super::answer::{ApiError, ErrorKind, success};
use crate::access::{Caller, Change, Operation, Policy, RouteInfo, Routes};
use crate::base::clock::SharedClock;
use crate::base::csv;
use crate::base::time::format_rfc3339;
use crate::metrics::model::catalogue::{Catalogue, Detail, Filter, Giver, Metric, NotDescribed, Own, Said, Way, find};
use crate::metrics::model::category::Category;
use crate::metrics::model::naming::better;
use crate::metrics::model::users::User;
use crate::platform::http::envelope::blocking;
use crate::platform::http::extract::read_text;
use crate::series::ports::MetricUse;
use crate::ui::links;

/// Bytes of a description at most.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Columns of the table.
const COLUMNS: [&str; 10] = ["name", "type", "unit", "category", "description", "series", "labels", "used_by", "users", "odd"];

/// What the endpoints work with.
#[derive(Clone)]
pub(in crate::metrics) struct CatalogueState {
    pub(in crate::metrics) catalogue: Arc<dyn Catalogue>,
    pub(in crate::metrics) clock: SharedClock,
}

/// Every endpoint with who may use it.
pub(in crate::metrics) fn routes(state: &CatalogueState) -> Routes {
    let with = |method: axum::routing::MethodRouter<CatalogueState>| method.with_state(state.clone());
    Routes::new()
        .route("GET", "/api/v1/catalogue", Policy::READ, with(get(list)))
        .route("GET", links::CATALOGUE_CSV, Policy::READ, with(get(table)))
        .route("GET", "/api/v1/catalogue/{metric}", Policy::READ, with(get(one)))
        .route("PUT", "/api/v1/catalogue/{metric}", Policy::EDIT, with(axum::routing::put(describe)))
        .route("DELETE", "/api/v1/catalogue/{metric}", Policy::EDIT, with(axum::routing::delete(forget)))
        .described(operation)
}

const FILTERS: &[(&str, &str)] = &[
    ("search", "Words that name or description contain"),
    ("type", "counter, gauge, histogram, summary, info, stateset or unknown"),
    ("about", "usage, performance, reliability, business, security or infrastructure"),
    ("odd", "1 for those whose names have something odd"),
    ("unused", "1 for those that nobody asks for"),
    ("sort", "name, series or users"),
];

fn body() -> Json {
    json!({
        "type": "object",
        "properties": {
            "description": { "type": "string", "description": "What it means" },
            "unit": { "type": "string", "description": "In what it is counted" },
            "category": { "type": "string", "enum": Category::ALL.map(Category::as_str), "description": "What it is about" },
        },
    })
}

const ALL: &[(&str, &str, Operation)] = &[
    ("GET", "/api/v1/catalogue", Operation::new("Every metric, and what is known of it", "A list of metrics").query(FILTERS)),
    ("GET", links::CATALOGUE_CSV, Operation::new("The same as a table in CSV", "").query(FILTERS)),
    ("GET", "/api/v1/catalogue/{metric}", Operation::new("All that is known of a metric, and who asks for it", "The metric")),
    ("PUT", "/api/v1/catalogue/{metric}", Operation::new("Says what a metric means, before what its target says", "The metric").body(body)),
    ("DELETE", "/api/v1/catalogue/{metric}", Operation::new("Forgets what was said of a metric here", "Nothing")),
];

fn operation(route: &RouteInfo) -> Option<Operation> {
    ALL.iter().find(|(methods, path, _)| *methods == route.methods && *path == route.path).map(|(.., operation)| *operation)
}

/// The word for a kind of user.
const fn word(kind: MetricUse) -> &'static str {
    match kind {
        MetricUse::Board => "dashboard",
        MetricUse::Rule => "rule",
        MetricUse::Kpi => "kpi",
        MetricUse::Slo => "slo",
        MetricUse::Check => "check",
    }
}

fn users_json(users: &[Arc<User>]) -> Vec<Json> {
    users.iter().map(|user| json!({ "kind": word(user.kind), "title": user.title, "href": user.href })).collect()
}

fn odd_words(said: &Said<'_>) -> Vec<String> {
    said.odd.iter().map(ToString::to_string).collect()
}

/// As the audit log and answers have it.
pub(in crate::metrics) fn own_json(own: &Own) -> Json {
    json!({ "description": own.description, "unit": own.unit, "category": own.category.map_or("", Category::as_str) })
}

fn metric_json(said: &Said<'_>) -> Json {
    let metric = said.metric;
    json!({
        "name": metric.name,
        "type": metric.kind.as_str(),
        "unit": metric.unit,
        "category": said.category.as_str(),
        "description": metric.help,
        "describedHere": metric.own.is_some(),
        "series": metric.series,
        "labels": metric.labels,
        "usedBy": users_json(&metric.users),
        "odd": odd_words(said),
    })
}

fn giver_json(giver: &Giver) -> Json {
    let way = match giver.way {
        Way::Scraped => "scraped",
        Way::Itself => "built in",
        Way::Sent => "sent",
    };
    json!({ "job": giver.job, "way": way, "everySeconds": giver.every_ms.map(|ms| ms as f64 / 1_000.0), "series": giver.series })
}

fn detail_json(detail: &Detail) -> Json {
    let metric = &detail.metric;
    let mut json = metric_json(&Said { metric, category: metric.category(), odd: metric.odd() });
    let label =
        |label: &crate::metrics::model::catalogue::LabelOf| json!({ "name": label.name, "values": label.values, "some": label.some });
    json["labels"] = detail.labels.iter().map(label).collect();
    json["collected"] = detail.givers.iter().map(giver_json).collect();
    json["recordedBy"] = users_json(&detail.recorders).into();
    json["betterName"] = better(metric.family(), metric.kind, &metric.unit).into();
    if let Some(own) = &metric.own {
        json["changedAt"] = format_rfc3339(own.changed_at).into();
        json["changedBy"] = own.changed_by.clone().into();
    }
    json
}

impl From<NotDescribed> for ApiError {
    fn from(error: NotDescribed) -> Self {
        let kind = match &error {
            NotDescribed::Wrong(_) => ErrorKind::BadData,
            NotDescribed::Missing(_) => ErrorKind::NotFound,
            NotDescribed::Database(_) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// Every metric that is asked for, labels included.
fn chosen<T>(catalogue: &dyn Catalogue, query: &str, make: impl Fn(&Said<'_>) -> T) -> Vec<T> {
    let all = catalogue.all();
    let found = find(&all, &Filter::from_query(query));
    let with_labels = |said: &Said<'_>| {
        let metric = Metric { labels: catalogue.labels(&said.metric.name), ..said.metric.clone() };
        make(&Said { metric: &metric, category: said.category, odd: said.odd.clone() })
    };
    found.metrics.iter().map(with_labels).collect()
}

/// `GET /api/v1/catalogue`: every metric.
async fn list(State(state): State<CatalogueState>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let found = blocking(move || chosen(&*state.catalogue, &query.unwrap_or_default(), metric_json)).await?;
    Ok(success(&found))
}

/// `GET /api/v1/catalogue.csv`: the same as a table.
async fn table(State(state): State<CatalogueState>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let row = |said: &Said<'_>| {
        let metric = said.metric;
        let users = metric.users.iter().map(|user| format!("{} {}", word(user.kind), user.title)).collect::<Vec<_>>();
        vec![
            metric.name.clone(),
            metric.kind.as_str().to_owned(),
            metric.unit.clone(),
            said.category.as_str().to_owned(),
            metric.help.clone(),
            metric.series.to_string(),
            metric.labels.join(" "),
            metric.users.len().to_string(),
            users.join("; "),
            odd_words(said).join("; "),
        ]
    };
    let text = blocking(move || {
        let rows = chosen(&*state.catalogue, &query.unwrap_or_default(), row);
        csv::table(std::iter::once(COLUMNS.map(str::to_owned).to_vec()).chain(rows))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"metrics.csv\"")];
    Ok((headers, text.await?).into_response())
}

async fn shown(state: &CatalogueState, name: String) -> Result<Json, ApiError> {
    let catalogue = Arc::clone(&state.catalogue);
    let missing = format!("there is no metric {name:?}");
    let found = blocking(move || catalogue.detail(&name).map(|detail| detail_json(&detail))).await?;
    found.ok_or_else(|| ApiError::new(ErrorKind::NotFound, missing))
}

/// `GET /api/v1/catalogue/{metric}`: all that is known of one.
async fn one(State(state): State<CatalogueState>, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(success(&shown(&state, name).await?))
}

/// What was sent.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(default)]
    description: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    category: String,
}

/// What words of a form or a program say of a metric.
///
/// # Errors
/// In words.
pub(in crate::metrics) fn own_of(description: &str, unit: &str, category: &str, by: String, now: i64) -> Result<Own, NotDescribed> {
    let about = Category::parse(category.trim());
    if about.is_none() && !category.trim().is_empty() {
        let known = Category::ALL.map(Category::as_str).join(", ");
        return Err(NotDescribed::Wrong(format!("category: expected one of {known}")));
    }
    Ok(Own {
        description: description.trim().replace("\r\n", "\n"),
        unit: unit.trim().to_owned(),
        category: about,
        changed_at: now,
        changed_by: by,
    })
}

/// The line of the audit log.
pub(in crate::metrics) fn change(name: &str, before: Option<&Own>, after: Option<&Own>) -> Change {
    let action = if after.is_some() { "catalogue.describe" } else { "catalogue.forget" };
    Change::new(action, name).before(before.map(own_json)).after(after.map(own_json))
}

/// `PUT /api/v1/catalogue/{metric}`: describes one.
async fn describe(State(state): State<CatalogueState>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let sent: Sent = serde_json::from_str(&text).map_err(|error| ApiError::bad(format!("cannot read the description: {error}")))?;
    let by = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::actor);
    let own = own_of(&sent.description, &sent.unit, &sent.category, by, state.clock.now_ms())?;
    let before = state.catalogue.describe(name.clone(), own.clone()).await?;
    let answer = success(&shown(&state, name.clone()).await?);
    Ok(change(&name, before.as_ref(), Some(&own)).in_answer(answer))
}

/// `DELETE /api/v1/catalogue/{metric}`: forgets what was said of one.
async fn forget(State(state): State<CatalogueState>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let before = state.catalogue.forget(name.clone()).await?;
    Ok(change(&name, before.as_ref(), None).in_answer(success(&json!({}))))
}
