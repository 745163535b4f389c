//! Damaged files give errors, never wrong lines and never a panic.

use std::fs;

use super::*;
use crate::logs::model::read::StreamQuery;

/// Everything that a part is asked, after one change to one of its files.
fn ask(dir: &Path, model: &Model) {
    let Ok(part) = Part::open(dir) else { return };
    let cancel = Cancel::new();
    if let Ok(found) = read(&part, &everything()) {
        assert_eq!(&found, model);
    }
    for wanted in ["upstream_timeout", "imeou", " 12345 "] {
        let needs = Needs::text(wanted);
        if let Ok(found) = read(&part, &LineSelection { needs: &needs, ..everything() }) {
            let has = |line: &&Line| memchr::memmem::find(&line.1, wanted.as_bytes()).is_some();
            let count = |model: &Model| model.values().flatten().filter(has).count();
            assert_eq!(count(&found), count(model), "{wanted}");
        }
    }
    let any_of = [vec![Matcher::equal("job", "j1")]];
    let query = StreamQuery { any_of: &any_of, span: Span::ALL, limit: 0 };
    if let Ok(streams) = part.streams(&query, &cancel) {
        assert!(streams.iter().all(|labels| model.contains_key(labels.packed())));
    }
    if let Ok(names) = part.label_names(&query, &cancel) {
        assert_eq!(names, ["host", "job"]);
    }
    if let Ok(volumes) = part.volume(&query, &cancel).map_err(drop).and_then(|volumes| volumes.collect::<Result<Vec<_>, _>>().map_err(drop))
    {
        assert!(volumes.iter().all(|volume| model[volume.labels.packed()].len() as u64 == volume.lines));
    }
    let out = dir.parent().expect("parent").join("merged");
    fs::create_dir_all(&out).expect("dir");
    let options = MergeOptions { part: SMALL, copy_blocks: true };
    if merge(&[part], &out, &options, &|_| Keep::All, &cancel).is_ok() {
        let merged = Part::open(&out).expect("open");
        assert_eq!(sorted(read(&merged, &everything()).expect("read")), sorted(model.clone()));
    }
}

#[test]
fn flipped_bytes_are_noticed() {
    let dir = tempfile::tempdir().expect("dir");
    let home = dir.path().join("part");
    let model = some_model(17, 24, 120);
    drop(write(&home, &model, SMALL_COLUMNS));
    let mut dice = Dice(5);
    for name in ["meta", "text", "heads", "blocks", "runs", "streams", "bloom", "index"] {
        let path = home.join(name);
        let whole = fs::read(&path).expect("read");
        assert!(!whole.is_empty(), "{name}");
        for _ in 0..40 {
            let mut damaged = whole.clone();
            let at = dice.roll(whole.len() as u64) as usize;
            damaged[at] ^= 1 + dice.roll(255) as u8;
            fs::write(&path, &damaged).expect("write");
            ask(&home, &model);
            let found = Part::open(&home).and_then(|part| part.check(&Cancel::new()));
            let error = found.expect_err("damage is noticed").to_string();
            assert!(error.contains(&home.display().to_string()), "{error}");
        }
        fs::write(&path, &whole).expect("write");
    }
    Part::open(&home).and_then(|part| part.check(&Cancel::new())).expect("whole again");
}

#[test]
fn cut_and_missing_files_are_noticed() {
    let dir = tempfile::tempdir().expect("dir");
    let home = dir.path().join("part");
    let model = some_model(18, 24, 60);
    drop(write(&home, &model, SMALL));
    for name in ["meta", "text", "heads", "blocks", "runs", "streams", "bloom", "index"] {
        let path = home.join(name);
        let whole = fs::read(&path).expect("read");
        for len in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..len]).expect("write");
            assert!(Part::open(&home).is_err(), "{name} with {len} bytes");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).expect("write");
        assert!(Part::open(&home).is_err(), "{name} with a byte more");
        fs::remove_file(&path).expect("remove");
        assert!(Part::open(&home).is_err(), "{name} missing");
        fs::write(&path, &whole).expect("write");
    }
    assert!(Part::open(&home).is_ok());
}

#[test]
fn later_versions_are_refused_with_their_number() {
    let dir = tempfile::tempdir().expect("dir");
    drop(write(dir.path(), &Model::new(), SMALL));
    let path = dir.path().join("meta");
    let mut bytes = fs::read(&path).expect("read");
    bytes[8] = 2;
    fs::write(&path, &bytes).expect("write");
    assert!(matches!(Part::open(dir.path()), Err(PartError::Version { found: 2, .. })));
}
