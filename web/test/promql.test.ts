import test from 'node:test';
import assert from 'node:assert/strict';
import { Client, metricsPath, selector } from '../lang/complete.ts';
import { located, visible } from '../lang/problem.ts';

const is = (name: string, value: string) => ({ name, value, matchesEmpty: () => false });

test('metrics are asked for by prefix and with a limit', () => {
  assert.equal(decodeURIComponent(metricsPath('node_')), '/api/v1/label/__name__/values?limit=100&match[]={__name__=~"node_.*"}');
  assert.equal(metricsPath(''), '/api/v1/label/__name__/values?limit=100');
  assert.ok(decodeURIComponent(metricsPath('a.b"')).endsWith(String.raw`{__name__=~"a\\.b\".*"}`));
});
test('selectors leave out the label in question', () => {
  assert.equal(selector('up', [is('job', 'a"b'), is('instance', 'x')], 'instance'), String.raw`{__name__="up",job="a\"b"}`);
  assert.equal(selector(undefined), '');
});
test('answers are kept for a minute, failures are not', async () => {
  let now = 0,
    calls = 0,
    fail = false;
  const client = new Client(
    async () => {
      calls++;
      if (fail) throw new Error('no');
      return { data: ['up'] };
    },
    () => now,
  );
  assert.deepEqual(await client.metricNames('u'), ['up']);
  await client.metricNames('u');
  assert.equal(calls, 1);
  now = 61_000;
  fail = true;
  assert.deepEqual(await client.metricNames('u'), []);
  fail = false;
  assert.deepEqual(await client.metricNames('u'), ['up']);
  assert.equal(calls, 3);
});
test('upstream messages name a place', () => {
  assert.deepEqual(located('invalid parameter "query": 1:5: parse error: unexpected end of input', 'sum('), {
    at: 4,
    message: 'unexpected end of input',
  });
  assert.deepEqual(located('2:3: parse error: x', 'ab\ncdef'), { at: 5, message: 'x' });
  assert.equal(located('1:6: parse error: x', 'é + )')?.at, 4);
  assert.equal(located('timed out', 'up'), null);
});
test('a problem can always be seen', () => {
  assert.deepEqual(visible(4, 4, 4), [3, 4]);
  assert.deepEqual(visible(1, 3, 4), [1, 3]);
  assert.deepEqual(visible(9, 99, 4), [3, 4]);
});
