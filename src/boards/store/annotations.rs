//! Annotations in SQL.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};

use super::ANSWER_MAX;
use crate::boards::model::{Annotation, Tag, Wanted};

const COLUMNS: &str = "id, at_ms, until_ms, text, tags, board_uid, board_id, panel_id, user_id, made_by, made_ms, changed_ms, data";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Annotation> {
    Ok(Annotation {
        id: row.get(0)?,
        at: row.get(1)?,
        until: row.get(2)?,
        text: row.get(3)?,
        tags: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
        board_uid: row.get(5)?,
        board_id: row.get(6)?,
        panel_id: row.get(7)?,
        user_id: row.get(8)?,
        made_by: row.get(9)?,
        made_at: row.get(10)?,
        changed_at: row.get(11)?,
        data: row.get(12)?,
    })
}

fn tags_text(tags: &[String]) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_| "[]".to_owned())
}

pub(super) fn add(tx: &Transaction<'_>, one: &Annotation, max: i64) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO annotations (at_ms, until_ms, text, tags, board_uid, board_id, panel_id, user_id, made_by, made_ms, changed_ms, data) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    tx.prepare_cached(sql)?.execute(params![
        one.at,
        one.until,
        one.text,
        tags_text(&one.tags),
        one.board_uid,
        one.board_id,
        one.panel_id,
        one.user_id,
        one.made_by,
        one.made_at,
        one.changed_at,
        one.data
    ])?;
    let id = tx.last_insert_rowid();
    set_tags(tx, id, &one.tags)?;
    prune(tx, max)?;
    Ok(id)
}

pub(super) fn replace(tx: &Transaction<'_>, one: &Annotation) -> rusqlite::Result<bool> {
    let sql = "UPDATE annotations SET at_ms = ?2, until_ms = ?3, text = ?4, tags = ?5, changed_ms = ?6, data = ?7 WHERE id = ?1";
    let changed = tx.execute(sql, params![one.id, one.at, one.until, one.text, tags_text(&one.tags), one.changed_at, one.data])?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM annotation_tags WHERE annotation_id = ?1", [one.id])?;
    set_tags(tx, one.id, &one.tags)?;
    Ok(true)
}

fn set_tags(tx: &Transaction<'_>, id: i64, tags: &[String]) -> rusqlite::Result<()> {
    let mut add = tx.prepare_cached("INSERT OR IGNORE INTO annotation_tags (annotation_id, key, value) VALUES (?1, ?2, ?3)")?;
    for tag in tags.iter().filter_map(|text| Tag::read(text)) {
        add.execute(params![id, tag.key, tag.value])?;
    }
    Ok(())
}

pub(super) fn delete(tx: &Transaction<'_>, ids: &[i64]) -> rusqlite::Result<usize> {
    let mut gone = 0;
    for id in ids {
        gone += tx.execute("DELETE FROM annotations WHERE id = ?1", [id])?;
    }
    Ok(gone)
}

pub(super) fn delete_of_panel(tx: &Transaction<'_>, board_uid: &str, board_id: i64, panel_id: i64) -> rusqlite::Result<usize> {
    if panel_id == 0 || (board_uid.is_empty() && board_id == 0) {
        return Ok(0);
    }
    let sql = "SELECT id FROM annotations WHERE panel_id = ?1 AND (?2 = '' OR board_uid = ?2) AND (?3 = 0 OR board_id = ?3)";
    let ids: Vec<i64> = tx.prepare(sql)?.query_map(params![panel_id, board_uid, board_id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    delete(tx, &ids)
}

/// Forgets the oldest where there are too many, some more than needed, so that it is seldom done.
fn prune(tx: &Transaction<'_>, max: i64) -> rusqlite::Result<()> {
    let count: i64 = tx.query_row("SELECT count(*) FROM annotations", [], |row| row.get(0))?;
    if count <= max {
        return Ok(());
    }
    let surplus = count - max + max / 50;
    let sql = "SELECT id FROM annotations ORDER BY until_ms, at_ms, id LIMIT ?1";
    let ids: Vec<i64> = tx.prepare(sql)?.query_map([surplus], |row| row.get(0))?.collect::<Result<_, _>>()?;
    delete(tx, &ids)?;
    tracing::info!(removed = ids.len(), "there are too many annotations, the oldest were removed");
    Ok(())
}

pub(super) fn one(db: &Connection, id: i64) -> rusqlite::Result<Option<Annotation>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM annotations WHERE id = ?1"))?.query_row([id], from_row).optional()
}

pub(super) fn find(db: &Connection, wanted: &Wanted) -> rusqlite::Result<Vec<Annotation>> {
    let mut conditions: Vec<String> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut add = |condition: &str, given: Vec<Value>| {
        conditions.push(condition.to_owned());
        values.extend(given);
    };
    if let Some((from, to)) = wanted.range {
        add("until_ms >= ? AND at_ms <= ?", vec![from.into(), to.into()]);
    }
    if !wanted.board_uid.is_empty() {
        add("board_uid = ?", vec![wanted.board_uid.clone().into()]);
    }
    for (column, number) in [("board_id = ?", wanted.board_id), ("panel_id = ?", wanted.panel_id), ("user_id = ?", wanted.user_id)] {
        if number != 0 {
            add(column, vec![number.into()]);
        }
    }
    let has = |tag: &Tag| {
        let condition = "EXISTS (SELECT 1 FROM annotation_tags WHERE annotation_id = annotations.id AND key = ?";
        let key: Value = tag.key.clone().into();
        if tag.value.is_empty() {
            (format!("{condition})"), vec![key])
        } else {
            (format!("{condition} AND value = ?)"), vec![key, tag.value.clone().into()])
        }
    };
    if !wanted.tags.is_empty() {
        let (each, given): (Vec<String>, Vec<Vec<Value>>) = wanted.tags.iter().map(has).unzip();
        add(&format!("({})", each.join(if wanted.any_tag { " OR " } else { " AND " })), given.concat());
    }
    let condition = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let sql = format!("SELECT {COLUMNS} FROM annotations {condition} ORDER BY until_ms DESC, at_ms DESC, id DESC LIMIT ?");
    values.push(i64::try_from(wanted.limit.min(ANSWER_MAX)).unwrap_or(i64::MAX).into());
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), from_row)?.collect()
}

pub(super) fn tags(db: &Connection, part: &str, limit: usize) -> rusqlite::Result<Vec<(String, i64)>> {
    let sql = "SELECT CASE value WHEN '' THEN key ELSE key || ':' || value END AS tag, count(*) FROM annotation_tags \
               WHERE instr(lower(CASE value WHEN '' THEN key ELSE key || ':' || value END), lower(?1)) > 0 OR ?1 = '' \
               GROUP BY tag ORDER BY tag LIMIT ?2";
    let limit = i64::try_from(limit.min(ANSWER_MAX)).unwrap_or(i64::MAX);
    db.prepare_cached(sql)?.query_map(params![part, limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
