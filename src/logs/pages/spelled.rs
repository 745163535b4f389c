//! LogQL in colours: a query cut where its tokens begin, each with the class of its colour.

use crate::logs::query::lex::{Kind, Lexer};

/// Cuts a query: class (empty for what has no colour) and text; together the texts are the query.
pub fn spelled(query: &str) -> Vec<(&'static str, &str)> {
    let mut lexer = Lexer::new(query);
    let mut parts: Vec<(&'static str, &str)> = Vec::new();
    let (mut done, mut is_stage) = (0, false);
    while let Ok(token) = lexer.next_token() {
        let (start, end) = (token.span.start as usize, token.span.end as usize);
        let Some(text) = query.get(start..end) else { break };
        if token.kind == Kind::Eof || text.is_empty() {
            break;
        }
        put(&mut parts, "", query.get(done..start).unwrap_or(""));
        // Our own stage is a name to the lexer.
        let class = if is_stage && text == "auto" { "kw" } else { class(token.kind) };
        put(&mut parts, class, text);
        (done, is_stage) = (end, token.kind == Kind::Pipe);
    }
    put(&mut parts, "", query.get(done..).unwrap_or(""));
    parts
}

/// Adds a part; neighbours without a colour become one.
fn put<'a>(parts: &mut Vec<(&'static str, &'a str)>, class: &'static str, text: &'a str) {
    if !text.is_empty() {
        parts.push((class, text));
    }
}

const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "str",
        Kind::Number | Kind::Duration(_) | Kind::Bytes(_) | Kind::Range(_) => "num",
        Kind::Identifier => "lbl",
        Kind::RangeOp(_) | Kind::VectorOp(_) | Kind::Vector | Kind::LabelReplace => "fn",
        Kind::Keyword(_) | Kind::Conversion(_) | Kind::Ip | Kind::Flag(_) => "kw",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_its_text() {
        for query in [
            r#"{a="b", c=~"d"} |= "x" | auto | status>=500 | took>1.5s | __error__="""#,
            "sum by (a) (count_over_time({} [5m])) / 2 # why",
            "{a=\"never closed",
            "",
            "é § {",
        ] {
            assert_eq!(spelled(query).iter().map(|(_, text)| *text).collect::<String>(), query);
        }
        let parts = spelled(r#"{a="b"} | auto | n>5"#);
        assert!(["lbl", "str", "kw", "num"].iter().all(|class| parts.iter().any(|(known, _)| known == class)), "{parts:?}");
    }
}
