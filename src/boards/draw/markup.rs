//! Writing HTML: everything that comes from outside goes through [`escape`].

use std::borrow::Cow;

/// A text for HTML, between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// A number for an attribute: two digits after the point, never `NaN`.
pub(super) fn px(value: f64) -> String {
    let value = if value.is_finite() { value.clamp(-1e6, 1e6) } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    (if text == "-0" { "0" } else { text }).to_owned()
}

/// How wide a text is about, in ems.
pub(super) fn ems(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'l' | 'I' | '.' | ',' | ':' | '\'' | '|' | ' ' => 0.29,
            'm' | 'w' | 'M' | 'W' | '%' => 0.86,
            c if c.is_ascii_uppercase() => 0.68,
            c if c.is_ascii() => 0.58,
            _ => 0.8,
        })
        .sum()
}

/// A text cut to so many ems, with an ellipsis.
pub(super) fn cut(text: &str, most: f64) -> String {
    if ems(text) <= most {
        return text.to_owned();
    }
    let mut width = 0.8;
    let kept: String = text
        .chars()
        .take_while(|c| {
            width += ems(c.encode_utf8(&mut [0; 4]));
            width <= most
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// A link that may be followed, none for what could run script.
pub(super) fn safe_url(url: &str) -> Option<String> {
    let url = url.trim();
    let lower = url.to_ascii_lowercase();
    let is_known = ["http://", "https://", "mailto:", "/", "#", "?"].iter().any(|begin| lower.starts_with(begin));
    let is_relative = !lower.contains(':') && !lower.is_empty();
    // Browsers read a backslash as a slash and skip control characters inside of a scheme.
    let is_clean = !url.contains('\\') && !url.chars().any(char::is_control);
    (is_clean && (is_known || is_relative)).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_stay_texts() {
        assert_eq!(escape("<img src=x onerror='a'>&\""), "&lt;img src=x onerror=&#39;a&#39;&gt;&amp;&quot;");
        for (url, is_safe) in [
            ("https://a/b", true),
            ("/d/x?a=b:c", true),
            ("d/x", true),
            ("javascript:alert(1)", false),
            (" JavaScript:alert(1)", false),
            ("java\tscript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            ("/\\evil.example", false),
            ("", false),
        ] {
            assert_eq!(safe_url(url).is_some(), is_safe, "{url}");
        }
        assert_eq!((px(f64::NAN), px(1.5), px(-0.0001), px(f64::INFINITY)), ("0".into(), "1.5".into(), "0".into(), "0".into()));
        assert_eq!(cut("a long text that goes on", 6.0), "a long tex…");
    }
}
