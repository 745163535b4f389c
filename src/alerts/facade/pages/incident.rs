//! The page of one group: what is known of it, and what happened around it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;

use super::{PageState, SELDOM, past, range_of, shell_at, status_of, work};
use crate::access::Role;
use crate::alerts::calm::Note;
use crate::alerts::pages::bars::Spell;
use crate::alerts::pages::care::people;
use crate::alerts::pages::group::{self, GroupInput, LINES_MAX, LinesFound};
use crate::alerts::pages::history::TELLINGS_MAX;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::platform::http::problem::Problem;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::{LinesWanted, Missed};
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::problem;

/// How long lines may take: the page is not kept waiting for them.
const LINES_WITHIN: Duration = Duration::from_secs(4);
/// Most bytes of a line that is shown.
const LINE_BYTES_MAX: usize = 1_000;
/// What people said before the end of a range is shown at least so far back.
const NOTES_BACK_MS: i64 = 24 * 3_600_000;
/// Marks on one page.
const HAPPENINGS_MAX: usize = 200;
/// What of a range before its end is looked through for lines.
const LINES_BACK_MS: i64 = 24 * 3_600_000;

/// Answers with the page; `refused` says what of a form could not be done.
pub(super) async fn show(state: &Arc<PageState>, asked: Asked, status: StatusCode, refused: String) -> Result<Response, Problem> {
    let shell =
        shell_at(&asked, &**state, key("Group of alerts"), crate::ui::links::ALERTS_GROUP).with_range("now-6h").with_refresh(SELDOM);
    let (key, receiver) = (asked.param("key"), asked.param("receiver"));
    if key.is_empty() {
        let (headline, text) = (shell.t("Which group?"), shell.t("The address names none. Choose an alert in the list."));
        return Ok(asked.page(StatusCode::BAD_REQUEST, problem::problem(&shell, 400, headline, text, shell.path())));
    }
    let (range, wrong) = range_of(&shell);
    let mut input = known(state, &key, &receiver, range);
    (input.me, input.may_change, input.refused) = (asked.caller.actor(), shell.has_role(Role::Editor), refused);
    (input.done, input.people) = (asked.param("done"), people(&state.routing.calm(), &input.alerts, &asked.caller.actor()));
    // What was said lately counts as well where an alert began anew, as after a restart.
    let since = input.alerts.iter().map(|alert| alert.since_ms.min(alert.handling.acknowledged.as_ref().map_or(i64::MAX, |ack| ack.at)));
    let from = since.min().unwrap_or(range.start).min(range.start).min(range.end.saturating_sub(NOTES_BACK_MS));
    let members: Vec<u64> = input.alerts.iter().map(|alert| alert.fingerprint()).collect();
    let (told, noted) = (state.routing.tellings(TELLINGS_MAX).await, state.routing.notes(members, from).await);
    let (mut tellings, _) = past::known_or_why(told);
    tellings.retain(|one| *one.group_key == *key && *one.receiver == *receiver);
    input.tellings = tellings;
    input.notes = noted.unwrap_or_else(|error| {
        tracing::warn!(%error, "what people did about alerts is not known");
        Vec::new()
    });
    if input.alerts.is_empty() {
        // Of a group that is gone, all that has its labels.
        let labels = group::labels_of(&key);
        let has = |note: &Note| !labels.is_empty() && labels.iter().all(|(name, value)| note.labels.get(name) == Some(value));
        input.notes.retain(has);
    }
    let lines = lines(state, input.line_labels(), range).await;
    let mut others = past::spells_of_others(state, range).await;
    work(state, move |state, cancel| {
        let labels = group::labels_of(&key);
        let found = if wrong.is_empty() { past::spells_of_group(state, &labels, &input.alerts, range, cancel) } else { Err(wrong.clone()) };
        (input.spells, input.problem) = found.map_or_else(|why| (Vec::new(), why), |spells| (spells, String::new()));
        others.retain(|spell| past::is_of_group(&spell.labels, &labels, &input.alerts));
        input.spells = past::joined(input.spells, others);
        input.events = past::events(state, &labels, &input.alerts, range, cancel);
        input.failures = past::failures(state, &labels, &input.alerts, range, cancel);
        input.happenings = state.beside.happenings.within(range, HAPPENINGS_MAX).unwrap_or_else(|error| {
            tracing::warn!(error, "what was marked in time is not known");
            Vec::new()
        });
        input.costs = costs(state, &input.spells);
        input.lines = lines;
        let status = if status == StatusCode::OK { status_of(&wrong) } else { status };
        asked.page(status, group::render(&input, &shell))
    })
    .await
}

/// What the business missed from when something of the group fired first until nothing did; nothing where nothing fired.
fn costs(state: &PageState, spells: &[Spell]) -> Result<Vec<Missed>, String> {
    let fired = || spells.iter().filter(|spell| spell.is_firing).map(|spell| spell.range);
    let whole = fired().map(|range| range.start).min().zip(fired().map(|range| range.end).max());
    match (state.costs.get(), whole) {
        (Some(costs), Some((start, end))) => costs.within(TimeRange::new(start, end)),
        _ => Ok(Vec::new()),
    }
}

/// The group as it stands, with nothing of its past.
fn known(state: &PageState, key: &str, receiver: &str, range: TimeRange) -> GroupInput {
    let group = state.routing.groups().into_iter().find(|group| *group.key == *key && *group.receiver == *receiver);
    let mut alerts = state.known();
    let members: BTreeSet<u64> = group.iter().flat_map(|group| &group.alerts).map(|view| view.alert.fingerprint()).collect();
    alerts.retain(|alert| members.contains(&alert.fingerprint()));
    GroupInput {
        key: key.to_owned(),
        receiver: receiver.to_owned(),
        group,
        alerts,
        range,
        spells: Vec::new(),
        problem: String::new(),
        tellings: Vec::new(),
        silences: state.routing.silences(),
        events: Vec::new(),
        failures: Vec::new(),
        happenings: Vec::new(),
        costs: Ok(Vec::new()),
        notes: Vec::new(),
        lines: LinesFound::NotKnown,
        me: String::new(),
        people: Vec::new(),
        may_change: false,
        done: String::new(),
        refused: String::new(),
    }
}

/// The newest lines of the labels, within their own time.
async fn lines(state: &Arc<PageState>, labels: Vec<(String, Vec<String>)>, range: TimeRange) -> LinesFound {
    let matcher = |(name, values): &(String, Vec<String>)| match values.as_slice() {
        [only] => Ok(Matcher::equal(name, only)),
        many => Matcher::new(name, MatchOp::Regex, &many.iter().map(|value| regex::escape(value)).collect::<Vec<_>>().join("|")),
    };
    let matchers: Vec<Matcher> = match labels.iter().map(matcher).collect() {
        Ok(matchers) => matchers,
        Err(error) => return LinesFound::Problem(error.to_string()),
    };
    if matchers.is_empty() {
        return LinesFound::NotKnown;
    }
    let (source, cancel) = (Arc::clone(&state.beside.lines), Cancel::new());
    let told = cancel.clone();
    let range = TimeRange::new(range.start.max(range.end.saturating_sub(LINES_BACK_MS)), range.end);
    let read = state.work.run(LINES_WITHIN, &cancel, move || {
        source.newest(&LinesWanted { matchers: &matchers, range, limit: LINES_MAX, text_bytes_max: LINE_BYTES_MAX, cancel: told })
    });
    match read.await {
        Ok(Ok(lines)) => LinesFound::Lines(lines),
        Ok(Err(error)) => LinesFound::Problem(error.to_string()),
        Err(error) => LinesFound::Problem(error.to_string()),
    }
}
