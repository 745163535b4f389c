//! What a damaged disk hands over: parts and segments of the log with some of their bytes changed.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::bytes::trust_checksums;
use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineSelection, SelectLines, Span, StreamQuery, Want};
use crate::logs::store::db::{LineLimits, Store, StoreSettings};
use crate::logs::store::lines::{Lines, Seed, StreamLines};
use crate::logs::store::part::{Keep, MergeOptions, Part, PartLine, PartOptions, PartWriter, merge};
use crate::logs::store::wal::{FORMAT, LINES, ReplayProgress, Sink, WalPlace, put_lines, replay};
use crate::platform::disk::log::{Packer, SyncPolicy, segment_path};
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};

/// Time of the first line, a noon.
const T0: i64 = (20_000 * 86_400 + 43_200) * 1_000_000_000;
/// Files of a part.
const FILES: [&str; 8] = ["meta", "text", "heads", "blocks", "runs", "streams", "bloom", "index"];
/// Blocks that hold little, so that little data makes many.
const SMALL: PartOptions = PartOptions { block_bytes: 1024, zstd_level: 1, columns: false, dense: false };
const SMALL_COLUMNS: PartOptions = PartOptions { columns: true, dense: true, ..SMALL };

/// A folder of this process, empty each time.
struct Folder(PathBuf);

impl Folder {
    fn empty(name: &str) -> Self {
        let thread = std::thread::current().id();
        let path = std::env::temp_dir().join(format!("pharos-fuzz-{}-{thread:?}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a folder for files");
        Self(path)
    }

    fn below(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(&path).expect("a folder for files");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// What changes: a byte, or where a byte came from.
trait Changed: Copy {
    fn new(byte: u8) -> Self;
    fn flipped(self, mask: u8) -> Self;
}

impl Changed for u8 {
    fn new(byte: u8) -> Self {
        byte
    }

    fn flipped(self, mask: u8) -> Self {
        self ^ mask
    }
}

/// Where a byte was before; nowhere if it was changed.
impl Changed for Option<usize> {
    fn new(_: u8) -> Self {
        None
    }

    fn flipped(self, _: u8) -> Self {
        None
    }
}

/// Changes bytes as `edit` says: a kind, a place, a length, and what is written there. Answers what follows.
fn change<'e, T: Changed>(bytes: &mut Vec<T>, edit: &'e [u8]) -> Option<&'e [u8]> {
    let ([kind, low, high, len], rest) = edit.split_first_chunk::<4>()?;
    let at = usize::from(u16::from_le_bytes([*low, *high])) % (bytes.len() + 1);
    let len = usize::from(*len & 0x1f) + 1;
    let end = (at + len).min(bytes.len());
    let (new, after) = rest.split_at(len.min(rest.len()));
    match kind % 4 {
        0 => {
            bytes[at..].iter_mut().zip(new).for_each(|(byte, new)| *byte = T::new(*new));
            Some(after)
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = byte.flipped(1 << (len & 7));
            }
            Some(rest)
        }
        2 => {
            bytes.drain(at..end);
            Some(rest)
        }
        _ => {
            bytes.splice(at..at, new.iter().map(|byte| T::new(*byte)));
            Some(after)
        }
    }
}

fn some_line(stream: usize, number: usize) -> (i64, String, Labels) {
    let id = (stream as u64 * 1000 + number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = match number % 5 {
        0 => String::new(),
        1 => format!("upstream_timeout id={id:016x} n={}", id % 1000),
        2 => format!(r#"{{"level":"error","trace_id":"{id:016x}","d":{}.{}}}"#, id % 90, id % 7),
        3 => format!("10.0.{}.{} - \"GET /api/v1/{}\" 200 {}", id % 9, id % 256, id % 1000, id % 50_000),
        _ => format!("Größe 日本語 two\nlines {} {}", "aGVsbG8".repeat(6), id % 100_000),
    };
    let fields = match number % 3 {
        0 => Labels::empty(),
        1 => Labels::from_pairs([("pod", "p-1")]),
        _ => Labels::from_pairs([("pod", "p-2".to_owned()), ("trace", format!("{id:032x}"))]),
    };
    (T0 + (stream + number * 7) as i64 * 1_000_003, text, fields)
}

fn some_stream(stream: usize) -> Labels {
    Labels::from_pairs([("job", format!("j{}", stream % 3)), ("host", format!("h{stream:04}"))])
}

/// The files of two good parts, one with columns.
fn good_parts() -> &'static [Vec<Vec<u8>>; 2] {
    static PARTS: OnceLock<[Vec<Vec<u8>>; 2]> = OnceLock::new();
    PARTS.get_or_init(|| {
        [SMALL, SMALL_COLUMNS].map(|options| {
            let folder = Folder::empty("good");
            let mut writer = PartWriter::create(&folder.0, options).expect("create");
            for stream in 0..12 {
                let lines: Vec<_> = (0..if stream % 4 == 0 { 40 } else { 2 }).map(|number| some_line(stream, number)).collect();
                let line = |(ts, text, fields): &'_ (i64, String, Labels)| (*ts, text.clone().into_bytes(), fields.packed().to_vec());
                let lines: Vec<_> = lines.iter().map(line).collect();
                let lines: Vec<_> = lines.iter().map(|(ts, text, fields)| PartLine { ts: *ts, text, fields }).collect();
                writer.push_run(&some_stream(stream), &lines).expect("push");
            }
            writer.finish().expect("finish");
            FILES.iter().map(|name| fs::read(folder.0.join(name)).expect("read")).collect()
        })
    })
}

/// Reads a chunk in every way; what comes fits together.
fn look_at(part: &Arc<Part>, selection: &LineSelection<'_>) {
    let mut lines = LineBuf::default();
    let Ok(chunks) = part.select(selection, &Cancel::new()) else { return };
    for chunk in chunks {
        for want in [Want::Times, Want::Fields, Want::Text] {
            if chunk.read(want, &mut lines).is_err() {
                continue;
            }
            assert_eq!(lines.starts.len(), lines.times.len() + 1);
            for (stream, run) in &lines.runs {
                assert!(run.start <= run.end && run.end as usize <= lines.times.len(), "{}", stream.labels);
                for line in run.clone() {
                    drop(Labels::from_packed(lines.fields_of(line as usize)));
                    let is_whole = lines.line(line as usize).len() == lines.line_bytes(line as usize);
                    assert!(want != Want::Text || is_whole, "a line is as long as it is said to be");
                }
            }
        }
    }
}

/// A part with changed bytes: opens or says why not, and so does everything in it.
pub fn logs_part(data: &[u8]) {
    let Some((choice, mut edits)) = data.split_first() else { return };
    let mut files = good_parts()[usize::from(choice & 1)].clone();
    // With checksums that count, nothing but errors may come of a change; without, whatever is made of it.
    let _checked = trust_checksums(choice & 2 != 0);
    let whole = edits.is_empty();
    while let Some((file, edit)) = edits.split_first() {
        // What a library reads, which panics, and is caught: not the last file where checksums do not count.
        let file = usize::from(file % if choice & 2 == 0 { 8 } else { 7 });
        let Some(rest) = change(&mut files[file], edit) else { break };
        edits = rest;
    }
    let folder = Folder::empty("part");
    let home = folder.below("home");
    for (name, bytes) in FILES.iter().zip(&files) {
        fs::write(home.join(name), bytes).expect("write");
    }
    let Ok(part) = Part::open(&home) else {
        assert!(!whole, "a good part opens");
        return;
    };
    let cancel = Cancel::new();
    let matchers = [Matcher::new("job", MatchOp::Regex, "j[01]").expect("valid")];
    let any_of = [matchers.to_vec()];
    let span = Span { start: T0, end: T0 + 100_000_000 };
    for (matchers, span, needs) in [
        (&[][..], Span::ALL, Needs::Anything),
        (&matchers, span, Needs::text("upstream_timeout")),
        (&[], Span::ALL, Needs::text("stream_tim")),
        (&matchers, Span::ALL, Needs::text_any_case(b"GET").and(Needs::text(" 200 "))),
        (&[], Span::ALL, Needs::text("9e3779b97f4a7c15").or(Needs::text("日本語"))),
    ] {
        look_at(&part, &LineSelection { matchers, span, needs: &needs });
    }
    for any_of in [&[][..], &any_of] {
        let query = StreamQuery { any_of, span: Span::ALL, limit: 0 };
        drop((part.streams(&query, &cancel), part.label_names(&query, &cancel), part.volume(&query, &cancel)));
        drop((part.label_values("host", &query, &cancel), part.label_values("none", &query, &cancel)));
    }
    let checked = part.check(&cancel);
    assert!(!whole || checked.is_ok());
    for (name, options, copy_blocks, asked) in [("copied", SMALL, true, 4), ("anew", SMALL_COLUMNS, false, 8)] {
        if choice & asked == 0 {
            continue;
        }
        let out = folder.below(name);
        let keep = |labels: &Labels| if labels.get("host") == Some("h0001") { Keep::Nothing } else { Keep::All };
        if merge(&[Arc::clone(&part)], &out, &MergeOptions { part: options, copy_blocks }, &keep, &cancel).is_ok() {
            // What was written opens; what it was made of may be nonsense.
            let merged = Part::open(&out).expect("a part that was just written");
            look_at(&merged, &LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything });
        }
    }
}

/// Frames of the log with a line or two each, and the texts of these.
fn good_frames() -> &'static [(Vec<u8>, Vec<String>)] {
    static FRAMES: OnceLock<Vec<(Vec<u8>, Vec<String>)>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let packer = Packer::default();
        let mut frames = Vec::new();
        for number in 0..10 {
            let texts = if number % 3 == 0 {
                vec![format!("line {number}")]
            } else {
                vec![format!("first {number}"), "x".repeat(20 * number) + &number.to_string()]
            };
            let mut frame = Vec::new();
            packer.put_frame(&mut frame, LINES, &record(number, &texts));
            frames.push((frame, texts));
        }
        frames
    })
}

fn record(stream: usize, texts: &[String]) -> Vec<u8> {
    let seed = Seed::random();
    let labels = some_stream(stream);
    let hash = seed.stream(&labels);
    let mut lines = Lines::default();
    lines.streams.push(StreamLines { labels, hash, lines: 0..texts.len(), place: 0 });
    lines.lines.extend(texts.iter().enumerate().map(|(at, text)| seed.line(hash, T0 + at as i64, text.as_bytes(), &[])));
    let mut out = Vec::new();
    put_lines(&mut out, &lines, &lines.streams.clone());
    out
}

#[derive(Default)]
struct Texts(Vec<String>);

impl Sink for Texts {
    fn lines(&mut self, lines: &Lines<'_>, _: WalPlace) -> io::Result<()> {
        self.0.extend(lines.lines.iter().map(|line| String::from_utf8_lossy(line.text).into_owned()));
        Ok(())
    }
}

fn replayed(dir: &Path) -> Vec<String> {
    let mut texts = Texts::default();
    replay(dir, WalPlace::default(), Seed::random(), &mut texts, &ReplayProgress::default()).expect("the disk is fine");
    texts.0
}

/// Segments of the log with changed bytes, read back with checksums that count: every record that is whole comes back, and
/// nothing that was not written does; the next start reads the same.
fn strict_log(two: bool, mut edits: &[u8]) {
    let frames = good_frames();
    let (first, second) = frames.split_at(if two { 6 } else { frames.len() });
    let mut segments =
        [first, second].map(|frames| frames.iter().fold(FORMAT.magic.to_vec(), |all, (frame, _)| [all, frame.clone()].concat()));
    let mut origins = segments.clone().map(|bytes| (0..bytes.len()).map(Some).collect::<Vec<_>>());
    while let Some((which, edit)) = edits.split_first() {
        let which = usize::from(two && which & 1 != 0);
        let Some(rest) = change(&mut segments[which], edit) else { break };
        change(&mut origins[which], edit);
        edits = rest;
    }
    let folder = Folder::empty("log");
    for (number, bytes) in segments.iter().enumerate().take(if two { 2 } else { 1 }) {
        fs::write(segment_path(&folder.0, number as u64 + 1), bytes).expect("write");
    }
    let found = replayed(&folder.0);
    assert_eq!(replayed(&folder.0), found, "the next start reads the same");
    for ((frames, origins), bytes) in [first, second].into_iter().zip(&origins).zip(&segments) {
        let mut end = FORMAT.magic.len();
        for (frame, texts) in frames {
            let place = end..end + frame.len();
            end = place.end;
            assert!(
                !has_known_name(bytes) || !is_whole(origins, place) || texts.iter().all(|text| found.contains(text)),
                "{texts:?} of a whole record are missing"
            );
        }
    }
    let is_written = |text: &String| frames.iter().any(|(_, texts)| texts.contains(text));
    assert!(found.iter().all(is_written) || segments.iter().any(|bytes| has_another_frame(bytes)), "{found:?}");
}

/// Whether what lay in a place lies somewhere in one piece.
fn is_whole(origins: &[Option<usize>], place: Range<usize>) -> bool {
    let Some(at) = origins.iter().position(|origin| *origin == Some(place.start)) else { return false };
    origins[at..].iter().copied().take(place.len()).eq(place.map(Some))
}

/// Whether the first bytes of a segment are not those of a later version or of another log; then it is not guessed at.
fn has_known_name(bytes: &[u8]) -> bool {
    let Some((magic, _)) = bytes.split_first_chunk::<8>() else { return false };
    let changed = magic.iter().zip(&FORMAT.magic).take(7).filter(|(found, wanted)| found != wanted).count();
    match changed {
        0 => magic[7] == FORMAT.magic[7],
        1 => true,
        _ => !magic.starts_with(b"PHAR") || !magic[..7].iter().all(u8::is_ascii_uppercase),
    }
}

/// Whether bytes hold a record with a fitting checksum that was not written: then its lines may come.
fn has_another_frame(bytes: &[u8]) -> bool {
    let frames = good_frames();
    (0..bytes.len().saturating_sub(8)).any(|at| {
        let number = |at: usize| bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        let end = (at + 8).saturating_add(number(at) as usize);
        let Some(body) = bytes.get(at + 8..end) else { return false };
        crc32fast::hash(body) == number(at + 4) && !frames.iter().any(|(frame, _)| frame[..] == bytes[at..end])
    })
}

/// A store over segments whose checksums are taken for right, or over records with any content: whatever lines come of it
/// are the same in memory, in parts, and after the next start.
fn trusting_log(bare: bool, data: &[u8]) {
    let mut segment = FORMAT.magic.to_vec();
    if bare {
        let packer = Packer::default();
        let mut rest = data;
        while let Some(([low, high], after)) = rest.split_first_chunk::<2>() {
            let (content, after) = after.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(after.len()));
            packer.put_frame(&mut segment, LINES, content);
            rest = after;
        }
    } else {
        good_frames().iter().take(5).for_each(|(frame, _)| segment.extend(frame));
        let mut edits = data;
        while let Some(rest) = change(&mut segment, edits) {
            edits = rest;
        }
    }
    let folder = Folder::empty("store");
    fs::write(segment_path(&folder.below("wal"), 1), &segment).expect("write");
    let open = || {
        let settings = StoreSettings {
            background: false,
            reserve_bytes: 0,
            sync: SyncPolicy::Never,
            dense_after: Duration::ZERO,
            dense_quiet: Duration::ZERO,
            limits: LineLimits { too_far_behind: None, ..LineLimits::default() },
            ..StoreSettings::new(&folder.0)
        };
        Store::open(settings, ManualClock::at(T0 / 1_000_000)).expect("opens whatever the log holds")
    };
    let store = open();
    let before = all_lines(&store);
    store.flush().expect("flush");
    assert_eq!(all_lines(&store), before, "in parts");
    store.maintain().expect("maintain");
    assert_eq!(all_lines(&store), before, "merged");
    store.close();
    drop(store);
    assert_eq!(all_lines(&open()), before, "after a restart");
}

/// Labels, time, text and fields of a line.
type Seen = (Vec<u8>, i64, Vec<u8>, Vec<u8>);

fn all_lines(store: &Store) -> Vec<Seen> {
    let selection = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };
    let (mut seen, mut lines) = (Vec::new(), LineBuf::default());
    for chunk in store.select(&selection, &Cancel::new()).expect("chunks") {
        chunk.read(Want::Text, &mut lines).expect("lines");
        for (stream, run) in &lines.runs {
            let line =
                |at: usize| (stream.labels.packed().to_vec(), lines.times[at], lines.line(at).to_vec(), lines.fields_of(at).to_vec());
            seen.extend(run.clone().map(|at| line(at as usize)));
        }
    }
    seen.sort();
    seen.dedup();
    seen
}

/// The log of lines, damaged.
pub fn logs_wal(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice & 3 {
        0 | 1 => {
            let _checked = trust_checksums(false);
            strict_log(choice & 1 != 0, rest);
        }
        kind => trusting_log(kind == 3, rest),
    }
}
