//! The explorer: queries in, chart or table out; the URL is the whole state.
//!
//! `/explore?q=…&q=…&from=now-1h&to=now&step=&legend=&view=graph|stacked|table`. Graphs are drawn by `<ph-chart>`
//! from [`super::chart`]; tables are evaluated at the end of the range and rendered here, so they work without script.

use super::chart::{QUERIES_MAX, utf16_offset};
use super::units;
use crate::access::Role;
use crate::series::histogram::Histogram;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::legend;
use crate::series::ports::{Answer, EvaluateError};
use crate::series::value::{Point, Value};
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Rows of a table; more are counted.
const ROWS_MAX: usize = 1_000;
/// Label columns of a table; more share one column.
const COLUMNS_MAX: usize = 8;
/// Samples shown of a series in a range vector.
const SAMPLES_MAX: usize = 20;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Lines over time.
    #[default]
    Graph,
    /// Stacked areas over time.
    Stacked,
    /// Values at one time.
    Table,
}

/// What the URL asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExploreQuery {
    /// The queries as written, empty ones left out, at most [`QUERIES_MAX`].
    pub queries: Vec<String>,
    /// How to show them.
    pub view: View,
    /// Step as written; empty = by width.
    pub step: String,
    /// Template of names as written; empty = what differs.
    pub legend: String,
    /// Whether one more empty row was asked for.
    pub add: bool,
}

impl ExploreQuery {
    /// From a query string.
    pub fn from_query(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.trim()) {
                ("q", text) if !text.is_empty() && asked.queries.len() < QUERIES_MAX => asked.queries.push(text.to_owned()),
                ("view", "table") | ("instant", "1" | "true") => asked.view = View::Table,
                ("view", "stacked") => asked.view = View::Stacked,
                ("step", text) => asked.step = text.to_owned(),
                ("legend", text) => asked.legend = text.to_owned(),
                ("add", _) => asked.add = true,
                _ => {}
            }
        }
        asked
    }
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ExploreInput {
    /// What was asked.
    pub asked: ExploreQuery,
    /// For tables: an answer for each query at `at_ms`.
    pub answers: Vec<Result<Answer, EvaluateError>>,
    /// For graphs, which ask for their own data: why each query cannot be read, if so.
    pub errors: Vec<Option<EvaluateError>>,
    /// When tables were evaluated, in milliseconds.
    pub at_ms: i64,
    /// How long that took, in milliseconds.
    pub took_ms: Option<u64>,
    /// Metrics to start from when nothing is asked yet, as name and query.
    pub suggestions: Vec<(String, String)>,
}

impl ExploreInput {
    fn error(&self, at: usize) -> Option<&EvaluateError> {
        let answered = self.answers.get(at).and_then(|answer| answer.as_ref().err());
        answered.or_else(|| self.errors.get(at)?.as_ref())
    }
}

struct ErrorView {
    message: String,
    before: String,
    wrong: String,
    after: String,
    start: Option<usize>,
    end: Option<usize>,
}

struct RowView {
    letter: char,
    text: String,
    error: Option<ErrorView>,
}

struct Cell {
    text: String,
    title: String,
}

struct TableRow {
    cells: Vec<String>,
    value: Cell,
}

struct Table {
    letter: char,
    query: String,
    kind: &'static str,
    columns: Vec<String>,
    rows: Vec<TableRow>,
    more: usize,
    notes: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "metrics/explore.html")]
struct ExplorePage<'a> {
    may_edit: bool,
    unit: &'static str,
    shell: &'a Shell,
    asked: &'a ExploreQuery,
    rows: Vec<RowView>,
    is_table: bool,
    is_stacked: bool,
    src: String,
    tables: Vec<Table>,
    at: Moment,
    summary: String,
    suggestions: Vec<(String, String)>,
    title: String,
}

/// Renders the page. The shell needs the time range (`now-1h`) and refresh (`off`).
pub fn render(input: &ExploreInput, shell: &Shell) -> String {
    let asked = &input.asked;
    let letters = 'A'..='Z';
    let mut rows: Vec<RowView> = letters
        .clone()
        .zip(&asked.queries)
        .enumerate()
        .map(|(at, (letter, text))| RowView { letter, text: text.clone(), error: input.error(at).map(|error| view_error(text, error)) })
        .collect();
    if rows.is_empty() || (asked.add && rows.len() < QUERIES_MAX) {
        let letter = letters.clone().nth(rows.len()).unwrap_or('?');
        rows.push(RowView { letter, text: String::new(), error: None });
    }
    let is_table = asked.view == View::Table;
    let mut tables: Vec<Table> = Vec::new();
    if is_table {
        for ((letter, query), answer) in letters.zip(&asked.queries).zip(&input.answers) {
            if let Ok(answer) = answer {
                tables.push(table(letter, query, answer, shell.lang()));
            }
        }
    }
    let found: usize = tables.iter().map(|table| table.rows.len() + table.more).sum();
    let queries: Vec<&str> = asked.queries.iter().map(String::as_str).collect();
    let legends: &[&str] = if asked.legend.is_empty() { &[] } else { &[asked.legend.as_str()] };
    page::html(&ExplorePage {
        may_edit: shell.has_role(Role::Editor),
        unit: units::shared(&asked.queries).map_or("", Unit::listed_id),
        shell,
        asked,
        rows,
        is_table,
        is_stacked: asked.view == View::Stacked,
        src: if queries.is_empty() { String::new() } else { links::chart(&queries, legends, &asked.step) },
        at: format::exactly(input.at_ms, shell.lang()),
        summary: if is_table && !queries.is_empty() { summary(found, input.took_ms, shell) } else { String::new() },
        tables,
        suggestions: input.suggestions.iter().map(|(name, query)| (shell.t(name).to_owned(), links::explore(query))).collect(),
        title: if queries.len() == 1 { queries[0].to_owned() } else { shell.t("Result").to_owned() },
    })
}

fn summary(found: usize, took_ms: Option<u64>, shell: &Shell) -> String {
    let series = shell.lang().n(found as u64, "{} series", "{} series");
    took_ms.map_or_else(|| series.clone(), |ms| format!("{series} · {}", shell.f1("{} ms", ms)))
}

/// The message, and the query cut where it went wrong.
fn view_error(query: &str, error: &EvaluateError) -> ErrorView {
    let span = match error {
        EvaluateError::Invalid { span: Some((from, to)), .. } => {
            // Offsets come from a parser: move them to where characters begin rather than trust them.
            let floor = |mut at: usize| {
                at = at.min(query.len());
                while !query.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let from = floor(*from);
            Some((from, floor(*to).max(from)))
        }
        _ => None,
    };
    let (before, wrong, after) = span.map_or(("", "", ""), |(from, to)| (&query[..from], &query[from..to], &query[to..]));
    ErrorView {
        message: error.to_string(),
        before: before.to_owned(),
        // A problem at the very end has nothing to underline: show where something is missing.
        wrong: if span.is_some() && wrong.is_empty() { "…".to_owned() } else { wrong.to_owned() },
        after: after.to_owned(),
        start: span.map(|(from, _)| utf16_offset(query, from)),
        end: span.map(|(_, to)| utf16_offset(query, to)),
    }
}

fn table(letter: char, query: &str, answer: &Answer, lang: Lang) -> Table {
    let mut entries: Vec<(&Labels, Cell)> = Vec::new();
    let none = Labels::empty();
    let plain = |value: f64| {
        let text = crate::base::float::plain(value);
        Cell { title: String::new(), text }
    };
    match &answer.value {
        Value::Scalar(_, value) => entries.push((&none, plain(*value))),
        Value::String(_, text) => entries.push((&none, Cell { text: text.clone(), title: String::new() })),
        Value::Vector(samples) => entries.extend(samples.iter().map(|sample| {
            let cell = match &sample.value {
                Point::Float(value) => plain(*value),
                Point::Histogram(histogram) => histogram_cell(histogram, lang),
            };
            (&sample.labels, cell)
        })),
        Value::Matrix(series) => entries.extend(series.iter().map(|one| {
            let total = one.floats.len() + one.histograms.len();
            let skipped = one.floats.len().saturating_sub(SAMPLES_MAX);
            let mut text: Vec<String> = one
                .floats
                .iter()
                .skip(skipped)
                .map(|(ts, value)| format!("{} @{}", crate::base::float::plain(*value), *ts as f64 / 1000.0))
                .collect();
            text.extend(
                one.histograms.last().map(|(ts, histogram)| format!("{} @{}", histogram_cell(histogram, lang).text, *ts as f64 / 1000.0)),
            );
            if skipped > 0 {
                text.insert(0, lang.fill("the last {} of {}:", &[&SAMPLES_MAX, &total]));
            }
            (&one.labels, Cell { text: text.join("\n"), title: String::new() })
        })),
    }
    let mut columns: Vec<&str> = entries.iter().take(ROWS_MAX).flat_map(|(labels, _)| labels.iter().map(|(name, _)| name)).collect();
    columns.sort_unstable_by_key(|name| (*name != METRIC_NAME, *name));
    columns.dedup();
    let one_column = columns.len() > COLUMNS_MAX;
    let rows = entries.iter().take(ROWS_MAX).map(|(labels, value)| TableRow {
        cells: if one_column {
            vec![legend::full(labels)]
        } else {
            columns.iter().map(|name| labels.get(name).unwrap_or("").to_owned()).collect()
        },
        value: Cell { text: value.text.clone(), title: value.title.clone() },
    });
    let heading = |name: &&str| if *name == METRIC_NAME { lang.t("Metric").to_owned() } else { (*name).to_owned() };
    Table {
        letter,
        query: query.to_owned(),
        kind: match &answer.value {
            Value::Scalar(..) => key("scalar"),
            Value::String(..) => key("text"),
            Value::Vector(_) => "",
            Value::Matrix(_) => key("range vector"),
        },
        rows: rows.collect(),
        columns: if one_column { vec![lang.t("Series").to_owned()] } else { columns.iter().map(heading).collect() },
        more: entries.len().saturating_sub(ROWS_MAX),
        notes: answer.warnings.iter().chain(&answer.infos).cloned().collect(),
    }
}

fn histogram_cell(histogram: &Histogram, lang: Lang) -> Cell {
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    Cell {
        text: format!("count {}, sum {}", crate::base::float::plain(histogram.count), crate::base::float::plain(histogram.sum)),
        title: lang.fill("native histogram, schema {}, {}", &[&histogram.schema, &lang.n(buckets as u64, "{} bucket", "{} buckets")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::series::ports::EvalStats;
    use crate::series::value::InstantSample;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &ExploreInput) -> String {
        render(input, &shell(Page::Metrics, "Metrics", "/explore", "q=up").with_range("now-1h").with_refresh("off"))
    }

    fn answer(value: Value) -> Answer {
        Answer { value, warnings: vec![], infos: vec![], stats: EvalStats::default() }
    }

    #[test]
    fn the_url_is_read() {
        let asked = ExploreQuery::from_query("q=up&q=&q=rate(x%5B5m%5D)&view=table&step=30s&legend=%7B%7Bjob%7D%7D");
        assert_eq!(asked.queries, ["up", "rate(x[5m])"]);
        assert_eq!((asked.view, asked.step.as_str(), asked.legend.as_str()), (View::Table, "30s", "{{job}}"));
        assert_eq!(ExploreQuery::from_query(&"q=a&".repeat(99)).queries.len(), QUERIES_MAX);
        assert_eq!(ExploreQuery::from_query("instant=1").view, View::Table);
    }

    #[test]
    fn empty_graph_and_table() {
        let empty = html(&ExploreInput { suggestions: vec![("up".into(), "up".into())], ..ExploreInput::default() });
        assert!(empty.contains("<textarea") && empty.contains("/explore?q=up") && !empty.contains("<ph-chart"));
        let graph = html(&ExploreInput { asked: ExploreQuery::from_query("q=up&view=stacked"), ..ExploreInput::default() });
        assert!(graph.contains("src=\"/ui/chart?q=up\"") && graph.contains(" stack"));
        let sample = |n: usize| InstantSample {
            labels: Labels::from_pairs([("__name__", "up".to_owned()), ("i", n.to_string())]),
            ts: 0,
            value: Point::Float(f64::NAN),
        };
        let table = html(&ExploreInput {
            asked: ExploreQuery::from_query("q=up&view=table"),
            answers: vec![Ok(answer(Value::Vector((0..1500).map(sample).collect())))],
            ..ExploreInput::default()
        });
        assert!(table.contains("1,500 series") && table.contains("500 more") && table.contains("NaN"));
    }

    #[test]
    fn who_edits_dashboards_can_put_it_on_one() {
        let mut shell = shell(Page::Metrics, "Metrics", "/explore", "q=x&view=stacked").with_range("now-1h").with_refresh("off");
        let asked = ExploreQuery::from_query("q=rate(x_total[5m])&q=rate(y_total[5m])&view=stacked");
        let input = ExploreInput { asked, ..ExploreInput::default() };
        let page = render(&input, &shell);
        assert!(page.contains("name=\"unit\" value=\"ops\" formaction=\"/d/add\""), "{page}");
        assert!(page.contains("type=\"hidden\" name=\"view\" value=\"stacked\""), "{page}");
        shell.caller = Caller::Nobody(None);
        assert!(!render(&input, &shell).contains(links::BOARDS_ADD), "who may not edit dashboards is offered none");
    }

    #[test]
    fn errors_stand_at_their_token() {
        let error = |span| Err(EvaluateError::Invalid { message: "1:4: parse error: no".into(), span });
        let asked = ExploreQuery { queries: vec!["é + )".into()], ..ExploreQuery::default() };
        let page = html(&ExploreInput { asked: asked.clone(), answers: vec![error(Some((5, 6)))], ..ExploreInput::default() });
        assert!(page.contains("é + <mark>)</mark>") && page.contains("data-start=\"4\""), "{page}");
        let errors = vec![error(Some((5, 6))).err()];
        let graph = html(&ExploreInput { asked: asked.clone(), errors, ..ExploreInput::default() });
        assert!(graph.contains("é + <mark>)</mark>"), "graphs show what cannot be read");
        // Spans that cut a character or lie outside must not break the page.
        for span in [Some((1, 1)), Some((99, 3)), None] {
            sample::check(&html(&ExploreInput { asked: asked.clone(), answers: vec![error(span)], ..ExploreInput::default() }));
        }
    }

    #[test]
    fn every_kind_of_value_has_a_table() {
        let histogram = std::sync::Arc::new(Histogram { count: 3.0, sum: 1.5, ..Histogram::default() });
        let series = crate::series::value::RangeSeries {
            labels: Labels::from_pairs([("a", "b")]),
            floats: (0..50).map(|n| (n * 1000, 1.0)).collect(),
            histograms: vec![(1, histogram.clone())],
        };
        let sample = InstantSample { labels: Labels::empty(), ts: 0, value: Point::Histogram(histogram) };
        for (value, part) in [
            (Value::Scalar(0, 4.5), "4.5"),
            (Value::String(0, "words".into()), "words"),
            (Value::Matrix(vec![series]), "the last 20 of 51"),
            (Value::Vector(vec![sample]), "count 3, sum 1.5"),
            (Value::Vector(vec![]), "No series"),
        ] {
            let page = html(&ExploreInput {
                asked: ExploreQuery::from_query("q=x&view=table"),
                answers: vec![Ok(answer(value))],
                ..ExploreInput::default()
            });
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = format!("{HOSTILE}{}", "k".repeat(3000));
        let labels = Labels::from_pairs((0..12).map(|n| (format!("{evil}{n}"), evil.clone())));
        let value = Value::Vector(vec![InstantSample { labels, ts: 0, value: Point::Float(1.0) }]);
        let mut answer = answer(value);
        answer.warnings.push(evil.clone());
        let asked = ExploreQuery {
            queries: vec![evil.clone(), evil.clone()],
            view: View::Table,
            step: evil.clone(),
            legend: evil.clone(),
            add: true,
        };
        let input = ExploreInput {
            asked,
            answers: vec![Ok(answer), Err(EvaluateError::Execution(evil.clone()))],
            suggestions: vec![(evil.clone(), evil)],
            ..ExploreInput::default()
        };
        sample::check(&html(&input));
    }
}
