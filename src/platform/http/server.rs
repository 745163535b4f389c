//! The listening server: one port, slow clients bounded, stops within a grace period.
//!
//! Of a request with both Content-Length and Transfer-Encoding the HTTP library shows only the latter, goes by it, and
//! closes the connection after the answer, as RFC 9112, 6.3 has it; so it cannot be refused in words, and smuggles
//! nothing: `tests/it/http.rs` shows that.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::map_request;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;

use super::connections::BoundedAcceptor;
use super::linger::linger;
use super::tls::{EdgeAcceptor, ServerTls};
use crate::base::limits::{HEADERS_MAX, STREAMS_MAX};

/// An HTTP/2 client that does not answer a ping for this long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// What the HTTP library needs at least to read a request's head.
const HEADER_BYTES_LEAST: usize = 8192;

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

/// How requests are taken.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Places for connections.
    pub places: BoundedAcceptor,
    /// TLS, if it is spoken.
    pub tls: Option<Arc<ServerTls>>,
    /// A client has this long to send its request's head.
    pub header_within: Duration,
    /// Most bytes of a request's head.
    pub header_bytes_max: usize,
}

/// Takes the port. Separate from [`serve`], so that a taken port is known before anything else starts.
pub fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let fail = |source| CannotListen { address, source };
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(listener)
}

/// Serves until `handle` is told to stop. Requests carry the client's address and a
/// [`Connection`](super::tls::Connection) among their extensions.
pub async fn serve(listener: TcpListener, router: Router, handle: Handle<SocketAddr>, intake: Intake) -> std::io::Result<()> {
    let Intake { places, tls, header_within, header_bytes_max } = intake;
    let header_bytes_max = header_bytes_max.max(HEADER_BYTES_LEAST);
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(EdgeAcceptor { places, tls });
    // Without a timer hyper ignores the header timeout.
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_within)
        .max_headers(HEADERS_MAX)
        .max_buf_size(header_bytes_max);
    server
        .http_builder()
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX));
    let router = router.layer(map_request(linger));
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}
