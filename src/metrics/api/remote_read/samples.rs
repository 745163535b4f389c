//! An answer with all samples in one message, `prometheus.ReadResponse`, compressed as a whole.

use super::request::{Query, ReadRequest};
use super::{ReadError, ReadLimits, Reader, put_labels};
use crate::base::limits::READ_RESPONSE_BYTES_MAX;
use crate::metrics::ingest::remote_send::encode::{put_double, put_histogram, put_int, put_message};
use crate::series::sample::SampleBuf;

/// Answers every query of a request.
pub(super) fn respond(reader: &Reader<'_>, request: &ReadRequest) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    for query in &request.queries {
        let mut result = Vec::new();
        one(reader, query, out.len(), &mut result)?;
        put_message(&mut out, 1, &result);
    }
    snap::raw::Encoder::new().compress_vec(&out).map_err(|error| ReadError::Failed(error.to_string()))
}

/// One `QueryResult`.
fn one(reader: &Reader<'_>, query: &Query, bytes_before: usize, out: &mut Vec<u8>) -> Result<(), ReadError> {
    let mut seen = 0usize;
    let ReadLimits { samples_max, .. } = reader.limits;
    let (mut series, mut part) = (Vec::new(), Vec::new());
    reader.each_series(query, |labels, samples| {
        seen = seen.saturating_add(samples.len());
        if samples_max > 0 && seen > samples_max {
            return Err(ReadError::Refused(format!("exceeded sample limit ({samples_max})")));
        }
        series.clear();
        put_labels(labels, reader.external, &mut series, &mut part);
        put_samples(samples, &mut series, &mut part);
        put_message(out, 1, &series);
        if bytes_before + out.len() > READ_RESPONSE_BYTES_MAX {
            return Err(ReadError::Refused(format!(
                "the answer would be larger than {READ_RESPONSE_BYTES_MAX} bytes: ask for less, or for STREAMED_XOR_CHUNKS"
            )));
        }
        Ok(())
    })
}

fn put_samples(samples: &SampleBuf, out: &mut Vec<u8>, part: &mut Vec<u8>) {
    for (&ts, &value) in samples.float_ts.iter().zip(&samples.floats) {
        part.clear();
        put_double(part, 1, value);
        put_int(part, 2, ts.cast_unsigned());
        put_message(out, 2, part);
    }
    for (&ts, histogram) in samples.histogram_ts.iter().zip(&samples.histograms) {
        part.clear();
        put_histogram(histogram, ts, part);
        put_message(out, 4, part);
    }
}
