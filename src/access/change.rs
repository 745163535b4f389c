//! How handlers outside of this room tell the audit log what they changed, without knowing who asked.
//!
//! A handler leaves a [`Change`] in its answer; the gate before its route, which knows the caller, writes it down.

use axum::response::Response;
use serde_json::Value as Json;

/// Most bytes of what was before or is now; a longer one is left out, and its size is said.
const DETAIL_BYTES_MAX: usize = 4096;

/// What was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) before: Option<Json>,
    pub(super) after: Option<Json>,
}

impl Change {
    /// A change such as `push.delete`, and to what.
    pub fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self { action, subject: subject.into(), before: None, after: None }
    }

    /// How it was; none where it was not there. Holds no secret.
    #[must_use]
    pub fn before(mut self, before: impl Into<Option<Json>>) -> Self {
        self.before = before.into();
        self
    }

    /// How it is now; none where it is no more. Holds no secret.
    #[must_use]
    pub fn after(mut self, after: impl Into<Option<Json>>) -> Self {
        self.after = after.into();
        self
    }

    /// Leaves it in the answer, if the answer says that it was done.
    pub fn in_answer(self, mut answer: Response) -> Response {
        if answer.status().is_success() || answer.status().is_redirection() {
            answer.extensions_mut().insert(self);
        }
        answer
    }
}

/// As the audit log keeps it.
pub(super) fn detail(value: Option<&Json>) -> Option<String> {
    let text = value?.to_string();
    if text.len() <= DETAIL_BYTES_MAX { Some(text) } else { Some(format!("{{\"bytes\":{}}}", text.len())) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;

    use super::*;

    #[test]
    fn only_what_was_done_is_told() {
        for (status, told) in [(200, true), (204, true), (303, true), (400, false), (403, false), (500, false)] {
            let answer = Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::empty()).unwrap();
            let answer = Change::new("push.delete", "job=a").in_answer(answer);
            assert_eq!(answer.extensions().get::<Change>().is_some(), told, "{status}");
        }
    }

    #[test]
    fn details_are_bounded() {
        assert_eq!(detail(Some(&serde_json::json!({ "a": 1 }))).as_deref(), Some("{\"a\":1}"));
        assert_eq!(detail(Some(&serde_json::json!({ "a": "x".repeat(5000) }))).as_deref(), Some("{\"bytes\":5008}"));
        assert_eq!(detail(None), None);
    }
}
