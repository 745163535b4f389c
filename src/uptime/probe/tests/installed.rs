//! Servers as they are installed on this machine, each begun for one test and ended with it.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Whom servers run as that refuse to be root.
const NOBODY: u32 = 65_534;

/// A server that ends with the test.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.0.kill().is_err();
        let _known = self.0.wait().is_err();
    }
}

/// Where a program is; PostgreSQL's stand in folders of their own.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin")).chain(["/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|path| path.exists())
}

/// A command in a folder, as nobody where root is who asks.
pub(super) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Lets whoever runs servers have a file or folder.
pub(super) fn hand_over(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Begins PostgreSQL in a folder, made and run with further arguments, and listening at a port; none where it is not
/// installed.
pub(super) fn postgres(folder: &Path, port: u16, made_with: &[&str], run_with: &[&str]) -> Option<Running> {
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    hand_over(folder);
    let mut make = command(&initdb, folder);
    assert!(make.args(["-D", "data", "--no-sync", "--locale=C", "-E", "UTF8"]).args(made_with).status().unwrap().success());
    let mut server = command(&postgres, folder);
    server.args(["-D", "data", "-k", &folder.display().to_string(), "-p", &port.to_string()]);
    server.args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]).args(run_with);
    Some(Running(server.spawn().unwrap()))
}
