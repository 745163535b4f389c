//! What the endpoints of the wing are for, in the words of the API's description.

use serde_json::Value as Json;

use crate::access::{Operation, RouteInfo};
use crate::platform::config::keys::Keys;
use crate::platform::config::shape::Shape;
use crate::uptime::config::Check;
use crate::uptime::config::maintenance::Described;

fn check() -> Json {
    Shape::Keys(Check::shape()).schema()
}

fn maintenance() -> Json {
    Shape::Keys(Described::shape()).schema()
}

const ALL: &[(&str, &str, Operation)] = &[
    ("GET", "/api/v1/checks", Operation::new("Every check and its state", "A list of checks")),
    ("POST", "/api/v1/checks", Operation::new("Makes a check, which is watched at once", "Its id and name").body(check)),
    ("GET", "/api/v1/checks/export", Operation::new("All checks as a file in YAML, secrets hidden", "")),
    (
        "POST",
        "/api/v1/checks/import",
        Operation::new("Takes over checks of Uptime Kuma, Uptime Robot, Gatus or another pharos from the file that is the body", "What was made")
            .query(&[("dry_run", "true for only saying what would be made")]),
    ),
    (
        "GET",
        "/api/v1/checks/{name}",
        Operation::new("A check by its name or id", "Its state, and its figures for a day, 7, 30 and 90 days and a year"),
    ),
    ("PUT", "/api/v1/checks/{name}", Operation::new("Changes a check; what says <secret> stays as it is", "Its id and name").body(check)),
    ("DELETE", "/api/v1/checks/{name}", Operation::new("Deletes a check and everything that is known of it", "Nothing")),
    ("POST", "/api/v1/checks/{name}/probe", Operation::new("Probes a check as soon as may be", "Nothing")),
    (
        "GET",
        "/api/v1/incidents",
        Operation::new("What was down, the newest first", "A list of incidents")
            .query(&[("check", "Of one check, by its name or id"), ("days", "Of so many days, 30 unless told")]),
    ),
    ("GET", "/api/v1/maintenance", Operation::new("Every maintenance", "A list of maintenance")),
    ("POST", "/api/v1/maintenance", Operation::new("Announces maintenance", "Its id").body(maintenance)),
    ("GET", "/api/v1/maintenance/{id}", Operation::new("A maintenance", "The maintenance")),
    (
        "PUT",
        "/api/v1/maintenance/{id}",
        Operation::new("Changes maintenance; what is over stays as it was", "Its id from now on").body(maintenance),
    ),
    ("DELETE", "/api/v1/maintenance/{id}", Operation::new("Ends maintenance, or takes back what has not begun", "Nothing")),
    (
        "GET, POST, PUT",
        "/api/v1/heartbeats/{token}",
        Operation::new("A job went well", "").query(&[("took", "For how many seconds it ran")]),
    ),
    (
        "GET, POST, PUT",
        "/api/v1/heartbeats/{token}/{said}",
        Operation::new("A job ended with an exit code, or failed (fail)", "").query(&[("took", "For how many seconds it ran")]),
    ),
    (
        "GET, POST, PUT",
        "/api/push/{token}",
        Operation::new("A job says how it is, as it did to Uptime Kuma", "").query(&[
            ("status", "up, or anything else for a failure"),
            ("msg", "What there is to say"),
            ("ping", "For how many milliseconds it ran"),
        ]),
    ),
];

/// What a route is for.
pub(super) fn operation(route: &RouteInfo) -> Option<Operation> {
    ALL.iter().find(|(methods, path, _)| (*methods, *path) == (route.methods, route.path)).map(|(.., operation)| *operation)
}
