//! The command line: what there is, and who does it.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use super::{ask, configuration, import, serve};
use crate::base::clock::{Clock, SystemClock};
use crate::metrics::lint;
use crate::platform::config::flags::ServeFlags;

/// Metrics, logs, alerts, uptime and dashboards for a small team in one binary.
///
/// Start it with `pharos serve` and open http://localhost:9090. Your prometheus.yml works as it is:
/// `pharos serve --config prometheus.yml`.
#[derive(Debug, Parser)]
#[command(name = "pharos", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server. This is what `pharos` does when no command is named.
    ///
    /// Without a configuration file it shows this host's metrics and its own. Settings stand in the file under
    /// `pharos:`, as flags, and as PHAROS_* variables; flags win over variables, variables over the file.
    Serve(Box<ServeFlags>),
    /// Check files, metrics or a running server.
    #[command(subcommand)]
    Check(Check),
    /// Ask a running server.
    #[command(subcommand)]
    Query(Query),
    /// Bring data in from elsewhere.
    #[command(subcommand)]
    Import(Import),
    /// Look into storage.
    #[command(subcommand)]
    Tsdb(Tsdb),
    /// Print completions for a shell: `source <(pharos completions bash)`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Check configuration files; names file, line, column and mistake.
    Config {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check a page of metrics for what scrapers and people stumble over. Reads standard input without a file.
    Metrics {
        /// The page, in the text format.
        file: Option<PathBuf>,
    },
    /// Ask whether a server is running.
    Healthy(ask::ServerArgs),
    /// Ask whether a server takes requests.
    Ready(ask::ServerArgs),
}

#[derive(Debug, Subcommand)]
enum Query {
    /// Evaluate a PromQL expression at one time.
    Instant(ask::InstantArgs),
    /// Evaluate a PromQL expression over a range of time.
    Range(ask::RangeArgs),
    /// List series.
    Series(ask::SeriesArgs),
    /// List label names, or the values of one label.
    Labels(ask::LabelsArgs),
}

#[derive(Debug, Subcommand)]
enum Import {
    /// Import samples with timestamps from a file in the OpenMetrics format.
    ///
    /// The server must not run on the data folder meanwhile. Give `--retention-time` on its next start when the
    /// samples are older than what is kept.
    Openmetrics(import::OpenMetricsArgs),
}

#[derive(Debug, Subcommand)]
enum Tsdb {
    /// Show what series are made of: the metrics, labels and label pairs with most series.
    Analyze(import::AnalyzeArgs),
}

/// Runs the command; the exit code is 0 for success, 1 for a failure, 2 for a wrong command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => serve::run(ServeFlags::default()),
        Some(Command::Serve(flags)) => serve::run(*flags),
        Some(command) => other(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output went away (`pharos … | head`): nothing is wrong.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            let said = writeln!(io::stderr(), "pharos: {error:#}");
            debug_assert!(said.is_ok(), "standard error is open");
            ExitCode::FAILURE
        }
    }
}

fn other(command: Command) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match command {
        Command::Serve(flags) => serve::run(*flags),
        Command::Check(Check::Config { files }) => configuration::check(&files, &mut out),
        Command::Check(Check::Metrics { file }) => check_metrics(file, &mut out),
        Command::Check(Check::Healthy(server)) => on_runtime(ask::health(&server, "-/healthy", &mut out)),
        Command::Check(Check::Ready(server)) => on_runtime(ask::health(&server, "-/ready", &mut out)),
        Command::Query(Query::Instant(args)) => on_runtime(ask::instant(args, &mut out)),
        Command::Query(Query::Range(args)) => on_runtime(ask::range(args, SystemClock::new().now_ms(), &mut out)),
        Command::Query(Query::Series(args)) => on_runtime(ask::series(args, &mut out)),
        Command::Query(Query::Labels(args)) => on_runtime(ask::labels(args, &mut out)),
        Command::Import(Import::Openmetrics(args)) => import::openmetrics(&args, &mut out),
        Command::Tsdb(Tsdb::Analyze(args)) => on_runtime(import::analyze(args, &mut out)),
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
