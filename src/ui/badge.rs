//! A badge: a word and a value side by side as a small picture, for pages elsewhere.

/// Pixels of a letter in the font of badges (11 px), by how wide it is, times ten.
const NARROW: u32 = 36;
const USUAL: u32 = 67;
const WIDE: u32 = 98;
/// Of scripts whose letters are as wide as they are high.
const FULL: u32 = 112;
/// Around a text.
const PAD: u32 = 7;
/// Letters of a text at most.
const CHARS_MAX: usize = 60;

/// How wide a text is about, in pixels.
fn width(text: &str) -> u32 {
    let letter = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' => NARROW,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => WIDE,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'.. => FULL,
        _ => USUAL,
    };
    text.chars().map(letter).sum::<u32>().div_ceil(10)
}

fn shortened(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    text.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What XML has no room for is left out.
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
        out
    })
}

/// The ground of a value at a level (`ok`, `info`, `warn`, `crit`, or nothing known): white text on it can be read.
const fn ground(level: &str) -> &'static str {
    match level.as_bytes() {
        b"ok" => "#14713f",
        b"info" => "#1d6296",
        b"warn" => "#855300",
        b"crit" => "#b3261e",
        _ => "#646e7c",
    }
}

/// The level of a share of time in which something was up.
pub fn level_of(availability: Option<f64>) -> &'static str {
    match availability {
        None => "none",
        Some(share) if share >= 0.999 => "ok",
        Some(share) if share >= 0.99 => "warn",
        Some(_) => "crit",
    }
}

/// Draws a badge.
pub fn svg(label: &str, value: &str, level: &str) -> String {
    let (label, value) = (shortened(label), shortened(value));
    let (left, right) = (width(&label) + 2 * PAD, width(&value) + 2 * PAD);
    let (whole, ground) = (left + right, ground(level));
    let (at, beside, end) = (f64::from(left) / 2.0, f64::from(left) + f64::from(right) / 2.0, right);
    let (label, value) = (escaped(&label), escaped(&value));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{label}: {value}\">\
         <title>{label}: {value}</title><clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"4\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#3b434f\"/><rect x=\"{left}\" width=\"{end}\" height=\"20\" fill=\"{ground}\"/></g>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{at}\" y=\"14\">{label}</text><text x=\"{beside}\" y=\"14\">{value}</text></g></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_whatever_is_in_them() {
        let badge = svg("<script>alert(\"x\")</script>&'", "up\u{0}\n\u{ffff}", "ok");
        assert!(!badge.contains("<script") && !badge.contains('\u{0}') && !badge.contains('\u{ffff}'), "{badge}");
        assert!(badge.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;") && badge.contains("#14713f"), "{badge}");
    }

    #[test]
    fn badges_are_as_wide_as_what_is_in_them() {
        let wide = |text: &str| svg(text, "up", "ok").split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse::<u32>().unwrap();
        assert!(wide("i") < wide("m") && wide("m") < wide("状") && wide("") > 20);
        assert_eq!(wide(&"x".repeat(60)), wide(&"x".repeat(60)));
        assert!(svg(&"x".repeat(900), "", "none").len() < 1_400, "long names are cut");
    }

    #[test]
    fn availability_has_a_level() {
        assert_eq!([None, Some(1.0), Some(0.995), Some(0.5)].map(level_of), ["none", "ok", "warn", "crit"]);
    }
}
