//! What a route is for, in the words of a description that programs read (OpenAPI).

use serde_json::Value as Json;

/// What a route is for.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// In one sentence, without a full stop.
    pub summary: &'static str,
    /// Parameters of the query, and what each means.
    pub query: &'static [(&'static str, &'static str)],
    /// Headers that change what it does, and what each means.
    pub headers: &'static [(&'static str, &'static str)],
    /// JSON Schema of what is sent.
    pub body: Option<fn() -> Json>,
    /// What comes back below `data`, in words; empty for another media type than JSON.
    pub answer: &'static str,
}

impl Operation {
    /// One without anything to send.
    pub const fn new(summary: &'static str, answer: &'static str) -> Self {
        Self { summary, query: &[], headers: &[], body: None, answer }
    }

    /// The same with parameters of the query.
    #[must_use]
    pub const fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    /// The same with headers.
    #[must_use]
    pub const fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The same with something to send.
    #[must_use]
    pub const fn body(self, body: fn() -> Json) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Two are the same if they say the same.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        (self.summary, self.query, self.headers, self.answer) == (other.summary, other.query, other.headers, other.answer)
    }
}

impl Eq for Operation {}
