//! The front page: this host now, what is scraped, what is wrong.

mod charts;
mod input;
mod problem;

pub use input::{CHECKS_SHOWN, CPU_BUSY_MINUTES, DISK_CRITICAL, DISK_WARNING, Disk, HomeInput, Host, Ingest, Job};
pub use problem::Problem;

use charts::{Chart, charts, cpu_query, memory_queries, network_queries, with_selector};

use crate::series::ports::{CheckNow, ChecksInAll};
use crate::ui::format::{self, Moment, Unit, count};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::{Severity, Shell};
use crate::ui::spark;

/// Problems shown; the rest is a number.
const PROBLEMS_MAX: usize = 6;
/// Targets of a job drawn as bars.
const BARS_MAX: usize = 60;

struct Tile {
    title: String,
    href: String,
    value: String,
    unit: String,
    class: &'static str,
    note: String,
    spark: String,
    colour: &'static str,
    meter: Option<(String, &'static str)>,
}

struct ProblemView {
    severity: Severity,
    title: String,
    detail: String,
    value: String,
    since: Option<Moment>,
    href: String,
}

struct JobView {
    name: String,
    href: String,
    dot: &'static str,
    state: String,
    bars: Vec<&'static str>,
}

struct CheckView {
    name: String,
    href: String,
    dot: &'static str,
    state: String,
    title: String,
    bars: Vec<&'static str>,
}

struct DiskView {
    mount: String,
    used: String,
    share: String,
    class: &'static str,
}

#[derive(askama::Template)]
#[template(path = "metrics/home.html")]
struct HomePage<'a> {
    shell: &'a Shell,
    host: Option<&'a Host>,
    host_metrics: bool,
    uptime: String,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    problems: Vec<ProblemView>,
    problems_total: usize,
    jobs: Vec<JobView>,
    jobs_words: String,
    disks: Vec<DiskView>,
    checks: Vec<CheckView>,
    checks_words: String,
}

/// Renders the page. The shell needs the time range (`now-1h`) and refreshes by itself (`5s`).
pub fn render(input: &HomeInput, shell: &Shell) -> String {
    let host = input.host.as_ref();
    let alerts: Vec<Problem> = input.alerts.worst.iter().map(Problem::alert_fires).collect();
    let mut problems: Vec<&Problem> = input.problems.iter().chain(&alerts).collect();
    problems.sort_by_key(|problem| (problem.severity, problem.since_ms.unwrap_or(i64::MAX)));
    let mut disks: Vec<&Disk> = host.map(|host| host.disks.iter().collect()).unwrap_or_default();
    disks.sort_by(|a, b| b.share().total_cmp(&a.share()));
    page::html(&HomePage {
        shell,
        host,
        host_metrics: input.host_metrics,
        uptime: host.and_then(|host| host.uptime_s).map(|secs| shell.f1("up {}", format::number(secs, Unit::Seconds))).unwrap_or_default(),
        tiles: tiles(input, &disks, shell),
        charts: host.map(charts).unwrap_or_default(),
        problems_total: input.problems.len() + input.alerts.firing,
        problems: problems.iter().take(PROBLEMS_MAX).map(|problem| view_problem(problem, shell)).collect(),
        jobs: view_jobs(&input.jobs, shell),
        jobs_words: jobs_words(&input.jobs, shell),
        checks: input.checks.worst.iter().map(|check| view_check(check, shell)).collect(),
        checks_words: checks_words(&input.checks, shell),
        disks: disks.iter().take(6).map(|disk| view_disk(disk, shell)).collect(),
    })
}

fn tile(title: &str, query: &str, value: Option<f64>, unit: Unit, note: String, recent: &[f64], colour: &'static str) -> Tile {
    let (value, unit) = value.map_or_else(|| ("–".to_owned(), String::new()), |value| format::split(value, unit));
    let class = if value == "–" { "none" } else { "" };
    Tile { title: title.to_owned(), href: links::explore(query), value, unit, class, note, spark: spark::svg(recent), colour, meter: None }
}

fn tiles(input: &HomeInput, disks: &[&Disk], shell: &Shell) -> Vec<Tile> {
    let ingest: &Ingest = &input.ingest;
    let samples = tile(
        shell.t("Samples taken in"),
        "sum(scrape_samples_scraped)",
        Some(ingest.samples_per_second),
        Unit::PerSecond,
        shell.lang().n(ingest.series, "{} series", "{} series"),
        &ingest.recent,
        "--c5",
    );
    let Some(host) = &input.host else {
        let (up, total) = input.jobs.iter().fold((0, 0), |(up, total), job| (up + job.up, total + job.up + job.down + job.unknown));
        let mut targets =
            tile(shell.t("Targets up"), "up", Some(up as f64), Unit::None, shell.f1("of {}", count(total as u64)), &[], "--c1");
        targets.href = links::TARGETS.to_owned();
        let mut series = tile(
            shell.t("Series"),
            "count({__name__!=\"\"})",
            Some(ingest.series as f64),
            Unit::Short,
            shell.t("with recent samples").to_owned(),
            &[],
            "--c1",
        );
        series.href = links::CARDINALITY.to_owned();
        let mut stored = tile(
            shell.t("Kept on disk"),
            "",
            Some(ingest.stored_bytes as f64),
            Unit::Bytes,
            shell.t("blocks and log").to_owned(),
            &[],
            "--c1",
        );
        stored.href = links::STATUS.to_owned();
        return vec![targets, samples, series, stored];
    };
    let on = |metric: &str| with_selector(metric, &host.selector, "");
    let cpu = tile(
        shell.t("CPU"),
        &cpu_query(&host.selector),
        host.cpu,
        Unit::Ratio,
        shell.lang().n(u64::from(host.cores), "{} core", "{} cores"),
        &host.cpu_recent,
        "--c1",
    );
    let memory_note = host.memory_used.filter(|_| host.memory_total > 0.0).map(|used| {
        shell.f2("{} of {}", format::number(used / host.memory_total, Unit::Ratio), format::number(host.memory_total, Unit::Bytes))
    });
    let memory = tile(
        shell.t("Memory used"),
        &memory_queries(&host.selector)[0],
        host.memory_used,
        Unit::Bytes,
        memory_note.unwrap_or_default(),
        &host.memory_recent,
        "--c7",
    );
    let mut disk = tile(
        shell.t("Disk used"),
        &on("node_filesystem_avail_bytes"),
        disks.first().map(|disk| disk.share()),
        Unit::Ratio,
        String::new(),
        &[],
        "--c1",
    );
    if let Some(fullest) = disks.first() {
        let class = share_class(fullest.share());
        disk.note = shell.f2("{}, {} free", &fullest.mount, format::number(fullest.size - fullest.used, Unit::Bytes));
        disk.class = if class == "ok" { "" } else { class };
        disk.meter = Some((format!("{:.1}%", fullest.share() * 100.0), class));
    }
    let out = host.net_out.map(|out| shell.f1("{} out", format::number(out, Unit::BytesPerSecond))).unwrap_or_default();
    let network =
        tile(shell.t("Network in"), &network_queries(&host.selector)[0], host.net_in, Unit::BytesPerSecond, out, &host.net_recent, "--c3");
    let load_note =
        host.load.map(|load| shell.f2("5 min {}, 15 min {}", format::number(load[1], Unit::None), format::number(load[2], Unit::None)));
    let load = tile(
        shell.t("Load, 1 min"),
        &on("node_load1"),
        host.load.map(|load| load[0]),
        Unit::None,
        load_note.unwrap_or_default(),
        &host.load_recent,
        "--c2",
    );
    vec![cpu, memory, disk, network, load, samples]
}

fn view_problem(problem: &Problem, shell: &Shell) -> ProblemView {
    ProblemView {
        severity: problem.severity,
        title: problem.title.text(shell.lang()),
        detail: problem.detail.text(shell.lang()),
        value: problem.value.clone(),
        since: problem.since_ms.map(|at| shell.moment(at)),
        href: problem.href.clone(),
    }
}

fn view_jobs(jobs: &[Job], shell: &Shell) -> Vec<JobView> {
    let mut jobs: Vec<&Job> = jobs.iter().collect();
    jobs.sort_by(|a, b| (b.down > 0, b.unknown > 0).cmp(&(a.down > 0, a.unknown > 0)).then_with(|| a.name.cmp(&b.name)));
    let view = |job: &&Job| {
        let total = job.up + job.down + job.unknown;
        // Down targets are drawn first, so that they are never among those left out.
        let bars = [("d", job.down), ("n", job.unknown), ("", job.up)];
        JobView {
            name: job.name.clone(),
            href: links::with(links::TARGETS, &[("job", &job.name)]),
            dot: if job.down > 0 {
                "crit"
            } else if job.up > 0 {
                "ok"
            } else {
                ""
            },
            state: if job.down > 0 { shell.f2("{} of {} down", job.down, total) } else { shell.f2("{} of {} up", job.up, total) },
            bars: bars.iter().flat_map(|(class, n)| std::iter::repeat_n(*class, *n)).take(BARS_MAX).collect(),
        }
    };
    jobs.iter().map(view).collect()
}

fn jobs_words(jobs: &[Job], shell: &Shell) -> String {
    let (up, down, unknown) = jobs.iter().fold((0, 0, 0), |(up, down, unknown), job| (up + job.up, down + job.down, unknown + job.unknown));
    let mut words = vec![shell.f1("{} up", up)];
    for (n, form) in [(down, key("{} down")), (unknown, key("{} waiting"))] {
        if n > 0 {
            words.push(shell.f1(form, n));
        }
    }
    words.join(shell.lang().comma())
}

fn view_check(check: &CheckNow, shell: &Shell) -> CheckView {
    let (dot, word) = match check.is_up {
        Some(true) => ("ok", key("up")),
        Some(false) => ("crit", key("down")),
        None => ("", key("not known")),
    };
    let took = check.took_s.filter(|_| check.is_up == Some(true)).map(|secs| format::number(secs, Unit::Seconds));
    CheckView {
        name: check.name.clone(),
        href: check.href.clone(),
        dot,
        state: took.unwrap_or_else(|| shell.t(word).to_owned()),
        title: if check.cause.is_empty() { shell.t(word).to_owned() } else { check.cause.clone() },
        bars: check.recent.iter().map(|is_good| if *is_good { "" } else { "d" }).collect(),
    }
}

fn checks_words(checks: &ChecksInAll, shell: &Shell) -> String {
    let mut words = vec![shell.f1("{} up", checks.up)];
    if checks.down > 0 {
        words.push(shell.f1("{} down", checks.down));
    }
    let rest = checks.all.saturating_sub(checks.up + checks.down);
    if rest > 0 {
        words.push(shell.f1("{} not known", rest));
    }
    words.join(shell.lang().comma())
}

fn share_class(share: f64) -> &'static str {
    if share >= DISK_CRITICAL {
        "crit"
    } else if share >= DISK_WARNING {
        "warn"
    } else {
        "ok"
    }
}

fn view_disk(disk: &Disk, shell: &Shell) -> DiskView {
    DiskView {
        mount: disk.mount.clone(),
        used: shell.f2("{} of {}", format::number(disk.used, Unit::Bytes), format::number(disk.size, Unit::Bytes)),
        share: format::number((disk.share() * 1000.0).round() / 1000.0, Unit::Ratio),
        class: share_class(disk.share()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::pages::sample::{self, HOSTILE};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;
    use crate::ui::shell::{Counts, FiringAlert};

    fn html(input: &HomeInput) -> String {
        render(input, &shell(Page::Home, "Home", "/", "").with_range("now-1h").with_refresh("5s"))
    }

    #[test]
    fn nothing_at_all_says_what_to_do() {
        let html = html(&HomeInput::default());
        assert!(html.contains("Host metrics are off") && html.contains("Nothing is scraped yet"));
        assert!(html.contains("Everything is quiet") && !html.contains("<ph-chart"));
    }

    #[test]
    fn a_host_shows_tiles_charts_and_problems_worst_first() {
        let html = html(&sample::home());
        for part in ["CPU by mode", "Memory used", "Disk nearly full", "is down", "data-live", "38.2"] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.find("is down") < html.find("Disk nearly full"));
        assert_eq!(html.matches("<ph-chart").count(), 4);
    }

    #[test]
    fn alerts_that_fire_need_attention_too() {
        let mut input = HomeInput::default();
        let alert = |at: usize| FiringAlert {
            severity: Severity::Warning,
            name: format!("Alert{at}"),
            summary: if at == 1 { HOSTILE.to_owned() } else { String::new() },
            since_ms: 0,
            href: format!("/alerts?f={at}"),
        };
        input.alerts = Counts { firing: 7, worst: (0..6).map(alert).collect() };
        let page = html(&input);
        sample::check(&page);
        assert!(page.contains("Alert5") && page.contains("/alerts?f=5") && !page.contains("is quiet"), "{page}");
        assert!(page.contains("<span class=\"cnt\">7</span>") && page.contains("And 1 more."), "{page}");
    }

    #[test]
    fn checks_are_there_once_there_are_some() {
        let mut input = HomeInput::default();
        assert!(!html(&input).contains("id=\"checks\""));
        let check = |name: &str, is_up| CheckNow {
            name: name.to_owned(),
            href: "/uptime/1".to_owned(),
            is_up,
            cause: if is_up == Some(false) { HOSTILE.to_owned() } else { String::new() },
            recent: vec![true, false, true],
            took_s: Some(0.063),
        };
        let worst = vec![check("Shop", Some(false)), check(HOSTILE, None), check("Site", Some(true))];
        input.checks = ChecksInAll { up: 1, down: 1, all: 4, worst };
        let page = html(&input);
        sample::check(&page);
        assert!(page.contains("1 up, 1 down, 2 not known") && page.contains("63 ms") && page.contains("Shop"), "{page}");
    }

    #[test]
    fn hostile_and_long_values_are_text() {
        let mut input = sample::home();
        let evil = format!("{HOSTILE}{}", "x".repeat(5000));
        input.jobs.push(Job { name: evil.clone(), up: 100_000, down: 1, unknown: 0 });
        input.problems.push(Problem::target_down(&evil, &evil, &evil, Some(i64::MIN)));
        if let Some(host) = &mut input.host {
            host.name.clone_from(&evil);
            host.selector = format!("job={evil:?}");
            host.disks.push(Disk { mount: evil, used: f64::NAN, size: f64::INFINITY });
            host.cpu = Some(f64::NAN);
        }
        sample::check(&html(&input));
    }
}
