//! How a reader wants pages to look: theme, language, time zone. Kept in cookies, chosen by one form.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::platform::http::extract::read_body;
use crate::ui::lang::{Lang, key};
use crate::ui::links;

/// Largest form; anyone may send it.
const FORM_BYTES_MAX: usize = 16 * 1024;

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

/// Every theme with its name.
pub const THEMES: [(Theme, &str); 3] = [(Theme::System, key("System")), (Theme::Light, key("Light")), (Theme::Dark, key("Dark"))];

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
        THEMES.iter().map(|(theme, _)| *theme).find(|theme| theme.as_str() == word).unwrap_or_default()
    }
}

/// The time zone that times are shown in. The server writes UTC; scripts rewrite its times for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The reader's own.
    #[default]
    Local,
    /// UTC everywhere.
    Utc,
}

/// Every zone with its name.
pub const ZONES: [(Zone, &str); 2] = [(Zone::Local, key("Your own")), (Zone::Utc, "UTC")];

impl Zone {
    /// The value of the cookie.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Utc => "utc",
        }
    }

    /// From its word; unknown ones mean the reader's own.
    pub fn parse(word: &str) -> Self {
        if word == "utc" { Self::Utc } else { Self::Local }
    }
}

/// What a reader has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colours.
    pub theme: Theme,
    /// Words.
    pub lang: Lang,
    /// Times.
    pub zone: Zone,
}

impl Look {
    /// From a `Cookie` and an `Accept-Language` header; a chosen language counts more than the browser's.
    pub fn new(cookies: &str, accept_language: &str) -> Self {
        let value = |name: &str| cookies.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
        Self {
            theme: value("theme").map_or(Theme::System, Theme::parse),
            lang: value("lang").and_then(Lang::parse).unwrap_or_else(|| Lang::accepted(accept_language)),
            zone: value("tz").map_or(Zone::Local, Zone::parse),
        }
    }
}

/// Handles `POST /ui/look`: the form fields `theme`, `lang` and `tz`, as far as they are given, become cookies; `next`
/// is where to go on. Works without script.
pub async fn choose(body: Body) -> Response {
    let body = match read_body(body, FORM_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let field = |name: &str| form_urlencoded::parse(&body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let chosen = [
        ("theme", field("theme").map(|word| Theme::parse(&word).as_str())),
        ("lang", field("lang").map(|word| Lang::parse(&word).unwrap_or_default().as_str())),
        ("tz", field("tz").map(|word| Zone::parse(&word).as_str())),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in chosen {
        let Some(value) = value else { continue };
        if let Ok(cookie) = HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax")) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    if let Ok(next) = HeaderValue::from_str(local(&field("next").unwrap_or_default())) {
        headers.insert(header::LOCATION, next);
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A path on this server, or the front page when it leads elsewhere.
pub fn local(next: &str) -> &str {
    let odd = next.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte >= 0x7f);
    if next.starts_with('/') && !next.starts_with("//") && !odd { next } else { links::HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_comes_from_cookies_and_the_browser() {
        for (cookies, accepted, theme, lang, zone) in [
            ("", "", Theme::System, Lang::En, Zone::Local),
            ("a=b; theme=dark", "ar", Theme::Dark, Lang::Ar, Zone::Local),
            ("theme=light;lang=en;tz=utc", "ar", Theme::Light, Lang::En, Zone::Utc),
            ("theme=<b>; lang=<b>; tz=<b>; xtheme=dark", "", Theme::System, Lang::En, Zone::Local),
        ] {
            assert_eq!(Look::new(cookies, accepted), Look { theme, lang, zone }, "{cookies}");
        }
    }

    #[tokio::test]
    async fn a_form_sets_what_it_names() {
        let answer = choose("lang=ar&next=%2Fstatus".into()).await;
        assert_eq!((answer.status(), answer.headers()[header::LOCATION].to_str().expect("text")), (StatusCode::SEE_OTHER, "/status"));
        let cookies: Vec<&str> = answer.headers().get_all(header::SET_COOKIE).iter().map(|value| value.to_str().expect("text")).collect();
        assert_eq!(cookies, ["lang=ar; Path=/; Max-Age=31536000; SameSite=Lax"]);
        let both = choose("theme=dark&tz=utc&next=//evil".into()).await;
        assert_eq!(both.headers().get_all(header::SET_COOKIE).iter().count(), 2);
        assert_eq!(both.headers()[header::LOCATION], "/");
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
