//! Tables as CSV (RFC 4180): what would be taken for a formula by a spreadsheet is made harmless.

/// A table, the first row of which names its columns.
pub fn table<R: AsRef<str>>(rows: impl IntoIterator<Item = Vec<R>>) -> String {
    let mut out = String::new();
    for row in rows {
        for (place, cell) in row.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            put(&mut out, cell.as_ref());
        }
        out.push_str("\r\n");
    }
    out
}

fn put(out: &mut String, cell: &str) {
    let is_number = cell.parse::<f64>().is_ok_and(f64::is_finite);
    // Spreadsheets calculate what begins so; an apostrophe before it says that it is text.
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number;
    let needs_quotes = cell.contains([',', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ');
    if needs_quotes {
        out.push('"');
    }
    if is_formula {
        out.push('\'');
    }
    for letter in cell.chars() {
        if letter == '"' {
            out.push('"');
        }
        out.push(letter);
    }
    if needs_quotes {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let rows = vec![vec!["a", "b c", "d,e"], vec!["say \"hi\"", "two\nlines", ""], vec!["=1+1", "-2.5", "-x"], vec!["@a", "+1", " s"]];
        let expected = "a,b c,\"d,e\"\r\n\"say \"\"hi\"\"\",\"two\nlines\",\r\n'=1+1,-2.5,'-x\r\n'@a,+1,\" s\"\r\n";
        assert_eq!(table(rows), expected);
        assert_eq!(table(vec![vec!["\r=1"]]), "\"'\r=1\"\r\n");
    }
}
