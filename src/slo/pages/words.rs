//! How a budget stands, in words and as a bar.

use crate::base::human;
use crate::slo::config::Slo;
use crate::slo::model::burn::State;
use crate::slo::model::figures::Budget;
use crate::slo::model::period::{DAY, Period, Unit, window};
use crate::slo::watch::standing::Standing;
use crate::ui::lang::key;
use crate::ui::shell::Shell;

/// A bar of what is left.
pub struct Bar {
    /// The class of its colour.
    pub class: &'static str,
    /// How much of it is full, in percent.
    pub width: String,
    /// The same in words.
    pub said: String,
}

/// The class of a state's colours.
pub const fn class(state: State) -> &'static str {
    match state {
        State::Critical => "crit",
        State::Rising => "warn",
        State::Recovering => "info",
        State::Fine => "ok",
        State::Unknown => "",
    }
}

/// A state in a word.
pub const fn word(state: State) -> &'static str {
    match state {
        State::Critical => key("critical"),
        State::Rising => key("rising"),
        State::Recovering => key("recovering"),
        State::Fine => key("fine"),
        State::Unknown => key("no data"),
    }
}

/// A part as percent: as many digits as say something, and never 100 where something is missing.
pub fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if (99.0..100.0).contains(&percent) {
        // 99.9997 is not 100.
        let text = format!("{:.4}", (percent * 1e4).floor() / 1e4);
        return format!("{} %", text.trim_end_matches('0').trim_end_matches('.'));
    }
    let text = if percent.abs() >= 10.0 { format!("{percent:.0}") } else { format!("{percent:.1}") };
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// What is left, as percent; a dash where nothing was counted.
pub fn left(budget: Option<&Budget>) -> String {
    budget.and_then(Budget::left).map_or_else(|| "–".to_owned(), percent)
}

/// A burn rate.
pub fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| if rate >= 100.0 { format!("{rate:.0}") } else { format!("{rate:.2}") })
}

/// A number of events.
pub fn events(count: f64) -> String {
    match count.abs() {
        size if size >= 10_000.0 => human::short(count),
        size if size >= 10.0 || count.fract() == 0.0 => format!("{count:.0}"),
        _ => format!("{count:.1}"),
    }
}

/// The bar of a budget.
pub fn bar(budget: Option<&Budget>, shell: &Shell) -> Bar {
    let part = budget.and_then(Budget::left).unwrap_or(0.0);
    let class = match part {
        part if part <= 0.0 => "crit",
        part if part < 0.1 => "warn",
        _ => "",
    };
    Bar { class, width: format!("{:.1}", part.clamp(0.0, 1.0) * 100.0), said: shell.f1("{} of the budget is left", left(budget)) }
}

/// Over which time it counts.
pub fn period(period: Period, shell: &Shell) -> String {
    match period {
        Period::Rolling(length) if length.ms() % DAY == 0 => {
            shell.lang().n(u64::try_from(length.ms() / DAY).unwrap_or(0), "{} day", "{} days")
        }
        Period::Rolling(length) => window(length),
        Period::Calendar(Unit::Week, _) => shell.t("a week of the calendar").to_owned(),
        Period::Calendar(Unit::Month, _) => shell.t("a month of the calendar").to_owned(),
        Period::Calendar(Unit::Quarter, _) => shell.t("a quarter of the calendar").to_owned(),
    }
}

/// What is left and for how long, in a sentence.
pub fn budget(standing: Option<&Standing>, shell: &Shell) -> String {
    let known = standing.and_then(|standing| Some((standing, standing.budget.left()?)));
    let Some((standing, part)) = known else {
        return shell.t("Nothing was counted yet: figures come within some minutes of the first events.").to_owned();
    };
    if part <= 0.0 {
        return shell.f1("The budget is spent, {} more than there was.", percent(-part));
    }
    let span = |ms: i64| human::span(u64::try_from(ms).unwrap_or(0));
    match standing.pace().and_then(|pace| standing.budget.lasts(pace)) {
        Some(lasts) => shell.f2("{} of the budget is left; at this pace it is gone in {}.", percent(part), span(lasts.ms())),
        None => shell.f1("{} of the budget is left; at this pace it lasts.", percent(part)),
    }
}

/// What has to be, and what is left.
pub fn sentence(slo: &Slo, standing: Option<&Standing>, shell: &Shell) -> String {
    let must = shell.f2("{} % of events are to be good over {}.", slo.objective, period(slo.period(), shell));
    format!("{must} {}", budget(standing, shell))
}

/// Alerts that can never be told, each in a sentence.
pub fn deaf(slo: &Slo, shell: &Shell) -> Vec<String> {
    let one = |pair: crate::slo::model::burn::Pair| {
        let rate = crate::base::float::plain(pair.rate);
        shell.f2(
            "The alert of {} can never fire: not even if everything fails does the budget burn {} times too fast.",
            window(pair.long),
            rate,
        )
    };
    slo.deaf().into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_never_rounded_up_to_all_of_it() {
        for (part, expected) in [
            (1.0, "100 %"),
            (0.99999999, "99.9999 %"),
            (0.9995, "99.95 %"),
            (0.41, "41 %"),
            (0.0512, "5.1 %"),
            (-1.5, "-150 %"),
            (0.0, "0 %"),
        ] {
            assert_eq!(percent(part), expected, "{part}");
        }
    }
}
