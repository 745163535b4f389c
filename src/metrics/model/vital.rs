//! Web vitals: what browsers measure of pages, in which unit, and from where on it is good or poor.

/// What is measured: <https://web.dev/articles/vitals>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vital {
    /// Largest contentful paint: when the main part was there.
    Lcp,
    /// Interaction to next paint: how long a click took to show.
    Inp,
    /// Cumulative layout shift: how much jumped about.
    Cls,
    /// First contentful paint: when something was there.
    Fcp,
    /// Time to first byte.
    Ttfb,
    /// First input delay; today's library does not measure it any more.
    Fid,
}

impl Vital {
    /// Every one, the most telling first.
    pub const ALL: [Self; 6] = [Self::Lcp, Self::Inp, Self::Cls, Self::Fcp, Self::Ttfb, Self::Fid];

    /// As the library names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lcp => "LCP",
            Self::Inp => "INP",
            Self::Cls => "CLS",
            Self::Fcp => "FCP",
            Self::Ttfb => "TTFB",
            Self::Fid => "FID",
        }
    }

    /// The gauge of the newest value, as sent: milliseconds, or the shift.
    pub const fn gauge(self) -> &'static str {
        match self {
            Self::Lcp => "web_vitals_lcp",
            Self::Inp => "web_vitals_inp",
            Self::Cls => "web_vitals_cls",
            Self::Fcp => "web_vitals_fcp",
            Self::Ttfb => "web_vitals_ttfb",
            Self::Fid => "web_vitals_fid",
        }
    }

    /// The histogram of all values, in seconds, or of the shift.
    pub const fn histogram(self) -> &'static str {
        match self {
            Self::Lcp => "web_vitals_lcp_seconds",
            Self::Inp => "web_vitals_inp_seconds",
            Self::Cls => "web_vitals_cls_score",
            Self::Fcp => "web_vitals_fcp_seconds",
            Self::Ttfb => "web_vitals_ttfb_seconds",
            Self::Fid => "web_vitals_fid_seconds",
        }
    }

    /// What it is, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Lcp => "Largest contentful paint: when the main part of a page was there.",
            Self::Inp => "Interaction to next paint: how long the slowest clicks took to show.",
            Self::Cls => "Cumulative layout shift: how much of a page jumped about.",
            Self::Fcp => "First contentful paint: when something of a page was there.",
            Self::Ttfb => "Time to first byte: when a page began to arrive.",
            Self::Fid => "First input delay: how long a page took to notice the first click.",
        }
    }

    /// Up to where it is good, and from where it is poor, in seconds or shift.
    pub const fn bounds_of_rating(self) -> (f64, f64) {
        match self {
            Self::Lcp => (2.5, 4.0),
            Self::Inp => (0.2, 0.5),
            Self::Cls => (0.1, 0.25),
            Self::Fcp => (1.8, 3.0),
            Self::Ttfb => (0.8, 1.8),
            Self::Fid => (0.1, 0.3),
        }
    }

    /// Bounds of the histogram, those of the rating among them, so that shares are exact.
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Self::Lcp => &[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 30.0, 60.0],
            Self::Inp | Self::Fid => &[0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0],
            Self::Cls => &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 1.0, 2.0],
            Self::Fcp => &[0.5, 1.0, 1.4, 1.8, 2.2, 2.6, 3.0, 4.0, 6.0, 10.0, 30.0],
            Self::Ttfb => &[0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 1.8, 2.5, 4.0, 8.0, 15.0],
        }
    }

    /// A value as sent in the unit of the histogram.
    pub fn in_base_unit(self, sent: f64) -> f64 {
        if self == Self::Cls { sent } else { sent / 1_000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_the_rating_are_bounds_of_the_histogram() {
        for vital in Vital::ALL {
            let (good, poor) = vital.bounds_of_rating();
            assert!(vital.bounds().contains(&good) && vital.bounds().contains(&poor) && vital.bounds().is_sorted(), "{vital:?}");
        }
    }
}
