// Every page, on the desk and the phone, in both themes and two languages: whole, calm, readable, small.
import { DESK, PHONE, accessible, attempt, budgets, check, fail, open, picture, run, sound, visit } from './harness.mjs';

const QUERY = '/explore?q=' + encodeURIComponent('sum by (route) (rate(http_requests_total[5m]))');
/** Name, path, status, whether charts are drawn (or the script of logs runs). */
const PAGES = [
  ['home', '/', 200, true],
  ['explore-empty', '/explore', 200, true],
  ['explore', QUERY, 200, true],
  ['explore-stacked', `${QUERY}&view=stacked`, 200, true],
  ['explore-table', `${QUERY}&view=table`, 200, true],
  ['explore-error', '/explore?q=' + encodeURIComponent('sum(rate(http_requests_total'), 200, true],
  ['targets', '/targets', 200, false],
  ['logs', '/logs', 200, 'logs'],
  ['logs-found', `/logs?q=timeout&f=-host:b&cols=host,took_ms`, 200, 'logs'],
  ['logs-logql', '/logs?lang=logql&q=' + encodeURIComponent('{service_name="shop"} | json | status >= 500'), 200, 'logs'],
  ['logs-number', '/logs?lang=logql&q=' + encodeURIComponent('sum by (host) (count_over_time({service_name="shop"}[5m]))'), 200, 'both'],
  ['logs-error', '/logs?lang=logql&q=' + encodeURIComponent('{service_name="shop"} |='), 200, 'logs'],
  ['logs-nothing', '/logs?q=nobodywrotethis', 200, 'logs'],
  ['logs-line', '/logs/line?t=1&s=' + encodeURIComponent('{service_name="shop"}'), 200, 'logs'],
  ['logs-wrong', '/logs?from=abc', 400, 'logs'],
  ['logs-patterns', '/logs?view=patterns', 200, 'logs'],
  ['logs-saved', '/logs/saved', 200, false],
  ['logs-streams', '/logs/streams', 200, false],
  ['logs-ingestion', '/logs/ingestion', 200, false],
  ['alerts', '/alerts', 200, false],
  ['alerts-grouped', '/alerts?by=group&f=' + encodeURIComponent('severity=~"critical|warning"'), 200, false],
  ['alerts-nothing', '/alerts?text=nobody', 200, false],
  ['alerts-open', '/alerts?care=open&receiver=pager', 200, false],
  ['alerts-wrong', '/alerts?f=' + encodeURIComponent('(('), 400, false],
  ['alerts-rules', '/alerts/rules', 200, false],
  ['alerts-silences', '/alerts/silences', 200, false],
  ['alerts-silence', '/alerts/silences/edit?matchers=' + encodeURIComponent('job="shop"'), 200, false],
  ['alerts-silence-wrong', '/alerts/silences/edit?matchers=' + encodeURIComponent('(('), 200, false],
  ['alerts-oncall', '/alerts/oncall', 200, false],
  ['alerts-stand-in-wrong', '/alerts/oncall/stand-in', 404, false],
  ['alerts-calm', '/alerts/calm', 200, false],
  ['alerts-rota', '/alerts/calm/edit?kind=rotas', 200, false],
  [
    'alerts-rota-filled',
    '/alerts/calm/edit?kind=rotas&draft=1&title=Night&receiver=everybody&person0=Ann&via0=pager&person1=Bob&via1=team&first=2024-01-01&handover=09:00&days=7&zone=Europe/Berlin',
    200,
    false,
  ],
  ['alerts-rota-wrong', '/alerts/calm/edit?kind=rotas&draft=1&person0=Ann', 200, false],
  ['alerts-escalation', '/alerts/calm/edit?kind=escalations', 200, false],
  [
    'alerts-dependency',
    '/alerts/calm/edit?kind=dependencies&draft=1&title=x&equal=job&source=' +
      encodeURIComponent('severity="critical"') +
      '&target=' +
      encodeURIComponent('severity="info"'),
    200,
    false,
  ],
  ['alerts-cap', '/alerts/calm/edit?kind=caps', 200, false],
  ['alerts-flapping', '/alerts/calm/edit?kind=flapping', 200, false],
  [
    'alerts-recurring',
    '/alerts/calm/edit?kind=recurring-silences&draft=1&title=Backups&weekday=6&from=22:00&to=04:00&zone=Europe/Berlin&matchers=' +
      encodeURIComponent('job="shop"'),
    200,
    false,
  ],
  ['alerts-routing', '/alerts/routing?labels=' + encodeURIComponent('alertname="X", severity="critical"'), 200, false],
  ['alerts-channels', '/alerts/channels', 200, false],
  ['alerts-history', '/alerts/history', 200, false],
  ['alerts-tellings', '/alerts/history?view=tellings', 200, false],
  [
    'alerts-group',
    '/alerts/group?receiver=pager&key=' + encodeURIComponent('{}/{severity="critical"}:{alertname="InstanceDown"}'),
    200,
    true,
  ],
  ['uptime', '/uptime', 200, false],
  ['uptime-90d', '/uptime?range=90d', 200, false],
  ['uptime-check', '/uptime/1', 200, true],
  ['uptime-down', '/uptime/2', 200, true],
  ['uptime-edit', '/uptime/3/edit', 200, false],
  ['uptime-wrong', '/uptime/0', 404, false],
  ['uptime-new', '/uptime/new', 200, false],
  ['uptime-new-heartbeat', '/uptime/new?kind=heartbeat', 200, false],
  ['uptime-import', '/uptime/import', 200, false],
  ['uptime-incidents', '/uptime/incidents', 200, false],
  ['uptime-incidents-none', '/uptime/incidents?check=nobody', 200, false],
  ['uptime-maintenance', '/uptime/maintenance', 200, false],
  ['uptime-maintenance-new', '/uptime/maintenance/edit?check=1', 200, false],
  [
    'uptime-maintenance-filled',
    '/uptime/maintenance/edit?draft=1&title=Backups&way=weekly&weekday=6&weekday=0&at=02:00&lasts=2h&zone=Europe/Berlin',
    200,
    false,
  ],
  ['uptime-maintenance-wrong', '/uptime/maintenance/edit?draft=1&way=monthly&days=40&scope=some', 200, false],
  ['uptime-report', '/uptime/report?goal=99.9', 200, false],
  ['uptime-report-wrong', '/uptime/report?month=soon', 400, false],
  ['catalogue', '/catalogue', 200, false],
  ['catalogue-unused', '/catalogue?unused=1&sort=users', 200, false],
  ['metric', '/catalogue/node_cpu_seconds_total', 200, true],
  ['metric-missing', '/catalogue/no_such_metric', 404, false],
  ['send', '/send', 200, false],
  ['cardinality', '/cardinality', 200, false],
  ['web-vitals', '/web-vitals?days=1', 200, false],
  ['scorecard', '/business/scorecard', 200, false],
  ['scorecard-weeks', '/business/scorecard?by=week', 200, false],
  ['scorecard-wrong', '/business/scorecard?until=soon', 400, false],
  ['people', '/business/people', 200, false],
  ['funnel', '/business/funnels/Shop?by=year', 200, false],
  ['funnel-edit', '/business/people/funnel?name=Shop', 200, false],
  ['retention', '/business/retentions/Who%20stays', 200, false],
  ['retention-edit', '/business/people/retention', 200, false],
  ['digests', '/business/digests', 200, false],
  ['digest-edit', '/business/digests/edit?name=Weekly', 200, false],
  ['digest-letter', '/business/digests/letter?name=Weekly', 200, false],
  ['pushed', '/pushed', 200, false],
  ['uptime-status', '/uptime/status-pages', 200, false],
  ['uptime-status-new', '/uptime/status-pages/edit', 200, false],
  ['uptime-status-edit', '/uptime/status-pages/edit?id=example', 200, false],
  ['uptime-status-posts', '/uptime/status-pages/posts?slug=example', 200, false],
  ['uptime-status-templates', '/uptime/status-pages/templates?slug=example&key=slow', 200, false],
  ['business', '/business', 200, false],
  ['kpi', '/business/1?label=plan', 200, false],
  ['kpi-months', '/business/1?grain=month', 200, false],
  ['kpi-missing', '/business/0', 404, false],
  ['kpi-edit', '/business/edit?id=1', 200, false],
  ['kpi-new', '/business/edit?kind=promql', 200, false],
  ['kpi-ready', '/business/ready', 200, false],
  ['business-wall', '/business/tv', 200, false],
  ['status', '/status', 200, false],
  ['self', '/status/self', 200, true],
  ['connect', '/settings/connect', 200, false],
  ['server', '/settings/server', 200, false],
  ['docs', '/docs', 200, false],
  ['docs-phone', '/docs/phone', 200, false],
  ['docs-configuration', '/docs/configuration', 200, false],
  ['missing', '/no-such-page', 404, false],
];

/** Status pages for customers: without any script, in the language of the page. */
const CUSTOMERS = [
  ['customers', '/status/example', 'en'],
  ['customers-arabic', '/status/arabic', 'ar'],
];

/** Pages that differ from another in a few words: looked at on the desk in English and on the phone in Arabic only. */
const ALIKE = new Set([
  'explore-error',
  'logs-error',
  'logs-wrong',
  'alerts-wrong',
  'alerts-silence-wrong',
  'alerts-stand-in-wrong',
  'alerts-rota-wrong',
  'alerts-escalation',
  'alerts-dependency',
  'alerts-cap',
  'alerts-flapping',
  'uptime-90d',
  'uptime-edit',
  'uptime-wrong',
  'uptime-new-heartbeat',
  'uptime-incidents-none',
  'uptime-maintenance-new',
  'uptime-maintenance-wrong',
  'uptime-report-wrong',
  'catalogue-unused',
  'metric-missing',
  'kpi-months',
  'kpi-missing',
  'kpi-edit',
  'scorecard-weeks',
  'scorecard-wrong',
  'retention-edit',
]);

/** How often a page that failed is looked at again. */
const TRIES_MORE = 3;

async function all(size, theme, lang) {
  const look = `${size.width}-${theme}${lang === 'en' ? '' : `-${lang}`}`;
  const one = async ([name, path, status, charts]) => {
    const tab = await open({ size, theme, cookies: { lang } });
    const what = `${name} ${look}`;
    try {
      const answer = await visit(tab.page, path);
      check(answer.status() === status, `${what}: ${answer.status()}`);
      const policy = answer.headers()['content-security-policy'] ?? '';
      check(/script-src 'self';/.test(policy) && /default-src 'none'/.test(policy), `${what}: policy ${policy}`);
      const sizes = await budgets(tab.page, what, charts, lang);
      if (size === DESK && lang === 'en')
        console.log(
          `  ${name}: ${Object.entries(sizes)
            .filter(([, v]) => typeof v === 'number')
            .map(([k, v]) => `${k} ${k === 'preloads' ? v : (v / 1024).toFixed(1)}`)
            .join(', ')}`,
        );
      await picture(tab.page, `${name}-${look}`);
      // The sentence below a wrong query can come after the page, and moves what is below it.
      await sound(tab, what, status, name === 'explore-error' ? 0.25 : undefined);
      await accessible(tab.page, what);
    } finally {
      await tab.close();
    }
  };
  // A few at once: most of the time is waiting.
  const isWhole = (size === DESK) === (lang === 'en');
  const left = PAGES.filter(([name]) => isWhole || !ALIKE.has(name)),
    again = [];
  const some = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const failed = await attempt(() => one(next));
      if (failed.length) again.push([next, failed]);
    }
  };
  await Promise.all(Array.from({ length: 3 }, some));
  // On a loaded machine letters and answers come late and move what is there already. What is wrong with a page is
  // wrong with it each time, and alone.
  for (const [next, first] of again) {
    let failed = first;
    for (let left = TRIES_MORE; failed.length && left > 0; left--) {
      console.log(`  again, alone: ${failed.join(' ;; ')}`);
      failed = await attempt(() => one(next));
    }
    failed.forEach(fail);
  }
}

async function customers(size, theme) {
  for (const [name, path, lang] of CUSTOMERS) {
    const tab = await open({ size, theme });
    const what = `${name} ${size.width}-${theme}`;
    try {
      const answer = await visit(tab.page, path);
      check(answer.status() === 200, `${what}: ${answer.status()}`);
      check(!(answer.headers()['content-security-policy'] ?? '').includes('script-src'), `${what}: a script may run`);
      check((await answer.body()).length < 30_000, `${what}: ${(await answer.body()).length} bytes`);
      check((await tab.page.evaluate(() => document.scripts.length)) === 0, `${what}: has scripts`);
      check((await tab.page.evaluate(() => document.documentElement.lang)) === lang, `${what}: language`);
      const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(wide <= 0, `${what}: ${wide} px too wide`);
      await picture(tab.page, what.replaceAll(' ', '-'));
      await accessible(tab.page, what);
    } finally {
      await tab.close();
    }
  }
}

await run({
  'customers: desk, light': () => customers(DESK, 'light'),
  'customers: desk, dark': () => customers(DESK, 'dark'),
  'customers: phone, light': () => customers(PHONE, 'light'),
  'customers: phone, dark': () => customers(PHONE, 'dark'),
  // Room depends on width and words, contrast on width and theme: each pair is there once.
  'desk, English, light': () => all(DESK, 'light', 'en'),
  'phone, English, dark': () => all(PHONE, 'dark', 'en'),
  'desk, Arabic, dark': () => all(DESK, 'dark', 'ar'),
  'phone, Arabic, light': () => all(PHONE, 'light', 'ar'),
});
