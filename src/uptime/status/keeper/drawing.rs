//! Drawing pages: what each shows now, and its bytes, again when that is not as it should be.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Drawn, KeepError, Keeper, Known, Ready, seen};
use crate::platform::db::DbError;
use crate::uptime::model::beat::{HOUR, Hour};
use crate::uptime::model::window::Window;
use crate::uptime::status::copies::Copies;
use crate::uptime::status::page::{StatusPage, read_one};
use crate::uptime::status::picture::{ENTRIES_MAX, OUTAGES_MAX, PAST_DAYS, Picture, Seen, days, shown_checks};
use crate::uptime::status::post::Post;
use crate::uptime::watch::watcher::View;

/// How often it is looked whether a state turned.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// How long a page stays as it is at least, unless people change it.
const DRAWN_AGAIN_MS: i64 = 5_000;
/// How long a page stays as it is at most.
const DRAWN_ANYWAY_MS: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// Hours of which it is said how long answers took.
const PACE_HOURS: usize = 24;

impl Keeper {
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
                (one.latency, one.pace) = self.pace(*id, now)?;
            }
        }
        Ok(Picture::new(page, &all, posts, &self.desk.planned(), now))
    }

    /// How long answers of a check took within a day, in the middle and by hours.
    fn pace(&self, id: i64, now: i64) -> Result<(Option<Duration>, Vec<Option<Duration>>), DbError> {
        let until = now.div_euclid(HOUR) + 1;
        let (mut whole, mut pace) = (Hour::default(), vec![None; PACE_HOURS]);
        let first = until - i64::try_from(PACE_HOURS).unwrap_or(0);
        for hour in self.store.hours(id, first, until)? {
            whole.merge(&hour);
            if let Some(place) = usize::try_from(hour.hour - first).ok().and_then(|at| pace.get_mut(at)) {
                *place = hour.latencies.quantile(0.5);
            }
        }
        Ok((whole.latencies.quantile(0.5), pace))
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

    /// When a check was down, outside of maintenance.
    fn outages(&self, id: i64, past: Window, limit: i64) -> Result<Vec<(i64, Option<i64>)>, DbError> {
        let maintenance = self.desk.maintenance(id, past);
        let is_work = |from: i64, until: i64| maintenance.iter().any(|window| window.from <= from && until <= window.until);
        let found = self.desk.incidents(Some(id), past, limit)?.into_iter().map(|one| (one.incident.from, one.incident.until));
        Ok(found.filter(|(from, until)| !is_work(*from, until.unwrap_or(past.until))).collect())
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
        // Before what it stands for: what changes in between is drawn again, not taken for drawn.
        let version = self.version.load(Ordering::Acquire);
        let (pages, posts): (Vec<Known>, Vec<Post>) = {
            let kept = self.kept.lock();
            (kept.pages.values().filter(|known| known.page.published).cloned().collect(), kept.posts.values().cloned().collect())
        };
        let before = self.ready.load_full();
        if pages.is_empty() && before.is_empty() {
            return;
        }
        let (views, now) = (self.desk.views(), self.clock.now_ms());
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
            match self.drawn(&known, &posts, &views, old.map(|old| &old.picture)) {
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

    fn drawn(
        &self,
        known: &Known,
        posts: &[Post],
        views: &BTreeMap<i64, View>,
        before: Option<&Picture>,
    ) -> Result<(Picture, Drawn), DbError> {
        // Reading and drawing take milliseconds, but block.
        let make = || {
            let picture = self.picture(&known.page, posts, views)?.after(before, known.changed_at);
            let picture = Picture { logo: self.logo_tag(Some(known.id)), ..picture };
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
}
