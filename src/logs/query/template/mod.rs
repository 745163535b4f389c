//! Go templates of `line_format` and `label_format`: parsed by `gotmpl`, evaluated here over the labels of a line.
//!
//! An own evaluator, because a line's labels are read in place, points in time are values, and every execution has a
//! budget: steps, bytes made, bytes put out. Named templates (`define`, `template`, `block`) are not taken: they may call
//! themselves, and a line needs none.

use std::collections::BTreeSet;

use gotmpl::parse::{Expr, ListNode, Node, Parser, PipeNode};

use crate::base::cancel::Cancel;
use crate::logs::query::stage::row::Row;

mod eval;
mod functions;
mod number;
mod printf;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod value;

/// Bytes of text that a template may put out for one line.
pub(crate) const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of text that an execution may make on the way.
const MADE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Steps that an execution may take.
const STEPS_MAX: u32 = 100_000;
/// Levels of a template.
const DEPTH_MAX: usize = 64;

/// A template, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    tree: ListNode,
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
        let parsed = Parser::with_name(None, text, "{{", "}}").and_then(Parser::parse);
        let (tree, defines) = parsed.map_err(|error| error.to_string())?;
        if !defines.is_empty() {
            return Err("named templates (define, block) are not supported in a line or label template".to_owned());
        }
        let mut found = Found::default();
        check_list(&tree, &mut found, 0)?;
        let labels = (!found.any).then_some(found.labels);
        Ok(Self { simple: simple(&tree), tree, labels, regexes: functions::Regexes::default() })
    }

    /// Labels it looks at; none if it may look at any.
    pub(crate) const fn labels(&self) -> Option<&BTreeSet<String>> {
        self.labels.as_ref()
    }

    /// Appends what it makes of a line to `out`, or says why it cannot.
    pub(crate) fn run(&self, data: Data<'_>, out: &mut String) -> Result<(), String> {
        let Some(pieces) = &self.simple else {
            return eval::run(&self.tree, data, &self.regexes, out);
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

fn simple(tree: &ListNode) -> Option<Vec<Piece>> {
    tree.nodes
        .iter()
        .map(|node| match node {
            Node::Text(text) => Some(Piece::Text((*text.text).into())),
            Node::Action(action) if action.pipe.decl.is_empty() => match action.pipe.commands.as_slice() {
                [command] => match command.args.as_slice() {
                    [Expr::Field(_, path)] if path.len() == 1 => Some(Piece::Label(path[0].as_str().into())),
                    [Expr::Identifier(_, name)] if name.as_str() == "__line__" => Some(Piece::Line),
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

fn check_list(list: &ListNode, found: &mut Found, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("the template has more than {DEPTH_MAX} levels"));
    }
    for node in &list.nodes {
        match node {
            Node::List(list) => check_list(list, found, depth + 1)?,
            Node::Action(action) => check_pipe(&action.pipe, found, depth + 1)?,
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                check_pipe(&branch.pipe, found, depth + 1)?;
                check_list(&branch.body, found, depth + 1)?;
                if let Some(body) = &branch.else_body {
                    check_list(body, found, depth + 1)?;
                }
            }
            Node::Template(_) | Node::Define(_) => {
                return Err("named templates (template, define, block) are not supported in a line or label template".to_owned());
            }
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
    Ok(())
}

fn check_pipe(pipe: &PipeNode, found: &mut Found, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("the template has more than {DEPTH_MAX} levels"));
    }
    pipe.commands.iter().flat_map(|command| &command.args).try_for_each(|expr| check_expr(expr, found, depth))
}

fn check_expr(expr: &Expr, found: &mut Found, depth: usize) -> Result<(), String> {
    match expr {
        // Dot and $ are all labels at once; variables may hold them.
        Expr::Dot(_) | Expr::Variable(..) => found.any = true,
        Expr::Field(_, path) => found.labels.extend(path.first().map(|name| name.to_string())),
        Expr::Identifier(_, name) if !functions::exists(name) => return Err(format!("template: function {name:?} not defined")),
        Expr::Pipe(_, pipe) => check_pipe(pipe, found, depth + 1)?,
        Expr::Chain(_, inner, _) => check_expr(inner, found, depth)?,
        _ => {}
    }
    Ok(())
}
