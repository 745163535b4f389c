//! PostgreSQL: signs in, and asks a question whose first answer has to be something.

use std::future::Future;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::conversation::secure;
use super::record::Record;
use super::tcp::Reach;
use super::{Late, Probing};
use crate::platform::http::client::Stream;
use crate::uptime::config::{PostgresModule, Preference};
use crate::uptime::model::outcome::FailureKind;

/// The request for TLS: its length, and a number that stands for it.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Asked where nothing is to be asked.
const USUAL_QUERY: &str = "SELECT 1";
/// Characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 100;
/// Codes of the server (SQLSTATE) for: who signs in is refused.
const REFUSED: [&str; 2] = ["28P01", "28000"];

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &PostgresModule, target: &str) {
    let reach = Reach { address: Preference { ip4: true, fallback: true }, source: None, tls: None };
    let Some((mut stream, host)) = reach.open(probing, record, target).await else { return };
    if module.is_tls {
        let Some(secured) = begin_tls(probing, record, module, (stream, &host)).await else { return };
        stream = secured;
    }
    let started = record.now();
    ask(probing, record, module, stream).await;
    record.found.outcome.phases.processing = Some(record.now().saturating_sub(started));
}

/// Asks for TLS and agrees on it.
async fn begin_tls(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &PostgresModule,
    (mut stream, host): (Box<dyn Stream>, &str),
) -> Option<Box<dyn Stream>> {
    let asked = async {
        stream.write_all(&TLS_REQUEST).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    match probing.deadline.within(asked).await {
        Err(Late) => record.late("the server was asked for TLS"),
        Ok(Err(error)) => record.fail(FailureKind::Protocol, format!("the server hung up when it was asked for TLS: {error}")),
        Ok(Ok(b'S')) => {
            let (stream, agreed) = secure(probing, record, stream, &module.tls, host).await?;
            record.tls(&agreed, true, false);
            return Some(stream);
        }
        Ok(Ok(b'N')) => record.fail(FailureKind::Tls, "the server does not speak TLS"),
        Ok(Ok(_)) => record.fail(FailureKind::Protocol, "what answered does not speak as PostgreSQL does"),
    }
    None
}

/// Waits for an answer of the server; what goes wrong is written down.
async fn answered<T>(
    probing: &Probing<'_>,
    record: &mut Record,
    doing: &str,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Option<T> {
    match probing.deadline.within(asked).await {
        Err(Late) => {
            record.late(doing);
            None
        }
        Ok(Err(error)) => {
            let (kind, why) = words(&error);
            record.fail(kind, why);
            None
        }
        Ok(Ok(found)) => Some(found),
    }
}

async fn ask(probing: &Probing<'_>, record: &mut Record, module: &PostgresModule, stream: Box<dyn Stream>) {
    let mut config = Config::new();
    config.user(&module.username).application_name("pharos").ssl_mode(SslMode::Disable);
    if !module.password.is_empty() {
        config.password(module.password.expose());
    }
    if !module.database.is_empty() {
        config.dbname(&module.database);
    }
    let Some((client, connection)) = answered(probing, record, "pharos signed in", config.connect_raw(stream, NoTls)).await else { return };
    let driver = tokio::spawn(async move {
        let _its_error_is_the_answers = connection.await.is_err();
    });
    question(probing, record, module, &client).await;
    driver.abort();
}

async fn question(probing: &Probing<'_>, record: &mut Record, module: &PostgresModule, client: &Client) {
    let has_query = !module.query.trim().is_empty();
    if has_query {
        // A question that takes too long is not asked again and again beside itself, and none changes anything.
        let within = probing.deadline.left().as_millis().max(1);
        let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {within}");
        if answered(probing, record, "the question was prepared", client.batch_execute(&begin)).await.is_none() {
            return;
        }
    }
    let query = if has_query { module.query.as_str() } else { USUAL_QUERY };
    record.note("asking", &[("query", query)]);
    let first = answered(probing, record, "an answer of the server was waited for", first_row(client, query)).await;
    let wrong = match first {
        None => return,
        Some(None) => Some("the query finds no row".to_owned()),
        Some(Some(None)) => Some("the first row of the query begins with null".to_owned()),
        Some(Some(Some(text))) if matches!(text.as_str(), "f" | "0") => {
            let shown = if text == "f" { "false" } else { "0" };
            Some(format!("the first row of the query begins with {shown}"))
        }
        Some(Some(Some(text))) => {
            record.note("answered", &[("value", &text)]);
            None
        }
    };
    if let Some(why) = wrong {
        record.fail(FailureKind::Content, why);
    }
}

/// The first value of the first row: none without a row, and none where it is null. What follows is not read.
async fn first_row(client: &Client, query: &str) -> Result<Option<Option<String>>, tokio_postgres::Error> {
    let mut found = std::pin::pin!(client.simple_query_raw(query).await?);
    while let Some(message) = found.next().await {
        if let SimpleQueryMessage::Row(row) = message? {
            let value = if row.is_empty() { None } else { row.try_get(0)? };
            return Ok(Some(value.map(|text| text.chars().take(SHOWN_CHARS_MAX).collect())));
        }
    }
    Ok(None)
}

/// Why there was no answer.
fn words(error: &tokio_postgres::Error) -> (FailureKind, String) {
    if let Some(said) = error.as_db_error() {
        let code = said.code().code();
        let why = match code {
            code if REFUSED.contains(&code) => "the server refuses who signs in",
            "3D000" => "there is no such database",
            "53300" => "the server takes no more connections",
            "57P03" => "the server is starting or stopping",
            "57014" => "the query took too long",
            _ => "the server answered with an error",
        };
        let kind = if code == "57014" { FailureKind::Timeout } else { FailureKind::Status };
        return (kind, format!("{why}: {} ({code})", said.message()));
    }
    if error.is_closed() {
        return (FailureKind::Protocol, "the server hung up without an answer".to_owned());
    }
    let mut why = error.to_string();
    if let Some(inner) = std::error::Error::source(error) {
        why = format!("{why}: {inner}");
    }
    (FailureKind::Protocol, format!("what answered does not speak as PostgreSQL does, or wants another way of signing in: {why}"))
}
