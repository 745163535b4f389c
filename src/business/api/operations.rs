//! What the endpoints of the wing are for, in the words of the API's description.

use serde_json::{Value as Json, json};

use crate::access::{Operation, RouteInfo};
use crate::business::config::digest::Digest;
use crate::business::config::file::{Funnel, Retention};
use crate::business::config::kpi::Kpi;
use crate::platform::config::keys::Keys;
use crate::platform::config::shape::Shape;

fn kpi() -> Json {
    Shape::Keys(Kpi::shape()).schema()
}

fn funnel() -> Json {
    Shape::Keys(Funnel::shape()).schema()
}

fn retention() -> Json {
    Shape::Keys(Retention::shape()).schema()
}

fn digest() -> Json {
    Shape::Keys(Digest::shape()).schema()
}

fn addresses() -> Json {
    json!({ "type": "object", "properties": { "to": { "type": "array", "items": { "type": "string" }, "description": "To whom; to its readers unless told" } } })
}

fn number() -> Json {
    json!({
        "type": "object",
        "required": ["value"],
        "properties": {
            "value": { "type": "number", "description": "How much" },
            "at": { "type": "string", "description": "When, in RFC 3339 or seconds since 1970; now unless told" },
            "period": { "type": "string", "description": "In which period instead, such as 2026-11-22" },
            "segment": { "type": "object", "description": "Of which segment, such as {\"plan\": \"pro\"}" },
        },
    })
}

fn numbers() -> Json {
    json!({ "oneOf": [number(), { "type": "array", "items": number() }] })
}

fn calendar() -> Json {
    json!({
        "type": "object",
        "required": ["timeZone"],
        "properties": { "timeZone": { "type": "string" }, "weekBegins": { "enum": ["monday", "sunday", "saturday"] } },
    })
}

fn names() -> Json {
    json!({ "type": "object", "required": ["names"], "properties": { "names": { "type": "array", "items": { "type": "string" } } } })
}

const ALL: &[(&str, &str, Operation)] = &[
    ("GET", "/api/v1/kpis", Operation::new("Every KPI and how it stands", "A list of KPIs")),
    ("POST", "/api/v1/kpis", Operation::new("Makes a KPI, which is counted from now on", "Its id and name").body(kpi)),
    (
        "POST",
        "/api/v1/kpis/validate",
        Operation::new("Says what is wrong with a KPI, and what it counts now; nothing is kept", "What it counts")
            .body(kpi)
            .query(&[("like", "The KPI whose password is meant by <secret>")]),
    ),
    ("GET", "/api/v1/kpis/export", Operation::new("All KPIs, funnels, retentions and digests as a file in YAML, passwords hidden", "")),
    (
        "POST",
        "/api/v1/kpis/import",
        Operation::new("Makes what stands in a file of the business; what is there already is left out", "What was made")
            .query(&[("dry_run", "true for only saying what would be made")]),
    ),
    ("GET", "/api/v1/kpis/calendar", Operation::new("By whose clock days begin, and with which day weeks do", "The calendar")),
    ("PUT", "/api/v1/kpis/calendar", Operation::new("Chooses the calendar of the business", "The calendar").body(calendar)),
    ("GET", "/api/v1/kpis/templates", Operation::new("Ready KPIs, with what each needs and how to send that", "A list of KPIs")),
    (
        "POST",
        "/api/v1/kpis/templates",
        Operation::new("Makes ready KPIs by name, with those of which they are made", "What was made").body(names),
    ),
    ("GET", "/api/v1/kpis/{name}", Operation::new("A KPI by its name or id, and how it stands", "The KPI")),
    ("PUT", "/api/v1/kpis/{name}", Operation::new("Changes a KPI; what says <secret> stays as it is", "Its id and name").body(kpi)),
    ("DELETE", "/api/v1/kpis/{name}", Operation::new("Deletes a KPI and all its values", "Nothing")),
    (
        "GET",
        "/api/v1/kpis/{name}/values",
        Operation::new("Values of a KPI, the oldest first", "Values, segments, what is foretold").query(&[
            ("grain", "hour, day, week, month, quarter or year"),
            ("from", "The first period, such as 2026-01, or a time in it"),
            ("until", "The last period; the one that goes on unless told"),
            ("segment", "A label by which it is split"),
            ("forecast", "How many periods are foretold"),
            ("format", "csv for a table"),
        ]),
    ),
    (
        "POST",
        "/api/v1/kpis/{name}/values",
        Operation::new("Takes a number of a program, or a list of them, all or none; what is acknowledged is stored", "How many")
            .headers(&[(
                "Idempotency-Key",
                "Names the request: sent again with the same key and body, it counts once for at least 24 hours",
            )])
            .body(numbers),
    ),
    (
        "GET",
        "/api/v1/kpis/{name}/cost",
        Operation::new("What a KPI missed below what its hours usually have, as in an incident", "How much was lost")
            .query(&[("from", "From then, in RFC 3339"), ("until", "Until then, now unless told")]),
    ),
    ("GET", "/api/v1/kpis/{name}/backfill", Operation::new("How far the past of a KPI is filled in", "Progress, or null")),
    (
        "POST",
        "/api/v1/kpis/{name}/backfill",
        Operation::new("Fills in the past of a KPI, the newest first", "Progress").query(&[
            ("from", "From then, in RFC 3339; a year ago unless told"),
            ("until", "Until then, now unless told"),
            ("again", "true for asking again for what is settled"),
        ]),
    ),
    ("DELETE", "/api/v1/kpis/{name}/backfill", Operation::new("Ends filling in; what is filled in stays", "Nothing")),
    ("GET", "/api/v1/funnels", Operation::new("Every funnel", "A list of funnels")),
    ("POST", "/api/v1/funnels", Operation::new("Makes a funnel, instead of the one of its name", "Its name").body(funnel)),
    (
        "GET",
        "/api/v1/funnels/{name}",
        Operation::new("How many go on from step to step of a funnel", "The funnel with values")
            .query(&[("period", "Such as 2026-11; this month unless told")]),
    ),
    ("DELETE", "/api/v1/funnels/{name}", Operation::new("Deletes a funnel", "Nothing")),
    ("GET", "/api/v1/retentions", Operation::new("Every retention", "A list of retentions")),
    ("POST", "/api/v1/retentions", Operation::new("Makes a retention, instead of the one of its name", "Its name").body(retention)),
    ("GET", "/api/v1/retentions/{name}", Operation::new("Who comes back, as a table of cohorts", "The retention with its cohorts")),
    ("DELETE", "/api/v1/retentions/{name}", Operation::new("Deletes a retention", "Nothing")),
    ("GET", "/api/v1/digests", Operation::new("Every letter about KPIs, and what became of it", "A list of digests")),
    ("POST", "/api/v1/digests", Operation::new("Makes a letter that goes out each week or month", "Its name").body(digest)),
    ("GET", "/api/v1/digests/{name}", Operation::new("A digest by its name, and what became of its letters", "The digest")),
    ("PUT", "/api/v1/digests/{name}", Operation::new("Changes a digest", "Its name").body(digest)),
    ("DELETE", "/api/v1/digests/{name}", Operation::new("Deletes a digest", "Nothing")),
    (
        "POST",
        "/api/v1/digests/{name}/send",
        Operation::new("Sends a letter now, about the newest period that is over", "To whom").body(addresses),
    ),
];

/// What a route is for.
pub(in crate::business) fn operation(route: &RouteInfo) -> Option<Operation> {
    ALL.iter().find(|(methods, path, _)| (*methods, *path) == (route.methods, route.path)).map(|(.., operation)| *operation)
}
