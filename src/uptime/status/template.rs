//! Texts to choose from where something is told: those that are built in have a key, and others may stand in their place.

use super::post::{Stage, vet_text};

/// Texts that are kept, in all languages.
pub const TEMPLATES_MAX: usize = 200;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 100;

/// Keys of the texts that are built in; the first four are those of the stages.
pub const READY_KEYS: [&str; 9] = ["investigating", "identified", "monitoring", "resolved", "errors", "slow", "provider", "begun", "done"];

/// A text to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Names it; 0 for one that is not kept yet.
    pub id: i64,
    /// Of pages in this language.
    pub language: String,
    /// The key of the built-in text that it stands in place of; none for one more.
    pub ready: Option<String>,
    /// What people choose it by.
    pub name: String,
    /// How far they are who tell it; none where it fits any.
    pub stage: Option<Stage>,
    /// In words.
    pub text: String,
}

impl Template {
    /// What is wrong with it; the field and why.
    ///
    /// # Errors
    /// The first that is.
    pub fn vet(&self) -> Result<(), (&'static str, String)> {
        if let Some(key) = self.ready.as_deref().filter(|key| !READY_KEYS.contains(key)) {
            let known = READY_KEYS.join(", ");
            return Err(("ready", format!("ready: read {}, expected one of {known}", crate::base::quote::quote(key))));
        }
        if self.name.is_empty() {
            return Err(("name", "a text to choose from has a name".to_owned()));
        }
        if self.name.chars().count() > NAME_CHARS_MAX {
            return Err(("name", format!("name: longer than {NAME_CHARS_MAX} characters")));
        }
        vet_text(&self.text)
    }
}
