//! URLs of signing in and of the settings.

use super::encode;
use crate::access::Role;
use crate::ui::lang::key;

/// POST: ends the session.
pub const SIGN_OUT: &str = "/logout";
/// Makes the first administrator.
pub const SETUP: &str = "/setup";
/// GET: begins to sign in with the identity provider.
pub const OIDC_START: &str = "/login/oidc";
/// GET: where the identity provider sends browsers back to.
pub const OIDC_CALLBACK: &str = "/login/oidc/callback";
/// One's own account.
pub const PROFILE: &str = "/settings/profile";
/// POST: changes one's own password.
pub const PROFILE_PASSWORD: &str = "/settings/profile/password";
/// POST: begins to set up a second factor.
pub const PROFILE_TOTP_BEGIN: &str = "/settings/profile/totp/begin";
/// POST: turns it on.
pub const PROFILE_TOTP: &str = "/settings/profile/totp";
/// POST: turns it off.
pub const PROFILE_TOTP_OFF: &str = "/settings/profile/totp/off";
/// POST: ends one of one's own sessions, or all others.
pub const PROFILE_SESSIONS: &str = "/settings/profile/sessions";
/// Everyone; POST adds somebody.
pub const PEOPLE: &str = "/settings/people";
/// POST: changes role, mail address, or keeps somebody out.
pub const PEOPLE_CHANGE: &str = "/settings/people/change";
/// POST: sets somebody's password.
pub const PEOPLE_PASSWORD: &str = "/settings/people/password";
/// POST: turns somebody's second factor off.
pub const PEOPLE_TOTP: &str = "/settings/people/totp";
/// POST: ends somebody's sessions.
pub const PEOPLE_SIGN_OUT: &str = "/settings/people/sign-out";
/// POST: deletes somebody.
pub const PEOPLE_DELETE: &str = "/settings/people/delete";
/// Keys of programs; POST makes one.
pub const TOKENS: &str = "/settings/tokens";
/// POST: ends one.
pub const TOKENS_REVOKE: &str = "/settings/tokens/revoke";
/// Who changed what.
pub const AUDIT: &str = "/settings/audit";
/// What is set about the server itself.
pub const SERVER: &str = "/settings/server";
/// Backups; POST makes one.
pub const BACKUP: &str = "/settings/backup";
/// GET: one backup, by its name.
pub const BACKUP_FILE: &str = "/settings/backup/{name}";
/// POST: a backup for programs.
pub const BACKUP_API: &str = "/api/v1/backup";
/// How to let programs send and read; POST makes a token for one.
pub const CONNECT: &str = "/settings/connect";
/// GET: whether the first data of a token is there, as JSON.
pub const CONNECT_LIGHT: &str = "/settings/connect/light";
/// How the server itself does.
pub const ABOUT: &str = "/status/self";
/// Pages of the settings: id, path, name, the least role that sees it.
pub const SETTINGS_PAGES: [(&str, &str, &str, Role); 7] = [
    ("profile", PROFILE, key("Profile"), Role::Viewer),
    ("connect", CONNECT, key("Connect"), Role::Editor),
    ("people", PEOPLE, key("People"), Role::Admin),
    ("tokens", TOKENS, key("Tokens"), Role::Admin),
    ("server", SERVER, key("Server"), Role::Admin),
    ("backup", BACKUP, key("Backup"), Role::Admin),
    ("audit", AUDIT, key("Audit log"), Role::Admin),
];

/// The file of a backup.
pub fn backup_file(name: &str) -> String {
    BACKUP_FILE.replace("{name}", &encode(name))
}
