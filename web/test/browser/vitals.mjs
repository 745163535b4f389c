// Web vitals: a page elsewhere loads the script by one line, somebody looks at it, and the server knows how fast it was.
import { createServer } from 'node:http';
import { PHONE, accessible, check, open, picture, run, sound, visit } from './harness.mjs';

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
  await visitor.page.goto(`${site.url}/orders/4711`);
  await visitor.page.locator('button').click();
  await visitor.page.waitForTimeout(500);
  // What is final is sent when the page is left.
  await visitor.page.goto(`${site.url}/cart`);
  await visitor.page.goto('about:blank');
  const tab = await open(),
    { page } = tab;
  for (let left = 60; ; left--) {
    await visit(page, '/web-vitals?days=1');
    if ((await page.locator('main').innerText()).includes('/orders/:id')) break;
    if (left === 0) throw new Error(`nothing was measured: ${await page.locator('main').innerText()}`);
    await page.waitForTimeout(500);
  }
  const text = await page.locator('main').innerText();
  for (const words of ['LCP', 'FCP', 'TTFB', 'good', '/cart']) check(text.includes(words), `the page does not say ${words}: ${text}`);
  check((await page.locator('.vit').count()) >= 3, 'a card for each');
  await picture(page, 'vitals');
  await sound(tab, 'web vitals');
  await accessible(page, 'web vitals');
  await tab.close();
  const phone = await open({ size: PHONE, theme: 'dark' });
  await visit(phone.page, '/web-vitals?days=1');
  await picture(phone.page, 'vitals-phone');
  await sound(phone, 'web vitals, phone');
  site.close();
}

await run({ 'web vitals': measured });
