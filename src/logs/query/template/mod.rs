//! Go templates of `line_format` and `label_format`, run over the labels of a line, which are read in place.
//!
//! The language is [`crate::base::template`]; here are Loki's functions. Every execution has a budget: steps, bytes made,
//! bytes put out. Named templates (`define`, `template`, `block`) are not taken: a line needs none.

use std::collections::BTreeSet;

use crate::base::cancel::Cancel;
use crate::base::template::{Entries, Expr, Limits, Node, Object, Pipe, Set, Value};
use crate::logs::query::stage::row::Row;

mod functions;
mod number;
#[cfg(test)]
mod tests;
mod text;

/// Bytes of text that a template may put out for one line.
pub(crate) const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
const LIMITS: Limits = Limits { steps: 100_000, made_bytes: 8 * 1024 * 1024, output_bytes: OUTPUT_BYTES_MAX };
/// What the one template of a text is called.
const NAME: &str = "";

/// A template, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    set: Set,
    /// Set if the template is made of texts and plain labels only.
    simple: Option<Vec<Piece>>,
    /// Labels it looks at; none if it may look at any.
    labels: Option<BTreeSet<String>>,
    regexes: functions::Regexes,
}

/// A piece of a simple template.
#[derive(Debug, Clone)]
enum Piece {
    Text(Box<str>),
    Label(Box<str>),
    Line,
}

/// What a template is run on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    /// The labels.
    pub(crate) row: &'a Row,
    /// `__line__`.
    pub(crate) line: &'a [u8],
    /// `__timestamp__`, nanoseconds.
    pub(crate) ts: i64,
    /// `now`, nanoseconds.
    pub(crate) now: i64,
    /// Raised when nobody waits any more: a template may take long over one line.
    pub(crate) cancel: &'a Cancel,
}

impl Template {
    /// Reads a template, or says what is wrong with it as Go would.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut set = Set::default();
        set.add(NAME, text, &functions::exists)?;
        if set.len() > 1 {
            return Err("named templates (define, block) are not supported in a line or label template".to_owned());
        }
        let nodes = set.nodes(NAME).unwrap_or_default();
        let mut found = Found::default();
        check_list(nodes, &mut found)?;
        let labels = (!found.any).then_some(found.labels);
        Ok(Self { simple: simple(nodes), labels, regexes: functions::Regexes::default(), set })
    }

    /// Labels it looks at; none if it may look at any.
    pub(crate) const fn labels(&self) -> Option<&BTreeSet<String>> {
        self.labels.as_ref()
    }

    /// Appends what it makes of a line to `out`, or says why it cannot.
    pub(crate) fn run(&self, data: Data<'_>, out: &mut String) -> Result<(), String> {
        let Some(pieces) = &self.simple else {
            let dot = Value::object(Labels { row: data.row });
            let functions = functions::Loki { data, regexes: &self.regexes };
            return self.set.text(NAME, &dot, &functions, LIMITS, out).map_err(|error| error.message);
        };
        let start = out.len();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Label(name) => out.push_str(data.row.text_of(name)),
                Piece::Line => out.push_str(&String::from_utf8_lossy(data.line)),
            }
            // Stages that double a line would soon need all memory there is.
            if out.len() - start > OUTPUT_BYTES_MAX {
                return Err(format!("the text would have more than {OUTPUT_BYTES_MAX} bytes"));
            }
        }
        Ok(())
    }
}

/// All labels of a line.
#[derive(Debug)]
struct Labels<'a> {
    row: &'a Row,
}

impl<'a> Object<'a> for Labels<'a> {
    fn type_name(&self) -> &'static str {
        "map[string]string"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        Some(Value::borrowed(self.row.text_of(name)))
    }

    fn entries(&self) -> Option<Entries<'a>> {
        let mut labels = std::collections::BTreeMap::new();
        self.row.each(|_, name, value| {
            labels.insert(name.to_owned(), value);
        });
        Some(labels.into_iter().map(|(name, value)| (Value::text(name), Value::borrowed(value))).collect())
    }

    fn missing(&self) -> Value<'a> {
        Value::borrowed("")
    }
}

fn simple(nodes: &[Node]) -> Option<Vec<Piece>> {
    nodes
        .iter()
        .map(|node| match node {
            Node::Text(_, text) => Some(Piece::Text(text.clone())),
            Node::Action(pipe) if pipe.variables.is_empty() => match pipe.commands.as_slice() {
                [command] => match command.args.as_slice() {
                    [Expr::Field(_, path)] if path.len() == 1 => Some(Piece::Label(path[0].clone())),
                    [Expr::Function(_, name)] if &**name == "__line__" => Some(Piece::Line),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// What a template refers to.
#[derive(Default)]
struct Found {
    labels: BTreeSet<String>,
    any: bool,
}

fn check_list(nodes: &[Node], found: &mut Found) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Action(pipe) => check_pipe(pipe, found),
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                check_pipe(&branch.pipe, found);
                check_list(&branch.body, found)?;
                if let Some(body) = &branch.otherwise {
                    check_list(body, found)?;
                }
            }
            Node::Call { .. } => {
                return Err("named templates (template, define, block) are not supported in a line or label template".to_owned());
            }
            Node::Text(..) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
    Ok(())
}

fn check_pipe(pipe: &Pipe, found: &mut Found) {
    pipe.commands.iter().flat_map(|command| &command.args).for_each(|expr| check_expr(expr, found));
}

fn check_expr(expr: &Expr, found: &mut Found) {
    match expr {
        // Dot and $ are all labels at once; variables may hold them.
        Expr::Dot(_) | Expr::Variable(..) => found.any = true,
        Expr::Field(_, path) => found.labels.extend(path.first().map(|name| name.to_string())),
        Expr::Pipe(_, pipe) => check_pipe(pipe, found),
        Expr::Chain(_, inner, _) => check_expr(inner, found),
        _ => {}
    }
}
