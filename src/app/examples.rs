//! Examples at the end of each command's help. A test runs every line through the command line's own reader.

pub(super) const EXAMPLES: &str = "\
Examples:
  pharos serve
  pharos serve --config prometheus.yml --data-dir /var/lib/pharos
  pharos check config prometheus.yml
  pharos query instant 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'";

pub(super) const SERVE_EXAMPLES: &str = "\
Examples:
  pharos serve
  pharos serve --config prometheus.yml --data-dir /var/lib/pharos --retention-time 90d
  pharos serve --listen 127.0.0.1:9091 --host-metrics=false --log-format json
  pharos serve --config.file=prometheus.yml --storage.tsdb.path=data --web.enable-lifecycle";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  pharos check config prometheus.yml
  pharos check rules rules.yml
  pharos check metrics page.txt
  pharos check logql '{app=\"api\"} |= \"error\"'
  pharos check healthy
  pharos check ready --url http://localhost:9090";

pub(super) const CONFIG_EXAMPLES: &str = "\
Examples:
  pharos check config prometheus.yml
  pharos check config --strict /etc/pharos/prometheus.yml staging.yml";

pub(super) const RULES_EXAMPLES: &str = "\
Examples:
  pharos check rules rules.yml
  pharos check rules /etc/pharos/node.yml /etc/pharos/api.yml";

pub(super) const TEST_EXAMPLES: &str = "\
Examples:
  pharos test rules tests.yml";

pub(super) const TEST_RULES_EXAMPLES: &str = "\
Examples:
  pharos test rules tests.yml
  pharos test rules --run 'disk|cpu' --diff /etc/pharos/tests/node.yml
  pharos test rules --debug tests.yml";

pub(super) const ALERTMANAGER_EXAMPLES: &str = "\
Examples:
  pharos check alertmanager alertmanager.yml";

pub(super) const BLACKBOX_EXAMPLES: &str = "\
Examples:
  pharos check blackbox blackbox.yml";

pub(super) const ALERTS_EXAMPLES: &str = "\
Examples:
  pharos alerts routes show --config alertmanager.yml
  pharos alerts routes test --config alertmanager.yml severity=critical team=db
  pharos alerts packs node";

pub(super) const ROUTES_EXAMPLES: &str = "\
Examples:
  pharos alerts routes show --config alertmanager.yml
  pharos alerts routes test --config alertmanager.yml severity=critical";

pub(super) const ROUTES_SHOW_EXAMPLES: &str = "\
Examples:
  pharos alerts routes show --config alertmanager.yml";

pub(super) const ROUTES_TEST_EXAMPLES: &str = "\
Examples:
  pharos alerts routes test --config alertmanager.yml severity=critical team=db
  pharos alerts routes test --config alertmanager.yml --tree --verify-receivers pager,chat severity=critical";

pub(super) const PACKS_EXAMPLES: &str = "\
Examples:
  pharos alerts packs
  pharos alerts packs node
  pharos alerts packs node --threshold node_cpu_percent=90 > node.yml";

pub(super) const WEB_CONFIG_EXAMPLES: &str = "\
Examples:
  pharos check web-config web.config.yml";

pub(super) const LINT_EXAMPLES: &str = "\
Examples:
  pharos check metrics page.txt
  curl -s http://localhost:8080/metrics | pharos check metrics";

pub(super) const LOGQL_EXAMPLES: &str = "\
Examples:
  pharos check logql '{app=\"api\"} |= \"error\" | json | status >= 500'
  pharos check logql 'refused -debug status>=500'";

pub(super) const DASHBOARD_EXAMPLES: &str = "\
Examples:
  pharos check dashboard node-exporter-full.json
  pharos check dashboard dashboards/*.json";

pub(super) const HEALTHY_EXAMPLES: &str = "\
Examples:
  pharos check healthy
  pharos check healthy --url https://metrics.example";

pub(super) const READY_EXAMPLES: &str = "\
Examples:
  pharos check ready
  pharos check ready --url http://metrics.example:9090";

pub(super) const QUERY_EXAMPLES: &str = "\
Examples:
  pharos query instant up
  pharos query range --start 2026-11-21T00:00:00Z --step 1m 'rate(http_requests_total[5m])'
  pharos query series --match 'up{job=\"node\"}'
  pharos query labels job";

pub(super) const LOGS_EXAMPLES: &str = "\
Examples:
  pharos logs query '{app=\"shop\"} |= \"error\"'
  pharos logs tail '{app=\"shop\"}'
  pharos logs labels app";

pub(super) const LOGS_QUERY_EXAMPLES: &str = "\
Examples:
  pharos logs query '{app=\"shop\"} |= \"error\"'
  pharos logs query --since 2d --limit 0 --forward --output jsonl '{app=\"shop\"}'
  pharos logs query --from 2026-11-21T07:00:00Z --to 2026-11-21T08:00:00Z --output raw '{app=\"shop\"} | json | status >= 500'
  pharos logs query --step 1m 'sum by (app) (rate({job=\"docker\"}[5m]))'";

pub(super) const LOGS_TAIL_EXAMPLES: &str = "\
Examples:
  pharos logs tail '{app=\"shop\"}'
  pharos logs tail --url http://logs.example:9090 --output raw '{app=\"shop\"} != \"health\"'";

pub(super) const LOGS_LABELS_EXAMPLES: &str = "\
Examples:
  pharos logs labels
  pharos logs labels --since 30d app";

pub(super) const INSTANT_EXAMPLES: &str = "\
Examples:
  pharos query instant up
  pharos query instant 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'
  pharos query instant --time 2026-11-21T07:00:00Z --format json 'topk(5, process_resident_memory_bytes)'
  pharos query instant --url http://metrics.example:9090 'up == 0'
  pharos query instant --url https://localhost:9090 --ca-file data/tls/self-signed.crt up";

pub(super) const RANGE_EXAMPLES: &str = "\
Examples:
  pharos query range 'rate(node_network_receive_bytes_total[5m])'
  pharos query range --start 2026-11-20T00:00:00Z --end 2026-11-21T00:00:00Z --step 5m 'node_load1'
  pharos query range --start 1795000000 --format json up";

pub(super) const SERIES_EXAMPLES: &str = "\
Examples:
  pharos query series --match 'up{job=\"node\"}'
  pharos query series --match node_load1 --match node_load5 --start 2026-11-21T00:00:00Z";

pub(super) const LABELS_EXAMPLES: &str = "\
Examples:
  pharos query labels
  pharos query labels job
  pharos query labels --match node_cpu_seconds_total mode";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  pharos import openmetrics old.om
  pharos import openmetrics --data-dir /var/lib/pharos old.om";

pub(super) const ANALYZE_EXAMPLES: &str = "\
Examples:
  pharos tsdb analyze
  pharos tsdb analyze --url http://metrics.example:9090 --limit 50
  pharos tsdb analyze --data-dir data --match 'node_cpu_seconds_total'
  pharos tsdb analyze --data-dir data --json";

pub(super) const BACKUP_EXAMPLES: &str = "\
Examples:
  pharos backup pharos.tar.zst
  pharos backup --url https://metrics.example --token pht_example /backups
  pharos backup --data-dir /var/lib/pharos pharos.tar.zst
  pharos backup - | ssh backup.example dd of=pharos.tar.zst";

pub(super) const RESTORE_EXAMPLES: &str = "\
Examples:
  pharos restore pharos.tar.zst --data-dir /var/lib/pharos
  pharos restore pharos.tar.zst --data-dir /var/lib/pharos --force";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(pharos completions bash)
  pharos completions zsh > _pharos
  pharos completions fish > pharos.fish";

pub(super) const USER_EXAMPLES: &str = "\
Examples:
  pharos user add ann --role admin
  pharos user set-password ann --data-dir /var/lib/pharos
  pharos user list
  pharos user reset-totp ann";

pub(super) const USER_LIST_EXAMPLES: &str = "\
Examples:
  pharos user list
  pharos user list --format json --data-dir /var/lib/pharos";

pub(super) const USER_ADD_EXAMPLES: &str = "\
Examples:
  pharos user add ann --role admin
  pharos user add bob --email bob@example.org
  pharos user add 'Zoë van den Berg' --role editor --data-dir /var/lib/pharos
  cat password.txt | pharos user add ci --role editor";

pub(super) const USER_PASSWORD_EXAMPLES: &str = "\
Examples:
  pharos user set-password ann
  cat password.txt | pharos user set-password ann --data-dir /var/lib/pharos";

pub(super) const USER_ROLE_EXAMPLES: &str = "\
Examples:
  pharos user role bob editor
  pharos user role bob admin --data-dir /var/lib/pharos";

pub(super) const USER_DISABLE_EXAMPLES: &str = "\
Examples:
  pharos user disable bob
  pharos user disable bob --data-dir /var/lib/pharos";

pub(super) const USER_ENABLE_EXAMPLES: &str = "\
Examples:
  pharos user enable bob
  pharos user enable bob --data-dir /var/lib/pharos";

pub(super) const USER_DELETE_EXAMPLES: &str = "\
Examples:
  pharos user delete bob
  pharos user delete bob --data-dir /var/lib/pharos";

pub(super) const USER_TOTP_EXAMPLES: &str = "\
Examples:
  pharos user reset-totp ann
  pharos user reset-totp ann --data-dir /var/lib/pharos";

pub(super) const USER_SIGN_OUT_EXAMPLES: &str = "\
Examples:
  pharos user sign-out bob
  pharos user sign-out bob --data-dir /var/lib/pharos";

pub(super) const IMPORT_LOKI_EXAMPLES: &str = "\
Examples:
  pharos import loki-export shop.jsonl
  pharos import loki-export --data-dir /var/lib/pharos --fields trace_id,user_id shop.jsonl
  pharos import loki-export --labels '{env=\"prod\"}' shop.jsonl";
