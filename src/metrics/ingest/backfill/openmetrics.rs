//! `pharos import openmetrics FILE`: a file of any size, piece by piece, in bounded memory.

use std::io::{self, Read};

use crate::base::cancel::{Cancel, Stop};
use crate::metrics::ingest::exposition::openmetrics::{Carry, OpenMetricsParser};
use crate::metrics::ingest::exposition::{Event, LabelScratch, ParseError, Sample};
use crate::series::batch::WriteBatch;
use crate::series::labels::LabelsIter;
use crate::series::ports::{Append, AppendError, AppendOptions};
use crate::series::sample::{Exemplar, Metadata};

/// Bytes read at a time.
const PIECE_BYTES: usize = 1024 * 1024;
/// Longest line.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Samples handed to storage at a time.
const BATCH_SAMPLES: usize = 50_000;

/// What an import did, so far or in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read.
    pub lines: usize,
    /// Samples stored.
    pub stored: usize,
    /// Samples that were there already.
    pub repeated: usize,
    /// Series made.
    pub series_created: usize,
    /// Samples that storage refused.
    pub refused: usize,
    /// The first refusal, with series and reason.
    pub first_refused: Option<String>,
}

/// Why an import stopped. What was stored before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(#[from] io::Error),
    /// The file is not OpenMetrics, or a sample has no timestamp.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// Storage takes nothing.
    #[error("{0}")]
    Append(#[from] AppendError),
    /// It was stopped.
    #[error("import stopped")]
    Stopped,
}

impl From<Stop> for ImportError {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}

struct Import<'a> {
    append: &'a dyn Append,
    cancel: &'a Cancel,
    batch: WriteBatch,
    scratch: LabelScratch,
    packed: Vec<u8>,
    /// The line that named the open series, so that the next one of the same series joins it.
    open: Vec<u8>,
    metadata: Vec<(Box<str>, Metadata)>,
    done: Progress,
}

/// Reads OpenMetrics text from `from` into `append`; `progress` is told after every batch.
///
/// Every sample needs a timestamp. The import goes on when storage refuses samples, and counts them.
///
/// # Errors
/// See [`ImportError`]; parse errors name the line of the file.
pub fn import(
    from: &mut dyn Read,
    append: &dyn Append,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Progress, ImportError> {
    let mut import = Import {
        append,
        cancel,
        batch: WriteBatch::new(),
        scratch: LabelScratch::new(),
        packed: Vec::new(),
        open: Vec::new(),
        metadata: Vec::new(),
        done: Progress::default(),
    };
    let mut buffer = Vec::with_capacity(2 * PIECE_BYTES);
    let mut carry = Carry::default();
    loop {
        let read = Read::take(&mut *from, PIECE_BYTES as u64).read_to_end(&mut buffer)?;
        import.done.bytes += read as u64;
        let is_last = read == 0;
        let end = if is_last { buffer.len() } else { memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1) };
        if end == 0 && !is_last {
            if buffer.len() > LINE_BYTES_MAX {
                return Err(import.at_line(ParseError { line: 1, message: format!("line is longer than {LINE_BYTES_MAX} bytes") }).into());
            }
            continue;
        }
        let has_ended = import.piece(&buffer[..end], &mut carry, progress)?;
        import.done.lines += memchr::memchr_iter(b'\n', &buffer[..end]).count();
        buffer.drain(..end);
        if has_ended {
            let mut rest = [0u8; 1];
            if !buffer.is_empty() || from.read(&mut rest)? > 0 {
                return Err(import.at_line(ParseError { line: 1, message: "unexpected data after # EOF".to_owned() }).into());
            }
            import.flush(false, progress)?;
            return Ok(import.done);
        }
        if is_last {
            return Err(import.at_line(ParseError { line: 1, message: "data does not end with # EOF".to_owned() }).into());
        }
    }
}

impl Import<'_> {
    /// One piece of whole lines. Tells whether the end mark was read.
    fn piece(&mut self, piece: &[u8], carry: &mut Carry, progress: &mut dyn FnMut(&Progress)) -> Result<bool, ImportError> {
        let mut parser = OpenMetricsParser::resume(piece, std::mem::take(carry));
        // Raw names are compared only within a piece.
        self.open.clear();
        while let Some(event) = parser.next_event().map_err(|error| self.at_line(with_line(piece, error)))? {
            match event {
                Event::Sample(sample) => {
                    self.sample(&sample)?;
                    if self.batch.sample_count() >= BATCH_SAMPLES {
                        self.flush(true, progress)?;
                    }
                }
                Event::Type { family, kind } => self.describe(&family, |metadata| metadata.kind = kind),
                Event::Help { family, text } => self.describe(&family, |metadata| metadata.help = text.into_owned()),
                Event::Unit { family, unit } => self.describe(&family, |metadata| metadata.unit = unit.into_owned()),
                Event::Histogram(_) => {}
            }
        }
        *carry = parser.carry();
        Ok(parser.has_ended())
    }

    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), ImportError> {
        let is_same = !self.open.is_empty() && self.open == sample.series.raw;
        if !is_same {
            self.packed.clear();
            let expanded = sample.series.packed(&mut self.scratch, &mut self.packed);
            expanded.map_err(|error| self.at_line(error))?;
            self.batch.open_series_sorted(LabelsIter::over_checked(&self.packed));
            self.open.clear();
            self.open.extend_from_slice(sample.series.raw);
        }
        let Some(ts) = sample.ts else {
            let start = sample.series.raw.as_ptr() as usize - sample.series.body.as_ptr() as usize;
            let line = 1 + memchr::memchr_iter(b'\n', &sample.series.body[..start]).count();
            let name = String::from_utf8_lossy(sample.series.raw);
            return Err(self.at_line(ParseError { line, message: format!("expected timestamp for series {name}, got none") }).into());
        };
        self.batch.push_float_started(ts, sample.value, sample.start_ts);
        if let Some(exemplar) = &sample.exemplar {
            let is_timed = exemplar.ts.is_some();
            let ts = exemplar.ts.unwrap_or(ts);
            self.batch.push_exemplar(Exemplar { labels: exemplar.labels.clone(), value: exemplar.value, ts, is_timed });
        }
        Ok(())
    }

    fn describe(&mut self, family: &str, change: impl FnOnce(&mut Metadata)) {
        if self.metadata.last().is_none_or(|(name, _)| **name != *family) {
            self.metadata.push((family.into(), Metadata::default()));
        }
        if let Some((_, metadata)) = self.metadata.last_mut() {
            change(metadata);
        }
    }

    /// Hands the batch to storage. All but the last may wait for the disk.
    fn flush(&mut self, no_sync: bool, progress: &mut dyn FnMut(&Progress)) -> Result<(), ImportError> {
        self.cancel.check()?;
        self.batch.metadata.append(&mut self.metadata);
        let options = AppendOptions { no_sync, ..AppendOptions::default() };
        let report = self.append.append(&self.batch, &options)?;
        self.done.stored += report.stored;
        self.done.repeated += report.repeated;
        self.done.series_created += report.series_created;
        for refused in &report.refused {
            self.done.refused += refused.samples;
            if self.done.first_refused.is_none()
                && let Some(series) = self.batch.series.get(refused.series_index)
            {
                let labels = crate::series::labels::Labels::from_packed(self.batch.labels_of(series)).unwrap_or_default();
                self.done.first_refused = Some(format!("{} for series {labels}", refused.reason));
            }
        }
        self.batch.clear();
        self.open.clear();
        progress(&self.done);
        Ok(())
    }

    /// An error of a piece as one of the whole file.
    fn at_line(&self, error: ParseError) -> ParseError {
        ParseError { line: error.line + self.done.lines, message: error.message }
    }
}

/// An error of a piece with the line it is about, as far as it is worth showing.
fn with_line(piece: &[u8], error: ParseError) -> ParseError {
    const SHOWN_BYTES_MAX: usize = 200;
    let Some(line) = piece.split(|byte| *byte == b'\n').nth(error.line.saturating_sub(1)) else { return error };
    let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES_MAX)]).into_owned();
    let rest = if line.len() > SHOWN_BYTES_MAX { "…" } else { "" };
    ParseError { line: error.line, message: format!("{}, in {shown:?}{rest}", error.message) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;
    use crate::series::labels::Labels;
    use crate::series::ports::AppendReport;

    #[derive(Default)]
    struct Storage(Mutex<Stored>);

    impl Append for Storage {
        fn append(&self, batch: &WriteBatch, _options: &AppendOptions) -> Result<AppendReport, AppendError> {
            for series in &batch.series {
                let labels = Labels::from_packed(batch.labels_of(series)).expect("labels").to_string();
                for sample in &batch.floats[series.floats.start as usize..series.floats.end as usize] {
                    self.0.lock().push((labels.clone(), sample.ts, sample.value));
                }
            }
            Ok(AppendReport { stored: batch.sample_count(), ..AppendReport::default() })
        }
    }

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(buffer.len()).min(self.0.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    type Stored = Vec<(String, i64, f64)>;

    fn run(body: &str) -> (Result<Progress, ImportError>, Stored, usize) {
        let storage = Storage::default();
        let mut calls = 0;
        let result = import(&mut Slow(body.as_bytes(), 100_000), &storage, &Cancel::new(), &mut |_| calls += 1);
        let seen = storage.0.lock().clone();
        (result, seen, calls)
    }

    #[test]
    fn a_long_file_comes_in_whole() {
        let mut body = String::from("# TYPE x counter\n# HELP x Help.\n");
        for at in 0..120_000 {
            writeln!(body, "x_total{{a=\"{}\"}} {at} {}.5", at / 1000, 1_700_000_000 + at).expect("string");
        }
        body.push_str("# EOF\n");
        let (result, seen, calls) = run(&body);
        let done = result.expect("imports");
        assert_eq!((done.stored, done.lines, done.bytes, calls), (120_000, 120_003, body.len() as u64, 3));
        assert_eq!(seen[119_999], ("{__name__=\"x_total\", a=\"119\"}".to_owned(), 1_700_119_999_500, 119_999.0));
    }

    #[test]
    fn mistakes_name_the_line_of_the_file() {
        for (body, text) in [
            ("x 1 1\nx 2\n# EOF\n", "line 2: expected timestamp for series x, got none"),
            ("x 1 1\n", "line 2: data does not end with # EOF"),
            ("# EOF\nx 1 1\n", "line 1: unexpected data after # EOF, in \"# EOF\""),
            ("x 1 1\n\n# EOF\n", "line 2: expected a valid start token, got \"\\n\", in \"\""),
            ("x 1 1\ny{a=\"b} 1 1\n# EOF\n", "line 2: label set does not end, in \"y{a=\\\"b} 1 1\""),
        ] {
            let error = run(body).0.expect_err(body).to_string();
            assert_eq!(error, text, "{body}");
        }
        let long = format!("{}x\n# EOF\n", "x 1 1\n".repeat(400_000));
        assert_eq!(run(&long).0.expect_err("malformed").to_string(), "line 400001: expected value after metric, got \"\\n\", in \"x\"");
        let cancel = Cancel::new();
        cancel.raise(Stop::Cancelled);
        assert!(matches!(import(&mut &b"x 1 1\n# EOF\n"[..], &Storage::default(), &cancel, &mut |_| {}), Err(ImportError::Stopped)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _done = import(&mut &bytes[..], &Storage::default(), &Cancel::new(), &mut |_| {});
        }
    }
}
