//! Escapes what a template prints for the place in HTML where it stands, as Go's `html/template` documents it.
//!
//! Go finds the places before it runs a template; here they are followed while it runs, over the template's own text
//! only, which comes to the same, as what is printed never changes the place.

use super::value::Value;

/// Where in HTML the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Text,
    Comment,
    /// Inside of a tag, between attributes.
    Tag,
    /// Behind an attribute's name.
    AfterName,
    /// Behind its `=`.
    BeforeValue,
    /// In its value, which ends with this quote; a space ends a value without.
    Value(Quote, Kind),
    /// Inside of `<script>`, `<style>`, `<textarea>` or `<title>`.
    Raw(Element),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    None,
}

/// What an attribute's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Url(UrlPart),
    Style,
    Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UrlPart {
    Start,
    Path,
    Query,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Script,
    Style,
    Textarea,
    Title,
}

const ELEMENTS: [(&str, Element); 4] =
    [("script", Element::Script), ("style", Element::Style), ("textarea", Element::Textarea), ("title", Element::Title)];

impl Element {
    fn end(self) -> String {
        let name = ELEMENTS.iter().find(|(_, element)| *element == self).map_or("", |(name, _)| name);
        format!("</{name}")
    }
}

/// What stands for something that may not stand where it is, as in Go.
const UNSAFE: &str = "ZgotmplZ";

/// Follows the place in HTML.
#[derive(Debug, Clone, Default)]
pub(super) struct Markup {
    place: Place,
    /// Of the tag that is open, in lower case; begins with `/` if it ends an element.
    tag: String,
    /// Of the attribute that is read, in lower case.
    attribute: String,
}

impl Markup {
    /// Puts out text of the template, without its comments, and sees where it leads.
    pub(super) fn text(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Text => self.in_text(rest, out),
                Place::Comment => match rest.find("-->") {
                    Some(end) => {
                        self.place = Place::Text;
                        rest.get(end + 3..).unwrap_or_default()
                    }
                    None => "",
                },
                Place::Tag => self.in_tag(rest, out),
                Place::AfterName => self.after_name(rest, out),
                Place::BeforeValue => self.before_value(rest, out),
                Place::Value(quote, kind) => self.in_value(rest, quote, kind, out),
                Place::Raw(element) => self.in_raw(rest, element, out),
            };
        }
    }

    fn in_text<'t>(&mut self, rest: &'t str, out: &mut String) -> &'t str {
        let Some(at) = rest.find('<') else {
            out.push_str(rest);
            return "";
        };
        out.push_str(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at + 1..).unwrap_or_default();
        if let Some(comment) = behind.strip_prefix("!--") {
            self.place = Place::Comment;
            return comment;
        }
        let name = behind.strip_prefix('/').unwrap_or(behind);
        if behind.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("!doctype")) {
            out.push('<');
            return behind;
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            out.push_str("&lt;");
            return behind;
        }
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))).unwrap_or(name.len());
        let closes = behind.len() > name.len();
        self.tag = format!("{}{}", if closes { "/" } else { "" }, name.get(..end).unwrap_or_default().to_ascii_lowercase());
        self.place = Place::Tag;
        out.push('<');
        let length = end + usize::from(closes);
        out.push_str(behind.get(..length).unwrap_or_default());
        behind.get(length..).unwrap_or_default()
    }

    fn in_tag<'t>(&mut self, rest: &'t str, out: &mut String) -> &'t str {
        let spaces = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/').len();
        if spaces > 0 {
            return pass(rest, spaces, out);
        }
        if rest.starts_with('>') {
            let element = ELEMENTS.iter().find(|(name, _)| *name == self.tag).map(|(_, element)| *element);
            self.place = element.map_or(Place::Text, Place::Raw);
            return pass(rest, 1, out);
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len()).max(1);
        let end = rest.char_indices().map(|(at, c)| at + c.len_utf8()).find(|at| *at >= end).unwrap_or(rest.len());
        self.attribute = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
        self.place = Place::AfterName;
        pass(rest, end, out)
    }

    fn after_name<'t>(&mut self, rest: &'t str, out: &mut String) -> &'t str {
        let spaces = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        if spaces > 0 {
            return pass(rest, spaces, out);
        }
        if rest.starts_with('=') {
            self.place = Place::BeforeValue;
            return pass(rest, 1, out);
        }
        self.place = Place::Tag;
        rest
    }

    fn before_value<'t>(&mut self, rest: &'t str, out: &mut String) -> &'t str {
        let spaces = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        if spaces > 0 {
            return pass(rest, spaces, out);
        }
        let (quote, length) = match rest.as_bytes().first() {
            Some(b'"') => (Quote::Double, 1),
            Some(b'\'') => (Quote::Single, 1),
            _ => (Quote::None, 0),
        };
        self.place = Place::Value(quote, kind_of(&self.attribute));
        pass(rest, length, out)
    }

    fn in_value<'t>(&mut self, rest: &'t str, quote: Quote, kind: Kind, out: &mut String) -> &'t str {
        let end = match quote {
            Quote::Double => rest.find('"'),
            Quote::Single => rest.find('\''),
            Quote::None => rest.find(|c: char| c.is_ascii_whitespace() || c == '>'),
        };
        let value = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        out.push_str(value);
        match end {
            None => {
                self.place = Place::Value(quote, further(kind, value));
                ""
            }
            Some(end) => {
                self.place = Place::Tag;
                pass(rest.get(end..).unwrap_or_default(), usize::from(quote != Quote::None), out)
            }
        }
    }

    fn in_raw<'t>(&mut self, rest: &'t str, element: Element, out: &mut String) -> &'t str {
        let end = element.end();
        let lower = rest.to_ascii_lowercase();
        match lower.find(&end) {
            None => {
                out.push_str(rest);
                ""
            }
            Some(at) => {
                out.push_str(rest.get(..at).unwrap_or_default());
                self.tag = end.trim_start_matches('<').to_owned();
                self.place = Place::Tag;
                pass(rest.get(at..).unwrap_or_default(), end.len(), out)
            }
        }
    }

    /// Puts out a value.
    pub(super) fn value(&mut self, value: &Value<'_>, out: &mut String) {
        if matches!(self.place, Place::BeforeValue) {
            self.place = Place::Value(Quote::None, kind_of(&self.attribute));
        }
        let printed = match value {
            // Go prints nothing for what is missing.
            Value::Nil => String::new(),
            value => value.printed(),
        };
        let is_markup = matches!(value, Value::Markup(_));
        match self.place {
            Place::Text if is_markup => out.push_str(&printed),
            Place::Text | Place::Raw(Element::Textarea | Element::Title) => out.push_str(&escape(&printed, true)),
            Place::Comment => {}
            Place::Tag | Place::AfterName | Place::BeforeValue => {
                let is_name = !printed.is_empty() && printed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                out.push_str(if is_name && kind_of(&printed.to_ascii_lowercase()) == Kind::Plain { &printed } else { UNSAFE });
            }
            Place::Value(quote, kind) => {
                let printed = if is_markup { without_tags(&printed) } else { printed };
                let safe = match kind {
                    Kind::Plain => printed,
                    Kind::Url(UrlPart::Start) if !is_safe_url(&printed) => format!("#{UNSAFE}"),
                    Kind::Url(UrlPart::Start | UrlPart::Path) => normalise_url(&printed),
                    Kind::Url(UrlPart::Query) => escape_url(&printed),
                    Kind::Style => style_value(&printed),
                    Kind::Script => script_value(value, &printed),
                };
                out.push_str(&escape(&safe, quote != Quote::None));
                if let Kind::Url(UrlPart::Start) = kind {
                    self.place = Place::Value(quote, Kind::Url(UrlPart::Path));
                }
            }
            Place::Raw(Element::Style) => out.push_str(&style_value(&printed)),
            Place::Raw(Element::Script) => out.push_str(&script_value(value, &printed)),
        }
    }
}

fn pass<'t>(rest: &'t str, length: usize, out: &mut String) -> &'t str {
    out.push_str(rest.get(..length).unwrap_or_default());
    rest.get(length..).unwrap_or_default()
}

fn kind_of(attribute: &str) -> Kind {
    let name = attribute.strip_prefix("data-").unwrap_or(attribute);
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    match name {
        "action" | "archive" | "background" | "cite" | "classid" | "codebase" | "data" | "formaction" | "href" | "icon" | "longdesc"
        | "manifest" | "poster" | "profile" | "src" | "usemap" | "xmlns" => Kind::Url(UrlPart::Start),
        "style" => Kind::Style,
        name if name.starts_with("on") => Kind::Script,
        name if name.contains("src") || name.contains("uri") || name.contains("url") => Kind::Url(UrlPart::Start),
        _ => Kind::Plain,
    }
}

fn further(kind: Kind, value: &str) -> Kind {
    match kind {
        Kind::Url(_) if value.contains(['?', '#']) => Kind::Url(UrlPart::Query),
        Kind::Url(UrlPart::Start) if !value.trim().is_empty() => Kind::Url(UrlPart::Path),
        other => other,
    }
}

/// Escapes for text and for values in quotes; without quotes, spaces and more as well.
fn escape(text: &str, quoted: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '+' => out.push_str("&#43;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '=' | '`' if !quoted => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// The function `html`.
pub(super) fn html_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// The function `js`.
pub(super) fn script_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// A value as a constant of JavaScript.
fn script_value(value: &Value<'_>, printed: &str) -> String {
    match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(_) | Value::Int(_) => format!(" {printed} "),
        Value::Float(number) if number.is_finite() => format!(" {printed} "),
        _ => {
            let json = serde_json::Value::String(printed.to_owned()).to_string();
            json.replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
                .replace('\u{2028}', "\\u2028")
                .replace('\u{2029}', "\\u2029")
        }
    }
}

/// A value of CSS: plain words, numbers and colours only.
fn style_value(printed: &str) -> String {
    let safe = printed.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '#' | '%' | '.' | '-' | ',' | '_' | '+' | '!'));
    let lower = printed.to_ascii_lowercase();
    if safe && !lower.contains("expression") && !lower.contains("mozbinding") { printed.to_owned() } else { UNSAFE.to_owned() }
}

/// No scheme, or one that runs nothing.
fn is_safe_url(url: &str) -> bool {
    match url.split_once(':') {
        Some((scheme, _)) if !scheme.contains('/') => ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known)),
        _ => true,
    }
}

fn url_bytes(url: &str, keeps: impl Fn(&[u8], usize) -> bool) -> String {
    let bytes = url.as_bytes();
    let mut out = String::with_capacity(url.len());
    for (at, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || keeps(bytes, at) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

/// Escapes what may not stand in an address, and leaves what has a meaning there.
fn normalise_url(url: &str) -> String {
    url_bytes(url, |bytes, at| match bytes.get(at) {
        Some(b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'[' | b']') => true,
        Some(b'%') => {
            let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
            is_hex(at + 1) && is_hex(at + 2)
        }
        _ => false,
    })
}

/// As one value of a query.
fn escape_url(text: &str) -> String {
    url_bytes(text, |_, _| false)
}

/// The text of markup, for an attribute.
fn without_tags(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut in_tag = false;
    for c in markup.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    out
}
