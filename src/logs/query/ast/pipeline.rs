//! The stages of a pipeline.

use std::net::IpAddr;
use std::sync::Arc;

use super::Span;
use crate::series::matcher::Matcher;

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it does.
    pub kind: StageKind,
    /// Where it stands, with its pipe.
    pub span: Span,
}

/// The kinds of stages.
#[derive(Debug, Clone, PartialEq)]
pub enum StageKind {
    /// `|= "error" or "fatal"`.
    LineFilter(LineFilter),
    /// `| json`, or with expressions `| json status="response.code", first="items[0]"`.
    Json {
        /// Empty: everything in the object becomes labels.
        expressions: Vec<Extraction>,
    },
    /// `| logfmt --strict --keep-empty`, or with expressions (paths of one field).
    Logfmt {
        /// Stops at the first error instead of going over it.
        strict: bool,
        /// Keeps keys without a value.
        keep_empty: bool,
        /// Empty: every pair becomes a label.
        expressions: Vec<Extraction>,
    },
    /// `| regexp "(?P<name>re)"`. If it compiles, it has at least one named group and no name twice; whether it does is
    /// for whoever evaluates to say, as upstream.
    Regexp(Arc<str>),
    /// `| pattern "<ip> - <_>"`; has at least one name.
    Pattern(Pattern),
    /// `| unpack`.
    Unpack,
    /// `| auto`, an extension of ours: as `json` where the line is a JSON object, else as `logfmt`; never sets `__error__`.
    Auto,
    /// `| level="error" or status >= 500`.
    LabelFilter(LabelFilter),
    /// `| line_format "{{.msg}}"`: a Go template.
    LineFormat(Arc<str>),
    /// `| label_format a=b, c="{{.d}}"`.
    LabelFormat(Vec<LabelFormat>),
    /// `| decolorize`.
    Decolorize,
    /// `| drop level, method="GET"`.
    Drop(Vec<LabelChoice>),
    /// `| keep level, method="GET"`.
    Keep(Vec<LabelChoice>),
}

/// A line filter. The positive operators (`|= |~ |>`) pass a line that meets any of the terms. The negative ones
/// (`!= !~ !>`) always have one term here: `!= "a" or "b"` is read as `!= "a" != "b"`, which is what it means upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct LineFilter {
    /// How each term is compared with the line.
    pub op: LineOp,
    /// At least one.
    pub terms: Vec<LineMatch>,
}

/// How a line filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineOp {
    /// `|=`
    Contains,
    /// `!=`
    NotContains,
    /// `|~`, anywhere in the line.
    Regex,
    /// `!~`
    NotRegex,
    /// `|>`, from the first byte to the last.
    Pattern,
    /// `!>`
    NotPattern,
}

impl LineOp {
    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "|=",
            Self::NotContains => "!=",
            Self::Regex => "|~",
            Self::NotRegex => "!~",
            Self::Pattern => "|>",
            Self::NotPattern => "!>",
        }
    }

    /// Whether it passes lines that do not match.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotContains | Self::NotRegex | Self::NotPattern)
    }
}

/// One term of a line filter.
#[derive(Debug, Clone, PartialEq)]
pub enum LineMatch {
    /// A text, or a regular expression (RE2 syntax, not anchored), as the operator says. An empty one is in every line.
    /// Whether an expression compiles is for whoever evaluates to say, as upstream.
    Text(Arc<str>),
    /// With `|>` and `!>`: matches from the first byte to the last. Without named captures; no parts at all match the
    /// empty line only.
    Pattern(Pattern),
    /// `ip("10.0.0.0/8")`: some address in the line lies within. Means something with `|=` and `!=` only; for others, see
    /// [`check::evaluable`](crate::logs::query::check::evaluable).
    Ip(IpPattern),
}

/// `"192.168.4.5"`, `"192.168.4.5-192.168.4.20"` or `"192.168.4.0/24"`: addresses from first to last, both included.
///
/// Upstream does not look at patterns within `and`, `or` and behind `unwrap`; a wrong one there matches nothing, and has
/// its first address above its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpPattern {
    /// As written.
    pub text: Arc<str>,
    /// The smallest address.
    pub first: IpAddr,
    /// The largest address, of the same family.
    pub last: IpAddr,
}

impl IpPattern {
    /// Whether it is a pattern at all.
    pub fn is_valid(&self) -> bool {
        self.first <= self.last
    }

    /// Whether an address lies within. An IPv4 address mapped into IPv6 is IPv6, as upstream.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, self.last, address) {
            (IpAddr::V4(first), IpAddr::V4(last), IpAddr::V4(address)) => first <= address && address <= last,
            (IpAddr::V6(first), IpAddr::V6(last), IpAddr::V6(address)) => first <= address && address <= last,
            _ => false,
        }
    }
}

/// `label="path"` of `json` and `logfmt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// The label that is set.
    pub label: Arc<str>,
    /// The path as written, `response.items[0]["odd key"]`; the label's name where none is.
    pub expression: Arc<str>,
    /// The path, read; for `logfmt` always one field.
    pub path: Vec<PathStep>,
}

/// A step down into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// A member of an object.
    Field(Arc<str>),
    /// An element of an array, from 0.
    Index(u64),
}

/// A pattern as of `| pattern` and `|>`: literals and captures in turns, never two captures beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub text: Arc<str>,
    /// Its parts in order.
    pub parts: Vec<PatternPart>,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternPart {
    /// Stands there as it is; not empty.
    Literal(Arc<str>),
    /// `<name>`.
    Capture(Arc<str>),
    /// `<_>`.
    Skip,
}

/// A condition on labels, extracted ones included.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFilter {
    /// What it is.
    pub kind: LabelFilterKind,
    /// Where it stands, without parentheses around it.
    pub span: Span,
}

/// The kinds of label filters.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelFilterKind {
    /// `level="error"`; an absent label is empty.
    Text(Matcher),
    /// `status >= 500`.
    Number {
        /// The label.
        label: Arc<str>,
        /// How it compares.
        op: CompareOp,
        /// With what.
        value: f64,
    },
    /// `took > 1.5s`.
    Duration {
        /// The label.
        label: Arc<str>,
        /// How it compares.
        op: CompareOp,
        /// With what, in nanoseconds.
        nanos: i64,
    },
    /// `size > 5KB`.
    Bytes {
        /// The label.
        label: Arc<str>,
        /// How it compares.
        op: CompareOp,
        /// With what.
        bytes: u64,
    },
    /// `addr = ip("10.0.0.0/8")`.
    Ip {
        /// The label.
        label: Arc<str>,
        /// `!=`.
        negative: bool,
        /// The addresses.
        pattern: IpPattern,
    },
    /// All of these (`and`, a comma, or just beside each other), from left to right; at least two. The first one is no
    /// `All` itself: `(a, b), c` is one list, `a, (b, c)` is two.
    All(Vec<LabelFilter>),
    /// Any of these (`or`); as with `All`.
    Any(Vec<LabelFilter>),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==` or `=`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
}

impl CompareOp {
    /// As written, `==` for equality.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
        }
    }

    /// Whether `left op right` holds.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Ne => left != right,
            Self::Gt => left > right,
            Self::Ge => left >= right,
            Self::Lt => left < right,
            Self::Le => left <= right,
        }
    }
}

/// `label=value` of `label_format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFormat {
    /// The label that is set.
    pub label: Arc<str>,
    /// To what.
    pub value: LabelFormatValue,
}

/// What a label is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelFormatValue {
    /// The value of this label, which goes away.
    Rename(Arc<str>),
    /// What this Go template makes.
    Template(Arc<str>),
}

/// A label of `drop` and `keep`.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelChoice {
    /// Whatever its value.
    Name(Arc<str>),
    /// If it matches.
    Match(Matcher),
}
