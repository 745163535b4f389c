//! Mail to a server that plays a script: what it says, and what it must hear.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::platform::http::client::SecretSource;

/// A server that says the answers in order, one for each line it hears, and gives what it heard. `DATA` is heard until its
/// end; after the answer to `STARTTLS` TLS begins.
async fn play(
    tls: Option<Arc<rustls::ServerConfig>>,
    implicit: bool,
    script: Vec<&'static str>,
) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        let mut script = script.into_iter();
        let acceptor = tls.map(tokio_rustls::TlsAcceptor::from);
        if implicit {
            let Ok(stream) = acceptor.unwrap().accept(stream).await else { return heard };
            talk(&mut BufReader::new(stream), &mut script, &mut heard, true).await;
            return heard;
        }
        let mut stream = BufReader::new(stream);
        talk(&mut stream, &mut script, &mut heard, true).await;
        if heard.last().is_some_and(|line| line == "STARTTLS")
            && let Ok(stream) = acceptor.unwrap().accept(stream.into_inner()).await
        {
            talk(&mut BufReader::new(stream), &mut script, &mut heard, false).await;
        }
        heard
    });
    (port, task)
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    script: &mut std::vec::IntoIter<&'static str>,
    heard: &mut Vec<String>,
    greets: bool,
) {
    if greets {
        stream.write_all(script.next().unwrap().as_bytes()).await.unwrap();
    }
    for answer in script.by_ref() {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        let is_data = heard.last().is_some_and(|before| before == "DATA");
        heard.push(line.clone());
        if is_data {
            while !heard.last().unwrap().ends_with("\n.") && heard.last().unwrap() != "." {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let last = heard.last_mut().unwrap();
                last.push('\n');
                last.push_str(line.trim_end());
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if line == "STARTTLS" {
            return;
        }
    }
}

fn server(port: u16, tls: Tls, credentials: Credentials) -> MailServer {
    MailServer {
        host: "127.0.0.1".to_owned(),
        port,
        hello: "mon.example".to_owned(),
        tls,
        tls_settings: TlsSettings::default(),
        credentials,
        timeout: Duration::from_secs(20),
    }
}

fn who(password: &str, secret: &str) -> Credentials {
    Credentials { username: "user".to_owned(), identity: "me".to_owned(), password: Secret::new(password), secret: Secret::new(secret) }
}

async fn send(server: &MailServer) -> Result<String, MailError> {
    let to = ["b@x".to_owned(), "c@x".to_owned()];
    server.deliver(Letter { from: "a@x", to: &to, text: b"Subject: s\r\n\r\n.point\r\nend" }).await
}

const TAKEN: [&str; 6] = ["250 ok\r\n", "250 ok\r\n", "251 forwarded\r\n", "354 go\r\n", "250 2.0.0 queued as 77\r\n", "221 bye\r\n"];

fn script(before: &[&'static str]) -> Vec<&'static str> {
    before.iter().copied().chain(TAKEN).collect()
}

#[tokio::test]
async fn a_letter_is_handed_over_as_it_is() {
    let (port, heard) = play(None, false, script(&["220-hi\r\n220 there\r\n", "250-x\r\n250 8BITMIME\r\n"])).await;
    assert_eq!(send(&server(port, Tls::Off, who("p", ""))).await.unwrap(), "250 2.0.0 queued as 77");
    assert_eq!(
        heard.await.unwrap(),
        [
            "EHLO mon.example",
            "MAIL FROM:<a@x> BODY=8BITMIME",
            "RCPT TO:<b@x>",
            "RCPT TO:<c@x>",
            "DATA",
            "Subject: s\n\n..point\nend\n.",
            "QUIT"
        ]
    );
}

#[tokio::test]
async fn signs_in_as_the_server_asks() {
    for (offer, credentials, answers, lines) in [
        ("250-x\r\n250 AUTH PLAIN LOGIN\r\n", who("pass", ""), &["235 ok\r\n"][..], &["AUTH PLAIN bWUAdXNlcgBwYXNz"][..]),
        (
            "250-x\r\n250-AUTH LOGIN PLAIN\r\n250 HELP\r\n",
            who("pass", ""),
            &["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 ok\r\n"],
            &["AUTH LOGIN", "dXNlcg==", "cGFzcw=="],
        ),
        // The example of RFC 2195, for another user.
        (
            "250-x\r\n250 AUTH PLAIN CRAM-MD5\r\n",
            who("", "tanstaaftanstaaf"),
            &["334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n", "235 ok\r\n"],
            &["AUTH CRAM-MD5", "dXNlciBiOTEzYTYwMmM3ZWRhN2E0OTViNGU2ZTczMzRkMzg5MA=="],
        ),
    ] {
        let before: Vec<&str> = ["220 hi\r\n", offer].into_iter().chain(answers.iter().copied()).collect();
        let (port, heard) = play(None, false, script(&before)).await;
        send(&server(port, Tls::Off, credentials)).await.unwrap();
        assert_eq!(heard.await.unwrap()[1..=lines.len()], *lines, "{offer}");
    }
}

#[tokio::test]
async fn refusals_say_which_step_and_whether_it_is_for_good() {
    let ehlo = "250-x\r\n250 AUTH PLAIN\r\n";
    for (answers, credentials, tls, reason, is_final) in [
        (vec!["421 busy\r\n"], who("p", ""), Tls::Off, "create SMTP client: 421 busy", false),
        (vec!["hello\r\n"], who("p", ""), Tls::Off, "create SMTP client: the server does not speak SMTP", false),
        (vec!["220 x\r\n", "500 what\r\n", "550 no\r\n"], who("p", ""), Tls::Off, "send EHLO command: 550 no", true),
        (
            vec!["220 x\r\n", ehlo],
            who("p", ""),
            Tls::Start,
            "'require_tls' is true (default) but \"127.0.0.1:PORT\" does not advertise the STARTTLS extension",
            false,
        ),
        (vec!["220 x\r\n", ehlo], who("", ""), Tls::Off, "find auth mechanism: missing password for PLAIN auth mechanism", false),
        (vec!["220 x\r\n", ehlo, "535 5.7.8 bad\r\n"], who("p", ""), Tls::Off, "PLAIN auth: 535 5.7.8 bad", true),
        (vec!["220 x\r\n", "250 x\r\n", "451 later\r\n"], who("p", ""), Tls::Off, "send MAIL command: 451 later", false),
        (
            vec!["220 x\r\n", "250 x\r\n", "250 ok\r\n", "550 no such user\r\n"],
            who("p", ""),
            Tls::Off,
            "send RCPT command: 550 no such user",
            true,
        ),
        (
            vec!["220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "552 too much\r\n"],
            who("p", ""),
            Tls::Off,
            "delivery failure: 552 too much",
            true,
        ),
        (vec!["220 x\r\n", "250 x\r\n", ""], who("p", ""), Tls::Off, "send MAIL command: the server closed the connection", false),
    ] {
        let (port, heard) = play(None, false, answers).await;
        let error = send(&server(port, tls, credentials)).await.unwrap_err();
        assert_eq!((error.reason.as_str(), error.is_final), (&*reason.replace("PORT", &port.to_string()), is_final));
        heard.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_writes_commands_into_addresses() {
    let server = server(1, Tls::Off, Credentials::default());
    for to in ["a@x>\r\nRCPT TO:<b@x", "a b@x", ""] {
        let error = server.deliver(Letter { from: "a@x", to: &[to.to_owned()], text: b"" }).await.unwrap_err();
        assert!(error.is_final && error.reason.contains("is no address"), "{error}");
    }
}

#[tokio::test]
async fn tls_from_the_start_and_by_starttls() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let trusting = TlsSettings { ca: SecretSource::Inline(Secret::new(pem)), ..TlsSettings::default() };
    let careless = TlsSettings { insecure_skip_verify: true, ..TlsSettings::default() };
    let ehlo = "250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n";
    for (tls, settings, is_taken) in [
        (Tls::Implicit, &trusting, true),
        (Tls::Implicit, &careless, true),
        (Tls::Implicit, &TlsSettings::default(), false),
        (Tls::Start, &trusting, true),
        (Tls::Start, &careless, true),
        (Tls::Start, &TlsSettings::default(), false),
    ] {
        let before: &[&str] = match tls {
            Tls::Start => &["220 x\r\n", ehlo, "220 go\r\n", ehlo, "235 ok\r\n"],
            _ => &["220 x\r\n", ehlo, "235 ok\r\n"],
        };
        let (port, heard) = play(Some(Arc::clone(&config)), tls == Tls::Implicit, script(before)).await;
        let server = MailServer { tls_settings: settings.clone(), ..server(port, tls, who("pass", "")) };
        let sent = send(&server).await;
        assert_eq!(sent.is_ok(), is_taken, "{tls:?} {settings:?} {sent:?}");
        let heard = heard.await.unwrap();
        assert_eq!(heard.iter().any(|line| line.starts_with("AUTH PLAIN")), is_taken, "{heard:?}");
    }
}
