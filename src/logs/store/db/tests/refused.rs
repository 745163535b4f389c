//! A system that refuses to open or read files for a while: nothing is taken for damage, and nothing is missing silently.

use std::os::unix::fs::symlink;

use super::*;
use crate::logs::store::manifest::MANIFEST;

/// A file of the part of a day that cannot be opened: its name leads to itself.
struct Knot {
    file: PathBuf,
    away: PathBuf,
}

impl Knot {
    fn tie(store_dir: &Path, day: i64) -> Self {
        let mut parts = std::fs::read_dir(store_dir.join("parts")).unwrap().map(|entry| entry.unwrap().path());
        let of_day = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{day}-"));
        let folder = parts.find(of_day).unwrap();
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let file = files.max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
        let away = store_dir.join("away");
        std::fs::rename(&file, &away).unwrap();
        symlink(&file, &file).unwrap();
        Self { file, away }
    }

    fn untie(self) {
        std::fs::remove_file(&self.file).unwrap();
        std::fs::rename(&self.away, &self.file).unwrap();
    }
}

fn filled(dir: &Path) -> Store {
    let store = open(dir);
    for day in 0..3 {
        put(&store, "a", &[(T0 - day * DAY_NS, &format!("day {day}"))]);
    }
    store.flush().unwrap();
    store
}

#[test]
fn a_part_that_cannot_be_opened_at_the_start_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let knot = Knot::tie(dir.path(), T0.div_euclid(DAY_NS) - 1);
    let store = open(dir.path());
    assert!(store.status().set_aside.is_empty(), "it is no damage");
    let today = Span { start: T0 - HOUR, end: T0 + HOUR };
    let selection = |span| LineSelection { matchers: &[], span, needs: &Needs::Anything };
    assert_eq!(lines_in(&store, today).len(), 1, "other days serve");
    let error = store.select(&selection(Span::ALL), &Cancel::new()).err().unwrap().to_string();
    assert!(error.contains("cannot be read now"), "{error}");
    assert!(store.volume(&every_stream(), &Cancel::new()).is_err());
    put(&store, "b", &[(T0, "goes on")]);
    store.flush().unwrap();
    let id = store.delete(vec![Matcher::equal("job", "a")], Span { start: T0 - DAY_NS, end: T0 - HOUR }, None).unwrap();
    assert!(store.maintain().is_err(), "it is told");
    store.cancel_delete(id).unwrap();
    drop(store);
    let store = open(dir.path());
    assert!(store.maintain().is_err());
    knot.untie();
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["day 2", "day 1", "day 0", "goes on"]);
    assert_eq!(texts(&open(copy(dir.path()).path())).len(), 4);
}

#[test]
fn a_part_of_many_days_is_missed_on_each_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let limits = LineLimits { too_old: None, too_far_behind: None, ..LineLimits::default() };
    let store = Store::open(StoreSettings { limits, ..settings(dir.path()) }, clock()).unwrap();
    for day in 0..20 {
        put(&store, "a", &[(T0 - day * DAY_NS, &format!("day {day}"))]);
    }
    store.flush().unwrap();
    // Those before the newest days are one part, named after the newest of them.
    let day = store.core.view().parts.iter().find(|part| part.part.info().lines > 1).map(|part| part.entry.day).unwrap();
    drop(store);
    let _knot = Knot::tie(dir.path(), day);
    let around = |day: i64| Span { start: T0 - day * DAY_NS - HOUR, end: T0 - day * DAY_NS + HOUR };
    // A manifest that was lost does not say which days a part has.
    for has_manifest in [true, false] {
        if !has_manifest {
            std::fs::remove_file(dir.path().join(MANIFEST)).unwrap();
        }
        let store = open(dir.path());
        let selection = |span| LineSelection { matchers: &[], span, needs: &Needs::Anything };
        assert_eq!(lines_in(&store, around(0)).len(), 1, "newer days serve");
        for missing in [8, 15, 19] {
            assert!(store.select(&selection(around(missing)), &Cancel::new()).is_err(), "day {missing}, manifest {has_manifest}");
        }
        assert_eq!(store.select(&selection(around(40)), &Cancel::new()).is_ok(), has_manifest);
    }
}

#[test]
fn a_part_that_cannot_be_looked_at_again_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let knot = Knot::tie(dir.path(), T0.div_euclid(DAY_NS) - 1);
    let part = Arc::clone(&store.core.view().parts[1]);
    part.suspect();
    assert!(store.maintain().is_err());
    assert_eq!(texts(&store).len(), 3, "what is open can be read");
    assert!(part.is_suspect() && store.status().set_aside.is_empty());
    knot.untie();
    store.maintain().unwrap();
    assert!(!part.is_suspect());
    assert_eq!(texts(&open(copy(dir.path()).path())).len(), 3);
}
