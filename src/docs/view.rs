//! The page around a text: contents at the side, headings of the page, the pages before and after.

use super::contents::{PAGES, Page};
use super::markdown::{Heading, Rendered};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Pages under a heading.
struct Group {
    title: &'static str,
    pages: Vec<&'static Page>,
}

#[derive(askama::Template)]
#[template(path = "docs/page.html")]
struct DocsPage<'a> {
    shell: &'a Shell,
    found: &'a Page,
    groups: Vec<Group>,
    rendered: &'a Rendered,
    /// Headings for the list at the side.
    headings: Vec<&'a Heading>,
    before: Option<&'static Page>,
    after: Option<&'static Page>,
}

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for page in PAGES {
        match groups.last_mut() {
            Some(group) if group.title == page.group => group.pages.push(page),
            _ => groups.push(Group { title: page.group, pages: vec![page] }),
        }
    }
    groups
}

/// Renders a page.
pub(super) fn render(found: &Page, rendered: &Rendered, shell: &Shell) -> String {
    let at = PAGES.iter().position(|page| page.name == found.name).unwrap_or(0);
    page::html(&DocsPage {
        shell,
        found,
        groups: groups(),
        rendered,
        headings: rendered.headings.iter().filter(|heading| heading.level == 2).collect(),
        before: at.checked_sub(1).and_then(|at| PAGES.get(at)),
        after: PAGES.get(at + 1),
    })
}
