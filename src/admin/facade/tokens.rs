//! Forms about tokens, and the audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Admin;
use super::asked::{Asked, Form, see, status_of, words_of};
use crate::access::{AccessError, AuditFilter, NewToken, Scope};
use crate::admin::pages::audit::{self, AuditInput, LINES_MAX};
use crate::admin::pages::tokens::{self, TokensInput};
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn show(admin: &Admin, asked: &Asked, fresh: Option<(String, Secret)>, error: Option<&AccessError>) -> Response {
    let input =
        TokensInput { tokens: admin.access.tokens().unwrap_or_default(), fresh, error: error.map(|error| words_of(error, asked.lang())) };
    let status = error.map_or(StatusCode::OK, status_of);
    asked.page(status, tokens::render(&input, &asked.shell(admin, Page::Settings, key("Tokens"))))
}

fn wanted(form: &Form, now_ms: i64) -> Result<NewToken, AccessError> {
    let refused = |why: String| AccessError::Refused(why);
    let scopes = form
        .0
        .all("scope")
        .map(|word| Scope::parse(word).ok_or_else(|| refused(format!("there is no scope {word:?}"))))
        .collect::<Result<Vec<Scope>, _>>()?;
    let number = |name: &str| -> Result<Option<f64>, AccessError> {
        let text = form.text(name).trim();
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| refused(format!("{text:?} is no number")))
    };
    let days = number("days")?.filter(|days| (0.0..=36_500.0).contains(days));
    Ok(NewToken {
        name: form.text("name").to_owned(),
        scopes,
        expires_ms: days.map(|days| now_ms.saturating_add((days * DAY_MS as f64) as i64)),
        rate_max: number("rate")?,
    })
}

pub(super) async fn page(State(admin): State<Arc<Admin>>, asked: Asked) -> Response {
    show(&admin, &asked, None, None)
}

pub(super) async fn create(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let made = match wanted(&form, admin.clock.now_ms()) {
        Ok(new) => admin.access.create_token(&asked.caller.actor(), new, &asked.origin).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((token, secret)) => show(&admin, &asked, Some((token.name, secret)), None),
        Err(error) => show(&admin, &asked, None, Some(&error)),
    }
}

pub(super) async fn revoke(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Response {
    let change = async { admin.access.revoke_token(&asked.caller.actor(), form.id("id")?, &asked.origin).await };
    match change.await {
        Ok(()) => see(&links::with(links::TOKENS, &[("done", "revoked")])),
        Err(error) => show(&admin, &asked, None, Some(&error)),
    }
}

pub(super) async fn audit(State(admin): State<Arc<Admin>>, asked: Asked, form: Form) -> Result<Response, Problem> {
    let filter = AuditFilter {
        actor: form.0.get("actor").map(str::to_owned),
        action: form.0.get("action").map(str::to_owned),
        before_id: form.0.get("before").and_then(|id| id.parse().ok()),
        limit: LINES_MAX + 1,
        ..AuditFilter::default()
    };
    // A rare actor is looked for in all lines.
    let (looking, wanted) = (Arc::clone(&admin), filter.clone());
    let found = tokio::task::spawn_blocking(move || looking.access.audit(&wanted)).await.map_err(|error| Problem::internal(&error))?;
    let lines = found.map_err(|error| Problem::internal(&error))?;
    let input = AuditInput { lines, actor: filter.actor.unwrap_or_default(), action: filter.action.unwrap_or_default() };
    Ok(asked.page(StatusCode::OK, audit::render(&input, &asked.shell(&admin, Page::Settings, key("Audit log")))))
}
