//! `printf`: Go's verbs and flags.

use super::value::Value;
use crate::base::float;
use crate::base::quote::quote;

/// Widths and precisions beyond this are refused, as Go does.
const WIDTH_MAX: usize = 1_000_000;

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Prints `args` as `format` says; what does not fit is shown as Go shows it.
pub(super) fn printf(format: &str, args: &[Value<'_>], output_bytes_max: usize) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut next = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => spec.sharp = true,
            }
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Result<Option<usize>, String> {
            if chars.next_if_eq(&'*').is_some() {
                let value = args.get(next).map_or(-1, |value| if let Value::Int(width) = value { *width } else { -1 });
                next += 1;
                return usize::try_from(value).ok().filter(|n| *n <= WIDTH_MAX).map(Some).ok_or_else(|| "%!(BADWIDTH)".to_owned());
            }
            let mut digits = None;
            while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                chars.next();
                digits = Some(digits.unwrap_or(0_usize) * 10 + digit as usize);
                if digits > Some(WIDTH_MAX) {
                    return Err(format!("a width of more than {WIDTH_MAX} is not allowed"));
                }
            }
            Ok(digits)
        };
        spec.width = number(&mut chars)?;
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut chars)?.unwrap_or(0));
        }
        let Some(verb) = chars.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        match args.get(next) {
            Some(value) => one(&mut out, verb, &spec, value),
            None => {
                out.push_str("%!");
                out.push(verb);
                out.push_str("(MISSING)");
            }
        }
        next += 1;
        if out.len() > output_bytes_max {
            return Err(format!("printf makes more than {output_bytes_max} bytes"));
        }
    }
    extra(&mut out, args.get(next..).unwrap_or_default());
    Ok(out)
}

fn extra(out: &mut String, rest: &[Value<'_>]) {
    if rest.is_empty() {
        return;
    }
    out.push_str("%!(EXTRA ");
    for (index, value) in rest.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(value.type_name());
        out.push('=');
        value.print(out);
    }
    out.push(')');
}

fn one(out: &mut String, verb: char, spec: &Spec, value: &Value<'_>) {
    let text = match (verb, value) {
        ('v', Value::Float(number)) if spec.precision.is_some() => in_style('g', spec, *number),
        ('v' | 's', Value::Text(text)) => cut(text, spec),
        ('v', other) => {
            let mut text = String::new();
            other.print(&mut text);
            return pad(out, &signed(text, spec, other), spec, matches!(other, Value::Int(_) | Value::Float(_)));
        }
        ('s', Value::Time(_) | Value::Span(_) | Value::Markup(_) | Value::List(_) | Value::Map(_) | Value::Object(_)) => {
            let mut text = String::new();
            value.print(&mut text);
            text
        }
        ('q', Value::Text(text)) => quote(&cut(text, spec)),
        ('x' | 'X', Value::Text(text)) => {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            if verb == 'X' { hex.to_uppercase() } else { hex }
        }
        ('t', Value::Bool(value)) => value.to_string(),
        ('d' | 'b' | 'o' | 'x' | 'X' | 'c' | 'q' | 'U', Value::Int(number)) => {
            return pad(out, &integer(verb, spec, *number), spec, !matches!(verb, 'c' | 'q' | 'U'));
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Float(number)) => {
            return pad(out, &signed(in_style(verb, spec, *number), spec, value), spec, true);
        }
        ('T', other) => other.type_name().to_owned(),
        (verb, other) => {
            let mut text = format!("%!{verb}({}=", other.type_name());
            other.print(&mut text);
            text.push(')');
            text
        }
    };
    pad(out, &text, spec, false);
}

fn cut(text: &str, spec: &Spec) -> String {
    spec.precision.map_or_else(|| text.to_owned(), |precision| text.chars().take(precision).collect())
}

fn signed(text: String, spec: &Spec, value: &Value<'_>) -> String {
    let is_number = matches!(value, Value::Int(_) | Value::Float(_));
    if !is_number || text.starts_with(['-', '+']) {
        return text;
    }
    if spec.plus {
        format!("+{text}")
    } else if spec.space {
        format!(" {text}")
    } else {
        text
    }
}

fn integer(verb: char, spec: &Spec, number: i64) -> String {
    let magnitude = number.unsigned_abs();
    let character = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    let digits = match verb {
        'c' => return character.to_string(),
        'q' => return format!("{character:?}"),
        'U' => return format!("U+{magnitude:04X}"),
        'b' => format!("{}{magnitude:b}", if spec.sharp { "0b" } else { "" }),
        'o' => format!("{}{magnitude:o}", if spec.sharp { "0" } else { "" }),
        'x' => format!("{}{magnitude:x}", if spec.sharp { "0x" } else { "" }),
        'X' => format!("{}{magnitude:X}", if spec.sharp { "0X" } else { "" }),
        _ => magnitude.to_string(),
    };
    let digits = match spec.precision {
        Some(precision) if digits.len() < precision => format!("{}{digits}", "0".repeat(precision - digits.len())),
        _ => digits,
    };
    let text = if number < 0 { format!("-{digits}") } else { digits };
    signed(text, spec, &Value::Int(number))
}

fn in_style(verb: char, spec: &Spec, number: f64) -> String {
    if !number.is_finite() {
        return float::plain(number);
    }
    let text = match verb {
        'f' | 'F' => format!("{number:.*}", spec.precision.unwrap_or(6)),
        'e' | 'E' => float::go_exponent(format!("{number:.*e}", spec.precision.unwrap_or(6))),
        _ => match spec.precision {
            None => float::general(number),
            Some(precision) => float::significant(number, precision.max(1)),
        },
    };
    if verb.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

fn pad(out: &mut String, text: &str, spec: &Spec, is_number: bool) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        return out.push_str(text);
    }
    if spec.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if spec.zero && is_number && !text.ends_with(['f', 'N']) {
        let digits = text.trim_start_matches(['-', '+', ' ']);
        out.push_str(text.get(..text.len() - digits.len()).unwrap_or_default());
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(digits);
    } else {
        out.extend(std::iter::repeat_n(if spec.zero { '0' } else { ' ' }, missing));
        out.push_str(text);
    }
}
