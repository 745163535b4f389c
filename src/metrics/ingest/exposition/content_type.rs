//! Which format to ask for, and which one came: `Accept` and `Content-Type` as Prometheus 3 writes and reads them.

use std::fmt::Write;

/// A format that can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `text/plain`.
    Text,
    /// `application/openmetrics-text`.
    OpenMetrics,
    /// `application/vnd.google.protobuf`, delimited.
    Protobuf,
}

/// An entry of `scrape_protocols`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// `PrometheusProto`.
    PrometheusProto,
    /// `OpenMetricsText0.0.1`.
    OpenMetricsText001,
    /// `OpenMetricsText1.0.0`.
    OpenMetricsText100,
    /// `PrometheusText0.0.4`.
    PrometheusText004,
    /// `PrometheusText1.0.0`.
    PrometheusText100,
}

impl ScrapeProtocol {
    /// Every protocol.
    pub const ALL: [Self; 5] =
        [Self::PrometheusProto, Self::OpenMetricsText001, Self::OpenMetricsText100, Self::PrometheusText004, Self::PrometheusText100];

    /// As configuration files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::OpenMetricsText001 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText100 => "OpenMetricsText1.0.0",
            Self::PrometheusText004 => "PrometheusText0.0.4",
            Self::PrometheusText100 => "PrometheusText1.0.0",
        }
    }

    /// The format it stands for.
    pub const fn format(self) -> Format {
        match self {
            Self::PrometheusProto => Format::Protobuf,
            Self::OpenMetricsText001 | Self::OpenMetricsText100 => Format::OpenMetrics,
            Self::PrometheusText004 | Self::PrometheusText100 => Format::Text,
        }
    }

    /// The `Content-Type` of a body in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::PrometheusProto => "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            Self::OpenMetricsText001 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Self::OpenMetricsText100 => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::PrometheusText004 => "text/plain; version=0.0.4; charset=utf-8",
            Self::PrometheusText100 => "text/plain; version=1.0.0; charset=utf-8",
        }
    }

    const fn media_range(self) -> &'static str {
        match self {
            Self::PrometheusProto => "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            Self::OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText100 => "application/openmetrics-text;version=1.0.0",
            Self::PrometheusText004 => "text/plain;version=0.0.4",
            Self::PrometheusText100 => "text/plain;version=1.0.0",
        }
    }

    /// Only the newer text formats are told how names beyond the legacy alphabet are to be escaped, as upstream.
    const fn knows_escaping(self) -> bool {
        matches!(self, Self::OpenMetricsText100 | Self::PrometheusText100)
    }
}

/// How a target is to write names that are not legacy names (`metric_name_escaping_scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Escaping {
    /// Not at all: UTF-8 in quotes.
    #[default]
    AllowUtf8,
    /// Every foreign character becomes `_`.
    Underscores,
    /// Reversible with dots as `_dot_`.
    Dots,
    /// Reversible as `U__…`.
    Values,
}

impl Escaping {
    /// As headers and configuration files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values].into_iter().find(|scheme| scheme.as_str() == word)
    }
}

/// The `Accept` header for protocols in order of preference.
pub fn accept_header(protocols: &[ScrapeProtocol], escaping: Escaping) -> String {
    let mut header = String::new();
    // Weights count down from the number of all protocols, however many are asked for.
    let mut weight = ScrapeProtocol::ALL.len() + 1;
    for protocol in protocols {
        header.push_str(protocol.media_range());
        if protocol.knows_escaping() {
            header.push_str(";escaping=");
            header.push_str(escaping.as_str());
        }
        // Writing to a String cannot fail.
        let _written = write!(header, ";q=0.{weight},");
        weight = weight.saturating_sub(1);
    }
    let _written = write!(header, "*/*;q=0.{weight}");
    header
}

/// The outcome of looking at a `Content-Type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// What to parse with.
    pub format: Format,
    /// Set when the fallback had to be used: worth a warning.
    pub warning: Option<String>,
}

/// Decides the format from a `Content-Type`, or else from `fallback_scrape_protocol`. The error ends the scrape.
pub fn detect(content_type: &str, fallback: Option<ScrapeProtocol>) -> Result<Detected, String> {
    let problem = if content_type.is_empty() {
        "non-compliant scrape target sending blank Content-Type".to_owned()
    } else {
        match media_type(content_type) {
            Some(kind) => match kind.as_str() {
                "application/openmetrics-text" => return Ok(Detected { format: Format::OpenMetrics, warning: None }),
                "application/vnd.google.protobuf" => return Ok(Detected { format: Format::Protobuf, warning: None }),
                "text/plain" => return Ok(Detected { format: Format::Text, warning: None }),
                _ => format!("received unsupported Content-Type {content_type:?}"),
            },
            None => format!("cannot parse Content-Type {content_type:?}"),
        }
    };
    match fallback {
        Some(protocol) => {
            let warning = Some(format!("{problem}, using fallback_scrape_protocol {:?}", protocol.as_str()));
            Ok(Detected { format: protocol.format(), warning })
        }
        None => Err(format!("{problem} and no fallback_scrape_protocol specified for target")),
    }
}

/// The media type in lower case; none when the header does not follow RFC 9110.
fn media_type(header: &str) -> Option<String> {
    let mut parts = header.split(';');
    let kind = parts.next()?.trim().to_ascii_lowercase();
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b));
    let mut halves = kind.splitn(2, '/');
    if !halves.next().is_some_and(is_token) || halves.next().is_some_and(|half| !is_token(half)) {
        return None;
    }
    for parameter in parts {
        let parameter = parameter.trim();
        if parameter.is_empty() {
            continue;
        }
        let (name, _value) = parameter.split_once('=')?;
        if !is_token(name.trim()) {
            return None;
        }
    }
    Some(kind)
}

/// What `/metrics` and `/federate` answer with for an `Accept` header, as upstream negotiates: delimited protobuf or
/// text, whatever the reader prefers of them, with names escaped as it says. OpenMetrics is not offered; a reader that
/// likes it best still says there how it wants names escaped.
pub fn negotiate(accept: &str) -> (ScrapeProtocol, Escaping) {
    let mut ranges: Vec<(u32, &str)> = accept.split(',').take(64).map(|range| (weight(range), range)).collect();
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut escaping = Escaping::Underscores;
    for (_, range) in ranges.iter().filter(|(weight, _)| *weight > 0) {
        let kind = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(asked) = parameter(range, "escaping").and_then(Escaping::parse) {
            escaping = asked;
        }
        match (kind.as_str(), parameter(range, "version").unwrap_or_default()) {
            ("application/vnd.google.protobuf", _)
                if parameter(range, "proto") == Some("io.prometheus.client.MetricFamily")
                    && parameter(range, "encoding") == Some("delimited") =>
            {
                return (ScrapeProtocol::PrometheusProto, escaping);
            }
            ("text/plain", "1.0.0") => return (ScrapeProtocol::PrometheusText100, escaping),
            ("text/plain", "" | "0.0.4") => return (ScrapeProtocol::PrometheusText004, escaping),
            _ => {}
        }
    }
    (ScrapeProtocol::PrometheusText004, escaping)
}

/// A parameter of a media range.
fn parameter<'a>(range: &'a str, wanted: &str) -> Option<&'a str> {
    let mut parameters = range.split(';').skip(1).filter_map(|part| part.split_once('='));
    parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().trim_matches('"'))
}

/// The weight of a media range in thousandths.
fn weight(range: &str) -> u32 {
    match parameter(range, "q") {
        Some(q) => q.parse::<f64>().map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32),
        None => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_what_prometheus_sends() {
        let default = [
            ScrapeProtocol::OpenMetricsText100,
            ScrapeProtocol::OpenMetricsText001,
            ScrapeProtocol::PrometheusText100,
            ScrapeProtocol::PrometheusText004,
        ];
        assert_eq!(
            accept_header(&default, Escaping::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        assert_eq!(accept_header(&[ScrapeProtocol::PrometheusText004], Escaping::Underscores), "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
    }

    #[test]
    fn content_type_decides() {
        let f =
            |header: &str, fallback: Option<ScrapeProtocol>| detect(header, fallback).map(|found| (found.format, found.warning.is_some()));
        assert_eq!(f("text/plain; version=0.0.4; charset=utf-8", None), Ok((Format::Text, false)));
        assert_eq!(f("application/openmetrics-text; version=1.0.0; charset=utf-8", None), Ok((Format::OpenMetrics, false)));
        let proto = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        assert_eq!(f(proto, None), Ok((Format::Protobuf, false)));
        assert_eq!(f("Text/Plain", None), Ok((Format::Text, false)));
        for bad in ["", "text/html", "text/plain; version", "/plain", "a b/c"] {
            assert!(f(bad, None).is_err(), "{bad}");
            assert_eq!(f(bad, Some(ScrapeProtocol::PrometheusText004)), Ok((Format::Text, true)), "{bad}");
        }
    }

    #[test]
    fn negotiation_takes_the_heaviest() {
        const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        use Escaping::{AllowUtf8, Dots, Underscores, Values};
        use ScrapeProtocol::{PrometheusProto, PrometheusText004, PrometheusText100};
        for (accept, answer) in [
            ("", (PrometheusText004, Underscores)),
            ("*/*", (PrometheusText004, Underscores)),
            ("text/html,application/xml;q=0.9,*/*;q=0.8", (PrometheusText004, Underscores)),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2", (PrometheusText004, Underscores)),
            // As Prometheus 3 asks: what it likes best says how to escape.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=values;q=0.4,*/*;q=0.1",
                (PrometheusText100, Values),
            ),
            ("application/openmetrics-text;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3", (PrometheusText004, AllowUtf8)),
            ("text/plain;version=1.0.0;escaping=dots", (PrometheusText100, Dots)),
            ("text/plain;escaping=nonsense", (PrometheusText004, Underscores)),
            (&format!("text/plain;q=0.3,{PROTO};q=0.7"), (PrometheusProto, Underscores)),
            (&format!("text/plain;q=0.8,{PROTO};escaping=values;q=0.7"), (PrometheusText004, Underscores)),
            (&format!("{PROTO};q=0"), (PrometheusText004, Underscores)),
            ("application/vnd.google.protobuf", (PrometheusText004, Underscores)),
        ] {
            assert_eq!(negotiate(accept), answer, "{accept}");
        }
    }
}
