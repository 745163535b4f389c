//! Host names of status pages: how they are written, and which of them a request names.

use crate::base::quote::quote;

/// Names of one page at most.
pub const HOSTS_MAX: usize = 10;
/// Letters of a name, and of a part of it (RFC 1123).
const NAME_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// A name as requests have it: small letters, without a dot at its end.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether a name means the machine itself, whoever asks.
fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LABEL_CHARS_MAX).contains(&label.len()) && label.bytes().all(fits) && !label.starts_with('-') && !label.ends_with('-')
}

/// A name of a page, as it is kept.
///
/// # Errors
/// Why it is none, in a sentence.
pub fn read(text: &str) -> Result<String, String> {
    let name = plain(text.trim());
    let said = quote(text.trim());
    if name.contains(['/', ':', '@', '?', '#', '[', ']']) && name.parse::<std::net::IpAddr>().is_err() {
        return Err(format!("hosts: read {said}, expected a name alone such as status.example.com, without https://, port and path"));
    }
    let parsed = url::Host::parse(&name);
    if matches!(parsed, Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_))) || name.parse::<std::net::IpAddr>().is_ok() {
        return Err(format!("hosts: {said} is an address; a page has names such as status.example.com"));
    }
    if !name.is_ascii() {
        return Err(match parsed {
            Ok(url::Host::Domain(ascii)) => {
                format!("hosts: read {said}, expected its form in ASCII, as browsers send it: {}", quote(&ascii))
            }
            _ => format!("hosts: {said} is no name of a host"),
        });
    }
    if is_local(&name) {
        return Err(format!("hosts: {said} means this machine itself, for everybody who asks"));
    }
    if !name.contains('.') {
        return Err(format!("hosts: read {said}, expected a whole name such as status.example.com"));
    }
    // What comes of a name in another script must also be one (IDNA), so it is read as browsers read it.
    let is_same = matches!(&parsed, Ok(url::Host::Domain(domain)) if *domain == name);
    if !is_same || name.len() > NAME_CHARS_MAX || !name.split('.').all(is_label) {
        return Err(format!(
            "hosts: {said} is no name of a host: letters of English, digits and hyphens between dots, {NAME_CHARS_MAX} in all and \
             {LABEL_CHARS_MAX} between two dots at most"
        ));
    }
    Ok(name)
}

/// The name in what a request says (`Host`, `:authority`), without its port; none where it names an address.
pub fn named(said: &str) -> Option<String> {
    if said.starts_with('[') {
        return None;
    }
    let name = said.rsplit_once(':').map_or(said, |(name, _)| name);
    (!name.is_empty() && name.len() <= NAME_CHARS_MAX + 1).then(|| plain(name))
}

/// The one of these names, as somebody wrote them, by which they ask the server themselves: as a page's it would lock
/// them out.
pub fn asked_by<'h>(hosts: &'h [String], named: Option<&str>) -> Option<&'h String> {
    hosts.iter().find(|host| read(host).is_ok_and(|host| Some(host.as_str()) == named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_browsers_send_them() {
        for (text, name) in [
            ("status.example.com", "status.example.com"),
            (" Status.Example.COM. ", "status.example.com"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
            ("1.status-2.example", "1.status-2.example"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(name), "{text}");
        }
        let long = format!("{}.example", "a".repeat(64));
        let longer = ["a".repeat(60).as_str(); 5].join(".");
        for (text, said) in [
            ("", "expected a whole name"),
            ("status", "expected a whole name"),
            ("https://status.example.com", "a name alone"),
            ("status.example.com:8443", "a name alone"),
            ("status.example.com/x", "a name alone"),
            ("ann@status.example.com", "a name alone"),
            ("10.0.0.5", "is an address"),
            ("::1", "is an address"),
            ("[::1]", "a name alone"),
            ("0x7f.1", "is an address"),
            ("localhost", "this machine itself"),
            ("A.Localhost", "this machine itself"),
            ("münchen.example", "\"xn--mnchen-3ya.example\""),
            ("xn--a.example", "is no name of a host"),
            ("a_b.example", "is no name of a host"),
            ("-a.example", "is no name of a host"),
            ("a..example", "is no name of a host"),
            ("*.example.com", "is no name of a host"),
            ("a b.example", "is no name of a host"),
            (long.as_str(), "is no name of a host"),
            (longer.as_str(), "is no name of a host"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(said), "{text}: {told}");
        }
    }

    #[test]
    fn a_request_names_a_host_with_or_without_its_port() {
        for (said, name) in [
            ("status.example.com", Some("status.example.com")),
            ("Status.Example.com:8443", Some("status.example.com")),
            ("status.example.com.:80", Some("status.example.com")),
            ("[::1]:9090", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(named(said).as_deref(), name, "{said}");
        }
        assert_eq!(named(&"a".repeat(300)), None);
        let hosts = ["a.example".to_owned(), "B.example.".to_owned()];
        assert_eq!(
            (asked_by(&hosts, Some("b.example")), asked_by(&hosts, Some("c.example")), asked_by(&hosts, None)),
            (Some(&hosts[1]), None, None)
        );
    }
}
