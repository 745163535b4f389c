//! What the endpoints of the wing are for, in the words of the API's description.

use serde_json::Value as Json;

use crate::access::{Operation, RouteInfo};
use crate::platform::config::keys::Keys;
use crate::platform::config::shape::Shape;
use crate::slo::config::Slo;

fn slo() -> Json {
    Shape::Keys(Slo::shape()).schema()
}

const ALL: &[(&str, &str, Operation)] = &[
    ("GET", "/api/v1/slos", Operation::new("Every SLO, and how its budget stands", "A list of SLOs")),
    (
        "POST",
        "/api/v1/slos",
        Operation::new("Makes an SLO, whose rules are evaluated at once", "Its name, and alerts that can never fire").body(slo),
    ),
    ("GET", "/api/v1/slos/export", Operation::new("All SLOs as a file in YAML", "")),
    (
        "POST",
        "/api/v1/slos/import",
        Operation::new("Takes over SLOs of Sloth, Pyrra, OpenSLO or another pharos from the file that is the body", "What was made")
            .query(&[("dry_run", "true for only saying what would be made")]),
    ),
    ("GET", "/api/v1/slos/{name}", Operation::new("An SLO, how its budget stands, and what spent it", "The SLO with its figures")),
    (
        "PUT",
        "/api/v1/slos/{name}",
        Operation::new("Changes an SLO; its history stays", "Its name, and alerts that can never fire").body(slo),
    ),
    ("DELETE", "/api/v1/slos/{name}", Operation::new("Deletes an SLO and its history", "Nothing")),
    ("GET", "/api/v1/slos/{name}/rules", Operation::new("The rules of an SLO as a rule file, which Prometheus takes too", "")),
    (
        "GET",
        "/api/v1/slos/{name}/history",
        Operation::new("What was left of the budget at the ends of days", "A list of days").query(&[("days", "So many, 90 unless told")]),
    ),
    ("GET", "/api/v1/slos/{name}/badge.svg", Operation::new("What is left of the budget, as SVG", "")),
];

/// What a route of the wing is for.
pub(in crate::slo) fn operation(route: &RouteInfo) -> Option<Operation> {
    ALL.iter().find(|(methods, path, _)| *methods == route.methods && *path == route.path).map(|(.., operation)| *operation)
}
