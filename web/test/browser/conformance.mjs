// Real dashboards of others, brought in and opened: every panel answers, none is broken, and Node Exporter Full holds
// data wherever the server's own host metrics have it. node conformance.mjs <base url> <folder of dashboards>.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { accessible, base, check, open, picture, run, sound } from './harness.mjs';

const folder = process.argv[3] ?? '';
/** Panels that say an error, and why that is right. By file: title → words of the error. */
const KNOWN_ERRORS = {};

/** Panels of Node Exporter Full that may be without data, by the reason. Every other one must show something. */
const EMPTY = {
  'the collector is off unless it is asked for, as in node_exporter': [
    'Processes Detailed States',
    'PIDs Number and Limit',
    'Threads Number and Limit',
    'IRQ Detail',
    'TCP Socket Queue',
    'TCP Stat Persistent',
    'TCP Stat Transient',
    'Systemd Units State',
    'Systemd Sockets Current',
    'Systemd Sockets Accepted',
    'Systemd Sockets Refused',
  ],
  'virtual machines and containers have no such hardware': [
    'CPU Frequency Scaling',
    'Cooling Device Utilization',
    'Hardware Temperature Monitor',
    'Hardware Fan Speed',
    'Power Supply',
  ],
  'some kernels do not say': ['CPU Saturation per Core', 'CPU Schedule Timeslices', 'Pressure Stall Information'],
  'of the exporter itself: here that is the server, which is another job': [
    'Exporter Process CPU Usage',
    'Exporter Processes Memory',
    'Exporter File Descriptor Usage',
  ],
};
const mayBeEmpty = new Set(Object.values(EMPTY).flat());

/** Brings a file in as programs do; where it is seen, and which of its rows are closed. */
async function bring(file) {
  const json = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  const res = await fetch(`${base}/api/dashboards/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dashboard: json, overwrite: true }),
  });
  const told = await res.json();
  if (!res.ok) throw new Error(`${file}: ${res.status} ${JSON.stringify(told)}`);
  return told.importedUrl;
}

/** Opens what is closed, row by row. */
async function openRows(page) {
  for (let left = 100; left > 0; left--) {
    const row = page.locator('.bd-row a[aria-expanded=false]').first();
    if ((await row.count()) === 0) return;
    const closed = await page.locator('.bd-row a[aria-expanded=false]').count();
    await row.click();
    await page.waitForFunction((n) => document.querySelectorAll('.bd-row a[aria-expanded=false]').length < n, closed);
  }
}

/** Looks at everything from top to end, and waits for each panel that comes into view. */
async function scroll(page) {
  const answered = () =>
    page.waitForFunction(() => {
      const seen = [...document.querySelectorAll('.gp')].filter((el) => {
        const r = el.getBoundingClientRect();
        return r.top < innerHeight && r.bottom > 0;
      });
      return document.querySelector('ph-board') && seen.every((el) => el.dataset.ready && !el.querySelector('.prog'));
    });
  for (let top = 0; ; top += 800) {
    await page.evaluate((y) => scrollTo({ top: y, behavior: 'instant' }), top);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await answered();
    if (await page.evaluate((y) => y + innerHeight >= document.documentElement.scrollHeight, top)) break;
  }
  await page.evaluate(() => scrollTo(0, 0));
}

/** What every panel shows: title, error, whether it is empty, warnings. */
const shown = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.gp')].map((el) => ({
      key: el.dataset.key,
      title: el.querySelector('h2')?.textContent.trim() ?? '',
      ready: el.dataset.ready === '1',
      kind: el.dataset.kind,
      error: (el.querySelector('.gp-none.bad') ?? el.querySelector('.gp-err'))?.textContent ?? '',
      empty: el.querySelector('.gp-none:not(.bad)')?.textContent ?? '',
      notes: el.querySelector('[data-note].warn-t')?.title ?? '',
    })),
  );

async function look(file, tests) {
  const where = await bring(file),
    tab = await open();
  await tab.page.goto(`${base}${where}?from=now-15m&to=now&refresh=off`, { waitUntil: 'load' });
  await openRows(tab.page);
  await scroll(tab.page);
  const panels = await shown(tab.page),
    known = KNOWN_ERRORS[file] ?? {};
  check(panels.length > 0, `${file}: nothing is shown`);
  for (const p of panels) {
    const name = `${file}: ${p.kind} "${p.title}" (${p.key})`;
    check(p.ready, `${name} was not answered`);
    check(p.error === '' || (known[p.title] && p.error.includes(known[p.title])), `${name} says ${p.error}`);
    check(p.notes === '', `${name} warns: ${p.notes}`);
  }
  tests?.(panels);
  await sound(tab, file);
  await accessible(tab.page, file);
  await picture(tab.page, `conformance-${file.replace('.json', '')}`);
  await tab.close();
  console.log(`${file}: ${panels.length} panels, ${panels.filter((p) => p.empty).length} without data`);
}

const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && name !== 'SOURCES.json')
  .sort();
if (files.length === 0) throw new Error(`there are no dashboards in ${folder}`);

await run(
  Object.fromEntries(
    files.map((file) => [
      file,
      () =>
        look(
          file,
          file !== 'node-exporter-full.json'
            ? undefined
            : (panels) => {
                const empty = panels.filter((p) => p.empty && !mayBeEmpty.has(p.title));
                check(empty.length === 0, `${file}: without data: ${empty.map((p) => `"${p.title}" ${p.empty}`).join('; ')}`);
                check(panels.length >= 125, `${file}: only ${panels.length} panels`);
              },
        ),
    ]),
  ),
  3,
);
