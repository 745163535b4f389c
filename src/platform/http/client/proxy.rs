//! Which requests go through a proxy, and through which: the rules of Go's `httpproxy`, as upstream uses them.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use super::ClientError;
use super::settings::ProxySettings;

/// Proxies by scheme, and who is reached directly.
#[derive(Debug, Default)]
pub struct ProxyRules {
    http: Option<Url>,
    https: Option<Url>,
    /// `None`: everything goes through the proxy, this machine too, as upstream does with a bare `proxy_url`.
    direct: Option<Vec<Direct>>,
}

/// One entry of `no_proxy`.
#[derive(Debug, PartialEq, Eq)]
enum Direct {
    All,
    Network {
        network: IpAddr,
        bits: u32,
    },
    Address(IpAddr, Option<u16>),
    /// A domain with all below it; `itself` tells whether the name alone counts.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

/// Adds to a client what the settings say of proxies.
pub(super) fn apply(builder: reqwest::ClientBuilder, settings: &ProxySettings) -> Result<reqwest::ClientBuilder, ClientError> {
    // Ours are the only rules: the library's own reading of the environment differs from Go's.
    let builder = builder.no_proxy();
    let Some(rules) = ProxyRules::read(settings)? else { return Ok(builder) };
    let rules = Arc::new(rules);
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.connect_headers {
        let (name, value): (HeaderName, HeaderValue) = super::header_pair(name, value.expose())?;
        headers.append(name, value);
    }
    let for_scheme = |scheme: &'static str| {
        let rules = Arc::clone(&rules);
        reqwest::Proxy::custom(move |url| if url.scheme() == scheme { rules.proxy_for(url).cloned() } else { None })
    };
    // Plain requests are not tunnelled: what is meant for CONNECT would reach the target.
    let tunnelled = for_scheme("https");
    let tunnelled = if headers.is_empty() { tunnelled } else { tunnelled.headers(headers) };
    Ok(builder.proxy(tunnelled).proxy(for_scheme("http")))
}

impl ProxyRules {
    /// The rules of the settings, with the machine's variables where they ask for them; none when everything is reached
    /// directly.
    ///
    /// # Errors
    /// When the proxy's address is none.
    pub fn read(settings: &ProxySettings) -> Result<Option<Self>, ClientError> {
        Self::of(settings, |name| std::env::var(name).ok())
    }

    /// `None`: everything is reached directly.
    fn of(settings: &ProxySettings, environment: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ClientError> {
        if settings.from_environment {
            let get = |name: &str| environment(name).or_else(|| environment(&name.to_ascii_lowercase())).filter(|text| !text.is_empty());
            let read = |name: &str| get(name).map(|text| parse_proxy(&text)).transpose();
            // Under CGI a client could set this variable with a header.
            let http = if environment("REQUEST_METHOD").is_some() { None } else { read("HTTP_PROXY")? };
            let https = read("HTTPS_PROXY")?;
            let direct = Some(parse_direct(&get("NO_PROXY").unwrap_or_default()));
            return Ok((http.is_some() || https.is_some()).then_some(Self { http, https, direct }));
        }
        let Some(url) = &settings.url else { return Ok(None) };
        let url = parse_proxy(url.expose())?;
        let direct = (!settings.no_proxy.is_empty()).then(|| parse_direct(&settings.no_proxy));
        Ok(Some(Self { http: Some(url.clone()), https: Some(url), direct }))
    }

    /// The proxy on the way to an address; none where it is reached directly.
    pub fn proxy_for(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() }?;
        let Some(direct) = &self.direct else { return Some(proxy) };
        let port = url.port_or_known_default();
        let is_direct = match url.host()? {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                // Hosts of special schemes are normalised, so an address is never here.
                name == "localhost" || direct.iter().any(|entry| entry.has_name(&name, port))
            }
            Host::Ipv4(address) => address.is_loopback() || direct.iter().any(|entry| entry.has_address(address.into(), port)),
            Host::Ipv6(address) => address.is_loopback() || direct.iter().any(|entry| entry.has_address(address.into(), port)),
        };
        (!is_direct).then_some(proxy)
    }
}

impl Direct {
    fn has_name(&self, host: &str, on: Option<u16>) -> bool {
        match self {
            Self::All => true,
            Self::Network { .. } | Self::Address(..) => false,
            Self::Domain { name, itself, port } => {
                let below = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
                (below || (*itself && host == name)) && (port.is_none() || *port == on)
            }
        }
    }

    fn has_address(&self, address: IpAddr, on: Option<u16>) -> bool {
        match self {
            Self::All => true,
            Self::Domain { .. } => false,
            Self::Address(entry, port) => *entry == address && (port.is_none() || *port == on),
            Self::Network { network, bits } => match (network, address) {
                (IpAddr::V4(network), IpAddr::V4(address)) => {
                    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                    network.to_bits() & mask == address.to_bits() & mask
                }
                (IpAddr::V6(network), IpAddr::V6(address)) => {
                    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                    network.to_bits() & mask == address.to_bits() & mask
                }
                _ => false,
            },
        }
    }
}

/// A proxy's address; `host:port` alone means HTTP.
fn parse_proxy(text: &str) -> Result<Url, ClientError> {
    let known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.host_str().is_some();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The address may hold a password, so the error does not repeat it.
    Url::parse(&whole).ok().filter(known).ok_or_else(|| ClientError::Settings("invalid proxy URL".to_owned()))
}

/// The entries of `no_proxy`; those that mean nothing are passed over, as upstream does.
fn parse_direct(list: &str) -> Vec<Direct> {
    list.split(',').filter_map(|entry| parse_entry(entry.trim().to_ascii_lowercase().as_str())).collect()
}

fn parse_entry(entry: &str) -> Option<Direct> {
    if entry == "*" {
        return Some(Direct::All);
    }
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>())
    {
        let most = if network.is_ipv4() { 32 } else { 128 };
        return (bits <= most).then_some(Direct::Network { network, bits });
    }
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    if let Some(address) = bare(entry) {
        return Some(Direct::Address(address, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Some(address) = bare(host) {
        return Some(Direct::Address(address, port));
    }
    let host = if host.starts_with("*.") { &host[1..] } else { host };
    let (name, itself) = match host.strip_prefix('.') {
        Some(name) => (name, false),
        None => (host, true),
    };
    (!name.is_empty()).then(|| Direct::Domain { name: name.to_owned(), itself, port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    fn proxied(rules: &ProxyRules, url: &str) -> Option<String> {
        rules.proxy_for(&Url::parse(url).unwrap()).map(Url::to_string)
    }

    #[test]
    fn no_proxy_entries_mean_what_they_mean_in_go() {
        let list = "example.com, .below.org,*.star.net,1.2.3.4,10.0.0.0/8,[fe80::1],fd00::/8,port.io:8080,9.9.9.9:81";
        let settings = ProxySettings { url: Some(Secret::new("http://p:1")), no_proxy: list.into(), ..Default::default() };
        let rules = ProxyRules::of(&settings, |_| None).unwrap().unwrap();
        for (url, direct) in [
            ("http://example.com/", true),
            ("https://www.EXAMPLE.com./", true),
            ("http://notexample.com/", false),
            ("http://below.org/", false),
            ("http://a.below.org/", true),
            ("http://star.net/", false),
            ("http://a.star.net:9/", true),
            ("http://1.2.3.4:99/", true),
            ("http://1.2.3.5/", false),
            ("http://10.200.0.1/", true),
            ("http://11.0.0.1/", false),
            ("http://[fe80::1]/", true),
            ("http://[fd12::1]/", true),
            ("http://[fe80::2]/", false),
            ("http://port.io:8080/", true),
            ("http://port.io/", false),
            ("http://9.9.9.9:81/", true),
            ("http://9.9.9.9/", false),
            ("http://localhost:3/", true),
            ("http://127.0.0.7/", true),
            ("http://[::1]/", true),
        ] {
            assert_eq!(proxied(&rules, url).is_none(), direct, "{url}");
        }
        let all = ProxySettings { no_proxy: "*".into(), ..settings.clone() };
        assert_eq!(proxied(&ProxyRules::of(&all, |_| None).unwrap().unwrap(), "http://x/"), None);
        // Without exceptions even this machine is reached through the proxy.
        let none = ProxySettings { no_proxy: String::new(), ..settings };
        assert_eq!(proxied(&ProxyRules::of(&none, |_| None).unwrap().unwrap(), "http://localhost/").as_deref(), Some("http://p:1/"));
    }

    #[test]
    fn the_environment_names_a_proxy_for_each_scheme() {
        let settings = ProxySettings { from_environment: true, ..Default::default() };
        let environment = |name: &str| match name {
            "HTTP_PROXY" => Some("p:1".to_owned()),
            "https_proxy" => Some("socks5://s:2".to_owned()),
            "NO_PROXY" => Some("skip".to_owned()),
            _ => None,
        };
        let rules = ProxyRules::of(&settings, environment).unwrap().unwrap();
        assert_eq!(proxied(&rules, "http://a/").as_deref(), Some("http://p:1/"));
        assert_eq!(proxied(&rules, "https://a/").as_deref(), Some("socks5://s:2"));
        assert_eq!(proxied(&rules, "https://skip/"), None);
        assert_eq!(proxied(&rules, "http://127.0.0.1/"), None);
        assert!(ProxyRules::of(&settings, |_| None).unwrap().is_none());
        let cgi = |name: &str| if name == "REQUEST_METHOD" { Some("GET".into()) } else { environment(name) };
        assert_eq!(proxied(&ProxyRules::of(&settings, cgi).unwrap().unwrap(), "http://a/"), None);
        let broken = ProxySettings { url: Some(Secret::new("ftp://x:y@z")), ..Default::default() };
        assert_eq!(ProxyRules::of(&broken, |_| None).map(|_| ()).unwrap_err().to_string(), "invalid proxy URL");
    }
}
