//! Floor 6: the command line, wiring, start and stop. The only floor that knows every wing.

mod alert_tools;
mod analyze;
mod ask;
mod ask_logs;
mod backup;
mod budget;
mod check_alertmanager;
mod check_blackbox;
mod check_dashboard;
mod check_logql;
mod cli;
mod configuration;
mod edge;
mod examples;
mod first_admin;
mod guard;
mod happenings;
mod health;
#[cfg(test)]
mod hour_tests;
mod https;
mod import;
mod own_hosts;
mod present;
mod probing;
mod routing;
mod rule_watch;
mod ruling;
mod serve;
#[cfg(test)]
mod shop_tests;
mod starting;
mod stop;
mod test_rules;
mod throttle;
mod user;
mod vetting;
mod vouch;
#[cfg(test)]
mod walk_tests;
mod web_users;
mod wiring;

pub use cli::run;
