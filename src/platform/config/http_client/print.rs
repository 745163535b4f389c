//! The HTTP client block as it is shown: every key that says something, secrets hidden.

use super::super::yaml::{Kind, MapWriter, Node, without_secrets};
use super::{HttpClientConfig, OAuth2, ProxyConfig, TlsConfig};
use crate::base::masked;

/// Puts the block inline into a map, without its secrets.
pub fn print(out: &mut MapWriter, http: &HttpClientConfig) {
    if let Some(auth) = &http.basic_auth {
        let mut below = MapWriter::default();
        below.text_if("username", &auth.username).text_if("username_file", &auth.username_file).text_if("username_ref", &auth.username_ref);
        below
            .secret_if("password", &auth.password)
            .text_if("password_file", &auth.password_file)
            .text_if("password_ref", &auth.password_ref);
        out.put("basic_auth", below.finish());
    }
    if let Some(auth) = &http.authorization {
        let mut below = MapWriter::default();
        below.text_if("type", &auth.kind).secret_if("credentials", &auth.credentials);
        below.text_if("credentials_file", &auth.credentials_file).text_if("credentials_ref", &auth.credentials_ref);
        out.put("authorization", below.finish());
    }
    if let Some(auth) = &http.oauth2 {
        out.put("oauth2", oauth2(auth));
    }
    print_tls(out, &http.tls);
    out.bare("follow_redirects", http.follow_redirects);
    out.bare("enable_http2", http.enable_http2);
    proxy(out, &http.proxy);
    let mut headers = MapWriter::default();
    for (name, header) in &http.http_headers {
        let mut below = MapWriter::default();
        below.list_if("values", header.values.iter().map(|value| Node::text(&*masked::value(name, value))).collect());
        below.list_if("secrets", header.secrets.iter().map(|secret| Node::text(secret.to_string())).collect());
        below.texts_if("files", &header.files);
        headers.put(name, below.finish());
    }
    out.map_if("http_headers", headers);
}

fn oauth2(auth: &OAuth2) -> Node {
    let mut out = MapWriter::default();
    out.text_if("client_id", &auth.client_id).secret_if("client_secret", &auth.client_secret);
    out.text_if("client_secret_file", &auth.client_secret_file).text_if("client_secret_ref", &auth.client_secret_ref);
    out.text_if("client_certificate_key_id", &auth.client_certificate_key_id);
    out.secret_if("client_certificate_key", &auth.client_certificate_key);
    out.text_if("client_certificate_key_file", &auth.client_certificate_key_file);
    out.text_if("client_certificate_key_ref", &auth.client_certificate_key_ref);
    out.text_if("grant_type", &auth.grant_type).text_if("signature_algorithm", &auth.signature_algorithm);
    out.text_if("iss", &auth.iss).text_if("audience", &auth.audience);
    if let Some(claims) = &auth.claims {
        out.put("claims", without_secrets(claims));
    }
    out.texts_if("scopes", &auth.scopes).text_if("token_url", &masked::url(&auth.token_url));
    out.masked_map_if("endpoint_params", &auth.endpoint_params);
    print_tls(&mut out, &auth.tls);
    proxy(&mut out, &auth.proxy);
    out.finish()
}

/// Puts `tls_config` into a map, without its secrets, unless it says nothing.
pub fn print_tls(out: &mut MapWriter, tls: &TlsConfig) {
    if *tls == TlsConfig::default() {
        return;
    }
    let mut below = MapWriter::default();
    below.text_if("ca", &tls.ca).text_if("cert", &tls.cert).secret_if("key", &tls.key);
    below.text_if("ca_file", &tls.ca_file).text_if("cert_file", &tls.cert_file).text_if("key_file", &tls.key_file);
    below.text_if("ca_ref", &tls.ca_ref).text_if("cert_ref", &tls.cert_ref).text_if("key_ref", &tls.key_ref);
    below.text_if("server_name", &tls.server_name).bare("insecure_skip_verify", tls.insecure_skip_verify);
    below.text_if("min_version", tls.min_version.map_or("", |version| version.as_str()));
    below.text_if("max_version", tls.max_version.map_or("", |version| version.as_str()));
    out.put("tls_config", below.finish());
}

fn proxy(out: &mut MapWriter, proxy: &ProxyConfig) {
    if let Some(url) = &proxy.proxy_url {
        out.text("proxy_url", &url.to_string());
    }
    out.text_if("no_proxy", &proxy.no_proxy);
    out.bare_unless("proxy_from_environment", proxy.proxy_from_environment, false);
    let mut headers = MapWriter::default();
    for (name, secrets) in &proxy.proxy_connect_header {
        headers.put(name, Node::new(Kind::List(secrets.iter().map(|secret| Node::text(secret.to_string())).collect())));
    }
    out.map_if("proxy_connect_header", headers);
}
