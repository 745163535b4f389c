//! Types of single values: how each is read from a key and printed back, secrets hidden.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::masked;
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::base::template::Set;
use crate::base::time::Duration;
use crate::platform::config::section::{self, Section};
use crate::platform::config::shape::Shape;
use crate::platform::config::yaml::{Kind, MapWriter, Node, without_secrets};

/// What a secret is printed as, and what is read back as "there is one".
const SECRET: &str = "<secret>";

/// A type of values.
pub trait Value: Sized {
    /// Reads a key; none if it is not set, or not readable, which is then reported.
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self>;

    /// Prints it, unless it says nothing.
    fn write(&self, key: &str, out: &mut MapWriter);

    /// What it looks like.
    fn shape() -> Shape {
        Shape::Text
    }
}

impl Value for String {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.text_or_nothing(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, self);
    }
}

impl Value for bool {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.truth(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare(key, self);
    }

    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Value for Option<bool> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.truth(key).map(Some)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(value) = self {
            out.bare(key, value);
        }
    }

    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Value for u64 {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.count(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare(key, self);
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl Value for i64 {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.integer(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare_unless(key, *self, 0);
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl Value for Secret {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.secret(key)).filter(|secret| !secret.is_empty())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.secret_if(key, self);
    }

    fn shape() -> Shape {
        Shape::Secret
    }
}

/// Secrets in a list.
impl Value for Vec<Secret> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let nodes = section.list(key);
        Some(nodes.iter().map(|node| section::secret(node, key, section.report)).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.list_if(key, self.iter().map(|secret| Node::text(secret.to_string())).collect());
    }

    fn shape() -> Shape {
        Shape::List(Box::new(Shape::Secret))
    }
}

impl Value for Vec<String> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.texts(key))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.texts_if(key, self);
    }

    fn shape() -> Shape {
        Shape::List(Box::new(Shape::Text))
    }
}

impl Value for BTreeMap<String, String> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.text_map(key))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.masked_map_if(key, self);
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::Text))
    }
}

/// Secrets by name, several each.
pub type SecretLists = BTreeMap<String, Vec<Secret>>;

impl Value for SecretLists {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let below = section.open_below(key)?;
        let mut lists = Self::new();
        for (name, node) in below.pairs() {
            let items = section::list(node, &name.text, below.report);
            lists.insert(name.text.to_string(), items.iter().map(|item| section::secret(item, &name.text, below.report)).collect());
        }
        Some(lists)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        for (name, secrets) in self {
            secrets.write(name, &mut below);
        }
        out.map_if(key, below);
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::List(Box::new(Shape::Secret))))
    }
}

/// A length of time as Prometheus writes it.
impl Value for Duration {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.duration(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare_unless(key, *self, Self::default());
    }

    fn shape() -> Shape {
        Shape::Duration
    }
}

/// Whatever stands there, for templates in nested values.
impl Value for Option<Node> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key).cloned().map(Some)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(node) = self {
            out.put(key, without_secrets(node));
        }
    }

    fn shape() -> Shape {
        Shape::Any
    }
}

/// Whatever stands there, by name.
impl Value for BTreeMap<String, Node> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let below = section.open_below(key)?;
        Some(below.pairs().iter().map(|(name, node)| (name.text.to_string(), node.clone())).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        for (name, node) in self {
            below.put(name, node.clone());
        }
        if let Kind::Map(pairs) = below.finish().kind
            && !pairs.is_empty()
        {
            out.put(key, without_secrets(&Node::new(Kind::Map(pairs))));
        }
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::Any))
    }
}

/// The path of a file; a relative one stands below the configuration's folder. Empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePath(pub String);

impl FilePath {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value for FilePath {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key)?;
        Some(Self(section.path(key)))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, &self.0);
    }
}

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

/// `host:port`; both empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPort {
    /// The host, without brackets.
    pub host: String,
    /// The port or the name of a service.
    pub port: String,
}

impl HostPort {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.host.is_empty() && self.port.is_empty()
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let bad = |what: &str| format!("address {}: {what}", quote(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(|| bad("missing port in address"))?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| bad("missing ']' in address"))?,
            None if host.contains(':') => return Err(bad("too many colons in address")),
            None => host,
        };
        if port.is_empty() {
            return Err(bad("port cannot be empty"));
        }
        Ok(Self { host: host.to_owned(), port: port.to_owned() })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

impl Value for HostPort {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let text = section.text(key)?;
        match Self::parse(&text) {
            Ok(address) => Some(address),
            Err(error) => {
                let at = section.value_place(key);
                section.report.error(at, format!("{key}: {error}"));
                None
            }
        }
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, &self.to_string());
    }
}

/// A length of time as Go writes it: `1m30s`, `1.5h`, `500ms`. Milliseconds; finer parts are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoDuration(pub i64);

impl GoDuration {
    fn parse(text: &str) -> Option<Self> {
        const UNITS: [(&str, f64); 7] = [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];
        if text == "0" {
            return Some(Self(0));
        }
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        let mut total = 0.0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
            let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
            let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            total += number.parse::<f64>().ok()? * size;
            rest = after;
        }
        (total <= i64::MAX as f64 / 1e6).then_some(Self(total as i64))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        if ms < 1000 {
            return if ms == 0 { f.write_str("0s") } else { write!(f, "{ms}ms") };
        }
        let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", (ms % 60_000) as f64 / 1000.0)
    }
}

impl Value for GoDuration {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let text = section.text(key)?;
        let read = Self::parse(&text);
        if read.is_none() {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: read {}, expected a duration such as 1m30s or 1.5h", quote(&text)));
        }
        read
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if self.0 != 0 {
            out.bare(key, self);
        }
    }

    fn shape() -> Shape {
        Shape::Duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        for (text, expected) in [
            ("0", Some("0s")),
            ("1m", Some("1m0s")),
            ("1.5h", Some("1h30m0s")),
            ("1h1ms", Some("1h0m0.001s")),
            ("250ms", Some("250ms")),
            ("", None),
            ("+", None),
            ("+2s", Some("2s")),
            ("1", None),
            ("1d", None),
            ("-1s", None),
            ("..s", None),
        ] {
            assert_eq!(GoDuration::parse(text).map(|read| read.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_and_urls() {
        for (text, expected) in [
            ("", Ok("")),
            ("localhost:25", Ok("localhost:25")),
            (":25", Ok(":25")),
            ("[::1]:25", Ok("[::1]:25")),
            ("localhost", Err("address \"localhost\": missing port in address")),
            ("localhost:", Err("address \"localhost:\": port cannot be empty")),
            ("::1:25", Err("address \"::1:25\": too many colons in address")),
        ] {
            let read = HostPort::parse(text).map(|address| address.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
        }
        assert_eq!(HttpUrl::known("https://a/b?c=/").with_slash().expose(), "https://a/b/?c=/");
        for (url, ok) in [("http://a", true), ("HTTPS://a/b", true), ("ftp://a", false), ("http:///a", false), ("foo", false), ("", false)]
        {
            assert_eq!(check_url(url).is_ok(), ok, "{url}");
        }
    }
}
