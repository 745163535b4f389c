//! URLs of metrics: exploring, the catalogue, what is scraped and pushed, how the server stores it.

use super::{encode, with};

/// Queries and charts. `/metrics` is taken: there the server shows its own metrics to scrapers.
pub const EXPLORE: &str = "/explore";
/// List of metrics.
pub const CATALOGUE: &str = "/catalogue";
/// A metric, by its name.
pub const METRIC: &str = "/catalogue/{name}";
/// POST: what somebody says of a metric: `description`, `unit`, `category`; `forget` takes it back.
pub const METRIC_DESCRIBE: &str = "/catalogue/{name}/describe";
/// GET: the list of metrics as a table.
pub const CATALOGUE_CSV: &str = "/api/v1/catalogue.csv";
/// GET: the list of metrics for programs.
pub const CATALOGUE_JSON: &str = "/api/v1/catalogue";
/// Trying out how programs send metrics as JSON; POST sends one.
pub const SEND: &str = "/send";
/// How fast pages are for those who look at them.
pub const VITALS: &str = "/web-vitals";
/// The script that measures it, for pages elsewhere.
pub const VITALS_SCRIPT: &str = "/vitals.js";
/// Scrape targets.
pub const TARGETS: &str = "/targets";
/// Where series come from.
pub const CARDINALITY: &str = "/cardinality";
/// Groups of pushed metrics.
pub const PUSHED: &str = "/pushed";
/// POST: deletes a pushed group.
pub const PUSHED_DELETE: &str = "/pushed/delete";
/// The server itself.
pub const STATUS: &str = "/status";
/// GET: columns for charts.
pub const CHART: &str = "/ui/chart";

/// The explorer with a query.
pub fn explore(query: &str) -> String {
    with(EXPLORE, &[("q", query)])
}

/// The explorer's table with a query.
pub fn explore_table(query: &str) -> String {
    with(EXPLORE, &[("q", query), ("view", "table")])
}

/// Chart data for queries, with one legend for all or one for each; the chart itself adds range and width.
pub fn chart(queries: &[&str], legends: &[&str], step: &str) -> String {
    let mut params: Vec<(&str, &str)> = queries.iter().map(|query| ("q", *query)).collect();
    params.extend(legends.iter().map(|legend| ("legend", *legend)));
    params.push(("step", step));
    with(CHART, &params)
}

/// A metric, by its name.
pub fn metric(name: &str) -> String {
    METRIC.replace("{name}", &encode(name))
}

/// Where a metric is described, by its name.
pub fn metric_describe(name: &str) -> String {
    METRIC_DESCRIBE.replace("{name}", &encode(name))
}

/// The catalogue with a search.
pub fn catalogue(search: &str) -> String {
    with(CATALOGUE, &[("search", search)])
}
