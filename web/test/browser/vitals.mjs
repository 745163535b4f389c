// Web vitals: a page elsewhere loads the script by one line, somebody looks at it, and the server knows how fast it was.
import { createServer } from 'node:http';
import { PATIENCE_MS, PHONE, accessible, check, open, picture, run, sleep, sound, visit } from './harness.mjs';

/** What a browser calls itself when nobody drives it. */
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

async function shop() {
  const html = `<!doctype html><title>Shop</title><script type="module" async src="${process.argv[2]}/vitals.js"></script><h1>Shop</h1><button>Buy</button>`;
  const server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/html' });
    res.end(html);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

async function measured() {
  const site = await shop();
  const visitor = await open({ userAgent: AGENT });
  // A page that is left before it was painted has nothing to tell of that.
  const painted = () => visitor.page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  await visitor.page.goto(`${site.url}/orders/4711`);
  await painted();
  await visitor.page.locator('button').click();
  await visitor.page.waitForTimeout(500);
  // What is final is sent when the page is left.
  await visitor.page.goto(`${site.url}/cart`);
  await painted();
  await visitor.page.goto('about:blank');
  const tab = await open(),
    { page } = tab,
    wanted = ['/orders/:id', 'LCP', 'FCP', 'TTFB', 'good', '/cart'];
  let text = '',
    cards = 0;
  // Some of it is sent at once, some when a page is left.
  for (
    const end = Date.now() + PATIENCE_MS;
    Date.now() < end && (cards < 3 || !wanted.every((words) => text.includes(words)));
    await sleep(500)
  ) {
    await visit(page, '/web-vitals?days=1');
    text = await page.locator('main').innerText();
    cards = await page.locator('.vit').count();
  }
  for (const words of wanted) check(text.includes(words), `the page does not say ${words}: ${text}`);
  check(cards >= 3, 'a card for each');
  await picture(page, 'vitals');
  await sound(tab, 'web vitals');
  await accessible(page, 'web vitals');
  await tab.close();
  const phone = await open({ size: PHONE, theme: 'dark' });
  await visit(phone.page, '/web-vitals?days=1');
  await picture(phone.page, 'vitals-phone');
  await sound(phone, 'web vitals, phone');
  await phone.close();
  site.close();
}

await run({ 'web vitals': measured }, 2);
