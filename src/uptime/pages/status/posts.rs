//! What is told on a status page, and the forms that tell it.

use super::words;
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::post::{Post, Severity, Stage, TEXT_CHARS_MAX, TITLE_CHARS_MAX};

/// Posts on one page of the list.
const PAGE_ROWS: usize = 20;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PostsInput {
    /// The status page.
    pub page: StatusPage,
    /// Its posts, the newest first, each with the names of its checks.
    pub posts: Vec<(Post, Vec<String>)>,
    /// Names of the checks that can be chosen.
    pub checks: Vec<String>,
    /// The fields of a post that was not taken.
    pub draft: Draft,
    /// What was done: `told`, `updated` or `forgotten`.
    pub done: String,
    /// What is wrong.
    pub problem: String,
    /// Whether whoever looks may tell anything.
    pub may_change: bool,
}

struct Told {
    at: Moment,
    stage: &'static str,
    text: String,
    by: String,
}

struct Row {
    id: i64,
    title: String,
    class: &'static str,
    severity: &'static str,
    stage: &'static str,
    now: Stage,
    is_open: bool,
    of: String,
    updates: Vec<Told>,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/posts.html")]
struct PostsPage<'a> {
    shell: &'a Shell,
    input: &'a PostsInput,
    said: &'static str,
    rows: Vec<Row>,
    severities: [(Severity, &'static str); 4],
    stages: [(Stage, &'static str, String); 4],
    more: Vec<&'static str>,
    view: String,
    edit: String,
    page: usize,
    pages: usize,
    found_words: String,
}

impl PostsPage<'_> {
    fn v(&self, name: &str) -> &str {
        self.input.draft.get(name)
    }

    fn has(&self, check: &str) -> bool {
        self.input.draft.all("check").any(|known| known == check)
    }
}

/// The words that are told where somebody leaves them to the server.
pub fn usual(stage: Stage, lang: Lang) -> &'static str {
    let words = words::TEMPLATES.iter().find(|(known, _)| *known == stage).map_or("", |(_, words)| *words);
    in_language(words, lang)
}

fn in_language(words: &'static str, lang: Lang) -> &'static str {
    match lang {
        Lang::En => words,
        Lang::Ar => Lang::Ar.t(words),
    }
}

/// One of the other texts, by its place.
pub fn chosen(place: &str, lang: Lang) -> Option<&'static str> {
    let words = place.parse().ok().and_then(|at: usize| words::MORE_TEMPLATES.get(at)).copied()?;
    Some(in_language(words, lang))
}

/// Renders the page.
pub fn render(input: &PostsInput, shell: &Shell) -> String {
    let lang = Lang::parse(&input.page.language).unwrap_or_default();
    let pages = input.posts.len().div_ceil(PAGE_ROWS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    page::html(&PostsPage {
        said: match input.done.as_str() {
            "told" => key("It is told."),
            "updated" => key("The update is told."),
            "forgotten" => key("The post is deleted."),
            _ => "",
        },
        rows: input.posts.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(|(post, names)| row(post, names, lang, shell)).collect(),
        severities: Severity::ALL.map(|severity| (severity, words::severity(severity))),
        stages: Stage::ALL.map(|stage| (stage, words::stage(stage), usual(stage, lang).to_owned())),
        more: words::MORE_TEMPLATES.iter().map(|words| in_language(words, lang)).collect(),
        view: links::status_page(&input.page.slug),
        edit: links::with(links::UPTIME_STATUS_EDIT, &[("id", &input.page.slug)]),
        found_words: shell.lang().n(input.posts.len() as u64, "{} post", "{} posts"),
        page,
        pages,
        shell,
        input,
    })
}

fn row(post: &Post, names: &[String], lang: Lang, shell: &Shell) -> Row {
    let told = post.updates.iter().rev().map(|update| Told {
        at: format::moment(update.at, shell.now_ms, shell.lang()),
        stage: words::stage(update.stage),
        text: words::text(update, lang),
        by: update.made_by.clone(),
    });
    let own = || names.first().map_or_else(|| lang.t("Outage").to_owned(), |name| lang.fill("{} is down", &[name]));
    Row {
        id: post.id,
        title: if post.title.is_empty() { own() } else { post.title.clone() },
        class: words::severity_class(post.severity),
        severity: words::severity(post.severity),
        stage: words::stage(post.stage()),
        now: post.stage(),
        is_open: post.resolved_at().is_none(),
        of: names.join(shell.lang().comma()),
        updates: told.collect(),
    }
}
