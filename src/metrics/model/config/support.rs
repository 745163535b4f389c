//! Keys that are read and checked, but change nothing yet. Each one that a file sets is a warning.
//!
//! This list is the one place to shorten when a feature arrives.

use crate::platform::config::http_client;
use crate::platform::config::section::Section;

/// Section, key, and what to tell.
const NOT_YET: &[(&str, &str, &str)] = &[
    ("file", "remote_read", "read, but other databases are not asked yet"),
    ("file", "tracing", "read, but spans are not sent yet"),
    ("file", "runtime", "read, but has no effect: there is no Go runtime to tune"),
    ("global", "query_log_file", "read, but queries are not logged to a file yet"),
    ("remote_write", "sigv4", "read, but requests are not signed for Amazon yet"),
    ("alertmanagers", "sigv4", "read, but requests are not signed for Amazon yet"),
    ("remote_write", "azuread", "read, but tokens are not fetched from Azure yet"),
    ("remote_write", "google_iam", "read, but tokens are not fetched from Google yet"),
    ("remote_write", "round_robin_dns", "read, but addresses are not used in turn yet"),
    ("tsdb", "stale_series_compaction_threshold", "read, but has no effect: stale series leave memory by themselves"),
    ("tsdb", "chunk_encoding", "read, but has no effect: the encoding is chosen per chunk"),
];

/// What there is to know about a key of a section, which the root calls `configuration`.
pub(super) fn note(section: &str, key: &str) -> Option<&'static str> {
    let name = if section == "configuration" { "file" } else { section };
    let own = NOT_YET.iter().find(|(of, known, _)| *of == name && *known == key).map(|(_, _, why)| *why);
    own.or_else(|| http_client::note(section, key))
}

/// Warns about what `section`, called `name` in the list above, sets in vain.
pub(super) fn warn(section: &mut Section<'_, '_>, name: &str) {
    for (_, key, why) in NOT_YET.iter().filter(|(of, _, _)| *of == name) {
        section.warn_if_set(key, why);
    }
}
