//! Settings of a client, as plain data: Prometheus' `http_config` without its YAML.

use std::collections::BTreeMap;

use crate::base::secret::Secret;

use super::ClientError;

/// Everything that distinguishes one client from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// TLS.
    pub tls: TlsSettings,
    /// User and password.
    pub basic_auth: Option<BasicAuth>,
    /// `Authorization: <scheme> <credentials>`.
    pub authorization: Option<Authorization>,
    /// OAuth 2 client credentials.
    pub oauth2: Option<OAuth2Settings>,
    /// Headers of every request.
    pub headers: Vec<HeaderSetting>,
    /// Proxy.
    pub proxy: ProxySettings,
    /// Whether redirects are followed (up to 10).
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub enable_http2: bool,
}

impl Default for ClientSettings {
    /// No authentication, system roots, redirects and HTTP/2 on, as upstream.
    fn default() -> Self {
        Self {
            tls: TlsSettings::default(),
            basic_auth: None,
            authorization: None,
            oauth2: None,
            headers: Vec::new(),
            proxy: ProxySettings::default(),
            follow_redirects: true,
            enable_http2: true,
        }
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SecretSource {
    /// Not set.
    #[default]
    None,
    /// Written in the configuration.
    Inline(Secret),
    /// In a file, read for every request; white space around it is dropped.
    File(String),
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasicAuth {
    /// The user, possibly in a file.
    pub username: SecretSource,
    /// The password.
    pub password: SecretSource,
}

/// A scheme with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `Bearer` unless said otherwise.
    pub scheme: String,
    /// The credentials.
    pub credentials: SecretSource,
}

/// OAuth 2 with the client-credentials grant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OAuth2Settings {
    /// The client's name.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretSource,
    /// Where tokens are.
    pub token_url: String,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// More parameters of the token request.
    pub endpoint_params: BTreeMap<String, String>,
    /// TLS towards the token endpoint.
    pub tls: TlsSettings,
    /// Proxy towards the token endpoint.
    pub proxy: ProxySettings,
}

/// A header with its values, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSetting {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<SecretSource>,
}

/// TLS versions that can be asked for; older ones are refused by the TLS library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

/// TLS towards the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsSettings {
    /// Authorities trusted instead of the system's, PEM.
    pub ca: SecretSource,
    /// Client certificate, PEM.
    pub cert: SecretSource,
    /// Its key, PEM.
    pub key: SecretSource,
    /// Name expected in the certificate and sent as SNI; empty = the host.
    pub server_name: String,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Oldest version accepted.
    pub min_version: Option<TlsVersion>,
    /// Newest version offered.
    pub max_version: Option<TlsVersion>,
}

/// Proxy towards the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxySettings {
    /// Its address; credentials may stand in it.
    pub url: Option<Secret>,
    /// Hosts, domains and networks reached directly, separated by commas.
    pub no_proxy: String,
    /// Take `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` from the environment.
    pub from_environment: bool,
    /// Headers of `CONNECT` requests.
    pub connect_headers: Vec<(String, Secret)>,
}

impl ClientSettings {
    /// Refuses contradictions, in upstream's words.
    pub(super) fn check(&self) -> Result<(), ClientError> {
        let refuse = |why: &str| Err(ClientError::Settings(why.to_owned()));
        let ways = [self.basic_auth.is_some(), self.authorization.is_some(), self.oauth2.is_some()];
        if ways.iter().filter(|&&set| set).count() > 1 {
            return refuse("at most one of basic_auth, oauth2 & authorization must be configured");
        }
        if self.proxy.from_environment && (self.proxy.url.is_some() || !self.proxy.no_proxy.is_empty()) {
            return refuse("if proxy_from_environment is configured, proxy_url and no_proxy must not be configured");
        }
        if !self.proxy.no_proxy.is_empty() && self.proxy.url.is_none() {
            return refuse("if no_proxy is configured, proxy_url must also be configured");
        }
        let (cert, key) = (&self.tls.cert, &self.tls.key);
        if (*cert == SecretSource::None) != (*key == SecretSource::None) {
            return refuse("exactly one of key or key_file must be configured when a client certificate is configured");
        }
        if !self.tls.server_name.is_empty() && (self.proxy.url.is_some() || self.proxy.from_environment) {
            return refuse("server_name in tls_config cannot be combined with a proxy");
        }
        Ok(())
    }
}
