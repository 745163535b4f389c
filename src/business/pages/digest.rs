//! Letters about KPIs: which there are, a form to make one, and how one looks.

use crate::base::period::{Grain, Period};
use crate::business::config::digest::{Digest, Every, Language, Weekday};
use crate::business::model::sending::Sending;
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Days of the week, and their names.
const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, key("Monday")),
    (Weekday::Tuesday, key("Tuesday")),
    (Weekday::Wednesday, key("Wednesday")),
    (Weekday::Thursday, key("Thursday")),
    (Weekday::Friday, key("Friday")),
    (Weekday::Saturday, key("Saturday")),
    (Weekday::Sunday, key("Sunday")),
];

/// What the list is made of.
#[derive(Debug, Default)]
pub struct DigestsInput {
    /// Digests, by name.
    pub all: Vec<DigestInput>,
    /// Whether there is a server that takes letters.
    pub has_mail: bool,
    /// Whether letters can say where more is.
    pub has_url: bool,
    /// What was done.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change them.
    pub may_change: bool,
}

/// A digest.
#[derive(Debug, Default)]
pub struct DigestInput {
    /// It.
    pub digest: Digest,
    /// The file it comes from; empty for none.
    pub file: String,
    /// What became of its letters.
    pub sending: Sending,
    /// When it goes out next, in milliseconds since the Unix epoch.
    pub next: Option<i64>,
}

struct Row<'a> {
    of: &'a DigestInput,
    when: String,
    what: String,
    to: String,
    next: Option<Moment>,
    sent: Option<(String, Moment)>,
    edit: String,
    preview: String,
}

#[derive(askama::Template)]
#[template(path = "business/digests.html")]
struct DigestsPage<'a> {
    shell: &'a Shell,
    input: &'a DigestsInput,
    said: &'static str,
    rows: Vec<Row<'a>>,
}

/// Renders the list.
pub fn render(input: &DigestsInput, shell: &Shell) -> String {
    let said = match input.done.as_str() {
        "saved" => key("The letter is saved."),
        "deleted" => key("The letter is deleted."),
        "sent" => key("The letter is on its way."),
        _ => "",
    };
    page::html(&DigestsPage { shell, input, said, rows: input.all.iter().map(|of| row(of, shell)).collect() })
}

/// When one goes out, in words.
pub fn when(digest: &Digest, lang: Lang) -> String {
    let hour = format!("{:02}:00", digest.hour);
    match digest.every {
        Every::Week => {
            let day = WEEKDAYS.iter().find(|(day, _)| *day == digest.weekday).map_or("", |(_, words)| words);
            lang.fill("Each {} at {}, about the week before", &[&lang.t(day), &hour])
        }
        Every::Month if digest.day >= 31 => lang.fill("On the last of each month at {}, about the month before", &[&hour]),
        Every::Month => lang.fill("On day {} of each month at {}, about the month before", &[&digest.day, &hour]),
    }
}

fn row<'a>(of: &'a DigestInput, shell: &Shell) -> Row<'a> {
    let (digest, lang) = (&of.digest, shell.lang());
    let named: Vec<&str> = digest.groups.iter().chain(&digest.kpis).map(String::as_str).collect();
    let sent = Period::parse(&of.sending.sent);
    Row {
        when: when(digest, lang),
        what: if named.is_empty() { lang.t("All KPIs").to_owned() } else { named.join(lang.comma()) },
        to: digest.to.join(", "),
        next: of.next.filter(|_| !digest.paused).map(|at| format::exactly(at, lang)),
        sent: sent.map(|period| (format::period(period, lang), format::moment(of.sending.sent_at, shell.now_ms, lang))),
        edit: links::with(links::DIGEST_EDIT, &[("name", &digest.name)]),
        preview: links::with(links::DIGEST_LETTER, &[("name", &digest.name)]),
        of,
    }
}

/// What the form is made of.
#[derive(Debug, Default)]
pub struct EditInput {
    /// The name of the digest that is changed; empty for a new one.
    pub before: String,
    /// As it is filled in.
    pub digest: Digest,
    /// Every group there is.
    pub groups: Vec<String>,
    /// Every KPI there is.
    pub kpis: Vec<String>,
    /// By whose clock it goes out.
    pub zone: &'static str,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change digests.
    pub may_change: bool,
}

struct Tick<'a> {
    name: &'a str,
    is_on: bool,
}

#[derive(askama::Template)]
#[template(path = "business/digest_edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    to: String,
    groups: Vec<Tick<'a>>,
    kpis: Vec<Tick<'a>>,
    is_open: bool,
    clock: String,
}

impl EditPage<'_> {
    fn weekdays(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let chosen = self.input.digest.weekday;
        WEEKDAYS.into_iter().map(move |(day, words)| (day.as_str(), words, day == chosen))
    }

    fn is_monthly(&self) -> bool {
        self.input.digest.every.grain() == Grain::Month
    }

    fn is_arabic(&self) -> bool {
        self.input.digest.language == Language::Ar
    }
}

fn view(ticks: &[(String, bool)]) -> Vec<Tick<'_>> {
    ticks.iter().map(|(name, is_on)| Tick { name, is_on: *is_on }).collect()
}

/// Renders the form.
pub fn render_edit(input: &EditInput, shell: &Shell) -> String {
    let digest = &input.digest;
    // What is chosen and is no more stays in the form, so that nothing is lost by saving it.
    let ticks = |all: &'_ [String], chosen: &'_ [String]| -> Vec<(String, bool)> {
        let is = |one: &String, other: &String| one.to_lowercase() == other.to_lowercase();
        let lost = chosen.iter().filter(|one| !all.iter().any(|known| is(known, one))).map(|one| (one.clone(), true));
        all.iter().map(|one| (one.clone(), chosen.iter().any(|known| is(known, one)))).chain(lost).collect()
    };
    let (groups, kpis) = (ticks(&input.groups, &digest.groups), ticks(&input.kpis, &digest.kpis));
    page::html(&EditPage {
        shell,
        input,
        to: digest.to.join("\n"),
        is_open: !digest.kpis.is_empty(),
        groups: view(&groups),
        kpis: view(&kpis),
        clock: shell.f1("By the clock of {}", input.zone),
    })
}

#[derive(askama::Template)]
#[template(path = "business/digest_preview.html")]
struct PreviewPage<'a> {
    shell: &'a Shell,
    /// The letter, which is escaped already.
    letter: &'a str,
    edit: String,
    to: String,
    name: &'a str,
    has_mail: bool,
    may_change: bool,
    problem: &'a str,
}

/// Renders how a letter looks: `letter` is HTML.
pub fn render_preview(digest: &Digest, letter: &str, (has_mail, may_change): (bool, bool), problem: &str, shell: &Shell) -> String {
    let (edit, to, name) = (links::with(links::DIGEST_EDIT, &[("name", &digest.name)]), digest.to.join(", "), digest.name.as_str());
    page::html(&PreviewPage { shell, letter, edit, to, name, has_mail, may_change, problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::file::read_digest;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn at(path: &str) -> Shell {
        shell(Page::Business, "Digests", path, "")
    }

    fn digest(more: &str) -> Digest {
        read_digest(&format!("{{name: '<Week>', to: [ann@x.example], {more}}}")).unwrap()
    }

    #[test]
    fn the_list_says_when_to_whom_and_what_went_wrong() {
        let empty = render(&DigestsInput { may_change: true, ..DigestsInput::default() }, &at(links::DIGESTS));
        assert!(empty.contains("Who should know each week how it goes?") && empty.contains("smtp_smarthost"), "{empty}");
        let sending = Sending { problem: "<refused>".into(), tries: 2, sent: "2026-W46".into(), ..Sending::default() };
        let weekly =
            DigestInput { digest: digest("groups: [Sales], weekday: friday, hour: 7"), sending, next: Some(0), ..DigestInput::default() };
        let resting = DigestInput { digest: digest("paused: true"), file: "business.yml".into(), next: Some(0), ..DigestInput::default() };
        let input = DigestsInput { all: vec![weekly, resting], has_mail: true, may_change: true, ..DigestsInput::default() };
        let page = render(&input, &at(links::DIGESTS));
        for expected in [
            "&#60;Week&#62;",
            "Each Friday at 07:00, about the week before",
            "Sales",
            "ann@x.example",
            "&#60;refused&#62; This is tried again.",
            "Sent last: Week 46 of 2026",
            "external_url",
            "Paused",
            "From the file business.yml",
            "Next:",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert_eq!((page.matches("Next:").count(), page.matches(links::DIGEST_DELETE).count()), (1, 1));
    }

    #[test]
    fn times_are_told_in_words() {
        for (more, expected) in [
            ("every: month, day: 3, hour: 9", "On day 3 of each month at 09:00, about the month before"),
            ("every: month, day: 31, hour: 0", "On the last of each month at 00:00, about the month before"),
        ] {
            assert_eq!(when(&digest(more), Lang::En), expected);
        }
    }

    #[test]
    fn the_form_keeps_what_is_no_more() {
        let input = EditInput {
            before: "Week".into(),
            digest: digest("groups: [sales, Gone], kpis: [Orders], every: month, language: ar"),
            groups: vec!["Sales".into(), "Money".into()],
            kpis: vec!["Orders".into()],
            zone: "Europe/Berlin",
            ..EditInput::default()
        };
        let page = render_edit(&input, &at(links::DIGEST_EDIT));
        for expected in [
            "value=\"Sales\" checked",
            "value=\"Gone\" checked",
            "value=\"Orders\" checked",
            "By the clock of Europe/Berlin",
            "value=\"month\" selected",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(page.contains("value=\"Money\">") && page.contains("Editors and administrators make digests."), "{page}");
        let preview = render_preview(&digest(""), "<b>letter</b>", (false, true), "", &at(links::DIGEST_LETTER));
        assert!(
            preview.contains("<b>letter</b>") && preview.contains("disabled") && preview.contains("value=\"ann@x.example\""),
            "{preview}"
        );
    }
}
