//! Tells followers of a page what is told on it: one after the other, again later where that fails.
//!
//! A letter goes out once at most: where the server is killed meanwhile, nobody knows whether it left, and people are not
//! told twice. A call of a webhook goes out once at least: programs know by its [`id`] what they had already.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::base::clock::SharedClock;
use crate::platform::db::DbError;
use crate::uptime::store::Store;
pub use crate::uptime::store::{Follower, Telling};

/// How often it is looked whether somebody is to be told.
const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again, by how many there were; after the last of them no more.
const AGAIN_AFTER_MS: [i64; 5] = [60_000, 300_000, 1_800_000, 7_200_000, 21_600_000];
/// What is older is told to nobody any more, in milliseconds.
const TOLD_FOR_MS: i64 = 2 * 86_400_000;
/// How long somebody has to say yes, in milliseconds.
const ASKED_FOR_MS: i64 = 2 * 86_400_000;

/// Ways on which it does no harm to be told twice.
const TOLD_TWICE: &[&str] = &[WEBHOOK];
/// The ways.
pub const MAIL: &str = "mail";
/// See [`MAIL`].
pub const WEBHOOK: &str = "webhook";

/// Names what somebody is told for good: the same whenever it is tried, another for everybody and each update, whatever
/// the server.
pub fn id(telling: &Telling) -> String {
    let mut hash = Sha256::new();
    hash.update(b"pharos status page");
    hash.update(telling.follower.secret.as_bytes());
    hash.update(telling.update.to_be_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Carries a message.
pub trait Messenger: Send + Sync {
    /// The ways that are open: `mail`, `webhook`.
    fn ways(&self) -> Vec<&'static str>;
    /// Tells; what went wrong in words.
    fn tell<'a>(&'a self, telling: &'a Telling) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;
}

/// When a message that failed so often before (and again now) is tried again.
fn again(tries_before: u32, now: i64) -> Option<i64> {
    AGAIN_AFTER_MS.get(usize::try_from(tries_before).ok()?).map(|wait| now + wait)
}

/// Tells everything that is due; gives how many were told.
///
/// # Errors
/// The database's: then nobody is told, since it could not be taken down.
pub async fn tell_due(store: &Store, messenger: &dyn Messenger, clock: &SharedClock, stop: &CancellationToken) -> Result<usize, DbError> {
    let mut told = 0;
    let ways = messenger.ways();
    while !ways.is_empty() && !stop.is_cancelled() {
        let now = clock.now_ms();
        let Some(telling) = store.next_telling(ways.clone(), now - TOLD_FOR_MS, now).await? else { break };
        let failed = messenger.tell(&telling).await.err();
        if let Some(problem) = &failed {
            tracing::warn!(way = telling.follower.way, post = telling.post, %problem, "a follower of a status page was not told");
        }
        told += usize::from(failed.is_none());
        let failed = failed.map(|problem| (problem, again(telling.tries, clock.now_ms())));
        store.was_told(&telling, failed).await?;
    }
    Ok(told)
}

/// Tells until the end.
pub async fn run(store: Store, messenger: Arc<dyn Messenger>, clock: SharedClock, stop: CancellationToken) {
    // Also after a failure of the database, which may have kept from being taken down what was under way.
    let mut is_settled = false;
    while !stop.is_cancelled() {
        let done = tell(&store, messenger.as_ref(), &clock, &stop, is_settled).await;
        is_settled = done.is_ok();
        if let Err(error) = done {
            tracing::warn!(%error, "followers of status pages are not told now");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOKED_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Tells what is due, once what was under way is settled.
async fn tell(
    store: &Store,
    messenger: &dyn Messenger,
    clock: &SharedClock,
    stop: &CancellationToken,
    is_settled: bool,
) -> Result<(), DbError> {
    if !is_settled {
        store.settle_tellings(TOLD_TWICE).await?;
    }
    tell_due(store, messenger, clock, stop).await?;
    store.forget_unconfirmed(clock.now_ms() - ASKED_FOR_MS).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_and_is_one_follower_s_and_one_update_s() {
        let telling = |secret: &str, update, tries| Telling {
            follower: Follower { secret: secret.to_owned(), ..Follower::default() },
            update,
            tries,
            ..Telling::default()
        };
        let first = id(&telling("a", 7, 0));
        assert_eq!((first.len(), &first), (32, &id(&telling("a", 7, 3))));
        assert!(first != id(&telling("b", 7, 0)) && first != id(&telling("a", 8, 0)));
    }

    #[test]
    fn failures_are_tried_later_and_later_and_then_no_more() {
        let waits: Vec<Option<i64>> = (0..6).map(|tries| again(tries, 0)).collect();
        assert_eq!(waits, [Some(60_000), Some(300_000), Some(1_800_000), Some(7_200_000), Some(21_600_000), None]);
    }
}
