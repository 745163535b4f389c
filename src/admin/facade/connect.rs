//! Connecting programs: the page, the token that is made for one, and its light.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

use super::Admin;
use super::asked::{Asked, Form, status_of, words_of};
use crate::access::{Access, AccessError, NewToken, Policy, Routes};
use crate::admin::pages::connect::{self, Client, ConnectInput, Light, Lit};
use crate::platform::http::problem::Problem;
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::ui::nav::Page;

/// What the routes work with.
struct Connect {
    admin: Arc<Admin>,
    /// Under which address others reach this server, where it is set.
    external: String,
}

impl Admin {
    /// Routes that connect programs. `external` is the server's own address, if it is set.
    pub fn connect_routes(self: &Arc<Self>, external: String) -> Routes {
        let state = Arc::new(Connect { admin: Arc::clone(self), external });
        Routes::new().route("GET, POST", links::CONNECT, Policy::MAKE_TOKENS, get(page).post(create).with_state(Arc::clone(&state))).route(
            "GET",
            links::CONNECT_LIGHT,
            Policy::MAKE_TOKENS,
            get(light).with_state(state),
        )
    }
}

impl Connect {
    fn access(&self) -> &Access {
        &self.admin.access
    }

    /// The light of a token that there is.
    fn light(&self, token_id: i64, client: &Client, lang: Lang) -> Result<Light, AccessError> {
        let known = self.access().tokens()?.iter().any(|token| token.id == token_id);
        if known { Ok(Light::new(client.purpose, self.access().token_activity(token_id), lang)) } else { Err(no_such_token()) }
    }

    fn show(&self, asked: &Asked, client: &'static Client, lit: Option<Lit>, error: Option<&AccessError>) -> Response {
        let base = links::base_url(&self.external, asked.transport.is_https, asked.host());
        let input = ConnectInput { base, client, lit, error: error.map(|error| words_of(error, asked.lang())) };
        let status = error.map_or(StatusCode::OK, status_of);
        asked.page(status, connect::render(&input, &asked.shell(&self.admin, Page::Settings, connect::TITLE)))
    }
}

fn no_such_token() -> AccessError {
    AccessError::Refused("there is no such token; it may have been revoked".to_owned())
}

/// The program that a request is about: named, or the first one.
fn wanted(form: &Form) -> &'static Client {
    connect::client(form.text("client")).unwrap_or_else(connect::first)
}

async fn page(State(state): State<Arc<Connect>>, asked: Asked, form: Form) -> Response {
    let client = wanted(&form);
    // Without scripts the page is asked for again to see whether the light is green.
    match form.text("token").parse() {
        Ok(token_id) => match state.light(token_id, client, asked.lang()) {
            Ok(light) => state.show(&asked, client, Some(Lit { token_id, secret: None, light }), None),
            Err(error) => state.show(&asked, client, None, Some(&error)),
        },
        Err(_) => state.show(&asked, client, None, None),
    }
}

async fn create(State(state): State<Arc<Connect>>, asked: Asked, form: Form) -> Result<Response, Problem> {
    // A token that may edit must not make itself one that may send.
    let client = wanted(&form);
    let new = NewToken { name: client.name.to_owned(), scopes: client.purpose.scopes().to_vec(), expires_ms: None, rate_max: None };
    Ok(match state.access().create_token(&asked.caller.actor(), new, &asked.origin).await {
        Ok((token, secret)) => {
            let light = Light::new(client.purpose, state.access().token_activity(token.id), asked.lang());
            state.show(&asked, client, Some(Lit { token_id: token.id, secret: Some(secret), light }), None)
        }
        Err(error) => state.show(&asked, client, None, Some(&error)),
    })
}

async fn light(State(state): State<Arc<Connect>>, asked: Asked, form: Form) -> Result<Response, Problem> {
    let token_id = form.text("token").parse().map_err(|_| Problem::bad_request("the parameter token is no number"))?;
    let light = state
        .light(token_id, wanted(&form), asked.lang())
        .map_err(|error| Problem::new(StatusCode::NOT_FOUND, words_of(&error, asked.lang())))?;
    let mut response = axum::Json(light).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
