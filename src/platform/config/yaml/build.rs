//! From parser events to a tree, without recursion and within bounds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::{DEPTH_MAX, Document, FILE_BYTES_MAX, Key, Kind, NODES_MAX, Node, Position, YamlError};

/// Reads the first document of `text`.
pub fn parse(text: &str) -> Result<Document, YamlError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(YamlError { at: Position::default(), message: format!("more than {FILE_BYTES_MAX} bytes") });
    }
    let options = serde_saphyr::granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| scan_error(&error))?;
        let at = position(&span.start);
        if matches!(event, Event::DocumentStart(..)) && builder.root.is_some() {
            return Ok(Document { root: builder.root.unwrap_or_else(nothing), second: Some(at) });
        }
        builder.event(event, at)?;
    }
    Ok(Document { root: builder.root.unwrap_or_else(nothing), second: None })
}

fn nothing() -> Node {
    Node::new(Kind::Null)
}

fn position(mark: &Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: number(mark.line()), column: number(mark.col()).saturating_add(1) }
}

fn scan_error(error: &ScanError) -> YamlError {
    YamlError { at: position(error.marker()), message: format!("not valid YAML: {}", error.kind()) }
}

/// A node under construction.
struct Frame {
    at: Position,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(MapContent),
}

#[derive(Default)]
struct MapContent {
    pairs: Vec<(Key, Node)>,
    /// Where each key stands in `pairs`.
    places: HashMap<Box<str>, usize>,
    /// The key read last, waiting for its value.
    key: Option<PendingKey>,
    /// Maps behind `<<`, in order; keys of the map itself win over them.
    merged: Vec<Vec<(Key, Node)>>,
}

enum PendingKey {
    Key(Key),
    Merge(Position),
}

/// A finished node that has an anchor.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
    bytes: usize,
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    /// Bytes of text that aliases copied.
    copied_bytes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar(&text, style, tag.as_deref(), at)?;
                // A key is a text even if it is written `null` or nothing.
                self.node(Node { at, kind }, anchor, 1, Some(&text))
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.open(at, anchor, Content::Map(MapContent::default())),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.alias(id, at),
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Position, anchor: usize, content: Content) -> Result<(), YamlError> {
        if let Some(Frame { content: Content::Map(MapContent { key: None, .. }), .. }) = self.stack.last() {
            return Err(error(at, "a key must be text, not a list or map"));
        }
        if self.stack.len() >= DEPTH_MAX {
            return Err(error(at, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.stack.push(Frame { at, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let kind = match frame.content {
            Content::List(items) => Kind::List(items),
            Content::Map(map) => Kind::Map(map.finish()),
        };
        let node = Node { at: frame.at, kind };
        let depth = if frame.anchor > 0 { depth(&node) } else { 1 };
        self.node(node, frame.anchor, depth, None)
    }

    fn alias(&mut self, id: usize, at: Position) -> Result<(), YamlError> {
        let Some(anchored) = self.anchors.get(&id) else { return Err(error(at, "an anchor must not contain itself")) };
        self.nodes = self.nodes.saturating_add(anchored.nodes);
        self.copied_bytes = self.copied_bytes.saturating_add(anchored.bytes);
        if self.nodes > NODES_MAX || self.copied_bytes > 2 * FILE_BYTES_MAX {
            return Err(error(at, "aliases make the document too large"));
        }
        if self.stack.len() + anchored.depth > DEPTH_MAX {
            return Err(error(at, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        // What an alias brings keeps the place of its definition, where a mistake in it must be mended.
        let node = anchored.node.clone();
        let text = match &node.kind {
            Kind::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.place(node, text.as_deref(), at)
    }

    /// Takes a finished node.
    fn node(&mut self, node: Node, anchor: usize, depth: usize, text: Option<&str>) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(error(node.at, format!("more than {NODES_MAX} values")));
        }
        if anchor > 0 {
            let (nodes, bytes) = size(&node);
            self.copied_bytes = self.copied_bytes.saturating_add(bytes);
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth, bytes });
        }
        let at = node.at;
        self.place(node, text, at)
    }

    fn place(&mut self, node: Node, text: Option<&str>, at: Position) -> Result<(), YamlError> {
        match self.stack.last_mut() {
            None => {
                self.root.get_or_insert(node);
                Ok(())
            }
            Some(Frame { content: Content::List(items), .. }) => {
                items.push(node);
                Ok(())
            }
            Some(Frame { content: Content::Map(map), .. }) => map.place(node, text, at),
        }
    }
}

impl MapContent {
    fn place(&mut self, node: Node, text: Option<&str>, at: Position) -> Result<(), YamlError> {
        match self.key.take() {
            None => {
                let Some(text) = text else { return Err(error(at, "a key must be text, not a list or map")) };
                let is_merge = text == "<<" && matches!(node.kind, Kind::Scalar { plain: true, .. });
                self.key = Some(if is_merge { PendingKey::Merge(at) } else { PendingKey::Key(Key { at, text: text.into() }) });
                Ok(())
            }
            Some(PendingKey::Merge(at)) => self.merge(node, at),
            Some(PendingKey::Key(key)) => match self.places.entry(key.text.clone()) {
                Entry::Vacant(free) => {
                    free.insert(self.pairs.len());
                    self.pairs.push((key, node));
                    Ok(())
                }
                Entry::Occupied(taken) => {
                    let line = self.pairs.get(*taken.get()).map_or(0, |(first, _)| first.at.line);
                    Err(error(key.at, format!("key {:?} is set twice, first in line {line}", key.text)))
                }
            },
        }
    }

    fn merge(&mut self, node: Node, at: Position) -> Result<(), YamlError> {
        let wrong = || error(at, "<< takes a map or a list of maps");
        match node.kind {
            Kind::Map(pairs) => self.merged.push(pairs),
            Kind::List(items) => {
                for item in items {
                    let Kind::Map(pairs) = item.kind else { return Err(wrong()) };
                    self.merged.push(pairs);
                }
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<(Key, Node)> {
        for (key, node) in self.merged.into_iter().flatten() {
            if let Entry::Vacant(free) = self.places.entry(key.text.clone()) {
                free.insert(self.pairs.len());
                self.pairs.push((key, node));
            }
        }
        self.pairs
    }
}

fn error(at: Position, message: impl Into<String>) -> YamlError {
    YamlError { at, message: message.into() }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Result<Kind, YamlError> {
    let is_plain = style == ScalarStyle::Plain;
    let suffix = tag.map(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
    let plain = match suffix.as_ref().map(Option::as_deref) {
        None if is_plain && is_null(text) => return Ok(Kind::Null),
        None => is_plain,
        Some(Some("null")) => return Ok(Kind::Null),
        Some(Some("int" | "float" | "bool")) => true,
        Some(Some("binary")) => return Err(error(at, "values tagged !!binary are not supported, write the text itself")),
        Some(_) => false,
    };
    Ok(Kind::Scalar { text: text.into(), plain })
}

/// Whether a text without quotes means nothing.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Nodes and bytes of text below and at `node`.
fn size(node: &Node) -> (usize, usize) {
    let add = |(nodes, bytes): (usize, usize), child: &Node| {
        let (more_nodes, more_bytes) = size(child);
        (nodes + more_nodes, bytes + more_bytes)
    };
    match &node.kind {
        Kind::Null => (1, 0),
        Kind::Scalar { text, .. } => (1, text.len()),
        Kind::List(items) => items.iter().fold((1, 0), add),
        Kind::Map(pairs) => pairs.iter().fold((1, 0), |sum, (key, child)| {
            let (nodes, bytes) = add(sum, child);
            (nodes, bytes + key.text.len())
        }),
    }
}

/// Levels below and at `node`.
fn depth(node: &Node) -> usize {
    let below = match &node.kind {
        Kind::Null | Kind::Scalar { .. } => 0,
        Kind::List(items) => items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(pairs) => pairs.iter().map(|(_, child)| depth(child)).max().unwrap_or(0),
    };
    below + 1
}
