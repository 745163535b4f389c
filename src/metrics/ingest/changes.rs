//! Which changes of a configuration cannot be put in force, found before any of it is: as upstream, a reload fails for
//! an endpoint of `remote_write`, or for a job that runs already, whose client cannot be made.

use crate::base::clock::SharedClock;
use crate::metrics::model::config::{Config, HttpClientConfig};
use crate::platform::http::client::{HttpClient, client_settings};

/// A sentence for each part of `new` that differs from what is in force and cannot work. Blocking: reads files of TLS.
pub fn refused(new: &Config, in_force: &Config, clock: &SharedClock) -> Vec<String> {
    let why = |http: &HttpClientConfig| {
        let is_plain = *http == HttpClientConfig::default();
        if is_plain { None } else { HttpClient::new(client_settings(http), clock.clone()).err() }
    };
    let endpoints = new.remote_write.iter().filter(|write| !in_force.remote_write.contains(write));
    let endpoints = endpoints.filter_map(|write| Some(format!("remote_write {}: {}", write.url, why(&write.http)?)));
    let changed = |name: &str| in_force.scrape_configs.iter().find(|job| job.job_name == name);
    let jobs = new.scrape_configs.iter().filter(|job| changed(&job.job_name).is_some_and(|old| old != *job));
    let jobs = jobs.filter_map(|job| Some(format!("job {:?}: {}", job.job_name, why(&job.http)?)));
    endpoints.chain(jobs).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::metrics::model::config::read_text;

    #[test]
    fn only_changes_that_cannot_work_are_refused() {
        let config = |text: &str| read_text(text, Path::new("/nowhere/p.yml"), &|_| None).unwrap().config;
        let job = |name: &str, ca: &str| format!("- {{job_name: {name}, tls_config: {{ca_file: {ca}}}}}\n");
        let write = |query: &str| format!("remote_write: [{{url: 'http://a?token={query}', tls_config: {{ca_file: gone.pem}}}}]\n");
        let clock: SharedClock = ManualClock::at(0);
        let both = config(&format!("{}scrape_configs:\n{}", write("hunter2"), job("a", "gone.pem")));
        let found = refused(&both, &config("scrape_configs: [{job_name: a}]"), &clock);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("remote_write http://a?token=<secret>: ") && found[0].contains("/nowhere/gone.pem"), "{found:?}");
        assert!(found[1].starts_with("job \"a\": ") && found[1].contains("/nowhere/gone.pem"), "{found:?}");
        assert_eq!(refused(&both, &both, &clock), Vec::<String>::new(), "what was broken before is no change");
        assert_eq!(refused(&config(&format!("scrape_configs:\n{}", job("new", "gone.pem"))), &both, &clock), Vec::<String>::new());
    }
}
