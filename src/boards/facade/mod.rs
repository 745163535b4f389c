//! The front door of the hall: opens the store, hands out routes, and tells others what happened.

mod kept;

use std::sync::Arc;

use kept::Kept;

use crate::access::Routes;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::boards::api::{self, ApiState};
use crate::boards::model::Wanted;
use crate::boards::store::Store;
use crate::platform::db::Db;
use crate::series::ports::{Happening, Happenings};

/// What the hall needs of the rest of the server.
pub struct BoardsOptions {
    /// Where everything is kept.
    pub db: Arc<Db>,
    /// The time.
    pub clock: SharedClock,
}

/// The open hall.
pub struct Boards {
    store: Store,
    api: Arc<ApiState>,
}

impl Boards {
    /// Wires everything.
    pub fn open(options: BoardsOptions) -> Self {
        let BoardsOptions { db, clock } = options;
        let store = Store::new(db);
        let api = Arc::new(ApiState { kept: Arc::new(Kept(store.clone())), clock });
        Self { store, api }
    }

    /// Every route of the hall.
    pub fn routes(&self) -> Routes {
        api::routes(&self.api)
    }

    /// What people and programs marked in time.
    pub fn happenings(&self) -> Arc<dyn Happenings> {
        Arc::new(Marked(self.store.clone()))
    }
}

/// Annotations, as others see them.
struct Marked(Store);

impl Happenings for Marked {
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<Happening>, String> {
        let wanted = Wanted { range: Some((range.start, range.end)), limit, ..Wanted::default() };
        let found = self.0.find(&wanted).map_err(|error| error.to_string())?;
        let told = found.into_iter().map(|one| Happening { at: one.at, until: one.until, text: one.text, tags: one.tags, by: one.made_by });
        Ok(told.collect())
    }
}
