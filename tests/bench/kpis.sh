#!/usr/bin/env bash
# A year of 200 KPIs with 50 segments each, sent by the API: how long that takes, and how soon the pages of the business come.
#
#   PHAROS=target/release/pharos tests/bench/kpis.sh
#
# KPIS=, SEGMENTS= and DAYS= change the amount. Each page is asked for 50 times, the first time included; the time is that of
# the whole request on this machine. Needs curl and Node.js.
set -euo pipefail
export KPIS=${KPIS:-200} SEGMENTS=${SEGMENTS:-50} DAYS=${DAYS:-365}
export BASE=http://127.0.0.1:19196
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

"${PHAROS:-pharos}" serve --data-dir "$folder/pharos" --listen 127.0.0.1:19196 --host-metrics=false --own-metrics=false \
    --auth=off --log-level error &
pharos=$!
pids+=($pharos)
until curl -sf "$BASE/-/ready" >/dev/null; do sleep 0.2; done

cat >"$folder/fill.mjs" <<'END'
const { BASE, KPIS, SEGMENTS, DAYS } = process.env;
const post = async (path, body) => {
  const answer = await fetch(BASE + path, { method: "POST", body });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
const begun = Date.now();
for (let kpi = 0; kpi < KPIS; kpi++) {
  const definition = {
    name: `KPI ${kpi}`, group: `Group ${kpi % 8}`, collected: "daily", segments: ["plan"], pushed: { adds: true }, targets: [{ by: "month", value: 40_000 }],
  };
  await post("/api/v1/kpis", JSON.stringify(definition));
  let values = [];
  for (let back = DAYS - 1; back >= 0; back--) {
    const at = new Date(midnight - back * 86_400_000 + 1).toISOString();
    for (let segment = 0; segment < SEGMENTS; segment++) {
      values.push({ value: 20 + ((segment * 7 + back * 13 + kpi) % 11) + (back % 7 < 2 ? -9 : 0), at, segment: { plan: `plan ${segment}` } });
    }
    if (values.length + Number(SEGMENTS) > 5000 || back === 0) {
      await post(`/api/v1/kpis/${encodeURIComponent(definition.name)}/values`, JSON.stringify(values));
      values = [];
    }
  }
}
const sent = KPIS * DAYS * SEGMENTS;
const seconds = (Date.now() - begun) / 1000;
console.log(`${sent} numbers in ${seconds.toFixed(0)} s: ${Math.round(sent / seconds)} a second, each acknowledged when it is safe`);
END
node "$folder/fill.mjs"

times() { for _ in $(seq 50); do curl -sf -o /dev/null -w '%{time_total}\n' "$BASE$1"; done | sort -n | awk '{all[NR] = $1 * 1000} END {printf "median %.1f ms, at most %.1f ms", all[int((NR + 1) / 2)], all[NR]}'; }
for path in /business /business/100 '/business/100?label=plan' '/business/100?label=plan&grain=day' '/api/v1/kpis' '/api/v1/kpis/KPI%20100/values?segment=plan&grain=day'; do
    curl -sf -o /dev/null "$BASE$path" || { echo "$path: $(curl -s -o /dev/null -w '%{http_code}' "$BASE$path")"; continue; }
    echo "$path: $(times "$path")"
done
echo "resident: $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$pharos/status") MiB, on disk: $(du -sm "$folder/pharos" | cut -f1) MiB"
