//! Who may do what: people and their sessions, tokens of programs, and the policy that every route declares.
//!
//! [`identify`] finds the [`Caller`] of a request; [`Routes`] puts a gate before each route; [`Access`] makes and
//! changes people and tokens and writes the audit log. In memory: everything that a request needs. On disk: hashes
//! only, so a stolen database opens nothing. Not here: pages and JSON for all this (the hall `admin`).

mod activity;
mod caller;
mod change;
mod directory;
mod doors;
mod gate;
mod grant;
mod identify;
mod key;
mod local;
mod oidc;
mod operation;
mod outside;
mod password;
mod people;
mod policy;
mod proxy;
mod report;
mod routes;
mod second_factor;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;

pub use activity::{SamplesTaken, TokenActivity};
pub use caller::{Caller, Person, TokenHolder, Verdict};
pub use change::Change;
pub use doors::Doors;
pub use gate::SIGN_IN;
pub use grant::RoleMap;
pub use identify::{Transport, Vouched, identify};
pub use key::{NoRandom, address};
pub use oidc::{Answer, Oidc, OidcError, OidcSettings, Unfinished};
pub use operation::Operation;
pub use outside::Identity;
pub use password::{PASSWORD_CHARS_MIN, PasswordError, Passwords};
pub use people::UserChange;
pub use policy::{Policy, Role, Scope};
pub use proxy::{Client, Proxies, VouchedUser};
pub use report::AccessReport;
pub use routes::{RouteInfo, Routes};
pub use second_factor::Enrolment;
pub use service::{Access, AccessError, AccessSettings, AuthMode, Origin, end_all_sessions};
pub use store::audit::{AuditFilter, AuditLine};
pub use store::sessions::Session;
pub use store::tokens::Token;
pub use store::users::User;
pub use tokens::NewToken;
