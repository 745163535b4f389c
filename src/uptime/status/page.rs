//! A status page as people write it: what is on it, how it looks, who finds it.

use std::collections::BTreeMap;

use super::accent::Colour;
use super::host::{self, HOSTS_MAX};
use crate::base::location::Location;
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::keys::{keys, read_text, to_node};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;
use crate::uptime::config::check::NAME_CHARS_MAX;

/// Pages at most.
pub const PAGES_MAX: usize = 100;
/// Parts of a page that it may have.
pub const SECTIONS_MAX: usize = 50;
/// Checks that one page shows.
pub const COMPONENTS_MAX: usize = 200;
/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Characters of the part of the address that names a page.
const SLUG_CHARS_MAX: usize = 60;
/// Labels that choose the checks of one part.
const LABELS_MAX: usize = 20;
/// Longest time that the server waits before it tells something by itself.
const AUTO_AFTER_MAX_MS: i64 = 86_400_000;
/// Characters of a password at least, and bytes at most.
const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_BYTES_MAX: usize = 1_024;
/// Links at the foot of a page, and letters of the address of one.
pub const LINKS_MAX: usize = 8;
const URL_CHARS_MAX: usize = 500;
/// Characters of the text at the foot of a page.
pub const FOOTER_CHARS_MAX: usize = 500;
/// Names that the server needs for itself.
const RESERVED: [&str; 2] = ["self", "feed"];

/// Languages of pages.
pub const LANGUAGES: [&str; 2] = ["en", "ar"];
/// Looks of pages: as the reader's system, always light, always dark.
pub const THEMES: [&str; 3] = ["auto", "light", "dark"];

keys! {
    /// What customers call a check.
    Named, "a component";
    /// Its name with us.
    check: String,
    /// Its name on the page.
    name: String,
    /// More about it.
    description: String,
}

keys! {
    /// A part of a page.
    Part, "a section", check = vet_part;
    /// Its heading.
    title: String,
    /// Names of the checks in it.
    checks: Vec<String>,
    /// And all checks that have every one of these labels.
    labels: BTreeMap<String, String>,
    /// What customers call them, where that is not their name.
    components: Vec<Named>,
}

keys! {
    /// A link at the foot of a page, such as to an imprint.
    Link, "a link", check = vet_link;
    /// What it is called.
    name: String,
    /// Where it leads: https:// or mailto:.
    url: String,
}

keys! {
    /// A status page as it is written.
    StatusPage, "status page", check = vet;
    /// Its name, on top of it.
    title: String,
    /// Its place in the address: /status/slug.
    slug: String,
    /// Names of hosts under which it stands alone, such as status.example.com; links lead to the first.
    hosts: Vec<String>,
    /// A sentence below its name.
    description: String,
    /// What is on it.
    sections: Vec<Part>,
    /// The language of its words: en or ar.
    language: String = "en",
    /// By whose clock days begin and times are shown; empty for UTC.
    time_zone: String,
    /// auto, light or dark.
    theme: String = "auto",
    /// The colour of links, such as #2a5fd0.
    accent: String,
    /// Whether everybody sees it.
    published: bool = true,
    /// Whether it asks for a password.
    protected: bool,
    /// The password, where it is set or changed; only its hash is kept.
    password: String => String::new(),
    /// The server's own.
    password_hash: String => String::new(),
    /// Whether search engines may list it.
    listed: bool,
    /// Whether it says how fast answers are.
    show_latency: bool,
    /// Whether it says how available parts were, in percent.
    show_values: bool = true,
    /// Links at its foot.
    links: Vec<Link>,
    /// A text at its foot.
    footer: String,
    /// Tells by itself of a check that was down for so long.
    auto_after: Duration => Duration::default(),
}

impl StatusPage {
    /// By whose clock.
    pub fn zone(&self) -> Location {
        Location::parse(&self.time_zone).unwrap_or(Location::Utc)
    }

    /// In YAML.
    pub fn text(&self) -> String {
        yaml::print(&to_node(self))
    }

    /// The same with every check named otherwise; those without another name are left out.
    pub fn renamed(&self, other: impl Fn(&str) -> Option<String>) -> Self {
        let part = |part: &Part| Part {
            checks: part.checks.iter().filter_map(|name| other(name)).collect(),
            components: part.components.iter().filter_map(|named| Some(Named { check: other(&named.check)?, ..named.clone() })).collect(),
            ..part.clone()
        };
        Self { sections: self.sections.iter().map(part).collect(), ..self.clone() }
    }

    /// Every check that it names.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().flat_map(|part| part.checks.iter().chain(part.components.iter().map(|named| &named.check))).map(String::as_str)
    }
}

fn is_slug(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= SLUG_CHARS_MAX && text.bytes().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

/// A slug of a title; empty where nothing of it fits.
pub fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_CHARS_MAX);
    slug.trim_matches('-').to_owned()
}

fn vet_link(link: &mut Link, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    link.name = link.name.trim().to_owned();
    if link.name.is_empty() || link.name.chars().count() > NAME_CHARS_MAX {
        refuse("name", format!("links: each has a name, of no more than {NAME_CHARS_MAX} characters"));
    }
    let read = url::Url::parse(link.url.trim()).ok().filter(|_| link.url.len() <= URL_CHARS_MAX);
    let leads = |url: &url::Url| match url.scheme() {
        "https" => url.has_host() && url.username().is_empty() && url.password().is_none(),
        "mailto" => url.path().contains('@'),
        _ => false,
    };
    match read.filter(leads) {
        // As a browser reads it, so that nothing else can be meant by it.
        Some(url) => link.url = url.into(),
        None => refuse(
            "url",
            format!(
                "links: read {}, expected an address with https:// or mailto:, of {URL_CHARS_MAX} characters at most",
                quote(&link.url.chars().take(URL_CHARS_MAX).collect::<String>())
            ),
        ),
    }
}

/// Names of hosts as they are kept, each once.
fn read_hosts(written: &[String]) -> Result<Vec<String>, String> {
    if written.len() > HOSTS_MAX {
        return Err(format!("hosts: {} are too many, {HOSTS_MAX} may be", written.len()));
    }
    let mut hosts = Vec::with_capacity(written.len());
    for text in written {
        let host = host::read(text)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

fn vet_part(part: &mut Part, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    part.title = part.title.trim().to_owned();
    if part.title.chars().count() > NAME_CHARS_MAX {
        refuse("title", format!("title: longer than {NAME_CHARS_MAX} characters"));
    }
    for (key, count, most) in [
        ("checks", part.checks.len(), COMPONENTS_MAX),
        ("components", part.components.len(), COMPONENTS_MAX),
        ("labels", part.labels.len(), LABELS_MAX),
    ] {
        if count > most {
            refuse(key, format!("{key}: {count} are too many, {most} may be"));
        }
    }
    if part.labels.iter().any(|(name, value)| name.is_empty() || name.len().max(value.len()) > NAME_CHARS_MAX) {
        refuse("labels", format!("labels: each has a name, and no more than {NAME_CHARS_MAX} characters"));
    }
    for named in &mut part.components {
        named.name = named.name.trim().to_owned();
        named.description = named.description.trim().to_owned();
        if named.check.is_empty() {
            refuse("components", "components: each says of which check it is".to_owned());
        }
        if named.name.chars().count() > NAME_CHARS_MAX || named.description.chars().count() > DESCRIPTION_CHARS_MAX {
            refuse(
                "components",
                format!("components: a name is no longer than {NAME_CHARS_MAX} characters, a description than {DESCRIPTION_CHARS_MAX}"),
            );
        }
    }
}

fn vet(page: &mut StatusPage, section: &mut Section<'_, '_>) {
    let mut refuse = |key: &str, message: String| {
        let at = section.value_place(key);
        section.report.error(at, message);
    };
    page.title = page.title.trim().to_owned();
    page.description = page.description.trim().to_owned();
    page.slug = page.slug.trim().to_owned();
    page.password = page.password.trim().to_owned();
    page.footer = page.footer.trim().to_owned();
    match read_hosts(&page.hosts) {
        Ok(hosts) => page.hosts = hosts,
        Err(why) => refuse("hosts", why),
    }
    if page.links.len() > LINKS_MAX {
        refuse("links", format!("links: {} are too many, {LINKS_MAX} may be", page.links.len()));
    }
    if page.title.is_empty() {
        refuse("title", "a status page has a title".to_owned());
    }
    if page.slug.is_empty() {
        page.slug = slug_of(&page.title);
    }
    if !is_slug(&page.slug) {
        refuse(
            "slug",
            format!("slug: read {}, expected small letters of English, digits and hyphens, {SLUG_CHARS_MAX} at most", quote(&page.slug)),
        );
    } else if RESERVED.contains(&page.slug.as_str()) {
        refuse("slug", format!("slug: the server needs {} for itself", quote(&page.slug)));
    }
    for (key, text, most) in [
        ("title", &page.title, NAME_CHARS_MAX),
        ("description", &page.description, DESCRIPTION_CHARS_MAX),
        ("footer", &page.footer, FOOTER_CHARS_MAX),
    ] {
        if text.chars().count() > most {
            refuse(key, format!("{key}: longer than {most} characters"));
        }
    }
    let is_weak = !page.password.is_empty() && page.password.chars().count() < PASSWORD_CHARS_MIN;
    if is_weak || page.password.len() > PASSWORD_BYTES_MAX {
        refuse("password", format!("password: {PASSWORD_CHARS_MIN} characters at least, {PASSWORD_BYTES_MAX} bytes at most"));
    }
    if page.sections.len() > SECTIONS_MAX {
        refuse("sections", format!("sections: {} are too many, {SECTIONS_MAX} may be", page.sections.len()));
    }
    for (key, value, known) in [("language", &page.language, &LANGUAGES[..]), ("theme", &page.theme, &THEMES[..])] {
        if !known.contains(&value.as_str()) {
            refuse(key, format!("{key}: read {}, expected {}", quote(value), known.join(" or ")));
        }
    }
    if Location::parse(&page.time_zone).is_none() {
        refuse("time_zone", format!("time_zone: there is no place {}", quote(&page.time_zone)));
    }
    if !page.accent.is_empty() && Colour::parse(&page.accent).is_none() {
        refuse("accent", format!("accent: read {}, expected a colour such as #2a5fd0", quote(&page.accent)));
    }
    if page.auto_after.ms() > AUTO_AFTER_MAX_MS {
        refuse("auto_after", "auto_after: a day at most".to_owned());
    }
}

/// Reads one, in YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it, with its place in the text.
pub fn read_one(text: &str) -> Result<StatusPage, Vec<Diagnostic>> {
    read_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read_one(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn pages_read_back_as_they_were_written() {
        for text in [
            "title: Example",
            "title: Shop & Co\nslug: shop\nlanguage: ar\ntime_zone: Africa/Cairo\naccent: '#0af'\nlisted: true\nauto_after: 5m\nsections:\n- title: Web\n  checks: [a, b]\n  labels: {team: web}\n  components:\n  - {check: a, name: Website, description: The shop}",
            "title: Own\nhosts: [Status.Example.com., xn--mnchen-3ya.example, status.example.com]\nfooter: Ours\nshow_values: false\nlinks:\n- {name: Imprint, url: 'https://Example.com/imprint?a=1&b'}\n- {name: Mail, url: 'mailto:help@example.com'}",
            r#"{"title": "J", "published": false, "sections": [{"checks": ["x"]}]}"#,
        ] {
            let read = read_one(text).unwrap();
            assert_eq!(read_one(&read.text()).unwrap(), read, "{}", read.text());
        }
        assert_eq!(read_one("title: Shop & Co. (EU)").unwrap().slug, "shop-co-eu");
        let own = read_one("{title: a, hosts: [B.example, a.example, b.example.], links: [{name: I, url: 'https://X.example'}]}").unwrap();
        assert_eq!((own.hosts.join(" "), own.links[0].url.as_str()), ("b.example a.example".to_owned(), "https://x.example/"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("{slug: a}", "status page:1:1: a status page has a title"),
            ("{title: a, slug: self}", "slug: the server needs \"self\" for itself"),
            ("{title: a, slug: A/b}", "slug: read \"A/b\", expected small letters"),
            ("{title: 'حالة'}", "slug: read \"\", expected small letters"),
            ("{title: a, language: de}", "language: read \"de\", expected en or ar"),
            ("{title: a, accent: red}", "accent: read \"red\", expected a colour"),
            ("{title: a, time_zone: Mars}", "time_zone: there is no place \"Mars\""),
            ("{title: a, auto_after: 2d}", "auto_after: a day at most"),
            ("{title: a, hosts: [ok.example, 127.0.0.1]}", "hosts: \"127.0.0.1\" is an address"),
            ("{title: a, hosts: [a.b, b.b, c.b, d.b, e.b, f.b, g.b, h.b, i.b, j.b, k.b]}", "hosts: 11 are too many, 10 may be"),
            ("{title: a, links: [{name: x, url: 'javascript:alert(1)'}]}", "links: read \"javascript:alert(1)\", expected an address"),
            ("{title: a, links: [{name: x, url: 'http://x.example'}]}", "expected an address with https:// or mailto:"),
            ("{title: a, links: [{name: x, url: 'https://a:b@x.example'}]}", "expected an address with https:// or mailto:"),
            ("{title: a, links: [{url: 'https://x.example'}]}", "links: each has a name"),
            ("{title: a, section: []}", "unknown key"),
            ("{title: a, sections: [{components: [{name: x}]}]}", "each says of which check it is"),
        ] {
            let told = told(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn checks_are_renamed_and_lost_ones_left_out() {
        let page = read_one("{title: a, sections: [{checks: [x, y], components: [{check: x, name: X}, {check: y}]}]}").unwrap();
        let numbered = page.renamed(|name| (name == "x").then(|| "7".to_owned()));
        assert_eq!(numbered.checks().collect::<Vec<_>>(), ["7", "7"]);
        assert_eq!(numbered.sections[0].components[0].name, "X");
    }
}
