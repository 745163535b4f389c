//! Rules that people write in the web pages or send to the API: kept by the server, in the format of rule files.

use std::future::Future;
use std::pin::Pin;

use crate::alerts::model::Group;
use crate::platform::config::diagnostic::{Diagnostic, lines};

/// Characters of a file's name at most.
pub const NAME_CHARS_MAX: usize = 100;
/// In front of the names of such files where the files of rules are shown.
pub const PREFIX: &str = "pharos:";

/// A file of rules that the server keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Names it.
    pub name: String,
    /// In the format of rule files.
    pub text: String,
    /// Who changed it last.
    pub changed_by: String,
    /// When, in milliseconds since the Unix epoch.
    pub changed_at: i64,
    /// Why its rules are not evaluated, if they are not: another version of pharos may have taken them.
    pub problems: Vec<Diagnostic>,
}

/// Why rules were not kept.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The name is no name.
    #[error("{0}")]
    Name(String),
    /// The text is no rule file, or its rules are wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// There is no such file.
    #[error("there is no file of rules named {0:?}")]
    Missing(String),
    /// There is no room for it.
    #[error("{0}")]
    TooMuch(String),
    /// The database failed.
    #[error("{0}")]
    Store(String),
}

/// The groups of a file, and what is odd about it; or what is wrong with it.
pub type Checked = Result<(Vec<Group>, Vec<Diagnostic>), Vec<Diagnostic>>;
/// What was there before, once the change is stored for good and the rules run.
pub type Kept<'a> = Pin<Box<dyn Future<Output = Result<Option<OwnFile>, OwnError>> + Send + 'a>>;

/// The rules that the server keeps.
pub trait OwnRules: Send + Sync {
    /// Every file, by name. Blocking.
    fn files(&self) -> Result<Vec<OwnFile>, OwnError>;

    /// Reads a text as the file `name`. Blocking.
    fn check(&self, name: &str, text: &str) -> Checked;

    /// Keeps a file, in place of one of the same name, and evaluates its rules from now on.
    fn save<'a>(&'a self, name: &'a str, text: &'a str, by: &'a str) -> Kept<'a>;

    /// Forgets a file and ends its rules.
    fn delete<'a>(&'a self, name: &'a str) -> Kept<'a>;
}

/// A name as it is kept.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<String, OwnError> {
    let name = text.trim();
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    if name.is_empty() {
        return Err(OwnError::Name("a file of rules needs a name".to_owned()));
    }
    if name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_fine) || name.starts_with('.') {
        let allowed = format!("letters, digits, spaces, '-', '_' and '.' (not first), at most {NAME_CHARS_MAX}");
        return Err(OwnError::Name(format!("{name:?} cannot name a file of rules; allowed are {allowed}")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for (text, expected) in [
            (" Disk space ", Some("Disk space")),
            ("api-v2_x.yml", Some("api-v2_x.yml")),
            ("Größe", Some("Größe")),
            ("", None),
            ("../etc", None),
            (".hidden", None),
            ("a/b", None),
            ("a\nb", None),
        ] {
            assert_eq!(name(text).ok().as_deref(), expected, "{text:?}");
        }
        assert!(name(&"x".repeat(NAME_CHARS_MAX + 1)).is_err());
    }
}
