//! Follows rule files: what changes on disk is evaluated without being asked, once it is whole and right.
//!
//! Files are looked at every few seconds rather than by the kernel's notices: those do not come over network file systems,
//! nor when a link to a folder is turned to another one, as Kubernetes does.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use super::configuration::Configuration;
use crate::platform::config::path;

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// A file as its folder tells of it: path, device, inode, size, and when it was written (ns).
type Seen = (String, u64, u64, u64, i128);

/// What the rule files look like. A file that cannot be looked at is not there. Blocking.
fn look(patterns: &[String]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for file in patterns.iter().flat_map(|pattern| path::glob(pattern).unwrap_or_default()) {
        if let Ok(about) = std::fs::metadata(&file) {
            let written = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
            seen.push((file, about.dev(), about.ino(), about.size(), written));
        }
    }
    seen
}

/// Follows until it is aborted.
pub(super) async fn follow(configuration: Arc<Configuration>) {
    let mut known = None;
    let mut changing = None;
    loop {
        let patterns = configuration.loaded().config.rule_files.clone();
        // Other patterns are a reload, which reads the files itself.
        let now = (patterns.clone(), tokio::task::spawn_blocking(move || look(&patterns)).await.unwrap_or_default());
        match &known {
            Some((patterns, _)) if *patterns != now.0 => known = Some(now),
            Some(before) if *before == now => changing = None,
            // Read once it looks the same twice: whoever writes it may not have finished.
            Some(_) if changing.as_ref() == Some(&now) => {
                let configuration = Arc::clone(&configuration);
                if tokio::task::spawn_blocking(move || configuration.reload_rules()).await.is_err() {
                    tracing::error!("reading changed rule files panicked");
                }
                (known, changing) = (Some(now), None);
            }
            Some(_) => changing = Some(now),
            None => known = Some(now),
        }
        tokio::time::sleep(if changing.is_some() { EVERY / 5 } else { EVERY }).await;
    }
}
