//! Which metric is asked for by whom: the queries that others keep, read, and kept in memory for a moment.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::base::clock::SharedClock;
use crate::metrics::model::users::{User, Users};
use crate::metrics::query::parse::ParseOptions;
use crate::metrics::query::shape::read_query;
use crate::series::matcher::Matcher;
use crate::series::ports::MetricUsers;

/// How long what others said counts: a page asks several times, and a change is to show soon.
const FRESH: Duration = Duration::from_secs(2);
/// How long a page waits for what others say, where nothing is known yet.
const FIRST_WITHIN: Duration = Duration::from_secs(5);

/// The conditions of each selector of a query; none where it cannot be read.
type Selectors = Option<Arc<Vec<Vec<Matcher>>>>;

/// Queries that were read: most stay the same from one time to the next.
type Read = HashMap<String, Selectors>;

/// What is known.
#[derive(Default)]
struct Known {
    /// When it was asked for, since the start.
    asked: Option<Duration>,
    users: Arc<Users>,
}

/// Asks others what they ask for.
pub(super) struct AskedFor {
    clock: SharedClock,
    others: OnceLock<Vec<Arc<dyn MetricUsers>>>,
    known: RwLock<Known>,
    /// Held while others are asked.
    read: Mutex<Read>,
}

impl AskedFor {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, others: OnceLock::new(), known: RwLock::default(), read: Mutex::default() }
    }

    /// Whom to ask. Only the first call counts.
    pub(super) fn offer(&self, others: Vec<Arc<dyn MetricUsers>>) {
        let _known_already = self.others.set(others);
    }

    /// Who asks for what. Blocking.
    pub(super) fn users(&self) -> Arc<Users> {
        let (is_fresh, is_known, users) = self.known();
        if is_fresh {
            return users;
        }
        // Others need threads to answer, so that threads may not wait for them in any number: while they are asked, what
        // was known counts.
        let asking = if is_known { self.read.try_lock() } else { self.read.try_lock_for(FIRST_WITHIN) };
        let Some(mut read) = asking else { return self.known().2 };
        if let (true, _, users) = self.known() {
            return users;
        }
        let asked = self.ask(&read);
        let mut known = self.known.write();
        known.asked = Some(self.clock.monotonic());
        match asked {
            Ok((users, now_read)) => (known.users, *read) = (Arc::new(users), now_read),
            // What was known is better than everything being used by nobody.
            Err(why) => tracing::warn!(why, "it is not known who asks for which metric; what was known before counts"),
        }
        Arc::clone(&known.users)
    }

    /// Whether what is known is fresh, whether anything is, and what.
    fn known(&self) -> (bool, bool, Arc<Users>) {
        let known = self.known.read();
        let now = self.clock.monotonic();
        let is_fresh = known.asked.is_some_and(|asked| now.saturating_sub(asked) < FRESH);
        (is_fresh, known.asked.is_some(), Arc::clone(&known.users))
    }

    fn ask(&self, before: &Read) -> Result<(Users, Read), String> {
        let (mut users, mut read) = (Users::default(), Read::new());
        for others in self.others.get().into_iter().flatten() {
            for one in others.users()? {
                let mut selectors = Vec::with_capacity(one.queries.len());
                let mut unread = 0;
                for query in one.queries {
                    let known = read.entry(query);
                    let text = known.key();
                    let found = before.get(text).cloned().unwrap_or_else(|| selectors_of(text));
                    match known.or_insert(found) {
                        Some(found) => selectors.push(Arc::clone(found)),
                        None => unread += 1,
                    }
                }
                let user = User { kind: one.kind, title: one.title, href: one.href };
                users.add(user, selectors.iter().flat_map(|all| all.iter().map(Vec::as_slice)), one.records, unread);
            }
        }
        Ok((users, read))
    }
}

fn selectors_of(query: &str) -> Selectors {
    read_query(query, ParseOptions::ALL).ok().map(|shape| Arc::new(shape.selectors))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::series::ports::{MetricUse, MetricUser};

    struct Two(AtomicUsize);

    impl MetricUsers for Two {
        fn users(&self) -> Result<Vec<MetricUser>, String> {
            if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                return Err("not now".to_owned());
            }
            let user = |title: &str, query: &str| MetricUser {
                kind: MetricUse::Rule,
                title: title.to_owned(),
                href: String::new(),
                queries: vec![query.to_owned(), "sum(".to_owned()],
                records: vec![],
            };
            Ok(vec![user("a", "sum(rate(http_requests_total[5m])) / on () group_left max(up)"), user("b", "{__name__=~\"up|x\"}")])
        }
    }

    #[test]
    fn queries_are_read_and_what_fails_leaves_what_was_known() {
        let clock = ManualClock::at(1_000_000);
        let asked = AskedFor::new(Arc::clone(&clock) as _);
        assert!(asked.users().of("up").is_empty());
        clock.advance(FRESH);
        let two = Arc::new(Two(AtomicUsize::new(0)));
        asked.offer(vec![Arc::clone(&two) as _]);
        let users = asked.users();
        assert_eq!((users.of("up").len(), users.of("http_requests_total").len(), users.of("sum").len(), users.unread()), (2, 1, 0, 2));
        asked.users();
        assert_eq!(two.0.load(Ordering::Relaxed), 1, "it is kept for a moment");
        clock.advance(FRESH);
        assert_eq!(asked.users().of("up").len(), 2);
        assert_eq!(two.0.load(Ordering::Relaxed), 2);
    }
}
