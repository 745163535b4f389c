//! Requests to a provider: its description, its keys, a code for tokens, more about a person. Each is bounded in time
//! and size, and follows no redirect.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::Url;

use super::claims::Claims;
use super::discovery::Provider;
use super::error::OidcError;
use crate::base::secret::Secret;
use crate::platform::http::client::{ContentEncoding, HttpClient, Request};

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer.
const BYTES_MAX: usize = 1024 * 1024;
/// Characters of a provider's own words that are repeated.
const WORDS_MAX: usize = 200;

/// What a code was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    /// Says who the person is.
    pub(super) id_token: Secret,
    /// Lets us ask more about them.
    pub(super) access_token: Option<Secret>,
}

/// Who this server is to the provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client<'a> {
    /// Its name there.
    pub(super) id: &'a str,
    /// Its secret; empty for a public client.
    pub(super) secret: &'a Secret,
}

/// What browsers brought back, and what was promised when they left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code<'a> {
    /// The code itself.
    pub(super) code: &'a str,
    /// Proof that who exchanges it is who began.
    pub(super) verifier: &'a Secret,
    /// Where the provider sent the browser.
    pub(super) redirect_uri: &'a str,
}

/// Words of a provider, fit for a page and a line of the log.
pub(super) fn words(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(WORDS_MAX).collect()
}

async fn answer(client: &HttpClient, what: &'static str, mut request: Request) -> Result<(StatusCode, Vec<u8>), OidcError> {
    request.headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    let unreachable = |reason: String| OidcError::Unreachable { what, reason };
    let response = client.send(request).await.map_err(|error| unreachable(error.to_string()))?;
    let (status, encoding) = (response.status(), response.encoding());
    if status.is_redirection() {
        let reason = format!("it leads on to {:?}, which is not followed; name that address instead", words(response.header("location")));
        return Err(OidcError::Answer { what, reason });
    }
    if encoding != ContentEncoding::Identity {
        return Err(OidcError::Answer { what, reason: "it is compressed, although that was not asked for".to_owned() });
    }
    let mut body = Vec::new();
    response.read_body(BYTES_MAX, &mut body).await.map_err(|error| unreachable(error.to_string()))?;
    if status.is_server_error() {
        return Err(unreachable(format!("it answers {status}")));
    }
    Ok((status, body))
}

/// Fetches a public document of the provider.
pub(super) async fn document(client: &HttpClient, what: &'static str, url: Url) -> Result<Vec<u8>, OidcError> {
    let shown = url.to_string();
    let (status, body) = answer(client, what, Request::get(url, TIMEOUT)).await?;
    if status != StatusCode::OK {
        return Err(OidcError::Answer { what, reason: format!("{shown} answers {status}") });
    }
    Ok(body)
}

/// How this server proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// By the code's verifier alone.
    Public,
    /// With its secret in a header.
    Header,
    /// With its secret in the form.
    Form,
}

/// Ways to try, the best first. Providers name what they take in general, and a client may be set to one of these.
fn proofs(provider: &Provider, has_secret: bool) -> Result<Vec<Proof>, OidcError> {
    if !has_secret {
        return Ok(vec![Proof::Public]);
    }
    let takes = |method: &str| provider.auth_methods.is_empty() || provider.auth_methods.iter().any(|taken| taken == method);
    let ways = [(Proof::Header, "client_secret_basic"), (Proof::Form, "client_secret_post")];
    let taken: Vec<Proof> = ways.into_iter().filter(|(_, method)| takes(method)).map(|(proof, _)| proof).collect();
    if taken.is_empty() {
        let reason = format!(
            "it takes the client's secret by {} only; client_secret_basic and client_secret_post are known here",
            words(&provider.auth_methods.join(", "))
        );
        return Err(OidcError::Answer { what: super::discovery::WHAT, reason });
    }
    Ok(taken)
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Exchanges a code for tokens.
pub(super) async fn tokens(client: &HttpClient, provider: &Provider, us: Client<'_>, code: Code<'_>) -> Result<Tokens, OidcError> {
    const WHAT: &str = "answer to the code";
    #[derive(Deserialize)]
    struct Granted {
        #[serde(default)]
        id_token: Option<String>,
        #[serde(default)]
        access_token: Option<String>,
    }
    let wrong = |reason: String| OidcError::Answer { what: WHAT, reason };
    let mut last = wrong("it was not asked".to_owned());
    for proof in proofs(provider, !us.secret.is_empty())? {
        let (status, body) = answer(client, WHAT, token_request(provider, us, code, proof)?).await?;
        if status != StatusCode::OK {
            let refusal = serde_json::from_slice::<Refusal>(&body).unwrap_or_default();
            last = wrong(format!("it answers {status} {} {}", words(&refusal.error), words(&refusal.error_description)));
            // A code is used up only by who proved to be its client.
            if status == StatusCode::UNAUTHORIZED || refusal.error == "invalid_client" {
                continue;
            }
            return Err(last);
        }
        let granted: Granted = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
        let Some(id_token) = granted.id_token else {
            return Err(wrong("it holds no id_token; is the scope openid allowed for this client?".to_owned()));
        };
        return Ok(Tokens { id_token: Secret::new(id_token), access_token: granted.access_token.map(Secret::new) });
    }
    Err(last)
}

fn token_request(provider: &Provider, us: Client<'_>, code: Code<'_>, proof: Proof) -> Result<Request, OidcError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.code)
        .append_pair("redirect_uri", code.redirect_uri)
        .append_pair("code_verifier", code.verifier.expose());
    if proof != Proof::Header {
        form.append_pair("client_id", us.id);
    }
    if proof == Proof::Form {
        form.append_pair("client_secret", us.secret.expose());
    }
    let mut request = Request::post(provider.token.clone(), Bytes::from(form.finish()), TIMEOUT);
    request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if proof == Proof::Header {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(us.id), encode(us.secret.expose()));
        request.headers.insert(header::AUTHORIZATION, credentials(&format!("Basic {}", STANDARD.encode(pair)))?);
    }
    Ok(request)
}

/// Asks for more about a person.
pub(super) async fn userinfo(client: &HttpClient, url: Url, access_token: &Secret) -> Result<Claims, OidcError> {
    const WHAT: &str = "answer about the person (userinfo)";
    let mut request = Request::get(url, TIMEOUT);
    request.headers.insert(header::AUTHORIZATION, credentials(&format!("Bearer {}", access_token.expose()))?);
    let (status, body) = answer(client, WHAT, request).await?;
    if status != StatusCode::OK {
        return Err(OidcError::Answer { what: WHAT, reason: format!("it answers {status}") });
    }
    serde_json::from_slice(&body).map_err(|error| OidcError::Answer { what: WHAT, reason: error.to_string() })
}

fn credentials(text: &str) -> Result<HeaderValue, OidcError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| OidcError::Answer { what: "token", reason: "it holds characters that no header may have".to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(methods: &[&str]) -> Provider {
        let url = |path: &str| Url::parse(&format!("https://id.example/{path}")).expect("a URL");
        Provider {
            authorization: url("auth"),
            token: url("token"),
            keys: url("keys"),
            userinfo: None,
            end_session: None,
            auth_methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            names_itself: false,
        }
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        let (secret, none, verifier) = (Secret::new("s&c:r t"), Secret::default(), Secret::new("v"));
        let code = Code { code: "c/o", verifier: &verifier, redirect_uri: "https://us/back" };
        let common = "grant_type=authorization_code&code=c%2Fo&redirect_uri=https%3A%2F%2Fus%2Fback&code_verifier=v";
        for (methods, secret, ways) in [
            (&[][..], &secret, vec![Proof::Header, Proof::Form]),
            (&["client_secret_post", "client_secret_basic"], &secret, vec![Proof::Header, Proof::Form]),
            (&["client_secret_post", "private_key_jwt"], &secret, vec![Proof::Form]),
            (&["client_secret_basic"], &none, vec![Proof::Public]),
        ] {
            assert_eq!(proofs(&provider(methods), !secret.is_empty()), Ok(ways), "{methods:?}");
        }
        assert!(proofs(&provider(&["private_key_jwt"]), true).expect_err("refused").detail().contains("private_key_jwt"));
        for (proof, secret, header, body) in [
            (Proof::Header, &secret, true, common.to_owned()),
            (Proof::Form, &secret, false, format!("{common}&client_id=us&client_secret=s%26c%3Ar+t")),
            (Proof::Public, &none, false, format!("{common}&client_id=us")),
        ] {
            let request = token_request(&provider(&[]), Client { id: "us", secret }, code, proof).expect("a request");
            let sent = request.headers.get(header::AUTHORIZATION).map(|value| value.to_str().expect("text").to_owned());
            let expected = format!("Basic {}", STANDARD.encode("us:s%26c%3Ar+t"));
            assert_eq!(sent, header.then_some(expected), "{proof:?}");
            assert_eq!(request.body.as_deref(), Some(body.as_bytes()), "{proof:?}");
        }
    }

    #[test]
    fn words_of_others_are_short_and_one_line() {
        assert_eq!(words("a\r\nb\u{1b}[31m"), "ab[31m");
        assert_eq!(words(&"x".repeat(1000)).len(), WORDS_MAX);
    }
}
