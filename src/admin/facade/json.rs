//! The same for programs: the audit log, tokens and users as JSON, in the envelope of `/api/v1`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Admin;
use super::asked::{Asked, Form, status_of, words_of};
use crate::access::{AccessError, AuditFilter, AuditLine, NewToken, Scope, Token, User};
use crate::base::time::{Duration, format_rfc3339, parse_timestamp};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::ui::lang::Lang;

/// Lines of the audit log in an answer, where no number is asked for.
const LINES: u32 = 100;
/// The most.
const LINES_MAX: u32 = 1000;
/// A larger description is of no token.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What `POST /api/v1/tokens` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    name: String,
    scopes: Vec<String>,
    /// From now on, as `90d`.
    expires_in: Option<String>,
    /// A moment, RFC 3339 or Unix seconds.
    expires: Option<String>,
    /// Requests a second.
    rate_max: Option<f64>,
}

fn success(status: StatusCode, data: Json) -> Response {
    let body = json!({ "status": "success", "data": data }).to_string();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

fn problem(error: &AccessError) -> Problem {
    Problem::new(status_of(error), words_of(error, Lang::En))
}

fn bad(why: impl Into<String>) -> Problem {
    Problem::bad_request(why)
}

fn time(ms: Option<i64>) -> Option<String> {
    ms.map(format_rfc3339)
}

/// `GET /api/v1/audit?actor=&action=&since=&until=&limit=&cursor=`: newest first.
pub(super) async fn audit(State(admin): State<Arc<Admin>>, form: Form) -> Result<Response, Problem> {
    let filter = filter(&form)?;
    let asked = AuditFilter { limit: filter.limit + 1, ..filter };
    let fits = asked.limit as usize - 1;
    let found = tokio::task::spawn_blocking(move || admin.access.audit(&asked)).await.map_err(|error| Problem::internal(&error))?;
    let mut lines = found.map_err(|error| Problem::internal(&error))?;
    let has_more = lines.len() > fits;
    lines.truncate(fits);
    let next = lines.last().filter(|_| has_more).map(|line| line.id.to_string());
    let lines: Vec<Json> = lines.iter().map(line_json).collect();
    Ok(success(StatusCode::OK, json!({ "lines": lines, "next_cursor": next })))
}

fn filter(form: &Form) -> Result<AuditFilter, Problem> {
    let time = |name: &str| -> Result<Option<i64>, Problem> {
        let Some(text) = form.0.get(name) else { return Ok(None) };
        parse_timestamp(text).map(Some).ok_or_else(|| bad(format!("{name}: read {text:?}, expected RFC 3339 or Unix seconds")))
    };
    let number = |name: &str| -> Result<Option<i64>, Problem> {
        let Some(text) = form.0.get(name) else { return Ok(None) };
        text.parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Some)
            .ok_or_else(|| bad(format!("{name}: read {text:?}, expected a whole number above 0")))
    };
    let limit = number("limit")?.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LINES).min(LINES_MAX);
    Ok(AuditFilter {
        actor: form.0.get("actor").map(str::to_owned),
        action: form.0.get("action").map(str::to_owned),
        since_ms: time("since")?,
        until_ms: time("until")?,
        before_id: number("cursor")?,
        limit,
    })
}

fn line_json(line: &AuditLine) -> Json {
    let read = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Json>(text).ok());
    json!({
        "id": line.id, "time": format_rfc3339(line.at_ms), "actor": line.actor, "address": line.address, "action": line.action,
        "subject": line.subject, "before": read(&line.before), "after": read(&line.after),
    })
}

/// `GET /api/v1/users`.
pub(super) async fn users(State(admin): State<Arc<Admin>>) -> Result<Response, Problem> {
    let users = admin.access.users().map_err(|error| problem(&error))?;
    Ok(success(StatusCode::OK, users.iter().map(user_json).collect()))
}

fn user_json(user: &User) -> Json {
    json!({
        "id": user.id, "name": user.name, "email": user.email, "role": user.role.as_str(), "disabled": user.disabled,
        "password": user.has_password, "second_factor": user.has_totp, "provider": user.issuer,
        "created": format_rfc3339(user.created_ms), "signed_in": time(user.signed_in_ms),
    })
}

/// `GET /api/v1/tokens`. Never the secrets, of which only hashes are kept.
pub(super) async fn tokens(State(admin): State<Arc<Admin>>) -> Result<Response, Problem> {
    let tokens = admin.access.tokens().map_err(|error| problem(&error))?;
    Ok(success(StatusCode::OK, tokens.iter().map(token_json).collect()))
}

fn token_json(token: &Token) -> Json {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    json!({
        "id": token.id, "name": token.name, "scopes": scopes, "created_by": token.created_by, "created": format_rfc3339(token.created_ms),
        "expires": time(token.expires_ms), "rate_max": token.rate_max, "used": time(token.used_ms), "used_from": token.used_from,
    })
}

/// `POST /api/v1/tokens`: the answer is the only one that has the secret.
pub(super) async fn create_token(State(admin): State<Arc<Admin>>, asked: Asked, request: Request<Body>) -> Result<Response, Problem> {
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let body: TokenBody = serde_json::from_slice(&body).map_err(|error| bad(format!("the body is not the JSON of a token: {error}")))?;
    let new = new_token(body, admin.clock.now_ms())?;
    let made = admin.access.create_token(&asked.caller.actor(), new, &asked.origin).await;
    let (token, secret) = made.map_err(|error| problem(&error))?;
    let mut data = token_json(&token);
    data["token"] = Json::from(secret.expose());
    Ok(success(StatusCode::CREATED, data))
}

fn new_token(body: TokenBody, now_ms: i64) -> Result<NewToken, Problem> {
    let all = || Scope::ALL.map(|scope| scope.as_str()).join(", ");
    let scopes =
        body.scopes.iter().map(|word| Scope::parse(word).ok_or_else(|| bad(format!("there is no scope {word:?}, there are {}", all()))));
    let expires_ms = match (&body.expires_in, &body.expires) {
        (Some(_), Some(_)) => return Err(bad("say expires_in or expires, not both")),
        (Some(text), None) => {
            let after = Duration::parse(text).map_err(|_| bad(format!("expires_in: read {text:?}, expected a duration such as 90d")))?;
            Some(now_ms.saturating_add(after.ms()))
        }
        (None, Some(text)) => {
            Some(parse_timestamp(text).ok_or_else(|| bad(format!("expires: read {text:?}, expected RFC 3339 or Unix seconds")))?)
        }
        (None, None) => None,
    };
    Ok(NewToken { scopes: scopes.collect::<Result<_, _>>()?, name: body.name, expires_ms, rate_max: body.rate_max })
}

/// `DELETE /api/v1/tokens/{id}`.
pub(super) async fn revoke_token(State(admin): State<Arc<Admin>>, asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no token {id:?}"));
    let known: i64 = id.parse().map_err(|_| unknown())?;
    if !admin.access.tokens().map_err(|error| problem(&error))?.iter().any(|token| token.id == known) {
        return Err(unknown());
    }
    admin.access.revoke_token(&asked.caller.actor(), known, &asked.origin).await.map_err(|error| problem(&error))?;
    let mut answer = StatusCode::NO_CONTENT.into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::http::extract::Params;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(Params::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()))
    }

    #[test]
    fn filters_are_read_or_refused_by_name() {
        let read =
            filter(&form(&[("actor", "ann"), ("action", "user."), ("since", "2025-11-21T00:00:00Z"), ("limit", "5000"), ("cursor", "7")]));
        let read = read.unwrap();
        assert_eq!(
            (read.actor.as_deref(), read.since_ms, read.limit, read.before_id),
            (Some("ann"), Some(1_763_683_200_000), 1000, Some(7))
        );
        assert_eq!(filter(&form(&[])).unwrap().limit, LINES);
        for (name, value) in [("since", "yesterday"), ("until", "x"), ("limit", "0"), ("limit", "-1"), ("cursor", "x")] {
            assert!(filter(&form(&[(name, value)])).unwrap_err().public().contains(name), "{name} {value}");
        }
    }

    #[test]
    fn tokens_are_described_in_words_of_the_api() {
        let read = |text: &str| -> Result<NewToken, String> {
            let body: TokenBody = serde_json::from_str(text).map_err(|error| error.to_string())?;
            new_token(body, 1000).map_err(|problem| problem.public().to_owned())
        };
        let new = read(r#"{"name":"ci","scopes":["read","metrics:write"],"expires_in":"1d","rate_max":5}"#).unwrap();
        assert_eq!((new.scopes.len(), new.expires_ms, new.rate_max), (2, Some(86_401_000), Some(5.0)));
        for (text, why) in [
            (r#"{"name":"ci","scopes":["write"]}"#, "there are metrics:write"),
            (r#"{"name":"ci","scopes":[],"expires_in":"soon"}"#, "expires_in"),
            (r#"{"name":"ci","scopes":[],"expires":"soon"}"#, "expires:"),
            (r#"{"name":"ci","scopes":[],"expires":"1","expires_in":"1d"}"#, "not both"),
            (r#"{"name":"ci","scopes":[],"expiry":"1"}"#, "expiry"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
