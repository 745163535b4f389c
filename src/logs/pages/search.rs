//! Searching: one bar, lines by level over time, values to filter by, and the newest lines that match.
//!
//! Works without script: the form submits, values are links, the first lines stand in the page. `<ph-logs>` adds the rest.

use std::collections::BTreeMap;

use super::asked::{Asked, Filter, View, href_filtered};
use super::counts::{self, Bars};
use super::facets::{self, Facet, FacetView, Tally};
use super::fields;
use super::levels::Levels;
use super::rows::{self, Rows, ShownLine};
use super::saved::SavedSearch;
use super::spelled::spelled;
use super::wrong::{Wrong, wrong};
use crate::access::Role;
use crate::series::labels::Labels;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Lines in the page itself; scripts ask for more.
pub const LINES_MAX: usize = 200;
/// Saved searches in the menu; their own page has all.
const SAVED_MAX: usize = 12;
/// Rows of a metric query's table.
const VALUES_MAX: usize = 500;

/// What is wrong with a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryProblem {
    /// In words.
    pub message: String,
    /// Where in the text of the bar, in bytes.
    pub span: Option<(usize, usize)>,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct SearchInput {
    /// What was asked.
    pub asked: Asked,
    /// The whole query as LogQL, filters included; empty when it cannot be read.
    pub logql: String,
    /// Labels of streams whose one value the query names.
    pub selected: Vec<(String, String)>,
    /// What is wrong with it.
    pub problem: Option<QueryProblem>,
    /// What failed beside the query, such as a time limit.
    pub notes: Vec<String>,
    /// The newest lines that match, newest first, at most [`LINES_MAX`].
    pub lines: Vec<ShownLine>,
    /// Lines by level over the range; nothing for metric queries.
    pub levels: Option<Levels>,
    /// Whether the lines are still being counted: then there are no levels, and facets are those of the lines shown.
    pub is_counting: bool,
    /// Labels with their values over all lines that match.
    pub facets: Vec<Facet>,
    /// The answer of a metric query at the end of the range.
    pub values: Option<Vec<(Labels, f64)>>,
    /// Bytes of text that were read.
    pub read_bytes: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// The range, in milliseconds.
    pub range_ms: (i64, i64),
    /// The newest line there is, in milliseconds; nothing if none is stored.
    pub newest_ms: Option<i64>,
    /// Names of labels of streams.
    pub label_names: Vec<String>,
    /// Lines that one answer of the API holds at most.
    pub lines_max: usize,
    /// Saved searches that whoever looks sees, by name.
    pub saved: Vec<SavedSearch>,
    /// Whether they have own ones besides everybody's.
    pub has_own: bool,
    /// Whether they may change what everybody sees.
    pub may_share: bool,
    /// Address for pushes, to show how to send.
    pub push_url: String,
}

struct Pill {
    name: String,
    value: String,
    is_excluded: bool,
    href: String,
}

struct Choice {
    name: String,
    is_on: bool,
    href: String,
}

enum Nothing {
    /// Nothing was ever stored.
    Ever,
    /// Not in this range; where the newest line is.
    Here { newest: Option<(Moment, String)>, without_filters: Option<String> },
}

#[derive(askama::Template)]
#[template(path = "logs/search.html")]
struct SearchPage<'a> {
    shell: &'a Shell,
    asked: &'a Asked,
    input: &'a SearchInput,
    pills: Vec<Pill>,
    wrong: Option<Wrong>,
    compiled: Vec<(&'static str, &'a str)>,
    compiled_href: String,
    facets: Vec<FacetView>,
    field_facets: Vec<FacetView>,
    bars: Option<Bars>,
    counts_src: String,
    counts_all: String,
    list: Rows,
    is_dated: bool,
    is_patterns: bool,
    total: String,
    read: String,
    choices: Vec<Choice>,
    exports: Vec<(&'static str, &'static str, String)>,
    saved: Vec<(&'a str, String, bool)>,
    saved_as: String,
    nothing: Option<Nothing>,
    values: Vec<(String, String)>,
    more_values: usize,
    may_connect: bool,
    names: String,
    metrics_href: String,
    alert_href: String,
    board_href: String,
    view_href: String,
    chart_src: String,
    wrap_href: String,
}

/// Renders the page. The shell needs the time range.
pub fn render(input: &SearchInput, shell: &Shell) -> String {
    let asked = &input.asked;
    let lang = shell.lang();
    let is_dated = input.range_ms.1.saturating_sub(input.range_ms.0) > 86_400_000;
    let columns = asked.columns.clone().unwrap_or_else(|| rows::usual_columns(&input.lines));
    let found_fields = fields_of(&input.lines, &input.facets);
    let total = input.levels.as_ref().map_or(input.lines.len() as u64, Levels::total);
    let values = input.values.as_deref().unwrap_or_default();
    page::html(&SearchPage {
        pills: pills(asked, shell),
        wrong: input.problem.as_ref().map(|problem| wrong(&asked.text, problem)),
        // LogQL that stands in the bar already is not said again.
        compiled: if asked.is_logql && asked.filters.is_empty() { Vec::new() } else { spelled(&input.logql) },
        compiled_href: compiled_href(input, shell),
        facets: facets::views(&input.facets, asked, shell),
        field_facets: facets::field_views(&found_fields, asked, shell),
        bars: input.levels.as_ref().map(|levels| counts::bars(levels, 0, lang)),
        counts_src: if input.is_counting { counts_src(shell) } else { String::new() },
        counts_all: shell.href("counts", "all"),
        choices: choices(&columns, &input.facets, &found_fields, shell),
        list: rows::rows(&input.lines, columns, is_dated, None),
        is_dated,
        is_patterns: asked.view == View::Patterns,
        total: if input.is_counting && input.levels.is_none() {
            lang.fill("At least {} lines", &[&format::count(total)])
        } else {
            lang.n(total, "{} line", "{} lines")
        },
        read: lang.fill("read {} in {} ms", &[&format::number(input.read_bytes as f64, Unit::Bytes), &input.took_ms]),
        exports: exports(input),
        saved: input.saved.iter().take(SAVED_MAX).map(|one| saved(one, asked, shell)).collect(),
        saved_as: asked.to_query(),
        nothing: (input.problem.is_none() && input.values.is_none() && input.lines.is_empty()).then(|| nothing(input, shell)),
        values: values.iter().take(VALUES_MAX).map(|(labels, value)| (rows::selector(labels), crate::base::float::plain(*value))).collect(),
        more_values: values.len().saturating_sub(VALUES_MAX),
        may_connect: shell.has_role(Role::Editor),
        names: input.label_names.join(","),
        metrics_href: metrics_href(input, shell),
        alert_href: if shell.has_role(Role::Editor) { alert_href(input) } else { String::new() },
        board_href: if shell.has_role(Role::Editor) { board_href(input, shell) } else { String::new() },
        chart_src: links::with(links::LOGS_CHART, &[("q", input.logql.as_str())]),
        view_href: shell.href("view", if asked.view == View::Patterns { "" } else { "patterns" }),
        wrap_href: shell.href("wrap", if asked.wrap { "" } else { "1" }),
        shell,
        asked,
        input,
    })
}

/// A saved search: its name, its address in the range that is looked at, and whether it is what is shown.
fn saved<'a>(one: &'a SavedSearch, asked: &Asked, shell: &Shell) -> (&'a str, String, bool) {
    let range = ["from", "to"].map(|name| (name, shell.param(name).unwrap_or("")));
    (&one.name, one.href(&range), one.query == asked.to_query())
}

/// A new alerting rule about this search; of lines it is their number that is looked at.
fn alert_href(input: &SearchInput) -> String {
    if input.logql.is_empty() || input.problem.is_some() {
        return String::new();
    }
    let expr = if input.values.is_some() { input.logql.clone() } else { format!("sum(count_over_time({} [5m])) > 0", input.logql) };
    links::with(links::ALERTS_EDIT, &[("q", &expr), ("lang", "logql")])
}

/// This search as a panel of a dashboard that is still to be chosen.
fn board_href(input: &SearchInput, shell: &Shell) -> String {
    if input.logql.is_empty() || input.problem.is_some() {
        return String::new();
    }
    let view = if input.values.is_some() { "" } else { "logs" };
    let range = ["from", "to"].map(|name| (name, shell.param(name).unwrap_or("")));
    links::with(links::BOARDS_ADD, &[("q", &input.logql), ("lang", "logql"), ("view", view), range[0], range[1]])
}

/// Where the counts of this search come from.
fn counts_src(shell: &Shell) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(shell.params_but(&[])).finish();
    format!("{}?{query}", links::LOGS_COUNTS)
}

/// The same search with all of its LogQL in the bar.
fn compiled_href(input: &SearchInput, shell: &Shell) -> String {
    // Words lead back as long as they are all there was.
    let words = if input.asked.filters.is_empty() && !input.asked.is_logql { input.asked.text.as_str() } else { "" };
    shell.href_with(&[("f", ""), ("to_lang", ""), ("q", input.logql.as_str()), ("lang", "logql"), ("words", words)])
}

/// Which metrics there are with the labels that were asked for, in the range that is looked at.
fn metrics_href(input: &SearchInput, shell: &Shell) -> String {
    let wanted =
        input.asked.filters.iter().filter(|filter| !filter.is_excluded).map(|filter| (filter.label.as_str(), filter.value.as_str()));
    let mut labels: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (label, value) in wanted.chain(input.selected.iter().map(|(label, value)| (label.as_str(), value.as_str()))) {
        // Of two values neither tells which metrics.
        let one = labels.entry(label).or_insert(Some(value));
        *one = one.filter(|known| *known == value);
    }
    labels.remove(facets::LEVEL);
    let chosen: Vec<(&str, &str)> = labels.into_iter().filter_map(|(label, value)| Some((label, value?))).collect();
    if chosen.is_empty() {
        return String::new();
    }
    let range = ["from", "to"].map(|name| (name, shell.param(name).unwrap_or("")));
    links::with(&metrics_of(chosen.into_iter()), &range)
}

/// Labels that only lines have.
const OF_LINES: [&str; 5] = ["filename", "stream", "level", facets::LEVEL, "flags"];

/// The explorer's table of metrics that have some labels.
pub(super) fn metrics_of<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let all: Vec<(&str, &str)> = labels.collect();
    // A service without a name of its own is called as another label says, which metrics have alone.
    let is_derived = |name: &str, value: &str| name == "service_name" && all.iter().any(|(other, known)| *other != name && *known == value);
    let shared = all.iter().copied().filter(|(name, value)| !OF_LINES.contains(name) && !is_derived(name, value));
    let mut shared = Labels::from_pairs(shared);
    if shared.is_empty() {
        shared = Labels::from_pairs(all.iter().copied());
    }
    let selector = rows::selector(&shared);
    links::explore_table(&format!("count by (__name__) ({selector})"))
}

fn pills(asked: &Asked, shell: &Shell) -> Vec<Pill> {
    let mut pills: Vec<Pill> = Vec::new();
    let mut done: Vec<(&str, bool)> = Vec::new();
    for filter in &asked.filters {
        let which = (filter.label.as_str(), filter.is_excluded);
        if done.contains(&which) {
            continue;
        }
        done.push(which);
        let same = |other: &&Filter| other.label == filter.label && other.is_excluded == filter.is_excluded;
        let values: Vec<&str> = asked.filters.iter().filter(same).map(|filter| filter.value.as_str()).collect();
        let others: Vec<Filter> = asked.filters.iter().filter(|other| !same(other)).cloned().collect();
        pills.push(Pill {
            name: facets::name_of(&filter.label).to_owned(),
            value: values.join(", "),
            is_excluded: filter.is_excluded,
            href: href_filtered(shell, &others),
        });
    }
    pills
}

/// Fields of the lines that are shown, but those that are labels.
fn fields_of(lines: &[ShownLine], labels: &[Facet]) -> Vec<Facet> {
    let mut tally = Tally::default();
    for line in lines {
        // A level stands among the labels whatever the line calls it.
        let known = |name: &str| name == "level" || labels.iter().any(|facet| facet.label == name) || line.stream.contains(name);
        for (name, value) in line.fields.iter().filter(|(name, _)| !known(name)) {
            tally.add(name, value, 1);
        }
        for (name, value) in fields::of_line(&line.text) {
            if !known(&name) && !line.fields.contains(&name) && value.len() <= 128 {
                tally.add(&name, &value, 1);
            }
        }
    }
    tally.facets()
}

/// Columns that can be chosen: labels, then fields of the lines that are shown.
fn choices(columns: &[String], labels: &[Facet], found: &[Facet], shell: &Shell) -> Vec<Choice> {
    let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
    for facet in labels.iter().chain(found) {
        if facet.label != facets::LEVEL && !names.contains(&facet.label.as_str()) && names.len() < 40 {
            names.push(&facet.label);
        }
    }
    let choice = |name: &str| {
        let is_on = columns.iter().any(|column| column == name);
        let mut next: Vec<&str> = columns.iter().map(String::as_str).filter(|column| *column != name).collect();
        if !is_on {
            next.push(name);
        }
        // No column at all is a choice too, and not the same as none chosen.
        let value = if next.is_empty() { ",".to_owned() } else { next.join(",") };
        Choice { name: name.to_owned(), is_on, href: shell.href("cols", &value) }
    };
    names.into_iter().map(choice).collect()
}

fn exports(input: &SearchInput) -> Vec<(&'static str, &'static str, String)> {
    let (from, to) = (input.range_ms.0.to_string(), input.range_ms.1.to_string());
    let columns = input.asked.columns.as_ref().map(|columns| columns.join(",")).unwrap_or_default();
    let href = |format: &str| {
        links::with(
            links::LOGS_EXPORT,
            &[("q", input.logql.as_str()), ("from", &from), ("to", &to), ("cols", &columns), ("format", format)],
        )
    };
    vec![(key("JSON lines"), "jsonl", href("jsonl")), (key("CSV"), "csv", href("csv")), (key("Plain text"), "txt", href("txt"))]
}

fn nothing(input: &SearchInput, shell: &Shell) -> Nothing {
    let Some(newest_ms) = input.newest_ms else { return Nothing::Ever };
    let is_outside = newest_ms < input.range_ms.0 || newest_ms >= input.range_ms.1;
    let there = |at: i64| {
        let (from, to) = ((at - 900_000).to_string(), (at + 60_000).to_string());
        shell.href_with(&[("from", &from), ("to", &to)])
    };
    Nothing::Here {
        newest: is_outside.then(|| (shell.moment(newest_ms), there(newest_ms))),
        without_filters: (!input.asked.filters.is_empty()).then(|| href_filtered(shell, &[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::logs::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &SearchInput, query: &str) -> String {
        render(input, &shell(Page::Logs, "Logs", links::LOGS, query).with_range("now-1h").with_refresh("off"))
    }

    #[test]
    fn lines_bars_and_facets_are_in_the_page() {
        let page = html(&sample::search(), "q=rate&from=now-24h");
        sample::check(&page);
        for part in
            ["slow query took", "detected_level%3Aerror", "class=\"ln warn\"", "<path class=\"info\"", "data-logql=", "/logs/export?"]
        {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("class=\"ln ").count(), sample::search().lines.len());
    }

    #[test]
    fn metrics_of_the_same_labels_and_range_are_one_step_away() {
        let mut input = sample::search();
        input.asked = Asked::from_query("f=host:a&f=host:b&f=-env:dev&f=zone:eu&f=detected_level:error");
        input.selected = vec![("app".into(), "x".into()), ("zone".into(), "eu".into())];
        let shell = shell(Page::Logs, "Logs", links::LOGS, "from=now-3h").with_range("now-1h");
        let href = metrics_href(&input, &shell);
        assert!(href.contains("%7Bapp%3D%22x%22%2C%20zone%3D%22eu%22%7D") && href.ends_with("&from=now-3h"), "{href}");
        assert_eq!(metrics_href(&SearchInput::default(), &shell), "");
        let selector = |pairs: &[(&str, &str)]| metrics_of(pairs.iter().copied());
        assert_eq!(
            selector(&[("job", "api"), ("service_name", "api"), ("filename", "/a.log"), ("level", "info")]),
            selector(&[("job", "api")]),
            "what only lines have is left out"
        );
        assert!(selector(&[("service_name", "cart"), ("job", "shop")]).contains("service_name"), "it has a name of its own");
        assert!(selector(&[("filename", "/a.log")]).contains("filename"), "nothing else is there");
    }

    #[test]
    fn a_search_becomes_a_panel_of_lines_or_of_numbers() {
        let mut input = SearchInput { logql: "{a=\"b\"}".to_owned(), ..sample::search() };
        let mut shell = shell(Page::Logs, "Logs", links::LOGS, "from=now-3h").with_range("now-1h");
        assert_eq!(board_href(&input, &shell), "/d/add?q=%7Ba%3D%22b%22%7D&lang=logql&view=logs&from=now-3h");
        input.values = Some(Vec::new());
        assert_eq!(board_href(&input, &shell), "/d/add?q=%7Ba%3D%22b%22%7D&lang=logql&from=now-3h");
        assert!(render(&input, &shell).contains(links::BOARDS_ADD));
        shell.caller = Caller::Nobody(None);
        assert!(!render(&input, &shell).contains(links::BOARDS_ADD), "who may not edit dashboards is offered none");
        input.problem = Some(QueryProblem::default());
        assert_eq!(board_href(&input, &shell), "");
    }

    #[test]
    fn foreign_text_stays_text() {
        let mut input = sample::search();
        input.asked = Asked { text: HOSTILE.to_owned(), ..Asked::from_query("f=a:%3Cimg%20src%3Dx%3E&cols=%3Cimg%3E") };
        for line in &mut input.lines {
            line.text = HOSTILE.to_owned();
            line.stream = Labels::from_pairs([("job", HOSTILE)]);
            line.fields = Labels::from_pairs([(facets::LEVEL, HOSTILE), ("x", HOSTILE)]);
        }
        input.facets = vec![Facet { label: HOSTILE.to_owned(), values: vec![(HOSTILE.to_owned(), 1)] }];
        input.notes = vec![HOSTILE.to_owned()];
        sample::check(&html(&input, ""));
        input.lines.clear();
        input.values = Some(vec![(Labels::from_pairs([("a", HOSTILE)]), 1.0)]);
        sample::check(&html(&input, ""));
        for span in [None, Some((1, 1)), Some((99, 3)), Some((4, 9))] {
            input.problem = Some(QueryProblem { message: HOSTILE.to_owned(), span });
            sample::check(&html(&input, ""));
        }
    }

    #[test]
    fn nothing_says_what_to_do_next() {
        let empty = html(&SearchInput { push_url: "http://x/loki/api/v1/push".into(), ..SearchInput::default() }, "");
        assert!(empty.contains("No logs yet") && empty.contains(links::CONNECT) && empty.contains("http://x/loki/api/v1/push"));
        let now = 1_763_714_000_000;
        let elsewhere = SearchInput {
            newest_ms: Some(now - 10_800_000),
            range_ms: (now - 900_000, now),
            asked: Asked::from_query("f=host:a"),
            ..SearchInput::default()
        };
        let page = html(&elsewhere, "f=host:a");
        assert!(page.contains("3 h ago") && page.contains("from=1763702300000") && page.contains("Without filters"), "{page}");
    }

    #[test]
    fn errors_stand_at_their_place() {
        let mut input = SearchInput { asked: Asked { text: "é {a=}".into(), ..Asked::default() }, ..SearchInput::default() };
        input.problem = Some(QueryProblem { message: "unexpected }".into(), span: Some((6, 7)) });
        let page = html(&input, "");
        assert!(page.contains("é {a=<mark>}</mark>") && page.contains("data-start=\"5\""), "{page}");
    }
}
