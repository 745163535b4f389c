//! What people tell on a status page: a post with its updates, from what is looked into to what is solved.

/// Characters of a title.
pub const TITLE_CHARS_MAX: usize = 200;
/// Characters of one update.
pub const TEXT_CHARS_MAX: usize = 5_000;
/// Updates of one post.
pub const UPDATES_MAX: usize = 200;
/// Drafts of one page.
pub const DRAFTS_MAX: usize = 100;
/// Posts of one page that are kept.
pub const POSTS_MAX: usize = 1_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong; people should know something.
    Notice,
    /// Work that was announced.
    Maintenance,
    /// Slower or less than usual.
    Degraded,
    /// Does not work.
    Outage,
}

impl Severity {
    /// Every one, in the order of forms.
    pub const ALL: [Self; 4] = [Self::Notice, Self::Degraded, Self::Outage, Self::Maintenance];

    /// As stored and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Maintenance => "maintenance",
            Self::Degraded => "degraded",
            Self::Outage => "outage",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// How far they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// They look into it.
    Investigating,
    /// They know why.
    Identified,
    /// They did something, and watch whether it helps.
    Monitoring,
    /// It is over.
    Resolved,
}

impl Stage {
    /// Every one, in the order in which they come.
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// As stored and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// One thing that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Names it.
    pub id: i64,
    /// When.
    pub at: i64,
    /// How far they are.
    pub stage: Stage,
    /// In words; empty where the server made it.
    pub text: String,
    /// By whom.
    pub made_by: String,
    /// When it was put in other words, if it was.
    pub edited_at: Option<i64>,
}

/// A thread of updates about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Names it.
    pub id: i64,
    /// The page that it is on.
    pub page: i64,
    /// In a few words; empty where the server made it.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Numbers of the checks that it is about.
    pub checks: Vec<i64>,
    /// When the incident began that the server made it of.
    pub of: Option<i64>,
    /// When it was made.
    pub made_at: i64,
    /// By whom.
    pub made_by: String,
    /// What was told, the oldest first; never empty.
    pub updates: Vec<Update>,
}

impl Post {
    /// How far they are.
    pub fn stage(&self) -> Stage {
        self.updates.last().map_or(Stage::Investigating, |update| update.stage)
    }

    /// When it was solved; none while it is not.
    pub fn resolved_at(&self) -> Option<i64> {
        self.updates.last().filter(|update| update.stage == Stage::Resolved).map(|update| update.at)
    }

    /// When something was told last.
    pub fn told_at(&self) -> i64 {
        self.updates.last().map_or(self.made_at, |update| update.at)
    }

    /// When it was told of, or what was told was put in other words, last.
    pub fn changed_at(&self) -> i64 {
        self.updates.iter().flat_map(|update| [Some(update.at), update.edited_at]).flatten().max().unwrap_or(self.made_at)
    }

    /// Whether it is about a check; one that names none is about all.
    pub fn is_about(&self, check: i64) -> bool {
        self.checks.contains(&check)
    }
}

/// A post as somebody sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    /// In a few words.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Names of the checks that it is about.
    pub checks: Vec<String>,
    /// How far they are.
    pub stage: Stage,
    /// In words.
    pub text: String,
}

impl NewPost {
    /// What is wrong with it; the field and why.
    ///
    /// # Errors
    /// The first that is.
    pub fn vet(&self) -> Result<(), (&'static str, String)> {
        if self.title.trim().is_empty() {
            return Err(("title", "a post has a title".to_owned()));
        }
        self.vet_lengths()?;
        vet_text(&self.text)
    }

    /// What is wrong with it as a draft, which need not be whole.
    ///
    /// # Errors
    /// The first that is too long.
    pub fn vet_lengths(&self) -> Result<(), (&'static str, String)> {
        if self.title.chars().count() > TITLE_CHARS_MAX {
            return Err(("title", format!("title: longer than {TITLE_CHARS_MAX} characters")));
        }
        vet_length(&self.text)
    }
}

/// A post that only editors see, until they tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostDraft {
    /// Names it.
    pub id: i64,
    /// The page that it is for.
    pub page: i64,
    /// In a few words; may be empty still.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Numbers of the checks that it is about.
    pub checks: Vec<i64>,
    /// How far they are.
    pub stage: Stage,
    /// In words; may be empty still.
    pub text: String,
    /// When it was changed last.
    pub changed_at: i64,
    /// By whom.
    pub changed_by: String,
}

/// What is wrong with the text of an update.
///
/// # Errors
/// The field, and why.
pub fn vet_text(text: &str) -> Result<(), (&'static str, String)> {
    if text.trim().is_empty() {
        return Err(("text", "an update says something".to_owned()));
    }
    vet_length(text)
}

fn vet_length(text: &str) -> Result<(), (&'static str, String)> {
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(("text", format!("text: longer than {TEXT_CHARS_MAX} characters")));
    }
    Ok(())
}
