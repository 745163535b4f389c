//! What metric families say about themselves: kept in memory, logged when it changes, carried along by checkpoints.

use std::collections::BTreeMap;

use crate::series::sample::Metadata;

/// Families remembered; beyond that, new ones are not. Bounds what a misbehaving client can pile up.
const FAMILIES_MAX: usize = 200_000;
/// Bytes of one name or text.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Metadata by metric family.
#[derive(Debug, Default)]
pub struct MetadataTable {
    families: BTreeMap<Box<str>, Metadata>,
}

impl MetadataTable {
    /// Sets what a family says; answers whether that is news.
    pub fn set(&mut self, name: &str, metadata: &Metadata) -> bool {
        if name.is_empty() || [name.len(), metadata.help.len(), metadata.unit.len()].iter().any(|len| *len > TEXT_BYTES_MAX) {
            return false;
        }
        let full = self.families.len() >= FAMILIES_MAX;
        match self.families.get_mut(name) {
            Some(known) if known == metadata => false,
            Some(known) => {
                *known = metadata.clone();
                true
            }
            None if full => false,
            None => {
                self.families.insert(name.into(), metadata.clone());
                true
            }
        }
    }

    /// Of one family.
    pub fn get(&self, name: &str) -> Option<&Metadata> {
        self.families.get(name)
    }

    /// All families, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metadata)> {
        self.families.iter().map(|(name, metadata)| (&**name, metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::sample::MetricType;

    #[test]
    fn only_changes_are_news() {
        let mut table = MetadataTable::default();
        let up = Metadata { kind: MetricType::Gauge, help: "Whether it is up.".into(), unit: String::new() };
        assert!(table.set("up", &up));
        assert!(!table.set("up", &up));
        assert!(table.set("up", &Metadata { help: "Other.".into(), ..up.clone() }));
        assert!(!table.set("", &up) && !table.set("x", &Metadata { help: "x".repeat(20_000), ..up }));
        assert_eq!(table.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["up"]);
        assert_eq!(table.get("up").map(|m| &*m.help), Some("Other."));
    }
}
