/** Variables as Grafana's classic JSON has them: kinds, what a new one is, and how one becomes another kind. */
import type { BoardJson, Json, Obj } from '../draft.ts';
import { t } from './words.ts';

export type VariableJson = Obj & { name: string; type: string };
export type Kind = 'query' | 'custom' | 'textbox' | 'constant' | 'interval' | 'datasource' | 'adhoc' | 'switch' | 'groupby';

/** Every kind with its name for people, and what it is for. */
export const kinds = (): [Kind, string, string][] => [
  ['query', t('Query'), t('Values come from metrics or logs, and are up to date.')],
  ['custom', t('List'), t('Values that you write here.')],
  ['textbox', t('Text field'), t('Whatever the reader types.')],
  ['constant', t('Constant'), t('A value that nobody chooses, such as a prefix of metrics.')],
  ['interval', t('Interval'), t('Lengths of time, for windows of rates.')],
  ['datasource', t('Data source'), t('Which source the queries go to.')],
  ['adhoc', t('Filters'), t('Conditions on labels that go into every query by themselves.')],
  ['switch', t('Switch'), t('One value when it is on, another when it is off.')],
  ['groupby', t('Group by'), t('Labels by which the reader groups results.')],
];
export const kindName = (type: string): string => kinds().find(([id]) => id === type)?.[1] ?? type;

/** What a reader sees of it: Grafana's `hide`. */
export const shows = (): [string, string][] => [
  ['0', t('name and value')],
  ['1', t('only the value')],
  ['2', t('nothing')],
];
/** Grafana's `sort`. */
export const sorts = (): [string, string][] => [
  ['0', t('as they come')],
  ['1', t('by letters, A to Z')],
  ['2', t('by letters, Z to A')],
  ['3', t('by the first number, least first')],
  ['4', t('by the first number, most first')],
  ['5', t('by letters whatever their case, A to Z')],
  ['6', t('by letters whatever their case, Z to A')],
  ['7', t('as people count, least first')],
  ['8', t('as people count, most first')],
];
/** Grafana's `refresh`; 0 exists only in old dashboards. */
export const refreshes = (): [string, string][] => [
  ['1', t('when the dashboard is opened')],
  ['2', t('when the time range changes')],
  ['0', t('never')],
];

/** Kinds whose reader picks from choices, with many, all, and the like. */
export const hasMany = (type: string): boolean => type === 'query' || type === 'custom' || type === 'datasource';

export const METRICS = { type: 'prometheus', uid: 'metrics' },
  LOGS = { type: 'loki', uid: 'logs' };

/** The variables of a dashboard. */
export function variablesOf(json: BoardJson): VariableJson[] {
  const list = (json.templating as { list?: unknown } | undefined)?.list;
  return Array.isArray(list) ? list.filter((one): one is VariableJson => !!one && typeof one === 'object') : [];
}
/** The same to be changed, made where the JSON has none. */
export function variablesIn(json: BoardJson): VariableJson[] {
  const held = (json.templating ??= {}) as { list?: unknown };
  const list = variablesOf(json);
  held.list = list;
  return list;
}

/** What each kind has that others have not. */
function own(kind: Kind): Obj {
  const many = { multi: false, includeAll: false, options: [], current: {} };
  switch (kind) {
    case 'query':
      return {
        datasource: { ...METRICS },
        query: { qryType: 1, query: '', refId: 'PrometheusVariableQueryEditor-VariableQuery' },
        definition: '',
        regex: '',
        sort: 1,
        refresh: 1,
        ...many,
      };
    case 'custom':
      return { query: '', ...many };
    case 'textbox':
      return { query: '', options: [], current: {} };
    case 'constant':
      return { query: '', hide: 2, skipUrlSync: true, options: [], current: {} };
    case 'interval':
      return { query: '1m,10m,30m,1h,6h,12h,1d,7d', auto: false, auto_count: 30, auto_min: '10s', refresh: 2, options: [], current: {} };
    case 'datasource':
      return { query: 'prometheus', regex: '', refresh: 1, ...many };
    case 'adhoc':
      return { datasource: { ...METRICS }, filters: [], baseFilters: [] };
    case 'switch':
      return {
        current: { text: 'false', value: 'false' },
        options: [
          { selected: false, text: 'Enabled', value: 'true' },
          { selected: true, text: 'Disabled', value: 'false' },
        ],
      };
    case 'groupby':
      return { datasource: { ...METRICS }, multi: true, options: [], current: { text: [], value: [] } };
  }
}

/** A new variable. */
export const fresh = (kind: Kind, name: string): VariableJson =>
  listed({ name, label: '', description: '', hide: 0, skipUrlSync: false, type: kind, ...own(kind) } as VariableJson);

/** What holds for every kind, and what lists share. */
const KEPT = ['name', 'label', 'description', 'hide', 'skipUrlSync'],
  SHARED = ['multi', 'includeAll', 'allValue'];

/** The same variable as another kind. */
export function turned(from: VariableJson, kind: Kind): VariableJson {
  if (from.type === kind) return from;
  const next = fresh(kind, from.name),
    keep = (names: string[]) =>
      names.forEach((name) => {
        if (name in from) next[name] = from[name] as Json;
      });
  // A constant is hidden by itself, not because somebody wanted that.
  keep(kind === 'constant' || from.type === 'constant' ? KEPT.filter((name) => name !== 'hide' && name !== 'skipUrlSync') : KEPT);
  if (hasMany(kind) && hasMany(from.type)) keep(SHARED);
  return next;
}

/** `a, b, text : value`, with `\,` for a comma in a value: text and value of each. */
export function split(list: string): [string, string][] {
  return list
    .split(/(?<!\\),/)
    .map((part) => part.replaceAll('\\,', ',').trim())
    .filter(Boolean)
    .map((part) => {
      const at = part.indexOf(' : ');
      return at > 0 ? [part.slice(0, at).trim(), part.slice(at + 3).trim()] : [part, part];
    });
}

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.map(String) : value == null || value === '' ? [] : [String(value)];
/** The values that are chosen at first. */
export const chosen = (one: VariableJson): string[] =>
  texts((one.current as Obj | undefined)?.value).map((value) => (value === 'All' ? '$__all' : value));

/** With these values chosen at first, as text and value. */
export function withChosen(one: VariableJson, values: [string, string][]): VariableJson {
  const all = values.some(([, value]) => value === '$__all') ? values.filter(([, value]) => value === '$__all') : values;
  const current =
    one.multi === true
      ? { text: all.map(([text]) => text), value: all.map(([, value]) => value) }
      : { text: all[0]?.[0] ?? '', value: all[0]?.[1] ?? '' };
  return listed({ ...one, current: all.length ? current : {} });
}

/** Grafana writes the choices of lists into the JSON, and which of them are chosen. */
export function listed(one: VariableJson): VariableJson {
  const query = typeof one.query === 'string' ? one.query : '',
    now = chosen(one);
  const option = ([text, value]: [string, string]): Obj => ({ selected: now.includes(value), text, value });
  switch (one.type) {
    case 'custom':
      return {
        ...one,
        options: [...(one.includeAll === true ? [['All', '$__all'] as [string, string]] : []), ...split(query)].map(option),
      };
    case 'interval':
      return {
        ...one,
        options: [...(one.auto === true ? [['auto', `$__auto_interval_${one.name}`] as [string, string]] : []), ...split(query)].map(
          option,
        ),
      };
    case 'textbox':
    case 'constant':
      return {
        ...one,
        current: query ? { text: query, value: query } : {},
        options: query ? [{ selected: true, text: query, value: query }] : [],
      };
    case 'switch':
      return {
        ...one,
        options: (Array.isArray(one.options) ? (one.options as Obj[]) : []).map((o) => ({ ...o, selected: now.includes(String(o.value)) })),
      };
    default:
      return one;
  }
}

/** With `multi` or `includeAll` turned: what is chosen keeps its form. */
export function withMany(one: VariableJson, name: 'multi' | 'includeAll', on: boolean): VariableJson {
  const current = one.current as Obj | undefined,
    shown = texts(current?.text),
    now = chosen(one);
  const pairs = now.map((value, at): [string, string] => [shown[at] ?? value, value]);
  const left = name === 'includeAll' && !on ? pairs.filter(([, value]) => value !== '$__all') : pairs;
  return withChosen({ ...one, [name]: on }, left);
}

/** What is wrong with a name, in words; empty for nothing. */
export function wrongName(name: string, others: string[]): string {
  if (!name) return t('A variable needs a name.');
  if (!/^\w+$/.test(name)) return t('A name has letters, digits and _ only.');
  if (name.startsWith('__')) return t('Names that begin with __ are those of built-in variables.');
  if (name.length > 100) return t('A name has at most {} letters.', 100);
  return others.includes(name) ? t('Another variable is called “{}” already.', name) : '';
}

/** A name that no variable has: `base`, `base2` … */
export function freeName(base: string, taken: string[]): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}${n}`;
    if (!taken.includes(name)) return name;
  }
}
