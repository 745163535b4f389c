//! Long lines of containers, cut by rotation, with restarts and kills between.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::tests::{Store, append, setup};
use super::*;

const STAGES: &str = "[docker: {}]";

/// A line of Docker's, which ends where its text does.
fn piece(second: u32, stream: &str, text: &str) -> String {
    let json = serde_json::json!({ "log": text, "stream": stream, "time": format!("2026-01-02T03:04:{second:02}Z") });
    format!("{json}\n")
}

/// The collector, of what may be a container's files.
fn open(dir: &Path, pattern: &str, store: &Arc<Store>) -> Files {
    let mut setup = setup(dir, pattern, STAGES, store);
    setup.jobs[0].targets[0].is_docker = pattern.ends_with('*');
    Files::open(setup).ok().unwrap()
}

/// What the collector does between two changes of files.
fn turn(files: &mut Files) {
    if files.replay().is_err() {
        return;
    }
    for _ in 0..3 {
        files.scan();
        if files.round().is_err() {
            return;
        }
    }
}

/// How files are rotated.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Renaming,
    Packing,
    Copying,
    CuttingOff,
}

fn rotate(log: &Path, by: By) {
    let old = |end: &str| PathBuf::from(format!("{}{end}", log.display()));
    for end in ["", ".gz"] {
        let (first, second) = (old(&format!(".1{end}")), old(&format!(".2{end}")));
        if first.exists() {
            std::fs::rename(first, second).unwrap();
        }
    }
    match by {
        By::Renaming => std::fs::rename(log, old(".1")).unwrap(),
        By::Packing => {
            let file = std::fs::File::create(old(".1.gz")).unwrap();
            let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packed.write_all(&std::fs::read(log).unwrap()).unwrap();
            packed.finish().unwrap();
            std::fs::remove_file(log).unwrap();
        }
        By::Copying => _ = std::fs::copy(log, old(".1")).unwrap(),
        By::CuttingOff => {}
    }
    std::fs::write(log, "").unwrap();
}

/// What happens to the collector between the steps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    None,
    Restart,
    /// It is killed before the store took what came in the step, or after.
    DiesBefore(usize),
    DiesAfter(usize),
    /// It is down from one step to the next but one.
    Down(usize),
}

/// Writes lines in pieces over several files; the texts that were stored.
fn written(pattern: &str, by: By, trouble: Trouble) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("c-json.log");
    let steps: [&[(u32, &str, &str)]; 5] = [
        &[(1, "stdout", "first\n"), (2, "stdout", "AAAA"), (3, "stderr", "between\n"), (3, "stderr", "eeee")],
        &[(4, "stdout", "BBBB")],
        &[(5, "stdout", "CCCC\n"), (6, "stderr", "ffff\n"), (7, "stdout", "second\n"), (8, "stdout", "xx")],
        &[(9, "stdout", "yy\n")],
        &[(10, "stdout", "last\n")],
    ];
    let mut files = open(dir.path(), pattern, &store);
    // Something to know the file by, in whole lines.
    append(&log, &(0..4).map(|at| piece(0, "stdout", &format!("long ago {at}\n"))).collect::<String>());
    turn(&mut files);
    for (at, lines) in steps.iter().enumerate() {
        match trouble {
            Trouble::DiesBefore(when) if when == at => store.dies_before.store(true, Ordering::SeqCst),
            Trouble::DiesAfter(when) if when == at => store.dies_after.store(1, Ordering::SeqCst),
            _ => {}
        }
        if (1..4).contains(&at) {
            rotate(&log, by);
            if at == 2 && trouble == Trouble::None {
                turn(&mut files);
            }
        }
        append(&log, &lines.iter().map(|(second, stream, text)| piece(*second, stream, text)).collect::<String>());
        if trouble == Trouble::Down(at) {
            continue;
        }
        turn(&mut files);
        if trouble != Trouble::None {
            drop(files);
            store.dead.store(false, Ordering::SeqCst);
            files = open(dir.path(), pattern, &store);
            turn(&mut files);
        }
    }
    turn(&mut files);
    let mut texts = store.texts();
    texts.retain(|text| !text.starts_with("long ago"));
    texts.sort();
    texts
}

const WHOLE: [&str; 6] = ["AAAABBBBCCCC", "between", "eeeeffff", "first", "last", "second"];

fn whole() -> Vec<String> {
    let mut all: Vec<String> = WHOLE.into_iter().chain(["xxyy"]).map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
fn a_line_that_rotation_cuts_is_one_line() {
    for pattern in ["*-json.log", "*-json.log*"] {
        for by in [By::Renaming, By::Copying, By::CuttingOff] {
            assert_eq!(written(pattern, by, Trouble::None), whole(), "{pattern} {by:?}");
        }
    }
}

#[test]
fn kills_between_lose_and_double_nothing() {
    let steps = 0..5;
    let troubles = [Trouble::Restart]
        .into_iter()
        .chain(steps.clone().map(Trouble::DiesBefore))
        .chain(steps.clone().map(Trouble::DiesAfter))
        .chain(steps.map(Trouble::Down));
    for trouble in troubles {
        for pattern in ["*-json.log", "*-json.log*"] {
            for by in [By::Renaming, By::Packing] {
                assert_eq!(written(pattern, by, trouble), whole(), "{pattern} {by:?} {trouble:?}");
            }
        }
    }
}

#[test]
fn old_files_that_are_found_first_are_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let write = |end: &str, lines: &[(u32, &str)]| {
        let text: String = lines.iter().map(|(second, text)| piece(*second, "stdout", text)).collect();
        append(&dir.path().join(format!("c-json.log{end}")), &text);
    };
    // The youngest was written first, as far as the disk knows.
    write("", &[(5, "c\n"), (6, "last\n")]);
    write(".1", &[(3, "b"), (4, "b")]);
    write(".2", &[(1, "first\n"), (2, "a")]);
    let mut files = open(dir.path(), "*-json.log*", &store);
    (0..3).for_each(|_| turn(&mut files));
    assert_eq!(store.texts(), ["first", "abbc", "last"]);
}

#[test]
fn what_goes_on_nowhere_is_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::default());
    let log = dir.path().join("c-json.log");
    append(&log, &piece(1, "stdout", "begun"));
    let mut files = open(dir.path(), "*-json.log", &store);
    turn(&mut files);
    rotate(&log, By::Renaming);
    turn(&mut files);
    append(&log, &piece(2, "stderr", "not"));
    turn(&mut files);
    drop(files);
    assert_eq!(store.texts(), Vec::<String>::new());
    // The container is removed while nobody looks.
    std::fs::remove_file(&log).unwrap();
    std::fs::remove_file(dir.path().join("c-json.log.1")).unwrap();
    store.dies_after.store(1, Ordering::SeqCst);
    for _ in 0..2 {
        turn(&mut open(dir.path(), "*-json.log", &store));
        store.dead.store(false, Ordering::SeqCst);
    }
    assert_eq!(store.texts(), ["begun"]);
}

#[test]
fn names_tell_which_file_is_older() {
    let original_of = |path: &str| original(Path::new(path)).display().to_string();
    for (path, expected) in [
        ("/c/a-json.log", "/c/a-json.log"),
        ("/c/a-json.log.1", "/c/a-json.log"),
        ("/c/a-json.log.12.gz", "/c/a-json.log"),
        ("/p/0.log", "/p/0.log"),
        ("/p/0.log.20260102-030405", "/p/0.log"),
        ("/p/0.log.20260102-030405.gz", "/p/0.log"),
        ("/p/.1", "/p/.1"),
    ] {
        assert_eq!(original_of(path), expected, "{path}");
    }
    let ages = ["", ".1", ".2.gz", ".10", ".20260102-030405", ".20260101-030405.gz", ".old"];
    let of = |end: &str| age(Path::new(&format!("/p/0.log{end}")), Path::new("/p/0.log"));
    assert!(ages.windows(2).all(|pair| of(pair[0]) < of(pair[1])), "{:?}", ages.map(of));
}
