//! URLs of alerts.

use super::{encode, with};
use crate::ui::lang::key;

/// What fires now.
pub const ALERTS: &str = "/alerts";
/// POST: what somebody does about alerts: takes them, gives them away, puts them off, comments.
pub const ALERTS_CARE: &str = "/alerts/care";
/// Rules and how they do.
pub const ALERTS_RULES: &str = "/alerts/rules";
/// One rule, by its id.
pub const ALERTS_RULE: &str = "/alerts/rules/{id}";
/// Silences.
pub const ALERTS_SILENCES: &str = "/alerts/silences";
/// A silence to be made or changed: what it hits is shown for the parameters of the URL.
pub const ALERTS_SILENCE: &str = "/alerts/silences/edit";
/// POST: makes or changes a silence.
pub const ALERTS_SILENCE_SAVE: &str = "/alerts/silences/save";
/// POST: ends a silence.
pub const ALERTS_SILENCE_EXPIRE: &str = "/alerts/silences/expire";
/// Who is on call, and escalations.
pub const ALERTS_ONCALL: &str = "/alerts/oncall";
/// Somebody who stands in: `rota` is the rota's id.
pub const ALERTS_STAND_IN: &str = "/alerts/oncall/stand-in";
/// POST: somebody takes over.
pub const ALERTS_TAKE_OVER: &str = "/alerts/oncall/take-over";
/// POST: somebody who stands in gives back.
pub const ALERTS_GIVE_BACK: &str = "/alerts/oncall/give-back";
/// Dependencies, damping, caps.
pub const ALERTS_CALM: &str = "/alerts/calm";
/// A calm rule to be made or changed: `kind`, `id`; what it does is shown for the parameters of the URL.
pub const ALERTS_CALM_EDIT: &str = "/alerts/calm/edit";
/// POST: keeps a calm rule.
pub const ALERTS_CALM_SAVE: &str = "/alerts/calm/save";
/// POST: forgets a calm rule.
pub const ALERTS_CALM_DELETE: &str = "/alerts/calm/delete";
/// Who is told of what.
pub const ALERTS_ROUTING: &str = "/alerts/routing";
/// Receivers and their channels.
pub const ALERTS_CHANNELS: &str = "/alerts/channels";
/// POST: tells a made-up alert through one channel.
pub const ALERTS_CHANNEL_TEST: &str = "/alerts/channels/test";
/// What fired and who was told.
pub const ALERTS_HISTORY: &str = "/alerts/history";
/// One group of alerts with what happened around it: `key` is the group's, `receiver` who is told.
pub const ALERTS_GROUP: &str = "/alerts/group";
/// GET: the last hour of an alert's value as a picture: `rule` and `alert` are ids.
pub const ALERTS_SPARK: &str = "/ui/alerts/spark";
/// Writing rules: `file` opens one that is kept, `q` begins a new one with an expression.
pub const ALERTS_EDIT: &str = "/alerts/rules/edit";
/// POST: checks or replays a draft of rules.
pub const ALERTS_EDIT_TRY: &str = "/alerts/rules/try";
/// POST: keeps a file of rules.
pub const ALERTS_EDIT_SAVE: &str = "/alerts/rules/save";
/// POST: forgets a file of rules.
pub const ALERTS_EDIT_DELETE: &str = "/alerts/rules/delete";
/// Pages of alerts: path and name.
pub const ALERTS_PAGES: [(&str, &str); 8] = [
    (ALERTS, key("Now")),
    (ALERTS_RULES, key("Rules")),
    (ALERTS_SILENCES, key("Silences")),
    (ALERTS_ONCALL, key("On-call")),
    (ALERTS_CALM, key("Calm")),
    (ALERTS_ROUTING, key("Routing")),
    (ALERTS_CHANNELS, key("Channels")),
    (ALERTS_HISTORY, key("History")),
];

/// A rule by its id.
pub fn alerts_rule(id: &str) -> String {
    ALERTS_RULE.replace("{id}", &encode(id))
}

/// The incident page of a group.
pub fn alerts_group(key: &str, receiver: &str) -> String {
    with(ALERTS_GROUP, &[("key", key), ("receiver", receiver)])
}
