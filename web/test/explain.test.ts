import test from 'node:test';
import assert from 'node:assert/strict';
import { duration, explain, type Node } from '../lang/explain.ts';

const select = (name: string, more: Partial<Node> = {}): Node => ({
  type: 'vectorSelector',
  name,
  matchers: [{ name: '__name__', type: '=', value: name }],
  ...more,
});
const window = (name: string, more: Partial<Node> = {}): Node => select(name, { type: 'matrixSelector', range: 300_000, ...more });

test('a query is told step by step, innermost first', () => {
  const rate: Node = {
    type: 'call',
    func: { name: 'rate' },
    args: [
      window('x_total', {
        matchers: [
          { name: '__name__', type: '=', value: 'x_total' },
          { name: 'job', type: '=', value: 'api' },
          { name: 'code', type: '!~', value: '5..' },
        ],
      }),
    ],
  };
  const steps = explain({
    type: 'binaryExpr',
    op: '/',
    lhs: { type: 'aggregation', op: 'sum', expr: rate, grouping: ['route', 'env'], without: false, param: null },
    rhs: { type: 'numberLiteral', val: '2' },
    bool: false,
    matching: null,
  });
  assert.deepEqual(
    steps.map((s) => s.code),
    ['x_total{job="api", code!~"5.."}[5m]', 'rate(…)', 'sum by (route, env) (…)', '… / …'],
  );
  assert.deepEqual(
    steps.map((s) => s.words),
    [
      'All series called x_total where job is “api”, code does not match “5..”, with their samples of the last 5m.',
      'How fast step 1 grows a second, as a mean over the window; resets of counters are allowed for.',
      'Adds up step 2, one result for each route, env.',
      'Divides step 3 by 2.',
    ],
  );
});
test('parameters, shifts, subqueries and unknown functions have words', () => {
  const words = (node: Node) =>
    explain(node)
      .map((s) => s.words)
      .at(-1);
  assert.equal(
    words({ type: 'aggregation', op: 'topk', param: { type: 'numberLiteral', val: '3' }, expr: select('up'), grouping: [] }),
    'Keeps the highest of step 1 (parameter 3), of all series.',
  );
  assert.equal(
    words(select('up', { offset: 3_600_000, timestamp: 0 })),
    'All series called up. Seen from 1970-01-01T00:00:00.000Z. Looked up 1h earlier.',
  );
  assert.equal(
    words({ type: 'subquery', expr: select('up'), range: 600_000, step: 60_000, offset: 0 }),
    'Works out step 1 again and again over the last 10m.',
  );
  assert.equal(
    words({ type: 'call', func: { name: 'histogram_quantile' }, args: [{ type: 'numberLiteral', val: '0.9' }, select('b')] }),
    'The value below which the given share of observations of step 1 lies.',
  );
  assert.equal(words({ type: 'call', func: { name: 'holt' }, args: [select('b')] }), 'Puts step 1 through the function holt.');
  assert.equal(words({ type: 'numberLiteral', val: '1' }), 'The same value at every time.');
  assert.equal(duration(5_400_000), '1h30m');
  let deep: Node = select('x');
  for (let i = 0; i < 5000; i++) deep = { type: 'parenExpr', expr: deep };
  assert.ok(explain(deep).length > 0);
});
