//! Prometheus' file of `--web.config.file`: TLS, headers, a limit of requests and users with hashed passwords.
//!
//! Keys and their meaning are upstream's; every mistake is reported with its place in the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rustls::{CipherSuite, NamedGroup};

use super::client::TlsVersion;
use super::tls::{ClientAuth, ClientPolicy, Identity, PemPair, PemSource, TlsPlan};
use crate::base::secret::Secret;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::section::{self, Section};
use crate::platform::config::settings::Value;
use crate::platform::config::yaml::{self, Node, Position};

/// Largest file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most users.
const USERS_MAX: usize = 10_000;
/// Costliest hash taken; each step doubles the time of a check, and this one takes some seconds.
const COST_MAX: u32 = 16;

/// Headers that may be set, with the values that are allowed if not every one is.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

const VERSIONS: [(&str, Version); 4] = [
    ("TLS10", Version::Old),
    ("TLS11", Version::Old),
    ("TLS12", Version::Known(TlsVersion::Tls12)),
    ("TLS13", Version::Known(TlsVersion::Tls13)),
];

/// Suites that are spoken; those of TLS 1.3 are always on, as upstream.
const SUITES: [(&str, CipherSuite); 11] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
];

/// Suites of upstream that the TLS library leaves out as they are no longer safe.
const OLD_SUITES: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];

const CURVES: [(&str, Option<NamedGroup>); 5] = [
    ("CurveP256", Some(NamedGroup::secp256r1)),
    ("CurveP384", Some(NamedGroup::secp384r1)),
    ("CurveP521", None),
    ("X25519", Some(NamedGroup::X25519)),
    ("X25519MLKEM768", Some(NamedGroup::X25519MLKEM768)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// One that the TLS library does not speak.
    Old,
    Known(TlsVersion),
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WebConfig {
    /// TLS, if it is to be spoken.
    pub tls: Option<TlsPlan>,
    /// Headers of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Requests of all clients together: one each so long, and so many at once.
    pub rate_limit: Option<(Duration, u32)>,
    /// Names and bcrypt hashes.
    pub users: BTreeMap<String, Secret>,
}

impl WebConfig {
    /// Reads the file at `path`; relative paths in it stand below its folder. Blocking.
    ///
    /// # Errors
    /// Every mistake found. The second part of the answer are things to know.
    pub fn read(path: &Path) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut report = Report::new(path);
        let config = read_text(path).map_err(|why| (Position::default(), why)).and_then(|text| {
            let document = yaml::parse(&text).map_err(|error| (error.at, error.message))?;
            Ok(Self::of(&document.root, &mut report))
        });
        let config = config.unwrap_or_else(|(at, why)| {
            report.error(at, why);
            Self::default()
        });
        report.finish().map(|warnings| (config, warnings))
    }

    fn of(root: &Node, report: &mut Report) -> Self {
        let mut config = Self::default();
        let Some(mut top) = Section::open(root, "web config", report) else { return config };
        let http2 = top.open_below("http_server_config").is_none_or(|below| http_server(below, &mut config.headers));
        if let Some(below) = top.open_below("tls_server_config") {
            config.tls = tls(below);
        }
        if let Some(tls) = &mut config.tls {
            tls.http2 = http2;
        }
        if let Some(below) = top.open_below("rate_limit") {
            config.rate_limit = rate_limit(below);
        }
        if let Some(node) = top.node("basic_auth_users") {
            config.users = users(node, top.report);
        }
        top.finish_strictly();
        config
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// Whether HTTP/2 is offered; adds the headers.
fn http_server(mut section: Section<'_, '_>, headers: &mut Vec<(HeaderName, HeaderValue)>) -> bool {
    let http2 = section.truth_or("http2", true);
    if let Some(node) = section.node("headers")
        && let Some(below) = Section::open(node, "headers", section.report)
    {
        let pairs = below.pairs();
        for (name, value) in pairs {
            let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| *known == &*name.text) else {
                let known: Vec<&str> = HEADERS.iter().map(|(known, _)| *known).collect();
                below
                    .report
                    .error(name.at, format!("HTTP header {:?} can not be configured, only {}", name.text, section::alternatives(&known)));
                continue;
            };
            let Some(text) = section::text(value, &name.text, below.report) else { continue };
            if !allowed.is_empty() && !allowed.contains(&text.as_str()) {
                below.report.error(value.at, format!("{}: read {text:?}, expected {}", name.text, section::alternatives(allowed)));
                continue;
            }
            match (HeaderName::from_bytes(name.text.as_bytes()), HeaderValue::from_str(&text)) {
                (Ok(name), Ok(value)) => headers.push((name, value)),
                _ => below.report.error(value.at, format!("{}: read {text:?}, which no header can hold", name.text)),
            }
        }
    }
    section.finish_strictly();
    http2
}

fn rate_limit(mut section: Section<'_, '_>) -> Option<(Duration, u32)> {
    let interval = section.duration("interval").map_or(Duration::ZERO, crate::base::time::Duration::to_std);
    let burst = section.count("burst").unwrap_or(0);
    if !interval.is_zero() && burst == 0 {
        let at = section.at;
        section.report.error(at, "rate_limit: read no burst, expected at least 1, as otherwise every request would be refused");
    }
    section.finish_strictly();
    (!interval.is_zero()).then(|| (interval, u32::try_from(burst).unwrap_or(u32::MAX)))
}

fn users(node: &Node, report: &mut Report) -> BTreeMap<String, Secret> {
    let mut users = BTreeMap::new();
    let Some(section) = Section::open(node, "basic_auth_users", report) else { return users };
    if section.pairs().len() > USERS_MAX {
        section.report.error(section.at, format!("basic_auth_users: there may be {USERS_MAX} at most"));
        return users;
    }
    for (name, value) in section.pairs() {
        let hash = section::secret(value, &name.text, section.report);
        match hash.expose().parse::<bcrypt::HashParts>() {
            Ok(parts) if parts.get_cost() <= COST_MAX => {
                users.insert(name.text.to_string(), hash);
            }
            Ok(parts) => {
                let cost = parts.get_cost();
                section.report.error(value.at, format!("{}: the hash has the cost {cost}, at most {COST_MAX} is taken", name.text));
            }
            // The text may be a password that was not hashed; it is not repeated.
            Err(_) => section.report.error(value.at, format!("{}: expected a bcrypt hash, such as `htpasswd -nB` makes", name.text)),
        }
    }
    users
}

fn tls(mut section: Section<'_, '_>) -> Option<TlsPlan> {
    let certificate = source(&mut section, "cert_file", "cert");
    let key = source(&mut section, "key_file", "key");
    let authorities = source(&mut section, "client_ca_file", "client_ca");
    let auth = client_auth(&mut section);
    let has_names = section.node("client_allowed_sans").is_some();
    let allowed_names = section.texts("client_allowed_sans");
    let (min_version, max_version) = versions(&mut section);
    let cipher_suites = suites(&mut section);
    let groups = curves(&mut section);
    let prefers_own_order = section.truth_or("prefer_server_cipher_suites", true);
    let at = section.at;
    let is_enabled = certificate.is_some() || key.is_some() || authorities.is_some() || auth.is_some();
    let auth = auth.unwrap_or_default();
    let report = &mut *section.report;
    if is_enabled && certificate.is_none() {
        report.error(at, "missing one of cert or cert_file");
    }
    if is_enabled && key.is_none() {
        report.error(at, "missing one of key or key_file");
    }
    if authorities.is_some() && auth == ClientAuth::None {
        report.error(at, "client CA's have been configured without a Client Auth Policy");
    }
    if authorities.is_none() && auth.verifies() {
        report.error(at, format!("{} needs client_ca_file or client_ca", auth.print()));
    }
    if has_names && !auth.requires() {
        report.error(at, "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or RequireAndVerifyClientCert");
    }
    section.finish_strictly();
    let pair = PemPair { certificate: certificate?, key: key? };
    Some(TlsPlan {
        clients: ClientPolicy { auth, authorities, allowed_names },
        min_version,
        max_version,
        cipher_suites,
        groups,
        prefers_own_order,
        ..TlsPlan::new(Identity::Given(pair))
    })
}

/// PEM from a file or from the configuration; as upstream, the file wins.
fn source(section: &mut Section<'_, '_>, file_key: &'static str, key: &'static str) -> Option<PemSource> {
    let file = section.path(file_key);
    let inline = section.secret(key);
    match (file.is_empty(), inline.is_empty()) {
        (false, _) => Some(PemSource::File(PathBuf::from(file))),
        (true, false) => Some(PemSource::Inline(inline)),
        (true, true) => None,
    }
}

fn client_auth(section: &mut Section<'_, '_>) -> Option<ClientAuth> {
    let text = section.text("client_auth_type").filter(|text| !text.is_empty())?;
    let read = ClientAuth::parse(&text);
    if read.is_none() {
        let at = section.value_place("client_auth_type");
        section.report.error(at, format!("client_auth_type: read {text:?}, expected {}", ClientAuth::ALLOWED));
    }
    read
}

fn versions(section: &mut Section<'_, '_>) -> (TlsVersion, TlsVersion) {
    let min = section.choice("min_version", &VERSIONS);
    let max = section.choice("max_version", &VERSIONS);
    if min == Some(Version::Old) {
        let at = section.value_place("min_version");
        section.report.warn(at, "min_version: TLS 1.0 and 1.1 are not safe and not spoken here; TLS 1.2 is the oldest");
    }
    let min = match min {
        Some(Version::Known(version)) => version,
        Some(Version::Old) | None => TlsVersion::Tls12,
    };
    let max_at = section.value_place("max_version");
    let max = match max {
        Some(Version::Known(version)) => version,
        Some(Version::Old) => {
            section.report.error(max_at, "max_version: TLS 1.0 and 1.1 are not safe and not spoken here; expected TLS12 or TLS13");
            TlsVersion::Tls13
        }
        None => TlsVersion::Tls13,
    };
    if (min, max) == (TlsVersion::Tls13, TlsVersion::Tls12) {
        section.report.error(max_at, "max_version: is older than min_version");
    }
    (min, max)
}

fn suites(section: &mut Section<'_, '_>) -> Vec<CipherSuite> {
    let mut chosen = Vec::new();
    let nodes = section.list("cipher_suites");
    for node in nodes {
        let Some(name) = section::text(node, "cipher_suites", section.report) else { continue };
        if let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == name) {
            chosen.push(*suite);
        } else if OLD_SUITES.contains(&name.as_str()) {
            section.report.warn(node.at, format!("cipher_suites: {name} is not safe any more and left out"));
        } else {
            let known: Vec<&str> = SUITES.iter().map(|(known, _)| *known).collect();
            section.report.error(node.at, format!("unknown cipher: {name}; expected {}", section::alternatives(&known)));
        }
    }
    if chosen.is_empty() && !nodes.is_empty() {
        let at = section.value_place("cipher_suites");
        section.report.error(at, "cipher_suites: none of them can be used");
    }
    chosen
}

fn curves(section: &mut Section<'_, '_>) -> Vec<NamedGroup> {
    let mut chosen = Vec::new();
    let nodes = section.list("curve_preferences");
    for node in nodes {
        match section::choice(node, "curve_preferences", &CURVES, section.report) {
            Some(Some(group)) => chosen.push(group),
            Some(None) => section.report.warn(node.at, "curve_preferences: CurveP521 is not available here and left out"),
            None => {}
        }
    }
    if chosen.is_empty() && !nodes.is_empty() {
        let at = section.value_place("curve_preferences");
        section.report.error(at, "curve_preferences: none of them can be used");
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of `secret`, with the least cost.
    const HASH: &str = "$2b$04$Y4wPcmUHD2YGi.brBJhSt.s6UqCgZHGxNAbSnxTFb6MHEnH1Pnm6u";

    fn read(text: &str) -> Result<(WebConfig, Vec<String>), Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, text).unwrap();
        let short = |list: Vec<Diagnostic>| {
            let folder = format!("{}/", folder.path().display());
            list.iter().map(|one| one.to_string().replace(&folder, "")).collect::<Vec<_>>()
        };
        match WebConfig::read(&path) {
            Ok((config, warnings)) => Ok((config, short(warnings))),
            Err(errors) => Err(short(errors)),
        }
    }

    #[test]
    fn everything_that_upstream_has_is_read() {
        assert_eq!(read("").unwrap(), (WebConfig::default(), vec![]));
        let text = format!(
            "tls_server_config:\n  cert_file: a.pem\n  key_file: /k.pem\n  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n  \
             client_allowed_sans: [agent.example]\n  min_version: TLS12\n  max_version: TLS13\n  \
             cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  prefer_server_cipher_suites: false\n  curve_preferences: [CurveP256, X25519]\n\
             http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n\
             rate_limit: {{interval: 1s, burst: 20}}\nbasic_auth_users:\n  alice: {HASH}\n"
        );
        let (config, warnings) = read(&text).unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        let tls = config.tls.unwrap();
        let Identity::Given(PemPair { certificate: PemSource::File(certificate), key }) = &tls.identity else { panic!("{tls:?}") };
        assert!(certificate.ends_with("a.pem") && certificate.is_absolute(), "below the file's folder");
        assert_eq!(key, &PemSource::File("/k.pem".into()));
        assert_eq!(
            (tls.clients.auth, tls.clients.allowed_names.as_slice()),
            (ClientAuth::RequireAndVerify, &["agent.example".to_owned()][..])
        );
        assert_eq!(tls.cipher_suites, [CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]);
        assert_eq!(tls.groups, [NamedGroup::secp256r1, NamedGroup::X25519]);
        assert_eq!((tls.http2, tls.prefers_own_order), (false, false));
        assert_eq!(config.headers, [(http::header::X_FRAME_OPTIONS, HeaderValue::from_static("deny"))]);
        assert_eq!(config.rate_limit, Some((Duration::from_secs(1), 20)));
        assert_eq!(config.users["alice"].expose(), HASH);
        let inline = read("tls_server_config: {cert: c, key: k}").unwrap().0.tls.unwrap();
        assert_eq!(
            inline.identity,
            Identity::Given(PemPair { certificate: PemSource::Inline(Secret::new("c")), key: PemSource::Inline(Secret::new("k")) })
        );
        let old = read("tls_server_config: {cert: c, key: k, min_version: TLS10}").unwrap();
        assert!(old.1[0].starts_with("web.yml:1:51: min_version: TLS 1.0"), "{:?}", old.1);
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, said) in [
            ("tls_server_config:\n  cert_file: a\n", "web.yml:2:3: missing one of key or key_file"),
            ("tls_server_config:\n  client_auth_type: x\n", "web.yml:2:21: client_auth_type: read \"x\", expected NoClientCert,"),
            ("tls_server_config: {cert: a, key: b, client_ca: c}", "web.yml:1:20: client CA's have been configured without"),
            (
                "tls_server_config: {cert: a, key: b, client_auth_type: VerifyClientCertIfGiven}",
                "web.yml:1:20: VerifyClientCertIfGiven needs",
            ),
            ("tls_server_config: {cert: a, key: b, client_allowed_sans: [x]}", "web.yml:1:20: client_allowed_sans requires"),
            ("tls_server_config:\n  cert: a\n  key: b\n  min_version: TLS14", "web.yml:4:16: min_version: read \"TLS14\", expected TLS10"),
            ("tls_server_config: {cert: a, key: b, max_version: TLS11}", "web.yml:1:51: max_version: TLS 1.0"),
            ("tls_server_config: {cert: a, key: b, min_version: TLS13, max_version: TLS12}", "web.yml:1:71: max_version: is older"),
            ("tls_server_config: {cert: a, key: b, cipher_suites: [RC4]}", "web.yml:1:54: unknown cipher: RC4"),
            ("tls_server_config: {cert: a, key: b, curve_preferences: [CurveP521]}", "web.yml:1:57: curve_preferences: none"),
            ("tls_server_confg: {}", "web.yml:1:1: tls_server_confg: unknown key, did you mean tls_server_config?"),
            ("http_server_config: {headers: {Server: x}}", "web.yml:1:32: HTTP header \"Server\" can not be configured"),
            (
                "http_server_config: {headers: {X-Frame-Options: maybe}}",
                "web.yml:1:49: X-Frame-Options: read \"maybe\", expected deny or sameorigin",
            ),
            ("basic_auth_users:\n  bob: hunter2\n", "web.yml:2:8: bob: expected a bcrypt hash"),
            ("rate_limit: {interval: 1s}", "web.yml:1:13: rate_limit: read no burst"),
            ("basic_auth_users: [a]", "web.yml:1:19: basic_auth_users: read a list"),
            ("a: [", "web.yml:1:"),
        ] {
            let errors = read(text).unwrap_err();
            assert!(errors.iter().any(|error| error.starts_with(said)), "{text}: {errors:?}");
            assert!(!errors.concat().contains("hunter2"), "a password is not repeated");
        }
        let dear = HASH.replace("$04$", "$17$");
        assert!(read(&format!("basic_auth_users: {{bob: '{dear}'}}")).unwrap_err()[0].contains("cost 17"));
        assert!(WebConfig::read(Path::new("/nowhere/web.yml")).unwrap_err()[0].to_string().contains("cannot be read"));
    }
}
