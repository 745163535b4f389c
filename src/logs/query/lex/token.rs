//! The kinds of tokens, and which words are functions and keywords.

use crate::logs::query::ast::{BinaryOp, Conversion, RangeOp, Span, VectorOp};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// End of the text.
    Eof,
    /// `,`
    Comma,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `=`
    Equal,
    /// `=~`
    RegexEqual,
    /// `!~`
    NotRegex,
    /// `!>`
    NotPattern,
    /// `|=`
    PipeContains,
    /// `|~`
    PipeRegex,
    /// `|>`
    PipePattern,
    /// `|`
    Pipe,
    /// An operator: symbols (`!=` and `==` too), `and or unless`.
    Op(BinaryOp),
    /// `[5m]` as a whole; nanoseconds.
    Range(i64),
    /// `5m`, `-1.5s`; nanoseconds.
    Duration(i64),
    /// `5KB`.
    Bytes(u64),
    /// `1`, `0x1p3`; not always a valid number.
    Number,
    /// A quoted string with its quotes.
    String,
    /// A name.
    Identifier,
    /// `--strict`, `--keep-empty`
    Flag(Flag),
    /// `rate`, `count_over_time`, … before a parenthesis.
    RangeOp(RangeOp),
    /// `sum`, `topk`, … before a parenthesis or a grouping.
    VectorOp(VectorOp),
    /// `bytes`, `duration`, … before a parenthesis.
    Conversion(Conversion),
    /// `vector` before a parenthesis.
    Vector,
    /// `label_replace` before a parenthesis.
    LabelReplace,
    /// `ip` before a parenthesis.
    Ip,
    /// A word that is never a name.
    Keyword(Keyword),
    /// A character that fits nowhere.
    Other(char),
}

/// Flags of `logfmt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `--strict`
    Strict,
    /// `--keep-empty`
    KeepEmpty,
}

impl Flag {
    /// The flag behind a first dash that is not part of `rest` (`-strict`).
    pub(super) fn from_dashed(rest: &str) -> Option<Self> {
        match rest {
            "-strict" => Some(Self::Strict),
            "-keep-empty" => Some(Self::KeepEmpty),
            _ => None,
        }
    }
}

/// Words that are never names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// `by`
    By,
    /// `without`
    Without,
    /// `bool`
    Bool,
    /// `offset`
    Offset,
    /// `on`
    On,
    /// `ignoring`
    Ignoring,
    /// `group_left`
    GroupLeft,
    /// `group_right`
    GroupRight,
    /// `unwrap`
    Unwrap,
    /// `json`
    Json,
    /// `logfmt`
    Logfmt,
    /// `regexp`
    Regexp,
    /// `pattern`
    Pattern,
    /// `unpack`
    Unpack,
    /// `line_format`
    LineFormat,
    /// `label_format`
    LabelFormat,
    /// `decolorize`
    Decolorize,
    /// `drop`
    Drop,
    /// `keep`
    Keep,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a word in lower case means before a parenthesis.
pub(super) fn function(word: &str) -> Option<Kind> {
    let range = || RangeOp::from_name(word).map(Kind::RangeOp);
    let vector = || VectorOp::from_name(word).map(Kind::VectorOp);
    let conversion = || Conversion::from_name(word).map(Kind::Conversion);
    match word {
        "vector" => Some(Kind::Vector),
        "label_replace" => Some(Kind::LabelReplace),
        "ip" => Some(Kind::Ip),
        _ => range().or_else(vector).or_else(conversion),
    }
}

/// What a word in lower case means anywhere.
pub(super) fn keyword(word: &str) -> Option<Kind> {
    Some(Kind::Keyword(match word {
        "and" => return Some(Kind::Op(BinaryOp::And)),
        "or" => return Some(Kind::Op(BinaryOp::Or)),
        "unless" => return Some(Kind::Op(BinaryOp::Unless)),
        "by" => Keyword::By,
        "without" => Keyword::Without,
        "bool" => Keyword::Bool,
        "offset" => Keyword::Offset,
        "on" => Keyword::On,
        "ignoring" => Keyword::Ignoring,
        "group_left" => Keyword::GroupLeft,
        "group_right" => Keyword::GroupRight,
        "unwrap" => Keyword::Unwrap,
        "json" => Keyword::Json,
        "logfmt" => Keyword::Logfmt,
        "regexp" => Keyword::Regexp,
        "pattern" => Keyword::Pattern,
        "unpack" => Keyword::Unpack,
        "line_format" => Keyword::LineFormat,
        "label_format" => Keyword::LabelFormat,
        "decolorize" => Keyword::Decolorize,
        "drop" => Keyword::Drop,
        "keep" => Keyword::Keep,
        _ => return None,
    }))
}

impl Kind {
    /// As messages name it; `text` is how it is written.
    pub fn describe(self, text: &str) -> String {
        match self {
            Self::Eof => "$end".to_owned(),
            Self::Range(_) => "RANGE".to_owned(),
            Self::Duration(_) => "DURATION".to_owned(),
            Self::Bytes(_) => "BYTES".to_owned(),
            Self::Number => "NUMBER".to_owned(),
            Self::String => "STRING".to_owned(),
            Self::Identifier => "IDENTIFIER".to_owned(),
            Self::Flag(_) => "FUNCTION_FLAG".to_owned(),
            Self::RangeOp(_) | Self::VectorOp(_) | Self::Vector => text.to_ascii_uppercase(),
            Self::Conversion(conversion) => format!("{}_CONV", conversion.as_str().to_ascii_uppercase()),
            Self::Other(c) => format!("character {}", crate::series::literal::go_rune(c)),
            Self::Op(op) => op.as_str().to_owned(),
            _ => text.to_ascii_lowercase(),
        }
    }
}
