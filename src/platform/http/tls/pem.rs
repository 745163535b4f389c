//! Certificates and keys as PEM, from files or written in a configuration, read with a cap and refused in words.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;
use crate::base::secret::Secret;

/// Largest file of certificates or keys.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where PEM stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PemSource {
    /// In a file.
    File(PathBuf),
    /// Written in the configuration.
    Inline(Secret),
}

impl PemSource {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Inline(_) => None,
        }
    }

    /// How messages call it.
    fn named(&self, what: &str) -> String {
        match self {
            Self::File(path) => format!("{what} {}", path.display()),
            Self::Inline(_) => format!("{what} in the configuration"),
        }
    }

    fn read(&self, what: &str) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::Inline(text) => Ok(text.expose().as_bytes().to_vec()),
            Self::File(path) => {
                let failed = |error: std::io::Error| TlsError(format!("cannot read {what} {}: {error}", path.display()));
                let mut bytes = Vec::new();
                File::open(path).map_err(failed)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
                if bytes.len() as u64 > FILE_BYTES_MAX {
                    return Err(TlsError(format!("{what} {} is larger than {FILE_BYTES_MAX} bytes", path.display())));
                }
                Ok(bytes)
            }
        }
    }

    /// Certificates, in their order; at least one.
    pub(super) fn certificates(&self, what: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let bytes = self.read(what)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = found.map_err(|error| TlsError(format!("{} is no PEM: {error}", self.named(what))))?;
        if found.is_empty() {
            return Err(TlsError(format!("{} holds no certificate in PEM", self.named(what))));
        }
        Ok(found)
    }

    /// The first private key.
    pub(super) fn key(&self, what: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
        let bytes = self.read(what)?;
        // Whatever is wrong with a key, no part of it goes into a message.
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
            let hint = if bytes.windows(9).any(|window| window == b"ENCRYPTED") { "; a key with a passphrase is not taken" } else { "" };
            TlsError(format!("{} holds no private key in PEM{hint}", self.named(what)))
        })
    }

    /// Authorities to trust.
    pub(super) fn authorities(&self, what: &str) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in self.certificates(what)? {
            store.add(certificate).map_err(|error| TlsError(format!("{} cannot be used: {error}", self.named(what))))?;
        }
        Ok(store)
    }
}
