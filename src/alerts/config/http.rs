//! How to connect over HTTP: authentication, TLS, proxy, headers. The block that every channel may have.

use std::collections::BTreeMap;

use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, LooseUrl, SecretLists};
use crate::platform::config::yaml::Node;
use crate::series::labels::quote;

keys! {
    /// Authentication, TLS, proxy and headers of a client.
    HttpClient, "http_config", check = check_client;
    /// Name and password.
    basic_auth: Option<Box<BasicAuth>>,
    /// The `Authorization` header; the older `bearer_token` and `bearer_token_file` end here too.
    authorization: Option<Box<Authorization>>,
    /// A token fetched from an OAuth 2 server.
    oauth2: Option<Box<OAuth2>>,
    /// Older form of `authorization`.
    bearer_token: Secret,
    /// Older form of `authorization`.
    bearer_token_file: FilePath,
    /// Certificates and versions.
    tls_config: Option<Box<TlsConfig>>,
    /// Whether 3xx answers are followed.
    follow_redirects: bool = true,
    /// Whether HTTP/2 is offered.
    enable_http2: bool = true,
    /// Proxy to go through.
    proxy_url: LooseUrl,
    /// Hosts to reach without it, comma separated.
    no_proxy: String,
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` decide.
    proxy_from_environment: Option<bool>,
    /// Headers for the proxy itself.
    proxy_connect_header: SecretLists,
    /// Further headers by name.
    http_headers: BTreeMap<String, HttpHeader>,
}

keys! {
    /// Name and password of HTTP basic authentication; of each at most one form is set.
    BasicAuth, "basic_auth";
    /// The name itself.
    username: String,
    /// A file that holds it.
    username_file: FilePath,
    /// Its name in a secret manager; not acted on.
    username_ref: String,
    /// The password itself.
    password: Secret,
    /// A file that holds it.
    password_file: FilePath,
    /// Its name in a secret manager; not acted on.
    password_ref: String,
}

keys! {
    /// The `Authorization` header; at most one form of credentials is set.
    Authorization, "authorization";
    /// `Bearer` unless set.
    kind as "type": String = "Bearer",
    /// The credentials themselves.
    credentials: Secret,
    /// A file that holds them.
    credentials_file: FilePath,
    /// Their name in a secret manager; not acted on.
    credentials_ref: String,
}

keys! {
    /// Client credentials, or a signed assertion, for an OAuth 2 server.
    OAuth2, "oauth2";
    /// Who we are.
    client_id: String,
    /// The secret itself.
    client_secret: Secret,
    /// A file that holds it.
    client_secret_file: FilePath,
    /// Its name in a secret manager; not acted on.
    client_secret_ref: String,
    /// Key id of the assertion.
    client_certificate_key_id: String,
    /// Key that signs the assertion.
    client_certificate_key: Secret,
    /// A file that holds it.
    client_certificate_key_file: FilePath,
    /// Its name in a secret manager; not acted on.
    client_certificate_key_ref: String,
    /// Empty for `client_credentials`.
    grant_type: String,
    /// Algorithm of the assertion; empty for RS256.
    signature_algorithm: String,
    /// Issuer of the assertion; empty for the client id.
    iss: String,
    /// Audience of the assertion; empty for the token URL.
    audience: String,
    /// Further claims of the assertion, as read.
    claims: Option<Node>,
    /// Scopes to ask for.
    scopes: Vec<String>,
    /// Where tokens are given.
    token_url: LooseUrl,
    /// Further parameters of the request.
    endpoint_params: BTreeMap<String, String>,
    /// TLS towards the token server.
    tls_config: Option<Box<TlsConfig>>,
    /// Proxy towards the token server.
    proxy_url: LooseUrl,
    /// Hosts to reach without it.
    no_proxy: String,
    /// Whether the environment names the proxy.
    proxy_from_environment: Option<bool>,
    /// Headers for the proxy itself.
    proxy_connect_header: SecretLists,
}

keys! {
    /// Certificates and versions; of each certificate and key at most one form is set.
    TlsConfig, "tls_config", check = check_tls;
    /// Authority in PEM.
    ca: String,
    /// Client certificate in PEM.
    cert: String,
    /// Client key in PEM.
    key: Secret,
    /// A file that holds the authority.
    ca_file: FilePath,
    /// A file that holds the client certificate.
    cert_file: FilePath,
    /// A file that holds the client key.
    key_file: FilePath,
    /// Name in a secret manager; not acted on.
    ca_ref: String,
    /// Name in a secret manager; not acted on.
    cert_ref: String,
    /// Name in a secret manager; not acted on.
    key_ref: String,
    /// Name to expect in the server's certificate; empty for the host of the address.
    server_name: String,
    /// Whether any certificate is taken.
    insecure_skip_verify: bool,
    /// Oldest version to speak: `TLS10` to `TLS13`.
    min_version: String,
    /// Newest version to speak.
    max_version: String,
}

keys! {
    /// Values of one header: all forms are sent.
    HttpHeader, "http_headers";
    /// Values to show.
    values: Vec<String>,
    /// Values to hide.
    secrets: Vec<Secret>,
    /// Files that hold values.
    files: Vec<String>,
}

fn check_client(http: &mut HttpClient, section: &mut Section<'_, '_>) {
    let at = section.at;
    let report = &mut *section.report;
    if let Some(auth) = &http.basic_auth {
        if count(&[&auth.username, &auth.username_file.0, &auth.username_ref]) > 1 {
            report.error(at, "at most one of basic_auth username, username_file & username_ref must be configured");
        }
        if count(&[auth.password.expose(), &auth.password_file.0, &auth.password_ref]) > 1 {
            report.error(at, "at most one of basic_auth password, password_file & password_ref must be configured");
        }
    }
    let bearers = count(&[http.bearer_token.expose(), &http.bearer_token_file.0]);
    if bearers > 1 {
        report.error(at, "at most one of bearer_token & bearer_token_file must be configured");
    }
    if bearers > 0 && (http.basic_auth.is_some() || http.oauth2.is_some()) {
        report.error(at, "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
    }
    if let Some(auth) = &mut http.authorization {
        if count(&[auth.credentials.expose(), &auth.credentials_file.0, &auth.credentials_ref]) > 1 {
            report.error(at, "at most one of authorization credentials & credentials_file must be configured");
        }
        auth.kind = Some(auth.kind.trim()).filter(|kind| !kind.is_empty()).unwrap_or("Bearer").to_owned();
        if auth.kind.eq_ignore_ascii_case("basic") {
            report.error(at, "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
        }
        if bearers > 0 {
            report.error(at, "authorization is not compatible with bearer_token & bearer_token_file");
        }
        if http.basic_auth.is_some() || http.oauth2.is_some() {
            report.error(at, "at most one of basic_auth, oauth2 & authorization must be configured");
        }
    } else if bearers > 0 {
        let (credentials, credentials_file) = (std::mem::take(&mut http.bearer_token), std::mem::take(&mut http.bearer_token_file));
        http.authorization = Some(Box::new(Authorization { credentials, credentials_file, ..Authorization::default() }));
    }
    if let Some(auth) = &http.oauth2 {
        if http.basic_auth.is_some() {
            report.error(at, "at most one of basic_auth, oauth2 & authorization must be configured");
        }
        check_oauth2(auth, section);
    }
    let has_url = !http.proxy_url.0.is_empty();
    check_proxy(section, has_url, &http.no_proxy, http.proxy_from_environment == Some(true), !http.proxy_connect_header.is_empty());
    for name in http.http_headers.keys() {
        if name.parse::<::http::HeaderName>().is_err() {
            section.report.error(at, format!("{} is not a valid header name", quote(name)));
        }
        if let Some(reserved) = RESERVED.iter().find(|reserved| reserved.eq_ignore_ascii_case(name)) {
            section.report.error(at, format!("setting header {} is not allowed", quote(reserved)));
        }
    }
}

fn check_oauth2(auth: &OAuth2, section: &mut Section<'_, '_>) {
    let at = section.at;
    if auth.client_id.is_empty() {
        section.report.error(at, "oauth2 client_id must be configured");
    }
    if auth.token_url.0.is_empty() {
        section.report.error(at, "oauth2 token_url must be configured");
    }
    if count(&[auth.client_secret.expose(), &auth.client_secret_file.0, &auth.client_secret_ref]) > 1 {
        section.report.error(at, "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured");
    }
    let has_url = !auth.proxy_url.0.is_empty();
    check_proxy(section, has_url, &auth.no_proxy, auth.proxy_from_environment == Some(true), !auth.proxy_connect_header.is_empty());
}

fn check_proxy(section: &mut Section<'_, '_>, has_url: bool, no_proxy: &str, from_environment: bool, has_headers: bool) {
    let at = section.at;
    for (is_wrong, message) in [
        (
            has_headers && !from_environment && !has_url,
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        ),
        (from_environment && has_url, "if proxy_from_environment is configured, proxy_url must not be configured"),
        (from_environment && !no_proxy.is_empty(), "if proxy_from_environment is configured, no_proxy must not be configured"),
        (!from_environment && !has_url && !no_proxy.is_empty(), "if no_proxy is configured, proxy_url must also be configured"),
    ] {
        if is_wrong {
            section.report.error(at, message);
        }
    }
}

fn check_tls(tls: &mut TlsConfig, section: &mut Section<'_, '_>) {
    let at = section.at;
    let certs = count(&[&tls.cert, &tls.cert_file.0, &tls.cert_ref]);
    let keys = count(&[tls.key.expose(), &tls.key_file.0, &tls.key_ref]);
    for (is_wrong, message) in [
        (count(&[&tls.ca, &tls.ca_file.0, &tls.ca_ref]) > 1, "at most one of ca, ca_file & ca_ref must be configured"),
        (certs > 1, "at most one of cert, cert_file & cert_ref must be configured"),
        (keys > 1, "at most one of key and key_file must be configured"),
        (certs > 0 && keys == 0, "exactly one of key or key_file must be configured when a client certificate is configured"),
        (keys > 0 && certs == 0, "exactly one of cert or cert_file must be configured when a client key is configured"),
    ] {
        if is_wrong {
            section.report.error(at, message);
        }
    }
    for (key, version) in [("min_version", &tls.min_version), ("max_version", &tls.max_version)] {
        if !matches!(&**version, "" | "TLS10" | "TLS11" | "TLS12" | "TLS13") {
            let at = section.value_place(key);
            section.report.error(at, format!("unknown TLS version: {version}, expected TLS10, TLS11, TLS12 or TLS13"));
        }
    }
}

/// Headers that a client sets itself.
const RESERVED: [&str; 12] = [
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
];

/// How many are set.
pub(super) fn count(texts: &[&str]) -> usize {
    texts.iter().filter(|text| !text.is_empty()).count()
}
