//! Crashes between any two steps, torn logs, damaged files: nothing acknowledged is lost, nothing comes twice.

use std::io::Write;

use parking_lot::Mutex;

use super::*;
use crate::logs::store::db::publish::Change;
use crate::logs::store::manifest::MANIFEST;
use crate::platform::disk::DiskHook;

/// Copies the data directory after every step.
#[derive(Default)]
struct Camera {
    dir: Mutex<Option<PathBuf>>,
    taken: Mutex<Vec<(&'static str, TempDir)>>,
}

impl DiskHook for Camera {
    fn step(&self, taken: &'static str) -> io::Result<()> {
        if let Some(dir) = &*self.dir.lock() {
            self.taken.lock().push((taken, copy(dir)));
        }
        Ok(())
    }
}

impl Camera {
    /// Everything that a crash during `work` could leave behind.
    fn watch(&self, dir: &Path, work: impl FnOnce()) -> Vec<(&'static str, TempDir)> {
        *self.dir.lock() = Some(dir.to_owned());
        work();
        *self.dir.lock() = None;
        self.taken.lock().drain(..).collect()
    }
}

#[test]
fn a_crash_at_any_step_costs_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let camera = Arc::new(Camera::default());
    let store = Store::open(StoreSettings { hook: Some(camera.clone()), ..settings(dir.path()) }, clock()).unwrap();
    let mut steps: BTreeMap<&'static str, usize> = BTreeMap::new();
    for round in 0..10i64 {
        for (at, stream) in ["a", "b", "c"].iter().enumerate() {
            let text = format!("{stream} {round}");
            put(&store, stream, &[(T0 - (round % 3) * DAY_NS + at as i64, &text), (T0 + S + round, &text)]);
        }
        let expected = lines(&store);
        assert_eq!(expected.len(), (round as usize + 1) * 6);
        let flushes = camera.watch(dir.path(), || store.flush().unwrap());
        let merges = camera.watch(dir.path(), || store.maintain().unwrap());
        for (step, crashed) in flushes.into_iter().chain(merges) {
            *steps.entry(step).or_default() += 1;
            for _ in 0..2 {
                let after = open(crashed.path());
                assert_eq!(lines(&after), expected, "after {step:?} of round {round}");
                assert!(after.status().set_aside.is_empty());
                put(&after, "d", &[(T0, "goes on")]);
                after.flush().unwrap();
                assert_eq!(lines(&after).len(), expected.len() + 1);
                after.delete(vec![Matcher::equal("job", "d")], Span::ALL, None).unwrap();
            }
        }
        assert_eq!(lines(&store), expected);
    }
    for step in ["freeze", "write a part", "write the manifest in", "publish", "write a merged part", "publish a merged part"] {
        assert!(steps.contains_key(step), "{step} was never taken: {steps:?}");
    }
}

#[test]
fn a_crash_while_lines_are_deleted_leaves_them_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let camera = Arc::new(Camera::default());
    let settings = StoreSettings { hook: Some(camera.clone()), delete_after: Duration::ZERO, ..settings(dir.path()) };
    let store = Store::open(settings, clock()).unwrap();
    put(&store, "a", &[(T0, "one"), (T0 - DAY_NS, "two")]);
    put(&store, "b", &[(T0, "three")]);
    store.flush().unwrap();
    put(&store, "a", &[(T0, "four")]);
    let before = lines(&store);
    let asked = camera.watch(dir.path(), || {
        store.delete(vec![Matcher::equal("job", "a")], Span::ALL, None).unwrap();
    });
    for (step, crashed) in asked {
        assert_eq!(lines(&open(crashed.path())), before, "not acknowledged, after {step:?}");
    }
    let after = lines(&store);
    assert_eq!(after.len(), 1);
    let steps = camera.watch(dir.path(), || store.maintain().unwrap());
    assert!(steps.len() > 3);
    for (step, crashed) in steps {
        assert_eq!(lines(&open(crashed.path())), after, "after {step:?}");
    }
    assert_eq!(store.status().days.iter().map(|day| day.lines).sum::<u64>(), 1);
}

#[test]
fn a_crash_while_the_log_is_read_back_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text = "x".repeat(1000);
    {
        let store = open(dir.path());
        for at in 0..500 {
            put(&store, &(at % 3).to_string(), &[(T0 + at, &text)]);
        }
    }
    let camera = Arc::new(Camera::default());
    let small = StoreSettings { hook: Some(camera.clone()), memory_bytes: 150 << 10, ..settings(dir.path()) };
    let steps = camera.watch(dir.path(), || assert_eq!(lines(&Store::open(small.clone(), clock()).unwrap()).len(), 500));
    assert!(steps.len() > 4);
    for (step, crashed) in steps {
        let settings = StoreSettings { dir: crashed.path().to_owned(), hook: None, ..small.clone() };
        assert_eq!(lines(&Store::open(settings, clock()).unwrap()).len(), 500, "after {step:?}");
    }
}

#[test]
fn a_torn_end_costs_only_what_was_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let segment = dir.path().join("wal/00000001");
    let mut lengths = Vec::new();
    for at in 0..30 {
        put(&store, "a", &[(T0 + at, &format!("line {at:02}"))]);
        lengths.push(std::fs::metadata(&segment).unwrap().len() as usize);
    }
    let whole = std::fs::read(&segment).unwrap();
    for cut in (0..=whole.len()).step_by(13).chain(lengths.iter().copied()) {
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(copy.path().join("wal")).unwrap();
        let mut torn = whole[..cut].to_vec();
        if cut % 2 == 0 && cut > 8 {
            // A power cut may leave rubbish behind the good part.
            torn.extend_from_slice(&[0; 100]);
        }
        std::fs::write(copy.path().join("wal/00000001"), torn).unwrap();
        let acknowledged = lengths.iter().filter(|len| **len <= cut).count();
        for _ in 0..2 {
            let store = open(copy.path());
            let got = texts(&store);
            let expected: Vec<String> = (0..acknowledged).map(|at| format!("line {at:02}")).collect();
            assert_eq!(got.iter().filter(|text| text.starts_with("line")).cloned().collect::<Vec<_>>(), expected, "cut at {cut}");
            assert!(store.status().set_aside.is_empty(), "a torn end is no damage");
            put(&store, "b", &[(T0, "goes on")]);
        }
    }
}

#[test]
fn a_flipped_bit_in_the_log_costs_one_append_at_most_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for at in 0..20 {
        put(&store, "a", &[(T0 + at, &format!("line {at:02}"))]);
    }
    let whole = std::fs::read(dir.path().join("wal/00000001")).unwrap();
    for at in (8..whole.len()).step_by(3) {
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(copy.path().join("wal")).unwrap();
        let mut bad = whole.clone();
        bad[at] ^= 0x10;
        std::fs::write(copy.path().join("wal/00000001"), bad).unwrap();
        let store = open(copy.path());
        assert!(texts(&store).len() >= 19, "{} lines are left, byte {at}", texts(&store).len());
        let aside = store.status().set_aside;
        assert!(aside.len() == 1 && aside[0].reason.contains("damaged"), "byte {at}: {aside:?}");
        assert_eq!(std::fs::read_dir(copy.path().join("wal/quarantine")).unwrap().count(), 1);
        put(&store, "b", &[(T0, "goes on")]);
        store.flush().unwrap();
        drop(store);
        assert!(open(copy.path()).status().set_aside.is_empty(), "what was damaged is in no log any more");
    }
}

#[test]
fn damaged_parts_are_set_aside_and_the_rest_serves() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for at in 0..3 {
        put(&store, "a", &[(T0 + at, &format!("part {at}"))]);
        store.flush().unwrap();
    }
    drop(store);
    let mut folders: Vec<_> = std::fs::read_dir(dir.path().join("parts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for file in std::fs::read_dir(&folders[1]).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    std::fs::remove_dir_all(&folders[2]).unwrap();
    std::fs::create_dir(dir.path().join("parts/20000-0000ffff")).unwrap();
    for round in 0..2 {
        let store = open(dir.path());
        assert_eq!(texts(&store), ["part 0"]);
        assert_eq!(store.status().set_aside.len(), if round == 0 { 2 } else { 0 });
        assert!(!dir.path().join("parts/20000-0000ffff").exists(), "what no manifest names goes");
    }
    assert!(dir.path().join("quarantine").join(folders[1].file_name().unwrap()).is_dir());
}

#[test]
fn without_its_manifest_a_store_has_every_line_at_least_once() {
    let damage = |path: &Path| std::fs::write(path, b"no manifest").unwrap();
    let lose = |path: &Path| std::fs::remove_file(path).unwrap();
    for harm in [&damage as &dyn Fn(&Path), &lose] {
        let dir = tempfile::tempdir().unwrap();
        {
            let store = open(dir.path());
            put(&store, "a", &[(T0, "in a part"), (T0 - DAY_NS, "in another part")]);
            store.flush().unwrap();
            put(&store, "a", &[(T0 + S, "in the log")]);
        }
        harm(&dir.path().join(MANIFEST));
        let store = open(dir.path());
        assert_eq!(texts(&store), ["in another part", "in a part", "in the log"]);
        assert_eq!(store.status().set_aside.len(), 1);
        store.flush().unwrap();
        drop(store);
        let store = open(dir.path());
        assert_eq!((texts(&store).len(), store.status().set_aside.len()), (3, 0));
    }
}

#[test]
fn what_can_be_read_of_a_damaged_part_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", &[(T0, "one"), (T0 + S, "two"), (T0 - DAY_NS, "another day")]);
    put(&store, "b", &[(T0, "three")]);
    store.flush().unwrap();
    let before = texts(&store);
    let id = store.delete(vec![Matcher::equal("job", "b")], Span::ALL, None).unwrap();
    let part = Arc::clone(&store.core.view().parts[1]);
    let salvaged = store.core.salvage(&part).unwrap();
    assert_eq!(salvaged.lines, 3);
    assert_eq!(salvaged.parts.iter().map(|part| (part.entry.day, part.part.info().lines)).collect::<Vec<_>>(), [(part.entry.day, 3)]);
    store.core.publish(Change { added: salvaged.parts, gone: vec![part.entry.id], ..Change::default() }, |_| {}).unwrap();
    assert_eq!(texts(&store).len(), 3, "what was deleted stays deleted");
    store.cancel_delete(id).unwrap();
    assert_eq!(texts(&store), before);
}

#[test]
fn a_part_damaged_while_it_serves_is_replaced_by_what_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let filler = |at: i64| format!("{at:05} {:x} ", (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(20);
    for at in 0..2000 {
        put(&store, "a", &[(T0 + at, &filler(at))]);
    }
    store.flush().unwrap();
    let mut files: Vec<_> = std::fs::read_dir(store.core.view().parts[0].path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().len());
    let largest = files.last().unwrap();
    let mut bytes = std::fs::read(largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x5a;
    // In place: a part that is open sees it.
    std::fs::OpenOptions::new().write(true).open(largest).unwrap().write_all(&bytes).unwrap();
    let selection = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };
    let mut buffer = LineBuf::default();
    let chunks = store.select(&selection, &Cancel::new()).unwrap();
    let failed = chunks.iter().filter(|chunk| chunk.read(Want::Text, &mut buffer).is_err()).count();
    assert_eq!(failed, 1, "one block of {}", chunks.len());
    drop(chunks);
    store.maintain().unwrap();
    let left = texts(&store);
    assert!((500..2000).contains(&left.len()), "{} lines", left.len());
    assert!(left.iter().all(|text| *text == filler(text[..5].parse().unwrap())));
    let status = store.status();
    assert_eq!(status.set_aside.len(), 1);
    assert!(status.set_aside[0].path.is_dir() && status.set_aside[0].reason.contains("could be read"), "{:?}", status.set_aside);
    assert_eq!(texts(&open(copy(dir.path()).path())), left);
}
