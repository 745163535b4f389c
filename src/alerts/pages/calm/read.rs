//! From the fields of a form to a rule, or what is wrong with each field.

use super::fields::Fields;
use super::when::{Plain, read_zone};
use crate::alerts::calm::wire;
use crate::alerts::calm::{CalmKind, CalmRule, Cap, Dependency, Escalation, Flapping, Member, Override, RecurringSilence, Rota, Step};
use crate::alerts::model::interval::Location;
use crate::alerts::model::interval::text::{read_day, read_minute};
use crate::alerts::model::matcher::{Matcher, Matchers, Syntax, parse_matchers};
use crate::alerts::model::silence::{SilenceError, check_matchers};
use crate::base::time::Duration;
use crate::ui::lang::{Words, key};

/// Matchers of a rule.
const MATCHERS_MAX: usize = 100;
/// Characters of a title or a name of somebody.
pub const NAME_CHARS_MAX: usize = 200;
/// Labels that must be equal.
const EQUAL_MAX: usize = 50;
/// Days of a turn.
pub const TURN_DAYS_MAX: u16 = 366;
/// How long somebody may stand in.
const STAND_IN_MS_MAX: i64 = 366 * 86_400_000;

/// What a rule is read with.
#[derive(Debug, Clone, Copy)]
pub struct Among<'a> {
    /// The receivers of the configuration in force.
    pub receivers: &'a [String],
    /// The rule that is changed.
    pub existing: Option<&'a CalmRule>,
}

/// Fields that are wrong, each with why.
pub type Wrong = Vec<(String, Words)>;

struct Reader<'a> {
    fields: &'a Fields,
    among: Among<'a>,
    wrong: Wrong,
}

/// Reads a form.
///
/// # Errors
/// Every field that is wrong.
pub fn read(kind: CalmKind, fields: &Fields, among: Among<'_>) -> Result<CalmRule, Wrong> {
    let mut reader = Reader { fields, among, wrong: Vec::new() };
    let rule = match kind {
        CalmKind::RecurringSilence => CalmRule::RecurringSilence(reader.recurring()),
        CalmKind::Dependency => CalmRule::Dependency(reader.dependency()),
        CalmKind::Escalation => CalmRule::Escalation(reader.escalation()),
        CalmKind::Rota => CalmRule::Rota(reader.rota()),
        CalmKind::Cap => CalmRule::Cap(reader.cap()),
        CalmKind::Flapping => CalmRule::Flapping(reader.flapping()),
    };
    if !reader.wrong.is_empty() {
        return Err(reader.wrong);
    }
    // What the API would not take is not taken from a form either.
    wire::read(kind, &wire::write(&rule).to_string()).map_err(|why| vec![(String::new(), Words::plain(why.to_string()))])
}

/// Matchers, a line or a comma between them.
///
/// # Errors
/// What is wrong with the first line that is.
pub fn read_matchers(text: &str) -> Result<Matchers, Words> {
    let mut found: Vec<Matcher> = Vec::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match parse_matchers(line.trim(), Syntax::Both) {
            Ok(parsed) => found.extend(parsed.value),
            Err(error) => return Err(Words::new("Line {} of the matchers: {}", [(place + 1).to_string(), error.to_string()])),
        }
        if found.len() > MATCHERS_MAX {
            return Err(Words::new("More than {} matchers.", [MATCHERS_MAX.to_string()]));
        }
    }
    Ok(Matchers::in_order(found))
}

impl Reader<'_> {
    fn say(&mut self, field: &str, why: impl Into<Words>) {
        self.wrong.push((field.to_owned(), why.into()));
    }

    /// Says that a field is not what it should be, or that it is empty.
    fn say_odd(&mut self, field: &str, odd: impl FnOnce(String) -> Words) {
        let text = self.fields.get(field).to_owned();
        let why = if text.is_empty() { key("Fill this in.").into() } else { odd(text) };
        self.say(field, why);
    }

    /// A text that must be there.
    fn name(&mut self, field: &str, missing: &'static str) -> String {
        let text = self.fields.get(field).to_owned();
        if text.is_empty() {
            self.say(field, missing);
        } else if text.chars().count() > NAME_CHARS_MAX {
            self.say(field, Words::new("More than {} characters.", [NAME_CHARS_MAX.to_string()]));
        }
        text
    }

    fn title(&mut self) -> String {
        self.name("title", key("Give it a name."))
    }

    /// Matchers; those of silences and inhibition may not hit everything, as if by accident.
    fn matchers(&mut self, field: &str, may_be_empty: bool) -> Matchers {
        let found = match read_matchers(self.fields.get(field)) {
            Ok(found) => found,
            Err(why) => {
                self.say(field, why);
                return Matchers::default();
            }
        };
        if found.is_empty() && may_be_empty {
            return found;
        }
        match check_matchers(&found) {
            Ok(()) => {}
            Err(SilenceError::NoMatchers) => self.say(field, key("Write at least one matcher.")),
            Err(SilenceError::MatchesEverything) => self.say(field, key("This would hit every alert: write at least one value.")),
            Err(other) => self.say(field, Words::plain(other.to_string())),
        }
        found
    }

    fn duration(&mut self, field: &str) -> Duration {
        let text = self.fields.get(field).to_owned();
        match Duration::parse(&text) {
            Ok(duration) if duration.ms() >= 1000 => duration,
            Ok(_) => {
                self.say(field, key("At least a second."));
                Duration::default()
            }
            Err(_) => {
                self.say_odd(field, |text| Words::new("“{}” is not a duration such as 30m, 4h or 2d.", [text]));
                Duration::default()
            }
        }
    }

    fn number(&mut self, field: &str, least: u32, most: u32) -> u32 {
        let text = self.fields.get(field).to_owned();
        match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.say_odd(field, |text| Words::new("“{}” is not a number from {} to {}.", [text, least.to_string(), most.to_string()]));
                least
            }
        }
    }

    fn receiver(&mut self, field: &str) -> String {
        let name = self.fields.get(field).to_owned();
        if name.is_empty() {
            self.say(field, key("Choose a receiver."));
        } else if !self.among.receivers.contains(&name) {
            self.say(field, Words::new("There is no receiver “{}” in the routing configuration.", [name.clone()]));
        }
        name
    }

    fn zone(&mut self) -> Location {
        match read_zone(self.fields.get("zone")) {
            Ok(location) => location,
            Err(why) => {
                self.say("zone", why);
                Location::Utc
            }
        }
    }

    fn recurring(&mut self) -> RecurringSilence {
        let (title, matchers) = (self.title(), self.matchers("matchers", false));
        let kept = match self.among.existing {
            Some(CalmRule::RecurringSilence(rule)) if self.fields.get("keep") == "1" => Some(rule.intervals.clone()),
            _ => None,
        };
        let intervals = kept.unwrap_or_else(|| match Plain::read(self.fields) {
            Ok(plain) => plain.intervals(),
            Err(wrong) => {
                self.wrong.extend(wrong.into_iter().map(|(field, why)| (field.to_owned(), why)));
                Vec::new()
            }
        });
        RecurringSilence { title, matchers, intervals }
    }

    fn dependency(&mut self) -> Dependency {
        let (title, source, target) = (self.title(), self.matchers("source", false), self.matchers("target", false));
        let names = self.fields.get("equal").split([',', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty());
        let mut equal: Vec<String> = names.map(str::to_owned).collect();
        equal.sort();
        equal.dedup();
        if equal.len() > EQUAL_MAX {
            self.say("equal", Words::new("More than {} labels.", [EQUAL_MAX.to_string()]));
        }
        Dependency { title, source, target, equal }
    }

    fn escalation(&mut self) -> Escalation {
        let (title, matchers) = (self.title(), self.matchers("matchers", true));
        let mut steps = Vec::new();
        for row in 0..super::fields::ROWS_MAX {
            let (after, to) = (format!("after{row}"), format!("to{row}"));
            // Times stand ready in rows that nobody uses.
            if self.fields.get(&to).is_empty() {
                continue;
            }
            steps.push((row, Step { after: self.duration(&after), receiver: self.receiver(&to) }));
        }
        if steps.is_empty() {
            self.say("to0", key("Write at least one step: when, and who is told."));
        }
        for pair in steps.windows(2) {
            if pair[1].1.after <= pair[0].1.after && pair[1].1.after > Duration::default() {
                self.say(&format!("after{}", pair[1].0), key("Each step comes later than the one before."));
            }
        }
        Escalation { title, matchers, steps: steps.into_iter().map(|(_, step)| step).collect() }
    }

    fn rota(&mut self) -> Rota {
        let (title, receiver) = (self.title(), self.receiver("receiver"));
        let mut members = Vec::new();
        for row in 0..super::fields::ROWS_MAX {
            let (person, via) = (format!("person{row}"), format!("via{row}"));
            if self.fields.get(&person).is_empty() {
                continue;
            }
            let member = Member { person: self.name(&person, ""), receiver: self.receiver(&via) };
            if !member.receiver.is_empty() && member.receiver == receiver {
                self.say(&via, key("This is the receiver of the rota itself: choose the one by which this person is told."));
            }
            members.push(member);
        }
        if members.is_empty() {
            self.say("person0", key("Write at least one person."));
        }
        let first_day = read_day(self.fields.get("first")).unwrap_or_else(|| {
            self.say_odd("first", |text| Words::new("“{}” is not a date such as 2026-11-20.", [text]));
            0
        });
        let text = self.fields.get("handover");
        let hand_over = match read_minute(text.get(..5).unwrap_or(text)).and_then(|minute| u16::try_from(minute).ok()) {
            Some(minute) if minute < 1440 => minute,
            _ => {
                self.say_odd("handover", |text| Words::new("“{}” is not a time of day such as 09:00.", [text]));
                0
            }
        };
        let turn_days = u16::try_from(self.number("days", 1, u32::from(TURN_DAYS_MAX))).unwrap_or(1);
        let location = self.zone();
        let overrides = match self.among.existing {
            Some(CalmRule::Rota(rota)) => rota.overrides.clone(),
            _ => Vec::new(),
        };
        Rota { title, receiver, location, members, first_day, hand_over, turn_days, overrides }
    }

    fn cap(&mut self) -> Cap {
        Cap { receiver: self.receiver("receiver"), messages: self.number("messages", 1, 100_000), within: self.duration("within") }
    }

    fn flapping(&mut self) -> Flapping {
        Flapping {
            title: self.title(),
            matchers: self.matchers("matchers", true),
            changes: self.number("changes", 2, 1_000),
            within: self.duration("within"),
            quiet: self.duration("quiet"),
        }
    }
}

/// Reads who stands in, and when: by the clock of the rota's place, or from now for some hours.
///
/// # Errors
/// Every field that is wrong.
pub fn read_stand_in(fields: &Fields, rota: &Rota, receivers: &[String], now: i64) -> Result<Override, Wrong> {
    let mut reader = Reader { fields, among: Among { receivers, existing: None }, wrong: Vec::new() };
    let person = reader.name("person", key("Write who stands in."));
    let via = match rota.members.iter().find(|member| member.person == person) {
        Some(member) if fields.get("via").is_empty() => member.receiver.clone(),
        _ => reader.receiver("via"),
    };
    let (starts_at, ends_at) = if fields.get("hours").is_empty() {
        (reader.instant("starts", rota.location), reader.instant("ends", rota.location))
    } else {
        let hours = reader.number("hours", 1, 24 * 31);
        (now, now.saturating_add(i64::from(hours) * 3_600_000))
    };
    if reader.wrong.is_empty() {
        if ends_at <= starts_at {
            reader.say("ends", key("The end must be after the start."));
        } else if ends_at <= now {
            reader.say("ends", key("This is over already."));
        } else if ends_at - starts_at > STAND_IN_MS_MAX {
            reader.say("ends", key("At most a year."));
        }
    }
    if reader.wrong.is_empty() { Ok(Override { member: Member { person, receiver: via }, starts_at, ends_at }) } else { Err(reader.wrong) }
}

impl Reader<'_> {
    /// `2026-11-20T09:00` by the clock of a place.
    fn instant(&mut self, field: &str, place: Location) -> i64 {
        let text = self.fields.get(field).replace(' ', "T");
        let parts = text.split_once('T').and_then(|(day, time)| {
            let minute = read_minute(time.get(..5)?)?;
            place.instant(i64::from(read_day(day)?), u16::try_from(minute).ok()?)
        });
        parts.unwrap_or_else(|| {
            self.say_odd(field, |text| Words::new("“{}” is not a time such as 2026-11-20 14:00.", [text]));
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample;
    use crate::ui::lang::Lang;

    fn receivers() -> Vec<String> {
        ["default", "pager", "team-db"].map(str::to_owned).to_vec()
    }

    fn form(kind: CalmKind, query: &str) -> Result<CalmRule, String> {
        let receivers = receivers();
        let among = Among { receivers: &receivers, existing: None };
        read(kind, &Fields::from_form(query.as_bytes()), among)
            .map_err(|wrong| wrong.iter().map(|(field, words)| format!("{field}: {}\n", words.text(Lang::En))).collect())
    }

    #[test]
    fn every_rule_comes_back_from_its_form() {
        let receivers = receivers();
        for named in &sample::calm().rules {
            let fields = Fields::of(&named.rule);
            let among = Among { receivers: &receivers, existing: Some(&named.rule) };
            assert_eq!(read(named.rule.kind(), &fields, among).as_ref(), Ok(&named.rule));
        }
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        use CalmKind as K;
        for (kind, query, parts) in [
            (
                K::Cap,
                "receiver=nobody&messages=0&within=soon",
                vec!["receiver: There is no receiver “nobody”", "messages: “0” is not a number from 1", "within: “soon”"],
            ),
            (K::Cap, "", vec!["receiver: Choose", "messages: Fill this in", "within: Fill this in"]),
            (K::Flapping, "title=x&changes=1&within=30m&quiet=0", vec!["changes: “1” is not a number from 2", "quiet: At least a second"]),
            (K::Dependency, "source=a%3Db&target=a%3D~%22.*%22", vec!["title: Give it a name", "target: This would hit every alert"]),
            (K::Dependency, "title=x&source=%28%28", vec!["source: Line 1 of the matchers", "target: Write at least one matcher"]),
            (K::Escalation, "title=x", vec!["to0: Write at least one step"]),
            (K::Escalation, "title=x&after0=30m&to0=pager&after1=15m&to1=pager", vec!["after1: Each step comes later"]),
            (K::Escalation, "title=x&after0=soon&to0=pager", vec!["after0: “soon”"]),
            (
                K::Rota,
                "title=x&receiver=pager&person0=ann&via0=pager&first=x&handover=24:00&days=0&zone=Mars",
                vec![
                    "via0: This is the receiver of the rota itself",
                    "first: “x” is not a date",
                    "handover: “24:00”",
                    "days: “0”",
                    "zone: “Mars”",
                ],
            ),
            (K::Rota, "title=x&receiver=pager&first=2026-11-20&handover=09:00&days=7", vec!["person0: Write at least one person"]),
            (K::RecurringSilence, "title=x&from=25:00", vec!["matchers: Write at least one", "from: “25:00”"]),
        ] {
            let error = form(kind, query).expect_err(query);
            for part in parts {
                assert!(error.contains(part), "{query}: {error}");
            }
        }
        let long = format!("title={}&matchers=a%3Db&changes=4&within=30m&quiet=15m", "x".repeat(NAME_CHARS_MAX + 1));
        assert!(form(K::Flapping, &long).expect_err("long").contains("More than"));
    }

    #[test]
    fn who_stands_in_by_the_clock_of_the_rota() {
        const NOW: i64 = 1_763_714_000_000;
        let rota = sample::rota();
        let read = |query: &str| {
            read_stand_in(&Fields::from_form(query.as_bytes()), &rota, &receivers(), NOW)
                .map_err(|wrong| wrong.iter().map(|(field, words)| format!("{field}: {}\n", words.text(Lang::En))).collect::<String>())
        };
        // In Berlin it is an hour later than in UTC.
        let made = read("person=eve&via=pager&starts=2025-12-01T09:00&ends=2025-12-01%2012:00").expect("reads");
        assert_eq!((made.starts_at, made.ends_at), (1_764_576_000_000, 1_764_576_000_000 + 3 * 3_600_000));
        let made = read("person=bob&hours=4").expect("reads");
        assert_eq!((made.member.receiver.as_str(), made.starts_at, made.ends_at), ("team-db", NOW, NOW + 4 * 3_600_000));
        for (query, part) in [
            ("", "person: Write who"),
            ("person=joe&hours=2", "via: Choose"),
            ("person=bob&hours=9999", "hours: "),
            ("person=bob&starts=2025-12-01T09:00&ends=2025-12-01T09:00", "ends: The end must be after"),
            ("person=bob&starts=2020-12-01T09:00&ends=2020-12-01T10:00", "ends: This is over"),
            ("person=bob&starts=2025-12-01T09:00&ends=2027-12-01T10:00", "ends: At most a year"),
            ("person=bob&starts=soon&ends=é", "starts: “soon”"),
        ] {
            let error = read(query).expect_err(query);
            assert!(error.contains(part), "{query}: {error}");
        }
    }
}
