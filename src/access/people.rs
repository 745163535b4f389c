//! Making, changing and removing people; the first of them by the set-up code.

use hashbrown::HashMap;
use subtle::ConstantTimeEq;

use super::caller::{Caller, Person};
use super::key;
use super::password;
use super::policy::Role;
use super::service::{Access, AccessError, AuthMode, Origin};
use super::store::sessions::{self, Session};
use super::store::tokens;
use super::store::users::{self, NewUser, User};
use crate::base::secret::Secret;

/// Most users. A small team has tens.
pub(super) const USERS_MAX: usize = 10_000;
/// Most characters of a name.
pub(super) const NAME_CHARS_MAX: usize = 64;
/// Most characters of a mail address (RFC 5321).
const EMAIL_CHARS_MAX: usize = 254;
/// Most revoked tokens that a line of the audit log names.
const TOKENS_NAMED_MAX: usize = 20;
/// What wrong set-up codes are counted under; no name has a colon.
const SETUP_NAME: &str = "set-up:";

/// What an administrator may change about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Mail address.
    pub email: Option<String>,
    /// Role.
    pub role: Option<Role>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
}

pub(super) fn refused(why: impl Into<String>) -> AccessError {
    AccessError::Refused(why.into())
}

/// Whether somebody may be called this.
pub fn allowed_name(name: &str) -> Result<(), AccessError> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+' | ' ');
    if name.is_empty() || name.trim() != name || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_plain) {
        return Err(refused(format!(
            "a name has 1 to {NAME_CHARS_MAX} letters, digits, spaces or any of . - _ @ + (no space at its ends)"
        )));
    }
    Ok(())
}

/// Whether this may be somebody's mail address; nothing is one too.
fn allowed_email(email: &str) -> Result<(), AccessError> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace();
    if email.is_empty() || (email.contains('@') && email.chars().count() <= EMAIL_CHARS_MAX && !email.contains(is_odd)) {
        return Ok(());
    }
    Err(refused(format!("a mail address has an @, no spaces, and at most {EMAIL_CHARS_MAX} characters")))
}

/// As JSON for the audit log; holds no secret.
pub(super) fn described(user: &User) -> String {
    serde_json::json!({ "email": user.email, "role": user.role.as_str(), "disabled": user.disabled }).to_string()
}

fn last_admin() -> AccessError {
    refused("this is the last administrator; make somebody else one first")
}

impl Access {
    /// The code that makes the first administrator; `None` when there is one already, or when the other doors make
    /// them. A new one each start.
    pub fn begin_setup(&self) -> Result<Option<Secret>, AccessError> {
        if self.settings.mode == AuthMode::Off || !self.doors().passwords || self.directory.has_admin() {
            return Ok(None);
        }
        let code = key::fresh_code()?;
        *self.setup.lock() = Some(key::hash(code.expose()));
        Ok(Some(code))
    }

    /// Whether the set-up page is to be shown.
    pub fn awaits_setup(&self) -> bool {
        !self.directory.has_admin() && self.setup.lock().is_some()
    }

    /// Makes the first administrator and signs them in. The answer is the cookie.
    pub async fn set_up(&self, code: &str, name: &str, password: Secret, origin: &Origin) -> Result<Secret, AccessError> {
        self.throttle.begin(origin.address, SETUP_NAME, self.clock.monotonic()).map_err(AccessError::Throttled)?;
        let given = key::hash(code.trim());
        let is_right = self.setup.lock().is_some_and(|hash| bool::from(hash[..].ct_eq(&given[..])));
        if !is_right {
            self.note_failure(SETUP_NAME, origin).await?;
            return Err(refused("this code is not the one in the server's log; it changes with every start"));
        }
        self.throttle.succeeded(origin.address, SETUP_NAME);
        let id = self.insert_first(name, name, password, origin).await?;
        self.begin_session(id, origin).await
    }

    /// The same for who asks straight from this machine, which may do everything before there is somebody.
    pub async fn set_up_locally(&self, name: &str, password: Secret, origin: &Origin) -> Result<Secret, AccessError> {
        let id = self.insert_first(&Caller::Local.actor(), name, password, origin).await?;
        self.begin_session(id, origin).await
    }

    /// Makes the administrator of an unattended start, if there is none yet. `false` when there is.
    pub async fn ensure_admin(&self, actor: &str, name: &str, password: Secret, origin: &Origin) -> Result<bool, AccessError> {
        if self.directory.has_admin() {
            return Ok(false);
        }
        self.insert_first(actor, name, password, origin).await.map(|_| true)
    }

    /// Whoever comes first is the one.
    async fn insert_first(&self, actor: &str, name: &str, password: Secret, origin: &Origin) -> Result<i64, AccessError> {
        allowed_name(name)?;
        password::allowed(password.expose(), name)?;
        if self.directory.user_named(name).is_some() {
            return Err(refused(format!("there is somebody called {name:?} already")));
        }
        let hash = self.passwords.hash(password).await?;
        let first = NewUser { name: name.to_owned(), email: String::new(), role: Role::Admin, password_hash: Some(hash), identity: None };
        let now = self.clock.now_ms();
        let inserted = self
            .db
            .write(move |tx| if users::admins(tx)?.is_empty() { users::insert(tx, &first, now).map(Some) } else { Ok(None) })
            .await?;
        let id = inserted.ok_or_else(|| refused("somebody else has just set this server up"))?;
        *self.setup.lock() = None;
        self.reload()?;
        self.note(actor, origin, "setup", name, None, Some(described(&self.user(id)?))).await?;
        Ok(id)
    }

    async fn insert(&self, user: NewUser) -> Result<i64, AccessError> {
        let now = self.clock.now_ms();
        let id = self.db.write(move |tx| users::insert(tx, &user, now)).await?;
        self.reload()?;
        Ok(id)
    }

    /// Everyone, by name. Blocking.
    pub fn users(&self) -> Result<Vec<User>, AccessError> {
        Ok(self.db.read(users::all)?)
    }

    /// One. Blocking.
    pub fn user(&self, id: i64) -> Result<User, AccessError> {
        self.db.read(|db| users::by_id(db, id))?.ok_or_else(|| refused("there is no such user"))
    }

    /// Adds somebody. Without a password they come through an identity provider.
    pub async fn create_user(
        &self,
        actor: &str,
        name: &str,
        email: &str,
        role: Role,
        password: Option<Secret>,
        origin: &Origin,
    ) -> Result<User, AccessError> {
        allowed_name(name)?;
        allowed_email(email)?;
        if self.directory.user_named(name).is_some() {
            return Err(refused(format!("there is somebody called {name:?} already")));
        }
        // Otherwise the server would be shut with nobody who can change it.
        if !self.directory.has_admin() && (role != Role::Admin || password.is_none()) {
            return Err(refused("the first user is an administrator with a password"));
        }
        if self.users()?.len() >= USERS_MAX {
            return Err(refused(format!("there are {USERS_MAX} users already, which is the most allowed")));
        }
        let hash = match password {
            Some(password) => {
                password::allowed(password.expose(), name)?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let new = NewUser { name: name.to_owned(), email: email.to_owned(), role, password_hash: hash, identity: None };
        let user = self.user(self.insert(new).await?)?;
        self.note(actor, origin, "user.create", name, None, Some(described(&user))).await?;
        Ok(user)
    }

    /// Changes somebody. The last administrator stays one; who is kept out loses their sessions.
    pub async fn change_user(&self, actor: &str, id: i64, change: UserChange, origin: &Origin) -> Result<User, AccessError> {
        let before = self.user(id)?;
        let mut after = before.clone();
        after.email = change.email.unwrap_or(after.email);
        after.role = change.role.unwrap_or(after.role);
        after.disabled = change.disabled.unwrap_or(after.disabled);
        allowed_email(&after.email)?;
        let row = after.clone();
        let is_done = self
            .db
            .write(move |tx| {
                if (row.role != Role::Admin || row.disabled) && users::is_last_admin(tx, id)? {
                    return Ok(false);
                }
                users::update(tx, &row)?;
                if row.disabled {
                    sessions::delete_of_user(tx, id, None)?;
                }
                Ok(true)
            })
            .await?;
        if !is_done {
            return Err(last_admin());
        }
        self.reload()?;
        self.note(actor, origin, "user.change", &before.name, Some(described(&before)), Some(described(&after))).await?;
        Ok(after)
    }

    /// Removes somebody, and revokes the tokens they made: who left may have kept one. The answer is how many that were.
    /// The last administrator stays.
    pub async fn delete_user(&self, actor: &str, id: i64, origin: &Origin) -> Result<usize, AccessError> {
        let user = self.user(id)?;
        let maker = user.name.clone();
        let done = self.db.write(move |tx| {
            if users::is_last_admin(tx, id)? {
                return Ok(None);
            }
            users::delete(tx, id)?;
            tokens::delete_made_by(tx, &maker).map(Some)
        });
        let Some(revoked) = done.await? else { return Err(last_admin()) };
        self.reload()?;
        for (token, _) in &revoked {
            self.activities.forget(*token);
        }
        let names: Vec<&str> = revoked.iter().map(|(_, name)| name.as_str()).take(TOKENS_NAMED_MAX).collect();
        let after = serde_json::json!({ "tokens_revoked": revoked.len(), "tokens": names }).to_string();
        self.note(actor, origin, "user.delete", &user.name, Some(described(&user)), Some(after)).await?;
        Ok(revoked.len())
    }

    /// How many tokens each maker has, by name as the audit log has it. Blocking.
    pub fn tokens_by_maker(&self) -> Result<HashMap<String, usize>, AccessError> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for token in self.tokens()? {
            *counts.entry(token.created_by).or_default() += 1;
        }
        Ok(counts)
    }

    /// Changes one's own password. Other sessions end, and this one gets another cookie, which is the answer. Who comes
    /// from elsewhere has none, and cannot make one that would still open the door when the other side no longer vouches
    /// for them.
    pub async fn change_password(&self, person: &Person, old: Secret, new: Secret, origin: &Origin) -> Result<Option<Secret>, AccessError> {
        if !self.user(person.user_id)?.has_password {
            return Err(refused("you sign in without a password here, so there is none to change"));
        }
        self.confirm_password(person, old, origin).await?;
        self.set_password(&person.name, person.user_id, new, Some(person.session_id), origin).await
    }

    /// Whether it is really they who sit at the browser, before something that cannot be taken back.
    pub async fn confirm_password(&self, person: &Person, password: Secret, origin: &Origin) -> Result<(), AccessError> {
        self.throttle.begin(origin.address, &person.name, self.clock.monotonic()).map_err(AccessError::Throttled)?;
        let hash = self.db.read(|db| users::credentials(db, person.user_id))?.and_then(|secrets| secrets.password_hash);
        if hash.is_none() {
            return Err(refused("you sign in without a password here"));
        }
        if !self.passwords.verify(password, hash).await? {
            self.note(&person.name, origin, "password.wrong", &person.name, None, None).await?;
            return Err(refused("the present password is not that"));
        }
        self.throttle.succeeded(origin.address, &person.name);
        Ok(())
    }

    /// Sets somebody's password. Their sessions end, but for `keep`, which gets another cookie: whoever copied the one it
    /// had is out as well. The answer is that cookie.
    pub async fn set_password(
        &self,
        actor: &str,
        id: i64,
        new: Secret,
        keep: Option<i64>,
        origin: &Origin,
    ) -> Result<Option<Secret>, AccessError> {
        let name = self.user(id)?.name;
        password::allowed(new.expose(), &name)?;
        let hash = self.passwords.hash(new).await?;
        let (cookie, now) = (key::fresh("")?, self.clock.now_ms());
        let cookie_hash = key::hash(cookie.expose());
        let is_kept = self
            .db
            .write(move |tx| {
                users::set_password(tx, id, Some(&hash))?;
                sessions::delete_of_user(tx, id, keep)?;
                keep.map_or(Ok(false), |session| sessions::renew(tx, session, id, &cookie_hash, now))
            })
            .await?;
        self.reload()?;
        self.note(actor, origin, "password.set", &name, None, None).await?;
        Ok(is_kept.then_some(cookie))
    }

    /// Sessions of somebody, newest use first. Blocking.
    pub fn sessions(&self, user_id: i64) -> Result<Vec<Session>, AccessError> {
        Ok(self.db.read(sessions::all)?.into_iter().filter(|session| session.user_id == user_id).collect())
    }

    /// Ends a session of a user; all but `keep` when no one is named.
    pub async fn end_sessions(
        &self,
        actor: &str,
        user_id: i64,
        session: Option<i64>,
        keep: Option<i64>,
        origin: &Origin,
    ) -> Result<(), AccessError> {
        let user = self.user(user_id)?;
        if let Some(id) = session
            && !self.sessions(user_id)?.iter().any(|session| session.id == id)
        {
            return Err(refused("there is no such session"));
        }
        self.db
            .write(move |tx| match session {
                Some(id) => sessions::delete(tx, id),
                None => sessions::delete_of_user(tx, user_id, keep),
            })
            .await?;
        self.reload()?;
        self.note(actor, origin, "session.end", &user.name, None, None).await
    }
}
