//! The server's own log: to standard error, in lines for people or JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("log level: {0}")]
pub struct BadLevel(#[from] tracing_subscriber::filter::ParseError);

/// Starts logging. `level` is a word (`info`) or directives (`pharos=debug,info`). A second call changes nothing.
pub fn start(level: &str, format: LogFormat) -> Result<(), BadLevel> {
    let filter = EnvFilter::try_new(level)?;
    // Colours are for people at a terminal; files and journals keep plain text.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(BoxMakeWriter::new(std::io::stderr));
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    // Tests start several servers in one process; the first one's log serves all.
    let _already_running = started.is_err();
    Ok(())
}
