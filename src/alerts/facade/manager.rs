//! Runs groups when they are due, several at once, none twice at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::load::ReadQuery;
use super::send::Sender;
use crate::alerts::evaluate::{Groups, Ports, Prepared, Running, Setting, Spare};
use crate::alerts::model::Group;
use crate::base::cancel::{Cancel, Stop};

/// How long to sleep at most, so that a clock that is set does not go unseen.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Groups by where they come from.
#[derive(Default)]
struct Declared {
    files: Vec<Group>,
    own: Vec<Group>,
    made: Vec<Group>,
}

/// All groups of the server.
pub struct Manager {
    ports: Ports,
    read_query: ReadQuery,
    running: ArcSwap<Vec<Arc<Running>>>,
    setting: ArcSwap<Setting>,
    /// The groups of files, those that people wrote here and those that other parts of the server make, as they were handed
    /// over last.
    declared: Mutex<Declared>,
    places: Arc<Semaphore>,
    changed: Notify,
    /// Whether rules were evaluated: from then on new ones have nothing to be given back from before the start.
    is_running: AtomicBool,
    cancel: Cancel,
    sender: Arc<Sender>,
}

impl Manager {
    /// Without groups.
    pub fn new(ports: Ports, read_query: ReadQuery, setting: Setting, evaluations_max: usize, sender: Arc<Sender>) -> Self {
        Self {
            ports,
            read_query,
            running: ArcSwap::default(),
            setting: ArcSwap::from_pointee(setting),
            declared: Mutex::default(),
            places: Arc::new(Semaphore::new(evaluations_max.max(1))),
            changed: Notify::new(),
            is_running: AtomicBool::new(false),
            cancel: Cancel::new(),
            sender,
        }
    }

    /// Takes over other groups of files, and settings.
    pub fn apply(&self, groups: Vec<Group>, setting: Setting) {
        let mut declared = self.declared.lock();
        declared.files = groups;
        self.take_over(&declared, setting);
    }

    /// Takes over other groups that people wrote here.
    pub fn apply_own(&self, groups: Vec<Group>) {
        let mut declared = self.declared.lock();
        declared.own = groups;
        let setting = Setting::clone(&self.setting.load());
        self.take_over(&declared, setting);
    }

    /// Takes over other groups that other parts of the server make.
    pub fn apply_made(&self, groups: Vec<Group>) {
        let mut declared = self.declared.lock();
        declared.made = groups;
        let setting = Setting::clone(&self.setting.load());
        self.take_over(&declared, setting);
    }

    /// The files of groups that other parts of the server make.
    pub fn made_files(&self) -> HashSet<Arc<str>> {
        self.declared.lock().made.iter().map(|group| Arc::clone(&group.file)).collect()
    }

    fn take_over(&self, declared: &Declared, setting: Setting) {
        let groups = declared.files.iter().chain(&declared.own).chain(&declared.made).cloned();
        let before = self.running.load_full();
        let after: Vec<Arc<Running>> = groups.filter_map(|group| self.running_group(group, &setting, &before)).collect();
        let now = self.ports.clock.now_ms();
        self.setting.store(Arc::new(setting));
        self.running.store(Arc::new(after.clone()));
        for old in before.iter() {
            let new = after.iter().find(|new| is_same(&old.group, &new.group));
            if new.is_some_and(|new| Arc::ptr_eq(new, old)) {
                continue;
            }
            if let Err(error) = old.end_series(new.map(AsRef::as_ref), now, self.ports.append.as_ref()) {
                tracing::warn!(group = %old.group.name, %error, "the end of series of removed rules was not stored");
            }
        }
        self.changed.notify_one();
    }

    /// A group as it is to run: the very one that runs already if nothing changed.
    fn running_group(&self, group: Group, setting: &Setting, before: &[Arc<Running>]) -> Option<Arc<Running>> {
        let old = before.iter().find(|old| is_same(&old.group, &group));
        if let Some(old) = old.filter(|old| old.group == group && **self.setting.load() == *setting) {
            return Some(Arc::clone(old));
        }
        let mut rules = Vec::with_capacity(group.rules.len());
        for rule in &group.rules {
            let shape = (self.read_query)(group.language, &rule.expr).ok();
            let text = shape.as_ref().map_or_else(|| rule.expr.clone(), |shape| shape.text.clone());
            match Prepared::new(rule.clone(), text) {
                Ok(prepared) => rules.push(match shape {
                    Some(shape) => prepared.selecting(&shape.selectors),
                    None => prepared,
                }),
                // Files are checked before they come here.
                Err(error) => {
                    tracing::error!(group = %group.name, rule = %rule.name, error, "a rule cannot be evaluated");
                    return None;
                }
            }
        }
        let running = Running::new(group, rules, setting);
        if self.is_running.load(Ordering::Relaxed) {
            running.begin_anew();
        }
        if let Some(old) = old {
            running.take_over(old);
        }
        Some(Arc::new(running))
    }

    /// Evaluates what is due until it is stopped.
    pub async fn run(self: Arc<Self>) {
        self.is_running.store(true, Ordering::Relaxed);
        let mut planned: Vec<(i64, Arc<Running>)> = Vec::new();
        let mut known = self.running.load_full();
        self.plan(&known, &mut planned);
        while self.cancel.check().is_ok() {
            let current = self.running.load_full();
            if !Arc::ptr_eq(&current, &known) {
                known = current;
                self.plan(&known, &mut planned);
            }
            let now = self.ports.clock.now_ms();
            for (due, group) in &mut planned {
                // A clock set back by far would leave the group silent until it has caught up.
                if *due <= now || *due - now > 2 * group.interval().ms() {
                    self.spawn(group);
                    *due = group.next(now);
                }
            }
            let wait = planned.iter().map(|(due, _)| *due - now).min().unwrap_or(i64::MAX).max(1);
            let wait = Duration::from_millis(wait.unsigned_abs()).min(SLEEP_MAX);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
            }
        }
        // Evaluations that run see that they are to stop; wait for their places.
        let all = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        drop(self.places.acquire_many(all.max(1)).await);
    }

    fn plan(&self, groups: &[Arc<Running>], planned: &mut Vec<(i64, Arc<Running>)>) {
        let now = self.ports.clock.now_ms();
        planned.clear();
        planned.extend(groups.iter().map(|group| (group.next(now), Arc::clone(group))));
    }

    fn spawn(self: &Arc<Self>, group: &Arc<Running>) {
        let (manager, group) = (Arc::clone(self), Arc::clone(group));
        tokio::spawn(async move {
            let Ok(place) = Arc::clone(&manager.places).acquire_owned().await else { return };
            let sender = Arc::clone(&manager.sender);
            let worked = tokio::task::spawn_blocking(move || {
                let _place = place;
                let now = manager.ports.clock.now_ms();
                let setting = manager.setting.load_full();
                let told = group.evaluate(now, &manager.ports, &setting, &Places(&manager.places), &manager.cancel);
                told.and_then(|told| manager.sender.prepare(&group, told, &setting))
            });
            match worked.await {
                Ok(Some(prepared)) => sender.send(prepared).await,
                Ok(None) => {}
                Err(_) => tracing::error!("the evaluation of a group of rules panicked"),
            }
        });
    }

    /// Asks it to end.
    pub fn stop(&self) {
        self.cancel.raise(Stop::Cancelled);
        self.changed.notify_one();
    }
}

/// Places of evaluations that nobody needs now.
struct Places<'a>(&'a Arc<Semaphore>);

impl Spare for Places<'_> {
    fn take(&self) -> Option<Box<dyn Send>> {
        let place = Arc::clone(self.0).try_acquire_owned().ok()?;
        Some(Box::new(place))
    }
}

fn is_same(one: &Group, other: &Group) -> bool {
    one.file == other.file && one.name == other.name
}

impl Groups for Manager {
    fn groups(&self) -> Arc<Vec<Arc<Running>>> {
        self.running.load_full()
    }

    fn setting(&self) -> Arc<Setting> {
        self.setting.load_full()
    }
}
