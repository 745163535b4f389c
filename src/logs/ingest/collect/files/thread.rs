//! The thread that follows files. A panic costs a moment: the files are opened anew, from where they were stored to.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Files, FilesSetup};

/// After a panic the thread rests so long, twice as long after each one more, but not longer than the second.
const REST: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(60);
/// How soon it sees, while it rests, that it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Starts it.
///
/// # Errors
/// When the journal of positions cannot be opened, or the system has no thread to give.
pub(crate) fn start(setup: FilesSetup) -> io::Result<JoinHandle<()>> {
    let files = Files::open(setup.clone())?;
    std::thread::Builder::new().name("log-files".to_owned()).spawn(move || follow(files, &setup))
}

fn follow(files: Files, setup: &FilesSetup) {
    let mut files = Some(files);
    let mut rest = REST;
    loop {
        if let Some(files) = files.take()
            && catch_unwind(AssertUnwindSafe(|| files.run())).is_ok()
        {
            return;
        }
        tracing::error!(rest_ms = rest.as_millis() as u64, "following log files panicked; it begins anew where lines were stored to");
        if !rest_for(rest, setup) {
            return;
        }
        rest = (rest * 2).min(REST_MAX);
        match Files::open(setup.clone()) {
            Ok(opened) => files = Some(opened),
            Err(error) => tracing::error!(%error, "the positions of log files cannot be read"),
        }
    }
}

/// Whether to go on after so long.
fn rest_for(time: Duration, setup: &FilesSetup) -> bool {
    let mut left = time;
    while !left.is_zero() {
        if setup.stop.load(Ordering::Relaxed) {
            return false;
        }
        let nap = left.min(LOOK);
        std::thread::sleep(nap);
        left -= nap;
    }
    !setup.stop.load(Ordering::Relaxed)
}
