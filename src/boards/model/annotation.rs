//! Annotations: a text at an instant or over a while.

use super::tag::Tag;

/// Longest text, in bytes.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of all tags together.
pub const TAGS_BYTES_MAX: usize = 500;
/// Most bytes of what a program keeps with an annotation.
pub const DATA_BYTES_MAX: usize = 8 * 1024;
/// Longest name of a dashboard, in bytes; Grafana's own have at most 40.
const BOARD_BYTES_MAX: usize = 100;

/// Something that was marked in time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotation {
    /// Its name; 0 before it is kept.
    pub id: i64,
    /// From when, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Until when; the same where it is an instant.
    pub until: i64,
    /// What it says.
    pub text: String,
    /// Tags, in the order in which they were given.
    pub tags: Vec<String>,
    /// The dashboard it belongs to by its name; empty for none.
    pub board_uid: String,
    /// The dashboard by its number, where a program names it so; 0 for none.
    pub board_id: i64,
    /// The panel it belongs to; 0 for none.
    pub panel_id: i64,
    /// Who made it; 0 where that is no person.
    pub user_id: i64,
    /// The name of who made it.
    pub made_by: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
    /// What else a program keeps with it: a JSON object, as text.
    pub data: String,
}

/// Why an annotation cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// It says nothing.
    #[error("text field should not be empty")]
    NoText,
    /// Something of it is too large.
    #[error("{what} has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// What is allowed.
        max: usize,
    },
    /// A time is before 1970.
    #[error("{0} is before 1970: write milliseconds since then")]
    Time(&'static str),
}

impl Annotation {
    /// As it is kept: times in order, one where both are missing is now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(mut self, now: i64) -> Result<Self, Mistake> {
        if self.text.is_empty() {
            return Err(Mistake::NoText);
        }
        let tags = self.tags.iter().map(String::len).sum();
        for (what, bytes, max) in [
            ("text", self.text.len(), TEXT_BYTES_MAX),
            ("tags", tags, TAGS_BYTES_MAX),
            ("data", self.data.len(), DATA_BYTES_MAX),
            ("dashboardUID", self.board_uid.len(), BOARD_BYTES_MAX),
        ] {
            if bytes > max {
                return Err(Mistake::TooLarge { what, bytes, max });
            }
        }
        for (what, at) in [("time", self.at), ("timeEnd", self.until)] {
            if at < 0 {
                return Err(Mistake::Time(what));
            }
        }
        match (self.at, self.until) {
            (0, 0) => (self.at, self.until) = (now, now),
            (0, until) => self.at = until,
            (at, 0) => self.until = at,
            (at, until) if until < at => (self.at, self.until) = (until, at),
            _ => {}
        }
        Ok(self)
    }
}

/// What is to be other than it is; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// From when; 0 leaves it.
    pub at: i64,
    /// Until when; 0 leaves it.
    pub until: i64,
    /// What it says.
    pub text: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// What a program keeps with it.
    pub data: Option<String>,
}

impl Change {
    /// An annotation after the change.
    ///
    /// # Errors
    /// What is wrong with it then.
    pub fn applied_to(self, mut annotation: Annotation, now: i64) -> Result<Annotation, Mistake> {
        if self.at != 0 {
            annotation.at = self.at;
        }
        if self.until != 0 {
            annotation.until = self.until;
        }
        if let Some(text) = self.text {
            annotation.text = text;
        }
        if let Some(tags) = self.tags {
            annotation.tags = tags;
        }
        if let Some(data) = self.data {
            annotation.data = data;
        }
        annotation.changed_at = now;
        annotation.checked(now)
    }
}

/// Which annotations are asked for; what is empty or 0 does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Those that touch this time: from and to, in milliseconds since the Unix epoch, both included.
    pub range: Option<(i64, i64)>,
    /// Those of a dashboard.
    pub board_uid: String,
    /// The same by its number.
    pub board_id: i64,
    /// Those of a panel.
    pub panel_id: i64,
    /// Those that somebody made.
    pub user_id: i64,
    /// Those with these tags; a key alone stands for all its values.
    pub tags: Vec<Tag>,
    /// Whether one of the tags is enough.
    pub any_tag: bool,
    /// At most so many, the newest first.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_put_in_order_and_sizes_are_bounded() {
        let one = |at, until| Annotation { at, until, text: "x".into(), ..Annotation::default() };
        for (at, until, expected) in [(0, 0, (9, 9)), (5, 0, (5, 5)), (0, 5, (5, 5)), (7, 5, (5, 7)), (5, 7, (5, 7))] {
            let kept = one(at, until).checked(9).unwrap();
            assert_eq!((kept.at, kept.until), expected);
        }
        for (wrong, words) in [
            (Annotation::default(), "text field should not be empty"),
            (one(-1, 0), "time is before 1970"),
            (Annotation { text: "x".repeat(9000), ..one(1, 1) }, "text has 9000 bytes, at most 8192 are allowed"),
            (Annotation { tags: vec!["x".repeat(501)], ..one(1, 1) }, "tags has 501"),
            (Annotation { data: "x".repeat(9000), ..one(1, 1) }, "data has"),
            (Annotation { board_uid: "x".repeat(101), ..one(1, 1) }, "dashboardUID has"),
        ] {
            assert!(wrong.checked(9).unwrap_err().to_string().starts_with(words), "{words}");
        }
    }

    #[test]
    fn changes_leave_what_they_do_not_name() {
        let before = Annotation { at: 5, until: 7, text: "a".into(), tags: vec!["x".into()], ..Annotation::default() };
        let after = Change { until: 9, tags: Some(vec![]), ..Change::default() }.applied_to(before.clone(), 20).unwrap();
        assert_eq!((after.at, after.until, after.text.as_str(), after.tags.len(), after.changed_at), (5, 9, "a", 0, 20));
        assert_eq!(Change { text: Some(String::new()), ..Change::default() }.applied_to(before, 20), Err(Mistake::NoText));
    }
}
