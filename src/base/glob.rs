//! Names of files against patterns with `*`, `?` and `[…]`, as Go's `filepath.Match`.

/// Whether a file's name matches one segment of a pattern. A class that begins with one of `negations` stands for what is not
/// in it.
pub fn matches(pattern: &[u8], name: &[u8], negations: &[u8]) -> bool {
    let (mut at, mut name_at) = (0, 0);
    // Where to go on when what follows the last `*` did not fit: that star takes one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, name_at));
                at += 1;
                continue;
            }
            None if name_at == name.len() => return true,
            None => None,
            Some(_) => name.get(name_at).and_then(|&byte| match_one(&pattern[at..], byte, negations)),
        };
        match (step, star) {
            (Some(used), _) => {
                at += used;
                name_at += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                (at, name_at) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How many pattern bytes match one byte of the name.
fn match_one(pattern: &[u8], byte: u8, negations: &[u8]) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', class @ ..] => {
            let end = class.iter().skip(1).position(|&b| b == b']')? + 1;
            let (set, negated) = match &class[..end] {
                [first, set @ ..] if negations.contains(first) => (set, true),
                set => (set, false),
            };
            let mut hit = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == b'-' {
                    hit |= (set[at]..=set[at + 2]).contains(&byte);
                    at += 3;
                } else {
                    hit |= set[at] == byte;
                    at += 1;
                }
            }
            (hit != negated).then_some(end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_match_as_in_go() {
        for (pattern, name, fits) in [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("*.json", "a.jsonx", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?.yml", "a.yml", true),
            ("?.yml", "ab.yml", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[ab", "a", false),
            ("\\*", "*", true),
            ("**", "anything", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes(), b"^"), fits, "{pattern} {name}");
        }
    }
}
