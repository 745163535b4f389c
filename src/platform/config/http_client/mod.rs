//! How to connect over HTTP: Prometheus' block, which jobs, HTTP discovery, remote write, remote read and modules of probes
//! share.

mod print;
mod read;

use std::collections::BTreeMap;
use std::fmt;

pub use print::{print, print_tls};
pub use read::{header_map, read, tls};

use super::section::Section;
use super::yaml::Node;

use crate::base::masked;
use crate::base::secret::Secret;

/// Authentication, TLS, proxy and headers of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpClientConfig {
    /// Name and password.
    pub basic_auth: Option<BasicAuth>,
    /// `Authorization` header; `bearer_token` and `bearer_token_file` end here too.
    pub authorization: Option<Authorization>,
    /// A token fetched from an OAuth 2 server.
    pub oauth2: Option<OAuth2>,
    /// Certificates and versions.
    pub tls: TlsConfig,
    /// Whether 3xx answers are followed.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered.
    pub enable_http2: bool,
    /// Proxy to go through.
    pub proxy: ProxyConfig,
    /// Further headers by name.
    pub http_headers: BTreeMap<String, HttpHeader>,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy: ProxyConfig::default(),
            http_headers: BTreeMap::new(),
        }
    }
}

/// Name and password of HTTP basic authentication; of each at most one form is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasicAuth {
    /// The name itself.
    pub username: String,
    /// A file that holds it.
    pub username_file: String,
    /// Its name in a secret manager; not acted on.
    pub username_ref: String,
    /// The password itself.
    pub password: Secret,
    /// A file that holds it.
    pub password_file: String,
    /// Its name in a secret manager; not acted on.
    pub password_ref: String,
}

/// The `Authorization` header; at most one form of credentials is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorization {
    /// `Bearer` unless set.
    pub kind: String,
    /// The credentials themselves.
    pub credentials: Secret,
    /// A file that holds them.
    pub credentials_file: String,
    /// Their name in a secret manager; not acted on.
    pub credentials_ref: String,
}

/// Client credentials, or a signed assertion, for an OAuth 2 server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OAuth2 {
    /// Who we are.
    pub client_id: String,
    /// The secret itself.
    pub client_secret: Secret,
    /// A file that holds it.
    pub client_secret_file: String,
    /// Its name in a secret manager; not acted on.
    pub client_secret_ref: String,
    /// Key id of the assertion.
    pub client_certificate_key_id: String,
    /// Key that signs the assertion.
    pub client_certificate_key: Secret,
    /// A file that holds it.
    pub client_certificate_key_file: String,
    /// Its name in a secret manager; not acted on.
    pub client_certificate_key_ref: String,
    /// Empty for `client_credentials`.
    pub grant_type: String,
    /// Algorithm of the assertion; empty for RS256.
    pub signature_algorithm: String,
    /// Issuer of the assertion; empty for the client id.
    pub iss: String,
    /// Audience of the assertion; empty for the token URL.
    pub audience: String,
    /// Further claims of the assertion, as read.
    pub claims: Option<Node>,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// Where tokens are given.
    pub token_url: String,
    /// Further parameters of the request.
    pub endpoint_params: BTreeMap<String, String>,
    /// TLS towards the token server.
    pub tls: TlsConfig,
    /// Proxy towards the token server.
    pub proxy: ProxyConfig,
}

/// Certificates and versions; of each certificate and key at most one form is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// Authority in PEM.
    pub ca: String,
    /// Client certificate in PEM.
    pub cert: String,
    /// Client key in PEM.
    pub key: Secret,
    /// A file that holds the authority.
    pub ca_file: String,
    /// A file that holds the client certificate.
    pub cert_file: String,
    /// A file that holds the client key.
    pub key_file: String,
    /// Name in a secret manager; not acted on.
    pub ca_ref: String,
    /// Name in a secret manager; not acted on.
    pub cert_ref: String,
    /// Name in a secret manager; not acted on.
    pub key_ref: String,
    /// Name to expect in the server's certificate; empty for the host of the address.
    pub server_name: String,
    /// Whether any certificate is taken.
    pub insecure_skip_verify: bool,
    /// Oldest version to speak.
    pub min_version: Option<TlsVersion>,
    /// Newest version to speak.
    pub max_version: Option<TlsVersion>,
}

/// A version of TLS. The oldest two are read but never spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `TLS10`
    Tls10,
    /// `TLS11`
    Tls11,
    /// `TLS12`
    Tls12,
    /// `TLS13`
    Tls13,
}

impl TlsVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS10",
            Self::Tls11 => "TLS11",
            Self::Tls12 => "TLS12",
            Self::Tls13 => "TLS13",
        }
    }
}

/// Proxy to go through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyConfig {
    /// The proxy.
    pub proxy_url: Option<ConfigUrl>,
    /// Hosts to reach without it, comma separated.
    pub no_proxy: String,
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` decide.
    pub proxy_from_environment: bool,
    /// Headers for the proxy itself.
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// Values of one header: all three forms are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpHeader {
    /// Values to show.
    pub values: Vec<String>,
    /// Values to hide.
    pub secrets: Vec<Secret>,
    /// Files that hold values.
    pub files: Vec<String>,
}

/// An absolute URL. Shown without the secrets it may carry.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigUrl {
    text: String,
    parsed: url::Url,
}

/// Why a URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(String);

impl ConfigUrl {
    /// Reads an absolute URL.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let parsed = url::Url::parse(text).map_err(|error| InvalidUrl(error.to_string()))?;
        if !parsed.has_host() {
            return Err(InvalidUrl("host is missing".to_owned()));
        }
        Ok(Self { text: text.to_owned(), parsed })
    }

    /// The URL with everything it carries; call it only where a connection is made.
    pub fn expose(&self) -> &url::Url {
        &self.parsed
    }

    /// The scheme, lower case.
    pub fn scheme(&self) -> &str {
        self.parsed.scheme()
    }
}

impl fmt::Display for ConfigUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may be written in ways that only a parser finds.
        let text = if self.parsed.password().is_some() { self.parsed.as_str() } else { &self.text };
        f.write_str(&masked::url(text))
    }
}

impl fmt::Debug for ConfigUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl HttpClientConfig {
    /// Every file the block names; some may be empty texts.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = vec![&self.tls.ca_file, &self.tls.cert_file, &self.tls.key_file];
        if let Some(auth) = &self.basic_auth {
            files.extend([auth.username_file.as_str(), &auth.password_file]);
        }
        if let Some(auth) = &self.authorization {
            files.push(&auth.credentials_file);
        }
        if let Some(auth) = &self.oauth2 {
            files.extend([
                auth.client_secret_file.as_str(),
                &auth.client_certificate_key_file,
                &auth.tls.ca_file,
                &auth.tls.cert_file,
                &auth.tls.key_file,
            ]);
        }
        files.extend(self.http_headers.values().flat_map(|header| header.files.iter().map(String::as_str)));
        files
    }
}

/// Keys that are read and checked, but change nothing yet: section, key, and what to tell of each that a file sets.
const NOT_YET: &[(&str, &str, &str)] = &[
    ("basic_auth", "username_ref", "read, but there is no secret manager"),
    ("basic_auth", "password_ref", "read, but there is no secret manager"),
    ("authorization", "credentials_ref", "read, but there is no secret manager"),
    ("oauth2", "client_secret_ref", "read, but there is no secret manager"),
    ("oauth2", "client_certificate_key", "read, but signed assertions are not sent yet, only client_id and client_secret"),
    ("oauth2", "client_certificate_key_file", "read, but signed assertions are not sent yet, only client_id and client_secret"),
    ("oauth2", "client_certificate_key_ref", "read, but there is no secret manager"),
    ("tls_config", "ca_ref", "read, but there is no secret manager"),
    ("tls_config", "cert_ref", "read, but there is no secret manager"),
    ("tls_config", "key_ref", "read, but there is no secret manager"),
];

/// What there is to know about a key of a section of the block.
pub fn note(section: &str, key: &str) -> Option<&'static str> {
    NOT_YET.iter().find(|(of, known, _)| *of == section && *known == key).map(|(_, _, why)| *why)
}

/// Warns about what `section`, called `name` in the list above, sets in vain.
fn warn(section: &mut Section<'_, '_>, name: &str) {
    for (_, key, why) in NOT_YET.iter().filter(|(of, _, _)| *of == name) {
        section.warn_if_set(key, why);
    }
}
