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
