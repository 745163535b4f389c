//! Collectors `meminfo` and `vmstat`.

use super::files::{read, unexpected};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn meminfo(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("meminfo");
    for line in read(&path)?.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(name), Some(value)) = (fields.next(), fields.next().and_then(|field| field.parse::<f64>().ok())) else {
            return Err(unexpected(&path, line));
        };
        // `Active(anon):` becomes `Active_anon`.
        let name = name.trim_end_matches(':').replace('(', "_").replace(')', "");
        let (metric, value) = if fields.next() == Some("kB") {
            (format!("node_memory_{name}_bytes"), value * 1024.0)
        } else {
            (format!("node_memory_{name}"), value)
        };
        page.gauge(&metric, &format!("Memory: the kernel's {name}."), value);
    }
    Ok(Outcome::Written)
}

pub(super) fn vmstat(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("vmstat");
    for line in read(&path)?.lines() {
        let Some((name, value)) = line.split_once(' ') else { return Err(unexpected(&path, line)) };
        let wanted = name == "oom_kill" || ["pgpg", "pswp"].iter().any(|start| name.starts_with(start)) || is_fault(name);
        if wanted && let Ok(value) = value.trim().parse() {
            let metric = format!("node_vmstat_{name}");
            page.family(&metric, "untyped", &format!("Virtual memory: the kernel's {name}."));
            page.sample(&metric, &[], value);
        }
    }
    Ok(Outcome::Written)
}

/// `pg…fault` counters.
fn is_fault(name: &str) -> bool {
    name.starts_with("pg") && name.contains("fault") && matches!(name, "pgfault" | "pgmajfault")
}
