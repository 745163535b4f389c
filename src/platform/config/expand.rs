//! `$NAME` and `${NAME}` from the environment, as Go's `os.Expand` reads them.

/// Replaces variables in `text`. `lookup` hears each name; `$$` is a dollar sign, `${}` vanishes, a dollar sign
/// before anything else stays.
pub fn expand(text: &str, mut lookup: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match variable(rest) {
            Variable::None => out.push('$'),
            Variable::Malformed(len) => rest = &rest[len..],
            Variable::Named { name: "$", len } => {
                out.push('$');
                rest = &rest[len..];
            }
            Variable::Named { name, len } => {
                out.push_str(&lookup(name));
                rest = &rest[len..];
            }
        }
    }
    out.push_str(rest);
    out
}

enum Variable<'a> {
    /// No name follows.
    None,
    /// So many bytes are no name although they begin like one.
    Malformed(usize),
    /// A name, and how many bytes it takes with its braces.
    Named { name: &'a str, len: usize },
}

fn variable(text: &str) -> Variable<'_> {
    let is_special = |c: char| matches!(c, '*' | '#' | '$' | '@' | '!' | '?' | '-' | '0'..='9');
    if let Some(braced) = text.strip_prefix('{') {
        return match braced.find('}') {
            None => Variable::Malformed(1),
            Some(0) => Variable::Malformed(2),
            Some(end) => Variable::Named { name: &braced[..end], len: end + 2 },
        };
    }
    if text.starts_with(is_special) {
        return Variable::Named { name: &text[..1], len: 1 };
    }
    let len = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if len == 0 { Variable::None } else { Variable::Named { name: &text[..len], len } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_as_go_does() {
        let lookup = |name: &str| match name {
            "HOME" => "/home/x".to_owned(),
            "1" => "one".to_owned(),
            "a b" => "spaced".to_owned(),
            _ => String::new(),
        };
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("$HOME/y", "/home/x/y"),
            ("${HOME}y", "/home/xy"),
            ("$$HOME", "$HOME"),
            ("${$}", "$"),
            ("$12", "one2"),
            ("${a b}", "spaced"),
            ("a${}b", "ab"),
            ("a${b", "ab"),
            ("100%$", "100%$"),
            ("$-x", "x"),
            ("$ä", "$ä"),
            ("$UNSET.", "."),
        ] {
            assert_eq!(expand(text, lookup), expected, "{text}");
        }
    }
}
