//! Protocol 2.0: `io.prometheus.write.v2.Request`, where strings stand once in a table of symbols.

use super::cache::SeriesCache;
use super::v1::{EXEMPLAR_BYTES_MAX, exemplar_of, in_time, kind_of, push_histogram};
use super::wire::{Value, each_varint, next_field, sample};
use super::work::{DecodeError, State};
use crate::base::bytes::{Cursor, Malformed};
use crate::base::limits::LABELS_PER_SERIES_MAX;
use crate::series::labels::METRIC_NAME;
use crate::series::sample::{Exemplar, Metadata, MetricType};

/// Fills the batch of `state` from an unpacked body. Samples later than `ahead_max` (ms) are refused.
pub(super) fn decode(body: &[u8], state: &mut State, cache: &SeriesCache, ahead_max: i64) -> Result<(), DecodeError> {
    state.is_v2 = true;
    // The table may stand behind the series; it is read first.
    let mut from = Cursor::new(body);
    while let Some((field, value)) = next_field(&mut from)? {
        if let (4, Value::Bytes(symbol)) = (field, value) {
            let end = from.offset();
            state.push_symbol(((end - symbol.len()) as u32, end as u32), cache.key(symbol))?;
        }
    }
    let mut names = Vec::new();
    let mut from = Cursor::new(body);
    while let Some((field, value)) = next_field(&mut from)? {
        if let (5, Value::Bytes(message)) = (field, value) {
            let end = from.offset();
            time_series(body, message, ((end - message.len()) as u32, end as u32), state, cache, ahead_max, &mut names)?;
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
    names: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    names.clear();
    let mut start_ts = 0;
    let mut described = None;
    let mut missing = false;
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match field {
            1 => each_varint(value, |symbol| match usize::try_from(symbol).ok().and_then(|at| state.symbol_keys.get(at)) {
                Some(key) if names.len() <= 32 * LABELS_PER_SERIES_MAX => names.extend_from_slice(&key.to_le_bytes()),
                Some(_) => {}
                None => missing = true,
            })?,
            5 => described = Some(value.bytes()?),
            6 => start_ts = value.varint()? as i64,
            _ => {}
        }
    }
    if missing || !names.len().is_multiple_of(32) || names.len() > 32 * LABELS_PER_SERIES_MAX {
        return Err(Malformed { offset: place.0 as usize }.into());
    }
    if !state.open(body, cache, cache.key(names), place)? {
        return Ok(());
    }
    if let Some(message) = described.filter(|_| state.entries.last().is_some_and(|entry| entry.learn)) {
        metadata(body, message, state)?;
    }
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match (field, value) {
            (2, Value::Bytes(message)) => {
                let (value, ts, own_start) = sample(message)?;
                if in_time(state, body, ts, ahead_max) {
                    state.push_float(ts, value, if own_start == 0 { start_ts } else { own_start })?;
                }
            }
            (3, Value::Bytes(message)) => push_histogram(state, body, message, (start_ts, ahead_max))?,
            (4, Value::Bytes(message)) => {
                let exemplar = exemplar(body, message, state)?;
                if let Some(exemplar) = exemplar.filter(|exemplar| exemplar.ts <= ahead_max) {
                    state.push_exemplar(exemplar)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The bytes of a symbol.
fn symbol<'a>(body: &'a [u8], symbols: &[(u32, u32)], at: u64) -> Result<&'a [u8], Malformed> {
    let place = usize::try_from(at).ok().and_then(|at| symbols.get(at)).ok_or(Malformed { offset: 0 })?;
    Ok(&body[place.0 as usize..place.1 as usize])
}

/// Calls `each` for every label of a `TimeSeries`.
pub(super) fn label_pairs<'a>(
    body: &'a [u8],
    message: &[u8],
    symbols: &[(u32, u32)],
    mut each: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<(), Malformed> {
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        if field == 1 {
            pairs(body, value, symbols, &mut each)?;
        }
    }
    Ok(())
}

fn pairs<'a>(body: &'a [u8], refs: Value<'_>, symbols: &[(u32, u32)], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Result<(), Malformed> {
    let mut name = None;
    let mut failed = None;
    each_varint(refs, |at| match (symbol(body, symbols, at), name.take()) {
        (Ok(text), None) => name = Some(text),
        (Ok(text), Some(name)) => each(name, text),
        (Err(malformed), _) => failed = Some(malformed),
    })?;
    failed.map_or(Ok(()), Err)
}

/// An exemplar; none when its labels are not valid, as exemplars never fail a request.
fn exemplar(body: &[u8], message: &[u8], state: &State) -> Result<Option<Exemplar>, Malformed> {
    let mut labels = Vec::new();
    let (mut value, mut ts) = (0.0, 0);
    let mut from = Cursor::new(message);
    while let Some((field, found)) = next_field(&mut from)? {
        match field {
            1 => pairs(body, found, &state.symbols, |name, value| {
                if labels.len() <= EXEMPLAR_BYTES_MAX {
                    labels.push((name, value));
                }
            })?,
            2 => value = found.double()?,
            3 => ts = found.varint()? as i64,
            _ => {}
        }
    }
    Ok(exemplar_of(&labels, value, ts))
}

/// Metadata of the open series, given under the name of its family.
fn metadata(body: &[u8], message: &[u8], state: &mut State) -> Result<(), DecodeError> {
    let mut kind = MetricType::Unknown;
    let (mut help, mut unit) = (&b""[..], &b""[..]);
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match field {
            1 => kind = kind_of(value.varint()?),
            3 => help = symbol(body, &state.symbols, value.varint()?)?,
            4 => unit = symbol(body, &state.symbols, value.varint()?)?,
            _ => {}
        }
    }
    if kind == MetricType::Unknown && help.is_empty() && unit.is_empty() {
        return Ok(());
    }
    let Some(series) = state.batch.series.last() else { return Ok(()) };
    let mut labels = crate::series::labels::LabelsIter::over_checked(state.batch.labels_of(series));
    let Some((_, name)) = labels.find(|(name, _)| *name == METRIC_NAME) else { return Ok(()) };
    let suffixes: &[&str] = match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => &["_bucket", "_count", "_sum"],
        MetricType::Summary => &["_count", "_sum"],
        _ => &[],
    };
    let family = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    if state.batch.metadata.last().is_some_and(|(last, _)| **last == *family) {
        return Ok(());
    }
    let family = family.to_owned();
    // A symbol may be long and named by every series.
    state.charge(help.len() + unit.len())?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    state.push_metadata(&family, Metadata { kind, help: text(help), unit: text(unit) })
}
