//! Passwords: what is allowed, and Argon2id (RFC 9106) with OWASP's parameters.
//!
//! A hash takes about 50 ms and 19 MiB, so only two are computed at once; callers beyond a short queue are told
//! to come again instead of filling memory.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::base::secret::Secret;

/// Least characters of a password (NIST SP 800-63B asks for 8 with throttling; a monitoring server is worth more).
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Hashes computed at once.
const AT_ONCE: usize = 2;
/// Callers that may wait for one of those.
const WAITING_MAX: usize = 16;

/// Why there is no answer about a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("the password is too short: at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// Too many bytes.
    #[error("the password is too long: at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// Everyone tries first.
    #[error("the password is one of the first that everyone tries; choose another")]
    Guessable,
    /// Too many at once.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// The library refused, or what stands in the database is no hash.
    #[error("the password could not be checked: {0}")]
    Broken(String),
}

/// Whether a new password is allowed for somebody of this name.
pub fn allowed(password: &str, name: &str) -> Result<(), PasswordError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next().unwrap_or(' ');
    let of_one_letter = lower.chars().all(|letter| letter == first);
    let counts_up = "01234567890123456789".contains(&lower) || "abcdefghijklmnopqrstuvwxyz".contains(&lower);
    let is_name = !name.is_empty() && lower.replace(&name.to_lowercase(), "").chars().count() < 4;
    let is_word = ["password", "passwort", "qwertyuiop", "administrator", "pharos", "letmein", "changeme"]
        .iter()
        .any(|word| lower.replace(word, "").trim_matches(|c: char| c.is_ascii_digit() || c == '!').is_empty());
    if of_one_letter || counts_up || is_name || is_word { Err(PasswordError::Guessable) } else { Ok(()) }
}

/// Hashes and checks, a few at once.
#[derive(Debug)]
pub struct Passwords {
    places: std::sync::Arc<Semaphore>,
    line: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: std::sync::Arc::new(Semaphore::new(AT_ONCE)), line: Semaphore::new(WAITING_MAX) }
    }
}

impl Passwords {
    /// The hash to keep, as a PHC string.
    pub async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        self.compute(move || hash_blocking(&password)).await
    }

    /// Whether the password is the one of the hash. Without a hash the same work is done in vain, so that the
    /// time taken does not tell which names exist.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, PasswordError> {
        if password.expose().len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        self.compute(move || match hash {
            Some(hash) => verify_blocking(&password, &hash),
            None => hash_blocking(&password).map(|_| false),
        })
        .await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _in_line = self.line.try_acquire().map_err(|_| PasswordError::Busy)?;
        let place = std::sync::Arc::clone(&self.places).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        // The place goes with the work: a caller that goes away does not make room for another hash.
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|error| PasswordError::Broken(error.to_string()))?
    }
}

/// [`Passwords::hash`] for the command line.
pub fn hash_blocking(password: &Secret) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Broken(error.to_string()))
}

fn verify_blocking(password: &Secret, hash: &str) -> Result<bool, PasswordError> {
    let parsed = PasswordHash::new(hash).map_err(|error| PasswordError::Broken(error.to_string()))?;
    Ok(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everyone_tries_first_is_refused() {
        for bad in ["1234567890", "aaaaaaaaaaaa", "Password123!", "abcdefghijkl", "annette-12", "PHAROSpharos1"] {
            assert_eq!(allowed(bad, "annette"), Err(PasswordError::Guessable), "{bad}");
        }
        assert_eq!(allowed("short", "ann"), Err(PasswordError::TooShort));
        assert_eq!(allowed(&"x y".repeat(400), "ann"), Err(PasswordError::TooLong));
        for good in ["correct horse battery", "ḷöng ünïcode", "p4ssw0rd is not this"] {
            assert_eq!(allowed(good, "ann"), Ok(()), "{good}");
        }
    }

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Secret::new("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Secret::new("correct horse battery"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("correct horse batterz"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(Secret::new("anything at all"), None).await.unwrap());
        assert!(passwords.verify(Secret::new("x"), Some("no hash".to_owned())).await.is_err());
    }
}
