//! Where series come from: metrics, labels and pairs with the most, what grew, and the limits in force.

use crate::series::labels::quote;
use crate::ui::format::{self, Unit, count};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Metrics that grew, listed at most.
const GROWTH_MAX: usize = 20;

/// What the page is made of. Lists come largest first, already cut to what is worth showing.
#[derive(Debug, Clone, Default)]
pub struct CardinalityInput {
    /// Series with recent samples.
    pub series: u64,
    /// Different `name=value` pairs.
    pub pairs: u64,
    /// Different label names.
    pub names: u64,
    /// Different metric names.
    pub metrics: u64,
    /// Series by metric.
    pub top_metrics: Vec<(String, u64)>,
    /// Different values by label name.
    pub top_labels: Vec<(String, u64)>,
    /// Bytes of values by label name.
    pub top_label_bytes: Vec<(String, u64)>,
    /// Series by pair, as name, value, series.
    pub top_pairs: Vec<(String, String, u64)>,
    /// Metrics that grew, in any order; `None` while there is nothing to compare with.
    pub growth: Option<Vec<Growth>>,
    /// Limits in force.
    pub limits: Vec<Limit>,
}

/// How a metric grew.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    /// Its name.
    pub metric: String,
    /// Series an hour ago, where that is known; 0 = it is new since.
    pub hour_ago: Option<u64>,
    /// Series a day ago, where that is known.
    pub day_ago: Option<u64>,
    /// Series now.
    pub now: u64,
}

/// A limit on series or labels.
#[derive(Debug, Clone, Default)]
pub struct Limit {
    /// Name of the setting.
    pub name: String,
    /// What it is, such as `64` or `none`.
    pub value: String,
    /// Where it applies, such as `job api` or `everywhere`.
    pub scope: String,
    /// How much of it is used, 0 to 1, where that is known.
    pub used: Option<f64>,
    /// Samples refused because of it since the start.
    pub refused: u64,
}

struct Bar {
    name: String,
    href: String,
    value: String,
    share: String,
}

struct GrowthView {
    metric: String,
    href: String,
    day_ago: String,
    hour_ago: String,
    now: String,
    change: String,
}

struct LimitView {
    name: String,
    value: String,
    scope: String,
    used: Option<(String, &'static str)>,
    refused: String,
    hit: bool,
}

struct List {
    title: &'static str,
    meta: &'static str,
    what: &'static str,
    head: &'static str,
    rows: Vec<Bar>,
}

#[derive(askama::Template)]
#[template(path = "metrics/cardinality.html")]
struct CardinalityPage<'a> {
    shell: &'a Shell,
    numbers: Vec<(&'static str, String)>,
    lists: Vec<List>,
    growth: Option<Vec<GrowthView>>,
    limits: Vec<LimitView>,
}

/// Renders the page.
pub fn render(input: &CardinalityInput, shell: &Shell) -> String {
    page::html(&CardinalityPage {
        shell,
        numbers: vec![
            (key("Series"), count(input.series)),
            (key("Metrics"), count(input.metrics)),
            (key("Label names"), count(input.names)),
            (key("Label pairs"), count(input.pairs)),
        ],
        lists: lists(input),
        growth: input.growth.as_ref().map(|list| view_growth(list, shell)),
        limits: input.limits.iter().map(view_limit).collect(),
    })
}

/// `count by (…)` questions that show what stands behind a row.
fn lists(input: &CardinalityInput) -> Vec<List> {
    let of_label = |name: &str| links::explore_table(&format!("topk(20, count by ({}) ({{{}!=\"\"}}))", label(name), label(name)));
    let pairs: Vec<(String, u64)> = input.top_pairs.iter().map(|(name, value, n)| (format!("{name}={value}"), *n)).collect();
    let mut pair_rows = bars(&pairs, Unit::Short, |_| String::new());
    for (row, (name, value, _)) in pair_rows.iter_mut().zip(&input.top_pairs) {
        row.href = links::explore_table(&format!("topk(20, count by (__name__) ({{{}={}}}))", label(name), quote(value)));
    }
    vec![
        List {
            title: key("Metrics with the most series"),
            meta: "",
            what: key("Metric"),
            head: key("Series"),
            rows: bars(&input.top_metrics, Unit::Short, links::metric),
        },
        List {
            title: key("Labels with the most values"),
            meta: key("each value multiplies series"),
            what: key("Label"),
            head: key("Values"),
            rows: bars(&input.top_labels, Unit::Short, of_label),
        },
        List { title: key("Pairs in the most series"), meta: "", what: key("Pair"), head: key("Series"), rows: pair_rows },
        List {
            title: key("Labels with the longest values"),
            meta: key("memory of all values"),
            what: key("Label"),
            head: key("Bytes"),
            rows: bars(&input.top_label_bytes, Unit::Bytes, of_label),
        },
    ]
}

/// A label's name as PromQL takes it.
fn label(name: &str) -> String {
    if crate::series::labels::is_legacy_label_name(name) { name.to_owned() } else { quote(name) }
}

fn bars(rows: &[(String, u64)], unit: Unit, href: impl Fn(&str) -> String) -> Vec<Bar> {
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1) as f64;
    let bar = |(name, n): &(String, u64)| Bar {
        name: name.clone(),
        href: href(name),
        value: if unit == Unit::Bytes { format::number(*n as f64, unit) } else { count(*n) },
        share: format!("{:.3}", *n as f64 / most),
    };
    rows.iter().map(bar).collect()
}

impl Growth {
    /// The oldest number known.
    fn before(&self) -> Option<u64> {
        self.day_ago.or(self.hour_ago)
    }

    fn by(&self) -> u64 {
        self.before().map_or(0, |before| self.now.saturating_sub(before))
    }
}

/// Those that grew, the most first.
fn view_growth(list: &[Growth], shell: &Shell) -> Vec<GrowthView> {
    let mut grown: Vec<&Growth> = list.iter().filter(|growth| growth.by() > 0).collect();
    grown.sort_by(|a, b| b.by().cmp(&a.by()).then_with(|| a.metric.cmp(&b.metric)));
    let number = |series: Option<u64>| series.map_or_else(|| "–".to_owned(), count);
    let view = |growth: &&Growth| GrowthView {
        metric: growth.metric.clone(),
        href: links::explore(&format!("count({{__name__={}}})", quote(&growth.metric))),
        day_ago: number(growth.day_ago),
        hour_ago: number(growth.hour_ago),
        now: count(growth.now),
        change: match growth.before() {
            None | Some(0) => shell.t("new").to_owned(),
            Some(before) => format!("{:+.0}%", (growth.now as f64 / before as f64 - 1.0) * 100.0),
        },
    };
    grown.iter().take(GROWTH_MAX).map(view).collect()
}

fn view_limit(limit: &Limit) -> LimitView {
    let class = |used: f64| {
        if used >= 0.95 {
            "crit"
        } else if used >= 0.8 {
            "warn"
        } else {
            "ok"
        }
    };
    LimitView {
        name: limit.name.clone(),
        value: limit.value.clone(),
        scope: limit.scope.clone(),
        used: limit.used.map(|used| (format::number(used.clamp(0.0, 9.99), Unit::Ratio), class(used))),
        refused: count(limit.refused),
        hit: limit.refused > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &CardinalityInput) -> String {
        render(input, &shell(Page::Cardinality, "Cardinality", "/cardinality", ""))
    }

    #[test]
    fn growth_shows_only_when_there_is_something_to_compare_with() {
        assert!(!html(&CardinalityInput::default()).contains("What grew"));
        let grown = |growth| html(&CardinalityInput { growth: Some(growth), ..CardinalityInput::default() });
        assert!(grown(vec![]).contains("No metric has more series than before"));
        let growth = |metric: &str, hour_ago, day_ago, now| Growth { metric: metric.to_owned(), hour_ago, day_ago, now };
        let page = grown(vec![
            growth("fell", Some(9), Some(10), 5),
            growth("little", Some(100), None, 110),
            growth("most", Some(400), Some(100), 500),
            growth("fresh", Some(0), None, 20),
        ]);
        assert!(!page.contains("fell") && page.contains("+400%") && page.contains("+10%") && page.contains(">new<"));
        assert!(page.find("most") < page.find("fresh") && page.find("fresh") < page.find("little"));
    }

    #[test]
    fn empty_and_full() {
        assert!(html(&CardinalityInput::default()).contains("Nothing is stored yet"));
        let full = html(&sample::cardinality());
        for part in ["212,400", "+38%", "sample_limit", "http_requests_total", "--w:1.000"] {
            assert!(full.contains(part), "{part}");
        }
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = format!("{HOSTILE}{}", "q".repeat(3000));
        let pair = |n| (evil.clone(), n);
        let input = CardinalityInput {
            top_metrics: vec![pair(u64::MAX), pair(0)],
            top_labels: vec![pair(1)],
            top_pairs: vec![(evil.clone(), evil.clone(), 1)],
            growth: Some(vec![Growth { metric: evil.clone(), hour_ago: None, day_ago: Some(1), now: u64::MAX }]),
            limits: vec![Limit { name: evil.clone(), value: evil.clone(), scope: evil.clone(), used: Some(f64::NAN), refused: 1 }],
            ..CardinalityInput::default()
        };
        sample::check(&html(&input));
    }
}
