//! A KPI as people write it: in YAML, in JSON by the API, in a form. Where its number comes from, what it should be.

use url::Url;

use crate::base::location::Location;
use crate::base::period::{Grain, Period};
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::base::time::Duration;
pub use crate::business::model::kind::{Better, Longer};
use crate::platform::config::choices::choices;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::keys::{keys, read_text, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 120;
/// Characters of any other text at most.
const TEXT_CHARS_MAX: usize = 4_000;
/// Labels by which one KPI is split at most.
const SEGMENTS_MAX: usize = 5;
/// Targets of one KPI at most.
const TARGETS_MAX: usize = 200;
/// KPIs of one sum at most.
const PARTS_MAX: usize = 20;
/// Longest time in which values of the past may still change, in milliseconds.
const SETTLES_MAX_MS: i64 = 92 * 86_400_000;

choices! {
    /// In what it is counted.
    Unit;
    /// How many.
    Count = "count",
    /// Money.
    Currency = "currency",
    /// Of a hundred.
    Percent = "percent",
    /// Seconds.
    Duration = "duration",
    /// Any number.
    Number = "number",
}

choices! {
    /// How often it is asked for.
    Collected;
    /// When a day is over; today's every hour.
    Daily = "daily",
    /// Every minute.
    RealTime = "real_time",
    /// When an hour is over.
    Hourly = "hourly",
    /// When a week is over; this week's every day.
    Weekly = "weekly",
    /// When a month is over; this month's every day.
    Monthly = "monthly",
}

choices! {
    /// For how long a target is.
    By;
    /// A month.
    Month = "month",
    /// A day.
    Day = "day",
    /// A week.
    Week = "week",
    /// A quarter.
    Quarter = "quarter",
    /// A year.
    Year = "year",
}

impl By {
    /// As a period.
    pub const fn grain(self) -> Grain {
        match self {
            Self::Day => Grain::Day,
            Self::Week => Grain::Week,
            Self::Month => Grain::Month,
            Self::Quarter => Grain::Quarter,
            Self::Year => Grain::Year,
        }
    }
}

impl Collected {
    /// The shortest period of which a value is kept.
    pub const fn grain(self) -> Grain {
        match self {
            Self::RealTime | Self::Hourly => Grain::Hour,
            Self::Daily => Grain::Day,
            Self::Weekly => Grain::Week,
            Self::Monthly => Grain::Month,
        }
    }

    /// How often the value of the period that is not over yet is asked for, in milliseconds.
    pub const fn refreshed_every(self) -> i64 {
        match self {
            Self::RealTime => 60_000,
            Self::Hourly | Self::Daily => 3_600_000,
            Self::Weekly | Self::Monthly => 86_400_000,
        }
    }
}

keys! {
    /// What it should be in a period.
    Target, "a target", check = vet_target;
    /// For how long it is.
    by: By,
    /// What it should be.
    value: Option<f64>,
    /// The first period for which it is, such as 2026-01 or 2026-Q1; empty for ever since.
    from: String,
}

keys! {
    /// A query of PromQL.
    PromqlSource, "promql";
    /// Asked at the end of a period. `$period` is how long that is, `$segment` the label by which it is split.
    query: String,
}

keys! {
    /// A query of LogQL.
    LogqlSource, "logql";
    /// Asked at the end of a period. `$period` is how long that is, `$segment` the label by which it is split.
    query: String,
}

keys! {
    /// A query of a database of PostgreSQL, which is only read.
    SqlSource, "sql";
    /// Where it is and who asks, such as postgres://reader@db/shop.
    database: String,
    /// The password, where it does not stand in a file.
    password: Secret,
    /// Gives `value`, and `segment` where it is split. `$from` and `$until` are the ends of the period, `$segment` the
    /// column by which it is split.
    query: String,
}

keys! {
    /// Numbers that programs send.
    PushedSource, "pushed";
    /// Whether numbers of one period are added up; otherwise the newest counts.
    adds: bool => false,
}

keys! {
    /// One KPI by another.
    RatioSource, "ratio";
    /// The one above.
    of: String,
    /// The one below.
    to: String,
    /// Times that: 100 where it is a percentage and nothing is said.
    times: Option<f64>,
}

keys! {
    /// One KPI less another.
    DifferenceSource, "difference";
    /// From which is taken.
    of: String,
    /// What is taken from it.
    minus: String,
}

keys! {
    /// KPIs added up.
    SumSource, "sum";
    /// Which.
    of: Vec<String>,
}

keys! {
    /// A KPI.
    Kpi, "kpi", check = vet;
    /// Names it; no other has it.
    name: String,
    /// What it says, for people.
    description: String,
    /// Who answers for it.
    owner: String,
    /// Under which heading it stands.
    group: String,
    /// In what it is counted.
    unit: Unit,
    /// Which money, such as EUR.
    currency: String,
    /// Digits behind the point; as many as it takes where nothing is said.
    decimals: Option<f64> => None,
    /// Which way is good.
    better: Better,
    /// How often it is asked for.
    collected: Collected,
    /// How the value of a longer period comes of those of shorter ones; percentages are not added up, of them it is the mean.
    longer: Longer,
    /// Labels by which it is split.
    segments: Vec<String>,
    /// How long after the end of a period its value may still change.
    settles: Duration = Duration::from_secs(2 * 86_400),
    /// Whether no data are a value of 0.
    empty_is_zero: bool => false,
    /// By whose clock days begin; that of the business where nothing is said.
    time_zone: String,
    /// What it should be.
    targets: Vec<Target>,
    /// Whether nobody asks for it at present.
    paused: bool => false,
    /// A query of PromQL.
    promql: Option<Box<PromqlSource>>,
    /// A query of LogQL.
    logql: Option<Box<LogqlSource>>,
    /// A query of a database.
    sql: Option<Box<SqlSource>>,
    /// Numbers that programs send.
    pushed: Option<Box<PushedSource>>,
    /// One KPI by another.
    ratio: Option<Box<RatioSource>>,
    /// One KPI less another.
    difference: Option<Box<DifferenceSource>>,
    /// KPIs added up.
    sum: Option<Box<SumSource>>,
}

/// Where the number of a KPI comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source<'a> {
    /// A query of PromQL.
    Promql(&'a PromqlSource),
    /// A query of LogQL.
    Logql(&'a LogqlSource),
    /// A query of a database.
    Sql(&'a SqlSource),
    /// Numbers that programs send.
    Pushed(&'a PushedSource),
    /// One KPI by another.
    Ratio(&'a RatioSource),
    /// One KPI less another.
    Difference(&'a DifferenceSource),
    /// KPIs added up.
    Sum(&'a SumSource),
}

impl<'a> Source<'a> {
    /// Its key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Promql(_) => "promql",
            Self::Logql(_) => "logql",
            Self::Sql(_) => "sql",
            Self::Pushed(_) => "pushed",
            Self::Ratio(_) => "ratio",
            Self::Difference(_) => "difference",
            Self::Sum(_) => "sum",
        }
    }

    /// The KPIs of which it is made; of others none.
    pub fn parts(self) -> Vec<&'a str> {
        match self {
            Self::Ratio(ratio) => vec![&ratio.of, &ratio.to],
            Self::Difference(difference) => vec![&difference.of, &difference.minus],
            Self::Sum(sum) => sum.of.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl Kpi {
    /// Where its number comes from; of several, which is refused when it is read, the first.
    pub fn source(&self) -> Option<Source<'_>> {
        self.sources().next()
    }

    fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let all = [
            self.promql.as_deref().map(Source::Promql),
            self.logql.as_deref().map(Source::Logql),
            self.sql.as_deref().map(Source::Sql),
            self.pushed.as_deref().map(Source::Pushed),
            self.ratio.as_deref().map(Source::Ratio),
            self.difference.as_deref().map(Source::Difference),
            self.sum.as_deref().map(Source::Sum),
        ];
        all.into_iter().flatten()
    }

    /// By whose clock its days begin; `usual` where it does not say so.
    pub fn zone(&self, usual: Location) -> Location {
        if self.time_zone.is_empty() { usual } else { Location::parse(&self.time_zone).unwrap_or(usual) }
    }

    /// What it should be in a period: the newest target of that length that is in force by then.
    pub fn target(&self, period: Period) -> Option<f64> {
        let begun = |target: &&Target| {
            target.by.grain() == period.grain()
                && (target.from.is_empty() || Period::parse(&target.from).is_some_and(|from| from <= period))
        };
        let newest = |target: &&Target| Period::parse(&target.from);
        self.targets.iter().filter(begun).max_by_key(newest).and_then(|target| target.value)
    }

    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }
}

fn vet_target(target: &mut Target, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    if target.value.is_none() {
        refuse("value", "a target has a value".to_owned());
    }
    if !target.from.is_empty() && Period::parse(&target.from).is_none_or(|from| from.grain() != target.by.grain()) {
        let example = match target.by {
            By::Day => "2026-01-31",
            By::Week => "2026-W05",
            By::Month => "2026-01",
            By::Quarter => "2026-Q1",
            By::Year => "2026",
        };
        refuse("from", format!("from: read {}, expected a {} such as {example}", quote(&target.from), target.by.as_str()));
    }
}

fn is_label(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 60
}

fn vet(kpi: &mut Kpi, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    for text in [&mut kpi.name, &mut kpi.description, &mut kpi.owner, &mut kpi.group, &mut kpi.currency] {
        *text = text.trim().to_owned();
    }
    if kpi.name.is_empty() {
        refuse("name", "a KPI has a name".to_owned());
    }
    if kpi.name.contains('/') || kpi.name.chars().any(char::is_control) {
        refuse("name", format!("name: read {}, expected one without slashes and on one line", quote(&kpi.name)));
    }
    for (key, text, most) in [
        ("name", &kpi.name, NAME_CHARS_MAX),
        ("group", &kpi.group, NAME_CHARS_MAX),
        ("owner", &kpi.owner, NAME_CHARS_MAX),
        ("currency", &kpi.currency, 12),
        ("description", &kpi.description, TEXT_CHARS_MAX),
    ] {
        if text.chars().count() > most {
            refuse(key, format!("{key}: longer than {most} characters"));
        }
    }
    let is_money = kpi.unit == Unit::Currency;
    if is_money == kpi.currency.is_empty() {
        let message = if is_money { "currency: which money is it, such as EUR?" } else { "currency: only of the unit currency" };
        refuse("currency", message.to_owned());
    }
    if kpi.unit == Unit::Percent && kpi.longer == Longer::Sum {
        // Nobody adds up percentages: 40 % on each of two days is 40 % in both.
        kpi.longer = Longer::Average;
    }
    if kpi.decimals.is_some_and(|digits| !(0.0..=6.0).contains(&digits) || digits.fract() != 0.0) {
        refuse("decimals", "decimals: expected 0 to 6".to_owned());
    }
    if kpi.segments.len() > SEGMENTS_MAX {
        refuse("segments", format!("segments: {} are too many, {SEGMENTS_MAX} may be", kpi.segments.len()));
    }
    if let Some(odd) = kpi.segments.iter().find(|name| !is_label(name)) {
        refuse("segments", format!("segments: read {}, expected the name of a label or column", quote(odd)));
    }
    if kpi.settles.ms() > SETTLES_MAX_MS {
        refuse("settles", "settles: 92 days at most".to_owned());
    }
    if Location::parse(&kpi.time_zone).is_none() {
        refuse("time_zone", format!("time_zone: there is no place {}", quote(&kpi.time_zone)));
    }
    if kpi.targets.len() > TARGETS_MAX {
        refuse("targets", format!("targets: {} are too many, {TARGETS_MAX} may be", kpi.targets.len()));
    }
    let told: Vec<(&'static str, String)> = vet_source(kpi);
    for (key, message) in told {
        let at = if key.is_empty() { section.at } else { section.value_place(key) };
        section.report.error(at, message);
    }
}

/// What is wrong with where its number comes from, each with the key where it is.
fn vet_source(kpi: &Kpi) -> Vec<(&'static str, String)> {
    let keys: Vec<&str> = kpi.sources().map(Source::key).collect();
    let Some(source) = kpi.source() else {
        return vec![("", "a KPI says where its number comes from: promql, logql, sql, pushed, ratio, difference or sum".to_owned())];
    };
    if keys.len() > 1 {
        return vec![(source.key(), format!("a KPI has one source, and this one has {}", keys.join(" and ")))];
    }
    let mut wrong = Vec::new();
    let mut refuse = |message: String| wrong.push((source.key(), message));
    let query = match source {
        Source::Promql(PromqlSource { query }) | Source::Logql(LogqlSource { query }) => Some(query),
        Source::Sql(SqlSource { query, database, .. }) => {
            if !(database.starts_with("postgres://") || database.starts_with("postgresql://")) {
                refuse("sql: expected a database such as postgres://reader@db/shop".to_owned());
            }
            if Url::parse(database).is_ok_and(|url| url.password().is_some()) {
                refuse("sql: the password of a database stands under password, not in its address".to_owned());
            }
            Some(query)
        }
        _ => None,
    };
    if let Some(query) = query {
        if query.trim().is_empty() {
            refuse(format!("{}: there is no query", source.key()));
        }
        if query.len() > TEXT_CHARS_MAX {
            refuse(format!("{}: longer than {TEXT_CHARS_MAX} bytes", source.key()));
        }
        if !kpi.segments.is_empty() && !query.contains("$segment") {
            refuse(format!("{}: the query does not say where it is split: write $segment, as in sum by ($segment) (…)", source.key()));
        }
    }
    if matches!(source, Source::Pushed(_)) && !kpi.segments.is_empty() && kpi.collected.grain() == Grain::Hour {
        refuse("pushed: of hours only the whole is kept: collect a KPI with segments daily, weekly or monthly".to_owned());
    }
    let parts = source.parts();
    if parts.len() > PARTS_MAX {
        refuse(format!("{}: {} KPIs are too many, {PARTS_MAX} may be", source.key(), parts.len()));
    }
    let is_made = matches!(source, Source::Ratio(_) | Source::Difference(_) | Source::Sum(_));
    if is_made && (parts.is_empty() || parts.iter().any(|name| name.is_empty())) {
        refuse(format!("{}: says of which KPIs it is made", source.key()));
    }
    if parts.contains(&kpi.name.as_str()) {
        refuse(format!("{}: a KPI cannot be made of itself", source.key()));
    }
    wrong
}

/// Reads one, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_one(text: &str) -> Result<Kpi, Vec<Diagnostic>> {
    read_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read_one(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn kpis_read_back_as_they_are_written() {
        for text in [
            "name: Orders\npromql: {query: 'sum(increase(orders_total[$period]))'}",
            "name: MRR\nunit: currency\ncurrency: EUR\ngroup: Money\nowner: Ada\nlonger: last\nsegments: [plan]\ntargets:\n- {value: 9000}\n- {by: quarter, value: 1.5, from: 2026-Q1}\nsql: {database: 'postgres://r@db/shop', query: 'select $segment as segment, 1 as value'}",
            "{name: Rate, unit: percent, better: down, collected: real_time, ratio: {of: a, to: b}}",
            "{name: Left, difference: {of: a, minus: b}, time_zone: Africa/Cairo, settles: 5d}",
            r#"{"name": "All", "sum": {"of": ["a", "b"]}, "decimals": 2}"#,
            "{name: Sent, pushed: {}}",
            "{name: Errors, collected: hourly, logql: {query: 'count_over_time({a=\"b\"}[$period])'}}",
        ] {
            let read = read_one(text).unwrap();
            assert_eq!(read_one(&read.text()).unwrap(), read, "{}", read.text());
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("{pushed: {}}", "kpi:1:1: a KPI has a name"),
            ("{name: a/b, pushed: {}}", "expected one without slashes"),
            ("{name: a}", "a KPI says where its number comes from"),
            ("{name: a, pushed: {}, sum: {of: [b]}}", "a KPI has one source, and this one has pushed and sum"),
            ("{name: a, unit: currency, pushed: {}}", "which money is it"),
            ("{name: a, currency: EUR, pushed: {}}", "only of the unit currency"),
            ("{name: a, unit: euros, pushed: {}}", "unit: read \"euros\", expected count, currency, percent, duration or number"),
            ("{name: a, promql: {query: ' '}}", "promql: there is no query"),
            ("{name: a, segments: [plan], promql: {query: up}}", "write $segment"),
            ("{name: a, segments: ['p;'], pushed: {}}", "expected the name of a label"),
            ("{name: a, ratio: {of: a, to: b}}", "made of itself"),
            ("{name: a, ratio: {of: b}}", "says of which KPIs it is made"),
            ("{name: a, pushed: {}, targets: [{by: quarter, value: 1, from: 2026-01}]}", "expected a quarter such as 2026-Q1"),
            ("{name: a, pushed: {}, targets: [{by: day}]}", "a target has a value"),
            ("{name: a, pushed: {}, decimals: 7}", "expected 0 to 6"),
            ("{name: a, pushed: {}, time_zone: Mars}", "there is no place \"Mars\""),
            ("{name: a, pushed: {}, setles: 1d}", "unknown key"),
            ("{name: a, sql: {database: 'mysql://x', query: x}}", "expected a database such as postgres://"),
            ("{name: a, sql: {database: 'postgres://a:b@x/y', query: x}}", "stands under password"),
            ("{name: a, collected: hourly, segments: [plan], pushed: {}}", "of hours only the whole is kept"),
        ] {
            let told = told(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn the_newest_target_that_is_in_force_counts() {
        let kpi = read_one(
            "{name: a, pushed: {}, targets: [{value: 1}, {value: 3, from: 2026-06}, {value: 2, from: 2026-02}, {by: year, value: 9}]}",
        )
        .unwrap();
        let of = |text: &str| kpi.target(Period::parse(text).unwrap());
        assert_eq!(
            (of("2026-01"), of("2026-02"), of("2026-05"), of("2026-06"), of("2027-01")),
            (Some(1.0), Some(2.0), Some(2.0), Some(3.0), Some(3.0))
        );
        assert_eq!((of("2026"), of("2026-Q1"), of("2026-01-01")), (Some(9.0), None, None));
    }
}
