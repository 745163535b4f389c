//! From the routing configuration to channels.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::discord::Discord;
use super::email::Email;
use super::googlechat::GoogleChat;
use super::gotify::Gotify;
use super::http::Sender;
use super::incidentio::IncidentIo;
use super::jira::Jira;
use super::matrix::Matrix;
use super::mattermost::Mattermost;
use super::msteams::MsTeams;
use super::msteamsv2::MsTeamsV2;
use super::ntfy::Ntfy;
use super::opsgenie::OpsGenie;
use super::own_http::OwnHttp;
use super::pagerduty::PagerDuty;
use super::pushover::Pushover;
use super::rocketchat::RocketChat;
use super::secret::Source;
use super::slack::Slack;
use super::sns::Sns;
use super::telegram::Telegram;
use super::tree::Tree;
use super::twilio::Twilio;
use super::victorops::VictorOps;
use super::webex::Webex;
use super::webhook::Webhook;
use super::wechat::WeChat;
use super::{Channel, Refusal};
use crate::alerts::config::http::{self, TlsConfig};
use crate::alerts::config::{Integration, Receiver, RoutingConfig};
use crate::alerts::model::message::Message;
use crate::alerts::template::message::{MessageData, Templates, Text};
use crate::base::clock::SharedClock;
use crate::base::secret::Secret;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::path;
use crate::platform::config::value::{FilePath, GoDuration};
use crate::platform::config::yaml::Node;
use crate::platform::http::client::{
    Authorization, BasicAuth, ClientSettings, HeaderSetting, HttpClient, OAuth2Settings, ProxySettings, SecretSource, TlsSettings,
    TlsVersion,
};

/// Most bytes of a file with templates.
const TEMPLATE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most files with templates.
const TEMPLATE_FILES_MAX: usize = 1000;

/// What channels need of the rest of the server.
#[derive(Clone)]
pub struct Around {
    /// The configuration's file, as it was named; for messages, and where relative files stand below.
    pub file: Arc<str>,
    /// Where people find this server, without a slash at its end.
    pub external_url: Arc<str>,
    /// Where time comes from.
    pub clock: SharedClock,
}

/// Channels by receiver, in the order of its integrations.
pub type Channels = BTreeMap<Arc<str>, Vec<Arc<dyn Channel>>>;

/// Opens every channel: reads templates, checks every text, builds clients. Reads files, so call it where that may block.
///
/// # Errors
/// Everything that is wrong: files with templates, texts, certificates.
pub fn open(config: &RoutingConfig, around: &Around) -> Result<Channels, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let templates = match read_templates(&config.templates, &around.file, &mut problems) {
        Some(templates) if problems.is_empty() => Arc::new(templates),
        _ => return Err(problems),
    };
    let mut opening = Opening::new(around, templates);
    let mut channels = Channels::new();
    for receiver in &config.receivers {
        opening.receiver = &receiver.name;
        let opened: Vec<Arc<dyn Channel>> =
            receiver.integrations().into_iter().filter_map(|integration| opening.channel(receiver, integration)).collect();
        channels.insert(receiver.name.as_str().into(), opened);
    }
    if opening.problems.is_empty() { Ok(channels) } else { Err(opening.problems) }
}

/// The defaults and all files.
fn read_templates(patterns: &[String], config_file: &Arc<str>, problems: &mut Vec<Diagnostic>) -> Option<Templates> {
    let problem = |file: Arc<str>, message: String| Diagnostic { file, line: 0, column: 0, message };
    let mut templates = match Templates::new() {
        Ok(templates) => templates,
        Err(error) => {
            problems.push(problem(Arc::clone(config_file), error));
            return None;
        }
    };
    let mut files = 0;
    for pattern in patterns {
        let found = match path::glob(pattern) {
            Ok(found) => found,
            Err(error) => {
                problems.push(problem(Arc::clone(config_file), format!("templates: {pattern}: {error}")));
                continue;
            }
        };
        for file in found {
            files += 1;
            if files > TEMPLATE_FILES_MAX {
                problems.push(problem(Arc::clone(config_file), format!("templates: more than {TEMPLATE_FILES_MAX} files")));
                return None;
            }
            let name = Path::new(&file).file_name().map_or_else(|| file.clone(), |name| name.to_string_lossy().into_owned());
            let added = read_template(&file).and_then(|text| templates.add(&name, &text));
            if let Err(message) = added {
                let prefix = format!("template: {name}:");
                let line = message.strip_prefix(&prefix).and_then(|rest| rest.split(':').next()?.parse().ok()).unwrap_or(0);
                problems.push(Diagnostic { file: file.as_str().into(), line, column: u32::from(line > 0), message });
            }
        }
    }
    Some(templates)
}

fn read_template(file: &str) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    opened.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > TEMPLATE_BYTES_MAX {
        return Err(format!("more than {TEMPLATE_BYTES_MAX} bytes of templates in one file"));
    }
    Ok(text)
}

/// What every channel has.
#[derive(Debug)]
pub(super) struct Base {
    /// Which channel it is.
    pub integration: Integration,
    templates: Arc<Templates>,
    /// Where people find this server.
    pub external_url: Arc<str>,
    /// How it connects.
    pub http: Sender,
}

impl Base {
    /// What texts see of a message.
    pub fn data(&self, message: &Message) -> Result<MessageData, Refusal> {
        self.data_of_first(message, usize::MAX)
    }

    /// A template that came with a secret; errors do not show it.
    pub fn text(&self, key: &str, written: &str) -> Result<Text, Refusal> {
        self.templates.text(key, written).map_err(|_| Refusal::for_good(format!("{key} is no template that can be read")))
    }

    /// The same of its first alerts.
    pub fn data_of_first(&self, message: &Message, alerts_max: usize) -> Result<MessageData, Refusal> {
        self.templates.data(message, alerts_max, &self.external_url).map_err(Refusal::for_good)
    }
}

/// Channels being opened.
pub(super) struct Opening<'o> {
    around: &'o Around,
    templates: Arc<Templates>,
    clients: Vec<(ClientSettings, Arc<HttpClient>)>,
    problems: Vec<Diagnostic>,
    receiver: &'o str,
    integration: Integration,
}

impl<'o> Opening<'o> {
    /// With nothing opened yet.
    pub fn new(around: &'o Around, templates: Arc<Templates>) -> Self {
        let integration = Integration { kind: "", index: 0, send_resolved: false };
        Self { around, templates, clients: Vec::new(), problems: Vec::new(), receiver: "", integration }
    }

    fn channel(&mut self, receiver: &Receiver, integration: Integration) -> Option<Arc<dyn Channel>> {
        self.integration = integration;
        let at = integration.index;
        match integration.kind {
            "discord" => shared(Discord::open(receiver.discord.get(at)?, self)),
            "email" => shared(Email::open(receiver.email.get(at)?, self)),
            "incidentio" => shared(IncidentIo::open(receiver.incidentio.get(at)?, self)),
            "pagerduty" => shared(PagerDuty::open(receiver.pagerduty.get(at)?, self)),
            "slack" => shared(Slack::open(receiver.slack.get(at)?, self)),
            "webhook" => shared(Webhook::open(receiver.webhook.get(at)?, self)),
            "opsgenie" => shared(OpsGenie::open(receiver.opsgenie.get(at)?, self)),
            "wechat" => shared(WeChat::open(receiver.wechat.get(at)?, self)),
            "pushover" => shared(Pushover::open(receiver.pushover.get(at)?, self)),
            "victorops" => shared(VictorOps::open(receiver.victorops.get(at)?, self)),
            "sns" => shared(Sns::open(receiver.sns.get(at)?, self)),
            "telegram" => shared(Telegram::open(receiver.telegram.get(at)?, self)),
            "webex" => shared(Webex::open(receiver.webex.get(at)?, self)),
            "msteams" => shared(MsTeams::open(receiver.msteams.get(at)?, self)),
            "msteamsv2" => shared(MsTeamsV2::open(receiver.msteamsv2.get(at)?, self)),
            "jira" => shared(Jira::open(receiver.jira.get(at)?, self)),
            "rocketchat" => shared(RocketChat::open(receiver.rocketchat.get(at)?, self)),
            "mattermost" => shared(Mattermost::open(receiver.mattermost.get(at)?, self)),
            "ntfy" => shared(Ntfy::open(receiver.ntfy.get(at)?, self)),
            "gotify" => shared(Gotify::open(receiver.gotify.get(at)?, self)),
            "googlechat" => shared(GoogleChat::open(receiver.googlechat.get(at)?, self)),
            "matrix" => shared(Matrix::open(receiver.matrix.get(at)?, self)),
            "twilio" => shared(Twilio::open(receiver.twilio.get(at)?, self)),
            "http" => shared(OwnHttp::open(receiver.http.get(at)?, self)),
            kind => {
                self.problem("", format!("no channel of kind {kind} is known"));
                None
            }
        }
    }

    /// Where in the file the channel stands.
    fn place(&self, key: &str) -> String {
        let dot = if key.is_empty() { "" } else { "." };
        format!("{}_configs[{}]{dot}{key}", self.integration.kind, self.integration.index)
    }

    /// Says what is wrong with a key; with the channel as a whole if it is empty.
    pub fn problem(&mut self, key: &str, message: impl std::fmt::Display) {
        let message = format!("receiver {:?}: {}: {message}", self.receiver, self.place(key));
        self.problems.push(Diagnostic { file: Arc::clone(&self.around.file), line: 0, column: 0, message });
    }

    /// A template.
    pub fn text(&mut self, key: &str, written: &str) -> Text {
        let place = self.place(key);
        match self.templates.text(&place, written) {
            Ok(text) => text,
            Err(error) => {
                self.problem(key, error);
                Text::default()
            }
        }
    }

    /// A value whose texts are templates.
    pub fn tree(&mut self, key: &str, node: &Node) -> Tree {
        Tree::read(node, &mut |written| self.text(key, written))
    }

    /// What every channel has; `timeout` is how long one try may take, 0 for the usual time.
    pub fn base(&mut self, http: Option<&http::HttpClient>, timeout: GoDuration) -> Option<Base> {
        let made = match http {
            Some(http) => self.settings(http),
            None => Ok(ClientSettings::default()),
        };
        let made = made.and_then(|settings| self.client(settings));
        match made {
            Ok(client) => Some(Base {
                integration: self.integration,
                templates: Arc::clone(&self.templates),
                external_url: Arc::clone(&self.around.external_url),
                http: Sender::new(client, timeout.0, Arc::clone(&self.around.clock)),
            }),
            Err(error) => {
                self.problem("http_config", error);
                None
            }
        }
    }

    /// The clock of the server.
    pub fn clock(&self) -> SharedClock {
        Arc::clone(&self.around.clock)
    }

    /// A client with these settings; channels with equal ones share it.
    fn client(&mut self, settings: ClientSettings) -> Result<Arc<HttpClient>, String> {
        if let Some((_, client)) = self.clients.iter().find(|(known, _)| *known == settings) {
            return Ok(Arc::clone(client));
        }
        let client = HttpClient::new(settings.clone(), Arc::clone(&self.around.clock)).map_err(|error| error.to_string())?;
        let client = Arc::new(client);
        self.clients.push((settings, Arc::clone(&client)));
        Ok(client)
    }

    fn settings(&self, http: &http::HttpClient) -> Result<ClientSettings, String> {
        let dir = Path::new(&*self.around.file).parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let header = |(name, header): (&String, &http::HttpHeader)| HeaderSetting {
            name: name.clone(),
            values: header
                .values
                .iter()
                .map(|value| SecretSource::Inline(Secret::new(value.as_str())))
                .chain(header.secrets.iter().map(|secret| SecretSource::Inline(secret.clone())))
                .chain(header.files.iter().map(|file| SecretSource::File(path::join(dir, file))))
                .collect(),
        };
        Ok(ClientSettings {
            tls: tls_settings(http.tls_config.as_deref())?,
            basic_auth: http.basic_auth.as_ref().map(|auth| BasicAuth {
                username: secret_of(&Secret::new(auth.username.as_str()), &auth.username_file),
                password: secret_of(&auth.password, &auth.password_file),
            }),
            authorization: http
                .authorization
                .as_ref()
                .map(|auth| Authorization { scheme: auth.kind.clone(), credentials: secret_of(&auth.credentials, &auth.credentials_file) }),
            oauth2: http.oauth2.as_ref().map(|auth| oauth2_settings(auth)).transpose()?,
            headers: http.http_headers.iter().map(header).collect(),
            proxy: ProxySettings {
                url: (!http.proxy_url.0.is_empty()).then(|| Secret::new(http.proxy_url.0.as_str())),
                no_proxy: http.no_proxy.clone(),
                from_environment: http.proxy_from_environment == Some(true),
                connect_headers: connect_headers(&http.proxy_connect_header),
            },
            follow_redirects: http.follow_redirects,
            enable_http2: http.enable_http2,
        })
    }
}

fn shared<T: Channel + 'static>(channel: Option<T>) -> Option<Arc<dyn Channel>> {
    channel.map(|channel| Arc::new(channel) as Arc<dyn Channel>)
}

fn connect_headers(lists: &BTreeMap<String, Vec<Secret>>) -> Vec<(String, Secret)> {
    lists.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone()))).collect()
}

fn oauth2_settings(auth: &http::OAuth2) -> Result<OAuth2Settings, String> {
    let signs = !auth.client_certificate_key.is_empty() || !auth.client_certificate_key_file.is_empty();
    if signs || !matches!(&*auth.grant_type, "" | "client_credentials") {
        return Err("oauth2: only the grant client_credentials with a client secret is supported".to_owned());
    }
    Ok(OAuth2Settings {
        client_id: auth.client_id.clone(),
        client_secret: secret_of(&auth.client_secret, &auth.client_secret_file),
        token_url: auth.token_url.0.clone(),
        scopes: auth.scopes.clone(),
        endpoint_params: auth.endpoint_params.clone(),
        tls: tls_settings(auth.tls_config.as_deref())?,
        proxy: ProxySettings {
            url: (!auth.proxy_url.0.is_empty()).then(|| Secret::new(auth.proxy_url.0.as_str())),
            no_proxy: auth.no_proxy.clone(),
            from_environment: auth.proxy_from_environment == Some(true),
            connect_headers: connect_headers(&auth.proxy_connect_header),
        },
    })
}

fn secret_of(inline: &Secret, file: &FilePath) -> SecretSource {
    match Source::of(inline, file) {
        source if source.is_empty() => SecretSource::None,
        Source::Inline(secret) => SecretSource::Inline(secret),
        Source::File(path) => SecretSource::File(path),
    }
}

/// TLS as the client has it.
pub(super) fn tls_settings(tls: Option<&TlsConfig>) -> Result<TlsSettings, String> {
    let Some(tls) = tls else { return Ok(TlsSettings::default()) };
    let version = |key: &str, version: &str| match version {
        "" => Ok(None),
        "TLS12" => Ok(Some(TlsVersion::Tls12)),
        "TLS13" => Ok(Some(TlsVersion::Tls13)),
        // Older ones are not spoken, which is no harm to a lower bound.
        _ if key == "min_version" => Ok(None),
        other => Err(format!("tls_config: {key} {other}: only TLS 1.2 and 1.3 are spoken")),
    };
    Ok(TlsSettings {
        ca: secret_of(&Secret::new(tls.ca.as_str()), &tls.ca_file),
        cert: secret_of(&Secret::new(tls.cert.as_str()), &tls.cert_file),
        key: secret_of(&tls.key, &tls.key_file),
        server_name: tls.server_name.clone(),
        insecure_skip_verify: tls.insecure_skip_verify,
        min_version: version("min_version", &tls.min_version)?,
        max_version: version("max_version", &tls.max_version)?,
    })
}
