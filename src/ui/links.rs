//! The URLs of every page, in one place: routes are registered and links are made from here. Each wing and hall has a file.

mod admin;
mod alerts;
mod boards;
mod business;
mod docs;
mod logs;
mod metrics;
mod slos;
mod status_pages;
mod uptime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use self::admin::*;
pub use self::alerts::*;
pub use self::boards::*;
pub use self::business::*;
pub use self::docs::*;
pub use self::logs::*;
pub use self::metrics::*;
pub use self::slos::*;
pub use self::status_pages::*;
pub use self::uptime::*;

/// Front page.
pub const HOME: &str = "/";
/// POST: chooses theme, language and time zone.
pub const LOOK: &str = "/ui/look";
/// Built files, with the rest of the path as `path`.
pub const ASSETS: &str = "/assets/{*path}";

/// Everything but letters, digits and what is safe in any query value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A value as it stands in a query string.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// A path with parameters; those with empty values are left out.
pub fn with(path: &str, params: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(mark);
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
        mark = '&';
    }
    out
}

/// This server's address: as it is set, or as the browser wrote it. What a browser sends is used only if it is a host
/// and a port, since people paste the text into shells.
pub fn base_url(external: &str, is_https: bool, host: &str) -> String {
    let external = external.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !external.is_empty() {
        return external.to_owned();
    }
    let host = if host.is_empty() || !host.chars().all(is_plain) { "localhost:9090" } else { host };
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_empty_ones_left_out() {
        assert_eq!(explore("rate(x{a=\"b&c\"}[5m])"), "/explore?q=rate%28x%7Ba%3D%22b%26c%22%7D%5B5m%5D%29");
        assert_eq!(chart(&["a", "b"], &[], "15s"), "/ui/chart?q=a&q=b&step=15s");
        assert_eq!(with("/a?b=c", &[("d", "é")]), "/a?b=c&d=%C3%A9");
        assert_eq!(with("/a", &[("d", "")]), "/a");
    }

    #[test]
    fn a_host_that_is_none_is_not_pasted() {
        assert_eq!(base_url("", false, "pharos.lan:9090"), "http://pharos.lan:9090");
        assert_eq!(base_url("", true, "[::1]:9090"), "https://[::1]:9090");
        assert_eq!(base_url("https://p.example/", false, "evil"), "https://p.example");
        for host in ["", "a;reboot", "a'b", "a b", "$(id)", "a/../b"] {
            assert_eq!(base_url("", false, host), "http://localhost:9090", "{host}");
        }
    }
}
