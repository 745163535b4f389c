//! Floor 6: the command line, wiring, start and stop. The only floor that knows every wing.

mod ask;
mod cli;
mod configuration;
mod examples;
mod guard;
mod import;
mod present;
mod serve;

pub use cli::run;
mod edge;
mod https;
mod throttle;
mod vouch;
mod web_users;
