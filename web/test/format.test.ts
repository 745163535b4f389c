import test from 'node:test';
import assert from 'node:assert/strict';
import { format, ticks, type Unit } from '../lib/format.ts';
import cases from './units.json';

test('values read as the shared cases say', () => {
  for (const [unit, value, text] of cases as [Unit, number, string][]) assert.equal(format(value, unit), text, `${value} as ${unit}`);
});
test('what is not a number is named', () => {
  assert.equal(format(null), '–');
  assert.equal(format(NaN), 'NaN');
  assert.equal(format(-Infinity, 'bytes'), '-Inf');
});
test('ticks of an axis share a prefix and differ', () => {
  assert.deepEqual(ticks([0, 500, 1000, 1500], 'short'), ['0', '0.5k', '1.0k', '1.5k']);
  assert.deepEqual(ticks([100.1, 100.2, 100.3], 'short'), ['100.1', '100.2', '100.3']);
  assert.deepEqual(ticks([0, 2 ** 34, 2 ** 35], 'bytes'), ['0 GiB', '16 GiB', '32 GiB']);
  assert.deepEqual(ticks([0, 0.2, 0.4], 'percentunit'), ['0%', '20%', '40%']);
  assert.deepEqual(ticks([0, 0.2, 0.4], 's'), ['0 ms', '200 ms', '400 ms']);
});
