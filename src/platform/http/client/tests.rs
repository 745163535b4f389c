//! The HTTP client against servers of its own: sign-in, redirects, limits, TLS.

use std::io::Write;
use std::sync::Arc;

use axum::routing::get;
use axum::{Router, http::HeaderMap as AxumHeaders};

use super::*;
use crate::base::clock::SystemClock;
use crate::base::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(5);

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn client(settings: ClientSettings) -> HttpClient {
    HttpClient::new(settings, Arc::new(SystemClock::new())).unwrap()
}

async fn fetch(client: &HttpClient, url: &str) -> (StatusCode, String) {
    let response = client.send(Request::get(Url::parse(url).unwrap(), TIMEOUT)).await.unwrap();
    let status = response.status();
    let mut body = Vec::new();
    response.read_body(1 << 20, &mut body).await.unwrap();
    (status, String::from_utf8(body).unwrap())
}

fn echo() -> Router {
    let seen = |headers: AxumHeaders| async move {
        let value = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>().join("|");
        format!("{};{};{}", value("authorization"), value("x-tenant"), value("user-agent"))
    };
    Router::new()
        .route("/", get(seen))
        .route("/moved", get(|| async { axum::response::Redirect::temporary("/") }))
        .route("/slow", get(|| async { std::future::pending::<String>().await }))
}

#[tokio::test]
async fn sends_credentials_and_headers_and_reads_files_again() {
    let base = serve(echo()).await;
    let agent = USER_AGENT;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"first\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();

    let basic = BasicAuth { username: SecretSource::Inline(Secret::new("u")), password: SecretSource::Inline(Secret::new("p")) };
    let with_basic = client(ClientSettings { basic_auth: Some(basic), ..Default::default() });
    assert_eq!(fetch(&with_basic, &base).await.1, format!("Basic dTpw;;{agent}"));

    let bearer = Authorization { scheme: "Bearer".into(), credentials: SecretSource::File(path.clone()) };
    let header = HeaderSetting { name: "X-Tenant".into(), values: vec![SecretSource::Inline(Secret::new("a")), SecretSource::File(path)] };
    let with_file = client(ClientSettings { authorization: Some(bearer), headers: vec![header], ..Default::default() });
    assert_eq!(fetch(&with_file, &base).await.1, format!("Bearer first;a|first;{agent}"));
    std::fs::write(file.path(), "second").unwrap();
    assert_eq!(fetch(&with_file, &base).await.1, format!("Bearer second;a|second;{agent}"));
}

#[tokio::test]
async fn follows_redirects_only_when_told() {
    let base = serve(echo()).await;
    let url = format!("{base}/moved");
    assert_eq!(fetch(&client(ClientSettings::default()), &url).await.0, StatusCode::OK);
    let stays = client(ClientSettings { follow_redirects: false, ..Default::default() });
    assert_eq!(fetch(&stays, &url).await.0, StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn errors_read_as_upstream() {
    let base = serve(echo()).await;
    let client = client(ClientSettings::default());
    let slow = Request::get(Url::parse(&format!("{base}/slow")).unwrap(), Duration::from_millis(50));
    assert_eq!(client.send(slow).await.unwrap_err().to_string(), format!("Get \"{base}/slow\": context deadline exceeded"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let error = client.send(Request::get(Url::parse(&format!("http://{closed}/")).unwrap(), TIMEOUT)).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("Get \"http://{closed}/\": ")) && error.to_lowercase().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn bodies_are_capped_before_and_after_decoding() {
    let base = serve(Router::new().route("/", get(|| async { vec![b'x'; 1000] }))).await;
    let client = client(ClientSettings::default());
    for (max, fits) in [(1001, true), (1000, false), (10, false)] {
        let response = client.send(Request::get(Url::parse(&base).unwrap(), TIMEOUT)).await.unwrap();
        let mut body = Vec::new();
        assert_eq!(response.read_body(max, &mut body).await.is_ok(), fits, "{max}");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 10_000_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&vec![0u8; 10_000_000][..], 3).unwrap();
    for (encoding, raw) in [(ContentEncoding::Gzip, &bomb), (ContentEncoding::Zstd, &zstd)] {
        let mut out = Vec::new();
        assert!(matches!(decode_body(encoding, raw, 100_000, &mut out), Err(BodyError::TooLarge)));
        assert!(out.len() <= 100_000);
        out.clear();
        decode_body(encoding, raw, 10_000_001, &mut out).unwrap();
        assert_eq!(out.len(), 10_000_000);
        assert!(matches!(decode_body(encoding, &raw[..raw.len() / 2], 20_000_000, &mut Vec::new()), Err(BodyError::Encoding(_))));
    }
}

#[tokio::test]
async fn fetches_one_oauth2_token_and_keeps_it() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let token = move |headers: AxumHeaders, body: String| async move {
        counter.fetch_add(1, Ordering::SeqCst);
        assert_eq!(headers["authorization"], "Basic aWQ6czNjcmV0");
        assert_eq!(body, "grant_type=client_credentials&scope=a+b");
        r#"{"access_token":"tok","token_type":"bearer","expires_in":3600}"#
    };
    let base = serve(echo().route("/token", axum::routing::post(token))).await;
    let oauth2 = OAuth2Settings {
        client_id: "id".into(),
        client_secret: SecretSource::Inline(Secret::new("s3cret")),
        token_url: format!("{base}/token"),
        scopes: vec!["a".into(), "b".into()],
        ..Default::default()
    };
    let client = client(ClientSettings { oauth2: Some(oauth2), ..Default::default() });
    for _ in 0..3 {
        assert_eq!(fetch(&client, &base).await.1, format!("Bearer tok;;{USER_AGENT}"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn contradictions_are_refused() {
    let basic = Some(BasicAuth::default());
    let bearer = Some(Authorization { scheme: "Bearer".into(), credentials: SecretSource::None });
    let cases = [
        ClientSettings { basic_auth: basic, authorization: bearer, ..Default::default() },
        ClientSettings { proxy: ProxySettings { no_proxy: "a".into(), ..Default::default() }, ..Default::default() },
        ClientSettings { tls: TlsSettings { cert: SecretSource::File("x".into()), ..Default::default() }, ..Default::default() },
        ClientSettings {
            tls: TlsSettings { ca: SecretSource::File("/nowhere/ca.pem".into()), ..Default::default() },
            ..Default::default()
        },
        ClientSettings { tls: TlsSettings { ca: SecretSource::Inline(Secret::new("junk")), ..Default::default() }, ..Default::default() },
    ];
    for settings in cases {
        assert!(HttpClient::new(settings, Arc::new(SystemClock::new())).is_err());
    }
}
