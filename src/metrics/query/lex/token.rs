//! The kinds of tokens, and which words are keywords.

/// Operators are the same as tokens and in the tree.
pub use crate::metrics::query::ast::BinaryOp as Op;

use super::super::ast::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// End of the text.
    Eof,
    /// `,`
    Comma,
    /// `:` inside of brackets.
    Colon,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `=`
    Equal,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotEqualRegex,
    /// `@`
    At,
    /// `1`, `0x1f`, `Inf`, `NaN`; not always a valid number.
    Number,
    /// `1h30m`; not always a valid duration.
    Duration,
    /// A quoted string with its quotes.
    String,
    /// A name without colons.
    Identifier,
    /// A name with colons.
    MetricIdentifier,
    /// An operator: symbols, and `and or unless atan2`.
    Op(Op),
    /// An aggregation operator.
    Aggregate,
    /// Words that modify: `by`, `offset`, `bool`, …
    Keyword(Keyword),
    /// `start end step range max_of min_of`.
    Preprocessor(Preprocessor),
}

/// Modifying words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// `offset`
    Offset,
    /// `smoothed`
    Smoothed,
    /// `anchored`
    Anchored,
    /// `by`
    By,
    /// `without`
    Without,
    /// `on`
    On,
    /// `ignoring`
    Ignoring,
    /// `group_left`
    GroupLeft,
    /// `group_right`
    GroupRight,
    /// `fill`
    Fill,
    /// `fill_left`
    FillLeft,
    /// `fill_right`
    FillRight,
    /// `bool`
    Bool,
}

/// Words for points in time and lengths that only the query as a whole knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preprocessor {
    /// `start`
    Start,
    /// `end`
    End,
    /// `step`
    Step,
    /// `range`
    Range,
    /// `max_of`
    MaxOf,
    /// `min_of`
    MinOf,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexError {
    /// From where the lexer could not go on, to the end of the text.
    pub span: Span,
    /// Why, in upstream's words.
    pub message: String,
}

/// What a word means outside of braces; keywords are recognised in any case.
pub fn keyword(word: &str) -> Option<Kind> {
    // The longest keyword is `count_values`; longer words need not be folded.
    let mut folded = [0u8; 12];
    let folded = folded.get_mut(..word.len())?;
    folded.copy_from_slice(word.as_bytes());
    folded.make_ascii_lowercase();
    Some(match &*folded {
        b"and" => Kind::Op(Op::And),
        b"or" => Kind::Op(Op::Or),
        b"unless" => Kind::Op(Op::Unless),
        b"atan2" => Kind::Op(Op::Atan2),
        b"sum" | b"avg" | b"count" | b"min" | b"max" | b"group" | b"stddev" | b"stdvar" | b"topk" | b"bottomk" | b"count_values"
        | b"quantile" | b"limitk" | b"limit_ratio" => Kind::Aggregate,
        b"offset" => Kind::Keyword(Keyword::Offset),
        b"smoothed" => Kind::Keyword(Keyword::Smoothed),
        b"anchored" => Kind::Keyword(Keyword::Anchored),
        b"by" => Kind::Keyword(Keyword::By),
        b"without" => Kind::Keyword(Keyword::Without),
        b"on" => Kind::Keyword(Keyword::On),
        b"ignoring" => Kind::Keyword(Keyword::Ignoring),
        b"group_left" => Kind::Keyword(Keyword::GroupLeft),
        b"group_right" => Kind::Keyword(Keyword::GroupRight),
        b"fill" => Kind::Keyword(Keyword::Fill),
        b"fill_left" => Kind::Keyword(Keyword::FillLeft),
        b"fill_right" => Kind::Keyword(Keyword::FillRight),
        b"bool" => Kind::Keyword(Keyword::Bool),
        b"start" => Kind::Preprocessor(Preprocessor::Start),
        b"end" => Kind::Preprocessor(Preprocessor::End),
        b"inf" | b"nan" => Kind::Number,
        other => Kind::Preprocessor(duration_word(other)?),
    })
}

/// Words that stand for durations; `word` is in lower case.
pub(super) fn duration_word(word: &[u8]) -> Option<Preprocessor> {
    Some(match word {
        b"step" => Preprocessor::Step,
        b"range" => Preprocessor::Range,
        b"max_of" => Preprocessor::MaxOf,
        b"min_of" => Preprocessor::MinOf,
        _ => return None,
    })
}
