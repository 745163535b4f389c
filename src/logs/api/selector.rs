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

/// A selector such as `{app="shop"}`; `{}` is every stream.
pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, ApiError> {
    Ok(parse_selector(text)?)
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
    fn selectors_are_read_from_what_clients_send() {
        let names = |list: Vec<Matcher>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(matchers("{app=\"a\", env!=\"b\"}").unwrap()), ["app=\"a\"", "env!=\"b\""]);
        assert!(matchers("{}").unwrap().is_empty());
        assert_eq!(names(of_text("{app=\"a\"} |= \"x\" | json").unwrap()), ["app=\"a\""]);
        assert!(matchers("app").unwrap_err().message().starts_with("parse error at line 1, col 1"));
        let (matchers, is_whole) = of_deletion("{app=\"a\"} |= \"x\"").unwrap();
        assert_eq!((matchers.len(), is_whole), (1, false));
        assert!(of_deletion("{app=\"a\"}").unwrap().1);
        assert!(of_deletion("{}").is_err() && of_deletion("rate({app=\"a\"}[1m])").is_err());
    }
}
