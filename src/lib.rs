//! pharos: metrics, logs, alerts, uptime and dashboards in one process. This header is the map.
//!
//! Floors, from the ground up; a module imports only from floors below its own:
//!
//! 0. [`base`]: plain values. No input or output, no async.
//! 1. [`series`]: labels, samples, query values, and the ports through which wings hear each other.
//! 2. [`platform`]: configuration files, SQLite, disk, HTTP, telemetry, backups, budgets, printing. Knows no signal.
//! 3. [`access`], [`ui`]: who may do what; the page shell and embedded assets.
//! 4. The wings, which never see each other: [`metrics`] (numbers over time), [`logs`] (lines in streams),
//!    [`uptime`] (checks from outside, and how long things were up), [`slo`] (how much of what happens must be good),
//!    [`business`] (numbers that somebody answers for).
//! 5. The halls, which read wings and each other through ports only: [`alerts`] (rules, and who hears of them),
//!    [`boards`] (dashboards and the annotations on them), [`admin`] (signing in, people, tokens, audit log), [`docs`]
//!    (the documentation that is built in).
//! 6. [`app`]: the command line, wiring, start and stop.
//!
//! Rooms of a wing (`→` may import): `store → model`, `ingest → model, store`, `query → model`, `probe → model, config`, `bring → model, config`, `report → model, watch`, `status → model, config, store, watch`, `rules → model, config` and `watch → rules` of [`slo`], `ask → model, config`, `collect → model, config, store, ask`, `outlook → model, config, store, ask, collect`, `digest → model, config, store, collect`,
//! `api → model, ingest, query`, `pages → model, query`, `facade → all`. In `alerts`: `template → model`,
//! `rules → model, template`, `evaluate → model, template`, `notify → model, config, template`, `calm → model`,
//! `dispatch → model, store, config, route, calm, notify`, `api, pages → model, evaluate, dispatch, config, route, calm`. `tests/tidy.rs` holds this.
//!
//! What is absent matters as much: no crate-wide error type, no global state, no `util`, no time but from
//! [`base::clock`], no SQL outside `platform::db` and `store`, no JSON on model types.
//!
//! Words: *target* (what is scraped), *series* (a label set over time), *sample* (a value at a time),
//! *block* (an immutable file of samples), *head* (the newest samples, in memory and in the log), *stream* (a label set
//! with lines), *line* (a text at a time), *part* (an immutable folder of lines of one day), *rule* (a query asked again
//! and again), *alert* (a series that an alerting rule gave), *check*
//! (a target probed again and again), *outcome* (what one probe found).

pub mod access;
pub mod admin;
pub mod alerts;
pub mod app;
pub mod base;
pub mod boards;
pub mod business;
pub mod docs;
pub mod logs;
pub mod metrics;
pub mod platform;
pub mod series;
pub mod slo;
pub mod ui;
pub mod uptime;
