//! Signing in, and setting up the first administrator: pages without navigation, as nobody is in yet.

use crate::access::PASSWORD_CHARS_MIN;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What stands in the form, and what was wrong with it.
#[derive(Debug, Clone, Default)]
pub struct DoorInput {
    /// Where to go afterwards, on this server.
    pub next: String,
    /// Name that was entered.
    pub name: String,
    /// Whether a code of the second factor is asked for.
    pub asks_code: bool,
    /// Whether the sentence in `error` only asks for it.
    pub awaits_code: bool,
    /// The set-up code, from the link.
    pub setup_code: String,
    /// What was wrong, in a sentence.
    pub error: Option<String>,
    /// Name of the identity provider, where there is one.
    pub provider: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "admin/login.html")]
struct LoginPage<'a> {
    shell: &'a Shell,
    input: &'a DoorInput,
    awaits_setup: bool,
}

#[derive(askama::Template)]
#[template(path = "admin/setup.html")]
struct SetupPage<'a> {
    shell: &'a Shell,
    input: &'a DoorInput,
    password_chars_min: usize,
}

/// The sign-in page. `awaits_setup` says that there is nobody to sign in yet.
pub fn login(input: &DoorInput, awaits_setup: bool, shell: &Shell) -> String {
    page::html(&LoginPage { shell, input, awaits_setup })
}

/// The page that makes the first administrator.
pub fn setup(input: &DoorInput, shell: &Shell) -> String {
    page::html(&SetupPage { shell, input, password_chars_min: PASSWORD_CHARS_MIN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn what_was_entered_comes_back_escaped_and_no_password_does() {
        let hostile = "\"><script>alert(1)</script>".to_owned();
        let input = DoorInput {
            next: hostile.clone(),
            name: hostile.clone(),
            setup_code: hostile.clone(),
            error: Some(hostile),
            asks_code: true,
            provider: Some("<b>".to_owned()),
            ..DoorInput::default()
        };
        for html in [
            login(&input, false, &shell(Page::Elsewhere, "Sign in", "/login", "")),
            setup(&input, &shell(Page::Elsewhere, "Set up", "/setup", "")),
        ] {
            assert!(!html.contains("<script>alert") && !html.contains("<b>"));
            assert!(!html.contains("type=\"password\" value"));
        }
    }

    #[test]
    fn an_empty_server_points_to_its_log() {
        let shell = shell(Page::Elsewhere, "Sign in", "/login", "");
        assert!(login(&DoorInput::default(), true, &shell).contains("set-up link"));
        assert!(!login(&DoorInput::default(), false, &shell).contains("set-up link"));
    }
}
