//! The form of a status page: one field each, a part of the page each, names of checks a line each.

use std::collections::BTreeMap;

use crate::base::location::Location;
use crate::base::time::Duration;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::followers::MailLacks;
use crate::uptime::status::page::{DESCRIPTION_CHARS_MAX, FOOTER_CHARS_MAX, Link, Named, Part, SECTIONS_MAX, StatusPage};

/// Parts without anything that a form offers.
const EMPTY_PARTS: usize = 2;
/// Looks, and their words.
const THEMES: [(&str, &str); 3] = [("auto", key("As the reader's system")), ("light", key("Light")), ("dark", key("Dark"))];
/// What is between the name of a check and that for customers, and between that and more about it.
const MARKS: [&str; 2] = [" = ", " | "];

/// The fields of a page that is there.
pub fn draft_of(page: &StatusPage) -> Draft {
    let mut draft = Draft::default();
    for (name, value) in [
        ("title", &page.title),
        ("slug", &page.slug),
        ("description", &page.description),
        ("language", &page.language),
        ("zone", &page.time_zone),
        ("theme", &page.theme),
        ("accent", &page.accent),
        ("footer", &page.footer),
    ] {
        draft.set(name, value);
    }
    draft.set("hosts", page.hosts.join("\n"));
    let links: Vec<String> = page.links.iter().map(|link| format!("{}{}{}", link.name, MARKS[0], link.url)).collect();
    draft.set("links", links.join("\n"));
    for (name, is_on) in [
        ("published", page.published),
        ("protected", page.protected),
        ("listed", page.listed),
        ("show_latency", page.show_latency),
        ("show_values", page.show_values),
    ] {
        draft.set(name, if is_on { "1" } else { "" });
    }
    draft.set("auto_after", if page.auto_after.ms() > 0 { page.auto_after.to_string() } else { String::new() });
    for (at, part) in page.sections.iter().enumerate() {
        draft.set(&format!("part{at}.title"), &part.title);
        draft.set(&format!("part{at}.checks"), lines_of(part));
        let labels: Vec<String> = part.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        draft.set(&format!("part{at}.labels"), labels.join("\n"));
    }
    draft
}

/// The fields of a new page, with every check on it.
pub fn fresh(checks: &[String]) -> Draft {
    let part = Part { checks: checks.to_vec(), ..Part::default() };
    draft_of(&StatusPage { sections: vec![part], ..StatusPage::default() })
}

fn lines_of(part: &Part) -> String {
    let own = |check: &String| part.components.iter().find(|named| named.check == *check);
    let line = |check: &String| match own(check) {
        Some(named) if !named.description.is_empty() => {
            let name = if named.name.is_empty() { check } else { &named.name };
            format!("{check}{}{name}{}{}", MARKS[0], MARKS[1], named.description)
        }
        Some(named) if !named.name.is_empty() => format!("{check}{}{}", MARKS[0], named.name),
        _ => check.clone(),
    };
    let more = part.components.iter().map(|named| &named.check).filter(|check| !part.checks.contains(check));
    // What is there by its labels, and has a name for customers: a line of its own would name it twice, which does no harm.
    part.checks.iter().chain(more).map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the fields; the page as text, to be vetted where it is kept.
///
/// # Errors
/// What cannot be read as anything.
pub fn read(draft: &Draft, is_check: impl Fn(&str) -> bool) -> Result<StatusPage, String> {
    let is_on = |name: &str| !draft.get(name).is_empty();
    let auto_after = match draft.get("auto_after") {
        "" => Duration::default(),
        text => Duration::parse(text).map_err(|error| format!("auto_after: {error}"))?,
    };
    let parts = (0..SECTIONS_MAX + EMPTY_PARTS).map(|at| part_of(draft, at, &is_check)).collect::<Result<Vec<_>, _>>()?;
    Ok(StatusPage {
        title: draft.get("title").to_owned(),
        slug: draft.get("slug").to_owned(),
        hosts: lines(draft.get("hosts")).map(str::to_owned).collect(),
        description: draft.get("description").to_owned(),
        sections: parts.into_iter().filter(|part| *part != Part::default()).collect(),
        language: if is_on("language") { draft.get("language") } else { "en" }.to_owned(),
        time_zone: draft.get("zone").to_owned(),
        theme: if is_on("theme") { draft.get("theme") } else { "auto" }.to_owned(),
        accent: draft.get("accent").to_owned(),
        published: is_on("published"),
        protected: is_on("protected"),
        password: draft.get("password").to_owned(),
        password_hash: String::new(),
        listed: is_on("listed"),
        show_latency: is_on("show_latency"),
        show_values: is_on("show_values"),
        links: lines(draft.get("links")).map(link_of).collect::<Result<Vec<_>, _>>()?,
        footer: draft.get("footer").to_owned(),
        auto_after,
    })
}

/// What is written a line each.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn link_of(line: &str) -> Result<Link, String> {
    // An address may have the mark in it, a name does not.
    let (name, url) = line
        .split_once(MARKS[0])
        .ok_or_else(|| format!("links: read {}, expected a name, an equals sign and an address", crate::base::quote::quote(line)))?;
    Ok(Link { name: name.trim().to_owned(), url: url.trim().to_owned() })
}

fn part_of(draft: &Draft, at: usize, is_check: &impl Fn(&str) -> bool) -> Result<Part, String> {
    let field = |name: &str| draft.get(&format!("part{at}.{name}"));
    let mut part = Part { title: field("title").to_owned(), ..Part::default() };
    for line in lines(field("checks")) {
        // A name may have the mark in it.
        let (check, own) = if is_check(line) { (line, "") } else { line.split_once(MARKS[0]).unwrap_or((line, "")) };
        let (name, description) = own.split_once(MARKS[1]).unwrap_or((own, ""));
        let [check, name, description] = [check, name, description].map(|text| text.trim().to_owned());
        if !own.is_empty() {
            part.components.push(Named { check: check.clone(), name, description });
        }
        part.checks.push(check);
    }
    let labels = lines(field("labels"));
    let label = |line: &str| line.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    part.labels = labels
        .map(|line| label(line).ok_or_else(|| format!("labels: read {}, expected name=value", crate::base::quote::quote(line))))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(part)
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct EditInput {
    /// The fields.
    pub draft: Draft,
    /// The slug of the page that is changed; empty for a new one.
    pub existing: String,
    /// Names of checks.
    pub checks: Vec<String>,
    /// Names the logo; empty where there is none.
    pub logo: String,
    /// What mail lacks.
    pub lacks: MailLacks,
    /// What is wrong.
    pub problem: String,
}

/// Languages of pages, in the words of who chooses: a name in letters of its own would bring its fonts along.
const LANGUAGES: [(&str, &str); 2] = [("en", key("English")), ("ar", key("Arabic"))];

struct Block {
    at: usize,
    title: String,
    checks: String,
    labels: String,
    /// Whether there is nothing in it, and something in others: it is folded then.
    is_more: bool,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/edit.html")]
struct EditPage<'a> {
    shell: &'a Shell,
    input: &'a EditInput,
    blocks: Vec<Block>,
    zones: Vec<&'static str>,
    view: String,
    posts: String,
    followers: String,
    logo: String,
    logo_form: String,
}

impl EditPage<'_> {
    fn v(&self, name: &str) -> &str {
        self.input.draft.get(name)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.v(name) == value
    }

    fn is_on(&self, name: &str) -> bool {
        !self.v(name).is_empty()
    }
}

/// Renders the page.
pub fn render(input: &EditInput, shell: &Shell) -> String {
    let field = |at: usize, name: &str| input.draft.get(&format!("part{at}.{name}")).to_owned();
    let block = |at| Block { at, title: field(at, "title"), checks: field(at, "checks"), labels: field(at, "labels"), is_more: false };
    let is_filled = |block: &Block| !(block.title.is_empty() && block.checks.is_empty() && block.labels.is_empty());
    let used = (0..SECTIONS_MAX).map(block).filter(is_filled).map(|block| block.at + 1).max().unwrap_or(0);
    page::html(&EditPage {
        blocks: (0..used + EMPTY_PARTS).map(|at| Block { is_more: at >= used.max(1), ..block(at) }).collect(),
        zones: Location::names(),
        view: links::status_page(&input.existing),
        posts: links::with(links::UPTIME_STATUS_POSTS, &[("slug", &input.existing)]),
        logo: links::with(&links::of_status_page(links::STATUS_LOGO_API, &input.existing), &[("v", &input.logo)]),
        logo_form: links::with(links::UPTIME_STATUS_LOGO, &[("id", &input.existing)]),
        followers: links::with(links::UPTIME_STATUS_FOLLOWERS, &[("slug", &input.existing)]),
        shell,
        input,
    })
}
