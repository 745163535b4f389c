//! What every wanted line contains, as far as it can be told from a query: the store leaves out what cannot match.
//!
//! Needs are necessary, not sufficient: whoever reads the lines checks them again.

/// A condition that every wanted line meets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Needs {
    /// Nothing is known.
    #[default]
    Anything,
    /// The line's text has these bytes somewhere.
    Text {
        /// The bytes; lower-cased (ASCII) when the case does not count.
        bytes: Vec<u8>,
        /// Whether upper and lower case (ASCII) are the same.
        any_case: bool,
        /// Whether they stand alone there: no letter, digit, underscore or byte beyond ASCII is next to them.
        alone: bool,
    },
    /// Each of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// These, for lines of streams without a label; of those that have it, nothing is known.
    Unless {
        /// The label's name.
        label: Box<str>,
        /// What lines of other streams contain.
        needs: Box<Self>,
    },
    /// No line is wanted.
    Nothing,
}

impl Needs {
    /// The line's text has these bytes.
    pub fn text(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::Anything } else { Self::Text { bytes, any_case: false, alone: false } }
    }

    /// The line's text has these bytes, in upper or lower case.
    pub fn text_any_case(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Self::Anything } else { Self::Text { bytes: bytes.to_ascii_lowercase(), any_case: true, alone: false } }
    }

    /// The same, where the texts stand alone.
    #[must_use]
    pub fn alone(self) -> Self {
        match self {
            Self::Text { bytes, any_case, .. } => Self::Text { bytes, any_case, alone: true },
            Self::All(all) => Self::All(all.into_iter().map(Self::alone).collect()),
            Self::Any(any) => Self::Any(any.into_iter().map(Self::alone).collect()),
            Self::Unless { label, needs } => Self::Unless { label, needs: Box::new(needs.alone()) },
            Self::Anything | Self::Nothing => self,
        }
    }

    /// This for streams without a label, nothing for those that have it.
    #[must_use]
    pub fn unless(self, label: &str) -> Self {
        match self {
            Self::Anything => Self::Anything,
            needs => Self::Unless { label: label.into(), needs: Box::new(needs) },
        }
    }

    /// The same for streams of which it is known whether some of them have a label.
    #[must_use]
    pub fn settled(&self, has: &dyn Fn(&str) -> bool) -> Self {
        match self {
            Self::Unless { label, .. } if has(label) => Self::Anything,
            Self::Unless { needs, .. } => needs.settled(has),
            Self::All(all) => all.iter().map(|one| one.settled(has)).fold(Self::Anything, Self::and),
            Self::Any(any) => any.iter().map(|one| one.settled(has)).reduce(Self::or).unwrap_or(Self::Nothing),
            Self::Anything | Self::Nothing | Self::Text { .. } => self.clone(),
        }
    }

    /// Both this and that.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Anything, needs) | (needs, Self::Anything) => needs,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), one) | (one, Self::All(mut all)) => {
                all.push(one);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// This or that.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anything, _) | (_, Self::Anything) => Self::Anything,
            (Self::Nothing, needs) | (needs, Self::Nothing) => needs,
            (Self::Any(mut any), Self::Any(more)) => {
                any.extend(more);
                Self::Any(any)
            }
            (Self::Any(mut any), one) | (one, Self::Any(mut any)) => {
                any.push(one);
                Self::Any(any)
            }
            (one, other) => Self::Any(vec![one, other]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_keeps_what_is_known() {
        let (a, b) = (Needs::text("a"), Needs::text_any_case(b"B"));
        assert_eq!(Needs::Anything.and(a.clone()), a);
        assert_eq!(Needs::Anything.or(a.clone()), Needs::Anything);
        assert_eq!(Needs::Nothing.or(a.clone()), a);
        assert_eq!(Needs::Nothing.and(a.clone()), Needs::Nothing);
        assert_eq!(a.clone().and(b.clone()).and(a.clone()), Needs::All(vec![a.clone(), b.clone(), a.clone()]));
        assert_eq!(a.clone().or(b.clone()), Needs::Any(vec![a, Needs::Text { bytes: b"b".to_vec(), any_case: true, alone: false }]));
        assert_eq!(Needs::text(""), Needs::Anything);
        let alone = |text: &str| Needs::Text { bytes: text.into(), any_case: false, alone: true };
        assert_eq!(Needs::text("a").or(Needs::text("b")).unless("x").alone(), alone("a").or(alone("b")).unless("x"));
    }

    #[test]
    fn what_hangs_on_labels_is_settled_for_streams() {
        let (a, b) = (Needs::text("a"), Needs::text("b"));
        let needs = a.clone().and(b.clone().unless("level")).and(a.clone().unless("x").or(b.clone()));
        let all = Needs::All(vec![a.clone(), b.clone(), a.clone().or(b.clone())]);
        assert_eq!(needs.settled(&|_| false), all);
        assert_eq!(needs.settled(&|_| true), a);
        assert_eq!(needs.settled(&|label| label == "x"), a.clone().and(b));
        assert_eq!(Needs::Anything.unless("x"), Needs::Anything);
        assert_eq!(a.settled(&|_| true), a);
    }
}
