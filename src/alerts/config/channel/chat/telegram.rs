//! Messages to Telegram.

use crate::alerts::config::channel::{Channel, at_most_one, inherit_http};
use crate::alerts::config::global::Global;
use crate::alerts::config::http::HttpClient;
use crate::base::secret::Secret;
use crate::platform::config::keys::keys;
use crate::platform::config::section::Section;
use crate::platform::config::value::{FilePath, HttpUrl};

keys! {
    /// A message to Telegram.
    Telegram, "telegram_configs", check = check_telegram;
    /// Whether the end of alerts is told.
    send_resolved: bool = true,
    /// How to connect.
    http_config: Option<Box<HttpClient>>,
    /// Telegram's address.
    api_url: Option<HttpUrl>,
    /// Token of the bot.
    bot_token: Secret,
    /// A file that holds it.
    bot_token_file: FilePath,
    /// The chat; 0 is none.
    chat_id: i64,
    /// A file that holds it.
    chat_id_file: FilePath,
    /// The topic of the chat; 0 is none.
    message_thread_id: i64,
    /// Template.
    message: String = "{{ template \"telegram.default.message\" . }}",
    /// Whether phones stay silent.
    disable_notifications: bool,
    /// `HTML`, `Markdown`, `MarkdownV2` or empty.
    parse_mode: String = "HTML",
}

fn check_telegram(telegram: &mut Telegram, section: &mut Section<'_, '_>) {
    at_most_one(section, "bot_token", telegram.bot_token.expose(), &telegram.bot_token_file.0);
    match (telegram.chat_id, telegram.chat_id_file.is_empty()) {
        (0, true) => section.report.error(section.at, "missing chat_id or chat_id_file on telegram_config"),
        (id, false) if id != 0 => section.report.error(section.at, "at most one of chat_id & chat_id_file must be configured"),
        _ => {}
    }
    if !matches!(&*telegram.parse_mode, "" | "Markdown" | "MarkdownV2" | "HTML") {
        let at = section.value_place("parse_mode");
        section.report.error(at, "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string");
    }
}

impl Channel for Telegram {
    fn inherit(&mut self, global: &Global) -> Result<(), &'static str> {
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.telegram_api_url);
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            self.bot_token = global.telegram_bot_token.clone();
            self.bot_token_file = global.telegram_bot_token_file.clone();
        }
        let is_missing = self.bot_token.is_empty() && self.bot_token_file.is_empty();
        if is_missing { Err("missing bot_token or bot_token_file on telegram_config") } else { Ok(()) }
    }
}
