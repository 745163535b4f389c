//! Times that come again as forms make them: every day, on weekdays, on days of the month; and in words.

use crate::base::human;
use crate::ui::lang::{Lang, key};

/// Days of the week with their value in cron expressions, from Monday on: short, and in the plural.
pub const WEEKDAYS: [(u8, &str, &str); 7] = [
    (1, key("Mon"), key("Mondays")),
    (2, key("Tue"), key("Tuesdays")),
    (3, key("Wed"), key("Wednesdays")),
    (4, key("Thu"), key("Thursdays")),
    (5, key("Fri"), key("Fridays")),
    (6, key("Sat"), key("Saturdays")),
    (0, key("Sun"), key("Sundays")),
];
/// The last day of a month, as cron expressions write it.
pub const LAST: &str = "L";

/// When maintenance begins again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begins {
    /// Every day at a minute of the day.
    Daily(u16),
    /// On days of the week.
    Weekly(u16, Vec<u8>),
    /// On days of the month: 1 to 31, or [`LAST`].
    Monthly(u16, Vec<String>),
    /// As a cron expression says that no form can say otherwise.
    Cron(String),
}

impl Begins {
    /// What a cron expression says.
    pub fn of(cron: &str) -> Self {
        Self::plain(cron).unwrap_or_else(|| Self::Cron(cron.to_owned()))
    }

    fn plain(cron: &str) -> Option<Self> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let [minute, hour, days, "*", weekdays] = fields[..] else { return None };
        let number = |text: &str, most: u16| text.parse::<u16>().ok().filter(|number| *number <= most && text.len() <= 2);
        let at = number(hour, 23)? * 60 + number(minute, 59)?;
        match (days, weekdays) {
            ("*", "*") => Some(Self::Daily(at)),
            ("*", list) => {
                let mut found: Vec<u8> = list.split(',').map(|day| day.parse().ok().filter(|day| *day < 7)).collect::<Option<_>>()?;
                // As they stand in the form.
                found.sort_unstable_by_key(|day| (*day + 6) % 7);
                found.dedup();
                Some(Self::Weekly(at, found))
            }
            (list, "*") => {
                let is_day = |day: &str| day == LAST || number(day, 31).is_some_and(|day| day > 0);
                let days: Vec<String> = list.split(',').map(str::to_owned).collect();
                days.iter().all(|day| is_day(day)).then_some(Self::Monthly(at, days))
            }
            _ => None,
        }
    }

    /// The cron expression.
    pub fn cron(&self) -> String {
        let at = |minute: &u16| format!("{} {}", minute % 60, minute / 60);
        match self {
            Self::Daily(minute) => format!("{} * * *", at(minute)),
            Self::Weekly(minute, days) => {
                let days: Vec<String> = days.iter().map(u8::to_string).collect();
                format!("{} * * {}", at(minute), days.join(","))
            }
            Self::Monthly(minute, days) => format!("{} {} * *", at(minute), days.join(",")),
            Self::Cron(cron) => cron.clone(),
        }
    }
}

/// `HH:MM` of a minute of the day.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Minutes of the day of `HH:MM`, seconds left out.
pub fn minute(text: &str) -> Option<u16> {
    let (hour, rest) = text.split_once(':')?;
    let minute = rest.split(':').next()?;
    let number = |text: &str| (text.len() <= 2).then(|| text.parse::<u16>().ok()).flatten();
    Some(number(hour).filter(|hour| *hour < 24)? * 60 + number(minute).filter(|minute| *minute < 60)?)
}

/// When it comes, and for how long, in words.
pub fn words(cron: &str, lasts: i64, lang: Lang) -> String {
    let comma = lang.comma();
    let begins = match Begins::of(cron) {
        Begins::Daily(minute) => format!("{}{comma}{}", lang.t("Every day"), clock(minute)),
        Begins::Weekly(minute, days) => {
            let names = WEEKDAYS.iter().filter(|(day, ..)| days.contains(day));
            let names: Vec<&str> = names.map(|(_, short, plural)| lang.t(if days.len() > 3 { short } else { plural })).collect();
            format!("{}{comma}{}", names.join(comma), clock(minute))
        }
        Begins::Monthly(minute, days) => {
            let days: Vec<&str> = days.iter().map(|day| if day == LAST { lang.t("last") } else { day.as_str() }).collect();
            format!("{}{comma}{}", lang.fill("on the days {} of the month", &[&days.join(comma)]), clock(minute))
        }
        Begins::Cron(cron) => lang.ltr(cron),
    };
    lang.fill("{} for {}", &[&begins, &human::length(u64::try_from(lasts).unwrap_or(0))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_makes_it_reads_back() {
        for (cron, said) in [
            ("30 2 * * *", "Every day, 02:30 for 2 h"),
            ("0 22 * * 6,0", "Saturdays, Sundays, 22:00 for 2 h"),
            ("0 22 * * 1,2,3,4", "Mon, Tue, Wed, Thu, 22:00 for 2 h"),
            ("5 0 1,15,L * *", "on the days 1, 15, last of the month, 00:05 for 2 h"),
            ("*/5 2 * * *", "*/5 2 * * * for 2 h"),
            ("@daily", "@daily for 2 h"),
            ("0 2 1 1 *", "0 2 1 1 * for 2 h"),
            ("0 2 * * MON", "0 2 * * MON for 2 h"),
            ("0 2 32 * *", "0 2 32 * * for 2 h"),
        ] {
            assert_eq!(Begins::of(cron).cron(), cron);
            assert_eq!(words(cron, 7_200_000, Lang::En), said);
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!((minute("02:30"), minute("23:59:00"), clock(150)), (Some(150), Some(1439), "02:30".to_owned()));
        for odd in ["", "2", "24:00", "00:60", "-1:00", "é:é", "002:00"] {
            assert_eq!(minute(odd), None, "{odd}");
        }
    }
}
