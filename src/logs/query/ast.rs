//! The tree of a LogQL query. Every node knows where it stands in the text.
//!
//! Two kinds of queries: of lines ([`LogExpr`]: which streams, and a pipeline of [`Stage`]s each line goes through) and of
//! numbers ([`MetricExpr`]). The parser has checked what upstream checks without data: matchers compile, patterns, paths and
//! addresses are read, operators have sides that fit. Trees are at most `LOGQL_DEPTH_MAX` high, so that what walks or
//! drops one may recurse.
//!
//! [`pipeline`] has the stages.

use std::sync::Arc;

pub use self::pipeline::{
    CompareOp, Extraction, IpPattern, LabelChoice, LabelFilter, LabelFilterKind, LabelFormat, LabelFormatValue, LineFilter, LineMatch,
    LineOp, PathStep, Pattern, PatternPart, Stage, StageKind,
};
pub use crate::series::matcher::{MatchOp, Matcher};

pub mod pipeline;

/// Where a node stands: byte offsets into the query, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Answers with lines.
    Log(LogExpr),
    /// Answers with numbers.
    Metric(MetricExpr),
}

/// `{app="api"} |= "error" | json`: streams, and what each of their lines goes through.
#[derive(Debug, Clone, PartialEq)]
pub struct LogExpr {
    /// Which streams.
    pub selector: Selector,
    /// In the order of the text.
    pub stages: Vec<Stage>,
    /// Where it stands.
    pub span: Span,
}

/// `{app="api", env!="dev"}`; no matchers at all (every stream) only in [our dialect](super::parse::Dialect::Pharos).
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// All of them must match a stream's labels.
    pub matchers: Vec<Matcher>,
    /// With the braces.
    pub span: Span,
}

/// An expression that yields numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricExpr {
    /// What it is.
    pub kind: MetricKind,
    /// Where it stands, without parentheses around it.
    pub span: Span,
}

/// The kinds of metric expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricKind {
    /// `rate({app="api"}[5m])`.
    Range(Box<RangeAggregate>),
    /// `sum by (app) (…)`.
    Vector(Box<VectorAggregate>),
    /// `left op right`; never with a literal on both sides, those are computed while parsing.
    Binary(Box<Binary>),
    /// `label_replace(…)`.
    LabelReplace(Box<LabelReplace>),
    /// `2`, `-0.5`.
    Literal(f64),
    /// `vector(2)`: one sample without labels at every step.
    Constant(f64),
}

/// Names of functions and operators, both ways; see below for the enums made of it.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As written in a query.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The one that is written so (lower case).
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    /// What is made of the lines of a stream within a range.
    RangeOp {
        /// Lines per second; with `unwrap` the sum of the values per second.
        Rate = "rate",
        /// Increase per second of an unwrapped counter, resets regarded.
        RateCounter = "rate_counter",
        /// Number of lines.
        CountOverTime = "count_over_time",
        /// Bytes of lines per second.
        BytesRate = "bytes_rate",
        /// Bytes of lines.
        BytesOverTime = "bytes_over_time",
        /// Mean of the unwrapped values.
        AvgOverTime = "avg_over_time",
        /// Their sum.
        SumOverTime = "sum_over_time",
        /// The smallest of them.
        MinOverTime = "min_over_time",
        /// The largest of them.
        MaxOverTime = "max_over_time",
        /// Their population standard deviation.
        StddevOverTime = "stddev_over_time",
        /// Their population variance.
        StdvarOverTime = "stdvar_over_time",
        /// Their φ-quantile; has a parameter.
        QuantileOverTime = "quantile_over_time",
        /// The earliest of them.
        FirstOverTime = "first_over_time",
        /// The latest of them.
        LastOverTime = "last_over_time",
        /// 1 when there is nothing.
        AbsentOverTime = "absent_over_time",
    }
}

names! {
    /// What is made of several series at one time.
    VectorOp {
        /// Sum.
        Sum = "sum",
        /// Mean.
        Avg = "avg",
        /// Smallest.
        Min = "min",
        /// Largest.
        Max = "max",
        /// How many.
        Count = "count",
        /// Population standard deviation.
        Stddev = "stddev",
        /// Population variance.
        Stdvar = "stdvar",
        /// The k largest series.
        Topk = "topk",
        /// The k smallest series.
        Bottomk = "bottomk",
        /// The k largest series, where upstream estimates.
        ApproxTopk = "approx_topk",
        /// All of them, ascending.
        Sort = "sort",
        /// All of them, descending.
        SortDesc = "sort_desc",
    }
}

names! {
    /// How an unwrapped label becomes a number.
    Conversion {
        /// A Go duration, in seconds.
        Duration = "duration",
        /// The same.
        DurationSeconds = "duration_seconds",
        /// A size such as `5KiB`, in bytes.
        Bytes = "bytes",
    }
}

names! {
    /// Operators between two expressions.
    BinaryOp {
        /// `+`
        Add = "+",
        /// `-`
        Sub = "-",
        /// `*`
        Mul = "*",
        /// `/`
        Div = "/",
        /// `%`
        Mod = "%",
        /// `^`
        Pow = "^",
        /// `==`
        Eq = "==",
        /// `!=`
        Ne = "!=",
        /// `<`
        Lt = "<",
        /// `<=`
        Le = "<=",
        /// `>`
        Gt = ">",
        /// `>=`
        Ge = ">=",
        /// `and`
        And = "and",
        /// `or`
        Or = "or",
        /// `unless`
        Unless = "unless",
    }
}

impl VectorOp {
    /// Whether it takes a whole number first (`topk(5, …)`).
    pub const fn takes_count(self) -> bool {
        matches!(self, Self::Topk | Self::Bottomk | Self::ApproxTopk)
    }
}

impl RangeOp {
    /// Whether `by` and `without` may follow.
    pub const fn takes_grouping(self) -> bool {
        matches!(
            self,
            Self::AvgOverTime
                | Self::StddevOverTime
                | Self::StdvarOverTime
                | Self::QuantileOverTime
                | Self::MaxOverTime
                | Self::MinOverTime
                | Self::FirstOverTime
                | Self::LastOverTime
        )
    }

    /// Whether it works on lines without `unwrap`.
    pub const fn takes_lines(self) -> bool {
        matches!(self, Self::BytesOverTime | Self::BytesRate | Self::CountOverTime | Self::Rate | Self::AbsentOverTime)
    }

    /// Whether it works on unwrapped values.
    pub const fn takes_values(self) -> bool {
        !matches!(self, Self::BytesOverTime | Self::BytesRate | Self::CountOverTime)
    }
}

impl BinaryOp {
    /// Whether it compares.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// Whether it is `and`, `or`, `unless`.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// How strongly it binds, from 1.
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod => 5,
            Self::Pow => 6,
        }
    }
}

/// `op(param, range) by (labels)`.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeAggregate {
    /// What is made of the range.
    pub op: RangeOp,
    /// φ of `quantile_over_time`, and only there.
    pub param: Option<f64>,
    /// The lines or values.
    pub range: LogRange,
    /// None where nothing is written: the series keep all their labels.
    pub grouping: Option<Grouping>,
}

/// `{app="api"} | json | unwrap latency [5m] offset 1h`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRange {
    /// The lines.
    pub log: LogExpr,
    /// What number each of them stands for, if not for itself.
    pub unwrap: Option<Unwrap>,
    /// Nanoseconds back from each step, whole milliseconds; may be 0, as upstream.
    pub interval_ns: i64,
    /// By how many nanoseconds the range lies earlier; may be negative (later).
    pub offset_ns: i64,
    /// Where it stands.
    pub span: Span,
}

/// `| unwrap duration(latency) | latency > 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwrap {
    /// The label whose value counts.
    pub label: Arc<str>,
    /// How it becomes a number; plain floating point if none.
    pub conversion: Option<Conversion>,
    /// Filters behind it; all must hold. They see what the pipeline made, and errors of the conversion (`__error__`).
    pub filters: Vec<LabelFilter>,
    /// Where it stands.
    pub span: Span,
}

/// `by (a, b)` or `without (a, b)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grouping {
    /// Whether the labels are those to leave out.
    pub without: bool,
    /// In the order of the text.
    pub labels: Vec<Arc<str>>,
}

/// `sum by (app) (expr)`.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorAggregate {
    /// What is made of the series.
    pub op: VectorOp,
    /// k, where [`VectorOp::takes_count`]; at least 1.
    pub count: Option<u64>,
    /// The series.
    pub expr: MetricExpr,
    /// None where nothing is written, or `by ()`: all series together, without labels (`sort` and the `topk`s keep them).
    pub grouping: Option<Grouping>,
}

/// `left op bool on (a) group_left (b) right`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left side.
    pub left: MetricExpr,
    /// Right side.
    pub right: MetricExpr,
    /// `bool`: 0 or 1 instead of leaving out. Upstream takes it with any operator; it means something for comparisons.
    pub return_bool: bool,
    /// How series find each other.
    pub matching: Matching,
}

/// How series of two sides find each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matching {
    /// How many on which side.
    pub cardinality: Cardinality,
    /// `on`: only `labels` count; else all but them.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<Arc<str>>,
    /// Labels of `group_left` or `group_right`, taken over from the side with few series. None where no list is written.
    pub include: Option<Vec<Arc<str>>>,
}

/// How many series may find the same partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cardinality {
    /// One and one.
    #[default]
    OneToOne,
    /// `group_left`: many on the left.
    ManyToOne,
    /// `group_right`: many on the right.
    OneToMany,
}

/// `label_replace(expr, "to", "replacement", "from", "regex")`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelReplace {
    /// The series.
    pub expr: MetricExpr,
    /// The label that is set.
    pub to: Arc<str>,
    /// To what, with `$1`.
    pub replacement: Arc<str>,
    /// The label that is looked at.
    pub from: Arc<str>,
    /// What it must match as a whole (RE2 syntax, anchored).
    pub regex: Arc<str>,
}

impl Query {
    /// Where it stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::Log(log) => log.span,
            Self::Metric(metric) => metric.span,
        }
    }

    /// Whether it answers with numbers.
    pub const fn is_metric(&self) -> bool {
        matches!(self, Self::Metric(_))
    }

    /// Every part that reads lines, from left to right.
    pub fn logs(&self) -> Vec<&LogExpr> {
        match self {
            Self::Log(log) => vec![log],
            Self::Metric(metric) => metric.ranges().into_iter().map(|range| &range.log).collect(),
        }
    }
}

impl MetricExpr {
    /// Every range of lines it reads, from left to right.
    pub fn ranges(&self) -> Vec<&LogRange> {
        let mut found = Vec::new();
        self.collect_ranges(&mut found);
        found
    }

    fn collect_ranges<'a>(&'a self, found: &mut Vec<&'a LogRange>) {
        match &self.kind {
            MetricKind::Range(aggregate) => found.push(&aggregate.range),
            MetricKind::Vector(aggregate) => aggregate.expr.collect_ranges(found),
            MetricKind::LabelReplace(replace) => replace.expr.collect_ranges(found),
            MetricKind::Binary(binary) => {
                binary.left.collect_ranges(found);
                binary.right.collect_ranges(found);
            }
            MetricKind::Literal(_) | MetricKind::Constant(_) => {}
        }
    }
}
