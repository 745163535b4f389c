//! The pool for CPU-heavy work (queries, parsing of large bodies), off the reactor and bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::cancel::{Cancel, Stop};
use crate::base::pressure::{Level, Pressure, Shed};

/// Runs blocking work, at most so many pieces at once; the rest waits in line.
#[derive(Debug, Clone)]
pub struct WorkPool {
    places: Arc<Semaphore>,
    size: usize,
    waiting: Arc<AtomicUsize>,
    pressure: Pressure,
}

/// Why work gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// No place came free within the time allowed.
    #[error("too many requests are being worked on; none finished in time")]
    Busy,
    /// Memory is short, so fewer pieces run at once.
    #[error("memory is nearly used up, so fewer requests are worked on at once; try again in a few seconds")]
    Shed,
    /// The work panicked; the log says where.
    #[error("the work failed unexpectedly")]
    Panicked,
}

impl WorkPool {
    /// A pool with `places` places.
    pub fn new(places: usize) -> Self {
        Self::shedding(places, Pressure::new())
    }

    /// A pool with `places` places, of which only some are given out while memory is short.
    pub fn shedding(places: usize, pressure: Pressure) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), size: places, waiting: Arc::default(), pressure }
    }

    /// How many places there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many pieces of work run now.
    pub fn busy(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }

    /// How many pieces of work wait for a place.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a place (no longer than `timeout`), then runs `work` on a blocking thread.
    ///
    /// `cancel` is raised when the caller stops waiting (its future is dropped) or when `timeout` is over.
    pub async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        cancel: &Cancel,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        if self.busy() as u64 >= self.pressure.share_of(self.size as u64).max(1) && self.pressure.memory() > Level::Normal {
            self.pressure.count(Shed::Query);
            return Err(WorkError::Shed);
        }
        let guard = RaiseOnDrop(cancel.clone());
        let deadline = tokio::time::sleep(timeout);
        tokio::pin!(deadline);
        let waits = Waits::new(&self.waiting);
        let place = tokio::select! {
            place = Arc::clone(&self.places).acquire_owned() => place.map_err(|_| WorkError::Busy)?,
            () = &mut deadline => return Err(WorkError::Busy),
        };
        drop(waits);
        let mut running = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        let result = tokio::select! {
            result = &mut running => result,
            () = &mut deadline => {
                cancel.raise(Stop::TimedOut);
                running.await
            }
        };
        drop(guard);
        result.map_err(|_| WorkError::Panicked)
    }
}

/// Counts as waiting until it is dropped, which a caller that goes away does too.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Raises the flag when the waiting future is dropped. After the work is done, raising changes nothing.
struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise(Stop::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_caller_raises_the_flag() {
        let pool = WorkPool::new(1);
        let cancel = Cancel::new();
        let (tell, told) = std::sync::mpsc::channel();
        let waiting = tokio::spawn({
            let (pool, cancel) = (pool.clone(), cancel.clone());
            async move {
                let inner = cancel.clone();
                pool.run(Duration::from_secs(60), &cancel, move || {
                    while inner.check().is_ok() {
                        std::thread::yield_now();
                    }
                    tell.send(inner.check()).unwrap();
                })
                .await
            }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        let stop = tokio::task::spawn_blocking(move || told.recv_timeout(Duration::from_secs(10))).await.unwrap();
        // Aborted before it started: nothing ran, which is as good.
        assert!(matches!(stop, Ok(Err(Stop::Cancelled)) | Err(_)));
    }

    #[tokio::test]
    async fn fewer_places_are_given_out_while_memory_is_short() {
        let pressure = Pressure::new();
        let pool = WorkPool::shedding(4, pressure.clone());
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(Duration::from_secs(60), &Cancel::new(), move || ended.recv()).await.map(drop) }
        });
        while pool.busy() == 0 {
            tokio::task::yield_now().await;
        }
        for (level, expected) in [(Level::Tight, Err(WorkError::Shed)), (Level::Critical, Err(WorkError::Shed)), (Level::Normal, Ok(7))] {
            pressure.set_memory(level);
            assert_eq!(pool.run(Duration::from_secs(1), &Cancel::new(), || 7).await, expected, "{level:?}");
        }
        assert_eq!(pressure.counted(Shed::Query), 2);
        end.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
        pressure.set_memory(Level::Critical);
        assert_eq!(pool.run(Duration::from_secs(1), &Cancel::new(), || 7).await, Ok(7), "one always runs");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_pool_refuses_after_the_timeout() {
        let pool = WorkPool::new(0);
        let refused = pool.run(Duration::from_secs(1), &Cancel::new(), || ()).await;
        assert_eq!(refused, Err(WorkError::Busy));
    }
}
