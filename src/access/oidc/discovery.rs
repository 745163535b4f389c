//! What a provider says of itself at `/.well-known/openid-configuration`, checked.

use serde::Deserialize;
use url::Url;

use super::error::OidcError;

/// The name of this answer in messages.
pub(super) const WHAT: &str = "description of itself";

/// Addresses and abilities of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provider {
    /// Where browsers are sent.
    pub(super) authorization: Url,
    /// Where a code is exchanged.
    pub(super) token: Url,
    /// Where its keys are.
    pub(super) keys: Url,
    /// Where it says more about people.
    pub(super) userinfo: Option<Url>,
    /// Where browsers are sent to sign out there, if that is offered (OpenID Connect RP-Initiated Logout).
    pub(super) end_session: Option<Url>,
    /// How this server may prove itself; empty for the default.
    pub(super) auth_methods: Vec<String>,
    /// Whether it names itself when browsers come back.
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Where a provider describes itself.
pub(super) fn address(issuer: &str) -> Result<Url, OidcError> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
        .map_err(|error| OidcError::Answer { what: WHAT, reason: error.to_string() })
}

/// Reads the description of the provider that calls itself `issuer`.
pub(super) fn parse(body: &[u8], issuer: &str) -> Result<Provider, OidcError> {
    let wrong = |reason: String| OidcError::Answer { what: WHAT, reason };
    let document: Document = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    if document.issuer != issuer {
        return Err(wrong(format!("it calls itself {:?}; auth.oidc_issuer must be exactly that and is {issuer:?}", document.issuer)));
    }
    let may_be_plain = issuer.starts_with("http://");
    let endpoint = |name: &str, text: &str| -> Result<Url, OidcError> {
        let url = Url::parse(text).map_err(|error| wrong(format!("{name} {text:?}: {error}")))?;
        let is_safe = url.scheme() == "https" || (may_be_plain && url.scheme() == "http");
        if is_safe && url.host_str().is_some() && url.fragment().is_none() {
            Ok(url)
        } else {
            Err(wrong(format!("{name} {text:?} is no https URL")))
        }
    };
    Ok(Provider {
        authorization: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
        token: endpoint("token_endpoint", &document.token_endpoint)?,
        keys: endpoint("jwks_uri", &document.jwks_uri)?,
        userinfo: document.userinfo_endpoint.map(|text| endpoint("userinfo_endpoint", &text)).transpose()?,
        // Nobody is kept from coming in because they could not go out.
        end_session: document.end_session_endpoint.and_then(|text| endpoint("end_session_endpoint", &text).ok()),
        auth_methods: document.token_endpoint_auth_methods_supported.unwrap_or_default(),
        names_itself: document.authorization_response_iss_parameter_supported.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(issuer: &str, token: &str) -> String {
        serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "https://id.example/auth?tenant=a",
            "token_endpoint": token,
            "jwks_uri": "https://id.example/keys",
            "userinfo_endpoint": null,
            "claims_supported": ["sub"],
        })
        .to_string()
    }

    #[test]
    fn only_the_provider_that_was_asked_is_taken() {
        let issuer = "https://id.example/realm";
        let good = parse(document(issuer, "https://id.example/token").as_bytes(), issuer).expect("good");
        assert_eq!(good.authorization.query(), Some("tenant=a"));
        assert!(good.userinfo.is_none() && good.end_session.is_none() && good.auth_methods.is_empty() && !good.names_itself);
        for (document, said) in [
            (document("https://id.example/realm/", "https://id.example/token"), "calls itself"),
            (document("https://evil.example", "https://id.example/token"), "calls itself"),
            (document(issuer, "http://id.example/token"), "no https URL"),
            (document(issuer, "/token"), "token_endpoint"),
            (document(issuer, "file:///etc/passwd"), "no https URL"),
            ("<html>".to_owned(), "expected value"),
            (format!("{{\"issuer\":\"{issuer}\"}}"), "missing field"),
        ] {
            let error = parse(document.as_bytes(), issuer).expect_err("refused");
            assert!(error.detail().contains(said), "{document}: {}", error.detail());
        }
        let plain = "http://id.local";
        assert!(parse(document(plain, "http://id.local/token").as_bytes(), plain).is_ok(), "a plain issuer may have plain addresses");
    }

    #[test]
    fn the_description_stands_below_the_issuer() {
        for issuer in ["https://id.example/realms/a", "https://id.example/realms/a/"] {
            assert_eq!(address(issuer).expect("a URL").path(), "/realms/a/.well-known/openid-configuration");
        }
    }
}
