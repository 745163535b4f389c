import test from 'node:test';
import assert from 'node:assert/strict';
import { isLive, label, resolve, shifted, zoomedOut } from '../lib/range.ts';

const NOW = 1_700_000_000;

test('moments resolve', () => {
  assert.equal(resolve('now', NOW), NOW);
  assert.equal(resolve('now-6h', NOW), NOW - 21600);
  assert.equal(resolve('now - 1d', NOW), NOW - 86400);
  assert.equal(resolve('1699990000', NOW), 1_699_990_000);
  assert.equal(resolve('1699990000000', NOW), 1_699_990_000);
  assert.equal(resolve('2023-11-14T22:13:20Z', NOW), NOW);
  assert.equal(resolve('2023-11-14 12:00', NOW), new Date(2023, 10, 14, 12).getTime() / 1000);
  for (const bad of ['', 'then', 'now-6', 'now-6q', '2023-02-30 10:00', '-5']) assert.equal(resolve(bad, NOW), null, bad);
});
test('ranges read as words', () => {
  assert.equal(label({ from: 'now-24h', to: 'now' }, NOW), 'Last 24 hours');
  assert.equal(label({ from: 'now-1h', to: 'now' }, NOW), 'Last hour');
  assert.match(label({ from: '1699990000', to: '1699993600' }, NOW), /Nov \d\d:\d\d – \d\d:\d\d$/);
});
test('zooming out doubles and stays live at now', () => {
  assert.deepEqual(zoomedOut({ from: 'now-1h', to: 'now' }, NOW), { from: 'now-2h', to: 'now' });
  const out = zoomedOut({ from: '1699000000', to: '1699003600' }, NOW);
  assert.equal(Number(out.to) - Number(out.from), 7200);
});
test('moving never passes now', () => {
  assert.deepEqual(shifted({ from: 'now-1h', to: 'now' }, 1, NOW), { from: String(NOW - 3600), to: String(NOW) });
  assert.deepEqual(shifted({ from: 'now-1h', to: 'now' }, -1, NOW), { from: String(NOW - 5400), to: String(NOW - 1800) });
  assert.equal(isLive({ from: 'now-1h', to: 'now' }), true);
  assert.equal(isLive({ from: '1', to: '2' }), false);
});
