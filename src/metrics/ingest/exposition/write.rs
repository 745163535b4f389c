//! Writes text 0.0.4, text 1.0.0 and OpenMetrics, for `/metrics` and `/federate`; byte by byte as upstream writes them.

use super::content_type::{Escaping, ScrapeProtocol};
use crate::base::float::push_general;
use crate::series::labels::{is_legacy_label_name, is_legacy_metric_name};
use crate::series::sample::{Exemplar, MetricType};

/// As [`push_general`], but whole numbers end in `.0`, as OpenMetrics wants them and as `le` and `quantile` are stored.
pub fn push_openmetrics_float(out: &mut String, value: f64) {
    let start = out.len();
    push_general(out, value);
    if value.is_finite() && !out[start..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

/// A name in the form an escaping scheme gives it.
pub fn escape_name(name: &str, escaping: Escaping) -> String {
    let legal = |index: usize, c: char| c.is_ascii_alphabetic() || c == '_' || c == ':' || (c.is_ascii_digit() && index > 0);
    let mut out = String::with_capacity(name.len() + 8);
    match escaping {
        Escaping::AllowUtf8 => out.push_str(name),
        Escaping::Underscores => out.extend(name.chars().enumerate().map(|(index, c)| if legal(index, c) { c } else { '_' })),
        Escaping::Dots => {
            for (index, c) in name.chars().enumerate() {
                match c {
                    '_' => out.push_str("__"),
                    '.' => out.push_str("_dot_"),
                    c if legal(index, c) => out.push(c),
                    _ => out.push_str("__"),
                }
            }
        }
        Escaping::Values if is_legacy_metric_name(name) => out.push_str(name),
        Escaping::Values => {
            out.push_str("U__");
            for (index, c) in name.chars().enumerate() {
                match c {
                    '_' => out.push_str("__"),
                    c if legal(index, c) => out.push(c),
                    c => out.push_str(&format!("_{:x}_", c as u32)),
                }
            }
        }
    }
    out
}

/// Writes metric families one after the other.
#[derive(Debug)]
pub struct TextWriter {
    out: String,
    openmetrics: bool,
    escaping: Escaping,
}

impl TextWriter {
    /// For a negotiated protocol. Formats without quoted names get underscores.
    pub fn new(protocol: ScrapeProtocol) -> Self {
        let openmetrics = matches!(protocol, ScrapeProtocol::OpenMetricsText001 | ScrapeProtocol::OpenMetricsText100);
        let escaping = match protocol {
            ScrapeProtocol::PrometheusText004 | ScrapeProtocol::OpenMetricsText001 => Escaping::Underscores,
            _ => Escaping::AllowUtf8,
        };
        Self { out: String::new(), openmetrics, escaping }
    }

    /// For a negotiated protocol, with names escaped as the reader asked.
    pub fn escaping(protocol: ScrapeProtocol, escaping: Escaping) -> Self {
        Self { escaping, ..Self::new(protocol) }
    }

    /// Opens a family. In OpenMetrics the family of a counter is named without `_total`.
    pub fn family(&mut self, name: &str, kind: MetricType, help: &str, unit: &str) {
        let stem = if self.openmetrics && kind == MetricType::Counter { name.strip_suffix("_total").unwrap_or(name) } else { name };
        let stem = self.quoted_name(stem);
        if !help.is_empty() {
            self.out.push_str("# HELP ");
            self.out.push_str(&stem);
            self.out.push(' ');
            push_escaped(&mut self.out, help, self.openmetrics);
            self.out.push('\n');
        }
        self.out.push_str("# TYPE ");
        self.out.push_str(&stem);
        self.out.push(' ');
        self.out.push_str(self.kind_word(kind));
        self.out.push('\n');
        if self.openmetrics && !unit.is_empty() {
            self.out.push_str("# UNIT ");
            self.out.push_str(&stem);
            self.out.push(' ');
            push_escaped(&mut self.out, unit, true);
            self.out.push('\n');
        }
    }

    /// Writes one sample. `labels` are without the name; `ts` is in milliseconds.
    pub fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: f64,
        ts: Option<i64>,
        exemplar: Option<&Exemplar>,
    ) {
        let escaped = escape_name(name, self.escaping);
        let plain = is_legacy_metric_name(&escaped);
        let mut separator = '{';
        if plain {
            self.out.push_str(&escaped);
        } else {
            self.out.push_str("{\"");
            push_escaped(&mut self.out, &escaped, true);
            self.out.push('"');
            separator = ',';
        }
        for (label, text) in labels {
            self.out.push(separator);
            separator = ',';
            self.label(label, text);
        }
        if separator == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        self.float(value);
        if let Some(ts) = ts {
            self.out.push(' ');
            self.time(ts);
        }
        if let Some(exemplar) = exemplar.filter(|_| self.openmetrics) {
            self.exemplar(exemplar);
        }
        self.out.push('\n');
    }

    /// The finished body.
    pub fn finish(mut self) -> String {
        if self.openmetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        self.out.push_str(" # {");
        for (index, (label, text)) in exemplar.labels.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.label(label, text);
        }
        self.out.push_str("} ");
        self.float(exemplar.value);
        self.out.push(' ');
        self.time(exemplar.ts);
    }

    fn label(&mut self, name: &str, value: &str) {
        let name = escape_name(name, self.escaping);
        if is_legacy_label_name(&name) {
            self.out.push_str(&name);
        } else {
            self.out.push('"');
            push_escaped(&mut self.out, &name, true);
            self.out.push('"');
        }
        self.out.push_str("=\"");
        push_escaped(&mut self.out, value, true);
        self.out.push('"');
    }

    fn float(&mut self, value: f64) {
        if self.openmetrics { push_openmetrics_float(&mut self.out, value) } else { push_general(&mut self.out, value) }
    }

    /// Milliseconds in the text format, seconds in OpenMetrics.
    fn time(&mut self, ts: i64) {
        if self.openmetrics {
            let sign = if ts < 0 { "-" } else { "" };
            let magnitude = ts.unsigned_abs();
            self.out.push_str(&format!("{sign}{}.{:03}", magnitude / 1000, magnitude % 1000));
        } else {
            self.out.push_str(itoa::Buffer::new().format(ts));
        }
    }

    fn quoted_name(&self, name: &str) -> String {
        let escaped = escape_name(name, self.escaping);
        if is_legacy_metric_name(&escaped) {
            return escaped;
        }
        let mut out = String::from("\"");
        push_escaped(&mut out, &escaped, true);
        out.push('"');
        out
    }

    const fn kind_word(&self, kind: MetricType) -> &'static str {
        match (self.openmetrics, kind) {
            (true, kind) => kind.as_str(),
            (false, MetricType::GaugeHistogram) => "histogram",
            (false, MetricType::Info | MetricType::StateSet) => "gauge",
            (false, MetricType::Unknown) => "untyped",
            (false, kind) => kind.as_str(),
        }
    }
}

fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_go_does() {
        for (value, text, openmetrics) in [
            (0.0, "0", "0.0"),
            (1.0, "1", "1.0"),
            (-1.5, "-1.5", "-1.5"),
            (999_999.0, "999999", "999999.0"),
            (1e6, "1e+06", "1e+06"),
            (1_756_047.3, "1.7560473e+06", "1.7560473e+06"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "1e-05"),
            (1e100, "1e+100", "1e+100"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
        ] {
            let mut out = String::new();
            push_general(&mut out, value);
            assert_eq!(out, text);
            out.clear();
            push_openmetrics_float(&mut out, value);
            assert_eq!(out, openmetrics);
        }
    }

    #[test]
    fn writes_each_dialect() {
        let write = |protocol| {
            let mut writer = TextWriter::new(protocol);
            writer.family("http.requests_total", MetricType::Counter, "Two\nlines \"quoted\".", "");
            writer.sample("http.requests_total", [("a.b", "x\"y"), ("c", "\\")], 3.0, Some(1500), None);
            writer.finish()
        };
        assert_eq!(
            write(ScrapeProtocol::PrometheusText004),
            "# HELP http_requests_total Two\\nlines \"quoted\".\n# TYPE http_requests_total counter\n\
             http_requests_total{a_b=\"x\\\"y\",c=\"\\\\\"} 3 1500\n"
        );
        assert_eq!(
            write(ScrapeProtocol::OpenMetricsText100),
            "# HELP \"http.requests\" Two\\nlines \\\"quoted\\\".\n# TYPE \"http.requests\" counter\n\
             {\"http.requests_total\",\"a.b\"=\"x\\\"y\",c=\"\\\\\"} 3.0 1.500\n# EOF\n"
        );
    }

    #[test]
    fn names_escape_by_scheme() {
        for (scheme, text) in [
            (Escaping::AllowUtf8, "a.b_cé"),
            (Escaping::Underscores, "a_b_c_"),
            (Escaping::Dots, "a_dot_b__c__"),
            (Escaping::Values, "U__a_2e_b__c_e9_"),
        ] {
            assert_eq!(escape_name("a.b_cé", scheme), text);
        }
    }
}
