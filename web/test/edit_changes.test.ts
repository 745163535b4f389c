import test from 'node:test';
import assert from 'node:assert/strict';
import { changes } from '../lib/board/edit/changes.ts';
import type { BoardJson, PanelJson } from '../lib/board/edit/draft.ts';
import { lineOf } from '../lib/board/edit/lines.ts';
import { empty } from '../lib/board/edit/sound.ts';

const panel = (id: number, title: string, more: object = {}): PanelJson => ({
  id,
  type: 'stat',
  title,
  gridPos: { x: 0, y: id, w: 6, h: 4 },
  ...more,
});
const board = (more: object): BoardJson => ({ ...empty('Shop'), ...more }) as BoardJson;

test('what was changed is said in words, and nothing where nothing was', () => {
  const before = board({
    panels: [panel(1, 'Orders'), panel(2, 'Errors'), panel(3, ''), panel(4, 'Row', { type: 'row', panels: [] })],
    templating: { list: [{ name: 'job', query: 'a' }, { name: 'gone' }] },
  });
  assert.deepEqual(changes(before, structuredClone(before)), []);
  const now = board({
    title: 'Shop 2',
    tags: ['x'],
    weekStart: 'monday',
    time: { from: 'now-1h', to: 'now' },
    panels: [
      panel(1, 'Orders', { targets: [{ refId: 'A' }] }),
      panel(3, '', { gridPos: { x: 6, y: 0, w: 6, h: 4 } }),
      panel(4, 'Row', { type: 'row', collapsed: true, panels: [] }),
      panel(9, 'New'),
      panel(10, 'Newer'),
    ],
    templating: { list: [{ name: 'job', query: 'b' }, { name: 'host' }] },
  });
  assert.deepEqual(changes(before, now), [
    'Title: “Shop 2” instead of “Shop”',
    'Panels added: “New”, “Newer”',
    'Panels removed: “Errors”',
    'Panels changed: “Orders”',
    '1 panel stands elsewhere or has another size',
    '1 row opened or closed',
    'Variables added: “host”',
    'Variables removed: “gone”',
    'Variables changed: “job”',
    'Tags changed',
    'Time range or refreshing changed',
    'Other settings changed: “weekStart”',
  ]);
});
test('of many names the first are listed', () => {
  const many = changes(board({}), board({ panels: Array.from({ length: 9 }, (_, at) => panel(at + 1, `p${at}`)) }));
  assert.deepEqual(many, ['Panels added: “p0”, “p1”, “p2”, “p3”, “p4”, “p5” and 3 more']);
});
test('panels that go into a row that closes are not changed', () => {
  const inner = panel(2, 'In'),
    row = panel(1, 'Row', { type: 'row', panels: [] });
  assert.deepEqual(changes(board({ panels: [row, inner] }), board({ panels: [{ ...row, collapsed: true, panels: [inner] }] })), [
    '1 row opened or closed',
  ]);
});
test('a path leads to its line', () => {
  const json = {
      panels: [
        { id: 1, options: { a: [1, [2, 3], {}] } },
        { id: 2, type: 'x', fieldConfig: { defaults: { unit: 's' } } },
      ],
      'we.ird': 1,
      title: 't',
    },
    text = JSON.stringify(json, null, 2);
  const line = (path: string): string => text.split('\n')[(lineOf(text, path) ?? 0) - 1]?.trim() ?? '';
  assert.equal(line('panels[1].type'), '"type": "x",');
  assert.equal(line('panels[1].fieldConfig.defaults.unit'), '"unit": "s"');
  assert.equal(line('panels[0].options.a[1][1]'), '3');
  assert.equal(line('title'), '"title": "t"');
  assert.equal(line('panels'), '"panels": [');
  for (const path of ['panels[7]', 'panels[0].type', 'templating.list[0]']) assert.equal(lineOf(text, path), null, path);
});
