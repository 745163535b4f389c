//! What people ask: words, templates, and whole queries over a few lines.

use std::sync::{Arc, OnceLock};

use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::logs::model::read::Span;
use crate::logs::query::ast::Query;
use crate::logs::query::complete::complete;
use crate::logs::query::engine::{Direction, Engine, LogQuestion, Options};
use crate::logs::query::parse::{Dialect, parse};
use crate::logs::query::script::memory::{Layout, MemoryLines};
use crate::logs::query::stage::row::Row;
use crate::logs::query::template::{Data, OUTPUT_BYTES_MAX, Template};
use crate::logs::query::words::{Vocabulary, compile, recognise};
use crate::series::labels::Labels;
use crate::series::ports::{Question, When};

/// What every clock here shows.
const NOW_MS: i64 = 1_760_400_000_000;
const SECOND: i64 = 1_000_000_000;

/// Words: they compile to LogQL that parses, whatever labels and fields there are; what may follow them can be told.
pub fn words(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let vocabulary = Vocabulary { is_on_every_stream: &|name| name.len() & 1 == 0, level: (choice & 1 == 0).then_some("detected_level") };
    for vocabulary in [vocabulary, Vocabulary::default()] {
        match compile(text, &vocabulary) {
            Ok(found) => {
                let again = parse(&found.logql, Dialect::Pharos);
                assert_eq!(again.as_ref(), Ok(&found.query), "{}", found.logql);
            }
            Err(error) => {
                assert!(!error.message.is_empty() && !error.caret(text).is_empty());
                // Regular expressions are the asker's own; everything else is ours to write well.
                let is_own = text.contains("=~") || text.contains("!~");
                assert!(is_own || !error.message.starts_with("this cannot be searched for") || error.message.contains("too "), "{error}");
            }
        }
        drop(recognise(text, &vocabulary));
    }
    let cursor = text.char_indices().map(|(at, _)| at).nth(usize::from(*choice)).unwrap_or(text.len());
    drop(complete(text, cursor));
}

/// A template: refused, or run within bounds.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(template) = Template::new(text) else { return };
    let mut row = Row::default();
    row.set_stream(&Labels::from_pairs([
        ("app", "api"),
        ("n", "7"),
        ("json", r#"{"a":[1,2.5,"x"],"b":{"c":"d"}}"#),
        ("took", "1.5s"),
        ("when", "2025-10-14T00:00:00Z"),
        ("size", "5MB"),
    ]));
    row.begin(b"");
    let mut out = String::new();
    let data = Data {
        row: &row,
        line: "the line Größe 日本語".as_bytes(),
        ts: NOW_MS * 1_000_000,
        now: NOW_MS * 1_000_000 + SECOND,
        cancel: &Cancel::new(),
    };
    match template.run(data, &mut out) {
        Ok(()) => assert!(out.len() <= OUTPUT_BYTES_MAX, "{} bytes", out.len()),
        Err(why) => assert!(!why.is_empty()),
    }
}

/// A few lines of every kind.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let lines = MemoryLines::new(Layout::Apart(3));
        let texts = [
            r#"{"level":"error","msg":"a b","duration":"1.5s","n":3,"a":{"b":[1,{"c":"d"}]},"_entry":"inner"}"#,
            r#"level=warn msg="x \"y\"" took=250ms size=5MB n=-1.5e3 empty= flag"#,
            r#"10.0.0.1 - - [14/Oct/2025:00:00:00 +0000] "GET /api/v1?x=1 HTTP/1.1" 500 12 "-" "curl" 0.123"#,
            "\u{1b}[31mred\u{1b}[0m ip=2001:db8::1 Größe 日本語",
            "",
        ];
        for number in 0..20 {
            let labels = Labels::from_pairs([("job", ["api", "web"][number % 2]), ("host", ["h1", "h2", "h3"][number % 3])]);
            let fields = if number % 4 == 0 { Labels::from_pairs([("trace", "abc"), ("n", "5")]) } else { Labels::empty() };
            let text = texts[number % texts.len()].as_bytes();
            lines.push(&labels, NOW_MS * 1_000_000 + number as i64 * SECOND, text, &fields);
        }
        lines.push(&Labels::from_pairs([("job", "raw")]), NOW_MS * 1_000_000, b"\xff\xfe a=\"\xc3", &Labels::empty());
        let options = Options { threads: 1, memory_bytes_max: 16 << 20, dialect: Dialect::Pharos, ..Options::default() };
        Engine::new(Arc::new(lines), ManualClock::at(NOW_MS + 60_000), options)
    })
}

/// A query over a few lines: answered within its limits, or refused in words.
pub fn logql_eval(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let engine = engine();
    let Ok(query) = engine.parse(text) else { return };
    match &query {
        Query::Log(log) => {
            let mut question = LogQuestion {
                query: log,
                span: Span::ALL,
                direction: if choice & 1 == 0 { Direction::Forward } else { Direction::Backward },
                limit: usize::from(choice >> 2) + 1,
                interval: 0,
                categorize: choice & 2 != 0,
                cancel: Cancel::new(),
            };
            if let Ok(answer) = engine.lines(&question) {
                let entries = answer.streams.iter().map(|stream| stream.entries.len()).sum::<usize>();
                assert!(entries <= question.limit, "{entries} lines for a limit of {}", question.limit);
            }
            question.limit = 100;
            drop((engine.patterns(&question, SECOND, 10), engine.detected_fields(&question, 10)));
        }
        Query::Metric(_) => {
            let end = NOW_MS + 20_000;
            for when in [When::Instant(end), When::Range { start: NOW_MS, end, step: 3_000 + i64::from(*choice) }] {
                drop(engine.numbers(&Question { query: text, when, cancel: Cancel::new() }));
            }
        }
    }
}
