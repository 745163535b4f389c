import test from 'node:test';
import assert from 'node:assert/strict';
import { isAboutVariable, standIn } from '../lang/stand_in.ts';
import { Draft, panelOf, type BoardJson, type Json, type Obj, type PanelJson } from '../lib/board/edit/draft.ts';
import { mappingRows, mappingsOf } from '../lib/board/edit/panel/mapped.ts';
import { at, put } from '../lib/board/edit/panel/path.ts';
import { alone, asked, asTable, freeLetter, sourced, turned } from '../lib/board/edit/panel/turn.ts';
import { Work } from '../lib/board/edit/panel/work.ts';
import { speaks } from '../lib/board/edit/parts/source.tsx';

const panel = (more: Obj = {}): PanelJson =>
  ({
    id: 2,
    type: 'timeseries',
    title: 'CPU',
    gridPos: { x: 0, y: 0, w: 12, h: 8 },
    targets: [{ refId: 'A', expr: 'up' }],
    ...more,
  }) as unknown as PanelJson;
const board = (...panels: PanelJson[]): BoardJson => ({
  title: 'Board',
  panels,
  templating: { list: [{ name: 'ds', type: 'datasource', query: 'loki' }] },
});
const draft = (...panels: PanelJson[]) => new Draft(board(...panels), { uid: 'b', version: 1, folderUid: '', file: '' });

test('values are found and put by paths, and empty objects go', () => {
  const json: Obj = { options: { legend: { calcs: ['last'] } } };
  assert.deepEqual(at(json, 'options.legend.calcs'), ['last']);
  assert.equal(at(json, 'options.none.calcs'), undefined);
  put(json, 'fieldConfig.defaults.custom.lineWidth', 2);
  assert.equal(at(json, 'fieldConfig.defaults.custom.lineWidth'), 2);
  put(json, 'fieldConfig.defaults.custom.lineWidth', undefined);
  assert.deepEqual(json, { options: { legend: { calcs: ['last'] } }, fieldConfig: {} });
  put(json, 'a.b.c', undefined);
  assert.equal('a' in json, false);
});

test('another type keeps what fits and goes back whole', () => {
  const before = panel({
    options: { legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['max'] }, tooltip: { mode: 'multi' } },
    fieldConfig: {
      defaults: { unit: 'bytes', custom: { lineWidth: 3, hideFrom: { viz: false } } },
      overrides: [
        {
          matcher: { id: 'byName', options: 'a' },
          properties: [
            { id: 'custom.lineWidth', value: 1 },
            { id: 'unit', value: 's' },
          ],
        },
        { matcher: { id: 'byName', options: 'b' }, properties: [{ id: 'custom.lineWidth', value: 1 }] },
      ],
    },
    transformations: [{ id: 'merge', options: {} }],
  });
  const stat = turned(before, 'stat') as unknown as Obj;
  assert.equal(stat.type, 'stat');
  assert.deepEqual(at(stat, 'options.reduceOptions'), { values: false, calcs: ['lastNotNull'], fields: '' });
  assert.equal(at(stat, 'options.legend'), undefined);
  assert.deepEqual(at(stat, 'fieldConfig.defaults'), { unit: 'bytes' });
  assert.deepEqual(at(stat, 'fieldConfig.overrides'), [
    { matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'unit', value: 's' }] },
  ]);
  assert.deepEqual([stat.targets, stat.transformations], [[{ refId: 'A', expr: 'up' }], [{ id: 'merge', options: {} }]]);
  const pie = turned(before, 'piechart') as unknown as Obj;
  assert.deepEqual(at(pie, 'options.legend'), { displayMode: 'table', placement: 'right', showLegend: true, values: [] });
  const words = turned(before, 'text') as unknown as Obj;
  assert.deepEqual([words.targets, words.fieldConfig, words.options], [undefined, undefined, { mode: 'markdown', content: '' }]);
  const old = turned(panel({ type: 'graph', yaxes: [{}], lines: true, legend: { show: true } }), 'timeseries') as unknown as Obj;
  assert.deepEqual([old.type, old.yaxes, old.legend, at(old, 'options.legend.showLegend')], ['timeseries', undefined, undefined, true]);

  const d = draft(before),
    work = new Work(d, 2);
  work.turn('stat');
  work.turn('timeseries');
  assert.deepEqual(at(work.json, 'options.legend.calcs'), ['max']);
  assert.equal(at(work.json, 'fieldConfig.defaults.custom.lineWidth'), 3);
  d.undo();
  d.undo();
  assert.deepEqual(panelOf(d.json, 2), before);
});

test('changes of one option are one step, and all changes can be given up', () => {
  const d = draft(panel()),
    work = new Work(d, 2);
  for (const title of ['a', 'ab', 'abc']) work.set('title', 'Title', title);
  assert.equal(d.undoes, 'Change “Title”');
  d.undo();
  assert.equal(d.isDirty, false);
  work.set('title', 'Title', 'x');
  work.set('transparent', 'T', true);
  work.discard();
  assert.deepEqual(panelOf(d.json, 2), work.first);
});

test('only what is asked or shown asks anew', () => {
  const json = board(panel());
  const key = (more: Obj) => asked(json, panel(more));
  assert.equal(key({ title: 'Another', description: 'x', links: [{ title: 'x' }], gridPos: { x: 3 } }), key({}));
  assert.notEqual(key({ title: 'On $host' }), key({}));
  assert.notEqual(key({ options: { legend: {} } }), key({}));
  assert.notEqual(asked({ ...json, templating: { list: [] } }, panel()), key({}));
});

test('a panel stands alone with others behind it', () => {
  const json = board(panel({ repeat: 'host' }), { ...panel(), id: 3 }, {
    id: 4,
    type: 'row',
    gridPos: { x: 0, y: 9, w: 24, h: 1 },
    panels: [{ ...panel(), id: 5 }],
  } as unknown as PanelJson);
  const shown = alone(json, json.panels[0] as PanelJson);
  assert.deepEqual(
    shown.panels.map((one) => [one.id, one.type]),
    [
      [2, 'timeseries'],
      [6, 'row'],
    ],
  );
  assert.equal((shown.panels[0] as unknown as Obj).repeat, undefined);
  assert.deepEqual(
    shown.panels[1]?.panels?.map((one) => one.id),
    [3, 5],
  );
  assert.equal(json.panels.length, 3);
});

test('a table of a panel is one of its series', () => {
  const made = asTable(panel({ fieldConfig: { defaults: { unit: 's', custom: { lineWidth: 1 } }, overrides: [] } })) as unknown as Obj;
  assert.deepEqual(
    [made.type, at(made, 'fieldConfig.defaults'), made.transformations],
    ['table', { unit: 's' }, [{ id: 'joinByField', options: { mode: 'outer' } }]],
  );
  assert.deepEqual((asTable(panel({ type: 'stat', transformations: [{ id: 'merge' }] })) as unknown as Obj).transformations, [
    { id: 'merge' },
  ]);
});

test('queries go where their panel goes, unless they say', () => {
  const metrics = { type: 'prometheus', uid: 'metrics' },
    logs = { type: 'loki', uid: 'logs' },
    reckoning = { type: '__expr__', uid: '__expr__' };
  const one: Obj = {
    datasource: metrics,
    targets: [{ refId: 'A', datasource: metrics }, { refId: 'B' }, { refId: 'C', datasource: reckoning }],
  };
  sourced(one, logs);
  assert.deepEqual(one, {
    datasource: logs,
    targets: [{ refId: 'A', datasource: logs }, { refId: 'B' }, { refId: 'C', datasource: reckoning }],
  });
  sourced(one, { type: 'datasource', uid: '-- Mixed --' });
  assert.deepEqual(at(one, 'targets'), [{ refId: 'A', datasource: logs }, { refId: 'B' }, { refId: 'C', datasource: reckoning }]);
  sourced(one, undefined);
  assert.deepEqual(one, { targets: [{ refId: 'A' }, { refId: 'B' }, { refId: 'C', datasource: reckoning }] });
});

test('letters go on', () => {
  assert.equal(freeLetter([]), 'A');
  assert.equal(freeLetter(['A', 'C']), 'B');
  assert.equal(freeLetter(Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i))), 'AA');
});

test('texts for values are rows and JSON again', () => {
  const json: Json = [
    { type: 'value', options: { 1: { text: 'up', color: 'green', index: 1 }, 0: { text: 'down', index: 0, icon: 'x' } } },
    { type: 'range', options: { from: 2, to: null, result: { text: 'many', index: 2 } } },
    { type: 'special', options: { match: 'nan', result: { text: 'none', index: 3 } } },
    { type: 1, value: 'null', text: 'N/A' },
  ];
  const rows = mappingRows(json);
  assert.deepEqual(
    rows.map((row) => [row.type, row.match, row.text]),
    [
      ['value', '0', 'down'],
      ['value', '1', 'up'],
      ['range', '', 'many'],
      ['special', 'nan', 'none'],
      ['special', 'null', 'N/A'],
    ],
  );
  assert.deepEqual(
    mappingRows(mappingsOf(rows)).map((row) => [row.match, row.from, row.to, row.text, row.color]),
    rows.map((row) => [row.match, row.from, row.to, row.text, row.color]),
  );
  assert.deepEqual((mappingsOf(rows) as Obj[])[0], { type: 'value', options: { 0: { icon: 'x', index: 0, text: 'down' } } });
});

test('variables stand for something of their length', () => {
  for (const [given, expected] of [
    ['rate(x{job="$job"}[$__rate_interval]) offset $by', /^rate\(x\{job="\$job"\}\[0{14}5m\]\) offset 05m$/],
    ['${metric:raw}{a="[[b]]"}', /^v{13}\{a="\[\[b\]\]"\}$/],
    ['sum by ([[label]]) (x) # $note', /^sum by \(v{9}\) \(x\) # \$note$/],
    ["x{a='it\\'s $a'}", /^x\{a='it\\'s \$a'\}$/],
    ['x[5m:$step]', /^x\[5m:0005m\]$/],
  ] as const) {
    const found = standIn(given);
    assert.equal(found.text.length, given.length, given);
    assert.match(found.text, expected);
  }
  assert.ok(isAboutVariable(3, 5, [[4, 9]]) && !isAboutVariable(0, 4, [[4, 9]]));
});

test('a source says its language', () => {
  const json = board();
  assert.equal(speaks(undefined, json), 'promql');
  assert.equal(speaks({ type: 'loki', uid: 'x' }, json), 'logql');
  assert.equal(speaks({ uid: '${ds}' }, json), 'logql');
  assert.equal(speaks({ type: 'prometheus', uid: 'metrics' }, json), 'promql');
  assert.equal(speaks(undefined, json, 'logql'), 'logql');
  assert.equal(speaks({ type: '__expr__', uid: '__expr__' }, json), '');
  assert.equal(speaks({ type: 'datasource', uid: '-- Mixed --' }, json, 'logql'), 'logql');
});

test('a panel of an older form is edited as what it becomes, and undo brings the older one back', async () => {
  const older = panel({ type: 'graph', yaxes: [{ format: 'bytes' }], targets: [{ refId: 'A', expr: 'up' }] });
  const today = {
    id: 0,
    type: 'timeseries',
    title: 'CPU',
    targets: [{ refId: 'A', expr: 'up' }],
    options: {},
    fieldConfig: { defaults: { unit: 'bytes' }, overrides: [] },
  };
  const asked: unknown[] = [],
    fetch = globalThis.fetch;
  globalThis.fetch = ((url: string, sent: { body: string }) => {
    asked.push([url, (JSON.parse(sent.body) as { type: string }).type]);
    return Promise.resolve(Response.json({ panel: today }));
  }) as unknown as typeof globalThis.fetch;
  try {
    const all = draft(older),
      work = new Work(all, 2);
    assert.equal(work.isOlder, false);
    assert.equal(await work.modernise(), true);
    assert.deepEqual(
      [work.isOlder, work.isChanged, work.kind, work.get('fieldConfig.defaults.unit'), all.isDirty],
      [true, false, 'timeseries', 'bytes', false],
    );
    work.set('fieldConfig.defaults.decimals', 'Decimals', 1);
    const kept = panelOf(all.json, 2) as unknown as Obj;
    assert.deepEqual(
      [kept.type, kept.id, kept.yaxes, kept.gridPos, at(kept, 'fieldConfig.defaults')],
      ['timeseries', 2, undefined, older.gridPos, { unit: 'bytes', decimals: 1 }],
    );
    assert.deepEqual([work.isOlder, work.isChanged], [false, true]);
    all.undo();
    assert.deepEqual([panelOf(all.json, 2), work.isOlder, work.isChanged], [older, true, false]);
    work.turn('timeseries');
    assert.deepEqual([panelOf(all.json, 2)?.type, work.isOlder], ['timeseries', false]);
    work.discard();
    assert.deepEqual([panelOf(all.json, 2), work.isChanged], [older, false]);
    work.turn('stat');
    assert.deepEqual([panelOf(all.json, 2)?.type, at(panelOf(all.json, 2), 'fieldConfig.defaults.unit')], ['stat', 'bytes']);
    assert.deepEqual(asked, [['/ui/boards/modern', 'graph']]);
    // What has the form of today is not asked about.
    assert.equal(await new Work(draft(panel()), 2).modernise(), false);
    assert.equal(asked.length, 1);
  } finally {
    globalThis.fetch = fetch;
  }
});
