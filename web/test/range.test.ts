import test from 'node:test';
import assert from 'node:assert/strict';
import { isLive, label, resolve, shifted, zoomedOut } from '../lib/range.ts';
import { setZone } from '../lib/zone.ts';

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
test('moments from now are moved and rounded as on the server', () => {
  // The same cases as in `src/ui/range/relative.rs`.
  Object.assign(globalThis, { document: { cookie: '' }, dispatchEvent: () => true });
  setZone('utc');
  const at = (text: string) => Date.parse(text) / 1000,
    now = at('2026-03-31T14:25:36Z');
  for (const [text, start, last] of [
    ['now', '2026-03-31T14:25:36Z', '2026-03-31T14:25:36Z'],
    ['now - 90m', '2026-03-31T12:55:36Z', '2026-03-31T12:55:36Z'],
    ['now/m', '2026-03-31T14:25:00Z', '2026-03-31T14:25:59.999Z'],
    ['now/h', '2026-03-31T14:00:00Z', '2026-03-31T14:59:59.999Z'],
    ['now/d', '2026-03-31T00:00:00Z', '2026-03-31T23:59:59.999Z'],
    ['now-1d/d', '2026-03-30T00:00:00Z', '2026-03-30T23:59:59.999Z'],
    ['now/w', '2026-03-30T00:00:00Z', '2026-04-05T23:59:59.999Z'],
    ['now/M', '2026-03-01T00:00:00Z', '2026-03-31T23:59:59.999Z'],
    ['now-1M', '2026-02-28T14:25:36Z', '2026-02-28T14:25:36Z'],
    ['now-1M/M', '2026-02-01T00:00:00Z', '2026-02-28T23:59:59.999Z'],
    ['now-1y/y', '2025-01-01T00:00:00Z', '2025-12-31T23:59:59.999Z'],
    ['now/d+8h', '2026-03-31T08:00:00Z', '2026-04-01T07:59:59.999Z'],
    ['now /d - 1d', '2026-03-30T00:00:00Z', '2026-03-30T23:59:59.999Z'],
    ['today', '2026-03-31T00:00:00Z', '2026-03-31T00:00:00Z'],
    ['yesterday', '2026-03-30T00:00:00Z', '2026-03-30T00:00:00Z'],
  ] as const) {
    assert.equal(resolve(text, now), at(start), text);
    assert.equal(resolve(text, now, true), at(last), text);
  }
  for (const bad of ['now/', 'now/x', 'now-1', 'now-/d', 'now//d', 'nowish', 'now-1dd', 'then/d', `now${'/d'.repeat(11)}`])
    assert.equal(resolve(bad, now), null, bad);
  for (const [text, words] of [
    ['now/d', 'Today'],
    ['now-1d/d', 'Yesterday'],
    ['now-1w/w', 'Previous week'],
    ['now/M', 'This month'],
    ['now-1y/y', 'Previous year'],
  ] as const)
    assert.equal(label({ from: text, to: text }, now), words);
  assert.match(label({ from: 'now-1d/w', to: 'now-1d/w' }, now), /–/);
  setZone('local');
});
test('days are those of the zone', () => {
  const at = (text: string) => Date.parse(text) / 1000,
    was = process.env.TZ;
  process.env.TZ = 'Europe/Berlin';
  const now = at('2026-03-29T22:30:00Z');
  assert.equal(resolve('now/d', now), at('2026-03-29T22:00:00Z'));
  assert.equal(resolve('now-1d/d', now), at('2026-03-28T23:00:00Z'));
  assert.equal(resolve('now-1d/d', now, true), at('2026-03-29T21:59:59.999Z'));
  process.env.TZ = was;
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
