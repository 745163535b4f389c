//! How people follow a status page: the pages on which they ask for letters and end them, and the letters themselves.
//!
//! In the language of the page. A link in a letter opens a page with a button, since programs that look at mail open links.

use crate::base::time::format_rfc3339;
use crate::ui::lang::{Lang, key};
use crate::ui::page;
use crate::ui::security::Nonce;
use crate::uptime::pages::status::words;
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::post::Stage;
use crate::uptime::status::telling::Telling;

/// Where somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The page asks for a password.
    Locked,
    /// They may ask; the address that they wrote.
    Ask(String),
    /// No letters are sent.
    NoMail,
    /// They asked.
    Asked,
    /// They may say yes; their secret.
    Confirm(String),
    /// They said yes.
    Confirmed,
    /// They may end it; their secret.
    End(String),
    /// They ended it.
    Ended,
    /// Nobody has this secret.
    Lost,
    /// What was asked for cannot be shown; why, in a few words.
    Nowhere(&'static str),
}

impl Step {
    const fn headline(&self) -> &'static str {
        match self {
            Self::Locked => key("This page asks for a password"),
            Self::Ask(_) | Self::NoMail => key("Get updates"),
            Self::Asked => key("Look into your mail"),
            Self::Confirm(_) => key("Get updates by mail"),
            Self::Confirmed => key("You follow this page"),
            Self::End(_) => key("Unsubscribe"),
            Self::Ended => key("Unsubscribed"),
            Self::Lost => key("Nothing is behind this link"),
            Self::Nowhere(why) => why,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "uptime/status/follow.html")]
struct FollowPage<'a> {
    lang: Lang,
    theme: &'a str,
    nonce: &'a Nonce,
    title: &'a str,
    slug: &'a str,
    home: &'a str,
    headline: &'a str,
    problem: &'a str,
    step: &'a Step,
}

/// The language of a page.
pub fn lang(page: &StatusPage) -> Lang {
    Lang::parse(&page.language).unwrap_or(Lang::En)
}

/// Draws one of the pages. `home` is where the status page is, as whoever reads this reached it.
pub fn render(of: &StatusPage, home: &str, step: &Step, problem: &'static str, nonce: &Nonce) -> String {
    let lang = lang(of);
    page::html(&FollowPage {
        lang,
        theme: &of.theme,
        nonce,
        title: &of.title,
        slug: &of.slug,
        home,
        headline: lang.t(step.headline()),
        problem: lang.t(problem),
        step,
    })
}

/// What is wrong with an address that is none.
pub const NO_ADDRESS: &str = key("That is not a mail address.");
/// What is said to somebody who asks too often.
pub const TOO_OFTEN: &str = key("Too many letters were asked for. Try again in ten minutes.");

/// A letter: what it is about, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// In one line.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// A text in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The letter that asks whether somebody wants letters. `link` is where they say yes.
pub fn ask(of: &StatusPage, link: &str) -> Letter {
    let lang = lang(of);
    let title = one_line(&of.title);
    let text = [
        lang.fill("Somebody, probably you, wants updates of the status page “{}” at this address.", &[&title]),
        lang.t("To get them, open this page and confirm:").to_owned(),
        link.to_owned(),
        lang.t("If it was not you, do nothing: no more letters come.").to_owned(),
    ];
    Letter { subject: lang.fill("Confirm updates of {}", &[&title]), text: text.join("\n\n") + "\n" }
}

/// The word for how far they are.
pub fn stage_word(stage: &str) -> &'static str {
    words::stage(Stage::parse(stage).unwrap_or(Stage::Investigating))
}

/// What customers call the checks of an update, as far as the page names them.
fn names(of: &StatusPage, telling: &Telling) -> Vec<String> {
    let named = of.sections.iter().flat_map(|part| &part.components);
    let all = named.filter(|named| !named.name.is_empty() && named.check.parse().is_ok_and(|id: i64| telling.checks.contains(&id)));
    let mut names: Vec<String> = all.map(|named| named.name.clone()).collect();
    names.dedup();
    names
}

/// What an update says: its title and its text, in the language of the page also where the server made it.
pub fn said(of: &StatusPage, telling: &Telling) -> (String, String) {
    let lang = lang(of);
    let names = names(of, telling).join(lang.comma());
    let title = match (telling.title.is_empty(), names.is_empty()) {
        (false, _) => one_line(&telling.title),
        (true, false) => lang.fill("{} is down", &[&names]),
        (true, true) => lang.t("Outage").to_owned(),
    };
    let text = match (telling.text.is_empty(), telling.stage.as_str()) {
        (false, _) => telling.text.clone(),
        (true, "resolved") => lang.t("It works again.").to_owned(),
        (true, _) => lang.t("Our checks found that it does not work. We are looking into it.").to_owned(),
    };
    (title, text)
}

/// The letter about an update. `home` is where the page is, `end` where letters end.
pub fn tell(of: &StatusPage, telling: &Telling, home: &str, end: &str) -> Letter {
    let lang = lang(of);
    let (title, text) = said(of, telling);
    let stage = lang.t(stage_word(&telling.stage));
    let names = names(of, telling);
    let mut parts = vec![format!("{title}\n{stage} · {}", format_rfc3339(telling.at)), text];
    if !names.is_empty() {
        parts.push(lang.fill("Affected: {}", &[&names.join(lang.comma())]));
    }
    parts.push(home.to_owned());
    parts.push(format!("-- \n{}\n{end}", lang.fill("You get this because you follow {}. To end it:", &[&one_line(&of.title)])));
    Letter { subject: format!("[{}] {stage}: {title}", one_line(&of.title)), text: parts.join("\n\n") + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::status::page::read_one;

    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'";

    fn telling(title: &str, text: &str) -> Telling {
        Telling {
            follower: crate::uptime::status::telling::Follower::default(),
            definition: String::new(),
            post: 1,
            title: title.to_owned(),
            severity: "outage".to_owned(),
            checks: vec![7],
            update: 2,
            at: 1_763_647_200_000,
            stage: "investigating".to_owned(),
            text: text.to_owned(),
            tries: 0,
        }
    }

    #[test]
    fn every_step_is_a_page_without_script() {
        let mut of = read_one("{title: Shop, language: ar}").unwrap_or_else(|_| StatusPage::default());
        (of.title, of.slug) = (HOSTILE.to_owned(), "shop".to_owned());
        let secret = HOSTILE.to_owned();
        for step in [
            Step::Locked,
            Step::Ask(secret.clone()),
            Step::NoMail,
            Step::Asked,
            Step::Confirm(secret.clone()),
            Step::Confirmed,
            Step::End(secret),
            Step::Ended,
            Step::Lost,
            Step::Nowhere(NO_ADDRESS),
        ] {
            for language in ["en", "ar"] {
                of.language = language.to_owned();
                let html = render(&of, "/status/shop", &step, NO_ADDRESS, &Nonce::from_bits(1));
                assert!(!html.contains("<img") && !html.contains("<script") && html.contains("&#60;img"), "{html}");
                assert!(html.contains(if language == "ar" { "dir=\"rtl\"" } else { "dir=\"ltr\"" }), "{html}");
            }
        }
    }

    #[test]
    fn letters_say_what_the_page_says() {
        let of = read_one("{title: Shop, sections: [{components: [{check: '7', name: Checkout}]}]}").unwrap();
        let letter = tell(&of, &telling("Slow\r\nBcc: x", "Cards take long."), "https://s/status/shop", "https://s/end");
        assert_eq!(letter.subject, "[Shop] Investigating: Slow Bcc: x", "a subject is one line");
        assert!(
            letter.text.contains("Cards take long.\n\nAffected: Checkout\n\nhttps://s/status/shop")
                && letter.text.contains("https://s/end"),
            "{}",
            letter.text
        );
        let own = tell(&of, &telling("", ""), "h", "e");
        assert!(own.subject.ends_with("Checkout is down") && own.text.contains("We are looking into it"), "{own:?}");
        assert!(ask(&of, "https://s/yes").text.contains("\n\nhttps://s/yes\n\n"));
    }
}
