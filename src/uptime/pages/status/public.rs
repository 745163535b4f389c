//! The page that customers see: no account, no script, one stylesheet.

pub mod history;

use super::words;
use crate::base::time::format_rfc3339;
use crate::ui::format::{self, Unit};
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::ui::page;
use crate::uptime::pages::strip::percent;
use crate::uptime::status::accent::{Colour, legible};
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::picture::{Component, Entry, Picture};
use crate::uptime::status::post::Post;

/// Components up to which every day says its date; beyond, only those on which something was, so that a page stays small.
const TITLED_MAX: usize = 6;

struct Bar {
    class: &'static str,
    title: String,
}

struct Row {
    name: String,
    description: String,
    class: &'static str,
    word: &'static str,
    said: String,
    bars: Vec<Bar>,
    available: String,
    latency: String,
}

struct Block {
    title: String,
    rows: Vec<Row>,
}

struct Told {
    at: String,
    exact: String,
    stage: &'static str,
    text: String,
}

struct Thread {
    id: i64,
    title: String,
    class: &'static str,
    word: &'static str,
    of: String,
    updates: Vec<Told>,
}

struct Work {
    title: String,
    note: String,
    from: String,
    until: String,
    of: String,
    is_now: bool,
}

enum Was {
    Told(Thread, String),
    Outage { name: String, length: String, from: String, until: String },
}

#[derive(askama::Template)]
#[template(path = "uptime/status/public.html")]
struct PublicPage<'a> {
    picture: &'a Picture,
    lang: Lang,
    style: String,
    level: &'static str,
    headline: String,
    rest: String,
    as_of: String,
    exact: String,
    threads: Vec<Thread>,
    works: Vec<Work>,
    blocks: Vec<Block>,
    past: Vec<(String, Vec<Was>)>,
    feed: String,
    json: String,
}

impl PublicPage<'_> {
    fn t(&self, en: &'static str) -> &str {
        self.lang.t(en)
    }

    /// Where the logo is; of a page that is not public only who may make it sees it.
    fn logo(&self) -> String {
        let page = &self.picture.page;
        let at = if page.published { links::STATUS_LOGO } else { links::STATUS_LOGO_API };
        links::with(&links::of_status_page(at, &page.slug), &[("v", &self.picture.logo)])
    }

    fn theme(&self) -> &str {
        theme(&self.picture.page)
    }
}

/// What the page says of light and dark; nothing where the reader's system does.
fn theme(page: &StatusPage) -> &str {
    match page.theme.as_str() {
        "auto" => "",
        theme => theme,
    }
}

/// Renders it.
pub fn render(picture: &Picture) -> String {
    let lang = words::lang_of(picture);
    let (headline, rest) = words::sentence(&picture.sentence, lang);
    let is_titled = picture.components().count() <= TITLED_MAX;
    let blocks = picture.sections.iter().filter(|section| !section.components.is_empty());
    let blocks = blocks.map(|section| Block {
        title: section.title.clone(),
        rows: section.components.iter().map(|one| row(one, is_titled, lang)).collect(),
    });
    let works = picture.coming.iter().map(|one| Work {
        title: one.title.clone(),
        note: one.note.clone(),
        from: words::moment(one.window.from, picture),
        until: if picture.zone.day(one.window.from) == picture.zone.day(one.window.until) {
            words::clock(one.window.until, picture)
        } else {
            words::moment(one.window.until, picture)
        },
        of: one.of.join(lang.comma()),
        is_now: one.window.contains(picture.at),
    });
    page::html(&PublicPage {
        lang,
        style: style(&picture.page.accent),
        level: picture.sentence.level(),
        headline,
        rest,
        as_of: words::clock(picture.at, picture),
        exact: format_rfc3339(picture.at),
        threads: picture.active.iter().map(|post| thread(post, picture, lang)).collect(),
        works: works.collect(),
        blocks: blocks.collect(),
        past: was_by_day(picture, lang),
        feed: links::status_feed(&picture.page.slug),
        json: links::status_json(&picture.page.slug),
        picture,
    })
}

/// The colour of the page, as it can be read in light and in the dark.
fn style(accent: &str) -> String {
    Colour::parse(accent).map(legible).map_or_else(String::new, |(light, dark)| format!("--al:{};--ad:{}", light.text(), dark.text()))
}

fn row(component: &Component, is_titled: bool, lang: Lang) -> Row {
    let total = component.total(component.days.len());
    let available = total.availability().map(percent);
    let bar = |day| {
        let class = words::day_class(day);
        Bar { class, title: if is_titled || !matches!(class, "" | "u") { words::day(day, lang) } else { String::new() } }
    };
    let said = match (&available, total.down) {
        (None, _) => lang.t("90 days: no data").to_owned(),
        (Some(share), 0) => lang.fill("90 days: {} available, never down", &[share]),
        (Some(share), down) => lang.fill("90 days: {} available, down for {}", &[share, &words::length(down, lang)]),
    };
    Row {
        name: component.name.clone(),
        description: component.description.clone(),
        class: words::class(component.condition),
        word: words::condition(component.condition),
        said,
        bars: component.days.iter().map(bar).collect(),
        available: available.unwrap_or_else(|| lang.t("No data").to_owned()),
        latency: component.latency.map(|took| format::number(took.as_secs_f64(), Unit::Seconds)).unwrap_or_default(),
    }
}

fn thread(post: &Post, picture: &Picture, lang: Lang) -> Thread {
    let told = post.updates.iter().rev().map(|update| Told {
        at: words::moment(update.at, picture),
        exact: format_rfc3339(update.at),
        stage: words::stage(update.stage),
        text: words::text(update, lang),
    });
    Thread {
        id: post.id,
        title: words::title(post, picture),
        class: words::severity_class(post.severity),
        word: words::stage(post.stage()),
        of: picture.names_of(post).join(lang.comma()),
        updates: told.collect(),
    }
}

/// What was, the newest first, by dates.
fn was_by_day(picture: &Picture, lang: Lang) -> Vec<(String, Vec<Was>)> {
    let of_day =
        |(day, entries): &(i64, Vec<Entry>)| (words::date(*day, lang), entries.iter().map(|entry| was(entry, picture, lang)).collect());
    picture.past.iter().map(of_day).collect()
}

fn was(entry: &Entry, picture: &Picture, lang: Lang) -> Was {
    match entry {
        Entry::Told(post) => {
            let length = post.resolved_at().map(|at| words::length(at - post.of.unwrap_or(post.made_at), lang)).unwrap_or_default();
            Was::Told(thread(post, picture, lang), length)
        }
        Entry::Outage { name, window } => Was::Outage {
            name: name.clone(),
            length: words::length(window.length(), lang),
            from: words::clock(window.from, picture),
            until: words::clock(window.until, picture),
        },
    }
}
