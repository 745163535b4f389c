//! WebSocket, mail, databases, containers and domains.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener};
use tokio_tungstenite::tungstenite::Message;

use super::ground::{Identity, probed, probed_by, probed_within, read_until, serve, why};
use crate::base::clock::{Clock, SystemClock};
use crate::base::time::format_rfc3339;
use crate::uptime::config::read_text;

async fn echo<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: S) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let _greeted = socket.send(Message::text("welcome")).await;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let _answered = socket.send(Message::text(format!("you said {text}"))).await;
        }
    }
}

#[tokio::test]
async fn websockets_are_opened_and_talked_on() {
    let address = serve(echo).await;
    let found = probed(&format!("{{name: a, websocket: {{url: 'ws://{address}/x'}}}}")).await;
    assert_eq!((why(&found).as_str(), found.outcome.status), ("all holds", Some(101)), "{}", found.log);
    assert!(found.outcome.phases.connect.is_some() && found.outcome.phases.processing.is_some());
    let found = probed(&format!("{{name: a, websocket: {{url: 'ws://{address}', send: hello, expect: '^you said hel+o$'}}}}")).await;
    assert_eq!(why(&found), "all holds", "the greeting is passed over");
    // Long enough for the greeting on a busy machine.
    let brief = Duration::from_secs(3);
    let found = probed_within(&format!("{{name: a, websocket: {{url: 'ws://{address}', expect: '^bye'}}}}"), brief).await;
    assert_eq!(why(&found), "timeout: the time was over while a message that matches \"^bye\" was waited for");
    assert_eq!(found.outcome.excerpt, "welcome");

    let text = "modules: {w: {prober: websocket, websocket: {query_response: [{expect: '^welc(.*)$', send: 'h${1}'}, {expect: '^you said home$'}]}}}";
    let (modules, _) = read_text(text, std::path::Path::new("b.yml")).unwrap();
    let found = probed_by(modules.get("w").unwrap(), &format!("ws://{address}")).await;
    assert_eq!(
        (found.gauges.get("probe_success"), found.gauges.get("probe_websocket_status_code")),
        (Some(1.0), Some(101.0)),
        "{}",
        found.log
    );
    let (modules, _) = read_text(&text.replace("^welc(.*)$", "^you"), std::path::Path::new("b.yml")).unwrap();
    let found = probed_by(modules.get("w").unwrap(), &format!("ws://{address}")).await;
    assert_eq!(found.gauges.get("probe_success"), Some(0.0), "the next message or none, as upstream: {}", found.log);
    assert_eq!(found.gauges.get("probe_websocket_failed_due_to_regex"), Some(1.0));
}

#[tokio::test]
async fn what_is_no_websocket_is_said() {
    let address = serve(|mut stream: TcpStream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        let _answered = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nno\r\n").await;
    });
    let found = probed(&format!("{{name: a, websocket: {{url: 'ws://{}'}}}}", address.await)).await;
    assert!(why(&found).starts_with("status: answered 403 Forbidden in ") && why(&found).ends_with("expected 101 Switching Protocols"));
    assert_eq!(found.outcome.status, Some(403));
    let identity = Arc::new(Identity::new(&[]));
    let address = serve(move |stream| {
        let identity = Arc::clone(&identity);
        async move {
            if let Some(stream) = identity.accept(stream).await {
                echo(stream).await;
            }
        }
    })
    .await;
    let port = address.rsplit(':').next().unwrap().to_owned();
    let found =
        probed(&format!("{{name: a, websocket: {{url: 'wss://localhost:{port}', insecure_skip_verify: true, expect: welcome}}}}")).await;
    assert_eq!(why(&found), "all holds");
    assert_eq!(found.outcome.certificates.len(), 1);
    let found = probed(&format!("{{name: a, websocket: {{url: 'wss://localhost:{port}'}}}}")).await;
    assert!(why(&found).starts_with("tls: "), "{}", why(&found));
}

/// A mail server with this greeting; with TLS where it has an identity.
async fn mail(greeting: &'static str, identity: Option<Arc<Identity>>) -> String {
    serve(move |mut stream: TcpStream| {
        let identity = identity.clone();
        async move {
            let _greeted = stream.write_all(greeting.as_bytes()).await;
            if !read_until(&mut stream, "\r\n").await.starts_with("EHLO pharos") {
                return;
            }
            let offers = if identity.is_some() { "250-mx.example\r\n250-STARTTLS\r\n250 SIZE\r\n" } else { "250 mx.example\r\n" };
            let _offered = stream.write_all(offers.as_bytes()).await;
            let Some(identity) = identity else { return };
            if read_until(&mut stream, "\r\n").await != "STARTTLS\r\n" {
                return;
            }
            let _begun = stream.write_all(b"220 go on\r\n").await;
            let Some(mut stream) = identity.accept(stream).await else { return };
            read_until(&mut stream, "\r\n").await;
            let _offered = stream.write_all(b"250 mx.example\r\n").await;
            read_until(&mut stream, "QUIT\r\n").await;
        }
    })
    .await
}

#[tokio::test]
async fn mail_servers_greet_and_begin_tls() {
    let identity = Arc::new(Identity::new(&[]));
    let address = mail("220-mx.example\r\n220 ready\r\n", Some(identity)).await;
    let found = probed(&format!("{{name: a, smtp: {{address: '{address}', starttls: true, insecure_skip_verify: true}}}}")).await;
    assert_eq!((why(&found).as_str(), found.outcome.status), ("all holds", Some(250)), "{}", found.log);
    assert_eq!(found.outcome.certificates.len(), 1);
    assert!(found.outcome.phases.tls.is_some());
    let found = probed(&format!("{{name: a, smtp: {{address: '{address}', starttls: true}}}}")).await;
    assert!(why(&found).starts_with("tls: "), "{}", why(&found));
    let found = probed(&format!("{{name: a, smtp: {{address: '{address}'}}}}")).await;
    assert_eq!(why(&found), "all holds");
    let plain = mail("220 ready\r\n", None).await;
    let found = probed(&format!("{{name: a, smtp: {{address: '{plain}', starttls: true}}}}")).await;
    assert_eq!(why(&found), "tls: the server does not offer STARTTLS");
    let full = mail("554 no room\r\n", None).await;
    let found = probed(&format!("{{name: a, smtp: {{address: '{full}'}}}}")).await;
    assert!(why(&found).starts_with("status: greeted with 554 in ") && why(&found).ends_with(", expected 220: no room"), "{}", why(&found));
    assert_eq!(found.outcome.status, Some(554));
    let other = mail("SSH-2.0-x\r\n", None).await;
    let found = probed(&format!("{{name: a, smtp: {{address: '{other}'}}}}")).await;
    assert_eq!(why(&found), "protocol: what answered does not speak SMTP");
}

/// A server of Redis with this password, or none.
async fn redis(password: &'static str) -> String {
    serve(move |mut stream: TcpStream| async move {
        let mut is_in = password.is_empty();
        loop {
            let head = read_until(&mut stream, "\r\n").await;
            let Some(count) = head.strip_prefix('*').and_then(|head| head.trim().parse::<usize>().ok()) else { return };
            let mut words = Vec::new();
            for _ in 0..count {
                read_until(&mut stream, "\r\n").await;
                words.push(read_until(&mut stream, "\r\n").await.trim().to_owned());
            }
            let answer = match words[0].as_str() {
                "AUTH" if words.last().unwrap() == password => {
                    is_in = true;
                    "+OK\r\n"
                }
                "AUTH" => "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
                "PING" if is_in => "+PONG\r\n",
                _ => "-NOAUTH Authentication required.\r\n",
            };
            let _answered = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

#[tokio::test]
async fn redis_answers_a_ping() {
    let address = redis("").await;
    assert_eq!(why(&probed(&format!("{{name: a, redis: {{address: '{address}'}}}}")).await), "all holds");
    let address = redis("hunter2").await;
    let found = probed(&format!("{{name: a, redis: {{address: '{address}', username: ann, password: hunter2}}}}")).await;
    assert_eq!(why(&found), "all holds");
    assert!(!found.log.contains("hunter2"), "{}", found.log);
    let found = probed(&format!("{{name: a, redis: {{address: '{address}'}}}}")).await;
    assert_eq!(why(&found), "status: the server wants a password: NOAUTH Authentication required.");
    let found = probed(&format!("{{name: a, redis: {{address: '{address}', password: other}}}}")).await;
    assert!(why(&found).starts_with("status: the server refuses the name or the password: WRONGPASS"), "{}", why(&found));
    let page = serve(|mut stream: TcpStream| async move {
        let _answered = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _read = stream.read(&mut [0; 64]).await;
    });
    let found = probed(&format!("{{name: a, redis: {{address: '{}'}}}}", page.await)).await;
    assert_eq!(why(&found), "protocol: what answered does not speak as Redis does");
}

#[tokio::test]
async fn what_is_no_postgres_is_said() {
    let shy = serve(|mut stream: TcpStream| async move {
        let mut asked = [0; 8];
        let _asked = stream.read_exact(&mut asked).await;
        assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47]);
        let _answered = stream.write_all(b"N").await;
        let _read = stream.read(&mut [0; 64]).await;
    });
    let found = probed(&format!("{{name: a, postgres: {{address: '{}', tls: verify}}}}", shy.await)).await;
    assert_eq!(why(&found), "tls: the server does not speak TLS");
    let page = serve(|mut stream: TcpStream| async move {
        let _read = stream.read(&mut [0; 64]).await;
        let _answered = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let found = probed(&format!("{{name: a, postgres: {{address: '{}'}}}}", page.await)).await;
    assert!(why(&found).starts_with("protocol: "), "{}", why(&found));
    let refusing = serve(|mut stream: TcpStream| async move {
        let _read = stream.read(&mut [0; 256]).await;
        let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ann\"\0\0";
        let mut message = vec![b'E'];
        message.extend_from_slice(&u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
        message.extend_from_slice(fields);
        let _answered = stream.write_all(&message).await;
    });
    let found = probed(&format!("{{name: a, postgres: {{address: '{}', username: ann}}}}", refusing.await)).await;
    let told = "status: the server refuses who signs in: password authentication failed for user \"ann\" (28P01)";
    assert_eq!(why(&found), told);
}

#[tokio::test]
async fn containers_are_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = read_until(&mut stream, "\r\n\r\n").await;
            let (status, body) = match asked.lines().next().unwrap_or_default() {
                "GET /containers/web/json HTTP/1.1" => ("200 OK", r#"{"Id": "1", "State": {"Status": "running", "Running": true}}"#),
                "GET /containers/job/json HTTP/1.1" => ("200 OK", r#"{"State": {"Status": "exited", "ExitCode": 3}}"#),
                _ => ("404 Not Found", r#"{"message": "No such container: other"}"#),
            };
            let _answered = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
    let host = path.display();
    for (container, told) in
        [("web", "all holds"), ("job", "content: the container ended with exit code 3"), ("other", "content: there is no container other")]
    {
        let found = probed(&format!("{{name: a, docker: {{container: {container}, host: 'unix://{host}'}}}}")).await;
        assert_eq!(why(&found), told);
    }
    let found = probed("{name: a, docker: {container: web, host: 'unix:///nowhere/docker.sock'}}").await;
    assert_eq!(why(&found), "connect: there is no such socket: /nowhere/docker.sock");
}

#[tokio::test]
async fn registries_say_until_when_a_domain_holds() {
    let now = SystemClock::new().now_ms();
    let ends = format_rfc3339(now + 100 * 86_400_000 + 3_600_000);
    let address = serve(move |mut stream: TcpStream| {
        let ends = ends.clone();
        async move {
            let asked = read_until(&mut stream, "\r\n\r\n").await;
            assert!(asked.to_ascii_lowercase().contains("accept: application/rdap+json"), "{asked}");
            let body = format!(r#"{{"objectClassName": "domain", "events": [{{"eventAction": "expiration", "eventDate": "{ends}"}}]}}"#);
            let answer = match asked.lines().next().unwrap_or_default() {
                "GET /rdap/domain/example.org HTTP/1.1" => {
                    "HTTP/1.1 302 Found\r\nlocation: /other/domain/example.org\r\ncontent-length: 0\r\n\r\n".to_owned()
                }
                "GET /other/domain/example.org HTTP/1.1" => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
                _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            let _answered = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let found = probed(&format!("{{name: a, domain: {{name: example.org, server: 'http://{address}/rdap/'}}}}")).await;
    assert_eq!(why(&found), "all holds", "{}", found.log);
    let found = probed(&format!("{{name: a, domain: {{name: example.org, days: 101, server: 'http://{address}/rdap'}}}}")).await;
    assert!(why(&found).starts_with("expiry: the registration of the domain ends in 100 days, on "), "{}", why(&found));
    let found = probed(&format!("{{name: a, domain: {{name: www.example.org, server: 'http://{address}/rdap'}}}}")).await;
    assert!(why(&found).starts_with("content: the registry does not know www.example.org"), "{}", why(&found));
}
