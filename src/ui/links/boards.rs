//! URLs of dashboards.

use super::encode;

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
