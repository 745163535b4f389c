//! Syslog: RFC 5424 and RFC 3164 over UDP, TCP and TLS.
//!
//! [`frame`] finds messages in a connection, [`message`] reads them, [`serve`] listens. TCP senders wait when storage is busy;
//! what comes by UDP then is dropped and counted.

pub mod frame;
pub mod message;
pub mod serve;
