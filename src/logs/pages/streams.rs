//! Streams and volume: which label's values bring how many lines and bytes, the largest streams, and deleting lines.

use std::collections::HashMap;

use super::rows;
use crate::series::labels::Labels;
use crate::ui::format::{self, Moment, Unit, count};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Rows of the table of values, and of the one of streams.
const ROWS_MAX: usize = 100;

/// A stream with what lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamSize {
    /// Its labels.
    pub labels: Labels,
    /// Lines.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

/// A deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// What is deleted.
    pub query: String,
    /// When, in milliseconds.
    pub span_ms: (i64, i64),
    /// When it was asked for, in milliseconds.
    pub created_ms: i64,
    /// Whether the lines are gone from the disk.
    pub is_done: bool,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct StreamsInput {
    /// Streams with lines in the range.
    pub streams: Vec<StreamSize>,
    /// The label that is looked at: `by` of the URL.
    pub by: String,
    /// Names of labels.
    pub label_names: Vec<String>,
    /// Deletions, oldest first.
    pub deletions: Vec<Deletion>,
    /// What is wrong with what was asked.
    pub problem: Option<String>,
    /// Whether lines were just deleted.
    pub is_deleted: bool,
    /// The range, in milliseconds.
    pub range_ms: (i64, i64),
}

struct Row {
    name: String,
    streams: String,
    lines: String,
    bytes: String,
    percent: String,
    share: String,
    href: String,
}

struct DeletionRow {
    query: String,
    from: Moment,
    to: Moment,
    created: Moment,
    is_done: bool,
}

#[derive(askama::Template)]
#[template(path = "logs/streams.html")]
struct StreamsPage<'a> {
    shell: &'a Shell,
    input: &'a StreamsInput,
    by: String,
    tabs: Vec<(String, String, bool)>,
    numbers: Vec<(&'static str, String)>,
    values: Vec<Row>,
    more_values: usize,
    largest: Vec<Row>,
    more_streams: usize,
    deletions: Vec<DeletionRow>,
    is_admin: bool,
    from: String,
    to: String,
}

/// The label that says most when nobody chose one.
fn usual_label(names: &[String]) -> String {
    let best = ["service_name", "app", "job", "namespace", "container", "host"];
    let found = best.iter().find(|name| names.iter().any(|known| known == *name));
    found.map(|name| (*name).to_owned()).or_else(|| names.first().cloned()).unwrap_or_default()
}

/// Renders the page. The shell needs the time range.
pub fn render(input: &StreamsInput, shell: &Shell) -> String {
    let by = if input.by.is_empty() { usual_label(&input.label_names) } else { input.by.clone() };
    let (lines, bytes) = input.streams.iter().fold((0u64, 0u64), |(lines, bytes), one| (lines + one.lines, bytes + one.bytes));
    let seconds = (input.range_ms.1.saturating_sub(input.range_ms.0) as f64 / 1000.0).max(1.0);
    let values = values(input, &by, bytes, shell);
    let mut sorted: Vec<&StreamSize> = input.streams.iter().collect();
    sorted.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.labels.cmp(&b.labels)));
    let largest = sorted.iter().take(ROWS_MAX).map(|one| {
        let query = rows::selector(&one.labels);
        let href = links::with(
            links::LOGS,
            &[("q", &rows::stream_query(one.labels.iter())), ("lang", "logql"), ("from", from(shell)), ("to", to(shell))],
        );
        row(query, 1, one.lines, one.bytes, bytes, href)
    });
    page::html(&StreamsPage {
        tabs: input.label_names.iter().take(40).map(|name| (name.clone(), shell.href("by", name), *name == by)).collect(),
        numbers: vec![
            (key("Streams"), count(input.streams.len() as u64)),
            (key("Log lines"), format::number(lines as f64, Unit::Short)),
            (key("Text"), format::number(bytes as f64, Unit::Bytes)),
            (key("A second"), format::number(bytes as f64 / seconds, Unit::BytesPerSecond)),
        ],
        more_values: values.len().saturating_sub(ROWS_MAX),
        values: values.into_iter().take(ROWS_MAX).collect(),
        largest: largest.collect(),
        more_streams: input.streams.len().saturating_sub(ROWS_MAX),
        deletions: input
            .deletions
            .iter()
            .rev()
            .take(20)
            .map(|one| DeletionRow {
                query: one.query.clone(),
                from: format::exactly(one.span_ms.0, shell.lang()),
                to: format::exactly(one.span_ms.1, shell.lang()),
                created: shell.moment(one.created_ms),
                is_done: one.is_done,
            })
            .collect(),
        is_admin: shell.is_admin(),
        from: from(shell).to_owned(),
        to: to(shell).to_owned(),
        by,
        shell,
        input,
    })
}

fn from(shell: &Shell) -> &str {
    shell.range.as_ref().map_or("now-1h", |control| control.range.from.as_str())
}

fn to(shell: &Shell) -> &str {
    shell.range.as_ref().map_or("now", |control| control.range.to.as_str())
}

fn values(input: &StreamsInput, by: &str, bytes: u64, shell: &Shell) -> Vec<Row> {
    let mut sums: HashMap<&str, (usize, u64, u64)> = HashMap::new();
    for one in &input.streams {
        let sum = sums.entry(one.labels.get(by).unwrap_or("")).or_default();
        *sum = (sum.0 + 1, sum.1 + one.lines, sum.2 + one.bytes);
    }
    let mut sums: Vec<(&str, (usize, u64, u64))> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.2.cmp(&a.1.2).then_with(|| a.0.cmp(b.0)));
    let row = |(value, (streams, lines, size)): (&str, (usize, u64, u64))| {
        // Streams are counted here, so streams are what the link selects: no field of that name in some line.
        let query = rows::stream_query(std::iter::once((by, value)));
        let href = links::with(links::LOGS, &[("q", &query), ("lang", "logql"), ("from", from(shell)), ("to", to(shell))]);
        let name = if value.is_empty() { shell.t("without this label").to_owned() } else { value.to_owned() };
        row(name, streams, lines, size, bytes, href)
    };
    sums.into_iter().map(row).collect()
}

fn row(name: String, streams: usize, lines: u64, bytes: u64, all: u64, href: String) -> Row {
    let share = if all == 0 { 0.0 } else { bytes as f64 / all as f64 };
    Row {
        name,
        streams: count(streams as u64),
        lines: count(lines),
        bytes: format::number(bytes as f64, Unit::Bytes),
        percent: format::number(share, Unit::Ratio),
        share: format!("{share:.4}"),
        href,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &StreamsInput) -> String {
        render(input, &shell(Page::Logs, "Streams", links::LOGS_STREAMS, "").with_range("now-1h"))
    }

    fn stream(service: &str, host: &str, bytes: u64) -> StreamSize {
        StreamSize { labels: Labels::from_pairs([("service_name", service), ("host", host)]), lines: bytes / 100, bytes }
    }

    #[test]
    fn values_add_up() {
        let input = StreamsInput {
            streams: vec![stream("api", "a", 3000), stream("api", "b", 1000), stream("web", "a", 4096), stream("", "a", 0)],
            label_names: vec!["host".into(), "service_name".into()],
            range_ms: (0, 60_000),
            ..StreamsInput::default()
        };
        let page = html(&input);
        sample::check(&page);
        for part in [
            "4 KiB",
            "50.6%",
            "without this label",
            "q=%7Bservice_name%3D%22api%22%7D&#38;lang=logql&#38;from=now-1h&#38;to=now",
            "q=%7Bservice_name%3D%22%22%7D",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn empty_and_foreign() {
        assert!(html(&StreamsInput::default()).contains("No streams in this range"));
        let mut input = StreamsInput {
            streams: vec![stream(HOSTILE, HOSTILE, 5)],
            label_names: vec![HOSTILE.into(), "host".into()],
            by: HOSTILE.into(),
            problem: Some(HOSTILE.into()),
            ..StreamsInput::default()
        };
        input.deletions.push(Deletion { query: HOSTILE.into(), ..Deletion::default() });
        sample::check(&html(&input));
    }
}
