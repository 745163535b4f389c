//! What is written leads somewhere, and what is generated is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::base::clock::SystemClock;
use crate::platform::config::settings::SPECS;

fn docs() -> Arc<Docs> {
    let keys = vec![KeySection { name: "global".to_owned(), keys: vec![("scrape_interval", None), ("query_log_file", Some("not yet"))] }];
    Docs::new(DocsOptions { clock: Arc::new(SystemClock::new()), registry: Registry::new(), keys })
}

fn attributes(html: &str, name: &str) -> BTreeSet<String> {
    let sign = format!(" {name}=\"");
    html.split(&sign).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[test]
fn links_between_pages_lead_to_headings() {
    let docs = docs();
    let pages: BTreeMap<String, String> = contents::PAGES.iter().map(|page| (page.href(), docs.rendered(page).html)).collect();
    for (own, html) in &pages {
        for href in attributes(html, "href") {
            if href.starts_with("https://") || !(href.starts_with('#') || href.starts_with(links::DOCS)) {
                continue;
            }
            let (path, id) = href.split_once('#').unwrap_or((&href, ""));
            let target = if path.is_empty() { own.as_str() } else { path };
            let html = pages.get(target).unwrap_or_else(|| panic!("{own} links to {href}, which is no page"));
            assert!(id.is_empty() || attributes(html, "id").contains(id), "{own} links to {href}, which is no heading");
        }
    }
}

#[test]
fn every_setting_is_in_the_reference() {
    let html = generated::settings().html;
    let ids = attributes(&html, "id");
    for spec in SPECS {
        assert!(ids.contains(spec.name), "{} has no entry", spec.name);
        for said in [format!("<code>{}</code>", spec.variable()), format!("<code>--{}</code>", spec.flag())] {
            assert!(html.contains(&said), "{}: {said}", spec.name);
        }
    }
}

#[test]
fn settings_that_pages_name_are_there() {
    let groups: BTreeSet<&str> = SPECS.iter().map(|spec| spec.group).collect();
    for page in contents::PAGES {
        for word in page.text.split('`').skip(1).step_by(2) {
            let Some((group, key)) = word.split_once('.') else { continue };
            let is_name = key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty();
            if groups.contains(group) && is_name {
                assert!(SPECS.iter().any(|spec| spec.name == word), "{} names the setting {word}, which there is not", page.name);
            }
        }
    }
}

#[test]
fn every_page_has_a_title_a_text_and_its_parts() {
    let docs = docs();
    for page in contents::PAGES {
        assert!(page.text.starts_with("# ") && !page.title().is_empty(), "{}", page.name);
        let rendered = docs.rendered(page);
        // A line of a template in an example would be taken for a part, and tear its page apart.
        for line in page.text.lines().filter(|line| line.starts_with("{{") && line.ends_with("}}")) {
            let name = line.trim_matches(['{', '}']);
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{}: {line} is no part, indent it", page.name);
        }
        // Parts that are filled in are named without a blank, unlike templates that a page shows.
        let is_unfilled = |(at, _): (usize, &str)| rendered.html[at + 2..].starts_with(|c: char| c.is_ascii_alphabetic());
        assert!(rendered.html.len() > 300 && !rendered.html.match_indices("{{").any(is_unfilled), "{}", page.name);
        let ids: BTreeSet<&str> = rendered.headings.iter().map(|heading| heading.id.as_str()).collect();
        assert_eq!(ids.len(), rendered.headings.len(), "{}: two headings have one address", page.name);
    }
    let configuration = contents::PAGES.iter().find(|page| page.name == "configuration").unwrap();
    let html = docs.rendered(configuration).html;
    assert!(html.contains("query_log_file") && html.contains("not yet"), "{html}");
}

#[test]
fn markup_in_a_text_stays_text() {
    let text = "# T\n<script>alert(1)</script>\n\n## A <b>b</b>\n\n[x](javascript:alert(1)) [y](//evil) ![z](/a.png)\n\n```yaml\na: <b>\n```\n\n## A <b>b</b>\n";
    let rendered = markdown::render(text, &|_| markdown::Rendered::default());
    for evil in ["<script", "javascript:", "//evil", "<img", "<b>"] {
        assert!(!rendered.html.contains(evil), "{evil}: {}", rendered.html);
    }
    assert!(rendered.html.contains("&lt;script&gt;") && rendered.html.contains("a: &lt;b&gt;"), "{}", rendered.html);
    let ids: Vec<&str> = rendered.headings.iter().map(|heading| heading.id.as_str()).collect();
    assert_eq!(ids, ["a-b", "a-b-2"]);
}

/// All sources but these.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("src/docs") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn sentences_that_are_explained_are_said_somewhere() {
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    // Sentences of two lines in the source.
    let all = all.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let page = contents::PAGES.iter().find(|page| page.name == "troubleshooting").unwrap();
    let sentences = page
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|text| text.starts_with(|c: char| c.is_lowercase() || c == '…'));
    let mut checked = 0;
    for part in sentences.flat_map(|text| text.split('…')).map(|part| part.trim_matches(|c: char| c == ' ' || c == '?')) {
        assert!(part.is_empty() || all.contains(part), "nothing says {part:?}");
        checked += usize::from(!part.is_empty());
    }
    assert!(checked > 15, "{checked}");
}
