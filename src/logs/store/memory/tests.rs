//! Lines in memory.

use std::collections::BTreeMap;

use super::chunk::{CHUNK_BYTES, CHUNK_LINES};
use super::*;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineSelection, Want};
use crate::logs::store::lines::Seed;
use crate::series::labels::Labels;

const EVERYTHING: LineSelection<'static> = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };

type Line = (i64, String, String);

/// Appends lines of streams named by a letter; the third text is a field's value.
fn append(memory: &Memory, seed: Seed, older: Option<&Memory>, lines: &[(&str, i64, &str, &str)]) -> Added {
    let packed: Vec<Labels> = lines.iter().map(|(.., field)| Labels::from_pairs([("field", *field)])).collect();
    let mut all = Lines::default();
    for ((stream, ts, text, _), fields) in lines.iter().zip(&packed) {
        let labels = Labels::from_pairs([("job", *stream)]);
        let hash = seed.stream(&labels);
        let at = all.lines.len();
        all.streams.push(StreamLines { labels, hash, lines: at..at + 1, place: at });
        all.lines.push(seed.line(hash, *ts, text.as_bytes(), fields.packed()));
    }
    memory.append(&all, older, Duration::from_secs(1))
}

/// What readers see, by stream.
fn read(memory: &Memory, span: Span, want: Want) -> BTreeMap<String, Vec<Line>> {
    let mut chunks = Vec::new();
    let selection = LineSelection { matchers: &[], span, needs: &Needs::Anything };
    memory.select(&selection, &Cancel::new(), &mut chunks).unwrap();
    let (mut seen, mut lines): (BTreeMap<String, Vec<Line>>, _) = (BTreeMap::new(), LineBuf::default());
    for chunk in chunks {
        chunk.read(want, &mut lines).unwrap();
        assert_eq!(lines.times.len(), chunk.lines());
        let total: usize = (0..lines.times.len()).map(|at| lines.line_bytes(at)).sum();
        assert_eq!(total, chunk.bytes());
        let (min, max) = chunk.bounds();
        for (stream, range) in &lines.runs {
            for at in range.clone().map(|at| at as usize) {
                assert!(min <= lines.times[at] && lines.times[at] <= max);
                let fields = Labels::from_packed(lines.fields_of(at)).unwrap();
                let text = String::from_utf8(lines.line(at).to_vec()).unwrap();
                let line = (lines.times[at], text, fields.get("field").unwrap_or("").to_owned());
                seen.entry(stream.labels.get("job").unwrap().to_owned()).or_default().push(line);
            }
        }
    }
    seen
}

fn line(ts: i64, text: &str, field: &str) -> Line {
    (ts, text.to_owned(), field.to_owned())
}

#[test]
fn lines_are_there_at_once_in_order_of_time() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    let added = append(&memory, seed, None, &[("a", 3, "three", ""), ("b", 1, "", "x"), ("a", 1, "one", "y"), ("a", 3, "three too", "y")]);
    assert_eq!(added, Added { lines: 4, bytes: 17, repeated: 0 });
    let seen = read(&memory, Span::ALL, Want::Text);
    assert_eq!(seen["a"], [line(1, "one", "y"), line(3, "three", ""), line(3, "three too", "y")]);
    assert_eq!(seen["b"], [line(1, "", "x")]);
    let some = read(&memory, Span { start: 2, end: 4 }, Want::Text);
    assert_eq!(some.into_iter().map(|(name, lines)| (name, lines.len())).collect::<Vec<_>>(), [("a".to_owned(), 2)]);
    assert_eq!(read(&memory, Span { start: 1, end: 2 }, Want::Fields)["a"], [line(1, "", "y")]);
    let held = memory.held();
    assert_eq!((held.lines, held.text_bytes, held.streams, held.span), (4, 17, 2, Some((1, 3))));
    let volumes = memory.volumes(Span { start: 3, end: 4 }, &|_| true, &Cancel::new()).unwrap();
    assert_eq!(volumes.iter().map(|volume| (volume.lines, volume.bytes)).collect::<Vec<_>>(), [(2, 14)]);
    assert_eq!(memory.streams(Span { start: 2, end: 9 }).len(), 1);
}

#[test]
fn an_exact_repetition_is_taken_once() {
    let (older, memory, seed) = (Memory::new(0), Memory::new(0), Seed::random());
    append(&older, seed, None, &[("a", 1, "x", "f")]);
    let lines = [("a", 1, "x", "f"), ("a", 1, "x", ""), ("a", 1, "x", ""), ("a", 2, "x", "f"), ("b", 1, "x", "f"), ("a", 1, "xf", "")];
    let added = append(&memory, seed, Some(&older), &lines);
    assert_eq!((added.lines, added.repeated), (4, 2));
    assert_eq!(append(&memory, seed, Some(&older), &lines).repeated, 6);
}

#[test]
fn what_a_reader_holds_does_not_change() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    let mut held = Vec::new();
    for at in 0..3000 {
        append(&memory, seed, None, &[("a", at, "some text of a line", "")]);
        if at % 100 == 0 {
            memory.select(&EVERYTHING, &Cancel::new(), &mut held).unwrap();
        }
    }
    let mut lines = LineBuf::default();
    let mut counts = Vec::new();
    for chunk in &held {
        chunk.read(Want::Text, &mut lines).unwrap();
        assert!((0..lines.times.len()).all(|at| lines.line(at) == b"some text of a line" && lines.times[at] == at as i64));
        counts.push(lines.times.len());
    }
    assert_eq!(counts, (0..30).map(|at| at * 100 + 1).collect::<Vec<_>>());
    assert_eq!(read(&memory, Span::ALL, Want::Text)["a"].len(), 3000);
}

#[test]
fn chunks_are_small_and_streams_of_one_line_share_them() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    let long = "l".repeat(100 << 10);
    for at in 0..20 {
        append(&memory, seed, None, &[("a", at, &long, "")]);
    }
    for at in 0..10_000 {
        append(&memory, seed, None, &[(&at.to_string(), 1, "x", "")]);
    }
    let mut chunks = Vec::new();
    memory.select(&EVERYTHING, &Cancel::new(), &mut chunks).unwrap();
    assert!(chunks.iter().all(|chunk| chunk.bytes() < CHUNK_BYTES + long.len() && chunk.lines() <= CHUNK_LINES));
    assert!((9..=12).contains(&chunks.len()), "{} chunks", chunks.len());
    assert!(chunks.iter().any(|chunk| chunk.stream().is_some()) && chunks.iter().any(|chunk| chunk.stream().is_none()));
    assert_eq!(read(&memory, Span::ALL, Want::Text).len(), 10_001);
}

#[test]
fn many_streams_cost_what_is_accounted_for() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    for at in 0..20_000 {
        append(&memory, seed, None, &[(&format!("request-{at:032}"), 1, "x", "")]);
    }
    let per_stream = memory.bytes() / 20_000;
    assert!((150..500).contains(&per_stream), "{per_stream} bytes for a stream of one line");
}

#[test]
fn the_next_memory_remembers_where_streams_were() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    append(&memory, seed, None, &[("a", 100, "x", ""), ("a", 50, "x", ""), ("b", 7, "x", "")]);
    let of = |job: &str| {
        let labels = Labels::from_pairs([("job", job)]);
        StreamLines { hash: seed.stream(&labels), labels, lines: 0..0, place: 0 }
    };
    let streams = [of("a"), of("b"), of("c")];
    assert_eq!(memory.newest_of(&streams), [100, 7, i64::MIN]);
    let next = memory.successor(3, 10).successor(4, 10);
    assert_eq!((next.newest_of(&streams), next.deletes_done), (vec![100, i64::MIN, i64::MIN], 4));
    append(&next, seed, None, &[("a", 60, "y", "")]);
    assert_eq!(next.newest_of(&streams)[0], 100);
    assert_eq!(next.held().span, Some((60, 60)));
}

#[test]
fn everything_comes_out_in_order_for_parts() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    append(
        &memory,
        seed,
        None,
        &[("b", 5, "b5", ""), ("a", 15, "a15", ""), ("a", -1, "a-1", "f"), ("a", 3, "a3", ""), ("b", 11, "b11", "")],
    );
    let sorted = memory.sorted();
    let mut seen = Vec::new();
    for run in sorted.runs(10) {
        let lines: Vec<String> = sorted.lines(&run).map(|(_, text, _)| String::from_utf8(text.to_vec()).unwrap()).collect();
        seen.push((run.piece, sorted.labels(&run).get("job").unwrap().to_owned(), lines.join(" ")));
    }
    let seen: Vec<_> = seen.iter().map(|(piece, job, lines)| (*piece, job.as_str(), lines.as_str())).collect();
    assert_eq!(seen, [(-1, "a", "a-1"), (0, "a", "a3"), (0, "b", "b5"), (1, "a", "a15"), (1, "b", "b11")]);
}

#[test]
fn what_cannot_match_is_left_out() {
    let (memory, seed) = (Memory::new(0), Seed::random());
    let filler = "some words of a line ".repeat(50);
    for at in 0..6000 {
        append(&memory, seed, None, &[("a", at, if at == 1234 { "the Needle" } else { &filler }, "")]);
    }
    let count = |needs: &Needs| {
        let mut chunks = Vec::new();
        memory.select(&LineSelection { needs, ..EVERYTHING }, &Cancel::new(), &mut chunks).unwrap();
        chunks.iter().map(|chunk| chunk.lines()).sum::<usize>()
    };
    let (needle, absent, words) = (Needs::text("Needle"), Needs::text("absent"), Needs::text("words"));
    assert!((1..1500).contains(&count(&needle)), "{} lines", count(&needle));
    assert_eq!([count(&absent), count(&Needs::Nothing), count(&absent.clone().and(words.clone()))], [0; 3]);
    assert_eq!([count(&Needs::Anything), count(&absent.clone().or(words))], [6000; 2]);
    assert_eq!(count(&needle.clone().or(absent)), count(&needle));
    assert_eq!(count(&Needs::text_any_case(b"NEEDLE")), 6000, "not looked at");
}
