//! The catalogue: metrics with what is known of each, and which of them a reader asks for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::category::Category;
use super::naming::{Oddity, oddities};
use super::users::User;
use crate::series::sample::MetricType;

/// Longest name of a metric that is described, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Longest unit, in characters.
pub const UNIT_CHARS_MAX: usize = 50;
/// Metrics that are described here at most.
pub const DESCRIBED_MAX: i64 = 10_000;

/// What somebody here says of a metric. It comes before what its target says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// What it means; empty for what the target says.
    pub description: String,
    /// In what it is counted; empty for what the target says.
    pub unit: String,
    /// What it is about; none for what its name says.
    pub category: Option<Category>,
    /// When it was written, in milliseconds since the Unix epoch.
    pub changed_at: i64,
    /// By whom.
    pub changed_by: String,
}

/// One metric: the series of one name.
#[derive(Debug, Clone, Default)]
pub struct Metric {
    /// Its name as it stands in `__name__`.
    pub name: String,
    /// Its type; of a classic histogram's `_bucket` series, the histogram.
    pub kind: MetricType,
    /// Its unit, in the words of somebody here or of the target; may be empty.
    pub unit: String,
    /// What it means, in the words of somebody here or of the target; may be empty.
    pub help: String,
    /// What somebody here says of it.
    pub own: Option<Arc<Own>>,
    /// Series with recent samples.
    pub series: u64,
    /// Names of its labels without `__name__`; empty where nobody asked for them.
    pub labels: Vec<String>,
    /// Whether it is a native histogram.
    pub native: bool,
    /// Who asks for it.
    pub users: Vec<Arc<User>>,
}

impl Metric {
    /// What it is about.
    pub fn category(&self) -> Category {
        self.own.as_ref().and_then(|own| own.category).unwrap_or_else(|| Category::of(&self.name))
    }

    /// The family that it is a part of: of the series of a histogram or summary that, of others itself.
    pub fn family(&self) -> &str {
        let has_parts = matches!(self.kind, MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary);
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|ending| self.name.strip_suffix(ending));
        stem.filter(|_| has_parts).unwrap_or(&self.name)
    }

    /// What is odd about its name; of the series of a histogram what is odd about that.
    pub fn odd(&self) -> Vec<Oddity> {
        oddities(self.family(), self.kind, &self.unit, &self.help)
    }
}

/// In which order metrics stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// Those with the most series first.
    Series,
    /// Those that the most ask for first.
    Users,
}

/// What a reader asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that name or help must contain.
    pub search: String,
    /// Only this type.
    pub kind: Option<MetricType>,
    /// Only what is about this.
    pub category: Option<Category>,
    /// Only those with something odd about their name.
    pub only_odd: bool,
    /// Only those that nobody asks for.
    pub only_unused: bool,
    /// In which order.
    pub order: Order,
    /// Page, from 0.
    pub page: usize,
}

impl Filter {
    /// From a query string: `search`, `type`, `about`, `odd`, `unused`, `sort` (`name`, `series`, `users`), `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "search" => filter.search = value.trim().to_owned(),
                "type" => filter.kind = MetricType::parse(&value),
                "about" => filter.category = Category::parse(&value),
                "odd" => filter.only_odd = value == "1",
                "unused" => filter.only_unused = value == "1",
                "sort" => {
                    filter.order = match &*value {
                        "series" => Order::Series,
                        "users" => Order::Users,
                        _ => Order::Name,
                    }
                }
                "page" => filter.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }
}

/// A metric with what its name says.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// Which.
    pub metric: &'a Metric,
    /// What it is about.
    pub category: Category,
    /// What is odd about its name.
    pub odd: Vec<Oddity>,
}

/// What a reader asked for, and how much else there is to choose.
#[derive(Debug, Clone, Default)]
pub struct Found<'a> {
    /// In the order that is asked for.
    pub metrics: Vec<Said<'a>>,
    /// Types of what the words find, and how many of each, the most first.
    pub kinds: Vec<(&'static str, usize)>,
    /// What those of the type are about, and how many of each.
    pub categories: Vec<(Category, usize)>,
    /// How many of those that are about it have something odd about their name.
    pub odd: usize,
    /// How many of those nobody asks for, and their series.
    pub unused: (usize, u64),
}

/// Those of all metrics that a reader asks for.
pub fn find<'a>(all: &'a [Metric], filter: &Filter) -> Found<'a> {
    let search = filter.search.to_lowercase();
    let words: Vec<&str> = search.split_whitespace().collect();
    let in_name = |metric: &Metric, word: &str| metric.name.to_lowercase().contains(word);
    let takes = |metric: &&Metric| words.iter().all(|word| in_name(metric, word) || metric.help.to_lowercase().contains(word));
    let matching: Vec<&Metric> = all.iter().filter(takes).collect();
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    for metric in &matching {
        let word = metric.kind.as_str();
        match kinds.iter_mut().find(|(known, _)| *known == word) {
            Some((_, n)) => *n += 1,
            None => kinds.push((word, 1)),
        }
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let of_kind = matching.into_iter().filter(|metric| filter.kind.is_none_or(|kind| metric.kind == kind));
    let mut metrics: Vec<Said<'a>> = of_kind.map(|metric| Said { metric, category: metric.category(), odd: metric.odd() }).collect();
    let about = |category: Category| metrics.iter().filter(|said| said.category == category).count();
    let categories = Category::ALL.iter().map(|one| (*one, about(*one))).filter(|(_, n)| *n > 0).collect();
    metrics.retain(|said| filter.category.is_none_or(|category| said.category == category));
    let odd = metrics.iter().filter(|said| !said.odd.is_empty()).count();
    metrics.retain(|said| !filter.only_odd || !said.odd.is_empty());
    let unused = metrics.iter().filter(|said| said.metric.users.is_empty());
    let unused = unused.fold((0, 0_u64), |(n, series), said| (n + 1, series.saturating_add(said.metric.series)));
    metrics.retain(|said| !filter.only_unused || said.metric.users.is_empty());
    let by_name = |a: &Said<'_>, b: &Said<'_>| a.metric.name.cmp(&b.metric.name);
    match filter.order {
        Order::Series => metrics.sort_by(|a, b| b.metric.series.cmp(&a.metric.series).then_with(|| by_name(a, b))),
        Order::Users => metrics.sort_by(|a, b| b.metric.users.len().cmp(&a.metric.users.len()).then_with(|| by_name(a, b))),
        // With a search, names that contain the words come before helps that do.
        Order::Name => {
            let in_help = |metric: &Metric| !words.iter().all(|word| in_name(metric, word));
            metrics.sort_by_cached_key(|said| (in_help(said.metric), said.metric.name.clone()));
        }
    }
    Found { metrics, kinds, categories, odd, unused }
}

/// A label of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOf {
    /// Its name.
    pub name: String,
    /// Different values.
    pub values: usize,
    /// Some of them, those of the most series first.
    pub some: Vec<String>,
}

/// How samples of a job come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a job of the configuration.
    Scraped,
    /// The server measures that by itself.
    Itself,
    /// Somebody sends them, or a rule records them.
    Sent,
}

/// What gives a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giver {
    /// The label `job`; empty for none.
    pub job: String,
    /// How it comes in.
    pub way: Way,
    /// How often, in milliseconds; of what is sent as its newest samples show. None if that is not known.
    pub every_ms: Option<i64>,
    /// How many series.
    pub series: u64,
}

/// All that is known of a metric.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// The metric.
    pub metric: Metric,
    /// Its labels, those with the most values first.
    pub labels: Vec<LabelOf>,
    /// What gives it, those with the most series first.
    pub givers: Vec<Giver>,
    /// Whether it has more series than were looked at for labels and givers.
    pub has_more: bool,
    /// Who records it.
    pub recorders: Vec<Arc<User>>,
    /// Series of all metrics.
    pub series_in_all: u64,
}

/// Why a description is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDescribed {
    /// Something about it is not allowed.
    #[error("{0}")]
    Wrong(String),
    /// There is none.
    #[error("nobody has described {0:?} here")]
    Missing(String),
    /// The database failed.
    #[error("{0}")]
    Database(String),
}

/// What is being done about a description; gives what stood there before.
pub type Describing<'a> = Pin<Box<dyn Future<Output = Result<Option<Own>, NotDescribed>> + Send + 'a>>;

/// The catalogue, as interface and pages ask it.
pub trait Catalogue: Send + Sync {
    /// Every metric, by name, without labels. Blocking.
    fn all(&self) -> Vec<Metric>;
    /// Names of the labels of a metric. Blocking.
    fn labels(&self, name: &str) -> Vec<String>;
    /// All that is known of one; none if nobody ever heard of it. Blocking.
    fn detail(&self, name: &str) -> Option<Detail>;
    /// Queries that cannot be read, so that nobody knows what they ask for. Blocking.
    fn unread(&self) -> usize;
    /// Keeps what somebody says of a metric.
    fn describe(&self, name: String, own: Own) -> Describing<'_>;
    /// Forgets it.
    fn forget(&self, name: String) -> Describing<'_>;
}

/// What of a description is looked at before it is kept.
///
/// # Errors
/// In words.
pub fn checked(name: &str, own: &Own) -> Result<(), NotDescribed> {
    let wrong = |text: String| Err(NotDescribed::Wrong(text));
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return wrong(format!("a metric's name has 1 to {NAME_BYTES_MAX} bytes, none of them a control character"));
    }
    if own.description.chars().count() > DESCRIPTION_CHARS_MAX {
        return wrong(format!("a description has at most {DESCRIPTION_CHARS_MAX} characters"));
    }
    if own.unit.chars().count() > UNIT_CHARS_MAX || own.unit.chars().any(char::is_control) {
        return wrong(format!("a unit has at most {UNIT_CHARS_MAX} characters, none of them a control character"));
    }
    if own.description.is_empty() && own.unit.is_empty() && own.category.is_none() {
        return wrong("say what it means, in what it is counted, or what it is about".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::ports::MetricUse;

    fn metric(name: &str, series: u64, users: usize) -> Metric {
        let user = Arc::new(User { kind: MetricUse::Rule, title: "r".to_owned(), href: String::new() });
        Metric { name: name.to_owned(), help: "Help.".to_owned(), series, users: vec![user; users], ..Metric::default() }
    }

    #[test]
    fn what_nobody_asks_for_is_found_and_counted() {
        let all = [metric("app_a_bytes", 5, 0), metric("app_b_bytes", 7, 2), metric("app_c_bytes", 9, 1), metric("x", 1, 0)];
        let names = |query: &str| -> Vec<String> {
            find(&all, &Filter::from_query(query)).metrics.iter().map(|said| said.metric.name.clone()).collect()
        };
        assert_eq!(names("unused=1"), ["app_a_bytes", "x"]);
        assert_eq!(find(&all, &Filter::default()).unused, (2, 6));
        assert_eq!(find(&all, &Filter::from_query("search=app")).unused, (1, 5));
        assert_eq!(names("sort=users"), ["app_b_bytes", "app_c_bytes", "app_a_bytes", "x"]);
        assert_eq!(names("sort=series&search=app"), ["app_c_bytes", "app_b_bytes", "app_a_bytes"]);
        assert_eq!(names("odd=1"), ["x"]);
    }

    #[test]
    fn ones_own_category_comes_first() {
        let mut one = metric("node_load1", 1, 0);
        assert_eq!(one.category(), Category::Infrastructure);
        one.own = Some(Arc::new(Own { category: Some(Category::Business), ..Own::default() }));
        assert_eq!(one.category(), Category::Business);
        let part = Metric { kind: MetricType::Histogram, ..metric("a_seconds_bucket", 1, 0) };
        assert_eq!((part.family(), one.family()), ("a_seconds", "node_load1"));
    }

    #[test]
    fn descriptions_are_bounded() {
        let own = |description: &str, unit: &str| Own { description: description.to_owned(), unit: unit.to_owned(), ..Own::default() };
        assert!(checked("a", &own("x", "")).is_ok() && checked("a", &own("", "bytes")).is_ok());
        assert!(checked("a", &own("", "")).is_err() && checked("", &own("x", "")).is_err() && checked("a\nb", &own("x", "")).is_err());
        assert!(checked("a", &own(&"x".repeat(2_001), "")).is_err() && checked("a", &own("x", &"y".repeat(51))).is_err());
    }
}
