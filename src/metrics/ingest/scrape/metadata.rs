//! What the metric families of one target say about themselves.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::series::sample::{Metadata, MetricType};

/// Scrapes that metadata outlives its family, as upstream.
const KEEP_ITERATIONS: u32 = 10;
/// Most families remembered of one target.
const FAMILIES_MAX: usize = 100_000;
/// Longest help text kept, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Families by name. The scrape writes, the API reads.
#[derive(Debug, Default)]
pub struct MetadataCache(Mutex<FxHashMap<Box<str>, Family>>);

#[derive(Debug, Default)]
struct Family {
    metadata: Metadata,
    seen: u32,
    /// Whether storage has it as it is.
    sent: bool,
}

impl MetadataCache {
    /// Notes a kind.
    pub(super) fn set_kind(&self, family: &str, kind: MetricType, iteration: u32) {
        self.update(family, iteration, |metadata| {
            let changed = metadata.kind != kind;
            metadata.kind = kind;
            changed
        });
    }

    /// Notes a help text.
    pub(super) fn set_help(&self, family: &str, help: &str, iteration: u32) {
        self.update(family, iteration, |metadata| set_text(&mut metadata.help, help));
    }

    /// Notes a unit.
    pub(super) fn set_unit(&self, family: &str, unit: &str, iteration: u32) {
        self.update(family, iteration, |metadata| set_text(&mut metadata.unit, unit));
    }

    fn update(&self, family: &str, iteration: u32, change: impl FnOnce(&mut Metadata) -> bool) {
        let mut families = self.0.lock();
        if let Some(known) = families.get_mut(family) {
            known.seen = iteration;
            if change(&mut known.metadata) {
                known.sent = false;
            }
        } else if families.len() < FAMILIES_MAX {
            let mut new = Family { seen: iteration, ..Family::default() };
            change(&mut new.metadata);
            families.insert(family.into(), new);
        }
    }

    /// Families, and bytes of their texts.
    pub(super) fn size(&self) -> (usize, usize) {
        let families = self.0.lock();
        let bytes = families.iter().map(|(name, family)| name.len() + family.metadata.help.len() + family.metadata.unit.len());
        (families.len(), bytes.sum())
    }

    /// Adds what storage does not have yet to `out`.
    pub(super) fn push_unsent(&self, out: &mut Vec<(Box<str>, Metadata)>) {
        let families = self.0.lock();
        out.extend(families.iter().filter(|(_, family)| !family.sent).map(|(name, family)| (name.clone(), family.metadata.clone())));
    }

    /// Notes that storage took everything, and forgets families that are long gone.
    pub(super) fn sent(&self, iteration: u32) {
        self.0.lock().retain(|_, family| {
            family.sent = true;
            iteration.saturating_sub(family.seen) <= KEEP_ITERATIONS
        });
    }

    /// Every family, or the one asked for.
    pub fn list(&self, family: Option<&str>) -> Vec<(String, Metadata)> {
        let families = self.0.lock();
        let wanted = families.iter().filter(|(name, _)| family.is_none_or(|family| family == &***name));
        let mut list: Vec<_> = wanted.map(|(name, family)| (name.to_string(), family.metadata.clone())).collect();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list
    }
}

fn set_text(old: &mut String, new: &str) -> bool {
    let mut end = new.len().min(TEXT_BYTES_MAX);
    while !new.is_char_boundary(end) {
        end -= 1;
    }
    let new = &new[..end];
    let changed = old != new;
    if changed {
        new.clone_into(old);
    }
    changed
}
