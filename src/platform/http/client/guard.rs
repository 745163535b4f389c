//! Which addresses the server may ask on behalf of people who are not its administrators.
//!
//! Whoever may name an address that the server then fetches could otherwise reach what only the server can: the
//! metadata service of a cloud, with the machine's own credentials, or programs that listen on this machine alone.
//! Names say nothing, as everybody can point one anywhere, so what counts is the address that is connected to.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::platform::http::network::{Network, embedded_v4};

/// Networks that may be asked, and those that may not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchGuard {
    allow: Vec<Network>,
    deny: Vec<Network>,
}

/// An address that may not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} may not be fetched from here; an administrator can allow it with server.fetch_allow")]
pub struct Denied {
    /// The address.
    pub address: IpAddr,
}

impl FetchGuard {
    /// From lists of networks, addresses and words for groups of them. What is allowed wins over what is denied, and
    /// what is neither is allowed.
    ///
    /// # Errors
    /// A sentence that names the word that cannot be read.
    pub fn new(allow: &[String], deny: &[String]) -> Result<Self, String> {
        Ok(Self { allow: Network::parse_list(allow)?, deny: Network::parse_list(deny)? })
    }

    /// Whether an address may be asked.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, address: IpAddr) -> Result<(), Denied> {
        let is_in = |networks: &[Network], address| networks.iter().any(|network| network.contains(address));
        // What a translator or a tunnel makes of an address counts as well.
        let inner = match address {
            IpAddr::V6(v6) => embedded_v4(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let is_denied = |address| is_in(&self.deny, address) && !is_in(&self.allow, address);
        if is_denied(address) || inner.is_some_and(is_denied) { Err(Denied { address }) } else { Ok(()) }
    }

    /// Checks a URL whose host is an address, which nobody will look up.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), Denied> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// The addresses of a host that may be asked.
    pub(super) fn allowed(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, std::io::Error> {
        let mut denied = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            match self.check(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(why) => denied = Some(why),
            }
        }
        match denied {
            Some(why) if allowed.is_empty() => Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, format!("{host}: {why}"))),
            _ => Ok(allowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;
    use crate::base::clock::SystemClock;
    use crate::platform::http::client::{ClientSettings, HttpClient, ProxySettings, Request};

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_counts_is_where_an_address_leads() {
        let guard = FetchGuard::new(&words(&["127.0.0.5"]), &words(&["loopback", "metadata", "link-local", "unspecified"])).unwrap();
        for (address, is_allowed) in [
            ("93.184.216.34", true),
            ("10.0.0.1", true),
            ("127.0.0.1", false),
            ("127.0.0.5", true),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:127.0.0.5", true),
            ("169.254.169.254", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("2002:a9fe:a9fe::", false),
            ("fd00:ec2::254", false),
            ("100.100.100.200", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("2001:db8::1", true),
        ] {
            assert_eq!(guard.check(address.parse().unwrap()).is_ok(), is_allowed, "{address}");
        }
        assert!(FetchGuard::new(&[], &words(&["everything"])).is_err());
    }

    async fn serve(router: Router) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    async fn ask(client: &HttpClient, url: &str) -> Result<u16, String> {
        let request = Request::get(Url::parse(url).unwrap(), Duration::from_secs(5));
        client.send(request).await.map(|response| response.status().as_u16()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn names_literals_and_redirects_are_all_checked() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let secret = get(move || async move {
            counter.fetch_add(1, Ordering::SeqCst);
            "secret"
        });
        let inner = serve(Router::new().route("/", secret)).await;
        // The first server stands on another address of this machine, which is allowed; it leads to the inner one.
        let to = format!("http://localhost:{}/", inner.port());
        let literal = format!("http://{inner}/");
        let listener = tokio::net::TcpListener::bind("127.0.0.9:0").await.unwrap();
        let outer = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/name", get(move || async move { Redirect::temporary(&to) }))
            .route("/literal", get(move || async move { Redirect::permanent(&literal) }))
            .route("/fine", get(|| async { "fine" }));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let guard = Arc::new(FetchGuard::new(&words(&["127.0.0.9"]), &words(&["loopback"])).unwrap());
        let clock = Arc::new(SystemClock::new());
        let client = HttpClient::guarded(ClientSettings::default(), clock.clone(), guard.clone()).unwrap();
        assert_eq!(ask(&client, &format!("http://{outer}/fine")).await, Ok(200));
        let port = inner.port();
        for url in [
            format!("http://{outer}/name"),
            format!("http://{outer}/literal"),
            format!("http://localhost:{port}/"),
            format!("http://127.0.0.1:{port}/"),
            format!("http://[::1]:{port}/"),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            format!("http://2130706433:{port}/"),
            format!("http://0x7f.1:{port}/"),
        ] {
            let refused = ask(&client, &url).await.unwrap_err();
            assert!(refused.contains("may not be fetched from here"), "{url}: {refused}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing reached it");
        let free = HttpClient::new(ClientSettings::default(), clock.clone()).unwrap();
        assert_eq!(ask(&free, &format!("http://{outer}/name")).await, Ok(200), "an administrator may");
        let proxy = ProxySettings { from_environment: true, ..Default::default() };
        assert!(HttpClient::guarded(ClientSettings { proxy, ..Default::default() }, clock, guard).is_err());
    }
}
