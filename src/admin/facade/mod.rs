//! Routes of this hall: who may use each, what its form holds, what it answers.

mod about;
mod asked;
mod backup;
mod connect;
mod door;
mod json;
mod oidc;
mod people;
mod profile;
mod server;
mod tokens;

use std::sync::Arc;

use axum::routing::{delete, get, post};

use crate::access::{Access, Policy, Routes, SIGN_IN};
use crate::base::clock::SharedClock;
use crate::ui::links;

pub use server::ServerFacts;

/// The open hall.
pub struct Admin {
    access: Arc<Access>,
    clock: SharedClock,
}

impl Admin {
    /// Takes what it needs.
    pub fn new(access: Arc<Access>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { access, clock })
    }

    /// Every route of the hall.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let with = |handler: axum::routing::MethodRouter<Arc<Self>>| handler.with_state(Arc::clone(self));
        Routes::new()
            .route("GET, POST", SIGN_IN, Policy::Public, with(get(door::login_page).post(door::login)))
            .route("GET, POST", links::SETUP, Policy::Public, with(get(door::setup_page).post(door::set_up)))
            .route("GET", links::OIDC_START, Policy::Public, with(get(oidc::start)))
            .route("GET", links::OIDC_CALLBACK, Policy::Public, with(get(oidc::callback)))
            .route("POST", links::SIGN_OUT, Policy::OWN, with(post(door::sign_out)))
            .route("GET", links::PROFILE, Policy::READ, with(get(profile::page)))
            .route("POST", links::PROFILE_PASSWORD, Policy::OWN, with(post(profile::password)))
            .route("POST", links::PROFILE_TOTP_BEGIN, Policy::OWN, with(post(profile::totp_begin)))
            .route("POST", links::PROFILE_TOTP, Policy::OWN, with(post(profile::totp_on)))
            .route("POST", links::PROFILE_TOTP_OFF, Policy::OWN, with(post(profile::totp_off)))
            .route("POST", links::PROFILE_SESSIONS, Policy::OWN, with(post(profile::sessions)))
            .route("GET, POST", links::PEOPLE, Policy::ADMIN, with(get(people::page).post(people::create)))
            .route("POST", links::PEOPLE_CHANGE, Policy::ADMIN, with(post(people::change)))
            .route("POST", links::PEOPLE_PASSWORD, Policy::ADMIN, with(post(people::password)))
            .route("POST", links::PEOPLE_TOTP, Policy::ADMIN, with(post(people::totp_off)))
            .route("POST", links::PEOPLE_SIGN_OUT, Policy::ADMIN, with(post(people::sign_out)))
            .route("POST", links::PEOPLE_DELETE, Policy::ADMIN, with(post(people::delete)))
            .route("GET, POST", links::TOKENS, Policy::ADMIN, with(get(tokens::page).post(tokens::create)))
            .route("POST", links::TOKENS_REVOKE, Policy::ADMIN, with(post(tokens::revoke)))
            .route("GET", links::AUDIT, Policy::ADMIN, with(get(tokens::audit)))
            .route("GET", "/api/v1/audit", Policy::ADMIN, with(get(json::audit)))
            .route("GET", "/api/v1/users", Policy::ADMIN, with(get(json::users)))
            .route("GET, POST", "/api/v1/tokens", Policy::ADMIN, with(get(json::tokens).post(json::create_token)))
            .route("DELETE", "/api/v1/tokens/{id}", Policy::ADMIN, with(delete(json::revoke_token)))
    }
}
