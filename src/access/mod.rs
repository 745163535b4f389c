//! Who may do what. Today: the policy that every route declares. Users, sessions and tokens come with the access issue.

mod policy;
mod routes;

pub use policy::{Policy, Role, Scope};
pub use routes::{RouteInfo, Routes};
