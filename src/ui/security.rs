//! What browsers are told to refuse: the content security policy and its nonce.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// A number used once, that lets the style sheets of one answer through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// From 128 unpredictable bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// A fresh one. The keys of the standard library's hasher come from the system's random source and are never
    /// shown; what they make of a constant cannot be guessed from outside.
    pub fn fresh() -> Self {
        let half = || u128::from(RandomState::new().hash_one(b"nonce"));
        Self::from_bits(half() << 64 | half())
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of `Content-Security-Policy` for pages: nothing from elsewhere, no inline script, no frames.
/// Inline style attributes are allowed (bars carry their width in one); style elements need the nonce.
pub fn content_security_policy(nonce: &Nonce) -> String {
    content_security_policy_in(nonce, "'none'")
}

/// The same for a page that some others may embed: `ancestors` are their origins, as the policy writes them.
pub fn content_security_policy_in(nonce: &Nonce, ancestors: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src-elem 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; \
         connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; form-action 'self'; \
         frame-ancestors {ancestors}; base-uri 'none'"
    )
}

/// Other headers of every page, as name and value.
pub const PAGE_HEADERS: [(&str, &str); 4] = [
    ("cache-control", "private, no-cache"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_differ_and_stand_in_the_policy() {
        let nonce = Nonce::fresh();
        assert_ne!(nonce, Nonce::fresh());
        assert_eq!(nonce.to_string().len(), 32);
        let policy = content_security_policy(&nonce);
        assert!(policy.contains(&format!("'nonce-{nonce}'")) && !policy.contains("script-src 'self' 'unsafe"));
        assert!(!policy.contains("http") && !policy.contains('\n'));
    }
}
