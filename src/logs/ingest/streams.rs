//! Label sets of streams, known again by their text: streams are few and requests many.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_128_with_secret;

use super::limits::{LineLimits, REMEMBERED_BYTES_MAX, or_none};
use super::refusal::shortened;
use crate::base::limits::{LABEL_SET_BYTES_MAX, LABELS_PER_SERIES_MAX};
use crate::logs::model::level::LineLevel;
use crate::series::labels::{Labels, LabelsBuilder, is_legacy_label_name};

/// The label that names the service of a stream.
pub const SERVICE_NAME: &str = "service_name";
/// Its value where no label names one.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// What a remembered stream takes beside its labels.
const ENTRY_BYTES: usize = 128;
const SHARDS: usize = 16;

/// A label set as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownStream {
    /// The labels, with `service_name`.
    pub labels: Labels,
    /// The level that a label gives to all lines of the stream.
    pub level: Option<LineLevel>,
}

/// Makes label sets and remembers them by the bytes that senders write for them.
pub struct Streams {
    shards: Box<[Mutex<Shard>]>,
    bytes_max: usize,
    /// Unguessable, so that nobody can make two label sets collide.
    secret: [u8; 192],
}

#[derive(Default)]
struct Shard {
    young: HashMap<u128, Arc<KnownStream>>,
    old: HashMap<u128, Arc<KnownStream>>,
    young_bytes: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(REMEMBERED_BYTES_MAX)
    }
}

impl Streams {
    /// Remembers at most twice so many bytes of label sets.
    pub fn new(bytes_max: usize) -> Self {
        let mut secret = [0u8; 192];
        let random = RandomState::new();
        for (index, chunk) in secret.chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&random.hash_one(index).to_le_bytes());
        }
        Self { shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect(), bytes_max: bytes_max / SHARDS, secret }
    }

    /// The stream of a text such as `{app="a", env="b"}`, or why it is none.
    pub fn of_text(&self, text: &[u8], limits: &LineLimits) -> Result<Arc<KnownStream>, String> {
        self.known(text, || {
            let invalid = |why: &str| format!("Error parsing labels '{}' with error: {why}", shortened(&String::from_utf8_lossy(text)));
            let text = std::str::from_utf8(text).map_err(|_| invalid("the labels are not UTF-8"))?;
            let pairs = parse_labels(text).map_err(|error| invalid(&error))?;
            checked(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), limits)
        })
    }

    /// The stream of some pairs, or why it is none. `key` are bytes that no other pairs have.
    pub fn of_pairs<'a>(
        &self,
        key: &[u8],
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
        limits: &LineLimits,
    ) -> Result<Arc<KnownStream>, String> {
        self.known(key, || checked(pairs, limits))
    }

    /// Forgets all.
    pub fn forget(&self) {
        for shard in &self.shards {
            *shard.lock() = Shard::default();
        }
    }

    fn known(&self, key: &[u8], make: impl FnOnce() -> Result<KnownStream, String>) -> Result<Arc<KnownStream>, String> {
        let hash = xxh3_128_with_secret(key, &self.secret);
        let shard = &self.shards[(hash >> 64) as usize % SHARDS];
        {
            let mut shard = shard.lock();
            if let Some(stream) = shard.young.get(&hash) {
                return Ok(Arc::clone(stream));
            }
            if let Some(stream) = shard.old.remove(&hash) {
                self.put(&mut shard, hash, &stream);
                return Ok(stream);
            }
        }
        let stream = Arc::new(make()?);
        self.put(&mut shard.lock(), hash, &stream);
        Ok(stream)
    }

    fn put(&self, shard: &mut Shard, hash: u128, stream: &Arc<KnownStream>) {
        let bytes = stream.labels.packed().len() + ENTRY_BYTES;
        if shard.young_bytes + bytes > self.bytes_max {
            shard.old = std::mem::take(&mut shard.young);
            shard.young_bytes = 0;
        }
        shard.young_bytes += bytes;
        shard.young.insert(hash, Arc::clone(stream));
    }
}

/// Checks a label set against the limits, and adds the name of the service.
fn checked<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, limits: &LineLimits) -> Result<KnownStream, String> {
    let mut builder = LabelsBuilder::new();
    let (mut count, mut bytes) = (0, 0);
    for (name, value) in pairs {
        count += 1;
        bytes += name.len() + value.len();
        if count > LABELS_PER_SERIES_MAX || bytes > LABEL_SET_BYTES_MAX {
            return Err(format!(
                "a stream may have {LABELS_PER_SERIES_MAX} labels and {LABEL_SET_BYTES_MAX} bytes of labels at most; this one has more"
            ));
        }
        if builder.get(name).is_some() {
            return Err(format!("stream '{}' has duplicate label name: '{}'", named(&builder), shortened(name)));
        }
        builder.set(name, value);
    }
    let stream = || shortened(&builder.build().to_string());
    let own = builder.iter().filter(|(name, _)| *name != SERVICE_NAME).count();
    if builder.iter().next().is_none() {
        return Err("error at least one label pair is required per stream".to_owned());
    }
    if own > or_none(limits.label_names_max) {
        return Err(format!("entry for stream '{}' has {own} label names; limit {}", stream(), limits.label_names_max));
    }
    for (name, value) in builder.iter() {
        if !is_legacy_label_name(name) {
            return Err(format!(
                "stream '{}' has a label name that is none: '{}'; letters, digits and _ are allowed, and no digit first",
                stream(),
                shortened(name)
            ));
        }
        if name.len() > or_none(limits.label_name_bytes_max) {
            return Err(format!("stream '{}' has label name too long: '{}'", stream(), shortened(name)));
        }
        if value.len() > or_none(limits.label_value_bytes_max) {
            return Err(format!("stream '{}' has label value too long: '{}'", stream(), shortened(value)));
        }
    }
    let level = LineLevel::of_fields(builder.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    if !limits.service_labels.is_empty() && builder.get(SERVICE_NAME).is_none() {
        let service = limits.service_labels.iter().find_map(|name| builder.get(name)).unwrap_or(UNKNOWN_SERVICE).to_owned();
        builder.set(SERVICE_NAME, &service);
    }
    Ok(KnownStream { labels: builder.build(), level })
}

fn named(builder: &LabelsBuilder) -> String {
    shortened(&builder.build().to_string())
}

/// Reads `{a="b", c="d"}`. The error says where it went wrong, in bytes from 1, as Loki's `1:7: parse error: …`.
pub fn parse_labels(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut from = Reader { text, at: 0 };
    let mut pairs = Vec::new();
    from.skip_blanks();
    from.expect('{')?;
    loop {
        from.skip_blanks();
        if from.take('}') {
            break;
        }
        let name = from.name()?;
        from.skip_blanks();
        from.expect('=')?;
        from.skip_blanks();
        pairs.push((name, from.string()?));
        if pairs.len() > LABELS_PER_SERIES_MAX {
            return Err(from.wrong(&format!("more than {LABELS_PER_SERIES_MAX} labels")));
        }
        from.skip_blanks();
        if !from.take(',') {
            from.expect('}')?;
            break;
        }
    }
    from.skip_blanks();
    if from.at < text.len() {
        return Err(from.wrong("unexpected text after the labels"));
    }
    Ok(pairs)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn wrong(&self, what: &str) -> String {
        format!("1:{}: parse error: {what}", self.at + 1)
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.rest().starts_with(wanted);
        self.at += if is_there { wanted.len_utf8() } else { 0 };
        is_there
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(match self.rest().chars().next() {
            Some(found) => self.wrong(&format!("unexpected {found:?}, expected {wanted:?}")),
            None => self.wrong(&format!("unexpected end of the labels, expected {wanted:?}")),
        })
    }

    fn name(&mut self) -> Result<String, String> {
        let end = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest().len());
        let name = &self.rest()[..end];
        if !is_legacy_label_name(name) {
            return Err(match self.rest().chars().next() {
                Some(found) => self.wrong(&format!("unexpected {found:?}, expected the name of a label or '}}'")),
                None => self.wrong("unexpected end of the labels"),
            });
        }
        let name = name.to_owned();
        self.at += end;
        Ok(name)
    }

    fn string(&mut self) -> Result<String, String> {
        if self.take('`') {
            let Some(end) = self.rest().find('`') else { return Err(self.wrong("the string has no end")) };
            let value = self.rest()[..end].to_owned();
            self.at += end + 1;
            return Ok(value);
        }
        self.expect('"')?;
        let mut value = Vec::new();
        loop {
            let bytes = self.rest().as_bytes();
            let Some(end) = memchr::memchr3(b'"', b'\\', b'\n', bytes) else { return Err(self.wrong("the string has no end")) };
            value.extend_from_slice(&bytes[..end]);
            self.at += end;
            match self.text.as_bytes()[self.at] {
                b'"' => {
                    self.at += 1;
                    return String::from_utf8(value).map_err(|_| self.wrong("the string is not UTF-8"));
                }
                b'\n' => return Err(self.wrong("a line break in a string; write it as \\n")),
                _ => self.escape(&mut value)?,
            }
        }
    }

    /// An escape of Go's strings.
    fn escape(&mut self, value: &mut Vec<u8>) -> Result<(), String> {
        let wrong = self.wrong("this escape is not known");
        let rest = &self.rest()[1..];
        let kind = rest.chars().next().ok_or_else(|| wrong.clone())?;
        let simple = match kind {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '"' | '\'' => kind as u8,
            _ => 0,
        };
        if simple != 0 {
            value.push(simple);
            self.at += 2;
            return Ok(());
        }
        let (digits, radix, skip) = match kind {
            'x' => (2, 16, 1),
            'u' => (4, 16, 1),
            'U' => (8, 16, 1),
            '0'..='7' => (3, 8, 0),
            _ => return Err(wrong),
        };
        let text = rest.get(skip..skip + digits).ok_or_else(|| wrong.clone())?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let number = u32::from_str_radix(text, radix).map_err(|_| wrong.clone())?;
        if digits > 3 {
            let c = char::from_u32(number).ok_or(wrong)?;
            value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            value.push(u8::try_from(number).map_err(|_| wrong)?);
        }
        self.at += 1 + skip + digits;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        Streams::default().of_text(text.as_bytes(), &LineLimits::default()).map(|stream| stream.labels.to_string())
    }

    #[test]
    fn label_texts_are_read() {
        for (text, labels) in [
            (r#"{app="a"}"#, r#"{app="a", service_name="a"}"#),
            (r#"{ env = "x" , job="j", }"#, r#"{env="x", job="j", service_name="j"}"#),
            (r#"{z="\"q\"\\\n\x41\u00e9\101"}"#, r#"{service_name="unknown_service", z="\"q\"\\\nAéA"}"#),
            ("{z=`a\\b`}", r#"{service_name="unknown_service", z="a\\b"}"#),
            (r#"{service_name="s",app="a",e=""}"#, r#"{app="a", service_name="s"}"#),
        ] {
            assert_eq!(of(text).as_deref(), Ok(labels), "{text}");
        }
        for (text, wrong) in [
            ("", "1:1: parse error: unexpected end of the labels, expected '{'"),
            ("{a=\"b\"", "1:7: parse error: unexpected end of the labels, expected '}'"),
            ("{a}", "1:3: parse error: unexpected '}', expected '='"),
            ("{1a=\"b\"}", "1:2: parse error: unexpected '1', expected the name of a label or '}'"),
            ("{a=\"b\"} x", "1:9: parse error: unexpected text after the labels"),
            ("{a=\"\\q\"}", "1:5: parse error: this escape is not known"),
            ("{a=\"\\", "1:5: parse error: this escape is not known"),
            ("{a=\"\\xé\"}", "1:5: parse error: this escape is not known"),
            ("{a=\"\\xff\"}", "1:10: parse error: the string is not UTF-8"),
        ] {
            assert_eq!(of(text), Err(format!("Error parsing labels '{text}' with error: {wrong}")));
        }
        for text in ["{}", "{a=\"\"}"] {
            assert_eq!(of(text).unwrap_err(), "error at least one label pair is required per stream");
        }
        assert_eq!(of("{a=\"1\", a=\"2\"}").unwrap_err(), "stream '{a=\"1\"}' has duplicate label name: 'a'");
    }

    #[test]
    fn limits_are_said() {
        let limits = LineLimits { label_names_max: 1, label_name_bytes_max: 3, label_value_bytes_max: 2, ..LineLimits::default() };
        let streams = Streams::default();
        let refused = |text: &str| streams.of_text(text.as_bytes(), &limits).unwrap_err();
        assert_eq!(refused("{a=\"1\", b=\"2\"}"), "entry for stream '{a=\"1\", b=\"2\"}' has 2 label names; limit 1");
        assert_eq!(refused("{abcd=\"1\"}"), "stream '{abcd=\"1\"}' has label name too long: 'abcd'");
        assert_eq!(refused("{a=\"123\"}"), "stream '{a=\"123\"}' has label value too long: '123'");
        assert!(streams.of_text(b"{app=\"1\"}", &limits).is_ok(), "what the server adds does not count");
        let many: Vec<String> = (0..1000).map(|number| format!("a{number}=\"x\"")).collect();
        assert!(refused(&format!("{{{}}}", many.join(","))).contains("more than 512 labels"));
    }

    #[test]
    fn streams_are_known_again_and_memory_is_bounded() {
        let streams = Streams::new(SHARDS * 10_000);
        let limits = LineLimits::default();
        let first = streams.of_text(b"{app=\"first\", level=\"ERROR\"}", &limits).unwrap();
        assert_eq!(first.level, Some(LineLevel::Error));
        for number in 0..20_000 {
            streams.of_text(format!("{{app=\"{number}\"}}").as_bytes(), &limits).unwrap();
            let again = streams.of_text(b"{app=\"first\", level=\"ERROR\"}", &limits).unwrap();
            assert!(Arc::ptr_eq(&first, &again), "what is used stays");
        }
        let len = |shard: &Shard| shard.young.len() + shard.old.len();
        let held: usize = streams.shards.iter().map(|shard| len(&shard.lock())).sum();
        assert!(held < SHARDS * 160, "{held}");
        streams.forget();
        assert!(!Arc::ptr_eq(&first, &streams.of_text(b"{app=\"first\", level=\"ERROR\"}", &limits).unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _refused = of(&text);
            let _refused = of(&format!("{{a=\"{text}"));
        }
    }
}
