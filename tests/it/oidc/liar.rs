//! A provider that lies: tokens of the wrong kind, for others, from the past, by strangers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Browser, CALLBACK, Landed};
use crate::support::Server;

/// After every test.
const LATER_S: i64 = 4_102_444_800;
/// Before every test.
const EARLIER_S: i64 = 1_000_000_000;

/// Signs with its own key, or another's; shows one key only.
struct Liar {
    issuer: String,
    own: EncodingKey,
    /// What it gives for the next code.
    token: Arc<Mutex<String>>,
}

fn key() -> EncodingKey {
    EncodingKey::from_ec_pem(rcgen::KeyPair::generate().unwrap().serialize_pem().as_bytes()).unwrap()
}

impl Liar {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (own, token) = (key(), Arc::new(Mutex::new(String::new())));
        let mut shown = serde_json::to_value(Jwk::from_encoding_key(&own, Algorithm::ES256).unwrap()).unwrap();
        shown["kid"] = json!("own");
        let at = |path: &str| format!("{issuer}/{path}");
        let description = json!({
            "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"), "jwks_uri": at("keys"),
        });
        let keys = json!({ "keys": [shown] });
        let told = Arc::clone(&token);
        // Ends with the test's process; a listener cannot be told to stop.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let token = told.lock().unwrap().clone();
                answer(stream, |path| match path {
                    "/keys" => keys.to_string(),
                    "/token" => json!({"id_token": token, "access_token": "a", "token_type": "Bearer"}).to_string(),
                    _ => description.to_string(),
                });
            }
        });
        Self { issuer, own, token }
    }

    fn signed(&self, key: &EncodingKey, header: &Value, claims: &Value) -> String {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let algorithm = if header["alg"] == "HS256" { Algorithm::HS256 } else { Algorithm::ES256 };
        format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap())
    }

    /// Goes the whole way; `lie` makes the token from what would be true.
    fn sign_in(&self, server: &Server, lie: impl FnOnce(&Self, Value) -> String) -> Landed {
        let browser = Browser::new();
        let sent_to = browser.begin(server, "%2Fstatus");
        let value = |name: &str| sent_to.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let truth = json!({
            "iss": self.issuer, "aud": "pharos", "sub": "7", "nonce": value("nonce"), "exp": LATER_S, "preferred_username": "eve",
        });
        *self.token.lock().unwrap() = lie(self, truth);
        browser.go(&server.url(&format!("{CALLBACK}?code=c&state={}", value("state"))))
    }
}

/// Reads a request with its body, answers by its path, closes.
fn answer(mut stream: TcpStream, body: impl FnOnce(&str) -> String) {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    let whole = loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
            if rest.len() >= length {
                break text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(&chunk[..count]),
        }
    };
    let path = whole.split(' ').nth(1).unwrap_or("/");
    let body = body(path);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err();
}

type Lie = Box<dyn FnOnce(&Liar, Value) -> String>;

/// A well signed token that says something else.
fn says(name: &'static str, value: Value) -> Lie {
    Box::new(move |liar, mut claims| {
        claims[name] = value;
        liar.signed(&liar.own, &json!({"alg": "ES256", "kid": "own"}), &claims)
    })
}

/// The truth under another header, signed with this key.
fn headed(header: Value, key: Option<EncodingKey>) -> Lie {
    Box::new(move |liar, claims| liar.signed(key.as_ref().unwrap_or(&liar.own), &header, &claims))
}

#[test]
fn a_lie_opens_nothing() {
    let liar = Liar::start();
    let args =
        ["--auth=on", "--host-metrics=false", "--own-metrics=false", "--auth.oidc-client-id=pharos", "--auth.oidc-default-role=editor"];
    let server = Server::start(&[&args[..], &["--auth.oidc-issuer", &liar.issuer]].concat());
    let own = || json!({"alg": "ES256", "kid": "own"});
    let unsigned: Lie = Box::new(|liar, claims| {
        let signed = liar.signed(&liar.own, &json!({"alg": "none"}), &claims);
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    });
    let tampered: Lie = Box::new(move |liar, mut claims| {
        let whole = liar.signed(&liar.own, &own(), &claims);
        claims["sub"] = json!("8");
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let parts: Vec<&str> = whole.split('.').collect();
        format!("{}.{payload}.{}", parts[0], parts[2])
    });
    let secret = EncodingKey::from_secret(b"own");
    let lies: Vec<(Lie, &str)> = vec![
        (unsigned, "signed with &#34;none&#34;"),
        (headed(json!({"alg": "HS256", "kid": "own"}), Some(secret)), "signed with &#34;HS256&#34;"),
        (headed(own(), Some(key())), "signature"),
        (tampered, "signature"),
        (headed(json!({"alg": "ES256", "kid": "other"}), None), "does not show"),
        (says("aud", json!("grafana")), "(aud)"),
        (says("iss", json!("https://elsewhere.example")), "(iss)"),
        (says("nonce", json!("replayed")), "(nonce)"),
        (says("exp", json!(EARLIER_S)), "(exp)"),
        (says("nbf", json!(LATER_S)), "(nbf)"),
        (Box::new(|_, _| "<script>alert(1)</script>".to_owned()), "no signed"),
    ];
    for (lie, said) in lies {
        let landed = liar.sign_in(&server, lie);
        assert_eq!((landed.status, landed.url.path()), (403, CALLBACK), "{said}");
        assert!(landed.text.contains(said) && !landed.text.contains("<script>alert"), "{said}: {}", landed.text);
    }
    let landed = liar.sign_in(&server, headed(json!({"alg": "ES256", "kid": "own"}), None));
    assert_eq!((landed.status, landed.url.path()), (200, "/status"), "the truth opens: {}", landed.text);
}
