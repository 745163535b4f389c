//! The command line: what there is, and who does it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::examples::*;
use super::{
    alert_tools, analyze, ask, ask_logs, backup, check_alertmanager, check_blackbox, check_dashboard, check_logql, configuration, edge,
    health, import, serve, test_rules, user,
};
use crate::base::clock::{Clock, SystemClock};
use crate::metrics::lint;
use crate::platform::config::flags::ServeFlags;

/// Metrics, logs, alerts, uptime and dashboards for a small team in one binary.
///
/// Start it with `pharos serve` and open http://localhost:9090. Your prometheus.yml works as it is:
/// `pharos serve --config prometheus.yml`.
#[derive(Debug, Parser)]
#[command(name = "pharos", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server. This is what `pharos` does when no command is named.
    ///
    /// Without a configuration file it shows this host's metrics and its own. Settings stand in the file under
    /// `pharos:`, as flags, and as PHAROS_* variables; flags win over variables, variables over the file. `-h` shows
    /// the flags in short, `--help` with their other names: those of Prometheus are taken too.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<ServeFlags>),
    /// Check files, metrics or a running server.
    #[command(subcommand, after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Ask a running server.
    #[command(subcommand, after_help = QUERY_EXAMPLES)]
    Query(Query),
    /// Ask a running server for log lines.
    #[command(subcommand, after_help = LOGS_EXAMPLES)]
    Logs(Logs),
    /// Run unit tests.
    #[command(subcommand, after_help = TEST_EXAMPLES)]
    Test(Test),
    /// See where alerts would go, and what ready rules there are.
    #[command(subcommand, after_help = ALERTS_EXAMPLES)]
    Alerts(AlertTools),
    /// Bring data in from elsewhere.
    #[command(subcommand, after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Manage who may sign in, also while the server runs and when everybody is locked out.
    ///
    /// Works on the data folder, so it needs the rights of the server's own user; a running server takes changes over
    /// within a second. Every change stands in the audit log.
    #[command(after_help = USER_EXAMPLES)]
    User {
        #[command(flatten)]
        place: user::Place,
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Look into storage.
    #[command(subcommand, after_help = ANALYZE_EXAMPLES)]
    Tsdb(Tsdb),
    /// Write everything a server keeps into one file.
    ///
    /// The server goes on meanwhile; everything it acknowledged before is in the file. Configuration files are not. For a
    /// server that does not run, name its folder with --data-dir.
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(backup::BackupArgs),
    /// Read a backup back into an empty folder.
    ///
    /// Everything is checked before anything is put in place. Start the server on the folder afterwards.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(backup::RestoreArgs),
    /// Print completions for a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Check configuration files; names file, line, column and mistake.
    #[command(after_help = CONFIG_EXAMPLES)]
    Config {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Fail on warnings too, such as unknown keys.
        #[arg(long)]
        strict: bool,
    },
    /// Check Prometheus' web config files, with the certificates that they name; names file, line, column and mistake.
    #[command(after_help = WEB_CONFIG_EXAMPLES)]
    WebConfig {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check files of recording and alerting rules; names file, line, column and mistake.
    #[command(after_help = RULES_EXAMPLES)]
    Rules {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check files that say who is told of alerts, in the form of Alertmanager's; names file, line, column and mistake.
    #[command(after_help = ALERTMANAGER_EXAMPLES)]
    Alertmanager {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check files that say how to probe, in the form of blackbox_exporter's; names file, line, column and mistake.
    #[command(after_help = BLACKBOX_EXAMPLES)]
    Blackbox {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check a page of metrics for what scrapers and people stumble over. Reads standard input without a file.
    #[command(after_help = LINT_EXAMPLES)]
    Metrics {
        /// The page, in the text format.
        file: Option<PathBuf>,
    },
    /// Check a LogQL query, or words as the search bar takes them, and print it as LogQL in order; names line, column and
    /// mistake. Reads standard input without a query.
    #[command(after_help = LOGQL_EXAMPLES)]
    Logql {
        /// The query.
        #[arg(allow_hyphen_values = true)]
        query: Option<String>,
    },
    /// Check dashboards in Grafana's JSON: what of them is understood, panel by panel; fails where one does not work.
    #[command(after_help = DASHBOARD_EXAMPLES)]
    Dashboard {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Ask whether a server is running.
    #[command(after_help = HEALTHY_EXAMPLES)]
    Healthy(health::HealthArgs),
    /// Ask whether a server takes requests.
    #[command(after_help = READY_EXAMPLES)]
    Ready(health::HealthArgs),
}

#[derive(Debug, Subcommand)]
enum Test {
    /// Run unit tests of rules, in promtool's format: series written by hand, and the alerts and numbers that must come
    /// out.
    ///
    /// Rules over logs are tested with lines: `input_lines` is a list of entries with `stream`, `line`, and, if you like,
    /// `at`, `every`, `times` and `metadata`.
    #[command(after_help = TEST_RULES_EXAMPLES)]
    Rules(test_rules::TestRulesArgs),
}

#[derive(Debug, Subcommand)]
enum AlertTools {
    /// Draw routes, or say where an alert would go.
    #[command(subcommand, after_help = ROUTES_EXAMPLES)]
    Routes(alert_tools::Routes),
    /// List the packs of ready rules with their thresholds, or print the rule file of one.
    ///
    /// The settings alerts.packs and alerts.thresholds put them in force.
    #[command(after_help = PACKS_EXAMPLES)]
    Packs(alert_tools::PacksArgs),
}

#[derive(Debug, Subcommand)]
enum Query {
    /// Evaluate a PromQL expression at one time.
    #[command(after_help = INSTANT_EXAMPLES)]
    Instant(ask::InstantArgs),
    /// Evaluate a PromQL expression over a range of time.
    #[command(after_help = RANGE_EXAMPLES)]
    Range(ask::RangeArgs),
    /// List series.
    #[command(after_help = SERIES_EXAMPLES)]
    Series(ask::SeriesArgs),
    /// List label names, or the values of one label.
    #[command(after_help = LABELS_EXAMPLES)]
    Labels(ask::LabelsArgs),
}

#[derive(Debug, Subcommand)]
enum Logs {
    /// Print the lines that a LogQL query finds, the newest first, or the numbers of a metric query.
    #[command(after_help = LOGS_QUERY_EXAMPLES)]
    Query(ask_logs::QueryArgs),
    /// Print lines as they come, until you press Ctrl-C.
    #[command(after_help = LOGS_TAIL_EXAMPLES)]
    Tail(ask_logs::TailArgs),
    /// List the names of labels, or the values of one label.
    #[command(after_help = LOGS_LABELS_EXAMPLES)]
    Labels(ask_logs::LabelsArgs),
}

#[derive(Debug, Subcommand)]
enum Import {
    /// Import samples with timestamps from a file in the OpenMetrics format.
    ///
    /// The server must not run on the data folder meanwhile. Give `--retention-time` on its next start when the
    /// samples are older than what is kept.
    #[command(after_help = IMPORT_EXAMPLES)]
    Openmetrics(import::OpenMetricsArgs),
    /// Import log lines from a file that `logcli query -o jsonl` or `pharos logs query -o jsonl` wrote.
    ///
    /// The server must not run on the data folder meanwhile. Lines that are there already stay single. Give
    /// `--logs.retention-time` on its next start when the lines are older than what is kept.
    #[command(after_help = IMPORT_LOKI_EXAMPLES)]
    LokiExport(import::LokiExportArgs),
}

#[derive(Debug, Subcommand)]
enum Tsdb {
    /// Show what series are made of: the metrics, labels and label pairs with most series, those that come and go most,
    /// and the blocks.
    ///
    /// Asks a running server about what it has in memory, or reads a data folder whole, log and blocks, without one.
    #[command(after_help = ANALYZE_EXAMPLES)]
    Analyze(analyze::AnalyzeArgs),
}

/// Runs the command; the exit code is 0 for success, 1 for a failure, 2 for a wrong command line. `release` gives memory
/// that was freed back to the system.
pub fn run(release: fn()) -> ExitCode {
    match execute(parsed(std::env::args_os()).unwrap_or_else(|error| error.exit()).command, release) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output went away (`pharos … | head`): nothing is wrong.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            let said = writeln!(io::stderr(), "pharos: {}", explained(&error));
            debug_assert!(said.is_ok(), "standard error is open");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line. A server and a folder cannot both be what is backed up or looked into; where one of them is
/// only in the environment, the one on the command line counts.
fn parsed(args: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(with_command(args))?;
    let mut below = &matches;
    while let Some((_, next)) = below.subcommand() {
        below = next;
    }
    let is_given = |id: &str| {
        let is_known = below.ids().any(|known| known.as_str() == id);
        is_known && below.value_source(id) == Some(ValueSource::CommandLine)
    };
    if is_given("url") && is_given("data_dir") {
        return Err(command.error(
            ErrorKind::ArgumentConflict,
            "--url and --data-dir cannot be used together: one asks a server, the other reads a folder",
        ));
    }
    Cli::from_arg_matches(&matches)
}

/// What went wrong and why, each cause once: some errors name theirs already.
fn explained(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for said in error.chain().map(ToString::to_string) {
        if text.contains(&said) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&said);
    }
    text
}

/// Without a command, what is given is for `serve`.
fn with_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let names_none = args.get(1).is_none_or(|first| {
        let first = first.to_string_lossy();
        first.starts_with("--") && !matches!(&*first, "--help" | "--version")
    });
    if names_none {
        args.insert(args.len().min(1), "serve".into());
    }
    args
}

fn execute(command: Command, release: fn()) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match command {
        Command::Serve(flags) => serve::run(*flags, release),
        Command::Check(Check::Config { files, strict }) => configuration::check(&files, strict, &mut out),
        Command::Check(Check::WebConfig { files }) => edge::check(&files, &SystemClock::new(), &mut out),
        Command::Check(Check::Rules { files }) => configuration::check_rules(&files, &mut out),
        Command::Check(Check::Alertmanager { files }) => check_alertmanager::check(&files, &mut out),
        Command::Check(Check::Blackbox { files }) => check_blackbox::check(&files, &mut out),
        Command::Check(Check::Metrics { file }) => check_metrics(file, &mut out),
        Command::Check(Check::Logql { query }) => check_logql::check(query, &mut out),
        Command::Check(Check::Dashboard { files }) => check_dashboard::check(&files, &mut out),
        Command::Check(Check::Healthy(server)) => on_runtime(health::check(server, "-/healthy", &mut out)),
        Command::Check(Check::Ready(server)) => on_runtime(health::check(server, "-/ready", &mut out)),
        Command::Test(Test::Rules(args)) => test_rules::run(&args, &mut out, &mut io::stderr()),
        Command::Alerts(AlertTools::Routes(alert_tools::Routes::Show(args))) => alert_tools::show(&args, &mut out),
        Command::Alerts(AlertTools::Routes(alert_tools::Routes::Test(args))) => alert_tools::test(&args, &mut out),
        Command::Alerts(AlertTools::Packs(args)) => alert_tools::packs(&args, &mut out),
        Command::Query(Query::Instant(args)) => on_runtime(ask::instant(args, &mut out)),
        Command::Query(Query::Range(args)) => on_runtime(ask::range(args, SystemClock::new().now_ms(), &mut out)),
        Command::Query(Query::Series(args)) => on_runtime(ask::series(args, &mut out)),
        Command::Query(Query::Labels(args)) => on_runtime(ask::labels(args, &mut out)),
        Command::Logs(Logs::Query(args)) => on_runtime(ask_logs::query(args, SystemClock::new().now_ms(), &mut out)),
        Command::Logs(Logs::Tail(args)) => on_runtime(ask_logs::tail(args, &SystemClock::new(), &mut out)),
        Command::Logs(Logs::Labels(args)) => on_runtime(ask_logs::labels(args, &mut out)),
        Command::Import(Import::Openmetrics(args)) => import::openmetrics(&args, &mut out),
        Command::Import(Import::LokiExport(args)) => import::loki_export(&args, &mut out),
        Command::User { place, command } => on_runtime(user::run(&place, command, &mut out)),
        Command::Tsdb(Tsdb::Analyze(args)) => on_runtime(analyze::run(args, &mut out)),
        Command::Backup(args) => backup::create(&args, &mut out),
        Command::Restore(args) => backup::restore(&args, &mut out),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "pharos", &mut out);
            Ok(())
        }
    }
}

fn on_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn check_metrics(file: Option<PathBuf>, out: &mut impl Write) -> anyhow::Result<()> {
    /// A page larger than this is no page.
    const PAGE_BYTES_MAX: u64 = 512 * 1024 * 1024;
    let mut page = Vec::new();
    match &file {
        Some(path) => std::fs::File::open(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .take(PAGE_BYTES_MAX)
            .read_to_end(&mut page)?,
        None => io::stdin().lock().take(PAGE_BYTES_MAX).read_to_end(&mut page)?,
    };
    let problems = lint(&page).map_err(|error| anyhow::anyhow!("error while linting: {error}"))?;
    for problem in &problems {
        writeln!(out, "{} {}", problem.metric, problem.text)?;
    }
    anyhow::ensure!(problems.is_empty(), "{} problems found", problems.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a command line, with single and double quotes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (None, ' ') => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
                _ => word.push(c),
            }
        }
        words.extend((!word.is_empty()).then_some(word));
        words
    }

    fn each(command: &clap::Command, path: &str, check: &mut dyn FnMut(&str, &clap::Command)) {
        check(path, command);
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            each(below, &format!("{path} {}", below.get_name()), check);
        }
    }

    #[test]
    fn every_help_has_examples_that_work() {
        Cli::command().debug_assert();
        each(&Cli::command(), "pharos", &mut |path, command| {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = after.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(after.starts_with("Examples:\n") && !examples.is_empty(), "{path} has no examples");
            for example in examples {
                // What stands before or after, as in `curl … | pharos check metrics`, is the shell's.
                let own = example.find("pharos").map_or("", |at| &example[at..]);
                let own = own.split([')', '|', '>']).next().unwrap_or_default();
                let own = if example.contains("\'") { &example[example.find("pharos").unwrap_or(0)..] } else { own };
                assert!(own.starts_with(path), "{path}: {example}");
                let parsed = Cli::try_parse_from(with_command(words(own).into_iter().map(OsString::from)));
                assert!(parsed.is_ok(), "{example}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
            }
        });
    }

    #[test]
    fn a_server_and_a_folder_are_not_named_together() {
        let parse = |line: &str| parsed(words(line).into_iter().map(OsString::from)).map_err(|error| error.kind());
        for line in ["pharos backup --url http://a --data-dir d f", "pharos tsdb analyze --data-dir d --url http://a"] {
            assert_eq!(parse(line).err(), Some(ErrorKind::ArgumentConflict), "{line}");
        }
        for line in
            ["pharos backup --url http://a f", "pharos backup --data-dir d f", "pharos query instant --url http://a up", "pharos serve"]
        {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot listen: {source}")]
        struct Own {
            source: io::Error,
        }
        let own = || Own { source: io::Error::other("in use") };
        assert_eq!(explained(&own().into()), "cannot listen: in use");
        assert_eq!(explained(&anyhow::Error::from(own()).context("the start")), "the start: cannot listen: in use");
        assert_eq!(explained(&anyhow::anyhow!("why").context("what")), "what: why");
    }

    #[test]
    fn serving_is_what_happens_without_a_command() {
        let with = |args: &[&str]| with_command(args.iter().map(OsString::from)).join(" ".as_ref()).to_string_lossy().into_owned();
        for (args, expected) in [
            (&["pharos"][..], "pharos serve"),
            (&["pharos", "--config", "x"], "pharos serve --config x"),
            (&["pharos", "--config.file=x"], "pharos serve --config.file=x"),
            (&["pharos", "--help"], "pharos --help"),
            (&["pharos", "-V"], "pharos -V"),
            (&["pharos", "query"], "pharos query"),
            (&["pharos", "serve", "--auth", "off"], "pharos serve --auth off"),
        ] {
            assert_eq!(with(args), expected);
        }
    }
}
