//! What is set about the server itself, where each value came from, what follows from it now, and how to change it.

use crate::platform::config::settings::ClientAuth;
use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::{Lang, key};
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Its title.
pub const TITLE: &str = key("Server");
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A certificate that ends so soon is worth a warning.
const SOON_DAYS: i64 = 14;

/// A setting with its value and where that came from; secrets are hidden already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// Section and key, as `limits.query_rate`.
    pub name: String,
    /// The value as text.
    pub value: String,
    /// As `default` or `flag --listen`.
    pub source: String,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateOrigin {
    /// The server made it.
    SelfSigned,
    /// The settings name its file.
    File,
    /// The web config file names it.
    WebConfig,
}

/// The certificate that is shown to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Where it comes from.
    pub origin: CertificateOrigin,
    /// Names it is good for.
    pub names: Vec<String>,
    /// Name of the authority that signed it; may be empty.
    pub issuer: String,
    /// Until when it is valid (ms).
    pub ends_ms: i64,
    /// SHA-256 over it.
    pub fingerprint: String,
}

/// HTTPS as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Https {
    /// `None` where plain HTTP is spoken.
    pub certificate: Option<ShownCertificate>,
    /// What is asked of clients.
    pub clients: ClientAuth,
    /// For how many seconds browsers are told to come by HTTPS only; 0 for not at all.
    pub hsts_s: u64,
    /// Users in the web config file; `None` without such a file.
    pub web_users: Option<usize>,
    /// When TLS files or the web config file could not be read again (ms), and why, if that was the last time.
    pub failure: Option<(i64, String)>,
}

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Entrance {
    /// Everyone, without signing in.
    Open,
    /// This machine, until there is an administrator.
    LocalUntilSetUp,
    /// Who signs in.
    #[default]
    SignIn,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ServerInput {
    /// Every setting.
    pub settings: Vec<Setting>,
    /// HTTPS.
    pub https: Https,
    /// Who gets in.
    pub entrance: Entrance,
    /// The server's own metrics as scrapers see them, for what is used now.
    pub own_metrics: String,
}

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Switch,
    /// Only whether there is one.
    Secret,
    /// So many a second; 0 for no limit.
    Rate,
    /// 0 for no limit.
    Cap,
    /// 0 for what the server finds right.
    Own,
}

/// A row: what it is called, the setting, how its value is shown.
type Line = (&'static str, &'static str, Form);

const HTTPS: &[Line] = &[
    (key("Self-signed certificate"), "server.tls_self_signed", Form::Switch),
    (key("Certificate file"), "server.tls_cert_file", Form::Text),
    (key("Key file"), "server.tls_key_file", Form::Text),
    (key("Authorities of clients"), "server.client_ca_file", Form::Text),
    (key("Certificates of clients"), "server.client_auth", Form::Text),
    (key("Second address that leads to HTTPS"), "server.redirect_http_listen", Form::Text),
    (key("Browsers stay on HTTPS for"), "server.hsts_max_age", Form::Text),
    (key("Web config file"), "server.web_config_file", Form::Text),
];

const SIGNING_IN: &[Line] = &[
    (key("Sign-in"), "auth.mode", Form::Text),
    (key("Name and password"), "auth.password_login", Form::Switch),
    (key("A session ends unused after"), "auth.session_idle", Form::Text),
    (key("A session ends at the latest after"), "auth.session_age", Form::Text),
    (key("Audit log is kept for"), "auth.audit_retention", Form::Text),
    (key("Identity provider"), "auth.oidc_issuer", Form::Text),
];

const PROVIDER: &[Line] = &[
    (key("Its name on the button"), "auth.oidc_name", Form::Text),
    (key("Client ID"), "auth.oidc_client_id", Form::Text),
    (key("Client secret"), "auth.oidc_client_secret", Form::Secret),
    (key("Claim with the groups"), "auth.oidc_groups_claim", Form::Text),
    (key("Groups of administrators"), "auth.oidc_admin_groups", Form::Text),
    (key("Groups of editors"), "auth.oidc_editor_groups", Form::Text),
    (key("Groups of viewers"), "auth.oidc_viewer_groups", Form::Text),
    (key("Role without a group"), "auth.oidc_default_role", Form::Text),
    (key("Allowed mail domains"), "auth.oidc_allowed_domains", Form::Text),
    (key("A session of its users ends at the latest after"), "auth.oidc_session_age", Form::Text),
    (key("Signing out here signs out there"), "auth.oidc_sign_out", Form::Switch),
];

const PROXIES: &[Line] = &[(key("Trusted proxies"), "auth.proxy_trusted", Form::Text)];

const PROXY: &[Line] = &[
    (key("Header with the user"), "auth.proxy_user_header", Form::Text),
    (key("Header with the groups"), "auth.proxy_groups_header", Form::Text),
    (key("Header with the role"), "auth.proxy_role_header", Form::Text),
    (key("Groups of administrators"), "auth.proxy_admin_groups", Form::Text),
    (key("Groups of editors"), "auth.proxy_editor_groups", Form::Text),
    (key("Groups of viewers"), "auth.proxy_viewer_groups", Form::Text),
    (key("Role without a group"), "auth.proxy_default_role", Form::Text),
];

const REQUESTS: &[Line] = &[
    (key("Queries of one address"), "limits.query_rate", Form::Rate),
    (key("Writes of one address"), "limits.write_rate", Form::Rate),
    (key("Pages of one address"), "limits.page_rate", Form::Rate),
    (key("Sign-ins of one address"), "limits.sign_in_rate", Form::Rate),
    (key("Addresses without these rates"), "limits.rate_exempt", Form::Text),
    (key("Queries under way"), "limits.query_in_flight_max", Form::Cap),
    (key("Writes under way"), "limits.write_in_flight_max", Form::Cap),
    (key("Pages under way"), "limits.page_in_flight_max", Form::Cap),
    (key("Sign-ins under way"), "limits.sign_in_in_flight_max", Form::Cap),
    (key("Connections"), "limits.connections_max", Form::Own),
    (key("Connections of one address"), "limits.connections_per_client_max", Form::Own),
];

const SIZES: &[Line] = &[
    (key("Memory"), "limits.memory_budget", Form::Cap),
    (key("Disk"), "limits.disk_budget", Form::Cap),
    (key("Series in memory"), "limits.series_max", Form::Cap),
    (key("Series of one job"), "limits.series_per_job_max", Form::Cap),
    (key("Body of a request"), "limits.body_size_max", Form::Text),
    (key("Head of a request"), "limits.header_bytes_max", Form::Text),
    (key("A head arrives within"), "limits.header_timeout", Form::Text),
    (key("A quiet connection ends after"), "limits.connection_idle", Form::Text),
    (key("Time of a query"), "limits.query_timeout", Form::Text),
    (key("Samples of a query"), "limits.query_samples_max", Form::Text),
    (key("Queries evaluated at once"), "limits.query_concurrency_max", Form::Text),
];

/// What is used now: the setting, the metric, the metric with the limit in force, the unit.
const USED: &[(&str, &str, &str, Unit)] = &[
    ("limits.query_in_flight_max", "pharos_http_requests_in_flight{class=\"query\"}", "", Unit::None),
    ("limits.write_in_flight_max", "pharos_http_requests_in_flight{class=\"write\"}", "", Unit::None),
    ("limits.page_in_flight_max", "pharos_http_requests_in_flight{class=\"page\"}", "", Unit::None),
    ("limits.sign_in_in_flight_max", "pharos_http_requests_in_flight{class=\"sign_in\"}", "", Unit::None),
    ("limits.connections_max", "pharos_http_connections", "pharos_http_connections_max", Unit::None),
    ("limits.memory_budget", "pharos_memory_used_bytes", "pharos_memory_budget_bytes", Unit::Bytes),
    ("limits.disk_budget", "pharos_disk_used_bytes", "pharos_disk_budget_bytes", Unit::Bytes),
    ("limits.series_max", "prometheus_tsdb_head_series", "", Unit::None),
    ("limits.query_concurrency_max", "prometheus_engine_queries", "prometheus_engine_queries_concurrent_max", Unit::None),
];

struct Row<'a> {
    label: &'static str,
    name: &'static str,
    href: String,
    value: String,
    /// Whether the value is words of ours rather than what somebody wrote.
    is_words: bool,
    now: Option<String>,
    /// `None` for the default.
    source: Option<String>,
    raw_source: &'a str,
}

/// What is so now, beside the settings.
enum Fact {
    Words(String),
    Exact(String),
    Ends { when: Moment, left: String, is_near: bool },
}

/// A panel: its id, its heading, where to read more, facts, rows.
struct Panel<'a> {
    id: &'static str,
    title: &'static str,
    more: String,
    failed: Option<(Moment, &'a str)>,
    facts: Vec<(&'static str, Fact)>,
    rows: Vec<Row<'a>>,
}

#[derive(askama::Template)]
#[template(path = "admin/server.html")]
struct ServerPage<'a> {
    shell: &'a Shell,
    panels: Vec<Panel<'a>>,
}

impl ServerInput {
    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    fn value(&self, name: &str) -> &str {
        self.setting(name).map_or("", |setting| setting.value.as_str())
    }

    /// A sample of the server's own metrics, by its whole series.
    fn metric(&self, series: &str) -> Option<f64> {
        self.own_metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse().ok())
    }

    /// What is used of a limit, as `3 of 512`.
    fn used(&self, name: &str, lang: Lang) -> Option<String> {
        let (_, series, limit, unit) = USED.iter().find(|(of, ..)| *of == name)?;
        let limit = self.metric(limit).filter(|limit| *limit > 0.0);
        let used = match (name, limit) {
            // Without a budget nobody adds up what the folder takes; blocks and log are known.
            ("limits.disk_budget", None) => {
                self.metric("prometheus_tsdb_storage_blocks_bytes")? + self.metric("pharos_storage_wal_bytes").unwrap_or(0.0)
            }
            // And nobody looks closely at memory.
            ("limits.memory_budget", None) => self.metric("process_resident_memory_bytes")?,
            _ => self.metric(series)?,
        };
        let used = format::number(used, *unit);
        Some(match limit {
            Some(limit) => lang.fill("now {} of {}", &[&used, &format::number(limit, *unit)]),
            None => lang.fill("now {}", &[&used]),
        })
    }

    fn rows(&self, lines: &[Line], lang: Lang) -> Vec<Row<'_>> {
        lines
            .iter()
            .filter_map(|(label, name, form)| {
                let setting = self.setting(name)?;
                let (value, is_words) = shown(&setting.value, *form, lang);
                Some(Row {
                    label,
                    name,
                    href: format!("{}#{name}", links::docs("configuration")),
                    value,
                    is_words,
                    now: self.used(name, lang),
                    source: (setting.source != "default").then(|| source(&setting.source, lang)),
                    raw_source: &setting.source,
                })
            })
            .collect()
    }
}

/// A value for people, and whether it is words of ours.
fn shown(value: &str, form: Form, lang: Lang) -> (String, bool) {
    let words = |en: &'static str| (lang.t(en).to_owned(), true);
    let is_zero = value.trim_end_matches(char::is_alphabetic) == "0";
    match form {
        Form::Secret if value.is_empty() => words(key("not set")),
        Form::Secret => words(key("set, not shown")),
        _ if value.is_empty() => words(key("not set")),
        Form::Switch if value == "true" => words(key("on")),
        Form::Switch => words(key("off")),
        Form::Rate | Form::Cap if is_zero => words(key("no limit")),
        Form::Own if is_zero => words(key("chosen by the server")),
        Form::Rate => (lang.fill("{} a second", &[&value]), true),
        Form::Text | Form::Cap | Form::Own => (value.to_owned(), false),
    }
}

/// Where a value came from, in the reader's language.
fn source(text: &str, lang: Lang) -> String {
    let known =
        [("configuration file, line ", key("file, line {}")), ("environment variable ", key("variable {}")), ("flag ", key("flag {}"))];
    let found = known.iter().find_map(|(start, words)| Some((text.strip_prefix(start)?, *words)));
    found.map_or_else(|| text.to_owned(), |(rest, words)| lang.fill(words, &[&rest]))
}

const fn client_words(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::None => key("not asked for"),
        ClientAuth::Request => key("asked for, any will do, and none"),
        ClientAuth::RequireAny => key("required, any will do"),
        ClientAuth::VerifyIfGiven => key("not required; one that is shown must be signed by a known authority"),
        ClientAuth::RequireAndVerify => key("required, signed by a known authority"),
    }
}

fn https_facts(https: &Https, shell: &Shell) -> Vec<(&'static str, Fact)> {
    let words = |en: &'static str| Fact::Words(shell.t(en).to_owned());
    let mut facts = Vec::new();
    match &https.certificate {
        None => facts.push((key("HTTPS"), words(key("off: passwords and data cross the network unencrypted")))),
        Some(certificate) => {
            facts.push((key("HTTPS"), words(key("on; plain HTTP is led to it"))));
            let origin = match certificate.origin {
                CertificateOrigin::SelfSigned => words(key("made and signed by the server itself")),
                CertificateOrigin::File => words(key("from a file")),
                CertificateOrigin::WebConfig => words(key("from the web config file")),
            };
            facts.push((key("Certificate"), origin));
            if certificate.origin != CertificateOrigin::SelfSigned && !certificate.issuer.is_empty() {
                facts.push((key("Signed by"), Fact::Exact(certificate.issuer.clone())));
            }
            facts.push((key("Names"), Fact::Exact(certificate.names.join(", "))));
            let days = certificate.ends_ms.saturating_sub(shell.now_ms).div_euclid(DAY_MS);
            let left = match u64::try_from(days) {
                Ok(days) => shell.lang().n(days, "{} day left", "{} days left"),
                Err(_) => shell.t("it has ended, clients refuse it").to_owned(),
            };
            facts.push((key("Ends"), Fact::Ends { when: shell.moment(certificate.ends_ms), left, is_near: days < SOON_DAYS }));
            facts.push((key("Fingerprint"), Fact::Exact(certificate.fingerprint.clone())));
            facts.push((key("Client certificates"), words(client_words(https.clients))));
            let hsts = match (https.hsts_s, certificate.origin) {
                (0, CertificateOrigin::SelfSigned) => words(key("not told so, as the certificate is self-signed")),
                (0, _) => words(key("not told so")),
                _ => words(key("told so")),
            };
            facts.push((key("Browsers stay on HTTPS"), hsts));
        }
    }
    if let Some(users) = https.web_users {
        facts.push((key("Web config file"), Fact::Words(shell.lang().n(users as u64, "{} user in it", "{} users in it"))));
    }
    facts
}

fn sign_in_facts(input: &ServerInput, shell: &Shell) -> Vec<(&'static str, Fact)> {
    let lang = shell.lang();
    let now = match input.entrance {
        Entrance::Open => key("nobody has to sign in: whoever reaches this server may do everything"),
        Entrance::LocalUntilSetUp => key("until there is an administrator, only this machine comes in, without signing in"),
        Entrance::SignIn => key("everyone has to sign in"),
    };
    let mut ways = Vec::new();
    if input.value("auth.password_login") == "true" {
        ways.push(lang.t("name and password").to_owned());
    }
    if !input.value("auth.oidc_issuer").is_empty() {
        ways.push(lang.fill("identity provider {}", &[&input.value("auth.oidc_name")]));
    }
    if !input.value("auth.proxy_trusted").is_empty() && !input.value("auth.proxy_user_header").is_empty() {
        ways.push(lang.t("a trusted proxy says who it is").to_owned());
    }
    let mut facts = vec![(key("Now"), Fact::Words(lang.t(now).to_owned()))];
    if !ways.is_empty() && input.entrance != Entrance::Open {
        facts.push((key("Ways in"), Fact::Words(ways.join(lang.comma()))));
    }
    facts
}

/// Renders the page.
pub fn render(input: &ServerInput, shell: &Shell) -> String {
    let lang = shell.lang();
    let mut signing_in = input.rows(SIGNING_IN, lang);
    if !input.value("auth.oidc_issuer").is_empty() {
        signing_in.extend(input.rows(PROVIDER, lang));
    }
    signing_in.extend(input.rows(PROXIES, lang));
    if !input.value("auth.proxy_trusted").is_empty() {
        signing_in.extend(input.rows(PROXY, lang));
    }
    let docs = |page: &str, heading: &str| format!("{}#{heading}", links::docs(page));
    let panel = |id, title, more, rows| Panel { id, title, more, failed: None, facts: Vec::new(), rows };
    let panels = vec![
        Panel {
            failed: input.https.failure.as_ref().map(|(at, why)| (shell.moment(*at), why.as_str())),
            facts: https_facts(&input.https, shell),
            ..panel("https", key("HTTPS"), docs("internet", "tls"), input.rows(HTTPS, lang))
        },
        Panel {
            facts: sign_in_facts(input, shell),
            ..panel("signing-in", key("Signing in"), docs("access", "when-people-must-sign-in"), signing_in)
        },
        panel("requests", key("Limits of requests"), docs("configuration", "limits"), input.rows(REQUESTS, lang)),
        panel("sizes", key("Limits of memory, size and time"), docs("configuration", "limits"), input.rows(SIZES, lang)),
    ];
    page::html(&ServerPage { shell, panels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::Visit;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn shell(cookies: &'static str) -> Shell {
        let (uri, headers) = ("/settings/server".parse().unwrap(), http::HeaderMap::new());
        let visit = Visit { cookies, ..Visit::new(&uri, &headers, NOW_MS) };
        Shell::new(Page::Settings, TITLE, visit)
    }

    fn setting(name: &str, value: &str, source: &str) -> Setting {
        Setting { name: name.to_owned(), value: value.to_owned(), source: source.to_owned() }
    }

    fn certificate(origin: CertificateOrigin) -> ShownCertificate {
        ShownCertificate {
            origin,
            names: vec!["a.example".to_owned()],
            issuer: String::new(),
            ends_ms: NOW_MS + 20 * DAY_MS,
            fingerprint: "AA:BB".to_owned(),
        }
    }

    #[test]
    fn every_row_is_a_setting_that_there_is() {
        use crate::platform::config::settings::SPECS;
        for (_, name, _) in [HTTPS, SIGNING_IN, PROVIDER, PROXIES, PROXY, REQUESTS, SIZES].concat() {
            assert!(SPECS.iter().any(|spec| spec.name == name), "{name}");
        }
        for (name, ..) in USED {
            assert!([REQUESTS, SIZES].concat().iter().any(|(_, shown, _)| shown == name), "{name}");
        }
    }

    #[test]
    fn values_are_shown_as_people_say_them() {
        for (value, form, expected) in [
            ("0", Form::Rate, "no limit"),
            ("200", Form::Rate, "200 a second"),
            ("0", Form::Cap, "no limit"),
            ("0B", Form::Cap, "no limit"),
            ("10MB", Form::Cap, "10MB"),
            ("0", Form::Own, "chosen by the server"),
            ("true", Form::Switch, "on"),
            ("false", Form::Switch, "off"),
            ("", Form::Text, "not set"),
            ("", Form::Secret, "not set"),
            ("hunter2", Form::Secret, "set, not shown"),
        ] {
            assert_eq!(shown(value, form, Lang::En).0, expected, "{value} {form:?}");
        }
        assert_eq!(source("configuration file, line 7", Lang::En), "file, line 7");
        assert_eq!(source("environment variable PHAROS_X", Lang::En), "variable PHAROS_X");
        assert_eq!(source("flag --listen", Lang::En), "flag --listen");
        assert!(source("flag --listen", Lang::Ar).contains("\u{2068}--listen\u{2069}"));
    }

    #[test]
    fn use_is_read_from_the_servers_own_metrics() {
        let own = "pharos_http_connections 3\npharos_http_connections_max 512\npharos_http_requests_in_flight{class=\"query\"} 2\n\
                   process_resident_memory_bytes 1048576\npharos_memory_used_bytes 0\npharos_memory_budget_bytes 0\npharos_disk_used_bytes 0\npharos_disk_budget_bytes 0\n\
                   prometheus_tsdb_storage_blocks_bytes 1024\npharos_storage_wal_bytes 1024\n";
        let input = ServerInput { own_metrics: own.to_owned(), ..ServerInput::default() };
        for (name, expected) in [
            ("limits.connections_max", Some("now 3 of 512")),
            ("limits.query_in_flight_max", Some("now 2")),
            ("limits.write_in_flight_max", None),
            ("limits.memory_budget", Some("now 1 MiB")),
            ("limits.disk_budget", Some("now 2 KiB")),
            ("limits.query_rate", None),
        ] {
            assert_eq!(input.used(name, Lang::En).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_others_wrote_is_escaped_and_secrets_are_not_shown() {
        const ODD: &str = "<script>alert(\"1\")</script>'&";
        let odd = |name: &str| setting(name, ODD, &format!("flag --{ODD}"));
        let mut settings: Vec<Setting> =
            [HTTPS, SIGNING_IN, PROVIDER, PROXIES, PROXY, REQUESTS, SIZES].concat().iter().map(|(_, name, _)| odd(name)).collect();
        for found in &mut settings {
            if found.name == "auth.oidc_client_secret" {
                found.value = "hunter2".to_owned();
            }
        }
        let shown = ShownCertificate {
            names: vec![ODD.to_owned()],
            issuer: ODD.to_owned(),
            fingerprint: ODD.to_owned(),
            ..certificate(CertificateOrigin::File)
        };
        let https = Https { certificate: Some(shown), failure: Some((NOW_MS, ODD.to_owned())), web_users: Some(2), ..Https::default() };
        let input = ServerInput { settings, https, own_metrics: ODD.to_owned(), ..ServerInput::default() };
        for cookies in ["", "lang=ar"] {
            let html = render(&input, &shell(cookies));
            assert!(!html.contains("<script>alert") && html.contains("&#60;script&#62;alert"), "{html}");
            assert!(!html.contains("hunter2"), "{html}");
        }
    }

    #[test]
    fn a_certificate_and_who_gets_in_are_explained() {
        let named = |origin| ServerInput {
            https: Https { certificate: Some(certificate(origin)), ..Https::default() },
            settings: vec![setting("auth.password_login", "true", "default")],
            ..ServerInput::default()
        };
        let own = render(&named(CertificateOrigin::SelfSigned), &shell(""));
        for words in
            ["made and signed by the server itself", "a.example", "AA:BB", "20 days left", "everyone has to sign in", "self-signed"]
        {
            assert!(own.contains(words), "{words}: {own}");
        }
        assert!(!own.contains("warn-t"), "{own}");
        let mut ended = named(CertificateOrigin::File);
        ended.entrance = Entrance::Open;
        ended.https.certificate.as_mut().unwrap().ends_ms = NOW_MS - 1;
        let ended = render(&ended, &shell(""));
        for words in ["it has ended", "warn-t", "from a file", "nobody has to sign in"] {
            assert!(ended.contains(words), "{words}: {ended}");
        }
        let plain = render(&ServerInput::default(), &shell(""));
        assert!(plain.contains("unencrypted") && !plain.contains("Fingerprint"), "{plain}");
    }
}
