//! A server that records requests, and answers `200 ok` unless told otherwise.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

/// A request.
#[derive(Debug, Clone)]
pub(in super::super) struct Sent {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Status, headers, body.
type Answer = (u16, Vec<(String, String)>, String);

#[derive(Default)]
struct Log {
    sent: VecDeque<Sent>,
    answers: VecDeque<Answer>,
}

#[derive(Clone)]
pub(in super::super) struct Recorder {
    log: Arc<Mutex<Log>>,
    came: Arc<tokio::sync::Notify>,
    base: String,
}

impl Recorder {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let recorder = Self { log: Arc::default(), came: Arc::default(), base };
        let router = Router::new().fallback(record).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        recorder
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What to answer next, behind what was said before.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.log.lock().answers.push_back((status, headers, body.to_owned()));
    }

    /// The oldest request not taken yet.
    pub fn take(&self) -> Sent {
        self.log.lock().sent.pop_front().expect("a request")
    }

    /// All requests not taken yet.
    pub fn take_all(&self) -> Vec<Sent> {
        self.log.lock().sent.drain(..).collect()
    }

    /// The same, waiting for it.
    pub async fn next(&self) -> Sent {
        loop {
            let came = self.came.notified();
            if let Some(sent) = self.log.lock().sent.pop_front() {
                return sent;
            }
            came.await;
        }
    }

    pub fn forget(&self) {
        let mut log = self.log.lock();
        log.sent.clear();
        log.answers.clear();
    }
}

async fn record(State(recorder): State<Recorder>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if uri.path() == "/never" {
        std::future::pending::<()>().await;
    }
    let body = String::from_utf8(body.to_vec()).unwrap();
    let path = uri.path_and_query().unwrap().to_string();
    let answer = {
        let mut log = recorder.log.lock();
        log.sent.push_back(Sent { method: method.to_string(), path, headers, body });
        log.answers.pop_front()
    };
    recorder.came.notify_one();
    let (status, headers, body) = answer.unwrap_or_else(|| usual(uri.path()));
    let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        answer.headers_mut().insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    answer
}

/// What clients want to read where nothing else is said.
fn usual(path: &str) -> Answer {
    let body = match path {
        path if path.ends_with("/sendMessage") => r#"{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":-5,"type":"group"}}}"#,
        path if path.starts_with("/sns") => "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
        path if path.ends_with("/gettoken") => r#"{"errcode":0,"access_token":"t0kent0ken"}"#,
        path if path.ends_with("/message/send") => r#"{"errcode":0,"errmsg":"ok"}"#,
        _ => "ok",
    };
    (200, Vec::new(), body.to_owned())
}
