//! Runs a template, as Go's `text/template/exec.go` documents it, within a budget of steps and bytes.

use std::borrow::Cow;
use std::rc::Rc;

use super::ast::{At, Branch, Command, Expr, Node, Number, Pipe};
use super::markup::Markup;
use super::value::{Object, Value};
use super::{Limits, RunError, Set, builtin};

/// Templates that call each other may be so deep in each other.
const CALLS_MAX: usize = 100;

/// Functions besides Go's own.
pub trait Functions<'a> {
    /// Calls one; none if there is no such. Functions may run named templates through `run`.
    fn call(&self, run: &mut Run<'a, '_>, name: &str, args: Vec<Value<'a>>) -> Option<Result<Value<'a>, String>>;

    /// Whether to go on; asked at every step.
    ///
    /// # Errors
    /// Why not.
    fn go_on(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Why a list was left early.
enum Left {
    Break,
    Continue,
}

/// What went wrong, and where if that is known already.
struct Fault {
    at: Option<(At, String)>,
    message: String,
    /// A failure of a template called, which names its own place.
    whole: Option<RunError>,
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { at: None, message, whole: None }
    }
}

impl Fault {
    fn at(mut self, place: At, shown: impl FnOnce() -> String) -> Self {
        if self.at.is_none() && self.whole.is_none() {
            self.at = Some((place, shown()));
        }
        self
    }
}

type Ran<T> = Result<T, Fault>;

/// A template at work.
pub struct Run<'a, 'r> {
    set: &'a Set,
    functions: &'r dyn Functions<'a>,
    limits: Limits,
    variables: Vec<(&'a str, Value<'a>)>,
    steps: u32,
    made: usize,
    calls: usize,
    markup: Option<Markup>,
}

impl<'a, 'r> Run<'a, 'r> {
    pub(super) fn new(set: &'a Set, functions: &'r dyn Functions<'a>, limits: Limits, markup: Option<Markup>) -> Self {
        Self { set, functions, limits, variables: Vec::new(), steps: 0, made: 0, calls: 0, markup }
    }

    /// Runs a named template with `dot`, appending to `out`.
    pub(super) fn template(&mut self, name: &str, dot: &Value<'a>, out: &mut String) -> Result<(), RunError> {
        let Some(template) = self.set.find(name) else {
            return Err(RunError {
                place: String::new(),
                message: format!("template: no template {name:?} associated with template {name:?}"),
            });
        };
        if self.calls >= CALLS_MAX {
            let message = format!("template: {name}: templates call each other more than {CALLS_MAX} deep");
            return Err(RunError { place: String::new(), message });
        }
        self.calls += 1;
        let outer = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let ran = self.list(&template.nodes, dot, out);
        self.variables = outer;
        self.calls -= 1;
        ran.map(|_| ()).map_err(|fault| match fault.whole {
            Some(whole) => whole,
            None => {
                let (at, shown) = fault.at.unwrap_or_default();
                RunError { place: template.place(at, &shown), message: fault.message }
            }
        })
    }

    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        self.functions.go_on()?;
        let max = self.limits.steps;
        if self.steps > max { Err(format!("the template takes more than {max} steps")) } else { Ok(()) }
    }

    fn charge(&mut self, value: &Value<'a>) -> Result<(), String> {
        self.made += value.weight();
        let max = self.limits.made_bytes;
        if self.made > max { Err(format!("the template makes more than {max} bytes of text")) } else { Ok(()) }
    }

    fn list(&mut self, nodes: &'a [Node], dot: &Value<'a>, out: &mut String) -> Ran<Option<Left>> {
        for node in nodes {
            self.step()?;
            let left = self.node(node, dot, out)?;
            let max = self.limits.output_bytes;
            if out.len() > max {
                return Err(format!("the template puts out more than {max} bytes").into());
            }
            if left.is_some() {
                return Ok(left);
            }
        }
        Ok(None)
    }

    fn node(&mut self, node: &'a Node, dot: &Value<'a>, out: &mut String) -> Ran<Option<Left>> {
        match node {
            Node::Text(_, text) => match &mut self.markup {
                Some(markup) => markup.text(text, out),
                None => out.push_str(text),
            },
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    match &mut self.markup {
                        Some(markup) => markup.value(&value, out),
                        None => value.print(out),
                    }
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false, out),
            Node::With(branch) => return self.branch(branch, dot, true, out),
            Node::Range(branch) => return self.range(branch, dot, out),
            Node::Call { at, name, pipe } => self.call_template(*at, name, pipe.as_ref(), dot, out)?,
            Node::Break(_) => return Ok(Some(Left::Break)),
            Node::Continue(_) => return Ok(Some(Left::Continue)),
        }
        Ok(None)
    }

    fn call_template(&mut self, at: At, name: &str, pipe: Option<&'a Pipe>, dot: &Value<'a>, out: &mut String) -> Ran<()> {
        let shown = || pipe.map_or_else(|| format!("{{{{template {name:?}}}}}"), |pipe| format!("{{{{template {name:?} {pipe}}}}}"));
        if self.set.find(name).is_none() {
            return Err(Fault::from(format!("template {name:?} not defined")).at(at, shown));
        }
        let inner = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Value::Nil,
        };
        self.template(name, &inner, out).map_err(|error| Fault { at: None, message: String::new(), whole: Some(error) })
    }

    fn branch(&mut self, branch: &'a Branch, dot: &Value<'a>, sets_dot: bool, out: &mut String) -> Ran<Option<Left>> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let left = if value.is_true() {
            self.list(&branch.body, if sets_dot { &value } else { dot }, out)?
        } else if let Some(body) = &branch.otherwise {
            self.list(body, dot, out)?
        } else {
            None
        };
        self.variables.truncate(known);
        Ok(left)
    }

    fn items(&self, value: Value<'a>) -> Result<Vec<(Value<'a>, Value<'a>)>, String> {
        Ok(match value {
            Value::List(items) => items.into_iter().enumerate().map(|(index, item)| (Value::Int(index as i64), item)).collect(),
            Value::Map(entries) => entries.into_iter().map(|(key, item)| (Value::text(key), item)).collect(),
            Value::Int(count) => {
                (0..count.clamp(0, i64::from(self.limits.steps))).map(|index| (Value::Int(index), Value::Int(index))).collect()
            }
            Value::Nil => Vec::new(),
            Value::Object(object) => object.entries().ok_or_else(|| format!("range can't iterate over {}", object.type_name()))?,
            other => return Err(format!("range can't iterate over {}", other.printed())),
        })
    }

    fn range(&mut self, branch: &'a Branch, dot: &Value<'a>, out: &mut String) -> Ran<Option<Left>> {
        let known = self.variables.len();
        let value = self.pipe_value(&branch.pipe, dot)?;
        let items = self.items(value).map_err(|message| Fault::from(message).at(branch.pipe.at, || branch.pipe.to_string()))?;
        if items.is_empty() {
            return match &branch.otherwise {
                Some(body) => self.list(body, dot, out),
                None => Ok(None),
            };
        }
        for (key, item) in items {
            self.step()?;
            match branch.pipe.variables.as_slice() {
                [value] => self.set_variable(value, item.clone(), branch.pipe.assigns),
                [index, value] => {
                    self.set_variable(index, key, branch.pipe.assigns);
                    self.set_variable(value, item.clone(), branch.pipe.assigns);
                }
                _ => {}
            }
            let left = self.list(&branch.body, &item, out)?;
            self.variables.truncate(known);
            if matches!(left, Some(Left::Break)) {
                break;
            }
        }
        Ok(None)
    }

    fn set_variable(&mut self, name: &'a str, value: Value<'a>, assigns: bool) {
        if assigns && let Some((_, slot)) = self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            *slot = value;
        } else {
            self.variables.push((name, value));
        }
    }

    fn pipe(&mut self, pipe: &'a Pipe, dot: &Value<'a>) -> Ran<Value<'a>> {
        let value = self.pipe_value(pipe, dot)?;
        for name in &pipe.variables {
            self.set_variable(name, value.clone(), pipe.assigns);
        }
        Ok(value)
    }

    fn pipe_value(&mut self, pipe: &'a Pipe, dot: &Value<'a>) -> Ran<Value<'a>> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &'a Command, dot: &Value<'a>, last: Option<Value<'a>>) -> Ran<Value<'a>> {
        self.step()?;
        let Some((first, rest)) = command.args.split_first() else { return Err("empty command".to_owned().into()) };
        match first {
            Expr::Function(at, name) => self.function(*at, name, rest, dot, last),
            Expr::Field(at, path) => {
                let args = self.args(rest, dot, last)?;
                self.fields(dot.clone(), path, args).map_err(|fault| fault.at(*at, || first.to_string()))
            }
            Expr::Variable(at, name, path) => {
                let args = self.args(rest, dot, last)?;
                let value = self.variable(name)?;
                self.fields(value, path, args).map_err(|fault| fault.at(*at, || first.to_string()))
            }
            Expr::Chain(at, inner, path) => {
                let args = self.args(rest, dot, last)?;
                let value = self.expr(inner, dot)?;
                self.fields(value, path, args).map_err(|fault| fault.at(*at, || first.to_string()))
            }
            other if last.is_some() || !rest.is_empty() => {
                Err(Fault::from(format!("can't give argument to non-function {other}")).at(other.at(), || other.to_string()))
            }
            Expr::Nil(at) => Err(Fault::from("nil is not a command".to_owned()).at(*at, || "nil".to_owned())),
            other => self.expr(other, dot),
        }
    }

    fn args(&mut self, rest: &'a [Expr], dot: &Value<'a>, last: Option<Value<'a>>) -> Ran<Vec<Value<'a>>> {
        let mut args = Vec::with_capacity(rest.len() + 1);
        for expr in rest {
            args.push(self.expr(expr, dot)?);
        }
        args.extend(last);
        Ok(args)
    }

    fn function(&mut self, at: At, name: &'a str, rest: &'a [Expr], dot: &Value<'a>, last: Option<Value<'a>>) -> Ran<Value<'a>> {
        if matches!(name, "and" | "or") {
            return self.logic(name == "and", rest, dot, last);
        }
        let args = self.args(rest, dot, last)?;
        // What HTML prints is escaped for its place anyway, and must not be escaped twice.
        let known = if name == "html" && self.markup.is_some() { "print" } else { name };
        let called = match builtin::call(known, &args, self.limits) {
            Some(called) => called,
            None => {
                let functions = self.functions;
                functions.call(self, name, args).unwrap_or_else(|| Err(format!("{name:?} is not a defined function")))
            }
        };
        let value = called.map_err(|message| {
            // Counts and types of arguments are found before the call.
            let early = message.starts_with("wrong number of args") || message.starts_with("wrong type for value");
            let message = if early { message } else { format!("error calling {name}: {message}") };
            Fault::from(message).at(at, || name.to_owned())
        })?;
        self.charge(&value)?;
        Ok(value)
    }

    /// `and` and `or` look at their arguments only until one decides.
    fn logic(&mut self, all: bool, rest: &'a [Expr], dot: &Value<'a>, last: Option<Value<'a>>) -> Ran<Value<'a>> {
        let mut value = Value::Nil;
        for expr in rest {
            value = self.expr(expr, dot)?;
            if value.is_true() != all {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn variable(&self, name: &str) -> Result<Value<'a>, String> {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| format!("undefined variable: {name}"))
    }

    fn expr(&mut self, expr: &'a Expr, dot: &Value<'a>) -> Ran<Value<'a>> {
        match expr {
            Expr::Dot(_) => Ok(dot.clone()),
            Expr::Nil(_) => Ok(Value::Nil),
            Expr::Bool(_, value) => Ok(Value::Bool(*value)),
            Expr::Text(_, text, _) => Ok(Value::Text(Cow::Borrowed(text))),
            Expr::Number(_, Number::Int(value), _) => Ok(Value::Int(*value)),
            Expr::Number(_, Number::Float(value), _) => Ok(Value::Float(*value)),
            Expr::Number(at, Number::Big(_), written) => {
                Err(Fault::from(format!("{written} overflows int")).at(*at, || written.to_string()))
            }
            Expr::Field(at, path) => self.fields(dot.clone(), path, Vec::new()).map_err(|fault| fault.at(*at, || expr.to_string())),
            Expr::Variable(at, name, path) => {
                let value = self.variable(name)?;
                self.fields(value, path, Vec::new()).map_err(|fault| fault.at(*at, || expr.to_string()))
            }
            Expr::Function(at, name) => self.function(*at, name, &[], dot, None),
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot),
            Expr::Chain(at, inner, path) => {
                let value = self.expr(inner, dot)?;
                self.fields(value, path, Vec::new()).map_err(|fault| fault.at(*at, || expr.to_string()))
            }
        }
    }

    /// Follows fields; the arguments go to the last one.
    fn fields(&mut self, value: Value<'a>, path: &'a [Box<str>], args: Vec<Value<'a>>) -> Ran<Value<'a>> {
        let Some((last, before)) = path.split_last() else {
            return if args.is_empty() { Ok(value) } else { Err("can't give argument to non-function".to_owned().into()) };
        };
        let mut value = value;
        for name in before {
            value = field(value, name)?;
        }
        if args.is_empty() {
            return Ok(field(value, last)?);
        }
        let called = match &value {
            Value::Object(object) => object.method(last, &args),
            other => method_with(other, last, &args),
        };
        let called = called.ok_or_else(|| {
            let is_map = match &value {
                Value::Map(_) => true,
                Value::Object(object) => object.entries().is_some(),
                _ => false,
            };
            let why = if is_map { "is not a method but has arguments" } else { "has arguments but cannot be invoked as function" };
            format!("{last} {why}")
        })?;
        let made = called.map_err(|message| format!("error calling {last}: {message}"))?;
        self.charge(&made)?;
        Ok(made)
    }

    /// Runs a named template into a text, for functions that do so.
    pub fn render(&mut self, name: &str, dot: &Value<'a>) -> Result<String, String> {
        let mut out = String::new();
        self.template(name, dot, &mut out).map_err(|error| error.to_string())?;
        Ok(out)
    }
}

fn field<'a>(value: Value<'a>, name: &str) -> Result<Value<'a>, String> {
    match value {
        Value::Map(mut entries) => Ok(entries.remove(name).unwrap_or(Value::Nil)),
        Value::Object(object) => field_of(&object, name),
        Value::Nil => Err(format!("nil pointer evaluating interface {{}}.{name}")),
        other => method_of(&other, name).ok_or_else(|| format!("can't evaluate field {name} in type {}", other.type_name())),
    }
}

fn field_of<'a>(object: &Rc<dyn Object<'a> + 'a>, name: &str) -> Result<Value<'a>, String> {
    object.field(name).ok_or_else(|| format!("can't evaluate field {name} in type {}", object.type_name()))
}

/// Methods with arguments that Go's own types have.
fn method_with<'a>(value: &Value<'a>, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, String>> {
    let Value::Time(moment) = value else { return None };
    Some(match (name, args) {
        ("Format", [Value::Text(layout)]) => {
            let mut out = String::new();
            moment.format(layout, &mut out);
            Ok(Value::text(out))
        }
        ("Sub", [Value::Time(other)]) => Ok(Value::Span(clamp(moment.nanos - other.nanos))),
        ("Add", [Value::Span(nanos) | Value::Int(nanos)]) => Ok(Value::Time(moment.later(*nanos))),
        // `28800e9` is a whole number for Go.
        ("Add", [Value::Float(nanos)]) if nanos.fract() == 0.0 => Ok(Value::Time(moment.later(*nanos as i64))),
        ("Before", [Value::Time(other)]) => Ok(Value::Bool(moment.nanos < other.nanos)),
        ("After", [Value::Time(other)]) => Ok(Value::Bool(moment.nanos > other.nanos)),
        ("Equal", [Value::Time(other)]) => Ok(Value::Bool(moment.nanos == other.nanos)),
        ("Format" | "Sub" | "Add" | "Before" | "After" | "Equal", _) => Err(format!("wrong arguments for {name}")),
        _ => return None,
    })
}

fn formatted(moment: &super::Moment, layout: &str) -> String {
    let mut out = String::new();
    moment.format(layout, &mut out);
    out
}

fn part_of<'a>(moment: &super::Moment, layout: &str) -> Option<Value<'a>> {
    formatted(moment, layout).parse().ok().map(Value::Int)
}

fn clamp(nanos: i128) -> i64 {
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Methods without arguments that Go's own types have.
fn method_of<'a>(value: &Value<'a>, name: &str) -> Option<Value<'a>> {
    match (value, name) {
        (Value::Time(moment), "Unix") => Some(Value::Int(moment.nanos.div_euclid(1_000_000_000) as i64)),
        (Value::Time(moment), "UnixMilli") => Some(Value::Int(moment.nanos.div_euclid(1_000_000) as i64)),
        (Value::Time(moment), "UnixNano") => Some(Value::Int(moment.nanos as i64)),
        (Value::Time(moment), "UTC") => Some(Value::Time(moment.utc_of())),
        (Value::Time(moment), "IsZero") => Some(Value::Bool(*moment == super::Moment::zero())),
        (Value::Time(moment), "Local") => Some(Value::Time(moment.local())),
        (Value::Time(moment), "Year") => part_of(moment, "2006"),
        (Value::Time(moment), "Day") => part_of(moment, "2"),
        (Value::Time(moment), "YearDay") => part_of(moment, "002"),
        (Value::Time(moment), "Hour") => part_of(moment, "15"),
        (Value::Time(moment), "Minute") => part_of(moment, "4"),
        (Value::Time(moment), "Second") => part_of(moment, "5"),
        (Value::Time(moment), "Month") => Some(Value::text(formatted(moment, "January"))),
        (Value::Time(moment), "Weekday") => Some(Value::text(formatted(moment, "Monday"))),
        (Value::Time(moment), "String") => Some(Value::text(Value::Time(moment.clone()).printed())),
        (Value::Span(nanos), "Seconds") => Some(Value::Float(*nanos as f64 / 1e9)),
        (Value::Span(nanos), "Minutes") => Some(Value::Float(*nanos as f64 / 60e9)),
        (Value::Span(nanos), "Hours") => Some(Value::Float(*nanos as f64 / 3600e9)),
        (Value::Span(nanos), "Milliseconds") => Some(Value::Int(*nanos / 1_000_000)),
        (Value::Span(nanos), "String") => Some(Value::text(super::moment::span(*nanos))),
        _ => None,
    }
}
