//! Addresses of doors that are no HTTP, as `tcp://:601`, and how connections begin.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
    /// Encrypted connections.
    Tls,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// How.
    pub transport: Transport,
    /// Host and port.
    pub host: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        };
        write!(f, "{scheme}://{}", self.host)
    }
}

impl Address {
    /// Reads `udp://host:port`, `tcp://…`, `tls://…`; without a scheme it is `default`. An empty host is every address.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn parse(text: &str, default: Transport) -> Result<Self, String> {
        let (transport, host) = match text.split_once("://") {
            None => (default, text),
            Some(("udp", host)) => (Transport::Udp, host),
            Some(("tcp", host)) => (Transport::Tcp, host),
            Some(("tls", host)) => (Transport::Tls, host),
            Some((other, _)) => return Err(format!("{other}:// is not understood, expected udp://, tcp:// or tls://")),
        };
        let (name, port) = host.rsplit_once(':').ok_or_else(|| format!("{text:?} has no port, expected as in tcp://:601"))?;
        if port.parse::<u16>().is_err() {
            return Err(format!("{port:?} is no port, expected a number up to 65535"));
        }
        let name = if name.is_empty() { "[::]" } else { name };
        Ok(Self { transport, host: format!("{name}:{port}") })
    }
}

/// A connection, encrypted or not.
pub type Wire = Box<dyn Stream>;

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a connection goes through before it is read.
pub type Accept = Arc<dyn Fn(TcpStream) -> Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>> + Send + Sync>;

/// Nothing at all.
pub fn plain() -> Accept {
    Arc::new(|stream| Box::pin(async move { Ok(Box::new(stream) as Wire) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, read) in [
            ("udp://:514", Ok("udp://[::]:514")),
            ("tls://10.0.0.1:6514", Ok("tls://10.0.0.1:6514")),
            ("0.0.0.0:1514", Ok("tcp://0.0.0.0:1514")),
            ("tcp://[::1]:1", Ok("tcp://[::1]:1")),
            ("http://a:1", Err("is not understood")),
            ("tcp://host", Err("has no port")),
            ("tcp://host:70000", Err("is no port")),
        ] {
            match (Address::parse(text, Transport::Tcp), read) {
                (Ok(address), Ok(read)) => assert_eq!(address.to_string(), read),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }
}
