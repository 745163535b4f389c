//! Words of pages in the reader's language: English and Arabic.
//!
//! The English text is the key: templates and code stay readable, and what a language does not know stays English.
//! `ar.txt` holds one text a line, `English = Arabic`; counts have the forms of Arabic (zero, one, two, few, many,
//! other) between bars. Values are placed at `{}` inside first-strong isolates, so that `812 ms` keeps its order.

mod plural;

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::LazyLock;

use crate::ui::format::count as digits;

/// A language of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Arabic.
    Ar,
}

/// Every language with its own name.
pub const LANGUAGES: [(Lang, &str); 2] = [(Lang::En, "English"), (Lang::Ar, "العربية")];

static ARABIC: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| read(include_str!("ar.txt")));

/// `English = Arabic`, a line each; empty lines and those that begin with `#` are for people.
fn read(text: &'static str) -> HashMap<&'static str, &'static str> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = ")).map(|(key, value)| (key.trim(), value.trim())).collect()
}

/// Marks an English text as one that is looked up later, so that the test of the catalogue finds it.
pub const fn key(en: &'static str) -> &'static str {
    en
}

impl Lang {
    /// The value of `lang` and of the cookie.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ar => "ar",
        }
    }

    /// The value of `dir`.
    pub const fn dir(self) -> &'static str {
        match self {
            Self::En => "ltr",
            Self::Ar => "rtl",
        }
    }

    /// From its code, also with a region (`ar-EG`).
    pub fn parse(code: &str) -> Option<Self> {
        let main = code.split(['-', '_']).next().unwrap_or("").trim();
        LANGUAGES.iter().map(|(lang, _)| *lang).find(|lang| lang.as_str().eq_ignore_ascii_case(main))
    }

    /// The first language of an `Accept-Language` header that there is; English when there is none.
    pub fn accepted(header: &str) -> Self {
        let weight = |entry: &str| {
            let q = entry.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok());
            (q.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u32
        };
        let mut best: Option<(u32, Self)> = None;
        for entry in header.split(',').take(32) {
            let Some(lang) = Self::parse(entry.split(';').next().unwrap_or("")) else { continue };
            let weight = weight(entry);
            if weight > 0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::En, |(_, lang)| lang)
    }

    /// A text in this language.
    pub fn t(self, en: &str) -> &str {
        match self {
            Self::En => en,
            Self::Ar => ARABIC.get(en).copied().unwrap_or(en),
        }
    }

    /// What stands between the parts of a list.
    pub const fn comma(self) -> &'static str {
        match self {
            Self::En => ", ",
            Self::Ar => "، ",
        }
    }

    /// A text that keeps its order among letters that run from right to left: a sum of money, a cron expression, one thing
    /// that leads to another.
    pub fn ltr(self, text: String) -> String {
        if self.dir() == "rtl" { format!("\u{2066}{text}\u{2069}") } else { text }
    }

    /// A text with values at its `{}`, in order.
    pub fn fill(self, en: &str, values: &[&dyn Display]) -> String {
        let text = self.t(en);
        let mut out = String::with_capacity(text.len() + 16 * values.len());
        let mut values = values.iter();
        let mut rest = text;
        while let Some(at) = rest.find("{}") {
            out.push_str(&rest[..at]);
            if let Some(value) = values.next() {
                self.place(&mut out, value);
            }
            rest = &rest[at + 2..];
        }
        out.push_str(rest);
        out
    }

    /// A count in words: `one` for 1, else `many`, both with `{}` for the number.
    pub fn n(self, count: u64, one: &str, many: &str) -> String {
        let number = digits(count);
        let forms = match self {
            Self::En => None,
            Self::Ar => ARABIC.get(many).map(|forms| plural::arabic(count, forms)),
        };
        let form = forms.unwrap_or(if count == 1 { one } else { many });
        let (before, after) = form.split_once("{}").unwrap_or((form, ""));
        let mut out = before.to_owned();
        if form.contains("{}") {
            self.place(&mut out, &number);
        }
        out + after
    }

    fn place(self, out: &mut String, value: &dyn Display) {
        // Writing to a String cannot fail.
        let _infallible = match self {
            Self::En => write!(out, "{value}"),
            Self::Ar => write!(out, "\u{2068}{value}\u{2069}"),
        };
    }
}

/// A sentence that is made before the reader's language is known: its English text and the values in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    key: &'static str,
    values: Vec<String>,
    whom: Option<String>,
}

impl Words {
    /// A sentence with values at its `{}`.
    pub fn new(key: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        Self { key, values: values.into_iter().collect(), whom: None }
    }

    /// A text that is the same in every language: a name, an error of another program.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { key: "{}", values: vec![text.into()], whom: None }
    }

    /// The same, said of somebody: `api: …`.
    #[must_use]
    pub fn of(mut self, whom: &str) -> Self {
        self.whom = Some(whom.to_owned());
        self
    }

    /// In a language.
    pub fn text(&self, lang: Lang) -> String {
        let text = match (self.key, self.values.as_slice()) {
            ("{}", [only]) => {
                let mut text = String::new();
                lang.place(&mut text, only);
                text
            }
            (key, values) => {
                let values: Vec<&dyn Display> = values.iter().map(|value| value as &dyn Display).collect();
                lang.fill(key, &values)
            }
        };
        match &self.whom {
            Some(whom) => {
                let mut said = String::new();
                lang.place(&mut said, whom);
                format!("{said}: {text}")
            }
            None => text,
        }
    }
}

impl From<&'static str> for Words {
    fn from(key: &'static str) -> Self {
        Self { key, values: Vec::new(), whom: None }
    }
}

#[cfg(test)]
mod tests;
