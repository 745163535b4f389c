//! Which syntax a text of matchers is read with: both are tried, and where they disagree the classic one counts.

use super::{MATCHERS_BYTES_MAX, Matcher, MatcherError, classic, utf8};

/// Which syntaxes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// Both, as Alertmanager does unless told otherwise.
    #[default]
    Both,
    /// The classic one alone.
    Classic,
    /// The newer one alone.
    Utf8,
}

/// What was read, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// What was read.
    pub value: T,
    /// Why the text should be written differently, if it should.
    pub warning: Option<String>,
}

/// Reads matchers such as `{severity="critical", "any name"=~"a|b"}`, with or without braces.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_matchers(text: &str, syntax: Syntax) -> Result<Parsed<Vec<Matcher>>, MatcherError> {
    check_length(text)?;
    let show = |matchers: &Vec<Matcher>| matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    choose(syntax, || utf8::matchers(text), || classic::matchers(text), show)
}

/// Reads exactly one matcher.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_matcher(text: &str, syntax: Syntax) -> Result<Parsed<Matcher>, MatcherError> {
    check_length(text)?;
    if syntax != Syntax::Classic && (text.starts_with('{') || text.ends_with('}')) {
        return Err(MatcherError(format!("unexpected open or close brace: {text}")));
    }
    choose(syntax, || utf8::matcher(text), || classic::matcher(text), ToString::to_string)
}

fn check_length(text: &str) -> Result<(), MatcherError> {
    if text.len() <= MATCHERS_BYTES_MAX {
        return Ok(());
    }
    Err(MatcherError(format!("matchers of {} bytes, more than {MATCHERS_BYTES_MAX}", text.len())))
}

fn choose<T: PartialEq>(
    syntax: Syntax,
    newer: impl FnOnce() -> Result<T, MatcherError>,
    classic: impl FnOnce() -> Result<T, MatcherError>,
    show: impl FnOnce(&T) -> String,
) -> Result<Parsed<T>, MatcherError> {
    let plain = |value| Parsed { value, warning: None };
    match syntax {
        Syntax::Classic => return classic().map(plain),
        Syntax::Utf8 => return newer().map(plain),
        Syntax::Both => {}
    }
    match (newer(), classic()) {
        (Err(_), Err(error)) => Err(error),
        (Err(error), Ok(value)) => {
            let warning = format!("only the classic syntax of matchers reads this ({error}); better write {}", show(&value));
            Ok(Parsed { value, warning: Some(warning) })
        }
        (Ok(newer), Ok(value)) if newer != value => {
            let warning = format!("the classic and the newer syntax of matchers read this differently; it is taken as {}", show(&value));
            Ok(Parsed { value, warning: Some(warning) })
        }
        (Ok(value), _) => Ok(plain(value)),
    }
}
