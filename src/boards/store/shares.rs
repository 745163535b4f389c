//! Shares of dashboards in SQL.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::Store;
use crate::access::address;
use crate::boards::model::{Keeping, NotSaved, SHARES_MAX, SHARES_OF_BOARD_MAX, SNAPSHOT_BYTES_MAX, SNAPSHOTS_BYTES_MAX, Share};

const COLUMNS: &str = "token, board_uid, title, open, fixed, range_from, range_to, is_range_free, framed_by, made_ms, made_by, expires_ms, \
                       is_on, taken_ms, coalesce(length(snapshot), 0)";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Share> {
    let list = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(Share {
        token: row.get(0)?,
        board_uid: row.get(1)?,
        title: row.get(2)?,
        open: list(row.get(3)?),
        fixed: row.get(4)?,
        range: (row.get(5)?, row.get(6)?),
        is_range_free: row.get(7)?,
        framed_by: list(row.get(8)?),
        made_at: row.get(9)?,
        made_by: row.get(10)?,
        expires_at: row.get(11)?,
        is_on: row.get(12)?,
        taken_at: row.get(13)?,
        bytes: row.get(14)?,
    })
}

fn add(tx: &Transaction<'_>, share: &Share, snapshot: Option<&[u8]>) -> rusqlite::Result<Result<(), NotSaved>> {
    forget_ended(tx, share.made_at)?;
    let count = |sql: &str, uid: &str| tx.query_row(sql, [uid], |row| row.get::<_, i64>(0));
    let of_board = count("SELECT count(*) FROM board_shares WHERE board_uid = ?1", &share.board_uid)?;
    let all = count("SELECT count(*) FROM board_shares WHERE ?1 <> ''", "x")?;
    let bytes = count("SELECT coalesce(sum(length(snapshot)), 0) FROM board_shares WHERE ?1 <> ''", "x")?;
    let wrong = |words: String| Ok(Err(NotSaved::Wrong(words)));
    if of_board >= SHARES_OF_BOARD_MAX as i64 {
        return wrong(format!("this dashboard is shared {of_board} times, which is as often as it may be: delete some"));
    }
    if all >= SHARES_MAX as i64 {
        return wrong(format!("there are {all} shared links and snapshots, which is as many as are kept: delete some"));
    }
    if bytes + snapshot.map_or(0, <[u8]>::len) as i64 > SNAPSHOTS_BYTES_MAX {
        return wrong("all snapshots together are as large as they may be: delete some".to_owned());
    }
    let list = |all: &[String]| serde_json::to_string(all).unwrap_or_else(|_| "[]".to_owned());
    tx.execute(
        "INSERT INTO board_shares (token, board_uid, title, open, fixed, range_from, range_to, is_range_free, framed_by, made_ms, made_by, \
         expires_ms, is_on, taken_ms, snapshot) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            share.token,
            share.board_uid,
            share.title,
            list(&share.open),
            share.fixed,
            share.range.0,
            share.range.1,
            share.is_range_free,
            list(&share.framed_by),
            share.made_at,
            share.made_by,
            share.expires_at,
            share.is_on,
            share.taken_at,
            snapshot,
        ],
    )?;
    Ok(Ok(()))
}

fn forget_ended(tx: &Transaction<'_>, now: i64) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM board_shares WHERE expires_ms > 0 AND expires_ms <= ?1", [now])
}

fn one(db: &Connection, token: &str) -> rusqlite::Result<Option<Share>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM board_shares WHERE token = ?1"))?.query_row([token], from_row).optional()
}

/// Those of a dashboard, or all where the uid is empty, the newest first.
fn all(db: &Connection, uid: &str) -> rusqlite::Result<Vec<Share>> {
    let sql = format!("SELECT {COLUMNS} FROM board_shares WHERE ?1 = '' OR board_uid = ?1 ORDER BY id DESC");
    db.prepare_cached(&sql)?.query_map([uid], from_row)?.collect()
}

fn turn(tx: &Transaction<'_>, token: &str, is_on: bool) -> rusqlite::Result<Option<Share>> {
    tx.execute("UPDATE board_shares SET is_on = ?2 WHERE token = ?1", params![token, is_on])?;
    one(tx, token)
}

fn delete(tx: &Transaction<'_>, token: &str) -> rusqlite::Result<Option<Share>> {
    let gone = one(tx, token)?;
    tx.execute("DELETE FROM board_shares WHERE token = ?1", [token])?;
    Ok(gone)
}

impl Store {
    /// Keeps a share, with what was shown where it is a snapshot; gives it with its token. Those that ended go.
    pub fn add_share(&self, mut share: Share, snapshot: Option<Vec<u8>>) -> Keeping<'_, Result<Share, NotSaved>> {
        Box::pin(async move {
            if snapshot.as_ref().is_some_and(|bytes| bytes.len() > SNAPSHOT_BYTES_MAX) {
                return Ok(Err(NotSaved::Wrong(format!("the snapshot is larger than {SNAPSHOT_BYTES_MAX} bytes"))));
            }
            share.token = address().map_err(|error| error.to_string())?;
            share.bytes = snapshot.as_ref().map_or(0, Vec::len) as i64;
            let kept = share.clone();
            let added = self.db.write(move |tx| add(tx, &share, snapshot.as_deref())).await.map_err(|error| error.to_string())?;
            Ok(added.map(|()| kept))
        })
    }

    /// A share by its token.
    pub fn share(&self, token: String) -> Keeping<'_, Option<Share>> {
        self.look(move |db| one(db, &token))
    }

    /// What a snapshot shows, packed.
    pub fn snapshot(&self, token: String) -> Keeping<'_, Option<Vec<u8>>> {
        self.look(move |db| {
            let sql = "SELECT snapshot FROM board_shares WHERE token = ?1 AND snapshot IS NOT NULL";
            db.prepare_cached(sql)?.query_row([token], |row| row.get(0)).optional()
        })
    }

    /// Shares of a dashboard, or all where the uid is empty, the newest first.
    pub fn shares(&self, uid: String) -> Keeping<'_, Vec<Share>> {
        self.look(move |db| all(db, &uid))
    }

    /// Switches a share on or off; gives it.
    pub fn turn_share(&self, token: String, is_on: bool) -> Keeping<'_, Option<Share>> {
        Box::pin(async move { self.db.write(move |tx| turn(tx, &token, is_on)).await.map_err(|error| error.to_string()) })
    }

    /// Forgets shares that ended; says how many.
    pub fn forget_ended_shares(&self, now: i64) -> Keeping<'_, usize> {
        Box::pin(async move { self.db.write(move |tx| forget_ended(tx, now)).await.map_err(|error| error.to_string()) })
    }

    /// Forgets a share; gives what it was.
    pub fn delete_share(&self, token: String) -> Keeping<'_, Option<Share>> {
        Box::pin(async move { self.db.write(move |tx| delete(tx, &token)).await.map_err(|error| error.to_string()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::boards::model::{Library, Saving};
    use crate::platform::db::Db;

    fn open() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap()));
        (folder, store)
    }

    fn share(uid: &str) -> Share {
        Share {
            board_uid: uid.to_owned(),
            title: "T".to_owned(),
            open: vec!["job".to_owned()],
            fixed: "var-a=b".to_owned(),
            range: ("now-1h".to_owned(), "now".to_owned()),
            framed_by: vec!["https://a.example".to_owned()],
            made_at: 1_000,
            made_by: "ann".to_owned(),
            is_on: true,
            ..Share::default()
        }
    }

    #[tokio::test]
    async fn links_go_with_their_dashboard_and_snapshots_stay() {
        let (_folder, store) = open();
        store.save(Saving { json: json!({"title": "T", "uid": "u"}), ..Saving::default() }).await.unwrap().unwrap();
        let link = store.add_share(share("u"), None).await.unwrap().unwrap();
        let snapshot = store.add_share(Share { taken_at: 900, ..share("u") }, Some(vec![1, 2, 3])).await.unwrap().unwrap();
        let other = store.add_share(share("v"), None).await.unwrap().unwrap();
        assert!(link.token.len() >= 22 && link.token != snapshot.token);
        assert_eq!(store.share(link.token.clone()).await.unwrap(), Some(link.clone()));
        assert_eq!(store.shares("u".to_owned()).await.unwrap(), [snapshot.clone(), link.clone()]);
        assert_eq!(
            (store.snapshot(snapshot.token.clone()).await.unwrap(), store.snapshot(link.token.clone()).await.unwrap()),
            (Some(vec![1, 2, 3]), None)
        );
        assert!(!store.turn_share(link.token.clone(), false).await.unwrap().unwrap().is_on);
        store.delete_board("u".to_owned()).await.unwrap();
        assert_eq!(store.share(link.token).await.unwrap(), None);
        assert_eq!(store.shares(String::new()).await.unwrap().len(), 2);
        assert_eq!(store.delete_share(other.token.clone()).await.unwrap().map(|gone| gone.token), Some(other.token));
        assert!(store.share(snapshot.token).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn there_are_only_so_many_and_what_ended_makes_room() {
        let (_folder, store) = open();
        for _ in 0..SHARES_OF_BOARD_MAX {
            store.add_share(Share { expires_at: 2_000, ..share("u") }, None).await.unwrap().unwrap();
        }
        assert!(matches!(store.add_share(share("u"), None).await.unwrap(), Err(NotSaved::Wrong(words)) if words.contains("50 times")));
        store.add_share(Share { made_at: 2_000, ..share("u") }, None).await.unwrap().unwrap();
        assert_eq!(store.shares("u".to_owned()).await.unwrap().len(), 1);
        assert_eq!(store.forget_ended_shares(9_000).await.unwrap(), 0, "one without an end stays");
        store.add_share(Share { expires_at: 3_000, ..share("v") }, Some(vec![1])).await.unwrap().unwrap();
        assert_eq!(store.forget_ended_shares(2_999).await.unwrap(), 0);
        assert_eq!(store.forget_ended_shares(3_000).await.unwrap(), 1, "nobody need share anything for it to go");
        assert_eq!(store.shares(String::new()).await.unwrap().len(), 1);
        let large = store.add_share(share("u"), Some(vec![0; SNAPSHOT_BYTES_MAX + 1])).await.unwrap();
        assert!(matches!(large, Err(NotSaved::Wrong(_))));
    }
}
