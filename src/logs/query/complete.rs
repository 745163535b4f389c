//! What may stand at a place of a query that is being written: data for the editor's list.
//!
//! Goes by the tokens before the place only, so that it works on what does not parse yet.

use super::ast::{BinaryOp, Conversion, RangeOp, Span, VectorOp};
use super::lex::{Keyword, Kind, Lexer, Token};
use super::words;

/// What may stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What is written of it already, and would be replaced.
    pub replace: Span,
    /// Texts and kinds of names that fit, most likely first. Nothing where nothing can be said.
    pub offers: Vec<Offer>,
}

/// Something to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// Names of labels of streams.
    Labels,
    /// Names of fields: labels taken out of lines or sent with them.
    Fields,
    /// Values of this label or field, without quotes.
    Values(String),
    /// Names of functions, with their parenthesis.
    Functions(Vec<String>),
    /// What may follow a pipe.
    Stages(&'static [&'static str]),
    /// Operators and punctuation.
    Signs(&'static [&'static str]),
    /// Lengths of time.
    Durations(&'static [&'static str]),
}

const MATCHERS: &[&str] = &["=", "!=", "=~", "!~"];
const COMPARISONS: &[&str] = &["=", "!=", "=~", "!~", ">", ">=", "<", "<="];
const STAGES: &[&str] =
    &["json", "logfmt", "pattern", "regexp", "unpack", "auto", "line_format", "label_format", "decolorize", "drop", "keep"];
const RANGE_STAGES: &[&str] =
    &["json", "logfmt", "unwrap", "pattern", "regexp", "unpack", "auto", "line_format", "label_format", "decolorize", "drop", "keep"];
const FILTERS: &[&str] = &["|=", "!=", "|~", "!~", "|>", "!>", "|"];
const RANGE_FILTERS: &[&str] = &["|=", "!=", "|~", "!~", "|>", "!>", "|", "["];
const CONDITIONS: &[&str] = &["|", "and", "or", "|=", "!="];
const RANGE_CONDITIONS: &[&str] = &["|", "[", "and", "or", "|=", "!="];
const OPERATORS: &[&str] = &["by (", "without (", "+", "-", "*", "/", "%", "^", "==", "!=", ">", ">=", "<", "<=", "and", "or", "unless"];
const LENGTHS: &[&str] = &["1m", "5m", "15m", "1h", "6h", "1d"];

/// What may stand in `text` at `cursor`, a byte position.
pub fn complete(text: &str, cursor: usize) -> Completion {
    let cursor = (0..=cursor.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let before = text.get(..cursor).unwrap_or("");
    if words::may_be_logql(before) { in_logql(before) } else { in_words(before) }
}

fn offers(start: usize, before: &str, offers: Vec<Offer>) -> Completion {
    Completion { replace: Span { start: start as u32, end: before.len() as u32 }, offers }
}

/// Names of fields at the start of a word, values behind a colon or an equals sign.
fn in_words(before: &str) -> Completion {
    let start = before.rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |at| at + 1);
    let word = before.get(start..).unwrap_or("");
    let sign = word.len() - word.trim_start_matches(['-', '!']).len();
    let (start, word) = (start + sign, word.get(sign..).unwrap_or(""));
    let begins = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'));
    let is_name = |name: &str| begins(name) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@/".contains(&byte));
    match word.find([':', '=']) {
        Some(at) if is_name(word[..at].trim_end_matches('!')) => {
            let name = word[..at].trim_end_matches('!').to_owned();
            offers(start + at + 1, before, vec![Offer::Values(name)])
        }
        None if word.is_empty() && before.trim().is_empty() => {
            offers(start, before, vec![Offer::Labels, Offer::Fields, Offer::Functions(functions())])
        }
        None if word.is_empty() || is_name(word) => offers(start, before, vec![Offer::Labels, Offer::Fields]),
        _ => offers(before.len(), before, Vec::new()),
    }
}

fn functions() -> Vec<String> {
    let ranges = RangeOp::ALL.iter().map(|op| op.as_str());
    let vectors = VectorOp::ALL.iter().map(|op| op.as_str());
    ranges.chain(vectors).chain(["label_replace", "vector"]).map(|name| format!("{name}(")).collect()
}

/// What a parenthesis or brace that is open belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Braces,
    Range,
    Labels,
    Other,
}

/// Where the tokens before a place lead.
#[derive(Debug, Default)]
struct Walk {
    open: Vec<Open>,
    /// For each level, whether a selector stands before on it.
    in_pipeline: Vec<bool>,
    before_last: Option<Token>,
    last: Option<Token>,
}

impl Walk {
    fn new() -> Self {
        Self { in_pipeline: vec![false], ..Self::default() }
    }

    fn take(&mut self, token: Token) {
        match token.kind {
            Kind::LeftBrace => self.enter(Open::Braces),
            Kind::LeftParen => self.enter(match self.last.map(|token| token.kind) {
                Some(Kind::RangeOp(_)) => Open::Range,
                Some(Kind::Keyword(
                    Keyword::By | Keyword::Without | Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight,
                )) => Open::Labels,
                // Within a range, parentheses do not matter.
                _ if self.open.last() == Some(&Open::Range) => Open::Range,
                _ => Open::Other,
            }),
            Kind::RightBrace => {
                self.leave();
                self.mark(true);
            }
            Kind::RightParen => {
                let inside = self.in_pipeline.last() == Some(&true);
                let in_range = self.open.len() > 1 && self.open.iter().rev().nth(1) == Some(&Open::Range);
                self.leave();
                if inside && in_range {
                    self.mark(true);
                }
            }
            _ => {}
        }
        self.before_last = self.last.replace(token);
    }

    fn enter(&mut self, open: Open) {
        // A condition in parentheses is still in the pipeline.
        let inside = open == Open::Other && self.in_pipeline.last() == Some(&true);
        self.open.push(open);
        self.in_pipeline.push(inside);
    }

    fn leave(&mut self) {
        self.open.pop();
        if self.in_pipeline.len() > 1 {
            self.in_pipeline.pop();
        }
    }

    fn mark(&mut self, inside: bool) {
        if let Some(last) = self.in_pipeline.last_mut() {
            *last = inside;
        }
    }
}

fn in_logql(before: &str) -> Completion {
    let mut lexer = Lexer::new(before);
    let mut tokens = Vec::new();
    let broken = loop {
        match lexer.next_token() {
            Ok(token) if token.kind == Kind::Eof => break None,
            Ok(token) => tokens.push(token),
            Err(error) => break Some(error.span.start as usize),
        }
    };
    let is_word = |token: &&Token| matches!(token.kind, Kind::Identifier | Kind::Keyword(_)) && token.span.end as usize == before.len();
    let word = if broken.is_none() { tokens.pop_if(|token| is_word(&&*token)) } else { None };
    let mut walk = Walk::new();
    tokens.into_iter().for_each(|token| walk.take(token));
    match broken {
        None => offers(word.map_or(before.len(), |word| word.span.start as usize), before, next(&walk, before)),
        Some(at) => within(&walk, before, at),
    }
}

/// Within a string or a range that is not closed yet.
fn within(walk: &Walk, before: &str, at: usize) -> Completion {
    let inside = at + 1;
    match before.as_bytes().get(at) {
        Some(b'[') => offers(inside, before, vec![Offer::Durations(LENGTHS)]),
        Some(b'"' | b'`') => match label_before(walk, before) {
            Some(label) => offers(inside, before, vec![Offer::Values(label)]),
            None => offers(inside, before, Vec::new()),
        },
        _ => offers(before.len(), before, Vec::new()),
    }
}

/// The label that is compared at the end of the tokens.
fn label_before(walk: &Walk, before: &str) -> Option<String> {
    let (label, op) = (walk.before_last?, walk.last?);
    let compares = matches!(op.kind, Kind::Equal | Kind::RegexEqual | Kind::NotRegex | Kind::Op(BinaryOp::Ne));
    let written = before.get(label.span.start as usize..label.span.end as usize)?;
    (compares && label.kind == Kind::Identifier).then(|| written.to_owned())
}

fn next(walk: &Walk, before: &str) -> Vec<Offer> {
    let last = walk.last.map(|token| token.kind);
    match walk.open.last() {
        Some(Open::Braces) => match last {
            Some(Kind::LeftBrace | Kind::Comma) => vec![Offer::Labels],
            Some(Kind::Identifier) => vec![Offer::Signs(MATCHERS)],
            Some(Kind::String) => vec![Offer::Signs(&[",", "}"])],
            _ => label_before(walk, before).map(Offer::Values).into_iter().collect(),
        },
        Some(Open::Labels) => match last {
            Some(Kind::Identifier) => vec![Offer::Signs(&[",", ")"])],
            _ => vec![Offer::Labels, Offer::Fields],
        },
        open if walk.in_pipeline.last() == Some(&true) => in_pipeline(walk, before, open == Some(&Open::Range)),
        _ => match last {
            Some(Kind::RightParen | Kind::Number) => vec![Offer::Signs(OPERATORS)],
            Some(Kind::RangeOp(_) | Kind::VectorOp(_) | Kind::Identifier) => vec![Offer::Signs(&["("])],
            _ => vec![Offer::Functions(functions()), Offer::Signs(&["{"])],
        },
    }
}

fn in_pipeline(walk: &Walk, before: &str, in_range: bool) -> Vec<Offer> {
    let filters = if in_range { RANGE_FILTERS } else { FILTERS };
    match walk.last.map(|token| token.kind) {
        Some(Kind::Pipe) => vec![Offer::Stages(if in_range { RANGE_STAGES } else { STAGES }), Offer::Fields, Offer::Labels],
        Some(Kind::Keyword(Keyword::Unwrap)) => {
            let conversions = Conversion::ALL.iter().map(|conversion| format!("{}(", conversion.as_str())).collect();
            vec![Offer::Fields, Offer::Functions(conversions)]
        }
        Some(Kind::Keyword(Keyword::Drop | Keyword::Keep | Keyword::LabelFormat) | Kind::Comma) => vec![Offer::Fields, Offer::Labels],
        Some(Kind::LeftParen | Kind::Op(BinaryOp::And | BinaryOp::Or)) => vec![Offer::Fields, Offer::Labels],
        Some(Kind::Keyword(Keyword::Pattern | Keyword::Regexp | Keyword::LineFormat)) => Vec::new(),
        Some(Kind::PipeContains | Kind::PipeRegex | Kind::PipePattern | Kind::NotPattern) => Vec::new(),
        Some(Kind::Range(_)) => vec![Offer::Signs(&["|", "offset", ")"])],
        Some(Kind::Keyword(Keyword::Offset)) => vec![Offer::Durations(LENGTHS)],
        Some(Kind::Identifier) => vec![Offer::Signs(COMPARISONS)],
        Some(Kind::Equal | Kind::RegexEqual | Kind::NotRegex | Kind::Op(_)) => {
            label_before(walk, before).map(Offer::Values).into_iter().collect()
        }
        Some(Kind::RightBrace | Kind::Keyword(_)) => vec![Offer::Signs(filters)],
        _ => vec![Offer::Signs(if in_range { RANGE_CONDITIONS } else { CONDITIONS })],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offers in few words; `^` is the cursor, and what would be replaced stands behind the last colon.
    fn show(marked: &str) -> String {
        let cursor = marked.find('^').unwrap();
        let text = marked.replacen('^', "", 1);
        let completion = complete(&text, cursor);
        let mut shown: Vec<String> = completion
            .offers
            .iter()
            .map(|offer| match offer {
                Offer::Labels => "labels".to_owned(),
                Offer::Fields => "fields".to_owned(),
                Offer::Values(label) => format!("values of {label}"),
                Offer::Functions(names) => format!("{}…", names[0]),
                Offer::Stages(names) => format!("stages {}", names.len()),
                Offer::Signs(signs) => signs.join(" "),
                Offer::Durations(_) => "durations".to_owned(),
            })
            .collect();
        shown.push(format!(": {}", &text[completion.replace.start as usize..completion.replace.end as usize]));
        shown.join(", ")
    }

    #[test]
    fn what_may_stand_at_a_place_is_told() {
        for (marked, shown) in [
            // LogQL.
            ("{^", "labels, : "),
            ("{ap^", "labels, : ap"),
            ("{app ^", "= != =~ !~, : "),
            ("{app=^", "values of app, : "),
            (r#"{app="a^"#, "values of app, : a"),
            (r#"{app="a^"} |= "x""#, "values of app, : a"),
            (r#"{app="a"^"#, ", }, : "),
            (r#"{app="a", ^"#, "labels, : "),
            (r#"{app="a"} ^"#, "|= != |~ !~ |> !> |, : "),
            (r#"{app="a"} | ^"#, "stages 11, fields, labels, : "),
            (r#"{app="a"} | js^"#, "stages 11, fields, labels, : js"),
            (r#"{app="a"} | json^"#, "stages 11, fields, labels, : json"),
            (r#"{app="a"} | json ^"#, "|= != |~ !~ |> !> |, : "),
            (r#"{app="a"} | json | level^ ="#, "stages 11, fields, labels, : level"),
            (r#"{app="a"} | json | level ^"#, "= != =~ !~ > >= < <=, : "),
            (r#"{app="a"} | json | level="^"#, "values of level, : "),
            (r#"{app="a"} | json | level="x" ^"#, "| and or |= !=, : "),
            (r#"{app="a"} | json | (level="x" or ^"#, "fields, labels, : "),
            (r#"{app="a"} |= "^"#, ": "),
            (r#"{app="a"} | drop ^"#, "fields, labels, : "),
            ("rate(^", "rate(…, {, : "),
            (r#"rate({app="a"} | ^"#, "stages 12, fields, labels, : "),
            (r#"rate({app="a"} | json | unwrap ^"#, "fields, duration(…, : "),
            (r#"rate({app="a"}[^"#, "durations, : "),
            (r#"rate({app="a"}[5^"#, "durations, : 5"),
            (r#"rate({app="a"}[5m] ^"#, "| offset ), : "),
            (r#"rate(({app="a"} | json) ^"#, "| [ and or |= !=, : "),
            (r#"sum by (^"#, "labels, fields, : "),
            (r#"sum by (app) (^rate({app="a"}[5m]))"#, "rate(…, {, : "),
            (r#"sum(rate({app="a"}[5m])) ^"#, "by ( without ( + - * / % ^ == != > >= < <= and or unless, : "),
            // Words.
            ("^", "labels, fields, rate(…, : "),
            ("err^", "labels, fields, : err"),
            ("refused -lev^", "labels, fields, : lev"),
            ("level:er^", "values of level, : er"),
            ("(user!=A^", "values of user, : A"),
            ("12:3^", ": "),
            ("\"a b^", "labels, fields, : b"),
        ] {
            assert_eq!(show(marked), shown, "{marked}");
        }
        assert_eq!(complete("{é", 2), complete("{", 1));
    }
}
