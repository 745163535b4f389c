//! Where a status page is: below the server's own address, or alone under a name of its own.

use url::Url;

use crate::ui::links;
use crate::uptime::status::page::StatusPage;

/// Addresses of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What stands before its paths, without a slash at the end; empty where only the path is known.
    base: String,
    /// Below /status; none where it stands alone.
    slug: Option<String>,
}

impl Place {
    /// For whoever is elsewhere: programs and letters. `external` is where people reach the server.
    pub fn of(page: &StatusPage, external: &str) -> Self {
        match page.hosts.first() {
            Some(host) => Self { base: own(host, external), slug: None },
            None => Self { base: external.trim_end_matches('/').to_owned(), slug: Some(page.slug.clone()) },
        }
    }

    /// For whoever reads the page: without a name of its own the links on it lead to wherever it is read.
    pub fn seen(page: &StatusPage, external: &str) -> Self {
        Self::of(page, if page.hosts.is_empty() { "" } else { external })
    }

    /// The page itself.
    pub fn home(&self) -> String {
        self.below(links::STATUS_PAGE)
    }

    /// One of its addresses, by a pattern of [`links`].
    pub fn below(&self, pattern: &str) -> String {
        let path = match &self.slug {
            Some(slug) => links::of_status_page(pattern, slug),
            None => alone(pattern).to_owned(),
        };
        format!("{}{path}", self.base)
    }
}

/// The path of an address of a page where the page stands alone.
pub fn alone(pattern: &str) -> &str {
    pattern.strip_prefix(links::STATUS_PAGE).filter(|rest| !rest.is_empty()).unwrap_or("/")
}

/// The server's address under another name: people come the same way, and by HTTPS unless the server says otherwise.
fn own(host: &str, external: &str) -> String {
    let server = Url::parse(external).ok();
    let scheme = server.as_ref().map(Url::scheme).filter(|scheme| *scheme == "http").unwrap_or("https");
    let port = server.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_first_name_of_a_page() {
        let page = |hosts: &[&str]| StatusPage {
            slug: "shop".to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..StatusPage::default()
        };
        for (hosts, external, home, feed) in [
            (&[][..], "", "/status/shop", "/status/shop/feed.xml"),
            (&[], "https://m.example/", "https://m.example/status/shop", "https://m.example/status/shop/feed.xml"),
            (&["s.example", "t.example"], "", "https://s.example/", "https://s.example/feed.xml"),
            (&["s.example"], "http://m.example", "http://s.example/", "http://s.example/feed.xml"),
            (&["s.example"], "https://m.example:8443/x", "https://s.example:8443/", "https://s.example:8443/feed.xml"),
        ] {
            let place = Place::of(&page(hosts), external);
            assert_eq!((place.home().as_str(), place.below(links::STATUS_FEED).as_str()), (home, feed), "{hosts:?} {external}");
        }
        assert_eq!(Place::seen(&page(&[]), "https://m.example").home(), "/status/shop", "wherever it is read");
        assert_eq!(Place::seen(&page(&["s.example"]), "https://m.example").home(), "https://s.example/");
    }
}
