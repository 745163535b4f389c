//! Pipelines as they stand in files: what becomes of lines, and what is said of mistakes.

use std::path::Path;

use super::*;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::yaml::{self, Kind};

const NOW: i64 = 1_714_979_289_000_000_000;

fn read(yaml: &str) -> (Pipeline, Vec<String>) {
    let document = yaml::parse(yaml).unwrap();
    let Kind::List(items) = document.root.kind else { panic!("{yaml} is no list") };
    let mut report = Report::new(Path::new("p.yml"));
    let pipeline = read_pipeline(&items, &mut report);
    let said = match report.finish() {
        Ok(warnings) => warnings,
        Err(errors) => errors,
    };
    (pipeline, said.iter().map(ToString::to_string).collect())
}

fn run_all(yaml: &str, lines: &[&str]) -> Vec<Entry> {
    let (pipeline, said) = read(yaml);
    assert_eq!(said, Vec::<String>::new(), "{yaml}");
    let mut pipeline = pipeline.clone();
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let moment = Moment { now_ns: NOW + at as i64, last_ts: i64::MIN };
        let mut entry = Entry { text: (*line).to_owned(), from: at as u64, ..Entry::default() };
        entry.labels.set("job", "a");
        pipeline.push(entry, &moment, &mut out);
    }
    pipeline.flush(Flush::All, &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut out);
    assert_eq!(pipeline.held_from(), None);
    out
}

/// Text, labels besides `job`, fields, time.
fn shown(entry: &Entry) -> String {
    let labels: Vec<String> = entry.labels.iter().filter(|(name, _)| *name != "job").map(|(n, v)| format!("{n}={v}")).collect();
    let fields: Vec<String> = entry.fields.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let ts = entry.ts.map(|ts| ts.to_string()).unwrap_or_default();
    format!("{}|{}|{}|{ts}", entry.text, labels.join(","), fields.join(","))
}

/// Stages, lines, and what comes out.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (yaml, lines, expected) in cases {
        let out: Vec<String> = run_all(yaml, lines).iter().map(shown).collect();
        assert_eq!(out, *expected, "{yaml}");
    }
}

#[test]
fn stages_that_find_and_name() {
    check(&[
        (
            "[{json: {expressions: {level: '', user: ctx.user, first: 'tags[0]'}}}, {labels: {level: }}, {structured_metadata: {user: , tag: first}}]",
            &[r#"{"level":"warn","ctx":{"user":7},"tags":["x"]}"#, "no json"],
            &[r#"{"level":"warn","ctx":{"user":7},"tags":["x"]}|level=warn|tag=x,user=7|"#, "no json|||"],
        ),
        ("[{json: {expressions: {a: }, drop_malformed: true}}]", &["x", "{}"], &["{}|||"]),
        (
            "[{logfmt: {mapping: {lvl: level, msg: }}}, {labels: {lvl: }}, {output: {source: msg}}]",
            &["level=info msg=\"a b\""],
            &["a b|lvl=info||"],
        ),
        (
            "[{regex: {expression: '^(?P<ip>\\S+) (?P<code>\\d+)'}}, {labels: {code: , who: ip}}]",
            &["10.0.0.1 200 x", "none"],
            &["10.0.0.1 200 x|code=200,who=10.0.0.1||", "none|||"],
        ),
        (
            "[{regex: {expression: '^(?P<t>\\S+ \\S+)'}}, {timestamp: {source: t, format: '2006-01-02 15:04:05', location: Europe/Berlin}}]",
            &["2024-05-06 09:08:09 x", "no time", "2024-05-06 09:08:10 y"],
            &[
                "2024-05-06 09:08:09 x|||1714979289000000000",
                "no time|||1714979289000000001",
                "2024-05-06 09:08:10 y|||1714979290000000000",
            ],
        ),
        (
            "[{json: {expressions: {t: }}}, {timestamp: {source: t, format: UnixMs, action_on_failure: skip}}]",
            &[r#"{"t":1714979289123}"#, "{}"],
            &[r#"{"t":1714979289123}|||1714979289123000000"#, "{}|||"],
        ),
        ("[{static_labels: {env: prod, job: }}, {labeldrop: [job]}]", &["x"], &["x|env=prod||"]),
        ("[{static_labels: {env: prod, zone: z}}, {labelallow: [zone]}]", &["x"], &["x|zone=z||"]),
        ("[level: {}]", &["ERROR x", "quiet"], &["ERROR x|level=error||", "quiet|||"]),
        (
            "[{regex: {expression: '(?P<l>\\w+)'}}, {template: {source: l, template: '{{ ToUpper .Value }}-{{ .Entry | Replace \"a\" \"b\" -1 }}{{ .nope }}'}}, {labels: {l: }}]",
            &[],
            &[],
        ),
        (
            "[{regex: {expression: '(?P<l>\\w+)'}}, {template: {source: m, template: '{{ ToUpper .l }}/{{ .Entry }}{{ .nope }}'}}, {output: {source: m}}]",
            &["app x"],
            &["APP/app x|||"],
        ),
        (
            "[{template: {source: m, template: '{{ if eq .Entry \"a\" }}one{{ end }}'}}, {labels: {m: }}]",
            &["a", "b"],
            &["a|m=one||", "b|||"],
        ),
        (
            "[{match: {selector: '{job=\"a\"} |= \"debug\"', action: drop}}, {match: {selector: '{job=\"a\"}', stages: [{static_labels: {x: y}}]}}]",
            &["debug no", "yes"],
            &["yes|x=y||"],
        ),
        ("[{drop: {expression: '.*health.*'}}]", &["GET /health", "GET /"], &["GET /|||"]),
        ("[{drop: {longer_than: 4B}}]", &["12345", "1234"], &["1234|||"]),
        (
            "[{json: {expressions: {l: , m: }}}, {drop: {source: [l, m], value: 'a;b'}}]",
            &[r#"{"l":"a","m":"b"}"#, r#"{"l":"a"}"#],
            &[r#"{"l":"a"}|||"#],
        ),
        (
            "[{json: {expressions: {t: }}}, {timestamp: {source: t, format: Unix}}, {drop: {older_than: 1h}}]",
            &[r#"{"t":1714900000}"#, r#"{"t":1714979000}"#],
            &[r#"{"t":1714979000}|||1714979000000000000"#],
        ),
    ]);
}

#[test]
fn stages_that_join_and_leave_out() {
    check(&[
        (
            "[{multiline: {firstline: '^\\d', max_lines: 3}}]",
            &["before", "1 a", " b", "2 c", " d", " e", " f", "3 g"],
            &["before|||", "1 a\n b|||", "2 c\n d\n e|||", " f|||", "3 g|||"],
        ),
        (
            "[{docker: {}}]",
            &[
                r#"{"log":"one\n","stream":"stdout","time":"2024-05-06T07:08:09.1Z"}"#,
                r#"{"log":"tw","stream":"stdout","time":"2024-05-06T07:08:09.2Z"}"#,
                r#"{"log":"err\n","stream":"stderr","time":"2024-05-06T07:08:09.3Z"}"#,
                r#"{"log":"o\n","stream":"stdout","time":"2024-05-06T07:08:09.4Z","attrs":{"tag":"x"}}"#,
                "not json",
            ],
            &[
                "one|stream=stdout||1714979289100000000",
                "err|stream=stderr||1714979289300000000",
                "two|stream=stdout||1714979289200000000",
                "not json|||",
            ],
        ),
        (
            "[cri]",
            &["2024-05-06T07:08:09.1Z stdout F one", "2024-05-06T07:08:09.2Z stdout P tw", "2024-05-06T07:08:09.3Z stdout F o", "odd"],
            &["one|stream=stdout||1714979289100000000", "two|stream=stdout||1714979289200000000", "odd|||"],
        ),
        (
            "[{replace: {expression: 'user=(\\w+) ip=(\\S+)', replace: '<{{ ToUpper .Value }}>'}}]",
            &["a user=ann ip=x b"],
            &["a user=<ANN> ip=<X> b|||"],
        ),
        ("[{replace: {expression: '\\d+', replace: '#'}}]", &["a 12 b 3", "none"], &["a # b #|||", "none|||"]),
        ("[{static_labels: {x: y}}, {pack: {labels: [x, none]}}]", &["a \"b\""], &[r#"{"x":"y","_entry":"a \"b\""}|||"#]),
        ("[{pack: {labels: [job]}}, {labels: {j: job}}]", &["a"], &[r#"{"job":"a","_entry":"a"}|||"#]),
        (
            "[{replace: {expression: '(?P<who>ann|bob)', replace: '{{ .job }}-{{ .Value | upper }}'}}, {labels: {who: }}]",
            &["ann bob"],
            &["a-ANN a-BOB|who=a-ANN||"],
        ),
        ("[{replace: {expression: '(\\d+)', replace: ''}}]", &["a1b22"], &["ab|||"]),
        ("[{limit: {rate: 1, burst: 2, drop: true}}]", &["a", "b", "c"], &["a|||", "b|||"]),
        ("[{limit: {rate: 1, burst: 1, drop: true, by_label_name: none}}]", &["a", "b"], &["a|||", "b|||"]),
        ("[{sampling: {rate: 1.0}}]", &["a"], &["a|||"]),
        ("[{sampling: {rate: 0.0}}]", &["a"], &[]),
        ("[mask]", &["password=x1"], &["password=<masked>|||"]),
        (
            "[{mask: {kinds: [email], expressions: ['id (\\d+)'], replacement: '*'}}]",
            &["a@b.de id 7 password=x"],
            &["* id * password=x|||"],
        ),
        ("[decolorize]", &["\u{1b}[31mred\u{1b}[0m"], &["red|||"]),
    ]);
}

#[test]
fn mistakes_are_placed_and_explained() {
    for (yaml, said) in [
        ("[{jsn: {}}]", "p.yml:1:2: pipeline_stages: there is no stage \"jsn\", did you mean json?"),
        ("[{json: {}, labels: {}}]", "each stage stands in an item of its own"),
        ("[{json: {expressions: {a: 'length(x)'}}}]", "cannot read the path"),
        ("[{regex: {expression: '(x'}}]", "is no regular expression"),
        ("[{regex: {expression: 'x'}}]", "at least one named group"),
        ("[{regex: {}}]", "expression: required"),
        ("[{timestamp: {source: a, format: yyyy}}]", "a layout shows how"),
        ("[{timestamp: {source: a, format: Unix, location: Nowhere/Town}}]", "there is no time zone"),
        ("[{timestamp: {source: a, format: Unix, action_on_failure: cry}}]", "expected fudge or skip"),
        ("[{template: {source: a, template: '{{ .x'}}]", "template: "),
        ("[{match: {selector: '{a=b}', action: drop}}]", "selector: "),
        ("[{drop: {}}]", "one of source, value"),
        ("[{limit: {rate: 0, burst: 1}}]", "rate (lines a second)"),
        ("[{sampling: {rate: 2}}]", "from 0.0 to 1.0"),
        ("[{mask: {kinds: [shoe]}}]", "expected password, bearer"),
        ("[{labels: {}}]", "at least one name"),
        ("[{metrics: {x: {type: Counter}}}]", "config: a counter needs an action"),
        ("[{metrics: {x: {type: Summary}}}]", "type: read \"summary\", expected counter, gauge or histogram"),
        ("[{metrics: {x: {type: Counter, config: {action: dec}}}}]", "action: read \"dec\", expected inc or add"),
        ("[{metrics: {x: {type: Counter, config: {action: inc, match_all: true, value: a}}}}]", "match_all: cannot stand beside value"),
        ("[{metrics: {x: {type: Counter, config: {action: add, count_entry_bytes: true}}}}]", "needs match_all: true"),
        ("[{metrics: {x-y: {type: Histogram}}}]", "\"promtail_custom_x-y\" is no name of a metric"),
        ("[{metrics: {x: {type: Histogram, config: {buckets: [2, 1]}}}}]", "each larger than the one before"),
        ("[{metrics: {x: {type: Gauge, max_idle_duration: 10ms, config: {action: set}}}}]", "max_idle_duration: expected 1s or more"),
        ("[{metrics: {}}]", "metrics: expected 1 to"),
        ("[{geoip: {db: x.mmdb, source: ip, db_type: city}}]", "geoip: there is no database of places here"),
        ("[{drop: {value: a, expression: b}}]", "expression: cannot stand beside value"),
        ("[{drop: {older_than: soon}}]", "older_than: read \"soon\", expected a duration"),
        ("[{match: {selector: '{a=\"b\"}'}}]", "match: stages are needed"),
        ("[{match: {selector: '{a=\"b\"}', action: drop, stages: [{docker: {}}]}}]", "stages: cannot stand beside action: drop"),
        ("[{labels: {a-b: c}}]", "\"a-b\" is no name of a label"),
        ("[{tenant: {source: x}}]", "one tenant only"),
        ("[{docker: {colour: red}}]", "colour: unknown key, ignored"),
        ("[7: {}]", "there is no stage \"7\""),
    ] {
        let (_, all) = read(yaml);
        assert!(all.iter().any(|one| one.contains(said)), "{yaml}: {all:?}");
    }
    let many = format!("[{}]", vec!["level: {}"; 201].join(","));
    assert!(read(&many).1[0].contains("more than 200 stages"));
}

#[test]
fn labels_count_as_found() {
    check(&[
        ("[{regex: {source: job, expression: '^(?P<first>.)'}}, {labels: {first: }}]", &["x"], &["x|first=a||"]),
        ("[{template: {source: t, template: '{{ .job }}/{{ .Entry }}'}}, {output: {source: t}}]", &["x"], &["a/x|||"]),
        ("[{drop: {source: job, value: a}}]", &["x"], &[]),
        ("[{structured_metadata: {from: job}}, {labeldrop: [job]}]", &["x"], &["x||from=a|"]),
        ("[{static_labels: {env: ''}}]", &["x"], &["x|||"]),
        (
            "[{docker: {}}, {template: {source: t, template: '{{ .output }}@{{ .timestamp }}'}}, {output: {source: t}}]",
            &[r#"{"log":"one\n","stream":"stdout","time":"2024-05-06T07:08:09.1Z"}"#],
            &["one@2024-05-06T07:08:09.1Z|stream=stdout||1714979289100000000"],
        ),
        (
            "[{cri: {}}, {template: {source: t, template: '{{ .flags }} {{ .content }} {{ .time }}'}}, {output: {source: t}}]",
            &["2024-05-06T07:08:09.1Z stderr F one"],
            &["F one 2024-05-06T07:08:09.1Z|stream=stderr||1714979289100000000"],
        ),
        (
            "[{json: {expressions: {message: }}}, {eventlogmessage: {}}, {labels: {Account_Name: , Logon_Type: }}]",
            &[r#"{"message":"An account was logged on.\r\nAccount Name: ann\r\nLogon_Type:3\r\nNoValue"}"#],
            &[r#"{"message":"An account was logged on.\r\nAccount Name: ann\r\nLogon_Type:3\r\nNoValue"}|Account_Name=ann,Logon_Type=3||"#],
        ),
        (
            "[{json: {expressions: {m: }}}, {eventlogmessage: {source: m, drop_invalid_labels: true, overwrite_existing: true}}, {labels: {A: , B_C: , job: }}]",
            &[r#"{"m":"A: 1\r\nB C: 2\r\njob: other"}"#],
            &[r#"{"m":"A: 1\r\nB C: 2\r\njob: other"}|A=1||"#],
        ),
    ]);
}

/// What the pipeline counts after these lines.
fn counted(yaml: &str, lines: &[&str]) -> Vec<String> {
    let (pipeline, said) = read(yaml);
    assert_eq!(said, Vec::<String>::new(), "{yaml}");
    let mut working = pipeline.clone();
    for line in lines {
        let mut entry = Entry { text: (*line).to_owned(), ..Entry::default() };
        entry.labels.set("job", "a");
        working.push(entry, &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut Vec::new());
    }
    let mut page = crate::platform::telemetry::metrics::Page::default();
    report_families(&pipeline.families(), &mut page, NOW);
    page.finish().lines().filter(|line| !line.starts_with("# HELP")).map(str::to_owned).collect()
}

#[test]
fn metrics_of_lines_are_counted_as_promtail_does() {
    let lines = [r#"{"status":"ok","took":"0.25","size":10}"#, r#"{"status":"bad","took":"1.5s","size":5}"#, "none"];
    let json = "{json: {expressions: {status: , took: , size: }}}";
    for (config, expected) in [
        (
            "{lines_total: {type: Counter, description: All., config: {match_all: true, action: inc}}}",
            vec!["# TYPE promtail_custom_lines_total counter", "promtail_custom_lines_total{job=\"a\"} 3"],
        ),
        (
            "{bytes_total: {type: Counter, prefix: my_, config: {match_all: true, count_entry_bytes: true, action: add}}}",
            vec!["# TYPE my_bytes_total counter", "my_bytes_total{job=\"a\"} 82"],
        ),
        (
            "{bad_total: {type: counter, source: status, config: {value: bad, action: inc}}}",
            vec!["# TYPE promtail_custom_bad_total counter", "promtail_custom_bad_total{job=\"a\"} 1"],
        ),
        (
            "{size: {type: counter, config: {action: add}}}",
            vec!["# TYPE promtail_custom_size counter", "promtail_custom_size{job=\"a\"} 15"],
        ),
        ("{took: {type: Gauge, config: {action: set}}}", vec!["# TYPE promtail_custom_took gauge", "promtail_custom_took{job=\"a\"} 1.5"]),
        (
            "{took: {type: Gauge, config: {action: sub}}}",
            vec!["# TYPE promtail_custom_took gauge", "promtail_custom_took{job=\"a\"} -1.75"],
        ),
        (
            "{took: {type: Histogram, config: {buckets: [0.5, 1]}}}",
            vec![
                "# TYPE promtail_custom_took histogram",
                "promtail_custom_took_bucket{job=\"a\",le=\"0.5\"} 1",
                "promtail_custom_took_bucket{job=\"a\",le=\"1\"} 1",
                "promtail_custom_took_bucket{job=\"a\",le=\"+Inf\"} 2",
                "promtail_custom_took_sum{job=\"a\"} 1.75",
                "promtail_custom_took_count{job=\"a\"} 2",
            ],
        ),
    ] {
        assert_eq!(counted(&format!("[{json}, {{metrics: {config}}}]"), &lines), expected, "{config}");
    }
    assert_eq!(
        counted(
            "[{drop: {expression: b, drop_counter_reason: noise}}, {match: {selector: '{job=\"a\"}', action: drop}}]",
            &["b", "c", "d"]
        ),
        [
            "# TYPE logentry_dropped_lines_total counter",
            "logentry_dropped_lines_total{reason=\"match_stage\"} 2",
            "logentry_dropped_lines_total{reason=\"noise\"} 1"
        ]
    );
}

#[test]
fn a_limit_that_drops_nothing_makes_its_source_wait() {
    let (pipeline, _) = read("[{limit: {rate: 10, burst: 5}}]");
    let mut pipeline = pipeline.clone();
    let mut out = Vec::new();
    for _ in 0..5 {
        pipeline.push(Entry::default(), &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut out);
    }
    assert_eq!((out.len(), pipeline.waits_until()), (5, None));
    for _ in 0..20 {
        pipeline.push(Entry::default(), &Moment { now_ns: NOW, last_ts: i64::MIN }, &mut out);
    }
    assert_eq!((out.len(), pipeline.waits_until()), (25, Some(NOW + 2_000_000_000)), "20 lines too many at 10 a second");
}

#[test]
fn blocks_wait_for_their_end() {
    let (pipeline, _) = read("[{multiline: {firstline: '^\\S', max_wait_time: 2s}}]");
    let mut pipeline = pipeline.clone();
    let mut out = Vec::new();
    let at = |now_ns| Moment { now_ns, last_ts: i64::MIN };
    for (from, line) in [(10, "a"), (12, " b")] {
        pipeline.push(Entry { text: line.to_owned(), from, ..Entry::default() }, &at(NOW), &mut out);
    }
    pipeline.flush(Flush::Due, &at(NOW + 1_999_999_999), &mut out);
    assert_eq!((out.len(), pipeline.held_from()), (0, Some(10)));
    pipeline.flush(Flush::Due, &at(NOW + 2_000_000_000), &mut out);
    assert_eq!((out.len(), out[0].text.as_str(), pipeline.held_from()), (1, "a\n b", None));
}

#[test]
fn the_same_lines_are_sampled_again() {
    let lines: Vec<String> = (0..1000).map(|n| format!("line {n}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let first = run_all("[{sampling: {rate: 0.25}}]", &lines);
    assert!((180..330).contains(&first.len()), "{}", first.len());
    assert_eq!(run_all("[{sampling: {rate: 0.25}}]", &lines), first);
}
