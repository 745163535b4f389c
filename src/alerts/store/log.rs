//! The notification log.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, Row, Transaction, params};

use super::{Kept, LogKey, Logged};
use crate::alerts::route::Entry;

pub(super) fn load(db: &Connection, kept: &mut Kept) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT receiver, channel, group_key, at_ms, firing, resolved, expires_ms FROM notifications")?;
    for line in statement.query_map([], from_row)? {
        match line? {
            (key, Some(logged)) => kept.log.push((key, logged)),
            (key, None) => kept.odd.push(format!("what {} was told of the group {} cannot be read", key.receiver, key.group_key)),
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(LogKey, Option<Logged>)> {
    let text = |at: usize| row.get::<_, String>(at);
    let key = LogKey { receiver: text(0)?.into(), channel: text(1)?.into(), group_key: text(2)?.into() };
    let (firing, resolved) = (hashes_from(&text(4)?), hashes_from(&text(5)?));
    let (at, expires_at) = (row.get(3)?, row.get(6)?);
    let entry = firing.zip(resolved).map(|(firing, resolved)| Entry { at, firing, resolved });
    Ok((key, entry.map(|entry| Logged { entry, expires_at })))
}

/// Hashes are whole 64-bit numbers, which not every reader of JSON takes as numbers.
fn hashes_from(text: &str) -> Option<BTreeSet<u64>> {
    let all: Vec<String> = serde_json::from_str(text).ok()?;
    all.iter().map(|hash| u64::from_str_radix(hash, 16).ok()).collect()
}

fn hashes_to(hashes: &BTreeSet<u64>) -> String {
    let all: Vec<String> = hashes.iter().map(|hash| format!("{hash:016x}")).collect();
    serde_json::to_string(&all).unwrap_or_default()
}

pub(super) fn write(tx: &Transaction<'_>, log: &HashMap<LogKey, Option<Logged>>) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO notifications (receiver, channel, group_key, at_ms, firing, resolved, expires_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM notifications WHERE receiver = ?1 AND channel = ?2 AND group_key = ?3")?;
    for (key, logged) in log {
        let (receiver, channel, group_key) = (&*key.receiver, &*key.channel, &*key.group_key);
        match logged {
            Some(Logged { entry, expires_at }) => {
                let (firing, resolved) = (hashes_to(&entry.firing), hashes_to(&entry.resolved));
                put.execute(params![receiver, channel, group_key, entry.at, firing, resolved, expires_at])?;
            }
            None => {
                remove.execute(params![receiver, channel, group_key])?;
            }
        }
    }
    Ok(())
}
