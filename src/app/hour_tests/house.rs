//! The hall of alerts over samples in memory, with virtual time: rules, sender and routing are the real ones, only the
//! receivers take down what they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::tape::{self, Event, Tape, is_of_rules};
use crate::alerts::config::Integration;
use crate::alerts::dispatch::{Channels, InForce};
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers};
use crate::alerts::model::message::Message;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::notify::{self, Channel, Receipt, Refusal};
use crate::alerts::{Alerts, AlertsOptions, Beside, Following, Group, Ports, Running, Setting, load_routing};
use crate::app::ruling::{read_query, read_rule_files};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::float;
use crate::base::time::{Duration as Span, TimeRange};
use crate::logs::query::engine as logs;
use crate::logs::query::script::memory::{Layout, MemoryLines};
use crate::metrics::engine::{Engine, Options};
use crate::metrics::script::memory::MemorySelect;
use crate::platform::db::Db;
use crate::platform::telemetry::metrics::Registry;
use crate::platform::virtual_clock::virtual_clock;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::ports::{
    Append, AppendOptions, EvaluateError, Happening, Happenings, Line, Lines, LinesWanted, OutgoingAlert, Select, Selection, SendAlerts,
};
use crate::series::sample::{SampleBuf, is_stale, stale_nan};

/// What everybody heard, and who refuses when.
struct Ear {
    heard: Mutex<Vec<tape::Message>>,
    refusals: Vec<(String, i64, i64, u16)>,
    zero_ms: i64,
    speed: f64,
}

struct Recording {
    receiver: String,
    integration: Integration,
    ear: Arc<Ear>,
    clock: SharedClock,
}

impl Channel for Recording {
    fn integration(&self) -> Integration {
        self.integration
    }

    fn tell<'a>(&'a self, message: &'a Message) -> notify::Telling<'a> {
        Box::pin(async move {
            let now = self.clock.now_ms();
            let refuses = |(who, begin, end, _): &&(String, i64, i64, u16)| *who == self.receiver && (*begin..*end).contains(&now);
            if let Some((.., status)) = self.ear.refusals.iter().find(refuses) {
                return Err(Refusal { reason: format!("status {status}"), may_retry: *status >= 500, after: None });
            }
            self.ear.heard.lock().push(tape::Message {
                at: (now - self.ear.zero_ms) as f64 / 1000.0 * self.ear.speed,
                receiver: self.receiver.clone(),
                group: message.group_key.to_string(),
                alerts: message.alerts.iter().map(|alert| told(alert, message.at)).collect(),
            });
            Ok(Receipt::default())
        })
    }
}

/// An alert as webhooks show it.
fn told(alert: &RoutedAlert, now: i64) -> tape::Told {
    let is_over = alert.is_resolved_at(now);
    let stamp = |at: i64| DateTime::from_timestamp_millis(at).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let never = || "0001-01-01T00:00:00Z".to_owned();
    tape::Told {
        status: if is_over { "resolved" } else { "firing" }.to_owned(),
        labels: alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        annotations: alert.annotations.iter().cloned().collect(),
        starts_at: trimmed(&stamp(alert.starts_at)),
        ends_at: alert.ends_at.filter(|_| is_over).map_or_else(never, |end| trimmed(&stamp(end))),
        generator_url: alert.generator_url.clone(),
    }
}

/// Go leaves zeros at the end of fractions out.
fn trimmed(stamp: &str) -> String {
    match stamp.trim_end_matches('Z').split_once('.') {
        Some((whole, part)) => format!("{whole}.{}Z", part.trim_end_matches('0')),
        None => stamp.to_owned(),
    }
}

/// No Alertmanager outside, no lines, nothing marked.
struct Nobody;

impl Lines for Nobody {
    fn newest(&self, _wanted: &LinesWanted<'_>) -> Result<Vec<Line>, EvaluateError> {
        Ok(Vec::new())
    }
}

impl Happenings for Nobody {
    fn within(&self, _range: TimeRange, _limit: usize) -> Result<Vec<Happening>, String> {
        Ok(Vec::new())
    }
}

impl SendAlerts for Nobody {
    fn is_wanted(&self) -> bool {
        false
    }

    fn send(&self, _alerts: Vec<OutgoingAlert>) {}

    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        Default::default()
    }
}

/// One life of the server.
struct Life {
    runtime: Runtime,
    alerts: Arc<Alerts>,
}

/// The server over its lives.
pub(super) struct House {
    folder: TempDir,
    store: Arc<MemorySelect>,
    ear: Arc<Ear>,
    routing: Arc<InForce>,
    rules: Vec<Vec<Group>>,
    setting: Setting,
    stage: usize,
    now: i64,
    life: Option<Life>,
    silences: Vec<String>,
}

impl House {
    pub(super) fn new(tape: &Tape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(crate::base::clock::SystemClock::new());
        let path = folder.path().join("alertmanager.yml");
        std::fs::write(&path, &tape.routing).unwrap();
        let (routing, _) = load_routing(Some(&path), &clock).unwrap();
        let interval = Span::from_ms((15_000.0 / tape.speed) as i64);
        let setting = Setting {
            interval,
            query_offset: Span::default(),
            resend: Span::from_ms((60_000.0 / tape.speed) as i64),
            external_labels: Labels::from_pairs([("dc", "x")]),
            external_url: "http://mon.example.org".to_owned(),
        };
        let rules = tape.rules.iter().map(|text| groups(&folder, text, &setting, tape.evaluation())).collect();
        let refusals = tape.refusals.iter();
        let refusals = refusals.map(|(who, begin, end, status)| (who.clone(), tape.real_time(*begin), tape.real_time(*end), *status));
        let ear = Ear { heard: Mutex::default(), refusals: refusals.collect(), zero_ms: tape.zero_ms, speed: tape.speed };
        Self {
            folder,
            store: Arc::new(MemorySelect::new()),
            ear: Arc::new(ear),
            routing,
            rules,
            setting,
            stage: 0,
            now: tape.zero_ms - interval.ms(),
            life: None,
            silences: Vec::new(),
        }
    }

    /// Plays the whole recording.
    pub(super) fn play(&mut self, tape: &Tape) {
        let mut samples: BTreeMap<i64, Vec<(Labels, String)>> = BTreeMap::new();
        for (labels, values) in tape.series().filter(|(labels, _)| !is_of_rules(labels)) {
            for (at, value) in values {
                samples.entry(at).or_default().push((labels.clone(), value));
            }
        }
        // What was scraped before the play begins is there already.
        let (before, after): (Vec<_>, Vec<_>) = samples.into_iter().partition(|(at, _)| *at <= self.now);
        before.iter().for_each(|(at, values)| self.store(*at, values));
        self.begin();
        let mut events = tape.events.iter().peekable();
        for (at, values) in after {
            while let Some(event) = events.next_if(|event| tape.real_time(event.at) <= at) {
                self.pass_until(tape.real_time(event.at));
                self.happens(tape, event);
            }
            // While the servers were down nothing was scraped.
            self.pass_until(at);
            self.store(at, &values);
        }
        self.pass_until(tape.real_time(3600.0));
        assert!(events.next().is_none());
    }

    fn happens(&mut self, tape: &Tape, event: &Event) {
        match event.what.as_str() {
            "silence" => {
                let matchers = event.matchers.iter().map(|(name, value)| Matcher::new(name, MatchOp::Equal, value).unwrap());
                let silence = Silence {
                    id: String::new(),
                    matchers: Matchers::new(matchers.collect()),
                    starts_at: self.now,
                    ends_at: self.now + (event.seconds * 1000.0 / tape.speed) as i64,
                    updated_at: 0,
                    created_by: "play".to_owned(),
                    comment: "play".to_owned(),
                    annotations: Vec::new(),
                };
                let life = self.life.as_ref().unwrap();
                let id = life.runtime.block_on(async { life.alerts.routing().put_silence(silence).await }).unwrap();
                self.silences.push(id);
            }
            "expire" => {
                let (life, id) = (self.life.as_ref().unwrap(), self.silences.last().unwrap());
                life.runtime.block_on(async { life.alerts.routing().expire_silence(id).await }).unwrap();
            }
            "reload" => {
                self.stage = 1;
                let life = self.life.as_ref().unwrap();
                let _entered = life.runtime.enter();
                life.alerts.apply_rules(self.rules[1].clone());
            }
            "restart" => {
                self.life = None;
                self.now = tape.real_time(event.until);
                self.begin();
            }
            other => panic!("{other} is unknown"),
        }
    }

    fn begin(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let entered = runtime.enter();
        let clock = virtual_clock(self.now);
        let options = Options { threads: 1, subquery_interval_ms: self.setting.interval.ms(), ..Options::default() };
        let lines = Arc::new(MemoryLines::new(Layout::Together));
        let ports = Ports {
            metrics: Arc::new(Engine::new(Arc::clone(&self.store) as _, options)),
            logs: Arc::new(logs::Engine::new(lines, Arc::clone(&clock), logs::Options { threads: 1, ..logs::Options::default() })),
            append: Arc::clone(&self.store) as _,
            select: Arc::clone(&self.store) as _,
            clock: Arc::clone(&clock),
        };
        let following = Following {
            groups: self.rules[self.stage].clone(),
            setting: self.setting.clone(),
            relabel: Vec::new(),
            routing: Arc::clone(&self.routing),
        };
        let options = AlertsOptions {
            ports,
            read_query,
            beside: Beside { lines: Arc::new(Nobody), happenings: Arc::new(Nobody) },
            following,
            outside: Arc::new(Nobody),
            db: Arc::new(Db::open(&self.folder.path().join("pharos.db")).unwrap()),
            history: Span::from_secs(90 * 86_400),
            registry: Registry::new(),
            evaluations_max: 2,
        };
        let alerts = Alerts::with_channels(options, self.channels(&clock)).unwrap();
        alerts.start();
        drop(entered);
        self.life = Some(Life { runtime, alerts });
    }

    fn channels(&self, clock: &SharedClock) -> Channels {
        let mut channels = Channels::new();
        for receiver in &self.routing.config.receivers {
            let recording = |integration: Integration| {
                // The second channel of a receiver is the one that does not hear of ends.
                let name = if integration.index == 0 { receiver.name.clone() } else { format!("{}-firing", receiver.name) };
                Arc::new(Recording { receiver: name, integration, ear: Arc::clone(&self.ear), clock: Arc::clone(clock) }) as _
            };
            channels.insert(receiver.name.as_str().into(), receiver.integrations().into_iter().map(recording).collect());
        }
        channels
    }

    fn pass_until(&mut self, at: i64) {
        let wait = Duration::from_millis(u64::try_from(at - self.now).unwrap_or(0));
        self.life.as_ref().unwrap().runtime.block_on(async { tokio::time::sleep(wait).await });
        self.now = self.now.max(at);
    }

    fn store(&self, at: i64, values: &[(Labels, String)]) {
        let mut batch = WriteBatch::new();
        for (labels, value) in values {
            batch.open_series(labels);
            batch.push_float(at, if value == "stale" { stale_nan() } else { value.parse().unwrap() });
        }
        let report = self.store.append(&batch, &AppendOptions::default()).unwrap();
        assert_eq!(report.refused.len(), 0, "{:?}", report.refused);
    }

    /// Every series with its values by time (ms since the Unix epoch), as the recording writes them.
    pub(super) fn series(&self) -> Vec<(Labels, BTreeMap<i64, String>)> {
        let range = TimeRange::new(i64::MIN, i64::MAX);
        let selection = Selection { matchers: &[], range, series_max: usize::MAX };
        let found = self.store.select(&selection, &Cancel::new()).unwrap();
        let all = found.into_iter().map(|series| {
            let mut samples = SampleBuf::default();
            series.read(range, &mut samples).unwrap();
            let text = |value: f64| if is_stale(value) { "stale".to_owned() } else { float::sample(value) };
            let values = samples.float_ts.iter().zip(&samples.floats).map(|(at, value)| (*at, text(*value)));
            (series.labels().clone(), values.collect())
        });
        all.collect()
    }

    /// What was heard so far, in order.
    pub(super) fn heard(&self) -> Vec<tape::Message> {
        self.ear.heard.lock().clone()
    }
}

/// The groups of a rule file, named so that they are evaluated at the instants of the recording.
fn groups(folder: &TempDir, text: &str, setting: &Setting, evaluation: i64) -> Vec<Group> {
    let path = folder.path().join("rules.yml");
    std::fs::write(&path, text).unwrap();
    let (mut groups, _) = read_rule_files(&[path.display().to_string()]).unwrap();
    for group in &mut groups {
        let interval = group.interval.unwrap_or(setting.interval).ms();
        let is_right = |file: &String| {
            let empty = Group { file: file.as_str().into(), rules: Vec::new(), ..group.clone() };
            (Running::new(empty, Vec::new(), setting).next(0) - evaluation) % interval == 0
        };
        let file = (0..1_000_000).map(|number| format!("rules-{number}.yml")).find(is_right).unwrap();
        group.file = file.as_str().into();
    }
    groups
}
