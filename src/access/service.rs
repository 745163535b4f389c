//! The front door of access: who is calling, signing in and out, first start. Changes to people and tokens stand
//! in [`super::people`] and [`super::tokens`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::caller::{Caller, Person};
use super::directory::{Directory, Expired};
use super::key::{self, KeyHash, NoRandom};
use super::password::{PasswordError, Passwords};
use super::store::audit::AuditLine;
use super::store::sessions::Session;
use super::store::{audit, sessions, tokens, users};
use super::throttle::Throttle;
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::platform::db::{Db, DbError};

/// A cookie older than this is exchanged for a fresh one.
const ROTATE_MS: i64 = 24 * 60 * 60 * 1000;
/// Characters of a user agent that are kept.
const AGENT_CHARS_MAX: usize = 200;

/// Whether people must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Never. Everyone who reaches the server may do everything.
    Off,
    /// As soon as there is somebody who can. For servers that only their own machine reaches.
    OnceSetUp,
    /// Always.
    On,
}

/// How access is set.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// Whether people must sign in.
    pub mode: AuthMode,
    /// A session that was not used this long ends.
    pub session_idle: Duration,
    /// A session ends after this long, used or not.
    pub session_age: Duration,
    /// How long lines of the audit log are kept.
    pub audit_keep: Duration,
}

/// Why something about access did not work. The words are for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Name, password or code is wrong. Never says which.
    #[error("name, password or code is wrong")]
    Wrong,
    /// The password was right; a code of the second factor is needed too.
    #[error("enter the six digits of your authenticator, or a recovery code")]
    NeedsCode,
    /// Too many failures from this place.
    #[error("too many failed attempts from this address; try again in {} s", .0.as_secs().max(1))]
    Throttled(Duration),
    /// Something about the password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// What was asked for is not allowed; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// No random numbers.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// From where a request comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Address of the client.
    pub address: IpAddr,
    /// Its user agent.
    pub agent: String,
}

/// Users, sessions, tokens and the audit log.
pub struct Access {
    pub(super) db: Arc<Db>,
    pub(super) clock: SharedClock,
    pub(super) settings: AccessSettings,
    pub(super) directory: Directory,
    pub(super) passwords: Passwords,
    pub(super) throttle: Throttle,
    /// Hash of the one-time code of the first start.
    pub(super) setup: Mutex<Option<KeyHash>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Access {
    /// Reads who there is. Blocking.
    pub fn open(db: Arc<Db>, clock: SharedClock, settings: AccessSettings) -> Result<Arc<Self>, DbError> {
        let access = Self {
            db,
            clock,
            settings,
            directory: Directory::default(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            setup: Mutex::default(),
        };
        access.reload()?;
        Ok(Arc::new(access))
    }

    /// Reads users, sessions and tokens again. Blocking, for a fraction of a millisecond.
    pub fn reload(&self) -> Result<(), DbError> {
        let (users, sessions, tokens) = self.db.read(|db| Ok((users::all(db)?, sessions::all(db)?, tokens::all(db)?)))?;
        self.directory.load(users, sessions, tokens);
        Ok(())
    }

    /// Whether everyone may do everything, as nobody has to sign in.
    pub fn is_open(&self) -> bool {
        match self.settings.mode {
            AuthMode::Off => true,
            AuthMode::OnceSetUp => self.directory.is_empty(),
            AuthMode::On => false,
        }
    }

    /// Who shows this token.
    pub fn by_token(&self, token: &str, from: IpAddr) -> Caller {
        let now = self.clock.now_ms();
        match self.directory.token(&key::hash(token), now) {
            None => Caller::Nobody(Some("this token is not known here")),
            Some(Err(Expired)) => Caller::Nobody(Some("this token has expired")),
            Some(Ok(holder)) => {
                self.directory.token_used(holder.token_id, now, from);
                Caller::Token(holder)
            }
        }
    }

    /// Whose cookie this is.
    pub fn by_cookie(&self, cookie: &str, from: IpAddr) -> Option<Arc<Person>> {
        let now = self.clock.now_ms();
        let (session, person) = self.session(cookie, now)?;
        self.directory.session_used(session.id, now, from);
        Some(person)
    }

    fn session(&self, cookie: &str, now: i64) -> Option<(Session, Arc<Person>)> {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.directory.session(&key::hash(cookie), now, ms(self.settings.session_idle), ms(self.settings.session_age))
    }

    /// A fresh cookie for a session whose present one has been around for a day; `None` when there is no need.
    pub async fn rotated(&self, cookie: &str) -> Result<Option<Secret>, AccessError> {
        let now = self.clock.now_ms();
        let Some((session, _)) = self.session(cookie, now).filter(|(session, _)| now - session.rotated_ms > ROTATE_MS) else {
            return Ok(None);
        };
        let fresh = key::fresh("")?;
        let (old, new) = (session.hash, key::hash(fresh.expose()));
        self.db.write(move |tx| sessions::rotate(tx, session.id, &new, now)).await?;
        self.directory.exchanged(old, new, now);
        self.reload()?;
        Ok(Some(fresh))
    }

    /// Signs in with name and password, and a code where a second factor is on. The answer is the cookie.
    pub async fn sign_in(&self, name: &str, password: Secret, code: &str, origin: &Origin) -> Result<Secret, AccessError> {
        self.throttle.begin(origin.address, self.clock.monotonic()).map_err(AccessError::Throttled)?;
        let result = self.check_sign_in(name, password, code).await;
        match &result {
            Ok(_) | Err(AccessError::NeedsCode) => self.throttle.succeeded(origin.address),
            Err(AccessError::Wrong) => self.note(name, origin, "sign-in.failed", name, None, None).await?,
            Err(_) => {}
        }
        let user_id = result?;
        let cookie = self.begin_session(user_id, origin).await?;
        self.note(name, origin, "sign-in", name, None, None).await?;
        Ok(cookie)
    }

    /// Counts a try with a password that is checked elsewhere; taken back by [`Self::guess_was_right`].
    ///
    /// # Errors
    /// How long to wait, after too many failures from this address.
    pub fn guess_begins(&self, from: IpAddr) -> Result<(), Duration> {
        self.throttle.begin(from, self.clock.monotonic())
    }

    /// The try that began was right.
    pub fn guess_was_right(&self, from: IpAddr) {
        self.throttle.succeeded(from);
    }

    async fn check_sign_in(&self, name: &str, password: Secret, code: &str) -> Result<i64, AccessError> {
        let user = self.directory.user_named(name).filter(|user| !user.disabled);
        let secrets = match &user {
            Some(user) => self.db.read(|db| users::credentials(db, user.id))?,
            None => None,
        };
        let hash = secrets.as_ref().and_then(|secrets| secrets.password_hash.clone());
        let is_right = self.passwords.verify(password, hash).await?;
        let (Some(user), Some(secrets), true) = (user, secrets, is_right) else { return Err(AccessError::Wrong) };
        if let Some(secret) = secrets.totp_secret {
            self.check_second_factor(user.id, &secret, code).await?;
        }
        Ok(user.id)
    }

    /// Begins a session for somebody who proved who they are. The answer is the cookie.
    pub async fn begin_session(&self, user_id: i64, origin: &Origin) -> Result<Secret, AccessError> {
        let now = self.clock.now_ms();
        let cookie = key::fresh("")?;
        let session = Session {
            id: 0,
            hash: key::hash(cookie.expose()),
            user_id,
            created_ms: now,
            seen_ms: now,
            rotated_ms: now,
            address: origin.address.to_string(),
            agent: origin.agent.chars().take(AGENT_CHARS_MAX).collect(),
        };
        self.db
            .write(move |tx| {
                sessions::insert(tx, &session)?;
                users::signed_in(tx, user_id, now)
            })
            .await?;
        self.reload()?;
        Ok(cookie)
    }

    /// Ends a session.
    pub async fn sign_out(&self, person: &Person, origin: &Origin) -> Result<(), AccessError> {
        let id = person.session_id;
        self.db.write(move |tx| sessions::delete(tx, id)).await?;
        self.reload()?;
        self.note(&person.name, origin, "sign-out", &person.name, None, None).await
    }

    /// Adds a line to the audit log. `before` and `after` are JSON without secrets.
    pub async fn note(
        &self,
        actor: &str,
        origin: &Origin,
        action: &str,
        subject: &str,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<(), AccessError> {
        let line = AuditLine {
            id: 0,
            at_ms: self.clock.now_ms(),
            actor: actor.chars().take(AGENT_CHARS_MAX).collect(),
            address: origin.address.to_string(),
            action: action.to_owned(),
            subject: subject.chars().take(AGENT_CHARS_MAX).collect(),
            before,
            after,
        };
        tracing::info!(actor = %line.actor, address = %line.address, action = %line.action, subject = %line.subject, "audit");
        Ok(self.db.write(move |tx| audit::insert(tx, &line)).await?)
    }

    /// Lines of the audit log, newest first. Blocking.
    pub fn audit(&self, filter: &audit::AuditFilter) -> Result<Vec<AuditLine>, DbError> {
        self.db.read(|db| audit::list(db, filter))
    }

    /// Writes last uses down and removes what has ended. Called every minute, and at the end.
    pub async fn tend(&self) -> Result<(), AccessError> {
        let uses = self.directory.take_uses();
        let now = self.clock.now_ms();
        let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let (idle, age, lines) = (before(self.settings.session_idle), before(self.settings.session_age), before(self.settings.audit_keep));
        self.db
            .write(move |tx| {
                for (id, at, from) in uses.sessions {
                    sessions::touch(tx, id, at, &from.to_string())?;
                }
                for (id, at, from) in uses.tokens {
                    tokens::touch(tx, id, at, &from.to_string())?;
                }
                sessions::prune(tx, idle, age)?;
                audit::prune(tx, lines)
            })
            .await?;
        // Also picks up what the command line changed meanwhile.
        Ok(self.reload()?)
    }
}
