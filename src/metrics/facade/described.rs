//! What people here say of metrics, in the database, and in memory as it is asked for with every metric of a page.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::metrics::model::catalogue::{DESCRIBED_MAX, NotDescribed, Own, checked};
use crate::metrics::model::category::Category;
use crate::platform::db::{Db, DbError};

/// Every description by the name of its metric.
pub(super) type Words = BTreeMap<String, Arc<Own>>;

/// Descriptions.
pub(super) struct Described {
    db: Arc<Db>,
    known: RwLock<Arc<Words>>,
}

impl From<DbError> for NotDescribed {
    fn from(error: DbError) -> Self {
        Self::Database(error.to_string())
    }
}

/// From columns that begin at one of them.
fn own(row: &Row<'_>, first: usize) -> rusqlite::Result<Own> {
    Ok(Own {
        description: row.get(first)?,
        unit: row.get(first + 1)?,
        category: Category::parse(&row.get::<_, String>(first + 2)?),
        changed_at: row.get(first + 3)?,
        changed_by: row.get(first + 4)?,
    })
}

fn before(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<Own>> {
    let sql = "SELECT description, unit, category, changed_ms, changed_by FROM metrics_described WHERE metric = ?1";
    tx.query_row(sql, [name], |row| own(row, 0)).optional()
}

impl Described {
    /// Reads what is kept. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn open(db: Arc<Db>) -> Result<Self, DbError> {
        let sql = "SELECT metric, description, unit, category, changed_ms, changed_by FROM metrics_described";
        let all = db.read(|db| db.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, Arc::new(own(row, 1)?))))?.collect())?;
        Ok(Self { db, known: RwLock::new(Arc::new(all)) })
    }

    /// All that is kept.
    pub(super) fn all(&self) -> Arc<Words> {
        Arc::clone(&self.known.read())
    }

    /// Keeps what is said of a metric; gives what stood there before.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn put(&self, name: String, own: Own) -> Result<Option<Own>, NotDescribed> {
        checked(&name, &own)?;
        let (key, kept) = (name.clone(), own.clone());
        let put = move |tx: &Transaction<'_>| {
            let before = before(tx, &name)?;
            let count: i64 = tx.query_row("SELECT count(*) FROM metrics_described", [], |row| row.get(0))?;
            if before.is_none() && count >= DESCRIBED_MAX {
                return Ok(Err(NotDescribed::Wrong(format!("{DESCRIBED_MAX} metrics are described here, and no more may be"))));
            }
            let category = own.category.map_or("", Category::as_str);
            tx.execute(
                "INSERT INTO metrics_described (metric, description, unit, category, changed_ms, changed_by) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (metric) DO UPDATE \
                 SET description = ?2, unit = ?3, category = ?4, changed_ms = ?5, changed_by = ?6",
                params![name, own.description, own.unit, category, own.changed_at, own.changed_by],
            )?;
            Ok(Ok(before))
        };
        let before = self.db.write(put).await??;
        self.change(|words| drop(words.insert(key, Arc::new(kept))));
        Ok(before)
    }

    /// Forgets what is said of a metric; gives what stood there.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn forget(&self, name: String) -> Result<Option<Own>, NotDescribed> {
        let gone = name.clone();
        let forget = move |tx: &Transaction<'_>| {
            let before = before(tx, &gone)?;
            tx.execute("DELETE FROM metrics_described WHERE metric = ?1", [&gone])?;
            Ok(before)
        };
        let before = self.db.write(forget).await?;
        self.change(|words| drop(words.remove(&name)));
        before.map(Some).ok_or(NotDescribed::Missing(name))
    }

    fn change(&self, change: impl FnOnce(&mut Words)) {
        change(Arc::make_mut(&mut *self.known.write()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn descriptions_are_kept_changed_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
        let described = Described::open(Arc::clone(&db)).unwrap();
        let own = |text: &str| Own {
            description: text.to_owned(),
            category: Some(Category::Business),
            changed_by: "ann".to_owned(),
            ..Own::default()
        };
        assert_eq!(described.put("orders_total".to_owned(), own("Orders.")).await, Ok(None));
        assert_eq!(described.put("orders_total".to_owned(), own("Paid orders.")).await, Ok(Some(own("Orders."))));
        assert!(described.put("x".to_owned(), Own::default()).await.is_err());
        let again = Described::open(Arc::clone(&db)).unwrap();
        assert_eq!(again.all(), described.all());
        assert_eq!(*again.all()["orders_total"], own("Paid orders."));
        assert_eq!(again.forget("orders_total".to_owned()).await, Ok(Some(own("Paid orders."))));
        assert_eq!(again.forget("orders_total".to_owned()).await, Err(NotDescribed::Missing("orders_total".to_owned())));
        assert!(again.all().is_empty());
    }
}
