//! Our own file of checks, as it was exported: secrets are not in it.

use super::draft::Drafts;
use super::{Brought, finish};
use crate::platform::config::yaml::{self, Kind, Node};

/// What stands where a secret was.
const SECRET: &str = "<secret>";

/// What stands in addresses where a secret was.
const MASKED: [&str; 2] = [":xxxxx@", SECRET];

/// Reads a file of checks.
pub(super) fn read(root: &Node) -> Brought {
    let mut drafts = Drafts::default();
    let items = match root.get("checks").map(|node| &node.kind) {
        Some(Kind::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().for_each(|item| one(item, &mut drafts));
    if root.get("maintenance").is_some() {
        drafts.say_of_all("maintenance is not taken over: plan it here");
    }
    finish("pharos", drafts)
}

fn one(item: &Node, drafts: &mut Drafts) {
    let name = match item.get("name").map(|node| &node.kind) {
        Some(Kind::Scalar { text, .. }) => text.to_string(),
        _ => String::new(),
    };
    let mut item = item.clone();
    let mut hidden = Vec::new();
    without_secrets(&mut item, &mut hidden);
    for key in hidden {
        drafts.say(&name, &format!("{key} was hidden when the file was exported, and has to be set again"));
    }
    drafts.take_text(&name, yaml::print(&item));
}

/// Takes out what only says that there is a secret.
fn without_secrets(node: &mut Node, hidden: &mut Vec<String>) {
    match &mut node.kind {
        Kind::Map(pairs) => {
            pairs.retain(|(key, value)| {
                let is_hidden = matches!(&value.kind, Kind::Scalar { text, .. } if &**text == SECRET);
                if is_hidden {
                    hidden.push(key.text.to_string());
                }
                !is_hidden
            });
            pairs.iter_mut().for_each(|(_, value)| without_secrets(value, hidden));
        }
        Kind::List(items) => items.iter_mut().for_each(|item| without_secrets(item, hidden)),
        Kind::Scalar { text, .. } if MASKED.iter().any(|mark| text.contains(mark)) => hidden.push("a part of an address".to_owned()),
        Kind::Null | Kind::Scalar { .. } => {}
    }
}
