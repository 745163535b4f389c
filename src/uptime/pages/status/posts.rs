//! What is told on a status page, what is to be told later, and the form that tells it.

use super::templates::{self, Text};
use super::words;
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::post::{Post, PostDraft, Severity, Stage, TEXT_CHARS_MAX, TITLE_CHARS_MAX, Update};

/// Posts on one page of the list.
const PAGE_ROWS: usize = 20;

/// What the form is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aim {
    /// A new post.
    #[default]
    New,
    /// A draft, by its number.
    Draft(i64),
    /// More of a post.
    More(i64),
    /// An update of a post, in other words.
    Edit(i64, i64),
}

impl Aim {
    /// From the fields of a form or of an address: `draft`, or `post` and `update`.
    pub fn read(form: &Draft) -> Self {
        let number = |name: &str| form.get(name).parse().ok();
        match (number("draft"), number("post"), number("update")) {
            (Some(draft), ..) => Self::Draft(draft),
            (None, Some(post), None) => Self::More(post),
            (None, Some(post), Some(update)) => Self::Edit(post, update),
            (None, None, _) => Self::New,
        }
    }
}

/// The fields of a draft of a post; `names` are those of its checks.
pub fn draft_of(draft: &PostDraft, names: &[String]) -> Draft {
    let mut form = Draft::default();
    form.set("draft", draft.id.to_string());
    form.set("title", draft.title.as_str());
    form.set("severity", draft.severity.as_str());
    form.set("stage", draft.stage.as_str());
    form.set("text", draft.text.as_str());
    names.iter().for_each(|name| form.add("check", name.as_str()));
    form
}

/// The fields of an update, or of one more after the newest.
pub fn update_of(post: &Post, update: Option<&Update>) -> Draft {
    let mut form = Draft::default();
    form.set("post", post.id.to_string());
    form.set("stage", update.map_or(post.stage(), |update| update.stage).as_str());
    if let Some(update) = update {
        form.set("update", update.id.to_string());
        form.set("text", update.text.as_str());
    }
    form
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PostsInput {
    /// The status page.
    pub page: StatusPage,
    /// Its posts, the newest first, each with the names of its checks.
    pub posts: Vec<(Post, Vec<String>)>,
    /// Posts that are to be told later, the newest first, each with the names of its checks; only for who may tell.
    pub drafts: Vec<(PostDraft, Vec<String>)>,
    /// Texts to choose from.
    pub texts: Vec<Text>,
    /// Names of the checks that can be chosen.
    pub checks: Vec<String>,
    /// The fields of the form.
    pub draft: Draft,
    /// What was done: `told`, `updated`, `edited`, `kept`, `unsaid`, `discarded` or `forgotten`.
    pub done: String,
    /// What is wrong.
    pub problem: String,
    /// Whether whoever looks may tell anything.
    pub may_change: bool,
}

struct Told {
    id: i64,
    at: Moment,
    edited: Option<Moment>,
    stage: &'static str,
    text: String,
    by: String,
    edit: String,
}

struct Row {
    id: i64,
    title: String,
    class: &'static str,
    severity: &'static str,
    stage: &'static str,
    is_open: bool,
    is_chosen: bool,
    of: String,
    more: String,
    updates: Vec<Told>,
}

struct Later {
    id: i64,
    title: String,
    class: &'static str,
    severity: &'static str,
    stage: &'static str,
    of: String,
    text: String,
    at: Moment,
    by: String,
    edit: String,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/posts.html")]
struct PostsPage<'a> {
    shell: &'a Shell,
    input: &'a PostsInput,
    said: &'static str,
    aim: Aim,
    headline: String,
    rows: Vec<Row>,
    later: Vec<Later>,
    severities: [(Severity, &'static str); 4],
    stages: [(Stage, &'static str); 4],
    texts: Vec<(&'static str, Vec<&'a Text>)>,
    usual: &'a str,
    templates: String,
    view: String,
    edit: String,
    fresh: String,
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

    /// Whether the form makes a post, and not an update.
    const fn is_post(&self) -> bool {
        matches!(self.aim, Aim::New | Aim::Draft(_))
    }

    const fn is_new(&self) -> bool {
        matches!(self.aim, Aim::New)
    }

    const fn is_edit(&self) -> bool {
        matches!(self.aim, Aim::Edit(..))
    }

    /// Whether the stage would open again what is solved.
    fn is_solved(&self) -> bool {
        let Aim::More(id) = self.aim else { return false };
        self.input.posts.iter().any(|(post, _)| post.id == id && post.resolved_at().is_some())
    }
}

/// Renders the page.
pub fn render(input: &PostsInput, shell: &Shell) -> String {
    let lang = Lang::parse(&input.page.language).unwrap_or_default();
    let pages = input.posts.len().div_ceil(PAGE_ROWS).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let aim = Aim::read(&input.draft);
    let rows = input.posts.iter().skip(page * PAGE_ROWS).take(PAGE_ROWS);
    page::html(&PostsPage {
        said: said(&input.done),
        aim,
        headline: headline(input, aim, lang, shell),
        rows: rows.map(|(post, names)| row(post, names, input, lang, shell)).collect(),
        later: input.drafts.iter().map(|(draft, names)| later(draft, names, input, shell)).collect(),
        severities: Severity::ALL.map(|severity| (severity, words::severity(severity))),
        stages: Stage::ALL.map(|stage| (stage, words::stage(stage))),
        texts: templates::by_stage(&input.texts),
        usual: templates::usual(&input.texts, Stage::parse(input.draft.get("stage")).unwrap_or(Stage::Investigating)),
        templates: links::with(links::UPTIME_STATUS_TEMPLATES, &[("language", lang.as_str()), ("slug", &input.page.slug)]),
        view: links::status_page(&input.page.slug),
        edit: links::with(links::UPTIME_STATUS_EDIT, &[("id", &input.page.slug)]),
        fresh: links::with(links::UPTIME_STATUS_POSTS, &[("slug", &input.page.slug)]),
        found_words: shell.lang().n(input.posts.len() as u64, "{} post", "{} posts"),
        page,
        pages,
        shell,
        input,
    })
}

fn said(done: &str) -> &'static str {
    match done {
        "told" => key("It is told."),
        "updated" => key("The update is told."),
        "edited" => key("The update is in other words. Nobody is told again."),
        "unsaid" => key("The update is deleted."),
        "kept" => key("The draft is kept. Nobody sees it but who makes status pages."),
        "discarded" => key("The draft is deleted."),
        "forgotten" => key("The post is deleted."),
        _ => "",
    }
}

/// What the form does.
fn headline(input: &PostsInput, aim: Aim, lang: Lang, shell: &Shell) -> String {
    let post = |id: i64| input.posts.iter().find(|(post, _)| post.id == id).map(|(post, names)| title(post, names, lang));
    match aim {
        Aim::New => shell.t("Tell something").to_owned(),
        Aim::Draft(_) => shell.t("Edit draft").to_owned(),
        Aim::More(id) => shell.f1("Tell more of “{}”", post(id).unwrap_or_default()),
        Aim::Edit(id, _) => shell.f1("Edit an update of “{}”", post(id).unwrap_or_default()),
    }
}

/// The page with the form about something.
fn with_form(input: &PostsInput, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<(&str, &str)> = [("slug", input.page.slug.as_str())].into_iter().chain(pairs.iter().copied()).collect();
    format!("{}#form", links::with(links::UPTIME_STATUS_POSTS, &pairs))
}

fn title(post: &Post, names: &[String], lang: Lang) -> String {
    let own = || names.first().map_or_else(|| lang.t("Outage").to_owned(), |name| lang.fill("{} is down", &[name]));
    if post.title.is_empty() { own() } else { post.title.clone() }
}

fn row(post: &Post, names: &[String], input: &PostsInput, lang: Lang, shell: &Shell) -> Row {
    let id = post.id.to_string();
    let told = post.updates.iter().rev().map(|update| Told {
        id: update.id,
        at: format::moment(update.at, shell.now_ms, shell.lang()),
        edited: update.edited_at.map(|at| format::moment(at, shell.now_ms, shell.lang())),
        stage: words::stage(update.stage),
        text: words::text(update, lang),
        by: update.made_by.clone(),
        edit: with_form(input, &[("post", &id), ("update", &update.id.to_string())]),
    });
    Row {
        id: post.id,
        title: title(post, names, lang),
        class: words::severity_class(post.severity),
        severity: words::severity(post.severity),
        stage: words::stage(post.stage()),
        is_open: post.resolved_at().is_none(),
        is_chosen: input.draft.get("post") == id,
        of: names.join(shell.lang().comma()),
        more: with_form(input, &[("post", &id)]),
        updates: told.collect(),
    }
}

fn later(draft: &PostDraft, names: &[String], input: &PostsInput, shell: &Shell) -> Later {
    Later {
        id: draft.id,
        title: if draft.title.is_empty() { shell.t("Without a title").to_owned() } else { draft.title.clone() },
        class: words::severity_class(draft.severity),
        severity: words::severity(draft.severity),
        stage: words::stage(draft.stage),
        of: names.join(shell.lang().comma()),
        text: if draft.text.is_empty() { templates::usual(&input.texts, draft.stage).to_owned() } else { draft.text.clone() },
        at: format::moment(draft.changed_at, shell.now_ms, shell.lang()),
        by: draft.changed_by.clone(),
        edit: with_form(input, &[("draft", &draft.id.to_string())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::pages::sample::{self, HOSTILE, NOW};
    use crate::uptime::status::picture::tests::post;

    fn input(draft: Draft) -> PostsInput {
        let mut told = post(3, Severity::Outage, &[1], NOW - 9_000, Some(NOW - 5_000));
        (told.title, told.updates[0].text, told.updates[0].edited_at) = (HOSTILE.to_owned(), HOSTILE.to_owned(), Some(NOW));
        let later = PostDraft {
            id: 4,
            page: 1,
            title: HOSTILE.to_owned(),
            severity: Severity::Notice,
            checks: vec![1],
            stage: Stage::Identified,
            text: HOSTILE.to_owned(),
            changed_at: NOW,
            changed_by: HOSTILE.to_owned(),
        };
        let names = vec![HOSTILE.to_owned()];
        PostsInput {
            posts: vec![(told, names.clone())],
            drafts: vec![(later, names.clone())],
            texts: templates::texts(&[], Lang::En),
            checks: names,
            draft,
            may_change: true,
            ..PostsInput::default()
        }
    }

    #[test]
    fn the_form_is_about_what_was_chosen() {
        let html = |draft: Draft| render(&input(draft), &shell(Page::Uptime, "x", links::UPTIME_STATUS_POSTS, ""));
        let whole = input(Draft::default());
        let (told, draft) = (&whole.posts[0].0, &whole.drafts[0].0);
        for (form, parts, absent) in [
            (Draft::default(), vec!["Tell something", "value=\"tell\"", "value=\"keep\""], "value=\"more\""),
            (draft_of(draft, &whole.checks), vec!["Edit draft", "name=\"draft\" value=\"4\"", " checked"], "value=\"edit\""),
            (update_of(told, None), vec!["Tell more of", "value=\"more\"", "opens it again"], "value=\"tell\""),
            (update_of(told, Some(&told.updates[0])), vec!["Edit an update of", "value=\"edit\""], "value=\"keep\""),
        ] {
            let text = html(form);
            sample::check(&text);
            assert!(parts.iter().all(|part| text.contains(part)) && !text.contains(absent), "{parts:?}: {text}");
        }
        let mut reader = input(Draft::default());
        (reader.may_change, reader.drafts) = (false, Vec::new());
        let text = render(&reader, &shell(Page::Uptime, "x", links::UPTIME_STATUS_POSTS, ""));
        assert!(!text.contains("<form class=\"body\"") && !text.contains("value=\"unsay\""), "{text}");
    }
}
