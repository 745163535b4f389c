//! Who takes care of an alert, and what people said of it.

use crate::series::labels::Labels;

/// How an alert that fires is taken care of. It ends with the alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handling {
    /// Who said that they take care: nobody is reminded of the alert, and it does not escalate.
    pub acknowledged: Option<Acknowledged>,
    /// Whose it is.
    pub assignee: Option<String>,
}

/// Who acknowledged, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
}

/// What somebody does about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// They take care of it.
    Acknowledge,
    /// They do not any more.
    Release,
    /// It is somebody's, or nobody's.
    Assign(Option<String>),
    /// They say something.
    Comment(String),
}

/// A line of an alert's history of deeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The alert.
    pub labels: Labels,
    /// Who.
    pub by: String,
    /// What.
    pub deed: Deed,
}

impl Handling {
    /// Whether somebody said that they take care.
    pub const fn is_acknowledged(&self) -> bool {
        self.acknowledged.is_some()
    }

    /// Whether there is nothing to say.
    pub const fn is_empty(&self) -> bool {
        self.acknowledged.is_none() && self.assignee.is_none()
    }

    /// After a deed.
    pub fn after(&mut self, deed: &Deed, by: &str, at: i64) {
        match deed {
            Deed::Acknowledge => self.acknowledged = Some(Acknowledged { by: by.to_owned(), at }),
            Deed::Release => self.acknowledged = None,
            Deed::Assign(person) => self.assignee.clone_from(person),
            Deed::Comment(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_change_who_takes_care() {
        let mut handling = Handling::default();
        for (deed, acknowledged, assignee) in [
            (Deed::Comment("odd".into()), None, None),
            (Deed::Acknowledge, Some("eve"), None),
            (Deed::Assign(Some("bob".into())), Some("eve"), Some("bob")),
            (Deed::Comment("still".into()), Some("eve"), Some("bob")),
            (Deed::Release, None, Some("bob")),
            (Deed::Assign(None), None, None),
        ] {
            handling.after(&deed, "eve", 5);
            let now = (handling.acknowledged.as_ref().map(|ack| ack.by.as_str()), handling.assignee.as_deref());
            assert_eq!(now, (acknowledged, assignee), "{deed:?}");
        }
        assert!(handling.is_empty());
    }
}
