//! Files under rotation, kills and a busy store: no line lost, none doubled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::AtomicU32;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::*;
use crate::base::clock::SystemClock;
use crate::logs::ingest::stage::read_pipeline;
use crate::logs::model::write::{LineReport, RefusedLine, RefusedLines};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::yaml::{self, Kind};

/// Stream, time, text, fields.
type Kept = (Labels, i64, Vec<u8>, Vec<u8>);

/// A store that keeps exact repetitions once, as the real one does, and fails when it is told to.
#[derive(Default)]
pub(super) struct Store {
    lines: Mutex<BTreeSet<Kept>>,
    busy: AtomicU32,
    /// Takes the batch and then seems to be killed, after so many batches.
    pub(super) dies_after: AtomicU32,
    /// Panics instead of taking a batch, so many times.
    panics: AtomicU32,
    /// Seems to be killed before it takes anything.
    pub(super) dies_before: AtomicBool,
    pub(super) dead: AtomicBool,
    /// Takes so many lines of a stream at once, and refuses those behind for its rate; zero for any number.
    at_once: AtomicU32,
}

impl AppendLines for Store {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        if self.dead.load(Ordering::SeqCst) || self.dies_before.swap(false, Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
            return Err(AppendLinesError::Closed);
        }
        if self.panics.load(Ordering::SeqCst) > 0 {
            self.panics.fetch_sub(1, Ordering::SeqCst);
            panic!("the store panics, as the test wants it");
        }
        if self.busy.load(Ordering::SeqCst) > 0 {
            self.busy.fetch_sub(1, Ordering::SeqCst);
            return Err(AppendLinesError::Busy);
        }
        let mut lines = self.lines.lock();
        let at_once = self.at_once.load(Ordering::SeqCst) as usize;
        let mut report = LineReport::default();
        for (place, stream) in batch.streams.iter().enumerate() {
            let of_stream = batch.lines_of(stream);
            let taken = if at_once == 0 { of_stream.len() } else { at_once.min(of_stream.len()) };
            if let Some(first) = of_stream.get(taken) {
                report.refused.push(RefusedLines {
                    stream: place,
                    lines: of_stream.len() - taken,
                    at: (taken..of_stream.len()).map(|at| stream.lines.start + at as u32).collect(),
                    bytes: 1,
                    reason: RefusedLine::StreamRate { bytes_per_s: 1 },
                    first_ts: first.ts,
                });
            }
            for line in &of_stream[..taken] {
                lines.insert((stream.labels.clone(), line.ts, batch.text_of(line).to_vec(), batch.fields_of(line).to_vec()));
            }
        }
        if self.dies_after.load(Ordering::SeqCst) == 1 {
            self.dead.store(true, Ordering::SeqCst);
        }
        let left = self.dies_after.load(Ordering::SeqCst).saturating_sub(1);
        self.dies_after.store(left, Ordering::SeqCst);
        if self.dead.load(Ordering::SeqCst) { Err(AppendLinesError::Closed) } else { Ok(report) }
    }
}

impl Store {
    pub(super) fn texts(&self) -> Vec<String> {
        let lines = self.lines.lock();
        let mut by_time: Vec<(i64, String)> =
            lines.iter().map(|(_, ts, text, _)| (*ts, String::from_utf8_lossy(text).into_owned())).collect();
        by_time.sort();
        by_time.into_iter().map(|(_, text)| text).collect()
    }

    fn len(&self) -> usize {
        self.lines.lock().len()
    }
}

fn pipeline(yaml: &str) -> Pipeline {
    let Kind::List(items) = yaml::parse(yaml).unwrap().root.kind else { return Pipeline::default() };
    read_pipeline(&items, &mut Report::new(Path::new("p.yml")))
}

struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    stats: Arc<FileStats>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn start(dir: &Path, pattern: &str, stages: &str, store: &Arc<Store>) -> Running {
    let files = open(dir, pattern, stages, store);
    let (stop, stats) = (Arc::clone(&files.stop), Arc::clone(&files.stats));
    let thread = std::thread::spawn(move || files.run());
    Running { stop, thread: Some(thread), stats }
}

fn open(dir: &Path, pattern: &str, stages: &str, store: &Arc<Store>) -> Files {
    Files::open(setup(dir, pattern, stages, store)).unwrap()
}

pub(super) fn setup(dir: &Path, pattern: &str, stages: &str, store: &Arc<Store>) -> FilesSetup {
    let target = FileTarget {
        pattern: Pattern::new(&format!("{}/{pattern}", dir.display())).unwrap(),
        exclude: None,
        labels: Labels::from_pairs([("job", "test")]),
        is_docker: false,
    };
    FilesSetup {
        jobs: vec![FileJob { name: "test".to_owned(), targets: vec![target], pipeline: pipeline(stages), encoding: encoding_rs::UTF_8 }],
        positions: dir.join("positions.journal"),
        append: Arc::clone(store) as _,
        clock: Arc::new(SystemClock::new()),
        counts: Arc::default(),
        stats: Arc::default(),
        stop: Arc::default(),
    }
}

#[test]
fn a_panic_ends_nothing_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    store.panics.store(2, Ordering::SeqCst);
    std::fs::write(dir.path().join("a.log"), "one\ntwo\n").unwrap();
    let setup = setup(dir.path(), "*.log", "[]", &store);
    let (stop, stats) = (Arc::clone(&setup.stop), Arc::clone(&setup.stats));
    let _running = Running { stop, thread: Some(thread::start(setup).unwrap()), stats };
    wait_for("both lines", || store.len() == 2);
    assert_eq!(store.texts(), ["one", "two"]);
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..15_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited for {what}");
}

pub(super) fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn lines_come_whole_in_order_and_with_their_labels() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("a.log");
    append(&log, "\u{feff}one\r\n\ntwo\nhal");
    let running = start(dir.path(), "*.log", "[]", &store);
    wait_for("two lines", || store.len() == 2);
    append(&log, "f\nbroken \u{e9}\n");
    OpenOptions::new().append(true).open(&log).unwrap().write_all(b"not utf-8 \xff\n").unwrap();
    append(&dir.path().join("b.log"), "same\nsame\nsame\n");
    wait_for("all lines", || store.len() == 8);
    let mut texts = store.texts();
    texts.retain(|text| text != "same");
    assert_eq!(texts, ["one", "two", "half", "broken é", "not utf-8 \u{fffd}"]);
    let labels: BTreeSet<Labels> = store.lines.lock().iter().map(|line| line.0.clone()).collect();
    let names: Vec<String> = labels.iter().map(|labels| labels.get("filename").unwrap().rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["a.log", "b.log"]);
    wait_for("the numbers", || {
        running.stats.followed.load(Ordering::Relaxed) == 2 && running.stats.behind_bytes.load(Ordering::Relaxed) == 0
    });
}

#[test]
fn long_lines_come_in_pieces_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let long = "é".repeat(tail::LINE_BYTES_MAX);
    append(&dir.path().join("a.log"), &format!("x{long}\nshort\n"));
    let _running = start(dir.path(), "*.log", "[]", &store);
    wait_for("the short line", || store.texts().iter().any(|text| text == "short"));
    let texts = store.texts();
    assert_eq!(texts[..texts.len() - 1].concat(), format!("x{long}"));
    let marked = store.lines.lock().iter().filter(|line| !line.3.is_empty()).count();
    assert_eq!(marked, texts.len() - 2, "all pieces but the last one are marked");
}

#[test]
fn packed_files_are_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let lines: String = (0..1000).map(|n| format!("line {n}\n")).collect();
    let log = dir.path().join("a.log");
    append(&log, &lines);
    let pack = |name: &str, text: &str| {
        let mut packer = flate2::write::GzEncoder::new(File::create(dir.path().join(name)).unwrap(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap();
    };
    pack("b.log.gz", "packed one\npacked two");
    let running = start(dir.path(), "*.log*", "[]", &store);
    wait_for("all lines", || store.len() == 1002);
    // As logrotate does: renamed, then packed.
    pack("a.log.1.gz", &lines);
    std::fs::remove_file(&log).unwrap();
    append(&log, "new\n");
    wait_for("the new line", || store.len() == 1003);
    drop(running);
    let _again = start(dir.path(), "*.log*", "[]", &store);
    append(&log, "newer\n");
    wait_for("the newer line", || store.len() == 1004);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(store.len(), 1004);
}

#[test]
fn equal_lines_of_one_time_are_kept_apart_and_exact_when_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let stages = "[{regex: {expression: '^(?P<t>\\d+)'}}, {timestamp: {source: t, format: Unix}}]";
    append(&dir.path().join("a.log"), "1714979289 x\n1714979289 x\n1714979290 y\n1714979290 y\n");
    store.dies_after.store(1, Ordering::SeqCst);
    drop({
        let running = start(dir.path(), "*.log", stages, &store);
        wait_for("the kill", || store.dead.load(Ordering::SeqCst));
        running
    });
    store.dead.store(false, Ordering::SeqCst);
    append(&dir.path().join("a.log"), "1714979290 y\n1714979290 z\n");
    let _running = start(dir.path(), "*.log", stages, &store);
    wait_for("all lines", || store.len() == 6);
    let times: Vec<i64> = store.lines.lock().iter().map(|line| line.1).collect();
    assert_eq!(
        times.iter().map(|ts| ts - 1_714_979_289_000_000_000).collect::<BTreeSet<_>>(),
        BTreeSet::from([0, 1, 1_000_000_000, 1_000_000_001, 1_000_000_002])
    );
}

#[test]
fn blocks_of_lines_survive_a_kill_between() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("a.log");
    let stages = "[{multiline: {firstline: '^\\S', max_wait_time: 1s}}]";
    append(&log, "one\n a\n b\ntwo\n c\n");
    store.dies_after.store(1, Ordering::SeqCst);
    let running = start(dir.path(), "*.log", stages, &store);
    wait_for("the kill", || store.dead.load(Ordering::SeqCst));
    drop(running);
    assert_eq!(store.texts(), ["one\n a\n b"]);
    store.dead.store(false, Ordering::SeqCst);
    append(&log, " d\nthree\n");
    let _running = start(dir.path(), "*.log", stages, &store);
    wait_for("all blocks", || store.len() == 3);
    assert_eq!(store.texts(), ["one\n a\n b", "two\n c\n d", "three"]);
}

/// Writes numbered lines and rotates by both ways while it does, as logrotate does.
/// `kills`: how often the reader was killed; lines come slowly where a busy machine had no time for that.
fn write_and_rotate(log: PathBuf, count: u32, keeps_name: bool, kills: Arc<AtomicU32>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let open = || OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut file = open();
        for n in 0..count {
            // Some are equal to one another but for the number; some lines are written in two halves.
            let line = format!("line {n:06} {}\n", "payload ".repeat((n % 7) as usize));
            let (first, second) = line.split_at(line.len() / 2);
            file.write_all(first.as_bytes()).unwrap();
            file.write_all(second.as_bytes()).unwrap();
            if n % 50 == 0 {
                let is_ahead = kills.load(Ordering::SeqCst) < n / 6_000;
                std::thread::sleep(Duration::from_millis(if is_ahead { 100 } else { 5 }));
            }
            if n > 0 && n % 4_000 == 0 {
                for old in (1..9).rev() {
                    let name = |k: u32| PathBuf::from(format!("{}.{k}", log.display()));
                    if name(old).exists() {
                        std::fs::rename(name(old), name(old + 1)).unwrap();
                    }
                }
                let first = PathBuf::from(format!("{}.1", log.display()));
                if n % 8_000 == 0 && !keeps_name {
                    std::fs::rename(&log, &first).unwrap();
                    // The program writes on for a while before it is told.
                    file.write_all(format!("late {n:06}\n").as_bytes()).unwrap();
                    file = open();
                } else {
                    std::fs::copy(&log, &first).unwrap();
                    file.set_len(0).unwrap();
                }
            }
        }
    })
}

fn rotation(pattern: &str, keeps_name: bool) {
    const LINES: u32 = 30_000;
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("app.log");
    let killed = Arc::new(AtomicU32::new(0));
    let writer = write_and_rotate(log, LINES, keeps_name, Arc::clone(&killed));
    let mut kills = 0;
    let mut running = start(dir.path(), pattern, "[]", &store);
    while !writer.is_finished() {
        std::thread::sleep(Duration::from_millis(60));
        match kills % 3 {
            0 => store.dies_after.store(2, Ordering::SeqCst),
            1 => store.dies_before.store(true, Ordering::SeqCst),
            _ => store.busy.store(5, Ordering::SeqCst),
        }
        kills += 1;
        killed.store(kills, Ordering::SeqCst);
        if kills % 3 != 0 {
            wait_for("the kill", || store.dead.load(Ordering::SeqCst) || writer.is_finished());
        }
        drop(running);
        store.dead.store(false, Ordering::SeqCst);
        store.dies_after.store(0, Ordering::SeqCst);
        store.dies_before.store(false, Ordering::SeqCst);
        running = start(dir.path(), pattern, "[]", &store);
    }
    writer.join().unwrap();
    let late = if keeps_name { 0 } else { (LINES - 1) / 8_000 } as usize;
    let wanted = LINES as usize + late;
    for _ in 0..6_000 {
        if store.len() >= wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1_500));
    drop(running);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for text in store.texts() {
        *counts.entry(text.split(' ').take(2).collect::<Vec<_>>().join(" ")).or_default() += 1;
    }
    let lost: Vec<String> = (0..LINES).map(|n| format!("line {n:06}")).filter(|line| !counts.contains_key(line)).collect();
    let doubled: Vec<&String> = counts.iter().filter(|(_, count)| **count > 1).map(|(line, _)| line).collect();
    assert!(
        lost.is_empty() && doubled.is_empty() && counts.len() == wanted,
        "{kills} starts; lost {} {:?}, doubled {} {:?}, {} of {wanted}",
        lost.len(),
        &lost[..lost.len().min(5)],
        doubled.len(),
        &doubled[..doubled.len().min(5)],
        counts.len()
    );
    assert!(kills > 3, "it was killed {kills} times");
}

#[test]
fn no_line_is_lost_or_doubled_by_rotation_and_kills() {
    rotation("app.log", false);
}

#[test]
fn nor_where_the_pattern_finds_old_files_too() {
    rotation("app.log*", false);
}

#[test]
fn nor_where_files_are_only_copied_and_cut_off() {
    rotation("app.log", true);
}

#[test]
fn a_file_written_over_is_read_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("a.log");
    append(&log, "first line\nsecond line\n");
    let running = start(dir.path(), "*.log", "[]", &store);
    wait_for("two lines", || store.len() == 2);
    // As long as before and longer.
    std::fs::write(&log, "third line is different\nfourth\n").unwrap();
    wait_for("four lines", || store.len() == 4);
    assert_eq!(running.stats.cut_off.load(Ordering::Relaxed), 1);
    std::fs::remove_file(&log).unwrap();
    append(&log, "fifth\n");
    wait_for("five lines", || store.len() == 5);
}

/// The lines of a file are all there, each once.
fn has_all(store: &Store, count: usize) -> bool {
    store.len() == count
}

#[test]
fn what_is_no_log_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // A pipe without a writer, also where a copy would be looked for.
    rustix::fs::mknodat(rustix::fs::CWD, path("app.log.1"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket.log")).unwrap();
    std::os::unix::fs::symlink("/proc/self/status", path("kernel.log")).unwrap();
    std::os::unix::fs::symlink("/nowhere", path("dangling.log")).unwrap();
    std::fs::create_dir(path("folder.log")).unwrap();
    let store = Arc::new(Store::default());
    let running = start(dir.path(), "*.log*", "[]", &store);
    append(&path("app.log"), &"first line, long enough to be known again by it\n".repeat(4));
    wait_for("the lines", || has_all(&store, 4));
    // Cut off and longer at once: its copy is looked for among the others.
    std::fs::write(path("app.log"), "other\n".repeat(100)).unwrap();
    wait_for("the new lines", || has_all(&store, 104));
    wait_for("a word about the kernel's file", || running.stats.unreadable().iter().any(|(_, why)| why.contains("of the kernel")));
    assert!(Source::open(&path("app.log.1")).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn lines_wait_when_the_store_is_busy_and_when_their_stream_is_too_fast() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    store.busy.store(5, Ordering::SeqCst);
    store.at_once.store(7, Ordering::SeqCst);
    append(
        &dir.path().join("a.log"),
        &(0..50).map(|at| format!("{} line {at}\n", if at % 3 == 0 { "INFO" } else { "ERROR" })).collect::<String>(),
    );
    let _running = start(dir.path(), "*.log", "[level: {}]", &store);
    wait_for("every line", || has_all(&store, 50));
}

#[test]
fn texts_in_other_encodings_are_read() {
    for (label, bytes) in [
        ("utf-16le", "\u{feff}gr\u{fc}n\r\n\u{a0a}\u{10a}\nlast\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ("utf-16be", "\u{feff}gr\u{fc}n\r\n\u{a0a}\u{10a}\nlast\n".encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("iso-8859-1", b"gr\xfcn\n\xa0\xa1\nlast\n".to_vec()),
        ("shift_jis", b"gr\x81n\n\x83\x5c\nlast\n".to_vec()),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::default());
        let mut files = open(dir.path(), "*.log", "[]", &store);
        files.jobs[0].encoding = Encoding::for_label(label.as_bytes()).unwrap();
        // In two pieces, cut within a character.
        std::fs::write(dir.path().join("a.log"), &bytes[..5]).unwrap();
        files.scan();
        assert!(files.round().is_ok());
        File::options().append(true).open(dir.path().join("a.log")).unwrap().write_all(&bytes[5..]).unwrap();
        while files.round().is_ok_and(|any| any) {}
        let texts = store.texts();
        assert_eq!((texts.len(), texts[2].as_str()), (3, "last"), "{label}: {texts:?}");
        assert!(label == "shift_jis" || texts[0] == "gr\u{fc}n", "{label}: {texts:?}");
    }
}

#[test]
fn links_that_are_swapped_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("pods")).unwrap();
    let store = Arc::new(Store::default());
    append(&path("pods/0.log"), "a1\na2\n");
    std::fs::create_dir(path("links")).unwrap();
    std::os::unix::fs::symlink(path("pods/0.log"), path("links/app.log")).unwrap();
    let _running = start(dir.path(), "links/*.log", "[]", &store);
    wait_for("the first lines", || has_all(&store, 2));
    for round in 1..5 {
        let (old, new) = (path(&format!("pods/{}.log", round - 1)), path(&format!("pods/{round}.log")));
        append(&old, &format!("last of {round}\n"));
        append(&new, &format!("first of {round}\n"));
        std::os::unix::fs::symlink(&new, path("links/next")).unwrap();
        std::fs::rename(path("links/next"), path("links/app.log")).unwrap();
        append(&old, &format!("late of {round}\n"));
        wait_for("all lines", || has_all(&store, 2 + 3 * round));
    }
    let names: BTreeSet<String> =
        store.lines.lock().iter().map(|(labels, ..)| labels.get("filename").unwrap_or_default().to_owned()).collect();
    assert_eq!(names, BTreeSet::from([path("links/app.log").display().to_string()]));
}

#[test]
fn very_many_files_are_followed_soon() {
    let dir = tempfile::tempdir().unwrap();
    let count = 4_000;
    for at in 0..count {
        // All of them look like copies of one another at first.
        append(
            &dir.path().join(format!("app.{at}.log")),
            &format!("the same beginning of every file, which is long enough to tell little\n{}\nfile {at}\n", "x".repeat(100)),
        );
    }
    let store = Arc::new(Store::default());
    let files = open(dir.path(), "*.log", "[regex: {expression: 'file (?P<n>\\d+)'}]", &store);
    let (stop, stats) = (Arc::clone(&files.stop), Arc::clone(&files.stats));
    // Its own time: a machine busy with others takes as long as it likes.
    let thread = std::thread::spawn(move || {
        files.run();
        rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).tv_sec
    });
    wait_for("every line", || has_all(&store, 3 * count));
    append(&dir.path().join("app.7.log"), "one more\n");
    wait_for("one more", || has_all(&store, 3 * count + 1));
    assert_eq!(stats.cut_off.load(Ordering::Relaxed), 0);
    stop.store(true, Ordering::SeqCst);
    let took_s = thread.join().unwrap();
    assert!(took_s < 40, "{took_s} s");
}

#[test]
fn few_open_files_are_enough_for_many() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let mut files = open(dir.path(), "*.log", "[]", &store);
    files.tails_max = 4;
    for at in 0..20 {
        append(&dir.path().join(format!("n{at}.log")), &format!("first of {at}\n"));
    }
    let stop = Arc::clone(&files.stop);
    let thread = std::thread::spawn(move || files.run());
    wait_for("the first lines", || has_all(&store, 20));
    for at in 0..20 {
        append(&dir.path().join(format!("n{at}.log")), &format!("second of {at}\n"));
    }
    wait_for("the second lines", || has_all(&store, 40));
    stop.store(true, Ordering::SeqCst);
    thread.join().unwrap();
}

#[test]
fn a_clock_that_was_ahead_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let clock = crate::base::clock::ManualClock::at(1_700_000_000_000);
    let store = Arc::new(Store::default());
    let mut files = open(dir.path(), "*.log", "[]", &store);
    files.clock = clock.clone();
    files.next_ns = 1_900_000_000_000_000_000;
    assert_eq!(files.base(1_700_000_000_000_000_000), 1_700_000_000_000_000_000, "years ahead");
    files.next_ns = 1_700_000_000_000_000_700;
    assert_eq!(files.base(1_700_000_000_000_000_000), 1_700_000_000_000_000_700, "lines of this millisecond");
    assert_eq!(files.base(1_700_000_000_001_000_000), 1_700_000_000_001_000_000);
}

#[test]
fn packed_bombs_take_little_memory_and_come_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packer.write_all(&vec![b'a'; 1 << 20]).unwrap();
    }
    std::fs::write(dir.path().join("bomb.gz"), packer.finish().unwrap()).unwrap();
    let store = Arc::new(Store::default());
    let _running = start(dir.path(), "*.gz", "[]", &store);
    // One line without end, in pieces of a quarter of a mebibyte.
    wait_for("all of it", || has_all(&store, 256));
}

#[test]
fn what_may_not_be_read_is_told_and_read_when_it_may() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.log");
    append(&path, "a\n");
    let closed = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    closed(0o000);
    if File::open(&path).is_ok() {
        // Whoever may read everything cannot show it.
        let stats = FileStats::default();
        assert!(stats.deny(&path, "no") && !stats.deny(&path, "no") && stats.deny(&path, "never"));
        assert_eq!(stats.unreadable(), [(path.display().to_string(), "never".to_owned())]);
        stats.allow(&path);
        assert!(stats.unreadable().is_empty());
        return;
    }
    let store = Arc::new(Store::default());
    let running = start(dir.path(), "*.log", "[]", &store);
    wait_for("a word about it", || running.stats.unreadable().iter().any(|(_, why)| why.contains("ermission")));
    closed(0o644);
    wait_for("its line", || has_all(&store, 1));
    assert!(running.stats.unreadable().is_empty());
}
