//! Exemplars.

use crate::series::labels::LabelsBuilder;
use crate::series::otlp::metrics::Exemplar;
use crate::series::otlp::text::{hex_id, text_of_option};
use crate::series::sample;

/// Characters of all labels of an exemplar, beyond which it keeps only the ids; as OpenMetrics has it.
const CHARACTERS_MAX: usize = 128;
/// Characters of ids, which stay in any case.
const ID_BYTES_MAX: usize = 64;

/// An exemplar as storage has it; none without a value. Without a time it has that of its sample.
pub(super) fn made(from: &Exemplar, ts: i64) -> Option<sample::Exemplar> {
    let value = from.as_double.or_else(|| from.as_int.map(|value| value as f64))?;
    let mut labels = LabelsBuilder::new();
    let mut characters = 0;
    for (name, id) in [("trace_id", &from.trace_id), ("span_id", &from.span_id)] {
        let id = hex_id(id.get(..ID_BYTES_MAX.min(id.len())).unwrap_or_default());
        if !id.is_empty() {
            characters += name.len() + id.len();
            labels.set(name, &id);
        }
    }
    let mut pairs = Vec::new();
    for pair in &from.filtered_attributes {
        let text = text_of_option(pair.value.as_ref());
        characters += pair.key.chars().count() + text.chars().count();
        if characters > CHARACTERS_MAX {
            pairs.clear();
            break;
        }
        pairs.push((pair.key.as_str(), text));
    }
    for (name, value) in pairs.iter().filter(|(name, _)| !name.is_empty()) {
        labels.set(name, value);
    }
    let own = super::translate::ms(from.time_unix_nano);
    Some(sample::Exemplar { labels: labels.build(), value, ts: if own == 0 { ts } else { own }, is_timed: own != 0 })
}
