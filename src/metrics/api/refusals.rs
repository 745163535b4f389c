//! What is refused right now because disk or memory is short: for the doors, `/-/ready` and the status.
//!
//! A server that refuses is still ready: it answers queries, and taking it out of service would end those too. So
//! `/-/ready` stays 200 and names what is refused.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::ApiState;
use crate::base::pressure::{Level, Shed};
use crate::platform::http::problem::Problem;

/// Seconds after which what is refused may come again.
const RETRY_AFTER_S: u32 = 5;

/// Something that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    /// For programs: `samples`, `pushes`, `queries`.
    what: &'static str,
    /// For anyone: neither paths nor numbers.
    public: &'static str,
    /// For those who may read: the reason as storage gives it, where it says more.
    why: String,
}

const DISK_FULL: &str = "Writes are refused: the disk budget is used up. Queries are answered.";
const STORAGE_FAILS: &str = "Writes are refused: storage cannot write to its disk. Queries are answered.";
const MEMORY_SCARCE: &str = "New series, pushed groups, custom metrics and large writes are refused: memory is nearly used up.";
const MEMORY_TIGHT: &str = "Large queries, and more than a few at once, are refused: memory is short.";

fn refusals(disk_full: bool, memory: Level, write_refusal: Option<String>) -> Vec<Refusal> {
    let mut found = Vec::new();
    if let Some(why) = write_refusal {
        found.push(Refusal { what: "samples", public: if disk_full { DISK_FULL } else { STORAGE_FAILS }, why });
    }
    if memory >= Level::Scarce {
        found.push(Refusal { what: "pushes", public: MEMORY_SCARCE, why: MEMORY_SCARCE.to_owned() });
    }
    if memory >= Level::Tight {
        found.push(Refusal { what: "queries", public: MEMORY_TIGHT, why: MEMORY_TIGHT.to_owned() });
    }
    found
}

fn refused_now(state: &ApiState) -> Vec<Refusal> {
    refusals(state.pressure.is_disk_full(), state.pressure.memory(), state.storage.write_refusal())
}

/// The answer of `/-/ready`: the sentence that clients of Prometheus look for, then a line for whatever is refused.
pub(super) fn ready(state: &ApiState) -> Response {
    let mut text = "Prometheus Server is Ready.\n".to_owned();
    for refusal in refused_now(state) {
        text.push_str(refusal.public);
        text.push('\n');
    }
    text.into_response()
}

/// The same for `/api/v1/status/runtimeinfo`, with reasons.
pub(super) fn json_of(state: &ApiState) -> Json {
    refused_now(state).into_iter().map(|refusal| json!({ "what": refusal.what, "why": refusal.why })).collect()
}

/// Why pushed groups and custom metrics, which stay until they are deleted, are not taken now. Asked before the body is
/// read; a disk that fails is found by storage itself, which also finds when it works again.
pub(super) fn no_room(state: &ApiState) -> Option<Problem> {
    let (shed, why) = if state.pressure.is_disk_full() {
        (Shed::Disk, "the disk budget is used up; samples are refused until there is room again")
    } else if state.pressure.memory() >= Level::Scarce {
        (Shed::Write, "memory is nearly used up; pushed groups and custom metrics are refused until there is room again")
    } else {
        return None;
    };
    state.pressure.count(shed);
    Some(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after_s(RETRY_AFTER_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_follows_from_what_is_short() {
        let said = |disk_full, memory, why: Option<&str>| {
            let found = refusals(disk_full, memory, why.map(str::to_owned));
            found.into_iter().map(|refusal| (refusal.what, refusal.public)).collect::<Vec<_>>()
        };
        assert_eq!(said(false, Level::Normal, None), []);
        assert_eq!(said(true, Level::Normal, Some("used up")), [("samples", DISK_FULL)]);
        assert_eq!(
            said(false, Level::Normal, Some("/data/metrics/wal: no space")),
            [("samples", STORAGE_FAILS)],
            "paths are not for anyone"
        );
        assert_eq!(said(false, Level::Tight, None), [("queries", MEMORY_TIGHT)]);
        assert_eq!(said(true, Level::Critical, Some("x")).len(), 3);
        assert_eq!(refusals(false, Level::Normal, Some("no space".to_owned()))[0].why, "no space");
    }
}
