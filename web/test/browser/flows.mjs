// What people do: zoom and go back, choose series, complete, jump, switch, watch.
import { PHONE, check, open, run, sound, visit } from './harness.mjs';

const QUERY = '/explore?q=' + encodeURIComponent('sum by (route) (rate(http_requests_total[5m]))');
const label = (page) => page.locator('[data-rangelabel]').textContent();
const asked = (page) => new URL(page.url()).searchParams;

async function drag(page, from, to, keys = []) {
  const box = await page.locator('ph-chart .u-over').first().boundingBox();
  for (const key of keys) await page.keyboard.down(key);
  await page.mouse.move(box.x + box.width * from[0], box.y + box.height * from[1]);
  await page.mouse.down();
  for (let i = 1; i <= 6; i++) await page.mouse.move(box.x + box.width * (from[0] + ((to[0] - from[0]) * i) / 6), box.y + box.height * (from[1] + ((to[1] - from[1]) * i) / 6));
  await page.mouse.up();
  for (const key of keys) await page.keyboard.up(key);
}
/** What the chart was last drawn for, in Unix seconds. */
const drawn = (page) => page.evaluate(() => { const c = document.querySelector('ph-chart'); return [c.frame.start, c.frame.step, c.frame.series[0].v.length]; });

async function zoom() {
  const tab = await open(), { page } = tab;
  await visit(page, QUERY);
  const before = await label(page), frame = await drawn(page);
  check(before === 'Last hour', `the label says ${before}`);
  const loaded = page.waitForResponse((r) => r.url().includes('/ui/chart'));
  await drag(page, [0.4, 0.5], [0.7, 0.5]);
  await loaded;
  const from = Number(asked(page).get('from')), to = Number(asked(page).get('to'));
  check(Math.abs(to - from - 0.3 * 3600) < 60, `dragging over 30 % of an hour asks for ${to - from} s`);
  check((await label(page)) !== before, 'the label follows the zoom');
  await page.waitForFunction((step) => document.querySelector('ph-chart').frame.step < step, frame[1]);
  const again = page.waitForResponse((r) => r.url().includes('/ui/chart'));
  await page.goBack();
  await again;
  check((await label(page)) === before, `Back leaves the label at ${await label(page)}`);
  check(asked(page).get('from') === null, 'Back restores the address');
  await page.waitForFunction((step) => document.querySelector('ph-chart').frame.step === step, frame[1]);
  await sound(tab, 'zoom');
  await tab.close();
}

async function solo() {
  const tab = await open(), { page } = tab;
  await visit(page, QUERY);
  const pressed = () => page.$$eval('.leg .nm', (all) => all.filter((b) => b.getAttribute('aria-pressed') === 'true').length);
  const all = await pressed();
  check(all === 4, `${all} series are shown`);
  await page.locator('.leg .nm').first().click();
  check((await pressed()) === 1, 'a click leaves one series');
  await page.locator('.leg .nm').nth(1).click({ modifiers: ['Control'] });
  check((await pressed()) === 2, 'Ctrl adds another');
  await page.locator('.leg .nm').nth(1).click({ modifiers: ['Control'] });
  await page.locator('.leg .nm').first().click();
  check((await pressed()) === all, 'the only one clicked again brings all back');
  await page.locator('.leg th button').first().click();
  check((await page.locator('.leg th[aria-sort]').textContent()).startsWith('Series'), 'columns sort');
  await sound(tab, 'legend');
  await tab.close();
}

async function complete() {
  const tab = await open(), { page } = tab;
  await visit(page, '/explore');
  await page.locator('.cm-content').click();
  await page.keyboard.type('http_req', { delay: 30 });
  await page.waitForSelector('.cm-tooltip-autocomplete li');
  const offered = await page.$$eval('.cm-tooltip-autocomplete li .cm-completionLabel', (l) => l.map((x) => x.textContent));
  check(offered.includes('http_requests_total'), `completion offers ${offered.slice(0, 5).join(', ')}`);
  await page.waitForTimeout(200);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await page.locator('.cm-content').click();
  await page.keyboard.press('Enter');
  await page.waitForURL((u) => u.searchParams.get('q') === 'http_requests_total');
  await page.waitForSelector('ph-chart[data-ready]');
  check((await page.locator('.leg .nm').count()) > 0, 'Enter runs the query');
  await sound(tab, 'completion');
  await tab.close();
}

async function palette() {
  const tab = await open(), { page } = tab;
  await visit(page, '/status');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('card');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/cardinality');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('http_requests');
  await page.waitForFunction(() => [...document.querySelectorAll('#cmdl li')].some((l) => l.textContent.includes('http_requests_total')));
  const focus = await page.evaluate(() => document.activeElement?.getAttribute('role'));
  check(focus === 'combobox', `the focus is on ${focus}`);
  for (let i = 0; i < 10 && !(await page.locator('#cmdl [aria-selected="true"]').textContent()).includes('http_requests_total'); i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/explore?q=http_requests_total');
  await page.keyboard.press('Escape');
  await page.locator('h1').click();
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.waitForURL('**/targets');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog#keys[open]');
  await page.keyboard.press('Escape');
  check((await page.locator('dialog').count()) === 0, 'Escape closes the list of keys');
  await sound(tab, 'palette');
  await tab.close();
}

async function theme() {
  const tab = await open({ theme: 'light' }), { page } = tab;
  await visit(page, QUERY);
  const dots = () => page.evaluate(() => { const c = document.querySelector('ph-chart canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0; for (let i = 0; i < d.length; i += 97) h = (h * 31 + d[i]) | 0; return h; });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = [await ground(), await dots()];
  await page.locator('[data-act="theme"]').click();
  check((await page.getAttribute('html', 'data-theme')) === 'dark', 'light is followed by dark');
  await page.waitForTimeout(300);
  check((await ground()) !== before[0] && (await dots()) !== before[1], 'page and chart take the new colours');
  await page.reload();
  check((await page.getAttribute('html', 'data-theme')) === 'dark', 'the choice stays');
  await sound(tab, 'theme');
  await tab.close();
}

async function live() {
  const tab = await open(), { page } = tab;
  await visit(page, '/targets?refresh=off');
  await page.locator('details.tg summary').first().click();
  await page.locator('input[name=text]').focus();
  await page.evaluate(() => { document.querySelector('main').style.minHeight = '3000px'; scrollTo(0, 120); });
  const fresh = page.waitForResponse((r) => r.url().includes('/targets'));
  await page.evaluate(() => document.querySelector('[data-act="refresh"]').click());
  await fresh;
  await page.waitForTimeout(300);
  const now = await page.evaluate(() => ({ name: document.activeElement?.getAttribute('name'), y: scrollY, open: document.querySelectorAll('details.tg[open]').length }));
  check(now.name === 'text', `the focus moved to ${now.name}`);
  check(now.y === 120, `the page scrolled to ${now.y}`);
  check(now.open === 1, `${now.open} rows are open`);
  await page.keyboard.type('nowhere');
  await page.waitForFunction(() => document.querySelector('#groups')?.textContent.includes('No target matches'));
  check(asked(page).get('text') === 'nowhere', 'the filter stands in the address');
  await sound(tab, 'live');
  await tab.close();
}

async function withoutScript() {
  const tab = await open({ javaScriptEnabled: false }), { page } = tab;
  await page.goto(process.argv[2] + '/explore?view=table&q=' + encodeURIComponent('http_requests_total'));
  check((await page.locator('#result tbody tr').count()) > 0, 'tables are there without script');
  await page.goto(process.argv[2] + '/explore?q=' + encodeURIComponent('sum(rate(x'));
  check((await page.locator('.qerr').textContent()).includes('parse error'), 'mistakes are shown without script');
  await tab.close();
}

async function touch() {
  const tab = await open({ size: PHONE }), { page } = tab;
  await visit(page, QUERY);
  const box = await page.locator('ph-chart .u-over').first().boundingBox();
  const cdp = await page.context().newCDPSession(page);
  const at = (x) => [{ x: box.x + box.width * x, y: box.y + box.height / 2 }];
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0.3) });
  for (const x of [0.4, 0.5, 0.6, 0.7]) await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(x) });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.waitForURL((u) => u.searchParams.has('from'), { timeout: 5000 });
  const span = Number(asked(page).get('to')) - Number(asked(page).get('from'));
  check(Math.abs(span - 0.4 * 3600) < 120, `a finger over 40 % of an hour asks for ${span} s`);
  await sound(tab, 'touch');
  await tab.close();
}

await run({ zoom, solo, complete, palette, theme, live, touch, 'without script': withoutScript });
