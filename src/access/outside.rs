//! People for whom somebody else vouches: an identity provider, or a trusted proxy.
//!
//! They are known by who vouches and what they are called there, never by name or mail address: a name that is taken
//! here stays with its owner, and the newcomer gets another. Their role is what the other side says, each time anew.

use super::people::{NAME_CHARS_MAX, USERS_MAX, allowed_name, described, refused};
use super::policy::Role;
use super::service::{Access, AccessError, Origin};
use super::store::users::{self, NewUser, User};
use crate::base::secret::Secret;

/// Names tried for a newcomer before giving up: `ann`, `ann-2`, ...
const NAMES_TRIED: usize = 100;
/// What the audit log calls a caller without a name.
const NOBODY: &str = "nobody";

/// What somebody else says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says it: the URL of an identity provider, or `proxy`.
    pub issuer: String,
    /// What the person is called there, for programs; never changes.
    pub subject: String,
    /// What the person is called there, for people.
    pub name: String,
    /// Mail address, or nothing.
    pub email: String,
    /// What they may do here.
    pub role: Role,
}

/// What became of a person at the door.
enum Admitted {
    /// Known before, perhaps with another role.
    Known { before: User, after: User },
    /// New.
    New(User),
    /// Kept out by an administrator.
    KeptOut(User),
    /// There are too many users, or names like this one.
    NoRoom,
}

impl Access {
    /// Signs in somebody for whom an identity provider vouched. The answer is the cookie.
    pub async fn sign_in_as(&self, identity: &Identity, origin: &Origin) -> Result<Secret, AccessError> {
        let user = self.admit(identity, origin).await?;
        let cookie = self.begin_session(user.id, origin).await?;
        self.note(&user.name, origin, "sign-in", &user.name, None, Some(via(&identity.issuer))).await?;
        Ok(cookie)
    }

    /// The user of an identity that a trusted proxy vouches for, noted as a sign-in.
    pub(super) async fn admit_vouched(&self, identity: &Identity, origin: &Origin) -> Result<User, AccessError> {
        let user = self.admit(identity, origin).await?;
        self.note(&user.name, origin, "sign-in", &user.name, None, Some(via(&identity.issuer))).await?;
        Ok(user)
    }

    /// Writes down that somebody whom an issuer calls by this name may not come in. The name may be that of somebody
    /// else here, so it is not who did it.
    pub async fn note_refusal(&self, name: &str, issuer: &str, why: &str, origin: &Origin) -> Result<(), AccessError> {
        let after = serde_json::json!({ "provider": issuer, "refused": why }).to_string();
        self.note(issuer, origin, "sign-in.failed", name, None, Some(after)).await
    }

    /// The user of an identity, made at first sight, with the role and mail address that the other side says now.
    pub(super) async fn admit(&self, identity: &Identity, origin: &Origin) -> Result<User, AccessError> {
        let now = self.clock.now_ms();
        let said = identity.clone();
        let admitted = self
            .db
            .write(move |tx| {
                let known = users::by_identity(tx, &said.issuer, &said.subject)?;
                if let Some(before) = known {
                    if before.disabled {
                        return Ok(Admitted::KeptOut(before));
                    }
                    let after = User { role: said.role, email: said.email, signed_in_ms: Some(now), ..before.clone() };
                    users::update(tx, &after)?;
                    users::signed_in(tx, after.id, now)?;
                    return Ok(Admitted::Known { before, after });
                }
                let names = users::names(tx)?;
                let Some(name) = free_name(&said.name, &names).filter(|_| names.len() < USERS_MAX) else { return Ok(Admitted::NoRoom) };
                let identity = Some((said.issuer, said.subject));
                let new = NewUser { name, email: said.email, role: said.role, password_hash: None, identity };
                let id = users::insert(tx, &new, now)?;
                users::signed_in(tx, id, now)?;
                Ok(users::by_id(tx, id)?.map_or(Admitted::NoRoom, Admitted::New))
            })
            .await?;
        self.reload()?;
        if identity.role == Role::Admin && !matches!(admitted, Admitted::KeptOut(_) | Admitted::NoRoom) {
            // There is an administrator now, so the code of the first start opens nothing any more.
            *self.setup.lock() = None;
        }
        let by = &identity.issuer;
        match admitted {
            Admitted::KeptOut(user) => {
                let why = "kept out by an administrator";
                self.note_refusal(&user.name, by, why, origin).await?;
                Err(refused(format!("{} is kept out of this server; an administrator can change that on the page People", user.name)))
            }
            Admitted::NoRoom => Err(refused(format!(
                "no user can be made for {:?}: there are {USERS_MAX} users, or {NAMES_TRIED} with this name, which is the most allowed",
                identity.name
            ))),
            Admitted::New(user) => {
                self.note(by, origin, "user.create", &user.name, None, Some(described(&user))).await?;
                Ok(user)
            }
            Admitted::Known { before, after } => {
                if described(&before) != described(&after) {
                    self.note(by, origin, "user.change", &after.name, Some(described(&before)), Some(described(&after))).await?;
                }
                Ok(after)
            }
        }
    }
}

/// As JSON for the audit log.
fn via(issuer: &str) -> String {
    serde_json::json!({ "provider": issuer }).to_string()
}

/// A name made of what the other side says, that nobody has.
fn free_name(said: &str, taken: &[String]) -> Option<String> {
    let base = plain_name(said);
    let taken: Vec<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let is_free = |name: &String| {
        let lower = name.to_lowercase();
        lower != NOBODY && !taken.contains(&lower) && allowed_name(name).is_ok()
    };
    (1..=NAMES_TRIED).map(|number| if number == 1 { base.clone() } else { format!("{base}-{number}") }).find(is_free)
}

/// The letters of a name that names here may have, with room for a number behind it.
fn plain_name(said: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+' | ' ') { c } else { '-' };
    let room = NAME_CHARS_MAX - format!("-{NAMES_TRIED}").len();
    let name: String = said.trim().chars().take(room).map(letter).collect();
    let name = name.trim();
    if name.is_empty() { "user".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_stay_theirs() {
        let taken = ["Ann", "ann-2", "ÄNN", "user"].map(str::to_owned);
        for (said, name) in [
            ("ann", "ann-3"),
            ("bob@example.com", "bob@example.com"),
            (" bob ", "bob"),
            ("änn", "änn-2"),
            ("<b>", "-b-"),
            ("", "user-2"),
            ("\u{202e}", "-"),
            ("Nobody", "Nobody-2"),
            ("token \"x\"", "token -x-"),
        ] {
            assert_eq!(free_name(said, &taken).as_deref(), Some(name), "{said}");
        }
        let long = free_name(&"x".repeat(500), &taken).expect("a name");
        assert_eq!(long.chars().count(), 60);
        let all: Vec<String> = std::iter::once("z".to_owned()).chain((2..=NAMES_TRIED).map(|number| format!("z-{number}"))).collect();
        assert_eq!(free_name("z", &all), None);
    }
}
