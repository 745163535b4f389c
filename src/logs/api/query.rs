//! `query` and `query_range`.

use super::ApiState;
use super::answer::ApiError;
use super::params::Bounds;
use super::tail::{TailFilter, TailLine};
use crate::platform::http::extract::Params;

/// Lines that are asked for.
pub(super) struct LineQuestion;

/// What was found.
pub(super) struct LineAnswer {
    pub(super) lines: Vec<TailLine>,
}

pub(super) fn line_question(_params: &Params, _bounds: Bounds, _limit: usize) -> Result<LineQuestion, ApiError> {
    Ok(LineQuestion)
}

pub(super) fn tail_filter(_state: &ApiState, _params: &Params) -> Result<TailFilter, ApiError> {
    Err(ApiError::bad(""))
}

impl ApiState {
    pub(super) async fn lines(&self, _question: LineQuestion) -> Result<LineAnswer, ApiError> {
        Err(ApiError::bad(""))
    }
}
