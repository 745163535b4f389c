// Setting up, signing in, people, tokens, the audit log: whole, calm, readable, and foreign text stays text.
import { createHmac } from 'node:crypto';
import { DESK, PHONE, accessible, base, check, open, picture, run, sound, until, visit } from './harness.mjs';

const NAME = 'ann',
  PASSWORD = 'correct horse battery';
const HOSTILE = '"><img src=x onerror=alert(1)>',
  MAIL = '"><img/src=x/onerror=alert(2)>@example.org',
  AGENT = '"><img src=x onerror=alert(3)> Firefox/1';
const LOOKS = [
  [DESK, 'dark', 'en'],
  [DESK, 'light', 'en'],
  [PHONE, 'light', 'en'],
  [PHONE, 'dark', 'en'],
  [DESK, 'light', 'ar'],
  [PHONE, 'dark', 'ar'],
];

/** Cookies of somebody who is signed in, for pages of other tests. */
let signedIn = {};

async function submit(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.locator(selector).click()]);
}

async function remember(page) {
  const cookies = await page.context().cookies();
  signedIn = Object.fromEntries(cookies.filter((c) => c.name.includes('pharos')).map((c) => [c.name, c.value]));
}

/** Whether anything was made of foreign text. */
async function harmless(tab, what, status = 200) {
  await sound(tab, what, status);
  const made = await tab.page.evaluate(() => document.querySelectorAll('main img, main script, main iframe, .notices img').length);
  check(made === 0, `${what}: ${made} elements were made of foreign text`);
}

async function each(pages, cookies) {
  for (const [size, theme, lang] of LOOKS) {
    for (const [name, path, status = 200] of pages) {
      const tab = await open({ size, theme, cookies: { lang, ...cookies } }),
        what = `${name} ${size.width}-${theme}-${lang}`;
      const answer = await visit(tab.page, path);
      check(answer.status() === status, `${what}: ${answer.status()}`);
      const policy = answer.headers()['content-security-policy'] ?? '';
      check(/script-src 'self';/.test(policy) && /default-src 'none'/.test(policy), `${what}: policy ${policy}`);
      await picture(tab.page, `admin-${what}`);
      await harmless(tab, what, status);
      await accessible(tab.page, what);
      await tab.close();
    }
  }
}

/** A server that nobody has set up is open to this machine, says so, and is shut by making somebody. */
async function setUp() {
  await each(
    [
      ['open', '/'],
      ['setup', `/setup?code=${encodeURIComponent(HOSTILE)}`],
      ['open-profile', '/settings/profile'],
      ['open-people', '/settings/people'],
    ],
    {},
  );
  const tab = await open(),
    { page } = tab;
  await visit(page, '/');
  await submit(page, '.notice a[href="/setup"]');
  await page.fill('[name=name]', NAME);
  await page.fill('[name=password]', PASSWORD);
  await submit(page, 'main button.p');
  check(new URL(page.url()).pathname === '/', `set up leads to ${page.url()}`);
  check((await page.locator('.notice a[href="/setup"]').count()) === 0, 'the banner is gone');
  await remember(page);
  await tab.close();
}

async function signIn() {
  await each(
    [
      ['login', `/login?next=${encodeURIComponent(HOSTILE)}`],
      ['stranger', '/explore?q=up'],
    ],
    {},
  );
  const tab = await open({ userAgent: AGENT }),
    { page } = tab;
  await visit(page, '/explore?q=up');
  await page.fill('[name=name]', HOSTILE);
  await page.fill('[name=password]', 'wrong');
  await submit(page, 'button.p');
  check((await page.locator('[role=alert]').count()) === 1, 'a wrong password is told');
  await picture(page, 'admin-login-wrong');
  await harmless(tab, 'wrong password', 401);
  await page.fill('[name=name]', NAME);
  await page.fill('[name=password]', PASSWORD);
  await submit(page, 'button.p');
  check(page.url().endsWith('/explore?q=up'), `signing in leads to ${page.url()}`);
  await tab.close();
}

async function foreignText() {
  const tab = await open({ cookies: signedIn }),
    { page } = tab;
  await visit(page, '/settings/people');
  const add = '#add form ';
  await page.fill(`${add}[name=name]`, HOSTILE);
  await page.fill(`${add}[name=password]`, PASSWORD);
  await submit(page, `${add}button.p`);
  check((await page.locator('[role=alert]').count()) === 1, 'such a name is refused');
  await harmless(tab, 'refused name', 400);
  await page.fill(`${add}[name=name]`, 'Zoë van den Berg');
  await page.fill(`${add}[name=password]`, PASSWORD);
  // The browser's own check of addresses is no protection.
  await page.locator(`${add}[name=email]`).evaluate((field, mail) => {
    field.type = 'text';
    field.value = mail;
  }, MAIL);
  await submit(page, `${add}button.p`);
  check((await page.getByText('Zoë van den Berg').count()) > 0, 'the user was created');
  await harmless(tab, 'people', 400);
  await page.getByRole('button', { name: 'More about Zoë van den Berg' }).click();
  await until(() => page.getByRole('button', { name: 'Keep out' }).isVisible(), 'the menu opens');
  await picture(page, 'admin-people-more');
  await page.goto(`${base}/settings/tokens`);
  await page.fill('#new [name=name]', HOSTILE);
  await page.check('#new [value="metrics:write"]');
  await page.check('#new [value="read"]');
  await submit(page, '#new button.p');
  check(/^pht_/.test((await page.locator('#fresh pre').textContent()).trim()), 'the token is shown');
  await picture(page, 'admin-tokens-fresh');
  await harmless(tab, 'fresh token', 400);
  await accessible(page, 'fresh token');
  await tab.close();
  const odd = encodeURIComponent('"><script>alert(4)</script>');
  await each(
    [
      ['profile', '/settings/profile'],
      ['people', `/settings/people?done=${odd}`],
      ['tokens', '/settings/tokens'],
      ['server', '/settings/server'],
      ['audit', '/settings/audit'],
      ['audit-filter', `/settings/audit?actor=${odd}&action=${odd}`],
      ['missing', `/settings/${odd}`, 404],
    ],
    signedIn,
  );
}

/** Who may only look sees how a metric is sent, and can send none. */
async function onlyLooking() {
  const admin = await open({ cookies: signedIn }),
    add = '#add form ';
  await visit(admin.page, '/settings/people');
  await admin.page.fill(`${add}[name=name]`, 'vic');
  await admin.page.locator(`${add}[name=role]`).selectOption('viewer');
  await admin.page.fill(`${add}[name=password]`, PASSWORD);
  await submit(admin.page, `${add}button.p`);
  await admin.close();
  const tab = await open(),
    { page } = tab;
  await visit(page, '/send');
  await page.fill('[name=name]', 'vic');
  await page.fill('[name=password]', PASSWORD);
  await submit(page, 'button.p');
  check(new URL(page.url()).pathname === '/send', `signing in leads to ${page.url()}`);
  check(
    (await page.locator('.notice.warn').isVisible()) && (await page.locator('main form button').count()) === 0,
    'a viewer is told, and has no button to send with',
  );
  check((await page.locator('main pre[id^=send-]').count()) >= 3, 'a viewer sees how programs send');
  const name = await page.locator('main form [name=name]').inputValue();
  const [answer] = await Promise.all([
    page.waitForNavigation({ waitUntil: 'load' }),
    // Behind its answer, which the page would not give any more.
    page.evaluate(() => void setTimeout(() => document.querySelector('main form').requestSubmit())),
  ]);
  check(answer.status() === 403, `a form without a button is refused: ${answer.status()}`);
  await sound(tab, 'a viewer sends', 403);
  const missing = await visit(page, `/catalogue/${name}`);
  check(missing.status() === 404 || !(await page.locator('main').innerText()).includes('berlin'), `${name} was taken from a viewer`);
  const viewer = Object.fromEntries(
    (await page.context().cookies()).filter((c) => c.name.includes('pharos')).map((c) => [c.name, c.value]),
  );
  await tab.close();
  await each([['send-viewer', '/send']], viewer);
}

/** A dialog asks before something ends. */
async function revoke() {
  const tab = await open({ cookies: signedIn }),
    { page } = tab;
  await visit(page, '/settings/tokens');
  await page.locator('#tokens button.bad').first().click();
  const dialog = page.locator('dialog.ask');
  await dialog.waitFor();
  check((await dialog.textContent()).includes(HOSTILE), 'the dialog names the token');
  await harmless(tab, 'revoke dialog');
  await submit(page, 'dialog.ask .acts button:last-child');
  check((await page.locator('[role=status]').count()) === 1 && (await page.locator('#tokens tbody tr').count()) === 0, 'the token is gone');
  await tab.close();
}

function totp(key, at = Date.now()) {
  const bits = [...key.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = createHmac('sha1', bytes).update(step).digest(),
    offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1000000).padStart(6, '0');
}

async function secondFactor() {
  const tab = await open({ cookies: signedIn }),
    { page } = tab;
  await visit(page, '/settings/profile');
  await submit(page, '#totp button');
  check(await page.locator('.qr svg').isVisible(), 'the QR code is shown');
  await picture(page, 'admin-totp');
  await accessible(page, 'second factor');
  const key = await page.locator('.key').textContent();
  await page.fill('#totp [name=code]', '000000');
  await page.fill('#totp [name=password]', PASSWORD);
  await submit(page, '#totp button.p');
  check(
    (await page.locator('[role=alert]').count()) === 1 && (await page.locator('.key').textContent()) === key,
    'a wrong code keeps the key',
  );
  await page.fill('#totp [name=code]', totp(key));
  await page.fill('#totp [name=password]', PASSWORD);
  await submit(page, '#totp button.p');
  const codes = (await page.locator('#recovery pre').textContent()).trim().split('\n');
  check(codes.length === 8, `${codes.length} recovery codes`);
  await picture(page, 'admin-recovery');
  await harmless(tab, 'recovery codes', 400);
  await submit(page, '.who button');
  check(new URL(page.url()).pathname === '/login', `signing out leads to ${page.url()}`);
  await page.fill('[name=name]', NAME);
  await page.fill('[name=password]', PASSWORD);
  await submit(page, 'button.p');
  check(await page.locator('[name=code]').isVisible(), 'the code is asked for');
  await picture(page, 'admin-login-code');
  await page.fill('[name=password]', PASSWORD);
  await page.fill('[name=code]', codes[0].toUpperCase().replaceAll('-', ' '));
  await submit(page, 'button.p');
  check(new URL(page.url()).pathname === '/', `a recovery code leads to ${page.url()}`);
  await tab.close();
}

await run({
  'setting up': setUp,
  'signing in': signIn,
  'foreign text': foreignText,
  'only looking': onlyLooking,
  revoking: revoke,
  'second factor': secondFactor,
});
