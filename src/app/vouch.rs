//! What the connection says about who asks: a client's certificate, or a user of the web config file. The door of
//! `access` takes that into account before it looks for sessions and tokens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::edge::{Edge, Web};
use super::web_users::{Checked, WebUsers, credentials};
use crate::access::{Access, Caller, Person, Role, Scope, TokenHolder, Transport, Vouched};
use crate::base::secret::Secret;
use crate::platform::http::problem::Problem;
use crate::platform::http::tls::{ClientCertificate, Connection};

/// What a client with a certificate may do.
const SCOPES: [Scope; 3] = [Scope::MetricsWrite, Scope::LogsWrite, Scope::EventsWrite];
/// Characters of a certificate's name that are kept.
const NAME_CHARS_MAX: usize = 100;
/// What those who watch the server ask without a name: it says nothing but that the server runs,
/// and what it refuses.
pub(super) const FOR_ANYONE: [&str; 2] = ["/-/healthy", "/-/ready"];

/// What is needed to know who vouches for whom.
pub(super) struct Vouching {
    pub(super) edge: Arc<Edge>,
    pub(super) access: Arc<Access>,
    pub(super) users: WebUsers,
}

/// What became of the web config file's users.
enum Asked {
    /// Let the door decide.
    Door,
    Vouched(Caller),
    Refused(Response),
}

/// Notes what the connection says, or refuses.
pub(super) async fn vouched(State(vouching): State<Arc<Vouching>>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>().cloned().unwrap_or_default();
    if connection.is_tls {
        request.extensions_mut().insert(Transport { is_https: true });
    }
    let web = vouching.edge.web();
    if let Some(Err(refused)) = web.overall.as_ref().map(|overall| overall.check()) {
        return refused.into_response();
    }
    if let Some(holder) = vouching.certificate(&connection, &web, request.headers()) {
        request.extensions_mut().insert(Vouched(holder));
    } else if !web.config.users.is_empty() {
        let is_for_anyone = FOR_ANYONE.contains(&request.uri().path());
        let shown = request.headers().get(header::AUTHORIZATION).and_then(credentials);
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let from = vouching.access.doors().proxies.client(peer, request.headers()).address;
        match vouching.ask(&web, shown, is_for_anyone, from).await {
            Asked::Door => {}
            Asked::Vouched(caller) => {
                request.extensions_mut().insert(Vouched(caller));
            }
            Asked::Refused(response) => return response,
        }
    }
    next.run(request).await
}

impl Vouching {
    /// Whether nobody but the web config file's users has to say who they are.
    fn is_open(&self, web: &Web) -> bool {
        self.access.is_open() && web.config.users.is_empty()
    }

    /// Who a verified certificate speaks for, unless the client shows something else on purpose.
    fn certificate(&self, connection: &Connection, web: &Web, headers: &HeaderMap) -> Option<Caller> {
        let certificate = connection.client.as_ref().filter(|certificate| certificate.is_verified)?;
        let shows_more = headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE);
        (!shows_more && !self.is_open(web)).then(|| holder_of(certificate))
    }

    async fn ask(&self, web: &Web, shown: Option<(String, Secret)>, is_for_anyone: bool, from: IpAddr) -> Asked {
        let users = &web.config.users;
        // Without accounts of our own there is nobody else to be, so whoever is no user of the file is refused here.
        let only_these = self.access.is_open();
        let Some((name, password)) = shown.filter(|(name, _)| only_these || users.contains_key(name)) else {
            return if only_these && !is_for_anyone {
                Asked::Refused(unauthorized("this server has users; sign in with a name and a password"))
            } else {
                Asked::Door
            };
        };
        match self.users.check(users, &name, &password, from, &self.access).await {
            Checked::Right => Asked::Vouched(Caller::Person(Arc::new(Person { user_id: 0, session_id: 0, name, role: Role::Admin }))),
            // A token may stand behind a name that somebody in the file has too.
            Checked::Wrong if !only_these => Asked::Door,
            Checked::Wrong => Asked::Refused(unauthorized("name or password is wrong")),
            Checked::Later(wait) => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1);
                let said = format!("too many failed attempts from this address; try again in {seconds} s");
                Asked::Refused(Problem::new(StatusCode::TOO_MANY_REQUESTS, said).retry_after_s(seconds).into_response())
            }
        }
    }
}

fn holder_of(certificate: &ClientCertificate) -> Caller {
    let subject: String = certificate.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let name = format!("certificate of {subject}");
    Caller::Token(Arc::new(TokenHolder { token_id: 0, name, scopes: SCOPES.to_vec(), rate_max: None }))
}

fn unauthorized(why: &str) -> Response {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, format!("unauthorized: {why}")).into_response();
    let schemes = HeaderValue::from_static("Basic realm=\"pharos\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Policy, Verdict};

    #[test]
    fn a_certificate_sends_and_does_not_read() {
        let certificate = ClientCertificate { name: "agent\n-7".to_owned(), fingerprint: "AA".to_owned(), is_verified: true };
        let holder = holder_of(&certificate);
        assert_eq!(holder.actor(), "token \"certificate of agent-7\"");
        assert_eq!(holder.may(Policy::WRITE_METRICS), Verdict::Allowed);
        for policy in [Policy::READ, Policy::EDIT, Policy::ADMIN, Policy::OWN] {
            assert_eq!(holder.may(policy), Verdict::Forbidden, "{policy:?}");
        }
    }
}
