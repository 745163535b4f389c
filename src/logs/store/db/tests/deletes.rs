//! Deleted lines are gone for readers at once and from the disk later; a deletion can be cancelled until then.

use super::*;
use crate::logs::store::db::DeleteError;

fn job(name: &str) -> Vec<Matcher> {
    vec![Matcher::equal("job", name)]
}

fn filled(dir: &Path) -> (Store, Arc<ManualClock>) {
    let clock = clock();
    let store = Store::open(settings(dir), clock.clone()).unwrap();
    put(&store, "a", &[(T0, "a part bad"), (T0 + S, "a part good")]);
    put(&store, "b", &[(T0, "b part bad")]);
    store.flush().unwrap();
    put(&store, "a", &[(T0 + 2 * S, "a memory bad"), (T0 + 3 * S, "a memory good")]);
    (store, clock)
}

#[test]
fn lines_are_gone_at_once_and_from_the_disk_later() {
    let dir = tempfile::tempdir().unwrap();
    let (store, clock) = filled(dir.path());
    let id = store.delete(job("a"), Span::ALL, Some("bad".to_owned())).unwrap();
    let left = ["a part good", "a memory good", "b part bad"];
    assert_eq!(texts(&store), left);
    put(&store, "a", &[(T0, "a later bad")]);
    let with_later = ["a later bad", "a part good", "a memory good", "b part bad"];
    assert_eq!(texts(&store), with_later, "lines that come later are not concerned");
    for _ in 0..2 {
        assert_eq!(texts(&open(copy(dir.path()).path())), with_later, "after a crash");
        store.flush().unwrap();
    }
    store.maintain().unwrap();
    assert_eq!(store.deletes()[0].processed_ms, None);
    let before: u64 = store.status().days.iter().map(|day| day.lines).sum();
    assert_eq!(before, 6);
    clock.advance(Duration::from_secs(24 * 3600));
    store.maintain().unwrap();
    assert_eq!(texts(&store), with_later);
    assert_eq!(store.status().days.iter().map(|day| day.lines).sum::<u64>(), 4);
    let listed = store.deletes();
    assert_eq!((listed.len(), listed[0].id, listed[0].processed_ms.is_some()), (1, id, true));
    assert!(matches!(store.cancel_delete(id), Err(DeleteError::Unknown(_))));
    assert_eq!(texts(&open(copy(dir.path()).path())), with_later);
}

#[test]
fn a_deletion_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let (store, clock) = filled(dir.path());
    let before = texts(&store);
    let id = store.delete(job("a"), Span { start: T0, end: T0 + S }, None).unwrap();
    let other = store.delete(job("b"), Span::ALL, None).unwrap();
    assert!(other > id);
    assert_eq!(texts(&store), ["a part good", "a memory bad", "a memory good"]);
    store.maintain().unwrap();
    store.cancel_delete(id).unwrap();
    store.cancel_delete(other).unwrap();
    assert_eq!(texts(&store), before);
    clock.advance(Duration::from_secs(48 * 3600));
    store.maintain().unwrap();
    assert_eq!(texts(&store), before);
    assert!(store.deletes().is_empty());
    assert!(matches!(store.cancel_delete(id), Err(DeleteError::Unknown(_))));
}

#[test]
fn what_cannot_be_deleted_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path());
    assert!(matches!(store.delete(job("a"), Span { start: 5, end: 5 }, None), Err(DeleteError::Span)));
    let error = store.delete(job("a"), Span::ALL, Some(String::new())).unwrap_err();
    assert_eq!(error.to_string(), "an empty query");
    assert_eq!(texts(&store).len(), 5);
}

#[test]
fn a_deletion_that_cannot_be_applied_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path());
    store.delete(job("a"), Span::ALL, Some("bad".to_owned())).unwrap();
    drop(store);
    let at_once = StoreSettings { delete_after: Duration::ZERO, ..settings(dir.path()) };
    let store = Store::open(StoreSettings { filters: None, ..at_once.clone() }, clock()).unwrap();
    assert_eq!(texts(&store).len(), 5, "its lines are visible");
    put(&store, "a", &[(T0 + 4 * S, "a later bad")]);
    let other = store.delete(job("b"), Span::ALL, None).unwrap();
    for at in 0..5 {
        put(&store, "c", &[(T0 + at, "more")]);
        store.flush().unwrap();
        store.maintain().unwrap();
    }
    let done: Vec<bool> = store.deletes().iter().map(|deletion| deletion.processed_ms.is_some()).collect();
    assert_eq!(done, [false, false], "what came after it in the same part waits");
    assert!(store.status().background_error.unwrap().contains("deletion 1 cannot be applied"));
    drop(store);
    let store = Store::open(at_once, clock()).unwrap();
    store.maintain().unwrap();
    let left = ["a part good", "a memory good", "a later bad", "more", "more", "more", "more", "more"];
    let mut seen = texts(&store);
    seen.retain(|text| text != "more");
    assert_eq!(seen, left[..3]);
    assert!(store.deletes().iter().all(|deletion| deletion.processed_ms.is_some()) && store.deletes()[1].id == other);
    assert_eq!(store.status().background_error, None);
    assert_eq!(texts(&open(copy(dir.path()).path())), texts(&store));
}

#[test]
fn one_that_cannot_be_applied_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path());
    let id = store.delete(job("a"), Span::ALL, Some("bad".to_owned())).unwrap();
    drop(store);
    let store = Store::open(StoreSettings { filters: None, ..settings(dir.path()) }, clock()).unwrap();
    store.cancel_delete(id).unwrap();
    store.maintain().unwrap();
    assert_eq!((store.deletes().len(), store.status().background_error), (0, None));
}

/// Counts what it compiles.
#[derive(Default)]
struct Counting(AtomicU64);

impl CompileFilter for Counting {
    fn compile(&self, query: &str) -> Result<LineFilter, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Words.compile(query)
    }
}

#[test]
fn only_deletions_that_reach_lines_are_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Arc::new(Counting::default());
    let settings = StoreSettings { filters: Some(filters.clone()), ..settings(dir.path()) };
    let store = Store::open(settings.clone(), clock()).unwrap();
    for stream in 0..30 {
        put(&store, &stream.to_string(), &[(T0, "bad"), (T0 + S, "good")]);
    }
    for stream in 0..30 {
        store.delete(job(&stream.to_string()), Span::ALL, Some("bad".to_owned())).unwrap();
    }
    assert_eq!(filters.0.swap(0, Ordering::Relaxed), 30, "each is looked at when it is asked for");
    drop(store);
    let store = Store::open(settings, clock()).unwrap();
    let matchers = job("7");
    let selection = LineSelection { matchers: &matchers, span: Span::ALL, needs: &Needs::Anything };
    let mut buffer = LineBuf::default();
    let mut left = 0;
    for chunk in store.select(&selection, &Cancel::new()).unwrap() {
        chunk.read(Want::Text, &mut buffer).unwrap();
        left += buffer.runs.iter().map(|(_, range)| range.len()).sum::<usize>();
    }
    assert_eq!((left, filters.0.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(texts(&store), ["good"; 30]);
}

/// Looks for a text and counts the lines it looks at.
struct Looking(Arc<AtomicU64>);

struct Look(String, Arc<AtomicU64>);

impl CompileFilter for Looking {
    fn compile(&self, query: &str) -> Result<LineFilter, String> {
        Ok(Box::new(Look(query.to_owned(), Arc::clone(&self.0))))
    }
}

impl FilterLines for Look {
    fn needs(&self) -> Needs {
        Needs::text(self.0.as_bytes())
    }

    fn of_stream(&self, _: &Labels) -> OneStream<'_> {
        Box::new(|_, text, _| {
            self.1.fetch_add(1, Ordering::Relaxed);
            memchr::memmem::find(text, self.0.as_bytes()).is_some()
        })
    }
}

#[test]
fn a_thousand_deletions_look_at_few_lines() {
    const STREAMS: i64 = 4;
    const LINES: i64 = 5_000;
    let dir = tempfile::tempdir().unwrap();
    let looked = Arc::new(AtomicU64::new(0));
    let settings = StoreSettings { filters: Some(Arc::new(Looking(Arc::clone(&looked)))), ..settings(dir.path()) };
    let clock = clock();
    let store = Store::open(settings, clock.clone()).unwrap();
    let id = |stream: i64, at: i64| {
        let number = (stream * 10_007 + at + 1) as u64;
        format!("{:016x}{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number.wrapping_mul(0xd6e8_feb8_6659_fd93))
    };
    for stream in 0..STREAMS {
        let texts: Vec<String> =
            (0..LINES).map(|at| format!("trace_id=\"{}\" {}", id(stream, at), "something happened ".repeat(5))).collect();
        let lines: Vec<(i64, &str)> = texts.iter().enumerate().map(|(at, text)| (T0 - LINES * S + at as i64 * S, text.as_str())).collect();
        put(&store, &stream.to_string(), &lines);
    }
    store.flush().unwrap();
    for number in 0..1_000 {
        let matchers = vec![Matcher::equal("env", "test")];
        store.delete(matchers, Span::ALL, Some(id(number % STREAMS, number * 4))).unwrap();
    }
    let (all, left) = ((STREAMS * LINES) as usize, (STREAMS * LINES) as usize - 1_000);
    assert_eq!(lines(&store).len(), left);
    // Each deletion looks at one block of about a thousand lines, and hardly at any other.
    let most = 3 * 1_000 * 1_000;
    let count = looked.swap(0, Ordering::Relaxed);
    assert!(count >= 1_000 && count < most, "{count} looks of readers at {all} lines");
    clock.advance(Duration::from_secs(24 * 3600));
    store.maintain().unwrap();
    let count = looked.load(Ordering::Relaxed);
    assert!(count >= 1_000 && count < most, "{count} looks at {all} lines to delete some");
    assert!(store.deletes().iter().all(|deletion| deletion.processed_ms.is_some()));
    assert_eq!(store.status().days.iter().map(|day| day.lines).sum::<u64>() as usize, left);
    assert_eq!(lines(&store).len(), left);
}
