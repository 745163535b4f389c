//! What the endpoints of the wing are for, in the words of the API's description.

use serde_json::Value as Json;

use super::posts::{PostKeys, TemplateKeys, UpdateKeys};
use crate::access::{Operation, RouteInfo};
use crate::platform::config::keys::Keys;
use crate::platform::config::shape::Shape;
use crate::uptime::config::Check;
use crate::uptime::config::maintenance::Described;
use crate::uptime::status::page::StatusPage;

fn check() -> Json {
    Shape::Keys(Check::shape()).schema()
}

fn maintenance() -> Json {
    Shape::Keys(Described::shape()).schema()
}

fn status_page() -> Json {
    Shape::Keys(StatusPage::shape()).schema()
}

fn post() -> Json {
    Shape::Keys(PostKeys::shape()).schema()
}

fn post_update() -> Json {
    Shape::Keys(UpdateKeys::shape()).schema()
}

fn template() -> Json {
    Shape::Keys(TemplateKeys::shape()).schema()
}

const ALL: &[(&str, &str, Operation)] = &[
    ("GET", "/api/v1/checks", Operation::new("Every check and its state", "A list of checks")),
    ("POST", "/api/v1/checks", Operation::new("Makes a check, which is watched at once", "Its id and name").body(check)),
    ("GET", "/api/v1/checks/export", Operation::new("All checks as a file in YAML, secrets hidden", "")),
    (
        "POST",
        "/api/v1/checks/import",
        Operation::new(
            "Takes over checks of Uptime Kuma, Uptime Robot, Gatus or another pharos from the file that is the body",
            "What was made",
        )
        .query(&[("dry_run", "true for only saying what would be made")]),
    ),
    (
        "GET",
        "/api/v1/checks/{name}",
        Operation::new(
            "A check by its name or id; with .yaml after that as a file that can be taken over again, secrets hidden",
            "Its state, and its figures for a day, 7, 30 and 90 days and a year",
        )
        .query(&[("format", "yaml for the file, json unless told")]),
    ),
    (
        "PUT",
        "/api/v1/checks/{name}",
        Operation::new("Changes a check; what says <secret> stays as it is, as long as it goes where it went", "Its id and name")
            .body(check),
    ),
    ("DELETE", "/api/v1/checks/{name}", Operation::new("Deletes a check and everything that is known of it", "Nothing")),
    (
        "GET",
        "/api/v1/checks/{name}/figures",
        Operation::new("Figures of a check in any length of time, this month unless told", "From when until when, and its figures").query(
            &[
                ("month", "Such as 2026-10, 2026-Q4 or 2026"),
                ("time_zone", "By whose clock, such as Europe/Berlin; UTC unless told"),
                ("from", "From then instead, in RFC 3339"),
                ("until", "Until then, now unless told"),
            ],
        ),
    ),
    ("POST", "/api/v1/checks/{name}/probe", Operation::new("Probes a check as soon as may be", "Nothing")),
    (
        "GET",
        "/api/v1/incidents",
        Operation::new(
            "What was down, the newest first",
            "A list of incidents; maintenance says how much of each lies in it: none, part or whole",
        )
        .query(&[("check", "Of one check, by its name or id"), ("days", "Of so many days, 30 unless told")]),
    ),
    ("GET", "/api/v1/maintenance", Operation::new("Every maintenance", "A list of maintenance")),
    ("POST", "/api/v1/maintenance", Operation::new("Announces maintenance", "Its id").body(maintenance)),
    ("GET", "/api/v1/maintenance/{id}", Operation::new("A maintenance, by its id", "The maintenance")),
    (
        "PUT",
        "/api/v1/maintenance/{id}",
        Operation::new("Changes maintenance; what is over stays as it was", "Its id from now on").body(maintenance),
    ),
    ("DELETE", "/api/v1/maintenance/{id}", Operation::new("Ends maintenance, or takes back what has not begun", "Nothing")),
    ("GET", "/api/v1/status-pages", Operation::new("Every status page", "A list of status pages")),
    ("POST", "/api/v1/status-pages", Operation::new("Makes a status page", "The status page").body(status_page)),
    ("GET", "/api/v1/status-pages/{slug}", Operation::new("A status page, as it is written", "The status page")),
    ("PUT", "/api/v1/status-pages/{slug}", Operation::new("Changes a status page", "The status page").body(status_page)),
    ("DELETE", "/api/v1/status-pages/{slug}", Operation::new("Deletes a status page and everything told on it", "Nothing")),
    (
        "GET",
        "/api/v1/status-pages/{slug}/followers",
        Operation::new("Who follows a status page, by mail or webhook", "A list of followers"),
    ),
    (
        "POST",
        "/api/v1/status-pages/{slug}/followers",
        Operation::new("Calls a webhook with everything that is told on a status page", "The follower"),
    ),
    ("DELETE", "/api/v1/status-pages/{slug}/followers/{id}", Operation::new("Somebody follows a status page no more", "Nothing")),
    ("GET", "/api/v1/status-pages/{slug}/logo", Operation::new("The logo of a status page, as it was sent", "")),
    (
        "PUT",
        "/api/v1/status-pages/{slug}/logo",
        Operation::new("Changes the logo of a status page; the body is the picture: SVG, PNG, WebP or JPEG, 100 kB at most", "Its type"),
    ),
    ("DELETE", "/api/v1/status-pages/{slug}/logo", Operation::new("Takes the logo of a status page away", "Nothing")),
    (
        "GET",
        "/api/v1/checks/{name}/badge/{what}",
        Operation::new("How a check of a public status page does, as SVG: status.svg, uptime.svg or latency.svg", ""),
    ),
    ("GET", "/api/v1/status-pages/{slug}/posts", Operation::new("What was told on a status page, the newest first", "A list of posts")),
    ("POST", "/api/v1/status-pages/{slug}/posts", Operation::new("Tells something on a status page", "The post").body(post)),
    ("GET", "/api/v1/status-pages/{slug}/posts/{id}", Operation::new("A post with its updates", "The post")),
    ("DELETE", "/api/v1/status-pages/{slug}/posts/{id}", Operation::new("Deletes a post", "Nothing")),
    ("POST", "/api/v1/status-pages/{slug}/posts/{id}/updates", Operation::new("Tells more of a post", "The post").body(post_update)),
    (
        "PUT",
        "/api/v1/status-pages/{slug}/posts/{id}/updates/{update}",
        Operation::new("Puts an update of a post in other words; nobody is told again", "The post").body(post_update),
    ),
    (
        "DELETE",
        "/api/v1/status-pages/{slug}/posts/{id}/updates/{update}",
        Operation::new("Takes an update of a post back, unless it is the only one", "The post"),
    ),
    ("GET", "/api/v1/status-pages/{slug}/drafts", Operation::new("Posts that only editors see yet, the newest first", "A list of drafts")),
    ("POST", "/api/v1/status-pages/{slug}/drafts", Operation::new("Keeps a post as a draft; it need not be whole", "The draft").body(post)),
    ("PUT", "/api/v1/status-pages/{slug}/drafts/{id}", Operation::new("Changes a draft", "The draft").body(post)),
    ("DELETE", "/api/v1/status-pages/{slug}/drafts/{id}", Operation::new("Deletes a draft", "Nothing")),
    ("POST", "/api/v1/status-pages/{slug}/drafts/{id}/publish", Operation::new("Tells what was a draft", "The post")),
    (
        "GET",
        "/api/v1/status-templates",
        Operation::new("Texts to choose from where something is told, but for built-in ones", "A list of templates"),
    ),
    ("POST", "/api/v1/status-templates", Operation::new("Keeps a text to choose from", "The template").body(template)),
    ("PUT", "/api/v1/status-templates/{id}", Operation::new("Changes name, stage and text of a template", "The template").body(template)),
    ("DELETE", "/api/v1/status-templates/{id}", Operation::new("Deletes a template; a built-in text that it stood for is back", "Nothing")),
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
pub(in crate::uptime) fn operation(route: &RouteInfo) -> Option<Operation> {
    ALL.iter().find(|(methods, path, _)| (*methods, *path) == (route.methods, route.path)).map(|(.., operation)| *operation)
}
