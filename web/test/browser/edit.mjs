// Dashboards that are made and changed in place: from nothing, by hand and by keys, rows, steps back, saving, meeting somebody else.
import { PHONE, accessible, base, check, fail, open, picture, quiet, run, sound, until } from './harness.mjs';

const ready = (page) => page.waitForSelector('#bd-edit[data-ready]', { state: 'attached' });
const place = (page, id) =>
  page.locator(`#gp-${id}`).evaluate((el) => ['--x', '--y', '--w', '--h'].map((name) => el.style.getPropertyValue(name).trim()).join(','));
/** Waits until a panel stands somewhere: column, line, columns, lines. */
const stands = (page, id, where, what) =>
  page
    .waitForFunction(
      ([name, place]) => {
        const el = document.getElementById(name);
        return el && ['--x', '--y', '--w', '--h'].map((one) => el.style.getPropertyValue(one).trim()).join() === place;
      },
      [`gp-${id}`, where],
    )
    .catch(async () => fail(`${what}: ${id} stands at ${await place(page, id)}, not at ${where}`));
/** A dashboard as it is kept. */
const kept = async (uid) => await (await fetch(`${base}/api/dashboards/uid/${uid}`)).json();
const clean = (page) => page.waitForFunction(() => document.querySelector('.eg-state')?.textContent === '');
const dirty = (page) => page.waitForFunction(() => document.querySelector('.eg-state')?.textContent !== '');
const saved = async (page) => {
  await page.waitForSelector('.eg-save', { state: 'detached' });
  await clean(page);
};
const bar = (page, words) => page.locator('.eg-bar').getByText(words, { exact: true });
/** What was asked for is on the page. */
const calm = (page) => quiet(page);
/** Entries of a panel's menu, opened when nothing comes that would close it. */
async function menu(page, id, what) {
  await calm(page);
  await page.locator(`#gp-${id}`).hover();
  await page.locator(`#gp-${id} [data-menu]`).click();
  await page.locator(`#gm [data-ed=${what}]`).click();
}
const text = (id, x, y, w, h, title = `Text ${id}`) => ({
  id,
  type: 'text',
  title,
  gridPos: { x, y, w, h },
  options: { mode: 'markdown', content: `I am ${title}.` },
});
const row = (id, y, title) => ({ id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
/** Keeps a dashboard as the API does. */
async function keep(uid, panels, more = {}) {
  const answer = await fetch(`${base}/api/dashboards/db`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dashboard: { uid, title: `Edit ${uid}`, schemaVersion: 42, panels, ...more }, overwrite: true }),
  });
  if (!answer.ok) throw new Error(`${uid} is not kept: ${await answer.text()}`);
  return (await answer.json()).version;
}
async function begin(page, uid) {
  await page.goto(`${base}/d/${uid}/x?edit=1`, { waitUntil: 'load' });
  await ready(page);
  await calm(page);
}
/** Chromium reports page transitions that it gives up; a 412 is told by the browser as well. */
const conflicts = (problems) => problems.filter((one) => !/412/.test(one));

await run(
  {
    async 'a dashboard is made from nothing, saved and there again'() {
      const tab = await open(),
        { page, problems } = tab;
      await page.goto(`${base}/d/new`, { waitUntil: 'load' });
      await ready(page);
      await page.waitForSelector('text=Add your first panel');
      await sound(tab, 'new dashboard');
      await accessible(page, 'new dashboard');
      await picture(page, 'edit-new');
      await page.locator('.eg-first').getByText('Text', { exact: true }).click();
      await page.waitForFunction(() => location.search.includes('edit=panel-1'));
      await page.goBack();
      await page.waitForFunction(() => !location.search.includes('panel-'));
      await page.waitForSelector('#gp-1:visible');
      await bar(page, 'Add').click();
      await accessible(page, 'the menu of panels');
      await page.locator('#eg-add').getByText('Time series', { exact: true }).click();
      await page.waitForFunction(() => location.search.includes('edit=panel-2'));
      await page.goBack();
      await page.waitForSelector('#gp-2:visible');
      await bar(page, 'Add').click();
      await page.locator('#eg-add').getByText('Row', { exact: true }).click();
      await page.waitForSelector('#gp-3 .eg-tools');
      await stands(page, 1, '1,1,8,4', 'new panels');
      await stands(page, 2, '9,1,12,8', 'new panels');
      await page.keyboard.press('Control+s');
      await page.fill('.eg-save input', 'Made from nothing');
      await accessible(page, 'saving');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/d\/[a-z0-9]{14}\/made-from-nothing/);
      await ready(page);
      const uid = page.url().split('/')[4],
        { dashboard } = await kept(uid);
      check(
        JSON.stringify(dashboard.panels.map((one) => [one.id, one.type])) === '[[1,"text"],[2,"timeseries"],[3,"row"]]',
        JSON.stringify(dashboard.panels),
      );
      await page.reload();
      await ready(page);
      await bar(page, 'Done').click();
      await page.waitForFunction(() => !document.querySelector('.eg-bar') && !location.search.includes('edit'));
      check((await page.locator('.gp').count()) === 2, 'the saved panels are not there');
      check(problems.length === 0, problems.join('; '));
      await tab.close();
    },
    async 'panels are dragged and sized, undone and kept'() {
      for (const lang of ['en', 'ar']) {
        const uid = `edit-drag-${lang}`,
          way = lang === 'ar' ? -1 : 1;
        await keep(uid, [text(1, 0, 0, 12, 6), text(2, 12, 0, 12, 6), text(3, 0, 6, 24, 4), row(4, 10, 'Below'), text(5, 0, 11, 12, 4)]);
        const tab = await open({ cookies: { lang } }),
          { page, problems } = tab;
        await begin(page, uid);
        const column = (await page.locator('#bd-grid').evaluate((el) => el.clientWidth + 12)) / 24;
        const drag = async (id, x, y) => {
          const at = await page.locator(`#gp-${id} > header`).boundingBox(),
            from = [at.x + at.width / 2, at.y + 12];
          await page.mouse.move(...from);
          await page.mouse.down();
          await page.mouse.move(from[0] + (x * column * way) / 2, from[1] + y * 19, { steps: 4 });
          await page.mouse.move(from[0] + x * column * way, from[1] + y * 38, { steps: 4 });
          await picture(page, `edit-drag-${lang}`);
          await page.mouse.up();
        };
        await drag(1, 12, 0);
        await stands(page, 1, '13,1,12,6', `${lang}: alike panels swap`);
        await stands(page, 2, '1,1,12,6', `${lang}: alike panels swap`);
        await dirty(page);
        await calm(page);
        await stands(page, 1, '13,1,12,6', `${lang}: the server puts it to`);
        check(!page.url().includes('panel-'), `${lang}: a drag opened the editor of the panel`);
        await drag(3, 0, -5);
        await stands(page, 3, '1,1,24,4', `${lang}: it does not go up`);
        await calm(page);
        const box = await page.locator('#gp-2').boundingBox(),
          corner = [lang === 'ar' ? box.x + 6 : box.x + box.width - 6, box.y + box.height - 6];
        await page.mouse.move(...corner);
        await page.mouse.down();
        await page.mouse.move(corner[0] - 4 * column * way, corner[1] + 3 * 38, { steps: 6 });
        await page.mouse.up();
        await stands(page, 2, '1,5,8,9', `${lang}: it is not sized`);
        await calm(page);
        await page.keyboard.press('Control+z');
        await calm(page);
        await stands(page, 2, '1,5,12,6', `${lang}: sizing is not undone`);
        await page.keyboard.press('Control+Shift+z');
        await calm(page);
        await stands(page, 2, '1,5,8,9', `${lang}: sizing is not done again`);
        // One drag after the other, faster than the server answers.
        await drag(5, 6, 0);
        await drag(5, -6, 0);
        await stands(page, 5, '1,15,12,4', `${lang}: two drags after each other`);
        check((await page.locator('.eg-ghost, .eg-lift').count()) === 0, `${lang}: a drag did not end`);
        await sound(tab, `moved ${lang}`);
        await accessible(page, `moved ${lang}`);
        await page.keyboard.press('Control+s');
        await page.locator('.eg-save .btn.p').click();
        await saved(page);
        const places = Object.fromEntries(
          (await kept(uid)).dashboard.panels.map((one) => [one.id, ['x', 'y', 'w', 'h'].map((name) => one.gridPos[name]).join()]),
        );
        check(
          JSON.stringify(places) === JSON.stringify({ 1: '12,4,12,6', 2: '0,4,8,9', 3: '0,0,24,4', 4: '0,13,24,1', 5: '0,14,12,4' }),
          `${lang}: kept are ${JSON.stringify(places)}`,
        );
        await page.keyboard.press('Escape');
        await page.waitForFunction(() => !document.querySelector('.eg-bar'));
        await stands(page, 2, '1,5,8,9', `${lang}: readers see it at`);
        check(problems.length === 0, problems.join('; '));
        await tab.close();
      }
    },
    async 'by keys: moving, sizing, and where it stands is said'() {
      await keep('edit-keys', [text(1, 0, 0, 12, 6), text(2, 12, 0, 12, 6), row(3, 6, 'Row'), text(4, 0, 7, 12, 4)]);
      const { page, problems, close } = await open();
      await page.goto(`${base}/d/edit-keys/x`, { waitUntil: 'load' });
      await page.waitForSelector('ph-board:defined .gp[data-ready]');
      await calm(page);
      await page.keyboard.press('e');
      await ready(page);
      await calm(page);
      await page.locator('#gp-1').focus();
      await page.locator('#gp-1 [data-menu]').press('Enter');
      await page.locator('#gm:popover-open [data-ed=move]').press('Enter');
      const said = () => page.locator('#bd-edit [aria-live]').textContent();
      await until(
        async () => /Arrow keys move the panel.*Column 1, line 1; 12 columns wide, 6 lines high/.test(await said()),
        'how to move is not said',
      );
      await page.keyboard.press('Shift+ArrowLeft');
      await page.keyboard.press('Shift+ArrowUp');
      await page.keyboard.press('ArrowRight');
      await until(async () => (await said()) === 'Column 2, line 1; 11 columns wide, 5 lines high', said);
      await page.keyboard.press('Escape');
      await stands(page, 1, '1,1,12,6', 'Escape brings it back');
      await page.locator('#gp-1 [data-menu]').press('Enter');
      await page.locator('#gm:popover-open [data-ed=move]').press('Enter');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await dirty(page);
      await calm(page);
      await stands(page, 1, '1,8,12,6', `below the row it stands at`);
      await page.locator('#gp-3 [data-row=move]').press('Enter');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      await calm(page);
      await page.keyboard.press('Control+z');
      await calm(page);
      await page.locator('#gp-4').focus();
      await page.keyboard.press('e');
      await page.waitForFunction(() => location.search.includes('edit=panel-4'));
      check(problems.length === 0, problems.join('; '));
      await close();
    },
    async 'copies, removing, rows with and without their panels'() {
      await keep('edit-rows', [
        text(1, 0, 0, 6, 4),
        row(2, 4, 'First'),
        text(3, 0, 5, 12, 4),
        text(4, 12, 5, 12, 4),
        row(5, 9, 'Second'),
        text(6, 0, 10, 12, 4),
      ]);
      const tab = await open(),
        { page, problems } = tab;
      await begin(page, 'edit-rows');
      await menu(page, 1, 'duplicate');
      await page.waitForSelector('#gp-7');
      await stands(page, 7, '7,1,6,4', `the copy stands at`);
      await menu(page, 1, 'copy');
      await bar(page, 'Add').click();
      await page.locator('#eg-add').getByText('Paste “Text 1”').click();
      await page.waitForSelector('#gp-8');
      await menu(page, 8, 'remove');
      await page.waitForSelector('#gp-8', { state: 'detached' });
      await page.locator('#gp-2 > a').click();
      await page.waitForSelector('#gp-3', { state: 'detached' });
      await page.waitForFunction(() => document.querySelector('#gp-2 a').getAttribute('aria-expanded') === 'false');
      await page.locator('#gp-2 > a').click();
      await page.waitForSelector('#gp-3');
      await page.locator('#gp-5 > a').click();
      await page.waitForSelector('#gp-6', { state: 'detached' });
      // A panel is dropped into the closed row, and comes back by a step back.
      const held = await page.locator('#gp-4 > header').boundingBox();
      await page.mouse.move(held.x + 60, held.y + 10);
      await page.mouse.down();
      for (let y = held.y + 20; y < held.y + 400 && !(await page.locator('#gp-5.eg-into').count()); y += 6)
        await page.mouse.move(held.x + 60, y);
      await page.mouse.up();
      await page.waitForSelector('#gp-4', { state: 'detached' });
      await until(
        async () => /2/.test(await page.locator('#gp-5 small').textContent()),
        'the closed row does not count the panel that went in',
      );
      await page.keyboard.press('Control+z');
      await page.waitForSelector('#gp-4:visible');
      await calm(page);
      await page.locator('#gp-5 [data-row=add]').click();
      check((await page.locator('#eg-add [data-whole]:visible').count()) === 0, 'rows are offered in rows');
      await page.locator('#eg-add').getByText('Stat', { exact: true }).click();
      await page.waitForFunction(() => location.search.includes('edit=panel-'));
      await page.goBack();
      await page.waitForSelector('#gp-6:visible');
      await calm(page);
      await page.keyboard.press('Control+z');
      await calm(page);
      await page.keyboard.press('Control+z');
      await page.waitForSelector('#gp-6:visible');
      await page.locator('#gp-2 [data-row=edit]').click();
      await page.fill('.eg-row input', 'Named');
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => document.querySelector('#gp-2 h2').textContent === 'Named');
      await page.locator('#gp-2 [data-row=remove]').click();
      await page.locator('dialog.ask').getByText('The row and its panels').click();
      await page.waitForSelector('#gp-3', { state: 'detached' });
      await page.locator('#gp-5 [data-row=remove]').click();
      await page.locator('dialog.ask').getByText('Only the row').click();
      await page.waitForSelector('#gp-5', { state: 'detached' });
      await calm(page);
      check((await page.locator('#gp-6').count()) === 1 && (await page.locator('.gp').count()) === 3, 'the panel of a removed row is gone');
      for (let step = 0; step < 3; step++) {
        await page.keyboard.press('Control+z');
        await calm(page);
      }
      await page.waitForFunction(() => document.querySelector('#gp-2 h2')?.textContent === 'First' && document.querySelector('#gp-3'));
      await sound(tab, 'rows');
      await accessible(page, 'rows');
      await picture(page, 'edit-rows');
      check(problems.length === 0, problems.join('; '));
      await tab.close();
    },
    async 'two people meet: neither is overwritten unseen'() {
      await keep('edit-two', [text(1, 0, 0, 12, 6)]);
      const { page, problems, close } = await open();
      await begin(page, 'edit-two');
      await menu(page, 1, 'duplicate');
      await page.waitForSelector('#gp-2');
      const theirs = await keep('edit-two', [text(1, 0, 0, 12, 6), text(9, 12, 0, 12, 6, 'Theirs')]);
      await page.keyboard.press('Control+s');
      await until(
        async () => (await page.locator('.eg-save .eg-list').textContent()).includes('Panels added: “Text 1”'),
        'what was changed is not listed',
      );
      await page.locator('.eg-save .btn.p').click();
      await page.waitForSelector('text=Somebody else saved this dashboard');
      check((await page.locator('.eg-save').textContent()).includes(`Version ${theirs} was saved by`), 'the newer version is not named');
      check(
        (await kept('edit-two')).dashboard.panels.some((one) => one.id === 9),
        'theirs was overwritten',
      );
      await accessible(page, 'meeting somebody');
      await picture(page, 'edit-two');
      await page.locator('.eg-save').getByText('Keep editing').click();
      // And once more somebody saves while it is being decided.
      await page.keyboard.press('Control+s');
      await page.locator('.eg-save .btn.p').click();
      await page.waitForSelector('text=Somebody else saved this dashboard');
      await keep('edit-two', [text(1, 0, 0, 12, 6), text(9, 12, 0, 12, 6, 'Theirs again')]);
      await page.locator('.eg-save').getByText('Save over it').click();
      await page.waitForFunction((version) => document.querySelector('.eg-save')?.textContent.includes(`Version ${version}`), theirs + 1);
      await page.locator('.eg-save').getByText('Save over it').click();
      await saved(page);
      const mine = (await kept('edit-two')).dashboard;
      check(
        mine.version === theirs + 2 && mine.panels.every((one) => one.id !== 9) && mine.panels.length === 2,
        `kept is ${JSON.stringify(mine.panels.map((one) => one.id))}`,
      );
      await page.locator('#gp-1').hover();
      await menu(page, 1, 'remove');
      await dirty(page);
      await page.keyboard.press('Control+s');
      await page.locator('.eg-save').getByText('Save as a copy').click();
      await page.locator('.eg-save .btn.p').click();
      await page.waitForURL(/edit-edit-two-copy/);
      check((await kept('edit-two')).dashboard.panels.length === 2, 'the first one was changed by the copy');
      check(conflicts(problems).length === 0, conflicts(problems).join('; '));
      await close();
    },
    async 'what is not saved is not lost by leaving'() {
      await keep('edit-leave', [text(1, 0, 0, 12, 6)]);
      const { page, problems, close } = await open();
      await page.goto(`${base}/d/edit-leave/x`, { waitUntil: 'load' });
      await page.locator('[data-edit-begin]').click();
      await ready(page);
      await calm(page);
      await menu(page, 1, 'duplicate');
      await dirty(page);
      await page.locator('.side a[href="/logs"]').click();
      await page.locator('dialog.ask').getByText('Keep editing').click();
      check(page.url().includes('edit=1'), 'it was left');
      await page.goBack();
      await page.waitForSelector('dialog.ask');
      check(page.url().includes('edit=1') && (await page.locator('#gp-2').count()) === 1, 'Back lost what was changed');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.waitForTimeout(200);
      check(page.url().includes('edit=1'), 'Escape left what was not saved');
      await bar(page, 'Discard').click();
      await page.locator('dialog.ask').getByText('Throw away', { exact: true }).click();
      await page.waitForFunction(() => !document.querySelector('.eg-bar') && document.querySelectorAll('.gp').length === 1);
      await page.locator('[data-edit-begin]').click();
      await ready(page);
      await page.locator('.side a[href="/logs"]').click();
      await page.waitForURL(/\/logs/);
      check(problems.length === 0, problems.join('; '));
      await close();
    },
    async 'the JSON is looked at, mistakes are shown where they are, and it is one step'() {
      await keep('edit-json', [text(1, 0, 0, 12, 6), { id: 2, type: 'geomap', title: 'Map', gridPos: { x: 12, y: 0, w: 12, h: 6 } }]);
      const tab = await open(),
        { page, problems } = tab;
      await begin(page, 'edit-json');
      await bar(page, 'JSON').click();
      await page.waitForSelector('.eg-json .cm-content');
      await page.locator('.eg-json').getByText('Check', { exact: true }).click();
      await page.waitForSelector('.eg-json .eg-list li:has-text("geomap")');
      await sound(tab, 'JSON');
      await accessible(page, 'JSON');
      await picture(page, 'edit-json');
      const write = async (json) => {
        await page.locator('.eg-json .cm-content').click();
        await page.keyboard.press('Control+a');
        await page.keyboard.insertText(json);
      };
      await write('{\n  "title": "x",\n  "panels": [ }\n');
      await page.locator('.eg-json').getByText('Apply', { exact: true }).click();
      await page.waitForSelector('.eg-json [role=alert]:has-text("Line 3, column 15")');
      await write(JSON.stringify({ title: 'By hand', panels: [text(7, 0, 0, 24, 5)] }));
      await page.locator('.eg-json').getByText('Apply', { exact: true }).click();
      await page.waitForSelector('#gp-7');
      await until(async () => (await page.locator('.crumb bdi').textContent()) === 'By hand', 'the title is not shown');
      await page.keyboard.press('Control+z');
      await page.waitForSelector('#gp-1');
      await clean(page);
      check(problems.length === 0, problems.join('; '));
      await tab.close();
    },
    async 'a ready-made one is changed and kept; light, and in Arabic'() {
      for (const [theme, lang] of [
        ['light', 'en'],
        ['dark', 'ar'],
      ]) {
        const tab = await open({ theme, cookies: { lang } }),
          name = `ready-made ${theme} ${lang}`;
        await tab.page.goto(`${base}/d/pharos-node/x?edit=1&from=now-15m&refresh=off`, { waitUntil: 'load' });
        await ready(tab.page);
        await calm(tab.page);
        await sound(tab, name);
        await accessible(tab.page, name);
        await picture(tab.page, `edit-${name.replaceAll(' ', '-')}`);
        await tab.page.locator('.eg-bar button').first().click();
        await picture(tab.page, `edit-menu-${lang}`);
        await tab.close();
      }
    },
    async 'variables, annotations and links are set'() {
      const graph = {
        id: 1,
        type: 'timeseries',
        title: 'CPU of $host',
        gridPos: { x: 0, y: 0, w: 12, h: 8 },
        repeat: 'host',
        targets: [{ refId: 'A', expr: 'node_load1{instance=~"$host"}' }],
      };
      await keep('edit-settings', [graph, text(2, 12, 0, 12, 8)], {
        templating: {
          list: [
            { type: 'custom', name: 'host', query: 'a,b', current: { text: 'a', value: 'a' } },
            { type: 'textbox', name: 'idle', query: '' },
          ],
        },
        annotations: {
          list: [
            {
              name: 'Deploys',
              enable: true,
              datasource: { type: 'grafana', uid: '-- Grafana --' },
              target: { type: 'tags', tags: ['deploy'] },
            },
          ],
        },
      });
      const tab = await open(),
        { page, problems } = tab,
        json = (f) => page.evaluate(`(${f})(document.querySelector('ph-board').draft.json)`);
      const part = (name) => page.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
      await begin(page, 'edit-settings');
      await bar(page, 'Settings').click();
      await page.getByLabel('Title', { exact: true }).waitFor();
      await accessible(page, 'general settings');
      await page.getByLabel('Title', { exact: true }).fill('Settings of mine');
      await page.getByLabel('Tags', { exact: true }).fill('one, two');
      await page.keyboard.press('Enter');
      await until(async () => (await json('(b) => b.title + b.tags.join()')) === 'Settings of mineone,two', 'title and tags are not set');
      await part('Variables');
      check(
        /not used/.test(await page.locator('.es-row', { hasText: 'idle' }).textContent()),
        'a variable that nothing uses is not marked',
      );
      await accessible(page, 'variables');
      await page.locator('.es-row').first().click();
      await page.getByLabel('Name', { exact: true }).fill('machine');
      await page.keyboard.press('Enter');
      await until(
        async () =>
          (await json('(b) => [b.panels[0].title, b.panels[0].repeat, b.panels[0].targets[0].expr].join()')) ===
          'CPU of $machine,machine,node_load1{instance=~"$machine"}',
        'the new name is not everywhere',
      );
      await page.getByLabel('Kind', { exact: true }).selectOption('query');
      await page.getByRole('combobox', { name: 'Which label' }).click();
      await page.getByRole('option', { name: 'instance', exact: true }).click();
      await page.locator('.es-values .chip').first().click();
      await accessible(page, 'a variable');
      await picture(page, 'edit-variable');
      const made = () => json('(b) => b.templating.list[0]');
      await until(
        async () => {
          const { query, definition, current } = await made();
          return (
            query.query === 'label_values(instance)' && query.qryType === 1 && definition === 'label_values(instance)' && current.value
          );
        },
        async () => JSON.stringify(await made()),
      );
      await page.getByRole('button', { name: 'Remove', exact: true }).click();
      await page.waitForSelector('dialog:has-text("$machine is used by 1 panel")');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'All of them' }).click();
      await until(() => page.evaluate(() => document.activeElement?.classList.contains('es-row')), 'the focus is lost behind a form');
      await part('Annotations');
      await page.getByRole('button', { name: 'Add annotations' }).click();
      await page.getByLabel('Where they come from', { exact: true }).selectOption('alerts');
      await page.getByRole('button', { name: 'only these' }).click();
      await page.locator('.es-values .chip').first().click();
      await accessible(page, 'annotations');
      await until(
        async () =>
          (await json('(b) => JSON.stringify([b.annotations.list[1].target.expr, b.annotations.list[1].filter])')) ===
          '["ALERTS{alertstate=\\"firing\\"}",{"exclude":false,"ids":[1]}]',
        () => json('(b) => JSON.stringify(b.annotations)'),
      );
      await part('Links');
      await page.getByRole('button', { name: 'Add a link' }).click();
      await page.getByLabel('Title', { exact: true }).fill('Elsewhere');
      await page.getByRole('button', { name: 'An address' }).click();
      await page.getByLabel('Address', { exact: true }).fill('javascript:alert(1)');
      await page.waitForSelector('text=An address begins with https://');
      await page.getByLabel('Address', { exact: true }).fill('/d/pharos-host');
      await accessible(page, 'links');
      await page.getByRole('button', { name: 'Done' }).click();
      await page.waitForSelector('.bd-bar :text("Elsewhere")');
      await page.locator('.bd-bar .chip.mark', { hasText: 'Deploys' }).first().waitFor();
      await page.keyboard.press('Control+s');
      await page.locator('.eg-save input').first().press('Enter');
      await saved(page);
      const { dashboard } = await kept('edit-settings');
      check(
        dashboard.title === 'Settings of mine' &&
          dashboard.links.length === 1 &&
          dashboard.annotations.list.length === 2 &&
          dashboard.templating.list[0].name === 'machine',
        JSON.stringify(dashboard),
      );
      check(problems.length === 0, problems.join('; '));
      await tab.close();
    },
    async 'phones are told that there is no room'() {
      const { page, problems, close } = await open({ size: PHONE });
      await page.goto(`${base}/d/pharos-host/x?edit=1`, { waitUntil: 'load' });
      await page.waitForSelector('.toast.bad:has-text("wider screens")');
      await page.waitForFunction(() => !location.search.includes('edit'));
      check(problems.length === 0, problems.join('; '));
      await close();
    },
  },
  3,
);
