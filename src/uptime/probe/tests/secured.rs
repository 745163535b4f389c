//! What is spoken inside TLS: HTTP/2, gRPC, the DNS.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::{RData, Record};
use http::HeaderMap;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ground::{Identity, probed, probed_by, serve, why};
use crate::uptime::config::read_text;

/// Serves a router over TLS, with HTTP/2 where that is asked for.
async fn secured(router: Router, protocols: &[&[u8]]) -> String {
    let identity = Identity::new(protocols);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = axum_server::tls_rustls::RustlsConfig::from_config(identity.config);
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(async move { server.serve(router.into_make_service()).await.unwrap() });
    address
}

#[tokio::test]
async fn http2_is_spoken_where_both_can() {
    let version = get(|request: http::Request<Body>| async move { format!("{:?} {}", request.version(), request.uri()) });
    let address = secured(Router::new().route("/x", version), &[b"h2", b"http/1.1"]).await;
    let of = |more: &str, wanted: &str| {
        format!("{{name: a, http: {{url: 'https://{address}/x', insecure_skip_verify: true, {more}contains: ['{wanted}']}}}}")
    };
    let found = probed(&of("", "HTTP/2.0 https://127.0.0.1:")).await;
    assert_eq!(why(&found), "all holds", "{}", found.outcome.excerpt);
    assert_eq!(found.gauges.get("probe_http_version"), Some(2.0));
    let found = probed(&of("http2: false, ", "HTTP/1.1 /x")).await;
    assert_eq!((why(&found).as_str(), found.gauges.get("probe_http_version")), ("all holds", Some(1.1)), "{}", found.outcome.excerpt);
    let found = probed(&of("latency_max: 1s, ", "nothing")).await;
    assert!(why(&found).starts_with("content: the answer does not have"), "{}", why(&found));
}

/// The answer of a gRPC server about its health.
fn health(state: u8) -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = [Frame::data(Bytes::from(vec![0, 0, 0, 0, 2, 8, state])), Frame::trailers(trailers)];
    let body = StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, std::convert::Infallible>)));
    Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap()
}

#[tokio::test]
async fn grpc_servers_tell_their_health_over_tls() {
    for (state, told) in [(1, "all holds"), (2, "status: the service says of itself: NOT_SERVING")] {
        let router = Router::new().route("/grpc.health.v1.Health/Check", post(move || async move { health(state) }));
        let address = secured(router, &[b"h2"]).await;
        let found = probed(&format!("{{name: a, grpc: {{address: '{address}', tls: true, insecure_skip_verify: true}}}}")).await;
        assert_eq!(why(&found), told, "{}", found.log);
        assert_eq!((found.gauges.get("probe_grpc_ssl"), found.outcome.certificates.len()), (Some(1.0), 1));
        let found = probed(&format!("{{name: a, grpc: {{address: '{address}', tls: true}}}}")).await;
        assert!(why(&found).starts_with("tls: "), "{}", why(&found));
    }
}

#[tokio::test]
async fn name_servers_are_asked_over_tls() {
    let identity = Arc::new(Identity::new(&[]));
    let address = serve(move |stream| {
        let identity = Arc::clone(&identity);
        async move {
            let Some(mut stream) = identity.accept(stream).await else { return };
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let mut message = Message::from_vec(&question).unwrap();
            message.metadata.message_type = MessageType::Response;
            message.metadata.response_code = ResponseCode::NoError;
            let name = message.queries[0].name().clone();
            message.add_answer(Record::from_rdata(name, 60, RData::A("192.0.2.7".parse().unwrap())));
            let bytes = message.to_vec().unwrap();
            stream.write_all(&[&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat()).await.unwrap();
            let _ended = stream.shutdown().await;
        }
    })
    .await;
    let text = "modules: {d: {prober: dns, dns: {query_name: shop.example, query_type: A, transport_protocol: tcp, dns_over_tls: true, \
        tls_config: {insecure_skip_verify: true}, validate_answer_rrs: {fail_if_not_matches_regexp: ['192\\.0\\.2\\.7$']}}}}";
    let (modules, _) = read_text(text, std::path::Path::new("b.yml")).unwrap();
    let found = probed_by(modules.get("d").unwrap(), &address).await;
    assert_eq!(why(&found), "all holds", "{}", found.log);
    assert_eq!((found.gauges.get("probe_dns_answer_rrs"), found.outcome.certificates.len()), (Some(1.0), 1));
    let (modules, _) = read_text(&text.replace("insecure_skip_verify: true", "server_name: a.b"), std::path::Path::new("b.yml")).unwrap();
    assert!(why(&probed_by(modules.get("d").unwrap(), &address).await).starts_with("tls: "));
}
