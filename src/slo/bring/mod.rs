//! Objectives of other programs, read into ours: Sloth's, Pyrra's and OpenSLO's files, and our own. What cannot be taken
//! over is said with the name of the objective; nothing is left out in silence.

mod kept;
mod openslo;
mod pyrra;
mod sloth;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use kept::KeptSlos;

use crate::base::quote::quote;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node};
use crate::slo::config::{Slo, file};

/// Largest file that is read.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Documents of one file at most.
const DOCUMENTS_MAX: usize = 2_000;

/// Objectives that were brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Brought {
    /// Where they come from: several where the file mixes them.
    pub sources: Vec<&'static str>,
    /// The objectives, each with its own name.
    pub slos: Vec<Slo>,
    /// What could not be taken over, with the objective's name, and what has to be done by hand.
    pub notes: Vec<String>,
}

impl Brought {
    fn from(&mut self, source: &'static str) {
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
    }

    fn note(&mut self, name: &str, what: &str) {
        self.notes.push(format!("{name}: {what}"));
    }

    /// Takes what was drafted in the words of our own file, or says why it is wrong.
    fn take(&mut self, name: &str, draft: MapWriter) {
        match file::read_one(&yaml::print(&draft.finish())) {
            Ok(slo) => {
                if self.slos.iter().any(|known| known.name == slo.name) {
                    return self.note(name, "another of this name stands in the file, so this one is left out");
                }
                self.slos.push(slo);
            }
            Err(wrong) => {
                let words: Vec<&str> = wrong.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
                self.note(name, &format!("it is left out: {}", words.join("; ")));
            }
        }
    }
}

/// Reads a file, recognised by what stands in it; several documents may follow each other.
///
/// # Errors
/// What it is not, in words.
pub fn read(text: &str) -> Result<Brought, String> {
    if text.len() > FILE_BYTES_MAX {
        return Err(format!("the file is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024));
    }
    let documents = documents(text.trim_start_matches('\u{feff}'))?;
    let mut brought = Brought::default();
    let mut others = 0;
    let open = openslo::Known::of(&documents);
    for root in &documents {
        let word = |key: &str| root.get(key).map(text_of).unwrap_or_default();
        let (version, api, kind) = (word("version"), word("apiVersion"), word("kind"));
        if version == "prometheus/v1" || (api.starts_with("sloth.slok.dev/") && kind == "PrometheusServiceLevel") {
            brought.from("Sloth");
            sloth::read(root, &mut brought);
        } else if api.starts_with("pyrra.dev/") && kind == "ServiceLevelObjective" {
            brought.from("Pyrra");
            pyrra::read(root, &mut brought);
        } else if api.starts_with("openslo/") || api.starts_with("openslo.com/") {
            brought.from("OpenSLO");
            openslo::read(root, &open, &mut brought);
        } else if root.get("slos").is_some() {
            brought.from("pharos");
            // Of a single document the places of mistakes are those in the file.
            let printed = if documents.len() == 1 { text.to_owned() } else { yaml::print(root) };
            let (slos, _) = file::read(&printed, Path::new("slos"))
                .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
            brought.slos.extend(slos);
        } else if root.kind != Kind::Null {
            others += 1;
        }
    }
    if brought.sources.is_empty() {
        return Err("the file is none of those that can be read: Sloth's, Pyrra's or OpenSLO's, or a file of SLOs of pharos".to_owned());
    }
    if others > 0 {
        brought.notes.push(format!("{others} documents of the file are no SLOs and are left out"));
    }
    Ok(brought)
}

/// Every document of a text.
fn documents(text: &str) -> Result<Vec<Node>, String> {
    let (mut documents, mut rest, mut before) = (Vec::new(), text, 0_u32);
    loop {
        let document =
            yaml::parse(rest).map_err(|error| format!("the file cannot be read at line {}: {}", before + error.at.line, error.message))?;
        documents.push(document.root);
        if documents.len() > DOCUMENTS_MAX {
            return Err(format!("the file has more than {DOCUMENTS_MAX} documents"));
        }
        let Some(second) = document.second.filter(|second| second.line > 1) else { return Ok(documents) };
        let lines = usize::try_from(second.line - 1).unwrap_or(usize::MAX);
        let Some((at, _)) = rest.match_indices('\n').nth(lines.saturating_sub(1)) else { return Ok(documents) };
        before += second.line - 1;
        rest = &rest[at + 1..];
    }
}

/// The text of a scalar; empty of anything else.
fn text_of(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, .. } => text.trim().to_owned(),
        _ => String::new(),
    }
}

/// The value at the end of some keys.
fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| node.get(key)).filter(|node| node.kind != Kind::Null)
}

/// The text at the end of some keys; empty if there is none.
fn text_at(node: &Node, path: &[&str]) -> String {
    at(node, path).map(text_of).unwrap_or_default()
}

/// The first of several names of a key that is there: YAML of files and of Kubernetes write them differently.
fn either<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Node> {
    keys.iter().find_map(|key| at(node, &[key]))
}

/// The items of a list.
fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

/// The pairs of a map of texts.
fn pairs(node: Option<&Node>) -> Vec<(String, String)> {
    match node.map(|node| &node.kind) {
        Some(Kind::Map(pairs)) => pairs.iter().map(|(key, value)| (key.text.to_string(), text_of(value))).collect(),
        _ => Vec::new(),
    }
}

/// A map of texts to print.
fn map(pairs: &[(String, String)]) -> MapWriter {
    let mut out = MapWriter::default();
    for (name, value) in pairs {
        out.text(name, value);
    }
    out
}

/// Adds labels, the later ones first; those that cannot be labels are said.
fn labels(brought: &mut Brought, name: &str, lists: &[Vec<(String, String)>]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (label, value) in lists.iter().flatten() {
        let is_name = crate::series::labels::is_legacy_label_name(label) && !label.starts_with("__");
        if !is_name || matches!(label.as_str(), "slo" | "window" | "le" | "alertname") {
            brought.note(name, &format!("the label {} cannot be one here and is left out", quote(label)));
            continue;
        }
        match all.iter_mut().find(|(known, _)| known == label) {
            Some((_, known)) => known.clone_from(value),
            None => all.push((label.clone(), value.clone())),
        }
    }
    all
}

/// A name as it may be here.
fn named(text: &str) -> String {
    let fine = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ':') { c } else { '-' };
    text.trim().trim_start_matches('.').chars().map(fine).take(100).collect()
}

/// Whether a key says true.
fn is_true(node: Option<&Node>) -> bool {
    node.is_some_and(|node| text_of(node) == "true")
}
