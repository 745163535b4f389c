//! Alerts that are on, and those on their way to whoever tells people.

use std::future::Future;
use std::pin::Pin;

use crate::series::labels::Labels;

/// An alert that is on, or soon will be. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertNow {
    /// The rule.
    pub name: String,
    /// What tells it from others of the rule.
    pub labels: Labels,
    /// In words, for people; empty if its rule has none.
    pub summary: String,
    /// Whether it fires; else it waits until it has been on for long enough.
    pub is_firing: bool,
    /// Since when.
    pub since: i64,
    /// Where it is read about, as a path on this server; empty for nowhere.
    pub path: String,
}

/// Says which alerts are on now. Blocking.
pub trait AlertsNow: Send + Sync {
    /// Those that are on, firing ones first, the newest first, at most so many.
    fn now(&self, limit: usize) -> Vec<AlertNow>;
}

/// Hands alerts to Alertmanagers outside.
pub trait SendAlerts: Send + Sync {
    /// Whether there is anybody to send to, so that nothing need be made ready for nobody.
    fn is_wanted(&self) -> bool;

    /// Puts alerts in line. Never waits: where a line is full, the oldest in it are dropped and counted.
    fn send(&self, alerts: Vec<OutgoingAlert>);

    /// Where alerts go, and where they would if relabelling had not dropped it: URLs without secrets.
    fn alertmanagers(&self) -> (Vec<String>, Vec<String>);
}

/// Takes alerts of other parts of the server in, as Alertmanager takes those of Prometheus: what fires is told again before
/// its end, what is over is told once more.
pub trait TakeAlerts: Send + Sync {
    /// Takes them; ends when they are stored.
    fn take(&self, alerts: Vec<OutgoingAlert>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// An alert on its way out. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingAlert {
    /// Names it, `alertname` included.
    pub labels: Labels,
    /// Texts for people, sorted by name.
    pub annotations: Vec<(String, String)>,
    /// When it began to fire.
    pub starts_at: i64,
    /// When it ended, or until when it counts as on without being heard of again.
    pub ends_at: i64,
    /// Where to look at what caused it.
    pub generator_url: String,
    /// Why nobody is to be told of it now though it goes on, and since when that is so; none where people are told.
    pub hush: Option<(Hush, i64)>,
}

/// Why whoever sends an alert wants nobody told of it, though it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hush {
    /// There is planned maintenance of this title.
    Maintenance(String),
    /// What it depends on, of this name, is down itself.
    Parent(String),
}

impl Hush {
    /// Reads what was printed.
    pub fn read(text: &str) -> Option<Self> {
        match text.split_once(": ")? {
            ("maintenance", title) => Some(Self::Maintenance(title.to_owned())),
            ("parent", name) => Some(Self::Parent(name.to_owned())),
            _ => None,
        }
    }
}

/// As programs see it: `maintenance: Move to the new rack`.
impl std::fmt::Display for Hush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Maintenance(title) => write!(f, "maintenance: {title}"),
            Self::Parent(name) => write!(f, "parent: {name}"),
        }
    }
}
