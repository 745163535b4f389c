// Checks: a person types an address, sees it watched, sees why it falls, and that it comes back.
import { createServer } from 'node:http';
import { PATIENCE_MS, PHONE, accessible, check, open, picture, run, settled, sleep, sound, until, visit } from './harness.mjs';

/** A page whose status can be chosen. */
async function shop() {
  const state = { status: 200 };
  const server = createServer((_, res) => {
    res.writeHead(state.status, { 'content-type': 'text/plain' });
    res.end('Welcome to the shop');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { state, url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
const says = (page, selector, words) =>
  page.waitForFunction(([s, w]) => document.querySelector(s)?.textContent.includes(w), [selector, words]);

async function watch() {
  const target = await shop();
  const tab = await open(),
    { page } = tab;
  await visit(page, '/uptime');
  await sound(tab, 'uptime: nothing yet');
  await accessible(page, 'uptime: nothing yet');
  // Type an address, press Watch: it is a check, and up within seconds.
  await page.locator('.uc-quick input[name="http.url"]').fill(target.url);
  await page.locator('.uc-quick button').click();
  await page.waitForURL(/\/uptime\/\d+\?done=made/);
  await says(page, '#uc-state', 'Up for');
  await says(page, '#uc-found', 'Waiting for the answer');

  // Probed every five seconds, which is as long as an answer may take, and taken at its word, by its form.
  await page.locator('a', { hasText: 'Edit' }).first().click();
  await page.waitForURL(/\/edit$/);
  await settled(page);
  await page.locator('[name="interval"]').fill('5s');
  await page.locator('.uc-more > summary').click();
  await page.locator('[name="retries"]').fill('0');
  await page.locator('[name="http.contains"]').fill('Welcome');
  await says(page, '#tried', 'up');
  await page.locator('[name="http.status"]').fill('20');
  await says(page, '[data-err="http.status"]', 'expected such as 200');
  await picture(page, 'uptime-form-wrong');
  await page.locator('[name="http.status"]').fill('');
  await says(page, '#tried', 'up');
  await picture(page, 'uptime-form-tried');
  await accessible(page, 'uptime: the form');
  await page.locator('button', { hasText: 'Save' }).click();
  await page.waitForURL(/\/uptime\/\d+\?done=saved/);

  // It breaks, and the page says why; the list has it first, with its bar.
  target.state.status = 503;
  await says(page, '#uc-state', 'Down for');
  await says(page, '#uc-state', '503');
  await says(page, '#uc-incidents', '503');
  await picture(page, 'uptime-down');
  await sound(tab, 'uptime: down');
  await page.locator('.crumb a').click();
  await page.waitForURL(/\/uptime$/);
  await until(async () => (await page.locator('.uc-row.crit .uc-why').textContent()).includes('503'), 'the list says why');
  await page.waitForFunction(() => document.querySelector('.uc-row .uc-bars :is(.d, .w)'));
  await says(page, '.uc-say', '1 check needs attention.');
  await picture(page, 'uptime-list-down');

  // Everybody tells the same story: the alert, the incident, the page for customers.
  const id = Number(
    await page
      .locator('.uc-row .w a')
      .first()
      .getAttribute('href')
      .then((href) => href.match(/\d+/)[0]),
  );
  const name = await page.locator('.uc-row .w a').first().textContent();
  const written = { title: 'Shop', slug: 'shop', sections: [{ checks: [name.trim()] }] };
  const made = await fetch(`${process.argv[2]}/api/v1/status-pages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(written),
  });
  check(made.ok, `a status page of check ${id}: ${await made.text()}`);
  const customer = await open({ javaScriptEnabled: false });
  const read = async (words) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(500)) {
      await customer.page.goto(`${process.argv[2]}/status/shop`);
      if ((await customer.page.locator('h1').textContent()).includes(words)) return;
    }
    check(false, `the status page does not say ${words}`);
  };
  await read('Everything is down');
  await picture(customer.page, 'status-page-down');
  const told = await open();
  await visit(told.page, '/alerts');
  await says(told.page, 'main', 'CheckDown');
  await visit(told.page, '/uptime/incidents');
  await says(told.page, 'main', '503');
  await told.page.locator('a[href^="/uptime/incidents/"]').first().click();
  await says(told.page, '#incident', 'goes on');
  await sound(told, 'an incident');
  await told.close();

  target.state.status = 200;
  await says(page, '.uc-row .tag', 'up');
  await says(page, '.uc-say', 'The one check is up.');
  await page.locator('.uc-row .w a').first().click();
  await says(page, '#uc-state', 'Up for');
  check((await page.locator('#uc-incidents li').count()) === 1, 'the incident stays on record');
  check((await page.locator('#uc-figures tbody tr').first().innerText()).includes('1'), 'and in the figures');
  await sound(tab, 'uptime: up again');
  await read('Everything works');
  // That of today, or of yesterday where it fell before midnight.
  check((await customer.page.locator('.bars i[title*="down"]').count()) > 0, 'its bar remembers');
  await customer.close();
  await tab.close();
  target.close();
}

async function many() {
  const tab = await open({ size: PHONE }),
    { page } = tab;
  await visit(page, '/uptime/import');
  const file = `checks:\n${Array.from({ length: 60 }, (_, n) => `  - {name: Port ${n}, interval: 1h, labels: {row: r${n % 3}}, tcp: {address: '127.0.0.1:1'}}\n`).join('')}`;
  await page.locator('textarea[name=text]').fill(file);
  await page.locator('button[value=look]').click();
  await page.locator('button[value=save]', { hasText: 'Bring in 60 checks' }).click();
  await page.waitForURL(/done=brought-60/);
  await sound(tab, 'uptime: many');
  await accessible(page, 'uptime: many');
  await picture(page, 'uptime-many-390');
  // Chosen ones are paused together, others deleted after a question.
  await visit(page, '/uptime?text=port&label=row%3Dr1');
  check((await page.locator('.uc-row').count()) === 20, 'a label narrows the list');
  // By their names: those that fall meanwhile go to the front.
  const pick = (n) => page.getByRole('checkbox', { name: `Choose Port ${n}`, exact: true }).check();
  for (const n of [1, 4]) await pick(n);
  await page.locator('#acts button[value=pause]').click();
  await page.waitForURL(/done=paused-2/);
  await until(
    async () => (await page.locator('.notice').allTextContents()).some((text) => text.includes('2 checks are paused.')),
    'it is said',
  );
  await pick(7);
  await page.locator('#acts button[value=delete]').click();
  await page.locator('#doomed button[value=delete]').click();
  await page.waitForURL(/done=deleted-1/);
  await sound(tab, 'uptime: one fewer');
  // All that match, also those on another page: counted in words, without script.
  await visit(page, '/uptime?text=port');
  check((await page.locator('.uc-row').count()) === 50, 'there is another page');
  await page.locator('.uc-pick input').first().check();
  check(
    await page.evaluate(() => getComputedStyle(document.querySelector('.uc-some'), '::after').content.includes('counter')),
    'what is chosen is counted',
  );
  await page.locator('.uc-every input').check();
  await until(
    async () => (await page.locator('.uc-whole').innerText()) === 'All 59 checks are chosen',
    () => page.locator('.uc-whole').innerText(),
  );
  await page.locator('.uc-change summary').click();
  await picture(page, 'uptime-all-390');
  await accessible(page, 'uptime: all are chosen');
  await page.locator('.uc-change [name=retries]').fill('5');
  await page.locator('.uc-change button[value=retries]').click();
  await page.waitForURL(/done=changed-59/);
  await page.locator('.uc-every input').check();
  await page.locator('#acts button[value=maintain]').click();
  await page.waitForSelector('[name="title"]');
  await until(async () => (await page.locator('.mt-boxes :checked').count()) === 59, 'all of them are in the form of maintenance');
  await page.goto(`${process.argv[2]}/uptime?text=port`);
  await page.locator('.uc-every input').check();
  await page.locator('#acts button[value=delete]').click();
  await until(async () => (await page.locator('#doomed h2').textContent()).includes('Delete 59 checks for good?'), 'it is asked first');
  await page.locator('#doomed button[value=delete]').click();
  await page.waitForURL(/done=deleted-59/);
  await sound(tab, 'uptime: none of them');
  await tab.close();
}

/** A status page is drawn beside its form; drafts, templates and other words of what was told. */
async function told() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/uptime/status-pages/edit');
  const frame = page.frameLocator('.sp-live iframe');
  await page.locator('#sp-form [name=title]').fill('Beside');
  await frame.locator('text=Beside').first().waitFor();
  check(
    await page.evaluate(() => document.querySelector('.sp-live iframe').sandbox.value === 'allow-same-origin'),
    'no script runs in the preview',
  );
  await frame.locator('h1').waitFor();
  await until(
    () => page.evaluate(() => document.querySelector('.sp-live iframe').contentDocument.styleSheets.length > 0),
    'the preview has its style',
  );
  await page.locator('#sp-form [name=accent]').fill('red');
  await says(page, '.sp-wrong', 'accent');
  await page.locator('#sp-form [name=accent]').fill('#2a5fd0');
  await page.waitForFunction(() => document.querySelector('.sp-wrong').textContent === '');
  await picture(page, 'status-page-beside');
  await sound(tab, 'status page: beside its form');
  await accessible(page, 'status page: beside its form');
  await page.locator('#sp-form button', { hasText: 'Save' }).click();
  await page.waitForURL(/done=saved/);

  await visit(page, '/uptime/status-pages/posts?slug=beside');
  await page.locator('#form [name=title]').fill('We move');
  await page.locator('#form [name=words]').selectOption({ label: 'Slower than usual' });
  await page.locator('button[value=fill]').click();
  await until(
    async () => (await page.locator('#form [name=text]').inputValue()).startsWith('It is slower than usual'),
    'the template is in the form',
  );
  check((await page.locator('#form [name=title]').inputValue()) === 'We move', 'and what was there');
  await page.locator('button[value=keep]').click();
  await page.waitForURL(/done=kept/);
  // Asked for as new: a browser keeps its copy for some seconds.
  const customers = async () => (await fetch(`${process.argv[2]}/status/beside`)).text();
  check(!(await customers()).includes('We move'), 'customers see no drafts');
  await page.locator('button[value=publish]').click();
  await page.waitForURL(/done=told/);
  await until(async () => (await customers()).includes('We move'), 'customers see what was told');
  await page.locator('.sp-by a', { hasText: 'Edit' }).click();
  await page.locator('#form [name=text]').fill('In other words.');
  await page.locator('button[value=edit]').click();
  await page.waitForURL(/done=edited/);
  await picture(page, 'status-page-posts');
  await sound(tab, 'status page: posts');
  await accessible(page, 'status page: posts');
  await until(async () => (await customers()).includes('In other words.'), 'customers see the other words');
  await tab.close();
}

/** What is written down comes back as it was: a check as a file, uploaded by a form without script. */
async function file() {
  const tab = await open({ javaScriptEnabled: false, acceptDownloads: true }),
    { page } = tab;
  await page.goto(`${process.argv[2]}/uptime`);
  await page.locator('.uc-row .w a').first().click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[download]').click()]);
  const path = await download.path();
  check(download.suggestedFilename().endsWith('.yaml'), download.suggestedFilename());
  await page.goto(`${process.argv[2]}/uptime/import`);
  await page.locator('input[type=file]').setInputFiles(path);
  await page.locator('button[value=look]').click();
  await until(async () => (await page.locator('.tbl').innerText()).includes('there already'), 'it is understood');
  await tab.close();
}

async function plain() {
  const target = await shop();
  const tab = await open({ javaScriptEnabled: false }),
    { page } = tab;
  await page.goto(`${process.argv[2]}/uptime/new`);
  await page.locator('[name="http.url"]').fill(target.url);
  await page.locator('button', { hasText: 'Test' }).click();
  await until(async () => (await page.locator('#tried .tag').textContent()) === 'up', 'without script a button tests');
  check((await page.locator('[name="http.url"]').inputValue()) === target.url, 'and the form stays as it was');
  await page.locator('[name="name"]').fill('Plain');
  await page.locator('button', { hasText: 'Watch it' }).click();
  await until(
    () => /\/uptime\/\d+\?done=made/.test(page.url()),
    () => `it is watched: ${page.url()}`,
  );
  await tab.close();
  target.close();
}

await run({
  'a page is watched, falls and comes back': watch,
  'many at once': many,
  'without script': plain,
  'a file': file,
  'told on status pages': told,
});
