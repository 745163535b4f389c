//! Which of the alerts a reader asked for, and how they are grouped.

use crate::alerts::model::matcher::{MatchOp, Matcher, Syntax, parse_matcher, parse_matchers};
use crate::alerts::pages::known::Known;

/// Filters of one address; more are left out.
const FILTERS_MAX: usize = 20;

/// Whose alerts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Care {
    /// Everybody's.
    #[default]
    Any,
    /// Those of whoever looks: assigned to them, or acknowledged by them.
    Mine,
    /// Those that nobody acknowledged.
    Open,
}

impl Care {
    fn takes(self, alert: &Known, me: &str) -> bool {
        let handling = &alert.handling;
        match self {
            Self::Any => true,
            Self::Mine => handling.assignee.as_deref() == Some(me) || handling.acknowledged.as_ref().is_some_and(|ack| ack.by == me),
            Self::Open => handling.acknowledged.is_none(),
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On, and told.
    Firing,
    /// Waits for its time.
    Pending,
    /// On, and kept back.
    Held,
}

impl Stage {
    pub(super) const ALL: [(Self, &'static str); 3] = [(Self::Firing, "firing"), (Self::Pending, "pending"), (Self::Held, "held")];

    pub(super) fn of(alert: &Known) -> Self {
        match (alert.is_pending, alert.is_held()) {
            (true, _) => Self::Pending,
            (false, true) => Self::Held,
            (false, false) => Self::Firing,
        }
    }
}

/// What alerts are shown by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The label of this name; `alertname` is what the page begins with.
    Label(String),
    /// Who is told.
    Receiver,
    /// The groups that are told together.
    Group,
}

/// What the reader asked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only these.
    pub stage: Option<Stage>,
    /// Words and matchers that must fit.
    pub text: String,
    /// Matchers as they stand in the address, or what is wrong with one.
    pub matchers: Vec<(String, Result<Matcher, String>)>,
    /// Whose.
    pub care: Care,
    /// Only what this receiver is told.
    pub receiver: String,
    /// How they are grouped.
    pub by: By,
    /// Page, from 0.
    pub page: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            stage: None,
            text: String::new(),
            matchers: Vec::new(),
            care: Care::Any,
            receiver: String::new(),
            by: By::Label("alertname".to_owned()),
            page: 0,
        }
    }
}

impl Filter {
    /// From a query string: `state`, `text`, `severity`, `f` (a matcher, as often as wanted), `filter` (many in braces),
    /// `receiver`, `care`, `by`, `page`.
    pub fn from_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.trim()) {
                ("state", word) => filter.stage = Stage::ALL.iter().find(|(_, known)| *known == word).map(|(stage, _)| *stage),
                ("text", text) => filter.text = text.to_owned(),
                ("severity", word) if !word.is_empty() => {
                    filter
                        .matchers
                        .push((String::new(), Matcher::new("severity", MatchOp::Equal, word).map_err(|error| error.to_string())));
                }
                ("f", text) if !text.is_empty() && filter.matchers.len() < FILTERS_MAX => {
                    let read = parse_matcher(text, Syntax::Both).map(|parsed| parsed.value).map_err(|error| error.to_string());
                    filter.matchers.push((text.to_owned(), read));
                }
                // As Alertmanager writes its links.
                ("filter", text) if !text.is_empty() => filter.read_all(text),
                ("receiver", name) => filter.receiver = name.to_owned(),
                ("care", "mine") => filter.care = Care::Mine,
                ("care", "open") => filter.care = Care::Open,
                ("by", "receiver") => filter.by = By::Receiver,
                ("by", "group") => filter.by = By::Group,
                ("by", label) => {
                    if let Some(label) = label.strip_prefix("label:").filter(|label| !label.is_empty()) {
                        filter.by = By::Label(label.to_owned());
                    }
                }
                ("page", number) => filter.page = number.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    fn read_all(&mut self, text: &str) {
        match parse_matchers(text, Syntax::Both) {
            Ok(parsed) => {
                let room = FILTERS_MAX.saturating_sub(self.matchers.len());
                self.matchers.extend(parsed.value.into_iter().take(room).map(|matcher| (matcher.to_string(), Ok(matcher))));
            }
            Err(error) => self.matchers.push((text.to_owned(), Err(error.to_string()))),
        }
    }

    /// Whether a matcher of the address cannot be read.
    pub fn has_mistake(&self) -> bool {
        self.matchers.iter().any(|(_, matcher)| matcher.is_err())
    }

    /// Whether an alert passes everything but its stage.
    pub(super) fn takes(&self, alert: &Known, me: &str) -> bool {
        let passes = |matcher: &Matcher| matcher.matches(alert.labels.get(&matcher.name).unwrap_or(""));
        let is_told = self.receiver.is_empty() || alert.receivers.iter().any(|receiver| **receiver == *self.receiver);
        if !is_told || !self.care.takes(alert, me) || !self.matchers.iter().all(|(_, matcher)| matcher.as_ref().is_ok_and(passes)) {
            return false;
        }
        self.text.split_whitespace().all(|word| {
            if word.contains('=')
                && let Ok(parsed) = parse_matcher(word, Syntax::Both)
            {
                return passes(&parsed.value);
            }
            let word = word.to_lowercase();
            let within = |text: &str| text.to_lowercase().contains(&word);
            alert.labels.iter().any(|(name, value)| within(value) || within(name)) || alert.annotations.iter().any(|(_, text)| within(text))
        })
    }
}
