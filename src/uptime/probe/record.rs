//! What is written down while a probe runs: gauges, a log for whoever looks for the reason, and the outcome.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use super::gauges::Gauges;
use crate::base::clock::SharedClock;
use crate::base::quote::quote;
use crate::base::time::format_rfc3339;
use crate::platform::http::client::{Agreed, ShownCertificate};
use crate::uptime::model::outcome::{Certificate, Failure, FailureKind, Outcome};

/// Longest log of a probe.
const LOG_BYTES_MAX: usize = 256 * 1024;
/// Longest value in a line of the log.
const VALUE_CHARS_MAX: usize = 2_000;
/// Most bytes of an answer that are kept for people.
const EXCERPT_CHARS_MAX: usize = 500;
/// What Go's zero time is in seconds: shown where nobody vouched for a certificate.
const NEVER_S: f64 = -62_135_596_800.0;

/// What is known of one probe.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// What became of it.
    pub outcome: Outcome,
    /// The gauges.
    pub gauges: Gauges,
    /// What was done, line by line.
    pub log: String,
}

/// A finding that is being made.
pub(super) struct Record {
    pub(super) found: Finding,
    clock: SharedClock,
    /// In every line of the log.
    common: String,
}

impl Record {
    pub(super) fn new(clock: SharedClock, module: &str, target: &str) -> Self {
        let mut common = String::new();
        pair(&mut common, "module", module);
        pair(&mut common, "target", target);
        Self { found: Finding::default(), clock, common }
    }

    /// Time on the clock that never runs backwards.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(super) fn gauges(&mut self) -> &mut Gauges {
        &mut self.found.gauges
    }

    pub(super) fn note(&mut self, message: &str, values: &[(&str, &str)]) {
        self.line("debug", message, values);
    }

    fn line(&mut self, level: &str, message: &str, values: &[(&str, &str)]) {
        if self.found.log.len() > LOG_BYTES_MAX {
            return;
        }
        let mut line = format!("time={} level={level} msg={}", format_rfc3339(self.clock.now_ms()), quote(message));
        line.push_str(&self.common);
        for (name, value) in values {
            pair(&mut line, name, value);
        }
        line.push('\n');
        self.found.log.push_str(&line);
    }

    /// Something does not hold. The first of several counts.
    pub(super) fn fail(&mut self, kind: FailureKind, text: impl Into<String>) {
        let text = text.into();
        self.line("error", &text, &[("cause", kind.as_str())]);
        if self.found.outcome.failure.is_none() {
            self.found.outcome.failure = Some(Failure { kind, text });
        }
    }

    /// The time is over.
    pub(super) fn late(&mut self, doing: &str) {
        self.fail(FailureKind::Timeout, format!("the time was over while {doing}"));
    }

    /// What is done for politeness and may fail is written down here, and forgotten.
    pub(super) fn aside(&self) -> Self {
        Self { found: Finding::default(), clock: self.clock.clone(), common: self.common.clone() }
    }

    /// Says in other words why it failed.
    pub(super) fn instead(&mut self, kind: FailureKind, text: impl Into<String>) {
        self.forgive();
        self.fail(kind, text);
    }

    /// What failed so far does not matter.
    pub(super) fn forgive(&mut self) {
        self.found.outcome.failure = None;
    }

    pub(super) fn has_failed(&self) -> bool {
        self.found.outcome.failure.is_some()
    }

    /// Who answers.
    pub(super) fn address(&mut self, address: IpAddr) {
        self.found.outcome.address = Some(address);
    }

    /// Keeps the beginning of an answer for people.
    pub(super) fn excerpt(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(EXCERPT_CHARS_MAX * 4)];
        let text = String::from_utf8_lossy(bytes);
        self.found.outcome.excerpt = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).take(EXCERPT_CHARS_MAX).collect();
    }

    /// Certificates that were shown, whatever became of them.
    pub(super) fn certificates(&mut self, shown: &[ShownCertificate]) {
        let plain = |shown: &ShownCertificate| Certificate {
            subject: shown.subject.clone(),
            issuer: shown.issuer.clone(),
            names: shown.stands_for(),
            not_before: shown.not_before,
            not_after: shown.not_after,
            serial: shown.serial.clone(),
            fingerprint: shown.fingerprint.clone(),
        };
        self.found.outcome.certificates = shown.iter().map(plain).collect();
    }

    /// The gauges about TLS; which of them depends on the protocol.
    pub(super) fn tls(&mut self, agreed: &Agreed, has_chain: bool, has_cipher: bool) {
        self.certificates(&agreed.certificates);
        let gauges = &mut self.found.gauges;
        let earliest = agreed.certificates.iter().map(|shown| shown.not_after).min();
        gauges.set("probe_ssl_earliest_cert_expiry", earliest.map_or(NEVER_S, |secs| secs as f64));
        gauges.set_with("probe_tls_version_info", &[("version", agreed.version)], 1.0);
        if has_chain {
            gauges.set("probe_ssl_last_chain_expiry_timestamp_seconds", agreed.chain_ends.map_or(NEVER_S, |secs| secs as f64));
        }
        if has_cipher {
            gauges.set_with("probe_tls_cipher_info", &[("cipher", &agreed.cipher)], 1.0);
        }
        if let Some(first) = agreed.certificates.first() {
            let names = first.dns_names.join(",");
            let labels = [
                ("fingerprint_sha256", first.fingerprint.as_str()),
                ("subject", &first.subject),
                ("issuer", &first.issuer),
                ("subjectalternative", &names),
                ("serialnumber", &first.serial),
            ];
            gauges.set_with("probe_ssl_last_chain_info", &labels, 1.0);
        }
    }
}

fn pair(line: &mut String, name: &str, value: &str) {
    let short: String = value.chars().take(VALUE_CHARS_MAX).collect();
    let plain = !short.is_empty() && short.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '=');
    let written = if plain { write!(line, " {name}={short}") } else { write!(line, " {name}={}", quote(&short)) };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}
