//! `| drop a, b="x"` and `| keep a, b="x"`: labels go or stay.

use hashbrown::HashSet;

use super::row::{ERROR, ERROR_DETAILS, PRESERVE_ERROR, Row};
use crate::logs::query::ast::LabelChoice;

/// Takes the chosen labels away.
pub(crate) fn drop_labels(choices: &[LabelChoice], row: &mut Row) {
    for choice in choices {
        let (name, goes) = match choice {
            LabelChoice::Name(name) => (name, true),
            LabelChoice::Match(matcher) => {
                let value = match &*matcher.name {
                    ERROR => row.error(),
                    ERROR_DETAILS => row.details(),
                    name => row.get(name).unwrap_or_default(),
                };
                (&matcher.name, matcher.matches(value))
            }
        };
        match &**name {
            _ if !goes => {}
            ERROR => row.clear_error(),
            ERROR_DETAILS => row.clear_details(),
            name if row.get(name).is_some() => row.remove(name),
            _ => {}
        }
    }
}

/// Takes all but the chosen labels away; errors stay.
pub(crate) fn keep_labels(choices: &[LabelChoice], row: &mut Row) {
    let mut gone = HashSet::new();
    row.each(|_, name, value| {
        let stays = matches!(name, ERROR | ERROR_DETAILS | PRESERVE_ERROR)
            || choices.iter().any(|choice| match choice {
                LabelChoice::Name(chosen) => **chosen == *name,
                LabelChoice::Match(matcher) => *matcher.name == *name && matcher.matches(value),
            });
        if !stays {
            gone.insert(name.to_owned());
        }
    });
    row.remove_all(&gone);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;
    use crate::series::matcher::Matcher;

    fn row() -> Row {
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("app", "a"), ("code", "500")]));
        row.begin(Labels::from_pairs([("id", "1")]).packed());
        row.offer("level", |out| out.push_str("info"));
        row.set_error("JSONParserErr", "why");
        row
    }

    #[test]
    fn labels_go_or_stay() {
        let name = |name: &str| LabelChoice::Name(name.into());
        let is = |name: &str, value: &str| LabelChoice::Match(Matcher::equal(name, value));
        let mut some = row();
        drop_labels(
            &[name("code"), name("id"), is("level", "error"), name("none"), is("__error__", "JSONParserErr"), name("__error_details__")],
            &mut some,
        );
        assert_eq!(some.labels().to_string(), r#"{app="a", level="info"}"#);
        let mut some = row();
        keep_labels(&[name("id"), is("level", "info"), is("code", "200")], &mut some);
        assert_eq!(some.labels().to_string(), r#"{__error__="JSONParserErr", __error_details__="why", id="1", level="info"}"#);
    }
}
