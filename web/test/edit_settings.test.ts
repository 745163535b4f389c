import test from 'node:test';
import assert from 'node:assert/strict';
import { offset, zones } from '../lib/board/edit/settings/zones.ts';
import { readdirSync } from 'node:fs';
import { ar } from '../lang/ar_edit_settings.ts';
import { Draft, type BoardJson, type PanelJson } from '../lib/board/edit/draft.ts';
import * as annotation from '../lib/board/edit/settings/annotation.ts';
import { isList, linksIn, wrongUrl } from '../lib/board/edit/settings/link.ts';
import { asking, definition, forms, from, read, wanted, write } from '../lib/board/edit/settings/query.ts';
import { rename, usesOf } from '../lib/board/edit/settings/uses.ts';
import {
  type VariableJson,
  chosen,
  freeName,
  fresh,
  kinds,
  listed,
  split,
  turned,
  variablesIn,
  variablesOf,
  withChosen,
  withMany,
  wrongName,
} from '../lib/board/edit/settings/variable.ts';
import { source } from './source.ts';

const place = { x: 0, y: 0, w: 12, h: 8 };
const variable = (rest: object): VariableJson => ({ name: 'v', type: 'query', ...rest }) as VariableJson;

test('queries of variables are taken apart as the server does', () => {
  for (const [query, want] of [
    ['label_names()', { form: 'names', label: '', of: '' }],
    ['label_names(up) ', { form: 'names', label: '', of: 'up' }],
    ['label_values(job)', { form: 'values', label: 'job', of: '' }],
    ['label_values(up{a="x,y", b=~"(c)"}, job)', { form: 'values', label: 'job', of: 'up{a="x,y", b=~"(c)"}' }],
    ['label_values(up{},job)', { form: 'values', label: 'job', of: 'up{}' }],
    ['metrics(node_.*)', { form: 'metrics', label: '', of: 'node_.*' }],
    ['query_result(topk(5, up))', { form: 'result', label: '', of: 'topk(5, up)' }],
    ['up{job="a"}', { form: 'series', label: '', of: 'up{job="a"}' }],
    ['', { form: 'values', label: '', of: '' }],
  ] as const) {
    assert.deepEqual(read(query), want, query);
    assert.deepEqual(read(write(read(query))), want, query);
  }
});

test('queries are written as Grafana writes them for metrics and logs', () => {
  const metrics = asking(
    variable({ query: { query: 'label_values(job)', refId: 'Prometheus-job-Variable-Query' } }),
    { form: 'values', label: 'job', of: 'up' },
    false,
  );
  assert.deepEqual(metrics.query, { qryType: 1, query: 'label_values(up, job)', refId: 'Prometheus-job-Variable-Query' });
  assert.equal(metrics.definition, 'label_values(up, job)');
  const logs = asking(metrics, { form: 'values', label: 'app', of: '{job="x"}' }, true);
  assert.deepEqual(logs.query, { refId: 'LokiVariableQueryEditor-VariableQuery', type: 1, label: 'app', stream: '{job="x"}' });
  assert.deepEqual(wanted(logs), { form: 'values', label: 'app', of: '{job="x"}' });
  assert.equal(definition(asking(logs, { form: 'names', label: '', of: '' }, true)), 'label_names()');
  const text = asking(variable({}), { form: 'text', label: '', of: 'label_values(a)' }, false);
  assert.equal(wanted(text).form, 'text', 'what is written by hand stays so');
  assert.equal(wanted(variable({ query: 'label_values(a, b)' })).label, 'b', 'older ones are a text');
  assert.equal(wanted(asking(variable({}), { form: 'metrics', label: '', of: '' }, false)).form, 'metrics', 'a form may be empty');
  const moved = from(metrics, { type: 'loki', uid: 'logs' }, false, true);
  assert.deepEqual(moved.query, { refId: 'LokiVariableQueryEditor-VariableQuery', type: 1, label: 'job', stream: 'up' });
  assert.equal(from(text, undefined, false, false).datasource, undefined);
  assert.deepEqual(
    forms(true).map(([form]) => form),
    ['values', 'names'],
  );
});

test('every kind begins as Grafana has it, and keeps what holds for the next', () => {
  for (const [kind] of kinds()) {
    const one = fresh(kind, 'x');
    assert.deepEqual([one.name, one.type], ['x', kind]);
    assert.ok(kind === 'adhoc' || 'current' in one, kind);
  }
  const many = { ...fresh('query', 'job'), label: 'Job', multi: true, includeAll: true, hide: 1 } as VariableJson,
    list = turned(many, 'custom');
  assert.deepEqual([list.label, list.multi, list.includeAll, list.hide, list.definition], ['Job', true, true, 1, undefined]);
  assert.equal(turned(many, 'constant').hide, 2);
  assert.equal(turned(turned(many, 'constant'), 'query').hide, 0, 'nobody wanted it hidden');
  assert.equal(turned(many, 'query'), many);
});

test('choices of lists stand in the JSON with what is chosen', () => {
  assert.deepEqual(split(' a, b\\,c ,Text : value, 1m,, x:y'), [
    ['a', 'a'],
    ['b,c', 'b,c'],
    ['Text', 'value'],
    ['1m', '1m'],
    ['x:y', 'x:y'],
  ]);
  const list = listed(variable({ type: 'custom', query: 'a,B : b', current: { text: 'B', value: 'b' } }));
  assert.deepEqual(list.options, [
    { selected: false, text: 'a', value: 'a' },
    { selected: true, text: 'B', value: 'b' },
  ]);
  assert.deepEqual(
    withChosen({ ...list, multi: true } as VariableJson, [
      ['a', 'a'],
      ['B', 'b'],
    ]).current,
    { text: ['a', 'B'], value: ['a', 'b'] },
  );
  assert.deepEqual(
    withChosen({ ...list, multi: true, includeAll: true } as VariableJson, [
      ['a', 'a'],
      ['All', '$__all'],
    ]).current,
    { text: ['All'], value: ['$__all'] },
    'all is all',
  );
  assert.deepEqual(withChosen(list, []).current, {});
  const many = withMany(list, 'multi', true);
  assert.deepEqual(many.current, { text: ['B'], value: ['b'] });
  assert.deepEqual(withMany(many, 'multi', false).current, { text: 'B', value: 'b' });
  const all = withMany(withChosen({ ...many, includeAll: true } as VariableJson, [['All', '$__all']]), 'includeAll', false);
  assert.deepEqual(chosen(all), [], 'all goes with its switch');
  assert.deepEqual(chosen(variable({ current: { text: 'All', value: 'All' } })), ['$__all']);
  assert.deepEqual(listed(variable({ type: 'textbox', query: 'x' })).current, { text: 'x', value: 'x' });
  assert.deepEqual(
    (listed(variable({ type: 'interval', name: 'w', query: '1m,5m', auto: true })).options as { value: string }[]).map((o) => o.value),
    ['$__auto_interval_w', '1m', '5m'],
  );
});

test('names are checked in words', () => {
  assert.equal(wrongName('job_2', ['x']), '');
  for (const [name, said] of [
    ['', 'needs a name'],
    ['a b', 'letters, digits'],
    ['é', 'letters, digits'],
    ['__x', 'built-in'],
    ['x', 'already'],
    ['a'.repeat(101), 'at most 100'],
  ] as const)
    assert.match(wrongName(name, ['x']), new RegExp(said), name);
  assert.equal(freeName('a', ['a', 'a2']), 'a3');
});

const board = (): BoardJson => ({
  title: 'Of $job',
  templating: {
    list: [
      { name: 'job', type: 'query' },
      { name: 'jobs', type: 'custom', query: '1' },
      { name: 'node', type: 'query', query: 'label_values(up{job="$job"}, node)' },
    ],
  },
  annotations: { list: [{ name: 'Deploys', expr: 'x{job="[[job]]"}' }] },
  links: [{ title: 'Next', url: '/d/x?${job:queryparam}' }],
  panels: [
    {
      id: 1,
      type: 'row',
      title: 'Row',
      gridPos: place,
      panels: [{ id: 2, type: 'stat', title: 'In', gridPos: place, targets: [{ expr: 'up{job=~"${job:regex}"}' }] }],
    },
    { id: 3, type: 'stat', title: '$jobs', gridPos: place, repeat: 'job' },
    { id: 4, type: 'stat', title: '$jobs and $job_x', gridPos: place },
  ] as PanelJson[],
});

test('it is known who uses a variable, and all of them learn its new name', () => {
  const uses = usesOf(board(), 'job');
  assert.deepEqual(
    uses.panels.map((panel) => panel.id),
    [2, 3],
  );
  assert.deepEqual(uses.others, ['the variable node', 'the annotations Deploys', 'the link Next', 'the title']);
  assert.deepEqual(
    usesOf(board(), 'jobs').panels.map((panel) => panel.id),
    [3, 4],
  );
  const next = board();
  rename(next, 'job', 'task');
  assert.equal(next.title, 'Of $task');
  assert.deepEqual(
    variablesOf(next).map((one) => one.name),
    ['task', 'jobs', 'node'],
  );
  assert.equal(next.panels[1]?.repeat, 'task');
  assert.match(JSON.stringify(next), /\$\{task:regex\}.*\$jobs and \$job_x/);
  assert.match(JSON.stringify(next), /\[\[task\]\].*\$\{task:queryparam\}/);
  assert.deepEqual(usesOf(next, 'job'), { panels: [], others: [] });
});

test('changes go through the draft, also where a dashboard has no lists yet', () => {
  const draft = new Draft({ title: 'x', panels: [] }, { uid: 'x', version: 1, folderUid: '', file: '' });
  draft.change('add', (json) => {
    variablesIn(json).push(fresh('custom', 'a'));
    annotation.annotationsIn(json).push(annotation.fresh('b'));
    linksIn(json).push({ title: 'c' });
  });
  assert.equal(variablesOf(draft.json).length + annotation.annotationsOf(draft.json).length, 2);
  draft.undo();
  assert.deepEqual(draft.json, { title: 'x', panels: [] });
});

test('annotations are known by where they come from, and older forms are understood', () => {
  const json = { ...board(), templating: { list: [{ name: 'src', type: 'datasource', query: 'loki' }] } } as BoardJson;
  const one = (rest: object) => ({ name: 'a', ...rest }) as annotation.AnnotationJson;
  for (const [given, origin] of [
    [{ builtIn: 1, datasource: '-- Grafana --' }, 'own'],
    [{ datasource: { type: 'grafana', uid: '-- Grafana --' }, target: { type: 'dashboard' } }, 'own'],
    [{ datasource: { type: 'datasource', uid: 'grafana' }, target: { type: 'tags', tags: ['x'] } }, 'tags'],
    [{ datasource: '$src', expr: '{a="b"}' }, 'logs'],
    [{ datasource: { type: 'prometheus', uid: 'x' }, expr: 'up' }, 'metrics'],
    [{ expr: 'up' }, 'metrics'],
  ] as const)
    assert.equal(annotation.origin(one(given), json), origin, JSON.stringify(given));
  const old = annotation.asking(one({ expr: 'up', step: '60s', titleFormat: 't' }), 'expr', 'down');
  assert.deepEqual(old, { name: 'a', titleFormat: 't', target: { refId: 'Anno', expr: 'down', interval: '60s' } });
  const logs = annotation.turned(old, 'logs');
  assert.deepEqual(
    [logs.datasource, logs.target],
    [
      { type: 'loki', uid: 'logs' },
      { expr: 'down', refId: 'Anno', queryType: 'range' },
    ],
  );
  const alerts = annotation.turned(old, 'alerts');
  assert.equal(annotation.origin(alerts, json), 'alerts');
  assert.equal(annotation.origin(annotation.turned(alerts, 'metrics'), json), 'metrics', 'there is a way back');
  for (const [filter, where] of [
    [undefined, 'all'],
    [{}, 'all'],
    [{ exclude: true, ids: [] }, 'all'],
    [{ exclude: true, ids: [1] }, 'but'],
    [{ exclude: false, ids: [1] }, 'only'],
    [{ ids: [] }, 'only'],
  ] as const)
    assert.equal(annotation.whereOf(one(filter ? { filter } : {})).where, where, JSON.stringify(filter));
  assert.deepEqual(annotation.marked(annotation.marked(one({}), 'but', [2]), 'all', []), { name: 'a' });
  const tags = annotation.tagged(annotation.fresh('x'), { tags: ['a', 'b'], matchAny: true });
  assert.equal(annotation.summary(tags, json), 'a or b');
});

test('links say what is wrong with their address', () => {
  for (const good of ['https://x', '/d/x', '?a=1', '$url', 'mailto:a@b']) assert.equal(wrongUrl(good), '', good);
  for (const bad of ['', ' ', 'javascript:alert(1)', 'x']) assert.notEqual(wrongUrl(bad), '', bad);
  assert.equal(isList({ title: '', tags: [] }), true);
  assert.equal(isList({ title: '', url: '/d/x' }), false);
});

test('every text of the settings has Arabic, and nothing else is there', () => {
  const asked = new Set<string>(),
    folder = 'lib/board/edit/settings';
  for (const file of readdirSync(folder)) {
    const text = source(`${folder}/${file}`);
    for (const [, key] of text.matchAll(/\bt\('((?:[^'\\]|\\.)+)'/g)) asked.add((key ?? '').replaceAll('\\\\', '\\'));
    for (const [, key] of text.matchAll(/\bn\([^']*'[^']+', '([^']+)'\)/g)) asked.add(key ?? '');
  }
  assert.ok(asked.size > 150, String(asked.size));
  assert.deepEqual(
    [...asked].filter((key) => !(key in ar)),
    [],
    'texts without Arabic',
  );
  assert.deepEqual(
    Object.keys(ar).filter((key) => !asked.has(key)),
    [],
    'texts that nothing asks for',
  );
  for (const [key, value] of Object.entries(ar)) {
    const holes = (text: string) => text.split('{}').length;
    if (value.includes('|')) assert.equal(value.split('|').length, 6, key);
    else assert.equal(holes(value), holes(key), key);
  }
});

test('time zones are offered by name, with how far they are from UTC', () => {
  const all = zones(),
    berlin = all.find((one) => one.value === 'Europe/Berlin');
  assert.ok(
    all.length > 300 && all.every((one) => one.value.includes('/') && /^UTC([+-]\d\d:\d\d)?$/.test(one.hint ?? '')),
    String(all.length),
  );
  assert.ok(berlin && all.some((one) => one.label === 'America/New York'));
  assert.deepEqual(
    [
      offset('Europe/Berlin', new Date('2026-01-15')),
      offset('Europe/Berlin', new Date('2026-07-15')),
      offset('Africa/Abidjan', new Date(0)),
      offset('Asia/Kolkata', new Date(0)),
    ],
    ['UTC+01:00', 'UTC+02:00', 'UTC', 'UTC+05:30'],
  );
});
