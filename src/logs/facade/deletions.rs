//! Deleting lines of the store, as the API asks for it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::base::clock::SharedClock;
use crate::logs::model::deletions::{DeleteLines, DeleteLinesError, DeletedLines};
use crate::logs::model::needs::Needs;
use crate::logs::model::read::Span;
use crate::logs::query::ast::{LogExpr, Query};
use crate::logs::query::engine::Pipeline;
use crate::logs::query::needs::needs;
use crate::logs::query::parse::{Dialect, parse};
use crate::logs::store::db::DeleteError;
use crate::logs::store::{CompileFilter, FilterLines, LineFilter, OneStream, Store};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// Turns the query of a deletion into a filter of lines.
pub(super) struct Filters(pub(super) SharedClock);

impl CompileFilter for Filters {
    fn compile(&self, query: &str) -> Result<LineFilter, String> {
        let Query::Log(log) = parse(query, Dialect::Loki).map_err(|error| error.to_string())? else {
            return Err("only lines can be deleted, and this is a metric query".to_owned());
        };
        let now = self.0.now_ms().saturating_mul(1_000_000);
        let first = Pipeline::new(&log.stages, now).map_err(|error| error.to_string())?;
        Ok(Box::new(PipelineFilter { log, now, idle: Mutex::new(vec![first]) }))
    }
}

/// Pipelines kept between streams: about as many as there are readers at a time.
const IDLE_MAX: usize = 8;

/// Lines that pass a pipeline. Each reader has one of its own for as long as it is at a stream.
struct PipelineFilter {
    log: LogExpr,
    now: i64,
    idle: Mutex<Vec<Pipeline>>,
}

impl FilterLines for PipelineFilter {
    fn needs(&self) -> Needs {
        needs(&self.log, &|_| true)
    }

    fn of_stream(&self, labels: &Labels) -> OneStream<'_> {
        let idle = self.idle.lock().pop();
        // It was made once, so that it can be made again.
        let Some(mut pipeline) = idle.or_else(|| Pipeline::new(&self.log.stages, self.now).ok()) else {
            return Box::new(|_, _, _| false);
        };
        pipeline.set_stream(labels);
        let mut taken = Taken { of: self, pipeline: Some(pipeline) };
        Box::new(move |ts, text, fields| taken.pipeline.as_mut().is_some_and(|pipeline| pipeline.process(ts, text, fields).is_some()))
    }
}

/// A pipeline that goes back.
struct Taken<'f> {
    of: &'f PipelineFilter,
    pipeline: Option<Pipeline>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut idle = self.of.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.extend(self.pipeline.take());
        }
    }
}

/// Deletes lines of a store.
pub(super) struct StoreDeletions(pub(super) Arc<Store>);

impl DeleteLines for StoreDeletions {
    fn delete(&self, matchers: Vec<Matcher>, span: Span, query: Option<String>) -> Result<u64, DeleteLinesError> {
        self.0.delete(matchers, span, query).map_err(refusal)
    }

    fn cancel(&self, id: u64) -> Result<(), DeleteLinesError> {
        self.0.cancel_delete(id).map_err(refusal)
    }

    fn list(&self) -> Vec<DeletedLines> {
        let all = self.0.deletes().into_iter();
        all.map(|one| DeletedLines {
            id: one.id,
            created_ms: one.created_ms,
            matchers: one.matchers,
            span: one.span,
            query: one.query,
            is_done: one.processed_ms.is_some(),
        })
        .collect()
    }
}

fn refusal(error: DeleteError) -> DeleteLinesError {
    match error {
        DeleteError::Unknown(id) => DeleteLinesError::Unknown(id),
        DeleteError::Query(_) | DeleteError::Span | DeleteError::TooMany => DeleteLinesError::Refused(error.to_string()),
        DeleteError::Store(_) => DeleteLinesError::Storage(error.to_string()),
    }
}
