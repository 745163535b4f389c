//! `pharos user`: people and their passwords from the command line, on the data folder, also while the server runs.
//!
//! This is the way back in when everybody is locked out: whoever may read and write the data folder may do everything
//! anyway. A running server takes changes over within a second. Passwords come from the terminal or standard input,
//! never from the command line, where every other user of the machine could read them.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;

use crate::access::{Access, AccessSettings, AuthMode, Origin, PASSWORD_CHARS_MIN, Role, User, UserChange};
use crate::base::clock::SystemClock;
use crate::base::secret::Secret;
use crate::base::time::format_rfc3339;
use crate::platform::db::Db;

/// Who changes things here, in the audit log.
const ACTOR: &str = "command line";
/// A longer line is no password.
const LINE_BYTES_MAX: u64 = 4096;
/// Nothing is pruned from here; the server does that with its own settings.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Where the users are.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Folder of all data, as for `serve`.
    #[arg(long, default_value = "data", env = "PHAROS_STORAGE_PATH", global = true)]
    data_dir: PathBuf,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// List everyone: role, how they sign in, when they last did.
    #[command(after_help = super::examples::USER_LIST_EXAMPLES)]
    List {
        /// As a table for people, or as JSON for programs.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Add somebody. Asks for the password, or reads it from standard input.
    #[command(after_help = super::examples::USER_ADD_EXAMPLES)]
    Add {
        /// The name they sign in with.
        name: String,
        /// What they may do: viewers look, editors change dashboards and rules, admins change the server.
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
        /// Where mail reaches them.
        #[arg(long, default_value = "")]
        email: String,
    },
    /// Set somebody's password and end their sessions. Asks for it, or reads it from standard input.
    #[command(after_help = super::examples::USER_PASSWORD_EXAMPLES)]
    SetPassword {
        /// Whose.
        name: String,
    },
    /// Change what somebody may do. Takes effect at once, also in sessions that are open.
    #[command(after_help = super::examples::USER_ROLE_EXAMPLES)]
    Role {
        /// Who.
        name: String,
        /// viewer, editor or admin.
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Keep somebody out: their sessions end, and they cannot sign in until they are enabled.
    #[command(after_help = super::examples::USER_DISABLE_EXAMPLES)]
    Disable {
        /// Who.
        name: String,
    },
    /// Let somebody in again who was disabled.
    #[command(after_help = super::examples::USER_ENABLE_EXAMPLES)]
    Enable {
        /// Who.
        name: String,
    },
    /// Delete somebody. What they made stays.
    #[command(after_help = super::examples::USER_DELETE_EXAMPLES)]
    Delete {
        /// Who.
        name: String,
    },
    /// Turn somebody's second factor off, as when their phone is gone.
    #[command(after_help = super::examples::USER_TOTP_EXAMPLES)]
    ResetTotp {
        /// Whose.
        name: String,
    },
    /// End all sessions of somebody.
    #[command(after_help = super::examples::USER_SIGN_OUT_EXAMPLES)]
    SignOut {
        /// Whose.
        name: String,
    },
}

/// Form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Columns.
    Table,
    /// One JSON array.
    Json,
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "expected viewer, editor or admin".to_owned())
}

/// Does it, and says what was done.
pub(super) async fn run(place: &Place, command: UserCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let access = open(place)?;
    let origin = Origin::this_machine("pharos user");
    let found = |name: &str| find(&access, name);
    let change = async |name: &str, change: UserChange| -> anyhow::Result<User> {
        Ok(access.change_user(ACTOR, find(&access, name)?.id, change, &origin).await?)
    };
    match command {
        UserCommand::List { format } => list(&access.users()?, format, out)?,
        UserCommand::Add { name, role, email } => {
            anyhow::ensure!(found(&name).is_err(), "there is somebody called {name:?} already");
            let user = access.create_user(ACTOR, &name, &email, role, Some(new_password(&name)?), &origin).await?;
            writeln!(out, "{} was added as {}.", user.name, user.role)?;
        }
        UserCommand::SetPassword { name } => {
            let user = found(&name)?;
            access.set_password(ACTOR, user.id, new_password(&user.name)?, None, &origin).await?;
            writeln!(out, "The password of {} was set; their sessions have ended.", user.name)?;
        }
        UserCommand::Role { name, role } => {
            let user = change(&name, UserChange { role: Some(role), ..UserChange::default() }).await?;
            writeln!(out, "{} is {} now.", user.name, user.role)?;
        }
        UserCommand::Disable { name } => {
            let user = change(&name, UserChange { disabled: Some(true), ..UserChange::default() }).await?;
            writeln!(out, "{} is kept out; their sessions have ended.", user.name)?;
        }
        UserCommand::Enable { name } => {
            let user = change(&name, UserChange { disabled: Some(false), ..UserChange::default() }).await?;
            writeln!(out, "{} can sign in again.", user.name)?;
        }
        UserCommand::Delete { name } => {
            let user = found(&name)?;
            let tokens = access.delete_user(ACTOR, user.id, &origin).await?;
            writeln!(out, "{} was deleted; tokens that they made and that were revoked: {tokens}.", user.name)?;
        }
        UserCommand::ResetTotp { name } => {
            let user = found(&name)?;
            anyhow::ensure!(user.has_totp, "{} has no second factor", user.name);
            access.disable_totp(ACTOR, user.id, None, &origin).await?;
            writeln!(out, "The second factor of {} is off; their sessions have ended.", user.name)?;
        }
        UserCommand::SignOut { name } => {
            let user = found(&name)?;
            let count = access.sessions(user.id)?.len();
            access.end_sessions(ACTOR, user.id, None, None, &origin).await?;
            writeln!(out, "{} was signed out in {count} places.", user.name)?;
        }
    }
    Ok(())
}

fn open(place: &Place) -> anyhow::Result<Arc<Access>> {
    let path = place.data_dir.join("pharos.db");
    if !path.is_file() {
        bail!("{} holds no data of pharos; name the server's data folder with --data-dir", place.data_dir.display());
    }
    let db = Db::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let settings = AccessSettings {
        mode: AuthMode::On,
        session_idle: FOR_EVER,
        session_age: FOR_EVER,
        outside_session_age: FOR_EVER,
        audit_keep: FOR_EVER,
    };
    Ok(Access::open(Arc::new(db), Arc::new(SystemClock::new()), settings)?)
}

fn find(access: &Access, name: &str) -> anyhow::Result<User> {
    let users = access.users()?;
    let wanted = name.to_lowercase();
    match users.iter().find(|user| user.name.to_lowercase() == wanted) {
        Some(user) => Ok(user.clone()),
        None if users.is_empty() => bail!("there is nobody yet; `pharos user add NAME --role admin` makes the first administrator"),
        None => bail!("there is nobody called {name:?}; `pharos user list` shows who there is"),
    }
}

fn list(users: &[User], format: Format, out: &mut impl Write) -> io::Result<()> {
    let signed_in = |user: &User| user.signed_in_ms.map(|at| format_rfc3339(at - at.rem_euclid(1000)));
    if format == Format::Json {
        let all: Vec<_> = users
            .iter()
            .map(|user| {
                json!({
                    "name": user.name, "email": user.email, "role": user.role.as_str(), "disabled": user.disabled,
                    "password": user.has_password, "second_factor": user.has_totp, "provider": user.issuer,
                    "created": format_rfc3339(user.created_ms), "signed_in": signed_in(user),
                })
            })
            .collect();
        return writeln!(out, "{}", serde_json::Value::from(all));
    }
    let width = users.iter().map(|user| user.name.chars().count()).max().unwrap_or(0).max(4);
    writeln!(out, "{:<width$}  {:<6}  {:<17}  LAST SIGNED IN", "NAME", "ROLE", "SIGNS IN WITH")?;
    for user in users {
        let with = match (user.disabled, &user.issuer, user.has_password, user.has_totp) {
            (true, ..) => "(disabled)",
            (_, Some(_), ..) => "provider",
            (_, _, true, true) => "password and code",
            (_, _, true, false) => "password",
            (_, _, false, _) => "nothing yet",
        };
        let when = signed_in(user).unwrap_or_else(|| "never".to_owned());
        writeln!(out, "{:<width$}  {:<6}  {with:<17}  {when}", user.name, user.role.as_str())?;
    }
    Ok(())
}

/// Asks twice without showing it on a terminal; reads one line where standard input is none.
fn new_password(name: &str) -> anyhow::Result<Secret> {
    let input = io::stdin();
    if !input.is_terminal() {
        return line(&mut input.lock());
    }
    let first = ask(&format!("New password for {name} (at least {PASSWORD_CHARS_MIN} characters): "))?;
    let second = ask("The same again: ")?;
    anyhow::ensure!(first == second, "the two are not the same; nothing was changed");
    Ok(first)
}

fn ask(question: &str) -> anyhow::Result<Secret> {
    let mut terminal = io::stderr();
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let input = io::stdin();
    let silent = Silent::begin(input.as_fd())?;
    let answer = line(&mut input.lock());
    drop(silent);
    writeln!(terminal)?;
    answer
}

fn line(from: &mut impl BufRead) -> anyhow::Result<Secret> {
    let mut text = String::new();
    from.take(LINE_BYTES_MAX).read_line(&mut text).context("the password cannot be read")?;
    let text = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!text.is_empty(), "no password was given");
    Ok(Secret::new(text))
}

/// A terminal that shows nothing of what is typed until this is dropped.
struct Silent<'a> {
    terminal: std::os::fd::BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn begin(terminal: std::os::fd::BorrowedFd<'a>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // A terminal that went away needs nothing put back.
        let _gone = tcsetattr(self.terminal, OptionalActions::Now, &self.before).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        for (text, password) in [("abc\n", Some("abc")), ("abc\r\ndef\n", Some("abc")), (" a b ", Some(" a b ")), ("\n", None), ("", None)]
        {
            let read = line(&mut text.as_bytes()).ok();
            assert_eq!(read.as_ref().map(Secret::expose), password, "{text:?}");
        }
    }

    #[test]
    fn a_folder_without_data_is_not_made_into_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { data_dir: folder.path().join("data") };
        assert!(open(&place).unwrap_err().to_string().contains("--data-dir"));
        assert!(!folder.path().join("data").exists());
    }

    #[test]
    fn the_list_names_everyone() {
        let user = |name: &str, disabled, has_totp| User {
            id: 1,
            name: name.to_owned(),
            email: String::new(),
            role: Role::Editor,
            has_password: true,
            issuer: None,
            subject: None,
            has_totp,
            disabled,
            created_ms: 0,
            signed_in_ms: has_totp.then_some(1_763_714_000_500),
        };
        let users = [user("ann", false, true), user("Zoë van den Berg", true, false)];
        let shown = |format| {
            let mut out = Vec::new();
            list(&users, format, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let table = shown(Format::Table);
        assert!(table.contains("ann               editor  password and code  2025-11-21T08:33:20Z"), "{table}");
        assert!(table.contains("Zoë van den Berg  editor  (disabled)         never"), "{table}");
        let parsed: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
        assert_eq!((&parsed[1]["name"], &parsed[0]["second_factor"]), (&json!("Zoë van den Berg"), &json!(true)));
    }
}
