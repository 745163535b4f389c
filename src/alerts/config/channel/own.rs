//! Channels that Alertmanager does not have: ntfy, Gotify, Google Chat, Matrix, Twilio, and any HTTP service. A file that
//! uses them is refused by a stock Alertmanager.

use std::collections::BTreeMap;

use super::{Channel, at_most_one, exactly_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, GoDuration, HttpUrl, SecretUrl, TemplateUrl};
use crate::series::labels::quote;

const TITLE: &str = "{{ template \"pharos.default.title\" . }}";
const TEXT: &str = "{{ template \"pharos.default.text\" . }}";
const LINK: &str = "{{ template \"pharos.default.link\" . }}";

/// Says that a key must be set.
fn required(section: &mut Section<'_, '_>, key: &str, value: &str) {
    if value.is_empty() {
        section.report.error(section.at, format!("missing {key}"));
    }
}

keys! {
    /// A message to a topic of ntfy.
    Ntfy, "ntfy_configs", check = check_ntfy;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect; also for a name and a password.
    http_config: Option<Box<HttpClient>>,
    /// The server.
    url: Option<HttpUrl> = Some(HttpUrl::known("https://ntfy.sh")),
    /// Template of the topic.
    topic: String,
    /// Access token.
    token: Secret,
    /// A file that holds it.
    token_file: FilePath,
    /// Template.
    title: String = TITLE,
    /// Template.
    message: String = TEXT,
    /// Template of 1 to 5.
    priority: String = "{{ if eq .Status \"firing\" }}4{{ else }}3{{ end }}",
    /// Template, comma separated.
    tags: String = "{{ if eq .Status \"firing\" }}rotating_light{{ else }}white_check_mark{{ end }}",
    /// Template of where a tap leads.
    click: String = LINK,
    /// Template of the address of a picture.
    icon: String,
    /// Whether the message is Markdown.
    markdown: bool,
}

fn check_ntfy(ntfy: &mut Ntfy, section: &mut Section<'_, '_>) {
    required(section, "topic", &ntfy.topic);
    at_most_one(section, "token", ntfy.token.expose(), &ntfy.token_file.0);
}

keys! {
    /// A message of Gotify.
    Gotify, "gotify_configs", check = check_gotify;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The server.
    url: Option<HttpUrl>,
    /// The application's token.
    token: Secret,
    /// A file that holds it.
    token_file: FilePath,
    /// Template.
    title: String = TITLE,
    /// Template.
    message: String = TEXT,
    /// Template of 0 to 10.
    priority: String = "{{ if eq .Status \"firing\" }}8{{ else }}4{{ end }}",
    /// Template of where a tap leads.
    click: String = LINK,
    /// Whether the message is Markdown.
    markdown: bool,
}

fn check_gotify(gotify: &mut Gotify, section: &mut Section<'_, '_>) {
    required(section, "url", gotify.url.as_ref().map_or("", HttpUrl::expose));
    exactly_one(section, "token", gotify.token.expose(), &gotify.token_file.0);
}

keys! {
    /// A message to a space of Google Chat.
    GoogleChat, "googlechat_configs", check = check_googlechat;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The webhook.
    webhook_url: SecretUrl,
    /// A file that holds it.
    webhook_url_file: FilePath,
    /// Template.
    text: String = "*{{ template \"pharos.default.title\" . }}*\n{{ template \"pharos.default.text\" . }}\n{{ template \"pharos.default.link\" . }}",
    /// Whether messages of a group are one thread.
    threads: bool = true,
}

fn check_googlechat(chat: &mut GoogleChat, section: &mut Section<'_, '_>) {
    exactly_one(section, "webhook_url", chat.webhook_url.0.expose(), &chat.webhook_url_file.0);
}

keys! {
    /// A message to a room of Matrix.
    Matrix, "matrix_configs", check = check_matrix;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The server of the user.
    homeserver: Option<HttpUrl>,
    /// Token of the user.
    access_token: Secret,
    /// A file that holds it.
    access_token_file: FilePath,
    /// Id (`!...`) or alias (`#...`) of the room.
    room: String,
    /// Template.
    text: String = "{{ template \"pharos.default.title\" . }}\n{{ template \"pharos.default.text\" . }}",
    /// Template of the same as HTML; empty for none.
    html: String = "<strong>{{ template \"pharos.default.title\" . }}</strong><br><pre>{{ template \"pharos.default.text\" . }}</pre><a href=\"{{ template \"pharos.default.link\" . }}\">Alerts</a>",
    /// Whether it is a notice, which bots do not answer and phones do not ring for.
    notice: bool,
}

fn check_matrix(matrix: &mut Matrix, section: &mut Section<'_, '_>) {
    required(section, "homeserver", matrix.homeserver.as_ref().map_or("", HttpUrl::expose));
    exactly_one(section, "access_token", matrix.access_token.expose(), &matrix.access_token_file.0);
    if !matrix.room.starts_with(['!', '#']) {
        let at = section.value_place("room");
        section.report.error(
            at,
            format!("room: read {}, expected an id such as !abc:example.org or an alias such as #ops:example.org", quote(&matrix.room)),
        );
    }
}

keys! {
    /// A text message, or a call in which a voice reads the message, through Twilio.
    Twilio, "twilio_configs", check = check_twilio;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Twilio's address.
    api_url: Option<HttpUrl> = Some(HttpUrl::known("https://api.twilio.com")),
    /// The account.
    account_sid: String,
    /// An API key instead of the account for signing in.
    api_key_sid: String,
    /// The token of the account, or the secret of the key.
    auth_token: Secret,
    /// A file that holds it.
    auth_token_file: FilePath,
    /// `sms` or `call`.
    mode: String = "sms",
    /// The number it comes from, or a messaging service (`MG...`).
    from: String,
    /// Templates of the numbers it goes to.
    to: Vec<String>,
    /// Template; by default short for text messages and made for reading aloud for calls.
    message: String,
    /// How the voice speaks: a language such as `en-GB`.
    language: String,
}

fn check_twilio(twilio: &mut Twilio, section: &mut Section<'_, '_>) {
    required(section, "account_sid", &twilio.account_sid);
    required(section, "from", &twilio.from);
    exactly_one(section, "auth_token", twilio.auth_token.expose(), &twilio.auth_token_file.0);
    if twilio.to.is_empty() {
        section.report.error(section.at, "missing to");
    }
    if !matches!(&*twilio.mode, "sms" | "call") {
        let at = section.value_place("mode");
        section.report.error(at, format!("mode: read {}, expected sms or call", quote(&twilio.mode)));
    }
    for sid in [&twilio.account_sid, &twilio.api_key_sid] {
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            section.report.error(section.at, format!("{} is no SID of Twilio", quote(sid)));
        }
    }
    if twilio.message.is_empty() {
        let name = if twilio.mode == "call" { "spoken" } else { "short" };
        twilio.message = format!("{{{{ template \"pharos.default.{name}\" . }}}}");
    }
}

keys! {
    /// A request of your own making to any service.
    Http, "http_configs", check = check_http;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect; also for headers that are secrets.
    http_config: Option<Box<HttpClient>>,
    /// The method.
    method: String = "POST",
    /// Where to; may be a template.
    url: TemplateUrl,
    /// A file that holds it.
    url_file: FilePath,
    /// Templates of headers by name.
    headers: BTreeMap<String, String>,
    /// Template of the body.
    body: String = "{{ toJson . }}",
    /// How long the other side may take; 0 is the usual time.
    timeout: GoDuration,
}

fn check_http(http: &mut Http, section: &mut Section<'_, '_>) {
    exactly_one(section, "url", http.url.0.expose(), &http.url_file.0);
    if !matches!(&*http.method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
        let at = section.value_place("method");
        section.report.error(at, format!("method: read {}, expected GET, POST, PUT, PATCH or DELETE", quote(&http.method)));
    }
    for name in http.headers.keys() {
        if name.parse::<::http::HeaderName>().is_err() {
            let at = section.place("headers");
            section.report.error(at, format!("{} is not a valid header name", quote(name)));
        }
    }
}

macro_rules! with_http_of_global {
    ($($type:ident)+) => {
        $(impl Channel for $type {
            fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
                inherit_http(&mut self.http_config, global);
                Ok(())
            }
        })+
    };
}

with_http_of_global!(Ntfy Gotify GoogleChat Matrix Twilio Http);
