//! What one probe found, as pages show it: where the time went, who answered, certificates, what was answered instead.

use std::time::Duration;

use crate::ui::format::{self, Moment, Unit};
use crate::ui::lang::key;
use crate::ui::shell::Shell;
use crate::uptime::model::outcome::{Certificate, Outcome, Phases};

/// Days before its end from which on a certificate stands out.
const SOON_DAYS: i64 = 14;
/// Names of a certificate that are shown.
const NAMES_MAX: usize = 6;

/// Phases by the label of their series, with their words, in order of time.
pub const PHASES: [(&str, &str); 5] = [
    ("resolve", key("Name lookup")),
    ("connect", key("Connection")),
    ("tls", "TLS"),
    ("processing", key("Waiting for the answer")),
    ("transfer", key("Reading the answer")),
];

/// Colours of phases in charts; those of bars are in the stylesheet.
pub const PHASE_COLOURS: &str = "resolve=--c4 connect=--c2 tls=--c7 processing=--c1 transfer=--c3";

/// A phase as a bar.
pub struct PhaseBar {
    /// The label of its series, which is the class of its colour.
    pub id: &'static str,
    /// Its words.
    pub words: &'static str,
    /// How long it took.
    pub took: String,
    /// Where it begins, as a share of the whole.
    pub from: String,
    /// How long it is, as a share of the whole.
    pub width: String,
}

/// A certificate.
pub struct Shown {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// What it stands for.
    pub names: String,
    /// Since when it counts.
    pub begins: Moment,
    /// Until when.
    pub ends: Moment,
    /// How long that is.
    pub left: String,
    /// The class of its colour.
    pub class: &'static str,
    /// SHA-256 of the whole.
    pub fingerprint: String,
}

/// What one probe found.
pub struct Found {
    /// The class of its colour.
    pub class: &'static str,
    /// Whether it counts for up, in a word.
    pub verdict: &'static str,
    /// Why it failed; empty when it did not.
    pub why: String,
    /// How long it took.
    pub took: String,
    /// Where the time went.
    pub phases: Vec<PhaseBar>,
    /// What else there is to know: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Certificates, the server's own first.
    pub certificates: Vec<Shown>,
    /// The beginning of what was answered, where something in it was wrong.
    pub excerpt: String,
}

/// A length of time, to three digits.
pub fn took(length: Duration) -> String {
    format::number(length.as_secs_f64(), Unit::Seconds)
}

/// What a probe found; of a check that is upside down a failure is what is right.
pub fn found(outcome: &Outcome, is_upside_down: bool, shell: &Shell) -> Found {
    let is_up = outcome.failure.is_none() != is_upside_down;
    let facts = [
        (key("Answered by"), outcome.address.map(|address| address.to_string())),
        (key("Status"), outcome.status.map(|status| status.to_string())),
    ];
    Found {
        class: if is_up { "ok" } else { "crit" },
        verdict: if is_up { key("up") } else { key("down") },
        why: outcome.failure.as_ref().map_or_else(String::new, |failure| failure.text.clone()),
        took: took(outcome.took),
        phases: bars(&outcome.phases, outcome.took),
        facts: facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        certificates: outcome.certificates.iter().map(|certificate| shown(certificate, shell)).collect(),
        excerpt: outcome.excerpt.clone(),
    }
}

fn bars(phases: &Phases, whole: Duration) -> Vec<PhaseBar> {
    let lengths = [phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer];
    let sum: Duration = lengths.iter().flatten().sum();
    let whole = whole.max(sum).as_secs_f64().max(1e-9);
    let mut at = 0.0;
    let mut found = Vec::new();
    for ((id, words), length) in PHASES.into_iter().zip(lengths) {
        let Some(length) = length else { continue };
        let width = length.as_secs_f64() / whole;
        found.push(PhaseBar { id, words, took: took(length), from: format!("{at:.4}"), width: format!("{width:.4}") });
        at += width;
    }
    found
}

fn shown(certificate: &Certificate, shell: &Shell) -> Shown {
    let left = (certificate.not_after.saturating_mul(1000).saturating_sub(shell.now_ms)).div_euclid(86_400_000);
    let moment = |secs: i64| format::exactly(secs.saturating_mul(1000), shell.lang());
    let names = &certificate.names;
    let mut listed = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX {
        listed.push_str(" …");
    }
    Shown {
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        names: listed,
        begins: moment(certificate.not_before),
        ends: moment(certificate.not_after),
        left: match u64::try_from(left) {
            Ok(days) => shell.lang().n(days, "{} day left", "{} days left"),
            Err(_) => shell.t("over").to_owned(),
        },
        class: match left {
            i64::MIN..0 => "crit",
            0..SOON_DAYS => "warn",
            _ => "ok",
        },
        fingerprint: certificate.fingerprint.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn a_phase_has_one_colour_in_bars_and_charts() {
        let style = include_str!("../../../web/css/uptime/checks.css").split_whitespace().collect::<Vec<_>>().join(" ");
        let pairs: Vec<(&str, &str)> = PHASE_COLOURS.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        assert_eq!(pairs.iter().map(|(phase, _)| *phase).collect::<Vec<_>>(), PHASES.map(|(phase, _)| phase));
        for (phase, colour) in pairs {
            assert!(style.contains(&format!(".uc-fall .{phase} {{ background: var({colour}); }}")), "{phase}");
        }
    }

    #[test]
    fn phases_fill_the_whole_and_nothing_more() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let phases = Phases { resolve: ms(10), connect: ms(20), tls: None, processing: ms(60), transfer: ms(10) };
        let found = bars(&phases, Duration::from_millis(50));
        let seen: Vec<(&str, &str, &str)> = found.iter().map(|bar| (bar.id, bar.from.as_str(), bar.width.as_str())).collect();
        assert_eq!(seen[2], ("processing", "0.3000", "0.6000"), "{seen:?}");
        assert!(bars(&Phases::default(), Duration::ZERO).is_empty());
    }

    #[test]
    fn certificates_say_how_long_they_hold() {
        let shell = shell(Page::Uptime, "x", "/uptime/1", "");
        let day = 86_400;
        let of = |days: i64| {
            let not_after = shell.now_ms / 1000 + days * day + 5;
            let names = (0..9).map(|n| format!("n{n}.example")).collect();
            let certificate = Certificate {
                subject: "CN=a".into(),
                issuer: "CN=b".into(),
                names,
                not_before: 0,
                not_after,
                serial: "1".into(),
                fingerprint: "ff".into(),
            };
            let found = shown(&certificate, &shell);
            (found.left, found.class)
        };
        assert_eq!(of(90), ("90 days left".to_owned(), "ok"));
        assert_eq!(of(1), ("1 day left".to_owned(), "warn"));
        assert_eq!(of(-3).1, "crit");
    }
}
