// KPIs: somebody defines one from nothing, sets a target, sees what it was yesterday, shares it, prints it, hangs it up.
import { PHONE, accessible, base, check, open, picture, run, sleep, sound, visit } from './harness.mjs';

const DAY_MS = 86_400_000;
const day = (back) => new Date(Date.now() - back * DAY_MS).toISOString().slice(0, 10);
/** What is sent for yesterday must be read on the same day: shortly before midnight it is waited for. */
async function withinDay() {
  const left = DAY_MS - (Date.now() % DAY_MS);
  if (left < 10 * 60_000) await sleep(left + 1_000);
}

async function send(name, values) {
  const answer = await fetch(`${base}/api/v1/kpis/${encodeURIComponent(name)}/values`, { method: 'POST', body: JSON.stringify(values) });
  check(answer.ok, `numbers of ${name}: ${answer.status}`);
}

/** Somebody without an account sees it by a link of its own, on a phone too, until the link is switched off. */
async function given(page) {
  await page.locator('#kpi-shares [name="title"]').fill('For the board');
  await page.locator('#kpi-shares select[name="label"]').selectOption('plan');
  await page.locator('#kpi-shares button[value="make"]').click();
  await page.waitForURL(/done=shared/);
  const link = await page.locator('#kpi-shares a[target="_blank"]').getAttribute('href');
  check(link.startsWith(`${base}/k/`), `the link for people without an account: ${link}`);
  for (const [size, theme] of [
    [undefined, 'light'],
    [PHONE, 'dark'],
  ]) {
    const guest = await open({ ...(size && { size }), theme });
    await guest.page.goto(link);
    await guest.page.locator('h1', { hasText: 'For the board' }).waitFor();
    check((await guest.page.locator('a[href^="/business"]').count()) === 0, 'a shared KPI leads nowhere');
    await picture(guest.page, `kpi-shared-${size ? 390 : 1440}`);
    await sound(guest, `kpis: shared ${theme}`);
    await accessible(guest.page, `kpis: shared ${theme}`);
    await guest.close();
  }
  await page.locator('#kpi-shares button[value="off"]').click();
  await page.waitForURL(/done=share-off/);
  check((await fetch(link)).status === 404, 'a link that is switched off shows nothing');
}

async function define() {
  await withinDay();
  const tab = await open(),
    { page } = tab;
  await visit(page, '/business');
  await sound(tab, 'kpis: nothing yet');
  await page.locator('a', { hasText: 'New KPI' }).first().click();
  await page.waitForURL(/\/business\/edit$/);
  await page.locator('[name="name"]').fill('Orders/day');
  await page.locator('button', { hasText: 'Look' }).click();
  await page.waitForSelector('[aria-invalid="true"]');
  check(
    (await page.locator('label:has([name="name"]) [role="alert"]').textContent()).includes('without slashes'),
    'what is wrong stands at its field',
  );
  await page.locator('[name="name"]').fill('Orders');
  await page.locator('[name="segments"]').evaluate((field) => {
    field.closest('details').open = true;
  });
  await page.locator('[name="segments"]').fill('plan');
  await page.locator('[name="target_by0"]').selectOption('day');
  await page.locator('[name="target_value0"]').fill('120');
  await picture(page, 'kpi-form');
  await accessible(page, 'kpis: the form');
  await page.locator('button', { hasText: 'Save' }).click();
  await page.waitForURL(/\/business\/\d+\?done=made/);
  check(await page.getByText('Send a number, and it is here at once.').isVisible(), 'a new one says what to do');
  const values = [];
  for (let back = 0; back < 40; back++) {
    const rise = back === 1 ? 25 : back % 7;
    values.push(
      { value: 100 + rise, period: day(back) },
      { value: 60 + rise, period: day(back), segment: { plan: 'pro' } },
      { value: 40, period: day(back), segment: { plan: 'free' } },
    );
  }
  await send('Orders', values);
  await page.reload();
  check((await page.locator('#kpi-now').textContent()).includes(': 125'), 'what it was yesterday');
  check((await page.locator('#kpi-now').textContent()).includes('of 120'), 'what it should be');
  await page.locator('#kpi-segments a', { hasText: 'plan' }).click();
  await page.waitForURL(/label=plan/);
  check((await page.locator('#kpi-segments').textContent()).includes('pro'), 'its segments');
  await page.locator('.bz-note [name="text"]').fill('Price raised');
  await page.locator('button', { hasText: 'Add a note' }).click();
  await page.waitForURL(/done=noted/);
  check((await page.locator('.bz-trend:visible .mf').count()) === 1, 'the note is on the chart');
  // The link opens exactly this view, also for somebody else.
  await visit(page, '/business/1?label=plan&grain=week&count=12');
  const link = await page.locator('[data-act="copy"][data-text]').first().getAttribute('data-text');
  check(link === `${base}/business/1?grain=week&count=12&label=plan`, `the link to share: ${link}`);
  await given(page);
  await visit(page, '/business/1?label=plan');
  await picture(page, 'kpi');
  await accessible(page, 'kpis: one');
  await visit(page, '/business');
  check((await page.locator('.bz-tile').textContent()).includes('Orders'), 'its tile');
  await picture(page, 'kpis');
  await accessible(page, 'kpis: home');
  await page.context().close();
  const fresh = await open();
  await visit(fresh.page, '/business/1?label=plan');
  await sound(fresh, 'kpis: one');
  await fresh.close();
}

async function made() {
  const tab = await open({ theme: 'light' }),
    { page } = tab;
  await visit(page, '/business/edit');
  await page.locator('[name="name"]').fill('Requests');
  await page.locator('[name="kind"][value="promql"]').check();
  await page.locator('[name="promql.query"]').fill('sum(http_requests_total');
  await page.locator('button', { hasText: 'Look' }).click();
  await page.waitForSelector('.panel .crit-t');
  check(
    (await page.locator('.panel .crit-t').first().textContent()).includes('cannot be read'),
    'a query that is wrong says so before it is kept',
  );
  await page.locator('[name="promql.query"]').fill('sum(increase(http_requests_total[$period]))');
  await page.locator('button', { hasText: 'Look' }).click();
  await page.waitForSelector('.bz-trend');
  await picture(page, 'kpi-look');
  await accessible(page, 'kpis: a look');
  await page.locator('button', { hasText: 'Save' }).click();
  await page.waitForURL(/\/business\/\d+\?done=made/);
  await page.locator('[name="from"]').fill(day(20));
  await page.locator('button', { hasText: 'Fill in from history' }).click();
  await page.waitForURL(/done=filling/);
  await page.getByText(/Filled in: \d+ of \d+/).waitFor();
  await page.locator('button', { hasText: 'Delete' }).first().click();
  await page.locator('dialog button', { hasText: 'Delete' }).click();
  await page.waitForURL(/\/business\?done=deleted/);
  await visit(page, '/business/ready');
  await picture(page, 'kpi-ready');
  await page.locator('li', { hasText: 'Logins' }).locator('button').first().click();
  await page.waitForURL(/\/business\/\d+\?done=made/);
  await page.context().close();
}

async function printed() {
  const tab = await open(),
    { page } = tab;
  await page.emulateMedia({ media: 'print' });
  for (const [name, path] of [
    ['home', '/business'],
    ['one', '/business/1?label=plan'],
  ]) {
    await visit(page, path);
    check(
      !(await page.locator('.side').isVisible()) && !(await page.locator('.btn:visible').count()),
      `${name}: nothing to press on paper`,
    );
    check((await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === 'rgb(255, 255, 255)', `${name}: black on white`);
    if (name === 'one') check((await page.locator('.bz-trend:visible').count()) === 1, 'the chart is on paper');
    await picture(page, `kpi-print-${name}`);
    check((await page.pdf({ preferCSSPageSize: true })).length > 10_000, `${name}: a PDF`);
  }
  await page.context().close();
}

async function wall() {
  const tab = await open({ size: { width: 1920, height: 1080 }, theme: 'light' }),
    { page } = tab;
  await visit(page, '/business/tv');
  await sound(tab, 'kpis: the wall');
  check((await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark', 'dark by itself');
  check((await page.evaluate(() => parseFloat(getComputedStyle(document.querySelector('.bz-v')).fontSize))) > 60, 'read from afar');
  check(!(await page.locator('nav:visible').count()), 'no navigation');
  await picture(page, 'kpi-wall');
  await accessible(page, 'kpis: the wall');
  await page.context().close();
}

async function small() {
  for (const [lang, theme] of [
    ['en', 'light'],
    ['ar', 'dark'],
  ]) {
    const tab = await open({ size: PHONE, theme, cookies: { lang } }),
      { page } = tab;
    for (const [name, path] of [
      ['home', '/business'],
      ['one', '/business/1?label=plan'],
      ['form', '/business/edit?id=1'],
      ['ready', '/business/ready'],
      ['wall', '/business/tv'],
    ]) {
      await visit(page, path);
      await picture(page, `kpi-${name}-${lang}-phone`);
      await accessible(page, `kpis: ${name}, ${lang} on a phone`);
      check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}, ${lang}: wider than the phone`);
    }
    await page.context().close();
  }
}

await run({
  'defining one': define,
  'from metrics and from the ready ones': made,
  'on paper': printed,
  'on a wall': wall,
  'on a phone': small,
});
