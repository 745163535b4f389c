//! A file of tests as it is written: promtool's format, and lines of logs beside series.

use std::collections::HashMap;

use crate::base::time::{Duration, parse_timestamp};
use crate::metrics::script::series::{Item, parse_labels, parse_series, parse_values};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Node};
use crate::series::labels::{Labels, quote};

/// The distance of evaluations where nothing else is said.
const INTERVAL: Duration = Duration::from_secs(60);
/// Most lines of one entry of `input_lines`.
const LINES_MAX: u64 = 100_000;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Tests {
    /// Patterns of rule files, relative to the file.
    pub(super) rule_files: Vec<String>,
    /// Distance of evaluations.
    pub(super) interval: Duration,
    /// Places of groups in the order of evaluation, by name; those that are not named come first.
    pub(super) order: HashMap<String, usize>,
    /// Whether numbers that are neighbours are equal.
    pub(super) is_fuzzy: bool,
    /// In order.
    pub(super) tests: Vec<Test>,
}

/// A test: data, and what must come out.
#[derive(Debug, Default)]
pub(super) struct Test {
    pub(super) name: String,
    /// Distance of the values of series.
    pub(super) interval: Duration,
    /// Where time begins, in milliseconds since the Unix epoch.
    pub(super) start: i64,
    pub(super) series: Vec<(Labels, Vec<Item>)>,
    pub(super) lines: Vec<Lines>,
    pub(super) external_labels: Labels,
    pub(super) external_url: String,
    pub(super) alerts: Vec<AlertTest>,
    pub(super) queries: Vec<QueryTest>,
}

/// Lines of a stream.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) stream: Labels,
    pub(super) text: String,
    pub(super) metadata: Labels,
    /// When the first comes, from the start of the test.
    pub(super) at: Duration,
    /// Distance of the others.
    pub(super) every: Duration,
    pub(super) times: u64,
}

/// Which alerts of a name must be firing.
#[derive(Debug)]
pub(super) struct AlertTest {
    pub(super) at: Duration,
    pub(super) name: String,
    pub(super) expected: Vec<ExpectedAlert>,
}

/// An alert that must be firing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExpectedAlert {
    pub(super) labels: Labels,
    pub(super) annotations: Vec<(String, String)>,
}

/// What a query must give.
#[derive(Debug)]
pub(super) struct QueryTest {
    pub(super) at: Duration,
    pub(super) query: String,
    pub(super) expected: Vec<(Labels, Item)>,
}

/// Reads a file. What is wrong goes to the report; the tests are then not to be used.
pub(super) fn read(text: &str, ignore_unknown: bool, report: &mut Report) -> Tests {
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return Tests::default();
        }
    };
    let reader = Reader { ignore_unknown };
    let Some(mut section) = Section::open(&document.root, "tests of rules", report) else { return Tests::default() };
    let mut tests = Tests {
        rule_files: section.texts("rule_files"),
        interval: section.duration("evaluation_interval").filter(|interval| interval.ms() > 0).unwrap_or(INTERVAL),
        is_fuzzy: section.truth_or("fuzzy_compare", false),
        ..Tests::default()
    };
    for (place, name) in section.texts("group_eval_order").into_iter().enumerate() {
        if tests.order.insert(name.clone(), place).is_some() {
            let at = section.value_place("group_eval_order");
            section.report.error(at, format!("group name repeated in evaluation order: {name}"));
        }
    }
    for node in section.list("tests") {
        tests.tests.extend(reader.test(node, tests.interval, section.report));
    }
    reader.finish(section);
    tests
}

struct Reader {
    ignore_unknown: bool,
}

impl Reader {
    fn finish(&self, section: Section<'_, '_>) {
        if self.ignore_unknown { section.finish() } else { section.finish_exactly() }
    }

    fn test(&self, node: &Node, interval: Duration, report: &mut Report) -> Option<Test> {
        let mut section = Section::open(node, "tests", report)?;
        let external = section.text_map("external_labels");
        let mut test = Test {
            name: section.text_or_empty("name"),
            interval: section.duration("interval").filter(|interval| interval.ms() > 0).unwrap_or(interval),
            start: start(&mut section),
            external_labels: Labels::from_pairs(external.iter().filter(|(_, value)| !value.is_empty())),
            external_url: section.text_or_empty("external_url"),
            ..Test::default()
        };
        for node in section.list("input_series") {
            let Some((labels, items)) = self.series(node, section.report) else { continue };
            // Of two entries for one series the second one counts.
            test.series.retain(|(known, _)| *known != labels);
            test.series.push((labels, items));
        }
        for node in section.list("input_lines") {
            test.lines.extend(self.lines(node, section.report));
        }
        for node in section.list("alert_rule_test") {
            test.alerts.extend(self.alert_test(node, section.report));
        }
        for node in section.list("promql_expr_test") {
            test.queries.extend(self.query_test(node, section.report));
        }
        self.finish(section);
        Some(test)
    }

    fn series(&self, node: &Node, report: &mut Report) -> Option<(Labels, Vec<Item>)> {
        let mut section = Section::open(node, "input_series", report)?;
        let line = format!("{} {}", section.text_or_empty("series"), section.text_or_empty("values"));
        let read = parse_series(&line);
        if let Err(error) = &read {
            let at = section.value_place("series");
            section.report.error(at, format!("input_series {}: {error}", quote(line.trim())));
        }
        self.finish(section);
        read.ok()
    }

    fn lines(&self, node: &Node, report: &mut Report) -> Option<Lines> {
        let mut section = Section::open(node, "input_lines", report)?;
        let metadata = section.text_map("metadata");
        let stream = section.text_or_empty("stream");
        let lines = Lines {
            stream: labels(&stream, "stream", &mut section).unwrap_or_else(Labels::empty),
            text: section.text_or_empty("line"),
            metadata: Labels::from_pairs(metadata),
            at: section.duration("at").unwrap_or_default(),
            every: section.duration("every").unwrap_or_default(),
            times: section.count("times").unwrap_or(1),
        };
        if lines.stream.is_empty() {
            let at = section.value_place("stream");
            section.report.error(at, "stream: at least one label is needed, such as {app=\"api\"}");
        }
        if lines.times > LINES_MAX {
            let at = section.value_place("times");
            section.report.error(at, format!("times: {} lines, more than {LINES_MAX}", lines.times));
        }
        self.finish(section);
        Some(lines)
    }

    fn alert_test(&self, node: &Node, report: &mut Report) -> Option<AlertTest> {
        let mut section = Section::open(node, "alert_rule_test", report)?;
        let at = section.duration("eval_time").unwrap_or_default();
        let name = section.text_or_empty("alertname");
        if name.is_empty() {
            section.report.error(node.at, format!("an item under alert_rule_test misses required attribute alertname at eval_time {at}"));
        }
        let mut expected = Vec::new();
        for node in section.list("exp_alerts") {
            let Some(mut below) = Section::open(node, "exp_alerts", section.report) else { continue };
            let mut labels = below.text_map("exp_labels");
            // People give what the rule gives; the name is added by the server.
            labels.insert("alertname".to_owned(), name.clone());
            let annotations = below.text_map("exp_annotations").into_iter().collect();
            self.finish(below);
            expected.push(ExpectedAlert { labels: Labels::from_pairs(labels), annotations });
        }
        self.finish(section);
        Some(AlertTest { at, name, expected })
    }

    fn query_test(&self, node: &Node, report: &mut Report) -> Option<QueryTest> {
        let mut section = Section::open(node, "promql_expr_test", report)?;
        let (at, query) = (section.duration("eval_time").unwrap_or_default(), section.text_or_empty("expr"));
        let mut expected = Vec::new();
        for node in section.list("exp_samples") {
            let Some(mut below) = Section::open(node, "exp_samples", section.report) else { continue };
            let text = below.text_or_empty("labels");
            let labels = labels(&text, "labels", &mut below);
            let value = below.float("value").unwrap_or(0.0);
            let histogram = below.text_or_empty("histogram");
            let item = if histogram.is_empty() { Some(Item::Float(value)) } else { histogram_of(&histogram, &mut below) };
            self.finish(below);
            expected.extend(labels.zip(item));
        }
        self.finish(section);
        Some(QueryTest { at, query, expected })
    }
}

fn start(section: &mut Section<'_, '_>) -> i64 {
    let Some(text) = section.text("start_timestamp") else { return 0 };
    parse_timestamp(&text).unwrap_or_else(|| {
        let at = section.value_place("start_timestamp");
        section.report.error(at, format!("start_timestamp: read {}, expected RFC 3339 or seconds since the Unix epoch", quote(&text)));
        0
    })
}

fn labels(text: &str, key: &str, section: &mut Section<'_, '_>) -> Option<Labels> {
    let read = parse_labels(text.trim()).and_then(|(labels, rest)| {
        if rest.trim().is_empty() { Ok(labels) } else { Err(format!("unexpected {} behind the labels", quote(rest))) }
    });
    if let Err(error) = &read {
        let at = section.value_place(key);
        section.report.error(at, format!("{key} {}: {error}", quote(text)));
    }
    read.ok()
}

fn histogram_of(text: &str, section: &mut Section<'_, '_>) -> Option<Item> {
    let read = match parse_values(text) {
        Ok(items) => match <[Item; 1]>::try_from(items) {
            Ok([item @ Item::Histogram(..)]) => Ok(item),
            _ => Err("expected exactly one histogram".to_owned()),
        },
        Err(error) => Err(error),
    };
    if let Err(error) = &read {
        let at = section.value_place("histogram");
        section.report.error(at, format!("histogram {}: {error}", quote(text)));
    }
    read.ok()
}
