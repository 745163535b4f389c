//! How lines come in and how they are kept: rates by door, refusals by reason, what storage holds and whether it is well.

use std::collections::BTreeMap;

use crate::ui::format::{self, Moment, Unit, count};
use crate::ui::lang::key;
use crate::ui::page;
use crate::ui::shell::Shell;

/// One way in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Door {
    /// Its name.
    pub name: String,
    /// Lines taken since the start.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// Requests, connections or rounds that brought them.
    pub requests: u64,
    /// Lines a second of late, where known.
    pub lines_per_s: Option<f64>,
    /// Bytes a second of late, where known.
    pub bytes_per_s: Option<f64>,
    /// What was refused, by the word that clients and metrics have for the reason: lines, but connections where the reason
    /// is `connections`.
    pub refused: Vec<(String, u64)>,
    /// When something was refused last, in milliseconds, and why, in words.
    pub last_refusal: Option<(i64, String)>,
    /// How long after its own time the newest line of the last batch came, in milliseconds; less than zero for a line from
    /// the future.
    pub lag_ms: Option<i64>,
}

/// A day in storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Its start, in milliseconds.
    pub start_ms: i64,
    /// Parts.
    pub parts: u64,
    /// Lines.
    pub lines: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct DoorsInput {
    /// Ways in, in any order.
    pub doors: Vec<Door>,
    /// Days, oldest first.
    pub days: Vec<Day>,
    /// Bytes of the log on disk.
    pub wal_bytes: u64,
    /// Lines in memory.
    pub memory_lines: u64,
    /// Streams in memory.
    pub memory_streams: u64,
    /// What memory takes.
    pub memory_bytes: u64,
    /// Oldest and newest line, in milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// Bytes free on the disk.
    pub free_bytes: Option<u64>,
    /// How long lines are kept, as set.
    pub retention: String,
    /// Why lines are not taken now.
    pub unready: Option<String>,
    /// What failed last in the background.
    pub background_error: Option<String>,
    /// Files that could not be read, and why.
    pub set_aside: Vec<(String, String)>,
    /// Files that should be followed and cannot be read now, and why.
    pub unreadable: Vec<(String, String)>,
    /// Lines that live tails did not take in time.
    pub tail_dropped: u64,
}

struct DoorRow {
    name: String,
    lines: String,
    bytes: String,
    lines_per_s: String,
    bytes_per_s: String,
    requests: String,
    lag: String,
    /// Whether its lines come so late, or so far from the future, that a clock or a queue is worth a look.
    is_late: bool,
    refused: String,
    reasons: Vec<(String, String)>,
    last: Option<(Moment, String)>,
}

struct DayRow {
    day: String,
    parts: String,
    lines: String,
    text: String,
    disk: String,
    percent: String,
    share: String,
}

#[derive(askama::Template)]
#[template(path = "logs/doors.html")]
struct DoorsPage<'a> {
    shell: &'a Shell,
    input: &'a DoorsInput,
    numbers: Vec<(&'static str, String, String)>,
    doors: Vec<DoorRow>,
    refusals: Vec<(String, String, String)>,
    days: Vec<DayRow>,
    facts: Vec<(&'static str, String)>,
}

/// Renders the page. The shell needs refresh.
pub fn render(input: &DoorsInput, shell: &Shell) -> String {
    let sum = |read: fn(&Day) -> u64| input.days.iter().map(read).sum::<u64>();
    let (text, disk) = (sum(|day| day.text_bytes), sum(|day| day.disk_bytes));
    let rate = |read: fn(&Door) -> Option<f64>| input.doors.iter().filter_map(read).sum::<f64>();
    let bytes = |value: u64| format::number(value as f64, Unit::Bytes);
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in input.doors.iter().flat_map(|door| &door.refused) {
        *sums.entry(reason).or_default() += count;
    }
    let refused: u64 = sums.values().sum();
    let mut doors: Vec<&Door> = input.doors.iter().collect();
    doors.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let mut refusals: Vec<(&str, u64)> = sums.into_iter().filter(|(_, count)| *count > 0).collect();
    refusals.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let lag = input.span_ms.map(|(_, newest)| shell.moment(newest).words).unwrap_or_else(|| "–".to_owned());
    let largest = input.days.iter().map(|day| day.disk_bytes).max().unwrap_or(0).max(1);
    page::html(&DoorsPage {
        numbers: vec![
            (key("Lines a second"), format::number(rounded(rate(|door| door.lines_per_s), 0.01), Unit::Short), String::new()),
            (key("Text a second"), format::number(rounded(rate(|door| door.bytes_per_s), 1.0), Unit::BytesPerSecond), String::new()),
            (key("Newest line"), lag, String::new()),
            (key("Refused since the start"), count(refused), if refused > 0 { "warn".to_owned() } else { String::new() }),
        ],
        doors: doors.into_iter().map(|door| door_row(door, shell)).collect(),
        refusals: refusals.into_iter().map(|(reason, times)| (reason.to_owned(), meaning(reason, shell), count(times))).collect(),
        days: input.days.iter().rev().map(|day| day_row(*day, largest, shell)).collect(),
        facts: vec![
            (key("Text"), bytes(text)),
            (key("On disk"), shell.f2("{} ({} of the text)", bytes(disk), ratio(disk, text))),
            (key("Write-ahead log"), bytes(input.wal_bytes)),
            (key("In memory"), shell.f2("{} in {}", shell.lang().n(input.memory_lines, "{} line", "{} lines"), bytes(input.memory_bytes))),
            (key("Streams in memory"), count(input.memory_streams)),
            (
                key("Kept for"),
                if input.retention.is_empty() { shell.t("as long as there is room").to_owned() } else { input.retention.clone() },
            ),
            (key("Free on the disk"), input.free_bytes.map_or_else(|| "–".to_owned(), bytes)),
            (key("Missed by live tails"), count(input.tail_dropped)),
        ],
        shell,
        input,
    })
}

fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format::number(part as f64 / whole as f64, Unit::Ratio) }
}

/// How far behind lines may come before it is marked, in milliseconds.
const LATE_MS: i64 = 5 * 60_000;

/// How long after their own time lines come, in words.
fn lag(ms: i64, shell: &Shell) -> String {
    // Clocks of two machines are never quite the same.
    if ms.abs() < 1_000 {
        return shell.t("at once").to_owned();
    }
    let long = format::number(ms.unsigned_abs() as f64 / 1000.0, Unit::Seconds);
    if ms < 0 { shell.f1("{} early", long) } else { long }
}

/// A rate without digits that say nothing: a line an hour is none a second.
fn rounded(rate: f64, step: f64) -> f64 {
    (rate / step).round() * step
}

fn door_row(door: &Door, shell: &Shell) -> DoorRow {
    let rate = |value: Option<f64>, step, unit| value.map_or_else(|| "–".to_owned(), |value| format::number(rounded(value, step), unit));
    DoorRow {
        name: door.name.clone(),
        lines: count(door.lines),
        bytes: format::number(door.bytes as f64, Unit::Bytes),
        lines_per_s: rate(door.lines_per_s, 0.01, Unit::PerSecond),
        bytes_per_s: rate(door.bytes_per_s, 1.0, Unit::BytesPerSecond),
        requests: count(door.requests),
        lag: door.lag_ms.map_or_else(|| "–".to_owned(), |ms| lag(ms, shell)),
        is_late: door.lag_ms.is_some_and(|ms| ms.unsigned_abs() > LATE_MS.unsigned_abs()),
        refused: count(door.refused.iter().map(|(_, count)| count).sum()),
        reasons: door.refused.iter().filter(|(_, times)| *times > 0).map(|(reason, times)| (reason.clone(), count(*times))).collect(),
        last: door.last_refusal.clone().map(|(at_ms, why)| (shell.moment(at_ms), why)),
    }
}

fn day_row(day: Day, largest: u64, shell: &Shell) -> DayRow {
    DayRow {
        day: format::date(day.start_ms, shell.lang()),
        parts: count(day.parts),
        lines: count(day.lines),
        text: format::number(day.text_bytes as f64, Unit::Bytes),
        disk: format::number(day.disk_bytes as f64, Unit::Bytes),
        percent: ratio(day.disk_bytes, day.text_bytes),
        share: format!("{:.4}", day.disk_bytes as f64 / largest as f64),
    }
}

/// What a reason means, and what helps.
fn meaning(reason: &str, shell: &Shell) -> String {
    let known = [
        ("greater_than_max_sample_age", key("Older than lines may be.")),
        ("too_far_in_future", key("From the future: the sender's clock is wrong.")),
        ("too_far_behind", key("Too far behind the newest line of the same stream.")),
        ("line_too_long", key("Longer than a line may be.")),
        ("invalid_labels", key("Labels that are missing, malformed, or too many.")),
        ("invalid_structured_metadata", key("Fields that are too many or too large.")),
        ("per_stream_rate_limit", key("One stream sent faster than a stream may.")),
        ("rate_limited", key("The sender sent faster than it may.")),
        ("structured_metadata_too_large", key("Fields that are too many or too large.")),
        ("malformed", key("Not of the form that the protocol asks for.")),
        ("connections", key("Connections, not lines: there were too many at once.")),
    ];
    known.iter().find(|(word, _)| *word == reason).map_or(String::new(), |(_, words)| shell.t(words).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::pages::sample::{self, HOSTILE};
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &DoorsInput) -> String {
        render(input, &shell(Page::Logs, "Ingestion", links::LOGS_DOORS, "").with_refresh("5s"))
    }

    #[test]
    fn doors_refusals_and_days() {
        let door =
            |name: &str, bytes: u64| Door { name: name.into(), lines: bytes / 100, bytes, lines_per_s: Some(12.5), ..Door::default() };
        let page = html(&DoorsInput {
            doors: vec![
                Door { lag_ms: Some(-7_200_000), ..door("loki", 5_000_000) },
                Door {
                    refused: vec![("line_too_long".into(), 3), ("malformed".into(), 0), ("connections".into(), 4)],
                    last_refusal: Some((sample::NOW_MS - 12_000, "10.0.0.9: there are <b>too</b> many".into())),
                    lag_ms: Some(400),
                    ..door("syslog", 100)
                },
            ],
            days: vec![Day { start_ms: 1_763_683_200_000, parts: 2, lines: 10, text_bytes: 1000, disk_bytes: 170 }],
            unready: Some("the disk is full".into()),
            ..DoorsInput::default()
        });
        sample::check(&page);
        for part in [
            "loki",
            "25",
            "Longer than a line may be",
            "2 h early",
            "at once",
            "10.0.0.9: there are &#60;b&#62;too",
            "12 s ago",
            "21 Nov 2025",
            "17%",
            "the disk is full",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn rates_have_no_digits_that_say_nothing() {
        assert_eq!([0.0004, 0.014, 12.5].map(|rate| rounded(rate, 0.01)), [0.0, 0.01, 12.5]);
        assert_eq!([0.3, 37.6].map(|rate| rounded(rate, 1.0)), [0.0, 38.0]);
    }

    #[test]
    fn empty_and_foreign() {
        assert!(html(&DoorsInput::default()).contains("Nothing was sent yet"));
        sample::check(&html(&DoorsInput {
            doors: vec![Door {
                name: HOSTILE.into(),
                refused: vec![(HOSTILE.into(), 1)],
                last_refusal: Some((5, HOSTILE.into())),
                ..Door::default()
            }],
            retention: HOSTILE.into(),
            unready: Some(HOSTILE.into()),
            background_error: Some(HOSTILE.into()),
            set_aside: vec![(HOSTILE.into(), HOSTILE.into())],
            ..DoorsInput::default()
        }));
    }
}
