//! The colour of a status page: what somebody chose, darker or lighter until it can be read.

/// The ground of a page in light.
const LIGHT: Colour = Colour([0xf5, 0xf6, 0xf8]);
/// The ground of a page in the dark.
const DARK: Colour = Colour([0x0b, 0x0d, 0x11]);
/// What text needs at least (WCAG 2.2, 1.4.3), and a little for rounding.
const CONTRAST_MIN: f64 = 4.6;
/// Steps on the way to black or white.
const STEPS: u32 = 50;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// Reads `#1a2b3c` or `#abc`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.strip_prefix('#')?.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
        match digits[..] {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r1, r2, g1, g2, b1, b2] => Some(Self([r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2])),
            _ => None,
        }
    }

    /// `#1a2b3c`.
    pub fn text(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = self.0;
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn toward(self, end: u8, share: f64) -> Self {
        let mix = |part: u8| (f64::from(part) + (f64::from(end) - f64::from(part)) * share).round() as u8;
        Self(self.0.map(mix))
    }

    fn on(self, ground: Self, end: u8) -> Self {
        let steps = (0..=STEPS).map(|step| self.toward(end, f64::from(step) / f64::from(STEPS)));
        steps.into_iter().find(|colour| colour.contrast(ground) >= CONTRAST_MIN).unwrap_or(Self([end; 3]))
    }
}

/// The colour as text on the light ground and on the dark one.
pub fn legible(colour: Colour) -> (Colour, Colour) {
    (colour.on(LIGHT, 0), colour.on(DARK, 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read() {
        assert_eq!(Colour::parse("#0af").map(Colour::text).as_deref(), Some("#00aaff"));
        assert_eq!(Colour::parse("#12AB3f").map(Colour::text).as_deref(), Some("#12ab3f"));
        for bad in ["", "#", "123456", "#12345", "#1234567", "#ggg", "red", "#é1", "#12345\u{660}"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_colour_can_be_read_on_both_grounds() {
        for text in ["#ffff00", "#000000", "#ffffff", "#7f7f7f", "#2a5fd0", "#ff0000"] {
            let (light, dark) = legible(Colour::parse(text).unwrap());
            assert!(light.contrast(LIGHT) >= 4.5 && dark.contrast(DARK) >= 4.5, "{text}: {light:?} {dark:?}");
        }
        let fine = Colour::parse("#2a5fd0").unwrap();
        assert_eq!(legible(fine).0, fine, "what can be read stays as it is");
    }
}
