//! TLS of the listening server: certificates from files or self-made, exchanged while connections are served, and
//! certificates of clients.
//!
//! [`TlsPlan`] says what is wanted; [`ServerTls`] holds what new connections are accepted with, and keeps it when
//! something new turns out to be broken. Connections that stand are never touched.

mod accept;
mod certificate;
mod client_auth;
mod pem;
mod plan;
mod self_signed;
#[cfg(test)]
mod tests;
mod watch;

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

pub(super) use accept::EdgeAcceptor;
pub use certificate::Certificate;
pub use client_auth::ClientPolicy;
pub use pem::PemSource;
pub use plan::{Built, Identity, PemPair, TlsPart, TlsPlan};
pub use self_signed::SelfSigned;
pub use watch::FileWatch;

pub use crate::platform::config::settings::ClientAuth;
use crate::platform::telemetry::metrics::{Counter, Page, Report};

/// Why TLS cannot be as it was asked for: a sentence for people, without any part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The common name of its subject, or else the first of its alternative names.
    pub name: String,
    /// By which it is known for certain.
    pub fingerprint: String,
    /// Whether an authority that we trust has signed it.
    pub is_verified: bool,
}

/// How a request's connection reached the server; among the extensions of every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Whether it is encrypted.
    pub is_tls: bool,
    /// The address of this machine by which it came, where that is known.
    pub local: Option<IpAddr>,
    /// Who the client showed to be.
    pub client: Option<Arc<ClientCertificate>>,
}

/// What new connections are accepted with.
#[derive(Debug)]
pub struct ServerTls {
    active: ArcSwap<Built>,
    counts: Counts,
    last_was_good: AtomicBool,
}

/// What happened to connections.
#[derive(Debug, Default)]
struct Counts {
    handshakes: Counter,
    /// The client spoke no TLS that we take, or showed no certificate that we take.
    refused: Counter,
    timed_out: Counter,
    /// Plain HTTP where TLS is spoken.
    plain: Counter,
    reloads: Counter,
    reloads_failed: Counter,
}

impl ServerTls {
    /// Begins with this.
    pub fn new(built: Built) -> Arc<Self> {
        Arc::new(Self { active: ArcSwap::from_pointee(built), counts: Counts::default(), last_was_good: AtomicBool::new(true) })
    }

    /// The certificate that is shown now.
    pub fn certificate(&self) -> Certificate {
        self.active.load().certificate.clone()
    }

    /// Takes the new one for connections from now on, or, if there is none, keeps the old one and counts that.
    pub fn replace(&self, built: Option<Built>) {
        self.last_was_good.store(built.is_some(), Ordering::Relaxed);
        match built {
            Some(built) => {
                self.counts.reloads.inc();
                self.active.store(Arc::new(built));
            }
            None => self.counts.reloads_failed.inc(),
        }
    }
}

impl Report for ServerTls {
    fn report(&self, page: &mut Page) {
        let active = self.active.load();
        let certificate = &active.certificate;
        let seconds = |ms: i64| ms as f64 / 1e3;
        page.gauge(
            "pharos_tls_certificate_expiry_timestamp_seconds",
            "When the server's certificate ends.",
            seconds(certificate.not_after_ms),
        );
        page.gauge(
            "pharos_tls_certificate_not_before_timestamp_seconds",
            "When the server's certificate begins.",
            seconds(certificate.not_before_ms),
        );
        page.gauge(
            "pharos_tls_last_reload_successful",
            "Whether certificate, key and client authorities could be read when they changed last.",
            f64::from(u8::from(self.last_was_good.load(Ordering::Relaxed))),
        );
        let counts = &self.counts;
        page.counter("pharos_tls_reloads_total", "Certificates, keys and client authorities that were taken over.", counts.reloads.get());
        page.counter("pharos_tls_reload_failures_total", "Times that changed ones could not be used.", counts.reloads_failed.get());
        page.counter("pharos_http_tls_handshakes_total", "TLS connections begun.", counts.handshakes.get());
        page.family("pharos_http_tls_handshake_failures_total", "counter", "Connections that did not come to TLS, by reason.");
        for (reason, count) in [("refused", &counts.refused), ("timeout", &counts.timed_out), ("plain_http", &counts.plain)] {
            page.sample("pharos_http_tls_handshake_failures_total", &[("reason", reason)], count.get() as f64);
        }
    }
}

/// Hash over the contents of files, as far as they are of a size that is read; one that cannot be read counts as
/// absent. Blocking.
pub fn content_hash<'a>(files: impl IntoIterator<Item = &'a Path>) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for file in files {
        let mut content = Vec::new();
        let read = std::fs::File::open(file).and_then(|file| file.take(pem::FILE_BYTES_MAX).read_to_end(&mut content));
        hasher.update(&[u8::from(read.is_ok())]);
        hasher.update(&content.len().to_le_bytes());
        hasher.update(&content);
    }
    hasher.digest()
}
