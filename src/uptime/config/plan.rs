//! From a check to what a probe is told: a module and a target.

use super::check::{
    Check, DnsCheck, DockerCheck, DomainCheck, GrpcCheck, HttpCheck, PingCheck, PostgresCheck, RedisCheck, SmtpCheck, Statuses, TcpCheck,
    WebsocketCheck,
};
use super::services::DockerHost;
use super::{
    DnsModule, DnsRecords, DockerModule, DomainModule, GrpcModule, HeaderMatch, HttpModule, IcmpModule, Module, Pattern, PostgresModule,
    Preference, RedisModule, SmtpModule, Step, TcpModule, TlsUse, Way, WebsocketModule,
};
use crate::platform::config::http_client::{Authorization, BasicAuth, ConfigUrl, HttpClientConfig, ProxyConfig, TlsConfig};

/// Where the machine's name servers stand.
const NAME_SERVERS: &str = "/etc/resolv.conf";

/// What is probed, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How.
    pub module: Module,
    /// What.
    pub target: String,
}

/// The plan of a check that goes over the network; none for heartbeats, queries, groups, and
/// modules that are named.
///
/// # Errors
/// What cannot be done, in words.
pub fn plan(check: &Check) -> Result<Option<Plan>, String> {
    let (way, target) = if let Some(http) = &check.http {
        (Way::Http(Box::new(of_http(http)?)), http.url.0.clone())
    } else if let Some(tcp) = &check.tcp {
        (Way::Tcp(Box::new(of_tcp(tcp)?)), tcp.address.clone())
    } else if let Some(dns) = &check.dns {
        (Way::Dns(Box::new(of_dns(dns)?)), server(dns)?)
    } else if let Some(ping) = &check.ping {
        (Way::Icmp(of_ping(ping)), ping.host.clone())
    } else if let Some(grpc) = &check.grpc {
        (Way::Grpc(Box::new(of_grpc(grpc))), grpc.address.clone())
    } else if let Some(websocket) = &check.websocket {
        (Way::Websocket(Box::new(of_websocket(websocket)?)), websocket.url.0.clone())
    } else if let Some(smtp) = &check.smtp {
        (Way::Smtp(Box::new(of_smtp(smtp))), smtp.address.clone())
    } else if let Some(postgres) = &check.postgres {
        (Way::Postgres(Box::new(of_postgres(postgres))), postgres.address.clone())
    } else if let Some(redis) = &check.redis {
        (Way::Redis(Box::new(of_redis(redis))), redis.address.clone())
    } else if let Some(docker) = &check.docker {
        (Way::Docker(Box::new(of_docker(docker)?)), docker.container.clone())
    } else if let Some(domain) = &check.domain {
        (Way::Domain(Box::new(of_domain(domain))), domain.name.clone())
    } else {
        return Ok(None);
    };
    Ok(Some(Plan { module: Module { name: check.name.clone(), timeout: None, way }, target }))
}

fn of_http(http: &HttpCheck) -> Result<HttpModule, String> {
    let statuses = http.status.iter().filter_map(|text| Statuses::parse(text)).flat_map(|range| range.from..=range.to);
    let header = |(header, regexp): (&String, &String)| {
        Ok::<_, String>(HeaderMatch { header: header.clone(), regexp: Pattern::new(regexp)?, allow_missing: false })
    };
    let mut client = HttpClientConfig {
        follow_redirects: http.redirects,
        enable_http2: http.http2,
        tls: tls(http.insecure_skip_verify, &http.server_name),
        ..HttpClientConfig::default()
    };
    client.tls.ca_file.clone_from(&http.ca_file.0);
    client.tls.cert_file.clone_from(&http.cert_file.0);
    client.tls.key_file.clone_from(&http.key_file.0);
    if !http.username.is_empty() {
        client.basic_auth = Some(BasicAuth { username: http.username.clone(), password: http.password.clone(), ..BasicAuth::default() });
    }
    if !http.bearer_token.is_empty() {
        let kind = "Bearer".to_owned();
        client.authorization = Some(Authorization { kind, credentials: http.bearer_token.clone(), ..Authorization::default() });
    }
    if !http.proxy_url.0.is_empty() {
        let proxy_url = Some(ConfigUrl::parse(&http.proxy_url.0).map_err(|error| format!("the proxy's address: {error}"))?);
        client.proxy = ProxyConfig { proxy_url, ..ProxyConfig::default() };
    }
    let mut wanted = patterns(&http.contains, true)?;
    wanted.extend(patterns(&http.matches, false)?);
    Ok(HttpModule {
        valid_status_codes: statuses.map(i64::from).collect(),
        address: preference(&http.ip_version),
        method: http.method.clone(),
        headers: http.headers.clone(),
        body: http.body.clone(),
        fail_if_body_matches: patterns(&http.lacks, true)?,
        fail_if_body_not_matches: wanted,
        fail_if_header_not_matches: http.header_matches.iter().map(header).collect::<Result<_, _>>()?,
        json: http.json.clone(),
        client,
        ..HttpModule::default()
    })
}

fn of_tcp(tcp: &TcpCheck) -> Result<TcpModule, String> {
    let mut steps = Vec::new();
    if !tcp.send.is_empty() {
        steps.push(Step { send: tcp.send.clone(), ..Step::default() });
    }
    if !tcp.expect.is_empty() {
        steps.push(Step { expect: Some(Pattern::new(&tcp.expect)?), ..Step::default() });
    }
    Ok(TcpModule { steps, is_tls: tcp.tls, tls: tls(tcp.insecure_skip_verify, &tcp.server_name), ..TcpModule::default() })
}

fn of_dns(dns: &DnsCheck) -> Result<DnsModule, String> {
    // Each expression must be found in some record, which is one condition by itself.
    let any = if dns.matches.is_empty() { vec![".".to_owned()] } else { dns.matches.clone() };
    let answer = DnsRecords { fail_if_none_matches: patterns(&any, false)?, ..DnsRecords::default() };
    Ok(DnsModule { query_name: dns.name.clone(), query_type: dns.kind.clone(), answer, ..DnsModule::default() })
}

/// Whom to ask.
fn server(dns: &DnsCheck) -> Result<String, String> {
    if !dns.server.is_empty() {
        return Ok(dns.server.clone());
    }
    let text = std::fs::read_to_string(NAME_SERVERS).map_err(|error| format!("{NAME_SERVERS} cannot be read: {error}"))?;
    let mut servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next());
    servers.next().map(str::to_owned).ok_or_else(|| format!("{NAME_SERVERS} names no server: say which one is to be asked"))
}

fn of_ping(ping: &PingCheck) -> IcmpModule {
    IcmpModule { address: preference(&ping.ip_version), ..IcmpModule::default() }
}

fn of_grpc(grpc: &GrpcCheck) -> GrpcModule {
    GrpcModule { service: grpc.service.clone(), is_tls: grpc.tls, tls: tls(grpc.insecure_skip_verify, ""), ..GrpcModule::default() }
}

fn of_websocket(websocket: &WebsocketCheck) -> Result<WebsocketModule, String> {
    let mut steps = Vec::new();
    if !websocket.send.is_empty() {
        steps.push(Step { send: websocket.send.clone(), ..Step::default() });
    }
    if !websocket.expect.is_empty() {
        steps.push(Step { expect: Some(Pattern::new(&websocket.expect)?), ..Step::default() });
    }
    let client = HttpClientConfig { tls: tls(websocket.insecure_skip_verify, ""), ..HttpClientConfig::default() };
    Ok(WebsocketModule { headers: websocket.headers.clone(), address: preference(""), steps, is_patient: true, client })
}

fn of_smtp(smtp: &SmtpCheck) -> SmtpModule {
    let begins_tls = match (smtp.tls, smtp.starttls) {
        (true, _) => TlsUse::AtOnce,
        (_, true) => TlsUse::Later,
        _ => TlsUse::None,
    };
    SmtpModule { begins_tls, tls: tls(smtp.insecure_skip_verify, &smtp.server_name) }
}

fn of_postgres(postgres: &PostgresCheck) -> PostgresModule {
    PostgresModule {
        database: postgres.database.clone(),
        username: postgres.username.clone(),
        password: postgres.password.clone(),
        is_tls: postgres.tls != "disable",
        tls: tls(postgres.tls == "require", ""),
        query: postgres.query.clone(),
    }
}

fn of_redis(redis: &RedisCheck) -> RedisModule {
    RedisModule { username: redis.username.clone(), password: redis.password.clone(), is_tls: redis.tls }
}

fn of_docker(docker: &DockerCheck) -> Result<DockerModule, String> {
    let host = DockerHost::parse(&docker.host).ok_or_else(|| format!("{} is no place where Docker listens", docker.host))?;
    Ok(DockerModule { host })
}

fn of_domain(domain: &DomainCheck) -> DomainModule {
    DomainModule { days: domain.days, server: domain.server.0.clone() }
}

fn tls(insecure_skip_verify: bool, server_name: &str) -> TlsConfig {
    TlsConfig { insecure_skip_verify, server_name: server_name.to_owned(), ..TlsConfig::default() }
}

/// IPv4 first where both will do, as most monitored hosts answer there.
fn preference(version: &str) -> Preference {
    Preference { ip4: version != "6", fallback: version.is_empty() }
}

fn patterns(texts: &[String], is_plain: bool) -> Result<Vec<Pattern>, String> {
    texts.iter().map(|text| if is_plain { Pattern::new(&regex::escape(text)) } else { Pattern::new(text) }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file::read_one;
    use super::*;

    fn planned(yaml: &str) -> Plan {
        plan(&read_one(yaml, None).unwrap().check).unwrap().unwrap()
    }

    #[test]
    fn a_page_becomes_a_module() {
        let found = planned(
            "{name: Shop, http: {url: 'https://shop.example/', status: [200, 3xx], contains: ['a.b'], lacks: [error], matches: ['^<'], \
             username: ann, password: pw, header_matches: {Server: nginx}, redirects: false, ip_version: '6'}}",
        );
        let Way::Http(http) = &found.module.way else { panic!("{found:?}") };
        assert_eq!((found.target.as_str(), http.valid_status_codes.len()), ("https://shop.example/", 101));
        let texts: Vec<&str> = http.fail_if_body_not_matches.iter().map(Pattern::as_str).collect();
        assert_eq!(texts, [r"a\.b", "^<"]);
        assert_eq!(http.address, Preference { ip4: false, fallback: false });
        assert_eq!(http.client.basic_auth.as_ref().unwrap().password.expose(), "pw");
        assert!(!http.client.follow_redirects && http.fail_if_header_not_matches[0].header == "Server");
    }

    #[test]
    fn the_other_kinds_do_too() {
        let tcp = planned("{name: a, tcp: {address: 'db:5432', send: hello, expect: '^ok', tls: true}}");
        let Way::Tcp(module) = &tcp.module.way else { panic!("{tcp:?}") };
        assert_eq!((module.steps.len(), module.is_tls), (2, true));
        let dns = planned("{name: a, dns: {name: example.org, type: mx, server: '127.0.0.1:53'}}");
        let Way::Dns(module) = &dns.module.way else { panic!("{dns:?}") };
        assert_eq!((dns.target.as_str(), module.query_type.as_str()), ("127.0.0.1:53", "MX"));
        assert!(matches!(planned("{name: a, ping: {host: h}}").module.way, Way::Icmp(_)));
        assert!(matches!(planned("{name: a, grpc: {address: 'h:1'}}").module.way, Way::Grpc(_)));
        let websocket = planned("{name: a, websocket: {url: 'wss://h/x', send: hello, expect: '^ok', headers: {Origin: 'https://h'}}}");
        let Way::Websocket(module) = &websocket.module.way else { panic!("{websocket:?}") };
        assert_eq!((module.steps.len(), module.is_patient, websocket.target.as_str()), (2, true, "wss://h/x"));
        let smtp = planned("{name: a, smtp: {address: 'h:25', starttls: true, server_name: mx.h}}");
        let Way::Smtp(module) = &smtp.module.way else { panic!("{smtp:?}") };
        assert_eq!((module.begins_tls, module.tls.server_name.as_str()), (TlsUse::Later, "mx.h"));
        let postgres = planned("{name: a, postgres: {address: 'h:5432', tls: require}}");
        let Way::Postgres(module) = &postgres.module.way else { panic!("{postgres:?}") };
        assert!(module.is_tls && module.tls.insecure_skip_verify && module.username == "postgres");
        assert!(matches!(planned("{name: a, redis: {address: 'h:6379', password: pw}}").module.way, Way::Redis(_)));
        let docker = planned("{name: a, docker: {container: /web}}");
        let Way::Docker(module) = &docker.module.way else { panic!("{docker:?}") };
        assert_eq!((docker.target.as_str(), &module.host), ("web", &DockerHost::Unix("/var/run/docker.sock".to_owned())));
        let domain = planned("{name: a, domain: {name: Bücher.example.}}");
        assert_eq!((domain.target.as_str(), domain.module.way.as_str()), ("xn--bcher-kva.example", "domain"));
        let group = read_one("{name: a, group: {checks: [b, c]}}", None).unwrap();
        assert_eq!(plan(&group.check), Ok(None));
        let heartbeat = read_one("{name: a, heartbeat: {every: 1h}}", None).unwrap();
        assert_eq!(plan(&heartbeat.check), Ok(None));
    }
}
