//! Who we are towards the server: headers, passwords and tokens, from files where the settings say so.

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::settings::{HeaderSetting, OAuth2Settings, SecretSource};
use crate::base::clock::SharedClock;

use super::{ClientError, ClientSettings, HttpClient, Request, header_pair};

/// Largest secret, certificate or token file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Largest answer of a token endpoint.
const TOKEN_BYTES_MAX: usize = 256 * 1024;
/// A token is renewed this long before it ends.
const TOKEN_SPARE: Duration = Duration::from_secs(10);
/// How long a token without stated end is used.
const TOKEN_DEFAULT: Duration = Duration::from_secs(3600);

/// The current OAuth 2 token.
#[derive(Default)]
pub(super) struct TokenCache(tokio::sync::Mutex<Option<Token>>);

struct Token {
    header: HeaderValue,
    /// On the monotonic clock.
    until: Duration,
    /// The secret it was got with; another one needs another token.
    secret: String,
}

/// Who we are, for whoever sends requests by other hands than [`HttpClient`]'s.
pub struct Credentials {
    settings: ClientSettings,
    clock: SharedClock,
    token: TokenCache,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// Those of the settings.
    pub fn new(settings: ClientSettings, clock: SharedClock) -> Self {
        Self { settings, clock, token: TokenCache::default() }
    }

    /// Adds the headers of the settings, and the one that says who we are unless there is one.
    ///
    /// # Errors
    /// When a file cannot be read, or no token is to be had.
    pub async fn add_to(&self, headers: &mut HeaderMap, timeout: Duration) -> Result<(), ClientError> {
        for setting in &self.settings.headers {
            add_header(setting, headers).await?;
        }
        if !headers.contains_key(AUTHORIZATION)
            && let Some(value) = authorization(&self.settings, &self.token, &self.clock, timeout).await?
        {
            headers.insert(AUTHORIZATION, value);
        }
        Ok(())
    }
}

impl HttpClient {
    /// The `Authorization` header for the next request.
    pub(super) async fn authorization(&self, timeout: Duration) -> Result<Option<HeaderValue>, ClientError> {
        authorization(&self.settings, &self.token, &self.clock, timeout).await
    }
}

async fn authorization(
    settings: &ClientSettings,
    token: &TokenCache,
    clock: &SharedClock,
    timeout: Duration,
) -> Result<Option<HeaderValue>, ClientError> {
    let text = if let Some(basic) = &settings.basic_auth {
        let user = read(&basic.username, "username").await?.unwrap_or_default();
        let password = read(&basic.password, "password").await?.unwrap_or_default();
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
    } else if let Some(authorization) = &settings.authorization {
        let Some(credentials) = read(&authorization.credentials, "authorization credentials").await? else { return Ok(None) };
        format!("{} {credentials}", authorization.scheme)
    } else if let Some(oauth2) = &settings.oauth2 {
        return token.header(oauth2, clock, timeout).await.map(Some);
    } else {
        return Ok(None);
    };
    secret_header(&text).map(Some)
}

impl TokenCache {
    async fn header(&self, oauth2: &OAuth2Settings, clock: &SharedClock, timeout: Duration) -> Result<HeaderValue, ClientError> {
        let secret = read(&oauth2.client_secret, "client secret").await?.unwrap_or_default();
        // Held while asking, so that many requests at once fetch one token.
        let mut cached = self.0.lock().await;
        let now = clock.monotonic();
        if let Some(token) = cached.as_ref().filter(|token| token.until > now && token.secret == secret) {
            return Ok(token.header.clone());
        }
        let (header, lifetime) = fetch_token(oauth2, &secret, clock, timeout).await?;
        *cached = Some(Token { header: header.clone(), until: now + lifetime.saturating_sub(TOKEN_SPARE), secret });
        Ok(header)
    }
}

/// Asks with the secret in the header, then, when that is refused, in the form: servers differ.
async fn fetch_token(
    oauth2: &OAuth2Settings,
    secret: &str,
    clock: &SharedClock,
    timeout: Duration,
) -> Result<(HeaderValue, Duration), ClientError> {
    let failed = |why: String| ClientError::Settings(format!("oauth2: cannot fetch token: {why}"));
    let settings = ClientSettings { tls: oauth2.tls.clone(), proxy: oauth2.proxy.clone(), ..ClientSettings::default() };
    let client = HttpClient::new(settings, clock.clone())?;
    let url = url::Url::parse(&oauth2.token_url).map_err(|error| failed(error.to_string()))?;
    let mut last = String::new();
    for in_form in [false, true] {
        let request = token_request(oauth2, secret, url.clone(), in_form, timeout)?;
        // Boxed because sending may need a token, which needs sending.
        let response = Box::pin(client.send(request)).await?;
        let (status, line) = (response.status(), response.status_line());
        let mut body = Vec::new();
        response.read_body(TOKEN_BYTES_MAX, &mut body).await.map_err(|error| failed(error.to_string()))?;
        if status.is_success() {
            return parse_token(&body).map_err(failed);
        }
        last = line;
    }
    Err(failed(last))
}

/// The request for a token, with the secret in the form or in the header.
fn token_request(oauth2: &OAuth2Settings, secret: &str, url: url::Url, in_form: bool, timeout: Duration) -> Result<Request, ClientError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !oauth2.scopes.is_empty() {
        form.append_pair("scope", &oauth2.scopes.join(" "));
    }
    for (name, value) in &oauth2.endpoint_params {
        form.append_pair(name, value);
    }
    if in_form {
        form.append_pair("client_id", &oauth2.client_id).append_pair("client_secret", secret);
    }
    let mut request = Request::post(url, Bytes::from(form.finish()), timeout);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if !in_form {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&oauth2.client_id), encode(secret));
        let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        request.headers.insert(AUTHORIZATION, secret_header(&value)?);
    }
    Ok(request)
}

fn parse_token(body: &[u8]) -> Result<(HeaderValue, Duration), String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        access_token: String,
        #[serde(default)]
        token_type: String,
        #[serde(default)]
        expires_in: Option<serde_json::Value>,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if answer.access_token.is_empty() {
        return Err("server response missing access_token".to_owned());
    }
    let scheme =
        if answer.token_type.is_empty() || answer.token_type.eq_ignore_ascii_case("bearer") { "Bearer" } else { &answer.token_type };
    let header = secret_header(&format!("{scheme} {}", answer.access_token)).map_err(|error| error.to_string())?;
    // Some servers send the number as a string.
    let secs = answer.expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    Ok((header, secs.filter(|&secs| secs > 0).map_or(TOKEN_DEFAULT, |secs| Duration::from_secs(secs.min(10 * 365 * 86_400)))))
}

/// Adds one header of the settings.
pub(super) async fn add_header(setting: &HeaderSetting, headers: &mut HeaderMap) -> Result<(), ClientError> {
    for source in &setting.values {
        let Some(value) = read(source, "header").await? else { continue };
        let (name, mut value) = header_pair(&setting.name, &value)?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(())
}

/// A secret as text without white space around it, read on the blocking pool when it is a file.
async fn read(source: &SecretSource, what: &'static str) -> Result<Option<String>, ClientError> {
    match source {
        SecretSource::None => Ok(None),
        SecretSource::Inline(secret) => Ok(Some(secret.expose().to_owned())),
        SecretSource::File(_) => {
            let source = source.clone();
            let read = tokio::task::spawn_blocking(move || read_now(&source, what)).await;
            let bytes = read.map_err(|error| ClientError::Settings(error.to_string()))??.unwrap_or_default();
            Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
        }
    }
}

/// A secret as bytes, read here and now.
pub(super) fn read_now(source: &SecretSource, what: &'static str) -> Result<Option<Vec<u8>>, ClientError> {
    use std::io::Read;
    match source {
        SecretSource::None => Ok(None),
        SecretSource::Inline(secret) => Ok(Some(secret.expose().as_bytes().to_vec())),
        SecretSource::File(path) => {
            let failed = |error: std::io::Error| ClientError::File { what, path: path.clone(), reason: error.to_string() };
            let mut bytes = Vec::new();
            std::fs::File::open(path).map_err(failed)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
            Ok(Some(bytes))
        }
    }
}

fn secret_header(text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ClientError::Settings("credentials contain characters that no header may hold".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
