//! Posts that the server makes by itself: of checks that are down for long, until they are up again.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::posts::{SERVER, own_update};
use super::{KeepError, Keeper, Known, seen};
use crate::uptime::model::track::State;
use crate::uptime::status::picture::{Seen, shown_checks};
use crate::uptime::status::post::{Post, Severity, Stage};

impl Keeper {
    /// Tells of checks that are down for long, and of those that are up again, on pages that want it.
    pub(super) async fn tell_by_itself(&self) -> Result<(), KeepError> {
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
                self.add(post, None).await?;
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
            self.version.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}
