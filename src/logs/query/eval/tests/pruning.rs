//! Leaving lines out early never changes an answer: random pipelines over random lines, as the engine finds them in a store
//! that leaves out whatever it may, and as the stages alone tell.

use super::*;
use crate::logs::query::ast::LogExpr;
use crate::logs::query::stage::pipeline::Pipeline;
use crate::logs::query::stage::row::Wanted;
use crate::logs::query::stage::wanted::of_metric;

const NAMES: [&str; 9] = ["level", "msg", "a", "a_b", "level_extracted", "user", "n", "detected_level", "x"];
const VALUES: [&str; 28] = [
    "ERROR",
    "error",
    "Error",
    "info",
    "two words",
    "a/b",
    "caf\u{e9}",
    "k",
    "s",
    "500",
    "true",
    "a-b.c:d",
    "it's \"quoted\"",
    "back\\slash",
    " lead",
    "tab\there",
    "<html>&",
    "un\u{212a}nown",
    "pi\u{17f}",
    "x=y",
    "\u{fffd}bad",
    "",
    "80274a3f2c826d08",
    "80274A3F2C826D08",
    "ddeac2827df7105180274a3f2c826d08",
    "_80274a3f2c826d08",
    "errors",
    "172068",
];

fn value(random: &mut Random) -> &'static str {
    VALUES[random.below(VALUES.len() as u64) as usize]
}

fn name(random: &mut Random) -> &'static str {
    NAMES[random.below(NAMES.len() as u64) as usize]
}

/// A text as one of many encoders may write it between quotes.
fn quoted(random: &mut Random, text: &str, out: &mut Vec<u8>) {
    let habit = random.below(6);
    for c in text.chars() {
        let mut utf16 = [0; 2];
        match c {
            _ if habit == 0 || (habit == 1 && random.below(3) == 0) || (habit == 2 && !c.is_ascii()) => {
                c.encode_utf16(&mut utf16).iter().for_each(|unit| out.extend_from_slice(format!("\\u{unit:04x}").as_bytes()));
            }
            '"' | '\\' => out.extend([b'\\', c as u8]),
            '\t' => out.extend_from_slice(b"\\t"),
            '/' if habit == 3 => out.extend_from_slice(b"\\/"),
            '\u{fffd}' if habit == 4 => out.push(0xff),
            ' ' if habit == 5 && random.below(2) == 0 => out.push(0xfe),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn json(random: &mut Random, depth: u64, out: &mut Vec<u8>) {
    out.push(b'{');
    for member in 0..random.below(5) {
        if member > 0 {
            out.push(b',');
        }
        out.push(b'"');
        let key = if random.below(4) == 0 { "b" } else { name(random) };
        quoted(random, key, out);
        out.extend_from_slice(b"\":");
        match random.below(8) {
            0 if depth < 2 => json(random, depth + 1, out),
            1 => out.extend_from_slice(b"500"),
            2 => out.extend_from_slice(b"true"),
            3 => {
                out.extend_from_slice(b"[\"");
                let text = value(random);
                quoted(random, text, out);
                out.extend_from_slice(b"\",7]");
            }
            _ => {
                out.push(b'"');
                let text = value(random);
                quoted(random, text, out);
                out.push(b'"');
            }
        }
    }
    if random.below(12) > 0 {
        out.push(b'}');
    }
}

fn line(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    match random.below(6) {
        0..=2 => json(random, 0, &mut out),
        3 => {
            for _ in 0..random.below(5) {
                out.extend_from_slice(name(random).as_bytes());
                let text = value(random);
                if text.bytes().all(|byte| byte > b' ' && !matches!(byte, b'"' | b'=')) && random.below(2) == 0 {
                    out.push(b'=');
                    out.extend_from_slice(text.as_bytes());
                } else {
                    out.extend_from_slice(b"=\"");
                    quoted(random, text, &mut out);
                    out.push(b'"');
                }
                out.push(b' ');
            }
        }
        4 => {
            out.extend_from_slice(b"{\"_entry\":\"");
            let text = value(random);
            quoted(random, text, &mut out);
            out.extend_from_slice(b"\",\"level\":\"");
            let text = value(random);
            quoted(random, text, &mut out);
            out.extend_from_slice(b"\"}");
        }
        _ => {
            for _ in 0..random.below(5) {
                out.extend_from_slice(value(random).as_bytes());
                out.push([b' ', b' ', b'\n', 0xff][random.below(4) as usize]);
            }
            if random.below(3) == 0 {
                out.splice(0..0, *b"\x1b[31m");
            }
        }
    }
    out
}

fn condition(random: &mut Random) -> String {
    let text = crate::series::labels::quote(value(random));
    let label = name(random);
    match random.below(10) {
        0..=3 => format!("{label}={text}"),
        4 => format!("{label}!={text}"),
        5 => format!(
            "{label}=~\"{}\"",
            random.pick(&[
                "(?i)error",
                "ERR.*",
                "err.r|info",
                ".*word.*",
                "(?i)pi[s]",
                "two.words",
                "[a-c].*",
                "caf.",
                "(info)?",
                "(?i)80274a3f2c826d08",
                "info|172068"
            ])
        ),
        6 => format!("{label}!~\"{}\"", random.pick(&["(?i)error", ".+"])),
        7 => format!("{label} {} {}", random.pick(&[">=", "<", "=="]), random.pick(&["500", "5s", "1KB"])),
        8 => format!("({} {} {})", condition(random), random.pick(&["or", "and"]), condition(random)),
        _ => format!("{} {} {}", condition(random), random.pick(&["or", "and", ","]), condition(random)),
    }
}

fn stage(random: &mut Random) -> String {
    match random.below(22) {
        0..=3 => "| json".to_owned(),
        4 => "| json level=\"a.b\", msg=\"level\", x=\"a[0]\"".to_owned(),
        5..=6 => "| logfmt".to_owned(),
        7 => random.pick(&["| logfmt --strict", "| logfmt --keep-empty", "| logfmt level=\"msg\", x"]).to_owned(),
        8 => "| pattern `<level> <msg> <_>`".to_owned(),
        9 => random.pick(&["| regexp `(?P<level>\\S+)\\s(?P<msg>.*)`", "| regexp `(?P<level>[a-zA-Z]{5}|.{16})(?P<msg>.*)`"]).to_owned(),
        10 => "| unpack".to_owned(),
        11 => random.pick(&["| drop level", "| keep level, a", "| drop level=\"ERROR\", x", "| drop __error__"]).to_owned(),
        12 => random
            .pick(&["| label_format level=msg", "| label_format level=`{{.a}}x`", "| label_format x=`{{__line__}}`, level=a"])
            .to_owned(),
        13 => random.pick(&["| line_format `{{.level}} {{.msg}}`", "| decolorize"]).to_owned(),
        14 => format!("{} {}", random.pick(&["|=", "!="]), crate::series::labels::quote(value(random))),
        _ => format!("| {}", condition(random)),
    }
}

/// What the stages tell of each line, nothing left out before.
fn expected(all: &[(Labels, i64, Vec<u8>, Labels)], log: &LogExpr, wanted: Wanted) -> Vec<(i64, String, String)> {
    let mut pipeline = Pipeline::with_wanted(&log.stages, wanted, 0).unwrap();
    let mut found = Vec::new();
    for (stream, ts, text, fields) in all {
        pipeline.set_stream(stream);
        if let Some(passed) = pipeline.process(*ts, text, fields.packed()) {
            found.push((*ts, String::from_utf8_lossy(passed.line).into_owned(), passed.labels().to_string()));
        }
    }
    found.sort();
    found
}

#[test]
fn leaving_lines_out_early_changes_no_answer() {
    let mut random = Random(11);
    let streams = [
        Labels::from_pairs([("app", "a")]),
        Labels::from_pairs([("app", "b"), ("level", "ERROR")]),
        Labels::from_pairs([("app", "c"), ("user", "info")]),
    ];
    let (mut pruned, mut passed) = (0, 0);
    for _ in 0..40 {
        let memory = MemoryLines::new(Layout::Pruned(7));
        let mut all = Vec::new();
        let with_fields = random.below(3);
        for number in 0..60 {
            let stream = &streams[random.below(3) as usize];
            let mut fields = Labels::empty();
            if random.below(2) < with_fields {
                let text = value(&mut random);
                fields = Labels::from_pairs(
                    [("detected_level", "info"), (name(&mut random), text)].into_iter().filter(|(_, value)| !value.is_empty()),
                );
            }
            let text = line(&mut random);
            memory.push(stream, number * SECOND, &text, &fields);
            all.push((stream.clone(), number * SECOND, text, fields));
        }
        let total = all.len() as u64;
        let engine = engine(memory, Options { threads: 2, ..Options::default() });
        for _ in 0..50 {
            let stages: Vec<String> = (0..=random.below(5)).map(|_| stage(&mut random)).collect();
            let query = format!("{{app=~\".+\"}} {} | {}", stages.join(" "), condition(&mut random));
            let Ok(Query::Log(log)) = engine.parse(&query) else { panic!("{query} is no query for lines") };
            let expected = expected(&all, &log, Wanted::default());
            let answer = lines(&engine, &query, |_| {}).unwrap();
            let mut found: Vec<(i64, String, String)> = Vec::new();
            for stream in &answer.streams {
                let labels = stream.labels.to_string();
                found.extend(stream.entries.iter().map(|entry| (entry.ts, entry.line.clone(), labels.clone())));
            }
            found.sort();
            assert_eq!(found, expected, "{query}");
            pruned += total - answer.stats.lines;
            passed += found.len();
            // Numbers are of the same lines; errors end them, so only lines without one are counted.
            let query = format!("sum(count_over_time({query} | __error__=\"\" [2m]))");
            let Ok(answer) = engine.evaluate(&Question { query: &query, when: When::Instant(100_000), cancel: Cancel::new() }) else {
                panic!("{query} has no answer")
            };
            let Value::Vector(samples) = answer.value else { panic!("no vector") };
            let counted = samples.first().map_or(0.0, |sample| if let Point::Float(value) = sample.value { value } else { f64::NAN });
            let Ok(Query::Log(log)) = engine.parse(query.trim_start_matches("sum(count_over_time(").trim_end_matches(" [2m]))")) else {
                panic!("{query}")
            };
            let clean = self::expected(&all, &log, of_metric(&log.stages, None, Some(&[])));
            assert_eq!(counted, clean.len() as f64, "{query}");
        }
    }
    assert!(pruned > 10_000 && passed > 10_000, "too little to tell: {pruned} left out, {passed} passed");
}
