//! What was told on a status page as a feed: Atom (RFC 4287) and RSS 2.0. One entry a post, with all its updates.

use super::place::Place;
use super::words;
use crate::base::time::{civil_from_days, format_rfc3339};
use crate::ui::links;
use crate::uptime::status::picture::{Entry, Picture};
use crate::uptime::status::post::Post;

/// Entries of a feed at most.
const ENTRIES_MAX: usize = 50;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text in XML; what XML has no room for is left out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

/// Posts of a page, the newest first.
fn posts(picture: &Picture) -> Vec<&Post> {
    let past = picture.past.iter().flat_map(|(_, entries)| entries).filter_map(|entry| match entry {
        Entry::Told(post) => Some(post),
        Entry::Outage { .. } => None,
    });
    let mut posts: Vec<&Post> = picture.active.iter().chain(past).collect();
    posts.sort_by_key(|post| std::cmp::Reverse((post.told_at(), post.id)));
    posts.truncate(ENTRIES_MAX);
    posts
}

/// What a post says, the newest update first.
fn text(post: &Post, picture: &Picture) -> String {
    let lang = words::lang_of(picture);
    let one = |update| -> String {
        let update: &crate::uptime::status::post::Update = update;
        format!("{} · {}\n{}", words::moment(update.at, picture), lang.t(words::stage(update.stage)), words::text(update, lang))
    };
    let mut parts: Vec<String> = post.updates.iter().rev().map(one).collect();
    let names = picture.names_of(post);
    if !names.is_empty() {
        parts.push(lang.fill("Affected: {}", &[&names.join(lang.comma())]));
    }
    parts.join("\n\n")
}

/// Names the page for good, also where it gets a host of its own: otherwise readers would see everything anew.
fn name(picture: &Picture, base: &str) -> String {
    let base = if base.is_empty() { "https://pharos.invalid" } else { base };
    format!("{base}{}", links::status_page(&picture.page.slug))
}

/// As Atom.
pub fn atom(picture: &Picture, base: &str, place: &Place) -> String {
    let posts = posts(picture);
    let (name, lang) = (xml(&name(picture, base)), words::lang_of(picture).as_str());
    let updated = posts.iter().map(|post| post.changed_at()).max().unwrap_or(0);
    let (own, home) = (place.below(links::STATUS_FEED), xml(&place.home()));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{lang}\">\n<id>{name}</id>\n<title>{}</title>\n\
         <updated>{}</updated>\n<link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n<link rel=\"alternate\" type=\"text/html\" href=\"{home}\"/>\n<author><name>{}</name></author>\n",
        xml(&picture.page.title),
        format_rfc3339(updated),
        xml(&own),
        xml(&picture.page.title),
    );
    for post in posts {
        out += &format!(
            "<entry>\n<id>{name}#post-{id}</id>\n<title>{}</title>\n<published>{}</published>\n<updated>{}</updated>\n<link href=\"{home}#post-{id}\"/>\n\
             <category term=\"{}\"/>\n<content type=\"text\">{}</content>\n</entry>\n",
            xml(&words::title(post, picture)),
            format_rfc3339(post.made_at),
            format_rfc3339(post.changed_at()),
            post.severity.as_str(),
            xml(&text(post, picture)),
            id = post.id,
        );
    }
    out + "</feed>\n"
}

/// An instant as in letters (RFC 822): `Fri, 20 Nov 2026 14:00:00 GMT`.
fn letter_date(at: i64) -> String {
    let secs = at.div_euclid(1_000);
    let (days, of_day) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let place = |index: i64| usize::try_from(index).unwrap_or(0);
    let weekday = DAYS.get(place(days.rem_euclid(7))).copied().unwrap_or("Thu");
    let month = MONTHS.get(place(month - 1)).copied().unwrap_or("Jan");
    format!("{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// As RSS.
pub fn rss(picture: &Picture, base: &str, place: &Place) -> String {
    let (name, home) = (xml(&name(picture, base)), xml(&place.home()));
    let about = if picture.page.description.is_empty() { &picture.page.title } else { &picture.page.description };
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\"><channel>\n<title>{}</title>\n<link>{home}</link>\n<description>{}</description>\n<language>{}</language>\n",
        xml(&picture.page.title),
        xml(about),
        words::lang_of(picture).as_str(),
    );
    for post in posts(picture) {
        // Readers of RSS know no newer version of an entry: each update is one, and stays it in other words.
        let stage = words::lang_of(picture).t(words::stage(post.stage())).to_owned();
        out += &format!(
            "<item>\n<title>{} · {}</title>\n<link>{home}#post-{id}</link>\n<guid isPermaLink=\"false\">{name}#post-{id}-{}</guid>\n<pubDate>{}</pubDate>\n<description>{}</description>\n</item>\n",
            xml(&words::title(post, picture)),
            xml(&stage),
            post.updates.last().map_or(0, |update| update.id),
            letter_date(post.told_at()),
            xml(&text(post, picture)),
            id = post.id,
        );
    }
    out + "</channel></rss>\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::uptime::model::track::State;
    use crate::uptime::status::page::read_one;
    use crate::uptime::status::picture::tests::{post, seen};
    use crate::uptime::status::post::Severity;

    const NOW: i64 = 1_795_183_200_000;
    const HOSTILE: &str = "<img src=x onerror=alert(1)>]]>&\u{b}\"";

    fn picture() -> Picture {
        let mut page = read_one("{title: x, slug: shop, sections: [{checks: ['1']}]}").unwrap();
        page.title = HOSTILE.to_owned();
        let mut told = post(3, Severity::Outage, &[1], NOW - 5_000, None);
        told.title = HOSTILE.to_owned();
        told.updates[0].text = HOSTILE.to_owned();
        let seen = BTreeMap::from([(1, seen("Web", State::Up, NOW))]);
        Picture::new(&Arc::new(page), &seen, &[told, post(2, Severity::Notice, &[], NOW - 90_000, Some(NOW - 50_000))], &[], NOW)
    }

    #[test]
    fn feeds_hold_what_was_told_and_are_xml_whatever_it_is() {
        let picture = picture();
        let balance = |text: &str| {
            assert!(!text.contains("<img") && !text.contains('\u{b}') && text.contains("&lt;img"), "{text}");
            let tags = regex::Regex::new(r"<(/?)([a-zA-Z]+)[^>]*?(/?)>").unwrap();
            let mut open = Vec::new();
            for found in tags.captures_iter(text) {
                match (&found[1], &found[3]) {
                    ("/", _) => assert_eq!(open.pop().as_deref(), Some(&found[2]), "{text}"),
                    (_, "/") => {}
                    _ => open.push(found[2].to_owned()),
                }
            }
            assert_eq!(open, Vec::<String>::new());
        };
        let place = Place::of(&picture.page, "https://s.example");
        let (atom, rss) = (atom(&picture, "https://s.example", &place), rss(&picture, "", &place));
        balance(&atom);
        balance(&rss);
        assert_eq!((atom.matches("<entry>").count(), rss.matches("<item>").count()), (2, 2));
        assert!(atom.contains("<id>https://s.example/status/shop#post-3</id>") && atom.find("#post-3") < atom.find("#post-2"), "{atom}");
        let mut own = picture;
        own.page = Arc::new(crate::uptime::status::page::StatusPage { hosts: vec!["own.example".to_owned()], ..(*own.page).clone() });
        let place = Place::of(&own.page, "https://s.example");
        let atom = super::atom(&own, "https://s.example", &place);
        assert!(atom.contains("<id>https://s.example/status/shop#post-3</id>\n"), "names stay: {atom}");
        assert!(atom.contains("href=\"https://own.example/#post-3\"") && atom.contains("href=\"https://own.example/feed.xml\""), "{atom}");
        assert!(super::rss(&own, "", &place).contains("<link>https://own.example/#post-3</link>"));
    }

    #[test]
    fn an_update_in_other_words_is_told_by_its_time_and_is_no_new_entry() {
        let before = picture();
        let place = Place::of(&before.page, "");
        let mut now = before.clone();
        let update = &mut now.active[0].updates[0];
        (update.text, update.edited_at) = ("Other words".to_owned(), Some(NOW));
        let updated = |text: &str| text.split("<updated>").skip(1).take(2).map(|rest| rest[..20].to_owned()).collect::<Vec<_>>();
        let at = format_rfc3339(NOW)[..19].to_owned();
        assert!(updated(&atom(&now, "", &place)).iter().all(|time| time.starts_with(&at)), "{}", atom(&now, "", &place));
        assert!(updated(&atom(&before, "", &place)).iter().all(|time| !time.starts_with(&at)));
        let guids =
            |text: &str| text.split("<guid").skip(1).map(|rest| rest.split("</guid>").next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(guids(&rss(&now, "", &place)), guids(&rss(&before, "", &place)));
        assert!(rss(&now, "", &place).contains("Other words"));
    }

    #[test]
    fn dates_of_letters() {
        assert_eq!(letter_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(letter_date(1_795_183_200_000), "Fri, 20 Nov 2026 14:00:00 GMT");
    }
}
