//! Dashboards and their versions in SQL.

use std::io::Read;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::Value;

use super::folders;
use crate::boards::model::{About, BOARD_BYTES_MAX, File, NotSaved, Saving, Search, Stored, Version};

/// Most dashboards.
const BOARDS_MAX: i64 = 10_000;
/// Versions of a dashboard that are kept.
const VERSIONS_MAX: i64 = 100;
/// Bytes of all versions of a dashboard that are kept, as they lie on disk; the newest stays whatever its size.
const VERSIONS_BYTES_MAX: i64 = 8 * 1024 * 1024;
/// How hard JSON is pressed.
const ZSTD_LEVEL: i32 = 6;

const COLUMNS: &str =
    "id, uid, title, description, folder_uid, tags, version, made_ms, made_by, changed_ms, changed_by, file_path, file_hash, file_version";

/// A dashboard that is to be kept, made ready outside of the transaction.
pub(super) struct Ready {
    uid: String,
    title: String,
    description: String,
    tags: Vec<String>,
    had: i64,
    packed: Vec<u8>,
    saving: Saving,
}

impl Ready {
    /// Packs the JSON; a title and a uid are there.
    pub(super) fn of(mut saving: Saving, uid: String) -> Result<Self, NotSaved> {
        let wrong = |text: String| NotSaved::Wrong(text);
        let text = |name: &str, json: &Value| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let had = saving.json.get("version").and_then(Value::as_i64).unwrap_or(0);
        let (title, description) = (text("title", &saving.json), text("description", &saving.json));
        let tags = saving.json.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let tags = tags.collect();
        let json = saving.json.take();
        let bytes = serde_json::to_vec(&json).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() > BOARD_BYTES_MAX {
            return Err(wrong(format!("the dashboard has {} bytes, at most {BOARD_BYTES_MAX} are allowed", bytes.len())));
        }
        let packed = zstd::bulk::compress(&bytes, ZSTD_LEVEL).map_err(|error| wrong(format!("it cannot be packed: {error}")))?;
        Ok(Self { uid, title, description, tags, had, packed, saving })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<About> {
    let file = File { path: row.get(11)?, hash: row.get(12)?, version: row.get(13)? };
    Ok(About {
        id: row.get(0)?,
        uid: row.get(1)?,
        title: row.get(2)?,
        description: row.get(3)?,
        folder_uid: row.get(4)?,
        tags: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
        version: row.get(6)?,
        made_at: row.get(7)?,
        made_by: row.get(8)?,
        changed_at: row.get(9)?,
        changed_by: row.get(10)?,
        file: (!file.path.is_empty()).then_some(file),
    })
}

pub(super) fn about(db: &Connection, uid: &str) -> rusqlite::Result<Option<About>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM boards WHERE uid = ?1"))?.query_row([uid], from_row).optional()
}

pub(super) fn save(tx: &Transaction<'_>, ready: &Ready) -> rusqlite::Result<Result<About, NotSaved>> {
    let Saving { folder_uid, message, by, at, overwrite, restored, file, .. } = &ready.saving;
    let before = about(tx, &ready.uid)?;
    let folder = folder_uid.clone().or_else(|| before.as_ref().map(|one| one.folder_uid.clone())).unwrap_or_default();
    if !folder.is_empty() && folders::one(tx, &folder)?.is_none() {
        return Ok(Err(NotSaved::NoFolder(folder)));
    }
    let next = match &before {
        Some(kept) if kept.version != ready.had && !overwrite => {
            return Ok(Err(NotSaved::Newer { is: kept.version, by: kept.changed_by.clone(), had: ready.had }));
        }
        Some(kept) => kept.version + 1,
        None => 1,
    };
    let tags = serde_json::to_string(&ready.tags).unwrap_or_else(|_| "[]".to_owned());
    let id = if let Some(kept) = &before {
        tx.execute(
            "UPDATE boards SET title = ?2, description = ?3, folder_uid = ?4, tags = ?5, version = ?6, changed_ms = ?7, changed_by = ?8 WHERE id = ?1",
            params![kept.id, ready.title, ready.description, folder, tags, next, at, by],
        )?;
        kept.id
    } else {
        if tx.query_row("SELECT count(*) FROM boards", [], |row| row.get::<_, i64>(0))? >= BOARDS_MAX {
            return Ok(Err(NotSaved::Wrong(format!("there are {BOARDS_MAX} dashboards, which is as many as are kept: delete some"))));
        }
        tx.execute(
            "INSERT INTO boards (uid, title, description, folder_uid, tags, version, made_ms, made_by, changed_ms, changed_by, file_path, file_hash, file_version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?8, '', '', 0)",
            params![ready.uid, ready.title, ready.description, folder, tags, next, at, by],
        )?;
        tx.last_insert_rowid()
    };
    if let Some((path, hash)) = file {
        tx.execute("UPDATE boards SET file_path = ?2, file_hash = ?3, file_version = ?4 WHERE id = ?1", params![id, path, hash, next])?;
    }
    // What the file says was brought back: it is as the file has it again.
    let of_file = before.as_ref().and_then(|kept| kept.file.as_ref()).map_or(0, |file| file.version);
    if *restored > 0 && *restored == of_file {
        tx.execute("UPDATE boards SET file_version = ?2 WHERE id = ?1", params![id, next])?;
    }
    let parent = before.as_ref().map_or(0, |kept| kept.version);
    tx.execute(
        "INSERT INTO board_versions (board_id, version, parent, restored, made_ms, made_by, message, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![id, next, parent, restored, at, by, message, ready.packed],
    )?;
    forget_old_versions(tx, id)?;
    Ok(about(tx, &ready.uid)?.ok_or_else(|| NotSaved::NotFound(format!("dashboard with the uid {:?}", ready.uid))))
}

/// Keeps the newest versions, as many as are allowed in number and bytes.
fn forget_old_versions(tx: &Transaction<'_>, board: i64) -> rusqlite::Result<()> {
    let sql = "SELECT version, length(json) FROM board_versions WHERE board_id = ?1 ORDER BY version DESC";
    let all: Vec<(i64, i64)> =
        tx.prepare_cached(sql)?.query_map([board], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let (mut count, mut bytes) = (0, 0);
    for (at, (version, size)) in all.into_iter().enumerate() {
        (count, bytes) = (count + 1, bytes + size);
        if at > 0 && (count > VERSIONS_MAX || bytes > VERSIONS_BYTES_MAX) {
            tx.execute("DELETE FROM board_versions WHERE board_id = ?1 AND version <= ?2", params![board, version])?;
            break;
        }
    }
    Ok(())
}

fn unpack(packed: &[u8]) -> rusqlite::Result<Value> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, error);
    let mut text = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| failed(error.into()))?;
    decoder.take(BOARD_BYTES_MAX as u64 + 1).read_to_end(&mut text).map_err(|error| failed(error.into()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.into()))
}

pub(super) fn stored(db: &Connection, uid: &str) -> rusqlite::Result<Option<Stored>> {
    let Some(about) = about(db, uid)? else { return Ok(None) };
    let Some((_, mut json)) = version(db, uid, about.version)? else { return Ok(None) };
    if let Some(json) = json.as_object_mut() {
        json.insert("id".to_owned(), about.id.into());
        json.insert("uid".to_owned(), about.uid.clone().into());
        json.insert("version".to_owned(), about.version.into());
    }
    Ok(Some(Stored { about, json }))
}

pub(super) fn delete(tx: &Transaction<'_>, uid: &str) -> rusqlite::Result<Option<About>> {
    let before = about(tx, uid)?;
    if before.is_some() {
        tx.execute("DELETE FROM boards WHERE uid = ?1", [uid])?;
        tx.execute("DELETE FROM board_stars WHERE board_uid = ?1", [uid])?;
    }
    Ok(before)
}

fn version_of(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        id: row.get(0)?,
        version: row.get(1)?,
        parent: row.get(2)?,
        restored: row.get(3)?,
        made_at: row.get(4)?,
        made_by: row.get(5)?,
        message: row.get(6)?,
    })
}

const VERSION_COLUMNS: &str = "v.id, v.version, v.parent, v.restored, v.made_ms, v.made_by, v.message";

pub(super) fn versions(db: &Connection, uid: &str, before: i64, limit: usize) -> rusqlite::Result<Vec<Version>> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM board_versions v JOIN boards b ON b.id = v.board_id WHERE b.uid = ?1 AND (?2 = 0 OR v.version < ?2) \
         ORDER BY v.version DESC LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(VERSIONS_MAX);
    db.prepare_cached(&sql)?.query_map(params![uid, before, limit], version_of)?.collect()
}

pub(super) fn version(db: &Connection, uid: &str, version: i64) -> rusqlite::Result<Option<(Version, Value)>> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS}, v.json FROM board_versions v JOIN boards b ON b.id = v.board_id WHERE b.uid = ?1 AND v.version = ?2"
    );
    let read = |row: &Row<'_>| Ok((version_of(row)?, row.get::<_, Vec<u8>>(7)?));
    let found = db.prepare_cached(&sql)?.query_row(params![uid, version], read).optional()?;
    found.map(|(version, packed)| Ok((version, unpack(&packed)?))).transpose()
}

pub(super) fn find(db: &Connection, search: &Search) -> rusqlite::Result<Vec<About>> {
    let all: Vec<About> =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM boards"))?.query_map([], from_row)?.collect::<Result<_, _>>()?;
    let starred = search.starred_by.map(|user| stars(db, user)).transpose()?;
    let words: Vec<String> = search.query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |one: &About| {
        let title = one.title.to_lowercase();
        words.iter().all(|word| title.contains(word.as_str()))
            && search.tags.iter().all(|tag| one.tags.contains(tag))
            && (search.uids.is_empty() || search.uids.contains(&one.uid))
            && (search.folder_uids.is_empty() || search.folder_uids.iter().any(|folder| folders::is_named(&one.folder_uid, folder)))
            && starred.as_ref().is_none_or(|uids| uids.contains(&one.uid))
    };
    let mut found: Vec<(String, About)> = all.into_iter().filter(fits).map(|one| (one.title.to_lowercase(), one)).collect();
    found.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.id.cmp(&other.id)));
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

pub(super) fn tags(db: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let sql = "SELECT value, count(DISTINCT boards.id) FROM boards, json_each(boards.tags) GROUP BY value ORDER BY value LIMIT 5000";
    db.prepare_cached(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn star(tx: &Transaction<'_>, user: i64, uid: &str, is_on: bool) -> rusqlite::Result<bool> {
    let sql = if is_on {
        "INSERT OR IGNORE INTO board_stars (user_id, board_uid) VALUES (?1, ?2)"
    } else {
        "DELETE FROM board_stars WHERE user_id = ?1 AND board_uid = ?2"
    };
    tx.execute(sql, params![user, uid])?;
    Ok(about(tx, uid)?.is_some())
}

pub(super) fn stars(db: &Connection, user: i64) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT board_uid FROM board_stars WHERE user_id = ?1 ORDER BY board_uid";
    db.prepare_cached(sql)?.query_map([user], |row| row.get(0))?.collect()
}
