//! The book of one check: its state, its incident, its newest results, and what of all that is still to be written down.

use crate::uptime::model::beat::{Beats, Hour};
use crate::uptime::model::incident::Incident;
use crate::uptime::model::outcome::Outcome;
use crate::uptime::model::track::{Heard, Patience, Span, State, Track, Turn};

/// How results of a check are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many in a row turn its state.
    pub patience: Patience,
    /// Whether an answer is what is wrong.
    pub is_upside_down: bool,
    /// How much later than it is due a result may be, in milliseconds: as long as a probe may take, and a little.
    pub grace: i64,
}

/// What is to be written down of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Spans by their beginning; the last goes on.
    pub spans: Vec<Span>,
    /// Hours.
    pub hours: Vec<Hour>,
    /// Incidents by their beginning.
    pub incidents: Vec<Incident>,
}

/// What was written down of a check, from where its book goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The newest span.
    pub span: Option<Span>,
    /// The newest hour.
    pub hour: Option<Hour>,
    /// The incident that goes on.
    pub incident: Option<Incident>,
}

/// The book of one check.
#[derive(Debug, Clone)]
pub struct Book {
    track: Track,
    beats: Beats,
    newest: Option<Outcome>,
    /// What failed first of those that are in doubt.
    first_failed: Option<Outcome>,
    incident: Option<Incident>,
    changed_incidents: Vec<Incident>,
    /// The span that goes on as it was written down last.
    written: Option<Span>,
    /// Whether it was never up, as far as is known: it is new, or probed at another place than before.
    is_unproven: bool,
}

impl Book {
    /// Goes on from what was written down; a check of which nothing was is new at `now`. `grace` is the policy's.
    pub fn open(kept: Kept, now: i64, grace: i64) -> Self {
        Self {
            track: kept.span.map_or_else(|| Track::new(now), |span| Track::resumed(span, grace)),
            beats: Beats::resumed(kept.hour),
            newest: None,
            first_failed: None,
            incident: kept.incident,
            changed_incidents: Vec::new(),
            written: kept.span,
            is_unproven: kept.span.is_none(),
        }
    }

    /// Takes in what a probe found that began at `at`; the next is due at `due`. Both in milliseconds since the Unix epoch.
    pub fn record(&mut self, at: i64, due: i64, outcome: Outcome, policy: &Policy) -> Option<Turn> {
        let is_up = outcome.failure.is_none() != policy.is_upside_down;
        self.beats.add(at, is_up, &outcome);
        let heard = Heard { at, is_up, due, missed: due.saturating_add(policy.grace) };
        let turn = self.track.hear(heard, policy.patience);
        if !is_up && self.first_failed.is_none() {
            self.first_failed = Some(outcome.clone());
        }
        if let Some(Turn::Into { state, since }) = turn {
            self.turned(state, since, at);
        }
        if is_up {
            self.first_failed = None;
            self.is_unproven = false;
        }
        self.newest = Some(outcome);
        turn
    }

    /// Nothing was heard until now.
    pub fn miss(&mut self, now: i64) -> Option<Turn> {
        let turn = self.track.miss(now);
        if turn.is_some() {
            self.first_failed = None;
        }
        turn
    }

    /// Nobody wants to know from now on.
    pub fn pause(&mut self, now: i64) {
        self.track.pause(now);
        self.first_failed = None;
        self.end_incident(now);
    }

    /// Somebody wants to know again.
    pub fn resume(&mut self, now: i64) {
        self.track.resume(now);
    }

    /// It is probed at another place from now on.
    pub const fn target_changed(&mut self) {
        self.is_unproven = true;
    }

    /// Whether nothing good was heard of it yet where it is probed now.
    pub const fn is_unproven(&self) -> bool {
        self.is_unproven
    }

    /// The state now.
    pub const fn state(&self) -> State {
        self.track.state()
    }

    /// Since when, in milliseconds since the Unix epoch.
    pub const fn since(&self) -> i64 {
        self.track.since()
    }

    /// Since when something speaks against the state, if it does.
    pub fn in_doubt_since(&self) -> Option<i64> {
        self.track.in_doubt_since()
    }

    /// The incident that goes on.
    pub const fn incident(&self) -> Option<&Incident> {
        self.incident.as_ref()
    }

    /// What was found last.
    pub const fn newest(&self) -> Option<&Outcome> {
        self.newest.as_ref()
    }

    /// The newest results.
    pub const fn beats(&self) -> &Beats {
        &self.beats
    }

    /// The span that goes on, as far as it is certain.
    pub fn current(&self) -> Span {
        self.track.current()
    }

    /// Takes what is to be written down since the last time.
    pub fn take_changes(&mut self) -> Changes {
        let mut spans = self.track.take_ended();
        let current = self.track.current();
        if self.written != Some(current) || !spans.is_empty() {
            spans.push(current);
            self.written = Some(current);
        }
        Changes { spans, hours: self.beats.take_hours(), incidents: std::mem::take(&mut self.changed_incidents) }
    }

    fn turned(&mut self, state: State, since: i64, confirmed_at: i64) {
        match state {
            State::Down if self.incident.is_none() => {
                let first = self.first_failed.take().unwrap_or_default();
                let incident = Incident::begun(since, confirmed_at, &first);
                self.changed_incidents.push(incident.clone());
                self.incident = Some(incident);
            }
            State::Up => self.end_incident(since),
            State::Down | State::Unknown | State::Paused => {}
        }
    }

    fn end_incident(&mut self, at: i64) {
        if let Some(mut incident) = self.incident.take() {
            incident.until = Some(at.max(incident.from));
            self.changed_incidents.push(incident);
        }
    }
}

#[cfg(test)]
mod tests;
