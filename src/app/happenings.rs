//! What happened when: marks of people and programs, and what was down, as one.

use std::sync::Arc;

use crate::base::time::TimeRange;
use crate::series::ports::{Happening, Happenings, Incidents};

/// The tag of what was down.
const INCIDENT: &str = "incident";

/// Both.
pub(super) struct Everything {
    pub(super) marked: Arc<dyn Happenings>,
    pub(super) incidents: Arc<dyn Incidents>,
}

impl Happenings for Everything {
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<Happening>, String> {
        let mut all = self.marked.within(range, limit)?;
        let down = self.incidents.within(range, limit)?.into_iter().map(|one| Happening {
            at: one.from,
            // What goes on lasts as long as anybody looks.
            until: one.until.unwrap_or(range.end).max(one.from),
            text: format!("{}: {}", one.of, one.cause),
            tags: vec![INCIDENT.to_owned()],
            by: String::new(),
            path: one.path,
        });
        all.extend(down);
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        all.truncate(limit);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::ports::IncidentThen;

    struct Told;

    impl Happenings for Told {
        fn within(&self, _: TimeRange, _: usize) -> Result<Vec<Happening>, String> {
            let mark = |at| Happening { at, until: at, text: at.to_string(), tags: Vec::new(), by: String::new(), path: String::new() };
            Ok(vec![mark(30), mark(10)])
        }
    }

    impl Incidents for Told {
        fn within(&self, _: TimeRange, _: usize) -> Result<Vec<IncidentThen>, String> {
            Ok(vec![IncidentThen { of: "Shop".into(), from: 20, cause: "refused".into(), path: "/x".into(), ..IncidentThen::default() }])
        }
    }

    #[test]
    fn marks_and_incidents_come_in_order_the_newest_first() {
        let both = Everything { marked: Arc::new(Told), incidents: Arc::new(Told) };
        let found = both.within(TimeRange::new(0, 100), 2).unwrap();
        assert_eq!(found.iter().map(|one| (one.at, one.until)).collect::<Vec<_>>(), [(30, 30), (20, 100)]);
        assert_eq!(
            (found[1].text.as_str(), found[1].path.as_str(), &found[1].tags[..]),
            ("Shop: refused", "/x", &["incident".to_owned()][..])
        );
    }
}
