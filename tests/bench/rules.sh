#!/usr/bin/env bash
# 5,000 alerting rules every 15 s over 100,000 scraped series: what they cost pharos and Prometheus side by side, in one run
# on the same pages, and whether an evaluation was missed.
#
#   rules.sh [SECONDS]        of each measurement, 180 if not said
#
# First both only scrape, then both load the rules; what is measured is the CPU time of each process (user and system) in
# both windows, which a busy machine does not change much. PHAROS=, PROMETHEUS= and LOADGEN= name the binaries, SERIES= and
# HOSTS= another size, GROUP= how many hosts' rules stand in a group (1000: all rules one after the other). Needs curl and the
# load generator of the suite.
set -euo pipefail
SECONDS_EACH=${1:-180}
SERIES=${SERIES:-100000}
HOSTS=${HOSTS:-1000}
LOADGEN=${LOADGEN:-loadgen}
GROUP=${GROUP:-20}
WARM=${WARM:-330}
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

# Five rules a host, twenty hosts a group; every host's series are asked for. Some fire.
rules() {
    local host name
    echo "groups:"
    for ((host = 0; host < HOSTS; host++)); do
        printf -v name 'host-%05d' "$host"
        ((host % GROUP)) || printf -- '- name: hosts-%03d\n  interval: 15s\n  rules:\n' $((host / GROUP))
        cat <<END
  - {alert: Load, expr: 'node_load1{node="$name"} / on (node) count by (node) (node_cpu_seconds_total{node="$name",mode="idle"}) > 4', for: 5m, labels: {severity: warning}, annotations: {summary: 'load of {{ \$labels.node }} is {{ \$value | humanize }}'}}
  - {alert: DiskFull, expr: 'node_filesystem_avail_bytes{node="$name"} / node_filesystem_size_bytes{node="$name"} < 0.1', for: 10m, labels: {severity: critical}, annotations: {summary: '{{ \$value | humanizePercentage }} left'}}
  - {alert: CpuBusy, expr: 'sum by (node) (rate(node_cpu_seconds_total{node="$name",mode!="idle"}[5m])) > 0.4', for: 1m, labels: {severity: warning}, annotations: {summary: '{{ \$labels.node }} is busy'}}
  - {alert: Errors, expr: 'sum by (service) (rate(http_requests_total{node="$name",status=~"5.."}[5m])) / sum by (service) (rate(http_requests_total{node="$name"}[5m])) > 0.05', for: 1m, labels: {severity: critical}, annotations: {summary: '{{ \$value | humanizePercentage }} of requests fail'}}
  - {alert: Slow, expr: 'histogram_quantile(0.99, sum by (le, service) (rate(http_request_duration_seconds_bucket{node="$name"}[5m]))) > 1', for: 2m, labels: {severity: warning}, annotations: {summary: 'p99 is {{ \$value | humanizeDuration }}'}}
END
    done
}

cpu() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; }
longest() { curl -sf "http://127.0.0.1:$1/metrics" | awk 'index($1, "prometheus_rule_group_last_duration_seconds") == 1 && $2 > m {m = $2} END {printf "%.3f", m}'; }
rss() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$1/status"; }
sum() { curl -sf "http://127.0.0.1:$1/metrics" | awk -v name="$2" 'index($1, name) == 1 {s += $2} END {printf "%d", s}'; }

for name in prometheus pharos; do
    cat >"$folder/$name.yml" <<END
global: {scrape_interval: 15s, evaluation_interval: 15s}
rule_files: [$folder/rules*.yml]
scrape_configs:
- {job_name: fleet, honor_labels: true, scrape_timeout: 10s, metrics_path: /metrics/0, static_configs: [{targets: ['127.0.0.1:19190']}]}
END
done
"$LOADGEN" metrics expose -q --listen 127.0.0.1:19190 --series "$SERIES" --interval 15s >/dev/null &
pids+=($!)
"${PROMETHEUS:-prometheus}" --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/prometheus" \
    --web.listen-address=127.0.0.1:19191 --web.enable-lifecycle --log.level=error &
prometheus=$!
pids+=($prometheus)
"${PHAROS:-pharos}" serve --config "$folder/pharos.yml" --data-dir "$folder/pharos" --listen 127.0.0.1:19192 \
    --enable-lifecycle --host-metrics=false --own-metrics=false --auth=off --log-level error &
pharos=$!
pids+=($pharos)
# Until there are five minutes of samples, as the rules ask for.
sleep "$WARM"

measure() {
    local theirs ours
    theirs=$(cpu $prometheus) ours=$(cpu $pharos)
    sleep "$SECONDS_EACH"
    theirs=$(($(cpu $prometheus) - theirs)) ours=$(($(cpu $pharos) - ours))
    awk -v what="$1" -v theirs=$theirs -v ours=$ours -v seconds="$SECONDS_EACH" -v hz="$(getconf CLK_TCK)" \
        'BEGIN {printf "%-22s pharos %6.2f s  Prometheus %6.2f s  of %d s: %.1f %% and %.1f %% of a core, ratio %.2f\n", what, ours / hz, theirs / hz, seconds, ours / hz / seconds * 100, theirs / hz / seconds * 100, ours / theirs}'
}

measure "scraping alone"
rules >"$folder/rules.yml"
for port in 19191 19192; do curl -sf -XPOST "http://127.0.0.1:$port/-/reload" >/dev/null; done
sleep 45
measure "with 5 rules a host"
for peer in "pharos 19192 $pharos" "Prometheus 19191 $prometheus"; do
    read -r name port pid <<<"$peer"
    echo "$name: $(sum "$port" prometheus_rule_group_iterations_total) evaluations of groups, $(sum "$port" prometheus_rule_group_iterations_missed_total) missed," \
        "$(sum "$port" prometheus_rule_evaluations_total) of rules, $(sum "$port" prometheus_rule_evaluation_failures_total) failed," \
        "$(curl -sf "http://127.0.0.1:$port/api/v1/alerts" | grep -o '"state":"[a-z]*"' | sort | uniq -c | tr -s ' \n' ' '), longest group $(longest "$port") s, RSS $(rss "$pid") MiB"
done
