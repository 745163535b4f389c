#!/usr/bin/env bash
# pharos as a peer of the load suite: `PEERS="pharos victoriametrics" suite.sh …` with this file in its `peers` folder.
# Commands as the suite's other peers: start PORT DATA_DIR [TARGET_URL INTERVAL], stop PID, flush PORT, size PORT DATA_DIR.
source "$(dirname "$0")/common.sh"

start() {
    local port=$1 data=$2
    mkdir -p "$data"
    scrape_config "${@:3}" >"$data.yml"
    spawn "$data.log" "${PHAROS:-pharos}" serve \
        --config "$data.yml" \
        --data-dir "$data" \
        --retention-time 10y \
        --listen "127.0.0.1:$port" \
        --host-metrics=false --own-metrics=false \
        --enable-admin-api \
        --log-level warn
}

flush() { curl -sf -XPOST "http://127.0.0.1:$1/api/v1/admin/tsdb/compact" >/dev/null; }

# Compacted: the blocks alone, without log and SQLite.
size() {
    local data=$2
    echo "{\"total_bytes\": $(bytes_in "$data"), \"compacted_bytes\": $(bytes_in "$data/metrics/blocks")}"
}

case ${1:-} in
start | flush | size) "$@" ;;
stop) stop_pid "$2" ;;
*) usage ;;
esac
