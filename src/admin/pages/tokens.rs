//! Keys for programs.

use crate::access::{Scope, Token};
use crate::base::secret::Secret;
use crate::ui::format::{self, Moment};
use crate::ui::lang::key;
use crate::ui::page;
use crate::ui::shell::Shell;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct TokensInput {
    /// All, newest first.
    pub tokens: Vec<Token>,
    /// Name and secret of the one just made, shown this once.
    pub fresh: Option<(String, Secret)>,
    /// What was wrong with the last form.
    pub error: Option<String>,
}

struct Row<'a> {
    token: &'a Token,
    used: Option<Moment>,
    ends: Option<Moment>,
    has_ended: bool,
}

/// A scope with what it lets a program do.
struct Choice {
    scope: Scope,
    words: &'static str,
}

#[derive(askama::Template)]
#[template(path = "admin/tokens.html")]
struct TokensPage<'a> {
    shell: &'a Shell,
    input: &'a TokensInput,
    rows: Vec<Row<'a>>,
    found: String,
    choices: Vec<Choice>,
    said: &'static str,
}

const fn words(scope: Scope) -> &'static str {
    match scope {
        Scope::MetricsWrite => key("send metrics: remote write, pushes, custom metrics"),
        Scope::LogsWrite => key("send log lines"),
        Scope::EventsWrite => key("send errors, visits and heartbeats"),
        Scope::Read => key("query and look at everything"),
        Scope::Edit => key("change dashboards, rules and pushed groups; query"),
        Scope::Admin => key("everything, users included"),
    }
}

/// Renders the page.
pub fn render(input: &TokensInput, shell: &Shell) -> String {
    let row = |token| -> Row<'_> {
        let token: &Token = token;
        Row {
            token,
            used: token.used_ms.map(|at| format::moment(at, shell.now_ms, shell.lang())),
            ends: token.expires_ms.map(|at| format::moment(at, shell.now_ms, shell.lang())),
            has_ended: token.expires_ms.is_some_and(|at| at <= shell.now_ms),
        }
    };
    page::html(&TokensPage {
        shell,
        input,
        rows: input.tokens.iter().map(row).collect(),
        found: shell.lang().n(input.tokens.len() as u64, "{} token", "{} tokens"),
        choices: Scope::ALL.into_iter().map(|scope| Choice { scope, words: words(scope) }).collect(),
        said: if shell.param("done") == Some("revoked") {
            key("The token was revoked. Programs that use it are refused from now on.")
        } else {
            ""
        },
    })
}
