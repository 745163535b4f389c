//! Ready-made dashboards: built in, as ordinary JSON (`templates/boards/ready`), read when they are first asked for.

use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};
use serde_json::Value;

use crate::boards::model::Board;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/boards/ready");

/// The folder that they seem to lie in.
pub const FOLDER_UID: &str = "pharos-ready";
/// Its title.
pub const FOLDER_TITLE: &str = "Ready-made";

/// A ready-made dashboard.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Grafana's classic JSON.
    pub json: Arc<Value>,
    /// What it is read as.
    pub board: Arc<Board>,
}

/// Every ready-made dashboard, by title.
pub fn all() -> &'static [Ready] {
    static READY: OnceLock<Vec<Ready>> = OnceLock::new();
    READY.get_or_init(|| {
        let mut all: Vec<Ready> =
            FILES.files().filter(|file| file.path().extension().is_some_and(|end| end == "json")).filter_map(read).collect();
        all.sort_by(|a, b| a.board.title.cmp(&b.board.title));
        all
    })
}

/// The one with a uid.
pub fn named(uid: &str) -> Option<&'static Ready> {
    all().iter().find(|ready| ready.board.uid == uid)
}

fn read(file: &include_dir::File<'_>) -> Option<Ready> {
    // They are read by a test; one that cannot be read is left out, not a reason to end the server.
    let json: Value = serde_json::from_slice(file.contents()).ok()?;
    let (board, _) = Board::read(&json).ok()?;
    Some(Ready { json: Arc::new(json), board: Arc::new(board) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_dashboard_that_is_understood_whole() {
        for file in FILES.files() {
            let json: Value = serde_json::from_slice(file.contents()).unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
            let (board, report) = Board::read(&json).unwrap();
            assert!(report.findings.is_empty(), "{}: {:?}", board.title, report.findings);
            assert!(board.uid.starts_with("pharos-") && board.panels.len() > 3, "{}", board.uid);
        }
        assert_eq!(all().len(), FILES.files().count());
        let mut uids: Vec<&str> = all().iter().map(|ready| ready.board.uid.as_str()).collect();
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), all().len(), "uids differ");
        assert!(named("pharos-host").is_some() && named("x").is_none());
    }
}
