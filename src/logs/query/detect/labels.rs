//! Which labels streams have, as far as they help to choose streams.

use crate::base::cancel::Cancel;
use crate::logs::model::read::{SelectLines, SelectLinesError, StreamQuery};

/// A label of streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedLabel {
    /// Its name.
    pub label: String,
    /// How many values it has.
    pub cardinality: u64,
}

/// Labels with more values than this help nobody to choose.
const VALUES_MAX: usize = 50;
/// Labels that help whatever their values are.
const ALWAYS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

/// The labels of the streams that a query wants.
pub fn detected_labels(select: &dyn SelectLines, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<DetectedLabel>, SelectLinesError> {
    let mut found = Vec::new();
    for label in select.label_names(&StreamQuery { limit: 0, ..query.clone() }, cancel)? {
        let is_always = ALWAYS.contains(&label.as_str());
        let limit = if is_always { 0 } else { VALUES_MAX + 1 };
        let values = select.label_values(&label, &StreamQuery { limit, ..query.clone() }, cancel)?;
        let helps = values.len() <= VALUES_MAX && !values.iter().all(|value| is_identifier(value));
        if is_always || helps {
            found.push(DetectedLabel { label, cardinality: values.len() as u64 });
        }
    }
    Ok(found)
}

/// Whether a value is a number or a UUID: it names one thing, not a kind of things.
fn is_identifier(value: &str) -> bool {
    let is_uuid = value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    is_uuid || value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::model::read::Span;
    use crate::logs::query::script::memory::{Layout, MemoryLines};
    use crate::series::labels::Labels;

    #[test]
    fn labels_that_tell_streams_apart() {
        let lines = MemoryLines::new(Layout::Together);
        for index in 0..60 {
            let uuid = format!("{index:08x}-0000-4000-8000-000000000000");
            let (many, number, instance) = (format!("v{index}"), index.to_string(), format!("h{index}"));
            let pairs = [("job", "api"), ("many", &many), ("number", &number), ("uuid", &uuid), ("instance", &instance)];
            lines.push(&Labels::from_pairs(pairs), 1, b"x", &Labels::empty());
        }
        let query = StreamQuery { any_of: &[], span: Span::ALL, limit: 0 };
        let found = detected_labels(&lines, &query, &Cancel::new()).unwrap();
        let shown: Vec<(&str, u64)> = found.iter().map(|found| (&*found.label, found.cardinality)).collect();
        assert_eq!(shown, [("instance", 60), ("job", 1)]);
    }
}
