//! Ways to a page that are not straight: proxies, tokens, packed answers.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::ground::{Identity, probed, probed_by, read_until, serve, why};
use crate::uptime::config::{Modules, read_text};

fn modules(text: &str) -> Modules {
    read_text(text, std::path::Path::new("b.yml")).unwrap_or_else(|wrong| panic!("{wrong:?}")).0
}

/// A page that answers with what it was asked.
async fn mirror() -> String {
    serve(|mut stream: TcpStream| async move {
        let asked = read_until(&mut stream, "\r\n\r\n").await;
        let _answered = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{asked}", asked.len()).as_bytes()).await;
    })
    .await
}

#[tokio::test]
async fn plain_pages_are_asked_for_by_a_proxy() {
    let proxy = mirror().await;
    let yaml = format!(
        "{{name: a, http: {{url: 'http://192.0.2.1:81/x?y=1', proxy_url: 'http://ann:pw@{proxy}', contains: ['GET http://192.0.2.1:81/x?y=1 HTTP/1.1', \
         'proxy-authorization: Basic YW5uOnB3']}}}}"
    );
    let found = probed(&yaml).await;
    assert_eq!(why(&found), "all holds", "{}", found.outcome.excerpt);
}

#[tokio::test]
async fn secured_pages_are_reached_through_a_tunnel() {
    let identity = Arc::new(Identity::new(&[b"http/1.1"]));
    let ca = identity.pem.clone();
    let page = serve(move |stream| {
        let identity = Arc::clone(&identity);
        async move {
            let Some(mut stream) = identity.accept(stream).await else { return };
            let asked = read_until(&mut stream, "\r\n\r\n").await;
            assert!(asked.starts_with("GET /x HTTP/1.1\r\n"), "{asked}");
            assert!(!asked.to_ascii_lowercase().contains("proxy-"), "what is the proxy's is not told the server: {asked}");
            let _answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let _ended = stream.shutdown().await;
        }
    })
    .await;
    let to = page.clone();
    let proxy = serve(move |mut stream: TcpStream| {
        let to = to.clone();
        async move {
            let asked = read_until(&mut stream, "\r\n\r\n").await;
            assert!(asked.starts_with(&format!("CONNECT {to} HTTP/1.1\r\n")), "{asked}");
            if !asked.contains("Proxy-Authorization: Basic YW5uOnB3") {
                let _refused = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
                return;
            }
            let _let_in = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let mut onward = TcpStream::connect(&to).await.unwrap();
            let _both = copy_bidirectional(&mut stream, &mut onward).await;
        }
    })
    .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca).unwrap();
    let yaml = |user: &str| {
        let ca = file.path().display();
        format!("{{name: a, http: {{url: 'https://{page}/x', ca_file: '{ca}', contains: [ok], proxy_url: 'http://{user}{proxy}'}}}}")
    };
    let found = probed(&yaml("ann:pw@")).await;
    assert_eq!(why(&found), "all holds", "{}", found.log);
    assert_eq!(found.outcome.certificates.len(), 1);
    let found = probed(&yaml("")).await;
    let told = format!("connect: the proxy {proxy} leads nowhere: it answered 407 Proxy Authentication Required");
    assert_eq!(why(&found), told);
}

#[tokio::test]
async fn a_token_is_fetched_once_and_shown() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let tokens = serve(move |mut stream: TcpStream| {
        let count = Arc::clone(&count);
        async move {
            let asked = read_until(&mut stream, "grant_type=client_credentials").await;
            assert!(asked.starts_with("POST /token HTTP/1.1\r\n"), "{asked}");
            count.fetch_add(1, Ordering::SeqCst);
            let body = r#"{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _answered = stream.write_all(format!("{head}{body}").as_bytes()).await;
            let _ended = stream.shutdown().await;
        }
    })
    .await;
    let page = mirror().await;
    let text = format!(
        "modules: {{m: {{prober: http, http: {{oauth2: {{client_id: ann, client_secret: pw, token_url: 'http://{tokens}/token'}}, \
         fail_if_body_not_matches_regexp: ['(?i)authorization: Bearer t0ken']}}}}}}"
    );
    let modules = modules(&text);
    let module = modules.get("m").unwrap();
    let prober = super::ground::prober();
    for _ in 0..2 {
        let found = prober.probe(&page, module, std::time::Duration::from_secs(60)).await;
        assert_eq!(why(&found), "all holds", "{}", found.log);
        assert!(!found.log.contains("pw"), "{}", found.log);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1, "a token is kept");
    let nowhere = text.replace(&tokens, "127.0.0.1:1");
    let found = probed_by(self::modules(&nowhere).get("m").unwrap(), &page).await;
    assert!(why(&found).starts_with("target: signing in is not possible: "), "{}", why(&found));
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_searched() {
    let text = b"all is well, all is well, all is well";
    // Made of the text above by the library that browsers use.
    let brotli: &[u8] = &[
        0x1b, 0x24, 0x00, 0xf8, 0x8d, 0xd4, 0x4e, 0xf9, 0xc3, 0x50, 0xd4, 0x61, 0x65, 0x69, 0x77, 0x9a, 0x0d, 0x84, 0x65, 0x6e, 0x10, 0x15,
        0x0d, 0x2c, 0xa8, 0xb7, 0x2c,
    ];
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(text).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(text).unwrap();
    for (name, packed) in [("br", brotli.to_vec()), ("deflate", deflate.finish().unwrap()), ("gzip", gzip.finish().unwrap())] {
        let page = serve(move |mut stream: TcpStream| {
            let packed = packed.clone();
            async move {
                read_until(&mut stream, "\r\n\r\n").await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\ncontent-length: {}\r\n\r\n", packed.len());
                let _answered = stream.write_all(&[head.as_bytes(), &packed].concat()).await;
            }
        })
        .await;
        let text = format!("modules: {{m: {{prober: http, http: {{compression: {name}, fail_if_body_not_matches_regexp: ['well$']}}}}}}");
        let found = probed_by(modules(&text).get("m").unwrap(), &page).await;
        assert_eq!(why(&found), "all holds", "{name}: {}", found.log);
        assert_eq!(found.gauges.get("probe_http_uncompressed_body_length"), Some(37.0), "{name}");
    }
}
