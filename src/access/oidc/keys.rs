//! The keys with which a provider signs (JWK sets, RFC 7517), and signatures made with them.
//!
//! A key fits only the algorithms of its own kind, so what a token says of its algorithm chooses nothing: `none` and
//! the symmetric ones, whose "secret" would be the public key, are not known here at all.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// Keys of one provider that are looked at.
const KEYS_MAX: usize = 100;

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A public key.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    /// Its name, where it has one.
    id: Option<String>,
    kind: Kind,
    /// The only algorithm that it is for, where the provider says so.
    algorithm: Option<String>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// Reads a set. Keys of other kinds, or for other purposes, are left out.
pub(super) fn parse(body: &[u8]) -> Result<Vec<PublicKey>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let keys = set.keys.into_iter().take(KEYS_MAX);
    Ok(keys.filter_map(|key| serde_json::from_value(key).ok()).filter_map(public_key).collect())
}

fn public_key(written: Written) -> Option<PublicKey> {
    if written.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (x, y) = (written.x.as_deref(), written.y.as_deref());
    let (kind, key) = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => (Kind::Rsa, DecodingKey::from_rsa_components(written.n.as_deref()?, written.e.as_deref()?)),
        ("EC", Some("P-256")) => (Kind::P256, DecodingKey::from_ec_components(x?, y?)),
        ("EC", Some("P-384")) => (Kind::P384, DecodingKey::from_ec_components(x?, y?)),
        ("OKP", Some("Ed25519")) => (Kind::Ed25519, DecodingKey::from_ed_components(x?)),
        _ => return None,
    };
    Some(PublicKey { id: written.kid, kind, algorithm: written.alg, key: key.ok()? })
}

/// The algorithm of a word, and the kind of key it takes. Only asymmetric ones are known.
fn algorithm(word: &str) -> Option<(Algorithm, Kind)> {
    Some(match word {
        "RS256" => (Algorithm::RS256, Kind::Rsa),
        "RS384" => (Algorithm::RS384, Kind::Rsa),
        "RS512" => (Algorithm::RS512, Kind::Rsa),
        "PS256" => (Algorithm::PS256, Kind::Rsa),
        "PS384" => (Algorithm::PS384, Kind::Rsa),
        "PS512" => (Algorithm::PS512, Kind::Rsa),
        "ES256" => (Algorithm::ES256, Kind::P256),
        "ES384" => (Algorithm::ES384, Kind::P384),
        "EdDSA" | "Ed25519" => (Algorithm::EdDSA, Kind::Ed25519),
        _ => return None,
    })
}

/// Whether signatures of this algorithm are taken.
pub(super) fn is_known(word: &str) -> bool {
    algorithm(word).is_some()
}

/// Whether one of the keys may have signed: by its name where the token gives one, else by its kind.
pub(super) fn has_key(keys: &[PublicKey], word: &str, id: Option<&str>) -> bool {
    candidates(keys, word, id).next().is_some()
}

fn candidates<'a>(keys: &'a [PublicKey], word: &'a str, id: Option<&'a str>) -> impl Iterator<Item = (&'a PublicKey, Algorithm)> {
    let known = algorithm(word);
    keys.iter().filter_map(move |key| {
        let (algorithm, kind) = known?;
        let is_named = id.is_none() || key.id.as_deref() == id;
        let is_for = key.algorithm.as_deref().is_none_or(|only| only == word);
        (is_named && is_for && key.kind == kind).then_some((key, algorithm))
    })
}

/// Whether one of the keys made this signature (in Base64) of a message.
pub(super) fn is_signed(keys: &[PublicKey], word: &str, id: Option<&str>, message: &str, signature: &str) -> bool {
    candidates(keys, word, id)
        .any(|(key, algorithm)| jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, algorithm).unwrap_or(false))
}
