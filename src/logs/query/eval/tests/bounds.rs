//! Lines with very many labels, and work that takes long.

use super::*;
use crate::base::cancel::Stop;
use crate::base::clock::{Clock, SystemClock};
use crate::logs::model::read::{LineBuf, LineChunk, LineSelection, SelectLines, SelectLinesError, Stream, StreamQuery, StreamVolume, Want};

#[test]
fn no_label_of_a_line_is_too_many() {
    let memory = MemoryLines::new(Layout::Together);
    let stream = Labels::from_pairs([("app", "a")]);
    let json: Vec<String> = (0..3_000).map(|n| format!("\"k{n}\":\"v{n}\"")).collect();
    let logfmt: Vec<String> = (0..3_000).map(|n| format!("k{n}=v{n}")).collect();
    let packed: Vec<String> = (0..3_000).map(|n| format!("\"k{n}\":\"v{n}\"")).chain([r#""_entry":"x""#.to_owned()]).collect();
    memory.push(&stream, SECOND, format!("{{{}}}", json.join(",")).as_bytes(), &Labels::empty());
    memory.push(&stream, 2 * SECOND, logfmt.join(" ").as_bytes(), &Labels::empty());
    memory.push(&stream, 3 * SECOND, format!("{{{}}}", packed.join(",")).as_bytes(), &Labels::empty());
    let engine = engine(memory, Options::default());
    for (pipeline, found) in [
        (r#"| json | k2999="v2999""#, 2),
        (r#"| json | label_format x="y" | k2999="v2999""#, 2),
        (r#"| json | drop k1 | k2999="v2999" | k1="" | k0="v0""#, 2),
        (r#"| json | keep k2998 | k2998="v2998" | k2999="""#, 2),
        (r#"| json | k2999!="v2999" | __error__="""#, 0),
        (r#"| logfmt | label_format y="{{.k2999}}" | y="v2999""#, 1),
        (r#"| unpack | k2999="v2999""#, 1),
        (r#"| json | drop __error__, __error_details__ | logfmt | k2999="v2999""#, 3),
    ] {
        let answer = lines(&engine, &format!("{{app=\"a\"}} {pipeline}"), |_| {}).unwrap();
        assert_eq!(answer.stats.entries, found, "{pipeline}");
        let query = format!("sum by (k2997) (count_over_time({{app=\"a\"}} {pipeline} [1m]))");
        let answer = engine.evaluate(&Question { query: &query, when: When::Instant(10_000), cancel: Cancel::new() });
        let Value::Vector(samples) = answer.unwrap().value else { panic!("no vector") };
        let counted: f64 = samples.iter().map(|sample| if let Point::Float(value) = sample.value { value } else { f64::NAN }).sum();
        assert_eq!(counted, found as f64, "{pipeline}");
    }
}

/// Lines whose reading takes so long that nobody waits any more.
struct Slow(MemoryLines, Cancel);

struct SlowChunk(Box<dyn LineChunk>, Cancel);

impl SelectLines for Slow {
    fn select(&self, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        let slow = |chunk| Box::new(SlowChunk(chunk, self.1.clone())) as Box<dyn LineChunk>;
        Ok(self.0.select(selection, cancel)?.into_iter().map(slow).collect())
    }
    fn streams(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectLinesError> {
        self.0.streams(query, cancel)
    }
    fn label_names(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        self.0.label_names(query, cancel)
    }
    fn label_values(&self, name: &str, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        self.0.label_values(name, query, cancel)
    }
    fn each_volume(&self, query: &StreamQuery<'_>, cancel: &Cancel, see: &mut dyn FnMut(StreamVolume)) -> Result<(), SelectLinesError> {
        self.0.each_volume(query, cancel, see)
    }
}

impl LineChunk for SlowChunk {
    fn bounds(&self) -> (i64, i64) {
        self.0.bounds()
    }
    fn lines(&self) -> usize {
        self.0.lines()
    }
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
    fn stream(&self) -> Option<&Arc<Stream>> {
        self.0.stream()
    }
    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        self.1.raise(Stop::TimedOut);
        self.0.read(want, into)
    }
}

#[test]
fn a_query_ends_soon_after_its_time_is_over() {
    let clock = SystemClock::new();
    let stream = Labels::from_pairs([("app", "a")]);
    let (short, large) = ("a=1 ".repeat(20), "a=1 ".repeat(20_000));
    for (count, line, pipeline) in [
        // Many lines, each of which takes a while.
        (2_000, &short, r#"| line_format `{{range 20000}}{{if eq "a" "b"}}x{{end}}{{end}}`"#),
        // A few lines that take long one by one.
        (3, &large, r#"| label_format n=`{{range 90000}}{{if eq 7 (count "[0-9]+b" __line__)}}x{{end}}{{end}}`"#),
        (100, &large, r#"| regexp `(?P<x>(?:a=1 ){10,90}b?)` | x="" | logfmt"#),
    ] {
        let memory = MemoryLines::new(Layout::Together);
        for number in 0..count {
            memory.push(&stream, number * SECOND, line.as_bytes(), &Labels::empty());
        }
        let cancel = Cancel::new();
        let engine = Engine::new(Arc::new(Slow(memory, cancel.clone())), ManualClock::at(0), Options::default());
        let began = clock.monotonic();
        let query = format!("{{app=\"a\"}} {pipeline}");
        let answer = lines(&engine, &query, |question| question.cancel = cancel.clone());
        assert!(matches!(answer, Err(EvaluateError::TimedOut)), "{pipeline}");
        let query = format!("sum(count_over_time({query} [1h]))");
        let answer = engine.evaluate(&Question { query: &query, when: When::Instant(3_600_000), cancel });
        assert!(matches!(answer, Err(EvaluateError::TimedOut)), "{pipeline}");
        let took = clock.monotonic().saturating_sub(began);
        assert!(took.as_millis() < 1_500, "{pipeline}: {took:?}");
    }
}
