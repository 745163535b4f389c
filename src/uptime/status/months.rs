//! Months of the past of status pages, as bytes: the few that somebody looked at not long ago.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::copies::Copies;

/// Months that are kept.
const MONTHS_MAX: usize = 24;
/// How long one stays as it is at most.
const FRESH_MS: i64 = 60_000;

/// A month of a page: the page's number, and when the month begins.
pub type MonthOf = (i64, i64);

#[derive(Debug)]
struct Kept {
    copies: Arc<Copies>,
    version: u64,
    drawn_at: i64,
}

/// Keeps them.
#[derive(Debug, Default)]
pub struct Months {
    kept: Mutex<HashMap<MonthOf, Kept>>,
}

impl Months {
    /// A month as it lies ready: drawn of what people changed last (`version`), and not long ago.
    pub fn get(&self, of: MonthOf, version: u64, now: i64) -> Option<Arc<Copies>> {
        let kept = self.kept.lock();
        let month = kept.get(&of).filter(|kept| kept.version == version && (0..FRESH_MS).contains(&(now - kept.drawn_at)))?;
        Some(Arc::clone(&month.copies))
    }

    /// Keeps one, instead of the one that was drawn first where there are as many as may be.
    pub fn keep(&self, of: MonthOf, version: u64, now: i64, copies: &Arc<Copies>) {
        let mut kept = self.kept.lock();
        let oldest = kept.iter().min_by_key(|(_, kept)| kept.drawn_at).map(|(of, _)| *of);
        if let Some(oldest) = oldest.filter(|_| kept.len() >= MONTHS_MAX && !kept.contains_key(&of)) {
            kept.remove(&oldest);
        }
        kept.insert(of, Kept { copies: Arc::clone(copies), version, drawn_at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_fresh_and_few() {
        let (months, copies) = (Months::default(), Arc::new(Copies::new("x".to_owned())));
        months.keep((1, 0), 7, 1_000, &copies);
        let found = |version, now| months.get((1, 0), version, now).is_some();
        assert_eq!(
            [found(7, 1_000), found(7, 60_999), found(7, 61_000), found(8, 1_000), found(7, 999)],
            [true, true, false, false, false]
        );
        for month in 1..100 {
            months.keep((1, month), 7, 1_000 + month, &copies);
        }
        assert_eq!(months.kept.lock().len(), MONTHS_MAX);
        assert!(months.get((1, 99), 7, 1_100).is_some() && months.get((1, 0), 7, 1_100).is_none());
    }
}
