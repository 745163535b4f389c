//! Stands before each route: lets a caller in, sends a browser to the sign-in page, or refuses.
//!
//! A request that nobody identified is refused too, so a server wired wrongly is shut rather than open.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::task::JoinError;

use super::caller::{Caller, Verdict};
use super::change::Change;
use super::policy::{Policy, Scope};
use super::service::{Access, Origin};
use crate::platform::http::problem::Problem;

/// Where people sign in; `ui::links` has the same.
pub const SIGN_IN: &str = "/login";

pub(super) async fn gate(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let verdict = match request.extensions().get::<Caller>() {
        Some(caller) => caller.may(policy),
        None if policy == Policy::Public => Verdict::Allowed,
        None => Verdict::SignIn,
    };
    match verdict {
        Verdict::Allowed if goes_on_alone(policy, request.method()) => to_the_end(request, next).await,
        Verdict::Allowed => next.run(request).await,
        Verdict::SignIn if is_page_visit(request.method(), request.headers()) => to_sign_in(&request),
        Verdict::SignIn => unauthorized(&request),
        Verdict::Forbidden => forbidden(&request, policy),
    }
}

/// Whether a request may change the server, as against ask it or send it data.
fn goes_on_alone(policy: Policy, method: &Method) -> bool {
    let is_data = matches!(policy, Policy::Needs(_, Scope::Read | Scope::MetricsWrite | Scope::LogsWrite | Scope::EventsWrite));
    !method.is_safe() && (!is_data || *method == Method::DELETE)
}

/// Runs a change to its end and writes it down, also when the client goes away meanwhile: otherwise whoever hangs up at
/// once would change things without a line in the audit log.
async fn to_the_end(request: Request, next: Next) -> Response {
    let asked = request.extensions();
    let known = (asked.get::<Arc<Access>>().cloned(), asked.get::<Caller>().cloned(), asked.get::<Origin>().cloned());
    let done = tokio::spawn(async move {
        let mut response = next.run(request).await;
        if let (Some(access), Some(caller), Some(origin)) = known
            && let Some(change) = response.extensions_mut().remove::<Change>()
        {
            access.record(&caller.actor(), &origin, change).await;
        }
        response
    });
    match done.await.map_err(JoinError::try_into_panic) {
        Ok(response) => response,
        // The layer that catches panics stands around.
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(stopped)) => Problem::internal(&stopped).into_response(),
    }
}

/// Whether a person waits for a page, as against a program or a script for data.
fn is_page_visit(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let has_credentials = headers.contains_key(header::AUTHORIZATION);
    *method == Method::GET && !has_credentials && text(header::ACCEPT).contains("text/html")
}

fn to_sign_in(request: &Request) -> Response {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    let to = HeaderValue::from_str(&format!("{SIGN_IN}?next={next}")).unwrap_or(HeaderValue::from_static(SIGN_IN));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

fn unauthorized(request: &Request) -> Response {
    let why = match request.extensions().get::<Caller>() {
        Some(Caller::Nobody(Some(why))) => why,
        _ => "sign in, or send a token as \"Authorization: Bearer\" or as the password of basic authentication",
    };
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, format!("unauthorized: {why}")).into_response();
    // A script of a page that is still open must not make the browser ask for a password.
    if !request.headers().contains_key("sec-fetch-mode") {
        let schemes = HeaderValue::from_static("Basic realm=\"pharos\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
    }
    response
}

fn forbidden(request: &Request, policy: Policy) -> Response {
    let caller = request.extensions().get::<Caller>();
    let why = match (policy, caller) {
        (Policy::Needs(_, scope), Some(Caller::Token(token))) => {
            let held: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
            format!("this needs the scope {scope}; the token {:?} has {}", token.name, held.join(", "))
        }
        (Policy::Needs(role, _) | Policy::Person(role), Some(Caller::Person(person))) => {
            format!("this needs the role {role}; {} has the role {}", person.name, person.role)
        }
        _ => "this is for people who are signed in, not for tokens".to_owned(),
    };
    Problem::new(StatusCode::FORBIDDEN, format!("forbidden: {why}")).into_response()
}
