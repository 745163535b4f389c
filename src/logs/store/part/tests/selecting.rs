//! What is asked is found.

use proptest::prelude::*;

use super::*;
use crate::logs::model::read::StreamQuery;
use crate::series::matcher::MatchOp;

#[test]
fn lines_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().expect("dir");
    for (at, options) in [SMALL, SMALL_COLUMNS, PartOptions::FRESH, PartOptions::DENSE].into_iter().enumerate() {
        let model = some_model(7, 40, 300);
        let part = write(&dir.path().join(at.to_string()), &model, options);
        assert_eq!(read(&part, &everything()).expect("read"), model);
        let info = part.info();
        assert_eq!((info.streams as usize, info.lines as usize), (model.len(), count(&model)));
        assert_eq!(info.text_bytes as usize, model.values().flatten().map(|line| line.1.len()).sum::<usize>());
        assert_eq!(info.disk_bytes, crate::platform::disk::dir_bytes(part.dir()));
        part.check(&Cancel::new()).expect("whole");
    }
}

#[test]
fn a_part_without_lines_is_a_part() {
    let dir = tempfile::tempdir().expect("dir");
    let part = write(dir.path(), &Model::new(), SMALL);
    assert!(read(&part, &everything()).expect("read").is_empty());
    let needs = Needs::text("x");
    assert!(part.select(&LineSelection { needs: &needs, ..everything() }, &Cancel::new()).expect("select").is_empty());
    part.check(&Cancel::new()).expect("whole");
}

#[test]
fn input_out_of_order_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let mut writer = PartWriter::create(dir.path(), SMALL).expect("create");
    let line = |ts| PartLine { ts, text: b"x", fields: b"" };
    let (a, b) = (Labels::from_pairs([("a", "1")]), Labels::from_pairs([("a", "2")]));
    writer.push_run(&b, &[line(5), line(5)]).expect("push");
    assert!(writer.push_run(&b, &[line(4)]).is_err());
    assert!(writer.push_run(&a, &[line(9)]).is_err());
    assert!(writer.push_run(&b, &[PartLine { fields: b"\x05x", ..line(6) }]).is_err());
}

#[test]
fn spans_and_matchers_select() {
    let dir = tempfile::tempdir().expect("dir");
    let model = some_model(11, 60, 200);
    let part = write(dir.path(), &model, SMALL);
    for (name, op, value) in
        [("job", MatchOp::Equal, "j1"), ("job", MatchOp::NotEqual, "j1"), ("host", MatchOp::Regex, "h000.*"), ("x", MatchOp::Equal, "")]
    {
        let matchers = [Matcher::new(name, op, value).expect("matcher")];
        for span in [Span::ALL, Span { start: 1_002_000, end: 1_003_000 }, Span { start: 0, end: 1 }] {
            let found = read(&part, &LineSelection { matchers: &matchers, span, needs: &Needs::Anything }).expect("read");
            let labels = |packed: &[u8]| Labels::from_packed(packed).expect("labels");
            assert!(found.keys().all(|packed| matchers[0].matches_labels(&labels(packed))));
            for (packed, lines) in model.iter().filter(|(packed, _)| matchers[0].matches_labels(&labels(packed))) {
                for line in lines.iter().filter(|line| span.contains(line.0)) {
                    assert!(found.get(packed).is_some_and(|lines| lines.contains(line)));
                }
            }
        }
    }
    assert!(part.select(&LineSelection { needs: &Needs::Nothing, ..everything() }, &Cancel::new()).expect("select").is_empty());
}

#[test]
fn times_and_fields_come_without_text() {
    let dir = tempfile::tempdir().expect("dir");
    let part = write(dir.path(), &some_model(3, 20, 200), SMALL);
    let (mut whole, mut some) = (LineBuf::default(), LineBuf::default());
    for chunk in part.select(&everything(), &Cancel::new()).expect("select") {
        chunk.read(Want::Text, &mut whole).expect("read");
        chunk.read(Want::Times, &mut some).expect("read");
        assert_eq!((&some.times, &some.starts), (&whole.times, &whole.starts));
        assert!(some.text.is_empty() && some.fields.is_empty());
        assert_eq!(whole.times.len(), chunk.lines());
        assert_eq!((0..chunk.lines()).map(|line| some.line_bytes(line)).sum::<usize>(), chunk.bytes());
        chunk.read(Want::Fields, &mut some).expect("read");
        assert!((0..chunk.lines()).all(|line| some.fields_of(line) == whole.fields_of(line)));
        assert_eq!(chunk.stream().is_some(), whole.runs.len() == 1 && chunk.stream().is_some());
    }
}

#[test]
fn labels_and_volumes_are_those_of_the_lines() {
    let dir = tempfile::tempdir().expect("dir");
    let model = some_model(5, 50, 100);
    let part = write(dir.path(), &model, SMALL);
    let cancel = Cancel::new();
    let any_of = [vec![Matcher::equal("job", "j2")]];
    let query = StreamQuery { any_of: &any_of, span: Span::ALL, limit: 0 };
    let streams = part.streams(&query, &cancel).expect("streams");
    let wanted: Vec<Labels> =
        model.keys().map(|packed| Labels::from_packed(packed).expect("labels")).filter(|labels| labels.get("job") == Some("j2")).collect();
    assert_eq!(streams, wanted);
    assert_eq!(part.label_names(&query, &cancel).expect("names"), ["host", "job"]);
    assert_eq!(part.label_values("job", &query, &cancel).expect("values"), ["j2"]);
    assert_eq!(part.label_values("host", &StreamQuery { limit: 3, ..query.clone() }, &cancel).expect("values").len(), 3);
    for volume in part.volume(&query, &cancel).expect("volumes") {
        let volume = volume.expect("volume");
        let lines = &model[volume.labels.packed()];
        let bytes: usize = lines.iter().map(|line| line.1.len()).sum();
        assert_eq!((volume.lines as usize, volume.bytes as usize), (lines.len(), bytes));
        assert!(volume.chunks > 0);
    }
    let never = StreamQuery { span: Span { start: 0, end: 5 }, ..query };
    assert!(part.streams(&never, &cancel).expect("streams").is_empty());
    assert!(part.volume(&never, &cancel).expect("volumes").next().is_none());
    assert!(part.label_names(&never, &cancel).expect("names").is_empty());
    cancel.raise(crate::base::cancel::Stop::Cancelled);
    assert!(part.label_names(&never, &cancel).is_err());
}

#[test]
fn searches_leave_out_what_cannot_match() {
    let dir = tempfile::tempdir().expect("dir");
    let mut model = some_model(21, 10, 2000);
    let lines = model.values_mut().max_by_key(|lines| lines.len()).expect("lines");
    let middle = lines.len() / 2;
    lines[middle].1 = b"it broke: needle-c0ffee42 zebra4bf92f3577b34da6a3ce929d0e0e4736 \"4bf92f3577b34da6a3ce929d0e0e4736\"".to_vec();
    let part = write(dir.path(), &model, SMALL);
    assert_eq!(part.heap_bytes(), size_of::<Part>());
    let chunks = |needs: Needs| part.select(&LineSelection { needs: &needs, ..everything() }, &Cancel::new()).expect("select").len();
    let all = chunks(Needs::Anything);
    assert!(all > 60, "{all}");
    // Long tokens are in many blocks, which then have to be looked at for any piece of a word.
    let with_long = chunks(Needs::text(" long ")).min(all);
    assert_eq!(chunks(Needs::text(" broke: ")), 1);
    assert_eq!(chunks(Needs::text("\"4bf92f3577b34da6a3ce929d0e0e4736\"")), 1);
    assert_eq!(chunks(Needs::text_any_case(b" BROKE: ")), 1);
    // What may be a piece of something longer is looked for in all of that.
    assert!(chunks(Needs::text("5a5a4bf92f357751")) > all / 4);
    assert_eq!(chunks(Needs::text("5a5a4bf92f357751").alone()), 0);
    assert_eq!(chunks(Needs::text("4bf92f3577b34da6a3ce929d0e0e4736").alone()), 1);
    assert_eq!(chunks(Needs::text("broke").alone()), 1);
    assert_eq!(chunks(Needs::text("brok").alone()), 0);
    assert_eq!(chunks(Needs::text(" nothing ")), 0);
    assert_eq!(chunks(Needs::Any(vec![Needs::text(" nothing "), Needs::text(" broke:x")])), 1);
    assert_eq!(chunks(Needs::All(vec![Needs::text(" nothing "), Needs::text(" broke:x")])), 0);
    assert!(chunks(Needs::text("eedle-c0ffee")) <= with_long + 1);
    assert!(part.heap_bytes() > size_of::<Part>());
    part.forget();
    assert_eq!(part.heap_bytes(), size_of::<Part>());
}

#[test]
fn streams_of_one_line_share_blocks() {
    let dir = tempfile::tempdir().expect("dir");
    let model: Model = (0..20_000)
        .map(|i| {
            let labels = Labels::from_pairs([("job", "j".to_owned()), ("request", format!("{i:08}"))]);
            (labels.packed().to_vec(), vec![(i, format!("request {i} took {} ms", i % 900).into_bytes(), Vec::new())])
        })
        .collect();
    let part = write(dir.path(), &model, PartOptions::FRESH);
    assert!(part.info().blocks < 20, "{:?}", part.info());
    assert!(part.info().files.streams < 200_000, "{:?}", part.info());
    let matchers = [Matcher::equal("request", "00012345")];
    let found = read(&part, &LineSelection { matchers: &matchers, ..everything() }).expect("read");
    assert_eq!(found.values().flatten().count(), 1);
    assert_eq!(read(&part, &everything()).expect("read"), model);
}

#[test]
fn what_hangs_on_a_label_is_asked_of_the_streams_at_hand() {
    let dir = tempfile::tempdir().expect("dir");
    let packed = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied()).packed().to_vec();
    let fields = packed(&[("level", "ERROR")]);
    let model: Model = [
        (packed(&[("app", "a")]), vec![(1, b"level=ERROR".to_vec(), Vec::new())]),
        (packed(&[("app", "b")]), vec![(1, b"level=INFO".to_vec(), Vec::new())]),
        (packed(&[("app", "c"), ("level", "ERROR")]), vec![(1, b"level=INFO".to_vec(), Vec::new())]),
        // The value of a field is as good as one in the text.
        (packed(&[("app", "d")]), vec![(1, b"level=INFO".to_vec(), fields)]),
    ]
    .into();
    let needs = Needs::text("ERROR").unless("level");
    // A stream that has the label spares only parts, since these have small blocks that streams share.
    for (app, found) in [("a", 1), ("b", 0), ("c", 1), ("d", 1)] {
        let only: Model = model
            .iter()
            .filter(|(labels, _)| **labels == packed(&[("app", app)]) || app == "c")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let dir = dir.path().join(app);
        std::fs::create_dir(&dir).expect("dir");
        let part = write(&dir, &only, SMALL);
        let matchers = [Matcher::equal("app", app)];
        let selection = LineSelection { matchers: &matchers, needs: &needs, ..everything() };
        assert_eq!(read(&part, &selection).expect("read").values().flatten().count(), found, "{app}");
    }
}

fn contains(line: &[u8], wanted: &[u8], any_case: bool) -> bool {
    if any_case { memchr::memmem::find(&line.to_ascii_lowercase(), wanted).is_some() } else { memchr::memmem::find(line, wanted).is_some() }
}

/// Whether a line has a text that begins and ends with a token's bytes, with none of a token beside it.
fn has_alone(line: &[u8], wanted: &[u8]) -> bool {
    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| tokens::is_token_byte(*byte));
    memchr::memmem::find_iter(line, wanted).any(|at| !touches(line[..at].last()) && !touches(line.get(at + wanted.len())))
}

/// Every line that has the bytes is found.
fn check_search(part: &Arc<Part>, model: &Model, wanted: &[u8], any_case: bool) {
    let needs = if any_case { Needs::text_any_case(wanted) } else { Needs::text(wanted) };
    let wanted = if any_case { wanted.to_ascii_lowercase() } else { wanted.to_vec() };
    let found = read(part, &LineSelection { needs: &needs, ..everything() }).expect("read");
    for (packed, lines) in model {
        let have: Vec<&Line> = lines.iter().filter(|line| contains(&line.1, &wanted, any_case)).collect();
        let got: Vec<&Line> = found.get(packed).into_iter().flatten().filter(|line| contains(&line.1, &wanted, any_case)).collect();
        assert_eq!(got, have, "{:?}", String::from_utf8_lossy(&wanted));
    }
}

#[test]
fn no_piece_of_a_line_is_ever_missed() {
    let dir = tempfile::tempdir().expect("dir");
    let mut dice = Dice(99);
    for (at, options) in [SMALL, SMALL_COLUMNS].into_iter().enumerate() {
        let model = some_model(at as u64 + 31, 12, 400);
        let part = write(&dir.path().join(at.to_string()), &model, options);
        let lines: Vec<&Line> = model.values().flatten().filter(|line| !line.1.is_empty()).collect();
        for _ in 0..250 {
            let text = &lines[dice.roll(lines.len() as u64) as usize].1;
            let start = dice.roll(text.len() as u64) as usize;
            let len = 1 + dice.roll((text.len() - start).min(40) as u64) as usize;
            check_search(&part, &model, &text[start..start + len], dice.roll(2) == 0);
        }
        // Whole tokens, with what lies between them.
        for _ in 0..250 {
            let text = &lines[dice.roll(lines.len() as u64) as usize].1;
            let ends: Vec<usize> = (0..=text.len())
                .filter(|&at| {
                    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| tokens::is_token_byte(*byte));
                    touches(text[..at].last()) != touches(text.get(at))
                })
                .collect();
            let Some(first) = ends.len().checked_sub(2) else { continue };
            let first = dice.roll(first as u64 + 1) as usize / 2 * 2;
            let wanted = &text[ends[first]..ends[first + 1]];
            let needs = Needs::text(wanted).alone();
            let found = read(&part, &LineSelection { needs: &needs, ..everything() }).expect("read");
            for (packed, lines) in &model {
                let count = |lines: &[Line]| lines.iter().filter(|line| has_alone(&line.1, wanted)).count();
                let got = found.get(packed).map_or(0, |lines| count(lines));
                assert_eq!(got, count(lines), "{:?}", String::from_utf8_lossy(wanted));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_lines_and_any_pieces(
        texts in proptest::collection::vec(proptest::collection::vec(
            prop_oneof![6 => proptest::sample::select(b"abcdeg0129_ -:AF".to_vec()), 1 => any::<u8>()], 0..160), 1..60),
        picks in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>()), 12),
    ) {
        let dir = tempfile::tempdir().expect("dir");
        let labels = Labels::from_pairs([("a", "b")]);
        let lines = texts.iter().enumerate().map(|(at, text)| (at as i64, text.clone(), Vec::new())).collect();
        let model = Model::from([(labels.packed().to_vec(), lines)]);
        let part = write(dir.path(), &model, PartOptions { block_bytes: 256, ..SMALL_COLUMNS });
        for (line, start, len, any_case) in picks {
            let text = &texts[line as usize % texts.len()];
            if text.is_empty() {
                continue;
            }
            let start = start as usize % text.len();
            let end = start + 1 + len as usize % (text.len() - start);
            check_search(&part, &model, &text[start..end], any_case);
        }
    }
}
