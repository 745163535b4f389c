//! Certificates that a server shows, as plain facts, in the words of Go's `crypto/x509`.

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

/// A certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Names that it stands for.
    pub dns_names: Vec<String>,
    /// Addresses that it stands for.
    pub addresses: Vec<String>,
    /// Valid from, in seconds since the Unix epoch.
    pub not_before: i64,
    /// Valid until, in seconds since the Unix epoch.
    pub not_after: i64,
    /// Serial number in lower-case hexadecimal, two digits a byte.
    pub serial: String,
    /// SHA-256 of the whole, in lower-case hexadecimal.
    pub fingerprint: String,
    /// Subject and issuer to the byte, and the keys' identifiers, which chains are followed by.
    links: Links,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Links {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    own_key: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
}

impl ShownCertificate {
    /// Reads a certificate; none when it is none.
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, found) = X509Certificate::from_der(der).ok()?;
        let (mut dns_names, mut addresses) = (Vec::new(), Vec::new());
        let mut links = Links { subject: found.subject().as_raw().to_vec(), issuer: found.issuer().as_raw().to_vec(), ..Links::default() };
        for extension in found.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    for name in &names.general_names {
                        match name {
                            GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                            _ => {}
                        }
                    }
                }
                ParsedExtension::SubjectKeyIdentifier(key) => links.own_key = Some(key.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(key) => links.issuer_key = key.key_identifier.as_ref().map(|key| key.0.to_vec()),
                _ => {}
            }
        }
        let serial = found.raw_serial();
        let zeros = serial.iter().take_while(|byte| **byte == 0).count();
        Some(Self {
            subject: name_of(found.subject()),
            issuer: name_of(found.issuer()),
            dns_names,
            addresses,
            not_before: found.validity().not_before.timestamp(),
            not_after: found.validity().not_after.timestamp(),
            serial: hex(&serial[zeros..]),
            fingerprint: hex(&Sha256::digest(der.as_ref())),
            links,
        })
    }

    /// Whether it vouches for itself.
    pub fn is_self_signed(&self) -> bool {
        self.links.subject == self.links.issuer
    }

    /// Everything it stands for, for people.
    pub fn stands_for(&self) -> Vec<String> {
        self.dns_names.iter().chain(&self.addresses).cloned().collect()
    }

    /// Whether `other` may have signed it.
    fn is_below(&self, other: &Self) -> bool {
        let keys_agree = match (&self.links.issuer_key, &other.links.own_key) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        };
        self.links.issuer == other.links.subject && keys_agree
    }
}

/// Until when the first of `shown` is vouched for: each way up to one of `roots` ends with its first certificate to end, and
/// the way that ends last counts. None without a way.
pub fn chain_ends(shown: &[ShownCertificate], roots: &[ShownCertificate]) -> Option<i64> {
    /// Longest way that is followed.
    const DEPTH_MAX: usize = 8;
    fn up(from: &ShownCertificate, shown: &[ShownCertificate], roots: &[ShownCertificate], depth: usize) -> Option<i64> {
        if roots.iter().any(|root| root.fingerprint == from.fingerprint) {
            return Some(from.not_after);
        }
        if depth == 0 {
            return None;
        }
        let by_root = roots.iter().filter(|root| from.is_below(root)).map(|root| root.not_after.min(from.not_after)).max();
        let between = shown.iter().filter(|other| other.fingerprint != from.fingerprint && from.is_below(other));
        let by_other = between.filter_map(|other| up(other, shown, roots, depth - 1)).map(|ends| ends.min(from.not_after)).max();
        by_root.max(by_other)
    }
    // Wide sets of crossing certificates would make many ways of few.
    let shown = &shown[..shown.len().min(DEPTH_MAX)];
    up(shown.first()?, shown, roots, DEPTH_MAX)
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Attributes that have a word, in the order in which Go puts them together.
const WORDS: [(&str, &str); 9] = [
    ("2.5.4.6", "C"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
];

/// A distinguished name as Go's `pkix.Name` prints it: RFC 2253, attributes of one kind together, others last.
fn name_of(name: &X509Name<'_>) -> String {
    let mut known: Vec<Vec<String>> = vec![Vec::new(); WORDS.len()];
    let mut others = Vec::new();
    for attribute in name.iter_attributes() {
        let id = attribute.attr_type().to_id_string();
        match WORDS.iter().position(|(known, _)| *known == id) {
            Some(at) => {
                let text = attribute.as_str().map_or_else(|_| String::from_utf8_lossy(attribute.as_slice()).into_owned(), str::to_owned);
                known[at].push(text);
            }
            None => {
                let text = attribute.as_str().map_or_else(|_| String::new(), str::to_owned);
                others.push(if text.is_empty() {
                    format!("{id}=#{}", hex(attribute.as_slice()))
                } else {
                    format!("{id}={}", escaped(&text))
                });
            }
        }
    }
    let groups = WORDS.iter().zip(known).filter(|(_, values)| !values.is_empty()).map(|((id, word), values)| {
        // Of these two the last one counts.
        let from = if matches!(*id, "2.5.4.3" | "2.5.4.5") { values.len() - 1 } else { 0 };
        values[from..].iter().map(|value| format!("{word}={}", escaped(value))).collect::<Vec<_>>().join("+")
    });
    let mut all: Vec<String> = others.into_iter().chain(groups).collect();
    all.reverse();
    all.join(",")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let needs = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') || (c == '#' && at == 0) || (c == ' ' && (at == 0 || at == last));
        if needs {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    #[test]
    fn certificates_are_described_as_go_does() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "a, b");
        name.push(DnType::OrganizationName, "Org");
        name.push(DnType::CountryName, "DE");
        params.distinguished_name = name;
        params.serial_number = Some(vec![0x01, 0xab].into());
        let shown = ShownCertificate::read(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!(shown.subject, r"CN=a\, b,O=Org,C=DE");
        assert_eq!((shown.serial.as_str(), shown.fingerprint.len()), ("01ab", 64));
        assert_eq!(shown.stands_for(), ["a.example", "127.0.0.1"]);
        assert!(shown.is_self_signed());
        assert_eq!(ShownCertificate::read(&CertificateDer::from(vec![1, 2, 3])), None);
    }

    #[test]
    fn a_chain_ends_with_the_first_of_it() {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(vec![]).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, "root");
        root.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let root_cert = root.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(root, root_key);
        let mut leaf = CertificateParams::new(vec!["x".to_owned()]).unwrap();
        leaf.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let leaf_cert = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        let (leaf, root) = (ShownCertificate::read(leaf_cert.der()).unwrap(), ShownCertificate::read(root_cert.der()).unwrap());
        let ends = leaf.not_after;
        assert_eq!(chain_ends(std::slice::from_ref(&leaf), std::slice::from_ref(&root)), Some(ends));
        assert_eq!(chain_ends(&[leaf.clone(), root.clone()], std::slice::from_ref(&root)), Some(ends));
        assert_eq!(chain_ends(std::slice::from_ref(&root), std::slice::from_ref(&root)), Some(root.not_after));
        assert_eq!(chain_ends(&[leaf], &[]), None);
    }
}
