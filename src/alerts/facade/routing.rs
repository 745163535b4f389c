//! Reads the routing configuration from disk, as a whole or not at all.

use std::path::Path;
use std::sync::Arc;

use super::channels;
use crate::alerts::config::{self, Receiver, RoutingConfig};
use crate::alerts::dispatch::InForce;
use crate::alerts::model::routing::RouteConfig;
use crate::alerts::route::RouteTree;
use crate::base::clock::SharedClock;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::text_file;
use crate::platform::config::yaml::{FILE_BYTES_MAX, Position};

/// The receiver where there is no file: nobody.
const NOBODY: &str = "nobody";
/// Stands for this server's own address while a file is only looked at.
const SOME_URL: &str = "http://localhost:9090";

/// The routing of a file, and what is odd about it. Without a file alerts are grouped and shown, and nobody is told.
/// Blocking.
///
/// # Errors
/// Every mistake found, in order of the file; also what is wrong with the templates that it names.
pub fn load_routing(path: Option<&Path>, clock: &SharedClock) -> Result<(Arc<InForce>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Some(path) = path else { return Ok((in_force(nobody(), ""), Vec::new())) };
    let mut report = Report::new(path);
    let config = match text_file::read(path, FILE_BYTES_MAX) {
        Ok(text) => config::read(&text, &mut report),
        Err(error) => {
            report.error(Position::default(), format!("cannot be read: {error}"));
            RoutingConfig::default()
        }
    };
    let warnings = report.finish()?;
    channels::open(&config, &path.display().to_string(), SOME_URL, clock)?;
    Ok((in_force(config, &path.display().to_string()), warnings))
}

fn in_force(config: RoutingConfig, path: &str) -> Arc<InForce> {
    let tree = Arc::new(RouteTree::new(&config.route));
    Arc::new(InForce { printed: config.to_yaml(), config, tree, path: path.to_owned() })
}

/// One route, which leads nowhere.
fn nobody() -> RoutingConfig {
    let route = RouteConfig { receiver: NOBODY.to_owned(), ..RouteConfig::default() };
    let receiver = Receiver { name: NOBODY.to_owned(), ..Receiver::default() };
    RoutingConfig { route, receivers: vec![receiver], ..RoutingConfig::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn a_file_is_taken_as_a_whole_or_its_mistakes_are_told() {
        let clock: SharedClock = ManualClock::at(0);
        let (nobody, _) = load_routing(None, &clock).unwrap();
        assert_eq!((nobody.path.as_str(), &*nobody.tree.routes()[0].receiver, nobody.tree.routes().len()), ("", "nobody", 1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alertmanager.yml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            load_routing(Some(&path), &clock).map(|(in_force, _)| in_force.path.clone()).map_err(|errors| {
                errors.iter().map(|error| error.to_string().replace(&path.display().to_string(), "FILE")).collect::<Vec<_>>()
            })
        };
        assert_eq!(read("route: {receiver: a}\nreceivers: [{name: a}]\n"), Ok(path.display().to_string()));
        assert_eq!(
            read("route: {receiver: b}\nreceivers: [{name: a}]\n"),
            Err(vec!["FILE:1:19: undefined receiver \"b\" used in route".to_owned()])
        );
        assert!(read("route: [").is_err());
        std::fs::remove_file(&path).unwrap();
        let gone = load_routing(Some(&path), &clock).unwrap_err();
        assert!(gone[0].to_string().contains("cannot be read"), "{gone:?}");
    }
}
