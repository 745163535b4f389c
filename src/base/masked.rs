//! URLs as people may see them: without the passwords and tokens that they carry. Everything that shows a URL, in
//! pages, labels, answers and logs, comes through here.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in place of a password before a host, as Go writes it.
const PASSWORD: &str = "xxxxx";
/// What stands in place of any other secret.
const SECRET: &str = "<secret>";
/// How deep URLs are looked for in parameters of URLs.
const NESTED_MAX: usize = 4;
/// Words of a name that say that its value is a secret.
const WORDS: [&str; 14] =
    ["apikey", "auth", "authorization", "bearer", "credential", "jwt", "key", "keys", "pass", "passphrase", "pw", "pwd", "sig", "tokens"];
/// Ends of such words.
const WORD_ENDS: [&str; 10] =
    ["token", "secret", "secrets", "password", "passwd", "apikey", "accesskey", "authkey", "signature", "credentials"];

/// A URL that is shown without what it carries. For one that is sent, not for one that people wrote.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MaskedUrl(String);

impl MaskedUrl {
    /// Wraps a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// All of it; call it only where a connection is made or two are compared.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&url(&self.0))
    }
}

impl fmt::Debug for MaskedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether the value of a parameter, header or field of this name is a secret: `access_token`, `X-Api-Key`, `sig`.
pub fn is_secret_name(name: &str) -> bool {
    let mut word = String::new();
    let mut before = ' ';
    for c in name.chars().chain([' ']) {
        let begins = c.is_uppercase() && before.is_lowercase();
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            if is_secret_word(&word) {
                return true;
            }
            word.clear();
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    false
}

fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word) || WORD_ENDS.iter().any(|end| word.ends_with(end))
}

/// A text with the secrets of the URL in it masked: the password before the host, and parameters whose name says that
/// they are secrets, also those of URLs that are parameters themselves. A text that is no URL stays as it is.
pub fn url(text: &str) -> Cow<'_, str> {
    match text.find("://") {
        Some(at) => masked(text, at + "://".len(), NESTED_MAX),
        None => Cow::Borrowed(text),
    }
}

/// The same for a host and a port, before which a user and a password may stand, with or without a scheme.
pub fn address(text: &str) -> Cow<'_, str> {
    masked(text, text.find("://").map_or(0, |at| at + "://".len()), NESTED_MAX)
}

/// A value as it is shown beside its name.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if !value.is_empty() && is_secret_name(name) { Cow::Borrowed(SECRET) } else { url(value) }
}

/// `text`, whose host, with what stands before it, begins at `start`.
fn masked(text: &str, start: usize, depth: usize) -> Cow<'_, str> {
    if !text[start..].contains(['@', '=']) {
        return Cow::Borrowed(text);
    }
    if depth == 0 {
        return Cow::Owned(SECRET.to_owned());
    }
    let (head, rest) = text.split_at(start);
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let mut out = String::with_capacity(text.len());
    out.push_str(head);
    let password = authority.rfind('@').and_then(|at| authority[..at].find(':').map(|colon| (colon + 1, at)));
    match password.filter(|(from, until)| from < until) {
        Some((from, until)) => {
            out.push_str(&authority[..from]);
            out.push_str(PASSWORD);
            out.push_str(&authority[until..]);
        }
        None => out.push_str(authority),
    }
    let (path, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    out.push_str(path);
    for parameter in parameters.split_inclusive(['?', '#', '&', ';']) {
        push_parameter(&mut out, parameter, depth);
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// `name=value`, with what divides it from the next one.
fn push_parameter(out: &mut String, parameter: &str, depth: usize) {
    let (pair, end) = parameter.split_at(parameter.trim_end_matches(['?', '#', '&', ';']).len());
    let Some((name, value)) = pair.split_once('=') else { return out.push_str(parameter) };
    out.push_str(name);
    out.push('=');
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let is_secret = is_secret_name(&percent_decode_str(name).decode_utf8_lossy());
    if is_secret && !value.is_empty() {
        out.push_str(SECRET);
    } else if let Some(at) = decoded.find("://")
        && let Cow::Owned(inner) = masked(&decoded, at + "://".len(), depth - 1)
    {
        if decoded == value {
            out.push_str(&inner);
        } else {
            out.extend(utf8_percent_encode(&inner, NON_ALPHANUMERIC));
        }
    } else {
        out.push_str(value);
    }
    out.push_str(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "token",
            "access_token",
            "X-Auth-Token",
            "authToken",
            "authtoken",
            "api_key",
            "apikey",
            "X-Api-Key",
            "key",
            "client_secret",
            "Authorization",
            "auth",
            "password",
            "db.passwd",
            "sig",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "JWT",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["", "module", "target", "author", "match[]", "monkey", "keyboard", "X-Scope-OrgID", "signal", "compass", "é"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_of_urls_are_masked_and_nothing_else() {
        for (text, shown) in [
            ("http://a/b", "http://a/b"),
            ("http://u:pw@a:80/b?x=1", "http://u:xxxxx@a:80/b?x=1"),
            ("http://u:p@w@a/", "http://u:xxxxx@a/"),
            ("http://u@a/", "http://u@a/"),
            ("http://u:@a/", "http://u:@a/"),
            ("http://[::1]:9090/?a=b", "http://[::1]:9090/?a=b"),
            ("http://a/?token=abc&x=1", "http://a/?token=<secret>&x=1"),
            ("http://a/?x=1;Api_Key=abc#y", "http://a/?x=1;Api_Key=<secret>#y"),
            ("http://a?sig=a%26b", "http://a?sig=<secret>"),
            ("http://a/?token=", "http://a/?token="),
            ("http://a/?token", "http://a/?token"),
            ("http://a/?%74oken=abc", "http://a/?%74oken=<secret>"),
            ("http://a/#access_token=abc", "http://a/#access_token=<secret>"),
            ("http://a/p@x:y=z", "http://a/p@x:y=z"),
            ("http://p/?target=http://u:pw@a/", "http://p/?target=http://u:xxxxx@a/"),
            ("http://p/?target=https%3A%2F%2Fa%2F%3Ftoken%3Dabc", "http://p/?target=https%3A%2F%2Fa%2F%3Ftoken%3D%3Csecret%3E"),
            ("http://p/?target=https%3A%2F%2Fa%2F", "http://p/?target=https%3A%2F%2Fa%2F"),
            ("u:pw@a:80", "u:pw@a:80"),
            ("token=abc", "token=abc"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(url(text), shown, "{text}");
            assert_eq!(url(&url(text)), shown, "once more changes nothing: {text}");
            assert_eq!(MaskedUrl::new(text).to_string(), shown);
        }
        let mut deep = "http://a/?token=abc".to_owned();
        for _ in 0..10 {
            deep = format!("http://a/?u={}", utf8_percent_encode(&deep, NON_ALPHANUMERIC));
        }
        assert!(!url(&deep).contains("abc"));
    }

    #[test]
    fn addresses_and_named_values() {
        for (text, shown) in [
            ("a:80", "a:80"),
            ("u:pw@a:80", "u:xxxxx@a:80"),
            ("u@a:80", "u@a:80"),
            ("http://u:pw@a", "http://u:xxxxx@a"),
            ("[::1]:80", "[::1]:80"),
            ("é:pw@é", "é:xxxxx@é"),
        ] {
            assert_eq!(address(text), shown, "{text}");
        }
        assert_eq!((&*value("api_key", "abc"), &*value("module", "abc"), &*value("token", "")), ("<secret>", "abc", ""));
        assert_eq!(value("target", "http://a?token=b"), "http://a?token=<secret>");
    }
}
