//! The server's own log: one line an event on standard error, as logfmt or JSON.
//!
//! Both forms hold the same: `time`, `level`, `source` (the module), `msg`, then what the event adds.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::base::clock::{Clock, SystemClock};
use crate::base::time::format_rfc3339;
use crate::platform::config::settings::LogFormat;

/// A longer text is cut, so that what others send cannot flood the log.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("log level: {0}")]
pub struct BadLevel(#[from] tracing_subscriber::filter::ParseError);

/// Starts logging. `level` is a word (`info`) or directives (`pharos=debug,info`). A second call changes nothing.
///
/// # Errors
/// When the level is neither.
pub fn start(level: &str, format: LogFormat) -> Result<(), BadLevel> {
    let filter = EnvFilter::try_new(level)?;
    let lines = Lines { format, clock: SystemClock::new() };
    let started = tracing_subscriber::fmt().with_env_filter(filter).event_format(lines).with_writer(std::io::stderr).try_init();
    if started.is_ok() {
        log_panics();
    }
    // Otherwise several servers run in one process, as in tests; the first one's log serves all.
    Ok(())
}

/// A panic is an event like others: one line, in the form that was asked for. `RUST_BACKTRACE` adds what it always adds.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, cause = panic.payload_as_str().unwrap_or("unknown"), "a thread panicked");
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            before(panic);
        }
    }));
}

/// Writes events as lines.
struct Lines {
    format: LogFormat,
    clock: SystemClock,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let meta = event.metadata();
        writer.write_str(&line(self.format, self.clock.now_ms(), *meta.level(), meta.target(), &fields))
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    /// Set by crates that speak through `log`, whose events all have the same target.
    source: Option<String>,
    pairs: Vec<(&'static str, Text)>,
}

/// A value as text.
struct Text {
    text: String,
    /// Whether it is a number or truth value, which JSON writes without quotes.
    bare: bool,
}

impl Fields {
    fn add(&mut self, field: &Field, text: String, bare: bool) {
        match field.name() {
            "message" => self.message = cut(text),
            "log.target" => self.source = Some(text),
            name if name.starts_with("log.") => {}
            name => self.pairs.push((name, Text { text: cut(text), bare })),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.to_string(), value.is_finite());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.to_string(), true);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.to_string(), true);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.add(field, value.to_string(), true);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.add(field, value.to_string(), true);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.to_string(), true);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned(), false);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, value.to_string(), false);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"), false);
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

fn line(format: LogFormat, now_ms: i64, level: Level, target: &str, fields: &Fields) -> String {
    let level = match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    };
    let target = fields.source.as_deref().unwrap_or(target);
    let source = target.strip_prefix("pharos::").unwrap_or(target);
    let time = time(now_ms);
    let fixed = [("time", time.as_str()), ("level", level), ("source", source), ("msg", fields.message.as_str())];
    let all = fixed.into_iter().map(|(key, text)| (key, text, false));
    let all = all.chain(fields.pairs.iter().map(|(key, value)| (*key, value.text.as_str(), value.bare)));
    let mut out = String::with_capacity(160);
    match format {
        LogFormat::Logfmt => {
            for (at, (key, text, _)) in all.enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push('=');
                // The message is always in quotes, as people expect it.
                if key == "msg" || needs_quotes(text) { push_quoted(&mut out, text) } else { out.push_str(text) }
            }
        }
        LogFormat::Json => {
            // A key twice would make readers lose one of the two.
            let mut seen = BTreeSet::new();
            for (key, text, bare) in all.filter(|(key, ..)| seen.insert(*key)) {
                out.push(if out.is_empty() { '{' } else { ',' });
                push_quoted(&mut out, key);
                out.push(':');
                if bare { out.push_str(text) } else { push_quoted(&mut out, text) }
            }
            out.push('}');
        }
    }
    out.push('\n');
    out
}

/// RFC 3339 with three digits after the second, so that lines stand below each other.
fn time(now_ms: i64) -> String {
    let second = format_rfc3339(now_ms - now_ms.rem_euclid(1000));
    format!("{}.{:03}Z", second.trim_end_matches('Z'), now_ms.rem_euclid(1000))
}

/// Whether a reader of logfmt would take the text for something else.
fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '"' | '\\'))
}

/// In quotes, control characters escaped, as JSON has it and readers of logfmt take it too.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let written = write!(out, "\\u{:04x}", u32::from(c));
                debug_assert!(written.is_ok(), "writing to a String cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &str, pairs: &[(&'static str, &str, bool)]) -> Fields {
        let pairs = pairs.iter().map(|(key, text, bare)| (*key, Text { text: (*text).to_owned(), bare: *bare })).collect();
        Fields { message: message.to_owned(), source: None, pairs }
    }

    #[test]
    fn lines_are_logfmt() {
        for (pairs, end) in [
            (&[][..], ""),
            (&[("took_ms", "42", true), ("version", "0.1.0", false)], " took_ms=42 version=0.1.0"),
            (&[("error", "no such file", false), ("path", "", false)], " error=\"no such file\" path=\"\""),
            (&[("a", "b=c", false), ("q", "say \"x\"", false)], " a=\"b=c\" q=\"say \\\"x\\\"\""),
            (&[("two", "lines\nand\tmore\u{1b}[31m", false)], " two=\"lines\\nand\\tmore\\u001b[31m\""),
            (&[("url", "http://x:1/a?b", false), ("name", "ünï", false)], " url=http://x:1/a?b name=ünï"),
        ] {
            let said = line(LogFormat::Logfmt, 1_700_000_000_500, Level::WARN, "pharos::app::serve", &fields("up \"now\"", pairs));
            let begin = "time=2023-11-14T22:13:20.500Z level=warn source=app::serve msg=\"up \\\"now\\\"\"";
            assert_eq!(said, format!("{begin}{end}\n"));
        }
    }

    #[test]
    fn lines_are_json() {
        let pairs = [("took_ms", "42", true), ("nan", "NaN", false), ("error", "a\n\"b\"\u{7f}", false), ("msg", "again", false)];
        let said = line(LogFormat::Json, 0, Level::TRACE, "hyper::proto", &fields("up", &pairs));
        let read: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let expected = serde_json::json!({
            "time": "1970-01-01T00:00:00.000Z", "level": "debug", "source": "hyper::proto", "msg": "up",
            "took_ms": 42, "nan": "NaN", "error": "a\n\"b\"\u{7f}",
        });
        assert_eq!(read, expected);
        assert_eq!(said.matches('\n').count(), 1, "one line");
    }

    #[test]
    fn long_texts_are_cut() {
        let cut = cut("ä".repeat(TEXT_BYTES_MAX));
        assert!(cut.len() < TEXT_BYTES_MAX + 4 && cut.ends_with('…'));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_one_line_and_reads_back(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|.{0,20}") {
            let fields = fields(&text, &[("k", &text, false)]);
            let json = line(LogFormat::Json, 0, Level::INFO, "x", &fields);
            let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            proptest::prop_assert_eq!(read["k"].as_str(), Some(text.as_str()));
            for format in [LogFormat::Json, LogFormat::Logfmt] {
                proptest::prop_assert_eq!(line(format, 0, Level::INFO, "x", &fields).matches(['\n', '\r']).count(), 1);
            }
        }
    }
}
