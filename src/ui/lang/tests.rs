//! The catalogue knows every text that templates, pages and scripts ask for, and holds nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

fn files(folder: &str, end: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(path.to_str().unwrap(), end, found);
        } else if path.to_str().unwrap().ends_with(end) && path.file_stem().unwrap() != "tests" {
            found.push(path);
        }
    }
}

/// The texts that calls in `text` ask for: one-text calls, and counts with two forms (the second is the key).
fn asked(text: &str, one: &str, counted: &str) -> BTreeSet<String> {
    let calls = |pattern: &str| regex::Regex::new(pattern).unwrap();
    let (one, counted) = (calls(one), calls(counted));
    let single = one.captures_iter(text).map(|found| found[1].to_owned());
    let counts = counted.captures_iter(text).map(|found| found[1].to_owned());
    single.chain(counts).filter(|text| text != "{}").collect()
}

#[test]
fn values_counts_and_gaps() {
    assert_eq!(Lang::En.fill("{} of {}", &[&3, &"4 MiB"]), "3 of 4 MiB");
    assert_eq!(Lang::En.n(1, "{} target", "{} targets"), "1 target");
    assert_eq!(Lang::En.n(1204, "{} target", "{} targets"), "1,204 targets");
    assert_eq!(Lang::Ar.t("a text that nobody has translated"), "a text that nobody has translated");
    assert_eq!(Words::plain("{}").text(Lang::En), "{}");
    assert_eq!((Lang::En.ltr("€1".into()), Lang::Ar.ltr("€1".into())), ("€1".into(), "\u{2066}€1\u{2069}".into()));
    assert_eq!(Words::plain("/a b").text(Lang::Ar), "\u{2068}/a b\u{2069}");
    let filled = Lang::Ar.fill("{} of {}", &[&3, &"4 MiB"]);
    assert!(filled.contains("\u{2068}4 MiB\u{2069}"), "{filled}");
    assert!(Lang::Ar.n(2, "{} target", "{} targets").contains("هدفان"));
}

#[test]
fn languages_come_from_cookie_and_header() {
    for (header, lang) in [
        ("", Lang::En),
        ("ar", Lang::Ar),
        ("de, ar-EG;q=0.8, en;q=0.5", Lang::Ar),
        ("en-GB,en;q=0.9,ar;q=0.8", Lang::En),
        ("ar;q=0", Lang::En),
        ("*;q=x, é", Lang::En),
    ] {
        assert_eq!(Lang::accepted(header), lang, "{header}");
    }
}

#[test]
fn nothing_is_missing_and_nothing_is_left_over() {
    let mut wanted = BTreeSet::new();
    let (mut templates, mut sources) = (Vec::new(), Vec::new());
    files("templates", ".html", &mut templates);
    files("src/ui", ".rs", &mut sources);
    files("src/metrics/pages", ".rs", &mut sources);
    files("src/metrics/model", ".rs", &mut sources);
    files("src/metrics/facade", ".rs", &mut sources);
    files("src/logs/pages", ".rs", &mut sources);
    files("src/logs/facade", ".rs", &mut sources);
    files("src/alerts/pages", ".rs", &mut sources);
    files("src/alerts/facade", ".rs", &mut sources);
    files("src/boards/pages", ".rs", &mut sources);
    files("src/boards/facade", ".rs", &mut sources);
    files("src/boards/draw", ".rs", &mut sources);
    files("src/boards/serve", ".rs", &mut sources);
    files("src/uptime/pages", ".rs", &mut sources);
    files("src/uptime/facade", ".rs", &mut sources);
    files("src/slo/pages", ".rs", &mut sources);
    files("src/slo/facade", ".rs", &mut sources);
    files("src/business/pages", ".rs", &mut sources);
    files("src/business/facade", ".rs", &mut sources);
    files("src/business/digest", ".rs", &mut sources);
    files("src/app", ".rs", &mut sources);
    files("src/admin", ".rs", &mut sources);
    for file in templates.iter().chain(&sources) {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        wanted.extend(asked(&code, r#"\b(?:t|f1|f2|fill|html1|Words::new|key)\(\s*"([^"]+)""#, r#"\bn\(.*?,\s*"[^"]+",\s*"([^"]+)"\)"#));
    }
    // Words of other rooms that pages look up by value: types of metrics, sources of settings.
    wanted.extend(["counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram"].map(str::to_owned));
    wanted.extend(["native histogram", "flag", "environment", "file"].map(str::to_owned));
    let missing: Vec<&String> = wanted.iter().filter(|key| !ARABIC.contains_key(key.as_str())).collect();
    assert!(missing.is_empty(), "ar.txt does not know:\n{}", missing.iter().map(|key| key.as_str()).collect::<Vec<_>>().join("\n"));
    let unused: Vec<&&str> = ARABIC.keys().filter(|key| !wanted.contains(**key)).collect();
    assert!(unused.is_empty(), "nothing asks for: {unused:#?}");
    for (key, value) in ARABIC.iter() {
        let places = |text: &str| text.matches("{}").count();
        let forms: Vec<&str> = value.split('|').collect();
        if forms.len() > 1 {
            assert_eq!(forms.len(), 6, "{key}: Arabic has six forms");
        } else {
            assert_eq!(places(key), places(value), "{key}: values are missing");
        }
        assert!(value.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c)), "{key}: {value}");
    }
}

#[test]
fn scripts_find_their_words() {
    let mut sources = Vec::new();
    files("web/islands", ".ts", &mut sources);
    files("web/lib", ".ts", &mut sources);
    // Words of what is fetched later stand in a file of their own.
    let mut catalogues = Vec::new();
    files("web/lang", ".ts", &mut catalogues);
    let is_catalogue = |file: &&PathBuf| file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("ar"));
    let catalogue: Vec<String> = catalogues.iter().filter(is_catalogue).map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let catalogue = catalogue.concat();
    let mut missing = BTreeSet::new();
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        // Keys of tables that are looked up later stand in quotes as well.
        for key in asked(&text, r"\bt\(\s*'([^']+)'", r"\bcounted\(.*?,\s*'[^']+',\s*'([^']+)',?\s*\)") {
            // A key that is a word stands without quotes.
            if !catalogue.contains(&format!("'{key}':")) && !catalogue.contains(&format!(" {key}: ")) {
                missing.insert(key);
            }
        }
    }
    assert!(missing.is_empty(), "web/lang/ar.ts does not know: {missing:#?}");
}
