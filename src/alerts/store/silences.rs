//! Silences.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Transaction, params};

use super::{Kept, from_json, to_json};
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers};
use crate::alerts::model::silence::Silence;

pub(super) fn load(db: &Connection, kept: &mut Kept) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare("SELECT id, matchers, starts_ms, ends_ms, updated_ms, created_by, comment, annotations FROM silences ORDER BY id")?;
    for silence in statement.query_map([], from_row)? {
        match silence? {
            Ok(silence) => kept.silences.push(silence),
            Err(id) => kept.odd.push(format!("the silence {id} cannot be read")),
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Silence, String>> {
    let (id, matchers, annotations): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(7)?);
    let (Some(matchers), Some(annotations)) = (matchers_from(&matchers), from_json(&annotations)) else { return Ok(Err(id)) };
    Ok(Ok(Silence {
        id,
        matchers,
        starts_at: row.get(2)?,
        ends_at: row.get(3)?,
        updated_at: row.get(4)?,
        created_by: row.get(5)?,
        comment: row.get(6)?,
        annotations: annotations.into_iter().collect(),
    }))
}

fn matchers_from(text: &str) -> Option<Matchers> {
    let all: Vec<(String, String, String)> = serde_json::from_str(text).ok()?;
    let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
    let matchers = all.iter().map(|(name, op, value)| {
        let op = ops.into_iter().find(|known| known.as_str() == op)?;
        Matcher::new(name, op, value).ok()
    });
    matchers.collect::<Option<_>>().map(Matchers::in_order)
}

fn matchers_to(matchers: &Matchers) -> String {
    let all: Vec<(&str, &str, &str)> = matchers.iter().map(|matcher| (&*matcher.name, matcher.op.as_str(), &*matcher.value)).collect();
    serde_json::to_string(&all).unwrap_or_default()
}

pub(super) fn write(tx: &Transaction<'_>, silences: &BTreeMap<String, Option<Silence>>) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO silences (id, matchers, starts_ms, ends_ms, updated_ms, created_by, comment, annotations) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM silences WHERE id = ?1")?;
    for (id, silence) in silences {
        let Some(silence) = silence else {
            remove.execute([id])?;
            continue;
        };
        let annotations = to_json(silence.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let matchers = matchers_to(&silence.matchers);
        let (starts, ends, updated) = (silence.starts_at, silence.ends_at, silence.updated_at);
        put.execute(params![id, matchers, starts, ends, updated, silence.created_by, silence.comment, annotations])?;
    }
    Ok(())
}
