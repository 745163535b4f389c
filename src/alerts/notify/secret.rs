//! Secrets of channels: written in the configuration or in files, and kept out of everything that is shown.

use crate::base::secret::Secret;
use crate::platform::config::value::{FilePath, HttpUrl};

use super::Refusal;

/// Most bytes of a file that holds a secret.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Shorter texts are no secrets worth the name, and would mask half of every sentence.
const SECRET_CHARS_MIN: usize = 4;
/// Shorter parts of addresses are words.
const PART_CHARS_MIN: usize = 6;

/// A secret, or where it is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Written in the configuration.
    Inline(Secret),
    /// In a file, read at each use; white space around it is dropped.
    File(String),
}

impl Source {
    /// The file counts if there is one.
    pub fn of(inline: &Secret, file: &FilePath) -> Self {
        if file.is_empty() { Self::Inline(inline.clone()) } else { Self::File(file.0.clone()) }
    }

    /// The same of an address.
    pub fn of_url(inline: Option<&HttpUrl>, file: &FilePath) -> Self {
        Self::of(&Secret::new(inline.map_or("", HttpUrl::expose)), file)
    }

    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Inline(secret) if secret.is_empty())
    }

    /// The secret; `key` names it in errors.
    pub async fn read(&self, key: &str) -> Result<Secret, Refusal> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                let read = read.map_err(|error| error.to_string()).and_then(|read| read);
                // Whoever writes the file may be doing so just now.
                read.map_err(|error| Refusal::for_now(format!("read {key}_file: {error}")))
            }
        }
    }
}

fn read_file(path: &str) -> Result<Secret, String> {
    use std::io::Read;
    let failed = |error: std::io::Error| format!("open {path}: {error}");
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(format!("open {path}: more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(Secret::new(text.trim()))
}

/// What must not be shown of a try.
#[derive(Debug, Clone, Default)]
pub(super) struct Mask(Vec<Secret>);

impl Mask {
    /// Hides these.
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut mask = Self::default();
        secrets.into_iter().for_each(|secret| mask.hide(secret));
        mask
    }

    /// Hides these addresses, and the parts of them that may be tokens: what stands last, and values of parameters.
    pub fn of_urls<'s>(urls: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut mask = Self::default();
        for secret in urls {
            mask.hide(secret);
            let Ok(url) = url::Url::parse(secret.expose()) else { continue };
            let last = url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned));
            for part in last.into_iter().chain(url.query_pairs().map(|(_, value)| value.into_owned())) {
                if part.chars().count() >= PART_CHARS_MIN {
                    mask.hide(&Secret::new(part));
                }
            }
        }
        mask
    }

    /// Hides one more.
    pub fn hide(&mut self, secret: &Secret) {
        if secret.expose().chars().count() >= SECRET_CHARS_MIN {
            self.0.push(secret.clone());
        }
    }

    /// A text without them.
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "<secret>"))
    }
}
