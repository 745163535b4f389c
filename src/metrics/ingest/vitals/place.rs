//! Where a measurement comes from: the site, the page without what is one visitor's, the kind of device.

use std::collections::{BTreeMap, BTreeSet};

/// Sites that are told apart at most.
pub const SITES_MAX: usize = 20;
/// Pages of one site that are told apart at most.
pub const PAGES_MAX: usize = 100;
/// What all further ones are called.
pub const OTHER: &str = "(other)";
/// Bytes of a page at most.
const PAGE_BYTES_MAX: usize = 120;
/// Bytes of a host at most, as DNS has it.
const SITE_BYTES_MAX: usize = 253;

/// The host of an address or an origin, without its port; empty where there is none.
pub fn site(address: &str) -> String {
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    host.filter(|host| host.len() <= SITE_BYTES_MAX).unwrap_or_default()
}

/// The page of an address or a path: without query and fragment, with `:id` where something stands that is one thing's
/// own, since each page is some fifty series.
pub fn page(address: &str) -> String {
    let path = url::Url::parse(address).ok().filter(|url| url.has_host()).map(|url| url.path().to_owned());
    let path = path.as_deref().unwrap_or(address);
    let path = path.split(['?', '#']).next().unwrap_or("");
    if !path.starts_with('/') {
        return String::new();
    }
    let parts = path.split('/').map(|part| if is_own(part) { ":id" } else { part });
    let joined: String = parts.collect::<Vec<_>>().join("/").chars().filter(|letter| !letter.is_control()).collect();
    let trimmed = joined.trim_end_matches('/');
    let end =
        trimmed.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= PAGE_BYTES_MAX).last().unwrap_or(0);
    if end == 0 { "/".to_owned() } else { trimmed[..end].to_owned() }
}

/// Whether a part of a path names one thing: a number, a UUID, a hash, a token.
fn is_own(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_hexadecimal = part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_mixed = digits > 0 && part.bytes().any(|byte| byte.is_ascii_uppercase()) && part.bytes().any(|byte| byte.is_ascii_lowercase());
    (digits > 0 && digits == part.len())
        || (part.len() >= 8 && digits > 0 && is_hexadecimal)
        || (part.len() >= 20 && (is_mixed || digits >= 4))
}

/// Kind of device: `mobile`, `tablet`, `desktop`; none for programs that only say that they are browsers.
pub fn device(agent: &str, mobile_hint: Option<&str>) -> Option<&'static str> {
    let agent = agent.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    if has(&["bot", "crawl", "spider", "headless", "lighthouse", "pagespeed"]) {
        return None;
    }
    Some(if has(&["ipad", "tablet"]) || (has(&["android"]) && !has(&["mobi"]) && mobile_hint != Some("?1")) {
        "tablet"
    } else if mobile_hint == Some("?1") || has(&["mobi", "iphone"]) {
        "mobile"
    } else {
        "desktop"
    })
}

/// Sites and pages that are told apart; there is a bound to both.
#[derive(Debug, Default)]
pub struct Places {
    sites: BTreeMap<String, BTreeSet<String>>,
}

impl Places {
    /// The sites, in order.
    pub fn sites(&self) -> impl Iterator<Item = &str> {
        self.sites.keys().map(String::as_str)
    }

    /// A site and a page as they are counted.
    pub fn counted(&mut self, site: String, page: String) -> (String, String) {
        if !self.sites.contains_key(&site) && self.sites.len() >= SITES_MAX {
            return (OTHER.to_owned(), OTHER.to_owned());
        }
        let pages = self.sites.entry(site.clone()).or_default();
        if !pages.contains(&page) && pages.len() >= PAGES_MAX {
            return (site, OTHER.to_owned());
        }
        pages.insert(page.clone());
        (site, page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lose_what_is_one_things_own() {
        for (address, expected) in [
            ("https://shop.example/", "/"),
            ("https://shop.example", "/"),
            ("https://shop.example/orders/1234?x=1#y", "/orders/:id"),
            ("/orders/0f8fad5b-d9cb-469f-a165-70867728950e/edit/", "/orders/:id/edit"),
            ("/blog/2026/how-to-sleep-well", "/blog/:id/how-to-sleep-well"),
            ("/reset/eyJhbGciOi1JIUzI1NiIsInR5", "/reset/:id"),
            ("/decade/facade", "/decade/facade"),
            ("/متجر", "/متجر"),
            ("about:blank", ""),
            ("", ""),
            ("javascript:alert(1)", ""),
        ] {
            assert_eq!(page(address), expected, "{address}");
        }
        assert_eq!(page(&format!("/{}", "é".repeat(200))).len(), 119);
        assert_eq!((site("https://Shop.example:8443/a").as_str(), site("null").as_str()), ("shop.example", ""));
    }

    #[test]
    fn devices_are_told_apart_and_programs_left_out() {
        for (agent, hint, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140", None, Some("desktop")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Mobile/15E148", None, Some("mobile")),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/140 Mobile Safari", Some("?1"), Some("mobile")),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/140 Safari", Some("?0"), Some("tablet")),
            ("Mozilla/5.0 (iPad; CPU OS 18_0)", None, Some("tablet")),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", None, None),
            ("Mozilla/5.0 HeadlessChrome/140", None, None),
            ("", None, Some("desktop")),
        ] {
            assert_eq!(device(agent, hint), expected, "{agent}");
        }
    }

    #[test]
    fn sites_and_pages_are_bounded() {
        let mut places = Places::default();
        for at in 0..PAGES_MAX + 5 {
            let (_, page) = places.counted("a".into(), format!("/{at}x"));
            assert_eq!(page == OTHER, at >= PAGES_MAX);
        }
        for at in 0..SITES_MAX + 5 {
            let (site, _) = places.counted(format!("{at}.example"), "/".into());
            assert_eq!(site == OTHER, at >= SITES_MAX - 1);
        }
        assert_eq!(places.counted("a".into(), "/3x".into()), ("a".into(), "/3x".into()), "known ones stay");
    }
}
