//! Label sets: what names a series.
//!
//! A set is one shared allocation holding `varint name length, name, varint value length, value` for each
//! label, sorted by name, without duplicates and without empty values. The same bytes stand in the
//! write-ahead log and in blocks, so a set seen there is never rebuilt. Cloning costs a reference count.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::bytes::{Cursor, Malformed, put_uvarint};
pub use crate::base::quote::quote;

/// Label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";
/// Label of a classic histogram's bucket bound.
pub const BUCKET: &str = "le";
/// Label of a summary's quantile.
pub const QUANTILE: &str = "quantile";

/// A sorted, immutable label set.
#[derive(Clone, PartialEq, Eq)]
pub struct Labels(Arc<[u8]>);

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// From pairs in any order. Empty values are dropped, of duplicates the last one stays.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// From pairs in order of name, each name once. Empty values stay, as the parsers of LogQL make them.
    pub fn from_ordered<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut packed = Vec::new();
        for (name, value) in pairs {
            put_label(&mut packed, name, value);
        }
        Self(Arc::from(packed))
    }

    /// From bytes in the packed form: checked to be UTF-8, sorted, unique and without empty values.
    pub fn from_packed(bytes: &[u8]) -> Result<Self, Malformed> {
        check_packed(bytes)?;
        Ok(Self(Arc::from(bytes)))
    }

    /// The packed form.
    #[inline]
    pub fn packed(&self) -> &[u8] {
        &self.0
    }

    /// XXH3 over the packed form: equal sets, equal hashes, on every machine and in every version.
    #[inline]
    pub fn stable_hash(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.0)
    }

    /// Pairs in order of name.
    #[inline]
    pub fn iter(&self) -> LabelsIter<'_> {
        LabelsIter { rest: &self.0 }
    }

    /// How many labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a label, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The metric's name, or an empty string.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Whether a label is set.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The same set without some labels.
    pub fn without(&self, drop: impl Fn(&str) -> bool) -> Self {
        if !self.iter().any(|(name, _)| drop(name)) {
            return self.clone();
        }
        let mut packed = Vec::with_capacity(self.0.len());
        for (name, value) in self.iter().filter(|(name, _)| !drop(name)) {
            put_label(&mut packed, name, value);
        }
        Self(Arc::from(packed))
    }

    /// The same set without the metric's name.
    pub fn without_name(&self) -> Self {
        self.without(|name| name == METRIC_NAME)
    }

    /// A builder that starts from this set.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.stable_hash());
    }
}

impl Ord for Labels {
    /// Pair by pair, name before value, as upstream's `labels.Compare`.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Labels {
    /// `{__name__="up", job="node"}`, values quoted as Go does, as upstream's `Labels.String`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if is_legacy_label_name(name) {
                f.write_str(name)?;
            } else {
                f.write_str(&quote(name))?;
            }
            write!(f, "={}", quote(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = LabelsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Walks a label set in order of name.
#[derive(Debug, Clone)]
pub struct LabelsIter<'a> {
    rest: &'a [u8],
}

impl<'a> LabelsIter<'a> {
    /// Over packed bytes that were checked before (see [`check_packed`]).
    pub fn over_checked(packed: &'a [u8]) -> Self {
        Self { rest: packed }
    }

    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let (&first, after) = self.rest.split_first()?;
        let (len, after) = if first < 0x80 {
            (usize::from(first), after)
        } else {
            let mut cursor = Cursor::new(self.rest);
            (cursor.len().ok()?, cursor.rest())
        };
        let (text, after) = after.split_at_checked(len)?;
        self.rest = after;
        // Packed bytes only come into a `Labels` through `check_packed` or from `str`s.
        #[expect(unsafe_code, reason = "checked to be UTF-8 on the way in; checking again on every read is the hottest cost of a query")]
        Some(unsafe { std::str::from_utf8_unchecked(text) })
    }
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let name = self.text()?;
        let value = self.text()?;
        Some((name, value))
    }
}

/// Checks bytes that claim to be a packed label set.
pub fn check_packed(bytes: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    let mut last: Option<&str> = None;
    while !cursor.is_empty() {
        let malformed = Malformed { offset: cursor.offset() };
        let name_len = cursor.len()?;
        let name = std::str::from_utf8(cursor.take(name_len)?).map_err(|_| malformed)?;
        let value_len = cursor.len()?;
        let value = std::str::from_utf8(cursor.take(value_len)?).map_err(|_| malformed)?;
        if name.is_empty() || value.is_empty() || last.is_some_and(|last| last >= name) {
            return Err(malformed);
        }
        last = Some(name);
    }
    Ok(())
}

/// Appends one label in the packed form. The caller keeps order, uniqueness and non-emptiness.
#[inline]
pub fn put_label(packed: &mut Vec<u8>, name: &str, value: &str) {
    put_uvarint(packed, name.len() as u64);
    packed.extend_from_slice(name.as_bytes());
    put_uvarint(packed, value.len() as u64);
    packed.extend_from_slice(value.as_bytes());
}

/// Collects labels in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelsBuilder {
    /// Sorted by name.
    pairs: Vec<(Box<str>, Box<str>)>,
}

impl LabelsBuilder {
    /// Without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a label; an empty value removes it. Without a name there is nothing to set.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.position(name) {
            Ok(at) if value.is_empty() => {
                self.pairs.remove(at);
            }
            Ok(at) => self.pairs[at].1 = value.into(),
            Err(_) if value.is_empty() || name.is_empty() => {}
            Err(at) => self.pairs.insert(at, (name.into(), value.into())),
        }
        self
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a label, if set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.position(name).ok().map(|at| &*self.pairs[at].1)
    }

    /// Pairs in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Keeps the labels for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.pairs.retain(|(name, value)| keep(name, value));
    }

    /// The finished set.
    pub fn build(&self) -> Labels {
        let mut packed = Vec::with_capacity(self.pairs.iter().map(|(name, value)| name.len() + value.len() + 4).sum());
        for (name, value) in &self.pairs {
            put_label(&mut packed, name, value);
        }
        Labels(Arc::from(packed))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.pairs.binary_search_by(|(found, _)| (**found).cmp(name))
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: a label name that needs no quotes.
pub fn is_legacy_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`: a metric name that needs no quotes.
pub fn is_legacy_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_deduplicates_and_drops_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("b", "3")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
        assert_eq!(Labels::from_packed(labels.packed()), Ok(labels.clone()));
        assert_eq!(labels.to_builder().set("a", "").build(), Labels::from_pairs([("b", "3")]));
        assert_eq!(labels.to_builder().set("", "x").build(), labels, "what a sender gives no name is left out");
    }

    #[test]
    fn packed_input_is_checked() {
        for bad in [&[1, b'a'][..], &[1, b'a', 0], &[0, 1, b'a'], &[1, 0xff, 1, b'a'], &[1, b'b', 1, b'x', 1, b'a', 1, b'x'], &[9, b'a']] {
            assert!(Labels::from_packed(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn orders_pair_by_pair() {
        let less = Labels::from_pairs([("a", "1")]);
        let more = Labels::from_pairs([("a", "1"), ("b", "1")]);
        let most = Labels::from_pairs([("a", "10")]);
        assert!(less < more && more < most);
    }
}
