#!/usr/bin/env python3
"""Records what Prometheus and Alertmanager make of an hour of faults, in real time.

    record.py OUT.json [SPEED]     with PHAROS=path it also plays the hour to that binary, whose messages go to OUT.json.ours

SPEED 15 plays the hour in four minutes; every time in the configuration shrinks alike. What is checked in was recorded at
speed 1 with Prometheus 2.42.0 and Alertmanager 0.25.0 as Debian packages them. Needs prometheus, promtool and
prometheus-alertmanager in the PATH.
"""
import http.server, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request
from datetime import datetime, timezone

OUT, SPEED = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
PHAROS = os.environ.get("PHAROS")
HOUR, START_AFTER = 3600, 60
# Who takes no messages, from when until when, with which answer.
REFUSALS = [("pager", 1890, 2150, 500), ("picky", 900, 1100, 400)]
folder = tempfile.mkdtemp(prefix="alert-hour-")
at = lambda name: os.path.join(folder, name)
span = lambda seconds: f"{round(seconds * 1000 / SPEED)}ms"


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Stage(http.server.ThreadingHTTPServer):
    """Offers metrics as the play has them, and takes messages unless it is told not to."""
    daemon_threads = True

    def __init__(self):
        self.zero, self.heard, self.lock = time.time() + 10_000, [], threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    def now(self):
        return (time.time() - self.zero) * SPEED


def between(now, *spans):
    return any(begin <= now < end for begin, end in spans)


def page(target, now):
    """What a target offers at a time of the play; None when it is down."""
    if target == "w1":
        if between(now, (300, 330), (360, 390), (420, 570), (660, 690), (720, 880), (3000, 3270)):
            return None
        return "load 1\n"
    if target == "w2":
        slow = 3.0 if between(now, (1900, 2350)) else 0.8 if between(now, (600, 1000), (2350, 2420), (2950, 3050)) else 0.1
        lines = [f"latency_seconds {slow}"]
        if not between(now, (2400, 3130)):
            lines.append("heartbeat 1")
        return "\n".join(lines) + "\n"
    lines = []
    parts = {"a": [(200, 1400), (2950, 3150)], "b": [(500, 1950)], "c": [(850, 1000)], "d": [(1070, 3300)]}
    # Flaps faster than its group is told.
    parts["e"] = [(begin, begin + 40) for begin in range(1250, 1450, 80)]
    for part, spans in parts.items():
        lines.append(f'queue_length{{part="{part}"}} {20 if between(now, *spans) else 1}')
    # A counter that grows, faster for a while, and begins anew once; whole scrapes only, so that a rate is a round number.
    tick = int(max(now, 0) // 15) * 15
    grown = max(0, min(tick, 1690) - 1000) + 3 * max(0, min(tick, 1925) - 1690)
    lines.append(f"errors_total {grown if now < 1300 else grown - 290}")
    lines.append(f"old_fault {1 if now >= 900 else 0}")
    if between(now, (100, 3400)):
        lines.append('night_fault{part="x"} 1')
    if between(now, (1500, 2470)):
        lines.append('night_fault{part="y"} 1')
    return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stage

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        text = page(self.path.strip("/"), self.server.now())
        self.answer(200, text) if text is not None else self.answer(500)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        now = self.server.now()
        side, receiver = self.path.strip("/").split("/")
        status = next((status for who, begin, end, status in REFUSALS if receiver == who and begin <= now < end), 200)
        with self.server.lock:
            self.server.heard.append({"at": now, "side": side, "receiver": receiver, "status": status, "message": body})
        self.answer(status)

    def log_message(self, *_):
        pass


def rules(is_later):
    slow = "0.6" if is_later else "0.5"
    text = f"""groups:
- name: hour
  interval: {span(15)}
  rules:
  - {{record: 'instance:errors:rate1m', expr: 'sum by (instance) (rate(errors_total[{span(60)}]))'}}
  - alert: Down
    expr: up == 0
    for: {span(60)}
    labels: {{severity: critical}}
    annotations: {{summary: '{{{{ $labels.instance }}}} of {{{{ $labels.job }}}} is down'}}
  - alert: Slow
    expr: latency_seconds > {slow}
    for: {span(120)}
    keep_firing_for: {span(180)}
    labels: {{severity: warning}}
    annotations: {{summary: '{{{{ $labels.instance }}}} takes {{{{ $value }}}} s, more than {slow}'}}
  - {{alert: VerySlow, expr: latency_seconds > 2, labels: {{severity: critical}}}}
  - alert: Errors
    expr: instance:errors:rate1m > {0.5 * SPEED}
    labels: {{severity: '{{{{ if gt $value {2.0 * SPEED} }}}}critical{{{{ else }}}}warning{{{{ end }}}}'}}
    annotations: {{rate: '{{{{ $value | printf "%.1f" }}}}'}}
  - {{alert: Quiet, expr: absent(heartbeat), for: {span(60)}, labels: {{severity: info}}}}
  - {{alert: QueueFull, expr: queue_length > 10, labels: {{severity: info}}, annotations: {{length: '{{{{ $value | humanize }}}}'}}}}
  - {{alert: Night, expr: night_fault > 0, labels: {{severity: info}}}}
"""
    old = "  - {alert: Old, expr: old_fault > 0, labels: {severity: info}}\n"
    new = f"  - {{alert: New, expr: 'count(latency_seconds > 0.05) by (instance)', for: {span(45)}, labels: {{severity: info}}}}\n"
    return text + (new if is_later else old)


def routing(side, address, zero):
    hook = lambda name, more="": f"{{url: 'http://{address}/{side}/{name}'{more}}}"
    minute = lambda play: datetime.fromtimestamp(zero + play / SPEED, timezone.utc).strftime("%H:%M")
    return f"""route:
  receiver: team
  group_by: [alertname, job]
  group_wait: {span(22)}
  group_interval: {span(120)}
  repeat_interval: {span(3600)}
  routes:
  - {{receiver: pager, matchers: [severity=critical], group_by: [alertname, instance], repeat_interval: {span(900)}, continue: true}}
  - {{receiver: queue, matchers: [alertname=QueueFull], group_by: [alertname], group_interval: {span(180)}, repeat_interval: {span(600)}}}
  - {{receiver: night, matchers: [alertname=Night], mute_time_intervals: [rest]}}
  - {{receiver: picky, matchers: ['alertname=~"New|Old|Quiet"'], group_by: [...]}}
inhibit_rules:
- {{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [instance]}}
time_intervals:
- {{name: rest, time_intervals: [{{times: [{{start_time: '{minute(1200)}', end_time: '{minute(2100)}'}}]}}]}}
receivers:
- {{name: team, webhook_configs: [{hook("team")}]}}
- {{name: pager, webhook_configs: [{hook("pager")}]}}
- {{name: queue, webhook_configs: [{hook("queue")}, {hook("queue-firing", ", send_resolved: false")}]}}
- {{name: night, webhook_configs: [{hook("night")}]}}
- {{name: picky, webhook_configs: [{hook("picky")}]}}
"""


def write(name, text):
    # At once, as whoever follows the file may read it in between.
    open(at(name + ".new"), "w").write(text)
    os.rename(at(name + ".new"), at(name))


def ask(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text[:1] in (b"{", b"[") else text.decode()


def start(name, *args):
    log = open(at(name + ".log"), "ab")
    return subprocess.Popen(args, stdout=log, stderr=log)


def end(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait()


def ready(url):
    for _ in range(300):
        try:
            return ask(url)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"never ready: {url}")


stage = Stage()
address = f"127.0.0.1:{stage.server_port}"
threading.Thread(target=stage.serve_forever, daemon=True).start()
# On a whole minute, as muted times are.
zero = (int(time.time() + START_AFTER / SPEED) // 60 + 1) * 60 if SPEED == 1 else time.time() + START_AFTER / SPEED
stage.zero = zero
prometheus_at, alertmanager_at, pharos_at = (f"127.0.0.1:{port()}" for _ in range(3))
targets = ", ".join(f"{{targets: ['{address}'], labels: {{__metrics_path__: /{name}, instance: {name}}}}}" for name in ("w1", "w2", "w3"))
scrape = f"""global: {{scrape_interval: {span(15)}, scrape_timeout: {span(10)}, evaluation_interval: {span(15)}, external_labels: {{dc: x}}}}
rule_files: [rules.yml]
scrape_configs: [{{job_name: play, static_configs: [{targets}]}}]
"""
alerting = f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager_at}']}}]}}]}}\n"
write("rules.yml", rules(False))
write("prometheus.yml", scrape + alerting)
write("pharos.yml", scrape)
write("alertmanager.yml", routing("theirs", address, zero))
write("ours.yml", routing("ours", address, zero))


def start_prometheus():
    process = start("prometheus", "prometheus", "--config.file=" + at("prometheus.yml"), "--storage.tsdb.path=" + at("prometheus"),
                    "--web.listen-address=" + prometheus_at, "--web.external-url=http://mon.example.org", "--web.route-prefix=/",
                    "--web.enable-lifecycle", "--rules.alert.resend-delay=" + span(60), "--storage.tsdb.min-block-duration=2h")
    ready(f"http://{prometheus_at}/-/ready")
    return process


def start_alertmanager():
    process = start("alertmanager", "prometheus-alertmanager", "--config.file=" + at("alertmanager.yml"), "--storage.path=" + at("alertmanager"),
                    "--web.listen-address=" + alertmanager_at, "--cluster.listen-address=")
    ready(f"http://{alertmanager_at}/-/ready")
    return process


def start_pharos():
    process = start("pharos", PHAROS, "serve", "--config", at("pharos.yml"), "--data-dir", at("pharos"), "--listen", pharos_at,
                    "--alertmanager.config.file", at("ours.yml"), "--host-metrics=false", "--own-metrics=false", "--auth=off",
                    "--external-url=http://mon.example.org", "--enable-lifecycle", "--rules.alert.resend-delay=" + span(60))
    ready(f"http://{pharos_at}/-/ready")
    return process


alertmanager, prometheus = start_alertmanager(), start_prometheus()
pharos = start_pharos() if PHAROS else None
print(f"{folder}: begins at {datetime.fromtimestamp(zero, timezone.utc)}", flush=True)
events = []


def until(play):
    time.sleep(max(0, zero + play / SPEED - time.time()))
    print(f"{stage.now():.1f}", flush=True)


def note(what, began=None, **more):
    events.append({"at": round((stage.now() if began is None else began), 3), "what": what, **more})


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def silence(matchers, seconds):
    now = time.time()
    body = {"matchers": [{"name": n, "value": v, "isRegex": False, "isEqual": True} for n, v in matchers.items()], "startsAt": stamp(now),
            "endsAt": stamp(now + seconds / SPEED), "createdBy": "play", "comment": "play"}
    ids = {alertmanager_at: ask(f"http://{alertmanager_at}/api/v2/silences", body)["silenceID"]}
    if pharos:
        ids[pharos_at] = ask(f"http://{pharos_at}/api/v2/silences", body)["silenceID"]
    note("silence", matchers=matchers, seconds=seconds)
    return ids


until(60)
silence({"alertname": "Night"}, 240)
until(1040)
of_b = silence({"alertname": "QueueFull", "part": "b"}, 3600)
until(1500)
write("rules.yml", rules(True))
ask(f"http://{prometheus_at}/-/reload", {})
note("reload")
if pharos:
    ask(f"http://{pharos_at}/-/reload", {})
until(1750)
for where, name in of_b.items():
    ask(f"http://{where}/api/v2/silence/{name}", method="DELETE")
note("expire")
until(2850)
began = stage.now()
end(prometheus)
end(alertmanager)
if pharos:
    end(pharos, signal.SIGKILL)
alertmanager = start_alertmanager()
prometheus = start_prometheus()
if pharos:
    pharos = start_pharos()
note("restart", began, until=round(stage.now(), 3))
until(HOUR)
end(prometheus)
end(alertmanager)
if pharos:
    end(pharos)

dump = subprocess.run(["promtool", "tsdb", "dump", at("prometheus")], capture_output=True, text=True, check=True).stdout
series = {}
for line in dump.splitlines():
    labels, value, ts = re.fullmatch(r"(\{.*\}) (\S+) (\d+)", line).groups()
    series.setdefault(labels, []).append((int(ts), value))
# Which of not-a-number it is, the dump does not say: rules and targets give none but the one that marks an end.
wanted = lambda labels: not re.search(r'__name__="(scrape_)', labels)


def packed(points):
    """Runs of the same value at the same distance: [[first, distance, count, value], ...], times in ms since the start."""
    runs = []
    for ts, value in points:
        ts -= round(zero * 1000)
        value = "stale" if value == "NaN" else value
        if runs and runs[-1][3] == value and (runs[-1][2] == 1 or runs[-1][0] + runs[-1][1] * runs[-1][2] == ts):
            if runs[-1][2] == 1:
                runs[-1][1] = ts - runs[-1][0]
            runs[-1][2] += 1
        else:
            runs.append([ts, 0, 1, value])
    return runs


pairs = lambda text: {name: json.loads(f'"{value}"') for name, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)}


def told(heard):
    """What of a message must be the same."""
    message = heard["message"]
    keys = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL")
    alerts = [{key: alert[key] for key in keys} for alert in message["alerts"]]
    return {"at": round(heard["at"], 3), "receiver": heard["receiver"], "group": message["groupKey"], "alerts": alerts}


result = {
    "speed": SPEED,
    "zero_ms": round(zero * 1000),
    "rules": [rules(False), rules(True)],
    "routing": routing("theirs", "stage.invalid", zero),
    "refusals": REFUSALS,
    "events": events,
    "series": [{"labels": pairs(labels), "runs": packed(points)} for labels, points in sorted(series.items()) if wanted(labels)],
    "messages": [told(heard) for heard in stage.heard if heard["side"] == "theirs" and heard["status"] == 200],
}
with open(OUT, "w") as out:
    # A line each, so that changes can be looked at.
    lines = []
    for key, value in result.items():
        many = key in ("series", "messages", "events")
        body = "[\n" + ",\n".join(json.dumps(one) for one in value) + "\n]" if many else json.dumps(value)
        lines.append(f"{json.dumps(key)}: {body}")
    out.write("{\n" + ",\n".join(lines) + "\n}\n")
if PHAROS:
    json.dump([told(heard) for heard in stage.heard if heard["side"] == "ours" and heard["status"] == 200], open(OUT + ".ours", "w"))
if not os.environ.get("KEEP"):
    shutil.rmtree(folder)
