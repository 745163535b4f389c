// Foreign text stays text: names, values and help texts that would run if they were taken for HTML.
import { DESK, PHONE, check, fail, open, picture, quiet, run, sound, visit } from './harness.mjs';

const Q = (q) => encodeURIComponent(q);
const PAGES = [
  ['home', '/'],
  ['explore', `/explore?q=${Q('hostile')}`],
  ['explore-table', `/explore?view=table&q=${Q('hostile')}`],
  ['explore-legend', `/explore?q=${Q('hostile')}&legend=${Q('<img src=x onerror=alert(7)>{{text}}')}`],
  ['explore-error', `/explore?q=${Q('"><img src=x onerror=alert(8)>')}`],
  ['explore-name', `/explore?q=${Q('{__name__=~".*img.*"}')}`],
  ['logs', '/logs'],
  ['logs-columns', `/logs?cols=${Q('job,"><img src=x onerror=alert(12)>')}&f=${Q('job:"><img src=x onerror=alert(13)>')}`],
  ['logs-words', `/logs?q=${Q('"><img src=x onerror=alert(14)>')}`],
  ['logs-streams', '/logs/streams'],
  ['logs-ingestion', '/logs/ingestion'],
  ['alerts', '/alerts'],
  ['alerts-groups', '/alerts?by=group'],
  ['alerts-filter', `/alerts?f=${Q('"><img src=x onerror=alert(15)>')}&text=${Q('<script>alert(16)</script>')}`],
  ['alerts-rules', '/alerts/rules'],
  [
    'alerts-silence',
    `/alerts/silences/edit?matchers=${Q('"><img src=x onerror=alert(17)>')}&comment=${Q('"><img src=x onerror=alert(18)>')}`,
  ],
  ['alerts-oncall', '/alerts/oncall'],
  ['alerts-calm', '/alerts/calm'],
  [
    'alerts-calm-edit',
    `/alerts/calm/edit?kind=rotas&draft=1&title=${Q('"><img src=x onerror=alert(21)>')}&person0=${Q('"><img src=x onerror=alert(22)>')}&via0=${Q('"><img src=x onerror=alert(23)>')}&zone=${Q('<script>alert(24)</script>')}`,
  ],
  ['alerts-routing', `/alerts/routing?labels=${Q('a="><img src=x onerror=alert(19)>"')}`],
  ['alerts-history', '/alerts/history'],
  ['alerts-group', `/alerts/group?receiver=x&key=${Q('"><img src=x onerror=alert(20)>')}`],
  ['targets', '/targets'],
  ['catalogue', '/catalogue'],
  ['metric', `/catalogue/${Q('"><img src=x onerror=alert(21)>')}`],
  ['send', '/send'],
  ['catalogue-search', `/catalogue?search=${Q('"><script>alert(9)</script>')}`],
  ['cardinality', '/cardinality'],
  ['pushed', '/pushed'],
  ['status', '/status'],
  ['missing', `/%22%3E%3Cimg%20src=x%20onerror=alert(10)%3E`],
];

async function all(size) {
  for (const [name, path] of PAGES) {
    const tab = await open({ size }),
      what = `${name} ${size.width}`;
    const answer = await visit(tab.page, path);
    // The pointer over a chart shows names in its tooltip.
    const plot = tab.page.locator('ph-chart .u-over').first();
    if (await plot.count()) await plot.hover({ position: { x: 200, y: 60 } });
    await tab.page.waitForTimeout(100);
    await picture(tab.page, `hostile-${name}-${size.width}`);
    await sound(tab, what, answer.status());
    const made = await tab.page.evaluate(
      () => document.querySelectorAll('main img:not(.cm-widgetBuffer, .sp > img), main script, main iframe, main b > img').length,
    );
    check(made === 0, `${what}: ${made} elements were made of foreign text`);
    await tab.close();
  }
}

async function scripts() {
  const tab = await open();
  await visit(tab.page, `/explore?q=${Q('hostile')}`);
  // Completion, history and palette build HTML from names as well.
  await tab.page.locator('.cm-content').click();
  await tab.page.keyboard.press('End');
  await tab.page.keyboard.type('{');
  await tab.page.keyboard.press('Control+Space');
  await tab.page.waitForSelector('.cm-tooltip-autocomplete').catch(() => fail('completion of hostile labels does not open'));
  await tab.page.keyboard.press('Escape');
  await tab.page.evaluate(() => localStorage.setItem('pharos.queries', JSON.stringify(['"><img src=x onerror=alert(11)>'])));
  await tab.page.locator('[popovertarget="hist"]').click();
  await tab.page.keyboard.press('Escape');
  await tab.page.keyboard.press('Control+k');
  await tab.page.keyboard.type('img onerror');
  await quiet(tab.page);
  const made = await tab.page.evaluate(() => document.querySelectorAll('#cmdk img, #hist img, .cm-tooltip img').length);
  check(made === 0, `scripts made ${made} elements of foreign text`);
  await sound(tab, 'hostile scripts');
  await tab.close();
}

await run({ 'hostile, desk': () => all(DESK), 'hostile, phone': () => all(PHONE), 'hostile, scripts': scripts }, 2);
