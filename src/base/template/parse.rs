//! Reads templates as Go's `text/template/parse` does, with its words for what is wrong.

use super::ast::{At, Branch, Command, Expr, Node, Pipe};
use super::lex::{self, Keyword, Kind, Token};

/// Levels of a template: of its blocks, and of its parentheses.
const DEPTH_MAX: usize = 100;

/// A named template as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
}

/// Reads a text; the first template is the text's own, the others are those it defines.
///
/// `knows` says which functions there are. An error is as Go words it: `template: NAME:LINE: ...`.
pub(super) fn parse(name: &str, text: &str, knows: &dyn Fn(&str) -> bool) -> Result<Vec<Named>, String> {
    let tokens = lex::tokens(text);
    let mut parser = Parser {
        name,
        tokens,
        next: 0,
        line: 1,
        action_line: 0,
        variables: vec!["$".into()],
        ranges: 0,
        depth: 0,
        knows,
        defined: Vec::new(),
    };
    let nodes = parser.whole()?;
    let mut all = vec![Named { name: name.to_owned(), nodes }];
    for named in parser.defined {
        // A template of nothing but white space does not replace one that says something.
        match all.iter_mut().skip(1).find(|known| known.name == named.name) {
            Some(known) if is_empty(&known.nodes) => *known = named,
            Some(_) if is_empty(&named.nodes) => {}
            Some(_) => return Err(format!("template: {name}: multiple definition of template {:?}", named.name)),
            None => all.push(named),
        }
    }
    Ok(all)
}

/// Whether nothing but white space is in it.
pub(super) fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(_, text) if text.chars().all(char::is_whitespace)))
}

struct Parser<'a> {
    name: &'a str,
    tokens: Vec<Token>,
    next: usize,
    /// Of the token read last, for errors.
    line: usize,
    action_line: usize,
    variables: Vec<Box<str>>,
    /// Loops around here.
    ranges: usize,
    depth: usize,
    knows: &'a dyn Fn(&str) -> bool,
    defined: Vec<Named>,
}

/// How a list of nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Else,
    /// `else if`, `else with`: the keyword is next.
    ElseBranch,
}

impl End {
    const fn shown(self) -> &'static str {
        match self {
            Self::Whole => "{{end}}",
            Self::Else | Self::ElseBranch => "{{else}}",
        }
    }
}

/// A node, or the end of the list.
enum Item {
    Node(Option<Node>),
    End(End),
}

type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    fn token(&mut self) -> Token {
        let last = self.tokens.len().saturating_sub(1);
        let token = self.tokens.get(self.next.min(last)).cloned().unwrap_or(Token { kind: Kind::Eof, at: 0, line: 1, text: String::new() });
        self.next += 1;
        self.line = token.line;
        token
    }

    fn peek(&self) -> Kind {
        self.tokens.get(self.next).or_else(|| self.tokens.last()).map_or(Kind::Eof, |token| token.kind)
    }

    fn skip_space(&mut self) {
        while self.peek() == Kind::Space {
            self.next += 1;
        }
    }

    fn solid(&mut self) -> Token {
        self.skip_space();
        self.token()
    }

    fn peek_solid(&mut self) -> Kind {
        self.skip_space();
        self.peek()
    }

    fn fail<T>(&self, message: impl AsRef<str>) -> Parsed<T> {
        Err(format!("template: {}:{}: {}", self.name, self.line, message.as_ref()))
    }

    fn unexpected<T>(&mut self, token: &Token, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.fail(format!("unexpected {} in {context}", token.shown()));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            let place = format!("started at {}:{}", self.name, self.action_line);
            extra = if token.text.ends_with(" action") { format!(" {place}") } else { format!(" in action {place}") };
        }
        self.fail(format!("{}{extra}", token.shown()))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.solid();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { self.fail(format!("more than {DEPTH_MAX} levels")) } else { Ok(()) }
    }

    fn whole(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek() != Kind::Eof {
            if self.peek() == Kind::LeftDelim {
                let before = self.next;
                self.next += 1;
                if self.peek_solid() == Kind::Keyword(Keyword::Define) {
                    self.next += 1;
                    self.definition()?;
                    continue;
                }
                self.next = before;
            }
            match self.item()? {
                Item::Node(node) => nodes.extend(node),
                Item::End(end) => return self.fail(format!("unexpected {}", end.shown())),
            }
        }
        Ok(nodes)
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        self.deeper()?;
        let mut nodes = Vec::new();
        while self.peek_solid() != Kind::Eof {
            match self.item()? {
                Item::Node(node) => nodes.extend(node),
                Item::End(end) => {
                    self.depth -= 1;
                    return Ok((nodes, end));
                }
            }
        }
        self.token();
        self.fail("unexpected EOF")
    }

    fn item(&mut self) -> Parsed<Item> {
        let token = self.solid();
        match token.kind {
            Kind::Text => Ok(Item::Node(Some(Node::Text(token.at, token.text.into())))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.solid();
        let Kind::Keyword(keyword) = token.kind else {
            self.next -= 1;
            let pipe = self.pipeline("command", Kind::RightDelim)?;
            return Ok(Item::Node(Some(Node::Action(pipe))));
        };
        let node = match keyword {
            Keyword::Break | Keyword::Continue => self.leave_loop(&token, keyword)?,
            Keyword::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::Whole));
            }
            Keyword::Else => {
                if matches!(self.peek_solid(), Kind::Keyword(Keyword::If | Keyword::With)) {
                    return Ok(Item::End(End::ElseBranch));
                }
                self.expect(Kind::RightDelim, "else")?;
                return Ok(Item::End(End::Else));
            }
            Keyword::If => Node::If(self.branch("if")?),
            Keyword::With => Node::With(self.branch("with")?),
            Keyword::Range => Node::Range(self.branch("range")?),
            Keyword::Template => self.call()?,
            Keyword::Block => self.block()?,
            // Only at the top, where it was looked for already.
            Keyword::Define => return self.unexpected(&token, "command"),
        };
        Ok(Item::Node(Some(node)))
    }

    fn leave_loop(&mut self, token: &Token, keyword: Keyword) -> Parsed<Node> {
        let (shown, node) = match keyword {
            Keyword::Break => ("{{break}}", Node::Break(token.at)),
            _ => ("{{continue}}", Node::Continue(token.at)),
        };
        self.expect(Kind::RightDelim, shown)?;
        if self.ranges == 0 { self.fail(format!("{shown} outside {{{{range}}}}")) } else { Ok(node) }
    }

    fn branch(&mut self, context: &str) -> Parsed<Branch> {
        let known = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let is_loop = context == "range";
        self.ranges += usize::from(is_loop);
        let (body, end) = self.list()?;
        self.ranges -= usize::from(is_loop);
        let otherwise = match end {
            End::Whole => None,
            End::ElseBranch => Some(vec![self.else_branch(context)?]),
            End::Else => {
                let (list, end) = self.list()?;
                if end != End::Whole {
                    return self.fail(format!("expected end; found {}", end.shown()));
                }
                Some(list)
            }
        };
        self.variables.truncate(known);
        Ok(Branch { pipe, body, otherwise })
    }

    /// `else if` stands for an `if` of its own, whose end ends both.
    fn else_branch(&mut self, context: &str) -> Parsed<Node> {
        let token = self.solid();
        self.deeper()?;
        let node = match (token.kind, context) {
            (Kind::Keyword(Keyword::If), "if") => Node::If(self.branch("if")?),
            (Kind::Keyword(Keyword::With), "with") => Node::With(self.branch("with")?),
            _ => return self.unexpected(&token, "else"),
        };
        self.depth -= 1;
        Ok(node)
    }

    fn name_of_template(&mut self, context: &str) -> Parsed<(At, Box<str>)> {
        let token = self.solid();
        match token.kind {
            Kind::QuotedText | Kind::RawText => Ok((token.at, self.unquote(&token.text)?)),
            _ => self.unexpected(&token, context),
        }
    }

    fn call(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let (at, name) = self.name_of_template(context)?;
        let pipe = match self.peek_solid() {
            Kind::RightDelim => {
                self.token();
                None
            }
            _ => Some(self.pipeline(context, Kind::RightDelim)?),
        };
        Ok(Node::Call { at, name, pipe })
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let (at, name) = self.name_of_template(context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.body_of(name.to_string(), context)?;
        Ok(Node::Call { at, name, pipe: Some(pipe) })
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let (_, name) = self.name_of_template(context)?;
        self.expect(Kind::RightDelim, context)?;
        self.body_of(name.into(), context)
    }

    /// A template of its own, which knows no variables from around it.
    fn body_of(&mut self, name: String, context: &str) -> Parsed<()> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, end) = self.list()?;
        if end != End::Whole {
            return self.fail(format!("unexpected {} in {context}", end.shown()));
        }
        self.variables = variables;
        self.ranges = ranges;
        self.defined.push(Named { name, nodes });
        Ok(())
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        self.deeper()?;
        self.skip_space();
        let at = self.tokens.get(self.next).map_or(0, |token| token.at);
        let mut pipe = Pipe { at, variables: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.solid();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawText
                | Kind::QuotedText
                | Kind::Variable
                | Kind::LeftParen => {
                    self.next -= 1;
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        self.depth -= 1;
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let stands =
                matches!(command.args.first(), Some(Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::Text(..)));
            if stands {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            if self.peek_solid() != Kind::Variable {
                return Ok(());
            }
            let start = self.next;
            let variable = self.token();
            let kind = self.peek_solid();
            let is_comma = kind == Kind::Char && self.tokens.get(self.next).is_some_and(|token| token.text == ",");
            if !matches!(kind, Kind::Assign | Kind::Declare) && !is_comma {
                self.next = start;
                return Ok(());
            }
            self.token();
            let name: Box<str> = variable.text.into();
            pipe.variables.push(name.clone());
            if kind == Kind::Assign && !self.variables.contains(&name) {
                return self.fail(format!("undefined variable {name:?}"));
            }
            self.variables.push(name);
            if !is_comma {
                pipe.assigns = kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() >= 2 {
                return self.fail(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_solid(), Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return self.fail("range can only initialize variables");
            }
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.skip_space();
        let at = self.tokens.get(self.next).map_or(0, |token| token.at);
        let mut args = Vec::new();
        loop {
            self.skip_space();
            args.extend(self.operand()?);
            let token = self.token();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.next -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        if args.is_empty() { self.fail("empty command") } else { Ok(Command { at, args }) }
    }

    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        let at = self.tokens.get(self.next).map_or(0, |token| token.at);
        let mut path: Vec<Box<str>> = Vec::new();
        while self.peek() == Kind::Field {
            let token = self.token();
            path.push(token.text.trim_start_matches('.').into());
        }
        if path.is_empty() {
            return Ok(Some(term));
        }
        Ok(Some(match term {
            Expr::Field(_, mut names) => {
                names.append(&mut path);
                Expr::Field(at, names)
            }
            Expr::Variable(_, name, mut names) => {
                names.append(&mut path);
                Expr::Variable(at, name, names)
            }
            Expr::Bool(..) | Expr::Text(..) | Expr::Number(..) | Expr::Nil(_) | Expr::Dot(_) => {
                return self.fail(format!("unexpected . after term {:?}", term.to_string()));
            }
            other => Expr::Chain(at, Box::new(other), path),
        }))
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let token = self.solid();
        let at = token.at;
        Ok(Some(match token.kind {
            Kind::Identifier if !(self.knows)(&token.text) => return self.fail(format!("function {:?} not defined", token.text)),
            Kind::Identifier => Expr::Function(at, token.text.into()),
            Kind::Dot => Expr::Dot(at),
            Kind::Nil => Expr::Nil(at),
            Kind::Variable if !self.variables.iter().any(|known| **known == token.text) => {
                return self.fail(format!("undefined variable {:?}", token.text));
            }
            Kind::Variable => Expr::Variable(at, token.text.into(), Vec::new()),
            Kind::Field => Expr::Field(at, vec![token.text.trim_start_matches('.').into()]),
            Kind::Bool => Expr::Bool(at, token.text == "true"),
            Kind::CharConstant => {
                let text = self.unquote(&token.text)?;
                let c = text.chars().next().map_or(0, |c| i64::from(c as u32));
                Expr::Number(at, super::ast::Number::Int(c), token.text.into())
            }
            Kind::Number => match lex::number(&token.text) {
                Some(number) => Expr::Number(at, number, token.text.into()),
                None => return self.fail(format!("bad number syntax: {:?}", token.text)),
            },
            Kind::LeftParen => Expr::Pipe(at, Box::new(self.pipeline("parenthesized pipeline", Kind::RightParen)?)),
            Kind::QuotedText | Kind::RawText => Expr::Text(at, self.unquote(&token.text)?, token.text.into()),
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        }))
    }

    fn unquote(&self, written: &str) -> Parsed<Box<str>> {
        match super::quote::unquote(written) {
            Some(text) => Ok(text.into()),
            None => self.fail("invalid syntax"),
        }
    }
}
