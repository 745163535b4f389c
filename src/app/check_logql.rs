//! `pharos check logql`: reads a query as the search bar does, and prints it in order or says what is wrong where.

use std::io::{self, Read, Write};

use anyhow::{Context, anyhow};

use crate::logs::query::check::evaluable;
use crate::logs::query::parse::{Dialect, ParseError, parse};
use crate::logs::query::print::pretty;
use crate::logs::query::words::{Vocabulary, recognise};

/// Checks LogQL or words, from standard input if none are given.
pub(super) fn check(query: Option<String>, out: &mut impl Write) -> anyhow::Result<()> {
    let text = match query {
        Some(text) => text,
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        }
    };
    let told = |error: ParseError, text: &str| anyhow!("{error}\n\n{}", error.caret(text));
    let found = recognise(&text, &Vocabulary::default()).map_err(|error| told(error, &text))?;
    evaluable(&found.query, &found.logql).map_err(|error| told(error, &found.logql))?;
    if parse(&found.logql, Dialect::Loki).is_err() {
        writeln!(out, "# For pharos only: Loki cannot select every stream, and has no stage \"auto\".")?;
    }
    writeln!(out, "{}", pretty(&found.query))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        let mut out = Vec::new();
        check(Some(text.to_owned()), &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn queries_are_printed_in_order_or_refused_with_a_caret() {
        assert_eq!(checked(r#"{ app = "api" }|="x""#).as_deref(), Ok("{app=\"api\"} |= \"x\"\n"));
        assert_eq!(
            checked("{app=\"api\"}\n  | jsn").unwrap_err(),
            "parse error at line 2, col 8: syntax error: unexpected $end\n\n  | jsn\n       ^"
        );
        assert_eq!(
            checked(r#"{app="api"} |~ "(""#).unwrap_err(),
            "parse error at line 1, col 13: error parsing regexp: missing closing ): `(`\n\n{app=\"api\"} |~ \"(\"\n            ^"
        );
    }

    #[test]
    fn words_are_shown_as_logql_that_only_we_take() {
        let shown = checked("refused status>=500").unwrap();
        let (comment, query) = shown.split_once('\n').unwrap();
        assert!(comment.starts_with("# For pharos only: "), "{comment}");
        assert_eq!(query, "{} |~ \"(?i)refused\" | auto | status>=500 | __error__=\"\"\n");
        // A comment is no harm to who pastes it.
        assert_eq!(checked(&shown).as_deref(), Ok(&*shown));
    }
}
