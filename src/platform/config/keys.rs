//! Sections of the file as structs: one declaration gives the struct, its reading and its printing.

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::{Diagnostic, Report};
use super::shape::{KeyShape, Shape};
use super::value::Value;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node};

/// A struct made of keys of a map. Declared with [`keys!`].
pub trait Keys: Sized {
    /// What messages call the map.
    const NAME: &'static str;

    /// Reads every key; what is not set has its default.
    fn read_keys(section: &mut Section<'_, '_>) -> Self;

    /// Writes every key that says something.
    fn write_keys(&self, out: &mut MapWriter);

    /// Every key, and what stands behind it.
    fn shape() -> Vec<KeyShape>;

    /// Says what is wrong with values that fit each by itself.
    fn check(&mut self, section: &mut Section<'_, '_>);
}

/// Reads a map; keys that nobody knows are errors.
pub fn read_map<T: Keys>(node: &Node, section: &mut Section<'_, '_>) -> Option<T> {
    let mut below = Section::open(node, T::NAME, section.report)?;
    let mut value = T::read_keys(&mut below);
    value.check(&mut below);
    below.finish_exactly();
    Some(value)
}

/// Reads a text that is one such map, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_text<T: Keys>(text: &str) -> Result<T, Vec<Diagnostic>> {
    let mut report = Report::new(Path::new(T::NAME));
    let mut found = None;
    match yaml::parse(text) {
        Ok(document) => {
            if let Some(mut section) = Section::open(&document.root, T::NAME, &mut report) {
                let mut value = T::read_keys(&mut section);
                value.check(&mut section);
                section.finish_exactly();
                found = Some(value);
            }
        }
        Err(error) => report.error(error.at, error.message),
    }
    report.finish()?;
    found.ok_or_else(Vec::new)
}

/// The map as it is printed.
pub fn to_node<T: Keys>(value: &T) -> Node {
    let mut out = MapWriter::default();
    value.write_keys(&mut out);
    out.finish()
}

/// Declares a struct whose fields are keys of a map of the file, each with its type, its default where that is not
/// the type's, and its key where that is not its name. `check` names a function that looks at the whole. A value behind
/// `=>` is not printed: older versions of amtool refuse keys that they do not know, even where nobody set them.
macro_rules! keys {
    (
        $(#[$meta:meta])*
        $name:ident, $label:literal $(, check = $check:path)?;
        $( $(#[doc = $about:literal])* $field:ident $(as $key:literal)? : $type:ty $(= $default:expr)? $(=> $quiet:expr)? ),* $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $about])* pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: keys!(@default $($default)?), )* }
            }
        }

        impl $crate::platform::config::keys::Keys for $name {
            const NAME: &'static str = $label;

            fn read_keys(section: &mut $crate::platform::config::section::Section<'_, '_>) -> Self {
                let mut value = Self::default();
                $(
                    if let Some(read) = <$type as $crate::platform::config::value::Value>::read(section, keys!(@key $field $($key)?)) {
                        value.$field = read;
                    }
                )*
                value
            }

            fn write_keys(&self, out: &mut $crate::platform::config::yaml::MapWriter) {
                $(
                    if !keys!(@quiet self.$field, $type $(, $quiet)?) {
                        $crate::platform::config::value::Value::write(&self.$field, keys!(@key $field $($key)?), out);
                    }
                )*
            }

            fn shape() -> Vec<$crate::platform::config::shape::KeyShape> {
                vec![$( $crate::platform::config::shape::KeyShape::new(
                    keys!(@key $field $($key)?),
                    &[$($about),*],
                    <$type as $crate::platform::config::value::Value>::shape(),
                ), )*]
            }

            fn check(&mut self, section: &mut $crate::platform::config::section::Section<'_, '_>) {
                keys!(@check self section $($check)?);
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { ($default).into() };
    (@quiet $value:expr, $type:ty) => { false };
    (@quiet $value:expr, $type:ty, $quiet:expr) => {{
        let quiet: $type = ($quiet).into();
        $value == quiet
    }};
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@check $self:ident $section:ident) => { let _ = $section; };
    (@check $self:ident $section:ident $check:path) => { $check($self, $section) };
}
pub(crate) use keys;

/// Lists of maps.
impl<T: Keys> Value for Vec<T> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let nodes = section.list(key);
        Some(nodes.iter().filter_map(|node| read_map(node, section)).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.list_if(key, self.iter().map(to_node).collect());
    }

    fn shape() -> Shape {
        Shape::List(Box::new(Shape::Keys(T::shape())))
    }
}

/// A map that may be missing.
impl<T: Keys> Value for Option<Box<T>> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let node = section.node(key)?;
        read_map(node, section).map(|value| Some(Box::new(value)))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(value) = self {
            out.put(key, to_node(&**value));
        }
    }

    fn shape() -> Shape {
        Shape::Keys(T::shape())
    }
}

/// Maps of names that the file chooses.
impl<T: Keys> Value for BTreeMap<String, T> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let node = section.node(key)?;
        let Kind::Map(pairs) = &node.kind else {
            section.report.error(node.at, format!("{key}: read {}, expected keys and values", node.describe()));
            return None;
        };
        Some(pairs.iter().filter_map(|(name, node)| Some((name.text.to_string(), read_map(node, section)?))).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        for (name, value) in self {
            below.put(name, to_node(value));
        }
        out.map_if(key, below);
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::Keys(T::shape())))
    }
}
