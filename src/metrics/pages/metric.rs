//! One metric: what it means, where it comes from, who asks for it, what is odd about its name, and how to drop it.

use super::catalogue::{explore, odd_words, suited_query, word};
use super::units::guess;
use crate::base::time::Duration;
use crate::metrics::model::catalogue::{DESCRIPTION_CHARS_MAX, Detail, Giver, LabelOf, UNIT_CHARS_MAX, Way};
use crate::metrics::model::category::Category;
use crate::metrics::model::naming::better;
use crate::metrics::model::users::User;
use crate::series::labels::{is_legacy_label_name, is_legacy_metric_name, quote};
use crate::series::ports::MetricUse;
use crate::series::sample::MetricType;
use crate::ui::format::{Moment, count};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Users that are named.
const USERS_SHOWN: usize = 200;
/// Series that a chart shows one by one.
const DRAWN_MAX: u64 = 12;
/// Given by scraping itself, which nothing drops.
const BY_SCRAPING: [&str; 9] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
    "scrape_response_size_bytes",
];

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct MetricInput {
    /// All that is known.
    pub detail: Detail,
    /// What somebody sends as its description, where that was refused: description, unit, category.
    pub sent: Option<(String, String, String)>,
    /// Why.
    pub problem: String,
    /// What was done: `described` or `forgotten`.
    pub done: String,
    /// Whether the reader may describe it.
    pub may_change: bool,
}

struct LabelRow {
    name: String,
    values: String,
    some: Vec<String>,
    more: usize,
    href: String,
}

struct UserRow {
    kind: &'static str,
    title: String,
    href: String,
}

/// How a metric is dropped.
struct Drop {
    /// What to put into the configuration.
    yaml: String,
    /// What that saves.
    saves: String,
    /// What will then be without it.
    warning: String,
    /// Of what comes in otherwise, what to do.
    others: Vec<&'static str>,
}

#[derive(askama::Template)]
#[template(path = "metrics/metric.html")]
struct MetricPage<'a> {
    shell: &'a Shell,
    input: &'a MetricInput,
    kind: &'static str,
    about: &'static str,
    facts: Vec<(&'static str, String)>,
    changed: Option<Moment>,
    query: String,
    chart: String,
    unit: &'static str,
    explore: String,
    labels: Vec<LabelRow>,
    users: Vec<UserRow>,
    users_more: usize,
    odd: Vec<String>,
    better: Option<String>,
    drop: Drop,
    said: &'static str,
    described: String,
    family: String,
    fields: (String, String, String),
    categories: Vec<&'static str>,
}

/// The word for what asks.
pub(super) const fn kind_word(kind: MetricUse) -> &'static str {
    match kind {
        MetricUse::Board => key("Dashboard"),
        MetricUse::Rule => key("Rule"),
        MetricUse::Kpi => key("KPI"),
        MetricUse::Slo => key("SLO"),
        MetricUse::Check => key("Check"),
    }
}

/// Renders the page.
pub fn render(input: &MetricInput, shell: &Shell) -> String {
    let (detail, metric) = (&input.detail, &input.detail.metric);
    let query = drawn(detail);
    let own = metric.own.as_deref().cloned().unwrap_or_default();
    let kept = (own.description.clone(), own.unit.clone(), own.category.map_or("", Category::as_str).to_owned());
    page::html(&MetricPage {
        shell,
        input,
        kind: if metric.native { "native histogram" } else { metric.kind.as_str() },
        about: word(metric.category()),
        facts: facts(detail, shell),
        changed: metric.own.as_ref().map(|own| shell.moment(own.changed_at)),
        chart: links::chart(&[&query], &[], ""),
        unit: guess(&query).listed_id(),
        query,
        explore: explore(metric),
        labels: detail.labels.iter().map(|label| label_row(&metric.name, label)).collect(),
        users: metric.users.iter().take(USERS_SHOWN).map(|user| user_row(user)).collect(),
        users_more: metric.users.len().saturating_sub(USERS_SHOWN),
        odd: metric.odd().into_iter().map(|odd| odd_words(odd, shell)).collect(),
        better: better(metric.family(), metric.kind, &metric.unit),
        drop: drop_of(detail, shell),
        said: match input.done.as_str() {
            "described" => key("Kept: this comes before what its target says."),
            "forgotten" => key("Forgotten: what its target says counts again."),
            _ => "",
        },
        described: links::metric_describe(metric.family()),
        family: metric.family().to_owned(),
        fields: input.sent.clone().unwrap_or(kept),
        categories: Category::ALL.map(word).to_vec(),
    })
}

fn user_row(user: &User) -> UserRow {
    UserRow { kind: kind_word(user.kind), title: user.title.clone(), href: user.href.clone() }
}

/// What the chart asks: few series one by one, many put together by job.
fn drawn(detail: &Detail) -> String {
    let metric = &detail.metric;
    let query = suited_query(&metric.name, metric.kind, metric.native);
    let is_one = metric.series <= DRAWN_MAX || query.starts_with("histogram_quantile");
    if is_one {
        return query;
    }
    let together = if query.starts_with("rate(") { "sum" } else { "avg" };
    format!("{together} by (job) ({query})")
}

fn facts(detail: &Detail, shell: &Shell) -> Vec<(&'static str, String)> {
    let metric = &detail.metric;
    let comma = shell.lang().comma();
    let series = match share(metric.series, detail.series_in_all) {
        Some(share) => shell.f2("{}, which is {} of all", count(metric.series), share),
        None => count(metric.series),
    };
    let unit = if metric.unit.is_empty() { shell.t("not told").to_owned() } else { metric.unit.clone() };
    let mut facts = vec![
        (key("Type"), shell.t(if metric.native { "native histogram" } else { metric.kind.as_str() }).to_owned()),
        (key("Unit"), unit),
        (key("About"), shell.t(word(metric.category())).to_owned()),
        (key("Series"), series),
    ];
    let recorded: Vec<&str> = detail.recorders.iter().map(|user| user.title.as_str()).collect();
    if !recorded.is_empty() {
        let kinds = shell.t(kind_word(detail.recorders[0].kind));
        facts.push((key("Recorded by"), format!("{kinds} {}", recorded.join(comma))));
    }
    let collected: Vec<String> = detail.givers.iter().take(8).map(|giver| giver_words(giver, shell)).collect();
    let collected = if collected.is_empty() { shell.t("nothing gave it of late").to_owned() } else { collected.join("; ") };
    facts.push((key("Collected"), collected));
    facts
}

/// `every 15s, by job node`.
fn giver_words(giver: &Giver, shell: &Shell) -> String {
    let every = giver.every_ms.map(|ms| Duration::from_ms(ms).to_string());
    let job = if giver.job.is_empty() { shell.t("no job").to_owned() } else { shell.f1("job {}", &giver.job) };
    match (giver.way, every) {
        (Way::Scraped, Some(every)) => shell.f2("every {}, scraped by {}", every, job),
        (Way::Itself, Some(every)) => shell.f2("every {}, by pharos itself as {}", every, job),
        (Way::Sent, Some(every)) => shell.f2("about every {} as its newest samples show, from {}", every, job),
        (_, None) => shell.f1("seldom, from {}", job),
    }
}

fn share(series: u64, all: u64) -> Option<String> {
    let part = series as f64 / all as f64 * 100.0;
    match (series, all) {
        (0, _) | (_, 0) => None,
        _ if part < 0.1 => Some("< 0.1 %".to_owned()),
        _ if part < 10.0 => Some(format!("{part:.1} %")),
        _ => Some(format!("{part:.0} %")),
    }
}

fn label_row(metric: &str, label: &LabelOf) -> LabelRow {
    let name = if is_legacy_label_name(&label.name) { label.name.clone() } else { quote(&label.name) };
    LabelRow {
        name: label.name.clone(),
        values: count(label.values as u64),
        some: label.some.clone(),
        more: label.values.saturating_sub(label.some.len()),
        href: links::explore_table(&format!("topk(50, count by ({name}) ({{__name__={}}}))", quote(metric))),
    }
}

/// A text as YAML takes it on one line.
fn yaml(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quote(text) }
}

fn drop_of(detail: &Detail, shell: &Shell) -> Drop {
    let metric = &detail.metric;
    let scraped: Vec<&Giver> = detail.givers.iter().filter(|giver| giver.way == Way::Scraped).collect();
    if BY_SCRAPING.contains(&metric.name.as_str()) {
        let others = vec![key("Scraping itself gives it, so no rule drops it.")];
        return Drop { yaml: String::new(), saves: String::new(), warning: String::new(), others };
    }
    let pattern = if is_legacy_metric_name(&metric.name) { metric.name.clone() } else { regex::escape(&metric.name) };
    let mut text = String::new();
    for giver in &scraped {
        text.push_str(&format!(
            "  - job_name: {}\n    metric_relabel_configs:\n      - source_labels: [__name__]\n        regex: {}\n        action: drop\n",
            yaml(&giver.job),
            yaml(&pattern)
        ));
    }
    let saved: u64 = scraped.iter().map(|giver| giver.series).sum();
    let saves = match share(saved, detail.series_in_all) {
        Some(share) => shell.f2("That saves {}, which is {} of all.", shell.lang().n(saved, "{} series", "{} series"), share),
        None => String::new(),
    };
    let titles: Vec<&str> = metric.users.iter().take(5).map(|user| user.title.as_str()).collect();
    let warning = match metric.users.len() {
        0 => String::new(),
        n if n > titles.len() => {
            shell.f2("Then {} and {} more have no data any more.", titles.join(shell.lang().comma()), n - titles.len())
        }
        _ => shell.f1("Then {} will have no data any more.", titles.join(shell.lang().comma())),
    };
    let has = |way: Way| detail.givers.iter().any(|giver| giver.way == way);
    let mut others = Vec::new();
    if has(Way::Itself) {
        others.push(key(
            "What pharos measures by itself is chosen by host.collectors, or turned off by host.enabled and server.own_metrics.",
        ));
    }
    if !detail.recorders.is_empty() {
        others.push(key("It is recorded here: without its rule it ends."));
    } else if has(Way::Sent) {
        others.push(key("It is sent here: let its sender leave it out, in Prometheus by write_relabel_configs with the same rule."));
    }
    if detail.givers.is_empty() {
        others.push(key("Nothing gives it any more: it goes away by itself as it gets older than retention."));
    }
    let yaml = if text.is_empty() { String::new() } else { format!("scrape_configs:\n{text}") };
    Drop { yaml, saves, warning, others }
}

impl MetricPage<'_> {
    fn is_category(&self, word: &&str) -> bool {
        self.fields.2 == *word
    }

    fn is_part(&self) -> bool {
        self.family != self.input.detail.metric.name
    }

    const fn description_max(&self) -> usize {
        DESCRIPTION_CHARS_MAX
    }

    const fn unit_max(&self) -> usize {
        UNIT_CHARS_MAX
    }

    fn is_info(&self) -> bool {
        matches!(self.input.detail.metric.kind, MetricType::Info | MetricType::StateSet)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::model::catalogue::{Metric, Own};
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &MetricInput) -> String {
        render(input, &shell(Page::Metrics, "m", "/catalogue/m", ""))
    }

    fn detail() -> Detail {
        let user = User { kind: MetricUse::Board, title: "Shop".to_owned(), href: "/d/shop/shop".to_owned() };
        let giver = |job: &str, way, every_ms, series| Giver { job: job.to_owned(), way, every_ms, series };
        Detail {
            metric: Metric {
                name: "http_requests_total".to_owned(),
                kind: MetricType::Counter,
                help: "Requests.".to_owned(),
                series: 40,
                users: vec![Arc::new(user)],
                ..Metric::default()
            },
            labels: vec![LabelOf { name: "path".to_owned(), values: 20, some: vec!["/".to_owned(), "/a".to_owned()] }],
            givers: vec![giver("shop: a", Way::Scraped, Some(15_000), 30), giver("", Way::Sent, Some(60_000), 10)],
            series_in_all: 1_000,
            ..Detail::default()
        }
    }

    #[test]
    fn everything_known_is_told() {
        let page = html(&MetricInput { detail: detail(), may_change: true, ..MetricInput::default() });
        for part in [
            "every 15s, scraped by job shop: a",
            "about every 1m as its newest samples show, from no job",
            "40, which is 4.0 % of all",
            "/d/shop/shop",
            "job_name: &#34;shop: a&#34;",
            "regex: http_requests_total",
            "That saves 30 series, which is 3.0 % of all.",
            "Then Shop will have no data any more.",
            "write_relabel_configs",
            "and 18 more",
            "/catalogue/http_requests_total/describe",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn what_scraping_gives_is_not_dropped_and_many_series_are_drawn_together() {
        let mut one = detail();
        assert_eq!(drawn(&one), "sum by (job) (rate(http_requests_total[5m]))");
        one.metric.name = "up".to_owned();
        one.metric.kind = MetricType::Gauge;
        assert_eq!(drawn(&one), "avg by (job) (up)");
        let page = html(&MetricInput { detail: one, ..MetricInput::default() });
        assert!(page.contains("no rule drops it") && !page.contains("metric_relabel_configs:"));
        assert!(!page.contains("name=\"description\""), "a viewer describes nothing");
    }

    #[test]
    fn odd_names_get_better_ones_and_own_words_are_marked() {
        let mut one = detail();
        one.metric.name = "app.latencyMs".to_owned();
        one.metric.kind = MetricType::Gauge;
        one.metric.users.clear();
        one.metric.own = Some(Arc::new(Own { description: "Ours.".to_owned(), changed_by: "ann".to_owned(), ..Own::default() }));
        one.metric.help = "Ours.".to_owned();
        let page = html(&MetricInput { detail: one, may_change: true, done: "described".to_owned(), ..MetricInput::default() });
        for part in [
            "app_latency_seconds",
            "letters that older programs do not read",
            "ann",
            "regex: &#34;app\\\\.latencyMs&#34;",
            "Nothing asks for it",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn hostile_values_are_text() {
        let mut one = detail();
        one.metric.name = HOSTILE.to_owned();
        one.metric.help = HOSTILE.to_owned();
        one.metric.unit = HOSTILE.to_owned();
        one.labels = vec![LabelOf { name: HOSTILE.to_owned(), values: 1, some: vec![HOSTILE.to_owned()] }];
        one.givers[0].job = HOSTILE.to_owned();
        one.metric.users = vec![Arc::new(User { kind: MetricUse::Kpi, title: HOSTILE.to_owned(), href: "/".to_owned() })];
        let sent = Some((HOSTILE.to_owned(), HOSTILE.to_owned(), HOSTILE.to_owned()));
        sample::check(&html(&MetricInput { detail: one, sent, problem: HOSTILE.to_owned(), may_change: true, ..MetricInput::default() }));
    }
}
