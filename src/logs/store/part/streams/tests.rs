//! Every selection of streams against the plain definition.

use std::ops::ControlFlow;

use super::*;
use crate::logs::store::part::pages::Pages;
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};

fn some_streams(count: usize) -> Vec<Labels> {
    let mut all: Vec<Labels> = (0..count)
        .map(|i| {
            let mut pairs = vec![("job".to_owned(), format!("j{}", i % 3)), ("id".to_owned(), format!("{i:06}"))];
            if i % 5 == 0 {
                pairs.push(("env".to_owned(), "prod".to_owned()));
            }
            if i % 7 == 0 {
                pairs.push(("ünï".to_owned(), format!("v{}", i % 14)));
            }
            Labels::from_pairs(pairs)
        })
        .collect();
    all.push(Labels::empty());
    all.sort_by(|left, right| left.packed().cmp(right.packed()));
    all
}

fn write(dir: &std::path::Path, streams: &[Labels]) -> Streams {
    let path = dir.join("streams");
    let mut writer = StreamsWriter::create(path.clone()).expect("create");
    for (number, labels) in streams.iter().enumerate() {
        assert_eq!(writer.add(labels).expect("add") as usize, number);
    }
    let seal = writer.finish().expect("finish");
    Streams::open(Pages::open(path, seal).expect("open")).expect("open")
}

#[test]
fn streams_come_back_and_are_found() {
    let dir = tempfile::tempdir().expect("dir");
    for count in [0, 1, 127, 128, 5000] {
        let all = some_streams(count);
        let streams = write(dir.path(), &all);
        assert_eq!(streams.len(), all.len());
        let mut cursor = streams.cursor();
        for (number, labels) in all.iter().enumerate() {
            assert_eq!(&cursor.labels(number).expect("labels"), labels);
        }
        for number in (0..all.len()).rev().step_by(37) {
            assert_eq!(cursor.labels(number).expect("labels"), all[number]);
        }
        assert!(cursor.labels(all.len()).is_err());
        let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
        for name in ["job", "id", "env", "ünï", "absent"] {
            for value in ["", "j1", "j1|j2", "prod|", "00.*", ".+", ".*", "000077", "v7", "x"] {
                for op in ops {
                    let Ok(matcher) = Matcher::new(name, op, value) else { continue };
                    let found = streams.matching(std::slice::from_ref(&matcher)).expect("matching");
                    let has = |number| found.as_ref().is_none_or(|found| found.contains(number));
                    for (number, labels) in all.iter().enumerate() {
                        assert_eq!(has(number), matcher.matches_labels(labels), "{matcher} {labels}");
                    }
                }
            }
        }
    }
}

#[test]
fn names_and_values_are_those_of_the_selection() {
    let dir = tempfile::tempdir().expect("dir");
    let all = some_streams(1000);
    let streams = write(dir.path(), &all);
    let lists = [vec![Matcher::equal("id", "000003")], vec![Matcher::equal("id", "000004"), Matcher::equal("job", "j1")]];
    let of = streams.matching_any(&lists).expect("matching");
    assert_eq!(of.as_ref().map(|of| of.count()), Some(2));
    let mut names = Vec::new();
    streams.names(of.as_ref(), |name| names.push(name.to_owned())).expect("names");
    assert_eq!(names, ["id", "job"]);
    names.clear();
    streams.names(None, |name| names.push(name.to_owned())).expect("names");
    assert_eq!(names, ["env", "id", "job", "ünï"]);
    let mut values = Vec::new();
    let mut take = |value: &str| {
        values.push(value.to_owned());
        ControlFlow::Continue(())
    };
    streams.values("job", of.as_ref(), &mut take).expect("values");
    streams.values("ünï", None, &mut take).expect("values");
    streams.values("absent", None, &mut take).expect("values");
    assert_eq!(values, ["j0", "j1", "v0", "v7"]);
    assert!(streams.matching_any(&[vec![]]).expect("matching").is_none());
}
