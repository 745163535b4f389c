//! An account at a mail server, as `email_configs` and `global.smtp_*` set it.

use std::time::Duration;

use super::Refusal;
use super::opening::tls_settings;
use super::secret::{Mask, Source};
use crate::alerts::config::channel::mail;
use crate::platform::http::client::TlsSettings;
use crate::platform::mail::{Credentials, MailServer, Tls};

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(60);

/// The account; secrets in files are read at each use.
#[derive(Debug, Clone)]
pub(super) struct Account {
    host: String,
    port: u16,
    hello: String,
    tls: Tls,
    tls_settings: TlsSettings,
    username: String,
    identity: String,
    password: Source,
    secret: Source,
}

impl Account {
    /// The account that a channel sends through.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn of(config: &mail::Email) -> Result<Self, (&'static str, String)> {
        let port = match &*config.smarthost.port {
            "smtp" => Some(25),
            "smtps" | "submissions" => Some(465),
            "submission" => Some(587),
            number => number.parse().ok(),
        };
        let port = port.ok_or_else(|| ("smarthost", format!("{:?} is no port", config.smarthost.port)))?;
        let implicit = config.force_implicit_tls.unwrap_or(port == 465);
        Ok(Self {
            host: config.smarthost.host.clone(),
            port,
            hello: config.hello.clone(),
            tls: match (implicit, config.require_tls.unwrap_or(true)) {
                (true, _) => Tls::Implicit,
                (false, true) => Tls::Start,
                (false, false) => Tls::Off,
            },
            tls_settings: tls_settings(config.tls_config.as_deref()).map_err(|error| ("tls_config", error))?,
            username: config.auth_username.clone(),
            identity: config.auth_identity.clone(),
            password: Source::of(&config.auth_password, &config.auth_password_file),
            secret: Source::of(&config.auth_secret, &config.auth_secret_file),
        })
    }

    /// The server with its secrets read, and what must not be shown of them.
    pub async fn server(&self) -> Result<(MailServer, Mask), Refusal> {
        let credentials = Credentials {
            username: self.username.clone(),
            identity: self.identity.clone(),
            password: self.password.read("auth_password").await?,
            secret: self.secret.read("auth_secret").await?,
        };
        let mask = Mask::of([&credentials.password, &credentials.secret]);
        let server = MailServer {
            host: self.host.clone(),
            port: self.port,
            hello: self.hello.clone(),
            tls: self.tls,
            tls_settings: self.tls_settings.clone(),
            credentials,
            timeout: TRY_MAX,
        };
        Ok((server, mask))
    }
}
