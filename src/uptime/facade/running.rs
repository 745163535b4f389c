//! How each kind of check is probed: over the network by its plan, by asking a query, or by looking at other checks.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::base::cancel::{Cancel, Stop};
use crate::base::clock::SharedClock;
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::Value;
use crate::uptime::config::check::{GroupCheck, ModuleCheck, QueryCheck};
use crate::uptime::config::plan::plan;
use crate::uptime::config::{Check, Module, Modules};
use crate::uptime::model::outcome::{Failure, FailureKind, Outcome};
use crate::uptime::model::track::State;
use crate::uptime::probe::Prober;
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::watcher::Probe;

/// Members that are named when a group is down.
const NAMED_MAX: usize = 10;

/// What is known of a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    Up,
    /// With its cause.
    Down(String),
    /// Nothing is known of it now.
    Unknown,
    /// Nobody wants to know now: it is paused, or in maintenance.
    Aside,
}

/// Who knows the members of groups.
pub(super) trait Members: Send + Sync {
    /// What is known of a check; none where there is no such check.
    fn member(&self, name: &str) -> Option<Member>;
}

impl Members for Desk {
    fn member(&self, name: &str) -> Option<Member> {
        let id = self.find(name)?;
        let view = self.view(id)?;
        if view.span.state == State::Paused || self.is_maintained(id) {
            return Some(Member::Aside);
        }
        Some(match view.span.state {
            State::Up => Member::Up,
            State::Down => Member::Down(view.incident.map(|incident| incident.cause).unwrap_or_default()),
            State::Unknown | State::Paused => Member::Unknown,
        })
    }
}

/// Probes checks.
pub(super) struct Running {
    /// Set once the checks are there.
    pub(super) members: OnceLock<Weak<dyn Members>>,
    pub(super) prober: Arc<Prober>,
    pub(super) modules: Arc<ArcSwap<Modules>>,
    pub(super) metrics: Arc<dyn Evaluate>,
    pub(super) logs: Arc<dyn Evaluate>,
    pub(super) clock: SharedClock,
}

fn failed(kind: FailureKind, text: impl Into<String>) -> Outcome {
    Outcome { failure: Some(Failure { kind, text: text.into() }), ..Outcome::default() }
}

impl Running {
    async fn run(&self, check: &Check) -> Outcome {
        let timeout = Duration::from_millis(u64::try_from(check.timeout().ms()).unwrap_or(0));
        if let Some(query) = &check.query {
            return self.ask(query, timeout).await;
        }
        if let Some(named) = &check.module {
            return self.run_named(named, timeout).await;
        }
        if let Some(group) = &check.group {
            let nothing = || failed(FailureKind::Content, "too little is known of the checks of the group");
            return self.members(group).unwrap_or_else(nothing);
        }
        match plan(check) {
            Ok(Some(plan)) => self.over_network(&plan.target, &plan.module, timeout).await,
            Ok(None) => failed(FailureKind::Target, "there is nothing to probe"),
            Err(why) => failed(FailureKind::Target, why),
        }
    }

    /// What the members of a group make of it; none where too little is known of them.
    fn members(&self, group: &GroupCheck) -> Option<Outcome> {
        let members = self.members.get()?.upgrade()?;
        judge(group, |name| members.member(name))
    }

    async fn run_named(&self, named: &ModuleCheck, timeout: Duration) -> Outcome {
        let modules = self.modules.load_full();
        match modules.get(&named.module) {
            Some(module) => self.over_network(&named.target, module, module.timeout.unwrap_or(timeout).min(timeout)).await,
            None => failed(FailureKind::Target, format!("there is no module {:?} to probe with", named.module)),
        }
    }

    async fn over_network(&self, target: &str, module: &Module, timeout: Duration) -> Outcome {
        self.prober.probe(target, module, timeout).await.outcome
    }

    /// Something is found as long as all is well.
    async fn ask(&self, query: &QueryCheck, timeout: Duration) -> Outcome {
        let engine = Arc::clone(if query.language == "logql" { &self.logs } else { &self.metrics });
        let (text, at, started) = (query.expr.clone(), self.clock.now_ms(), self.clock.monotonic());
        let cancel = Cancel::new();
        let raised = cancel.clone();
        let asked = tokio::task::spawn_blocking(move || {
            engine.evaluate(&Question { query: &text, when: When::Instant(at), cancel }).map(|answer| answer.value)
        });
        let answer = tokio::time::timeout(timeout, asked).await;
        let took = self.clock.monotonic().saturating_sub(started);
        let mut outcome = match answer {
            Err(_) => {
                raised.raise(Stop::TimedOut);
                failed(FailureKind::Timeout, "the query took too long")
            }
            Ok(Err(_)) => failed(FailureKind::Protocol, "the query failed unexpectedly"),
            Ok(Ok(Err(EvaluateError::Invalid { message, .. }))) => {
                failed(FailureKind::Target, format!("the query cannot be read: {message}"))
            }
            Ok(Ok(Err(error))) => failed(FailureKind::Protocol, format!("the query has no answer: {error}")),
            Ok(Ok(Ok(value))) if finds_something(&value) => Outcome::default(),
            Ok(Ok(Ok(_))) => failed(FailureKind::Content, "the query finds nothing"),
        };
        outcome.took = took;
        outcome
    }
}

/// Whether enough members are up. Those that are paused or in maintenance do not count.
fn judge(group: &GroupCheck, member: impl Fn(&str) -> Option<Member>) -> Option<Outcome> {
    let (mut up, mut unknown, mut down) = (0_usize, 0_usize, Vec::new());
    for name in &group.checks {
        match member(name) {
            None => return Some(failed(FailureKind::Target, format!("there is no check {name:?}, which the group is to hold"))),
            Some(Member::Up) => up += 1,
            Some(Member::Unknown) => unknown += 1,
            Some(Member::Aside) => {}
            Some(Member::Down(cause)) => down.push(if cause.is_empty() { name.clone() } else { format!("{name} ({cause})") }),
        }
    }
    let counted = up + unknown + down.len();
    let wanted = usize::try_from(group.up_min).unwrap_or(usize::MAX);
    let wanted = if wanted == 0 { counted } else { wanted.min(counted) };
    match (up >= wanted, up + unknown >= wanted) {
        (true, _) if counted > 0 => Some(Outcome::default()),
        (_, true) => None,
        _ => {
            let mut named = down.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
            if down.len() > NAMED_MAX {
                named.push_str(&format!(" and {} more", down.len() - NAMED_MAX));
            }
            let text = format!("{up} of {counted} checks are up, {wanted} must be; down: {named}");
            Some(failed(FailureKind::Content, text))
        }
    }
}

fn finds_something(value: &Value) -> bool {
    match value {
        Value::Vector(found) => !found.is_empty(),
        Value::Matrix(found) => !found.is_empty(),
        Value::Scalar(_, value) => *value != 0.0,
        Value::String(..) => true,
    }
}

impl Probe for Running {
    fn probe<'a>(&'a self, check: &'a Check) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.run(check))
    }

    fn can_tell(&self, check: &Check) -> bool {
        check.group.as_ref().is_none_or(|group| self.members(group).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(up_min: u64, members: &[(&str, Option<Member>)]) -> Option<String> {
        let checks = members.iter().map(|(name, _)| (*name).to_owned()).collect();
        let member = |name: &str| members.iter().find(|(known, _)| *known == name).and_then(|(_, member)| member.clone());
        let outcome = judge(&GroupCheck { checks, up_min }, member)?;
        Some(outcome.failure.map_or_else(|| "up".to_owned(), |failure| failure.text))
    }

    #[test]
    fn a_group_is_up_with_enough_of_its_members() {
        let (up, unknown, aside) = (Some(Member::Up), Some(Member::Unknown), Some(Member::Aside));
        let down = Some(Member::Down("answered 503".to_owned()));
        let up = || up.clone();
        assert_eq!(judged(0, &[("a", up()), ("b", up())]).unwrap(), "up");
        let told = "1 of 2 checks are up, 2 must be; down: b (answered 503)";
        assert_eq!(judged(0, &[("a", up()), ("b", down.clone())]).unwrap(), told);
        assert_eq!(judged(1, &[("a", up()), ("b", down.clone())]).unwrap(), "up");
        assert_eq!(judged(0, &[("a", up()), ("b", aside.clone())]).unwrap(), "up", "who is aside does not count");
        assert_eq!(judged(2, &[("a", up()), ("b", aside.clone())]).unwrap(), "up");
        assert_eq!(judged(0, &[("a", aside)]), None, "nobody counts");
        assert_eq!(judged(0, &[("a", up()), ("b", unknown.clone())]), None);
        assert_eq!(judged(1, &[("a", up()), ("b", unknown.clone())]).unwrap(), "up");
        let told = "0 of 2 checks are up, 2 must be; down: b (answered 503)";
        assert_eq!(judged(0, &[("a", unknown), ("b", down)]).unwrap(), told, "whatever becomes of the other");
        assert_eq!(judged(0, &[("a", None)]).unwrap(), "there is no check \"a\", which the group is to hold");
    }
}
