//! Modules as upstream judges them.

use std::path::Path;
use std::time::Duration;

use super::{Modules, Preference, Way, print, read_text};

fn read(text: &str) -> Result<(Modules, Vec<String>), Vec<String>> {
    let plain = |found: Vec<crate::platform::config::diagnostic::Diagnostic>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    read_text(text, Path::new("b.yml")).map(|(modules, odd)| (modules, plain(odd))).map_err(plain)
}

#[test]
fn built_in_modules_are_right() {
    let (modules, odd) = read(include_str!("built_in.yml")).unwrap();
    assert_eq!(odd, Vec::<String>::new());
    assert_eq!(modules, Modules::built_in());
    for name in [
        "http_2xx",
        "http_post_2xx",
        "tcp_connect",
        "pop3s_banner",
        "ssh_banner",
        "irc_banner",
        "icmp",
        "icmp_ttl5",
        "dns",
        "grpc",
        "grpc_plain",
    ] {
        assert!(modules.get(name).is_some(), "{name}");
    }
}

#[test]
fn the_users_own_file_is_taken_with_a_word_about_what_is_old() {
    let text = "# blackbox/blackbox.yml\nmodules:\n  http_2xx:\n    prober: http\n    timeout: 5s\n    http:\n      \
        valid_http_versions: [\"HTTP/1.1\", \"HTTP/2.0\"]\n      valid_status_codes: [200]\n      method: GET\n      \
        no_follow_redirects: false\n      fail_if_ssl: false\n      fail_if_not_ssl: true\n      tls_config:\n        \
        insecure_skip_verify: false\n      preferred_ip_protocol: \"ip4\"\n";
    let (modules, odd) = read(text).unwrap();
    assert_eq!(odd, ["b.yml:10:7: no_follow_redirects: is deprecated, say follow_redirects with the opposite"]);
    let module = modules.get("http_2xx").unwrap();
    assert_eq!(module.timeout, Some(Duration::from_secs(5)));
    let Way::Http(http) = &module.way else { panic!() };
    assert_eq!((http.valid_status_codes.as_slice(), http.fail_if_not_ssl, http.client.follow_redirects), (&[200][..], true, true));
    assert_eq!(http.address, Preference { ip4: true, fallback: true });
}

#[test]
fn defaults_are_upstreams() {
    let (modules, _) = read("modules: {h: {prober: http}, i: {prober: icmp}, d: {prober: dns, dns: {query_name: a.b}}}").unwrap();
    let Way::Http(http) = &modules.get("h").unwrap().way else { panic!() };
    assert!(http.client.follow_redirects && http.client.enable_http2 && http.address == Preference { ip4: false, fallback: true });
    let Way::Icmp(icmp) = &modules.get("i").unwrap().way else { panic!() };
    assert_eq!((icmp.ttl, icmp.payload_size), (64, 0));
    let Way::Dns(dns) = &modules.get("d").unwrap().way else { panic!() };
    assert!(dns.recursion && dns.valid_rcodes.is_none());
}

/// What upstream's own tests call wrong, and what is wrong here only.
#[test]
fn mistakes_are_told_with_their_place() {
    for (text, said) in [
        ("modules: {a: {prober: smoke}}", "b.yml:1:23: prober \"smoke\" is not valid"),
        ("modules: {a: {prober: http, htp: {}}}", "b.yml:1:29: htp: unknown key, did you mean http?"),
        ("mods: {}", "b.yml:1:1: mods: unknown key"),
        ("modules: {a: {prober: dns, dns: {query_type: A}}}", "query name must be set for DNS module"),
        ("modules: {a: {prober: dns, dns: {query_name: a, query_class: X}}}", "query class \"X\" is not valid"),
        ("modules: {a: {prober: dns, dns: {query_name: a, query_type: X}}}", "query type \"X\" is not valid"),
        ("modules: {a: {prober: http, http: {body: a, body_file: b}}}", "setting body and body_file both are not allowed"),
        (
            "modules: {a: {prober: http, http: {fail_if_body_matches_regexp: ['(']}}}",
            "b.yml:1:66: fail_if_body_matches_regexp: \"(\" is no regular expression",
        ),
        ("modules: {a: {prober: http, http: {fail_if_header_matches: [{header: a}]}}}", "regexp must be set for HTTP header matchers"),
        ("modules: {a: {prober: http, http: {fail_if_header_matches: [{regexp: a}]}}}", "header name must be set for HTTP header matchers"),
        (
            "modules: {a: {prober: http, http: {compression: gzip, headers: {Accept-Encoding: 'br, gzip;q=0'}}}}",
            "is not among what the header",
        ),
        ("modules: {a: {prober: http, http: {valid_http_versions: [HTTP/3.0]}}}", "HTTP/3.0 is right only with enable_http3"),
        ("modules: {a: {prober: http, http: {enable_http3: true}}}", "HTTP/3 is not spoken here yet"),
        ("modules: {a: {prober: http, http: {fail_if_body_json_matches_cel: 'body.a'}}}", "conditions in CEL are not evaluated here"),
        ("modules: {a: {prober: websocket, websocket: {url: a}}}", "url: unknown key"),
        ("modules: {a: {prober: icmp, icmp: {ttl: -1}}}", "\"ttl\" cannot be negative"),
        ("modules: {a: {prober: icmp, icmp: {ttl: 256}}}", "\"ttl\" cannot exceed 255"),
        (
            "modules: {a: {prober: tcp, tcp: {query_response: [{expect: a, expect_bytes: b}]}}}",
            "expect and expect_bytes are mutually exclusive",
        ),
        ("modules: {a: {prober: tcp, tcp: {query_response: [{expect: '['}]}}}", "is no regular expression"),
        ("modules: {a: {prober: tcp, tcp: {source_ip_address: here}}}", "expected an address"),
        ("modules: {a: {prober: http, timeout: soon}}", "b.yml:1:38: timeout: read \"soon\", expected a duration such as 5s"),
        ("modules: [", "b.yml:1:"),
    ] {
        let errors = read(text).unwrap_err();
        assert!(errors[0].contains(said), "{text}: {errors:?}");
    }
}

#[test]
fn accepted_encodings_are_weighed_as_upstream() {
    for (compression, accepted, is_right) in
        [("gzip", "gzip", true), ("gzip", "br;q=0.5, *;q=0.1", true), ("gzip", "*;q=0", false), ("gzip", "br", false), ("", "br", true)]
    {
        let text =
            format!("modules: {{a: {{prober: http, http: {{compression: '{compression}', headers: {{Accept-Encoding: '{accepted}'}}}}}}}}");
        assert_eq!(read(&text).is_ok(), is_right, "{compression} {accepted}");
    }
}

#[test]
fn what_is_shown_holds_no_secret_and_can_be_read_again() {
    let text = "modules:\n  a:\n    prober: http\n    timeout: 5s\n    http:\n      headers: {X-Api-Key: k3y, Accept: text/html}\n      \
        body: 'password=s3cret'\n      basic_auth: {username: ann, password: s3cret}\n      body_size_limit: 10MB\n  \
        b: {prober: tcp, tcp: {query_response: [{send: PASS s3cret}]}}\n  c: {prober: dns, dns: {query_name: a.b, valid_rcodes: [NOERROR]}}\n  \
        d: {prober: grpc, grpc: {metadata: {authorization: [s3cret]}}}\n  e: {prober: icmp}\n  f: {prober: unix}\n";
    let (modules, _) = read(text).unwrap();
    for module in modules.iter() {
        let shown = print(module);
        assert!(!shown.contains("s3cret") && !shown.contains("k3y"), "{shown}");
        let indented: String = shown.lines().map(|line| format!("    {line}\n")).collect();
        let (again, _) = read(&format!("modules:\n  {}:\n{indented}", module.name)).unwrap_or_else(|errors| panic!("{errors:?}\n{shown}"));
        assert_eq!(print(again.get(&module.name).unwrap()), shown);
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(
        words in proptest::collection::vec("prober|http|tcp|dns|icmp|modules|query_response|expect|tls_config|timeout|headers|ttl|[a-z]{1,3}|[0-9]{1,4}|[:{}\\[\\],\\n '-]{1,3}", 0..60)
    ) {
        let _either = read(&words.concat());
    }

    #[test]
    fn one_changed_byte_never_panics(at in 0_usize..2000, byte in 0_u8..128) {
        let mut bytes = include_str!("built_in.yml").as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _either = read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn websockets_are_read_as_upstream_and_printed() {
    let text = "modules: {w: {prober: websocket, websocket: {headers: {Origin: {values: ['https://a']}}, preferred_ip_protocol: ip4, \
        http_config: {basic_auth: {username: u, password: hunter2}}, query_response: [{send: hi}, {expect: '^ok (.*)', send: '${1}'}]}}}";
    let (modules, odd) = read(text).unwrap();
    assert_eq!(odd, Vec::<String>::new());
    let module = modules.get("w").unwrap();
    let Way::Websocket(websocket) = &module.way else { panic!() };
    assert_eq!((websocket.steps.len(), websocket.is_patient, websocket.address.ip4), (2, false, true));
    assert_eq!(websocket.client.http_headers["Origin"].values, ["https://a"]);
    let printed = print(module);
    assert!(printed.contains("Origin") && printed.contains("ip4") && !printed.contains("hunter2"), "{printed}");
}
