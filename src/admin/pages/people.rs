//! Everyone who may sign in, for administrators.

use crate::access::{Role, User};
use crate::ui::format::{self, Moment};
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct PeopleInput {
    /// Everyone, by name.
    pub users: Vec<User>,
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
    signed_in: Option<Moment>,
}

#[derive(askama::Template)]
#[template(path = "admin/people.html")]
struct PeoplePage<'a> {
    shell: &'a Shell,
    input: &'a PeopleInput,
    rows: Vec<Row<'a>>,
    found: String,
    roles: [Role; 3],
    said: &'static str,
}

/// Renders the page.
pub fn render(input: &PeopleInput, shell: &Shell) -> String {
    let row = |user| -> Row<'_> {
        let user: &User = user;
        Row {
            user,
            is_self: Some(user.id) == input.own_id,
            signed_in: user.signed_in_ms.map(|at| format::moment(at, shell.now_ms, shell.lang())),
        }
    };
    let said = match shell.param("done") {
        Some("created") => "The user was created. Hand over name and password on two different ways.",
        Some("changed") => "Saved.",
        Some("deleted") => "The user was deleted; their sessions have ended.",
        Some("password") => "The new password is set; their sessions have ended.",
        Some("totp") => "The second factor is off for this user.",
        _ => "",
    };
    page::html(&PeoplePage {
        shell,
        input,
        rows: input.users.iter().map(row).collect(),
        found: shell.lang().n(input.users.len() as u64, "{} person", "{} people"),
        roles: Role::ALL,
        said,
    })
}
