//! Users, sessions and tokens in memory, so that asking who a caller is never waits for the disk.
//!
//! SQLite holds the truth; whoever changes it calls [`Directory::load`] afterwards. Small teams have tens of rows.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use parking_lot::{Mutex, RwLock};

use super::caller::{Person, TokenHolder};
use super::key::KeyHash;
use super::policy::Role;
use super::store::{sessions::Session, tokens::Token, users::User};

/// A cookie that was exchanged stays good this long, for requests that were already under way.
const GRACE_MS: i64 = 60_000;

/// What is known of callers, and when they were last heard of.
#[derive(Debug, Default)]
pub(super) struct Directory {
    known: RwLock<Known>,
    /// Last use by key, written to the database now and then.
    session_uses: Mutex<HashMap<i64, (i64, IpAddr)>>,
    token_uses: Mutex<HashMap<i64, (i64, IpAddr)>>,
}

#[derive(Debug, Default)]
struct Known {
    users: HashMap<i64, User>,
    /// Users from elsewhere, by who vouches for them and what they are called there.
    identities: HashMap<String, HashMap<String, i64>>,
    sessions: HashMap<KeyHash, Signed>,
    tokens: HashMap<KeyHash, (Token, Arc<TokenHolder>)>,
    /// Cookies that were exchanged: the session's present hash, and until when the old one is good.
    exchanged: HashMap<KeyHash, (KeyHash, i64)>,
}

/// A session as it is known.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) session: Session,
    pub(super) person: Arc<Person>,
    /// Whether an identity provider vouches for the person, and may not do so any more.
    pub(super) is_from_outside: bool,
}

/// How long sessions last, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetimes {
    /// Unused.
    pub(super) idle_ms: i64,
    /// At all.
    pub(super) age_ms: i64,
    /// At all, of people who come from elsewhere.
    pub(super) outside_age_ms: i64,
}

impl Lifetimes {
    /// How long this one lasts at all.
    pub(super) fn age_of(self, signed: &Signed) -> i64 {
        if signed.is_from_outside { self.age_ms.min(self.outside_age_ms) } else { self.age_ms }
    }
}

/// Last uses that the database does not know yet: key, milliseconds, address.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) sessions: Vec<(i64, i64, IpAddr)>,
    pub(super) tokens: Vec<(i64, i64, IpAddr)>,
}

impl Directory {
    /// Takes over what the database holds.
    pub(super) fn load(&self, users: Vec<User>, sessions: Vec<Session>, tokens: Vec<Token>) {
        let users: HashMap<i64, User> = users.into_iter().map(|user| (user.id, user)).collect();
        let sessions = sessions
            .into_iter()
            .filter_map(|session| {
                let user = users.get(&session.user_id).filter(|user| !user.disabled)?;
                let person = Person { user_id: user.id, session_id: session.id, name: user.name.clone(), role: user.role };
                let is_from_outside = user.issuer.is_some();
                Some((session.hash, Signed { session, person: Arc::new(person), is_from_outside }))
            })
            .collect();
        // Who is kept out must not come back by a token they made.
        let kept_out: HashSet<String> = users.values().filter(|user| user.disabled).map(|user| user.name.clone()).collect();
        let tokens = tokens
            .into_iter()
            .filter(|token| !kept_out.contains(&token.created_by))
            .map(|token| {
                let holder =
                    TokenHolder { token_id: token.id, name: token.name.clone(), scopes: token.scopes.clone(), rate_max: token.rate_max };
                (token.hash, (token, Arc::new(holder)))
            })
            .collect();
        let mut identities: HashMap<String, HashMap<String, i64>> = HashMap::new();
        for user in users.values() {
            if let (Some(issuer), Some(subject)) = (&user.issuer, &user.subject) {
                identities.entry_ref(issuer.as_str()).or_default().insert(subject.clone(), user.id);
            }
        }
        let mut known = self.known.write();
        let exchanged = std::mem::take(&mut known.exchanged);
        *known = Known { users, identities, sessions, tokens, exchanged };
    }

    /// The session of a cookie, if it is neither idle nor old beyond what is allowed.
    pub(super) fn session(&self, hash: &KeyHash, now_ms: i64, lifetimes: Lifetimes) -> Option<Signed> {
        let known = self.known.read();
        let present = known.exchanged.get(hash).filter(|(_, until)| now_ms < *until).map_or(hash, |(present, _)| present);
        // Between the exchange and the next load the session still stands under the old one.
        let signed = known.sessions.get(present).or_else(|| known.sessions.get(hash))?;
        let session = &signed.session;
        let seen_ms = self.session_uses.lock().get(&session.id).map_or(session.seen_ms, |(at, _)| *at);
        let is_good = now_ms - seen_ms < lifetimes.idle_ms && now_ms - session.created_ms < lifetimes.age_of(signed);
        is_good.then(|| signed.clone())
    }

    /// The holder of a token, if it has not ended. `Err` when it has.
    pub(super) fn token(&self, hash: &KeyHash, now_ms: i64) -> Option<Result<Arc<TokenHolder>, Expired>> {
        let known = self.known.read();
        let (token, holder) = known.tokens.get(hash)?;
        let has_ended = token.expires_ms.is_some_and(|end| end <= now_ms);
        Some(if has_ended { Err(Expired) } else { Ok(Arc::clone(holder)) })
    }

    /// The user of a name, without regard to case.
    pub(super) fn user_named(&self, name: &str) -> Option<User> {
        let wanted = name.to_lowercase();
        self.known.read().users.values().find(|user| user.name.to_lowercase() == wanted).cloned()
    }

    /// The user whom somebody else vouches for.
    pub(super) fn user_of(&self, issuer: &str, subject: &str) -> Option<User> {
        let known = self.known.read();
        let id = known.identities.get(issuer)?.get(subject)?;
        known.users.get(id).cloned()
    }

    /// Whether there is anybody at all.
    pub(super) fn is_empty(&self) -> bool {
        self.known.read().users.is_empty()
    }

    /// Whether there is an administrator who can sign in.
    pub(super) fn has_admin(&self) -> bool {
        let can_sign_in = |user: &User| user.role == Role::Admin && !user.disabled && (user.has_password || user.issuer.is_some());
        self.known.read().users.values().any(can_sign_in)
    }

    /// How many people, sessions and tokens there are.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let known = self.known.read();
        (known.users.len(), known.sessions.len(), known.tokens.len())
    }

    /// A cookie was exchanged: the old one stays good for a moment.
    pub(super) fn exchanged(&self, old: KeyHash, new: KeyHash, now_ms: i64) {
        let mut known = self.known.write();
        known.exchanged.retain(|_, (_, until)| now_ms < *until);
        known.exchanged.insert(old, (new, now_ms + GRACE_MS));
    }

    /// Notes a use.
    pub(super) fn session_used(&self, id: i64, now_ms: i64, from: IpAddr) {
        self.session_uses.lock().insert(id, (now_ms, from));
    }

    /// Notes a use.
    pub(super) fn token_used(&self, id: i64, now_ms: i64, from: IpAddr) {
        self.token_uses.lock().insert(id, (now_ms, from));
    }

    /// Uses since the last call, for the database.
    pub(super) fn take_uses(&self) -> Uses {
        let take = |uses: &Mutex<HashMap<i64, (i64, IpAddr)>>| -> Vec<(i64, i64, IpAddr)> {
            std::mem::take(&mut *uses.lock()).into_iter().map(|(id, (at, from))| (id, at, from)).collect()
        };
        Uses { sessions: take(&self.session_uses), tokens: take(&self.token_uses) }
    }
}

/// The token was good until its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expired;
