// Searching logs: what a person does with lines, and how fast the browser shows them.
import { PATIENCE_MS, PHONE, accessible, base, check, fail, open, picture, run, sleep, sound, until, visit } from './harness.mjs';

const HEAD = { 'content-type': 'application/json' };
/** Sends lines of one stream: text and level, the newest last. */
async function send(labels, lines, since = Date.now() - lines.length) {
  const values = lines.map(([text, level], i) => [`${since + i}000000`, text, { detected_level: level }]);
  const answer = await fetch(`${base}/loki/api/v1/push`, {
    method: 'POST',
    headers: HEAD,
    body: JSON.stringify({ streams: [{ stream: labels, values }] }),
  });
  check(answer.status === 204, `lines are taken: ${answer.status} ${await answer.text()}`);
}
const total = (page) => page.locator('[data-total]').textContent();
const asked = (page) => new URL(page.url()).searchParams;
const rows = (page) => page.locator('.ln').count();
/** Scrolls a list until nothing comes below any more. */
async function toEnd(page) {
  const end = () =>
    page.evaluate(() => {
      const l = document.querySelector('.lines');
      l.scrollTop = l.scrollHeight;
    });
  for (const late = Date.now() + PATIENCE_MS; Date.now() < late && !(await page.locator('.lines .end').count()); await sleep(150))
    await end();
  await end();
}

/** Frames a second that are enough, and looks at a list that may show them. */
const FRAMES_MIN = 20,
  LOOKS = 5;
/** How often a second a machine lays out rows that is calm enough to be told how many frames it shows. */
const PACE_MIN = 40;
const pace = (page) =>
  page.evaluate(() => {
    const box = document.body.appendChild(document.createElement('div'));
    box.style.cssText = 'position:fixed;top:0;left:0;width:900px;height:400px;overflow:auto;visibility:hidden;contain:strict';
    const rows = Array.from(
      { length: 100 },
      (_, i) => `<div class="ln"><time>12:00:00</time><b>info</b><span>row ${i} of many</span></div>`,
    );
    const from = performance.now();
    let count = 0;
    for (; performance.now() - from < 300; count++) {
      box.innerHTML = rows.join('');
      box.scrollTop = box.scrollHeight;
    }
    box.remove();
    return count / 0.3;
  });
/**
 * A list that is fast enough shows it in one of some looks. What a busy machine shows says nothing of the list: it counts
 * only when the machine was calm before and after most of the looks.
 */
async function smooth(page, look, what) {
  let best = 0,
    calm = 0,
    slowest = Infinity;
  for (let left = LOOKS; left > 0 && best <= FRAMES_MIN; left--) {
    const before = await pace(page);
    best = Math.max(best, await look());
    const now = Math.min(before, await pace(page));
    slowest = Math.min(slowest, now);
    if (now > PACE_MIN) calm++;
  }
  console.log(`  ${what}: ${best.toFixed(0)} frames a second, on a machine that lays out ${slowest.toFixed(0)} lists in one`);
  check(best > FRAMES_MIN || calm < LOOKS - 1, `${what} runs at ${best.toFixed(0)} frames a second`);
}

async function find() {
  await send({ service_name: 'find', host: 'a' }, [
    ['needle one\nat frame', 'error'],
    ['hay {"a":1}', 'info'],
    ['{"status":500,"route":"/x"}', 'warn'],
    ['\u001b[31mred\u001b[0m needle', 'info'],
  ]);
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:find');
  check((await total(page)) === '4 lines', `all are found: ${await total(page)}`);
  await page.locator('.cm-content').click();
  await page.keyboard.type('needle');
  await page.keyboard.press('Escape');
  await page.locator('.cm-content').click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '2 lines');
  await until(
    () => asked(page).get('q') === 'needle',
    () => `the address says what is searched: ${page.url()}`,
  );
  check((await page.locator('.an.f1').textContent()) === 'red', 'colours of terminals are shown');
  const trace = page.locator('.ln', { hasText: 'needle one' });
  check((await trace.locator('em').textContent()) === '+1', 'further lines are folded');
  await trace.click();
  check((await trace.locator('.more pre').textContent()).includes('at frame'), 'a click opens all of a line');
  await picture(page, 'logs-opened');
  await page.locator('.fac li', { hasText: 'error' }).first().hover();
  await page.locator('.fac li', { hasText: 'error' }).first().locator('.only').click();
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '1 line');
  await until(() => asked(page).getAll('f').includes('detected_level:error'), 'the filter stands in the address');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '2 lines');
  await page.locator('button[value=logql]').click();
  await page.waitForURL((u) => u.searchParams.get('lang') === 'logql');
  check(
    (asked(page).get('q') ?? '').includes('needle') && (asked(page).get('q') ?? '').startsWith('{'),
    `words show as LogQL: ${asked(page).get('q')}`,
  );
  await page.locator('button[value=words]').click();
  await page.waitForURL((u) => u.searchParams.get('q') === 'needle');
  await sound(tab, 'logs: find');
  await tab.close();
}

async function context() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:find&q=hay');
  await page.locator('.ln').first().click();
  await page.locator('.ln .ways a', { hasText: 'Context' }).click();
  await page.waitForURL('**/logs/line?**');
  check((await rows(page)) === 4, `the lines around it are there: ${await rows(page)}`);
  check((await page.locator('.ln.mark').textContent()).includes('hay'), 'and it is marked');
  await sound(tab, 'logs: context');
  await tab.close();
}

async function long() {
  const count = 6000,
    since = Date.now() - 300_000;
  for (let at = 0; at < count; at += 2000)
    await send(
      { service_name: 'long', host: 'a' },
      Array.from({ length: 2000 }, (_, i) => [`line ${at + i} took ${i % 97}ms`, 'info']),
      since + at * 40,
    );
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:long');
  await toEnd(page);
  await page.waitForFunction(() => [...document.querySelectorAll('.ln')].some((l) => l.textContent.endsWith('line 0 took 0ms')));
  const few = () =>
    until(
      async () => (await rows(page)) < 600,
      async () => `of ${count} lines ${await rows(page)} are drawn`,
    );
  await few();
  // The last ones are really the last, and none came twice.
  const seen = () => page.evaluate(() => [...document.querySelectorAll('.ln')].slice(-3).map((l) => l.querySelector('span').textContent));
  await until(
    async () => (await seen()).join() === 'line 2 took 2ms,line 1 took 1ms,line 0 took 0ms',
    async () => `the end of the list is ${(await seen()).join()}`,
  );
  const scroll = () =>
    page.evaluate(
      () =>
        new Promise((done) => {
          const list = document.querySelector('.lines');
          let frames = 0;
          const from = performance.now(),
            step = () => {
              // Up from the end, and again.
              list.scrollTop = list.scrollTop > 250 ? list.scrollTop - 250 : list.scrollHeight;
              frames++;
              const took = performance.now() - from;
              if (took < 1500) requestAnimationFrame(step);
              else done((frames * 1000) / took);
            };
          requestAnimationFrame(step);
        }),
    );
  await smooth(page, scroll, `scrolling ${count} lines`);
  await few();
  await sound(tab, 'logs: long');
  await tab.close();
}

async function zoom() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:long');
  // The bars may come after the page, part by part, and what they do after them.
  await page.waitForFunction(() => /^6,?000 lines$/.test(document.querySelector('[data-total]')?.textContent));
  await page.waitForFunction(() => !document.querySelector('.bars .todo') && document.querySelector('.bars:not(.wait) > .tip'));
  const box = await page.locator('.bars .plot').boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((u) => u.searchParams.has('from'));
  const length = Number(asked(page).get('to')) - Number(asked(page).get('from'));
  check(Math.abs(length - 900) <= 180, `dragging over a quarter of an hour's bars asks for ${length} s`);
  await page.waitForFunction(() => document.querySelector('#found')?.dataset.from !== undefined);
  await sound(tab, 'logs: zoom');
  await tab.close();
}

async function live() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:live');
  await page.locator('[data-tail]').click();
  await page.waitForSelector('[data-tail][aria-pressed=true]');
  let on = true;
  const sender = (async () => {
    while (on) {
      await send(
        { service_name: 'live', host: 'a' },
        Array.from({ length: 500 }, (_, i) => [`live ${i} user=u_${i}`, 'info']),
      );
      await new Promise((r) => setTimeout(r, 80));
    }
  })();
  await page.waitForFunction(() => document.querySelectorAll('.ln').length > 20).catch(() => fail('live lines do not come'));
  await page
    .waitForFunction(() => document.querySelector('[data-sampled]')?.hidden === false)
    .catch(() => fail('a loud tail does not say that it is sampled'));
  const watch = () =>
    page.evaluate(
      () =>
        new Promise((done) => {
          let frames = 0;
          const from = performance.now(),
            step = () => {
              frames++;
              const took = performance.now() - from;
              if (took < 3000) requestAnimationFrame(step);
              else done((frames * 1000) / took);
            };
          requestAnimationFrame(step);
        }),
    );
  await smooth(page, watch, 'a loud tail');
  // However many come, few are drawn.
  await until(
    async () => (await rows(page)) < 600,
    async () => `a loud tail draws ${await rows(page)} lines`,
  );
  await page.evaluate(() => {
    document.querySelector('.lines').scrollTop = 300;
  });
  await page.waitForSelector('.newer:not([hidden])').catch(() => fail('lines are not held while the reader reads'));
  await picture(page, 'logs-live');
  on = false;
  await sender;
  await page.locator('.newer').click();
  await page.waitForFunction(() => document.querySelector('.lines').scrollTop === 0);
  await page.locator('[data-tail]').click();
  // New lines move the others: that is what was asked for.
  await sound(tab, 'logs: live', 200, Infinity);
  await tab.close();
}

async function plain() {
  const tab = await open({ javaScriptEnabled: false }),
    { page } = tab;
  await page.goto(`${base}/logs?f=service_name:find`);
  check((await rows(page)) === 4, `without script the lines are there: ${await rows(page)}`);
  check((await page.locator('.bars path').count()) > 0, 'and the bars');
  await page.locator('textarea[name=q]').fill('needle');
  await page.locator('.lq .btn.p').click();
  await page.waitForURL(/q=needle/);
  check((await total(page)) === '2 lines', 'the form submits');
  await page.locator('.ln a').first().click();
  await page.waitForURL(/\/logs\/line/);
  check((await page.locator('.oneline .whole').count()) === 1, 'a line has a page');
  await tab.close();
}

async function phone() {
  const tab = await open({ size: PHONE }),
    { page } = tab;
  await visit(page, '/logs?f=service_name:find');
  await page.locator('[popovertarget=facets]').click();
  await page.waitForSelector('.fac:popover-open');
  await picture(page, 'logs-facets-390');
  await page.locator('.fac a.v', { hasText: 'error' }).first().click();
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '3 lines');
  await sound(tab, 'logs: phone');
  await tab.close();
}

/** Counts that the page does not wait for come by a request of their own, and take the place that was kept. */
async function counted() {
  const answer = await fetch(`${base}/ui/logs/counts?f=service_name:find`),
    parts = (await answer.text())
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row));
  check(
    answer.status === 200 && parts.length > 1 && parts.at(-1).done === 1,
    `counts come in parts: ${JSON.stringify(parts.map((part) => part.done))}`,
  );
  check(parts.at(-1).html.includes('4 lines') && parts.at(-1).html.includes('href="/logs?'), 'and end whole');
  const wrong = await fetch(`${base}/ui/logs/counts?q=%22`);
  check(wrong.status === 200 && 'error' in JSON.parse(await wrong.text()), 'a query that cannot be read says so');
  const tab = await open(),
    { page } = tab;
  await page.route('**/logs?f=service_name:find', async (route) => {
    const body = await (await route.fetch()).text();
    await route.fulfill({
      contentType: 'text/html',
      body: body
        .replace('data-names=', 'data-counts="/ui/logs/counts?f=service_name:find" data-names=')
        .replace('class="bars" data-bars', 'class="bars wait" data-bars')
        .replace('>4 lines<', '>More<'),
    });
  });
  await page.goto(`${base}/logs?f=service_name:find`);
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '4 lines');
  await page.waitForSelector('.bars:not(.wait) path.error');
  await page.waitForFunction(() => !document.querySelector('.bars .todo'));
  check((await page.locator('.fac li', { hasText: 'error' }).count()) > 0, 'values to filter by are there');
  await tab.close();
}

/** A name that is a label of one stream and a field in another's lines finds both; so do names that LogQL has for itself. */
async function names() {
  await send({ service_name: 'names', zone: 'eu' }, [['of a stream', 'info']]);
  await send({ service_name: 'names' }, [
    ['{"zone":"eu","took":"n/a","by":"ann"}', 'info'],
    ['{"zone":"us","took":700}', 'info'],
    ['zone=eu took=20 by=bob', 'info'],
  ]);
  const tab = await open(),
    { page } = tab;
  for (const [what, count] of [
    ['f=zone:eu', 3],
    ['f=-zone:eu', 1],
    ['q=zone:eu', 3],
    ['q=took>100', 1],
    ['q=-took>100', 3],
    ['f=by:ann', 1],
    ['q=by:bob', 1],
  ]) {
    await visit(page, `/logs?f=service_name:names&${what.replace('>', '%3E')}`);
    check((await total(page)) === `${count} line${count === 1 ? '' : 's'}`, `${what} finds ${await total(page)}, not ${count}`);
  }
  await visit(page, '/logs?f=service_name:names&q=ann');
  await page.locator('.ln').first().click();
  await page.locator('.ln .ways a', { hasText: 'Context' }).click();
  await page.waitForURL('**/logs/line?**');
  await page.locator('.pairs a[href*="f=by"]').first().click();
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '1 line');
  await sound(tab, 'logs: names');
  await tab.close();
}

/** What words become stands below them while they are typed, and leads on; what is wrong is shown where it is. */
async function compiled() {
  const tab = await open(),
    { page } = tab,
    code = page.locator('#compiled code');
  await visit(page, '/logs?f=service_name:find&q=needle');
  check((await code.textContent()) === '{service_name="find"} |~ "(?i)needle"', `the LogQL is in sight: ${await code.textContent()}`);
  await page.locator('.cm-content').click();
  await page.keyboard.press('End');
  await page.keyboard.type(' status>=500');
  await page.waitForFunction(() => document.querySelector('#compiled code')?.textContent.includes('| status>=500'));
  await page.keyboard.type(' "open');
  await page.keyboard.press('Delete');
  await page.waitForSelector('#compiled.bad');
  await until(
    async () => (await code.textContent()).includes('quote is not closed'),
    async () => `what is wrong is said: ${await code.textContent()}`,
  );
  await until(async () => (await page.locator('.cm-lintRange-error').count()) === 1, 'and shown where it is');
  await picture(page, 'logs-wrong-words');
  for (let i = 0; i < 6; i++) await page.keyboard.press('Backspace');
  await page.waitForSelector('#compiled:not(.bad)');
  await page.locator('#compiled [data-edit]').click();
  await page.waitForURL((u) => u.searchParams.get('lang') === 'logql' && !u.searchParams.has('f'));
  check(
    (asked(page).get('q') ?? '').startsWith('{service_name="find"} |~ "(?i)needle" | auto | status>=500'),
    `all of it is in the bar: ${asked(page).get('q')}`,
  );
  check(await page.locator('#compiled').isHidden(), 'LogQL is not said twice');
  await sound(tab, 'logs: compiled');
  await tab.close();
}

/** A search is saved under a name, opened, renamed and deleted. */
async function saved() {
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs/saved');
  check((await page.locator('main').innerText()).includes('No saved searches yet'), 'an empty list says what to do');
  await accessible(page, 'saved searches, none');
  await visit(page, '/logs?f=service_name:find&q=needle&cols=host&from=now-3h');
  await page.locator('[popovertarget=saved]').click();
  await page.locator('#saved input[name=name]').fill('Needles <b>');
  await picture(page, 'logs-save');
  await accessible(page, 'saving a search');
  await page.locator('#saved .btn.p').click();
  await page.waitForURL('**/logs/saved?done=saved');
  await picture(page, 'logs-saved');
  await accessible(page, 'saved searches');
  await page.locator('#searches a', { hasText: 'Needles <b>' }).click();
  await page.waitForURL((u) => u.pathname === '/logs');
  check(
    asked(page).get('q') === 'needle' &&
      asked(page).get('f') === 'service_name:find' &&
      asked(page).get('cols') === 'host' &&
      !asked(page).has('from'),
    `it is opened as it was: ${page.url()}`,
  );
  await page.locator('[popovertarget=saved]').click();
  check((await page.locator('#saved [aria-current]').innerText()).includes('Needles'), 'the menu marks what is shown');
  await page.locator('#saved input[name=name]').fill('needles <B>');
  await page.locator('#saved .btn.p').click();
  await page.waitForSelector('[role=alert]');
  check((await page.locator('[role=alert]').innerText()).includes('already'), 'a name is taken once');
  await page.locator('#searches button[popovertarget]', { hasText: 'Edit' }).click();
  await page.locator('#searches .menu:popover-open input[name=name]').fill('Pins');
  await page.locator('#searches .menu:popover-open .fields .btn').click();
  await page.waitForURL('**/logs/saved?done=changed');
  await page.locator('#searches button[popovertarget]', { hasText: 'Edit' }).click();
  await page.locator('#searches .menu:popover-open .btn.bad').click();
  await page.locator('dialog.ask .btn.bad, dialog.ask button[value=yes], dialog.ask .acts button').last().click();
  await page.waitForURL('**/logs/saved?done=deleted');
  check((await page.locator('main').innerText()).includes('No saved searches yet'), 'it is gone');
  await tab.close();
}

/** More lines at one moment than are asked for at once, and older ones behind them. */
async function crowded() {
  const at = Date.now() - 60_000,
    post = (values) =>
      fetch(`${base}/loki/api/v1/push`, {
        method: 'POST',
        headers: HEAD,
        body: JSON.stringify({ streams: [{ stream: { service_name: 'crowd' }, values }] }),
      });
  await post(Array.from({ length: 2600 }, (_, i) => [`${at}000000`, `at once ${i}`]));
  await post([[`${at - 5}000000`, 'the oldest']]);
  const tab = await open(),
    { page } = tab;
  await visit(page, '/logs?f=service_name:crowd');
  await toEnd(page);
  await page
    .waitForFunction(() => [...document.querySelectorAll('.ln')].at(-1)?.textContent.endsWith('the oldest'))
    .catch(() => fail('lines behind a crowded moment are not shown'));
  await sound(tab, 'logs: crowded');
  await tab.close();
}

/** A range that cannot be read is refused, in words. */
async function wrong() {
  const tab = await open(),
    { page } = tab;
  const answer = await visit(page, '/logs?from=abc');
  check(answer.status() === 400, `a wrong range answers ${answer.status()}`);
  check((await page.locator('.qerr').innerText()).includes('"abc" is not a time'), 'and says what is wrong');
  await sound(tab, 'logs: wrong', 400);
  const file = await fetch(`${base}/logs/export?q=${encodeURIComponent('{service_name="find"}')}&format=txt`);
  check(file.status === 200 && (await file.text()).trimEnd().split('\n').length === 5, `an export needs no range: ${file.status}`);
  check((await fetch(`${base}/logs/export?q=${encodeURIComponent('{}')}&from=abc`)).status === 400, 'but not a wrong one');
  await tab.close();
}

await run({ find, counted, context, names, compiled, saved, wrong, 'without script': plain, phone, crowded, long, zoom, live });
