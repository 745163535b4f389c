//! Somebody who is to stand in for whose turn it is: who, and when.

use std::collections::BTreeMap;

use super::fields::Fields;
use super::read::Wrong;
use super::turns::Strip;
use crate::alerts::calm::Rota;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct StandInInput {
    /// The rota's id.
    pub id: String,
    /// The rota.
    pub rota: Rota,
    /// The fields.
    pub fields: Fields,
    /// What is wrong with them.
    pub wrong: Wrong,
    /// What went wrong when it was saved.
    pub problem: String,
    /// The receivers of the configuration in force.
    pub receivers: Vec<String>,
    /// Names of people on offer.
    pub people: Vec<String>,
    /// Whether whoever looks may change rules.
    pub may_change: bool,
}

#[derive(askama::Template)]
#[template(path = "alerts/calm/stand_in.html")]
struct StandInPage<'a> {
    shell: &'a Shell,
    input: &'a StandInInput,
    wrong: BTreeMap<String, String>,
    strip: Strip,
    zone: &'static str,
}

impl StandInPage<'_> {
    fn v(&self, name: &str) -> &str {
        self.input.fields.get(name)
    }

    fn w(&self, name: &str) -> &str {
        self.wrong.get(name).map_or("", String::as_str)
    }

    fn gone<'a>(&self, chosen: &'a str) -> &'a str {
        if self.input.receivers.iter().any(|known| known == chosen) { "" } else { chosen }
    }
}

/// Renders the page.
pub fn render(input: &StandInInput, shell: &Shell) -> String {
    let lang = shell.lang();
    page::html(&StandInPage {
        wrong: input.wrong.iter().rev().map(|(field, words)| (field.clone(), words.text(lang))).collect(),
        strip: Strip::new(&input.rota, shell),
        zone: input.rota.location.as_str(),
        input,
        shell,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::lang::Words;
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn what_was_typed_stays_with_what_is_wrong() {
        let form: String = ["person", "via", "starts", "ends", "hours"]
            .iter()
            .fold(form_urlencoded::Serializer::new(String::new()), |mut form, name| {
                form.append_pair(name, HOSTILE);
                form
            })
            .finish();
        let input = StandInInput {
            id: HOSTILE.into(),
            rota: sample::rota(),
            fields: Fields::from_form(form.as_bytes()),
            wrong: vec![("ends".into(), Words::plain(HOSTILE)), ("ends".into(), Words::plain("second"))],
            problem: HOSTILE.into(),
            receivers: vec!["pager".into()],
            people: vec![HOSTILE.into()],
            may_change: true,
        };
        let shell = shell(Page::Alerts, "On-call", links::ALERTS_STAND_IN, "");
        let text = render(&input, &shell);
        sample::check(&text);
        assert!(text.contains("Europe/Berlin") && text.contains("cm-err") && !text.contains("second"), "{text}");
        let looking = render(&StandInInput { may_change: false, ..input }, &shell);
        assert!(!looking.contains("method=\"post\" action=\"/alerts"), "{looking}");
    }
}
