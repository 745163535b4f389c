//! What pages know of labels: which ones streams have, and whether every stream has one.

use std::cell::RefCell;
use std::collections::HashMap;

use super::PageState;
use crate::base::cancel::Cancel;
use crate::logs::model::read::{Span, StreamQuery};
use crate::series::matcher::Matcher;

/// Labels of the streams with lines in a span.
pub(super) struct Known<'a> {
    state: &'a PageState,
    span: Span,
    cancel: &'a Cancel,
    /// Names of labels, sorted.
    pub(super) names: Vec<String>,
    on_every: RefCell<HashMap<String, bool>>,
}

impl<'a> Known<'a> {
    /// Asks for the names of labels.
    pub(super) fn new(state: &'a PageState, span: Span, cancel: &'a Cancel) -> Self {
        let query = StreamQuery { any_of: &[], span, limit: 0 };
        let names = state.logs.api.select().label_names(&query, cancel).unwrap_or_else(|error| {
            tracing::debug!(%error, "a page could not list labels");
            Vec::new()
        });
        Self { state, span, cancel, names, on_every: RefCell::default() }
    }

    /// Whether every stream has a label. If that cannot be told, not: then lines are looked at too, and nothing is missed.
    pub(super) fn is_on_every_stream(&self, name: &str) -> bool {
        if self.names.binary_search_by(|known| known.as_str().cmp(name)).is_err() {
            return false;
        }
        if let Some(known) = self.on_every.borrow().get(name) {
            return *known;
        }
        let without = [vec![Matcher::equal(name, "")]];
        let query = StreamQuery { any_of: &without, span: self.span, limit: 1 };
        let found = self.state.logs.api.select().streams(&query, self.cancel).is_ok_and(|streams| streams.is_empty());
        self.on_every.borrow_mut().insert(name.to_owned(), found);
        found
    }
}
