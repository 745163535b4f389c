//! Lines in and out, through memory, parts, merges and starts.

use super::*;

#[test]
fn a_line_is_there_once_wherever_it_moves() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut expected = Vec::new();
    for round in 0..12 {
        for stream in ["a", "b"] {
            for at in 0..5 {
                // Two days, and not in order.
                let ts = T0 - (round % 2) * DAY_NS - at * S;
                let text = format!("{stream} {round} {at}");
                assert_eq!(put(&store, stream, &[(ts, &text), (ts, &text)]).taken, 2);
                expected.push((stream.to_owned(), ts, text));
            }
        }
        expected.sort();
        assert_eq!(lines(&store), expected, "in memory, round {round}");
        store.flush().unwrap();
        assert_eq!(lines(&store), expected, "flushed, round {round}");
        if round % 5 == 4 {
            store.maintain().unwrap();
            assert_eq!(lines(&store), expected, "merged, round {round}");
        }
        let crashed = copy(dir.path());
        assert_eq!(lines(&open(crashed.path())), expected, "after a crash, round {round}");
    }
    store.maintain().unwrap();
    let status = store.status();
    assert_eq!(status.days.len(), 2);
    assert_eq!(status.days.iter().map(|day| day.lines).sum::<u64>(), 120);
    assert_eq!(status.days[0].parts, 1, "the day that is over is one part");
    assert_eq!((status.memory_lines, status.span), (0, Some((T0 - DAY_NS - 4 * S, T0))));
    assert_eq!(lines_in(&store, Span { start: T0 - S, end: T0 }).len(), 12);
    store.close();
    assert!(matches!(store.append(&batch("a", &[(T0, "x")])), Err(AppendLinesError::Closed)));
    assert_eq!(lines(&store), expected, "reads go on");
    drop(store);
    let folders = std::fs::read_dir(dir.path().join("parts")).unwrap().count();
    let store = open(dir.path());
    assert_eq!(folders, store.status().days.iter().map(|day| day.parts as usize).sum::<usize>(), "merged parts are gone");
    assert_eq!(lines(&store), expected);
}

#[test]
fn streams_labels_and_volumes_are_those_of_memory_and_parts() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", &[(T0, "one"), (T0 - S, "two")]);
    put(&store, "b", &[(T0, "three")]);
    store.flush().unwrap();
    put(&store, "a", &[(T0 + S, "four")]);
    put(&store, "c", &[(T0 + S, "five")]);
    let cancel = Cancel::new();
    let jobs: Vec<String> =
        store.streams(&every_stream(), &cancel).unwrap().iter().map(|labels| labels.get("job").unwrap().to_owned()).collect();
    assert_eq!(jobs, ["a", "b", "c"]);
    assert_eq!(store.label_names(&every_stream(), &cancel).unwrap(), ["env", "job"]);
    assert_eq!(store.label_values("job", &every_stream(), &cancel).unwrap(), ["a", "b", "c"]);
    assert_eq!(store.label_values("nothing", &every_stream(), &cancel).unwrap().len(), 0);
    let any_of = [
        vec![Matcher::equal("job", "c")],
        vec![Matcher::equal("job", "a"), Matcher::equal("env", "test")],
        vec![Matcher::equal("job", "b"), Matcher::equal("env", "x")],
    ];
    let some = StreamQuery { any_of: &any_of, ..every_stream() };
    assert_eq!(store.label_values("job", &some, &cancel).unwrap(), ["a", "c"]);
    assert_eq!(store.label_values("job", &StreamQuery { limit: 1, ..some.clone() }, &cancel).unwrap(), ["a"]);
    let volumes = store.volume(&some, &cancel).unwrap();
    assert_eq!(volumes.iter().map(|volume| (volume.lines, volume.bytes)).collect::<Vec<_>>(), [(3, 10), (1, 4)]);
    let later = StreamQuery { span: Span { start: T0 + S, end: T0 + 2 * S }, ..every_stream() };
    assert_eq!(store.label_values("job", &later, &cancel).unwrap(), ["a", "c"]);
    let matchers = [Matcher::equal("job", "b")];
    let selection = LineSelection { matchers: &matchers, span: Span::ALL, needs: &Needs::Anything };
    let mut lines = LineBuf::default();
    let mut wanted = 0;
    for chunk in store.select(&selection, &cancel).unwrap() {
        chunk.read(Want::Text, &mut lines).unwrap();
        wanted += lines.runs.iter().map(|(_, range)| range.len()).sum::<usize>();
    }
    assert_eq!(wanted, 1);
    cancel.raise(Stop::Cancelled);
    assert!(store.select(&selection, &cancel).is_err());
}

/// What is in memory, or on its way to a part, is known again at once. A part is not searched for every line that comes; the
/// engine leaves repetitions out of answers (`query::eval` has the tests), and only sums of volumes, which are exact to a
/// block, count them until parts are merged.
#[test]
fn a_line_sent_again_when_it_is_in_a_part_is_counted_twice_until_parts_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let counted = || store.volume(&every_stream(), &Cancel::new()).unwrap().iter().map(|volume| volume.lines).sum::<u64>();
    for again in [1, 2] {
        put(&store, "a", &[(T0 - DAY_NS, "sent again")]);
        put(&store, "a", &[(T0 - DAY_NS, "sent again")]);
        store.flush().unwrap();
        assert_eq!(counted(), again);
    }
    store.maintain().unwrap();
    assert_eq!((counted(), lines(&store).len()), (1, 1));
}

#[test]
fn a_day_that_is_brought_in_late_is_packed_when_nothing_came_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open(StoreSettings { dense_quiet: Duration::from_secs(60), ..settings(dir.path()) }, clock.clone()).unwrap();
    let parts = || store.status().days.iter().map(|day| day.parts).sum::<u64>();
    for at in 0..3 {
        put(&store, "a", &[(T0 - DAY_NS + at, "late")]);
        store.flush().unwrap();
        store.maintain().unwrap();
        assert_eq!(parts(), at as u64 + 1, "nothing is packed while lines come");
        clock.advance(Duration::from_secs(59));
    }
    put(&store, "a", &[(T0, "of today")]);
    store.flush().unwrap();
    clock.advance(Duration::from_secs(1));
    store.maintain().unwrap();
    assert_eq!((parts(), lines(&store).len()), (2, 4), "one of the day that is over, whatever comes for another");
}

#[test]
fn fields_stay_with_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let fields = Labels::from_pairs([("trace", "7")]);
    let mut batch = LineBatch::new();
    batch.begin_stream(Labels::from_pairs([("job", "a")]));
    batch.push(T0, b"with", fields.packed());
    batch.push(T0, b"without", b"");
    let seen = |store: &Store| {
        let selection = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };
        let mut lines = LineBuf::default();
        let mut seen = Vec::new();
        for chunk in store.select(&selection, &Cancel::new()).unwrap() {
            chunk.read(Want::Text, &mut lines).unwrap();
            seen.extend((0..lines.times.len()).map(|at| (lines.line(at).to_vec(), lines.fields_of(at).to_vec())));
        }
        seen.sort();
        seen
    };
    store.append(&batch).unwrap();
    let expected = vec![(b"with".to_vec(), fields.packed().to_vec()), (b"without".to_vec(), Vec::new())];
    assert_eq!(seen(&store), expected);
    assert_eq!(seen(&open(copy(dir.path()).path())), expected);
    store.flush().unwrap();
    assert_eq!(seen(&store), expected);
}

#[test]
fn a_frozen_copy_is_a_whole_store() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let store = open(&data);
    put(&store, "a", &[(T0, "in a part")]);
    store.flush().unwrap();
    put(&store, "a", &[(T0, "in the log")]);
    store.freeze(&backup).unwrap();
    put(&store, "a", &[(T0, "later")]);
    store.flush().unwrap();
    store.maintain().unwrap();
    let frozen = open(&backup);
    assert_eq!(texts(&frozen), ["in a part", "in the log"]);
    put(&frozen, "a", &[(T0, "there")]);
    frozen.flush().unwrap();
    assert_eq!(texts(&store), ["in a part", "in the log", "later"]);
    let empty = open(&dir.path().join("empty"));
    empty.freeze(&dir.path().join("empty-backup")).unwrap();
    assert!(texts(&open(&dir.path().join("empty-backup"))).is_empty());
}

#[test]
fn threads_in_the_background_do_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        background: true,
        memory_bytes: 64 << 10,
        sync: SyncPolicy::Interval(Duration::from_millis(5)),
        ..settings(dir.path())
    };
    let store = Store::open(settings, Arc::new(crate::base::clock::SystemClock::new())).unwrap();
    let now = crate::base::clock::Clock::now_ms(&crate::base::clock::SystemClock::new()) * 1_000_000;
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for at in 0..200i64 {
                    let text = format!("{writer} {at} {}", "x".repeat(500));
                    let batch = batch(&writer.to_string(), &[(now + at, &text)]);
                    while store.append(&batch).is_err_and(|error| matches!(error, AppendLinesError::Busy)) {}
                }
            });
        }
    });
    assert_eq!(lines(&store).len(), 800);
    store.close();
    assert!(store.counters().flushes.load(Ordering::Relaxed) > 1);
    assert_eq!(store.status().background_error, None);
    drop(store);
    assert_eq!(lines(&open(dir.path())).len(), 800);
}

#[test]
fn readers_see_every_line_once_while_lines_move() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let acknowledged = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let at_least = acknowledged.load(Ordering::Acquire) as usize;
                    let seen = texts(&store);
                    let distinct: std::collections::HashSet<&String> = seen.iter().collect();
                    assert_eq!(seen.len(), distinct.len(), "a line twice");
                    assert!(seen.len() >= at_least, "{} of {at_least} lines", seen.len());
                }
            });
        }
        for round in 0..40i64 {
            for at in 0..20 {
                let number = round * 20 + at;
                put(&store, &(at % 3).to_string(), &[(T0 - (at % 2) * DAY_NS + number, &number.to_string())]);
                acknowledged.fetch_add(1, Ordering::AcqRel);
            }
            store.flush().unwrap();
            if round % 4 == 0 {
                store.maintain().unwrap();
            }
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(texts(&store).len(), 800);
}
