//! Services that page people or keep tickets: PagerDuty, Opsgenie, VictorOps, Pushover, incident.io, Jira.

use std::collections::BTreeMap;

use super::{Channel, at_most_one, exactly_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::section::{self, Section};
use crate::platform::config::value::{FilePath, GoDuration, HttpUrl, Value};
use crate::platform::config::yaml::{Kind, MapWriter, Node};
use crate::series::labels::quote;

keys! {
    /// An event of PagerDuty.
    PagerDuty, "pagerduty_configs", check = check_pagerduty;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Key of the older API.
    service_key: Secret,
    /// A file that holds it.
    service_key_file: FilePath,
    /// Key of the newer API.
    routing_key: Secret,
    /// A file that holds it.
    routing_key_file: FilePath,
    /// PagerDuty's address.
    url: Option<HttpUrl>,
    /// Template.
    client: String = "{{ template \"pagerduty.default.client\" . }}",
    /// Template.
    client_url: String = "{{ template \"pagerduty.default.clientURL\" . }}",
    /// Template.
    description: String = "{{ template \"pagerduty.default.description\" .}}",
    /// Templates by name; texts, or maps and lists of texts.
    details: BTreeMap<String, Node>,
    /// Pictures.
    images: Vec<PagerDutyImage>,
    /// Links.
    links: Vec<PagerDutyLink>,
    /// Template.
    source: String,
    /// Template.
    severity: String,
    /// Template.
    class: String,
    /// Template.
    component: String,
    /// Template.
    group: String,
    /// How long PagerDuty may take; 0 is as long as the group's interval.
    timeout: GoDuration,
}

keys! {
    /// A picture; every text is a template.
    PagerDutyImage, "images";
    /// Where it is.
    src: String,
    /// What it shows.
    alt: String,
    /// Where it leads.
    href: String,
}

keys! {
    /// A link; every text is a template.
    PagerDutyLink, "links";
    /// Where it leads.
    href: String,
    /// What it says.
    text: String,
}

/// Details that every event has.
const PAGERDUTY_DETAILS: [(&str, &str); 4] = [
    ("firing", "{{ template \"pagerduty.default.instances\" .Alerts.Firing }}"),
    ("resolved", "{{ template \"pagerduty.default.instances\" .Alerts.Resolved }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

fn check_pagerduty(pagerduty: &mut PagerDuty, section: &mut Section<'_, '_>) {
    at_most_one(section, "routing_key", pagerduty.routing_key.expose(), &pagerduty.routing_key_file.0);
    at_most_one(section, "service_key", pagerduty.service_key.expose(), &pagerduty.service_key_file.0);
    let has_routing = !pagerduty.routing_key.is_empty() || !pagerduty.routing_key_file.is_empty();
    if !has_routing && pagerduty.service_key.is_empty() && pagerduty.service_key_file.is_empty() {
        section.report.error(section.at, "missing service or routing key in PagerDuty config");
    }
    if pagerduty.source.is_empty() {
        pagerduty.source.clone_from(&pagerduty.client);
    }
    for (name, template) in PAGERDUTY_DETAILS {
        pagerduty.details.entry(name.to_owned()).or_insert_with(|| Node::text(template));
    }
}

impl Channel for PagerDuty {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.url.is_none() {
            self.url.clone_from(&global.pagerduty_url);
        }
        Ok(())
    }
}

keys! {
    /// An alert of Opsgenie.
    OpsGenie, "opsgenie_configs", check = check_opsgenie;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The key.
    api_key: Secret,
    /// A file that holds it.
    api_key_file: FilePath,
    /// Opsgenie's address.
    api_url: Option<HttpUrl>,
    /// Template.
    message: String = "{{ template \"opsgenie.default.message\" . }}",
    /// Template.
    description: String = "{{ template \"opsgenie.default.description\" . }}",
    /// Template.
    source: String = "{{ template \"opsgenie.default.source\" . }}",
    /// Templates by name.
    details: BTreeMap<String, String>,
    /// Template.
    entity: String,
    /// Who is told.
    responders: Vec<Responder>,
    /// Template, comma separated.
    actions: String,
    /// Template, comma separated.
    tags: String,
    /// Template.
    note: String,
    /// Template of `P1` to `P5`.
    priority: String,
    /// Whether message and description of an open alert are changed.
    update_alerts: bool,
}

keys! {
    /// Who is told; every text is a template.
    Responder, "responders", check = check_responder;
    /// By id.
    id: String,
    /// By name.
    name: String,
    /// By user name.
    username: String,
    /// What it is.
    kind as "type": String,
}

fn check_responder(responder: &mut Responder, section: &mut Section<'_, '_>) {
    if responder.id.is_empty() && responder.username.is_empty() && responder.name.is_empty() {
        section.report.error(section.at, "opsGenieConfig responder has to have at least one of id, username or name specified");
    }
    let kind = responder.kind.to_ascii_lowercase();
    if !kind.contains("{{") && !matches!(&*kind, "team" | "teams" | "user" | "escalation" | "schedule") {
        let at = section.value_place("type");
        let message =
            format!("opsGenieConfig responder type {} is none of team, teams, user, escalation and schedule", quote(&responder.kind));
        section.report.error(at, message);
    }
}

fn check_opsgenie(opsgenie: &mut OpsGenie, section: &mut Section<'_, '_>) {
    at_most_one(section, "api_key", opsgenie.api_key.expose(), &opsgenie.api_key_file.0);
}

impl Channel for OpsGenie {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.opsgenie_api_url);
        }
        self.api_url = self.api_url.as_ref().map(HttpUrl::with_slash);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key = global.opsgenie_api_key.clone();
            self.api_key_file = global.opsgenie_api_key_file.clone();
        }
        let is_missing = self.api_key.is_empty() && self.api_key_file.is_empty();
        if is_missing { Err("no global OpsGenie API Key set either inline or in a file") } else { Ok(()) }
    }
}

keys! {
    /// An incident of VictorOps.
    VictorOps, "victorops_configs", check = check_victorops;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// The key.
    api_key: Secret,
    /// A file that holds it.
    api_key_file: FilePath,
    /// VictorOps' address.
    api_url: Option<HttpUrl>,
    /// Template.
    routing_key: String,
    /// Template.
    message_type: String = "CRITICAL",
    /// Template.
    state_message: String = "{{ template \"victorops.default.state_message\" . }}",
    /// Template.
    entity_display_name: String = "{{ template \"victorops.default.entity_display_name\" . }}",
    /// Template.
    monitoring_tool: String = "{{ template \"victorops.default.monitoring_tool\" . }}",
    /// Templates by name.
    custom_fields: BTreeMap<String, String>,
}

fn check_victorops(victorops: &mut VictorOps, section: &mut Section<'_, '_>) {
    if victorops.routing_key.is_empty() {
        section.report.error(section.at, "missing Routing key in VictorOps config");
    }
    at_most_one(section, "api_key", victorops.api_key.expose(), &victorops.api_key_file.0);
    for name in ["routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id", "entity_state"] {
        if victorops.custom_fields.contains_key(name) {
            let at = section.place("custom_fields");
            let message = format!("victorOps config contains custom field {name} which conflicts with the fixed fields");
            section.report.error(at, message);
        }
    }
}

impl Channel for VictorOps {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.victorops_api_url);
        }
        self.api_url = self.api_url.as_ref().map(HttpUrl::with_slash);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key = global.victorops_api_key.clone();
            self.api_key_file = global.victorops_api_key_file.clone();
        }
        let is_missing = self.api_key.is_empty() && self.api_key_file.is_empty();
        if is_missing { Err("no global VictorOps API Key set") } else { Ok(()) }
    }
}

keys! {
    /// A message of Pushover.
    Pushover, "pushover_configs", check = check_pushover;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Who is told.
    user_key: Secret,
    /// A file that holds it.
    user_key_file: FilePath,
    /// Who we are.
    token: Secret,
    /// A file that holds it.
    token_file: FilePath,
    /// Template.
    title: String = "{{ template \"pushover.default.title\" . }}",
    /// Template.
    message: String = "{{ template \"pushover.default.message\" . }}",
    /// Template.
    url: String = "{{ template \"pushover.default.url\" . }}",
    /// Template.
    url_title: String,
    /// Template.
    device: String,
    /// Template.
    sound: String,
    /// Template of -2 to 2.
    priority: String = "{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}",
    /// How often emergencies are told.
    retry: GoDuration = GoDuration(60_000),
    /// For how long.
    expire: GoDuration = GoDuration(3_600_000),
    /// How long the message stays; 0 is for good.
    ttl: GoDuration,
    /// Whether the message is HTML.
    html: bool,
    /// Whether it is set in letters of one width.
    monospace: bool => false,
}

fn check_pushover(pushover: &mut Pushover, section: &mut Section<'_, '_>) {
    exactly_one(section, "user_key", pushover.user_key.expose(), &pushover.user_key_file.0);
    exactly_one(section, "token", pushover.token.expose(), &pushover.token_file.0);
    if pushover.html && pushover.monospace {
        section.report.error(section.at, "at most one of monospace & html must be configured");
    }
}

impl Channel for Pushover {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}

keys! {
    /// An alert of incident.io.
    IncidentIo, "incidentio_configs", check = check_incidentio;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Where to.
    url: Option<HttpUrl>,
    /// A file that holds it.
    url_file: FilePath,
    /// Who we are.
    alert_source_token: Secret,
    /// A file that holds it.
    alert_source_token_file: FilePath,
    /// Most alerts of a message; 0 is all.
    max_alerts: u64,
    /// How long the other side may take; 0 is as long as the group's interval.
    timeout: GoDuration,
}

fn check_incidentio(incident: &mut IncidentIo, section: &mut Section<'_, '_>) {
    let url = incident.url.as_ref().map_or("", HttpUrl::expose);
    exactly_one(section, "url", url, &incident.url_file.0);
    let token = incident.alert_source_token.expose();
    at_most_one(section, "alert_source_token", token, &incident.alert_source_token_file.0);
    let has_token = !token.is_empty() || !incident.alert_source_token_file.is_empty();
    let Some(http) = &incident.http_config else { return };
    if http.authorization.is_some() && has_token {
        let message = "cannot specify alert_source_token or alert_source_token_file when using http_config.authorization";
        section.report.error(section.at, message);
    }
    if http.authorization.is_none() && !has_token {
        let message = "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured";
        section.report.error(section.at, message);
    }
}

impl Channel for IncidentIo {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        Ok(())
    }
}

keys! {
    /// A ticket of Jira.
    Jira, "jira_configs", check = check_jira;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Jira's address.
    api_url: Option<HttpUrl>,
    /// `auto`, `cloud` or `datacenter`.
    api_type: String = "auto",
    /// Template of the project.
    project: String,
    /// The summary.
    summary: JiraField = JiraField::of("{{ template \"jira.default.summary\" . }}"),
    /// The description.
    description: JiraField = JiraField::of("{{ template \"jira.default.description\" . }}"),
    /// Templates.
    labels: Vec<String>,
    /// Template.
    priority: String = "{{ template \"jira.default.priority\" . }}",
    /// Template of the kind.
    issue_type: String,
    /// What reopens a ticket.
    reopen_transition: String,
    /// What closes it.
    resolve_transition: String,
    /// Tickets closed with this are not reopened.
    wont_fix_resolution: String,
    /// How long after its end a ticket is reopened rather than made anew; 0 is always.
    reopen_duration: Duration,
    /// Further fields, every text a template.
    fields: BTreeMap<String, Node>,
}

/// A field of a ticket: its template alone, or with more to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JiraField {
    /// The template.
    pub template: String,
    /// Whether it is changed in open tickets; none is yes.
    pub enable_update: Option<bool>,
}

impl JiraField {
    fn of(template: &str) -> Self {
        Self { template: template.to_owned(), enable_update: None }
    }
}

impl Value for JiraField {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let node = section.node(key)?;
        if !matches!(node.kind, Kind::Map(_)) {
            let template = section::text(node, key, section.report)?;
            return Some(Self { template, enable_update: None });
        }
        let mut below = Section::open(node, key, section.report)?;
        let field = Self { template: below.text_or_empty("template"), enable_update: below.truth("enable_update") };
        below.finish_exactly();
        Some(field)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        below.text_if("template", &self.template);
        self.enable_update.write("enable_update", &mut below);
        out.map_if(key, below);
    }
}

fn check_jira(jira: &mut Jira, section: &mut Section<'_, '_>) {
    for (key, value) in [("project", &jira.project), ("issue_type", &jira.issue_type)] {
        if value.is_empty() {
            section.report.error(section.at, format!("missing {key} in jira_config"));
        }
    }
    if !matches!(&*jira.api_type, "auto" | "cloud" | "datacenter") {
        let at = section.value_place("api_type");
        section.report.error(at, "unknown api_type on jira_config, must be auto, cloud or datacenter");
    }
}

impl Channel for Jira {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.jira_api_url);
        }
        if self.api_url.is_none() { Err("no global Jira Cloud URL set") } else { Ok(()) }
    }
}
