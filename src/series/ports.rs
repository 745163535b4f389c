//! The ports: the only way in which wings and halls hear each other, a file for each matter.
//!
//! `Append` takes samples, `Select` finds series and reads them, `Evaluate` answers queries, `Lines` reads the newest
//! lines of a log, `Search` those that a query finds, `LogLabels` names labels of streams, `Happenings` says what was
//! marked in time, `Mark` marks something, `Incidents` says what was down, `Costs` what that cost, `AlertsNow` what is
//! wrong now, `ChecksNow` how checks do, `TakeAlerts` is told what is, `SendAlerts` tells servers outside, `SendMail`
//! sends letters, `TakeRules` evaluates rules that others make, `MetricUsers` says who asks for metrics. Each is called
//! with a batch, never once a sample. An engine outside (a Prometheus-compatible server) can stand behind any of them,
//! so nothing above may reach around them.

mod alerts;
mod append;
mod checks;
mod evaluate;
mod happenings;
mod incidents;
mod lines;
mod mail;
mod metric_users;
#[cfg(test)]
pub(crate) mod outbox;
mod rules;
mod select;

pub use self::alerts::{AlertNow, AlertsNow, Hush, OutgoingAlert, SendAlerts, TakeAlerts};
pub use self::append::{Append, AppendError, AppendOptions, AppendReport, Refused, RefusedReason};
pub use self::checks::{CheckNow, ChecksInAll, ChecksNow};
pub use self::evaluate::{Answer, Compared, EvalStats, Evaluate, EvaluateError, Question, Shape, When};
pub use self::happenings::{Happening, Happenings, Mark};
pub use self::incidents::{Costs, IncidentThen, Incidents, Missed};
pub use self::lines::{Line, Lines, LinesWanted, LogLabels, LogLabelsWanted, Search, SearchWanted};
pub use self::mail::{Mail, MailFile, SendMail};
pub use self::metric_users::{MetricUse, MetricUser, MetricUsers};
pub use self::rules::{RulesMade, TakeRules};
pub use self::select::{IndexQuery, Select, SelectError, SelectedSeries, Selection};
