//! Chats, a file for each.

mod discord;
mod mattermost;
mod msteams;
mod rocketchat;
mod slack;
mod telegram;
mod webex;
mod wechat;

pub use self::discord::Discord;
pub use self::mattermost::{Mattermost, MattermostAttachment, MattermostPriority, MattermostProps};
pub use self::msteams::{MsTeams, MsTeamsV2};
pub use self::rocketchat::{RocketChat, RocketChatField};
pub use self::slack::{Slack, SlackAction, SlackConfirmation};
pub use self::telegram::Telegram;
pub use self::webex::Webex;
pub use self::wechat::WeChat;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;

keys! {
    /// A field of an attachment.
    ChatField, "fields", check = check_field;
    /// Template.
    title: String,
    /// Template.
    value: String,
    /// Whether it stands beside others.
    short: Option<bool>,
}

fn check_field(field: &mut ChatField, section: &mut Section<'_, '_>) {
    for (key, value) in [("title", &field.title), ("value", &field.value)] {
        if value.is_empty() {
            section.report.error(section.at, format!("missing {key} in field configuration"));
        }
    }
}
