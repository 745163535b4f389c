//! From the HTTP client block of a configuration file to settings of a client.

use crate::base::secret::Secret;
use crate::platform::config::http_client::{HttpClientConfig, ProxyConfig, TlsConfig, TlsVersion};

use super::settings::{
    Authorization, BasicAuth, ClientSettings, HeaderSetting, OAuth2Settings, ProxySettings, SecretSource, TlsSettings,
    TlsVersion as ClientTlsVersion,
};

/// The client settings that a configuration asks for.
pub fn client_settings(config: &HttpClientConfig) -> ClientSettings {
    ClientSettings {
        tls: tls_settings(&config.tls),
        basic_auth: config.basic_auth.as_ref().map(|auth| BasicAuth {
            username: source(&Secret::new(auth.username.clone()), &auth.username_file),
            password: source(&auth.password, &auth.password_file),
        }),
        authorization: config.authorization.as_ref().map(|auth| Authorization {
            scheme: if auth.kind.is_empty() { "Bearer".to_owned() } else { auth.kind.clone() },
            credentials: source(&auth.credentials, &auth.credentials_file),
        }),
        oauth2: config.oauth2.as_ref().map(|oauth2| OAuth2Settings {
            client_id: oauth2.client_id.clone(),
            client_secret: source(&oauth2.client_secret, &oauth2.client_secret_file),
            token_url: oauth2.token_url.clone(),
            scopes: oauth2.scopes.clone(),
            endpoint_params: oauth2.endpoint_params.clone(),
            tls: tls_settings(&oauth2.tls),
            proxy: proxy(&oauth2.proxy),
        }),
        headers: config
            .http_headers
            .iter()
            .map(|(name, header)| {
                let shown = header.values.iter().map(|value| SecretSource::Inline(Secret::new(value.clone())));
                let hidden = header.secrets.iter().map(|value| SecretSource::Inline(value.clone()));
                let files = header.files.iter().map(|path| SecretSource::File(path.clone()));
                HeaderSetting { name: name.clone(), values: shown.chain(hidden).chain(files).collect() }
            })
            .collect(),
        proxy: proxy(&config.proxy),
        follow_redirects: config.follow_redirects,
        enable_http2: config.enable_http2,
    }
}

fn source(inline: &Secret, file: &str) -> SecretSource {
    match (inline.is_empty(), file.is_empty()) {
        (false, _) => SecretSource::Inline(inline.clone()),
        (true, false) => SecretSource::File(file.to_owned()),
        (true, true) => SecretSource::None,
    }
}

/// The TLS settings that a configuration asks for.
pub fn tls_settings(config: &TlsConfig) -> TlsSettings {
    // The TLS library speaks nothing older than 1.2, so older bounds mean 1.2.
    let version = |version: TlsVersion| match version {
        TlsVersion::Tls13 => ClientTlsVersion::Tls13,
        TlsVersion::Tls10 | TlsVersion::Tls11 | TlsVersion::Tls12 => ClientTlsVersion::Tls12,
    };
    TlsSettings {
        ca: source(&Secret::new(config.ca.clone()), &config.ca_file),
        cert: source(&Secret::new(config.cert.clone()), &config.cert_file),
        key: source(&config.key, &config.key_file),
        server_name: config.server_name.clone(),
        insecure_skip_verify: config.insecure_skip_verify,
        min_version: config.min_version.map(version),
        max_version: config.max_version.map(version),
    }
}

fn proxy(config: &ProxyConfig) -> ProxySettings {
    let headers = config.proxy_connect_header.iter();
    ProxySettings {
        url: config.proxy_url.as_ref().map(|url| Secret::new(url.expose().as_str())),
        no_proxy: config.no_proxy.clone(),
        from_environment: config.proxy_from_environment,
        connect_headers: headers.flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone()))).collect(),
    }
}
