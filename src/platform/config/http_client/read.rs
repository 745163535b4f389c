//! The HTTP client block and what stands in it.

use std::collections::BTreeMap;

use super::super::path;
use super::super::section::{self, Section};
use super::{Authorization, BasicAuth, ConfigUrl, HttpClientConfig, HttpHeader, OAuth2, ProxyConfig, TlsConfig, TlsVersion, warn};
use crate::base::quote::quote;
use crate::base::secret::Secret;

/// Reads the block that stands inline in `section`; `defaults` holds what is not set.
pub fn read(section: &mut Section<'_, '_>, defaults: HttpClientConfig) -> HttpClientConfig {
    let mut http = defaults;
    http.basic_auth = basic_auth(section);
    http.authorization = authorization(section);
    http.oauth2 = oauth2(section);
    bearer(section, &mut http);
    if http.basic_auth.is_some() && http.oauth2.is_some() {
        let at = section.place("oauth2");
        section.report.error(at, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    http.tls = tls(section);
    http.follow_redirects = section.on_unless("follow_redirects");
    http.enable_http2 = section.truth_or("enable_http2", http.enable_http2);
    http.proxy = proxy(section);
    headers(section, &mut http);
    http
}

fn basic_auth(section: &mut Section<'_, '_>) -> Option<BasicAuth> {
    let mut auth = section.open_below("basic_auth")?;
    let read = BasicAuth {
        username: auth.text_or_empty("username"),
        username_file: auth.path("username_file"),
        username_ref: auth.text_or_empty("username_ref"),
        password: auth.secret("password"),
        password_file: auth.path("password_file"),
        password_ref: auth.text_or_empty("password_ref"),
    };
    if count([&read.username, &read.username_file, &read.username_ref]) > 1 {
        auth.report.error(auth.at, "at most one of basic_auth username, username_file & username_ref must be configured");
    }
    if count([read.password.expose(), &read.password_file, &read.password_ref]) > 1 {
        auth.report.error(auth.at, "at most one of basic_auth password, password_file & password_ref must be configured");
    }
    warn(&mut auth, "basic_auth");
    auth.finish();
    Some(read)
}

fn authorization(section: &mut Section<'_, '_>) -> Option<Authorization> {
    let mut auth = section.open_below("authorization")?;
    let kind = auth.text_or_empty("type").trim().to_owned();
    let read = Authorization {
        kind: if kind.is_empty() { "Bearer".to_owned() } else { kind },
        credentials: auth.secret("credentials"),
        credentials_file: auth.path("credentials_file"),
        credentials_ref: auth.text_or_empty("credentials_ref"),
    };
    if count([read.credentials.expose(), &read.credentials_file, &read.credentials_ref]) > 1 {
        auth.report.error(auth.at, "at most one of authorization credentials & credentials_file must be configured");
    }
    if read.kind.eq_ignore_ascii_case("basic") {
        let at = auth.value_place("type");
        auth.report.error(at, "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
    }
    warn(&mut auth, "authorization");
    auth.finish();
    let at = section.place("authorization");
    if section.node("basic_auth").is_some() || section.node("oauth2").is_some() {
        section.report.error(at, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    Some(read)
}

/// `bearer_token` and `bearer_token_file`, the old forms of `authorization`.
fn bearer(section: &mut Section<'_, '_>, http: &mut HttpClientConfig) {
    let (token, file) = (section.secret("bearer_token"), section.path("bearer_token_file"));
    if token.is_empty() && file.is_empty() {
        return;
    }
    let at = section.place(if token.is_empty() { "bearer_token_file" } else { "bearer_token" });
    if !token.is_empty() && !file.is_empty() {
        section.report.error(at, "at most one of bearer_token & bearer_token_file must be configured");
    }
    if http.basic_auth.is_some() || http.oauth2.is_some() {
        section.report.error(at, "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
    }
    if http.authorization.is_some() {
        section.report.error(at, "authorization is not compatible with bearer_token & bearer_token_file");
    }
    http.authorization =
        Some(Authorization { kind: "Bearer".to_owned(), credentials: token, credentials_file: file, credentials_ref: String::new() });
}

fn oauth2(section: &mut Section<'_, '_>) -> Option<OAuth2> {
    let mut auth = section.open_below("oauth2")?;
    let read = OAuth2 {
        client_id: auth.text_or_empty("client_id"),
        client_secret: auth.secret("client_secret"),
        client_secret_file: auth.path("client_secret_file"),
        client_secret_ref: auth.text_or_empty("client_secret_ref"),
        client_certificate_key_id: auth.text_or_empty("client_certificate_key_id"),
        client_certificate_key: auth.secret("client_certificate_key"),
        client_certificate_key_file: auth.path("client_certificate_key_file"),
        client_certificate_key_ref: auth.text_or_empty("client_certificate_key_ref"),
        grant_type: auth.text_or_empty("grant_type"),
        signature_algorithm: auth.text_or_empty("signature_algorithm"),
        iss: auth.text_or_empty("iss"),
        audience: auth.text_or_empty("audience"),
        claims: auth.node("claims").cloned(),
        scopes: auth.texts("scopes"),
        token_url: auth.text_or_empty("token_url"),
        endpoint_params: auth.text_map("endpoint_params"),
        tls: tls(&mut auth),
        proxy: proxy(&mut auth),
    };
    check_oauth2(&mut auth, &read);
    warn(&mut auth, "oauth2");
    auth.finish();
    Some(read)
}

fn check_oauth2(auth: &mut Section<'_, '_>, read: &OAuth2) {
    let at = auth.at;
    if read.client_id.is_empty() {
        auth.report.error(at, "oauth2 client_id must be configured");
    }
    if read.token_url.is_empty() {
        auth.report.error(at, "oauth2 token_url must be configured");
    }
    let secrets = [read.client_secret.expose(), &read.client_secret_file, &read.client_secret_ref];
    let keys = [read.client_certificate_key.expose(), &read.client_certificate_key_file, &read.client_certificate_key_ref];
    if read.grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        if count(secrets) > 1 {
            let message = "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using grant-type=client_credentials";
            auth.report.error(at, message);
        }
        return;
    }
    if count(keys) > 1 {
        let message = "at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref must be configured using grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer";
        auth.report.error(at, message);
    }
    if !matches!(&*read.signature_algorithm, "" | "RS256" | "RS384" | "RS512") {
        let at = auth.value_place("signature_algorithm");
        auth.report.error(at, "valid signature algorithms are RS256, RS384 and RS512");
    }
}

/// `tls_config`.
pub fn tls(section: &mut Section<'_, '_>) -> TlsConfig {
    let Some(mut tls) = section.open_below("tls_config") else { return TlsConfig::default() };
    let versions = TlsVersion::ALL.map(|version| (version.as_str(), version));
    let read = TlsConfig {
        ca: tls.text_or_empty("ca"),
        cert: tls.text_or_empty("cert"),
        key: tls.secret("key"),
        ca_file: tls.path("ca_file"),
        cert_file: tls.path("cert_file"),
        key_file: tls.path("key_file"),
        ca_ref: tls.text_or_empty("ca_ref"),
        cert_ref: tls.text_or_empty("cert_ref"),
        key_ref: tls.text_or_empty("key_ref"),
        server_name: tls.text_or_empty("server_name"),
        insecure_skip_verify: tls.truth_or("insecure_skip_verify", false),
        min_version: tls.choice("min_version", &versions),
        max_version: tls.choice("max_version", &versions),
    };
    let at = tls.at;
    let (certs, keys) = (count([&read.cert, &read.cert_file, &read.cert_ref]), count([read.key.expose(), &read.key_file, &read.key_ref]));
    if count([&read.ca, &read.ca_file, &read.ca_ref]) > 1 {
        tls.report.error(at, "at most one of ca, ca_file & ca_ref must be configured");
    }
    if certs > 1 {
        tls.report.error(at, "at most one of cert, cert_file & cert_ref must be configured");
    }
    if keys > 1 {
        tls.report.error(at, "at most one of key and key_file must be configured");
    }
    if certs > 0 && keys == 0 {
        tls.report.error(at, "exactly one of key or key_file must be configured when a client certificate is configured");
    }
    if keys > 0 && certs == 0 {
        tls.report.error(at, "exactly one of cert or cert_file must be configured when a client key is configured");
    }
    for (key, version) in [("min_version", read.min_version), ("max_version", read.max_version)] {
        if matches!(version, Some(TlsVersion::Tls10 | TlsVersion::Tls11)) {
            tls.warn_if_set(key, "versions before TLS12 are never spoken");
        }
    }
    warn(&mut tls, "tls_config");
    tls.finish();
    read
}

fn proxy(section: &mut Section<'_, '_>) -> ProxyConfig {
    let mut proxy = ProxyConfig::default();
    if let Some(text) = section.text("proxy_url").filter(|text| !text.is_empty()) {
        let at = section.value_place("proxy_url");
        match ConfigUrl::parse(&text) {
            Ok(url) => proxy.proxy_url = Some(url),
            Err(error) => section.report.error(at, format!("proxy_url: expected a URL such as http://proxy:3128, {error}")),
        }
    }
    proxy.no_proxy = section.text_or_empty("no_proxy");
    proxy.proxy_from_environment = section.truth_or("proxy_from_environment", false);
    if let Some(headers) = section.open_below("proxy_connect_header") {
        for (name, node) in headers.pairs() {
            let items = section::list(node, &name.text, headers.report);
            let secrets: Vec<Secret> = items.iter().map(|item| section::secret(item, &name.text, headers.report)).collect();
            proxy.proxy_connect_header.insert(name.text.to_string(), secrets);
        }
    }
    let has_url = proxy.proxy_url.is_some();
    if !proxy.proxy_connect_header.is_empty() && !proxy.proxy_from_environment && !has_url {
        let at = section.place("proxy_connect_header");
        let message = "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured";
        section.report.error(at, message);
    }
    let at = section.place("proxy_from_environment");
    if proxy.proxy_from_environment && has_url {
        section.report.error(at, "if proxy_from_environment is configured, proxy_url must not be configured");
    }
    if proxy.proxy_from_environment && !proxy.no_proxy.is_empty() {
        section.report.error(at, "if proxy_from_environment is configured, no_proxy must not be configured");
    }
    if !proxy.no_proxy.is_empty() && section.node("proxy_url").is_none() {
        let at = section.place("no_proxy");
        section.report.error(at, "if no_proxy is configured, proxy_url must also be configured");
    }
    proxy
}

/// Headers that a client sets itself.
const RESERVED: [&str; 18] = [
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
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
];

fn headers(section: &mut Section<'_, '_>, http: &mut HttpClientConfig) {
    http.http_headers.extend(header_map(section, "http_headers", &RESERVED));
}

/// Headers by name, each with values to show, to hide, and to read from files; those that are `reserved` are refused.
pub fn header_map(section: &mut Section<'_, '_>, key: &'static str, reserved: &[&str]) -> BTreeMap<String, HttpHeader> {
    let mut found = BTreeMap::new();
    let Some(headers) = section.open_below(key) else { return found };
    for (name, node) in headers.pairs() {
        if let Some(reserved) = reserved.iter().find(|reserved| reserved.eq_ignore_ascii_case(&name.text)) {
            headers.report.error(name.at, format!("setting header {} is not allowed", quote(reserved)));
        }
        if name.text.parse::<http::HeaderName>().is_err() {
            headers.report.error(name.at, format!("{} is not a valid header name", quote(&name.text)));
        }
        let Some(mut header) = Section::open(node, &name.text, headers.report) else { continue };
        let values = header.texts("values");
        let secrets = header.list("secrets").iter().map(|item| section::secret(item, "secrets", header.report)).collect();
        let files = header.texts("files").iter().map(|file| path::join(header.report.dir(), file)).collect();
        header.finish();
        found.insert(name.text.to_string(), HttpHeader { values, secrets, files });
    }
    found
}

/// How many are set.
fn count<const N: usize>(texts: [&str; N]) -> usize {
    texts.iter().filter(|text| !text.is_empty()).count()
}
