//! Where a redirect leads, and what may be told there: credentials and headers of the settings stay with the server
//! they were meant for.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Request;

/// What another server may see: how to answer, nothing of who asks.
fn is_harmless(name: &http::HeaderName) -> bool {
    [ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT].contains(name) || name.as_str().starts_with("x-prometheus-")
}

/// Removes what another server must not see.
pub(super) fn strip(headers: &mut HeaderMap) {
    let secret: Vec<_> = headers.keys().filter(|name| !is_harmless(name)).cloned().collect();
    for name in secret {
        headers.remove(name);
    }
}

/// Whether `to` is the server that `from` named: the same host and port, or the same host once it insists on TLS.
pub fn is_same_server(from: &Url, to: &Url) -> bool {
    let port = |url: &Url| url.port_or_known_default();
    let upgrade = (from.scheme(), to.scheme(), port(from), port(to)) == ("http", "https", Some(80), Some(443));
    from.host_str() == to.host_str() && (upgrade || (from.scheme() == to.scheme() && port(from) == port(to)))
}

/// Makes of `request` the one that the answer asks for instead; `false` when it asks for none.
///
/// As in Go, 301, 302 and 303 turn all but HEAD into a GET without body; 307 and 308 repeat the request as it was.
pub(super) fn follow(request: &mut Request, status: StatusCode, location: &str) -> bool {
    let repeat = match status.as_u16() {
        301..=303 => false,
        307 | 308 => true,
        _ => return false,
    };
    if location.is_empty() {
        return false;
    }
    let Ok(mut next) = request.url.join(location) else { return false };
    if !matches!(next.scheme(), "http" | "https") {
        return false;
    }
    if next.fragment().is_none() {
        next.set_fragment(request.url.fragment());
    }
    request.url = next;
    if !repeat && request.method != Method::HEAD {
        request.method = Method::GET;
        request.body = None;
        request.headers.remove(CONTENT_TYPE);
        request.headers.remove(CONTENT_ENCODING);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_stay_with_their_server() {
        for (from, to, same) in [
            ("http://a/x", "http://a/y", true),
            ("http://a:80/", "http://a/", true),
            ("http://a/", "https://a/", true),
            ("https://a/", "http://a/", false),
            ("http://a/", "http://b/", false),
            ("http://a/", "http://x.a/", false),
            ("http://a:1/", "http://a:2/", false),
            ("http://a:1/", "https://a:1/", false),
        ] {
            assert_eq!(is_same_server(&url(from), &url(to)), same, "{from} {to}");
        }
        let mut headers = HeaderMap::new();
        for name in ["accept", "authorization", "x-api-key", "cookie", "x-prometheus-scrape-timeout-seconds"] {
            headers.insert(name, "v".parse().unwrap());
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-prometheus-scrape-timeout-seconds"]);
    }

    #[test]
    fn methods_and_bodies_follow_as_in_go() {
        for (status, location, method, led_to) in [
            (301, "/b", Method::GET, Some("http://a/b")),
            (302, "c", Method::GET, Some("http://a/p/c")),
            (307, "http://b/", Method::POST, Some("http://b/")),
            (308, "//b/x", Method::POST, Some("http://b/x")),
            (302, "", Method::POST, None),
            (302, "ftp://b/", Method::POST, None),
            (304, "/b", Method::POST, None),
            (200, "/b", Method::POST, None),
        ] {
            let mut request = Request::post(url("http://a/p/q"), bytes::Bytes::from_static(b"x"), Duration::ZERO);
            let followed = follow(&mut request, StatusCode::from_u16(status).unwrap(), location);
            assert_eq!((followed, &request.method), (led_to.is_some(), &method), "{status} {location}");
            assert_eq!(request.body.is_some(), method == Method::POST);
            assert_eq!(request.url.as_str(), led_to.unwrap_or("http://a/p/q"));
        }
    }
}
