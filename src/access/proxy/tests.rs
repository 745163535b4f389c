//! Who is believed about what, and that no line of headers breaks the reader.

use http::HeaderValue;
use proptest::prelude::*;

use super::forwarded::{Element, parse};
use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
    }
    headers
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn proxies() -> Proxies {
    let users = VouchedUser {
        user: HeaderName::from_static("remote-user"),
        email: Some(HeaderName::from_static("remote-email")),
        groups: Some(HeaderName::from_static("remote-groups")),
        role: Some(HeaderName::from_static("remote-role")),
        roles: RoleMap { admin: vec!["ops".to_owned()], viewer: vec!["all staff".to_owned()], ..RoleMap::default() },
    };
    let trusted = ["10.0.0.0/8", "::1"].map(|text| Network::parse(text).expect("a network")).to_vec();
    Proxies { trusted, users: Some(users) }
}

#[test]
fn the_nearest_address_that_is_no_proxy_is_the_client() {
    let proxies = proxies();
    for (peer, lines, address, is_https) in [
        ("10.0.0.1", &[][..], "10.0.0.1", None),
        ("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")], "1.2.3.4", Some(true)),
        ("::ffff:10.0.0.1", &[("x-forwarded-for", "1.2.3.4")], "1.2.3.4", None),
        ("::1", &[("x-forwarded-for", "[2001:db8::1]:443, 10.0.0.2")], "2001:db8::1", None),
        ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4:5678, 10.9.9.9")], "1.2.3.4", None),
        ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4", None),
        ("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3", None),
        ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")], "10.0.0.2", None),
        ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, é")], "10.0.0.1", None),
        ("10.0.0.1", &[("x-forwarded-proto", "http, https")], "10.0.0.1", Some(true)),
        ("10.0.0.1", &[("x-forwarded-proto", "gopher")], "10.0.0.1", None),
        ("10.0.0.1", &[("forwarded", "for=6.6.6.6;proto=https, for=1.2.3.4;proto=http")], "1.2.3.4", Some(false)),
        ("10.0.0.1", &[("forwarded", "for=\"[2001:db8::1]:1\";proto=https, for=10.0.0.2;proto=http")], "2001:db8::1", Some(true)),
        ("10.0.0.1", &[("forwarded", "for=6.6.6.6;x=\""), ("forwarded", "for=1.2.3.4")], "1.2.3.4", None),
        ("10.0.0.1", &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4", None),
        // A proxy that adds only one of them passes a client's own in the other.
        ("10.0.0.1", &[("forwarded", "for=6.6.6.6;proto=https"), ("x-forwarded-for", "1.2.3.4")], "10.0.0.1", Some(true)),
        ("10.0.0.1", &[("forwarded", "for=1.2.3.4;proto=https"), ("x-forwarded-proto", "http")], "1.2.3.4", Some(false)),
        ("1.2.3.4", &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https"), ("forwarded", "for=::1")], "1.2.3.4", None),
    ] {
        let client = proxies.client(ip(peer), &headers(lines));
        assert_eq!((client.address, client.is_https), (ip(address), is_https), "{peer} {lines:?}");
        assert_eq!(client.by_proxy, peer != "1.2.3.4");
    }
    let nobody = Proxies::default().client(ip("127.0.0.1"), &headers(&[("x-forwarded-for", "6.6.6.6")]));
    assert_eq!(nobody.address, ip("127.0.0.1"), "nobody is trusted by default");
}

#[test]
fn users_of_a_proxy_get_the_role_of_their_groups() {
    let user =
        |lines: &[(&'static str, &str)]| proxies().user(&headers(lines)).map(|said| said.map(|who| (who.subject, who.email, who.role)));
    let good = |name: &str, email: &str, role| Some(Ok((name.to_owned(), email.to_owned(), role)));
    assert_eq!(user(&[]), None);
    assert_eq!(user(&[("remote-user", " ")]), None);
    assert_eq!(user(&[("remote-user", "ann"), ("remote-groups", "all staff| ops")]), good("ann", "", Role::Admin));
    assert_eq!(user(&[("remote-user", "änn"), ("remote-role", "Editor"), ("remote-email", "a@x")]), good("änn", "a@x", Role::Editor));
    for (lines, why) in [
        (&[("remote-user", "ann")][..], "in no group"),
        (&[("remote-user", "ann"), ("remote-groups", "OPS")], "in no group"),
        (&[("remote-user", "ann"), ("remote-role", "root"), ("remote-groups", "ops")], "none of viewer"),
        (&[("remote-user", "ann"), ("remote-user", "eve"), ("remote-groups", "ops")], "came twice"),
        (&[("remote-user", "ann"), ("remote-groups", "ops"), ("remote-groups", "x")], "came twice"),
    ] {
        assert!(user(lines).expect("an answer").expect_err("refused").contains(why), "{lines:?}");
    }
    let long = "x".repeat(USER_BYTES_MAX + 1);
    assert!(user(&[("remote-user", &long)]).expect("an answer").is_err());
    let silent = Proxies { users: None, ..proxies() };
    assert_eq!(silent.user(&headers(&[("remote-user", "ann")])), None);
}

#[test]
fn lines_of_forwarded_are_read_as_the_grammar_says() {
    let one = |client: &str, is_https| Element { client: Some(ip(client)), is_https };
    for (line, elements) in [
        ("for=192.0.2.43", Some(vec![one("192.0.2.43", None)])),
        ("For=\"192.0.2.43:80\" ; PROTO=https;by=203.0.113.60", Some(vec![one("192.0.2.43", Some(true))])),
        ("for=\"[2001:db8:cafe::17]:4711\"", Some(vec![one("2001:db8:cafe::17", None)])),
        ("for=192.0.2.43:80, , for=\"\\1.2.3.4\"", Some(vec![one("192.0.2.43", None), one("1.2.3.4", None)])),
        ("for=_hidden, for=unknown", Some(vec![Element::default(); 2])),
        ("host=\"a,b;c\";proto=http", Some(vec![Element { client: None, is_https: Some(false) }])),
        ("", Some(vec![])),
        (";,;", Some(vec![])),
        ("for=1.2.3.4;for=5.6.7.8", None),
        ("for=\"1.2.3.4", None),
        ("for=\"1.2.3.4\"x", None),
        ("for", None),
        ("for=", None),
        ("for =1.2.3.4", None),
        ("for=a b", None),
    ] {
        assert_eq!(parse(line), elements, "{line}");
    }
}

/// An element as text, with more or fewer quotes and blanks.
fn printed(element: Element, is_quoted: bool, blank: &str) -> String {
    let client = match element.client {
        Some(IpAddr::V4(v4)) if is_quoted => format!("\"{v4}:443\""),
        Some(IpAddr::V4(v4)) => v4.to_string(),
        Some(IpAddr::V6(v6)) => format!("\"[{v6}]\""),
        None => "unknown".to_owned(),
    };
    let scheme = element.is_https.map(|is_https| format!("{blank};{blank}proto={}", if is_https { "https" } else { "HTTP" }));
    format!("{blank}for={client}{}", scheme.unwrap_or_default())
}

fn element() -> impl Strategy<Value = Element> {
    let address =
        prop_oneof![any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())), any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()))];
    (proptest::option::of(address), any::<Option<bool>>())
        .prop_map(|(client, is_https)| Element { client: client.map(|address| address.to_canonical()), is_https })
}

proptest! {
    #[test]
    fn what_proxies_write_is_read_back(said in proptest::collection::vec((element(), any::<bool>()), 1..6), blank in "[ \t]{0,2}") {
        let line: Vec<String> = said.iter().map(|(element, is_quoted)| printed(*element, *is_quoted, &blank)).collect();
        let read = parse(&line.join(",")).expect("follows the grammar");
        prop_assert_eq!(read, said.into_iter().map(|(element, _)| element).collect::<Vec<_>>());
    }

    #[test]
    fn no_client_can_speak_for_a_proxy(before in "[ -~]{0,60}", bits in any::<u32>()) {
        // Whatever a client sends, the line that a trusted proxy adds decides.
        let address = IpAddr::V4(bits.into());
        prop_assume!(!proxies().is_trusted(address));
        let added = format!("for={address}");
        let client = proxies().client(ip("10.0.0.1"), &headers(&[("forwarded", &before), ("forwarded", &added)]));
        prop_assert_eq!(client.address, address);
        let list = address.to_string();
        let client = proxies().client(ip("10.0.0.1"), &headers(&[("x-forwarded-for", &before), ("x-forwarded-for", &list)]));
        prop_assert_eq!(client.address, address);
        let client = proxies().client(ip("10.0.0.1"), &headers(&[("x-forwarded-for", &format!("{before}, {list}"))]));
        prop_assert_eq!(client.address, address);
    }
}
