//! Keeps status pages, what is told on them, and their bytes as they are now.
//!
//! Whoever reads a page gets bytes that lie ready: neither the database nor a template is asked. They are drawn again when
//! something is changed by people, soon after a state turned, and once a minute for the figures.

mod drawing;
mod own_posts;
mod posts;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use self::posts::{draft_of, post_of, template_of};
use super::copies::Copies;
use super::logo::Logo;
use super::page::{PAGES_MAX, StatusPage, read_one};
use super::picture::{Picture, Seen, shown_checks};
use super::post::{Post, PostDraft};
use super::template::Template;
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::db::DbError;
use crate::uptime::store::{Store, StoredPage};
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::View;

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
    #[error("{}", lines(.0))]
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
    /// Another page has this name of a host: the name, and the page's place.
    #[error("hosts: {} is a name of the status page {} already", crate::base::quote::quote(.0), crate::base::quote::quote(.1))]
    HostTaken(String, String),
    /// The server itself is asked by this name.
    #[error("hosts: {} is this server's own name", crate::base::quote::quote(.0))]
    OwnHost(String),
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
    drafts: BTreeMap<i64, PostDraft>,
    templates: BTreeMap<i64, Template>,
    logos: BTreeMap<i64, Arc<Logo>>,
}

/// The keeper.
pub struct Keeper {
    store: Store,
    desk: Arc<Desk>,
    clock: SharedClock,
    draw: Arc<dyn Draw>,
    kept: Mutex<Kept>,
    /// Names of the server itself, which no page has.
    own_names: Vec<String>,
    /// Pages by the names of hosts under which they stand alone, public or not.
    hosts: ArcSwap<HashMap<String, Known>>,
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
    /// Keeps what is stored. One that cannot be read is left out, and said. `own_names` are those of the server itself.
    /// Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(
        store: Store,
        desk: Arc<Desk>,
        clock: SharedClock,
        draw: Arc<dyn Draw>,
        own_names: Vec<String>,
    ) -> Result<Arc<Self>, DbError> {
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
        kept.drafts.extend(store.drafts()?.into_iter().filter_map(|stored| Some((stored.id, draft_of(stored)?))));
        kept.templates.extend(store.templates()?.into_iter().map(|stored| (stored.id, template_of(stored))));
        for (page, bytes) in store.logos()? {
            match Logo::read(bytes) {
                Ok(logo) => drop(kept.logos.insert(page, Arc::new(logo))),
                Err(why) => tracing::error!(page, %why, "the stored logo of a status page cannot be read, and is not shown"),
            }
        }
        let keeper = Self {
            store,
            desk,
            clock,
            draw,
            kept: Mutex::new(kept),
            own_names,
            hosts: ArcSwap::default(),
            ready: ArcSwap::default(),
            version: AtomicU64::new(0),
            changing: tokio::sync::Mutex::default(),
            drawing: tokio::sync::Mutex::default(),
        };
        keeper.list_hosts();
        Ok(Arc::new(keeper))
    }

    fn is_own_name(&self, host: &str) -> bool {
        self.own_names.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Lists the names of pages anew. The server's own are left out: they may have become that after a page had them.
    fn list_hosts(&self) {
        let mut hosts = HashMap::new();
        for known in self.kept.lock().pages.values() {
            for host in known.page.hosts.iter().filter(|host| !self.is_own_name(host)) {
                hosts.entry(host.clone()).or_insert_with(|| known.clone());
            }
        }
        self.hosts.store(Arc::new(hosts));
    }

    /// The page that stands alone under a name of a host, public or not.
    pub fn by_host(&self, host: &str) -> Option<Known> {
        let hosts = self.hosts.load();
        if hosts.is_empty() { None } else { hosts.get(host).cloned() }
    }

    /// Whether any page has a name of its own.
    pub fn has_hosts(&self) -> bool {
        !self.hosts.load().is_empty()
    }

    /// Names of hosts are no other page's and not the server's.
    fn may_have(&self, id: Option<i64>, hosts: &[String]) -> Result<(), KeepError> {
        let kept = self.kept.lock();
        let others = || kept.pages.values().filter(|known| Some(known.id) != id);
        for host in hosts {
            if self.is_own_name(host) {
                return Err(KeepError::OwnHost(host.clone()));
            }
            if let Some(other) = others().find(|known| known.page.hosts.contains(host)) {
                return Err(KeepError::HostTaken(host.clone(), other.page.slug.clone()));
            }
        }
        Ok(())
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
        self.may_have(id, &page.hosts)?;
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
        self.list_hosts();
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
            kept.drafts.retain(|_, draft| draft.page != id);
        }
        self.list_hosts();
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

    /// Counts what people change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    async fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
        self.refresh().await;
    }
}

fn seen(view: &View) -> Seen {
    Seen {
        name: view.check.name.clone(),
        labels: view.check.labels.clone(),
        state: view.span.state,
        is_maintained: false,
        days: Vec::new(),
        latency: None,
        pace: Vec::new(),
        outages: Vec::new(),
    }
}
