//! Checks of other programs, read into ours: Uptime Kuma's backup and database, Uptime Robot's list, Gatus' configuration,
//! and our own file. What cannot be taken over is said with the name of the monitor; nothing is left out in silence.

mod draft;
mod fields;
mod gatus;
mod gatus_conditions;
mod kuma;
mod kuma_kinds;
mod ours;
mod robot;
mod sheet;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::draft::Drafts;
use crate::platform::config::yaml::{self, Kind, Node};

/// Largest file that is read, but for databases.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How databases of SQLite begin.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// Checks that were brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// Where they come from.
    pub source: &'static str,
    /// Each in YAML, as a single check is read. Parents and members stand before those that need them.
    pub checks: Vec<String>,
    /// What could not be taken over, with the monitor's name, and what has to be done by hand.
    pub notes: Vec<String>,
}

/// Reads a file of another program, recognised by what stands in it. `tables` reads a database of SQLite.
///
/// # Errors
/// What it is not, in words.
pub fn read(bytes: &[u8], tables: impl FnOnce(&[u8]) -> Result<Value, String>) -> Result<Brought, String> {
    if bytes.starts_with(DATABASE) {
        return kuma::read(&tables(bytes)?).ok_or_else(|| "the database has no monitors".to_owned());
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("the file is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is neither text nor a database of SQLite".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        return of_json(text);
    }
    if let Some(brought) = robot::read_sheet(text) {
        return Ok(brought);
    }
    of_yaml(text)
}

fn of_json(text: &str) -> Result<Brought, String> {
    let json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        // YAML may begin so too.
        Err(error) => return of_yaml(text).map_err(|_| format!("the file is no JSON: {error}")),
    };
    if json.get("checks").is_some() || json.get("endpoints").is_some() {
        return of_yaml(text);
    }
    let found = kuma::read(&json).or_else(|| robot::read_json(&json));
    found.ok_or_else(|| "the JSON is neither a backup of Uptime Kuma (monitorList) nor a list of Uptime Robot (monitors)".to_owned())
}

fn of_yaml(text: &str) -> Result<Brought, String> {
    let document = yaml::parse(text).map_err(|error| format!("the file cannot be read at line {}: {}", error.at.line, error.message))?;
    let root = &document.root;
    if root.get("checks").is_some() {
        return Ok(ours::read(root));
    }
    if root.get("endpoints").is_some() || root.get("external-endpoints").is_some() {
        return Ok(gatus::read(&plain(root)));
    }
    let known =
        "a backup or a database of Uptime Kuma, a list of Uptime Robot (JSON or CSV), a configuration of Gatus, or a file of checks";
    Err(format!("the file is none of those that can be read: {known}"))
}

/// A tree of YAML as plain values; scalars stay text.
fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Scalar { text, .. } => Value::from(&**text),
        Kind::List(items) => Value::Array(items.iter().map(plain).collect()),
        Kind::Map(pairs) => Value::Object(pairs.iter().map(|(key, value)| (key.text.to_string(), plain(value))).collect()),
    }
}

/// The checks of finished drafts.
fn finish(source: &'static str, drafts: Drafts) -> Brought {
    let (checks, notes) = drafts.finish();
    Brought { source, checks, notes }
}
