// The editor of a panel: queries with their problems, options with steps back, types, transformations, overrides, thresholds, the way back, accessibility.
import { accessible, base, check, open, picture, quiet, run, sound, until } from './harness.mjs';

const UID = 'edit-panel';
const first = {
  id: 4,
  type: 'timeseries',
  title: 'Is it up?',
  gridPos: { x: 0, y: 0, w: 12, h: 8 },
  datasource: { type: 'prometheus', uid: 'metrics' },
  targets: [{ refId: 'A', expr: 'up{job=~"$job"}', legendFormat: '{{job}}' }],
  fieldConfig: { defaults: { custom: { fillOpacity: 10 } }, overrides: [] },
  options: {},
};
const words = {
  id: 5,
  type: 'text',
  title: 'Words',
  gridPos: { x: 12, y: 0, w: 12, h: 8 },
  options: { mode: 'markdown', content: '# Hello' },
};
const job = { name: 'job', type: 'custom', query: 'pharos,node', multi: true, includeAll: true, current: { text: 'All', value: '$__all' } };

async function keep() {
  const answer = await fetch(`${base}/api/dashboards/db`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      dashboard: { uid: UID, title: 'Edit a panel', schemaVersion: 42, templating: { list: [job] }, panels: [first, words] },
      overwrite: true,
    }),
  });
  if (!answer.ok) throw new Error(`the dashboard is not kept: ${await answer.text()}`);
}
const kept = async (id) => (await (await fetch(`${base}/api/dashboards/uid/${UID}`)).json()).dashboard.panels.find((one) => one.id === id);
const tab = (page, id) => page.locator(`.pe [data-tab="${id}"]`).click();
const drawn = (page) => page.waitForSelector('.pe-preview .gp[data-ready]');
const box = (page, name) => page.getByRole('combobox', { name, exact: true });
/** Opens the editor of a panel and waits until it shows something. */
async function edit(page, id) {
  await page.goto(`${base}/d/${UID}/x?edit=panel-${id}`, { waitUntil: 'load' });
  await page.waitForSelector('.pe [role=tab]');
  await drawn(page);
  await settled(page);
}
const settled = (page) => quiet(page, 900);
async function save(page) {
  await page.getByRole('button', { name: 'Back to the dashboard' }).click();
  await page.waitForSelector('.pe', { state: 'detached' });
  await page.locator('.eg-bar').getByText('Save', { exact: true }).click();
  await page.locator('.eg-save').getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForSelector('.eg-save', { state: 'detached' });
}

await run(
  {
    async 'a query is written, its problem stands at it, and only what matters is asked anew'() {
      await keep();
      const { page, problems, close } = await open();
      await edit(page, 4);
      let asked = 0;
      page.on('request', (r) => {
        if (/\/panels$/.test(r.url())) asked++;
      });
      await tab(page, 'look');
      await page.getByLabel('Title', { exact: true }).fill('Up');
      await settled(page);
      check(asked === 0, `a title asks for data: ${asked}`);
      await until(async () => (await page.locator('.pe-preview h2').textContent()) === 'Up', 'the title is not shown');
      await page.getByLabel('Filled, in percent').fill('40');
      await settled(page);
      check(asked === 1, `a change of the look asks ${asked} times`);
      await tab(page, 'query');
      await page.waitForSelector('.pe .cm-content');
      await until(
        async () => /\d+ series/.test(await page.locator('.pe-queries .ed-item-head').first().textContent()),
        'the number of series is not said',
      );
      await page.locator('.pe .cm-content').fill('rate(up{job=~"$job"}[$__rate_interval])');
      await quiet(page, 1_800);
      check((await page.locator('.pe .cm-lintRange-error, .pe .cm-lintPoint-error').count()) === 0, 'variables are taken for problems');
      await page.locator('.pe .cm-content').fill('sum(up) by (job) +');
      await page.waitForSelector('.pe-queries .crit-t');
      await until(async () => (await page.locator('.pe-preview .gp.stale').count()) === 1, 'the chart before the problem is gone');
      await page.locator('.pe .cm-content').fill('sum by (job) (up)');
      await page.waitForSelector('.pe-queries .crit-t', { state: 'detached' });
      await page.getByRole('button', { name: 'Copy query A' }).click();
      await settled(page);
      await until(async () => (await page.locator('.pe-letter').count()) === 2, 'the query is not copied');
      await save(page);
      const now = await kept(4);
      check(
        now.targets.map((one) => one.refId).join() === 'A,B' &&
          now.targets[0].expr === 'sum by (job) (up)' &&
          now.title === 'Up' &&
          now.fieldConfig.defaults.custom.fillOpacity === 40,
        `kept is ${JSON.stringify(now)}`,
      );
      await sound({ page, problems }, 'a query');
      await close();
    },
    async 'options, thresholds, overrides and transformations become JSON, and steps go back'() {
      await keep();
      const { page, problems, close } = await open();
      await edit(page, 4);
      const before = await page.locator('.pe-top button:disabled').count();
      check(before === 3, 'there is something to undo from the beginning');
      await tab(page, 'thresholds');
      await page.getByRole('button', { name: 'Add a threshold' }).click();
      await page.getByRole('textbox', { name: 'Threshold 1', exact: true }).fill('0.5');
      await page.getByRole('button', { name: 'Add a text for a value' }).click();
      await page.getByRole('textbox', { name: 'Value', exact: true }).fill('1');
      await page.getByRole('textbox', { name: 'Text', exact: true }).fill('yes');
      await tab(page, 'overrides');
      await page.getByRole('button', { name: 'Add an override' }).click();
      await box(page, 'Name').fill('pharos');
      await page.keyboard.press('Enter');
      await box(page, 'Add an option').fill('decimals');
      await page.keyboard.press('Enter');
      await page.getByRole('textbox', { name: 'Decimals' }).fill('2');
      await tab(page, 'transform');
      await box(page, 'Add a transformation').fill('keep the first');
      await page.keyboard.press('Enter');
      await page.getByRole('textbox', { name: 'Rows', exact: true }).fill('5');
      await page.locator('.pe-top').click({ position: { x: 700, y: 4 } });
      await page.keyboard.press('Control+z');
      await settled(page);
      await until(
        async () => (await page.getByRole('textbox', { name: 'Rows', exact: true }).inputValue()) === '',
        'a step back is not shown',
      );
      await page.keyboard.press('Control+Shift+z');
      await page.getByLabel('Find an option').fill('unit');
      await box(page, 'Unit').fill('seconds');
      await page.keyboard.press('Enter');
      await settled(page);
      await save(page);
      const { fieldConfig: config, transformations: steps } = await kept(4);
      check(
        JSON.stringify(config.defaults.thresholds.steps.map((one) => [one.value, one.color])) === '[[null,"green"],[0.5,"red"]]',
        `thresholds are ${JSON.stringify(config.defaults.thresholds)}`,
      );
      check(config.defaults.mappings?.[0]?.options?.['1']?.text === 'yes', `mappings are ${JSON.stringify(config.defaults.mappings)}`);
      check(
        JSON.stringify(config.overrides) === '[{"matcher":{"id":"byName","options":"pharos"},"properties":[{"id":"decimals","value":2}]}]',
        `overrides are ${JSON.stringify(config.overrides)}`,
      );
      check(JSON.stringify(steps) === '[{"id":"limit","options":{"limitField":5}}]', `transformations are ${JSON.stringify(steps)}`);
      check(config.defaults.unit === 's', `the unit is ${config.defaults.unit}`);
      await sound({ page, problems }, 'options');
      await close();
    },
    async 'every type is drawn, as a table too, and what was there comes back'() {
      await keep();
      const { page, problems, close } = await open();
      await edit(page, 4);
      for (const kind of [
        'Stat',
        'Gauge',
        'Bar gauge',
        'Table',
        'Bar chart',
        'Pie chart',
        'Heatmap',
        'Histogram',
        'State timeline',
        'Status history',
        'Alert list',
        'Dashboard list',
        'Annotation list',
        'Text',
      ]) {
        await page.locator('.pe-top [popovertarget]').click();
        await page.locator('.pe-kinds button', { has: page.locator('b', { hasText: new RegExp(`^${kind}$`) }) }).click();
        await settled(page);
        check(
          (await page.locator('.pe-preview .bad').count()) === 0,
          `${kind}: ${await page.locator('.pe-preview .bad').allTextContents()}`,
        );
        check((await page.locator('.pe [role=tab]').count()) >= 2, `${kind} has no options`);
        for (const one of await page.locator('.pe [role=tab]').all()) {
          await one.click();
          await until(async () => (await page.locator('.pe .ed-tab').textContent()) !== '', `${kind}: a tab is empty`);
        }
      }
      await page.locator('.pe-top [popovertarget]').click();
      await page.locator('.pe-kinds button').first().click();
      await page.getByLabel('As a table').check();
      await page.waitForSelector('.pe-preview table');
      const discard = page.getByRole('button', { name: 'Discard changes' });
      await until(() => discard.isDisabled(), 'going through all types changed something');
      await tab(page, 'look');
      await page.getByLabel('Without a background').check();
      await discard.click();
      await settled(page);
      await until(() => discard.isDisabled(), 'changes are still there');
      await page.locator('.pe-top').click({ position: { x: 700, y: 4 } });
      await page.keyboard.press('Escape');
      await page.waitForSelector('.pe', { state: 'detached' });
      check(new URL(page.url()).searchParams.get('edit') === '1', `it goes back to ${page.url()}`);
      await page.goBack();
      await page.waitForSelector('.pe');
      await page.goForward();
      await page.waitForSelector('.pe', { state: 'detached' });
      await sound({ page, problems }, 'types');
      await close();
    },
    async 'it can be used by everybody, in both themes, narrow, and right to left'() {
      await keep();
      for (const [theme, lang, size] of [
        ['dark', 'en', { width: 1440, height: 900 }],
        ['light', 'en', { width: 1024, height: 768 }],
        ['dark', 'ar', { width: 1440, height: 900 }],
      ]) {
        const { page, problems, close } = await open({ theme, size, cookies: { lang } });
        await edit(page, 4);
        for (const id of ['query', 'transform', 'look', 'thresholds', 'overrides', 'links']) {
          await tab(page, id);
          if (id === 'overrides') await page.locator('.pe-overrides > .ed-add').click();
          if (id === 'thresholds') await page.locator('.ed-tab .ed-add').last().click();
          await settled(page);
          await accessible(page, `${lang} ${theme} ${id}`);
          check(
            await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
            `${id} at ${size.width} is wider than the window`,
          );
          await picture(page, `edit-panel-${id}-${lang}-${theme}-${size.width}`);
        }
        await edit(page, 5);
        await accessible(page, `${lang} ${theme} text`);
        await sound({ page, problems }, `${lang} ${theme}`);
        await close();
      }
    },
  },
  3,
);
