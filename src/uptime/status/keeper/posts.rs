//! What people tell on the pages that are kept: posts and their updates, drafts that only editors see, texts to choose from.

use super::{KeepError, Keeper, Kept};
use crate::uptime::status::post::{DRAFTS_MAX, NewPost, POSTS_MAX, Post, PostDraft, Severity, Stage, UPDATES_MAX, Update, vet_text};
use crate::uptime::status::template::{TEMPLATES_MAX, Template};
use crate::uptime::store::{StoredDraft, StoredPost, StoredTemplate, StoredUpdate};

/// Who made what nobody made.
pub(super) const SERVER: &str = "pharos";

fn wrong((field, why): (&'static str, String)) -> KeepError {
    KeepError::Field(field, why)
}

impl Keeper {
    fn numbers(&self, names: &[String]) -> Result<Vec<i64>, KeepError> {
        let mut checks = names.iter().map(|name| self.number(name)).collect::<Result<Vec<i64>, _>>()?;
        checks.sort_unstable();
        checks.dedup();
        Ok(checks)
    }

    /// Tells something on a page. Gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn tell(&self, page: i64, new: NewPost, made_by: &str) -> Result<i64, KeepError> {
        self.tell_instead(page, None, new, made_by).await
    }

    /// Tells what was a draft until now, as it is written here. Gives the number of the post. A draft is told once.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn tell_draft(&self, draft: &PostDraft, new: NewPost, made_by: &str) -> Result<i64, KeepError> {
        self.tell_instead(draft.page, Some(draft.id), new, made_by).await
    }

    async fn tell_instead(&self, page: i64, draft: Option<i64>, new: NewPost, made_by: &str) -> Result<i64, KeepError> {
        new.vet().map_err(wrong)?;
        let checks = self.numbers(&new.checks)?;
        let now = self.clock.now_ms();
        let (title, severity) = (new.title.trim().to_owned(), new.severity);
        let update = said(now, new.stage, &new.text, made_by);
        let post =
            Post { id: 0, page, title, severity, checks, of: None, made_at: now, made_by: made_by.to_owned(), updates: vec![update] };
        let id = self.add(post, draft).await?;
        self.changed().await;
        Ok(id)
    }

    pub(super) async fn add(&self, mut post: Post, draft: Option<i64>) -> Result<i64, KeepError> {
        let _one_at_a_time = self.changing.lock().await;
        let old = {
            let kept = self.kept.lock();
            if !kept.pages.contains_key(&post.page) || draft.is_some_and(|draft| !kept.drafts.contains_key(&draft)) {
                return Err(KeepError::Unknown);
            }
            too_old(&kept, post.page)?
        };
        if !old.is_empty() {
            self.store.delete_posts(old.clone()).await?;
            self.kept.lock().posts.retain(|id, _| !old.contains(id));
        }
        let (id, updates) = self.store.add_post(stored(&post), draft).await?;
        post.id = id;
        post.updates.iter_mut().zip(updates).for_each(|(update, id)| update.id = id);
        let mut kept = self.kept.lock();
        kept.posts.insert(id, post);
        if let Some(draft) = draft {
            kept.drafts.remove(&draft);
        }
        Ok(id)
    }

    /// Tells more of a post.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn tell_more(&self, post: i64, stage: Stage, text: &str, made_by: &str) -> Result<(), KeepError> {
        vet_text(text).map_err(wrong)?;
        self.add_update(post, said(self.clock.now_ms(), stage, text, made_by)).await?;
        self.changed().await;
        Ok(())
    }

    pub(super) async fn add_update(&self, post: i64, mut update: Update) -> Result<(), KeepError> {
        let _one_at_a_time = self.changing.lock().await;
        let count = self.kept.lock().posts.get(&post).map(|post| post.updates.len()).ok_or(KeepError::Unknown)?;
        if count >= UPDATES_MAX {
            return Err(KeepError::Full(UPDATES_MAX));
        }
        update.id = self.store.add_update(post, stored_update(&update)).await?;
        if let Some(post) = self.kept.lock().posts.get_mut(&post) {
            post.updates.push(update);
        }
        Ok(())
    }

    /// Puts an update of a post in other words. Nobody is told of it again.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn edit_update(&self, post: i64, update: i64, stage: Stage, text: &str) -> Result<(), KeepError> {
        vet_text(text).map_err(wrong)?;
        let one_at_a_time = self.changing.lock().await;
        let before = self.post(post).and_then(|post| post.updates.into_iter().find(|known| known.id == update));
        let before = before.ok_or(KeepError::Unknown)?;
        let now = Update { stage, text: text.trim().to_owned(), edited_at: Some(self.clock.now_ms()), ..before.clone() };
        if (now.stage, &now.text) != (before.stage, &before.text) {
            self.store.edit_update(stored_update(&now)).await?;
            if let Some(post) = self.kept.lock().posts.get_mut(&post) {
                post.updates.iter_mut().filter(|known| known.id == update).for_each(|known| known.clone_from(&now));
            }
        }
        drop(one_at_a_time);
        self.changed().await;
        Ok(())
    }

    /// Takes an update of a post back.
    ///
    /// # Errors
    /// It is not there, or the only one, or the database's.
    pub async fn forget_update(&self, post: i64, update: i64) -> Result<(), KeepError> {
        let one_at_a_time = self.changing.lock().await;
        let before = self.post(post).filter(|post| post.updates.iter().any(|known| known.id == update)).ok_or(KeepError::Unknown)?;
        if before.updates.len() == 1 {
            return Err(KeepError::Field("update", "a post says something: delete the post instead of its only update".to_owned()));
        }
        self.store.delete_update(update).await?;
        if let Some(post) = self.kept.lock().posts.get_mut(&post) {
            post.updates.retain(|known| known.id != update);
        }
        drop(one_at_a_time);
        self.changed().await;
        Ok(())
    }

    /// Forgets a post.
    ///
    /// # Errors
    /// It is not there, or the database's.
    pub async fn forget_post(&self, id: i64) -> Result<(), KeepError> {
        let one_at_a_time = self.changing.lock().await;
        if !self.kept.lock().posts.contains_key(&id) {
            return Err(KeepError::Unknown);
        }
        self.store.delete_posts(vec![id]).await?;
        self.kept.lock().posts.remove(&id);
        drop(one_at_a_time);
        self.changed().await;
        Ok(())
    }

    /// Drafts of a page, the newest first.
    pub fn drafts(&self, page: i64) -> Vec<PostDraft> {
        self.kept.lock().drafts.values().rev().filter(|draft| draft.page == page).cloned().collect()
    }

    /// Keeps a draft, a new one or instead of one that is there. Gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put_draft(&self, page: i64, id: Option<i64>, new: NewPost, changed_by: &str) -> Result<i64, KeepError> {
        new.vet_lengths().map_err(wrong)?;
        let checks = self.numbers(&new.checks)?;
        let _one_at_a_time = self.changing.lock().await;
        {
            let kept = self.kept.lock();
            let is_known = id.is_none_or(|id| kept.drafts.get(&id).is_some_and(|draft| draft.page == page));
            if !kept.pages.contains_key(&page) || !is_known {
                return Err(KeepError::Unknown);
            }
            if id.is_none() && kept.drafts.values().filter(|draft| draft.page == page).count() >= DRAFTS_MAX {
                return Err(KeepError::Full(DRAFTS_MAX));
            }
        }
        let NewPost { title, severity, stage, text, .. } = new;
        let [title, text] = [title, text].map(|text| text.trim().to_owned());
        let (changed_at, changed_by) = (self.clock.now_ms(), changed_by.to_owned());
        let mut draft = PostDraft { id: id.unwrap_or(0), page, title, severity, checks, stage, text, changed_at, changed_by };
        draft.id = self.store.put_draft(stored_draft(&draft)).await?;
        let id = draft.id;
        self.kept.lock().drafts.insert(id, draft);
        Ok(id)
    }

    /// Forgets a draft of a page.
    ///
    /// # Errors
    /// It is not there, or the database's.
    pub async fn forget_draft(&self, page: i64, id: i64) -> Result<(), KeepError> {
        let _one_at_a_time = self.changing.lock().await;
        if self.kept.lock().drafts.get(&id).is_none_or(|draft| draft.page != page) {
            return Err(KeepError::Unknown);
        }
        self.store.delete_draft(id).await?;
        self.kept.lock().drafts.remove(&id);
        Ok(())
    }

    /// Every text to choose from that somebody wrote, in order of making.
    pub fn templates(&self) -> Vec<Template> {
        self.kept.lock().templates.values().cloned().collect()
    }

    /// Keeps a text to choose from, a new one or instead of the one of its number. Gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put_template(&self, mut template: Template) -> Result<i64, KeepError> {
        template.vet().map_err(wrong)?;
        let _one_at_a_time = self.changing.lock().await;
        {
            let kept = self.kept.lock();
            if template.id != 0 {
                let before = kept.templates.get(&template.id).ok_or(KeepError::Unknown)?;
                (template.language, template.ready) = (before.language.clone(), before.ready.clone());
            } else if kept.templates.len() >= TEMPLATES_MAX {
                return Err(KeepError::Full(TEMPLATES_MAX));
            }
        }
        let taken = || KeepError::Field("name", format!("there is a text {} already", crate::base::quote::quote(&template.name)));
        let id = self.store.put_template(stored_template(&template)).await?.ok_or_else(taken)?;
        template.id = id;
        self.kept.lock().templates.insert(id, template);
        Ok(id)
    }

    /// Forgets a text to choose from; where it stood in place of a built-in one, that is back.
    ///
    /// # Errors
    /// It is not there, or the database's.
    pub async fn forget_template(&self, id: i64) -> Result<(), KeepError> {
        let _one_at_a_time = self.changing.lock().await;
        if !self.kept.lock().templates.contains_key(&id) {
            return Err(KeepError::Unknown);
        }
        self.store.delete_template(id).await?;
        self.kept.lock().templates.remove(&id);
        Ok(())
    }
}

/// Solved posts of a page that make room for one more.
fn too_old(kept: &Kept, page: i64) -> Result<Vec<i64>, KeepError> {
    let of_page: Vec<&Post> = kept.posts.values().filter(|known| known.page == page).collect();
    let too_many = (of_page.len() + 1).saturating_sub(POSTS_MAX);
    let old: Vec<i64> = of_page.iter().filter(|known| known.resolved_at().is_some()).take(too_many).map(|known| known.id).collect();
    if old.len() < too_many { Err(KeepError::Full(POSTS_MAX)) } else { Ok(old) }
}

fn said(at: i64, stage: Stage, text: &str, made_by: &str) -> Update {
    Update { id: 0, at, stage, text: text.trim().to_owned(), made_by: made_by.to_owned(), edited_at: None }
}

/// What the server tells by itself; the page says it in its language.
pub(super) fn own_update(at: i64, stage: Stage) -> Update {
    said(at, stage, "", SERVER)
}

fn stored_update(update: &Update) -> StoredUpdate {
    let Update { id, at, stage, text, made_by, edited_at } = update.clone();
    StoredUpdate { id, at, stage: stage.as_str().to_owned(), text, made_by, edited_at }
}

fn stored(post: &Post) -> StoredPost {
    let Post { id, page, title, severity, checks, of, made_at, made_by, updates } = post.clone();
    let updates = updates.iter().map(stored_update).collect();
    StoredPost { id, page, title, severity: severity.as_str().to_owned(), checks, of, made_at, made_by, updates }
}

/// None where it is in words that nobody knows.
pub(super) fn post_of(stored: StoredPost) -> Option<Post> {
    let StoredPost { id, page, title, severity, checks, of, made_at, made_by, updates } = stored;
    let update = |StoredUpdate { id, at, stage, text, made_by, edited_at }| {
        Some(Update { id, at, stage: Stage::parse(&stage)?, text, made_by, edited_at })
    };
    let updates = updates.into_iter().filter_map(update).collect();
    Some(Post { id, page, title, severity: Severity::parse(&severity)?, checks, of, made_at, made_by, updates })
}

fn stored_draft(draft: &PostDraft) -> StoredDraft {
    let PostDraft { id, page, title, severity, checks, stage, text, changed_at, changed_by } = draft.clone();
    let (severity, stage) = (severity.as_str().to_owned(), stage.as_str().to_owned());
    StoredDraft { id, page, title, severity, checks, stage, text, changed_at, changed_by }
}

/// None where it is in words that nobody knows.
pub(super) fn draft_of(stored: StoredDraft) -> Option<PostDraft> {
    let StoredDraft { id, page, title, severity, checks, stage, text, changed_at, changed_by } = stored;
    let (severity, stage) = (Severity::parse(&severity)?, Stage::parse(&stage)?);
    Some(PostDraft { id, page, title, severity, checks, stage, text, changed_at, changed_by })
}

fn stored_template(template: &Template) -> StoredTemplate {
    let Template { id, language, ready, name, stage, text } = template.clone();
    StoredTemplate { id, language, ready, name, stage: stage.map_or("", Stage::as_str).to_owned(), text }
}

pub(super) fn template_of(stored: StoredTemplate) -> Template {
    let StoredTemplate { id, language, ready, name, stage, text } = stored;
    Template { id, language, ready, name, stage: Stage::parse(&stage), text }
}
