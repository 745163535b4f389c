//! What lies in very many streams, memory and parts together.

use super::*;
use crate::logs::model::read::StreamVolume;

#[test]
fn streams_are_added_up_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // Each part and memory have some streams of their own and some that others have too.
    let (mut expected, mut sent) = (BTreeMap::<Vec<u8>, (u64, u64)>::new(), 0i64);
    for round in 0..4usize {
        let mut batch = LineBatch::new();
        for at in (round * 1000)..(round * 1000 + 2500) {
            let labels = Labels::from_pairs([("app", "a"), ("id", &format!("{:08x}", at * 0x9e37 % 0x10_0000))]);
            let text = "x".repeat(1 + at % 5);
            let sum = expected.entry(labels.packed().to_vec()).or_default();
            *sum = (sum.0 + 1, sum.1 + text.len() as u64);
            batch.begin_stream(labels);
            sent += 1;
            batch.push(T0 + sent, text.as_bytes(), b"");
        }
        assert_eq!(store.append(&batch).unwrap().taken, 2500);
        if round < 3 {
            store.flush().unwrap();
        }
    }
    let volumes = |query: &StreamQuery<'_>| {
        let mut seen: Vec<StreamVolume> = Vec::new();
        store.each_volume(query, &Cancel::new(), &mut |volume| seen.push(volume)).unwrap();
        seen.into_iter().map(|one| (one.labels.packed().to_vec(), (one.lines, one.bytes))).collect::<Vec<_>>()
    };
    let every = StreamQuery { any_of: &[], span: Span::ALL, limit: 0 };
    let all = volumes(&every);
    assert!(all.is_sorted(), "in order");
    assert_eq!(all, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(volumes(&StreamQuery { limit: 7, ..every.clone() }), all[..7]);
    let never = StreamQuery { span: Span { start: 0, end: 5 }, ..every.clone() };
    assert!(volumes(&never).is_empty());
    let stopped = Cancel::new();
    stopped.raise(Stop::Cancelled);
    assert!(store.each_volume(&every, &stopped, &mut |_| {}).is_err());
}
