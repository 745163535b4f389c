//! Floor 6: the command line, wiring, start and stop. The only floor that knows every wing.

mod ask;
mod backup;
mod budget;
mod cli;
mod configuration;
mod examples;
mod guard;
mod import;
mod present;
mod serve;
mod starting;
mod stop;

pub use cli::run;
