//! Time-based one-time codes (RFC 6238: SHA-1, six digits, 30 seconds, what authenticator apps take) and codes for
//! when the phone is lost.

use totp_rs::{Algorithm, Builder, Totp};

use super::caller::Person;
use super::key;
use super::service::{Access, AccessError, Origin};
use super::store::{sessions, users};
use crate::base::secret::Secret;

/// Seconds of a step.
const STEP_S: u64 = 30;
/// Steps before and after the present one whose codes are taken, for clocks that differ.
const SKEW: u16 = 1;
/// Recovery codes made at once.
const RECOVERY_CODES: usize = 8;

/// What somebody needs to set up their authenticator.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Base32, for typing.
    pub secret: Secret,
    /// `otpauth://` URL, for a QR code.
    pub url: Secret,
}

fn totp(secret: Vec<u8>, account: &str) -> Result<Totp, AccessError> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(secret)
        // The URL's form has no place for a colon.
        .with_account_name(account.replace(':', " "))
        .with_issuer(Some("pharos"))
        .build()
        .map_err(|error| AccessError::Refused(format!("the second factor cannot be used: {error}")))
}

fn from_base32(secret: &str, account: &str) -> Result<Totp, AccessError> {
    let secret = totp_rs::Secret::try_from_base32(secret)
        .map_err(|error| AccessError::Refused(format!("the second factor's secret cannot be read: {error}")))?;
    totp(secret.as_bytes().to_vec(), account)
}

fn described(totp: &Totp) -> Result<Enrolment, AccessError> {
    let url = totp.to_url().map_err(|error| AccessError::Refused(error.to_string()))?;
    Ok(Enrolment { secret: Secret::new(totp.secret().to_base32()), url: Secret::new(url) })
}

/// The step a code belongs to, if it is good now.
fn step_of(totp: &Totp, code: &str, now_s: u64) -> Option<i64> {
    totp.check(code, now_s).and_then(|step| i64::try_from(step).ok())
}

/// A code as it is compared: without what people put between its digits, recovery codes in their four groups.
fn tidied(code: &str) -> String {
    let plain: Vec<char> = code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).take(64).collect();
    if plain.len() != 16 {
        return plain.into_iter().collect();
    }
    plain.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

impl Access {
    /// How many recovery codes somebody has left. Blocking.
    pub fn recovery_codes_left(&self, user_id: i64) -> Result<u32, AccessError> {
        Ok(self.db.read(|db| users::recovery_codes(db, user_id))?)
    }

    /// A fresh secret for somebody. Nothing is kept until [`Self::enable_totp`] sees a code made with it.
    pub fn enrol(&self, person: &Person) -> Result<Enrolment, AccessError> {
        described(&totp(key::random::<20>()?.to_vec(), &person.name)?)
    }

    /// The one that was begun with this secret.
    pub fn enrolment(&self, person: &Person, secret: &str) -> Result<Enrolment, AccessError> {
        described(&from_base32(secret, &person.name)?)
    }

    /// Turns the second factor on after a first right code; gives the recovery codes, which are shown once.
    /// Other sessions of the person end.
    pub async fn enable_totp(&self, person: &Person, secret: &str, code: &str, origin: &Origin) -> Result<Vec<Secret>, AccessError> {
        if self.user(person.user_id)?.has_totp {
            return Err(AccessError::Refused("the second factor is on already; turn it off first".to_owned()));
        }
        let step = step_of(&from_base32(secret, &person.name)?, &tidied(code), self.now_s());
        let Some(step) = step else {
            return Err(AccessError::Refused("that code does not fit; check that the clock of your phone is right".to_owned()));
        };
        let codes = (0..RECOVERY_CODES).map(|_| key::fresh_code()).collect::<Result<Vec<Secret>, _>>()?;
        let hashes: Vec<_> = codes.iter().map(|code| key::hash(code.expose())).collect();
        let (id, session, secret) = (person.user_id, person.session_id, secret.to_owned());
        self.db
            .write(move |tx| {
                users::set_totp(tx, id, Some(&secret), step, &hashes)?;
                sessions::delete_of_user(tx, id, Some(session))
            })
            .await?;
        self.reload()?;
        self.note(&person.name, origin, "totp.enable", &person.name, None, None).await?;
        Ok(codes)
    }

    /// Turns the second factor of a user off. Their sessions end, but for `keep`.
    pub async fn disable_totp(&self, actor: &str, user_id: i64, keep: Option<i64>, origin: &Origin) -> Result<(), AccessError> {
        let name = self.user(user_id)?.name;
        self.db
            .write(move |tx| {
                users::set_totp(tx, user_id, None, 0, &[])?;
                sessions::delete_of_user(tx, user_id, keep)
            })
            .await?;
        self.reload()?;
        self.note(actor, origin, "totp.disable", &name, None, None).await
    }

    /// Checks a code of the second factor, or a recovery code, and uses it up.
    pub(super) async fn check_second_factor(&self, user_id: i64, secret: &str, code: &str) -> Result<(), AccessError> {
        let code = tidied(code);
        if code.is_empty() {
            return Err(AccessError::NeedsCode);
        }
        // Whoever comes here has the password, so this may hold back the account, wherever the tries come from.
        self.throttle.begin_code(user_id, self.clock.monotonic()).map_err(AccessError::Throttled)?;
        let is_used_up = match step_of(&from_base32(secret, "")?, &code, self.now_s()) {
            Some(step) => self.db.write(move |tx| users::use_totp_step(tx, user_id, step)).await?,
            None => {
                let hash = key::hash(&code);
                self.db.write(move |tx| users::use_recovery_code(tx, user_id, &hash)).await?
            }
        };
        if !is_used_up {
            return Err(AccessError::Wrong);
        }
        self.throttle.code_succeeded(user_id);
        Ok(())
    }

    fn now_s(&self) -> u64 {
        u64::try_from(self.clock.now_ms() / 1000).unwrap_or(0)
    }
}
