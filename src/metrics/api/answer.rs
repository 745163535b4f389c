//! How failures of queries become answers; the envelope itself is [`crate::platform::http::envelope`].

pub(super) use crate::platform::http::envelope::{ApiError, ErrorKind, json_body, success, success_with_warnings};
use crate::series::ports::{EvaluateError, SelectError};

impl From<EvaluateError> for ApiError {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::Invalid { message, span } => {
                Self { kind: ErrorKind::BadData, message: format!("invalid parameter \"query\": {message}"), span }
            }
            EvaluateError::Execution(message) => Self::new(ErrorKind::Execution, message),
            EvaluateError::TimedOut => Self::new(ErrorKind::Timeout, "query timed out in expression evaluation"),
            EvaluateError::Cancelled => Self::new(ErrorKind::Canceled, "query was canceled in expression evaluation"),
            EvaluateError::Storage(message) => Self::new(ErrorKind::Internal, message),
            EvaluateError::Overloaded => Self::new(ErrorKind::Unavailable, error.to_string()),
        }
    }
}

impl From<SelectError> for ApiError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Stopped(crate::base::cancel::Stop::TimedOut) => Self::new(ErrorKind::Timeout, error.to_string()),
            SelectError::Stopped(crate::base::cancel::Stop::Cancelled) => Self::new(ErrorKind::Canceled, error.to_string()),
            SelectError::TooManySeries { .. } => Self::new(ErrorKind::Execution, error.to_string()),
            SelectError::Storage(_) => Self::new(ErrorKind::Internal, error.to_string()),
        }
    }
}
