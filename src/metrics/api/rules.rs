//! `rules`, `alerts` and `alertmanagers`: their parameters are checked as upstream's; the answers stay empty until
//! the rule engine stands.

use axum::body::Body;
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::answer::{ApiError, success};
use super::index::match_lists;
use crate::platform::http::extract::Params;

/// `GET /api/v1/rules`.
pub(super) async fn rules(request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    match_lists(&params).map_err(ApiError::bad)?;
    let kind = params.get("type").unwrap_or("").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(ApiError::parameter("type", format_args!("not supported value {kind:?}")));
    }
    let exclude = params.get("exclude_alerts").unwrap_or("").to_lowercase();
    if !exclude.is_empty() && truth(&exclude).is_none() {
        let why = format!("error converting exclude_alerts: strconv.ParseBool: parsing {exclude:?}: invalid syntax");
        return Err(ApiError::parameter("exclude_alerts", why));
    }
    check_page(&params)?;
    Ok(success(&json!({ "groups": [] })))
}

/// The page of groups that is asked for.
fn check_page(params: &Params) -> Result<(), ApiError> {
    let (limit, next) = (params.get("group_limit"), params.get("group_next_token"));
    let Some(limit) = limit else {
        return match next {
            None => Ok(()),
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
        Ok(_) => match next {
            None => Ok(()),
            // There are no groups, so none has this token.
            Some(next) => {
                Err(ApiError::parameter("group_next_token", format_args!("invalid group_next_token '{next}'. were rule groups changed?")))
            }
        },
    }
}

/// A truth value as Go reads it.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// `GET /api/v1/alerts`.
pub(super) async fn alerts() -> Response {
    success(&json!({ "alerts": [] }))
}

/// `GET /api/v1/alertmanagers`.
pub(super) async fn alertmanagers() -> Response {
    success(&json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}
