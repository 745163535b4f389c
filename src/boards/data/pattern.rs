//! Regular expressions as Grafana's JSON has them.

/// A regular expression: `/…/flags`, or plain.
///
/// # Errors
/// Words for the reader.
pub fn pattern(text: &str) -> Result<regex::Regex, String> {
    let (body, flags) = match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
        Some((body, flags)) if flags.chars().all(|flag| flag.is_ascii_lowercase()) => (body, flags),
        _ => (text, ""),
    };
    regex::RegexBuilder::new(body)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| format!("\"{text}\" is no regular expression that is understood here: {}", last_line(&error.to_string())))
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default().trim_start_matches("error: ")
}

/// A replacement as browsers write it (`$1x`, `$&`, `$<name>`), as the engine here reads it.
pub(super) fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            out.push_str(&format!("${{{}}}", &rest[..digits]));
            rest = &rest[digits..];
        } else if let Some(after) = rest.strip_prefix('&') {
            out.push_str("${0}");
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            out.push_str(&format!("${{{name}}}"));
            rest = after;
        } else {
            out.push_str("$$");
            rest = rest.strip_prefix('$').unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_write_is_read() {
        assert!(pattern("/^SYS/i").unwrap().is_match("system"));
        assert!(pattern("^sys").unwrap().is_match("system"));
        assert!(pattern("/(/").unwrap_err().starts_with("\"/(/\" is no regular expression"));
        let regex = pattern("/(.*)-(?P<host>\\d+)/").unwrap();
        assert_eq!(regex.replace("node-12", replacement("$1x $& $<host> $$5").as_str()), "nodex node-12 12 $5");
    }
}
