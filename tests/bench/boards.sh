#!/usr/bin/env bash
# A dashboard of 30 charts × 10 series × 6 hours: how soon it stands in a browser, and what ten viewers who refresh it
# every 5 s cost the server; beside Prometheus, which answers the same queries as Grafana would ask it.
#
#   PHAROS=target/release/pharos tests/bench/boards.sh [SECONDS]        of each measurement of CPU, 60 if not said
#
# Both servers hold the same six hours and scrape the same page every 15 s. The browser opens the dashboard ten times with an
# empty cache of its own, each time over another range, so that no answer is kept by the server either. CPU is user and
# system time of each process, what it takes without viewers taken off. Needs node, Chromium (PHAROS_TEST_CHROMIUM), the
# packages of web/ (npm ci), curl; PROMETHEUS and PROMTOOL name the neighbours, PROMETHEUS= leaves them out.
set -euo pipefail
export SECONDS_EACH=${1:-60}
PHAROS=${PHAROS:-pharos}
PROMETHEUS=${PROMETHEUS-prometheus}
PROMTOOL=${PROMTOOL:-promtool}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

node "$here/boards_data.mjs" history >"$folder/history.om"
node "$here/boards_data.mjs" serve 19290 &
pids+=($!)
cat >"$folder/config.yml" <<END
global: {scrape_interval: 15s}
scrape_configs:
- {job_name: bench, static_configs: [{targets: ['127.0.0.1:19290']}]}
END

"$PHAROS" import openmetrics --data-dir "$folder/pharos" "$folder/history.om"
"$PHAROS" serve --config "$folder/config.yml" --data-dir "$folder/pharos" --listen 127.0.0.1:19291 \
    --host-metrics=false --own-metrics=false --log-level warn &
pharos=$!
pids+=("$pharos")
peer=
if [[ -n $PROMETHEUS ]] && command -v "$PROMETHEUS" >/dev/null; then
    "$PROMTOOL" tsdb create-blocks-from openmetrics "$folder/history.om" "$folder/prometheus" >/dev/null
    "$PROMETHEUS" --config.file="$folder/config.yml" --storage.tsdb.path="$folder/prometheus" \
        --web.listen-address=127.0.0.1:19292 --log.level=error &
    peer=$!
    pids+=("$peer")
fi
for port in 19291 ${peer:+19292}; do
    curl -sf --retry 60 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$port/-/ready" >/dev/null
done
export PHAROS_PID=$pharos PEER_PID=$peer PEER_URL=http://127.0.0.1:19292
node "$here/boards.mjs" http://127.0.0.1:19291
