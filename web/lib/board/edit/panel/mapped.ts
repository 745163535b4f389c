/** Texts for values: Grafana's JSON of them as rows, and back. No DOM. */
import type { Json, Obj } from '../draft.ts';
import { list, object, text } from './path.ts';

export interface Mapped {
  type: 'value' | 'range' | 'regex' | 'special';
  /** The value, the expression, or what is special. */
  match: string;
  from?: number | undefined;
  to?: number | undefined;
  text: string;
  color: string;
  /** What of its result is not edited. */
  rest: Obj;
}

const number = (json: Json | undefined): number | undefined =>
  typeof json === 'number' ? json : typeof json === 'string' && json.trim() && Number.isFinite(Number(json)) ? Number(json) : undefined;

/** Rows in their order. */
export function mappingRows(value: Json | undefined): Mapped[] {
  return list(value).flatMap((json): Mapped[] => {
    const one = object(json),
      options = object(one?.options) ?? {};
    if (!one) return [];
    const made = (type: Mapped['type'], match: string, result: unknown, more: Partial<Mapped> = {}): Mapped => {
      const { text: words, color, index: _index, ...rest } = object(result) ?? {};
      return { type, match, text: text(words), color: text(color), rest, ...more };
    };
    switch (one.type) {
      case 'value':
        return Object.entries(options)
          .filter(([, result]) => object(result))
          .sort((a, b) => (number(object(a[1])?.index) ?? 0) - (number(object(b[1])?.index) ?? 0))
          .map(([match, result]) => made('value', match, result));
      case 'range':
        return [made('range', '', options.result, { from: number(options.from), to: number(options.to) })];
      case 'regex':
        return [made('regex', text(options.pattern), options.result)];
      case 'special':
        return [made('special', text(options.match) || 'null', options.result)];
      // Older ones are numbered.
      case 1:
        return one.value === 'null' ? [made('special', 'null', one)] : [made('value', text(one.value), { text: one.text ?? '' })];
      case 2:
        return [made('range', '', { text: one.text ?? '' }, { from: number(one.from), to: number(one.to) })];
      default:
        return [];
    }
  });
}

export function mappingsOf(rows: readonly Mapped[]): Json {
  return rows.map((row, index): Json => {
    const result: Obj = { ...row.rest, index, ...(row.text ? { text: row.text } : {}), ...(row.color ? { color: row.color } : {}) };
    switch (row.type) {
      case 'value':
        return { type: 'value', options: { [row.match]: result } };
      case 'range':
        return { type: 'range', options: { from: row.from ?? null, to: row.to ?? null, result } };
      case 'regex':
        return { type: 'regex', options: { pattern: row.match, result } };
      case 'special':
        return { type: 'special', options: { match: row.match, result } };
    }
  });
}
