//! The ports: the only way in which wings and halls hear each other.
//!
//! `Append` takes samples, `Select` finds series and reads them, `Evaluate` answers queries, `Summarize`
//! gives tiles for the front page, `Lines` reads the newest lines of a log, `Search` those that a query finds, `LogLabels` names
//! labels of streams, `Happenings` says what was marked in time, `AlertsNow` what is wrong now, `ChecksNow` how checks do, `TakeAlerts` is told what is, `SendMail` sends letters. Each is called with a batch, never once a sample. An engine outside
//! (a Prometheus-compatible server) can stand behind any of them, so nothing above may reach around them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::base::cancel::{Cancel, Stop};
use crate::base::time::TimeRange;
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::changes::ChangeLog;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::sample::{Exemplar, SampleBuf};
use crate::series::value::Value;

/// Takes samples in.
///
/// When `append` returns `Ok`, every sample that the report does not name as refused is safe: it survives
/// `kill -9`, and is visible to queries that start afterwards. The call may block on disk; call it off the reactor.
pub trait Append: Send + Sync {
    /// Stores a batch, or says why nothing of it was stored.
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError>;
}

/// How a batch is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppendOptions {
    /// Do not wait until the log is on disk (scrapes: the next one repairs a loss). The kernel has it, a crash of pharos loses nothing.
    pub no_sync: bool,
    /// Refuse samples older than the newest of their series, whatever the out-of-order window says.
    pub in_order_only: bool,
    /// Take all samples or none, for clients that retry whole batches: the first refusal refuses the batch.
    pub all_or_nothing: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct AppendReport {
    /// Samples stored (floats and histograms).
    pub stored: usize,
    /// Exact repetitions of stored samples, taken as success.
    pub repeated: usize,
    /// Series created by this batch.
    pub series_created: usize,
    /// Exemplars stored.
    pub exemplars_stored: usize,
    /// The reference of each series of the batch, in its order; NONE where the series was refused.
    pub refs: Vec<SeriesRef>,
    /// What was refused, by position of the series in the batch. At most one entry a series and reason.
    pub refused: Vec<Refused>,
}

/// Samples of one series that were not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Position of the series in the batch.
    pub series_index: usize,
    /// How many samples.
    pub samples: usize,
    /// Why.
    pub reason: RefusedReason,
    /// Time of the first such sample, in milliseconds.
    pub first_ts: i64,
}

/// Why samples of a series were not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RefusedReason {
    /// The reference is not known (any more): send the labels.
    #[error("unknown series reference")]
    UnknownRef,
    /// Older than the newest sample, and the out-of-order window is off or `in_order_only` is set.
    #[error("out of order sample")]
    OutOfOrder,
    /// Older than the out-of-order window.
    #[error("too old sample")]
    TooOld,
    /// Another value at the same time is stored already.
    #[error("duplicate sample for timestamp")]
    DuplicateTimestamp,
    /// Outside of what can be stored (years before or after now).
    #[error("out of bounds")]
    OutOfBounds,
    /// Label set empty, malformed, or beyond a limit.
    #[error("invalid labels")]
    InvalidLabels,
    /// The histogram contradicts itself.
    #[error("invalid native histogram")]
    InvalidHistogram,
    /// One more series would pass the limit.
    #[error("series limit reached")]
    SeriesLimit,
    /// Memory is nearly used up: no new series for now.
    #[error("memory is nearly used up, new series are refused for now")]
    ShortOfMemory,
}

/// Why a batch is not safe in storage; but for [`Self::InDoubt`], nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full or failing: try again later. Reads go on.
    #[error("storage does not take writes now: {0}")]
    Unavailable(String),
    /// The log failed while the batch was on its way: readers see it, and it may survive or not. A repetition is recognised.
    #[error("storage does not take writes now: {0}")]
    InDoubt(String),
    /// `all_or_nothing` and something was refused.
    #[error("batch refused")]
    Refused(AppendReport),
    /// Shutting down.
    #[error("storage is closed")]
    Closed,
}

/// What to select: a disjunction of matcher lists within a range of time.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    /// All of these must match.
    pub matchers: &'a [Matcher],
    /// Samples wanted.
    pub range: TimeRange,
    /// Refuse, rather than collect, more series than this.
    pub series_max: usize,
}

/// Which labels or series exist.
#[derive(Debug, Clone)]
pub struct IndexQuery<'a> {
    /// Any of these lists must match; no list means everything.
    pub any_of: &'a [Vec<Matcher>],
    /// Only series with samples (to the precision of a block) in here.
    pub range: TimeRange,
    /// At most so many answers, 0 = all.
    pub limit: usize,
}

/// Finds series and reads their samples.
pub trait Select: Send + Sync {
    /// The series that match, sorted by labels. Reading their samples is up to the caller.
    fn select(&self, selection: &Selection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError>;
    /// Label sets that match, sorted.
    fn series(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectError>;
    /// Names of labels, sorted.
    fn label_names(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError>;
    /// Values of a label, sorted.
    fn label_values(&self, name: &str, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError>;
    /// Exemplars of the series that match, by series, ascending in time.
    fn exemplars(&self, query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError>;
    /// What changed when, so that answers can be kept; none if that is not known.
    fn changes(&self) -> Option<&ChangeLog> {
        None
    }
}

/// One series found by [`Select`]; reads its samples as often as asked, from any thread.
pub trait SelectedSeries: Send + Sync {
    /// Its labels.
    fn labels(&self) -> &Labels;
    /// Appends its samples within `range` (both ends included, deleted ones left out) to `out`.
    fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError>;
}

/// Why a selection failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SelectError {
    /// More series than allowed.
    #[error("the selection matches more than {max} series")]
    TooManySeries {
        /// What was allowed.
        max: usize,
    },
    /// The work was stopped.
    #[error("stopped")]
    Stopped(Stop),
    /// A block could not be read.
    #[error("{0}")]
    Storage(Arc<str>),
}

impl From<Stop> for SelectError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

/// When to evaluate a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Once, at this time (ms).
    Instant(i64),
    /// At `start`, `start + step`, ... up to `end` (ms).
    Range {
        /// First evaluation.
        start: i64,
        /// Last evaluation at most.
        end: i64,
        /// Distance, above zero.
        step: i64,
    },
}

/// A query for [`Evaluate`].
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The expression.
    pub query: &'a str,
    /// When.
    pub when: When,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// A query's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Things that make the result doubtful, in words, with position.
    pub warnings: Vec<String>,
    /// Things worth knowing.
    pub infos: Vec<String>,
    /// Samples read and peak held, for `stats`.
    pub stats: EvalStats,
}

/// What an evaluation cost.
#[derive(Debug, Clone, Default)]
pub struct EvalStats {
    /// Samples looked at, summed over the steps as upstream counts them.
    pub samples_total: u64,
    /// Most samples held at once.
    pub samples_peak: u64,
    /// The same per step (time ms, samples), when asked for.
    pub samples_per_step: Vec<(i64, u64)>,
    /// Series selected.
    pub series: u64,
}

/// What a query is, without asking it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The query as its language writes it, in one line.
    pub text: String,
    /// The matchers of each of its selectors.
    pub selectors: Vec<Vec<Matcher>>,
    /// What is compared with what, where the whole query is `left op number`.
    pub compared: Option<Compared>,
}

/// A query that keeps those series of another that are on one side of a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The query whose series are compared.
    pub left: String,
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    pub operator: &'static str,
    /// What they are compared with.
    pub bound: f64,
}

/// Answers queries. Blocking and CPU-heavy: call it off the reactor.
pub trait Evaluate: Send + Sync {
    /// Evaluates one question.
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError>;
}

/// Why a query has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EvaluateError {
    /// The text is not a valid query.
    #[error("{message}")]
    Invalid {
        /// In words, with `line:column` in front as upstream.
        message: String,
        /// Where in the text, bytes from and to.
        span: Option<(usize, usize)>,
    },
    /// The data do not fit the query, or a limit was hit.
    #[error("{0}")]
    Execution(String),
    /// The time was over.
    #[error("query timed out")]
    TimedOut,
    /// Nobody waited any more.
    #[error("query was canceled")]
    Cancelled,
    /// Storage failed.
    #[error("{0}")]
    Storage(String),
    /// Memory is nearly used up: later it may have one.
    #[error("memory is nearly used up, and this query needs more than there is for it now; try again later, or ask for less")]
    Overloaded,
}

/// Which lines of a log are wanted: the newest that match.
#[derive(Debug, Clone)]
pub struct LinesWanted<'a> {
    /// Labels of their streams: all of these must match, and at least one must not match the empty string.
    pub matchers: &'a [Matcher],
    /// Their time, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// At most so many.
    pub limit: usize,
    /// Most bytes of one line's text; the rest is cut off.
    pub text_bytes_max: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// The text, or its beginning.
    pub text: String,
    /// How severe it is, in the word of who wrote or took it; empty if nobody knows.
    pub level: String,
    /// Labels of its stream.
    pub labels: Labels,
}

/// Reads lines of logs. Blocking and CPU-heavy: call it off the reactor.
pub trait Lines: Send + Sync {
    /// The newest lines that match, the newest first.
    fn newest(&self, wanted: &LinesWanted<'_>) -> Result<Vec<Line>, EvaluateError>;
}

/// Lines of logs that a query finds.
#[derive(Debug, Clone)]
pub struct SearchWanted<'a> {
    /// A query of lines, in LogQL.
    pub query: &'a str,
    /// Their time, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// At most so many.
    pub limit: usize,
    /// Whether the oldest are wanted, not the newest.
    pub is_forward: bool,
    /// Most bytes of one line's text; the rest is cut off.
    pub text_bytes_max: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// Finds lines of logs by queries. Blocking and CPU-heavy: call it off the reactor.
pub trait Search: Send + Sync {
    /// The lines that a query finds, in the order that is asked for.
    fn search(&self, wanted: &SearchWanted<'_>) -> Result<Vec<Line>, EvaluateError>;

    /// Whether a query gives numbers, not lines.
    fn is_metric(&self, query: &str) -> bool;
}

/// Which labels of streams are asked for.
#[derive(Debug, Clone)]
pub struct LogLabelsWanted<'a> {
    /// Labels of the streams: all of these must match; none for every stream.
    pub matchers: &'a [Matcher],
    /// Streams with lines in here, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// The label whose values are wanted; none for the names of labels.
    pub label: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// Names labels of streams of logs. Blocking.
pub trait LogLabels: Send + Sync {
    /// Names or values, sorted.
    fn log_labels(&self, wanted: &LogLabelsWanted<'_>) -> Result<Vec<String>, EvaluateError>;
}

/// Something that people or programs marked in time: a deploy, an outage, a note. Times are milliseconds since the Unix
/// epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// From when.
    pub at: i64,
    /// Until when; the same where it is an instant.
    pub until: i64,
    /// What it says.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who marked it.
    pub by: String,
}

/// Says what was marked in time. Blocking.
pub trait Happenings: Send + Sync {
    /// What touches a range, the newest first, at most so much; or why that is not known.
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<Happening>, String>;
}

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
}

/// Says how checks do, for the front page.
pub trait ChecksNow: Send + Sync {
    /// The worst first, at most so many, and how many there are in all.
    fn checks(&self, limit: usize) -> ChecksInAll;
}

/// How checks do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChecksInAll {
    /// Checks that are up.
    pub up: usize,
    /// Checks that are down.
    pub down: usize,
    /// All, those included that are paused or of which nothing is known.
    pub all: usize,
    /// The worst of them.
    pub worst: Vec<CheckNow>,
}

/// How a check does.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckNow {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Whether it is up; none if that is not known, or nobody wants to know.
    pub is_up: Option<bool>,
    /// Why it is down, in words; empty when it is not.
    pub cause: String,
    /// Its newest results, the oldest first: whether each was good.
    pub recent: Vec<bool>,
    /// How long the newest took, in seconds.
    pub took_s: Option<f64>,
}

/// Sends letters through the mail server that is set (`global.smtp_*` of the routing file).
pub trait SendMail: Send + Sync {
    /// Whether there is a server, and an address to send from.
    fn is_set(&self) -> bool;
    /// Sends a letter; what went wrong in words.
    fn send(&self, mail: Mail) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// A letter to people.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Addresses of those who get it.
    pub to: Vec<String>,
    /// What it is about, in one line.
    pub subject: String,
    /// The letter as text.
    pub text: String,
    /// The same as HTML; empty for none.
    pub html: String,
    /// Further headers, such as `List-Unsubscribe`.
    pub headers: Vec<(String, String)>,
    /// Files that go with it. Those with a content id are pictures that the HTML shows.
    pub files: Vec<MailFile>,
}

/// A file that goes with a letter.
#[derive(Debug, Clone)]
pub struct MailFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// The name under which the HTML shows it (`cid:`); empty for none.
    pub content_id: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}
