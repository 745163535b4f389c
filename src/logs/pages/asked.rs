//! What the URL of the search page asks for: `/logs?q=…&lang=logql&f=host:a&f=-env:dev&cols=host,status&wrap=1&view=patterns`.

use crate::ui::shell::Shell;

/// Filters of one search; more are left out.
const FILTERS_MAX: usize = 50;
/// Columns beside the line.
const COLUMNS_MAX: usize = 8;
/// Bytes of a label's name or of a column's.
const NAME_BYTES_MAX: usize = 256;

/// One value that a reader chose among those of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// The label.
    pub label: String,
    /// Its value.
    pub value: String,
    /// Whether lines with it are left out; else only lines with it, or with another such value, are shown.
    pub is_excluded: bool,
}

impl Filter {
    /// From `label:value` or `-label:value`.
    fn parse(text: &str) -> Option<Self> {
        let (is_excluded, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (label, value) = rest.split_once(':')?;
        let is_named = !label.is_empty() && label.len() <= NAME_BYTES_MAX;
        is_named.then(|| Self { label: label.to_owned(), value: value.to_owned(), is_excluded })
    }

    /// As it stands in the URL.
    pub fn to_param(&self) -> String {
        format!("{}{}:{}", if self.is_excluded { "-" } else { "" }, self.label, self.value)
    }
}

/// What the result is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Lines.
    #[default]
    Lines,
    /// What lines have in common.
    Patterns,
}

/// A search as the URL has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What stands in the bar.
    pub text: String,
    /// Whether that is LogQL; else it is words.
    pub is_logql: bool,
    /// Values chosen, in order.
    pub filters: Vec<Filter>,
    /// Columns chosen; none = those that suit.
    pub columns: Option<Vec<String>>,
    /// Whether long lines are broken.
    pub wrap: bool,
    /// How the result is shown.
    pub view: View,
    /// Whether the page waits until all lines are counted.
    pub counts_all: bool,
    /// Which language the bar is to be switched to: `words` or `logql`.
    pub switch_to: Option<bool>,
}

impl Asked {
    /// From a query string.
    pub fn from_query(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, value.trim()) {
                ("q", text) => asked.text = text.to_owned(),
                ("lang", text) => asked.is_logql = text == "logql",
                ("f", text) if asked.filters.len() < FILTERS_MAX => asked.filters.extend(Filter::parse(text)),
                ("cols", text) => {
                    let mut columns: Vec<String> = Vec::new();
                    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX) {
                        if columns.len() < COLUMNS_MAX && !columns.iter().any(|known| known == name) {
                            columns.push(name.to_owned());
                        }
                    }
                    asked.columns = Some(columns);
                }
                ("wrap", text) => asked.wrap = text == "1",
                ("counts", text) => asked.counts_all = text == "all",
                ("view", "patterns") => asked.view = View::Patterns,
                ("to_lang", text) => asked.switch_to = Some(text == "logql"),
                _ => {}
            }
        }
        asked.filters.sort();
        asked.filters.dedup();
        asked
    }

    /// As a query string: what is searched and how it is shown, without the range.
    pub fn to_query(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        };
        put("q", &self.text);
        put("lang", if self.is_logql { "logql" } else { "" });
        for filter in &self.filters {
            put("f", &filter.to_param());
        }
        if let Some(columns) = &self.columns {
            // No column at all is a choice too, and not the same as none chosen.
            put("cols", &if columns.is_empty() { ",".to_owned() } else { columns.join(",") });
        }
        put("wrap", if self.wrap { "1" } else { "" });
        put("view", if self.view == View::Patterns { "patterns" } else { "" });
        pairs.finish()
    }

    /// Filters of a label.
    pub fn of<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a Filter> {
        self.filters.iter().filter(move |filter| filter.label == label)
    }

    /// Whether lines with a value are shown.
    pub fn shows(&self, label: &str, value: &str) -> bool {
        let mut only = self.of(label).filter(|filter| !filter.is_excluded).peekable();
        let is_kept = only.peek().is_none() || only.any(|filter| filter.value == value);
        is_kept && !self.of(label).any(|filter| filter.is_excluded && filter.value == value)
    }

    /// The filters after a value was ticked or unticked.
    pub fn toggled(&self, label: &str, value: &str) -> Vec<Filter> {
        let mut filters = self.filters.clone();
        let is_shown = self.shows(label, value);
        let has_only = self.of(label).any(|filter| !filter.is_excluded);
        filters.retain(|filter| filter.label != label || filter.value != value);
        match (is_shown, has_only) {
            // One more of those that are wanted, or one less.
            (false, true) => filters.push(Filter { label: label.to_owned(), value: value.to_owned(), is_excluded: false }),
            (true, false) => filters.push(Filter { label: label.to_owned(), value: value.to_owned(), is_excluded: true }),
            _ => {}
        }
        filters
    }

    /// The filters when of a label only one value is wanted.
    pub fn only(&self, label: &str, value: &str) -> Vec<Filter> {
        let mut filters = self.without(label);
        filters.push(Filter { label: label.to_owned(), value: value.to_owned(), is_excluded: false });
        filters
    }

    /// The filters but those of a label.
    pub fn without(&self, label: &str) -> Vec<Filter> {
        self.filters.iter().filter(|filter| filter.label != label).cloned().collect()
    }
}

/// The page's address with other filters.
pub fn href_filtered(shell: &Shell, filters: &[Filter]) -> String {
    let texts: Vec<String> = filters.iter().map(Filter::to_param).collect();
    let mut changes: Vec<(&str, &str)> = vec![("f", ""), ("to_lang", "")];
    changes.extend(texts.iter().map(|text| ("f", text.as_str())));
    shell.href_with(&changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        Filter::parse(text).expect("a filter")
    }

    #[test]
    fn the_url_is_read() {
        let asked = Asked::from_query("q=+a%20b+&f=host:a&f=-env:dev&f=nothing&f=host:a&cols=a,,b&wrap=1&view=patterns&lang=logql");
        assert_eq!(asked.text, "a b");
        assert_eq!(asked.filters, [filter("-env:dev"), filter("host:a")]);
        assert_eq!(asked.columns.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert!(asked.wrap && asked.is_logql && asked.view == View::Patterns && asked.switch_to.is_none());
        assert_eq!(asked.to_query(), "q=a+b&lang=logql&f=-env%3Adev&f=host%3Aa&cols=a%2Cb&wrap=1&view=patterns");
        assert_eq!(Asked::from_query(&asked.to_query()), asked);
        assert_eq!(Asked::from_query("cols=,").to_query(), "cols=%2C");
        assert_eq!(Asked::from_query("").to_query(), "");
        // A link that repeats a parameter, as scripts may make it, names each column once.
        let twice = Asked::from_query("cols=a,b&cols=b,c,a");
        assert_eq!(twice.columns.as_deref(), Some(&["b".to_owned(), "c".to_owned(), "a".to_owned()][..]));
        assert_eq!(Asked::from_query("cols=a,b,a").columns.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(Asked::from_query(&"f=a:b&f=a:c&".repeat(99)).filters.len(), 2);
        assert_eq!(filter("-a:b:c"), Filter { label: "a".into(), value: "b:c".into(), is_excluded: true });
        assert_eq!(filter("-a:b:c").to_param(), "-a:b:c");
    }

    #[test]
    fn ticking_and_unticking() {
        let none = Asked::default();
        assert!(none.shows("level", "info"));
        assert_eq!(none.toggled("level", "debug"), [filter("-level:debug")]);
        let less = Asked { filters: none.toggled("level", "debug"), ..Asked::default() };
        assert!(less.shows("level", "info") && !less.shows("level", "debug"));
        assert_eq!(less.toggled("level", "debug"), []);
        let only = Asked { filters: less.only("level", "error"), ..Asked::default() };
        assert_eq!(only.filters, [filter("level:error")]);
        assert!(!only.shows("level", "info") && only.shows("level", "error"));
        assert_eq!(only.toggled("level", "warn"), [filter("level:error"), filter("level:warn")]);
        assert_eq!(only.toggled("level", "error"), []);
        assert_eq!(only.without("level"), []);
    }
}
