//! Every dashboard: searched by title, tag and folder, those with a star first, those that came with pharos apart. Also as
//! a list to choose from: which one gets a new panel.

use super::add::Added;
use crate::ui::format::Moment;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Most dashboards on the page.
pub const ROWS_MAX: usize = 500;
/// What a search is made of, in the address.
const SEARCHED: [&str; 4] = ["query", "folder", "tag", "starred"];
/// Most tags on offer.
const TAGS_MAX: usize = 40;

/// A dashboard in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Names it in URLs.
    pub uid: String,
    /// What stands behind the uid in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it says of itself.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The folder it lies in; empty for none.
    pub folder_uid: String,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub changed_ms: i64,
    /// Who changed it last; empty where that is not known.
    pub changed_by: String,
    /// Whether it comes from a file.
    pub is_of_file: bool,
    /// Whether it came with pharos.
    pub is_ready_made: bool,
    /// Whether whoever looks gave it a star.
    pub is_starred: bool,
}

/// What the page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListInput {
    /// Those that the search finds, by title.
    pub boards: Vec<Listed>,
    /// Whether there are any, whatever the search.
    pub has_any: bool,
    /// Uid and title of every folder.
    pub folders: Vec<(String, String)>,
    /// Every tag with how many dashboards have it.
    pub tags: Vec<(String, i64)>,
    /// Whether whoever looks can give stars.
    pub has_stars: bool,
    /// Whether whoever looks may make dashboards.
    pub may_edit: bool,
    /// What was done: `imported`, `deleted`.
    pub done: String,
    /// The panel that is to be put on one of them.
    pub added: Option<Added>,
}

/// Dashboards under a heading.
struct Part<'a> {
    title: String,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    board: &'a Listed,
    href: String,
    changed: Moment,
}

#[derive(askama::Template)]
#[template(path = "boards/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    input: &'a ListInput,
    said: &'static str,
    parts: Vec<Part<'a>>,
}

impl ListPage<'_> {
    fn query(&self) -> &str {
        self.shell.param("query").unwrap_or("")
    }

    fn folder(&self) -> &str {
        self.shell.param("folder").unwrap_or("")
    }

    fn is_only_starred(&self) -> bool {
        self.shell.param("starred").is_some()
    }

    /// The page without a search.
    fn all(&self) -> String {
        self.shell.href_with(&SEARCHED.map(|name| (name, "")))
    }

    /// What the form takes along that it does not ask.
    fn kept(&self) -> Vec<&(String, String)> {
        if self.input.added.is_some() { self.shell.params_but(&SEARCHED) } else { Vec::new() }
    }

    /// A dashboard that is to be made.
    fn fresh(&self) -> String {
        opened(links::BOARDS_NEW.to_owned(), self.input, self.shell)
    }

    fn is_searched(&self) -> bool {
        SEARCHED.iter().any(|name| self.shell.param(name).is_some())
    }

    /// Tags on offer: text, whether it is chosen, the page with it turned.
    fn tags(&self) -> Vec<(&str, bool, String)> {
        let chosen = self.shell.param("tag").unwrap_or("");
        let mut tags: Vec<&(String, i64)> = self.input.tags.iter().collect();
        tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let turned = |tag: &str| self.shell.href("tag", if tag == chosen { "" } else { tag });
        tags.iter().take(TAGS_MAX).map(|(tag, _)| (tag.as_str(), tag == chosen, turned(tag))).collect()
    }
}

/// Renders the page.
pub fn render(input: &ListInput, shell: &Shell) -> String {
    let said = match input.done.as_str() {
        "imported" => key("The dashboard is imported."),
        "deleted" => key("The dashboard is deleted."),
        _ => "",
    };
    page::html(&ListPage { said, parts: parts(input, shell), shell, input })
}

/// Stars first, then what lies in no folder, then each folder, then what came with pharos.
fn parts<'a>(input: &'a ListInput, shell: &Shell) -> Vec<Part<'a>> {
    let shown = || input.boards.iter().take(ROWS_MAX);
    let part = |title: String, is_of: &dyn Fn(&Listed) -> bool| {
        let rows: Vec<Row<'_>> = shown().filter(|board| is_of(board)).map(|board| row(board, input, shell)).collect();
        (!rows.is_empty()).then_some(Part { title, rows })
    };
    let is_plain = |board: &Listed| !board.is_starred && !board.is_ready_made;
    let has_folder = |board: &Listed| input.folders.iter().any(|(uid, _)| *uid == board.folder_uid);
    let starred = part(shell.t("With a star").to_owned(), &|board| board.is_starred);
    let own = part(shell.t("Dashboards").to_owned(), &|board| is_plain(board) && !has_folder(board));
    let folders = input.folders.iter().filter_map(|(uid, title)| part(title.clone(), &|board| is_plain(board) && board.folder_uid == *uid));
    let ready = part(shell.t("Ready-made").to_owned(), &|board| board.is_ready_made && !board.is_starred);
    starred.into_iter().chain(own).chain(folders).chain(ready).collect()
}

fn row<'a>(board: &'a Listed, input: &ListInput, shell: &Shell) -> Row<'a> {
    Row { href: opened(links::board(&board.uid, &board.slug), input, shell), changed: shell.moment(board.changed_ms), board }
}

/// A dashboard by its address, with the panel on it if there is one to add.
fn opened(board: String, input: &ListInput, shell: &Shell) -> String {
    match &input.added {
        Some(added) => added.href(&board, shell),
        None => board,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    const HOSTILE: &str = "\"><img src=x onerror=alert(1)>{{ 1 }}";

    fn board(uid: &str, folder: &str) -> Listed {
        Listed { uid: uid.into(), slug: uid.to_lowercase(), title: format!("Board {uid}"), folder_uid: folder.into(), ..Listed::default() }
    }

    fn html(input: &ListInput, query: &str) -> String {
        render(input, &shell(Page::Boards, "Dashboards", links::BOARDS, query))
    }

    #[test]
    fn stars_folders_and_ready_made_ones_stand_apart() {
        let input = ListInput {
            boards: vec![
                Listed { is_starred: true, ..board("S", "f") },
                board("P", ""),
                board("F", "f"),
                Listed { is_ready_made: true, ..board("R", "") },
                board("LOST", "gone"),
            ],
            folders: vec![("f".into(), "Team A".into())],
            tags: vec![("linux".into(), 2), ("db".into(), 5)],
            has_any: true,
            has_stars: true,
            ..ListInput::default()
        };
        let page = html(&input, "");
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
        assert!(at("With a star") < at("Board S") && at("Board S") < at("Board P") && at("Board P") < at("Board LOST"));
        assert!(at("Board LOST") < at(">Team A</h2>") && at(">Team A</h2>") < at("Board F") && at("Board F") < at("Ready-made"));
        assert!(page.contains("href=\"/d/P/p\"") && page.contains("tag=linux") && !page.contains("Import"));
        assert!(at(">db<") < at(">linux<"), "frequent tags come first");
    }

    #[test]
    fn nothing_there_and_nothing_found() {
        let none = html(&ListInput { may_edit: true, ..ListInput::default() }, "");
        assert!(none.contains("No dashboards yet.") && none.contains(links::BOARDS_IMPORT));
        let lost = html(&ListInput { has_any: true, ..ListInput::default() }, "query=zzz");
        assert!(lost.contains("No dashboard fits.") && lost.contains("zzz"));
    }

    #[test]
    fn a_panel_to_add_goes_along_to_the_dashboard_that_is_chosen() {
        let query = "q=up&view=stat&from=now-1h&query=zzz";
        let input = ListInput {
            boards: vec![board("P", "")],
            has_any: true,
            may_edit: true,
            added: Added::from_query(query).ok(),
            ..ListInput::default()
        };
        let page = render(&input, &shell(Page::Boards, "Add to dashboard", links::BOARDS_ADD, query));
        for wanted in [
            "href=\"/d/P/p?edit=1&#38;from=now-1h#add=stat&#38;q=up\"",
            "href=\"/d/new?edit=1&#38;from=now-1h#add=stat&#38;q=up\"",
            "name=\"q\" value=\"up\"",
            "action=\"/d/add\"",
            ">up</code>",
        ] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        assert_eq!(page.matches("name=\"query\"").count(), 1, "what is searched is asked once");
        assert!(!page.contains(links::BOARDS_IMPORT) && !page.contains(links::BOARDS_SHARES), "{page}");
        let lost = ListInput { boards: Vec::new(), ..input };
        let page = render(&lost, &shell(Page::Boards, "Add to dashboard", links::BOARDS_ADD, query));
        assert!(page.contains("No dashboard fits.") && page.contains("href=\"/d/add?q=up&#38;view=stat&#38;from=now-1h\""), "{page}");
    }

    #[test]
    fn foreign_text_stays_text() {
        let one = Listed {
            title: HOSTILE.into(),
            description: HOSTILE.into(),
            tags: vec![HOSTILE.into()],
            changed_by: HOSTILE.into(),
            changed_ms: 1,
            is_of_file: true,
            ..board(HOSTILE, HOSTILE)
        };
        let input = ListInput {
            boards: vec![one],
            folders: vec![(HOSTILE.into(), HOSTILE.into())],
            tags: vec![(HOSTILE.into(), 1)],
            has_any: true,
            has_stars: true,
            may_edit: true,
            done: HOSTILE.into(),
            added: Some(Added { queries: vec![HOSTILE.into()], legend: HOSTILE.into(), unit: HOSTILE.into(), ..Added::default() }),
        };
        let page = html(&input, &format!("query={0}&tag={0}&folder={0}", links::encode(HOSTILE)));
        assert!(!page.contains("<img src=x"), "{page}");
    }
}
