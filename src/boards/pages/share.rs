//! Sharing a dashboard: links and snapshots for people without an account, and all of them on one page.

use crate::boards::model::{ANYWHERE, RANGE_DAYS_MAX, Share};
use crate::ui::format::Moment;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Height of an embedded dashboard, in pixels.
const FRAME_HEIGHT: u32 = 600;

/// A variable, and whether readers may choose it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choosable {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What is chosen now.
    pub shown: String,
    /// Whether readers may be let choose it.
    pub may_be_open: bool,
}

/// What the page of one dashboard is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShareInput {
    /// Names it in URLs.
    pub uid: String,
    /// What stands behind the uid in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its variables.
    pub variables: Vec<Choosable>,
    /// What they are, as in URLs.
    pub vars: String,
    /// The range that is shown.
    pub range: (String, String),
    /// The same in words.
    pub range_words: String,
    /// Its links and snapshots, the newest first; none for who may not change it.
    pub shares: Vec<Share>,
    /// Under which address the server was asked, without a path.
    pub host: String,
    /// Whether whoever looks may share it.
    pub may_edit: bool,
    /// What went wrong, in words.
    pub problem: Option<String>,
    /// Now, in milliseconds since the Unix epoch.
    pub now: i64,
}

/// What the page of all shares is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharesInput {
    /// All of them, the newest first.
    pub shares: Vec<Share>,
    /// Uid, title in URLs, and title of every dashboard.
    pub boards: Vec<(String, String, String)>,
    /// Under which address the server was asked, without a path.
    pub host: String,
    /// Now, in milliseconds since the Unix epoch.
    pub now: i64,
}

/// A share in a list.
struct Row<'a> {
    share: &'a Share,
    href: String,
    made: Moment,
    ends: Option<Moment>,
    has_ended: bool,
    board: Option<(String, &'a str)>,
    embed: String,
}

fn row<'a>(share: &'a Share, host: &str, now: i64, boards: &'a [(String, String, String)], shell: &Shell) -> Row<'a> {
    let path = links::shared(&share.token);
    let href = format!("{host}{path}");
    let embed = if share.framed_by.is_empty() {
        String::new()
    } else {
        format!("<iframe src=\"{href}?kiosk=1\" width=\"100%\" height=\"{FRAME_HEIGHT}\" style=\"border:0\" loading=\"lazy\"></iframe>")
    };
    let board = boards.iter().find(|(uid, ..)| *uid == share.board_uid);
    Row {
        made: shell.moment(share.made_at),
        ends: (share.expires_at > 0).then(|| shell.moment(share.expires_at)),
        has_ended: share.has_ended(now),
        board: board.map(|(uid, slug, title)| (links::board_share(uid, slug), title.as_str())),
        share,
        href,
        embed,
    }
}

impl Row<'_> {
    fn kind(&self) -> &'static str {
        if self.share.is_snapshot() { key("Snapshot") } else { key("Link") }
    }

    /// Who may embed it, where somebody may.
    fn embedded_by(&self, shell: &Shell) -> String {
        if self.share.framed_by.iter().any(|one| one == ANYWHERE) { shell.t("any page").to_owned() } else { self.share.framed_by.join(" ") }
    }

    fn state(&self) -> (&'static str, &'static str) {
        match (self.has_ended, self.share.is_on) {
            (true, _) => ("", key("ended")),
            (_, false) => ("warn", key("off")),
            _ => ("ok", key("on")),
        }
    }
}

#[derive(askama::Template)]
#[template(path = "boards/share.html")]
struct SharePage<'a> {
    shell: &'a Shell,
    input: &'a ShareInput,
    rows: Vec<Row<'a>>,
}

impl SharePage<'_> {
    fn url(&self) -> String {
        links::board_share(&self.input.uid, &self.input.slug)
    }

    fn board_url(&self) -> String {
        links::board(&self.input.uid, &self.input.slug)
    }

    /// The dashboard for people with an account, as it was opened.
    fn ordinary(&self) -> String {
        let (from, to) = &self.input.range;
        let path = links::with(&self.board_url(), &[("from", from), ("to", to)]);
        let vars = if self.input.vars.is_empty() { String::new() } else { format!("&{}", self.input.vars) };
        format!("{}{path}{vars}", self.input.host)
    }

    /// This page again, after something was done.
    fn next(&self) -> String {
        format!("{}#shares", self.url())
    }

    fn said(&self) -> &'static str {
        match self.shell.param("done") {
            Some("made") => key("The link is made. Whoever has it sees the dashboard without an account."),
            Some("snapshot") => key("The snapshot is taken."),
            _ => "",
        }
    }

    const fn days_max(&self) -> i64 {
        RANGE_DAYS_MAX
    }

    fn snapshot_note(&self) -> &'static str {
        key("A snapshot is what the panels show now. It stays as it is, also when data or the dashboard are gone.")
    }
}

#[derive(askama::Template)]
#[template(path = "boards/shares.html")]
struct SharesPage<'a> {
    shell: &'a Shell,
    rows: Vec<Row<'a>>,
}

impl SharesPage<'_> {
    fn next(&self) -> &'static str {
        links::BOARDS_SHARES
    }
}

/// Renders the page of one dashboard.
pub fn render(input: &ShareInput, shell: &Shell) -> String {
    let rows = input.shares.iter().map(|share| row(share, &input.host, input.now, &[], shell)).collect();
    page::html(&SharePage { shell, input, rows })
}

/// Renders the page of all shares.
pub fn render_all(input: &SharesInput, shell: &Shell) -> String {
    let rows = input.shares.iter().map(|share| row(share, &input.host, input.now, &input.boards, shell)).collect();
    page::html(&SharesPage { shell, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn share() -> Share {
        Share {
            token: "abc".into(),
            board_uid: "u".into(),
            title: "<b>T".into(),
            is_on: true,
            framed_by: vec![ANYWHERE.into()],
            ..Share::default()
        }
    }

    #[test]
    fn editors_make_links_and_readers_see_how_to_copy_one() {
        let input = ShareInput {
            uid: "u".into(),
            slug: "s".into(),
            title: "T".into(),
            vars: "var-a=b".into(),
            range: ("now-6h".into(), "now".into()),
            host: "https://p.example".into(),
            shares: vec![share()],
            variables: vec![
                Choosable { name: "a".into(), label: "a".into(), shown: "b".into(), may_be_open: true },
                Choosable { name: "text".into(), label: "text".into(), shown: "x".into(), may_be_open: false },
            ],
            ..ShareInput::default()
        };
        let shell = shell(Page::Boards, "Share", "/d/u/s/share", "");
        let html = render(&input, &shell);
        assert!(
            html.contains("https://p.example/d/u/s?from=now-6h&#38;to=now&#38;var-a=b") && !html.contains("<form class=\"body\""),
            "{html}"
        );
        let html = render(&ShareInput { may_edit: true, ..input }, &shell);
        assert!(html.contains("&#60;b&#62;T") && html.contains("https://p.example/p/abc") && html.contains("&#60;iframe src="), "{html}");
        assert!(html.contains("name=\"open\" value=\"a\"") && !html.contains("name=\"open\" value=\"text\""), "{html}");
    }

    #[test]
    fn all_shares_say_whose_they_are() {
        let input = SharesInput {
            shares: vec![share(), Share { board_uid: "gone".into(), is_on: false, ..share() }],
            boards: vec![("u".into(), "s".into(), "Board".into())],
            ..SharesInput::default()
        };
        let html = render_all(&input, &shell(Page::Boards, "x", "/d/shares", ""));
        assert!(html.contains("href=\"/d/u/s/share\"") && html.contains("Board") && html.contains("the dashboard is gone"), "{html}");
    }
}
