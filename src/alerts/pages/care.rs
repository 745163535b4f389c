//! Who takes care of an alert: in words, as filters, and the form by which people take it, give it away, put it off or
//! comment on it.

use chrono::{DateTime, Datelike, Days, Local, NaiveDateTime, NaiveTime, TimeZone, Utc};

use super::known::Known;
use crate::access::Caller;
use crate::alerts::calm::{Calm, Deed};
use crate::alerts::model::interval::Location;
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers};
use crate::alerts::model::silence::Silence;
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::ui::shell::Shell;

/// Alerts that one form can be about.
pub const ALERTS_MAX: usize = 1_000;
/// Characters of a comment.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Characters of a person's name.
pub const PERSON_CHARS_MAX: usize = 64;
/// Names on offer.
const PEOPLE_MAX: usize = 50;
/// Bytes of the address to go back to.
const BACK_BYTES_MAX: usize = 4_096;
const HOUR_MS: i64 = 3_600_000;
/// When a morning begins.
const MORNING_HOUR: u32 = 9;

/// Snoozes on offer: their word in forms, and for people.
pub const SNOOZES: [(&str, &str); 4] =
    [("1h", key("1 hour")), ("4h", key("4 hours")), ("tomorrow", key("Until tomorrow 9:00")), ("monday", key("Until Monday 9:00"))];

/// Until when alerts are put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snooze {
    /// For so many hours.
    Hours(i64),
    /// Until nine o'clock of the next day.
    Tomorrow,
    /// Until nine o'clock of the next Monday.
    Monday,
}

impl Snooze {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "1h" => Some(Self::Hours(1)),
            "4h" => Some(Self::Hours(4)),
            "tomorrow" => Some(Self::Tomorrow),
            "monday" => Some(Self::Monday),
            _ => None,
        }
    }

    /// When it ends by somebody's clock, in milliseconds since the Unix epoch.
    pub fn until(self, now: i64, location: Location) -> i64 {
        let days = |today: NaiveDateTime| match self {
            Self::Hours(_) => None,
            Self::Tomorrow => Some(1),
            // On a Monday the next one is meant.
            Self::Monday => Some(7 - u64::from(today.weekday().num_days_from_monday())),
        };
        let morning = |today: NaiveDateTime| {
            let day = today.date().checked_add_days(Days::new(days(today)?))?;
            Some(day.and_time(NaiveTime::from_hms_opt(MORNING_HOUR, 0, 0)?))
        };
        let Some(utc) = DateTime::<Utc>::from_timestamp_millis(now) else { return now };
        let at = match location {
            Location::Utc => morning(utc.naive_utc()).map(|at| at.and_utc().timestamp_millis()),
            Location::Local => morning(utc.with_timezone(&Local).naive_local()).and_then(|at| civil(&Local, at)),
            Location::Zone(zone) => morning(utc.with_timezone(&zone).naive_local()).and_then(|at| civil(&zone, at)),
        };
        match self {
            Self::Hours(hours) => now.saturating_add(hours * HOUR_MS),
            Self::Tomorrow | Self::Monday => at.unwrap_or_else(|| now.saturating_add(24 * HOUR_MS)),
        }
    }
}

/// A date and time of a place as an instant; a time that a clock leaves out is the one after it.
fn civil<Z: TimeZone>(zone: &Z, at: NaiveDateTime) -> Option<i64> {
    let found = zone.from_local_datetime(&at).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(at + chrono::Duration::hours(1))).earliest());
    found.map(|at| at.timestamp_millis())
}

/// What somebody wants of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To have it taken down.
    Deed(Deed),
    /// Not to hear of them for a while: silences that hit exactly them.
    Snooze(Snooze),
}

/// What a form asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub wish: Wish,
    /// Fingerprints of the alerts it is about, those of `group` besides.
    pub alerts: Vec<u64>,
    /// All alerts of a group: its key and its receiver.
    pub group: Option<(String, String)>,
    /// Whose clock counts.
    pub location: Location,
    /// The page to go back to.
    pub back: String,
}

impl Order {
    /// Reads a form: `do` (a word, and after a colon the one alert it is about), `alert` (as often as wanted), `key` and
    /// `receiver` for a whole group, `person`, `text`, `tz`, `back`. `me` is who sends it.
    ///
    /// # Errors
    /// What is wrong with it, and the page to go back to.
    pub fn from_form(form: &[u8], me: &str) -> Result<Self, (Words, String)> {
        let (mut what, mut person, mut text, mut zone, mut back) =
            (String::new(), String::new(), String::new(), String::new(), String::new());
        let (mut group, mut receiver) = (String::new(), String::new());
        let mut chosen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(form) {
            let field = match &*name {
                // Where the browser adds the button that Enter stands for, the one that was pressed comes later.
                "do" => &mut what,
                "person" => &mut person,
                "text" => &mut text,
                "tz" => &mut zone,
                "back" => &mut back,
                "key" => &mut group,
                "receiver" => &mut receiver,
                "alert" => {
                    chosen.push(value.into_owned());
                    continue;
                }
                _ => continue,
            };
            *field = value.trim().replace("\r\n", "\n");
        }
        let back = local(&back);
        match Self::checked(&what, person, text, me) {
            Ok((wish, only)) => {
                let one = only.is_some();
                let chosen = if let Some(only) = only { vec![only] } else { chosen };
                let alerts: Option<Vec<u64>> = chosen.iter().map(|text| u64::from_str_radix(text, 16).ok()).collect();
                let group = (!one && !group.is_empty()).then_some((group, receiver));
                match alerts {
                    None => Err((key("The form names an alert that cannot be.").into(), back)),
                    Some(alerts) if alerts.is_empty() && group.is_none() => Err((key("Choose at least one alert.").into(), back)),
                    Some(alerts) if alerts.len() > ALERTS_MAX => {
                        Err((Words::new("One form is about at most {} alerts.", [ALERTS_MAX.to_string()]), back))
                    }
                    Some(alerts) => Ok(Self { wish, alerts, group, location: Location::parse(&zone).unwrap_or(Location::Utc), back }),
                }
            }
            Err(words) => Err((words, back)),
        }
    }

    fn checked(what: &str, person: String, text: String, me: &str) -> Result<(Wish, Option<String>), Words> {
        let (word, only) = what.split_once(':').map_or((what, None), |(word, only)| (word, Some(only.to_owned())));
        let word = match word {
            // Enter in a field: what the field is for.
            "" if !text.is_empty() => "comment",
            "" if !person.is_empty() => "assign",
            word => word,
        };
        let deed = match word {
            "acknowledge" => Deed::Acknowledge,
            "release" => Deed::Release,
            "mine" => Deed::Assign(Some(me.to_owned())),
            "nobodys" => Deed::Assign(None),
            "assign" => {
                if person.is_empty() {
                    return Err(key("Write whose the alerts are to be.").into());
                }
                if person.chars().count() > PERSON_CHARS_MAX || person.chars().any(char::is_control) {
                    return Err(Words::new("A name has at most {} characters, and is one line.", [PERSON_CHARS_MAX.to_string()]));
                }
                Deed::Assign(Some(person))
            }
            "comment" => {
                if text.is_empty() {
                    return Err(key("Write the comment first.").into());
                }
                if text.chars().count() > TEXT_CHARS_MAX {
                    return Err(Words::new("The comment has more than {} characters.", [TEXT_CHARS_MAX.to_string()]));
                }
                if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                    return Err(key("The comment holds characters that cannot be shown.").into());
                }
                Deed::Comment(text)
            }
            "" => return Err(key("Choose what to do.").into()),
            word => {
                let snooze = Snooze::parse(word).ok_or_else(|| Words::new("“{}” is nothing that can be done here.", [word.to_owned()]))?;
                return Ok((Wish::Snooze(snooze), only));
            }
        };
        Ok((Wish::Deed(deed), only))
    }

    /// What was done, for the page that follows.
    pub const fn done(&self) -> &'static str {
        match &self.wish {
            Wish::Deed(Deed::Acknowledge) => "acknowledged",
            Wish::Deed(Deed::Release) => "released",
            Wish::Deed(Deed::Assign(Some(_))) => "assigned",
            Wish::Deed(Deed::Assign(None)) => "nobodys",
            Wish::Deed(Deed::Comment(_)) => "commented",
            Wish::Snooze(_) => "snoozed",
        }
    }
}

/// An address of these pages; any other becomes the list of alerts. What was done last is not said again.
fn local(back: &str) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    if back.len() > BACK_BYTES_MAX || !(path == links::ALERTS || path == links::ALERTS_GROUP) {
        return links::ALERTS.to_owned();
    }
    let kept: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name != "done")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let params: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    links::with(path, &params)
}

/// What was done, in words; nothing for words that are not known.
pub fn said(done: &str) -> &'static str {
    match done {
        "acknowledged" => key("Acknowledged: nobody is reminded as long as it fires."),
        "released" => key("Released: reminders go on."),
        "assigned" => key("Assigned."),
        "nobodys" => key("It is nobody's now."),
        "commented" => key("The comment is kept."),
        "snoozed" => key("Snoozed: a silence keeps it back until then."),
        _ => "",
    }
}

/// A silence of exactly an alert's labels. None if it has no label that says anything.
pub fn snooze(alert: &Known, snooze: Snooze, by: &str, location: Location, now: i64) -> Option<Silence> {
    let matchers: Result<Vec<Matcher>, _> = alert.labels.iter().map(|(name, value)| Matcher::new(name, MatchOp::Equal, value)).collect();
    Some(Silence {
        id: String::new(),
        matchers: Matchers::new(matchers.ok().filter(|all| !all.is_empty())?),
        starts_at: now,
        ends_at: snooze.until(now, location),
        updated_at: now,
        created_by: by.to_owned(),
        comment: format!("snoozed: {}", alert.name()),
        annotations: Vec::new(),
    })
}

/// Whether a name is somebody's; where nobody signs in it is nobody's.
pub fn person(by: &str) -> Option<&str> {
    (!by.is_empty() && by != Caller::Open.actor() && by != Caller::Local.actor()).then_some(by)
}

/// A small word about an alert, with its icon as SVG.
pub struct Said {
    /// The icon.
    pub icon: &'static str,
    /// The word.
    pub words: String,
}

/// How an alert is taken care of, in small words.
pub fn words(alert: &Known, me: &str, shell: &Shell) -> Vec<Said> {
    use crate::ui::assets::icon;
    let mut found = Vec::new();
    let is_mine = |name: &str| !me.is_empty() && name == me;
    if let Some(ack) = &alert.handling.acknowledged {
        let when = shell.moment(ack.at).words;
        let words = match person(&ack.by) {
            Some(by) if is_mine(by) => shell.f1("acknowledged by you, {}", when),
            Some(by) => shell.f2("acknowledged by {}, {}", by, when),
            None => shell.f1("acknowledged, {}", when),
        };
        found.push(Said { icon: icon::CIRCLE_CHECK, words });
    }
    if let Some(assignee) = &alert.handling.assignee {
        let words = match person(assignee) {
            Some(name) if is_mine(name) => shell.t("yours").to_owned(),
            Some(name) => shell.f1("assigned to {}", name),
            None => shell.t("assigned").to_owned(),
        };
        found.push(Said { icon: icon::USER, words });
    }
    if alert.marks.is_flapping {
        found.push(Said { icon: icon::ACTIVITY, words: shell.t("comes and goes").to_owned() });
    }
    found
}

/// Names on offer when an alert is to be somebody's: who takes turns, and who takes care of something now.
pub fn people(calm: &Calm, alerts: &[Known], me: &str) -> Vec<String> {
    let turns = calm.rotas().flat_map(|(_, rota)| rota.members.iter().map(|member| member.person.as_str()));
    let now = alerts.iter().flat_map(|alert| {
        let ack = alert.handling.acknowledged.as_ref().map(|ack| ack.by.as_str());
        ack.into_iter().chain(alert.handling.assignee.as_deref())
    });
    let mut names: Vec<String> = turns.chain(now).chain([me]).filter_map(person).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(PEOPLE_MAX);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample;

    /// A Friday, 08:33:20 UTC.
    const NOW: i64 = 1_763_714_000_000;

    #[test]
    fn snoozes_end_in_the_morning_of_whoever_asks() {
        let (utc, berlin, kolkata) = (Location::Utc, Location::parse("Europe/Berlin").unwrap(), Location::parse("Asia/Kolkata").unwrap());
        let at = |text: &str| crate::base::time::parse_rfc3339(text).unwrap();
        for (word, location, expected) in [
            ("1h", berlin, at("2025-11-21T09:33:20Z")),
            ("4h", utc, at("2025-11-21T12:33:20Z")),
            ("tomorrow", utc, at("2025-11-22T09:00:00Z")),
            ("tomorrow", berlin, at("2025-11-22T08:00:00Z")),
            ("tomorrow", kolkata, at("2025-11-22T03:30:00Z")),
            ("monday", utc, at("2025-11-24T09:00:00Z")),
            ("monday", kolkata, at("2025-11-24T03:30:00Z")),
        ] {
            assert_eq!(Snooze::parse(word).unwrap().until(NOW, location), expected, "{word} {location:?}");
        }
        // On a Monday, and shortly before midnight of somebody who is a day ahead.
        assert_eq!(Snooze::Monday.until(at("2025-11-24T07:00:00Z"), utc), at("2025-12-01T09:00:00Z"));
        assert_eq!(Snooze::Tomorrow.until(at("2025-11-21T19:00:00Z"), kolkata), at("2025-11-23T03:30:00Z"));
        assert!(Snooze::Tomorrow.until(i64::MAX, utc) == i64::MAX && Snooze::Hours(1).until(i64::MAX, utc) == i64::MAX);
        assert_eq!(SNOOZES.iter().filter(|(word, _)| Snooze::parse(word).is_none()).count(), 0);
    }

    #[test]
    fn forms_say_what_is_wanted_or_are_refused_in_words() {
        let read = |form: &str| Order::from_form(form.as_bytes(), "ann").map(|order| (order.wish, order.alerts, order.group.is_some()));
        let deed = |deed| Wish::Deed(deed);
        for (form, expected) in [
            ("do=acknowledge&alert=ff&alert=1", (deed(Deed::Acknowledge), vec![255, 1], false)),
            ("do=&do=release%3A0a&alert=ff", (deed(Deed::Release), vec![10], false)),
            ("do=mine%3A1", (deed(Deed::Assign(Some("ann".into()))), vec![1], false)),
            ("do=&person=bob&alert=1", (deed(Deed::Assign(Some("bob".into()))), vec![1], false)),
            ("do=&person=bob&text=odd&alert=1", (deed(Deed::Comment("odd".into())), vec![1], false)),
            ("do=comment&text=a%0D%0Ab&key=k&receiver=r", (deed(Deed::Comment("a\nb".into())), vec![], true)),
            ("do=acknowledge%3A1&key=k&receiver=r", (deed(Deed::Acknowledge), vec![1], false)),
            ("do=4h&alert=1", (Wish::Snooze(Snooze::Hours(4)), vec![1], false)),
        ] {
            assert_eq!(read(form), Ok(expected), "{form}");
        }
        let many: String = (0..=ALERTS_MAX).map(|n| format!("&alert={n:x}")).collect();
        for (form, words) in [
            ("", "Choose what"),
            ("do=acknowledge", "at least one"),
            ("do=acknowledge&alert=xyz", "cannot be"),
            ("do=acknowledge%3A&alert=1", "cannot be"),
            ("do=assign&alert=1", "whose"),
            ("do=comment&alert=1", "Write the comment"),
            ("do=comment&alert=1&text=%00", "cannot be shown"),
            ("do=5h&alert=1", "5h"),
            (&format!("do=assign&alert=1&person={}", "x".repeat(65)), "at most 64"),
            (&format!("do=comment&alert=1&text={}", "x".repeat(2001)), "more than 2000"),
            (&format!("do=acknowledge{many}"), "at most 1000"),
        ] {
            let (error, _) = Order::from_form(form.as_bytes(), "ann").expect_err(form);
            let text = error.text(crate::ui::lang::Lang::En);
            assert!(text.contains(words), "{form}: {text}");
        }
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        for (back, expected) in [
            ("/alerts?f=a%3Db&done=x", "/alerts?f=a%3Db"),
            ("/alerts/group?key=k&receiver=r", "/alerts/group?key=k&receiver=r"),
            ("https://evil.example/alerts", "/alerts"),
            ("//evil.example", "/alerts"),
            ("/alerts\\evil", "/alerts"),
            ("", "/alerts"),
        ] {
            assert_eq!(local(back), expected);
        }
    }

    #[test]
    fn a_snooze_is_a_silence_of_exactly_the_labels() {
        let alert = &sample::now().alerts[3];
        let silence = snooze(alert, Snooze::Hours(1), "ann", Location::Utc, NOW).unwrap();
        assert!(silence.matchers.matches(&alert.labels) && silence.matchers.iter().count() == alert.labels.len());
        assert_eq!((silence.ends_at - silence.starts_at, silence.created_by.as_str()), (HOUR_MS, "ann"));
    }
}
