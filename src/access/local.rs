//! Whether a request comes straight from this machine, as against through a proxy or from elsewhere.
//!
//! Until there is an administrator, a server that listens on loopback is open to its own machine. A proxy on that
//! machine would hand this on to the world, so whatever shows that somebody else stands behind a request counts.

use std::net::IpAddr;

use axum::extract::Request;
use http::{Version, header};

/// Headers with which proxies say for whom they ask.
const OF_PROXIES: [&str; 7] = ["forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"];
/// How the names of their other headers begin.
const OF_PROXIES_PREFIX: &str = "x-forwarded";

/// Whether the client is on this machine, asks by a name of this machine, and no proxy has left a trace.
pub(super) fn is_local(request: &Request, from: IpAddr) -> bool {
    let is_forwarded = |name: &str| name.starts_with(OF_PROXIES_PREFIX) || OF_PROXIES.contains(&name);
    // Proxies speak HTTP/1.0 unless told otherwise; browsers and programs of today do not.
    from.to_canonical().is_loopback()
        && request.version() > Version::HTTP_10
        && !request.headers().keys().any(|name| is_forwarded(name.as_str()))
        && request.headers().get_all(header::HOST).iter().all(|host| host.to_str().is_ok_and(is_own_name))
        && named(request).is_some_and(is_own_name)
}

/// Host and port that the request names; HTTP/2 and proxies' requests have them in the address.
fn named(request: &Request) -> Option<&str> {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    request.uri().authority().map(http::uri::Authority::as_str).or(header)
}

/// `localhost`, names below it, and loopback addresses, with or without a port.
fn is_own_name(named: &str) -> bool {
    let name = match named.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((address, rest)) if rest.is_empty() || rest.starts_with(':') => address,
            _ => "",
        },
        None => named.rsplit_once(':').map_or(named, |(name, _)| name),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(host: &str, more: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri("/");
        if !host.is_empty() {
            request = request.header("host", host);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn only_this_machine_itself_is_local() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        for host in ["localhost", "localhost:9090", "127.0.0.1:9090", "[::1]:9090", "127.3.2.1", "LOCALHOST:1", "a.localhost:80"] {
            assert!(is_local(&asked(host, &[("user-agent", "curl")]), here), "{host}");
        }
        for host in [
            "",
            "pharos",
            "metrics.example",
            "10.0.0.5:9090",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "[::2]:9090",
            ":9090",
            "[::1].evil.example",
            "[::1]evil",
        ] {
            assert!(!is_local(&asked(host, &[]), here), "{host}");
        }
        for header in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "x-forwarded-host", "X-Real-IP", "Via", "CF-Connecting-IP"] {
            assert!(!is_local(&asked("localhost", &[(header, "127.0.0.1")]), here), "{header}");
        }
        for from in ["10.0.0.5", "0.0.0.0", "::2", "::ffff:10.0.0.5"] {
            assert!(!is_local(&asked("localhost", &[]), from.parse().unwrap()), "{from}");
        }
        assert!(is_local(&asked("localhost", &[]), "::ffff:127.0.0.1".parse().unwrap()));
        let mut by_proxy = asked("127.0.0.1:9090", &[]);
        *by_proxy.version_mut() = Version::HTTP_10;
        assert!(!is_local(&by_proxy, here));
    }

    #[test]
    fn each_name_of_a_request_counts() {
        let here: IpAddr = "::1".parse().unwrap();
        let second = |uri: &str| Request::builder().uri(uri).body(Body::empty()).unwrap();
        assert!(is_local(&second("http://localhost:9090/"), here));
        assert!(!is_local(&second("http://evil.example/"), here));
        let mixed = Request::builder().uri("http://localhost/").header("host", "evil.example").body(Body::empty()).unwrap();
        assert!(!is_local(&mixed, here));
        let two = Request::builder().uri("/").header("host", "localhost").header("host", "evil.example").body(Body::empty()).unwrap();
        assert!(!is_local(&two, here));
    }
}
