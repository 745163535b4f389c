//! Text: Markdown, a few harmless tags of HTML, or code.

use pulldown_cmark::{CowStr, Event, Options as Markdown, Parser, Tag, TagEnd, html};

use super::markup::{escape, safe_url};
use super::{Canvas, Drawn, empty};
use crate::boards::data::Options;
use crate::boards::model::Panel;

/// Most bytes of a text.
const TEXT_MAX: usize = 100_000;
/// Tags that may stand in a text, without any attribute but those of [`attributes`].
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "center",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
/// Tags that have no end.
const EMPTY_TAGS: &[&str] = &["br", "hr"];
/// Tags whose content is no text either.
const DROPPED: &[&str] = &["script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "textarea", "title"];

/// Draws a text panel.
pub(super) fn draw(panel: &Panel, canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let content = cut(options.word("content"));
    if content.trim().is_empty() {
        return empty(canvas);
    }
    let body = match options.word("mode") {
        "html" => harmless(content),
        "code" => format!("<pre class=\"p-code\"><code>{}</code></pre>", escape(content)),
        _ => markdown(content),
    };
    Drawn::Html { html: format!("<div class=\"p-text\" tabindex=\"0\">{body}</div>") }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Markdown as safe HTML: links lead nowhere dangerous, images are links, tags are those that are allowed.
pub(super) fn markdown(text: &str) -> String {
    let parser = Parser::new_ext(cut(text), Markdown::ENABLE_TABLES | Markdown::ENABLE_STRIKETHROUGH | Markdown::ENABLE_TASKLISTS);
    let mut events = Vec::new();
    for event in parser {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(safe_url(&dest_url).unwrap_or_else(|| "#".to_owned()));
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            // Nothing is loaded from elsewhere: a picture is a link to it.
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(safe_url(&dest_url).unwrap_or_else(|| "#".to_owned()));
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            Event::End(TagEnd::Image) => events.push(Event::End(TagEnd::Link)),
            other => events.push(other),
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    harmless(&out)
}

/// HTML with everything taken out that could do more than show text: every tag is written anew, and closed.
pub(super) fn harmless(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 64);
    let mut open: Vec<&'static str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text(&mut out, &rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.find("-->").map_or("", |end| &after[end + 3..]);
            continue;
        }
        let Some(tag) = Read::tag(rest) else {
            out.push_str("&lt;");
            rest = &rest[1..];
            continue;
        };
        rest = &rest[tag.end..];
        if let Some(dropped) = DROPPED.iter().find(|dropped| **dropped == tag.name) {
            if !tag.is_end {
                rest = after_end(rest, dropped);
            }
            continue;
        }
        let Some(name) = TAGS.iter().copied().find(|known| *known == tag.name) else { continue };
        if tag.is_end {
            if let Some(place) = open.iter().rposition(|known| *known == name) {
                for closed in open.drain(place..).rev() {
                    out.push_str(&format!("</{closed}>"));
                }
            }
        } else {
            out.push_str(&format!("<{name}{}>", attributes(name, &tag.attributes)));
            if !EMPTY_TAGS.contains(&name) {
                open.push(name);
            }
        }
    }
    text(&mut out, rest);
    for name in open.iter().rev() {
        out.push_str(&format!("</{name}>"));
    }
    out
}

/// A text between tags: what is no tag is no tag; entities stay.
fn text(out: &mut String, text: &str) {
    out.push_str(&text.replace('>', "&gt;"));
}

/// What follows the end of an element that is dropped with its content.
fn after_end<'a>(rest: &'a str, name: &str) -> &'a str {
    let lower = rest.to_ascii_lowercase();
    let Some(at) = lower.find(&format!("</{name}")) else { return "" };
    rest[at..].find('>').map_or("", |end| &rest[at + end + 1..])
}

/// The attributes that may stay: where a link leads, and cells of tables.
fn attributes(name: &str, given: &[(String, String)]) -> String {
    let mut out = String::new();
    for (key, value) in given {
        match (name, key.as_str()) {
            ("a", "href") => {
                if let Some(url) = safe_url(&unescaped(value)) {
                    let outside = if url.starts_with("http") { " target=\"_blank\" rel=\"noopener noreferrer\"" } else { "" };
                    out.push_str(&format!(" href=\"{}\"{outside}", escape(&url)));
                }
            }
            (_, "title") => out.push_str(&format!(" title=\"{}\"", escape(&unescaped(value)))),
            ("td" | "th", "colspan" | "rowspan") if value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push_str(&format!(" {key}=\"{value}\""));
            }
            ("details", "open") => out.push_str(" open"),
            _ => {}
        }
    }
    out
}

/// The entities that hide what a link is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(end, _)| end);
        let found = end.and_then(|end| {
            let name = &rest[1..end];
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "colon" => ':',
                "Tab" => '\t',
                "NewLine" => '\n',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, end))
        });
        match found {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A tag as it is read.
struct Read {
    name: String,
    is_end: bool,
    attributes: Vec<(String, String)>,
    /// Bytes of it.
    end: usize,
}

impl Read {
    /// The tag at the begin of a text, none if there is none.
    fn tag(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let length = inner.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(inner.len());
        let name = inner[..length].to_ascii_lowercase();
        let mut rest = &inner[length..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() {
                // A tag that is never closed swallows the rest, as in browsers.
                return Some(Self { name, is_end, attributes, end: text.len() });
            }
            if let Some(after) = rest.strip_prefix('>') {
                return Some(Self { name, is_end, attributes, end: text.len() - after.len() });
            }
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let end = rest[first..].find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).map_or(rest.len(), |end| first + end);
            let key = rest[..end].to_ascii_lowercase();
            rest = rest[end..].trim_start();
            let value = match rest.strip_prefix('=') {
                None => String::new(),
                Some(after) => {
                    let after = after.trim_start();
                    let (value, left) = match after.chars().next() {
                        Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                        _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
                    };
                    rest = left;
                    value.to_owned()
                }
            };
            attributes.push((key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_shown_and_nothing_runs() {
        for (given, expected) in [
            ("**a** _b_ `c`", "<p><strong>a</strong> <em>b</em> <code>c</code></p>\n"),
            ("[x](javascript:alert(1))", "<p><a href=\"#\">x</a></p>\n"),
            ("[x](/d/a?b=c&d)", "<p><a href=\"/d/a?b=c&amp;d\">x</a></p>\n"),
            ("![alt](https://a/b.png)", "<p><a href=\"https://a/b.png\" target=\"_blank\" rel=\"noopener noreferrer\">alt</a></p>\n"),
            ("<img src=x onerror=alert(1)>hi", "<p>hi</p>\n"),
            ("a < b > c", "<p>a &lt; b &gt; c</p>\n"),
            ("<b onclick=x>y", "<p><b>y</b></p>\n"),
        ] {
            let found = markdown(given);
            assert_eq!(found, expected, "{given}");
        }
        assert!(markdown("| a | b |\n|---|---|\n| 1 | 2 |").contains("<td>1</td>"));
    }

    #[test]
    fn html_keeps_what_is_harmless() {
        for (given, expected) in [
            ("<h1>Hi</h1><p class=x style=y>there", "<h1>Hi</h1><p>there</p>"),
            ("<script>alert(1)</script>ok", "ok"),
            ("<SCRIPT>alert(1)</ScRiPt >ok", "ok"),
            ("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"),
            ("<svg onload=alert(1)>x</svg>ok", "ok"),
            ("<a href=\"jav&#x61;script:alert(1)\">x</a>", "<a>x</a>"),
            ("<a href='java&Tab;script:x'>x</a>", "<a>x</a>"),
            ("<a href=//evil.example/x>x</a>", "<a href=\"//evil.example/x\">x</a>"),
            ("</div></section><i>x</i>", "<i>x</i>"),
            ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
            ("<img src=x onerror=alert(1)", ""),
            ("<a title=\"&quot; onclick=x\">x", "<a title=\"&quot; onclick=x\">x</a>"),
            ("<!-- <b> -->x<!--", "x"),
            ("1 < 2 && <3", "1 &lt; 2 && &lt;3"),
            ("<iframe src=x>", ""),
            ("<td colspan=2 rowspan='\"x'>1", "<td colspan=\"2\">1</td>"),
        ] {
            assert_eq!(harmless(given), expected, "{given}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_no_tag_is_left_that_is_not_allowed(text in "[<>/a-z =\"'&;!-]{0,60}|.{0,40}") {
            for html in [harmless(&text), markdown(&text)] {
                let mut rest = html.as_str();
                while let Some(at) = rest.find('<') {
                    let tag = rest[at + 1..].trim_start_matches('/');
                    let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
                    assert!(TAGS.contains(&name.as_str()), "{text:?} gave {html:?}");
                    let end = tag.find('>').expect("an end");
                    assert!(!tag[..end].contains(" on") || tag[..end].contains("title="), "{html:?}");
                    rest = &rest[at + 1..];
                }
            }
        }
    }
}
