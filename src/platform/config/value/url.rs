//! URLs in a configuration: to connect to, secret as a whole, as templates, and any text that may carry a password.

use std::fmt;

use super::{SECRET, Value};
use crate::base::masked;
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::base::template::Set;
use crate::platform::config::section::Section;
use crate::platform::config::shape::Shape;
use crate::platform::config::yaml::MapWriter;

/// An `http` or `https` URL to connect to. Shown without a password it may carry.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// A URL that is known to be good.
    pub fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The URL with everything it carries; call it only where a connection is made.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same with a `/` at the end of its path, so that more can be put behind it.
    #[must_use]
    pub fn with_slash(&self) -> Self {
        let (path, rest) = self.0.split_at(self.0.find(['?', '#']).unwrap_or(self.0.len()));
        Self(if path.ends_with('/') { self.0.clone() } else { format!("{path}/{rest}") })
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked::url(&self.0))
    }
}

/// What is wrong with a URL, if anything is.
fn check_url(text: &str) -> Result<(), String> {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(format!("unsupported scheme {} for URL, expected http or https", quote(&scheme.chars().take(20).collect::<String>())));
    }
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    if rest.is_empty() || rest.starts_with(['/', '?', '#']) {
        return Err("missing host for URL".to_owned());
    }
    url::Url::parse(text).map(|_| ()).map_err(|error| error.to_string())
}

impl Value for Option<HttpUrl> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let text = section.text(key)?;
        if let Err(error) = check_url(&text) {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: {error}"));
            return None;
        }
        Some(Some(HttpUrl(text)))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(url) = self {
            out.text(key, &masked::url(&url.0));
        }
    }
}

/// An `http` or `https` URL that is a secret as a whole. Empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretUrl(pub Secret);

impl SecretUrl {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value for SecretUrl {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key)?;
        let secret = section.secret(key);
        if secret.expose() != SECRET
            && let Err(error) = check_url(secret.expose())
        {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: {error}"));
            return None;
        }
        Some(Self(secret))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.secret_if(key, &self.0);
    }

    fn shape() -> Shape {
        Shape::Secret
    }
}

/// The same, which may be a template. Empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateUrl(pub Secret);

impl TemplateUrl {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The host of one that is no template, with everything that may be a secret masked: amtool up to 0.25 takes no
    /// `<secret>` for a whole URL here.
    fn masked(&self) -> Option<String> {
        let url = url::Url::parse(self.0.expose()).ok()?;
        let host = url.host_str()?;
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        (!self.0.expose().contains("{{")).then(|| format!("{}://{host}{port}/{SECRET}", url.scheme()))
    }
}

impl Value for TemplateUrl {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key)?;
        let secret = section.secret(key);
        let text = secret.expose();
        let problem = if text.contains("{{") {
            Set::default().add("", text, &|_| true).err().map(|error| format!("invalid template syntax: {error}"))
        } else if text.is_empty() || text == SECRET {
            None
        } else {
            check_url(text).err().map(|error| format!("invalid URL: {error}"))
        };
        if let Some(problem) = problem {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: {problem}"));
            return None;
        }
        Some(Self(secret))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        match self.masked() {
            Some(masked) => out.text_if(key, &masked),
            None => out.secret_if(key, &self.0),
        };
    }
}

/// Any text that may carry a password as URLs do.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct LooseUrl(pub String);

impl fmt::Debug for LooseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked::url(&self.0))
    }
}

impl Value for LooseUrl {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.text(key).map(Self)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, &masked::url(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        assert_eq!(HttpUrl::known("https://a/b?c=/").with_slash().expose(), "https://a/b/?c=/");
        for (url, ok) in [("http://a", true), ("HTTPS://a/b", true), ("ftp://a", false), ("http:///a", false), ("foo", false), ("", false)]
        {
            assert_eq!(check_url(url).is_ok(), ok, "{url}");
        }
    }
}
