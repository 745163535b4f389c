//! The store as a whole, against a plain model, through crashes, full disks and deletions.

mod bounds;
mod crash;
mod deletes;
mod kill;
mod lifecycle;
mod model;
mod panics;
mod refused;
mod retention;
mod volumes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::base::clock::ManualClock;
use crate::logs::model::batch::LineBatch;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineSelection, SelectLines, Span, StreamQuery, Want};
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport, RefusedLine};
use crate::logs::store::deletes::{CompileFilter, FilterLines, LineFilter, OneStream};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

const S: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * S;
/// A noon.
const T0: i64 = 20_000 * DAY_NS + 12 * HOUR;

/// Words of a line, one after the other.
struct Words;

impl CompileFilter for Words {
    fn compile(&self, query: &str) -> Result<LineFilter, String> {
        if query.is_empty() {
            return Err("an empty query".to_owned());
        }
        Ok(Box::new(Contains(query.to_owned())))
    }
}

struct Contains(String);

impl FilterLines for Contains {
    fn of_stream(&self, _: &Labels) -> OneStream<'_> {
        Box::new(|_, text, _| String::from_utf8_lossy(text).contains(&self.0))
    }
}

fn clock() -> Arc<ManualClock> {
    ManualClock::at(T0 / 1_000_000)
}

fn settings(dir: &Path) -> StoreSettings {
    StoreSettings {
        background: false,
        reserve_bytes: 0,
        sync: SyncPolicy::Never,
        filters: Some(Arc::new(Words)),
        dense_after: Duration::ZERO,
        dense_quiet: Duration::ZERO,
        limits: LineLimits { too_far_behind: None, ..LineLimits::default() },
        ..StoreSettings::new(dir)
    }
}

fn open(dir: &Path) -> Store {
    Store::open(settings(dir), clock()).expect("a store")
}

fn batch(stream: &str, lines: &[(i64, &str)]) -> LineBatch {
    let mut batch = LineBatch::new();
    batch.begin_stream(Labels::from_pairs([("job", stream), ("env", "test")]));
    lines.iter().for_each(|(ts, text)| batch.push(*ts, text.as_bytes(), b""));
    batch
}

fn put(store: &Store, stream: &str, lines: &[(i64, &str)]) -> LineReport {
    store.append(&batch(stream, lines)).expect("an append")
}

/// Every line that readers see: stream, time, text; as often as it is there.
fn lines_in(store: &Store, span: Span) -> Vec<(String, i64, String)> {
    let selection = LineSelection { matchers: &[], span, needs: &Needs::Anything };
    let (mut seen, mut lines) = (Vec::new(), LineBuf::default());
    for chunk in store.select(&selection, &Cancel::new()).expect("chunks") {
        chunk.read(Want::Text, &mut lines).expect("lines");
        for (stream, range) in &lines.runs {
            let job = stream.labels.get("job").expect("a job");
            let of_run = range.clone().map(|at| at as usize).filter(|at| span.contains(lines.times[*at]));
            seen.extend(of_run.map(|at| (job.to_owned(), lines.times[at], String::from_utf8_lossy(lines.line(at)).into_owned())));
        }
    }
    seen.sort();
    seen
}

fn lines(store: &Store) -> Vec<(String, i64, String)> {
    lines_in(store, Span::ALL)
}

fn texts(store: &Store) -> Vec<String> {
    lines(store).into_iter().map(|(_, _, text)| text).collect()
}

/// A copy of everything on the disk, as after a crash now.
fn copy(dir: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("dir");
    copy_folder(dir, to.path());
    to
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create");
    for entry in std::fs::read_dir(from).expect("list") {
        let entry = entry.expect("entry");
        let below = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &below);
        } else {
            std::fs::copy(entry.path(), below).expect("copy");
        }
    }
}

fn every_stream() -> StreamQuery<'static> {
    StreamQuery { any_of: &[], span: Span::ALL, limit: 0 }
}
