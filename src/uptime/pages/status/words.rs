//! What status pages say, in the language of the page.

use crate::ui::format;
use crate::ui::lang::{Lang, key};
use crate::uptime::status::picture::{Condition, Day, Picture};
use crate::uptime::status::post::{Post, Severity, Stage, Update};
use crate::uptime::status::sentence::{Rest, Sentence, Whom};

const DAY: i64 = 86_400_000;
/// Less than this and a day's bar is that of a short outage.
const SHORT_MS: i64 = 15 * 60_000;

/// The language of a page.
pub fn lang_of(picture: &Picture) -> Lang {
    Lang::parse(&picture.page.language).unwrap_or_default()
}

/// The word for a condition.
pub const fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Up => key("Operational"),
        Condition::Degraded => key("Degraded"),
        Condition::Down => key("Down"),
        Condition::Maintenance => key("Under maintenance"),
        Condition::Unknown => key("No data"),
        Condition::Paused => key("Not watched"),
    }
}

/// The class of a condition: `ok`, `warn`, `crit`, `info`, `none`.
pub const fn class(condition: Condition) -> &'static str {
    match condition {
        Condition::Up => "ok",
        Condition::Degraded => "warn",
        Condition::Down => "crit",
        Condition::Maintenance => "info",
        Condition::Unknown | Condition::Paused => "none",
    }
}

/// The word for a stage.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Investigating => key("Investigating"),
        Stage::Identified => key("Identified"),
        Stage::Monitoring => key("Monitoring"),
        Stage::Resolved => key("Resolved"),
    }
}

/// The word for how bad a post is.
pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => key("Notice"),
        Severity::Degraded => key("Degraded"),
        Severity::Outage => key("Outage"),
        Severity::Maintenance => key("Maintenance"),
    }
}

/// The class of a post.
pub const fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice | Severity::Maintenance => "info",
        Severity::Degraded => "warn",
        Severity::Outage => "crit",
    }
}

/// The headline and what stands below it.
pub fn sentence(sentence: &Sentence, lang: Lang) -> (String, String) {
    let (head, rest) = match sentence {
        Sentence::Empty => (lang.t("Nothing is shown here yet").to_owned(), Rest::None),
        Sentence::Works => (lang.t("Everything works").to_owned(), Rest::None),
        Sentence::Told(title, _) => (title.clone(), Rest::None),
        Sentence::Are(condition, whom, rest) => (are(*condition, whom, lang), *rest),
    };
    let rest = match rest {
        Rest::None => "",
        Rest::Works => lang.t("Everything else works."),
        Rest::Mixed => lang.t("Other parts have trouble, too."),
        Rest::Unknown => lang.t("Of some other parts nothing is known now."),
    };
    (head, rest.to_owned())
}

fn are(condition: Condition, whom: &Whom, lang: Lang) -> String {
    let [all, one, two, many] = match condition {
        Condition::Up => [key("Everything works"); 4],
        Condition::Down => [key("Everything is down"), key("{} is down"), key("{} and {} are down"), key("{} of {} parts are down")],
        Condition::Degraded => [
            key("Everything works less well than usual"),
            key("{} works less well than usual"),
            key("{} and {} work less well than usual"),
            key("{} of {} parts work less well than usual"),
        ],
        Condition::Maintenance => [
            key("Everything is under maintenance"),
            key("{} is under maintenance"),
            key("{} and {} are under maintenance"),
            key("{} of {} parts are under maintenance"),
        ],
        Condition::Unknown => [
            key("How everything does is not known now"),
            key("How {} does is not known now"),
            key("How {} and {} do is not known now"),
            key("How {} of {} parts do is not known now"),
        ],
        Condition::Paused => [
            key("Nothing is watched now"),
            key("{} is not watched now"),
            key("{} and {} are not watched now"),
            key("{} of {} parts are not watched now"),
        ],
    };
    match whom {
        Whom::All => lang.t(all).to_owned(),
        Whom::Some(names) => match &names[..] {
            [first, second] => lang.fill(two, &[first, second]),
            names => lang.fill(one, &[&names.first().map_or("", String::as_str)]),
        },
        Whom::Many(count, total) => lang.fill(many, &[count, total]),
    }
}

/// A length of time in words, to the minute; below a minute it is that.
pub fn length(ms: i64, lang: Lang) -> String {
    let minutes = u64::try_from(ms).unwrap_or(0).div_ceil(60_000);
    let (hours, rest) = (minutes / 60, minutes % 60);
    let minutes_words = || lang.n(rest, "{} minute", "{} minutes");
    match (hours, rest) {
        (0, _) => minutes_words(),
        (_, 0) => lang.n(hours, "{} hour", "{} hours"),
        _ => format!("{} {}", lang.n(hours, "{} hour", "{} hours"), minutes_words()),
    }
}

/// A date by the clock of the page, of days since 1970-01-01.
pub fn date(day: i64, lang: Lang) -> String {
    format::date(day * DAY, lang)
}

/// A time of day by the clock of the page: `15:48`.
pub fn clock(at: i64, picture: &Picture) -> String {
    let minutes = (at + picture.zone.ahead(at).unwrap_or(0)).div_euclid(60_000).rem_euclid(1440);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A date and a time by the clock of the page; the date only where it is not today.
pub fn moment(at: i64, picture: &Picture) -> String {
    let day = picture.zone.day(at);
    if day == picture.zone.day(picture.at) {
        return clock(at, picture);
    }
    format!("{} {}", date(day.unwrap_or_default(), lang_of(picture)), clock(at, picture))
}

/// The class of a day's bar: down, down for short, told of, maintenance, unknown; empty where it was as it should be.
pub const fn day_class(day: &Day) -> &'static str {
    let tally = &day.tally;
    if tally.down >= SHORT_MS {
        "d"
    } else if tally.down > 0 {
        "s"
    } else if day.troubled > 0 {
        "w"
    } else if tally.maintenance > 0 {
        "m"
    } else if tally.up == 0 {
        "u"
    } else {
        ""
    }
}

/// A day in words.
pub fn day(day: &Day, lang: Lang) -> String {
    let tally = &day.tally;
    let mut parts = Vec::new();
    for (ms, words) in
        [(tally.down, key("down for {}")), (day.troubled, key("trouble for {}")), (tally.maintenance, key("maintenance for {}"))]
    {
        if ms > 0 {
            parts.push(lang.fill(words, &[&length(ms, lang)]));
        }
    }
    let dark = tally.unknown + tally.paused;
    if tally.up + tally.down == 0 && parts.is_empty() {
        parts.push(lang.t("no data").to_owned());
    } else if dark >= 60_000 {
        parts.push(lang.fill("no data for {}", &[&length(dark, lang)]));
    }
    let date = date(day.day, lang);
    if parts.is_empty() { date } else { format!("{date}: {}", parts.join(lang.comma())) }
}

/// What a post is called.
pub fn title(post: &Post, picture: &Picture) -> String {
    if !post.title.is_empty() {
        return post.title.clone();
    }
    let lang = lang_of(picture);
    picture.names_of(post).first().map_or_else(|| lang.t("Outage").to_owned(), |name| lang.fill("{} is down", &[name]))
}

/// What an update says.
pub fn text(update: &Update, lang: Lang) -> String {
    if !update.text.is_empty() {
        return update.text.clone();
    }
    let words = match update.stage {
        Stage::Resolved => key("It works again."),
        Stage::Investigating | Stage::Identified | Stage::Monitoring => {
            key("Our checks found that it does not work. We are looking into it.")
        }
    };
    lang.t(words).to_owned()
}
