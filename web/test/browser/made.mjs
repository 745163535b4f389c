// From nothing to a reader: a dashboard with two panels and a variable is made by hand, saved, loaded again, shared, and seen
// by somebody without an account, who chooses a value and can do nothing else.
import { PHONE, accessible, base, check, open, picture, run, sound } from './harness.mjs';

const back = (page) => page.getByRole('button', { name: 'Back to the dashboard' }).click();
const bar = (page, words) => page.locator('.eg-bar').getByText(words, { exact: true });
const drawn = (page, count) => page.waitForFunction((n) => document.querySelectorAll('.gp[data-ready]').length === n && !document.querySelector('.gp .bad, .gp .gp-err'), count, { timeout: 60_000 });

/** Adds a panel that asks something. */
async function add(page, first, kind, title, query) {
  if (first) await page.locator('.eg-first').getByText(kind, { exact: true }).click();
  else { await bar(page, 'Add').click(); await page.locator('#eg-add').getByText(kind, { exact: true }).click(); }
  await page.locator('.pe .cm-content').fill(query);
  await page.locator('.pe [data-tab="look"]').click();
  await page.getByLabel('Title', { exact: true }).fill(title);
  await back(page);
  await page.waitForSelector('.pe', { state: 'detached' });
}

async function variable(page) {
  await bar(page, 'Settings').click();
  await page.getByRole('tab', { name: /^Variables/ }).click();
  await page.getByRole('button', { name: 'Add a variable' }).click();
  await page.getByLabel('Name', { exact: true }).fill('mode');
  await page.keyboard.press('Enter');
  await page.getByRole('combobox', { name: 'Which label' }).fill('mode');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.es-values .chip:has-text("idle")');
  await page.getByRole('button', { name: 'Done' }).last().click();
}

/** The variables that a page offers, and what is chosen. */
const chosen = (page) => page.locator('#bd-bar .chip b').allTextContents();

await run({
  async 'a dashboard is made, saved, shared and seen'() {
    const tab = await open(), { page, problems } = tab;
    await page.goto(`${base}/d/new?from=now-5m&to=now`, { waitUntil: 'load' });
    await page.waitForSelector('.eg-first');
    await add(page, true, 'Time series', 'CPU', 'sum by (mode) (rate(node_cpu_seconds_total{mode="$mode"}[1m]))');
    await add(page, false, 'Stat', 'Targets up', 'count(up == 1)');
    await variable(page);
    await page.keyboard.press('Control+s');
    await page.fill('.eg-save input', 'From nothing');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/d\/[a-z0-9]{14}\/from-nothing/);
    const whole = new URL(page.url()).pathname;
    await page.goto(`${base}${whole}?from=now-5m&to=now&var-mode=idle`);
    await drawn(page, 2);
    check((await page.locator('.gp h2').allTextContents()).join() === 'CPU,Targets up', 'the saved panels are not there');
    check((await chosen(page)).join() === 'idle', `the variable is ${await chosen(page)}`);
    await picture(page, 'made');

    await page.goto(`${base}${whole}/share?from=now-5m&to=now&var-mode=idle`);
    await accessible(page, 'sharing');
    await page.getByLabel('mode').check();
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.locator('text=/\\/p\\/[\\w-]{20,}/').first().textContent();
    check(problems.length === 0, problems.join('; '));
    await tab.close();

    const reader = await open(), seen = reader.page;
    await seen.goto(new URL(/\/p\/[\w-]+/.exec(link)[0], base).href);
    await drawn(seen, 2);
    await sound(reader, 'a shared dashboard');
    await accessible(seen, 'a shared dashboard');
    check(await seen.locator('nav:not(.seg), [data-edit-begin], [data-star], a[href^="/d"], a[href^="/explore"]').count() === 0, 'a reader is led into the server');
    await seen.locator('#bd-bar .chip', { hasText: 'mode' }).click();
    await seen.locator('.vlist button', { hasText: 'system' }).click();
    await seen.waitForURL(/var-mode=system/);
    await seen.waitForFunction(() => document.querySelector('#bd-bar .chip b')?.textContent === 'system');
    await drawn(seen, 2);
    await picture(seen, 'made-shared');
    await reader.close();

    const phone = await open({ size: PHONE, theme: 'light' });
    await phone.page.goto(new URL(/\/p\/[\w-]+/.exec(link)[0], base).href);
    await drawn(phone.page, 2);
    await sound(phone, 'a shared dashboard on a phone');
    await accessible(phone.page, 'a shared dashboard on a phone');
    await phone.close();
  },
}, 3);
