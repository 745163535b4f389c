//! A silence to be made or changed: its fields, what is wrong with them, and what it would hit right now.

use super::calm::read::read_matchers;
use super::known::Known;
use super::silences::{Hit, hit, hits};
use crate::alerts::model::matcher::Matchers;
use crate::alerts::model::silence::{Silence, SilenceState};
use crate::base::time::{Duration, format_rfc3339};
use crate::ui::format::Moment;
use crate::ui::lang::{Words, key};
use crate::ui::page;
use crate::ui::range::moment;
use crate::ui::shell::Shell;

/// Durations on offer, and their words.
const DURATIONS: [(&str, &str); 8] = [
    ("30m", key("30 minutes")),
    ("1h", key("1 hour")),
    ("2h", key("2 hours")),
    ("4h", key("4 hours")),
    ("8h", key("8 hours")),
    ("1d", key("1 day")),
    ("3d", key("3 days")),
    ("1w", key("1 week")),
];
/// The value of `for` that takes the end from the field beside it.
const UNTIL: &str = "until";
/// Alerts shown of those that are hit.
const HITS_MAX: usize = 50;
/// Characters of a comment.
pub const COMMENT_CHARS_MAX: usize = 2_000;

/// The fields of the form, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The silence that is changed; empty for a new one.
    pub id: String,
    /// Matchers, a line or a comma between them.
    pub matchers: String,
    /// When it begins; empty for now.
    pub starts: String,
    /// How long it lasts, or [`UNTIL`].
    pub hold: String,
    /// When it ends, for [`UNTIL`].
    pub ends: String,
    /// Why.
    pub comment: String,
}

/// A draft that can be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What it hits.
    pub matchers: Matchers,
    /// When it begins, in milliseconds since the Unix epoch.
    pub starts_at: i64,
    /// When it is over.
    pub ends_at: i64,
}

impl Draft {
    /// From the query string or body of a form. `None` if nothing but an id is there.
    pub fn from_form(form: &[u8]) -> Self {
        let mut draft = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let field = match &*name {
                "id" => &mut draft.id,
                // As Alertmanager writes its links.
                "filter" => {
                    draft.matchers = value.trim().trim_start_matches('{').trim_end_matches('}').trim_end_matches(',').to_owned();
                    continue;
                }
                "matchers" => &mut draft.matchers,
                "starts" => &mut draft.starts,
                "for" => &mut draft.hold,
                "ends" => &mut draft.ends,
                "comment" => &mut draft.comment,
                _ => continue,
            };
            *field = value.trim().replace("\r\n", "\n");
        }
        if draft.hold.is_empty() {
            draft.hold = if draft.ends.is_empty() { "2h".to_owned() } else { UNTIL.to_owned() };
        }
        draft
    }

    /// The fields of a silence that is there.
    pub fn of(silence: &Silence) -> Self {
        Self {
            id: silence.id.clone(),
            matchers: silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            starts: silence.starts_at.to_string(),
            hold: UNTIL.to_owned(),
            ends: format_rfc3339(silence.ends_at),
            comment: silence.comment.clone(),
        }
    }

    /// Reads the fields at an instant.
    ///
    /// # Errors
    /// What is wrong with the first that is.
    pub fn read(&self, now: i64) -> Result<Read, Words> {
        let matchers = read_matchers(&self.matchers)?;
        let time = |text: &str| {
            moment(text, now)
                .ok_or_else(|| Words::new("“{}” is not a time: write now+2h or a date such as 2026-11-20 14:00.", [text.to_owned()]))
        };
        let starts_at = if self.starts.is_empty() { now } else { time(&self.starts)? };
        let ends_at = if self.hold == UNTIL {
            time(&self.ends)?
        } else {
            let hold = Duration::parse(&self.hold)
                .map_err(|_| Words::new("“{}” is not a duration such as 30m, 4h or 2d.", [self.hold.clone()]))?;
            starts_at.saturating_add(hold.ms())
        };
        if self.comment.chars().count() > COMMENT_CHARS_MAX {
            return Err(Words::new("The comment has more than {} characters.", [COMMENT_CHARS_MAX.to_string()]));
        }
        Ok(Read { matchers, starts_at, ends_at })
    }

    /// The silence that it makes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn silence(&self, created_by: &str, now: i64) -> Result<Silence, Words> {
        let Read { matchers, starts_at, ends_at } = self.read(now)?;
        let (id, comment, created_by) = (self.id.clone(), self.comment.clone(), created_by.to_owned());
        let silence = Silence { id, matchers, starts_at, ends_at, updated_at: now, created_by, comment, annotations: Vec::new() };
        silence.check(now).map_err(|error| Words::plain(error.to_string()))?;
        Ok(silence)
    }
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct SilenceInput {
    /// The fields.
    pub draft: Draft,
    /// The silence that is changed, if it is still there.
    pub existing: Option<Silence>,
    /// Alerts of now.
    pub alerts: Vec<Known>,
    /// What went wrong when it was saved.
    pub problem: String,
    /// Whether whoever looks may change silences.
    pub may_change: bool,
}

#[derive(askama::Template)]
#[template(path = "alerts/silence.html")]
struct SilencePage<'a> {
    shell: &'a Shell,
    input: &'a SilenceInput,
    wrong: String,
    hits: Vec<Hit>,
    total: usize,
    of: usize,
    span: Option<(Moment, Moment)>,
    durations: [(&'static str, &'static str); 8],
    lines: usize,
    is_active: bool,
    is_over: bool,
    is_empty: bool,
}

impl SilencePage<'_> {
    fn holds(&self, word: &str) -> bool {
        self.input.draft.hold == word
    }
}

/// Renders the page. Parts of it follow the form as it is filled in.
pub fn render(input: &SilenceInput, shell: &Shell) -> String {
    let is_empty = input.draft.matchers.trim().is_empty();
    let read = input.draft.silence("", shell.now_ms);
    let matchers = read_matchers(&input.draft.matchers).unwrap_or_default();
    let state = input.existing.as_ref().map(|silence| silence.state(shell.now_ms));
    let found: Vec<&Known> = if is_empty { Vec::new() } else { hits(&matchers, &input.alerts).collect() };
    let wrong = match &read {
        Err(words) if !is_empty => words.text(shell.lang()),
        _ => String::new(),
    };
    page::html(&SilencePage {
        wrong,
        total: found.len(),
        of: input.alerts.len(),
        hits: found.into_iter().take(HITS_MAX).map(|alert| hit(alert, shell)).collect(),
        span: read.ok().map(|silence| (shell.moment(silence.starts_at), shell.moment(silence.ends_at))),
        durations: DURATIONS,
        lines: input.draft.matchers.lines().count().clamp(3, 12),
        is_active: state == Some(SilenceState::Active),
        is_over: state == Some(SilenceState::Expired),
        is_empty,
        input,
        shell,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::pages::sample::{self, HOSTILE};
    use crate::ui::lang::Lang;
    use crate::ui::links;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    const NOW: i64 = 1_763_714_000_000;

    fn html(draft: &Draft) -> String {
        let input = SilenceInput { draft: draft.clone(), alerts: sample::now().alerts, may_change: true, ..SilenceInput::default() };
        render(&input, &shell(Page::Alerts, "Silence", links::ALERTS_SILENCE, ""))
    }

    #[test]
    fn fields_are_read_as_alertmanager_would() {
        let draft = |query: &str| Draft::from_form(query.as_bytes());
        let read = draft("matchers=job%3D%22api%22%0D%0Aseverity%3D~%22a%7Cb%22&for=4h").read(NOW).expect("reads");
        assert_eq!((read.matchers.len(), read.starts_at, read.ends_at), (2, NOW, NOW + 4 * 3_600_000));
        let until = draft("matchers=a%3Db&starts=now%2B1h&for=until&ends=now%2B3h").read(NOW).expect("reads");
        assert_eq!((until.starts_at, until.ends_at), (NOW + 3_600_000, NOW + 3 * 3_600_000));
        for (query, part) in [
            ("matchers=a%3Db%0A%28%28&for=2h", "Line 2"),
            ("matchers=a%3D~%22%28%22", "invalid regular expression"),
            ("matchers=a%3Db&for=soon", "soon"),
            ("matchers=a%3Db&for=until&ends=then", "then"),
            ("matchers=", "at least one matcher is required"),
            ("matchers=a%3D~%22.*%22", "must not match the empty string"),
            ("matchers=a%3Db&for=until&ends=now-1h&starts=now-2h", "in the past"),
        ] {
            let error = draft(query).silence("ann", NOW).expect_err(query).text(Lang::En);
            assert!(error.contains(part), "{query}: {error}");
        }
        let long = Draft { comment: "x".repeat(3000), ..draft("matchers=a%3Db") };
        assert!(long.silence("ann", NOW).is_err());
    }

    #[test]
    fn a_silence_keeps_its_start_and_end_when_it_is_opened() {
        let silence = &sample::silences()[0];
        let again = Draft::of(silence).silence("bob", NOW).expect("reads");
        assert_eq!((again.starts_at, again.ends_at, &again.matchers), (silence.starts_at, silence.ends_at, &silence.matchers));
        assert!(again.may_replace(silence, NOW));
    }

    #[test]
    fn what_it_hits_is_shown() {
        let text = html(&Draft::from_form(b"matchers=job%3D%22api%22"));
        sample::check(&text);
        assert!(text.contains("2 of 4") && text.contains("DiskFull"), "{text}");
        assert!(html(&Draft::from_form(b"")).contains("Write at least one matcher"));
        assert!(html(&Draft::from_form(b"matchers=job%3D%22nobody%22")).contains("No alert of now"));
        let wrong = html(&Draft::from_form(b"matchers=%28%28"));
        assert!(wrong.contains("Line 1 of the matchers"), "{wrong}");
        let hostile = Draft {
            id: HOSTILE.into(),
            matchers: HOSTILE.into(),
            starts: HOSTILE.into(),
            hold: HOSTILE.into(),
            ends: HOSTILE.into(),
            comment: HOSTILE.into(),
        };
        sample::check(&html(&hostile));
    }
}
