//! Which metrics exist: name, type, unit, help, series, labels; a click starts a query suited to the type.

use crate::series::sample::MetricType;
use crate::ui::format::count;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Metrics on one page.
const PAGE_METRICS: usize = 100;
/// Labels named in a row.
const LABELS_SHOWN: usize = 8;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct CatalogueInput {
    /// All metrics, in any order.
    pub metrics: Vec<Metric>,
    /// What the reader asked for.
    pub filter: Filter,
}

/// One metric (family).
#[derive(Debug, Clone, Default)]
pub struct Metric {
    /// Its name as it stands in `__name__`.
    pub name: String,
    /// Its type; of a classic histogram's `_bucket` series, the histogram.
    pub kind: MetricType,
    /// Its unit as the target says it; may be empty.
    pub unit: String,
    /// What it means, in the target's words.
    pub help: String,
    /// Series with recent samples.
    pub series: u64,
    /// Names of its labels without `__name__`, or some of them.
    pub labels: Vec<String>,
    /// Whether it is a native histogram.
    pub native: bool,
}

/// What the reader asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that name or help must contain.
    pub search: String,
    /// Only this type.
    pub kind: Option<MetricType>,
    /// By number of series instead of by name.
    pub by_series: bool,
    /// Page, from 0.
    pub page: usize,
}

impl Filter {
    /// From a query string: `search`, `type`, `sort` (`name`, `series`), `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "search" => filter.search = value.trim().to_owned(),
                "type" => filter.kind = MetricType::parse(&value),
                "sort" => filter.by_series = value == "series",
                "page" => filter.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }
}

/// A query that makes sense for a metric of this type.
pub fn suited_query(name: &str, kind: MetricType, native: bool) -> String {
    let plain = crate::series::labels::is_legacy_metric_name(name);
    let select = |metric: &str| if plain { metric.to_owned() } else { format!("{{{}}}", crate::series::labels::quote(metric)) };
    let stem = name.strip_suffix("_bucket").unwrap_or(name);
    match kind {
        MetricType::Counter => format!("rate({}[5m])", select(name)),
        MetricType::Histogram if native => format!("histogram_quantile(0.95, sum(rate({}[5m])))", select(name)),
        MetricType::Histogram if name.ends_with("_sum") || name.ends_with("_count") => format!("rate({}[5m])", select(name)),
        MetricType::Histogram => format!("histogram_quantile(0.95, sum by (le) (rate({}[5m])))", select(&format!("{stem}_bucket"))),
        MetricType::Summary if !name.ends_with("_sum") && !name.ends_with("_count") => select(name),
        MetricType::Summary => format!("rate({}[5m])", select(name)),
        MetricType::Unknown if name.ends_with("_total") || name.ends_with("_bucket") => format!("rate({}[5m])", select(name)),
        _ => select(name),
    }
}

struct Row {
    name: String,
    href: String,
    kind: &'static str,
    unit: String,
    help: String,
    series: String,
    labels: Vec<String>,
    labels_more: usize,
}

#[derive(askama::Template)]
#[template(path = "metrics/catalogue.html")]
struct CataloguePage<'a> {
    shell: &'a Shell,
    filter: &'a Filter,
    total: usize,
    total_words: String,
    found: usize,
    found_words: String,
    kinds: Vec<(&'static str, usize)>,
    rows: Vec<Row>,
    page: usize,
    pages: usize,
}

impl CataloguePage<'_> {
    fn kind_is(&self, word: &str) -> bool {
        self.filter.kind.is_some_and(|kind| kind.as_str() == word)
    }
}

/// Renders the page.
pub fn render(input: &CatalogueInput, shell: &Shell) -> String {
    let filter = &input.filter;
    let search = filter.search.to_lowercase();
    let words: Vec<&str> = search.split_whitespace().collect();
    let takes =
        |metric: &&Metric| words.iter().all(|word| metric.name.to_lowercase().contains(word) || metric.help.to_lowercase().contains(word));
    let matching: Vec<&Metric> = input.metrics.iter().filter(takes).collect();
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    for metric in &matching {
        let word = metric.kind.as_str();
        match kinds.iter_mut().find(|(known, _)| *known == word) {
            Some((_, n)) => *n += 1,
            None => kinds.push((word, 1)),
        }
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut found: Vec<&Metric> = matching.into_iter().filter(|metric| filter.kind.is_none_or(|kind| metric.kind == kind)).collect();
    // With a search, names that contain the words come before helps that do.
    let in_help = |metric: &Metric| !words.iter().all(|word| metric.name.to_lowercase().contains(word));
    if filter.by_series {
        found.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.name.cmp(&b.name)));
    } else {
        found.sort_by_cached_key(|metric| (in_help(metric), metric.name.clone()));
    }
    let pages = found.len().div_ceil(PAGE_METRICS).max(1);
    let page = filter.page.min(pages - 1);
    let rows = found.iter().skip(page * PAGE_METRICS).take(PAGE_METRICS).map(|metric| row(metric)).collect();
    page::html(&CataloguePage {
        shell,
        filter,
        total: input.metrics.len(),
        total_words: count(input.metrics.len() as u64),
        found: found.len(),
        found_words: shell.lang().n(found.len() as u64, "{} metric", "{} metrics"),
        kinds,
        rows,
        page,
        pages,
    })
}

fn row(metric: &Metric) -> Row {
    let query = suited_query(&metric.name, metric.kind, metric.native);
    let table = matches!(metric.kind, MetricType::Info | MetricType::StateSet);
    Row {
        name: metric.name.clone(),
        href: if table { links::explore_table(&query) } else { links::explore(&query) },
        kind: if metric.native { "native histogram" } else { metric.kind.as_str() },
        unit: metric.unit.clone(),
        help: metric.help.clone(),
        series: count(metric.series),
        labels: metric.labels.iter().take(LABELS_SHOWN).cloned().collect(),
        labels_more: metric.labels.len().saturating_sub(LABELS_SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &CatalogueInput) -> String {
        render(input, &shell(Page::Metrics, "Metrics", "/catalogue", ""))
    }

    #[test]
    fn queries_suit_the_type() {
        for (name, kind, native, query) in [
            ("http_requests_total", MetricType::Counter, false, "rate(http_requests_total[5m])"),
            ("up", MetricType::Gauge, false, "up"),
            ("d_seconds_bucket", MetricType::Histogram, false, "histogram_quantile(0.95, sum by (le) (rate(d_seconds_bucket[5m])))"),
            ("d_seconds", MetricType::Histogram, true, "histogram_quantile(0.95, sum(rate(d_seconds[5m])))"),
            ("d_seconds_count", MetricType::Histogram, false, "rate(d_seconds_count[5m])"),
            ("x_total", MetricType::Unknown, false, "rate(x_total[5m])"),
            ("http.requests", MetricType::Counter, false, "rate({\"http.requests\"}[5m])"),
        ] {
            assert_eq!(suited_query(name, kind, native), query);
        }
    }

    #[test]
    fn none_one_many_and_searched() {
        assert!(html(&CatalogueInput::default()).contains("No metrics yet"));
        let mut input = sample::catalogue();
        assert!(html(&input).contains("node_cpu_seconds_total"));
        input.filter = Filter::from_query("search=cpu+mode&type=counter");
        let found = html(&input);
        assert!(found.contains("node_cpu_seconds_total") && !found.contains("go_goroutines"));
        input.filter = Filter::from_query("search=nowhere");
        assert!(html(&input).contains("No metric matches"));
        input.metrics = (0..2500).map(|n| Metric { name: format!("m{n}"), series: n, ..Metric::default() }).collect();
        input.filter = Filter::from_query("sort=series&page=1");
        let page = html(&input);
        assert!(page.contains(">m2399<") && !page.contains(">m2400<") && page.contains("Page 2 of 25"));
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = format!("{HOSTILE}{}", "z".repeat(5000));
        let metric = Metric {
            name: evil.clone(),
            unit: evil.clone(),
            help: evil.clone(),
            labels: vec![evil.clone(); 40],
            series: u64::MAX,
            ..Metric::default()
        };
        sample::check(&html(&CatalogueInput { metrics: vec![metric], filter: Filter::default() }));
        sample::check(&html(&CatalogueInput { metrics: vec![], filter: Filter { search: evil, ..Filter::default() } }));
    }
}
