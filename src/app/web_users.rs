//! Users of Prometheus' web config file: names with bcrypt hashes, checked off the reactor, one at a time, and
//! remembered when they were right.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashSet;
use http::HeaderValue;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::access::Access;
use crate::base::secret::Secret;
use crate::platform::http::network::client_network;

/// Right pairs that are remembered; each check takes a tenth of a second or more.
const REMEMBERED_MAX: usize = 1024;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// Name and password belong together.
    Right,
    /// They do not.
    Wrong,
    /// Too many were wrong from this address; come again later.
    Later(Duration),
}

/// Checks passwords.
#[derive(Debug, Default)]
pub(super) struct WebUsers {
    /// Hashes over network, name, hash and password of pairs that were right from there. From elsewhere they count as
    /// tries, or the answer would tell a guesser who was told to wait that the guess was right.
    remembered: Mutex<HashSet<[u8; 32]>>,
    /// Held while a hash is computed, so that guessing cannot take more than one processor.
    working: tokio::sync::Mutex<()>,
}

/// Name and password of an `Authorization` header.
pub(super) fn credentials(header: &HeaderValue) -> Option<(String, Secret)> {
    let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(name, password)| (name.to_owned(), Secret::new(password)))
}

impl WebUsers {
    /// Whether name and password belong together. A name that nobody has costs as much time as one that somebody has.
    pub(super) async fn check(
        &self,
        users: &BTreeMap<String, Secret>,
        name: &str,
        password: &Secret,
        from: IpAddr,
        access: &Access,
    ) -> Checked {
        let Some(hash) = users.get(name).or_else(|| users.values().next()).cloned() else { return Checked::Wrong };
        let is_known = users.contains_key(name);
        let pair = pair_of(from, name, &hash, password);
        if is_known && self.remembered.lock().contains(&pair) {
            return Checked::Right;
        }
        let _one_at_a_time = self.working.lock().await;
        // Many requests of a program come at once, and the first of them knows now.
        if is_known && self.remembered.lock().contains(&pair) {
            return Checked::Right;
        }
        if let Err(wait) = access.guess_begins(from, name) {
            return Checked::Later(wait);
        }
        let password = password.clone();
        let checked = tokio::task::spawn_blocking(move || bcrypt::verify(password.expose(), hash.expose()).unwrap_or(false));
        let is_right = checked.await.unwrap_or(false) && is_known;
        if !is_right {
            return Checked::Wrong;
        }
        access.guess_was_right(from, name);
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(pair);
        Checked::Right
    }
}

fn pair_of(from: IpAddr, name: &str, hash: &Secret, password: &Secret) -> [u8; 32] {
    let network = client_network(from).to_string();
    let mut hasher = Sha256::new();
    for part in [network.as_str(), name, hash.expose(), password.expose()] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access::{AccessSettings, AuthMode};
    use crate::base::clock::ManualClock;
    use crate::platform::db::Db;

    #[tokio::test]
    async fn only_the_right_password_counts_and_guessing_is_slowed() {
        let folder = tempfile::tempdir().unwrap();
        let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
        let age = Duration::from_secs(3600);
        let settings =
            AccessSettings { mode: AuthMode::Off, session_idle: age, session_age: age, outside_session_age: age, audit_keep: age };
        let access = Access::open(db, ManualClock::at(0), settings).unwrap();
        let hash = |password: &str| Secret::new(bcrypt::hash(password, 4).unwrap());
        let mut users = BTreeMap::from([("ann".to_owned(), hash("right")), ("bob".to_owned(), hash("other"))]);
        let checker = WebUsers::default();
        let here: IpAddr = "10.0.0.1".parse().unwrap();
        let there: IpAddr = "10.0.0.2".parse().unwrap();
        let check = async |users: &BTreeMap<String, Secret>, name: &str, password: &str, from| {
            checker.check(users, name, &Secret::new(password), from, &access).await
        };
        assert_eq!(check(&users, "ann", "right", here).await, Checked::Right);
        assert_eq!(check(&users, "ann", "other", here).await, Checked::Wrong);
        assert_eq!(check(&users, "bob", "right", here).await, Checked::Wrong);
        assert_eq!(check(&users, "eve", "right", here).await, Checked::Wrong, "the first one's password is not everybody's");
        for _ in 0..10 {
            check(&users, "ann", "guess", here).await;
        }
        assert!(matches!(check(&users, "ann", "new", here).await, Checked::Later(_)));
        assert_eq!(check(&users, "bob", "other", here).await, Checked::Right, "others behind the same address are free");
        assert_eq!(check(&users, "ann", "right", here).await, Checked::Right, "who was right before is not kept out");
        for _ in 0..10 {
            check(&users, "ann", "guess", there).await;
        }
        assert!(matches!(check(&users, "ann", "right", there).await, Checked::Later(_)), "the wait does not tell which guess is right");
        users.insert("ann".to_owned(), hash("new"));
        let third: IpAddr = "10.0.0.3".parse().unwrap();
        assert_eq!(check(&users, "ann", "right", third).await, Checked::Wrong, "a new password counts at once");
        users.remove("bob");
        assert_eq!(check(&users, "bob", "other", there).await, Checked::Wrong);
        assert_eq!(checker.check(&BTreeMap::new(), "ann", &Secret::new(""), here, &access).await, Checked::Wrong);
    }

    #[test]
    fn credentials_are_read() {
        let read =
            |text: &'static str| credentials(&HeaderValue::from_static(text)).map(|(name, password)| (name, password.expose().to_owned()));
        assert_eq!(read("Basic YW55OnA6eA=="), Some(("any".to_owned(), "p:x".to_owned())));
        for wrong in ["Bearer YW55OnA6eA==", "Basic", "Basic %%%", "Basic YW55"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
