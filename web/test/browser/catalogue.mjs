// The catalogue: a metric is sent by the form, described, seen in the list with its mark, and taken back.
import { DESK, PHONE, accessible, check, open, picture, run, sound, visit } from './harness.mjs';

const NAME = 'shop_orders_total';

async function whole(size) {
  const tab = await open({ size, theme: size === PHONE ? 'dark' : 'light' }),
    { page } = tab;
  await visit(page, '/send');
  await accessible(page, `send ${size.width}`);
  await page.locator('main form button.p').click();
  await page.locator('#answer .tag.ok').waitFor();
  const answer = await page.locator('#answer').innerText();
  check(answer.includes('POST /api/v1/metrics/custom') && answer.includes('"accepted":1'), `request and answer: ${answer}`);
  await picture(page, `send-${size.width}`);
  await accessible(page, `sent ${size.width}`);
  await page.locator(`#answer a[href="/catalogue/${NAME}"]`).click();
  await page.locator('#describe textarea').fill('Orders that were paid.\nRefunds are not taken off.');
  await page.locator('#describe select').selectOption('business');
  await page.locator('#describe button.p').click();
  await page.getByText('Kept: this comes before').waitFor();
  check((await page.locator('.cat-help').innerText()).includes('Refunds are not taken off.'), 'the description stands on top');
  check((await page.locator('.lb').allInnerTexts()).includes('berlin'), 'labels have their values');
  await picture(page, `metric-${size.width}`);
  await sound(tab, `a metric ${size.width}`);
  await accessible(page, `a metric ${size.width}`);
  await visit(page, `/catalogue?search=${NAME}`);
  check((await page.locator('#catalogue tbody').innerText()).includes('described here'), 'the list marks it');
  await page.locator('#catalogue tbody a.row').click();
  await page.locator('#describe button[name=forget]').click();
  await page.getByText('Forgotten: what its target').waitFor();
  check((await page.locator('#describe button[name=forget]').count()) === 0, 'it is taken back');
  await tab.close();
}

await run({ 'catalogue, desk': () => whole(DESK), 'catalogue, phone': () => whole(PHONE) }, 2);
