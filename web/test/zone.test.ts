import test from 'node:test';
import assert from 'node:assert/strict';

// The zone module keeps its choice in a cookie: a document of one line is enough.
Object.assign(globalThis, { document: { cookie: '', documentElement: { lang: 'en' } }, dispatchEvent: () => true });
process.env.TZ = 'Asia/Kolkata';
const { CLOCK, civil, dateTime, exact, midnight, setZone, show, unitStart } = await import('../lib/zone.ts');
const { label, resolve } = await import('../lib/range.ts');

const NOW = 1_700_000_000;

test('every formatter follows the one setting', () => {
  setZone('local');
  assert.equal(dateTime(new Date(NOW * 1000)), '15 Nov 2023 03:43');
  assert.equal(show(new Date(NOW * 1000), CLOCK), '03:43:20');
  assert.equal(civil(2023, 11, 15, 3, 43, 20), NOW);
  assert.equal(resolve('2023-11-15 03:43:20', NOW), NOW);
  assert.equal(label({ from: '1700000000', to: '1700003600' }, NOW), '15 Nov 03:43 – 04:43');
  assert.equal(unitStart(NOW, 'h', 0), 1_699_997_400);
  assert.equal(unitStart(NOW, 'd', 1), 1_700_073_000);
  setZone('utc');
  assert.match(document.cookie, /^tz=utc;/);
  assert.equal(dateTime(new Date(NOW * 1000)), '14 Nov 2023 22:13');
  assert.match(exact(new Date(NOW * 1000)), /^14 Nov 2023 22:13:20 UTC$/);
  assert.equal(civil(2023, 11, 14, 22, 13, 20), NOW);
  assert.equal(civil(2023, 2, 30), null);
  assert.equal(unitStart(NOW, 'd', 0), 1_699_920_000);
  assert.equal(unitStart(NOW, 'w', 1), 1_700_438_400);
  assert.equal(resolve('yesterday', NOW), 1_699_833_600);
  assert.equal(label({ from: '1700000000', to: '1700003600' }, NOW), '14 Nov 22:13 – 23:13');
  assert.ok(midnight(new Date(1_699_920_000_000)) && !midnight(new Date(NOW * 1000)));
});
