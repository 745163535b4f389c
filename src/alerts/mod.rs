//! Alerts: rules turn queries into alerts, routing turns alerts into messages for people.
//!
//! Rooms, in reading order: `model` (rules, alerts, the routing configuration), `template` (what users write in
//! annotations and messages), `rules` (rule files), `packs` (ready ones), `evaluate` (groups at work, the states of
//! alerts), `replay` (what a rule would have done), `config` (the routing configuration: reading, checking, printing
//! back), `calm` (what people set so that alerts stay calm), `route` (where alerts go, grouped, kept back, when), `notify` (channels), `store` (what must survive a restart),
//! `dispatch` (routing at work), `api` (HTTP), `pages`, `facade` (the front door).
//!
//! In: rule files; answers of the query engines through the ports. Out: samples of recording rules, `ALERTS`, and alerts
//! to whoever routes them.
//!
//! Invariants: a group never evaluates itself twice at once; what a rule gave is seen by queries at once; an alert's
//! state survives a restart. Time comes in as an argument.
//!
//! Not here: queries (the wings behind [`crate::series::ports`]), the language of templates ([`crate::base::template`]).

mod api;
pub mod calm;
pub mod config;
pub mod dispatch;
mod evaluate;
mod facade;
pub mod model;
pub mod notify;
pub mod packs;
pub mod pages;
mod replay;
pub mod route;
mod rules;
mod store;
mod template;

pub use evaluate::{Ports, Prepared, Running, Setting};
pub use facade::{Alerts, AlertsOptions, Beside, Following, ReadQuery, load, load_routing};
pub use model::{Group, Language};
