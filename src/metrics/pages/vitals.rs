//! How fast the pages of users' sites are for those who look at them, and how to be told.

use crate::metrics::model::vital::Vital;
use crate::ui::format::{self, Unit, count};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Pages that are listed at most, those with the most visits first.
pub const PAGES_MAX: usize = 50;
/// Days that may be looked at, the usual first.
pub const DAYS: [u32; 3] = [28, 7, 1];
/// The vitals that are listed by page.
pub const BY_PAGE: [Vital; 3] = [Vital::Lcp, Vital::Inp, Vital::Cls];

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct VitalsInput {
    /// Whether measurements are taken at all.
    pub is_on: bool,
    /// The address of this server, as pages elsewhere reach it.
    pub url: String,
    /// What was asked for.
    pub filter: Filter,
    /// Sites that sent something.
    pub sites: Vec<String>,
    /// What was measured, in the order of [`Vital::ALL`]; those without a measurement are left out.
    pub measured: Vec<Measured>,
    /// Pages, those with the most visits first.
    pub pages: Vec<OfPage>,
}

/// What is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Days back.
    pub days: u32,
    /// Only of this site; empty for all.
    pub site: String,
    /// Only of this kind of device; empty for all.
    pub device: String,
}

impl Filter {
    /// From a query string: `days`, `site`, `device`.
    pub fn from_query(query: &str) -> Self {
        let [usual, ..] = DAYS;
        let mut filter = Self { days: usual, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "days" => filter.days = value.parse().ok().filter(|days| DAYS.contains(days)).unwrap_or(usual),
                "site" => filter.site = value.chars().take(253).collect(),
                "device" if ["mobile", "tablet", "desktop"].contains(&&*value) => filter.device = value.into_owned(),
                _ => {}
            }
        }
        filter
    }
}

/// One vital over all that was looked at.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Which.
    pub vital: Vital,
    /// Three of four were no slower, in seconds or shift.
    pub p75: f64,
    /// Shares that were good, and that were poor; 0 to 1.
    pub shares: (f64, f64),
    /// How many there were.
    pub count: f64,
}

/// The vitals of one page.
#[derive(Debug, Clone, Default)]
pub struct OfPage {
    /// Its path.
    pub page: String,
    /// Measurements of its main part, or of what else there is: about as many as visits.
    pub visits: f64,
    /// Three of four were no slower, in the order of [`BY_PAGE`].
    pub p75: [Option<f64>; BY_PAGE.len()],
}

struct Card {
    name: &'static str,
    short: &'static str,
    value: String,
    verdict: &'static str,
    class: &'static str,
    shares: [String; 3],
    said: String,
    count: String,
    bound: String,
    href: String,
}

struct Row {
    page: String,
    visits: String,
    cells: Vec<(String, &'static str)>,
}

#[derive(askama::Template)]
#[template(path = "metrics/vitals.html")]
struct VitalsPage<'a> {
    shell: &'a Shell,
    input: &'a VitalsInput,
    days: Vec<(u32, String, bool)>,
    devices: [(&'static str, &'static str); 4],
    cards: Vec<Card>,
    rows: Vec<Row>,
    snippet: String,
    own: String,
}

/// In plain words, what the library's letters stand for.
const fn name(vital: Vital) -> &'static str {
    match vital {
        Vital::Lcp => key("Main part is there"),
        Vital::Inp => key("A click shows"),
        Vital::Cls => key("Layout jumps"),
        Vital::Fcp => key("Something is there"),
        Vital::Ttfb => key("First byte"),
        Vital::Fid => key("First click is noticed"),
    }
}

fn shown(vital: Vital, value: f64) -> String {
    if vital == Vital::Cls { format!("{value:.2}") } else { format::number(value, Unit::Seconds) }
}

/// The class and the word of a value.
fn verdict(vital: Vital, value: f64) -> (&'static str, &'static str) {
    let (good, poor) = vital.bounds_of_rating();
    if value <= good {
        ("ok", key("good"))
    } else if value <= poor {
        ("warn", key("needs work"))
    } else {
        ("crit", key("poor"))
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", share.clamp(0.0, 1.0) * 100.0)
}

fn card(measured: &Measured, input: &VitalsInput, shell: &Shell) -> Card {
    let Measured { vital, p75, shares: (good, poor), .. } = *measured;
    let (class, verdict) = verdict(vital, p75);
    let between = (1.0 - good - poor).max(0.0);
    let query = format!("histogram_quantile(0.75, sum by (le) (rate({}_bucket{}[1h])))", vital.histogram(), selector(&input.filter));
    Card {
        name: name(vital),
        short: vital.as_str(),
        value: shown(vital, p75),
        verdict,
        class,
        shares: [good, between, poor].map(percent),
        said: [good, between, poor]
            .iter()
            .zip([key("good"), key("needs work"), key("poor")])
            .map(|(share, word)| format!("{} % {}", percent(*share), shell.t(word)))
            .collect::<Vec<_>>()
            .join(", "),
        count: count(measured.count.round().max(0.0) as u64),
        bound: shown(vital, vital.bounds_of_rating().0),
        href: links::explore(&query),
    }
}

/// The matchers of what is looked at, in braces; nothing where that is everything.
pub fn selector(filter: &Filter) -> String {
    let matchers: Vec<String> = [("site", &filter.site), ("device", &filter.device)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", crate::series::labels::quote(value)))
        .collect();
    if matchers.is_empty() { String::new() } else { format!("{{{}}}", matchers.join(",")) }
}

/// Renders the page.
pub fn render(input: &VitalsInput, shell: &Shell) -> String {
    let row = |of: &OfPage| Row {
        page: of.page.clone(),
        visits: count(of.visits.round().max(0.0) as u64),
        cells: BY_PAGE
            .iter()
            .zip(of.p75)
            .map(|(vital, value)| value.map_or_else(|| ("–".to_owned(), ""), |value| (shown(*vital, value), verdict(*vital, value).0)))
            .collect(),
    };
    page::html(&VitalsPage {
        shell,
        days: DAYS
            .iter()
            .rev()
            .map(|days| {
                (
                    *days,
                    if *days == 1 { shell.t("24 hours").to_owned() } else { shell.lang().n(u64::from(*days), "{} day", "{} days") },
                    *days == input.filter.days,
                )
            })
            .collect(),
        devices: [("", key("All devices")), ("mobile", key("Phones")), ("tablet", key("Tablets")), ("desktop", key("Computers"))],
        cards: input.measured.iter().map(|measured| card(measured, input, shell)).collect(),
        rows: input.pages.iter().map(row).collect(),
        snippet: format!("<script type=\"module\" async src=\"{}/vitals.js\"></script>", input.url),
        own: OWN.replace("{{URL}}", &input.url),
        input,
    })
}

/// For those who bundle the library themselves.
const OWN: &str = "import { onCLS, onINP, onLCP } from 'web-vitals';

function send({ name, value, id }) {
  navigator.sendBeacon('{{URL}}/api/metrics/web-vitals',
    JSON.stringify({ name, value, id, page: location.pathname }));
}
onCLS(send); onINP(send); onLCP(send);";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &VitalsInput) -> String {
        render(input, &shell(Page::Vitals, "Web vitals", links::VITALS, ""))
    }

    fn measured() -> VitalsInput {
        VitalsInput {
            is_on: true,
            url: "https://pharos.example".into(),
            filter: Filter::from_query(""),
            sites: vec!["shop.example".into()],
            measured: vec![
                Measured { vital: Vital::Lcp, p75: 2.1, shares: (0.8, 0.05), count: 1234.2 },
                Measured { vital: Vital::Inp, p75: 0.3, shares: (0.5, 0.1), count: 7.0 },
                Measured { vital: Vital::Cls, p75: 0.4, shares: (0.2, 0.6), count: 7.0 },
            ],
            pages: vec![OfPage { page: "/orders/:id".into(), visits: 99.0, p75: [Some(1.0), None, Some(0.3)] }],
        }
    }

    #[test]
    fn each_value_has_its_word() {
        let page = html(&measured());
        for expected in ["2.1 s", "good", "needs work", "poor", "0.40", "80 % good, 15 % needs work, 5 % poor", "/orders/:id", "1,234"] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(page.contains("histogram_quantile"));
    }

    #[test]
    fn an_empty_page_says_what_to_do() {
        let empty = VitalsInput { is_on: true, url: "https://p.example".into(), ..VitalsInput::default() };
        let page = html(&empty);
        assert!(
            page.contains("src=&#34;https://p.example/vitals.js&#34;") && page.contains("https://p.example/api/metrics/web-vitals"),
            "{page}"
        );
        assert!(html(&VitalsInput::default()).contains("server.vitals"));
    }

    #[test]
    fn only_known_filters_count() {
        let filter = Filter::from_query("days=7&site=a%22b&device=mobile");
        assert_eq!(selector(&filter), r#"{site="a\"b",device="mobile"}"#);
        assert_eq!(Filter::from_query("days=9999&device=toaster"), Filter { days: 28, ..Filter::default() });
    }

    #[test]
    fn hostile_values_are_text() {
        let mut input = measured();
        input.sites = vec![HOSTILE.into()];
        input.filter.site = HOSTILE.into();
        input.url = HOSTILE.into();
        input.pages[0].page = HOSTILE.into();
        sample::check(&html(&input));
        input.measured.clear();
        sample::check(&html(&input));
    }
}
