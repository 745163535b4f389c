//! PostgreSQL and Redis as they are installed on this machine; where one is missing its test is skipped with a line.

use std::time::Duration;

use super::ground::{Identity, probed, why};
use super::installed::{Running, command, hand_over, postgres, program};

/// How long a server may take to begin.
const BEGUN_WITHIN: Duration = Duration::from_secs(180);

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skip(why: &str) {
    assert!(std::env::var_os("PHAROS_TEST_FULL").is_none(), "{why}, and PHAROS_TEST_FULL is set");
    println!("skipped: {why}");
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn until_open(port: u16) {
    let opened = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(BEGUN_WITHIN, opened).await.expect("the server begins in time");
}

#[tokio::test]
async fn postgres_is_signed_in_to_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::new(&[]);
    for (name, text) in [("password", "hunter2"), ("server.crt", &identity.pem), ("server.key", &identity.key)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        rustix::fs::chmod(&path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        hand_over(&path);
    }
    let port = free_port();
    let made_with = ["-U", "ann", "--pwfile=password", "--auth=scram-sha-256"];
    let run_with = ["-c", "ssl=on", "-c", "ssl_cert_file=../server.crt", "-c", "ssl_key_file=../server.key"];
    let Some(_running) = postgres(folder.path(), port, &made_with, &run_with) else { return skip("PostgreSQL is not installed") };
    until_open(port).await;
    let of = |more: &str| format!("{{name: a, postgres: {{address: '127.0.0.1:{port}', username: ann, database: postgres, {more}}}}}");
    // It says that it is starting for a moment.
    let mut found = probed(&of("password: hunter2")).await;
    while why(&found).contains("starting") {
        tokio::time::sleep(Duration::from_millis(100)).await;
        found = probed(&of("password: hunter2")).await;
    }
    assert_eq!(why(&found), "all holds", "{}", found.log);
    assert!(!found.log.contains("hunter2"));
    let found = probed(&of("password: hunter2, tls: require")).await;
    assert_eq!((why(&found).as_str(), found.outcome.certificates.len()), ("all holds", 1));
    assert!(found.outcome.phases.tls.is_some());
    let found = probed(&of("password: hunter2, tls: verify")).await;
    assert!(why(&found).starts_with("tls: "), "{}", why(&found));
    for (query, told) in [
        ("select count(*) > 0 from pg_class", "all holds"),
        ("select 1 where false", "content: the query finds no row"),
        ("select null", "content: the first row of the query begins with null"),
        ("select false", "content: the first row of the query begins with false"),
        ("select 0", "content: the first row of the query begins with 0"),
        ("select generate_series(1, 100000000)", "all holds"),
        ("select * from nothing", "status: the server answered with an error: relation \"nothing\" does not exist (42P01)"),
        (
            "create table t (a int)",
            "status: the server answered with an error: cannot execute CREATE TABLE in a read-only transaction (25006)",
        ),
    ] {
        let found = probed(&of(&format!("password: hunter2, query: '{query}'"))).await;
        assert_eq!(why(&found), told, "{query}");
    }
    let told = "status: the server refuses who signs in: password authentication failed for user \"ann\" (28P01)";
    assert_eq!(why(&probed(&of("password: other")).await), told);
    let found = probed(&of("password: hunter2").replace("database: postgres", "database: other")).await;
    assert_eq!(why(&found), "status: there is no such database: database \"other\" does not exist (3D000)");
}

#[tokio::test]
async fn redis_is_signed_in_to_and_pinged() {
    let Some(redis) = program("redis-server") else { return skip("Redis is not installed") };
    let folder = tempfile::tempdir().unwrap();
    hand_over(folder.path());
    let port = free_port();
    let mut server = command(&redis, folder.path());
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--requirepass", "hunter2"]);
    let _running = Running(server.spawn().unwrap());
    until_open(port).await;
    let of = |more: &str| format!("{{name: a, redis: {{address: '127.0.0.1:{port}'{more}}}}}");
    assert_eq!(why(&probed(&of(", password: hunter2")).await), "all holds");
    assert_eq!(why(&probed(&of(", username: default, password: hunter2")).await), "all holds");
    assert!(why(&probed(&of("")).await).starts_with("status: the server wants a password: NOAUTH"));
    assert!(why(&probed(&of(", password: other")).await).starts_with("status: the server refuses the name or the password: WRONGPASS"));
}
