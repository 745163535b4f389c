//! From template to HTML.

/// Renders a page. A template fails only when a value's own formatting fails, which none of ours does; should it
/// happen, the reader gets a plain sentence and the log the cause.
pub fn html(page: &impl askama::Template) -> String {
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        "<!doctype html><title>pharos</title><p>This page could not be made. The cause is in the server's log.".to_owned()
    })
}
