//! Who follows a status page, for people who make it: webhooks are added here, and everybody can be removed.

use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::telling::Follower;

/// Followers on one page of the list.
const PAGE_ROWS: usize = 50;

/// What letters need that is not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailLacks {
    /// A mail server.
    pub server: bool,
    /// The address at which people reach this server.
    pub address: bool,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct FollowersInput {
    /// The status page.
    pub page: StatusPage,
    /// Who follows it, in order of making.
    pub followers: Vec<Follower>,
    /// What mail lacks.
    pub lacks: MailLacks,
    /// The address of a webhook that was not taken.
    pub webhook: String,
    /// What was done: `added` or `removed`.
    pub done: String,
    /// What is wrong.
    pub problem: String,
}

struct Row<'a> {
    of: &'a Follower,
    way: &'static str,
    since: Moment,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/followers.html")]
struct FollowersPage<'a> {
    shell: &'a Shell,
    input: &'a FollowersInput,
    said: &'static str,
    rows: Vec<Row<'a>>,
    view: String,
    edit: String,
    page: usize,
    pages: usize,
    found_words: String,
}

/// Renders the page.
pub fn render(input: &FollowersInput, shell: &Shell) -> String {
    let row = |of| Row {
        of,
        way: if of.way == "mail" { key("Mail") } else { key("Webhook") },
        since: format::moment(of.confirmed_at.unwrap_or(of.made_at), shell.now_ms, shell.lang()),
    };
    let pages = input.followers.len().div_ceil(PAGE_ROWS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    page::html(&FollowersPage {
        said: match input.done.as_str() {
            "added" => key("The webhook is called from now on."),
            "removed" => key("They follow the page no more."),
            _ => "",
        },
        rows: input.followers.iter().rev().skip(page * PAGE_ROWS).take(PAGE_ROWS).map(row).collect(),
        view: links::status_page(&input.page.slug),
        edit: links::with(links::UPTIME_STATUS_EDIT, &[("id", &input.page.slug)]),
        found_words: shell.lang().n(input.followers.len() as u64, "{} follower", "{} followers"),
        page,
        pages,
        shell,
        input,
    })
}
