//! The list of status pages.

use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::status::page::StatusPage;

/// A page, and what is told on it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The page, with the names of today.
    pub page: StatusPage,
    /// Checks on it.
    pub shown: usize,
    /// Posts that are not solved.
    pub active: usize,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub changed_at: i64,
    /// What it says now; nothing where it does not lie ready.
    pub said: Option<(String, &'static str)>,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ListInput {
    /// Every page, in order of making.
    pub pages: Vec<Listed>,
    /// What was done: `saved` or `deleted`.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change them.
    pub may_change: bool,
}

struct Row<'a> {
    of: &'a Listed,
    href: String,
    edit: String,
    posts: String,
    followers: String,
    shown: String,
    active: String,
    changed: Moment,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    input: &'a ListInput,
    said: &'static str,
    rows: Vec<Row<'a>>,
}

/// Renders the page.
pub fn render(input: &ListInput, shell: &Shell) -> String {
    page::html(&ListPage {
        said: match input.done.as_str() {
            "saved" => key("The status page is saved."),
            "deleted" => key("The status page is deleted."),
            _ => "",
        },
        rows: input.pages.iter().map(|of| row(of, shell)).collect(),
        shell,
        input,
    })
}

fn row<'a>(of: &'a Listed, shell: &Shell) -> Row<'a> {
    let (lang, Listed { page, shown, active, changed_at, .. }) = (shell.lang(), of);
    Row {
        of,
        href: links::status_page(&page.slug),
        edit: links::with(links::UPTIME_STATUS_EDIT, &[("id", &page.slug)]),
        posts: links::with(links::UPTIME_STATUS_POSTS, &[("slug", &page.slug)]),
        followers: links::with(links::UPTIME_STATUS_FOLLOWERS, &[("slug", &page.slug)]),
        shown: lang.n(*shown as u64, "{} check", "{} checks"),
        active: if *active == 0 { String::new() } else { lang.n(*active as u64, "{} post is open", "{} posts are open") },
        changed: format::moment(*changed_at, shell.now_ms, lang),
    }
}
