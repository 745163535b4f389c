//! The body of a push: unpacked, parsed, and labelled with the grouping key.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use super::group::{Family, PUSH_FAILURE_TIME, PUSH_TIME, Value};
use crate::base::limits::BODY_BYTES_MAX;
use crate::metrics::ingest::exposition::content_type::{Format, detect};
use crate::metrics::ingest::exposition::series::family_of;
use crate::metrics::ingest::exposition::{Event, ParseOptions, Parser};
use crate::series::labels::{Labels, METRIC_NAME};

/// Bytes of a push after decompression.
pub const UNPACKED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// Memory for the series and families of a push; each series has the grouping key too, however short its line is.
/// Less in tests, which would take long to get there.
const MEMORY_BYTES_MAX: usize = if cfg!(test) { 16 } else { 256 } * 1024 * 1024;
/// What a series takes beside its labels.
const SERIES_BYTES: usize = 128;
/// What a family takes beside its series.
const FAMILY_BYTES: usize = 256;

/// A push that could be read.
#[derive(Debug)]
pub struct Pushed {
    /// Its families.
    pub families: Vec<PushedFamily>,
    /// Why it cannot be taken although it could be read.
    pub inconsistent: Option<String>,
}

/// A family of a push.
#[derive(Debug)]
pub struct PushedFamily {
    /// Its name.
    pub name: String,
    /// All else.
    pub family: Family,
}

/// Reads a push. The error is an HTTP status and a text for the client.
pub fn read(content_type: &str, encoding: &str, body: &[u8], grouping: &Labels) -> Result<Pushed, (u16, String)> {
    if body.len() > BODY_BYTES_MAX {
        return Err((413, format!("body is larger than {BODY_BYTES_MAX} bytes")));
    }
    let unpacked = unpack(encoding, body)?;
    let body = unpacked.as_deref().unwrap_or(body);
    // Anything but protobuf is read as text, as the Pushgateway does: clients send all kinds of types.
    let format = match detect(content_type, None) {
        Ok(found) if found.format == Format::Protobuf => Format::Protobuf,
        _ => Format::Text,
    };
    if format == Format::Text && !body.is_empty() && !body.ends_with(b"\n") {
        return Err((
            400,
            "text format parsing error: unexpected end of input stream, the last line must end with a line break".to_owned(),
        ));
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut inconsistent = None;
    let mut series_bytes = 0;
    let mut parser = Parser::new(format, body, ParseOptions { keep_classic: true, ..ParseOptions::default() });
    while let Some(event) =
        parser.next_event().map_err(|error| (400, format!("{} format parsing error in {error}", format_word(format))))?
    {
        if series_bytes + families.len() * FAMILY_BYTES > MEMORY_BYTES_MAX {
            return Err((
                413,
                format!("series, with the grouping key, and families would take more than {MEMORY_BYTES_MAX} bytes of memory"),
            ));
        }
        let (series, ts, value) = match event {
            Event::Type { family, kind } => {
                families.entry(family.into_owned()).or_default().kind = kind;
                continue;
            }
            Event::Help { family, text } => {
                families.entry(family.into_owned()).or_default().help = text.into_owned();
                continue;
            }
            Event::Unit { family, unit } => {
                families.entry(family.into_owned()).or_default().unit = unit.into_owned();
                continue;
            }
            Event::Sample(sample) => (sample.series, sample.ts, Value::Float(sample.value)),
            Event::Histogram(sample) => (sample.series, sample.ts, Value::Histogram(sample.histogram)),
        };
        let labels = series.labels().map_err(|error| (400, format!("{} format parsing error in {error}", format_word(format))))?;
        if ts.is_some() {
            inconsistent.get_or_insert_with(|| "pushed metrics must not have timestamps".to_owned());
        }
        let name = labels.metric_name().to_owned();
        if name == PUSH_TIME || name == PUSH_FAILURE_TIME {
            // The gateway writes these itself.
            continue;
        }
        let mut builder = labels.to_builder();
        for (label, text) in grouping.iter() {
            builder.set(label, text);
        }
        let labels = builder.set(METRIC_NAME, &name).build();
        series_bytes += labels.packed().len() + SERIES_BYTES;
        if !seen.insert(labels.clone()) {
            inconsistent
                .get_or_insert_with(|| format!("collected metric {labels} was collected before with the same name and label values"));
        }
        let family = family_of(&name, |stem| families.get(stem).map(|family| family.kind)).to_owned();
        families.entry(family).or_default().series.push((labels, value));
    }
    let families = families.into_iter().filter(|(_, family)| !family.series.is_empty());
    Ok(Pushed { families: families.map(|(name, family)| PushedFamily { name, family }).collect(), inconsistent })
}

const fn format_word(format: Format) -> &'static str {
    match format {
        Format::Protobuf => "protobuf",
        _ => "text",
    }
}

fn unpack(encoding: &str, body: &[u8]) -> Result<Option<Vec<u8>>, (u16, String)> {
    let reader: Box<dyn Read + '_> = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(None),
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(body)),
        "snappy" => Box::new(snap::read::FrameDecoder::new(body)),
        other => return Err((400, format!("unsupported content encoding {other:?}"))),
    };
    let mut out = Vec::new();
    let read = reader.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut out);
    read.map_err(|error| (400, format!("cannot unpack the body: {error}")))?;
    if out.len() > UNPACKED_BYTES_MAX {
        return Err((413, format!("unpacked body is larger than {UNPACKED_BYTES_MAX} bytes")));
    }
    Ok(Some(out))
}
