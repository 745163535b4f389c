//! Texts to choose from where something is told: ready ones in the language of a page, those that somebody wrote in their
//! place, others beside them; and the page where people write them.

use super::words;
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::status::post::{Stage, TEXT_CHARS_MAX};
use crate::uptime::status::template::{NAME_CHARS_MAX, Template};

/// A text that is built in.
struct Ready {
    key: &'static str,
    name: &'static str,
    stage: Option<Stage>,
    text: &'static str,
}

const fn ready(key: &'static str, name: &'static str, stage: Option<Stage>, text: &'static str) -> Ready {
    Ready { key, name, stage, text }
}

/// Texts that are built in. Those named as a stage are told where nobody says anything.
const READY: [Ready; 9] = [
    ready("investigating", key("We know of it"), Some(Stage::Investigating), key("We know of the trouble and are looking into it.")),
    ready("identified", key("We found the cause"), Some(Stage::Identified), key("We found the cause and are working on it.")),
    ready("monitoring", key("It is repaired"), Some(Stage::Monitoring), key("It is repaired. We are watching whether it stays that way.")),
    ready("resolved", key("It works again"), Some(Stage::Resolved), key("It works again. Sorry for the trouble.")),
    ready("errors", key("Some see errors"), Some(Stage::Investigating), key("Some of you see errors. We are looking into it.")),
    ready("slow", key("Slower than usual"), Some(Stage::Investigating), key("It is slower than usual. We are looking into it.")),
    ready(
        "provider",
        key("A provider has trouble"),
        Some(Stage::Identified),
        key("A provider of ours has trouble. We watch it and tell more when we know more."),
    ),
    ready("begun", key("Planned work began"), None, key("The planned work has begun. It may not be reachable for short times.")),
    ready("done", key("Planned work is done"), Some(Stage::Resolved), key("The planned work is done. Everything works again.")),
];

/// A text as it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Names it in forms: the key of a built-in one, the number of another.
    pub key: String,
    /// Its number, if somebody wrote it.
    pub id: Option<i64>,
    /// Whether a built-in one stands there, or stood.
    pub is_ready: bool,
    /// What people choose it by.
    pub name: String,
    /// How far they are who tell it; none where it fits any.
    pub stage: Option<Stage>,
    /// In words.
    pub text: String,
}

fn in_language(words: &'static str, lang: Lang) -> &'static str {
    match lang {
        Lang::En => words,
        Lang::Ar => Lang::Ar.t(words),
    }
}

/// The texts of pages in a language: the built-in ones, or what stands in their place, then the others.
pub fn texts(templates: &[Template], lang: Lang) -> Vec<Text> {
    let of_lang = || templates.iter().filter(|template| template.language == lang.as_str());
    let written = |template: &Template, key: String| Text {
        key,
        id: Some(template.id),
        is_ready: template.ready.is_some(),
        name: template.name.clone(),
        stage: template.stage,
        text: template.text.clone(),
    };
    let ready = READY.iter().map(|ready| match of_lang().find(|template| template.ready.as_deref() == Some(ready.key)) {
        Some(template) => written(template, ready.key.to_owned()),
        None => Text {
            key: ready.key.to_owned(),
            id: None,
            is_ready: true,
            name: in_language(ready.name, lang).to_owned(),
            stage: ready.stage,
            text: in_language(ready.text, lang).to_owned(),
        },
    });
    let others = of_lang().filter(|template| template.ready.is_none()).map(|template| written(template, template.id.to_string()));
    ready.chain(others).collect()
}

/// The text that is told of a stage where nobody says anything.
pub fn usual(texts: &[Text], stage: Stage) -> &str {
    texts.iter().find(|text| text.is_ready && text.key == stage.as_str()).map_or("", |text| text.text.as_str())
}

/// The texts for each stage, then those for any: what a list to choose from is made of.
pub fn by_stage(texts: &[Text]) -> Vec<(&'static str, Vec<&Text>)> {
    let of = |stage: Option<Stage>| texts.iter().filter(move |text| text.stage == stage).collect::<Vec<_>>();
    let stages = Stage::ALL.into_iter().map(|stage| (words::stage(stage), of(Some(stage))));
    stages.chain([(key("Any stage"), of(None))]).filter(|(_, texts)| !texts.is_empty()).collect()
}

/// What a form says of a text, to be vetted where it is kept.
pub fn read(form: &Draft) -> Template {
    let ready = form.get("ready");
    Template {
        id: form.get("id").parse().unwrap_or(0),
        language: Lang::parse(form.get("language")).unwrap_or_default().as_str().to_owned(),
        ready: READY.iter().find(|known| known.key == ready).map(|known| known.key.to_owned()),
        name: form.get("name").to_owned(),
        stage: Stage::parse(form.get("stage")),
        text: form.get("text").to_owned(),
    }
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct TemplatesInput {
    /// The language of pages whose texts are shown.
    pub lang: Lang,
    /// Those texts.
    pub texts: Vec<Text>,
    /// The fields of the form.
    pub draft: Draft,
    /// The status page that they came from; empty for none.
    pub slug: String,
    /// What was done: `saved` or `deleted`.
    pub done: String,
    /// What is wrong.
    pub problem: String,
}

/// Languages of pages, in the words of who chooses.
const LANGUAGES: [(Lang, &str); 2] = [(Lang::En, key("English")), (Lang::Ar, key("Arabic"))];

struct Row<'a> {
    of: &'a Text,
    stage: &'static str,
    edit: String,
    is_open: bool,
}

#[derive(askama::Template)]
#[template(path = "uptime/status/templates.html")]
struct TemplatesPage<'a> {
    shell: &'a Shell,
    input: &'a TemplatesInput,
    said: &'static str,
    rows: Vec<Row<'a>>,
    tabs: Vec<(String, &'static str, bool)>,
    stages: [(Stage, &'static str); 4],
    posts: String,
    fresh: String,
}

impl TemplatesPage<'_> {
    fn v(&self, name: &str) -> &str {
        self.input.draft.get(name)
    }

    /// Whether the form is about a text that is there.
    fn is_change(&self) -> bool {
        !self.v("id").is_empty() || !self.v("ready").is_empty()
    }
}

/// The fields of a text that is there.
pub fn draft_of(text: &Text, lang: Lang) -> Draft {
    let mut draft = Draft::default();
    draft.set("language", lang.as_str());
    draft.set("id", text.id.map(|id| id.to_string()).unwrap_or_default());
    draft.set("ready", if text.is_ready { text.key.as_str() } else { "" });
    draft.set("name", text.name.as_str());
    draft.set("stage", text.stage.map_or("", Stage::as_str));
    draft.set("text", text.text.as_str());
    draft
}

/// Renders the page.
pub fn render(input: &TemplatesInput, shell: &Shell) -> String {
    let at = |lang: Lang, key: &str| {
        let mut pairs = vec![("language", lang.as_str())];
        pairs.extend([("slug", input.slug.as_str()), ("key", key)].into_iter().filter(|(_, value)| !value.is_empty()));
        links::with(links::UPTIME_STATUS_TEMPLATES, &pairs)
    };
    let open = |text: &Text| {
        let (id, ready) = (input.draft.get("id"), input.draft.get("ready"));
        text.id.is_some_and(|known| known.to_string() == id) || (text.is_ready && text.key == ready)
    };
    let row = |of| Row {
        of,
        stage: of.stage.map_or(key("Any stage"), words::stage),
        edit: format!("{}#form", at(input.lang, &of.key)),
        is_open: open(of),
    };
    page::html(&TemplatesPage {
        said: match input.done.as_str() {
            "saved" => key("The template is saved."),
            "deleted" => key("The template is deleted."),
            "back" => key("The text is as it was built in."),
            _ => "",
        },
        rows: input.texts.iter().map(row).collect(),
        tabs: LANGUAGES.map(|(lang, name)| (at(lang, ""), name, lang == input.lang)).to_vec(),
        stages: Stage::ALL.map(|stage| (stage, words::stage(stage))),
        posts: if input.slug.is_empty() { String::new() } else { links::with(links::UPTIME_STATUS_POSTS, &[("slug", &input.slug)]) },
        fresh: format!("{}#form", at(input.lang, "")),
        shell,
        input,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::uptime::pages::sample::{self, HOSTILE};
    use crate::uptime::status::template::READY_KEYS;

    fn template(id: i64, ready: Option<&str>, text: &str) -> Template {
        let (language, name) = ("en".to_owned(), format!("Own {id}"));
        Template { id, language, ready: ready.map(str::to_owned), name, stage: Some(Stage::Monitoring), text: text.to_owned() }
    }

    #[test]
    fn what_somebody_wrote_stands_in_place_of_what_is_built_in() {
        let ready = texts(&[], Lang::En);
        assert_eq!(READY.map(|ready| ready.key), READY_KEYS);
        assert!(Stage::ALL.into_iter().all(|stage| !usual(&ready, stage).is_empty()));
        let all = [template(5, Some("monitoring"), "Mended."), template(6, None, "More.")];
        let mixed = texts(&all, Lang::En);
        assert_eq!((mixed.len(), usual(&mixed, Stage::Monitoring)), (READY.len() + 1, "Mended."));
        assert_eq!(mixed.last().map(|text| (text.key.as_str(), text.is_ready)), Some(("6", false)));
        assert_eq!(usual(&texts(&all, Lang::Ar), Stage::Resolved), Lang::Ar.t("It works again. Sorry for the trouble."));
        let groups = by_stage(&mixed);
        assert_eq!((groups.len(), groups.iter().map(|(_, texts)| texts.len()).sum::<usize>()), (5, mixed.len()));
    }

    #[test]
    fn forms_give_back_what_was_read_from_them() {
        let all = [template(5, Some("monitoring"), "Mended."), template(6, None, "More.")];
        let texts = texts(&all, Lang::En);
        for one in &all {
            let text = texts.iter().find(|text| text.id == Some(one.id)).unwrap();
            assert_eq!(read(&draft_of(text, Lang::En)), *one);
        }
    }

    #[test]
    fn hostile_values_are_text() {
        let texts = texts(&[template(7, None, HOSTILE)], Lang::En);
        let draft = draft_of(&texts[texts.len() - 1], Lang::En);
        let [slug, done, problem] = [HOSTILE; 3].map(str::to_owned);
        let input = TemplatesInput { lang: Lang::En, texts, draft, slug, done, problem };
        sample::check(&render(&input, &shell(Page::Uptime, "x", links::UPTIME_STATUS_TEMPLATES, "")));
    }
}
