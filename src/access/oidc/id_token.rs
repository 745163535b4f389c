//! ID tokens: JSON Web Tokens in which a provider says who somebody is (OpenID Connect Core, 3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::claims::Claims;
use super::keys::{self, PublicKey};

/// Most bytes of a token; people in hundreds of groups have tens of KiB.
const BYTES_MAX: usize = 256 * 1024;
/// How far the clocks of both machines may differ.
const LEEWAY_S: i64 = 60;
/// Most bytes of what a provider calls somebody.
const SUBJECT_BYTES_MAX: usize = 255;

/// A token in its parts; nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unchecked<'a> {
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The word of its algorithm; one of those that are taken.
    algorithm: String,
    /// The name of its key.
    key: Option<String>,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// Who says it.
    pub(super) issuer: &'a str,
    /// To whom.
    pub(super) client_id: &'a str,
    /// In answer to what.
    pub(super) nonce: &'a str,
    /// The time, in seconds since the Unix epoch.
    pub(super) now_s: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// Takes a token apart, and refuses algorithms that prove nothing.
pub(super) fn open(token: &str) -> Result<Unchecked<'_>, String> {
    if token.len() > BYTES_MAX {
        return Err(format!("the ID token is larger than {BYTES_MAX} bytes"));
    }
    let wrong = || "the ID token is no signed JSON Web Token".to_owned();
    let (message, signature) = token.rsplit_once('.').ok_or_else(wrong)?;
    let (header, payload) = message.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or_else(wrong)?;
    let header: Header = URL_SAFE_NO_PAD.decode(header).ok().and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(wrong)?;
    if !keys::is_known(&header.alg) {
        let word: String = header.alg.chars().take(20).collect();
        return Err(format!(
            "the ID token is signed with {word:?}; RS256, PS256, ES256 (and their longer kin) and EdDSA are taken, none and HS256 are not"
        ));
    }
    if header.crit.is_some() {
        return Err("the ID token needs an extension (crit) that is not known here".to_owned());
    }
    Ok(Unchecked { message, payload, signature, algorithm: header.alg, key: header.kid })
}

impl Unchecked<'_> {
    /// Whether a key for it is among these.
    pub(super) fn has_key(&self, keys: &[PublicKey]) -> bool {
        keys::has_key(keys, &self.algorithm, self.key.as_deref())
    }

    /// Whether one of these keys signed it.
    pub(super) fn is_signed(&self, keys: &[PublicKey]) -> bool {
        keys::is_signed(keys, &self.algorithm, self.key.as_deref(), self.message, self.signature)
    }

    /// Whether it names its key.
    pub(super) fn names_key(&self) -> bool {
        self.key.is_some()
    }

    /// What it says, once its signature holds and it is meant for us, now.
    pub(super) fn claims(&self, keys: &[PublicKey], expected: Expected<'_>) -> Result<Claims, String> {
        if !self.has_key(keys) {
            return Err("the ID token is signed with a key that the provider does not show".to_owned());
        }
        if !self.is_signed(keys) {
            return Err("the signature of the ID token does not fit".to_owned());
        }
        let json = URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| "the ID token cannot be decoded".to_owned())?;
        let claims: Claims = serde_json::from_slice(&json).map_err(|error| format!("the ID token cannot be read: {error}"))?;
        check(&claims, expected)?;
        Ok(claims)
    }
}

/// Whether signed claims are from whom, to whom, when and in answer to what they should be.
fn check(claims: &Claims, expected: Expected<'_>) -> Result<(), String> {
    let refused = |why: &str| Err(why.to_owned());
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return refused("the ID token is from another issuer (iss)");
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client_id) {
        return refused("the ID token is meant for another application (aud)");
    }
    match claims.get("azp") {
        None if audience.len() > 1 => return refused("the ID token is meant for several applications and does not say for which (azp)"),
        Some(party) if party.as_str() != Some(expected.client_id) => {
            return refused("the ID token was given to another application (azp)");
        }
        _ => {}
    }
    // Fractions are allowed; a time that is no number is none.
    let time = |name: &str| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
    let (now, leeway) = (expected.now_s as f64, LEEWAY_S as f64);
    match time("exp") {
        Some(end) if end > now - leeway => {}
        Some(_) => return refused("the ID token has expired (exp)"),
        None => return refused("the ID token does not say until when it holds (exp)"),
    }
    if !time("nbf").is_none_or(|start| start <= now + leeway) {
        return refused("the ID token does not hold yet (nbf)");
    }
    if !time("iat").is_none_or(|made| made <= now + leeway) {
        return refused("the ID token was made in the future (iat)");
    }
    let nonce = claims.get("nonce").and_then(Value::as_str).unwrap_or("");
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return refused("the ID token answers another sign-in (nonce)");
    }
    match subject(claims) {
        subject if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX => refused("the ID token does not say whom it is about (sub)"),
        _ => Ok(()),
    }
}

/// What the provider calls somebody, to the letter; empty when it does not say.
pub(super) fn subject(claims: &Claims) -> &str {
    claims.get("sub").and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests;
