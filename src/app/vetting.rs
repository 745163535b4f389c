//! What makes settings unusable although each value by itself is allowed: they contradict each other, or what they name
//! is not there or broken. The start, a reload and `pharos check config` all ask here, so that none of them takes what
//! another refuses.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use super::edge::{self, CERTIFICATE, CLIENT_CA, KEY, names};
use super::first_admin;
use crate::access::Doors;
use crate::base::clock::SharedClock;
use crate::logs::read_collect;
use crate::metrics::read_statsd_mapping;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::settings::{Mistake, Resolved, Settings, SignIn};
use crate::platform::http::tls::{SelfSigned, TlsPart};
use crate::platform::http::web_config::WebConfig;

const LISTEN: &str = "server.listen";
const REDIRECT_LISTEN: &str = "server.redirect_http_listen";
const STATSD_LISTEN: &str = "statsd.listen";

/// Why no server can run with these settings, each reason with the place to change. Reads the files that they name and
/// changes nothing. Blocking.
pub(super) fn vet(resolved: &Resolved, env: &dyn Fn(&str) -> Option<String>, clock: &SharedClock) -> Vec<Diagnostic> {
    let settings = &resolved.settings;
    let mut found = Vec::new();
    let mut note = |mistake: Result<(), Mistake>| found.extend(mistake.err().map(|mistake| resolved.placed(&mistake)));
    let listen = listen_address(settings);
    note(listen.clone().map(drop));
    note(redirect_address(settings).map(drop));
    note(statsd_address(settings));
    note(Doors::new(settings, clock.clone()).map(drop));
    // The file says itself where it is wrong.
    let web = match edge::read_web(&settings.server) {
        Ok((web, _)) => Some(web),
        Err(errors) => {
            found.extend(errors);
            None
        }
    };
    if let Some(web) = &web {
        let mut note = |mistake: Mistake| found.push(resolved.placed(&mistake));
        if let Ok(address) = &listen {
            tls(settings, *address, web).err().map(&mut note);
            open(settings, *address, web).err().map(&mut note);
        }
    }
    found.extend(first_admin::check(env));
    found.extend(read_statsd_mapping(&settings.statsd.mapping_config).err().unwrap_or_default());
    found.extend(read_collect(&settings.logs.collect_file, resolved.collect.as_ref(), env).err().unwrap_or_default());
    found
}

/// Certificates, keys and authorities.
fn tls(settings: &Settings, address: SocketAddr, web: &WebConfig) -> Result<(), Mistake> {
    let server = &settings.server;
    let own = SelfSigned { folder: Path::new(&settings.storage.path).join("tls"), names: names(server, address) };
    let plan = edge::plan(server, &own, web)?;
    if plan.is_none() && !server.redirect_http_listen.is_empty() {
        let message = "server.redirect_http_listen leads to HTTPS, which is not set up: set server.tls_cert_file or server.tls_self_signed";
        return Err(Mistake::new(REDIRECT_LISTEN, message));
    }
    let Some(plan) = plan else { return Ok(()) };
    plan.check().map_err(|(part, error)| {
        let setting = match part {
            _ if web.tls.is_some() => "server.web_config_file",
            TlsPart::Certificate | TlsPart::Choices => CERTIFICATE,
            TlsPart::Key => KEY,
            TlsPart::Clients if server.client_ca_file.is_empty() => edge::CLIENT_AUTH,
            TlsPart::Clients => CLIENT_CA,
        };
        Mistake::new(setting, format!("HTTPS cannot be served: {error}"))
    })
}

/// Without signing in, a server is there for its own machine only.
fn open(settings: &Settings, address: SocketAddr, web: &WebConfig) -> Result<(), Mistake> {
    let server = &settings.server;
    if settings.auth.mode != SignIn::Off || address.ip().is_loopback() || server.allow_open || !web.users.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} can be reached from other machines, and nobody has to sign in: leave --auth off away or start with --auth on, listen on a \
         loopback address (127.0.0.1, ::1), or say --allow-open where something else keeps strangers out",
        server.listen
    );
    Err(Mistake::new(LISTEN, message))
}

/// Where to listen.
pub(super) fn listen_address(settings: &Settings) -> Result<SocketAddr, Mistake> {
    address(LISTEN, &settings.server.listen)
}

/// The second address, for plain HTTP, if there is to be one.
pub(super) fn redirect_address(settings: &Settings) -> Result<Option<SocketAddr>, Mistake> {
    let text = &settings.server.redirect_http_listen;
    if text.is_empty() { Ok(None) } else { address(REDIRECT_LISTEN, text).map(Some) }
}

/// The address of StatsD, if there is to be one.
fn statsd_address(settings: &Settings) -> Result<(), Mistake> {
    let text = &settings.statsd.listen;
    if text.is_empty() { Ok(()) } else { address(STATSD_LISTEN, text).map(drop) }
}

fn address(setting: &'static str, text: &str) -> Result<SocketAddr, Mistake> {
    // Prometheus takes `:9090` for every address.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let failed = |why: &str| {
        let message = format!("cannot listen on {text:?}: expected an address and a port such as 127.0.0.1:9090: {why}");
        Mistake::new(setting, message)
    };
    let mut found = full.to_socket_addrs().map_err(|error| failed(&error.to_string()))?;
    found.next().ok_or_else(|| failed("the name has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;
    use crate::metrics::config::read_text;
    use crate::platform::config::flags::ServeFlags;

    /// What is wrong with a configuration file of this text, in `folder`.
    fn vetted(folder: &Path, own: &str) -> Vec<String> {
        let loaded = read_text(&format!("pharos:\n{own}"), &folder.join("p.yml"), &|_| None).expect("each value is allowed");
        let resolved = Resolved::resolve(&ServeFlags::default(), &|_| None, &loaded.settings).expect("allowed");
        let clock: SharedClock = ManualClock::at(1_700_000_000_000);
        vet(&resolved, &|_| None, &clock).iter().map(|found| found.to_string().replace(&folder.display().to_string(), "")).collect()
    }

    #[test]
    fn everything_that_a_start_refuses_is_found_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        write("c.pem", &params.self_signed(&key).unwrap().pem());
        write("k.pem", &key.serialize_pem());
        write("other.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
        write("secret", "s3cret\n");
        write("empty", "\n");
        write("mapping.yml", "mappings: [{match: a.b, name: a_b, nam: c}]\n");
        write("web.yml", "basic_auth_users: {ann: plain}\n");
        write("tls.yml", "tls_server_config: {cert_file: nowhere.pem, key_file: k.pem}\n");
        let oidc = "  auth: {oidc_issuer: 'https://id.example', oidc_client_id: p, oidc_default_role: viewer, ";
        for (own, said) in [
            ("  server: {}\n", None),
            ("  server: {tls_cert_file: c.pem, tls_key_file: k.pem}\n", None),
            ("  server: {tls_self_signed: true, client_ca_file: c.pem}\n", None),
            ("  statsd: {listen: ':8125'}\n", None),
            ("  statsd: {mapping_config: gone.yml}\n", Some("/gone.yml: cannot read the mapping of StatsD")),
            ("  statsd: {mapping_config: mapping.yml}\n", Some("/mapping.yml:1:36: nam: unknown key, did you mean name?")),
            ("  logs: {collect: {scrape_configs: [{job_name: a, static_configs: [{labels: {__path__: /var/log/a}}]}]}}\n", None),
            (
                "  logs:\n    collect:\n      scrape_configs:\n        - job_name: a\n          pipeline_stages: [{jsn: {}}]\n",
                Some("/p.yml:6:29: pipeline_stages: there is no stage"),
            ),
            ("  logs:\n    collect: 7\n", Some("/p.yml:3:14: collect: read")),
            ("  statsd: {listen: nowhere}\n", Some("/p.yml:2:20: statsd.listen: cannot listen on")),
            ("  server: {tls_cert_file: c.pem}\n", Some("/p.yml:2:27: server.tls_cert_file and server.tls_key_file go together")),
            (
                "  server: {tls_cert_file: no.pem, tls_key_file: k.pem}\n",
                Some("/p.yml:2:27: server.tls_cert_file: HTTPS cannot be served: cannot read certificate file /no.pem"),
            ),
            ("  server:\n    tls_cert_file: c.pem\n    tls_key_file: other.pem\n", Some("/p.yml:4:19: server.tls_key_file: HTTPS")),
            ("  server:\n    tls_self_signed: true\n    client_ca_file: k.pem\n", Some("/p.yml:4:21: server.client_ca_file: HTTPS")),
            ("  server: {redirect_http_listen: ':0'}\n", Some("/p.yml:2:34: server.redirect_http_listen leads to HTTPS")),
            ("  server: {listen: 'nobody.invalid:1'}\n", Some("/p.yml:2:20: server.listen: cannot listen on")),
            ("  server: {listen: ':9090'}\n  auth: {mode: 'off'}\n", Some("/p.yml:2:20: server.listen: :9090 can be reached")),
            ("  server: {web_config_file: web.yml}\n", Some("/web.yml:1:25:")),
            ("  server: {web_config_file: gone.yml}\n", Some("/gone.yml:")),
            ("  server: {web_config_file: tls.yml}\n", Some("/p.yml:2:29: server.web_config_file: HTTPS cannot be served")),
            (&format!("{oidc}oidc_client_secret_file: secret}}\n"), None),
            (&format!("{oidc}oidc_client_secret_file: empty}}\n"), Some("/empty holds no secret")),
            (&format!("{oidc}oidc_client_secret_file: gone}}\n"), Some("auth.oidc_client_secret_file: cannot read /gone")),
            (&format!("{oidc}oidc_ca_file: gone}}\n"), Some("auth.oidc_ca_file: unable to read")),
            ("  auth: {oidc_client_id: p}\n", Some("/p.yml:2:26: auth.oidc_client_id is set")),
            ("  auth: {password_login: false}\n", Some("/p.yml:2:26: auth.password_login is off")),
        ] {
            let found = vetted(folder.path(), own);
            match said {
                None => assert_eq!(found, Vec::<String>::new(), "{own}"),
                Some(said) => assert!(found.len() == 1 && found[0].contains(said), "{own}: {found:?}"),
            }
        }
        assert!(!folder.path().join("data").exists(), "a check makes nothing");
    }

    #[test]
    fn what_is_wrong_with_flags_and_variables_names_them() {
        let flags = ServeFlags::default();
        let env = |name: &str| (name == "PHAROS_AUTH_OIDC_CLIENT_ID").then(|| "p".to_owned());
        let resolved = Resolved::resolve(&flags, &env, &Default::default()).unwrap();
        let clock: SharedClock = ManualClock::at(0);
        let password = |name: &str| (name == "PHAROS_ADMIN_PASSWORD_FILE").then(|| "/nowhere/password".to_owned());
        let found: Vec<String> = vet(&resolved, &password, &clock).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("PHAROS_AUTH_OIDC_CLIENT_ID: auth.oidc_client_id is set"), "{found:?}");
        assert!(found[1].starts_with("PHAROS_ADMIN_PASSWORD_FILE: cannot read /nowhere/password"), "{found:?}");
    }

    #[test]
    fn a_server_that_others_reach_has_people_who_sign_in() {
        let with = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            let mut web = WebConfig::default();
            if !settings.server.web_config_file.is_empty() {
                web.users.insert("ann".to_owned(), Default::default());
            }
            open(&settings, listen_address(&settings).unwrap(), &web).is_ok()
        };
        let open = ":9090".to_owned();
        assert!(with(&|_| {}), "this machine alone");
        assert!(with(&|settings| settings.server.listen = open.clone()), "who comes from elsewhere signs in");
        let reached_and_off = |settings: &mut Settings| {
            settings.server.listen = open.clone();
            settings.auth.mode = SignIn::Off;
        };
        assert!(!with(&reached_and_off));
        let all: [&dyn Fn(&mut Settings); 3] =
            [&|settings| settings.auth.mode = SignIn::On, &|settings| settings.server.allow_open = true, &|settings| {
                settings.server.web_config_file = "web.yml".to_owned()
            }];
        for change in all {
            assert!(with(&|settings| {
                reached_and_off(settings);
                change(settings);
            }));
        }
    }
}
