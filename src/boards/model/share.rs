//! A share: a dashboard, or what it showed at a moment, for people without an account; and what they may choose.

use crate::base::time::TimeRange;
use crate::ui::range::PageRange;

/// Most shares of one dashboard.
pub const SHARES_OF_BOARD_MAX: usize = 50;
/// Most shares in all.
pub const SHARES_MAX: usize = 1_000;
/// Most bytes of a snapshot, before and after it is packed.
pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of all snapshots together, as they lie on disk.
pub const SNAPSHOTS_BYTES_MAX: i64 = 512 * 1024 * 1024;
/// Longest title, in bytes.
pub const SHARE_TITLE_BYTES_MAX: usize = 500;
/// Longest list of fixed variables, in bytes.
pub const FIXED_BYTES_MAX: usize = 64 * 1024;
/// Most origins that may embed a share.
const ORIGINS_MAX: usize = 20;
/// Longest origin, in bytes.
const ORIGIN_BYTES_MAX: usize = 255;
/// Longest range that readers may choose, in days.
pub const RANGE_DAYS_MAX: i64 = 31;
const DAY_MS: i64 = 86_400_000;
/// Any page may embed it.
pub const ANYWHERE: &str = "*";

/// A share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// Names it in its URL.
    pub token: String,
    /// The dashboard.
    pub board_uid: String,
    /// Its title for people.
    pub title: String,
    /// Variables that readers may choose.
    pub open: Vec<String>,
    /// What variables are, as in URLs; of those that may be chosen, at first.
    pub fixed: String,
    /// The range, as on pages.
    pub range: (String, String),
    /// Whether readers may choose another.
    pub is_range_free: bool,
    /// Origins of pages that may embed it; [`ANYWHERE`] for all.
    pub framed_by: Vec<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// Who made it.
    pub made_by: String,
    /// When it ends; 0 for never.
    pub expires_at: i64,
    /// Whether it is switched on.
    pub is_on: bool,
    /// When a snapshot was taken; 0 for links.
    pub taken_at: i64,
    /// Bytes of a snapshot.
    pub bytes: i64,
}

impl Share {
    /// Whether it is what was shown, not what is.
    pub const fn is_snapshot(&self) -> bool {
        self.taken_at > 0
    }

    /// Whether it ended.
    pub const fn has_ended(&self, now: i64) -> bool {
        self.expires_at > 0 && self.expires_at <= now
    }

    /// Whether readers see something.
    pub const fn is_seen(&self, now: i64) -> bool {
        self.is_on && !self.has_ended(now)
    }

    /// Variables for what a reader asks for, as in URLs: their word counts for those that they may choose, and no
    /// other name comes through.
    pub fn variables(&self, asked: &str) -> String {
        let pairs = |text: &str| -> Vec<(String, String)> {
            let all = form_urlencoded::parse(text.trim_start_matches('?').as_bytes()).filter(|(name, _)| name.starts_with("var-"));
            all.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        };
        let is_open = |name: &str| self.open.iter().any(|open| name.strip_prefix("var-") == Some(open));
        let chosen: Vec<(String, String)> = pairs(asked).into_iter().filter(|(name, _)| is_open(name)).collect();
        let fixed = pairs(&self.fixed).into_iter().filter(|(name, _)| !chosen.iter().any(|(other, _)| other == name));
        let fixed: Vec<(String, String)> = fixed.collect();
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fixed.iter().chain(&chosen)).finish()
    }

    /// The range for what a reader asks for.
    ///
    /// # Errors
    /// What is wrong with what they ask for, in words.
    pub fn range(&self, (from, to): (&str, &str), now: i64) -> Result<(PageRange, TimeRange), String> {
        let own = PageRange { from: self.range.0.clone(), to: self.range.1.clone() };
        if !self.is_range_free || (from.is_empty() && to.is_empty()) {
            let range = own.resolve(now)?;
            return Ok((own, range));
        }
        let or = |given: &str, own: &str| if given.is_empty() { own.to_owned() } else { given.to_owned() };
        let asked = PageRange { from: or(from, &own.from), to: or(to, "now") };
        let range = asked.resolve(now)?;
        if range.end - range.start > RANGE_DAYS_MAX * DAY_MS {
            return Err(format!("a shared dashboard shows at most {RANGE_DAYS_MAX} days at once"));
        }
        Ok((asked, range))
    }

    /// Who may embed it, as the content security policy says it.
    pub fn ancestors(&self) -> String {
        if self.framed_by.is_empty() { "'none'".to_owned() } else { self.framed_by.join(" ") }
    }
}

/// Origins of pages, as people type them: separated by white space or commas.
///
/// # Errors
/// Which is none, in words.
pub fn origins(text: &str) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    for one in text.split(|c: char| c.is_whitespace() || c == ',').filter(|one| !one.is_empty()) {
        let one = one.trim_end_matches('/').to_ascii_lowercase();
        let host = one.strip_prefix("https://").or_else(|| one.strip_prefix("http://")).unwrap_or_default();
        let (name, port) = host.split_once(':').unwrap_or((host, "80"));
        let plain = name.strip_prefix("*.").unwrap_or(name);
        let is_name = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if !is_name || port.parse::<u16>().is_err() || one.len() > ORIGIN_BYTES_MAX {
            return Err(format!("{one:?} is no origin of a page: write https://example.com"));
        }
        if !found.contains(&one) {
            found.push(one);
        }
    }
    match found.len() {
        0 => Err("say which pages may embed it, such as https://example.com".to_owned()),
        count if count > ORIGINS_MAX => Err(format!("at most {ORIGINS_MAX} origins may embed it, there are {count}")),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_714_000_000;

    fn share() -> Share {
        Share {
            open: vec!["job".to_owned()],
            fixed: "var-job=api&var-env=prod&var-env=dev".to_owned(),
            range: ("now-6h".to_owned(), "now".to_owned()),
            ..Share::default()
        }
    }

    #[test]
    fn readers_choose_only_what_is_open() {
        for (asked, expected) in [
            ("", "var-job=api&var-env=prod&var-env=dev"),
            ("var-job=web&var-job=db", "var-env=prod&var-env=dev&var-job=web&var-job=db"),
            ("var-env=test&var-other=x&from=now-1y&job=x", "var-job=api&var-env=prod&var-env=dev"),
            ("?var-Job=x&var-=y&var-env%00=z", "var-job=api&var-env=prod&var-env=dev"),
            ("var-job=a%26var-env%3Dtest", "var-env=prod&var-env=dev&var-job=a%26var-env%3Dtest"),
        ] {
            assert_eq!(share().variables(asked), expected, "{asked}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_asked_for_changes_what_is_fixed(asked in "(var-(job|env|other|x)(=|%3D|%26)[a-z\\{\\}\"%&=+]{0,8}&?){0,6}|\\PC{0,60}") {
            let found = share().variables(&asked);
            let pairs: Vec<(String, String)> = form_urlencoded::parse(found.as_bytes()).map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
            let env: Vec<&str> = pairs.iter().filter(|(name, _)| name == "var-env").map(|(_, value)| value.as_str()).collect();
            assert_eq!(env, ["prod", "dev"], "{asked}");
            assert!(pairs.iter().all(|(name, _)| name == "var-env" || name == "var-job"), "{asked} {found}");
        }
    }

    #[test]
    fn ranges_are_fixed_or_bounded() {
        let (range, _) = share().range(("now-1h", "now"), NOW).unwrap();
        assert_eq!(range.from, "now-6h", "it is fixed");
        let free = Share { is_range_free: true, ..share() };
        assert_eq!(free.range(("now-1h", ""), NOW).unwrap().1, TimeRange::new(NOW - 3_600_000, NOW));
        assert_eq!(free.range(("", ""), NOW).unwrap().0.from, "now-6h");
        assert!(free.range(("now-32d", "now"), NOW).unwrap_err().contains("31 days"));
        assert!(free.range(("soon", ""), NOW).is_err());
    }

    #[test]
    fn origins_are_origins_and_nothing_else() {
        assert_eq!(
            origins("https://A.example.com/, http://x:8080\nhttps://*.b.org").unwrap(),
            ["https://a.example.com", "http://x:8080", "https://*.b.org"]
        );
        for wrong in [
            "",
            "*",
            "example.com",
            "https://",
            "https://a;script-src *",
            "https://a/b",
            "https://*",
            "javascript:x",
            "https://a:x",
            "https://a'",
        ] {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            (share().ancestors().as_str(), Share { framed_by: vec![ANYWHERE.to_owned()], ..share() }.ancestors().as_str()),
            ("'none'", "*")
        );
    }
}
