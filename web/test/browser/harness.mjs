// What the browser tests share: an installed Chromium, pages that watch themselves, checks, a report.
//
// node web/test/browser/<name>.mjs <base url>, with PHAROS_TEST_CHROMIUM naming the browser. PHAROS_TEST_SHOTS names a
// folder for pictures of every page. Says what fails, one line each; the exit code is 1 when something did.
import { chromium } from 'playwright-core';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const shots = process.env.PHAROS_TEST_SHOTS ?? '';
if (shots) mkdirSync(shots, { recursive: true });

export const base = process.argv[2] ?? '';
export const DESK = { width: 1440, height: 900 },
  PHONE = { width: 390, height: 844 };

const failures = [];
/** What fails in a part that may be tried again goes here first. */
const tried = new AsyncLocalStorage();
export const fail = (text) => {
  const kept = tried.getStore();
  if (kept) {
    kept.push(text);
    return;
  }
  failures.push(text);
  console.log(`FAIL ${text}`);
};
/** Runs a part and gives what failed in it, without failing itself. */
export async function attempt(part) {
  const kept = [];
  await tried.run(kept, async () => {
    try {
      await part();
    } catch (e) {
      fail(told(e));
    }
  });
  return kept;
}
const told = (e) =>
  String(e?.stack ?? e)
    .split('\n')
    .slice(0, 6)
    .join(' | ');
export const check = (truth, text) => {
  if (!truth) fail(text);
};

/** How long anything may take: a machine busy with other tests needs twenty times as long as a quiet one. */
export const PATIENCE_MS = 120_000;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
/** The same for what comes true a while after it was brought about; `text` may be a function that says how it stands then. */
export async function until(holds, text) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(50)) {
    // A page that is left meanwhile is asked again.
    if (await (async () => holds())().catch(() => false)) return;
    if (Date.now() < end) continue;
    fail(typeof text === 'function' ? await text() : text);
    return;
  }
}

// What a test that has failed already still waited for ends with its page: the others go on.
process.on('unhandledRejection', (e) => console.log(`  left behind: ${told(e)}`));

let browser;
const launch = () =>
  chromium.launch({
    executablePath: process.env.PHAROS_TEST_CHROMIUM || undefined,
    timeout: PATIENCE_MS,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
/**
 * Runs the tests of a file one after the other; one that throws fails alone. `tries`: how often one that fails is tried
 * in all, for tests that bring about what they begin with, and count what a busy machine does late.
 */
export async function run(tests, tries = 1) {
  for (const [name, test] of Object.entries(tests)) {
    const started = Date.now();
    for (let left = tries; left > 0; left--) {
      if (!browser?.isConnected()) browser = await launch();
      const failed = await attempt(test);
      // Pages that are left open would go on asking.
      for (const context of browser.contexts()) await context.close().catch(() => undefined);
      if (!failed.length) break;
      // A browser that ended says so a moment later.
      await sleep(500);
      if (left === 1) failed.forEach((one) => fail(`${name}: ${one}`));
      else console.log(`  again: ${name}: ${failed.join(' ;; ')}`);
    }
    console.log(`${name}: ${Date.now() - started} ms`);
  }
  await browser?.close();
  process.exit(failures.length ? 1 : 0);
}

/** Runs in the page before anything of it: remembers layout shifts, refused contents, and whether hostile text ran. */
function watch() {
  window.__shifts = [];
  window.__inputs = [];
  window.__csp = [];
  window.__pwned = [];
  for (const name of ['alert', 'confirm', 'prompt'])
    window[name] = (text) => {
      window.__pwned.push(`${name}(${text})`);
    };
  new PerformanceObserver((list) => {
    for (const e of list.getEntries())
      if (!e.hadRecentInput) {
        const moved = e.sources.map((s) => s.node?.outerHTML?.slice(0, 90) ?? String(s.node?.nodeName));
        window.__shifts.push({ at: e.startTime, value: e.value, moved });
      }
  }).observe({ type: 'layout-shift', buffered: true });
  performance.setResourceTimingBufferSize(10_000);
  for (const name of ['pointerdown', 'pointerup', 'keydown', 'input', 'change', 'wheel'])
    addEventListener(name, () => window.__inputs.push(performance.now()), { capture: true, passive: true });
  addEventListener('ph:refresh', () => (window.__refreshed ??= performance.now()));
  document.addEventListener('securitypolicyviolation', (e) => window.__csp.push(`${e.effectiveDirective} ${e.blockedURI}`));
}

/** What the contexts of pages were made with. */
const looks = new WeakMap();
/** What pages are asking for, and how often they asked. */
const asking = new WeakMap();

async function newContext(look) {
  const context = await browser.newContext(look);
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript(watch);
  looks.set(context, look);
  return context;
}

/** A page of its own; `problems` fills with console errors, exceptions and failed requests. */
export async function open({ size = DESK, theme = 'dark', cookies = {}, ...more } = {}) {
  const context = await newContext({ viewport: size, hasTouch: size === PHONE, timezoneId: 'Asia/Kolkata', ...more });
  await context.addCookies(Object.entries({ theme, ...cookies }).map(([name, value]) => ({ name, value, url: base })));
  const page = await context.newPage();
  const asks = { running: new Set(), count: 0 };
  asking.set(page, asks);
  page.on('request', (r) => {
    asks.running.add(r);
    asks.count++;
  });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => asks.running.delete(r));
  const problems = [];
  // The editor asks the server what is wrong with a query, and is told so with a 400.
  const told = (url, status) => status === 400 && /\/api\/v1\/(parse|format)_query$/.test(url);
  // What watches pages from within may not run in a preview, as no script may there.
  const shut = (m) => m.location().url === 'about:srcdoc' && m.text().startsWith("Blocked script execution in 'about:srcdoc'");
  page.on('console', (m) => {
    if (m.type() === 'error' && !told(m.location().url, 400) && !shut(m)) problems.push(`console: ${m.text()} ${m.location().url}`);
  });
  // Chromium reports page transitions that it gives up under load; they are its own.
  page.on('pageerror', (e) => {
    if (!/Transition was (aborted|skipped)/.test(String(e))) problems.push(`exception: ${e}`);
  });
  // Requests that a newer one or the next page made needless are no failures.
  page.on('requestfailed', (r) => {
    if (r.failure()?.errorText !== 'net::ERR_ABORTED') problems.push(`request: ${r.url()} ${r.failure()?.errorText}`);
  });
  page.on('response', (r) => {
    if (r.status() >= 400 && !r.request().isNavigationRequest() && !told(r.url(), r.status()))
      problems.push(`answer ${r.status()}: ${r.url()}`);
  });
  return { page, problems, close: () => context.close() };
}

/** Waits until the scripts of the page are in place, charts are drawn and the editor is there. */
export async function settled(page) {
  await page.waitForFunction(
    () =>
      !document.querySelector(':not(:defined)') &&
      [...document.querySelectorAll('ph-chart')].every(
        (c) => c.dataset.ready || c.querySelector('.skel b') || c.getBoundingClientRect().top > innerHeight,
      ) &&
      [...document.querySelectorAll('ph-editor')].every((e) => e.dataset.ready),
  );
  await page.evaluate(() =>
    document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))),
  );
}

/**
 * Waits until a page asked for nothing for a while and has all of it in place. The while is by its own clock: what its
 * timers were to do in less had its turn, however slow it is.
 */
export async function quiet(page, ms = 500) {
  const asks = asking.get(page);
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const before = asks.count;
    await page.evaluate((ms) => new Promise((done) => setTimeout(() => requestAnimationFrame(() => setTimeout(done)), ms)), ms);
    if (asks.count === before && asks.running.size === 0) return;
  }
  fail(`it goes on asking for ${[...asks.running].map((r) => r.url()).join(', ') || 'this and that'}`);
}

/** Goes there and waits until it is settled. */
export async function visit(page, where) {
  const answer = await page.goto(base + where, { waitUntil: 'load' });
  await settled(page);
  return answer;
}

export async function picture(page, name) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

/** What counts as calm (web vitals). An idle machine stays below 0.02; a loaded one swaps fonts late. */
const SHIFT_MAX = 0.1;
/** How often a page that moved while it was loaded is loaded anew: what is wrong with it moves each time. */
const LOADED_AGAIN = 3;

/** How much moved by itself, while the page was loaded and later. What answers to somebody is no such thing, however late it comes. */
const shifts = (page) =>
  page.evaluate(() => {
    const near = 3_000,
      asked = performance.getEntriesByType('resource'),
      inputs = window.__inputs;
    const answers = (at) =>
      inputs.some(
        (input) =>
          input <= at &&
          (at < input + near ||
            asked.some((e) => e.startTime >= input && e.startTime < input + near && e.startTime <= at && at < e.responseEnd + near)),
      );
    const found = { loading: 0, later: 0, moved: [] };
    for (const one of window.__shifts.filter(({ at }) => !answers(at))) {
      found[one.at < (inputs[0] ?? Infinity) ? 'loading' : 'later'] += one.value;
      found.moved.push(...one.moved);
    }
    return found;
  });

/** The same of a page that is loaded anew, by somebody else who looks alike. */
async function shiftsAgain(page) {
  const before = page.context(),
    context = await newContext({ ...looks.get(before), storageState: await before.storageState() });
  try {
    const again = await context.newPage();
    await again.goto(page.url(), { waitUntil: 'load' });
    await settled(again);
    return await shifts(again);
  } finally {
    await context.close();
  }
}

/** What holds for every page whatever it shows. */
export async function sound({ page, problems }, name, expected = 200, shiftMax = SHIFT_MAX) {
  const known = expected === 200 ? problems : problems.filter((p) => !p.startsWith('console: Failed to load resource'));
  check(known.length === 0, `${name}: ${known.join('; ')}`);
  let shift = await shifts(page);
  for (let left = LOADED_AGAIN; left > 0 && shift.later < shiftMax && shift.loading + shift.later >= shiftMax; left--)
    shift = { ...(await shiftsAgain(page)), later: shift.later };
  const seen = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - innerWidth,
    csp: window.__csp,
    pwned: window.__pwned,
    inline: document.querySelectorAll('script:not([src]), [onload], [onerror], [onclick]').length,
  }));
  check(seen.wide <= 0, `${name}: ${seen.wide} px wider than the screen`);
  const moved = shift.loading + shift.later;
  check(moved < shiftMax, `${name}: layout shift ${moved.toFixed(3)} by ${shift.moved.slice(0, 4).join(' ')}`);
  check(seen.csp.length === 0, `${name}: refused by the policy: ${seen.csp.join(', ')}`);
  check(seen.pwned.length === 0, `${name}: foreign text ran: ${seen.pwned.join(', ')}`);
  check(seen.inline === 0, `${name}: ${seen.inline} inline scripts or handlers`);
}

export async function accessible(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(
    (rules) =>
      window.axe
        .run(document, { runOnly: rules, resultTypes: ['violations'] })
        .then((r) =>
          r.violations.map(
            (v) => `${v.id} (${v.nodes.length}): ${v.nodes[0]?.html.slice(0, 160)} — ${v.nodes[0]?.any?.[0]?.message ?? v.help}`,
          ),
        ),
    RULES,
  );
  found.forEach((v) => fail(`${name}: axe ${v}`));
}

/** What only the query editor brings along, by the manifest of the build: parts of it are chunks that others share. */
const EDITOR = (() => {
  const built = Object.fromEntries(
    readFileSync(new URL('../../dist/manifest.tsv', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t')),
  );
  const brings = (name) => [built[`${name}_JS`], ...(built[`${name}_DEPS`] ?? '').split(' ')].filter(Boolean);
  const others = new Set(['APP', 'CHART', 'EXPLORE', 'LOGS', 'BOARD'].flatMap(brings));
  return brings('EDITOR').filter((file) => !others.has(file));
})();

const KB = 1024;
/** Sizes as they came over the wire, in kB: HTML, style, fonts, script before the editor, the editor. */
export async function budgets(page, name, charts, lang = 'en') {
  const got = await page.evaluate((ofEditor) => {
    const sum = (part) =>
      performance
        .getEntriesByType('resource')
        // What a refresh fetches is not what the page costs; a slow machine is refreshed before it is looked at.
        .filter((e) => e.startTime < (window.__refreshed ?? Infinity) && part(new URL(e.name).pathname))
        .reduce((n, e) => n + e.encodedBodySize, 0);
    const script = (p) => p.startsWith('/assets/') && p.endsWith('.js');
    return {
      html: performance.getEntriesByType('navigation')[0].encodedBodySize,
      css: sum((p) => p.endsWith('.css')),
      fonts: sum((p) => p.endsWith('.woff2')),
      script: sum((p) => script(p) && !ofEditor.includes(p)),
      editor: sum((p) => script(p) && ofEditor.includes(p)),
      hasOwnStyle: document.querySelectorAll('link[rel=stylesheet]').length > 1,
      preloads: document.querySelectorAll('link[rel=preload][as=font]').length,
      hosts: [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).host))].filter((h) => h !== location.host),
    };
  }, EDITOR);
  // Arabic letters need two weights more, and what scripts say in Arabic comes with them.
  const words = lang === 'ar' ? 1 : 0;
  // A part of the pages may have a stylesheet of its own, with a budget of its own.
  const limits = {
    html: 40,
    css: got.hasOwnStyle ? 21 : 16,
    fonts: lang === 'ar' ? 190 : 90,
    script: words + (charts === 'both' ? 46 : charts === 'logs' ? 18 : charts ? 40 : 8),
    editor: 135,
  };
  for (const [what, max] of Object.entries(limits))
    check(got[what] <= max * KB, `${name}: ${what} ${(got[what] / KB).toFixed(1)} of ${max} kB`);
  check(got.script > 0 && got.css > 0, `${name}: nothing was counted`);
  check(got.hosts.length === 0, `${name}: asks ${got.hosts.join(', ')}`);
  return got;
}
