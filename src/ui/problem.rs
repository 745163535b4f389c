//! Error pages: what failed, in words, and ways on.

use crate::ui::page;
use crate::ui::shell::Shell;

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: &'a Shell,
    status: u16,
    headline: &'a str,
    text: &'a str,
    detail: &'a str,
}

#[derive(askama::Template)]
#[template(path = "lost.html")]
struct LostPage<'a> {
    shell: &'a Shell,
}

/// There is no such page.
pub fn not_found(shell: &Shell) -> String {
    let (headline, text) = (shell.t("There is no such page"), shell.t("The address may be mistyped, or what it named is gone."));
    problem(shell, 404, headline, text, shell.path())
}

/// Something broke here. `reference` finds the cause in the log.
pub fn failed(shell: &Shell, reference: &str) -> String {
    let (headline, text) = (shell.t("This page could not be made"), shell.t("The cause is in the server's log. Trying again may help."));
    problem(shell, 500, headline, text, reference)
}

/// There is nothing at an address that somebody shared, whatever the reason. Leads nowhere.
pub fn lost(shell: &Shell) -> String {
    let mut shell = shell.clone();
    shell.title = shell.t("Nothing here").to_owned();
    page::html(&LostPage { shell: &shell })
}

/// Any other failure: status code, a headline, a sentence, and details to copy.
pub fn problem(shell: &Shell, status: u16, headline: &str, text: &str, detail: &str) -> String {
    page::html(&ErrorPage { shell, status, headline, text, detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn error_pages_render_and_escape() {
        let html = not_found(&shell(Page::Elsewhere, "Not found", "/<img onerror=x>", ""));
        assert!(html.contains("404") && html.contains("There is no such page"));
        assert!(!html.contains("<img onerror"));
        assert!(lost(&shell(Page::Elsewhere, "", "/p/abc", "")).contains("Nothing here"));
        assert!(failed(&shell(Page::Elsewhere, "Error", "/", ""), "req-1").contains("req-1"));
    }
}
