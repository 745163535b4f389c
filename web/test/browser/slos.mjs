// SLOs: somebody defines one from nothing, sees what it would have been, keeps it, and reads how it stands.
import { PHONE, accessible, check, open, picture, run, sound, visit } from './harness.mjs';

async function define() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/slos');
  await sound(tab, 'slos: nothing yet');
  await page.locator('a', { hasText: 'New SLO' }).first().click();
  await page.waitForURL(/\/slos\/new$/);
  await page.locator('[name="name"]').fill('Checkout in a browser');
  await page.locator('[name="objective"]').fill('99');
  await page.locator('[name="period"]').selectOption('7d');
  await page.locator('[name="bad"]').fill('http_requests_total{code=~"5.."}');
  await page.locator('[name="total"]').fill('sum(http_requests_total)');
  await page.locator('button', { hasText: 'Look at the past' }).click();
  await page.waitForSelector('.notice.crit');
  check((await page.locator('.notice.crit').textContent()).includes('expected a selector of counters'), 'the form says what is wrong');
  await page.locator('[name="total"]').fill('http_requests_total');
  await page.locator('button', { hasText: 'Look at the past' }).click();
  await page.waitForSelector('text=Counted over the last 7 days');
  await picture(page, 'slo-form');
  await accessible(page, 'slos: the form');
  await page.locator('button', { hasText: 'Save' }).click();
  await page.waitForURL(/\/slos\/Checkout%20in%20a%20browser\?done=made/);
  check((await page.locator('#slo-state').textContent()).includes('99 % of events are to be good over 7 days.'), 'words come first');
  await picture(page, 'slo');
  await accessible(page, 'slos: one');
  await visit(page, '/slos');
  await picture(page, 'slos');
  await accessible(page, 'slos: the list');
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
      ['list', '/slos'],
      ['one', '/slos/Checkout%20in%20a%20browser'],
      ['form', '/slos/new?kind=latency'],
      ['import', '/slos/import'],
    ]) {
      await visit(page, path);
      await picture(page, `slo-${name}-${lang}-phone`);
      await accessible(page, `slos: ${name}, ${lang} on a phone`);
      check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}, ${lang}: wider than the phone`);
    }
    await page.context().close();
  }
}

await run({ 'defining one': define, 'on a phone': small });
