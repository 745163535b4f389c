//! URLs of SLOs.

use super::encode;

/// SLOs and their budgets.
pub const SLOS: &str = "/slos";
/// The form of a new SLO: `kind`.
pub const SLOS_NEW: &str = "/slos/new";
/// POST: keeps an SLO.
pub const SLOS_SAVE: &str = "/slos/save";
/// POST: says what an SLO would have been, and keeps nothing.
pub const SLOS_LOOK: &str = "/slos/look";
/// Bringing SLOs in; POST looks at a file or keeps it.
pub const SLOS_IMPORT: &str = "/slos/import";
/// An SLO, by its name.
pub const SLO: &str = "/slos/{name}";
/// Its form.
pub const SLO_EDIT: &str = "/slos/{name}/edit";
/// POST: deletes it.
pub const SLO_DELETE: &str = "/slos/{name}/delete";

/// An SLO, by its name.
pub fn slo(name: &str) -> String {
    SLO.replace("{name}", &encode(name))
}

/// The form of an SLO, by its name.
pub fn slo_edit(name: &str) -> String {
    SLO_EDIT.replace("{name}", &encode(name))
}

/// Where an SLO is deleted, by its name.
pub fn slo_delete(name: &str) -> String {
    SLO_DELETE.replace("{name}", &encode(name))
}
