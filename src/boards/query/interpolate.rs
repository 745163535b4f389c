//! Variables in texts: finds `$x`, `${x}`, `${x.text}`, `${x:csv}`, `[[x]]`, `[[x:csv]]`, and puts in what is chosen.
//!
//! What stands for a name is looked for in this order: what is given for this place (`__field.labels.job`), the values
//! of a repeat, built-in names, the variables of the dashboard. A name that nothing stands for stays as it is.

use super::formats::{self, Chosen};
use super::variables::{Offered, Resolved};

/// Longest text that comes out, in bytes; what would pass it stays as it is.
const FILLED_BYTES_MAX: usize = 1024 * 1024;
/// How deep values may name other variables.
const DEPTH_MAX: usize = 4;

/// For whom a text is filled; says how values are written where the text does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// People: titles, descriptions.
    Words,
    /// A query in PromQL.
    PromQl,
    /// A query in LogQL.
    LogQl,
    /// A URL.
    Link,
    /// Something else, such as the name of a source.
    Plain,
}

/// A place of a variable in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place<'a> {
    start: usize,
    end: usize,
    name: &'a str,
    path: &'a str,
    form: &'a str,
}

fn word(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()
}

/// The first place at or behind an offset.
fn next_place(text: &str, mut from: usize) -> Option<Place<'_>> {
    loop {
        let start = from + text.get(from..)?.find(['$', '['])?;
        if let Some(place) = place_at(text, start) {
            return Some(place);
        }
        from = start + 1;
    }
}

fn place_at(text: &str, start: usize) -> Option<Place<'_>> {
    let rest = &text[start..];
    if let Some(inner) = rest.strip_prefix("${") {
        let close = inner.find('}')?;
        let inner = &inner[..close];
        let name = &inner[..word(inner)];
        let after = &inner[name.len()..];
        let (path, form) = match after.strip_prefix('.') {
            Some(after) => after.split_once(':').unwrap_or((after, "")),
            None => ("", after.strip_prefix(':').unwrap_or_default()),
        };
        let is_whole = after.is_empty() || (after.starts_with('.') && !path.is_empty()) || (after.starts_with(':') && !form.is_empty());
        return (!name.is_empty() && is_whole).then_some(Place { start, end: start + 3 + close, name, path, form });
    }
    if let Some(inner) = rest.strip_prefix("[[") {
        let close = inner.find("]]")?;
        let inner = &inner[..close];
        let (name, form) = inner.split_once(':').unwrap_or((inner, ""));
        return (!name.is_empty() && word(name) == name.len()).then_some(Place { start, end: start + 4 + close, name, path: "", form });
    }
    let name = rest.strip_prefix('$')?;
    let name = &name[..word(name)];
    (!name.is_empty()).then_some(Place { start, end: start + 1 + name.len(), name, path: "", form: "" })
}

/// In which literal of a query a place stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Quotes(char),
    Backticks,
}

/// Follows the quotes of a query.
fn within(mut state: Within, text: &str) -> Within {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        state = match (state, c) {
            (Within::Nothing, '"' | '\'') => Within::Quotes(c),
            (Within::Nothing, '`') => Within::Backticks,
            (Within::Quotes(_), '\\') => {
                chars.next();
                state
            }
            (Within::Quotes(open), c) if c == open => Within::Nothing,
            (Within::Backticks, '`') => Within::Nothing,
            _ => state,
        };
    }
    state
}

/// What is put into texts.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The variables of the dashboard.
    pub resolved: &'a Resolved,
    /// Variables that have one value here: of a repeat. Name, text, value.
    pub scoped: &'a [(String, String, String)],
    /// What stands only for this place, by name (`__field.labels.job`).
    pub extra: &'a [(&'a str, &'a str)],
    /// When and how densely is asked here.
    pub pace: super::times::Pace,
    /// For whom.
    pub usage: Usage,
}

impl Filling<'_> {
    /// A text with every variable filled in.
    pub fn fill(&self, text: &str) -> String {
        self.filled(text, 0)
    }

    fn filled(&self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let (mut from, mut state) = (0, Within::Nothing);
        while let Some(place) = next_place(text, from) {
            let before = &text[from..place.start];
            out.push_str(before);
            state = within(state, before);
            from = place.end;
            match self.value(&place, state, depth) {
                Some(value) if out.len() + value.len() <= FILLED_BYTES_MAX => out.push_str(&value),
                _ => out.push_str(&text[place.start..place.end]),
            }
        }
        out.push_str(&text[from..]);
        out
    }

    fn value(&self, place: &Place<'_>, within: Within, depth: usize) -> Option<String> {
        let Place { name, path, form, .. } = *place;
        let full = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
        let single = |value: &str, text: &str| Chosen { values: vec![value.to_owned()], texts: vec![text.to_owned()], is_list: false };
        if let Some((_, value)) = self.extra.iter().find(|(given, _)| *given == full) {
            return Some(self.written(name, &single(value, value), (path, form), within, false));
        }
        if let Some((_, text, value)) = self.scoped.iter().find(|(given, ..)| given == name) {
            let escapes = self.resolved.find(name).is_some_and(Offered::may_be_several);
            return Some(self.written(name, &single(value, text), (path, form), within, escapes));
        }
        if let Some(value) = self.built_in(name, path) {
            return Some(self.written(name, &single(&value, &value), (path, form), within, false));
        }
        let offered = self.resolved.find(name)?;
        let is_for_people = form == "text" || path == "text" || (form.is_empty() && self.usage == Usage::Words);
        if offered.is_all && !offered.variable.all_value.is_empty() && !is_for_people && !matches!(form, "queryparam" | "percentencode") {
            // A value of its own for all is written by hand for its place.
            let own = &offered.variable.all_value;
            return Some(if depth < DEPTH_MAX { self.filled(own, depth + 1) } else { own.clone() });
        }
        Some(self.written(name, &chosen(offered, form), (path, form), within, offered.may_be_several()))
    }

    /// The value of a name that every dashboard has.
    fn built_in(&self, name: &str, path: &str) -> Option<String> {
        let about = &self.resolved.about;
        Some(match (name, path) {
            ("__dashboard", "uid") => about.uid.clone(),
            ("__dashboard", _) => about.title.clone(),
            ("__org", "name") => "pharos".to_owned(),
            ("__org", _) => "1".to_owned(),
            ("__user", "" | "login" | "id") => about.user.clone(),
            ("__user", _) => String::new(),
            ("__timezone", _) => about.zone.clone(),
            ("__url_time_range", _) => format!("from={}&to={}", self.pace.range.start, self.pace.range.end),
            ("__all_variables", _) => self.all_variables(),
            // A dashboard may have a variable of its own that is called so.
            ("interval", _) if self.resolved.find(name).is_some() => return None,
            ("interval", _) if self.usage == Usage::Words => return None,
            _ => return self.pace.built_in(name),
        })
    }

    /// `var-a=1&var-b=2`: every variable that URLs carry.
    fn all_variables(&self) -> String {
        let of = |offered: &Offered| {
            let name = offered.variable.name.as_str();
            let scoped = self.scoped.iter().find(|(given, ..)| given == name);
            let chosen = match scoped {
                Some((_, text, value)) => Chosen { values: vec![value.clone()], texts: vec![text.clone()], is_list: false },
                None => chosen(offered, "queryparam"),
            };
            formats::shown("queryparam", name, &chosen)
        };
        let carried = self.resolved.variables.iter().filter(|offered| !offered.variable.skips_url);
        carried.filter_map(of).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("&")
    }

    fn written(&self, name: &str, chosen: &Chosen, (path, form): (&str, &str), within: Within, may_be_several: bool) -> String {
        if path == "text" && form.is_empty() {
            return chosen.texts.join(" + ");
        }
        if !form.is_empty()
            && let Some(text) = formats::shown(form, name, chosen).or_else(|| formats::date(form, chosen, &self.resolved.about.zone))
        {
            return text;
        }
        if matches!(name, "__url_time_range" | "__all_variables") {
            return chosen.values.join("");
        }
        match self.usage {
            Usage::PromQl | Usage::LogQl => self.in_query(name, chosen, within, may_be_several),
            Usage::Words => chosen.texts.join(" + "),
            Usage::Link => formats::shown("uriencode", name, chosen).unwrap_or_default(),
            Usage::Plain => formats::glob(&chosen.values),
        }
    }

    /// As Grafana's sources write values: those of variables that may have several are patterns that match just them.
    fn in_query(&self, name: &str, chosen: &Chosen, within: Within, may_be_several: bool) -> String {
        if may_be_several {
            let escape = if within == Within::Backticks { formats::escape_raw_regex } else { formats::escape_quoted_regex };
            let patterns: Vec<String> = chosen.values.iter().map(|value| escape(value)).collect();
            return match self.usage {
                Usage::LogQl => patterns.join("|"),
                _ => formats::grouped(patterns),
            };
        }
        let value = formats::glob(&chosen.values);
        // What comes from data may hold anything; what an author wrote is written for its place.
        let is_data = self.resolved.find(name).is_some_and(Offered::is_from_data);
        match within {
            Within::Quotes(quote) if is_data => value.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
            _ => value,
        }
    }
}

/// What is chosen, where all are chosen: every choice, or in URLs and for people the word for all.
fn chosen(offered: &Offered, form: &str) -> Chosen {
    let form = form.split(':').next().unwrap_or_default();
    let is_list = offered.may_be_several();
    if offered.is_all {
        let texts = vec!["All".to_owned()];
        let values =
            if form == "queryparam" { vec![super::ALL.to_owned()] } else { offered.choices.iter().map(|one| one.value.clone()).collect() };
        return Chosen { values, texts, is_list };
    }
    Chosen {
        values: offered.chosen.iter().map(|one| one.value.clone()).collect(),
        texts: offered.chosen.iter().map(|one| one.text.clone()).collect(),
        is_list: offered.variable.is_multi,
    }
}

#[cfg(test)]
mod tests;
