//! One line of StatsD, with the ways of writing tags that statsd_exporter reads: DogStatsD's, Librato's, InfluxDB's and
//! SignalFx's.

use std::borrow::Cow;

/// Values of one line, `a:1:2:3|ms`.
const VALUES_MAX: usize = 10_000;
/// Tags of one line.
const TAGS_MAX: usize = 128;
/// Bytes of types, rates and tags that one line may cost to read, over all its values.
const WORK_MAX: usize = 128 << 10;

/// What a value does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    /// Adds to a counter.
    Count(f64),
    /// Sets a gauge.
    Set(f64),
    /// Adds to a gauge.
    Move(f64),
    /// So many observations of a value.
    Observe(f64, u64),
    /// One member of a set, by its position among the values.
    Member,
}

impl Action {
    /// The same with its value multiplied.
    pub(super) fn scaled(self, by: f64) -> Self {
        match self {
            Self::Count(value) => Self::Count(value * by),
            Self::Set(value) => Self::Set(value * by),
            Self::Move(value) => Self::Move(value * by),
            Self::Observe(value, times) => Self::Observe(value * by, times),
            Self::Member => Self::Member,
        }
    }
}

/// A line that was read.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// The metric, as it was written.
    pub(super) name: Cow<'a, str>,
    /// Tags with their values, as they were written.
    pub(super) tags: Vec<(&'a str, &'a str)>,
    /// What is done, with the text of each value.
    pub(super) actions: Vec<(Action, &'a str)>,
}

/// Why a line, or a value of it, is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No name, no value, or no UTF-8.
    Line,
    /// A value that is no number.
    Value,
    /// A type that is none.
    Kind,
    /// A rate that is no number above 0 and at most 1.
    Rate,
    /// A part behind the type that is not known.
    Part,
    /// A tag without name or value.
    Tag,
    /// A counter that would go down.
    Negative,
    /// A metric that is of another type already.
    Conflict,
    /// No room for one more series.
    Full,
}

impl Fault {
    /// All.
    pub(super) const ALL: [Self; 9] =
        [Self::Line, Self::Value, Self::Kind, Self::Rate, Self::Part, Self::Tag, Self::Negative, Self::Conflict, Self::Full];

    /// Its word, as statsd_exporter's where it has one.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "malformed_line",
            Self::Value => "malformed_value",
            Self::Kind => "illegal_event",
            Self::Rate => "invalid_sample_factor",
            Self::Part => "malformed_component",
            Self::Tag => "malformed_tag",
            Self::Negative => "illegal_negative_counter",
            Self::Conflict => "conflicting_type",
            Self::Full => "too_many_series",
        }
    }
}

/// Reads a line. What is wrong with a tag leaves the tag out, what is wrong with a value leaves the value out; each is
/// told to `fault`.
pub(super) fn parse<'a>(line: &'a str, fault: &mut dyn FnMut(Fault)) -> Option<Line<'a>> {
    let mut tags = Vec::new();
    let Some((name, rest)) = line.split_once(':').filter(|(name, _)| !name.is_empty()) else {
        fault(Fault::Line);
        return None;
    };
    let name = name_and_tags(name, &mut tags, fault);
    if name.is_empty() || (rest.contains("|#") && !tags.is_empty()) {
        // Tags in two ways cannot both be meant.
        fault(Fault::Line);
        return None;
    }
    let mut actions = Vec::new();
    let mut work_left = WORK_MAX;
    for sample in samples(rest) {
        // The tags of a line are read again for each value: long lists of both would hold everybody else up.
        let left = work_left.checked_sub(sample.parts.len() + 1);
        if actions.len() >= VALUES_MAX || left.is_none() {
            fault(Fault::Line);
            break;
        }
        work_left = left.unwrap_or_default();
        if let Err(wrong) = read_sample(sample, &mut tags, &mut actions, fault) {
            fault(wrong);
        }
    }
    (!actions.is_empty()).then_some(Line { name, tags, actions })
}

/// The samples of a line: `1|c:2|c`, or with tags `1|c|#a:b`, or `1:2:3|ms|#a:b` for several of one type.
fn samples(rest: &str) -> Vec<Sample<'_>> {
    let (values, parts) = rest.split_once('|').unwrap_or((rest, ""));
    if values.contains(':') || rest.contains("|#") {
        return values.split(':').take(VALUES_MAX + 1).map(|value| Sample { value, parts }).collect();
    }
    let of = |sample| {
        let (value, parts) = str::split_once(sample, '|').unwrap_or((sample, ""));
        Sample { value, parts }
    };
    rest.split(':').take(VALUES_MAX + 1).map(of).collect()
}

/// A value and what stands behind it.
struct Sample<'a> {
    value: &'a str,
    parts: &'a str,
}

fn read_sample<'a>(
    Sample { value, parts }: Sample<'a>,
    tags: &mut Vec<(&'a str, &'a str)>,
    actions: &mut Vec<(Action, &'a str)>,
    fault: &mut dyn FnMut(Fault),
) -> Result<(), Fault> {
    let mut parts = parts.split('|');
    let kind = parts.next().unwrap_or_default().trim_end();
    let mut rate = 1.0;
    for part in parts.map(str::trim_end) {
        match part.as_bytes().first() {
            Some(b'@') => match part[1..].parse::<f64>() {
                Ok(given) if given > 0.0 && given <= 1.0 => rate = given,
                // What is sampled at a rate of none was not sampled, as statsd_exporter has it.
                Ok(0.0) => {}
                _ => return Err(Fault::Rate),
            },
            Some(b'#') => dog_tags(&part[1..], tags, fault),
            // The container that sent it; and its time, which is about now.
            Some(b'c') if part.len() > 2 && part.starts_with("c:") => push_tag("container_id", &part[2..], tags),
            Some(b'T' | b'e') => {}
            _ => return Err(Fault::Part),
        }
    }
    if kind == "s" {
        actions.push((Action::Member, value));
        return Ok(());
    }
    let number: f64 = value.parse().ok().filter(|number: &f64| !number.is_nan()).ok_or(Fault::Value)?;
    let times = (1.0 / rate).round().clamp(1.0, 1e9) as u64;
    let action = match kind {
        "c" | "m" if number < 0.0 => return Err(Fault::Negative),
        "c" | "m" => Action::Count(number / rate),
        "g" if value.starts_with(['+', '-']) => Action::Move(number),
        "g" => Action::Set(number),
        // Timers come in milliseconds; Prometheus counts seconds.
        "ms" => Action::Observe(number / 1000.0, times),
        "h" | "d" => Action::Observe(number, times),
        _ => return Err(Fault::Kind),
    };
    actions.push((action, value));
    Ok(())
}

/// Tags in the name: `name#a=b,c=d`, `name,a=b,c=d`, `name[a=b]rest`.
fn name_and_tags<'a>(name: &'a str, tags: &mut Vec<(&'a str, &'a str)>, fault: &mut dyn FnMut(Fault)) -> Cow<'a, str> {
    if let (Some(open), Some(close)) = (name.find('['), name.find(']'))
        && open < close
    {
        name_tags(&name[open + 1..close], tags, fault);
        let (before, after) = (&name[..open], &name[close + 1..]);
        return if after.is_empty() { Cow::Borrowed(before) } else { Cow::Owned(format!("{before}{after}")) };
    }
    match name.find(['#', ',']) {
        Some(at) => {
            name_tags(&name[at + 1..], tags, fault);
            Cow::Borrowed(&name[..at])
        }
        None => Cow::Borrowed(name),
    }
}

fn name_tags<'a>(text: &'a str, tags: &mut Vec<(&'a str, &'a str)>, fault: &mut dyn FnMut(Fault)) {
    text.split(',').take(TAGS_MAX).for_each(|tag| split_tag(tag, '=', tags, fault));
}

fn dog_tags<'a>(text: &'a str, tags: &mut Vec<(&'a str, &'a str)>, fault: &mut dyn FnMut(Fault)) {
    text.split(',').take(TAGS_MAX).for_each(|tag| split_tag(tag.strip_prefix('#').unwrap_or(tag), ':', tags, fault));
}

fn split_tag<'a>(tag: &'a str, by: char, tags: &mut Vec<(&'a str, &'a str)>, fault: &mut dyn FnMut(Fault)) {
    match tag.split_once(by) {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => push_tag(name, value, tags),
        _ => fault(Fault::Tag),
    }
}

/// Of a tag that comes again the last one stays; a line with several samples has each of its tags once.
fn push_tag<'a>(name: &'a str, value: &'a str, tags: &mut Vec<(&'a str, &'a str)>) {
    if let Some((_, present)) = tags.iter_mut().find(|(known, _)| *known == name) {
        *present = value;
    } else if tags.len() < TAGS_MAX {
        tags.push((name, value));
    }
}

/// A name in characters that names have, as statsd_exporter makes it: others become underscores, and none begins with a
/// digit. Of a run of dashes one stays as an underscore.
pub(super) fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    if name.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        out.push('_');
    }
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
        } else if !(c == '-' && before == '-') {
            out.push('_');
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Option<Line<'_>>, Vec<Fault>) {
        let mut faults = Vec::new();
        let read = parse(line, &mut |fault| faults.push(fault));
        (read, faults)
    }

    fn actions(line: &str) -> Vec<Action> {
        let (read, faults) = read(line);
        assert!(faults.is_empty(), "{line}: {faults:?}");
        read.unwrap().actions.into_iter().map(|(action, _)| action).collect()
    }

    #[test]
    fn many_values_with_many_tags_are_not_read_to_the_end() {
        let tags: Vec<String> = (0..5_800).map(|at| format!("t{at}:v")).collect();
        let line = format!("a:{}1|c|#{}", "1:".repeat(9_000), tags.join(","));
        let (read, faults) = read(&line);
        let read = read.unwrap();
        assert!(read.actions.len() < 10 && read.tags.len() == TAGS_MAX, "{} {}", read.actions.len(), read.tags.len());
        assert_eq!(faults, [Fault::Line]);
    }

    #[test]
    fn values_do_what_their_type_says() {
        for (line, expected) in [
            ("a:2|c", vec![Action::Count(2.0)]),
            ("a:2|c|@0.1", vec![Action::Count(20.0)]),
            ("a:2|c|@0", vec![Action::Count(2.0)]),
            ("a:2.5|g", vec![Action::Set(2.5)]),
            ("a:+3|g", vec![Action::Move(3.0)]),
            ("a:-3|g", vec![Action::Move(-3.0)]),
            ("a:200|ms", vec![Action::Observe(0.2, 1)]),
            ("a:200|ms|@0.1", vec![Action::Observe(0.2, 10)]),
            ("a:0.01|h", vec![Action::Observe(0.01, 1)]),
            ("a:5|d", vec![Action::Observe(5.0, 1)]),
            ("a:joe|s", vec![Action::Member]),
            ("a:1|c:2|g:3|ms", vec![Action::Count(1.0), Action::Set(2.0), Action::Observe(0.003, 1)]),
            ("a:1:2:3|ms|@0.5|#x:y", vec![Action::Observe(0.001, 2), Action::Observe(0.002, 2), Action::Observe(0.003, 2)]),
            ("a:1|c|T1656581400", vec![Action::Count(1.0)]),
        ] {
            assert_eq!(actions(line), expected, "{line}");
        }
    }

    #[test]
    fn tags_are_read_in_four_ways() {
        for line in [
            "foo:100|c|#tag1:bar,tag2:baz",
            "foo:100|c|#tag1:bar,#tag2:baz",
            "foo#tag1=bar,tag2=baz:100|c",
            "foo,tag1=bar,tag2=baz:100|c",
            "foo[tag1=bar,tag2=baz]:100|c",
            "fo[tag1=bar,tag2=baz]o:100|c",
            "foo:100|c|@1|#tag1:bar,tag2:baz",
        ] {
            let (read, faults) = read(line);
            assert!(faults.is_empty(), "{line}");
            let read = read.unwrap();
            assert_eq!((&*read.name, read.tags.as_slice()), ("foo", [("tag1", "bar"), ("tag2", "baz")].as_slice()), "{line}");
        }
        assert_eq!(read("a:1|c|#url:http://x/y").0.unwrap().tags, [("url", "http://x/y")]);
        assert_eq!(read("a:1|c|#x:1|c:abc").0.unwrap().tags, [("x", "1"), ("container_id", "abc")]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, faults, is_taken) in [
            ("", vec![Fault::Line], false),
            ("foo", vec![Fault::Line], false),
            (":1|c", vec![Fault::Line], false),
            ("a:1", vec![Fault::Kind], false),
            ("a:x|c", vec![Fault::Value], false),
            ("a:nan|g", vec![Fault::Value], false),
            ("a:1|q", vec![Fault::Kind], false),
            ("a:-1|c", vec![Fault::Negative], false),
            ("a:1|c|@x", vec![Fault::Rate], false),
            ("a:1|c|@2", vec![Fault::Rate], false),
            ("a:1|c|", vec![Fault::Part], false),
            ("a:1|c|!", vec![Fault::Part], false),
            ("a:1|c|#x,y:1", vec![Fault::Tag], true),
            ("a#x=1:1|c|#y:1", vec![Fault::Line], false),
            ("a:1|c:x|c", vec![Fault::Value], true),
        ] {
            let (read, found) = read(line);
            assert_eq!((found, read.is_some()), (faults, is_taken), "{line}");
        }
    }

    #[test]
    fn names_are_those_of_statsd_exporter() {
        for (name, expected) in [
            ("clean", "clean"),
            ("with-dash", "with_dash"),
            ("with--double--dash", "with_double_dash"),
            ("0starts", "_0starts"),
            ("with.dots.and/slash", "with_dots_and_slash"),
            ("mit_grö.ße", "mit_gr___e"),
            ("a b:c", "a_b_c"),
        ] {
            assert_eq!(escaped(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_survived(line in ".{0,60}") {
            let _read = parse(&line, &mut |_| {});
            let pieces = line.replace(' ', "|").replace('a', ":").replace('b', "#");
            let _read = parse(&pieces, &mut |_| {});
        }
    }
}
