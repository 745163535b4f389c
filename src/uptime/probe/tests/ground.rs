//! What the tests of probes stand on: servers that say what they are told to, and checks that are probed once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::{Finding, Prober};
use crate::base::clock::SystemClock;
use crate::uptime::config::Module;
use crate::uptime::config::file::read_one;
use crate::uptime::config::plan::plan;

/// How long a probe may take here, unless it is to be late.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn prober() -> Prober {
    Prober::new(Arc::new(SystemClock::new()))
}

/// Probes a check once.
pub(super) async fn probed(yaml: &str) -> Finding {
    probed_within(yaml, TIMEOUT).await
}

pub(super) async fn probed_within(yaml: &str, timeout: Duration) -> Finding {
    let check = read_one(yaml, None).unwrap_or_else(|wrong| panic!("{yaml}: {wrong:?}")).check;
    let plan = plan(&check).unwrap().unwrap();
    prober().probe(&plan.target, &plan.module, timeout).await
}

/// Probes by a module of a file.
pub(super) async fn probed_by(module: &Module, target: &str) -> Finding {
    prober().probe(target, module, TIMEOUT).await
}

/// Why it failed, after the word for the part of it.
pub(super) fn why(finding: &Finding) -> String {
    match &finding.outcome.failure {
        Some(failure) => format!("{}: {}", failure.kind.as_str(), failure.text),
        None => "all holds".to_owned(),
    }
}

/// Serves every connection, until the test is over.
pub(super) async fn serve<F: Future<Output = ()> + Send + 'static>(each: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    address
}

/// Reads until a text has come.
pub(super) async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(end) {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A certificate for `localhost` and 127.0.0.1 that nobody vouches for, with its texts in PEM.
pub(super) struct Identity {
    pub(super) config: Arc<rustls::ServerConfig>,
    pub(super) pem: String,
    /// The key, in PEM.
    pub(super) key: String,
}

impl Identity {
    pub(super) fn new(protocols: &[&[u8]]) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { config: Arc::new(config), pem: certificate.pem(), key: key.serialize_pem() }
    }

    /// The server's side of TLS.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Option<tokio_rustls::server::TlsStream<S>> {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await.ok()
    }
}
