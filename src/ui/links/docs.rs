//! URLs of the documentation.

/// Documentation: its first page.
pub const DOCS: &str = "/docs";
/// GET: every heading of the documentation, as JSON.
pub const DOCS_TITLES: &str = "/docs/titles.json";
/// A page of the documentation.
pub const DOCS_PAGE: &str = "/docs/{page}";

/// A page of the documentation by its name.
pub fn docs(page: &str) -> String {
    format!("{DOCS}/{page}")
}
