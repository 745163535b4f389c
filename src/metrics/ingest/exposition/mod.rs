//! Exposition formats: what a target says about itself when it is scraped, pushed or imported.
//!
//! A [`Parser`] walks a body as a sequence of [`Event`]s and builds nothing that is not asked for. A sample
//! carries the bytes that name its series exactly as they stand in the body, so a scraper recognises a series
//! it has seen by hashing them; only an unknown series is expanded with [`Series::packed`], which is also where
//! its label syntax is checked. A malformed label set therefore shows when it is expanded, never as a wrong name.

pub mod content_type;
pub mod lint;
pub mod nhcb;
pub mod openmetrics;
pub mod protobuf;
pub mod series;
pub mod text;
pub mod token;
pub mod write;

use std::borrow::Cow;
use std::sync::Arc;

use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::sample::MetricType;

use self::content_type::Format;
use self::nhcb::NhcbParser;
use self::openmetrics::OpenMetricsParser;
use self::protobuf::ProtobufParser;
pub use self::series::{LabelScratch, Series};
use self::text::TextParser;

/// A body that does not follow its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// Counted from 1; for protobuf the number of the metric family.
    pub line: usize,
    /// What was expected and what was found.
    pub message: String,
}

/// What a parser may leave out or put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// Take `_created` series of OpenMetrics as start timestamps of the samples they belong to, rather than as series.
    pub created_as_start: bool,
    /// `convert_classic_histograms_to_nhcb`: classic histograms become native ones with custom buckets.
    pub classic_to_nhcb: bool,
    /// `always_scrape_classic_histograms`: keep classic series also where a native histogram is there.
    pub keep_classic: bool,
    /// Ignore native histograms of the protobuf format.
    pub ignore_native: bool,
}

/// One step through a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// `# TYPE`.
    Type {
        /// Name of the metric family.
        family: Cow<'a, str>,
        /// Its kind.
        kind: MetricType,
    },
    /// `# HELP`.
    Help {
        /// Name of the metric family.
        family: Cow<'a, str>,
        /// Unescaped text.
        text: Cow<'a, str>,
    },
    /// `# UNIT`.
    Unit {
        /// Name of the metric family.
        family: Cow<'a, str>,
        /// Such as `seconds`.
        unit: Cow<'a, str>,
    },
    /// A number.
    Sample(Sample<'a>),
    /// A native histogram.
    Histogram(HistogramSample<'a>),
}

/// A number of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// What it belongs to.
    pub series: Series<'a>,
    /// The number; any NaN is the ordinary one, never the staleness marker.
    pub value: f64,
    /// Time in milliseconds, where given.
    pub ts: Option<i64>,
    /// Start (created) time in milliseconds, 0 = unknown.
    pub start_ts: i64,
    /// Exemplar, where given.
    pub exemplar: Option<ParsedExemplar>,
}

/// A native histogram of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSample<'a> {
    /// What it belongs to.
    pub series: Series<'a>,
    /// The histogram.
    pub histogram: Arc<Histogram>,
    /// Time in milliseconds, where given.
    pub ts: Option<i64>,
    /// Start (created) time in milliseconds, 0 = unknown.
    pub start_ts: i64,
    /// Exemplars, where given.
    pub exemplars: Vec<ParsedExemplar>,
}

/// An exemplar as exposed.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedExemplar {
    /// Usually `trace_id` and `span_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// Time in milliseconds, where given; else that of the sample counts.
    pub ts: Option<i64>,
}

/// A parser of any format.
#[derive(Debug)]
pub enum Parser<'a> {
    /// Text 0.0.4 and 1.0.0.
    Text(TextParser<'a>),
    /// OpenMetrics text.
    OpenMetrics(OpenMetricsParser<'a>),
    /// Delimited protobuf messages.
    Protobuf(Box<ProtobufParser<'a>>),
    /// One of the text formats with classic histograms put together.
    Nhcb(Box<NhcbParser<'a>>),
}

impl<'a> Parser<'a> {
    /// A parser for a body of a known format.
    pub fn new(format: Format, body: &'a [u8], options: ParseOptions) -> Self {
        match format {
            Format::Text if options.classic_to_nhcb => Self::Nhcb(Box::new(NhcbParser::new(Self::plain(format, body, options), options))),
            Format::OpenMetrics if options.classic_to_nhcb => {
                Self::Nhcb(Box::new(NhcbParser::new(Self::plain(format, body, options), options)))
            }
            _ => Self::plain(format, body, options),
        }
    }

    fn plain(format: Format, body: &'a [u8], options: ParseOptions) -> Self {
        match format {
            Format::Text => Self::Text(TextParser::new(body)),
            Format::OpenMetrics => Self::OpenMetrics(OpenMetricsParser::new(body, options.created_as_start)),
            Format::Protobuf => Self::Protobuf(Box::new(ProtobufParser::new(body, options))),
        }
    }

    /// The next event, or none at the end. After an error the body is given up.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, ParseError> {
        match self {
            Self::Text(parser) => parser.next_event(),
            Self::OpenMetrics(parser) => parser.next_event(),
            Self::Protobuf(parser) => parser.next_event(),
            Self::Nhcb(parser) => parser.next_event(),
        }
    }
}

#[cfg(test)]
mod tests;
