import test from 'node:test';
import assert from 'node:assert/strict';
import { format, ticks, type Form } from '../lib/format.ts';
import cases from './units.json';
import forms from './forms.json';

test('values read as the shared cases say', () => {
  for (const [id, value, text, decimals] of cases as [string, number, string, number?][]) {
    const form = (forms as Record<string, Form>)[id];
    assert.ok(form, id);
    // What needs a pattern or now is written by the server.
    assert.equal(format(value, form, decimals), text, `${value} as ${id}`);
  }
});
test('units that pages name read as their forms do', () => {
  for (const id of [
    'short',
    'none',
    'percent',
    'percentunit',
    's',
    'ms',
    'bytes',
    'decbytes',
    'binBps',
    'bps',
    'ops',
    'hertz',
    'celsius',
    'bool_yes_no',
  ] as const) {
    for (const value of [0, 1, -2.5, 1234.5, 1e9]) assert.equal(format(value, id), format(value, (forms as Record<string, Form>)[id]), id);
  }
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
  assert.deepEqual(ticks([0, 0.01, 0.02], { b: 1000, n: [' mW', ' W', ' kW'], o: 1 }), ['0 mW', '10 mW', '20 mW']);
  assert.deepEqual(ticks([-5, 0, 5], { b: 1000, n: ['', 'k'], p: '$' }), ['-$5', '0', '$5']);
  assert.deepEqual(ticks([0, 1], { w: ['no', 'yes'] }), ['no', 'yes']);
  assert.deepEqual(ticks([0, 0.2, 0.4], 's'), ['0 ms', '200 ms', '400 ms']);
});
