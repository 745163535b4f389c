//! `Idempotency-Key`: what a program calls a request that it may send twice, as in `draft-ietf-httpapi-idempotency-key-header`.
//!
//! There it is a string of a structured field (RFC 9651), in quotes; most programs send it bare, which is taken too.

use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::business::store::Once;
use crate::platform::http::envelope::ApiError;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the request came before, and that nothing was counted again.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 255;

/// The key of a request with its body; none where it has none.
pub(super) fn once(headers: &HeaderMap, body: &str) -> Result<Option<Once>, ApiError> {
    let mut all = headers.get_all(KEY).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let bad = |why: &str| ApiError::bad(format!("Idempotency-Key: {why}"));
    if all.next().is_some() {
        return Err(bad("expected one"));
    }
    let key = key(value).ok_or_else(|| bad("expected one word, or a text in double quotes such as \"order-1234\", of ASCII"))?;
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Err(bad(&format!("expected 1 to {KEY_CHARS_MAX} characters")));
    }
    Ok(Some(Once { key, digest: Sha256::digest(body.as_bytes()).into() }))
}

fn key(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let is_bare = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte);
        return text.bytes().all(is_bare).then(|| text.to_owned());
    };
    let mut key = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            // A list of them, or parameters, would be something else.
            '"' => return rest.as_str().is_empty().then_some(key),
            '\\' => key.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            plain if plain == ' ' || plain.is_ascii_graphic() => key.push(plain),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        once(&headers, "{}").map(|once| once.map(|once| once.key)).map_err(|error| error.message)
    }

    #[test]
    fn keys_are_read_in_quotes_and_bare() {
        assert_eq!(read(&[]), Ok(None));
        let long = "k".repeat(KEY_CHARS_MAX);
        for (value, expected) in [
            ("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            (" \"order 12\" ", "order 12"),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
            ("order:12/3=", "order:12/3="),
            (&long, &long),
        ] {
            assert_eq!(read(&[value]), Ok(Some(expected.to_owned())), "{value}");
        }
        for wrong in ["a b", "\"a", "a\"b\"", "\"a\";p=1", "\"a\", \"b\"", "a,b", "\"a\\n\"", "\"é\"", "é", "\"a\tb\""] {
            let told = read(&[wrong]).unwrap_err();
            assert!(told.starts_with("Idempotency-Key: expected one word, or a text in double quotes"), "{wrong}: {told}");
        }
        for wrong in ["", "\"\"", &"k".repeat(KEY_CHARS_MAX + 1)] {
            assert_eq!(read(&[wrong]), Err("Idempotency-Key: expected 1 to 255 characters".to_owned()), "{wrong}");
        }
        assert_eq!(read(&["a", "a"]), Err("Idempotency-Key: expected one".to_owned()));
    }

    #[test]
    fn a_request_is_known_by_what_it_says() {
        let mut headers = HeaderMap::new();
        headers.insert(KEY, HeaderValue::from_static("a"));
        let of = |body: &str| once(&headers, body).unwrap().unwrap().digest;
        assert_eq!(of("{\"value\": 1}"), of("{\"value\": 1}"));
        assert_ne!(of("{\"value\": 1}"), of("{\"value\": 2}"));
    }
}
