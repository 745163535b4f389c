//! What people did about alerts.

use rusqlite::{Connection, Row, Transaction, params};

use super::{from_json, to_json};
use crate::alerts::calm::{Deed, Note};
use crate::alerts::model::routed::fingerprint;
use crate::series::labels::Labels;

/// Most lines of one answer.
const ANSWER_LINES_MAX: i64 = 10_000;

pub(super) fn write(tx: &Transaction<'_>, notes: &[Note]) -> rusqlite::Result<()> {
    let mut put =
        tx.prepare_cached("INSERT INTO alert_notes (at_ms, fingerprint, labels, by, deed, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for Note { at, labels, by, deed } in notes {
        let (deed, text) = match deed {
            Deed::Acknowledge => ("acknowledge", ""),
            Deed::Release => ("release", ""),
            Deed::Assign(person) => ("assign", person.as_deref().unwrap_or("")),
            Deed::Comment(text) => ("comment", text.as_str()),
        };
        put.execute(params![at, fingerprint(labels).cast_signed(), to_json(labels.iter()), by, deed, text])?;
    }
    Ok(())
}

/// From an instant on, newest first: of these alerts, or of all if there are none.
pub(super) fn read(db: &Connection, fingerprints: &[u64], from: i64) -> rusqlite::Result<Vec<Note>> {
    let columns = "SELECT at_ms, labels, by, deed, text FROM alert_notes WHERE at_ms >= ?1";
    let order = "ORDER BY at_ms DESC, id DESC LIMIT ?2";
    let lines: Vec<rusqlite::Result<Option<Note>>> = if fingerprints.is_empty() {
        let mut all = db.prepare_cached(&format!("{columns} {order}"))?;
        all.query_map(params![from, ANSWER_LINES_MAX], note_from)?.collect()
    } else {
        let names: Vec<i64> = fingerprints.iter().map(|name| name.cast_signed()).collect();
        let names = serde_json::to_string(&names).unwrap_or_default();
        let mut some = db.prepare_cached(&format!("{columns} AND fingerprint IN (SELECT value FROM json_each(?3)) {order}"))?;
        some.query_map(params![from, ANSWER_LINES_MAX, names], note_from)?.collect()
    };
    // A line that cannot be read is none.
    lines.into_iter().filter_map(Result::transpose).collect()
}

fn note_from(row: &Row<'_>) -> rusqlite::Result<Option<Note>> {
    let (labels, deed, text): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let deed = match deed.as_str() {
        "acknowledge" => Deed::Acknowledge,
        "release" => Deed::Release,
        "assign" => Deed::Assign(Some(text).filter(|person| !person.is_empty())),
        "comment" => Deed::Comment(text),
        _ => return Ok(None),
    };
    let Some(labels) = from_json(&labels) else { return Ok(None) };
    Ok(Some(Note { at: row.get(0)?, labels: Labels::from_pairs(labels), by: row.get(2)?, deed }))
}
