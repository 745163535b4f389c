#!/usr/bin/env bash
# 1,000 HTTP checks every 30 s: what they cost pharos, and Prometheus with blackbox_exporter beside it in the same run, on the
# same pages; how punctual probes are; how long the pages of uptime take.
#
#   checks.sh [SECONDS]       of the measurement, 180 if not said
#
# What is measured is the CPU time of each process (user and system) in the same window, scraping and storing included.
# PHAROS=, PROMETHEUS= and BLACKBOX= name the binaries, CHECKS= another number. Needs curl and Node.js.
set -euo pipefail
SECONDS_EACH=${1:-180}
CHECKS=${CHECKS:-1000}
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
PAGE=19181 PHAROS_PORT=19182 PROMETHEUS_PORT=19183 BLACKBOX_PORT=19184

cpu() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; }
rss() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$1/status"; }
own() { curl -sf "http://127.0.0.1:$PHAROS_PORT/metrics" | awk -v name="$1" '$1 == name {print $2}'; }

node -e "require('node:http').createServer((_, answer) => answer.end('ok')).listen($PAGE, '127.0.0.1')" &
pids+=($!)
"${PHAROS:-pharos}" serve --data-dir "$folder/pharos" --listen "127.0.0.1:$PHAROS_PORT" --host-metrics=false --own-metrics=false \
    --auth=off --log-level error &
pharos=$!
pids+=($pharos)
printf 'modules: {http_2xx: {prober: http}}\n' >"$folder/blackbox.yml"
"${BLACKBOX:-prometheus-blackbox-exporter}" --config.file="$folder/blackbox.yml" --web.listen-address="127.0.0.1:$BLACKBOX_PORT" \
    --log.level=error &
blackbox=$!
pids+=($blackbox)
{
    printf 'global: {scrape_interval: 30s}\nscrape_configs:\n- job_name: checks\n  metrics_path: /probe\n  params: {module: [http_2xx]}\n'
    printf '  relabel_configs:\n  - {source_labels: [__address__], target_label: __param_target}\n  - {source_labels: [__param_target], target_label: instance}\n'
    printf "  - {target_label: __address__, replacement: '127.0.0.1:%s'}\n  static_configs:\n  - targets:\n" "$BLACKBOX_PORT"
    for ((at = 0; at < CHECKS; at++)); do printf '    - http://127.0.0.1:%s/%s\n' "$PAGE" "$at"; done
} >"$folder/prometheus.yml"
"${PROMETHEUS:-prometheus}" --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/prometheus" \
    --web.listen-address="127.0.0.1:$PROMETHEUS_PORT" --log.level=error &
prometheus=$!
pids+=($prometheus)
until curl -sf "http://127.0.0.1:$PHAROS_PORT/-/ready" >/dev/null; do sleep 0.2; done
{
    for ((at = 0; at < CHECKS; at++)); do
        ((at)) && echo next
        printf 'url = "http://127.0.0.1:%s/api/v1/checks"\nheader = "Content-Type: application/json"\n' "$PHAROS_PORT"
        printf 'data = "{\\"name\\": \\"Check %s\\", \\"interval\\": \\"30s\\", \\"http\\": {\\"url\\": \\"http://127.0.0.1:%s/%s\\"}}"\n' "$at" "$PAGE" "$at"
    done
} >"$folder/make.curl"
curl -sf -K "$folder/make.curl" >/dev/null
sleep 60

before=("$(cpu $pharos)" "$(cpu $prometheus)" "$(cpu $blackbox)")
sleep "$SECONDS_EACH"
after=("$(cpu $pharos)" "$(cpu $prometheus)" "$(cpu $blackbox)")
used() { awk -v ticks=$((after[$1] - before[$1])) 'BEGIN {printf "%.2f", ticks / 100}'; }
theirs=$(awk -v a="$(used 1)" -v b="$(used 2)" 'BEGIN {print a + b}')
echo "CPU in ${SECONDS_EACH} s: pharos $(used 0) s ($(awk -v a="$(used 0)" -v s="$SECONDS_EACH" 'BEGIN {printf "%.1f", 100 * a / s}') % of a core), Prometheus $(used 1) s and blackbox_exporter $(used 2) s: ratio $(awk -v a="$(used 0)" -v b="$theirs" 'BEGIN {printf "%.2f", a / b}')"
echo "resident: pharos $(rss $pharos) MiB, Prometheus $(rss $prometheus) MiB and blackbox_exporter $(rss $blackbox) MiB"
echo "probes: $(own pharos_check_probes_total), begun more than 100 ms late: $(own pharos_check_probes_late_total), the latest by $(own pharos_check_lateness_seconds_max) s"
for path in /uptime '/uptime?range=90d' /uptime/1 /uptime/incidents '/uptime?text=check+7'; do
    best=$(for _ in 1 2 3 4 5; do curl -sf -o /dev/null -w '%{time_total}\n' -H 'Accept: text/html' "http://127.0.0.1:$PHAROS_PORT$path"; done | sort -n | head -3 | tail -1)
    echo "page $path: $best s"
done
