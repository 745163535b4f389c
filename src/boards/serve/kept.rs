//! Answers that are made once for all who ask for the same at about the same time, and kept for a short while.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Most things that are kept, however small they are.
const COUNT_MAX: usize = 10_000;

/// When something was made (ms since the Unix epoch), and it.
type Made<T> = Option<(i64, Arc<T>)>;

pub(super) struct Slot<T> {
    made: Arc<tokio::sync::Mutex<Made<T>>>,
    bytes: usize,
    touched: i64,
}

/// Things by a number that tells apart what is asked for.
pub(super) struct Kept<T> {
    pub(super) slots: Mutex<(HashMap<u64, Slot<T>>, usize)>,
    bytes_max: usize,
}

impl<T> Kept<T> {
    /// Keeps at most so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { slots: Mutex::new((HashMap::new(), 0)), bytes_max }
    }

    /// What was made no earlier than `since`, or else is made now. Whoever asks for the same meanwhile waits for it; if its
    /// maker is stopped, the next of them makes it. `work` also says how many bytes it takes.
    ///
    /// # Errors
    /// Those of `work`; they are not kept.
    pub(super) async fn get<E>(
        &self,
        key: u64,
        (now, since): (i64, i64),
        work: impl Future<Output = Result<(T, usize), E>>,
    ) -> Result<Arc<T>, E> {
        let cell = {
            let mut slots = self.slots.lock();
            let slot = slots.0.entry(key).or_insert_with(|| Slot { made: Arc::default(), bytes: 0, touched: now });
            slot.touched = now;
            Arc::clone(&slot.made)
        };
        let mut made = cell.lock().await;
        if let Some((at, found)) = &*made
            && *at >= since
        {
            return Ok(Arc::clone(found));
        }
        let (found, bytes) = work.await?;
        let found = Arc::new(found);
        *made = Some((now, Arc::clone(&found)));
        drop(made);
        self.weigh(key, bytes);
        Ok(found)
    }

    /// Notes what something takes, and lets go of what nobody asked for longest.
    fn weigh(&self, key: u64, bytes: usize) {
        let mut guard = self.slots.lock();
        let (slots, all) = &mut *guard;
        if let Some(slot) = slots.get_mut(&key) {
            *all = all.saturating_sub(slot.bytes) + bytes;
            slot.bytes = bytes;
        }
        if *all <= self.bytes_max && slots.len() <= COUNT_MAX {
            return;
        }
        let mut order: Vec<(i64, u64)> = slots.iter().map(|(key, slot)| (slot.touched, *key)).collect();
        order.sort_unstable();
        for (_, old) in order {
            // Down to three quarters, so that this is not done for each answer.
            if *all <= self.bytes_max / 4 * 3 && slots.len() <= COUNT_MAX / 4 * 3 {
                break;
            }
            if let Some(gone) = slots.remove(&old) {
                *all = all.saturating_sub(gone.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_same_is_made_once_while_it_is_fresh() {
        let kept = Kept::new(1_000);
        let count = AtomicUsize::new(0);
        let one = |key: u64, now: i64, since: i64| {
            let (kept, count) = (&kept, &count);
            async move {
                kept.get(key, (now, since), async {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>((count.fetch_add(1, Ordering::Relaxed), 100))
                })
                .await
                .map_or(0, |found| *found)
            }
        };
        let (a, b, c) = tokio::join!(one(1, 10, 5), one(1, 10, 5), one(2, 10, 5));
        assert!(a == b && a != c && count.load(Ordering::Relaxed) == 2);
        assert_eq!((one(1, 12, 7).await, one(1, 30, 25).await), (a, 2), "what is too old is made anew");
        for key in 10..40 {
            one(key, key as i64, 0).await;
        }
        assert!(kept.slots.lock().1 <= 1_000);
        assert!(kept.slots.lock().0.contains_key(&39) && !kept.slots.lock().0.contains_key(&2));
    }

    #[tokio::test]
    async fn when_the_maker_stops_the_next_one_makes_it() {
        let kept = Arc::new(Kept::<u8>::new(1_000));
        let first = {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move { kept.get(1, (0, 0), std::future::pending::<Result<(u8, usize), Infallible>>()).await })
        };
        tokio::task::yield_now().await;
        first.abort();
        let found = kept.get(1, (0, 0), async { Ok::<_, Infallible>((7, 1)) }).await;
        assert_eq!(found.map(|found| *found), Ok(7));
        let failed = kept.get(2, (0, 0), async { Err::<(u8, usize), _>("no") }).await;
        assert_eq!(failed, Err("no"));
    }
}
