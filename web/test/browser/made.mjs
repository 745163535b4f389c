// From nothing to a reader: a dashboard with two panels and a variable is made by hand, saved, loaded again, shared, and seen
// by somebody without an account, who chooses a value and can do nothing else.
import { createServer } from 'node:http';
import { PHONE, accessible, base, check, open, picture, quiet, run, sound, until, visit } from './harness.mjs';

const back = (page) => page.getByRole('button', { name: 'Back to the dashboard' }).click();
const bar = (page, words) => page.locator('.eg-bar').getByText(words, { exact: true });
const drawn = (page, count) =>
  page.waitForFunction(
    (n) => document.querySelectorAll('.gp[data-ready]').length === n && !document.querySelector('.gp .bad, .gp .gp-err'),
    count,
  );

/** Adds a panel that asks something. */
async function add(page, first, kind, title, query) {
  if (first) await page.locator('.eg-first').getByText(kind, { exact: true }).click();
  else {
    await bar(page, 'Add').click();
    await page.locator('#eg-add').getByText(kind, { exact: true }).click();
  }
  const written = page.locator('.pe .cm-content');
  await written.fill(query);
  // What completes it lies over what is pressed next, when it comes in time.
  await quiet(page);
  await written.press('Escape');
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
  await page.getByRole('option', { name: 'mode', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.es-values .chip:has-text("idle")');
  await page.getByRole('button', { name: 'Done' }).last().click();
}

/** The variables that a page offers, and what is chosen. */
const chosen = (page) => page.locator('#bd-bar .chip b').allTextContents();

await run(
  {
    async 'a dashboard is made, saved, shared and seen'() {
      const tab = await open(),
        { page, problems } = tab;
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

      const reader = await open(),
        seen = reader.page;
      await seen.goto(new URL(/\/p\/[\w-]+/.exec(link)[0], base).href);
      await drawn(seen, 2);
      await sound(reader, 'a shared dashboard');
      await accessible(seen, 'a shared dashboard');
      check(
        (await seen.locator('nav:not(.seg), [data-edit-begin], [data-star], a[href^="/d"], a[href^="/explore"]').count()) === 0,
        'a reader is led into the server',
      );
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

    async 'a query of Metrics and a search of Logs become panels'() {
      const tab = await open(),
        { page, problems } = tab;
      await visit(page, '/explore?q=sum%20by%20(mode)%20(rate(node_cpu_seconds_total%5B1m%5D))&from=now-5m&to=now');
      await page.locator('[data-x="stacked"]').click();
      await page.locator('[data-x="board"]').click();
      await page.waitForURL(/\/d\/add\?/);
      check(/unit=percentunit/.test(page.url()) && /view=stacked/.test(page.url()), `what is shown goes along: ${page.url()}`);
      await accessible(page, 'choosing a dashboard');
      await picture(page, 'add-to-dashboard');
      // What listens to the search is fetched after the page.
      await quiet(page);
      await page.getByRole('searchbox').first().fill('no such dashboard');
      await page.waitForSelector('text=No dashboard fits.');
      await page.getByRole('searchbox').first().fill('host');
      await page.locator('#bl a.row').first().click();
      await page.waitForSelector('#bd-edit[data-ready]');
      const title = 'sum by (mode) (rate(node_cpu_seconds_total[1m]))';
      const added = page.locator('.gp', { has: page.getByRole('heading', { name: title }) });
      await added.and(page.locator('[data-ready]')).waitFor();
      await until(async () => (await page.locator('.eg-state').textContent()).includes('Unsaved'), 'it is not kept before somebody saves');
      await until(
        () => !page.url().includes('#') && page.url().includes('from=now-5m'),
        () => `the address is ${page.url()}`,
      );
      check((await added.locator('.gp-none, .gp-err').count()) === 0, 'the panel shows what was asked');
      await quiet(page);
      await page.keyboard.press('Control+z');
      await added.waitFor({ state: 'detached' });
      check(problems.length === 0, problems.join('; '));
      await tab.close();

      const other = await open();
      await visit(other.page, '/logs?q=up');
      await other.page.getByRole('link', { name: 'Add to dashboard' }).click();
      await other.page.waitForURL(/view=logs/);
      await other.page.getByRole('link', { name: 'New dashboard' }).click();
      await other.page.waitForSelector('#bd-edit[data-ready]');
      await other.page.locator('.gp[data-kind="logs"][data-ready]').waitFor();
      check(other.problems.length === 0, other.problems.join('; '));
      await other.close();

      const phone = await open({ size: PHONE, theme: 'light' });
      await visit(phone.page, '/explore?q=up');
      check(await phone.page.locator('[data-x="board"]').isHidden(), 'dashboards are not changed on phones');
      await phone.close();
    },

    async 'a ready-made dashboard that was changed is compared with what came, and is it again'() {
      const tab = await open(),
        { page, problems } = tab;
      const json = await (await page.request.get(`${base}/d/pharos-cache/x/json`)).json();
      await page.request.post(`${base}/api/dashboards/db`, { data: { dashboard: { ...json, title: 'Our caches' }, overwrite: true } });
      await page.goto(`${base}/d/pharos-cache/x/versions?from=ready`);
      check((await page.locator('.cmp').innerText()).includes('Our caches'), 'what changed is listed');
      await accessible(page, 'the history of a ready-made dashboard');
      await page.getByRole('button', { name: 'Give up changes made here' }).click();
      await page.locator('dialog[open]').getByText('Give up changes', { exact: true }).click();
      await page.waitForURL(/done=restored/);
      check((await page.locator('.crumb').innerText()).includes(json.title), 'it has its title again');
      check((await page.getByRole('button', { name: 'Give up changes made here' }).count()) === 0, 'nothing is left to give up');
      await page.getByRole('button', { name: 'Restore version 1' }).click();
      await page.locator('dialog[open]').getByText('Restore', { exact: true }).click();
      await page.waitForFunction(() => document.querySelector('.crumb').textContent.includes('Our caches'));
      check(problems.length === 0, problems.join('; '));
      await tab.close();
    },

    async 'exemplars are shown, say what they are, and lead on'() {
      const tab = await open(),
        { page } = tab;
      const target = { refId: 'A', expr: 'checkout_seconds', exemplar: true };
      const dashboard = {
        uid: 'exemplars',
        title: 'Exemplars',
        panels: [
          {
            id: 1,
            type: 'timeseries',
            title: 'Checkout',
            gridPos: { x: 0, y: 0, w: 24, h: 10 },
            targets: [target],
            fieldConfig: {
              defaults: { unit: 's', links: [{ title: 'Trace', url: 'https://t.example/${__data.fields.trace_id}' }] },
              overrides: [],
            },
          },
        ],
      };
      const saved = await page.request.post(`${base}/api/dashboards/db`, { data: { dashboard, overwrite: true } });
      check(saved.ok(), `saving: ${saved.status()}`);
      await page.goto(`${base}/d/exemplars/x?from=now-1h&to=now`);
      await drawn(page, 1);
      await page.waitForFunction(() => /exemplars/.test(document.querySelector('.gp .plot')?.getAttribute('aria-label')));
      await picture(page, 'exemplars');
      await page.locator('.gp .plot').focus();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#gp-ex:popover-open');
      const card = await page.locator('#gp-ex').innerText();
      check(/trace_id/.test(card) && /4bf92f3577b34da6/.test(card) && /\/cart/.test(card) && /ms|s/.test(card), `the card says ${card}`);
      const links = await page.locator('#gp-ex a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
      check(/^https:\/\/t\.example\/4bf9/.test(links[0]) && /^\/logs\?q=%224bf9/.test(links[1]), `it leads to ${links}`);
      await accessible(page, 'the card of an exemplar');
      await picture(page, 'exemplar-card');
      await page.keyboard.press('Escape');
      await page.waitForSelector('#gp-ex', { state: 'detached' });
      await until(() => page.evaluate(() => document.activeElement?.classList.contains('plot')), 'the focus comes back');
      await sound(tab, 'exemplars');
      await tab.close();
    },

    async 'a shared dashboard is embedded by the pages that were named, and by no other'() {
      // A page elsewhere: another name and port is another origin.
      const host = createServer((req, res) => {
        res.setHeader('content-type', 'text/html');
        res.end(`<!doctype html><iframe src="${base}${decodeURIComponent(req.url.slice(2))}" width="900" height="600"></iframe>`);
      });
      await new Promise((done) => host.listen(0, '127.0.0.1', done));
      const allowed = `http://127.0.0.1:${host.address().port}`,
        foreign = `http://localhost:${host.address().port}`;
      const tab = await open(),
        { page } = tab;
      try {
        const dashboard = {
          uid: 'embedded',
          title: 'Embedded',
          panels: [
            {
              id: 1,
              type: 'stat',
              title: 'Up',
              gridPos: { x: 0, y: 0, w: 12, h: 6 },
              targets: [{ refId: 'A', expr: 'vector(42)', instant: true }],
            },
          ],
        };
        await page.request.post(`${base}/api/dashboards/db`, { data: { dashboard, overwrite: true } });
        await page.goto(`${base}/d/embedded/x/share`);
        await page.locator('[name=embed][value=some]').check();
        await page.locator('[name=origins]').fill(allowed);
        await page.getByRole('button', { name: 'Make a link' }).click();
        const link = /\/p\/[\w-]+/.exec(await page.locator('text=/\\/p\\/[\\w-]{20,}/').first().textContent())[0];
        await page.goto(`${allowed}/?${encodeURIComponent(link)}`);
        await page.frameLocator('iframe').locator('.gp[data-ready]').waitFor();
        check((await page.frameLocator('iframe').locator('.gp').textContent()).includes('42'), 'the page that was named shows it');
        await picture(page, 'embedded');
        await page.goto(`${foreign}/?${encodeURIComponent(link)}`, { waitUntil: 'load' });
        check((await page.frameLocator('iframe').locator('.gp').count()) === 0, 'another page shows nothing');
      } finally {
        host.close();
        await tab.close();
      }
    },
  },
  3,
);
