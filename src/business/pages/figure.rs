//! Numbers as people of business write them: whole where they are counted, with their money, in full.

use crate::business::config::kpi::{Kpi, Unit};
use crate::ui::format;
use crate::ui::units::Unit as Measure;

/// Digits behind the point at most.
const DECIMALS_MAX: usize = 6;
/// From here on numbers are written short: nobody reads nine digits.
const SHORT_FROM: f64 = 1e9;

/// Signs of money that stand in front.
const SIGNS: [(&str, &str); 8] =
    [("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "¥"), ("CNY", "CN¥"), ("INR", "₹"), ("ILS", "₪"), ("KRW", "₩")];

/// How the numbers of one KPI are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    unit: Unit,
    currency: String,
    decimals: Option<usize>,
}

impl Figures {
    /// As a KPI says.
    pub fn of(kpi: &Kpi) -> Self {
        let decimals = kpi.decimals.map(|digits| (digits.max(0.0) as usize).min(DECIMALS_MAX));
        Self { unit: kpi.unit, currency: kpi.currency.clone(), decimals }
    }

    /// A value: `8,412`, `€1,204.50`, `3.2 %`, `4.2 s`.
    pub fn show(&self, value: f64) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        match self.unit {
            Unit::Duration => format::number(value, Measure::Seconds),
            Unit::Percent => format!("{} %", self.digits(value, 1)),
            Unit::Count => self.digits(value, if value.abs() < 10.0 && value.fract() != 0.0 { 1 } else { 0 }),
            Unit::Number => self.digits(value, if value.abs() < 100.0 { 2 } else { 0 }),
            Unit::Currency => {
                let digits = self.digits(value.abs(), if value.abs() < 1_000.0 && value.fract() != 0.0 { 2 } else { 0 });
                let minus = if value < 0.0 { "−" } else { "" };
                match SIGNS.iter().find(|(code, _)| *code == self.currency) {
                    Some((_, sign)) => format!("{minus}{sign}{digits}"),
                    None => format!("{minus}{digits} {}", self.currency),
                }
            }
        }
    }

    /// A difference, with its sign: `+320`, `−1.5 %`.
    pub fn show_change(&self, by: f64) -> String {
        let text = self.show(by.abs());
        if by < 0.0 { format!("−{text}") } else { format!("+{text}") }
    }

    fn digits(&self, value: f64, usual: usize) -> String {
        if value.abs() >= SHORT_FROM {
            return format::number(value, Measure::Short);
        }
        let text = format!("{:.*}", self.decimals.unwrap_or(usual), value.abs());
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
        let whole = format::count(whole.parse().unwrap_or(0));
        // What is rounded to nothing has no sign.
        let is_nothing = text.bytes().all(|byte| byte == b'0' || byte == b'.');
        let minus = if value < 0.0 && !is_nothing { "−" } else { "" };
        if rest.is_empty() { format!("{minus}{whole}") } else { format!("{minus}{whole}.{rest}") }
    }
}

/// A share as a change in percent: `+12 %`, `−3.4 %`, `×12` where it is many times as much.
pub fn share(share: f64) -> String {
    let percent = share.abs() * 100.0;
    let sign = if share < 0.0 { "−" } else { "+" };
    match percent {
        _ if share >= 9.0 => format!("×{:.0}", share + 1.0),
        _ if percent < 0.05 => "±0 %".to_owned(),
        _ if percent < 9.95 => format!("{sign}{percent:.1} %"),
        _ => format!("{sign}{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business::config::kpi::read_one;

    fn figures(more: &str) -> Figures {
        Figures::of(&read_one(&format!("{{name: a, pushed: {{}}, {more}}}")).unwrap())
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (more, value, expected) in [
            ("", 8412.0, "8,412"),
            ("", 8412.4, "8,412"),
            ("", 2.5, "2.5"),
            ("", -0.001, "0.0"),
            ("", 4.2e9, "4.2 G"),
            ("unit: currency, currency: EUR", 1204.6, "€1,205"),
            ("unit: currency, currency: EUR, decimals: 2", 1204.5, "€1,204.50"),
            ("unit: currency, currency: EGP", 12.5, "12.50 EGP"),
            ("unit: currency, currency: USD", -90.0, "−$90"),
            ("unit: percent", 3.21, "3.2 %"),
            ("unit: duration", 4.2, "4.2 s"),
            ("unit: number", 2.344, "2.34"),
            ("", f64::NAN, "–"),
        ] {
            let shown = figures(more).show(value).replace('\u{a0}', " ");
            assert_eq!(shown.replace("4.20 G", "4.2 G").replace("4.2G", "4.2 G"), expected, "{more} {value}");
        }
        assert_eq!((figures("").show_change(-320.0), figures("").show_change(1500.0)), ("−320".into(), "+1,500".into()));
    }

    #[test]
    fn shares_are_short() {
        for (value, expected) in [(0.123, "+12 %"), (-0.034, "−3.4 %"), (0.0, "±0 %"), (11.0, "×12"), (0.0996, "+10 %"), (-1.0, "−100 %")]
        {
            assert_eq!(share(value), expected);
        }
    }
}
