//! Silences that come again: an ordinary one is made for every window, an hour before it begins, so that every client sees
//! it; one that a person ends stays over for its window.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Standing;
use crate::alerts::calm::recurrence::{LOOK_AHEAD, Window};
use crate::alerts::calm::{Named, RecurringSilence};
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::silence::{Silence, SilenceState};
use crate::alerts::store::Changes;
use crate::base::time::{format_rfc3339, parse_rfc3339};

/// How long before a window its silence is made.
const AHEAD: i64 = 3_600_000;
/// When it is tried again after a silence could not be made.
const AGAIN: i64 = 60_000;
/// Names of the annotations that say which rule made a silence, as it was changed when, and for which window.
const RULE: &str = "pharos_recurring_silence";
const CHANGED: &str = "pharos_recurring_changed";
const WINDOW: &str = "pharos_recurring_window";

/// When each rule was looked at, by its name.
#[derive(Default)]
pub(super) struct Looks(BTreeMap<String, Look>);

/// A look at a rule, for its windows.
struct Look {
    /// The rule as it was changed then.
    changed_at: i64,
    /// When it was, and when the next is due.
    at: i64,
    next: i64,
}

impl Standing {
    /// Makes the silences of windows that are on or begin soon.
    pub(in crate::alerts::dispatch) fn recur(&mut self, now: i64, changes: &mut Changes) {
        let calm = Arc::clone(&self.calm);
        for (named, rule) in calm.recurring() {
            // A clock that was set back looks again.
            let is_good = |look: &Look| look.changed_at == named.changed_at && (look.at..look.next).contains(&now);
            if self.looks.0.get(&named.id).is_some_and(is_good) {
                continue;
            }
            let next = self.recur_one(named, rule, now, changes).unwrap_or_else(|error| {
                tracing::warn!(title = rule.title, %error, "a silence that comes again could not be made");
                now.saturating_add(AGAIN)
            });
            self.looks.0.insert(named.id.clone(), Look { changed_at: named.changed_at, at: now, next });
        }
    }

    /// Gives when to look again.
    fn recur_one(&mut self, named: &Named, rule: &RecurringSilence, now: i64, changes: &mut Changes) -> Result<i64, DispatchError> {
        let mut at = now;
        while let Some(window) = Window::at(&rule.intervals, at) {
            if window.starts_at > now.saturating_add(AHEAD) {
                return Ok(window.starts_at - AHEAD);
            }
            let annotations = annotations(named, &window);
            if !self.silences.iter().any(|silence| is_of(silence, &annotations)) {
                let silence = Silence {
                    id: String::new(),
                    matchers: rule.matchers.clone(),
                    starts_at: window.starts_at,
                    ends_at: window.ends_at,
                    updated_at: now,
                    created_by: named.changed_by.clone(),
                    comment: rule.title.clone(),
                    annotations,
                };
                self.put_silence(silence, now, changes)?;
            }
            if window.ends_at > now.saturating_add(AHEAD) {
                return Ok(window.ends_at - AHEAD);
            }
            at = window.ends_at;
        }
        Ok(at.saturating_add(LOOK_AHEAD - AHEAD))
    }

    /// Ends the silences of rules that are gone or say something else now.
    pub(super) fn end_recurring(&mut self, now: i64, changes: &mut Changes) {
        let calm = &self.calm;
        self.looks.0.retain(|id, _| calm.recurring().any(|(named, _)| named.id == *id));
        let ended: Vec<String> = self.silences.iter().filter(|silence| !self.is_wanted(silence, now)).map(|one| one.id.clone()).collect();
        for id in ended {
            let ended = self.expire_silence(&id, now, changes);
            debug_assert!(ended.is_ok(), "it is there");
        }
    }

    /// Whether a silence is over, or is none of a rule, or its rule says what it said when it was made.
    fn is_wanted(&self, silence: &Silence, now: i64) -> bool {
        if silence.state(now) == SilenceState::Expired {
            return true;
        }
        let Some(id) = annotation(silence, RULE) else { return true };
        let rule = self.calm.recurring().find(|(named, _)| named.id == id);
        rule.is_some_and(|(named, _)| annotation(silence, CHANGED) == Some(&named.changed_at.to_string()))
    }
}

fn annotations(named: &Named, window: &Window) -> Vec<(String, String)> {
    let window = format!("{}/{}", format_rfc3339(window.starts_at), format_rfc3339(window.ends_at));
    [(CHANGED, named.changed_at.to_string()), (RULE, named.id.clone()), (WINDOW, window)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect()
}

fn annotation<'s>(silence: &'s Silence, name: &str) -> Option<&'s str> {
    silence.annotations.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
}

/// Whether a silence was made for the same window of the same rule.
fn is_of(silence: &Silence, annotations: &[(String, String)]) -> bool {
    annotations.iter().all(|wanted| silence.annotations.contains(wanted))
}

/// A silence that takes the place of another comes from the same rule, whoever changed it.
pub(super) fn inherit(silence: &mut Silence, old: &Silence) {
    if annotation(old, RULE).is_none() {
        return;
    }
    let ours = |name: &str| [RULE, CHANGED, WINDOW].contains(&name);
    silence.annotations.retain(|(name, _)| !ours(name));
    silence.annotations.extend(old.annotations.iter().filter(|(name, _)| ours(name)).cloned());
    silence.annotations.sort();
}

/// When the window is over for which a silence was made: until then it must not be forgotten, even if a person ended it.
pub(super) fn window_end(silence: &Silence) -> i64 {
    let end = annotation(silence, WINDOW).and_then(|window| window.split_once('/')).and_then(|(_, end)| parse_rfc3339(end));
    end.map_or(silence.ends_at, |end| end.max(silence.ends_at))
}
