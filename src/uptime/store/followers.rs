//! Who follows status pages, and what was told to whom, in SQL.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::Store;
use crate::platform::db::DbError;

/// Followers of one page at most.
pub const FOLLOWERS_MAX: i64 = 5_000;
/// Of those, who did not say yes yet.
const UNCONFIRMED_MAX: i64 = 500;

const UNDER_WAY: i64 = 1;
const TOLD: i64 = 2;
const GIVEN_UP: i64 = 3;

/// A follower of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Follower {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// The page.
    pub page: i64,
    /// `mail` or `webhook`.
    pub way: String,
    /// Where they are told.
    pub address: String,
    /// Opens confirmation and end.
    pub secret: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When its owner said yes.
    pub confirmed_at: Option<i64>,
}

/// What became of a wish to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is stored.
    New(Follower),
    /// It was there already.
    Known(Follower),
    /// There are as many as may be.
    Full,
}

/// An update that is to be told to somebody now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Telling {
    /// To whom.
    pub follower: Follower,
    /// The page in YAML.
    pub definition: String,
    /// The post that it belongs to.
    pub post: i64,
    /// Its title; empty where the server made it.
    pub title: String,
    /// How bad it is.
    pub severity: String,
    /// Numbers of the checks that it is about.
    pub checks: Vec<i64>,
    /// Names the update.
    pub update: i64,
    /// When it was told on the page.
    pub at: i64,
    /// How far they are.
    pub stage: String,
    /// In words; empty where the server made it.
    pub text: String,
    /// How often it was tried in vain.
    pub tries: u32,
}

const COLUMNS: &str = "f.id, f.page_id, f.way, f.address, f.secret, f.made_ms, f.confirmed_ms";

fn follower(row: &Row<'_>) -> rusqlite::Result<Follower> {
    Ok(Follower {
        id: row.get(0)?,
        page: row.get(1)?,
        way: row.get(2)?,
        address: row.get(3)?,
        secret: row.get(4)?,
        made_at: row.get(5)?,
        confirmed_at: row.get(6)?,
    })
}

fn telling(row: &Row<'_>) -> rusqlite::Result<Telling> {
    let checks: String = row.get(11)?;
    Ok(Telling {
        follower: follower(row)?,
        definition: row.get(7)?,
        post: row.get(8)?,
        title: row.get(9)?,
        severity: row.get(10)?,
        checks: checks.split(',').filter_map(|number| number.parse().ok()).collect(),
        update: row.get(12)?,
        at: row.get(13)?,
        stage: row.get(14)?,
        text: row.get(15)?,
        tries: row.get(16)?,
    })
}

fn newest_update(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    // Numbers are never given twice, so this holds although newer updates may have been deleted.
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'uptime_post_updates'), 0)";
    tx.query_row(sql, [], |row| row.get(0))
}

fn add(tx: &Transaction<'_>, new: Follower) -> rusqlite::Result<Added> {
    let sql = format!("SELECT {COLUMNS} FROM uptime_followers f WHERE page_id = ?1 AND way = ?2 AND address = ?3");
    let known = tx.query_row(&sql, params![new.page, new.way, new.address], follower).optional()?;
    if let Some(known) = known {
        return Ok(Added::Known(known));
    }
    let count = |sql: &str| tx.query_row(sql, [new.page], |row| row.get::<_, i64>(0));
    let all = count("SELECT count(*) FROM uptime_followers WHERE page_id = ?1")?;
    let unconfirmed = count("SELECT count(*) FROM uptime_followers WHERE page_id = ?1 AND confirmed_ms IS NULL")?;
    if all >= FOLLOWERS_MAX || (new.confirmed_at.is_none() && unconfirmed >= UNCONFIRMED_MAX) {
        return Ok(Added::Full);
    }
    let sql =
        "INSERT INTO uptime_followers (page_id, way, address, secret, made_ms, confirmed_ms, after_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let after = newest_update(tx)?;
    tx.execute(sql, params![new.page, new.way, new.address, new.secret, new.made_at, new.confirmed_at, after])?;
    Ok(Added::New(Follower { id: tx.last_insert_rowid(), ..new }))
}

impl Store {
    /// Followers of a page, in order of making. Blocking.
    pub fn followers(&self, page: i64) -> Result<Vec<Follower>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM uptime_followers f WHERE page_id = ?1 ORDER BY id");
        self.db.read(|db| db.prepare_cached(&sql)?.query_map([page], follower)?.collect())
    }

    /// The follower of a secret. Blocking.
    pub fn follower(&self, secret: &str) -> Result<Option<Follower>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM uptime_followers f WHERE secret = ?1");
        self.db.read(|db| db.prepare_cached(&sql)?.query_row([secret], follower).optional())
    }

    /// Adds a follower. One that says no yes (no `confirmed_at`) is told nothing until [`Self::confirm_follower`].
    pub async fn add_follower(&self, new: Follower) -> Result<Added, DbError> {
        self.db.write(move |tx| add(tx, new)).await
    }

    /// The owner of a secret says yes; what was told until now is not told again. Says whether there is such a follower.
    pub async fn confirm_follower(&self, secret: String, at: i64) -> Result<bool, DbError> {
        let confirm = move |tx: &Transaction<'_>| {
            let after = newest_update(tx)?;
            let sql = "UPDATE uptime_followers SET confirmed_ms = ?2, after_id = ?3 WHERE secret = ?1 AND confirmed_ms IS NULL";
            if tx.execute(sql, params![secret, at, after])? > 0 {
                return Ok(true);
            }
            tx.prepare_cached("SELECT 1 FROM uptime_followers WHERE secret = ?1")?.exists([&secret])
        };
        self.db.write(confirm).await
    }

    /// Forgets the follower of a secret. Says whether there was one.
    pub async fn end_follower(&self, secret: String) -> Result<bool, DbError> {
        self.db.write(move |tx| Ok(tx.execute("DELETE FROM uptime_followers WHERE secret = ?1", [secret])? > 0)).await
    }

    /// Forgets a follower of a page. Gives whom.
    pub async fn delete_follower(&self, page: i64, id: i64) -> Result<Option<Follower>, DbError> {
        let delete = move |tx: &Transaction<'_>| {
            let sql = format!("SELECT {COLUMNS} FROM uptime_followers f WHERE page_id = ?1 AND id = ?2");
            let known = tx.query_row(&sql, [page, id], follower).optional()?;
            tx.execute("DELETE FROM uptime_followers WHERE page_id = ?1 AND id = ?2", [page, id])?;
            Ok(known)
        };
        self.db.write(delete).await
    }

    /// Forgets who was asked before an instant and never said yes.
    pub async fn forget_unconfirmed(&self, before: i64) -> Result<usize, DbError> {
        let sql = "DELETE FROM uptime_followers WHERE confirmed_ms IS NULL AND made_ms < ?1";
        self.db.write(move |tx| tx.execute(sql, [before])).await
    }

    /// Takes the next update that somebody on one of these ways is to be told, and takes down that it is under way. What is
    /// older than `since` is told to nobody any more.
    pub async fn next_telling(&self, ways: Vec<&'static str>, since: i64, now: i64) -> Result<Option<Telling>, DbError> {
        let take = move |tx: &Transaction<'_>| {
            let sql = format!(
                "SELECT {COLUMNS}, g.definition, p.id, p.title, p.severity, p.checks, u.id, u.at_ms, u.stage, u.text, coalesce(t.tries, 0) \
                 FROM uptime_post_updates u JOIN uptime_posts p ON p.id = u.post_id JOIN uptime_pages g ON g.id = p.page_id \
                 JOIN uptime_followers f ON f.page_id = p.page_id \
                 LEFT JOIN uptime_told t ON t.follower_id = f.id AND t.update_id = u.id \
                 WHERE u.at_ms >= ?1 AND u.id > f.after_id AND f.confirmed_ms IS NOT NULL AND f.way IN (?3, ?4) \
                 AND (t.state IS NULL OR (t.state = 0 AND t.next_ms <= ?2)) ORDER BY u.id, f.id LIMIT 1"
            );
            let (one, other) = (ways.first().copied().unwrap_or(""), ways.get(1).copied().unwrap_or(""));
            let found = tx.prepare_cached(&sql)?.query_row(params![since, now, one, other], telling).optional()?;
            if let Some(found) = &found {
                let sql = "INSERT INTO uptime_told (follower_id, update_id, state, tries, next_ms, problem) VALUES (?1, ?2, ?3, 0, 0, '') \
                           ON CONFLICT DO UPDATE SET state = excluded.state";
                tx.prepare_cached(sql)?.execute(params![found.follower.id, found.update, UNDER_WAY])?;
            }
            Ok(found)
        };
        self.db.write(take).await
    }

    /// Takes down that an update was told, or why not and when it is tried again (never where there is no time).
    pub async fn was_told(&self, telling: &Telling, failed: Option<(String, Option<i64>)>) -> Result<(), DbError> {
        let (follower, update) = (telling.follower.id, telling.update);
        let (state, next, problem) = match failed {
            None => (TOLD, 0, String::new()),
            Some((problem, Some(next))) => (0, next, problem),
            Some((problem, None)) => (GIVEN_UP, 0, problem),
        };
        let sql =
            "UPDATE uptime_told SET state = ?3, tries = tries + 1, next_ms = ?4, problem = ?5 WHERE follower_id = ?1 AND update_id = ?2";
        self.db.write(move |tx| tx.execute(sql, params![follower, update, state, next, problem]).map(drop)).await
    }

    /// After a restart: what was under way left or did not. On a way of these it is told again, as whoever is told there
    /// knows it by its id; on others it is not. Gives how many there were.
    pub async fn settle_tellings(&self, again: &'static [&'static str]) -> Result<usize, DbError> {
        let settle = move |tx: &Transaction<'_>| {
            let mut count = 0;
            let sql = "UPDATE uptime_told SET state = 0, tries = tries + 1, next_ms = 0 \
                       WHERE state = ?1 AND follower_id IN (SELECT id FROM uptime_followers WHERE way = ?2)";
            for way in again {
                count += tx.prepare_cached(sql)?.execute(params![UNDER_WAY, way])?;
            }
            let rest = tx.execute("UPDATE uptime_told SET state = ?1 WHERE state = ?2", [TOLD, UNDER_WAY])?;
            Ok(count + rest)
        };
        self.db.write(settle).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::platform::db::Db;
    use crate::uptime::store::{StoredPage, StoredPost, StoredUpdate};

    async fn open() -> (tempfile::TempDir, Store, i64) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("db")).unwrap()));
        let page = StoredPage { slug: "shop".to_owned(), definition: "title: Shop".to_owned(), ..StoredPage::default() };
        let page = store.put_page(page).await.unwrap().unwrap();
        (folder, store, page)
    }

    fn asked(page: i64, address: &str) -> Follower {
        Follower {
            page,
            way: "mail".to_owned(),
            address: address.to_owned(),
            secret: format!("s-{address}"),
            made_at: 5,
            ..Follower::default()
        }
    }

    async fn tell(store: &Store, page: i64, text: &str) {
        let update = StoredUpdate { at: 100, stage: "investigating".to_owned(), text: text.to_owned(), ..StoredUpdate::default() };
        let post = StoredPost {
            page,
            title: "T".to_owned(),
            severity: "outage".to_owned(),
            checks: vec![3, 4],
            updates: vec![update],
            ..StoredPost::default()
        };
        store.add_post(post, None).await.unwrap();
    }

    async fn next(store: &Store, now: i64) -> Option<Telling> {
        store.next_telling(vec!["mail"], 0, now).await.unwrap()
    }

    #[tokio::test]
    async fn who_says_yes_is_told_of_what_comes_and_only_once() {
        let (_folder, store, page) = open().await;
        assert!(matches!(store.add_follower(asked(page, "a@x")).await.unwrap(), Added::New(_)));
        assert!(matches!(store.add_follower(asked(page, "a@x")).await.unwrap(), Added::Known(_)));
        tell(&store, page, "before").await;
        assert_eq!(next(&store, 1).await, None, "they did not say yes");
        assert!(store.confirm_follower("s-a@x".to_owned(), 9).await.unwrap());
        assert!(!store.confirm_follower("other".to_owned(), 9).await.unwrap());
        assert_eq!(next(&store, 1).await, None, "what was told before is over");
        tell(&store, page, "after").await;
        let telling = next(&store, 1).await.unwrap();
        assert_eq!((telling.text.as_str(), &telling.checks[..], telling.follower.address.as_str()), ("after", &[3, 4][..], "a@x"));
        assert_eq!(next(&store, 1).await, None, "it is under way");
        store.was_told(&telling, Some(("no".to_owned(), Some(50)))).await.unwrap();
        assert_eq!(next(&store, 49).await, None);
        assert_eq!(next(&store, 50).await.unwrap().tries, 1);
        // A crash here: whether the letter left is not known, and it is not sent twice.
        assert_eq!(store.settle_tellings(&["webhook"]).await.unwrap(), 1);
        assert_eq!(next(&store, 1_000).await, None);
        assert!(store.end_follower("s-a@x".to_owned()).await.unwrap());
        assert_eq!(store.followers(page).unwrap(), []);
    }

    #[tokio::test]
    async fn who_knows_what_came_twice_is_told_again_after_a_crash() {
        let (_folder, store, page) = open().await;
        let hook = Follower { way: "webhook".to_owned(), confirmed_at: Some(1), ..asked(page, "https://x/hook") };
        store.add_follower(hook).await.unwrap();
        tell(&store, page, "after").await;
        let next = async || store.next_telling(vec!["webhook"], 0, 1).await.unwrap();
        let first = next().await.unwrap();
        assert_eq!((first.tries, next().await), (0, None));
        assert_eq!(store.settle_tellings(&["webhook"]).await.unwrap(), 1);
        let second = next().await.unwrap();
        assert_eq!((second.update, second.tries), (first.update, 1), "the same, and counted, so that it comes to an end");
        store.was_told(&second, None).await.unwrap();
        assert_eq!((store.settle_tellings(&["webhook"]).await.unwrap(), next().await), (0, None), "what was told stays told");
    }

    #[tokio::test]
    async fn those_who_never_say_yes_are_bounded_and_forgotten() {
        let (_folder, store, page) = open().await;
        for at in 0..UNCONFIRMED_MAX {
            assert!(matches!(store.add_follower(asked(page, &format!("{at}@x"))).await.unwrap(), Added::New(_)));
        }
        assert_eq!(store.add_follower(asked(page, "one@too.many")).await.unwrap(), Added::Full);
        assert_eq!(store.forget_unconfirmed(6).await.unwrap(), usize::try_from(UNCONFIRMED_MAX).unwrap());
        store.add_follower(asked(page, "a@x")).await.unwrap();
        store.delete_page(page).await.unwrap();
        assert_eq!(store.follower("s-a@x").unwrap(), None, "they go with the page");
    }
}
