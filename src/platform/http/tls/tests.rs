//! Real handshakes between our server and the TLS library's client.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::base::secret::Secret;
use crate::platform::http::client::TlsVersion;

const NOW_MS: i64 = 1_800_000_000_000;

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key in PEM.
    fn sign(&self, name: &str, names: &[&str], usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.insert_extended_key_usage(usage);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn inline(pair: &(String, String)) -> Identity {
    Identity::Given(PemPair {
        certificate: PemSource::Inline(Secret::new(pair.0.clone())),
        key: PemSource::Inline(Secret::new(pair.1.clone())),
    })
}

/// What the client agreed on, and who the server took it for.
struct Met {
    version: rustls::ProtocolVersion,
    suite: rustls::CipherSuite,
    alpn: Option<Vec<u8>>,
    client: Option<CertificateDer<'static>>,
}

/// A handshake; `None` when one side refuses.
async fn meet(built: &Built, trusts: &str, shows: Option<&(String, String)>) -> Option<Met> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusts.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (here, there) = tokio::io::duplex(64 * 1024);
    let server = TlsAcceptor::from(Arc::clone(&built.config)).accept(there);
    let client = async {
        use tokio::io::AsyncReadExt;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), here).await.ok()?;
        // Under TLS 1.3 a client learns only with the first byte whether its certificate was taken.
        stream.read_u8().await.ok()?;
        let (_, session) = stream.get_ref();
        let suite = session.negotiated_cipher_suite()?.suite();
        Some((session.protocol_version()?, suite, session.alpn_protocol().map(<[u8]>::to_vec)))
    };
    let server = async {
        use tokio::io::AsyncWriteExt;
        let mut stream = server.await.ok()?;
        stream.write_all(b"x").await.ok()?;
        stream.flush().await.ok()?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
        Some((stream, shown))
    };
    let (client, server) = tokio::join!(client, server);
    let ((version, suite, alpn), (_open, client)) = (client?, server?);
    Some(Met { version, suite, alpn, client })
}

#[tokio::test]
async fn versions_suites_and_protocols_are_as_planned() {
    let authority = Authority::new();
    let pair = authority.sign("server", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let plan = TlsPlan::new(inline(&pair));
    let met = meet(&plan.build(NOW_MS).unwrap(), &authority.pem, None).await.unwrap();
    assert_eq!((met.version, met.alpn.as_deref()), (rustls::ProtocolVersion::TLSv1_3, Some(&b"h2"[..])));
    let suite = rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    let old = TlsPlan { max_version: TlsVersion::Tls12, cipher_suites: vec![suite], http2: false, ..plan.clone() };
    let met = meet(&old.build(NOW_MS).unwrap(), &authority.pem, None).await.unwrap();
    assert_eq!((met.version, met.suite, met.alpn.as_deref()), (rustls::ProtocolVersion::TLSv1_2, suite, Some(&b"http/1.1"[..])));
    let nothing = TlsPlan { min_version: TlsVersion::Tls13, max_version: TlsVersion::Tls12, ..plan.clone() };
    assert!(nothing.build(NOW_MS).unwrap_err().0.contains("newer"));
    let curve = TlsPlan { groups: vec![rustls::NamedGroup::X448], ..plan };
    assert!(curve.build(NOW_MS).unwrap_err().0.contains("curves"));
}

#[tokio::test]
async fn clients_show_what_is_asked_for() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.sign("server", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let good = authority.sign("agent-7", &["agent.example"], ExtendedKeyUsagePurpose::ClientAuth);
    let other = authority.sign("agent-8", &["other.example"], ExtendedKeyUsagePurpose::ClientAuth);
    let strange = stranger.sign("agent-7", &["agent.example"], ExtendedKeyUsagePurpose::ClientAuth);
    let shown = [None, Some(&good), Some(&other), Some(&strange)];
    for (auth, names, expected) in [
        (ClientAuth::None, &[][..], [true, true, true, true]),
        (ClientAuth::Request, &[], [true, true, true, true]),
        (ClientAuth::RequireAny, &[], [false, true, true, true]),
        (ClientAuth::VerifyIfGiven, &[], [true, true, true, false]),
        (ClientAuth::RequireAndVerify, &[], [false, true, true, false]),
        (ClientAuth::RequireAndVerify, &["agent.example"], [false, true, false, false]),
    ] {
        let clients = ClientPolicy {
            auth,
            authorities: Some(PemSource::Inline(Secret::new(authority.pem.clone()))),
            allowed_names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let built = TlsPlan { clients, ..TlsPlan::new(inline(&server)) }.build(NOW_MS).unwrap();
        for (certificate, is_let_in) in shown.into_iter().zip(expected) {
            let met = meet(&built, &authority.pem, certificate).await;
            assert_eq!(met.is_some(), is_let_in, "{auth:?} {names:?}");
            let is_seen = met.is_some_and(|met| met.client.is_some());
            assert_eq!(is_seen, is_let_in && certificate.is_some() && auth != ClientAuth::None, "{auth:?}");
        }
    }
    let alone = ClientPolicy { auth: ClientAuth::RequireAndVerify, ..ClientPolicy::default() };
    assert!(TlsPlan { clients: alone, ..TlsPlan::new(inline(&server)) }.build(NOW_MS).unwrap_err().0.contains("needs the authorities"));
}

fn write(folder: &Path, pair: &(String, String)) {
    fs::write(folder.join("c.pem"), &pair.0).unwrap();
    fs::write(folder.join("k.pem"), &pair.1).unwrap();
}

#[test]
fn broken_files_are_named_and_keys_are_not_repeated() {
    let authority = Authority::new();
    let one = authority.sign("one", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let two = authority.sign("two", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| PemSource::File(folder.path().join(name));
    let plan = TlsPlan::new(Identity::Given(PemPair { certificate: file("c.pem"), key: file("k.pem") }));
    let error = |certificate: &str, key: &str| {
        write(folder.path(), &(certificate.to_owned(), key.to_owned()));
        plan.build(NOW_MS).unwrap_err().0
    };
    assert!(plan.build(NOW_MS).unwrap_err().0.contains("c.pem: No such file"));
    assert_eq!(error(&one.0, &two.1), "certificate and private key do not belong together");
    assert!(error("", &one.1).contains("c.pem holds no certificate in PEM"));
    assert!(error(&one.1, &one.1).contains("holds no certificate"));
    assert!(error(&one.0, &one.0).contains("k.pem holds no private key in PEM"));
    assert!(error(&one.0, &one.1.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).contains("a key with a passphrase is not taken"));
    let cut = error(&one.0, &one.1[..one.1.len() / 2]);
    assert!(!cut.contains(&one.1[40..60]), "{cut}");
    assert_eq!(plan.files().len(), 2);
}

#[test]
fn a_broken_new_pair_keeps_the_old_one_and_is_counted() {
    let authority = Authority::new();
    let one = authority.sign("one", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let two = authority.sign("two", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let tls = ServerTls::new(TlsPlan::new(inline(&one)).build(NOW_MS).unwrap());
    let page = |tls: &ServerTls| {
        let mut page = Page::default();
        tls.report(&mut page);
        page.finish()
    };
    tls.replace(None);
    assert_eq!(tls.certificate().common_name, "one");
    let text = page(&tls);
    assert!(text.contains("pharos_tls_reload_failures_total 1\n") && text.contains("pharos_tls_last_reload_successful 0\n"), "{text}");
    let ends = tls.certificate().not_after_ms as f64 / 1e3;
    let mut value = String::new();
    crate::base::float::push_general(&mut value, ends);
    assert!(text.contains(&format!("pharos_tls_certificate_expiry_timestamp_seconds {value}\n")), "{text}");
    tls.replace(Some(TlsPlan::new(inline(&two)).build(NOW_MS).unwrap()));
    assert_eq!(tls.certificate().common_name, "two");
    assert!(page(&tls).contains("pharos_tls_last_reload_successful 1\n"));
}

#[test]
fn a_change_of_content_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    let hash = || content_hash([one.as_path(), two.as_path()]);
    let absent = hash();
    fs::write(&one, "").unwrap();
    let empty = hash();
    fs::write(&one, "ab").unwrap();
    let first = hash();
    fs::write(&one, "a").unwrap();
    fs::write(&two, "b").unwrap();
    let split = hash();
    assert!(absent != empty && empty != first && first != split);
    assert_eq!(split, hash());
}
