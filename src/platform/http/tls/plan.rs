//! What TLS is to be, as settings say it, and the configuration of the TLS library that follows from it.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CipherSuite, ConfigBuilder, NamedGroup, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, WantsVerifier, version,
};

use super::certificate::Certificate;
use super::client_auth::ClientPolicy;
use super::pem::PemSource;
use super::self_signed::SelfSigned;
use super::{ClientAuth, TlsError};
use crate::platform::http::client::TlsVersion;

/// How messages call the file.
const CERTIFICATE: &str = "certificate file";

/// A certificate with those that vouch for it, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemPair {
    /// The certificate first, then those between it and its authority.
    pub certificate: PemSource,
    /// The private key.
    pub key: PemSource,
}

/// Who the server says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Somebody gave it a certificate.
    Given(PemPair),
    /// It makes one for itself.
    SelfSigned(SelfSigned),
}

/// Everything that distinguishes one TLS configuration from another.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsPlan {
    /// Who the server says it is.
    pub identity: Identity,
    /// Who may connect.
    pub clients: ClientPolicy,
    /// Oldest version spoken.
    pub min_version: TlsVersion,
    /// Newest version spoken.
    pub max_version: TlsVersion,
    /// Cipher suites of TLS 1.2, in order of preference; empty for all that are safe.
    pub cipher_suites: Vec<CipherSuite>,
    /// Groups of the key exchange, in order of preference; empty for all.
    pub groups: Vec<NamedGroup>,
    /// Whether the server's order counts, rather than the client's.
    pub prefers_own_order: bool,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

impl TlsPlan {
    /// With this identity, and for the rest what is good today.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            clients: ClientPolicy::default(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            groups: Vec::new(),
            prefers_own_order: true,
            http2: true,
        }
    }

    /// Files that it is made from, to be watched.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        let pair = match &self.identity {
            Identity::Given(pair) => [Some(&pair.certificate), Some(&pair.key)],
            Identity::SelfSigned(_) => [None, None],
        };
        pair.into_iter().chain([self.clients.authorities.as_ref()]).flatten().filter_map(PemSource::file).cloned().collect()
    }

    /// Reads the files and says what [`build`](Self::build) would refuse, without making a certificate of the server's own.
    /// Blocking.
    ///
    /// # Errors
    /// The first mistake, and of which part.
    pub fn check(&self) -> Result<(), (TlsPart, TlsError)> {
        let of = |part| move |error| (part, error);
        let provider = Arc::new(self.provider().map_err(of(TlsPart::Choices))?);
        self.builder(&provider).map_err(of(TlsPart::Choices))?;
        if let Identity::Given(pair) = &self.identity {
            pair.certificate.certificates(CERTIFICATE).map_err(of(TlsPart::Certificate))?;
            certified(pair, &provider).map_err(of(TlsPart::Key))?;
        }
        self.clients.verifier(&provider).map_err(of(TlsPart::Clients))?;
        Ok(())
    }

    fn builder(&self, provider: &Arc<CryptoProvider>) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider)).with_protocol_versions(&self.versions()?);
        builder.map_err(|error| TlsError(format!("TLS cannot be set up: {error}")))
    }

    /// Reads the files and makes what connections are accepted with. Blocking.
    ///
    /// # Errors
    /// The first mistake, as a sentence that names the file.
    pub fn build(&self, now_ms: i64) -> Result<Built, TlsError> {
        let provider = Arc::new(self.provider()?);
        let pair = match &self.identity {
            Identity::Given(pair) => pair.clone(),
            Identity::SelfSigned(own) => own.ensure(now_ms)?,
        };
        let (certified, certificate) = certified(&pair, &provider)?;
        let builder = self.builder(&provider)?;
        let builder = match self.clients.verifier(&provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.ignore_client_order = self.prefers_own_order;
        config.alpn_protocols = if self.http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Ok(Built { config: Arc::new(config), certificate, client_auth: self.clients.auth })
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
        let all = [(TlsVersion::Tls12, &version::TLS12), (TlsVersion::Tls13, &version::TLS13)];
        let number = |version: TlsVersion| u8::from(version == TlsVersion::Tls13);
        let wanted = number(self.min_version)..=number(self.max_version);
        let versions: Vec<_> = all.into_iter().filter(|(version, _)| wanted.contains(&number(*version))).map(|(_, known)| known).collect();
        if versions.is_empty() {
            return Err(TlsError("the oldest TLS version allowed is newer than the newest one".to_owned()));
        }
        Ok(versions)
    }

    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.cipher_suites.is_empty() {
            // As in Go, the suites of TLS 1.3 are not a matter of choice.
            let newest: Vec<SupportedCipherSuite> =
                provider.cipher_suites.iter().filter(|suite| suite.tls13().is_some()).copied().collect();
            let chosen = self.cipher_suites.iter().filter_map(|id| provider.cipher_suites.iter().find(|suite| suite.suite() == *id));
            provider.cipher_suites = newest.into_iter().chain(chosen.copied()).collect();
        }
        if !self.groups.is_empty() {
            let chosen: Vec<&'static dyn SupportedKxGroup> = self
                .groups
                .iter()
                .filter_map(|name| aws_lc_rs::ALL_KX_GROUPS.iter().find(|group| group.name() == *name))
                .copied()
                .collect();
            if chosen.is_empty() {
                return Err(TlsError("none of the curves asked for is available".to_owned()));
            }
            provider.kx_groups = chosen;
        }
        Ok(provider)
    }
}

/// A part of a plan that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// Versions, cipher suites and curves.
    Choices,
    /// The certificate.
    Certificate,
    /// The key, or that it belongs to the certificate.
    Key,
    /// The authorities of clients.
    Clients,
}

/// What a plan became.
#[derive(Debug)]
pub struct Built {
    pub(super) config: Arc<ServerConfig>,
    /// The server's certificate.
    pub certificate: Certificate,
    pub(super) client_auth: ClientAuth,
}

/// The pair, once it is certain that key and certificate belong together.
///
/// Compared here and not by the TLS library, which refuses certificates of X.509 version 1 altogether: many a script
/// with `openssl x509 -req` makes such, and browsers and Prometheus take them.
fn certified(pair: &PemPair, provider: &CryptoProvider) -> Result<(CertifiedKey, Certificate), TlsError> {
    let chain = pair.certificate.certificates(CERTIFICATE)?;
    let key = pair.key.key("key file")?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        TlsError("the private key is of a kind that is not taken; RSA, ECDSA (P-256, P-384, P-521) and Ed25519 are".to_owned())
    })?;
    let first = chain.first().map_or(&[][..], |der| der);
    let certificate = Certificate::of(first).map_err(TlsError)?;
    if key.public_key().is_some_and(|public| public.as_ref() != certificate.public_key) {
        return Err(TlsError("certificate and private key do not belong together".to_owned()));
    }
    Ok((CertifiedKey::new(chain, key), certificate))
}
