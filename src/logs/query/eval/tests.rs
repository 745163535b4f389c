//! Metric and log queries over small chunks of lines.

use std::sync::Arc;

use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::logs::model::read::Span;
use crate::logs::query::ast::Query;
use crate::logs::query::engine::{Direction, Engine, LogAnswer, LogQuestion, LogStream, Options};
use crate::logs::query::script::memory::{Layout, MemoryLines};
use crate::series::labels::Labels;
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::{Point, Value};

mod bounds;
mod order;
mod pruning;

const SECOND: i64 = 1_000_000_000;

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

fn engine(memory: MemoryLines, options: Options) -> Engine {
    Engine::new(Arc::new(memory), ManualClock::at(0), options)
}

fn ask<'a>(query: &'a crate::logs::query::ast::LogExpr, limit: usize) -> LogQuestion<'a> {
    LogQuestion { query, span: Span::ALL, direction: Direction::Backward, limit, interval: 0, categorize: false, cancel: Cancel::new() }
}

fn lines(engine: &Engine, query: &str, change: impl FnOnce(&mut LogQuestion<'_>)) -> Result<LogAnswer, EvaluateError> {
    let Query::Log(log) = engine.parse(query)? else { panic!("{query} is a metric query") };
    let mut question = ask(&log, 10_000);
    change(&mut question);
    engine.lines(&question)
}

/// Time and text of all lines, in order of time.
fn shown(answer: &LogAnswer) -> Vec<(i64, String)> {
    let mut lines: Vec<_> = answer.streams.iter().flat_map(|stream| &stream.entries).map(|entry| (entry.ts, entry.line.clone())).collect();
    lines.sort();
    lines
}

/// Lines as a service writes them, on two hosts, some of them no JSON.
fn generated() -> Vec<(Labels, i64, String)> {
    let mut random = Random(7);
    let mut lines = Vec::new();
    for number in 0..3_000_i64 {
        let host = random.pick(&["h1", "h2"]);
        let job = random.pick(&["api", "api", "web"]);
        let level = random.pick(&["INFO", "ERROR", "WARN"]);
        let message =
            random.pick(&["request failed with error", "query done", "user registered", "authentication failed", "slow query", "ok"]);
        let duration = random.pick(&["5ms", "1.5s", "900ms", "2m", "1s"]);
        let user = random.pick(&["", "42", "7"]);
        let line = match random.below(10) {
            0 => format!("{level} {message} took {duration}"),
            1 => format!(r#"{{"level":"{level}","msg":"{message}"}}"#),
            2 => format!(r#"{{"msg":"{message}","duration":"{duration}","level":"{level}","user_id":"{user}""#),
            _ => format!(r#"{{"level":"{level}","msg":"{message}","duration":"{duration}","user_id":"{user}"}}"#),
        };
        lines.push((Labels::from_pairs([("host", host), ("job", job)]), number * SECOND, line));
    }
    lines
}

#[test]
fn the_queries_of_the_documents_find_exactly_the_right_lines() {
    let all = generated();
    let field = |line: &str, name: &str| {
        let start = line.find(&format!("\"{name}\":\""))? + name.len() + 4;
        line.get(start..)?.split('"').next().map(str::to_owned)
    };
    let is_long = |text: &str| matches!(text, "1.5s" | "2m");
    // A query, and the same told by other means.
    type Wanted<'a> = &'a dyn Fn(&str) -> bool;
    let queries: [(&str, Wanted<'_>); 4] = [
        (r#"{job="api"} |= "error" | json | level="ERROR""#, &|line| {
            line.contains("error") && field(line, "level").as_deref() == Some("ERROR")
        }),
        (r#"{job="api"} |= "query" | json | duration > 1s"#, &|line| {
            line.contains("query") && field(line, "duration").is_some_and(|duration| is_long(&duration))
        }),
        (r#"{job="api"} |= "user registered" | json"#, &|line| line.contains("user registered")),
        (r#"{job="api"} |= "authentication failed" | json | user_id != """#, &|line| {
            line.contains("authentication failed") && field(line, "user_id").is_some_and(|user| !user.is_empty())
        }),
    ];
    for layout in [Layout::Together, Layout::Apart(37)] {
        let memory = MemoryLines::new(layout);
        for (labels, ts, line) in &all {
            memory.push(labels, *ts, line.as_bytes(), &Labels::empty());
        }
        let engine = engine(memory, Options { threads: 3, ..Options::default() });
        for (query, is_wanted) in &queries {
            let expected: Vec<(i64, String)> = all
                .iter()
                .filter(|(labels, _, line)| labels.get("job") == Some("api") && is_wanted(line))
                .map(|(_, ts, line)| (*ts, line.clone()))
                .collect();
            assert!(expected.len() > 20, "{query}: too few lines to tell");
            assert_eq!(shown(&lines(&engine, query, |_| {}).unwrap()), expected, "{query}");
            let newest = lines(&engine, query, |question| question.limit = 10).unwrap();
            assert_eq!(shown(&newest), expected[expected.len() - 10..], "{query}");
            let oldest = lines(&engine, query, |question| {
                question.limit = 10;
                question.direction = Direction::Forward;
            });
            assert_eq!(shown(&oldest.unwrap()), expected[..10], "{query}");
        }
    }
}

#[test]
fn lines_that_are_there_twice_count_once() {
    let memory = MemoryLines::new(Layout::Apart(4));
    let stream = Labels::from_pairs([("app", "a")]);
    for second in 0..30 {
        for _ in 0..=(second % 3) {
            memory.push(&stream, second * SECOND, format!("v={second}").as_bytes(), &Labels::empty());
        }
        memory.push(&stream, second * SECOND, b"v=100", &Labels::empty());
    }
    let engine = engine(memory, Options::default());
    assert_eq!(lines(&engine, r#"{app="a"}"#, |_| {}).unwrap().stats.entries, 60);
    let value = |query: &str| {
        let answer = engine.evaluate(&Question { query, when: When::Instant(29_000), cancel: Cancel::new() }).unwrap();
        let Value::Vector(samples) = answer.value else { panic!("no vector") };
        let Point::Float(value) = samples[0].value else { panic!("no number") };
        value
    };
    // Repetitions within a chunk are the store's to leave out; those in two chunks are found here.
    let twice = value(r#"count_over_time({app="a"}[1m])"#);
    assert!((60.0..90.0).contains(&twice), "{twice}");
    assert_eq!(value(r#"max_over_time({app="a"} | logfmt | unwrap v [1m])"#), 100.0);
}

#[test]
fn repetitions_in_two_chunks_are_taken_back() {
    let memory = MemoryLines::new(Layout::Apart(2));
    let stream = Labels::from_pairs([("app", "a")]);
    // Chunks: (v=1, v=2) (v=2, v=2) (v=3).
    for (second, line) in [(1, "v=1"), (2, "v=2"), (2, "v=2"), (2, "v=2"), (3, "v=3")] {
        memory.push(&stream, second * SECOND, line.as_bytes(), &Labels::empty());
    }
    let engine = engine(memory, Options::default());
    for (query, expected) in [
        (r#"count_over_time({app="a"}[1m])"#, 3.0),
        (r#"bytes_over_time({app="a"} |= "v" [1m])"#, 9.0),
        (r#"sum(sum_over_time({app="a"} | logfmt | unwrap v [1m]))"#, 6.0),
    ] {
        let answer = engine.evaluate(&Question { query, when: When::Instant(10_000), cancel: Cancel::new() }).unwrap();
        let Value::Vector(samples) = answer.value else { panic!("no vector") };
        assert_eq!(samples.iter().map(|sample| sample.value.clone()).collect::<Vec<_>>(), [Point::Float(expected)], "{query}");
    }
}

#[test]
fn answers_are_bounded_and_can_be_stopped() {
    let memory = MemoryLines::new(Layout::Apart(100));
    for number in 0..5_000_i64 {
        let line = format!("id={number} {}", "x".repeat(1_000));
        memory.push(&Labels::from_pairs([("app", "a")]), number * SECOND, line.as_bytes(), &Labels::empty());
    }
    let engine = engine(memory, Options { memory_bytes_max: 1024 * 1024, threads: 2, ..Options::default() });
    let refused = |error: EvaluateError| matches!(error, EvaluateError::Execution(message) if message.contains("of memory"));
    assert!(lines(&engine, r#"{app="a"}"#, |_| {}).is_err_and(refused));
    assert_eq!(lines(&engine, r#"{app="a"}"#, |question| question.limit = 100).unwrap().stats.entries, 100);
    let question = |query| Question { query, when: When::Instant(5_000_000), cancel: Cancel::new() };
    assert!(engine.evaluate(&question(r#"count_over_time({app="a"} | logfmt [2h])"#)).is_err_and(refused));
    assert!(engine.evaluate(&question(r#"count_over_time({app="a"}[2h])"#)).is_ok());
    let stopped = question(r#"count_over_time({app="a"}[2h])"#);
    stopped.cancel.raise(crate::base::cancel::Stop::TimedOut);
    assert!(matches!(engine.evaluate(&stopped), Err(EvaluateError::TimedOut)));
    let cancelled = lines(&engine, r#"{app="a"}"#, |question| question.cancel.raise(crate::base::cancel::Stop::Cancelled));
    assert!(matches!(cancelled, Err(EvaluateError::Cancelled)));
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let engine = engine(MemoryLines::new(Layout::Together), Options::default());
    let ask = |query, when| engine.evaluate(&Question { query, when, cancel: Cancel::new() });
    let range = |start, end, step| When::Range { start, end, step };
    for (query, when, message) in [
        (r#"{app="a"}"#, When::Instant(0), "log queries are not supported as an instant query type"),
        (r#"rate({app="a"}[1m])"#, range(0, 10, 0), "zero or negative query resolution step"),
        (r#"rate({app="a"}[1m])"#, range(0, 11_000, 1), "exceeded maximum resolution of 11,000 points"),
        (r#"rate({app="a"}[1m])"#, range(10, 0, 1), "end timestamp must not be before start"),
        (r#"rate({app="a"[1m])"#, When::Instant(0), "parse error"),
        (r#"count_over_time({app="a"} | line_format "{{nope}}" [1m])"#, When::Instant(0), "not defined"),
    ] {
        assert!(ask(query, when).is_err_and(|error| error.to_string().contains(message)), "{query} {message}");
    }
}

#[test]
fn labels_are_told_apart_by_where_they_come_from() {
    let memory = MemoryLines::new(Layout::Together);
    let stream = Labels::from_pairs([("app", "a")]);
    for second in 1..=3 {
        memory.push(&stream, second * SECOND, b"level=info", &Labels::from_pairs([("trace", second.to_string())]));
    }
    let engine = engine(memory, Options::default());
    let answer = lines(&engine, r#"{app="a"} | logfmt"#, |question| question.categorize = true).unwrap();
    assert_eq!(answer.streams.len(), 1);
    assert_eq!(answer.streams[0].labels.to_string(), r#"{app="a"}"#);
    let entry = &answer.streams[0].entries[0];
    assert_eq!(
        (entry.categories.fields.to_string(), entry.categories.parsed.to_string()),
        (r#"{trace="3"}"#.into(), r#"{level="info"}"#.into())
    );
    let answer = lines(&engine, r#"{app="a"} | logfmt"#, |_| {}).unwrap();
    assert_eq!(answer.streams.len(), 3);
    // Two lines a second and a half apart at least.
    let answer = lines(&engine, r#"{app="a"}"#, |question| question.interval = 3 * SECOND / 2).unwrap();
    assert_eq!(shown(&answer).iter().map(|(ts, _)| ts / SECOND).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn lines_are_looked_at_for_fields_and_patterns() {
    let memory = MemoryLines::new(Layout::Apart(50));
    let stream = Labels::from_pairs([("app", "a")]);
    for number in 0..2_000_i64 {
        let line = if number % 4 == 0 { format!("user u{number} failed") } else { format!("took={number}ms ok=true") };
        memory.push(&stream, number * SECOND, line.as_bytes(), &Labels::empty());
    }
    let engine = engine(memory, Options::default());
    let Query::Log(log) = engine.parse(r#"{app="a"}"#).unwrap() else { panic!("a metric query") };
    let patterns = engine.patterns(&ask(&log, 200), 1_000 * SECOND, 10).unwrap();
    let shown: Vec<_> = patterns.iter().map(|found| (&*found.pattern, found.counts.len())).collect();
    assert_eq!(shown, [("took=<_> ok=true", 2), ("user <_> failed", 2)]);
    let (first, second) = (patterns[0].total, patterns[1].total);
    assert!((1_200..1_800).contains(&first) && (300..800).contains(&second), "{first} {second}");
    let fields = engine.detected_fields(&ask(&log, 100), 10).unwrap();
    assert_eq!(fields.iter().map(|field| (&*field.label, field.cardinality)).collect::<Vec<_>>(), [("ok", 1), ("took", 75)]);
    assert_eq!(engine.detected_values(&ask(&log, 100), "ok", 10).unwrap(), ["true"]);
}

#[test]
fn no_line_is_too_odd() {
    let pieces: [&[u8]; 24] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b":",
        b",",
        b"\\",
        b"\\u12",
        b"\\ud83d",
        b"=",
        b" ",
        b"level",
        b"a",
        b"1",
        b"-",
        b"\xff",
        b"\n",
        b"\x1b[31m",
        b"null",
        b"true",
        b"\xc3\xa9",
        b"_entry",
        b"1.2.3.4",
    ];
    let mut random = Random(3);
    let memory = MemoryLines::new(Layout::Apart(64));
    for number in 0..2_000_i64 {
        let mut line = if number % 2 == 0 { b"{\"".to_vec() } else { Vec::new() };
        for _ in 0..random.below(40) {
            line.extend_from_slice(pieces[random.below(24) as usize]);
        }
        memory.push(&Labels::from_pairs([("app", "a")]), number, &line, &Labels::from_pairs([("level", "field")]));
    }
    let engine = engine(memory, Options { threads: 2, ..Options::default() });
    for stages in [
        "| json",
        "| json a, b=\"level[1].a\"",
        "| logfmt --strict --keep-empty",
        "| logfmt level=\"a\"",
        "| unpack | logfmt",
        "| pattern \"<a>\\\"<b>,<c>\" | regexp `(?P<level>.)(?P<x>\\d*)`",
        "| decolorize | line_format `{{.level | trunc 2}}{{__line__ | substr 1 5}}{{.a | urlencode}}{{b64dec .level}}`",
        "| json | level=\"1\" or a > 1 or level < 5s | label_format x=level, y=`{{.a | title}}` | keep x, y",
        "|= ip(\"1.2.3.0/24\") |~ \"(?i)LEVEL.a\" |> \"<_>level<_>\"",
    ] {
        assert!(lines(&engine, &format!("{{app=\"a\"}} {stages}"), |_| {}).is_ok(), "{stages}");
        let query = format!("sum by (level) (count_over_time({{app=\"a\"}} {stages} | __error__=\"\" [1m]))");
        assert!(engine.evaluate(&Question { query: &query, when: When::Instant(1_000), cancel: Cancel::new() }).is_ok(), "{stages}");
    }
}
