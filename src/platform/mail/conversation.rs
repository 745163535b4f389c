//! Lines to and from a mail server.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{Letter, MailError};
use crate::platform::http::client::Stream;

/// Most bytes of an answer, all of its lines together.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Most characters of it in messages.
const SHOWN_CHARS_MAX: usize = 300;

/// A conversation.
pub(super) struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
    /// Whether others cannot listen.
    pub is_secure: bool,
    /// What the server can do.
    extensions: Vec<String>,
}

/// An answer.
pub(super) struct Answer {
    pub code: u16,
    /// Its lines without the code.
    pub lines: Vec<String>,
}

impl Answer {
    /// Whether the code is the wanted one, or begins with the wanted digits.
    fn is(&self, wanted: u16) -> bool {
        self.code == wanted || self.code / 10 == wanted || self.code / 100 == wanted
    }

    /// As it is shown.
    pub fn shown(&self) -> String {
        let text = format!("{} {}", self.code, self.lines.join(" "));
        text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect()
    }

    /// What it means where something else was wanted.
    pub fn refused(&self, what: &str) -> MailError {
        MailError { reason: format!("{what}: {}", self.shown()), is_final: self.code >= 500 }
    }
}

impl Conversation {
    pub fn new(stream: Box<dyn Stream>, is_secure: bool) -> Self {
        Self { stream: BufReader::new(stream), is_secure, extensions: Vec::new() }
    }

    /// The stream beneath, if nothing more has come in.
    pub fn into_stream(self) -> Result<Box<dyn Stream>, MailError> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(MailError::new("send STARTTLS command", "the server spoke on before TLS began"))
        }
    }

    async fn answer(&mut self, what: &str) -> Result<Answer, MailError> {
        let failed = |error: std::io::Error| MailError::new(what, error);
        let mut limited = (&mut self.stream).take(ANSWER_BYTES_MAX);
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            limited.read_until(b'\n', &mut line).await.map_err(failed)?;
            if line.last() != Some(&b'\n') {
                let reason = if limited.limit() == 0 { "the answer is too long" } else { "the server closed the connection" };
                return Err(MailError::new(what, reason));
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = line.get(..3).filter(|code| code.bytes().all(|digit| digit.is_ascii_digit())).and_then(|code| code.parse().ok());
            let Some(code) = code else { return Err(MailError::new(what, "the server does not speak SMTP")) };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Answer { code, lines });
            }
        }
    }

    /// Waits for an answer with a code, or with its first digits.
    pub async fn expect(&mut self, what: &str, wanted: u16) -> Result<Answer, MailError> {
        let answer = self.answer(what).await?;
        if answer.is(wanted) { Ok(answer) } else { Err(answer.refused(what)) }
    }

    /// Sends a line and gives the answer, whatever it is.
    pub async fn ask(&mut self, what: &str, line: &str) -> Result<Answer, MailError> {
        let failed = |error: std::io::Error| MailError::new(what, error);
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        self.answer(what).await
    }

    /// Sends a line and waits for an answer with a code, or with its first digits.
    pub async fn say(&mut self, what: &str, line: &str, wanted: u16) -> Result<Answer, MailError> {
        let answer = self.ask(what, line).await?;
        if answer.is(wanted) { Ok(answer) } else { Err(answer.refused(what)) }
    }

    /// Says who we are, and hears what the server can do.
    pub async fn greet(&mut self, hello: &str) -> Result<(), MailError> {
        const WHAT: &str = "send EHLO command";
        let hello: String = hello.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
        let hello = if hello.is_empty() { "localhost" } else { &hello };
        let answer = self.ask(WHAT, &format!("EHLO {hello}")).await?;
        if answer.is(250) {
            self.extensions = answer.lines.into_iter().skip(1).collect();
        } else {
            // A server of old knows no extensions.
            self.say(WHAT, &format!("HELO {hello}"), 250).await?;
        }
        Ok(())
    }

    /// The parameters of an extension, if the server has it.
    pub fn offered(&self, extension: &str) -> Option<&str> {
        self.extensions.iter().find_map(|line| {
            let (name, parameters) = line.split_once([' ', '=']).unwrap_or((line, ""));
            name.eq_ignore_ascii_case(extension).then_some(parameters)
        })
    }

    /// Hands over a letter; gives what the server said in the end.
    pub async fn hand_over(&mut self, letter: Letter<'_>) -> Result<String, MailError> {
        let has_wide = !letter.from.is_ascii() || letter.to.iter().any(|to| !to.is_ascii());
        let mut mail = format!("MAIL FROM:<{}>", letter.from);
        if self.offered("8BITMIME").is_some() {
            mail.push_str(" BODY=8BITMIME");
        }
        if has_wide && self.offered("SMTPUTF8").is_some() {
            mail.push_str(" SMTPUTF8");
        }
        self.say("send MAIL command", &mail, 250).await?;
        for to in letter.to {
            self.say("send RCPT command", &format!("RCPT TO:<{to}>"), 25).await?;
        }
        self.say("send DATA command", "DATA", 354).await?;
        const WHAT: &str = "delivery failure";
        let failed = |error: std::io::Error| MailError::new(WHAT, error);
        for line in letter.text.split_inclusive(|byte| *byte == b'\n') {
            // A point at the beginning of a line would end the letter.
            if line.first() == Some(&b'.') {
                self.stream.write_all(b".").await.map_err(failed)?;
            }
            self.stream.write_all(line).await.map_err(failed)?;
        }
        let end: &[u8] = if letter.text.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" };
        self.stream.write_all(end).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        Ok(self.expect(WHAT, 250).await?.shown())
    }
}
