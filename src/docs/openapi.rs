//! The API as OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.0>), from the table of routes that the server runs on.
//!
//! Routes that say what they are for ([`Operation`]) are in it; those that follow Prometheus, Loki, Alertmanager and
//! Grafana are described by their own makers.

use serde_json::{Map, Value as Json, json};

use crate::access::{Operation, Policy, RouteInfo};

/// The whole description.
pub(super) fn document(table: &[RouteInfo]) -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for route in table {
        let Some(operation) = &route.operation else { continue };
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        for method in route.methods.split(", ") {
            path[method.to_lowercase()] = described(route, operation, method);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "pharos", "version": env!("CARGO_PKG_VERSION"), "license": { "name": env!("CARGO_PKG_LICENSE") } },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
    })
}

fn described(route: &RouteInfo, operation: &Operation, method: &str) -> Json {
    let parameter = |name: &str, place: &str, about: &str| json!({ "name": name, "in": place, "required": place == "path", "description": about, "schema": { "type": "string" } });
    let mut parameters: Vec<Json> = names(route.path).map(|name| parameter(name, "path", "")).collect();
    parameters.extend(operation.query.iter().map(|(name, about)| parameter(name, "query", about)));
    parameters.extend(operation.headers.iter().map(|(name, about)| parameter(name, "header", about)));
    let failed = json!({ "type": "object", "properties": {
        "status": { "const": "error" }, "errorType": { "type": "string" }, "error": { "type": "string" },
    } });
    let good = if operation.answer.is_empty() {
        json!({ "description": "As it says." })
    } else {
        let body = json!({ "type": "object", "properties": {
            "status": { "const": "success" }, "data": { "description": operation.answer },
        } });
        json!({ "description": operation.answer, "content": { "application/json": { "schema": body } } })
    };
    let mut described = json!({
        "operationId": id(method, route.path),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            "200": good,
            "default": { "description": "Why not.", "content": { "application/json": { "schema": failed } } },
        },
    });
    if let Some(body) = operation.body.filter(|_| method != "GET") {
        let schema = json!({ "schema": body() });
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": schema, "application/yaml": schema },
        });
    }
    described["security"] = if route.policy == Policy::Public { json!([]) } else { json!([{ "token": [] }]) };
    described
}

/// Names of the parameters in a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split(['{', '}']).skip(1).step_by(2).map(|name| name.trim_start_matches('*'))
}

/// Names an operation: `getChecksName`.
fn id(method: &str, path: &str) -> String {
    let parts = path.trim_start_matches("/api/v1/").split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let upper = parts.map(|part| part.chars().take(1).flat_map(char::to_uppercase).chain(part.chars().skip(1)).collect::<String>());
    method.to_lowercase() + &upper.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_say_what_they_are_for_are_described() {
        const MAKE: Operation =
            Operation::new("Makes a check", "its id").headers(&[("Idempotency-Key", "Once")]).body(|| json!({ "type": "object" }));
        let route = |methods, path, policy, operation| RouteInfo { methods, path, policy, operation };
        let table = [
            route("GET", "/api/v1/query", Policy::READ, None),
            route("PUT", "/api/v1/checks/{name}", Policy::EDIT, Some(MAKE)),
            route("GET, POST", "/api/v1/heartbeats/{token}/{said}", Policy::Public, Some(Operation::new("Beats", ""))),
        ];
        let all = document(&table);
        assert_eq!(all["paths"].as_object().unwrap().len(), 2);
        let put = &all["paths"]["/api/v1/checks/{name}"]["put"];
        assert_eq!((&put["operationId"], &put["parameters"][0]["name"]), (&json!("putChecksName"), &json!("name")));
        assert_eq!((&put["parameters"][1]["in"], &put["parameters"][1]["required"]), (&json!("header"), &json!(false)));
        assert_eq!(put["requestBody"]["content"]["application/yaml"]["schema"]["type"], "object");
        let beat = &all["paths"]["/api/v1/heartbeats/{token}/{said}"];
        assert_eq!((&beat["get"]["security"], &beat["post"]["parameters"][1]["name"]), (&json!([]), &json!("said")));
    }
}
