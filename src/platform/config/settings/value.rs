//! Kinds of values that settings have, read from text and written back.

use crate::base::network::Network;
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::scalar;

/// A value that stands as text in a file, a variable or a flag.
pub trait Value: Default + PartialEq {
    /// What is allowed, for messages.
    const ALLOWED: &'static str;
    /// What stands for one in the help.
    const NAME: &'static str;
    /// Whether it is a truth value.
    const IS_TRUTH: bool = false;
    /// Whether it is a list.
    const IS_LIST: bool = false;
    /// Reads a text.
    fn parse(text: &str) -> Option<Self>;
    /// Writes it so that it reads back.
    fn print(&self) -> String;
}

impl Value for String {
    const ALLOWED: &'static str = "text";
    const NAME: &'static str = "TEXT";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl Value for bool {
    const ALLOWED: &'static str = "true or false, on or off";
    const NAME: &'static str = "true|false";
    const IS_TRUTH: bool = true;

    fn parse(text: &str) -> Option<Self> {
        match text {
            "1" => Some(true),
            "0" => Some(false),
            _ => scalar::truth(text),
        }
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for u64 {
    const ALLOWED: &'static str = "a whole number, 0 or more";
    const NAME: &'static str = "NUMBER";

    fn parse(text: &str) -> Option<Self> {
        scalar::integer(text).and_then(|number| Self::try_from(number).ok())
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const ALLOWED: &'static str = "a duration such as 15s or 1m30s";
    const NAME: &'static str = "DURATION";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for Vec<String> {
    const ALLOWED: &'static str = "a list, comma separated; what has a comma itself stands in double quotes";
    const NAME: &'static str = "LIST";
    const IS_LIST: bool = true;

    fn parse(text: &str) -> Option<Self> {
        let (mut items, mut rest) = (Self::new(), text);
        loop {
            let (item, behind) = item(rest.trim_start())?;
            items.extend(Some(item).filter(|item| !item.is_empty()));
            match behind {
                Some(behind) => rest = behind,
                None => return Some(items),
            }
        }
    }

    fn print(&self) -> String {
        self.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(",")
    }
}

/// The first item of a list, and what stands behind its comma if there is one. `None` where a quote is not closed, or
/// followed by something.
fn item(text: &str) -> Option<(String, Option<&str>)> {
    let Some(mut inside) = text.strip_prefix('"') else {
        let (item, behind) = text.split_once(',').map_or((text, None), |(item, behind)| (item, Some(behind)));
        return Some((item.trim_end().to_owned(), behind));
    };
    let mut item = String::new();
    loop {
        let (before, behind) = inside.split_once('"')?;
        item.push_str(before);
        // Two of them are one of the item's own.
        if let Some(next) = behind.strip_prefix('"') {
            item.push('"');
            inside = next;
            continue;
        }
        return match behind.trim_start() {
            "" => Some((item, None)),
            behind => behind.strip_prefix(',').map(|behind| (item, Some(behind))),
        };
    }
}

/// An item of a list so that it reads back as one.
pub(super) fn quoted(item: &str) -> String {
    let is_plain = !item.contains(',') && !item.starts_with('"') && item.trim() == item;
    if is_plain { item.to_owned() } else { format!("\"{}\"", item.replace('"', "\"\"")) }
}

/// Prints as `<secret>`: values of settings stand on the status page and in the API.
impl Value for Secret {
    const ALLOWED: &'static str = "text";
    const NAME: &'static str = "TEXT";

    fn parse(text: &str) -> Option<Self> {
        Some(Self::new(text.trim()))
    }

    fn print(&self) -> String {
        if self.is_empty() { String::new() } else { self.to_string() }
    }
}

impl Value for Vec<Network> {
    const ALLOWED: &'static str = "addresses and networks such as 10.0.0.7 or 10.0.0.0/8, comma separated";
    const NAME: &'static str = "LIST";
    const IS_LIST: bool = true;

    fn parse(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Network::parse).collect()
    }

    fn print(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// What somebody may do whose groups say nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultRole {
    /// They stay outside.
    #[default]
    None,
    /// They look.
    Viewer,
    /// They change what people made.
    Editor,
    /// They change the server.
    Admin,
}

impl DefaultRole {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl Value for DefaultRole {
    const ALLOWED: &'static str = "none, viewer, editor or admin";
    const NAME: &'static str = "none|viewer|editor|admin";

    fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Viewer, Self::Editor, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }

    fn print(&self) -> String {
        self.as_str().to_owned()
    }
}

/// A number of bytes, as `512MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

impl Value for ByteSize {
    const ALLOWED: &'static str = "a size such as 512KiB, 10MB or 1GB";
    const NAME: &'static str = "SIZE";

    fn parse(text: &str) -> Option<Self> {
        scalar::size(text).map(Self)
    }

    fn print(&self) -> String {
        scalar::print_size(self.0)
    }
}

/// Whether people must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignIn {
    /// Always where other machines reach the server; on loopback as soon as there is an administrator.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Value for SignIn {
    const ALLOWED: &'static str = "auto, on or off";
    const NAME: &'static str = "auto|on|off";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            // In a YAML file `on` may come as a truth value.
            _ => bool::parse(text).map(|is_on| if is_on { Self::On } else { Self::Off }),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::On => "on".to_owned(),
            Self::Off => "off".to_owned(),
        }
    }
}

/// Least severe message that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What is odd.
    Warn,
    /// What went wrong.
    Error,
}

impl LogLevel {
    /// As written, also for the filter of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Value for LogLevel {
    const ALLOWED: &'static str = "debug, info, warn or error";
    const NAME: &'static str = "debug|info|warn|error";

    fn parse(text: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().find(|level| level.as_str() == text)
    }

    fn print(&self) -> String {
        self.as_str().to_owned()
    }
}

/// Form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `key=value`
    #[default]
    Logfmt,
    /// One JSON object.
    Json,
}

impl Value for LogFormat {
    const ALLOWED: &'static str = "logfmt or json";
    const NAME: &'static str = "logfmt|json";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "logfmt" => Some(Self::Logfmt),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Logfmt => "logfmt".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// What is asked of clients in the way of certificates, in the words of Prometheus and Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Nothing.
    #[default]
    None,
    /// One is asked for; any will do, and none.
    Request,
    /// There must be one; any will do.
    RequireAny,
    /// There need be none, but one that is shown must be signed by a known authority.
    VerifyIfGiven,
    /// There must be one, signed by a known authority.
    RequireAndVerify,
}

impl ClientAuth {
    const ALL: [Self; 5] = [Self::None, Self::Request, Self::RequireAny, Self::VerifyIfGiven, Self::RequireAndVerify];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NoClientCert",
            Self::Request => "RequestClientCert",
            Self::RequireAny => "RequireAnyClientCert",
            Self::VerifyIfGiven => "VerifyClientCertIfGiven",
            Self::RequireAndVerify => "RequireAndVerifyClientCert",
        }
    }

    /// Whether a certificate, where there is one, is known to come from a trusted authority.
    pub const fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// Whether nobody gets in without one.
    pub const fn requires(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

impl Value for ClientAuth {
    const ALLOWED: &'static str =
        "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
    const NAME: &'static str = "WORD";

    fn parse(text: &str) -> Option<Self> {
        match text {
            // An old word of upstream that it still takes.
            "RequireClientCert" => Some(Self::RequireAny),
            _ => Self::ALL.into_iter().find(|auth| auth.as_str() == text),
        }
    }

    fn print(&self) -> String {
        self.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_lists_may_have_commas() {
        for (text, items) in [
            ("", Some(&[][..])),
            ("a,b", Some(&["a", "b"])),
            (" a , ,b, ", Some(&["a", "b"])),
            ("\"CN=Ops,DC=example\", staff", Some(&["CN=Ops,DC=example", "staff"])),
            ("staff,\"CN=Ops,DC=example\"", Some(&["staff", "CN=Ops,DC=example"])),
            ("\"say \"\"hi\"\"\"", Some(&["say \"hi\""])),
            ("5\" pipes", Some(&["5\" pipes"])),
            ("\"\",\" a\"", Some(&[" a"])),
            ("\"a", None),
            ("\"a\"b", None),
            ("\"", None),
        ] {
            let found = <Vec<String> as Value>::parse(text);
            let items = items.map(|items| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
            assert_eq!(found, items, "{text}");
            if let Some(items) = found {
                assert_eq!(<Vec<String> as Value>::parse(&items.print()), Some(items), "it reads back: {text}");
            }
        }
    }
}
