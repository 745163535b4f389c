//! What a certificate says: whose it is, until when, under which names; and the fingerprint by which people know it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Most names of a certificate that are kept.
const NAMES_MAX: usize = 100;

/// The facts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The common name of its subject; empty if it has none.
    pub common_name: String,
    /// The common name of who signed it; empty if it has none.
    pub issuer: String,
    /// Its alternative names: hosts, addresses of machines and people, URIs.
    pub names: Vec<String>,
    /// From when it is valid, in milliseconds since the Unix epoch.
    pub not_before_ms: i64,
    /// Until when.
    pub not_after_ms: i64,
    /// SHA-256 over all of it, as browsers and `openssl x509 -fingerprint -sha256` show it.
    pub fingerprint: String,
    /// Its public key, with the algorithm, in DER.
    pub(super) public_key: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// A sentence for people, when these bytes are no certificate.
    pub fn of(der: &[u8]) -> Result<Self, String> {
        let (_, found) = X509Certificate::from_der(der).map_err(|error| format!("the certificate cannot be read: {error}"))?;
        let validity = found.validity();
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        let common_name = found.subject().iter_common_name().find_map(|name| name.as_str().ok()).unwrap_or("").to_owned();
        let issuer = found.issuer().iter_common_name().find_map(|name| name.as_str().ok()).unwrap_or("").to_owned();
        let alternatives = found.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(text_of).take(NAMES_MAX).collect();
        Ok(Self {
            common_name,
            issuer,
            names,
            not_before_ms: ms(validity.not_before.timestamp()),
            not_after_ms: ms(validity.not_after.timestamp()),
            fingerprint: fingerprint(der),
            public_key: found.public_key().raw.to_vec(),
        })
    }
}

fn text_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => address_of(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_times_and_fingerprint_are_read() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned(), "10.1.2.3".to_owned(), "::1".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "agent-7");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let made = params.self_signed(&key).unwrap();
        let read = Certificate::of(made.der()).unwrap();
        assert_eq!(
            (read.common_name.as_str(), read.names.as_slice()),
            ("agent-7", &["a.example", "10.1.2.3", "::1"].map(str::to_owned)[..])
        );
        assert_eq!(read.issuer, "agent-7", "it signed itself");
        assert_eq!((read.not_before_ms, read.not_after_ms), (1_577_836_800_000, 1_893_456_000_000));
        assert_eq!((read.fingerprint.len(), read.fingerprint.matches(':').count()), (95, 31));
        assert!(Certificate::of(b"nonsense").is_err() && Certificate::of(&made.der()[..100]).is_err());
    }
}
