//! Chunks that came before. A sender whom no acknowledgement reached in time sends the chunk again: it is acknowledged
//! again, and not stored again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use crate::logs::ingest::recent::Recent;

/// Chunks that are remembered at least, and at most half as many as are.
const CHUNKS_MIN: usize = 32_768;
/// How long they are remembered at least.
const AGE: Duration = Duration::from_secs(6 * 3600);

/// Whether a chunk is stored; locked while somebody stores it.
type Stored = Arc<tokio::sync::Mutex<bool>>;

/// Chunks of all connections of a listener.
#[derive(Debug)]
pub(super) struct Chunks(Mutex<Recent<u128, Stored>>);

impl Default for Chunks {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(CHUNKS_MIN, AGE)))
    }
}

impl Chunks {
    /// The turn of whoever has a chunk of a tag: waits as long as another connection stores the same one, and tells whether
    /// it is stored. Some senders name chunks by what is in them, so that two of different tags may have one name.
    pub(super) async fn turn(&self, tag: &str, chunk: &[u8], now: Duration) -> OwnedMutexGuard<bool> {
        let key = xxh3_128_with_seed(chunk, xxh3_64(tag.as_bytes()));
        let stored = Arc::clone(self.0.lock().entry(key, now));
        stored.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_chunk_is_stored_once() {
        let chunks = Arc::new(Chunks::default());
        let mut first = chunks.turn("a", b"1", Duration::ZERO).await;
        assert!(!*first);
        let second = tokio::spawn({
            let chunks = Arc::clone(&chunks);
            async move { *chunks.turn("a", b"1", Duration::ZERO).await }
        });
        assert!(!*chunks.turn("b", b"1", Duration::ZERO).await, "of another tag");
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        *first = true;
        drop(first);
        assert!(second.await.unwrap());
        assert!(*chunks.turn("a", b"1", AGE).await);
    }
}
