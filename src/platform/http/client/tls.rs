//! Builds a client of the HTTP library from settings: TLS files and proxy; and notices changed files.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::FetchGuard;
use super::settings::{ClientSettings, SecretSource, TlsSettings, TlsVersion};
use super::{ClientError, IDLE_CONNECTION, auth, proxy};

/// State of one file: enough to see that it was replaced or rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

/// States of the TLS files of some settings; `None` for one that is not there.
pub(super) fn stamps(tls: &TlsSettings) -> Vec<Stamp> {
    let files = [&tls.ca, &tls.cert, &tls.key];
    let paths = files.iter().filter_map(|source| match source {
        SecretSource::File(path) => Some(path),
        _ => None,
    });
    paths.map(|path| stamp(path)).collect()
}

fn stamp(path: &str) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(found) => Stamp { len: found.len(), modified: found.modified().ok(), inode: found.ino() },
        Err(_) => Stamp { len: 0, modified: None, inode: 0 },
    }
}

/// Builds a client; with `connect_host` the configured server name is resolved to that host.
/// With a guard, only addresses that it allows are connected to.
pub(super) fn build(
    settings: &ClientSettings,
    connect_host: Option<&str>,
    guard: Option<&Arc<FetchGuard>>,
) -> Result<reqwest::Client, ClientError> {
    let builder = || -> Result<reqwest::ClientBuilder, ClientError> {
        let mut builder = reqwest::Client::builder()
            .no_gzip()
            .no_zstd()
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_keepalive(std::time::Duration::from_secs(15))
            // Followed by our own hands: see `redirect`.
            .redirect(reqwest::redirect::Policy::none());
        if !settings.enable_http2 {
            builder = builder.http1_only();
        }
        let renamed = connect_host.map(|host| (settings.tls.server_name.to_ascii_lowercase(), host.to_owned()));
        if renamed.is_some() || guard.is_some() {
            builder = builder.dns_resolver(OwnResolver { renamed, guard: guard.cloned() });
        }
        with_tls(proxy::apply(builder, &settings.proxy)?, &settings.tls)
    };
    match builder()?.build() {
        Ok(client) => Ok(client),
        // No roots on this machine: plain HTTP must still work, and HTTPS then says "unknown issuer".
        Err(_) if settings.tls.ca == SecretSource::None && !settings.tls.insecure_skip_verify => {
            builder()?.tls_certs_only([]).build().map_err(|error| unusable(&error))
        }
        Err(error) => Err(unusable(&error)),
    }
}

fn unusable(error: &reqwest::Error) -> ClientError {
    use std::error::Error;
    let reason = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    ClientError::Settings(format!("error creating HTTP client: {reason}"))
}

fn with_tls(mut builder: reqwest::ClientBuilder, tls: &TlsSettings) -> Result<reqwest::ClientBuilder, ClientError> {
    let bad = |what: &str, error: &reqwest::Error| ClientError::Settings(format!("unable to use {what}: {error}"));
    if let Some(pem) = auth::read_now(&tls.ca, "CA")? {
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| bad("CA certificate", &error))?;
        if certificates.is_empty() {
            return Err(ClientError::Settings("unable to use CA certificate: no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(mut pem), Some(key)) = (auth::read_now(&tls.cert, "client certificate")?, auth::read_now(&tls.key, "client key")?) {
        pem.push(b'\n');
        pem.extend_from_slice(&key);
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(|error| bad("client certificate and key", &error))?);
    }
    let version = |version| match version {
        TlsVersion::Tls12 => reqwest::tls::Version::TLS_1_2,
        TlsVersion::Tls13 => reqwest::tls::Version::TLS_1_3,
    };
    if let Some(min) = tls.min_version {
        builder = builder.tls_version_min(version(min));
    }
    if let Some(max) = tls.max_version {
        builder = builder.tls_version_max(version(max));
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

/// Resolves the certificate's name to the host that is to be connected to, and lets the guard see every address.
/// What it gives is what is connected to: no name is looked up a second time.
struct OwnResolver {
    renamed: Option<(String, String)>,
    guard: Option<Arc<FetchGuard>>,
}

impl Resolve for OwnResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = match &self.renamed {
            Some((asked, host)) if name.as_str().eq_ignore_ascii_case(asked) => host.clone(),
            _ => name.as_str().to_owned(),
        };
        let guard = self.guard.clone();
        Box::pin(async move {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let found = tokio::net::lookup_host((host, 0)).await?.collect::<Vec<_>>();
            let found = match guard {
                Some(guard) => guard.allowed(host, found)?,
                None => found,
            };
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}
