//! Records, frames and segments.

use parking_lot::Mutex;
use proptest::prelude::*;

use super::columns::{ColumnsWriter, column_groups};
use super::frame::MAGIC;
use super::record::{self, SamplesWriter, groups, read_floats};
use super::*;
use crate::base::bytes::Malformed;
use crate::base::clock::ManualClock;
use crate::base::time::TimeRange;
use crate::metrics::store::head::{ChunkKind, SavedChunk};
use crate::platform::disk::log::{Found, Frames, Unpacker};
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata};

fn options(dir: &std::path::Path, sync: SyncPolicy, clock: crate::base::clock::SharedClock) -> WalOptions {
    let (dir, what) = (dir.to_owned(), "samples");
    WalOptions { dir, format: FORMAT, what, segment_bytes: SEGMENT_BYTES, sync, reserve_bytes: 0, hook: None, clock }
}

type Series = (u32, Vec<(i64, f64)>);

fn write(series: &[Series]) -> Vec<u8> {
    let mut writer = SamplesWriter::default();
    for group in 0..16 {
        writer.begin_group(group);
        for (id, samples) in series.iter().filter(|(id, _)| *id as usize % 16 == group) {
            writer.put_floats(*id, samples.len(), samples.iter().copied());
        }
        writer.end_group();
    }
    writer.bytes().to_vec()
}

fn write_columns(series: &[Series]) -> Vec<u8> {
    let mut writer = ColumnsWriter::default();
    for group in 0..16 {
        writer.begin_group(group);
        for (id, samples) in series.iter().filter(|(id, _)| *id as usize % 16 == group) {
            writer.put_floats(*id, samples.len(), samples.iter().copied());
        }
        writer.end_group();
    }
    let mut content = Vec::new();
    writer.finish(&mut content);
    content
}

fn read_all_columns(content: &[u8]) -> Result<Vec<Series>, Malformed> {
    let mut all = Vec::new();
    let mut scratch = ColumnsScratch::default();
    for group in column_groups(content)? {
        read_columns(group, content, &mut scratch, |id, samples| all.push((id, samples.to_vec())))?;
    }
    all.sort_by_key(|(id, _)| *id);
    Ok(all)
}

fn read(content: &[u8]) -> Result<Vec<Series>, Malformed> {
    let mut all = Vec::new();
    for group in groups(content) {
        let (group, bytes) = group?;
        read_floats(group, bytes, |id, samples| all.push((id, samples.to_vec())))?;
    }
    all.sort_by_key(|(id, _)| *id);
    Ok(all)
}

#[test]
fn a_sample_of_a_regular_batch_is_small() {
    let series: Vec<Series> = (1..=500).map(|id| (id, (0..20).map(|at| (1_760_000_000_000 + at * 15_000, at as f64)).collect())).collect();
    let content = write(&series);
    assert!(content.len() < 500 * 20 * 2 + 500 * 10, "{}", content.len());
    assert_eq!(read(&content).expect("read"), series);
    let size = |kind, content: &[u8]| {
        let mut frame = Vec::new();
        Packer::default().put_frame(&mut frame, kind, content);
        frame.len()
    };
    let series: Vec<Series> = (1..=500).map(|id| (id, vec![(1_760_000_000_000, f64::from(id * id % 997) / 8.0)])).collect();
    let (plain, columns) = (size(Kind::Floats, &write(&series)), size(Kind::Columns, &write_columns(&series)));
    assert!(columns < plain, "{columns} {plain}");
}

proptest! {
    #[test]
    fn floats_round_trip(series in prop::collection::btree_map(
        1u32..100_000, prop::collection::vec((any::<i64>(), -1e9f64..1e9), 1..20), 0..30,
    )) {
        let series: Vec<Series> = series.into_iter().collect();
        prop_assert_eq!(&read(&write(&series)).expect("read"), &series);
        let columns = write_columns(&series);
        prop_assert_eq!(read_all_columns(&columns).expect("read"), series);
        for cut in 0..columns.len() {
            prop_assert!(cut == 0 || read_all_columns(&columns[..cut]).is_err());
        }
    }

    #[test]
    fn values_of_every_length_stand_apart(numbers in prop::collection::vec((0u32..56, any::<u64>()), 1..300), step in 1i64..1 << 40) {
        // Whole numbers, thousandths and anything else, of all lengths.
        let value = |index: usize, (bits, number): (u32, u64)| match index % 3 {
            0 => (number >> (63 - bits.min(52))) as f64,
            1 => (number >> (63 - bits.min(52))) as f64 / 1000.0,
            _ => f64::from_bits(number >> bits),
        };
        let samples: Vec<(i64, u64)> =
            numbers.into_iter().enumerate().map(|(at, number)| (at as i64 * step, value(at, number).to_bits())).collect();
        let series = [(7, samples.iter().map(|(ts, bits)| (*ts, f64::from_bits(*bits))).collect())];
        let found = read_all_columns(&write_columns(&series)).expect("read");
        let found: Vec<(i64, u64)> = found[0].1.iter().map(|(ts, value)| (*ts, value.to_bits())).collect();
        prop_assert_eq!(found, samples);
    }

    #[test]
    fn any_content_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // Whether it fails does not matter, only that it ends.
        let _any = read(&bytes);
        let _any = read_all_columns(&bytes);
        let _any = record::read_series(&bytes, |_, _| {});
        let _any = record::read_exemplars(&bytes, |_, _| {});
        let _any = record::read_times(&bytes, |_, _, _| {});
        let _any = record::read_metadata(&bytes, |_, _| {});
        let _any = record::read_flushed(&bytes, |_| {});
        let _any = record::read_files(&bytes, |_| {});
        let _any = read_chunks(3, &bytes, |_, _| {});
        let mut segment = MAGIC.to_vec();
        segment.extend_from_slice(&bytes);
        if let Some(mut frames) = Frames::new(&segment, FORMAT) {
            while let Found::Frame(frame) = frames.next_frame() {
                let _any = frame.content(&mut Unpacker::default());
            }
        }
    }
}

#[test]
fn chunks_round_trip() {
    let chunk = |min: i64, bytes| SavedChunk { kind: ChunkKind::Packed, open: false, min, max: min + 29 * 15_000, count: 30, bytes };
    let open = SavedChunk { kind: ChunkKind::Float, open: true, min: 600_000, max: 600_000, count: 1, bytes: b"abc" };
    let all = [
        (5u32, vec![chunk(-7, b"12345"), open]),
        (21, vec![SavedChunk { kind: ChunkKind::Histogram, ..chunk(8, b"") }]),
        (5 + 16 * 1000, vec![chunk(i64::MIN, b"x"), chunk(i64::MAX - 1_000_000, b"y")]),
    ];
    let mut writer = SamplesWriter::default();
    writer.begin_group(5);
    for (id, chunks) in &all {
        writer.put_chunks(*id, chunks.len(), chunks.iter().copied());
    }
    writer.end_group();
    let (group, content) = groups(writer.bytes()).next().expect("a group").expect("valid");
    let mut at = all.iter().flat_map(|(id, chunks)| chunks.iter().map(move |chunk| (*id, *chunk)));
    read_chunks(group, content, |id, chunk| assert_eq!(Some((id, *chunk)), at.next())).expect("valid");
    assert_eq!(at.next(), None);
    for cut in 0..content.len() {
        // Whether it fails does not matter, only that it ends.
        let _any = read_chunks(group, &content[..cut], |_, _| {});
    }
}

#[test]
fn frames_keep_their_content_and_show_damage() {
    let packer = Packer::default();
    let mut segment = MAGIC.to_vec();
    let contents = [vec![], vec![1, 2, 3], vec![7; 10_000], (0..200u8).collect::<Vec<u8>>()];
    for content in &contents {
        packer.put_frame(&mut segment, Kind::Metadata, content);
    }
    assert!(segment.len() < 1000, "repetition is compressed");
    let mut frames = Frames::new(&segment, FORMAT).expect("a segment");
    for content in &contents {
        let Found::Frame(frame) = frames.next_frame() else { panic!("a frame is missing") };
        assert_eq!((frame.kind, frame.content(&mut Unpacker::default()).as_ref()), (Kind::Metadata as u8, Some(content)));
        assert_eq!(frame.content_len(), content.len());
    }
    assert!(matches!(frames.next_frame(), Found::End));
    // Any flipped bit is noticed, and never more than the record with it is lost but at the end.
    for at in MAGIC.len()..segment.len() {
        let mut damaged = segment.clone();
        damaged[at] ^= 0x10;
        let mut frames = Frames::new(&damaged, FORMAT).expect("a segment");
        let mut good = 0;
        loop {
            match frames.next_frame() {
                Found::Frame(_) => good += 1,
                Found::Damaged | Found::Mended(_) | Found::Torn => {}
                Found::End => break,
            }
        }
        assert_eq!(good, contents.len() - 1, "damage at {at} went unnoticed, or cost too much");
    }
    assert!(Frames::new(b"PHARWAL\x03rest", FORMAT).is_none(), "a later version is not guessed at");
}

#[derive(Default)]
struct Collector {
    series: Mutex<Vec<u32>>,
    samples: Mutex<usize>,
}

impl Sink for Collector {
    fn series(&self, series: Vec<(u32, Labels)>) {
        self.series.lock().extend(series.into_iter().map(|(id, _)| id));
    }

    fn samples(&self, group: usize, records: &[(Kind, &[u8])], from: i64) -> Taken {
        let (mut newest, mut failed) = (i64::MIN, 0);
        for (_, content) in records {
            let read = read_floats(group, content, |_, samples| {
                *self.samples.lock() += samples.iter().filter(|(ts, _)| *ts >= from).count();
                newest = samples.iter().fold(newest, |max, (ts, _)| max.max(*ts));
            });
            failed += u64::from(read.is_err());
        }
        Taken { newest, failed }
    }

    fn exemplar(&self, _: u32, _: Exemplar) {}

    fn deleted(&self, _: u32, _: TimeRange) {}

    fn metadata(&self, _: &str, _: Metadata) {}

    fn start(&self, _: u32, _: i64, _: i64) {}
}

#[test]
fn many_writers_share_one_log() {
    let dir = tempfile::tempdir().expect("dir");
    let options = options(dir.path(), SyncPolicy::EveryCommit, ManualClock::at(0));
    let wal = Wal::open(options, Vec::new(), 1);
    let packer = Packer::default();
    std::thread::scope(|scope| {
        for writer in 1..=8u32 {
            let (wal, packer) = (&wal, &packer);
            scope.spawn(move || {
                for at in 0..50 {
                    let mut frame = Vec::new();
                    packer.put_frame(&mut frame, Kind::Floats, &write(&[(writer, vec![(at, 1.0)])]));
                    let ticket = wal.push(&frame, at);
                    wal.commit(ticket, at % 2 == 0).expect("commit");
                    if at % 10 == 0 {
                        wal.roll().expect("roll");
                    }
                }
            });
        }
    });
    let counters = wal.counters();
    assert!(counters.writes.load(std::sync::atomic::Ordering::Relaxed) > 0);
    wal.close();
    assert_eq!(wal.commit(u64::MAX, false), Err(WalError::Closed));
    let collector = Collector::default();
    let recovered = replay(dir.path(), &collector, &Progress::default(), Damaged::Mend).expect("replay");
    assert_eq!((*collector.samples.lock(), recovered.damage.len()), (400, 0));
    assert!(recovered.segments.iter().all(|segment| segment.max_ts <= 49));
}

#[test]
fn a_damaged_length_in_the_newest_segment_hides_nothing_behind_it() {
    let dir = tempfile::tempdir().expect("dir");
    let packer = Packer::default();
    let mut segment = MAGIC.to_vec();
    let mut starts = Vec::new();
    for at in 0..5i64 {
        starts.push(segment.len());
        packer.put_frame(&mut segment, Kind::Floats, &write(&[(1, vec![(at * 10, 1.0), (at * 10 + 5, 1.0)])]));
    }
    let path = crate::platform::disk::log::segment_path(dir.path(), 1);
    for (number, start) in starts.iter().enumerate() {
        for (at, samples) in [(0, 10), (3, 10), (5, 8), (10, 8)] {
            let mut bad = segment.clone();
            bad[start + at] ^= 0x40;
            std::fs::write(&path, &bad).expect("write");
            let collector = Collector::default();
            let recovered = replay(dir.path(), &collector, &Progress::default(), Damaged::Mend).expect("replay");
            assert_eq!((*collector.samples.lock(), recovered.damage.len()), (samples, 1), "record {number}, byte {at}");
            assert!(dir.path().join(format!("quarantine/00000001-{start}")).exists(), "record {number}, byte {at}");
        }
    }
}

#[test]
fn a_checkpoint_replaces_what_is_before_it() {
    let dir = tempfile::tempdir().expect("dir");
    let clock = ManualClock::at(0);
    let options = options(dir.path(), SyncPolicy::Never, clock);
    let wal = Wal::open(options, Vec::new(), 1);
    let packer = Packer::default();
    for at in 0..4i64 {
        let mut frame = Vec::new();
        packer.put_frame(&mut frame, Kind::Floats, &write(&[(1, vec![(at * 10, 1.0), (at * 10 + 5, 1.0)])]));
        let ticket = wal.push(&frame, at * 10 + 5);
        wal.commit(ticket, true).expect("commit");
        wal.roll().expect("roll");
    }
    assert_eq!(wal.finished().iter().map(|info| info.max_ts).collect::<Vec<_>>(), [5, 15, 25, 35]);
    // Up to 22 everything is in blocks, as of segment 4: of segment 3 half is still needed.
    let flushed = Flushed { segment: 4, boundary: 22 };
    let mut checkpoint = Checkpoint::create(dir.path(), 3, &[flushed], &[]).expect("create");
    checkpoint.put(Kind::Series, |out| put_series(out, 1, &Labels::from_pairs([("a", "1")]))).expect("put");
    install_checkpoint(checkpoint, dir.path()).expect("install");
    // A crash in the middle of the next one leaves nothing that counts.
    drop(Checkpoint::create(dir.path(), 4, &[], &[]).expect("create"));
    let collector = Collector::default();
    let recovered = replay(dir.path(), &collector, &Progress::default(), Damaged::Mend).expect("replay");
    assert_eq!((*collector.samples.lock(), collector.series.lock().clone(), recovered.flushed), (3, vec![1], vec![flushed]));
    assert_eq!((recovered.next, recovered.segments.len()), (5, 2));
}
