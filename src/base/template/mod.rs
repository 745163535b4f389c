//! Go's templates (`text/template`, and the escaping of `html/template`), which users write in rules, messages and queries.
//!
//! Read once into a [`Set`], run as often as wanted over any data that is an [`Object`], within [`Limits`]: a template
//! cannot loop for ever, call itself without end, or fill memory. Errors are worded as Go words them, as people search
//! for those words. Source: the documentation of Go's packages `text/template` and `html/template`.
//!
//! Not here: the functions of a user of templates (see [`Functions`]), and files.

mod ast;
mod builtin;
mod lex;
mod markup;
mod moment;
mod parse;
mod printf;
mod quote;
mod run;
#[cfg(test)]
mod tests;
mod value;

pub use ast::{Branch, Command, Expr, Node, Pipe};
pub use builtin::{query_text, title};
pub use moment::{Moment, span};
pub use run::{Functions, Run};
pub use value::{Entries, Object, Value};

/// How much a run may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nodes and commands.
    pub steps: u32,
    /// Bytes of text made on the way.
    pub made_bytes: usize,
    /// Bytes put out.
    pub output_bytes: usize,
}

/// Templates by name.
#[derive(Debug, Clone, Default)]
pub struct Set {
    /// Shared, so that a set made from another costs little.
    templates: Vec<std::sync::Arc<Template>>,
}

#[derive(Debug)]
struct Template {
    name: String,
    nodes: Vec<Node>,
    /// What the text is called that it stands in.
    source: String,
    /// Where each line of that text begins, in bytes.
    lines: std::sync::Arc<[usize]>,
}

/// Why a template gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{message}")]
pub struct RunError {
    /// `template: NAME:LINE:COLUMN: executing "NAME" at <...>: `.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl Set {
    /// Reads a text and all templates it defines. A template known already is replaced, unless the new one is empty.
    ///
    /// `knows` says which functions there are besides Go's own. An error reads `template: NAME:LINE: ...`.
    pub fn add(&mut self, name: &str, text: &str, knows: &dyn Fn(&str) -> bool) -> Result<(), String> {
        let lines: std::sync::Arc<[usize]> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        for named in parse::parse(name, text, &|function| builtin::exists(function) || knows(function))? {
            let template =
                std::sync::Arc::new(Template { name: named.name, nodes: named.nodes, source: name.to_owned(), lines: lines.clone() });
            match self.templates.iter_mut().find(|known| known.name == template.name) {
                Some(_) if parse::is_empty(&template.nodes) => {}
                Some(known) => *known = template,
                None => self.templates.push(template),
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == name).map(AsRef::as_ref)
    }

    /// The nodes of a template, for those who look at what it uses.
    pub fn nodes(&self, name: &str) -> Option<&[Node]> {
        self.find(name).map(|template| template.nodes.as_slice())
    }

    /// How many templates there are.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// Runs a template as text.
    pub fn text<'a>(
        &'a self,
        name: &str,
        dot: &Value<'a>,
        functions: &dyn Functions<'a>,
        limits: Limits,
        out: &mut String,
    ) -> Result<(), RunError> {
        Run::new(self, functions, limits, None).template(name, dot, out)
    }

    /// Runs a template as HTML: what it prints is escaped for the place where it stands.
    pub fn html<'a>(
        &'a self,
        name: &str,
        dot: &Value<'a>,
        functions: &dyn Functions<'a>,
        limits: Limits,
        out: &mut String,
    ) -> Result<(), RunError> {
        Run::new(self, functions, limits, Some(markup::Markup::default())).template(name, dot, out)
    }
}

impl Template {
    /// Where something stands, as Go says it: columns are counted in bytes, from 0.
    fn place(&self, at: usize, shown: &str) -> String {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let column = at - self.lines.get(line - 1).copied().unwrap_or_default();
        format!("template: {}:{line}:{column}: executing {:?} at <{shown}>: ", self.source, self.name)
    }
}
