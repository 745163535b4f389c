// A server without data says what to do next, on every page.
import { DESK, PHONE, accessible, check, open, picture, run, sound, visit } from './harness.mjs';

/** Path, words that must stand there, and where a link must lead. */
const PAGES = [
  ['/', 'Host metrics are off', '/status#settings'],
  ['/explore', 'Ask something', '/catalogue'],
  ['/logs', 'No logs yet', '/settings/connect'],
  ['/logs/saved', 'No saved searches yet', '/logs'],
  ['/logs/streams', 'No streams in this range', '/settings/connect'],
  ['/logs/ingestion', 'Nothing was sent yet', '/settings/connect'],
  ['/alerts', 'No alerting rules yet', '/docs/rules'],
  ['/alerts/rules', 'No rules yet', '/docs/rules'],
  ['/alerts/silences', 'Nothing is silenced', '/alerts'],
  ['/alerts/oncall', 'Nobody is on call yet', '/alerts/calm/edit?kind=rotas'],
  ['/alerts/calm', 'None is set', '/alerts/calm/edit?kind=caps'],
  ['/alerts/channels', 'No receivers yet', '/status#settings'],
  ['/alerts/history', 'Nothing fired in this range', ''],
  ['/alerts/history?view=tellings', 'Nobody was told of anything', '/alerts/channels'],
  ['/uptime', 'What is to be watched?', '/uptime/import'],
  ['/business', 'What do you want to know each morning?', '/business/ready'],
  ['/targets', 'No targets yet', '/status#configuration'],
  ['/catalogue', 'No metrics yet', '/targets'],
  ['/cardinality', 'Nothing is stored yet', ''],
  ['/pushed', 'Nothing has been pushed yet', ''],
  ['/web-vitals', 'Nothing was measured yet', ''],
  ['/status', 'No blocks yet', ''],
];

async function all(size) {
  for (const [path, words, link] of PAGES) {
    const tab = await open({ size, theme: 'light' });
    await visit(tab.page, path);
    const text = await tab.page.locator('main').innerText();
    check(text.includes(words), `${path}: does not say "${words}"`);
    check(!link || (await tab.page.locator(`main a[href="${link}"]`).count()) > 0, `${path}: no way on to ${link}`);
    await picture(tab.page, `empty-${path.slice(1).replaceAll(/[/?=]/g, '-') || 'home'}-${size.width}`);
    await sound(tab, `empty ${path} ${size.width}`);
    await accessible(tab.page, `empty ${path} ${size.width}`);
    await tab.close();
  }
}

await run({ 'empty, desk': () => all(DESK), 'empty, phone': () => all(PHONE) }, 2);
