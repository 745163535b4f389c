//! TLS towards a server whose certificates are looked at, also when they are not to be trusted.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::secure::{Stream, Trust};
use super::settings::TlsSettings;
use super::shown::{ShownCertificate, chain_ends};
use crate::base::time::format_rfc3339;

/// Most certificates that are kept of those shown.
const SHOWN_MAX: usize = 16;

/// Authorities and keys that are read once for many connections.
#[derive(Debug)]
pub struct WatchedTls {
    config: ClientConfig,
    trust: Trust,
    roots: Vec<ShownCertificate>,
}

/// What was agreed on, and what was shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Certificates, the server's own first.
    pub certificates: Vec<ShownCertificate>,
    /// Such as `TLS 1.3`.
    pub version: &'static str,
    /// As Go calls it.
    pub cipher: String,
    /// Whether HTTP/2 is to be spoken.
    pub is_http2: bool,
    /// Until when somebody trusted vouches for the server; none where nobody was asked.
    pub chain_ends: Option<i64>,
}

/// Why TLS was not agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In words for people: lower case, without a full stop.
    pub why: String,
    /// What was shown until then.
    pub certificates: Vec<ShownCertificate>,
    /// Whether what answered did not speak TLS at all, or hung up.
    pub is_no_tls: bool,
}

impl WatchedTls {
    /// Reads the files that the settings name. Blocking.
    ///
    /// # Errors
    /// What is wrong with settings or files, in words.
    pub fn read(settings: &TlsSettings) -> Result<Self, String> {
        let trust = Trust::read(settings)?;
        let roots = trust.roots.iter().filter_map(ShownCertificate::read).collect();
        Ok(Self { config: trust.config(settings, Arc::clone(&trust.verifier))?, trust, roots })
    }

    /// Agrees on TLS; the certificate must be for `name`, which is also told the server. `protocols` are offered, the
    /// dearest first.
    ///
    /// # Errors
    /// Why not, and what was shown until then.
    pub async fn secure(&self, stream: Box<dyn Stream>, name: &str, protocols: &[&[u8]]) -> Result<(Box<dyn Stream>, Agreed), Refused> {
        let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let refuse = |why: String| Refused { why, certificates: Vec::new(), is_no_tls: false };
        let server = ServerName::try_from(bare.clone()).map_err(|_| refuse(format!("{name:?} is no name of a server")))?;
        let watch = Arc::new(Watch { inner: Arc::clone(&self.trust.verifier), roots: self.trust.roots.clone(), seen: Mutex::default() });
        let mut config = self.config.clone();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        // Each connection shows its certificates anew.
        config.resumption = rustls::client::Resumption::disabled();
        config.dangerous().set_certificate_verifier(Arc::clone(&watch) as Arc<dyn ServerCertVerifier>);
        let connected = TlsConnector::from(Arc::new(config)).connect(server, stream).await;
        let certificates: Vec<ShownCertificate> = watch.seen.lock().iter().filter_map(ShownCertificate::read).collect();
        let stream = match connected {
            Ok(stream) => stream,
            Err(error) => {
                let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
                let is_no_tls = match tls {
                    Some(error) => matches!(error, Error::InvalidMessage(_)),
                    None => true,
                };
                return Err(Refused { why: words(&error, tls, &bare, &certificates), certificates, is_no_tls });
            }
        };
        let (_, connection) = stream.get_ref();
        let agreed = Agreed {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
                Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "unknown",
            },
            cipher: connection
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str().map(|name| name.replacen("TLS13_", "TLS_", 1)))
                .unwrap_or_default(),
            is_http2: connection.alpn_protocol() == Some(b"h2"),
            chain_ends: if self.trust.is_blind { None } else { chain_ends(&certificates, &self.roots) },
            certificates,
        };
        Ok((Box::new(stream), agreed))
    }
}

/// Why it failed, for people.
fn words(error: &std::io::Error, tls: Option<&Error>, name: &str, shown: &[ShownCertificate]) -> String {
    let day = |secs: u64| format_rfc3339(i64::try_from(secs).unwrap_or(i64::MAX / 1000) * 1000).chars().take(10).collect::<String>();
    let first = shown.first();
    let Some(tls) = tls else {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => {
                "the server hung up while TLS was being agreed on".to_owned()
            }
            _ => format!("TLS was not agreed on: {error}"),
        };
    };
    match tls {
        Error::InvalidMessage(_) => "what answered does not speak TLS".to_owned(),
        Error::InvalidCertificate(what) => match what {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let names = first.map(ShownCertificate::stands_for).unwrap_or_default();
                let names = if names.is_empty() { "nobody".to_owned() } else { names[..names.len().min(5)].join(", ") };
                format!("the certificate is for {names}, not for {name}")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => match first {
                Some(first) => format!("the certificate ended on {}", day(u64::try_from(first.not_after).unwrap_or(0))),
                None => "the certificate has ended".to_owned(),
            },
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => match first {
                Some(first) => format!("the certificate is valid only from {} on", day(u64::try_from(first.not_before).unwrap_or(0))),
                None => "the certificate is not valid yet".to_owned(),
            },
            CertificateError::UnknownIssuer => match first {
                Some(first) if first.is_self_signed() => {
                    "the certificate is signed by itself, and nobody trusted vouches for it".to_owned()
                }
                Some(first) => format!("the certificate is signed by {}, who is not trusted here", first.issuer),
                None => "the certificate is signed by somebody who is not trusted here".to_owned(),
            },
            CertificateError::Revoked => "the certificate was revoked".to_owned(),
            other => format!("the certificate is not to be trusted: {other}"),
        },
        Error::AlertReceived(alert) => format!("the server refused TLS: {alert:?}"),
        Error::PeerIncompatible(why) => format!("there is no TLS that both sides speak: {why:?}"),
        other => format!("TLS was not agreed on: {other}"),
    }
}

/// Asks another verifier, and remembers what it was asked about.
#[derive(Debug)]
struct Watch {
    inner: Arc<dyn ServerCertVerifier>,
    /// Certificates that are trusted, to the byte.
    roots: Arc<[CertificateDer<'static>]>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates).take(SHOWN_MAX);
        *self.seen.lock() = all.map(|der| der.clone().into_owned()).collect();
        let verdict = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            // Whoever is trusted itself needs nobody to vouch for it, though it may vouch for others; as in Go.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.roots.iter().any(|root| root == end_entity) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                let shown = ShownCertificate::read(end_entity).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
                let secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
                match (shown.not_before <= secs, secs <= shown.not_after) {
                    (true, true) => Ok(ServerCertVerified::assertion()),
                    (false, _) => Err(Error::InvalidCertificate(CertificateError::NotValidYet)),
                    (_, false) => Err(Error::InvalidCertificate(CertificateError::Expired)),
                }
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
