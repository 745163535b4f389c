//! What surrounds every page: theme, navigation, notices, time range, refresh.

use std::fmt::Display;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::access::{Caller, Policy, Role, Verdict};
use crate::ui::format::{self, Moment};
use crate::ui::lang::{LANGUAGES, Lang, Words, key};
use crate::ui::links;
use crate::ui::look::{Look, THEMES, Theme, ZONES, Zone};
use crate::ui::nav::{self, Entry, Group, Page};
use crate::ui::range::{CALENDAR, CHOICES, PageRange, REFRESH};
use crate::ui::security::Nonce;

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
            Self::Critical => key("Critical"),
            Self::Warning => key("Warning"),
            Self::Info => key("Note"),
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
    pub text: Words,
    /// Where to read more, as path and words.
    pub link: Option<(String, &'static str)>,
}

impl Banner {
    /// The configuration file was changed to something that cannot be used; the old one is in force.
    pub fn reload_failed(error: &str) -> Self {
        Self {
            severity: Severity::Critical,
            text: Words::new("Configuration reload failed, the previous configuration stays in force: {}", [error.to_owned()]),
            link: Some((format!("{}#configuration", links::STATUS), key("Configuration"))),
        }
    }

    /// Nobody has to sign in, and how that ends; `None` where people have to.
    fn openness(caller: &Caller) -> Option<Self> {
        match caller {
            Caller::Open => Some(Self {
                severity: Severity::Warning,
                text: key(
                    "Nobody has to sign in: whoever reaches this server can read and change everything. Start it without --auth off.",
                )
                .into(),
                link: None,
            }),
            Caller::Local => Some(Self {
                severity: Severity::Info,
                text: key("Nobody has to sign in yet on this machine; from elsewhere nobody comes in.").into(),
                link: Some((links::SETUP.to_owned(), key("Set up the first administrator"))),
            }),
            Caller::Nobody(_) | Caller::Person(_) | Caller::Token(_) => None,
        }
    }
}

/// What the whole server counts for the navigation of every page, as requests carry it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Alerts that fire and are told.
    pub firing: usize,
    /// The worst of them, for the Home page.
    pub worst: Arc<[FiringAlert]>,
}

/// An alert that fires, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringAlert {
    /// How bad.
    pub severity: Severity,
    /// Its name.
    pub name: String,
    /// What it says of itself; empty if it says nothing.
    pub summary: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Where to see more.
    pub href: String,
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
    /// `Accept-Language` header, or nothing.
    pub accept_language: &'a str,
    /// The nonce of this answer; the same one goes into the policy.
    pub nonce: Nonce,
    /// Token that forms must send back; empty when none is needed.
    pub csrf: String,
    /// Sentences on top, worst first.
    pub banners: Vec<Banner>,
    /// Targets that are down, for the count in the navigation.
    pub targets_down: usize,
    /// Alerts that fire and are told, for the count in the navigation.
    pub firing: usize,
    /// Who looks.
    pub caller: Caller,
    /// Now, in milliseconds.
    pub now_ms: i64,
}

impl<'a> Visit<'a> {
    /// From a request's address and headers, with a fresh nonce; the server's state is added by field.
    pub fn new(uri: &'a Uri, headers: &'a HeaderMap, now_ms: i64) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
        Self {
            path: uri.path(),
            query: uri.query().unwrap_or(""),
            cookies: text(header::COOKIE),
            accept_language: text(header::ACCEPT_LANGUAGE),
            nonce: Nonce::fresh(),
            csrf: String::new(),
            banners: Vec::new(),
            targets_down: 0,
            firing: 0,
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
    /// What the reader has chosen.
    pub look: Look,
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
    /// Alerts that fire and are told.
    pub firing: usize,
    /// The time range control, where the page has one.
    pub range: Option<RangeControl>,
    /// How often the page refreshes: an id of [`REFRESH`].
    pub refresh: String,
    /// Whether the page refreshes at all.
    pub live: bool,
    /// Whether the page stands alone: it leads to no other, and knows nobody.
    pub is_alone: bool,
    /// Whether the range cannot be chosen.
    pub is_range_fixed: bool,
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
        let look = Look::new(visit.cookies, visit.accept_language);
        let mut banners = visit.banners;
        banners.extend(Banner::openness(&visit.caller));
        banners.sort_by_key(|banner| banner.severity);
        Self {
            look,
            current,
            title: look.lang.t(title).to_owned(),
            banners,
            nonce: visit.nonce.to_string(),
            csrf: visit.csrf,
            targets_down: visit.targets_down,
            firing: visit.firing,
            range: None,
            refresh: "off".to_owned(),
            live: false,
            is_alone: false,
            is_range_fixed: false,
            caller: visit.caller,
            now_ms: visit.now_ms,
            path: visit.path.to_owned(),
            params: form_urlencoded::parse(visit.query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        }
    }

    /// Whether whoever looks has at least this role.
    pub fn has_role(&self, role: Role) -> bool {
        self.caller.may(Policy::Person(role)) == Verdict::Allowed
    }

    /// Whether whoever looks may change the server.
    pub fn is_admin(&self) -> bool {
        self.caller.may(Policy::ADMIN) == Verdict::Allowed
    }

    /// Adds the time range control.
    pub fn with_range(mut self, default_from: &str) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        let range = PageRange::from_query(&query, default_from);
        self.range = Some(RangeControl { label: range.label(self.now_ms, self.look.lang), live: range.to.starts_with("now"), range });
        self
    }

    /// The time range control, where there is something to choose.
    pub fn picker(&self) -> Option<&RangeControl> {
        self.range.as_ref().filter(|_| !self.is_range_fixed)
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

    /// Whether a parameter stands in the URL, with a value or without.
    pub fn has_param(&self, name: &str) -> bool {
        self.params.iter().any(|(known, _)| known == name)
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

    /// The language of the page.
    pub const fn lang(&self) -> Lang {
        self.look.lang
    }

    /// A text in the page's language.
    pub fn t<'a>(&self, en: &'a str) -> &'a str {
        self.look.lang.t(en)
    }

    /// A text with one value.
    pub fn f1(&self, en: &str, value: impl Display) -> String {
        self.look.lang.fill(en, &[&value])
    }

    /// Takes the theme that the address names, as pages do that stand alone.
    pub fn choose_theme(&mut self) {
        if let Some(theme) = self.param("theme") {
            self.look.theme = Theme::parse(theme);
        }
    }

    /// A text with two values.
    pub fn f2(&self, en: &str, first: impl Display, second: impl Display) -> String {
        self.look.lang.fill(en, &[&first, &second])
    }

    /// A text with one name in it set as code, as HTML. Everything but that markup is escaped.
    pub fn html1(&self, en: &str, code: &str) -> String {
        let (before, after) = self.t(en).split_once("{}").unwrap_or((self.t(en), ""));
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("{}<bdi class=\"mono\" dir=\"ltr\">{}</bdi>{}", escaped(before), escaped(code), escaped(after))
    }

    /// A moment in words.
    pub fn moment(&self, at_ms: i64) -> Moment {
        format::moment(at_ms, self.now_ms, self.look.lang)
    }

    /// Themes on offer, and which one is chosen.
    pub fn themes(&self) -> Vec<(Theme, &'static str, bool)> {
        THEMES.iter().map(|(theme, name)| (*theme, *name, *theme == self.look.theme)).collect()
    }

    /// Languages on offer, each in its own words.
    pub fn languages(&self) -> Vec<(Lang, &'static str, bool)> {
        LANGUAGES.iter().map(|(lang, name)| (*lang, *name, *lang == self.look.lang)).collect()
    }

    /// Time zones on offer.
    pub fn zones(&self) -> Vec<(Zone, &'static str, bool)> {
        ZONES.iter().map(|(zone, name)| (*zone, *name, *zone == self.look.zone)).collect()
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

    /// Pages below those of the side, for the quick jump: what they belong to, path, name.
    pub fn sub_pages(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let below = |of: &'static str, pages: &'static [(&str, &str)]| pages.iter().skip(1).map(move |(href, words)| (of, *href, *words));
        let settings = links::SETTINGS_PAGES.iter().skip(1).filter(|(.., role)| self.has_role(*role));
        below(key("Alerts"), &links::ALERTS_PAGES)
            .chain(below(key("Uptime"), &links::UPTIME_PAGES))
            .chain(below(key("Logs"), &links::LOGS_PAGES))
            .chain(below(key("Business"), &links::BUSINESS_PAGES))
            .chain(settings.map(|(_, href, words, _)| (key("Settings"), *href, *words)))
            .collect()
    }

    /// Entries behind More on phones.
    pub fn more(&self) -> Vec<&'static Entry> {
        nav::more().collect()
    }

    /// The number beside an entry, 0 = none.
    pub fn badge(&self, page: &Page) -> usize {
        match page {
            Page::Targets => self.targets_down,
            Page::Alerts => self.firing,
            _ => 0,
        }
    }

    /// The same in words.
    pub fn badge_words(&self, page: &Page) -> String {
        let count = self.badge(page);
        if *page == Page::Alerts { self.f1("{} firing", count) } else { self.f1("{} down", count) }
    }

    /// Ranges on offer.
    pub fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &CHOICES
    }

    /// Days, weeks and months on offer, from their start to their end.
    pub fn calendar(&self) -> &'static [(&'static str, &'static str)] {
        &CALENDAR
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A page without the breaks between its lines: where templates break theirs is of no concern to a test.
    pub(crate) fn one_line(html: &str) -> String {
        let mut line = String::with_capacity(html.len());
        for part in html.lines().map(str::trim).filter(|part| !part.is_empty()) {
            if !line.ends_with('>') && !part.starts_with('<') && !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
        line
    }

    /// A shell for rendering tests.
    pub(crate) fn shell(page: Page, title: &str, path: &str, query: &str) -> Shell {
        Shell::new(
            page,
            title,
            Visit {
                path,
                query,
                cookies: "",
                accept_language: "",
                nonce: Nonce::from_bits(1),
                csrf: "token".to_owned(),
                banners: Vec::new(),
                targets_down: 0,
                firing: 0,
                caller: Caller::Open,
                now_ms: 1_763_714_000_000,
            },
        )
    }

    #[test]
    fn a_visit_comes_from_the_request() {
        let uri = Uri::from_static("/explore?q=a");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("theme=dark"));
        let shell = Shell::new(Page::Metrics, "Metrics", Visit::new(&uri, &headers, 0));
        assert_eq!((shell.look.theme, shell.path(), shell.param("q")), (Theme::Dark, "/explore", Some("a")));
    }

    #[test]
    fn an_open_server_says_so_on_every_page() {
        let uri = Uri::from_static("/x");
        let headers = HeaderMap::new();
        let shown = |caller: Caller| {
            let mut visit = Visit::new(&uri, &headers, 0);
            visit.caller = caller;
            visit.banners = vec![Banner::reload_failed("x")];
            let banners = Shell::new(Page::Elsewhere, "x", visit).banners;
            banners.into_iter().map(|banner| (banner.severity, banner.link.map(|(href, _)| href))).collect::<Vec<_>>()
        };
        let failed = (Severity::Critical, Some("/status#configuration".to_owned()));
        assert_eq!(shown(Caller::Open), [failed.clone(), (Severity::Warning, None)]);
        assert_eq!(shown(Caller::Local), [failed.clone(), (Severity::Info, Some("/setup".to_owned()))]);
        assert_eq!(shown(Caller::Nobody(None)), [failed]);
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
}
