//! Checking a dashboard without a server: how it is understood, in words.

use std::fmt::Write as _;

use crate::boards::model::{BOARD_BYTES_MAX, Board, Level};

/// How a dashboard's JSON is understood, line by line, and whether every panel works.
///
/// # Errors
/// In words, where it is no dashboard at all.
pub fn check(json: &[u8]) -> Result<(String, bool), String> {
    if json.len() > BOARD_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {BOARD_BYTES_MAX} are allowed", json.len()));
    }
    let json: serde_json::Value = serde_json::from_slice(json).map_err(|error| format!("it is no JSON: {error}"))?;
    let (board, report) = Board::read(&json)?;
    let mut text = format!("{:?}: {} of {} panels as they were meant\n", board.title, report.whole, report.panels);
    for one in &report.findings {
        let level = match one.level {
            Level::Adapted => "adapted",
            Level::Ignored => "left out",
            Level::Broken => "broken",
        };
        let panel = one.panel.as_ref().map(|(id, title)| format!(" panel {id} {title:?}:")).unwrap_or_default();
        // Writing into a text does not fail.
        let _written = writeln!(text, "  {level}:{panel} {} ({})", one.text, one.path);
    }
    Ok((text, report.findings.iter().all(|one| one.level != Level::Broken)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_told() {
        let (text, is_whole) = check(br#"{"title":"A","panels":[{"id":1,"title":"Map","type":"geomap"},{"id":2,"type":"stat"}]}"#).unwrap();
        assert!(!is_whole);
        assert_eq!(
            text,
            "\"A\": 1 of 2 panels as they were meant\n  broken: panel 1 \"Map\": panels of the type \"geomap\" are not drawn (panels[0].type)\n"
        );
        assert!(check(br#"{"title":"A","panels":[]}"#).unwrap().1);
        assert!(check(b"[]").is_err() && check(b"{").is_err());
    }
}
