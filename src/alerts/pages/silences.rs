//! Silences: what is silent now, will be, and was; each with what it hits.

use std::sync::Arc;

use super::calm::edit::loses;
use super::calm::form_of;
use super::calm::recurring::{self, RecurringRow};
use super::known::Known;
use super::silence::Draft;
use super::ways;
use crate::alerts::calm::{Calm, CalmKind};
use crate::alerts::model::silence::{Silence, SilenceState};
use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Silences on one page.
const PAGE_SILENCES: usize = 100;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct SilencesInput {
    /// Every silence that is known.
    pub silences: Vec<Silence>,
    /// Alerts of now, to count what is hit.
    pub alerts: Vec<Known>,
    /// What is set so that alerts stay calm: the silences that come again are listed.
    pub calm: Arc<Calm>,
    /// What was done: `saved` or `expired`, or to a silence that comes again.
    pub done: String,
    /// What went wrong.
    pub problem: String,
    /// Whether whoever looks may change silences.
    pub may_change: bool,
}

struct Row {
    id: String,
    matchers: Vec<String>,
    comment: String,
    by: String,
    starts: Moment,
    ends: Moment,
    until: String,
    hits: usize,
    href: String,
    is_over: bool,
}

#[derive(askama::Template)]
#[template(path = "alerts/silences.html")]
struct SilencesPage<'a> {
    shell: &'a Shell,
    input: &'a SilencesInput,
    said: &'static str,
    state: SilenceState,
    counts: [usize; 3],
    text: &'a str,
    rows: Vec<Row>,
    recurring: Vec<RecurringRow>,
    new_recurring: String,
    loses: &'static str,
    page: usize,
    pages: usize,
    found_words: String,
}

impl SilencesPage<'_> {
    fn state_is(&self, word: &str) -> bool {
        self.state.as_str() == word
    }
}

/// Renders the page. `state` and `text` of the URL choose. The shell refreshes by itself.
pub fn render(input: &SilencesInput, shell: &Shell) -> String {
    let now = shell.now_ms;
    let number = |state| input.silences.iter().filter(|silence| silence.state(now) == state).count();
    let counts = [number(SilenceState::Active), number(SilenceState::Pending), number(SilenceState::Expired)];
    let state = match shell.param("state") {
        Some("pending") => SilenceState::Pending,
        Some("expired") => SilenceState::Expired,
        _ => SilenceState::Active,
    };
    let text = shell.param("text").unwrap_or("");
    let mut found: Vec<&Silence> =
        input.silences.iter().filter(|silence| silence.state(now) == state && has_words(silence, text)).collect();
    match state {
        SilenceState::Active => found.sort_by_key(|silence| silence.ends_at),
        SilenceState::Pending => found.sort_by_key(|silence| silence.starts_at),
        SilenceState::Expired => found.sort_by_key(|silence| std::cmp::Reverse(silence.ends_at)),
    }
    let pages = found.len().div_ceil(PAGE_SILENCES).max(1);
    let page = shell.param("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let here = found.iter().skip(page * PAGE_SILENCES).take(PAGE_SILENCES);
    page::html(&SilencesPage {
        said: match input.done.as_str() {
            "saved" => key("The silence is saved."),
            "expired" => key("The silence has ended."),
            other => super::calm::done_words(other),
        },
        recurring: recurring::rows(&input.calm, &input.alerts, shell),
        new_recurring: form_of(CalmKind::RecurringSilence, ""),
        loses: loses(CalmKind::RecurringSilence),
        rows: here.map(|silence| row(silence, input, shell)).collect(),
        found_words: shell.lang().n(found.len() as u64, "{} silence", "{} silences"),
        shell,
        input,
        state,
        counts,
        text,
        page,
        pages,
    })
}

fn has_words(silence: &Silence, text: &str) -> bool {
    let whole = format!("{} {} {} {}", silence.matchers, silence.comment, silence.created_by, silence.id).to_lowercase();
    text.to_lowercase().split_whitespace().all(|word| whole.contains(word))
}

fn row(silence: &Silence, input: &SilencesInput, shell: &Shell) -> Row {
    let is_over = silence.state(shell.now_ms) == SilenceState::Expired;
    let again = Draft::of(silence);
    Row {
        id: silence.id.clone(),
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        comment: silence.comment.clone(),
        by: silence.created_by.clone(),
        starts: shell.moment(silence.starts_at),
        ends: shell.moment(silence.ends_at),
        until: format!("{} UTC", format::date_time(silence.ends_at, shell.lang())),
        hits: if is_over { 0 } else { input.alerts.iter().filter(|alert| silence.matchers.matches(&alert.labels)).count() },
        href: if is_over {
            links::with(links::ALERTS_SILENCE, &[("matchers", &again.matchers), ("comment", &again.comment)])
        } else {
            links::with(links::ALERTS_SILENCE, &[("id", &silence.id)])
        },
        is_over,
    }
}

/// The alerts that a silence's matchers hit, worst first as they are given.
pub(super) fn hits<'a>(silence: &'a crate::alerts::model::matcher::Matchers, alerts: &'a [Known]) -> impl Iterator<Item = &'a Known> {
    alerts.iter().filter(move |alert| silence.matches(&alert.labels))
}

/// An alert that is hit, in a list.
pub(super) struct Hit {
    /// A short name of it.
    pub(super) name: String,
    /// Alerts of its name.
    pub(super) href: String,
    /// Since when.
    pub(super) since: Moment,
    /// Whether it waits for its time to fire.
    pub(super) is_pending: bool,
}

/// The line of an alert in a list of those that are hit.
pub(super) fn hit(alert: &Known, shell: &Shell) -> Hit {
    Hit {
        name: super::bars::name(&alert.labels),
        href: ways::with_label("alertname", alert.name()),
        since: shell.moment(alert.since_ms),
        is_pending: alert.is_pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &SilencesInput, query: &str) -> String {
        render(input, &shell(Page::Alerts, "Silences", links::ALERTS_SILENCES, query).with_refresh("30s"))
    }

    #[test]
    fn each_state_has_its_list() {
        assert!(html(&SilencesInput::default(), "").contains("Nothing is silenced"));
        let input =
            SilencesInput { silences: sample::silences(), alerts: sample::now().alerts, may_change: true, ..SilencesInput::default() };
        let active = html(&input, "");
        sample::check(&active);
        assert!(active.contains("rack is being moved") && active.contains(links::ALERTS_SILENCE_EXPIRE), "{active}");
        assert!(html(&input, "state=pending").contains("tonight"));
        let over = html(&input, "state=expired");
        assert!(over.contains("Recreate") && !over.contains(links::ALERTS_SILENCE_EXPIRE), "{over}");
        assert!(html(&input, "text=nowhere").contains("No silence matches"));
        assert!(!html(&SilencesInput { may_change: false, ..input }, "").contains(links::ALERTS_SILENCE_EXPIRE));
    }

    #[test]
    fn hostile_values_are_text() {
        let mut silences = sample::silences();
        for silence in &mut silences {
            (silence.comment, silence.created_by, silence.id) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
            silence.matchers = sample::hostile_matchers();
        }
        let input = SilencesInput { silences, problem: HOSTILE.into(), may_change: true, ..SilencesInput::default() };
        for state in ["active", "pending", "expired"] {
            sample::check(&html(&input, &format!("state={state}")));
        }
    }
}
