//! Databases of PostgreSQL, which are only read: each question in a transaction that changes nothing, with a time after
//! which the server gives up, and no more rows than are wanted.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use super::{AskError, CohortRows, Numbers, words};
use crate::base::location::Location;
use crate::business::config::kpi::SqlSource;
use crate::platform::http::client::{Stream, TlsSettings, secure};

/// How long connecting and signing in may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the server works on a question.
const STATEMENT_WITHIN_MS: u32 = 30_000;
/// How long pharos waits for it in all.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// Rows of one answer at most.
const ROWS_MAX: usize = 5_000;
/// Bytes of its names at most.
const NAME_BYTES_MAX: usize = 1_000_000;
const USUAL_PORT: u16 = 5432;

/// Why the database said no, without what might be secret.
fn words_of(error: &tokio_postgres::Error) -> AskError {
    let Some(said) = error.as_db_error() else {
        let why = std::error::Error::source(error).map_or_else(|| error.to_string(), |inner| format!("{error}: {inner}"));
        return AskError::Failed(format!("the database does not answer: {why}"));
    };
    let code = said.code().code();
    let message = format!("the database answered with an error: {} ({code})", said.message());
    // Classes of SQLSTATE: what is wrong with the query, or what it tries to change.
    if code.starts_with("42") || code.starts_with("22") || code == "25006" { AskError::Wrong(message) } else { AskError::Failed(message) }
}

async fn reach(config: &Config) -> Result<(Box<dyn Stream>, String), AskError> {
    let port = config.get_ports().first().copied().unwrap_or(USUAL_PORT);
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => {
            let stream = TcpStream::connect((host.as_str(), port)).await;
            let stream = stream.map_err(|error| AskError::Failed(format!("no connection to {host}:{port}: {error}")))?;
            Ok((Box::new(stream), host.clone()))
        }
        Some(Host::Unix(folder)) => {
            let path = folder.join(format!(".s.PGSQL.{port}"));
            let stream = UnixStream::connect(&path).await;
            let stream = stream.map_err(|error| AskError::Failed(format!("no connection to {}: {error}", path.display())))?;
            Ok((Box::new(stream), String::new()))
        }
        None => Err(AskError::Wrong("database: there is no host in it".to_owned())),
    }
}

/// Asks for TLS where that is wanted, as `sslmode` of the address says; `prefer` goes on without where there is none.
async fn with_tls(config: &Config, mut stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, AskError> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Its length, and a number that stands for the request.
    const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    if config.get_ssl_mode() == SslMode::Disable || host.is_empty() {
        return Ok(stream);
    }
    let hung_up = |error: std::io::Error| AskError::Failed(format!("the database hung up when it was asked for TLS: {error}"));
    stream.write_all(&TLS_REQUEST).await.map_err(hung_up)?;
    stream.flush().await.map_err(hung_up)?;
    match stream.read_u8().await.map_err(hung_up)? {
        b'S' => secure(stream, host, &TlsSettings::default()).await.map_err(|why| AskError::Failed(format!("TLS of the database: {why}"))),
        b'N' if config.get_ssl_mode() == SslMode::Prefer => Ok(stream),
        b'N' => Err(AskError::Failed("the database does not speak TLS, which sslmode=require wants".to_owned())),
        _ => Err(AskError::Failed("what answered does not speak as PostgreSQL does".to_owned())),
    }
}

/// Ends the connection's work when it goes.
struct Session {
    client: Client,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn open(source: &SqlSource, location: Location) -> Result<Session, AskError> {
    let mut config: Config = source.database.parse().map_err(|_| AskError::Wrong("database: it is no address of a database".to_owned()))?;
    if !source.password.is_empty() {
        config.password(source.password.expose());
    }
    config.application_name("pharos");
    let connect = async {
        let (stream, host) = reach(&config).await?;
        let stream = with_tls(&config, stream, &host).await?;
        // TLS is there already, or not wanted.
        config.ssl_mode(SslMode::Disable);
        config.connect_raw(stream, NoTls).await.map_err(|error| words_of(&error))
    };
    let late = |_| AskError::Failed("the database took too long to sign in".to_owned());
    let (client, connection) = tokio::time::timeout(CONNECT_WITHIN, connect).await.map_err(late)??;
    let driver = tokio::spawn(async move {
        let _its_error_is_the_answers = connection.await.is_err();
    });
    let session = Session { client, driver };
    // The name of a place is one of a list, so nothing has to be quoted.
    let zone = if location == Location::Local { "UTC" } else { location.as_str() };
    let begin = format!("BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {STATEMENT_WITHIN_MS}; SET LOCAL TimeZone = '{zone}'");
    session.client.batch_execute(&begin).await.map_err(|error| words_of(&error))?;
    Ok(session)
}

/// The rows of a query, as many as may be.
async fn rows(session: &Session, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, AskError> {
    let ask = async {
        let statement = session.client.prepare(text).await.map_err(|error| words_of(&error))?;
        let found = session.client.query_raw(&statement, parameters.iter().copied()).await.map_err(|error| words_of(&error))?;
        let mut found = std::pin::pin!(found);
        let mut rows = Vec::new();
        while let Some(row) = found.try_next().await.map_err(|error| words_of(&error))? {
            if rows.len() == ROWS_MAX {
                return Err(AskError::Wrong(format!("the query gives more than {ROWS_MAX} rows")));
            }
            rows.push(row);
        }
        Ok(rows)
    };
    tokio::time::timeout(ANSWER_WITHIN, ask).await.map_err(|_| AskError::Failed("the database took too long to answer".to_owned()))?
}

fn cell<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, AskError> {
    row.try_get(column).map_err(|error| words_of(&error))
}

/// The numbers of a period.
pub(super) async fn numbers(source: &SqlSource, within: &Range<i64>, label: Option<&str>, location: Location) -> Result<Numbers, AskError> {
    let session = open(source, location).await?;
    let instant = |ms: i64| SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let (from, until) = (instant(within.start), instant(within.end));
    let segment = if label.is_some() { "asked.segment::text" } else { "''::text" };
    // A line of its own, so that a remark at the end of the query does not reach further.
    // Both parameters are named in any case, so that a query may leave one out.
    let text = format!(
        "SELECT {segment}, asked.value::float8 FROM (\n{}\n) AS asked WHERE ($1::timestamptz) <= ($2::timestamptz) LIMIT {}",
        words::sql(&source.query, label),
        ROWS_MAX + 1
    );
    let mut found = Numbers::new();
    let mut bytes = 0;
    for row in rows(&session, &text, &[&from, &until]).await? {
        let (name, value): (Option<String>, Option<f64>) = (cell(&row, 0)?, cell(&row, 1)?);
        let name = name.unwrap_or_default();
        bytes += name.len();
        if bytes > NAME_BYTES_MAX {
            return Err(AskError::Wrong("the names of the segments are too long".to_owned()));
        }
        if let Some(value) = value.filter(|value| value.is_finite()) {
            found.push((name, value));
        }
    }
    if label.is_none() && found.len() > 1 {
        return Err(AskError::Wrong(format!("the query gives {} rows, expected one: add them up, or write $segment", found.len())));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(AskError::Wrong(format!("the query gives more than one row with the segment {:?}", pair[0].0)));
    }
    Ok(found)
}

/// Cohorts: the columns cohort, age and value.
pub(super) async fn cohorts(source: &SqlSource, query: &str) -> Result<CohortRows, AskError> {
    let session = open(source, Location::Utc).await?;
    let query = query.trim().trim_end_matches(';');
    let text = format!(
        "SELECT asked.cohort::text, asked.age::int4, asked.value::float8 FROM (\n{query}\n) AS asked \
         WHERE asked.value IS NOT NULL AND asked.age >= 0 LIMIT {}",
        ROWS_MAX + 1
    );
    let found = rows(&session, &text, &[]).await?;
    let row = |row: &Row| {
        let (cohort, age, value): (Option<String>, i32, f64) = (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?);
        Ok((cohort.unwrap_or_default(), u32::try_from(age).unwrap_or(0), value))
    };
    found.iter().map(row).collect()
}
