//! Numbers of declarations, printed as they were written.

use std::fmt;

use crate::base::float;
use crate::base::quote::quote;
use crate::platform::config::scalar;
use crate::platform::config::section::Section;
use crate::platform::config::shape::Shape;
use crate::platform::config::value::Value;
use crate::platform::config::yaml::{MapWriter, Node};

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&float::plain(self.0))
    }
}

impl Value for Number {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        read(section, key, "a number", |text| text).map(Self)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if self.0 != 0.0 {
            out.put(key, Node::bare(self));
        }
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

/// Parts of a hundred, written with or without their sign.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percent(pub f64);

impl Percent {
    /// The part of one that is missing to all of it: 0.001 of 99.9 %.
    pub fn missing(self) -> f64 {
        // What people write has a few digits: 0.001, not 0.0009999999999999432.
        ((100.0 - self.0) / 100.0 * 1e12).round() / 1e12
    }

    /// As a part of one: 0.999 of 99.9 %.
    pub fn part(self) -> f64 {
        (self.0 / 100.0 * 1e12).round() / 1e12
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&float::plain(self.0))
    }
}

impl Value for Percent {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        read(section, key, "a percentage such as 99.9", |text| text.strip_suffix('%').unwrap_or(text).trim_end()).map(Self)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.put(key, Node::bare(self));
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

fn read(section: &mut Section<'_, '_>, key: &'static str, expected: &str, bare: fn(&str) -> &str) -> Option<f64> {
    let text = section.text(key)?;
    let found = scalar::float(bare(text.trim())).filter(|number| number.is_finite());
    if found.is_none() {
        let at = section.value_place(key);
        section.report.error(at, format!("{key}: read {}, expected {expected}", quote(&text)));
    }
    found
}
