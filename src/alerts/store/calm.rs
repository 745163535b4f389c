//! Calm rules, and who takes care of alerts.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Transaction, params};

use super::Kept;
use crate::alerts::calm::{Acknowledged, CalmKind, Handling, Named, wire};

pub(super) fn load(db: &Connection, kept: &mut Kept) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT id, kind, rule, changed_by, changed_ms FROM calm_rules ORDER BY id")?;
    for rule in statement.query_map([], rule_from)? {
        match rule? {
            Ok(named) => kept.calm.push(named),
            Err(why) => kept.odd.push(why),
        }
    }
    let mut statement = db.prepare("SELECT fingerprint, acknowledged_by, acknowledged_ms, assignee FROM handlings ORDER BY fingerprint")?;
    for handling in statement.query_map([], handling_from)? {
        let (name, handling) = handling?;
        kept.handlings.insert(name, handling);
    }
    Ok(())
}

fn rule_from(row: &Row<'_>) -> rusqlite::Result<Result<Named, String>> {
    let (id, kind, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (changed_by, changed_at) = (row.get(3)?, row.get(4)?);
    let Some(known) = CalmKind::parse(&kind) else { return Ok(Err(format!("the calm rule {id} is of the unknown kind {kind}"))) };
    Ok(match wire::read(known, &text) {
        Ok(rule) => Ok(Named { id, rule, changed_by, changed_at }),
        Err(error) => Err(format!("the calm rule {id} ({kind}) cannot be read: {error}")),
    })
}

fn handling_from(row: &Row<'_>) -> rusqlite::Result<(u64, Handling)> {
    let (by, at): (Option<String>, Option<i64>) = (row.get(1)?, row.get(2)?);
    let acknowledged = by.zip(at).map(|(by, at)| Acknowledged { by, at });
    Ok((row.get::<_, i64>(0)?.cast_unsigned(), Handling { acknowledged, assignee: row.get(3)? }))
}

pub(super) fn write(tx: &Transaction<'_>, rules: &BTreeMap<String, Option<Named>>) -> rusqlite::Result<()> {
    let mut put =
        tx.prepare_cached("INSERT OR REPLACE INTO calm_rules (id, kind, rule, changed_by, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut remove = tx.prepare_cached("DELETE FROM calm_rules WHERE id = ?1")?;
    for (id, named) in rules {
        match named {
            Some(Named { rule, changed_by, changed_at, .. }) => {
                put.execute(params![id, rule.kind().as_str(), wire::write(rule).to_string(), changed_by, changed_at])?;
            }
            None => {
                remove.execute([id])?;
            }
        }
    }
    Ok(())
}

pub(super) fn write_handlings(tx: &Transaction<'_>, handlings: &BTreeMap<u64, Option<Handling>>) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO handlings (fingerprint, acknowledged_by, acknowledged_ms, assignee) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM handlings WHERE fingerprint = ?1")?;
    for (name, handling) in handlings {
        let name = name.cast_signed();
        match handling {
            Some(Handling { acknowledged, assignee }) => {
                let (by, at) = (acknowledged.as_ref().map(|ack| &ack.by), acknowledged.as_ref().map(|ack| ack.at));
                put.execute(params![name, by, at, assignee])?;
            }
            None => {
                remove.execute([name])?;
            }
        }
    }
    Ok(())
}
