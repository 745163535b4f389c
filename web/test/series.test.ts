import test from 'node:test';
import assert from 'node:assert/strict';
import { SLOTS, slots } from '../lib/slots.ts';
import { csv, stats } from '../lib/stats.ts';
import { escape, html, raw } from '../lib/html.ts';
import { score } from '../lib/fuzzy.ts';
import { pushed } from '../lib/history.ts';

test('a series keeps its colour whatever the order', () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  const there = slots(keys),
    back = slots([...keys].reverse()).reverse();
  assert.deepEqual(there, back);
  assert.equal(new Set(there).size, keys.length);
  assert.ok(
    there.every((s) => s < 8),
    'up to eight series use the plain colours',
  );
});
test('the heaviest get plain colours and keep them', () => {
  const keys = Array.from({ length: 20 }, (_, i) => `s${i}`),
    known = new Map<string, number>();
  const first = slots(
    keys,
    keys.map((_, i) => -i),
    known,
  );
  assert.ok(first.slice(0, 8).every((s) => s < 8));
  assert.deepEqual(
    slots(
      [...keys].reverse(),
      keys.map((_, i) => -i),
      known,
    ).reverse(),
    first,
  );
});
test('more series than colours still get one each', () => {
  const many = slots(Array.from({ length: 60 }, (_, i) => `series ${i}`));
  assert.ok(many.every((s) => s >= 0 && s < SLOTS));
  assert.equal(new Set(many).size, SLOTS);
});
test('legend maths skips gaps and NaN', () => {
  assert.deepEqual(stats([null, 1, 'NaN', 3, null]), { last: 3, min: 1, max: 3, mean: 2 });
  assert.deepEqual(stats([null]), { last: null, min: null, max: null, mean: null });
  assert.equal(stats([1, '+Inf']).max, Infinity);
});
test('CSV quotes and disarms', () => {
  const text = csv({ start: 0, step: 15, series: [{ name: '=cmd(),"x"', labels: {}, v: [1, null] }] });
  assert.equal(text, `time,"'=cmd(),""x"""\n1970-01-01T00:00:00.000Z,1\n1970-01-01T00:00:15.000Z,\n`);
  assert.match(csv({ start: 0, step: 1, series: [{ name: 'n', labels: {}, v: [-1.5] }] }), /,-1\.5\n/);
});
test('HTML is escaped unless raw', () => {
  assert.equal(html`<b>${'<img onerror=x>'}</b>`.text, '<b>&lt;img onerror=x&gt;</b>');
  assert.equal(html`${[1, '&', raw('<i>')]}`.text, '1&amp;<i>');
  assert.equal(escape(`"'`), '&quot;&#39;');
});
test('better matches score higher', () => {
  assert.ok(score('targ', 'Targets') > score('targ', 'the large'));
  assert.equal(score('xyz', 'Targets'), -1);
});
test('history has no repetition', () => {
  assert.deepEqual(pushed(['a', 'b'], 'b'), ['b', 'a']);
  assert.equal(
    pushed(
      Array.from({ length: 60 }, (_, i) => String(i)),
      'x',
    ).length,
    50,
  );
});
