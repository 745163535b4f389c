import test from 'node:test';
import assert from 'node:assert/strict';
import { coloured, stripped } from '../lib/logs/ansi.ts';
import { append, count, height, prepend, trim, type Block } from '../lib/logs/blocks.ts';
import { rows } from '../lib/logs/counts.ts';
import { fieldsOf, folded, isFrame, pretty } from '../lib/logs/fold.ts';
import { fresh, streamQuery, type Line } from '../lib/logs/line.ts';
import { loud } from '../lib/logs/patterns.ts';
import { Sampler } from '../lib/logs/sampler.ts';
import { place, token } from '../lang/logql.ts';

test('colours of terminals become classes, everything else of them goes', () => {
  const cases: [string, string][] = [
    ['plain <b>', 'plain &lt;b&gt;'],
    ['\u001b[31mred\u001b[0m not', '<span class="an f1">red</span> not'],
    ['\u001b[1;32mbold\u001b[22m green', '<span class="an f2 bo">bold</span><span class="an f2"> green</span>'],
    ['\u001b[38;5;1mshort\u001b[39m', '<span class="an f1">short</span>'],
    ['\u001b[38;2;1;2;3mtrue\u001b[0m', 'true'],
    ['\u001b[44;97mon\u001b[m', '<span class="an f7 g4">on</span>'],
    ['a\u001b[2Kb\u001b]0;title\u0007c\u001bMd\u001b', 'abcd'],
    ['\u001b[31m<img onerror=x>', '<span class="an f1">&lt;img onerror=x&gt;</span>'],
  ];
  for (const [from, to] of cases) assert.equal(coloured(from), to, JSON.stringify(from));
  assert.equal(stripped('\u001b[31mred\u001b[0m x'), 'red x');
});

test('texts fold to their first line and open to what they are', () => {
  assert.deepEqual(folded('one'), { first: 'one', more: 0 });
  assert.deepEqual(folded('one\r\n two\n three\n\n'), { first: 'one', more: 2 });
  assert.equal(pretty(' {"a":[1]} '), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(pretty('{nothing'), null);
  assert.equal(pretty('a {"b":1}'), null);
  for (const frame of [
    '\tat java.lang.X(Y.java:3)',
    '  File "x.py", line 3',
    '   main.go:31 +0x1d'.replace('main', '/app/main'),
    'goroutine 1 [running]:',
  ])
    assert.ok(isFrame(frame), frame);
  assert.ok(!isFrame('GET / 200'));
});

test('fields are those of JSON and of pairs', () => {
  const cases: [string, Record<string, string>][] = [
    ['{"a":"b","n":{"c":1.5,"d":null},"e":[1]}', { a: 'b', n_c: '1.5', e: '[1]' }],
    ['GET /x 200 bytes=34178 user=u_8129', { bytes: '34178', user: 'u_8129' }],
    ['level=info msg="a \\"b\\" c" took=5ms', { level: 'info', msg: 'a "b" c', took: '5ms' }],
    ['no fields at all 3=4', {}],
    ['{not json} k=v', { k: 'v' }],
  ];
  for (const [text, wanted] of cases) assert.deepEqual({ ...fieldsOf(text) }, wanted, text);
  assert.equal(Object.keys(fieldsOf(Array.from({ length: 500 }, (_, i) => `k${i}=1`).join(' '))).length, 64);
  assert.deepEqual(Object.keys(fieldsOf('__proto__=1 a=2')), ['__proto__', 'a']);
});

test('blocks fill, grow at both ends and are cut', () => {
  const blocks: Block<number>[] = [];
  const upto = (n: number) => Array.from({ length: n }, (_, i) => i);
  assert.equal(append(blocks, upto(250)).length, 3);
  assert.deepEqual(
    blocks.map((b) => b.items.length),
    [100, 100, 50],
  );
  assert.equal(append(blocks, upto(60)).length, 2);
  assert.equal(count(blocks), 310);
  // Newest first: what is added in front keeps its order.
  const live: Block<number>[] = [];
  prepend(live, [3, 2, 1]);
  prepend(live, [5, 4]);
  assert.deepEqual(live[0]?.items, [5, 4, 3, 2, 1]);
  prepend(
    live,
    upto(200).map((i) => 1000 - i),
  );
  assert.equal(live.flatMap((b) => b.items)[0], 1000);
  assert.deepEqual(live.flatMap((b) => b.items).slice(-6), [801, 5, 4, 3, 2, 1]);
  assert.ok(live.every((b) => b.items.length <= 100));
  const dropped = trim(blocks, 150);
  assert.equal(count(blocks), 200);
  assert.equal(dropped.length, 2);
  assert.equal(height({ items: [1, 2], height: null }, 22), 44);
  assert.equal(height({ items: [1, 2], height: 100 }, 22), 100);
});

test('a quiet tail is whole, a loud one is sampled evenly and says so', () => {
  const quiet = new Sampler<number>(500);
  assert.deepEqual(quiet.take([1, 2, 3], 10), { kept: [1, 2, 3], rate: 3, sampled: false });
  const loudly = new Sampler<number>(500);
  let kept = 0,
    last = { rate: 0, sampled: false };
  for (let frame = 0; frame < 600; frame++) {
    const share = loudly.take(
      Array.from({ length: 83 }, (_, i) => i),
      1 + frame * 16.6,
    );
    kept += share.kept.length;
    last = share;
  }
  assert.ok(last.sampled && last.rate > 4_000 && last.rate < 6_000, JSON.stringify(last));
  assert.ok(kept > 3_000 && kept <= 5_600, String(kept));
  for (let s = 0; s < 5; s++) last = loudly.take([1], 10_000 + s * 1001);
  assert.ok(!last.sampled, 'it says so no longer than it is so');
});

test('LogQL is cut into tokens and places are known', () => {
  const kinds = (text: string) => {
    const out: string[] = [];
    for (let at = 0; at < text.length;) {
      const [kind, n] = token(text.slice(at));
      if (kind) out.push(`${text.slice(at, at + n)}/${kind}`);
      at += n;
    }
    return out;
  };
  assert.deepEqual(kinds('sum by (a) (rate({b=~"c"} |= `d` [5m]))').slice(0, 8), [
    'sum/function',
    'by/keyword',
    '(/bracket',
    'a/label',
    ')/bracket',
    '(/bracket',
    'rate/function',
    '(/bracket',
  ]);
  assert.ok(kinds('{b=~"c"} |= `d` | json | took > 5ms').includes('5ms/number'));
  assert.deepEqual(kinds('"open'), ['"open/string']);
  for (const odd of ['§', '\u0000', 'é']) assert.ok(token(odd)[1] > 0);
  assert.deepEqual(place('{'), { what: 'label' });
  assert.deepEqual(place('{a="b", job="'), { what: 'value', label: 'job' });
  assert.equal(place('{a="}|"} | js').what, 'stage');
  assert.equal(place('{a="b"} |= "x" ra').what, 'start');
});

test('patterns are counted over the range, and new ones are told', () => {
  const of = (pattern: string, samples: [number, number][]) => ({ pattern, samples });
  const list = loud(
    [
      of('old', [
        [10, 5],
        [90, 5],
      ]),
      of('fresh', [
        [5, 0],
        [95, 2],
      ]),
      of('none', [[50, 0]]),
    ],
    0,
    100,
  );
  assert.deepEqual(
    list.map((p) => [p.pattern, p.count, p.fresh]),
    [
      ['fresh', 2, true],
      ['old', 10, false],
    ],
  );
  assert.equal(list[1]?.counts.length, 40);
  assert.equal(list[1]?.counts[4], 5);
  // Where lines begin late, they are not all new.
  assert.deepEqual(
    loud(
      [
        of('a', [[95, 1]]),
        of('b', [
          [95, 1],
          [99, 1],
        ]),
      ],
      0,
      100,
    ).map((p) => p.fresh),
    [false, false],
  );
});

test('older lines are those that were not there, however many have one time', () => {
  const line = (t: string, text: string): Line => ({ t, text, level: '', labels: { a: 'b' }, fields: {} });
  const had = [line('5', 'x'), line('5', 'x'), line('5', 'y')];
  const came = [line('5', 'y'), line('5', 'x'), line('5', 'x'), line('5', 'x'), line('5', 'z'), line('4', 'y')];
  assert.deepEqual(
    fresh(had, came).map((l) => l.t + l.text),
    ['5x', '5z', '4y'],
  );
  assert.deepEqual(fresh(came, came), []);
  assert.equal(fresh([], came).length, came.length);
});

test('a stream is found whatever its labels are called', () => {
  assert.equal(streamQuery({ app: 'x"', host: 'h' }), '{app="x\\"", host="h"}');
  assert.equal(streamQuery({ app: 'x', by: 'y' }), '{app="x"} | label_format by_="{{.by}}" | by_="y" | drop by_');
});

test('a step that begins before the range is no spike', () => {
  const samples = Array.from({ length: 41 }, (_, i): [number, number] => [90 * i, 5]);
  const [one] = loud([{ pattern: 'a', samples }], 30, 3630);
  assert.equal(Math.max(...(one?.counts ?? [])), 5);
  assert.equal(
    one?.counts.reduce((a, b) => a + b, 0),
    205,
  );
});

test('counts come row by row, however they are cut', () => {
  assert.deepEqual(rows('{"done":0.5,"html":"a"}\n{"done":'), [[{ done: 0.5, html: 'a' }], '{"done":']);
  assert.deepEqual(rows('{"error":"no"}\n'), [[{ error: 'no' }], '']);
  assert.deepEqual(rows(''), [[], '']);
});
