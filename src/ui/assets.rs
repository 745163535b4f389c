//! Built files (scripts, styles, fonts, icons), embedded, and how they are served.
//!
//! Names carry a hash of the content, so answers may be kept for a year. Text files are stored with a brotli
//! and a gzip form beside them; the smallest one the client takes is sent.

use std::borrow::Cow;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[derive(rust_embed::RustEmbed)]
#[folder = "web/dist/assets/"]
struct Files;

/// A built file in the form one client takes.
#[derive(Debug, Clone)]
pub struct Built {
    /// The bytes, encoded as `encoding` says.
    pub bytes: Cow<'static, [u8]>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Content-Encoding`, unless the bytes are plain.
    pub encoding: Option<&'static str>,
    /// `ETag`, quoted; differs between encodings.
    pub etag: String,
}

/// Whether the web interface is in this build (`PHAROS_WEB=stub` leaves it out).
pub const fn built() -> bool {
    !asset::APP_JS.is_empty()
}

/// The file `name` (`app-HASH.js`) in the best form that `accept_encoding` allows.
pub fn find(name: &str, accept_encoding: &str) -> Option<Built> {
    let content_type = match name.rsplit('.').next()? {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "woff2" => "font/woff2",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        // The `.br` and `.gz` forms are not files of their own.
        _ => return None,
    };
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(accept_encoding, encoding)
            && let Some(file) = Files::get(&format!("{name}{suffix}"))
        {
            return Some(Built { bytes: file.data, content_type, encoding: Some(encoding), etag: format!("\"{name}-{encoding}\"") });
        }
    }
    let file = Files::get(name)?;
    Some(Built { bytes: file.data, content_type, encoding: None, etag: format!("\"{name}\"") })
}

/// A font to print with, as WOFF, by its script and weight; none in a build without the web interface.
pub fn print_font(script: &str, weight: &str) -> Option<Cow<'static, [u8]>> {
    Files::get(&format!("print-{script}-{weight}.woff")).map(|file| file.data)
}

/// Whether a list of codings (`Accept-Encoding`) names one without refusing it by `q=0`.
pub fn accepts(list: &str, coding: &str) -> bool {
    list.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding) || name == "*");
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0)));
        named && !refused
    })
}

/// Handles `GET /assets/{*path}`.
pub async fn handler(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

/// The response for a built file: 200, 304 when the client has it, or 404.
pub fn serve(name: &str, headers: &HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let Some(file) = find(name, text(header::ACCEPT_ENCODING)) else {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    };
    let known = text(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.etag);
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { file.bytes.into_owned().into_response() };
    let to = response.headers_mut();
    to.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    to.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    to.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = file.encoding {
        to.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        to.insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_negotiated() {
        for (list, coding, yes) in [
            ("gzip, br", "br", true),
            ("gzip;q=0.5, br;q=0", "br", false),
            ("*", "gzip", true),
            ("", "gzip", false),
            ("BR", "br", true),
            ("xbr", "br", false),
        ] {
            assert_eq!(accepts(list, coding), yes, "{list} {coding}");
        }
    }

    #[test]
    fn files_are_served_smallest_first_and_kept() {
        if !built() {
            return;
        }
        let name = asset::APP_JS.trim_start_matches("/assets/");
        let plain = find(name, "").expect("the script is embedded");
        let small = find(name, "gzip, deflate, br").expect("the script is embedded");
        assert_eq!((plain.encoding, small.encoding), (None, Some("br")));
        assert!(small.bytes.len() < plain.bytes.len());
        assert_ne!(small.etag, plain.etag);

        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br"));
        let first = serve(name, &headers);
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_ENCODING], "br");
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(serve(name, &headers).status(), StatusCode::NOT_MODIFIED);
        for missing in ["", "nothing.js", "../Cargo.toml", &format!("{name}.br")] {
            assert_eq!(serve(missing, &HeaderMap::new()).status(), StatusCode::NOT_FOUND, "{missing}");
        }
    }

    #[test]
    fn every_constant_names_an_embedded_file() {
        if !built() {
            return;
        }
        let lists = [asset::APP_DEPS, asset::CHART_DEPS, asset::EDITOR_DEPS, asset::EXPLORE_DEPS];
        let single = [asset::APP_JS, asset::CHART_JS, asset::EDITOR_JS, asset::EXPLORE_JS, asset::STYLE_CSS, asset::LICENCES_TXT];
        for path in lists.iter().flat_map(|list| list.split_whitespace()).chain(single) {
            assert!(find(path.trim_start_matches("/assets/"), "").is_some(), "{path}");
        }
    }
}
