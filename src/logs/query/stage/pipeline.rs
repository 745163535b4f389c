//! Runs the stages of a query over lines, one line after the other.
//!
//! Where a label filter follows a parser, lines are first *probed*: only the labels that filters look at are extracted.
//! Most lines end there; the few that pass go through all stages.

use super::choose::{drop_labels, keep_labels};
use super::decolorize::decolorize;
use super::format::{LabelFormats, LineFormat, Moment};
use super::json::{Json, skip_space};
use super::json_path::JsonPaths;
use super::label_filter;
use super::line_filter::LineTest;
use super::logfmt::Logfmt;
use super::pattern::PatternParser;
use super::regexp::Regexp;
use super::row::{Row, Wanted};
use super::unpack::Unpack;
use super::wanted::probe;
use crate::base::cancel::Cancel;
use crate::logs::query::ast::{LabelChoice, LabelFilter, Stage, StageKind};
use crate::series::labels::Labels;

#[derive(Debug, Clone)]
enum Step {
    Line(LineTest),
    Json(Json),
    JsonPaths(JsonPaths),
    Logfmt(Logfmt),
    Auto(Box<(Json, Logfmt)>),
    Regexp(Regexp),
    Pattern(PatternParser),
    Unpack(Unpack),
    Labels(LabelFilter),
    LineFormat(Box<LineFormat>),
    LabelFormat(LabelFormats),
    Decolorize,
    Drop(Vec<LabelChoice>),
    Keep(Vec<LabelChoice>),
}

/// What becomes of a line in a step.
enum Verdict {
    Passes,
    Dropped,
    /// It passes, and is now what `out` has.
    Rewritten,
}

impl Step {
    fn new(stage: &StageKind) -> Result<Self, String> {
        Ok(match stage {
            StageKind::LineFilter(filter) => Self::Line(LineTest::new(filter)?),
            StageKind::Json { expressions } if expressions.is_empty() => Self::Json(Json::default()),
            StageKind::Json { expressions } => Self::JsonPaths(JsonPaths::new(expressions)),
            StageKind::Logfmt { strict, keep_empty, expressions } => Self::Logfmt(Logfmt::new(*strict, *keep_empty, expressions)),
            StageKind::Auto => Self::Auto(Box::new((Json::default(), Logfmt::new(false, false, &[])))),
            StageKind::Regexp(pattern) => Self::Regexp(Regexp::new(pattern)?),
            StageKind::Pattern(pattern) => Self::Pattern(PatternParser::new(pattern)),
            StageKind::Unpack => Self::Unpack(Unpack::default()),
            StageKind::LabelFilter(filter) => Self::Labels(filter.clone()),
            StageKind::LineFormat(template) => Self::LineFormat(Box::new(LineFormat::new(template)?)),
            StageKind::LabelFormat(formats) => Self::LabelFormat(LabelFormats::new(formats)?),
            StageKind::Decolorize => Self::Decolorize,
            StageKind::Drop(choices) => Self::Drop(choices.clone()),
            StageKind::Keep(choices) => Self::Keep(choices.clone()),
        })
    }

    #[inline]
    fn run(&mut self, moment: Moment<'_>, line: &[u8], row: &mut Row, out: &mut Vec<u8>) -> Verdict {
        let passes = |passes: bool| if passes { Verdict::Passes } else { Verdict::Dropped };
        let rewritten = |rewritten: bool| if rewritten { Verdict::Rewritten } else { Verdict::Passes };
        match self {
            Self::Line(test) => return passes(test.passes(line)),
            Self::Labels(filter) => return passes(label_filter::passes(filter, row)),
            Self::Unpack(unpack) => return rewritten(unpack.run(line, row, out)),
            Self::LineFormat(format) => return rewritten(format.run(moment, line, row, out)),
            Self::Decolorize => return rewritten(decolorize(line, out)),
            Self::Json(json) => json.run(line, row),
            Self::JsonPaths(paths) => paths.run(line, row),
            Self::Logfmt(logfmt) => logfmt.run(line, row),
            Self::Auto(both) => auto(both, line, row),
            Self::Regexp(regexp) => regexp.run(line, row),
            Self::Pattern(pattern) => pattern.run(line, row),
            Self::LabelFormat(formats) => formats.run(moment, line, row),
            Self::Drop(choices) => drop_labels(choices, row),
            Self::Keep(choices) => keep_labels(choices, row),
        }
        Verdict::Passes
    }
}

/// JSON where the line is an object, else logfmt; never an error.
fn auto(both: &mut (Json, Logfmt), line: &[u8], row: &mut Row) {
    let mut at = 0;
    skip_space(line, &mut at);
    let had_error = !row.error().is_empty();
    if line.get(at) == Some(&b'{') {
        both.0.run(line, row);
        if !had_error {
            row.clear_error();
            row.clear_details();
        }
    } else {
        both.1.run(line, row);
    }
}

/// A few stages that tell most lines that do not pass.
#[derive(Debug)]
struct Probe {
    steps: Vec<Step>,
    row: Row,
}

/// The stages of a query, ready to run. One for each thread.
#[derive(Debug)]
pub struct Pipeline {
    /// Line filters at the front, before anything is read of a line but its text.
    filters: Vec<LineTest>,
    probe: Option<Probe>,
    steps: Vec<Step>,
    row: Row,
    /// The line as stages made it, and the next one.
    front: Vec<u8>,
    back: Vec<u8>,
    /// The time of the query (ns).
    now: i64,
    /// Raised when nobody waits any more.
    cancel: Cancel,
}

/// A line that passed a pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    /// Its text now.
    pub line: &'a [u8],
    /// Its labels now.
    pub(crate) row: &'a Row,
}

impl Pipeline {
    /// For stages that a parser checked; says which stage is wrong, and why, if one is. `now` is the time of the query (ns).
    pub fn new(stages: &[Stage], now: i64) -> Result<Self, StageError> {
        Self::with_wanted(stages, Wanted::default(), now)
    }

    /// With parsers that extract only what is wanted.
    pub(crate) fn with_wanted(stages: &[Stage], wanted: Wanted, now: i64) -> Result<Self, StageError> {
        let step = |stage: &Stage| {
            Step::new(&stage.kind).map_err(|reason| StageError { reason, span: (stage.span.start as usize, stage.span.end as usize) })
        };
        let steps = stages.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        let probed = if wanted.names.is_none() { probe(stages) } else { None };
        let mut pipeline = Self {
            filters: Vec::new(),
            probe: probed.map(|(length, wanted)| Probe {
                steps: steps.iter().take(length).filter(|step| !matches!(step, Step::Line(_))).cloned().collect(),
                row: Row::new(wanted),
            }),
            steps: Vec::new(),
            row: Row::new(wanted),
            front: Vec::new(),
            back: Vec::new(),
            now,
            cancel: Cancel::new(),
        };
        // Stages that only look at labels do not change the line: filters behind them may go first.
        let mut is_same_line = true;
        for step in steps {
            match step {
                Step::Line(test) if is_same_line => pipeline.filters.push(test),
                step => {
                    is_same_line &= !matches!(step, Step::Unpack(_) | Step::LineFormat(_) | Step::Decolorize);
                    pipeline.steps.push(step);
                }
            }
        }
        Ok(pipeline)
    }

    /// Stages that take long over one line stop once this is raised.
    #[must_use]
    pub(crate) fn stopped_by(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Whether every line passes as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.steps.is_empty()
    }

    /// Lines of this stream follow.
    pub fn set_stream(&mut self, labels: &Labels) {
        self.row.set_stream(labels);
        if let Some(probe) = &mut self.probe {
            probe.row.set_stream(labels);
        }
    }

    /// Takes a line of the stream through the stages; `fields` are its own, packed and checked.
    #[inline]
    pub fn process<'a>(&'a mut self, ts: i64, line: &'a [u8], fields: &[u8]) -> Option<Passed<'a>> {
        if !self.filters.iter().all(|filter| filter.passes(line)) {
            return None;
        }
        let moment = Moment { ts, now: self.now, cancel: &self.cancel };
        if let Some(probe) = &mut self.probe {
            probe.row.begin(fields);
            for step in &mut probe.steps {
                if matches!(step.run(moment, line, &mut probe.row, &mut self.back), Verdict::Dropped) {
                    return None;
                }
            }
        }
        self.row.begin(fields);
        let mut is_own = false;
        for step in &mut self.steps {
            let current = if is_own { &self.front } else { line };
            match step.run(moment, current, &mut self.row, &mut self.back) {
                Verdict::Passes => {}
                Verdict::Dropped => return None,
                Verdict::Rewritten => {
                    std::mem::swap(&mut self.front, &mut self.back);
                    is_own = true;
                }
            }
        }
        Some(Passed { line: if is_own { &self.front } else { line }, row: &self.row })
    }

    /// The labels of the line at hand, for what follows the stages.
    pub(crate) const fn row_mut(&mut self) -> &mut Row {
        &mut self.row
    }
}

/// A stage that cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct StageError {
    /// Why.
    pub reason: String,
    /// Where it stands in the query, bytes from and to.
    pub span: (usize, usize),
}

impl Passed<'_> {
    /// All labels.
    pub fn labels(&self) -> Labels {
        self.row.labels()
    }

    /// Labels by where they come from: the stream, the line's fields, the stages.
    pub fn categories(&self) -> Categories {
        use super::row::Origin;
        let of = |wanted: Origin| self.row.labels_if(|origin, _| origin == wanted);
        Categories { stream: of(Origin::Stream), fields: of(Origin::Field), parsed: of(Origin::Parsed) }
    }
}

/// Labels of a line by where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Categories {
    /// The stream's, as far as no stage changed them.
    pub stream: Labels,
    /// The line's own fields (structured metadata).
    pub fields: Labels,
    /// What stages made, errors among them.
    pub parsed: Labels,
}
