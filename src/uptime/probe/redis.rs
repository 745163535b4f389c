//! Redis, and what speaks as it does: signs in where it has to, and sends a PING.

use super::Probing;
use super::conversation::{Over, Talk};
use super::record::Record;
use super::tcp::Reach;
use crate::platform::config::http_client::TlsConfig;
use crate::uptime::config::{Preference, RedisModule};
use crate::uptime::model::outcome::FailureKind;

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &RedisModule, target: &str) {
    let tls = TlsConfig::default();
    let reach = Reach { address: Preference { ip4: true, fallback: true }, source: None, tls: module.is_tls.then_some(&tls) };
    let Some((stream, _)) = reach.open(probing, record, target).await else { return };
    let started = record.now();
    let mut talk = Talk::new(stream);
    // Why it ended is written down.
    let _held = hold(probing, record, module, &mut talk).await.is_ok();
    record.found.outcome.phases.processing = Some(record.now().saturating_sub(started));
}

async fn hold(probing: &Probing<'_>, record: &mut Record, module: &RedisModule, talk: &mut Talk) -> Result<(), Over> {
    if !module.password.is_empty() {
        let mut words = vec!["AUTH"];
        words.extend(Some(module.username.as_str()).filter(|name| !name.is_empty()));
        words.push(module.password.expose());
        ask(probing, record, talk, &words, "OK").await?;
    }
    ask(probing, record, talk, &["PING"], "PONG").await
}

async fn ask(probing: &Probing<'_>, record: &mut Record, talk: &mut Talk, words: &[&str], wanted: &str) -> Result<(), Over> {
    talk.send(probing, record, command(words)).await?;
    talk.line_within(probing, record, "an answer of the server was waited for").await?;
    let line = String::from_utf8_lossy(&talk.line).into_owned();
    record.note("read a line", &[("line", &line)]);
    let (kind, why) = match line.split_at_checked(1) {
        Some(("+", text)) if text == wanted => return Ok(()),
        Some(("+", text)) => (FailureKind::Content, format!("answered {} with {text:?}, expected {wanted}", words[0])),
        Some(("-", text)) => (FailureKind::Status, refusal(text)),
        _ => {
            record.excerpt(line.as_bytes());
            (FailureKind::Protocol, "what answered does not speak as Redis does".to_owned())
        }
    };
    record.fail(kind, why);
    Err(Over)
}

/// A command as an array of texts. The last end of a line is added when it is sent.
fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len());
    for word in words {
        out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    out.pop();
    out.into_bytes()
}

/// What an error of the server means.
fn refusal(text: &str) -> String {
    let meaning = match text.split(' ').next().unwrap_or_default() {
        "NOAUTH" => "the server wants a password",
        "WRONGPASS" => "the server refuses the name or the password",
        "LOADING" => "the server is still loading its data",
        "MASTERDOWN" => "the server has lost the one that it copies",
        "DENIED" => "the server refuses whoever comes from elsewhere",
        _ => return format!("the server answered with an error: {text}"),
    };
    format!("{meaning}: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_texts() {
        assert_eq!(command(&["AUTH", "pä"]), "*2\r\n$4\r\nAUTH\r\n$3\r\npä\r".as_bytes());
        assert!(refusal("WRONGPASS invalid").starts_with("the server refuses the name or the password: WRONGPASS"));
    }
}
