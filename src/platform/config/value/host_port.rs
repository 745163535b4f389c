//! Addresses as `host:port`.

use std::fmt;

use super::Value;
use crate::base::quote::quote;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::MapWriter;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
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
    }
}
