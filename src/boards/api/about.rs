//! What Grafana's clients ask of a server before they work with it.

use axum::body::Body;
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::answer::good;
use super::sources;
use super::wire;
use crate::access::{Caller, Policy, Verdict};

/// The Grafana whose interface this is: clients choose by it what they ask for.
const GRAFANA_VERSION: &str = "12.0.0";

/// `GET /api/health`.
pub(super) async fn health() -> Response {
    good(&json!({"database": "ok", "version": GRAFANA_VERSION, "commit": env!("CARGO_PKG_VERSION")}))
}

/// `GET /api/org`: there is one.
pub(super) async fn organisation() -> Response {
    let address = json!({"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""});
    good(&json!({"id": 1, "name": "Main Org.", "address": address}))
}

/// `GET /api/user`.
pub(super) async fn user(request: Request<Body>) -> Response {
    let (id, name) = wire::made_by(&request);
    let is_admin = request.extensions().get::<Caller>().is_some_and(|caller| caller.may(Policy::ADMIN) == Verdict::Allowed);
    good(&json!({
        "id": id, "uid": if id == 0 { name.clone() } else { id.to_string() }, "email": "", "name": name, "login": name, "theme": "", "orgId": 1,
        "isGrafanaAdmin": is_admin, "isDisabled": false, "isExternal": false, "isExternallySynced": false, "authLabels": [], "avatarUrl": "",
        "updatedAt": "0001-01-01T00:00:00Z", "createdAt": "0001-01-01T00:00:00Z",
    }))
}

/// `GET /api/frontend/settings`, as much of it as programs look at.
pub(super) async fn settings() -> Response {
    let build = json!({
        "version": GRAFANA_VERSION, "versionString": format!("Grafana v{GRAFANA_VERSION} (pharos {})", env!("CARGO_PKG_VERSION")),
        "commit": "", "env": "production", "edition": "Open Source", "hasUpdate": false, "latestVersion": "",
    });
    good(&json!({
        "appUrl": "", "appSubUrl": "", "buildInfo": build, "datasources": sources::by_name_all(),
        "defaultDatasource": sources::DEFAULT_NAME, "featureToggles": {}, "panels": {}, "anonymousEnabled": false,
    }))
}
