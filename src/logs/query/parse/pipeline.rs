//! Stages, each behind its pipe.

use super::{Dialect, Parsed, Parser, literal};
use crate::base::limits::LOGQL_STAGES_MAX;
use crate::logs::query::ast::{
    BinaryOp, Extraction, IpPattern, LabelChoice, LabelFilterKind, LabelFormat, LabelFormatValue, LineFilter, LineMatch, LineOp, PathStep,
    Span, Stage, StageKind,
};
use crate::logs::query::check;
use crate::logs::query::lex::{Flag, Keyword, Kind};

/// Reads the path of an extraction, or says why it is none.
type ReadPath = fn(&str) -> Result<Vec<PathStep>, String>;

impl Parser<'_> {
    /// All stages up to something that is none; `unwrap` is none.
    pub(super) fn stages(&mut self) -> Parsed<Vec<Stage>> {
        let mut stages = Vec::new();
        loop {
            match self.peek()? {
                Kind::Pipe if self.peek_second()? == Kind::Keyword(Keyword::Unwrap) => break,
                Kind::Pipe => {
                    let start = self.next()?.span.start;
                    let kind = self.piped_stage()?;
                    stages.push(Stage { kind, span: self.since(start) });
                }
                kind => match line_op(kind) {
                    Some(op) => self.line_filter(op, &mut stages)?,
                    None => break,
                },
            }
            self.check_count(stages.len())?;
        }
        Ok(stages)
    }

    pub(super) fn check_count(&mut self, count: usize) -> Parsed<()> {
        if count <= LOGQL_STAGES_MAX {
            return Ok(());
        }
        let span = self.ahead()?.span;
        self.fail(span, format!("pipeline is too long, at most {LOGQL_STAGES_MAX} stages are allowed"))
    }

    /// A line filter; a negative one with several terms becomes several filters.
    fn line_filter(&mut self, op: LineOp, stages: &mut Vec<Stage>) -> Parsed<()> {
        let start = self.next()?.span.start;
        let mut terms = vec![self.term(op)?];
        let mut starts = vec![start];
        while self.peek()? == Kind::Op(BinaryOp::Or) {
            self.next()?;
            starts.push(self.ahead()?.span.start);
            terms.push(self.term(op)?);
            self.check_count(terms.len())?;
        }
        let span = self.since(start);
        if op.is_negative() {
            stages.extend(terms.into_iter().map(|term| Stage { kind: StageKind::LineFilter(LineFilter { op, terms: vec![term] }), span }));
        } else {
            stages.push(Stage { kind: StageKind::LineFilter(LineFilter { op, terms }), span });
        }
        Ok(())
    }

    fn term(&mut self, op: LineOp) -> Parsed<LineMatch> {
        if self.peek()? == Kind::Ip {
            self.next()?;
            let (pattern, span) = self.ip_pattern()?;
            return if pattern.is_valid() { Ok(LineMatch::Ip(pattern)) } else { self.invalid_ip(&pattern, span) };
        }
        let (text, span) = self.string(&["STRING", "ip"])?;
        match op {
            LineOp::Pattern | LineOp::NotPattern => match literal::line_pattern(&text) {
                Ok(pattern) => Ok(LineMatch::Pattern(pattern)),
                Err(message) => self.fail(span, message),
            },
            _ => Ok(LineMatch::Text(text.into())),
        }
    }

    /// `("10.0.0.0/8")` behind `ip`, and where the string stands.
    pub(super) fn ip_pattern(&mut self) -> Parsed<(IpPattern, Span)> {
        self.expect(Kind::LeftParen, &["("])?;
        let (text, span) = self.string(&["STRING"])?;
        self.expect(Kind::RightParen, &[")"])?;
        Ok((literal::ip_pattern(&text), span))
    }

    fn invalid_ip<T>(&self, pattern: &IpPattern, span: Span) -> Parsed<T> {
        self.fail(span, format!("ip: invalid pattern: {}", crate::series::labels::quote(&pattern.text)))
    }

    /// A stage behind its pipe.
    fn piped_stage(&mut self) -> Parsed<StageKind> {
        let token = self.ahead()?;
        let Kind::Keyword(word) = token.kind else {
            if self.is_auto()? {
                self.next()?;
                return Ok(StageKind::Auto);
            }
            let filter = self.condition(0)?;
            return match &filter.kind {
                LabelFilterKind::Ip { pattern, .. } if !pattern.is_valid() => self.invalid_ip(pattern, filter.span),
                _ => Ok(StageKind::LabelFilter(filter)),
            };
        };
        match word {
            Keyword::Json => {
                self.next()?;
                Ok(StageKind::Json { expressions: self.extractions(literal::json_path)? })
            }
            Keyword::Logfmt => {
                self.next()?;
                self.logfmt()
            }
            Keyword::Regexp => {
                self.next()?;
                let (text, span) = self.string(&["STRING"])?;
                match check::named_groups(&text) {
                    Ok(()) => Ok(StageKind::Regexp(text.into())),
                    Err(message) => self.fail(span, format!("invalid regexp parser: {message}")),
                }
            }
            Keyword::Pattern => {
                self.next()?;
                let (text, span) = self.string(&["STRING"])?;
                match literal::parser_pattern(&text) {
                    Ok(pattern) => Ok(StageKind::Pattern(pattern)),
                    Err(message) => self.fail(span, format!("invalid pattern parser: {message}")),
                }
            }
            Keyword::Unpack | Keyword::Decolorize => {
                self.next()?;
                Ok(if word == Keyword::Unpack { StageKind::Unpack } else { StageKind::Decolorize })
            }
            Keyword::LineFormat => {
                self.next()?;
                self.template().map(StageKind::LineFormat)
            }
            Keyword::LabelFormat => {
                self.next()?;
                self.label_formats().map(StageKind::LabelFormat)
            }
            Keyword::Drop | Keyword::Keep => {
                self.next()?;
                let choices = self.list(Self::label_choice)?;
                Ok(if word == Keyword::Drop { StageKind::Drop(choices) } else { StageKind::Keep(choices) })
            }
            _ => self.unexpected(&[]),
        }
    }

    /// Whether our own stage comes next, and not a filter on a label of that name.
    fn is_auto(&mut self) -> Parsed<bool> {
        let token = self.ahead()?;
        let named = self.dialect == Dialect::Pharos && token.kind == Kind::Identifier && self.written(token) == "auto";
        let closes = |kind: Kind| match kind {
            Kind::Eof | Kind::Pipe | Kind::RightParen | Kind::Range(_) => true,
            // `auto != "x"` filters a label, as `| json != "x"` would not: the name was ours to choose.
            Kind::Op(BinaryOp::Ne) | Kind::NotRegex => false,
            kind => line_op(kind).is_some(),
        };
        Ok(named && closes(self.peek_second()?))
    }

    fn logfmt(&mut self) -> Parsed<StageKind> {
        let (mut strict, mut keep_empty) = (false, false);
        while let Kind::Flag(flag) = self.peek()? {
            self.next()?;
            match flag {
                Flag::Strict => strict = true,
                Flag::KeepEmpty => keep_empty = true,
            }
        }
        Ok(StageKind::Logfmt { strict, keep_empty, expressions: self.extractions(literal::logfmt_path)? })
    }

    /// One thing after the other, commas between.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(Kind::Comma)? {
            items.push(item(self)?);
            self.check_count(items.len())?;
        }
        Ok(items)
    }

    /// `label="path", label`; may be nothing.
    fn extractions(&mut self, read: ReadPath) -> Parsed<Vec<Extraction>> {
        if self.peek()? == Kind::Identifier { self.list(|parser| parser.extraction(read)) } else { Ok(Vec::new()) }
    }

    fn extraction(&mut self, read: ReadPath) -> Parsed<Extraction> {
        let token = self.expect(Kind::Identifier, &["IDENTIFIER"])?;
        let label = self.written(token);
        let (expression, span) = if self.accept(Kind::Equal)? { self.string(&["STRING"])? } else { (label.to_owned(), token.span) };
        match read(&expression) {
            Ok(path) => Ok(Extraction { label: label.into(), expression: expression.into(), path }),
            Err(message) => self.fail(span, format!("cannot parse expression [{expression}]: {message}")),
        }
    }

    fn template(&mut self) -> Parsed<std::sync::Arc<str>> {
        let (text, span) = self.string(&["STRING"])?;
        match literal::check_template(&text) {
            Ok(()) => Ok(text.into()),
            Err(message) => self.fail(span, format!("invalid template: {message}")),
        }
    }

    fn label_formats(&mut self) -> Parsed<Vec<LabelFormat>> {
        let start = self.ahead()?.span.start;
        let formats = self.list(|parser| {
            let label = parser.identifier(&["IDENTIFIER"])?;
            parser.expect(Kind::Equal, &["="])?;
            let value = match parser.peek()? {
                Kind::Identifier => LabelFormatValue::Rename(parser.identifier(&[])?),
                Kind::String => LabelFormatValue::Template(parser.template()?),
                _ => return parser.unexpected(&["IDENTIFIER", "STRING"]),
            };
            Ok(LabelFormat { label, value })
        })?;
        match check::label_formats(&formats) {
            Ok(()) => Ok(formats),
            Err(message) => self.fail(self.since(start), message),
        }
    }

    fn label_choice(&mut self) -> Parsed<LabelChoice> {
        let token = self.expect(Kind::Identifier, &["IDENTIFIER"])?;
        let name = self.written(token);
        match super::range::match_op(self.peek()?) {
            // A line filter may follow a name: only what goes on as a matcher is one.
            Some(op) => self.matcher_on(name, op).map(LabelChoice::Match),
            None => Ok(LabelChoice::Name(name.into())),
        }
    }
}

fn line_op(kind: Kind) -> Option<LineOp> {
    Some(match kind {
        Kind::PipeContains => LineOp::Contains,
        Kind::PipeRegex => LineOp::Regex,
        Kind::PipePattern => LineOp::Pattern,
        Kind::Op(BinaryOp::Ne) => LineOp::NotContains,
        Kind::NotRegex => LineOp::NotRegex,
        Kind::NotPattern => LineOp::NotPattern,
        _ => return None,
    })
}
