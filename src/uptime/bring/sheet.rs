//! Tables of values separated by commas (RFC 4180): a line of headings, and rows below it.

/// Rows at most.
const ROWS_MAX: usize = 10_000;
/// Cells of a row at most.
const CELLS_MAX: usize = 200;

/// A table.
pub(super) struct Sheet {
    /// Headings, in lower case, without what is no letter and no digit.
    headings: Vec<String>,
    /// Rows.
    pub(super) rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads one; separated by semicolons where the first line has more of them.
    pub(super) fn read(text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let separator = if first.matches(';').count() > first.matches(',').count() { ';' } else { ',' };
        let mut rows = Vec::new();
        let (mut row, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' if is_quoted && rest.peek() == Some(&'"') => {
                    rest.next();
                    cell.push('"');
                }
                '"' if is_quoted || cell.is_empty() => is_quoted = !is_quoted,
                '\r' if !is_quoted && rest.peek() == Some(&'\n') => {}
                '\n' if !is_quoted => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                    if rows.len() > ROWS_MAX {
                        break;
                    }
                }
                c if c == separator && !is_quoted && row.len() < CELLS_MAX => row.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        if !cell.is_empty() || !row.is_empty() {
            row.push(cell);
            rows.push(row);
        }
        rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
        let headings = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        let plain = |text: String| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Self { headings: headings.into_iter().map(plain).collect(), rows }
    }

    /// Whether it has one of these headings.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.column(names).is_some()
    }

    /// The heading that is there of these.
    pub(super) fn heading(&self, names: &[&str]) -> &str {
        self.column(names).map_or("", |at| &self.headings[at])
    }

    /// What a row has below one of these headings; empty where there is nothing.
    pub(super) fn cell<'r>(&self, row: &'r [String], names: &[&str]) -> &'r str {
        self.column(names).and_then(|at| row.get(at)).map_or("", |cell| cell.trim())
    }

    fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.headings.iter().position(|heading| heading == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_hold_separators_quotes_and_ends_of_lines() {
        let sheet = Sheet::read("Friendly Name,URL/IP\r\n\"a, \"\"b\"\"\n c\",x\r\n\r\nlast");
        assert_eq!(sheet.rows, [vec!["a, \"b\"\n c".to_owned(), "x".to_owned()], vec!["last".to_owned()]]);
        assert_eq!((sheet.cell(&sheet.rows[0], &["url", "urlip"]), sheet.cell(&sheet.rows[1], &["urlip"])), ("x", ""));
        let sheet = Sheet::read("a;b\n1;2,5\n");
        assert_eq!(sheet.cell(&sheet.rows[0], &["b"]), "2,5");
    }
}
