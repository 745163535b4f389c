//! Regular expressions as Go's `regexp` reads them, rewritten for the `regex` crate.
//!
//! Both are of the RE2 family; where they differ, a configuration or a query written for Prometheus means what
//! Go says: `\d`, `\w`, `\s` and `\b` are ASCII, a `{` that starts no count is itself, `[` within a class is
//! itself, `\Q...\E` quotes, `\<` is `<`, octal escapes exist, and no repetition may be repeated.

use std::iter::Peekable;
use std::str::Chars;

/// Rewrites `pattern`. What stays wrong is left to the `regex` crate to refuse.
pub fn translate(pattern: &str) -> Result<String, String> {
    let mut rewriter = Rewriter { rest: pattern.chars().peekable(), out: String::with_capacity(pattern.len() + 16), repeated: None };
    rewriter.run()?;
    Ok(rewriter.out)
}

/// Largest count of a repetition, as in Go.
const REPEAT_MAX: u32 = 1000;
/// What `\s` stands for in Go.
const SPACE: &str = r"\t\n\f\r\x20";

struct Rewriter<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// The repetition operator just written, if the last thing was one.
    repeated: Option<String>,
}

impl Rewriter<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            match c {
                '*' | '+' | '?' => self.repetition(c.to_string())?,
                '{' => match self.count()? {
                    Some(count) => self.repetition(count)?,
                    None => self.literal('{'),
                },
                _ => {
                    self.repeated = None;
                    match c {
                        '\\' => self.escape()?,
                        '[' => self.class()?,
                        '(' => self.group()?,
                        _ => self.out.push(c),
                    }
                }
            }
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        self.repeated = None;
        push_literal(&mut self.out, c);
    }

    fn repetition(&mut self, mut operator: String) -> Result<(), String> {
        if self.rest.next_if_eq(&'?').is_some() {
            operator.push('?');
        }
        if let Some(before) = &self.repeated {
            return Err(format!("invalid nested repetition operator: `{before}{operator}`"));
        }
        self.out.push_str(&operator);
        self.repeated = Some(operator);
        Ok(())
    }

    /// Reads `{2}`, `{2,}` or `{2,5}` after its brace; anything else leaves the input as it was.
    fn count(&mut self) -> Result<Option<String>, String> {
        let mut ahead = self.rest.clone();
        let Some(min) = number(&mut ahead) else { return Ok(None) };
        let mut text = format!("{{{min}");
        let mut max = min;
        if ahead.next_if_eq(&',').is_some() {
            text.push(',');
            if ahead.peek() != Some(&'}') {
                let Some(read) = number(&mut ahead) else { return Ok(None) };
                max = read;
                text.push_str(&max.to_string());
            }
        }
        if ahead.next() != Some('}') {
            return Ok(None);
        }
        text.push('}');
        if min > REPEAT_MAX || max > REPEAT_MAX || min > max {
            return Err(format!("invalid repeat count: `{text}`"));
        }
        self.rest = ahead;
        Ok(Some(text))
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('?') {
            return Ok(());
        }
        let mut flags = String::new();
        for c in ahead {
            match c {
                'i' | 'm' | 's' | 'U' | '-' => flags.push(c),
                ':' | ')' => break,
                '<' | 'P' if flags.is_empty() => break,
                _ => return Err(format!("invalid or unsupported Perl syntax: `(?{flags}{c}`")),
            }
        }
        // The question mark belongs to the group and is no repetition.
        self.out.extend(self.rest.next());
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.rest.next() else { return Err("trailing backslash at end of expression: ``".to_owned()) };
        match c {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.extend(["[", SPACE, "]"]),
            'S' => self.out.extend(["[^", SPACE, "]"]),
            'b' => self.out.push_str(r"(?-u:\b)"),
            'B' => self.out.push_str(r"\B"),
            'A' | 'z' => self.out.extend(['\\', c]),
            'p' | 'P' => self.property(c),
            'Q' => self.quoted(),
            _ => {
                let c = self.character(c)?;
                push_literal(&mut self.out, c);
            }
        }
        Ok(())
    }

    /// `\pL` and `\p{Greek}` are written the same way in both.
    fn property(&mut self, c: char) {
        self.out.extend(['\\', c]);
        if self.rest.peek() == Some(&'{') {
            for c in self.rest.by_ref() {
                self.out.push(c);
                if c == '}' {
                    return;
                }
            }
        } else {
            self.out.extend(self.rest.next());
        }
    }

    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            push_literal(&mut self.out, c);
        }
    }

    /// The character that an escape beginning with `c` stands for.
    fn character(&mut self, c: char) -> Result<char, String> {
        let invalid = |c: char| format!("invalid escape sequence: `\\{c}`");
        match c {
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            't' => Ok('\t'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            'v' => Ok('\u{b}'),
            'x' => self.hexadecimal().ok_or_else(|| invalid('x')),
            '1'..='7' if !matches!(self.rest.peek(), Some('0'..='7')) => Err(invalid(c)),
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.rest.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                }
                char::from_u32(value).ok_or_else(|| invalid(c))
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            c => Err(invalid(c)),
        }
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let mut value = 0;
        if self.rest.next_if_eq(&'{').is_some() {
            let mut digits = 0;
            loop {
                match self.rest.next()? {
                    '}' if digits > 0 => break,
                    c => value = value * 16 + c.to_digit(16)?,
                }
                digits += 1;
                if value > 0x10_ffff {
                    return None;
                }
            }
        } else {
            for _ in 0..2 {
                value = value * 16 + self.rest.next()?.to_digit(16)?;
            }
        }
        char::from_u32(value)
    }

    /// A class in brackets, after its opening one.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.rest.next().ok_or(MISSING_BRACKET)? {
                ']' if !first => break,
                '[' if self.rest.peek() == Some(&':') && self.posix_class() => {}
                c => self.class_item(c)?,
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A character, an escape or a range within a class.
    fn class_item(&mut self, c: char) -> Result<(), String> {
        let low = if c == '\\' {
            match self.rest.next().ok_or(MISSING_BRACKET)? {
                'd' => return self.class_part("0-9"),
                'D' => return self.class_part("[^0-9]"),
                'w' => return self.class_part("0-9A-Za-z_"),
                'W' => return self.class_part("[^0-9A-Za-z_]"),
                's' => return self.class_part(SPACE),
                'S' => return self.class_part(&format!("[^{SPACE}]")),
                c @ ('p' | 'P') => {
                    self.property(c);
                    return Ok(());
                }
                c => self.character(c)?,
            }
        } else {
            c
        };
        push_literal(&mut self.out, low);
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
            return Ok(());
        }
        self.rest = ahead;
        let high = match self.rest.next().ok_or(MISSING_BRACKET)? {
            '\\' => {
                let c = self.rest.next().ok_or(MISSING_BRACKET)?;
                self.character(c)?
            }
            c => c,
        };
        if high < low {
            return Err(format!("invalid character class range: `{low}-{high}`"));
        }
        self.out.push('-');
        push_literal(&mut self.out, high);
        Ok(())
    }

    fn class_part(&mut self, part: &str) -> Result<(), String> {
        self.out.push_str(part);
        Ok(())
    }

    /// `[:alpha:]` and its like after their bracket; anything else leaves the input as it was.
    fn posix_class(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        let name: String = ahead.by_ref().skip(1).take_while(|c| c.is_ascii_lowercase() || *c == '^').collect();
        // `take_while` has eaten the colon that ends the name.
        let known = matches!(
            name.trim_start_matches('^'),
            "alnum"
                | "alpha"
                | "ascii"
                | "blank"
                | "cntrl"
                | "digit"
                | "graph"
                | "lower"
                | "print"
                | "punct"
                | "space"
                | "upper"
                | "word"
                | "xdigit"
        );
        if !known || ahead.next() != Some(']') {
            return false;
        }
        self.rest = ahead;
        self.out.extend(["[:", &name, ":]"]);
        true
    }
}

const MISSING_BRACKET: &str = "missing closing ]";

fn number(input: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut value: Option<u32> = None;
    while let Some(digit) = input.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
        value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
    }
    value
}

/// Writes a character so that it stands for itself, within classes too.
fn push_literal(out: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let translated = translate(pattern).expect(pattern);
        regex::Regex::new(&format!("^(?s:{translated})$")).expect(&translated).is_match(text)
    }

    #[test]
    fn means_what_go_says() {
        for (pattern, yes, no) in [
            (r"\w+", "aZ_9", "ä"),
            (r"\d", "7", "٣"),
            (r"\D", "٣", "7"),
            (r"\s", " ", "\u{b}"),
            (r"[\w.-]+", "a.b-c", "ä"),
            (r"[^\s]", "x", " "),
            (r"[\S]", "x", " "),
            (r"a{,2}", "a{,2}", "aa"),
            (r"a{", "a{", "a"),
            (r"x{2}", "xx", "x"),
            (r"x{2,}?", "xxx", "x"),
            (r"x{1,2}", "xx", "xxx"),
            (r"[a[b]", "[", "]"),
            (r"[]a]", "]", "b"),
            (r"[^]a]", "b", "]"),
            (r"[a&&b]", "&", "c"),
            (r"[a~~b]", "~", "c"),
            (r"[+--]", ",", "a"),
            (r"[a-]", "-", "b"),
            (r"[[:alpha:]_]+", "ab_", "1"),
            (r"[[:foo:]", "o", "x"),
            (r"\Qa.b\E+", "a.bb", "axb"),
            (r"\Q.*", ".*", "a"),
            (r"\<a\>", "<a>", "a"),
            (r"\/a\-\_", "/a-_", "a"),
            (r"\101\x41\x{42}", "AAB", "A"),
            (r"[\x30-\x39]", "5", "a"),
            (r"(?i)abc", "ABC", "ab"),
            (r"(?i:a)b", "Ab", "AB"),
            (r"(?P<n>a)(?<m>b)", "ab", "a"),
            (r"a.*", "a\nb", "b"),
            (r"a b#c", "a b#c", "abc"),
            (r"\bfoo\b.*", "foo bar", "foobar"),
            (r"\pL+", "äb", "1"),
            (r"a}", "a}", "a"),
            (r"", "", "x"),
        ] {
            assert!(matches(pattern, yes), "{pattern} should match {yes:?}");
            assert!(!matches(pattern, no), "{pattern} should not match {no:?}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for bad in [
            r"a**", r"a+*", r"a???", r"x{1001}", r"x{2,1}", r"\u0041", r"\Z", r"\1", r"\8", r"\C", r"(?x)a", r"(?=a)", "[a", "[z-a]", "\\",
            r"\xg", r"[\", "a{2}{3}",
        ] {
            assert!(translate(bad).is_err(), "{bad}");
        }
        for bad in ["(", "a)", "*a", "(?i", "(?P<n>a)(?P<n>b)", r"\pX"] {
            let refused = translate(bad).map_or(true, |text| regex::Regex::new(&format!("^(?s:{text})$")).is_err());
            assert!(refused, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            let _either = translate(&text);
        }

        #[test]
        fn literals_stay_themselves(text in "[ -~äö]{0,20}") {
            let quoted = regex::escape(&text);
            if !quoted.contains(['\\', '{']) {
                proptest::prop_assert!(matches(&text, &text));
            }
        }
    }
}
