//! Receivers: names for channels.

use std::collections::BTreeMap;

use super::channel::chat::{Discord, Mattermost, MsTeams, MsTeamsV2, RocketChat, Slack, Telegram, WeChat, Webex};
use super::channel::mail::Email;
use super::channel::own::{GoogleChat, Gotify, Http, Matrix, Ntfy, Twilio};
use super::channel::pager::{IncidentIo, Jira, OpsGenie, PagerDuty, Pushover, VictorOps};
use super::channel::plain::{Sns, Webhook};
use super::channel::read;
use super::global::Global;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::keys::to_node;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{MapWriter, Node};
use crate::series::labels::quote;

/// Declares the kinds of channels in one place: struct, reading, printing and counting.
macro_rules! receiver {
    ($( $(#[$meta:meta])* $field:ident: $type:ty, $integration:literal; )*) => {
        /// A name for channels; alerts that come here go to all of them.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Receiver {
            /// The name routes use.
            pub name: String,
            /// Further texts by name; `name` is always among them.
            pub labels: BTreeMap<String, String>,
            $( $(#[$meta])* pub $field: Vec<$type>, )*
        }

        impl Receiver {
            fn read_channels(&mut self, section: &mut Section<'_, '_>, global: &Global) {
                $( self.$field = read::<$type>(section, <$type as crate::platform::config::keys::Keys>::NAME, global); )*
            }

            fn write_channels(&self, out: &mut MapWriter) {
                $( out.list_if(<$type as crate::platform::config::keys::Keys>::NAME, self.$field.iter().map(to_node).collect()); )*
            }

            /// Every channel as its integration's name, its number among those of its kind, and whether it tells the end
            /// of alerts.
            pub fn integrations(&self) -> Vec<Integration> {
                let mut all = Vec::new();
                $(
                    for (index, channel) in self.$field.iter().enumerate() {
                        all.push(Integration { kind: $integration, index, send_resolved: channel.send_resolved });
                    }
                )*
                all
            }
        }
    };
}

/// A channel of a receiver, as the notification log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integration {
    /// Its kind: `slack`, `email`, ...
    pub kind: &'static str,
    /// Its number among those of its kind, from 0.
    pub index: usize,
    /// Whether the end of alerts is told.
    pub send_resolved: bool,
}

receiver! {
    /// Discord.
    discord: Discord, "discord";
    /// E-mail.
    email: Email, "email";
    /// incident.io.
    incidentio: IncidentIo, "incidentio";
    /// PagerDuty.
    pagerduty: PagerDuty, "pagerduty";
    /// Slack.
    slack: Slack, "slack";
    /// Webhooks.
    webhook: Webhook, "webhook";
    /// Opsgenie.
    opsgenie: OpsGenie, "opsgenie";
    /// WeChat.
    wechat: WeChat, "wechat";
    /// Pushover.
    pushover: Pushover, "pushover";
    /// VictorOps.
    victorops: VictorOps, "victorops";
    /// Amazon SNS.
    sns: Sns, "sns";
    /// Telegram.
    telegram: Telegram, "telegram";
    /// Webex.
    webex: Webex, "webex";
    /// Teams through connectors.
    msteams: MsTeams, "msteams";
    /// Teams through flows.
    msteamsv2: MsTeamsV2, "msteamsv2";
    /// Jira.
    jira: Jira, "jira";
    /// Rocket.Chat.
    rocketchat: RocketChat, "rocketchat";
    /// Mattermost.
    mattermost: Mattermost, "mattermost";
    /// ntfy; like those behind it not known to Alertmanager.
    ntfy: Ntfy, "ntfy";
    /// Gotify.
    gotify: Gotify, "gotify";
    /// Google Chat.
    googlechat: GoogleChat, "googlechat";
    /// Matrix.
    matrix: Matrix, "matrix";
    /// Text messages and calls of Twilio.
    twilio: Twilio, "twilio";
    /// Any service.
    http: Http, "http";
}

impl Receiver {
    /// Reads a receiver.
    pub(super) fn read(node: &Node, global: &Global, report: &mut Report) -> Option<Self> {
        let mut section = Section::open(node, "receivers", report)?;
        let mut receiver = Self { name: section.text_or_empty("name"), labels: section.text_map("labels"), ..Self::default() };
        if receiver.name.is_empty() {
            section.report.error(node.at, "missing name in receiver");
        }
        if let Some(other) = receiver.labels.get("name").filter(|other| **other != receiver.name) {
            let at = section.place("labels");
            let message = format!("receiver label \"name\" must match receiver name {}, got {}", quote(&receiver.name), quote(other));
            section.report.error(at, message);
        }
        receiver.labels.insert("name".to_owned(), receiver.name.clone());
        receiver.read_channels(&mut section, global);
        section.finish_exactly();
        Some(receiver)
    }

    /// As it is printed.
    pub(super) fn to_node(&self) -> Node {
        let mut out = MapWriter::default();
        out.text("name", &self.name);
        let mut labels = self.labels.clone();
        labels.remove("name");
        out.text_map_if("labels", &labels);
        self.write_channels(&mut out);
        out.finish()
    }
}
