//! What a dashboard was: its versions, what changed between two of them, and the way back.

use crate::boards::model::{DIFFERENCES_MAX, Diff, Difference, How, Part, Thing, Version};
use crate::ui::format::Moment;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Up to so many changed lines, the JSON is shown at once.
const SHORT_LINES: usize = 40;

/// What the page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryInput {
    /// Names the dashboard in URLs.
    pub uid: String,
    /// What stands behind the uid in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its newest version; 0 for one that came with pharos.
    pub version: i64,
    /// Versions of this page, the newest first.
    pub versions: Vec<Version>,
    /// There are more, below this one.
    pub older: Option<i64>,
    /// What is compared.
    pub compared: Option<Compared>,
    /// The file it comes from.
    pub file: Option<OfFile>,
    /// Whether it differs from the one of its uid that comes with pharos; none where there is no such one, or it was never
    /// changed.
    pub is_unlike_ready: Option<bool>,
    /// Whether whoever looks may change it.
    pub may_edit: bool,
    /// What went wrong, in words.
    pub problem: Option<String>,
}

/// The file a dashboard comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfFile {
    /// Its path.
    pub path: String,
    /// Its name, for the command.
    pub name: String,
    /// The version it was read as.
    pub version: i64,
    /// Whether the dashboard was changed here since.
    pub is_changed: bool,
}

/// With what a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Before {
    /// An older version.
    Version(i64),
    /// What its file held.
    #[default]
    File,
    /// The one that comes with pharos.
    Ready,
}

/// Two versions and what is between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// The older one.
    pub from: Before,
    /// The newer one.
    pub to: i64,
    /// In things that people know.
    pub differences: Vec<Difference>,
    /// Line by line.
    pub diff: Diff,
}

/// A difference in words.
struct Row {
    class: &'static str,
    sign: &'static str,
    word: &'static str,
    thing: String,
    parts: String,
}

#[derive(askama::Template)]
#[template(path = "boards/history.html")]
struct HistoryPage<'a> {
    shell: &'a Shell,
    input: &'a HistoryInput,
}

impl HistoryPage<'_> {
    fn url(&self) -> String {
        links::board_versions(&self.input.uid, &self.input.slug)
    }

    fn board_url(&self) -> String {
        links::board(&self.input.uid, &self.input.slug)
    }

    /// What changed since the file was read.
    fn home_url(&self) -> String {
        format!("{}#compared", links::with(&self.url(), &[("from", "file")]))
    }

    /// What differs from the one that comes with pharos.
    fn ready_url(&self) -> String {
        format!("{}#compared", links::with(&self.url(), &[("from", "ready")]))
    }

    fn patch_url(&self) -> String {
        links::board_patch(&self.input.uid, &self.input.slug)
    }

    fn json_url(&self) -> String {
        links::BOARD_JSON.replace("{uid}", &links::encode(&self.input.uid)).replace("{slug}", "-")
    }

    fn version_url(&self, version: &i64) -> String {
        links::with(&self.json_url(), &[("version", &version.to_string())])
    }

    fn patch_command(&self) -> String {
        let name = self.input.file.as_ref().map_or("", |file| file.name.as_str());
        format!("patch {name} < {}.patch", self.input.slug)
    }

    fn said(&self) -> &'static str {
        match self.shell.param("done") {
            Some("restored") => key("It is restored, as the newest version."),
            _ => "",
        }
    }

    fn when(&self, one: &Version) -> Moment {
        self.shell.moment(one.made_at)
    }

    fn is_from(&self, version: &i64) -> bool {
        self.input.compared.as_ref().is_some_and(|compared| compared.from == Before::Version(*version))
    }

    fn is_to(&self, version: &i64) -> bool {
        self.input.compared.as_ref().is_some_and(|compared| compared.to == *version)
    }

    fn is_of_file(&self, version: &i64) -> bool {
        self.input.file.as_ref().is_some_and(|file| file.version == *version)
    }

    /// What its maker said; of one that was brought back, which.
    fn message(&self, one: &Version) -> String {
        if one.restored > 0 { self.shell.f1("Restored from version {}", one.restored) } else { one.message.clone() }
    }

    fn heading(&self, compared: &Compared) -> String {
        match compared.from {
            Before::Version(from) => self.shell.f2("From version {} to version {}", from, compared.to),
            Before::Ready => self.shell.t("Changed here since it came with pharos").to_owned(),
            Before::File => {
                let path = self.input.file.as_ref().map_or("", |file| file.path.as_str());
                self.shell.f1("Changed here since the file {} was read", path)
            }
        }
    }

    fn is_short(&self, compared: &Compared) -> bool {
        compared.diff.added + compared.diff.removed <= SHORT_LINES
    }

    fn unlisted(&self, compared: &Compared) -> String {
        self.shell.lang().n(compared.diff.unlisted as u64, "{} more line is not listed.", "{} more lines are not listed.")
    }

    fn rows(&self, compared: &Compared) -> Vec<Row> {
        compared.differences.iter().take(DIFFERENCES_MAX).map(|one| self.row(one)).collect()
    }

    fn row(&self, one: &Difference) -> Row {
        let (class, sign, word) = match &one.how {
            How::Added => ("ok", "+", key("added")),
            How::Removed => ("crit", "−", key("removed")),
            How::Changed(parts) if parts.iter().all(|part| *part == Part::Place) && !parts.is_empty() => ("info", "↔", key("moved")),
            How::Changed(_) => ("info", "~", key("changed")),
        };
        let parts = match &one.how {
            How::Changed(parts) if parts.as_slice() != [Part::Place] => {
                let words: Vec<&str> = parts.iter().map(|part| self.shell.t(named(*part))).collect();
                words.join(self.shell.lang().comma())
            }
            _ => String::new(),
        };
        Row { class, sign, word, thing: self.thing(&one.thing), parts }
    }

    fn thing(&self, thing: &Thing) -> String {
        let shell = self.shell;
        match thing {
            Thing::Title(was, is) => shell.f2("Title: from “{}” to “{}”", was, is),
            Thing::Description => shell.t("Description").to_owned(),
            Thing::Tags => shell.t("Tags").to_owned(),
            Thing::Range => shell.t("Time range").to_owned(),
            Thing::Refresh => shell.t("Refresh").to_owned(),
            Thing::Links => shell.t("Links").to_owned(),
            Thing::Marks => shell.t("Annotations").to_owned(),
            Thing::Setting(name) => shell.f1("Setting {}", name),
            Thing::Variable(name) => shell.f1("Variable {}", name),
            Thing::Row(title) => shell.f1("Row {}", title),
            Thing::Panel(title) => shell.f1("Panel {}", title),
        }
    }
}

/// A part of a panel in words.
const fn named(part: Part) -> &'static str {
    match part {
        Part::Title => key("title"),
        Part::Description => key("description"),
        Part::Kind => key("kind of panel"),
        Part::Query => key("query"),
        Part::Transformations => key("transformations"),
        Part::Thresholds => key("thresholds"),
        Part::Unit => key("unit"),
        Part::Mappings => key("value mappings"),
        Part::Overrides => key("overrides"),
        Part::Look => key("look"),
        Part::Links => key("links"),
        Part::Repeat => key("repeating"),
        Part::Size => key("size"),
        Part::Place => key("place"),
        Part::Rest => key("other options"),
    }
}

/// Renders the page.
pub fn render(input: &HistoryInput, shell: &Shell) -> String {
    page::html(&HistoryPage { shell, input })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::model::diff;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::{one_line, shell};

    fn input() -> HistoryInput {
        let version = |version, restored| Version {
            version,
            restored,
            message: "<b>more</b>".to_owned(),
            made_by: "ann".to_owned(),
            ..Version::default()
        };
        HistoryInput {
            uid: "u".to_owned(),
            slug: "s".to_owned(),
            title: "T".to_owned(),
            version: 3,
            versions: vec![version(3, 1), version(2, 0)],
            older: Some(2),
            compared: Some(Compared {
                from: Before::File,
                to: 3,
                differences: vec![
                    Difference { thing: Thing::Panel("<i>A</i>".to_owned()), how: How::Changed(vec![Part::Query, Part::Place]) },
                    Difference { thing: Thing::Row("B".to_owned()), how: How::Changed(vec![Part::Place]) },
                    Difference { thing: Thing::Variable("v".to_owned()), how: How::Removed },
                ],
                diff: diff("a\n<b>\n", "a\n<c>\n"),
            }),
            file: Some(OfFile { path: "/boards/x.json".to_owned(), name: "x.json".to_owned(), version: 2, is_changed: true }),
            ..HistoryInput::default()
        }
    }

    #[test]
    fn changes_have_words_and_signs_and_nothing_is_markup() {
        let html = render(&input(), &shell(Page::Boards, "History", "/d/u/s/versions", "from=file"));
        for wanted in [
            "Panel &#60;i&#62;A&#60;/i&#62;</b> <span class=\"dim\">query, place</span>",
            "↔</b>moved</span><span><b>Row B</b>",
            "−</b>removed</span><span><b>Variable v</b>",
            "<ins>+&#60;c&#62;</ins>",
            "<del>-&#60;b&#62;</del>",
            "Restored from version 1",
            "&#60;b&#62;more&#60;/b&#62;",
            "href=\"/d/u/s/versions/home.diff\"",
            "before=2",
        ] {
            assert!(html.contains(wanted), "{wanted}: {html}");
        }
        assert!(!html.contains("method=\"post\" action=\"/d/u/s/versions\""), "who may not change it is offered nothing");
        let html = render(&HistoryInput { may_edit: true, ..input() }, &shell(Page::Boards, "History", "/d/u/s/versions", ""));
        assert_eq!(html.matches("method=\"post\" action=\"/d/u/s/versions\"").count(), 2, "giving up, and one older version");
    }

    #[test]
    fn one_that_came_with_pharos_is_compared_with_that_and_can_be_it_again() {
        let page = |is_unlike_ready, may_edit| {
            let input = HistoryInput { file: None, is_unlike_ready, may_edit, ..input() };
            let compared = input.compared.clone().map(|compared| Compared { from: Before::Ready, ..compared });
            let shell = shell(Page::Boards, "History", "/d/u/s/versions", "from=ready");
            one_line(&render(&HistoryInput { compared, ..input }, &shell))
        };
        let html = page(Some(true), true);
        for wanted in
            ["href=\"/d/u/s/versions?from=ready#compared\"", "name=\"version\" value=\"ready\"", "Changed here since it came with pharos"]
        {
            assert!(html.contains(wanted), "{wanted}: {html}");
        }
        assert!(!page(Some(true), false).contains("value=\"ready\""), "who may not change it is offered nothing");
        let same = page(Some(false), true);
        assert!(same.contains("It is as it comes with pharos.") && !same.contains("value=\"ready\""), "{same}");
        assert!(!page(None, true).contains("It is as it comes"));
    }
}
