//! Colours: Grafana's names and CSS colours, turned into tokens of ours or into a hex that is legible in both themes.

use crate::boards::model::{ColourMode, Look};

/// Shades of Grafana's hues, from dark to light, and the token that stands for the plain ones.
const HUES: [(&str, [u32; 5], &str); 6] = [
    ("green", [0x37872d, 0x56a64b, 0x73bf69, 0x96d98d, 0xc8f2c2], "ok"),
    ("yellow", [0xe0b400, 0xf2cc0c, 0xfade2a, 0xffee52, 0xfff899], "warn"),
    ("orange", [0xfa6400, 0xff780a, 0xff9830, 0xffb357, 0xffcb7d], ""),
    ("red", [0xc4162a, 0xe02f44, 0xf2495c, 0xff7383, 0xffa6b0], "crit"),
    ("blue", [0x1f60c4, 0x3274d9, 0x5794f2, 0x8ab8ff, 0xc0d8ff], "info"),
    ("purple", [0x8f3bb8, 0xa352cc, 0xb877d9, 0xca95e5, 0xdeb6f2], "c7"),
];
/// Names of shades, from dark to light.
const SHADES: [&str; 5] = ["dark-", "semi-dark-", "", "light-", "super-light-"];
/// Colours that older dashboards were born with, and the tokens that stand for them.
const BORN_WITH: [(u32, &str); 13] = [
    (0x299c46, "ok"),
    (0x32ac2d, "ok"),
    (0x7eb26d, "ok"),
    (0x629e51, "ok"),
    (0x3f6833, "ok"),
    (0xd44a3a, "crit"),
    (0xf53636, "crit"),
    (0xe24d42, "crit"),
    (0xbf1b00, "crit"),
    (0xeab839, "warn"),
    (0xed8128, "warn"),
    (0x1f78c1, "info"),
    (0x6ed0e0, "c5"),
];
/// CSS names that dashboards use.
const CSS: [(&str, u32); 16] = [
    ("white", 0xff_ffff),
    ("black", 0x00_0000),
    ("gray", 0x80_8080),
    ("grey", 0x80_8080),
    ("silver", 0xc0_c0c0),
    ("maroon", 0x80_0000),
    ("lime", 0x00_ff00),
    ("olive", 0x80_8000),
    ("navy", 0x00_0080),
    ("teal", 0x00_8080),
    ("aqua", 0x00_ffff),
    ("cyan", 0x00_ffff),
    ("magenta", 0xff_00ff),
    ("fuchsia", 0xff_00ff),
    ("pink", 0xff_c0cb),
    ("brown", 0xa5_2a2a),
];
/// Scales between colours by Grafana's names.
const SCALES: [(&str, &[&str]); 9] = [
    ("continuous-GrYlRd", &["green", "yellow", "red"]),
    ("continuous-RdYlGr", &["red", "yellow", "green"]),
    ("continuous-BlYlRd", &["dark-blue", "super-light-yellow", "dark-red"]),
    ("continuous-YlRd", &["super-light-yellow", "dark-red"]),
    ("continuous-BlPu", &["dark-blue", "dark-purple"]),
    ("continuous-YlBl", &["super-light-yellow", "dark-blue"]),
    ("continuous-blues", &["super-light-blue", "dark-blue"]),
    ("continuous-reds", &["super-light-red", "dark-red"]),
    ("continuous-greens", &["super-light-green", "dark-green"]),
];
/// Luminances between which a colour has a contrast of 3 to the surfaces of both themes.
const LUMINANCE: (f64, f64) = (0.125, 0.295);

/// A token (`ok`, `c1` ...) or a hex colour (`#c4162a`) for a colour as Grafana writes it, of letters, digits and `#`
/// only. What is no colour is `c1`.
pub fn colour(given: &str) -> String {
    let name = given.trim().to_ascii_lowercase();
    if matches!(name.as_str(), "transparent" | "none") {
        return "none".to_owned();
    }
    if matches!(name.as_str(), "text") || is_token(&name) {
        return name;
    }
    for (hue, _, token) in HUES {
        if !token.is_empty() && (name == hue || name.strip_prefix("semi-dark-") == Some(hue)) {
            return token.to_owned();
        }
    }
    match rgb(&name) {
        Some(rgb) => match BORN_WITH.iter().find(|(known, _)| *known == rgb) {
            Some((_, token)) => (*token).to_owned(),
            None => legible(rgb),
        },
        None => "c1".to_owned(),
    }
}

fn is_token(name: &str) -> bool {
    matches!(name, "ok" | "warn" | "crit" | "info" | "c1" | "c2" | "c3" | "c4" | "c5" | "c6" | "c7" | "c8")
}

/// A colour of [`colour`] for CSS.
pub fn css(colour: &str) -> String {
    if colour.starts_with('#') { colour.to_owned() } else { format!("var(--{colour})") }
}

/// The same for text, which needs more contrast than a surface.
pub fn ink(colour: &str) -> String {
    match colour {
        "ok" | "warn" | "crit" | "info" => format!("var(--{colour}-t)"),
        "text" | "" => "var(--text)".to_owned(),
        "none" => "var(--text-3)".to_owned(),
        other => format!("color-mix(in oklab, {} 64%, var(--text))", css(other)),
    }
}

/// The colour of a field at a value between bounds; `index` counts the fields of a panel.
pub fn of_look(look: &Look, value: Option<f64>, bounds: (f64, f64), index: usize, name: &str) -> String {
    match &look.colour {
        ColourMode::Fixed(given) | ColourMode::Shades(given) => colour(given),
        ColourMode::Palette => format!("c{}", index % 8 + 1),
        ColourMode::PaletteByName => format!("c{}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()) % 8 + 1),
        ColourMode::Thresholds => {
            let at = value.filter(|value| !value.is_nan());
            let found = at.and_then(|at| look.thresholds.colour(at, bounds.0, bounds.1));
            found.map_or_else(|| (if at.is_none() { "none" } else { "ok" }).to_owned(), colour)
        }
        ColourMode::Continuous(scale) => {
            let share = value.map_or(0.0, |value| share(value, bounds));
            legible(between(scale, share))
        }
    }
}

/// Where a value stands between bounds, 0 to 1.
pub fn share(value: f64, (min, max): (f64, f64)) -> f64 {
    let share = (value - min) / (max - min);
    if share.is_finite() { share.clamp(0.0, 1.0) } else { f64::from(u8::from(value > min)) }
}

/// A colour of a scale, 0 to 1 from its begin.
fn between(scale: &str, share: f64) -> u32 {
    let stops = SCALES.iter().find(|(name, _)| *name == scale).map_or(SCALES[0].1, |(_, stops)| *stops);
    let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let first = (at.floor() as usize).min(stops.len() - 2);
    let (a, b) = (rgb(stops[first]).unwrap_or(0), rgb(stops[first + 1]).unwrap_or(0));
    let part = at - first as f64;
    let mixed = |shift: u32| {
        let of = |colour: u32| f64::from((colour >> shift) & 0xff);
        (of(a) + (of(b) - of(a)) * part).round() as u32
    };
    (mixed(16) << 16) | (mixed(8) << 8) | mixed(0)
}

fn rgb(name: &str) -> Option<u32> {
    if let Some(hex) = name.strip_prefix('#') {
        return from_hex(hex);
    }
    if let Some(inner) = name.strip_prefix("rgb").and_then(|rest| rest.trim_start_matches('a').strip_prefix('(')) {
        return from_parts(inner.trim_end_matches(')'));
    }
    for (hue, shades, _) in HUES {
        if let Some(shade) = name.strip_suffix(hue).and_then(|before| SHADES.iter().position(|shade| *shade == before)) {
            return Some(shades[shade]);
        }
    }
    CSS.iter().find(|(known, _)| *known == name).map(|(_, rgb)| *rgb)
}

fn from_hex(hex: &str) -> Option<u32> {
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match hex.len() {
        3 | 4 => hex[..3].chars().try_fold(0, |sum, digit| Some((sum << 8) | (digit.to_digit(16)? * 17))),
        6 | 8 => u32::from_str_radix(&hex[..6], 16).ok(),
        _ => None,
    }
}

/// `237, 129, 40, 0.89`; how much shines through is ours to decide.
fn from_parts(text: &str) -> Option<u32> {
    let mut parts = text.split([',', ' ', '/']).filter(|part| !part.is_empty()).map(|part| part.trim().parse::<f64>().ok());
    let mut sum = 0;
    for _ in 0..3 {
        sum = (sum << 8) | parts.next()??.clamp(0.0, 255.0) as u32;
    }
    Some(sum)
}

fn linear(channel: u32) -> f64 {
    let value = f64::from(channel & 0xff) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn gamma(value: f64) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let channel = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (channel * 255.0).round() as u32
}

fn luminance(rgb: [f64; 3]) -> f64 {
    0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
}

/// The colour, made darker or lighter until it can be seen on both surfaces.
fn legible(rgb: u32) -> String {
    let mut channels = [linear(rgb >> 16), linear(rgb >> 8), linear(rgb)];
    let found = luminance(channels);
    if found > LUMINANCE.1 {
        channels = channels.map(|channel| channel * LUMINANCE.1 / found);
    } else if found < LUMINANCE.0 {
        let white = (LUMINANCE.0 - found) / (1.0 - found);
        channels = channels.map(|channel| channel + (1.0 - channel) * white);
    }
    let [red, green, blue] = channels.map(gamma);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_colours_are_tokens_and_others_can_be_seen() {
        for (given, expected) in [
            ("green", "ok"),
            ("semi-dark-red", "crit"),
            ("yellow", "warn"),
            ("blue", "info"),
            ("#299c46", "ok"),
            ("rgba(237, 129, 40, 0.89)", "warn"),
            ("rgb(245 54 54 / 0.9)", "crit"),
            ("c3", "c3"),
            ("transparent", "none"),
            ("text", "text"),
            ("moon", "c1"),
            ("", "c1"),
            ("\"><img onerror=x>", "c1"),
            ("#12345z", "c1"),
            ("#é12", "c1"),
        ] {
            assert_eq!(colour(given), expected, "{given}");
        }
        let surfaces = [luminance([1.0; 3]), luminance([linear(0x11), linear(0x14), linear(0x19)])];
        for given in ["dark-red", "super-light-yellow", "#000", "white", "#0a437c", "orange", "light-green", "#FFF899", "rgb(1,2,3)"] {
            let found = colour(given);
            assert!(found.starts_with('#') && found.len() == 7, "{given}: {found}");
            let rgb = u32::from_str_radix(&found[1..], 16).unwrap();
            let own = luminance([linear(rgb >> 16), linear(rgb >> 8), linear(rgb)]);
            for surface in surfaces {
                let contrast = (own.max(surface) + 0.05) / (own.min(surface) + 0.05);
                assert!(contrast >= 2.99, "{given} is {found}: {contrast}");
            }
        }
    }

    #[test]
    fn fields_are_coloured_as_they_say() {
        let mut look = Look::default();
        assert_eq!(of_look(&look, None, (0.0, 1.0), 9, "a"), "c2");
        look.colour = ColourMode::Thresholds;
        look.thresholds.steps = vec![(f64::NEG_INFINITY, "green".into()), (0.8, "red".into())];
        assert_eq!(of_look(&look, Some(0.5), (0.0, 1.0), 0, ""), "ok");
        assert_eq!(of_look(&look, Some(0.8), (0.0, 1.0), 0, ""), "crit");
        assert_eq!(of_look(&look, None, (0.0, 1.0), 0, ""), "none");
        look.colour = ColourMode::Continuous("continuous-GrYlRd".into());
        let ends = [0.0, 1.0].map(|value| of_look(&look, Some(value), (0.0, 1.0), 0, ""));
        assert_ne!(ends[0], ends[1]);
        for bounds in [(0.0, 0.0), (f64::NAN, f64::NAN), (f64::INFINITY, 0.0)] {
            assert!(of_look(&look, Some(f64::NAN), bounds, 0, "").starts_with('#'));
        }
    }
}
