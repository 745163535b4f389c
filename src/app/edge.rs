//! The edge towards the network: TLS and the web config file as the settings want them, read again while the server
//! runs. What is new and broken is named in the log and a metric, and what was in force before stays.

mod facts;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

pub(super) use facts::Facts;

use crate::base::clock::{Clock, SharedClock};
use crate::platform::config::diagnostic::{Diagnostic, lines};
use crate::platform::config::settings::{ClientAuth, Mistake, ServerSettings, Settings, SignIn};
use crate::platform::http::client::FetchGuard;
use crate::platform::http::connections::{BoundedAcceptor, ConnectionLimits};
use crate::platform::http::limits::Overall;
use crate::platform::http::network::Network;
use crate::platform::http::server::Intake;
use crate::platform::http::tls::{
    Built, ClientPolicy, FileWatch, Identity, PemPair, PemSource, SelfSigned, ServerTls, TlsPlan, content_hash,
};
use crate::platform::http::web_config::WebConfig;
use crate::platform::telemetry::metrics::{Page, Registry, Report};

/// The least time that any client is given, whatever the settings say.
const SHORTEST: Duration = Duration::from_secs(1);
/// Places for connections that are only led to HTTPS.
const REDIRECTED_MAX: usize = 256;

pub(super) const CERTIFICATE: &str = "server.tls_cert_file";
pub(super) const KEY: &str = "server.tls_key_file";
pub(super) const SELF_SIGNED: &str = "server.tls_self_signed";
pub(super) const CLIENT_CA: &str = "server.client_ca_file";
pub(super) const CLIENT_AUTH: &str = "server.client_auth";

/// What the web config file says beside TLS, in force now.
pub(super) struct Web {
    pub(super) config: WebConfig,
    pub(super) overall: Option<Overall>,
}

/// TLS and the web config file.
pub(super) struct Edge {
    settings: ServerSettings,
    own: SelfSigned,
    clock: SharedClock,
    tls: Option<Arc<ServerTls>>,
    web: ArcSwap<Web>,
    /// One reading at a time.
    turn: Mutex<()>,
    /// What was read last, whether it could be used or not.
    seen: Mutex<Seen>,
    /// When it could not be used (ms) and why, if that was the last time.
    failure: Mutex<Option<(i64, String)>>,
    /// Whether the server can be reached from elsewhere and only the file's users keep strangers out.
    needs_users: bool,
}

/// Everything read again and found right, but not in force yet.
pub(super) struct Prepared<'a> {
    web: WebConfig,
    warnings: Vec<Diagnostic>,
    tls: Option<Built>,
    seen: Seen,
    _turn: MutexGuard<'a, ()>,
}

struct Seen {
    files: Vec<PathBuf>,
    hash: u64,
}

/// The web config file and what is odd about it, or an empty one where none is named.
pub(super) fn read_web(settings: &ServerSettings) -> Result<(WebConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    match settings.web_config_file.as_str() {
        "" => Ok((WebConfig::default(), Vec::new())),
        file => WebConfig::read(Path::new(file)),
    }
}

/// `pharos check web-config`.
pub(super) fn check(files: &[PathBuf], clock: &dyn Clock, out: &mut impl Write) -> anyhow::Result<()> {
    let mut failed = 0;
    for file in files {
        let read = WebConfig::read(file).map_err(|errors| lines(&errors));
        let built = read.and_then(|(web, warnings)| {
            let built = web.tls.as_ref().map(|plan| plan.build(clock.now_ms())).transpose();
            built.map(|_| (web, warnings)).map_err(|error| format!("{}: {error}", file.display()))
        });
        match built {
            Ok((web, warnings)) => {
                let tls = if web.tls.is_some() { "HTTPS" } else { "plain HTTP" };
                writeln!(out, "{}: good: {tls}, {} users", file.display(), web.users.len())?;
                for warning in warnings {
                    writeln!(out, "{warning}")?;
                }
            }
            Err(why) => {
                failed += 1;
                writeln!(out, "{why}")?;
            }
        }
    }
    anyhow::ensure!(failed == 0, "{failed} of {} files cannot be used", files.len());
    Ok(())
}

fn warn(warnings: &[Diagnostic]) {
    for warning in warnings {
        tracing::warn!(%warning, "web config file");
    }
}

/// What TLS is to be; `None` for plain HTTP.
pub(super) fn plan(settings: &ServerSettings, own: &SelfSigned, web: &WebConfig) -> Result<Option<TlsPlan>, Mistake> {
    let wrong = |setting, message: &str| Err(Mistake::new(setting, message));
    let (cert, key) = (&settings.tls_cert_file, &settings.tls_key_file);
    if cert.is_empty() != key.is_empty() {
        let setting = if cert.is_empty() { KEY } else { CERTIFICATE };
        return wrong(setting, "server.tls_cert_file and server.tls_key_file go together: set both or neither");
    }
    let identity = match (cert.is_empty(), settings.tls_self_signed) {
        (false, true) => return wrong(SELF_SIGNED, "set either server.tls_cert_file or server.tls_self_signed, not both"),
        (false, false) => {
            let file = |path: &String| PemSource::File(PathBuf::from(path));
            Some(Identity::Given(PemPair { certificate: file(cert), key: file(key) }))
        }
        (true, true) => Some(Identity::SelfSigned(own.clone())),
        (true, false) => None,
    };
    let authorities = (!settings.client_ca_file.is_empty()).then(|| PemSource::File(PathBuf::from(&settings.client_ca_file)));
    match (identity, &web.tls) {
        (Some(_), Some(_)) => {
            let setting = if cert.is_empty() { SELF_SIGNED } else { CERTIFICATE };
            wrong(setting, "TLS is set in the web config file and by server.tls_*; set it in one place")
        }
        (None, Some(_)) if authorities.is_some() => wrong(
            CLIENT_CA,
            "server.client_ca_file counts where server.tls_* sets TLS; the web config file has a client_ca_file of its own",
        ),
        (None, Some(from_file)) => Ok(Some(from_file.clone())),
        (None, None) if authorities.is_some() => {
            wrong(CLIENT_CA, "server.client_ca_file needs TLS: set server.tls_cert_file or server.tls_self_signed")
        }
        (None, None) if settings.client_auth.requires() => {
            wrong(CLIENT_AUTH, "server.client_auth needs TLS: set server.tls_cert_file or server.tls_self_signed")
        }
        (None, None) => Ok(None),
        (Some(identity), None) => {
            let auth = match (settings.client_auth, &authorities) {
                // The default, which says nothing as long as there is no authority.
                (ClientAuth::VerifyIfGiven, None) => ClientAuth::None,
                (auth, _) => auth,
            };
            let clients = ClientPolicy { auth, authorities, allowed_names: Vec::new() };
            Ok(Some(TlsPlan { clients, ..TlsPlan::new(identity) }))
        }
    }
}

impl Edge {
    /// Reads everything for the first time. Blocking.
    pub(super) fn open(settings: &Settings, data: &Path, address: SocketAddr, clock: SharedClock) -> anyhow::Result<Arc<Self>> {
        let server = settings.server.clone();
        let own = SelfSigned { folder: data.join("tls"), names: names(&server, address) };
        let (web, warnings) = read_web(&server).map_err(|errors| anyhow!("the web config file cannot be used:\n{}", lines(&errors)))?;
        warn(&warnings);
        let plan = plan(&server, &own, &web)?;
        let tls = match &plan {
            Some(plan) => Some(ServerTls::new(plan.build(clock.now_ms()).context("HTTPS cannot be served")?)),
            None => None,
        };
        let needs_users = settings.auth.mode == SignIn::Off && !server.allow_open && !address.ip().is_loopback();
        let files = files(&server, plan.as_ref());
        let hash = content_hash(files.iter().map(PathBuf::as_path));
        let edge = Self {
            own,
            tls,
            web: ArcSwap::from_pointee(Web::new(web, &clock)),
            settings: server,
            clock,
            turn: Mutex::default(),
            seen: Mutex::new(Seen { files, hash }),
            failure: Mutex::default(),
            needs_users,
        };
        edge.say_certificate();
        Ok(Arc::new(edge))
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The settings for wings, whose links to this server begin with what it speaks.
    pub(super) fn with_own_url(&self, settings: &Settings, address: SocketAddr) -> Settings {
        let mut settings = settings.clone();
        if self.speaks_tls() && settings.server.external_url.is_empty() {
            settings.server.external_url = format!("https://{address}");
        }
        settings
    }

    /// Whether HTTPS is spoken.
    pub(super) fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The names in the certificate as it is shown now; `*.` stands for one label.
    pub(super) fn certificate_names(&self) -> Vec<String> {
        let Some(tls) = &self.tls else { return Vec::new() };
        let certificate = tls.certificate();
        certificate.names.into_iter().chain([certificate.common_name]).collect()
    }

    /// Whether the certificate is one that browsers can come to trust for good.
    pub(super) fn is_self_signed(&self) -> bool {
        self.settings.tls_self_signed
    }

    /// For how many seconds browsers are told to come by HTTPS only; 0 for not at all.
    pub(super) fn hsts_s(&self) -> u64 {
        // A browser that heeds it no longer lets people past the warning about a certificate that nobody signed.
        let may_say = self.speaks_tls() && !self.is_self_signed();
        if may_say { self.settings.hsts_max_age.to_std().as_secs() } else { 0 }
    }

    /// The web config file as it is in force.
    pub(super) fn web(&self) -> Arc<Web> {
        self.web.load_full()
    }

    /// Adds the metrics of all this.
    pub(super) fn register(self: &Arc<Self>, registry: &Registry) {
        if let Some(tls) = &self.tls {
            registry.add(Arc::clone(tls) as _);
        }
        registry.add(Arc::clone(self) as _);
    }

    /// Says which certificate is shown, so that people can compare it with what their browser shows.
    fn say_certificate(&self) {
        let Some(tls) = &self.tls else { return };
        let certificate = tls.certificate();
        let ends = chrono::DateTime::from_timestamp_millis(certificate.not_after_ms).map(|end| end.to_rfc3339()).unwrap_or_default();
        let names = certificate.names.join(", ");
        tracing::info!(sha256 = %certificate.fingerprint, %names, %ends, self_signed = self.is_self_signed(), "certificate for HTTPS");
        if certificate.not_after_ms < self.clock.now_ms() {
            tracing::warn!(%ends, "the certificate for HTTPS has ended; clients will refuse it");
        }
        if self.is_self_signed() {
            tracing::info!(file = %self.own.certificate_file().display(), "clients that are to trust the self-signed certificate need this file");
        }
    }

    /// Reads everything again if it changed. Blocking.
    pub(super) fn follow(&self) {
        let hash = {
            let seen = self.seen.lock();
            let hash = content_hash(seen.files.iter().map(PathBuf::as_path));
            if hash == seen.hash && !self.is_due() {
                return;
            }
            hash
        };
        match self.prepare() {
            Ok(prepared) => self.take_over(prepared),
            // Not looked at again before it changes once more.
            Err(_) => self.seen.lock().hash = hash,
        }
    }

    /// Whether the server's own certificate is about to end.
    fn is_due(&self) -> bool {
        self.is_self_signed() && self.tls.as_ref().is_some_and(|tls| SelfSigned::is_due(&tls.certificate(), self.clock.now_ms()))
    }

    /// Reads everything again, changing nothing. Blocking.
    ///
    /// # Errors
    /// What is wrong, which is then in the log, the metrics and on the page about the server too.
    pub(super) fn prepare(&self) -> Result<Prepared<'_>, String> {
        let turn = self.turn.lock();
        self.read(turn).inspect_err(|why| {
            tracing::error!(error = %why, "changed TLS files or web config cannot be used, what was in force before stays");
            if let Some(tls) = &self.tls {
                tls.replace(None);
            }
            *self.failure.lock() = Some((self.clock.now_ms(), why.clone()));
        })
    }

    fn read<'a>(&self, turn: MutexGuard<'a, ()>) -> Result<Prepared<'a>, String> {
        let (web, warnings) = read_web(&self.settings).map_err(|errors| lines(&errors))?;
        if self.needs_users && web.users.is_empty() {
            return Err("the web config file has no users any more, and nobody else keeps strangers out".to_owned());
        }
        let plan = plan(&self.settings, &self.own, &web).map_err(|mistake| mistake.message)?;
        let files = files(&self.settings, plan.as_ref());
        // Before the files are read: a change while they are is then seen the next time.
        let hash = content_hash(files.iter().map(PathBuf::as_path));
        let tls = match (&self.tls, &plan) {
            (Some(_), Some(plan)) => Some(plan.build(self.clock.now_ms()).map_err(|error| error.to_string())?),
            (None, None) => None,
            (Some(_), None) => return Err("TLS was taken out of the web config file; plain HTTP needs a new start".to_owned()),
            (None, Some(_)) => return Err("TLS came into the web config file; it needs a new start".to_owned()),
        };
        Ok(Prepared { web, warnings, tls, seen: Seen { files, hash }, _turn: turn })
    }

    /// Puts in force what was read.
    pub(super) fn take_over(&self, prepared: Prepared<'_>) {
        let Prepared { web, warnings, tls: built, seen, _turn } = prepared;
        warn(&warnings);
        if let (Some(tls), Some(built)) = (&self.tls, built) {
            let before = tls.certificate().fingerprint;
            tls.replace(Some(built));
            if tls.certificate().fingerprint != before {
                self.say_certificate();
            }
        }
        self.web.store(Arc::new(Web::new(web, &self.clock)));
        *self.seen.lock() = seen;
        *self.failure.lock() = None;
        tracing::info!("TLS files and web config read again");
    }

    /// Reads everything again whenever it changes, for as long as it is polled.
    pub(super) async fn watch(self: Arc<Self>) {
        if self.seen.lock().files.is_empty() && !self.is_self_signed() {
            return;
        }
        let mut watch = FileWatch::new();
        loop {
            let edge = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || {
                edge.follow();
                let files = edge.seen.lock().files.clone();
                watch.follow(&files);
                watch
            });
            watch = match looked.await {
                Ok(watch) => watch,
                Err(error) => {
                    tracing::error!(%error, "TLS files and web config are no longer watched");
                    return;
                }
            };
            watch.changed().await;
        }
    }
}

impl Report for Edge {
    fn report(&self, page: &mut Page) {
        page.gauge("pharos_http_tls_enabled", "Whether HTTPS is spoken.", f64::from(u8::from(self.tls.is_some())));
        page.gauge("pharos_http_web_users", "Users in the web config file.", self.web.load().config.users.len() as f64);
    }
}

impl Web {
    fn new(config: WebConfig, clock: &SharedClock) -> Self {
        let overall = config.rate_limit.and_then(|(interval, burst)| Overall::new(interval, burst, Arc::clone(clock)));
        Self { config, overall }
    }
}

fn files(settings: &ServerSettings, plan: Option<&TlsPlan>) -> Vec<PathBuf> {
    let web = (!settings.web_config_file.is_empty()).then(|| PathBuf::from(&settings.web_config_file));
    web.into_iter().chain(plan.into_iter().flat_map(TlsPlan::files)).collect()
}

/// Names of a certificate that the server makes for itself.
pub(super) fn names(settings: &ServerSettings, address: SocketAddr) -> Vec<String> {
    let external = url::Url::parse(&settings.external_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let listens = (!address.ip().is_unspecified()).then(|| address.ip().to_string());
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut names: Vec<String> = Vec::new();
    for name in external.into_iter().chain([own]).chain(fixed).chain(listens) {
        let name = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let can_stand = name.is_ascii() && !name.is_empty();
        if can_stand && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// How connections are bounded.
pub(super) fn intake(settings: &Settings, edge: &Edge) -> anyhow::Result<Intake> {
    let limits = &settings.limits;
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let head = limits.header_timeout.to_std().max(SHORTEST);
    let quiet = limits.connection_idle.to_std().max(limits.query_timeout.to_std()).max(SHORTEST);
    let connections = ConnectionLimits {
        max: count(limits.connections_max),
        per_client_max: count(limits.connections_per_client_max),
        exempt: exempt(settings)?,
        first_byte_within: head,
        quiet_max: quiet,
    };
    Ok(Intake {
        places: BoundedAcceptor::new(connections),
        tls: edge.tls.clone(),
        header_within: head,
        header_bytes_max: count(limits.header_bytes_max.0),
    })
}

/// The same for the address that only leads to HTTPS.
pub(super) fn redirect_intake(intake: &Intake) -> Intake {
    let connections = ConnectionLimits {
        max: REDIRECTED_MAX,
        per_client_max: 0,
        exempt: Vec::new(),
        first_byte_within: intake.header_within,
        quiet_max: intake.header_within.saturating_mul(3),
    };
    Intake { places: BoundedAcceptor::new(connections), tls: None, ..intake.clone() }
}

/// Addresses for which the limits of one address do not count.
pub(super) fn exempt(settings: &Settings) -> anyhow::Result<Vec<Network>> {
    Network::parse_list(&settings.limits.rate_exempt).map_err(|why| anyhow!("limits.rate_exempt: {why}"))
}

/// What users other than administrators may make the server fetch.
pub(super) fn fetch_guard(settings: &Settings) -> anyhow::Result<Arc<FetchGuard>> {
    let (allow, deny) = (&settings.server.fetch_allow, &settings.server.fetch_deny);
    let guard = FetchGuard::new(allow, deny).map_err(|why| anyhow!("server.fetch_allow and server.fetch_deny: {why}"))?;
    Ok(Arc::new(guard))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> SelfSigned {
        SelfSigned { folder: PathBuf::from("/nowhere"), names: vec!["localhost".to_owned()] }
    }

    #[test]
    fn tls_is_set_in_one_place() {
        let with = |change: &dyn Fn(&mut ServerSettings)| {
            let mut settings = Settings::default().server;
            change(&mut settings);
            settings
        };
        let web = WebConfig { tls: Some(TlsPlan::new(Identity::SelfSigned(own()))), ..WebConfig::default() };
        let none = WebConfig::default();
        let files = |settings: &mut ServerSettings| {
            settings.tls_cert_file = "c".to_owned();
            settings.tls_key_file = "k".to_owned();
        };
        assert_eq!(plan(&with(&|_| {}), &own(), &none), Ok(None));
        let given = plan(&with(&files), &own(), &none).unwrap().unwrap();
        assert!(matches!(given.identity, Identity::Given(_)));
        assert_eq!(given.clients.auth, ClientAuth::None, "without an authority nobody is asked for a certificate");
        let with_authority = |settings: &mut ServerSettings| {
            files(settings);
            settings.client_ca_file = "ca".to_owned();
        };
        assert_eq!(plan(&with(&with_authority), &own(), &none).unwrap().unwrap().clients.auth, ClientAuth::VerifyIfGiven);
        assert!(plan(&with(&|settings| settings.tls_self_signed = true), &own(), &none).unwrap().is_some());
        for (settings, web, said) in [
            (with(&|settings| settings.tls_cert_file = "c".to_owned()), &none, "go together"),
            (
                with(&|settings| {
                    files(settings);
                    settings.tls_self_signed = true;
                }),
                &none,
                "not both",
            ),
            (with(&files), &web, "in one place"),
            (with(&|settings| settings.client_ca_file = "ca".to_owned()), &none, "needs TLS"),
            (with(&|settings| settings.client_ca_file = "ca".to_owned()), &web, "of its own"),
            (with(&|settings| settings.client_auth = ClientAuth::RequireAny), &none, "needs TLS"),
        ] {
            assert!(plan(&settings, &own(), web).unwrap_err().message.contains(said), "{said}");
        }
    }

    #[test]
    fn the_last_users_cannot_be_taken_away_while_strangers_can_come() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yml");
        let with = |users: &str| std::fs::write(&file, users).unwrap();
        let user = format!("basic_auth_users: {{ann: '{}'}}\n", bcrypt::hash("right", 4).unwrap());
        with(&user);
        let mut settings = Settings::default();
        settings.server.web_config_file = file.display().to_string();
        settings.auth.mode = SignIn::Off;
        let clock = crate::base::clock::ManualClock::at(0);
        let open = |address: &str| Edge::open(&settings, folder.path(), address.parse().unwrap(), clock.clone()).unwrap();
        let (reachable, local) = (open("0.0.0.0:9090"), open("127.0.0.1:9090"));
        with("http_server_config: {headers: {X-Frame-Options: deny}}\n");
        for (edge, users, headers) in [(&reachable, 1, 0), (&local, 0, 1)] {
            edge.follow();
            let web = edge.web();
            assert_eq!((web.config.users.len(), web.config.headers.len()), (users, headers));
        }
        with("basic_auth_users: {ann: plain}\n");
        assert!(read_web(&settings.server).unwrap_err()[0].to_string().contains("web.yml:1:"));
        assert!(reachable.prepare().err().unwrap().contains("web.yml:1:"));
        with(&user);
        reachable.follow();
        assert_eq!(reachable.web().config.users.len(), 1);
    }

    #[test]
    fn files_are_checked_with_what_they_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        file("c.pem", &params.self_signed(&key).unwrap().pem());
        file("k.pem", &key.serialize_pem());
        let good = file("good.yml", "tls_server_config: {cert_file: c.pem, key_file: k.pem, min_version: TLS10}\n");
        let bad = file("bad.yml", "tls_server_config: {cert_file: k.pem, key_file: k.pem}\n");
        let clock = crate::base::clock::ManualClock::at(0);
        let mut out = Vec::new();
        check(std::slice::from_ref(&good), &*clock, &mut out).unwrap();
        let said = String::from_utf8(std::mem::take(&mut out)).unwrap();
        assert!(said.contains("good.yml: good: HTTPS, 0 users\n") && said.contains("good.yml:1:"), "{said}");
        let failed = check(&[good, bad], &*clock, &mut out).unwrap_err();
        assert_eq!(failed.to_string(), "1 of 2 files cannot be used");
        assert!(String::from_utf8(out).unwrap().contains("k.pem holds no certificate in PEM"));
    }

    #[test]
    fn a_self_signed_certificate_has_every_name_people_use() {
        let mut settings = Settings::default().server;
        settings.external_url = "https://Metrics.Example:8443/x".to_owned();
        let names = names(&settings, "192.0.2.7:9090".parse().unwrap());
        for name in ["metrics.example", "localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name} in {names:?}");
        }
        assert_eq!(names[0], "metrics.example");
    }
}
