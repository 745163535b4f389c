//! Everyone who may sign in, for administrators.

use hashbrown::HashMap;

use crate::access::{Role, User};
use crate::ui::format::{self, Moment};
use crate::ui::lang::{Lang, key};
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PeopleInput {
    /// Everyone, by name.
    pub users: Vec<User>,
    /// How many tokens each maker has, by name.
    pub tokens: HashMap<String, usize>,
    /// Key of the one who looks.
    pub own_id: Option<i64>,
    /// What was wrong with the last form.
    pub error: Option<String>,
    /// What the form for a new user held: name and mail address.
    pub entered: (String, String),
}

struct Row<'a> {
    user: &'a User,
    is_self: bool,
    /// How they sign in, in words.
    with: String,
    signed_in: Option<Moment>,
    /// What goes with them when they are deleted.
    loses: String,
}

#[derive(askama::Template)]
#[template(path = "admin/people.html")]
struct PeoplePage<'a> {
    shell: &'a Shell,
    input: &'a PeopleInput,
    rows: Vec<Row<'a>>,
    found: String,
    roles: [(Role, &'static str); 3],
    said: &'static str,
}

/// Renders the page.
pub fn render(input: &PeopleInput, shell: &Shell) -> String {
    let row = |user| -> Row<'_> {
        let user: &User = user;
        Row {
            user,
            is_self: Some(user.id) == input.own_id,
            with: with(user, shell.lang()),
            loses: loses(input.tokens.get(&user.name).copied().unwrap_or(0), shell.lang()),
            signed_in: user.signed_in_ms.map(|at| format::moment(at, shell.now_ms, shell.lang())),
        }
    };
    let said = match shell.param("done") {
        Some("created") => key("The user was created. Hand over name and password on two different ways."),
        Some("changed") => key("Saved."),
        Some("deleted") => key("The user was deleted; their sessions have ended, and tokens that they made are revoked."),
        Some("password") => key("The new password is set; their sessions have ended."),
        Some("totp") => key("The second factor is off for this user; their sessions have ended."),
        Some("signed-out") => key("Their sessions have ended."),
        _ => "",
    };
    page::html(&PeoplePage {
        shell,
        input,
        rows: input.users.iter().map(row).collect(),
        found: shell.lang().n(input.users.len() as u64, "{} person", "{} people"),
        roles: ROLES,
        said,
    })
}

/// Every role with its word.
const ROLES: [(Role, &str); 3] = [(Role::Viewer, key("viewer")), (Role::Editor, key("editor")), (Role::Admin, key("admin"))];

/// What the question says before somebody is deleted.
fn loses(tokens: usize, lang: Lang) -> String {
    let tokens = match tokens {
        0 => lang.t("They made no tokens.").to_owned(),
        _ => lang.n(tokens as u64, "{} token that they made is revoked at once.", "{} tokens that they made are revoked at once."),
    };
    format!("{} {tokens}", lang.t("Their sessions end, what else they made stays."))
}

fn with(user: &User, lang: Lang) -> String {
    match (&user.issuer, user.has_password, user.has_totp) {
        (Some(issuer), ..) => issuer.clone(),
        (None, true, true) => lang.t("password and code").to_owned(),
        (None, true, false) => lang.t("password").to_owned(),
        (None, false, _) => lang.t("nothing yet").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "\"><img src=x onerror=alert(1)>".to_owned();
        let user = User {
            id: 1,
            name: hostile.clone(),
            email: hostile.clone(),
            role: Role::Admin,
            has_password: false,
            issuer: Some(hostile.clone()),
            subject: Some(hostile.clone()),
            has_totp: true,
            disabled: true,
            created_ms: 0,
            signed_in_ms: None,
        };
        let tokens = HashMap::from([(hostile.clone(), 2)]);
        let input =
            PeopleInput { users: vec![user], tokens, own_id: Some(1), error: Some(hostile.clone()), entered: (hostile.clone(), hostile) };
        let html = render(&input, &shell(Page::Settings, "People", "/settings/people", "done=%3Cimg%20src%3Dx%3E"));
        assert!(!html.contains("<img") && html.matches("&#60;img").count() >= 8, "{html}");
        assert!(html.contains("kept out") && html.contains("you"));
        assert!(html.contains("2 tokens that they made are revoked at once."), "{html}");
        assert_eq!(loses(0, Lang::En), "Their sessions end, what else they made stays. They made no tokens.");
    }
}
