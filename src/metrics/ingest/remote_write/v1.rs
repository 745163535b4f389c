//! Protocol 1.0: `prometheus.WriteRequest`, where every series spells out its labels.

use super::cache::SeriesCache;
use super::histogram;
use super::wire::{Value, next_field, sample};
use super::work::{DecodeError, State};
use crate::base::bytes::{Cursor, Malformed, put_uvarint};
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata, MetricType};

/// Tag of `WriteRequest.timeseries` and of `TimeSeries.labels`.
const FIRST_MESSAGE: u8 = 0x0a;
/// Tag of `TimeSeries.samples`.
const SAMPLES: u8 = 0x12;
/// Bytes of the labels of an exemplar: the 128 characters that storage takes, four bytes each. More are not collected.
pub(super) const EXEMPLAR_BYTES_MAX: usize = 512;

/// Fills the batch of `state` from an unpacked body. Samples later than `ahead_max` (ms) are refused.
pub(super) fn decode(body: &[u8], state: &mut State, cache: &SeriesCache, ahead_max: i64) -> Result<(), DecodeError> {
    let mut from = Cursor::new(body);
    while !from.is_empty() {
        if from.rest()[0] == FIRST_MESSAGE {
            from.u8()?;
            let len = from.len()?;
            let start = from.offset();
            let message = from.take(len)?;
            time_series(body, message, (start as u32, (start + len) as u32), state, cache, ahead_max)?;
            continue;
        }
        if let Some((3, Value::Bytes(message))) = next_field(&mut from)? {
            metadata(message, state)?;
        }
    }
    Ok(())
}

fn time_series(
    body: &[u8],
    message: &[u8],
    place: (u32, u32),
    state: &mut State,
    cache: &SeriesCache,
    ahead_max: i64,
) -> Result<(), DecodeError> {
    // Labels come first as every sender writes them; the bytes of the run name the series.
    let mut from = Cursor::new(message);
    while from.rest().first() == Some(&FIRST_MESSAGE) {
        from.u8()?;
        let len = from.len()?;
        from.take(len)?;
    }
    let after_labels = from.offset();
    let mut key = cache.key(&message[..after_labels]);
    let tail = from.clone();
    if let Some(scattered) = labels_in_tail(tail)? {
        // Labels stand elsewhere too: the whole of them names the series.
        key = cache.key(&[&[0xff], &message[..after_labels], &scattered].concat());
    }
    let is_open = state.open(body, cache, key, place)?;
    while !from.is_empty() {
        if from.rest()[0] == SAMPLES {
            from.u8()?;
            let len = from.len()?;
            let (value, ts, start_ts) = sample(from.take(len)?)?;
            if is_open && in_time(state, body, ts, ahead_max) {
                state.push_float(ts, value, start_ts)?;
            }
            continue;
        }
        match next_field(&mut from)? {
            Some((3, Value::Bytes(message))) if is_open => {
                let exemplar = exemplar(message)?;
                if let Some(exemplar) = exemplar.filter(|exemplar| exemplar.ts <= ahead_max) {
                    state.push_exemplar(exemplar)?;
                }
            }
            Some((4, Value::Bytes(message))) if is_open => push_histogram(state, body, message, (0, ahead_max))?,
            _ => {}
        }
    }
    Ok(())
}

/// Label fields behind the first run, if any.
fn labels_in_tail(mut from: Cursor<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let mut found: Option<Vec<u8>> = None;
    while !from.is_empty() {
        // Samples are skipped fast.
        if from.rest()[0] == SAMPLES {
            from.u8()?;
            let len = from.len()?;
            from.take(len)?;
            continue;
        }
        if let Some((1, Value::Bytes(label))) = next_field(&mut from)? {
            let found = found.get_or_insert_default();
            found.push(FIRST_MESSAGE);
            put_uvarint(found, label.len() as u64);
            found.extend_from_slice(label);
        }
    }
    Ok(found)
}

/// Whether a sample is not too far ahead; if it is, the series is named as refused.
#[inline]
pub(super) fn in_time(state: &mut State, body: &[u8], ts: i64, ahead_max: i64) -> bool {
    if ts <= ahead_max {
        return true;
    }
    state.problem_with(body, state.entries.len() - 1, "out of bounds: timestamp is too far in the future");
    false
}

/// Adds a histogram to the open series unless it is invalid.
///
/// The start timestamp of its series stands in for one of its own.
pub(super) fn push_histogram(
    state: &mut State,
    body: &[u8],
    message: &[u8],
    (series_start, ahead_max): (i64, i64),
) -> Result<(), DecodeError> {
    let received = histogram::read(message)?;
    let problem = match received.invalid {
        Some(reason) => reason,
        None if received.ts > ahead_max => "out of bounds: timestamp is too far in the future",
        None => {
            let start_ts = if received.start_ts == 0 { series_start } else { received.start_ts };
            return state.push_histogram(received.ts, received.histogram, start_ts);
        }
    };
    state.problem_with(body, state.entries.len() - 1, problem);
    Ok(())
}

/// Calls `each` for every label of a `TimeSeries`.
pub(super) fn label_pairs<'a>(message: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Result<(), Malformed> {
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        if field == 1 {
            let (name, value) = label(value.bytes()?)?;
            each(name, value);
        }
    }
    Ok(())
}

fn label(message: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut name, mut text) = (&b""[..], &b""[..]);
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match field {
            1 => name = value.bytes()?,
            2 => text = value.bytes()?,
            _ => {}
        }
    }
    Ok((name, text))
}

/// An exemplar; none when its labels are not valid, as exemplars never fail a request.
fn exemplar(message: &[u8]) -> Result<Option<Exemplar>, Malformed> {
    let mut pairs = Vec::new();
    let (mut value, mut ts) = (0.0, 0);
    let mut from = Cursor::new(message);
    while let Some((field, found)) = next_field(&mut from)? {
        match field {
            1 if pairs.len() <= EXEMPLAR_BYTES_MAX => pairs.push(label(found.bytes()?)?),
            2 => value = found.double()?,
            3 => ts = found.varint()? as i64,
            _ => {}
        }
    }
    Ok(exemplar_of(&pairs, value, ts))
}

/// Puts an exemplar together from raw pairs; none when they are not valid or longer than storage takes.
pub(super) fn exemplar_of(pairs: &[(&[u8], &[u8])], value: f64, ts: i64) -> Option<Exemplar> {
    if pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > EXEMPLAR_BYTES_MAX {
        return None;
    }
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let pairs = pairs.iter().map(|(name, value)| Some((text(name).filter(|name| !name.is_empty())?, text(value)?)));
    Some(Exemplar { labels: Labels::from_pairs(pairs.collect::<Option<Vec<_>>>()?), value, ts, is_timed: true })
}

fn metadata(message: &[u8], state: &mut State) -> Result<(), DecodeError> {
    let mut family = "";
    let mut found = Metadata::default();
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        let text = |value: Value<'_>| value.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        match field {
            1 => found.kind = kind_of(value.varint()?),
            2 => family = std::str::from_utf8(value.bytes()?).unwrap_or(""),
            4 => found.help = text(value)?,
            5 => found.unit = text(value)?,
            _ => {}
        }
    }
    if family.is_empty() { Ok(()) } else { state.push_metadata(family, found) }
}

/// The numbering of metric types, the same in both versions.
pub(super) fn kind_of(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
