//! Configurations of Promtail as people have them (`tests/corpus/promtail`), each with what is said of it, what its pipelines make
//! of lines, and what they count.
//!
//! `NAME.expect` beside `NAME.yml` has one expectation a line: `env: NAME=value`, `summary:`, every `said:` (line, column and how the
//! message begins), `job:` for the lines that follow, `in:` a line, `out:` labels, fields, time and text of one that comes out,
//! `counted:` a sample of a metric at the end.

use std::path::Path;

use super::*;
use crate::logs::ingest::stage::{Entry, Flush, Moment, report_families};
use crate::platform::telemetry::metrics::Page;

/// 2024-05-06 07:08:09 UTC.
const NOW: i64 = 1_714_979_289_000_000_000;

/// What one file says of its configuration.
fn of<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

fn check(at: &Path) {
    let (text, expected) = (std::fs::read_to_string(at).unwrap(), std::fs::read_to_string(at.with_extension("expect")).unwrap());
    let name = at.display();
    let variables: BTreeMap<&str, &str> = of(&expected, "env").into_iter().map(|pair| pair.split_once('=').unwrap()).collect();
    let read = read(&text, Path::new("p.yml"), &|name| variables.get(name).map(|value| (*value).to_owned()));
    let (config, said) = match read {
        Ok((config, warnings)) => (Some(config), warnings),
        Err(errors) => (None, errors),
    };
    let said: Vec<String> = said.iter().map(|one| one.to_string().replacen("p.yml:", "", 1)).collect();
    let wanted = of(&expected, "said");
    assert_eq!(said.len(), wanted.len(), "{name}: {said:#?}");
    for (said, wanted) in said.iter().zip(wanted) {
        assert!(said.starts_with(wanted), "{name}: {said}, expected {wanted}");
    }
    let Some(config) = config else { return };
    assert_eq!(vec![config.summary().as_str()], of(&expected, "summary"), "{name}");
    let mut out: Vec<String> = Vec::new();
    for job in &config.files {
        let inputs = lines_of(&expected, &job.name);
        let mut pipeline = job.pipeline.clone();
        let mut done = Vec::new();
        for (from, line) in inputs.iter().enumerate() {
            let entry = Entry {
                labels: job.targets[0].labels.to_builder().into(),
                text: (*line).to_owned(),
                from: from as u64,
                ..Entry::default()
            };
            pipeline.push(entry, &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut done);
        }
        pipeline.flush(Flush::All, &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut done);
        out.extend(done.iter().map(|entry| {
            let ts = entry.ts.map_or_else(|| "-".to_owned(), |ts| ts.to_string());
            format!("{} {} {ts} {}", entry.labels.build(), entry.fields.build(), entry.text.replace('\n', "\\n"))
        }));
    }
    assert_eq!(out, of(&expected, "out"), "{name}");
    let mut page = Page::default();
    report_families(&config.families, &mut page, NOW);
    let text = page.finish();
    let counted: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.ends_with("_stage\"} 0")).collect();
    assert_eq!(counted, of(&expected, "counted"), "{name}");
}

/// The lines that a job gets.
fn lines_of<'t>(expected: &'t str, job: &str) -> Vec<&'t str> {
    let mut is_meant = false;
    let mut lines = Vec::new();
    for line in expected.lines() {
        if let Some(name) = line.strip_prefix("job: ") {
            is_meant = name == job;
        } else if is_meant {
            lines.extend(line.strip_prefix("in: "));
        }
    }
    lines
}

#[test]
fn configurations_of_promtail_do_what_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/promtail");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yml"));
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    files.iter().for_each(|path| check(path));
}
