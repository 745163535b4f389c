//! The tree of a template, and how its parts are written, as Go shows them in errors.

use std::fmt;

/// A place in the text of a template, in bytes.
pub type At = usize;

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Text that is put out as it is.
    Text(At, Box<str>),
    /// `{{pipeline}}`.
    Action(Pipe),
    /// `{{if}}`.
    If(Branch),
    /// `{{with}}`.
    With(Branch),
    /// `{{range}}`.
    Range(Branch),
    /// `{{template "name" pipeline}}`.
    Call {
        /// Where.
        at: At,
        /// Of the template called.
        name: Box<str>,
        /// What becomes its dot.
        pipe: Option<Pipe>,
    },
    /// `{{break}}`.
    Break(At),
    /// `{{continue}}`.
    Continue(At),
}

/// `if`, `with` or `range` with its two bodies.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What decides.
    pub pipe: Pipe,
    /// If it is true.
    pub body: Vec<Node>,
    /// If it is not.
    pub otherwise: Option<Vec<Node>>,
}

/// Commands, each of which gets what the one before gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    /// Where.
    pub at: At,
    /// Variables set, with their `$`.
    pub variables: Vec<Box<str>>,
    /// Whether they exist already (`=`).
    pub assigns: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A function or value with arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Where.
    pub at: At,
    /// At least one.
    pub args: Vec<Expr>,
}

/// A number as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole one.
    Int(i64),
    /// A whole one beyond what an int holds.
    Big(u64),
    /// Any other.
    Float(f64),
}

/// An operand.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `.`
    Dot(At),
    /// `nil`
    Nil(At),
    /// `true`, `false`
    Bool(At, bool),
    /// A number, and how it was written.
    Number(At, Number, Box<str>),
    /// A text, and how it was written.
    Text(At, Box<str>, Box<str>),
    /// `.a.b`
    Field(At, Vec<Box<str>>),
    /// `$x.a.b`: the name with its `$`, then fields.
    Variable(At, Box<str>, Vec<Box<str>>),
    /// The name of a function.
    Function(At, Box<str>),
    /// `(pipeline)`
    Pipe(At, Box<Pipe>),
    /// `(pipeline).a.b`
    Chain(At, Box<Expr>, Vec<Box<str>>),
}

impl Expr {
    /// Where it stands.
    pub const fn at(&self) -> At {
        match self {
            Self::Dot(at)
            | Self::Nil(at)
            | Self::Bool(at, _)
            | Self::Number(at, ..)
            | Self::Text(at, ..)
            | Self::Field(at, _)
            | Self::Variable(at, ..)
            | Self::Function(at, _)
            | Self::Pipe(at, _)
            | Self::Chain(at, ..) => *at,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dot(_) => out.write_str("."),
            Self::Nil(_) => out.write_str("nil"),
            Self::Bool(_, value) => write!(out, "{value}"),
            Self::Number(_, _, written) | Self::Text(_, _, written) => out.write_str(written),
            Self::Field(_, path) => fields(out, path),
            Self::Variable(_, name, path) => {
                out.write_str(name)?;
                fields(out, path)
            }
            Self::Function(_, name) => out.write_str(name),
            Self::Pipe(_, pipe) => write!(out, "({pipe})"),
            Self::Chain(_, inner, path) => {
                write!(out, "{inner}")?;
                fields(out, path)
            }
        }
    }
}

fn fields(out: &mut fmt::Formatter<'_>, path: &[Box<str>]) -> fmt::Result {
    path.iter().try_for_each(|name| write!(out, ".{name}"))
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                out.write_str(" ")?;
            }
            write!(out, "{arg}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(out, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                out.write_str(" | ")?;
            }
            write!(out, "{command}")?;
        }
        Ok(())
    }
}
