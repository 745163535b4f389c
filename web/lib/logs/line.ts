/** Lines as the API gives them and as rows show them. */
import { html, raw, type Raw } from '../html.ts';
import { CLOCK, show, zone } from '../zone.ts';
import { coloured, hasAnsi, stripped } from './ansi.ts';
import { fieldsOf, folded } from './fold.ts';

export type Labels = Record<string, string>;
export interface Line {
  /** Nanoseconds since the Unix epoch, as text: numbers are too short for them. */
  t: string;
  level: string;
  /** Labels of the stream, or of everything when nobody said which are which. */
  labels: Labels;
  /** What it was sent with, and what parsers found. */
  fields: Labels;
  text: string;
  open?: boolean;
}

export const LEVEL = 'detected_level';
const CLASSES: Record<string, string> = {
  error: 'error',
  critical: 'error',
  fatal: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
};
export const classOf = (level: string): string => CLASSES[level] ?? 'unknown';
export const millis = (t: string): number => Number(t.slice(0, -6)) + Number(t.slice(-6, -3)) / 1000;
/** Nanoseconds of milliseconds. */
export const nanos = (ms: number): string => `${Math.round(ms)}000000`;

/** What a value of the API may carry beside time and text, when labels are told apart. */
interface Extra {
  structuredMetadata?: Labels;
  parsed?: Labels;
}
export interface Stream {
  stream: Labels;
  values: ([string, string] | [string, string, Extra])[];
}

/** The lines of an answer; `names` are labels of streams where the answer does not tell labels apart. */
export function lines(streams: Stream[], names?: Set<string>): Line[] {
  const out: Line[] = [];
  for (const { stream, values } of streams) {
    const labels: Labels = {},
      rest: Labels = {};
    let shared = '';
    for (const [name, value] of Object.entries(stream)) {
      if (name === LEVEL) shared = value;
      else if (!names || names.has(name)) labels[name] = value;
      else rest[name] = value;
    }
    for (const [t, text, extra] of values) {
      const fields = { ...rest, ...extra?.structuredMetadata, ...extra?.parsed };
      const level = fields[LEVEL] ?? shared;
      delete fields[LEVEL];
      out.push({ t, text, labels, fields, level });
    }
  }
  return out;
}

/** Newest first; lines of one moment keep their order. */
export const newestFirst = (a: Line, b: Line): number =>
  a.t.length !== b.t.length ? b.t.length - a.t.length : a.t < b.t ? 1 : a.t > b.t ? -1 : 0;

/** Those of some lines that are not among others, each as often as it came oftener. */
export function fresh(had: Line[], came: Line[]): Line[] {
  const key = (l: Line) => JSON.stringify([l.t, l.text, Object.entries(l.labels).sort(), Object.entries(l.fields).sort()]);
  const left = new Map<string, number>();
  for (const l of had) left.set(key(l), (left.get(key(l)) ?? 0) + 1);
  return came.filter((l) => {
    const n = left.get(key(l)) ?? 0;
    if (n) left.set(key(l), n - 1);
    return !n;
  });
}

export const value = (line: Line, name: string): string =>
  line.labels[name] ?? line.fields[name] ?? (name === LEVEL ? line.level : (fieldsOf(line.text)[name] ?? ''));

export function clock(t: string, dated: boolean): string {
  const at = new Date(millis(t));
  const two = (n: number) => String(n).padStart(2, '0');
  const date = zone() === 'utc' ? [at.getUTCMonth() + 1, at.getUTCDate()] : [at.getMonth() + 1, at.getDate()];
  return `${dated ? `${date.map(two).join('-')} ` : ''}${show(at, CLOCK)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

const SHOWN_MAX = 2000;
/** The first line of a text, in its colours, with what is folded as a count. */
function short(text: string): Raw {
  const { first, more } = folded(text.length > 8 * SHOWN_MAX ? text.slice(0, 8 * SHOWN_MAX) : text);
  const cut = first.length > SHOWN_MAX ? first.slice(0, SHOWN_MAX) + '…' : first;
  return html`${hasAnsi(cut) ? raw(coloured(cut)) : cut}${more ? html` <em>+${more}</em>` : ''}`;
}

export function row(line: Line, at: number, columns: string[], dated: boolean): string {
  return html`<div class="ln ${classOf(line.level)}" data-i="${at}"><time>${clock(line.t, dated)}</time><b>${line.level}</b>${columns.map((c) => html`<i>${value(line, c)}</i>`)}<span>${short(line.text)}</span></div>`
    .text;
}

export const plain = (line: Line): string => stripped(line.text);

/** The selector of a label set. */
export const selector = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([n, v]) => `${n}=${JSON.stringify(v)}`)
    .join(', ')}}`;

const KEYWORD =
  /^(and|or|unless|by|without|bool|offset|on|ignoring|group_left|group_right|unwrap|json|logfmt|regexp|pattern|unpack|line_format|label_format|decolorize|drop|keep)$/i;
/** The LogQL that finds a stream. Names that LogQL has for itself cannot stand in a selector: they are compared behind it. */
export function streamQuery(labels: Labels): string {
  const all = Object.entries(labels),
    odd = all.filter(([n]) => KEYWORD.test(n));
  const query = selector(Object.fromEntries(all.filter(([n]) => !KEYWORD.test(n))));
  if (!odd.length) return query;
  return `${query} | label_format ${odd.map(([n]) => `${n}_="{{.${n}}}"`).join(',')}${odd.map(([n, v]) => ` | ${n}_=${JSON.stringify(v)}`).join('')} | drop ${odd.map(([n]) => `${n}_`).join(',')}`;
}
