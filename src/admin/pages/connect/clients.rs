//! What can be connected: one row for each program, with what to paste where.
//!
//! `{{URL}}` is this server's address, `{{HOST}}`, `{{PORT}}` and `{{TLS}}` are its parts, `{{TOKEN}}` is the token, and
//! `{{SIGNED_URL}}` is the address with the token in it, for programs that have no other place for one.

use crate::access::Scope;
use crate::ui::lang::key;

/// What a token for a program is for, which decides when its light turns green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It sends samples.
    SendMetrics,
    /// It sends lines.
    SendLogs,
    /// It sends samples and lines.
    SendBoth,
    /// It asks.
    Read,
}

impl Purpose {
    /// What its token may do.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::SendMetrics => &[Scope::MetricsWrite],
            Self::SendLogs => &[Scope::LogsWrite],
            Self::SendBoth => &[Scope::MetricsWrite, Scope::LogsWrite],
            Self::Read => &[Scope::Read],
        }
    }
}

/// A program.
#[derive(Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in addresses.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The heading above it.
    pub group: &'static str,
    /// What happens.
    pub what: &'static str,
    /// What its token is for.
    pub purpose: Purpose,
    /// Where the text goes: a file, or how to run it.
    pub place: &'static str,
    /// The language of the text.
    pub language: &'static str,
    /// What to paste.
    pub text: &'static str,
}

const AGENTS: &str = key("Agents");
const PROGRAMS: &str = key("Your own programs");
const READERS: &str = key("Reading");

/// All of them. A row is all that a new one needs.
pub const CLIENTS: &[Client] = &[
    Client {
        id: "prometheus",
        name: "Prometheus",
        group: AGENTS,
        what: key("Prometheus goes on as it is and sends a copy of every sample here."),
        purpose: Purpose::SendMetrics,
        place: key("Add to prometheus.yml, then reload Prometheus."),
        language: "yaml",
        text: "\
remote_write:
  - url: {{URL}}/api/v1/write
    authorization:
      credentials: {{TOKEN}}
",
    },
    Client {
        id: "alloy",
        name: "Grafana Alloy",
        group: AGENTS,
        what: key("Alloy collects this machine's metrics and log files and sends them here."),
        purpose: Purpose::SendBoth,
        place: key("Add to config.alloy, then reload Alloy."),
        language: "alloy",
        text: "\
prometheus.exporter.unix \"host\" { }

prometheus.scrape \"host\" {
  targets    = prometheus.exporter.unix.host.targets
  forward_to = [prometheus.remote_write.pharos.receiver]
}

prometheus.remote_write \"pharos\" {
  endpoint {
    url          = \"{{URL}}/api/v1/write\"
    bearer_token = \"{{TOKEN}}\"
  }
}

local.file_match \"logs\" {
  path_targets = [{\"__path__\" = \"/var/log/*.log\", \"job\" = \"files\"}]
}

loki.source.file \"logs\" {
  targets    = local.file_match.logs.targets
  forward_to = [loki.write.pharos.receiver]
}

loki.write \"pharos\" {
  endpoint {
    url          = \"{{URL}}/loki/api/v1/push\"
    bearer_token = \"{{TOKEN}}\"
  }
}
",
    },
    Client {
        id: "promtail",
        name: "Promtail",
        group: AGENTS,
        what: key("Promtail goes on as it is and sends its lines here; pharos can also read its file and do without it."),
        purpose: Purpose::SendLogs,
        place: key("In place of clients in promtail.yml, then restart Promtail."),
        language: "yaml",
        text: "\
clients:
  - url: {{URL}}/loki/api/v1/push
    bearer_token: {{TOKEN}}
",
    },
    Client {
        id: "docker",
        name: key("Docker's Loki driver"),
        group: AGENTS,
        what: key("Docker sends what containers print. non-blocking lets containers go on when nobody answers."),
        purpose: Purpose::SendLogs,
        place: key("In compose.yaml, for each service; the plugin grafana/loki-docker-driver must be installed."),
        language: "yaml",
        text: "\
services:
  app:
    logging:
      driver: loki
      options:
        loki-url: '{{SIGNED_URL}}/loki/api/v1/push'
        loki-retries: '2'
        loki-timeout: 1s
        mode: non-blocking
",
    },
    Client {
        id: "opentelemetry",
        name: "OpenTelemetry Collector",
        group: AGENTS,
        what: key("The collector sends metrics and logs here by its own protocol. Its contrib build has the parts named below."),
        purpose: Purpose::SendBoth,
        place: key("The collector's configuration file, or the same parts added to yours."),
        language: "yaml",
        text: "\
receivers:
  hostmetrics:
    scrapers:
      cpu: {}
      memory: {}
      filesystem: {}
  filelog:
    include: [/var/log/*.log]
exporters:
  otlphttp:
    endpoint: {{URL}}
    headers:
      Authorization: Bearer {{TOKEN}}
service:
  pipelines:
    metrics:
      receivers: [hostmetrics]
      exporters: [otlphttp]
    logs:
      receivers: [filelog]
      exporters: [otlphttp]
",
    },
    Client {
        id: "telegraf",
        name: "Telegraf",
        group: AGENTS,
        what: key("Telegraf sends what its inputs collect by remote write."),
        purpose: Purpose::SendMetrics,
        place: key("Add to telegraf.conf, then restart Telegraf."),
        language: "toml",
        text: "\
[[outputs.http]]
  url = \"{{URL}}/api/v1/write\"
  data_format = \"prometheusremotewrite\"
  [outputs.http.headers]
    Authorization = \"Bearer {{TOKEN}}\"
    Content-Type = \"application/x-protobuf\"
    Content-Encoding = \"snappy\"
    X-Prometheus-Remote-Write-Version = \"0.1.0\"
",
    },
    Client {
        id: "vector",
        name: "Vector",
        group: AGENTS,
        what: key("Vector sends this machine's metrics by remote write, and its log files as to Loki."),
        purpose: Purpose::SendBoth,
        place: key("Add to vector.yaml; Vector reads it again by itself when started with --watch-config."),
        language: "yaml",
        text: "\
sources:
  host:
    type: host_metrics
  files:
    type: file
    include: [/var/log/*.log]
sinks:
  metrics:
    type: prometheus_remote_write
    inputs: [host]
    endpoint: {{URL}}/api/v1/write
    auth:
      strategy: bearer
      token: {{TOKEN}}
  logs:
    type: loki
    inputs: [files]
    endpoint: {{URL}}
    encoding:
      codec: raw_message
    labels:
      job: files
    auth:
      strategy: bearer
      token: {{TOKEN}}
",
    },
    Client {
        id: "fluent-bit",
        name: "Fluent Bit",
        group: AGENTS,
        what: key("Fluent Bit sends this machine's metrics by remote write, and its log files as to Loki."),
        purpose: Purpose::SendBoth,
        place: key("Add to fluent-bit.yaml, then restart Fluent Bit."),
        language: "yaml",
        text: "\
pipeline:
  inputs:
    - name: node_exporter_metrics
      tag: host
    - name: tail
      path: /var/log/*.log
      tag: files
  outputs:
    - name: prometheus_remote_write
      match: host
      host: '{{HOST}}'
      port: {{PORT}}
      uri: /api/v1/write
      tls: {{TLS}}
      http_user: token
      http_passwd: {{TOKEN}}
    - name: loki
      match: files
      host: '{{HOST}}'
      port: {{PORT}}
      tls: {{TLS}}
      labels: job=files
      line_format: key_value
      drop_single_key: raw
      http_user: token
      http_passwd: {{TOKEN}}
",
    },
    Client {
        id: "opentelemetry-sdk",
        name: "OpenTelemetry SDK",
        group: PROGRAMS,
        what: key("Programs with an SDK of OpenTelemetry send their metrics and logs here, in any language."),
        purpose: Purpose::SendBoth,
        place: key("In the environment of the program."),
        language: "sh",
        text: "\
export OTEL_SERVICE_NAME=shop
export OTEL_EXPORTER_OTLP_ENDPOINT={{URL}}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer%20{{TOKEN}}'
export OTEL_TRACES_EXPORTER=none
",
    },
    Client {
        id: "curl",
        name: key("curl, one value as JSON"),
        group: PROGRAMS,
        what: key("One value from a script. Every language can do the same request."),
        purpose: Purpose::SendMetrics,
        place: key("In a shell."),
        language: "sh",
        text: "\
curl -sS {{URL}}/api/v1/metrics/custom \\
  -H 'Authorization: Bearer {{TOKEN}}' \\
  -H 'Content-Type: application/json' \\
  -d '{\"name\": \"orders_open\", \"type\": \"gauge\", \"value\": 12, \"labels\": {\"shop\": \"a\"}}'
",
    },
    Client {
        id: "lines",
        name: key("curl, lines of a log"),
        group: PROGRAMS,
        what: key("Lines from a script or a pipe, as plain text or as JSON, an object a line."),
        purpose: Purpose::SendLogs,
        place: key("In a shell."),
        language: "sh",
        text: "\
echo 'backup finished, 1200 files' |
  curl -sS --data-binary @- -H 'Content-Type: text/plain' \\
    -H 'Authorization: Bearer {{TOKEN}}' \\
    --url-query 'labels={job=\"backup\"}' {{URL}}/api/v1/logs
",
    },
    Client {
        id: "pushgateway",
        name: key("curl, as to a Pushgateway"),
        group: PROGRAMS,
        what: key("For jobs that end: what they push stays until it is pushed again or deleted."),
        purpose: Purpose::SendMetrics,
        place: key("In a shell, at the end of the job."),
        language: "sh",
        text: "\
echo 'backup_size_bytes 1200' |
  curl -sS -u 'token:{{TOKEN}}' --data-binary @- {{URL}}/metrics/job/backup
",
    },
    Client {
        id: "python",
        name: "Python",
        group: PROGRAMS,
        what: key("Pushes with the package prometheus-client."),
        purpose: Purpose::SendMetrics,
        place: key("pip install prometheus-client, then run this."),
        language: "python",
        text: "\
from prometheus_client import CollectorRegistry, Gauge, push_to_gateway
from prometheus_client.exposition import basic_auth_handler


def signed_in(url, method, timeout, headers, data):
    return basic_auth_handler(url, method, timeout, headers, data, \"token\", \"{{TOKEN}}\")


registry = CollectorRegistry()
done = Gauge(\"job_last_success_timestamp_seconds\", \"When the job last succeeded.\", registry=registry)
done.set_to_current_time()
push_to_gateway(\"{{URL}}\", job=\"nightly\", registry=registry, handler=signed_in)
",
    },
    Client {
        id: "node",
        name: "Node.js",
        group: PROGRAMS,
        what: key("Sends values as JSON; needs no package."),
        purpose: Purpose::SendMetrics,
        place: key("Save as send.mjs, then run node send.mjs."),
        language: "js",
        text: "\
const answer = await fetch('{{URL}}/api/v1/metrics/custom', {
  method: 'POST',
  headers: { authorization: 'Bearer {{TOKEN}}', 'content-type': 'application/json' },
  body: JSON.stringify({ name: 'orders_open', type: 'gauge', value: 12, labels: { shop: 'a' } }),
});
if (!answer.ok) throw new Error(await answer.text());
",
    },
    Client {
        id: "go",
        name: "Go",
        group: PROGRAMS,
        what: key("Pushes with the package client_golang."),
        purpose: Purpose::SendMetrics,
        place: key("go get github.com/prometheus/client_golang, then run this."),
        language: "go",
        text: "\
package main

import (
\t\"log\"

\t\"github.com/prometheus/client_golang/prometheus\"
\t\"github.com/prometheus/client_golang/prometheus/push\"
)

func main() {
\tdone := prometheus.NewGauge(prometheus.GaugeOpts{
\t\tName: \"job_last_success_timestamp_seconds\",
\t\tHelp: \"When the job last succeeded.\",
\t})
\tdone.SetToCurrentTime()
\terr := push.New(\"{{URL}}\", \"nightly\").BasicAuth(\"token\", \"{{TOKEN}}\").Collector(done).Push()
\tif err != nil {
\t\tlog.Fatal(err)
\t}
}
",
    },
    Client {
        id: "grafana",
        name: "Grafana",
        group: READERS,
        what: key("Dashboards of Grafana read from here as from Prometheus and as from Loki."),
        purpose: Purpose::Read,
        place: key("Save as provisioning/datasources/pharos.yaml, then restart Grafana."),
        language: "yaml",
        text: "\
apiVersion: 1
datasources:
  - name: pharos
    type: prometheus
    access: proxy
    url: {{URL}}
    jsonData:
      httpMethod: POST
      httpHeaderName1: Authorization
    secureJsonData:
      httpHeaderValue1: Bearer {{TOKEN}}
  - name: pharos logs
    type: loki
    access: proxy
    url: {{URL}}
    jsonData:
      httpHeaderName1: Authorization
    secureJsonData:
      httpHeaderValue1: Bearer {{TOKEN}}
",
    },
    Client {
        id: "query",
        name: key("curl, a query"),
        group: READERS,
        what: key("The Prometheus HTTP API, for scripts."),
        purpose: Purpose::Read,
        place: key("In a shell."),
        language: "sh",
        text: "\
curl -sS -G {{URL}}/api/v1/query \\
  -H 'Authorization: Bearer {{TOKEN}}' \\
  --data-urlencode 'query=sum by (job) (up)'
",
    },
];

/// The row of a name.
pub fn client(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.id == id)
}
