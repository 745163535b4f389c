//! SMTP: whether a mail server greets, says what it can do, and agrees on TLS (RFC 5321, RFC 3207). Nothing is sent to
//! anybody.

use super::conversation::{Over, Talk, secure};
use super::record::Record;
use super::tcp::Reach;
use super::{Probing, span};
use crate::uptime::config::{Preference, SmtpModule, TlsUse};
use crate::uptime::model::outcome::FailureKind;

/// Lines of one reply at most.
const LINES_MAX: usize = 200;
/// What we call ourselves.
const GREETING: &str = "EHLO pharos";
/// A server that is ready, or says goodbye.
const READY: u16 = 220;
/// A command that was done.
const DONE: u16 = 250;

/// A reply: its code and its lines, without the code.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &SmtpModule, target: &str) {
    let at_once = (module.begins_tls == TlsUse::AtOnce).then_some(&module.tls);
    let reach = Reach { address: Preference { ip4: true, fallback: true }, source: None, tls: at_once };
    let Some((stream, host)) = reach.open(probing, record, target).await else { return };
    let started = record.now();
    let mut talk = Talk::new(stream);
    let held = hold(probing, record, module, (&mut talk, &host)).await;
    record.found.outcome.phases.processing = Some(record.now().saturating_sub(started));
    if held.is_ok() {
        // Whether it answers to that is its own affair.
        let _said_goodbye = talk.send(probing, &mut record.aside(), b"QUIT\r".to_vec()).await.is_ok();
    }
}

async fn hold(probing: &Probing<'_>, record: &mut Record, module: &SmtpModule, (talk, host): (&mut Talk, &str)) -> Result<(), Over> {
    reply(probing, record, talk, ("the greeting", READY)).await?;
    let offers = ask(probing, record, talk, (GREETING, DONE)).await?;
    if module.begins_tls != TlsUse::Later {
        return Ok(());
    }
    if !offers.lines.iter().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        record.fail(FailureKind::Tls, "the server does not offer STARTTLS");
        return Err(Over);
    }
    ask(probing, record, talk, ("STARTTLS", READY)).await?;
    let plain = std::mem::replace(talk, Talk::new(Box::new(tokio::io::empty())));
    let Some((stream, agreed)) = secure(probing, record, plain.stream, &module.tls, host).await else { return Err(Over) };
    record.tls(&agreed, true, false);
    // What came before TLS is nobody's.
    *talk = Talk::new(stream);
    ask(probing, record, talk, (GREETING, DONE)).await.map(|_| ())
}

async fn ask(probing: &Probing<'_>, record: &mut Record, talk: &mut Talk, (command, code): (&str, u16)) -> Result<Reply, Over> {
    talk.send(probing, record, format!("{command}\r").into_bytes()).await?;
    reply(probing, record, talk, (command, code)).await
}

/// Reads a reply, which has to have this code.
async fn reply(probing: &Probing<'_>, record: &mut Record, talk: &mut Talk, (to, code): (&str, u16)) -> Result<Reply, Over> {
    let started = record.now();
    let mut found = Reply { code: 0, lines: Vec::new() };
    loop {
        talk.line_within(probing, record, "a reply of the mail server was waited for").await?;
        let line = String::from_utf8_lossy(&talk.line).into_owned();
        record.note("read a line", &[("line", &line)]);
        let Some((number, is_last, text)) = parts(&line).filter(|_| found.lines.len() < LINES_MAX) else {
            record.excerpt(line.as_bytes());
            record.fail(FailureKind::Protocol, "what answered does not speak SMTP");
            return Err(Over);
        };
        found.code = number;
        found.lines.push(text.to_owned());
        if is_last {
            break;
        }
    }
    record.found.outcome.status = Some(found.code);
    if found.code == code {
        return Ok(found);
    }
    let text = found.lines.join(" ");
    record.excerpt(text.as_bytes());
    let took = span(record.now().saturating_sub(started));
    let doing = if to == GREETING || to == "STARTTLS" { format!("answered {to} with") } else { "greeted with".to_owned() };
    record.fail(FailureKind::Status, format!("{doing} {} in {took}, expected {code}: {text}", found.code));
    Err(Over)
}

/// Code, whether it is the last line, and the text of `250-text` or `250 text`.
fn parts(line: &str) -> Option<(u16, bool, &str)> {
    let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    match line.as_bytes().get(3) {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, &line[4..])),
        Some(b'-') => Some((code, false, &line[4..])),
        Some(_) => None,
    }
}
