//! Lists of what pharos itself knows: alerts that are on, dashboards, annotations.

use std::fmt::Write;

use super::markup::escape;
use super::{Canvas, Drawn};
use crate::boards::data::Options;
use crate::boards::model::Panel;
use crate::series::ports::{AlertNow, Happening};
use crate::ui::{format, links};

/// Most entries of a list.
const ENTRIES_MAX: usize = 100;
/// Most labels of an alert that are shown.
const LABELS_MAX: usize = 6;

/// A dashboard in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBoard {
    /// Its name in URLs.
    pub uid: String,
    /// Its title for URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The uid of its folder; empty for none.
    pub folder_uid: String,
}

/// How many entries a list has at most.
fn limit(options: Options<'_>) -> usize {
    options.count("maxItems", 1, 100).map_or(20, |count| count as usize).min(ENTRIES_MAX)
}

/// Alerts that are on; `fits` says whether labels are those that the panel asks for.
pub fn alerts(panel: &Panel, mut all: Vec<AlertNow>, fits: &dyn Fn(&AlertNow) -> bool, canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let states = options.child("stateFilter");
    let name = options.word("alertName").to_lowercase();
    all.retain(|one| {
        let is_wanted = if one.is_firing { states.flag_or("firing", true) } else { states.flag_or("pending", true) };
        is_wanted && (name.is_empty() || one.name.to_lowercase().contains(&name)) && fits(one)
    });
    match options.count("sortOrder", 0, 10) {
        Some(1) => all.sort_by(|a, b| a.name.cmp(&b.name)),
        Some(2) => all.sort_by(|a, b| b.name.cmp(&a.name)),
        Some(4) => all.sort_by_key(|one| one.since),
        Some(5) => all.sort_by_key(|one| std::cmp::Reverse(one.since)),
        _ => all.sort_by_key(|one| (!one.is_firing, std::cmp::Reverse(one.since))),
    }
    if options.word("viewMode") == "stat" {
        let firing = all.iter().filter(|one| one.is_firing).count();
        let class = if firing > 0 { "crit" } else { "ok" };
        return Drawn::Html { html: format!("<p class=\"p-count {class}\"><b>{firing}</b> {}</p>", escape(canvas.lang.t("firing"))) };
    }
    if all.is_empty() {
        return Drawn::Empty { text: canvas.lang.t("No alert is on.").to_owned() };
    }
    let mut html = String::from("<ul class=\"p-list p-scroll\" tabindex=\"0\">");
    for one in all.iter().take(limit(options)) {
        let (class, word) = if one.is_firing { ("crit", "Firing") } else { ("warn", "Pending") };
        let since = format::moment(one.since, canvas.now, canvas.lang);
        let _infallible = write!(
            html,
            "<li><span class=\"p-state {class}\">{}</span><a class=\"p-link\" href=\"{}\">{}</a><span class=\"p-sub\">{}</span><time datetime=\"{}\" data-f=\"{}\">{}</time></li>",
            escape(canvas.lang.t(word)),
            escape(&one.path),
            escape(&one.name),
            escape(&if one.summary.is_empty() { labels(one) } else { one.summary.clone() }),
            escape(&since.exact),
            since.form,
            escape(&since.words),
        );
    }
    html.push_str("</ul>");
    Drawn::Html { html }
}

fn labels(alert: &AlertNow) -> String {
    let told = alert.labels.iter().filter(|(name, _)| *name != "alertname").take(LABELS_MAX);
    told.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// Dashboards, by title.
pub fn boards(panel: &Panel, all: &[ListedBoard], canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let (query, tags, folder) = (options.word("query").to_lowercase(), options.words("tags"), options.word("folderUID"));
    // A list that searches for nothing and has no stars or history to show is one of everything.
    let fits = |one: &&ListedBoard| {
        one.title.to_lowercase().contains(&query)
            && tags.iter().all(|tag| one.tags.iter().any(|own| own == tag))
            && (folder.is_empty() || folder == one.folder_uid)
    };
    let found: Vec<&ListedBoard> = all.iter().filter(fits).take(limit(options)).collect();
    if found.is_empty() {
        return Drawn::Empty { text: canvas.lang.t("No dashboard is like that.").to_owned() };
    }
    let mut html = String::from("<ul class=\"p-list p-scroll\" tabindex=\"0\">");
    for one in found {
        let path = links::board(&one.uid, &one.slug);
        let _infallible = write!(html, "<li><a class=\"p-link\" href=\"{}\">{}</a>", escape(&path), escape(&one.title));
        for tag in one.tags.iter().take(LABELS_MAX) {
            let _infallible = write!(html, "<span class=\"p-tag\">{}</span>", escape(tag));
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>");
    Drawn::Html { html }
}

/// What was marked in time, the newest first.
pub fn happenings(panel: &Panel, all: &[Happening], canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    let tags = options.words("tags");
    let count = options.count("limit", 1, 100).map_or(10, |count| count as usize);
    let found: Vec<&Happening> =
        all.iter().filter(|one| tags.iter().all(|tag| one.tags.iter().any(|own| own == tag))).take(count).collect();
    if found.is_empty() {
        return Drawn::Empty { text: canvas.lang.t("Nothing was marked in this time.").to_owned() };
    }
    let mut html = String::from("<ul class=\"p-list p-scroll\" tabindex=\"0\">");
    for one in found {
        let at = format::moment(one.at, canvas.now, canvas.lang);
        let _infallible = write!(html, "<li><span class=\"p-sub\">{}</span>", escape(&one.text));
        if options.flag_or("showTags", true) {
            for tag in one.tags.iter().take(LABELS_MAX) {
                let _infallible = write!(html, "<span class=\"p-tag\">{}</span>", escape(tag));
            }
        }
        let _infallible = write!(html, "<time datetime=\"{}\" data-f=\"{}\">{}</time></li>", escape(&at.exact), at.form, escape(&at.words));
    }
    html.push_str("</ul>");
    Drawn::Html { html }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::time::TimeRange;
    use crate::series::labels::Labels;
    use crate::ui::lang::Lang;

    const CANVAS: Canvas = Canvas { width: 600, height: 240, lang: Lang::En, range: TimeRange::new(0, 60_000), step: 15_000, now: 600_000 };

    fn panel(options: serde_json::Value) -> Panel {
        Panel { options: options.as_object().unwrap().clone(), ..Panel::default() }
    }

    fn html(drawn: Drawn) -> String {
        match drawn {
            Drawn::Html { html } => html,
            other => panic!("{other:?}"),
        }
    }

    fn alert(name: &str, is_firing: bool, since: i64) -> AlertNow {
        let labels = Labels::from_pairs([("alertname", name), ("job", "<api>")]);
        AlertNow { name: name.into(), labels, summary: String::new(), is_firing, since, path: "/alerts?a=1&b=2".into() }
    }

    #[test]
    fn alerts_that_fire_come_first() {
        let all = || vec![alert("Slow", false, 500_000), alert("Down", true, 100_000)];
        let drawn = html(alerts(&panel(json!({})), all(), &|_| true, &CANVAS));
        assert!(
            drawn.find("Down") < drawn.find("Slow") && drawn.contains("job=&lt;api&gt;") && drawn.contains("/alerts?a=1&amp;b=2"),
            "{drawn}"
        );
        let none =
            alerts(&panel(json!({"stateFilter": {"firing": false, "pending": true}, "alertName": "down"})), all(), &|_| true, &CANVAS);
        assert!(matches!(none, Drawn::Empty { .. }));
        let count = html(alerts(&panel(json!({"viewMode": "stat"})), all(), &|one| one.name == "Down", &CANVAS));
        assert!(count.contains("<b>1</b>") && count.contains("crit"), "{count}");
    }

    #[test]
    fn dashboards_and_marks_are_picked_by_tags() {
        let one = |uid: &str, tag: &str| ListedBoard {
            uid: uid.into(),
            slug: "s".into(),
            title: format!("T <{uid}>"),
            tags: vec![tag.into()],
            folder_uid: String::new(),
        };
        let drawn = html(boards(&panel(json!({"tags": ["x"]})), &[one("a", "x"), one("b", "y")], &CANVAS));
        assert!(drawn.contains("T &lt;a&gt;") && !drawn.contains("&lt;b&gt;") && drawn.contains("href=\"/d/a/s\""), "{drawn}");
        let marked = Happening {
            at: 590_000,
            until: 590_000,
            text: "v2 <out>".into(),
            tags: vec!["deploy".into()],
            by: String::new(),
            path: String::new(),
        };
        let drawn = html(happenings(&panel(json!({"tags": ["deploy"]})), std::slice::from_ref(&marked), &CANVAS));
        assert!(drawn.contains("v2 &lt;out&gt;") && drawn.contains("10 s ago"), "{drawn}");
        assert!(matches!(happenings(&panel(json!({"tags": ["x"]})), &[marked], &CANVAS), Drawn::Empty { .. }));
    }
}
