//! What surrounds every page: theme, navigation, notices, time range, refresh.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::access::{Caller, Policy, Verdict};
use crate::ui::links;
use crate::ui::nav::{self, Entry, Group, Page};
use crate::ui::range::{CHOICES, PageRange, REFRESH};
use crate::ui::security::Nonce;

/// Light, dark, or what the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The value of the attribute and of the cookie.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From its word; unknown ones mean the system's.
    pub fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// From a `Cookie` header.
    pub fn from_cookies(header: &str) -> Self {
        header.split(';').find_map(|pair| pair.trim().strip_prefix("theme=")).map_or(Self::System, Self::parse)
    }

    /// The next one, as the button goes through them.
    pub const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is broken.
    Critical,
    /// Something will break, or is not as meant.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The class of its colours.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Critical => "crit",
            Self::Warning => "warn",
            Self::Info => "info",
        }
    }

    /// Its word, for those who do not see colours.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "Critical",
            Self::Warning => "Warning",
            Self::Info => "Note",
        }
    }

    /// Its icon as SVG.
    pub const fn icon(self) -> &'static str {
        use crate::ui::assets::icon;
        match self {
            Self::Critical => icon::CIRCLE_X,
            Self::Warning => icon::TRIANGLE_ALERT,
            Self::Info => icon::INFO,
        }
    }
}

/// A sentence across the top of every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// How much it matters.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
    /// Where to read more, as path and words.
    pub link: Option<(String, String)>,
}

impl Banner {
    /// The configuration file was changed to something that cannot be used; the old one is in force.
    pub fn reload_failed(error: &str) -> Self {
        Self {
            severity: Severity::Critical,
            text: format!("Configuration reload failed, the previous configuration stays in force: {error}"),
            link: Some((format!("{}#configuration", links::STATUS), "Configuration".to_owned())),
        }
    }

    /// Nobody has to sign in, because only this machine can reach the server.
    pub fn open_on_loopback() -> Self {
        Self { severity: Severity::Info, text: "Signing in is off: this server listens on loopback only.".to_owned(), link: None }
    }
}

/// What the shell takes from a request and from the server's state.
#[derive(Debug, Clone)]
pub struct Visit<'a> {
    /// Path of the request.
    pub path: &'a str,
    /// Query string without the question mark.
    pub query: &'a str,
    /// `Cookie` header, or nothing.
    pub cookies: &'a str,
    /// The nonce of this answer; the same one goes into the policy.
    pub nonce: Nonce,
    /// Token that forms must send back; empty when none is needed.
    pub csrf: String,
    /// Sentences on top, worst first.
    pub banners: Vec<Banner>,
    /// Targets that are down, for the count in the navigation.
    pub targets_down: usize,
    /// Who looks.
    pub caller: Caller,
    /// Now, in milliseconds.
    pub now_ms: i64,
}

impl<'a> Visit<'a> {
    /// From a request's address and headers, with a fresh nonce; the server's state is added by field.
    pub fn new(uri: &'a Uri, headers: &'a HeaderMap, now_ms: i64) -> Self {
        Self {
            path: uri.path(),
            query: uri.query().unwrap_or(""),
            cookies: headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or(""),
            nonce: Nonce::fresh(),
            csrf: String::new(),
            banners: Vec::new(),
            targets_down: 0,
            caller: Caller::Nobody(None),
            now_ms,
        }
    }
}

/// The time range control of a page.
#[derive(Debug, Clone)]
pub struct RangeControl {
    /// What is shown.
    pub range: PageRange,
    /// In words.
    pub label: String,
    /// Whether it follows the clock.
    pub live: bool,
}

/// Everything `base.html` shows around a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Chosen theme.
    pub theme: Theme,
    /// The page's place in the navigation.
    pub current: Page,
    /// Its title.
    pub title: String,
    /// Sentences on top.
    pub banners: Vec<Banner>,
    /// The nonce of this answer.
    pub nonce: String,
    /// Token for forms.
    pub csrf: String,
    /// Targets that are down.
    pub targets_down: usize,
    /// The time range control, where the page has one.
    pub range: Option<RangeControl>,
    /// How often the page refreshes: an id of [`REFRESH`].
    pub refresh: String,
    /// Whether the page refreshes at all.
    pub live: bool,
    /// Who looks.
    pub caller: Caller,
    /// Now, in milliseconds.
    pub now_ms: i64,
    path: String,
    params: Vec<(String, String)>,
}

impl Shell {
    /// The shell of a page that does not change by itself.
    pub fn new(current: Page, title: &str, visit: Visit<'_>) -> Self {
        Self {
            theme: Theme::from_cookies(visit.cookies),
            current,
            title: title.to_owned(),
            banners: visit.banners,
            nonce: visit.nonce.to_string(),
            csrf: visit.csrf,
            targets_down: visit.targets_down,
            range: None,
            refresh: "off".to_owned(),
            live: false,
            caller: visit.caller,
            now_ms: visit.now_ms,
            path: visit.path.to_owned(),
            params: form_urlencoded::parse(visit.query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        }
    }

    /// Whether whoever looks may change the server.
    pub fn is_admin(&self) -> bool {
        self.caller.may(Policy::ADMIN) == Verdict::Allowed
    }

    /// Adds the time range control.
    pub fn with_range(mut self, default_from: &str) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        let range = PageRange::from_query(&query, default_from);
        self.range = Some(RangeControl { label: range.label(self.now_ms), live: range.to.starts_with("now"), range });
        self
    }

    /// Makes the page refresh; the URL may say another interval.
    pub fn with_refresh(mut self, default: &str) -> Self {
        let asked = self.param("refresh").filter(|asked| REFRESH.iter().any(|(id, _)| id == asked));
        self.refresh = asked.unwrap_or(default).to_owned();
        self.live = true;
        self
    }

    /// The first value of a parameter of the URL.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// This page's URL with one parameter changed; an empty value removes it.
    pub fn href(&self, name: &str, value: &str) -> String {
        self.href_with(&[(name, value)])
    }

    /// This page's URL with some parameters changed; an empty value removes one.
    pub fn href_with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.params.iter().filter(|(known, _)| !changes.iter().any(|(name, _)| name == known));
        let mut params: Vec<(&str, &str)> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        params.extend(changes);
        links::with(&self.path, &params)
    }

    /// Parameters of the URL but some, for hidden fields of a form that changes those.
    pub fn params_but(&self, names: &[&str]) -> Vec<&(String, String)> {
        self.params.iter().filter(|(name, value)| !names.contains(&name.as_str()) && !value.is_empty()).collect()
    }

    /// This page's path and query.
    pub fn here(&self) -> String {
        self.href_with(&[])
    }

    /// This page's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The side's groups.
    pub fn groups(&self) -> &'static [Group] {
        &nav::GROUPS
    }

    /// The side's foot.
    pub fn foot(&self) -> &'static [Entry] {
        &nav::FOOT
    }

    /// Entries of the phone bar.
    pub fn phone(&self) -> Vec<&'static Entry> {
        nav::phone().collect()
    }

    /// Entries behind More on phones.
    pub fn more(&self) -> Vec<&'static Entry> {
        nav::more().collect()
    }

    /// The number beside an entry, 0 = none.
    pub fn badge(&self, page: &Page) -> usize {
        if *page == Page::Targets { self.targets_down } else { 0 }
    }

    /// Ranges on offer.
    pub fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &CHOICES
    }

    /// Intervals on offer.
    pub fn intervals(&self) -> &'static [(&'static str, &'static str)] {
        &REFRESH
    }

    /// The refresh interval in words.
    pub fn refresh_words(&self) -> &'static str {
        REFRESH.iter().find(|(id, _)| *id == self.refresh).map_or("Off", |(_, words)| words)
    }
}

/// Handles `POST /ui/theme` with the form fields `theme` and `next`, for readers without script.
pub async fn set_theme(body: String) -> Response {
    let field = |name: &str| {
        form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let mut headers = HeaderMap::new();
    let cookie = format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax", Theme::parse(&field("theme")).as_str());
    for (name, value) in [(header::SET_COOKIE, cookie), (header::LOCATION, local(&field("next")).to_owned())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A path on this server, or the front page when it leads elsewhere.
pub fn local(next: &str) -> &str {
    let odd = next.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte >= 0x7f);
    if next.starts_with('/') && !next.starts_with("//") && !odd { next } else { links::HOME }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A shell for rendering tests.
    pub(crate) fn shell(page: Page, title: &str, path: &str, query: &str) -> Shell {
        Shell::new(
            page,
            title,
            Visit {
                path,
                query,
                cookies: "",
                nonce: Nonce::from_bits(1),
                csrf: "token".to_owned(),
                banners: Vec::new(),
                targets_down: 0,
                caller: Caller::Open,
                now_ms: 1_763_714_000_000,
            },
        )
    }

    #[test]
    fn the_theme_comes_from_its_cookie() {
        for (cookies, theme) in
            [("", Theme::System), ("a=b; theme=dark", Theme::Dark), ("theme=light;x=y", Theme::Light), ("theme=<b>", Theme::System)]
        {
            assert_eq!(Theme::from_cookies(cookies), theme, "{cookies}");
        }
    }

    #[test]
    fn a_visit_comes_from_the_request() {
        let uri = Uri::from_static("/explore?q=a");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("theme=dark"));
        let shell = Shell::new(Page::Metrics, "Metrics", Visit::new(&uri, &headers, 0));
        assert_eq!((shell.theme, shell.path(), shell.param("q")), (Theme::Dark, "/explore", Some("a")));
    }

    #[test]
    fn links_keep_what_they_do_not_change() {
        let shell =
            shell(Page::Metrics, "Metrics", "/explore", "q=a&q=b%26&from=now-6h&refresh=10s").with_range("now-1h").with_refresh("5s");
        assert_eq!(shell.href("from", "now-1h"), "/explore?q=a&q=b%26&refresh=10s&from=now-1h");
        assert_eq!(shell.href_with(&[("from", ""), ("refresh", "")]), "/explore?q=a&q=b%26");
        assert_eq!(shell.refresh, "10s");
        assert_eq!(shell.range.as_ref().map(|range| range.label.as_str()), Some("Last 6 hours"));
    }

    #[test]
    fn the_way_back_stays_on_this_server() {
        for (next, to) in
            [("/explore?q=a", "/explore?q=a"), ("//evil", "/"), ("https://evil", "/"), ("/\\evil", "/"), ("/a\r\nb", "/"), ("", "/")]
        {
            assert_eq!(local(next), to, "{next}");
        }
    }
}
