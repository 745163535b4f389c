//! Reads scripts.

use crate::logs::query::convert::parse_duration;
use crate::logs::query::parse::parse_selector;
use crate::series::labels::Labels;

/// A command of a script and where it stands.
#[derive(Debug, Clone)]
pub struct Command {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is to be done.
    pub action: Action,
}

/// What a command does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Forgets all lines.
    Clear,
    /// Adds lines.
    Load(Vec<Loaded>),
    /// Evaluates a query.
    Eval(Box<Eval>),
}

/// Lines to add.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The stream.
    pub stream: Labels,
    /// The text, with `{{.i}}` for the number of the line.
    pub text: String,
    /// When the first one is (ns).
    pub start: i64,
    /// How many.
    pub count: u32,
    /// How far apart (ns).
    pub step: i64,
    /// Fields of each.
    pub fields: Labels,
}

/// A query and what must come out.
#[derive(Debug, Clone)]
pub struct Eval {
    /// When, or which lines.
    pub at: At,
    /// The query.
    pub query: String,
    /// What must come out.
    pub expected: Expected,
}

/// When a query is evaluated (ns), and how.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// At one time.
    Instant(i64),
    /// From, to, step.
    Range(i64, i64, i64),
    /// Lines from (included) to (not included), at most so many, newest first or not.
    Lines(i64, i64, usize, bool),
}

/// What must come out.
#[derive(Debug, Clone)]
pub enum Expected {
    /// No series, no lines.
    Empty,
    /// An error that has this text in it.
    Fail(String),
    /// A number.
    Scalar(f64),
    /// Series with their points, in this order if it is set.
    Series(Vec<(Labels, Vec<Option<f64>>)>, bool),
    /// Lines: time (ns), labels, text.
    Lines(Vec<(i64, Labels, String)>),
}

/// Reads a script, or says where it is wrong.
pub fn parse_script(text: &str) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let line = without_comment(line);
        if line.trim().is_empty() {
            continue;
        }
        let mut block = Vec::new();
        while let Some((index, more)) = lines.next_if(|(_, more)| more.starts_with([' ', '\t']) || more.starts_with('#')) {
            let more = without_comment(more).trim();
            if !more.is_empty() {
                block.push((index + 1, more));
            }
        }
        let action = action(line.trim(), &block).map_err(|error| format!("line {}: {error}", index + 1))?;
        commands.push(Command { line: index + 1, action });
    }
    Ok(commands)
}

/// A line up to its `#`, unless that is quoted.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some('"') if c == '\\' && !escaped => {
                escaped = true;
                continue;
            }
            Some(open) if c == open && !escaped => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') => quote = Some(c),
            None if c == '#' => return line[..at].trim_end(),
            None => {}
        }
        escaped = false;
    }
    line
}

fn action(line: &str, block: &[(usize, &str)]) -> Result<Action, String> {
    match line.split_whitespace().next() {
        Some("clear") => Ok(Action::Clear),
        Some("load") => block
            .iter()
            .map(|(number, line)| loaded(line).map_err(|error| format!("{error} (line {number})")))
            .collect::<Result<_, _>>()
            .map(Action::Load),
        Some("eval") => eval(line, block).map(|eval| Action::Eval(Box::new(eval))),
        _ => Err("a command is one of: clear, load, eval".to_owned()),
    }
}

fn time(text: &str) -> Result<i64, String> {
    parse_duration(text)
}

/// Takes a quoted text, nothing escaped, from the front.
fn quoted(text: &str) -> Result<(&str, &str), String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '`')).ok_or("a line stands in quotes or backticks")?;
    text[1..].split_once(quote).ok_or_else(|| "a quote is not closed".to_owned())
}

/// Takes `{…}` from the front.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            '}' if !in_quotes => {
                let (selector, rest) = text.split_at(at + 1);
                let matchers = parse_selector(selector).map_err(|error| error.to_string())?;
                let mut pairs: Vec<(&str, &str)> = matchers.iter().map(|matcher| (&*matcher.name, &*matcher.value)).collect();
                pairs.sort_unstable();
                return Ok((Labels::from_ordered(pairs), rest.trim_start()));
            }
            _ => {}
        }
    }
    Err("labels stand in braces".to_owned())
}

fn loaded(line: &str) -> Result<Loaded, String> {
    let (stream, rest) = labels(line)?;
    // Empty labels of a stream are none.
    let stream = Labels::from_pairs(stream.iter());
    let (text, rest) = quoted(rest)?;
    let rest = rest.trim_start().strip_prefix('@').ok_or("the time stands behind an @")?.trim_start();
    let (start, mut rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let mut loaded = Loaded { stream, text: text.to_owned(), start: time(start)?, count: 1, step: 0, fields: Labels::empty() };
    while let Some(option) = rest.trim_start().strip_prefix('[') {
        let end = option.rfind(']').filter(|_| option.starts_with("metadata")).or_else(|| option.find(']')).ok_or("a [ is not closed")?;
        let (option, behind) = option.split_at(end);
        rest = &behind[1..];
        if let Some(fields) = option.strip_prefix("metadata ") {
            loaded.fields = labels(&format!("{{{}}}", separated(fields)))?.0;
            continue;
        }
        let words: Vec<&str> = option.split_whitespace().collect();
        let ["repeat", "every", step, "for", count] = words.as_slice() else { return Err(format!("unknown option: {option}")) };
        loaded.step = time(step)?;
        loaded.count = count.parse().map_err(|_| "a number of lines is wanted".to_owned())?;
    }
    Ok(loaded)
}

/// Puts commas between `a="x" b="y"`.
fn separated(fields: &str) -> String {
    let mut out = String::new();
    let mut in_quotes = false;
    for c in fields.trim().chars() {
        match c {
            '"' => {
                in_quotes = !in_quotes;
                out.push(c);
            }
            ' ' if !in_quotes => out.push(','),
            _ => out.push(c),
        }
    }
    out
}

fn eval(line: &str, block: &[(usize, &str)]) -> Result<Eval, String> {
    let rest = line.strip_prefix("eval ").ok_or("a query is missing")?.trim_start();
    let (at, query) = at(rest)?;
    let mut block: Vec<&str> = block.iter().map(|(_, line)| *line).filter(|line| !line.starts_with("skip ")).collect();
    let is_ordered = block.first() == Some(&"expect ordered");
    if is_ordered {
        block.remove(0);
    }
    let expected = match block.as_slice() {
        [] => return Err("what must come out is missing; write `expect empty` for nothing".to_owned()),
        ["expect empty"] => Expected::Empty,
        [one] if one.starts_with("expect fail") => {
            let text = one.trim_start_matches("expect fail").trim();
            Expected::Fail(text.trim_start_matches("msg:").trim_start_matches("regex:").trim().to_owned())
        }
        lines if matches!(at, At::Lines(..)) => Expected::Lines(lines.iter().map(|line| expected_line(line)).collect::<Result<_, _>>()?),
        [one] if !one.starts_with('{') => Expected::Scalar(number(one)?),
        lines => {
            let series = |line: &&str| {
                let (labels, points) = labels(line)?;
                let mut found = Vec::new();
                for word in points.split_whitespace() {
                    point(word, &mut found)?;
                }
                Ok::<_, String>((labels, found))
            };
            Expected::Series(lines.iter().map(series).collect::<Result<_, _>>()?, is_ordered)
        }
    };
    Ok(Eval { at, query: query.to_owned(), expected })
}

fn at(text: &str) -> Result<(At, &str), String> {
    let (mut from, mut to, mut step, mut limit, mut backward) = (0, 0, 0, 100, true);
    let (kind, mut rest) = text.split_once(' ').ok_or("a query is missing")?;
    loop {
        let (word, after) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
        match word {
            "backward" | "forward" => {
                backward = word == "backward";
                rest = after;
                continue;
            }
            "at" | "from" | "to" | "step" | "limit" => {}
            _ => break,
        }
        let (value, behind) = after.trim_start().split_once(' ').ok_or("a query is missing")?;
        match word {
            "to" => to = time(value)?,
            "step" => step = time(value)?,
            "limit" => limit = value.parse().map_err(|_| "a number of lines is wanted".to_owned())?,
            _ => from = time(value)?,
        }
        rest = behind;
    }
    let at = match kind {
        "instant" => At::Instant(from),
        "range" => At::Range(from, to, step),
        "lines" => At::Lines(from, to, limit, backward),
        _ => return Err("a query is one of: instant, range, lines".to_owned()),
    };
    Ok((at, rest.trim()))
}

fn expected_line(line: &str) -> Result<(i64, Labels, String), String> {
    let (ts, rest) = line.split_once(' ').ok_or("a line is: time {labels} \"text\"")?;
    let (labels, rest) = labels(rest.trim_start())?;
    Ok((time(ts)?, labels, quoted(rest)?.0.to_owned()))
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// `3`, `_`, `1+2x3`.
fn point(word: &str, found: &mut Vec<Option<f64>>) -> Result<(), String> {
    if word == "_" {
        found.push(None);
        return Ok(());
    }
    let Some((series, count)) = word.rsplit_once('x').filter(|(_, count)| count.parse::<u32>().is_ok()) else {
        found.push(Some(number(word)?));
        return Ok(());
    };
    let count: u32 = count.parse().map_err(|_| format!("{word:?} is no point"))?;
    let split = series.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    let (base, step) = match split {
        Some(at) => (number(&series[..at])?, number(series[at..].trim_start_matches('+'))?),
        None => (number(series)?, 0.0),
    };
    found.extend((0..=count).map(|index| Some(base + step * f64::from(index))));
    Ok(())
}
