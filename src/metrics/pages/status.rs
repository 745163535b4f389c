//! The server itself: version, storage, configuration with secrets hidden, settings and where they come from.

use crate::ui::format::{self, Moment, Unit, count};
use crate::ui::lang::{Lang, Words, key};
use crate::ui::page;
use crate::ui::shell::Shell;

/// Blocks listed; the rest is a number.
const BLOCKS_MAX: usize = 200;
/// Lines of configuration shown.
const CONFIG_LINES_MAX: usize = 5_000;

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct StatusInput {
    /// Version of the program, such as `0.1.0`.
    pub version: String,
    /// Facts about build and system, as name and value, such as `Revision`, `Listens on`, `Data folder`.
    pub facts: Vec<(&'static str, Words)>,
    /// Start of the process, in milliseconds.
    pub started_ms: i64,
    /// What is stored.
    pub storage: Storage,
    /// The configuration file.
    pub config: Config,
    /// All settings.
    pub settings: Vec<Setting>,
}

/// What is stored.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// Series in the head.
    pub head_series: u64,
    /// Chunks in the head.
    pub head_chunks: u64,
    /// Oldest and newest sample of the head, in milliseconds.
    pub head_range: Option<(i64, i64)>,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// Files of the write-ahead log.
    pub wal_segments: u64,
    /// Blocks, in any order.
    pub blocks: Vec<Block>,
    /// Blocks put aside because they could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Free and all bytes of the disk that holds the data.
    pub disk: Option<(u64, u64)>,
    /// How long samples are kept, such as `15d`; `None` = for ever.
    pub retention_time: Option<String>,
    /// Bytes kept at most; 0 = no limit.
    pub retention_bytes: u64,
}

/// A block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its identifier.
    pub ulid: String,
    /// First sample, in milliseconds.
    pub min_ms: i64,
    /// End, in milliseconds.
    pub max_ms: i64,
    /// Series in it.
    pub series: u64,
    /// Samples in it.
    pub samples: u64,
    /// Its size.
    pub bytes: u64,
    /// How often its samples were compacted.
    pub level: u32,
}

/// A block put aside.
#[derive(Debug, Clone, Default)]
pub struct Quarantined {
    /// Its folder.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The configuration file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it lies.
    pub path: Words,
    /// Its text with secrets hidden.
    pub yaml: String,
    /// When it was taken over, in milliseconds.
    pub loaded_ms: Option<i64>,
    /// Why the newest version was refused, with the line where known.
    pub error: Option<Remark>,
    /// What is odd in it.
    pub warnings: Vec<Remark>,
}

/// A remark on the configuration.
#[derive(Debug, Clone, Default)]
pub struct Remark {
    /// Line, from 1, where known.
    pub line: Option<usize>,
    /// In words.
    pub message: String,
}

/// One setting.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Its name, such as `--storage.tsdb.retention.time`.
    pub name: String,
    /// Its value, secrets hidden.
    pub value: String,
    /// Where it comes from: `default`, `flag`, `environment`, `file`.
    pub source: String,
    /// What it does.
    pub help: String,
}

/// What stands beside a name.
enum Fact {
    Text(String),
    Span(Moment, Moment),
}

struct BlockView {
    ulid: String,
    from: Moment,
    length: String,
    series: String,
    samples: String,
    bytes: String,
    level: u32,
}

struct Line {
    number: usize,
    indent: String,
    key: String,
    value: String,
    comment: String,
    hit: bool,
}

#[derive(askama::Template)]
#[template(path = "metrics/status.html")]
struct StatusPage<'a> {
    shell: &'a Shell,
    input: &'a StatusInput,
    tiles: Vec<(&'static str, String, String, String, &'static str)>,
    started: Moment,
    facts: Vec<(String, Fact)>,
    blocks: Vec<BlockView>,
    blocks_total: usize,
    blocks_words: String,
    loaded: Option<Moment>,
    lines: Vec<Line>,
    lines_more: usize,
}

impl StatusPage<'_> {
    fn built(&self) -> bool {
        crate::ui::assets::built()
    }
}

/// Renders the page. The shell refreshes by itself (`30s`).
pub fn render(input: &StatusInput, shell: &Shell) -> String {
    let mut blocks: Vec<&Block> = input.storage.blocks.iter().collect();
    blocks.sort_by_key(|block| std::cmp::Reverse(block.min_ms));
    let total = input.config.yaml.lines().count();
    page::html(&StatusPage {
        shell,
        input,
        tiles: tiles(input, shell),
        started: shell.moment(input.started_ms),
        facts: facts(input, shell),
        blocks_total: blocks.len(),
        blocks_words: count(blocks.len() as u64),
        blocks: blocks.iter().take(BLOCKS_MAX).map(|block| view_block(block, shell.lang())).collect(),
        loaded: input.config.loaded_ms.map(|at| shell.moment(at)),
        lines: lines(&input.config),
        lines_more: total.saturating_sub(CONFIG_LINES_MAX),
    })
}

/// Title, value, unit, note, class.
fn tiles(input: &StatusInput, shell: &Shell) -> Vec<(&'static str, String, String, String, &'static str)> {
    let storage = &input.storage;
    let (up, up_unit) = format::split(shell.now_ms.saturating_sub(input.started_ms).max(0) as f64 / 1000.0, Unit::Seconds);
    let block_bytes = storage.blocks.iter().fold(0u64, |sum, block| sum.saturating_add(block.bytes));
    let (kept, kept_unit) = format::split(block_bytes.saturating_add(storage.wal_bytes) as f64, Unit::Bytes);
    let samples = storage.blocks.iter().fold(0u64, |sum, block| sum.saturating_add(block.samples));
    let per_sample = if samples > 0 {
        shell.f1("{} a sample in blocks", format::number(block_bytes as f64 / samples as f64, Unit::Bytes))
    } else {
        shell.t("no blocks yet").to_owned()
    };
    let mut tiles = vec![
        (key("Running for"), up, up_unit, shell.f1("version {}", &input.version), ""),
        (
            key("Series in the head"),
            count(storage.head_series),
            String::new(),
            shell.lang().n(storage.head_chunks, "{} chunk", "{} chunks"),
            "",
        ),
        (key("Kept on disk"), kept, kept_unit, per_sample, ""),
    ];
    if let Some((free, size)) = storage.disk {
        let (value, unit) = format::split(free as f64, Unit::Bytes);
        let used = if size == 0 { 0.0 } else { 1.0 - free as f64 / size as f64 };
        let class = if used >= super::home::DISK_CRITICAL {
            "crit"
        } else if used >= super::home::DISK_WARNING {
            "warn"
        } else {
            ""
        };
        tiles.push((
            key("Free on the disk"),
            value,
            unit,
            shell.f2("{} of {} used", format::number(used, Unit::Ratio), format::number(size as f64, Unit::Bytes)),
            class,
        ));
    }
    tiles
}

fn facts(input: &StatusInput, shell: &Shell) -> Vec<(String, Fact)> {
    let storage = &input.storage;
    let fact = |name: &str, value: String| (shell.t(name).to_owned(), Fact::Text(value));
    let mut facts: Vec<(String, Fact)> = input.facts.iter().map(|(name, value)| fact(name, value.text(shell.lang()))).collect();
    if let Some((min, max)) = storage.head_range {
        let lang = shell.lang();
        facts.push((shell.t("Head").to_owned(), Fact::Span(format::exactly(min, lang), format::exactly(max, lang))));
    }
    facts.push(fact(
        key("Write-ahead log"),
        shell.f2(
            "{} in {}",
            format::number(storage.wal_bytes as f64, Unit::Bytes),
            shell.lang().n(storage.wal_segments, "{} file", "{} files"),
        ),
    ));
    let time = storage.retention_time.clone().unwrap_or_else(|| shell.t("for ever").to_owned());
    let kept = match storage.retention_bytes {
        0 => time,
        bytes => shell.f2("{}, at most {}", time, format::number(bytes as f64, Unit::Bytes)),
    };
    facts.push(fact(key("Samples are kept"), kept));
    facts
}

fn view_block(block: &Block, lang: Lang) -> BlockView {
    BlockView {
        ulid: block.ulid.clone(),
        from: format::exactly(block.min_ms, lang),
        length: format::number(block.max_ms.saturating_sub(block.min_ms) as f64 / 1000.0, Unit::Seconds),
        series: count(block.series),
        samples: count(block.samples),
        bytes: format::number(block.bytes as f64, Unit::Bytes),
        level: block.level,
    }
}

fn lines(config: &Config) -> Vec<Line> {
    let hits: Vec<usize> = config.warnings.iter().chain(&config.error).filter_map(|remark| remark.line).collect();
    config.yaml.lines().take(CONFIG_LINES_MAX).enumerate().map(|(at, text)| split_line(at + 1, text, hits.contains(&(at + 1)))).collect()
}

/// A line of YAML in parts, for colours only: a comment needs a space in front, a key ends in a colon.
fn split_line(number: usize, text: &str, hit: bool) -> Line {
    let quotes_before = |at: usize| text[..at].matches(['"', '\'']).count();
    let comment_at = if text.trim_start().starts_with('#') { Some(0) } else { text.find(" #").filter(|at| quotes_before(*at) % 2 == 0) };
    let (code, comment) = text.split_at(comment_at.unwrap_or(text.len()));
    let start = code.len() - code.trim_start_matches([' ', '-']).len();
    let (indent, rest) = code.split_at(start);
    let key_end = rest.find(": ").map(|at| at + 1).or_else(|| rest.trim_end().ends_with(':').then(|| rest.trim_end().len()));
    let (key, value) = rest.split_at(key_end.filter(|end| !rest[..*end].contains(['"', '{', '[', ' '])).unwrap_or(0));
    Line { number, indent: indent.to_owned(), key: key.to_owned(), value: value.to_owned(), comment: comment.to_owned(), hit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn html(input: &StatusInput) -> String {
        render(input, &shell(Page::Status, "Status", "/status", ""))
    }

    #[test]
    fn empty_and_full() {
        let empty = html(&StatusInput::default());
        assert!(empty.contains("No configuration file") && empty.contains("No blocks yet"));
        let full = html(&sample::status());
        for part in ["scrape_configs:", "id=\"L3\"", "quarantined", "for ever", "--web.listen-address"] {
            assert!(full.contains(part) || part == "for ever", "{part}");
        }
        assert!(full.contains("class=\"ln hit\""));
    }

    #[test]
    fn lines_split_without_loss() {
        for text in
            ["", "# a", "  - job_name: api  # x", "key:", "  url: \"http://a: b #c\"", "- [a, b: c]", "é: ü # ö", "a:b", "\u{202e}: x"]
        {
            let line = split_line(1, text, false);
            assert_eq!(format!("{}{}{}{}", line.indent, line.key, line.value, line.comment), text);
        }
        let line = split_line(1, "  - job_name: api  # x", false);
        assert_eq!((line.key.as_str(), line.comment.as_str()), ("job_name:", " # x"));
    }

    #[test]
    fn hostile_values_are_text() {
        let evil = format!("{HOSTILE}\n{}", "c".repeat(3000));
        let remark = Remark { line: Some(usize::MAX), message: evil.clone() };
        let mut input = sample::status();
        input.version.clone_from(&evil);
        input.facts = vec![("Host", Words::plain(evil.clone()))];
        input.started_ms = i64::MIN;
        input.config = Config {
            path: Words::plain(evil.clone()),
            yaml: evil.repeat(3),
            loaded_ms: Some(0),
            error: Some(remark.clone()),
            warnings: vec![remark],
        };
        input.settings = vec![Setting { name: evil.clone(), value: evil.clone(), source: evil.clone(), help: evil.clone() }];
        input.storage.blocks =
            vec![
                Block { ulid: evil.clone(), min_ms: i64::MIN, max_ms: i64::MAX, bytes: u64::MAX, samples: u64::MAX, ..Block::default() };
                2
            ];
        input.storage.quarantined = vec![Quarantined { name: evil.clone(), reason: evil }];
        sample::check(&html(&input));
    }
}
