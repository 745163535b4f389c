//! Doors for the fuzz targets in `tests/fuzz/`; compiled only there. Each takes bytes as a hostile client would hand them
//! over, and panics where a promise of the parser behind it does not hold.

use crate::logs::query::check::evaluable;
use crate::logs::query::needs::needs;
use crate::logs::query::parse::{Dialect, parse, parse_selector};
use crate::logs::query::print::pretty;
use crate::logs::query::words::{Vocabulary, compile};

/// A query: what parses, prints, and parses to the same again; a selector; words.
pub fn logql(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let dialect = if choice & 1 == 0 { Dialect::Loki } else { Dialect::Pharos };
    match parse(text, dialect) {
        Err(error) => assert!(!error.message.is_empty() && !error.caret(text).is_empty()),
        Ok(query) => {
            let printed = query.to_string();
            for again in [&printed, &pretty(&query)] {
                match parse(again, dialect) {
                    Ok(query) => assert_eq!(query.to_string(), printed),
                    // Printing writes out what was short.
                    Err(error) => assert!(again.len() > text.len() && error.message.contains("too "), "{text} became {again}: {error}"),
                }
            }
            drop(evaluable(&query, text));
            query.logs().into_iter().for_each(|log| drop(needs(log, &|name| name.len() & 1 == 0)));
        }
    }
    drop(parse_selector(text));
    if let Ok(found) = compile(text, &Vocabulary::default()) {
        assert_eq!(parse(&found.logql, Dialect::Pharos).as_ref(), Ok(&found.query), "{}", found.logql);
    }
}
