//! One line: all of its text and fields, and the lines of its stream before and after it.

use super::rows::{self, Rows, ShownLine};
use super::search::metrics_of;
use super::{facets, fields};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lines before it and lines after it.
pub const AROUND_MAX: usize = 50;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct LineInput {
    /// What is wrong with the address, in words.
    pub problem: Option<String>,
    /// The stream's selector.
    pub selector: String,
    /// The time of the line, in nanoseconds.
    pub ts_ns: i64,
    /// Lines around it and itself, oldest first.
    pub lines: Vec<ShownLine>,
}

struct Field {
    name: String,
    value: String,
    href_only: String,
    href_not: String,
}

struct Found {
    time: String,
    class: &'static str,
    level: String,
    text: String,
    labels: Vec<Field>,
    fields: Vec<Field>,
    href_metrics: String,
}

#[derive(askama::Template)]
#[template(path = "logs/line.html")]
struct LinePage<'a> {
    shell: &'a Shell,
    input: &'a LineInput,
    found: Vec<Found>,
    list: Rows,
    href_earlier: String,
    href_later: String,
    href_stream: String,
}

/// Renders the page.
pub fn render(input: &LineInput, shell: &Shell) -> String {
    let at = |line: &&ShownLine| line.ts_ns == input.ts_ns;
    let around = |line: Option<&ShownLine>| {
        line.map(|line| links::with(links::LOGS_LINE, &[("s", &input.selector), ("t", &line.ts_ns.to_string())])).unwrap_or_default()
    };
    let (from, to) = span_around(input.ts_ns);
    page::html(&LinePage {
        found: input.lines.iter().filter(at).map(|line| found(line, shell)).collect(),
        list: rows::rows(&input.lines, Vec::new(), true, Some(input.ts_ns)),
        href_earlier: around(input.lines.first().filter(|line| line.ts_ns < input.ts_ns)),
        href_later: around(input.lines.last().filter(|line| line.ts_ns > input.ts_ns)),
        href_stream: links::with(links::LOGS, &[("q", &input.selector), ("lang", "logql"), ("from", &from), ("to", &to)]),
        shell,
        input,
    })
}

/// A quarter of an hour before a moment and after it, in milliseconds as text.
fn span_around(ts_ns: i64) -> (String, String) {
    let at_ms = ts_ns.div_euclid(1_000_000);
    (at_ms.saturating_sub(900_000).to_string(), at_ms.saturating_add(900_000).to_string())
}

fn found(line: &ShownLine, shell: &Shell) -> Found {
    let (from, to) = span_around(line.ts_ns);
    let filtered = |name: &str, value: &str, sign: &str| {
        links::with(links::LOGS, &[("f", &format!("{sign}{name}:{value}")), ("from", &from), ("to", &to)])
    };
    let selected = |name: &str, value: &str| Field {
        name: facets::name_of(name).to_owned(),
        value: value.to_owned(),
        href_only: filtered(name, value, ""),
        href_not: filtered(name, value, "-"),
    };
    // A field of the text is no label before it was read; where the stream has a label of its name, it gets another.
    let stream = rows::stream_query(line.stream.iter());
    let parsed = |name: &str, value: &str| {
        let label = if line.stream.contains(name) { format!("{name}_extracted") } else { name.to_owned() };
        let href = |sign: &str| {
            let filter = format!("{sign}{label}:{value}");
            links::with(links::LOGS, &[("q", &stream), ("lang", "logql"), ("f", &filter), ("from", &from), ("to", &to)])
        };
        Field { name: name.to_owned(), value: value.to_owned(), href_only: href(""), href_not: href("-") }
    };
    let mut all: Vec<Field> = line.fields.iter().map(|(name, value)| selected(name, value)).collect();
    for (name, value) in fields::of_line(&line.text) {
        // A level that was found in the text is shown already, by that name.
        let is_shown = all.iter().any(|field| field.name == name && field.value == value);
        if !is_shown && !line.fields.contains(&name) && line.stream.get(&name) != Some(value.as_str()) {
            all.push(parsed(&name, &value));
        }
    }
    // A table shows the end of its range.
    let at_ms = line.ts_ns.div_euclid(1_000_000);
    let metrics_from = at_ms.saturating_sub(1_800_000).to_string();
    let metrics = links::with(&metrics_of(line.stream.iter()), &[("from", &metrics_from), ("to", &at_ms.to_string())]);
    Found {
        time: rows::exact(line.ts_ns),
        class: if line.level().is_empty() { "unknown" } else { super::levels::class(line.level()) },
        level: if line.level().is_empty() { shell.t("no level").to_owned() } else { line.level().to_owned() },
        text: pretty(&rows::without_colours(&line.text)),
        labels: line.stream.iter().map(|(name, value)| selected(name, value)).collect(),
        fields: all,
        href_metrics: metrics,
    }
}

/// JSON on several lines; other texts as they are.
fn pretty(text: &str) -> String {
    if !text.trim_start().starts_with(['{', '[']) {
        return text.to_owned();
    }
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::pages::sample::{self, HOSTILE};
    use crate::series::labels::Labels;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &LineInput) -> String {
        render(input, &shell(Page::Logs, "Line", links::LOGS_LINE, ""))
    }

    #[test]
    fn a_line_shows_all_of_itself_and_its_neighbours() {
        let mut lines = sample::lines();
        lines.reverse();
        let at = lines.iter().position(|line| line.text.starts_with('{')).expect("a line of JSON");
        let input = LineInput { ts_ns: lines[at].ts_ns, selector: "{a=\"b\"}".into(), lines, problem: None };
        let page = html(&input);
        sample::check(&page);
        for part in ["&#34;took_ms&#34;: 14.2", "trace_id", "ln info mark", "Earlier", "Later", "f=user_id%3Au_31", "f=-user_id%3Au_31"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn what_is_missing_or_foreign() {
        let gone = html(&LineInput { selector: "{a=\"b\"}".into(), ts_ns: 5, ..LineInput::default() });
        assert!(gone.contains("This line is not there"));
        let wrong = html(&LineInput { problem: Some(HOSTILE.into()), ..LineInput::default() });
        sample::check(&wrong);
        let line = ShownLine {
            ts_ns: 5,
            text: HOSTILE.into(),
            stream: Labels::from_pairs([("a", HOSTILE)]),
            fields: Labels::from_pairs([("b", HOSTILE)]),
        };
        sample::check(&html(&LineInput { ts_ns: 5, lines: vec![line], selector: HOSTILE.into(), problem: None }));
    }
}
