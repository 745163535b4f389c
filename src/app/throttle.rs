//! Which limits go for which request: its class by what its route declares, its client, its token, its size.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hashbrown::HashMap;
use http::{Method, StatusCode};
use http_body_util::Limited;

use super::edge::exempt;
use crate::access::{Caller, Origin, Policy, RouteInfo, SIGN_IN, Scope};
use crate::base::clock::SharedClock;
use crate::platform::config::settings::Settings;
use crate::platform::http::limits::{Class, ClassLimits, Limits};
use crate::platform::http::problem::Problem;
use crate::ui::links;

/// What programs ask, beside the API.
const QUERIED: [&str; 6] = ["/api/", "/alertmanager/", "/loki/", "/prometheus/", "/federate", "/metrics"];

/// The limits, and what each route counts as.
pub(super) struct Throttle {
    pub(super) limits: Arc<Limits>,
    classes: HashMap<&'static str, Class>,
    body_bytes_max: usize,
}

impl Throttle {
    /// From settings and the table of routes.
    pub(super) fn new(settings: &Settings, table: &[RouteInfo], clock: SharedClock) -> anyhow::Result<Arc<Self>> {
        let of = &settings.limits;
        let limits = |rate, in_flight_max| ClassLimits { rate, in_flight_max };
        let classes = [
            limits(of.query_rate, of.query_in_flight_max),
            limits(of.write_rate, of.write_in_flight_max),
            limits(of.page_rate, of.page_in_flight_max),
            limits(of.sign_in_rate, of.sign_in_in_flight_max),
        ];
        Ok(Arc::new(Self {
            limits: Arc::new(Limits::new(classes, exempt(settings)?, clock)),
            classes: table.iter().map(|route| (route.path, class_of(route))).collect(),
            body_bytes_max: usize::try_from(of.body_size_max.0).unwrap_or(usize::MAX),
        }))
    }

    fn class(&self, request: &Request<Body>) -> Class {
        let matched = request.extensions().get::<MatchedPath>();
        let class = matched.and_then(|path| self.classes.get(path.as_str())).copied().unwrap_or(Class::Page);
        // Looking at the form costs nothing; sending it does.
        if class == Class::SignIn && matches!(*request.method(), Method::GET | Method::HEAD) { Class::Page } else { class }
    }
}

fn class_of(route: &RouteInfo) -> Class {
    match route.policy {
        Policy::Needs(_, Scope::MetricsWrite | Scope::LogsWrite | Scope::EventsWrite) => Class::Write,
        _ if [SIGN_IN, links::SETUP].contains(&route.path) => Class::SignIn,
        _ if QUERIED.iter().any(|start| route.path.starts_with(start)) => Class::Query,
        _ => Class::Page,
    }
}

/// Lets a request in as far as the limits allow, once it is known who asks.
pub(super) async fn limited(State(throttle): State<Arc<Throttle>>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<Origin>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |origin| origin.address);
    let token = match request.extensions().get::<Caller>() {
        Some(Caller::Token(holder)) => holder.rate_max.map(|rate| (holder.token_id, rate)),
        _ => None,
    };
    let permit = match throttle.limits.admit(throttle.class(&request), from, token) {
        Ok(permit) => permit,
        Err(refusal) => return refusal.problem().into_response(),
    };
    let max = throttle.body_bytes_max;
    if request.body().size_hint().lower() > max as u64 {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the {max} bytes allowed here"))
            .into_response();
    }
    // A body that does not say how long it is may turn out to be too long.
    let request =
        if request.body().size_hint().exact().is_some() { request } else { request.map(|body| Body::new(Limited::new(body, max))) };
    let response = next.run(request).await;
    drop(permit);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn routes_count_as_what_they_declare() {
        let route = |methods, path, policy| RouteInfo { methods, path, policy, operation: None };
        let table = [
            route("POST", "/api/v1/write", Policy::WRITE_METRICS),
            route("GET, POST", "/api/v1/query", Policy::READ),
            route("GET", "/federate", Policy::READ),
            route("PUT", "/metrics/job/{*labels}", Policy::WRITE_METRICS),
            route("GET, POST", SIGN_IN, Policy::Public),
            route("POST", links::SETUP, Policy::Public),
            route("GET", links::EXPLORE, Policy::READ),
        ];
        let classes = [Class::Write, Class::Query, Class::Query, Class::Write, Class::SignIn, Class::SignIn, Class::Page];
        assert_eq!(table.each_ref().map(class_of), classes);
        let throttle = Throttle::new(&Settings::default(), &table, ManualClock::at(0)).unwrap();
        let request = Request::builder().uri("/no/such").body(Body::empty()).unwrap();
        assert_eq!(throttle.class(&request), Class::Page);
    }
}
