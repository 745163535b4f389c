//! The URLs of every page, in one place: routes are registered and links are made from here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Role;
use crate::ui::lang::key;

/// Front page.
pub const HOME: &str = "/";
/// Queries and charts. `/metrics` is taken: there the server shows its own metrics to scrapers.
pub const EXPLORE: &str = "/explore";
/// List of metrics.
pub const CATALOGUE: &str = "/catalogue";
/// Dashboards.
pub const BOARDS: &str = "/d";
/// Where Grafana has its list of dashboards.
pub const BOARDS_OLD: &str = "/dashboards";
/// A dashboard, by its uid.
pub const BOARD: &str = "/d/{uid}";
/// A dashboard, by its uid, with its title as people read it in an address.
pub const BOARD_NAMED: &str = "/d/{uid}/{slug}";
/// GET: the JSON of a dashboard, as a file.
pub const BOARD_JSON: &str = "/d/{uid}/{slug}/json";
/// Versions of a dashboard; POST brings one back.
pub const BOARD_VERSIONS: &str = "/d/{uid}/{slug}/versions";
/// GET: what was changed here of a dashboard that comes from a file, as a patch.
pub const BOARD_PATCH: &str = "/d/{uid}/{slug}/versions/home.diff";
/// Sharing a dashboard; POST makes a link or a snapshot.
pub const BOARD_SHARE: &str = "/d/{uid}/{slug}/share";
/// Every shared link and snapshot; POST switches one on or off, or deletes it.
pub const BOARDS_SHARES: &str = "/d/shares";
/// A dashboard for people without an account.
pub const SHARED: &str = "/p/{token}";
/// POST: what its panels show.
pub const SHARED_PANELS: &str = "/p/{token}/panels";
/// A dashboard that is to be made.
pub const BOARDS_NEW: &str = "/d/new";
/// Choosing the dashboard that a query becomes a panel of: `q`, `view`, `lang`, `legend`, `step`, `unit`, `from`, `to`.
pub const BOARDS_ADD: &str = "/d/add";
/// POST: the page of a dashboard that is not saved, from its JSON.
pub const BOARD_DRAFT: &str = "/ui/boards/{uid}/draft";
/// What the variables of a dashboard that is being changed offer, as JSON.
pub const BOARD_VARIABLES: &str = "/ui/boards/{uid}/variables";
/// POST: how the JSON of a dashboard is understood, and where it is none.
pub const BOARD_CHECK: &str = "/ui/boards/check";
/// POST: a panel of an older form in that of today.
pub const PANEL_MODERN: &str = "/ui/boards/modern";
/// GET: every unit, by category.
pub const UNITS: &str = "/ui/units";
/// Bringing a dashboard in; POST looks at it or keeps it.
pub const BOARDS_IMPORT: &str = "/d/import";
/// POST: gives a dashboard a star or takes it.
pub const BOARD_STAR: &str = "/d/star";
/// POST: what panels of a dashboard show, a line each as they are ready.
pub const BOARD_PANELS: &str = "/ui/boards/{uid}/panels";
/// Searching lines.
pub const LOGS: &str = "/logs";
/// One line with those around it: `s` is its stream's selector, `t` its time in nanoseconds.
pub const LOGS_LINE: &str = "/logs/line";
/// Searches that were saved.
pub const LOGS_SAVED: &str = "/logs/saved";
/// POST: saves a search.
pub const LOGS_SAVED_ADD: &str = "/logs/saved/add";
/// POST: gives a saved search another name, shares it or not.
pub const LOGS_SAVED_CHANGE: &str = "/logs/saved/change";
/// POST: deletes a saved search.
pub const LOGS_SAVED_DELETE: &str = "/logs/saved/delete";
/// What streams there are, and how much is in them.
pub const LOGS_STREAMS: &str = "/logs/streams";
/// POST: deletes lines.
pub const LOGS_DELETE: &str = "/logs/streams/delete";
/// How lines come in, and how they are kept.
pub const LOGS_DOORS: &str = "/logs/ingestion";
/// GET: columns for charts of LogQL.
pub const LOGS_CHART: &str = "/ui/logs/chart";
/// GET: how many lines a search finds, as they are counted.
pub const LOGS_COUNTS: &str = "/ui/logs/counts";
/// GET: what stands in the bar as LogQL.
pub const LOGS_COMPILE: &str = "/ui/logs/compile";
/// GET: lines as a file.
pub const LOGS_EXPORT: &str = "/logs/export";
/// Pages of logs: path and name.
pub const LOGS_PAGES: [(&str, &str); 4] =
    [(LOGS, key("Search")), (LOGS_SAVED, key("Saved")), (LOGS_STREAMS, key("Streams")), (LOGS_DOORS, key("Ingestion"))];
/// What fires now.
pub const ALERTS: &str = "/alerts";
/// POST: what somebody does about alerts: takes them, gives them away, puts them off, comments.
pub const ALERTS_CARE: &str = "/alerts/care";
/// Rules and how they do.
pub const ALERTS_RULES: &str = "/alerts/rules";
/// One rule, by its id.
pub const ALERTS_RULE: &str = "/alerts/rules/{id}";
/// Silences.
pub const ALERTS_SILENCES: &str = "/alerts/silences";
/// A silence to be made or changed: what it hits is shown for the parameters of the URL.
pub const ALERTS_SILENCE: &str = "/alerts/silences/edit";
/// POST: makes or changes a silence.
pub const ALERTS_SILENCE_SAVE: &str = "/alerts/silences/save";
/// POST: ends a silence.
pub const ALERTS_SILENCE_EXPIRE: &str = "/alerts/silences/expire";
/// Who is on call, and escalations.
pub const ALERTS_ONCALL: &str = "/alerts/oncall";
/// Somebody who stands in: `rota` is the rota's id.
pub const ALERTS_STAND_IN: &str = "/alerts/oncall/stand-in";
/// POST: somebody takes over.
pub const ALERTS_TAKE_OVER: &str = "/alerts/oncall/take-over";
/// POST: somebody who stands in gives back.
pub const ALERTS_GIVE_BACK: &str = "/alerts/oncall/give-back";
/// Dependencies, damping, caps.
pub const ALERTS_CALM: &str = "/alerts/calm";
/// A calm rule to be made or changed: `kind`, `id`; what it does is shown for the parameters of the URL.
pub const ALERTS_CALM_EDIT: &str = "/alerts/calm/edit";
/// POST: keeps a calm rule.
pub const ALERTS_CALM_SAVE: &str = "/alerts/calm/save";
/// POST: forgets a calm rule.
pub const ALERTS_CALM_DELETE: &str = "/alerts/calm/delete";
/// Who is told of what.
pub const ALERTS_ROUTING: &str = "/alerts/routing";
/// Receivers and their channels.
pub const ALERTS_CHANNELS: &str = "/alerts/channels";
/// POST: tells a made-up alert through one channel.
pub const ALERTS_CHANNEL_TEST: &str = "/alerts/channels/test";
/// What fired and who was told.
pub const ALERTS_HISTORY: &str = "/alerts/history";
/// One group of alerts with what happened around it: `key` is the group's, `receiver` who is told.
pub const ALERTS_GROUP: &str = "/alerts/group";
/// GET: the last hour of an alert's value as a picture: `rule` and `alert` are ids.
pub const ALERTS_SPARK: &str = "/ui/alerts/spark";
/// Writing rules: `file` opens one that is kept, `q` begins a new one with an expression.
pub const ALERTS_EDIT: &str = "/alerts/rules/edit";
/// POST: checks or replays a draft of rules.
pub const ALERTS_EDIT_TRY: &str = "/alerts/rules/try";
/// POST: keeps a file of rules.
pub const ALERTS_EDIT_SAVE: &str = "/alerts/rules/save";
/// POST: forgets a file of rules.
pub const ALERTS_EDIT_DELETE: &str = "/alerts/rules/delete";
/// Pages of alerts: path and name.
pub const ALERTS_PAGES: [(&str, &str); 8] = [
    (ALERTS, key("Now")),
    (ALERTS_RULES, key("Rules")),
    (ALERTS_SILENCES, key("Silences")),
    (ALERTS_ONCALL, key("On-call")),
    (ALERTS_CALM, key("Calm")),
    (ALERTS_ROUTING, key("Routing")),
    (ALERTS_CHANNELS, key("Channels")),
    (ALERTS_HISTORY, key("History")),
];
/// Checks, grouped, worst first; POST acts on those that are chosen.
pub const UPTIME: &str = "/uptime";
/// A check to be made; `from` is the id of one that is copied.
pub const UPTIME_NEW: &str = "/uptime/new";
/// POST: makes or changes a check.
pub const UPTIME_SAVE: &str = "/uptime/save";
/// POST: what a check would find, tried once and not kept.
pub const UPTIME_TRY: &str = "/ui/uptime/try";
/// Bringing checks in from elsewhere; POST looks at a file or keeps what it holds.
pub const UPTIME_IMPORT: &str = "/uptime/import";
/// A check, by its id.
pub const UPTIME_CHECK: &str = "/uptime/{id}";
/// A check that is being changed.
pub const UPTIME_EDIT: &str = "/uptime/{id}/edit";
/// POST: keeps the note of a check.
pub const UPTIME_NOTE: &str = "/uptime/{id}/note";
/// What was down, when and why.
pub const UPTIME_INCIDENTS: &str = "/uptime/incidents";
/// Maintenance that is, will be and was.
pub const UPTIME_MAINTENANCE: &str = "/uptime/maintenance";
/// Maintenance to be planned or changed: `id`.
pub const UPTIME_MAINTENANCE_EDIT: &str = "/uptime/maintenance/edit";
/// POST: keeps maintenance.
pub const UPTIME_MAINTENANCE_SAVE: &str = "/uptime/maintenance/save";
/// POST: ends maintenance, or takes back what is planned.
pub const UPTIME_MAINTENANCE_END: &str = "/uptime/maintenance/end";
/// How available everything was in a month: `month`, `check`.
pub const UPTIME_REPORT: &str = "/uptime/report";
/// GET: the same as a file.
pub const UPTIME_REPORT_CSV: &str = "/uptime/report.csv";
/// GET: the same to print.
pub const UPTIME_REPORT_PDF: &str = "/uptime/report.pdf";
/// POST: whom reports are sent to each month.
pub const UPTIME_REPORT_READERS: &str = "/uptime/report/readers";
/// Status pages.
pub const UPTIME_STATUS: &str = "/uptime/status-pages";
/// A status page to be made or changed: `id`.
pub const UPTIME_STATUS_EDIT: &str = "/uptime/status-pages/edit";
/// POST: keeps a status page.
pub const UPTIME_STATUS_SAVE: &str = "/uptime/status-pages/save";
/// POST: how a status page would look.
pub const UPTIME_STATUS_PREVIEW: &str = "/uptime/status-pages/preview";
/// POST: forgets a status page.
pub const UPTIME_STATUS_DELETE: &str = "/uptime/status-pages/delete";
/// What is told on a status page: `slug`; POST tells something.
pub const UPTIME_STATUS_POSTS: &str = "/uptime/status-pages/posts";
/// Who follows a status page: `slug`; POST adds a webhook or removes one of them.
pub const UPTIME_STATUS_FOLLOWERS: &str = "/uptime/status-pages/followers";
/// A status page, for everyone.
pub const STATUS_PAGE: &str = "/status/{slug}";
/// Who wants to be told of what is told on a status page; POST asks for a letter.
pub const STATUS_FOLLOW: &str = "/status/{slug}/subscribe";
/// Who was asked says yes (`secret`); POST takes it down.
pub const STATUS_CONFIRM: &str = "/status/{slug}/confirm";
/// Who wants no letters any more (`secret`); POST takes it down.
pub const STATUS_UNFOLLOW: &str = "/status/{slug}/unsubscribe";
/// Maintenance of a status page as a calendar.
pub const STATUS_CALENDAR: &str = "/status/{slug}/maintenance.ics";
/// What was told on a status page, as Atom.
pub const STATUS_FEED: &str = "/status/{slug}/feed.xml";
/// What was on a status page: `month`.
pub const STATUS_HISTORY: &str = "/status/{slug}/history";
/// POST: opens a status page that asks for a password.
pub const STATUS_UNLOCK: &str = "/status/{slug}/unlock";
/// The logo of a status page.
pub const STATUS_LOGO: &str = "/status/{slug}/logo";
/// The logo of a status page, for those who make it; PUT changes it, DELETE takes it away.
pub const STATUS_LOGO_API: &str = "/api/v1/status-pages/{slug}/logo";
/// POST: changes the logo of a status page (`id`) to a file, or takes it away.
pub const UPTIME_STATUS_LOGO: &str = "/uptime/status-pages/logo";
/// A status page for programs.
pub const STATUS_JSON: &str = "/status/{slug}/status.json";
/// Pages of uptime: path and name.
pub const UPTIME_PAGES: [(&str, &str); 5] = [
    (UPTIME, key("Checks")),
    (UPTIME_INCIDENTS, key("Incidents")),
    (UPTIME_MAINTENANCE, key("Maintenance")),
    (UPTIME_STATUS, key("Status pages")),
    (UPTIME_REPORT, key("Report")),
];
/// Scrape targets.
pub const TARGETS: &str = "/targets";
/// Where series come from.
pub const CARDINALITY: &str = "/cardinality";
/// Groups of pushed metrics.
pub const PUSHED: &str = "/pushed";
/// POST: deletes a pushed group.
pub const PUSHED_DELETE: &str = "/pushed/delete";
/// The server itself.
pub const STATUS: &str = "/status";
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
/// Documentation: its first page.
pub const DOCS: &str = "/docs";
/// GET: every heading of the documentation, as JSON.
pub const DOCS_TITLES: &str = "/docs/titles.json";
/// A page of the documentation.
pub const DOCS_PAGE: &str = "/docs/{page}";
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
/// GET: columns for charts.
pub const CHART: &str = "/ui/chart";
/// POST: chooses theme, language and time zone.
pub const LOOK: &str = "/ui/look";
/// Built files, with the rest of the path as `path`.
pub const ASSETS: &str = "/assets/{*path}";

/// Everything but letters, digits and what is safe in any query value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A value as it stands in a query string.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// A path with parameters; those with empty values are left out.
pub fn with(path: &str, params: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(mark);
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
        mark = '&';
    }
    out
}

/// The explorer with a query.
pub fn explore(query: &str) -> String {
    with(EXPLORE, &[("q", query)])
}

/// The explorer's table with a query.
pub fn explore_table(query: &str) -> String {
    with(EXPLORE, &[("q", query), ("view", "table")])
}

/// Chart data for queries, with one legend for all or one for each; the chart itself adds range and width.
pub fn chart(queries: &[&str], legends: &[&str], step: &str) -> String {
    let mut params: Vec<(&str, &str)> = queries.iter().map(|query| ("q", *query)).collect();
    params.extend(legends.iter().map(|legend| ("legend", *legend)));
    params.push(("step", step));
    with(CHART, &params)
}

/// A check, by its id.
pub fn check(id: i64) -> String {
    UPTIME_CHECK.replace("{id}", &id.to_string())
}

/// A check that is being changed.
pub fn check_edit(id: i64) -> String {
    UPTIME_EDIT.replace("{id}", &id.to_string())
}

/// One of the addresses of a status page.
pub fn of_status_page(pattern: &str, slug: &str) -> String {
    pattern.replace("{slug}", &encode(slug))
}

/// A status page, for everyone.
pub fn status_page(slug: &str) -> String {
    STATUS_PAGE.replace("{slug}", &encode(slug))
}

/// Who follows a status page; POST adds a webhook.
pub const STATUS_FOLLOWERS: &str = "/api/v1/status-pages/{slug}/followers";
/// DELETE: somebody follows a status page no more.
pub const STATUS_FOLLOWER: &str = "/api/v1/status-pages/{slug}/followers/{id}";
/// What was told on a status page, as RSS.
pub const STATUS_RSS: &str = "/status/{slug}/rss";
/// How a check on a status page does, as a small picture: `what` is `status.svg`, `uptime.svg` or `latency.svg`.
pub const CHECK_BADGE: &str = "/api/v1/checks/{name}/badge/{what}";
/// How a status page does, as a small picture.
pub const STATUS_BADGE: &str = "/status/{slug}/badge.svg";

/// What was told on a status page, as Atom.
pub fn status_feed(slug: &str) -> String {
    STATUS_FEED.replace("{slug}", &encode(slug))
}

/// A status page for programs.
pub fn status_json(slug: &str) -> String {
    STATUS_JSON.replace("{slug}", &encode(slug))
}

/// A dashboard by its uid, with its title as people read it.
pub fn board(uid: &str, slug: &str) -> String {
    BOARD_NAMED.replace("{uid}", &encode(uid)).replace("{slug}", &encode(slug))
}

/// Versions of a dashboard.
pub fn board_versions(uid: &str, slug: &str) -> String {
    BOARD_VERSIONS.replace("{uid}", &encode(uid)).replace("{slug}", &encode(slug))
}

/// Sharing a dashboard.
pub fn board_share(uid: &str, slug: &str) -> String {
    BOARD_SHARE.replace("{uid}", &encode(uid)).replace("{slug}", &encode(slug))
}

/// A dashboard for people without an account.
pub fn shared(token: &str) -> String {
    SHARED.replace("{token}", &encode(token))
}

/// What the panels of a shared dashboard show.
pub fn shared_panels(token: &str) -> String {
    SHARED_PANELS.replace("{token}", &encode(token))
}

/// What was changed here of a dashboard that comes from a file.
pub fn board_patch(uid: &str, slug: &str) -> String {
    BOARD_PATCH.replace("{uid}", &encode(uid)).replace("{slug}", &encode(slug))
}

/// The page of a dashboard that is not saved.
pub fn board_draft(uid: &str) -> String {
    BOARD_DRAFT.replace("{uid}", &encode(uid))
}

/// What panels of a dashboard show.
pub fn board_panels(uid: &str) -> String {
    BOARD_PANELS.replace("{uid}", &encode(uid))
}

/// The file of a backup.
pub fn backup_file(name: &str) -> String {
    BACKUP_FILE.replace("{name}", &encode(name))
}

/// A rule by its id.
pub fn alerts_rule(id: &str) -> String {
    ALERTS_RULE.replace("{id}", &encode(id))
}

/// The incident page of a group.
pub fn alerts_group(key: &str, receiver: &str) -> String {
    with(ALERTS_GROUP, &[("key", key), ("receiver", receiver)])
}

/// A page of the documentation by its name.
pub fn docs(page: &str) -> String {
    format!("{DOCS}/{page}")
}

/// The catalogue with a search.
pub fn catalogue(search: &str) -> String {
    with(CATALOGUE, &[("search", search)])
}

/// This server's address: as it is set, or as the browser wrote it. What a browser sends is used only if it is a host
/// and a port, since people paste the text into shells.
pub fn base_url(external: &str, is_https: bool, host: &str) -> String {
    let external = external.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !external.is_empty() {
        return external.to_owned();
    }
    let host = if host.is_empty() || !host.chars().all(is_plain) { "localhost:9090" } else { host };
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_empty_ones_left_out() {
        assert_eq!(explore("rate(x{a=\"b&c\"}[5m])"), "/explore?q=rate%28x%7Ba%3D%22b%26c%22%7D%5B5m%5D%29");
        assert_eq!(chart(&["a", "b"], &[], "15s"), "/ui/chart?q=a&q=b&step=15s");
        assert_eq!(with("/a?b=c", &[("d", "é")]), "/a?b=c&d=%C3%A9");
        assert_eq!(with("/a", &[("d", "")]), "/a");
    }

    #[test]
    fn a_host_that_is_none_is_not_pasted() {
        assert_eq!(base_url("", false, "pharos.lan:9090"), "http://pharos.lan:9090");
        assert_eq!(base_url("", true, "[::1]:9090"), "https://[::1]:9090");
        assert_eq!(base_url("https://p.example/", false, "evil"), "https://p.example");
        for host in ["", "a;reboot", "a'b", "a b", "$(id)", "a/../b"] {
            assert_eq!(base_url("", false, host), "http://localhost:9090", "{host}");
        }
    }
}
