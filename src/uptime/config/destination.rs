//! Where what a check sends goes to: a stored secret is for there, and for nowhere else.

use super::check::Check;

impl Check {
    /// Every place that what it sends can reach, as far as the check says so.
    pub(super) fn destinations(&self) -> Vec<String> {
        let mut places = vec![self.kind().to_owned()];
        let mut add = |what: &str, place: &str| places.push(format!("{what} {place}"));
        let secured = |is_secured: bool| if is_secured { "over TLS" } else { "in the clear" };
        if let Some(http) = &self.http {
            add("to", &origin(&http.url.0));
            add("through", &http.proxy_url.0);
        }
        if let Some(tcp) = &self.tcp {
            add(secured(tcp.tls), &tcp.address);
        }
        if let Some(websocket) = &self.websocket {
            add("to", &origin(&websocket.url.0));
        }
        if let Some(smtp) = &self.smtp {
            add(secured(smtp.tls || smtp.starttls), &smtp.address);
        }
        if let Some(postgres) = &self.postgres {
            add(&postgres.tls, &postgres.address);
        }
        if let Some(redis) = &self.redis {
            add(secured(redis.tls), &redis.address);
        }
        if let Some(grpc) = &self.grpc {
            add(secured(grpc.tls), &grpc.address);
        }
        if let Some(docker) = &self.docker {
            add("to", &docker.host);
        }
        if let Some(domain) = &self.domain {
            add("to", &origin(&domain.server.0));
        }
        if let Some(named) = &self.module {
            add(&named.module, &origin(&named.target));
        }
        places
    }
}

/// Scheme, host and port of an address; the whole of what is none.
fn origin(url: &str) -> String {
    url::Url::parse(url).ok().filter(url::Url::has_host).map_or_else(|| url.to_owned(), |url| url.origin().ascii_serialization())
}
