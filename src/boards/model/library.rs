//! Dashboards as they are kept: their JSON as it came, every version of it, folders, stars; and who keeps them.

use serde_json::Value;

use super::keep::Keeping;

/// Longest uid, in bytes, as in Grafana.
pub const UID_BYTES_MAX: usize = 40;
/// Longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 5_000;
/// Longest message of a version, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 2_000;

/// What is known of a dashboard without its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Its number.
    pub id: i64,
    /// Names it in URLs.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What it says of itself.
    pub description: String,
    /// The folder it lies in; empty for none.
    pub folder_uid: String,
    /// Tags, in the order in which they were given.
    pub tags: Vec<String>,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// Who made it; empty where that is not known.
    pub made_by: String,
    /// When it was changed last.
    pub changed_at: i64,
    /// Who changed it last.
    pub changed_by: String,
    /// The file it comes from; none where it was made in the browser or by the interface.
    pub file: Option<File>,
}

/// The file from which a dashboard comes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Its path.
    pub path: String,
    /// A digest of what it held when it was read last.
    pub hash: String,
    /// The version that it became: a later one was made here.
    pub version: i64,
}

impl About {
    /// What stands behind the uid in URLs: the title in small letters and digits with hyphens.
    pub fn slug(&self) -> String {
        slug(&self.title)
    }

    /// Whether it was changed here after it was read from its file.
    pub fn is_changed_here(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.version != self.version)
    }
}

/// A title for URLs. Titles without a letter or digit give a hyphen.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "-".to_owned() } else { slug.to_owned() }
}

/// Whether a text may name a dashboard or a folder.
pub fn is_uid(text: &str) -> bool {
    (1..=UID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A dashboard that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// All but the JSON.
    pub about: About,
    /// Grafana's classic JSON, as it came, but for `id`, `uid` and `version`, which are the kept ones.
    pub json: Value,
}

/// A dashboard that is to be kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Saving {
    /// Grafana's classic JSON. `uid` names the dashboard, absent or empty for a new one; `version` is the one that was
    /// changed, `id` is not looked at.
    pub json: Value,
    /// The folder; none leaves it where it is.
    pub folder_uid: Option<String>,
    /// What was changed, in the words of who did.
    pub message: String,
    /// Who.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Whether it goes over a newer version.
    pub overwrite: bool,
    /// The version it brings back; 0 for none.
    pub restored: i64,
    /// The file it comes from, with its digest; none leaves what is known.
    pub file: Option<(String, String)>,
}

/// Why a dashboard or folder is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSaved {
    /// Somebody else changed it since.
    #[error("version {is} was saved by {by} after version {had}, which this is a change of")]
    Newer {
        /// The version that is kept.
        is: i64,
        /// Who made it.
        by: String,
        /// The version that was changed.
        had: i64,
    },
    /// There is no such dashboard or folder.
    #[error("there is no {0}")]
    NotFound(String),
    /// The folder is not there.
    #[error("there is no folder with the uid {0:?}")]
    NoFolder(String),
    /// Another thing has the uid.
    #[error("the uid {0:?} is taken")]
    Taken(String),
    /// A folder that holds something.
    #[error("the folder holds {boards} dashboards and {folders} folders: move or delete them first")]
    NotEmpty {
        /// Dashboards in it.
        boards: i64,
        /// Folders in it.
        folders: i64,
    },
    /// Something about it is not allowed.
    #[error("{0}")]
    Wrong(String),
}

/// A version of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// Its number in the table.
    pub id: i64,
    /// Which.
    pub version: i64,
    /// The version it was made from; 0 for none.
    pub parent: i64,
    /// The version it brought back; 0 for none.
    pub restored: i64,
    /// When, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// Who.
    pub made_by: String,
    /// What was changed, in their words.
    pub message: String,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    /// Its number.
    pub id: i64,
    /// Names it in URLs.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// The folder it lies in; empty for none.
    pub parent_uid: String,
    /// What it says of itself.
    pub description: String,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// Who made it.
    pub made_by: String,
    /// When it was changed last.
    pub changed_at: i64,
    /// Who changed it last.
    pub changed_by: String,
}

/// What a folder is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderSaving {
    /// Names it; empty for a new one with a name that is made up.
    pub uid: String,
    /// Its title; none leaves it.
    pub title: Option<String>,
    /// The folder it lies in; none leaves it.
    pub parent_uid: Option<String>,
    /// What it says of itself; none leaves it.
    pub description: Option<String>,
    /// The version that was changed; none does not look, as for folders that are new.
    pub version: Option<i64>,
    /// Whether there must not be such a folder.
    pub is_new: bool,
    /// Who.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
}

/// Which dashboards are looked for; what is empty does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Words that the title holds, whatever their case.
    pub query: String,
    /// Tags that it has, all of them.
    pub tags: Vec<String>,
    /// Those in one of these folders; the empty one and `general` are those in none.
    pub folder_uids: Vec<String>,
    /// Those with these uids.
    pub uids: Vec<String>,
    /// Those that a person marked, by their number.
    pub starred_by: Option<i64>,
}

/// Keeps dashboards. Errors are the keeper's, for the log.
pub trait Library: Send + Sync {
    /// Keeps a dashboard: a new one, or the next version of one.
    fn save(&self, saving: Saving) -> Keeping<'_, Result<About, NotSaved>>;

    /// A dashboard by its uid.
    fn board(&self, uid: String) -> Keeping<'_, Option<Stored>>;

    /// Forgets a dashboard with all its versions; gives what it was.
    fn delete_board(&self, uid: String) -> Keeping<'_, Option<About>>;

    /// Dashboards that are looked for, by title.
    fn find_boards(&self, search: Search) -> Keeping<'_, Vec<About>>;

    /// Every tag with how many dashboards have it, in order.
    fn board_tags(&self) -> Keeping<'_, Vec<(String, i64)>>;

    /// Versions of a dashboard, the newest first, below `before` where that is not 0, at most so many.
    fn versions(&self, uid: String, before: i64, limit: usize) -> Keeping<'_, Vec<Version>>;

    /// A version with its JSON.
    fn version(&self, uid: String, version: i64) -> Keeping<'_, Option<(Version, Value)>>;

    /// Every folder, by title.
    fn folders(&self) -> Keeping<'_, Vec<Folder>>;

    /// Keeps a folder.
    fn save_folder(&self, saving: FolderSaving) -> Keeping<'_, Result<Folder, NotSaved>>;

    /// Forgets a folder. One that holds something stays unless `with_all`, which takes everything in it along.
    fn delete_folder(&self, uid: String, with_all: bool) -> Keeping<'_, Result<Folder, NotSaved>>;

    /// Marks a dashboard for a person, or takes the mark away; whether there is such a dashboard. What keeps only some of
    /// all dashboards marks others too.
    fn star(&self, user_id: i64, uid: String, is_on: bool) -> Keeping<'_, bool>;

    /// The uids of the dashboards that a person marked.
    fn stars(&self, user_id: i64) -> Keeping<'_, Vec<String>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_uids() {
        for (title, expected) in
            [("Node Exporter Full", "node-exporter-full"), ("  A/B & (C) ", "a-b-c"), ("!!!", "-"), ("Über_1", "über_1"), ("", "-")]
        {
            assert_eq!(slug(title), expected, "{title}");
        }
        for (text, is) in [("a-Z_9", true), ("", false), ("a b", false), ("ä", false), (&"x".repeat(41), false), (&"x".repeat(40), true)] {
            assert_eq!(is_uid(text), is, "{text}");
        }
    }
}
