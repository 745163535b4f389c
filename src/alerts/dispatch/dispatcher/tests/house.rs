//! A server with recording receivers, whose time is virtual.

use std::collections::HashMap;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::alerts::config::{self, Integration};
use crate::alerts::model::message::Message;
use crate::alerts::notify::{self, Channel, Receipt, Refusal};
use crate::alerts::route::RouteTree;
use crate::platform::config::diagnostic::Report;
use crate::platform::virtual_clock::virtual_clock;
use crate::series::labels::Labels;

/// When everything begins: a Thursday noon.
const START: i64 = 1_700_000_000_000;

/// What a receiver does with messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mood {
    Takes,
    Slow(Duration),
    Refuses {
        may_retry: bool,
        after: Option<Duration>,
    },
    /// Never answers.
    Hangs,
    /// Takes the message, but the answer never comes.
    TakesAndHangs,
}

/// What everybody heard: when, who, what.
#[derive(Default)]
pub(super) struct Ear {
    heard: Mutex<Vec<(i64, String, String)>>,
    tries: Mutex<HashMap<String, usize>>,
    moods: Mutex<HashMap<String, Mood>>,
}

struct Recording {
    receiver: String,
    integration: Integration,
    ear: Arc<Ear>,
    clock: SharedClock,
}

impl Recording {
    fn hear(&self, message: &Message) {
        let text = |alert: &RoutedAlert| {
            let over = if alert.is_resolved_at(message.at) { "(over)" } else { "" };
            format!("{}{over}", alert.labels.get("instance").unwrap_or(""))
        };
        let text: Vec<String> = message.alerts.iter().map(text).collect();
        let number = if self.integration.index == 0 { String::new() } else { format!("[{}]", self.integration.index) };
        self.ear.heard.lock().push((self.clock.now_ms(), format!("{}{number}", self.receiver), text.join(" ")));
    }
}

impl Channel for Recording {
    fn integration(&self) -> Integration {
        self.integration
    }

    fn tell<'a>(&'a self, message: &'a Message) -> notify::Telling<'a> {
        Box::pin(async move {
            *self.ear.tries.lock().entry(self.receiver.clone()).or_default() += 1;
            let mood = self.ear.moods.lock().get(&self.receiver).copied().unwrap_or(Mood::Takes);
            match mood {
                Mood::Takes => {}
                Mood::Slow(wait) => tokio::time::sleep(wait).await,
                Mood::Refuses { may_retry, after } => return Err(Refusal { reason: "refused".to_owned(), may_retry, after }),
                Mood::Hangs => std::future::pending().await,
                Mood::TakesAndHangs => {
                    self.hear(message);
                    std::future::pending().await
                }
            }
            self.hear(message);
            Ok(Receipt { answer: "taken".to_owned() })
        })
    }
}

/// One life of the server.
struct Life {
    runtime: Runtime,
    dispatcher: Arc<Dispatcher>,
    clock: SharedClock,
}

/// The server over all its lives.
pub(super) struct House {
    folder: TempDir,
    yaml: String,
    ear: Arc<Ear>,
    life: Option<Life>,
    pub(super) start: i64,
}

/// Reads a routing configuration.
pub(super) fn config(yaml: &str) -> Arc<InForce> {
    let mut report = Report::new(std::path::Path::new("a.yml"));
    let config = config::read(yaml, &mut report);
    assert!(!report.has_errors(), "{report:?}");
    let tree = Arc::new(RouteTree::new(&config.route));
    Arc::new(InForce { printed: config.to_yaml(), config, tree, path: String::new() })
}

fn channels(in_force: &InForce, ear: &Arc<Ear>, clock: &SharedClock) -> Channels {
    let of = |receiver: &config::Receiver| -> Vec<Arc<dyn Channel>> {
        let recording = |integration| {
            Arc::new(Recording { receiver: receiver.name.clone(), integration, ear: Arc::clone(ear), clock: Arc::clone(clock) }) as _
        };
        receiver.integrations().into_iter().map(recording).collect()
    };
    in_force.config.receivers.iter().map(|receiver| (receiver.name.as_str().into(), of(receiver))).collect()
}

impl House {
    pub(super) fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut house = Self { folder, yaml: yaml.to_owned(), ear: Arc::default(), life: None, start: START };
        house.begin(START);
        house
    }

    fn begin(&mut self, now: i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let entered = runtime.enter();
        let clock = virtual_clock(now);
        let in_force = config(&self.yaml);
        let db = Arc::new(Db::open(&self.folder.path().join("pharos.db")).unwrap());
        let channels = channels(&in_force, &self.ear, &clock);
        let history = crate::base::time::Duration::from_secs(90 * 86_400);
        let options = DispatchOptions { db, clock: Arc::clone(&clock), in_force, channels, history };
        let dispatcher = Dispatcher::open(options).unwrap();
        runtime.spawn(Arc::clone(&dispatcher).run());
        drop(entered);
        self.life = Some(Life { runtime, dispatcher, clock });
    }

    /// Sets calm rules instead of those before.
    pub(super) fn calm(&self, rules: &[CalmRule]) {
        self.on(async |dispatcher| {
            dispatcher.change(|standing, now, changes| {
                for old in standing.calm().rules.clone() {
                    standing.delete_calm(&old.id, now, changes).unwrap();
                }
                for rule in rules {
                    standing.put_calm(None, rule.clone(), "", now, changes).unwrap();
                }
            });
            dispatcher.changed.notify_one();
            dispatcher.journal.commit().await.unwrap();
        });
    }

    fn life(&self) -> &Life {
        self.life.as_ref().unwrap()
    }

    /// Kills the server and starts it again.
    pub(super) fn crash(&mut self) {
        let now = self.now();
        self.life = None;
        self.begin(now);
    }

    /// Kills the server and starts it again after so many seconds.
    pub(super) fn crash_for(&mut self, seconds: u64) {
        let now = self.now() + i64::try_from(seconds).unwrap() * 1000;
        self.life = None;
        self.begin(now);
    }

    /// Kills the server and starts it again with a clock that is this many seconds off, back or forth.
    pub(super) fn crash_and_shift(&mut self, seconds: i64) {
        let now = self.now() + seconds * 1000;
        self.life = None;
        self.begin(now);
    }

    pub(super) fn reload(&mut self, yaml: &str) {
        self.yaml = yaml.to_owned();
        let life = self.life();
        let in_force = config(yaml);
        let channels = channels(&in_force, &self.ear, &life.clock);
        let _entered = life.runtime.enter();
        life.dispatcher.apply(in_force, channels);
    }

    pub(super) fn now(&self) -> i64 {
        // Outside of the runtime its time is the machine's.
        let _entered = self.life().runtime.enter();
        self.life().clock.now_ms()
    }

    pub(super) fn dispatcher(&self) -> Arc<Dispatcher> {
        Arc::clone(&self.life().dispatcher)
    }

    /// The alerts that are on.
    pub(super) fn alerts(&self) -> Vec<AlertView> {
        let _entered = self.life().runtime.enter();
        self.life().dispatcher.alerts()
    }

    /// Runs something in this life.
    pub(super) fn on<T>(&self, work: impl AsyncFnOnce(&Dispatcher) -> T) -> T {
        let life = self.life();
        life.runtime.block_on(work(&life.dispatcher))
    }

    /// Lets seconds pass.
    pub(super) fn pass(&self, seconds: u64) {
        self.pass_ms(seconds * 1000);
    }

    pub(super) fn pass_ms(&self, ms: u64) {
        self.life().runtime.block_on(async { tokio::time::sleep(Duration::from_millis(ms)).await });
    }

    pub(super) fn alert(&self, name: &str, instance: &str, end: Option<i64>) -> RoutedAlert {
        let now = self.now();
        RoutedAlert {
            labels: Labels::from_pairs([("alertname", name), ("instance", instance)]),
            annotations: Vec::new(),
            starts_at: now - i64::from(end == Some(0)),
            ends_at: end.map(|end| now + end * 1000),
            updated_at: 0,
            is_timeout: false,
            generator_url: String::new(),
            hush: None,
        }
    }

    /// Alerts come: name, instance, and in how many seconds each ends.
    pub(super) fn post(&self, alerts: &[(&str, &str, Option<i64>)]) {
        self.try_post(alerts).unwrap();
    }

    pub(super) fn try_post(&self, alerts: &[(&str, &str, Option<i64>)]) -> Result<(), DispatchError> {
        let known = self.alerts();
        let alerts = alerts.iter().map(|(name, instance, end)| {
            let mut alert = self.alert(name, instance, *end);
            // As rules do: an alert that goes on has the beginning that it had.
            if let Some(view) = known.iter().find(|view| view.alert.labels == alert.labels) {
                alert.starts_at = view.alert.starts_at;
            }
            alert
        });
        let alerts = alerts.collect();
        self.on(async |dispatcher| dispatcher.post(alerts).await)
    }

    pub(super) fn silence(&self, id: &str, matchers: &str, from: i64, to: i64) -> Result<String, DispatchError> {
        let matchers = Matchers::new(parse_matchers(matchers, Syntax::Both).unwrap().value);
        let (starts_at, ends_at) = (self.now() + from * 1000, self.now() + to * 1000);
        let (created_by, comment, annotations) = (String::new(), String::new(), Vec::new());
        let silence = Silence { id: id.to_owned(), matchers, starts_at, ends_at, updated_at: 0, created_by, comment, annotations };
        self.on(async |dispatcher| dispatcher.put_silence(silence).await)
    }

    pub(super) fn mood(&self, receiver: &str, mood: Mood) {
        self.ear.moods.lock().insert(receiver.to_owned(), mood);
    }

    pub(super) fn tries(&self, receiver: &str) -> usize {
        self.ear.tries.lock().get(receiver).copied().unwrap_or(0)
    }

    /// What was heard so far: seconds since the start, who, what.
    pub(super) fn heard(&self) -> Vec<String> {
        let heard = self.ear.heard.lock();
        heard.iter().map(|(at, who, what)| format!("{} {who}: {what}", (at - START) / 1000)).collect()
    }

    /// The same where several were told at the same instant.
    pub(super) fn sorted(&self) -> Vec<String> {
        let mut heard = self.ear.heard.lock().clone();
        heard.sort();
        heard.iter().map(|(at, who, what)| format!("{} {who}: {what}", (at - START) / 1000)).collect()
    }

    /// Instances of the alerts that are on.
    pub(super) fn views(&self) -> Vec<String> {
        self.alerts().iter().map(|view| view.alert.labels.get("instance").unwrap().to_owned()).collect()
    }

    fn db(&self) -> Db {
        self.on(async |dispatcher| dispatcher.journal.commit().await).unwrap();
        Db::open(&self.folder.path().join("pharos.db")).unwrap()
    }

    pub(super) fn rows(&self, table: &str) -> i64 {
        self.db().read(|db| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))).unwrap()
    }

    /// Of the stored alert, in seconds since the start.
    pub(super) fn stored_end(&self, name: &str, instance: &str) -> i64 {
        let name = self.alert(name, instance, None).fingerprint().cast_signed();
        let end: i64 =
            self.db().read(|db| db.query_row("SELECT ends_ms FROM alerts WHERE fingerprint = ?1", [name], |row| row.get(0))).unwrap();
        (end - START) / 1000
    }

    /// Changes rows as nobody expects it.
    pub(super) fn sql(&self, sql: &'static str) {
        let db = Db::open(&self.folder.path().join("pharos.db")).unwrap();
        db.write_blocking(move |tx| tx.execute_batch(sql)).unwrap();
    }
}
