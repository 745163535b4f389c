//! Folders of dashboards in SQL.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::boards::model::{Folder, FolderSaving, NotSaved, TITLE_BYTES_MAX};

/// Most folders.
const FOLDERS_MAX: i64 = 2_000;
/// Most folders inside of each other.
const DEPTH_MAX: usize = 8;
/// Grafana's name of no folder.
const GENERAL: &str = "general";

const COLUMNS: &str = "id, uid, title, parent_uid, description, version, made_ms, made_by, changed_ms, changed_by";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Folder> {
    Ok(Folder {
        id: row.get(0)?,
        uid: row.get(1)?,
        title: row.get(2)?,
        parent_uid: row.get(3)?,
        description: row.get(4)?,
        version: row.get(5)?,
        made_at: row.get(6)?,
        made_by: row.get(7)?,
        changed_at: row.get(8)?,
        changed_by: row.get(9)?,
    })
}

/// Whether a dashboard's folder is the one that is asked for.
pub(super) fn is_named(folder: &str, asked: &str) -> bool {
    folder == asked || (folder.is_empty() && asked == GENERAL)
}

pub(super) fn one(db: &Connection, uid: &str) -> rusqlite::Result<Option<Folder>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM board_folders WHERE uid = ?1"))?.query_row([uid], from_row).optional()
}

pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Folder>> {
    let mut all: Vec<Folder> =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM board_folders"))?.query_map([], from_row)?.collect::<Result<_, _>>()?;
    all.sort_by_cached_key(|folder| (folder.title.to_lowercase(), folder.id));
    Ok(all)
}

pub(super) fn save(tx: &Transaction<'_>, saving: &FolderSaving) -> rusqlite::Result<Result<Folder, NotSaved>> {
    let before = one(tx, &saving.uid)?;
    let mut folder = match before {
        Some(_) if saving.is_new => return Ok(Err(NotSaved::Taken(saving.uid.clone()))),
        None if !saving.is_new => return Ok(Err(NotSaved::NotFound(format!("folder with the uid {:?}", saving.uid)))),
        Some(kept) => kept,
        None => Folder { uid: saving.uid.clone(), made_at: saving.at, made_by: saving.by.clone(), ..Folder::default() },
    };
    if let Some(had) = saving.version.filter(|had| *had != folder.version) {
        return Ok(Err(NotSaved::Newer { is: folder.version, by: folder.changed_by, had }));
    }
    folder.title = saving.title.clone().unwrap_or(folder.title);
    folder.description = saving.description.clone().unwrap_or(folder.description);
    folder.parent_uid = saving.parent_uid.clone().unwrap_or(folder.parent_uid);
    (folder.version, folder.changed_at, folder.changed_by) = (folder.version + 1, saving.at, saving.by.clone());
    if folder.title.trim().is_empty() || folder.title.len() > TITLE_BYTES_MAX {
        return Ok(Err(NotSaved::Wrong("folder title cannot be empty".to_owned())));
    }
    if let Some(wrong) = wrong_parent(tx, &folder)? {
        return Ok(Err(wrong));
    }
    if saving.is_new && tx.query_row("SELECT count(*) FROM board_folders", [], |row| row.get::<_, i64>(0))? >= FOLDERS_MAX {
        return Ok(Err(NotSaved::Wrong(format!("there are {FOLDERS_MAX} folders, which is as many as are kept: delete some"))));
    }
    let sql = "INSERT INTO board_folders (uid, title, parent_uid, description, version, made_ms, made_by, changed_ms, changed_by) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (uid) DO UPDATE SET title = ?2, parent_uid = ?3, \
               description = ?4, version = ?5, changed_ms = ?8, changed_by = ?9";
    tx.execute(
        sql,
        params![
            folder.uid,
            folder.title,
            folder.parent_uid,
            folder.description,
            folder.version,
            folder.made_at,
            folder.made_by,
            folder.changed_at,
            folder.changed_by
        ],
    )?;
    Ok(one(tx, &folder.uid)?.ok_or_else(|| NotSaved::NotFound(format!("folder with the uid {:?}", folder.uid))))
}

/// What is wrong with where a folder lies: its parent is there, is not itself, and is not too deep.
fn wrong_parent(tx: &Transaction<'_>, folder: &Folder) -> rusqlite::Result<Option<NotSaved>> {
    let mut at = folder.parent_uid.clone();
    for _ in 0..DEPTH_MAX {
        if at.is_empty() {
            return Ok(None);
        }
        if at == folder.uid {
            return Ok(Some(NotSaved::Wrong("a folder cannot lie in itself".to_owned())));
        }
        match one(tx, &at)? {
            Some(parent) => at = parent.parent_uid,
            None => return Ok(Some(NotSaved::NoFolder(at))),
        }
    }
    Ok(Some(NotSaved::Wrong(format!("folders lie at most {DEPTH_MAX} deep in each other"))))
}

pub(super) fn delete(tx: &Transaction<'_>, uid: &str, with_all: bool) -> rusqlite::Result<Result<Folder, NotSaved>> {
    let Some(folder) = one(tx, uid)? else {
        return Ok(Err(NotSaved::NotFound(format!("folder with the uid {uid:?}"))));
    };
    let count = |sql: &str| tx.query_row(sql, [uid], |row| row.get::<_, i64>(0));
    let boards = count("SELECT count(*) FROM boards WHERE folder_uid = ?1")?;
    let folders = count("SELECT count(*) FROM board_folders WHERE parent_uid = ?1")?;
    if !with_all && (boards > 0 || folders > 0) {
        return Ok(Err(NotSaved::NotEmpty { boards, folders }));
    }
    let mut open = vec![uid.to_owned()];
    while let Some(next) = open.pop() {
        let sql = "SELECT uid FROM board_folders WHERE parent_uid = ?1";
        open.extend(tx.prepare_cached(sql)?.query_map([&next], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?);
        tx.execute("DELETE FROM board_stars WHERE board_uid IN (SELECT uid FROM boards WHERE folder_uid = ?1)", [&next])?;
        tx.execute("DELETE FROM boards WHERE folder_uid = ?1", [&next])?;
        tx.execute("DELETE FROM board_folders WHERE uid = ?1", [&next])?;
    }
    Ok(Ok(folder))
}
