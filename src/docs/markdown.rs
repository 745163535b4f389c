//! Markdown to HTML: headings with anchors, code to copy, nothing that could run.
//!
//! HTML in the text is shown as text, and links lead to this server or to an `https` address. A line that is only
//! `{{name}}` stands for a part that is generated.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::ui::assets::icon;

/// A heading below the title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// 2 or more.
    pub(super) level: u8,
    /// What the address says after `#`.
    pub(super) id: String,
    /// As read.
    pub(super) text: String,
}

/// A text as HTML.
#[derive(Debug, Clone, Default)]
pub(super) struct Rendered {
    pub(super) html: String,
    pub(super) headings: Vec<Heading>,
}

/// `<`, `&` and quotes as text.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A heading as an address: small letters, digits, and hyphens between.
pub(super) fn anchor(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' || c == '.' {
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.trim_end_matches(['-', '.']).to_owned()
}

/// Renders a text. `fill` gives the generated part of a name. The first heading is the page's title and left out.
pub(super) fn render(source: &str, fill: &dyn Fn(&str) -> Rendered) -> Rendered {
    let mut writer = Writer::default();
    let mut own = String::new();
    for line in source.lines().skip_while(|line| line.starts_with("# ")) {
        match line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
            Some(name) => {
                writer.write(&own);
                own.clear();
                let part = fill(name);
                writer.out.html.push_str(&part.html);
                writer.out.headings.extend(part.headings);
            }
            None => {
                own.push_str(line);
                own.push('\n');
            }
        }
    }
    writer.write(&own);
    writer.out
}

#[derive(Default)]
struct Writer {
    out: Rendered,
    /// Blocks of code so far, which gives each an id.
    codes: usize,
}

/// What is being gathered before it can be written.
enum Open {
    Heading(u8),
    Code(String),
}

impl Writer {
    fn write(&mut self, source: &str) {
        let mut events: Vec<Event<'_>> = Vec::new();
        let mut open: Option<(Open, String, usize)> = None;
        let mut links_kept = Vec::new();
        for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => open = Some((Open::Heading(level as u8), String::new(), events.len())),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some((Open::Heading(level), text, at)) = open.take() {
                        let inner = events.split_off(at);
                        let id = self.head(level, text);
                        events.push(Event::Html(format!("<h{level} id=\"{id}\"><a href=\"#{id}\">").into()));
                        events.extend(inner);
                        events.push(Event::Html(format!("</a></h{level}>\n").into()));
                    }
                }
                Event::Start(Tag::CodeBlock(kind)) => open = Some((Open::Code(language(&kind)), String::new(), events.len())),
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((Open::Code(language), text, _)) = open.take() {
                        events.push(Event::Html(self.code(&language, &text).into()));
                    }
                }
                Event::Text(text) => match &mut open {
                    Some((Open::Code(_), gathered, _)) => gathered.push_str(&text),
                    Some((Open::Heading(_), gathered, _)) => {
                        gathered.push_str(&text);
                        events.push(Event::Text(text));
                    }
                    None => events.push(Event::Text(text)),
                },
                Event::Code(text) => {
                    if let Some((_, gathered, _)) = &mut open {
                        gathered.push_str(&text);
                    }
                    events.push(Event::Code(text));
                }
                Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
                Event::Start(Tag::Table(columns)) => {
                    events.push(Event::Html(CowStr::Borrowed("<div class=\"scroll\">")));
                    events.push(Event::Start(Tag::Table(columns)));
                }
                Event::End(TagEnd::Table) => {
                    events.push(Event::End(TagEnd::Table));
                    events.push(Event::Html(CowStr::Borrowed("</div>\n")));
                }
                Event::Start(Tag::Link { ref dest_url, .. }) => {
                    let is_kept = ["/", "#", "https://"].iter().any(|start| dest_url.starts_with(start)) && !dest_url.starts_with("//");
                    links_kept.push(is_kept);
                    events.extend(is_kept.then_some(event));
                }
                Event::End(TagEnd::Link) => events.extend((links_kept.pop() == Some(true)).then_some(event)),
                Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
                other => events.push(other),
            }
        }
        html::push_html(&mut self.out.html, events.into_iter());
    }

    /// Notes a heading and gives its id, which no other heading of the page has.
    fn head(&mut self, level: u8, text: String) -> String {
        let plain = anchor(&text);
        let taken = |id: &str| self.out.headings.iter().any(|heading| heading.id == id);
        let id = (1..).map(|at| if at == 1 { plain.clone() } else { format!("{plain}-{at}") }).find(|id| !taken(id)).unwrap_or_default();
        self.out.headings.push(Heading { level, id: id.clone(), text });
        id
    }

    fn code(&mut self, language: &str, text: &str) -> String {
        self.codes += 1;
        let (at, copy) = (self.codes, icon::COPY);
        let label = if language.is_empty() { String::new() } else { format!(" data-lang=\"{}\"", escape(language)) };
        format!(
            "<div class=\"code box\"{label}><button class=\"btn g sm sq copy\" data-act=\"copy\" data-from=\"#code-{at}\" title=\"Copy\" \
             aria-label=\"Copy\">{copy}</button><pre id=\"code-{at}\" tabindex=\"0\">{}</pre></div>\n",
            escape(text.trim_end())
        )
    }
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(language) => language.to_string(),
        CodeBlockKind::Indented => String::new(),
    }
}
