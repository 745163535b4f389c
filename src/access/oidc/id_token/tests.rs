//! Every algorithm that is taken, and every way in which a token can be wrong.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::*;

const NOW_S: i64 = 1_763_714_000;
const EXPECTED: Expected<'_> = Expected { issuer: "https://id.example", client_id: "pharos", nonce: "n0nce", now_s: NOW_S };

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn good() -> Value {
    json!({"iss": "https://id.example", "aud": "pharos", "sub": "7", "nonce": "n0nce", "exp": NOW_S + 300, "iat": NOW_S})
}

/// A key of the kind that an algorithm needs: for signing, and as the provider shows it.
fn key(algorithm: Algorithm, id: &str) -> (EncodingKey, Value) {
    let word = format!("{algorithm:?}");
    let signing = match &word[..2] {
        "RS" | "PS" => {
            let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
            EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap()
        }
        "ES" => {
            let curve = if word == "ES256" { &rcgen::PKCS_ECDSA_P256_SHA256 } else { &rcgen::PKCS_ECDSA_P384_SHA384 };
            EncodingKey::from_ec_pem(rcgen::KeyPair::generate_for(curve).unwrap().serialize_pem().as_bytes()).unwrap()
        }
        _ => {
            // The library wants the short form of RFC 5958 without the public key, which Ed25519 keys have by default here.
            let mut der = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20].to_vec();
            der.extend_from_slice(&crate::access::key::random::<32>().unwrap());
            EncodingKey::from_ed_der(&der)
        }
    };
    let mut shown = serde_json::to_value(Jwk::from_encoding_key(&signing, algorithm).unwrap()).unwrap();
    shown["kid"] = json!(id);
    (signing, shown)
}

fn keys_of(shown: &[Value]) -> Vec<PublicKey> {
    keys::parse(json!({ "keys": shown }).to_string().as_bytes()).unwrap()
}

fn signed(key: &EncodingKey, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn read(token: &str, keys: &[PublicKey]) -> Result<Claims, String> {
    open(token)?.claims(keys, EXPECTED)
}

#[test]
fn every_asymmetric_algorithm_is_verified() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] {
        let ((signing, shown), (_, other)) = (key(algorithm, "a"), key(algorithm, "a"));
        for id in [json!("a"), Value::Null] {
            let token = signed(&signing, algorithm, &json!({"alg": format!("{algorithm:?}"), "kid": id}), &good());
            assert_eq!(
                read(&token, &keys_of(std::slice::from_ref(&shown))).map(|claims| subject(&claims).to_owned()),
                Ok("7".to_owned()),
                "{algorithm:?}"
            );
            let error = read(&token, &keys_of(std::slice::from_ref(&other))).expect_err("another key");
            assert!(error.contains("signature"), "{algorithm:?}: {error}");
        }
    }
}

#[test]
fn a_token_chooses_neither_key_nor_algorithm() {
    let (signing, shown) = key(Algorithm::RS256, "a");
    let keys = keys_of(std::slice::from_ref(&shown));
    let token = |header: Value| signed(&signing, Algorithm::RS256, &header, &good());
    let public = EncodingKey::from_secret(shown["n"].as_str().unwrap().as_bytes());
    let message = format!("{}.{}", encoded(&json!({"alg": "none"})), encoded(&good()));
    for (token, said) in [
        (format!("{message}."), "\"none\""),
        (message, "no signed"),
        (signed(&public, Algorithm::HS256, &json!({"alg": "HS256", "kid": "a"}), &good()), "\"HS256\""),
        (token(json!({"alg": "PS256", "kid": "a"})), "does not show"),
        (token(json!({"alg": "ES256", "kid": "a"})), "does not show"),
        (token(json!({"alg": "RS256", "kid": "b"})), "does not show"),
        (token(json!({"alg": "RS256", "kid": "a", "crit": ["b64"]})), "crit"),
        (token(json!({"kid": "a"})), "no signed"),
        ("a.b.c.d".to_owned(), "no signed"),
        (String::new(), "no signed"),
        ("x".repeat(BYTES_MAX + 1), "larger"),
    ] {
        let error = read(&token, &keys).expect_err(said);
        assert!(error.contains(said), "{token}: {error}");
    }
    let whole = token(json!({"alg": "RS256", "kid": "a"}));
    let (message, signature) = whole.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let mut other = good();
    other["sub"] = json!("8");
    let error = read(&format!("{header}.{}.{signature}", encoded(&other)), &keys).expect_err("tampered");
    assert!(error.contains("signature"), "{error}");
    let mut for_encryption = shown;
    for_encryption["use"] = json!("enc");
    assert!(keys_of(&[for_encryption, json!({"kty": "oct", "k": "AAAA"}), json!({"kty": "EC", "crv": "P-256"}), json!(7)]).is_empty());
}

#[test]
fn claims_must_fit() {
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        check(claims.as_object().unwrap(), EXPECTED)
    };
    for (name, value) in [
        ("aud", json!(["pharos"])),
        ("exp", json!(NOW_S - 59)),
        ("exp", json!(NOW_S as f64 + 0.5)),
        ("nbf", json!(NOW_S + 59)),
        ("iat", json!(NOW_S + 59)),
        ("azp", json!("pharos")),
    ] {
        assert_eq!(with(name, value.clone()), Ok(()), "{name} {value}");
    }
    for (name, value, said) in [
        ("iss", json!("https://id.example/"), "(iss)"),
        ("iss", json!(null), "(iss)"),
        ("aud", json!("grafana"), "(aud)"),
        ("aud", json!([]), "(aud)"),
        ("aud", json!({"pharos": 1}), "(aud)"),
        ("aud", json!(["pharos", "grafana"]), "(azp)"),
        ("azp", json!("grafana"), "(azp)"),
        ("azp", json!(null), "(azp)"),
        ("exp", json!(NOW_S - 60), "expired"),
        ("exp", json!("never"), "expired"),
        ("nbf", json!(NOW_S + 61), "(nbf)"),
        ("nbf", json!("soon"), "(nbf)"),
        ("iat", json!(NOW_S + 61), "(iat)"),
        ("nonce", json!("other"), "(nonce)"),
        ("nonce", json!(""), "(nonce)"),
        ("sub", json!(""), "(sub)"),
        ("sub", json!(7), "(sub)"),
        ("sub", json!("x".repeat(256)), "(sub)"),
    ] {
        let error = with(name, value.clone()).expect_err(said);
        assert!(error.contains(said), "{name} {value}: {error}");
    }
    for name in ["iss", "aud", "exp", "nonce", "sub"] {
        let mut claims = good().as_object().unwrap().clone();
        claims.remove(name);
        assert!(check(&claims, EXPECTED).is_err(), "without {name}");
    }
}
