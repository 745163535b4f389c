//! Merged parts hold what their sources held.

use super::*;

const FAST: MergeOptions = MergeOptions { part: SMALL, copy_blocks: true };
const DENSE: MergeOptions =
    MergeOptions { part: PartOptions { block_bytes: 8192, zstd_level: 3, columns: true, dense: true }, copy_blocks: false };

fn all(_: &Labels) -> Keep<'static> {
    Keep::All
}

fn joined(models: &[Model]) -> Model {
    let mut joined = Model::new();
    for model in models {
        for (packed, lines) in model {
            joined.entry(packed.clone()).or_default().extend(lines.iter().cloned());
        }
    }
    sorted(joined)
}

fn merged<'k>(dir: &Path, parts: &[Arc<Part>], options: &MergeOptions, keep: &dyn Fn(&Labels) -> Keep<'k>) -> Arc<Part> {
    std::fs::create_dir_all(dir).expect("dir");
    let info = merge(parts, dir, options, keep, &Cancel::new()).expect("merge");
    let part = Part::open(dir).expect("open");
    assert_eq!(part.info(), &info);
    part.check(&Cancel::new()).expect("whole");
    part
}

#[test]
fn nothing_is_lost_and_all_is_found() {
    let dir = tempfile::tempdir().expect("dir");
    let models: Vec<Model> = (0..4).map(|seed| some_model(seed + 50, 25 + 5 * seed, 300)).collect();
    let parts: Vec<Arc<Part>> =
        models.iter().enumerate().map(|(at, model)| write(&dir.path().join(format!("p{at}")), model, SMALL)).collect();
    let model = joined(&models);
    let fast = merged(&dir.path().join("fast"), &parts, &FAST, &all);
    let dense = merged(&dir.path().join("dense"), &parts, &DENSE, &all);
    // What a fast merge made is merged again, both ways.
    let again = merged(&dir.path().join("again"), &[Arc::clone(&fast)], &FAST, &all);
    let last = merged(&dir.path().join("last"), &[Arc::clone(&fast), write(&dir.path().join("p9"), &Model::new(), SMALL)], &DENSE, &all);
    for part in [&fast, &dense, &again, &last] {
        assert_eq!(sorted(read(part, &everything()).expect("read")), model);
        for wanted in ["upstream_timeout", "meou", "\"level\":\"error\"", "\u{65e5}\u{672c}", "aGVsbG8aGV", "p-1"] {
            let needs = Needs::text(wanted);
            let found = read(part, &LineSelection { needs: &needs, ..everything() }).expect("read");
            let has = |line: &&Line| memchr::memmem::find(&line.1, wanted.as_bytes()).is_some();
            let count = |model: &Model| model.values().flatten().filter(has).count();
            assert_eq!(count(&found), count(&model), "{wanted}");
        }
        for stream in model.keys() {
            let labels = Labels::from_packed(stream).expect("labels");
            let matchers = [Matcher::equal("host", labels.get("host").expect("host"))];
            let found = read(part, &LineSelection { matchers: &matchers, ..everything() }).expect("read");
            assert_eq!(sorted(found), Model::from([(stream.clone(), model[stream].clone())]));
        }
    }
    assert!(dense.info().disk_bytes < fast.info().disk_bytes);
    assert!(dense.info().dense && !fast.info().dense);
}

#[test]
fn full_blocks_are_copied() {
    let dir = tempfile::tempdir().expect("dir");
    let models: Vec<Model> = (0..2).map(|seed| some_model(seed, 3, 3000)).collect();
    let parts: Vec<Arc<Part>> =
        models.iter().enumerate().map(|(at, model)| write(&dir.path().join(format!("p{at}")), model, SMALL_COLUMNS)).collect();
    let fast = merged(&dir.path().join("fast"), &parts, &FAST, &all);
    // The options say plain, the copied blocks still have columns.
    let columns = (0..fast.block_count()).filter(|block| fast.record(*block).expect("record").form == block::COLUMNS).count();
    assert!(columns * 10 > fast.block_count() * 5, "{columns} of {}", fast.block_count());
    assert_eq!(sorted(read(&fast, &everything()).expect("read")), joined(&models));
}

#[test]
fn what_is_not_kept_is_gone() {
    let dir = tempfile::tempdir().expect("dir");
    let model = some_model(77, 30, 300);
    let part = write(&dir.path().join("p"), &model, SMALL);
    let keep = |labels: &Labels| match labels.get("job") {
        Some("j0") => Keep::Nothing,
        Some("j1") => Keep::Lines(Box::new(|ts, text: &[u8], fields: &[u8]| ts % 2 == 0 && !text.is_empty() && fields.is_empty())),
        _ => Keep::All,
    };
    let mut wanted = model.clone();
    for (packed, lines) in &mut wanted {
        match Labels::from_packed(packed).expect("labels").get("job") {
            Some("j0") => lines.clear(),
            Some("j1") => lines.retain(|line| line.0 % 2 == 0 && !line.1.is_empty() && line.2.is_empty()),
            _ => {}
        }
    }
    wanted.retain(|_, lines| !lines.is_empty());
    for (name, options) in [("fast", FAST), ("dense", DENSE)] {
        let kept = merged(&dir.path().join(name), &[Arc::clone(&part)], &options, &keep);
        assert_eq!(sorted(read(&kept, &everything()).expect("read")), sorted(wanted.clone()));
        assert_eq!(kept.info().streams as usize, wanted.len());
        let none = merged(&dir.path().join(format!("{name}-none")), &[Arc::clone(&part)], &options, &|_| Keep::Nothing);
        assert_eq!((none.info().lines, none.info().streams), (0, 0));
    }
}

#[test]
fn exact_repetitions_are_dropped_where_lines_are_rewritten() {
    let dir = tempfile::tempdir().expect("dir");
    let mut model = some_model(13, 20, 200);
    // The generator may make repetitions of its own, which are kept.
    model.values_mut().for_each(|lines| {
        lines.sort();
        lines.dedup();
    });
    let parts: Vec<Arc<Part>> = (0..3).map(|at| write(&dir.path().join(format!("p{at}")), &model, SMALL)).collect();
    let dense = merged(&dir.path().join("dense"), &parts, &DENSE, &all);
    assert_eq!(sorted(read(&dense, &everything()).expect("read")), sorted(model));
}

#[test]
fn merging_can_be_stopped() {
    let dir = tempfile::tempdir().expect("dir");
    let part = write(&dir.path().join("p"), &some_model(1, 5, 100), SMALL);
    let cancel = Cancel::new();
    cancel.raise(crate::base::cancel::Stop::Cancelled);
    std::fs::create_dir(dir.path().join("m")).expect("dir");
    assert!(matches!(merge(&[part], &dir.path().join("m"), &FAST, &all, &cancel), Err(PartError::Stopped(_))));
}
