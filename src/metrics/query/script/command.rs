//! A script as a list of commands.

use regex::Regex;

use super::load::Load;
use super::series::{Item, parse_series};
use crate::base::time::Duration;
use crate::metrics::query::parse::text;
use crate::series::labels::Labels;
use crate::series::ports::When;

/// One command and the line it stands in, from 1.
#[derive(Debug)]
pub struct Command {
    /// Line of its first word.
    pub line: usize,
    /// What to do.
    pub action: Action,
}

/// What a command does.
#[derive(Debug)]
pub enum Action {
    /// Forget all data.
    Clear,
    /// Store series.
    Load(Load),
    /// Evaluate a query and compare.
    Eval(Box<Eval>),
}

/// A query with what is expected of it.
#[derive(Debug)]
pub struct Eval {
    /// The query.
    pub query: String,
    /// When it is evaluated.
    pub when: When,
    /// Whether the order of the result matters.
    pub ordered: bool,
    /// The value, when it does not fail.
    pub expected: Expected,
    /// What its error must look like, when it must fail.
    pub fail: Option<Words>,
    /// Its warnings.
    pub warnings: Notes,
    /// Its infos.
    pub infos: Notes,
}

/// The value of a query.
#[derive(Debug)]
pub enum Expected {
    /// A number.
    Scalar(f64),
    /// A text.
    String(String),
    /// Series, in this order if it matters; of instant queries each has one value.
    Series(Vec<(Labels, Vec<Item>)>),
    /// An instant query's series over time: first, last and distance of the positions in milliseconds.
    RangeVector {
        /// First position.
        start: i64,
        /// No position is later.
        end: i64,
        /// Distance of the positions.
        step: i64,
        /// The series.
        series: Vec<(Labels, Vec<Item>)>,
    },
}

/// Which warnings or infos must be there.
#[derive(Debug, Default)]
pub struct Notes {
    /// At least one, whatever it says.
    pub some: bool,
    /// None at all.
    pub none: bool,
    /// Each of these, and no other.
    pub words: Vec<Words>,
}

/// What a message must look like.
#[derive(Debug)]
pub enum Words {
    /// Anything.
    Any,
    /// This.
    Exactly(String),
    /// Somewhere this.
    Matching(Regex),
}

impl Words {
    /// Whether a message looks like this.
    pub fn fit(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(text) => text == message,
            Self::Matching(regex) => regex.is_match(message),
        }
    }
}

/// A line that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub message: String,
}

/// Reads a whole script.
pub fn parse_script(text: &str) -> Result<Vec<Command>, ScriptError> {
    // A comment line is a blank line, and a blank line ends a block.
    let lines: Vec<&str> = text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(&head) = lines.get(at) {
        let line = at + 1;
        at += 1;
        if head.is_empty() {
            continue;
        }
        let word = head.split([' ', '\t']).next().unwrap_or("").to_ascii_lowercase();
        let block = lines.get(at..).unwrap_or(&[]);
        let block = block.split(|line| line.is_empty()).next().unwrap_or(&[]);
        let (action, used) = if word == "clear" {
            (Action::Clear, 0)
        } else if word.starts_with("load") {
            (Action::Load(load(head, line, block)?), block.len())
        } else if word.starts_with("eval") {
            let (eval, used) = eval(head, line, block)?;
            (Action::Eval(Box::new(eval)), used)
        } else {
            return Err(ScriptError { line, message: format!("invalid command {head:?}") });
        };
        commands.push(Command { line, action });
        at += used;
    }
    Ok(commands)
}

fn duration(text: &str) -> Result<i64, String> {
    Duration::parse(text).map(Duration::ms).map_err(|error| format!("invalid duration {text:?}: {error}"))
}

fn load(head: &str, line: usize, block: &[&str]) -> Result<Load, ScriptError> {
    let at = |line: usize| move |message: String| ScriptError { line, message };
    let (word, step) = head.split_once([' ', '\t']).unwrap_or((head, ""));
    let with_nhcb = match word {
        "load" => false,
        "load_with_nhcb" => true,
        _ => return Err(at(line)("invalid load command, must be load[_with_nhcb] <step>".to_owned())),
    };
    let mut load = Load { step_ms: duration(step.trim()).map_err(at(line))?, with_nhcb, series: Vec::new() };
    let mut pending = None;
    for (index, text) in block.iter().enumerate() {
        load.line(text, &mut pending).map_err(at(line + 1 + index))?;
    }
    if pending.is_some() {
        return Err(at(line + block.len())("@st line has no following sample line".to_owned()));
    }
    Ok(load)
}

/// Takes the first word off.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// `keyword <duration>` off the front of `text`.
fn keyed_duration<'a>(text: &'a str, keyword: &str) -> Result<(i64, &'a str), String> {
    let (word, rest) = split_word(text);
    if word != keyword {
        return Err(format!("expected {keyword:?}, got {word:?}"));
    }
    let (value, rest) = split_word(rest);
    Ok((duration(value)?, rest))
}

fn eval_when(text: &str) -> Result<(When, &str), String> {
    let (kind, rest) = split_word(text);
    match kind {
        "instant" => {
            let (at, rest) = if split_word(rest).0 == "at" { keyed_duration(rest, "at")? } else { (0, rest) };
            Ok((When::Instant(at), rest))
        }
        "range" => {
            let (start, rest) = keyed_duration(rest, "from")?;
            let (end, rest) = keyed_duration(rest, "to")?;
            let (step, rest) = keyed_duration(rest, "step")?;
            if end < start {
                return Err("end timestamp is before start timestamp".to_owned());
            }
            Ok((When::Range { start, end, step }, rest))
        }
        _ => Err(format!("expected \"instant\" or \"range\", got {kind:?}")),
    }
}

/// The command and how many lines of the block belong to it.
fn eval(head: &str, line: usize, block: &[&str]) -> Result<(Eval, usize), ScriptError> {
    let at = |line: usize| move |message: String| ScriptError { line, message };
    let (word, rest) = split_word(head);
    let (when, query) = eval_when(rest).map_err(at(line))?;
    let mut eval = Eval {
        query: query.to_owned(),
        when,
        ordered: false,
        expected: Expected::Series(Vec::new()),
        fail: None,
        warnings: Notes::default(),
        infos: Notes::default(),
    };
    match word.strip_prefix("eval").unwrap_or(word) {
        "" => {}
        "_ordered" => eval.ordered = true,
        "_fail" => eval.fail = Some(Words::Any),
        "_warn" => eval.warnings.some = true,
        "_info" => eval.infos.some = true,
        _ => return Err(at(line)(format!("invalid command {word:?}"))),
    }
    for (index, text) in block.iter().enumerate() {
        let done = eval.line(text).map_err(at(line + 1 + index))?;
        if done {
            return Ok((eval, index + 1));
        }
    }
    Ok((eval, block.len()))
}

impl Eval {
    /// Reads one line of the block; whether it is the last one that belongs to the command.
    fn line(&mut self, line: &str) -> Result<bool, String> {
        if self.fail.is_some() {
            if let Some(text) = line.strip_prefix("expected_fail_message") {
                self.fail = Some(Words::Exactly(text.trim().to_owned()));
                return Ok(true);
            }
            if let Some(text) = line.strip_prefix("expected_fail_regexp") {
                self.fail = Some(Words::Matching(regex(text.trim())?));
                return Ok(true);
            }
        }
        if let Some(rest) = line.strip_prefix("expect range vector") {
            let (start, rest) = keyed_duration(rest, "from")?;
            let (end, rest) = keyed_duration(rest, "to")?;
            let (step, _) = keyed_duration(rest, "step")?;
            self.expected = Expected::RangeVector { start, end, step, series: Vec::new() };
            return Ok(false);
        }
        if let Some(rest) = line.strip_prefix("expect string") {
            let quoted = rest.trim();
            let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '`'));
            if quoted.len() < 2 || quote.is_none_or(|quote| !quoted.ends_with(quote)) {
                return Err("expected string literal not valid - a quoted string literal is required".to_owned());
            }
            self.expected = Expected::String(text::unquote(quoted));
            return Ok(false);
        }
        if line.split([' ', '\t']).next() == Some("expect") {
            self.expect(line)?;
            return Ok(false);
        }
        if let Some(number) = lone_number(line) {
            self.expected = Expected::Scalar(number);
            return Ok(true);
        }
        let (labels, values) = parse_series(line)?;
        match &mut self.expected {
            Expected::Series(series) | Expected::RangeVector { series, .. } => {
                // Of two lines for one series the second one counts.
                series.retain(|(found, _)| *found != labels);
                series.push((labels, values));
            }
            Expected::Scalar(_) | Expected::String(_) => return Err("a series behind a single value".to_owned()),
        }
        if let (When::Instant(_), Expected::Series(series)) = (self.when, &self.expected)
            && series.iter().any(|(_, values)| values.len() != 1)
        {
            return Err("an instant evaluation takes one value a series, see 'expect range vector'".to_owned());
        }
        Ok(false)
    }

    fn expect(&mut self, line: &str) -> Result<(), String> {
        let (_, rest) = split_word(line);
        let (what, rest) = split_word(rest);
        let words = if rest.is_empty() {
            Words::Any
        } else if let Some(text) = rest.strip_prefix("msg:") {
            Words::Exactly(text.trim().to_owned())
        } else if let Some(text) = rest.strip_prefix("regex:") {
            Words::Matching(regex(text.trim())?)
        } else {
            return Err(format!("invalid expect statement {line:?}, must be `expect <type> <match_type>: <string>`"));
        };
        match what {
            "ordered" => self.ordered = true,
            "fail" => self.fail = Some(words),
            "warn" => self.warnings.words.push(words),
            "info" => self.infos.words.push(words),
            "no_warn" => self.warnings.none = true,
            "no_info" => self.infos.none = true,
            _ => return Err(format!("invalid expected error/annotation type {what:?}")),
        }
        if [&self.warnings, &self.infos].iter().any(|notes| notes.none && !notes.words.is_empty()) {
            return Err("some and none of the same annotations cannot be expected together".to_owned());
        }
        Ok(())
    }
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| format!("invalid regex {pattern:?}: {error}"))
}

/// A line that is a number and nothing else.
fn lone_number(line: &str) -> Option<f64> {
    let (sign, digits) = match line.as_bytes().first()? {
        b'-' => (-1.0, &line[1..]),
        b'+' => (1.0, &line[1..]),
        _ => (1.0, line),
    };
    if !(digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || matches!(digits.to_ascii_lowercase().as_str(), "inf" | "nan")) {
        return None;
    }
    text::number(digits).ok().map(|value| sign * value)
}
