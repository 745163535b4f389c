//! What the API and the pages ask of the server around the wing.

/// The running server, as seen from a wing.
pub trait Server: Send + Sync {
    /// The configuration in force as YAML, secrets hidden.
    fn config_yaml(&self) -> String;
    /// Settings by upstream's flag names.
    fn flags(&self) -> Vec<(String, String)>;
    /// Every setting of ours: name, value, and where the value came from.
    fn settings(&self) -> Vec<(String, String, String)>;
    /// State of the process.
    fn runtime(&self) -> Runtime;
    /// Reads the configuration again. `Err` says what is wrong; the old one stays in force.
    fn reload(&self) -> Result<(), String>;
    /// Begins to stop.
    fn quit(&self);
    /// Why the server takes no requests, if it does not.
    fn unready(&self) -> Option<String> {
        None
    }
}

/// State of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// When it started (ms).
    pub started_ms: i64,
    /// Its working folder.
    pub working_dir: String,
    /// The machine's name.
    pub hostname: String,
    /// How the last reading of the configuration went.
    pub reload: ReloadState,
    /// Worker threads.
    pub threads: usize,
    /// Whether `/api/v1/admin` may be used.
    pub admin_api: bool,
    /// Whether `/-/quit` may be used.
    pub lifecycle: bool,
}

/// How the last reading of the configuration went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReloadState {
    /// When the configuration in force was read (ms).
    pub loaded_ms: i64,
    /// Why a later one was refused.
    pub error: Option<String>,
    /// What the configuration in force has that pharos does not act on, one sentence each with file and line.
    pub warnings: Vec<String>,
}
