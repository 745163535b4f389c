//! Addresses of mail as people write them into a field.

/// Addresses of one list at most.
pub const ADDRESSES_MAX: usize = 50;
/// Characters of an address at most, as RFC 5321 has it.
const ADDRESS_CHARS_MAX: usize = 254;

/// Whether a text is one address.
pub fn is_address(text: &str) -> bool {
    let (before, host) = text.rsplit_once('@').unwrap_or(("", ""));
    !before.is_empty()
        && !host.is_empty()
        && text.len() <= ADDRESS_CHARS_MAX
        && text.is_ascii()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"()[]\\".contains(c))
}

/// Addresses of a text, one a line or with commas between.
///
/// # Errors
/// The first that is none; or the text where there is none, or too many.
pub fn addresses(text: &str) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = text.split(['\n', ',', ';']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    all.dedup();
    match all.iter().find(|one| !is_address(one)) {
        Some(odd) => Err(odd.clone()),
        None if all.is_empty() || all.len() > ADDRESSES_MAX => Err(text.chars().take(80).collect()),
        None => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_odd_ones_named() {
        assert_eq!(addresses("a@x.example\r\n b@y.example, c@z.example").unwrap(), ["a@x.example", "b@y.example", "c@z.example"]);
        let (long, many) = (format!("{}@x", "a".repeat(300)), (0..51).map(|at| format!("a{at}@x,")).collect::<String>());
        for odd in ["", "nobody", "@x", "a@", "a b@x", "a@x\u{0}", "<a@x>", &long, &many] {
            assert!(addresses(odd).is_err(), "{odd}");
        }
    }
}
