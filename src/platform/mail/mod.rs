//! Sends mail: one letter to one server over SMTP (RFC 5321), with STARTTLS or TLS from the start, and sign-in by
//! CRAM-MD5, PLAIN or LOGIN.
//!
//! Everything that the server says is read with a limit, and the whole is bounded in time by [`MailServer::timeout`].

mod conversation;
mod sign_in;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::net::TcpStream;

use crate::base::secret::Secret;
use crate::platform::http::client::{Stream, TlsSettings, secure};

use conversation::Conversation;

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// With the connection.
    Implicit,
    /// By `STARTTLS`, without which nothing is sent.
    Start,
    /// Not at all.
    Off,
}

/// Who we are; what is empty is not set.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The user; without one nobody signs in.
    pub username: String,
    /// On whose behalf, for PLAIN.
    pub identity: String,
    /// For PLAIN and LOGIN.
    pub password: Secret,
    /// For CRAM-MD5.
    pub secret: Secret,
}

/// A server that takes mail.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// Its host, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name to greet it with.
    pub hello: String,
    /// How TLS begins.
    pub tls: Tls,
    /// Certificates and versions.
    pub tls_settings: TlsSettings,
    /// Who we are.
    pub credentials: Credentials,
    /// Time for everything.
    pub timeout: Duration,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'l> {
    /// The sender's address.
    pub from: &'l str,
    /// The receivers' addresses.
    pub to: &'l [String],
    /// Headers and body, lines ended by CR and LF.
    pub text: &'l [u8],
}

/// Why a letter was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MailError {
    /// In words, without passwords.
    pub reason: String,
    /// Whether the server said so for good, by a code from 500 on.
    pub is_final: bool,
}

impl MailError {
    fn new(what: &str, reason: impl std::fmt::Display) -> Self {
        Self { reason: format!("{what}: {reason}"), is_final: false }
    }
}

impl MailServer {
    /// Sends a letter; gives what the server said in the end.
    ///
    /// # Errors
    /// Which step failed, and why.
    pub async fn deliver(&self, letter: Letter<'_>) -> Result<String, MailError> {
        match tokio::time::timeout(self.timeout, self.converse(letter)).await {
            Ok(done) => done,
            Err(_) => Err(MailError::new("send mail", format!("no end after {} s", self.timeout.as_secs()))),
        }
    }

    fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    async fn converse(&self, letter: Letter<'_>) -> Result<String, MailError> {
        for address in letter.to.iter().map(String::as_str).chain([letter.from]) {
            if address.is_empty() || address.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>')) {
                return Err(MailError { reason: format!("{address:?} is no address that mail can be sent to"), is_final: true });
            }
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let mut stream: Box<dyn Stream> = Box::new(stream.map_err(|error| MailError::new("establish connection to server", error))?);
        if self.tls == Tls::Implicit {
            let secured = secure(stream, &self.host, &self.tls_settings).await;
            stream = secured.map_err(|error| MailError::new("establish TLS connection to server", error))?;
        }
        let mut server = Conversation::new(stream, self.tls == Tls::Implicit);
        server.expect("create SMTP client", 220).await?;
        server.greet(&self.hello).await?;
        if self.tls == Tls::Start {
            if server.offered("STARTTLS").is_none() {
                let reason = format!("'require_tls' is true (default) but {:?} does not advertise the STARTTLS extension", self.address());
                return Err(MailError { reason, is_final: false });
            }
            server.say("send STARTTLS command", "STARTTLS", 220).await?;
            // What came before TLS counts for nothing behind it.
            let secured = secure(server.into_stream()?, &self.host, &self.tls_settings).await;
            let stream = secured.map_err(|error| MailError::new("send STARTTLS command", error))?;
            server = Conversation::new(stream, true);
            server.greet(&self.hello).await?;
        }
        sign_in::sign_in(&mut server, &self.credentials, &self.host).await?;
        let answer = server.hand_over(letter).await?;
        // The letter is delivered, whatever is said to the goodbye.
        let _goodbye = server.say("send QUIT command", "QUIT", 221).await;
        Ok(answer)
    }
}
