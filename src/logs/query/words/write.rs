//! A tree of words to LogQL.
//!
//! Negations go inwards first. What must all hold is then a chain: conditions on labels of streams go into the selector, words
//! become line filters, fields label filters behind `| auto`. LogQL cannot choose between a line filter and a label filter;
//! where words ask for that, the line is made a label for a while. So are labels whose names are words of LogQL (`by`).

use std::collections::BTreeMap;

use super::Vocabulary;
use super::condition::{condition, escaped, guarded_comparison, whole};
use super::read::{Field, Test, Text, Tree};
use crate::logs::query::lex::is_keyword;
use crate::series::labels::quote;

/// The label that a line is for a while.
const LINE: &str = "line_";

/// The LogQL of a tree.
pub(super) fn logql(tree: &Tree, vocabulary: &Vocabulary<'_>) -> String {
    written(tree, vocabulary, false)
}

/// The LogQL of a tree whose names stand for themselves: `level` is no other word for the level that every line has.
pub(super) fn logql_of_names(tree: &Tree, vocabulary: &Vocabulary<'_>) -> String {
    written(tree, vocabulary, true)
}

fn written(tree: &Tree, vocabulary: &Vocabulary<'_>, has_plain_names: bool) -> String {
    let mut stages = Stages { vocabulary, has_plain_names, ..Stages::new(vocabulary) };
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

    /// The fields, if it asks for one of some values of one field.
    fn values(&self) -> Option<Vec<&Field>> {
        let Self::Any(parts) = self else { return None };
        let fields: Option<Vec<&Field>> =
            parts.iter().map(|part| if let Self::Field(field, false) = part { Some(*field) } else { None }).collect();
        fields.filter(|fields| fields.windows(2).all(|pair| pair[0].name == pair[1].name))
    }

    /// Whether it compares with a number, a duration or a size somewhere.
    fn compares(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Normal::compares),
            Self::Word(..) => false,
            Self::Field(field, _) => matches!(field.test, Test::Compare(..)),
        }
    }
}

struct Stages<'a> {
    vocabulary: &'a Vocabulary<'a>,
    /// Whether `level` is a name like others.
    has_plain_names: bool,
    matchers: Vec<String>,
    filters: String,
    /// Conditions that need nothing but what a line came with.
    early: String,
    /// Conditions on fields, and what compares.
    conditions: String,
    /// Conditions with parts that compare and parts that do not.
    mixed: String,
    /// Whether a field must be taken out of the line.
    parses: bool,
    /// Whether a label must be made.
    makes: bool,
    /// Whether something is compared in [`Self::conditions`].
    compares: bool,
    /// Labels that are made for conditions and dropped behind them, with their templates.
    made: BTreeMap<String, String>,
}

impl<'a> Stages<'a> {
    const fn new(vocabulary: &'a Vocabulary<'a>) -> Self {
        Self {
            vocabulary,
            has_plain_names: false,
            matchers: Vec::new(),
            filters: String::new(),
            early: String::new(),
            conditions: String::new(),
            mixed: String::new(),
            parses: false,
            makes: false,
            compares: false,
            made: BTreeMap::new(),
        }
    }

    /// One of the parts that must all hold.
    fn add(&mut self, part: &Normal<'_>) {
        if let Some(texts) = part.texts() {
            self.one_of(&texts);
            return;
        }
        if let Some(matcher) = part.values().and_then(|fields| self.matcher_of_values(&fields)) {
            self.matchers.push(matcher);
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
            part => self.stage(part),
        }
    }

    /// A part as a stage of its own, where it is cheapest and where what cannot be compared does no harm.
    fn stage(&mut self, part: &Normal<'_>) {
        let before = (std::mem::take(&mut self.parses), std::mem::take(&mut self.makes));
        let is_plain_comparison = matches!(part, Normal::Field(_, false)) && part.compares();
        let text = format!(" | {}", self.condition(part, !is_plain_comparison, false));
        let into = match (part.compares(), is_plain_comparison) {
            (true, true) => {
                self.compares = true;
                &mut self.conditions
            }
            (true, false) => &mut self.mixed,
            (false, _) if !self.parses && !self.makes => &mut self.early,
            (false, _) => &mut self.conditions,
        };
        into.push_str(&text);
        self.parses |= before.0;
        self.makes |= before.1;
    }

    fn chooses_streams(&self, field: &Field) -> bool {
        (self.vocabulary.is_on_every_stream)(&field.name) && !matches!(field.test, Test::Compare(..)) && !is_keyword(&field.name)
    }

    /// One matcher for one of some values of a label that every stream has.
    fn matcher_of_values(&self, fields: &[&Field]) -> Option<String> {
        let name = &fields.first().filter(|field| self.chooses_streams(field))?.name;
        let patterns: Option<Vec<String>> = fields
            .iter()
            .map(|field| match &field.test {
                Test::Equal(value) => Some(escaped(value)),
                Test::Is(value) if !value.is_anything() => Some(whole(name, value).unwrap_or_else(escaped)),
                _ => None,
            })
            .collect();
        let patterns = patterns?;
        // One word for any case stands for all that follow it.
        let folded: Option<Vec<&str>> = patterns.iter().map(|pattern| pattern.strip_prefix("(?i)")).collect();
        let pattern = match folded {
            Some(folded) => format!("(?i){}", folded.join("|")),
            None if patterns.iter().any(|pattern| pattern.starts_with("(?i)")) => return None,
            None => patterns.join("|"),
        };
        Some(format!("{name}=~{}", quote(&pattern)))
    }

    /// The label that a field is in.
    fn label(&mut self, field: &Field) -> String {
        let is_stream_label = (self.vocabulary.is_on_every_stream)(&field.name);
        let name = match self.vocabulary.level {
            Some(level) if field.name == level => level,
            Some(level) if field.name == "level" && !is_stream_label && !self.has_plain_names => level,
            _ => {
                self.parses |= !is_stream_label;
                field.name.as_str()
            }
        };
        if !is_keyword(name) {
            return name.to_owned();
        }
        let made = format!("{name}_");
        self.makes = true;
        self.made.insert(made.clone(), format!("{{{{.{name}}}}}"));
        made
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

    /// A condition on labels, the line among them; in parentheses where it stands within another. Where it is `guarded`, a
    /// value that cannot be compared decides like one that is not there.
    fn condition(&mut self, part: &Normal<'_>, guarded: bool, inside: bool) -> String {
        let (parts, word) = match part {
            Normal::Word(text, negative) => {
                self.makes = true;
                self.made.insert(LINE.to_owned(), "{{__line__}}".to_owned());
                let pattern = format!("(?s).*(?:{}).*", if text.is_anything() { String::new() } else { Pattern::of(text).as_regex() });
                return format!("{LINE}{}{}", if *negative { "!~" } else { "=~" }, quote(&pattern));
            }
            Normal::Field(field, negative) => {
                let name = self.label(field);
                return match &field.test {
                    Test::Compare(op, value) if guarded => guarded_comparison(&name, *op, value, *negative),
                    _ => condition(&name, field, *negative),
                };
            }
            Normal::All(parts) => (parts, " and "),
            Normal::Any(parts) => (parts, " or "),
        };
        let texts: Vec<String> = parts.iter().map(|part| self.condition(part, guarded, true)).collect();
        let text = texts.join(word);
        if inside { format!("({text})") } else { text }
    }

    fn finish(self) -> String {
        let mut text = format!("{{{}}}{}{}", self.matchers.join(", "), self.filters, self.early);
        if self.parses {
            text.push_str(" | auto");
        }
        if !self.made.is_empty() {
            let formats: Vec<String> = self.made.iter().map(|(label, template)| format!("{label}={}", quote(template))).collect();
            text.push_str(&format!(" | label_format {}", formats.join(",")));
        }
        text.push_str(&self.conditions);
        if self.compares {
            // What cannot be compared passes with an error.
            text.push_str(r#" | __error__="""#);
        }
        text.push_str(&self.mixed);
        let mut dropped: Vec<&str> = self.made.keys().map(String::as_str).collect();
        if !self.mixed.is_empty() {
            // A part that did not decide may have left an error, which no count over lines takes.
            dropped.extend(["__error__", "__error_details__"]);
        }
        if !dropped.is_empty() {
            text.push_str(&format!(" | drop {}", dropped.join(",")));
        }
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
