// How soon the first lines of a rare word are on the screen of an open Logs page.
//
//   node tests/bench/first_lines.mjs http://127.0.0.1:9090 [words…]
//
// The server has the lines already (say 10 GB over 24 hours: `loadgen logs write --lines 54000000 --duration 24h --start …`).
// Without words it takes the longest word of one line from each of ten moments of the range. For each word, three times: from the
// Enter key in the bar to the frame that has the first line with it. The first time of a word finds nothing of it in the
// server's memory. PHAROS_BENCH_RANGE is the range in the address (`now-24h`), PHAROS_TEST_CHROMIUM the browser.
import { check, base, open, run, visit } from '../../web/test/browser/harness.mjs';

const range = process.env.PHAROS_BENCH_RANGE ?? 'now-24h';
const TIMES = 3, MOMENTS = 10, MOST_MS = 200;
const median = (of) => of.toSorted((a, b) => a - b)[of.length >> 1];

/** The longest word of the line before each of some moments. */
async function words(from, to) {
  const found = [];
  for (let i = 1; i <= MOMENTS; i++) {
    const end = BigInt(Math.round(from + ((to - from) * i) / (MOMENTS + 1))) * 1_000_000n;
    const asked = new URLSearchParams({ query: '{}', dialect: 'pharos', limit: '20', direction: 'backward', start: String(end - 3_600_000_000_000n), end: String(end) });
    const body = await (await fetch(`${base}/loki/api/v1/query_range?${asked}`)).json();
    const all = body.data.result.flatMap((s) => s.values.map((v) => v[1])).flatMap((text) => text.match(/\w+/g) ?? []);
    found.push(all.filter((w) => !found.includes(w)).reduce((a, b) => (b.length > a.length ? b : a), ''));
  }
  return found;
}

/** Types a word, presses Enter, and says how many milliseconds later the first line with it was drawn. */
async function search(page, word) {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(word);
  await page.waitForTimeout(400);
  await page.evaluate((text) => {
    window.__first = new Promise((done) => {
      let pressed = 0;
      addEventListener('keydown', (e) => { if (e.key === 'Enter') pressed = e.timeStamp; }, { capture: true, once: true });
      const seen = new MutationObserver(() => {
        const old = document.querySelector('#found[data-old]'), line = document.querySelector('#found .ln');
        if (old || !line?.textContent.toLowerCase().includes(text.toLowerCase())) return;
        seen.disconnect();
        // The first task behind a frame begins when that is on the screen.
        requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => done(performance.now() - pressed); port2.postMessage(0); });
      });
      document.querySelector('#found').dataset.old = '1';
      seen.observe(document.querySelector('ph-logs'), { childList: true, subtree: true });
    });
  }, word);
  await page.keyboard.press('Enter');
  return page.evaluate(() => Promise.race([window.__first, new Promise((done) => setTimeout(() => done(NaN), 60_000))]));
}

await run({
  async first_lines() {
    const { page, close } = await open({ timezoneId: 'UTC' });
    await visit(page, `/logs?from=${range}&q=nothing_like_this`);
    const [from, to] = await page.evaluate(() => { const { from, to } = document.querySelector('#found').dataset; return [Number(from), Number(to)]; });
    const asked = process.argv.length > 3 ? process.argv.slice(3) : await words(from, to);
    const first = [], again = [];
    for (const word of asked) {
      const took = [];
      for (let i = 0; i < TIMES; i++) took.push(await search(page, word));
      first.push(took[0]);
      again.push(...took.slice(1));
      console.log(`  ${word}: ${took.map((ms) => ms.toFixed(0)).join(', ')} ms, ${await page.locator('[data-total]').textContent()}`);
    }
    console.log(`  first time: median ${median(first).toFixed(0)} ms, slowest ${Math.max(...first).toFixed(0)} ms; again: median ${median(again).toFixed(0)} ms, slowest ${Math.max(...again).toFixed(0)} ms`);
    check(Math.max(...first, ...again) < MOST_MS, `the first lines are on the screen within ${MOST_MS} ms`);
    await close();
  },
});
