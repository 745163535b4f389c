//! Version 4 of Amazon's signatures, for requests with a body. Source: Amazon's guide to signing requests.

use sha2::{Digest, Sha256};
use url::Url;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// What is signed.
pub(super) struct Request<'r> {
    pub url: &'r Url,
    pub body: &'r [u8],
    pub content_type: &'r str,
    pub region: &'r str,
    pub service: &'r str,
    /// Milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// The headers of a signature.
pub(super) struct Signed {
    /// `X-Amz-Date`.
    pub date: String,
    /// `Authorization`.
    pub authorization: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC of SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

/// Signs a POST.
pub(super) fn sign(request: &Request<'_>, access_key: &str, secret_key: &str) -> Signed {
    let at = chrono::DateTime::from_timestamp_millis(request.now_ms).unwrap_or_default();
    let (date, day) = (at.format("%Y%m%dT%H%M%SZ").to_string(), at.format("%Y%m%d").to_string());
    let host = request.url.host_str().unwrap_or_default();
    let host = request.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut query: Vec<&str> = request.url.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).collect();
    query.sort_unstable();
    let canonical = format!(
        "POST\n{}\n{}\ncontent-type:{}\nhost:{host}\nx-amz-date:{date}\n\ncontent-type;host;x-amz-date\n{}",
        request.url.path(),
        query.join("&"),
        request.content_type,
        hex(&Sha256::digest(request.body)),
    );
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mut key = hmac(format!("AWS4{secret_key}").as_bytes(), day.as_bytes());
    for part in [request.region, request.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    let signature = hex(&hmac(&key, text.as_bytes()));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders=content-type;host;x-amz-date, Signature={signature}");
    Signed { date, authorization }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_as_in_rfc_4231() {
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    /// `post-x-www-form-urlencoded` of Amazon's test suite.
    #[test]
    fn signs_as_amazon_does() {
        let url = Url::parse("https://example.amazonaws.com/").unwrap();
        let request = Request {
            url: &url,
            body: b"Param1=value1",
            content_type: "application/x-www-form-urlencoded",
            region: "us-east-1",
            service: "service",
            now_ms: 1_440_938_160_000,
        };
        let signed = sign(&request, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        assert_eq!(signed.date, "20150830T123600Z");
        assert!(
            signed.authorization.ends_with("Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
            "{}",
            signed.authorization
        );
    }
}
