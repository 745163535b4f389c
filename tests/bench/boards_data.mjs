// 30 counters × 10 series: six hours of them in the OpenMetrics format (`history`), or a page to scrape (`serve PORT`).
import { createServer } from 'node:http';

const METRICS = 30, SERIES = 10, HOURS = 6, EVERY_S = 15;
const name = (m) => `bench_${String(m).padStart(2, '0')}`;
/** A counter whose rate goes up and down, of every series in its own way; the same whenever it is asked for. */
const value = (m, s, at) => (5 + m + s) * at + 200 * Math.sin(at / (300 + 37 * m + 11 * s));
const start = Math.floor(Date.now() / 1000 / 86_400) * 86_400 - 86_400;

function page(at) {
  const out = [];
  for (let m = 0; m < METRICS; m++) {
    out.push(`# TYPE ${name(m)}_total counter`);
    for (let s = 0; s < SERIES; s++) out.push(`${name(m)}_total{part="p${s}"} ${value(m, s, at - start).toFixed(3)}`);
  }
  return `${out.join('\n')}\n`;
}

function history() {
  const end = Math.floor(Date.now() / 1000 / EVERY_S) * EVERY_S;
  for (let m = 0; m < METRICS; m++) {
    const out = [`# TYPE ${name(m)} counter`];
    for (let s = 0; s < SERIES; s++) {
      const labels = `{instance="127.0.0.1:19290",job="bench",part="p${s}"}`;
      for (let at = end - HOURS * 3600; at < end; at += EVERY_S) out.push(`${name(m)}_total${labels} ${value(m, s, at - start).toFixed(3)} ${at}`);
    }
    process.stdout.write(`${out.join('\n')}\n`);
  }
  process.stdout.write('# EOF\n');
}

const [what, port] = process.argv.slice(2);
if (what === 'history') history();
else createServer((_, res) => { res.setHeader('content-type', 'text/plain; version=0.0.4'); res.end(page(Date.now() / 1000)); }).listen(Number(port), '127.0.0.1');
