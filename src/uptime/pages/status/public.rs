//! The page that customers see: no account, no script, one stylesheet.

pub mod history;
mod pace;

use super::place::Place;
use super::words;
use crate::base::time::format_rfc3339;
use crate::ui::assets::icon;
use crate::ui::format::{self, Unit};
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::ui::page;
use crate::uptime::pages::strip::percent;
use crate::uptime::status::accent::{Colour, legible};
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::picture::{Component, Entry, Picture};
use crate::uptime::status::post::Post;

/// Components up to which every day says its date; beyond, only those on which something was, and days beside each other
/// on which nothing was are one bar with gaps drawn over it, so that a page stays small.
const TITLED_MAX: usize = 6;

/// Icons of states, by their class.
const ICONS: [(&str, &str); 5] = [
    ("ok", icon::CIRCLE_CHECK),
    ("crit", icon::CIRCLE_X),
    ("warn", icon::TRIANGLE_ALERT),
    ("info", icon::WRENCH),
    ("none", icon::CIRCLE_HELP),
];

struct Bar {
    class: &'static str,
    title: String,
    /// Days beside each other that look alike.
    days: usize,
}

struct Row {
    name: String,
    description: String,
    class: &'static str,
    word: &'static str,
    said: String,
    /// Whether a bar may be several days.
    is_joined: bool,
    bars: Vec<Bar>,
    /// Empty where the page does not say it.
    available: String,
    latency: String,
    pace: String,
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
    place: &'a Place,
}

impl PublicPage<'_> {
    fn t(&self, en: &'static str) -> &str {
        self.lang.t(en)
    }

    /// Shapes of the icons of states on the page, each once for all its parts.
    fn icons(&self) -> Vec<(&'static str, &'static str)> {
        let rows = || self.blocks.iter().flat_map(|block| &block.rows).map(|row| row.class);
        let is_there = |class: &str| class == self.level || rows().any(|known| known == class);
        let shape = |icon: &'static str| icon.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</svg>")).unwrap_or("");
        ICONS.into_iter().filter(|(class, _)| is_there(class)).map(|(class, icon)| (class, shape(icon))).collect()
    }

    /// Where the page is said to be once and for all: under its own name, where it has one.
    fn canonical(&self) -> String {
        if self.picture.page.hosts.is_empty() { String::new() } else { self.place.home() }
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
pub fn render(picture: &Picture, place: &Place) -> String {
    let lang = words::lang_of(picture);
    let (headline, rest) = words::sentence(&picture.sentence, lang);
    let is_titled = picture.components().count() <= TITLED_MAX;
    let blocks = picture.sections.iter().filter(|section| !section.components.is_empty());
    let blocks = blocks.map(|section| Block {
        title: section.title.clone(),
        rows: section.components.iter().map(|one| row(one, is_titled, picture.page.show_values, lang)).collect(),
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
        place,
        picture,
    })
}

/// The colour of the page, as it can be read in light and in the dark.
fn style(accent: &str) -> String {
    Colour::parse(accent).map(legible).map_or_else(String::new, |(light, dark)| format!("--al:{};--ad:{}", light.text(), dark.text()))
}

fn row(component: &Component, is_titled: bool, shows_values: bool, lang: Lang) -> Row {
    let total = component.total(component.days.len());
    let available = total.availability().map(percent);
    let said = match (&available, total.down) {
        (None, _) => lang.t("90 days: no data").to_owned(),
        (Some(_), 0) if !shows_values => lang.t("90 days: never down").to_owned(),
        (Some(_), down) if !shows_values => lang.fill("90 days: down for {}", &[&words::length(down, lang)]),
        (Some(share), 0) => lang.fill("90 days: {} available, never down", &[share]),
        (Some(share), down) => lang.fill("90 days: {} available, down for {}", &[share, &words::length(down, lang)]),
    };
    Row {
        name: component.name.clone(),
        description: component.description.clone(),
        class: words::class(component.condition),
        word: words::condition(component.condition),
        said,
        is_joined: !is_titled,
        bars: bars(component, is_titled, lang),
        available: if shows_values { available.unwrap_or_else(|| lang.t("No data").to_owned()) } else { String::new() },
        latency: component.latency.map(|took| format::number(took.as_secs_f64(), Unit::Seconds)).unwrap_or_default(),
        pace: pace::line(&component.pace),
    }
}

fn bars(component: &Component, is_titled: bool, lang: Lang) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for day in &component.days {
        let class = words::day_class(day);
        if is_titled || !matches!(class, "" | "u") {
            bars.push(Bar { class, title: words::day(day, lang), days: 1 });
            continue;
        }
        match bars.last_mut() {
            Some(last) if last.title.is_empty() && last.class == class => last.days += 1,
            _ => bars.push(Bar { class, title: String::new(), days: 1 }),
        }
    }
    bars
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
