//! `mask`: secrets in lines are made unreadable before anything is stored. Not one of Promtail's.
//!
//! Kinds: `password` (values of keys that are called like secrets), `bearer` (Authorization headers), `jwt`, `url`
//! (passwords in URLs), `card` (payment card numbers whose check digit is right), `email`, `aws_key`, `private_key`.

use std::sync::{Arc, LazyLock};

use regex::{Captures, Regex};

use super::{Entry, Moment, plain_stage};

/// What stands in place of a secret.
pub(super) const MASK: &str = "<masked>";

/// A kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Password,
    Bearer,
    Jwt,
    Url,
    Card,
    Email,
    AwsKey,
    PrivateKey,
}

/// Kinds by name.
pub(super) const KINDS: [(&str, Kind); 8] = [
    ("password", Kind::Password),
    ("bearer", Kind::Bearer),
    ("jwt", Kind::Jwt),
    ("url", Kind::Url),
    ("card", Kind::Card),
    ("email", Kind::Email),
    ("aws_key", Kind::AwsKey),
    ("private_key", Kind::PrivateKey),
];

/// Kinds that are masked unless others are named: what is never wanted in a log.
pub(super) const DEFAULT_KINDS: [Kind; 7] =
    [Kind::PrivateKey, Kind::Bearer, Kind::Jwt, Kind::Url, Kind::Password, Kind::AwsKey, Kind::Card];

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Mask {
    pub(super) kinds: Vec<Kind>,
    /// Expressions of the user's own; groups are masked, or all of it where there are none.
    pub(super) expressions: Vec<Arc<Regex>>,
    pub(super) replacement: String,
}

impl Mask {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        if let Some(masked) = self.masked(&entry.text) {
            entry.text = masked;
        }
        let texts: Vec<(String, String)> =
            entry.fields.iter().filter_map(|(name, value)| Some((name.to_owned(), self.masked(value)?))).collect();
        for (name, value) in texts {
            entry.fields.set(&name, &value);
        }
        for value in entry.extracted.values_mut() {
            if let Some(masked) = self.masked(value) {
                *value = masked;
            }
        }
        true
    }

    /// The text with its secrets masked; `None` if it has none.
    pub(super) fn masked(&self, text: &str) -> Option<String> {
        let mut current: Option<String> = None;
        for kind in &self.kinds {
            let text = current.as_deref().unwrap_or(text);
            if let Some(new) = self.mask_kind(*kind, text) {
                current = Some(new);
            }
        }
        for expression in &self.expressions {
            let text = current.as_deref().unwrap_or(text);
            if let std::borrow::Cow::Owned(new) = expression.replace_all(text, |captures: &Captures<'_>| self.mask_groups(captures)) {
                current = Some(new);
            }
        }
        current
    }

    fn mask_kind(&self, kind: Kind, text: &str) -> Option<String> {
        let mark = self.replacement.as_str();
        let expression = match kind {
            Kind::Password => &*PASSWORD,
            Kind::Bearer => &*BEARER,
            Kind::Jwt => &*JWT,
            Kind::Url => &*URL,
            Kind::Card => &*CARD,
            Kind::Email => &*EMAIL,
            Kind::AwsKey => &*AWS_KEY,
            Kind::PrivateKey => &*PRIVATE_KEY,
        };
        let expression = expression.as_ref()?;
        let masked = expression.replace_all(text, |captures: &Captures<'_>| match kind {
            Kind::Card if !is_card(&captures[0]) => captures[0].to_owned(),
            _ => match captures.name("secret").or_else(|| captures.name("other")) {
                Some(secret) => {
                    let whole = captures.get(0).map_or(0, |whole| whole.start());
                    let (before, after) = (&captures[0][..secret.start() - whole], &captures[0][secret.end() - whole..]);
                    format!("{before}{mark}{after}")
                }
                None => mark.to_owned(),
            },
        });
        (masked != text).then(|| masked.into_owned())
    }

    fn mask_groups(&self, captures: &Captures<'_>) -> String {
        let whole = captures.get(0).map_or(0..0, |whole| whole.range());
        if captures.len() == 1 {
            return self.replacement.clone();
        }
        let text = &captures[0];
        let (mut out, mut copied) = (String::new(), 0);
        for group in captures.iter().skip(1).flatten() {
            let (start, end) = (group.start() - whole.start, group.end() - whole.start);
            if start >= copied {
                out.push_str(&text[copied..start]);
                out.push_str(&self.replacement);
                copied = end;
            }
        }
        out.push_str(&text[copied..]);
        out
    }
}

plain_stage!(Mask);

type Known = LazyLock<Option<Regex>>;

static PASSWORD: Known = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?token|client[_-]?secret|token)\\?["']?\s*[:=]\s*\\?["']?(?P<secret>[^\s"'\\,;&}<\]]+)"#,
    )
    .ok()
});
static BEARER: Known = LazyLock::new(|| {
    // The word alone is ordinary English; a header, or something as long as a token behind it, is not.
    Regex::new(
        r#"(?i)\bauthorization\\?["']?\s*[:=]\s*\\?["']?(?:[a-z0-9-]+\s+)?(?P<secret>[^\s"'\\,;]+)|\bbearer\s+(?P<other>[a-z0-9+/._~=-]{20,})"#,
    )
    .ok()
});
static JWT: Known = LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*").ok());
static URL: Known = LazyLock::new(|| Regex::new(r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/?#@]{0,256}:(?P<secret>[^\s/?#@]{1,512})@").ok());
static CARD: Known = LazyLock::new(|| Regex::new(r"\b[3-6]\d{3}(?:[ -]?\d){8,15}\b").ok());
static EMAIL: Known = LazyLock::new(|| Regex::new(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}\b").ok());
static AWS_KEY: Known = LazyLock::new(|| Regex::new(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b").ok());
static PRIVATE_KEY: Known = LazyLock::new(|| {
    Regex::new(r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?P<secret>.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)").ok()
});

/// Whether the last of 13 to 19 digits fits the others.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len()) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        Mask { kinds: DEFAULT_KINDS.to_vec(), expressions: Vec::new(), replacement: MASK.to_owned() }
    }

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        for (text, masked) in [
            ("user=ann password=hunter2 ok", "user=ann password=<masked> ok"),
            (r#"{"db_password":"hunter2","a":1}"#, r#"{"db_password":"<masked>","a":1}"#),
            (r#"{"log":"{\"api_key\": \"abc\"}"}"#, r#"{"log":"{\"api_key\": \"<masked>\"}"}"#),
            ("GET /x?token=abc&y=1", "GET /x?token=<masked>&y=1"),
            ("Authorization: Bearer abcdef.ghi", "Authorization: Bearer <masked>"),
            (r#"{"authorization":"Basic dTpw","a":1}"#, r#"{"authorization":"Basic <masked>","a":1}"#),
            ("token is bearer 0123456789abcdef0123 now", "token is bearer <masked> now"),
            ("basic functionality of the ring bearer works", "basic functionality of the ring bearer works"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.c2ln end", "jwt <masked> end"),
            ("postgres://app:s3cret@db:5432/x", "postgres://app:<masked>@db:5432/x"),
            ("http://db:5432/x@y", "http://db:5432/x@y"),
            ("card 4111 1111 1111 1111 paid", "card <masked> paid"),
            ("order 4111111111111112 paid", "order 4111111111111112 paid"),
            ("AKIAIOSFODNN7EXAMPLE", "<masked>"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----<masked>-----END RSA PRIVATE KEY-----",
            ),
            ("password reset for ann@example.org", "password reset for ann@example.org"),
            ("tokens used: 12", "tokens used: 12"),
            ("plain text with no secret", "plain text with no secret"),
        ] {
            let found = mask().masked(text);
            assert_eq!(found.as_deref().unwrap_or(text), masked, "{text}");
            assert_eq!(found.is_some(), text != masked);
        }
    }

    #[test]
    fn own_expressions_mask_their_groups() {
        let own = |text: &str| Mask {
            kinds: vec![Kind::Email],
            expressions: vec![Arc::new(Regex::new(text).unwrap())],
            replacement: "*".to_owned(),
        };
        assert_eq!(own(r"iban (\w+)").masked("iban DE12 of ann@example.org").as_deref(), Some("iban * of *"));
        assert_eq!(own(r"DE\d+").masked("iban DE12").as_deref(), Some("iban *"));
    }

    #[test]
    fn every_known_expression_is_one() {
        for known in [&PASSWORD, &BEARER, &JWT, &URL, &CARD, &EMAIL, &AWS_KEY, &PRIVATE_KEY] {
            assert!(known.is_some());
        }
    }
}
