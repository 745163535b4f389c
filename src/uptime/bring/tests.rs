//! Files of other programs, made here.

use serde_json::json;

use super::{Brought, read};
use crate::uptime::config::Check;
use crate::uptime::config::file::read_one;

fn brought(text: &str) -> Brought {
    read(text.as_bytes(), |_| panic!("no database")).unwrap()
}

fn checks(brought: &Brought) -> Vec<Check> {
    brought.checks.iter().map(|text| read_one(text, None).unwrap().check).collect()
}

fn named<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    checks
        .iter()
        .find(|check| check.name == name)
        .unwrap_or_else(|| panic!("{name}: {:?}", checks.iter().map(|check| &check.name).collect::<Vec<_>>()))
}

const KUMA: &str = r#"{
        "version": "1.23.0", "notificationList": [], "monitorList": [
            { "id": 1, "name": "Web", "type": "group", "active": true, "interval": 60 },
            { "id": 2, "name": "Shop", "type": "keyword", "url": "https://shop.example/", "method": "POST", "interval": 20, "maxretries": 3,
              "retryInterval": 10, "upsideDown": false, "keyword": "all is well", "invertKeyword": false, "parent": 1, "active": true,
              "accepted_statuscodes": ["200-299", "301"], "headers": "{\"X-A\": \"b\"}", "body": "{\"q\": 1}", "httpBodyEncoding": "json",
              "authMethod": "basic", "basic_auth_user": "ann", "basic_auth_pass": "pw", "maxredirects": 0, "ignoreTls": true, "timeout": 16,
              "expiryNotification": true, "proxyId": 7, "description": "sells things",
              "tags": [{ "name": "Team Web", "value": "a" }, { "name": "prod", "value": "" }] },
            { "id": 3, "name": "Shop", "type": "json-query", "url": "http://a.example/", "interval": 60, "jsonPath": "$.queue[0].len",
              "jsonPathOperator": "<", "expectedValue": "10", "parent": 1, "active": false },
            { "id": 4, "name": "Query", "type": "json-query", "url": "http://a.example/", "interval": 60, "jsonPath": "$sum(a)", "expectedValue": "1" },
            { "id": 5, "name": "Job", "type": "push", "interval": 3600, "maxretries": 2, "retryInterval": 300, "pushToken": "0123456789abcdefABCD" },
            { "id": 6, "name": "Old job", "type": "push", "interval": 60, "pushToken": "short" },
            { "id": 7, "name": "Port", "type": "port", "hostname": "2001:db8::1", "port": 22, "interval": 60 },
            { "id": 8, "name": "Name", "type": "dns", "hostname": "example.org", "dns_resolve_server": "1.1.1.1,8.8.8.8", "port": 5353, "dns_resolve_type": "MX", "interval": 60 },
            { "id": 9, "name": "Db", "type": "postgres", "databaseConnectionString": "postgres://ann:p%40w@db.example/shop?sslmode=require", "databaseQuery": "SELECT 1", "interval": 60 },
            { "id": 10, "name": "Cache", "type": "redis", "databaseConnectionString": "rediss://:pw@cache.example", "interval": 60 },
            { "id": 11, "name": "Queue", "type": "mqtt", "hostname": "q", "interval": 60 },
            { "id": 12, "name": "Box", "type": "docker", "docker_container": "web", "docker_host": 1, "interval": 60 },
            { "id": 13, "name": "Empty", "type": "group", "interval": 60 },
            { "id": 14, "name": "All", "type": "group", "interval": 60 },
            { "id": 15, "name": "Ping", "type": "ping", "hostname": "h.example", "interval": 60, "parent": 14 },
            { "id": 16, "name": "Inner", "type": "group", "interval": 60, "parent": 14 },
            { "id": 17, "name": "Mail", "type": "smtp", "hostname": "mx.example", "port": 587, "smtpSecurity": "starttls", "interval": 60, "parent": 16 },
            { "id": 18, "name": "Socket", "type": "websocket-upgrade", "url": "wss://s.example/", "interval": 60, "parent": 13000 }
        ]
    }"#;

#[test]
fn a_backup_of_uptime_kuma_is_taken_over() {
    let brought = brought(KUMA);
    let all = checks(&brought);
    assert_eq!(brought.source, "Uptime Kuma");
    let shop = named(&all, "Shop");
    assert_eq!((shop.interval.to_string().as_str(), shop.retries, shop.retry_interval.to_string().as_str()), ("20s", 3, "10s"));
    assert_eq!((shop.timeout().to_string().as_str(), shop.note.as_str()), ("16s", "sells things"));
    assert_eq!((shop.labels["team_web"].as_str(), shop.labels["prod"].as_str()), ("a", "true"));
    let http = shop.http.as_ref().unwrap();
    assert_eq!((http.method.as_str(), http.contains.as_slice(), http.status.len()), ("POST", &["all is well".to_owned()][..], 2));
    assert_eq!((http.headers["X-A"].as_str(), http.headers["Content-Type"].as_str()), ("b", "application/json"));
    assert_eq!((http.username.as_str(), http.password.expose(), http.body.as_str()), ("ann", "pw", "{\"q\": 1}"));
    assert!(!http.redirects && http.insecure_skip_verify);
    let other = named(&all, "Shop (2)");
    let condition = &other.http.as_ref().unwrap().json[0];
    assert_eq!((condition.path.as_str(), condition.is.as_str(), other.paused), ("queue[0].len", "below", true));
    let job = named(&all, "Job").heartbeat.as_ref().unwrap();
    assert_eq!((job.token.expose(), job.grace.to_string().as_str()), ("0123456789abcdefABCD", "10m"));
    assert!(named(&all, "Old job").heartbeat.as_ref().unwrap().token.is_empty());
    assert_eq!(named(&all, "Port").target(), "[2001:db8::1]:22");
    assert_eq!(named(&all, "Name").dns.as_ref().unwrap().server, "1.1.1.1:5353");
    let db = named(&all, "Db").postgres.as_ref().unwrap();
    assert_eq!(
        (db.address.as_str(), db.password.expose(), db.database.as_str(), db.tls.as_str()),
        ("db.example:5432", "p@w", "shop", "require")
    );
    let cache = named(&all, "Cache").redis.as_ref().unwrap();
    assert_eq!((cache.address.as_str(), cache.tls, cache.password.expose()), ("cache.example:6379", true, "pw"));
    assert_eq!(named(&all, "Web").members(), ["Shop", "Shop (2)"]);
    assert_eq!(named(&all, "All").members(), ["Ping", "Inner"]);
    let at = |name: &str| all.iter().position(|check| check.name == name).unwrap();
    assert!(at("Shop (2)") < at("Web") && at("Mail") < at("Inner") && at("Inner") < at("All"), "who is needed comes first");
    assert!(named(&all, "Mail").smtp.as_ref().unwrap().starttls);
    for said in [
        "Shop: its proxy is not in the file",
        "Query: its condition on JSON ($sum(a)) is none",
        "Old job: its push token is too short",
        "Name: only the first of its name servers",
        "Db: here the first row of its query",
        "Queue: is left out: there is no kind of check for \"mqtt\"",
        "Box: where Docker listens is not in the file",
        "Empty: is left out, as nothing is in the group",
        "Uptime Kuma tells when a certificate is about to end",
    ] {
        assert!(brought.notes.iter().any(|note| note.starts_with(said)), "{said}: {:#?}", brought.notes);
    }
    assert_eq!(brought.notes.len(), 9, "{:#?}", brought.notes);
}

#[test]
fn rows_of_its_database_are_the_same() {
    let tables = json!({
        "monitorList": [
            { "id": 1, "name": "Shop", "type": "http", "url": "https://shop.example/", "active": 1, "interval": 60, "maxretries": 1, "retry_interval": 5,
              "upside_down": 1, "accepted_statuscodes_json": "[\"200-299\"]", "proxy_id": 4, "ignore_tls": 0, "auth_method": "bearer", "bearer_token": "t0ken" },
            { "id": 2, "name": "Box", "type": "docker", "docker_container": "web", "docker_host": 3, "active": 0, "interval": 60 },
        ],
        "proxyList": [{ "id": 4, "protocol": "http", "host": "p.example", "port": 3128, "auth": 1, "username": "u", "password": "p w", "active": 1 }],
        "dockerHostList": [{ "id": 3, "docker_daemon": "/run/docker.sock", "docker_type": "socket" }],
        "tagList": [{ "id": 1, "name": "1st" }], "monitorTagList": [{ "monitor_id": 1, "tag_id": 1, "value": "x" }],
    });
    let brought = read(b"SQLite format 3\0...", |_| Ok(tables)).unwrap();
    let all = checks(&brought);
    let shop = named(&all, "Shop");
    assert!(shop.upside_down && !shop.paused && named(&all, "Box").paused);
    assert_eq!(shop.labels["tag_1st"], "x");
    let http = shop.http.as_ref().unwrap();
    assert_eq!((http.proxy_url.0.as_str(), http.bearer_token.expose()), ("http://u:p%20w@p.example:3128/", "t0ken"));
    assert_eq!(named(&all, "Box").docker.as_ref().unwrap().host, "unix:///run/docker.sock");
    assert_eq!(brought.notes, Vec::<String>::new());
    assert_eq!(read(b"SQLite format 3\0...", |_| Err("broken".to_owned())), Err("broken".to_owned()));
}

#[test]
fn uptime_robots_lists_are_taken_over() {
    let json = json!({ "stat": "ok", "pagination": { "offset": 0, "limit": 50, "total": 60 }, "monitors": [
        { "id": 7, "friendly_name": "Shop", "url": "https://shop.example/", "type": 2, "keyword_type": 2, "keyword_case_type": 1, "keyword_value": "a.b",
          "http_username": "ann", "http_password": "pw", "interval": 300, "timeout": 30, "status": 0, "http_method": 1,
          "custom_http_headers": { "X-A": "b" }, "custom_http_statuses": { "up": [200, 404], "down": [] } },
        { "id": 8, "friendly_name": "Bad words", "url": "shop.example", "type": 2, "keyword_type": 1, "keyword_value": "error", "interval": 60 },
        { "id": 9, "friendly_name": "Ssh", "url": "h.example", "type": 4, "sub_type": 99, "port": "22", "interval": 60, "status": 2 },
        { "id": 10, "friendly_name": "Mail", "url": "h.example", "type": 4, "sub_type": 4, "port": "", "interval": 60 },
        { "id": 11, "friendly_name": "Host", "url": "https://h.example/", "type": 3, "interval": 60 },
        { "id": 12, "friendly_name": "Job", "url": "https://heartbeat.example/x", "type": 5, "interval": 3600 },
        { "id": 13, "friendly_name": "Odd", "type": 9 },
    ] });
    let found = brought(&json.to_string());
    let all = checks(&found);
    assert_eq!((found.source, all.len()), ("Uptime Robot", 6));
    let shop = named(&all, "Shop");
    let http = shop.http.as_ref().unwrap();
    assert_eq!(
        (http.matches.as_slice(), http.method.as_str(), http.status.len(), shop.paused),
        (&["(?i)a\\.b".to_owned()][..], "GET", 2, true)
    );
    assert_eq!(named(&all, "Bad words").http.as_ref().unwrap().lacks, ["error"]);
    assert_eq!((named(&all, "Ssh").target().as_str(), named(&all, "Mail").target().as_str()), ("h.example:22", "h.example:25"));
    assert_eq!(named(&all, "Host").target(), "h.example");
    assert!(found.notes.iter().any(|note| note.starts_with("the file has 7 of 60 monitors")), "{:?}", found.notes);

    let sheet = "Type,Friendly Name,URL/IP,Interval,Keyword Type,Keyword Value,Port\nHTTP,Shop,https://shop.example,300,,,\n\
        Keyword,Words,https://shop.example,60,Not exists,\"a, b\",\nPort,Ssh,h.example,60,,,22\nPing,Host,h.example,5 min,,,\n";
    let found = brought(sheet);
    let all = checks(&found);
    assert_eq!((found.source, all.len(), found.notes.len()), ("Uptime Robot", 4, 0));
    assert_eq!(named(&all, "Words").http.as_ref().unwrap().contains, ["a, b"]);
    assert_eq!((named(&all, "Host").interval.to_string().as_str(), named(&all, "Ssh").target().as_str()), ("5m", "h.example:22"));
}

const GATUS: &str = r#"
metrics: true
endpoints:
  - name: front
    group: core
    url: "https://shop.example/health"
    interval: 5m
    method: POST
    body: '{ ping }'
    graphql: true
    headers: {X-A: b}
    extra-labels: {team: web}
    client: {insecure: true, timeout: 4s, ignore-redirect: true}
    alerts: [{type: slack, failure-threshold: 5, success-threshold: 1}]
    conditions:
      - "[STATUS] >= 200"
      - "[STATUS] < 300"
      - "[BODY].user.name == john"
      - "[BODY].age > 18"
      - "has([BODY].items) == true"
      - "[BODY].title == pat(*shop*)"
      - "[BODY] == pat(*ok*)"
      - "[RESPONSE_TIME] < 500"
      - "[CERTIFICATE_EXPIRATION] > 49h"
      - "[DOMAIN_EXPIRATION] > 720h"
      - "len([BODY].items) > 3"
  - {name: any, url: "http://a.example", conditions: ["[STATUS] == any(200, 429)", "[CONNECTED] == true"]}
  - {name: silent, url: "http://a.example", conditions: ["[CONNECTED] == true"]}
  - name: resolver
    url: "8.8.8.8"
    dns: {query-name: example.com, query-type: A}
    conditions: ["[BODY] == pat(93.184.*)", "[DNS_RCODE] == NOERROR"]
  - {name: port, url: "tcp://db.example:5432", enabled: false, conditions: ["[CONNECTED] == true"]}
  - {name: host, url: "icmp://h.example", conditions: ["[CONNECTED] == true"]}
  - {name: mail, url: "starttls://mx.example:587", conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]}
  - {name: socket, url: "wss://s.example/", body: hi, conditions: ["[BODY] == pat(*by*)"]}
  - {name: secret, url: "http://a.example/${KEY}", conditions: ["[STATUS] == 200"]}
  - {name: shell, url: "ssh://h:22", conditions: ["[CONNECTED] == true"]}
external-endpoints:
  - {name: job, group: core, token: 0123456789abcdef, heartbeat: {interval: 30m}}
"#;

#[test]
fn a_configuration_of_gatus_is_taken_over() {
    let found = brought(GATUS);
    let all = checks(&found);
    assert_eq!(found.source, "Gatus");
    let front = named(&all, "core / front");
    let http = front.http.as_ref().unwrap();
    assert_eq!(
        (http.status.as_slice(), http.latency_max.to_string().as_str(), http.certificate_days),
        (&["200-299".to_owned()][..], "500ms", 3)
    );
    assert_eq!((http.body.as_str(), http.matches.as_slice()), ("{\"query\":\"{ ping }\"}", &["(?s)ok".to_owned()][..]));
    let json: Vec<(&str, &str, &str)> = http.json.iter().map(|one| (one.path.as_str(), one.is.as_str(), one.value.as_str())).collect();
    assert_eq!(json, [("user.name", "equals", "john"), ("age", "above", "18"), ("items", "exists", ""), ("title", "contains", "shop")]);
    assert_eq!((front.retries, front.recoveries, front.timeout().to_string().as_str()), (4, 0, "4s"));
    assert_eq!((front.labels["group"].as_str(), front.labels["team"].as_str()), ("core", "web"));
    assert!(!http.redirects && http.insecure_skip_verify);
    assert_eq!(named(&all, "core / front (domain)").domain.as_ref().unwrap().days, 30);
    assert_eq!(named(&all, "any").http.as_ref().unwrap().status, ["200", "429"]);
    assert_eq!(named(&all, "silent").http.as_ref().unwrap().status, ["100-599"]);
    let dns = named(&all, "resolver").dns.as_ref().unwrap();
    assert_eq!((dns.server.as_str(), dns.name.as_str(), dns.kind.as_str()), ("8.8.8.8:53", "example.com", "A"));
    assert!(regex::Regex::new(&dns.matches[0]).unwrap().is_match("example.com.\t60\tIN\tA\t93.184.216.34"), "{:?}", dns.matches);
    assert!(named(&all, "port").paused);
    assert_eq!(named(&all, "mail").smtp.as_ref().unwrap().certificate_days, 2);
    assert_eq!(named(&all, "socket").websocket.as_ref().unwrap().expect, "(?s)by");
    let job = named(&all, "core / job").heartbeat.as_ref().unwrap();
    assert_eq!((job.every.to_string().as_str(), job.token.expose()), ("30m", "0123456789abcdef"));
    for said in [
        "core / front: the condition \"len([BODY].items) > 3\"",
        "shell: is left out",
        "secret: it names variables",
        "core / job: whoever reports",
    ] {
        assert!(found.notes.iter().any(|note| note.starts_with(said)), "{said}: {:#?}", found.notes);
    }
    assert_eq!(found.notes.len(), 4, "{:#?}", found.notes);
}

#[test]
fn our_own_file_comes_back_without_what_was_hidden() {
    let text = "checks:\n- {name: All, group: {checks: [Shop, Job]}}\n- name: Shop\n  http: {url: 'http://a/', username: ann, password: <secret>}\n- {name: Job, heartbeat: {every: 1h, token: <secret>}}\n";
    let found = brought(text);
    let all = checks(&found);
    assert_eq!(all.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["Shop", "Job", "All"]);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    assert!(found.notes[0].starts_with("Shop: password was hidden"));
}

#[test]
fn what_is_none_of_them_is_said() {
    let wrong = |text: &str| read(text.as_bytes(), |_| Err("none".to_owned())).unwrap_err();
    assert!(wrong("{\"a\": 1}").starts_with("the JSON is neither a backup of Uptime Kuma"));
    assert!(wrong("{\"a\": ").starts_with("the file is no JSON: "));
    assert!(wrong("hello").starts_with("the file is none of those that can be read: "));
    assert!(wrong("a: [").starts_with("the file cannot be read at line "));
    assert!(wrong(&"[".repeat(10_000)).starts_with("the file is no JSON: "));
    assert_eq!(read(b"\xff\xfe", |_| panic!()).unwrap_err(), "the file is neither text nor a database of SQLite");
    let bad = brought("{\"monitorList\": [{\"name\": \"a\", \"type\": \"http\", \"url\": \"nowhere\"}, 5, null]}");
    assert_eq!((bad.checks.len(), bad.notes.len()), (0, 3), "{:?}", bad.notes);
}
