//! Random keys for sessions, tokens and set-up codes, and the hashes under which they are kept.
//!
//! A key has 256 random bits, so its plain SHA-256 cannot be searched; what is on disk opens nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::base::secret::Secret;

/// What every token begins with, so that people and leak scanners know one.
pub const TOKEN_PREFIX: &str = "pht_";

/// The SHA-256 of a key.
pub type KeyHash = [u8; 32];

/// The system gave no random bytes. Nothing that needs a key may go on.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandom(getrandom::Error);

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandom)?;
    Ok(bytes)
}

/// A fresh key: the prefix, then 43 letters, digits, `-` and `_`.
pub fn fresh(prefix: &str) -> Result<Secret, NoRandom> {
    let mut key = prefix.to_owned();
    URL_SAFE_NO_PAD.encode_string(random::<32>()?, &mut key);
    Ok(Secret::new(key))
}

/// A fresh name for what is shared by its address: nobody guesses it (160 bits), and a URL has all its letters.
pub fn address() -> Result<String, NoRandom> {
    Ok(URL_SAFE_NO_PAD.encode(random::<20>()?))
}

/// The hash of a key as it came.
pub fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// A code for people to type: four groups of four letters and digits that cannot be mistaken for another
/// (79 bits).
pub fn fresh_code() -> Result<Secret, NoRandom> {
    const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
    let bytes = random::<16>()?;
    let mut code = String::with_capacity(19);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        // 256 is no multiple of 31: the first eight letters come up an eighth more often, which costs a fraction of a bit.
        code.push(ALPHABET[usize::from(byte % 31)] as char);
    }
    Ok(Secret::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_keep_their_prefix() {
        let (one, other) = (fresh(TOKEN_PREFIX).unwrap(), fresh(TOKEN_PREFIX).unwrap());
        assert_ne!(one.expose(), other.expose());
        assert!(one.expose().starts_with(TOKEN_PREFIX) && one.expose().len() == TOKEN_PREFIX.len() + 43);
        assert_ne!(hash(one.expose()), hash(other.expose()));
        assert_eq!(hash("abc")[..4], [0xba, 0x78, 0x16, 0xbf], "SHA-256 of FIPS 180-2's example");
    }

    #[test]
    fn codes_can_be_read_out_loud() {
        let code = fresh_code().unwrap();
        assert_eq!(code.expose().len(), 19);
        assert!(code.expose().split('-').all(|group| group.len() == 4 && !group.contains(['0', '1', 'o', 'i', 'l'])));
    }
}
