#!/usr/bin/env python3
"""Fills corpus/ with first inputs from the fixtures of the tests. Each begins with the byte that the target takes as a choice."""

import gzip
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
# More fixtures may lie in folders named as arguments.
PLACES = [TESTS / "data", TESTS / "corpus", *map(Path, sys.argv[1:])]
NOW = 1_760_400_000_000


def seed(target, *inputs):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for content in inputs:
        if len(content) <= 1 << 16:
            number = len(list(folder.glob("seed-*")))
            (folder / f"seed-{number:05}").write_bytes(content)


def files(*patterns):
    return [path.read_bytes() for place in PLACES for pattern in patterns for path in sorted(place.rglob(pattern)) if path.is_file()]


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def zigzag(value):
    return varint(value << 1 ^ value >> 63)


def field(number, value):
    """A protobuf field: bytes, text, a whole number or a float."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def label(name, value):
    return field(1, name) + field(2, value)


def spans(number, *pairs):
    return b"".join(field(number, varint(8) + zigzag(offset) + field(2, length)) for offset, length in pairs)


def deltas(number, *values):
    return field(number, b"".join(map(zigzag, values)))


def write_histogram(schema=1, custom=b""):
    h = field(1, 12) + field(3, 18.4) + varint(4 << 3) + zigzag(schema) + field(5, 0.001) + field(6, 2)
    h += spans(8, (0, 1)) + deltas(9, 1) + spans(11, (0, 2), (1, 2)) + deltas(12, 1, 1, -1, 0)
    return h + field(15, NOW - 1000) + custom


def scrape_histogram():
    bucket = b"".join(field(3, field(1, n) + field(2, le)) for n, le in [(1, 0.1), (2, 1.0), (3, float("inf"))])
    native = varint(5 << 3) + zigzag(3) + field(6, 0.001) + field(7, 2) + spans(9, (0, 1)) + deltas(10, 1)
    native += spans(12, (0, 2), (1, 2)) + deltas(13, 1, 1, -1, 0)
    exemplar = field(16, field(1, label("trace_id", "a")) + field(2, 0.5) + field(3, field(1, NOW // 1000)))
    return field(1, 3) + field(2, 1.5) + bucket + native + exemplar + field(15, field(1, 1) + field(2, 2))


def families():
    labels = field(1, label("a", "b")) + field(1, label("c", "d"))
    values = [(0, field(3, field(1, 1.0))), (1, field(2, field(1, 2.0))), (3, field(5, field(1, 3.0))), (4, field(7, scrape_histogram()))]
    values.append((2, field(4, field(1, 2) + field(2, 3.0) + field(3, field(1, 0.5) + field(2, 1.0)))))
    for number, (kind, value) in enumerate(values):
        yield field(1, f"family_{number}") + field(2, "help") + field(3, kind) + field(4, labels + value + field(6, NOW)) + field(5, "s")


def delimited():
    return b"".join(varint(len(family)) + family for family in families())


def requests():
    samples = field(2, field(1, 1.0) + field(2, NOW - 2000)) + field(2, field(1, 2.0) + field(2, NOW - 1000))
    exemplar = field(3, field(1, label("trace_id", "x")) + field(2, 1.0) + field(3, NOW))
    labels = field(1, label("__name__", "up")) + field(1, label("job", "a"))
    series = field(1, labels + samples + exemplar)
    native = field(1, field(1, label("__name__", "h")) + field(4, write_histogram()))
    custom = field(1, field(1, label("__name__", "c")) + field(4, write_histogram(-53, field(16, struct.pack("<3d", 1, 2, 3)))))
    about = field(3, field(1, 1) + field(2, "up") + field(4, "help") + field(5, "unit"))
    yield 0, series + native + custom + about
    symbols = b"".join(field(4, text) for text in ["", "__name__", "up", "job", "a", "help", "unit"])
    series = field(1, bytes([1, 2, 3, 4])) + samples + field(3, write_histogram()) + field(4, field(1, bytes([3, 4])) + field(2, 1.0) + field(3, NOW))
    yield 1, symbols + field(5, series + field(5, field(1, 1) + field(3, 5) + field(4, 6)) + field(6, NOW - 5000))


text = files("*.prom", "*.om.txt")
for choice in (0, 2, 7):
    seed("exposition_text", *(bytes([choice]) + content for content in text))
for choice in (0, 1, 7, 17):
    seed("exposition_openmetrics", *(bytes([choice]) + content for content in text))
seed("exposition_protobuf", *(bytes([choice]) + delimited() for choice in (0, 2, 6, 8)))
seed("exposition_protobuf", *(b"\0" + varint(len(family)) + family for family in families()))
seed("remote_write", *(bytes([choice]) + body for choice, body in requests()))

queries = [line for content in files("*.test") for line in re.findall(rb"^eval\S*(?: instant at \S+| range from \S+ to \S+ step \S+)\s+(.+)$", content, re.M)]
queries += [query.encode().decode("unicode_escape").encode() for content in files("queries.json") for query in re.findall(r'"query": "(.*)"', content.decode())]
seed("promql", *(b"\0" + query for query in sorted(set(queries))))

# The tables of the parser's tests: whatever stands in a raw string there.
tables = [path.read_text() for path in sorted((TESTS.parent / "src/logs/query").rglob("tests/*.rs"))] + [(TESTS.parent / "src/logs/query/words/tests.rs").read_text()]
queries = {query for table in tables for query in re.findall(r'r#"(.*?)"#', table)}
seed("logql", *(bytes([choice]) + query.encode() for choice in (0, 1) for query in sorted(queries)))

for path in sorted((TESTS / "compat").rglob("*")):
    if path.name == "block":
        seed("block", b"\0" + path.read_bytes())
    elif path.name == "tombstones":
        seed("block", b"\1" + path.read_bytes())
    elif path.is_file() and (version := {"wal-v1": 8, "wal-v2": 0}.get(path.parent.name)) is not None:
        # Without its first bytes, which the target puts in front; and as bare records.
        frames, rest, bare = path.read_bytes()[8:], None, b""
        rest = frames
        while len(rest) >= 10:
            length = struct.unpack("<I", rest[:4])[0]
            if rest[9] == 0:
                bare += rest[8:9] + struct.pack("<H", length - 2) + rest[10 : 8 + length]
            rest = rest[8 + length :]
        seed("wal", *(bytes([choice | version]) + frames for choice in (0, 2, 4, 6)), bytes([1 | version]) + bare)
packed = varint(8) + b"__name__" + varint(2) + b"up"
groups = zigzag(1) + varint(2) + b"\0" * 12
records = [(1, varint(16) + varint(len(packed)) + packed), (2, b"\0" + struct.pack("<I", len(groups)) + groups), (3, b"\0" + struct.pack("<I", len(groups)) + groups)]
records += [(4, varint(16) + zigzag(NOW) + struct.pack("<d", 1) + varint(4) + b"\1a\1b"), (5, varint(16) + zigzag(0) + zigzag(NOW)), (7, varint(16) + zigzag(NOW) + zigzag(-5))]
records += [(6, b"".join(varint(len(word)) + word for word in (b"up", b"gauge", b"help", b""))), (8, varint(2) + zigzag(NOW))]
seed("wal", *(bytes([choice]) + b"".join(bytes([kind]) + struct.pack("<H", len(content)) + content for kind, content in records) for choice in (1, 3, 5, 7)))

seed("config_yaml", *(b"\2" + content for content in files("*.yml", "*.yaml")))
seed("config_yaml", b'\0- targets: ["a:1", b]\n  labels: {x: 1}\n', b'\1[{"targets": ["a:1"], "labels": {"x": "y"}}]')
seed("uptime_check", b"name: a\nlabels: {a: b}\nhttp: {url: 'https://a/', status: [200, 3xx], json: [{path: a, is: above, value: 1}]}\n")
seed("uptime_check", b"{name: a, heartbeat: {cron: '0 3 * * *', grace: 5m}}", b"{name: a, group: {checks: [b], up_min: 1}}", b"{name: a, domain: {name: a.org}}")
seed("uptime_bring", b'{"monitorList": [{"id": 1, "name": "a", "type": "group"}, {"id": 2, "name": "b", "type": "keyword", "url": "http://a", "keyword": "k", "parent": 1}]}')
seed("uptime_bring", b'{"monitors": [{"friendly_name": "a", "type": 2, "url": "http://a", "keyword_value": "k"}]}', b"Type,Friendly Name,URL/IP\nPing,a,h\n")
seed("uptime_bring", b'endpoints: [{name: a, url: "http://a", conditions: ["[STATUS] < 300", "[BODY].a == pat(*b*)"]}]', b"checks: [{name: a, ping: {host: b}}]")
body = b"# TYPE a counter\n# HELP a some\na{b=\"c\"} 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 2\nh_count 2\n"
seed("push", *(bytes([choice]) + path + b"\n" + body for choice in (0, 24) for path in (b"/job/a", b"/job@base64/YQ/b/c", b"/job/a/x%20y/z")))
seed("push", bytes([17]) + b"/job/a\n" + delimited())
seed("custom_json", b'\0{"name": "a", "type": "counter", "labels": {"a": "b", "c": 1}, "value": 2, "help": "h", "unit": "s"}')
seed("custom_json", b'\0[{"name": "h", "type": "histogram", "values": [1, 2, "+Inf"], "bounds": [1, 2]}, {"name": "g", "operation": "inc", "value": 3}]')
seed("custom_json", b'\0{"metrics": [{"name": "s", "type": "summary", "quantiles": {"0.5": 1}, "sum": 1, "count": 2}, {"name": "c", "type": "counter", "total": 5}]}')
seed("custom_json", b'\0{"metric": "h", "metric_type": "histogram", "buckets": {"1": 1, "+Inf": 2}, "sum": 3, "count": 2}')
record = field(1, "a") + field(2, "histogram") + field(5, b"\1a\1b") + field(6, 1.0) + field(7, 1.0) + field(8, struct.pack("<2d", 1, 2)) + field(9, struct.pack("<2d", 1, 2))
seed("custom_json", b"\1" + struct.pack("<I", len(record)) + b"\0" * 4 + record)

OTLP = b'{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}},{"key":"h.n","value":{"intValue":"1"}}]},"scopeMetrics":[{"scope":{"name":"s"},"metrics":[%s]}]}]}'
POINT = b'{"timeUnixNano":"1760400000000000000","startTimeUnixNano":1,"attributes":[{"key":"k","value":{"boolValue":true}}],%s}'
for metric in [
    b'{"name":"g","unit":"By/s","gauge":{"dataPoints":[' + POINT % b'"asDouble":"NaN"' + b"]}}",
    b'{"name":"c","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[' + POINT % b'"asInt":"5"' + b"]}}",
    b'{"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[' + POINT % b'"count":3,"sum":1,"bucketCounts":["1",2],"explicitBounds":[1],"exemplars":[{"asInt":1,"traceId":"0a"}]' + b"]}}",
    b'{"name":"e","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[' + POINT % b'"count":3,"scale":9,"zeroCount":1,"positive":{"offset":-2,"bucketCounts":[1,0,1]}' + b"]}}",
    b'{"name":"s","summary":{"dataPoints":[' + POINT % b'"count":3,"quantileValues":[{"quantile":0.5,"value":1}]' + b"]}}",
]:
    seed("otlp", b"\0\1" + OTLP % metric, b"\0\x79" + OTLP % metric)
seed("otlp", b"\1a.b:1|c|@0.5|#x:y\nc:5:6|ms\nd:+1|g\ne#x=y:m|s")
seed("otlp", b'\2\1{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO","body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{}]}}}]}},"attributes":[{"key":"m","value":{"kvlistValue":{"values":[{"key":"n","value":{"doubleValue":1}}]}}}]}]}]}]}')

# Logs: edits of parts and segments are a kind, a place, a length and bytes; see `pharos::logs::fuzzing::disk`.
edit = lambda kind, at, length, new=b"": bytes([kind]) + struct.pack("<H", at) + bytes([length]) + new
for choice in (0, 1, 2, 3, 6, 7, 10, 11, 12):
    seed("logs_part", bytes([choice]))
    for number in range(8):
        seed("logs_part", *(bytes([choice, number]) + edit(kind, at, 3, b"\x01\x02\x03\x04") for kind, at in [(0, 9), (1, 40), (2, 70), (3, 100)]))
for choice in range(3):
    seed("logs_wal", *(bytes([choice]) + (b"\0" if choice < 2 else b"") + edit(kind, at, 3, b"\x01\x02\x03\x04") for kind, at in [(0, 8), (1, 12), (1, 60), (2, 70), (3, 100)]))
line = lambda ts, text, fields=b"": zigzag(ts) + varint(len(text)) + varint(len(fields))
labels = varint(3) + b"job" + varint(1) + b"a"
record = varint(1) + varint(len(labels)) + labels + varint(2) + line(NOW * 1_000_000, b"one") + line(5, b"two") + b"onetwo"
seed("logs_wal", b"\3" + struct.pack("<H", len(record)) + record, b"\3" + (struct.pack("<H", len(record)) + record) * 2)

logql = {query.encode().decode("unicode_escape").encode() for content in files("**/logql/queries.json") for query in re.findall(r'"query": "(.*)"', content.decode())}
logql |= {query.encode() for query in queries}
scripts = files("*.logql", "logql/*.test")
logql |= {query for content in scripts for query in re.findall(rb"^eval (?:instant at \S+|range from \S+ to \S+ step \S+|lines from \S+ to \S+(?: limit \d+)?(?: \w+)?) (.+)$", content, re.M)}
seed("logql", *(bytes([choice]) + query for choice in (0, 1) for query in sorted(logql)))
seed("logql_eval", *(bytes([choice]) + query for choice in (0, 9) for query in sorted(logql)))
typed = [line for line in (TESTS.parent / "src/logs/query/words.rs").read_text().splitlines() if line.startswith("//! | `")]
words = {word for line in typed for word in re.findall(r"`([^`]+)`", line.split("|")[1])}
words |= {text for text in re.findall(r'"((?:[^"\\]|\\.)+)"', (TESTS.parent / "src/logs/query/words/tests.rs").read_text())}
seed("words", *(bytes([choice]) + word.encode() for choice in (0, 1) for word in sorted(words)))
templates = (TESTS.parent / "src/logs/query/template/tests.rs").read_text()
seed("template", *(text.encode().decode("unicode_escape").encode() for text in sorted(set(re.findall(r'"((?:[^"\\]|\\.)*\{\{(?:[^"\\]|\\.)*)"', templates)))))

syslog = [
    b"<34>1 2025-10-14T22:14:15.003Z host app 123 ID47 [ex@1 a=\"b\" c=\"d\\\"\"] \xef\xbb\xbftext",
    b"<13>Oct 14 22:14:15 host app[1]: text", b"<13>Oct  4 2025 22:14:15 host app: x", b"text alone", b"<999>1 - - - - - -",
]
for choice in (0, 1, 3, 5, 0x21):
    seed("syslog", bytes([choice]) + b"\n".join(syslog) + b"\n", bytes([choice]) + b"".join(b"%d " % len(one) + one for one in syslog), *(bytes([choice]) + one for one in syslog))
text = lambda data: bytes([0xA0 | len(data)]) + data
event = b"\x92\xce\x66\x38\x81\xd9\x82" + text(b"log") + text(b"x\n") + text(b"a.b") + b"\x92\x01\xc3"
stamped = b"\x92\xd7\0\x66\x38\x81\xd9\0\0\0\7\x81" + text(b"message") + text(b"y")
seed("fluent", b"\x93" + text(b"t") + event[1:], b"\x92" + text(b"t") + b"\x92" + event + stamped, b"\x93" + text(b"t") + b"\xc4" + bytes([len(event)]) + event + b"\x81" + text(b"chunk") + text(b"c1"))
seed("fluent", b"\x92" + text(b"t") + b"\x91\x92\x92" + stamped[1:11] + b"\x80\x81" + text(b"log") + b"\xcb" + struct.pack(">d", 1.5))
packed = gzip.compress(event + stamped)
seed("fluent", b"\x93" + text(b"t") + b"\xc4" + bytes([len(packed)]) + packed + b"\x81" + text(b"compressed") + text(b"gzip"))

tables = [path.read_text() for path in sorted((TESTS.parent / "src/logs/ingest").rglob("*.rs"))]
raw = {text for table in tables for pair in re.findall(r'r#"(.*?)"#|r?"((?:[^"\\]|\\.)*)"', table, re.S) for text in pair if text}
seed("promtail", *(text.encode() for text in sorted(raw) if "scrape_configs" in text))
stages = {text.replace("\n", " ") for text in raw if text.startswith("[{") or text.startswith("- ")}
header = "scrape_configs:\n- job_name: a\n  static_configs: [{targets: [x], labels: {__path__: '/x/*.log'}}]\n  pipeline_stages: "
seed("promtail", *((header + text + "\n").encode() for text in sorted(stages)))

stream = field(1, '{job="a", host="b"}') + field(2, field(1, field(1, NOW // 1000) + field(2, 7)) + field(2, "a line") + field(3, label("trace", "x"))) + field(3, 5)
seed("logs_push", b"\0" + field(1, stream), b"\0" + field(1, stream) * 3, b"\x80" + field(1, stream + field(2, field(2, "x" * 1200))))
pushes = [b'{"streams":[{"stream":{"job":"a"},"values":[["1760400000000000000","a line",{"trace":"x"}],["1760400000000000001","level=warn b"]]}]}']
pushes.append(b'{"streams":[{"labels":"{job=\\"a\\"}","entries":[{"ts":"2025-10-14T00:00:00.5Z","line":"old"}]}]}')
seed("logs_push", *(bytes([choice]) + body for choice in (2, 0x82) for body in pushes))
objects = [b'{"_msg":"a","_time":"2025-10-14T00:00:00Z","job":"x","n":1,"a":{"b":[1,null]}}\n{"message":"b","timestamp":1760400000}\nno json\n', b'[{"msg":"a"},{"log":"b"}]']
seed("logs_push", *(bytes([choice]) + body for choice in (3, 0x83) for body in objects))
seed("logs_push", b"\4one\ntwo\r\n\nthree", b'\5{job="a", b="c\\"d"}', b"\5job=a,b=c")
bulk = b'{"create":{"_index":"web","_id":"1"}}\n{"@timestamp":"2025-10-14T00:00:00Z","message":"a","host":{"name":"h"}}\n{"index":{}}\n{"message":1}\n{"delete":{"_id":"1"}}\n{"update":{"_id":"2"}}\n{"doc":{"message":"x"}}\n'
seed("logs_push", *(bytes([choice]) + bulk for choice in (6, 7, 0x86)))
