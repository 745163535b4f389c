//! A tree of words to LogQL.
//!
//! Negations go inwards first. What must all hold is then a chain: conditions on labels of streams go into the selector, words
//! become line filters, fields label filters behind `| auto`. LogQL cannot choose between a line filter and a label filter;
//! where words ask for that, the line is made a label for a while. So are labels whose names are words of LogQL (`by`).

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Vocabulary;
use super::read::{Field, Test, Text, Tree};
use crate::logs::query::ast::CompareOp;
use crate::logs::query::lex::is_keyword;
use crate::series::labels::quote;

/// The label that a line is for a while.
const LINE: &str = "line_";

/// The LogQL of a tree.
pub(super) fn logql(tree: &Tree, vocabulary: &Vocabulary<'_>) -> String {
    let mut stages = Stages {
        vocabulary,
        matchers: Vec::new(),
        filters: String::new(),
        conditions: String::new(),
        parses: false,
        made: BTreeMap::new(),
    };
    match normal(tree, false) {
        Normal::All(parts) => parts.iter().for_each(|part| stages.add(part)),
        one => stages.add(&one),
    }
    stages.finish()
}

/// A tree whose negations stand at the leaves.
enum Normal<'a> {
    All(Vec<Normal<'a>>),
    Any(Vec<Normal<'a>>),
    Word(&'a Text, bool),
    Field(&'a Field, bool),
}

fn normal(tree: &Tree, negative: bool) -> Normal<'_> {
    let (parts, all) = match tree {
        Tree::Not(inside) => return normal(inside, !negative),
        Tree::Word(text) => return Normal::Word(text, negative),
        Tree::Field(field) => return Normal::Field(field, negative),
        Tree::All(parts) => (parts, !negative),
        Tree::Any(parts) => (parts, negative),
    };
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match (normal(part, negative), all) {
            (Normal::All(inner), true) | (Normal::Any(inner), false) => flat.extend(inner),
            (other, _) => flat.push(other),
        }
    }
    if all { Normal::All(flat) } else { Normal::Any(flat) }
}

impl Normal<'_> {
    /// The texts, if it asks for one of some texts.
    fn texts(&self) -> Option<Vec<&Text>> {
        match self {
            Self::Any(parts) => parts.iter().map(|part| if let Self::Word(text, false) = part { Some(*text) } else { None }).collect(),
            _ => None,
        }
    }
}

struct Stages<'a> {
    vocabulary: &'a Vocabulary<'a>,
    matchers: Vec<String>,
    filters: String,
    conditions: String,
    /// Whether a field must be taken out of the line.
    parses: bool,
    /// Labels that are made for conditions and dropped behind them, with their templates.
    made: BTreeMap<String, String>,
}

impl Stages<'_> {
    /// One of the parts that must all hold.
    fn add(&mut self, part: &Normal<'_>) {
        if let Some(texts) = part.texts() {
            self.one_of(&texts);
            return;
        }
        match part {
            Normal::Word(text, negative) if text.is_anything() => {
                if *negative {
                    self.filters.push_str(r#" != """#);
                }
            }
            Normal::Word(text, negative) => {
                let pattern = Pattern::of(text);
                let filter = format!(" {} {}", pattern.operator(*negative), pattern.quoted());
                self.filters.push_str(&filter);
            }
            Normal::Field(field, negative) if self.chooses_streams(field) => {
                self.matchers.push(condition(&field.name, field, *negative));
            }
            part => {
                let text = self.condition(part, false);
                self.conditions.push_str(&format!(" | {text}"));
            }
        }
    }

    fn chooses_streams(&self, field: &Field) -> bool {
        (self.vocabulary.is_stream_label)(&field.name) && !matches!(field.test, Test::Compare(..)) && !is_keyword(&field.name)
    }

    fn one_of(&mut self, texts: &[&Text]) {
        if texts.iter().any(|text| text.is_anything()) {
            return;
        }
        let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::of(text)).collect();
        let quoted: Vec<String> = if patterns.iter().all(|pattern| !pattern.is_regex) {
            self.filters.push_str(" |= ");
            patterns.iter().map(Pattern::quoted).collect()
        } else {
            self.filters.push_str(" |~ ");
            patterns.iter().map(|pattern| quote(&pattern.as_regex())).collect()
        };
        self.filters.push_str(&quoted.join(" or "));
    }

    /// A condition on labels, the line among them; in parentheses where it stands within another.
    fn condition(&mut self, part: &Normal<'_>, inside: bool) -> String {
        let (parts, word) = match part {
            Normal::Word(text, negative) => {
                self.made.insert(LINE.to_owned(), "{{__line__}}".to_owned());
                let pattern = format!("(?s).*(?:{}).*", if text.is_anything() { String::new() } else { Pattern::of(text).as_regex() });
                return format!("{LINE}{}{}", if *negative { "!~" } else { "=~" }, quote(&pattern));
            }
            Normal::Field(field, negative) => {
                let is_stream_label = (self.vocabulary.is_stream_label)(&field.name);
                let name = match self.vocabulary.level {
                    Some(level) if field.name == "level" && !is_stream_label => level,
                    _ => {
                        self.parses |= !is_stream_label;
                        &field.name
                    }
                };
                if !is_keyword(name) {
                    return condition(name, field, *negative);
                }
                let made = format!("{name}_");
                self.made.insert(made.clone(), format!("{{{{.{name}}}}}"));
                return condition(&made, field, *negative);
            }
            Normal::All(parts) => (parts, " and "),
            Normal::Any(parts) => (parts, " or "),
        };
        let texts: Vec<String> = parts.iter().map(|part| self.condition(part, true)).collect();
        let text = texts.join(word);
        if inside { format!("({text})") } else { text }
    }

    fn finish(self) -> String {
        let mut text = format!("{{{}}}{}", self.matchers.join(", "), self.filters);
        if self.parses {
            text.push_str(" | auto");
        }
        if self.made.is_empty() {
            text.push_str(&self.conditions);
            return text;
        }
        let formats: Vec<String> = self.made.iter().map(|(label, template)| format!("{label}={}", quote(template))).collect();
        let labels: Vec<&str> = self.made.keys().map(String::as_str).collect();
        text.push_str(&format!(" | label_format {}{} | drop {}", formats.join(","), self.conditions, labels.join(",")));
        text
    }
}

/// A text as line filters have it.
struct Pattern {
    text: String,
    is_regex: bool,
}

impl Pattern {
    /// Upper and lower case are the same, so what has letters is a regular expression. A star at one end asks for the start or
    /// the end of a word at the other.
    fn of(text: &Text) -> Self {
        let (first, last) = (text.parts.first().map_or("", String::as_str), text.parts.last().map_or("", String::as_str));
        let has_letters = text.parts.iter().any(|part| part.chars().any(char::is_alphabetic));
        if let [only] = text.parts.as_slice()
            && !has_letters
        {
            return Self { text: only.clone(), is_regex: false };
        }
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let has_star = text.parts.len() > 1;
        let begins = has_star && last.is_empty() && is_word(first.chars().next());
        let ends = has_star && first.is_empty() && is_word(last.chars().next_back());
        let inside: Vec<String> = text.parts.iter().filter(|part| !part.is_empty()).map(|part| escaped(part)).collect();
        let pattern = format!(
            "{}{}{}{}",
            if has_letters { "(?i)" } else { "" },
            if begins { r"\b" } else { "" },
            inside.join(r"\S*"),
            if ends { r"\b" } else { "" }
        );
        Self { text: pattern, is_regex: true }
    }

    const fn operator(&self, negative: bool) -> &'static str {
        match (self.is_regex, negative) {
            (true, false) => "|~",
            (true, true) => "!~",
            (false, false) => "|=",
            (false, true) => "!=",
        }
    }

    fn quoted(&self) -> String {
        quote(&self.text)
    }

    fn as_regex(&self) -> String {
        if self.is_regex { self.text.clone() } else { escaped(&self.text) }
    }
}

/// With all that means something in a regular expression standing for itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `name="value"` and the like.
fn condition(name: &str, field: &Field, negative: bool) -> String {
    let mut text = String::new();
    let written = match (&field.test, negative) {
        (Test::Is(value), negative) if value.is_anything() => write!(text, "{name}{}\"\"", if negative { "=" } else { "!=" }),
        (Test::Is(value), negative) => match whole(&field.name, value) {
            Ok(regex) => write!(text, "{name}{}{}", if negative { "!~" } else { "=~" }, quote(&regex)),
            Err(plain) => write!(text, "{name}{}{}", if negative { "!=" } else { "=" }, quote(plain)),
        },
        (Test::Equal(value), false) | (Test::NotEqual(value), true) => write!(text, "{name}={}", quote(value)),
        (Test::Equal(value), true) | (Test::NotEqual(value), false) => write!(text, "{name}!={}", quote(value)),
        (Test::Regex(value), false) | (Test::NotRegex(value), true) => write!(text, "{name}=~{}", quote(value)),
        (Test::Regex(value), true) | (Test::NotRegex(value), false) => write!(text, "{name}!~{}", quote(value)),
        (Test::Compare(op, value), false) => write!(text, "{name}{}{value}", op.as_str()),
        // What has no such field is not greater either.
        (Test::Compare(op, value), true) => write!(text, "({name}=\"\" or {name}{}{value})", opposite(*op).as_str()),
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    text
}

/// A value as an expression that matches all of it, or the value itself where no case and no star matters.
fn whole<'a>(name: &str, value: &'a Text) -> Result<String, &'a str> {
    if name == "level"
        && let [level] = value.parts.as_slice()
    {
        // Programs do not agree on how to write these.
        match level.to_ascii_lowercase().as_str() {
            "error" | "err" => return Ok("(?i)err(or)?".to_owned()),
            "warn" | "warning" => return Ok("(?i)warn(ing)?".to_owned()),
            "info" | "information" => return Ok("(?i)info(rmation)?".to_owned()),
            "critical" | "crit" => return Ok("(?i)crit(ical)?".to_owned()),
            _ => {}
        }
    }
    let has_letters = value.parts.iter().any(|part| part.chars().any(char::is_alphabetic));
    match value.parts.as_slice() {
        [plain] if !has_letters => Err(plain),
        parts => {
            let inside: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
            Ok(format!("{}{}", if has_letters { "(?i)" } else { "" }, inside.join(".*")))
        }
    }
}

const fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
    }
}
