import test from 'node:test';
import assert from 'node:assert/strict';
import type { Axis, Line } from '../lib/board/data.ts';
import { css, paints } from '../lib/board/data.ts';
import { switches, variables } from '../lib/board/batch.ts';
import { chosen, ordered, type Row } from '../lib/board/legend.ts';
import { cutter, read } from '../lib/board/lines.ts';
import { csv } from '../lib/board/csv.ts';
import { bounds, columns, isPercent, joined, nearest, order, powers } from '../lib/board/stack.ts';
import { SCHEMES } from '../lib/board/schemes.ts';
import { ends, isScheme, shadeOf, shades, stepOf, strengths } from '../lib/board/shades.ts';
import * as choose from '../lib/board/variables.ts';

const line = (v: Line['v'], more: Partial<Line> = {}): Line => ({ name: 'x', axis: 0, colour: 'c1', draw: 'line', v, ...more });
const left: Axis = { side: 'left', unit: {} };
const all = (series: Line[]) => series.map(() => true);

test('stacks add up, each group and each side of zero by itself', () => {
  const stack = { group: 'A', mode: 'normal' as const },
    other = { group: 'B', mode: 'normal' as const };
  const series = [
    line([1, 2], { stack }),
    line([10, null], { stack }),
    line([-1, -2], { stack }),
    line([-3, -4], { stack }),
    line([5, 5], { stack: other }),
    line([7, 7]),
  ];
  assert.deepEqual(columns(series, [left], all(series), 15), [
    [1, 2],
    [11, 2],
    [-1, -2],
    [-4, -6],
    [5, 5],
    [7, 7],
  ]);
});
test('a series that is switched off leaves its stack', () => {
  const stack = { group: 'A', mode: 'normal' as const },
    series = [line([1, 2], { stack }), line([10, 20], { stack })];
  assert.deepEqual(columns(series, [left], [false, true], 15)[1], [10, 20]);
});
test('where no part has a value the whole has none', () => {
  const stack = { group: 'A', mode: 'normal' as const },
    series = [line([null, 2], { stack }), line([null, null], { stack })];
  assert.deepEqual(columns(series, [left], all(series), 15), [
    [null, 2],
    [null, 2],
  ]);
});
test('percent stacks are shares of one', () => {
  const stack = { group: 'A', mode: 'percent' as const },
    series = [line([1, 0], { stack }), line([3, 0], { stack })];
  assert.deepEqual(columns(series, [left], all(series), 15), [
    [0.25, 0],
    [1, 0],
  ]);
  assert.equal(isPercent(series, 0), true);
  assert.equal(isPercent(series, 1), false);
});
test('flipped series go down; text that is no number is not drawn', () => {
  assert.deepEqual(columns([line([1, 'NaN', '+Inf', null], { flipped: true })], [left], [true], 15), [[-1, null, null, null]]);
});
test('log axes have nothing at or below zero', () => {
  assert.deepEqual(columns([line([0, -1, 5])], [{ ...left, log: 10 }], [true], 15), [[null, null, 5]]);
});
test('gaps stay, are joined, or are joined when short', () => {
  const v = [null, 1, null, 2, null, null, 3, null];
  assert.deepEqual(joined(v, 'cut', 15), v);
  assert.deepEqual(joined(v, 'join', 15), [null, 1, undefined, 2, undefined, undefined, 3, null]);
  assert.deepEqual(joined(v, 30_000, 15), [null, 1, undefined, 2, null, null, 3, null]);
});
test('axes: fixed, soft, centred, from zero', () => {
  const at = (lo: number | null, hi: number | null, more: Partial<Axis> = {}, zero = false) =>
    bounds(lo, hi, { ...left, ...more }, zero).map((x) => +x.toFixed(6));
  assert.deepEqual(at(0, 100), [0, 106]);
  assert.deepEqual(at(20, 32), [19.28, 32.72], 'far from zero an axis shows what differs');
  assert.deepEqual(at(20, 32, {}, true), [0, 33.92], 'areas stand on zero');
  assert.deepEqual(at(20, 32, { min: 0, max: 100 }), [0, 100]);
  assert.deepEqual(at(20, 32, { softMin: 0, softMax: 100 }), [0, 100]);
  assert.deepEqual(at(20, 132, { softMax: 100 }), [0, 138.72], 'soft ends give way');
  assert.deepEqual(at(-10, 5, { centred: true }), [-10.9, 10.9]);
  assert.deepEqual(at(null, null), [0, 1.06]);
  assert.deepEqual(at(5, 5), [4.5, 5.5]);
  assert.deepEqual(at(5, 5, { min: 5 }), [5, 5.5]);
  assert.deepEqual(at(50, 50, { min: 100 }), [100, 200], 'ends that cross are put apart');
  assert.deepEqual(at(-7, -3), [-7.24, 0]);
});
test('log axes end at powers', () => {
  assert.deepEqual(
    bounds(0.3, 4200, { ...left, log: 10 }, false).map((x) => +x.toFixed(6)),
    [0.1, 10000],
  );
  assert.deepEqual(bounds(3, 60, { ...left, log: 2 }, false), [2, 64]);
  assert.deepEqual(bounds(null, null, { ...left, log: 10 }, false), [1, 10]);
  assert.deepEqual(
    powers(0.1, 1000, 10).map((x) => +x.toFixed(3)),
    [0.1, 1, 10, 100, 1000],
  );
  assert.ok(powers(1e-9, 1e12, 10).length <= 9);
});
test('stacks are drawn from the top down, others after them', () => {
  const stack = { group: 'A', mode: 'normal' as const };
  assert.deepEqual(order([line([]), line([], { stack }), line([], { stack })]), [2, 1, 0]);
});
test('the nearest value is told of', () => {
  assert.equal(nearest([10, null, 30], 22), 2);
  assert.equal(nearest([null], 1), -1);
});
test('legends: only this, all again, one less; sorted by a column', () => {
  assert.deepEqual(chosen([true, true, true], 1, false), [false, true, false]);
  assert.deepEqual(chosen([false, true, false], 1, false), [true, true, true]);
  assert.deepEqual(chosen([true, true, true], 1, true), [true, false, true]);
  const row = (k: number, name: string, number: number | null): Row => ({ k, name, css: '', dashed: false, values: [], numbers: [number] });
  const rows = [row(0, 'b10', 5), row(1, 'b9', null), row(2, 'a', 7)];
  assert.deepEqual(
    ordered(rows, 0, true).map((r) => r.k),
    [2, 0, 1],
    'those without a value stand last',
  );
  assert.deepEqual(
    ordered(rows, 0, false).map((r) => r.k),
    [0, 2, 1],
  );
  assert.deepEqual(
    ordered(rows, -1, false).map((r) => r.k),
    [2, 1, 0],
    'numbers in names count',
  );
  assert.deepEqual(ordered(rows, null, false), rows);
});
test('every count is seen on a heatmap', () => {
  assert.deepEqual([stepOf(0, 9), stepOf(null, 9), stepOf(1, 1e9), stepOf(9, 9), stepOf(5, 0)], [0, 0, 1, 12, 0]);
  assert.ok(strengths(64, 0.5).every((part) => part >= 8) && strengths(64, 0.5)[63] === 100);
  assert.ok((strengths(65, 0.5)[16] ?? 0) > (strengths(65, undefined)[16] ?? 0), 'an exponent below one shows few counts stronger');
});
test('colour schemes of heatmaps run from few to many on both grounds', () => {
  const light = (css: string) => (css.match(/\d+/g) ?? []).map(Number).reduce((a, b) => a + b);
  for (const scheme of SCHEMES)
    for (const isDark of [false, true]) {
      const all = shades(scheme, 64, isDark);
      assert.ok(isScheme(scheme), scheme);
      assert.ok(all.length === 64 && all.every((css) => /^rgb\(\d{1,3}, \d{1,3}, \d{1,3}\)$/.test(css)), scheme);
      assert.ok(new Set(all).size > 40, `${scheme}: ${new Set(all).size} colours`);
    }
  assert.deepEqual(
    [shades('Oranges', 3, false), shades('Oranges', 3, true)],
    [
      ['rgb(255, 245, 235)', 'rgb(253, 141, 60)', 'rgb(127, 39, 4)'],
      ['rgb(127, 39, 4)', 'rgb(253, 141, 60)', 'rgb(255, 245, 235)'],
    ],
  );
  assert.deepEqual(shades('Viridis', 9, false), shades('Viridis', 9, true));
  assert.deepEqual([shades('RdYlGn', 2, true)[0], shades('nonsense', 2, false)], ['rgb(0, 104, 55)', shades('Spectral', 2, false)]);
  assert.ok(light(shades('Blues', 2, true)[1] ?? '') > light(shades('Blues', 2, true)[0] ?? ''), 'on a dark ground many are light');
  const ends3 = ends(
    [
      [null, 0, 2],
      [8, 4, null],
    ],
    {},
  );
  assert.deepEqual(
    [ends3, ends([[5]], { min: 0, max: 100 }), ends([[null]], {})],
    [
      [2, 8],
      [0, 100],
      [0, 0],
    ],
  );
  assert.deepEqual(
    [2, 5, 8, 100, -1].map((v) => shadeOf(v, [2, 8], 4)),
    [0, 2, 3, 3, 0],
  );
  assert.equal(shadeOf(7, [7, 7], 4), 0);
});
test('answers are cut into lines wherever the chunks end', async () => {
  const got: string[] = [];
  const c = cutter((l) => got.push(l));
  for (const part of ['{"a"', ':1}\n\n{"b":', '2}\n', '{"c":3}']) c.push(part);
  c.end();
  assert.deepEqual(got, ['{"a":1}', '{"b":2}', '{"c":3}']);
  const bytes = new TextEncoder().encode('{"text":"é"}\nnonsense\n{"done":true}\n'),
    seen: unknown[] = [];
  await read(
    new ReadableStream({
      start(s) {
        for (const b of bytes) s.enqueue(new Uint8Array([b]));
        s.close();
      },
    }),
    (one) => seen.push(one),
  );
  assert.deepEqual(seen, [{ text: 'é' }, { done: true }]);
});
test('variables of the URL go along, and only those', () => {
  assert.equal(variables('?from=now-6h&var-job=a%26b&var-job=c&viewPanel=4&mark-a=off'), 'var-job=a%26b&var-job=c');
  assert.equal(switches('?var-job=a&mark-Own+deploys=off'), 'mark-Own+deploys=off');
});
test('choosing changes one variable of the URL', () => {
  const u = 'http://x/d/a?from=now-6h&var-job=a&var-host=h';
  assert.equal(choose.chosen(u, 'job', ['b', 'c']), 'http://x/d/a?from=now-6h&var-host=h&var-job=b&var-job=c');
  assert.equal(
    choose.chosen(u, 'job', []),
    'http://x/d/a?from=now-6h&var-host=h&var-job=',
    'nothing chosen is said, or the default would come back',
  );
  assert.equal(choose.chosen(u, 'job', ['$__all', 'b']), 'http://x/d/a?from=now-6h&var-host=h&var-job=b');
  assert.equal(new URL(choose.withCondition(u, 'f', 'a|b', '=~', 'x|y')).searchParams.get('var-f'), 'a__gfp__b|=~|x__gfp__y');
});
test('colours are tokens or stay as they are', () => {
  assert.deepEqual(['c1', 'crit', '#890f02', 'rgb(1, 2, 3)', 'transparent', ''].map(css), [
    'var(--c1)',
    'var(--crit)',
    '#890f02',
    'rgb(1, 2, 3)',
    'transparent',
    'var(--c1)',
  ]);
});
test('colours that come again differ', () => {
  const colours = paints(['c1', 'c2', 'c1', 'crit', 'crit', 'c1', 'c1'].map((colour) => ({ colour })));
  assert.equal(new Set(colours.slice(0, 4)).size, 4);
  assert.equal(colours[3], colours[4], 'colours that somebody chose stay');
  assert.equal(colours[6], colours[0]);
});
test('tables leave as CSV that runs nothing', () => {
  assert.equal(
    csv({
      heads: ['time', '=cmd()'],
      rows: [
        ['t', -1.5],
        ['a"b', null],
      ],
    }),
    `time,'=cmd()\nt,-1.5\n"a""b",\n`,
  );
});
