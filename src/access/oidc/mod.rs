//! Signing in with an OpenID Connect provider: authorization code flow with PKCE.
//!
//! [`Oidc::begin`] sends a browser to the provider and remembers what it was promised; [`Oidc::finish`] takes it
//! back, exchanges the code, and gives an [`Identity`] that the provider signed. Whether that person may come in as a
//! user of this server is for [`Access`](super::Access) to say.

mod attempts;
mod claims;
mod discovery;
mod error;
mod exchange;
mod hints;
mod id_token;
mod keys;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use self::attempts::{Attempt, Attempts};
use self::claims::Claims;
use self::discovery::Provider;
use self::exchange::{Client, Code};
use self::hints::Hints;
use self::id_token::Expected;
use self::keys::PublicKey;
use super::key;
use super::outside::Identity;
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::platform::config::settings::Mistake;
use crate::platform::http::client::HttpClient;

pub use error::OidcError;
pub use settings::OidcSettings;

/// Sign-ins that wait for the provider at once.
const WAITING_MAX: usize = 64;
/// What the provider says of itself, and its keys, are asked for again after this long.
const FRESH: Duration = Duration::from_secs(3600);
/// After a failure strangers cannot make us ask again sooner.
const FAILED_FOR: Duration = Duration::from_secs(5);
/// Keys that nobody knows make us ask for new ones at most this often.
const UNKNOWN_EVERY: Duration = Duration::from_secs(60);
/// Who signs out waits no longer than this for the provider's description of itself.
const SIGN_OUT_WITHIN: Duration = Duration::from_secs(3);
/// Most bytes of the path to go on to.
const NEXT_BYTES_MAX: usize = 2000;
/// Most bytes of the address to come back to.
const REDIRECT_BYTES_MAX: usize = 500;
/// Most bytes of what a browser brings back.
const BROUGHT_BYTES_MAX: usize = 8192;
/// Most bytes of a file with a secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Claims for a name, after the one in the settings.
const NAME_CLAIMS: [&str; 3] = ["preferred_username", "email", "name"];

/// Where to send a browser.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The provider's page.
    pub url: String,
    /// By this cookie the browser is known when it comes back.
    pub browser: Secret,
}

/// What a browser brings back from the provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The state that it was given.
    pub state: &'a str,
    /// A code for tokens, if the provider said yes.
    pub code: &'a str,
    /// An error, if it said no.
    pub error: &'a str,
    /// The error in words.
    pub description: &'a str,
    /// Who the provider is, where it says so.
    pub issuer: Option<&'a str>,
    /// The browser's cookie.
    pub browser: &'a str,
}

/// Somebody for whom the provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Who.
    pub identity: Identity,
    /// What the provider signed about them, to be shown to it when they sign out.
    pub id_token: Secret,
    /// Where they wanted to go, on this server.
    pub next: String,
}

/// Why somebody does not come in, and where they wanted to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Why.
    pub error: OidcError,
    /// Where they wanted to go; empty when that is not known.
    pub next: String,
}

/// Something fetched, and when; or why not, and when. Times are of the monotonic clock.
#[derive(Debug)]
struct Fetched<T> {
    good: Option<(T, Duration)>,
    failed: Option<(OidcError, Duration)>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { good: None, failed: None }
    }
}

#[derive(Debug, Default)]
struct Keys {
    fetched: Fetched<Arc<Vec<PublicKey>>>,
    /// When an unknown key last made us ask again.
    asked_again: Option<Duration>,
}

/// A provider, and the sign-ins under way with it.
pub struct Oidc {
    settings: OidcSettings,
    client: HttpClient,
    clock: SharedClock,
    // Held while asking, so that many sign-ins at once ask once.
    provider: tokio::sync::Mutex<Fetched<Arc<Provider>>>,
    keys: tokio::sync::Mutex<Keys>,
    attempts: Mutex<Attempts>,
    waiting: Semaphore,
    hints: Mutex<Hints>,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Oidc {
    /// How long a sign-in may take; the cookie need not live longer.
    pub const LIFE: Duration = attempts::LIFE;

    /// Checks the settings; asks the provider nothing yet, so that a start does not depend on it. `Err` says which
    /// setting cannot work. Reads the files that they name.
    pub fn new(settings: OidcSettings, clock: SharedClock) -> Result<Arc<Self>, Mistake> {
        settings.check()?;
        let client = HttpClient::new(settings.client(), Arc::clone(&clock));
        let client = client.map_err(|error| Mistake::new("auth.oidc_ca_file", error.to_string()))?;
        Ok(Arc::new(Self {
            settings,
            client,
            clock,
            provider: tokio::sync::Mutex::default(),
            keys: tokio::sync::Mutex::default(),
            attempts: Mutex::default(),
            waiting: Semaphore::new(WAITING_MAX),
            hints: Mutex::default(),
        }))
    }

    /// Says in the log what is odd about the settings.
    pub fn warn(&self) {
        if self.settings.is_plain() {
            let issuer = &self.settings.issuer;
            tracing::warn!(%issuer, "auth.oidc_issuer is a plain http URL: whoever is on the way can sign in as anybody");
        }
    }

    /// What people call the provider.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What programs call it.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// URL under which browsers reach this server; empty for the one they ask by.
    pub fn external_url(&self) -> &str {
        self.settings.external_url.trim_end_matches('/')
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, OidcError> {
        self.waiting.try_acquire().map_err(|_| OidcError::Busy)
    }

    /// Sends a browser to the provider, which is to send it back to `redirect_uri`; `next` is where the person wants
    /// to go on this server, `browser` the cookie of an earlier sign-in, `from` where the request comes from.
    pub async fn begin(&self, next: &str, browser: Option<&str>, redirect_uri: &str, from: IpAddr) -> Result<Begun, OidcError> {
        if redirect_uri.len() > REDIRECT_BYTES_MAX {
            return Err(OidcError::Here("the name by which you ask for it is too long".to_owned()));
        }
        let provider = {
            let _place = self.place()?;
            self.provider().await?
        };
        let fresh = || key::fresh("").map_err(|error| OidcError::Here(error.to_string()));
        let (state, nonce, verifier) = (fresh()?, fresh()?, fresh()?);
        let now = self.clock.monotonic();
        // Another tab may have begun already; it comes back with the same cookie.
        let known = browser.filter(|browser| self.attempts.lock().knows(browser, now)).map(Secret::new);
        let browser = match known {
            Some(browser) => browser,
            None => fresh()?,
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()));
        let mut url = provider.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.settings.scope())
            .append_pair("state", state.expose())
            .append_pair("nonce", nonce.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let attempt = Attempt {
            browser: key::hash(browser.expose()),
            nonce,
            verifier,
            redirect_uri: redirect_uri.to_owned(),
            next: if next.len() <= NEXT_BYTES_MAX { next.to_owned() } else { String::new() },
            from,
            begun: now,
        };
        self.attempts.lock().put(state.expose(), attempt);
        Ok(Begun { url: url.into(), browser })
    }

    /// Takes back a browser that the provider sent here.
    pub async fn finish(&self, answer: Answer<'_>) -> Result<Finished, Unfinished> {
        let attempt = self.attempts.lock().take(answer.state, answer.browser, self.clock.monotonic());
        let Some(attempt) = attempt else { return Err(Unfinished { error: OidcError::NotBegun, next: String::new() }) };
        match self.identity(&attempt, answer).await {
            Ok((identity, id_token)) => Ok(Finished { identity, id_token, next: attempt.next }),
            Err(error) => Err(Unfinished { error, next: attempt.next }),
        }
    }

    async fn identity(&self, attempt: &Attempt, answer: Answer<'_>) -> Result<(Identity, Secret), OidcError> {
        if !answer.error.is_empty() {
            return Err(OidcError::Denied(exchange::words(format!("{} {}", answer.error, answer.description).trim())));
        }
        if answer.code.is_empty() || answer.code.len() > BROUGHT_BYTES_MAX {
            return Err(OidcError::Denied("it sent neither a code nor an error".to_owned()));
        }
        let _place = self.place()?;
        let provider = self.provider().await?;
        // Where providers name themselves, a code of another one is never sent to this one.
        match answer.issuer {
            Some(issuer) if issuer != self.settings.issuer => {
                return Err(OidcError::Token("the browser comes back from another issuer (iss)".to_owned()));
            }
            None if provider.names_itself => {
                return Err(OidcError::Token("the browser does not say from which issuer it comes back (iss)".to_owned()));
            }
            _ => {}
        }
        let secret = self.secret().await?;
        let us = Client { id: &self.settings.client_id, secret: &secret };
        let code = Code { code: answer.code, verifier: &attempt.verifier, redirect_uri: &attempt.redirect_uri };
        let tokens = exchange::tokens(&self.client, &provider, us, code).await?;
        let mut claims = self.verified(tokens.id_token.expose(), attempt.nonce.expose()).await?;
        if let (Some(url), Some(token), true) = (&provider.userinfo, &tokens.access_token, self.lacks(&claims)) {
            self.ask_more(&mut claims, url, token).await?;
        }
        Ok((self.person(&claims)?, tokens.id_token))
    }

    /// Keeps what the provider signed, until the session that began with it is ended by its person.
    pub fn session_began(&self, session: i64, id_token: Secret) {
        if self.settings.sign_out {
            self.hints.lock().put(session, id_token);
        }
    }

    /// Where a browser is to be sent so that a session ends at the provider as well, which sends it back to `return_to`;
    /// `None` where that is not offered or not wanted, or where the provider is away.
    pub async fn sign_out_url(&self, session: i64, return_to: &str) -> Option<String> {
        let hint = self.hints.lock().take(session);
        if !self.settings.sign_out || return_to.len() > REDIRECT_BYTES_MAX {
            return None;
        }
        let _place = self.place().ok()?;
        // Whoever signs out does not wait for a provider that is away.
        let known = tokio::time::timeout(SIGN_OUT_WITHIN, self.provider()).await.ok()?.ok()?;
        let mut url = known.end_session.clone()?;
        url.query_pairs_mut().append_pair("client_id", &self.settings.client_id).append_pair("post_logout_redirect_uri", return_to);
        if let Some(hint) = hint {
            url.query_pairs_mut().append_pair("id_token_hint", hint.expose());
        }
        Some(url.into())
    }

    /// Says what an ID token says, once it is proved.
    async fn verified(&self, id_token: &str, nonce: &str) -> Result<Claims, OidcError> {
        let token = id_token::open(id_token).map_err(OidcError::Token)?;
        let mut keys = self.keys().await?;
        if !token.has_key(&keys) || (!token.names_key() && !token.is_signed(&keys)) {
            keys = self.newest_keys().await?;
        }
        let expected =
            Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce, now_s: self.clock.now_ms() / 1000 };
        token.claims(&keys, expected).map_err(OidcError::Token)
    }

    /// Whether something is missing that the provider may say elsewhere.
    fn lacks(&self, claims: &Claims) -> bool {
        self.lacks_groups(claims) || claims::text(claims, &self.settings.name_claim).is_none() || claims::text(claims, "email").is_none()
    }

    fn lacks_groups(&self, claims: &Claims) -> bool {
        self.settings.roles.has_groups() && claims::find(claims, &self.settings.groups_claim).is_none()
    }

    async fn ask_more(&self, claims: &mut Claims, url: &Url, token: &Secret) -> Result<(), OidcError> {
        match exchange::userinfo(&self.client, url.clone(), token).await {
            Ok(more) if id_token::subject(&more) != id_token::subject(claims) => {
                Err(OidcError::Token("the answer about the person (userinfo) is about another one (sub)".to_owned()))
            }
            Ok(more) => {
                claims::fill(claims, more);
                Ok(())
            }
            // Without groups somebody would get another role than theirs.
            Err(error) if self.lacks_groups(claims) => Err(error),
            Err(error) => {
                tracing::warn!(%error, detail = error.detail(), "the identity provider says no more about a person");
                Ok(())
            }
        }
    }

    /// Who the claims are about, and what they may do here.
    fn person(&self, claims: &Claims) -> Result<Identity, OidcError> {
        let settings = &self.settings;
        let subject = id_token::subject(claims);
        let names = std::iter::once(settings.name_claim.as_str()).chain(NAME_CLAIMS);
        let name = names.filter_map(|claim| claims::text(claims, claim)).next().unwrap_or(subject);
        let refused = |why: String| OidcError::Refused { name: exchange::words(name), why };
        // An address that the provider has not checked may be anybody's.
        let is_unchecked = claims.get("email_verified").is_some_and(|said| said.as_bool() == Some(false) || said.as_str() == Some("false"));
        let email = claims::text(claims, "email").filter(|_| !is_unchecked).map(exchange::words).unwrap_or_default();
        if !settings.allowed_domains.is_empty() && !claims::has_domain(&email, &settings.allowed_domains) {
            return Err(refused(format!(
                "people from this provider need a checked mail address of {} to use this server",
                settings.allowed_domains.join(" or ")
            )));
        }
        let groups = claims::find(claims, &settings.groups_claim).map(claims::groups).unwrap_or_default();
        let Some(role) = settings.roles.role_of(&groups) else {
            return Err(refused(format!("no group of {} may use this server", exchange::words(name))));
        };
        Ok(Identity { issuer: settings.issuer.clone(), subject: subject.to_owned(), name: name.to_owned(), email, role })
    }

    async fn secret(&self) -> Result<Secret, OidcError> {
        let path = &self.settings.client_secret_file;
        if path.is_empty() {
            return Ok(self.settings.client_secret.clone());
        }
        let failed = |error: std::io::Error| {
            tracing::error!(%error, path, "the secret of the identity provider cannot be read");
            OidcError::Here("auth.oidc_client_secret_file cannot be read".to_owned())
        };
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        file.take(SECRET_BYTES_MAX).read_to_string(&mut text).await.map_err(failed)?;
        Ok(Secret::new(text.trim()))
    }

    /// What the provider says of itself; what it said before where it cannot be reached now.
    async fn provider(&self) -> Result<Arc<Provider>, OidcError> {
        let mut kept = self.provider.lock().await;
        if let Some(known) = kept.known(self.clock.monotonic()) {
            return known;
        }
        let fetched = async {
            let url = discovery::address(&self.settings.issuer)?;
            let body = exchange::document(&self.client, discovery::WHAT, url).await?;
            discovery::parse(&body, &self.settings.issuer).map(Arc::new)
        };
        kept.keep(fetched.await, self.clock.monotonic())
    }

    /// The provider's keys.
    async fn keys(&self) -> Result<Arc<Vec<PublicKey>>, OidcError> {
        let mut kept = self.keys.lock().await;
        if let Some(known) = kept.fetched.known(self.clock.monotonic()) {
            return known;
        }
        let fetched = self.fetch_keys().await;
        kept.fetched.keep(fetched, self.clock.monotonic())
    }

    /// The same, asked for again because one that nobody knows was used, unless that was just done.
    async fn newest_keys(&self) -> Result<Arc<Vec<PublicKey>>, OidcError> {
        let mut kept = self.keys.lock().await;
        let now = self.clock.monotonic();
        if kept.asked_again.is_none_or(|at| now.saturating_sub(at) >= UNKNOWN_EVERY) {
            let fetched = self.fetch_keys().await;
            // A failure does not count: keys that were rotated are needed as soon as they can be had.
            kept.asked_again = fetched.is_ok().then_some(now);
            return kept.fetched.keep(fetched, self.clock.monotonic());
        }
        kept.fetched.good.as_ref().map(|(keys, _)| Arc::clone(keys)).ok_or(OidcError::Busy)
    }

    async fn fetch_keys(&self) -> Result<Arc<Vec<PublicKey>>, OidcError> {
        const WHAT: &str = "list of keys";
        let url = self.provider().await?.keys.clone();
        let body = exchange::document(&self.client, WHAT, url).await?;
        keys::parse(&body).map(Arc::new).map_err(|reason| OidcError::Answer { what: WHAT, reason })
    }
}

impl<T: Clone> Fetched<T> {
    /// What need not be asked for again now.
    fn known(&self, now: Duration) -> Option<Result<T, OidcError>> {
        let within = |at: Duration, time: Duration| now.saturating_sub(at) < time;
        match (&self.good, &self.failed) {
            (Some((good, at)), _) if within(*at, FRESH) => Some(Ok(good.clone())),
            (Some((good, _)), Some((_, at))) if within(*at, FAILED_FOR) => Some(Ok(good.clone())),
            (None, Some((error, at))) if within(*at, FAILED_FOR) => Some(Err(error.clone())),
            _ => None,
        }
    }

    /// Keeps what came; gives what there was before where nothing came.
    fn keep(&mut self, fetched: Result<T, OidcError>, now: Duration) -> Result<T, OidcError> {
        match fetched {
            Ok(good) => {
                *self = Self { good: Some((good.clone(), now)), failed: None };
                Ok(good)
            }
            Err(error) => {
                tracing::warn!(%error, detail = error.detail(), "asking the identity provider failed");
                self.failed = Some((error.clone(), now));
                self.good.as_ref().map(|(good, _)| good.clone()).ok_or(error)
            }
        }
    }
}
