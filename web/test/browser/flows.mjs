// What people do: zoom and go back, choose series, complete, jump, switch, watch.
import {
  PATIENCE_MS,
  PHONE,
  accessible,
  base,
  check,
  fail,
  open,
  picture,
  quiet,
  run,
  settled,
  sleep,
  sound,
  until,
  visit,
} from './harness.mjs';

const QUERY = '/explore?q=' + encodeURIComponent('sum by (route) (rate(http_requests_total[5m]))');
const label = (page) => page.locator('[data-rangelabel]').textContent();
const asked = (page) => new URL(page.url()).searchParams;

async function drag(page, from, to, keys = []) {
  const box = await page.locator('ph-chart .u-over').first().boundingBox();
  for (const key of keys) await page.keyboard.down(key);
  await page.mouse.move(box.x + box.width * from[0], box.y + box.height * from[1]);
  await page.mouse.down();
  for (let i = 1; i <= 6; i++)
    await page.mouse.move(
      box.x + box.width * (from[0] + ((to[0] - from[0]) * i) / 6),
      box.y + box.height * (from[1] + ((to[1] - from[1]) * i) / 6),
    );
  await page.mouse.up();
  for (const key of keys) await page.keyboard.up(key);
}
/** What the chart was last drawn for, in Unix seconds. */
const drawn = (page) =>
  page.evaluate(() => {
    const c = document.querySelector('ph-chart');
    return [c.frame.start, c.frame.step, c.frame.series[0].v.length];
  });

async function zoom() {
  const tab = await open(),
    { page } = tab;
  await visit(page, QUERY);
  const before = await label(page),
    frame = await drawn(page);
  check(before === 'Last hour', `the label says ${before}`);
  await drag(page, [0.4, 0.5], [0.7, 0.5]);
  await page.waitForURL((u) => u.searchParams.has('from'));
  const from = Number(asked(page).get('from')),
    to = Number(asked(page).get('to'));
  check(Math.abs(to - from - 0.3 * 3600) < 60, `dragging over 30 % of an hour asks for ${to - from} s`);
  await until(async () => (await label(page)) !== before, 'the label follows the zoom');
  await page.waitForFunction((step) => document.querySelector('ph-chart').frame.step < step, frame[1]);
  await page.goBack();
  await until(
    async () => (await label(page)) === before,
    async () => `Back leaves the label at ${await label(page)}`,
  );
  await until(() => asked(page).get('from') === null, 'Back restores the address');
  await page.waitForFunction((step) => document.querySelector('ph-chart').frame.step === step, frame[1]);
  await sound(tab, 'zoom');
  await tab.close();
}

async function solo() {
  const tab = await open(),
    { page } = tab;
  await visit(page, QUERY);
  const pressed = () => page.$$eval('.leg .nm', (all) => all.filter((b) => b.getAttribute('aria-pressed') === 'true').length);
  const all = await pressed();
  check(all === 4, `${all} series are shown`);
  await page.locator('.leg .nm').first().click();
  check((await pressed()) === 1, 'a click leaves one series');
  await page
    .locator('.leg .nm')
    .nth(1)
    .click({ modifiers: ['Control'] });
  check((await pressed()) === 2, 'Ctrl adds another');
  await page
    .locator('.leg .nm')
    .nth(1)
    .click({ modifiers: ['Control'] });
  await page.locator('.leg .nm').first().click();
  check((await pressed()) === all, 'the only one clicked again brings all back');
  await page.locator('.leg th button').first().click();
  check((await page.locator('.leg th[aria-sort]').textContent()).startsWith('Series'), 'columns sort');
  await sound(tab, 'legend');
  await tab.close();
}

async function complete() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/explore');
  await page.locator('.cm-content').click();
  await page.keyboard.type('http_req', { delay: 30 });
  const offered = page.locator('.cm-tooltip-autocomplete li .cm-completionLabel'),
    first = page.locator('.cm-tooltip-autocomplete li[aria-selected] .cm-completionLabel', { hasText: /^http_requests_total$/ });
  await first.waitFor().catch(async () => fail(`completion offers ${(await offered.allTextContents()).slice(0, 5).join(', ')}`));
  // Keys are taken a moment after the list is there, and when nothing more comes into it.
  await quiet(page);
  await page.keyboard.press('Enter');
  await page.locator('.cm-content', { hasText: 'http_requests_total' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.cm-content').click();
  await page.keyboard.press('Enter');
  await page.waitForURL((u) => u.searchParams.get('q') === 'http_requests_total');
  await page.waitForSelector('ph-chart[data-ready]');
  await until(async () => (await page.locator('.leg .nm').count()) > 0, 'Enter runs the query');
  await sound(tab, 'completion');
  await tab.close();
}

/** A key that is pressed before the page listens is nobody's, so it is pressed again. */
async function openPalette(page) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && (await page.locator('#cmdk').count()) === 0;) {
    await page.keyboard.press('Control+k');
    await sleep(100);
  }
}

async function palette() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/status');
  await openPalette(page);
  await page.keyboard.type('card');
  await page.waitForFunction(() => document.querySelector('#cmdl [aria-selected="true"]')?.textContent.includes('Cardinality'));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/cardinality');
  await openPalette(page);
  await page.keyboard.type('http_requests');
  await page.waitForFunction(() => [...document.querySelectorAll('#cmdl li')].some((l) => l.textContent.includes('http_requests_total')));
  // What comes later would move what is chosen.
  await quiet(page);
  const focus = await page.evaluate(() => document.activeElement?.getAttribute('role'));
  check(focus === 'combobox', `the focus is on ${focus}`);
  for (let i = 0; i < 10 && !(await page.locator('#cmdl [aria-selected="true"]').textContent()).includes('http_requests_total'); i++)
    await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/explore?q=http_requests_total');
  await settled(page);
  await page.keyboard.press('Escape');
  await page.locator('h1').click();
  // One after the other at once: two keys that are far apart are no shortcut.
  await Promise.all([page.waitForURL('**/targets'), page.keyboard.press('g'), page.keyboard.press('t')]);
  await page.keyboard.press('?');
  await page.waitForSelector('dialog#keys[open]');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog'));
  await sound(tab, 'palette');
  await tab.close();
}

async function theme() {
  const tab = await open({ theme: 'light' }),
    { page } = tab;
  await visit(page, QUERY);
  const dots = () =>
    page.evaluate(() => {
      const c = document.querySelector('ph-chart canvas'),
        d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let h = 0;
      for (let i = 0; i < d.length; i += 97) h = (h * 31 + d[i]) | 0;
      return h;
    });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = [await ground(), await dots()];
  await page.locator('[popovertarget="look"]').click();
  await page.locator('#look [value="dark"]').click();
  await until(async () => (await page.getAttribute('html', 'data-theme')) === 'dark', 'the menu makes the page dark');
  await until(async () => (await ground()) !== before[0] && (await dots()) !== before[1], 'page and chart take the new colours');
  await page.reload();
  check((await page.getAttribute('html', 'data-theme')) === 'dark', 'the choice stays');
  await sound(tab, 'theme');
  await tab.close();
}

async function live() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/targets?refresh=off');
  // What listens to the filter is fetched after the page.
  await quiet(page);
  await page.locator('details.tg summary').first().click();
  await page.locator('input[name=text]').focus();
  await page.evaluate(() => {
    document.querySelector('main').style.minHeight = '3000px';
    scrollTo(0, 120);
  });
  const fresh = page.waitForResponse((r) => r.url().includes('/targets'));
  await page.evaluate(() => document.querySelector('[data-act="refresh"]').click());
  await fresh;
  await quiet(page);
  const now = await page.evaluate(() => ({
    name: document.activeElement?.getAttribute('name'),
    y: scrollY,
    open: document.querySelectorAll('details.tg[open]').length,
  }));
  check(now.name === 'text', `the focus moved to ${now.name}`);
  check(now.y === 120, `the page scrolled to ${now.y}`);
  check(now.open === 1, `${now.open} rows are open`);
  await page.keyboard.type('nowhere');
  await page.waitForFunction(() => document.querySelector('#groups')?.textContent.includes('No target matches'));
  await until(() => asked(page).get('text') === 'nowhere', 'the filter stands in the address');
  await sound(tab, 'live');
  await tab.close();
}

async function withoutScript() {
  const tab = await open({ javaScriptEnabled: false }),
    { page } = tab;
  // A table is of this moment: what was sent before the tests began may be too old for it by now.
  await page.goto(base + '/explore?view=table&q=' + encodeURIComponent('last_over_time(http_requests_total[3h])'));
  check((await page.locator('#result tbody tr').count()) > 0, 'tables are there without script');
  await page.goto(base + '/explore?q=' + encodeURIComponent('sum(rate(x'));
  check((await page.locator('.qerr').textContent()).includes('parse error'), 'mistakes are shown without script');
  await tab.close();
}

async function touch() {
  const tab = await open({ size: PHONE }),
    { page } = tab;
  await visit(page, QUERY);
  const box = await page.locator('ph-chart .u-over').first().boundingBox();
  const cdp = await page.context().newCDPSession(page);
  const at = (x) => [{ x: box.x + box.width * x, y: box.y + box.height / 2, id: 0 }];
  // Without waiting for the page in between: a finger that rests for long does something else.
  const fingers = (...events) =>
    Promise.all(events.map(([type, touchPoints]) => cdp.send('Input.dispatchTouchEvent', { type, touchPoints })));
  await fingers(['touchStart', at(0.3)], ...[0.4, 0.5, 0.6, 0.7].map((x) => ['touchMove', at(x)]), ['touchEnd', []]);
  await page.waitForURL((u) => u.searchParams.has('from'));
  const span = Number(asked(page).get('to')) - Number(asked(page).get('from'));
  check(Math.abs(span - 0.4 * 3600) < 120, `a finger over 40 % of an hour asks for ${span} s`);
  await page.waitForFunction((from) => document.querySelector('ph-chart').frame.start >= from - 60, Number(asked(page).get('from')));
  const two = (x) => [...at(x), { x: box.x + box.width * (x + 0.2), y: box.y + box.height / 2, id: 1 }];
  const before = Number(asked(page).get('from'));
  const moves = [0.4, 0.5, 0.6].map((x) => ['touchMove', two(x)]);
  await fingers(['touchStart', at(0.3)], ['touchStart', two(0.3)], ...moves, ['touchEnd', []]);
  await page.waitForURL((u) => Number(u.searchParams.get('from')) < before);
  const moved = Number(asked(page).get('from')),
    still = Number(asked(page).get('to')) - moved;
  check(
    Math.abs(still - span) < 5 && Math.abs(before - moved - 0.3 * span) < 60,
    `two fingers move by ${before - moved} s and keep ${still} s`,
  );
  await sound(tab, 'touch');
  await tab.close();
}

async function move() {
  const tab = await open(),
    { page } = tab;
  await visit(page, `${QUERY}&from=now-30m`);
  const steps = await page.evaluate(() => history.length),
    began = Date.now() / 1000;
  await drag(page, [0.3, 0.5], [0.8, 0.5], ['Shift']);
  await page.waitForURL((u) => /^\d+$/.test(u.searchParams.get('to') ?? ''));
  const from = Number(asked(page).get('from')),
    to = Number(asked(page).get('to')),
    now = Date.now() / 1000;
  check(Math.abs(to - from - 1800) < 5, `panning keeps the length: ${to - from}`);
  check(to + 900 > began - 60 && to + 900 < now + 60, `half a chart to the right goes ${now - to} s back`);
  check((await page.evaluate(() => history.length)) === steps, 'panning adds nothing to the history');
  const ticks = () =>
    page.evaluate(() => {
      const c = document.querySelector('ph-chart canvas');
      return c.toDataURL().length + c.toDataURL().slice(-4000, -3000);
    });
  await page.waitForFunction((to) => {
    const f = document.querySelector('ph-chart').frame;
    return Math.abs(f.start + f.step * (f.series[0].v.length - 1) - to) < 2 * f.step;
  }, to);
  // A pointer over the chart lights the nearest series.
  const away = async () => {
    await page.mouse.move(700, 10);
    await quiet(page);
  };
  await away();
  const whole = await ticks(),
    url = page.url();
  await drag(page, [0.5, 0.2], [0.5, 0.6], ['Control']);
  await away();
  await until(async () => (await ticks()) !== whole, 'Ctrl-drag zooms the values');
  check(page.url() === url, 'zooming values leaves the address');
  await page
    .locator('ph-chart .u-over')
    .first()
    .dblclick({ position: { x: 200, y: 100 } });
  await away();
  check(page.url() === url, 'the first double click brings all values back');
  await until(async () => (await ticks()) === whole, 'the chart is as before');
  await sound(tab, 'move');
  await tab.close();
}

async function zone() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/status');
  const started = () => page.locator('main time').first().getAttribute('title');
  const head = () => page.locator('dd time').first().textContent();
  const local = [await started(), await head()];
  check(local[0].includes('5:30'), `the reader's zone stands in ${local[0]}`);
  await page.locator('[popovertarget="look"]').click();
  await page.locator('#look [value="utc"]').click();
  await until(async () => (await started()).endsWith('UTC'), 'UTC is chosen and shown');
  const utc = [await started(), await head()];
  check(utc[0].endsWith('UTC') && utc[0] !== local[0], `UTC is chosen, ${utc[0]} is shown`);
  const minutes = (text) => {
    const [, h, m] = /(\d\d):(\d\d)/.exec(text);
    return Number(h) * 60 + Number(m);
  };
  check((minutes(local[1]) - minutes(utc[1]) + 1440) % 1440 === 330, `times differ by the zones' distance: ${local[1]}, ${utc[1]}`);
  // It holds for charts, ranges and what is typed.
  await visit(page, `${QUERY}&from=1700000000&to=1700003600`);
  check((await label(page)).includes('22:13'), `ranges are in UTC: ${await label(page)}`);
  await page.locator('[data-rangelabel]').click();
  await page.locator('#tm input[name=from]').fill('2023-11-14 12:00');
  await page.locator('#tm input[name=to]').fill('2023-11-14 13:00');
  await page.locator('#tm .btn.p').click();
  await until(
    () => asked(page).get('from') === '1699963200',
    () => `typed times are UTC: ${asked(page).get('from')}`,
  );
  await sound(tab, 'zone');
  await tab.close();
}

async function print() {
  const tab = await open({ theme: 'dark' }),
    { page } = tab,
    now = Math.floor(Date.now() / 1000);
  await visit(page, `${QUERY}&from=${now - 3600}&to=${now}`);
  const ink = () =>
    page.evaluate(() => {
      const c = document.querySelector('ph-chart canvas'),
        d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let h = 0;
      for (let i = 0; i < d.length; i += 97) h = (h * 31 + d[i]) | 0;
      return h;
    });
  const dark = await ink();
  await page.emulateMedia({ media: 'print' });
  // What listens to that is fetched when the page has nothing else to do.
  await quiet(page);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  check((await page.getAttribute('html', 'data-theme')) === 'light', 'paper is light');
  check((await ink()) !== dark, 'charts are drawn in its colours');
  const head = await page.locator('[data-printed]').textContent();
  check(
    /\d\d:\d\d – /.test(head) && head.includes('/explore') && (await page.locator('[data-printed]').isVisible()),
    `the head says ${head}`,
  );
  check(!(await page.locator('.side').isVisible()) && !(await page.locator('.q').isVisible()), 'chrome stays off the paper');
  await picture(page, 'print');
  await page.emulateMedia({ media: 'screen' });
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  check((await page.getAttribute('html', 'data-theme')) === 'dark' && (await ink()) === dark, 'the screen is as before');
  // Paper has its own layout.
  await page.evaluate(() => {
    window.__shifts = [];
  });
  await sound(tab, 'print');
  await tab.close();
}

async function language() {
  const tab = await open({ locale: 'en-GB' }),
    { page } = tab;
  await visit(page, QUERY);
  await page.locator('[popovertarget="look"]').click();
  await Promise.all([page.waitForNavigation(), page.locator('#look [value="ar"]').click()]);
  check(
    (await page.getAttribute('html', 'dir')) === 'rtl' && (await page.getAttribute('html', 'lang')) === 'ar',
    'Arabic runs from right to left',
  );
  check(asked(page).get('q') !== null, 'the page stays the same');
  await visit(page, QUERY);
  check((await page.locator('.leg th').first().textContent()).includes('السلسلة'), 'scripts speak Arabic as well');
  check((await page.locator('[data-rangelabel]').textContent()).includes('الساعة'), 'the range is in Arabic');
  const side = await page.locator('.side').boundingBox(),
    plot = await page.locator('ph-chart .u-over').boundingBox();
  check(side.x > 1000, 'the side is on the right');
  const left = await page.evaluate(() => document.querySelector('ph-chart .u-over').offsetLeft);
  check(left > 20 && plot.width > 500, 'charts stay left to right');
  await sound(tab, 'language');
  await tab.close();
}

async function explained() {
  const tab = await open(),
    { page } = tab;
  await visit(page, QUERY);
  await page.locator('[data-x="explain"]').click();
  await page.waitForSelector('#explain li');
  const told = await page.$$eval('#explain li', (all) => all.map((li) => li.textContent));
  check(
    told.length === 3 && told[0].includes('http_requests_total') && told[2].includes('one result for each route'),
    `explained as ${told.join(' / ')}`,
  );
  await picture(page, 'explained');
  await accessible(page, 'explained');
  await sound(tab, 'explained');
  await tab.close();
}

/** An alert on a phone with a keyboard: taken, chosen, commented on. */
async function care() {
  const tab = await open({ size: PHONE }),
    { page } = tab;
  const where = '/alerts?f=' + encodeURIComponent('alertname="Always"');
  await visit(page, where);
  // Rules take a second to fire and to be routed.
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && !(await page.locator('.al [data-key="a"]').count());) {
    // It may be taken since an earlier try.
    await page.evaluate(() => document.querySelector('.al [value^="release:"]')?.click());
    await sleep(500);
    await visit(page, where);
  }
  check((await page.locator('#care [name=tz]').inputValue()).startsWith('Asia/'), 'mornings are the reader’s');
  const focused = () => page.evaluate(() => Boolean(document.activeElement?.closest('.al')));
  await page.keyboard.press('j');
  check(await focused(), 'j goes to the first row');
  // Said for five seconds only, and perhaps before the row shows it.
  const said = page
    .locator('.toast', { hasText: 'Acknowledged' })
    .waitFor()
    .catch(() => fail('what was done is said'));
  await page.keyboard.press('a');
  await said;
  await page.waitForSelector('.al .mk:has-text("acknowledged")');
  check(await focused(), 'the row keeps the focus');
  check((await page.locator('.al [data-key="a"]').count()) === 0, 'it cannot be acknowledged twice');
  await page.keyboard.press('x');
  check(await page.locator('#care').isVisible(), 'what can be done with chosen rows comes in sight');
  check((await page.locator('[data-chosen]').textContent()).startsWith('1 '), 'chosen rows are counted');
  const fresh = page.waitForResponse((r) => r.url().includes('/alerts'));
  await page.keyboard.press('r');
  await fresh;
  await quiet(page);
  check(await page.locator('.al input').first().isChecked(), 'a refresh keeps what is chosen');
  await picture(page, 'care-list');
  await accessible(page, 'care, list');
  await page.keyboard.press('x');
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')]);
  check(new URL(page.url()).pathname === '/alerts/group', `Enter opens ${page.url()}`);
  await settled(page);
  await page.locator('#care [name=text]').fill('The disk is <b>full</b>.\nOn my way.');
  await page.locator('#care [value=comment]').click();
  await page.waitForSelector('.talk .text');
  check((await page.locator('.talk .text').first().textContent()).includes('<b>full</b>'), 'the comment stands there as it was written');
  await until(async () => (await page.locator('#care [name=text]').inputValue()) === '', 'the box is empty again');
  await until(async () => (await page.locator('.story .who').count()) >= 2, 'the timeline has what people did');
  await picture(page, 'care-group');
  await accessible(page, 'care, group');
  await page.evaluate(() => {
    window.__shifts = [];
  });
  await sound(tab, 'care');
  await tab.close();
}

/** Links of Alertmanager's own pages, as its messages carry them, and pages below those of the side. */
async function elsewhere() {
  const tab = await open(),
    { page } = tab;
  for (const [from, to] of [
    ['/#/alerts?receiver=pager', '/alerts?receiver=pager'],
    ['/#/silences/new?filter=%7Bjob%3D%22shop%22%7D', '/alerts/silences/edit?filter=%7Bjob%3D%22shop%22%7D'],
  ]) {
    await page.goto(base + from);
    await page.waitForURL(base + to);
  }
  check((await page.locator('[name=matchers]').inputValue()) === 'job="shop"', 'matchers of the link stand in the form');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('routing');
  await page
    .locator('#cmdk li', { hasText: 'Routing' })
    .first()
    .waitFor()
    .catch(() => {});
  const found = await page.locator('#cmdk li').allTextContents();
  check(
    found.some((text) => text.includes('Routing') && text.includes('Alerts')),
    `the quick jump knows pages below those of the side: ${found.join(' / ')}`,
  );
  await visit(page, '/explore?q=up');
  await Promise.all([page.waitForNavigation(), page.locator('[formaction="/alerts/rules/edit"]').click()]);
  check((await page.locator('main textarea').first().inputValue()).includes('expr: |-\n      up'), 'an alert is begun from a query');
  await tab.close();
}

await run(
  {
    zoom,
    care,
    elsewhere,
    explained,
    move,
    zone,
    print,
    language,
    solo,
    complete,
    palette,
    theme,
    live,
    touch,
    'without script': withoutScript,
  },
  2,
);
