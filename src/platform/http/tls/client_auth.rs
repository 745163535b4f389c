//! Certificates of clients: whether one is asked for, and which ones are let in.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::Certificate;
use super::pem::PemSource;
use super::{ClientAuth, TlsError};

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientPolicy {
    /// Whether certificates are asked for and checked.
    pub auth: ClientAuth,
    /// The authorities that sign them.
    pub authorities: Option<PemSource>,
    /// One of these names must stand in the certificate; empty for any.
    pub allowed_names: Vec<String>,
}

impl ClientPolicy {
    /// The verifier; `None` if no certificate is asked for.
    pub(super) fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        if self.auth == ClientAuth::None {
            return Ok(None);
        }
        let authority = match (self.auth.verifies(), &self.authorities) {
            (false, _) => None,
            (true, None) => {
                return Err(TlsError(format!("{} needs the authorities that sign clients' certificates", self.auth.as_str())));
            }
            (true, Some(source)) => {
                let roots = Arc::new(source.authorities("client CA file")?);
                let built = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
                Some(built.map_err(|error| TlsError(format!("the authorities of clients cannot be used: {error}")))?)
            }
        };
        let verifier = Verifier { auth: self.auth, authority, allowed_names: self.allowed_names.clone(), provider: Arc::clone(provider) };
        Ok(Some(Arc::new(verifier)))
    }
}

#[derive(Debug)]
struct Verifier {
    auth: ClientAuth,
    authority: Option<Arc<dyn ClientCertVerifier>>,
    allowed_names: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.auth.requires()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authority.as_ref().map_or(&[], |authority| authority.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(authority) = &self.authority {
            authority.verify_client_cert(end_entity, intermediates, now)?;
        }
        if !self.allowed_names.is_empty() {
            let certificate = Certificate::of(end_entity).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
            if !certificate.names.iter().any(|name| self.allowed_names.contains(name)) {
                return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
