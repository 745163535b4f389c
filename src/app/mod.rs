//! Floor 6: the command line, wiring, start and stop. The only floor that knows every wing.

mod analyze;
mod ask;
mod backup;
mod cli;
mod configuration;
mod examples;
mod first_admin;
mod guard;
mod health;
mod import;
mod present;
mod serve;
mod user;
#[cfg(test)]
mod walk_tests;

pub use cli::run;
mod edge;
mod https;
mod throttle;
mod vouch;
mod web_users;
