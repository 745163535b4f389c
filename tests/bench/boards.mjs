// What `boards.sh` measures: a dashboard of 30 charts in a browser, then ten viewers of it; see there.
import { readFileSync } from 'node:fs';
import { base, check, open, run } from '../../web/test/browser/harness.mjs';

const PANELS = 30, RUNS = 10, VIEWERS = 10, EVERY_MS = 5_000, SECONDS = Number(process.env.SECONDS_EACH ?? 60);
/** As wide and high as a window on a desk, and as one that shows all panels. */
const DESK = { width: 1440, height: 900 }, TALL = { width: 1440, height: 3400 }, BODY = { w: 440, h: 250 };
/** Panels that are in view on a desk, at least. */
const DESK_PANELS = 6;
const FIRST_PAINT_MS = 300, DRAWN_MS = 1_000, CORE_PERCENT = 5;
const MOST_RATIO = 1;
const median = (of) => of.toSorted((a, b) => a - b)[of.length >> 1];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const query = (m) => `rate(bench_${String(m).padStart(2, '0')}_total[$__rate_interval])`;
const board = {
  uid: 'bench', title: 'Bench', refresh: '', time: { from: 'now-6h', to: 'now' },
  panels: Array.from({ length: PANELS }, (_, m) => ({
    id: m + 1, type: 'timeseries', title: `Rates ${m}`, gridPos: { x: (m % 3) * 8, y: Math.floor(m / 3) * 8, w: 8, h: 8 },
    datasource: { type: 'prometheus', uid: 'metrics' }, targets: [{ refId: 'A', expr: query(m), legendFormat: '{{part}}' }],
  })),
};

/** Runs in the page before anything of it: remembers the frame in which so many panels are drawn. */
function watch(panels) {
  window.__drawn = new Promise((done) => {
    const look = () => {
      if (document.querySelectorAll('.gp[data-ready] canvas').length < panels) { requestAnimationFrame(look); return; }
      // The first task behind a frame begins when that is on the screen.
      requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => done(performance.now()); port2.postMessage(0); });
    };
    requestAnimationFrame(look);
  });
}

/** Opens it in a window of a size, over a range of its own, until so many panels are drawn. */
async function opened(run, size, panels) {
  const { page, problems, close } = await open({ size, timezoneId: 'UTC' });
  await page.addInitScript(watch, panels);
  await page.goto(`${base}/d/bench/bench?from=now-${360 - run}m&to=now&refresh=off`, { waitUntil: 'load' });
  const found = await page.evaluate(async () => {
    const drawn = await Promise.race([window.__drawn, new Promise((done) => setTimeout(() => done(NaN), 60_000))]);
    const all = performance.getEntriesByType('resource');
    const sum = (part) => all.filter((e) => part(new URL(e.name).pathname)).reduce((n, e) => n + e.encodedBodySize, 0);
    return {
      drawn, paint: performance.getEntriesByName('first-paint')[0]?.startTime ?? performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
      html: performance.getEntriesByType('navigation')[0].responseEnd, js: sum((p) => p.endsWith('.js')), css: sum((p) => p.endsWith('.css')), data: sum((p) => p.endsWith('/panels')),
    };
  });
  check(problems.length === 0, problems.join('; '));
  await close();
  return found;
}

/** Milliseconds of CPU that a process has used. */
const used = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' '); return (Number(f[11]) + Number(f[12])) * 10; };

/** Percent of a core that a process takes while something goes on. */
async function percent(pid, work) {
  const before = used(pid), started = Date.now();
  await work();
  return (used(pid) - before) / (Date.now() - started) * 100;
}

/** Viewers who ask again and again, each beginning at a moment of its own; how often, and how long an answer took. */
async function viewers(ask) {
  const end = Date.now() + SECONDS * 1000, took = [];
  await Promise.all(Array.from({ length: VIEWERS }, async (_, i) => {
    const mine = {};
    for (let next = Date.now() + (i * EVERY_MS) / VIEWERS; next < end; next += EVERY_MS) {
      await sleep(Math.max(0, next - Date.now()));
      const asked = performance.now();
      await ask(mine);
      took.push(performance.now() - asked);
    }
  }));
  return took;
}

/** All panels in one batch, with the etags of what is there already, as the page asks. */
async function batch(mine) {
  const panels = board.panels.map((p) => ({ key: String(p.id), ...BODY, ...(mine[p.id] ? { have: mine[p.id] } : {}) }));
  const res = await fetch(`${base}/ui/boards/bench/panels`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ from: 'now-6h', to: 'now', panels }) });
  const lines = (await res.text()).trim().split('\n').map((l) => JSON.parse(l));
  check(lines.length === PANELS + 1 && !lines.some((l) => l.error), `an answer is not whole: ${JSON.stringify(lines.find((l) => l.error) ?? lines.length)}`);
  for (const l of lines) if (l.etag) mine[l.key] = l.etag;
}

/** Each panel's query for itself, its range at multiples of the step, as Grafana asks. */
async function ranges() {
  const step = 30, end = Math.floor(Date.now() / 1000 / step) * step, start = end - 6 * 3600;
  await Promise.all(board.panels.map(async (_, m) => {
    const asked = new URLSearchParams({ query: query(m).replace('$__rate_interval', '1m'), start: String(start), end: String(end), step: String(step) });
    const res = await fetch(`${process.env.PEER_URL}/api/v1/query_range`, { method: 'POST', body: asked });
    const body = await res.json();
    check(body.data?.result?.length === 10, `Prometheus gives ${body.data?.result?.length} series of ${query(m)}`);
  }));
}

async function cost(name, pid, ask) {
  await sleep(2_000);
  const idle = await percent(pid, () => sleep(SECONDS * 500));
  let took = [];
  const busy = await percent(pid, async () => { took = await viewers(ask); });
  console.log(`${name}: ${VIEWERS} viewers every ${EVERY_MS / 1000} s: ${(busy - idle).toFixed(1)} % of a core (${busy.toFixed(1)} with scraping, ${idle.toFixed(1)} without viewers); ${took.length} refreshes, median ${median(took).toFixed(0)} ms`);
  return busy - idle;
}

await run({
  async 'a browser opens it'() {
    const res = await fetch(`${base}/api/dashboards/db`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ dashboard: board, overwrite: true }) });
    check(res.ok, `the dashboard is not taken: ${res.status} ${await res.text()}`);
    const all = [];
    const desk = [];
    // One after the other: what is still being taken down of a tall window makes the next one late.
    for (let i = 0; i < RUNS; i++) desk.push(await opened(i, DESK, DESK_PANELS));
    for (let i = 0; i < RUNS; i++) all.push(await opened(RUNS + i, TALL, PANELS));
    const say = (what, of, key, most) => {
      const values = of.map((one) => one[key]), m = median(values);
      console.log(`${what}: ${m.toFixed(0)} ms (${values.map((v) => v.toFixed(0)).join(', ')})`);
      check(!(m > most) && m > 0, `${what}: ${m.toFixed(0)} ms, at most ${most} are wanted`);
    };
    say('the page itself', all, 'html', FIRST_PAINT_MS);
    say('first paint on a desk', desk, 'paint', FIRST_PAINT_MS);
    say('its panels drawn', desk, 'drawn', DRAWN_MS);
    say(`first paint where all ${PANELS} panels are in view`, all, 'paint', DRAWN_MS);
    say(`all ${PANELS} panels drawn`, all, 'drawn', DRAWN_MS);
    console.log(`scripts ${(all[0].js / 1024).toFixed(1)} kB, styles ${(all[0].css / 1024).toFixed(1)} kB, answers ${(all[0].data / 1024).toFixed(0)} kB, as they come over the wire`);
  },
  async 'ten viewers refresh it'() {
    const own = await cost('pharos', process.env.PHAROS_PID, batch);
    check(own < CORE_PERCENT, `pharos takes ${own.toFixed(1)} % of a core, below ${CORE_PERCENT} is wanted`);
    if (!process.env.PEER_PID) { console.log('Prometheus is not installed: nothing to compare with'); return; }
    const peer = await cost('Prometheus', process.env.PEER_PID, ranges);
    console.log(`ratio: pharos takes ${(own / peer).toFixed(3)} of what Prometheus takes`);
    check(own / peer < MOST_RATIO, `pharos takes ${(own / peer).toFixed(2)} times what Prometheus takes`);
  },
});
