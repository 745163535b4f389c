/** What a variable asks for: `label_values(…)` and the like, taken apart and put together; the twin of the server's reading. */
import type { Json, Obj } from '../draft.ts';
import { t } from './words.ts';
import type { VariableJson } from './variable.ts';

/** `text` is written by hand and stays as it is. */
export type Form = 'values' | 'names' | 'metrics' | 'result' | 'series' | 'text';
/** `of`: a selector, a pattern, a query, or all of what is written by hand. */
export interface Wanted {
  form: Form;
  label: string;
  of: string;
}

/** Every form with its name for people; logs know only the first two. */
export const forms = (logs: boolean): [Form, string][] => {
  const both: [Form, string][] = [
    ['values', t('Values of a label')],
    ['names', t('Names of labels')],
  ];
  return logs
    ? both
    : [
        ...both,
        ['metrics', t('Names of metrics')],
        ['result', t('Result of a query')],
        ['series', t('Series')],
        ['text', t('Written by hand')],
      ];
};

/** Grafana's numbers of the forms. */
const NUMBER: Record<Form, number> = { names: 0, values: 1, metrics: 2, result: 3, series: 4, text: 5 };

/** Takes a query apart. */
export function read(query: string): Wanted {
  const given = query.trim();
  const inside = (name: string) => new RegExp(`^${name}\\s*\\(([^]*)\\)$`).exec(given)?.[1]?.trim();
  const names = inside('label_names'),
    values = inside('label_values'),
    metrics = inside('metrics'),
    result = inside('query_result');
  if (names != null) return { form: 'names', label: '', of: names };
  if (values != null) {
    // The label is what stands behind the last comma outside of braces.
    const comma = values.lastIndexOf(','),
      is = comma >= 0 && !/["}]/.test(values.slice(comma));
    return { form: 'values', label: values.slice(is ? comma + 1 : 0).trim(), of: is ? values.slice(0, comma).trim() : '' };
  }
  if (metrics != null) return { form: 'metrics', label: '', of: metrics };
  if (result != null) return { form: 'result', label: '', of: result };
  return given ? { form: 'series', label: '', of: given } : { form: 'values', label: '', of: '' };
}

/** Puts a query together. */
export function write({ form, label, of }: Wanted): string {
  switch (form) {
    case 'values':
      return !label && !of ? '' : of ? `label_values(${of}, ${label})` : `label_values(${label})`;
    case 'names':
      return `label_names(${of})`;
    case 'metrics':
      return `metrics(${of})`;
    case 'result':
      return `query_result(${of})`;
    default:
      return of;
  }
}

/** The text of a variable's query, whichever way the JSON has it. */
export function asked(one: VariableJson): string {
  const query = one.query;
  if (typeof query === 'string') return query || String(one.definition ?? '');
  const inner = (query ?? {}) as Obj,
    text = inner.query ?? inner.expr;
  if (typeof text === 'string' && text) return text;
  // Loki's: `{"type":1,"label":"job","stream":"{…}"}`.
  if (inner.type === 0) return 'label_names()';
  if (inner.type === 1) return write({ form: 'values', label: String(inner.label ?? ''), of: String(inner.stream ?? '') });
  return String(one.definition ?? '');
}

/** What a variable asks for. */
export function wanted(one: VariableJson): Wanted {
  const text = asked(one),
    number = ((one.query ?? {}) as Obj).qryType;
  return number === NUMBER.text ? { form: 'text', label: '', of: text } : (isEmpty(one, number) ?? read(text));
}
/** A form that is chosen before anything is typed. */
function isEmpty(one: VariableJson, number: Json | undefined): Wanted | null {
  const form = (Object.keys(NUMBER) as Form[]).find((name) => NUMBER[name] === number);
  return form && !asked(one) ? { form, label: '', of: '' } : null;
}

/** The variable asking for something else, written as Grafana does for logs or metrics. */
export function asking(one: VariableJson, want: Wanted, logs: boolean): VariableJson {
  const text = write(want),
    refId = ((one.query ?? {}) as Obj).refId;
  if (logs) {
    const logs = { refId: typeof refId === 'string' && refId.startsWith('Loki') ? refId : 'LokiVariableQueryEditor-VariableQuery' };
    return {
      ...one,
      query: want.form === 'names' ? { ...logs, type: 0, label: '', stream: '' } : { ...logs, type: 1, label: want.label, stream: want.of },
      definition: text,
    };
  }
  const metrics = typeof refId === 'string' && !refId.startsWith('Loki') ? refId : 'PrometheusVariableQueryEditor-VariableQuery';
  return { ...one, query: { qryType: NUMBER[want.form], query: text, refId: metrics }, definition: text };
}

/** The variable asking another source: where it goes from metrics to logs or back, the query takes the form that source knows. */
export function from(one: VariableJson, source: Json | undefined, was: boolean, logs: boolean): VariableJson {
  const { datasource: _gone, ...rest } = one,
    next = (source === undefined ? rest : { ...one, datasource: source }) as VariableJson;
  if (was === logs) return next;
  const want = wanted(one),
    known = forms(logs).some(([form]) => form === want.form);
  return asking(next, known ? want : { form: 'values', label: '', of: '' }, logs);
}

/** The query in a line, for lists. */
export function definition(one: VariableJson): string {
  switch (one.type) {
    case 'query':
      return asked(one);
    case 'adhoc':
      return [...list(one.baseFilters), ...list(one.filters)].map((f) => `${f.key ?? ''} ${f.operator ?? ''} ${f.value ?? ''}`).join(', ');
    case 'switch':
    case 'groupby':
      return '';
    default:
      return typeof one.query === 'string' ? one.query : '';
  }
}
const list = (value: Json | undefined): Obj[] => (Array.isArray(value) ? (value as Obj[]) : []);
