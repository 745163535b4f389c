//! Collector `textfile`: adds the families of `*.prom` files that cron jobs and the like write.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

use super::files::{entries, read};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn textfile(host: &Host, page: &mut Page) -> Collected {
    let mut failed = false;
    let mut modified = Vec::new();
    let mut families_seen = HashSet::new();
    if let Some(folder) = &host.settings.textfile_dir {
        for (name, path) in entries(folder) {
            if !name.ends_with(".prom") {
                continue;
            }
            match read(&path).ok().filter(|text| is_sound(text, &mut families_seen)) {
                Some(text) => {
                    page.raw(&text);
                    let time = std::fs::metadata(&path).map(|meta| meta.mtime() as f64 + meta.mtime_nsec() as f64 / 1e9);
                    modified.push((path.to_string_lossy().into_owned(), time.unwrap_or(0.0)));
                }
                None => failed = true,
            }
        }
    }
    if !modified.is_empty() {
        page.family("node_textfile_mtime_seconds", "gauge", "When a file was written last.");
        for (file, time) in &modified {
            page.sample("node_textfile_mtime_seconds", &[("file", file)], *time);
        }
    }
    page.gauge("node_textfile_scrape_error", "Whether a file could not be taken.", f64::from(u8::from(failed)));
    Ok(Outcome::Written)
}

/// One bad line would fail the whole page, so each file is looked over first: shape of lines, no explicit
/// timestamps, no family twice.
fn is_sound(text: &str, families_seen: &mut HashSet<String>) -> bool {
    let own: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_ascii_whitespace().next()).collect();
    let lines_fit = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).all(|line| {
        let after_name = match line.rfind('}') {
            Some(at) => &line[at + 1..],
            None => line.split_once([' ', '\t']).map_or("", |(_, rest)| rest),
        };
        let mut words = after_name.split_ascii_whitespace();
        let has_value = words.next().is_some_and(|word| word.parse::<f64>().is_ok() || matches!(word, "+Inf" | "-Inf" | "NaN"));
        has_value && words.next().is_none()
    });
    lines_fit && own.iter().all(|family| families_seen.insert((*family).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsound_files_are_seen() {
        let mut seen = HashSet::new();
        assert!(is_sound("# TYPE a gauge\na{x=\"}\"} 1\nb +Inf\n", &mut seen));
        for bad in ["a", "a 1 1700000000000", "a{x=\"1\"} one", "# TYPE a gauge\na 1"] {
            assert!(!is_sound(bad, &mut seen), "{bad}");
        }
    }
}
