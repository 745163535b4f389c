//! `heatmap`: how many values of all series lie in which bucket at which time.

use super::super::frame::{Column, Field, Frame, FrameKind};
use super::super::options::Options;
use crate::base::float::significant;
use crate::base::time::Duration;

/// Most buckets in a direction.
const BUCKETS_MAX: i64 = 300;
/// Buckets of a direction unless told.
const BUCKETS: f64 = 20.0;

/// Where buckets of a direction lie: in even steps, or each so many times the one before.
struct Scale {
    from: i64,
    count: i64,
    by: By,
}

enum By {
    Step(f64),
    /// The logarithm of the base.
    Factor(f64),
}

impl Scale {
    fn at(&self, value: f64) -> Option<usize> {
        let place = match self.by {
            By::Step(step) => (value / step).floor(),
            // A value on a bound lies below it.
            By::Factor(ln) => (value.ln() / ln).ceil() - 1.0,
        };
        let at = place as i64 - self.from;
        usize::try_from(at).ok().filter(|_| at < self.count && place.is_finite())
    }

    /// The upper bound of a bucket.
    fn bound(&self, at: i64) -> f64 {
        let place = (self.from + at + 1) as f64;
        match self.by {
            By::Step(step) => place * step,
            By::Factor(ln) => (place * ln).exp(),
        }
    }
}

/// Counts values.
pub(super) fn heatmap(options: Options<'_>, frames: Vec<Frame>) -> Result<Vec<Frame>, String> {
    let mut found: Vec<(i64, f64)> = Vec::new();
    for frame in &frames {
        let Some(times) = frame.fields.iter().find_map(|field| if let Column::Time(times) = &field.values { Some(times) } else { None })
        else {
            continue;
        };
        for values in frame.fields.iter().filter_map(|field| if let Column::Number(values) = &field.values { Some(values) } else { None }) {
            found.extend(times.iter().zip(values).filter_map(|(at, value)| Some((*at, (*value).filter(|value| value.is_finite())?))));
        }
    }
    let (x, y) = (options.child("xBuckets"), options.child("yBuckets"));
    let log = (y.child("scale").word("type") == "log").then(|| y.child("scale").number("log").unwrap_or(2.0));
    if log.is_some() {
        found.retain(|(_, value)| *value > 0.0);
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let across = even(x, found.iter().map(|(at, _)| *at as f64), &|text| Duration::parse(text).ok().map(|length| length.ms() as f64))?;
    let values = || found.iter().map(|(_, value)| *value);
    let up = match log {
        Some(base) if base > 1.0 => by_factor(base, values())?,
        Some(base) => return Err(format!("{base} is no base of a logarithm")),
        None => even(y, values(), &|text| text.trim().parse().ok())?,
    };
    let mut counts = vec![vec![Some(0.0); across.count as usize]; up.count as usize];
    for (at, value) in &found {
        if let (Some(column), Some(row)) = (across.at(*at as f64), up.at(*value))
            && let Some(count) = &mut counts[row][column]
        {
            *count += 1.0;
        }
    }
    // A bucket of time stands at its end, as those of queries do.
    let times = (0..across.count).map(|at| across.bound(at) as i64).collect();
    let mut fields = vec![Field { name: "Time".to_owned(), values: Column::Time(times), ..Field::default() }];
    fields.extend(counts.into_iter().enumerate().map(|(row, counts)| {
        let name = significant(up.bound(row as i64), 6);
        Field { title: name.clone(), name, values: Column::Number(counts), ..Field::default() }
    }));
    let ref_id = frames.first().map(|frame| frame.ref_id.clone()).unwrap_or_default();
    Ok(vec![Frame { ref_id, kind: FrameKind::Buckets, fields, ..Frame::default() }])
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)))
}

fn even(options: Options<'_>, values: impl Iterator<Item = f64>, read: &dyn Fn(&str) -> Option<f64>) -> Result<Scale, String> {
    let (min, max) = bounds(values);
    let given = options.word("value").trim();
    let is_size = options.word("mode") != "count";
    let step = match given {
        "" => None,
        given if is_size => Some(read(given).filter(|size| *size > 0.0).ok_or_else(|| format!("\"{given}\" is no size of a bucket"))?),
        given => Some(
            (max - min)
                / given.parse::<f64>().ok().filter(|count| *count >= 1.0).ok_or_else(|| format!("\"{given}\" is no number of buckets"))?,
        ),
    };
    let step = step.unwrap_or((max - min) / BUCKETS);
    let step = if step > 0.0 { step } else { 1.0 };
    within((min / step).floor(), (max / step).floor(), By::Step(step))
}

fn by_factor(base: f64, values: impl Iterator<Item = f64>) -> Result<Scale, String> {
    let (min, max) = bounds(values);
    let ln = base.ln();
    within((min.ln() / ln).ceil() - 1.0, (max.ln() / ln).ceil() - 1.0, By::Factor(ln))
}

fn within(from: f64, to: f64, by: By) -> Result<Scale, String> {
    if !(to - from < BUCKETS_MAX as f64 && from.abs() < 9e15 && to.abs() < 9e15) {
        return Err(format!("the buckets are too small: more than {BUCKETS_MAX} would be made"));
    }
    Ok(Scale { from: from as i64, count: (to - from) as i64 + 1, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(options: &serde_json::Value) -> Result<Vec<String>, String> {
        let times: std::sync::Arc<[i64]> = [0, 30_000, 60_000, 90_000].into();
        let frame = |values: [f64; 4]| Frame {
            fields: vec![
                Field { name: "Time".into(), values: Column::Time(times.clone()), ..Field::default() },
                Field { values: Column::Number(values.map(Some).to_vec()), ..Field::default() },
            ],
            ..Frame::default()
        };
        let found =
            heatmap(Options::new(options.as_object().unwrap()), vec![frame([1.0, 2.0, 9.0, 10.0]), frame([4.0, f64::NAN, 1.0, 1.0])])?;
        let fields = found[0].fields.iter();
        Ok(fields
            .map(|field| format!("{} {}", field.name, field.values.cells().map(|cell| cell.text()).collect::<Vec<_>>().join(" ")))
            .collect())
    }

    #[test]
    fn values_are_counted_in_buckets() {
        let sized = serde_json::json!({"xBuckets": {"mode": "size", "value": "1m"}, "yBuckets": {"mode": "size", "value": "5"}});
        assert_eq!(counted(&sized).unwrap(), ["Time 60000 120000", "5 3 2", "10 0 1", "15 0 1"]);
        let log = serde_json::json!({"xBuckets": {"value": "1m"}, "yBuckets": {"scale": {"type": "log", "log": 2}}});
        assert_eq!(counted(&log).unwrap(), ["Time 60000 120000", "1 1 2", "2 1 0", "4 1 0", "8 0 0", "16 0 2"]);
        let counts = serde_json::json!({"xBuckets": {"mode": "count", "value": "3"}, "yBuckets": {"mode": "count", "value": "1"}});
        assert_eq!(counted(&counts).unwrap()[0], "Time 30000 60000 90000 120000");
        for (name, value) in [("xBuckets", "soon"), ("yBuckets", "0.001"), ("yBuckets", "-1")] {
            assert!(counted(&serde_json::json!({name: {"value": value}})).is_err(), "{name} {value}");
        }
    }
}
