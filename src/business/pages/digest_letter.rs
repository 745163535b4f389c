//! The letter about KPIs, as HTML and as text: how each was, what it should have been, what changed, and a chart of it.

use super::figure::{Figures, share};
use super::trend::{self, Bar, Room};
use crate::business::model::comparison::{Change, Progress};
use crate::ui::lang::{Lang, key};
use crate::ui::page;

/// KPIs with a chart at most; of more there is a line in a table.
pub const CHARTS_MAX: usize = 40;

/// Colours and letters of a chart in a letter: those of the light theme, as mail programs have no themes.
const STYLE: &str = "<style>\
.g{stroke:#e4e7ec;fill:none}.n,.w{font:12px sans-serif;fill:#4a5361}.n{text-anchor:end}.w{text-anchor:middle}\
.v{fill:#8fb0ee}.r{opacity:.55}.f{fill:#2a5fd0;opacity:.16}.y{fill:#15181d;stroke:#fff;stroke-width:1}.t{stroke:#14713f;stroke-width:2;fill:none}.m{stroke:#8a5b00;stroke-dasharray:2 3;fill:none}.mf{fill:#8a5b00}\
</style>";
/// Size of a picture.
const PICTURE: &str = "width=\"720\" height=\"220\" viewBox=\"0 0 720 220\"";

/// What a letter is made of.
#[derive(Debug, Clone, Default)]
pub struct LetterInput {
    /// Its language.
    pub lang: Lang,
    /// The name of the digest.
    pub name: String,
    /// What it is about, in words: `Nov 2026`.
    pub about: String,
    /// Its KPIs.
    pub kpis: Vec<LetterKpi>,
    /// Where the page of the business is; empty for nowhere.
    pub href: String,
}

/// A KPI in it.
#[derive(Debug, Clone, Default)]
pub struct LetterKpi {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Under which heading it stands.
    pub group: String,
    /// Who answers for it.
    pub owner: String,
    /// How its numbers are written.
    pub figures: Figures,
    /// Its period in words, where that is not the one of the letter.
    pub period: String,
    /// Its value; none where nobody knows.
    pub value: Option<f64>,
    /// Against the period before...
    pub before: Option<Change>,
    /// ...and against the year before.
    pub year_before: Option<Change>,
    /// Against its target.
    pub progress: Option<Progress>,
    /// The segment that explains most of the change, and by how much it changed.
    pub why: Option<(String, f64)>,
    /// How it went.
    pub bars: Vec<Bar>,
    /// Where its page is; empty for nowhere.
    pub href: String,
}

struct ChangeView {
    text: String,
    colour: &'static str,
    words: &'static str,
}

struct KpiView<'a> {
    kpi: &'a LetterKpi,
    value: String,
    changes: Vec<ChangeView>,
    target: String,
    /// Sign, colour and words of the target.
    met: Option<(&'static str, &'static str, &'static str)>,
    /// How much of the way to the target is done, 0 to 100.
    percent: String,
    why: String,
    picture: &'a str,
    about: String,
}

struct GroupView<'a> {
    title: &'a str,
    kpis: Vec<KpiView<'a>>,
}

/// The body of a letter; it stands in mail by itself, and on a page as a preview.
#[derive(askama::Template)]
#[template(path = "business/digest_letter.html")]
struct Letter<'a> {
    lang: Lang,
    title: &'a str,
    said: String,
    input: &'a LetterInput,
    groups: Vec<GroupView<'a>>,
    is_whole: bool,
}

/// What a letter is called.
pub fn title(input: &LetterInput) -> String {
    format!("{} · {}", input.name, input.about)
}

/// The chart of a KPI as a drawing with colours of its own; empty where there is nothing to draw.
pub fn drawing(kpi: &LetterKpi) -> String {
    let svg = trend::svg(&kpi.bars, &kpi.figures, &kpi.name, Room::Letter);
    // The picture has a size of its own, and knows no style sheet.
    match svg.split_once('>') {
        Some((head, rest)) => {
            let label = head.split_once("role=").map_or("", |(_, label)| label);
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {PICTURE} role={label}>{STYLE}{rest}")
        }
        None => svg,
    }
}

/// How many targets are met, in words; empty where there is none.
fn said(input: &LetterInput) -> String {
    let wanted: Vec<bool> = input.kpis.iter().filter_map(|kpi| kpi.progress).map(|progress| progress.is_met).collect();
    let met = wanted.iter().filter(|is_met| **is_met).count();
    match wanted.len() {
        0 => String::new(),
        all if all == met => input.lang.t("Every target was met.").to_owned(),
        all => input.lang.fill("{} of {} targets were met.", &[&met, &all]),
    }
}

fn change_view(found: Change, words: &'static str, figures: &Figures) -> ChangeView {
    ChangeView {
        text: found.share.map_or_else(|| figures.show_change(found.by), share),
        colour: match found.is_good {
            Some(true) => "#14713f",
            Some(false) => "#b3261e",
            None => "#646e7c",
        },
        words,
    }
}

fn view<'a>(kpi: &'a LetterKpi, picture: &'a str, lang: Lang) -> KpiView<'a> {
    let changes = [(kpi.before, key("than before")), (kpi.year_before, key("than a year ago"))];
    let met = |progress: Progress| {
        if progress.is_met { ("✓", "#14713f", key("target met")) } else { ("✗", "#b3261e", key("target missed")) }
    };
    let done = kpi.progress.and_then(|progress| progress.share).unwrap_or(0.0).clamp(0.0, 1.0);
    KpiView {
        value: kpi.value.map_or_else(|| "–".to_owned(), |value| kpi.figures.show(value)),
        changes: changes.into_iter().filter_map(|(found, words)| Some(change_view(found?, words, &kpi.figures))).collect(),
        target: kpi.progress.map(|progress| lang.fill("of {}", &[&kpi.figures.show(progress.target)])).unwrap_or_default(),
        met: kpi.progress.map(met),
        percent: format!("{:.0}", done * 100.0),
        why: match &kpi.why {
            Some((segment, by)) => lang.fill("Mostly {}: {}", &[segment, &kpi.figures.show_change(*by)]),
            None => String::new(),
        },
        picture,
        about: lang.fill("{} over time", &[&kpi.name]),
        kpi,
    }
}

/// A letter as HTML, whole or only its body. `pictures` are the addresses of the charts (`cid:…`, `data:…`), one a KPI; empty
/// for none.
pub fn html(input: &LetterInput, pictures: &[String], is_whole: bool) -> String {
    let mut groups: Vec<GroupView<'_>> = Vec::new();
    for (at, kpi) in input.kpis.iter().enumerate() {
        let view = view(kpi, pictures.get(at).map_or("", String::as_str), input.lang);
        match groups.iter_mut().find(|group| group.title == kpi.group) {
            Some(group) => group.kpis.push(view),
            None => groups.push(GroupView { title: &kpi.group, kpis: vec![view] }),
        }
    }
    page::html(&Letter { lang: input.lang, title: &title(input), said: said(input), input, groups, is_whole })
}

/// A letter as text.
pub fn text(input: &LetterInput) -> String {
    let lang = input.lang;
    let mut lines = vec![title(input), said(input)];
    for kpi in &input.kpis {
        let view = view(kpi, "", lang);
        let mut parts = vec![format!("{}: {}", kpi.name, view.value)];
        if let Some((sign, _, words)) = view.met {
            parts.push(format!("{} ({sign} {})", view.target, lang.t(words)));
        }
        parts.extend(view.changes.iter().map(|change| format!("{} {}", change.text, lang.t(change.words))));
        parts.extend([kpi.period.clone(), view.why].into_iter().filter(|part| !part.is_empty()));
        lines.extend([String::new(), parts.join(" · ")]);
        lines.extend(Some(kpi.href.clone()).filter(|href| !href.is_empty()));
    }
    if input.kpis.is_empty() {
        lines.push(lang.t("No KPI stands in this letter.").to_owned());
    }
    lines.extend([String::new(), input.href.clone()]);
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::kpi::read_one;
    use crate::business::model::comparison::{change, progress};
    use crate::business::model::kind::Better;

    fn input(lang: Lang, name: &str) -> LetterInput {
        let kpi = read_one("{name: Revenue, unit: currency, currency: EUR, pushed: {}}").unwrap();
        let bar = |value: f64| Bar { words: "W47".into(), value: Some(value), target: Some(10_000.0), ..Bar::default() };
        let revenue = LetterKpi {
            id: 7,
            name: name.to_owned(),
            group: "Money".into(),
            owner: "Ada".into(),
            figures: Figures::of(&kpi),
            value: Some(8_412.0),
            before: Some(change(7_900.0, 8_412.0, Better::Up)),
            progress: Some(progress(8_412.0, Some(8_412.0), 10_000.0, Better::Up)),
            why: Some(("plan = pro".into(), 320.0)),
            bars: vec![bar(7_900.0), bar(8_412.0)],
            href: "https://p.example/business/7".into(),
            ..LetterKpi::default()
        };
        let unknown = LetterKpi { id: 8, name: "Churn".into(), period: "Oct 2026".into(), ..LetterKpi::default() };
        let about = "Week 47 of 2026".to_owned();
        LetterInput { lang, name: "Weekly".into(), about, kpis: vec![revenue, unknown], href: "https://p.example/business".into() }
    }

    #[test]
    fn a_letter_says_everything_as_html_and_as_text() {
        let given = input(Lang::En, "<Revenue>");
        let whole = html(&given, &["cid:kpi-7@pharos".to_owned(), String::new()], true);
        for expected in [
            "<title>Weekly · Week 47 of 2026</title>",
            "&#60;Revenue&#62;",
            "€8,412",
            "of €10,000",
            "✗ target missed",
            "width:84%",
            "+6.5 %",
            "Mostly plan = pro: +€320",
            "cid:kpi-7@pharos",
            "0 of 1 targets were met.",
            "Oct 2026",
            "Ada",
            "https://p.example/business/7",
        ] {
            assert!(whole.contains(expected), "{expected}: {whole}");
        }
        assert_eq!((whole.matches("<img").count(), whole.matches("<p").count()), (1, whole.matches("</p>").count()));
        assert!(!html(&given, &[], false).contains("<body"), "a preview is a part of a page");
        let text = text(&given);
        assert!(
            text.contains("<Revenue>: €8,412 · of €10,000 (✗ target missed) · +6.5 % than before · Mostly plan = pro: +€320"),
            "{text}"
        );
        assert!(text.contains("Churn: – · Oct 2026") && text.ends_with("https://p.example/business"), "{text}");
        assert!(html(&input(Lang::Ar, "x"), &[], true).contains("dir=\"rtl\""));
        assert!(html(&LetterInput::default(), &[], true).contains("No KPI stands in this letter."));
    }

    #[test]
    fn drawings_have_colours_and_a_size_of_their_own() {
        let given = input(Lang::En, "a > \"b\"");
        let svg = drawing(&given.kpis[0]);
        assert!(svg.contains("width=\"720\" height=\"220\"") && svg.contains("<style>.g{") && svg.contains("xmlns="), "{svg}");
        assert_eq!(drawing(&given.kpis[1]), "");
    }
}
