//! Who may see a page that asks for a password: whoever has the token that comes of it.

use sha2::{Digest as _, Sha256};

use super::page::StatusPage;

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What a reader keeps who knew the password. The hash of a password is salted and shown to nobody, so nobody else
/// can make it; another password makes another.
pub fn token(page: &StatusPage) -> String {
    digest(&["pharos status page", &page.password_hash]).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a page may be shown to somebody who has these tokens.
pub fn admits<'t>(page: &StatusPage, mut tokens: impl Iterator<Item = &'t str>) -> bool {
    if !page.protected {
        return true;
    }
    // Digests are compared, so that the time it takes says nothing about the token.
    let wanted = digest(&[&token(page)]);
    !page.password_hash.is_empty() && tokens.any(|token| digest(&[token]) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_of_the_password_opens_a_page() {
        let page = |protected, hash: &str| StatusPage { protected, password_hash: hash.to_owned(), ..StatusPage::default() };
        let (one, other) = (page(true, "$argon2id$a"), page(true, "$argon2id$b"));
        let (right, wrong) = (token(&one), token(&other));
        assert!(admits(&page(false, ""), std::iter::empty()));
        assert!(admits(&one, ["", &wrong, &right].into_iter()));
        assert!(!admits(&one, std::iter::empty()) && !admits(&one, ["", &wrong].into_iter()));
        let broken = page(true, "");
        assert!(!admits(&broken, [token(&broken).as_str()].into_iter()), "without a hash nobody is let in");
    }
}
