//! Shares that ended go by themselves, with what their snapshots hold.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::base::clock::SharedClock;
use crate::boards::store::Store;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(600);

/// Forgets them every now and then, at once at first.
pub(super) async fn forget(store: Store, clock: SharedClock) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match store.forget_ended_shares(clock.now_ms()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "shared links and snapshots that ended are deleted"),
            Err(error) => tracing::warn!(%error, "shared links that ended cannot be deleted now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::boards::model::Share;
    use crate::platform::db::Db;

    #[tokio::test]
    async fn what_ended_goes_without_anybody_sharing_anything() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap()));
        let share = |expires_at| Share { board_uid: "u".to_owned(), made_at: 1, expires_at, is_on: true, ..Share::default() };
        let ended = store.add_share(share(2_000), Some(vec![1])).await.unwrap().unwrap();
        let kept = store.add_share(share(0), None).await.unwrap().unwrap();
        let job = tokio::spawn(forget(store.clone(), ManualClock::at(5_000)));
        for _ in 0..6_000 {
            if store.share(ended.token.clone()).await.unwrap().is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        job.abort();
        assert_eq!(store.share(ended.token).await.unwrap(), None);
        assert_eq!(store.share(kept.token.clone()).await.unwrap(), Some(kept));
    }
}
