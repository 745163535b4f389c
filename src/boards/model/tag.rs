//! Tags of annotations: a word, or a key and a value with a colon between.

/// A tag, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What stands before the first colon.
    pub key: String,
    /// What stands behind it; empty for a word.
    pub value: String,
}

impl Tag {
    /// Takes a text apart; none if there is nothing in it.
    pub fn read(text: &str) -> Option<Self> {
        let (key, value) = text.split_once(':').unwrap_or((text, ""));
        let tag = Self { key: key.trim().to_owned(), value: value.trim().to_owned() };
        (!tag.key.is_empty() || !tag.value.is_empty()).then_some(tag)
    }

    /// As it is written.
    pub fn text(&self) -> String {
        if self.value.is_empty() { self.key.clone() } else { format!("{}:{}", self.key, self.value) }
    }
}

/// Tags as they are kept: each once, in the order in which they were given.
pub fn tags<'a>(given: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for tag in given.into_iter().filter_map(Tag::read) {
        let text = tag.text();
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_or_pairs_each_once() {
        let found = tags([" deploy ", "env: prod", "deploy", "", " : ", "a:b:c", "env:prod", "key:"]);
        assert_eq!(found, ["deploy", "env:prod", "a:b:c", "key"]);
        assert_eq!(Tag::read("a:b:c").map(|tag| (tag.key, tag.value)), Some(("a".into(), "b:c".into())));
    }
}
