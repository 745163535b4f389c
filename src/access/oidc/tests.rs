//! Against a provider of its own: what is asked how often, what is believed, who comes in as what.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;
use crate::access::grant::RoleMap;
use crate::access::policy::Role;
use crate::base::clock::ManualClock;

const NOW_MS: i64 = 1_763_714_000_000;
const REDIRECT: &str = "http://pharos.example/login/oidc/callback";

/// A provider that says what it is told to.
struct Fake {
    issuer: Mutex<String>,
    signing: Mutex<(EncodingKey, String)>,
    claims: Mutex<Value>,
    more: Mutex<Value>,
    names_itself: AtomicBool,
    is_broken: AtomicBool,
    descriptions: AtomicUsize,
    key_lists: AtomicUsize,
}

fn signing() -> EncodingKey {
    EncodingKey::from_ec_pem(rcgen::KeyPair::generate().unwrap().serialize_pem().as_bytes()).unwrap()
}

impl Fake {
    async fn start() -> Arc<Self> {
        let fake = Arc::new(Self {
            issuer: Mutex::default(),
            signing: Mutex::new((signing(), "first".to_owned())),
            claims: Mutex::default(),
            more: Mutex::default(),
            names_itself: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            descriptions: AtomicUsize::new(0),
            key_lists: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *fake.issuer.lock() = format!("http://{}", listener.local_addr().unwrap());
        let answer = |status: u16, body: Value| (http::StatusCode::from_u16(status).unwrap(), body.to_string());
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(move |State(fake): State<Arc<Self>>| async move {
                    fake.descriptions.fetch_add(1, Ordering::Relaxed);
                    let (issuer, status) = (fake.issuer.lock().clone(), if fake.is_broken.load(Ordering::Relaxed) { 500 } else { 200 });
                    let at = |path: &str| format!("{issuer}/{path}");
                    answer(
                        status,
                        json!({
                            "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"),
                            "jwks_uri": at("keys"), "userinfo_endpoint": at("me"), "end_session_endpoint": at("end?a=b"),
                            "authorization_response_iss_parameter_supported": fake.names_itself.load(Ordering::Relaxed),
                        }),
                    )
                }),
            )
            .route(
                "/keys",
                get(move |State(fake): State<Arc<Self>>| async move {
                    fake.key_lists.fetch_add(1, Ordering::Relaxed);
                    let (key, id) = fake.signing.lock().clone();
                    let mut shown = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
                    shown["kid"] = json!(id);
                    answer(200, json!({ "keys": [shown] }))
                }),
            )
            .route(
                "/token",
                post(move |State(fake): State<Arc<Self>>, body: String| async move {
                    if !body.contains("code=good") {
                        return answer(400, json!({"error": "invalid_grant", "error_description": "no such code"}));
                    }
                    let (key, id) = fake.signing.lock().clone();
                    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                    let message = format!("{}.{}", encoded(&json!({"alg": "ES256", "kid": id})), encoded(&fake.claims.lock()));
                    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap();
                    answer(200, json!({"id_token": format!("{message}.{signature}"), "access_token": "at", "token_type": "Bearer"}))
                }),
            )
            .route("/me", get(move |State(fake): State<Arc<Self>>| async move { answer(200, fake.more.lock().clone()) }))
            .with_state(Arc::clone(&fake));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.lock().clone(),
            client_id: "pharos".to_owned(),
            client_secret: Secret::new("s3cret"),
            client_secret_file: String::new(),
            ca_file: String::new(),
            scopes: vec!["profile".to_owned()],
            name: "Fake".to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            roles: RoleMap { admin: vec!["ops".to_owned()], viewer: vec!["staff".to_owned()], ..RoleMap::default() },
            allowed_domains: Vec::new(),
            sign_out: true,
            external_url: String::new(),
        }
    }

    /// Rotates the key.
    fn rotate(&self, id: &str) {
        *self.signing.lock() = (signing(), id.to_owned());
    }

    /// Goes the whole way; `extra` is what the ID token says besides what it must.
    async fn sign_in(&self, oidc: &Oidc, extra: Value) -> Result<Finished, OidcError> {
        let begun = oidc.begin("/explore", None, REDIRECT, IpAddr::from([127, 0, 0, 1])).await?;
        let (state, nonce) = asked(&begun);
        let mut claims = json!({
            "iss": oidc.issuer(), "aud": "pharos", "sub": "7", "nonce": nonce, "exp": NOW_MS / 1000 + 864_000,
            "preferred_username": "ann", "email": "ann@example.com",
        });
        claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        *self.claims.lock() = claims;
        let answer = Answer { state: &state, code: "good", browser: begun.browser.expose(), ..Answer::default() };
        oidc.finish(answer).await.map_err(|unfinished| unfinished.error)
    }
}

/// State and nonce in the address that a browser is sent to.
fn asked(begun: &Begun) -> (String, String) {
    let url = Url::parse(&begun.url).unwrap();
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!(
        (value("response_type"), value("code_challenge_method"), value("scope")),
        ("code".into(), "S256".into(), "openid profile".into())
    );
    assert_eq!((value("code_challenge").len(), value("redirect_uri").as_str()), (43, REDIRECT));
    (value("state"), value("nonce"))
}

async fn fixture() -> (Arc<Fake>, Arc<Oidc>, Arc<ManualClock>) {
    let (fake, clock) = (Fake::start().await, ManualClock::at(NOW_MS));
    let oidc = Oidc::new(fake.settings(), Arc::clone(&clock) as _).unwrap();
    (fake, oidc, clock)
}

#[tokio::test]
async fn groups_of_the_id_token_or_of_userinfo_give_the_role() {
    let (fake, oidc, _) = fixture().await;
    let finished = fake.sign_in(&oidc, json!({"groups": ["staff", "ops"]})).await.unwrap();
    let expected = Identity {
        issuer: oidc.issuer().to_owned(),
        subject: "7".to_owned(),
        name: "ann".to_owned(),
        email: "ann@example.com".to_owned(),
        role: Role::Admin,
    };
    assert_eq!((finished.identity, finished.next.as_str()), (expected, "/explore"));
    *fake.more.lock() = json!({"sub": "7", "groups": ["staff"], "preferred_username": "eve"});
    let finished = fake.sign_in(&oidc, json!({})).await.unwrap();
    assert_eq!((finished.identity.role, finished.identity.name.as_str()), (Role::Viewer, "ann"));
    *fake.more.lock() = json!({"sub": "8", "groups": ["ops"]});
    assert!(fake.sign_in(&oidc, json!({})).await.unwrap_err().to_string().contains("another one (sub)"));
    for groups in [json!(["guests"]), json!([]), json!(null)] {
        let error = fake.sign_in(&oidc, json!({ "groups": groups })).await.unwrap_err();
        assert!(matches!(&error, OidcError::Refused { name, why } if name == "ann" && why.contains("no group")), "{error}");
    }
    *fake.more.lock() = json!("nonsense");
    assert!(matches!(fake.sign_in(&oidc, json!({})).await, Err(OidcError::Answer { .. })), "a role is never guessed");
}

#[tokio::test]
async fn mail_addresses_count_only_when_checked() {
    let fake = Fake::start().await;
    let settings = OidcSettings { allowed_domains: vec!["example.com".to_owned()], ..fake.settings() };
    let oidc = Oidc::new(settings, ManualClock::at(NOW_MS) as _).unwrap();
    for (extra, comes_in) in [
        (json!({}), true),
        (json!({"email_verified": true}), true),
        (json!({"email_verified": false}), false),
        (json!({"email_verified": "false"}), false),
        (json!({"email": "ann@evil.example"}), false),
        (json!({"email": null}), false),
    ] {
        let mut all = json!({"groups": ["staff"]});
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        *fake.more.lock() = json!({"sub": "7"});
        assert_eq!(fake.sign_in(&oidc, all).await.is_ok(), comes_in, "{extra}");
    }
}

#[tokio::test]
async fn a_browser_comes_back_once_with_what_it_was_given() {
    let (fake, oidc, clock) = fixture().await;
    let from = IpAddr::from([127, 0, 0, 1]);
    let begun = oidc.begin("/", None, REDIRECT, from).await.unwrap();
    let second = oidc.begin("/", Some(begun.browser.expose()), REDIRECT, from).await.unwrap();
    assert_eq!(begun.browser, second.browser, "two tabs of one browser");
    let planted = oidc.begin("/", Some("planted"), REDIRECT, from).await.unwrap();
    assert_ne!(planted.browser.expose(), "planted");
    let (state, _) = asked(&begun);
    let come = |state: String, browser: String, code: &'static str, issuer: Option<&'static str>, error: &'static str| {
        let oidc = Arc::clone(&oidc);
        async move {
            let answer = Answer { state: &state, code, browser: &browser, issuer, error, description: "<b>no</b>" };
            oidc.finish(answer).await.unwrap_err().error
        }
    };
    let browser = begun.browser.expose().to_owned();
    assert_eq!(come(state.clone(), "other".to_owned(), "good", None, "").await, OidcError::NotBegun);
    assert_eq!(come("other".to_owned(), browser.clone(), "good", None, "").await, OidcError::NotBegun);
    let bad = come(state.clone(), browser.clone(), "bad", None, "").await;
    assert!(matches!(&bad, OidcError::Answer { reason, .. } if reason.contains("no such code")), "{bad:?}");
    assert_eq!(come(state, browser.clone(), "good", None, "").await, OidcError::NotBegun, "used up");
    let (state, _) = asked(&second);
    assert_eq!(come(state, browser, "", None, "access_denied").await, OidcError::Denied("access_denied <b>no</b>".to_owned()));
    let late = oidc.begin("/", None, REDIRECT, from).await.unwrap();
    clock.advance(Oidc::LIFE);
    assert_eq!(come(asked(&late).0, late.browser.expose().to_owned(), "good", None, "").await, OidcError::NotBegun, "too late");
    let mixed = oidc.begin("/", None, REDIRECT, from).await.unwrap();
    let error = come(asked(&mixed).0, mixed.browser.expose().to_owned(), "good", Some("https://evil.example"), "").await;
    assert!(error.to_string().contains("another issuer"), "{error}");
    fake.names_itself.store(true, Ordering::Relaxed);
    clock.advance(FRESH);
    let silent = oidc.begin("/", None, REDIRECT, from).await.unwrap();
    let error = come(asked(&silent).0, silent.browser.expose().to_owned(), "good", None, "").await;
    assert!(error.to_string().contains("does not say"), "{error}");
}

#[tokio::test]
async fn new_keys_are_asked_for_when_one_is_unknown_but_once_a_minute_only() {
    let (fake, oidc, clock) = fixture().await;
    let staff = || json!({"groups": ["staff"]});
    let lists = || fake.key_lists.load(Ordering::Relaxed);
    fake.sign_in(&oidc, staff()).await.unwrap();
    fake.sign_in(&oidc, staff()).await.unwrap();
    assert_eq!(lists(), 1);
    fake.rotate("second");
    fake.sign_in(&oidc, staff()).await.unwrap();
    assert_eq!(lists(), 2);
    fake.rotate("third");
    for _ in 0..3 {
        assert!(fake.sign_in(&oidc, staff()).await.unwrap_err().to_string().contains("does not show"));
    }
    assert_eq!(lists(), 2, "asked again within a minute");
    clock.advance(UNKNOWN_EVERY);
    fake.sign_in(&oidc, staff()).await.unwrap();
    assert_eq!(lists(), 3);
    clock.advance(FRESH);
    fake.sign_in(&oidc, staff()).await.unwrap();
    assert_eq!(lists(), 4, "keys that a provider withdrew are forgotten within an hour");
}

#[tokio::test]
async fn a_provider_that_fails_is_not_asked_by_every_stranger() {
    let (fake, oidc, clock) = fixture().await;
    let descriptions = || fake.descriptions.load(Ordering::Relaxed);
    fake.is_broken.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        assert!(matches!(fake.sign_in(&oidc, json!({})).await, Err(OidcError::Unreachable { reason, .. }) if reason.contains("500")));
    }
    assert_eq!(descriptions(), 1);
    clock.advance(FAILED_FOR);
    fake.is_broken.store(false, Ordering::Relaxed);
    fake.sign_in(&oidc, json!({"groups": ["ops"]})).await.unwrap();
    fake.is_broken.store(true, Ordering::Relaxed);
    clock.advance(FRESH);
    fake.sign_in(&oidc, json!({"groups": ["ops"]})).await.expect("what it said before holds while it is away");
    let nobody = Oidc::new(OidcSettings { issuer: "http://127.0.0.1:1".to_owned(), ..fake.settings() }, clock as _).unwrap();
    let error = nobody.begin("/", None, REDIRECT, IpAddr::from([127, 0, 0, 1])).await.unwrap_err();
    assert!(matches!(&error, OidcError::Unreachable { .. }) && !error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn the_secret_is_read_anew_and_never_shown() {
    let fake = Fake::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-file\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let settings = OidcSettings { client_secret: Secret::default(), client_secret_file: path, ..fake.settings() };
    let oidc = Oidc::new(settings, ManualClock::at(NOW_MS) as _).unwrap();
    assert_eq!(oidc.secret().await.unwrap().expose(), "from-file");
    std::fs::write(file.path(), "rotated").unwrap();
    assert_eq!(oidc.secret().await.unwrap().expose(), "rotated");
    drop(file);
    assert!(matches!(oidc.secret().await, Err(OidcError::Here(_))));
    let shown = format!("{:?}", Oidc::new(fake.settings(), ManualClock::at(NOW_MS) as _).unwrap());
    assert!(!shown.contains("s3cret") && shown.contains("<secret>"), "{shown}");
}

#[tokio::test]
async fn who_signs_out_is_signed_out_at_the_provider() {
    let fake = Fake::start().await;
    let clock = ManualClock::at(NOW_MS);
    let oidc = Oidc::new(fake.settings(), clock.clone() as _).unwrap();
    let finished = fake.sign_in(&oidc, json!({"groups": ["ops"]})).await.unwrap();
    oidc.session_began(7, finished.id_token.clone());
    let pairs = |url: Option<String>| -> Vec<(String, String)> {
        let url: Url = url.expect("it is offered").parse().unwrap();
        assert_eq!(url.path(), "/end");
        url.query_pairs().into_owned().collect()
    };
    let back = "https://pharos.example/login";
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let always = [pair("a", "b"), pair("client_id", "pharos"), pair("post_logout_redirect_uri", back)];
    let known = pairs(oidc.sign_out_url(7, back).await);
    assert_eq!(known, [&always[..], &[pair("id_token_hint", finished.id_token.expose())]].concat());
    assert_eq!(pairs(oidc.sign_out_url(7, back).await), always, "what it signed is shown once");
    let off = Oidc::new(OidcSettings { sign_out: false, ..fake.settings() }, clock.clone() as _).unwrap();
    assert_eq!(off.sign_out_url(7, back).await, None);
    let away = Oidc::new(OidcSettings { issuer: "http://127.0.0.1:1".to_owned(), ..fake.settings() }, clock as _).unwrap();
    assert_eq!(away.sign_out_url(7, back).await, None, "and nobody is kept in by that");
}
