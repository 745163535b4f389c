//! Targets from an HTTP endpoint that answers with JSON.

use std::time::Duration;

use http::HeaderValue;

use super::group::{TARGETS_MAX, parse_json};
use super::{GROUP_BYTES_MAX, ProviderStatus, Sink, TargetGroup};
use crate::base::clock::SharedClock;
use crate::metrics::model::config::HttpSd;
use crate::platform::http::client::{HttpClient, Request, client_settings, decode_body};

/// Asks again and again until nobody listens.
pub async fn run(config: HttpSd, clock: SharedClock, sink: Sink, status: ProviderStatus) {
    // A refresh without pause would be a flood.
    let interval = config.refresh_interval.to_std().max(Duration::from_millis(100));
    let client = match HttpClient::new(client_settings(&config.http), clock) {
        Ok(client) => client,
        Err(error) => return status.note("http", Err(error.to_string())),
    };
    let mut ticker = tokio::time::interval(interval);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last: Option<Vec<TargetGroup>> = None;
    loop {
        ticker.tick().await;
        match refresh(&client, &config, interval).await {
            Ok(groups) => {
                status.note("http", Ok(()));
                if last.as_ref() != Some(&groups) {
                    last = Some(groups.clone());
                    if !sink.send(groups).await {
                        return;
                    }
                }
            }
            Err(error) => status.note("http", Err(error)),
        }
    }
}

/// Asks once.
async fn refresh(client: &HttpClient, config: &HttpSd, timeout: Duration) -> Result<Vec<TargetGroup>, String> {
    let mut request = Request::get(config.url.expose().clone(), timeout);
    request.headers.insert("accept", HeaderValue::from_static("application/json"));
    request.headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
    let secs = crate::base::float::plain(config.refresh_interval.secs_f64());
    if let Ok(value) = HeaderValue::from_str(&secs) {
        request.headers.insert("x-prometheus-refresh-interval-seconds", value);
    }
    let response = client.send(request).await.map_err(|error| error.to_string())?;
    if response.status() != http::StatusCode::OK {
        return Err(format!("server returned HTTP status {}", response.status_line()));
    }
    let content_type = response.header("content-type").to_owned();
    if !is_json(&content_type) {
        return Err(format!("unsupported content type {}", crate::series::labels::quote(&content_type)));
    }
    let encoding = response.encoding();
    let mut raw = Vec::new();
    response.read_body(GROUP_BYTES_MAX, &mut raw).await.map_err(|error| error.to_string())?;
    let url = config.url.to_string();
    let parsed = tokio::task::spawn_blocking(move || {
        let mut body = Vec::new();
        decode_body(encoding, &raw, GROUP_BYTES_MAX, &mut body).map_err(|error| error.to_string())?;
        let groups = parse_json(&body)?.into_iter().enumerate();
        Ok::<_, String>(groups.map(|(index, group)| group.into_group(format!("{url}:{index}"), "__meta_url", &url)).collect::<Vec<_>>())
    });
    let groups = parsed.await.map_err(|error| error.to_string())??;
    debug_assert!(groups.iter().map(|group| group.targets.len()).sum::<usize>() <= TARGETS_MAX);
    Ok(groups)
}

/// `application/json`, with no parameter but `charset=utf-8`; any case.
fn is_json(content_type: &str) -> bool {
    let lower = content_type.trim().to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("application/json") else { return false };
    match rest.strip_prefix(';') {
        None => rest.is_empty(),
        Some(parameter) => matches!(parameter.trim_start(), "charset=utf-8" | "charset=\"utf-8\""),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::IntoResponse;
    use axum::routing::get;
    use tokio::sync::mpsc;

    use super::*;
    use crate::base::clock::SystemClock;
    use crate::base::time::Duration as ConfigDuration;
    use crate::metrics::model::config::{ConfigUrl, HttpClientConfig};
    use crate::series::labels::Labels;

    #[test]
    fn content_types() {
        for (header, fits) in [
            ("application/json", true),
            ("APPLICATION/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("application/jsonx", false),
            ("text/plain", false),
            ("", false),
        ] {
            assert_eq!(is_json(header), fits, "{header}");
        }
    }

    #[tokio::test]
    async fn refreshes_and_keeps_targets_through_failures() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let answer = move |headers: HeaderMap| async move {
            assert_eq!(headers["x-prometheus-refresh-interval-seconds"], "0.1");
            let json = [("content-type", "application/json")];
            match counter.fetch_add(1, Ordering::SeqCst) {
                0 => (json, r#"[{"targets":["a:1"],"labels":{"x":"y"}}]"#).into_response(),
                1 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                2 => (json, "[{").into_response(),
                3 => ([("content-type", "text/html")], "[]").into_response(),
                _ => (json, "[]").into_response(),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sd", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/sd", get(answer))).await.unwrap() });
        let (out, mut updates) = mpsc::channel(4);
        let config = HttpSd {
            url: ConfigUrl::parse(&url).unwrap(),
            refresh_interval: ConfigDuration::from_ms(100),
            http: HttpClientConfig::default(),
        };
        let status = ProviderStatus::default();
        let task = tokio::spawn(run(config, Arc::new(SystemClock::new()), Sink::new(7, out), status.clone()));
        let first = updates.recv().await.unwrap();
        assert_eq!(first.provider, 7);
        assert_eq!(first.groups[0].source, format!("{url}:0"));
        assert_eq!(first.groups[0].labels, Labels::from_pairs([("x", "y"), ("__meta_url", url.as_str())]));
        // The three failures in between change nothing; the next thing heard is the empty list.
        assert_eq!(updates.recv().await.unwrap().groups, []);
        assert!(asked.load(Ordering::SeqCst) >= 5);
        assert_eq!(status.last_error(), None);
        task.abort();
    }
}
