//! Asking for annotations, one of them, and tags.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::ApiState;
use super::answer::{Refusal, good};
use super::wire::{self, Item};
use crate::boards::model::{Tag, Wanted};

/// Annotations or tags of an answer where nothing is said.
const LIMIT: i64 = 100;
/// Most of one answer.
const LIMIT_MAX: i64 = 5_000;
/// Most tags of a question.
const TAGS_MAX: usize = 50;
/// What Grafana says of a query that is wrong.
const FAILED: &str = "Failed to get annotations";

/// The parameters of a request.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(request: &Request<Body>) -> Self {
        let query = request.uri().query().unwrap_or("");
        Self(form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    fn number(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(0);
        }
        text.parse().map_err(|_| Refusal::bad(FAILED, format!("{name} is a whole number, not {text:?}")))
    }

    /// A whole number; what is none counts as absent, as in Grafana's search.
    pub(super) fn count(&self, name: &str) -> Option<usize> {
        self.text(name).parse().ok()
    }

    fn limit(&self) -> Result<usize, Refusal> {
        let limit = match self.number("limit")? {
            0 => LIMIT,
            limit if limit < 0 => return Err(Refusal::bad(FAILED, "limit is above zero")),
            limit => limit.min(LIMIT_MAX),
        };
        Ok(usize::try_from(limit).unwrap_or(0))
    }
}

/// `GET /api/annotations`.
pub(super) async fn all(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let params = Params::of(&request);
    let (from, to) = (params.number("from")?, params.number("to")?);
    let tags: Vec<Tag> = params.all("tags").filter_map(Tag::read).collect();
    if tags.len() > TAGS_MAX {
        return Err(Refusal::bad(FAILED, format!("at most {TAGS_MAX} tags can be asked for at once")));
    }
    let wanted = Wanted {
        // As in Grafana, one end alone says nothing.
        range: (from > 0 && to > 0).then_some((from, to)),
        board_uid: params.text("dashboardUID").to_owned(),
        board_id: params.number("dashboardId")?,
        panel_id: params.number("panelId")?,
        user_id: params.number("userId")?,
        tags,
        any_tag: matches!(params.text("matchAny"), "true" | "1" | "t" | "T" | "TRUE" | "True"),
        limit: params.limit()?,
    };
    // Alerts leave no annotations; their history is elsewhere.
    let is_of_alerts = params.text("type") == "alert" || params.number("alertId")? != 0 || !params.text("alertUID").is_empty();
    let found = if is_of_alerts { Vec::new() } else { state.kept.find(wanted).await.map_err(|cause| Refusal::failed(FAILED, &cause))? };
    Ok(good(&found.into_iter().map(Item::of).collect::<Vec<_>>()))
}

/// `GET /api/annotations/{id}`.
pub(super) async fn one(State(state): State<Arc<ApiState>>, path: Path<String>) -> Result<Response, Refusal> {
    let id = wire::id(path)?;
    let found = state.kept.one(id).await.map_err(|cause| Refusal::failed("Failed to find annotation", &cause))?;
    found.map(|one| good(&Item::of(one))).ok_or_else(|| Refusal::not_found(id))
}

/// `GET /api/annotations/tags`: `tag` is a part of the tags that are wanted.
pub(super) async fn tags(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let params = Params::of(&request);
    let (part, limit) = (params.text("tag").to_owned(), params.limit()?);
    let found = state.kept.tags(part, limit).await.map_err(|cause| Refusal::failed("Failed to find annotation tags", &cause))?;
    let tags: Vec<_> = found.into_iter().map(|(tag, count)| json!({ "tag": tag, "count": count })).collect();
    Ok(good(&json!({ "result": { "tags": tags } })))
}
