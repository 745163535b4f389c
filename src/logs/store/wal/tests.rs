//! Records of lines, and reading them back past damage.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::base::clock::ManualClock;
use crate::logs::store::lines::{Lines, Seed, StreamLines};
use crate::platform::disk::log::{Packer, SyncPolicy, Wal, WalOptions, segment_path};
use crate::series::labels::Labels;

type Line = (String, i64, Vec<u8>, Vec<u8>);

fn encode(lines: &[Line], seed: Seed) -> Vec<u8> {
    let mut all = Lines::default();
    for (at, (stream, ts, text, fields)) in lines.iter().enumerate() {
        let labels = Labels::from_pairs([("job", stream)]);
        let hash = seed.stream(&labels);
        all.streams.push(StreamLines { labels, hash, lines: at..at + 1, place: at });
        all.lines.push(seed.line(hash, *ts, text, fields));
    }
    let mut out = Vec::new();
    put_lines(&mut out, &all, &all.streams.clone());
    out
}

fn decode(lines: &Lines<'_>) -> Vec<Line> {
    let of = |stream: &StreamLines| {
        let job = stream.labels.get("job").unwrap_or_default().to_owned();
        lines.of(stream).iter().map(move |line| (job.clone(), line.ts, line.text.to_vec(), line.fields.to_vec())).collect::<Vec<_>>()
    };
    lines.streams.iter().flat_map(of).collect()
}

proptest! {
    #[test]
    fn records_come_back(lines in prop::collection::vec(("[a-c]", any::<i64>(), prop::collection::vec(any::<u8>(), 0..40), "[a-z]{0,3}"), 0..20)) {
        let fields = |field: &String| Labels::from_pairs([("f", field)]).packed().to_vec();
        let lines: Vec<Line> = lines.iter().map(|(job, ts, text, field)| (job.clone(), *ts, text.clone(), fields(field))).collect();
        let seed = Seed::random();
        let bytes = encode(&lines, seed);
        prop_assert_eq!(decode(&read_lines(&bytes, seed).unwrap()), lines);
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _any = read_lines(&bytes, Seed::random());
    }

    #[test]
    fn damaged_records_are_looked_at_without_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let seed = Seed::random();
        let mut bytes = encode(&[("a".to_owned(), 5, b"text".to_vec(), Vec::new()), ("b".to_owned(), 6, b"more".to_vec(), Vec::new())], seed);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _any = read_lines(&bytes, seed);
    }
}

#[derive(Default)]
struct Seen {
    texts: Vec<String>,
    places: Vec<WalPlace>,
}

impl Sink for Seen {
    fn lines(&mut self, lines: &Lines<'_>, next: WalPlace) -> std::io::Result<()> {
        self.texts.extend(decode(lines).into_iter().map(|(_, _, text, _)| String::from_utf8(text).unwrap()));
        self.places.push(next);
        Ok(())
    }
}

fn write(dir: &Path, segments: &[&[&str]]) {
    let clock = ManualClock::at(0);
    let options = WalOptions {
        dir: dir.to_owned(),
        format: FORMAT,
        what: "lines",
        segment_bytes: SEGMENT_BYTES,
        sync: SyncPolicy::Never,
        reserve_bytes: 0,
        hook: None,
        clock,
    };
    let wal = Wal::open(options, Vec::new(), 1);
    for texts in segments {
        for text in *texts {
            let mut frame = Vec::new();
            Packer::default().put_frame(
                &mut frame,
                LINES,
                &encode(&[("a".to_owned(), 1, text.as_bytes().to_vec(), Vec::new())], Seed::random()),
            );
            wal.commit(wal.push(&frame, 1), true).unwrap();
        }
        wal.roll().unwrap();
    }
}

fn read(dir: &Path, from: WalPlace) -> (Seen, Replayed) {
    let mut seen = Seen::default();
    let replayed = replay(dir, from, Seed::random(), &mut seen, &ReplayProgress::default()).unwrap();
    (seen, replayed)
}

#[test]
fn reads_from_a_place_on_and_removes_what_is_before() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&["a", "b"], &["c", "d", "e"], &["f"]]);
    let (seen, replayed) = read(dir.path(), WalPlace::default());
    assert_eq!(seen.texts, ["a", "b", "c", "d", "e", "f"]);
    assert_eq!((replayed.next, replayed.records, replayed.segments.len()), (4, 6, 3));
    let after_c = seen.places[2];
    assert_eq!(after_c.segment, 2);
    let (seen, _) = read(dir.path(), after_c);
    assert_eq!(seen.texts, ["d", "e", "f"]);
    assert!(!segment_path(dir.path(), 1).exists());
    let (seen, replayed) = read(dir.path(), WalPlace { segment: 9, offset: 0 });
    assert_eq!((seen.texts.len(), replayed.next), (0, 9));
}

#[test]
fn damage_costs_nothing_but_itself() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&["a", "b", "c"], &["d", "e"]]);
    let whole = [1, 2].map(|number| std::fs::read(segment_path(dir.path(), number)).unwrap());
    for number in [1usize, 2] {
        for at in 0..whole[number - 1].len() {
            for (other, bytes) in whole.iter().enumerate() {
                std::fs::write(segment_path(dir.path(), other as u64 + 1), bytes).unwrap();
            }
            let mut bad = whole[number - 1].clone();
            bad[at] ^= 0x21;
            std::fs::write(segment_path(dir.path(), number as u64), &bad).unwrap();
            let (seen, replayed) = read(dir.path(), WalPlace::default());
            // A damaged record hides no other; only a version that is not known does.
            let lost = 5 - seen.texts.len();
            let lost_at_most = if at == 7 { whole[number - 1].len() } else { 1 };
            assert!(lost <= lost_at_most, "segment {number} byte {at} costs {lost} records");
            assert_eq!(replayed.damage.len(), 1, "segment {number} byte {at}");
            let again = read(dir.path(), WalPlace::default()).0;
            assert!(again.texts.iter().all(|text| seen.texts.contains(text)));
        }
    }
}
