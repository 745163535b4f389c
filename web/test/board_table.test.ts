import test from 'node:test';
import assert from 'node:assert/strict';
import { offered, stays } from '../lib/board/filter.ts';

test('a column offers each value once, in the order in which people look for them', () => {
  assert.deepEqual(offered(['b10', 'b9', '', 'b10', 'a']), [
    ['', 1],
    ['a', 1],
    ['b9', 1],
    ['b10', 2],
  ]);
  assert.deepEqual(offered([]), []);
});
test('a row stays when every column that is filtered has one of its values', () => {
  const row = ['web', 'up', '3'],
    values = (column: number) => row[column] ?? '';
  const filters = new Map([
    [0, new Set(['web', 'db'])],
    [1, new Set(['down'])],
  ]);
  assert.equal(stays(values, filters), false);
  assert.equal(stays(values, filters, 1), true, 'a column offers what the others leave');
  assert.equal(stays(values, new Map()), true);
  assert.equal(stays(values, new Map([[5, new Set(['x'])]])), false);
});
