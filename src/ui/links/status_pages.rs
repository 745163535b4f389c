//! URLs of status pages: those that everybody reads, and where they are made.

use super::encode;

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
/// Texts to choose from where something is told on status pages.
pub const UPTIME_STATUS_TEMPLATES: &str = "/uptime/status-pages/templates";
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
/// What search engines may list of a status page that stands under a host name of its own.
pub const STATUS_ROBOTS: &str = "/status/{slug}/robots.txt";
/// The logo of a status page.
pub const STATUS_LOGO: &str = "/status/{slug}/logo";
/// The logo of a status page, for those who make it; PUT changes it, DELETE takes it away.
pub const STATUS_LOGO_API: &str = "/api/v1/status-pages/{slug}/logo";
/// POST: changes the logo of a status page (`id`) to a file, or takes it away.
pub const UPTIME_STATUS_LOGO: &str = "/uptime/status-pages/logo";
/// A status page for programs.
pub const STATUS_JSON: &str = "/status/{slug}/status.json";
/// Who follows a status page; POST adds a webhook.
pub const STATUS_FOLLOWERS: &str = "/api/v1/status-pages/{slug}/followers";
/// DELETE: somebody follows a status page no more.
pub const STATUS_FOLLOWER: &str = "/api/v1/status-pages/{slug}/followers/{id}";
/// What was told on a status page, as RSS.
pub const STATUS_RSS: &str = "/status/{slug}/rss";
/// How a status page does, as a small picture.
pub const STATUS_BADGE: &str = "/status/{slug}/badge.svg";

/// One of the addresses of a status page.
pub fn of_status_page(pattern: &str, slug: &str) -> String {
    pattern.replace("{slug}", &encode(slug))
}

/// A status page, for everyone.
pub fn status_page(slug: &str) -> String {
    STATUS_PAGE.replace("{slug}", &encode(slug))
}

/// What was told on a status page, as Atom.
pub fn status_feed(slug: &str) -> String {
    STATUS_FEED.replace("{slug}", &encode(slug))
}

/// A status page for programs.
pub fn status_json(slug: &str) -> String {
    STATUS_JSON.replace("{slug}", &encode(slug))
}
