//! Tells a group: every channel of its receiver at the same time, each again and again until it takes the message, it says
//! never, or the group's interval is over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::backoff::Backoff;
use super::dispatcher::Dispatcher;
use super::line::Line;
use super::standing::{End, Job, Order};
use crate::alerts::model::history::Telling;
use crate::alerts::model::message::Message;
use crate::alerts::model::routed::{RoutedAlert, label_text};
use crate::alerts::notify::{Receipt, Refusal};
use crate::base::time::Duration as Span;
use crate::series::labels::Labels;

/// How long one try may take at most.
const TRY_MAX: Duration = Duration::from_secs(60);
/// How long a test may take.
const TEST_MAX: Duration = Duration::from_secs(30);

impl Dispatcher {
    /// Tells the channels of a group; gives how it ended with each.
    pub(super) async fn tell_group(&self, job: &Job) -> Vec<End> {
        join_all(job.orders.iter().map(|order| self.tell(order, job.deadline))).await
    }

    async fn tell(&self, order: &Order, deadline: i64) -> End {
        let Order { line, message, .. } = order;
        self.numbers.began(line.integration.kind);
        let mut generation = self.generation.subscribe();
        generation.mark_unchanged();
        let mut backoff = Backoff::new(Backoff::seed());
        let mut tries = 0;
        let (end, why) = loop {
            tries += 1;
            let left = Duration::from_millis(deadline.saturating_sub(self.clock.now_ms()).max(1).unsigned_abs());
            let refusal = match self.try_it(line, message, left).await {
                Ok(_) => break (End::Taken, None),
                Err(refusal) => refusal,
            };
            if tries == 1 {
                tracing::warn!(receiver = %line.receiver, channel = %line.name, group = %message.group_key, error = %refusal, "a message was not taken");
            }
            let wait = backoff.wait().max(refusal.after.unwrap_or_default());
            let has_time = self.clock.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)) < deadline;
            if !refusal.may_retry || !has_time {
                break (End::Failed, Some((refusal.reason, !refusal.may_retry)));
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = generation.changed() => break (End::Overtaken, None),
                () = self.cancel.cancelled() => break (End::Failed, None),
            }
        };
        self.note_end(order, end, why, tries);
        if end == End::Taken
            && let Err(error) = self.journal.commit().await
        {
            tracing::warn!(%error, "what was told; should the server crash, it is told once more");
        }
        end
    }

    /// One try, when there is room for it.
    async fn try_it(&self, line: &Line, message: &Message, left: Duration) -> Result<Receipt, Refusal> {
        let late = |what: String| Refusal { reason: what, may_retry: true, after: None };
        let place = tokio::time::timeout(left, line.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(late("the channel is busy with other messages".to_owned()));
        };
        let began = self.clock.monotonic();
        let within = left.min(TRY_MAX);
        let answer = match tokio::time::timeout(within, line.channel.tell(message)).await {
            Ok(answer) => answer,
            Err(_) => Err(late(format!("no answer within {} s", within.as_secs()))),
        };
        let took = self.clock.monotonic().saturating_sub(began);
        self.numbers.tried(line.integration.kind, took, answer.is_ok());
        let mut state = line.state.lock();
        state.last_at = Some(self.clock.now_ms());
        state.last_error = answer.as_ref().err().map(|refusal| refusal.reason.clone());
        if answer.is_ok() {
            state.counts.0 += 1
        } else {
            state.counts.1 += 1
        }
        answer
    }

    /// Takes down how a message ended.
    fn note_end(&self, order: &Order, end: End, why: Option<(String, bool)>, tries: u32) {
        let Order { line, message, logged } = order;
        if let Some((why, is_for_good)) = &why {
            self.numbers.gave_up(line.integration.kind, *is_for_good);
            tracing::error!(
                receiver = %line.receiver, channel = %line.name, group = %message.group_key, error = why, tries,
                "a message was not taken and is given up until the group is due again"
            );
        }
        let telling = || Telling {
            at: self.clock.now_ms(),
            receiver: Arc::clone(&line.receiver),
            channel: line.name.to_string(),
            reason: message.reason.to_owned(),
            counts: counts(message),
            group_key: Arc::clone(&message.group_key),
            error: why.as_ref().map(|(why, _)| why.clone()),
            tries,
        };
        self.change(|standing, _, changes| {
            if end == End::Taken {
                for (key, logged) in logged {
                    standing.was_told(key.clone(), logged.clone(), changes);
                }
            }
            if end == End::Taken || why.is_some() {
                changes.tellings.push(telling());
            }
        });
    }

    /// Tells a made-up alert, once.
    pub(super) async fn try_once(&self, line: &Line) -> Result<String, String> {
        let now = self.clock.now_ms();
        let labels = Labels::from_pairs([("alertname", "PharosTest"), ("severity", "none")]);
        let alert = RoutedAlert {
            labels: labels.clone(),
            annotations: vec![
                ("description".to_owned(), "Somebody sends a test from pharos. Nothing is wrong.".to_owned()),
                ("summary".to_owned(), "This is a test".to_owned()),
            ],
            starts_at: now,
            ends_at: None,
            updated_at: now,
            is_timeout: false,
            generator_url: String::new(),
            hush: None,
        };
        let message = Message {
            receiver: Arc::clone(&line.receiver),
            group_key: format!("{{}}:{}", label_text(&labels)).into(),
            group_labels: labels,
            route_labels: Default::default(),
            alerts: vec![alert],
            at: now,
            reason: "test",
            group_interval: Span::from_secs(300),
            repeat_interval: Span::from_secs(4 * 3600),
        };
        let answer = self.try_it(line, &message, TEST_MAX).await;
        let telling = Telling {
            at: now,
            receiver: Arc::clone(&line.receiver),
            channel: line.name.to_string(),
            reason: message.reason.to_owned(),
            counts: counts(&message),
            group_key: Arc::clone(&message.group_key),
            error: answer.as_ref().err().map(|refusal| refusal.reason.clone()),
            tries: 1,
        };
        self.change(|standing, _, changes| {
            if telling.error.is_none() {
                standing.count_message(&line.receiver, now);
            }
            changes.tellings.push(telling);
        });
        self.store_soon();
        answer.map(|receipt| receipt.answer).map_err(|refusal| refusal.reason)
    }
}

/// How many alerts of a message fire, and how many are over.
fn counts(message: &Message) -> (usize, usize) {
    let over = message.alerts.iter().filter(|alert| alert.is_resolved_at(message.at)).count();
    (message.alerts.len() - over, over)
}
