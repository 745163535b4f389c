//! The listening server: one port, slow clients bounded, stops within a grace period.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;

use super::connections::{BoundedAcceptor, connections_max};

/// A client has this long to send its request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// An HTTP/2 client that does not answer a ping for this long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

/// Takes the port. Separate from [`serve`], so that a taken port is known before anything else starts.
pub fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let fail = |source| CannotListen { address, source };
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(listener)
}

/// Serves until `handle` is told to stop.
pub async fn serve(listener: TcpListener, router: Router, handle: Handle<SocketAddr>) -> std::io::Result<()> {
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(BoundedAcceptor::new(connections_max(), HEADER_TIMEOUT));
    // Without a timer hyper ignores the header timeout.
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    server.http_builder().http2().timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE).max_concurrent_streams(250);
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}
