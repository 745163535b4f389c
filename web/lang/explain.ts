/** A query in words: from the tree of `/api/v1/parse_query` to steps, in the order in which they are worked out. No DOM. */
import { learn, t } from '../lib/words.ts';

await learn({ ar: () => import('./ar_explain.ts') });

export interface Step {
  code: string;
  words: string;
}
interface Matcher {
  name: string;
  type: string;
  value: string;
}
export interface Node {
  type: string;
  op?: string;
  expr?: Node;
  lhs?: Node;
  rhs?: Node;
  args?: Node[];
  param?: Node | null;
  func?: { name: string };
  name?: string;
  matchers?: Matcher[];
  range?: number;
  step?: number;
  offset?: number;
  timestamp?: number | null;
  startOrEnd?: string | null;
  val?: string;
  grouping?: string[];
  without?: boolean;
  bool?: boolean;
  matching?: { card: string; labels: string[]; on: boolean } | null;
}

/** What a function does to its argument, `{}`. */
const FUNCTIONS: Record<string, string> = {
  rate: 'How fast {} grows a second, as a mean over the window; resets of counters are allowed for.',
  irate: 'How fast {} grows a second, by its last two samples.',
  increase: 'How much {} grew over the window; resets of counters are allowed for.',
  delta: 'The difference between the last and the first value of {} in the window.',
  idelta: 'The difference between the last two values of {}.',
  deriv: 'The slope of {} a second, by a line through all samples.',
  predict_linear: 'Where {} will be if it goes on as in the window.',
  histogram_quantile: 'The value below which the given share of observations of {} lies.',
  avg_over_time: 'The mean of {} over the window.',
  min_over_time: 'The lowest value of {} in the window.',
  max_over_time: 'The highest value of {} in the window.',
  sum_over_time: 'The sum of all samples of {} in the window.',
  count_over_time: 'How many samples {} has in the window.',
  last_over_time: 'The newest sample of {} in the window.',
  quantile_over_time: 'The given quantile of {} over the window.',
  stddev_over_time: 'How much {} scatters over the window.',
  present_over_time: '1 for every series that {} has in the window.',
  absent: '1 when {} has nothing, else nothing.',
  absent_over_time: '1 when {} has nothing in the window, else nothing.',
  changes: 'How often {} changed in the window.',
  resets: 'How often {} was reset in the window.',
  abs: '{} without its sign.',
  ceil: '{} rounded up.',
  floor: '{} rounded down.',
  round: '{} rounded.',
  sqrt: 'The square root of {}.',
  ln: 'The natural logarithm of {}.',
  log2: 'The binary logarithm of {}.',
  log10: 'The decimal logarithm of {}.',
  exp: 'The exponential of {}.',
  clamp: '{}, held between two bounds.',
  clamp_min: '{}, but never below the bound.',
  clamp_max: '{}, but never above the bound.',
  sort: '{}, lowest first.',
  sort_desc: '{}, highest first.',
  scalar: 'The one value of {} as a plain number.',
  vector: '{} as a series without labels.',
  timestamp: 'When the samples of {} were taken.',
  label_replace: '{}, with a label made from another one by a pattern.',
  label_join: '{}, with a label joined from others.',
  time: 'The time of the evaluation, in Unix seconds.',
};
const AGGREGATES: Record<string, string> = {
  sum: 'Adds up {}',
  avg: 'Takes the mean of {}',
  min: 'Takes the lowest of {}',
  max: 'Takes the highest of {}',
  count: 'Counts the series of {}',
  group: 'Shows which groups {} has',
  stddev: 'Says how much {} scatters',
  stdvar: 'Says how much {} scatters, squared',
  quantile: 'Takes a quantile of {}',
  count_values: 'Counts equal values of {}',
  topk: 'Keeps the highest of {}',
  bottomk: 'Keeps the lowest of {}',
};
const OPERATORS: Record<string, string> = {
  '+': 'Adds {} and {}',
  '-': 'Takes from {} the value of {}',
  '*': 'Multiplies {} by {}',
  '/': 'Divides {} by {}',
  '%': 'The remainder of {} divided by {}',
  '^': 'Raises {} to the power of {}',
  '==': 'Keeps of {} what equals {}',
  '!=': 'Keeps of {} what differs from {}',
  '>': 'Keeps of {} what is above {}',
  '<': 'Keeps of {} what is below {}',
  '>=': 'Keeps of {} what is at least {}',
  '<=': 'Keeps of {} what is at most {}',
  and: 'Keeps of {} what is in {} too',
  or: 'Takes {}, and what only {} has',
  unless: 'Keeps of {} what is not in {}',
};
const MATCHES: Record<string, string> = {
  '=': '{} is “{}”',
  '!=': '{} is not “{}”',
  '=~': '{} matches “{}”',
  '!~': '{} does not match “{}”',
};
const DEEPEST = 60;

/** `90s`, `5m`, `1h`: milliseconds as PromQL writes them. */
export function duration(ms: number): string {
  let rest = Math.abs(ms),
    out = '';
  for (const [name, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    if (rest >= size) {
      out += `${Math.floor(rest / size)}${name}`;
      rest %= size;
    }
  }
  return out || '0s';
}

const list = (names: string[]): string => names.join(t(', '));

function selector(node: Node): Step {
  const other = (node.matchers ?? []).filter((m) => !(m.name === '__name__' && m.type === '=' && m.value === node.name));
  const braces = other.length ? `{${other.map((m) => `${m.name}${m.type}${JSON.stringify(m.value)}`).join(', ')}}` : '';
  const window = node.type === 'matrixSelector' ? `[${duration(node.range ?? 0)}]` : '';
  let words = node.name ? t('All series called {}', node.name) : t('All series');
  if (other.length)
    words += ` ${t('where {}', list(other.map((m) => (m.value === '' ? t(m.type === '=' ? '{} is missing' : '{} is there', m.name) : t(MATCHES[m.type] ?? '{} {}', m.name, m.value)))))}`;
  words += window ? `${t(', with their samples of the last {}', duration(node.range ?? 0))}.` : '.';
  return { code: `${node.name ?? ''}${braces}${window}`, words: words + shifted(node) };
}

function shifted(node: Node): string {
  const at =
    node.timestamp != null
      ? t('Seen from {}.', new Date(node.timestamp).toISOString())
      : node.startOrEnd === 'start'
        ? t('Seen from the start of the range.')
        : node.startOrEnd === 'end'
          ? t('Seen from the end of the range.')
          : '';
  const by = node.offset
    ? node.offset > 0
      ? t('Looked up {} earlier.', duration(node.offset))
      : t('Looked up {} later.', duration(node.offset))
    : '';
  return [at, by]
    .filter(Boolean)
    .map((s) => ` ${s}`)
    .join('');
}

function aggregate(node: Node, of: string, param: string): Step {
  const labels = node.grouping ?? [],
    keeps = node.op === 'topk' || node.op === 'bottomk';
  const code = `${node.op}${labels.length || node.without ? ` ${node.without ? 'without' : 'by'} (${labels.join(', ')})` : ''} (${param ? `${param}, ` : ''}…)`;
  let words = t(AGGREGATES[node.op ?? ''] ?? 'Puts together {}', of);
  if (param) words += t(' (parameter {})', param);
  if (node.without) words += t(', apart for every label but {}', list(labels));
  else if (labels.length) words += t(', one result for each {}', list(labels));
  else words += t(keeps ? ', of all series' : ', all in one result');
  return { code, words: `${words}.` };
}

/** The steps of a query. Numbers stand where they are used; everything else is a step that later ones name. */
export function explain(root: Node): Step[] {
  const out: Step[] = [];
  const add = (step: Step): string => {
    out.push(step);
    return t('step {}', out.length);
  };
  const walk = (node: Node | null | undefined, depth: number): string => {
    if (!node || depth > DEEPEST) return '…';
    switch (node.type) {
      case 'numberLiteral':
        return node.val ?? '';
      case 'stringLiteral':
        return `“${node.val ?? ''}”`;
      case 'parenExpr':
        return walk(node.expr, depth + 1);
      case 'unaryExpr': {
        const of = walk(node.expr, depth + 1);
        return node.op === '-' ? add({ code: '-…', words: t('{} with the sign turned.', of) }) : of;
      }
      case 'vectorSelector':
      case 'matrixSelector':
        return add(selector(node));
      case 'subquery': {
        const of = walk(node.expr, depth + 1),
          window = duration(node.range ?? 0);
        return add({
          code: `…[${window}:${node.step ? duration(node.step) : ''}]`,
          words: t('Works out {} again and again over the last {}.', of, window) + shifted(node),
        });
      }
      case 'call': {
        const name = node.func?.name ?? '';
        const args = (node.args ?? []).map((arg) => walk(arg, depth + 1));
        // The series, not the numbers and texts beside them, are what a sentence is about.
        const at = (node.args ?? []).findIndex((arg) => !/Literal$/.test(arg.type)),
          of = args[at] ?? args[0] ?? '';
        const code = `${name}(${args.map((arg, i) => (i === at ? '…' : arg)).join(', ')})`;
        const known = FUNCTIONS[name];
        return add({
          code,
          words: known
            ? known.includes('{}')
              ? t(known, of)
              : t(known)
            : t('Puts {} through the function {}.', args.join(', ') || '–', name),
        });
      }
      case 'aggregation': {
        const of = walk(node.expr, depth + 1);
        return add(aggregate(node, of, node.param ? walk(node.param, depth + 1) : ''));
      }
      case 'binaryExpr': {
        const left = walk(node.lhs, depth + 1),
          right = walk(node.rhs, depth + 1);
        let words = node.bool
          ? t('1 where {} {} {}, else 0', left, node.op ?? '', right)
          : t(OPERATORS[node.op ?? ''] ?? '{} {}', left, right);
        const labels = node.matching?.labels ?? [];
        if (labels.length || node.matching?.on)
          words += t(node.matching?.on ? ', matched by {}' : ', matched by all labels but {}', list(labels));
        return add({ code: `… ${node.op} …`, words: `${words}.` });
      }
      default:
        return '…';
    }
  };
  const result = walk(root, 0);
  if (!out.length) out.push({ code: result, words: t('The same value at every time.') });
  return out;
}
