//! Black-box tests: the real binary, real HTTP, real neighbours where they are installed.

#![expect(clippy::unwrap_used, reason = "what prepares and asks for a test fails it where it stands")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "logs of a failed server, measurements and skipped tests are shown")]

/// Starting servers, asking them.
mod support;
/// Remote write as Prometheus sends it.
mod wire;

/// Signing in, and who may use which route.
mod access;
/// Messages about alerts: none lost over kills and outages, the same as Prometheus and Alertmanager send.
mod alert_messages;
/// Pages of alerts: what fires, silences made by forms, where alerts go.
mod alert_pages;
/// Alerts of rules: grouped, remembered over a crash, sent to Alertmanagers outside.
mod alert_routing;
/// Alertmanager's API, with its own tool.
mod amtool;
/// Annotations, as programs send them to Grafana.
mod annotations;
/// The Prometheus HTTP API: parameters, shapes, error types and codes.
mod api;
/// Backups: what is restored is what was there.
mod backup;
/// Probes beside blackbox_exporter's.
mod blackbox;
/// What panels of dashboards show.
mod board_panels;
/// Pages in a real browser.
mod browser;
/// Budgets of memory and disk hold under load.
mod budget;
/// Calm rules, and what people do about alerts.
mod calm;
/// Pages of what keeps alerts calm: rules made, changed and deleted by forms.
mod calm_pages;
/// The catalogue of metrics: who asks for each, what people say of them; sending one by a form.
mod catalogue;
/// Messages about alerts: from the rule to the channel.
mod channels;
/// Checks: watched, down and up again, told as alerts; heartbeats.
mod checks;
/// Checks of a file.
mod checks_file;
/// Kinds of checks, groups of them, and checks of other programs.
mod checks_kinds;
/// Configuration files, reload, checks.
mod config;
/// Dashboards of others: read, answered, drawn.
mod conformance;
/// TLS, proxies, credentials and redirects towards targets.
mod connect;
/// Connecting programs by the page for it.
mod connect_page;
/// An empty root, another user, a health check; systemd.
mod container;
/// `kill -9` under load.
mod crash;
/// Dashboards by Grafana's HTTP API.
mod dashboards_api;
/// Letters about KPIs: received, read, looked at; once over restarts.
mod digests;
/// The documentation that is built in, and what the server shows of itself.
mod docs;
/// The user's own files and queries.
mod fixtures;
/// A volume without space.
mod full_disk;
/// What goes for every answer: who may read it, how failures look, odd requests.
mod http;
/// Numbers of the business: made, sent, read, corrected, and who may.
mod kpis;
/// What an incident cost, where it is read.
mod kpis_cost;
/// Numbers out of a database.
mod kpis_sql;
/// How much clients may ask for, and how slowly.
mod limits;
/// Lines of logs, in and out.
mod logs;
/// Programs that send logs, as they are installed.
mod logs_clients;
/// Syslog, Fluent and files that are followed.
mod logs_collect;
/// `kill -9` while lines come.
mod logs_crash;
/// What senders are told of what is refused, and what comes again.
mod logs_doors;
/// What the configuration file itself says about collecting.
mod logs_inline;
/// Lines in order, to the nanosecond, by the old API, and page by page.
mod logs_query;
/// Memory for ids in every line, and for small requests that say very much.
mod logs_streams;
/// Pushes and tails as senders and readers write them.
mod logs_wire;
/// Signing in with an identity provider.
mod oidc;
/// OpenTelemetry's metrics and logs by every way, and StatsD.
mod otlp;
/// Rules that people write, and what drafts would have done.
mod own_rules;
/// Ready rules.
mod packs;
/// Pages are complete, safe and say what to do.
mod pages;
/// The same answers as Prometheus itself.
mod peers;
/// What scanners look for: headers, cookies, methods, paths, other sites' forms.
mod poked;
/// Proxies in front of the server, and strangers who pose as one.
mod proxy;
/// Other servers read what is stored here.
mod remote_read;
/// Answers to the byte as Prometheus gives them.
mod results;
/// Recording and alerting rules.
mod rules;
/// The scorecard of many KPIs: as a page, for spreadsheets, to print.
mod scorecard;
/// Scraping real targets.
mod scrape;
/// The page about what is set for the server itself.
mod server_page;
/// Dashboards for people without an account, and their versions.
mod shares;
mod slos;
/// Status pages: made, told on, read at once.
mod status_edit;
/// Status pages under host names of their own.
mod status_hosts;
/// Status pages as customers see them.
mod status_pages;
mod status_posts;
/// Starting and stopping.
mod stop;
/// Unit tests of rules.
mod test_rules;
/// HTTPS, client certificates, Prometheus' web config file.
mod tls;
/// Maintenance, incidents, reports: planned, listed, sent.
mod upkeep;
/// Pages of checks.
mod uptime_pages;
/// Settings that cannot work, refused everywhere alike; secrets in addresses.
mod vetting;
/// Web vitals of browsers.
mod vitals;
/// Every door for samples.
mod writes;
