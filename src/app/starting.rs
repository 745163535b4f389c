//! What the port answers while storage is being opened: that the process lives, and what it is waiting for.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum_server::Handle;
use http::StatusCode;
use tokio::task::JoinHandle;

use crate::metrics::{ReplayProgress, ReplayStatus};
use crate::platform::http::problem::Problem;
use crate::platform::http::server::{Intake, serve};

/// When whoever asks should ask again, in seconds.
const AGAIN_S: u32 = 2;
/// Answers under way get this long when the server is ready.
const GRACE: Duration = Duration::from_millis(200);

/// Answers on the port until storage is open.
pub(super) struct Starting {
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Starting {
    /// Begins to answer. Call it inside the runtime.
    pub(super) fn begin(listener: &TcpListener, progress: Arc<ReplayProgress>, intake: Intake) -> std::io::Result<Self> {
        let handle = Handle::new();
        let serving = tokio::spawn(serve(listener.try_clone()?, router(progress), handle.clone(), intake));
        Ok(Self { handle, serving })
    }

    /// Leaves the port to the server itself.
    pub(super) async fn end(self) {
        self.handle.graceful_shutdown(Some(GRACE));
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "answering during the start ended with an error"),
            Err(error) => tracing::error!(%error, "answering during the start panicked"),
        }
    }
}

/// Health as ever; everything else is to come.
fn router(progress: Arc<ReplayProgress>) -> Router {
    let unready = move || {
        let words = format!("Service Unavailable: {}", waits_for(&progress.status()));
        std::future::ready(Problem::new(StatusCode::SERVICE_UNAVAILABLE, words).retry_after_s(AGAIN_S))
    };
    Router::new().route("/-/healthy", get(|| std::future::ready("Prometheus Server is Healthy.\n"))).fallback(unready)
}

fn waits_for(replay: &ReplayStatus) -> String {
    if replay.done {
        return "storage is open, the rest is being started".to_owned();
    }
    if replay.max < replay.min || replay.max == 0 {
        return "storage is being opened".to_owned();
    }
    let (at, of) = (replay.current.saturating_sub(replay.min) + 1, replay.max - replay.min + 1);
    format!("the log is being read back, segment {} of {of}", at.min(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_it_is() {
        let status = |min, max, current, done| ReplayStatus { min, max, current, done, took_ms: 0 };
        for (replay, words) in [
            (status(0, 0, 0, false), "storage is being opened"),
            (status(3, 9, 3, false), "the log is being read back, segment 1 of 7"),
            (status(3, 9, 9, false), "the log is being read back, segment 7 of 7"),
            (status(3, 9, 0, false), "the log is being read back, segment 1 of 7"),
            (status(3, 9, 9, true), "storage is open, the rest is being started"),
        ] {
            assert_eq!(waits_for(&replay), words);
        }
    }
}
