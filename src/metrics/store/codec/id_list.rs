//! Ascending lists of series ids, packed, with seeks.
//!
//! Count as a varint; if not 0, kind. Kind 0, a run: first id as a varint. Kind 1: groups of 512 ids. With more than
//! one group a table of (first id, offset of the group's bytes behind the table), four bytes each, little endian;
//! with one group the first id as a varint. A group is blocks (see [`super`]) of the differences between its ids, each
//! block relative to its smallest difference, which stands before it as a varint: series that differ in one label
//! (`le`, `mode`) come at regular distances.

use super::Corrupt;
use crate::base::bytes::{Cursor, put_uvarint};
use crate::base::pack::bitpack::{BLOCK_LEN, put_block, read_block};

const RUN: u8 = 0;
const GROUPS: u8 = 1;
const GROUP_LEN: usize = 512;
const ENTRY_BYTES: usize = 8;

/// Appends a list of strictly ascending ids.
pub fn encode_ids(ids: &[u32], out: &mut Vec<u8>) {
    put_uvarint(out, ids.len() as u64);
    let [first, .., last] = ids else {
        if let [only] = ids {
            out.push(RUN);
            put_uvarint(out, u64::from(*only));
        }
        return;
    };
    if (last - first) as usize == ids.len() - 1 {
        out.push(RUN);
        put_uvarint(out, u64::from(*first));
        return;
    }
    out.push(GROUPS);
    if ids.len() <= GROUP_LEN {
        put_uvarint(out, u64::from(*first));
        put_group(ids, out);
        return;
    }
    let mut groups = Vec::new();
    for group in ids.chunks(GROUP_LEN) {
        out.extend_from_slice(&group[0].to_le_bytes());
        // The writer of a block refuses sections of 4 GiB.
        out.extend_from_slice(&(groups.len() as u32).to_le_bytes());
        put_group(group, &mut groups);
    }
    out.extend_from_slice(&groups);
}

fn put_group(ids: &[u32], out: &mut Vec<u8>) {
    let mut numbers = [0u64; BLOCK_LEN];
    for (later, earlier) in ids[1..].chunks(BLOCK_LEN).zip(ids.chunks(BLOCK_LEN)) {
        let differences = || later.iter().zip(earlier).map(|(later, earlier)| u64::from(later - earlier));
        let base = differences().min().unwrap_or(0);
        numbers.iter_mut().zip(differences()).for_each(|(number, difference)| *number = difference - base);
        put_uvarint(out, base);
        put_block(&numbers[..later.len()], out);
    }
}

/// A packed list, read where it lies.
#[derive(Debug, Clone)]
pub struct IdList<'a> {
    len: usize,
    /// All ids are below this.
    end: u32,
    body: Body<'a>,
}

#[derive(Debug, Clone)]
enum Body<'a> {
    Run { first: u32 },
    One { first: u32, bytes: &'a [u8] },
    Groups { table: &'a [[u8; ENTRY_BYTES]], bytes: &'a [u8] },
}

impl<'a> IdList<'a> {
    /// A list whose ids are all below `end`.
    pub fn open(bytes: &'a [u8], end: u32) -> Result<Self, Corrupt> {
        let mut cursor = Cursor::new(bytes);
        let out_of_range = Corrupt::new("series id out of range");
        let len = usize::try_from(cursor.uvarint()?).unwrap_or(usize::MAX);
        if len > end as usize {
            return Err(Corrupt::new("more ids in a list than series"));
        }
        if len == 0 {
            return Ok(Self { len, end, body: Body::Run { first: 0 } });
        }
        let kind = cursor.u8()?;
        let body = match kind {
            RUN => {
                let first = u32::try_from(cursor.uvarint()?).map_err(|_| out_of_range)?;
                if u64::from(first) + len as u64 > u64::from(end) {
                    return Err(out_of_range);
                }
                Body::Run { first }
            }
            GROUPS if len <= GROUP_LEN => {
                let first = u32::try_from(cursor.uvarint()?).map_err(|_| out_of_range)?;
                Body::One { first, bytes: cursor.rest() }
            }
            GROUPS => {
                let table = cursor.take(len.div_ceil(GROUP_LEN) * ENTRY_BYTES)?.as_chunks().0;
                Body::Groups { table, bytes: cursor.rest() }
            }
            _ => return Err(Corrupt::new("unknown kind of id list")),
        };
        Ok(Self { len, end, body })
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends all ids to `out`.
    pub fn append_to(&self, out: &mut Vec<u32>) -> Result<(), Corrupt> {
        out.reserve(self.len);
        if let Body::Run { first } = self.body {
            out.extend(first..first + self.len as u32);
            return Ok(());
        }
        (0..self.group_count()).try_for_each(|group| self.read_group(group, out))
    }

    /// Hands each id of `ids` (ascending) with whether it is in the list to `each`; reads only the groups asked for.
    pub fn look_up(&self, ids: &[u32], mut each: impl FnMut(u32, bool)) -> Result<(), Corrupt> {
        if let Body::Run { first } = self.body {
            let run = first..first + self.len as u32;
            ids.iter().for_each(|id| each(*id, run.contains(id)));
            return Ok(());
        }
        let mut held: Option<usize> = None;
        let mut group_ids: Vec<u32> = Vec::with_capacity(GROUP_LEN);
        let mut at = 0;
        for &id in ids {
            let group = self.group_of(id, held.unwrap_or(0));
            if held != Some(group) {
                group_ids.clear();
                self.read_group(group, &mut group_ids)?;
                held = Some(group);
                at = 0;
            }
            while group_ids.get(at).is_some_and(|found| *found < id) {
                at += 1;
            }
            each(id, group_ids.get(at) == Some(&id));
        }
        Ok(())
    }

    fn group_count(&self) -> usize {
        match &self.body {
            Body::Run { .. } => 0,
            Body::One { .. } => 1,
            Body::Groups { table, .. } => table.len(),
        }
    }

    /// The group that holds `id` if any does, looking from group `from` on.
    fn group_of(&self, id: u32, from: usize) -> usize {
        let Body::Groups { table, .. } = &self.body else { return 0 };
        let from = from.min(table.len());
        (from + table[from..].partition_point(|entry| entry_of(entry).0 <= id)).saturating_sub(1)
    }

    fn read_group(&self, group: usize, out: &mut Vec<u32>) -> Result<(), Corrupt> {
        let (first, bytes) = match &self.body {
            Body::Run { .. } => return Ok(()),
            Body::One { first, bytes } => (*first, *bytes),
            Body::Groups { table, bytes } => {
                let (first, offset) = table.get(group).map(entry_of).ok_or(Corrupt::new("id list ends early"))?;
                (first, bytes.get(offset as usize..).ok_or(Corrupt::new("group of ids behind the end"))?)
            }
        };
        let mut cursor = Cursor::new(bytes);
        let mut numbers = [0u64; BLOCK_LEN];
        let mut id = u64::from(first);
        let mut left = (self.len - group * GROUP_LEN).min(GROUP_LEN) - 1;
        out.push(first);
        while left > 0 {
            let len = left.min(BLOCK_LEN);
            let base = cursor.uvarint()?;
            read_block(&mut cursor, len, &mut numbers)?;
            if base == 0 {
                return Err(Corrupt::new("ids of a list do not ascend"));
            }
            out.extend(numbers[..len].iter().map(|number| {
                id = id.saturating_add(base).saturating_add(*number);
                id as u32
            }));
            left -= len;
        }
        if id < u64::from(self.end) { Ok(()) } else { Err(Corrupt::new("series id out of range")) }
    }
}

fn entry_of(entry: &[u8; ENTRY_BYTES]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = *entry;
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(ids: &[u32]) -> usize {
        let mut bytes = Vec::new();
        encode_ids(ids, &mut bytes);
        let list = IdList::open(&bytes, u32::MAX).expect("valid");
        assert_eq!(list.len(), ids.len());
        let mut all = vec![3];
        list.append_to(&mut all).expect("valid");
        assert_eq!(&all[1..], ids);
        for stride in [1, 7, 700] {
            let asked: Vec<u32> = (0..5000).map(|i| i * stride).collect();
            let mut found = Vec::new();
            list.look_up(&asked, |id, is_in| {
                if is_in {
                    found.push(id)
                }
            })
            .expect("valid");
            let expected: Vec<u32> = asked.iter().copied().filter(|id| ids.binary_search(id).is_ok()).collect();
            assert_eq!(found, expected);
        }
        bytes.len()
    }

    #[test]
    fn lists_round_trip() {
        check(&[]);
        check(&[7]);
        check(&[u32::MAX - 1]);
        assert!(check(&(5..1_000_000).collect::<Vec<_>>()) < 8);
        assert!(check(&(0..100_000).map(|i| i * 12).collect::<Vec<_>>()) < 5_000);
        check(&(0..513).map(|i| i * i).collect::<Vec<_>>());
    }

    #[test]
    fn ids_beyond_the_series_are_refused() {
        let mut bytes = Vec::new();
        encode_ids(&[1, 5, 9], &mut bytes);
        assert!(IdList::open(&bytes, 10).expect("valid").append_to(&mut Vec::new()).is_ok());
        assert!(IdList::open(&bytes, 9).expect("header is valid").append_to(&mut Vec::new()).is_err());
        assert!(IdList::open(&bytes, 2).is_err());
    }

    proptest! {
        #[test]
        fn any_list_round_trips(ids in prop::collection::btree_set(0u32..4000, 0..1500)) {
            check(&ids.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), end in 0u32..2000) {
            if let Ok(list) = IdList::open(&bytes, end) {
                let _may_fail = list.append_to(&mut Vec::new());
                let _may_fail = list.look_up(&[0, 3, 70, 600, 1999], |_, _| {});
            }
        }
    }
}
