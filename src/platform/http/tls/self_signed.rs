//! A certificate that the server makes for itself, where nobody gave it one: kept in the data folder, so that
//! browsers that were told to trust it need not be told again, and made anew before it ends.
//!
//! Certificate and key stand in one file, which only the server's own user may read, so the two always fit.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

use super::certificate::Certificate;
use super::pem::PemSource;
use super::{PemPair, TlsError};
use crate::platform::disk::{replace_file, sync_dir, temporary_beside};

/// How long a certificate is valid; browsers take no longer ones.
const VALID: Duration = Duration::from_secs(397 * 86_400);
/// How long before its end it is made anew.
const RENEW_BEFORE_MS: i64 = 30 * 86_400_000;
/// How far back it begins, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_secs(86_400);
/// Certificate and key.
const PAIR_FILE: &str = "self-signed.pem";
/// The certificate alone, to be given to clients.
const CERTIFICATE_FILE: &str = "self-signed.crt";

/// Where the certificate is kept and what names it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfSigned {
    /// The folder; made when it is not there.
    pub folder: PathBuf,
    /// Host names and addresses, the first one being the common name.
    pub names: Vec<String>,
}

impl SelfSigned {
    /// The file of the certificate alone.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE_FILE)
    }

    /// Whether a certificate of the server's own has to be made anew.
    pub fn is_due(certificate: &Certificate, now_ms: i64) -> bool {
        now_ms < certificate.not_before_ms || now_ms >= certificate.not_after_ms - RENEW_BEFORE_MS
    }

    /// The pair that is kept, or a new one where there is none that has the names and still holds for a month.
    pub(super) fn ensure(&self, now_ms: i64) -> Result<PemPair, TlsError> {
        let path = self.folder.join(PAIR_FILE);
        let pair = || PemPair { certificate: PemSource::File(path.clone()), key: PemSource::File(path.clone()) };
        if self.is_good(&pair(), now_ms) {
            return Ok(pair());
        }
        let failed = |error: io::Error| TlsError(format!("cannot keep a self-signed certificate in {}: {error}", self.folder.display()));
        let (certificate, key) = self.make(now_ms)?;
        fs::create_dir_all(&self.folder).map_err(failed)?;
        replace_private(&path, format!("{certificate}{key}").as_bytes()).map_err(failed)?;
        replace_file(&self.certificate_file(), certificate.as_bytes()).map_err(failed)?;
        Ok(pair())
    }

    fn is_good(&self, pair: &PemPair, now_ms: i64) -> bool {
        let Ok(chain) = pair.certificate.certificates("certificate") else { return false };
        let Some(Ok(kept)) = chain.first().map(|der| Certificate::of(der)) else { return false };
        pair.key.key("key").is_ok() && self.names.iter().all(|name| kept.names.contains(name)) && !Self::is_due(&kept, now_ms)
    }

    /// Certificate and key in PEM.
    fn make(&self, now_ms: i64) -> Result<(String, String), TlsError> {
        let failed = |error: rcgen::Error| TlsError(format!("cannot make a self-signed certificate: {error}"));
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(self.names.clone()).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.names.first().map_or("pharos", String::as_str));
        params.distinguished_name.push(DnType::OrganizationName, "pharos, self-signed");
        params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth);
        let now = date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        params.not_before = now - BACKDATED;
        params.not_after = now + VALID;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// As [`replace_file`], readable to the server's own user alone from the first byte on.
fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = temporary_beside(path);
    if let Err(error) = fs::remove_file(&beside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    #[test]
    fn it_is_kept_until_it_ends_or_has_to_have_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = SelfSigned { folder: folder.path().join("tls"), names: vec!["localhost".into(), "127.0.0.1".into()] };
        let fingerprint = |own: &SelfSigned, now_ms| {
            let pair = own.ensure(now_ms).unwrap();
            Certificate::of(&pair.certificate.certificates("x").unwrap()[0]).unwrap()
        };
        let first = fingerprint(&own, NOW_MS);
        assert_eq!(first.names, own.names);
        assert_eq!(fingerprint(&own, NOW_MS + 360 * 86_400_000), first, "it still holds for more than a month");
        let path = own.folder.join(PAIR_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(own.certificate_file()).unwrap().contains("PRIVATE"));
        let renewed = fingerprint(&own, NOW_MS + 368 * 86_400_000);
        assert_ne!(renewed.fingerprint, first.fingerprint);
        own.names.push("metrics.example".to_owned());
        let named = fingerprint(&own, NOW_MS + 368 * 86_400_000);
        assert!(named.names.contains(&"metrics.example".to_owned()) && named.fingerprint != renewed.fingerprint);
        fs::write(&path, "rubbish").unwrap();
        assert_ne!(fingerprint(&own, NOW_MS + 368 * 86_400_000).fingerprint, named.fingerprint, "a broken one is made anew");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
