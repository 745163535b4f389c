//! Data for `<ph-chart>`: `GET /ui/chart?q=…&from=&to=&points=&step=&legend=&limit=`.
//!
//! Parameters: `q` PromQL, up to ten times; `from`, `to` as on pages (`now-1h`, Unix seconds, dates); `points` how
//! many values a series may have (the width in pixels, at most 2,000); `step` a duration or seconds instead of it;
//! `legend` a template (`{{route}}`), once for all queries or once for each; `limit` how many series at most (24 unless told, at most 200).
//!
//! The answer is always 200 with JSON in columns:
//!
//! ```json
//! {"start":1763710400,"step":15,"unit":"ops","total":1,
//!  "series":[{"name":"/a","labels":{"route":"/a"},"q":0,"v":[1.5,null,"NaN"]}],
//!  "warnings":[],"infos":[],"errors":[{"q":1,"message":"unexpected end of input","start":4,"end":5}]}
//! ```
//!
//! `start` and `step` are seconds, value `i` stands at `start + i * step`, `null` is a gap, numbers have four
//! significant digits, `NaN` and infinities are text. `total` counts the series before `limit`; the highest means
//! are kept. `unit` is a unit id, left out when not known. `errors[].q` is the position of the query, `start` and
//! `end` its place in UTF-16 units, as editors count.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::units;
use crate::base::limits::QUERY_BYTES_MAX;
use crate::base::time::{Duration, TimeRange};
use crate::series::labels::Labels;
use crate::series::legend;
use crate::series::ports::{Answer, EvaluateError, When};
use crate::series::value::{Point, Value};
use crate::ui::format::Unit;
use crate::ui::range::PageRange;

/// Queries of one chart.
pub const QUERIES_MAX: usize = 10;
/// Values of one series: more than a screen is wide helps nobody.
pub const POINTS_MAX: i64 = 2_000;
/// Series unless told: as many as there are colours.
pub const SERIES_DEFAULT: usize = 24;
/// Series at most.
pub const SERIES_MAX: usize = 200;
/// Steps that give round times, in milliseconds.
const ROUND_STEPS: [i64; 22] = [
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    20_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_200_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
];

/// What a chart asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRequest {
    /// The queries, in order.
    pub queries: Vec<String>,
    /// First evaluation in milliseconds, a multiple of the step so that refreshes do not shift values.
    pub start: i64,
    /// Last evaluation.
    pub end: i64,
    /// Distance in milliseconds.
    pub step: i64,
    /// Templates of names, one for each query, or one for all; none = what tells series apart.
    pub legends: Vec<String>,
    /// Most series in the answer.
    pub limit: usize,
}

impl ChartRequest {
    /// Reads a query string. Errors are sentences for the person.
    pub fn parse(query: &str, now_ms: i64) -> Result<Self, String> {
        let mut queries = Vec::new();
        let (mut points, mut limit, mut step, mut legends) = (600, SERIES_DEFAULT, None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" if !value.trim().is_empty() => queries.push(value.into_owned()),
                "points" => points = value.parse::<i64>().unwrap_or(points).clamp(2, POINTS_MAX),
                "limit" => limit = value.parse::<usize>().unwrap_or(limit).clamp(1, SERIES_MAX),
                "step" if !value.is_empty() => step = Some(parse_step(&value)?),
                "legend" => legends.push(value.into_owned()),
                _ => {}
            }
        }
        if queries.is_empty() {
            return Err("there is no query".to_owned());
        }
        if queries.len() > QUERIES_MAX {
            return Err(format!("a chart takes at most {QUERIES_MAX} queries"));
        }
        if queries.iter().any(|query| query.len() > QUERY_BYTES_MAX) {
            return Err(format!("a query may have at most {QUERY_BYTES_MAX} bytes"));
        }
        let range = PageRange::from_query(query, "now-1h").resolve(now_ms)?;
        let TimeRange { start, end } = range;
        let length = end.checked_sub(start).ok_or("the range is too long")?;
        let step = step.unwrap_or_else(|| round_step(length / points));
        if length / step > crate::base::limits::QUERY_POINTS_MAX {
            return Err(format!(
                "the step of {} gives more than {} values a series: make it longer",
                Duration::from_ms(step),
                crate::base::limits::QUERY_POINTS_MAX
            ));
        }
        Ok(Self { queries, start: start - start.rem_euclid(step), end, step, legends, limit })
    }

    /// When each query is to be evaluated.
    pub const fn when(&self) -> When {
        When::Range { start: self.start, end: self.end, step: self.step }
    }

    fn legend(&self, q: usize) -> &str {
        let one = if self.legends.len() == 1 { self.legends.first() } else { self.legends.get(q) };
        one.map_or("", String::as_str)
    }

    fn len(&self) -> usize {
        usize::try_from((self.end - self.start) / self.step + 1).unwrap_or(0)
    }

    fn index(&self, ts: i64) -> Option<usize> {
        let offset = ts.checked_sub(self.start).filter(|offset| *offset >= 0 && offset % self.step == 0)?;
        usize::try_from(offset / self.step).ok().filter(|at| *at < self.len())
    }
}

/// A step as a duration (`30s`) or in seconds (`30`, `0.5`).
pub fn parse_step(text: &str) -> Result<i64, String> {
    let wrong = || format!("\"{text}\" is not a step: write 30s, 5m or seconds");
    let ms = match text.parse::<f64>() {
        Ok(secs) if secs.is_finite() && secs.abs() < 1e12 => (secs * 1000.0).round() as i64,
        Ok(_) => return Err(wrong()),
        Err(_) => Duration::parse(text).map_err(|_| wrong())?.ms(),
    };
    if ms > 0 { Ok(ms) } else { Err(wrong()) }
}

/// The smallest round step that is not below `ms`.
fn round_step(ms: i64) -> i64 {
    let week = ROUND_STEPS[ROUND_STEPS.len() - 1];
    ROUND_STEPS.iter().copied().find(|step| *step >= ms).unwrap_or_else(|| ms.div_euclid(week).saturating_add(1).saturating_mul(week))
}

/// A number with four significant digits; what JSON has no number for is text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Digits(pub f64);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return to.serialize_str(&crate::base::float::plain(self.0));
        }
        let value = four_digits(self.0);
        // Whole numbers are written without a fraction.
        if value.fract() == 0.0 && value.abs() < 9e15 { to.serialize_i64(value as i64) } else { to.serialize_f64(value) }
    }
}

fn four_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let exponent = 3 - value.abs().log10().floor() as i32;
    match exponent {
        // Dividing by an exact power of ten gives the nearest float, so its shortest text has four digits.
        0..=22 => {
            let power = 10f64.powi(exponent);
            (value * power).round() / power
        }
        -18..0 => {
            let power = 10f64.powi(-exponent);
            (value / power).round() * power
        }
        _ => format!("{value:.3e}").parse().unwrap_or(value),
    }
}

/// One series in columns.
#[derive(Debug, Clone, Serialize)]
pub struct ChartSeries {
    /// Name for legends.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Position of its query.
    pub q: usize,
    /// Values at each step.
    pub v: Vec<Option<Digits>>,
    #[serde(skip)]
    mean: f64,
}

/// Why one query has no answer.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ChartError {
    /// Position of the query.
    pub q: usize,
    /// In words.
    pub message: String,
    /// First UTF-16 unit of what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// The unit after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
}

impl ChartError {
    /// From an error of query `q` with this text.
    pub fn new(q: usize, query: &str, error: &EvaluateError) -> Self {
        let span = match error {
            EvaluateError::Invalid { span: Some((from, to)), .. } => Some((utf16_offset(query, *from), utf16_offset(query, *to))),
            _ => None,
        };
        Self { q, message: error.to_string(), start: span.map(|(from, _)| from), end: span.map(|(_, to)| to) }
    }
}

/// Bytes from the start to UTF-16 units from the start.
pub fn utf16_offset(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c.len_utf16()).sum()
}

/// The answer to a chart.
#[derive(Debug, Clone, Serialize, Default)]
pub struct ChartFrame {
    /// Time of the first value, in seconds.
    pub start: f64,
    /// Distance of values, in seconds.
    pub step: f64,
    /// What the values measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Series found, before the limit.
    pub total: usize,
    /// The series, in the order of their labels.
    pub series: Vec<ChartSeries>,
    /// What makes the result doubtful.
    pub warnings: Vec<String>,
    /// What is worth knowing.
    pub infos: Vec<String>,
    /// Queries without an answer.
    pub errors: Vec<ChartError>,
}

impl ChartFrame {
    /// From the answers, in the order of the request's queries.
    pub fn new(request: &ChartRequest, answers: &[Result<Answer, EvaluateError>]) -> Self {
        let mut frame = Self { start: request.start as f64 / 1000.0, step: request.step as f64 / 1000.0, ..Self::default() };
        for (q, (query, answer)) in request.queries.iter().zip(answers).enumerate() {
            match answer {
                Ok(answer) => frame.add(request, q, query, answer),
                Err(error) => frame.errors.push(ChartError::new(q, query, error)),
            }
        }
        frame.total = frame.series.len();
        if frame.total > request.limit {
            let mut means: Vec<f64> = frame.series.iter().map(|series| series.mean).collect();
            means.sort_unstable_by(|a, b| b.total_cmp(a));
            let (lowest, mut ties) =
                (means[request.limit - 1], request.limit - means.iter().filter(|mean| **mean > means[request.limit - 1]).count());
            frame.series.retain(|series| match series.mean.total_cmp(&lowest) {
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal => ties.checked_sub(1).inspect(|left| ties = *left).is_some(),
            });
        }
        frame.unit = units::shared(&request.queries).map(Unit::listed_id);
        frame.warnings.sort_unstable();
        frame.warnings.dedup();
        frame.infos.sort_unstable();
        frame.infos.dedup();
        frame
    }

    /// For a request that could not be read: one error that belongs to the first query.
    pub fn refused(message: String) -> Self {
        Self { errors: vec![ChartError { q: 0, message, start: None, end: None }], ..Self::default() }
    }

    fn add(&mut self, request: &ChartRequest, q: usize, query: &str, answer: &Answer) {
        self.warnings.extend(answer.warnings.iter().cloned());
        self.infos.extend(answer.infos.iter().cloned());
        let mut columns: Vec<(Labels, Vec<Option<f64>>)> = Vec::new();
        let empty = || vec![None; request.len()];
        match &answer.value {
            Value::Matrix(series) => {
                for one in series {
                    let mut column = empty();
                    let histograms = one.histograms.iter().map(|(ts, histogram)| (*ts, histogram.count));
                    for (ts, value) in one.floats.iter().copied().chain(histograms) {
                        if let Some(at) = request.index(ts) {
                            column[at] = Some(value);
                        }
                    }
                    if !one.histograms.is_empty() {
                        self.infos.push(
                            "Native histograms are drawn as their number of observations; use histogram_quantile() and friends for more."
                                .to_owned(),
                        );
                    }
                    columns.push((one.labels.clone(), column));
                }
            }
            Value::Vector(samples) => columns.extend(samples.iter().map(|sample| {
                let value = match &sample.value {
                    Point::Float(value) => *value,
                    Point::Histogram(histogram) => histogram.count,
                };
                (sample.labels.clone(), vec![Some(value); request.len()])
            })),
            Value::Scalar(_, value) => columns.push((Labels::empty(), vec![Some(*value); request.len()])),
            Value::String(_, text) => self.infos.push(format!("The query gives a text, which has no chart: {text}")),
        }
        let sets: Vec<&Labels> = columns.iter().map(|(labels, _)| labels).collect();
        let names = match request.legend(q) {
            "" => legend::names(&sets, query, "(none)"),
            template => sets.iter().map(|set| legend::fill(template, set)).collect(),
        };
        self.series.extend(columns.into_iter().zip(names).map(|((labels, column), name)| ChartSeries {
            name: if name.trim().is_empty() { legend::full(&labels) } else { name },
            labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            q,
            mean: mean(&column),
            v: column.into_iter().map(|value| value.map(Digits)).collect(),
        }));
    }
}

/// Mean of the finite values; the least number when there is none.
fn mean(values: &[Option<f64>]) -> f64 {
    let (sum, n) = values.iter().flatten().filter(|value| value.is_finite()).fold((0.0, 0u32), |(sum, n), value| (sum + value, n + 1));
    if n == 0 { f64::MIN } else { sum / f64::from(n) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::ports::EvalStats;
    use crate::series::value::RangeSeries;

    const NOW: i64 = 1_763_714_000_000;

    fn answer(series: Vec<RangeSeries>) -> Answer {
        Answer { value: Value::Matrix(series), warnings: vec!["w".into(), "w".into()], infos: vec![], stats: EvalStats::default() }
    }

    #[test]
    fn requests_get_a_round_step_and_limits() {
        let request = ChartRequest::parse("q=up&from=now-1h&points=600", NOW).expect("valid");
        assert_eq!(request.step, 10_000);
        assert_eq!(request.start % request.step, 0);
        assert!(request.start <= NOW - 3_600_000 && request.end == NOW);
        assert_eq!(ChartRequest::parse("q=up&step=30s", NOW).map(|r| r.step), Ok(30_000));
        assert_eq!(ChartRequest::parse("q=up&step=0.5&from=now-5m", NOW).map(|r| r.step), Ok(500));
        assert_eq!(ChartRequest::parse("q=up&limit=100000", NOW).map(|r| r.limit), Ok(SERIES_MAX));
        let many = "q=a&".repeat(11);
        for bad in [
            "",
            "q=",
            "q=up&step=0",
            "q=up&step=-5s",
            "q=up&step=NaN",
            "q=up&step=x",
            "q=up&step=1ms&from=now-1y",
            "q=up&from=x",
            "q=up&from=now&to=now-1h",
            &many,
        ] {
            assert!(ChartRequest::parse(bad, NOW).is_err(), "{bad}");
        }
        // Times at the ends of what fits must be refused, not panic.
        let _far = ChartRequest::parse("q=up&from=-9200000000000000&to=9200000000000000", NOW);
    }

    #[test]
    fn four_digits_are_kept_and_odd_numbers_are_text() {
        for (value, text) in [
            (1.234_567, "1.235"),
            (123_456.0, "123500"),
            (0.000_123_456, "0.0001235"),
            (-0.5, "-0.5"),
            (0.0, "0"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Inf\""),
            (17_179_869_184.0, "17180000000"),
            (0.1 + 0.2, "0.3"),
            (1e300, "1e+300"),
            (f64::MIN_POSITIVE, "2.225e-308"),
        ] {
            assert_eq!(serde_json::to_string(&Digits(value)).expect("JSON"), text, "{value}");
        }
    }

    #[test]
    fn frames_are_columns_with_gaps_and_the_highest_series() {
        let request =
            ChartRequest { queries: vec!["x".into(), "é + !".into()], start: 0, end: 30_000, step: 15_000, legends: vec![], limit: 2 };
        let series = |name: &str, at: i64, value: f64| RangeSeries {
            labels: Labels::from_pairs([("i", name)]),
            floats: vec![(at, value), (7, 9.0)],
            histograms: vec![],
        };
        let error = EvaluateError::Invalid { message: "1:5: parse error: unexpected !".into(), span: Some((5, 6)) };
        let frame = ChartFrame::new(
            &request,
            &[Ok(answer(vec![series("a", 0, 1.0), series("b", 15_000, 3.0), series("c", 30_000, 2.0)])), Err(error)],
        );
        let json: serde_json::Value = serde_json::to_value(&frame).expect("JSON");
        assert_eq!(json["total"], 3);
        assert_eq!(json["series"][0]["name"], "b");
        assert_eq!(json["series"][0]["v"], serde_json::json!([null, 3, null]));
        assert_eq!(json["series"][1]["name"], "c");
        assert_eq!(json["warnings"], serde_json::json!(["w"]));
        assert_eq!(json["errors"][0], serde_json::json!({"q": 1, "message": "1:5: parse error: unexpected !", "start": 4, "end": 5}));
        assert_eq!((frame.start, frame.step), (0.0, 15.0));
    }

    #[test]
    fn scalars_and_texts_do_not_break_a_chart() {
        let request =
            ChartRequest { queries: vec!["1".into(), "\"a\"".into()], start: 0, end: 10, step: 5, legends: vec!["{{x}}".into()], limit: 9 };
        let value = |value| Ok(Answer { value, warnings: vec![], infos: vec![], stats: EvalStats::default() });
        let frame = ChartFrame::new(&request, &[value(Value::Scalar(0, 1.0)), value(Value::String(0, "a".into()))]);
        assert_eq!((frame.series.len(), frame.series[0].v.len(), frame.infos.len()), (1, 3, 1));
        assert_eq!(ChartFrame::refused("no".into()).errors[0].message, "no");
    }
}
