//! How to let programs send and read: a text to paste with this server's address and a fresh token, and a light that
//! turns green when the first data is there.

mod clients;

pub use clients::{Client, Purpose, client};

use clients::CLIENTS;

use crate::access::TokenActivity;
use crate::base::secret::Secret;
use crate::ui::lang::{Lang, key};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Its title.
pub const TITLE: &str = key("Connect");

/// What stands for the token until there is one.
const NO_TOKEN: &str = "TOKEN";

/// A token with its light.
#[derive(Debug, Clone)]
pub struct Lit {
    /// Key of the token.
    pub token_id: i64,
    /// The token itself, right after it was made and never again.
    pub secret: Option<Secret>,
    /// What came in with it.
    pub light: Light,
}

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct ConnectInput {
    /// This server's address as others write it, without a slash at the end.
    pub base: String,
    /// The program that is being connected.
    pub client: &'static Client,
    /// Its token.
    pub lit: Option<Lit>,
    /// What was wrong with the last form.
    pub error: Option<String>,
}

/// Whether the first data is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Light {
    /// `waiting`, `refused` or `green`.
    pub state: &'static str,
    /// In words.
    pub text: String,
    /// Samples or lines so far.
    pub samples: u64,
}

impl Light {
    /// From what is known of the token, in the reader's language.
    pub fn new(purpose: Purpose, activity: TokenActivity, lang: Lang) -> Self {
        let samples = activity.samples;
        let is_good = (200..300).contains(&activity.status);
        let sent = || lang.n(samples, "Data arrives: {} sample so far.", "Data arrives: {} samples so far.");
        let logged = || lang.n(samples, "Data arrives: {} line so far.", "Data arrives: {} lines so far.");
        let asked = || lang.n(activity.requests, "It works: {} request so far.", "It works: {} requests so far.");
        let (state, text) = match purpose {
            _ if activity.requests == 0 => ("waiting", lang.t("Waiting for the first request with this token.").to_owned()),
            Purpose::SendMetrics | Purpose::SendBoth if samples > 0 => ("green", sent()),
            Purpose::SendLogs if samples > 0 => ("green", logged()),
            Purpose::Read if is_good => ("green", asked()),
            Purpose::SendLogs if is_good => ("waiting", lang.t("The token works, but no line has come with it yet.").to_owned()),
            _ if is_good => ("waiting", lang.t("The token works, but no sample has come with it yet.").to_owned()),
            _ => ("refused", lang.fill("A request came and was refused with status {}. What it got back says why.", &[&activity.status])),
        };
        Self { state, text, samples }
    }
}

/// Programs under a heading.
struct Group {
    title: &'static str,
    clients: Vec<&'static Client>,
}

#[derive(askama::Template)]
#[template(path = "admin/connect.html")]
struct ConnectPage<'a> {
    shell: &'a Shell,
    input: &'a ConnectInput,
    groups: Vec<Group>,
    text: String,
    scope: String,
    /// Not when the light alone is looked at again: the token in the text would be missing.
    shows_text: bool,
}

/// Renders the page.
pub fn render(input: &ConnectInput, shell: &Shell) -> String {
    let mut groups: Vec<Group> = Vec::new();
    for client in CLIENTS {
        match groups.last_mut() {
            Some(group) if group.title == client.group => group.clients.push(client),
            _ => groups.push(Group { title: client.group, clients: vec![client] }),
        }
    }
    let secret = input.lit.as_ref().and_then(|lit| lit.secret.as_ref());
    let text = filled(input.client.text, &input.base, secret.map_or(NO_TOKEN, Secret::expose));
    let shows_text = input.lit.is_none() || secret.is_some();
    let scope = input.client.purpose.scopes().iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    page::html(&ConnectPage { shell, input, groups, text, scope, shows_text })
}

/// The first program of the table, where none is named.
pub fn first() -> &'static Client {
    &CLIENTS[0]
}

/// A text with address and token in their places.
fn filled(text: &str, base: &str, token: &str) -> String {
    let is_https = base.starts_with("https://");
    let authority = base.split_once("://").map_or(base, |(_, rest)| rest).split('/').next().unwrap_or("");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, if is_https { "443" } else { "80" }),
    };
    text.replace("{{URL}}", base)
        .replace("{{SIGNED_URL}}", &base.replacen("://", &format!("://token:{token}@"), 1))
        .replace("{{HOST}}", host.trim_matches(['[', ']']))
        .replace("{{PORT}}", port)
        .replace("{{TLS}}", if is_https { "on" } else { "off" })
        .replace("{{TOKEN}}", token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::yaml;

    #[test]
    fn every_text_is_whole_and_reads_in_its_language() {
        for client in CLIENTS {
            let text = filled(client.text, "https://pharos.example", "pht_secret");
            assert!(text.contains("pht_secret") && text.contains("pharos.example") && !text.contains("{{"), "{}: {text}", client.id);
            match client.language {
                "yaml" => {
                    let document = yaml::parse(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", client.id));
                    assert!(matches!(document.root.kind, yaml::Kind::Map(_)), "{}", client.id);
                }
                "sh" => {
                    for body in text.split("-d '").skip(1).filter_map(|rest| rest.split('\'').next()) {
                        let parsed: Result<serde_json::Value, _> = serde_json::from_str(body);
                        assert!(parsed.is_ok(), "{}: {body}", client.id);
                    }
                    assert_eq!(text.matches('\'').count() % 2, 0, "{}: {text}", client.id);
                }
                _ => {
                    let pairs = [('{', '}'), ('(', ')'), ('[', ']')];
                    let whole = pairs.iter().all(|(open, close)| text.matches(*open).count() == text.matches(*close).count());
                    assert!(whole, "{}: {text}", client.id);
                }
            }
        }
        let mut ids: Vec<&str> = CLIENTS.iter().map(|client| client.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CLIENTS.len());
    }

    #[test]
    fn prometheus_takes_its_text() {
        let text = filled(client("prometheus").unwrap().text, "http://[::1]:9090", "pht_secret");
        let document = yaml::parse(&text).unwrap();
        let endpoint = document.root.get("remote_write").unwrap();
        let yaml::Kind::List(items) = &endpoint.kind else { panic!("{text}") };
        let url = items[0].get("url").unwrap();
        assert_eq!(url.kind, yaml::Kind::Scalar { text: "http://[::1]:9090/api/v1/write".into(), plain: true });
    }

    #[test]
    fn addresses_have_parts() {
        for (base, parts) in [
            ("https://pharos.example", "pharos.example 443 on"),
            ("http://10.0.0.1:9090", "10.0.0.1 9090 off"),
            ("http://[::1]:9090", "::1 9090 off"),
            ("http://[::1]", "::1 80 off"),
            ("https://a.example:8443/pharos", "a.example 8443 on"),
        ] {
            assert_eq!(filled("{{HOST}} {{PORT}} {{TLS}}", base, ""), parts, "{base}");
        }
        assert_eq!(filled("{{SIGNED_URL}}/x", "https://p.example/at", "pht_1"), "https://token:pht_1@p.example/at/x");
    }

    #[test]
    fn the_light_turns_green_with_the_first_data() {
        let state = |purpose, requests, status, samples| Light::new(purpose, TokenActivity { requests, status, samples }, Lang::En).state;
        for (purpose, requests, status, samples, expected) in [
            (Purpose::SendMetrics, 0, 0, 0, "waiting"),
            (Purpose::SendMetrics, 1, 400, 0, "refused"),
            (Purpose::SendMetrics, 1, 204, 0, "waiting"),
            (Purpose::SendMetrics, 1, 204, 3, "green"),
            (Purpose::SendMetrics, 2, 400, 3, "green"),
            (Purpose::SendLogs, 1, 204, 0, "waiting"),
            (Purpose::SendLogs, 1, 204, 2, "green"),
            (Purpose::SendBoth, 1, 204, 2, "green"),
            (Purpose::Read, 1, 403, 0, "refused"),
            (Purpose::Read, 1, 200, 0, "green"),
        ] {
            assert_eq!(state(purpose, requests, status, samples), expected, "{purpose:?} {requests} {status} {samples}");
        }
    }
}
