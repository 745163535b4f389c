//! What forms tell on status pages, keep as drafts, and change of what was told. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::PageState;
use super::forms::{status_of, words_of};
use super::lists::{LOST, names_of, show_list, show_posts, show_templates, texts_of};
use crate::access::Change;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::posts::{Aim, draft_of};
use crate::uptime::pages::status::templates;
use crate::uptime::status::keeper::{KeepError, Known};
use crate::uptime::status::post::{NewPost, Post, PostDraft, Severity, Stage, Update};
use crate::uptime::status::template::Template;

type Done = Result<(&'static str, Change), KeepError>;

/// `POST /uptime/status-pages/posts`: `slug`, and `do`: `tell` (a post: `title`, `severity`, `stage`, `check`, `text`, `words`,
/// and `draft` where it was one), `keep` (the same as a draft), `publish` or `discard` (a `draft` as it is kept), `more` (an
/// update of `post`: `stage`, `text`, `words`), `edit` or `unsay` (an `update` of `post`), `forget` (`post`), `fill` (puts
/// the text that was chosen into the form).
pub(super) async fn posts(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut form = Draft::from_form(&body);
    let slug = form.get("slug").to_owned();
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    if form.get("do") == "fill" {
        fill(&state, &known, &mut form);
        return show_posts(&state, asked, slug, form, (StatusCode::OK, String::new())).await;
    }
    match done(&state, &asked, &known, &form).await {
        Ok((word, change)) => {
            let to = links::with(links::UPTIME_STATUS_POSTS, &[("slug", &slug), ("done", word)]);
            Ok(change.in_answer(Redirect::to(&to).into_response()))
        }
        Err(error) => {
            // What cannot be published yet is finished in the form.
            let draft = draft(&state, &known, &form).filter(|_| form.get("do") == "publish");
            let form = draft.map_or(form, |draft| draft_of(&draft, &names_of(&state, &draft.checks)));
            show_posts(&state, asked, slug, form, (status_of(&error), words_of(&error))).await
        }
    }
}

async fn done(state: &PageState, asked: &Asked, known: &Known, form: &Draft) -> Done {
    let number = |name: &str| form.get(name).parse::<i64>().ok();
    let post = number("post").and_then(|id| state.keeper.post(id)).filter(|post| post.page == known.id);
    let update = || post.as_ref().and_then(|post| post.updates.iter().find(|known| Some(known.id) == number("update")));
    match (form.get("do"), &post) {
        ("tell", _) => tell(state, asked, known, form).await,
        ("keep", _) => keep(state, asked, known, form).await,
        ("publish", _) => publish(state, asked, known, form).await,
        ("discard", _) => discard(state, known, form).await,
        ("more", Some(post)) => more(state, asked, known, post, form).await,
        ("edit", Some(post)) => edit(state, known, post, update().ok_or(KeepError::Unknown)?, form).await,
        ("unsay", Some(post)) => unsay(state, known, post, update().ok_or(KeepError::Unknown)?).await,
        ("forget", Some(post)) => forget(state, known, post).await,
        _ => Err(KeepError::Unknown),
    }
}

/// Puts the text that was chosen into the form, and its stage, where it has one.
fn fill(state: &PageState, known: &Known, form: &mut Draft) {
    let texts = texts_of(state, &known.page);
    let stage = Stage::parse(form.get("stage")).unwrap_or(Stage::Investigating);
    let chosen = texts.iter().find(|text| text.key == form.get("words"));
    let text = chosen.map_or_else(|| templates::usual(&texts, stage), |chosen| &chosen.text).to_owned();
    form.set("text", text);
    form.set("stage", chosen.and_then(|chosen| chosen.stage).unwrap_or(stage).as_str());
}

fn stage_of(form: &Draft) -> Result<Stage, KeepError> {
    Stage::parse(form.get("stage")).ok_or_else(|| KeepError::Field("stage", "an update says how far you are".to_owned()))
}

/// What was written, or what was chosen, or the usual words of the stage; both in the language of the page.
fn text_of(state: &PageState, known: &Known, form: &Draft, stage: Stage) -> String {
    let texts = texts_of(state, &known.page);
    let chosen = || texts.iter().find(|text| text.key == form.get("words")).map(|text| text.text.clone());
    match form.get("text") {
        "" => chosen().unwrap_or_else(|| templates::usual(&texts, stage).to_owned()),
        text => text.to_owned(),
    }
}

fn draft(state: &PageState, known: &Known, form: &Draft) -> Option<PostDraft> {
    let Aim::Draft(id) = Aim::read(form) else { return None };
    state.keeper.drafts(known.id).into_iter().find(|draft| draft.id == id)
}

/// The post in the form.
fn written(form: &Draft, text: String) -> Result<NewPost, KeepError> {
    let severity = Severity::parse(form.get("severity"));
    let severity = severity.ok_or_else(|| KeepError::Field("severity", "a post says how bad it is".to_owned()))?;
    let checks = form.all("check").map(str::to_owned).collect();
    Ok(NewPost { title: form.get("title").to_owned(), severity, checks, stage: stage_of(form)?, text })
}

fn told(new: &NewPost) -> Json {
    json!({ "title": new.title, "severity": new.severity.as_str(), "stage": new.stage.as_str(), "checks": new.checks, "text": new.text })
}

fn said(update: &Update) -> Json {
    json!({ "stage": update.stage.as_str(), "text": update.text })
}

async fn tell(state: &PageState, asked: &Asked, known: &Known, form: &Draft) -> Done {
    let new = written(form, text_of(state, known, form, stage_of(form)?))?;
    let draft = draft(state, known, form);
    if draft.is_none() && !form.get("draft").is_empty() {
        // Somebody else told it, or deleted it, in between.
        return Err(KeepError::Unknown);
    }
    tell_it(state, asked, known, draft, new).await
}

async fn publish(state: &PageState, asked: &Asked, known: &Known, form: &Draft) -> Done {
    let draft = draft(state, known, form).ok_or(KeepError::Unknown)?;
    let checks = names_of(state, &draft.checks);
    let mut as_kept = draft_of(&draft, &checks);
    as_kept.set("words", "");
    let new = written(&as_kept, text_of(state, known, &as_kept, draft.stage))?;
    tell_it(state, asked, known, Some(draft), new).await
}

async fn tell_it(state: &PageState, asked: &Asked, known: &Known, draft: Option<PostDraft>, new: NewPost) -> Done {
    let (after, by) = (told(&new), asked.caller.actor());
    let id = match &draft {
        Some(draft) => state.keeper.tell_draft(draft, new, &by).await?,
        None => state.keeper.tell(known.id, new, &by).await?,
    };
    Ok(("told", Change::new("status_pages.tell", format!("{}/{id}", known.page.slug)).after(after)))
}

async fn keep(state: &PageState, asked: &Asked, known: &Known, form: &Draft) -> Done {
    let stage = stage_of(form)?;
    // What was chosen is kept; what is usual is put in where it is told.
    let text = if form.get("words").is_empty() { form.get("text").to_owned() } else { text_of(state, known, form, stage) };
    let new = written(form, text)?;
    let after = told(&new);
    let id = match Aim::read(form) {
        Aim::Draft(id) => Some(id),
        _ => None,
    };
    let id = state.keeper.put_draft(known.id, id, new, &asked.caller.actor()).await?;
    Ok(("kept", Change::new("status_pages.draft", format!("{}/{id}", known.page.slug)).after(after)))
}

async fn discard(state: &PageState, known: &Known, form: &Draft) -> Done {
    let draft = draft(state, known, form).ok_or(KeepError::Unknown)?;
    state.keeper.forget_draft(known.id, draft.id).await?;
    let before = json!({ "title": draft.title, "text": draft.text });
    Ok(("discarded", Change::new("status_pages.discard", format!("{}/{}", known.page.slug, draft.id)).before(before)))
}

async fn more(state: &PageState, asked: &Asked, known: &Known, post: &Post, form: &Draft) -> Done {
    let stage = stage_of(form)?;
    let text = text_of(state, known, form, stage);
    state.keeper.tell_more(post.id, stage, &text, &asked.caller.actor()).await?;
    let after = json!({ "stage": stage.as_str(), "text": text });
    Ok(("updated", Change::new("status_pages.update", format!("{}/{}", known.page.slug, post.id)).after(after)))
}

async fn edit(state: &PageState, known: &Known, post: &Post, update: &Update, form: &Draft) -> Done {
    let (stage, text) = (stage_of(form)?, form.get("text"));
    state.keeper.edit_update(post.id, update.id, stage, text).await?;
    let change = Change::new("status_pages.edit", format!("{}/{}/{}", known.page.slug, post.id, update.id)).before(said(update));
    Ok(("edited", change.after(json!({ "stage": stage.as_str(), "text": text }))))
}

async fn unsay(state: &PageState, known: &Known, post: &Post, update: &Update) -> Done {
    state.keeper.forget_update(post.id, update.id).await?;
    let change = Change::new("status_pages.unsay", format!("{}/{}/{}", known.page.slug, post.id, update.id));
    Ok(("unsaid", change.before(said(update))))
}

async fn forget(state: &PageState, known: &Known, post: &Post) -> Done {
    state.keeper.forget_post(post.id).await?;
    let before = json!({ "title": post.title, "severity": post.severity.as_str() });
    Ok(("forgotten", Change::new("status_pages.forget", format!("{}/{}", known.page.slug, post.id)).before(before)))
}

fn shown(template: &Template) -> Json {
    json!({ "language": template.language, "name": template.name, "stage": template.stage.map_or("", Stage::as_str), "text": template.text })
}

/// `POST /uptime/status-pages/templates`: `do`: `save` (`id` or `ready` of one that is changed, `language`, `name`, `stage`,
/// `text`) or `delete` (`id`); `slug` of the page they came from.
pub(super) async fn templates(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Draft::from_form(&body);
    let template = templates::read(&form);
    let (lang, slug) = (Lang::parse(&template.language).unwrap_or_default(), form.get("slug").to_owned());
    let before = state.keeper.templates().into_iter().find(|known| known.id == template.id);
    let done = match form.get("do") {
        "save" => {
            let was = before.as_ref().map(shown);
            let change = Change::new("status_pages.template", &template.name).before(was).after(shown(&template));
            state.keeper.put_template(template).await.map(|_| ("saved", change))
        }
        "delete" => {
            let name = before.as_ref().map_or("", |known| known.name.as_str());
            let change = Change::new("status_pages.template_delete", name).before(before.as_ref().map(shown));
            let word = if before.as_ref().is_some_and(|known| known.ready.is_some()) { "back" } else { "deleted" };
            state.keeper.forget_template(template.id).await.map(|()| (word, change))
        }
        _ => Err(KeepError::Unknown),
    };
    match done {
        Ok((word, change)) => {
            let pairs = [("language", lang.as_str()), ("slug", slug.as_str()), ("done", word)];
            let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_STATUS_TEMPLATES, &pairs)).into_response()))
        }
        Err(error) => show_templates(&state, asked, (lang, slug), form, (status_of(&error), words_of(&error))).await,
    }
}
