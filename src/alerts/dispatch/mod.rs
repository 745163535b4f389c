//! From alerts to messages: what is known of each alert, which groups are due, what is kept back, and who was told what.

mod backoff;
mod dispatcher;
mod journal;
mod line;
mod report;
mod standing;
mod teller;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::alerts::calm::{Calm, CalmRule, Deed, Handling, Named, Note};
use crate::alerts::config::RoutingConfig;
pub use crate::alerts::model::history::{AlertChange, Telling};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::{Silence, SilenceError};
use crate::alerts::route::tree::RouteTree;
pub use crate::alerts::store::Asked;
use crate::series::labels::Labels;
use crate::series::ports::Hush;

pub use dispatcher::{DispatchOptions, Dispatcher};
pub use line::Channels;

/// A change that ends when it is stored for good.
pub type Storing<'a, T> = Pin<Box<dyn Future<Output = Result<T, DispatchError>> + Send + 'a>>;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DispatchError {
    /// No silence has this name.
    #[error("silence {0} not found")]
    NoSilence(String),
    /// It cannot be meant.
    #[error("{0}")]
    Silence(#[from] SilenceError),
    /// There is no more room.
    #[error("{0}")]
    TooMany(String),
    /// A calm rule that does not fit the configuration or other rules.
    #[error("{0}")]
    Calm(String),
    /// No calm rule has this name.
    #[error("calm rule {0} not found")]
    NoRule(String),
    /// No alert that fires has this fingerprint.
    #[error("no alert that fires has the fingerprint {0:016x}")]
    NoAlert(u64),
    /// It could not be stored.
    #[error("{0}")]
    Store(String),
}

/// Why an alert is not told, or that it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Whether a group looked at it already.
    pub is_processed: bool,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<u64>,
    /// Names of the silences that hit it.
    pub silenced_by: Vec<String>,
    /// Names of the times that keep its groups back.
    pub muted_by: Vec<String>,
    /// Why its sender wants nobody told of it now.
    pub hush: Option<Hush>,
    /// Whether it comes and goes, so that its end is not told before it is quiet.
    pub is_flapping: bool,
}

/// An alert as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// The alert.
    pub alert: RoutedAlert,
    /// Why it is not told, or that it is.
    pub marks: Marks,
    /// Who is told, in order of the tree.
    pub receivers: Vec<Arc<str>>,
    /// Who takes care.
    pub handling: Handling,
}

/// A group as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    /// The labels that name it.
    pub labels: Labels,
    /// Who is told.
    pub receiver: Arc<str>,
    /// Its name everywhere.
    pub key: Arc<str>,
    /// The route's place in the tree.
    pub route: usize,
    /// When it is due next, in milliseconds since the Unix epoch.
    pub due_at: i64,
    /// Names of the times that keep it back.
    pub muted_by: Vec<String>,
    /// Its alerts, those that are over and not yet told included.
    pub alerts: Vec<AlertView>,
}

/// The routing configuration in force.
#[derive(Debug)]
pub struct InForce {
    /// What the file says.
    pub config: RoutingConfig,
    /// The file printed back, secrets masked, as the API shows it.
    pub printed: String,
    /// Its routes.
    pub tree: Arc<RouteTree>,
    /// Where it stands; empty without a file.
    pub path: String,
}

impl InForce {
    /// The receivers that a calm rule names and the configuration does not have, each once.
    pub fn missing_receivers<'r>(&self, rule: &'r CalmRule) -> Vec<&'r str> {
        let mut named = rule.receivers();
        named.sort_unstable();
        named.dedup();
        named.retain(|name| self.config.receivers.iter().all(|receiver| receiver.name != *name));
        named
    }
}

/// What a channel did lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelState {
    /// When it was used last, in milliseconds since the Unix epoch.
    pub last_at: Option<i64>,
    /// What was wrong the last time; none if it was taken.
    pub last_error: Option<String>,
    /// Messages taken and failed since the start.
    pub counts: (u64, u64),
}

/// Routing at work, as the API and pages see it.
pub trait Routing: Send + Sync {
    /// Takes alerts, own and of others: known ones are brought up to date. Ends when they are stored for good.
    fn post<'a>(&'a self, alerts: Vec<RoutedAlert>) -> Storing<'a, ()>;

    /// Every alert that is not over, in order of fingerprint.
    fn alerts(&self) -> Vec<AlertView>;

    /// The alert with this fingerprint, if it is not over.
    fn alert(&self, fingerprint: u64) -> Option<AlertView> {
        self.alerts().into_iter().find(|view| view.alert.fingerprint() == fingerprint)
    }

    /// Every group, in order of its labels and receiver.
    fn groups(&self) -> Vec<GroupView>;

    /// Every silence that is known, those that are over lately included.
    fn silences(&self) -> Vec<Silence>;

    /// Makes a silence, or changes the one of the same name (a new name is given if what it hits changes); gives its name.
    fn put_silence<'a>(&'a self, silence: Silence) -> Storing<'a, String>;

    /// Ends a silence now.
    fn expire_silence<'a>(&'a self, id: &'a str) -> Storing<'a, ()>;

    /// The configuration in force.
    fn in_force(&self) -> Arc<InForce>;

    /// What was told lately, newest first, at most so many.
    fn tellings<'a>(&'a self, limit: usize) -> Storing<'a, Vec<Telling>>;

    /// How alerts changed lately, newest first.
    fn changes(&self, _asked: Asked) -> Storing<'_, Vec<AlertChange>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What is set so that alerts stay calm.
    fn calm(&self) -> Arc<Calm>;

    /// Makes a calm rule, or changes the one of the name given; gives it as it is kept, and the one before.
    fn put_calm<'a>(&'a self, id: Option<&'a str>, rule: CalmRule, by: &'a str) -> Storing<'a, (Named, Option<Named>)>;

    /// Forgets a calm rule; gives what it said.
    fn delete_calm<'a>(&'a self, id: &'a str) -> Storing<'a, Named>;

    /// Takes down what somebody did about an alert that fires, by its fingerprint; gives how it is taken care of now.
    fn handle<'a>(&'a self, fingerprint: u64, deed: Deed, by: &'a str) -> Storing<'a, Handling>;

    /// What people did about alerts from an instant on (milliseconds since the Unix epoch), newest first: about those
    /// of these fingerprints, or about all if there are none.
    fn notes(&self, fingerprints: Vec<u64>, from: i64) -> Storing<'_, Vec<Note>>;

    /// How channels do, by receiver and channel (`slack[0]`).
    fn channels(&self) -> BTreeMap<(Arc<str>, String), ChannelState>;

    /// Tells a made-up alert through one channel of a receiver, past groups and silences; gives what the other side said.
    fn send_test<'a>(&'a self, receiver: &'a str, channel: &'a str) -> Storing<'a, Result<String, String>>;
}
