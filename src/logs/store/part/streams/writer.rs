//! Writes the streams of a part.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rustc_hash::FxHashMap;

use super::{GROUP_BYTES, GROUP_STREAMS, GROUP_VALUES};
use crate::base::bytes::put_uvarint;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::frames::Packer;
use crate::logs::store::part::pages::{FileSeal, PagesWriter};
use crate::series::labels::Labels;

/// Streams that follow each other and have the same value.
#[derive(Clone, Copy)]
struct Run {
    value: u32,
    first: u32,
    streams: u32,
}

/// The values of one name.
#[derive(Default)]
struct Values {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// By hash; the few that share one are found by going on to the next hash.
    by_hash: FxHashMap<u64, u32>,
    runs: Vec<Run>,
}

impl Values {
    fn value(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    fn add(&mut self, value: &[u8], stream: u32) {
        if let Some(last) = self.runs.last()
            && self.value(last.value) == value
        {
            let last_value = last.value;
            return self.add_run(last_value, stream);
        }
        let mut hash = xxhash_rust::xxh3::xxh3_64(value);
        loop {
            match self.by_hash.get(&hash) {
                Some(&known) if self.value(known) == value => return self.add_run(known, stream),
                Some(_) => hash = hash.wrapping_add(1),
                None => break,
            }
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u32);
        self.by_hash.insert(hash, number);
        self.add_run(number, stream);
    }

    fn add_run(&mut self, value: u32, stream: u32) {
        match self.runs.last_mut() {
            Some(last) if last.value == value && last.first + last.streams == stream => last.streams += 1,
            _ => self.runs.push(Run { value, first: stream, streams: 1 }),
        }
    }
}

/// Takes streams in ascending order.
pub(in super::super) struct StreamsWriter {
    out: PagesWriter,
    path: PathBuf,
    packer: Packer,
    group: Vec<u8>,
    packed: Vec<u8>,
    places: Vec<u64>,
    streams: u32,
    names: BTreeMap<Box<str>, Values>,
}

impl StreamsWriter {
    pub(in super::super) fn create(path: PathBuf) -> Result<Self, PartError> {
        Ok(Self {
            out: PagesWriter::create(path.clone())?,
            path,
            packer: Packer::new(1),
            group: Vec::new(),
            packed: Vec::new(),
            places: Vec::new(),
            streams: 0,
            names: BTreeMap::new(),
        })
    }

    /// How many there are.
    pub(in super::super) const fn len(&self) -> u32 {
        self.streams
    }

    /// Adds a stream; returns its number.
    pub(in super::super) fn add(&mut self, labels: &Labels) -> Result<u32, PartError> {
        let number = self.streams;
        let too_many = || PartError::TooLarge { path: self.path.clone(), what: "too many streams, or labels too large" };
        self.streams = number.checked_add(1).ok_or_else(too_many)?;
        put_uvarint(&mut self.group, labels.packed().len() as u64);
        self.group.extend_from_slice(labels.packed());
        if self.streams.is_multiple_of(GROUP_STREAMS as u32) {
            self.end_group()?;
        }
        for (name, value) in labels {
            let values = match self.names.get_mut(name) {
                Some(values) => values,
                None => self.names.entry(name.into()).or_default(),
            };
            if values.bytes.len() + value.len() > u32::MAX as usize {
                return Err(PartError::TooLarge { path: self.path.clone(), what: "too many streams, or labels too large" });
            }
            values.add(value.as_bytes(), number);
        }
        Ok(number)
    }

    /// Writes what `group` holds, if anything, and notes where.
    fn end_group(&mut self) -> Result<(), PartError> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.places.push(self.out.position());
        self.packed.clear();
        put_uvarint(&mut self.packed, self.group.len() as u64);
        self.packer.pack(&self.group, &mut self.packed).map_err(PartError::io("pack", &self.path))?;
        self.group.clear();
        self.out.write(&self.packed)
    }

    pub(in super::super) fn finish(mut self) -> Result<FileSeal, PartError> {
        // A stream without labels has one byte for its length, so that a group that was begun is never empty.
        self.end_group()?;
        let groups_before = self.places.len();
        let mut names = Vec::new();
        for (name, values) in std::mem::take(&mut self.names) {
            let before = self.places.len();
            self.write_values(&values)?;
            put_uvarint(&mut names, name.len() as u64);
            names.extend_from_slice(name.as_bytes());
            put_uvarint(&mut names, (self.places.len() - before) as u64);
        }
        let value_groups = (self.places.len() - groups_before) as u32;
        let places_at = self.out.position();
        self.places.push(places_at);
        let places: Vec<u8> = self.places.iter().flat_map(|place| place.to_le_bytes()).collect();
        self.out.write(&places)?;
        let names_at = self.out.position();
        self.out.write(&names)?;
        let mut trailer = Vec::with_capacity(super::TRAILER_BYTES);
        trailer.extend_from_slice(&self.streams.to_le_bytes());
        trailer.extend_from_slice(&value_groups.to_le_bytes());
        trailer.extend_from_slice(&places_at.to_le_bytes());
        trailer.extend_from_slice(&names_at.to_le_bytes());
        self.out.write(&trailer)?;
        self.out.finish()
    }

    fn write_values(&mut self, values: &Values) -> Result<(), PartError> {
        let mut order: Vec<u32> = (0..values.ends.len() as u32).collect();
        order.sort_unstable_by(|left, right| values.value(*left).cmp(values.value(*right)));
        let mut rank = vec![0u32; order.len()];
        for (at, number) in order.iter().enumerate() {
            rank[*number as usize] = at as u32;
        }
        let mut runs = values.runs.clone();
        runs.iter_mut().for_each(|run| run.value = rank[run.value as usize]);
        runs.sort_unstable_by_key(|run| (run.value, run.first));
        let mut streams = Vec::new();
        let mut in_group = 0;
        let mut runs = runs.iter().peekable();
        for (at, number) in order.iter().enumerate() {
            streams.clear();
            let mut end = 0;
            while let Some(run) = runs.next_if(|run| run.value == at as u32) {
                put_uvarint(&mut streams, u64::from(run.first - end));
                put_uvarint(&mut streams, u64::from(run.streams - 1));
                end = run.first + run.streams;
            }
            let value = values.value(*number);
            put_uvarint(&mut self.group, value.len() as u64);
            self.group.extend_from_slice(value);
            put_uvarint(&mut self.group, streams.len() as u64);
            self.group.extend_from_slice(&streams);
            in_group += 1;
            if in_group == GROUP_VALUES || self.group.len() >= GROUP_BYTES {
                self.end_group()?;
                in_group = 0;
            }
        }
        self.end_group()
    }
}
