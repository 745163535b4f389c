//! How each kind of check is probed: over the network by its plan, or by asking a query.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::base::cancel::{Cancel, Stop};
use crate::base::clock::SharedClock;
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::Value;
use crate::uptime::config::check::{ModuleCheck, QueryCheck};
use crate::uptime::config::plan::plan;
use crate::uptime::config::{Check, Module, Modules};
use crate::uptime::model::outcome::{Failure, FailureKind, Outcome};
use crate::uptime::probe::Prober;
use crate::uptime::watch::watcher::Probe;

/// Probes checks.
pub(super) struct Running {
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
        match plan(check) {
            Ok(Some(plan)) => self.over_network(&plan.target, &plan.module, timeout).await,
            Ok(None) => failed(FailureKind::Target, "there is nothing to probe"),
            Err(why) => failed(FailureKind::Target, why),
        }
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
}
