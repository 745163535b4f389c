//! What one probe found: whether all held, how long each phase took, and, where something did not hold, what and why in
//! words.

use std::net::IpAddr;
use std::time::Duration;

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Why it failed; none when everything held.
    pub failure: Option<Failure>,
    /// From the start until the last answer was read, or until it was given up.
    pub took: Duration,
    /// Where the time went.
    pub phases: Phases,
    /// Who answered.
    pub address: Option<IpAddr>,
    /// The status of the last answer, for protocols that have one (HTTP, SMTP).
    pub status: Option<u16>,
    /// The certificates shown, the server's own first; empty without TLS.
    pub certificates: Vec<Certificate>,
    /// The beginning of what was answered, as text, where something in it did not hold.
    pub excerpt: String,
}

/// How long each phase took; none where there was no such phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Finding the address of a name.
    pub resolve: Option<Duration>,
    /// Opening the connection.
    pub connect: Option<Duration>,
    /// Agreeing on TLS.
    pub tls: Option<Duration>,
    /// From the request until the first byte of the answer.
    pub processing: Option<Duration>,
    /// Reading the rest of the answer.
    pub transfer: Option<Duration>,
}

/// Why a probe failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which part of it.
    pub kind: FailureKind,
    /// For people, with the figures: `the certificate is for example.org, not for www.example.org`. One sentence without
    /// a full stop, lower case at its beginning; no secret in it.
    pub text: String,
}

/// Which part of a probe failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The target, or the module that is to be used, makes no sense.
    Target,
    /// No address was found for the name.
    Resolve,
    /// No connection: refused, unreachable, reset.
    Connect,
    /// TLS was not agreed on, or the certificate is not to be trusted.
    Tls,
    /// The time was over.
    Timeout,
    /// Something answered, but not in the protocol.
    Protocol,
    /// A status other than those that are right.
    Status,
    /// Text, headers or records that are not as they should be.
    Content,
    /// It took longer than it may.
    Slow,
    /// A certificate ends soon.
    Expiry,
    /// Nothing was heard within the time.
    Silence,
}

impl FailureKind {
    /// Every part.
    pub const ALL: [Self; 11] = [
        Self::Target,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Protocol,
        Self::Status,
        Self::Content,
        Self::Slow,
        Self::Expiry,
        Self::Silence,
    ];

    /// The value of the label `cause`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Content => "content",
            Self::Slow => "slow",
            Self::Expiry => "expiry",
            Self::Silence => "silence",
        }
    }
}

/// A certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it names, as RFC 4514 writes it.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Names and addresses it stands for, as text.
    pub names: Vec<String>,
    /// Valid from, in seconds since the Unix epoch.
    pub not_before: i64,
    /// Valid until, in seconds since the Unix epoch.
    pub not_after: i64,
    /// Serial number in lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the whole, in lower-case hexadecimal.
    pub fingerprint: String,
}
