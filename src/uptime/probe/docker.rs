//! Containers: what the engine of Docker, or what answers as it does, says of one.

use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::UnixStream;

use super::record::Record;
use super::tcp::Reach;
use super::{Late, Probing, connect_words};
use crate::platform::http::client::{Stream, USER_AGENT as PHAROS};
use crate::uptime::config::services::DockerHost;
use crate::uptime::config::{DockerModule, Preference};
use crate::uptime::model::outcome::FailureKind;

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters of what a container says of its health that are told.
const SAID_CHARS_MAX: usize = 300;

/// What the engine says of a container, as far as it matters here.
#[derive(Deserialize)]
struct Container {
    #[serde(rename = "State")]
    state: State,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct State {
    status: String,
    running: bool,
    paused: bool,
    restarting: bool,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    exit_code: i64,
    error: String,
    health: Option<Health>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Health {
    status: String,
    log: Option<Vec<Said>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Said {
    exit_code: i64,
    output: String,
}

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &DockerModule, target: &str) {
    let stream: Box<dyn Stream> = match &module.host {
        DockerHost::Unix(path) => {
            let started = record.now();
            match probing.deadline.within(UnixStream::connect(path)).await {
                Err(Late) => return record.late("the socket was being opened"),
                Ok(Err(error)) => {
                    let (kind, why) = connect_words(&error, path);
                    return record.fail(kind, why);
                }
                Ok(Ok(stream)) => {
                    record.found.outcome.phases.connect = Some(record.now().saturating_sub(started));
                    Box::new(stream)
                }
            }
        }
        DockerHost::Tcp(address) => {
            let reach = Reach { address: Preference { ip4: true, fallback: true }, source: None, tls: None };
            match reach.open(probing, record, address).await {
                Some((stream, _)) => stream,
                None => return,
            }
        }
    };
    let started = record.now();
    let answered = probing.deadline.within(inspect(stream, target)).await;
    record.found.outcome.phases.processing = Some(record.now().saturating_sub(started));
    match answered {
        Err(Late) => record.late("an answer of Docker was waited for"),
        Ok(Err(why)) => record.fail(FailureKind::Protocol, format!("what answered does not speak as Docker does: {why}")),
        Ok(Ok((status, body))) => {
            record.found.outcome.status = Some(status.as_u16());
            judge(record, target, status, &body);
        }
    }
}

async fn inspect(stream: Box<dyn Stream>, name: &str) -> Result<(StatusCode, Bytes), String> {
    let request = Request::get(format!("/containers/{name}/json"))
        .header(HOST, "docker")
        .header(USER_AGENT, PHAROS)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driver = tokio::spawn(async move {
        let _its_error_is_the_answers = connection.await.is_err();
    });
    let answered = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    };
    let found = answered.await;
    driver.abort();
    found
}

fn judge(record: &mut Record, name: &str, status: StatusCode, body: &[u8]) {
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return record.fail(FailureKind::Content, format!("there is no container {name}")),
        other => {
            record.excerpt(body);
            return record.fail(FailureKind::Status, format!("Docker answered {other}"));
        }
    }
    match serde_json::from_slice::<Container>(body) {
        Ok(container) => {
            record.note("the container", &[("status", &container.state.status), ("exit_code", &container.state.exit_code.to_string())]);
            if let Some(why) = wrong(&container.state) {
                record.fail(FailureKind::Content, why);
            }
        }
        Err(error) => {
            record.excerpt(body);
            record.fail(FailureKind::Protocol, format!("what Docker answered cannot be read: {error}"));
        }
    }
}

/// What is wrong with a container.
fn wrong(state: &State) -> Option<String> {
    let code = state.exit_code;
    if state.paused {
        return Some("the container is paused".to_owned());
    }
    if state.restarting {
        return Some(format!("the container begins again and again, and ended with exit code {code} last"));
    }
    if !state.running {
        let mut why = match state.status.as_str() {
            "created" => "the container was never started".to_owned(),
            "dead" => "the container is dead".to_owned(),
            "removing" => "the container is being removed".to_owned(),
            _ if state.oom_killed => format!("the container was stopped as it had no memory left, with exit code {code}"),
            _ => format!("the container ended with exit code {code}"),
        };
        if !state.error.is_empty() {
            why.push_str(": ");
            why.push_str(&short(&state.error));
        }
        return Some(why);
    }
    let health = state.health.as_ref()?;
    match health.status.as_str() {
        "healthy" | "none" | "" => None,
        "starting" => Some("the container's health check has not passed yet".to_owned()),
        _ => {
            let last = health.log.as_deref().and_then(<[Said]>::last);
            let said = last.map_or_else(String::new, |last| format!(" with exit code {}: {}", last.exit_code, short(&last.output)));
            Some(format!("the container's health check fails{}", said.trim_end_matches([':', ' '])))
        }
    }
}

fn short(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(state: &str) -> Option<String> {
        wrong(&serde_json::from_str::<Container>(&format!("{{\"State\": {state}}}")).unwrap().state)
    }

    #[test]
    fn a_container_runs_and_is_healthy_or_it_is_said_why_not() {
        assert_eq!(why(r#"{"Status": "running", "Running": true}"#), None);
        assert_eq!(why(r#"{"Running": true, "Health": {"Status": "healthy", "Log": null}}"#), None);
        for (state, said) in [
            (r#"{"Running": true, "Paused": true}"#, "the container is paused"),
            (
                r#"{"Running": true, "Restarting": true, "ExitCode": 3}"#,
                "the container begins again and again, and ended with exit code 3 last",
            ),
            (
                r#"{"Status": "exited", "ExitCode": 137, "OOMKilled": true}"#,
                "the container was stopped as it had no memory left, with exit code 137",
            ),
            (r#"{"Status": "exited", "ExitCode": 1, "Error": "no such file\n"}"#, "the container ended with exit code 1: no such file"),
            (r#"{"Status": "created"}"#, "the container was never started"),
            (r#"{"Running": true, "Health": {"Status": "starting"}}"#, "the container's health check has not passed yet"),
            (r#"{"Running": true, "Health": {"Status": "unhealthy"}}"#, "the container's health check fails"),
            (
                r#"{"Running": true, "Health": {"Status": "unhealthy", "Log": [{"ExitCode": 0}, {"ExitCode": 7, "Output": "curl: (7)\n"}]}}"#,
                "the container's health check fails with exit code 7: curl: (7)",
            ),
        ] {
            assert_eq!(why(state).as_deref(), Some(said));
        }
    }
}
