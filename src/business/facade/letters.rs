//! Writes letters about KPIs: reads how they were, has them put into words, and draws their charts.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base::period::{Grain, Period};
use crate::business::collect::desk::Desk;
use crate::business::config::digest::{Digest, Language};
use crate::business::digest::picture::{self, Types};
use crate::business::digest::sender::Pen;
use crate::business::digest::when::over_by;
use crate::business::outlook::{self, Told};
use crate::business::pages::digest_letter::{self, CHARTS_MAX, LetterInput, LetterKpi};
use crate::business::pages::figure::Figures;
use crate::business::pages::trend::Bar;
use crate::business::store::Store;
use crate::platform::db::DbError;
use crate::series::ports::{Mail, MailFile};
use crate::ui::lang::Lang;
use crate::ui::{format, links, print};

/// Bars of a chart.
const BARS: i64 = 13;
/// KPIs of one letter at most.
const KPIS_MAX: usize = 200;

/// Writes letters.
pub(super) struct Letters {
    desk: Arc<Desk>,
    store: Store,
    /// Under which address people reach this server, without a slash at its end; empty where nobody said so.
    external_url: String,
    types: OnceLock<Option<Types>>,
}

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letters").finish_non_exhaustive()
    }
}

impl Letters {
    pub(super) fn new(desk: Arc<Desk>, store: Store, external_url: &str) -> Arc<Self> {
        Arc::new(Self { desk, store, external_url: external_url.trim_end_matches('/').to_owned(), types: OnceLock::new() })
    }

    /// Whether letters can say where more is.
    pub(super) fn has_url(&self) -> bool {
        !self.external_url.is_empty()
    }

    fn href(&self, path: &str) -> String {
        if self.has_url() { format!("{}{path}", self.external_url) } else { String::new() }
    }

    /// What a letter says.
    fn input(&self, digest: &Digest, about: Period) -> Result<LetterInput, DbError> {
        let lang = match digest.language {
            Language::En => Lang::En,
            Language::Ar => Lang::Ar,
        };
        let told = outlook::told(
            (&self.store, &self.desk),
            (about, BARS),
            |known, grain| over_by(self.desk.calendar_of(&known.kpi), about, grain),
            |known| digest.names(&known.kpi.name, &known.kpi.group),
        )?;
        let kpis = told.iter().take(KPIS_MAX).map(|told| self.kpi(told, about, lang)).collect();
        Ok(LetterInput { lang, name: digest.name.clone(), about: format::period(about, lang), kpis, href: self.href(links::BUSINESS) })
    }

    fn kpi(&self, told: &Told, about: Period, lang: Lang) -> LetterKpi {
        let Told { past, period, why } = told;
        let (known, period) = (&past.known, *period);
        let bar = |at: Period| Bar {
            words: short(at, lang),
            value: past.value(at).map(|value| value.value),
            target: known.kpi.target(at),
            year_before: past.value(at.year_before()).map(|value| value.value),
            ..Bar::default()
        };
        LetterKpi {
            id: known.id,
            name: known.kpi.name.clone(),
            group: known.kpi.group.clone(),
            owner: known.kpi.owner.clone(),
            figures: Figures::of(&known.kpi),
            period: if period == about { String::new() } else { format::period(period, lang) },
            value: past.value(period).map(|value| value.value),
            before: past.change(period.before(), period),
            year_before: past.change(period.year_before(), period),
            progress: past.progress(period),
            why: why.as_ref().map(|why| (format!("{} = {}", why.segment.label, why.segment.value), why.by)),
            bars: (0..BARS).rev().map(|back| bar(period.shifted(-back))).collect(),
            href: self.href(&links::kpi(known.id)),
        }
    }

    /// The charts of a letter as PNG, one a KPI; none where there is nothing to draw.
    fn pictures(&self, input: &LetterInput) -> Vec<Option<Vec<u8>>> {
        let fonts = || Types::new(print::fonts()?.regular.iter().map(|font| font.bytes.clone()));
        let Some(types) = self.types.get_or_init(fonts) else { return Vec::new() };
        let drawn =
            |kpi: &LetterKpi| Some(digest_letter::drawing(kpi)).filter(|svg| !svg.is_empty()).and_then(|svg| picture::png(&svg, types));
        input.kpis.iter().take(CHARTS_MAX).map(drawn).collect()
    }

    /// The body of a letter as a page shows it, its charts in it. Blocking.
    pub(super) fn preview(&self, digest: &Digest, about: Period) -> Result<String, DbError> {
        let input = self.input(digest, about)?;
        let address = |png: Vec<u8>| format!("data:image/png;base64,{}", STANDARD.encode(png));
        let pictures: Vec<String> = self.pictures(&input).into_iter().map(|png| png.map(address).unwrap_or_default()).collect();
        Ok(digest_letter::html(&input, &pictures, false))
    }

    /// Groups and names of KPIs, in order.
    pub(super) fn groups(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let all = self.desk.all();
        let groups = all.iter().map(|known| known.kpi.group.clone()).filter(|group| !group.is_empty());
        groups.filter(|group| seen.insert(group.to_lowercase())).collect()
    }
}

impl Pen for Letters {
    fn letter(&self, digest: &Digest, about: Period) -> Result<Mail, String> {
        let input = self.input(digest, about).map_err(|error| error.to_string())?;
        let pictures = self.pictures(&input);
        let file = |(kpi, png): (&LetterKpi, &Option<Vec<u8>>)| {
            let bytes = png.clone()?;
            let (name, content_id) = (format!("kpi-{}.png", kpi.id), format!("kpi-{}@pharos", kpi.id));
            Some(MailFile { name, media_type: "image/png".to_owned(), content_id, bytes })
        };
        let files: Vec<Option<MailFile>> = input.kpis.iter().zip(&pictures).map(file).collect();
        let address = |file: &Option<MailFile>| file.as_ref().map(|file| format!("cid:{}", file.content_id)).unwrap_or_default();
        let addresses: Vec<String> = files.iter().map(address).collect();
        Ok(Mail {
            subject: digest_letter::title(&input),
            text: digest_letter::text(&input),
            html: digest_letter::html(&input, &addresses, true),
            files: files.into_iter().flatten().collect(),
            ..Mail::default()
        })
    }
}

/// A period in as few letters as a chart has room for: `W47`, `Nov 2026`. Pictures are drawn by a library that does not join
/// Arabic letters of one font with digits of another, so those have digits only: `2026-11`.
fn short(period: Period, lang: Lang) -> String {
    match period.grain() {
        Grain::Week => period.to_string().split_once('-').map_or_else(|| period.to_string(), |(_, week)| week.to_owned()),
        Grain::Month if lang.dir() == "rtl" => period.to_string(),
        _ => format::period(period, lang),
    }
}
