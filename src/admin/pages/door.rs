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
    /// What to check about it.
    pub advice: String,
    /// Name of the identity provider, where there is one.
    pub provider: Option<String>,
    /// Whether there is no way in by name and password.
    pub hides_passwords: bool,
}

#[derive(askama::Template)]
#[template(path = "admin/login.html")]
struct LoginPage<'a> {
    shell: &'a Shell,
    input: &'a DoorInput,
    awaits_setup: bool,
}

#[derive(askama::Template)]
#[template(path = "admin/signed_out.html")]
struct SignedOutPage<'a> {
    shell: &'a Shell,
    provider: &'a str,
    url: &'a str,
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

/// The page of somebody who is on the way to sign out at the identity provider too, which is at `url`.
pub fn signed_out(provider: &str, url: &str, shell: &Shell) -> String {
    page::html(&SignedOutPage { shell, provider, url })
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
            error: Some(hostile.clone()),
            advice: hostile,
            asks_code: true,
            provider: Some("<b>".to_owned()),
            ..DoorInput::default()
        };
        let elsewhere = "https://id.example/\"><script>alert(1)</script>";
        for html in [
            signed_out("<b>", elsewhere, &shell(Page::Elsewhere, "Signed out", "/logout", "")),
            login(&input, false, &shell(Page::Elsewhere, "Sign in", "/login", "")),
            setup(&input, &shell(Page::Elsewhere, "Set up", "/setup", "")),
        ] {
            assert!(!html.contains("<script>alert") && !html.contains("<b>"));
            assert!(!html.contains("type=\"password\" value"));
        }
    }

    #[test]
    fn only_ways_in_that_there_are_show() {
        let shell = shell(Page::Elsewhere, "Sign in", "/login", "");
        let next = "/explore?q=a&b".to_owned();
        let both = DoorInput { next, provider: Some("Example".to_owned()), ..DoorInput::default() };
        let html = login(&both, false, &shell);
        assert!(html.contains("type=\"password\"") && html.contains("Sign in with Example"));
        assert!(html.contains("/login/oidc?next=%2Fexplore%3Fq%3Da%26b"), "{html}");
        let html = login(&DoorInput { hides_passwords: true, ..both.clone() }, true, &shell);
        assert!(!html.contains("type=\"password\"") && !html.contains("set-up link") && html.contains("Sign in with Example"));
        let html = login(&both, true, &shell);
        assert!(!html.contains("type=\"password\"") && html.contains("set-up link") && html.contains("Sign in with Example"));
        assert!(login(&DoorInput { hides_passwords: true, ..DoorInput::default() }, false, &shell).contains("proxy"));
    }

    #[test]
    fn an_empty_server_points_to_its_log() {
        let shell = shell(Page::Elsewhere, "Sign in", "/login", "");
        assert!(login(&DoorInput::default(), true, &shell).contains("set-up link"));
        assert!(!login(&DoorInput::default(), false, &shell).contains("set-up link"));
    }
}
