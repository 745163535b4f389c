//! From a TCP connection to one that HTTP is spoken on: bounded first, then encrypted where that is wanted, and at
//! last forgiving about its first line.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_layer::Layer;

use super::{Built, Certificate, ClientCertificate, Connection, ServerTls};
use crate::platform::http::connections::{Bounded, BoundedAcceptor, Place};
use crate::platform::http::request_line::Tolerant;

/// What the first record of TLS begins with.
const TLS_HANDSHAKE: u8 = 0x16;

/// Accepts connections as long as there are places, with TLS or without.
#[derive(Debug, Clone)]
pub(in crate::platform::http) struct EdgeAcceptor {
    pub(in crate::platform::http) places: BoundedAcceptor,
    pub(in crate::platform::http) tls: Option<Arc<ServerTls>>,
}

type Accepted<S> = io::Result<(Tolerant<Wire>, AddExtension<S, Connection>)>;

impl<S: Send + 'static> Accept<TcpStream, S> for EdgeAcceptor {
    type Stream = Tolerant<Wire>;
    type Service = AddExtension<S, Connection>;
    type Future = Pin<Box<dyn Future<Output = Accepted<S>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().and_then(|peer| self.places.place(peer.ip()));
        let first_byte_within = self.places.first_byte_within();
        let tls = self.tls.clone();
        Box::pin(async move {
            let place = place?;
            // An answer leaves in several writes; the last one would wait 40 ms for the client's acknowledgement.
            stream.set_nodelay(true)?;
            let local = stream.local_addr().ok().map(|address| address.ip().to_canonical());
            let (wire, connection) = match tls {
                None => (Wire::Plain(Bounded::new(stream, place, first_byte_within)), Connection::default()),
                Some(tls) => tls.greet(stream, place, first_byte_within).await?,
            };
            let connection = Connection { local, ..connection };
            Ok((Tolerant::new(wire), Extension(connection).layer(service)))
        })
    }
}

impl ServerTls {
    /// Agrees on keys; or lets plain HTTP through, marked as such, to be told where to go.
    async fn greet(&self, stream: TcpStream, place: Place, first_byte_within: Duration) -> io::Result<(Wire, Connection)> {
        let mut first = [0];
        let seen = timeout(first_byte_within, stream.peek(&mut first)).await.map_err(|_| {
            self.counts.timed_out.inc();
            io::Error::from(io::ErrorKind::TimedOut)
        })??;
        let stream = Bounded::new(stream, place, first_byte_within);
        if seen > 0 && first[0] != TLS_HANDSHAKE {
            self.counts.plain.inc();
            return Ok((Wire::Plain(stream), Connection::default()));
        }
        let active = self.active.load_full();
        let shaken = timeout(first_byte_within, TlsAcceptor::from(Arc::clone(&active.config)).accept(stream)).await;
        match shaken {
            Ok(Ok(stream)) => {
                self.counts.handshakes.inc();
                let connection = Connection { is_tls: true, local: None, client: client_of(&stream, &active) };
                Ok((Wire::Tls(Box::new(stream)), connection))
            }
            Ok(Err(error)) => {
                self.counts.refused.inc();
                tracing::debug!(%error, "a TLS connection was refused");
                Err(error)
            }
            Err(_) => {
                self.counts.timed_out.inc();
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }
}

/// Who the client showed to be.
fn client_of(stream: &TlsStream<Bounded<TcpStream>>, active: &Built) -> Option<Arc<ClientCertificate>> {
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates()?.first()?;
    let Certificate { common_name, names, fingerprint, .. } = Certificate::of(shown).ok()?;
    let name = if common_name.is_empty() { names.into_iter().next().unwrap_or_default() } else { common_name };
    Some(Arc::new(ClientCertificate { name, fingerprint, is_verified: active.client_auth.verifies() }))
}

/// The bytes of a connection, encrypted or not.
#[derive(Debug)]
pub(in crate::platform::http) enum Wire {
    Plain(Bounded<TcpStream>),
    Tls(Box<TlsStream<Bounded<TcpStream>>>),
}

/// The same call on whichever it is.
macro_rules! on_wire {
    ($wire:expr, $stream:ident => $call:expr) => {
        match $wire {
            Wire::Plain($stream) => $call,
            Wire::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_wire!(&mut *self, stream => Pin::new(stream).poll_read(context, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_wire!(&mut *self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_wire!(&mut *self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_wire!(&mut *self, stream => Pin::new(stream).poll_shutdown(context))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        on_wire!(&mut *self, stream => Pin::new(stream).poll_write_vectored(context, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        on_wire!(self, stream => stream.is_write_vectored())
    }
}
