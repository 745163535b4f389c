//! TLS over any stream with the settings of a client, for protocols other than HTTP.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::auth::read_now;
use super::settings::{TlsSettings, TlsVersion};

/// A stream that is read and written.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Begins TLS; the certificate must be for the name in the settings, or else for `host`. Reads files here and now.
///
/// # Errors
/// What is wrong with the settings, the files or the other side's certificate, in words.
pub async fn secure(stream: Box<dyn Stream>, host: &str, settings: &TlsSettings) -> Result<Box<dyn Stream>, String> {
    let name = if settings.server_name.is_empty() { host } else { &settings.server_name };
    let name = ServerName::try_from(name.to_owned()).map_err(|_| format!("{name:?} is no name of a server"))?;
    let settings = settings.clone();
    let config = tokio::task::spawn_blocking(move || config(&settings)).await.map_err(|error| error.to_string())??;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())?;
    Ok(Box::new(connected))
}

/// Whom the settings trust.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    /// Those who are trusted; none where anybody is.
    pub(super) roots: Arc<[CertificateDer<'static>]>,
    /// Whether anybody is.
    pub(super) is_blind: bool,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Reads the authorities. Blocking.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        if settings.insecure_skip_verify {
            let verifier = Arc::new(Unverified(Arc::clone(&provider)));
            return Ok(Self { verifier, roots: Arc::default(), is_blind: true, provider });
        }
        let ca = read_now(&settings.ca, "CA").map_err(|error| error.to_string())?;
        let Some(pem) = ca else {
            let verifier = Verifier::new(Arc::clone(&provider)).map_err(|error| format!("no authorities to trust: {error}"))?;
            let roots = rustls_native_certs::load_native_certs().certs.into();
            return Ok(Self { verifier: Arc::new(verifier), roots, is_blind: false, provider });
        };
        let found = certificates(&pem, "CA certificate")?;
        let mut roots = RootCertStore::empty();
        for certificate in found.clone() {
            roots.add(certificate).map_err(|error| format!("unable to use CA certificate: {error}"))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let verifier = verifier.map_err(|error| format!("unable to use CA certificate: {error}"))?;
        Ok(Self { verifier, roots: found.into(), is_blind: false, provider })
    }

    /// A client's configuration with these and the settings' own certificate. Blocking.
    pub(super) fn config(&self, settings: &TlsSettings, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, String> {
        let rank = |version| if version == TlsVersion::Tls12 { 2 } else { 3 };
        let (min, max) = (settings.min_version.map_or(2, rank), settings.max_version.map_or(3, rank));
        let versions: Vec<&'static SupportedProtocolVersion> = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)]
            .into_iter()
            .filter(|(version, _)| (min..=max).contains(version))
            .map(|(_, version)| version)
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider)).with_protocol_versions(&versions);
        let builder = builder.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(verifier);
        let cert = read_now(&settings.cert, "client certificate").map_err(|error| error.to_string())?;
        let key = read_now(&settings.key, "client key").map_err(|error| error.to_string())?;
        match (cert, key) {
            (Some(cert), Some(key)) => {
                // Whatever is wrong with a key, no part of it goes into a message.
                let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| "the client key is no private key in PEM".to_owned())?;
                builder.with_client_auth_cert(certificates(&cert, "client certificate")?, key).map_err(|error| error.to_string())
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }
}

fn config(settings: &TlsSettings) -> Result<ClientConfig, String> {
    let trust = Trust::read(settings)?;
    trust.config(settings, Arc::clone(&trust.verifier))
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| format!("unable to use {what}: {error}"))?;
    if found.is_empty() { Err(format!("unable to use {what}: no certificate in it")) } else { Ok(found) }
}

/// Takes any certificate, as the settings asked for.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
