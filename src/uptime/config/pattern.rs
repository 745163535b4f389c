//! A regular expression as Go reads it, over bytes: what comes over the wire need not be text.

use std::fmt;

use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::base::limits::REGEX_BYTES_MAX;
use crate::series::{go_regex, re2};

/// A regular expression, and how it was written.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, in Go's words.
    pub fn new(text: &str) -> Result<Self, String> {
        let translated = re2::translate(text).map_err(|reason| go_regex::message(text, &reason))?;
        let built = RegexBuilder::new(&translated).size_limit(REGEX_BYTES_MAX).build();
        let regex = built.map_err(|error| go_regex::message(text, &error.to_string()))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is found in `bytes`.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.regex.is_match(bytes)
    }

    /// What it finds first, with its groups.
    pub fn captures<'b>(&self, bytes: &'b [u8]) -> Option<Captures<'b>> {
        self.regex.captures(bytes)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
