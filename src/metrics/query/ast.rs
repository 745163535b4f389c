//! The tree of a PromQL expression. Every node knows where it stands in the text.

use std::sync::Arc;

use crate::series::matcher::Matcher;

/// Where a node stands: byte offsets into the query, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// What an expression evaluates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A number.
    Scalar,
    /// Series with one value each.
    Vector,
    /// Series with a range of samples each.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// As error messages and the API name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// How deep parts stand within each other, from here down to the deepest leaf; 1 for a leaf. A chain of operators
    /// (`a + b + c`) counts once, however long: whatever walks a tree goes along chains in a loop. The parser keeps it
    /// within `QUERY_DEPTH_MAX`.
    pub fn height(&self) -> usize {
        self.measure(false)
    }

    /// Nodes from here down to the deepest leaf; 1 for a leaf.
    pub fn depth(&self) -> usize {
        self.measure(true)
    }

    /// Stands for an expression that was taken out of its place.
    pub(super) const fn nothing() -> Self {
        Self { kind: ExprKind::Number(NumberLiteral { value: 0.0, is_duration: false }), span: Span { start: 0, end: 0 } }
    }

    fn measure(&self, links_count: bool) -> usize {
        let below = |expr: &Self| expr.measure(links_count);
        let under = match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => 0,
            ExprKind::Subquery(subquery) => below(&subquery.expr),
            ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => below(expr),
            ExprKind::Binary(_) => {
                let Chain { first, links } = self.chain();
                let count = links.len();
                let above = |link: usize| if links_count { count - 1 - link } else { 0 };
                let rights = links.iter().enumerate().map(|(at, (_, link))| above(at) + below(&link.right));
                rights.max().unwrap_or(0).max(above(0) + below(first))
            }
            ExprKind::Aggregate(aggregate) => below(&aggregate.expr).max(aggregate.param.as_ref().map_or(0, below)),
            ExprKind::Call(call) => call.args.iter().map(below).max().unwrap_or(0),
        };
        under + 1
    }

    /// An operator's left side, and that one's, and so on: what comes first, and the operators from there outwards.
    pub fn chain(&self) -> Chain<'_> {
        let (mut first, mut links) = (self, Vec::new());
        while let ExprKind::Binary(binary) = &first.kind {
            links.push((first.span, &**binary));
            first = &binary.left;
        }
        links.reverse();
        Chain { first, links }
    }
}

/// `first op right op right …`, as operators that bind alike from the left stand in a tree.
#[derive(Debug)]
pub struct Chain<'a> {
    /// The innermost left side.
    pub first: &'a Expr,
    /// Where each operator's expression stands, and the operator; the first one is that of the innermost left side.
    pub links: Vec<(Span, &'a Binary)>,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `1.5`, `0x1f`, `Inf`, `5m` (a duration as seconds).
    Number(NumberLiteral),
    /// `"text"`.
    String(String),
    /// `up{job="node"} offset 5m`.
    Selector(Box<VectorSelector>),
    /// `up[5m]`.
    Range(Box<RangeSelector>),
    /// `expr[1h:5m]`.
    Subquery(Box<Subquery>),
    /// `-expr` or `+expr`.
    Unary {
        /// Whether it is a minus.
        negate: bool,
        /// What follows.
        expr: Box<Expr>,
    },
    /// `left op right`.
    Binary(Box<Binary>),
    /// `(expr)`.
    Paren(Box<Expr>),
    /// `sum by (job) (expr)`.
    Aggregate(Box<Aggregate>),
    /// `rate(expr)`.
    Call(Box<Call>),
}

/// A number as written.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberLiteral {
    /// Its value.
    pub value: f64,
    /// Whether it was written as a duration (`5m`), and so prints as one.
    pub is_duration: bool,
}

/// A point that `@` fixes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// `@ 1700000000.5`, in milliseconds.
    Time(i64),
    /// `@ start()`.
    Start,
    /// `@ end()`.
    End,
}

/// A duration that may be computed (experimental duration expressions); milliseconds once resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// Known from the text, in milliseconds.
    Fixed(i64),
    /// A number of seconds, or a duration, before arithmetic; seconds.
    Number {
        /// Value in seconds.
        secs: f64,
        /// Whether it was written as a duration.
        is_duration: bool,
    },
    /// `step()`.
    Step,
    /// `range()`.
    QueryRange,
    /// `min_of(a, b)`.
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`.
    Max(Box<DurationExpr>, Box<DurationExpr>),
    /// `-a` or `+a`.
    Unary {
        /// Whether it is a minus.
        negate: bool,
        /// What follows.
        expr: Box<DurationExpr>,
    },
    /// `a op b` with `+ - * / % ^`.
    Binary(BinaryOp, Box<DurationExpr>, Box<DurationExpr>),
    /// `(a)`.
    Paren(Box<DurationExpr>),
}

/// `offset` and `@`, on selectors and subqueries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Modifiers {
    /// `offset`, where written.
    pub offset: Option<DurationExpr>,
    /// `@`, where written.
    pub at: Option<At>,
}

/// How range and instant selectors look beyond their window (experimental extended vectors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extension {
    /// As ever.
    #[default]
    None,
    /// `anchored`.
    Anchored,
    /// `smoothed`.
    Smoothed,
}

/// `name{matchers} offset … @ …`.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The name written before the braces; its matcher stands in `matchers` too.
    pub name: Option<Arc<str>>,
    /// All conditions, the name's included.
    pub matchers: Vec<Matcher>,
    /// `offset` and `@`.
    pub modifiers: Modifiers,
    /// `anchored` or `smoothed`.
    pub extension: Extension,
}

/// `selector[range]`; modifiers stand in the selector.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeSelector {
    /// What is selected, with modifiers and extension.
    pub selector: VectorSelector,
    /// Where the selector's name and braces stand.
    pub selector_span: Span,
    /// How far back.
    pub range: DurationExpr,
}

/// `expr[range:step] offset … @ …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// What is evaluated at each step.
    pub expr: Expr,
    /// How far back.
    pub range: DurationExpr,
    /// Distance of the steps; the default evaluation interval when not written.
    pub step: Option<DurationExpr>,
    /// `offset` and `@`.
    pub modifiers: Modifiers,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `atan2`
    Atan2,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `</` keeps the part of a histogram below a bound.
    TrimUpper,
    /// `>/` keeps the part of a histogram above a bound.
    TrimLower,
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
}

impl BinaryOp {
    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }

    /// `== != < <= > >=`.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// `and or unless`.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// Which series of the two sides belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cardinality {
    /// One of each.
    #[default]
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// How series of the two sides are matched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectorMatching {
    /// Which belong together.
    pub cardinality: Cardinality,
    /// Labels of `on` or `ignoring`.
    pub labels: Vec<Arc<str>>,
    /// Whether `labels` are those of `on`.
    pub on: bool,
    /// Labels of `group_left`/`group_right`, taken from the "one" side.
    pub include: Vec<Arc<str>>,
    /// Value for series missing on the left (`fill`, `fill_left`).
    pub fill_left: Option<f64>,
    /// Value for series missing on the right (`fill`, `fill_right`).
    pub fill_right: Option<f64>,
}

/// `left op right`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left side.
    pub left: Expr,
    /// Right side.
    pub right: Expr,
    /// `bool`.
    pub return_bool: bool,
    /// Matching, when both sides are vectors.
    pub matching: Option<VectorMatching>,
}

impl Drop for Binary {
    /// Long chains are taken apart one by one: dropping within each other would need a stack as high as the chain.
    fn drop(&mut self) {
        let mut left = std::mem::replace(&mut self.left, Expr::nothing());
        while let ExprKind::Binary(mut binary) = left.kind {
            left = std::mem::replace(&mut binary.left, Expr::nothing());
        }
    }
}

/// Aggregation operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `count`
    Count,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `group`
    Group,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
    /// `topk`
    Topk,
    /// `bottomk`
    Bottomk,
    /// `count_values`
    CountValues,
    /// `quantile`
    Quantile,
    /// `limitk` (experimental)
    Limitk,
    /// `limit_ratio` (experimental)
    LimitRatio,
}

impl AggregateOp {
    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }

    /// Whether it takes a parameter before the vector.
    pub const fn has_param(self) -> bool {
        matches!(self, Self::Topk | Self::Bottomk | Self::CountValues | Self::Quantile | Self::Limitk | Self::LimitRatio)
    }
}

/// `op by|without (labels) (param, expr)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The operator.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: Expr,
    /// The parameter, for operators that have one.
    pub param: Option<Expr>,
    /// Labels of `by` or `without`, as written.
    pub grouping: Vec<Arc<str>>,
    /// Whether `grouping` is that of `without`.
    pub without: bool,
}

/// `name(args…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function; its signature stands in the function table.
    pub function: &'static super::signature::Signature,
    /// The arguments as written.
    pub args: Vec<Expr>,
}
