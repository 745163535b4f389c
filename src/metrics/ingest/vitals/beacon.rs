//! What a browser sends about one visit of a page: names, values and ids as the library `web-vitals` gives them.

use serde::Deserialize;

use crate::metrics::model::vital::Vital;

/// Measurements of one request at most.
const MEASURED_MAX: usize = 50;
/// Bytes of an id at most.
const ID_BYTES_MAX: usize = 200;
/// Longest time that is believed, in milliseconds: ten minutes.
const TIME_MS_MAX: f64 = 600_000.0;
/// Largest shift of a layout that is believed.
const SHIFT_MAX: f64 = 100.0;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Of what.
    pub vital: Vital,
    /// As sent: milliseconds, or the shift.
    pub value: f64,
    /// Whose: the library gives one to each measurement of each visit.
    pub id: String,
    /// Of which page, as far as it was said.
    pub page: Option<String>,
}

/// A measurement as it stands in the body. The library sends more, which is nobody's business here.
#[derive(Deserialize)]
struct Sent {
    name: String,
    value: f64,
    #[serde(default)]
    id: String,
    #[serde(default, alias = "path", alias = "url", alias = "pathname")]
    page: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    One(Sent),
    Many(Vec<Sent>),
}

/// Reads a body, which is JSON whatever its type says: one measurement, or a list.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(body: &[u8]) -> Result<Vec<Measured>, String> {
    let expected = r#"expected {"name": "LCP", "value": 1200, "id": "…"}, or a list of such"#;
    let sent = match serde_json::from_slice(body) {
        Ok(Body::One(sent)) => vec![sent],
        Ok(Body::Many(sent)) => sent,
        Err(error) if error.is_syntax() || error.is_eof() => return Err(format!("cannot read the request: {error}; {expected}")),
        Err(_) => return Err(format!("cannot read the request: {expected}")),
    };
    if sent.len() > MEASURED_MAX {
        return Err(format!("{} measurements are too many for one request, {MEASURED_MAX} may be", sent.len()));
    }
    sent.into_iter().map(measured).collect()
}

fn measured(sent: Sent) -> Result<Measured, String> {
    let vital = Vital::ALL.into_iter().find(|vital| vital.as_str().eq_ignore_ascii_case(&sent.name)).ok_or_else(|| {
        let name: String = sent.name.chars().take(40).collect();
        format!("name: read {name:?}, expected CLS, FCP, FID, INP, LCP or TTFB")
    })?;
    let most = if vital == Vital::Cls { SHIFT_MAX } else { TIME_MS_MAX };
    if !(0.0..=most).contains(&sent.value) {
        return Err(format!("value: read {}, expected 0 to {most}", sent.value));
    }
    if sent.id.len() > ID_BYTES_MAX {
        return Err(format!("id: longer than {ID_BYTES_MAX} bytes"));
    }
    Ok(Measured { vital, value: sent.value, id: sent.id, page: sent.page })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_the_library_are_read() {
        let one = read(br#"{"name":"LCP","value":1234.5,"id":"v4-1","rating":"good","delta":3,"navigationType":"navigate"}"#).unwrap();
        assert_eq!(one, [Measured { vital: Vital::Lcp, value: 1234.5, id: "v4-1".into(), page: None }]);
        let many = read(br#"[{"name":"cls","value":0},{"name":"INP","value":8,"id":"x","path":"/a"}]"#).unwrap();
        assert_eq!((many.len(), many[1].page.as_deref()), (2, Some("/a")));
        assert!(read(b"[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, expected) in [
            (&b""[..], "cannot read the request"),
            (b"{", "cannot read the request"),
            (b"{}", "expected {\"name\""),
            (b"\xff", "cannot read"),
            (br#"{"name":"LCPX","value":1}"#, "read \"LCPX\", expected CLS, FCP"),
            (br#"{"name":"LCP","value":-1}"#, "read -1, expected 0 to 600000"),
            (br#"{"name":"CLS","value":101}"#, "expected 0 to 100"),
            (br#"{"name":"LCP","value":"1"}"#, "expected {\"name\""),
        ] {
            let told = read(body).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
        let many = format!("[{}]", vec![r#"{"name":"LCP","value":1}"#; 51].join(","));
        assert!(read(many.as_bytes()).unwrap_err().contains("51 measurements are too many"));
        assert!(read(format!(r#"{{"name":"LCP","value":1,"id":"{}"}}"#, "x".repeat(201)).as_bytes()).is_err());
    }
}
