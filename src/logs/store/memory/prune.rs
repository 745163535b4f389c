//! Leaves out pages of text that have nothing of what every wanted line contains.

use memchr::memmem::Finder;

use super::pages::Pages;
use crate::base::cancel::{Cancel, Stop};
use crate::logs::model::needs::Needs;

/// Which pages of text are worth looking at.
pub(super) struct WantedPages(Option<Vec<bool>>);

impl WantedPages {
    /// Looks through all pages. Text is quicker to look through where it lies than to hand over.
    pub(super) fn find(pages: &Pages, needs: &Needs, cancel: &Cancel) -> Result<Self, Stop> {
        let Some(test) = Test::of(needs) else { return Ok(Self(None)) };
        let mut wanted = Vec::new();
        for page in pages.texts() {
            cancel.check()?;
            wanted.push(test.passes(page));
        }
        Ok(Self(Some(wanted)))
    }

    /// Whether none is.
    pub(super) fn is_none(&self) -> bool {
        self.0.as_ref().is_some_and(|wanted| !wanted.contains(&true))
    }

    /// Whether one is.
    #[inline]
    pub(super) fn has(&self, page: u32) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.get(page as usize).copied().unwrap_or(true))
    }
}

/// What can be found in a page quickly.
enum Test<'n> {
    Text(Box<Finder<'n>>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<'n> Test<'n> {
    /// `None` when nothing can be said.
    fn of(needs: &'n Needs) -> Option<Self> {
        match needs {
            Needs::Text { bytes, any_case, .. } => {
                // Without letters, any case is one case.
                let is_exact = !any_case || !bytes.iter().any(u8::is_ascii_alphabetic);
                is_exact.then(|| Self::Text(Box::new(Finder::new(bytes))))
            }
            Needs::All(all) => {
                let tests: Vec<Self> = all.iter().filter_map(Self::of).collect();
                (!tests.is_empty()).then_some(Self::All(tests))
            }
            Needs::Any(any) => any.iter().map(Self::of).collect::<Option<Vec<Self>>>().map(Self::Any),
            Needs::Nothing => Some(Self::Any(Vec::new())),
            Needs::Anything | Needs::Unless { .. } => None,
        }
    }

    fn passes(&self, page: &[u8]) -> bool {
        match self {
            Self::Text(finder) => finder.find(page).is_some(),
            Self::All(all) => all.iter().all(|test| test.passes(page)),
            Self::Any(any) => any.iter().any(|test| test.passes(page)),
        }
    }
}
