//! Selectors of requests: which streams are meant.

use super::answer::ApiError;
use crate::logs::query::ast::Query;
use crate::logs::query::parse::{Dialect, ParseError, parse, parse_selector};
use crate::platform::http::extract::Params;
use crate::series::matcher::Matcher;

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        Self::bad(error.to_string())
    }
}

/// The selectors of a question for series; no list for every stream. Unlike elsewhere, nothing may follow a selector.
pub(super) fn of_series(texts: &[&str]) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let mut any_of = Vec::new();
    for text in texts {
        let found = match parse_selector(text) {
            Ok(found) => found,
            Err(_) if parse(text, Dialect::Pharos).is_ok() => return Err(ApiError::bad("only label matchers is supported")),
            Err(error) => return Err(error.into()),
        };
        if found.is_empty() {
            if texts.len() == 1 {
                return Ok(Vec::new());
            }
            return Err(ApiError::bad(format!("0 matchers in group: {text}")));
        }
        any_of.push(found);
    }
    Ok(any_of)
}

/// The selector of a parameter, as lists of which any must match; no list where it is not there.
pub(super) fn optional(params: &Params, name: &str) -> Result<Vec<Vec<Matcher>>, ApiError> {
    match params.get(name) {
        None => Ok(Vec::new()),
        // Grafana sends whole queries where a selector is meant.
        Some(text) => Ok(vec![of_text(text)?]),
    }
}

/// The selector of `query`, which must be there; every stream where it is `{}`.
pub(super) fn of_query(params: &Params) -> Result<Vec<Matcher>, ApiError> {
    of_text(params.get("query").unwrap_or("{}"))
}

fn of_text(text: &str) -> Result<Vec<Matcher>, ApiError> {
    match parse_selector(text) {
        Ok(matchers) => Ok(matchers),
        Err(error) => match parse(text, Dialect::Pharos) {
            Ok(Query::Log(log)) => Ok(log.selector.matchers),
            _ => Err(error.into()),
        },
    }
}

/// The streams of a deletion, and whether it means all of their lines.
pub(super) fn of_deletion(text: &str) -> Result<(Vec<Matcher>, bool), ApiError> {
    match parse(text, Dialect::Loki)? {
        Query::Log(log) => Ok((log.selector.matchers, log.stages.is_empty())),
        Query::Metric(_) => Err(ApiError::bad("only lines can be deleted, and this is a metric query")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_asked_for_by_selectors_alone() {
        let said = |texts: &[&str]| of_series(texts).map(|any_of| any_of.len()).map_err(|error| error.message().to_owned());
        assert_eq!((said(&[]), said(&["{}"]), said(&["{ }"])), (Ok(0), Ok(0), Ok(0)));
        assert_eq!(said(&["{app=\"a\"}", "{app=\"b\", env!=\"x\"}"]), Ok(2));
        for text in ["{app=\"a\"} |= \"x\"", "{app=\"a\"} | json", "rate({app=\"a\"}[1m])"] {
            assert_eq!(said(&[text]), Err("only label matchers is supported".to_owned()), "{text}");
        }
        assert_eq!(said(&["{app=\"a\"}", "{}"]), Err("0 matchers in group: {}".to_owned()));
        assert!(said(&["{app="]).unwrap_err().starts_with("parse error at line 1, col 6"));
    }

    #[test]
    fn selectors_are_read_from_what_clients_send() {
        let names = |list: Vec<Matcher>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(of_text("{app=\"a\", env!=\"b\"}").unwrap()), ["app=\"a\"", "env!=\"b\""]);
        assert!(of_text("{}").unwrap().is_empty());
        assert_eq!(names(of_text("{app=\"a\"} |= \"x\" | json").unwrap()), ["app=\"a\""]);
        assert!(of_text("app").unwrap_err().message().starts_with("parse error at line 1, col 1"));
        let (matchers, is_whole) = of_deletion("{app=\"a\"} |= \"x\"").unwrap();
        assert_eq!((matchers.len(), is_whole), (1, false));
        assert!(of_deletion("{app=\"a\"}").unwrap().1);
        assert!(of_deletion("{}").is_err() && of_deletion("rate({app=\"a\"}[1m])").is_err());
    }
}
