//! KPIs of a database: PostgreSQL as it is installed on this machine is asked, and never changed.

#[path = "../../src/uptime/probe/tests/installed.rs"]
mod installed;

use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};

use self::installed::{Running, postgres, program};
use crate::support::{Server, client, free_port, page, skip, until};

const PASSWORD: &str = "hunter2-of-the-reader";

/// A database that ends with the test.
struct Database {
    _running: Running,
    folder: tempfile::TempDir,
    port: u16,
}

impl Database {
    fn start() -> Option<Self> {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let made_with = ["-U", "owner", "--auth-local=trust", "--auth-host=scram-sha-256"];
        let database = Self { _running: postgres(folder.path(), port, &made_with, &[])?, folder, port };
        let is_ready = || database.psql("SELECT 1").is_some();
        for _ in 0..1200 {
            if is_ready() {
                return Some(database);
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the database does not begin");
    }

    /// What a statement of its owner gives.
    fn psql(&self, sql: &str) -> Option<String> {
        let mut psql = Command::new(program("psql")?);
        psql.args(["-h", &self.folder.path().display().to_string(), "-p", &self.port.to_string(), "-U", "owner", "-d", "postgres"]);
        let done = psql.args(["-v", "ON_ERROR_STOP=1", "-At", "-c", sql]).output().unwrap();
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap().trim().to_owned())
    }

    fn must(&self, sql: &str) -> String {
        self.psql(sql).unwrap_or_else(|| panic!("{sql}"))
    }
}

/// A shop whose orders are known: at noon of each of the last ninety days one of plan `pro` of 30 and two of `free` of 5;
/// and at half past midnight by the clock of Cairo one more, which is the day before by UTC.
const SHOP: &str = "
    CREATE TABLE orders (at timestamptz NOT NULL, plan text NOT NULL, amount numeric(12,2) NOT NULL);
    INSERT INTO orders SELECT day + interval '12 hours', 'pro', 30 FROM generate_series(date_trunc('day', now() AT TIME ZONE 'Africa/Cairo') - interval '90 days', now() AT TIME ZONE 'Africa/Cairo' - interval '1 day', '1 day') AS day;
    INSERT INTO orders SELECT at, 'free', 5 FROM orders, generate_series(1, 2) WHERE plan = 'pro';
    INSERT INTO orders SELECT (date_trunc('day', at) + interval '30 minutes') AT TIME ZONE 'Africa/Cairo', 'pro', 1 FROM orders WHERE plan = 'pro';
    CREATE ROLE reader LOGIN PASSWORD 'hunter2-of-the-reader';
    GRANT SELECT ON orders TO reader;
    GRANT INSERT, DELETE ON orders TO reader;
";

fn kpi(port: u16, more: &str) -> String {
    format!(
        "name: Revenue\nunit: currency\ncurrency: EUR\ncollected: daily\ntime_zone: Africa/Cairo\nsegments: [plan]\n\
         sql:\n  database: 'postgres://reader@127.0.0.1:{port}/postgres'\n  password: {PASSWORD}\n  query: |\n    {more}\n"
    )
}

const QUERY: &str = "SELECT $segment AS segment, sum(amount) AS value FROM orders WHERE at >= $from AND at < $until GROUP BY 1";

fn asked(server: &Server, method: &str, path: &str, body: &str) -> (u16, Json) {
    let method = method.parse().unwrap();
    let answer = client().request(method, server.url(path)).body(body.to_owned()).send().unwrap();
    (answer.status().as_u16(), answer.json().unwrap())
}

#[test]
fn numbers_come_out_of_a_database_by_day_and_segment_and_nothing_goes_in() {
    let Some(database) = Database::start() else {
        skip("PostgreSQL is not installed");
        return;
    };
    database.must(SHOP);
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false"]);
    let (status, said) = asked(&server, "POST", "/api/v1/kpis", &kpi(database.port, QUERY));
    assert_eq!(status, 200, "{said}");
    assert!(!asked(&server, "GET", "/api/v1/kpis/Revenue", "").1.to_string().contains("hunter2"), "the password is nobody's");
    let (status, said) = asked(&server, "POST", "/api/v1/kpis/Revenue/backfill", "");
    assert_eq!(status, 200, "{said}");
    let days = || {
        let answer = asked(&server, "GET", "/api/v1/kpis/Revenue/values?grain=day&segment=plan", "").1;
        let values = |list: &Json| -> Vec<f64> {
            let over = list.as_array().unwrap().iter().filter(|value| value["standing"] != "running");
            over.map(|value| value["value"].as_f64().unwrap()).collect()
        };
        let of = |plan: &str| {
            let segments = answer["data"]["segments"].as_array().unwrap();
            segments.iter().find(|one| one["segment"] == plan).map(|one| values(&one["values"])).unwrap_or_default()
        };
        (values(&answer["data"]["values"]), of("pro"), of("free"))
    };
    for _ in 0..1200 {
        if asked(&server, "GET", "/api/v1/kpis/Revenue/backfill", "").1["data"]["ended"] == "whole" {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let (all, pro, free) = days();
    assert!(all.len() >= 80 && pro.len() >= 80 && free.len() >= 80, "{} days, {} of pro", all.len(), pro.len());
    let count = all.len();
    // The newest of them is yesterday, whose noon may lie ahead where the clocks of the two differ; the rest is known.
    assert_eq!(&all[count - 30..count - 1], &[41.0; 29][..], "{all:?}");
    assert_eq!((pro[pro.len() - 2], free[free.len() - 2]), (31.0, 10.0));
    // What it may not do, and what is wrong with a query.
    for (query, expected) in [
        ("DELETE FROM orders RETURNING 1 AS value", "syntax error"),
        ("WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) AS value FROM gone", "must be at the top level"),
        ("SELECT sum(amount) AS value FROM orders; DROP TABLE orders", "syntax error"),
        ("SELECT nextval('hidden') AS value", "hidden"),
        ("SELECT sum(total) AS value FROM orders", "total"),
        ("SELECT amount AS value FROM orders", "rows, expected one"),
    ] {
        let (status, said) = asked(
            &server,
            "POST",
            "/api/v1/kpis/validate",
            &kpi(database.port, query).replace("name: Revenue", "name: B").replace("segments: [plan]\n", ""),
        );
        assert_eq!(status, 200, "{said}");
        let trouble = said["data"]["trouble"].as_str().unwrap_or_default();
        assert!(trouble.contains(expected) && !trouble.contains("hunter2"), "{query}: {said}");
    }
    // A reader who may delete cannot do it through a function either.
    database.must("CREATE FUNCTION emptied() RETURNS bigint LANGUAGE sql AS 'DELETE FROM orders; SELECT 1::bigint'; GRANT EXECUTE ON FUNCTION emptied TO reader");
    let sly = kpi(database.port, "SELECT emptied() AS value").replace("name: Revenue", "name: B").replace("segments: [plan]\n", "");
    let said = asked(&server, "POST", "/api/v1/kpis/validate", &sly).1;
    assert!(said["data"]["trouble"].as_str().unwrap_or_default().contains("read-only transaction"), "{said}");
    assert!(database.must("SELECT count(*) FROM orders").parse::<u32>().unwrap() > 300, "nothing is gone");
    let wrong = sly.replace(PASSWORD, "guessed").replace("emptied()", "1");
    let said = asked(&server, "POST", "/api/v1/kpis/validate", &wrong).1;
    assert!(said["data"]["trouble"].as_str().unwrap_or_default().contains("password authentication failed"), "{said}");
}

#[test]
fn who_comes_back_is_read_from_the_database_of_a_kpi() {
    let Some(database) = Database::start() else {
        skip("PostgreSQL is not installed");
        return;
    };
    database.must(SHOP);
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false"]);
    assert_eq!(asked(&server, "POST", "/api/v1/kpis", &kpi(database.port, QUERY)).0, 200);
    let sql = "SELECT * FROM (VALUES ('2026-01', 0, 100), ('2026-01', 1, 40), ('2026-02', 0, 50)) AS t (cohort, age, value)";
    let retention = json!({ "name": "Customers", "database_of": "Revenue", "sql": sql, "kpi": "Revenue" }).to_string();
    let (status, said) = asked(&server, "POST", "/api/v1/retentions", &retention);
    assert_eq!(status, 200, "{said}");
    let (status, said) = asked(&server, "GET", "/api/v1/retentions/Customers", "");
    assert_eq!(status, 200, "{said}");
    let cohorts = said["data"]["cohorts"].as_array().unwrap();
    assert_eq!((cohorts.len(), &cohorts[0]["shares"][1], &said["data"]["kpi"]), (2, &json!(0.4), &json!("Revenue")), "{said}");
    let id = asked(&server, "GET", "/api/v1/kpis/Revenue", "").1["data"]["id"].to_string();
    until(|| Some(page(&server, &format!("/business/{id}"))).filter(|html| html.contains("Cohorts") && html.contains("40 %")));
    let lost = json!({ "name": "Lost", "promql": "a", "kpi": "Nothing" }).to_string();
    let (status, said) = asked(&server, "POST", "/api/v1/retentions", &lost);
    assert!(status == 400 && said.to_string().contains("which is no KPI"), "{status}: {said}");
}
