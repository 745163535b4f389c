//! How a KPI went: a bar for each period, the target across them, the year before as dots, what is to come with its band,
//! what was marked as flags. Drawn by the server as SVG, so that it is on paper and in letters as it is on the page.

use std::fmt::Write;

use super::figure::Figures;

/// Bars at most; of more the newest are drawn.
pub const BARS_MAX: usize = 120;
/// Bars on a phone at most, so that each can be seen.
const BARS_NARROW: usize = 24;
const HEIGHT: f64 = 220.0;
/// Where the words below begin.
const FOOT: f64 = 20.0;
/// How much room flags have above.
const HEAD: f64 = 14.0;

/// For how much room it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// A page on a desk, or paper.
    Wide,
    /// A phone.
    Narrow,
    /// A letter.
    Letter,
}

impl Room {
    /// Its width, the room that numbers at the side have, and how many words stand below at most.
    const fn measures(self) -> (f64, f64, usize) {
        match self {
            Self::Wide => (1080.0, 64.0, 10),
            Self::Narrow => (350.0, 56.0, 3),
            Self::Letter => (720.0, 56.0, 8),
        }
    }
}

/// One period.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// Its words: `Nov 2026`.
    pub words: String,
    /// The value; none where nobody knows.
    pub value: Option<f64>,
    /// What it should have been.
    pub target: Option<f64>,
    /// The year before.
    pub year_before: Option<f64>,
    /// Whether its period goes on.
    pub is_running: bool,
    /// What may come, from the least to the most, where it is to come.
    pub band: Option<(f64, f64)>,
    /// What was marked in it, in words; empty for nothing.
    pub marked: String,
}

impl Bar {
    /// The same without what cannot be drawn.
    fn finite(&self) -> Self {
        let drawn = |value: Option<f64>| value.filter(|value| value.is_finite());
        let band = self.band.filter(|(low, high)| low.is_finite() && high.is_finite());
        Self { value: drawn(self.value), target: drawn(self.target), year_before: drawn(self.year_before), band, ..self.clone() }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let band = self.band.map(|(low, high)| [low, high]).into_iter().flatten();
        [self.value, self.target, self.year_before].into_iter().flatten().chain(band)
    }
}

/// Round steps of a scale: about four of them, from the least to the most, nothing among them.
fn scale(low: f64, high: f64) -> (f64, f64, f64) {
    let (low, high) = (low.min(0.0), high.max(0.0));
    let rough = ((high - low) / 4.0).max(1e-9);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough * 0.999).unwrap_or(rough);
    ((low / step).floor() * step, (high / step).ceil() * step, step)
}

/// The chart; nothing where there is no value. `about` is what it shows, for those who do not see it.
pub fn svg(bars: &[Bar], figures: &Figures, about: &str, room: Room) -> String {
    let (width, side, words) = room.measures();
    let most = if room == Room::Narrow { BARS_NARROW } else { BARS_MAX };
    let bars: Vec<Bar> = bars[bars.len().saturating_sub(most)..].iter().map(Bar::finite).collect();
    let all: Vec<f64> = bars.iter().flat_map(Bar::values).collect();
    if all.is_empty() {
        return String::new();
    }
    let (low, high, step) = scale(all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(f64::MIN, f64::max));
    let span = (high - low).max(1e-9);
    let y = |value: f64| (HEIGHT - FOOT - HEAD) * (1.0 - (value - low) / span) + HEAD;
    let slot = (width - side) / bars.len() as f64;
    let class = match room {
        Room::Narrow => "bz-trend only-s",
        Room::Wide => "bz-trend hide-s",
        Room::Letter => "bz-trend",
    };
    let mut out = format!("<svg class=\"{class}\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escaped(about));
    let mut mark = low;
    // A step is a quarter of the span at least, so there are few.
    while mark <= high + step / 2.0 {
        // Writing to a String cannot fail.
        let _infallible = write!(
            out,
            "<path class=\"g\" d=\"M{side} {0:.1}H{width}\"/><text class=\"n\" x=\"{1}\" y=\"{2:.1}\">{3}</text>",
            y(mark),
            side - 8.0,
            y(mark) + 4.0,
            escaped(&figures.show(mark))
        );
        mark += step;
    }
    for (at, bar) in bars.iter().enumerate() {
        draw(&mut out, bar, (side + slot * at as f64, slot), &y, figures);
    }
    let every = bars.len().div_ceil(words);
    for (at, bar) in bars.iter().enumerate().filter(|(at, _)| (bars.len() - 1 - at).is_multiple_of(every)) {
        let x = (side + slot * (at as f64 + 0.5)).clamp(side + 24.0, width - 30.0);
        let _infallible = write!(out, "<text class=\"w\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", HEIGHT - 4.0, escaped(&bar.words));
    }
    out.push_str("</svg>");
    out
}

fn draw(out: &mut String, bar: &Bar, (x, slot): (f64, f64), y: &impl Fn(f64) -> f64, figures: &Figures) {
    let width = (slot * 0.7).clamp(0.5, 46.0);
    let (left, middle) = (x + (slot - width) / 2.0, x + slot / 2.0);
    let rect = |class: &str, from: f64, to: f64| {
        let (top, bottom) = (y(from).min(y(to)), y(from).max(y(to)));
        format!("<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>", (bottom - top).max(0.5))
    };
    let value = bar.value.map(|value| figures.show(value));
    let band = bar.band.map(|(low, high)| format!("{} – {}", figures.show(low), figures.show(high)));
    let marked = Some(bar.marked.clone()).filter(|text| !text.is_empty());
    let said: Vec<String> = [Some(bar.words.clone()), value, band, marked].into_iter().flatten().collect();
    let _infallible = write!(out, "<g><title>{}</title>", escaped(&said.join(": ")));
    if !bar.marked.is_empty() {
        let _infallible = write!(
            out,
            "<path class=\"m\" d=\"M{middle:.1} {HEAD}V{:.1}\"/><path class=\"mf\" d=\"M{:.1} 3h10l-5 8z\"/>",
            HEIGHT - FOOT,
            middle - 5.0
        );
    }
    if let Some((low, high)) = bar.band {
        out.push_str(&rect("f", low, high));
        if bar.value.is_none() {
            let _infallible = write!(out, "<path class=\"fm\" d=\"M{left:.1} {:.1}h{width:.1}\"/>", y((low + high) / 2.0));
        }
    }
    if let Some(value) = bar.value {
        out.push_str(&rect(if bar.is_running { "v r" } else { "v" }, 0.0, value));
    }
    if let Some(before) = bar.year_before {
        let _infallible = write!(out, "<circle class=\"y\" cx=\"{middle:.1}\" cy=\"{:.1}\" r=\"2.5\"/>", y(before));
    }
    if let Some(target) = bar.target {
        let _infallible = write!(out, "<path class=\"t\" d=\"M{x:.1} {0:.1}h{slot:.1}\"/>", y(target));
    }
    out.push_str("</g>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_hold_nothing() {
        assert_eq!(scale(0.0, 8_412.0), (0.0, 10_000.0, 2_500.0));
        assert_eq!(scale(3.0, 4.0), (0.0, 4.0, 1.0));
        assert_eq!(scale(-5.0, 12.0), (-5.0, 15.0, 5.0));
        assert_eq!(scale(0.0, 0.0).0, 0.0);
    }

    #[test]
    fn draws_whatever_comes() {
        let bar = |value: Option<f64>| Bar {
            words: "<Nov> & \"x\"".into(),
            value,
            target: Some(5.0),
            year_before: Some(-3.0),
            is_running: true,
            band: Some((1.0, 9.0)),
            marked: "</title><b>".into(),
        };
        for values in [
            vec![Some(1.0)],
            vec![None, Some(f64::NAN), Some(f64::INFINITY)],
            (0..1000).map(|at| Some(f64::from(at))).collect(),
            vec![Some(-1e300), Some(1e300)],
        ] {
            let bars: Vec<Bar> = values.into_iter().map(bar).collect();
            let svg = svg(&bars, &Figures::default(), "Orders <by> month", Room::Wide);
            assert!(
                svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("<Nov>") && !svg.contains("<b>") && svg.len() < 90_000,
                "{}",
                svg.len()
            );
            assert!(!svg.contains("NaN\"") && !svg.contains("inf\""), "{svg}");
        }
        assert_eq!(svg(&[], &Figures::default(), "", Room::Wide), "");
        assert_eq!(svg(&[Bar::default()], &Figures::default(), "", Room::Narrow), "");
    }
}
