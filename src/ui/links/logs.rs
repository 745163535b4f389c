//! URLs of logs.

use crate::ui::lang::key;

/// Searching lines.
pub const LOGS: &str = "/logs";
/// One line with those around it: `s` is its stream's selector, `t` its time in nanoseconds.
pub const LOGS_LINE: &str = "/logs/line";
/// Searches that were saved.
pub const LOGS_SAVED: &str = "/logs/saved";
/// POST: saves a search.
pub const LOGS_SAVED_ADD: &str = "/logs/saved/add";
/// POST: gives a saved search another name, shares it or not.
pub const LOGS_SAVED_CHANGE: &str = "/logs/saved/change";
/// POST: deletes a saved search.
pub const LOGS_SAVED_DELETE: &str = "/logs/saved/delete";
/// What streams there are, and how much is in them.
pub const LOGS_STREAMS: &str = "/logs/streams";
/// POST: deletes lines.
pub const LOGS_DELETE: &str = "/logs/streams/delete";
/// How lines come in, and how they are kept.
pub const LOGS_DOORS: &str = "/logs/ingestion";
/// GET: columns for charts of LogQL.
pub const LOGS_CHART: &str = "/ui/logs/chart";
/// GET: how many lines a search finds, as they are counted.
pub const LOGS_COUNTS: &str = "/ui/logs/counts";
/// GET: what stands in the bar as LogQL.
pub const LOGS_COMPILE: &str = "/ui/logs/compile";
/// GET: lines as a file.
pub const LOGS_EXPORT: &str = "/logs/export";
/// Pages of logs: path and name.
pub const LOGS_PAGES: [(&str, &str); 4] =
    [(LOGS, key("Search")), (LOGS_SAVED, key("Saved")), (LOGS_STREAMS, key("Streams")), (LOGS_DOORS, key("Ingestion"))];
