//! Cookies that are set on the way through redirects, and sent along: RFC 6265, as far as one probe goes.

use url::Url;

use super::date;

/// Most cookies of one probe.
const COOKIES_MAX: usize = 50;
/// Longest cookie, with its name.
const COOKIE_BYTES_MAX: usize = 4096;

/// Cookies of one probe.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    is_host_only: bool,
    path: String,
    is_secure: bool,
}

impl Jar {
    /// Takes a `Set-Cookie` header that came from `url`.
    pub(super) fn take(&mut self, header: &str, url: &Url, now_s: i64) {
        if header.len() > COOKIE_BYTES_MAX {
            return;
        }
        let Some(host) = url.host_str() else { return };
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, value) = (name.trim(), value.trim());
        let is_plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if name.is_empty() || !is_plain(name) || !is_plain(value) {
            return;
        }
        let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut cookie = Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.to_owned(),
            is_host_only: true,
            path: if folder.is_empty() { "/".to_owned() } else { folder.to_owned() },
            is_secure: false,
        };
        let mut is_over = None;
        for attribute in parts {
            let (key, value) = attribute.split_once('=').map_or((attribute.trim(), ""), |(key, value)| (key.trim(), value.trim()));
            match key.to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    if domain == host {
                        continue;
                    }
                    // A name without a dot is nobody's own, and an address has nothing below it.
                    if !domain.contains('.') || !is_below(host, &domain) || host.parse::<std::net::IpAddr>().is_ok() {
                        return;
                    }
                    cookie.domain = domain;
                    cookie.is_host_only = false;
                }
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.is_secure = true,
                "max-age" => is_over = value.parse::<i64>().ok().map(|secs| secs <= 0),
                "expires" if is_over.is_none() => is_over = date::parse(value).map(|ends| ends <= now_s),
                _ => {}
            }
        }
        self.0.retain(|other| !(other.name == cookie.name && other.domain == cookie.domain && other.path == cookie.path));
        if is_over != Some(true) && self.0.len() < COOKIES_MAX {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header for an address; none without cookies.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let fits = |cookie: &&Cookie| {
            let at_home = cookie.domain == host || (!cookie.is_host_only && is_below(host, &cookie.domain));
            let rest = url.path().strip_prefix(cookie.path.as_str());
            let in_folder = rest.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'));
            at_home && in_folder && (!cookie.is_secure || url.scheme() == "https")
        };
        let pairs: Vec<String> = self.0.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_where_they_belong() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut jar = Jar::default();
        let from = url("https://www.shop.example/a/b");
        for header in [
            "id=1; Path=/; HttpOnly",
            "wide=2; Domain=.shop.example; Path=/",
            "safe=3; Secure; Path=/",
            "here=4",
            "alien=5; Domain=other.example",
            "tld=6; Domain=example",
            "gone=7; Max-Age=0",
            "old=8; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
        ] {
            jar.take(header, &from, 1_700_000_000);
        }
        assert_eq!(jar.header(&url("https://www.shop.example/a/c")).as_deref(), Some("id=1; wide=2; safe=3; here=4"));
        assert_eq!(jar.header(&url("http://www.shop.example/")).as_deref(), Some("id=1; wide=2"));
        assert_eq!(jar.header(&url("https://shop.example/")).as_deref(), Some("wide=2"));
        assert_eq!(jar.header(&url("https://other.example/")), None);
        jar.take("id=; Path=/; Max-Age=-1", &from, 0);
        assert_eq!(jar.header(&url("http://www.shop.example/")).as_deref(), Some("wide=2"));
    }
}
