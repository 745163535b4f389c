//! The front door of access: who is calling, signing in and out, first start. Changes to people and tokens stand
//! in [`super::people`] and [`super::tokens`].

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use super::activity::Activities;
use super::caller::{Caller, Person};
use super::change::{self, Change};
use super::directory::{Directory, Expired, Lifetimes, Signed};
use super::doors::Doors;
use super::key::{self, KeyHash, NoRandom};
use super::password::{PasswordError, Passwords};
use super::store::audit::AuditLine;
use super::store::sessions::Session;
use super::store::users::User;
use super::store::{audit, sessions, tokens, users};
use super::throttle::Throttle;
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::platform::db::{Db, DbError};

/// A cookie older than this is exchanged for a fresh one.
const ROTATE_MS: i64 = 24 * 60 * 60 * 1000;
/// Characters of a user agent that are kept.
const AGENT_CHARS_MAX: usize = 200;
/// Most characters of whom and of what a line of the audit log speaks.
const SUBJECT_CHARS_MAX: usize = 500;
/// Most sessions of one user; beyond that the oldest end.
const SESSIONS_MAX: u32 = 100;
/// Most failed sign-ins an hour that get a line each; the others are counted in one.
const FAILURES_LISTED: u32 = 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Whom failures are noted for where nobody has the name: it may be a password in the wrong field.
const UNKNOWN: &str = "unknown";

/// Whether people must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Never. Everyone who reaches the server may do everything.
    Off,
    /// As soon as there is somebody who can; before that only who asks straight from this machine is let in.
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
    /// The same for who comes from an identity provider, which may remove them meanwhile; never longer than
    /// `session_age`.
    pub outside_session_age: Duration,
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
    #[error("too many failed attempts from this address; try again in {} s", .0.as_millis().div_ceil(1000).max(1))]
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

impl Origin {
    /// This machine itself, for what its own command line and its own start change.
    pub fn this_machine(agent: &str) -> Self {
        Self { address: IpAddr::from([127, 0, 0, 1]), agent: agent.to_owned() }
    }
}

/// Failed sign-ins in this hour.
#[derive(Debug, Default)]
struct FailuresOfHour {
    hour: i64,
    listed: u32,
    left_out: u64,
}

/// Users, sessions, tokens and the audit log.
pub struct Access {
    pub(super) db: Arc<Db>,
    pub(super) clock: SharedClock,
    pub(super) settings: AccessSettings,
    pub(super) directory: Directory,
    pub(super) passwords: Passwords,
    pub(super) throttle: Throttle,
    pub(super) activities: Activities,
    /// Hash of the one-time code of the first start.
    pub(super) setup: Mutex<Option<KeyHash>>,
    failures: Mutex<FailuresOfHour>,
    /// The database's version that the directory holds. One load at a time: an older one must not win over a newer.
    loaded: Mutex<i64>,
    doors: OnceLock<Doors>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Ends every session of a database that no server has open. Blocking.
pub fn end_all_sessions(db: &Db) -> Result<(), DbError> {
    db.write_blocking(sessions::delete_all).map(|_ended| ())
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
            activities: Activities::default(),
            setup: Mutex::default(),
            failures: Mutex::default(),
            loaded: Mutex::default(),
            doors: OnceLock::new(),
        };
        access.reload()?;
        Ok(Arc::new(access))
    }

    /// Says which ways in there are. Once, before anybody comes; without it there are name and password only.
    pub fn open_doors(&self, doors: Doors) {
        let said_before = self.doors.set(doors).is_err();
        debug_assert!(!said_before, "open_doors is called once, before the first request");
    }

    /// The ways in.
    pub fn doors(&self) -> &Doors {
        self.doors.get_or_init(Doors::default)
    }

    /// Reads users, sessions and tokens again. Blocking, for a fraction of a millisecond.
    pub fn reload(&self) -> Result<(), DbError> {
        self.load(&mut self.loaded.lock())
    }

    /// Reads them again if the database changed since, as by the command line. Blocking, for a few microseconds.
    pub fn follow(&self) -> Result<(), DbError> {
        let mut loaded = self.loaded.lock();
        if self.db.version()? == *loaded { Ok(()) } else { self.load(&mut loaded) }
    }

    fn load(&self, loaded: &mut i64) -> Result<(), DbError> {
        // Asked first, so that a change while reading is seen next time.
        *loaded = self.db.version()?;
        let (users, sessions, tokens) = self.db.read(|db| Ok((users::all(db)?, sessions::all(db)?, tokens::all(db)?)))?;
        self.directory.load(users, sessions, tokens);
        Ok(())
    }

    /// Whether nobody of our own has to sign in, as there is nobody yet, or nobody ever has to.
    pub fn is_open(&self) -> bool {
        match self.settings.mode {
            AuthMode::Off => true,
            AuthMode::OnceSetUp => self.directory.is_empty(),
            AuthMode::On => false,
        }
    }

    /// Who asks where nobody has to sign in; `None` where they have to.
    pub fn open_to(&self, is_local: impl FnOnce() -> bool) -> Option<Caller> {
        match self.settings.mode {
            AuthMode::Off => Some(Caller::Open),
            AuthMode::OnceSetUp if self.directory.is_empty() && is_local() => Some(Caller::Local),
            AuthMode::OnceSetUp | AuthMode::On => None,
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
        let signed = self.session(cookie, now)?;
        self.directory.session_used(signed.session.id, now, from);
        Some(signed.person)
    }

    fn session(&self, cookie: &str, now: i64) -> Option<Signed> {
        self.directory.session(&key::hash(cookie), now, self.lifetimes())
    }

    fn lifetimes(&self) -> Lifetimes {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let AccessSettings { session_idle, session_age, outside_session_age, .. } = &self.settings;
        Lifetimes { idle_ms: ms(*session_idle), age_ms: ms(*session_age), outside_age_ms: ms(*outside_session_age) }
    }

    /// How long the session of a cookie can last from now on, so that browsers forget the cookie with it.
    pub fn cookie_age(&self, cookie: &Secret) -> Duration {
        let now = self.clock.now_ms();
        let left = self.session(cookie.expose(), now).map(|signed| {
            let ends = signed.session.created_ms.saturating_add(self.lifetimes().age_of(&signed));
            Duration::from_millis(u64::try_from(ends.saturating_sub(now)).unwrap_or(0))
        });
        left.unwrap_or_default()
    }

    /// A fresh cookie for a session whose present one has been around for a day; `None` when there is no need.
    pub async fn rotated(&self, cookie: &str) -> Result<Option<Secret>, AccessError> {
        let now = self.clock.now_ms();
        let Some(Signed { session, .. }) = self.session(cookie, now).filter(|signed| now - signed.session.rotated_ms > ROTATE_MS) else {
            return Ok(None);
        };
        let fresh = key::fresh("")?;
        let (old, new) = (session.hash, key::hash(fresh.expose()));
        if !self.db.write(move |tx| sessions::rotate(tx, session.id, &old, &new, now)).await? {
            return Ok(None);
        }
        self.directory.exchanged(old, new, now);
        self.reload()?;
        Ok(Some(fresh))
    }

    /// Signs in with name and password, and a code where a second factor is on. The answer is the cookie.
    pub async fn sign_in(&self, name: &str, password: Secret, code: &str, origin: &Origin) -> Result<Secret, AccessError> {
        if !self.doors().passwords {
            return Err(AccessError::Refused("signing in with a password is off here (auth.password_login)".to_owned()));
        }
        self.throttle.begin(origin.address, name, self.clock.monotonic()).map_err(AccessError::Throttled)?;
        let known = self.directory.user_named(name);
        let who = known.as_ref().map_or(UNKNOWN, |user| user.name.as_str()).to_owned();
        let result = self.check_sign_in(known.filter(|user| !user.disabled), password, code).await;
        match &result {
            Ok(_) => self.throttle.succeeded(origin.address, name),
            Err(AccessError::Wrong) => self.note_failure(&who, origin).await?,
            // Neither right nor wrong: the password without its code, or too much to do.
            Err(_) => self.throttle.taken_back(origin.address, name),
        }
        let user_id = result?;
        let cookie = self.begin_session(user_id, origin).await?;
        self.note(&who, origin, "sign-in", &who, None, None).await?;
        Ok(cookie)
    }

    /// Counts a try with a password that is checked elsewhere; taken back by [`Self::guess_was_right`].
    ///
    /// # Errors
    /// How long to wait, after too many failures from this address.
    pub fn guess_begins(&self, from: IpAddr, name: &str) -> Result<(), Duration> {
        self.throttle.begin(from, name, self.clock.monotonic())
    }

    /// The try that began was right.
    pub fn guess_was_right(&self, from: IpAddr, name: &str) {
        self.throttle.succeeded(from, name);
    }

    async fn check_sign_in(&self, user: Option<User>, password: Secret, code: &str) -> Result<i64, AccessError> {
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

    /// Writes down that a sign-in failed. Whoever has many addresses must not fill the disk with these lines.
    pub(super) async fn note_failure(&self, who: &str, origin: &Origin) -> Result<(), AccessError> {
        let hour = self.clock.now_ms().div_euclid(HOUR_MS);
        {
            let mut failures = self.failures.lock();
            if failures.hour != hour {
                *failures = FailuresOfHour { hour, listed: 0, left_out: failures.left_out };
            }
            if failures.listed >= FAILURES_LISTED {
                failures.left_out += 1;
                return Ok(());
            }
            failures.listed += 1;
        }
        self.note(who, origin, "sign-in.failed", who, None, None).await
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
                sessions::keep_newest(tx, user_id, SESSIONS_MAX)?;
                users::signed_in(tx, user_id, now)
            })
            .await?;
        self.reload()?;
        Ok(cookie)
    }

    /// Ends the session that somebody had before they signed in again, whoever's it was: its cookie is overwritten, and
    /// nobody could end it any more.
    pub async fn end_replaced(&self, before: &Caller, origin: &Origin) -> Result<(), AccessError> {
        match before {
            Caller::Person(person) if person.session_id != 0 => {
                let id = person.session_id;
                self.db.write(move |tx| sessions::delete(tx, id)).await?;
                self.reload()?;
                self.note(&person.name, origin, "session.end", &person.name, None, None).await
            }
            _ => Ok(()),
        }
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
            actor: actor.chars().take(SUBJECT_CHARS_MAX).collect(),
            address: origin.address.to_string(),
            action: action.to_owned(),
            subject: subject.chars().take(SUBJECT_CHARS_MAX).collect(),
            before,
            after,
        };
        tracing::info!(actor = %line.actor, address = %line.address, action = %line.action, subject = %line.subject, "audit");
        Ok(self.db.write(move |tx| audit::insert(tx, &line)).await?)
    }

    /// Adds a line about what a handler of another room changed. A failure is in the server's log.
    pub async fn record(&self, actor: &str, origin: &Origin, change: Change) {
        let (before, after) = (change::detail(change.before.as_ref()), change::detail(change.after.as_ref()));
        if let Err(error) = self.note(actor, origin, change.action, &change.subject, before, after).await {
            tracing::error!(%error, action = change.action, subject = %change.subject, "a change could not be written to the audit log");
        }
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
        let settings = &self.settings;
        let (idle, age, lines) = (before(settings.session_idle), before(settings.session_age), before(settings.audit_keep));
        let outside = before(settings.outside_session_age);
        self.db
            .write(move |tx| {
                for (id, at, from) in uses.sessions {
                    sessions::touch(tx, id, at, &from.to_string())?;
                }
                for (id, at, from) in uses.tokens {
                    tokens::touch(tx, id, at, &from.to_string())?;
                }
                sessions::prune(tx, idle, age, outside)?;
                audit::prune(tx, lines)
            })
            .await?;
        let left_out = std::mem::take(&mut self.failures.lock().left_out);
        if left_out > 0 {
            let after = serde_json::json!({ "more of them": left_out }).to_string();
            self.note(UNKNOWN, &Origin::this_machine(""), "sign-in.failed", UNKNOWN, None, Some(after)).await?;
        }
        Ok(self.reload()?)
    }
}
