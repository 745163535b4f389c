//! Doors for the fuzz targets in `tests/fuzz/`; compiled only there. Each takes bytes as somebody would hand them over, and
//! panics where a promise of the reader behind it does not hold.

use std::collections::HashSet;

use crate::uptime::bring;
use crate::uptime::config::file::{CHECKS_MAX, read_one};
use crate::uptime::config::plan::plan;
use crate::uptime::store::kuma;

/// A check in YAML or JSON: what is read is printed, reads back as the same, also over itself, and can be planned without a
/// panic.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(defined) = read_one(text, None) else { return };
    let again = read_one(&defined.definition(), None);
    assert_eq!(again.map(|again| again.check).as_ref(), Ok(&defined.check), "it reads back as the same");
    let over = read_one(&defined.definition(), Some(&defined));
    assert_eq!(over.map(|over| over.check).as_ref(), Ok(&defined.check), "nothing of it was hidden, and it goes where it went");
    let _either = plan(&defined.check).is_ok();
    let _shown = (defined.check.target(), defined.check.kind(), defined.check.deadline_after(0));
}

/// A file of another program: whatever it is, the checks that come of it are right, and no two have one name.
pub fn bring(data: &[u8]) {
    let Ok(brought) = bring::read(data, kuma::read) else { return };
    assert!(brought.checks.len() <= CHECKS_MAX);
    let mut names = HashSet::new();
    for text in &brought.checks {
        let check = read_one(text, None).expect("it was vetted").check;
        for needed in check.members().iter().chain(Some(&check.parent).filter(|parent| !parent.is_empty())) {
            assert!(names.contains(needed) || !brought.source.starts_with("Uptime Kuma"), "{needed} comes before {}", check.name);
        }
        assert!(names.insert(check.name.clone()) || brought.source == "pharos", "{} is there twice", check.name);
    }
}
