//! What people write: modules of `blackbox.yml`, which say how to probe, with the keys and the defaults of
//! blackbox_exporter; and checks, each of which says what is probed and how often.

pub mod check;
mod checks_file;
mod destination;
mod dns_words;
pub mod file;
pub mod goal;
pub mod maintenance;
mod module;
mod pattern;
pub mod plan;
mod print;
mod read;
pub mod services;
#[cfg(test)]
mod tests;
mod vet;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use check::{Check, JsonCondition};
pub use checks_file::KeptChecks;
pub use dns_words::{class, record_type};
pub use module::{
    DnsModule, DnsRecords, DockerModule, DomainModule, GrpcModule, HeaderMatch, HttpModule, IcmpModule, Module, PostgresModule, Preference,
    RedisModule, SmtpModule, Step, TcpModule, TlsUse, UnixModule, Way, WebsocketModule,
};
pub use pattern::Pattern;
pub use print::print;

use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::text_file;
use crate::platform::config::yaml::{FILE_BYTES_MAX, Position};

/// Modules by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Modules(BTreeMap<String, Arc<Module>>);

impl Modules {
    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Arc<Module>> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Module>> {
        self.0.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are there without a file.
    pub fn built_in() -> Self {
        let mut report = Report::new(Path::new("built-in modules"));
        let modules = read::read(include_str!("built_in.yml"), &mut report);
        debug_assert!(!report.has_errors(), "the tests read it");
        modules
    }
}

/// The modules of a text that stands in `path`, and what is odd about them.
///
/// # Errors
/// Every mistake found, in order of the file.
pub fn read_text(text: &str, path: &Path) -> Result<(Modules, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let modules = read::read(text, &mut report);
    report.finish().map(|warnings| (modules, warnings))
}

/// The modules of a file, or those that are there without one. Blocking.
///
/// # Errors
/// Every mistake found, in order of the file.
pub fn load(path: Option<&Path>) -> Result<(Modules, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Some(path) = path else { return Ok((Modules::built_in(), Vec::new())) };
    match text_file::read(path, FILE_BYTES_MAX) {
        Ok(text) => read_text(&text, path),
        Err(why) => {
            let mut report = Report::new(path);
            report.error(Position::default(), format!("cannot read the modules of probes: {why}"));
            report.finish().map(|warnings| (Modules::default(), warnings))
        }
    }
}
