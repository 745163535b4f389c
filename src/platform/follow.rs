//! Following what a file says: it is put in force now and whenever it changes, and again soon where that failed for a while.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long after a failure it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What became of putting something in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force, or never will be.
    Settled,
    /// It failed for a reason that may pass.
    TryAgain,
}

/// Puts in force what `wanted` holds, and each value that comes after it, until `stop`.
pub async fn follow<T, F>(mut wanted: watch::Receiver<T>, stop: CancellationToken, mut put_in_force: impl FnMut(T) -> F)
where
    T: Clone,
    F: Future<Output = Outcome>,
{
    while !stop.is_cancelled() {
        let value = wanted.borrow_and_update().clone();
        if put_in_force(value).await == Outcome::TryAgain {
            tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER) => {}
                () = stop.cancelled() => {}
            }
            continue;
        }
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            () = stop.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_value_is_put_in_force_and_again_where_that_failed() {
        let (sender, receiver) = watch::channel(1);
        let (stop, seen) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let (told, ended) = (Arc::clone(&seen), stop.clone());
        let following = tokio::spawn(follow(receiver, ended, move |value| {
            let mut seen = told.lock();
            seen.push(value);
            let outcome = if seen.len() == 1 { Outcome::TryAgain } else { Outcome::Settled };
            async move { outcome }
        }));
        tokio::time::sleep(AGAIN_AFTER * 2).await;
        sender.send_replace(2);
        tokio::time::sleep(AGAIN_AFTER).await;
        stop.cancel();
        following.await.unwrap();
        assert_eq!(*seen.lock(), [1, 1, 2]);
    }
}
