import test from 'node:test';
import assert from 'node:assert/strict';
import { added } from '../lib/board/edit/added.ts';
import { placeOf } from '../lib/board/edit/places.ts';

const of = (address: string) => added(`#${address}`, 7);

test('queries become a panel as they were shown', () => {
  const panel = of('add=stacked&q=rate(a%5B5m%5D)&q=b&legend=%7B%7Bjob%7D%7D&step=30&unit=ops');
  assert.deepEqual([panel?.id, panel?.type, panel?.datasource], [7, 'timeseries', { type: 'prometheus', uid: 'metrics' }]);
  assert.deepEqual(panel?.fieldConfig, {
    defaults: { unit: 'ops', custom: { fillOpacity: 25, stacking: { mode: 'normal', group: 'A' } } },
    overrides: [],
  });
  assert.deepEqual(
    panel?.targets,
    ['rate(a[5m])', 'b'].map((expr, at) => ({
      refId: 'AB'[at],
      datasource: { type: 'prometheus', uid: 'metrics' },
      expr,
      legendFormat: '{{job}}',
      interval: '30s',
    })),
  );
  assert.equal(placeOf(panel!).w, 12);
  assert.deepEqual([of('add=graph&q=up')?.title, of('add=graph&q=up')?.fieldConfig], ['up', { defaults: {}, overrides: [] }]);
  assert.equal(of('add=stat&q=up')?.type, 'stat');
  assert.deepEqual((of('add=table&q=up')?.targets as object[])[0], {
    refId: 'A',
    datasource: { type: 'prometheus', uid: 'metrics' },
    expr: 'up',
    instant: true,
    range: false,
    format: 'table',
  });
});
test('searches of logs ask the logs', () => {
  const panel = of('add=logs&lang=logql&q=%7Ba%3D%22b%22%7D');
  assert.deepEqual([panel?.type, panel?.title, panel?.datasource], ['logs', '{a="b"}', { type: 'loki', uid: 'logs' }]);
  assert.equal(of('add=graph&lang=logql&q=x')?.type, 'timeseries');
  assert.deepEqual((of('add=table&lang=logql&q=x')?.targets as object[])[0], {
    refId: 'A',
    datasource: { type: 'loki', uid: 'logs' },
    expr: 'x',
    queryType: 'instant',
    format: 'table',
  });
});
test('what is none, or too much, adds nothing', () => {
  for (const address of [
    '',
    'add=graph',
    'add=constructor&q=up',
    'add=odd&q=up',
    `add=graph${'&q=a'.repeat(11)}`,
    `add=graph&q=${'a'.repeat(12_001)}`,
  ])
    assert.equal(of(address), null, address.slice(0, 40));
  assert.notEqual(of(`add=graph&q=${'a'.repeat(200)}`)?.title, 'a'.repeat(200));
});
