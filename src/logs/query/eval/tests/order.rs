//! Lines of one time: they come out as they came in.

use super::*;

/// Texts of the lines of each stream, as an answer has them.
fn texts(engine: &Engine, query: &str, direction: Direction, limit: usize) -> Vec<Vec<String>> {
    let answer = lines(engine, query, |question| {
        question.direction = direction;
        question.limit = limit;
    });
    let of_stream = |stream: &LogStream| stream.entries.iter().map(|entry| entry.line.clone()).collect();
    answer.unwrap().streams.iter().map(of_stream).collect()
}

#[test]
fn lines_of_one_time_stay_in_the_order_in_which_they_came() {
    for (layout, threads) in [(Layout::Together, 1), (Layout::Apart(2), 1), (Layout::Apart(3), 3)] {
        let memory = MemoryLines::new(layout);
        let (a, b) = (Labels::from_pairs([("app", "a")]), Labels::from_pairs([("app", "b")]));
        for text in ["start", "zeta", "alpha", "mid", "beta", "start of b", "end"] {
            memory.push(&a, SECOND, text.as_bytes(), &Labels::empty());
            memory.push(&b, SECOND, format!("b {text}").as_bytes(), &Labels::from_pairs([("field", text)]));
        }
        memory.push(&a, 2 * SECOND, b"later", &Labels::empty());
        memory.push(&a, 0, b"earlier", &Labels::empty());
        let engine = engine(memory, Options { threads, ..Options::default() });
        let forward = ["earlier", "start", "zeta", "alpha", "mid", "beta", "start of b", "end", "later"];
        let backward: Vec<&str> = forward.iter().rev().copied().collect();
        for (query, direction, limit, expected) in [
            (r#"{app="a"}"#, Direction::Forward, 100, &forward[..]),
            (r#"{app="a"}"#, Direction::Backward, 100, &backward[..]),
            (r#"{app="a"}"#, Direction::Forward, 4, &forward[..4]),
            (r#"{app="a"}"#, Direction::Backward, 4, &backward[..4]),
            (r#"{app="a"} |= "start""#, Direction::Backward, 1, &["start of b"]),
            // What tells two streams apart is taken away: each of them stays in order.
            (r#"{app="b"} | keep app | line_format `{{ __line__ | substr 2 40 }}`"#, Direction::Forward, 100, &forward[1..8]),
            (r#"{app="b"} | keep app | line_format `{{ __line__ | substr 2 40 }}`"#, Direction::Backward, 100, &backward[1..8]),
        ] {
            assert_eq!(texts(&engine, query, direction, limit), [expected], "{layout:?} {query} {direction:?} {limit}");
        }
        // Whatever the limit, what comes first is the same, and backward is the reverse of forward.
        let all = |direction| lines(&engine, r#"{app=~"a|b"}"#, |question| question.direction = direction).unwrap().streams;
        let (first, mut last) = (all(Direction::Forward), all(Direction::Backward));
        last.iter_mut().for_each(|stream| stream.entries.reverse());
        last.sort_by(|a, b| a.labels.cmp(&b.labels));
        assert_eq!(first, last);
    }
}

#[test]
fn pages_of_lines_follow_each_other_without_a_gap() {
    let memory = MemoryLines::new(Layout::Apart(3));
    for number in 0..40 {
        let stream = Labels::from_pairs([("app", ["a", "b", "c"][number % 3])]);
        memory.push(&stream, SECOND * (number as i64 / 30), format!("line {number}").as_bytes(), &Labels::empty());
    }
    let engine = engine(memory, Options { threads: 2, ..Options::default() });
    let Query::Log(log) = engine.parse(r#"{app=~".+"}"#).unwrap() else { panic!("a metric query") };
    for direction in [Direction::Forward, Direction::Backward] {
        let mut seen = Vec::new();
        for page in 0..6 {
            let question = LogQuestion { direction, ..ask(&log, 7) };
            let answer = engine.lines_behind(&question, page * 7).unwrap();
            assert_eq!(answer.stats.entries, if page < 5 { 7 } else { 5 });
            seen.extend(answer.streams.iter().flat_map(|stream| &stream.entries).map(|entry| entry.line.clone()));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 40, "{direction:?}");
        assert_eq!(engine.lines_behind(&LogQuestion { direction, ..ask(&log, 7) }, 40).unwrap().stats.entries, 0);
    }
}

#[test]
fn a_line_that_came_again_stays_where_it_was_first() {
    // Chunks of one stream and time: (one, two) (three, one) (four).
    let stream = Labels::from_pairs([("app", "a")]);
    for threads in [1, 2] {
        let memory = MemoryLines::new(Layout::Apart(2));
        for text in ["one", "two", "three", "one", "four"] {
            memory.push(&stream, SECOND, text.as_bytes(), &Labels::empty());
        }
        let engine = engine(memory, Options { threads, ..Options::default() });
        assert_eq!(texts(&engine, r#"{app="a"}"#, Direction::Forward, 100), [["one", "two", "three", "four"]]);
        assert_eq!(texts(&engine, r#"{app="a"}"#, Direction::Backward, 100), [["four", "three", "two", "one"]]);
    }
}
