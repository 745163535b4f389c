//! One's own account: password, second factor, sessions.

use crate::access::{Enrolment, PASSWORD_CHARS_MIN, Session, User};
use crate::base::secret::Secret;
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct ProfileInput {
    /// The one who looks; nobody while signing in is off.
    pub user: Option<User>,
    /// Their sessions, newest use first.
    pub sessions: Vec<Session>,
    /// The session of this browser.
    pub own_session: i64,
    /// The second factor being set up, with its QR code as SVG.
    pub enrolment: Option<(Enrolment, String)>,
    /// Recovery codes that are left.
    pub recovery_left: u32,
    /// Fresh recovery codes, shown this once.
    pub recovery: Vec<Secret>,
    /// What was wrong with the last form.
    pub error: Option<String>,
}

struct Row<'a> {
    session: &'a Session,
    is_own: bool,
    seen: Moment,
    created: Moment,
    browser: String,
}

#[derive(askama::Template)]
#[template(path = "admin/profile.html")]
struct ProfilePage<'a> {
    shell: &'a Shell,
    input: &'a ProfileInput,
    rows: Vec<Row<'a>>,
    password_chars_min: usize,
    said: &'static str,
    initials: String,
    recovery_left: String,
    /// The key of the second factor in groups of four, for typing.
    key: String,
}

/// Renders the page.
pub fn render(input: &ProfileInput, shell: &Shell) -> String {
    let said = match shell.param("done") {
        Some("password") => key("The new password is set. Your other sessions have ended."),
        Some("sessions") => key("Ended."),
        Some("totp-off") => key("The second factor is off."),
        _ => "",
    };
    let row = |session| -> Row<'_> {
        let session: &Session = session;
        Row {
            session,
            is_own: session.id == input.own_session,
            seen: format::moment(session.seen_ms, shell.now_ms, shell.lang()),
            created: format::moment(session.created_ms, shell.now_ms, shell.lang()),
            browser: browser(&session.agent, shell.lang()),
        }
    };
    page::html(&ProfilePage {
        shell,
        input,
        rows: input.sessions.iter().map(row).collect(),
        password_chars_min: PASSWORD_CHARS_MIN,
        said,
        initials: input.user.as_ref().map_or_else(String::new, |user| initials(&user.name)),
        recovery_left: shell.lang().n(u64::from(input.recovery_left), "{} recovery code is left.", "{} recovery codes are left."),
        key: input.enrolment.as_ref().map_or_else(String::new, |(enrolment, _)| in_fours(enrolment.secret.expose())),
    })
}

/// The first letters of the first two words, for the round picture.
fn initials(name: &str) -> String {
    let words = name.split(['.', '-', '_', '@', '+', ' ']).filter_map(|word| word.chars().next());
    words.take(2).flat_map(char::to_uppercase).collect()
}

fn in_fours(key: &str) -> String {
    key.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// A user agent in two words, for people who look which session is which.
fn browser(agent: &str, lang: Lang) -> String {
    let find = |words: &[(&str, &'static str)]| words.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, word)| *word);
    let program = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => lang.fill("{} on {}", &[&program, &system]),
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) => agent.split(['/', ' ']).next().filter(|word| !word.is_empty()).unwrap_or(lang.t("unknown")).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_become_words() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
        let browser = |agent| browser(agent, Lang::En);
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1"), "Safari on iPhone");
        assert_eq!(browser("python-requests/2.31"), "python-requests");
        assert_eq!(browser(""), "unknown");
    }

    #[test]
    fn names_become_initials() {
        for (name, letters) in [("ann", "A"), ("Zoë van den Berg", "ZV"), ("b.smith@example.org", "BS"), ("..", "")] {
            assert_eq!(initials(name), letters, "{name}");
        }
        assert_eq!(in_fours("ABCDEFGHIJ"), "ABCD EFGH IJ");
    }
}
