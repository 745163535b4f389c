//! Which metrics exist: name, what it is about, type, unit, help, series, labels, and what is odd about its name; a click
//! starts a query suited to the type.

use crate::metrics::model::catalogue::{Filter, Found, Metric, Order, Said, find};
use crate::metrics::model::category::Category;
use crate::metrics::model::naming::Oddity;
use crate::series::sample::MetricType;
use crate::ui::format::count;
use crate::ui::lang::key;
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
    /// Queries that cannot be read, so that nobody knows what they ask for.
    pub unread: usize,
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
    about: &'static str,
    odd: Vec<String>,
    kind: &'static str,
    unit: String,
    help: String,
    is_own: bool,
    users: usize,
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
    abouts: Vec<(&'static str, usize, bool)>,
    odd: usize,
    unused: usize,
    unused_words: String,
    unread_words: String,
    csv: String,
    json: String,
    rows: Vec<Row>,
    page: usize,
    pages: usize,
}

impl CataloguePage<'_> {
    /// Where a category is chosen, or given up.
    fn about_href(&self, about: &str, is_on: &bool) -> String {
        self.shell.href_with(&[("about", if *is_on { "" } else { about }), ("page", "")])
    }

    /// Where what is odd is chosen, or given up.
    fn odd_href(&self) -> String {
        self.shell.href_with(&[("odd", if self.filter.only_odd { "" } else { "1" }), ("page", "")])
    }

    /// Where what nobody asks for is chosen, or given up.
    fn unused_href(&self) -> String {
        self.shell.href_with(&[("unused", if self.filter.only_unused { "" } else { "1" }), ("page", "")])
    }

    fn kind_is(&self, word: &str) -> bool {
        self.filter.kind.is_some_and(|kind| kind.as_str() == word)
    }

    fn is_by(&self, order: &str) -> bool {
        order
            == match self.filter.order {
                Order::Name => "name",
                Order::Series => "series",
                Order::Users => "users",
            }
    }
}

/// Renders the page; labels are asked for where they are shown and not known.
pub fn render(input: &CatalogueInput, shell: &Shell, labels: &dyn Fn(&str) -> Vec<String>) -> String {
    let filter = &input.filter;
    let Found { metrics, kinds, categories, odd, unused } = find(&input.metrics, filter);
    let abouts = categories.iter().map(|(one, n)| (word(*one), *n, filter.category == Some(*one))).collect();
    let pages = metrics.len().div_ceil(PAGE_METRICS).max(1);
    let page = filter.page.min(pages - 1);
    let rows = metrics.iter().skip(page * PAGE_METRICS).take(PAGE_METRICS).map(|said| row(said, shell, labels)).collect();
    let params: Vec<(&str, &str)> = shell.params_but(&["page"]).into_iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let lang = shell.lang();
    let unused_words = match unused {
        (0, _) => String::new(),
        (n, series) => {
            lang.fill("Nothing uses {} with {}", &[&lang.n(n as u64, "{} metric", "{} metrics"), &lang.n(series, "{} series", "{} series")])
        }
    };
    let unread_words = match input.unread as u64 {
        0 => String::new(),
        unread => lang.n(unread, "{} query that is kept cannot be read.", "{} queries that are kept cannot be read."),
    };
    page::html(&CataloguePage {
        shell,
        filter,
        total: input.metrics.len(),
        total_words: count(input.metrics.len() as u64),
        found: metrics.len(),
        found_words: lang.n(metrics.len() as u64, "{} metric", "{} metrics"),
        kinds,
        abouts,
        odd,
        unused: unused.0,
        unused_words,
        unread_words,
        csv: links::with(links::CATALOGUE_CSV, &params),
        json: links::with(links::CATALOGUE_JSON, &params),
        rows,
        page,
        pages,
    })
}

/// The word of a category, which is also its value in the address.
pub(super) const fn word(category: Category) -> &'static str {
    match category {
        Category::Usage => key("usage"),
        Category::Performance => key("performance"),
        Category::Reliability => key("reliability"),
        Category::Business => key("business"),
        Category::Security => key("security"),
        Category::Infrastructure => key("infrastructure"),
    }
}

/// What is odd, in words.
pub(super) fn odd_words(odd: Oddity, shell: &Shell) -> String {
    match odd {
        Oddity::NotBaseUnit(found, base) | Oddity::ShortUnit(found, base) => shell.f2(odd.words(), found, base),
        _ => shell.t(odd.words()).to_owned(),
    }
}

/// Where a metric is looked at in the explorer.
pub(super) fn explore(metric: &Metric) -> String {
    let query = suited_query(&metric.name, metric.kind, metric.native);
    let is_table = matches!(metric.kind, MetricType::Info | MetricType::StateSet);
    if is_table { links::explore_table(&query) } else { links::explore(&query) }
}

fn row(said: &Said<'_>, shell: &Shell, labels: &dyn Fn(&str) -> Vec<String>) -> Row {
    let metric = said.metric;
    let mut named = if metric.labels.is_empty() { labels(&metric.name) } else { metric.labels.clone() };
    let labels_more = named.len().saturating_sub(LABELS_SHOWN);
    named.truncate(LABELS_SHOWN);
    Row {
        name: metric.name.clone(),
        href: links::metric(&metric.name),
        about: word(said.category),
        odd: said.odd.iter().map(|odd| odd_words(*odd, shell)).collect(),
        kind: if metric.native { "native histogram" } else { metric.kind.as_str() },
        unit: metric.unit.clone(),
        help: metric.help.clone(),
        is_own: metric.own.is_some(),
        users: metric.users.len(),
        series: count(metric.series),
        labels: named,
        labels_more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &CatalogueInput) -> String {
        render(input, &shell(Page::Metrics, "Metrics", "/catalogue", ""), &|_| Vec::new())
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
    fn metrics_are_found_by_what_they_are_about_and_what_is_odd() {
        let metric = |name: &str, kind, help: &str| Metric { name: name.into(), kind, help: help.into(), ..Metric::default() };
        let metrics = vec![
            metric("shop_orders", MetricType::Counter, "Orders."),
            metric("node_load1", MetricType::Gauge, "Load."),
            metric("api_latency_ms_bucket", MetricType::Histogram, ""),
        ];
        let of = |query: &str| {
            html(&CatalogueInput { metrics: metrics.clone(), filter: Filter::from_query(query), ..CatalogueInput::default() })
        };
        let all = of("");
        for said in ["a counter ends in _total", "ms where seconds is usual", "nobody says what it means", ">business<", ">infrastructure<"]
        {
            assert!(all.contains(said), "{said}: {all}");
        }
        assert!(of("about=business").contains("shop_orders") && !of("about=business").contains("node_load1"));
        let odd = of("odd=1");
        assert!(odd.contains("shop_orders") && odd.contains("api_latency_ms_bucket") && !odd.contains(">node_load1<"));
        assert!(!all.contains("its ending is for histograms"), "a histogram's series end so");
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
        sample::check(&html(&CatalogueInput { metrics: vec![metric], ..CatalogueInput::default() }));
        sample::check(&html(&CatalogueInput { filter: Filter { search: evil, ..Filter::default() }, ..CatalogueInput::default() }));
    }
}
