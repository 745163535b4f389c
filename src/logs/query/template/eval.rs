//! Walks a template's tree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, SmolStr};

use super::functions::{self, Regexes};
use super::value::Value;
use super::{Data, MADE_BYTES_MAX, OUTPUT_BYTES_MAX, STEPS_MAX};

/// Why a list was left early.
enum Left {
    Break,
    Continue,
}

/// A run of a template over one line.
pub(super) struct Run<'a> {
    pub(super) data: Data<'a>,
    pub(super) regexes: &'a Regexes,
    vars: Vec<(&'a str, Value<'a>)>,
    steps: u32,
    made: usize,
}

/// Runs a template.
pub(super) fn run<'a>(tree: &'a ListNode, data: Data<'a>, regexes: &'a Regexes, out: &mut String) -> Result<(), String> {
    let mut run = Run { data, regexes, vars: vec![("$", Value::Labels)], steps: 0, made: 0 };
    run.list(tree, &Value::Labels, out).map(|_| ())
}

impl<'a> Run<'a> {
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.data.cancel.check().is_err() {
            return Err("the query was stopped".to_owned());
        }
        if self.steps > STEPS_MAX { Err(format!("the template takes more than {STEPS_MAX} steps")) } else { Ok(()) }
    }

    fn charge(&mut self, value: &Value<'a>) -> Result<(), String> {
        self.made += value.weight();
        if self.made > MADE_BYTES_MAX { Err(format!("the template makes more than {MADE_BYTES_MAX} bytes of text")) } else { Ok(()) }
    }

    fn list(&mut self, list: &'a ListNode, dot: &Value<'a>, out: &mut String) -> Result<Option<Left>, String> {
        for node in &list.nodes {
            self.step()?;
            let left = match node {
                Node::Text(text) => {
                    out.push_str(&text.text);
                    None
                }
                Node::Action(action) => {
                    let value = self.pipe(&action.pipe, dot)?;
                    if action.pipe.decl.is_empty() {
                        self.print(&value, out);
                    }
                    None
                }
                Node::List(list) => self.list(list, dot, out)?,
                Node::If(branch) => self.branch(branch, dot, false, out)?,
                Node::With(branch) => self.branch(branch, dot, true, out)?,
                Node::Range(branch) => self.range(branch, dot, out)?,
                Node::Break(_) => Some(Left::Break),
                Node::Continue(_) => Some(Left::Continue),
                // Refused when the template was read.
                Node::Template(_) | Node::Define(_) => None,
            };
            if out.len() > OUTPUT_BYTES_MAX {
                return Err(format!("the template puts out more than {OUTPUT_BYTES_MAX} bytes"));
            }
            if left.is_some() {
                return Ok(left);
            }
        }
        Ok(None)
    }

    fn print(&self, value: &Value<'a>, out: &mut String) {
        if *value == Value::Labels { Value::Map(self.all_labels()).print(out) } else { value.print(out) }
    }

    fn branch(&mut self, branch: &'a BranchNode, dot: &Value<'a>, sets_dot: bool, out: &mut String) -> Result<Option<Left>, String> {
        let depth = self.vars.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let left = if value.is_true() {
            self.list(&branch.body, if sets_dot { &value } else { dot }, out)?
        } else if let Some(body) = &branch.else_body {
            self.list(body, dot, out)?
        } else {
            None
        };
        self.vars.truncate(depth);
        Ok(left)
    }

    fn range(&mut self, branch: &'a BranchNode, dot: &Value<'a>, out: &mut String) -> Result<Option<Left>, String> {
        let depth = self.vars.len();
        let items: Vec<(Value<'a>, Value<'a>)> = match self.pipe_value(&branch.pipe, dot)? {
            Value::List(items) => items.into_iter().enumerate().map(|(index, item)| (Value::Int(index as i64), item)).collect(),
            Value::Map(entries) => entries.into_iter().map(|(key, item)| (Value::text(key), item)).collect(),
            Value::Labels => self.all_labels().into_iter().map(|(key, item)| (Value::text(key), item)).collect(),
            Value::Int(count) => (0..count.clamp(0, i64::from(STEPS_MAX))).map(|index| (Value::Int(index), Value::Int(index))).collect(),
            Value::Nil => Vec::new(),
            other => return Err(format!("range can't iterate over {}", other.type_name())),
        };
        if items.is_empty()
            && let Some(body) = &branch.else_body
        {
            return self.list(body, dot, out);
        }
        for (key, item) in items {
            self.step()?;
            match branch.pipe.decl.as_slice() {
                [value] => self.vars.push((value, item.clone())),
                [index, value] => {
                    self.vars.push((index, key));
                    self.vars.push((value, item.clone()));
                }
                _ => {}
            }
            let left = self.list(&branch.body, &item, out)?;
            self.vars.truncate(depth);
            if matches!(left, Some(Left::Break)) {
                break;
            }
        }
        Ok(None)
    }

    fn all_labels(&self) -> BTreeMap<String, Value<'a>> {
        let mut labels = BTreeMap::new();
        self.data.row.each(|_, name, value| {
            labels.insert(name.to_owned(), Value::Text(Cow::Borrowed(value)));
        });
        labels
    }

    fn pipe(&mut self, pipe: &'a PipeNode, dot: &Value<'a>) -> Result<Value<'a>, String> {
        let value = self.pipe_value(pipe, dot)?;
        for name in &pipe.decl {
            let known = self.vars.iter_mut().rev().find(|(known, _)| *known == name.as_str());
            match known {
                Some((_, slot)) if pipe.is_assign => *slot = value.clone(),
                _ => self.vars.push((name, value.clone())),
            }
        }
        Ok(value)
    }

    fn pipe_value(&mut self, pipe: &'a PipeNode, dot: &Value<'a>) -> Result<Value<'a>, String> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &'a CommandNode, dot: &Value<'a>, last: Option<Value<'a>>) -> Result<Value<'a>, String> {
        self.step()?;
        let (first, rest) = command.args.split_first().ok_or("empty command")?;
        let Expr::Identifier(_, name) = first else {
            if last.is_some() || !rest.is_empty() {
                return Err("can't give argument to non-function".to_owned());
            }
            return self.expr(first, dot);
        };
        if matches!(name.as_str(), "and" | "or") {
            return self.logic(name == "and", rest, dot, last);
        }
        let mut args = Vec::with_capacity(rest.len() + 1);
        for expr in rest {
            args.push(self.expr(expr, dot)?);
        }
        args.extend(last);
        self.call(name, args)
    }

    fn call(&mut self, name: &str, args: Vec<Value<'a>>) -> Result<Value<'a>, String> {
        let value = functions::call(self, name, args).map_err(|error| format!("error calling {name}: {error}"))?;
        self.charge(&value)?;
        Ok(value)
    }

    /// `and` and `or` look at their arguments only until one decides.
    fn logic(&mut self, all: bool, rest: &'a [Expr], dot: &Value<'a>, last: Option<Value<'a>>) -> Result<Value<'a>, String> {
        let mut value = Value::Nil;
        for expr in rest {
            value = self.expr(expr, dot)?;
            if value.is_true() != all {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn expr(&mut self, expr: &'a Expr, dot: &Value<'a>) -> Result<Value<'a>, String> {
        match expr {
            Expr::Dot(_) => Ok(dot.clone()),
            Expr::Field(_, path) => self.fields(dot, path),
            Expr::Variable(_, name, path) => {
                let found = self.vars.iter().rev().find(|(known, _)| *known == name.as_str());
                let value = found.map(|(_, value)| value.clone()).ok_or_else(|| format!("undefined variable: {name}"))?;
                self.fields(&value, path)
            }
            Expr::Identifier(_, name) => self.call(name, Vec::new()),
            Expr::String(_, text) => Ok(Value::Text(Cow::Borrowed(text))),
            Expr::Number(_, Number::Int(value)) => Ok(Value::Int(*value)),
            Expr::Number(_, Number::Uint(value)) => Err(format!("{value} overflows int")),
            Expr::Number(_, Number::Float(value)) => Ok(Value::Float(*value)),
            Expr::Bool(_, value) => Ok(Value::Bool(*value)),
            Expr::Nil(_) => Ok(Value::Nil),
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot),
            Expr::Chain(_, inner, path) => {
                let value = self.expr(inner, dot)?;
                self.fields(&value, path)
            }
        }
    }

    fn fields(&self, value: &Value<'a>, path: &[SmolStr]) -> Result<Value<'a>, String> {
        let mut value = value.clone();
        for name in path {
            value = match value {
                Value::Labels => Value::Text(Cow::Borrowed(self.data.row.text_of(name))),
                Value::Map(mut entries) => entries.remove(name.as_str()).unwrap_or(Value::Nil),
                Value::Nil => return Err(format!("nil pointer evaluating interface {{}}.{name}")),
                other => return Err(format!("can't evaluate field {name} in type {}", other.type_name())),
            };
        }
        Ok(value)
    }
}
