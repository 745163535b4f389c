//! An objective as people write it: what is counted, how much of it must be good, over which time, and who is told when.

use std::collections::BTreeMap;

use super::number::{Number, Percent};
use super::query;
use crate::base::location::Location;
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::section::{Section, alternatives};
use crate::series::labels::is_legacy_label_name;
use crate::slo::model::burn::{Pair, Urgency, usual};
use crate::slo::model::period::{DAY, Period, Unit};

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 100;
/// Characters of any other text at most.
const TEXT_CHARS_MAX: usize = 10_000;
/// Labels of an objective, or of what people are told, at most.
const LABELS_MAX: usize = 20;
/// Labels that group at most.
const GROUPS_MAX: usize = 5;
/// Pairs of windows at most.
const BURNS_MAX: usize = 10;
/// Shortest period that rolls.
const PERIOD_MIN: Duration = Duration::from_ms(DAY);
/// Longest period that rolls.
const PERIOD_MAX: Duration = Duration::from_ms(400 * DAY);
/// Shortest window of a burn rate.
const WINDOW_MIN: Duration = Duration::from_secs(60);
/// The window that everything is counted in which is not counted from the counters themselves.
const COUNTED_IN: Duration = Duration::from_secs(300);
/// For how long nothing is counted before anybody is told, where nothing is said.
const ABSENT_FOR: Duration = Duration::from_secs(900);
/// Names that would be those of other pages and endpoints.
const NAMES_TAKEN: [&str; 5] = ["new", "save", "look", "import", "export"];
/// Labels that recorded series have already.
const LABELS_TAKEN: [&str; 4] = ["slo", "window", "le", "alertname"];

keys! {
    /// An objective.
    Slo, "slo", check = vet;
    /// Names it; no other has it.
    name: String,
    /// For people.
    description: String,
    /// Labels of its alerts.
    labels: BTreeMap<String, String>,
    /// The part of all events that must be good, in percent.
    objective: Percent,
    /// Over which time: the last so long.
    window: Duration => Duration::default(),
    /// Or a part of the calendar: `week`, `month` or `quarter`.
    calendar: String,
    /// By whose clock parts of the calendar begin; empty for UTC.
    time_zone: String,
    /// What is counted: counters of bad (or good) events, and of all.
    ratio: Option<Box<Events>>,
    /// What is counted: how long something took.
    latency: Option<Box<Latency>>,
    /// What is counted: the results of a check of this name.
    check as "check": String,
    /// What is counted: lines of logs that are bad (or good), and all.
    logs: Option<Box<Events>>,
    /// Labels each set of which has a budget of its own.
    group_by: Vec<String>,
    /// Fewer events than this within the long window of an alert tell nobody anything.
    min_events: u64 => 0_u64,
    /// While this query finds anything, nothing is counted.
    exclude: String,
    /// Whether the maintenance of a check is not counted.
    exclude_maintenance: bool = true => true,
    /// Who is told when.
    alerts: Option<Box<Alerts>>,
}

keys! {
    /// Events of which some are bad.
    Events, "events", check = vet_events;
    /// Those that are bad.
    bad: String,
    /// Or those that are good.
    good: String,
    /// All of them.
    total: String,
}

keys! {
    /// Lengths of time in a histogram.
    Latency, "latency", check = vet_latency;
    /// The histogram, with or without `_bucket` at the end of its name.
    histogram: String,
    /// Those up to so many seconds are good; of a classic histogram this is the bound of a bucket.
    under: Number,
    /// All of them, where that is not what the histogram counts.
    total: String,
    /// Whether it is a native histogram.
    native: bool => false,
}

keys! {
    /// Who is told when.
    Alerts, "alerts", check = vet_alerts;
    /// Whether nobody is told.
    off: bool => false,
    /// The name of the alerts.
    name: String = "ErrorBudgetBurn" => "ErrorBudgetBurn",
    /// Labels of all of them.
    labels: BTreeMap<String, String>,
    /// Annotations of all of them.
    annotations: BTreeMap<String, String>,
    /// What is burning fast.
    page: Option<Box<Told>>,
    /// What burns slowly.
    ticket: Option<Box<Told>>,
    /// Told once less of the budget is left, in percent; 0 for never.
    budget_low: Percent = Percent(10.0) => Percent(10.0),
    /// Told while nothing is counted at all. Without it: after 15 minutes, but not of logs and not with `min_events`.
    absent: Option<Box<Absent>>,
    /// Pairs of windows, in place of those that are usual for the period.
    burns: Vec<Burn>,
}

keys! {
    /// How people are told.
    Told, "told";
    /// Whether they are not.
    off: bool => false,
    /// Labels of the alert; `severity` is `critical` of a page and `warning` of a ticket.
    labels: BTreeMap<String, String>,
    /// Annotations of the alert.
    annotations: BTreeMap<String, String>,
}

keys! {
    /// How people are told that nothing is counted: that what is counted is missing, not that there was none of it.
    Absent, "absent", check = vet_absent;
    /// Whether they are not.
    off: bool => false,
    /// The name of the alert.
    name: String = "ErrorBudgetUnknown" => "ErrorBudgetUnknown",
    /// For how long nothing was counted.
    hold as "for": Duration = ABSENT_FOR => ABSENT_FOR,
    /// Labels of the alert; `severity` is `warning`.
    labels: BTreeMap<String, String>,
    /// Annotations of the alert.
    annotations: BTreeMap<String, String>,
}

keys! {
    /// Two windows in which the budget burns too fast.
    Burn, "burns", check = vet_burn;
    /// `page` or `ticket`.
    urgency: String = "page",
    /// How fast: 1 spends the budget exactly within its period.
    rate: Number,
    /// Shows that much has burnt.
    long: Duration,
    /// Shows that it burns still.
    short: Duration,
    /// For how long both must burn.
    hold as "for": Duration,
    /// The label `severity`; empty for that of the urgency.
    severity: String,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Indicator<'s> {
    /// Counters.
    Ratio(&'s Events),
    /// A histogram.
    Latency(&'s Latency),
    /// Results of a check.
    Check(&'s str),
    /// Lines of logs.
    Logs(&'s Events),
}

impl Indicator<'_> {
    /// Its kind, as the file writes it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ratio(_) => "ratio",
            Self::Latency(_) => "latency",
            Self::Check(_) => "check",
            Self::Logs(_) => "logs",
        }
    }
}

impl Slo {
    /// What is counted; vetting sees that there is one.
    pub fn indicator(&self) -> Option<Indicator<'_>> {
        let ratio = self.ratio.as_deref().map(Indicator::Ratio);
        let latency = || self.latency.as_deref().map(Indicator::Latency);
        let check = || Some(self.check.as_str()).filter(|name| !name.is_empty()).map(Indicator::Check);
        ratio.or_else(latency).or_else(check).or_else(|| self.logs.as_deref().map(Indicator::Logs))
    }

    /// Over which time it counts.
    pub fn period(&self) -> Period {
        match Unit::parse(&self.calendar) {
            Some(unit) => Period::Calendar(unit, Location::parse(&self.time_zone).unwrap_or(Location::Utc)),
            None if self.window.ms() > 0 => Period::Rolling(self.window),
            None => Period::Rolling(Duration::from_ms(30 * DAY)),
        }
    }

    /// The part of all events that may be bad.
    pub fn budget(&self) -> f64 {
        self.objective.missing()
    }

    /// Who is told when.
    pub fn alerts(&self) -> Alerts {
        self.alerts.as_deref().cloned().unwrap_or_default()
    }

    /// How people are told that nothing is counted; none if they are not. Where little happens that is as usual as it is
    /// with logs, which have no zero: there it is told only if that is wanted.
    pub fn absent(&self) -> Option<Absent> {
        let alerts = self.alerts();
        if alerts.off {
            return None;
        }
        let happens_seldom = self.min_events > 0 || self.logs.is_some();
        let told = alerts.absent.map_or_else(|| (!happens_seldom).then(Absent::default), |own| Some(*own));
        told.filter(|absent| !absent.off)
    }

    /// The pairs of windows in which its budget may burn too fast, told or not.
    pub fn pairs(&self) -> Vec<Pair> {
        let own = self.alerts.as_deref().map(|alerts| alerts.burns.as_slice()).unwrap_or_default();
        if own.is_empty() {
            let length = match self.period() {
                Period::Rolling(length) => length.ms(),
                Period::Calendar(unit, _) => unit.days_max() * DAY,
            };
            return usual(length);
        }
        own.iter().map(Burn::pair).collect()
    }

    /// What is not counted: a query that finds something then; none if everything is counted.
    pub fn excluded(&self) -> Option<String> {
        let maintenance = (!self.check.is_empty() && self.exclude_maintenance)
            .then(|| format!("pharos_check_maintenance{{check={}}} == 1", quote(&self.check)));
        match (self.exclude.trim(), maintenance) {
            ("", maintenance) => maintenance,
            (query, None) => Some(query.to_owned()),
            (query, Some(maintenance)) => Some(format!("({query}) or ({maintenance})")),
        }
    }

    /// Whether windows are counted from the counters themselves, not from what was recorded every few minutes.
    pub fn is_direct(&self) -> bool {
        self.excluded().is_none() && !matches!(self.indicator(), Some(Indicator::Logs(_)))
    }

    /// Pairs that can never be told of, since even if every event is bad the budget does not burn so fast.
    pub fn deaf(&self) -> Vec<Pair> {
        self.pairs().into_iter().filter(|pair| pair.rate * self.budget() >= 1.0).collect()
    }
}

impl Burn {
    fn pair(&self) -> Pair {
        Pair {
            urgency: Urgency::parse(&self.urgency).unwrap_or(Urgency::Page),
            rate: self.rate.0,
            long: self.long,
            short: self.short,
            hold: self.hold,
            severity: self.severity.clone(),
        }
    }
}

fn refuse(section: &mut Section<'_, '_>, key: &str, message: String) {
    let at = section.value_place(key);
    section.report.error(at, message);
}

fn vet(slo: &mut Slo, section: &mut Section<'_, '_>) {
    slo.name = slo.name.trim().to_owned();
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ':');
    if slo.name.is_empty() {
        refuse(section, "name", "an SLO has a name".to_owned());
    } else if slo.name.chars().count() > NAME_CHARS_MAX || !slo.name.chars().all(is_fine) || slo.name.starts_with('.') {
        let message = format!("name: letters, digits, spaces, '-', '_', '.' (not first) and ':', at most {NAME_CHARS_MAX} characters");
        refuse(section, "name", message);
    } else if NAMES_TAKEN.contains(&slo.name.as_str()) {
        refuse(section, "name", format!("name: an SLO cannot be named {}", quote(&slo.name)));
    }
    if slo.description.chars().count() > TEXT_CHARS_MAX {
        refuse(section, "description", format!("description: longer than {TEXT_CHARS_MAX} characters"));
    }
    vet_labels(section, "labels", &slo.labels);
    if !(slo.objective.0 > 0.0 && slo.objective.0 < 100.0) {
        let read = if slo.objective.0 == 0.0 { "nothing".to_owned() } else { slo.objective.to_string() };
        refuse(section, "objective", format!("objective: read {read}, expected a percentage above 0 and below 100, such as 99.9"));
    }
    vet_period(slo, section);
    vet_indicator(slo, section);
    if slo.group_by.len() > GROUPS_MAX {
        refuse(section, "group_by", format!("group_by: {} labels are too many, {GROUPS_MAX} may be", slo.group_by.len()));
    }
    for label in &slo.group_by {
        if !is_legacy_label_name(label) || label.starts_with("__") || LABELS_TAKEN.contains(&label.as_str()) {
            refuse(section, "group_by", format!("group_by: {} cannot group", quote(label)));
        }
    }
    if slo.exclude.chars().count() > TEXT_CHARS_MAX {
        refuse(section, "exclude", format!("exclude: longer than {TEXT_CHARS_MAX} characters"));
    }
    let shortest = if slo.is_direct() { WINDOW_MIN } else { COUNTED_IN };
    if let Some(pair) = slo.pairs().iter().find(|pair| pair.short < shortest) {
        let message = format!("alerts: the short window {} is below {shortest}, in which events are counted here", pair.short);
        refuse(section, "alerts", message);
    }
}

fn vet_period(slo: &Slo, section: &mut Section<'_, '_>) {
    let is_set = slo.window != Duration::default();
    if is_set && !slo.calendar.is_empty() {
        refuse(section, "calendar", "calendar: an SLO has either a window or a part of the calendar".to_owned());
    }
    if is_set && !(PERIOD_MIN..=PERIOD_MAX).contains(&slo.window) {
        refuse(section, "window", format!("window: read {}, expected 1d to 400d", slo.window));
    }
    if !slo.calendar.is_empty() && Unit::parse(&slo.calendar).is_none() {
        let words = alternatives(&Unit::ALL.map(Unit::as_str));
        refuse(section, "calendar", format!("calendar: read {}, expected {words}", quote(&slo.calendar)));
    }
    if Location::parse(&slo.time_zone).is_none() {
        refuse(section, "time_zone", format!("time_zone: there is no place {}", quote(&slo.time_zone)));
    } else if !slo.time_zone.is_empty() && slo.calendar.is_empty() {
        refuse(section, "time_zone", "time_zone: a window that rolls has no use for one".to_owned());
    }
}

fn vet_indicator(slo: &Slo, section: &mut Section<'_, '_>) {
    let set = [
        ("ratio", slo.ratio.is_some()),
        ("latency", slo.latency.is_some()),
        ("check", !slo.check.is_empty()),
        ("logs", slo.logs.is_some()),
    ];
    let kinds: Vec<&str> = set.into_iter().filter(|(_, set)| *set).map(|(kind, _)| kind).collect();
    match kinds.as_slice() {
        [_] => {}
        [] => refuse(section, "", "an SLO says what it counts: ratio, latency, check or logs".to_owned()),
        kinds => refuse(section, kinds[1], format!("an SLO counts one thing, this one has {}", kinds.join(" and "))),
    }
    if slo.check.chars().count() > 200 {
        refuse(section, "check", "check: longer than 200 characters".to_owned());
    }
    if let Some(ratio) = &slo.ratio {
        for (key, text) in [("bad", &ratio.bad), ("good", &ratio.good), ("total", &ratio.total)] {
            vet_query(section, "ratio", key, text);
        }
    }
    if let Some(latency) = &slo.latency {
        vet_query(section, "latency", "total", &latency.total);
    }
}

/// Of counters the range must be known: a selector gets one, an expression says where it stands.
fn vet_query(section: &mut Section<'_, '_>, kind: &'static str, key: &str, text: &str) {
    if text.is_empty() || query::is_template(text) || query::selector(text).is_some() {
        return;
    }
    let at = section.raw(kind).and_then(|node| node.get(key)).map_or_else(|| section.value_place(kind), |node| node.at);
    let message =
        format!("{key}: expected a selector of counters such as x_total{{job=\"a\"}}, or an expression with {} as its range", query::PLACE);
    section.report.error(at, message);
}

fn vet_labels(section: &mut Section<'_, '_>, key: &'static str, labels: &BTreeMap<String, String>) {
    if labels.len() > LABELS_MAX {
        refuse(section, key, format!("{key}: {} labels are too many, {LABELS_MAX} may be", labels.len()));
    }
    for (name, value) in labels {
        if LABELS_TAKEN.contains(&name.as_str()) {
            refuse(section, key, format!("{key}: {name} is a label that every SLO has already"));
        } else if !is_legacy_label_name(name) || name.starts_with("__") || value.chars().count() > TEXT_CHARS_MAX {
            refuse(section, key, format!("{key}: {} is no name of a label, or its value is too long", quote(name)));
        }
    }
}

fn vet_events(events: &mut Events, section: &mut Section<'_, '_>) {
    for (key, text) in [("bad", &mut events.bad), ("good", &mut events.good), ("total", &mut events.total)] {
        *text = text.trim().to_owned();
        if text.chars().count() > TEXT_CHARS_MAX {
            refuse(section, key, format!("{key}: longer than {TEXT_CHARS_MAX} characters"));
        }
    }
    if events.bad.is_empty() == events.good.is_empty() {
        refuse(section, if events.bad.is_empty() { "" } else { "good" }, "either the bad events are counted or the good ones".to_owned());
    }
    if events.total.is_empty() {
        refuse(section, "total", "total: all events are counted too".to_owned());
    }
}

fn vet_latency(latency: &mut Latency, section: &mut Section<'_, '_>) {
    if query::selector(&latency.histogram).is_none_or(|(name, _)| name.is_empty()) {
        let read = quote(&latency.histogram);
        refuse(section, "histogram", format!("histogram: read {read}, expected a histogram such as http_duration_seconds{{job=\"a\"}}"));
    }
    if latency.under.0 <= 0.0 {
        refuse(section, "under", "under: expected seconds above 0".to_owned());
    }
}

fn vet_alerts(alerts: &mut Alerts, section: &mut Section<'_, '_>) {
    if alerts.name.trim().is_empty() || alerts.name.chars().count() > NAME_CHARS_MAX {
        refuse(section, "name", format!("name: alerts have a name of at most {NAME_CHARS_MAX} characters"));
    }
    vet_labels(section, "labels", &alerts.labels);
    if let Some(absent) = &alerts.absent {
        vet_labels(section, "absent", &absent.labels);
    }
    for (key, told) in [("page", &alerts.page), ("ticket", &alerts.ticket)] {
        if let Some(told) = told {
            vet_labels(section, key, &told.labels);
        }
    }
    if !(0.0..100.0).contains(&alerts.budget_low.0) {
        refuse(section, "budget_low", format!("budget_low: read {}, expected a percentage from 0 to 100", alerts.budget_low));
    }
    if alerts.burns.len() > BURNS_MAX {
        refuse(section, "burns", format!("burns: {} are too many, {BURNS_MAX} may be", alerts.burns.len()));
    }
}

fn vet_absent(absent: &mut Absent, section: &mut Section<'_, '_>) {
    if absent.name.trim().is_empty() || absent.name.chars().count() > NAME_CHARS_MAX {
        refuse(section, "name", format!("name: alerts have a name of at most {NAME_CHARS_MAX} characters"));
    }
    if absent.hold < Duration::default() || absent.hold > PERIOD_MAX {
        refuse(section, "for", format!("for: read {}, expected less", absent.hold));
    }
}

fn vet_burn(burn: &mut Burn, section: &mut Section<'_, '_>) {
    if Urgency::parse(&burn.urgency).is_none() {
        refuse(section, "urgency", format!("urgency: read {}, expected page or ticket", quote(&burn.urgency)));
    }
    if burn.rate.0 <= 0.0 {
        refuse(section, "rate", "rate: expected how many times too fast the budget burns, such as 14.4".to_owned());
    }
    if burn.short < WINDOW_MIN {
        refuse(section, "short", format!("short: read {}, expected at least {WINDOW_MIN}", burn.short));
    }
    if burn.long < burn.short || burn.long > PERIOD_MAX {
        refuse(section, "long", "long: expected a window that is not shorter than the short one".to_owned());
    }
    if burn.hold < Duration::default() || burn.hold > PERIOD_MAX {
        refuse(section, "for", format!("for: read {}, expected less", burn.hold));
    }
}
