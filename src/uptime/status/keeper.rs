//! Keeps status pages, what is told on them, and their bytes as they are now.
//!
//! Whoever reads a page gets bytes that lie ready: neither the database nor a template is asked. They are drawn again when
//! something is changed by people, soon after a state turned, and once a minute for the figures.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::copies::Copies;
use super::logo::Logo;
use super::page::{PAGES_MAX, StatusPage, read_one};
use super::picture::{ENTRIES_MAX, OUTAGES_MAX, PAST_DAYS, Picture, Seen, days, shown_checks};
use super::post::{NewPost, POSTS_MAX, Post, Severity, Stage, UPDATES_MAX, Update, vet_text};
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::db::DbError;
use crate::uptime::model::track::State;
use crate::uptime::model::window::Window;
use crate::uptime::store::{Store, StoredPage, StoredPost, StoredUpdate};
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::View;

/// How often it is looked whether a state turned.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// How long a page stays as it is at least, unless people change it.
const DRAWN_AGAIN_MS: i64 = 5_000;
/// How long a page stays as it is at most.
const DRAWN_ANYWAY_MS: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// Who made what nobody made.
const SERVER: &str = "pharos";

/// A page as text, in each of its forms.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// For people.
    pub html: String,
    /// For feed readers, as Atom.
    pub atom: String,
    /// For feed readers, as RSS.
    pub rss: String,
    /// For programs.
    pub json: String,
    /// For calendars.
    pub calendar: String,
}

/// Draws pages.
pub trait Draw: Send + Sync {
    /// A page as text.
    fn draw(&self, picture: &Picture) -> Drawn;
}

/// A page that lies ready.
#[derive(Debug)]
pub struct Ready {
    /// What it shows.
    pub picture: Picture,
    /// For people.
    pub html: Copies,
    /// For feed readers, as Atom.
    pub atom: Copies,
    /// For feed readers, as RSS.
    pub rss: Copies,
    /// For programs.
    pub json: Copies,
    /// For calendars.
    pub calendar: Copies,
    mark: u64,
    version: u64,
}

/// A page that is kept.
#[derive(Debug, Clone)]
pub struct Known {
    /// Names it.
    pub id: i64,
    /// The page, its checks by number.
    pub page: Arc<StatusPage>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
}

/// Why something was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Diagnostic>),
    /// A field of a post is wrong.
    #[error("{1}")]
    Field(&'static str, String),
    /// It names a check that nobody knows.
    #[error("there is no check {}", crate::base::quote::quote(.0))]
    NoCheck(String),
    /// Another page has this place.
    #[error("there is a status page {} already", crate::base::quote::quote(.0))]
    Taken(String),
    /// There are as many as may be.
    #[error("there are {0} of them already, more are not kept")]
    Full(usize),
    /// It is not there.
    #[error("there is no such status page or post")]
    Unknown,
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(Default)]
struct Kept {
    pages: BTreeMap<i64, Known>,
    posts: BTreeMap<i64, Post>,
    logos: BTreeMap<i64, Arc<Logo>>,
}

/// The keeper.
pub struct Keeper {
    store: Store,
    desk: Arc<Desk>,
    clock: SharedClock,
    draw: Arc<dyn Draw>,
    kept: Mutex<Kept>,
    ready: ArcSwap<HashMap<String, Arc<Ready>>>,
    /// Counts what people change.
    version: AtomicU64,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    /// Drawn by one at a time.
    drawing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl Keeper {
    /// Keeps what is stored. One that cannot be read is left out, and said. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(store: Store, desk: Arc<Desk>, clock: SharedClock, draw: Arc<dyn Draw>) -> Result<Arc<Self>, DbError> {
        let mut kept = Kept::default();
        for StoredPage { id, slug, definition, made_at, changed_at } in store.pages()? {
            match read_one(&definition) {
                Ok(page) => {
                    kept.pages.insert(id, Known { id, page: Arc::new(page), made_at, changed_at });
                }
                Err(why) => tracing::error!(slug, why = %KeepError::Wrong(why), "a stored status page cannot be read, and is not shown"),
            }
        }
        kept.posts.extend(store.posts()?.into_iter().filter_map(|stored| Some((stored.id, post_of(stored)?))));
        for (page, bytes) in store.logos()? {
            match Logo::read(bytes) {
                Ok(logo) => drop(kept.logos.insert(page, Arc::new(logo))),
                Err(why) => tracing::error!(page, %why, "the stored logo of a status page cannot be read, and is not shown"),
            }
        }
        Ok(Arc::new(Self {
            store,
            desk,
            clock,
            draw,
            kept: Mutex::new(kept),
            ready: ArcSwap::default(),
            version: AtomicU64::new(0),
            changing: tokio::sync::Mutex::default(),
            drawing: tokio::sync::Mutex::default(),
        }))
    }

    /// A page that everybody may see, as it lies ready.
    pub fn ready(&self, slug: &str) -> Option<Arc<Ready>> {
        self.ready.load().get(slug).cloned()
    }

    /// Every page that everybody may see, as it lies ready.
    pub fn all_ready(&self) -> Arc<HashMap<String, Arc<Ready>>> {
        self.ready.load_full()
    }

    /// Every page, in order of making.
    pub fn pages(&self) -> Vec<Known> {
        self.kept.lock().pages.values().cloned().collect()
    }

    /// The page of a slug.
    pub fn page(&self, slug: &str) -> Option<Known> {
        self.kept.lock().pages.values().find(|known| known.page.slug == slug).cloned()
    }

    /// A page as it is written, with the names of today and without the hash of its password; checks that are no more
    /// are left out.
    pub fn written(&self, known: &Known) -> StatusPage {
        let page = known.page.renamed(|number| Some(self.desk.view(number.parse().ok()?)?.check.name.clone()));
        StatusPage { password_hash: String::new(), ..page }
    }

    /// The checks that a page shows now.
    pub fn shown(&self, page: &StatusPage) -> Vec<i64> {
        let all: BTreeMap<i64, Seen> = self.desk.views().iter().map(|(id, view)| (*id, seen(view))).collect();
        shown_checks(page, &all)
    }

    /// Posts of a page, the newest first.
    pub fn posts(&self, page: i64) -> Vec<Post> {
        self.kept.lock().posts.values().rev().filter(|post| post.page == page).cloned().collect()
    }

    /// A post.
    pub fn post(&self, id: i64) -> Option<Post> {
        self.kept.lock().posts.get(&id).cloned()
    }

    fn number(&self, name: &str) -> Result<i64, KeepError> {
        self.desk.find(name).ok_or_else(|| KeepError::NoCheck(name.to_owned()))
    }

    /// A page with its checks by number.
    fn numbered(&self, page: &StatusPage) -> Result<StatusPage, KeepError> {
        page.checks().try_for_each(|name| self.number(name).map(drop))?;
        Ok(page.renamed(|name| self.desk.find(name).map(|id| id.to_string())))
    }

    /// Makes a page of a text in YAML or JSON, or changes one. Gives its number. `hash` is that of the password in the
    /// text, if there is one; without one, a page that stays protected keeps its password.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(&self, id: Option<i64>, text: &str, hash: Option<String>) -> Result<i64, KeepError> {
        let mut page = self.numbered(&read_one(text).map_err(KeepError::Wrong)?)?;
        let one_at_a_time = self.changing.lock().await;
        let before = id.map(|id| self.kept.lock().pages.get(&id).cloned().ok_or(KeepError::Unknown)).transpose()?;
        if before.is_none() && self.kept.lock().pages.len() >= PAGES_MAX {
            return Err(KeepError::Full(PAGES_MAX));
        }
        // Only this server's own hashes are ever computed again: one from outside could ask for any amount of memory.
        let kept = before.as_ref().map(|before| before.page.password_hash.clone()).filter(|_| page.protected);
        page.password_hash = hash.or(kept).unwrap_or_default();
        if page.protected && page.password_hash.is_empty() {
            return Err(KeepError::Field("password", "a page that is protected has a password".to_owned()));
        }
        page.protected = !page.password_hash.is_empty();
        page.password = String::new();
        let now = self.clock.now_ms();
        let made_at = before.map_or(now, |before| before.made_at);
        let stored = StoredPage { id: id.unwrap_or(0), slug: page.slug.clone(), definition: page.text(), made_at, changed_at: now };
        let id = self.store.put_page(stored).await?.ok_or_else(|| KeepError::Taken(page.slug.clone()))?;
        self.kept.lock().pages.insert(id, Known { id, page: Arc::new(page), made_at, changed_at: now });
        drop(one_at_a_time);
        self.changed().await;
        Ok(id)
    }

    /// Forgets a page and everything on it.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete(&self, id: i64) -> Result<(), KeepError> {
        let one_at_a_time = self.changing.lock().await;
        self.store.delete_page(id).await?;
        {
            let mut kept = self.kept.lock();
            kept.pages.remove(&id);
            kept.logos.remove(&id);
            kept.posts.retain(|_, post| post.page != id);
        }
        drop(one_at_a_time);
        self.changed().await;
        Ok(())
    }

    /// The logo of a page.
    pub fn logo(&self, page: i64) -> Option<Arc<Logo>> {
        self.kept.lock().logos.get(&page).cloned()
    }

    /// Gives a page a logo, or takes it away.
    ///
    /// # Errors
    /// The page is not there, or the database's.
    pub async fn put_logo(&self, page: i64, logo: Option<Logo>) -> Result<(), KeepError> {
        let one_at_a_time = self.changing.lock().await;
        if !self.kept.lock().pages.contains_key(&page) {
            return Err(KeepError::Unknown);
        }
        self.store.put_logo(page, logo.as_ref().map(|logo| logo.bytes.to_vec())).await?;
        {
            let mut kept = self.kept.lock();
            match logo {
                Some(logo) => drop(kept.logos.insert(page, Arc::new(logo))),
                None => drop(kept.logos.remove(&page)),
            }
        }
        drop(one_at_a_time);
        self.changed().await;
        Ok(())
    }

    fn logo_tag(&self, page: Option<i64>) -> String {
        page.and_then(|page| self.logo(page)).map(|logo| logo.tag.clone()).unwrap_or_default()
    }

    /// Tells something on a page. Gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn tell(&self, page: i64, new: NewPost, made_by: &str) -> Result<i64, KeepError> {
        new.vet().map_err(|(field, why)| KeepError::Field(field, why))?;
        let mut checks = new.checks.iter().map(|name| self.number(name)).collect::<Result<Vec<i64>, _>>()?;
        checks.sort_unstable();
        checks.dedup();
        let now = self.clock.now_ms();
        let (title, severity) = (new.title.trim().to_owned(), new.severity);
        let update = Update { id: 0, at: now, stage: new.stage, text: new.text.trim().to_owned(), made_by: made_by.to_owned() };
        let post =
            Post { id: 0, page, title, severity, checks, of: None, made_at: now, made_by: made_by.to_owned(), updates: vec![update] };
        let id = self.add(post).await?;
        self.changed().await;
        Ok(id)
    }

    async fn add(&self, mut post: Post) -> Result<i64, KeepError> {
        let _one_at_a_time = self.changing.lock().await;
        let old = {
            let kept = self.kept.lock();
            if !kept.pages.contains_key(&post.page) {
                return Err(KeepError::Unknown);
            }
            let of_page: Vec<&Post> = kept.posts.values().filter(|known| known.page == post.page).collect();
            let too_many = (of_page.len() + 1).saturating_sub(POSTS_MAX);
            let old: Vec<i64> = of_page.iter().filter(|known| known.resolved_at().is_some()).take(too_many).map(|known| known.id).collect();
            if old.len() < too_many {
                return Err(KeepError::Full(POSTS_MAX));
            }
            old
        };
        if !old.is_empty() {
            self.store.delete_posts(old.clone()).await?;
            self.kept.lock().posts.retain(|id, _| !old.contains(id));
        }
        let (id, updates) = self.store.add_post(stored(&post)).await?;
        post.id = id;
        post.updates.iter_mut().zip(updates).for_each(|(update, id)| update.id = id);
        self.kept.lock().posts.insert(id, post);
        Ok(id)
    }

    /// Tells more of a post.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn tell_more(&self, post: i64, stage: Stage, text: &str, made_by: &str) -> Result<(), KeepError> {
        vet_text(text).map_err(|(field, why)| KeepError::Field(field, why))?;
        let update = Update { id: 0, at: self.clock.now_ms(), stage, text: text.trim().to_owned(), made_by: made_by.to_owned() };
        self.add_update(post, update).await?;
        self.changed().await;
        Ok(())
    }

    async fn add_update(&self, post: i64, mut update: Update) -> Result<(), KeepError> {
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

    /// How a page would look with what there is now, whether it is kept or not. Blocking.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look(&self, id: Option<i64>, text: &str) -> Result<Drawn, KeepError> {
        let page = Arc::new(self.numbered(&read_one(text).map_err(KeepError::Wrong)?)?);
        let posts = id.map(|id| self.posts(id)).unwrap_or_default();
        let picture = self.picture(&page, &posts, &self.desk.views())?;
        Ok(self.draw.draw(&Picture { logo: self.logo_tag(id), ..picture }))
    }

    /// What a page shows now. Blocking.
    fn picture(&self, page: &Arc<StatusPage>, posts: &[Post], views: &BTreeMap<i64, View>) -> Result<Picture, DbError> {
        let now = self.clock.now_ms();
        let windows: Vec<Window> = days(page.zone(), now).into_iter().map(|(_, window)| window).collect();
        let mut all: BTreeMap<i64, Seen> = views.iter().map(|(id, view)| (*id, seen(view))).collect();
        let shown = shown_checks(page, &all);
        for id in &shown {
            let Some(one) = all.get_mut(id) else { continue };
            one.is_maintained = self.desk.is_maintained(*id);
            one.days = self.desk.tallies(*id, &windows)?;
            let past = Window::new(now - (PAST_DAYS + 1) * DAY, now);
            one.outages = self.outages(*id, past, OUTAGES_MAX)?;
            if page.show_latency {
                one.latency = self.desk.figures(*id, Window::new(now - DAY, now))?.results.latencies.quantile(0.5);
            }
        }
        Ok(Picture::new(page, &all, posts, &self.desk.planned(), now))
    }

    /// What was within a window on a page, as its past; and whether there was anything before. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn within(&self, known: &Known, window: Window) -> Result<(Picture, bool), DbError> {
        let (now, posts) = (self.clock.now_ms(), self.posts(known.id));
        let mut all: BTreeMap<i64, Seen> = self.desk.views().iter().map(|(id, view)| (*id, seen(view))).collect();
        let mut is_more = posts.iter().any(|post| post.made_at < window.from);
        let limit = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX).saturating_add(1);
        for id in shown_checks(&known.page, &all) {
            let Some(one) = all.get_mut(&id) else { continue };
            one.outages = self.outages(id, window, limit)?;
            is_more = is_more || !self.desk.incidents(Some(id), Window::new(0, window.from), 1)?.is_empty();
        }
        Ok((Picture::of_window(&known.page, &all, &posts, window, now), is_more))
    }

    /// Counts what people change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// When a check was down, outside of maintenance.
    fn outages(&self, id: i64, past: Window, limit: i64) -> Result<Vec<(i64, Option<i64>)>, DbError> {
        let maintenance = self.desk.maintenance(id, past);
        let is_work = |from: i64, until: i64| maintenance.iter().any(|window| window.from <= from && until <= window.until);
        let found = self.desk.incidents(Some(id), past, limit)?.into_iter().map(|one| (one.incident.from, one.incident.until));
        Ok(found.filter(|(from, until)| !is_work(*from, until.unwrap_or(past.until))).collect())
    }

    async fn changed(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
        self.refresh().await;
    }

    /// Draws pages until it is told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.tell_by_itself().await {
                tracing::warn!(%error, "posts of checks that are down are not made");
            }
            self.refresh().await;
            tokio::select! {
                () = tokio::time::sleep(LOOKED_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Draws every page that is not as it should be.
    pub async fn refresh(&self) {
        let _one_at_a_time = self.drawing.lock().await;
        let (pages, posts): (Vec<Known>, Vec<Post>) = {
            let kept = self.kept.lock();
            (kept.pages.values().filter(|known| known.page.published).cloned().collect(), kept.posts.values().cloned().collect())
        };
        let before = self.ready.load_full();
        if pages.is_empty() && before.is_empty() {
            return;
        }
        let (views, version, now) = (self.desk.views(), self.version.load(Ordering::Relaxed), self.clock.now_ms());
        let mut ready = HashMap::with_capacity(pages.len());
        for known in pages {
            let mark = self.mark(&known.page, &views);
            let old = before.get(&known.page.slug);
            let is_fresh = |old: &&Arc<Ready>| {
                let age = now - old.picture.at;
                old.version == version && (0..DRAWN_ANYWAY_MS).contains(&age) && (old.mark == mark || age < DRAWN_AGAIN_MS)
            };
            if let Some(old) = old.filter(is_fresh) {
                ready.insert(known.page.slug.clone(), Arc::clone(old));
                continue;
            }
            let posts: Vec<Post> = posts.iter().filter(|post| post.page == known.id).cloned().collect();
            match self.drawn(&known, &posts, &views) {
                Ok((picture, drawn)) => {
                    let Drawn { html, atom, rss, json, calendar } = drawn;
                    let [html, atom, rss, json, calendar] = [html, atom, rss, json, calendar].map(Copies::new);
                    let new = Ready { picture, html, atom, rss, json, calendar, mark, version };
                    ready.insert(known.page.slug.clone(), Arc::new(new));
                }
                Err(error) => {
                    tracing::warn!(%error, slug = known.page.slug, "a status page is not drawn, and stays as it was");
                    ready.extend(old.map(|old| (known.page.slug.clone(), Arc::clone(old))));
                }
            }
        }
        self.ready.store(Arc::new(ready));
    }

    fn drawn(&self, known: &Known, posts: &[Post], views: &BTreeMap<i64, View>) -> Result<(Picture, Drawn), DbError> {
        // Reading and drawing take milliseconds, but block.
        let make = || {
            let picture = Picture { logo: self.logo_tag(Some(known.id)), ..self.picture(&known.page, posts, views)? };
            let drawn = self.draw.draw(&picture);
            Ok((picture, drawn))
        };
        match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(make),
            _ => make(),
        }
    }

    /// Differs where something turned that a page shows.
    fn mark(&self, page: &StatusPage, views: &BTreeMap<i64, View>) -> u64 {
        let all: BTreeMap<i64, Seen> = views.iter().map(|(id, view)| (*id, seen(view))).collect();
        let mut mark = std::hash::DefaultHasher::new();
        for id in shown_checks(page, &all) {
            let Some(view) = views.get(&id) else { continue };
            (id, view.span.state.number(), view.span.from, self.desk.is_maintained(id), &view.check.name).hash(&mut mark);
        }
        let planned = self.desk.planned();
        (planned.len(), planned.iter().map(|plan| plan.id).max()).hash(&mut mark);
        mark.finish()
    }

    /// Tells of checks that are down for long, and of those that are up again, on pages that want it.
    async fn tell_by_itself(&self) -> Result<(), KeepError> {
        let pages: Vec<Known> = self.pages().into_iter().filter(|known| known.page.published && known.page.auto_after.ms() > 0).collect();
        let own: Vec<Post> =
            self.kept.lock().posts.values().filter(|post| post.of.is_some() && post.resolved_at().is_none()).cloned().collect();
        if pages.is_empty() && own.is_empty() {
            return Ok(());
        }
        let (views, now) = (self.desk.views(), self.clock.now_ms());
        let all: BTreeMap<i64, Seen> = views.iter().map(|(id, view)| (*id, seen(view))).collect();
        let mut is_new = false;
        for known in &pages {
            for id in shown_checks(&known.page, &all) {
                let Some(since) = views.get(&id).filter(|view| view.span.state == State::Down).map(|view| view.span.from) else { continue };
                let is_told =
                    self.kept.lock().posts.values().any(|post| post.page == known.id && post.is_about(id) && post.of == Some(since));
                if now - since < known.page.auto_after.ms() || is_told || self.desk.is_maintained(id) {
                    continue;
                }
                let update = own_update(now, Stage::Investigating);
                let (title, made_by) = (String::new(), SERVER.to_owned());
                let post = Post {
                    id: 0,
                    page: known.id,
                    title,
                    severity: Severity::Outage,
                    checks: vec![id],
                    of: Some(since),
                    made_at: now,
                    made_by,
                    updates: vec![update],
                };
                self.add(post).await?;
                is_new = true;
            }
        }
        for post in own {
            let still = |id: &i64| views.get(id).is_some_and(|view| view.span.state != State::Up && view.span.state != State::Paused);
            if !post.checks.iter().any(still) {
                self.add_update(post.id, own_update(now, Stage::Resolved)).await?;
                is_new = true;
            }
        }
        if is_new {
            self.version.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn own_update(at: i64, stage: Stage) -> Update {
    Update { id: 0, at, stage, text: String::new(), made_by: SERVER.to_owned() }
}

fn seen(view: &View) -> Seen {
    Seen {
        name: view.check.name.clone(),
        labels: view.check.labels.clone(),
        state: view.span.state,
        is_maintained: false,
        days: Vec::new(),
        latency: None,
        outages: Vec::new(),
    }
}

fn stored_update(update: &Update) -> StoredUpdate {
    let Update { id, at, stage, text, made_by } = update.clone();
    StoredUpdate { id, at, stage: stage.as_str().to_owned(), text, made_by }
}

fn stored(post: &Post) -> StoredPost {
    let Post { id, page, title, severity, checks, of, made_at, made_by, updates } = post.clone();
    let updates = updates.iter().map(stored_update).collect();
    StoredPost { id, page, title, severity: severity.as_str().to_owned(), checks, of, made_at, made_by, updates }
}

/// None where it is in words that nobody knows.
fn post_of(stored: StoredPost) -> Option<Post> {
    let StoredPost { id, page, title, severity, checks, of, made_at, made_by, updates } = stored;
    let update = |StoredUpdate { id, at, stage, text, made_by }| Some(Update { id, at, stage: Stage::parse(&stage)?, text, made_by });
    let updates = updates.into_iter().filter_map(update).collect();
    Some(Post { id, page, title, severity: Severity::parse(&severity)?, checks, of, made_at, made_by, updates })
}
