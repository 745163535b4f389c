import test from 'node:test';
import assert from 'node:assert/strict';

(globalThis as { matchMedia?: unknown }).matchMedia ??= () => ({ matches: false, addEventListener: () => undefined });
(globalThis as { document?: unknown }).document ??= { createElement: () => ({ style: {} }), documentElement: { lang: 'en' } };
(globalThis as { MutationObserver?: unknown }).MutationObserver ??= class {
  observe(): void {
    /* Nothing changes here. */
  }
};
const { every, nearest, said } = await import('../lib/board/exemplars.ts');
type Data = Parameters<typeof every>[0];

const of = {
  q: 'B',
  at: [1, 2],
  v: [0.5, null],
  names: ['trace_id', 'job'],
  labels: [
    ['a', null],
    ['b', 'api'],
  ],
  links: [[], []],
};
const data = {
  exemplars: [of],
  series: [
    { q: 'A', axis: 0 },
    { q: 'B', axis: 1 },
  ],
} as unknown as Data;

test('each stands on the axis of its query and says what it has', () => {
  const all = every(data);
  assert.deepEqual(
    all.map(({ i, axis }) => [i, axis]),
    [
      [0, 1],
      [1, 1],
    ],
  );
  assert.deepEqual(
    all.map((one) => said(one)),
    [
      [['trace_id', 'a']],
      [
        ['trace_id', 'b'],
        ['job', 'api'],
      ],
    ],
  );
  assert.deepEqual(every({ ...data, exemplars: undefined }), []);
});
test('the nearest within reach is meant, those out of the range never', () => {
  const places: ([number, number] | null)[] = [[0, 0], null, [10, 10], [13, 10]];
  assert.equal(nearest(places, 11, 10, 9), 2);
  assert.equal(nearest(places, 12, 10, 9), 3);
  assert.equal(nearest(places, 40, 40, 9), -1);
  assert.equal(nearest([null], 0, 0, Infinity), -1);
});
